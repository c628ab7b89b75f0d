"""
Long work: the register of its handlers, their progress, and the loop that works it off.

    @jobs.handler("import")
    def run(session: Session, job: Job, progress: Progress) -> StoredFile | None: ...

A handler commits its own batches and must be safe to run again from the start: a worker that is killed leaves the job to another one,
which finds in the rows what is done already. `job` is detached: a reading of its row; what the handler writes into `job.result` (a
sentence in the language of who asked, which is that of `gettext` while it runs) is kept when it ends, with the file that it returns.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from flask import g
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.domain.errors import DomainError
from app.domain.states import JobStatus
from app.extensions import db, now
from app.jobs.queue import WAKES, context, huey
from app.models import Job, StoredFile
from app.operations import work
from app.words import say

log = structlog.get_logger("atiende.jobs")

#: Set when this process was told to stop: jobs are handed back at their next progress. See `stop_with`.
stopping = threading.Event()
#: The jobs that this process is doing; the heart of the worker renews their leases.
held: dict[int, Job] = {}
#: How many long jobs a process does at once, so that mail and the timetable always find a free hand.
_LANES = threading.BoundedSemaphore(2)


def stop_with(flag: threading.Event) -> None:
    """Follow *flag*, which is set when the worker of this process is told to stop."""
    global stopping
    stopping = flag


class Interrupted(BaseException):
    """The handler has to leave now. Not an Exception: who catches those to tidy up after an error is not told of one."""


class Cancelled(Interrupted):
    """Somebody asked to stop. What the handler committed stays; one that has to tidy up catches this and raises it again."""


class HandedBack(Interrupted):
    """The worker stops, or lost the job to another one. The same job runs again, so there is nothing to tidy up."""


Handler = Callable[[Session, Job, "Progress"], StoredFile | None]
_HANDLERS: dict[str, Handler] = {}


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register who does the jobs of *kind*."""

    def register(function: Handler) -> Handler:
        if _HANDLERS.setdefault(kind, function) is not function:
            raise ValueError(f"{kind} has a handler already")
        return function

    return register


@contextmanager
def reading(session: Session) -> Iterator[None]:
    """
    Let a handler read for long without stopping anybody who writes: on SQLite its transactions begin as readers inside the block.

    Nothing may be written inside. Ends the transaction before and after.
    """
    session.commit()
    g.is_reading = True
    try:
        yield
    finally:
        session.rollback()
        g.is_reading = False


class Progress:
    """
    Tells how far a job is, at most once a second; renews its lease; raises `Cancelled` or `HandedBack` when it is time to leave.

    It writes on a connection of its own. SQLite has one writer, so there it is silent while the session holds an open transaction:
    call it right after the handler's commit (or inside `reading`), and the numbers of a call in between come with the next one.
    """

    def __init__(self, session: Session, job: Job) -> None:
        self.n_done, self.n_total, self.phase = 0, job.n_total, job.phase
        self._session, self._job, self._next = session, job, 0.0

    def __call__(self, n_done: int, n_total: int | None = None, phase: str | None = None) -> None:
        """*phase* says what is being done now: a msgid."""
        self.n_done = n_done
        self.n_total = self.n_total if n_total is None else n_total
        self.phase = self.phase if phase is None else phase
        if stopping.is_set():
            raise HandedBack
        if time.monotonic() >= self._next and not self._is_writing():
            self._tell()
            self._next = time.monotonic() + 1

    def _is_writing(self) -> bool:
        return db.engine.dialect.name == "sqlite" and self._session.in_transaction() and not g.get("is_reading", False)

    def _tell(self) -> None:
        try:
            with db.engine.begin() as connection:
                is_asked = connection.execute(work.progress_of(self._job, datetime.now(UTC), **self.numbers())).scalar()
        except OperationalError as error:  # somebody else writes for long: a number that is not told is no reason to stop
            log.warning("progress", id=self._job.id, kind=type(error).__name__)
            return
        if is_asked is None:
            raise HandedBack
        if is_asked:
            raise Cancelled

    def numbers(self) -> dict[str, int | str | None]:
        return {"n_done": self.n_done, "n_total": self.n_total, "phase": self.phase}


# ── One job ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def run_job(job_id: int | None = None) -> bool:
    """Do the oldest job that waits, or *job_id*, here and now; return whether there was one to do. Where a worker runs, it calls this."""
    session = db.session()
    session.commit()
    job = work.claim(session, now(), datetime.now(UTC), job_id)
    session.commit()
    if job is None:
        return False
    held[job.id] = job
    try:
        with force_locale(job.language):
            _run(session, job)
    finally:
        held.pop(job.id, None)
        session.rollback()
    return True


def _run(session: Session, job: Job) -> None:
    """Call the handler and record how it ended."""
    progress = Progress(session, job)
    log.info("job", id=job.id, kind=job.kind, attempt=job.n_attempts)
    try:
        stored = _HANDLERS[job.kind](session, job, progress)
        is_kept = work.finish(session, job, JobStatus.DONE, now(), result_file=stored, result=job.result, **progress.numbers())
        session.commit() if is_kept else session.rollback()
        return
    except HandedBack:
        session.rollback()
        work.hand_back(session, job, n_attempts=job.n_attempts - 1)
    except Cancelled:
        session.rollback()
        work.finish(session, job, JobStatus.CANCELLED, now(), result=job.result, **progress.numbers())
    except DomainError as error:
        session.rollback()
        work.finish(session, job, JobStatus.FAILED, now(), error=say(error), **progress.numbers())
    except OperationalError as error:  # the database was busy or away: nothing is wrong with the job
        session.rollback()
        _try_again(session, job, progress, error)
    except Exception as error:
        session.rollback()
        _fail(session, job, progress, error)
    session.commit()


def _try_again(session: Session, job: Job, progress: Progress, error: Exception) -> None:
    if job.n_attempts < work.MOST_ATTEMPTS:
        log.warning("job", id=job.id, kind=job.kind, error=type(error).__name__)
        work.hand_back(session, job)
    else:
        _fail(session, job, progress, error)


def _fail(session: Session, job: Job, progress: Progress, error: Exception) -> None:
    """Tell who asked that it is our fault, under a number by which the log tells the rest."""
    number = secrets.token_hex(4)
    log.error("job", id=job.id, kind=job.kind, number=number, exc_info=error)
    text = _("Something broke on our side. Tell the administrator this number: %(number)s. What was done until then stays.", number=number)
    work.finish(session, job, JobStatus.FAILED, now(), error=text, **progress.numbers())


# ── All of them ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@huey.task(name="work_off", expires=55)
def work_off() -> None:
    """
    Do the jobs that wait until none is left, unless as many hands as may are at it.

    Asks again after the hand is free: a job that was queued in between found it taken.
    """
    with context() as session:
        while not stopping.is_set() and session.scalar(work.any_free(datetime.now(UTC))) and _LANES.acquire(blocking=False):
            try:
                run_job()
            finally:
                _LANES.release()


WAKES[work.HAS_WORK] = work_off
