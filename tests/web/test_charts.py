"""The charts of the cases and accounts: what they count, for whom, where their numbers lead, and that their files say the same."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import datetime
from html import unescape

import pytest
from openpyxl import load_workbook

from app.domain.states import Identity, Outcome
from app.models import Process, SuiCause
from app.operations import pqr as operations
from tests.databases import statements_of

CASES, ACCOUNTS = "/charts/cases/", "/charts/accounts/"
AUXILIAR, DUENO, CALIDAD = "Auxiliar PQR", "Dueño de proceso", "Calidad"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


@pytest.fixture
def cases(seeded, make):
    """Of Facturación: answered in time, and late (in another month). Of Técnica: reserved, in term. At the desk: one, named hostilely."""
    causes = seeded.query(SuiCause).order_by(SuiCause.id).limit(2).all()

    def case(filed, process=None, answered=None, cause=None, **fields):
        pqr = make.case(instant(filed), **fields)
        pqr.cause = cause
        if process:
            operations.route(seeded, pqr, make.process(process), "Revisar", at=instant(filed, 11), actor_id=None)
        if answered:
            operations.solve(seeded, pqr, "Se revisó", Outcome.GRANTED, at=instant(answered), actor_id=None)
            operations.mark_answered(seeded, pqr, at=instant(answered, 11), actor_id=None)
        return pqr

    made = [
        case("2026-05-29", "FACTURACION", "2026-06-10", causes[0] if causes else None),
        case("2026-06-02", "FACTURACION", "2026-07-02", causes[0] if causes else None),
        case("2026-07-01", "TECNICA", identity=Identity.RESERVED, party=make.party(name="Nombre Secreto")),
        case("2026-07-02"),
    ]
    seeded.commit()
    return made


def table(page):
    """Return the rows of the table as texts, and every (text, address) of its links; the total is the last row."""
    html = re.search(r'<table class="numbers">.*?</table>', page.text, re.S)[0]
    body = html.partition("<tbody>")[2]
    rows = [
        [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr>.*?</tr>", body, re.S)
    ]
    links = [(unescape(text), unescape(address)) for address, text in re.findall(r'<a href="([^"]+)">([^<]+)</a>', body)]
    return rows, links


def n_rows(browser, address):
    """Return how many rows the list at *address* has."""
    page = browser.get(address)
    assert page.status_code == 200, address
    found = re.search(r'id="n-found">\s*([\d.]+)', page.text)
    return int(found[1].replace(".", "")) if found else 0


# ── What is counted ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_number_of_every_chart_leads_to_exactly_its_rows(cases, reader, app):
    browser = reader(AUXILIAR)
    charts = next(view for view in app.appbuilder.baseviews if type(view).__name__ == "CaseChartView").charts
    assert len(charts) == 8

    for chart in charts:
        page = browser.get(f"{CASES}?chart={chart.name}")
        rows, links = table(page)
        assert page.status_code == 200
        assert links, chart.name
        for text, address in links:
            assert n_rows(browser, address) == int(text), (chart.name, address)
        drawn = {unescape(address) for address in re.findall(r'<a href="([^"]+)" aria-label', page.text)}
        assert drawn <= {address for _text, address in links}
        if chart.name != "by-month":
            assert rows[-1][-1] == "4", chart.name


def test_cases_are_counted_by_process_the_largest_first(cases, reader, seeded, make):
    rows, links = table(reader(AUXILIAR).get(CASES))
    answered = seeded.get(Process, cases[0].process_id).name

    assert Counter(int(row[1]) for row in rows[:-1]) == Counter(Counter(pqr.process_id for pqr in cases).values())
    assert [int(row[1]) for row in rows] == [*sorted((int(row[1]) for row in rows[:-1]), reverse=True), 4]
    assert answered in {row[0] for row in rows}
    assert ("4", "/pqr/") in links


def test_filed_and_answered_share_a_line_of_months(cases, reader):
    rows, links = table(reader(AUXILIAR).get(f"{CASES}?chart=by-month"))

    assert rows == [["may 2026", "1", "0"], ["jun 2026", "1", "1"], ["jul 2026", "2", "1"], ["Total", "4", "2"]]
    assert ("2", "/pqr/?filed_on=2026-07-01..2026-07-31") in links
    assert ("1", "/pqr/?answered_on=2026-06-01..2026-06-30") in links


def test_periods_may_be_days_months_or_years(cases, reader):
    browser = reader(AUXILIAR)

    assert [row[0] for row in table(browser.get(f"{CASES}?chart=by-month&period=year"))[0]] == ["2026", "Total"]
    assert len(table(browser.get(f"{CASES}?chart=by-month&period=day"))[0]) == 36, "from 29 May to 2 July, empty days too"
    assert table(browser.get(f"{CASES}?chart=by-month&period=decade"))[0][0][0] == "may 2026"


def test_in_time_and_late_stack_up_to_all(cases, reader):
    page = reader(AUXILIAR).get(f"{CASES}?chart=in-time")
    rows, links = table(page)
    heads = re.findall(r'class="right">([^<]+)</th>', page.text.partition("<thead>")[2].partition("</thead>")[0])

    assert len(heads) == 4
    assert rows == [["may 2026", "1", "0", "0", "1"], ["jun 2026", "0", "1", "0", "1"], ["jul 2026", "0", "0", "2", "2"],
                    ["Total", "1", "1", "2", "4"]]  # fmt: skip
    assert ("2", "/pqr/?filed_on=2026-07-01..2026-07-31&timeliness=RUNNING") in links
    assert page.text.count('class="plot-key"') == 1


def test_what_narrows_the_list_narrows_its_charts_and_stays_in_every_address(cases, reader):
    browser = reader(AUXILIAR)
    process = cases[2].process_id
    page = browser.get(f"{CASES}?chart=by-month&process={process}&filed_on=2026-06-15..2026-07-01")
    rows, links = table(page)

    assert rows == [["jul 2026", "1", "0"], ["Total", "1", "0"]]
    assert ("1", f"/pqr/?process={process}&filed_on=2026-07-01..2026-07-01") in links, "inside the period that was asked for"
    assert f'href="/pqr/?process={process}&amp;filed_on=2026-06-15..2026-07-01"' in page.text, "the way to the list"
    assert "chart=by-status" in page.text
    for address in re.findall(r'<nav class="chart-tabs".*?</nav>', page.text, re.S):
        assert address.count(f"process={process}") == 8


def test_the_search_box_narrows_a_chart(cases, reader):
    browser = reader(AUXILIAR)

    assert table(browser.get(f"{CASES}?q={cases[3].number}"))[0][-1] == ["Total", "1"]
    assert "plot-box" not in browser.get(f"{CASES}?q=jamas-se-escribio").text


def test_a_preset_of_the_list_bounds_its_months(cases, reader):
    links = table(reader(AUXILIAR).get(f"{CASES}?chart=in-time&period=year&filed_on=month"))[1]

    assert ("2", "/pqr/?filed_on=2026-07-01..2026-07-31&timeliness=RUNNING") in links


def test_the_panel_of_a_filter_leads_back_to_the_chart(cases, reader):
    browser = reader(AUXILIAR)
    panel = browser.get(f"{CASES}?chart=by-channel&facet=filed_on")
    taken = browser.get(f"{CASES}?chart=by-channel&set=filed_on&since=2026-07-01&until=2026-07-31")
    wrong = browser.get(f"{CASES}?chart=by-channel&set=filed_on&since=2026-08-01&until=2026-07-31")

    assert f'action="{CASES}"' in panel.text
    assert taken.status_code == 302
    assert taken.headers["Location"].endswith(f"{CASES}?chart=by-channel&filed_on=2026-07-01..2026-07-31")
    assert wrong.status_code == 200
    assert "panel-problem" in wrong.text


# ── For whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_counts_only_the_cases_of_his_processes(cases, reader):
    browser = reader(DUENO, process="TECNICA")

    assert table(browser.get(CASES))[0][-1] == ["Total", "1"]
    assert [row[-1] for row in table(browser.get(f"{CASES}?chart=by-month"))[0]] == ["0", "0"]
    assert len(rows_of_csv(browser, CASES)) == 1


def test_the_cases_of_one_person_do_not_tell_which_were_reserved(cases, reader):
    """Calidad may not see who hides: counting the cases of a person must not tell either."""
    party = cases[2].party_id

    assert "plot-box" not in reader(CALIDAD).get(f"{CASES}?party={party}").text
    assert table(reader(AUXILIAR).get(f"{CASES}?party={party}"))[0][-1] == ["Total", "1"]


def test_a_chart_that_does_not_exist_is_not_found(cases, reader):
    assert reader(AUXILIAR).get(f"{CASES}?chart=by-nothing").status_code == 404


# ── Many, none, hostile ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_with_markup_is_only_a_name(cases, reader, seeded):
    process = seeded.get(Process, cases[0].process_id)
    process.name = '<script>alert("1")</script>%(n)s'
    seeded.commit()
    page = reader(AUXILIAR).get(CASES)

    assert "<script>alert" not in page.text
    assert table(page)[0][0][0] == '<script>alert("1")</script>%(n)s'


def test_many_groups_become_the_largest_and_the_others(seeded, make, reader, app):
    """Thirty processes: twelve stand alone, eighteen are one line, which leads to all of theirs."""
    for n in range(30):
        process = Process(code=f"P{n}", name=f"Proceso {n:02}")
        seeded.add(process)
        for _ in range(3 if n < 12 else 1):
            operations.route(seeded, make.case(), process, "Va", at=instant("2026-07-10", 11), actor_id=None)
    seeded.commit()
    browser = reader(AUXILIAR)
    rows, links = table(browser.get(CASES))

    assert len(rows) == 12 + 2
    assert rows[-2][1:] == ["18"]
    assert rows[-1][1:] == ["54"]
    (address,) = {address for text, address in links if text == "18"}
    assert n_rows(browser, address) == 18
    assert len(rows_of_csv(browser, CASES)) == 30, "a file has every group"


def test_without_rows_a_chart_says_so(seeded, reader):
    page = reader(AUXILIAR).get(CASES)

    assert page.status_code == 200
    assert '<svg class="chart' not in page.text
    assert "/excel" not in page.text


def test_a_chart_costs_eight_statements_at_most(cases, reader, app):
    browser = reader(AUXILIAR)
    for address in (CASES, f"{CASES}?chart=by-cause&light=late,soon&process={cases[0].process_id}", f"{CASES}?chart=in-time"):
        browser.get(address)
        with statements_of(engine_of(app)) as statements:
            assert browser.get(address).status_code == 200
        assert len(statements) <= 8, "\n".join(statements)
        assert sum("GROUP BY" in statement for statement in statements) == 1


def engine_of(app):
    from app.extensions import db

    with app.app_context():
        return db.engine


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of_csv(browser, page, query=""):
    text = browser.get(f"{page}csv{query}").data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:]


@pytest.mark.parametrize("chart", ["by-process", "by-cause", "by-month", "in-time"])
def test_the_files_have_the_numbers_of_the_table(cases, reader, chart):
    browser = reader(AUXILIAR)
    rows, _links = table(browser.get(f"{CASES}?chart={chart}"))
    answer = browser.get(f"{CASES}excel?chart={chart}")
    book = load_workbook(io.BytesIO(answer.data))
    lines = [[cell.value for cell in line] for line in book.worksheets[1].iter_rows(min_row=2)]
    cover = [str(line[1].value) for line in book.worksheets[0].iter_rows(max_col=2)]

    assert re.search(r'filename="?[a-z-]+-2026-07-10\.xlsx', answer.headers["Content-Disposition"])
    assert [line[1:] for line in lines] == [[int(cell) for cell in row[1:]] for row in rows[:-1]]
    assert all(isinstance(line[0], datetime) for line in lines) == (chart in ("by-month", "in-time"))
    assert sum("Total" in words for words in cover) == len(rows[0]) - 1
    assert [row[1:] for row in rows_of_csv(browser, CASES, f"?chart={chart}")] == [row[1:] for row in rows[:-1]]


# ── Declared in a few lines ───────────────────────────────────────────────────────────────────────────────────────────────


def test_accounts_are_counted_by_stratum_in_its_order_and_by_use_as_a_pie(seeded, make, reader):
    for stratum in (2, 2, 1, None):
        make.account(stratum=stratum)
    browser = reader(AUXILIAR)
    rows, links = table(browser.get(ACCOUNTS))
    pie = browser.get(f"{ACCOUNTS}?chart=by-use")

    assert [row[1] for row in rows] == ["1", "2", "1", "4"]
    assert [row[0] for row in rows[:2]] == ["1", "2"]
    assert ("2", "/account/list/?stratum=2") in links
    assert n_rows(browser, "/account/list/?stratum=2") == 2
    assert 'class="slice"' in pie.text
    assert ("4", "/account/list/?use=RESIDENTIAL") in table(pie)[1]


@pytest.mark.one_engine
def test_a_chart_screen_is_declared_in_fifteen_lines():
    import inspect

    from app.screens.parties import AccountChartView

    assert len(inspect.getsource(AccountChartView).splitlines()) <= 15
