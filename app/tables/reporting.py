"""Reports that leave by themselves, what each run gave, and which ones a reader keeps at hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.reports import Every, ReportFormat, ReportOutcome
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import StoredFile
from app.tables.work import Job


class ReportFavourite(Model):
    """A report that a reader keeps at hand."""

    __tablename__ = "report_favourite"
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    report: Mapped[str] = mapped_column(String(40), primary_key=True, comment="Key of the catalogue of reports")
    position: Mapped[int] = mapped_column(default=0)


class ReportSchedule(Audited, Model):
    """
    A report that leaves by mail by itself. `filters` are the arguments of its address; a period that follows the calendar stays so.

    It is made anew for each recipient, with the rights and the rows of that reader on that day.
    """

    __tablename__ = "report_schedule"
    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        CheckConstraint("length(name) > 0", name="has_name"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour_of_the_day"),
        CheckConstraint("weekday IS NULL OR weekday BETWEEN 0 AND 6", name="weekday_of_the_week"),
        CheckConstraint("month_day IS NULL OR month_day BETWEEN 1 AND 31", name="day_of_the_month"),
        CheckConstraint("(every = 'WEEK') = (weekday IS NOT NULL)", name="week_has_its_day"),
        CheckConstraint("(every IN ('MONTH', 'QUARTER')) = (month_day IS NOT NULL)", name="month_has_its_day"),
        CheckConstraint("(is_active AND stopped_reason = '') = (next_at IS NOT NULL)", name="active_has_its_next"),
        Index(None, "next_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    report: Mapped[str] = mapped_column(String(40), comment="Key of the catalogue of reports")
    format: Mapped[ReportFormat] = enum_column(ReportFormat, "format_known")
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    words: Mapped[str] = mapped_column(Text, default="", comment="The filter in words, in the language of the owner")
    language: Mapped[str] = mapped_column(String(5), default="es")
    every: Mapped[Every] = enum_column(Every, "every_known")
    weekday: Mapped[int | None] = mapped_column(comment="0 Monday to 6 Sunday")
    month_day: Mapped[int | None]
    hour: Mapped[int] = mapped_column(default=6, comment="Local hour")
    sends_empty: Mapped[bool] = mapped_column(default=True, comment="Also when there is nothing to tell")
    is_active: Mapped[bool] = mapped_column(default=True)
    stopped_reason: Mapped[str] = mapped_column(String(240), default="", comment="Why the system itself stopped it")
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recipients: Mapped[list[ReportRecipient]] = relationship(back_populates="schedule", cascade="all, delete-orphan")

    def __repr__(self) -> str:
        return self.name


class ReportRecipient(Model):
    """Who gets a scheduled report: people of the house, whose rights are looked at each time."""

    __tablename__ = "report_recipient"
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedule.id", ondelete="CASCADE"), primary_key=True)
    schedule: Mapped[ReportSchedule] = relationship(back_populates="recipients")
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), primary_key=True, index=True)
    user: Mapped[User] = relationship()


class ReportRun(Model):
    """
    One making of a report: who asked for which rows in which format, and how it ended. One that was scheduled has a run a recipient.

    The file leaves when its time is over; the row stays.
    """

    __tablename__ = "report_run"
    __table_args__ = (
        CheckConstraint("(outcome = 'RUNNING') = (ended_at IS NULL)", name="ended_iff_over"),
        CheckConstraint("n_rows >= 0 AND n_bytes >= 0", name="counts_not_negative"),
        CheckConstraint("outcome NOT IN ('FAILED', 'REFUSED') OR length(error) > 0", name="failed_says_why"),
        CheckConstraint("schedule_id IS NULL OR due_at IS NOT NULL", name="scheduled_has_its_hour"),
        UniqueConstraint("schedule_id", "due_at", "user_id"),  # one mail a recipient and an hour, whatever worker comes first
        Index(None, "user_id", "started_at"),
        Index(None, "started_at", "id"),
        Index(None, "report", "started_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    report: Mapped[str] = mapped_column(String(40))
    format: Mapped[ReportFormat] = enum_column(ReportFormat, "format_known")
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    words: Mapped[str] = mapped_column(Text, default="", comment="What was asked for, in words")
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), comment="For whom it was made")
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("report_schedule.id", ondelete="SET NULL"))
    schedule: Mapped[ReportSchedule | None] = relationship()
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Hour of the schedule that it serves")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="RESTRICT"), unique=True)
    job: Mapped[Job | None] = relationship()
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[ReportOutcome] = enum_column(ReportOutcome, "outcome_known", default=ReportOutcome.RUNNING)
    n_rows: Mapped[int] = mapped_column(default=0)
    n_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    error: Mapped[str] = mapped_column(Text, default="", comment="What stopped it, in words")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile | None] = relationship()
    expires_on: Mapped[date | None] = mapped_column(comment="Last day on which the file may be downloaded")

    def __repr__(self) -> str:
        return f"{self.report} {self.started_at:%Y-%m-%d}"
