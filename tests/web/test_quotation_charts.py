"""The charts of quotations: what they count, and that every number leads to exactly its rows."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape

import pytest
from flask_appbuilder.models.group import aggregate_count

from app.domain.quotations import LossReason, QuoteLine
from app.operations import quotations
from app.security import COMERCIAL
from tests.web.test_charts import n_rows, table

CHARTS = "/charts/quotations/"


@pytest.fixture
def offers(seeded, make):
    """Today is 10 July 2026. Nine quotations, of 100,000 to 900,000 pesos without IVA, in every state."""
    seller, n = make.user("Comercial", first_name="Ana", last_name="Vende"), iter(range(1, 20))

    def offer(sent: date | None, requested: date, **more):
        lines = [QuoteLine("Análisis", Decimal(1), "mes", Decimal(100_000 * next(n)), Decimal(0))]
        said = {"requested_on": requested, "sent_on": sent, "lines": lines, **more}
        return make.quotation("SENT" if sent else "DRAFT", **said)

    def instant(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)

    offer(date(2026, 7, 8), date(2026, 7, 1), responsible=seller)  # waits 2 days: 100,000
    offer(date(2026, 6, 20), date(2026, 6, 16), responsible=seller, validity_days=60)  # 20 days: 200,000
    offer(date(2026, 4, 1), date(2026, 3, 30), validity_days=200)  # 100 days: 300,000
    won = offer(date(2026, 5, 4), date(2026, 4, 30))
    quotations.accept_quotation(seeded, won, on=date(2026, 5, 20), note="OC 1", at=instant(date(2026, 5, 20)), actor_id=None)
    for day, reason in ((date(2026, 5, 22), LossReason.PRICE), (date(2026, 6, 3), LossReason.PRICE), (date(2026, 6, 4), LossReason.TERM)):
        lost = offer(date(2026, 5, 5), date(2026, 5, 4))
        quotations.reject_quotation(seeded, lost, on=day, reason=reason, note="", at=instant(day), actor_id=None)
    lapsed = offer(date(2026, 6, 1), date(2026, 5, 28), validity_days=5)
    quotations.expire_quotation(seeded, lapsed, at=instant(date(2026, 6, 8)))
    offer(None, date(2026, 7, 9))
    seeded.commit()
    return seller


def test_every_number_of_every_chart_leads_to_exactly_its_rows(offers, reader, app):
    browser = reader(COMERCIAL)
    charts = next(view for view in app.appbuilder.baseviews if type(view).__name__ == "QuotationChartView").charts

    for chart in charts:
        page = browser.get(f"{CHARTS}?chart={chart.name}")
        _rows, links = table(page)
        assert page.status_code == 200 and links, chart.name
        if chart.measures[0].aggregate is aggregate_count:
            for text, address in links:
                assert n_rows(browser, address) == int(text), (chart.name, address)
        drawn = {unescape(address) for address in re.findall(r'<a href="([^"]+)" aria-label', page.text)}
        assert drawn <= {address for _text, address in links}, chart.name


def test_sent_by_month_stacks_the_states(offers, reader):
    rows, links = table(reader(COMERCIAL).get(f"{CHARTS}?chart=by-month"))

    assert [row[0] for row in rows] == ["abr 2026", "may 2026", "jun 2026", "jul 2026", "Total"]
    assert rows[-1][-1] == "8", "a draft was not sent in any month"
    assert ("1", "/quotation/list/?sent_on=2026-05-01..2026-05-31&status=ACCEPTED") in links


def test_what_waits_is_counted_by_its_age(offers, reader):
    browser = reader(COMERCIAL)
    rows, links = table(browser.get(f"{CHARTS}?chart=by-ageing"))

    assert [row[1] for row in rows] == ["1", "1", "1", "3"]
    assert links[-1] == ("3", "/quotation/list/?ageing=0,1,2,3,4")
    narrowed, links = table(browser.get(f"{CHARTS}?chart=by-ageing&ageing=2"))
    assert [row[1] for row in narrowed] == ["1", "1"] and links[-1] == ("1", "/quotation/list/?ageing=2")


def test_value_in_play_adds_up_what_waits(offers, reader):
    browser = reader(COMERCIAL)
    by_month, links = table(browser.get(f"{CHARTS}?chart=value"))
    by_person, _links = table(browser.get(f"{CHARTS}?chart=value-by-person"))

    assert by_month[-1] == ["Total", "$ 600.000"]
    assert n_rows(browser, links[-1][1]) == 3
    assert sorted(row[1] for row in by_person) == ["$ 300.000", "$ 300.000", "$ 600.000"]
    assert "Ana Vende" in {row[0] for row in by_person}


def test_the_win_rate_is_of_what_ended_in_each_month(offers, reader):
    browser = reader(COMERCIAL)
    rows, links = table(browser.get(f"{CHARTS}?chart=win-rate"))

    assert rows == [["may 2026", "50"], ["jun 2026", "0"], ["Total", "20"]]
    assert [(text, n_rows(browser, address)) for text, address in links] == [("50", 2), ("0", 3), ("20", 5)]


def test_a_filter_of_the_reader_narrows_what_a_chart_is_only_about(offers, reader):
    browser = reader(COMERCIAL)

    assert "plot-box" not in browser.get(f"{CHARTS}?chart=losses&status=SENT").text
    rows, _links = table(browser.get(f"{CHARTS}?chart=outcomes&status=REJECTED"))
    assert rows[-1] == ["Total", "3"]


def test_the_working_days_to_quote_are_averaged_and_counted(offers, reader):
    browser = reader(COMERCIAL)
    rows, links = table(browser.get(f"{CHARTS}?chart=time"))
    days, _links = table(browser.get(f"{CHARTS}?chart=days"))

    assert rows[-2] == ["jul 2026", "5"]
    assert [row[0] for row in days[:-1]] == sorted((row[0] for row in days[:-1]), key=int)
    assert days[-1] == ["Total", "8"]
    assert n_rows(browser, links[-1][1]) == 8


def test_reasons_of_loss_by_number_and_by_value(offers, reader):
    browser = reader(COMERCIAL)
    rows, links = table(browser.get(f"{CHARTS}?chart=losses"))
    value, _links = table(browser.get(f"{CHARTS}?chart=value-lost"))

    assert [row[1] for row in rows] == ["2", "1", "3"]
    assert links[0] == ("2", "/quotation/list/?status=REJECTED&loss_reason=PRICE")
    assert [row[1] for row in value] == ["$ 1.100.000", "$ 700.000", "$ 1.800.000"]


def test_the_files_say_what_the_page_says(offers, reader):
    browser = reader(COMERCIAL)
    text = browser.get(f"{CHARTS}csv?chart=losses").data.decode("utf-8-sig")

    assert [line.split(";")[-1] for line in text.splitlines()][-2:] == ["2", "1"]
    assert browser.get(f"{CHARTS}excel?chart=win-rate").data[:2] == b"PK"
