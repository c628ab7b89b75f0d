"""The staff's pages can be used by everybody: axe finds nothing, in light and dark, on a screen and on a telephone; nothing overflows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import PASSWORD, Factory

PAGES = (
    "/", "/party/list/", "/party/list/?q=nadie", "/account/add", "/term/list/", "/term/edit/1", "/organisation/edit/1", "/process/show/1",
    "/changelog/show/1", "/users/add", "/users/userinfo/", "/roles/add", "/resetmypassword/form", "/there/is/nothing",
)  # fmt: skip
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def an_administrator(live_server: Any) -> Any:
    """The user name of an administrator, on a house with two cases, a party and its account."""
    with live_server.session() as session:
        make = Factory(session)
        user = make.user("Admin", first_name="Ada", last_name="Ministra")
        party = make.party(name="Rosalba Ficticia")
        make.account(party_id=party.id)
        make.case(party=party)
        make.case(at="2026-06-01T10:00-05:00")
        session.commit()
        return user.username, party.id


def sign_in(page: Any, name: str) -> None:
    page.goto("/login/")
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/")


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_every_kind_of_page_is_clean(
    new_page: Callable[..., Any], assert_accessible: Callable[[Any], None], an_administrator: Any, scheme: str, width: int
) -> None:
    name, party_id = an_administrator
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page.goto("/login/")
    assert_accessible(page)
    sign_in(page, name)
    for address in (*PAGES, f"/party/show/{party_id}", f"/party/edit/{party_id}"):
        page.goto(address)
        assert_accessible(page)
        assert not page.evaluate(TOO_WIDE), f"{address} scrolls sideways at {width}"

    page.goto("/party/add")
    page.fill("#phone", "12")
    page.locator("main button").last.click()
    page.wait_for_selector("#phone-error")
    assert_accessible(page)


def test_the_search_box_answers_to_a_slash_and_the_theme_stays_chosen(new_page: Callable[..., Any], an_administrator: Any) -> None:
    page = new_page(color_scheme="light")
    sign_in(page, an_administrator[0])

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"

    page.locator("summary").first.click()
    page.locator("[data-theme-to=dark]").click()
    page.goto("/party/list/")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_on_a_telephone_the_rooms_open_from_a_button_and_close_with_escape(new_page: Callable[..., Any], an_administrator: Any) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    sign_in(page, an_administrator[0])
    rooms = page.locator("#rooms")

    assert not rooms.is_visible()
    page.locator("button[popovertarget=rooms]").click()
    assert rooms.is_visible()
    page.keyboard.press("Escape")
    assert not rooms.is_visible()


def test_a_relation_is_chosen_with_the_keyboard_alone(live_server: Any, new_page: Callable[..., Any], an_administrator: Any) -> None:
    from app.models import Account, Municipality, Service

    name, party_id = an_administrator
    page = new_page()
    sign_in(page, name)
    page.goto("/account/add")
    with live_server.session() as session:
        service, city = session.scalars(select(Service.id)).first(), session.scalars(select(Municipality.code)).first()

    page.fill("#number", "900-1")
    page.select_option("#service", str(service))
    page.fill("#address", "Calle 1")
    page.fill("#municipality", city)
    page.locator("#party").press_sequentially("rosal")
    page.wait_for_selector("#party-options [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#party").startswith("Rosalba Ficticia · CC ")
    page.locator("main button").last.click()
    page.wait_for_url("**/account/show/*")

    with live_server.session() as session:
        assert session.scalars(select(Account).where(Account.number == "900-1")).one().party_id == party_id


def test_leaving_a_form_with_typed_text_asks_first(new_page: Callable[..., Any], an_administrator: Any) -> None:
    page = new_page()
    sign_in(page, an_administrator[0])
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", stay)
    page.goto("/party/add")
    page.locator("#name").press_sequentially("Ana")
    page.goto("/party/list/")

    assert asked == ["beforeunload"]
