"""The annual verification: opened on its day, filled by several at once without losing a word, signed by two, locked; on both engines."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.domain.checklists import ChecklistMove, ChecklistStatus, Said, Verdict
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin
from app.models import Checklist, ChecklistItem, CommercialEvent, Contract, ContractRequirement
from app.operations import checklists as operations
from app.operations import contracts
from app.operations.files import check_upload
from app.operations.improvement import Asked
from app.security import COMERCIAL, SUBGERENTE
from tests.db.test_billing_at_once import fork, let_go

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
MET, PARTLY, NOT_MET, NOT_APPLICABLE = Verdict
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def on(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture
def checklist(seeded, make) -> Checklist:
    """Three requirements, open since 10 July 2026."""
    return make.checklist(at=AT)


@pytest.fixture
def ana(seeded, make):
    return make.user(COMERCIAL, first_name="Ana", last_name="Revisora")


@pytest.fixture
def luis(seeded, make):
    return make.user(SUBGERENTE, first_name="Luis", last_name="Gerente")


def items(session, checklist) -> list[ChecklistItem]:
    return operations.items_of(session, checklist)


def save(session, item, verdict, note="", why="", *, version=None, actor=None):
    said = Said(verdict, note, why)
    return operations.save_row(session, item, said, version=item.version if version is None else version, at=AT, actor_id=actor)


def fill(session, checklist, verdicts=(MET, MET, MET), actor=None) -> None:
    for item, verdict in zip(items(session, checklist), verdicts, strict=True):
        save(session, item, verdict, "Visto en la visita", "Se corrigió ese día", actor=actor)


# ── Opening ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_job_opens_what_is_due_on_its_day_and_never_twice(seeded, make):
    contract = make.contract(starts_on=date(2024, 7, 10), ends_on=None, requirements=4)
    make.contract(starts_on=date(2024, 7, 11), ends_on=None)

    n = [operations.open_due(seeded, on("2026-07-10", 5)), operations.open_due(seeded, on("2026-07-10", 6))]

    assert n == [1, 0]
    found = seeded.scalars(select(Checklist)).one()
    assert (found.contract_id, found.year, found.status, found.n_items) == (contract.id, 2026, ChecklistStatus.OPEN, 4)
    assert (found.period_from, found.period_until) == (date(2025, 7, 10), date(2026, 7, 9))
    assert (found.opened_on, found.due_on) == (date(2026, 7, 10), date(2026, 8, 9))
    assert found.number == "LVC-2026-0001"
    assert [event.move for event in seeded.scalars(select(CommercialEvent).where(CommercialEvent.checklist_id == found.id))] == ["OPEN"]
    assert [item.position for item in items(seeded, found)] == [1, 2, 3, 4]


def test_nights_that_nobody_worked_are_caught_up(seeded, make):
    contract = make.contract(starts_on=date(2024, 12, 28), ends_on=None)

    assert operations.open_due(seeded, on("2026-01-05")) == 1
    found = seeded.scalars(select(Checklist)).one()
    assert (found.contract_id, found.year, found.due_on) == (contract.id, 2025, date(2026, 2, 4))


def test_a_contract_that_ends_is_verified_on_its_last_day(seeded, make):
    make.contract(starts_on=date(2025, 7, 10), ends_on=date(2026, 7, 9))

    assert operations.open_due(seeded, on("2026-07-08")) == 0
    assert operations.open_due(seeded, on("2026-07-09")) == 1


def test_what_is_not_signed_or_whose_day_is_far_is_not_opened(seeded, make):
    draft = make.contract(stage="DRAFT", starts_on=date(2024, 7, 10))
    far = make.contract(starts_on=date(2025, 10, 1), ends_on=None)

    assert operations.open_due(seeded, AT) == 0
    for contract in (draft, far):
        with pytest.raises(MoveRefused, match=contract.number):
            operations.open_checklist(seeded, contract, at=AT, actor_id=None)


def test_a_year_has_one_checklist_and_the_refusal_names_it(seeded, checklist):
    with pytest.raises(MoveRefused, match=checklist.number):
        operations.open_checklist(seeded, checklist.contract, at=AT, actor_id=None)


def test_last_year_stands_beside_each_requirement_even_after_an_amendment_replaced_it(seeded, make):
    contract = make.contract(starts_on=date(2024, 7, 10), ends_on=None, requirements=2)
    before = operations.open_checklist(seeded, contract, at=on("2025-07-10"), actor_id=None)
    for item, verdict in zip(items(seeded, before), (MET, NOT_MET), strict=True):
        save(seeded, item, verdict, f"Año pasado {item.position}")
    old = items(seeded, before)[1].requirement
    plan = contracts.AmendmentPlan("Cambia el segundo", date(2025, 9, 1), added=[contracts.Wanted("Uno mejor", replaces_id=old.id)])
    amendment = contracts.draft_amendment(seeded, contract, plan)
    contracts.sign_amendment(seeded, amendment, signed_on=date(2025, 8, 30), at=on("2025-08-30"), actor_id=None)

    now = operations.open_checklist(seeded, contract, at=AT, actor_id=None)
    rows = items(seeded, now)
    found = operations.previous_rows(seeded, now, rows)

    assert sorted(row.requirement.text for row in rows)[-1] == "Uno mejor"
    assert {row.requirement.text == "Uno mejor": found[row.id].note for row in rows} == {False: "Año pasado 1", True: "Año pasado 2"}


# ── Filling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_saving_a_row_counts_its_version_and_the_compliance(seeded, checklist, ana):
    rows = items(seeded, checklist)

    save(seeded, rows[0], MET, actor=ana.id)
    save(seeded, rows[1], PARTLY, "Falta un informe", actor=ana.id)

    assert [row.version for row in rows] == [1, 1, 0]
    assert (rows[0].verified_by_id, rows[0].verified_at) == (ana.id, AT)
    counted = (checklist.n_met, checklist.n_partly, checklist.n_not_met, checklist.n_not_applicable, checklist.compliance)
    assert counted == (1, 1, 0, 0, 75)


def test_saying_the_same_again_changes_nothing_whatever_version_it_names(seeded, checklist, ana):
    row = items(seeded, checklist)[0]
    save(seeded, row, MET, "Visto", actor=ana.id)

    again = save(seeded, row, MET, " Visto ", version=0)

    assert (again.version, again.verified_by_id) == (1, ana.id)


def test_an_old_version_is_refused_with_both_texts_and_a_choice_keeps_every_word(seeded, checklist, ana, luis):
    row = items(seeded, checklist)[0]
    save(seeded, row, NOT_MET, "No hay póliza", actor=ana.id)

    with pytest.raises(operations.RowConflict) as refused:
        save(seeded, row, MET, "Vi la póliza", version=0, actor=luis.id)

    assert "Ana Revisora" in str(refused.value)
    assert (refused.value.item.note, refused.value.said.note) == ("No hay póliza", "Vi la póliza")
    assert (row.verdict, row.version) == (NOT_MET, 1)

    both = refused.value.said.joined(operations.said_of(row))
    operations.save_row(seeded, row, both, version=row.version, at=AT, actor_id=luis.id)
    assert (row.verdict, row.note, row.version) == (MET, "No hay póliza\nVi la póliza", 2)


def test_what_does_not_apply_says_why_or_is_not_saved(seeded, checklist):
    row = items(seeded, checklist)[0]

    with pytest.raises(DomainError):
        save(seeded, row, NOT_APPLICABLE)

    assert (row.verdict, row.version) == (None, 0)
    save(seeded, row, NOT_APPLICABLE, "No hubo obra este año")
    assert checklist.compliance is None


def test_a_finding_asks_for_one_action_which_takes_the_place_of_the_reason(seeded, make, checklist, ana):
    row = items(seeded, checklist)[0]
    asked = Asked("Renovar la póliza", "Venció en mayo", ActionKind.CORRECTIVE, make.process("TECNICA").id, date(2026, 8, 1))
    with pytest.raises(MoveRefused):
        operations.ask_for_action(seeded, row, asked, at=AT, actor_id=ana.id)
    save(seeded, row, NOT_MET, "Sin póliza", "Se renueva mañana")

    action = operations.ask_for_action(seeded, row, asked, at=AT, actor_id=ana.id)

    assert (row.action_id, row.no_action_reason, row.version) == (action.id, "", 2)
    assert (action.origin, action.origin_key, action.party_id) == (ActionOrigin.CHECKLIST, checklist.number, checklist.contract.party_id)
    with pytest.raises(MoveRefused):
        operations.ask_for_action(seeded, row, asked, at=AT, actor_id=ana.id)


def test_evidence_is_kept_with_its_row_and_moves_the_stamp(seeded, checklist):
    row = items(seeded, checklist)[0]
    before = operations.stamp(seeded, checklist)

    operations.attach_evidence(seeded, row, check_upload("poliza.pdf", BytesIO(PDF)), "Póliza 2026", actor_id=None)

    assert [each.file.name for each in operations.evidence_of(seeded, [row])[row.id]] == ["poliza.pdf"]
    assert operations.stamp(seeded, checklist) != before


def test_evidence_that_was_attached_by_mistake_is_withdrawn_once_and_only_while_it_is_open(seeded, make, checklist):
    ana, (row, *_rest) = make.user("Comercial"), items(seeded, checklist)
    wrong = operations.attach_evidence(seeded, row, check_upload("otro.pdf", BytesIO(PDF)), actor_id=ana.id)
    kept = operations.attach_evidence(seeded, row, check_upload("poliza.pdf", BytesIO(PDF)), actor_id=ana.id)
    before = operations.stamp(seeded, checklist)

    operations.withdraw_evidence(seeded, wrong, at=AT, actor_id=ana.id)

    assert operations.evidence_of(seeded, [row]) == {row.id: [kept]}
    assert operations.stamp(seeded, checklist) != before
    with pytest.raises(MoveRefused):
        operations.withdraw_evidence(seeded, wrong, at=AT, actor_id=ana.id)
    fill(seeded, checklist)
    operations.submit(seeded, checklist, "", at=AT, actor_id=ana.id)
    with pytest.raises(MoveRefused):
        operations.withdraw_evidence(seeded, kept, at=AT, actor_id=ana.id)


# ── Signing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_not_signed_with_an_empty_verdict_or_a_finding_that_nobody_settled(seeded, checklist, ana):
    rows = items(seeded, checklist)
    with pytest.raises(MoveRefused, match="1-3"):
        operations.submit(seeded, checklist, "", at=AT, actor_id=ana.id)
    for row in rows[1:]:
        save(seeded, row, MET)
    save(seeded, rows[0], NOT_MET, "Sin póliza")

    with pytest.raises(MoveRefused, match="without an action"):
        operations.submit(seeded, checklist, "", at=AT, actor_id=ana.id)

    assert checklist.status is ChecklistStatus.OPEN


def test_one_signs_another_approves_and_then_nothing_of_it_changes(seeded, checklist, ana, luis):
    fill(seeded, checklist, (MET, NOT_MET, MET), ana.id)
    row = items(seeded, checklist)[0]

    operations.submit(seeded, checklist, " Cumple casi todo ", at=AT, actor_id=ana.id)
    with pytest.raises(MoveRefused):
        save(seeded, row, NOT_MET, "Tarde")
    with pytest.raises(MoveRefused, match="somebody else"):
        operations.approve(seeded, checklist, at=AT, actor_id=ana.id)
    operations.approve(seeded, checklist, at=AT + timedelta(hours=1), actor_id=luis.id)

    assert (checklist.status, checklist.conclusion, checklist.signed_by_id) == (ChecklistStatus.CLOSED, "Cumple casi todo", ana.id)
    with pytest.raises(MoveRefused):
        save(seeded, row, NOT_MET, "Tarde")
    with pytest.raises(MoveRefused):
        operations.attach_evidence(seeded, row, check_upload("p.pdf", BytesIO(PDF)), actor_id=None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checklist_item SET note = 'otra cosa' WHERE checklist_id = :id",
        "UPDATE checklist_item SET verdict = 'NOT_MET' WHERE checklist_id = :id",
        "DELETE FROM checklist_item WHERE checklist_id = :id",
    ],
)
def test_the_database_itself_refuses_to_touch_a_locked_row(seeded, checklist, ana, luis, statement):
    fill(seeded, checklist)
    operations.submit(seeded, checklist, "", at=AT, actor_id=ana.id)
    operations.approve(seeded, checklist, at=AT, actor_id=luis.id)

    with pytest.raises(DBAPIError, match="frozen: checklist_item"), seeded.begin_nested():
        seeded.execute(text(statement), {"id": checklist.id})

    assert [item.note for item in items(seeded, checklist)] == ["Visto en la visita"] * 3


def test_it_is_returned_and_reopened_only_with_a_reason_that_its_history_keeps(seeded, checklist, ana, luis):
    fill(seeded, checklist)
    with pytest.raises(MoveRefused):
        operations.give_back(seeded, checklist, "Todavía nadie firmó", at=AT, actor_id=luis.id)
    operations.submit(seeded, checklist, "", at=AT, actor_id=ana.id)
    with pytest.raises(MoveRefused):
        operations.give_back(seeded, checklist, "  ", at=AT, actor_id=luis.id)
    operations.give_back(seeded, checklist, "Falta el soporte de la 2", at=AT, actor_id=luis.id)
    assert (checklist.status, checklist.signed_by_id, checklist.n_reopened) == (ChecklistStatus.OPEN, None, 0)

    operations.submit(seeded, checklist, "", at=AT, actor_id=ana.id)
    operations.approve(seeded, checklist, at=AT, actor_id=luis.id)
    with pytest.raises(MoveRefused):
        operations.reopen(seeded, checklist, "", at=AT, actor_id=luis.id)
    operations.reopen(seeded, checklist, "Se verificó la póliza de otro contrato", at=AT, actor_id=luis.id)
    save(seeded, items(seeded, checklist)[0], PARTLY, "La póliza es de otro")

    assert (checklist.status, checklist.n_reopened) == (ChecklistStatus.OPEN, 1)
    events = seeded.scalars(select(CommercialEvent).where(CommercialEvent.checklist_id == checklist.id).order_by(CommercialEvent.id)).all()
    moves = [ChecklistMove[event.move] for event in events]
    assert moves == [ChecklistMove.OPEN, ChecklistMove.SUBMIT, ChecklistMove.RETURN, ChecklistMove.SUBMIT, ChecklistMove.APPROVE, ChecklistMove.REOPEN]  # fmt: skip  # noqa: E501
    assert events[-1].reason == "Se verificó la póliza de otro contrato"
    assert (events[-1].facts["signed_by"], events[-1].facts["approved_by"]) == (ana.id, luis.id)


# ── At once ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def prepare(app, *, n_contracts: int = 1, n_rows: int = 4, is_open: bool = True) -> list[int]:
    """Store contracts, open their checklists if asked, and let go of every connection, so that children may be forked."""
    from app.extensions import db
    from tests.factories import Factory

    with app.app_context():
        make = Factory(db.session())
        found = [make.contract(starts_on=date(2024, 7, 10), ends_on=None, requirements=n_rows) for _n in range(n_contracts)]
        if is_open:
            found = [operations.open_checklist(db.session(), contract, at=AT, actor_id=None) for contract in found]
        ids = [row.id for row in found]
        db.session.commit()
        let_go()
    return ids


def at_once(app, tmp_path, works) -> list[object]:
    """Let each of *works* run in a process of its own at the same shot; return what each gave back."""
    from app.extensions import db

    start, shot = os.pipe()

    def run(work, told):
        with app.app_context():
            os.read(start, 1)
            try:
                result = work(db.session())
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                result = type(error).__name__
            told.write_text(json.dumps(result))

    children = [fork(lambda work=work, n=n: run(work, tmp_path / f"told{n}")) for n, work in enumerate(works)]
    os.write(shot, b"x" * len(works))
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(works)
    return [json.loads((tmp_path / f"told{n}").read_text()) for n in range(len(works))]


def writes(item_position: int, note: str, verdict=MET):
    """Return the work of a reviewer who read the row before anybody wrote it."""

    def work(session):
        checklist = session.scalars(select(Checklist)).one()
        item = operations.items_of(session, checklist)[item_position]
        operations.save_row(session, item, Said(verdict, note), version=0, at=AT, actor_id=None)
        return "saved"

    return work


def test_of_those_who_write_one_row_at_the_same_instant_one_is_saved_and_the_others_are_told(fresh_app, tmp_path):
    from app.extensions import db

    prepare(fresh_app)
    told = at_once(fresh_app, tmp_path, [writes(0, f"Nota de {n}") for n in range(5)])

    assert sorted(told) == ["RowConflict"] * 4 + ["saved"]
    with fresh_app.app_context():
        row = operations.items_of(db.session(), db.session.scalars(select(Checklist)).one())[0]
        assert (row.note, row.version) == (f"Nota de {told.index('saved')}", 1)


def test_those_who_write_different_rows_at_the_same_instant_are_all_saved_and_counted(fresh_app, tmp_path):
    from app.extensions import db

    prepare(fresh_app, n_rows=6)
    told = at_once(fresh_app, tmp_path, [writes(n, f"Nota de {n}", MET if n % 2 else PARTLY) for n in range(6)])

    assert told == ["saved"] * 6
    with fresh_app.app_context():
        checklist = db.session.scalars(select(Checklist)).one()
        assert [row.note for row in operations.items_of(db.session(), checklist)] == [f"Nota de {n}" for n in range(6)]
        assert (checklist.n_met, checklist.n_partly, checklist.compliance) == (3, 3, 75)


def test_a_verdict_and_a_signature_at_the_same_instant_never_pass_each_other(fresh_app, tmp_path):
    from app.extensions import db
    from tests.factories import Factory

    prepare(fresh_app, n_rows=2)
    with fresh_app.app_context():
        user_id = Factory(db.session()).user(COMERCIAL).id
        checklist = db.session.scalars(select(Checklist)).one()
        for item in operations.items_of(db.session(), checklist):
            operations.save_row(db.session(), item, Said(MET), version=0, at=AT, actor_id=None)
        db.session.commit()
        let_go()

    def sign(session):
        operations.submit(session, session.scalars(select(Checklist)).one(), "", at=AT, actor_id=user_id)
        return "signed"

    def take_back(session):
        item = operations.items_of(session, session.scalars(select(Checklist)).one())[0]
        operations.save_row(session, item, Said(None, "Lo retiro"), version=1, at=AT, actor_id=None)
        return "taken back"

    told = at_once(fresh_app, tmp_path, [sign, take_back])

    assert told in (["signed", "MoveRefused"], ["MoveRefused", "taken back"])
    with fresh_app.app_context():
        checklist = db.session.scalars(select(Checklist)).one()
        verdicts = [item.verdict for item in operations.items_of(db.session(), checklist)]
        assert (None in verdicts) == (checklist.status is ChecklistStatus.OPEN)


def test_two_workers_of_one_night_open_each_checklist_once_and_without_a_gap(fresh_app, tmp_path):
    from app.extensions import db

    prepare(fresh_app, n_contracts=8, is_open=False)
    told = at_once(fresh_app, tmp_path, [lambda session: operations.open_due(session, AT)] * 3)

    assert sum(told) == 8
    with fresh_app.app_context():
        numbers = db.session.scalars(select(Checklist.number).order_by(Checklist.number)).all()
        assert numbers == [f"LVC-2026-{n:04}" for n in range(1, 9)]
        assert db.session.scalar(select(func.count()).select_from(Contract)) == 8
        assert db.session.scalar(select(func.count()).select_from(ChecklistItem)) == db.session.scalar(
            select(func.count()).select_from(ContractRequirement)
        )
