"""The registers of a quality system that companies kept in Excel: legal matrix, risks and actions; tried, brought in, again and again."""

from __future__ import annotations

from datetime import date

import pytest
from flask_babel import gettext
from sqlalchemy import select

from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.domain.legalmatrix import Compliance
from app.domain.risks import Treatment
from app.models import Action, ActionEvent, LegalEvaluation, LegalRequirement, Risk, RiskControl, RiskMove, RiskProbability
from tests.db.test_import_contracts import changed, come_in, said
from tests.db.test_imports import check, counts, n_of, receive, table

MATRIX = (
    ("Norma", "Artículos", "Obligación", "Proceso", "Periodicidad", "Fecha de evaluación", "Cumplimiento", "Evidencia", "Plan de acción",
     "Certeza"),
    ("Ley 142 de 1994", "152-159", "Responder en 15 días hábiles", "ATENCION", "6", "10/02/2026", "Cumple", "Informe de enero", "",
     "confirmado"),
    ("Decreto 1575 de 2007", "", "Vigilar la calidad del agua", "Subgerencia técnica operativa", "", "15/03/2026", "Cumple parcialmente",
     "Resultados de febrero", "Reponer el clorador", ""),
    ("Resolución 2115 de 2007", "", "Cumplir los valores máximos", "", "", "", "", "", "", ""),
)  # fmt: skip
RISKS = (
    ("Proceso", "Riesgo", "Causa", "Consecuencia", "Probabilidad", "Impacto", "Controles", "Probabilidad residual", "Impacto residual",
     "Tratamiento"),
    ("ATENCION", "Se responde fuera de término", "Un caso sin responsable", "Silencio positivo", "4", "4", "Alarmas", "2", "4", "Mitigar"),
    ("FACTURACION", "Se factura sin lectura", "Medidor inaccesible", "Reclamos", "3", "2", "", "", "", ""),
)  # fmt: skip
ACTIONS = (
    ("No.", "Tipo", "Origen", "Hallazgo", "Acción", "Causa raíz", "Proceso", "Fecha", "Fecha límite", "Estado", "Fecha de cierre",
     "Seguimiento"),
    ("AC-01", "Correctiva", "Auditoría interna", "Tres reclamos iguales", "Calibrar los medidores", "No hay plan", "TECNICA", "10/02/2024",
     "30/04/2024", "Cerrada", "20/04/2024", "Se calibraron doce"),
    ("AC-02", "Preventiva", "", "", "Capacitar la ventanilla", "", "ATENCION", "01/06/2026", "30/09/2026", "Abierta", "", ""),
    ("AC-03", "De mejora", "Revisión gerencial", "", "Comprar otro servidor", "", "CALIDAD", "01/03/2025", "", "Cancelada", "01/05/2025",
     "No hubo presupuesto"),
)  # fmt: skip


# ── The legal matrix ──────────────────────────────────────────────────────────────────────────────────────────────────────


def row_of(session, norm: str) -> LegalRequirement:
    session.expire_all()
    return session.scalars(select(LegalRequirement).where(LegalRequirement.norm == norm).order_by(LegalRequirement.id)).first()


def test_a_check_of_a_matrix_writes_nothing(seeded):
    before = n_of(seeded, LegalRequirement)
    batch = receive(seeded, "legal_requirements", table(*MATRIX))
    check(seeded, batch)

    assert counts(batch) == (3, 2, 1, 0, 0)
    assert n_of(seeded, LegalRequirement) == before
    assert n_of(seeded, LegalEvaluation) == 0


def test_a_matrix_comes_in_with_its_last_evaluations(seeded):
    batch = come_in(seeded, "legal_requirements", MATRIX)
    mine, water = row_of(seeded, "Ley 142 de 1994"), row_of(seeded, "Decreto 1575 de 2007")
    found = {each.requirement_id: each for each in seeded.scalars(select(LegalEvaluation))}

    assert batch.n_bad == 0
    assert (mine.obligation, mine.every_months, mine.next_on) == ("Responder en 15 días hábiles", 6, date(2026, 8, 10))
    assert mine.topic == "Defensa de los usuarios en sede de la empresa"  # what the file does not say stays
    assert (water.standing, water.every_months, water.next_on) == (Compliance.PARTLY, 12, date(2027, 3, 15))
    assert (found[water.id].no_action_reason, found[mine.id].evidence) == ("Reponer el clorador", "Informe de enero")
    assert row_of(seeded, "Resolución 2115 de 2007").evaluated_on is None
    assert len(found) == 2


def test_the_same_matrix_again_changes_nothing_and_repeats_no_evaluation(seeded):
    come_in(seeded, "legal_requirements", MATRIX)
    batch = come_in(seeded, "legal_requirements", MATRIX)

    assert (batch.n_new, batch.n_changed, batch.n_same) == (0, 0, 3)
    assert n_of(seeded, LegalEvaluation) == 2


@pytest.mark.parametrize(
    ("row", "column", "cell", "blamed"),
    [
        (2, 8, "", "What is done where it is not met"),
        (1, 7, "", "Evidence of compliance"),
        (1, 5, "10/02/2099", "Last evaluation"),
        (1, 5, "", "Last evaluation"),
        (1, 2, "", "Obligation"),
    ],
)
def test_a_row_of_a_matrix_that_cannot_be_is_refused_alone(seeded, row, column, cell, blamed):
    batch = come_in(seeded, "legal_requirements", changed(MATRIX, row, column, cell))

    assert (batch.n_bad, n_of(seeded, LegalEvaluation)) == (1, 0)
    assert gettext(blamed) in said(batch)


# ── Risks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_risks_come_in_with_a_control_for_what_is_left(seeded):
    come_in(seeded, "risks", RISKS)
    late, unread = seeded.scalars(select(Risk).order_by(Risk.id)).all()
    control = seeded.scalars(select(RiskControl)).one()

    assert (late.probability, late.impact, late.residual_probability, late.residual_impact) == (4, 4, 2, 4)
    assert (control.text, control.lowers_probability, control.lowers_impact) == ("Alarmas", 2, 0)
    assert (late.treatment, unread.residual_probability) == (Treatment.REDUCE, 3)
    assert late.number.startswith("RG-2026-")
    assert n_of(seeded, RiskMove) == 2


def test_what_is_left_of_a_risk_is_what_the_file_says_on_a_scale_with_gaps_too(seeded):
    seeded.delete(seeded.scalars(select(RiskProbability).where(RiskProbability.level == 3)).one())
    seeded.flush()
    come_in(seeded, "risks", RISKS[:2])
    risk, control = seeded.scalars(select(Risk)).one(), seeded.scalars(select(RiskControl)).one()

    assert (risk.probability, risk.residual_probability, control.lowers_probability) == (4, 2, 1)


def test_risks_that_are_here_are_not_touched(seeded):
    come_in(seeded, "risks", RISKS)
    batch = come_in(seeded, "risks", changed(RISKS, 1, 4, "5"))

    assert (batch.n_same, n_of(seeded, Risk)) == (1, 2)
    assert seeded.scalars(select(Risk.probability).order_by(Risk.id)).first() == 4


@pytest.mark.parametrize(
    ("column", "cell", "blamed"),
    [(7, "5", "Probability, with controls"), (6, "", "Controls"), (4, "9", "Probability, without controls")],
    ids=["rises", "no control", "no level"],
)
def test_a_risk_that_cannot_be_is_refused(seeded, column, cell, blamed):
    batch = come_in(seeded, "risks", changed(RISKS, 1, column, cell))

    assert (batch.n_bad, n_of(seeded, Risk)) == (1, 0)
    assert gettext(blamed) in said(batch)


# ── Actions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_old_actions_keep_their_ending_and_open_ones_begin(seeded):
    come_in(seeded, "actions", ACTIONS, source="Libro de acciones")
    done, opened, called_off = seeded.scalars(select(Action).order_by(Action.id)).all()

    assert (done.status, done.is_of_before, done.ended_on) == (ActionStatus.DONE, True, date(2024, 4, 20))
    assert done.result == "Se calibraron doce"
    assert (done.kind, done.origin, done.origin_key) == (ActionKind.CORRECTIVE, ActionOrigin.AUDIT, "Libro de acciones AC-01")
    assert done.number.startswith("AC-2024-")
    assert (opened.status, opened.is_of_before, opened.kind) == (ActionStatus.OPEN, False, ActionKind.PREVENTIVE)
    assert (called_off.status, called_off.due_on) == (ActionStatus.CANCELLED, date(2025, 5, 1))
    assert n_of(seeded, ActionEvent) == 3


def test_actions_that_came_in_are_not_touched_by_the_same_register_and_are_others_of_another(seeded):
    come_in(seeded, "actions", ACTIONS, source="Libro de acciones")
    again = come_in(seeded, "actions", ACTIONS, source="Libro de acciones")

    assert (again.n_same, n_of(seeded, Action)) == (3, 3)
    come_in(seeded, "actions", ACTIONS, source="Otro libro")
    assert n_of(seeded, Action) == 6


@pytest.mark.parametrize(
    ("row", "column", "cell", "blamed"),
    [
        (1, 11, "", "What was done, or why not"),
        (1, 10, "", "Ended on"),
        (1, 10, "01/01/2024", "Ended on"),
        (2, 8, "", "Do it by"),
        (2, 8, "01/01/2026", "Do it by"),
        (2, 10, "01/07/2026", "Ended on"),
        (1, 6, "NADIE", "Process"),
    ],
)
def test_an_action_that_cannot_be_is_refused(seeded, row, column, cell, blamed):
    batch = come_in(seeded, "actions", changed(ACTIONS, row, column, cell), source="Libro")

    assert (batch.n_bad, n_of(seeded, Action)) == (1, 0)
    assert gettext(blamed) in said(batch)
