"""
Runs the revisions: all that are due in one transaction, by one process at a time, or not at all.

SQLite changes a table by making another and dropping the first, which foreign keys forbid; so they are off on a connection of our
own, and checked before the commit. Two processes that start together queue: by BEGIN IMMEDIATE there, by an advisory lock on
PostgreSQL. The second finds nothing left to do.
"""

from __future__ import annotations

import logging
from logging.config import fileConfig
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text

config = context.config
if not config.attributes.get("is_start"):  # the product migrates itself when it starts, and has its own logs
    fileConfig(config.config_file_name, disable_existing_loggers=False)
log = logging.getLogger("alembic.env")

migrate = current_app.extensions["migrate"]
engine: Engine = migrate.db.engine
LOCK = 0x41544D47  # any number of our own


def is_ours(_item: object, name: str | None, kind: str, is_reflected: bool, _counterpart: object) -> bool:
    """
    Leave out the tables that others keep for themselves: the job queue on PostgreSQL, the full-text index on SQLite; and there
    the indexes that only PostgreSQL has, which Alembic would miss.
    """
    if kind == "index":
        return engine.dialect.name != "sqlite" or not (name or "").startswith("ix_search_doc_")
    return not (kind == "table" and is_reflected and (name or "").startswith(("huey_", "search_words")))


def say_nothing_changed(_context: object, _revision: object, directives: list[Any]) -> None:
    """Write no empty revision."""
    if getattr(config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []
        log.info("No changes in schema detected.")


def sqlite_engine() -> Engine:
    """Return an engine like ours without foreign keys, whose transactions begin as writers."""
    own = create_engine(engine.url, poolclass=NullPool)

    @event.listens_for(own, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is part of the transaction
        connection.execute("PRAGMA busy_timeout=60000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=OFF")

    @event.listens_for(own, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return own


def check_foreign_keys(connection: Connection) -> None:
    """Raise when a revision left a row that refers to nothing; the transaction is undone."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({row[0] for row in broken}))
        raise RuntimeError(f"the migration would leave {len(broken)} rows without what they refer to, in {tables}; nothing was changed")


def options() -> dict[str, Any]:
    arguments = {"process_revision_directives": say_nothing_changed, **migrate.configure_args}
    return {"target_metadata": migrate.db.metadatas[None], "include_object": is_ours, **arguments}


def run_online() -> None:
    is_sqlite = engine.dialect.name == "sqlite"
    with (sqlite_engine() if is_sqlite else engine).connect() as connection:
        context.configure(connection=connection, transactional_ddl=True, **options())
        with context.begin_transaction():
            if not is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            context.run_migrations()
            if is_sqlite:
                check_foreign_keys(connection)


def run_offline() -> None:
    """Print the SQL instead of running it (`flask db upgrade --sql`)."""
    context.configure(url=engine.url.render_as_string(hide_password=False), literal_binds=True, **options())
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
