"""
What runs without anybody asking: mail every minute (and as soon as it is queued), sweeping at night.

Every task may run twice, late, or on two machines at once, and the result is the same: the rows say what is left to do, the queue
only says when to look. So the queue may be lost, and is written without waiting for the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog
from flask import Flask, current_app
from huey import Huey, crontab
from huey.storage import BaseStorage, BlackHoleStorage, PostgresStorage, RedisStorage, SqliteStorage
from sqlalchemy import event, make_url
from sqlalchemy.orm import Session

from app import mailer, queries, ratelimit
from app.extensions import db, now
from app.models import OutboxMessage
from app.operations import appeals, files, notices, outbox, requirements, silence
from config import SettingError

log = structlog.get_logger("atiende.jobs")

#: Holds the tasks; `connect()` gives it the queue of the running application. Times of `crontab` are UTC.
huey = Huey("atiende", storage_class=BlackHoleStorage, results=False)


# ── The queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


def init_app(app: Flask) -> None:
    """Connect, and wake the worker after every commit that queued mail."""
    connect(app)
    if not event.contains(db.session, "after_commit", _wake_worker):
        event.listen(db.session, "after_commit", _wake_worker)


def _wake_worker(session: Session) -> None:
    """The mail is safe in its row already: if the queue does not answer, the next minute sends it."""
    if not session.info.pop(outbox.HAS_MAIL, False) or not mailer.is_configured(current_app.config):
        return
    try:
        send_mail()
    except Exception as error:  # whatever the queue runs on may raise its own
        log.warning("queue", kind=type(error).__name__)


# ── The tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _context() -> Iterator[Session]:
    """The session of a task, in the context of the application that `connect()` named."""
    with huey.app.app_context():
        yield db.session()


@huey.periodic_task(crontab(minute="*"), name="send_mail", expires=55)
def send_mail() -> None:
    """Send what is due in the outbox."""
    with _context() as session:
        deliver(session)


@huey.periodic_task(crontab(hour="7", minute="30"), name="sweep")  # half past two in the morning in Colombia
def sweep() -> None:
    """Delete what nothing needs any more: counters of windows that ended, and stored blobs that no row names."""
    with _context() as session:
        n_counters, n_blobs = ratelimit.sweep(), files.sweep_orphans(session)
        log.info("sweep", n_counters=n_counters, n_blobs=n_blobs)


#: What the law lets happen by itself, in this order: a function of (session, at) each, which flushes and returns how many rows it moved.
#: Twice on one night, or nights later, the result is the same.
NIGHTLY: tuple[Callable[[Session, datetime], int], ...] = (
    notices.serve_due, requirements.end_overdue_evidence, appeals.close_final, silence.keep_up,
)  # fmt: skip


@huey.periodic_task(crontab(hour="5", minute="10"), name="turn_the_day")  # ten past midnight in Colombia
def turn_the_day() -> None:
    """Do what a day that ended brings about: see `NIGHTLY`. Each commits by itself, so that one that fails stops no other."""
    with _context() as session:
        for duty in NIGHTLY:
            name = f"{duty.__module__.rpartition('.')[2]}.{duty.__name__}"
            try:
                n_moved = duty(session, now())
                session.commit()
            except Exception:
                session.rollback()
                log.exception("nightly", duty=name)
            else:
                log.info("nightly", duty=name, n_moved=n_moved)


def deliver(session: Session, limit: int = 500) -> int:
    """
    Send up to *limit* due messages; return how many left. Commits around each, and holds no transaction while it talks to the
    mail server. Stops when the server itself does not answer: the rest waits without spending its attempts.
    """
    if not mailer.is_configured(current_app.config):
        return 0
    n_sent = 0
    with mailer.Mailer(current_app.config) as server:
        while n_sent < limit:
            claimed = outbox.claim_due(session, now())
            head = mailer.Head.of(queries.organisation(session), current_app.config) if claimed else None
            session.commit()
            if head is None:
                break
            is_sent, may_go_on = _send(session, server, head, claimed[0])
            n_sent += is_sent
            if not may_go_on:
                break
    return n_sent


def _send(session: Session, server: mailer.Mailer, head: mailer.Head, message: OutboxMessage) -> tuple[bool, bool]:
    """Send one claimed message and record how it went; return whether it left, and whether the server takes more."""
    try:
        server.send(mailer.compose(message, head, now()))
    except mailer.NotSent as error:
        outbox.mark_failed(session, message, str(error), now(), is_final=error.is_final)
        if error.is_final:
            notices.record_refusal(session, message, str(error), at=now())
        log.warning("mail", id=message.id, attempt=message.n_attempts, is_final=error.is_final)
        is_sent, may_go_on = False, not error.is_server
    else:
        outbox.mark_sent(session, message, now())
        is_sent, may_go_on = True, True
    session.commit()
    return is_sent, may_go_on
