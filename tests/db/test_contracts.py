"""The life of a contract: free until it is signed, then only an amendment changes it, and the database itself refuses the rest."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.domain.contracts import AmendmentStatus, ContractMove, ContractStage, ContractState, Side, state_of, was_in_force
from app.domain.errors import DomainError, MoveRefused
from app.domain.quotations import QuotationStatus
from app.models import CommercialEvent, Contract, ContractRequirement, ContractSignatory, Quotation, RequirementItem, RequirementTemplate
from app.operations import contracts
from app.operations.contracts import AmendmentPlan, Wanted

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
TODAY = date(2026, 7, 10)


def history(session: Any, contract: Contract) -> list[str]:
    mine = select(CommercialEvent.move).where(CommercialEvent.contract_id == contract.id)
    return list(session.scalars(mine.order_by(CommercialEvent.id)))


def quotation_of(session: Any, make: Any, party: Any, number: str = "COT-2026-0900") -> Quotation:
    from app import queries

    quotation = Quotation(
        organisation=queries.organisation(session), number=number, status=QuotationStatus.ACCEPTED, party=party, subject="Agua en bloque",
        requested_on=date(2026, 6, 1), first_sent_on=date(2026, 6, 5), sent_on=date(2026, 6, 5), valid_until=date(2026, 7, 5),
        decided_on=date(2026, 6, 20), total_cop=Decimal(11_900_000),
    )  # fmt: skip
    session.add(quotation)
    session.flush()
    return quotation


def texts(rows: Any) -> list[str]:
    return [row.text for row in rows]


@pytest.fixture
def signed(seeded, make):
    return make.contract(number="C-1", value_cop=Decimal(1_000_000))


def plan(**changes: Any) -> AmendmentPlan:
    values = {"reason": "Se prorroga un año.", "effective_on": date(2026, 8, 1), "new_ends_on": date(2028, 1, 31)}
    return AmendmentPlan(**(values | changes))


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contract_has_the_number_that_was_typed_or_the_next_free_one(seeded, make):
    typed = make.contract(stage="DRAFT", number=" CTO-2025-0001 ")
    given = make.contract(stage="DRAFT")

    assert (typed.number, given.number) == ("CTO-2025-0001", "CTO-2025-0002")
    with pytest.raises(DomainError, match="already a contract") as refused:
        make.contract(stage="DRAFT", number="CTO-2025-0001")
    assert refused.value.field == "number"


def test_a_contract_that_ends_before_it_starts_is_refused_by_name_and_by_the_database(seeded, make):
    with pytest.raises(DomainError, match="cannot end before it starts") as refused:
        make.contract(stage="DRAFT", ends_on=date(2025, 1, 31))
    assert refused.value.field == "ends_on"

    contract = make.contract(stage="DRAFT")
    with pytest.raises(IntegrityError, match="starts_before_it_ends"), seeded.begin_nested():
        seeded.execute(text("UPDATE contract SET ends_on = '2020-01-01' WHERE id = :id"), {"id": contract.id})


def test_an_accepted_quotation_becomes_one_contract_of_the_same_party(seeded, make):
    quotation = quotation_of(seeded, make, make.party(name="Conjunto El Roble"))
    contract = contracts.contract_of_quotation(seeded, quotation, at=AT, actor_id=None)

    assert (contract.number, contract.party, contract.value_cop) == ("CTO-2026-0001", quotation.party, Decimal(11_900_000))
    assert contract.object == "Agua en bloque"
    assert history(seeded, contract) == ["WRITE"]
    [told] = seeded.scalars(select(CommercialEvent).where(CommercialEvent.quotation_id == quotation.id))
    assert (told.move, told.facts) == ("CONTRACT", {"contract": "CTO-2026-0001"})
    with pytest.raises(MoveRefused, match="has a contract already: CTO-2026-0001"):
        contracts.contract_of_quotation(seeded, quotation, at=AT, actor_id=None)


def test_a_quotation_that_nobody_accepted_becomes_no_contract(seeded, make):
    quotation = quotation_of(seeded, make, make.party())
    draft = Quotation(organisation=quotation.organisation, number="COT-2026-0902", party=quotation.party, subject="Otra",
                      requested_on=date(2026, 6, 1))  # fmt: skip
    seeded.add(draft)
    seeded.flush()

    with pytest.raises(MoveRefused, match="only an accepted quotation"):
        contracts.contract_of_quotation(seeded, draft, at=AT, actor_id=None)


def test_a_contract_of_another_party_than_its_quotation_is_refused_twice(seeded, make):
    quotation = quotation_of(seeded, make, make.party(name="Conjunto El Roble"))
    with pytest.raises(DomainError, match="quoted to Conjunto El Roble") as refused:
        make.contract(stage="DRAFT", quotation=quotation, party=make.party(name="Otra Empresa"))
    assert refused.value.field == "party"

    contract = contracts.contract_of_quotation(seeded, quotation, at=AT, actor_id=None)
    with pytest.raises(IntegrityError, match="frozen"), seeded.begin_nested():
        seeded.execute(text("UPDATE contract SET party_id = :party WHERE id = :id"), {"party": make.party().id, "id": contract.id})


def test_a_draft_that_is_given_up_lets_its_quotation_go(seeded, make):
    quotation = quotation_of(seeded, make, make.party())
    contract = contracts.contract_of_quotation(seeded, quotation, at=AT, actor_id=None)
    with pytest.raises(MoveRefused, match="Write why"):
        contracts.void_contract(seeded, contract, " ", at=AT, actor_id=None)
    contracts.void_contract(seeded, contract, "Se repite.", at=AT, actor_id=None)

    assert (contract.stage, contract.stage_reason) == (ContractStage.VOIDED, "Se repite.")
    assert contracts.contract_of_quotation(seeded, quotation, at=AT, actor_id=None).number == "CTO-2026-0002"


# ── What it requires ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_draft_requires_is_rewritten_freely_and_in_order(seeded, make):
    contract = make.contract(stage="DRAFT", requirements=3)
    first, second, third = contracts.requirements_shown(seeded, contract.id)
    contracts.write_requirements(seeded, contract, [
        contracts.wanted_of(third), Wanted("Nuevo", clause="Cláusula 4"), contracts.wanted_of(first),
    ])  # fmt: skip

    rows = contracts.requirements_shown(seeded, contract.id)
    assert texts(rows) == ["Requisito 3 del contrato", "Nuevo", "Requisito 1 del contrato"]
    assert [row.position for row in rows] == [1, 2, 3]
    assert rows[0].id == third.id
    assert seeded.get(ContractRequirement, second.id) is None
    with pytest.raises(DomainError, match="what the requirement asks for"):
        contracts.add_requirement(seeded, contract, Wanted("  "))


def test_a_template_adds_only_what_is_not_there_yet(seeded, make):
    contract = make.contract(stage="DRAFT", requirements=1)
    template = RequirementTemplate(name="Prueba de plantilla")
    seeded.add(template)
    seeded.flush()
    for position, words in enumerate(("REQUISITO 1  del contrato", "Póliza vigente"), 1):
        seeded.add(RequirementItem(template=template, position=position, text=words))
    seeded.flush()

    assert texts(contracts.fill_from_template(seeded, contract, template)) == ["Póliza vigente"]
    assert contracts.fill_from_template(seeded, contract, template) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda session, contract: contracts.write_requirements(session, contract, [Wanted("Otro")]),
        lambda session, contract: contracts.add_requirement(session, contract, Wanted("Otro")),
        lambda session, contract: contracts.correct_contract(session, contract),
        lambda session, contract: contracts.void_contract(session, contract, "No", at=AT, actor_id=None),
    ],
    ids=["write", "add", "correct", "void"],
)
def test_after_the_signature_every_verb_of_a_draft_is_refused(seeded, signed, act):
    with pytest.raises(MoveRefused, match="C-1 is “Signed by both sides”"):
        act(seeded, signed)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract_requirement SET text = 'Otro' WHERE contract_id = :id",
        "UPDATE contract_requirement SET quality = 'POTENTIAL' WHERE contract_id = :id",
        "UPDATE contract_requirement SET is_frozen = (1 = 0) WHERE contract_id = :id",
        "DELETE FROM contract_requirement WHERE contract_id = :id",
        "INSERT INTO contract_requirement (contract_id, position, text, quality, clause, verification, evidence, is_frozen, created_at,"
        " changed_at) SELECT contract_id, 99, 'Otro', quality, '', '', '', (1 = 0), created_at, changed_at FROM contract_requirement"
        " WHERE contract_id = :id",
        "UPDATE contract SET object = 'Otro' WHERE id = :id",
        "UPDATE contract SET starts_on = '2025-01-25' WHERE id = :id",
        "DELETE FROM contract WHERE id = :id",
        "UPDATE contract_signatory SET name = 'Otro' WHERE contract_id = :id",
        "DELETE FROM contract_signatory WHERE contract_id = :id",
    ],
)
def test_the_database_itself_refuses_to_touch_what_was_signed(seeded, signed, statement):
    with pytest.raises(IntegrityError, match="frozen"), seeded.begin_nested():
        seeded.execute(text(statement), {"id": signed.id})


# ── Signature ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signature_freezes_what_the_contract_requires_and_names_who_signed(seeded, make):
    contract = make.contract(stage="DRAFT")
    people = contracts.signatories_of(seeded, contract.id)
    assert [person.side for person in people] == [Side.OURS, Side.THEIRS]
    days = {people[0].id: date(2026, 7, 1), people[1].id: date(2026, 7, 8)}
    contracts.sign_contract(seeded, contract, days, at=AT, actor_id=None)

    assert (contract.stage, contract.signed_on) == (ContractStage.SIGNED, date(2026, 7, 8))
    assert all(row.is_frozen for row in contracts.requirements_shown(seeded, contract.id))
    assert history(seeded, contract) == ["WRITE", "SIGN"]


def test_nobody_signs_for_two_and_nobody_without_a_day(seeded, make):
    contract = make.contract(stage="DRAFT")
    ours, theirs = contracts.signatories_of(seeded, contract.id)
    with pytest.raises(MoveRefused, match="on which day Firmante THEIRS"):
        contracts.sign_contract(seeded, contract, {ours.id: TODAY}, at=AT, actor_id=None)
    seeded.delete(seeded.get(ContractSignatory, theirs.id))
    seeded.flush()
    with pytest.raises(MoveRefused, match="The other party"):
        contracts.sign_contract(seeded, contract, {ours.id: TODAY}, at=AT, actor_id=None)


def test_a_contract_without_requirements_or_dated_tomorrow_is_not_signed(seeded, make):
    empty, full = make.contract(stage="DRAFT", requirements=0), make.contract(stage="DRAFT")
    for contract, day, words in ((empty, TODAY, "Write what"), (full, date(2026, 7, 11), "after today")):
        days = {person.id: day for person in contracts.signatories_of(seeded, contract.id)}
        with pytest.raises(DomainError, match=words):
            contracts.sign_contract(seeded, contract, days, at=AT, actor_id=None)


# ── Amendments ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_amendment_changes_nothing_until_it_is_signed_and_then_all_of_it(seeded, signed):
    first, second, third = contracts.requirements_shown(seeded, signed.id)
    added = [Wanted("Dos, mejor dicho", replaces_id=second.id), Wanted("Del todo nuevo")]
    amendment = contracts.draft_amendment(
        seeded, signed, plan(value_change_cop=Decimal(-250_000), ended=[third.id], added=added)
    )  # fmt: skip

    assert (signed.ends_on, signed.value_cop) == (date(2027, 1, 31), Decimal(1_000_000))
    assert contracts.active_requirements(seeded, signed.id, date(2026, 9, 1)) == [first, second, third]
    contracts.sign_amendment(seeded, amendment, signed_on=TODAY, at=AT, actor_id=None)

    assert (signed.ends_on, signed.value_cop) == (date(2028, 1, 31), Decimal(750_000))
    assert (amendment.ends_on_before, amendment.value_before_cop) == (date(2027, 1, 31), Decimal(1_000_000))
    assert contracts.active_requirements(seeded, signed.id, date(2026, 7, 31)) == [first, second, third]
    assert texts(contracts.active_requirements(seeded, signed.id, date(2026, 8, 1))) == [first.text, "Dos, mejor dicho", "Del todo nuevo"]
    assert history(seeded, signed) == ["WRITE", "SIGN", "AMEND"]


def test_a_signed_amendment_is_frozen_by_word_and_by_the_database(seeded, signed):
    third = contracts.requirements_shown(seeded, signed.id)[2]
    amendment = contracts.draft_amendment(seeded, signed, plan(ended=[third.id]))
    contracts.sign_amendment(seeded, amendment, signed_on=TODAY, at=AT, actor_id=None)

    with pytest.raises(MoveRefused, match="no longer changes"):
        contracts.correct_amendment(seeded, amendment, plan())
    with pytest.raises(MoveRefused, match="no longer changes"):
        contracts.void_amendment(seeded, amendment, "No", at=AT, actor_id=None)
    for statement in (
        "UPDATE amendment SET new_ends_on = '2030-01-01' WHERE contract_id = :id",
        "DELETE FROM amendment_ending WHERE requirement_id IN (SELECT id FROM contract_requirement WHERE contract_id = :id)",
        "UPDATE contract_requirement SET ended_by_id = NULL WHERE contract_id = :id",
    ):
        with pytest.raises(IntegrityError, match="frozen"), seeded.begin_nested():
            seeded.execute(text(statement), {"id": signed.id})


def test_a_draft_amendment_is_rewritten_whole_and_given_up_with_a_reason(seeded, signed):
    first, second, _third = contracts.requirements_shown(seeded, signed.id)
    amendment = contracts.draft_amendment(seeded, signed, plan(ended=[first.id], added=[Wanted("A")]))
    with pytest.raises(MoveRefused, match="Amendment 1 of C-1 is still a draft"):
        contracts.draft_amendment(seeded, signed, plan())
    contracts.correct_amendment(seeded, amendment, plan(ended=[second.id], added=[Wanted("B")]))
    assert texts(contracts.added_by(seeded, amendment)) == ["B"]
    assert contracts.ended_by(seeded, amendment) == [second]

    with pytest.raises(MoveRefused, match="Write why"):
        contracts.void_amendment(seeded, amendment, "", at=AT, actor_id=None)
    contracts.void_amendment(seeded, amendment, "No se acordó.", at=AT, actor_id=None)
    assert amendment.status is AmendmentStatus.VOIDED
    assert len(contracts.active_requirements(seeded, signed.id, date(2026, 9, 1))) == 3
    assert contracts.draft_amendment(seeded, signed, plan()).number == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": " "}, "Write what changes"),
        ({"new_ends_on": None}, "changes nothing"),
        ({"new_ends_on": date(2024, 1, 1)}, "before it starts"),
        ({"effective_on": date(2027, 2, 1)}, "in force"),
        ({"value_change_cop": Decimal(-1_000_001)}, "more than the contract is worth"),
        ({"ended": [10**9]}, "ended already"),
        ({"added": [Wanted("A", replaces_id=1), Wanted("B", replaces_id=1)]}, "ended already|take the place"),
    ],
)
def test_an_amendment_that_makes_no_sense_is_refused_whole(seeded, signed, changes, words):
    with pytest.raises(DomainError, match=words):
        contracts.draft_amendment(seeded, signed, plan(**changes))


def test_an_amendment_signed_after_the_end_is_a_new_contract(seeded, make):
    contract = make.contract(number="C-2", ends_on=date(2026, 6, 30))
    amendment = contracts.draft_amendment(seeded, contract, plan(effective_on=date(2026, 6, 1)))
    with pytest.raises(DomainError, match="a new contract"):
        contracts.sign_amendment(seeded, amendment, signed_on=TODAY, at=AT, actor_id=None)
    contracts.sign_amendment(seeded, amendment, signed_on=date(2026, 6, 30), at=AT, actor_id=None)

    assert contract.ends_on == date(2028, 1, 31)


# ── The end, and the state ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_contract_ends_early_with_a_day_and_a_reason(seeded, signed):
    amendment = contracts.draft_amendment(seeded, signed, plan())
    with pytest.raises(MoveRefused, match="still a draft"):
        contracts.terminate_contract(seeded, signed, on=TODAY, reason="Mutuo acuerdo", at=AT, actor_id=None)
    contracts.void_amendment(seeded, amendment, "No se acordó.", at=AT, actor_id=None)
    contracts.terminate_contract(seeded, signed, on=TODAY, reason="Mutuo acuerdo", at=AT, actor_id=None)

    assert (signed.stage, signed.terminated_on, signed.stage_reason) == (ContractStage.TERMINATED, TODAY, "Mutuo acuerdo")
    assert history(seeded, signed)[-1] == ContractMove.TERMINATE.name
    with pytest.raises(MoveRefused, match="only a signed contract"):
        contracts.terminate_contract(seeded, signed, on=TODAY, reason="Otra vez", at=AT, actor_id=None)


def test_who_answers_may_change_after_the_signature(seeded, make, signed):
    process, supervisor = make.process("TECNICA"), make.user("Comercial", first_name="Sara")
    contracts.hand_over(seeded, signed, process, supervisor, at=AT, actor_id=None)

    assert (signed.process, signed.supervisor) == (process, supervisor)
    assert history(seeded, signed)[-1] == "HAND_OVER"


def test_sql_and_python_derive_the_same_state(seeded, make):
    days = [date(2026, 1, 1), date(2026, 7, 9), TODAY, date(2026, 9, 8), date(2026, 9, 9), date(2030, 1, 1), None]
    made = [make.contract(stage="DRAFT"), contracts.void_contract(seeded, make.contract(stage="DRAFT"), "No", at=AT, actor_id=None)]
    made += [make.contract(ends_on=day) for day in days] + [make.contract(starts_on=date(2026, 7, 11)), make.contract(starts_on=TODAY)]
    for day in days[:-2]:
        contract = make.contract(ends_on=date(2030, 12, 31))
        made.append(contracts.terminate_contract(seeded, contract, on=day, reason="Fin", at=AT, actor_id=None))
    expected = {contract.id: state_of(contracts.span_of(contract), TODAY) for contract in made}
    found = {
        key: state for state in ContractState for key in seeded.scalars(select(Contract.id).where(contracts.state_clause(state, TODAY)))
    }

    assert found == expected
    assert set(expected.values()) == set(ContractState)
    for first, last in ((date(2025, 1, 1), date(2025, 1, 31)), (TODAY, TODAY), (date(2027, 1, 1), date(2027, 12, 31))):
        active = set(seeded.scalars(select(Contract.id).where(contracts.in_force_clause(first, last))))
        assert active == {contract.id for contract in made if was_in_force(contracts.span_of(contract), first, last)}
