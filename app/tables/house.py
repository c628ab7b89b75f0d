"""The house: organisation, processes, catalogues, numbers."""

from __future__ import annotations

from datetime import date, time

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.deadlines import Regime
from app.domain.states import MemberRole, SuiCodeKind
from app.tables.base import Audited, enum_column


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
    regime: Mapped[Regime | None] = enum_column(Regime, "regime_known", comment="Empty: the regime of the organisation")
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
    regime: Mapped[Regime | None] = enum_column(Regime, "regime_known", comment="Empty: that of the service, then of the organisation")
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
