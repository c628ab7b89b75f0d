"""The pages of contracts: nothing typed is lost, nothing signed is touched, nobody sees what is not theirs."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.contracts import AmendmentStatus, ContractStage
from app.extensions import db
from app.models import Amendment, Contract, ContractRequirement, RequirementItem, RequirementTemplate
from app.operations import contracts
from app.operations.contracts import AmendmentPlan, Wanted

ROWS = {"row-0-text": "El agua cumple la norma", "row-0-quality": "REQUIRED", "row-1-text": "Presión de 15 m", "row-1-quality": "EXPECTED"}


@pytest.fixture
def seller(sign_in):
    return sign_in("Comercial")


def of(number: str) -> Contract:
    db.session.expire_all()
    return db.session.scalars(select(Contract).where(Contract.number == number)).one()


def page(response: Any) -> str:
    return unescape(response.get_data(as_text=True))


def texts(contract: Contract) -> list[str]:
    return [row.text for row in contracts.requirements_shown(db.session, contract.id)]


def typed(html: str) -> list[str]:
    """Return the texts of the rows that a page shows, in order."""
    return [text.strip() for text in re.findall(r'<textarea[^>]*name="row-\d+-text"[^>]*>([^<]*)</textarea>', html)]


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contract_that_ends_before_it_starts_is_refused_beside_the_field_and_keeps_what_was_typed(seeded, make, seller):
    party = make.party(name="Conjunto El Roble")
    kind = make.contract(stage="DRAFT").kind_id
    seeded.commit()
    said = {"party": f"#{party.id}", "object": "Agua en bloque", "kind": str(kind), "value_cop": "1.250.000",
            "starts_on": "2026-08-01", "ends_on": "2026-07-31"}  # fmt: skip
    refused = seller.post("/contract/add", data=said)

    assert refused.status_code == 422
    assert "A contract cannot end before it starts" in page(refused)
    assert 'id="ends_on-error"' in page(refused)
    assert "1.250.000" in page(refused)
    assert len(seeded.scalars(select(Contract)).all()) == 1
    assert seller.post("/contract/add", data=said | {"ends_on": "2027-07-31", "number": "C-77"}).status_code == 302
    assert (of("C-77").value_cop, of("C-77").ends_on, of("C-77").party_id) == (Decimal(1_250_000), date(2027, 7, 31), party.id)
    again = seller.post("/contract/add", data=said | {"ends_on": "2027-07-31", "number": "C-77"})
    assert 'id="number-error"' in page(again)


def test_a_draft_is_corrected_and_keeps_its_number(seeded, make, seller):
    contract = make.contract(stage="DRAFT", number="C-1", value_cop=Decimal(1_250_000))
    seeded.commit()
    form = page(seller.get(f"/contract/edit/{contract.id}"))
    seen = re.search(r'name="seen" value="([^"]*)"', form)[1]
    said = {"seen": seen, "party": f"#{contract.party_id}", "object": "Otro objeto", "kind": str(contract.kind_id), "number": "",
            "starts_on": "", "ends_on": ""}  # fmt: skip

    assert 'value="1250000"' in form
    assert seller.post(f"/contract/edit/{contract.id}", data=said).status_code == 302
    assert (of("C-1").object, of("C-1").starts_on) == ("Otro objeto", None)


def test_requirements_are_written_ordered_and_taken_out_without_script(seeded, make, seller):
    contract = make.contract(stage="DRAFT", requirements=0, number="C-1")
    seeded.commit()
    url = f"/contract/requirements/{contract.id}"
    moved = seller.post(url, data=ROWS | {"do": "down-0", "row-2-text": "Tercero", "row-2-quality": "REQUIRED"})

    assert typed(page(moved)) == ["Presión de 15 m", "El agua cumple la norma", "Tercero"]
    assert texts(of("C-1")) == []
    assert typed(page(seller.post(url, data=ROWS | {"do": "drop-0"}))) == ["Presión de 15 m"]
    assert typed(page(seller.post(url, data=ROWS | {"do": "more"}))) == ["El agua cumple la norma", "Presión de 15 m", ""]
    saved = seller.post(url, data=ROWS | {"do": "save", "seen": "", "row-2-text": "", "row-2-quality": "REQUIRED"})
    assert saved.status_code == 302
    assert texts(of("C-1")) == ["El agua cumple la norma", "Presión de 15 m"]


def test_a_row_that_lacks_its_text_is_marked_and_the_others_are_kept(seeded, make, seller):
    contract = make.contract(stage="DRAFT", requirements=0, number="C-1")
    seeded.commit()
    refused = seller.post(f"/contract/requirements/{contract.id}", data=ROWS | {"do": "save", "row-0-text": "", "row-0-clause": "4.2"})

    assert refused.status_code == 422
    assert 'id="row-0-text-error"' in page(refused)
    assert typed(page(refused)) == ["", "Presión de 15 m"]
    assert texts(of("C-1")) == []


def test_a_template_fills_the_page_and_stores_nothing_yet(seeded, make, seller):
    contract = make.contract(stage="DRAFT", requirements=0, number="C-1")
    template = RequirementTemplate(name="Prueba")
    seeded.add(template)
    seeded.flush()
    for position, words in enumerate(("El agua  cumple la NORMA", "Póliza vigente"), 1):
        seeded.add(RequirementItem(template=template, position=position, text=words))
    seeded.commit()
    shown = seller.post(f"/contract/requirements/{contract.id}", data=ROWS | {"do": "template", "template": str(template.id)})

    assert typed(page(shown)) == ["El agua cumple la norma", "Presión de 15 m", "Póliza vigente"]
    assert texts(of("C-1")) == []
    assert seller.post(f"/contract/requirements/{contract.id}", data={"do": "template", "template": "nonsense"}).status_code == 200


def test_two_who_write_the_requirements_at_once_do_not_overwrite_each_other(seeded, make, seller):
    contract = make.contract(stage="DRAFT", requirements=1, number="C-1")
    seeded.commit()
    url = f"/contract/requirements/{contract.id}"
    seen = re.search(r'name="seen" value="([^"]*)"', page(seller.get(url)))[1]
    contracts.add_requirement(db.session, of("C-1"), Wanted("Del otro"))
    db.session.commit()
    refused = seller.post(url, data=ROWS | {"do": "save", "seen": seen})

    assert refused.status_code == 422
    assert "Somebody else changed the requirements" in page(refused)
    assert typed(page(refused)) == ["El agua cumple la norma", "Presión de 15 m"]
    assert texts(of("C-1")) == ["Requisito 1 del contrato", "Del otro"]


# ── Signing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_signatures_records_who_signed_and_fixes_what_is_required(seeded, make, seller):
    contract = make.contract(stage="DRAFT", number="C-1")
    ours, theirs = contracts.signatories_of(seeded, contract.id)
    seeded.commit()
    url = f"/contract/sign/{contract.id}"
    said = {"row-0-row_id": ours.id, "row-0-side": "OURS", "row-0-name": "Ana Prueba", "row-0-signed_on": "2025-01-10",
            "row-1-row_id": theirs.id, "row-1-side": "THEIRS", "row-1-name": "Luz Gil"}  # fmt: skip
    lacking = seller.post(url, data=said | {"do": "sign"})

    assert lacking.status_code == 422
    assert "Write on which day Luz Gil signed" in page(lacking)
    assert seller.post(url, data=said | {"do": "save"}).status_code == 302
    assert of("C-1").stage is ContractStage.DRAFT
    done = seller.post(url, data=said | {"do": "sign", "row-1-signed_on": "2025-01-12"}, follow_redirects=True)
    assert "C-1 is signed, and what it requires is fixed." in page(done)
    assert (of("C-1").stage, of("C-1").signed_on) == (ContractStage.SIGNED, date(2025, 1, 12))


@pytest.mark.parametrize("step", ["requirements", "sign"])
def test_what_is_signed_says_so_instead_of_opening_its_form(seeded, make, seller, step):
    contract = make.contract(number="C-1")
    seeded.commit()
    url = f"/contract/{step}/{contract.id}"

    assert "no longer changes. What was signed changes only by an amendment." in page(seller.get(url, follow_redirects=True))
    assert "no longer changes" in page(seller.post(url, data=ROWS | {"do": "save"}, follow_redirects=True))
    assert len(texts(of("C-1"))) == 3
    assert seller.get(f"/contract/edit/{contract.id}").status_code == 404


def test_a_contract_ends_early_only_with_a_reason(seeded, make, seller):
    contract = make.contract(number="C-1", ends_on=date(2030, 1, 31))
    seeded.commit()
    url = f"/contract/terminate/{contract.id}"

    assert seller.post(url, data={"terminated_on": "2026-01-31"}).status_code == 422
    assert 'id="terminated_on-error"' in page(seller.post(url, data={"terminated_on": "2031-01-31", "reason": "Sí"}))
    shown = seller.post(url, data={"terminated_on": "2026-01-31", "reason": "Mutuo acuerdo"}, follow_redirects=True)
    assert "Mutuo acuerdo" in page(shown)
    assert of("C-1").stage is ContractStage.TERMINATED


# ── Amending ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_amendment_shows_before_and_after_and_applies_when_it_is_signed(seeded, make, seller):
    contract = make.contract(number="C-1", value_cop=Decimal(1_000_000), ends_on=date(2030, 1, 31))
    first, second, _third = contracts.requirements_shown(seeded, contract.id)
    seeded.commit()
    said = {"do": "save", "reason": "Se prorroga", "effective_on": "2026-02-01", "new_ends_on": "2031-01-31", "ended": str(first.id),
            "value_change_cop": "-250.000", "row-0-text": "En su lugar", "row-0-quality": "REQUIRED",
            "row-0-replaces_id": str(second.id)}  # fmt: skip
    refused = seller.post(f"/amendment/draft/{contract.id}", data=said | {"new_ends_on": "2024-01-01"})
    assert 'id="new_ends_on-error"' in page(refused)
    assert typed(page(refused)) == ["En su lugar"]

    shown = page(seller.post(f"/amendment/draft/{contract.id}", data=said, follow_redirects=True))
    amendment = seeded.scalars(select(Amendment)).one()
    for words in ("1,000,000", "750,000", "Requirement replaced", "Requirement ended", "En su lugar", second.text, first.text):
        assert words in shown
    assert of("C-1").value_cop == Decimal(1_000_000)
    assert seller.post(f"/amendment/sign/{amendment.id}", data={"signed_on": "2026-02-01"}).status_code == 302
    assert (of("C-1").value_cop, of("C-1").ends_on) == (Decimal(750_000), date(2031, 1, 31))
    again = seller.get(f"/amendment/edit/{amendment.id}", follow_redirects=True)
    assert "This amendment no longer changes." in page(again)
    contract_page = page(seller.get(f"/contract/show/{contract.id}"))
    assert contract_page.count("Ended by amendment 1") == 2
    assert "Added by amendment 1" in contract_page


def test_a_draft_amendment_keeps_what_another_wrote_meanwhile(seeded, make, seller):
    contract = make.contract(number="C-1", ends_on=date(2030, 1, 31))
    amendment = contracts.draft_amendment(seeded, contract, AmendmentPlan("Uno", date(2026, 2, 1), date(2031, 1, 31)))
    seeded.commit()
    url = f"/amendment/edit/{amendment.id}"
    assert f'value="{amendment.changed_at.isoformat()}"' in page(seller.get(url))
    row = db.session.get(Amendment, amendment.id)
    contracts.correct_amendment(db.session, row, AmendmentPlan("Dos", date(2026, 2, 1), date(2032, 1, 31)))
    db.session.commit()
    said = {"do": "save", "reason": "Tres", "effective_on": "2026-02-01", "new_ends_on": "2033-01-31"}
    refused = seller.post(url, data=said | {"seen": "2020-01-01T00:00:00+00:00"})  # the clock of the tests stands still

    assert "Somebody else changed this while you were writing" in page(refused)
    db.session.expire_all()
    assert db.session.get(Amendment, amendment.id).reason == "Dos"
    assert seller.post(f"/amendment/void/{amendment.id}", data={"reason": "No se acordó"}).status_code == 302
    db.session.expire_all()
    assert db.session.get(Amendment, amendment.id).status is AmendmentStatus.VOIDED


# ── Who sees what ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_sees_the_contracts_of_his_processes_and_no_other_at_any_door(seeded, make, sign_in):
    mine, other = make.process("TECNICA"), make.process("FACTURACION")
    own = make.contract(number="MIO-1", process=mine)
    part, alien = make.contract(number="PARTE-1", process=other, stage="DRAFT"), make.contract(number="AJENO-1", process=other)
    contracts.add_requirement(seeded, part, Wanted("De la técnica", process_id=mine.id))
    amendment = contracts.draft_amendment(seeded, alien, AmendmentPlan("Uno", date(2026, 2, 1), date(2031, 1, 31)))
    seeded.commit()
    owner = sign_in("Dueño de proceso", "TECNICA")

    for door in ("/contract/list/", "/contract/list/?q=1", "/contract/export/csv", "/contract/list/?state=ACTIVE,ENDING,ENDED,DRAFT"):
        shown = page(owner.get(door))
        assert "MIO-1" in shown
        assert "PARTE-1" in shown
        assert "AJENO-1" not in shown
    assert owner.get(f"/contract/show/{own.id}").status_code == owner.get(f"/contract/show/{part.id}").status_code == 200
    for door in (f"/contract/show/{alien.id}", f"/amendment/show/{amendment.id}"):
        assert owner.get(door).status_code == 404
    assert owner.get("/lookup/contract?q=AJENO").get_json() == []
    for door in ("guarantee", "checklist", "contractfile"):  # a filter by a contract that he does not see does not say its number
        assert "AJENO-1" not in page(owner.get(f"/{door}/list/?contract={alien.id}&facet=contract"))
    assert "MIO-1" in page(owner.get(f"/guarantee/list/?contract={own.id}"))
    assert owner.get(f"/contract/requirements/{part.id}").status_code in {302, 403}
    assert seeded.scalars(select(ContractRequirement.text).where(ContractRequirement.contract_id == part.id)).all()[-1] == "De la técnica"


def test_the_list_filters_by_the_state_that_follows_from_the_dates(seeded, make, seller):
    make.contract(number="VIGENTE-1", ends_on=None)
    make.contract(number="VENCIDO-1", ends_on=date(2025, 6, 30))
    make.contract(number="BORRADOR-1", stage="DRAFT")
    seeded.commit()
    found = {query: set(re.findall(r"(?:VIGENTE|VENCIDO|BORRADOR)-1", page(seller.get(f"/contract/list/?state={query}"))))
             for query in ("ACTIVE,ENDING", "ENDED", "DRAFT", "NONSENSE")}  # fmt: skip

    assert found["ACTIVE,ENDING"] == {"VIGENTE-1"}
    assert found["ENDED"] == {"VENCIDO-1"}
    assert found["DRAFT"] == {"BORRADOR-1"}
    assert found["NONSENSE"] == {"VIGENTE-1", "VENCIDO-1", "BORRADOR-1"}
    assert "Ended on its day" in page(seller.get("/contract/export/csv?state=ENDED"))
