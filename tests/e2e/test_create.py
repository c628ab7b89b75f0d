"""A row that is missing is added from within another form: the dialog, its refusals, the session that ends meanwhile, no script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Account, Municipality, Party, Service
from app.security import AUXILIAR
from tests.e2e.conftest import becomes
from tests.e2e.test_drafts import enter
from tests.factories import PASSWORD, Factory

DIALOG = "dialog.sheet[open]"


@pytest.fixture
def clerk(live_server: Any) -> str:
    with live_server.session() as session:
        name = Factory(session).user(AUXILIAR).username
        session.commit()
    return name


def open_account(page: Any, clerk: str) -> None:
    page.goto("/login/?next=/account/add")
    enter(page, clerk)
    page.fill("#number", "900-1")
    page.fill("#address", "Calle 1")


def open_dialog(page: Any, typed: str) -> None:
    page.fill("#party", typed)
    page.click("a[data-create]")
    page.wait_for_selector(DIALOG)


def save(page: Any) -> None:
    page.click(f"{DIALOG} button.btn-go")


def test_a_party_is_added_without_leaving_its_account(
    live_server: Any, page: Any, clerk: str, assert_accessible: Callable[[Any], None]
) -> None:
    open_account(page, clerk)
    open_dialog(page, "Rosalba Ficticia")
    assert page.input_value("#new-name") == "Rosalba Ficticia"
    assert_accessible(page)

    page.fill("#new-phone", "12")
    save(page)
    page.wait_for_selector("#new-phone-error")
    becomes(page, "document.activeElement.hasAttribute('data-errors')")
    assert page.input_value("#new-name") == "Rosalba Ficticia"
    assert_accessible(page)

    page.fill("#new-phone", "3001234567")
    page.locator("#new-municipality").press_sequentially("medell")
    page.wait_for_selector("#new-municipality-options [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    save(page)
    page.wait_for_selector(DIALOG, state="detached")
    assert page.input_value("#party").startswith("Rosalba Ficticia · #")
    becomes(page, "document.activeElement.id", "party")
    assert page.input_value("#number") == "900-1"

    with live_server.session() as session:
        city, service = session.scalars(select(Municipality.code)).first(), session.scalars(select(Service.id)).first()
    page.fill("#municipality", city)
    page.select_option("#service", str(service))
    page.click("main form button.btn-go")
    page.wait_for_url("**/account/show/*")
    with live_server.session() as session:
        assert session.scalars(select(Account)).one().party.phone == "+573001234567"


def test_a_number_typed_so_far_goes_to_the_document(page: Any, clerk: str) -> None:
    open_account(page, clerk)
    open_dialog(page, "52.123.456")

    assert (page.input_value("#new-name"), page.input_value("#new-document_number")) == ("", "52.123.456")


def test_a_closed_dialog_keeps_what_was_typed_there(page: Any, clerk: str) -> None:
    open_account(page, clerk)
    open_dialog(page, "Rosalba")
    page.fill("#new-address", "Calle 5")
    page.keyboard.press("Escape")
    becomes(page, "document.activeElement.id", "party")
    page.click("a[data-create]")

    assert page.input_value("#new-address") == "Calle 5"


def test_a_session_that_ends_in_the_dialog_costs_no_text(live_server: Any, page: Any, clerk: str) -> None:
    open_account(page, clerk)
    open_dialog(page, "Rosalba Ficticia")
    page.context.clear_cookies()
    save(page)
    page.wait_for_selector(f"{DIALOG} [data-trouble]:not([hidden])")
    assert page.input_value("#new-name") == "Rosalba Ficticia"

    other = page.context.new_page()
    other.goto("/login/")
    enter(other, clerk)
    with live_server.session() as session:
        assert session.scalars(select(Party)).all() == []
    save(page)
    page.wait_for_selector(DIALOG, state="detached")
    with live_server.session() as session:
        assert session.scalars(select(Party)).one().name == "Rosalba Ficticia"


def test_an_account_is_added_from_the_registration_of_a_case(live_server: Any, page: Any, clerk: str) -> None:
    with live_server.session() as session:
        city, service = session.scalars(select(Municipality.code)).first(), session.scalars(select(Service.id)).first()
    page.goto("/login/?next=/pqr/register")
    enter(page, clerk)
    page.fill("#account_number", "104220187")
    page.click("a[data-create]")
    page.wait_for_selector(DIALOG)
    assert page.input_value("#new-number") == "104220187"
    page.fill("#new-address", "Calle 5")
    page.fill("#new-municipality", city)
    page.select_option("#new-service", str(service))
    page.click(f"{DIALOG} a.create >> nth=0", trial=True)  # the customer is added in another tab: one dialog at a time
    with live_server.session() as session:
        party = Factory(session).party(name="Rosalba Ficticia")
        session.commit()
        text = f"#{party.id}"
    page.fill("#new-party", text)
    save(page)
    page.wait_for_selector(DIALOG, state="detached")

    assert page.input_value("#account_number").startswith("104220187 · ")


def test_without_script_a_link_opens_the_page_in_another_tab(new_page: Callable[..., Any], clerk: str) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/login/?next=/account/add")
    page.fill("#username", clerk)
    page.fill("#password", PASSWORD)
    page.click("main button")
    with page.context.expect_page() as opened:
        page.click("a.create")
    opened.value.wait_for_load_state()

    assert opened.value.url.endswith("/party/add")
    assert opened.value.locator("html main form").count() == 1
