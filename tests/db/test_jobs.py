"""The queue lives where the settings say, wakes the worker after a commit, and is never needed for anything to be right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from huey.storage import BlackHoleStorage, PostgresStorage, SqliteStorage
from sqlalchemy import delete, func, inspect, select

from app import jobs, mailer
from app.domain.states import RunOutcome
from app.extensions import db
from app.models import JobRun, OutboxMessage, RateCounter
from app.operations import outbox, work
from config import SettingError

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def queued_app(fresh_app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """An application with a mail server in its settings and a queue of its own."""
    before = jobs.huey.storage
    fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=1, HUEY_URL=f"sqlite:///{tmp_path / 'queue.db'}")
    jobs.storage_of(fresh_app, create_tables=True).close()
    jobs.connect(fresh_app)
    yield fresh_app
    jobs.huey.storage.close()
    jobs.huey.storage = before


def queue_one(app: Flask, key: str = "k", *, is_kept: bool = True) -> None:
    with app.app_context():
        outbox.queue_message(db.session, key=key, event="test", to="a@example.com", subject="s", body="b", at=AT)
        if is_kept:
            db.session.commit()
        else:
            db.session.rollback()


def names_in_queue() -> list[str]:
    return [task.name for task in jobs.huey.pending()]


def test_a_commit_that_queued_mail_wakes_the_worker(queued_app: Flask) -> None:
    queue_one(queued_app)

    assert names_in_queue() == ["send_mail_now"]


def test_other_commits_and_rolled_back_ones_wake_nobody(queued_app: Flask) -> None:
    queue_one(queued_app, is_kept=False)
    with queued_app.app_context():
        db.session.add(RateCounter(key="x", n_hits=1, expires_at=AT))
        db.session.commit()

    assert names_in_queue() == []


def test_without_a_mail_server_nobody_is_woken(queued_app: Flask) -> None:
    queued_app.config["SMTP_HOST"] = None

    queue_one(queued_app)

    assert names_in_queue() == []


def test_a_queue_that_does_not_answer_stops_no_commit(queued_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_args: Any, **_kwargs: Any) -> None:
        raise OSError("no queue")

    monkeypatch.setattr(jobs.huey.storage, "enqueue", break_down)

    queue_one(queued_app)

    with queued_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_the_task_sends_what_is_due_in_its_own_context(queued_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(mailer.Mailer, "send", lambda _self, mail, _envelope: sent.append(mail["To"]))
    queue_one(queued_app)

    jobs.huey.execute(jobs.huey.dequeue())

    assert sent == ["a@example.com"]


def test_every_task_may_run_twice(queued_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(mailer.Mailer, "send", lambda _self, mail, _envelope: sent.append(mail["To"]))
    queue_one(queued_app)
    with queued_app.app_context():
        really = datetime.now(UTC)  # the limiter counts real time
        for key, offset in (("a", -timedelta(1)), ("b", timedelta(1))):
            db.session.add(RateCounter(key=key, n_hits=1, expires_at=really + offset))
        db.session.commit()

    with queued_app.app_context():
        outcomes = [jobs.run_here(task.name).outcome for task in jobs.TIMETABLE for _twice in range(2)]

    assert set(outcomes) == {RunOutcome.DONE}
    assert sent == ["a@example.com"]
    with queued_app.app_context():
        assert db.session.scalars(select(RateCounter.key)).all() == ["b"]


def test_mail_is_looked_for_every_minute_and_the_night_is_that_of_colombia() -> None:
    when = {task.name: task for task in jobs.TIMETABLE}

    assert when["send_mail"].next_due(AT) == AT + timedelta(minutes=1)
    assert when["turn_the_day"].last_due(AT) == datetime(2026, 7, 10, 5, 10, tzinfo=UTC), "ten past midnight there"
    assert when["sweep"].next_due(AT) == datetime(2026, 7, 11, 7, 30, tzinfo=UTC), "half past two there"
    assert [task.name for task in jobs.huey._registry.periodic_tasks] == ["tick"]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("none", BlackHoleStorage),
        ("sqlite:////nowhere/jobs.db", SqliteStorage),
        ("postgres://u@db/x", PostgresStorage),
        ("postgresql+psycopg://u@db/x", PostgresStorage),
    ],
)
def test_the_setting_chooses_the_queue(fresh_app: Flask, url: str, kind: type) -> None:
    fresh_app.config["HUEY_URL"] = url

    assert type(jobs.storage_of(fresh_app)) is kind


def test_without_a_setting_the_queue_is_where_the_database_is(fresh_app: Flask, engine: str) -> None:
    fresh_app.testing = False

    storage = jobs.storage_of(fresh_app, create_tables=True)

    if engine == "sqlite":
        assert storage.filename == str(Path(fresh_app.config["INSTANCE"]) / "jobs.db")
    else:
        with fresh_app.app_context():
            assert "huey_task" in inspect(db.engine).get_table_names()
    storage.enqueue(b"x")
    assert storage.dequeue() == b"x"
    storage.close()


@pytest.mark.parametrize("url", ["amqp://broker", "redis://127.0.0.1/0"])
def test_a_queue_that_cannot_be_is_refused_by_name(fresh_app: Flask, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "redis", None)  # as if its client were not installed
    fresh_app.config["HUEY_URL"] = url

    with pytest.raises(SettingError, match="ATIENDE_HUEY_URL"):
        jobs.storage_of(fresh_app)


def test_redis_is_asked_for_by_its_address(fresh_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    monkeypatch.setitem(sys.modules, "redis", ModuleType("redis"))
    monkeypatch.setattr("app.jobs.queue.RedisStorage", lambda name, url: (name, url))
    fresh_app.config["HUEY_URL"] = "rediss://:secret@cache:6380/2"

    assert jobs.storage_of(fresh_app) == ("atiende", "rediss://:secret@cache:6380/2")


def test_a_tick_queues_what_is_due_and_two_ticks_run_it_once(queued_app: Flask) -> None:
    with queued_app.app_context():
        db.session.execute(delete(JobRun))
        db.session.commit()

    for _worker in range(2):
        jobs.tick.call_local()
    queued = jobs.huey.pending()
    while task := jobs.huey.dequeue():
        jobs.huey.execute(task)

    assert len(queued) == 2 * len(jobs.TIMETABLE)
    with queued_app.app_context():
        ran = db.session.scalars(select(JobRun.task)).all()
    assert sorted(ran) == sorted(task.name for task in jobs.TIMETABLE)


def test_a_commit_that_asked_for_work_wakes_the_worker(queued_app: Flask) -> None:
    with queued_app.app_context():
        work.start(db.session, "archive", "A", {}, None, AT)
        assert names_in_queue() == [], "not before the commit"
        db.session.commit()

    assert names_in_queue() == ["work_off"]
