"""The staff's pages of a case: queue, registration, the case, moves, draft, notes, files; and who sees what."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
from sqlalchemy import func, select

from app.domain.states import Identity, Outcome, PqrStatus
from app.models import AnswerTemplate, Channel, Note, OutboxMessage, Pqr, Process, RequestType, StoredFile
from app.operations import pqr as operations
from app.security import AUXILIAR, COMERCIAL, CONTROL, DUENO, SUBGERENTE

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture
def clerk(client, a_user, login):
    return login(client, a_user(AUXILIAR))


@pytest.fixture
def owner(app, a_user, login):
    """A client of the owner of Facturación."""
    return login(app.test_client(), a_user(DUENO, "FACTURACION"))


@pytest.fixture
def manager(app, a_user, login):
    return login(app.test_client(), a_user(SUBGERENTE))


def billing(session) -> Process:
    return session.scalars(select(Process).where(Process.code == "FACTURACION")).one()


def in_billing(session, a_case, **fields) -> Pqr:
    pqr = a_case(**fields)
    operations.route(session, pqr, billing(session), "Revisar", at=instant("2026-07-10", 11), actor_id=None)
    return pqr


def typed(session, **fields) -> dict[str, object]:
    request_type = session.scalars(select(RequestType).where(RequestType.code == "RECLAMO")).one()
    return {
        "submission": "form-token-1",
        "request_type": request_type.id,
        "channel": session.scalars(select(Channel.id)).first(),
        "identity": "NAMED",
        "document_type": "CC",
        "document_number": "52123456",
        "name": "Ana Ficticia",
        "subject": "Consumo muy alto",
        "body": "La factura cobra 62 m³ 😀 <b>y</b> =1+1",
        **fields,
    }


# ── Registration ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clerk_registers_and_lands_on_the_case(seeded, clerk):
    answer = clerk.post("/pqr/register", data=typed(seeded))
    seeded.expire_all()
    pqr = seeded.scalars(select(Pqr)).one()

    assert answer.status_code == 302
    assert answer.location.endswith(f"/pqr/{pqr.number}")
    assert (pqr.party.document_number, pqr.body) == ("52123456", "La factura cobra 62 m³ 😀 <b>y</b> =1+1")


def test_a_double_click_registers_once(seeded, clerk):
    data = typed(seeded)
    first, second = clerk.post("/pqr/register", data=data), clerk.post("/pqr/register", data=data)

    assert first.location == second.location
    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"account_number": "999-no"}, "999-no"),
        ({"name": "", "document_number": "", "document_type": ""}, 'id="name-error"'),
        ({"previous_number": "PQR-1999-000001"}, "PQR-1999-000001"),
        ({"is_e_notice": "y", "email": ""}, 'id="email-error"'),
        ({"is_priority": "y"}, 'id="priority_reason-error"'),
        ({"body": "x" * 20_001}, 'id="body-error"'),
        ({"disputed_cop": "-5"}, 'id="disputed_cop-error"'),
        ({"document_type": "NIT", "document_number": "900123456-1"}, 'id="document_number-error"'),
        ({"phone": "123"}, 'id="phone-error"'),
        ({"email": "ana@"}, 'id="email-error"'),
    ],
)
def test_a_refusal_keeps_what_was_typed_and_stores_nothing(seeded, clerk, fields, said):
    answer = clerk.post("/pqr/register", data=typed(seeded, **fields))

    assert answer.status_code == 422
    assert said in answer.text
    assert "Consumo muy alto" in answer.text
    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 0


def test_a_renamed_program_is_refused_and_nothing_is_stored(seeded, clerk):
    data = typed(seeded, files=(BytesIO(b"MZ\x90\x00" + b"\0" * 200), "factura.pdf"))
    answer = clerk.post("/pqr/register", data=data, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert "factura.pdf" in answer.text
    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 0


def test_a_document_of_somebody_else_is_told_to_the_clerk(seeded, clerk, a_party):
    a_party(name="Luis Pardo", document_number="52123456")
    answer = clerk.post("/pqr/register", data=typed(seeded))

    assert answer.status_code == 422
    assert "Luis Pardo" in answer.text
    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 0


# ── The queue and the case ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_sees_only_what_the_own_process_holds_or_held(seeded, a_case, owner):
    mine, other = in_billing(seeded, a_case), a_case()
    page = owner.get("/pqr/")

    assert mine.number in page.text
    assert other.number not in page.text
    assert owner.get(f"/pqr/{other.number}").status_code == 404
    assert owner.get(f"/pqr/{other.number}/move/route").status_code == 404


def test_what_the_process_gave_back_can_be_read_but_not_moved(seeded, a_case, owner):
    pqr = in_billing(seeded, a_case)
    operations.return_to_desk(seeded, pqr, "No es nuestro", at=instant("2026-07-10", 12), actor_id=None)

    assert owner.get(f"/pqr/{pqr.number}").status_code == 200
    assert owner.get(f"/pqr/{pqr.number}/move/solve").status_code == 403
    assert owner.post(f"/pqr/{pqr.number}/note", data={"body": "x"}).status_code == 403


def test_a_reserved_identity_is_hidden_from_the_handling_process(seeded, a_case, owner, clerk, a_party):
    party = a_party(name="Denunciante Reservada")
    pqr = in_billing(seeded, a_case, identity=Identity.RESERVED, party=party, notice_address="Calle secreta 5")

    assert "Denunciante Reservada" in clerk.get(f"/pqr/{pqr.number}").text
    for path in ("/pqr/", f"/pqr/{pqr.number}", "/pqr/?q=Denunciante", f"/pqr/{pqr.number}/move/solve", f"/pqr/{pqr.number}/draft"):
        page = owner.get(path).text
        assert "Denunciante Reservada" not in page.replace("q=Denunciante", "")
        assert "Calle secreta 5" not in page
        assert party.document_number not in page


def test_text_of_the_citizen_is_shown_as_text(seeded, a_case, clerk):
    pqr = a_case(subject="<script>alert(1)</script>", body="<img src=x onerror=alert(1)>")

    page = clerk.get(f"/pqr/{pqr.number}").text
    assert "<script>alert(1)" not in page
    assert "&lt;img src=x" in page


def test_who_only_reads_gets_no_buttons_and_no_moves(seeded, a_case, client, a_user, login):
    pqr = a_case()
    for role in (CONTROL, COMERCIAL):
        login(client, a_user(role))
        assert "/move/" not in client.get(f"/pqr/{pqr.number}").text
        assert client.post(f"/pqr/{pqr.number}/move/route", data={"reason": "x"}).status_code == 403


def test_pages_of_the_queue_follow_each_other_without_gaps_or_repetitions(seeded, a_case, clerk):
    numbers = [a_case(at=instant("2026-07-10")).number for _ in range(60)]
    seen, path = [], "/pqr/"
    while path:
        page = clerk.get(path).text
        seen += re.findall(r'<a href="/pqr/(PQR-\d{4}-\d{6})">', page)
        path = next(iter(re.findall(r'href="([^"]+)" rel="next"', page)), "").replace("&amp;", "&")

    assert seen == numbers[::-1]


@pytest.mark.parametrize("n_cases", [1, 30])
def test_the_pages_ask_the_database_a_fixed_number_of_times(seeded, a_case, clerk, count_statements, n_cases):
    for _ in range(n_cases):
        pqr = in_billing(seeded, a_case)
    for n in range(n_cases):
        seeded.add(Note(pqr_id=pqr.id, body=f"Nota {n}"))
    seeded.flush()

    with count_statements() as for_list:
        clerk.get("/pqr/")
    with count_statements() as for_case:
        clerk.get(f"/pqr/{pqr.number}")
    assert len([line for line in for_list if line.startswith("SELECT")]) <= 8, "\n".join(for_list)
    assert len([line for line in for_case if line.startswith("SELECT")]) <= 12, "\n".join(for_case)


def seen_in(page) -> str:
    """Return the fingerprint of the draft that the approval page carries."""
    return re.search(r'name="seen"[^>]*value="(\w+)"', page.text)[1]


# ── Moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_routing_tells_the_people_of_the_process(seeded, a_case, clerk, a_user):
    member = a_user(DUENO, "FACTURACION")
    pqr = a_case()
    answer = clerk.post(f"/pqr/{pqr.number}/move/route", data={"process_id": billing(seeded).id, "reason": "Revisar consumo"})
    seeded.expire_all()

    assert answer.status_code == 302
    assert pqr.process.code == "FACTURACION"
    assert seeded.scalars(select(OutboxMessage.to_address).where(OutboxMessage.event == "routed")).all() == [member.email]


def test_a_move_without_its_reason_is_refused_beside_the_field(seeded, a_case, clerk):
    pqr = a_case()
    answer = clerk.post(f"/pqr/{pqr.number}/move/route", data={"process_id": billing(seeded).id, "reason": " "})

    assert answer.status_code == 422
    assert 'id="reason-error"' in answer.text


def test_an_impossible_move_names_the_possible_ones(seeded, a_case, clerk):
    answer = clerk.get(f"/pqr/{a_case().number}/move/close")

    assert answer.status_code == 409
    assert "PQR" in answer.text or "case" in answer.text


def test_the_owner_solves_and_drafts_and_the_manager_issues(seeded, a_case, owner, manager):
    pqr = in_billing(seeded, a_case)
    template = seeded.scalars(select(AnswerTemplate)).first()
    base = f"/pqr/{pqr.number}"

    assert owner.post(f"{base}/move/solve", data={"outcome": "DENIED", "solution": "Fuga interna."}).status_code == 302
    filled = owner.post(f"{base}/draft", data={"template": template.id, "body": "", "do": "fill"}).text
    assert "Fuga interna." in filled or pqr.number in filled
    assert manager.post(f"{base}/move/issue_answer").status_code in (409, 422)  # there is no draft yet
    assert owner.post(f"{base}/draft", data={"body": "Respetada usuaria: hay una fuga.", "do": "save"}).status_code == 302
    assert owner.post(f"{base}/move/issue_answer").status_code == 403
    read = seen_in(manager.get(f"{base}/move/issue_answer"))
    covered = {"points-0-asked": "Que revisen la fuga", "points-0-is_covered": "y"}
    owner.post(f"{base}/draft", data={"body": "Respetada usuaria: hay una fuga grande.", "do": "save", **covered})
    stale = manager.post(f"{base}/move/issue_answer", data={"seen": read})
    assert stale.status_code == 422  # it is not what was read
    assert "fuga grande" in stale.text
    assert manager.post(f"{base}/move/issue_answer", data={"seen": seen_in(stale)}).status_code == 302
    seeded.expire_all()
    assert pqr.answer.body == "Respetada usuaria: hay una fuga grande."
    assert (pqr.status, pqr.answer.number, pqr.outcome) == (PqrStatus.ANSWERED, "RES-2026-000001", Outcome.DENIED)


def test_a_form_with_an_expired_token_keeps_nothing_and_says_so(seeded, a_case, clerk, csrf):
    pqr = a_case()
    answer = clerk.post(f"/pqr/{pqr.number}/move/route", data={"process_id": billing(seeded).id, "reason": "x"})

    assert answer.status_code == 400
    assert pqr.status is PqrStatus.RECEIVED


# ── Notes, files, corrections ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_is_internal_and_kept(seeded, a_case, clerk):
    pqr = a_case()
    clerk.post(f"/pqr/{pqr.number}/note", data={"body": "Llamar antes de las 5"})

    assert "Llamar antes de las 5" in clerk.get(f"/pqr/{pqr.number}").text


def test_a_file_is_attached_and_leaves_as_a_download_only_for_who_sees_the_case(seeded, a_case, clerk, owner):
    pqr = a_case()
    clerk.post(f"/pqr/{pqr.number}/files", data={"files": (BytesIO(PNG), "foto.png")}, content_type="multipart/form-data")
    stored = seeded.scalars(select(StoredFile)).one()
    path = f"/pqr/{pqr.number}/files/{stored.id}"
    served = clerk.get(path)

    assert served.data == PNG
    assert served.headers["Content-Disposition"].startswith("attachment")
    assert owner.get(path).status_code == 404


def test_a_file_of_another_case_is_not_served_through_this_one(seeded, a_case, clerk):
    pqr, other = a_case(), a_case()
    clerk.post(f"/pqr/{other.number}/files", data={"files": (BytesIO(PNG), "foto.png")}, content_type="multipart/form-data")
    stored = seeded.scalars(select(StoredFile)).one()

    assert clerk.get(f"/pqr/{pqr.number}/files/{stored.id}").status_code == 404


def test_the_receipt_is_the_same_file_each_time(seeded, a_case, clerk):
    pqr = a_case()
    first, second = clerk.get(f"/pqr/{pqr.number}/receipt"), clerk.get(f"/pqr/{pqr.number}/receipt")

    assert first.data.startswith(b"%PDF")
    assert first.data == second.data


def test_a_correction_keeps_its_reason_in_the_change_log(seeded, a_case, clerk, an_account):
    from app.models import ChangeLog

    pqr, account = a_case(), an_account()
    data = {"request_type": pqr.request_type_id, "account_number": account.number, "reason": "El usuario trajo la factura"}
    answer = clerk.post(f"/pqr/{pqr.number}/edit", data=data)
    seeded.expire_all()

    assert answer.status_code == 302
    assert pqr.account_id == account.id
    lines = seeded.scalars(select(ChangeLog).where(ChangeLog.table_name == "pqr", ChangeLog.action == "update")).all()
    assert [line.reason for line in lines] == ["El usuario trajo la factura"]
