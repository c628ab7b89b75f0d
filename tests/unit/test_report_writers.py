"""What every report leaves as: sheets, charts, links and files of several tables, whatever they hold."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from openpyxl import load_workbook

from app.drawing import Plot, Point, Series, on_paper
from app.reports.base import (
    Column,
    ControlledFormat,
    Cover,
    Figure,
    FilterForm,
    Kind,
    Linked,
    Part,
    PartedReport,
    Sentence,
    compared,
    told,
)
from app.reports.delimited import write_csv
from app.reports.jsonrows import json_row
from app.reports.xlsx import write_xlsx

MONTHS = ("may", "jun", "jul")
HEADER = (Column("Month"), Column("Cases", Kind.INT), Column("Pesos", Kind.MONEY), Column("On", Kind.DATE))


def plot(kind: str, labels: tuple[str, ...], *series: tuple[float | None, ...]) -> Plot:
    points = (Series(f"s{n}", tuple(Point(value, str(value), "/pqr/") for value in values)) for n, values in enumerate(series))
    return Plot(kind, f"A {kind}", "What it shows", labels, tuple(points))


PLOTS = (
    plot("ColumnChart", MONTHS, (1, 2, 3), (3, None, 1)), plot("BarChart", MONTHS, (1, 2, 3)), plot("LineChart", MONTHS, (1, 2, 3)),
    plot("PieChart", ("",), (1,), (2,), (3,)),
)  # fmt: skip


class Both(PartedReport):
    identifier, name, description, form = "both", "Two tables", "", FilterForm

    def parts(self) -> tuple[Part, ...]:
        return (
            Part("a", "Por mes: [una/otra]", HEADER, self._months, figures=(Figure("Cases", 6),), plots=PLOTS),
            Part("b", "Por mes: [una/otra]", HEADER[:1], lambda: iter((("=1+1",), (None,)))),
            Part("c", "Nada", HEADER, lambda: iter(())),
        )

    @staticmethod
    def _months() -> Iterator[tuple[Any, ...]]:
        for n, month in enumerate(MONTHS, 1):
            on = Linked(None, "/x") if n == 2 else date(2026, 4 + n, 1)
            yield month, Linked(n, f"/pqr/?month={n}"), Linked(Decimal(n) * 1000, ""), on

    def headline(self) -> list[Figure]:
        return [Figure("All", 6, "/pqr/", 4), Figure("Words", "three months")]

    def sentences(self) -> tuple[Sentence, ...]:
        return (Sentence("Six cases."),)

    def filters_in_words(self) -> list[str]:
        return ["May to July"]


@pytest.fixture(autouse=True)
def babel() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="en")
    with app.app_context():
        yield


def workbook() -> Any:
    file = io.BytesIO()
    n = write_xlsx(Both(), Cover("House", ControlledFormat("R10", "2", "Two tables"), "Ana", datetime(2026, 8, 1, 9, 30)), file)
    return n, load_workbook(io.BytesIO(file.getvalue()))


def test_each_table_is_a_sheet_with_a_name_that_excel_takes_once():
    n_rows, book = workbook()

    assert n_rows == 5
    assert book.sheetnames == ["Cover", "Por mes una otra", "Por mes una otra 2", "Nada", "Charts"]
    assert [cell.value for cell in book.worksheets[3][1]] == ["Month", "Cases", "Pesos", "On"]


def test_a_cell_with_an_address_is_its_value_in_the_file():
    _n_rows, book = workbook()
    rows = list(book.worksheets[1].iter_rows(min_row=2, values_only=True))

    assert rows == [("may", 1, 1000, datetime(2026, 5, 1)), ("jun", 2, 2000, None), ("jul", 3, 3000, datetime(2026, 7, 1))]
    assert book.worksheets[2]["A2"].data_type == "s"


def test_the_cover_says_in_short_what_the_report_says_and_what_it_is_compared_with():
    _n_rows, book = workbook()
    lines = {row[0]: row[1:] for row in book.worksheets[0].iter_rows(min_row=4, values_only=True) if row[0]}

    assert (lines["Version"][0], lines["Filters"][0], lines["Summary"][0], lines["Rows"][0]) == ("2", "May to July", "Six cases.", 5)
    assert lines["All"] == (6, "+50 % against 4") and lines["Words"][0] == "three months"


def test_every_plot_is_a_chart_of_excel_over_its_own_numbers():
    _n_rows, book = workbook()
    sheet = book.worksheets[-1]

    assert [type(chart).__name__ for chart in sheet._charts] == ["BarChart", "BarChart", "LineChart", "DoughnutChart"]
    assert [sheet.cell(row, 1).value for row in (3, 4, 5)] == list(MONTHS)
    assert [sheet.cell(row, 3).value for row in (3, 4, 5)] == [3, None, 1]
    slices = next(row for row in range(1, sheet.max_row) if sheet.cell(row, 1).value == "A PieChart") + 2
    assert [(sheet.cell(row, 1).value, sheet.cell(row, 2).value) for row in range(slices, slices + 3)] == [("s0", 1), ("s1", 2), ("s2", 3)]


def test_several_tables_are_a_zip_of_files_in_their_order():
    file = io.BytesIO()
    n = write_csv(Both(), file)
    archive = zipfile.ZipFile(file)

    assert n == 5
    assert archive.namelist() == ["01-por-mes-una-otra.csv", "02-por-mes-una-otra.csv", "03-nada.csv"]
    assert archive.read("01-por-mes-una-otra.csv").decode("utf-8-sig").splitlines()[1:3] == ["may,1,1000.00,2026-05-01", "jun,2,2000.00,"]
    assert archive.read("02-por-mes-una-otra.csv").decode("utf-8-sig").splitlines()[1:] == ["'=1+1", '""']


def test_json_keeps_amounts_exact_and_says_the_zone_of_an_instant():
    cells = (Linked(Decimal("1234567.10"), "/x"), date(2026, 7, 1), datetime(2026, 7, 1, 9, 30), None, True, 3, "a")

    assert json_row(cells) == ["1234567.10", "2026-07-01", "2026-07-01T09:30-05:00", None, True, 3, "a"]


@pytest.mark.parametrize(
    ("figure", "words"),
    [(Figure("a", 6, before=4), "+50 % against 4"), (Figure("a", 3, before=4), "−25 % against 4"), (Figure("a", 3, before=0), "before: 0"),
     (Figure("a", 3), ""), (Figure("a", "text", before=3), "")],
)  # fmt: skip
def test_a_figure_says_how_it_stands_against_what_it_was(figure, words):
    assert compared(figure) == words


def test_whoever_waits_is_told_how_many_rows_there_are_and_may_stop_them():
    heard: list[int] = []
    assert len(list(told(((n,) for n in range(2_500)), heard.append, before=10))) == 2_500
    assert heard == [1_010, 2_010, 2_510]

    def stop(_n: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        list(told(((n,) for n in range(2_500)), stop))


@pytest.mark.parametrize("kind", ["ColumnChart", "BarChart", "LineChart"])
def test_a_chart_on_paper_needs_no_style_sheet_and_leads_nowhere_else(kind):
    drawing = on_paper(plot(kind, MONTHS, (1, 2, 3), (2, 2, 2))).decode()

    assert "<style>" in drawing and "var(--" not in drawing
    assert "http" not in drawing.replace("http://www.w3.org/2000/svg", "")
