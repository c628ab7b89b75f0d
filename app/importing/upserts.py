"""Rows written by the hundred: what is there by its natural key, and one INSERT … ON CONFLICT for what is new or another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.importing.kinds import Fate, Row, Run
from app.models import Audited

_AT_ONCE = 500


def stamp_of(run: Run) -> dict[str, Any]:
    """Return the author columns of a row that this import writes."""
    return {"created_at": run.at, "changed_at": run.at, "created_by_id": run.user_id, "changed_by_id": run.user_id}


def existing(
    run: Run, model: Any, key: Sequence[str], marks: Iterable[tuple[Any, ...]], columns: Sequence[str]
) -> dict[tuple[Any, ...], Any]:
    """Return the rows of *model* whose *key* is among *marks*: key → row of the key and *columns*. In an import they stay locked."""
    keys = [getattr(model, name) for name in key]
    wanted, found = iter(sorted(set(marks), key=repr)), {}
    statement = select(*keys, *(getattr(model, name) for name in columns))
    while block := list(islice(wanted, _AT_ONCE)):
        asked = statement.where(keys[0].in_([mark[0] for mark in block]) if len(keys) == 1 else tuple_(*keys).in_(block))
        for row in run.session.execute(asked if run.is_dry else asked.with_for_update()):
            found[tuple(row[: len(keys)])] = row
    return found


def compare(row: Row, there: Any, values: dict[str, Any], *, blanks_erase: bool = False) -> None:
    """
    Give *row* its fate by the row that is *there* (or None), and put in `row.found` the columns to write.

    Args:
        blanks_erase: An empty cell takes away what is there; else it leaves it.
    """
    if there is None:
        row.fate, row.found = Fate.NEW, values
        return
    known = there._mapping
    merged = {name: known[name] if value is None and not blanks_erase and name in known else value for name, value in values.items()}
    row.fate = Fate.SAME if all(name not in known or known[name] == value for name, value in merged.items()) else Fate.CHANGED
    row.found = merged


def upsert(session: Session, model: Any, key: Sequence[str], lines: Sequence[dict[str, Any]], run: Run) -> None:
    """Insert *lines*, or write over the rows that have their key; on both engines one statement for all of them."""
    if not lines:
        return
    stamps = stamp_of(run) if issubclass(model, Audited) else {}
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = insert(model.__table__)
    columns = {inspected: model.__table__.c[_column(model, inspected)] for inspected in (*lines[0], *stamps)}
    written = {
        column.name: statement.excluded[column.name]
        for name, column in columns.items()
        if name not in key and name not in {"created_at", "created_by_id"}
    }
    statement = statement.on_conflict_do_update(index_elements=[columns[name] for name in key], set_=written)
    session.execute(statement, [{columns[name].name: value for name, value in (line | stamps).items()} for line in lines])


def _column(model: Any, name: str) -> str:
    return getattr(model, name).property.columns[0].name
