"""A technician's phone: one thumb, 360 px, a network that goes in the middle; nothing typed, drawn or photographed is lost."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from app.documents.orders import issue_order
from app.domain.states import OrderKind, OrderStatus
from app.models import FieldOrder, OrderFile
from app.operations.orders import NewOrder
from tests.e2e.conftest import divert, go_offline, press, sign_in
from tests.factories import Factory

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
AT = datetime.fromisoformat("2026-07-10T09:00-05:00")
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
READY = "body[data-field=ready]"
OFFLINE_READY = "body[data-offline=ready]"


@pytest.fixture
def job(live_server: Any) -> dict[str, Any]:
    """An order for one technician: {user, order, number}."""
    with live_server.session() as session:
        make = Factory(session)
        worker, boss = make.user("Técnico"), make.user("Subgerente administrativo y comercial")
        new = NewOrder(OrderKind.WORK_ORDER, account=make.account(), assignee=worker, instructions="Cambiar el tubo de la acometida",
                       asked={"needs_photo": "YES"})  # fmt: skip
        order = issue_order(session, new, boss, AT)
        session.commit()
        return {"user": worker.username, "order": order.id, "number": order.number}


def stored(live_server: Any, job: dict[str, Any]) -> Any:
    with live_server.session() as session:
        order = session.get(FieldOrder, job["order"])
        n_photos = session.scalar(select(func.count()).select_from(OrderFile).where(OrderFile.order_id == order.id))
        return order.status, order.result, n_photos, order.signature


def fill(page: Any) -> None:
    """Fill the order as somebody with a thumb does: words, boxes, a photo, a signature."""
    form = page.locator("form[data-name=done]")
    form.locator("#cause_found").fill("Tubo roto por raíces")
    form.locator("#work_done").fill("Se cambió un metro de tubo")
    form.locator("input[name=is_solved][value=YES]").check()
    form.locator("input[name=attended][value=OCCUPANT]").check()
    form.locator("#attended_by").fill("Rosa Ficticia")
    form.locator("#photos").set_input_files({"name": "tubo.png", "mimeType": "image/png", "buffer": PNG})
    page.wait_for_selector("[data-thumbs] li")
    sign(page)


def sign(page: Any) -> None:
    canvas = page.locator("form[data-name=done] canvas[tabindex]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    page.mouse.up()


def opened(new_page: Any, job: dict[str, Any], **options: Any) -> Any:
    page = sign_in(new_page(**PHONE, **options), job["user"])
    page.goto("/tecnico/")
    page.wait_for_selector(OFFLINE_READY)
    press(page, page.locator(".orders a").first)
    page.wait_for_selector(READY)
    return page


def send(page: Any) -> None:
    page.locator("form[data-name=done] button[type=submit]").click()


def test_a_form_filled_without_network_arrives_once_when_it_comes_back(new_page, live_server, job):
    page = opened(new_page, job)
    go_offline(page)
    fill(page)
    send(page)
    page.wait_for_selector("[data-queue-text][data-state=savedHere]")
    assert stored(live_server, job)[0] is OrderStatus.ISSUED

    page.context.set_offline(False)
    page.wait_for_selector("form[data-name=done]", state="detached")
    status, result, n_photos, signature = stored(live_server, job)
    assert (status, n_photos) == (OrderStatus.DONE, 1)
    assert result["cause_found"] == "Tubo roto por raíces"
    assert signature.startswith(b"\x89PNG")
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 1
    page.goto("/tecnico/")
    page.wait_for_selector(READY)
    assert page.locator("[data-queue-list] li").count() == 0


def test_what_was_filled_survives_a_reload_without_network(new_page, live_server, job):
    page = opened(new_page, job)
    go_offline(page)
    fill(page)
    page.wait_for_selector("form[data-name=done][data-kept=draft]")
    page.reload()
    page.wait_for_selector("[data-queue-text][data-state=kept]")

    form = page.locator("form[data-name=done]")
    assert form.locator("#cause_found").input_value() == "Tubo roto por raíces"
    assert form.locator("input[name=is_solved][value=YES]").is_checked()
    assert form.locator("[data-thumbs] li").count() == 1
    assert form.locator("input[name=signature]").input_value().startswith("data:image/png")
    page.goto("/tecnico/")
    assert page.locator(".orders a").count() == 1
    press(page, page.locator(".orders a").first)
    page.wait_for_selector(READY)
    send(page)
    page.wait_for_selector("[data-queue-text][data-state=savedHere]")
    page.goto("/tecnico/")
    page.wait_for_selector("[data-queue-list] li")
    page.context.set_offline(False)
    page.wait_for_selector("[data-queue-list] li", state="detached")
    assert stored(live_server, job)[0] is OrderStatus.DONE


def test_an_answer_that_was_lost_makes_no_second_act(new_page, live_server, job):
    """The server stored it and the yes never came: the phone sends again, and one act results."""
    page = opened(new_page, job)
    fill(page)
    is_lost = []

    def lose(route: Any) -> None:
        if route.request.method == "POST" and not is_lost:
            is_lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    divert(page, "**/tecnico/*", lose, "/tecnico/x", page.context)
    send(page)
    page.wait_for_selector("[data-queue-text][data-state=savedHere]")
    assert stored(live_server, job)[0] is OrderStatus.DONE
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_selector("form[data-name=done]", state="detached")
    assert stored(live_server, job)[2] == 1


def test_what_the_office_refuses_is_said_beside_its_field(new_page, live_server, job):
    page = opened(new_page, job)
    fill(page)
    page.locator("form[data-name=done] #work_done").fill("")
    send(page)

    page.wait_for_selector("[data-queue-text][data-state=refused]")
    assert page.locator(".field:has(#work_done) [data-refusal]").count() == 1
    page.locator("form[data-name=done] #work_done").fill("Se cambió")
    send(page)
    page.wait_for_selector("form[data-name=done]", state="detached")
    assert stored(live_server, job)[0] is OrderStatus.DONE


def test_what_was_filled_for_an_order_that_was_voided_is_kept_until_it_is_discarded(new_page, live_server, job):
    from app.operations import orders

    page = opened(new_page, job)
    go_offline(page)
    fill(page)
    send(page)
    page.wait_for_selector("[data-queue-text][data-state=savedHere]")
    with live_server.session() as session:
        orders.void(session, session.get(FieldOrder, job["order"]), "Se ordenó por error")
        session.commit()
    page.context.set_offline(False)
    page.wait_for_selector("[data-queue-text][data-state=refused]")
    page.goto("/tecnico/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("[data-queue-list] button")
    page.wait_for_selector("[data-queue-list] li", state="detached")

    assert stored(live_server, job)[0] is OrderStatus.VOIDED


def test_without_script_the_form_is_posted_as_any_other(new_page, live_server, job):
    page = sign_in(new_page(**PHONE, java_script_enabled=False), job["user"])
    page.goto(f"/tecnico/{job['order']}")
    page.fill("#cause_found", "Tubo roto")
    page.fill("#work_done", "Se cambió")
    page.check("input[name=is_solved][value=YES]")
    page.check("input[name=attended][value=SUBSCRIBER]")
    page.fill("#attended_by", "Rosa Ficticia")
    page.check("input[name=unsigned_reason][value=CANNOT]")
    page.fill("#no_photo", "Sin cámara")
    press(page, "form[data-name=done] button[type=submit]")

    assert stored(live_server, job)[0] is OrderStatus.DONE


def test_the_phone_page_is_accessible_and_fits(new_page, job, assert_accessible):
    page = opened(new_page, job)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_accessible(page)
    small = page.evaluate("[...document.querySelectorAll('form[data-name=done] .choices label, form[data-name=done] button[type=submit]')]"
                          ".filter((each) => each.getBoundingClientRect().height < 44).length")  # fmt: skip
    assert small == 0


def test_a_phone_that_goes_to_another_shows_nothing_of_the_first(new_page, live_server, job):
    page = opened(new_page, job)
    with live_server.session() as session:
        other = Factory(session).user("Técnico").username
        session.commit()
    page.context.clear_cookies()
    sign_in(page, other)
    page.goto("/tecnico/")
    page.wait_for_selector(OFFLINE_READY)
    go_offline(page)
    page.goto(f"/tecnico/{job['order']}")

    assert job["number"] not in page.content()
    assert page.locator("[data-worker]").count() == 1


def test_whoever_signs_out_leaves_no_pages_behind(new_page, job):
    page = opened(new_page, job)
    assert page.evaluate("caches.has('field-pages')")
    page.goto("/tecnico/")
    page.wait_for_selector(OFFLINE_READY)
    page.evaluate("document.querySelector('[data-sign-out]').addEventListener('click', (event) => event.preventDefault())")
    page.evaluate("document.querySelector('[data-sign-out]').click()")

    kept = "async () => { for (let n = 0; n < 500 && await caches.has('field-pages'); n += 1) await fetch('/static/icon.svg');"
    assert not page.evaluate(f"{kept} return caches.has('field-pages') }}")
