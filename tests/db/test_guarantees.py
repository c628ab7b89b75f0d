"""Policies and files of a contract, templates of what it requires, and who is told before something of it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app import queries
from app.domain.calendar import ONE_DAY
from app.domain.contracts import ContractFileKind, ContractStage, GuaranteeKind
from app.domain.errors import DomainError, MoveRefused
from app.domain.guarantees import GuaranteeState, state_of
from app.domain.states import PastKind
from app.models import (
    CommercialEvent,
    Contract,
    ContractFile,
    Guarantee,
    PastRecord,
    ReminderRule,
    RequirementItem,
    RequirementTemplate,
)
from app.operations import contracts, guarantees, reminders, seeds, takeover
from app.operations.files import check_upload
from app.operations.templates import make_room

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
NOW: dict[str, Any] = {"at": AT, "actor_id": None}
SPAN = {"starts_on": date(2026, 2, 1), "ends_on": date(2027, 1, 31)}


@pytest.fixture
def contract(make):
    return make.contract()


def policy(session, contract: Contract, number: str = "P-1", **columns: Any) -> Guarantee:
    return guarantees.record_guarantee(session, paper(contract, number, **columns), **NOW)


def paper(contract: Contract, number: str, **columns: Any) -> Guarantee:
    return Guarantee(**{"contract": contract, "kind": GuaranteeKind.PERFORMANCE, "insurer": "Seguros", "policy": number, **SPAN} | columns)


# ── Guarantees ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_is_recorded_approved_and_replaced_and_the_history_says_so(seeded, contract):
    old = policy(seeded, contract)
    guarantees.approve_guarantee(seeded, old, date(2026, 7, 9), **NOW)
    renewal = paper(contract, "P-2", starts_on=date(2027, 2, 1), ends_on=date(2028, 1, 31))
    new = guarantees.replace_guarantee(seeded, old, renewal, **NOW)

    assert (old.approved_on, old.replaced_by_id, new.approved_on) == (date(2026, 7, 9), new.id, None)
    rows = seeded.scalars(select(CommercialEvent).where(CommercialEvent.contract_id == contract.id).order_by(CommercialEvent.id)).all()
    assert [(row.move, row.facts.get("policy")) for row in rows[-3:]] == [
        ("GUARANTEE", "P-1"), ("APPROVE_GUARANTEE", "P-1"), ("REPLACE_GUARANTEE", "P-2")]  # fmt: skip
    assert rows[-1].facts["replaces"] == "P-1"


def test_the_clause_of_each_state_finds_what_the_rule_says(seeded, contract):
    today, live = date(2026, 7, 10), {"starts_on": date(2026, 1, 1)}
    rows = [
        policy(seeded, contract, "1", **live, ends_on=date(2026, 12, 31)),
        policy(seeded, contract, "2", **live, ends_on=date(2026, 8, 9), approved_on=date(2026, 1, 5)),
        policy(seeded, contract, "3", **live, ends_on=date(2026, 8, 10), approved_on=date(2026, 1, 5)),
        policy(seeded, contract, "4", **live, ends_on=date(2026, 7, 9), approved_on=date(2026, 1, 5)),
        policy(seeded, contract, "5", **live, ends_on=date(2026, 7, 9)),
    ]
    rows[4].replaced_by_id = rows[0].id
    seeded.flush()

    for state in GuaranteeState:
        found = set(seeded.scalars(select(Guarantee.policy).where(guarantees.state_clause(state, today))))
        assert found == {row.policy for row in rows if state_of(guarantees.cover_of(row), today) is state}


REFUSED = (
    ({"ends_on": date(2026, 1, 31)}, "ends_on"),
    ({"ends_on": None}, "ends_on"),
    ({"insured_cop": 0}, "insured_cop"),
    ({}, "policy"),  # the contract has it already
)


@pytest.mark.parametrize(("columns", "field"), REFUSED)
def test_a_policy_that_makes_no_sense_is_refused(seeded, contract, columns, field):
    policy(seeded, contract)

    with pytest.raises(DomainError) as refused:
        policy(seeded, contract, **columns)

    assert refused.value.field == field


def test_a_contract_that_was_given_up_takes_no_policy(seeded, make):
    draft = make.contract(stage="DRAFT")
    contracts.void_contract(seeded, draft, "Se desistió", **NOW)

    with pytest.raises(MoveRefused):
        policy(seeded, draft)


def test_a_policy_is_replaced_once_and_by_one_of_its_contract(seeded, make, contract):
    old, other = policy(seeded, contract), make.contract()

    with pytest.raises(DomainError):
        guarantees.replace_guarantee(seeded, old, paper(other, "P-9"), **NOW)
    guarantees.replace_guarantee(seeded, old, paper(contract, "P-2"), **NOW)
    with pytest.raises(MoveRefused):
        guarantees.replace_guarantee(seeded, old, paper(contract, "P-3"), **NOW)


def test_the_database_lets_no_two_policies_be_replaced_by_one(seeded, contract):
    first, second, third = (policy(seeded, contract, str(n)) for n in (1, 2, 3))
    ids = [first.id, second.id]

    with pytest.raises(IntegrityError), seeded.begin_nested():
        seeded.execute(update(Guarantee).where(Guarantee.id.in_(ids)).values(replaced_by_id=third.id))


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_are_kept_with_a_signed_contract_and_its_policy(seeded, contract):
    one = policy(seeded, contract)
    text = check_upload("poliza.txt", BytesIO(b"Cubre"))
    (row,) = guarantees.attach_files(seeded, contract, [text], ContractFileKind.POLICY, " Póliza ", guarantee=one, **NOW)

    assert (row.file.name, row.guarantee_id, row.description) == ("poliza.txt", one.id, "Póliza")
    event = seeded.scalars(select(CommercialEvent).order_by(CommercialEvent.id.desc()).limit(1)).one()
    assert (event.move, event.facts) == ("ATTACH", {"files": ["poliza.txt"]})


def test_no_file_and_a_policy_of_another_contract_are_refused(seeded, make, contract):
    other = policy(seeded, make.contract())
    text = check_upload("poliza.txt", BytesIO(b"Cubre"))

    with pytest.raises(DomainError) as nothing:
        guarantees.attach_files(seeded, contract, [], ContractFileKind.OTHER, **NOW)
    with pytest.raises(DomainError):
        guarantees.attach_files(seeded, contract, [text], ContractFileKind.POLICY, guarantee=other, **NOW)

    assert nothing.value.field == "files"
    assert seeded.scalar(select(func.count()).select_from(ContractFile)) == 0


# ── Templates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_templates_ship_with_requirements_that_can_be_verified(seeded):
    counts = seeded.execute(
        select(RequirementTemplate.name, func.count()).join(RequirementItem, RequirementItem.template_id == RequirementTemplate.id)
        .where(RequirementItem.verification != "", RequirementItem.evidence != "", RequirementItem.clause != "")
        .group_by(RequirementTemplate.name)
    ).all()  # fmt: skip

    assert len(counts) == 3
    assert all(10 <= n <= 14 for _name, n in counts)
    assert seeded.scalar(select(func.count()).where(RequirementItem.process_id.is_(None))) == 0


def test_a_template_that_somebody_made_their_own_gets_nothing_back(seeded):
    item = seeded.scalars(select(RequirementItem).order_by(RequirementItem.id)).first()
    n = seeded.scalar(select(func.count()).select_from(RequirementItem))
    seeded.delete(item)
    seeded.flush()

    seeds.load_seeds(seeded, AT)

    assert seeded.scalar(select(func.count()).select_from(RequirementItem)) == n - 1


def test_a_requirement_takes_the_place_it_asks_for_and_the_others_make_room(seeded):
    template = RequirementTemplate(name="Prueba")
    seeded.add(template)
    seeded.flush()

    def put(text: str, position: int | None) -> RequirementItem:
        item = RequirementItem(template=template, text=text, position=position)
        make_room(seeded, item)
        seeded.add(item)
        seeded.flush()
        return item

    items = [put(text, None) for text in "abcd"]
    put("e", 2)
    items[3].position = 1  # d to the top
    make_room(seeded, items[3])
    seeded.flush()

    rows = seeded.execute(select(RequirementItem.position, RequirementItem.text).where(RequirementItem.template_id == template.id)).all()
    assert "".join(text for _position, text in sorted(rows)) == "daebc"


# ── Notices ahead ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def only_rules(seeded):
    """Only the rules of contracts speak, and the supervisor hears them."""
    named = ReminderRule.source.in_(("CONTRACT", "GUARANTEE", "REVIEW"))
    seeded.execute(update(ReminderRule).where(~named).values(is_active=False))
    return seeded


def due_on(session, day: date) -> set[tuple[str, str]]:
    """Return (rule, key) of what is to be told on *day* if nothing was told before."""
    return {(each.rule.code, each.row.key) for each in reminders.due(session, datetime(day.year, day.month, day.day, 15, tzinfo=UTC))}


def before(session, day: date, n: int) -> date:
    """Return the n-th working day before the safe date of *day*."""
    calendar = queries.calendar_of(session, queries.organisation(session))
    return calendar.previous_working_day(calendar.previous_working_day(day), n)


def test_the_end_of_a_contract_is_told_days_ahead_to_its_supervisor(only_rules, make):
    user = make.user("Comercial")
    signed = make.contract(supervisor=user)
    make.contract(stage="DRAFT", supervisor=user)
    day = before(only_rules, signed.ends_on, 20)

    assert ("CONTRATO_UN_MES", signed.number) in due_on(only_rules, day)
    assert ("CONTRATO_UN_MES", signed.number) not in due_on(only_rules, day - ONE_DAY)
    told = [each for each in reminders.due(only_rules, datetime(day.year, day.month, day.day, 15, tzinfo=UTC)) if each.user_id == user.id]
    assert {each.row.key for each in told} == {signed.number}, "a draft ends nothing"
    assert due_on(only_rules, signed.ends_on + ONE_DAY) == set()


def test_a_policy_is_told_until_another_takes_its_place(only_rules, make):
    signed = make.contract(supervisor=make.user("Comercial"), ends_on=date(2030, 1, 31))
    one = policy(only_rules, signed, ends_on=date(2026, 12, 31))
    late = date(2027, 1, 29)

    assert ("GARANTIA_UN_MES", f"{signed.number} · P-1") in due_on(only_rules, before(only_rules, one.ends_on, 20))
    assert ("GARANTIA_VENCIDA", f"{signed.number} · P-1") in due_on(only_rules, late)
    guarantees.replace_guarantee(only_rules, one, paper(signed, "P-2", ends_on=date(2028, 1, 31)), **NOW)
    assert not {code for code, _key in due_on(only_rules, late) if code.startswith("GARANTIA")}


def test_the_annual_verification_is_told_days_ahead_until_its_checklist_is_open(only_rules, make):
    from app.operations.checklists import open_checklist

    signed = make.contract(supervisor=make.user("Comercial"), starts_on=date(2025, 10, 1), ends_on=date(2029, 9, 30))
    day = before(only_rules, date(2026, 10, 1), 20)

    assert ("REVISION_UN_MES", signed.number) in due_on(only_rules, day)
    assert ("REVISION_UN_MES", signed.number) not in due_on(only_rules, day - ONE_DAY)
    open_checklist(only_rules, signed, at=AT + timedelta(days=60), actor_id=None)
    assert ("REVISION_UN_MES", signed.number) not in due_on(only_rules, day)


def test_a_checklist_is_told_until_it_is_signed_and_then_to_whoever_approves(only_rules, make):
    from app.domain.checklists import Said, Verdict
    from app.models import ChecklistItem
    from app.operations.checklists import open_checklist, save_row, submit
    from app.security import SUBGERENTE

    only_rules.execute(update(ReminderRule).where(ReminderRule.source.startswith("CHECKLIST")).values(is_active=True))
    user, boss = make.user("Comercial"), make.user(SUBGERENTE)
    signed = make.contract(supervisor=user, starts_on=date(2025, 7, 1), ends_on=date(2029, 9, 30), requirements=1)
    checklist = open_checklist(only_rules, signed, at=AT, actor_id=None)
    late = before(only_rules, checklist.due_on, 0) + timedelta(days=14)

    def told() -> set[tuple[str, int]]:
        found = reminders.due(only_rules, datetime(late.year, late.month, late.day, 15, tzinfo=UTC))
        return {(each.rule.code, each.user_id) for each in found if each.row.key == checklist.number}

    assert ("LISTA_VENCIDA", user.id) in told()
    item = only_rules.scalars(select(ChecklistItem)).one()
    save_row(only_rules, item, Said(Verdict.MET), version=0, at=AT, actor_id=user.id)
    submit(only_rules, checklist, "", at=AT, actor_id=user.id)
    assert told() == {("LISTA_APROBAR", boss.id)}


# ── Taken over ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def record(seeded):
    row = PastRecord(kind=PastKind.CONTRACT, source="Libro 2019", source_number="2019-014", on=date(2019, 3, 1), title="Agua")
    seeded.add(row)
    seeded.flush()
    return row


def wanted(make, **columns: Any) -> Contract:
    contract = make.contract(stage="DRAFT")
    return Contract(**{"object": "Agua", "kind_id": contract.kind_id, "party_id": contract.party_id} | columns)


def test_a_row_of_an_old_register_becomes_a_contract_under_its_number(seeded, make, record):
    made = takeover.take_over(seeded, record, wanted(make, signed_on=date(2019, 3, 1), starts_on=date(2019, 3, 18)), **NOW)

    assert (made.number, made.source, made.stage) == ("2019-014", "Libro 2019", ContractStage.SIGNED)
    assert takeover.contract_of(seeded, record) is made
    event = seeded.scalars(select(CommercialEvent).where(CommercialEvent.contract_id == made.id)).one()
    assert (event.move, event.facts["past_record"]) == ("IMPORT", record.id)
    with pytest.raises(MoveRefused):
        takeover.take_over(seeded, record, wanted(make), **NOW)


def test_a_row_without_signature_becomes_a_draft(seeded, make, record):
    assert takeover.take_over(seeded, record, wanted(make), **NOW).stage is ContractStage.DRAFT


@pytest.mark.parametrize(
    ("columns", "field"),
    [({"signed_on": date(2019, 3, 1)}, "starts_on"), ({"starts_on": date(2019, 3, 1), "ends_on": date(2018, 3, 1)}, "ends_on"),
     ({"starts_on": date(2019, 3, 1), "signed_on": date(2026, 7, 11)}, "signed_on"), ({"object": " "}, "object")],
)  # fmt: skip
def test_a_row_whose_days_make_no_sense_is_not_taken_over(seeded, make, record, columns, field):
    with pytest.raises(DomainError) as refused:
        takeover.take_over(seeded, record, wanted(make, **columns), **NOW)

    assert refused.value.field == field
