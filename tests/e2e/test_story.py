"""The whole story, with five people in real browsers: citizen, clerk, owner, manager, and control, who reads the log."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select

from app.domain.states import Move, NoticeMeans, PqrStatus
from app.models import Account, OutboxMessage, Party, Pqr, Process
from app.security import AUXILIAR, CONTROL, DUENO, SUBGERENTE
from tests.e2e.conftest import press, sign_in
from tests.factories import Factory


@pytest.fixture
def people(live_server) -> dict[str, str]:
    """User names by what each does; an account with a party; Facturación has its owner."""
    with live_server.session() as session:
        make = Factory(session)
        names = {
            "clerk": make.user(AUXILIAR, first_name="Marcela", last_name="Ficticia").username,
            "owner": make.user(DUENO, "FACTURACION", first_name="Diana", last_name="Ficticia").username,
            "manager": make.user(SUBGERENTE, first_name="Jorge", last_name="Ficticio").username,
            "control": make.user(CONTROL, first_name="Elsa", last_name="Ficticia").username,
        }
        make.account(number="104220187")
        session.commit()
    return names


def download(page: Any, selector: str) -> bytes:
    with page.expect_download() as started:
        page.click(selector)
    with open(started.value.path(), "rb") as file:
        return file.read()


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def move(page: Any, number: str, name: str, **values: str) -> None:
    """Make one move from the page of the case, as a person: its button, its form, its confirmation."""
    page.goto(f"/pqr/{number}")
    page.click(f'a[href="/pqr/{number}/move/{name}"]')
    for field, value in values.items():
        if page.locator(f"select#{field}").count():
            page.select_option(f"#{field}", label=value)
        else:
            page.fill(f"#{field}", value)
    page.click("main form button.btn-go")
    page.wait_for_url(f"**/pqr/{number}")


def file_as_citizen(page: Any) -> tuple[str, str, bytes]:
    """File by the public form; return number, key and the receipt."""
    page.goto("/pqr/nueva")
    page.check('input[name="request_type"] >> nth=0')
    page.fill("#body", "La factura de junio cobra 62 m³ y siempre gastamos entre 14 y 18. Pido revisar el medidor. =1+1 <b>gracias</b> 😀")
    page.fill("#account_number", "104220187")
    page.set_input_files("#files", {"name": "factura.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"})
    page.check('input[name="identity"][value="NAMED"]')
    page.fill("#name", "Ana Milena Torres")
    page.select_option("#document_type", "CC")
    page.fill("#document_number", "52123456")
    page.fill("#email", "ana@example.com")
    page.check("#is_e_notice")
    page.check("#accepts_data")
    page.click("main form button.btn-go >> nth=-1")
    page.wait_for_url("**/pqr/radicada/**")
    number, key = page.inner_text(".big.num"), page.inner_text(".key")
    return number, key, download(page, 'a[href*="/pqr/recibo/"]')


def look_up(page: Any, number: str, key: str) -> str:
    page.goto("/pqr/consulta")
    page.fill("#number", number)
    page.fill("#key", key)
    press(page, "main form button.btn-go")
    return page.inner_text("main")


def test_a_petition_goes_from_the_public_form_to_the_closed_case_and_its_log(live_server, people, new_page):
    live_server.app.config["PORTAL_MIN_SECONDS"] = 0  # the robot check has its own tests
    live_server.at("2026-07-10T10:00-05:00")
    citizen = new_page(viewport={"width": 360, "height": 740})
    number, key, receipt = file_as_citizen(citizen)

    told = text_of(receipt)
    assert number == "PQR-2026-000001"
    assert number in told
    assert key in told
    assert "4 de agosto de 2026" in told

    live_server.at("2026-07-13T10:00-05:00")  # a holiday: nothing is counted
    live_server.at("2026-07-14T09:00-05:00")
    clerk = sign_in(new_page(), people["clerk"])
    move(clerk, number, "route", process_id="Facturación", reason="Revisar el consumo de junio")
    clerk.fill("#note-body", "Llamar antes de ir: hay un perro")
    press(clerk, 'form[action$="/note"] button')
    assert "hay un perro" not in look_up(citizen, number, key)

    live_server.at("2026-07-22T15:00-05:00")
    owner = sign_in(new_page(), people["owner"])
    assert number in owner.goto("/pqr/").text()
    move(owner, number, "solve", outcome=owner_label(live_server, "DENIED"), solution="Se revisó el medidor: hay una fuga interna.")
    owner.goto(f"/pqr/{number}/draft")
    owner.fill("#body", "Respetada señora Torres:\n\nRevisamos el medidor y encontramos una fuga interna.")
    for box in owner.locator('input[name$="-is_covered"]').all():
        box.check()
    owner.click('button[value="save"]')
    owner.wait_for_url(f"**/pqr/{number}")
    assert owner.locator('a[href$="/move/issue_answer"]').count() == 0  # approving is the manager's

    live_server.at("2026-07-23T11:00-05:00")
    manager = sign_in(new_page(), people["manager"])
    move(manager, number, "issue_answer")
    letter = text_of(download(manager, f'section:has(#answer) a[href*="/pqr/{number}/files/"]'))
    assert "RES-2026-000001" in letter
    assert "fuga interna" in letter
    assert number in letter

    live_server.at("2026-07-24T18:00-05:00")
    with live_server.session() as session:
        mail = session.scalars(select(OutboxMessage).where(OutboxMessage.event == "answer")).one()
        link = next(word for word in mail.body.split() if "/n/" in word)
    assert mail.to_address == "ana@example.com"
    citizen.goto(link)
    with live_server.session() as session:
        assert session.scalars(select(Pqr.status)).one() is PqrStatus.ANSWERED  # looking at the page is not yet access
    press(citizen, "main form button.btn-go")
    assert "fuga interna" in citizen.inner_text("main")
    assert "fuga interna" in look_up(citizen, number, key)

    live_server.at("2026-08-03T08:00-05:00")  # five working days after the notice have passed
    move(clerk, number, "close")

    control = sign_in(new_page(), people["control"])
    control.goto("/reports/response-times/")
    assert number in control.inner_text("main")
    workbook = load_workbook(io.BytesIO(download(control, 'a[href*="/report/response_times/excel"]')))
    assert_the_log_is_the_database(workbook, live_server)


def owner_label(live_server: Any, outcome: str) -> str:
    """Return how the sense of an answer reads on the screen."""
    from flask_babel import force_locale, gettext

    from app.domain.states import Outcome

    with live_server.app.test_request_context(), force_locale("es"):
        return gettext(Outcome[outcome].value)


def assert_the_log_is_the_database(workbook: Any, live_server: Any) -> None:
    """Compare the Excel cell by cell with what the rows say, computed here by hand."""
    sheet = workbook.worksheets[-1]
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0] and str(row[0]).startswith("PQR-")]
    with live_server.session() as session:
        pqr = session.scalars(select(Pqr)).one()
        party, account = session.get(Party, pqr.party_id), session.get(Account, pqr.account_id)
        billing = session.scalars(select(Process).where(Process.code == "FACTURACION")).one()
        routed = next(event for event in pqr.events if event.move is Move.ROUTE)
        notice = next(notice for notice in pqr.notices if notice.means is NoticeMeans.E_LINK)
        cells = list(rows[0])
        assert len(rows) == 1
        assert cells[0] == pqr.number
        assert cells[1] == datetime(2026, 7, 10, 10, 0)
        assert as_date(cells[2]) == pqr.effective_on == date(2026, 7, 10)
        assert cells[3:8] == [party.name, account.number, account.service.name, pqr.request_type.name, None]
        assert cells[8] == billing.name  # who attended it, not the desk that notified
        assert as_date(cells[9]) == routed.on == date(2026, 7, 14)
        assert billing.name in cells[10]
        assert [as_date(cell) for cell in cells[11:14]] == [pqr.solved_on, pqr.answered_on, pqr.notified_on]
        assert pqr.notified_on == notice.served_on == date(2026, 7, 24)
        # 10 July → 14 July is one working day (13 July is a holiday); → 22 July five (20 July too); → 23 one; → 24 one.
        assert cells[14:19] == [1, 5, 1, 1, 7]
        assert cells[19] in (None, 0)
        assert as_date(cells[20]) == pqr.due_on == date(2026, 8, 4)
        assert str(cells[21]).lower() in ("sí", "true", "yes")
        assert cells[22] in (None, 0)
        assert pqr.status is PqrStatus.CLOSED


def as_date(cell: Any) -> date:
    return cell.date() if isinstance(cell, datetime) else cell
