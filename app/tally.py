"""
What a chart counts: Flask-AppBuilder's grammar of `definitions`, and its sums by group, made by the database in one statement.

A sum is kept as parts that can be added up again (an average is a sum and a count), so that days fold into months, and small groups
into one, without asking again.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar

from flask_appbuilder.models.group import aggregate_avg, aggregate_count, aggregate_sum
from sqlalchemy import ColumnElement, Select, extract, func, literal, select, union_all
from sqlalchemy.orm import Session

MOST_PERIODS = 62  # points of a line before days become months, and months years
MOST_GAPS = 200  # periods from the first to the last that are shown without rows too; beyond, some date is a slip of the pen
AGGREGATES = (aggregate_count, aggregate_sum, aggregate_avg)
#: FAB's names of charts, which are Google's: a BarChart lies, a ColumnChart stands.
KINDS = ("ColumnChart", "BarChart", "LineChart", "PieChart")
#: The column that adds up the others.
ALL = object()

Parts = tuple[Any, ...]


# ── What a definition says ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Measure:
    """What one of FAB's aggregate functions makes of a column, or of a name of `expressions()`."""

    aggregate: Any
    column: str

    @property
    def n_parts(self) -> int:
        return 2 if self.aggregate is aggregate_avg else 1

    def parts(self, model: Any, made: Mapping[str, ColumnElement[Any]] = MappingProxyType({})) -> list[ColumnElement[Any]]:
        column = made[self.column] if self.column in made else getattr(model, self.column)
        if self.aggregate is aggregate_count:
            is_never_empty = self.column not in made and not column.property.columns[0].nullable
            return [func.count() if is_never_empty else func.count(column)]  # an index alone can answer the first
        return [func.sum(column), func.count(column)][: self.n_parts]

    def weight(self, parts: Sequence[Any]) -> ColumnElement[Any]:
        """Return the expression by which groups are ranked; nothing weighs nothing."""
        value = parts[0] * 1.0 / func.nullif(parts[1], 0) if self.n_parts == 2 else parts[0]
        return func.coalesce(value, 0)

    def value(self, parts: Parts | None) -> Any:
        """Return the number: nothing counts and sums to zero, and has no average."""
        if self.n_parts == 2:
            return round(Decimal(str(parts[0])) / parts[1], 2) if parts and parts[1] else None
        return (parts[0] or 0) if parts else 0


@dataclass(frozen=True, slots=True)
class Definition:
    """
    One chart, as `definitions` declares it.

    FAB's keys: `label`; `group`, a column, a relation, a name of `expressions()`, or several dates (a line for each); `formatter`,
    from the value of a group to its text; `series`, [(aggregate function, column)], where a bare column is its sum.
    Ours: `name` in the address; `period` (day, month, year) of a date; `split`, a column whose values are stacked; `chart_type`;
    `top`, how many groups stand alone; `tones`, the colour of each value of the split, by the name of the member; `only`, filters of the
    list, as its address says them, outside of which the chart counts nothing; `help`, what its numbers mean.
    """

    name: str
    label: Any
    groups: tuple[str, ...]
    measures: tuple[Measure, ...]
    formatter: Callable[[Any], Any] | None
    period: str
    split: str
    chart_type: str
    top: int
    tones: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)
    help: Any = ""

    KEYS: ClassVar = frozenset(
        ("name", "label", "group", "formatter", "series", "period", "split", "chart_type", "top", "tones", "only", "help")
    )  # fmt: skip

    @classmethod
    def read(cls, given: Mapping[str, Any], *, chart_type: str, top: int, labels: Mapping[str, Any]) -> Definition:
        """Return what *given* declares. Raises ValueError with what is wrong: a mistake of the programmer."""
        groups = (given["group"],) if isinstance(given["group"], str) else tuple(given["group"])
        measures = tuple(Measure(aggregate_sum, each) if isinstance(each, str) else Measure(*each) for each in given["series"])
        kind, period, split = given.get("chart_type", chart_type), given.get("period", ""), given.get("split", "")
        problems = {
            f"unknown keys {sorted(set(given) - cls.KEYS)}": set(given) - cls.KEYS,
            "the database cannot compute that aggregate": any(each.aggregate not in AGGREGATES for each in measures),
            f"{kind} is none of {', '.join(KINDS)}": kind not in KINDS,
            f"{period} is no period": period and period not in FOLDS,
            "only dates share a chart": len(groups) > 1 and not period,
            "a split, several dates and a pie take one series": len(measures) > 1 and (split or len(groups) > 1 or kind == "PieChart"),
            "several dates have no split": split and len(groups) > 1,
        }
        if problem := next((text for text, is_so in problems.items() if is_so), ""):
            raise ValueError(f"{given['group']}: {problem}")
        return cls(
            name=given.get("name") or "by-" + groups[0].replace("_", "-"), label=given.get("label") or labels.get(groups[0], groups[0]),
            groups=groups, measures=measures, formatter=given.get("formatter"), period=period, split=split, chart_type=kind,
            top=given.get("top", top), tones=given.get("tones", {}), only=given.get("only", {}), help=given.get("help", ""),
        )  # fmt: skip


# ── Periods ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What a date is grouped by; both engines say years and months as numbers.
FOLDS: dict[str, Callable[[Any], Any]] = {
    "day": lambda column: column,
    "month": lambda column: extract("year", column) * 100 + extract("month", column),
    "year": lambda column: extract("year", column),
}
_COARSER = {"day": "month", "month": "year"}


def _unfolded(period: str, key: Any) -> date:
    """Return the first day of what `FOLDS` made."""
    if period == "day":
        return key
    return date(int(key) // 100, int(key) % 100, 1) if period == "month" else date(int(key), 1, 1)


def first_of(period: str, day: date) -> date:
    """Return the first day of the *period* in which *day* lies."""
    return {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[period]


def last_of(period: str, day: date) -> date:
    """Return the last day of the *period* in which *day* lies."""
    if period == "year":
        return day.replace(month=12, day=31)
    return day if period == "day" else day.replace(day=monthrange(day.year, day.month)[1])


# ── The sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _added(one: Parts, other: Parts, sign: int = 1) -> Parts:
    return tuple((a or 0) + sign * (b or 0) for a, b in zip(one, other, strict=True))


class Tally:
    """
    The sums of one chart, by group and column. A column is a series, a value of the split, or one of several dates.

    Args:
        rows: The SELECT of the rows of *model* to sum: what its reader may see and asks for.
        columns: The expressions of groups, split and measures that are no columns, by name.
        period: What dates are grouped by; a long span coarsens it (see `self.period`).
        limit: How many groups to read, the largest first; of the others only the sum is known. A split reads all.
    """

    def __init__(
        self, session: Session, wanted: Definition, model: Any, rows: Select[Any], columns: Mapping[str, Any], *, period: str = "",
        limit: int | None = None,
    ) -> None:  # fmt: skip
        self.wanted, self.period = wanted, period
        self.cells: dict[Any, dict[Any, Parts]] = {}
        self.totals: dict[Any, Parts] = {}
        self.n_groups = 0
        self._rows, self._columns = rows.order_by(None), columns
        self._parts = [part for measure in wanted.measures for part in measure.parts(model, columns)]
        self._read_periods(session) if wanted.period else self._read_groups(session, limit)

    # Asking

    def _grouped(self, name: str) -> Select[Any]:
        """Return key, split and parts of each group of column *name*."""
        by = [self._columns[name].label("key")]
        if self.wanted.split:
            by.append(self._columns[self.wanted.split].label("split"))
        parts = (part.label(f"p{n}") for n, part in enumerate(self._parts))
        chosen = [*by, *parts] if self.wanted.split else [*by, literal(0).label("split"), *parts]
        return self._rows.with_only_columns(*chosen, maintain_column_froms=True).group_by(*by)

    def _read_groups(self, session: Session, limit: int | None) -> None:
        statement, n = self._grouped(self.wanted.groups[0]), len(self._parts)
        is_limited = limit is not None and not self.wanted.split
        if is_limited:
            groups = statement.subquery()
            parts = [groups.c[f"p{i}"] for i in range(n)]
            weight = self.wanted.measures[0].weight(parts)
            statement = select(*groups.c, *(func.sum(part).over() for part in parts), func.count().over())
            statement = statement.order_by(weight.desc(), groups.c.key).limit(limit)
        rows = session.execute(statement).all()
        for row in rows:
            self._take(row[0], row[1], row[2 : 2 + n])
        self.n_groups = len(self.cells)
        if is_limited and rows:
            self.n_groups, self.totals = rows[0][-1], {}
            self._share(self.totals, 0, rows[0][2 + n : 2 + 2 * n])

    def _read_periods(self, session: Session) -> None:
        """Sum by day and then by period, all in the database: few days are folded, however many rows there are."""
        selects = []
        for name in self.wanted.groups:
            days = self._grouped(name).where(self._columns[name].is_not(None)).subquery()
            key = FOLDS[self.period](days.c.key).label("key")
            parts = (func.sum(days.c[f"p{n}"]).label(f"p{n}") for n in range(len(self._parts)))
            selects.append(select(literal(name).label("which"), key, days.c.split, *parts).group_by(key, days.c.split))
        several = len(selects) > 1
        for which, key, split, *parts in session.execute(union_all(*selects) if several else selects[0]):
            self._take(_unfolded(self.period, key), which if several else split, parts)
        while self.cells and self.period in _COARSER and self._n_periods() > MOST_PERIODS:
            self._coarsen(_COARSER[self.period])
        if self.cells and self._n_periods() <= MOST_GAPS:
            self._fill_gaps()
        self.n_groups = len(self.cells)

    def _n_periods(self) -> int:
        first, last = min(self.cells), max(self.cells)
        if self.period == "day":
            return (last - first).days + 1
        years = last.year - first.year
        return years + 1 if self.period == "year" else 12 * years + last.month - first.month + 1

    def _fill_gaps(self) -> None:
        """Give every period from the first to the last its place: one without rows is a zero."""
        found, day, last = self.cells, min(self.cells), max(self.cells)
        self.cells = {}
        while day < last:
            self.cells[day] = found.get(day, {})
            day = last_of(self.period, day) + timedelta(days=1)
        self.cells[last] = found[last]

    def _coarsen(self, period: str) -> None:
        fine, self.cells, self.totals, self.period = self.cells, {}, {}, period
        for day, columns in fine.items():
            for of, parts in columns.items():
                self._put(first_of(period, day), of, parts)

    # Keeping

    def _take(self, key: Any, of: Any, parts: Sequence[Any]) -> None:
        own: dict[Any, Parts] = {}
        self._share(own, of, parts)
        for column, some in own.items():
            self._put(key, column, some)

    def _share(self, columns: dict[Any, Parts], of: Any, parts: Sequence[Any]) -> None:
        """Give each column its parts: *of* is the one column there is, unless there are several series."""
        if len(self.wanted.measures) == 1:
            columns[of] = tuple(parts)
            return
        at = 0
        for n, measure in enumerate(self.wanted.measures):
            columns[n] = tuple(parts[at : at + measure.n_parts])
            at += measure.n_parts

    def _put(self, key: Any, of: Any, parts: Parts) -> None:
        for columns in (self.cells.setdefault(key, {}), self.totals):
            columns[of] = _added(columns[of], parts) if of in columns else parts

    # Answering

    def measure(self, of: Any) -> Measure:
        return self.wanted.measures[of if len(self.wanted.measures) > 1 else 0]

    def _of(self, columns: Mapping[Any, Parts], of: Any) -> Parts | None:
        if of is not ALL:
            return columns.get(of)
        total: Parts | None = None
        for parts in columns.values():
            total = parts if total is None else _added(total, parts)
        return total

    def value(self, key: Any, of: Any) -> Any:
        """Return the number of group *key* in column *of*."""
        return self.measure(of).value(self._of(self.cells[key], of))

    def total(self, of: Any) -> Any:
        """Return the number of all groups together."""
        return self.measure(of).value(self._of(self.totals, of))

    def rest(self, shown: Iterable[Any], of: Any) -> Any:
        """Return the number of the groups that are not *shown*."""
        left = self._of(self.totals, of)
        for key in shown:
            parts = self._of(self.cells[key], of)
            left = _added(left, parts, -1) if left is not None and parts is not None else left
        return self.measure(of).value(left)

    def ranked(self) -> list[Any]:
        """Return the groups: periods in order, others the largest first."""
        if self.wanted.period:
            return sorted(self.cells)
        of = ALL if self.wanted.split else 0
        return sorted(self.cells, key=lambda key: -(self.value(key, of) or 0))

    def split_values(self) -> list[Any]:
        """Return the values of the split that occur, in their order."""
        return sorted(self.totals, key=place)


def place(key: Any) -> Any:
    """Return what sorts values of a column: members as they are declared, nothing last."""
    return key is None, list(type(key)).index(key) if isinstance(key, Enum) else 0 if key is None else key
