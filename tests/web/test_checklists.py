"""The page of a checklist: whose rows, saved all at once or one by one, what others wrote, evidence, findings, and its steps."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from app.checklists.sheet import digest
from app.domain.checklists import ChecklistStatus, Said, Verdict
from app.models import Action, Checklist, ChecklistFile, ChecklistItem, ContractRequirement, ContractSignatory, Process
from app.operations import checklists as operations
from app.operations import contracts
from app.security import AUXILIAR, CALIDAD, COMERCIAL, CONTROL, DUENO, SUBGERENTE, TECNICO
from tests.databases import statements_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def checklist(seeded, make) -> Checklist:
    """Four requirements; the second belongs to Facturación."""
    billing = seeded.scalars(select(Process).where(Process.code == "FACTURACION")).one()
    contract = make.contract(starts_on=date(2024, 7, 10), ends_on=None, requirements=4, stage="DRAFT")
    rows = seeded.scalars(select(ContractRequirement).where(ContractRequirement.contract_id == contract.id)).all()
    rows[1].process_id = billing.id
    for each in seeded.scalars(select(ContractSignatory).where(ContractSignatory.contract_id == contract.id)):
        each.signed_on = date(2025, 1, 20)
    contracts.sign_contract(seeded, contract, at=AT, actor_id=None)
    return operations.open_checklist(seeded, contract, at=AT, actor_id=None)


def engine_of(app) -> Any:
    from app.extensions import db

    with app.app_context():
        return db.engines[None]


def rows_of(session, checklist) -> list[ChecklistItem]:
    session.expire_all()
    return operations.items_of(session, checklist)


def row(item: ChecklistItem, verdict: str = "", note: str = "", why: str = "", **more: Any) -> dict[str, Any]:
    """Return what a page that just read *item* sends of it."""
    key = item.id
    fields = {f"v-{key}": verdict, f"n-{key}": note, f"w-{key}": why, f"ver-{key}": str(item.version),
              f"b-{key}": digest(operations.said_of(item))}  # fmt: skip
    return fields | {f"{name}-{key}": value for name, value in more.items()}


def settle(session, checklist, *, actor_id: int | None = None) -> None:
    for item in rows_of(session, checklist):
        operations.save_row(session, item, Said(Verdict.MET, "Visto"), version=item.version, at=AT, actor_id=actor_id)
    session.commit()


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_each_requirement_with_last_year_beside_it(seeded, sign_in, make):
    contract = make.contract(starts_on=date(2024, 7, 10), ends_on=None)
    before = operations.open_checklist(seeded, contract, at=datetime(2025, 7, 10, 15, tzinfo=UTC), actor_id=None)
    first = operations.items_of(seeded, before)[0]
    operations.save_row(seeded, first, Said(Verdict.NOT_MET, "Sin póliza vigente"), version=0, at=AT, actor_id=None)
    now = operations.open_checklist(seeded, contract, at=AT, actor_id=None)

    page = sign_in(COMERCIAL).get(f"/checklist/show/{now.id}").text

    assert page.count('<li class="vrow') == 3 and page.count('type="radio"') == 12
    assert "Sin póliza vigente" in page and "Before: 2025" in page
    assert "0 of 3 verified" in page


def test_a_page_of_sixty_rows_costs_no_more_statements_than_one_of_three(seeded, sign_in, make, app):
    small, big = make.checklist(requirements=3), make.checklist(requirements=60)
    client = sign_in(COMERCIAL)

    n = []
    for checklist in (small, big):
        with statements_of(engine_of(app)) as statements:
            assert client.get(f"/checklist/show/{checklist.id}").status_code == 200
        n.append(len(statements))

    assert n[0] == n[1] <= 12


def test_asking_for_news_costs_few_statements_and_says_nothing_when_there_is_none(seeded, sign_in, checklist, app):
    client = sign_in(COMERCIAL)
    stamp = operations.stamp(seeded, checklist)

    with statements_of(engine_of(app)) as statements:
        assert client.get(f"/checklist/news/{checklist.id}?stamp={stamp}").status_code == 204
    assert len(statements) <= 3

    item = rows_of(seeded, checklist)[0]
    operations.save_row(seeded, item, Said(Verdict.PARTLY, "Falta un mes"), version=0, at=AT, actor_id=None)
    told = client.get(f"/checklist/news/{checklist.id}?stamp={stamp}").json
    assert told["rows"][0] | {"state": "", "read": ""} == {
        "id": item.id, "version": 1, "base": digest(operations.said_of(item)), "error": "", "verdict": "PARTLY", "note": "Falta un mes",
        "why": "", "state": "", "read": "", "conflict": "",
    }  # fmt: skip
    assert told["stamp"] != stamp and "1 of 4 verified" in told["total"]


@pytest.mark.parametrize("role", [AUXILIAR, TECNICO])
def test_whoever_does_not_see_contracts_sees_no_checklist(seeded, sign_in, checklist, role):
    client = sign_in(role)

    assert checklist.number not in client.get("/checklist/list/", follow_redirects=True).text
    assert client.get(f"/checklist/show/{checklist.id}").status_code in (302, 403, 404)


def test_an_owner_of_another_process_finds_nothing_at_any_door(seeded, sign_in, checklist):
    client = sign_in(DUENO, "TECNICA")
    item = rows_of(seeded, checklist)[1]

    assert checklist.number not in client.get("/checklist/list/").text
    for address in ("show", "news"):
        assert client.get(f"/checklist/{address}/{checklist.id}").status_code == 404
    assert client.post(f"/checklist/save/{checklist.id}", data=row(item, "MET")).status_code == 404
    assert client.post(f"/checklist/row/{checklist.id}/{item.id}", data=row(item, "MET")).status_code == 404
    assert client.get(f"/checklist/ask/{checklist.id}/{item.id}").status_code == 404
    assert client.get(f"/checklist/sign/{checklist.id}").status_code == 404


@pytest.mark.parametrize("role", [CALIDAD, CONTROL])
def test_whoever_only_reads_has_no_field_to_fill(seeded, sign_in, checklist, role):
    client = sign_in(role)
    page = client.get(f"/checklist/show/{checklist.id}").text

    assert checklist.number in page and 'type="radio"' not in page and "checklist.js" not in page
    item = rows_of(seeded, checklist)[0]
    assert client.post(f"/checklist/save/{checklist.id}", data=row(item, "MET")).status_code in (302, 403)
    assert rows_of(seeded, checklist)[0].verdict is None


# ── Filling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_script_one_press_saves_every_row(seeded, sign_in, checklist):
    client = sign_in(COMERCIAL)
    items = rows_of(seeded, checklist)
    data = row(items[0], "MET") | row(items[1], "PARTLY", "Falta\r\nun mes", "Llega hoy") | row(items[2]) | row(items[3], note="Por ver")

    answer = client.post(f"/checklist/save/{checklist.id}", data=data, follow_redirects=True)

    assert "3 rows are saved" in answer.text
    found = [(item.verdict, item.note, item.no_action_reason, item.version) for item in rows_of(seeded, checklist)]
    assert found == [
        (Verdict.MET, "", "", 1), (Verdict.PARTLY, "Falta\nun mes", "Llega hoy", 1), (None, "", "", 0), (None, "Por ver", "", 1),
    ]  # fmt: skip
    assert rows_of(seeded, checklist)[0].verified_by_id == client.user_id


def test_a_row_that_nobody_touched_here_never_undoes_what_somebody_saved_meanwhile(seeded, sign_in, checklist):
    client = sign_in(COMERCIAL)
    items = rows_of(seeded, checklist)
    data = row(items[0], "MET") | row(items[1])  # the page as it was read; the second row is left alone
    operations.save_row(seeded, items[1], Said(Verdict.NOT_MET, "Otra persona"), version=0, at=AT, actor_id=None)
    seeded.commit()

    assert client.post(f"/checklist/save/{checklist.id}", data=data).status_code == 302
    assert [(item.verdict, item.note) for item in rows_of(seeded, checklist)[:2]] == [(Verdict.MET, ""), (Verdict.NOT_MET, "Otra persona")]


@pytest.mark.parametrize(
    ("choice", "verdict", "note"),
    [("mine", "MET", "Vi la póliza"), ("theirs", "NOT_MET", "No hay póliza"), ("both", "MET", "No hay póliza\nVi la póliza")],
)
def test_a_conflict_shows_both_texts_and_is_settled_by_a_choice(seeded, sign_in, checklist, choice, verdict, note):
    client, (item, other, *_rest) = sign_in(COMERCIAL), rows_of(seeded, checklist)
    mine = row(item, "MET", "Vi la póliza") | row(other, "MET")
    operations.save_row(seeded, item, Said(Verdict.NOT_MET, "No hay póliza"), version=0, at=AT, actor_id=None)
    seeded.commit()

    answer = client.post(f"/checklist/save/{checklist.id}", data=mine)

    assert answer.status_code == 409
    assert "No hay póliza" in answer.text and re.search(rf'<textarea name="n-{item.id}"[^>]*>Vi la póliza</textarea>', answer.text)
    item, other, *_rest = rows_of(seeded, checklist)
    assert (item.note, other.verdict) == ("No hay póliza", Verdict.MET), "the other rows are saved, this one waits"
    asked = row(item, "MET", "Vi la póliza", x="1", b="")
    assert client.post(f"/checklist/save/{checklist.id}", data=asked).status_code == 409, "without a choice nothing is overwritten"

    assert client.post(f"/checklist/save/{checklist.id}", data=asked | {f"c-{item.id}": choice}).status_code == 302
    item = rows_of(seeded, checklist)[0]
    assert (item.verdict.name, item.note) == (verdict, note)


def test_script_is_told_of_a_conflict_of_one_row_and_of_a_refusal(seeded, sign_in, checklist):
    client, item = sign_in(COMERCIAL), rows_of(seeded, checklist)[0]
    address = f"/checklist/row/{checklist.id}/{item.id}"

    refused = client.post(address, data=row(item, "NOT_APPLICABLE"))
    assert refused.status_code == 422 and "does not apply" in refused.json["rows"][0]["error"]
    saved = client.post(address, data=row(item, "MET", "Visto"))
    assert saved.status_code == 200 and saved.json["rows"][0]["version"] == 1
    clash = client.post(address, data=row(item, "NOT_MET", "No lo vi"))
    assert clash.status_code == 409
    told = clash.json["rows"][0]
    assert (told["note"], told["version"], told["base"]) == ("No lo vi", 1, "") and "Visto" in told["conflict"]


def test_an_owner_writes_the_rows_of_his_process_and_reads_the_others(seeded, sign_in, checklist):
    client = sign_in(DUENO, "FACTURACION")
    items = rows_of(seeded, checklist)

    page = client.get(f"/checklist/show/{checklist.id}").text
    assert page.count('class="verdicts"') == 1 and f'name="v-{items[1].id}"' in page
    assert client.post(f"/checklist/row/{checklist.id}/{items[0].id}", data=row(items[0], "MET")).status_code == 404
    client.post(f"/checklist/save/{checklist.id}", data=row(items[0], "MET") | row(items[1], "MET"))

    assert [item.verdict for item in rows_of(seeded, checklist)] == [None, Verdict.MET, None, None]
    assert client.get(f"/checklist/sign/{checklist.id}").status_code == 404, "the contract is of somebody else"


def test_evidence_is_attached_with_the_row_and_leaves_through_the_scope(seeded, sign_in, checklist):
    client, item = sign_in(COMERCIAL), rows_of(seeded, checklist)[1]
    data = row(item, "MET") | {f"f-{item.id}": (BytesIO(PDF), "póliza 2026.pdf")}

    answer = client.post(f"/checklist/row/{checklist.id}/{item.id}", data=data)

    kept = seeded.scalars(select(ChecklistFile)).one()
    address = f"/checklist/evidence/{checklist.id}/{kept.id}"
    assert answer.status_code == 200 and address in answer.json["rows"][0]["state"]
    assert client.get(address).data == PDF
    assert sign_in(DUENO, "FACTURACION").get(address).data == PDF
    assert sign_in(DUENO, "TECNICA").get(address).status_code == 404
    assert client.get(f"/checklist/evidence/{checklist.id}/999").status_code == 404

    withdraw = f"/checklist/withdraw/{checklist.id}/{kept.id}"
    assert withdraw in answer.json["rows"][0]["state"]
    assert "póliza 2026.pdf" in client.get(withdraw).text
    assert client.post(withdraw).location.endswith(f"/checklist/show/{checklist.id}#row-{item.id}")
    assert (client.get(address).status_code, client.get(withdraw).status_code) == (404, 404)
    assert address not in client.get(f"/checklist/show/{checklist.id}").text


def test_a_file_that_is_not_received_is_said_and_nothing_of_the_row_is_saved(seeded, sign_in, checklist):
    client, item = sign_in(COMERCIAL), rows_of(seeded, checklist)[0]
    data = row(item, "MET", "Visto") | {f"f-{item.id}": (BytesIO(b"MZ\x90"), "virus.exe")}

    answer = client.post(f"/checklist/save/{checklist.id}", data=data)

    assert answer.status_code == 422 and "virus.exe" in answer.text and ">Visto</textarea>" in answer.text
    assert rows_of(seeded, checklist)[0].verdict is None


def test_a_finding_asks_for_an_action_that_its_row_then_names(seeded, sign_in, checklist):
    client, item = sign_in(COMERCIAL), rows_of(seeded, checklist)[1]
    client.post(f"/checklist/row/{checklist.id}/{item.id}", data=row(item, "NOT_MET", "No hay póliza"))
    form = client.get(f"/checklist/ask/{checklist.id}/{item.id}").text
    assert "No hay póliza" in form and 'value="2026-08-09"' in form

    process_id = rows_of(seeded, checklist)[1].requirement.process_id
    data = {"kind": "CORRECTIVE", "title": "Renovar la póliza", "description": "Venció", "process_id": process_id, "due_on": "2026-07-31"}
    answer = client.post(f"/checklist/ask/{checklist.id}/{item.id}", data=data)

    action = seeded.scalars(select(Action)).one()
    assert answer.location.endswith(f"/checklist/show/{checklist.id}#row-{item.id}")
    assert (action.title, action.origin_key) == ("Renovar la póliza", checklist.number)
    assert action.origin_path == f"/checklist/show/{checklist.id}"
    assert action.number in client.get(f"/checklist/show/{checklist.id}").text


def test_an_action_due_before_it_is_asked_is_refused_beside_its_field(seeded, sign_in, checklist):
    client, item = sign_in(COMERCIAL), rows_of(seeded, checklist)[1]
    client.post(f"/checklist/row/{checklist.id}/{item.id}", data=row(item, "NOT_MET", "No hay póliza"))
    data = {"kind": "CORRECTIVE", "title": "Renovar", "process_id": rows_of(seeded, checklist)[1].requirement.process_id,
            "due_on": "2026-07-01"}  # fmt: skip

    answer = client.post(f"/checklist/ask/{checklist.id}/{item.id}", data=data)

    assert answer.status_code == 422 and 'id="due_on-error"' in answer.text
    assert seeded.scalars(select(Action)).first() is None


# ── Steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_signed_approved_with_its_acta_and_reopened_with_a_reason(seeded, sign_in, checklist):
    clerk, manager = sign_in(COMERCIAL), sign_in(SUBGERENTE)
    refused = clerk.post(f"/checklist/sign/{checklist.id}", data={"conclusion": "Bien"})
    assert refused.status_code == 422 and "Without a verdict: 1-4" in refused.text and "Bien</textarea>" in refused.text
    settle(seeded, checklist)

    assert clerk.post(f"/checklist/sign/{checklist.id}", data={"conclusion": "Bien"}).status_code == 302
    assert clerk.post(f"/checklist/approve/{checklist.id}").status_code in (302, 403)
    seeded.expire_all()
    assert (checklist.status, checklist.conclusion) == (ChecklistStatus.SUBMITTED, "Bien")
    assert 'type="radio"' not in clerk.get(f"/checklist/show/{checklist.id}").text
    manager.post(f"/checklist/approve/{checklist.id}")
    seeded.expire_all()
    assert checklist.status is ChecklistStatus.CLOSED and checklist.document is not None

    refused = manager.post(f"/checklist/reopen/{checklist.id}", data={"reason": " "})
    assert refused.status_code == 422
    assert manager.post(f"/checklist/reopen/{checklist.id}", data={"reason": "La póliza era de otro"}).status_code == 302
    page = manager.get(f"/checklist/show/{checklist.id}").text
    seeded.expire_all()
    assert (checklist.status, checklist.n_reopened) == (ChecklistStatus.OPEN, 1)
    assert "La póliza era de otro" in page and 'type="radio"' in page
    kept = re.search(rf'href="(/checklist/acta/{checklist.id}/\d+)"', page)
    assert kept and manager.get(kept[1]).data.startswith(b"%PDF")
    assert manager.get(f"/checklist/acta/{checklist.id}/9999").status_code == 404


def test_who_signed_is_not_offered_to_approve_and_is_refused(seeded, sign_in, checklist):
    manager = sign_in(SUBGERENTE)
    settle(seeded, checklist)
    manager.post(f"/checklist/sign/{checklist.id}", data={"conclusion": ""})

    assert "/checklist/approve/" not in manager.get(f"/checklist/show/{checklist.id}").text
    assert "somebody else" in manager.post(f"/checklist/approve/{checklist.id}", follow_redirects=True).text
    seeded.expire_all()
    assert checklist.status is ChecklistStatus.SUBMITTED


def test_rows_sent_after_the_signature_are_refused_and_kept_on_the_page_of_the_refusal(seeded, sign_in, checklist):
    client = sign_in(COMERCIAL)
    settle(seeded, checklist)
    item = rows_of(seeded, checklist)[0]
    late = row(item, "NOT_MET", "Llegué tarde")
    operations.submit(seeded, checklist, "", at=AT, actor_id=client.user_id)
    seeded.commit()

    answer = client.post(f"/checklist/save/{checklist.id}", data=late)

    assert answer.status_code == 422 and "Llegué tarde" in answer.text
    assert rows_of(seeded, checklist)[0].verdict is Verdict.MET


def test_a_checklist_is_opened_by_hand_from_its_contract(seeded, sign_in, make):
    contract = make.contract(starts_on=date(2024, 8, 1), ends_on=None)
    client = sign_in(COMERCIAL)

    answer = client.post(f"/checklist/open/{contract.id}")
    again = client.post(f"/checklist/open/{contract.id}", follow_redirects=True)

    found = seeded.scalars(select(Checklist).where(Checklist.contract_id == contract.id)).one()
    assert answer.location.endswith(f"/checklist/show/{found.id}") and found.due_on == date(2026, 8, 31)
    assert found.number in again.text and "has its verification of 2026" in again.text
    assert sign_in(DUENO, "TECNICA").post(f"/checklist/open/{contract.id}").status_code in (302, 403)


def test_the_list_filters_what_is_late_and_what_has_findings(seeded, sign_in, make, at):
    old, new = make.checklist(at=datetime(2026, 5, 4, 15, tzinfo=UTC)), make.checklist()
    operations.save_row(seeded, operations.items_of(seeded, new)[0], Said(Verdict.NOT_MET, "No"), version=0, at=AT, actor_id=None)
    client = sign_in(COMERCIAL)

    late, found = client.get("/checklist/list/?late=1").text, client.get("/checklist/list/?findings=1").text

    assert old.number in late and new.number not in late
    assert new.number in found and old.number not in found and "0 %" in found
    assert old.number in client.get("/checklist/export/csv").text


def test_the_acta_is_a_draft_until_it_is_approved_and_the_workbook_is_there_at_any_time(seeded, sign_in, checklist):
    client, other = sign_in(COMERCIAL), sign_in(DUENO, "TECNICA")
    draft, book = client.get(f"/checklist/acta/{checklist.id}"), client.get(f"/checklist/excel/{checklist.id}")
    settle(seeded, checklist)
    operations.submit(seeded, checklist, "", at=AT, actor_id=client.user_id)
    seeded.commit()
    sign_in(SUBGERENTE).post(f"/checklist/approve/{checklist.id}")

    issued = client.get(f"/checklist/acta/{checklist.id}")

    assert draft.data.startswith(b"%PDF") and issued.data.startswith(b"%PDF") and draft.data != issued.data
    assert book.data.startswith(b"PK") and f"{checklist.number}.xlsx" in book.headers["Content-Disposition"]
    assert [other.get(f"/checklist/{door}/{checklist.id}").status_code for door in ("acta", "excel")] == [404, 404]
