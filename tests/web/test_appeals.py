"""Recursos on the pages: recorded by the staff, filed by the citizen, and their file made, sent and decided."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app import documents
from app.domain.states import DocumentKind, Outcome, PqrStatus
from app.models import Channel, Pqr, RequestType
from app.operations.files import open_file
from app.security import AUXILIAR, CALIDAD, SUBGERENTE
from tests.db.test_appeals import Life, instant

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


@pytest.fixture
def life(seeded, make) -> Life:
    return Life(seeded, make)


@pytest.fixture
def clerk(sign_in):
    return sign_in(AUXILIAR)


def typed(life, **fields) -> dict[str, object]:
    return {
        "on": "2026-04-07",
        "channel": life.session.scalars(select(Channel.id)).first(),
        "recurso": "REPOSICION_APELACION",
        "appealed_act": "INVOICING",
        "recurso_text": "No estoy de acuerdo: el medidor está dañado.",
        "is_undisputed_paid": "y",
        **fields,
    }


def child_of(life, first) -> Pqr | None:
    life.session.expire_all()
    return life.session.scalars(select(Pqr).where(Pqr.previous_id == first.id)).one_or_none()


# ── Recorded by the staff ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_until_when_and_the_appeal_is_filed_with_its_papers(life, clerk, at):
    at("2026-04-07T10:00-05:00")
    first = life.first()
    life.session.commit()

    page = clerk.get(f"/pqr/{first.number}/move/appeal").get_data(as_text=True)
    assert "2026-04-07" in page
    assert 'name="recurso_text"' in page
    answer = clerk.post(f"/pqr/{first.number}/move/appeal", data=typed(life, brief_files=(io.BytesIO(PNG), "medidor.png")))
    child = child_of(life, first)

    assert answer.status_code == 302
    assert (first.status, child.status) == (PqrStatus.APPEALED, PqrStatus.RECEIVED)
    assert [stored.name for stored in child.files] == ["medidor.png"]
    page = clerk.get(f"/pqr/{first.number}").get_data(as_text=True)
    assert f"/pqr/{child.number}" in page
    page = clerk.get(f"/pqr/{child.number}").get_data(as_text=True)
    assert f"/pqr/{first.number}" in page
    assert "Admitted" in page


def test_a_late_appeal_is_filed_and_says_what_was_found_against_it(life, clerk, at):
    at("2026-04-20T10:00-05:00")
    first = life.first()
    life.session.commit()

    answer = clerk.post(
        f"/pqr/{first.number}/move/appeal", data=typed(life, on="2026-04-20", is_undisputed_paid=""), follow_redirects=True
    )
    child = child_of(life, first)

    assert (first.status, child.appeal.reasons) == (PqrStatus.NOTIFIED, ["LATE", "UNPAID_UNDISPUTED"])
    assert "Found against it" in answer.get_data(as_text=True)
    assert "art. 155" in clerk.get(f"/pqr/{child.number}").get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"on": ""}, "on"),
        ({"on": "2026-03-01"}, "on"),
        ({"on": "2026-05-01"}, "on"),
        ({"recurso": ""}, "recurso"),
        ({"recurso": "QUEJA"}, "recurso"),
        ({"recurso_text": "  "}, "recurso_text"),
        ({"channel": ""}, "channel"),
        ({"appealed_act": "NADA"}, "appealed_act"),
        ({"brief_files": (io.BytesIO(b"MZ\x90"), "virus.exe")}, ""),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_filed(life, clerk, at, fields, name):
    at("2026-04-07T10:00-05:00")
    first = life.first()
    life.session.commit()
    if "brief_files" in fields:
        fields = {"brief_files": (io.BytesIO(b"MZ\x90"), "virus.exe")}

    answer = clerk.post(f"/pqr/{first.number}/move/appeal", data=typed(life, **fields))
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert child_of(life, first) is None
    assert f'id="{name}-error"' in page or not name
    if fields.get("recurso_text") is None:
        assert "el medidor está dañado" in page, "what was typed is kept"


def test_an_answer_that_is_not_served_sends_to_its_notice_first(life, clerk, at):
    at("2026-03-24T10:00-05:00")
    pqr = life.answered(life.make.case(at=instant("2026-03-03")), "2026-03-20")
    life.session.commit()

    answer = clerk.post(f"/pqr/{pqr.number}/move/appeal", data=typed(life, on="2026-03-24"))

    assert answer.status_code == 422
    assert "art. 72" in answer.get_data(as_text=True)
    assert child_of(life, pqr) is None


def test_the_decision_offers_only_its_own_words(life, sign_in, at):
    at("2026-04-10T10:00-05:00")
    child = life.appeal(life.first(), "2026-03-30")
    process = child.process
    life.session.commit()
    clerk = sign_in("Admin")
    clerk.post(f"/pqr/{child.number}/move/route", data={"process_id": _other(life, process), "reason": "Es de su área"})

    page = clerk.get(f"/pqr/{child.number}/move/solve").get_data(as_text=True)

    assert 'value="CONFIRMED"' in page
    assert 'value="GRANTED"' not in page


def test_registered_as_a_recurso_with_its_earlier_case_it_is_an_appeal_against_it(life, clerk, at):
    at("2026-04-06T10:00-05:00")
    first = life.first()
    life.session.commit()
    kind = life.session.scalars(select(RequestType.id).where(RequestType.code == "RECURSO")).one()
    data = {
        "submission": "one", "request_type": kind, "channel": first.channel_id, "identity": "NAMED", "document_type": "CC",
        "document_number": "52123456", "name": "Ana Ficticia", "subject": "Recurso", "body": "No estoy de acuerdo",
        "previous_number": first.number,
    }  # fmt: skip

    answers = [clerk.post("/pqr/register", data=data) for _twice in range(2)]
    child = child_of(life, first)

    assert {answer.location for answer in answers} == {f"/pqr/{child.number}"}
    assert (child.appeal.against, child.appeal.kind.name, first.status) == (first, "REPOSICION", PqrStatus.APPEALED)
    refused = clerk.post("/pqr/register", data=data | {"submission": "two"})
    assert refused.status_code == 422
    assert child.number in refused.get_data(as_text=True)


def _other(life, process) -> int:
    from app.models import Process

    return life.session.scalars(select(Process.id).where(Process.id != process.id, Process.is_active)).first()


# ── Superservicios ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_is_made_sent_and_decided_from_the_page_of_the_case(life, clerk, at):
    at("2026-04-24T10:00-05:00")
    first = life.first()
    documents.receipt_of(life.session, first, instant("2026-03-03"))
    child = life.decided(first, Outcome.CONFIRMED)
    number = child.number
    life.session.commit()

    page = clerk.get(f"/pqr/{number}").get_data(as_text=True)
    assert f"/pqr/{number}/sspd-file" in page
    assert clerk.post(f"/pqr/{number}/sspd-file").status_code == 302
    life.session.expire_all()
    appeal = child.appeal
    assert appeal.sspd_file.kind is DocumentKind.SSPD_FILE
    with open_file(appeal.sspd_zip) as stored:
        assert "indice.csv" in zipfile.ZipFile(io.BytesIO(stored.read())).namelist()
    served = clerk.get(f"/pqr/{number}/files/{appeal.sspd_file.file_id}")
    assert len(PdfReader(io.BytesIO(served.data)).pages) == appeal.sspd_file.data["n_folios"]
    assert clerk.get(f"/pqr/{number}/files/{appeal.sspd_zip_id}").status_code == 200

    refused = clerk.post(f"/pqr/{number}/move/record_result", data={"on": "2026-04-24", "result": "CONFIRMED", "number": "SSPD 1"})
    assert refused.status_code == 422
    refused = clerk.post(f"/pqr/{number}/move/send_to_sspd", data={"on": "2026-04-24", "proof": ""})
    assert (refused.status_code, 'id="proof-error"' in refused.get_data(as_text=True)) == (422, True)
    clerk.post(f"/pqr/{number}/move/send_to_sspd", data={"on": "2026-04-24", "proof": "Guía 77", "number": "2026529001"})
    life.session.expire_all()
    assert (appeal.sspd_sent_on, appeal.sspd_number) == (date(2026, 4, 24), "2026529001")

    at("2026-07-01T10:00-05:00")
    data = {"on": "2026-06-30", "result": "REVOKED", "number": "SSPD 20268140123", "proof_file": (io.BytesIO(PNG), "resolucion.png")}
    assert clerk.post(f"/pqr/{number}/move/record_result", data=data).status_code == 302
    life.session.expire_all()
    assert (appeal.sspd_result, appeal.sspd_result_file.name, child.outcome) == (Outcome.REVOKED, "resolucion.png", Outcome.CONFIRMED)
    page = clerk.get(f"/pqr/{number}").get_data(as_text=True)
    assert "SSPD 20268140123" in page
    assert "/sspd-file" not in page, "what was sent is not made again"


def test_a_file_that_cannot_be_made_says_why(life, clerk, at):
    at("2026-04-24T10:00-05:00")
    child = life.decided(life.first(), Outcome.REVOKED)
    life.session.commit()

    answer = clerk.post(f"/pqr/{child.number}/sspd-file", follow_redirects=True)

    assert "art. 159" in answer.get_data(as_text=True)
    assert child.appeal.sspd_file_id is None


@pytest.mark.parametrize(("role", "is_offered"), [(SUBGERENTE, True), (CALIDAD, False)])
def test_the_button_is_there_for_whoever_may(life, sign_in, at, role, is_offered):
    at("2026-04-24T10:00-05:00")
    child = life.decided(life.first(), Outcome.CONFIRMED)
    life.session.commit()

    page = sign_in(role).get(f"/pqr/{child.number}").get_data(as_text=True)

    assert ("/sspd-file" in page) is is_offered


# ── Filed by the citizen ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def citizen(client):
    client.get("/lang/en")
    return client


def status_page(citizen, pqr) -> str:
    return citizen.post("/pqr/consulta", data={"number": pqr.number, "key": pqr.access_key}).get_data(as_text=True)


def link_of(page: str) -> str:
    found = re.search(r'href="(/pqr/recurso/[^"]+)"', page)
    return found[1] if found else ""


def written(page: str, **fields) -> dict[str, object]:
    ticket = re.search(r'name="ticket"[^>]*value="([^"]+)"', page)
    return {"ticket": ticket[1], "kind": "REPOSICION_APELACION", "text": "El medidor está dañado.", "accepts_data": "y", **fields}


def test_a_citizen_appeals_from_the_page_of_the_case(life, citizen, at):
    at("2026-04-07T20:00-05:00")  # any hour of the last day
    first = life.first(is_e_notice=True, notice_email="luz@example.com")
    life.session.commit()

    link = link_of(status_page(citizen, first))
    page = citizen.get(link).get_data(as_text=True)
    answer = citizen.post(link, data=written(page, files=(io.BytesIO(PNG), "pago.png")))
    child = child_of(life, first)

    assert answer.status_code == 303
    assert (first.status, child.appeal.is_admitted, child.filed_on) == (PqrStatus.APPEALED, True, date(2026, 4, 7))
    assert [stored.name for stored in child.files] == ["pago.png"]
    assert (child.channel.code, child.is_e_notice) == ("WEB", True)
    confirmation = citizen.get(answer.location).get_data(as_text=True)
    assert child.number in confirmation
    assert not link_of(status_page(citizen, first)), "an answer is appealed once"


def test_pressing_twice_files_once(life, citizen, at):
    at("2026-04-07T10:00-05:00")
    first = life.first()
    life.session.commit()
    link = link_of(status_page(citizen, first))
    data = written(citizen.get(link).get_data(as_text=True))

    assert [citizen.post(link, data=data).status_code for _twice in range(2)] == [303, 303]
    assert child_of(life, first) is not None


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"kind": ""}, "kind"), ({"kind": "QUEJA"}, "kind"), ({"text": " "}, "text"), ({"text": "a" * 20_001}, "text")],
)
def test_what_lacks_is_said_and_what_was_written_stays(life, citizen, at, fields, name):
    at("2026-04-07T10:00-05:00")
    first = life.first()
    life.session.commit()
    link = link_of(status_page(citizen, first))

    answer = citizen.post(link, data=written(citizen.get(link).get_data(as_text=True), **fields))
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert f'id="{name}-error"' in page
    assert child_of(life, first) is None
    if name == "kind":
        assert "El medidor está dañado." in page


def test_a_page_that_stayed_open_keeps_the_text(life, citizen, at):
    at("2026-04-07T10:00-05:00")
    first = life.first()
    life.session.commit()
    link = link_of(status_page(citizen, first))

    answer = citizen.post(link, data={"ticket": "x", "kind": "REPOSICION", "text": "El medidor está dañado."})

    assert answer.status_code == 400
    assert "El medidor está dañado." in answer.get_data(as_text=True)
    assert child_of(life, first) is None


@pytest.mark.parametrize("today", ["2026-04-08", "2026-05-04"])
def test_after_the_term_the_page_offers_nothing_and_an_old_link_says_so(life, citizen, at, today):
    at("2026-04-07T10:00-05:00")
    first = life.first()
    life.session.commit()
    link = link_of(status_page(citizen, first))
    data = written(citizen.get(link).get_data(as_text=True))

    at(f"{today}T10:00-05:00")

    assert not link_of(status_page(citizen, first))
    assert citizen.get(link).status_code == 409
    assert citizen.post(link, data=data).status_code == 409
    assert child_of(life, first) is None


def test_an_answer_that_is_not_served_offers_no_appeal(life, citizen, at):
    at("2026-03-24T10:00-05:00")
    pqr = life.answered(life.make.case(at=instant("2026-03-03")), "2026-03-20")
    life.session.commit()

    assert not link_of(status_page(citizen, pqr))


def test_a_link_of_something_else_opens_nothing(citizen):
    assert citizen.get("/pqr/recurso/nada").status_code == 404


def test_the_citizen_reads_where_the_appeal_goes(life, citizen, at):
    at("2026-04-24T10:00-05:00")
    child = life.decided(life.first(), Outcome.CONFIRMED)
    life.session.commit()

    page = status_page(citizen, child)

    assert "2026-04-27" in page or "27 April 2026" in page or "April 27, 2026" in page
    assert not link_of(page)


# ── What waits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_my_day_leads_to_the_files_that_have_to_be_sent(life, clerk, at):
    at("2026-04-24T10:00-05:00")
    child = life.decided(life.first(), Outcome.CONFIRMED)
    number = child.number
    life.session.commit()

    assert "sspd=due" in clerk.get("/").get_data(as_text=True)
    assert number in clerk.get("/pqr/?sspd=due").get_data(as_text=True)
    life.sent(child)
    life.session.commit()

    assert "sspd=due" not in clerk.get("/").get_data(as_text=True)
    assert number not in clerk.get("/pqr/?sspd=due").get_data(as_text=True)
    assert number in clerk.get("/pqr/?sspd=sent").get_data(as_text=True)
