"""Pages beside the contracts: what hangs on a contract, policies, files, templates, charts, and rows of old registers taken over."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.contracts import ContractStage
from app.domain.states import PastKind
from app.lookups import lookup_text
from app.models import Contract, ContractFile, ContractKind, Guarantee, PastRecord, Process, RequirementItem, RequirementTemplate
from app.security import ADMIN, COMERCIAL, CONTROL, DUENO

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def contract(seeded, make):
    made = make.contract(party=make.party(name="Cooperativa El Progreso"), process=make.process("TECNICA"))
    seeded.commit()
    return made


def said(contract: Contract, **fields: Any) -> dict[str, Any]:
    return {
        "contract": lookup_text(contract), "kind": "PERFORMANCE", "policy": "45-101", "insurer": "Seguros del Valle",
        "insured_cop": "$ 5.000.000", "starts_on": "2026-02-01", "ends_on": "2027-01-31", **fields,
    }  # fmt: skip


def only(session, model):
    session.expire_all()
    return session.scalars(select(model)).one()


# ── Guarantees ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_is_added_from_the_page_of_its_contract_and_shows_there(seeded, sign_in, contract):
    clerk = sign_in(COMERCIAL)
    page = clerk.get(f"/contract/show/{contract.id}").text
    form = clerk.get(f"/guarantee/add?contract={contract.number}").text
    answer = clerk.post("/guarantee/add", data=said(contract))

    assert f"/guarantee/add?contract={contract.number}" in page
    assert f'value="{lookup_text(contract)}"' in form
    assert answer.status_code == 302, answer.text
    one = only(seeded, Guarantee)
    assert (one.contract_id, one.policy, one.insured_cop, one.created_by_id) == (contract.id, "45-101", 5_000_000, clerk.user_id)
    page = clerk.get(f"/contract/show/{contract.id}").text
    assert "45-101" in page and "To be approved" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"ends_on": "2026-01-31"}, "This is before"), ({"insured_cop": "5.000,50"}, "whole pesos"), ({"policy": ""}, "required"),
     ({"insured_cop": "0"}, "more than nothing")],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_said_beside_the_field_and_kept_typed(seeded, sign_in, contract, fields, words):
    answer = sign_in(COMERCIAL).post("/guarantee/add", data=said(contract, **fields))

    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Seguros del Valle"' in answer.text
    assert seeded.scalars(select(Guarantee)).all() == []


def test_a_policy_is_approved_and_then_only_replaced(seeded, sign_in, contract):
    clerk = sign_in(COMERCIAL)
    clerk.post("/guarantee/add", data=said(contract))
    one = only(seeded, Guarantee)
    late = clerk.post(f"/guarantee/approve/{one.id}", data={"approved_on": "2026-07-11"})
    done = clerk.post(f"/guarantee/approve/{one.id}", data={"approved_on": "2026-07-09"})

    assert (late.status_code, done.status_code) == (422, 302)
    assert "after today" in late.text
    assert only(seeded, Guarantee).approved_on == date(2026, 7, 9)
    assert clerk.get(f"/guarantee/edit/{one.id}").status_code == 404
    form = clerk.get(f"/guarantee/replace/{one.id}").text
    assert 'value="Seguros del Valle"' in form and 'value="2027-01-31"' in form
    answer = clerk.post(f"/guarantee/replace/{one.id}", data=said(contract, policy="45-102", starts_on="2027-01-31", ends_on="2028-01-31"))
    assert answer.status_code == 302, answer.text
    seeded.expire_all()
    old, new = seeded.scalars(select(Guarantee).order_by(Guarantee.id)).all()
    assert old.replaced_by_id == new.id
    assert "45-102" in clerk.get(f"/guarantee/show/{old.id}").text
    assert clerk.get(f"/guarantee/replace/{old.id}").status_code == 302


def test_policies_are_filtered_by_where_they_stand(seeded, sign_in, contract):
    clerk = sign_in(COMERCIAL)
    clerk.post("/guarantee/add", data=said(contract))
    clerk.post("/guarantee/add", data=said(contract, policy="77-001", starts_on="2025-02-01", ends_on="2026-07-09"))

    ended = clerk.get("/guarantee/list/?state=ENDED").text
    waiting = clerk.get("/guarantee/list/?state=TO_APPROVE").text
    assert "77-001" in ended and "45-101" not in ended
    assert "45-101" in waiting and "77-001" not in waiting
    assert "To be approved" in clerk.get("/guarantee/export/csv").text


def test_many_policies_are_approved_at_once(seeded, sign_in, contract):
    clerk = sign_in(COMERCIAL)
    clerk.post("/guarantee/add", data=said(contract))
    one = only(seeded, Guarantee)
    preview = clerk.post("/guarantee/bulk/approve", data={"row": str(one.id)})
    seal = preview.text.partition('name="sure" value="')[2].partition('"')[0]
    answer = clerk.post("/guarantee/bulk/approve", data={"row": str(one.id), "sure": seal, "approved_on": "2026-07-10"})

    assert answer.status_code == 302, answer.text
    assert only(seeded, Guarantee).approved_on == date(2026, 7, 10)


def test_an_owner_reads_what_hangs_on_the_contracts_of_his_processes(seeded, sign_in, make, contract):
    other = make.contract(process=make.process("FACTURACION"))
    seeded.add_all(
        Guarantee(contract=each, insurer="S", policy=f"P-{each.number}", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
        for each in (contract, other)
    )
    seeded.commit()
    owner = sign_in(DUENO, "TECNICA")
    page = owner.get("/guarantee/list/").text

    assert f"P-{contract.number}" in page and f"P-{other.number}" not in page
    assert owner.get(f"/guarantee/add?contract={contract.number}").status_code == 403


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def attach(client, contract: Contract, *files: tuple[bytes, str], **fields: Any) -> Any:
    url = f"/contractfile/add?contract={contract.number}"
    data = {"kind": "CONTRACT", "description": "Firmado por las dos partes", **fields}
    data["files"] = [(BytesIO(content), name) for content, name in files]
    return client.post(url, data=data, content_type="multipart/form-data")


def test_files_are_attached_to_a_signed_contract_and_taken_by_whoever_sees_it(seeded, sign_in, make, contract):
    answer = attach(sign_in(COMERCIAL), contract, (PDF, "contrato.pdf"))

    assert answer.status_code == 302, answer.text
    row = only(seeded, ContractFile)
    owner, stranger = sign_in(DUENO, "TECNICA"), sign_in(DUENO, "FACTURACION")
    assert f"/contractfile/download/{row.id}" in owner.get(f"/contract/show/{contract.id}").text
    taken = owner.get(f"/contractfile/download/{row.id}")
    assert (taken.status_code, taken.data) == (200, PDF)
    assert taken.headers["Content-Disposition"].startswith("attachment")
    assert stranger.get(f"/contractfile/download/{row.id}").status_code == 404
    assert stranger.get(f"/contractfile/show/{row.id}").status_code == 404


def test_files_are_attached_from_their_list_to_the_contract_that_is_written(seeded, sign_in, contract):
    clerk = sign_in(COMERCIAL)
    form = clerk.get("/contractfile/add")
    data = {"contract": lookup_text(contract), "kind": "ANNEX", "files": (BytesIO(PDF), "anexo.pdf")}
    answer = clerk.post("/contractfile/add", data=data, content_type="multipart/form-data")

    assert form.status_code == 200 and 'name="contract"' in form.text
    assert answer.headers["Location"] == f"/contract/show/{contract.id}"
    assert only(seeded, ContractFile).contract_id == contract.id


@pytest.mark.parametrize("files", [(), ((b"MZ\x90", "programa.exe"),), ((b"no es un pdf", "contrato.pdf"),)])
def test_what_cannot_be_kept_is_refused_and_the_description_stays(seeded, sign_in, contract, files):
    answer = attach(sign_in(COMERCIAL), contract, *files)

    assert answer.status_code == 422
    assert "Firmado por las dos partes" in answer.text
    assert seeded.scalars(select(ContractFile)).all() == []


def test_the_file_of_a_policy_hangs_on_its_page(seeded, sign_in, contract):
    clerk = sign_in(COMERCIAL)
    clerk.post("/guarantee/add", data=said(contract))
    one = only(seeded, Guarantee)
    url = f"/contractfile/add?contract={contract.number}&guarantee={one.id}"
    clerk.post(url, data={"kind": "POLICY", "files": (BytesIO(PDF), "poliza.pdf")}, content_type="multipart/form-data")

    assert only(seeded, ContractFile).guarantee_id == one.id
    assert "poliza.pdf" in clerk.get(f"/guarantee/show/{one.id}").text
    assert clerk.get(f"/contractfile/add?contract={contract.number}&guarantee=999").status_code == 404


# ── Templates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_shows_its_requirements_and_takes_another(seeded, sign_in):
    template = seeded.scalars(select(RequirementTemplate).order_by(RequirementTemplate.id)).first()
    n = len(seeded.scalars(select(RequirementItem).where(RequirementItem.template_id == template.id)).all())
    clerk = sign_in(COMERCIAL)
    process = seeded.scalars(select(Process).where(Process.code == "TECNICA")).one()
    data = {"template": str(template.id), "position": "1", "text": "Lo primero", "quality": "REQUIRED", "process_id": str(process.id)}
    answer = clerk.post("/requirementitem/add", data=data)

    assert answer.status_code == 302, answer.text
    seeded.expire_all()
    items = select(RequirementItem).where(RequirementItem.template_id == template.id).order_by(RequirementItem.position)
    first = seeded.scalars(items).first()
    assert (first.text, first.position, first.process_id) == ("Lo primero", 1, process.id)
    page = clerk.get(f"/requirementtemplate/show/{template.id}").text
    assert page.count("/requirementitem/show/") == n + 1
    clerk.post(f"/requirementitem/drop/{first.id}")
    assert clerk.get(f"/requirementtemplate/show/{template.id}").text.count("/requirementitem/show/") == n


# ── Old registers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def record(seeded):
    facts = {"Valor": "$ 18.500.000", "Fecha fin": "17/03/2027", "Tipo de contrato": "OBRA", "Observaciones": "Ninguna"}
    row = PastRecord(kind=PastKind.CONTRACT, source="Libro 2019", source_number="2019-014", on=date(2019, 3, 1), title="Redes", facts=facts)
    seeded.add(row)
    seeded.commit()
    return row


def test_the_columns_of_an_old_register_fill_the_form_that_makes_it_a_contract(seeded, sign_in, make, record):
    party = make.party(name="Obras del Sur")
    seeded.commit()
    clerk = sign_in(COMERCIAL)
    page = clerk.get(f"/pastrecord/show/{record.id}").text
    form = clerk.get(f"/pastrecord/take-over/{record.id}").text
    works = seeded.scalars(select(ContractKind).where(ContractKind.code == "OBRA")).one()
    data = {"object": "Redes", "kind_id": str(works.id), "party": lookup_text(party), "signed_on": "2019-03-01", "starts_on": "2019-03-01",
            "ends_on": "2027-03-17", "value_cop": "18500000"}  # fmt: skip
    answer = clerk.post(f"/pastrecord/take-over/{record.id}", data=data)

    assert f"/pastrecord/take-over/{record.id}" in page
    for known in ('value="2019-03-01"', 'value="2027-03-17"', 'value="18500000"', f'selected value="{works.id}"', "Ninguna"):
        assert known in form, known
    assert answer.status_code == 302, answer.text
    made = only(seeded, Contract)
    assert (made.number, made.stage, made.value_cop, made.source) == ("2019-014", ContractStage.SIGNED, 18_500_000, "Libro 2019")
    assert f"/contract/show/{made.id}" in clerk.get(f"/pastrecord/show/{record.id}").text


def test_a_number_that_is_taken_is_said_and_nothing_is_lost(seeded, sign_in, make, record):
    twin = make.contract(stage="DRAFT", number="2019-014")
    seeded.commit()
    data = {"object": "Otras redes", "kind_id": str(twin.kind_id), "party": lookup_text(twin.party)}
    answer = sign_in(COMERCIAL).post(f"/pastrecord/take-over/{record.id}", data=data)

    assert answer.status_code == 422
    assert "already a contract with the number 2019-014" in answer.text and "Otras redes" in answer.text


def test_who_only_reads_is_not_offered_to_take_over(seeded, sign_in, record):
    page = sign_in(CONTROL).get(f"/pastrecord/show/{record.id}").text

    assert "take-over" not in page


def test_the_kind_that_only_kept_contracts_is_not_offered_any_more(seeded, sign_in):
    page = sign_in(ADMIN).get("/imports/add").text

    assert 'value="contracts"' in page and 'value="contract_requirements"' in page and 'value="contacts"' in page
    assert "past_contracts" not in page


# ── Charts ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


CHARTS = ("by-end", "by-kind", "by-state", "by-process", "value-by-kind", "value-by-end", "signed", "value-signed", "value-by-party")


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_counts_and_leads_to_its_rows(seeded, sign_in, make, contract, chart):
    make.contract(stage="DRAFT")
    seeded.commit()
    contract.value_cop = 5_000_000
    seeded.commit()
    page = sign_in(CONTROL).get(f"/charts/contracts/?chart={chart}").text

    assert "/contract/list/?" in page
    assert "<svg" in page


def test_the_states_of_the_chart_are_those_of_the_list(seeded, sign_in, make, contract):
    make.contract(stage="DRAFT")
    seeded.commit()
    clerk = sign_in(CONTROL)

    assert "state=ACTIVE" in clerk.get("/charts/contracts/?chart=by-state").text
    assert contract.number in clerk.get("/contract/list/?state=ACTIVE").text
