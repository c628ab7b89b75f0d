"""A board as people see it: figures in words with what they are compared with, charts drawn with their numbers beside them, lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.charts import say_period
from app.dashboards.base import LIVING, Board, Chart, Facts, Group, Moment, Number, Table, Tile
from app.domain import N_
from app.drawing import SMALL, Drawing, Plot, Point, Series, drawn
from app.qms.links import may_open
from app.words import say_day, say_number, say_percent, say_pesos

#: A share that is compared with nothing, or with less than this, says nothing in percent.
LEAST = 5
_MARKS = {1: "▲", -1: "▼", 0: "="}


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is read, and the address of its rows; empty when no list the reader may open has them."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Which way a figure went: its mark, by how much in words, whether that is good, and what it was and when."""

    mark: str
    by: str
    tone: str
    was: str


@dataclass(frozen=True, slots=True)
class ShownTile:
    label: str
    value: Cell
    tone: str
    empty: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ShownChart:
    """A chart: drawn, and as a table of `heads` and `lines`; without drawing it says `empty`."""

    key: str
    title: str
    empty: str
    drawing: Drawing | None
    heads: tuple[str, ...]
    lines: list[tuple[str, list[Cell]]]


@dataclass(frozen=True, slots=True)
class ShownTable:
    title: str
    empty: str
    heads: tuple[str, ...]
    lines: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class Shown:
    period: list[ShownTile]
    today: list[ShownTile]
    charts: list[ShownChart]
    tables: list[ShownTable]


def shown(board: Board, facts: Facts, moment: Moment) -> Shown:
    """Return *board* with *facts* in it."""
    at = _Addresses(moment, facts)
    return Shown(
        [_tile(tile, facts, at) for tile in board.period], [_tile(tile, facts, at) for tile in board.today],
        [_chart(chart, facts.groups.get(chart.key, []), at) for chart in board.charts],
        [_table(table, facts.groups.get(table.key, []), at) for table in board.tables],
    )  # fmt: skip


# ── Where the rows are ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Addresses:
    """Fills what the paths of a board leave open; a page that the reader may not open has no address."""

    def __init__(self, moment: Moment, facts: Facts) -> None:
        on = moment.today
        self._said = facts.said | {"p": str(moment.spans.now), "s": LIVING, "t": str(on), "y": str(on - timedelta(1)), "year": str(on.year)}
        self.is_year = moment.spans.before == moment.spans.year_ago  # of a year, both are the same days
        self._opens = lru_cache(maxsize=None)(may_open)

    def of(self, path: str, key: str = "") -> str:
        if not path or ("{k}" in path and not key):
            return ""
        try:
            filled = path.format(k=key, **self._said)
        except KeyError:  # nothing was told that the address needs
            return ""
        page = path.partition("?")[0]
        return filled if self._opens(page if "{" not in page else filled.partition("?")[0]) else ""


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def said(value: Any, unit: str = "") -> str:
    """Return a value as it is read: days in their notation, pesos without centavos, shares with one decimal, means with two at most."""
    if value is None:
        return "—"
    if isinstance(value, str | date):
        return say_day(value) if isinstance(value, date) else value
    if unit == "$":
        return say_pesos(round(Decimal(value)))
    if unit == "%":
        return say_percent(round(Decimal(value), 1))
    return say_number(value if isinstance(value, int) else round(Decimal(value), 2).normalize() + 0)


def briefly(value: Any, unit: str = "") -> str:
    """Return a figure as `said`, and pesos in millions where there are some."""
    if unit != "$" or value is None or abs(value) < 1_000_000:
        return said(value, unit)
    return _("$ %(n)s M", n=say_number(round(Decimal(value) / 1_000_000, 1)))


def _tile(tile: Tile, facts: Facts, at: _Addresses) -> ShownTile:
    value = tile.value(facts, 0)
    compared = [(tile.than, 1)] * (not at.is_year) + [(N_("a year ago: %(n)s"), 2)]
    changes = (_change(tile, value, tile.value(facts, which), than) for than, which in compared)
    shown_value = Cell(briefly(value, tile.unit), at.of(tile.path if value else ""))
    told = tuple(change for change in changes if change is not None)
    is_nothing = value is None or (not value and not tile.of)
    return ShownTile(_(tile.label), shown_value, tile.tone if value else "", _(tile.empty) if is_nothing else "", told)


def _change(tile: Tile, value: Number, was: Number, than: str) -> Change | None:
    """Return how *value* went against *was*: shares in points, means as they are, counts in percent where there were enough."""
    if value is None or was is None:
        return None
    difference = Decimal(value) - Decimal(was)
    way = (difference > 0) - (difference < 0)
    tone = {1: "ok", -1: "bad", 0: ""}[way * tile.better]
    return Change(_MARKS[way], _by(tile, abs(difference), was), tone, _(than, n=briefly(was, tile.unit)))


def _by(tile: Tile, difference: Decimal, was: Number) -> str:
    if not difference:
        return _("the same")
    if tile.of or tile.is_share:
        points = said(round(difference, 2 if tile.times == 1 else 1))
        if tile.times == 1:
            return points
        return _("1 point") if points == "1" else _("%(n)s points", n=points)
    return said(100 * difference / Decimal(was), "%") if was and was >= LEAST else briefly(difference, tile.unit)


# ── Charts and tables ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _label(chart: Chart, group: Group) -> str:
    """Return how a group is called; one of a month by its month, in few letters."""
    if chart.is_time:
        return say_period("month", date.fromisoformat(group.key.partition("..")[0]))
    return group.label or _("Not stated")


def _fewer(chart: Chart, groups: list[Group]) -> list[tuple[str, Group]]:
    """Return the groups that stand alone, each with its label, and the others as one more that no list names."""
    groups = [group for group in groups if chart.is_time or chart.is_whole or any(group.values)]
    n = len(groups) if chart.is_time or len(groups) <= chart.top + 1 else chart.top
    named = [(_label(chart, group), group) for group in groups[:n]]
    rest = groups[n:]
    if rest:
        sums = tuple(sum(values) for values in zip(*(group.values for group in rest), strict=True))
        named.append((ngettext("%(num)s other", "%(num)s others", len(rest)), Group("", "", sums)))
    return named


def _chart(chart: Chart, groups: list[Group], at: _Addresses) -> ShownChart:
    named = _fewer(chart, groups)
    is_told = any(value for _label, group in named for value in group.values)
    heads = tuple(_(bars.name) for bars in chart.bars)
    lines = [(label, _cells(chart, group, at)) for label, group in named]
    return ShownChart(chart.key, _(chart.title), _(chart.empty), _drawing(chart, named, lines) if is_told else None, heads, lines)


def _cells(chart: Chart, group: Group, at: _Addresses) -> list[Cell]:
    return [
        Cell(said(value, chart.unit), at.of(bars.path, group.key) if value else "")
        for bars, value in zip(chart.bars, group.values, strict=True)
    ]


def _drawing(chart: Chart, named: list[tuple[str, Group]], lines: list[tuple[str, list[Cell]]]) -> Drawing:
    is_toned = len(chart.bars) == 1 and chart.kind != "LineChart" and any(group.tone for _label, group in named)
    labels = tuple(label for label, _cells in lines)
    if is_toned:  # each bar has a colour of its own, so each is a series, and its label says the number
        labels = tuple(f"{label} · {cells[0].text}" for label, cells in lines)
        series = tuple(
            Series(label, tuple(_point(group.values[0], cells[0]) if i == n else Point(None, "") for i in range(len(named))), group.tone)
            for n, ((label, group), (_same, cells)) in enumerate(zip(named, lines, strict=True))
        )
    else:
        series = tuple(
            Series(_(bars.name), tuple(_point(group.values[n], cells[n]) for (_label, group), (_same, cells) in
                                       zip(named, lines, strict=True)), bars.tone)
            for n, bars in enumerate(chart.bars)
        )  # fmt: skip
    label, cells = max(zip(named, lines, strict=True), key=lambda each: sum(value or 0 for value in each[0][1].values))[1]
    about = _("Largest: %(label)s, with %(value)s. The table below has the same numbers.", label=label,
              value=", ".join(cell.text for cell in cells))  # fmt: skip
    plot = Plot(chart.kind, _(chart.title), about, labels, series, chart.is_stacked or is_toned, chart.is_time, chart.from_zero)
    found = drawn(plot, SMALL)
    return Drawing(found.figure, ()) if is_toned else found


def _point(value: Any, cell: Cell) -> Point:
    return Point(value, cell.text, cell.url)


def _table(table: Table, groups: list[Group], at: _Addresses) -> ShownTable:
    units = (*table.units, *([""] * len(table.heads)))
    lines = [
        [Cell(group.label, at.of(table.path, group.key)), *(Cell(said(*each)) for each in zip(group.values, units, strict=False))]
        for group in groups
    ]
    return ShownTable(_(table.title), _(table.empty), tuple(_(head) for head in table.heads), lines)
