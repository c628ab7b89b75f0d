"""
The story of a corrective action in real browsers: asked for by a case, analysed and planned by its owner, approved by somebody else,
carried out on a telephone; its figures, before and after, are looked at when the days are over, and what did not work is taken up again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.improvement import ActionStatus, EffectVerdict, TaskStatus
from app.models import Action, ActionReview, ActionTask, Pqr
from app.operations.pqr import route
from app.security import CALIDAD, DUENO
from tests.e2e.conftest import becomes, press, sign_in
from tests.factories import Factory

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
WHYS = ("Se cobra un consumo que no es", "El lector anota otro número", "Nadie revisa la lectura antes de facturar")
ASKED = datetime.fromisoformat("2026-07-10T09:00-05:00")


@pytest.fixture
def people(live_server: Any) -> dict[str, Any]:
    """Twelve cases of billing in the month before, and those who have a part in it."""
    with live_server.session() as session:
        make = Factory(session)
        owner, judge = make.user(DUENO, "FACTURACION", first_name="Diana"), make.user(CALIDAD, first_name="Nubia")
        for n in range(12):
            at = ASKED - timedelta(days=2 * n + 1)
            route(session, make.case(at=at), make.process("FACTURACION"), "Es de facturación", at=at, actor_id=None)
        session.commit()
        number = session.scalars(select(Pqr.number).order_by(Pqr.id)).first()
        return {"owner": owner.username, "judge": judge.username, "case": number}


def save(page: Any, control: Any) -> None:
    """Press what sends a form, wait for the page that follows, and see that nothing was refused."""
    press(page, control)
    assert page.locator("[data-errors]").all_inner_texts() == []


def plan(page: Any, people: dict[str, Any]) -> int:
    """Ask for the action from the case, find its cause, write its plan and send it; return its key."""
    page.goto(f"/action/add?origin=PQR&origin_key={people['case']}")
    page.fill("#title", "Revisar la lectura antes de facturar")
    page.fill("#due_on", "2026-07-24")
    save(page, "main form button.btn-go")
    key = int(page.url.rstrip("/").rpartition("/")[2])
    page.goto(f"/action/analysis/{key}")
    for n, why in enumerate(WHYS, start=1):
        page.fill(f"#why-{n}", why)
    page.fill("#bone-METHOD", "No hay crítica de lectura")
    save(page, "form:has(#why-1) button.btn-go")
    page.locator("#root label", has_text=WHYS[-1]).locator("input").check()
    save(page, "#root button.btn-go")
    return key


def test_an_action_goes_its_path_and_comes_back_when_it_did_not_work(live_server, new_page, people, assert_accessible):
    live_server.at(ASKED.isoformat())
    owner, judge = sign_in(new_page(), people["owner"]), sign_in(new_page(), people["judge"])
    key = plan(owner, people)
    assert people["case"] in owner.inner_text("main")

    owner.goto(f"/action/task/add/{key}")
    owner.fill("#what", "Poner la crítica de lectura el mismo día")
    owner.fill("#due_on", "2026-07-20")
    save(owner, "main form button.btn-go")
    with live_server.session() as session:
        action = session.get(Action, key)
        session.scalars(select(ActionTask)).one().responsible_id = action.created_by_id
        action.responsible_id = action.created_by_id
        session.commit()
    owner.goto(f"/action/measure/{key}?measure=PROCESS")
    owner.select_option("#measure_key", "FACTURACION")
    owner.fill("#window_days", "30")
    owner.fill("#goal", "50")
    assert_accessible(owner)
    save(owner, "main form button.btn-go")
    owner.goto(f"/action/show/{key}")
    press(owner, f"form[action='/action/plan/{key}'] button")

    judge.goto(f"/action/show/{key}")
    press(judge, f"form[action='/action/approve/{key}'] button")
    assert_accessible(judge)

    phone = sign_in(new_page(**PHONE), people["owner"])
    live_server.at("2026-07-20T16:00-05:00")
    phone.goto(f"/action/show/{key}")
    becomes(phone, TOO_WIDE, False)
    press(phone, "a[href*='/action/task/end/']")
    phone.fill("#said", "Acta del 20 de julio, con la planilla de la primera ruta")
    save(phone, "main form button.btn-go")
    press(phone, f"form[action='/action/carry-out/{key}'] button")
    assert_accessible(phone)

    live_server.at("2026-08-25T10:00-05:00")
    judge.goto(f"/action/judge/{key}")
    assert "12" in judge.inner_text("main")
    judge.check("input[name=verdict][value=NOT_EFFECTIVE]")
    judge.fill("#reason", "No hubo menos casos en los barrios sin ruta nueva.")
    assert_accessible(judge)
    save(judge, "main form button.btn-go")

    with live_server.session() as session:
        action, review = session.get(Action, key), session.scalars(select(ActionReview)).one()
        assert (action.status, action.round) == (ActionStatus.OPEN, 2)
        assert (int(review.before_n), int(review.after_n), review.verdict) == (12, 0, EffectVerdict.NOT_EFFECTIVE)
        assert review.proposed is EffectVerdict.EFFECTIVE and review.reviewed_on == date(2026, 8, 25)
        assert session.scalars(select(ActionTask.status)).all() == [TaskStatus.DONE]
