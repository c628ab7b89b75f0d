"""The search of the top bar, as a person uses it: a slash, some words, Enter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import sign_in
from tests.e2e.test_axe import TOO_WIDE
from tests.factories import Factory


@pytest.fixture
def a_busy_house(live_server: Any) -> tuple[str, str]:
    """The user name of an administrator, and the number of a case; ten people called Rosalba each have another."""
    with live_server.session() as session:
        make = Factory(session)
        user = make.user("Admin")
        for i in range(10):
            party = make.party(name=f"Rosalba Peñuela de Ficción {i}", phone="+573001234567")
            account = make.account(
                party=party, is_active=i % 2 == 0, address="Carrera 102 bis A este # 44-21 Conjunto Los Arrayanes torre 3"
            )
            make.case(
                party=party, account=account, at=f"2026-0{1 + i % 6}-02T10:00-05:00", subject="Medidor detenido desde hace tres meses"
            )
        number = make.case(subject="Fuga en la esquina").number
        session.commit()
        return user.username, number


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 360), ("light", 1280), ("dark", 1280)])
def test_what_is_found_is_clean(
    new_page: Callable[..., Any], assert_accessible: Callable[[Any], None], a_busy_house: Any, scheme: str, width: int
) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce")
    sign_in(page, a_busy_house[0])

    for address in ("/search?q=penuela", "/search?q=nadie+se+llama+asi", "/search"):
        page.goto(address)
        assert_accessible(page)
        assert not page.evaluate(TOO_WIDE), f"{address} scrolls sideways at {width}"


def test_a_slash_some_words_and_enter_open_the_case(new_page: Callable[..., Any], a_busy_house: Any) -> None:
    name, number = a_busy_house
    page = new_page()
    sign_in(page, name)

    for typed in ("fuga esqui", number.lower()):
        page.goto("/")
        page.keyboard.press("/")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/pqr/{number}")

    page.keyboard.press("/")
    page.keyboard.type("rosalba")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=rosalba")
    page.get_by_role("link", name="Rosalba Peñuela de Ficción 0").first.click()
    page.wait_for_url("**/party/show/*")
