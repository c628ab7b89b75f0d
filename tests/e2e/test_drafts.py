"""What somebody types outlives an ended session, an expired form, a closed tab and a machine that stops; and nobody else reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Party
from app.security import AUXILIAR
from tests.e2e.conftest import becomes, press
from tests.factories import PASSWORD, Factory

TYPED = {"#name": "Rosalba Ficticia del Río", "#document_number": "52123456", "#address": "Calle 5 con carrera 9, casa de rejas verdes"}
READY = "body[data-drafts=ready]"
NOTICE = "form .draft"
KEPT = "form[data-kept]"
SAVE = "main form.card button.btn-go"


@pytest.fixture
def clerks(live_server: Any) -> list[str]:
    """The user names of two clerks who share a computer."""
    with live_server.session() as session:
        make = Factory(session)
        names = [make.user(AUXILIAR, first_name=name, last_name="Ficticia").username for name in ("Marcela", "Berta")]
        session.commit()
        return names


def enter(page: Any, name: str) -> None:
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def write(page: Any, name: str, address: str = "/party/add") -> None:
    """Sign in, type into a form as a person does, and wait until its draft is kept."""
    page.goto("/login/")
    enter(page, name)
    page.goto(address)
    page.wait_for_selector(READY)
    page.select_option("#document_type", "CC")
    for field, text in TYPED.items():
        page.locator(field).press_sequentially(text)
    page.wait_for_selector(KEPT)


def kept(page: Any) -> str:
    """Return all that this browser keeps."""
    return str(page.evaluate("JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})"))


def parties(live_server: Any) -> list[Any]:
    with live_server.session() as session:
        return list(session.scalars(select(Party)))


def lose_session(page: Any) -> None:
    page.context.clear_cookies()


def assert_given_back(page: Any) -> None:
    page.wait_for_selector(NOTICE)
    assert {field: page.input_value(field) for field in TYPED} == TYPED
    assert page.input_value("#document_type") == "CC"


def save(page: Any) -> None:
    page.click(SAVE)


def test_a_session_that_ended_costs_no_text_and_nothing_is_written_by_itself(live_server: Any, page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    lose_session(page)
    save(page)
    page.wait_for_selector("[data-kept-here]:not([hidden])")
    assert not page.locator("[data-kept-below]").first.is_visible()

    page.click("[data-kept-here] a")
    enter(page, clerks[0])
    assert page.url.endswith("/party/add")
    assert_given_back(page)
    assert parties(live_server) == []

    save(page)
    page.wait_for_url("**/party/show/*")
    page.wait_for_selector(READY)
    assert [party.address for party in parties(live_server)] == [TYPED["#address"]]
    assert "draft:" not in kept(page)


def test_without_script_the_page_itself_keeps_what_was_sent(live_server: Any, new_page: Callable[..., Any], clerks: list[str]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/login/")
    page.fill("#username", clerks[0])
    page.fill("#password", PASSWORD)
    press(page, "main button")
    page.goto("/party/add")
    page.select_option("#document_type", "CC")
    for field, text in TYPED.items():
        page.fill(field, text)
    lose_session(page)
    press(page, SAVE)
    assert TYPED["#address"] in page.inner_text("main")

    other = page.context.new_page()
    other.goto(page.get_attribute("[data-kept-below] a", "href"))
    other.fill("#username", clerks[0])
    other.fill("#password", PASSWORD)
    press(other, "main button")
    assert parties(live_server) == []
    page.click("main form button")
    page.wait_for_url("**/party/show/*")
    assert [party.address for party in parties(live_server)] == [TYPED["#address"]]


def test_a_form_that_expired_is_sent_again_at_a_press(live_server: Any, page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    live_server.app.config["WTF_CSRF_TIME_LIMIT"] = -1
    save(page)
    page.wait_for_selector(".prose.said")
    assert parties(live_server) == []

    live_server.app.config["WTF_CSRF_TIME_LIMIT"] = 3600
    page.click("main form button")
    page.wait_for_url("**/party/show/*")
    page.wait_for_selector(READY)
    assert len(parties(live_server)) == 1
    assert "draft:" not in kept(page)


def test_a_closed_tab_gives_back_what_was_typed_until_somebody_discards_it(page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    context = page.context
    page.close(run_before_unload=False)

    again = context.new_page()
    again.goto("/party/add")
    assert_given_back(again)
    again.click(f"{NOTICE} button")
    assert again.input_value("#name") == ""
    becomes(again, "document.activeElement.closest('form') !== null")
    again.reload()
    again.wait_for_selector(READY)
    assert again.locator(NOTICE).count() == 0


def test_who_leaves_by_cancel_leaves_nothing(page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    page.click("a[data-cancel]")
    page.wait_for_url("**/party/list/")

    assert "draft:" not in kept(page)


def test_what_is_kept_is_unreadable_and_never_given_to_the_next_person(page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    assert not [text for text in TYPED.values() if text in kept(page)]

    lose_session(page)
    save(page)
    page.wait_for_selector("[data-kept-here]:not([hidden])")
    page.goto("/login/?next=/party/add")
    enter(page, clerks[1])
    page.wait_for_selector(READY)
    assert page.locator(NOTICE).count() == 0
    assert page.input_value("#name") == ""

    page.locator("#name").press_sequentially("Otra persona")
    press(page, "a[data-cancel]")
    lose_session(page)
    page.goto("/login/?next=/party/add")
    enter(page, clerks[0])
    assert_given_back(page)


def test_signing_out_takes_the_drafts_away(page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    other = page.context.new_page()
    other.goto("/")
    other.locator("details.who summary").click()
    other.click("[data-sign-out]")
    other.wait_for_url("**/login/**")
    assert "draft:" not in kept(other)

    page.close(run_before_unload=False)
    other.goto("/login/?next=/party/add")
    enter(other, clerks[0])
    other.wait_for_selector(READY)
    assert other.locator(NOTICE).count() == 0


def test_two_tabs_with_the_same_form_keep_two_drafts(page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    other = page.context.new_page()
    other.goto("/party/add")
    other.wait_for_selector(READY)
    assert other.locator(NOTICE).count() == 0

    other.locator("#name").press_sequentially("La segunda")
    other.wait_for_selector(KEPT)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    assert_given_back(page)


def test_a_refusal_of_the_server_keeps_what_it_says_and_the_draft_goes_on(page: Any, clerks: list[str]) -> None:
    write(page, clerks[0])
    page.locator("#phone").press_sequentially("12")
    save(page)
    page.wait_for_selector("#phone-error")
    becomes(page, "document.activeElement.hasAttribute('data-errors')")
    page.wait_for_selector(READY)
    assert page.locator(NOTICE).count() == 0

    context = page.context
    page.close(run_before_unload=False)
    again = context.new_page()
    again.goto("/party/add")
    assert_given_back(again)
    assert again.input_value("#phone") == "12"
