"""
The tables: columns, constraints, relations.

Chapters follow a clerk's day. Rules live in `app/domain`, changes in `app/operations`, SELECTs in `app/queries.py`.
`*_on` are local dates of Colombia, `*_at` aware UTC instants, `*_cop` pesos, `is_*` flags, `n_*` counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

import app.extensions  # noqa: F401  the naming convention comes before the first table
from app.domain.deadlines import CountFrom, Regime, TermAct, TermUnit
from app.domain.states import (
    AccountUse,
    AnswerStatus,
    ConsentKind,
    DayException,
    DocumentKind,
    DocumentType,
    Identity,
    MemberRole,
    MessageStatus,
    Move,
    NoticeMeans,
    Outcome,
    PartyKind,
    PqrStatus,
    SuiCodeKind,
    Visibility,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. Stored with its zone where the engine can (PostgreSQL), as naive UTC where it cannot (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive instant {value!r}: say which zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(enum: type[Enum], constraint: str, **options: Any) -> Any:
    """Return a column that stores the member's *name* as text, with a CHECK called *constraint*."""
    length = max(24, *(len(member.name) for member in enum))
    kind = EnumType(enum, native_enum=False, create_constraint=True, name=constraint, length=length, validate_strings=True)
    return mapped_column(kind, **options)


def _names(enum_members: tuple[Enum, ...]) -> str:
    return ", ".join(f"'{member.name}'" for member in enum_members)


_STOPPED = _names((PqrStatus.AWAITING_USER, PqrStatus.EVIDENCE))
_ANSWERED = _names((PqrStatus.ANSWERED, PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED))
_NOTIFIED = _names((PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED))
_FINAL = _names((PqrStatus.CLOSED, PqrStatus.WITHDRAWN, PqrStatus.TRANSFERRED, PqrStatus.VOIDED))


class Audited:
    """
    Who made a row and who touched it last; both may be nobody (jobs, seeds, citizens). `app/audit.py` fills them and
    writes the before/after of every column to `change_log` in the same transaction.
    """

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))


# ── The house: organisation, processes, catalogues ───────────────────────────────────────────────────────────────────────


class Municipality(Model):
    """A municipality by its DANE code, five digits with the leading zero; names repeat, so join on the code."""

    __tablename__ = "municipality"
    __table_args__ = (CheckConstraint("length(code) = 5", name="code_has_five_digits"),)
    code: Mapped[str] = mapped_column(String(5), primary_key=True, comment="DANE: department 2 + municipality 3")
    name: Mapped[str] = mapped_column(String(80))
    department: Mapped[str] = mapped_column(String(80))

    def __repr__(self) -> str:
        return f"{self.name} ({self.department})"


class Organisation(Audited, Model):
    """The company that attends. Its regime and working hours decide the clock; its head appears on every letter."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("length(working_week) BETWEEN 1 AND 7", name="working_week_not_empty"),
        CheckConstraint("closes_at IS NULL OR opens_at IS NULL OR opens_at < closes_at", name="opens_before_closes"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), unique=True)
    nit: Mapped[str] = mapped_column(String(12), unique=True, comment="Tax number with its check digit, digits only")
    regime: Mapped[Regime] = enum_column(Regime, "regime_known", default=Regime.LEY142)
    municipality_code: Mapped[str] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality] = relationship()
    address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(200))
    sui_company_id: Mapped[str | None] = mapped_column(String(20), comment="Identifier of the company in SUI")
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, comment="PNG, JPEG or SVG, at most 300 KB")
    signatory_name: Mapped[str] = mapped_column(String(120), comment="Who signs the answers")
    signatory_title: Mapped[str] = mapped_column(String(120))
    working_week: Mapped[str] = mapped_column(String(7), default="12345", comment="ISO weekdays that count, 1 = Monday")
    opens_at: Mapped[time | None]
    closes_at: Mapped[time | None] = mapped_column(comment="Filing later counts as the next working day; empty: midnight")

    def __repr__(self) -> str:
        return self.name


class Process(Audited, Model):
    """An area that answers for cases. Exactly one is the front desk, where every case starts."""

    __tablename__ = "process"
    __table_args__ = (
        Index("uq_process_front_desk", "is_front_desk", unique=True, sqlite_where=text("is_front_desk"),
              postgresql_where=text("is_front_desk")),
        CheckConstraint("NOT is_front_desk OR is_active", name="front_desk_is_active"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    is_front_desk: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    members: Mapped[list[ProcessMember]] = relationship(back_populates="process", cascade="all, delete-orphan")

    def __repr__(self) -> str:
        return self.name


class ProcessMember(Audited, Model):
    """A user's place in a process; a substitute has dates. Row scope follows these rows."""

    __tablename__ = "process_member"
    __table_args__ = (
        UniqueConstraint("process_id", "user_id", "role"),
        CheckConstraint("valid_until IS NULL OR valid_from IS NULL OR valid_from <= valid_until", name="from_before_until"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="CASCADE"))
    process: Mapped[Process] = relationship(back_populates="members")
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    role: Mapped[MemberRole] = enum_column(MemberRole, "role_known", default=MemberRole.OWNER)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]

    def __repr__(self) -> str:
        return f"{self.user} · {self.process}"


class Channel(Audited, Model):
    """How a case arrived: counter, phone, web, mail…"""

    __tablename__ = "channel"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class Service(Audited, Model):
    """A service rendered: water, sewer, waste, energy, or none in particular."""

    __tablename__ = "service"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    is_public_utility: Mapped[bool] = mapped_column(default=True, comment="Reported to SUI")
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class RequestType(Audited, Model):
    """What the citizen asks for, in the office's words and in plain ones. `code` and the regime select the term."""

    __tablename__ = "request_type"
    __table_args__ = (CheckConstraint("internal_days IS NULL OR internal_days > 0", name="internal_days_positive"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    plain_name: Mapped[str] = mapped_column(String(120), comment="What the citizen reads")
    plain_help: Mapped[str] = mapped_column(String(240), default="")
    regime: Mapped[Regime | None] = enum_column(Regime, "regime_known", comment="Empty: the regime of the organisation")
    sui_procedure: Mapped[str | None] = mapped_column(String(4), comment="SUI tipo de trámite")
    default_process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    default_process: Mapped[Process | None] = relationship()
    internal_days: Mapped[int | None] = mapped_column(comment="Internal target, business days; never the legal term")
    is_public: Mapped[bool] = mapped_column(default=True, comment="Offered on the citizen's page")
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class SuiCause(Audited, Model):
    """A cause of the regulator's table, by service and validity (codes of services disagree)."""

    __tablename__ = "sui_cause"
    __table_args__ = (
        UniqueConstraint("service_id", "code", "valid_from"),
        CheckConstraint("group_code IN ('F', 'P', 'I')", name="group_known"),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="from_before_until"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service] = relationship()
    group_code: Mapped[str] = mapped_column(String(1), comment="F invoicing, P provision, I installation (until 2018)")
    code: Mapped[str] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(String(160))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[str] = mapped_column(String(120), default="")

    def __repr__(self) -> str:
        return f"{self.group_code} {self.code} · {self.name}"


class SuiCode(Audited, Model):
    """A code of the other SUI tables (procedure, answer, notice); `variant` keeps tables that conflict apart."""

    __tablename__ = "sui_code"
    __table_args__ = (UniqueConstraint("kind", "variant", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[SuiCodeKind] = enum_column(SuiCodeKind, "kind_known")
    variant: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(String(160))
    source: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[str] = mapped_column(String(120), default="")

    def __repr__(self) -> str:
        return f"{self.code} · {self.name}"


class Parameter(Audited, Model):
    """A value an administrator may change: a limit, a form code, a text; with the norm that backs it."""

    __tablename__ = "parameter"
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return self.key


class NumberSeries(Model):
    """The last number given, per organisation, prefix and year. Moved only inside the transaction that uses the number."""

    __tablename__ = "number_series"
    __table_args__ = (CheckConstraint("last >= 0", name="last_not_negative"),)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(8), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


# ── The calendar and the terms ────────────────────────────────────────────────────────────────────────────────────────────


class CalendarYear(Model):
    """A year whose holidays somebody loaded; counting into any other year is refused."""

    __tablename__ = "calendar_year"
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(200))
    loaded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return str(self.year)


class CalendarDay(Audited, Model):
    """A non-working day besides the weekend, with the norm that says so. Written only through a calendar change."""

    __tablename__ = "calendar_day"
    id: Mapped[int] = mapped_column(primary_key=True)
    on: Mapped[date] = mapped_column("on_date", unique=True)
    year: Mapped[int] = mapped_column(ForeignKey("calendar_year.year", ondelete="RESTRICT"))
    kind: Mapped[DayException] = enum_column(DayException, "kind_known", default=DayException.HOLIDAY)
    name: Mapped[str] = mapped_column(String(120))
    norm: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(200), default="")

    def __repr__(self) -> str:
        return f"{self.on:%Y-%m-%d} {self.name}"


class CalendarChange(Model):
    """An applied change of the calendar: what changed, why, who, and which open cases moved from which date to which."""

    __tablename__ = "calendar_change"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    reason: Mapped[str] = mapped_column(Text)
    added: Mapped[list[dict[str, str]]] = mapped_column(JSON, comment="[{on, kind, name, norm, source}]")
    removed: Mapped[list[dict[str, str]]] = mapped_column(JSON, comment="[{on, kind, name, norm, source}]")
    settings: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, server_default="{}", comment="{years: [loaded], working_week | opens_at | closes_at: [before, after]}"
    )
    moved: Mapped[list[dict[str, Any]]] = mapped_column(JSON, comment="[{number, process, from: {column: date}, to: …, lateness}]")

    def __repr__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.reason}"


class LegalTerm(Audited, Model):
    """
    A legal term: how long, in which unit, from when it is in force, and the norm that says so (`domain.deadlines.TermRule`).

    A term that a case rests on cannot change its length (foreign key of `pqr`): end its validity and add a new row.
    """

    __tablename__ = "legal_term"
    __table_args__ = (
        UniqueConstraint("regime", "act", "request_type", "valid_from"),
        UniqueConstraint("id", "value", "unit", "count_from"),  # what a case copies, so that the copy can be a foreign key
        CheckConstraint("value > 0", name="value_positive"),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="from_before_until"),
        CheckConstraint("act <> 'ANSWER' OR request_type IS NOT NULL", name="answer_names_its_type"),
        Index("uq_legal_term_general", "regime", "act", "valid_from", unique=True, sqlite_where=text("request_type IS NULL"),
              postgresql_where=text("request_type IS NULL")),  # UNIQUE above lets NULLs repeat
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    regime: Mapped[Regime] = enum_column(Regime, "regime_known")
    act: Mapped[TermAct] = enum_column(TermAct, "act_known")
    request_type: Mapped[str | None] = mapped_column(ForeignKey("request_type.code", ondelete="RESTRICT"))
    value: Mapped[int]
    unit: Mapped[TermUnit] = enum_column(TermUnit, "unit_known")
    count_from: Mapped[CountFrom] = enum_column(CountFrom, "count_from_known", default=CountFrom.NEXT_DAY)
    norm: Mapped[str] = mapped_column(String(240))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(240), default="")
    confidence: Mapped[str] = mapped_column(String(160), default="")

    def __repr__(self) -> str:
        return f"{self.act.name} {self.value} {self.unit.name} ({self.norm})"


# ── Parties and accounts ──────────────────────────────────────────────────────────────────────────────────────────────────


class Party(Audited, Model):
    """A person or organisation that the company attends."""

    __tablename__ = "party"
    __table_args__ = (
        UniqueConstraint("document_type", "document_number"),
        CheckConstraint("(document_type IS NULL) = (document_number IS NULL)", name="document_whole"),
        CheckConstraint("document_type <> 'NIT' OR length(document_number) BETWEEN 9 AND 11", name="nit_with_check_digit"),
        Index(None, "name"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PartyKind] = enum_column(PartyKind, "kind_known", default=PartyKind.PERSON)
    document_type: Mapped[DocumentType | None] = enum_column(DocumentType, "document_type_known")
    document_number: Mapped[str | None] = mapped_column(String(20), comment="Digits (letters for passports); NIT with check digit")
    name: Mapped[str] = mapped_column(String(160))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20), comment="E.164")
    address: Mapped[str | None] = mapped_column(String(200))
    municipality_code: Mapped[str | None] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality | None] = relationship()
    accounts: Mapped[list[Account]] = relationship(back_populates="party")

    def __repr__(self) -> str:
        return self.name


class Account(Audited, Model):
    """A service connection, as the billing system numbers it."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("number", "service_id"),
        CheckConstraint("stratum BETWEEN 1 AND 6", name="stratum_1_to_6"),
        Index(None, "party_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(30))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service] = relationship()
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party | None] = relationship(back_populates="accounts")
    address: Mapped[str] = mapped_column(String(200))
    municipality_code: Mapped[str] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality] = relationship()
    stratum: Mapped[int | None] = mapped_column(comment="1 to 6, residential only")
    use: Mapped[AccountUse] = enum_column(AccountUse, "use_known", default=AccountUse.RESIDENTIAL)
    meter: Mapped[str | None] = mapped_column(String(40))
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"{self.number} · {self.address}"


class ConsentText(Audited, Model):
    """The words a citizen agrees to; a version is never edited, a new one is added."""

    __tablename__ = "consent_text"
    __table_args__ = (UniqueConstraint("kind", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ConsentKind] = enum_column(ConsentKind, "kind_known")
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]

    def __repr__(self) -> str:
        return f"{self.kind.name} v{self.version}"


class Consent(Audited, Model):
    """That somebody agreed to a text, when, and in which case."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("withdrawn_at IS NULL OR withdrawn_at >= granted_at", name="granted_before_withdrawn"),
        CheckConstraint("party_id IS NOT NULL OR pqr_id IS NOT NULL", name="of_somebody"),
        Index(None, "party_id"),
        Index(None, "pqr_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id", ondelete="RESTRICT"))
    text: Mapped[ConsentText] = relationship()
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return f"{self.text} {self.granted_at:%Y-%m-%d}"


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Pqr(Audited, Model):
    """
    A petition, complaint, claim or suggestion.

    `due_on` and `safe_on` are the materialised result of `domain.deadlines.deadline_of` over the case's events: written in the
    transaction of the event, empty while a lawful stop runs. `term_*` copy the rule in force on the filing date.
    """

    __tablename__ = "pqr"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        ForeignKeyConstraint(
            ["term_id", "term_value", "term_unit", "term_count_from"],
            ["legal_term.id", "legal_term.value", "legal_term.unit", "legal_term.count_from"],
            ondelete="RESTRICT",
        ),
        CheckConstraint("(party_id IS NULL) = (identity = 'ANONYMOUS')", name="party_unless_anonymous"),
        CheckConstraint("NOT is_e_notice OR notice_email IS NOT NULL", name="e_notice_has_address"),
        CheckConstraint("NOT is_priority OR coalesce(length(priority_reason), 0) > 0", name="priority_has_reason"),
        CheckConstraint("disputed_cop IS NULL OR disputed_cop >= 0", name="disputed_not_negative"),
        CheckConstraint("effective_on >= filed_on", name="effective_not_before_filed"),
        CheckConstraint("due_on IS NULL OR due_on >= effective_on", name="due_not_before_effective"),
        CheckConstraint("(due_on IS NULL) = (safe_on IS NULL)", name="due_with_safe"),
        CheckConstraint("safe_on IS NULL OR safe_on <= due_on", name="safe_not_after_due"),
        CheckConstraint(f"status NOT IN ({_STOPPED}) OR due_on IS NULL", name="no_due_while_stopped"),
        CheckConstraint(f"status IN ({_STOPPED}, 'WITHDRAWN') OR due_on IS NOT NULL", name="due_while_running"),
        CheckConstraint(f"(status IN ({_ANSWERED})) = (answered_on IS NOT NULL)", name="answered_on_iff_answered"),
        CheckConstraint(f"(status IN ({_NOTIFIED})) = (notified_on IS NOT NULL)", name="notified_on_iff_notified"),
        CheckConstraint(f"(status IN ({_FINAL})) = (closed_on IS NOT NULL)", name="closed_on_iff_final"),
        CheckConstraint("answered_on IS NULL OR answered_on >= filed_on", name="answered_not_before_filed"),
        CheckConstraint("notified_on IS NULL OR notified_on >= answered_on", name="notified_not_before_answered"),
        CheckConstraint(f"status NOT IN ({_ANSWERED}, 'SOLVED') OR outcome IS NOT NULL", name="solved_has_outcome"),
        Index(None, "status", "due_on"),  # overdue lists and reminders
        Index(None, "process_id", "status", "due_on"),  # an owner's queue
        Index(None, "filed_on", "id"),  # newest first, keyset
        Index(None, "due_on", "id"),  # what is due next, whatever its state
        Index(None, "request_type_id", "filed_on", "id"),  # one type: the list, its count beside a search, the chart
        Index(None, "answered_on"),
        Index(None, "account_id", "filed_on"),
        Index(None, "party_id", "filed_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="PQR-2026-000123; gap-free per organisation and year, never reused")
    access_key: Mapped[str] = mapped_column(String(24), comment="Secret of the citizen, 80 bits; never listed, exported or logged")
    submission: Mapped[str | None] = mapped_column(String(64), unique=True, comment="Token of the form: a re-sent form is the same case")
    status: Mapped[PqrStatus] = enum_column(PqrStatus, "status_known", default=PqrStatus.RECEIVED)
    request_type_id: Mapped[int] = mapped_column(ForeignKey("request_type.id", ondelete="RESTRICT"))
    request_type: Mapped[RequestType] = relationship()
    regime: Mapped[Regime] = enum_column(Regime, "regime_known")
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="RESTRICT"))
    channel: Mapped[Channel] = relationship()
    identity: Mapped[Identity] = enum_column(Identity, "identity_known", default=Identity.NAMED)
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party | None] = relationship()
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    account: Mapped[Account | None] = relationship()
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    cause_id: Mapped[int | None] = mapped_column(ForeignKey("sui_cause.id", ondelete="RESTRICT"), index=True)
    cause: Mapped[SuiCause | None] = relationship()
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, comment="The request in the citizen's words")
    is_priority: Mapped[bool] = mapped_column(default=False)
    priority_reason: Mapped[str | None] = mapped_column(String(240))
    is_e_notice: Mapped[bool] = mapped_column(default=False, comment="Accepted notices by e-mail (CPACA art. 56)")
    notice_email: Mapped[str | None] = mapped_column(String(254))
    notice_address: Mapped[str | None] = mapped_column(String(200))
    disputed_cop: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    invoice_number: Mapped[str | None] = mapped_column(String(30))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), index=True)
    previous: Mapped[Pqr | None] = relationship(remote_side=[id])

    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    filed_on: Mapped[date] = mapped_column(comment="Local date of filing")
    effective_on: Mapped[date] = mapped_column(comment="Working day on which it counts as filed")
    term_id: Mapped[int]
    term_value: Mapped[int]
    term_unit: Mapped[TermUnit] = enum_column(TermUnit, "term_unit_known")
    term_count_from: Mapped[CountFrom] = enum_column(CountFrom, "term_count_from_known")
    term: Mapped[LegalTerm] = relationship()
    due_on: Mapped[date | None]
    safe_on: Mapped[date | None]
    n_days_left_when_stopped: Mapped[int | None]

    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process] = relationship()
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    holder: Mapped[User | None] = relationship(foreign_keys=[holder_id])
    solution: Mapped[str | None] = mapped_column(Text)
    solved_on: Mapped[date | None]
    outcome: Mapped[Outcome | None] = enum_column(Outcome, "outcome_known")
    answered_on: Mapped[date | None]
    notified_on: Mapped[date | None]
    appeal_until: Mapped[date | None] = mapped_column(comment="Last day for the recurso; closing earlier needs its waiver")
    closed_on: Mapped[date | None]

    events: Mapped[list[CaseEvent]] = relationship(back_populates="pqr", order_by="CaseEvent.id")
    assignments: Mapped[list[Assignment]] = relationship(back_populates="pqr", order_by="Assignment.id")
    notes: Mapped[list[Note]] = relationship(back_populates="pqr", order_by="Note.id")
    files: Mapped[list[StoredFile]] = relationship(back_populates="pqr", order_by="StoredFile.id")
    documents: Mapped[list[Document]] = relationship(back_populates="pqr", order_by="Document.id")
    answer: Mapped[Answer | None] = relationship(back_populates="pqr", uselist=False)
    notices: Mapped[list[Notice]] = relationship(back_populates="pqr", order_by="Notice.id")

    def __repr__(self) -> str:
        return self.number


class CaseEvent(Model):
    """One move of a case: who, when, from where to where, why. Never changed or deleted; the clock reads it."""

    __tablename__ = "case_event"
    __table_args__ = (
        CheckConstraint("(move = 'FILE') = (from_status IS NULL)", name="only_filing_has_no_origin"),
        CheckConstraint("clock IS NULL OR clock IN ('STOPPED', 'RESUMED')", name="clock_known"),
        CheckConstraint("clock IS NULL OR length(reason) > 0", name="clock_has_ground"),
        Index(None, "pqr_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship(back_populates="events")
    at: Mapped[datetime] = mapped_column(UtcDateTime, comment="When it was recorded")
    on: Mapped[date] = mapped_column("on_date", comment="Local date on which it takes effect")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    move: Mapped[Move] = enum_column(Move, "move_known")
    from_status: Mapped[PqrStatus | None] = enum_column(PqrStatus, "from_status_known")
    to_status: Mapped[PqrStatus] = enum_column(PqrStatus, "to_status_known")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Who holds it after")
    process: Mapped[Process | None] = relationship()
    reason: Mapped[str] = mapped_column(Text, default="")
    clock: Mapped[str | None] = mapped_column(String(8), comment="STOPPED or RESUMED")
    act: Mapped[str] = mapped_column(String(200), default="", comment="Document that backs a stop, transfer or notice")


class Assignment(Model):
    """The baton ledger: from when to when a process (and person) held a case. Exactly one row of an open case has no end."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("out_at IS NULL OR out_at >= in_at", name="in_before_out"),
        CheckConstraint("(out_at IS NULL) = (out_on IS NULL)", name="out_whole"),
        Index("uq_assignment_one_open", "pqr_id", unique=True, sqlite_where=text("out_at IS NULL"),
              postgresql_where=text("out_at IS NULL")),
        Index(None, "pqr_id", "id"),
        Index(None, "process_id", "pqr_id"),  # the scope of an owner: what his processes hold or held
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship(back_populates="assignments")
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process] = relationship()
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    given_by: Mapped[User | None] = relationship(foreign_keys=[given_by_id])
    reason: Mapped[str] = mapped_column(Text, default="")
    in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    in_on: Mapped[date]
    out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    out_on: Mapped[date | None]


class Note(Audited, Model):
    """An internal note on a case. The citizen never sees it: an answer is another act."""

    __tablename__ = "note"
    __table_args__ = (CheckConstraint("length(body) > 0", name="not_empty"), Index(None, "pqr_id", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship(back_populates="notes")
    author_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    author: Mapped[User | None] = relationship(foreign_keys=[author_id])
    body: Mapped[str] = mapped_column(Text)


class StoredFile(Audited, Model):
    """A file in the private store (see `operations/files.py`). Only a door that checks rights serves it."""

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("n_bytes > 0", name="not_empty"),
        CheckConstraint("length(sha256) = 64", name="sha256_whole"),
        Index(None, "pqr_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    storage_key: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(160), comment="As the sender named it; never used as a path")
    media_type: Mapped[str] = mapped_column(String(100), comment="Sniffed, not claimed")
    n_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship(back_populates="files")
    visibility: Mapped[Visibility] = enum_column(Visibility, "visibility_known", default=Visibility.STAFF)
    description: Mapped[str] = mapped_column(String(200), default="")

    def __repr__(self) -> str:
        return self.name


class Document(Audited, Model):
    """A document that the system issued: numbered, hashed, stored, re-printable identical."""

    __tablename__ = "document"
    __table_args__ = (Index(None, "pqr_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = enum_column(DocumentKind, "kind_known")
    number: Mapped[str] = mapped_column(String(24), unique=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship(back_populates="documents")
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
    template: Mapped[str] = mapped_column(String(40), comment="Name and version of the Typst template, e.g. answer@1")
    data: Mapped[dict[str, Any]] = mapped_column(JSON, comment="What the template was filled with")
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    def __repr__(self) -> str:
        return self.number


class AnswerTemplate(Audited, Model):
    """A text to start an answer from; {fields} are filled from the case (`operations/answers.py` lists them)."""

    __tablename__ = "answer_template"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    request_type_id: Mapped[int | None] = mapped_column(ForeignKey("request_type.id", ondelete="RESTRICT"))
    request_type: Mapped[RequestType | None] = relationship()
    outcome: Mapped[Outcome | None] = enum_column(Outcome, "outcome_known")
    body: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return self.name


class Answer(Audited, Model):
    """The answer of a case: drafted by the owner, approved and issued by the manager, then frozen."""

    __tablename__ = "answer"
    __table_args__ = (
        CheckConstraint(
            "(status = 'ISSUED') = (number IS NOT NULL) AND (status = 'ISSUED') = (issued_on IS NOT NULL)"
            " AND (status = 'ISSUED') = (document_id IS NOT NULL)",
            name="issued_iff_numbered",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), unique=True)
    pqr: Mapped[Pqr] = relationship(back_populates="answer")
    status: Mapped[AnswerStatus] = enum_column(AnswerStatus, "status_known", default=AnswerStatus.DRAFT)
    body: Mapped[str] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(String(24), unique=True, comment="RES-2026-000045")
    drafted_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    drafted_by: Mapped[User | None] = relationship(foreign_keys=[drafted_by_id])
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    issued_on: Mapped[date | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()


class Notice(Audited, Model):
    """One attempt to notify an answer, with its proof. An e-notice is served when the citizen opens its link."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("means <> 'E_LINK' OR (token IS NOT NULL AND address IS NOT NULL)", name="e_link_has_token"),
        CheckConstraint("(means = 'E_LINK' AND served_on IS NOT NULL) = (opened_at IS NOT NULL)", name="e_link_served_when_opened"),
        CheckConstraint("means <> 'IN_PERSON' OR (served_on IS NOT NULL AND length(proof) > 0)", name="in_person_has_proof"),
        Index(None, "pqr_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship(back_populates="notices")
    means: Mapped[NoticeMeans] = enum_column(NoticeMeans, "means_known")
    address: Mapped[str | None] = mapped_column(String(254))
    token: Mapped[str | None] = mapped_column(String(64), unique=True)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_from: Mapped[str | None] = mapped_column(String(64), comment="Network address that opened the link")
    served_on: Mapped[date | None]
    proof: Mapped[str] = mapped_column(Text, default="", comment="Who received it and how it was identified")
    proof_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    proof_file: Mapped[StoredFile | None] = relationship()


# ── How each person works ─────────────────────────────────────────────────────────────────────────────────────────────────


class SavedFilter(Audited, Model):
    """A list as somebody left it (filters, order, columns) under a name: theirs, or shared with a role; `query` is that of the URL."""

    __tablename__ = "saved_filter"
    __table_args__ = (
        UniqueConstraint("owner_id", "list_name", "name"),
        CheckConstraint("length(name) > 0", name="name_not_empty"),
        Index(None, "role_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    list_name: Mapped[str] = mapped_column(String(60), comment="The view whose list it narrows, by its name in the rights")
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000))
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    role_id: Mapped[int | None] = mapped_column(ForeignKey("ab_role.id", ondelete="SET NULL"), comment="Who else sees it")
    role: Mapped[Role | None] = relationship()
    is_pinned: Mapped[bool] = mapped_column(default=False, comment="Shown in the menu of whoever sees it")

    def __repr__(self) -> str:
        return self.name


class ListColumns(Model):
    """The columns of a list that somebody chose, in their order."""

    __tablename__ = "list_columns"
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    list_name: Mapped[str] = mapped_column(String(60), primary_key=True)
    names: Mapped[str] = mapped_column(String(1000), comment="Comma-separated")


# ── What leaves, and what is remembered ───────────────────────────────────────────────────────────────────────────────────


class OutboxMessage(Model):
    """An e-mail to send: a row of the transaction that caused it, sent by a job, once (`key` is unique)."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent_at_iff_sent"),
        CheckConstraint("n_attempts >= 0", name="attempts_not_negative"),
        Index(None, "status", "next_attempt_at"),
        Index(None, "created_at", "id"),
        Index(None, "pqr_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="Names the cause, e.g. receipt:PQR-2026-000123")
    event: Mapped[str] = mapped_column(String(40))
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(240))
    body: Mapped[str] = mapped_column(Text)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    status: Mapped[MessageStatus] = enum_column(MessageStatus, "status_known", default=MessageStatus.QUEUED)
    n_attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.subject


class ChangeLog(Model):
    """Before and after of one row in one transaction; written by `app/audit.py`, never changed or deleted."""

    __tablename__ = "change_log"
    __table_args__ = (Index(None, "table_name", "row_id"), Index(None, "at"), Index(None, "actor_id", "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    request_id: Mapped[str] = mapped_column(String(36), default="")
    table_name: Mapped[str] = mapped_column(String(60))
    row_id: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(8), comment="insert, update or delete")
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")


class SearchDoc(Model):
    """
    The words that a row of some table is found by, folded; written by `app/search.py` in the transaction that changes the row.

    PostgreSQL keeps them as a tsvector, with a GIN index for each kind; on SQLite triggers carry them to `search_words` (FTS5).
    """

    KINDS = ("pqr", "party", "account", "outbox_message")
    __tablename__ = "search_doc"
    __table_args__ = (
        UniqueConstraint("kind", "row_id"),
        *(
            Index(f"ix_search_doc_{kind}", "words", postgresql_using="gin", postgresql_where=text(f"kind = '{kind}'"),
                  postgresql_with={"fastupdate": "off"}).ddl_if(dialect="postgresql")
            for kind in KINDS
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), comment="Table of the row")
    row_id: Mapped[int]
    words: Mapped[str] = mapped_column(Text().with_variant(TSVECTOR(), "postgresql"), comment="Folded, each once")


class RateCounter(Model):
    """Hits of one key in one window: the store of the rate limiter, shared by every web node."""

    __tablename__ = "rate_counter"
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    n_hits: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
