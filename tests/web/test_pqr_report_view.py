"""The PQR report as a page: every figure leads to the cases that it counts, and nobody reads those of others."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Process
from app.reports import pqr_report, pqr_sources
from app.reports.base import Linked
from app.reports.pqr_report import PqrReport
from tests.pqr_cases import Table

PAGE = "/report/pqr_report/?period=OTHER&since=2026-06-01&until=2026-07-31"
SUBGERENTE, DUENO, TECNICO = "Subgerente administrativo y comercial", "Dueño de proceso", "Técnico"


@pytest.fixture
def table(seeded: Any, make: Any) -> dict[str, Any]:
    cases = Table(seeded, make).fill()
    seeded.commit()
    return cases


def cases_in(browser: Any, path: str) -> set[str]:
    """Return the cases that the list at *path* shows; fewer than a page of them."""
    page = browser.get(path)
    assert page.status_code == 200, path
    return set(re.findall(r'href="/pqr/(PQR-[0-9-]+)"', page.text))


def counted(monkeypatch: Any, browser: Any, page: str) -> list[tuple[str, str, int]]:
    """Return (where, address, number) of everything on the report of *page* that leads to its rows."""
    made: list[PqrReport] = []
    init = PqrReport.__init__
    monkeypatch.setattr(PqrReport, "__init__", lambda self, asked: (init(self, asked), made.append(self))[0])
    found: list[tuple[str, str, int]] = []
    said = PqrReport.parts

    def parts(self: PqrReport) -> Any:
        every = tuple(said(self))
        if not found:
            figures = [("headline", figure) for figure in self.headline()] + [(part.key, each) for part in every for each in part.figures]
            found.extend((where, figure.path, figure.value) for where, figure in figures if figure.path)
            for part in every:
                cells = [cell for row in part.rows() for cell in row if isinstance(cell, Linked)]
                found.extend((part.key, cell.path, cell.value) for cell in cells)
                points = [point for plot in part.plots for series in plot.series for point in series.points]
                found.extend((f"{part.key} plot", p.url, p.value) for p in points if p.url and part.key != "by_process")
        return every

    monkeypatch.setattr(PqrReport, "parts", parts)
    assert browser.get(page).status_code == 200
    return found


@pytest.mark.parametrize("more", ["", "&by=answered", "&by=due", "&answers={FACTURACION}"])
def test_every_number_leads_to_exactly_its_cases(table, reader, monkeypatch, seeded, more):
    keys = dict(seeded.execute(select(Process.code, Process.id)).all())
    browser = reader(SUBGERENTE)

    found = counted(monkeypatch, browser, PAGE + more.format_map(keys))

    assert len({path for _where, path, _n in found}) > 20
    wrong = [(where, path, n) for where, path, n in found if len(cases_in(browser, path)) != n]
    assert not wrong


def test_the_links_of_an_owner_have_the_cases_of_his_report(table, reader, monkeypatch):
    browser = reader(DUENO, "TECNICA")

    found = counted(monkeypatch, browser, PAGE)

    assert ("headline", 2) in {(where, n) for where, _path, n in found}
    assert not [(where, path, n) for where, path, n in found if len(cases_in(browser, path)) != n]


def test_the_page_shows_its_three_parts_and_the_cases(table, sign_in):
    page = sign_in(SUBGERENTE).get(PAGE)
    text = unescape(page.text)

    assert page.status_code == 200
    for chapter in ("1. Follow-up", "2. Proof: what is missing", "3. Times by stage"):
        assert chapter in text
    assert all(pqr.number in text for pqr in table.values())


def test_the_page_costs_as_many_statements_with_eight_cases_as_with_many(table, reader, make, seeded, count_statements):
    browser = reader(SUBGERENTE)
    browser.get(PAGE)
    with count_statements() as few:
        browser.get(PAGE)
    for _n in range(30):
        make.case("2026-07-03T10:00-05:00")
    seeded.commit()
    with count_statements() as many:
        browser.get(PAGE)

    assert len(many) == len(few) <= 12


def test_a_process_that_does_not_exist_is_told_and_nothing_is_shown(table, reader):
    page = reader(SUBGERENTE).get(PAGE + "&answers=99999999")

    assert page.status_code == 422
    assert table["silent"].number not in page.text


def test_a_filter_with_too_many_cases_is_refused_in_words(table, sign_in, monkeypatch):
    monkeypatch.setattr(pqr_report, "MOST_READ", 7)
    browser = sign_in(SUBGERENTE)

    for door in (PAGE, PAGE.replace("/?", "/excel?")):
        page = browser.get(door)
        assert 400 <= page.status_code < 500
        assert "choose a shorter period or more filters" in page.text


def test_whoever_may_not_read_reports_gets_neither_page_nor_file(table, reader):
    browser = reader(TECNICO)

    for door in (PAGE, PAGE.replace("/?", "/excel?"), PAGE.replace("/?", "/part/proof?")):
        assert browser.get(door).status_code in (302, 403)


def test_the_filters_of_the_report_are_filters_of_the_list(table, sign_in):
    """The two that the report brought are offered where cases are listed, each with its words."""
    browser = sign_in(SUBGERENTE)

    for name, value, words in (("lacks", "DOCUMENT", pqr_sources.Gap.DOCUMENT.value), ("late_by", "3-5", "3 to 5 days")):
        page = browser.get(f"/pqr/?{name}={value}")
        assert words in unescape(page.text)
        assert cases_in(browser, f"/pqr/?{name}={value}") == {table["later"].number}
