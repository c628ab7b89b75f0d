"""Rows written by the hundred: what is there by its natural key, and one INSERT … ON CONFLICT for what is new or another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import islice
from typing import Any

from sqlalchemy import Select, and_, column, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.importing.kinds import Fate, Row, Run
from app.models import Audited

_AT_ONCE = 1000


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
        is_one = len(keys) == 1
        asked = statement.where(keys[0].in_([mark[0] for mark in block])) if is_one else _joined(run.session, statement, keys, block)
        for row in run.session.execute(asked if run.is_dry else asked.with_for_update(of=model)):
            found[tuple(row[: len(keys)])] = row
    return found


def _joined(session: Session, statement: Select[Any], keys: Sequence[Any], marks: list[tuple[Any, ...]]) -> Select[Any]:
    """
    Return *statement* for the rows with these keys of several columns, which travel as one parameter.

    SQLite finds `(a, b) IN (…)` by no index, and a thousand parameters cost more to write down than to look up.
    """
    names = [f"k{n}" for n in range(len(keys))]
    if (dialect := session.get_bind().dialect).name == "postgresql":
        typed = ", ".join(f"{name} {key.type.compile(dialect)}" for name, key in zip(names, keys, strict=True))
        asked = text(f"SELECT * FROM json_to_recordset(CAST(:marks AS json)) AS wanted({typed})")
        written = json.dumps([dict(zip(names, map(_plain, mark), strict=True)) for mark in marks])
    else:
        parts = ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(names))
        asked = text(f"SELECT {parts} FROM json_each(:marks)")
        written = json.dumps([[*map(_plain, mark)] for mark in marks])
    columns = [column(name, key.type) for name, key in zip(names, keys, strict=True)]
    wanted = asked.bindparams(marks=written).columns(*columns).cte("wanted")
    return statement.join(wanted, and_(*(key == wanted.c[name] for name, key in zip(names, keys, strict=True))))


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, Enum) else value


def compare(row: Row, there: Any, told: dict[str, Any], *, blanks_erase: bool = False) -> None:
    """
    Give *row* its fate by the row that is *there* (or None), and put in `row.found` the columns to write.

    Args:
        blanks_erase: An empty cell takes away what is there; else it leaves it.
    """
    if there is None:
        row.fate, row.found = Fate.NEW, told
        return
    known = there._mapping
    merged = {name: known[name] if value is None and not blanks_erase and name in known else value for name, value in told.items()}
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
