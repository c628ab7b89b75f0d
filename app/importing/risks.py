"""
The risk map that a company keeps in Excel. A risk is known by its process and by what may happen; one that is here stays as it is.

What the file says is left of a risk after its controls becomes one control, which lowers it by that many levels.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.risks import Scale, Spot, Treatment
from app.extensions import local
from app.importing.contracts import user_options
from app.importing.headers import canon
from app.importing.kinds import Fate, Field, Kind, Option, Row, Run, Type, register
from app.models import Process, Risk
from app.operations.risks import Controlled, enter_risk, scale_of

_TREATMENTS = {
    Treatment.REDUCE: ("reducir", "mitigar", "tratar", "controlar"), Treatment.AVOID: ("evitar", "eliminar"),
    Treatment.SHARE: ("compartir", "transferir"), Treatment.ACCEPT: ("aceptar", "asumir", "tolerar"),
}  # fmt: skip
_PLACES = {"probability": "probabilities", "impact": "impacts", "residual_probability": "probabilities", "residual_impact": "impacts"}


def active_processes(session: Session) -> list[Option]:
    """Return the processes that something new may belong to, as values of a field."""
    active = session.scalars(select(Process).where(Process.is_active).order_by(Process.name))
    return [Option(row.id, row.name, (row.code,)) for row in active]


@register
class Risks(Kind):
    """Risks by process and event, with one control for what the file says is left of each."""

    name, title = "risks", N_("Risk map")
    intro = N_(
        "The risks that the company keeps, known by process and by what may happen. Their levels are those of the scale here, by number "
        "or by name. A risk that is here already is not touched: it moves on its page, with its reason."
    )
    fields = (
        Field("process", N_("Process"), Type.CHOICE, is_required=True, example="Atención al cliente (PQR)",
              synonyms=("proceso", "área", "dependencia")),
        Field("event", N_("What may happen"), is_required=True, most=4000, example="Se responde una PQR fuera de término",
              synonyms=("riesgo", "evento", "descripción del riesgo", "qué puede pasar")),
        Field("cause", N_("Cause of the risk"), is_required=True, most=4000, example="Un caso se queda sin responsable",
              synonyms=("causa", "causas")),
        Field("consequence", N_("Consequence"), is_required=True, most=4000, example="Silencio positivo y sanción",
              synonyms=("consecuencia", "consecuencias", "efecto", "efectos")),
        Field("probability", N_("Probability, without controls"), Type.CHOICE, is_required=True, example="4",
              synonyms=("probabilidad", "probabilidad inherente", "p", "probabilidad sin controles")),
        Field("impact", N_("Impact, without controls"), Type.CHOICE, is_required=True, example="4",
              synonyms=("impacto", "impacto inherente", "i", "severidad", "impacto sin controles")),
        Field("controls", N_("Controls"), most=2000, example="Alarmas cinco días antes",
              synonyms=("controles", "control", "controles existentes")),
        Field("residual_probability", N_("Probability, with controls"), Type.CHOICE, example="2",
              synonyms=("probabilidad residual", "probabilidad con controles", "pr")),
        Field("residual_impact", N_("Impact, with controls"), Type.CHOICE, example="4",
              synonyms=("impacto residual", "impacto con controles", "ir")),
        Field("treatment", N_("Treatment"), Type.CHOICE, example="Reducir", synonyms=("tratamiento", "opción de tratamiento", "manejo")),
        Field("treatment_note", N_("How it is treated"), most=4000,
              synonyms=("plan de tratamiento", "acciones", "plan de acción", "cómo se trata")),
        Field("responsible", N_("Responsible"), Type.CHOICE, is_lenient=True, synonyms=("responsable", "dueño del riesgo")),
        Field("identified_on", N_("Identified on"), Type.DATE, example="2025-03-01",
              synonyms=("fecha", "fecha de identificación", "identificado el")),
        Field("review_on", N_("Next look"), Type.DATE, synonyms=("próxima revisión", "fecha de revisión", "seguimiento")),
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        scale = scale_of(session)
        levels = {
            field: [Option(level.level, f"{level.level}. {level.name}", (level.name,)) for level in getattr(scale, name)]
            for field, name in _PLACES.items()
        }
        treatments = [Option(each.name, each.value, names) for each, names in _TREATMENTS.items()]
        return {"process": active_processes(session), "responsible": user_options(session), "treatment": treatments, **levels}

    def begin(self, run: Run) -> None:
        rows = run.session.execute(select(Risk.process_id, Risk.event, Risk.number))
        there = {(row.process_id, canon(row.event)): row.number for row in rows}
        run.facts |= {"there": there, "first": {}, "scale": scale_of(run.session)}

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            mark = (row["process"], canon(row["event"]))
            if (first := run.facts["first"].setdefault(mark, row.number)) != row.number:
                row.refuse(N_("The same risk of the same process as row %(row)s."), "event", row=first)
            for name in ("probability", "impact"):
                left = row[f"residual_{name}"]
                if left is not None and left > row[name]:
                    row.refuse(N_("Controls only lower a risk: what is left is not above what it was."), f"residual_{name}")
            if _lowers(row, run.facts["scale"]) != (0, 0) and not row["controls"]:
                row.refuse(N_("What is left is lower: write by which controls."), "controls")
            if row["identified_on"] is not None and row["identified_on"] > local(run.at).date():
                row.refuse(N_("That day has not come yet."), "identified_on")

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            row.fate = Fate.SAME if (row["process"], canon(row["event"])) in run.facts["there"] else Fate.NEW

    def write(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            risk = Risk(
                process_id=row["process"], event=row["event"], cause=row["cause"], consequence=row["consequence"],
                probability=row["probability"], impact=row["impact"], treatment=Treatment[row["treatment"] or Treatment.REDUCE.name],
                treatment_note=row["treatment_note"] or "", responsible_id=row["responsible"], identified_on=row["identified_on"],
                review_on=row["review_on"],
            )  # fmt: skip
            probability, impact = _lowers(row, run.facts["scale"])
            controls = [Controlled(row["controls"], lowers_probability=probability, lowers_impact=impact)] if row["controls"] else []
            enter_risk(run.session, risk, controls, at=run.at, user_id=run.user_id, reason=_from(run, row))


def _lowers(row: Row, scale: Scale) -> tuple[int, int]:
    """Return by how many steps of *scale* the controls lower probability and impact."""
    inherent = Spot(row["probability"], row["impact"])
    return scale.steps(inherent, Spot(row["residual_probability"] or inherent.probability, row["residual_impact"] or inherent.impact))


def _from(run: Run, row: Row) -> str:
    return f"{run.source}, {row.number}".strip(", ") if run.source else str(row.number)
