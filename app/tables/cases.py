"""The case: a petition, complaint, claim or suggestion, its history, who has had it, notes and files."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.deadlines import CountFrom, Regime, TermUnit
from app.domain.states import Identity, Move, Outcome, PqrStatus, Visibility
from app.tables.attention import MassEvent
from app.tables.base import Audited, UtcDateTime, enum_column, names_of
from app.tables.house import Channel, Organisation, Process, RequestType, Service, SuiCause
from app.tables.law import LegalTerm
from app.tables.parties import Account, Party

if TYPE_CHECKING:
    from app.tables.acts import Answer, AnswerPoint, Appeal, Document, Notice, Requirement, Silence


_STOPPED = names_of((PqrStatus.AWAITING_USER, PqrStatus.EVIDENCE))
_ANSWERED = names_of((PqrStatus.ANSWERED, PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED))
_NOTIFIED = names_of((PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED))
_FINAL = names_of((PqrStatus.CLOSED, PqrStatus.WITHDRAWN, PqrStatus.TRANSFERRED, PqrStatus.VOIDED, PqrStatus.ARCHIVED))
_STOPPED_FOR_EVER = names_of((PqrStatus.WITHDRAWN, PqrStatus.ARCHIVED))


class Pqr(Audited, Model):
    """
    A petition, complaint, claim or suggestion.

    `due_on` and `safe_on` are the materialised result of `domain.deadlines.deadline_of` over the case's events: written in the
    transaction of the event, empty while a lawful stop runs. `term_*` copy the rule in force on the filing date.
    """

    __tablename__ = "pqr"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        UniqueConstraint("organisation_id", "source", "source_number"),
        CheckConstraint("(source IS NULL) = (source_number IS NULL)", name="source_whole"),
        CheckConstraint("source_due_on IS NULL OR source IS NOT NULL", name="foreign_due_has_source"),
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
        CheckConstraint(f"status IN ({_STOPPED}, {_STOPPED_FOR_EVER}) OR due_on IS NOT NULL", name="due_while_running"),
        CheckConstraint(f"(status IN ({_ANSWERED})) = (answered_on IS NOT NULL)", name="answered_on_iff_answered"),
        CheckConstraint(f"(status IN ({_NOTIFIED})) = (notified_on IS NOT NULL)", name="notified_on_iff_notified"),
        CheckConstraint(f"(status IN ({_FINAL})) = (closed_on IS NOT NULL)", name="closed_on_iff_final"),
        CheckConstraint("answered_on IS NULL OR answered_on >= filed_on", name="answered_not_before_filed"),
        CheckConstraint("notified_on IS NULL OR notified_on >= answered_on", name="notified_not_before_answered"),
        CheckConstraint(f"status NOT IN ({_ANSWERED}, 'SOLVED') OR outcome IS NOT NULL", name="solved_has_outcome"),
        CheckConstraint("n_extended >= 0", name="extended_not_negative"),
        CheckConstraint(
            "(n_extended > 0) = (extension_term_id IS NOT NULL) AND (n_extended > 0) = (extension_told_on IS NOT NULL)",
            name="extension_has_its_rule",
        ),
        Index(None, "status", "due_on"),  # overdue lists and reminders
        Index(None, "process_id", "status", "due_on"),  # an owner's queue
        Index(None, "filed_on", "id"),  # newest first, keyset
        Index(None, "due_on", "id"),  # what is due next, whatever its state
        Index(None, "request_type_id", "filed_on", "id"),  # one type: the list, its count beside a search, the chart
        Index(None, "answered_on", "due_on"),  # what was answered, and whether in time, from the index alone
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
    mass_event_id: Mapped[int | None] = mapped_column(ForeignKey("mass_event.id", ondelete="RESTRICT"), index=True)
    mass_event: Mapped[MassEvent | None] = relationship()

    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    filed_on: Mapped[date] = mapped_column(comment="Local date of filing")
    effective_on: Mapped[date] = mapped_column(comment="Working day on which it counts as filed")
    term_id: Mapped[int] = mapped_column()
    term_value: Mapped[int] = mapped_column()
    term_unit: Mapped[TermUnit] = enum_column(TermUnit, "term_unit_known")
    term_count_from: Mapped[CountFrom] = enum_column(CountFrom, "term_count_from_known")
    term: Mapped[LegalTerm] = relationship(foreign_keys=[term_id, term_value, term_unit, term_count_from])
    due_on: Mapped[date | None]
    safe_on: Mapped[date | None]
    n_days_left_when_stopped: Mapped[int | None]
    source: Mapped[str | None] = mapped_column(String(40), comment="Register of before that the case comes from; empty: filed here")
    source_number: Mapped[str | None] = mapped_column(String(60))
    source_due_on: Mapped[date | None] = mapped_column(comment="The due date as that register had it")
    n_extended: Mapped[int] = mapped_column(default=0, server_default="0", comment="Added once to the term, in its unit")
    extension_term_id: Mapped[int | None] = mapped_column(ForeignKey("legal_term.id", ondelete="RESTRICT"))
    extension_term: Mapped[LegalTerm | None] = relationship(foreign_keys=[extension_term_id])
    extension_told_on: Mapped[date | None] = mapped_column(comment="When the citizen was told the reasons and the new date")

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
    points: Mapped[list[AnswerPoint]] = relationship(order_by="(AnswerPoint.position, AnswerPoint.id)", viewonly=True)
    notices: Mapped[list[Notice]] = relationship(back_populates="pqr", order_by="Notice.id")
    appeal: Mapped[Appeal | None] = relationship(foreign_keys="Appeal.pqr_id", back_populates="pqr", uselist=False)
    requirement: Mapped[Requirement | None] = relationship(
        primaryjoin="and_(Requirement.pqr_id == Pqr.id, Requirement.ended_on.is_(None))", viewonly=True, uselist=False
    )
    silence: Mapped[Silence | None] = relationship(
        primaryjoin="and_(Silence.pqr_id == Pqr.id, Silence.withdrawn_on.is_(None))", viewonly=True, uselist=False
    )

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
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), index=True)
    document: Mapped[Document | None] = relationship()


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
    n_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship(back_populates="files")
    visibility: Mapped[Visibility] = enum_column(Visibility, "visibility_known", default=Visibility.STAFF)
    description: Mapped[str] = mapped_column(String(200), default="")

    def __repr__(self) -> str:
        return self.name
