"""The queue of Huey: where it lives, the context of a task, and who is woken after a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, current_app
from huey import Huey
from huey.storage import BaseStorage, BlackHoleStorage, PostgresStorage, RedisStorage, SqliteStorage
from sqlalchemy import event, make_url
from sqlalchemy.orm import Session

from app.extensions import db
from config import SettingError

log = structlog.get_logger("atiende.jobs")

#: Holds the tasks; `connect()` gives it the queue of the running application.
huey = Huey("atiende", storage_class=BlackHoleStorage, results=False)


def storage_of(app: Flask, *, create_tables: bool = False) -> BaseStorage:
    """
    Return the queue that `HUEY_URL` names (`sqlite:///…`, `postgresql://…`, `redis://…`, or `none`); by default the engine that
    the database runs on. Connects on first use.

    Raises:
        SettingError: Nothing of that name is known, or its client is not installed.
    """
    url = app.config["HUEY_URL"] or _default_url(app)
    scheme = url.partition(":")[0].partition("+")[0]
    match scheme:
        case "none":
            return BlackHoleStorage("atiende")
        case "sqlite":
            return SqliteStorage("atiende", filename=make_url(url).database, fsync=False, create_tables=create_tables)
        case "postgres" | "postgresql":
            dsn = make_url(url.replace("postgres:", "postgresql:", 1)).set(drivername="postgresql")
            return PostgresStorage("atiende", dsn=dsn.render_as_string(hide_password=False), create_tables=create_tables)
        case "redis" | "rediss":
            try:
                import redis  # noqa: F401  the only optional client: nobody needs it to start
            except ImportError:
                raise SettingError("ATIENDE_HUEY_URL names Redis, and its client is not installed: pip install redis") from None
            return RedisStorage("atiende", url=url)
    raise SettingError(f"ATIENDE_HUEY_URL: say sqlite:///…, postgresql://…, redis://… or none, not {scheme}:…")


def _default_url(app: Flask) -> str:
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if app.testing or url.database in (None, "", ":memory:"):
        return "none"
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(app.config['INSTANCE']) / 'jobs.db'}"
    return url.render_as_string(hide_password=False)


def connect(app: Flask) -> None:
    """Give the tasks the queue and the context of *app*."""
    huey.storage = storage_of(app)
    huey.app = app


@contextmanager
def context() -> Iterator[Session]:
    """The session of a task, in the context of the application that `connect()` named."""
    with huey.app.app_context():
        yield db.session()


# ── Waking ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: `session.info` key → what puts the right task into the queue once a transaction that set the key has been committed.
WAKES: dict[str, Callable[[], Any]] = {}


def init_app(app: Flask) -> None:
    """Connect, and wake the worker after every commit that left it something to do."""
    connect(app)
    if not event.contains(db.session, "after_commit", _wake_worker):
        event.listen(db.session, "after_commit", _wake_worker)


def _wake_worker(session: Session) -> None:
    """The work is safe in its rows already: if the queue does not answer, the next minute finds it."""
    for key in [key for key in WAKES if session.info.pop(key, False)]:
        try:
            WAKES[key]()
        except Exception as error:  # whatever the queue runs on may raise its own
            log.warning("queue", wakes=key, kind=type(error).__name__)


def is_connected() -> bool:
    """Return whether there is a queue at all: none in tests, nor under `HUEY_URL=none`, where nothing runs by itself."""
    return current_app.config["HUEY_URL"] != "none" and not isinstance(huey.storage, BlackHoleStorage)
