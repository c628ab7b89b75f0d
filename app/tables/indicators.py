"""Indicator sheets and their values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.indicators import Direction, Scale, Standing
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.house import Process
from app.tables.improvement import Action


class Indicator(Audited, Model):
    """The sheet of an indicator (ficha técnica): what it says, how it is computed, what is good, how often and by whom."""

    __tablename__ = "indicator"
    __table_args__ = (
        CheckConstraint("length(code) > 0 AND length(name) > 0", name="has_code_and_name"),
        CheckConstraint("months IN (1, 2, 3, 6, 12)", name="frequency_known"),
        CheckConstraint("decimals BETWEEN 0 AND 4", name="decimals_sensible"),
        CheckConstraint("goal IS NOT NULL OR fair IS NULL", name="fair_needs_goal"),
        CheckConstraint("fair IS NULL OR (direction = 'MORE' AND fair <= goal) OR (direction = 'LESS' AND fair >= goal)",
                        name="fair_on_its_side"),
        Index(None, "process_id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True, comment="IND-01")
    name: Mapped[str] = mapped_column(String(120), unique=True)
    definition: Mapped[str] = mapped_column(Text, default="", comment="What it is for, and what it leaves out")
    formula: Mapped[str] = mapped_column(Text, comment="In words")
    measure: Mapped[str] = mapped_column(String(40), default="", comment="Key of the catalogue of measures; empty: somebody types it in")
    scale: Mapped[Scale] = enum_column(Scale, "scale_known", default=Scale.PERCENT, comment="How two numbers become one")
    unit: Mapped[str] = mapped_column(String(30))
    decimals: Mapped[int] = mapped_column(default=1)
    direction: Mapped[Direction] = enum_column(Direction, "direction_known", default=Direction.MORE)
    goal: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="Empty: only watched")
    fair: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="Between this and the goal it is near; beyond, it misses")
    months: Mapped[int] = mapped_column(default=1, comment="Length of a period")
    source: Mapped[str] = mapped_column(Text, default="", comment="Where the figures come from")
    norm: Mapped[str] = mapped_column(String(240), default="", comment="What asks for it")
    confidence: Mapped[str] = mapped_column(String(160), default="", comment="How sure its rule is")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Whose it is")
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), comment="Who analyses it")
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    starts_on: Mapped[date] = mapped_column(comment="First day of its first period")
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class IndicatorValue(Audited, Model):
    """
    The value of a period. Once reported its figures are frozen (trigger of migration 0012), with the goal and the unit of that day; what a
    later reckoning gives is shown beside it, never written over it. Nothing to divide by is no value, and says so.
    """

    __tablename__ = "indicator_value"
    __table_args__ = (
        UniqueConstraint("indicator_id", "period_from"),
        CheckConstraint("period_from <= period_until", name="period_in_order"),
        CheckConstraint("denominator IS NULL OR denominator <> 0 OR value IS NULL", name="nothing_divided_by_zero"),
        CheckConstraint("(value IS NULL) = (standing = 'EMPTY')", name="standing_of_a_value"),
        CheckConstraint("(reported_at IS NULL) = (reported_by_id IS NULL)", name="report_whole"),
        CheckConstraint("differs_since IS NULL OR reported_at IS NOT NULL", name="differs_from_a_report"),
        CheckConstraint("action_id IS NULL OR no_action_reason = ''", name="action_or_reason"),
        Index(None, "period_from"),
        Index(None, "action_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id", ondelete="RESTRICT"))
    indicator: Mapped[Indicator] = relationship()
    period_from: Mapped[date]
    period_until: Mapped[date]
    numerator: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    denominator: Mapped[Decimal | None] = mapped_column(Numeric(18, 4), comment="Empty: the value is a count")
    value: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    n_excluded: Mapped[int] = mapped_column(default=0, comment="Cases that the formula leaves out, which the page lists")
    goal: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="As it was then")
    fair: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    standing: Mapped[Standing] = enum_column(Standing, "standing_known")
    analysis: Mapped[str] = mapped_column(Text, default="")
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reported_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    reported_by: Mapped[User | None] = relationship(foreign_keys=[reported_by_id])
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"), comment="What its misses asked for")
    action: Mapped[Action | None] = relationship()
    no_action_reason: Mapped[str] = mapped_column(Text, default="", comment="Why two misses ask for no action")
    later_numerator: Mapped[Decimal | None] = mapped_column(Numeric(18, 4), comment="What a reckoning after the report gives")
    later_denominator: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    later_value: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    differs_since: Mapped[date | None] = mapped_column(comment="First day on which it gave another figure than the one reported")

    def __repr__(self) -> str:
        return f"{self.indicator_id} {self.period_from}"


class IndicatorNote(Model):
    """What was said of a value after it was reported: a correction with the figure that is right, or a remark. Never changed."""

    __tablename__ = "indicator_note"
    __table_args__ = (CheckConstraint("length(reason) > 0", name="says_why"), Index(None, "value_id", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    value_id: Mapped[int] = mapped_column(ForeignKey("indicator_value.id", ondelete="RESTRICT"))
    value: Mapped[IndicatorValue] = relationship()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    author: Mapped[User | None] = relationship()
    right_value: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="What should have been reported; empty: a remark")
    reason: Mapped[str] = mapped_column(Text)

    def __repr__(self) -> str:
        return self.reason[:80]
