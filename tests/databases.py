"""
Databases for tests: a throw-away PostgreSQL when none is given, templates built by migrating, and copies of them.

SQLite templates are files that are copied; PostgreSQL templates are databases that `CREATE DATABASE … TEMPLATE` copies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

#: Where the throw-away cluster of this run lives; the controller of xdist makes it, its workers inherit it.
CLUSTER = "ATIENDE_TEST_CLUSTER"


def lacking(what: str) -> None:
    """Skip the test that needs *what*, or fail it where nothing may be skipped (`ATIENDE_REQUIRE_ALL=1`)."""
    text_ = f"{what} is not available here"
    if os.environ.get("ATIENDE_REQUIRE_ALL") == "1":
        pytest.fail(f"{text_}, and ATIENDE_REQUIRE_ALL forbids to skip", pytrace=False)
    pytest.skip(text_)


# ── PostgreSQL ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def reserve_cluster() -> None:
    """Name a place for the cluster; nothing is started until a test asks."""
    if CLUSTER not in os.environ:
        os.environ[CLUSTER] = tempfile.mkdtemp(prefix="atiende-pg-")


def stop_cluster() -> None:
    """Stop the cluster, if one was started, and remove its files."""
    folder = Path(os.environ.pop(CLUSTER))
    if (folder / "data" / "postmaster.pid").exists():
        _as_postgres(folder, "pg_ctl", "stop", "-D", folder / "data", "-m", "immediate", "-w")
    shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "postgres").exists()), None)


def _as_postgres(folder: Path, program: str, *arguments: object) -> None:
    """Run one of PostgreSQL's programs; it refuses to be root, so root becomes nobody."""
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with (folder / "log").open("ab") as log:
        subprocess.run(
            [str((_binaries() or Path()) / program), *map(str, arguments)],
            check=True,
            cwd=folder,
            stdout=log,
            stderr=log,
            timeout=60,
            **user,
        )


def _start_cluster(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    _as_postgres(folder, "initdb", "-D", folder / "data", "-U", "atiende", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off -c max_connections=60"
    _as_postgres(folder, "pg_ctl", "start", "-D", folder / "data", "-w", "-o", options)


def admin_url() -> str:
    """Return the URL under which databases are created: the one given, or that of a cluster started for this run."""
    given = os.environ.get("ATIENDE_TEST_POSTGRES_URL")
    if given:
        return make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if _binaries() is None:
        lacking("PostgreSQL (set ATIENDE_TEST_POSTGRES_URL, or install the package postgresql)")
    folder = Path(os.environ[CLUSTER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker that needs it starts it
        if not (folder / "data" / "postmaster.pid").exists():
            _start_cluster(folder)
    return f"postgresql+psycopg://atiende@/postgres?host={folder}"


def _administer(*statements: str) -> None:
    engine = create_engine(admin_url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


# ── Both engines ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Databases:
    """The databases of one engine and one test worker: empty ones, and templates with copies. `drop_all()` ends them."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self._prefix = f"atiende_test_{uuid4().hex[:10]}"
        self._made: list[str] = []
        if engine == "postgresql":
            self._admin = make_url(admin_url())

    def url(self, name: str) -> str:
        """Return the URL of database *name*, whether it exists or not."""
        if self.engine == "sqlite":
            return f"sqlite:///{self.folder / name}.db"
        return self._admin.set(database=f"{self._prefix}_{name}").render_as_string(hide_password=False)

    def create(self, name: str) -> str:
        """Create an empty database and return its URL."""
        self._made.append(name)
        if self.engine == "postgresql":
            _administer(f"CREATE DATABASE {self._prefix}_{name}")
        return self.url(name)

    def template(self, name: str, build: Callable[[str], None], based_on: str | None = None) -> str:
        """Return *name* after making it once: empty (or a copy of *based_on*), then *build(url)*."""
        if name not in self._made:
            url = self.copy(based_on, name) if based_on else self.create(name)
            build(url)
        return name

    def copy(self, template: str, name: str | None = None) -> str:
        """Return the URL of a new database with the content of *template*, which nobody may be using."""
        name = name or f"copy{len(self._made)}"
        self._made.append(name)
        if self.engine == "postgresql":
            _administer(f"CREATE DATABASE {self._prefix}_{name} TEMPLATE {self._prefix}_{template}")
        else:
            for suffix in ("", "-wal"):
                source = self.folder / f"{template}.db{suffix}"
                if source.exists():
                    shutil.copy(source, self.folder / f"{name}.db{suffix}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop the database at *url*, with whoever is still connected."""
        if self.engine == "postgresql":
            _administer(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")
        else:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{make_url(url).database}{suffix}").unlink(missing_ok=True)

    def drop_all(self) -> None:
        for name in self._made:
            self.drop(self.url(name))


class SharedConnection(Connection):
    """
    The one connection of a test, standing where the engine stood.

    Every session joins its outer transaction with a savepoint, so code that commits is rolled back all the same. Code that asks
    the engine for `connect()` or `begin()` gets this connection inside a savepoint of its own.
    """

    @property
    def url(self) -> Any:
        return self.engine.url

    @contextlib.contextmanager  # type: ignore[override]
    def begin(self) -> Iterator[Connection]:
        with self.begin_nested():
            yield self

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        savepoint = self.begin_nested()
        try:
            yield self
        finally:
            if savepoint.is_active:
                savepoint.rollback()

    def dispose(self) -> None:
        """Do nothing: the test still needs it."""

    def finish(self) -> None:
        """Roll back everything the test did."""
        transaction = self.get_transaction()
        if transaction is not None:
            transaction.rollback()
        self.close()


def share(engine: Engine) -> SharedConnection:
    """Return the shared connection of a new test, with its outer transaction begun."""
    connection = SharedConnection(engine)
    Connection.begin(connection)
    return connection


@contextlib.contextmanager
def statements_of(engine: Engine | Connection) -> Iterator[list[str]]:
    """Collect the SQL that *engine* runs inside the block, without the words that only frame transactions."""
    from sqlalchemy import event

    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.split(None, 1)[0].upper() not in {"SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "PRAGMA"}:
            seen.append(statement)

    event.listen(engine.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.engine, "before_cursor_execute", note)
