"""
The only Excel writer: a cover sheet, the tables of a report, a sheet each and streamed, and its charts as Excel draws them.

XlsxWriter makes the workbook; the rows of the data sheet are given to it as XML, because its way from cell to cell costs four times
as much (`bench/README.md`). Text is always an inline string: whatever it starts with, no reader takes it for a formula or a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from flask_babel import gettext as _
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from app.drawing import Plot, Series, tone_of
from app.reports.base import (
    Cells,
    Column,
    ControlledFormat,
    Cover,
    Figure,
    Kind,
    Linked,
    Part,
    Report,
    Tell,
    compared,
    is_spanish,
    told,
)
from app.words import say_day, say_number

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_048_575  # below the header; the next ones go to another sheet
MAX_TEXT = 32_767  # UTF-16 units that fit a cell
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "use_zip64": True,
}
_MONEY = '"$" #,##0.00'
_EPOCH = date(1899, 12, 30).toordinal()
_MIDNIGHT = datetime(1899, 12, 30)
#: What XML cannot carry, or Excel reads otherwise: `_x0041_` means A to it.
_ODD = re.compile(r"[&<>\r]|[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_xlsx(report: Report, cover: Cover, target: BinaryIO, tell: Tell | None = None) -> int:
    """Write the workbook of *report* to *target*, which has to be seekable; return how many rows it has."""
    parts, names = report.tables, _Names(_("Cover"))
    with TemporaryDirectory(prefix="atiende-xlsx-") as folder:  # rows wait here, and leave with it when something fails
        book = Workbook(target, {**OPTIONS, "tmpdir": folder})
        front = book.add_worksheet(_("Cover"))
        written: list[int] = []
        for part in parts:
            name = part.title if len(parts) > 1 else _("Data")
            written.append(_write_part(book, part, name, names, _print_head(cover), told(part.rows(), tell, sum(written))))
        _write_charts(book, [plot for part in parts for plot in part.plots], names)
        _write_cover(book, front, report, cover, list(zip(parts, written, strict=True)))
        book.close()
    return sum(written)


def write_sheets(reports: Iterable[Report], target: BinaryIO) -> int:
    """Write a workbook with a sheet a table, called by the name of its report, and no cover; return how many rows it has."""
    names = _Names()
    with TemporaryDirectory(prefix="atiende-xlsx-") as folder:
        book = Workbook(target, {**OPTIONS, "tmpdir": folder})
        n_rows = sum(_write_part(book, part, report.name, names, "", part.rows()) for report in reports for part in report.tables)
        book.close()
    return n_rows


class _Names:
    """The names of the sheets of a workbook: what Excel takes, 31 letters of them, each once."""

    def __init__(self, *taken: str) -> None:
        self._taken = {name.casefold() for name in taken}

    def free(self, wanted: str) -> str:
        """Return *wanted*, or what is nearest to it and free."""
        stem = " ".join(re.sub(r"[\[\]:*?/\\]", " ", _NOT_XML.sub(" ", wanted)).split()).strip("'") or _("Data")
        for n in range(1, 1_000):
            end = f" {n}" if n > 1 else ""
            name = stem[: 31 - len(end)].strip() + end
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name
        raise ValueError(f"a workbook has no room for another {wanted}")


# ── The rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Sheet(Worksheet):  # type: ignore[misc]
    """A worksheet that takes rows as XML. In constant memory a row leaves for a file of its own as soon as the next begins."""

    def take_rows(self, first: int, last_column: int, rows: Iterator[str]) -> int:
        """Write *rows* from row *first* on (0-based); return how many there were."""
        self._write_single_row(first)  # the header leaves first
        write, n = self.fh.write, 0
        for xml in rows:
            write(xml)
            n += 1
        if n:
            self._check_dimensions(first + n - 1, last_column)
            self.previous_row = first + n
        return n


def _print_head(cover: Cover) -> str:
    """Return what stands above every printed page of a controlled format: company, name, code and version; else nothing."""
    if not cover.format.code:
        return ""
    version = _("%(code)s, version %(version)s", code=cover.format.code, version=cover.format.version)
    if cover.format.changed_on:
        version += f", {say_day(cover.format.changed_on)}"
    left, middle, right = (text.replace("&", "&&")[:70] for text in (cover.organisation, cover.format.name, version))
    return f"&L{left}&C{middle}&R{right}"


def _write_part(book: Workbook, part: Part, wanted: str, names: _Names, print_head: str, rows: Iterator[Cells]) -> int:
    """Write as many sheets called *wanted* as the rows need (one, also without rows); return how many rows there are."""
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E2F1F5"})
    encoders = [(xl_col_to_name(index), _Encoded(_encoder(column, book))) for index, column in enumerate(part.header)]
    last, n_rows, n = len(part.header) - 1, 0, MAX_ROWS
    while n == MAX_ROWS:
        sheet = book.add_worksheet(names.free(wanted), worksheet_class=_Sheet)
        for index, column in enumerate(part.header):
            sheet.set_column(index, index, column.width)
            _string(sheet, 0, index, column.heading, heading)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        if print_head:
            sheet.set_header(print_head)
            sheet.set_footer("&R&P / &N")
        n = sheet.take_rows(1, last, _xml(islice(rows, MAX_ROWS), encoders))
        sheet.autofilter(0, 0, n, last)
        n_rows += n
    return n_rows


def _xml(rows: Iterator[Cells], encoders: list[tuple[str, _Encoded]]) -> Iterator[str]:
    """Yield the XML of each row; the first is row 2 of its sheet."""
    for number, cells in enumerate(rows, 2):
        parts = [
            f'<c r="{letter}{number}"{encoded[value]}'
            for (letter, encoded), value in zip(encoders, cells, strict=True)
            if value is not None and value != ""
        ]
        yield f'<row r="{number}">{"".join(parts)}</row>'


class _Encoded(dict[Any, str]):
    """The XML of a cell after its reference, by value: dates and names of catalogues repeat, so most are looked up."""

    def __init__(self, encode: Callable[[Any], str], limit: int = 4096) -> None:
        super().__init__()
        self._encode, self._limit = encode, limit

    def __missing__(self, value: Any) -> str:
        if len(self) >= self._limit:
            self.clear()
        if type(value) is Linked:
            return self._encode(value.value) if value.value not in (None, "") else "/>"
        xml = self[value] = self._encode(value)
        return xml


def _encoder(column: Column, book: Workbook) -> Callable[[Any], str]:
    """Return what turns a value of *column* into the XML of its cell, after the reference."""
    kind = column.kind
    day, time = ("dd/mm/yyyy", "dd/mm/yyyy hh:mm") if is_spanish() else ("d mmm yyyy", "d mmm yyyy hh:mm")
    match kind:
        case Kind.TEXT if column.wraps:
            style = book.add_format({"text_wrap": True, "valign": "top"})._get_xf_index()
            return lambda value: f' s="{style}"{_text(value)}'
        case Kind.TEXT | Kind.CASE | Kind.WRITTEN:
            return _text
        case Kind.BOOL:
            yes, no = _text(_("Yes")), _text(_("No"))
            return lambda value: yes if value else no
        case Kind.INT:
            return lambda value: f"><v>{int(value)}</v></c>"
        case Kind.MONEY | Kind.DECIMAL:
            style = _style(book, _MONEY if kind is Kind.MONEY else "#,##0.00")
            return lambda value: f' s="{style}"><v>{Decimal(value):f}</v></c>'
        case Kind.DATE:
            style = _style(book, day)
            return lambda value: f' s="{style}"><v>{value.toordinal() - _EPOCH}</v></c>'
        case Kind.DATETIME:
            style = _style(book, time)
            return lambda value: f' s="{style}"><v>{(value - _MIDNIGHT).total_seconds() / 86400:.10f}</v></c>'
    raise AssertionError(kind)


def _style(book: Workbook, number_format: str) -> int:
    style: Format = book.add_format({"num_format": number_format, "align": "left", "valign": "top"})
    return style._get_xf_index()


def _text(value: str) -> str:
    """Return a string cell with *value*, cut where Excel's cells end; what no XML may carry becomes a replacement mark."""
    if len(value) > MAX_TEXT // 2 and len(value.encode("utf-16-le", "replace")) > 2 * MAX_TEXT:
        value = value.encode("utf-16-le", "replace")[: 2 * (MAX_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
    space = ' xml:space="preserve"' if value[0].isspace() or value[-1].isspace() else ""
    if _ODD.search(value):
        value = _NOT_XML.sub("\ufffd", value.replace("\r\n", "\n").replace("\r", "\n"))
        value = escape(re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", value))
    return f' t="inlineStr"><is><t{space}>{value}</t></is></c>'


# ── Charts ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CHARTS = {"ColumnChart": "column", "BarChart": "bar", "LineChart": "line", "PieChart": "doughnut"}
#: The colours of the words of state; Excel knows no style sheet.
_TONES = {"info": "#0B5F78", "soon": "#C2570C", "stop": "#667085", "warn": "#B7791F", "ok": "#1B8A4C", "bad": "#C4281B"}
#: Rows of the sheet that a chart covers, beside the table of its numbers.
_TALL = 20


def _write_charts(book: Workbook, plots: list[Plot], names: _Names) -> None:
    """Write a sheet with the numbers of each plot and, beside them, its chart; none where nothing is drawn."""
    if not plots:
        return
    sheet = book.add_worksheet(names.free(_("Charts")))
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    plots = [_turned(plot) for plot in plots]
    bold, head = book.add_format({"bold": True, "font_size": 12}), book.add_format({"bold": True, "bottom": 1, "bg_color": "#E2F1F5"})
    plain = book.add_format({})
    sheet.set_column(0, 0, 34)
    beside = 2 + max(len(plot.series) for plot in plots)
    row = 0
    for plot in plots:
        _string(sheet, row, 0, plot.title, bold)
        for index, series in enumerate(plot.series, 1):
            _string(sheet, row + 1, index, series.name or plot.title, head)
        for i, label in enumerate(plot.labels):
            _string(sheet, row + 2 + i, 0, label, plain)
            for index, series in enumerate(plot.series, 1):
                if series.points[i].value is not None:
                    sheet.write_number(row + 2 + i, index, float(series.points[i].value))
        if plot.labels:
            sheet.insert_chart(row, beside, _chart(book, sheet, plot, row), {"description": plot.about})
        row += max(len(plot.labels) + 4, _TALL)


def _turned(plot: Plot) -> Plot:
    """Return a pie whose slices are series, as it is drawn, with its slices as labels, as Excel wants it; any other as it is."""
    if plot.kind != "PieChart" or len(plot.labels) != 1:
        return plot
    slices = Series(plot.labels[0], tuple(series.points[0] for series in plot.series))
    return replace(plot, labels=tuple(series.name for series in plot.series), series=(slices,))


def _chart(book: Workbook, sheet: Worksheet, plot: Plot, row: int) -> Any:
    """Return the chart of the numbers that begin below *row*."""
    kind, last = _CHARTS[plot.kind], row + 1 + len(plot.labels)
    chart = book.add_chart({"type": kind, **({"subtype": "stacked"} if plot.is_stacked and kind in ("column", "bar") else {})})
    for index in range(1, len(plot.series) + 1):
        color = _TONES.get(tone_of(plot, index - 1), "#0B5F78")
        look = {"line": {"color": color, "width": 2.25}, "marker": {"type": "circle"}} if kind == "line" else {"fill": {"color": color}}
        chart.add_series({
            "name": [sheet.name, row + 1, index], "categories": [sheet.name, row + 2, 0, last, 0],
            "values": [sheet.name, row + 2, index, last, index], **({} if kind == "doughnut" else look),
        })  # fmt: skip
    chart.set_title({"name": plot.title, "name_font": {"size": 12}})
    if kind == "bar":
        chart.set_y_axis({"reverse": True})
    if len(plot.series) < 2 and kind != "doughnut":
        chart.set_legend({"none": True})
    chart.set_size({"width": 720, "height": 380})
    return chart


# ── The cover ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write_cover(book: Workbook, sheet: Worksheet, report: Report, cover: Cover, written: Sequence[tuple[Part, int]]) -> None:
    """Write who issues what, for whom, when, what was asked for, what it says, and the figures of each table that was written."""
    title, label = book.add_format({"bold": True, "font_size": 14}), book.add_format({"bold": True, "valign": "top"})
    plain = book.add_format({"text_wrap": True, "align": "left", "valign": "top"})
    time = book.add_format({"num_format": "dd/mm/yyyy hh:mm" if is_spanish() else "d mmm yyyy hh:mm", "align": "left"})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, 2, 34)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    lines: list[Figure | tuple[str, datetime]] = [
        *_control(cover.format),
        Figure(_("Report"), _(report.name)),
        *(Figure(_("Filters") if index == 0 else "", words) for index, words in enumerate(report.filters_in_words())),
        Figure(_("Issued by"), cover.author),
        (_("Issued on"), cover.at),
        *(Figure(_("Summary") if index == 0 else "", sentence.text) for index, sentence in enumerate(report.sentences())),
        *_counted(report, written),
    ]
    _string(sheet, 0, 0, cover.organisation, title)
    _string(sheet, 1, 0, cover.format.name, title)
    for row, line in enumerate(lines, 3):
        name, value = (line.label, line.value) if isinstance(line, Figure) else line
        if name:
            _string(sheet, row, 0, name, label)
        if isinstance(value, datetime):
            sheet.write_datetime(row, 1, value, time)
        elif not isinstance(value, str):
            sheet.write_number(row, 1, value, plain)
        elif value:
            _string(sheet, row, 1, value, plain)
        if isinstance(line, Figure) and (beside := " · ".join(filter(None, (line.unit, compared(line))))):
            _string(sheet, row, 2, beside, plain)


def _counted(report: Report, written: Sequence[tuple[Part, int]]) -> Iterator[Figure]:
    """Yield how many rows there are, the totals of what was written, and what each table adds up to."""
    yield Figure(_("Rows"), sum(n for _part, n in written))
    yield from report.totals() or report.headline()  # of what was written: another pass over the rows costs time and memory
    for part, n in written:
        if len(written) > 1 or part.figures:
            yield Figure("", "")
            yield Figure(part.title, _("%(n)s rows", n=say_number(n)))
        if part.about:
            yield Figure(_("What is counted"), part.about)
        yield from part.figures


def _control(format: ControlledFormat) -> list[Figure | tuple[str, datetime]]:
    """Return what the cover says of the controlled format that it fills, if it fills one."""
    if not format.code:
        return []
    said: list[Figure | tuple[str, datetime]] = [Figure(_("Format"), format.code), Figure(_("Version"), format.version)]
    return [*said, Figure(_("Last change"), say_day(format.changed_on))] if format.changed_on else said


def _string(sheet: Worksheet, row: int, column: int, value: str, style: Format) -> None:
    """Write text as text. XlsxWriter takes `<r>…</r>` for XML of its own making, so such text ends in a space."""
    value = _NOT_XML.sub("\ufffd", value)
    sheet.write_string(row, column, value + " " if value.endswith("</r>") else value, style)
