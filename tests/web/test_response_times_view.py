"""The screen of R10-01-01: what it shows, to whom, and that its downloads are the same rows."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.domain.states import Identity, Outcome
from app.extensions import now, today
from app.models import ControlledDocument
from app.operations import pqr as operations
from app.operations.controlled import approve_edition, draft_edition

PAGE = "/reports/response-times/"
FILES = "/report/response_times/"
AUXILIAR, DUENO, TECNICO, SUBGERENTE = "Auxiliar PQR", "Dueño de proceso", "Técnico", "Subgerente administrativo y comercial"
CALIDAD = "Calidad"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


@pytest.fixture
def cases(seeded, make):
    """Two of Facturación, answered in time and late; one of Técnica, reserved, in term; one at the desk."""

    def case(filed, process=None, answered=None, **fields):
        pqr = make.case(instant(filed), **fields)
        if process:
            operations.route(seeded, pqr, make.process(process), "Revisar", at=instant(filed, 11), actor_id=None)
        if answered:
            operations.solve(seeded, pqr, "Se revisó", Outcome.GRANTED, at=instant(answered), actor_id=None)
            operations.mark_answered(seeded, pqr, at=instant(answered, 11), actor_id=None)
        return pqr

    made = [
        case("2026-06-01", "FACTURACION", "2026-06-10"),
        case("2026-06-02", "FACTURACION", "2026-07-02", party=make.party(name="@SUM(A1)")),
        case("2026-07-01", "TECNICA", identity=Identity.RESERVED, party=make.party(name="Nombre Secreto")),
        case("2026-07-02"),
    ]
    seeded.commit()
    return made


def numbers(page):
    return re.findall(r'href="/pqr/(PQR-[0-9-]+)"', page.text)


def exported(browser, query=""):
    """Return (rows of the workbook, rows of the CSV, what the cover says line by line), headings apart."""
    book = load_workbook(io.BytesIO(browser.get(f"{FILES}excel{query}").data))
    text = browser.get(f"{FILES}csv{query}").data.decode("utf-8-sig")
    cover = [line[1].value for line in book.worksheets[0].iter_rows(max_col=2, min_row=4)]
    rows = [[cell.value for cell in line] for line in book.worksheets[1].iter_rows(min_row=2)]
    return rows, list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:], cover


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_each_case_with_a_link_to_it(cases, reader):
    page = reader(AUXILIAR).get(PAGE)

    assert page.status_code == 200
    assert numbers(page) == [pqr.number for pqr in reversed(cases)]
    assert 'role="region"' in page.text and 'tabindex="0"' in page.text


def test_the_page_and_the_cover_carry_the_code_and_version_of_the_format(cases, reader, seeded, make):
    document = seeded.scalars(select(ControlledDocument).where(ControlledDocument.code == "R10-01-01")).one()
    document.code = "R010-01-01"
    seeded.flush()
    approve_edition(seeded, draft_edition(seeded, document, "7", "Columnas nuevas", today()), at=now(), user_id=make.user(CALIDAD).id)
    browser = reader(AUXILIAR)

    page = browser.get(PAGE)
    _rows, _lines, cover = exported(browser)

    assert "R010-01-01" in page.text and re.search(r"ersi(o|ó)n 7", page.text)
    assert {"R010-01-01", "7"} <= set(cover)
    assert "R010-01-01-2026-07-10.xlsx" in browser.get(f"{FILES}excel").headers["Content-Disposition"]


def test_a_page_of_rows_costs_eight_statements_however_many_rows(cases, reader, count_statements, make, seeded):
    browser = reader(AUXILIAR)
    browser.get(PAGE)
    with count_statements() as few:
        browser.get(PAGE)
    for _n in range(30):
        make.case(instant("2026-07-03"))
    seeded.commit()
    with count_statements() as many:
        page = browser.get(PAGE)

    assert len(numbers(page)) == 25
    assert len(many) == len(few) <= 8


def test_an_owner_costs_no_more_statements(cases, reader, count_statements):
    browser = reader(DUENO, "FACTURACION")
    with count_statements() as statements:
        browser.get(PAGE)

    assert len(statements) <= 8


def test_the_pager_leads_to_the_rest_with_the_same_filter(reader, make, seeded):
    made = [make.case(instant("2026-07-03")) for _n in range(27)]
    seeded.commit()
    browser = reader(AUXILIAR)

    first = browser.get(f"{PAGE}?period=filed&since=2026-07-01")
    rest = browser.get(re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&"))

    assert numbers(first) + numbers(rest) == [pqr.number for pqr in reversed(made)]
    assert 'value="2026-07-01"' in rest.text
    assert "rel=\"next\"" not in rest.text


def test_without_a_filter_it_shows_what_was_filed_since_last_month_began(cases, reader, make, seeded):
    old = make.case(instant("2026-05-29"))
    seeded.commit()
    browser = reader(AUXILIAR)

    page = browser.get(PAGE)
    this_year = next(link for link in re.findall(r'href="([^"]+)"', page.text) if "since=2026-01-01" in link).replace("&amp;", "&")
    assert old.number not in numbers(page)
    assert old.number in numbers(browser.get(this_year))
    assert old.number in numbers(browser.get(f"{PAGE}?period=filed"))


def test_filters_narrow_page_and_downloads_alike(cases, reader):
    browser = reader(AUXILIAR)
    query = f"?period=answered&since=2026-07-01&until=2026-07-31&process={cases[1].assignments[1].process_id}&in_time=LATE"

    rows, lines, cover = exported(browser, query)

    assert numbers(browser.get(PAGE + query)) == [cases[1].number]
    assert [row[0] for row in rows] == [line[0] for line in lines] == [cases[1].number]
    assert any("01/07/2026" in str(value) and "31/07/2026" in str(value) for value in cover)
    assert any("Facturación" in str(value) for value in cover)


NONSENSE = ["?since=2026-07-31&until=2026-07-01", "?since=nonsense", "?process=99999", "?process=x", "?in_time=MAYBE"]


@pytest.mark.parametrize("query", NONSENSE)
def test_a_filter_that_makes_no_sense_is_told_beside_its_field(cases, reader, query):
    browser = reader(AUXILIAR)

    page = browser.get(PAGE + query)

    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text and 'role="alert"' in page.text
    assert numbers(page) == []
    assert browser.get(f"{FILES}excel{query}&_scheme=x").location == f"{PAGE}{query}&_scheme=x"


@pytest.mark.parametrize("after", ["nonsense", "2026-07-10", "2026-07-10.x", ".5", "2026-99-99.1", "2026-07-10.99999999999999999999"])
def test_a_pager_that_makes_no_sense_starts_at_the_first_page(cases, reader, after):
    assert len(numbers(reader(AUXILIAR).get(f"{PAGE}?after={after}"))) == len(cases)


def test_an_empty_control_says_what_to_do_and_offers_no_download(seeded, reader):
    page = reader(AUXILIAR).get(PAGE)

    assert 'class="empty"' in page.text
    assert f"{PAGE}?period=filed" in page.text
    assert f"{FILES}excel" not in page.text


def test_a_year_without_holidays_is_told_and_no_file_is_half_sent(cases, reader, seeded):
    from sqlalchemy import delete

    from app.models import CalendarDay, CalendarYear

    seeded.execute(delete(CalendarDay))
    seeded.execute(delete(CalendarYear))
    seeded.commit()
    browser = reader(AUXILIAR)

    for path in (PAGE, f"{FILES}excel", f"{FILES}csv", f"{FILES}pdf"):
        answer = browser.get(path)
        assert answer.status_code == 409
        assert "2026" in answer.text


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_figures_of_page_and_workbook_agree(cases, reader):
    browser = reader(AUXILIAR)

    page = browser.get(PAGE)
    rows, _lines, cover = exported(browser)

    assert re.findall(r"<strong>(\d+)</strong>", page.text)[:4] == ["4", "1", "1", "2"]
    assert len(rows) == 4
    assert cover[-10:-3] == [4, 1, 1, 0, 2, 2, 50]
    assert "50,0 %" in page.text or "50.0 %" in page.text or "50 %" in page.text


# ── Who sees what ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_sees_and_exports_only_what_his_processes_hold_or_held(cases, reader):
    browser = reader(DUENO, "FACTURACION")

    page = browser.get(PAGE)
    rows, lines, cover = exported(browser)

    mine = [cases[0].number, cases[1].number]
    assert sorted(numbers(page)) == mine
    assert [row[0] for row in rows] == [line[0] for line in lines] == mine
    assert 2 in cover and 4 not in cover


def test_the_cover_of_an_owner_says_that_his_rights_leave_cases_out(cases, reader):
    from flask_babel import gettext as _

    _rows, _lines, cover = exported(reader(DUENO, "FACTURACION"))

    assert _("Only the cases of the reader's own processes") in cover


def test_a_reserved_identity_stays_hidden_from_the_process_at_every_door(cases, reader):
    browser = reader(DUENO, "TECNICA")

    rows, lines, _cover = exported(browser)

    assert [row[0] for row in rows] == [cases[2].number]
    for shown in (browser.get(PAGE).text, str(rows), str(lines)):
        assert "Nombre Secreto" not in shown


def test_who_may_know_a_reserved_identity_reads_it(cases, reader):
    assert "Nombre Secreto" in reader(SUBGERENTE).get(PAGE).text


def test_text_of_citizens_is_no_formula_in_any_download(cases, reader):
    browser = reader(AUXILIAR)
    book = load_workbook(io.BytesIO(browser.get(f"{FILES}excel").data))
    _rows, lines, _cover = exported(browser)

    cell = next(cell for line in book.worksheets[1].iter_rows() for cell in line if cell.value == "@SUM(A1)")
    assert cell.data_type == "s"
    assert lines[1][3] == "'@SUM(A1)"


@pytest.mark.parametrize("path", [PAGE, f"{FILES}excel", f"{FILES}csv", f"{FILES}pdf"])
def test_without_the_right_there_is_no_control(cases, reader, path):
    assert reader(TECNICO).get(path).status_code == 403


@pytest.mark.parametrize("path", [PAGE, f"{FILES}excel", f"{FILES}csv", f"{FILES}pdf"])
def test_nobody_sees_it_without_signing_in(cases, client, path):
    answer = client.get(path)

    assert answer.status_code == 302
    assert "/login/" in answer.location


def test_a_download_is_kept_by_no_cache_and_says_its_length(cases, reader):
    answer = reader(AUXILIAR).get(f"{FILES}excel")

    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
