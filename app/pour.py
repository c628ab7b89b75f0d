"""Many new rows at once, past the unit of work: COPY on PostgreSQL, one prepared INSERT on SQLite. For rows made of data, by imports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session


def pour(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """
    Store *rows*, which all name the same columns of *table*, in this transaction; defaults of Python are the caller's.

    A statement of SQLAlchemy that writes has to come first in the transaction (`extensions._keep_plans` tells readers by it).
    """
    if not rows:
        return
    names = list(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        with cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as target:  # type: ignore[attr-defined]
            for row in rows:
                target.write_row([value.name if isinstance(value, Enum) else value for value in map(row.__getitem__, names)])
        return
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" * len(names))})'
    lines = [tuple([_plain(value) for value in map(row.__getitem__, names)]) for row in rows]
    connection.exec_driver_sql(statement, lines)


def _plain(value: Any) -> Any:
    """Return a value as SQLite keeps it."""
    kind = value.__class__
    if kind in _AS_IT_IS:
        return value
    return value.name if isinstance(value, Enum) else _PLAIN[kind](value)


@lru_cache(maxsize=16_384)
def _instant(value: datetime) -> str:
    """Return an instant as SQLAlchemy stores it on SQLite: naive, in UTC."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


_AS_IT_IS = frozenset({str, int, type(None)})
#: How SQLite keeps what it has no type for.
_PLAIN: dict[type, Any] = {datetime: _instant, date: lru_cache(maxsize=16_384)(date.isoformat), bool: int}
