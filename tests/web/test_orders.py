"""The office's pages of field work, and what a technician reaches."""

from __future__ import annotations

import io
import re
from datetime import datetime

import pytest
from sqlalchemy import select

from app.documents.orders import issue_order
from app.domain.states import Identity, OrderKind, OrderStatus
from app.models import Account, FieldOrder
from app.operations import pqr as operations
from app.operations.orders import NewOrder
from tests.stage import PNG

AT = datetime.fromisoformat("2026-07-10T09:00-05:00")
OWNER, BOSS, CLERK, TECHNICIAN = "Dueño de proceso", "Subgerente administrativo y comercial", "Auxiliar PQR", "Técnico"
WORK = {"done_on": "2026-07-10", "cause_found": "Tubo roto", "work_done": "Se cambió", "is_solved": "YES", "attended": "NOBODY"}
ARREARS = {"ground": "ARREARS", "debt_cop": "1000", "invoice_number": "F-9"}


@pytest.fixture
def routed(seeded, a_case, make):
    def build(**fields):
        pqr = a_case(at=AT, account=make.account(), **fields)
        operations.route(seeded, pqr, make.process("TECNICA"), "Revisar", at=AT, actor_id=None)
        return pqr

    return build


@pytest.fixture
def order(seeded, make):
    """order(worker, **fields of NewOrder) → an order to be done, committed."""

    def build(worker=None, kind=OrderKind.WORK_ORDER, **fields):
        worker, boss = worker or make.user(TECHNICIAN), make.user(BOSS)
        new = NewOrder(kind, **{"account": make.account(), "assignee": worker, "instructions": "Cambiar el tubo", **fields})
        one = issue_order(seeded, new, boss, AT)
        seeded.commit()
        return one

    return build


def typed(make, **fields):
    return {"assignee": make.user(TECHNICIAN).id, "instructions": "Cambiar el tubo", **fields}


def text_of(response):
    return response.get_data(as_text=True)


def named(account):
    return f"{account.number} · {account.service.code}"


# ── Ordering ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_orders_work_from_the_case_and_the_case_shows_it(seeded, sign_in, make, routed):
    pqr, data = routed(), typed(make)
    seeded.commit()
    client = sign_in(OWNER, "TECNICA")
    answer = client.post(f"/orden/issue?case={pqr.number}&kind=WORK_ORDER", data=data)

    one = seeded.scalars(select(FieldOrder)).one()
    assert (answer.status_code, answer.location) == (302, f"/orden/show/{one.id}")
    assert (one.pqr_id, one.process_id, one.status) == (pqr.id, pqr.process_id, OrderStatus.ISSUED)
    assert one.number in text_of(client.get(f"/pqr/{pqr.number}"))
    assert client.get(f"/orden/paper/{one.id}/order").get_data().startswith(b"%PDF")


def test_what_was_typed_stays_when_an_order_is_refused(sign_in, make, seeded):
    seeded.commit()
    answer = sign_in(CLERK).post("/orden/issue?kind=WORK_ORDER", data={"instructions": "Cambiar el tubo de la esquina"})

    assert answer.status_code == 422
    assert "Cambiar el tubo de la esquina" in text_of(answer)
    assert seeded.scalars(select(FieldOrder)).all() == []


def test_a_cut_that_a_claim_stops_is_refused_with_a_link_to_the_claim(seeded, sign_in, make, routed):
    claim = routed()
    data = typed(make, account=named(claim.account), **ARREARS)
    seeded.commit()
    answer = sign_in(BOSS).post("/orden/issue?kind=CUT", data=data)

    assert answer.status_code == 422
    assert f'href="/pqr/{claim.number}"' in text_of(answer)
    assert "art. 155" in text_of(answer)
    assert seeded.scalars(select(FieldOrder)).all() == []


def test_only_a_technician_may_be_sent(seeded, sign_in, make):
    account = make.account()
    data = typed(make, account=named(account), assignee=make.user(CLERK).id)
    seeded.commit()

    assert sign_in(CLERK).post("/orden/issue?kind=WORK_ORDER", data=data).status_code == 422


def test_an_owner_orders_nothing_for_a_case_of_others(seeded, sign_in, make, routed):
    pqr, data = routed(), typed(make)
    seeded.commit()

    assert sign_in(OWNER, "FACTURACION").post(f"/orden/issue?case={pqr.number}&kind=WORK_ORDER", data=data).status_code == 404


def test_a_deviation_stays_with_the_review_that_it_asked_for(seeded, sign_in, make):
    account = make.account()
    data = typed(make, account=named(account), deviation='{"consumption": "90", "average": "20", "verdict": "INCREASE", "other": "x"}')
    seeded.commit()
    sign_in(CLERK).post("/orden/issue?kind=PRIOR_REVIEW", data=data)

    one = seeded.scalars(select(FieldOrder)).one()
    assert one.deviation == {"consumption": "90", "average": "20", "verdict": "INCREASE"}


# ── Recording, excusing, voiding ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_office_records_a_paper_order(seeded, sign_in, order):
    one = order()
    client = sign_in(CLERK)
    answer = client.post(f"/orden/act/{one.id}/done", data={**WORK, "photos": (io.BytesIO(PNG), "acta.png")})

    seeded.expire_all()
    assert answer.status_code == 302
    assert (one.status, len(one.photos), one.done_by_id) == (OrderStatus.DONE, 1, client.user_id)
    page = text_of(client.get(f"/orden/show/{one.id}"))
    assert "Tubo roto" in page
    (address,) = re.findall(r'href="(/orden/photo/[^"]+)"', page)
    assert client.get(address).get_data() == PNG
    assert client.get(f"/orden/paper/{one.id}/acta").get_data().startswith(b"%PDF")


def test_a_result_that_says_nothing_is_refused_with_all_that_is_missing(seeded, sign_in, order):
    one = order()
    answer = sign_in(CLERK).post(f"/orden/act/{one.id}/done", data={"done_on": "2026-07-10", "cause_found": "Raíces en el tubo"})

    page = text_of(answer)
    assert answer.status_code == 422
    assert all(f'id="{name}-error"' in page for name in ("work_done", "is_solved", "attended"))
    assert "Raíces en el tubo" in page
    seeded.expire_all()
    assert one.status is OrderStatus.ISSUED


def test_a_claim_filed_meanwhile_is_linked_where_the_cut_is_recorded(seeded, sign_in, order, a_case):
    one = order(kind=OrderKind.CUT, asked={"ground": "ARREARS"})
    claim = a_case(at=AT, account=one.account)
    seeded.commit()
    taken = {"done_on": "2026-07-10", "paid": "NO", "reading": "88", "place": "LINE", "seal": "S-7", "notice_left": "YES",
             "attended": "NOBODY"}  # fmt: skip
    answer = sign_in(CLERK).post(f"/orden/act/{one.id}/done", data=taken)

    assert answer.status_code == 422
    assert f'href="/pqr/{claim.number}"' in text_of(answer)
    seeded.expire_all()
    assert one.status is OrderStatus.ISSUED


def test_a_picture_that_is_none_is_refused_beside_its_field(seeded, sign_in, order):
    one = order()
    data = {**WORK, "photos": (io.BytesIO(b"MZ no picture"), "foto.jpg")}
    answer = sign_in(CLERK).post(f"/orden/act/{one.id}/done", data=data)

    assert answer.status_code == 422
    assert 'id="photos-error"' in text_of(answer)


def test_an_excuse_lets_the_answer_pass_and_needs_a_reason(seeded, sign_in, order, routed):
    pqr = routed()
    one = order(pqr=pqr)
    owner = sign_in(OWNER, "TECNICA")
    solution = {"outcome": "DENIED", "solution": "Se revisó el historial."}

    refused = owner.post(f"/pqr/{pqr.number}/move/solve", data=solution)
    assert refused.status_code == 422
    assert one.number in text_of(refused)
    assert owner.post(f"/orden/act/{one.id}/excuse", data={"reason": " "}).status_code == 422
    assert owner.post(f"/orden/act/{one.id}/excuse", data={"reason": "Basta el historial"}).status_code == 302
    assert owner.post(f"/pqr/{pqr.number}/move/solve", data=solution).status_code == 302


def test_a_voided_order_keeps_its_number(seeded, sign_in, order):
    one = order()
    client = sign_in(BOSS)
    assert client.post(f"/orden/act/{one.id}/void", data={"reason": "Se ordenó dos veces"}).status_code == 302

    assert one.number in text_of(client.get("/orden/list/"))
    assert "Se ordenó dos veces" in text_of(client.get(f"/orden/show/{one.id}"))
    assert order().number == "OT-2026-000002"


def test_the_results_are_put_at_the_end_of_the_draft(seeded, sign_in, order, routed):
    pqr = routed()
    one = order(pqr=pqr)
    client = sign_in(OWNER, "TECNICA")
    client.post(f"/orden/act/{one.id}/done", data=WORK)
    assert 'value="orders"' in text_of(client.get(f"/pqr/{pqr.number}/draft"))

    page = text_of(client.post(f"/pqr/{pqr.number}/draft", data={"body": "Señora:", "do": "orders"}))
    assert "Señora:" in page
    assert "Tubo roto" in page


def test_the_address_of_a_reserved_case_stays_with_whoever_may_know(seeded, sign_in, order, routed):
    pqr = routed(identity=Identity.RESERVED)
    one = order(pqr=pqr)
    address = one.account.address
    owner, boss = sign_in(OWNER, "TECNICA"), sign_in(BOSS)

    for page in (f"/orden/show/{one.id}", "/orden/list/", "/orden/export/csv", f"/orden/act/{one.id}/done"):
        assert address not in text_of(owner.get(page))
    assert owner.get(f"/orden/paper/{one.id}/order").status_code == 403
    assert address in text_of(boss.get(f"/orden/show/{one.id}"))


def test_the_hours_that_are_left_to_restore_a_service_are_shown(sign_in, order, at):
    one = order(kind=OrderKind.RECONNECTION, asked={"cause": "PAID", "cause_on": "2026-07-10", "cause_at": "08:00"})
    client = sign_in(CLERK)

    assert "22 hours" in text_of(client.get(f"/orden/show/{one.id}"))
    at("2026-07-11T09:00-05:00")
    assert "24 hours to restore the service ended" in text_of(client.get(f"/orden/show/{one.id}"))


def test_the_counter_shows_the_last_orders_of_an_account(sign_in, order):
    one = order()

    assert one.number in text_of(sign_in(CLERK).get(f"/counter/?account={one.account_id}"))


# ── The technician ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_technician_sees_what_is_his_and_nothing_else(seeded, sign_in, order):
    client = sign_in(TECHNICIAN)
    mine, other = order(worker=client.user), order()

    assert mine.number in text_of(client.get("/tecnico/"))
    assert other.number not in text_of(client.get("/tecnico/"))
    for address in (f"/tecnico/{other.id}", f"/tecnico/{other.id}/paper/order", f"/orden/show/{mine.id}", "/pqr/"):
        assert client.get(address).status_code in (302, 403, 404)
    assert client.post(f"/tecnico/{other.id}", data={**WORK, "submission": "x"}).status_code == 404


def test_a_technician_does_not_read_which_reserved_case_it_is(seeded, sign_in, order, routed):
    client = sign_in(TECHNICIAN)
    pqr = routed(identity=Identity.RESERVED)
    one = order(worker=client.user, pqr=pqr)

    page = text_of(client.get(f"/tecnico/{one.id}"))
    assert one.account.address in page
    assert pqr.number not in page
    assert pqr.party.name not in page


def test_a_phone_that_sends_twice_makes_one_act_and_gets_one_answer(seeded, sign_in, order):
    client = sign_in(TECHNICIAN)
    one = order(worker=client.user)
    answers = [
        client.post(f"/tecnico/{one.id}", data={**WORK, "submission": "a-token", "photos": (io.BytesIO(PNG), "a.png")},
                    headers={"Accept": "application/json"})
        for _time in range(2)
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json for answer in answers] == [{"number": one.number}] * 2
    seeded.expire_all()
    assert len(one.photos) == 1


def test_a_phone_reads_what_is_wrong_by_field(sign_in, order):
    client = sign_in(TECHNICIAN)
    one = order(worker=client.user)
    answer = client.post(f"/tecnico/{one.id}", data={**WORK, "work_done": "", "submission": "t"}, headers={"Accept": "application/json"})
    undone = client.post(f"/tecnico/{one.id}", data={"do": "not-done", "no-done_on": "2026-07-10"}, headers={"Accept": "application/json"})

    assert answer.status_code == undone.status_code == 422
    assert [each["field"] for each in answer.json["errors"]] == ["work_done"]
    assert [each["field"] for each in undone.json["errors"]] == ["no-why", "no-details"]


def test_a_technician_says_why_it_was_not_done(seeded, sign_in, order):
    client = sign_in(TECHNICIAN)
    one = order(worker=client.user)
    said = {"do": "not-done", "no-done_on": "2026-07-10", "no-why": "NOBODY", "no-details": "Timbre"}
    answer = client.post(f"/tecnico/{one.id}", data=said)

    seeded.expire_all()
    assert (answer.status_code, one.status, one.reason) == (302, OrderStatus.NOT_DONE, "Timbre")
    assert "form-actions" not in text_of(client.get(f"/tecnico/{one.id}"))


def test_a_place_that_makes_no_sense_is_left_out(seeded, sign_in, order):
    client = sign_in(TECHNICIAN)
    one, two = order(worker=client.user), order(worker=client.user)
    client.post(f"/tecnico/{one.id}", data={**WORK, "latitude": "4.6097", "longitude": "-74.0817", "accuracy": "12"})
    client.post(f"/tecnico/{two.id}", data={**WORK, "latitude": "400", "longitude": "NaN", "accuracy": "x"})

    seeded.expire_all()
    assert (float(one.latitude), float(one.longitude), one.n_accuracy_m) == (4.6097, -74.0817, 12)
    assert (two.status, two.latitude, two.n_accuracy_m) == (OrderStatus.DONE, None, None)


def test_the_worker_reaches_the_pages_of_the_technician_alone(sign_in):
    answer = sign_in(TECHNICIAN).get("/tecnico/worker.js")

    assert answer.mimetype == "text/javascript"
    assert "Service-Worker-Allowed" not in answer.headers


def test_an_account_that_is_not_there_is_told_beside_its_field(seeded, sign_in, make):
    data = typed(make, account="no existe")
    seeded.commit()
    answer = sign_in(CLERK).post("/orden/issue?kind=WORK_ORDER", data=data)

    assert answer.status_code == 422
    assert 'id="account-error"' in text_of(answer)
    assert seeded.scalars(select(Account)).all() == []
