"""The legal matrix on the database: what ships, what rests on it, how it is evaluated and when somebody is reminded."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionOrigin
from app.domain.legalmatrix import Compliance
from app.models import LegalEvaluation, LegalRequirement, LegalRest, LegalTerm, Process, ReminderRule
from app.operations import legalmatrix, reminders
from app.operations.improvement import Asked
from app.operations.legalmatrix import Evaluated
from app.operations.seeds import load_seeds

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
ON = date(2026, 7, 10)


def requirement(session, norm: str, articles: str) -> LegalRequirement:
    return session.scalars(select(LegalRequirement).where(LegalRequirement.norm == norm, LegalRequirement.articles == articles)).one()


@pytest.fixture
def answering(seeded) -> LegalRequirement:
    """The row of Ley 142 on answering petitions, as it ships."""
    return requirement(seeded, "Ley 142 de 1994", "152-159")


def complies(**changed) -> Evaluated:
    return Evaluated(**{"on": ON, "result": Compliance.COMPLIES, "evidence": "Informe de junio"} | changed)


def asked(session) -> Asked:
    process_id = session.scalar(select(Process.id).where(Process.code == "ATENCION"))
    return Asked("Responder a tiempo", "Se venció un caso", ActionKind.CORRECTIVE, process_id, date(2026, 9, 1))


# ── What ships ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_ships_with_its_confidence_and_never_evaluated(seeded):
    rows = seeded.scalars(select(LegalRequirement)).all()

    assert len(rows) == 22
    assert all(row.confidence for row in rows)
    assert {row.evaluated_on for row in rows} == {None}
    assert requirement(seeded, "Decreto Ley 019 de 2012", "42").confidence == "por confirmar"


def test_every_term_that_cites_a_norm_of_the_matrix_rests_on_it(seeded, answering):
    terms = seeded.scalars(select(LegalTerm.norm).join(LegalRest, LegalRest.legal_term_id == LegalTerm.id).where(
        LegalRest.requirement_id == answering.id)).all()  # fmt: skip
    unlinked = seeded.scalars(select(LegalTerm.norm).where(~LegalTerm.id.in_(select(LegalRest.legal_term_id).where(
        LegalRest.legal_term_id.is_not(None))))).all()  # fmt: skip

    assert len(terms) == 15
    assert all("Ley 142 de 1994" in norm for norm in terms)
    assert unlinked == []


def test_templates_and_parameters_rest_on_it_too(seeded, answering):
    rests = legalmatrix.rests_of(seeded, answering.id)

    assert {"Reclamo por la factura: accede", "Recurso: decisión"} <= {row.answer_template.name for row in rests if row.answer_template}
    assert {"text.appeal", "text.act.recognition"} <= {row.parameter_key for row in rests if row.parameter_key}


def test_a_second_load_touches_nothing_that_somebody_made_of_it(seeded, answering):
    answering.obligation = "Otra"
    seeded.flush()
    legalmatrix.hang(seeded, answering, [])
    n = seeded.scalar(select(func.count()).select_from(LegalRest))
    load_seeds(seeded, datetime(2026, 7, 11, tzinfo=UTC))

    assert answering.obligation == "Otra"
    assert seeded.scalar(select(func.count()).select_from(LegalRest)) == n
    assert seeded.scalar(select(func.count()).select_from(LegalRequirement)) == 22


# ── Evaluations ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_evaluation_moves_the_row_to_its_next_day(seeded, answering):
    row = legalmatrix.evaluate(seeded, answering, complies(), at=AT, user_id=None)

    assert (row.result, row.evidence) == (Compliance.COMPLIES, "Informe de junio")
    assert (answering.standing, answering.evaluated_on, answering.next_on) == (Compliance.COMPLIES, ON, date(2027, 7, 10))


def test_what_is_not_met_asks_for_an_action_that_names_it(seeded, answering):
    said = complies(result=Compliance.FAILS, asked=asked(seeded))
    action = legalmatrix.evaluate(seeded, answering, said, at=AT, user_id=None).action

    assert (action.origin, action.origin_key) == (ActionOrigin.LEGAL, f"ML-{answering.id}")
    assert action.origin_path == f"/legalrequirement/show/{answering.id}"


def test_what_is_not_met_may_say_why_there_is_no_action(seeded, answering):
    said = complies(result=Compliance.PARTLY, no_action_reason="Se corrigió al evaluar")

    assert legalmatrix.evaluate(seeded, answering, said, at=AT, user_id=None).action_id is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"result": Compliance.FAILS}, "no_action_reason"),
        ({"evidence": " "}, "evidence"),
        ({"on": date(2026, 7, 11)}, "on"),
        ({"next_on": ON}, "next_on"),
    ],
)
def test_an_evaluation_that_cannot_be_leaves_nothing(seeded, answering, changed, field):
    with pytest.raises(DomainError) as refusal:
        legalmatrix.evaluate(seeded, answering, complies(**changed), at=AT, user_id=None)

    assert refusal.value.field == field
    assert seeded.scalar(select(func.count()).select_from(LegalEvaluation)) == 0
    assert answering.standing is None


def test_an_obligation_is_evaluated_once_a_day_and_never_backwards(seeded, answering):
    legalmatrix.evaluate(seeded, answering, complies(), at=AT, user_id=None)

    with pytest.raises(DomainError, match="already"):
        legalmatrix.evaluate(seeded, answering, complies(on=date(2026, 7, 9)), at=AT, user_id=None)


def test_what_is_out_of_use_is_not_evaluated(seeded, answering):
    answering.is_active = False
    seeded.flush()

    with pytest.raises(DomainError, match="out of use"):
        legalmatrix.evaluate(seeded, answering, complies(), at=AT, user_id=None)


def test_one_norm_with_the_same_articles_stands_once(seeded):
    twin = LegalRequirement(norm=" Ley 142  de 1994", articles="152-159", obligation="Otra", every_months=12)

    with pytest.raises(DomainError, match="already"):
        legalmatrix.write_requirement(seeded, twin)


# ── What rests on it, and who is reminded ─────────────────────────────────────────────────────────────────────────────────


def test_what_rests_on_it_is_changed_by_hand_and_read_from_both_sides(seeded, answering):
    term = seeded.scalars(select(LegalTerm).where(LegalTerm.norm.contains("Ley 1480"))).first()

    assert legalmatrix.hang(seeded, answering, [("term", term.id), ("parameter", "deviation.norm")]) > 2
    assert {row.parameter_key for row in legalmatrix.rests_of(seeded, answering.id)} == {None, "deviation.norm"}
    assert answering in seeded.scalars(legalmatrix.obligations_of("term", term.id)).all()
    assert legalmatrix.hang(seeded, answering, [("parameter", "deviation.norm"), ("term", term.id)]) == 0


def test_an_evaluation_that_is_due_is_reminded_of_and_a_new_one_ends_it(seeded, answering):
    answering.next_on = date(2026, 7, 1)
    seeded.flush()
    house = reminders._house(seeded, AT)

    def keys() -> list[str]:
        return [row.key for row in seeded.execute(reminders.SOURCES["LEGAL_EVALUATION"].rows(house))]

    assert keys() == [f"ML-{answering.id}"]
    rules = seeded.scalars(select(ReminderRule.code).where(ReminderRule.source == "LEGAL_EVALUATION"))
    assert set(rules) == {"LEGAL_UN_MES", "LEGAL_VENCIDA"}
    legalmatrix.evaluate(seeded, answering, complies(), at=AT, user_id=None)
    answering.is_active = False
    seeded.flush()
    assert keys() == []
