"""Work in the background: what somebody asked for, what runs by itself, and who does it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import JobStatus, RunOutcome
from app.tables.base import UtcDateTime, enum_column
from app.tables.cases import StoredFile


class Job(Model):
    """A long work that somebody asked for; its result waits in the tray. Whoever holds the lease runs it."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("n_done >= 0 AND (n_total IS NULL OR n_total >= 0)", name="progress_not_negative"),
        CheckConstraint("n_attempts >= 0", name="attempts_not_negative"),
        CheckConstraint("(status = 'RUNNING') = (lease_until IS NOT NULL)", name="leased_iff_running"),
        CheckConstraint("(status IN ('QUEUED', 'RUNNING')) = (ended_at IS NULL)", name="ended_iff_over"),
        CheckConstraint("status NOT IN ('FAILED', 'LOST') OR length(error) > 0", name="failed_says_why"),
        Index(None, "status", "lease_until"),
        Index(None, "asked_by_id", "created_at"),
        Index(None, "created_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    status: Mapped[JobStatus] = enum_column(JobStatus, "status_known", default=JobStatus.QUEUED)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    n_done: Mapped[int] = mapped_column(default=0)
    n_total: Mapped[int | None]
    phase: Mapped[str] = mapped_column(String(120), default="")
    language: Mapped[str] = mapped_column(String(5), default="es", comment="Of who asked: title, result and error are in it")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    asked_by: Mapped[User | None] = relationship()
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    n_attempts: Mapped[int] = mapped_column(default=0)
    is_cancel_asked: Mapped[bool] = mapped_column(default=False)
    result_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    result_file: Mapped[StoredFile | None] = relationship()
    result: Mapped[str] = mapped_column(Text, default="", comment="What came out, in words")
    error: Mapped[str] = mapped_column(Text, default="", comment="What went wrong, in words")

    def __repr__(self) -> str:
        return self.title


class JobRun(Model):
    """One run of a periodic task. Runs that found nothing to do are swept, all but the newest."""

    __tablename__ = "job_run"
    __table_args__ = (
        CheckConstraint("(outcome = 'RUNNING') = (ended_at IS NULL)", name="ended_iff_over"),
        CheckConstraint("n_done >= 0", name="done_not_negative"),
        UniqueConstraint("task", "due_at"),  # of two workers that take the same minute, one gets no row
        Index(None, "task", "started_at"),
        Index(None, "started_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Minute of the timetable that it serves; empty: somebody asked")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[RunOutcome] = enum_column(RunOutcome, "outcome_known", default=RunOutcome.RUNNING)
    n_done: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, int | None]] = mapped_column(JSON, default=dict, comment="What was done, by msgid; null: that part failed")
    detail: Mapped[str] = mapped_column(Text, default="", comment="What stopped it")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), comment="Empty: by the clock")
    asked_by: Mapped[User | None] = relationship()
    worker: Mapped[str] = mapped_column(String(120), default="")

    def __repr__(self) -> str:
        return self.task


class WorkerBeat(Model):
    """That a worker is alive: it says so every half minute."""

    __tablename__ = "worker_beat"
    worker: Mapped[str] = mapped_column(String(120), primary_key=True, comment="Machine and process")
    host: Mapped[str] = mapped_column(String(80))
    version: Mapped[str] = mapped_column(String(40), default="")
    queue: Mapped[str] = mapped_column(String(20), default="", comment="Engine of its queue")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
