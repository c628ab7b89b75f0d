"""The regulator's files: how each is written and checked, what was reported, and the interruptions of the network."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.interruptions import InterruptionKind
from app.domain.sui import LoadStatus, SuiFormat, SuiMapKind, SuiRuleKey, SuiWeight
from app.tables.attention import MassEvent
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr, StoredFile
from app.tables.house import Municipality, Service


class SuiColumn(Audited, Model):
    """A column of a file of the SUI, in its order: what it is called and which value of ours it holds."""

    __tablename__ = "sui_column"
    __table_args__ = (
        UniqueConstraint("format", "position"),
        CheckConstraint("position BETWEEN 1 AND 60", name="position_sensible"),
        CheckConstraint("length(heading) > 0", name="has_heading"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    format: Mapped[SuiFormat] = enum_column(SuiFormat, "format_known")
    position: Mapped[int]
    heading: Mapped[str] = mapped_column(String(120), comment="As it stands in the first row of the file")
    field: Mapped[str] = mapped_column(String(40), comment="Key of the value; see domain")
    fixed: Mapped[str] = mapped_column(String(120), default="", comment="What stands there when the value is empty")
    kind: Mapped[str] = mapped_column(String(40), default="", comment="How it is written, as the source says it")
    rule: Mapped[str] = mapped_column(String(240), default="")
    source: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[str] = mapped_column(String(160), default="")
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"{self.position}. {self.heading}"


class SuiRule(Audited, Model):
    """How a row of the claims file is written or checked, by service (none: all) and validity: services and sources disagree."""

    __tablename__ = "sui_rule"
    __table_args__ = (
        UniqueConstraint("key", "service_id", "valid_from"),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="from_before_until"),
        Index("uq_sui_rule_of_all", "key", "valid_from", unique=True, sqlite_where=text("service_id IS NULL"),
              postgresql_where=text("service_id IS NULL")),
        Index(None, "service_id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[SuiRuleKey] = enum_column(SuiRuleKey, "key_known")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    value: Mapped[str] = mapped_column(String(240), default="", comment="A code, several separated by commas, or nothing")
    weight: Mapped[SuiWeight] = enum_column(SuiWeight, "weight_known", default=SuiWeight.REFUSES)
    is_active: Mapped[bool] = mapped_column(default=True)
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    norm: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[str] = mapped_column(String(160), default="")

    def __repr__(self) -> str:
        return self.key.value


class SuiMap(Audited, Model):
    """What of ours becomes which code of the SUI, by service and validity. No service: all of them."""

    __tablename__ = "sui_map"
    __table_args__ = (
        UniqueConstraint("kind", "member", "service_id", "valid_from"),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="from_before_until"),
        CheckConstraint("length(code) > 0 AND length(member) > 0", name="has_both_sides"),
        Index("uq_sui_map_of_all", "kind", "member", "valid_from", unique=True, sqlite_where=text("service_id IS NULL"),
              postgresql_where=text("service_id IS NULL")),
        Index(None, "service_id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[SuiMapKind] = enum_column(SuiMapKind, "kind_known")
    member: Mapped[str] = mapped_column(String(40), comment="Name of a member: of Outcome, PqrStatus, NoticeMeans, AppealKind")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    code: Mapped[str] = mapped_column(String(4))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    norm: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[str] = mapped_column(String(160), default="")

    def __repr__(self) -> str:
        return f"{self.member} → {self.code}"


class SuiLoad(Audited, Model):
    """
    A month of a file as it was reported: frozen whole, with its hash (triggers of migration 0013). What changes later is shown beside it.

    Another version is made only with the reason for which the SUI lets the month be reported again; the earlier one stays.
    """

    __tablename__ = "sui_load"
    __table_args__ = (
        UniqueConstraint("format", "service_id", "month", "version"),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("version = 1 OR length(reason) > 0", name="another_version_says_why"),
        CheckConstraint("n_rows >= 0", name="rows_not_negative"),
        CheckConstraint("length(sha256) = 64", name="hash_whole"),
        CheckConstraint("(status = 'FROZEN') = (sent_on IS NULL) OR status = 'REPLACED'", name="sent_has_its_day"),
        CheckConstraint("(sent_on IS NULL) = (receipt = '')", name="sent_has_its_receipt"),
        Index(None, "month"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    format: Mapped[SuiFormat] = enum_column(SuiFormat, "format_known")
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service] = relationship()
    month: Mapped[date] = mapped_column(comment="Its first day")
    version: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str] = mapped_column(Text, default="", comment="Why the month is reported again")
    status: Mapped[LoadStatus] = enum_column(LoadStatus, "status_known", default=LoadStatus.FROZEN)
    is_draft: Mapped[bool] = mapped_column(default=False, comment="Of a form whose official text was not at hand")
    n_rows: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship(foreign_keys=[file_id])
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="Rules, maps and headings it was written with")
    warnings: Mapped[list[Any]] = mapped_column(JSON, default=list, comment="What was pointed out when it was frozen")
    frozen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    frozen_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    frozen_by: Mapped[User | None] = relationship(foreign_keys=[frozen_by_id])
    sent_on: Mapped[date | None]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    sent_by: Mapped[User | None] = relationship(foreign_keys=[sent_by_id])
    receipt: Mapped[str] = mapped_column(String(60), default="", comment="Number with which the SUI acknowledges it")
    receipt_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    receipt_file: Mapped[StoredFile | None] = relationship(foreign_keys=[receipt_file_id])

    def __repr__(self) -> str:
        return f"{self.format.name} {self.month:%Y-%m} v{self.version}"


class Interruption(Audited, Model):
    """An interruption of the network in a sector, with its notice (Ley 142 art. 139); not the cut of a debtor."""

    __tablename__ = "interruption"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="starts_before_ends"),
        CheckConstraint("expected_end_at IS NULL OR expected_end_at > starts_at", name="starts_before_expected_end"),
        CheckConstraint("n_subscribers IS NULL OR n_subscribers >= 0", name="subscribers_not_negative"),
        CheckConstraint("length(sector) > 0 AND length(what) > 0", name="says_where_and_what"),
        CheckConstraint("notice_on IS NULL OR length(notice_means) > 0", name="notice_says_how"),
        CheckConstraint("NOT has_alternative OR length(alternative) > 0", name="alternative_says_which"),
        CheckConstraint("(voided_at IS NULL) = (voided_reason = '')", name="voided_has_reason"),
        Index(None, "starts_on", "id"),
        Index(None, "service_id", "starts_on"),
        Index(None, "mass_event_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), comment="INT-2026-0001")
    kind: Mapped[InterruptionKind] = enum_column(InterruptionKind, "kind_known")
    cause_id: Mapped[int] = mapped_column(ForeignKey("interruption_cause.id", ondelete="RESTRICT"), index=True)
    cause: Mapped[InterruptionCause] = relationship()
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service] = relationship()
    municipality_code: Mapped[str] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality] = relationship()
    settlement_code: Mapped[str] = mapped_column(String(3), default="", comment="DANE centro poblado; empty: the municipal seat")
    sector: Mapped[str] = mapped_column(String(200), comment="Sector or neighbourhood, as people call it")
    zones: Mapped[list[str]] = mapped_column(JSON, default=list, comment="Zones of accounts that it reaches")
    what: Mapped[str] = mapped_column(Text, comment="What happened or will be done")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    starts_on: Mapped[date] = mapped_column(comment="Local date of the start")
    expected_end_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    n_subscribers: Mapped[int | None]
    is_estimated: Mapped[bool] = mapped_column(default=False, comment="The subscribers were counted from the zones of accounts")
    notice_on: Mapped[date | None] = mapped_column(comment="When the users were told")
    notice_means: Mapped[str] = mapped_column(String(200), default="")
    notice_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    notice_file: Mapped[StoredFile | None] = relationship()
    has_alternative: Mapped[bool] = mapped_column(default=False)
    alternative: Mapped[str] = mapped_column(String(200), default="", comment="Which supply: tank trucks, where and when")
    mass_event_id: Mapped[int | None] = mapped_column(ForeignKey("mass_event.id", ondelete="RESTRICT"))
    mass_event: Mapped[MassEvent | None] = relationship()
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_reason: Mapped[str] = mapped_column(String(240), default="")

    def __repr__(self) -> str:
        return self.number


class InterruptionCause(Audited, Model):
    """Why the network is interrupted, with the code that the file of the SUI would ask for."""

    __tablename__ = "interruption_cause"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    sui_code: Mapped[str] = mapped_column(String(8), default="", comment="Empty: no official table was at hand")
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class SuiLoadRow(Model):
    """A row of a month as it was reported, with the case or the interruption behind it. Never changed."""

    __tablename__ = "sui_load_row"
    __table_args__ = (
        UniqueConstraint("load_id", "position"),
        CheckConstraint("position >= 1", name="position_positive"),
        CheckConstraint("(pqr_id IS NULL) <> (interruption_id IS NULL)", name="one_thing_behind_it"),
        Index(None, "pqr_id"),
        Index(None, "interruption_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    load_id: Mapped[int] = mapped_column(ForeignKey("sui_load.id", ondelete="RESTRICT"))
    load: Mapped[SuiLoad] = relationship()
    position: Mapped[int]
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    interruption_id: Mapped[int | None] = mapped_column(ForeignKey("interruption.id", ondelete="RESTRICT"))
    interruption: Mapped[Interruption | None] = relationship()
    cells: Mapped[list[str]] = mapped_column(JSON, comment="As they stand in the file, in the order of its columns")
