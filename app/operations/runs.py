"""
The runs of periodic tasks: one row a run, so that people see what happened and no minute of the timetable is served twice.

A run serves the minute in which its task was due, and UNIQUE (task, due_at) gives that minute to one worker. A run whose worker died,
and one that failed an hour ago, give their minute back: the task is due again. Of runs that found nothing to do only the newest stays.
All instants are those of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.domain.states import RunOutcome
from app.models import JobRun, WorkerBeat
from app.operations.work import SILENT

#: How long after a failure a task that is not due anyway is tried again.
RETRY = timedelta(hours=1)


def served(session: Session) -> dict[str, datetime]:
    """Return the last minute of the timetable that a run of each task serves."""
    rows = session.execute(select(JobRun.task, func.max(JobRun.due_at)).where(JobRun.due_at.is_not(None)).group_by(JobRun.task))
    return {row.task: row[1] for row in rows}


def give_back(session: Session, real: datetime) -> int:
    """Free the minutes of runs whose worker died, which are LOST, and of those that failed long enough ago; return how many are LOST."""
    is_alive = select(WorkerBeat.worker).where(WorkerBeat.worker == JobRun.worker, WorkerBeat.seen_at > real - SILENT).exists()
    dead = update(JobRun).where(JobRun.outcome == RunOutcome.RUNNING, JobRun.started_at < real - SILENT, ~is_alive)
    lost = session.execute(dead.values(outcome=RunOutcome.LOST, ended_at=real, due_at=None))
    failed = update(JobRun).where(JobRun.outcome == RunOutcome.FAILED, JobRun.due_at.is_not(None), JobRun.started_at < real - RETRY)
    session.execute(failed.values(due_at=None))
    return lost.rowcount


def last_of(session: Session, task: str) -> JobRun | None:
    return session.scalar(select(JobRun).where(JobRun.task == task).order_by(JobRun.id.desc()).limit(1))


def begin(
    session: Session, task: str, due_at: datetime | None, worker: str, real: datetime, asked_by_id: int | None = None
) -> JobRun | None:
    """Return the run that begins now, or None when another one serves that minute or a later one. Commit before working."""
    if due_at is not None and session.scalar(select(JobRun.id).where(JobRun.task == task, JobRun.due_at >= due_at).limit(1)):
        return None
    run = JobRun(task=task, due_at=due_at, started_at=real, outcome=RunOutcome.RUNNING, worker=worker, asked_by_id=asked_by_id, n_done=0)
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        return None
    return run


def end(session: Session, run: JobRun, counts: Mapping[str, int | None], error: str, real: datetime) -> None:
    """
    Record how *run* went, and forget the older ones that it makes idle: those that found nothing, and the same failure of this hour.

    Args:
        counts: What was done, by msgid; None for a part that failed.
        error: What stopped it, in words; empty when nothing did.
    """
    has_failed = bool(error) or None in counts.values()
    run.outcome, run.ended_at = RunOutcome.FAILED if has_failed else RunOutcome.DONE, real
    run.n_done = sum(n or 0 for n in counts.values())
    run.counts, run.detail = {words: n for words, n in counts.items() if n != 0}, error
    session.flush()
    idle = (JobRun.outcome == RunOutcome.DONE, JobRun.n_done == 0)
    if has_failed:
        hour = real.replace(minute=0, second=0, microsecond=0)
        idle = (JobRun.outcome == RunOutcome.FAILED, JobRun.n_done == 0, JobRun.detail == error, JobRun.started_at >= hour)
    session.execute(delete(JobRun).where(JobRun.task == run.task, JobRun.id < run.id, JobRun.asked_by_id.is_(None), *idle))
