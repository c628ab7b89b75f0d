"""
The whole law of one claim, with five people in real browsers: filed on the public page, reviewed on the spot by a technician with a
telephone, denied, notified by aviso, appealed before Superservicios, and sent there as one file.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app.domain.states import Move, OrderStatus, PqrStatus
from app.jobs import NIGHTLY
from app.models import Appeal, FieldOrder, Pqr
from app.security import AUXILIAR, DUENO, SUBGERENTE, TECNICO
from tests.e2e.conftest import press, sign_in
from tests.factories import Factory

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Story:
    """Moves the clock, lives through the nights, and keeps a page for each person."""

    def __init__(self, server: Any, new_page: Callable[..., Any], check: Callable[[Any], None]) -> None:
        self.server, self.new_page, self.accessible = server, new_page, check
        self.seen: set[tuple[str, PqrStatus | None]] = set()
        with server.session() as session:
            make = Factory(session)
            self.names = {
                "clerk": make.user(AUXILIAR, first_name="Marcela", last_name="Ficticia").username,
                "owner": make.user(DUENO, "FACTURACION", first_name="Diana", last_name="Ficticia").username,
                "manager": make.user(SUBGERENTE, first_name="Jorge", last_name="Ficticio").username,
                "technician": make.user(TECNICO, first_name="Wilson", last_name="Ficticio").username,
            }
            make.account(number="104220187", address="Calle 10 # 4-20")
            session.commit()
        self.pages: dict[str, Any] = {}

    def at(self, instant: str) -> None:
        self.server.at(instant)

    def night(self, instant: str) -> None:
        """Do at *instant* what the night does by itself."""
        from app.extensions import now

        self.at(instant)
        with self.server.session() as session:
            for duty in NIGHTLY:
                duty(session, now())
            session.commit()

    def page(self, who: str, **options: Any) -> Any:
        if who not in self.pages:
            self.pages[who] = sign_in(self.new_page(**options), self.names[who])
        return self.pages[who]

    def check(self, page: Any) -> None:
        """Look whether everybody can use what is there; of pages that differ in a number alone, once for each state of the case."""
        path = urlsplit(page.url).path
        number = re.search(r"PQR-\d{4}-\d+", path)
        kind = re.sub(r"\d+", "", path), self.status(number[0]) if number else None
        if kind not in self.seen:
            self.accessible(page)
            self.seen.add(kind)

    def open(self, page: Any, address: str) -> None:
        page.goto(address)
        self.check(page)

    def move(self, who: str, number: str, name: str, /, **values: Any) -> Any:
        """Make a move as a person does: from the page of the case, by its link and its form."""
        page = self.page(who)
        self.open(page, f"/pqr/{number}")
        press(page, page.locator(f'a[href="/pqr/{number}/move/{name}"]').first)
        self.check(page)
        self.fill(page, "main form", values)
        press(page, "main form button.btn-go")
        assert page.url.partition("#")[0].endswith(f"/pqr/{number}"), page.inner_text("main")
        return page

    def fill(self, page: Any, form: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            control = page.locator(f"{form} [name={name}]")
            if value is True:
                control.check()
            elif control.first.get_attribute("type") == "radio":
                page.check(f"{form} [name={name}][value={value}]")
            elif isinstance(value, dict):
                control.set_input_files(value)
            elif control.first.evaluate("(field) => field.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)

    def status(self, number: str) -> PqrStatus:
        with self.server.session() as session:
            return session.scalars(select(Pqr.status).where(Pqr.number == number)).one()


@pytest.fixture
def story(live_server: Any, new_page: Callable[..., Any], assert_accessible: Callable[[Any], None]) -> Story:
    live_server.app.config["PORTAL_MIN_SECONDS"] = 0  # the robot check has its own tests
    return Story(live_server, new_page, assert_accessible)


def download(page: Any, control: Any) -> bytes:
    with page.expect_download() as started:
        control.click()
    with open(started.value.path(), "rb") as file:
        return file.read()


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_a_claim_lives_through_the_whole_law(story: Story) -> None:
    number = file_claim(story)
    order_review(story, number)
    review_on_a_telephone(story)
    deny(story, number)
    notify_by_aviso(story, number)
    child = appeal(story, number)
    confirm(story, number, child)
    send_to_superservicios(story, number, child)


def file_claim(story: Story) -> str:
    story.at("2026-07-10T10:00-05:00")
    citizen = story.new_page(viewport=PHONE["viewport"])
    citizen.goto("/pqr/nueva")
    citizen.check('input[name="request_type"] >> nth=0')
    values = {"body": "La factura cobra 62 m³ y siempre gastamos entre 14 y 18. Pido revisar el medidor.", "account_number": "104220187",
              "identity": "NAMED", "name": "Ana Milena Torres", "document_type": "CC", "document_number": "52123456",
              "address": "Calle 10 # 4-20"}  # fmt: skip
    story.fill(citizen, "main form", values)
    citizen.check("#accepts_data")
    citizen.click("main form button.btn-go >> nth=-1")
    citizen.wait_for_url("**/pqr/radicada/**")
    return citizen.inner_text(".big.num")


def order_review(story: Story, number: str) -> None:
    story.at("2026-07-14T09:00-05:00")  # the 13th is a holiday
    with story.server.session() as session:
        from app.models import Process

        billing = session.scalars(select(Process.id).where(Process.code == "FACTURACION")).one()
    story.move("clerk", number, "route", process_id=str(billing), reason="Revisar el consumo de junio")
    owner = story.page("owner")
    story.open(owner, f"/pqr/{number}")
    press(owner, owner.locator('a[href*="/orden/issue"]').first)
    story.check(owner)
    press(owner, owner.locator('a[href*="kind=PRIOR_REVIEW"]').first)
    story.check(owner)
    owner.select_option("#assignee", label="Wilson Ficticio")
    owner.fill("#instructions", "Revisar medidor y fugas")
    press(owner, "main form button.btn-go")
    story.check(owner)
    story.open(owner, f"/pqr/{number}")
    press(owner, owner.locator(f'a[href="/pqr/{number}/move/solve"]').first)
    owner.fill("#solution", "Antes de ir a mirar")
    owner.select_option("#outcome", "DENIED")
    press(owner, "main form button.btn-go")
    assert story.status(number) is PqrStatus.ROUTED, "the answer waits for the order"


def review_on_a_telephone(story: Story) -> None:
    story.at("2026-07-16T15:00-05:00")
    phone = story.page("technician", **PHONE)
    story.open(phone, "/tecnico/")
    assert not phone.evaluate(WIDE)
    press(phone, phone.locator(".orders a").first)
    phone.wait_for_selector("body[data-field=ready]")
    story.check(phone)
    assert not phone.evaluate(WIDE)
    found = {"meter_number": "M-7781", "is_meter_of_account": "YES", "reading": "1462", "seals": "INTACT", "meter_condition": "GOOD",
             "leak_inside": "YES", "leak_outside": "NO", "leaks": "Gotea la cisterna del baño", "use": "RESIDENTIAL", "is_tested": "NO",
             "conclusion": "LEAK_INSIDE", "explanation": "La cisterna pierde agua día y noche", "attended": "OCCUPANT",
             "attended_by": "Rosa Ficticia"}  # fmt: skip
    form = "form[data-name=done]"
    story.fill(phone, form, found)
    canvas = phone.locator(f"{form} canvas[tabindex]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    phone.mouse.move(box["x"] + 20, box["y"] + 20)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    phone.mouse.up()
    phone.locator(f"{form} button[type=submit]").click()
    phone.wait_for_selector(form, state="detached")
    with story.server.session() as session:
        order = session.scalars(select(FieldOrder)).one()
        assert (order.status, order.result["conclusion"]) == (OrderStatus.DONE, "LEAK_INSIDE")


def deny(story: Story, number: str) -> None:
    story.at("2026-07-22T15:00-05:00")
    story.move("owner", number, "solve", solution="Hay una fuga visible dentro del predio.", outcome="DENIED")
    answer(story, number, "Señora Torres:\n\nNo accedemos: la revisión encontró una fuga dentro del predio.")
    story.at("2026-07-23T11:00-05:00")
    story.move("manager", number, "issue_answer")
    assert story.status(number) is PqrStatus.ANSWERED


def answer(story: Story, number: str, body: str) -> None:
    owner = story.page("owner")
    story.open(owner, f"/pqr/{number}/draft")
    owner.fill("#body", body)
    for box in owner.locator('input[name$="-is_covered"]').all():
        box.check()
    owner.click('button[value="save"]')
    owner.wait_for_url(f"**/pqr/{number}")


def notify_by_aviso(story: Story, number: str) -> None:
    story.at("2026-07-24T09:00-05:00")
    page = story.move("clerk", number, "summon", address="Calle 10 # 4-20", courier="Mensajería", guide="77001")
    assert "CIT-2026-000001" in page.inner_text("main")
    story.at("2026-07-31T09:00-05:00")  # the last of the five days to come
    page.goto(f"/pqr/{number}/move/send_aviso")
    press(page, "main form button.btn-go")
    assert page.locator("main form .error, main form [aria-invalid=true]").count(), "the citizen may still come"
    story.at("2026-08-03T09:00-05:00")
    story.move("clerk", number, "send_aviso", courier="Mensajería", guide="77002")
    story.at("2026-08-04T16:00-05:00")
    with story.server.session() as session:
        pqr = session.scalars(select(Pqr).where(Pqr.number == number)).one()
        aviso = next(notice for notice in pqr.notices if notice.paper and notice.paper.number.startswith("AVI-"))
        letter = str(aviso.id)
    story.move("clerk", number, "record_delivery", attempt=letter, result="DELIVERED", proof="Recibió Rosa Ficticia, CC 41")
    assert story.status(number) is PqrStatus.ANSWERED, "delivered is not yet served"
    story.night("2026-08-06T00:10-05:00")
    with story.server.session() as session:
        pqr = session.scalars(select(Pqr).where(Pqr.number == number)).one()
        assert (pqr.status, pqr.notified_on, pqr.appeal_until) == (PqrStatus.NOTIFIED, date(2026, 8, 5), date(2026, 8, 13))


def appeal(story: Story, number: str) -> str:
    story.at("2026-08-13T16:00-05:00")  # the last day: 7 August is a holiday
    story.move(
        "clerk", number, "appeal", recurso="REPOSICION_APELACION", appealed_act="INVOICING",
        recurso_text="No hay ninguna fuga. Que lo revise la Superintendencia.", is_undisputed_paid=True,
    )  # fmt: skip
    with story.server.session() as session:
        row = session.scalars(select(Appeal)).one()
        assert row.is_timely
        assert row.is_admitted
        assert (row.pqr.number, row.pqr.due_on) == ("PQR-2026-000002", date(2026, 9, 4))  # 17 August does not count
        assert row.against.status is PqrStatus.APPEALED
        return row.pqr.number


def confirm(story: Story, number: str, child: str) -> None:
    story.at("2026-08-20T10:00-05:00")
    with story.server.session() as session:
        process_id = session.scalars(select(Pqr.process_id).where(Pqr.number == number)).one()
        from app.models import Process

        billing = session.scalars(select(Process.id).where(Process.code == "FACTURACION")).one()
        assert process_id != billing
    story.move("clerk", child, "route", process_id=str(billing), reason="Resolver el recurso")
    story.move("owner", child, "solve", solution="La fuga se volvió a comprobar.", outcome="CONFIRMED")
    answer(story, child, "Señora Torres:\n\nConfirmamos la decisión: la fuga está dentro del predio.")
    story.at("2026-08-21T10:00-05:00")
    story.move("manager", child, "issue_answer")
    story.at("2026-08-24T10:00-05:00")
    record = {"name": "notificacion.pdf", "mimeType": "application/pdf", "buffer": one_page()}
    story.move("clerk", child, "notify", way="IN_PERSON", identification="CC 52123456", proof_file=record)
    assert story.status(child) is PqrStatus.NOTIFIED


def one_page() -> bytes:
    from pypdf import PdfWriter

    writer, content = PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(content)
    return content.getvalue()


def send_to_superservicios(story: Story, number: str, child: str) -> None:
    story.at("2026-08-26T10:00-05:00")
    clerk = story.page("clerk")
    story.open(clerk, f"/pqr/{child}")
    press(clerk, f'form[action="/pqr/{child}/sspd-file"] button')
    story.check(clerk)
    links = clerk.locator("section:has(#sspd) a[href*='/files/']")
    whole = next(link for link in links.all() if "EXP" in link.inner_text())
    pdf = download(clerk, whole)
    told = text_of(pdf)
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 8
    for act in ("PQR-2026-000001", "ORP-2026-000001", "RES-2026-000001", "CIT-2026-000001", "AVI-2026-000001", child, "RES-2026-000002"):
        assert act in told, f"{act} is missing from the file"
    originals = zipfile.ZipFile(io.BytesIO(download(clerk, clerk.locator("section:has(#sspd) a", has_text="ZIP"))))
    assert originals.testzip() is None
    assert len(originals.namelist()) > 8
    story.move("clerk", child, "send_to_sspd", number="SSPD-2026-1", proof="Radicado por la página de la Superintendencia")
    with story.server.session() as session:
        row = session.scalars(select(Appeal)).one()
        assert (row.sspd_due_on, row.sspd_sent_on) == (date(2026, 8, 27), date(2026, 8, 26))
        assert [event.move for event in row.pqr.events][-1] is Move.SEND_TO_SSPD
    story.night("2026-09-30T00:10-05:00")
    assert (story.status(number), story.status(child)) == (PqrStatus.APPEALED, PqrStatus.NOTIFIED), "nothing is final before Superservicios"
