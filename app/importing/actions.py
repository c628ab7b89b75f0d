"""
Actions of an old register. One that ended enters as it ended, before there were gates; one that is open begins its analysis here.

An action is known by its register and its number there, and gets a number of ours. What is here already is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.actions import ActionMove
from app.domain.improvement import MAX_TITLE, ActionKind, ActionOrigin, ActionStatus
from app.extensions import local
from app.importing.contracts import user_options
from app.importing.kinds import Fate, Field, Kind, Option, Row, Run, Type, register
from app.importing.risks import active_processes
from app.models import Action
from app.operations.actions import log
from app.operations.numbers import next_number

MOST_KEY = 60
_KINDS = {
    ActionKind.CORRECTION: ("corrección", "inmediata"), ActionKind.CORRECTIVE: ("correctiva", "acción correctiva", "ac"),
    ActionKind.PREVENTIVE: ("preventiva", "acción preventiva", "ap"),
    ActionKind.IMPROVEMENT: ("mejora", "de mejora", "oportunidad de mejora", "am"),
}  # fmt: skip
_ORIGINS = {
    ActionOrigin.CHECKLIST: ("verificación de contratos",), ActionOrigin.PQR: ("pqr", "pqrs", "queja", "reclamo"),
    ActionOrigin.MASS_EVENT: ("daño masivo",), ActionOrigin.SURVEY: ("encuesta", "satisfacción del cliente"),
    ActionOrigin.RISK: ("riesgo", "mapa de riesgos"), ActionOrigin.AUDIT: ("auditoría", "auditoría interna", "auditoría externa"),
    ActionOrigin.INDICATOR: ("indicador", "indicadores"), ActionOrigin.NONCONFORMITY: ("salida no conforme", "producto no conforme", "snc"),
    ActionOrigin.LEGAL: ("requisito legal", "matriz legal"), ActionOrigin.REVIEW: ("revisión por la dirección", "revisión gerencial"),
    ActionOrigin.OTHER: ("otro", "otra"),
}  # fmt: skip
_STATES = {
    ActionStatus.OPEN: ("abierta", "abierto", "en proceso", "en curso", "pendiente", "en ejecución"),
    ActionStatus.DONE: ("cerrada", "cerrado", "terminada", "eficaz", "cumplida", "finalizada"),
    ActionStatus.CANCELLED: ("cancelada", "anulada", "descartada", "no procede"),
}  # fmt: skip


@register
class Actions(Kind):
    """Actions by the number that they have in the register that they come from."""

    name, title = "actions", N_("Actions")
    intro = N_(
        "Actions of the register that the company kept, known by their number there. What ended keeps its ending; what is open begins its "
        "analysis here. An action that came in before is not touched."
    )
    asks_source = True
    key = ("number",)
    fields = (
        Field("number", N_("Number"), Type.CODE, is_required=True, most=30, example="AC-014",
              synonyms=("no", "número", "consecutivo", "código", "no. acción", "acción no")),
        Field("kind", N_("Kind"), Type.CHOICE, example="Correctiva", synonyms=("tipo", "clase", "tipo de acción")),
        Field("origin", N_("What asked for it"), Type.CHOICE, example="Auditoría", synonyms=("origen", "fuente", "proviene de")),
        Field("title", N_("What has to be done"), is_required=True, most=4000, example="Calibrar los medidores de la zona norte",
              synonyms=("acción", "qué hacer", "actividad", "acción propuesta", "descripción de la acción")),
        Field("description", N_("Details"), most=4000, example="Tres reclamos por el mismo medidor",
              synonyms=("hallazgo", "descripción", "detalle", "no conformidad", "situación encontrada")),
        Field("cause", N_("Root cause"), most=4000, example="No hay plan de calibración",
              synonyms=("causa", "causa raíz", "análisis de causa", "causas")),
        Field("process", N_("Process"), Type.CHOICE, is_required=True, example="Subgerencia técnica operativa",
              synonyms=("proceso", "área", "dependencia")),
        Field("responsible", N_("Responsible"), Type.CHOICE, is_lenient=True, synonyms=("responsable", "encargado")),
        Field("asked_on", N_("Asked on"), Type.DATE, is_required=True, example="2025-02-10",
              synonyms=("fecha", "fecha de apertura", "fecha de registro", "abierta el")),
        Field("due_on", N_("Do it by"), Type.DATE, example="2025-04-30",
              synonyms=("fecha límite", "fecha compromiso", "plazo", "fecha de cumplimiento", "vence")),
        Field("status", N_("State"), Type.CHOICE, example="Cerrada", synonyms=("estado", "situación"),
              help=N_("Empty: finished where it says when it ended, else open.")),
        Field("ended_on", N_("Ended on"), Type.DATE, example="2025-04-20", synonyms=("fecha de cierre", "cerrada el", "fecha cierre")),
        Field("result", N_("What was done, or why not"), most=4000, example="Se calibraron doce medidores",
              synonyms=("resultado", "seguimiento", "cierre", "eficacia", "observaciones de cierre", "qué se hizo")),
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        lists = {"kind": _KINDS, "origin": _ORIGINS, "status": _STATES}
        found = {field: [Option(each.name, each.value, names) for each, names in named.items()] for field, named in lists.items()}
        return found | {"process": active_processes(session), "responsible": user_options(session)}

    def begin(self, run: Run) -> None:
        run.facts["organisation"] = queries.organisation(run.session).id

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            status = status_of(row)
            if status.is_over:
                _check_ended(row, run)
            elif row["ended_on"] is not None:
                row.refuse(N_("It is open, and says when it ended: correct one of both."), "ended_on")
            elif row["due_on"] is None:
                row.refuse(N_("Write until when it has to be done."), "due_on")
            if row["due_on"] is not None and row["due_on"] < row["asked_on"]:
                row.refuse(N_("The last day comes before the day on which it was asked, %(day)s."), "due_on", day=row["asked_on"])
            if row["asked_on"] > local(run.at).date():
                row.refuse(N_("That day has not come yet."), "asked_on")
            if len(key_of(run, row)) > MOST_KEY:
                row.refuse(N_("The name of the register and the number have at most %(most)s letters together."), "number", most=MOST_KEY)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        keys = [key_of(run, row) for row in rows]
        there = set(run.session.scalars(select(Action.origin_key).where(Action.origin_key.in_(keys))))
        for row, key in zip(rows, keys, strict=True):
            row.fate = Fate.SAME if key in there else Fate.NEW

    def write(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            status, title = status_of(row), row["title"]
            details = [title] if len(title) > MAX_TITLE else []
            details += [row["description"]] if row["description"] else []
            action = Action(
                organisation_id=run.facts["organisation"], kind=ActionKind[row["kind"] or ActionKind.CORRECTIVE.name],
                origin=ActionOrigin[row["origin"] or ActionOrigin.OTHER.name], origin_key=key_of(run, row),
                title=title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…", description="\n\n".join(details),
                cause=row["cause"] or "", process_id=row["process"], responsible_id=row["responsible"], asked_on=row["asked_on"],
                due_on=row["due_on"] or row["ended_on"], status=status, ended_on=row["ended_on"], result=row["result"] or "",
                is_of_before=status is ActionStatus.DONE, created_by_id=run.user_id,
            )  # fmt: skip
            action.number = next_number(run.session, action.organisation_id, "AC", action.asked_on.year, width=4)
            run.session.add(action)
            run.session.flush()
            log(run.session, action, ActionMove.ASK, at=run.at, user_id=run.user_id,
                facts={"origin": action.origin.name, "key": action.origin_key, "import_id": run.batch_id})  # fmt: skip


def key_of(run: Run, row: Row) -> str:
    """Return by what an action of *run* is known: its register and its number there."""
    return f"{run.source} {row['number']}".strip()


def status_of(row: Row) -> ActionStatus:
    if row["status"] is not None:
        return ActionStatus[row["status"]]
    return ActionStatus.OPEN if row["ended_on"] is None else ActionStatus.DONE


def _check_ended(row: Row, run: Run) -> None:
    """Refuse an ending without its day or its words, or before it began or to come."""
    if row["ended_on"] is None:
        row.refuse(N_("It ended: write when."), "ended_on")
    elif row["ended_on"] < row["asked_on"]:
        row.refuse(N_("It was asked on %(day)s and cannot have ended before."), "ended_on", day=row["asked_on"])
    elif row["ended_on"] > local(run.at).date():
        row.refuse(N_("That day has not come yet."), "ended_on")
    if not row["result"]:
        row.refuse(N_("Write what was done, or why it is not done."), "result")
