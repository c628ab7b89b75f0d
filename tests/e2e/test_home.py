"""Mi día as people meet it: clean for every role in light and dark, and the first steps of a house that was just made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import press, sign_in
from tests.e2e.test_axe import TOO_WIDE
from tests.factories import Factory
from tests.stage import ROLES


@pytest.mark.parametrize("letters", ["ADT", "SCQ", "GX"])
def test_mi_dia_of_every_role_is_clean_in_light_and_dark(
    live_server: Any, new_page: Callable[..., Any], assert_accessible: Callable[[Any], None], letters: str
) -> None:
    from app.domain.states import Outcome
    from app.extensions import now
    from app.models import SavedFilter
    from app.operations.pqr import return_solution, route, solve

    with live_server.session() as session:
        make = Factory(session)
        people = {letter: make.user(ROLES[letter], "TECNICA" if letter == "D" else None) for letter in letters}
        make.case(at="2026-06-01T10:00-05:00")
        late, who = make.case(), {"at": now(), "actor_id": None}
        route(session, late, make.process("TECNICA"), "Suyo", **who)
        solve(session, late, "Se corrige", Outcome.GRANTED, **who)
        return_solution(session, late, "Falta la lectura", **who)
        for user in people.values():
            session.add(SavedFilter(list_name="Pqr", name="Vencidos", query="light=late", owner_id=user.id, is_pinned=True))
        session.commit()
        names = [user.username for user in people.values()]
    for name in names:
        page = new_page(reduced_motion="reduce", color_scheme="light")
        sign_in(page, name)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert_accessible(page)
        page.set_viewport_size({"width": 360, "height": 740})
        assert not page.evaluate(TOO_WIDE)
        page.context.close()


def test_a_new_house_is_led_through_its_first_steps(live_server: Any, new_page: Callable[..., Any]) -> None:
    """From the database as `make run` leaves it: the checklist leads to each page, ticks off what is done, and can be put away."""
    with live_server.session() as session:
        name = Factory(session).user("Admin").username
        session.commit()
    page = new_page()
    sign_in(page, name)
    steps = page.locator(".first-steps")
    company = steps.locator("li", has_text="La empresa: nombre, NIT, dirección y correo")

    assert "Le damos la bienvenida a Atiende" in steps.inner_text()
    assert steps.locator("li").count() == 8
    assert company.get_attribute("class") == "todo"

    company.locator("a").click()
    page.fill("#name", "Aguas del Ejemplo S.A. E.S.P.")
    page.fill("#nit", "900123456-8")
    page.fill("#address", "Calle 1 # 2-3")
    page.fill("#email", "pqr@example.com")
    page.locator("main form .btn-go").last.click()
    page.wait_for_url("**/organisation/show/*")
    page.goto("/")
    assert company.get_attribute("class") == "done"
    assert steps.locator("li", has_text="Quién firma las respuestas").get_attribute("class") == "todo"

    for step in range(steps.locator("li").count()):
        press(page, steps.locator("li a").nth(step))
        assert page.locator("h1").is_visible()
        page.goto("/")

    steps.get_by_role("button", name="No mostrar más").click()
    page.wait_for_selector("#house")
    assert steps.count() == 0
    page.get_by_role("button", name="Volver a mostrarlos").click()
    steps.wait_for()
