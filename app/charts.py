"""
Charts of a list, declared with Flask-AppBuilder's own `definitions`.

Where FAB loads every row, groups in Python and draws with a script of somebody else's server, here the database groups (one
statement a chart), `drawing.py` draws, and every shape and number leads to exactly its rows in the list. A chart is narrowed as its
list is: the whole state is in the address, and the reader's scope is in the GROUP BY.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import Any, BinaryIO
from urllib.parse import urlencode

import structlog
from babel.dates import format_date
from flask import abort, g, redirect, render_template, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.group import aggregate_avg, aggregate_count
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import Boolean, ColumnElement, Integer, Numeric, Select, false, inspect, select
from werkzeug.wrappers import Response

from app import queries
from app.baseviews import RuledView
from app.domain.errors import DomainError
from app.domain.text import plain
from app.downloads import send_made
from app.drawing import Drawing, Plot, Point, Series, drawn
from app.extensions import db, local, now
from app.listing import EMPTY, Bad, Choices, Dates, Facet, Listing, Preset, Rows, span_of
from app.reports.base import ControlledFormat, Cover, Kind, Report
from app.reports.delimited import MEDIA_TYPE as CSV_TYPE
from app.reports.delimited import write_csv
from app.reports.lists import Field, ListReport
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.reports.xlsx import write_xlsx
from app.security import may
from app.tally import ALL, Definition, Measure, Tally, last_of, place
from app.words import page_lang, say, say_day, say_number, say_pesos, say_value

log = structlog.get_logger("atiende")

MOST_GROUPS = 500  # groups read for a page; of the others only the sum
MOST_JOINED = 40  # values that one address carries
PERIODS = {"day": _l("By day"), "month": _l("By month"), "year": _l("By year")}


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, as people read it, and the address of its rows; empty when the list cannot name them."""

    value: Any
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """A group: its label, what a file says instead (the first day of a period), and a cell for each column."""

    label: str
    key: Any
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A column of numbers: its name, which column of the tally it is, what it holds, its colour."""

    name: str
    of: Any
    measure: Measure
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A chart as a table. All columns are drawn but one that adds up; `n_rest` groups are summed in the last line."""

    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    total: Line
    n_rest: int
    period: str


class RuledChartView(BaseView):
    """
    The charts of a `RuledView`, one at a time: drawing, table, files.

    Declare `list_view`, `chart_title`, `definitions` (`tally.Definition` says the grammar) and, where the defaults do not fit,
    `chart_type`, `group_bys` (the periods that a date is offered by), `top`, `counted` (what is counted, as people call it), `made_labels`
    (the same of what `expressions` makes, where it is measured).
    """

    default_view = "list"
    list_view: type[RuledView]
    chart_title: Any = ""
    chart_type = "ColumnChart"
    definitions: Sequence[Mapping[str, Any]] = ()
    group_bys: tuple[str, ...] = ("day", "month", "year")
    top = 12
    counted: Any = ""
    made_labels: Mapping[str, Any] = MappingProxyType({})

    def expressions(self) -> dict[str, ColumnElement[Any]]:
        """Return what may be grouped by besides columns and relations, by name; a facet of that name makes it a link."""
        return {}

    def __init__(self) -> None:
        super().__init__()
        options = {"chart_type": self.chart_type, "top": self.top, "labels": self.list_view.label_columns or {}}
        self.charts = tuple(Definition.read(each, **options) for each in self.definitions)
        if len({chart.name for chart in self.charts}) < len(self.charts):
            raise ValueError(f"{type(self).__name__}: two definitions have the same name")

    @property
    def model(self) -> Any:
        return self.list_view.datamodel.obj

    def screen(self) -> RuledView:
        """Return the registered screen whose rows are drawn."""
        return next(view for view in self.appbuilder.baseviews if type(view) is self.list_view)

    @cached_property
    def _relations(self) -> Any:
        return inspect(self.model).relationships

    # What a request asks

    def listing(self) -> Listing:
        """Return what this request asks: the grammar of the list, and which chart."""
        return Listing(url_for(f"{self.endpoint}.list"), request.args, self.screen().facets, ("chart", "period"))

    def _chart(self) -> Definition:
        name = request.args.get("chart", "") or self.charts[0].name
        return next((chart for chart in self.charts if chart.name == name), None) or abort(404)

    def _period(self, chart: Definition) -> str:
        asked = request.args.get("period", "")
        return asked if chart.period and asked in self.group_bys else chart.period

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """One chart, its table, and the way to the others and to its rows."""
        listing, chart, problem = self.listing(), self._chart(), ""
        if request.args.get("set") in listing.facets:
            try:
                return redirect(self._taken(listing, request.args["set"]))
            except Bad as error:
                problem = str(error)
        panel = self.screen()._panel(problem) | {"listing": listing}
        if request.headers.get("X-Fragment") == "panel":
            return render_template("list/_panel.html", **panel)
        sheet, refusal = None, ""
        try:
            sheet = self._sheet(chart, MOST_GROUPS)
        except DomainError as error:  # a filter asks for more of the calendar than is loaded
            refusal = say(error)
        return self.render_template(
            "charts/chart.html", title=self.chart_title, charts=self, chart=chart, sheet=sheet, refusal=refusal,
            drawing=self._drawing(chart, sheet) if sheet and sheet.lines else None, group_label=self._group_label(chart),
            chips=listing.chips(db.session), list_url=rows_url(self.screen().list_url(), listing),
            may_export=may("can_export", self.class_permission_name),
            periods=[(name, PERIODS[name]) for name in self.group_bys] if chart.period else [], **panel,
        )  # fmt: skip

    @staticmethod
    def _taken(listing: Listing, name: str) -> str:
        """Return the address with what the panel of a filter sent. Raises Bad."""
        given = {key: request.args.getlist(key) for key in ("v", "text", "since", "until")}
        return listing.to(**{name: listing.facets[name].read(db.session, given)})

    # Files

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The table with every group, and a cover."""

        def write(report: Report, file: BinaryIO) -> int:
            at, house = local(now()).replace(tzinfo=None), queries.organisation(db.session)
            cover = Cover(house.name, ControlledFormat("", "", report.name), current_user.get_full_name(), at)
            return write_xlsx(report, cover, file)

        return self._sent("xlsx", XLSX_TYPE, write)

    @expose("/csv")
    @has_access
    @permission_name("export")
    def csv(self) -> Response:
        """The table with every group, for other programs."""
        return self._sent("csv", CSV_TYPE, write_csv)

    def _sent(self, extension: str, media_type: str, write: Callable[[Report, BinaryIO], int]) -> Response:
        chart = self._chart()
        report = self._report(chart, self._sheet(chart, None))
        file = TemporaryFile()  # noqa: SIM115  the response closes it; nothing leaves before all of it is written
        n_rows = write(report, file)
        name = f"{self.class_permission_name}.{chart.name}"
        log.info("export", report=name, extension=extension, n_rows=n_rows, user_id=current_user.id, request_id=g.request_id)
        stem = re.sub(r"[^a-z0-9]+", "-", plain(report.name)).strip("-")
        return send_made(file, f"{stem}-{local(now()):%Y-%m-%d}.{extension}", media_type)

    def _report(self, chart: Definition, sheet: Sheet) -> ListReport:
        def number(n: int) -> Callable[[Line], Any]:
            return lambda line: line.cells[n].value

        first = Field(str(self._group_label(chart)), Kind.DATE if chart.period else Kind.TEXT, lambda line: line.key or line.label)
        fields = [first, *(Field(head.name, self._kind(head.measure), number(n)) for n, head in enumerate(sheet.heads))]
        title = f"{self.chart_title}: {chart.label}"
        return ListReport(title, fields, lambda: iter(sheet.lines), [*self._words(), *self._totals(sheet)])

    def _words(self) -> Sequence[str]:
        listing = self.listing()
        asked = [_("Search: %(text)s", text=listing.q)] if listing.q else []
        return [*asked, *(f"{chip.label}: {chip.words}" for chip in listing.chips(db.session))] or [_("All rows")]

    @staticmethod
    def _totals(sheet: Sheet) -> Iterable[str]:
        for head, cell in zip(sheet.heads, sheet.total.cells, strict=True):
            yield _("Total: %(what)s: %(n)s", what=head.name, n=cell.text)

    # The table

    def _sheet(self, chart: Definition, limit: int | None) -> Sheet:
        """Return the table: with *limit*, the largest groups and the others in one line. Raises what `narrowed` raises."""
        columns = self._columns(chart)
        rows, period = self._rows(chart), self._period(chart)
        tally = Tally(db.session, chart, self.model, rows, columns, period=period, limit=limit)
        keys = tally.ranked()
        n = len(keys) if limit is None or chart.period or len(keys) <= chart.top + 1 else chart.top
        shown, others = keys[:n], keys[n:]
        if self._has_order(chart.groups[0], columns):
            shown.sort(key=place)
        heads, names = self._heads(chart, tally), self._names(chart.groups[0], shown)
        address = _Addresses(self, chart, tally)
        lines = [
            Line(
                self._label(chart, key, names, tally.period),
                key if chart.period else None,
                tuple(self._cell(head, tally.value(key, head.of), address.of_group(key, head)) for head in heads),
            )
            for key in shown
        ]
        n_rest = tally.n_groups - len(shown)
        if n_rest:
            known = others if len(others) == n_rest else []
            cells = tuple(self._cell(head, tally.rest(shown, head.of), address.of_groups(known, head)) for head in heads)
            lines.append(Line(ngettext("%(num)s other", "%(num)s others", n_rest), None, cells))
        total = tuple(self._cell(head, tally.total(head.of), address.of_all(head)) for head in heads)
        return Sheet(heads, tuple(lines), Line(_("Total"), None, total), n_rest, tally.period)

    def only(self, chart: Definition) -> dict[str, str]:
        """Return what else narrows *chart*, within what the reader asks of the same filters; an empty value is met by no row."""
        facets, found = self.listing().facets, dict(chart.only)
        for name in found:
            asked = self.listing().values.get(name, "")
            if asked and isinstance(facets[name], Choices):
                found[name] = ",".join(value for value in found[name].split(",") if value in asked.split(","))
            elif asked:  # part of a range: `only` says no more than that there is a value
                found[name] = asked
        return found

    def _rows(self, chart: Definition) -> Select[Any]:
        """Return the SELECT of what *chart* counts. Raises what `narrowed` raises."""
        screen, facets = self.screen(), self.listing().facets
        conditions = [facets[name].condition(value, screen.moment()) for name, value in self.only(chart).items()]
        return screen.narrowed().where(*(false() if condition is None else condition for condition in conditions))

    def _columns(self, chart: Definition) -> dict[str, Any]:
        """Return the expressions of the groups, the split and the measures of *chart*, by name."""
        mapper, made = inspect(self.model), self.expressions()

        def column(name: str) -> Any:
            if name in made:
                return made[name]
            if name in self._relations:
                (own,) = self._relations[name].local_columns
                name = mapper.get_property_by_column(own).key
            return getattr(self.model, name)

        named = {name: column(name) for name in (*chart.groups, chart.split) if name}
        return named | {each.column: made[each.column] for each in chart.measures if each.column in made}

    def _has_order(self, name: str, columns: Mapping[str, Any]) -> bool:
        """Whether the values have an order of their own (states, numbers, dates) and are not shown by size."""
        kind = columns[name].type
        return name not in self._relations and (hasattr(kind, "enums") or isinstance(kind, Integer | Numeric | Boolean))

    def _heads(self, chart: Definition, tally: Tally) -> tuple[Head, ...]:
        measure = chart.measures[0]
        if chart.split:
            values = tally.split_values()
            names = self._names(chart.split, values)
            heads = [Head(_text(key, names), key, measure, chart.tones.get(getattr(key, "name", ""), "")) for key in values]
            return (*heads, Head(_("Total"), ALL, measure)) if len(heads) > 1 else tuple(heads)
        if len(chart.groups) > 1:
            return tuple(Head(self._called(name), name, measure) for name in chart.groups)
        return tuple(Head(self._measured(each), n, each) for n, each in enumerate(chart.measures))

    def _called(self, name: str) -> str:
        return str(self.screen().label_columns.get(name, name))

    def _measured(self, measure: Measure) -> str:
        if measure.aggregate is aggregate_count:
            return str(self.counted or self.screen().list_title)
        if measure.column in self.made_labels:
            return str(self.made_labels[measure.column])
        what = self._called(measure.column)
        return _("Average: %(what)s", what=what) if measure.aggregate is aggregate_avg else _("Sum: %(what)s", what=what)

    def _group_label(self, chart: Definition) -> str:
        return _("Period") if chart.period else str(self.screen().label_columns.get(chart.groups[0], chart.label))

    def _names(self, name: str, keys: Sequence[Any]) -> dict[Any, Any]:
        """Return what *keys* mean, by key: the rows of a relation, else the values themselves."""
        keys = [key for key in keys if key is not None]
        if name not in self._relations:
            return {key: key for key in keys}
        target, found = self._relations[name].mapper, {}
        key = target.get_property_by_column(target.primary_key[0]).key
        for start in range(0, len(keys), 500):
            some = select(target.class_).where(target.primary_key[0].in_(keys[start : start + 500]))
            found |= {getattr(row, key): row for row in db.session.scalars(some)}
        return found

    def _label(self, chart: Definition, key: Any, names: Mapping[Any, Any], period: str) -> str:
        if chart.formatter and key is not None:
            return str(chart.formatter(names.get(key, key)))
        return say_period(period, key) if chart.period else _text(key, names)

    def _kind(self, measure: Measure) -> Kind:
        if measure.aggregate is aggregate_count:
            return Kind.INT
        if measure.column.endswith("_cop"):
            return Kind.MONEY
        is_whole = measure.aggregate is not aggregate_avg and isinstance(getattr(self.model, measure.column).type, Integer)
        return Kind.INT if is_whole else Kind.DECIMAL

    def _cell(self, head: Head, value: Any, url: str) -> Cell:
        text = say_pesos(Decimal(value)) if value is not None and self._kind(head.measure) is Kind.MONEY else say_number(value)
        has_rows = bool(value) or (value is not None and head.measure.aggregate is aggregate_avg)
        return Cell(value, text, url if has_rows else "")

    # The drawing

    def _drawing(self, chart: Definition, sheet: Sheet) -> Drawing:
        columns = [(head, n) for n, head in enumerate(sheet.heads) if head.of is not ALL]
        if chart.chart_type == "PieChart":
            series = [Series(line.label, (_point(line.cells[columns[0][1]]),)) for line in sheet.lines]
            labels: tuple[str, ...] = ("",)
        else:
            series = [Series(head.name, tuple(_point(line.cells[n]) for line in sheet.lines), head.tone) for head, n in columns]
            labels = tuple(line.label for line in sheet.lines)
        title = f"{self.chart_title}: {chart.label}"
        is_stacked = bool(chart.split)
        plot = Plot(chart.chart_type, title, self._about(sheet), labels, tuple(series), is_stacked, is_time=bool(chart.period))
        return drawn(plot)

    @staticmethod
    def _about(sheet: Sheet) -> str:
        groups = sheet.lines[:-1] if sheet.n_rest else sheet.lines
        largest = max(groups, key=lambda line: line.cells[-1].value or 0)
        return _(
            "Largest: %(label)s, with %(value)s. The table below has the same numbers.", label=largest.label, value=largest.cells[-1].text
        )


def _point(cell: Cell) -> Point:
    return Point(cell.value, cell.text, cell.url)


def _text(key: Any, names: Mapping[Any, Any]) -> str:
    return _("Not stated") if key is None else str(say_value(names.get(key, key)))


def say_period(period: str, day: date) -> str:
    """Return 24/07/2026, jul 2026 or 2026."""
    if period == "day":
        return say_day(day)
    return f"{day.year}" if period == "year" else format_date(day, "MMM y", locale=page_lang().replace("-", "_")).replace(".", "")


def rows_url(url: str, listing: Listing, changes: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the address of the list at *url* with what narrows *listing*, and *changes*."""
    kept = {"q": listing.q, **listing.values, **changes}
    query = urlencode({name: value for name, value in kept.items() if value}, safe=",.:")
    return f"{url}?{query}" if query else url


class _Addresses:
    """Where the numbers of one chart lead: the facets of the list that name exactly their rows; nowhere when it has no such facet."""

    def __init__(self, charts: RuledChartView, chart: Definition, tally: Tally) -> None:
        self._chart, self._tally, self._screen, self._only = chart, tally, charts.screen(), charts.only(chart)
        self._listing, self._list_url = charts.listing(), charts.screen().list_url()
        self._facets: dict[str, Facet] = self._listing.facets

    def of_group(self, key: Any, head: Head) -> str:
        if self._chart.period:
            return self._url(head, self._days(self._group_of(head), key, last_of(self._tally.period, key)))
        return self.of_groups([key], head)

    def of_groups(self, keys: Sequence[Any], head: Head) -> str:
        name = self._chart.groups[0]
        values = [self._value(name, key) for key in keys]
        if not values or not all(values) or len(values) > MOST_JOINED:
            return ""
        is_joinable = isinstance(self._facets[name], Rows | Choices)
        return self._url(head, {name: ",".join(values)}) if is_joinable or len(values) == 1 else ""

    def of_all(self, head: Head) -> str:
        """A chart of dates shows only rows that have one: they lie from its first day to its last."""
        if not self._chart.period or not self._tally.cells:
            return self._url(head, {})
        last = last_of(self._tally.period, max(self._tally.cells))
        return self._url(head, self._days(self._group_of(head), min(self._tally.cells), last))

    def _group_of(self, head: Head) -> str:
        return head.of if len(self._chart.groups) > 1 else self._chart.groups[0]

    def _url(self, head: Head, changes: dict[str, str] | None) -> str:
        if changes is None:
            return ""
        changes = self._only | changes
        if self._chart.split and head.of is not ALL:
            value = self._value(self._chart.split, head.of)
            if not value:
                return ""
            changes = changes | {self._chart.split: value}
        return rows_url(self._list_url, self._listing, changes)

    def _value(self, name: str, key: Any) -> str:
        """Return *key* as the facet *name* writes it, or nothing when the list has no such facet or value."""
        facet = self._facets.get(name)
        if key is None:
            offers = isinstance(facet, Choices) and EMPTY in dict(facet.choices())
            return EMPTY if offers or getattr(facet, "may_be_empty", False) else ""
        if facet is None:
            return ""
        return ("1" if key else "0") if isinstance(key, bool) else getattr(key, "name", None) or str(key)

    def _days(self, name: str, first: date, last: date) -> dict[str, str] | None:
        """Return the filter for *first* to *last*, inside what the chart itself is narrowed to."""
        facet = self._facets.get(name)
        if not isinstance(facet, Dates):
            return None
        since, until = self._bounds(facet, self._listing.values.get(name, ""))
        return {name: f"{max(first, since or first):%Y-%m-%d}..{min(last, until or last):%Y-%m-%d}"}

    def _bounds(self, facet: Dates, value: str) -> tuple[date | None, date | None]:
        """Return the first and last day that *value* of a filter leaves; None where it leaves an end open."""
        if value.upper() in Preset.__members__:
            return span_of(Preset[value.upper()], self._screen.moment())
        try:
            return facet.range_of(value) if value else (None, None)
        except ValueError:  # `empty`, or an address that somebody mangled: it narrows nothing
            return None, None
