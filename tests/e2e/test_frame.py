"""The frame of every page: nothing is cut off from a telephone to a wall of pixels, paper carries the page alone, nothing moves unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import becomes, sign_in
from tests.e2e.test_axe import TOO_WIDE
from tests.factories import Factory

#: What an element hides without saying so by an ellipsis: its text is wider or taller than itself and cannot be scrolled.
CUT = """() => [...document.querySelectorAll("body *")].filter((e) => {
  const style = getComputedStyle(e);
  const isText = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const hides = (axis) => ["hidden", "clip"].includes(style[axis]);
  const clipsX = hides("overflowX") && e.scrollWidth > e.clientWidth + 1 && style.textOverflow !== "ellipsis";
  const clipsY = hides("overflowY") && e.scrollHeight > e.clientHeight + 1;
  const isForReaders = e.closest(".visually-hidden, .skip, thead, .trap") || style.clipPath !== "none";
  return isText && !isForReaders && e.checkVisibility() && e.clientWidth > 0 && (clipsX || clipsY);
}).map((e) => e.outerHTML.slice(0, 120))"""
#: What lies outside the window and cannot be scrolled to.
OUTSIDE = """() => [...document.querySelectorAll(":is(main, header) :is(a, button, input, select, textarea, summary)")]
  .filter((e) => {
    const box = e.getBoundingClientRect();
    const isElsewhere = e.closest(".table-wrap, [tabindex='0'], .saved, .visually-hidden, .skip, .trap");
    return e.checkVisibility() && box.width && !isElsewhere && (box.left < -1 || box.right > innerWidth + 1);
  }).map((e) => e.outerHTML.slice(0, 120))"""


@pytest.fixture
def pages(live_server: Any) -> tuple[str, list[str]]:
    """The user name of an administrator, and one address of each kind of page, with texts as long as people write them."""
    with live_server.session() as session:
        make = Factory(session)
        user = make.user("Admin", first_name="María Fernanda de los Ángeles", last_name="Villavicencio Santamaría")
        party = make.party(name="Asociación de Suscriptores del Acueducto Regional de la Vereda Ejemplo Alto E.S.P. (ficticia)")
        make.account(party_id=party.id)
        long = make.case(party=party, subject="Cobro de reconexión que no corresponde porque nunca se suspendió el servicio " * 2)
        make.case(at="2026-06-01T10:00-05:00")
        session.commit()
        found = ["/", "/pqr/", f"/pqr/{long.number}", "/pqr/register", "/party/list/", f"/party/show/{party.id}", "/party/add",
                 "/calendar/", "/reports/response-times/", "/there/is/nothing"]  # fmt: skip
        return user.username, found


@pytest.mark.parametrize("width", [360, 1366, 3840])
def test_nothing_is_cut_off_at_any_width(new_page: Callable[..., Any], pages: Any, width: int) -> None:
    name, addresses = pages
    page = new_page(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page.goto("/login/")
    wrong = {"/login/": (page.evaluate(TOO_WIDE), page.evaluate(CUT), page.evaluate(OUTSIDE))}
    sign_in(page, name)
    for address in addresses:
        page.goto(address)
        wrong[address] = (page.evaluate(TOO_WIDE), page.evaluate(CUT), page.evaluate(OUTSIDE))

    assert {address: found for address, found in wrong.items() if any(found)} == {}


def test_the_open_menu_of_a_telephone_shows_every_line_whole(new_page: Callable[..., Any], pages: Any) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    sign_in(page, pages[0])
    page.locator("button[popovertarget=rooms]").click()
    page.locator("#rooms").wait_for()

    assert page.evaluate(CUT) == []
    assert not page.evaluate("document.getElementById('rooms').scrollWidth > document.getElementById('rooms').clientWidth")
    here = page.locator("#rooms [aria-current=page]")
    assert here.count() == 1 and here.locator("span").inner_text() == "Mi día"


def test_the_menu_is_walked_with_the_keyboard_alone(new_page: Callable[..., Any], pages: Any) -> None:
    page = new_page(viewport={"width": 1366, "height": 768})
    sign_in(page, pages[0])
    page.locator("#rooms a", has_text="Mi día").focus()
    page.keyboard.press("Tab")
    becomes(page, "document.activeElement.closest('#rooms') !== null")
    assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2")
    page.locator("#rooms").get_by_role("link", name="Cuentas", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/list/")

    assert page.locator("#rooms [aria-current=page]").inner_text().strip() == "Cuentas"


def test_paper_carries_the_page_and_nothing_around_it(new_page: Callable[..., Any], pages: Any) -> None:
    name, addresses = pages
    page = new_page(viewport={"width": 1366, "height": 800}, color_scheme="dark")
    sign_in(page, name)
    page.emulate_media(media="print", color_scheme="dark")
    for address in addresses[:-1]:
        page.goto(address)
        for around in ("#rooms", "header.top", "footer.foot", ".skip"):
            assert not page.locator(around).first.is_visible(), f"{around} is printed on {address}"
        assert page.locator("h1").is_visible()
        ink = page.evaluate("""() => {
          const link = [...document.querySelectorAll("main a")].find((e) => e.checkVisibility());
          return [getComputedStyle(link ?? document.body).color, getComputedStyle(document.body).backgroundColor];
        }""")
        assert ink[0] in ("rgb(0, 0, 0)", "rgb(51, 51, 51)", "rgb(68, 68, 68)"), address  # the three inks of paper
        assert ink[1] == "rgb(255, 255, 255)", address


def test_nothing_moves_for_whoever_asked_for_stillness(new_page: Callable[..., Any], pages: Any) -> None:
    moving = """() => [...document.querySelectorAll("*")].filter((e) => {
      const style = getComputedStyle(e);
      return parseFloat(style.transitionDuration) > 0 || (style.animationName !== "none" && parseFloat(style.animationDuration) > 0);
    }).map((e) => e.outerHTML.slice(0, 80))"""
    name, addresses = pages
    page = new_page(reduced_motion="reduce")
    sign_in(page, name)
    for address in addresses:
        page.goto(address)
        assert page.evaluate(moving) == []

    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) != []


def test_the_frame_leaves_a_list_the_height_of_a_laptop(new_page: Callable[..., Any], pages: Any) -> None:
    """At 1440 by 900 a list gets 775 pixels under its title: 25 rows of 28, their head, and one line of controls."""
    page = new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, pages[0])
    page.goto("/party/list/")

    assert page.locator("main > :nth-child(2)").bounding_box()["y"] <= 125


def test_keys_of_one_letter_are_switched_off_and_stay_off(new_page: Callable[..., Any], pages: Any) -> None:
    """Whoever dictates would trigger them with every word (WCAG 2.1.4)."""
    page = new_page()
    sign_in(page, pages[0])
    page.keyboard.press("/")
    becomes(page, "document.activeElement.name", "q")

    page.locator(".who summary").click()
    page.locator(".drop [data-keys] button").click()
    page.goto("/party/list/")
    for key in ("/", "m"):
        page.keyboard.press(key)
    becomes(page, "document.activeElement.tagName", "BODY")
    assert page.url.endswith("/party/list/")
