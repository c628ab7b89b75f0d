"""
What reports of a period are made of: records counted in groups, and the address of the rows behind each count.

One statement brings *facts*: groups so fine that every table of a report adds up some of them. A count leads to the list of its
records where the filters of that list can say it, else to the same report narrowed to them, else nowhere.
"""

from __future__ import annotations

from abc import abstractmethod
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import Enum
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import Session
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app.domain import N_
from app.domain.punctuality import JUDGED, Punctuality
from app.domain.times import Spread
from app.drawing import Plot, Point, Series
from app.models import Process
from app.reports.base import Asked, Cells, Column, Kind, Linked, Part, PartedReport, Reader, unlinked
from app.reports.forms import ReportForm
from app.words import say_number

BATCH = 1_000
MOST_BARS = 12
EMPTY = "empty"  # as lists say that a column has nothing
TENTH = Decimal("0.1")


def address(path: str, **asked: Any) -> str:
    """Return the address of a list with what it is asked; empty values are left out."""
    told = {name: value for name, value in asked.items() if value not in (None, "")}
    return f"{path}?{urlencode(told, safe=',.:')}" if told else path


def key_text(key: Any) -> str:
    """Return a value as the filter of a list writes it."""
    return EMPTY if key is None else key.name if isinstance(key, Enum) else str(key)


def share(n: int, of: int) -> Decimal | None:
    """Return *n* as a percentage of *of*, rounded down so that 100 means all; None of nothing."""
    return (Decimal(100) * n / of).quantize(TENTH, ROUND_DOWN) if of else None


def punctuality_of(
    done_on: Any, due_on: Any, today: date, *, is_done: Any, is_undone: Any, is_late: Any = None
) -> ColumnElement[Punctuality]:
    """
    Return the expression that says what became of a last day.

    Args:
        is_done, is_undone: Conditions; what is neither is still to be done.
        is_late: Another condition under which what was done was late.
    """
    kind = EnumType(Punctuality, native_enum=False, length=24)
    whens = [
        (is_undone, Punctuality.UNDONE), *([(is_done & is_late, Punctuality.LATE)] if is_late is not None else []),
        (is_done & (done_on > due_on), Punctuality.LATE), (is_done & due_on.is_(None), Punctuality.UNTIMED),
        (is_done, Punctuality.IN_TIME), (due_on < today, Punctuality.OVERDUE),
    ]  # fmt: skip
    return case(*((when, literal(value, kind)) for when, value in whens), else_=literal(Punctuality.RUNNING, kind))


def enum_field(label: Any, enum: type[Enum], name: str | None = None) -> SelectField:
    """Return the field that narrows a report to a member of *enum*; all of them unless one is chosen."""
    def choices() -> list[tuple[str, str]]:
        return [("", _("All")), *((member.name, _(member.value)) for member in enum)]

    return SelectField(label, choices=choices, default="", validators=[Empty()], **({"name": name} if name else {}))


class ProcessForm(ReportForm):
    """The period and a process."""

    of_process = SelectField(_l("Process"), default="", validators=[Empty()], name="process")  # WTForms owns `process`

    def load(self, session: Session, reader: Reader) -> None:
        found = session.execute(select(Process.id, Process.name).order_by(Process.name))
        self.of_process.choices = [("", _("All")), *((str(key), name) for key, name in found)]

    @property
    def process_id(self) -> int | None:
        return int(self.of_process.data) if self.of_process.data else None

    def chosen(self, name: str, enum: type[Enum]) -> Any:
        """Return the member of *enum* that field *name* says, or None."""
        return enum[self[name].data] if self[name].data else None


# ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Count:
    """
    A column of counts.

    Args:
        title: A msgid.
        counts: Which facts it adds up.
        narrows: What narrows the list to them; None: its filters cannot say it.
        own: What narrows this report to them, where the list cannot.
    """

    title: str
    counts: Callable[[Any], bool]
    narrows: Mapping[str, str] | None = None
    own: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class More:
    """A column of a table that is no count: what the facts of a group give."""

    column: Column
    gives: Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class By:
    """
    What a table groups by.

    Args:
        title: A msgid: what a group is.
        key, label: What facts have in common, and how that is called.
        facet: The filter of the list that says it; empty: none does.
        field: The field of this report that says it, where the list cannot.
        in_order: Groups stay in the order of their keys, the most numerous first unless.
    """

    title: str
    key: Callable[[Any], Any]
    label: Callable[[Any], str]
    facet: str = ""
    field: str = ""
    in_order: bool = False


ALL = Count(N_("All"), lambda _fact: True, {}, {})


def said(key: Any) -> str:
    """Return a member of an enum in words; nothing is a dash."""
    return _(key.value) if isinstance(key, Enum) else "—" if key is None else str(key)


def spread_of(found: Iterable[tuple[int | None, int]]) -> Spread:
    """Return what (days, how many) add up to; None was not over."""
    counted: Counter[int] = Counter()
    for days, n in found:
        if days is not None:
            counted[days] += n
    return Spread(counted)


# ── The report ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PeriodReport(PartedReport):
    """A report of what happened in a period, in parts, for one reader."""

    form = ReportForm
    #: The list of its records, and the right that opens it.
    list_path: ClassVar[str] = ""
    list_right: ClassVar[tuple[str, str]] = ("can_list", "Pqr")
    #: The part that has its records one by one.
    detail_key: ClassVar[str] = "rows"
    #: Fields of the form that the list has no filter for: narrowed by one of them, no list has the same rows.
    beyond: ClassVar[tuple[str, ...]] = ()

    def __init__(self, asked: Asked) -> None:
        self._asked, self._session, self._reader = asked, asked.session, asked.reader
        self._span, self._today, self._calendar = asked.form.span(asked.today), asked.today, asked.calendar
        self._links_list = bool(self.list_path) and asked.reader.may(*self.list_right) and not any(
            asked.form[name].data for name in self.beyond
        )  # fmt: skip

    # What a subclass says

    @abstractmethod
    def _listed(self) -> dict[str, str]:
        """Return what the list is asked to show the records of this report."""

    @abstractmethod
    def _statement(self) -> Select[Any]:
        """Return the SELECT of the facts, grouped; its last column, `n`, is how many records each has."""

    @abstractmethod
    def _made(self) -> Iterable[Part]:
        """Yield the parts."""

    # What all share

    @cached_property
    def facts(self) -> Sequence[Any]:
        return self._session.execute(self._statement()).all()

    def parts(self) -> Sequence[Part]:
        return tuple(self._made())

    def filters_in_words(self) -> list[str]:
        words = list(self._asked.form.in_words(self._today))
        return words if self._sees_all() else [*words, _("Only what the reader's own processes have")]

    def _sees_all(self) -> bool:
        return self._reader.may("can_see_all", "Pqr")

    def _n(self, counts: Callable[[Any], bool] = lambda _fact: True) -> int:
        """Return how many records *counts* picks."""
        return sum(fact.n for fact in self.facts if counts(fact))

    # Where rows are

    def to(self, narrows: Mapping[str, str] | None, own: Mapping[str, str] | None = None) -> str:
        """Return the address of the records that the list is narrowed to, else of this report narrowed; nothing where neither can."""
        if narrows is not None and self._links_list:
            return address(self.list_path, **(self._listed() | dict(narrows)))
        return self.own(own) if own is not None else ""

    def own(self, narrows: Mapping[str, str]) -> str:
        """Return the address of the records of this report, narrowed further."""
        return address(f"/report/{self.identifier}/part/{self.detail_key}", **(self._asked.form.args() | dict(narrows)))

    def month_of(self, day: date) -> str:
        """Return the days of the period that lie in the month of *day*, as the filter of a list has them."""
        last = day.replace(day=monthrange(day.year, day.month)[1])
        return f"{max(day.replace(day=1), self._span.since)}..{min(last, self._span.until)}"

    # Tables

    def table(self, key: str, title: str, by: By, counts: Sequence[Count], more: Sequence[More] = (), *, about: str = "",
              facts: Sequence[Any] | None = None, has_plot: bool = False) -> Part:  # fmt: skip
        """Return the part that counts *facts* (all of them unless told) in the groups of *by*, a column for each of *counts* and *more*."""
        groups: dict[Any, list[Any]] = {}
        for fact in self.facts if facts is None else facts:
            groups.setdefault(by.key(fact), []).append(fact)
        lines = [self._line(by, group, its, counts, more) for group, its in self._ordered(by, groups)]
        header = (
            Column(by.title, Kind.TEXT, 34), *(Column(count.title, Kind.INT, 12) for count in counts), *(each.column for each in more)
        )  # fmt: skip
        plots = (self._bars(title, counts[0], lines),) if has_plot and lines else ()
        return Part(key, title, header, lambda: (line for line in lines), about, plots=plots)

    @staticmethod
    def _ordered(by: By, groups: dict[Any, list[Any]]) -> list[tuple[Any, list[Any]]]:
        found = list(groups.items())
        if by.in_order:
            return sorted(found, key=lambda pair: (pair[0] is None, _place(pair[0])))
        return sorted(found, key=lambda pair: (-sum(fact.n for fact in pair[1]), by.label(pair[0])))

    def _line(self, by: By, group: Any, facts: Sequence[Any], counts: Sequence[Count], more: Sequence[More]) -> Cells:
        cells = []
        for count in counts:
            n = sum(fact.n for fact in facts if count.counts(fact))
            listed = None if count.narrows is None or not by.facet else {by.facet: key_text(group)} | dict(count.narrows)
            own = None if count.own is None or not by.field or group is None else {by.field: key_text(group)} | dict(count.own)
            path = self.to(listed, own) if n else ""
            cells.append(Linked(n, path) if path else n)
        return by.label(group), *cells, *(each.gives(facts) for each in more)

    @staticmethod
    def _bars(title: str, count: Count, lines: Sequence[Cells]) -> Plot:
        """Return the chart of the first counts of *lines*, the most of them first."""
        shown = lines[:MOST_BARS]
        points = tuple(Point(unlinked(line[1]), say_number(unlinked(line[1])), getattr(line[1], "path", "")) for line in shown)
        labels = tuple(str(line[0]) for line in shown)
        return Plot("BarChart", title, _("The table has the same numbers."), labels, (Series(_(count.title), points),))

    def detail(self, title: str, header: tuple[Column, ...], rows: Callable[[int | None], Iterator[Cells]], n_rows: Callable[[], int],
               *, key: str = "rows", about: str = "") -> Part:  # fmt: skip
        """Return the part with the records one by one; *rows* takes how many of them to read at most, None for all."""
        return Part(
            key, title, header, lambda: rows(None), about, n_rows=n_rows, first=lambda limit: list(islice(rows(limit), limit))
        )  # fmt: skip

    def stream(self, statement: Select[Any], limit: int | None) -> Iterator[Any]:
        """Yield the rows of *statement*, the first *limit* at once, or all of them a thousand at a time."""
        if limit is not None:
            yield from self._session.execute(statement.limit(limit)).all()
            return
        with self._session.execute(statement.execution_options(yield_per=BATCH)) as found:
            for batch in found.partitions():
                yield from batch


def _place(key: Any) -> Any:
    return list(type(key)).index(key) if isinstance(key, Enum) else key or 0


def grouped(statement: Select[Any], *columns: Any) -> Select[Any]:
    """Return the SELECT that counts the rows of *statement* (without columns) by *columns*, which are labelled; `n` is how many."""
    rows = statement.with_only_columns(*columns, maintain_column_froms=True).subquery()
    return select(*rows.c, func.count().label("n")).group_by(*rows.c)


def in_time(facts: Iterable[Any]) -> Decimal | None:
    """Return the share done in time of the facts whose `punctuality` is settled."""
    counted = Counter(dict.fromkeys(JUDGED, 0))
    for fact in facts:
        counted[fact.punctuality] += fact.n
    return share(counted[Punctuality.IN_TIME], sum(counted[each] for each in JUDGED))


#: Columns of what became of a last day; a list cannot say it, so this report is narrowed.
OF_PUNCTUALITY = tuple(
    Count(each.value, lambda fact, each=each: fact.punctuality is each, None, {"punctuality": each.name})  # type: ignore[misc]
    for each in Punctuality
)
SHARE_IN_TIME = More(Column(N_("In time, percent"), Kind.DECIMAL, 12), in_time)
