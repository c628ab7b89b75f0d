"""
The only Excel writer: a cover sheet and the rows of a report, streamed.

XlsxWriter makes the workbook; the rows of the data sheet are given to it as XML, because its way from cell to cell costs four times
as much (`bench/README.md`). Text is always an inline string: whatever it starts with, no reader takes it for a formula or a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
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

from app.reports.base import Cells, Column, ControlledFormat, Cover, Figure, Kind, Report, is_spanish
from app.words import say_day

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


def write_xlsx(report: Report, cover: Cover, target: BinaryIO) -> int:
    """Write the workbook of *report* to *target*, which has to be seekable; return how many rows it has."""
    with TemporaryDirectory(prefix="atiende-xlsx-") as folder:  # rows wait here, and leave with it when something fails
        book = Workbook(target, {**OPTIONS, "tmpdir": folder})
        front = book.add_worksheet(_("Cover"))
        n_rows = _write_data(book, report, _("Data"), _print_head(cover))
        _write_cover(book, front, report, cover, n_rows)
        book.close()
    return n_rows


def write_sheets(reports: Iterable[Report], target: BinaryIO) -> int:
    """Write a workbook with a sheet a report, called by its name, and no cover; return how many rows it has."""
    with TemporaryDirectory(prefix="atiende-xlsx-") as folder:
        book = Workbook(target, {**OPTIONS, "tmpdir": folder})
        n_rows = sum(_write_data(book, report, report.name) for report in reports)
        book.close()
    return n_rows


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


def _write_data(book: Workbook, report: Report, name: str, print_head: str = "") -> int:
    """Write as many sheets called *name* as the rows need (one, also without rows); return how many rows there are."""
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E2F1F5"})
    encoders = [(xl_col_to_name(index), _Encoded(_encoder(column, book))) for index, column in enumerate(report.header)]
    rows, last, n_rows, n_sheets, n = report.rows(), len(report.header) - 1, 0, 0, MAX_ROWS
    while n == MAX_ROWS:
        n_sheets += 1
        sheet = book.add_worksheet(name if n_sheets == 1 else f"{name} {n_sheets}", worksheet_class=_Sheet)
        for index, column in enumerate(report.header):
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


# ── The cover ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write_cover(book: Workbook, sheet: Worksheet, report: Report, cover: Cover, n_rows: int) -> None:
    """Write who issues what, for whom, when, what was asked for, and the totals of the rows that were written."""
    title, label = book.add_format({"bold": True, "font_size": 14}), book.add_format({"bold": True, "valign": "top"})
    plain = book.add_format({"text_wrap": True, "align": "left", "valign": "top"})
    time = book.add_format({"num_format": "dd/mm/yyyy hh:mm" if is_spanish() else "d mmm yyyy hh:mm", "align": "left"})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 70)
    lines: list[Figure | tuple[str, datetime]] = [
        *_control(cover.format),
        Figure(_("Report"), _(report.name)),
        *(Figure(_("Filters") if index == 0 else "", words) for index, words in enumerate(report.filters_in_words())),
        Figure(_("Issued by"), cover.author),
        (_("Issued on"), cover.at),
        Figure(_("Rows"), n_rows),
        *report.totals(),
    ]
    _string(sheet, 0, 0, cover.organisation, title)
    _string(sheet, 1, 0, cover.format.name, title)
    for row, line in enumerate(lines, 3):
        name, value = (line.label, line.value) if isinstance(line, Figure) else line
        if name:
            _string(sheet, row, 0, name, label)
        if isinstance(value, datetime):
            sheet.write_datetime(row, 1, value, time)
        elif isinstance(value, str):
            _string(sheet, row, 1, value, plain)
        else:
            sheet.write_number(row, 1, value, plain)


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
