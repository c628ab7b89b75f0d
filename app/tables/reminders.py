"""Who has to be told what and when; and who was."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import ReminderTrigger, ToldAs
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr
from app.tables.mail import OutboxMessage


class ReminderRule(Audited, Model):
    """When the people of a source are told, and which of them."""

    __tablename__ = "reminder_rule"
    __table_args__ = (
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint("trigger NOT IN ('AT_PERCENT', 'EACH_DAY') OR value BETWEEN 1 AND 100", name="percentage_1_to_100"),
        CheckConstraint("trigger <> 'DAYS_LATE' OR value >= 1", name="late_by_a_day_or_more"),
        CheckConstraint("to_owner OR to_substitute OR to_chief OR to_management", name="tells_somebody"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    source: Mapped[str] = mapped_column(String(24), comment="What it watches: see operations.reminders.SOURCES")
    trigger: Mapped[ReminderTrigger] = enum_column(ReminderTrigger, "trigger_known")
    value: Mapped[int] = mapped_column(default=0, comment="Percentage, or business days")
    to_owner: Mapped[bool] = mapped_column(default=True)
    to_substitute: Mapped[bool] = mapped_column(default=True)
    to_chief: Mapped[bool] = mapped_column(default=False)
    to_management: Mapped[bool] = mapped_column(default=False, comment="Whoever reviews the effect of actions: Calidad and the manager")
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class Reminder(Model):
    """That somebody was told a step of a rule about a thing: once. Never changed or deleted."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("rule_id", "row_key", "step", "user_id"),
        CheckConstraint("length(step) > 0", name="step_not_empty"),
        CheckConstraint("n_covered >= 0", name="covered_not_negative"),
        Index(None, "told_at", "id"),
        Index(None, "user_id", "told_at"),
        Index(None, "pqr_id"),
        Index(None, "message_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("reminder_rule.id", ondelete="RESTRICT"))
    rule: Mapped[ReminderRule] = relationship()
    row_key: Mapped[str] = mapped_column(String(60), comment="Names the thing, e.g. PQR-2026-000123")
    step: Mapped[str] = mapped_column(String(24), comment="Working day on which it fell due, as 2026-07-10")
    n_covered: Mapped[int] = mapped_column(default=0, comment="Earlier steps that nobody was told, for which this one stands")
    due_on: Mapped[date | None] = mapped_column(comment="Last day of the thing, as it was told")
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    user: Mapped[User] = relationship()
    told_as: Mapped[ToldAs] = enum_column(ToldAs, "told_as_known")
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    message_id: Mapped[int | None] = mapped_column(
        ForeignKey("outbox_message.id", ondelete="RESTRICT"), comment="Empty: told on the screen alone"
    )
    message: Mapped[OutboxMessage | None] = relationship()

    def __repr__(self) -> str:
        return f"{self.row_key} {self.step}"
