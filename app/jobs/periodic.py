"""
The clock: once a minute it asks which tasks of the timetable are due, and puts them into the queue.

Two workers may tick at once, and a task may be in the queue twice: whoever begins first takes the minute (`operations.runs.begin`), the
other finds it taken. A task that was due while nothing ran is run as soon as something does.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import structlog
from flask_babel import force_locale
from huey import crontab
from sqlalchemy.orm import Session

from app.domain.errors import DomainError
from app.extensions import LANGUAGE, db, now
from app.jobs import heart, longwork
from app.jobs.queue import context, huey
from app.jobs.timetable import TIMETABLE, Counts, Periodic
from app.models import JobRun
from app.operations import runs
from app.words import say

log = structlog.get_logger("atiende.jobs")

#: Tasks that this process is running: one that takes longer than a minute is not begun a second time beside itself.
_running: set[str] = set()
_guard = threading.Lock()


def task_called(name: str) -> Periodic | None:
    return next((task for task in TIMETABLE if task.name == name), None)


@huey.periodic_task(crontab(minute="*"), name="tick", expires=55)
def tick() -> None:
    """Queue what is due."""
    with context() as session:
        for task, due_at in due(session, datetime.now(UTC)):
            run_task(task.name, due_at.isoformat())


def due(session: Session, real: datetime) -> list[tuple[Periodic, datetime]]:
    """Return the tasks that no run served yet in their last minute, with that minute. Commits."""
    if n_lost := runs.give_back(session, real):
        log.warning("periodic", n_lost=n_lost)
    served = runs.served(session)
    session.commit()
    found = ((task, task.last_due(real)) for task in TIMETABLE)
    return [(task, at) for task, at in found if at is not None and (task.name not in served or served[task.name] < at)]


@huey.task(name="run_task", expires=55)
def run_task(name: str, due_at: str | None = None, asked_by_id: int | None = None) -> None:
    """Run the task called *name* and record how it went; *asked_by_id* when somebody asked for it."""
    task = task_called(name)
    with _guard:
        if task is None or name in _running or longwork.stopping.is_set():
            return
        _running.add(name)
    try:
        with context() as session:
            minute = datetime.fromisoformat(due_at) if due_at else None
            begun = runs.begin(session, name, minute, heart.name(), datetime.now(UTC), asked_by_id)
            run_id = begun.id if begun is not None else None
            session.commit()
            if run_id is not None:
                _run(session, task, run_id)
    finally:
        with _guard:
            _running.discard(name)


def _run(session: Session, task: Periodic, run_id: int) -> None:
    """Do it. What fails is recorded and waits for the next time: a worker goes on."""
    counts: Counts = {}
    error = ""
    try:
        counts = task.run(session, now())
        session.commit()
    except Exception as raised:
        session.rollback()
        error = _words_of(raised)
        log.exception("periodic", task=task.name)
    run = session.get(JobRun, run_id)
    if run is not None and run.ended_at is None:
        runs.end(session, run, counts, error, datetime.now(UTC))
    session.commit()
    if error or any(n != 0 for n in counts.values()):
        log.info("periodic", task=task.name, counts=dict(counts), has_failed=bool(error) or None in counts.values())


def _words_of(error: Exception) -> str:
    """Return what went wrong as the administrator reads it; of what is none of our refusals only its kind: the log has the rest."""
    if isinstance(error, DomainError):
        with force_locale(LANGUAGE):
            return say(error)
    return type(error).__name__


def run_here(name: str, due_at: datetime | None = None) -> JobRun | None:
    """Run a task in this process and return its last run, detached: where there is no worker. Ends the transaction of the caller."""
    session = db.session()
    session.commit()
    run_task.call_local(name, due_at.isoformat() if due_at else None)
    run = runs.last_of(session, name)
    session.expunge_all()
    session.commit()
    return run
