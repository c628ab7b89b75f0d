"""
That a worker is alive: its row says so every few seconds. It renews the leases of the jobs that it holds, and sees to those that nobody
holds.

A worker that is killed falls silent: the pages tell it (`operations.work.SILENT`), and its jobs and runs go to another one.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from datetime import UTC, datetime

import structlog
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import delete, update
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.jobs.longwork import held, work_off
from app.jobs.queue import huey
from app.models import WorkerBeat
from app.operations import work

log = structlog.get_logger("atiende.jobs")

_names: dict[int, str] = {}


def name() -> str:
    """Return the name of this worker: machine, process, and a mark, since a process that is started again may get the same number."""
    pid = os.getpid()  # the supervisor imports us and forks
    return _names.setdefault(pid, f"{socket.gethostname()[:80]}/{pid}/{secrets.token_hex(3)}")


class Heart(threading.Thread):
    """Beats until `rest()`, in the application of the worker. Its version is that of the schema: a worker of before shows."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="heart", daemon=True)
        self._app, self._rests = app, threading.Event()
        self._started_at = datetime.now(UTC)
        with app.app_context():
            self._version = ScriptDirectory.from_config(app.extensions["migrate"].migrate.get_config()).get_current_head() or ""

    def run(self) -> None:
        while True:
            with self._app.app_context():
                try:
                    self.beat(datetime.now(UTC))
                except SQLAlchemyError as error:  # a database that is busy or away: the next beat tells
                    log.warning("beat", kind=type(error).__name__)
            if self._rests.wait(work.BEAT.total_seconds()):
                return

    def beat(self, real: datetime) -> None:
        """Say that we live, keep what we hold, and see to what nobody does."""
        with db.engine.begin() as connection:
            said = connection.execute(update(WorkerBeat).where(WorkerBeat.worker == name()).values(seen_at=real))
            if said.rowcount == 0:
                connection.execute(WorkerBeat.__table__.insert().values(self._row(real)))
            for job in list(held.values()):
                connection.execute(work.progress_of(job, real))
            is_any_free = connection.execute(work.any_free(real)).first() is not None
        if is_any_free:  # its worker died, or the queue forgot it
            work_off()

    def _row(self, real: datetime) -> dict[str, object]:
        engine = type(huey.storage).__name__.removesuffix("Storage")
        host = socket.gethostname()[:80]
        return {"worker": name(), "host": host, "version": self._version, "queue": engine, "started_at": self._started_at, "seen_at": real}

    def rest(self) -> None:
        """Stop, and say so: who reads the pages need not wait for the silence."""
        self._rests.set()
        self.join(5)
        with self._app.app_context():
            try:
                with db.engine.begin() as connection:
                    connection.execute(delete(WorkerBeat).where(WorkerBeat.worker == name()))
            except SQLAlchemyError as error:
                log.warning("beat", kind=type(error).__name__)
