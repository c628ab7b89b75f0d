"""The charts in a browser: read by machines and people, walked with the keyboard, on paper too."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask.sessions import SecureCookieSessionInterface

from app.domain.states import Outcome
from app.operations import pqr as operations
from tests.factories import Factory

CASES, ACCOUNTS = "/charts/cases/", "/charts/accounts/"
PAGES = (
    CASES, f"{CASES}?chart=by-status", f"{CASES}?chart=by-month", f"{CASES}?chart=in-time", f"{CASES}?q=nadie-se-llama-asi",
    f"{CASES}?chart=by-channel&facet=filed_on", ACCOUNTS, f"{ACCOUNTS}?chart=by-use",
)  # fmt: skip


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


@pytest.fixture
def signed_in(live_server):
    """A clerk's cookie, on a house with answered, late and new cases, and accounts."""
    with live_server.session() as session:
        make = Factory(session)
        user_id = make.user("Auxiliar PQR").id
        for month in range(1, 7):
            for n in range(month):
                pqr = make.case(instant(f"2026-{month:02}-0{n + 2}"))
                process = make.process("FACTURACION" if n % 2 else "TECNICA")
                operations.route(session, pqr, process, "Revisar", at=pqr.filed_at, actor_id=None)
                if n != 1:
                    at = instant(f"2026-{month:02}-{12 if n else 28}")
                    operations.solve(session, pqr, "Se revisó", Outcome.GRANTED, at=at, actor_id=None)
                    operations.mark_answered(session, pqr, at=at, actor_id=None)
        for stratum in (1, 2, 2, 3, None):
            make.account(stratum=stratum)
        session.commit()
    serializer = SecureCookieSessionInterface().get_signing_serializer(live_server.app)
    return {"name": "session", "value": serializer.dumps({"_user_id": str(user_id), "_fresh": True}), "url": live_server.url}


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("dark", 360), ("light", 3840)])
def test_the_charts_are_readable_for_everyone(signed_in, new_page, assert_accessible, theme, width):
    page = new_page(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce")
    page.context.add_cookies([signed_in])

    for address in PAGES:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert_accessible(page)
        shown = page.locator("svg.chart:visible")
        if "nadie" not in address:
            assert shown.count() == 1
            assert ("narrow" if width < 600 else "wide") in shown.get_attribute("class")
            box = shown.bounding_box()
            assert box["width"] <= width
            letters = page.evaluate(
                "svg => parseFloat(getComputedStyle(svg.querySelector('text') || svg).fontSize) * svg.getBoundingClientRect().width"
                " / svg.viewBox.baseVal.width",
                shown.element_handle(),
            )
            assert letters >= 10, "letters that can be read"


def test_a_bar_is_reached_and_followed_with_the_keyboard(signed_in, page):
    page.context.add_cookies([signed_in])
    page.goto(CASES)
    first = page.locator("svg.chart.wide a").first
    says = first.get_attribute("aria-label")

    page.locator(".chart-tabs a").last.focus()
    for _ in range(25):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('svg.chart') !== null"):
            break
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == says, "the largest comes first"
    before = first.locator("rect").evaluate("bar => getComputedStyle(bar).stroke + getComputedStyle(bar).strokeWidth")
    page.keyboard.press("Tab")
    after = first.locator("rect").evaluate("bar => getComputedStyle(bar).stroke + getComputedStyle(bar).strokeWidth")
    assert before != after, "who walks with the keyboard sees where he is"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pqr/?process=*")
    assert page.locator("tbody tr").count() == int(says.rpartition(": ")[2])


def test_a_chart_is_printed_in_ink_with_its_weaves(signed_in, page):
    page.context.add_cookies([signed_in])
    page.goto(f"{CASES}?chart=in-time")
    page.emulate_media(media="print", color_scheme="dark")

    assert page.locator("svg.chart:visible").count() == 1
    assert page.locator(".table-wrap").is_visible()
    fills = page.locator("svg.chart:visible .rect").evaluate_all("bars => [...new Set(bars.map(bar => getComputedStyle(bar).fill))]")
    assert len(fills) >= 2, "series that black ink tells apart"
    assert any("url(" in fill for fill in fills)


def test_another_chart_and_another_period_keep_the_filter(signed_in, page):
    page.context.add_cookies([signed_in])
    page.goto(f"{CASES}?filed_on=2026-03-01..")
    total = page.locator("tfoot td").inner_text()

    page.click(".chart-tabs a[href*=in-time]")
    page.wait_for_url("**chart=in-time**")
    assert page.locator("tfoot td").last.inner_text() == total == "18"
    page.click(".plot-box .chip[href*='period=year']")
    page.wait_for_url("**period=year**")
    assert page.locator("tfoot td").last.inner_text() == total
    assert "filed_on=2026-03-01.." in page.url
