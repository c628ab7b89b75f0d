"""The lists in a browser: panels in place, columns, saved filters and many rows at once, with the keyboard and without a script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.security import ADMIN, AUXILIAR
from tests.e2e.conftest import becomes, press, sign_in
from tests.factories import Factory


@pytest.fixture
def house(live_server: Any) -> Any:
    """Thirty cases of three people, and a clerk."""
    from app.domain.states import PqrStatus
    from app.extensions import db
    from app.operations import pqr as operations

    with live_server.session() as session:
        make = Factory(session)
        clerk, admin = make.user(AUXILIAR), make.user(ADMIN)
        people = [make.party(name=name) for name in ("Íngrid Ñáñez", "Bruno Díaz", "Carla Peña")]
        cases = [make.case(party=people[n % 3], subject=f"Asunto número {n:02}") for n in range(30)]
        at = cases[0].filed_at + timedelta(hours=1)
        operations.route(session, cases[0], make.process("FACTURACION"), "Es de allí", at=at, actor_id=clerk.id)
        assert cases[0].status is PqrStatus.ROUTED
        db.session.commit()
        return {"clerk": clerk.username, "admin": admin.username, "numbers": [case.number for case in cases], "person": people[0].id}


def numbers(page: Any) -> list[str]:
    return page.eval_on_selector_all("tbody tr", "rows => rows.map(row => row.querySelector('td:not(.tick)').innerText.trim())")


def test_a_filter_is_added_changed_and_removed_in_place_with_the_keyboard(
    new_page: Callable[..., Any], house: Any, assert_accessible: Callable[[Any], None]
) -> None:
    page = new_page()
    sign_in(page, house["clerk"])
    page.goto("/pqr/")
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.locator(".sieve summary").focus()
    page.keyboard.press("Enter")
    page.locator(".sieve .drop a", has_text="Estado").focus()
    page.keyboard.press("Enter")
    panel = page.locator("[data-panel-here] form")
    panel.wait_for()
    assert loads == []  # the panel came without leaving the list
    assert_accessible(page)

    page.keyboard.press("Escape")
    assert panel.count() == 0
    becomes(page, "document.activeElement.tagName", "SUMMARY")

    page.locator(".sieve summary").press("Enter")
    page.locator(".sieve .drop a", has_text="Estado").press("Enter")
    panel.wait_for()
    page.locator("input[name=v][value=ROUTED]").check()
    page.keyboard.press("Enter")
    page.wait_for_url("**/pqr/?status=ROUTED")
    assert numbers(page) == [house["numbers"][0]]

    page.locator(".chip.on a").first.click()
    panel.wait_for()
    assert page.locator("input[name=v][value=ROUTED]").is_checked()
    page.locator("input[name=v][value=RECEIVED]").check()
    page.locator("[data-panel-here] .btn-go").click()
    page.wait_for_url("**/pqr/?status=*RECEIVED*")
    assert len(numbers(page)) == 25
    page.locator(".chip .off").click()
    page.wait_for_url("**/pqr/")


def test_a_relation_is_looked_up_inside_the_panel(new_page: Callable[..., Any], house: Any) -> None:
    page = new_page()
    sign_in(page, house["clerk"])
    page.goto("/pqr/")
    page.locator(".sieve summary").click()
    page.locator(".sieve .drop a", has_text="Quién").click()
    page.locator("#panel-text").press_sequentially("nanez")
    page.wait_for_selector("#panel-text-options [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("[data-panel-here] .btn-go").click()
    page.wait_for_url(f"**/pqr/?party={house['person']}")

    assert len(numbers(page)) == 10
    assert "Íngrid Ñáñez" in page.locator(".chip.on").inner_text()


def test_columns_move_with_their_arrows_and_stay_for_the_reader(
    new_page: Callable[..., Any], house: Any, assert_accessible: Callable[[Any], None]
) -> None:
    page = new_page()
    sign_in(page, house["clerk"])
    page.goto("/pqr/")
    page.locator(".page-head a[data-panel]").click()
    first = page.locator("[data-order] li").first
    first.wait_for()
    assert_accessible(page)
    moved = page.locator("[data-order] li").nth(2)
    name = moved.locator("label").inner_text().strip()
    moved.locator("button[name=up]").click()
    moved = page.locator("[data-order] li").nth(1)
    assert moved.locator("label").inner_text().strip() == name
    moved.locator("button[name=up]").press("Enter")
    press(page, "[data-panel-here] .btn-go")

    assert page.locator("thead th:not(.tick)").first.inner_text().strip() == name
    page.goto("/pqr/?q=asunto")
    assert page.locator("thead th:not(.tick)").first.inner_text().strip() == name


def test_a_filter_is_saved_and_waits_in_the_menu(new_page: Callable[..., Any], house: Any) -> None:
    page = new_page()
    sign_in(page, house["clerk"])
    page.goto("/pqr/?status=ROUTED")
    page.locator(".saved a[data-panel]").click()
    page.fill("#title", "Las de otros")
    page.check("#is_pinned")
    press(page, "[data-panel-here] .btn-go")
    assert page.locator(".saved [aria-current=true]").inner_text() == "Las de otros"

    page.goto("/")
    page.locator(".side a", has_text="Las de otros").click()
    page.wait_for_url("**/pqr/?status=ROUTED")
    assert numbers(page) == [house["numbers"][0]]


def test_many_cases_are_routed_at_once_after_a_look(
    new_page: Callable[..., Any], house: Any, live_server: Any, assert_accessible: Callable[[Any], None]
) -> None:
    from sqlalchemy import select

    from app.models import Pqr

    page = new_page()
    sign_in(page, house["clerk"])
    page.goto("/pqr/")
    boxes = page.locator("input[name=row]")
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    assert page.locator("[data-chosen]").inner_text().startswith("4 ")
    page.locator(".bulk-bar button").first.click()
    page.wait_for_url(re.compile(r".*/pqr/bulk/route"))
    assert_accessible(page)
    page.select_option("#process_id", label="Facturación")
    page.fill("#reason", "Reparto de la mañana")
    page.locator("main form .btn-go").click()
    page.wait_for_url(re.compile(r".*/pqr/$"))

    with live_server.session() as session:
        routed = session.scalars(select(Pqr.number).where(Pqr.status == "ROUTED").order_by(Pqr.id)).all()
    assert routed == [house["numbers"][0], *house["numbers"][-4:]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_are_accessible(new_page: Callable[..., Any], house: Any, assert_accessible: Callable[[Any], None], scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    sign_in(page, house["admin"])
    for path in ("/pqr/?status=ROUTED,RECEIVED&facet=filed_on", "/party/list/?q=nanez&facet=municipality", "/lists/Pqr/columns",
                 "/lists/Pqr/filters?status=ROUTED", "/changelog/list/"):  # fmt: skip
        page.goto(path)
        assert_accessible(page)


def test_everything_works_without_a_script(new_page: Callable[..., Any], house: Any) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, house["clerk"])
    page.goto("/pqr/")
    page.locator(".sieve summary").click()
    page.locator(".sieve .drop a", has_text="Estado").click()
    page.locator("input[name=v][value=ROUTED]").check()
    press(page, "[data-panel-here] .btn-go")
    assert "status=ROUTED" in page.url
    page.locator(".page-head a[data-panel]").click()
    press(page, page.locator("li", has_text="Asunto").locator("button[name=up]"))
    press(page, "main .btn-go")
    assert page.locator("tbody tr").count() == 1
    assert page.locator("thead th:not(.tick)").nth(1).inner_text().strip() == "Asunto"


def test_a_laptop_shows_25_rows_and_every_column_whole(new_page: Callable[..., Any], house: Any) -> None:
    page = new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, house["clerk"])
    page.goto("/pqr/")
    row = page.locator("tbody tr").nth(24).bounding_box()
    table = page.locator(".table-wrap")

    assert row["y"] + row["height"] <= 900
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert page.locator("tbody td a").first.evaluate("link => link.parentElement.scrollWidth <= link.parentElement.clientWidth")
