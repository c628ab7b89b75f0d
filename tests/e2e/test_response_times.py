"""R10-01-01 in a browser: read by machines and people, on a desk and on a phone, by day and by night."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from flask.sessions import SecureCookieSessionInterface
from openpyxl import load_workbook

from app.domain.states import Outcome
from app.operations import pqr as operations
from tests.factories import Factory

PAGE = "/reports/response-times/"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


@pytest.fixture
def signed_in(live_server):
    """A clerk's cookie, on a house with an answered, a late and a new case."""
    with live_server.session() as session:
        make = Factory(session)
        user_id = make.user("Auxiliar PQR").id
        for filed, answered in (("2026-06-01", "2026-06-10"), ("2026-06-02", "2026-07-02"), ("2026-07-09", None)):
            pqr = make.case(instant(filed), party=make.party(name="=1+1 de nombre"))
            if answered:
                operations.route(session, pqr, make.process("FACTURACION"), "Revisar", at=instant(filed, 11), actor_id=None)
                operations.solve(session, pqr, "Se revisó", Outcome.GRANTED, at=instant(answered), actor_id=None)
                operations.mark_answered(session, pqr, at=instant(answered, 11), actor_id=None)
        session.commit()
    serializer = SecureCookieSessionInterface().get_signing_serializer(live_server.app)
    return {"name": "session", "value": serializer.dumps({"_user_id": str(user_id), "_fresh": True}), "url": live_server.url}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_control_is_readable_for_everyone(signed_in, new_page, assert_accessible, theme, width):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
    page.context.add_cookies([signed_in])

    page.goto(PAGE)

    assert page.locator("tbody tr").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
    region = page.locator("[role=region]")
    region.focus()
    page.keyboard.press("ArrowRight")
    region.evaluate("part => new Promise(done => part.scrollLeft > 0 ? done() : part.addEventListener('scroll', done, {once: true}))")


def test_the_workbook_has_the_rows_of_the_filter(signed_in, page, tmp_path):
    page.context.add_cookies([signed_in])
    page.goto(PAGE)
    page.select_option("#in_time", "LATE")
    page.click("main form button[type=submit]")
    page.wait_for_url("**in_time=LATE**")

    with page.expect_download() as started:
        page.click("text=Excel")
    made = Path(tmp_path) / started.value.suggested_filename
    started.value.save_as(made)

    sheet = load_workbook(made).worksheets[1]
    assert made.name == "R10-01-01-2026-07-10.xlsx"
    assert [line[0].value for line in sheet.iter_rows(min_row=2)] == page.locator("tbody th a").all_inner_texts() == ["PQR-2026-000002"]
