"""
Who changed what: fills the author columns of `Audited` rows and writes before/after to `change_log` in the same transaction.

The actor, reason and request id travel in `session.info`; jobs and seeds leave them empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from app.extensions import db, now
from app.models import (
    ActionEvent,
    ActionReview,
    Assignment,
    Audited,
    CalendarChange,
    CaseEvent,
    ChangeLog,
    CommercialEvent,
    IndicatorNote,
    RiskMove,
    SuiLoadRow,
    SurveyCall,
)

#: Columns whose value says nothing to an auditor or must not be written twice.
SILENT = {"created_at", "changed_at", "created_by_id", "changed_by_id", "login_count", "last_login"}
SECRET = {"password", "access_key", "token", "secret", "previous_secret", "token_hash"}
LOGGED = (Audited, User, Role)
#: Facts of the past: a session that changes or deletes one is refused.
IMMUTABLE = (
    ActionEvent, ActionReview, CaseEvent, CalendarChange, ChangeLog, CommercialEvent, IndicatorNote, RiskMove, SuiLoadRow, SurveyCall,
)  # fmt: skip


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.name
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return f"({len(value)} bytes)"
        case list() | tuple() | set():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() | str() | dict():
            return value
    return str(value)


def _columns(row: Any) -> dict[str, Any]:
    state = inspect(row)
    loaded = state.dict
    return {
        attribute.key: "•••" if attribute.key in SECRET else _plain(loaded[attribute.key])
        for attribute in state.mapper.column_attrs
        if attribute.key in loaded and attribute.key not in SILENT and loaded[attribute.key] is not None
    }


def _changes(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = {}, {}
    state = inspect(row)
    for attribute in state.mapper.column_attrs:
        if attribute.key in SILENT:
            continue
        history = state.attrs[attribute.key].history
        if not history.has_changes():
            continue
        old = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if old == new:
            continue
        is_secret = attribute.key in SECRET
        before[attribute.key] = "•••" if is_secret else _plain(old)
        after[attribute.key] = "•••" if is_secret else _plain(new)
    if isinstance(row, User | Role):
        for name in ("roles", "permissions"):
            if name in state.mapper.relationships and state.attrs[name].history.has_changes():
                history = state.attrs[name].history
                before[name] = sorted(map(str, [*history.unchanged, *history.deleted]))
                after[name] = sorted(map(str, [*history.unchanged, *history.added]))
    return before, after


def _sign(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    """Before a flush: authors and instants; refuse to rewrite the past."""
    instant, actor = now(), session.info.get("actor_id")
    for row in session.new:
        if isinstance(row, Audited):
            row.created_at = row.created_at or instant
            row.changed_at = row.changed_at or instant
            row.created_by_id = row.created_by_id or actor
            row.changed_by_id = row.changed_by_id or actor
    for row in session.dirty:
        if not session.is_modified(row):
            continue
        if isinstance(row, IMMUTABLE):
            raise RuntimeError(f"{type(row).__name__} rows are never changed")
        if isinstance(row, Audited):
            row.changed_at, row.changed_by_id = instant, actor
    for row in session.deleted:
        if isinstance(row, (*IMMUTABLE, Assignment)):
            raise RuntimeError(f"{type(row).__name__} rows are never deleted")


def _record(session: Session, _context: UOWTransaction) -> None:
    """After a flush (ids exist, history is still there): one INSERT with a line for each changed row."""
    lines: list[dict[str, Any]] = []

    def line(row: Any, action: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        state = inspect(row)
        lines.append(
            {
                "at": now(),
                "actor_id": session.info.get("actor_id"),
                "request_id": session.info.get("request_id", ""),
                "table_name": state.mapper.local_table.name,
                "row_id": ",".join(str(value) for value in state.mapper.primary_key_from_instance(row)),
                "action": action,
                "before": before,
                "after": after,
                "reason": session.info.get("reason", ""),
            }
        )

    if session.info.get("silent"):
        return
    for row in session.new:
        if isinstance(row, LOGGED):
            line(row, "insert", {}, _columns(row))
    for row in session.dirty:
        if isinstance(row, LOGGED):
            before, after = _changes(row)
            if after:
                line(row, "update", before, after)
    for row in session.deleted:
        if isinstance(row, LOGGED):
            line(row, "delete", _columns(row), {})
    if lines:
        session.execute(insert(ChangeLog), lines)


def record_updates(session: Session, model: type[Any], changes: Iterable[tuple[Any, dict[str, Any], dict[str, Any]]]) -> None:
    """Write the lines of rows that a bulk UPDATE changed, unseen by the unit of work: (primary key, before, after) of each."""
    common = {
        "at": now(),
        "actor_id": session.info.get("actor_id"),
        "request_id": session.info.get("request_id", ""),
        "table_name": model.__tablename__,
        "action": "update",
        "reason": session.info.get("reason", ""),
    }

    def plain(values: dict[str, Any]) -> dict[str, Any]:
        return {name: _plain(value) for name, value in values.items()}

    lines = [common | {"row_id": str(key), "before": plain(before), "after": plain(after)} for key, before, after in changes]
    if lines and not session.info.get("silent"):
        session.execute(insert(ChangeLog), lines)


def record_reading(session: Session, table: str, row_id: Any, what: str, reason: str = "") -> None:
    """Write down that somebody took personal data away: of which row, as *what*, and why."""
    line = {
        "at": now(),
        "actor_id": session.info.get("actor_id"),
        "request_id": session.info.get("request_id", ""),
        "table_name": table,
        "row_id": str(row_id),
        "action": "read",
        "before": {},
        "after": {"read": what},
        "reason": reason,
    }
    session.execute(insert(ChangeLog), [line])


def _refuse_bulk(execution: ORMExecuteState) -> None:
    """Statements over many rows pass no flush; those that would rewrite the past are refused here."""
    mapper = execution.bind_mapper
    if (execution.is_update or execution.is_delete) and mapper is not None and issubclass(mapper.class_, IMMUTABLE):
        raise RuntimeError(f"{mapper.class_.__name__} rows are never changed")


def _keep_old(_row: Any, _value: Any, _old: Any, _event: Any) -> None:
    """Listening is enough: SQLAlchemy then reads the old value of an expired column before it is overwritten."""


def install() -> None:
    """Listen to the sessions of Flask-SQLAlchemy; once a process."""
    if event.contains(db.session, "before_flush", _sign):
        return
    event.listen(db.session, "before_flush", _sign)
    event.listen(db.session, "after_flush", _record)
    event.listen(db.session, "do_orm_execute", _refuse_bulk)
    for mapper in Model.registry.mappers:
        if issubclass(mapper.class_, LOGGED):
            for attribute in mapper.column_attrs:
                event.listen(attribute.class_attribute, "set", _keep_old, active_history=True)


@contextmanager
def because(session: Session, reason: str) -> Iterator[None]:
    """Give *reason* to every change flushed inside the block."""
    session.flush()
    before = session.info.get("reason", "")
    session.info["reason"] = reason
    try:
        yield
        session.flush()
    finally:
        session.info["reason"] = before


@contextmanager
def silently(session: Session) -> Iterator[None]:
    """Write no change log inside the block: seeds and demo data, whose origin is the command itself."""
    session.info["silent"] = True
    try:
        yield
    finally:
        session.info.pop("silent", None)
