"""The extensions, unbound. One MetaData and its naming convention serve the product's tables and Flask-AppBuilder's."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from typing import Any
from weakref import WeakSet
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, has_app_context, has_request_context, request
from flask_appbuilder import AppBuilder, Model
from flask_appbuilder.models.sqla.base import SQLA
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from sqlalchemy_utils.aggregates import manager as aggregates
from werkzeug.local import LocalProxy

from app.domain.text import plain

LOCAL_ZONE = ZoneInfo("America/Bogota")
#: Answers and acts are legal acts in Spanish, whatever language the screen of their author has.
LANGUAGE = "es"

# Before any table exists: constraints that migrations must find again need a name, Flask-AppBuilder's included.
Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Flask-AppBuilder brings sqlalchemy_utils, whose aggregates (we have none) walk every object of a session at every flush.
if event.contains(Session, "after_flush", aggregates.construct_aggregate_queries):
    event.remove(Session, "after_flush", aggregates.construct_aggregate_queries)


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Spell our column types in migrations without importing the product: a revision must run after the code moved on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and type(item).__name__ == "UtcDateTime" else False


db = SQLA(metadata=Model.metadata)
#: The Flask-AppBuilder of the running application: each `create_app()` makes its own, so that tests may hold several.
appbuilder: AppBuilder = LocalProxy(lambda: current_app.appbuilder)  # type: ignore[assignment]
migrate = Migrate(render_as_batch=True, compare_type=True, render_item=render_item)
csrf = CSRFProtect()


def now() -> datetime:
    """Return this instant, aware, in UTC; `ATIENDE_NOW` (ISO, for training and demos) moves it."""
    fixed = current_app.config.get("ATIENDE_NOW") if has_app_context() else None
    return datetime.fromisoformat(fixed).astimezone(UTC) if fixed else datetime.now(UTC)


def local(instant: datetime) -> datetime:
    """Return *instant* on the wall clock of Colombia (UTC-5, no daylight saving)."""
    return instant.astimezone(LOCAL_ZONE)


def today() -> date:
    """Return the date of today in Colombia. Only views, portal, jobs and cli may ask."""
    return local(now()).date()


def public_url(path: str, *, trust_request: bool = True) -> str | None:
    """
    Return the address of *path* as citizens reach it: under `PUBLIC_URL`, else under the host that this request names, else None.

    Args:
        trust_request: Say no for links that leave by mail: whoever sends a request chooses the host that it names.
    """
    base = current_app.config.get("PUBLIC_URL")
    if not base and trust_request and has_request_context():
        base = request.host_url
    return f"{base.rstrip('/')}{path}" if base else None


#: Execution options of a statement that every page asks, whose best plan does not depend on its values: planned once a connection.
KEEPS_PLAN = {"keeps_plan": True}


def _keep_plans(engine: Engine) -> None:
    """
    Prepare what says KEEPS_PLAN and nothing else, and keep it (docs/adr/0021-plans-outlive-the-page.md).

    psycopg forgets what it has prepared at every ROLLBACK, which is how a page ends. So a transaction that only read ends with
    COMMIT, where SQLAlchemy would say ROLLBACK: to the data it is the same.
    """

    readers: WeakSet[Any] = WeakSet()  # connections of psycopg whose transaction has only read so far

    @event.listens_for(engine, "begin")
    def begin(connection) -> None:  # type: ignore[no-untyped-def]
        readers.add(connection.connection.driver_connection)

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection, cursor, statement: str, _parameters: object, context: Any, _many: bool) -> None:  # type: ignore[no-untyped-def]
        keeps = context is not None and context.execution_options.get("keeps_plan")
        cursor.connection.prepare_threshold = 2 if keeps else None
        if not statement.startswith("SELECT"):
            readers.discard(connection.connection.driver_connection)

    undo = engine.dialect.do_rollback

    def end(connection: Any) -> None:
        if getattr(connection, "driver_connection", connection) in readers:
            connection.commit()
        else:
            undo(connection)

    engine.dialect.do_rollback = end  # type: ignore[method-assign]


def prepare_engine(engine: Engine, patience: int = 15) -> None:
    """
    Make the engine behave. On SQLite: WAL, foreign keys on, a busy timeout, and writers that queue instead of failing.

    pysqlite opens transactions lazily and DEFERRED, so two readers that both turn writer can only fail. A unit of work starts
    with BEGIN IMMEDIATE instead, unless the request said that it only reads (`g.is_reading`, set for GET and HEAD).

    Args:
        patience: Seconds to wait for a row or table that somebody else holds, before the page says that the database is busy.
    """
    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "connect")
        def limit(connection, _record: object) -> None:  # type: ignore[no-untyped-def]
            # As patient as SQLite: a table that somebody holds is a clear 503 after a while, never a page that hangs.
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{patience}s'")
                cursor.execute("SET jit = off")  # compiling a plan takes seconds, running ours milliseconds
            connection.commit()

        _keep_plans(engine)

    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.create_function("plain_text", 1, lambda text: None if text is None else plain(str(text)), deterministic=True)
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            f"busy_timeout={patience * 1000}",
            "synchronous=FULL",  # an acknowledged filing survives a power cut
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection) -> None:  # type: ignore[no-untyped-def]
        is_reading = has_app_context() and g.get("is_reading", False)
        connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def start_writing() -> None:
    """Let a GET write (an e-notice records its own opening): end the reading transaction, begin a writing one on next use."""
    db.session.rollback()
    g.is_reading = False


def init_engines(app: Flask) -> None:
    """Apply `prepare_engine` to every engine of *app*; call inside its context."""
    for engine in db.engines.values():
        prepare_engine(engine, app.config["LOCK_PATIENCE"])
