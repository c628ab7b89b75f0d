"""What runs by the clock runs once a due minute, after a failure again, and leaves a record that says what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from huey import crontab
from sqlalchemy import delete, select, update

from app import jobs
from app.domain.errors import DomainError
from app.domain.states import RunOutcome
from app.extensions import db
from app.jobs import periodic
from app.models import JobRun, WorkerBeat
from app.operations import runs, work

AT = datetime(2026, 7, 10, 15, 0, 30, tzinfo=UTC)  # 10:00 in Colombia
MINUTE = AT.replace(second=0)


@pytest.fixture
def inside(fresh_app: Flask) -> Iterator[Flask]:
    with fresh_app.app_context():
        yield fresh_app


@pytest.fixture
def timetable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """timetable(function, hour="2", minute="30") leaves one task in the timetable, called "test"."""

    def write(function: Any, **when: str) -> None:
        task = jobs.Periodic("test", "Test", "Tests.", crontab(**(when or {"minute": "*"})), function)
        monkeypatch.setattr(periodic, "TIMETABLE", (task,))

    return write


def all_runs() -> list[JobRun]:
    db.session.rollback()
    found = list(db.session.scalars(select(JobRun).order_by(JobRun.id).execution_options(populate_existing=True)))
    db.session.expunge_all()
    db.session.rollback()  # on SQLite a reading of ours would keep the worker from writing
    return found


def due_at(real: datetime) -> list[datetime]:
    return [at.astimezone(UTC) for _task, at in jobs.due(db.session(), real)]


def test_a_task_is_due_in_its_minute_and_not_again_once_it_ran(inside: Flask, timetable: Callable[..., None]) -> None:
    timetable(lambda *_arguments: {"rows": 2})

    assert due_at(AT) == [MINUTE]
    jobs.run_here("test", MINUTE)
    assert due_at(AT) == []
    assert due_at(AT + timedelta(minutes=1)) == [MINUTE + timedelta(minutes=1)]


def test_a_night_in_which_nothing_ran_is_made_up_for(inside: Flask, timetable: Callable[..., None]) -> None:
    timetable(lambda *_arguments: {}, hour="2", minute="30")
    night = datetime(2026, 7, 8, 7, 30, tzinfo=UTC)
    jobs.run_here("test", night)

    assert due_at(AT) == [night + timedelta(days=2)]


def test_of_two_workers_that_begin_the_same_minute_one_does(inside: Flask, timetable: Callable[..., None]) -> None:
    n_done: list[int] = []
    timetable(lambda *_arguments: n_done.append(1) or {"rows": 1})

    for _worker in range(2):
        jobs.run_here("test", MINUTE)
    jobs.run_here("test", MINUTE - timedelta(minutes=1))  # late out of the queue

    assert len(n_done) == len(all_runs()) == 1


def test_the_database_gives_a_minute_to_one_run(inside: Flask) -> None:
    assert runs.begin(db.session(), "test", MINUTE, "one", AT) is not None
    db.session.commit()

    class Blind:
        """A worker that looked before the other one wrote."""

        def __getattr__(self, name: str) -> Any:
            return (lambda *_arguments: None) if name == "scalar" else getattr(db.session, name)

    assert runs.begin(Blind(), "test", MINUTE, "other", AT) is None
    assert runs.served(db.session()) == {"test": MINUTE}


def test_runs_that_found_nothing_leave_only_the_newest(inside: Flask, timetable: Callable[..., None]) -> None:
    done = iter([0, 3, 0, 0, 0])
    timetable(lambda *_arguments: {"rows": next(done), "others": 0})

    for n in range(5):
        jobs.run_here("test", MINUTE + timedelta(minutes=n))

    assert [(run.n_done, run.counts) for run in all_runs()] == [(3, {"rows": 3}), (0, {})]
    assert due_at(AT + timedelta(minutes=4)) == [], "the newest remembers its minute"


def test_a_failure_is_recorded_in_words_and_stops_no_other(inside: Flask, timetable: Callable[..., None]) -> None:
    def refuse(*_arguments: Any) -> Any:
        raise DomainError("The year %(year)s is missing.", year=2031)

    timetable(refuse)
    refused = jobs.run_here("test", MINUTE)
    timetable(lambda *_arguments: 1 // 0)
    broken = jobs.run_here("test", MINUTE + timedelta(minutes=1))

    assert (refused.outcome, refused.detail) == (RunOutcome.FAILED, "The year 2031 is missing.")
    assert (broken.outcome, broken.detail) == (RunOutcome.FAILED, "ZeroDivisionError")


def test_a_part_that_failed_makes_the_run_fail_and_the_rest_counts(inside: Flask, timetable: Callable[..., None]) -> None:
    timetable(lambda *_arguments: {"mail": 4, "calls": None})

    run = jobs.run_here("test", MINUTE)

    assert (run.outcome, run.n_done, run.counts) == (RunOutcome.FAILED, 4, {"mail": 4, "calls": None})


def test_a_nightly_task_that_failed_is_due_again_an_hour_later(inside: Flask, timetable: Callable[..., None]) -> None:
    timetable(lambda *_arguments: 1 // 0, hour="9", minute="59")
    last = MINUTE - timedelta(minutes=1)
    jobs.run_here("test", last)
    db.session.execute(update(JobRun).values(started_at=AT))
    db.session.commit()

    assert due_at(AT + timedelta(minutes=59)) == []
    assert due_at(AT + timedelta(minutes=61)) == [last]


def test_the_run_of_a_worker_that_died_is_lost_and_its_minute_due_again(inside: Flask, timetable: Callable[..., None]) -> None:
    timetable(lambda *_arguments: {}, hour="10", minute="0")
    db.session.add(WorkerBeat(worker="w", host="h", started_at=AT, seen_at=AT))
    runs.begin(db.session(), "test", MINUTE, "w", AT)
    db.session.commit()

    assert due_at(AT + work.SILENT - timedelta(seconds=1)) == [], "it may be at it"
    assert due_at(AT + work.SILENT + timedelta(seconds=1)) == [MINUTE]
    assert [run.outcome for run in all_runs()] == [RunOutcome.LOST]


def test_a_failure_of_every_minute_leaves_one_row_an_hour(inside: Flask, timetable: Callable[..., None]) -> None:
    timetable(lambda *_arguments: 1 // 0)

    for n in range(4):
        jobs.run_here("test", MINUTE + timedelta(minutes=n))

    assert len(all_runs()) <= 2, "two when the hour of the machine changed in between"


def test_a_task_that_runs_is_not_begun_beside_itself(inside: Flask, timetable: Callable[..., None]) -> None:
    def run(*_arguments: Any) -> dict[str, int]:
        if len(all_runs()) == 1:
            periodic.run_task.call_local("test", (MINUTE + timedelta(minutes=1)).isoformat())
        return {"rows": 1}

    timetable(run)
    jobs.run_here("test", MINUTE)

    assert len(all_runs()) == 1


def test_old_runs_are_swept_but_the_newest_of_each_task_stays(inside: Flask) -> None:
    db.session.execute(delete(JobRun))
    for days, task in ((90, "a"), (80, "a"), (100, "b"), (3, "b")):
        real = AT - timedelta(days=days)
        run = runs.begin(db.session(), task, None, "w", real)
        runs.end(db.session(), run, {"rows": 1}, "", real)
    db.session.add(WorkerBeat(worker="gone", host="h", started_at=AT, seen_at=AT - timedelta(days=2)))

    work.sweep(db.session(), AT, AT)
    db.session.commit()

    assert [(run.task, (AT - run.started_at).days) for run in all_runs()] == [("a", 80), ("b", 3)]
    assert db.session.get(WorkerBeat, "gone") is None
