"""
The product can be used by everybody: axe finds nothing on any kind of page, light and dark; nothing overflows a telephone.

The kinds come from the permission matrix: of each template the richest page that a row of it opens. A new page is in without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import template_rendered
from sqlalchemy import select

from tests.e2e.conftest import becomes, press, sign_in
from tests.factories import Factory
from tests.stage import OUTSIDER, Stage
from tests.test_permissions import ROWS
from tests.web.test_every_page import reader_of

TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LAPTOP, TELEPHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
#: What the colours and the width of a page can change; the rest was said by the first look at it.
OF_COLOUR, OF_WIDTH = ["color-contrast"], ["color-contrast", "target-size", "scrollable-region-focusable", "region"]
NOWHERE = "/there/is/nothing"
#: (reader, address) of pages that are another kind than their template says: steps, results, empty lists, refusals.
BESIDES = [
    ("X", NOWHERE), ("T", "/"), ("X", "/party/list/?q=nadie"), ("X", "/account/add"), ("X", "/users/add"),
    ("X", "/resetmypassword/form"), ("X", "/changelog/show/1"), ("X", "/counter/?party=1"), ("X", "/counter/?new=1"),
    ("X", "/calendar/preview?what=day&on=2026-12-07&kind=CLOSURE&name=D%C3%ADa+c%C3%ADvico&norm=Decreto+1"),
    ("O", "/calculadora?regime=LEY142&type=RECLAMO&filed=2026-07-11"),
]  # fmt: skip


@pytest.fixture
def set_stage(live_server: Any) -> Stage:
    """Somebody in every role and a case in every state, in the database of the live server."""

    def execute(statement: Any) -> Any:
        with live_server.session() as session:
            found = session.execute(statement).scalar_one()
        return SimpleNamespace(scalar_one=lambda: found)

    live_server.app.config["PORTAL_MIN_SECONDS"] = 0
    with live_server.session() as session:
        return Stage(live_server.app, SimpleNamespace(execute=execute), session)


def kinds(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield (template, letter of a reader, address) of the longest page that each template draws."""
    drawn: list[str] = []
    longest: dict[str, tuple[int, str, str]] = {}

    def note(_app: Any, template: Any, **_more: Any) -> None:
        drawn.append(template.name)

    with template_rendered.connected_to(note, stage.app):
        for row in ROWS:
            if row.method != "GET" or not row.may:
                continue
            letter, address = OUTSIDER if OUTSIDER in row.may else reader_of(row), stage.address(row.endpoint, row.case, **row.url)
            drawn.clear()
            page = stage.app.test_client(use_cookies=False).get(address, headers={"Cookie": stage.cookie(letter)})
            if page.status_code == 200 and page.mimetype == "text/html" and drawn:
                longest[drawn[-1]] = max(longest.get(drawn[-1], (0, "", "")), (len(page.data), letter, address))
    yield from (("", letter, address) for letter, address in BESIDES)
    for template, (_length, letter, address) in longest.items():
        yield template, letter, address


def be(context: Any, stage: Stage, letter: str) -> None:
    """Let the browser be somebody, without walking through the door."""
    context.clear_cookies()
    if letter != OUTSIDER:
        name, _equals, value = stage.cookie(letter).partition("=")
        context.add_cookies([{"name": name, "value": value, "url": stage.app.config["PUBLIC_URL"]}])


def test_every_kind_of_page_is_clean_light_and_dark_and_on_a_telephone(
    new_page: Callable[..., Any], violations: Callable[..., list[Any]], set_stage: Stage
) -> None:
    page = new_page(viewport=LAPTOP, reduced_motion="reduce")
    found: dict[str, Any] = {}
    n_kinds = 0
    for template, letter, address in kinds(set_stage):
        n_kinds += 1
        be(page.context, set_stage, letter)
        page.set_viewport_size(LAPTOP)
        page.emulate_media(color_scheme="light")
        response = page.goto(address)
        assert response.ok or address == NOWHERE, f"{address}: {response.status}"
        found[f"{template} {address}"] = violations(page)
        page.emulate_media(color_scheme="dark")
        found[f"{template} {address} dark"] = violations(page, OF_COLOUR)
        page.set_viewport_size(TELEPHONE)
        found[f"{template} {address} telephone"] = violations(page, OF_WIDTH) + (["scrolls sideways"] if page.evaluate(TOO_WIDE) else [])

    assert {name: each for name, each in found.items() if each} == {}
    assert n_kinds > 30


@pytest.mark.parametrize(
    ("address", "letter"), [("/party/add", "A"), ("/account/add", "A"), ("/pqr/register", "A"), ("/users/add", "X"), ("/term/add", "X")]
)
def test_a_refused_form_is_clean_and_its_summary_has_the_focus(
    new_page: Callable[..., Any], violations: Callable[..., list[Any]], set_stage: Stage, address: str, letter: str
) -> None:
    page = new_page(viewport=TELEPHONE, reduced_motion="reduce")
    be(page.context, set_stage, letter)
    page.goto(address)
    press(page, "main form[data-keep] button.btn-go")
    page.wait_for_selector("[data-errors]")

    becomes(page, "document.activeElement.hasAttribute('data-errors')")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, OF_COLOUR) == []
    for link in page.locator("[data-errors] a").all():
        link.click()
        target = link.get_attribute("href").removeprefix("#")
        becomes(page, "(id) => Boolean(document.activeElement.closest('#' + CSS.escape(id)))", arg=target)


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


def test_the_search_box_answers_to_a_slash_and_the_theme_stays_chosen(new_page: Callable[..., Any], an_administrator: Any) -> None:
    page = new_page(color_scheme="light")
    sign_in(page, an_administrator[0])

    page.keyboard.press("/")
    becomes(page, "document.activeElement.name", "q")

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
