"""The Excel and the CSV writer: types, streams, and text that somebody may have meant as a formula."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from app.reports import xlsx
from app.reports.base import Column, ControlledFormat, Cover, Figure, Kind, Report
from app.reports.delimited import write_csv
from app.reports.xlsx import write_xlsx

COVER = Cover("Aguas =1 E.S.P.", ControlledFormat("R10-01-01", "3", "=Control"), "@Ana Prueba", datetime(2026, 7, 10, 9, 5))
EVIL = [
    "=1+1",
    "+57 300",
    "-5",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "=cmd|'/c calc'!A0",
    "http://evil.example",
    "<r><t>x</t></r>",
    'a & <b> "c"',
    "_x0041_",
]


class Sample(Report):
    identifier, name, code = "sample", "Sample", "R10-01-01"
    header = (
        Column("Number", Kind.CASE), Column("Text", Kind.TEXT), Column("Day", Kind.DATE), Column("Moment", Kind.DATETIME),
        Column("Count", Kind.INT), Column("Pesos", Kind.MONEY), Column("Yes or no", Kind.BOOL),
    )  # fmt: skip

    def __init__(self, rows, *, error=None):
        self._rows, self._error, self.n = rows, error, 0

    def rows(self):
        for row in self._rows:
            self.n += 1
            yield row
        if self._error:
            raise self._error

    def totals(self):
        return [Figure("Total", self.n), Figure("Share", Decimal("66.6"))]

    def filters_in_words(self):
        return ["=First filter", "Second filter"]


def row(text="x", number="PQR-2026-000001"):
    return (number, text, date(2026, 7, 10), datetime(2026, 7, 10, 14, 5, 30), 3, Decimal("1234567.50"), True)


def book_of(*rows):
    target = io.BytesIO()
    write_xlsx(Sample(rows), COVER, target)
    return load_workbook(target)


def cells(sheet):
    return [[cell.value for cell in line] for line in sheet.iter_rows(min_row=2)]


# ── Excel ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cells_keep_their_types():
    data = book_of(row()).worksheets[1]

    assert cells(data) == [["PQR-2026-000001", "x", datetime(2026, 7, 10), datetime(2026, 7, 10, 14, 5, 30), 3, 1234567.5, "Yes"]]
    assert [cell.data_type for cell in data[2]] == ["s", "s", "d", "d", "n", "n", "s"]
    assert [cell.number_format for cell in data[2]][2:4] == ["dd/mm/yyyy", "dd/mm/yyyy hh:mm"]


@pytest.mark.parametrize("text", EVIL)
def test_text_is_never_a_formula_nor_a_link(text):
    data = book_of(row(text)).worksheets[1]

    assert data["B2"].data_type == "s"
    assert data["B2"].value == {"\rx": "\nx", "_x0041_": "_x005F_x0041_"}.get(text, text)  # openpyxl does not undo the last, Excel does
    assert data["B2"].hyperlink is None


def test_no_part_of_the_file_holds_a_formula_or_a_link():
    target = io.BytesIO()
    write_xlsx(Sample([row(text) for text in EVIL]), COVER, target)

    with zipfile.ZipFile(target) as package:
        for name in package.namelist():
            assert b"<f>" not in package.read(name) and b"hyperlink" not in package.read(name), name


def test_what_xml_cannot_carry_is_marked_and_the_file_still_opens():
    data = book_of(row("a\x00b\x0bc\ud800d\uffffe 😀 ñ")).worksheets[1]

    assert data["B2"].value == "a\ufffdb\ufffdc\ufffdd\ufffde 😀 ñ"


def test_spaces_at_the_ends_stay():
    assert book_of(row("  x\n")).worksheets[1]["B2"].value == "  x\n"


def test_text_beyond_the_limit_of_a_cell_ends_in_an_ellipsis():
    value = book_of(row("😀" * 20_000)).worksheets[1]["B2"].value

    assert value.endswith("😀…")
    assert len(value.encode("utf-16-le")) // 2 <= xlsx.MAX_TEXT


def test_the_cover_says_who_what_and_when_and_the_totals_of_the_rows():
    cover = book_of(row(), row()).worksheets[0]

    assert [cover["A1"].value, cover["A2"].value] == ["Aguas =1 E.S.P.", "=Control"]
    assert [[a.value, b.value] for a, b in cover.iter_rows(min_row=4, max_col=2)] == [
        ["Format", "R10-01-01"], ["Version", "3"], ["Report", "Sample"], ["Filters", "=First filter"], [None, "Second filter"],
        ["Issued by", "@Ana Prueba"], ["Issued on", datetime(2026, 7, 10, 9, 5)], ["Rows", 2], ["Total", 2], ["Share", 66.6],
    ]  # fmt: skip
    assert {cell.data_type for line in cover.iter_rows() for cell in line if cell.value is not None} <= {"s", "n", "d"}


def test_the_header_stays_in_sight_and_filters_all_rows():
    data = book_of(row(), row()).worksheets[1]

    assert (data.freeze_panes, data.auto_filter.ref) == ("B2", "A1:G3")
    assert data.dimensions == "A1:G3"


def test_a_report_without_rows_is_a_workbook_with_its_header():
    data = book_of().worksheets[1]

    assert [cell.value for cell in data[1]] == ["Number", "Text", "Day", "Moment", "Count", "Pesos", "Yes or no"]
    assert data.max_row == 1


def test_empty_cells_are_empty():
    data = book_of(("PQR-2026-000001", "", None, None, None, None, None)).worksheets[1]

    assert cells(data)[0][1:] == [None] * 6


def test_more_rows_than_a_sheet_holds_go_to_the_next(monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 2)
    book = book_of(*(row(number=f"PQR-{i}") for i in range(5)))

    assert [[line[0] for line in cells(sheet)] for sheet in book.worksheets[1:]] == [["PQR-0", "PQR-1"], ["PQR-2", "PQR-3"], ["PQR-4"]]


def test_rows_that_fail_half_way_leave_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(LookupError):
        write_xlsx(Sample([row()], error=LookupError()), COVER, io.BytesIO())

    assert not list(Path(tmp_path).rglob("*"))


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def lines_of(*rows):
    target = io.BytesIO()
    n = write_csv(Sample(rows), target)
    assert n == len(rows)
    return target.getvalue(), list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))


def test_spanish_excel_opens_the_csv_as_it_is():
    raw, lines = lines_of(row('ñ; "x"'))

    assert raw.startswith(b"\xef\xbb\xbf")
    assert lines == [
        ["Number", "Text", "Day", "Moment", "Count", "Pesos", "Yes or no"],
        ["PQR-2026-000001", 'ñ; "x"', "2026-07-10", "2026-07-10 14:05", "3", "1234567,50", "Yes"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+57", "-5", "@SUM(A1)", "\tx", "\rx", "＝1+1"])
def test_a_formula_in_the_csv_starts_with_an_apostrophe(text):
    _raw, lines = lines_of(row(text))

    assert lines[1][1] == f"'{text}"


def test_harmless_text_stays_as_it_is():
    assert lines_of(row("Ana - 5 = 3"))[1][1][1] == "Ana - 5 = 3"
