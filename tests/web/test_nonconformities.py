"""The pages of non-conforming outputs: told from a case, led to their end, refused with a word, seen by whom they concern."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from app.domain.improvement import NonconformityStatus
from app.models import Action, Nonconformity
from tests.db.test_nonconformities import told


def text_of(response):
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


@pytest.fixture
def quality(make, client, login):
    user = make.user("Calidad")
    make.session.commit()
    return login(client, user)


def said(make, **changed):
    return {"what": "Carta con el nombre de otro usuario", "requirement": "Ley 1581 de 2012", "found_on": "2026-07-09", "pqr_number": "",
            "process_id": str(make.process("FACTURACION").id), "containment": "Se recogió"} | changed  # fmt: skip


def test_it_is_told_from_the_page_of_a_case_and_seen_there(make, quality):
    number = make.case().number
    make.session.commit()

    page = text_of(quality.get(f"/pqr/{number}"))
    form = text_of(quality.get(f"/nonconformity/add?pqr_number={number}"))
    stored = quality.post("/nonconformity/add", data=said(make, pqr_number=number))

    assert f"/nonconformity/add?pqr_number={number}" in page
    assert f'value="{number}"' in form
    row = make.session.scalars(select(Nonconformity)).one()
    assert (row.number, row.pqr.number, row.found_on) == ("SNC-2026-0001", number, date(2026, 7, 9))
    assert stored.headers["Location"].endswith(f"/nonconformity/show/{row.id}")
    assert "SNC-2026-0001" in text_of(quality.get(f"/pqr/{number}"))


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"what": " "}, "what"), ({"found_on": "2026-07-11"}, "found_on"), ({"pqr_number": "PQR-2026-999999"}, "pqr_number")],
)
def test_what_cannot_be_told_is_said_beside_its_field_and_kept(make, quality, changed, field):
    refused = quality.post("/nonconformity/add", data=said(make, **changed))

    assert refused.status_code == 422
    assert f'id="{field}-error"' in text_of(refused)
    assert "Se recogió" in text_of(refused)
    assert make.session.scalars(select(Nonconformity)).all() == []


def test_a_case_that_somebody_may_not_see_is_no_case(make, client, login):
    number = make.case().number
    owner = make.user("Dueño de proceso", process="FACTURACION")
    make.session.commit()
    login(client, owner)

    assert client.post("/nonconformity/add", data=said(make, pqr_number=number)).status_code == 422


def test_it_is_treated_learned_from_and_closed(make, quality):
    row, boss = told(make), make.user("Subgerente administrativo y comercial", process="FACTURACION")
    make.session.commit()
    at = f"/nonconformity/{{}}/{row.id}"
    treated = {"disposition": "CORRECT", "treatment": "Se liquidaron de nuevo", "treated_on": "2026-07-10", "cost_cop": "120000",
               "authorised_by": f"{boss.first_name} {boss.last_name} · {boss.username}"}  # fmt: skip
    asked = {"kind": "CORRECTIVE", "title": "Doble control de tarifas", "process_id": str(row.process_id), "due_on": "2026-08-10"}

    assert quality.post(at.format("treat"), data=treated).status_code == 302
    unsaid = quality.post(at.format("verify"), data={"verification": "Se revisaron", "verified_on": "2026-07-10"})
    assert quality.post(at.format("ask"), data=asked).status_code == 302
    form = text_of(quality.get(at.format("verify")))
    assert quality.post(at.format("verify"), data={"verification": "Se revisaron", "verified_on": "2026-07-10"}).status_code == 302

    assert unsaid.status_code == 422
    assert 'id="no_action_reason-error"' in text_of(unsaid)
    assert 'name="no_action_reason"' not in form
    make.session.refresh(row)
    action = make.session.scalars(select(Action)).one()
    assert (row.status, row.action_id) == (NonconformityStatus.CLOSED, action.id)
    page = text_of(quality.get(at.format("show")))
    assert action.number in page
    assert at.format("treat") not in page
    assert quality.get(at.format("edit")).status_code == 404
    assert quality.post(at.format("treat"), data=treated).status_code == 422


def test_an_owner_sees_and_treats_what_is_of_his_process_alone(make, client, login):
    mine, other = told(make), told(make, process_id=make.process("TECNICA").id)
    owner = make.user("Dueño de proceso", process="FACTURACION")
    make.session.commit()
    login(client, owner)

    rows = text_of(client.get("/nonconformity/list/"))
    assert mine.number in rows
    assert other.number not in rows
    assert [client.get(f"/nonconformity/treat/{row.id}").status_code for row in (mine, other)] == [200, 404]
    assert client.post(f"/nonconformity/verify/{mine.id}").status_code in (302, 403)
    assert mine.status is NonconformityStatus.OPEN
