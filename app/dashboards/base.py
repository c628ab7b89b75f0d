"""
What a board declares and how it is told: figures, charts and short tables, each with the way to its rows.

A `Board` says what it shows and of which numbers; its `read` has the database count them, of three spans at once: the one that is asked
for, the one before, the same a year ago. Page, television and paper show the same declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, cast, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.states import PqrStatus
from app.models import Pqr, Rating
from app.operations.auditpack import during
from app.reports.base import Reader
from app.reports.forms import Span

Number = int | Decimal | None
#: The names of the numbers that a SELECT gives in its one row.
Part = tuple[tuple[str, ...], Select[Any]]
#: The most numbers of one part.
_WIDTH = 6
_DAY = timedelta(1)
N_MONTHS = 12
#: Bars of a chart; the others are added up in one more.
TOP = 6
#: The states of a case that counts, as the filter of the list says them.
LIVING = ",".join(status.name for status in PqrStatus if status is not PqrStatus.VOIDED)


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Spans:
    """The days that are looked at, those before and those of a year ago. Running: all three are cut to the days that have passed."""

    now: Span
    before: Span
    year_ago: Span
    is_running: bool = False

    @classmethod
    def of(cls, asked: Span, today: date) -> Spans:
        """Return *asked* with what it is compared with; what is under way is compared with as many days."""
        if asked.until <= today:
            return cls(asked, asked.before, asked.year_ago)
        passed = today - asked.since
        ago = asked.year_ago
        begun = (_cut(span, passed) for span in (asked, asked.before, ago))
        return cls(*begun, is_running=True)

    @property
    def all(self) -> tuple[Span, Span, Span]:
        return self.now, self.before, self.year_ago


def _cut(span: Span, passed: timedelta) -> Span:
    return Span(span.since, min(span.until, span.since + passed))


@dataclass(frozen=True)
class Moment:
    """What one reading of a board starts from: whose, of which days, on which day."""

    session: Session
    reader: Reader
    spans: Spans
    today: date

    @cached_property
    def calendar(self) -> BusinessCalendar:
        return queries.calendar_of(self.session, queries.organisation(self.session))

    @cached_property
    def months(self) -> list[Span]:
        """The twelve months that end with the last day that is looked at, the oldest first."""
        first = self.spans.now.until.replace(day=1)
        found = []
        for _n in range(N_MONTHS):
            found.append(Span(first, (first + timedelta(31)).replace(day=1) - _DAY))
            first = (first - _DAY).replace(day=1)
        return found[::-1]

    @property
    def year(self) -> Span:
        return Span(self.months[0].since, self.months[-1].until)

    def scope(self, table: str, statement: Select[Any]) -> Select[Any]:
        return self.reader.scope(table, statement)

    def rated(self, statement: Select[Any]) -> Select[Any]:
        """Return *statement* over Rating limited to the reader's cases, and to those of the counter that are of no case."""
        if self.reader.may("can_see_all", "Pqr"):
            return statement
        its = self.reader.scope("pqr", select(Pqr.id).where(Pqr.id == Rating.pqr_id)).correlate(Rating)
        return statement.where(or_(Rating.pqr_id.is_(None), its.exists()))

    def count(self, table: str, model: Any, *conditions: Any, column: Any = None) -> Select[Any]:
        """Return the SELECT of how many rows of *model* the reader has that meet *conditions*; of *column*, its sum."""
        counted = func.count() if column is None else func.sum(column)
        statement = select(counted).select_from(model).where(*conditions)
        return self.scope(table, statement) if table in self.reader.scopes else statement


def within(column: Any, span: Span) -> ColumnElement[bool]:
    """Return the condition that a date, or the local day of an instant, lies in *span*."""
    return during(column, span)  # type: ignore[arg-type]  # it reads the same two days


# ── What is told ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Group:
    """A bar, a point of time or a line of a table. `key` names it in the address of its rows; empty when no list can name them."""

    key: str
    label: str
    values: tuple[Any, ...]
    tone: str = ""


@dataclass(slots=True)
class Facts:
    """
    What a board was told.

    Args:
        numbers: By key, of the days asked for, those before and those of a year ago; only the first of what is told as of today.
        groups: By key, the bars of a chart or the lines of a table.
        said: What else goes into the addresses and remarks, by name.
    """

    numbers: dict[str, list[Number]] = field(default_factory=dict)
    groups: dict[str, list[Group]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def of(self, key: str, which: int = 0) -> Number:
        found = self.numbers.get(key, [])
        return found[which] if which < len(found) else None


def told(session: Session, of_spans: Iterable[Iterable[Part]], of_today: Iterable[Part] = ()) -> dict[str, list[Number]]:
    """
    Return by name the numbers of all parts, in one statement.

    Args:
        of_spans: The parts of each span, alike in all of them.
        of_today: What is told once.
    """
    asked = [part for parts in (*of_spans, of_today) for part in parts]
    rows = session.execute(union_all(*(_padded(n, statement) for n, (_names, statement) in enumerate(asked)))).all()
    values = {row[0]: row[1:] for row in rows}
    found: dict[str, list[Number]] = {}
    for n, (names, _statement) in enumerate(asked):
        for name, value in zip(names, values[n], strict=False):
            found.setdefault(name, []).append(_number(value))
    return found


def _padded(n: int, statement: Select[Any]) -> Select[Any]:
    columns = list(statement.subquery().c)
    empty = (cast(null(), Numeric(20, 2)) for _ in range(_WIDTH - len(columns)))
    return select(literal(n).label("part"), *(column.label(f"n{i}") for i, column in enumerate((*columns, *empty))))


def _number(value: Any) -> Number:
    if value is None or isinstance(value, int):
        return value
    exact = Decimal(str(value))
    return int(exact) if exact == exact.to_integral_value() else exact


def by_month(months: Sequence[Span], days: Iterable[tuple[date, Sequence[int]]], width: int) -> list[tuple[int, ...]]:
    """Return the sums of *days* (each with *width* numbers) in each of *months*."""
    sums = {span.since: [0] * width for span in months}
    for day, numbers in days:
        its = sums.get(day.replace(day=1))
        if its is not None:
            for i, n in enumerate(numbers):
                its[i] += n or 0
    return [tuple(its) for its in sums.values()]


# ── What is declared ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tile:
    """
    A figure: the number *key*, or of *of* the share or mean that it makes.

    Args:
        label, empty: What it is, and what is said when it is nothing (msgids).
        path: Where its rows are listed: `{p}` is the period, `{s}` every state of a case that counts, `{t}` today, `{y}` yesterday.
        unit: `%`, `$`, or empty.
        times: What one hit counts in a share; 1 makes a mean.
        better: 1 where more is better, -1 where less is.
        tone: A word of state, when it is not nothing.
        than: What the second number is of (a msgid), where it is not of the days before.
        is_share: The number itself is a share or a score, whose differences are points.
    """

    key: str
    label: str
    empty: str
    path: str = ""
    of: str = ""
    unit: str = ""
    times: int = 100
    better: int = 0
    tone: str = ""
    than: str = N_("before: %(n)s")
    is_share: bool = False

    def value(self, facts: Facts, which: int) -> Number:
        number = facts.of(self.key, which)
        if not self.of:
            return number
        of = facts.of(self.of, which)
        return round(Decimal(self.times) * (number or 0) / Decimal(of), 2) if of else None


@dataclass(frozen=True, slots=True)
class Bars:
    """A series of a chart: its name (a msgid), its tone, and where the rows of a group are listed: `{k}` is its key."""

    name: str
    path: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Groups as a drawing with its numbers beside it. `top` groups stand alone; time has all of them, and `is_whole` those of nothing."""

    key: str
    title: str
    empty: str
    bars: tuple[Bars, ...]
    kind: str = "BarChart"
    unit: str = ""
    is_stacked: bool = False
    is_time: bool = False
    is_whole: bool = False
    from_zero: bool = True
    top: int = TOP


@dataclass(frozen=True, slots=True)
class Table:
    """A few lines that want somebody: the first column leads to `path`. `units` say how the other columns are written."""

    key: str
    title: str
    empty: str
    heads: tuple[str, ...]
    path: str = ""
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """A board: its place in the address, its name, whose right opens it, and what it shows of what `read` tells."""

    key: str
    name: str
    about: str
    right: str
    read: Callable[[Moment], Facts]
    period: tuple[Tile, ...]
    today: tuple[Tile, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...] = ()
