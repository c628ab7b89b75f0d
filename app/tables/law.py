"""The calendar and the terms."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.deadlines import CountFrom, Regime, TermAct, TermUnit
from app.domain.states import DayException
from app.tables.base import Audited, UtcDateTime, enum_column


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
