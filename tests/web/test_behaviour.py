"""The behaviour report as a reader meets it: whose cases it counts, what it costs, and what leaves as a file."""

from __future__ import annotations

import io
import re
from datetime import date
from html import unescape

import openpyxl
import pytest

from app.domain.states import Outcome, PqrStatus
from app.operations import pqr as operations

NOW = "2026-08-12T09:30:00-05:00"
JULY = "/report/behaviour/?period=LAST_MONTH"


@pytest.fixture
def july(seeded, make, at):
    """Six cases of July: four went to the process of an owner, and two stay at the desk."""
    at(NOW)
    for n in range(6):
        pqr = make.case(at=f"2026-07-{n + 6:02}T10:00:00-05:00")
        if n < 4:
            operations.route(seeded, pqr, make.process("TECNICA"), "Revisar", at=pqr.filed_at, actor_id=None)
        if n < 2:
            pqr.status, pqr.outcome = PqrStatus.ANSWERED, Outcome.GRANTED
            pqr.solved_on = pqr.answered_on = date(2026, 7, 20)
    seeded.commit()


def filed(page):
    """Return the number of the first figure."""
    return int(re.search(r'class="tile[^>]*><strong>([\d.,]+)', page)[1])


def test_a_manager_sees_all_cases_and_an_owner_those_of_his_process(july, reader):
    assert filed(reader("Subgerente administrativo y comercial").get(JULY).get_data(as_text=True)) == 6
    assert filed(reader("Dueño de proceso", "TECNICA").get(JULY).get_data(as_text=True)) == 4


def test_whoever_may_not_read_the_reports_of_cases_is_refused(july, reader):
    assert reader("Técnico").get(JULY).status_code in (302, 403)
    assert reader("Comercial").get(JULY).status_code == 403


def test_the_page_costs_as_many_statements_for_one_case_as_for_many(july, reader, seeded, make, count_statements):
    client = reader("Subgerente administrativo y comercial")
    client.get(JULY)
    with count_statements() as few:
        assert client.get(JULY).status_code == 200
    for n in range(8):
        make.case(at=f"2026-07-{n + 10:02}T10:00:00-05:00", account=make.account(zone=f"Zona {n}"))
    seeded.commit()
    with count_statements() as many:
        client.get(JULY)

    assert len(many) == len(few) <= 12


def test_every_address_of_the_page_opens(july, reader):
    client = reader("Subgerente administrativo y comercial")
    page = client.get(JULY).get_data(as_text=True)

    addresses = {unescape(each) for each in re.findall(r'href="(/(?:pqr|silence|rating)/[^"]*\?[^"]*)"', page)}

    assert len(addresses) > 20
    assert {path for path in addresses if client.get(path).status_code != 200} == set()


def test_the_workbook_has_a_sheet_for_each_table_with_the_figures_of_the_page(july, reader):
    client = reader("Subgerente administrativo y comercial")

    book = openpyxl.load_workbook(io.BytesIO(client.get(JULY.replace("/?", "/excel?")).data))

    cells = [[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()]
    assert len(book.sheetnames) >= 13
    assert any(row[1:4] == [6, 0, None] for row in cells)  # filed, before, change


def test_days_that_make_no_period_are_told_beside_the_field(july, reader):
    client = reader("Subgerente administrativo y comercial")

    for query in ("period=OTHER&since=2026-07-02&until=2026-07-01", "period=OTHER&since=0001-01-01&until=2026-07-01", "period=OTHER"):
        assert client.get(f"/report/behaviour/?{query}").status_code == 422
