"""Long work is done exactly once, can be left and stopped, survives whoever does it, and tells the person who asked how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from app import jobs
from app.domain.errors import DomainError
from app.domain.states import JobStatus
from app.extensions import db
from app.jobs import longwork
from app.models import Job, OutboxMessage, Parameter, RateCounter
from app.operations import files, work
from app.security import AUXILIAR
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """handle(function) registers it for the jobs of kind "test", for this test alone."""
    monkeypatch.setattr(longwork, "_HANDLERS", dict(longwork._HANDLERS))

    def register(function: Any) -> None:
        longwork._HANDLERS["test"] = function

    return register


@pytest.fixture
def inside(fresh_app: Flask) -> Iterator[Flask]:
    with fresh_app.app_context():
        yield fresh_app


def ask(**params: Any) -> int:
    """Return the id of a job that was just asked for."""
    job = work.start(db.session, "test", "A test", params, None, AT)
    db.session.commit()
    return job.id


def read(job_id: int) -> Job:
    db.session.rollback()
    return db.session.scalars(select(Job).where(Job.id == job_id).execution_options(populate_existing=True)).one()


def expire(job_id: int) -> None:
    """Let the lease of the job end, as if its worker had been killed a while ago."""
    read(job_id).lease_until = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()


def test_a_job_runs_in_its_parameters_and_leaves_its_result(inside: Flask, handle: Callable[..., None]) -> None:
    def run(session: Any, job: Job, progress: jobs.Progress) -> Any:
        for n in range(1, 4):
            session.add(Parameter(key=f"test.{n}", value=job.params["value"], description="x"))
            session.commit()
            progress(n, 3, "Writing")
        job.result = "Three rows"
        return files.store_file(session, b"a;b\n", "rows.csv", "text/csv")

    handle(run)
    job_id = ask(value="7")

    assert jobs.run_job(job_id)

    job = read(job_id)
    assert (job.status, job.n_done, job.n_total, job.n_attempts) == (JobStatus.DONE, 3, 3, 1)
    assert (job.result, job.result_file.name, job.error) == ("Three rows", "rows.csv", "")
    assert job.lease_until is None and job.ended_at is not None
    assert not jobs.run_job(job_id), "it is over"


def test_the_oldest_job_goes_first(inside: Flask, handle: Callable[..., None]) -> None:
    done: list[int] = []
    handle(lambda _session, job, _progress: done.append(job.id))
    asked = [ask() for _n in range(3)]

    while jobs.run_job():
        pass

    assert done == asked


def test_a_refusal_is_said_in_the_words_of_the_rule(inside: Flask, handle: Callable[..., None]) -> None:
    def run(session: Any, _job: Job, _progress: Any) -> None:
        session.add(Parameter(key="test.half", value="1", description="x"))
        session.flush()
        raise DomainError("There is no sheet called %(name)s.", name="Hoja 3")

    handle(run)
    job_id = ask()

    jobs.run_job(job_id)

    assert (read(job_id).status, read(job_id).error) == (JobStatus.FAILED, "There is no sheet called Hoja 3.")
    assert db.session.get(Parameter, "test.half") is None


def test_a_crash_is_told_politely_and_by_a_number(inside: Flask, handle: Callable[..., None]) -> None:
    def run(_session: Any, _job: Job, _progress: Any) -> None:
        raise ZeroDivisionError("secret inner words")

    handle(run)
    job_id = ask()

    with capture_logs() as lines:
        jobs.run_job(job_id)

    (number,) = (line["number"] for line in lines if "number" in line)
    assert read(job_id).status is JobStatus.FAILED
    assert number in read(job_id).error and "secret" not in read(job_id).error


def test_a_job_that_waits_is_cancelled_at_once(inside: Flask, handle: Callable[..., None]) -> None:
    handle(lambda *_arguments: pytest.fail("it must not run"))
    job_id = ask()

    work.cancel(db.session, read(job_id), AT)
    db.session.commit()

    assert read(job_id).status is JobStatus.CANCELLED
    assert not jobs.run_job(job_id)
    with pytest.raises(DomainError, match="over already"):
        work.cancel(db.session, read(job_id), AT)


def test_a_job_that_runs_stops_at_its_next_progress_and_keeps_what_was_done(inside: Flask, handle: Callable[..., None]) -> None:
    def run(session: Any, job: Job, progress: jobs.Progress) -> None:
        session.add(Parameter(key="test.kept", value="1", description="x"))
        session.commit()
        work.cancel(session, session.get(Job, job.id), AT)
        session.commit()
        progress(1, 2)
        pytest.fail("it went on")

    handle(run)
    job_id = ask()

    jobs.run_job(job_id)

    assert (read(job_id).status, read(job_id).n_done, read(job_id).n_total) == (JobStatus.CANCELLED, 1, 2)
    assert db.session.get(Parameter, "test.kept") is not None


def test_whoever_catches_errors_is_not_told_of_a_stop(inside: Flask, handle: Callable[..., None]) -> None:
    def run(session: Any, job: Job, progress: jobs.Progress) -> None:
        work.cancel(session, session.get(Job, job.id), AT)
        session.commit()
        try:
            progress(0)
        except Exception:
            pytest.fail("a stop is no error")

    handle(run)
    job_id = ask()

    jobs.run_job(job_id)

    assert read(job_id).status is JobStatus.CANCELLED


def test_progress_is_silent_while_the_handler_writes_on_sqlite(inside: Flask, handle: Callable[..., None], engine: str) -> None:
    """One writer: a second connection would wait for the first, which waits for it."""
    seen: list[int] = []

    def run(session: Any, job: Job, progress: jobs.Progress) -> None:
        session.add(Parameter(key="test.open", value="1", description="x"))
        session.flush()
        progress(5)
        seen.append(session.scalar(select(Job.n_done).where(Job.id == job.id)))
        session.commit()
        progress(6)
        seen.append(session.scalar(select(Job.n_done).where(Job.id == job.id)))

    handle(run)

    jobs.run_job(ask())

    assert seen == ([0, 6] if engine == "sqlite" else [5, 5]), "at most once a second"


def test_a_worker_that_stops_hands_its_job_back(inside: Flask, handle: Callable[..., None]) -> None:
    def run(_session: Any, _job: Job, progress: jobs.Progress) -> None:
        longwork.stopping.set()
        try:
            progress(1)
        finally:
            longwork.stopping.clear()

    handle(run)
    job_id = ask()

    jobs.run_job(job_id)

    assert (read(job_id).status, read(job_id).n_attempts) == (JobStatus.QUEUED, 0)


def test_the_job_of_a_dead_worker_is_taken_over_when_its_lease_ends(inside: Flask, handle: Callable[..., None]) -> None:
    job_id = ask()
    dead = work.claim(db.session(), AT, datetime.now(UTC), job_id)
    db.session.commit()
    handle(lambda *_arguments: None)

    assert not jobs.run_job(job_id), "its worker may be alive"
    expire(job_id)
    assert jobs.run_job(job_id)

    assert (read(job_id).status, read(job_id).n_attempts) == (JobStatus.DONE, 2)
    assert dead is not None and not work.finish(db.session(), dead, JobStatus.FAILED, AT, error="late"), "the dead one changes nothing"


def test_a_worker_that_lost_its_job_leaves_it(inside: Flask, handle: Callable[..., None]) -> None:
    def run(session: Any, job: Job, progress: jobs.Progress) -> None:
        expire(job.id)
        assert work.claim(session, AT, datetime.now(UTC), job.id)
        session.commit()
        progress(1)
        pytest.fail("it went on")

    handle(run)
    job_id = ask()

    jobs.run_job(job_id)

    assert (read(job_id).status, read(job_id).n_attempts) == (JobStatus.RUNNING, 2), "it is of the other one"


def test_a_job_that_killed_three_workers_is_given_up(inside: Flask, handle: Callable[..., None]) -> None:
    handle(lambda *_arguments: pytest.fail("it must not run again"))
    job_id = ask()
    for _n in range(work.MOST_ATTEMPTS):
        assert work.claim(db.session(), AT, datetime.now(UTC), job_id)
        db.session.commit()
        expire(job_id)

    assert not jobs.run_job(job_id)

    assert read(job_id).status is JobStatus.LOST
    assert "3" in read(job_id).error


def test_who_asked_is_told_by_mail_how_it_went(inside: Flask, handle: Callable[..., None]) -> None:
    user = Factory(db.session()).user(AUXILIAR)
    user_id, address = user.id, user.email
    db.session.commit()

    def run(_session: Any, job: Job, _progress: Any) -> None:
        job.result = "Tres filas."

    handle(run)
    job = work.start(db.session, "test", "Importación de julio", {}, user_id, AT)
    db.session.commit()
    job_id = job.id
    for _twice in range(2):
        jobs.run_job(job_id)

    (mail,) = db.session.scalars(select(OutboxMessage)).all()
    assert (mail.to_address, mail.event, mail.user_id) == (address, "job_done", user_id)
    assert "Importación de julio" in mail.subject
    assert "Tres filas." in mail.body and f"/work/{job_id}" in mail.body


def test_who_stopped_it_needs_no_mail(inside: Flask, handle: Callable[..., None]) -> None:
    user_id = Factory(db.session()).user(AUXILIAR).id
    db.session.commit()

    def run(session: Any, job: Job, progress: jobs.Progress) -> None:
        work.cancel(session, session.get(Job, job.id), AT)
        session.commit()
        progress(1)

    handle(run)
    job_id = work.start(db.session, "test", "Importación", {}, user_id, AT).id
    db.session.commit()

    jobs.run_job(job_id)

    assert read(job_id).status is JobStatus.CANCELLED
    assert db.session.scalars(select(OutboxMessage)).all() == []


def test_a_long_reading_lets_others_write_and_its_progress_is_told(inside: Flask, handle: Callable[..., None]) -> None:
    seen: list[int] = []

    def run(session: Any, job: Job, progress: jobs.Progress) -> None:
        with jobs.reading(session):
            seen.append(session.scalar(select(func.count()).select_from(RateCounter)))
            with db.engine.begin() as other:
                other.execute(insert(RateCounter).values(key="other", n_hits=1, expires_at=AT))
            progress(7)
        seen.append(session.scalar(select(Job.n_done).where(Job.id == job.id)))

    handle(run)

    jobs.run_job(ask())

    assert seen == [0, 7]


def test_a_busy_database_is_tried_again_and_not_for_ever(inside: Flask, handle: Callable[..., None]) -> None:
    n_tries: list[int] = []

    def run(_session: Any, _job: Job, _progress: Any) -> None:
        n_tries.append(1)
        raise OperationalError("SELECT 1", {}, Exception("busy"))

    handle(run)
    job_id = ask()

    while jobs.run_job():
        pass

    assert len(n_tries) == work.MOST_ATTEMPTS
    assert read(job_id).status is JobStatus.FAILED
