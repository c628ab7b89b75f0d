"""The pages by which a case is stopped, gets more time, or ends without an answer."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app.domain.deadlines import Regime
from app.domain.states import Identity, PqrStatus, RequirementKind
from app.models import Document, Notice, OutboxMessage, Process, Requirement
from app.operations import pqr as operations
from app.operations import requirements
from app.security import AUXILIAR, DUENO, SUBGERENTE

HOW = "En ventanilla; firmó el recibido"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture(autouse=True)
def on(app):
    """on(day) → it is ten in the morning of that day; 14 July 2026 at first."""

    def set_clock(day):
        app.config["ATIENDE_NOW"] = f"{day}T10:00-05:00"

    set_clock("2026-07-14")
    return set_clock


@pytest.fixture
def clerk(client, a_user, login):
    return login(client, a_user(AUXILIAR))


@pytest.fixture
def owner(app, a_user, login):
    return login(app.test_client(), a_user(DUENO, "FACTURACION"))


@pytest.fixture
def manager(app, a_user, login):
    return login(app.test_client(), a_user(SUBGERENTE))


@pytest.fixture
def routed(seeded, a_case):
    """routed(**fields) → a case of Friday 10 July 2026 in Facturación."""

    def build(**fields):
        pqr = a_case(at=instant("2026-07-10"), **fields)
        process = seeded.scalars(select(Process).where(Process.code == "FACTURACION")).one()
        operations.route(seeded, pqr, process, "Revisar", at=instant("2026-07-10", 11), actor_id=None)
        return pqr

    return build


def page(client, pqr, move):
    return client.get(f"/pqr/{pqr.number}/move/{move}")


def send(client, pqr, move, **data):
    return client.post(f"/pqr/{pqr.number}/move/{move}", data=data)


def buttons(client, pqr):
    return set(re.findall(rf"/pqr/{pqr.number}/move/(\w+)", client.get(f"/pqr/{pqr.number}").text))


def fields(answer):
    return set(re.findall(r'(?:name="|id=")(what|until|reason|on|how|requirement|extra|body|body_address)"', answer.text))


# ── Requests: issued, then told ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_issued_at_the_desk_and_told_afterwards(seeded, routed, clerk, on):
    pqr = routed()
    assert fields(page(clerk, pqr, "issue_request")) == {"requirement", "what"}
    answer = send(clerk, pqr, "issue_request", requirement="COMPLETION", what="Copia de la factura")
    assert answer.status_code == 302
    seeded.expire_all()
    requirement = seeded.scalars(select(Requirement)).one()
    shown = clerk.get(f"/pqr/{pqr.number}").text
    assert requirement.document.number in shown and "Copia de la factura" in shown
    assert (pqr.status, requirement.told_on) == (PqrStatus.ROUTED, None)

    on("2026-07-21")
    assert fields(page(clerk, pqr, "request_completion")) == {"on", "how"}
    assert send(clerk, pqr, "request_completion", on="2026-07-16", how="Correo certificado, guía 123").status_code == 302
    seeded.expire_all()
    assert (pqr.status, requirement.told_on, requirement.until_on) == (PqrStatus.AWAITING_USER, date(2026, 7, 16), date(2026, 8, 18))


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"on": "2026-07-13", "how": HOW}, "on"),
        ({"on": "2026-07-22", "how": HOW}, "on"),
        ({"on": "", "how": HOW}, "on"),
        ({"on": "2026-07-16", "how": " "}, "how"),
    ],
)
def test_an_unlawful_notice_is_refused_beside_its_field_and_keeps_what_was_typed(seeded, routed, clerk, on, told, field):
    pqr = routed()
    send(clerk, pqr, "issue_request", requirement="COMPLETION", what="Copia de la factura")
    on("2026-07-21")
    answer = send(clerk, pqr, "request_completion", **told)
    seeded.expire_all()

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert told["how"] in answer.text
    assert pqr.status is PqrStatus.ROUTED


def test_who_is_at_the_counter_is_asked_and_told_in_one_press(seeded, routed, clerk):
    pqr = routed()
    assert fields(page(clerk, pqr, "request_completion")) == {"what", "how"}
    assert send(clerk, pqr, "request_completion", what="Copia de la factura", how=HOW).status_code == 302
    seeded.expire_all()

    assert pqr.status is PqrStatus.AWAITING_USER
    assert seeded.scalars(select(Requirement.told_on)).one() == date(2026, 7, 14)


def test_nothing_asked_leaves_no_document(seeded, routed, clerk):
    answer = send(clerk, routed(), "request_completion", what=" - ", how=HOW)

    assert answer.status_code == 422 and 'id="what-error"' in answer.text
    assert seeded.scalars(select(Document)).all() == []


def test_with_consent_the_link_leaves_by_mail_and_opening_it_stops_the_clock(seeded, routed, clerk, on):
    pqr = routed(is_e_notice=True, notice_email="luz@example.com")
    send(clerk, pqr, "issue_request", requirement="COMPLETION", what="Copia de la factura")
    seeded.expire_all()
    notice = seeded.scalars(select(Notice)).one()
    mail = seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == "act")).one()
    assert (mail.to_address, notice.document.number in mail.subject) == ("luz@example.com", True)
    assert f"/n/{notice.token}" in mail.body

    on("2026-07-16")
    citizen = clerk.application.test_client()
    opening = citizen.get(f"/n/{notice.token}")
    assert opening.status_code == 200
    seeded.expire_all()
    assert pqr.status is PqrStatus.ROUTED  # a robot that only looks at the link serves nobody
    ticket = re.search(r'name="ticket"[^>]*value="([^"]*)"', opening.text)
    citizen.post(f"/n/{notice.token}", data={"ticket": ticket[1] if ticket else ""})
    seeded.expire_all()
    assert (pqr.status, pqr.events[-1].on) == (PqrStatus.AWAITING_USER, date(2026, 7, 16))


def test_evidence_is_ordered_by_who_handles_the_case(seeded, routed, clerk, owner):
    pqr = routed()
    assert "EVIDENCE" not in re.findall(r'value="(\w+)"', page(clerk, pqr, "issue_request").text)
    assert "EVIDENCE" in re.findall(r'value="(\w+)"', page(owner, pqr, "issue_request").text)
    assert fields(page(owner, pqr, "issue_request")) == {"requirement", "what", "until", "reason"}
    data = {"requirement": "EVIDENCE", "what": "Visita", "reason": "Hay que leerlo", "until": "2026-08-14"}
    assert send(clerk, pqr, "issue_request", **data).status_code == 422
    assert send(owner, pqr, "issue_request", **data).status_code == 302
    assert send(owner, pqr, "order_evidence", on="2026-07-14", how=HOW).status_code == 302
    seeded.expire_all()

    assert pqr.status is PqrStatus.EVIDENCE
    assert page(owner, pqr, "close_evidence").status_code == 200


def test_the_page_of_an_order_tells_its_bound(seeded, routed, owner):
    answer = send(owner, routed(), "order_evidence", what="Visita", reason="Hay que leerlo", until="2026-12-14", how=HOW)

    assert answer.status_code == 422
    assert 'id="until-error"' in answer.text and "28/08/2026" in answer.text


# ── Which buttons a case offers ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_buttons_are_those_that_the_case_needs(seeded, routed, manager, clerk, on):
    pqr = routed()
    assert {"issue_request", "request_completion", "clarify"} <= buttons(clerk, pqr)
    assert "extend" not in buttons(manager, pqr)  # Law 142 has none
    send(clerk, pqr, "issue_request", requirement="CLARIFICATION", what="Qué factura discute")
    assert {"issue_request", "request_completion"}.isdisjoint(buttons(clerk, pqr))
    assert "clarify" in buttons(clerk, pqr)
    send(clerk, pqr, "clarify", on="2026-07-14", how=HOW)
    assert {"complete", "complete_partly"} <= buttons(clerk, pqr) and "extend_completion" not in buttons(clerk, pqr)
    assert buttons(manager, pqr) & {"withdraw", "archive"} == {"archive"}


def test_an_anonymous_case_offers_no_request(seeded, routed, clerk):
    pqr = routed(identity=Identity.ANONYMOUS, party=None)

    assert {"issue_request", "request_completion", "clarify"}.isdisjoint(buttons(clerk, pqr))
    assert send(clerk, pqr, "request_completion", what="Copia", how=HOW).status_code == 422


# ── The citizen, the extension, the ends ──────────────────────────────────────────────────────────────────────────────────


def test_more_time_a_part_and_the_whole(seeded, routed, clerk, on):
    pqr = routed()
    send(clerk, pqr, "request_completion", what="Copia de la factura\nFoto", how=HOW)
    on("2026-07-21")
    assert send(clerk, pqr, "complete_partly", on="2026-07-21", reason="Trajo la copia").status_code == 302
    assert send(clerk, pqr, "extend_completion", on="2026-07-21", reason="Lo pidió por teléfono").status_code == 302
    seeded.expire_all()
    requirement = requirements.open_of(seeded, pqr)
    assert (pqr.status, requirement.extended_until) == (PqrStatus.AWAITING_USER, date(2026, 9, 14))
    assert "extend_completion" not in buttons(clerk, pqr)

    assert send(clerk, pqr, "complete", on="2026-07-21", reason="Trajo la foto").status_code == 302
    seeded.expire_all()
    assert pqr.status is PqrStatus.ROUTED and requirements.open_of(seeded, pqr) is None


def test_a_withdrawal_before_its_day_names_the_day(seeded, routed, clerk, manager, on):
    pqr = routed()
    send(clerk, pqr, "request_completion", what="Copia de la factura", how=HOW)
    on("2026-08-14")
    early = send(manager, pqr, "withdraw", reason="No completó")
    assert early.status_code == 422 and "14/08/2026" in early.text
    on("2026-08-18")
    assert send(manager, pqr, "withdraw", reason="No completó").status_code == 302
    seeded.expire_all()

    assert pqr.status is PqrStatus.WITHDRAWN
    assert "DES-2026-000001" in manager.get(f"/pqr/{pqr.number}").text


def test_a_citizen_without_consent_has_word_of_the_withdrawal_with_number_and_key(seeded, routed, clerk, manager, on):
    pqr = routed()
    send(clerk, pqr, "request_completion", what="Copia de la factura", how=HOW)
    on("2026-08-18")
    send(manager, pqr, "withdraw", reason="No completó")
    mails = seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == "act").order_by(OutboxMessage.id)).all()

    assert [mail.to_address for mail in mails] == [pqr.party.email] * 2
    assert "/n/" not in mails[-1].body and pqr.access_key not in mails[-1].body


def test_an_extension_is_offered_outside_law_142_with_its_most(seeded, routed, manager):
    pqr = routed(request_type="PETICION", regime=Regime.LEY1755)
    assert "extend" in buttons(manager, pqr)
    assert "15" in page(manager, pqr, "extend").text
    too_long = send(manager, pqr, "extend", extra="16", reason="El laboratorio tarda", how=HOW)
    assert too_long.status_code == 422 and 'id="extra-error"' in too_long.text
    assert send(manager, pqr, "extend", extra="15", reason="El laboratorio tarda", how=HOW).status_code == 302
    seeded.expire_all()

    assert (pqr.due_on, pqr.n_extended) == (date(2026, 8, 27), 15)
    assert "art. 14 parágrafo" in manager.get(f"/pqr/{pqr.number}").text
    assert "extend" not in buttons(manager, pqr)


def test_law_142_refuses_an_extension_at_its_door(seeded, routed, manager):
    pqr = routed()
    answer = send(manager, pqr, "extend", extra="5", reason="El laboratorio tarda", how=HOW)
    seeded.expire_all()

    assert answer.status_code == 422
    assert (pqr.n_extended, pqr.due_on) == (0, date(2026, 8, 4))


@pytest.mark.parametrize(("code", "is_verbal"), [("TELEFONO", True), ("WEB", False)])
def test_a_transfer_says_until_when_and_at_once_to_who_asked_by_word_of_mouth(seeded, routed, clerk, code, is_verbal):
    pqr = routed(channel=code)
    shown = page(clerk, pqr, "transfer").text

    assert 'datetime="2026-07-21"' in shown
    assert ('class="pill warn"' in shown) == is_verbal


def test_a_transfer_without_addressee_is_refused_and_with_it_ends_the_case(seeded, routed, clerk):
    pqr = routed()
    answer = send(clerk, pqr, "transfer", body="Alcaldía de Prueba", reason="Es de alumbrado público")
    assert answer.status_code == 422 and 'id="body_address-error"' in answer.text
    send(clerk, pqr, "transfer", body="Alcaldía de Prueba", body_address="Calle 3", reason="Es de alumbrado público")
    seeded.expire_all()

    assert pqr.status is PqrStatus.TRANSFERRED
    assert "TRA-2026-000001" in clerk.get(f"/pqr/{pqr.number}").text
    assert seeded.scalars(select(Requirement).where(Requirement.kind == RequirementKind.EVIDENCE)).all() == []


def test_my_day_proposes_what_was_not_completed_in_time_to_who_may_end_it(seeded, routed, clerk, manager, on):
    late, waiting = routed(), routed()
    send(clerk, late, "request_completion", what="Copia de la factura", how=HOW)
    on("2026-07-21")
    send(clerk, waiting, "request_completion", what="Copia de la factura", how=HOW)
    assert "asked=over" not in re.sub("&amp;", "&", manager.get("/").text)
    on("2026-08-18")

    assert "asked=over" in manager.get("/").text and "asked=over" not in clerk.get("/").text
    over, has_time = manager.get("/pqr/?asked=over").text, manager.get("/pqr/?asked=waits").text
    assert late.number in over and waiting.number not in over
    assert waiting.number in has_time and late.number not in has_time


def test_an_answer_that_refers_to_another_names_it(seeded, routed, owner):
    earlier, pqr = routed(), routed()
    data = {"outcome": "REFERRED", "solution": "Ya se respondió"}
    for number, said in (("", "earlier_number-error"), ("PQR-1999-000001", "PQR-1999-000001"), (earlier.number, "earlier_number-error")):
        answer = send(owner, pqr, "solve", earlier_number=number, **data)
        assert answer.status_code == 422 and said in answer.text


def test_who_may_not_know_a_reserved_petitioner_reads_the_request_and_not_how_it_was_told(seeded, routed, manager, owner, a_party):
    party = a_party(name="Nombre Reservado")
    pqr = routed(request_type="PETICION", regime=Regime.LEY1755, identity=Identity.RESERVED, party=party)
    send(manager, pqr, "extend", extra="5", reason="El laboratorio tarda", how="Llamada a Nombre Reservado")
    seeded.expire_all()
    letter = seeded.scalars(select(Document)).one()
    shown = owner.get(f"/pqr/{pqr.number}").text

    assert letter.number in shown and "Nombre Reservado" not in shown
    assert "Llamada a Nombre Reservado" in manager.get(f"/pqr/{pqr.number}").text
    assert owner.get(f"/pqr/{pqr.number}/files/{letter.file_id}").status_code == 200


def test_the_citizen_reads_what_is_missing_and_until_when(seeded, routed, clerk, app):
    pqr = routed()
    send(clerk, pqr, "issue_request", requirement="COMPLETION", what="Copia de la factura")
    door = {"number": pqr.number, "key": pqr.access_key}
    citizen = app.test_client()
    assert 'id="missing-title"' not in citizen.post("/pqr/consulta", data=door).text  # issued is not told
    send(clerk, pqr, "request_completion", on="2026-07-14", how=HOW)
    shown = citizen.post("/pqr/consulta", data=door).text

    assert 'id="missing-title"' in shown and "Copia de la factura" in shown and "14 de agosto de 2026" in shown
