"""
Long work that somebody asked for: rows written by the transaction that asked, claimed and done by a worker, each once.

A worker claims a row (RUNNING, with a lease that it renews) and commits before it works, so two workers never do the same job. If it
dies, the lease ends and another worker does it again; after `MOST_ATTEMPTS` deaths the job is LOST, and whoever asked is told. Every
write of a worker names the attempt that it made, so one whose lease ended changes nothing any more.

Instants called *real* are those of the machine, and leases are counted in them: the clock of the business may stand still.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import JobStatus
from app.models import Job, JobRun, StoredFile, WorkerBeat
from app.operations import messages

#: How long a job stays with its worker without a sign of life; the worker gives one every `BEAT`.
LEASE, BEAT = timedelta(minutes=2), timedelta(seconds=20)
#: A worker that was silent for so long is not running.
SILENT = timedelta(minutes=2)
MOST_ATTEMPTS = 3
#: How long results wait in the tray, and runs of periodic tasks are remembered.
KEPT, RUNS_KEPT = timedelta(days=30), timedelta(days=60)
#: `session.info` key: this transaction asked for work, so whoever commits may wake the worker.
HAS_WORK = "atiende.has_work"
OVER = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.LOST)


def start(session: Session, kind: str, title: str, params: dict[str, Any], user_id: int | None, at: datetime) -> Job:
    """
    Return a new job in the caller's transaction; a worker takes it after the commit.

    Args:
        kind: Names its handler, see `jobs.handler`.
        title: What it is, in the language of who asks: it heads its line in the tray.
        params: What the handler needs to know; plain JSON, no secrets.
    """
    job = Job(
        kind=kind, title=title[:200], params=params, asked_by_id=user_id, created_at=at, status=JobStatus.QUEUED, language=_language(),
        n_done=0, n_attempts=0, is_cancel_asked=False, phase="", result="", error="",
    )  # fmt: skip
    session.add(job)
    session.flush()
    session.info[HAS_WORK] = True
    return job


def _language() -> str:
    locale = get_locale()
    return locale.language if locale else "es"


def cancel(session: Session, job: Job, at: datetime) -> None:
    """End a job that waits, or ask its worker to stop after what it is doing now. Raises DomainError for one that is over."""
    if job.status is JobStatus.QUEUED and _write(session, job, status=JobStatus.CANCELLED, ended_at=at, is_cancel_asked=True):
        return
    asked = update(Job).where(Job.id == job.id, Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING))).values(is_cancel_asked=True)
    if session.execute(asked).rowcount == 0:
        raise DomainError(N_("This work is over already. Reload the page to see how it went."))


# ── The worker's side ─────────────────────────────────────────────────────────────────────────────────────────────────────


def is_free(real: datetime) -> ColumnElement[bool]:
    """Return the condition of the jobs that a worker may take: they wait, or whoever had them died."""
    return or_(Job.status == JobStatus.QUEUED, and_(Job.status == JobStatus.RUNNING, Job.lease_until <= real))


def any_free(real: datetime) -> Select[tuple[int]]:
    return select(Job.id).where(is_free(real)).limit(1)


def claim(session: Session, at: datetime, real: datetime, job_id: int | None = None) -> Job | None:
    """
    Return the oldest free job (or *job_id*, if free), RUNNING and ours until `LEASE` has passed; None when there is none.

    The job is detached: a reading that stays as it is. Commit before working. What was asked to stop, or killed its workers too
    often, ends here.
    """
    free = select(Job).where(is_free(real)).order_by(Job.id).limit(1).with_for_update(skip_locked=True)
    if job_id is not None:
        free = free.where(Job.id == job_id)
    while job := session.scalars(free.execution_options(populate_existing=True)).first():
        if job.is_cancel_asked:
            finish(session, job, JobStatus.CANCELLED, at)
        elif job.n_attempts >= MOST_ATTEMPTS:
            finish(session, job, JobStatus.LOST, at, error=_why_lost(job))
        elif _write(
            session, job, status=JobStatus.RUNNING, n_attempts=job.n_attempts + 1, lease_until=real + LEASE, started_at=job.started_at or at
        ):
            session.refresh(job)
            session.expunge(job)
            return job
    return None


def _why_lost(job: Job) -> str:
    with force_locale(job.language):
        return _(
            "It was begun %(n)s times, and each time the program ended while it worked. Ask for it again; if it happens again, tell "
            "the administrator.",
            n=job.n_attempts,
        )


def _write(session: Session, job: Job, **values: Any) -> bool:
    """Write *values* unless the job moved on since *job* was read; return whether they were written."""
    same = and_(Job.id == job.id, Job.status == job.status, Job.n_attempts == job.n_attempts)
    done = session.execute(update(Job).where(same).values(values).execution_options(synchronize_session="fetch"))
    return done.rowcount == 1


def progress_of(job: Job, real: datetime, **values: Any) -> Any:
    """Return the UPDATE that tells how far our job is and renews its lease; it changes no row that is not ours any more."""
    ours = and_(Job.id == job.id, Job.status == JobStatus.RUNNING, Job.n_attempts == job.n_attempts)
    return update(Job).where(ours).values(lease_until=real + LEASE, **values).returning(Job.is_cancel_asked)


def finish(
    session: Session, job: Job, status: JobStatus, at: datetime, *, error: str = "", result_file: StoredFile | None = None, **values: Any
) -> bool:
    """Record how our job ended and tell who asked; return False, with nothing written, when it is not ours any more."""
    file_id = result_file.id if result_file else None
    values |= {"status": status, "ended_at": at, "lease_until": None, "error": error, "result_file_id": file_id}
    if not _write(session, job, **values):
        return False
    if status is not JobStatus.CANCELLED and (user := session.get(User, job.asked_by_id or 0)):
        facts = {"title": job.title, "outcome": status, "detail": error or values.get("result"), "url": f"/work/{job.id}"}
        messages.tell_user(session, user, "job_done", facts, key=f"job:{job.id}", at=at)
    return True


def hand_back(session: Session, job: Job, *, n_attempts: int | None = None) -> bool:
    """Let another worker take our job at once; *n_attempts* when the one we made does not count. Return whether it was still ours."""
    made = job.n_attempts if n_attempts is None else n_attempts
    session.info[HAS_WORK] = True
    return _write(session, job, status=JobStatus.QUEUED, lease_until=None, n_attempts=made)


# ── Tidying up ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep(session: Session, at: datetime, real: datetime) -> int:
    """Delete the results that waited long enough, old runs of periodic tasks and workers that are gone; return how many rows."""
    n_results = sum(_sweep_result(session, job) for job in session.scalars(_old_results(at)).all())
    newest = select(func.max(JobRun.id)).group_by(JobRun.task)
    old_runs = delete(JobRun).where(JobRun.started_at < real - RUNS_KEPT, JobRun.id.not_in(newest))
    gone = delete(WorkerBeat).where(WorkerBeat.seen_at < real - timedelta(days=1))
    return n_results + sum(session.execute(statement).rowcount for statement in (old_runs, gone))


def _old_results(at: datetime) -> Any:
    return select(Job).where(Job.result_file_id.is_not(None), Job.ended_at < at - KEPT).order_by(Job.id).limit(500)


def _sweep_result(session: Session, job: Job) -> int:
    """Let go of the result; its file goes too unless another register keeps it."""
    stored, job.result_file = job.result_file, None
    session.flush()
    try:
        with session.begin_nested():
            session.delete(stored)
    except IntegrityError:
        return 0
    return 1
