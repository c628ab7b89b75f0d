"""The calendar in a browser: accessible on a phone and on a desk, and a whole change without any script."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.models import CalendarChange, Pqr
from app.security import ADMIN
from tests.e2e.conftest import press, sign_in
from tests.factories import Factory


@pytest.fixture
def admin(live_server) -> str:
    """The name of an administrator, with a case that 13 July 2026 moves."""
    with live_server.session() as session:
        make = Factory(session)
        name = make.user(ADMIN).username
        make.case(at="2026-07-10T10:00-05:00")
        session.commit()
    return name


PAGES = {
    "year": "/calendar/?year=2026",
    "correction": "/calendar/?correct=2026-07-13",
    "nobody's year": "/calendar/?year=2040",
    "refusal": "/calendar/preview?what=day&on=30/02/2026&kind=CLOSURE&name=&norm=",
    "preview": "/calendar/preview?what=remove&on=2026-07-13",
    "hours": "/calendar/preview?what=hours&working_week=1&working_week=6&closes_at=16:00",
}


@pytest.mark.parametrize(
    ("screen", "scheme"), [({"width": 360, "height": 740}, "dark"), ({"width": 1366, "height": 900}, "light")], ids=["phone", "desk"]
)
def test_the_calendar_pages_are_accessible_and_fit(live_server, admin, new_page, assert_accessible, screen, scheme):
    page = sign_in(new_page(viewport=screen, color_scheme=scheme), admin)
    for url in PAGES.values():
        page.goto(url)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"], url


def test_an_administrator_changes_the_calendar_without_any_script(live_server, admin, new_page):
    page = sign_in(new_page(java_script_enabled=False), admin)
    page.goto("/calendar/?year=2026")
    press(page, 'a[href*="what=remove"][href*="2026-07-13"]')
    preview = page.inner_text("main")
    assert "04/08/2026" in preview and "03/08/2026" in preview

    page.fill("#reason", "La Corte suspendió la Ley 2578 de 2026")
    page.click("main form button.btn-go")
    page.wait_for_url("**/calendar/changes/*")

    assert "La Corte suspendió la Ley 2578 de 2026" in page.inner_text("main")
    with live_server.session() as session:
        assert session.scalars(select(Pqr.due_on)).one() == date(2026, 8, 3)
        assert session.scalars(select(CalendarChange)).one().actor.username == admin
