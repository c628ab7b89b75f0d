"""Any list as a file: exactly its filtered rows, the chosen columns, typed cells. The screen hands over columns and rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric
from sqlalchemy import Enum as EnumType

from app.extensions import local
from app.models import UtcDateTime
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report

WIDTHS = {Kind.TEXT: 24, Kind.DATE: 12, Kind.DATETIME: 17, Kind.INT: 10, Kind.MONEY: 16, Kind.DECIMAL: 12, Kind.BOOL: 8, Kind.CASE: 18}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the list: its heading in the reader's language, what its cells hold, and how a row gives its value."""

    title: str
    kind: Kind
    value: Callable[[Any], Any]


def kind_of(column: Any, name: str) -> Kind:
    """Return what the cells of a mapped column hold; None (no column of its own: a relation, a made text) is text."""
    kind = getattr(column, "type", None)
    if kind is None or isinstance(kind, EnumType):
        return Kind.TEXT
    if isinstance(kind, Boolean):
        return Kind.BOOL
    if isinstance(kind, UtcDateTime | DateTime):
        return Kind.DATETIME
    if isinstance(kind, Date):
        return Kind.DATE
    if isinstance(kind, Integer):
        return Kind.INT
    return Kind.MONEY if isinstance(kind, Numeric) and name.endswith("_cop") else Kind.TEXT


def plain(value: Any) -> Any:
    """Return *value* of a model as a cell holds it: words for members and rows, wall clock for instants, text without markup."""
    match value:
        case None | bool() | int() | Decimal():
            return value
        case Enum():
            return _(value.value)
        case datetime():
            return local(value).replace(tzinfo=None) if value.tzinfo else value
        case date():
            return value
        case Markup():
            return re.sub(r"\s+", " ", value.striptags()).strip()
        case list() | tuple():
            return ", ".join(str(plain(item)) for item in value)
    return str(value)


class ListReport(Report):
    """The rows of a list, for `write_xlsx` and `write_csv`."""

    identifier: ClassVar[str] = "list"
    description: ClassVar[str] = ""
    form: ClassVar[type[FilterForm]] = FilterForm

    def __init__(self, title: str, fields: Sequence[Field], rows: Callable[[], Iterator[Any]], words: Sequence[str]) -> None:
        self.name = title  # type: ignore[misc]
        self.header = tuple(Column(field.title, field.kind, WIDTHS[field.kind]) for field in fields)  # type: ignore[misc]
        self._fields, self._rows, self._words = fields, rows, list(words)

    def rows(self) -> Iterator[Cells]:
        """Yield every row, streamed."""
        values = [_READ.get(field.kind, _as_it_is)(field.value) for field in self._fields]
        for row in self._rows():
            yield tuple(value(row) for value in values)

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return self._words


def _as_it_is(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return value


def _moment(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda row: plain(value(row))


def _text(value: Callable[[Any], Any]) -> Callable[[Any], str | None]:
    def read(row: Any) -> str | None:
        found = plain(value(row))
        return None if found is None or found == "—" else str(found)

    return read


_READ = {Kind.TEXT: _text, Kind.DATETIME: _moment}
