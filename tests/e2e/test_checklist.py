"""A checklist filled by keyboard: every row saved as it goes, two reviewers at once, a network that goes away, and no script at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.checklists import Said, Verdict
from app.models import Checklist, ChecklistItem
from app.operations import checklists as operations
from app.security import COMERCIAL, SUBGERENTE
from tests.e2e.conftest import LiveServer, becomes, divert, go_offline, sign_in
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
N = 14
FOCUSED = "document.activeElement.id || document.activeElement.name"


@pytest.fixture
def house(live_server: LiveServer) -> dict[str, Any]:
    """Two reviewers, and a checklist of fourteen requirements whose contract was verified last year too."""
    with live_server.session() as session:
        make = Factory(session)
        ana, luis = make.user(COMERCIAL, first_name="Ana"), make.user(SUBGERENTE, first_name="Luis")
        contract = make.contract(requirements=N, starts_on=date(2024, 7, 10), ends_on=None)
        before = operations.open_checklist(session, contract, at=datetime(2025, 7, 10, 15, tzinfo=UTC), actor_id=None)
        for item in operations.items_of(session, before):
            operations.save_row(session, item, Said(Verdict.MET, "Igual que siempre"), version=0, at=AT, actor_id=ana.id)
        checklist = operations.open_checklist(session, contract, at=AT, actor_id=None)
        session.commit()
        items = [item.id for item in operations.items_of(session, checklist)]
        return {"ana": ana.username, "luis": luis.username, "id": checklist.id, "url": f"/checklist/show/{checklist.id}", "items": items}


def stored(live_server: LiveServer, house: dict[str, Any]) -> list[tuple[str, str, str]]:
    with live_server.session() as session:
        rows = select(ChecklistItem).where(ChecklistItem.checklist_id == house["id"]).order_by(ChecklistItem.position)
        found = session.scalars(rows.execution_options(populate_existing=True))
        return [(row.verdict.name if row.verdict else "", row.note, row.no_action_reason) for row in found]


def settles(look: Callable[[], Any], wanted: Any) -> None:
    """Assert that *look* gives *wanted*, now or within seconds."""
    until = time.monotonic() + 30
    while (found := look()) != wanted:
        assert time.monotonic() < until, f"{found!r} is not {wanted!r}"
        time.sleep(0.05)


def cut(page: Any, door: str) -> None:
    """Let the page reach *door* of checklists no more."""
    divert(page, f"**/checklist/{door}/**", lambda route: route.abort(), f"/checklist/{door}/0")


def save(live_server: LiveServer, house: dict[str, Any], n: int, said: Said) -> None:
    """Save row *n* as somebody else does meanwhile."""
    with live_server.session() as session:
        item = session.get_one(ChecklistItem, house["items"][n])
        operations.save_row(session, item, said, version=item.version, at=AT, actor_id=None)
        session.commit()


def open_page(page: Any, house: dict[str, Any], who: str) -> None:
    sign_in(page, house[who])
    page.goto(house["url"])


def test_fourteen_rows_are_verified_without_touching_the_mouse(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    open_page(page, house, "ana")
    keys = page.keyboard

    for _n in range(10):
        keys.press("1")
    keys.press("3")
    keys.type("Sin póliza vigente")
    keys.press("Control+Enter")
    keys.type("Se renovó el mismo día")
    keys.press("Enter")
    keys.press("4")
    keys.type("No hubo obra este año")
    keys.press("Control+Enter")
    keys.press("1")
    keys.press("1")

    settles(lambda: len([row for row in stored(live_server, house) if row[0]]), N)
    settles(lambda: stored(live_server, house)[10][1:], ("Sin póliza vigente", "Se renovó el mismo día"))
    settles(lambda: stored(live_server, house)[11][1], "No hubo obra este año")
    assert [row[0] for row in stored(live_server, house)] == ["MET"] * 10 + ["NOT_MET", "NOT_APPLICABLE", "MET", "MET"]
    page.wait_for_selector(f"progress[value='{N}']")
    with live_server.session() as session:
        assert str(session.get_one(Checklist, house["id"]).compliance) == "92.30"


def test_keys_move_between_rows_and_leave_a_note_and_can_be_switched_off(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    open_page(page, house, "ana")
    keys, row = page.keyboard, lambda n: f"row-{house['items'][n]}"

    for key, expected in (("j", row(0)), ("j", row(1)), ("ArrowDown", row(2)), ("k", row(1)), ("n", f"n-{house['items'][1]}")):
        keys.press(key)
        becomes(page, FOCUSED, expected)
    keys.type("j1 es texto")
    keys.press("Escape")
    becomes(page, FOCUSED, row(1))
    settles(lambda: stored(live_server, house)[1], ("", "j1 es texto", ""))

    page.evaluate("document.documentElement.dataset.keys = 'off'")
    keys.press("1")
    keys.press("j")
    becomes(page, FOCUSED, row(1))
    assert page.locator("input[type=radio]:checked").count() == 0


def test_what_another_reviewer_saves_appears_by_itself_and_never_over_what_is_being_typed(
    page: Any, live_server: LiveServer, house: dict[str, Any]
) -> None:
    open_page(page, house, "ana")
    cut(page, "row")  # what Ana types stays unsaved for a while
    mine = page.locator(f"[name='n-{house['items'][1]}']")
    mine.fill("Lo que escribe Ana")

    save(live_server, house, 0, Said(Verdict.PARTLY, "Lo que vio Luis"))
    save(live_server, house, 1, Said(Verdict.PARTLY, "También vio este"))

    page.wait_for_selector(f"#row-{house['items'][0]} [value=PARTLY]:checked")
    assert page.locator(f"[name='n-{house['items'][0]}']").input_value() == "Lo que vio Luis"
    assert mine.input_value() == "Lo que escribe Ana"
    assert page.locator("[data-total]").inner_text().startswith("2 ")


@pytest.mark.parametrize(("choice", "expected"), [("mine", "Lo de Ana"), ("theirs", "Lo de Luis"), ("both", "Lo de Luis\nLo de Ana")])
def test_two_on_the_same_row_see_both_texts_and_choose(
    page: Any, live_server: LiveServer, house: dict[str, Any], choice: str, expected: str
) -> None:
    open_page(page, house, "ana")
    cut(page, "news")
    save(live_server, house, 2, Said(Verdict.NOT_MET, "Lo de Luis", "Ya se arregló"))
    box = page.locator(f"#row-{house['items'][2]}")

    page.locator(f"[name='n-{house['items'][2]}']").fill("Lo de Ana")
    box.locator(f".clash input[value={choice}]").wait_for()
    assert "Lo de Luis" in box.locator(".clash").inner_text()
    assert page.locator(f"[name='n-{house['items'][2]}']").input_value() == "Lo de Ana"
    assert stored(live_server, house)[2][1] == "Lo de Luis"
    box.locator(f".clash input[value={choice}]").check()

    box.locator(".clash").wait_for(state="detached")
    settles(lambda: stored(live_server, house)[2][1], expected)
    assert page.locator(f"[name='n-{house['items'][2]}']").input_value() == expected


def test_a_network_that_goes_away_loses_nothing(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    open_page(page, house, "ana")
    go_offline(page)
    page.keyboard.press("1")
    page.wait_for_selector("[data-line][data-tone=bad]")
    assert stored(live_server, house)[0][0] == ""

    page.context.set_offline(False)

    settles(lambda: stored(live_server, house)[0][0], "MET")
    page.wait_for_selector(f"#row-{house['items'][0]} [data-line][data-tone=ok]")


def test_without_script_the_button_saves_every_row(new_page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    page = new_page(java_script_enabled=False)
    open_page(page, house, "luis")
    for n, verdict in enumerate(["MET", "PARTLY", "NOT_APPLICABLE"]):
        page.locator(f"#row-{house['items'][n]} [value={verdict}]").check()
    page.locator(f"[name='n-{house['items'][1]}']").fill("Falta un mes")

    page.locator("[data-save-all]").click()

    assert page.locator("[data-errors] li").count() == 1, "what does not apply has to say why"
    assert stored(live_server, house)[:3] == [("MET", "", ""), ("PARTLY", "Falta un mes", ""), ("", "", "")]
    assert page.locator(f"#row-{house['items'][2]} [value=NOT_APPLICABLE]").is_checked()
    page.locator(f"[name='n-{house['items'][2]}']").fill("No hubo obra")
    page.locator("[data-save-all]").click()
    assert stored(live_server, house)[2] == ("NOT_APPLICABLE", "No hubo obra", "")


def test_a_checklist_signed_meanwhile_says_so_and_keeps_what_is_typed(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    open_page(page, house, "ana")
    cut(page, "row")
    page.locator(f"[name='n-{house['items'][1]}']").fill("A medio escribir")
    with live_server.session() as session:
        checklist = session.get_one(Checklist, house["id"])
        for item in operations.items_of(session, checklist):
            operations.save_row(session, item, Said(Verdict.MET), version=item.version, at=AT, actor_id=None)
        operations.submit(session, checklist, "", at=AT, actor_id=Factory(session).user(SUBGERENTE).id)
        session.commit()

    settles(lambda: bool(page.locator("[data-told]").inner_text()), True)

    assert page.locator(f"[name='n-{house['items'][1]}']").input_value() == "A medio escribir"
