"""
The legal matrix that a company keeps in Excel. A row is known by norm and articles; an empty cell erases nothing.

The last evaluation of a row comes with it, once: what was evaluated here is never written over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.legalmatrix import Compliance, check_evaluation, next_evaluation_on
from app.extensions import local
from app.importing.contracts import process_options, user_options
from app.importing.kinds import Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import compare, existing, stamp_of, upsert
from app.models import LegalEvaluation, LegalRequirement

EVERY_MONTHS = 12
_RESULTS = {
    Compliance.COMPLIES: ("cumple", "sí", "si", "c", "cumplido", "conforme"),
    Compliance.PARTLY: ("cumple parcialmente", "parcial", "cumple en parte", "cp", "cumplimiento parcial"),
    Compliance.FAILS: ("no cumple", "no", "nc", "incumple", "no conforme"),
    Compliance.NOT_APPLICABLE: ("no aplica", "na", "n a", "n/a"),
}
_TEXTS = ("topic", "obligation", "applies_to", "how_met", "source", "confidence")
_COLUMNS = ("id", *_TEXTS, "process_id", "responsible_id", "every_months", "next_on", "standing", "evaluated_on")


@register
class LegalRequirements(Kind):
    """Rows of a legal matrix by norm and articles, with the last evaluation of each."""

    name, title = "legal_requirements", N_("Legal matrix")
    intro = N_(
        "The legal matrix that the company keeps: a row is known by its norm and articles. What was evaluated here is never overwritten; "
        "of the file, the last evaluation of each row comes in."
    )
    fields = (
        Field("norm", N_("Norm"), is_required=True, most=160, example="Ley 142 de 1994",
              synonyms=("norma", "ley", "requisito legal", "disposición", "normatividad", "norma legal")),
        Field("articles", N_("Articles"), most=120, example="152-159", synonyms=("artículos", "artículo", "art", "arts", "numeral")),
        Field("topic", N_("Topic"), most=160, example="Defensa de los usuarios", synonyms=("tema", "asunto", "aspecto", "materia")),
        Field("obligation", N_("Obligation"), is_required=True, most=4000, example="Responder las peticiones en 15 días hábiles",
              synonyms=("obligación", "requisito", "descripción del requisito", "exigencia", "qué exige", "descripción")),
        Field("applies_to", N_("Applies to"), most=200, example="Empresas de servicios públicos",
              synonyms=("aplica a", "aplicabilidad", "alcance")),
        Field("how_met", N_("How it is met"), most=4000, example="Registro de casos y control de tiempos",
              synonyms=("cómo se cumple", "forma de cumplimiento", "control", "mecanismo de cumplimiento", "acciones de cumplimiento")),
        Field("process", N_("Process"), Type.CHOICE, example="Atención al cliente (PQR)", synonyms=("proceso", "área", "dependencia")),
        Field("responsible", N_("Responsible"), Type.CHOICE, is_lenient=True, synonyms=("responsable", "encargado")),
        Field("every_months", N_("Evaluated every (months)"), Type.INTEGER, least=1, highest=60, example=12,
              synonyms=("periodicidad", "frecuencia en meses", "meses", "periodicidad meses"), help=N_("Empty: every 12 months.")),
        Field("evaluated_on", N_("Last evaluation"), Type.DATE, example="2026-02-10",
              synonyms=("fecha de evaluación", "última evaluación", "fecha evaluación", "fecha de verificación")),
        Field("result", N_("Result"), Type.CHOICE, example="Cumple",
              synonyms=("resultado", "cumplimiento", "cumple", "estado de cumplimiento", "calificación")),
        Field("evidence", N_("Evidence of compliance"), most=4000, example="Informe de casos del semestre",
              synonyms=("evidencia", "evidencias", "soporte", "evidencia de cumplimiento")),
        Field("plan", N_("What is done where it is not met"), most=2000, synonyms=("plan de acción", "acción", "plan", "acciones a tomar")),
        Field("next_on", N_("Next evaluation"), Type.DATE, synonyms=("próxima evaluación", "próxima revisión", "siguiente evaluación")),
        Field("source", N_("Where it was read"), most=240, synonyms=("fuente", "origen", "enlace", "link", "consultado en")),
        Field("confidence", N_("How sure it is"), most=160, example="confirmado", synonyms=("certeza", "confianza", "validado")),
    )  # fmt: skip

    def options(self, session: Any) -> dict[str, list[Option]]:
        results = [Option(each.name, each.value, names) for each, names in _RESULTS.items()]
        return {"result": results, "process": process_options(session), "responsible": user_options(session)}

    def check(self, rows: Sequence[Row], run: Run) -> None:
        first_of: dict[Any, int] = run.facts.setdefault("first", {})
        for row in rows:
            if (first := first_of.setdefault(_mark(row), row.number)) != row.number:
                row.refuse(N_("The same articles of the same norm as row %(row)s."), "articles", row=first)
            elif row["result"] is not None or row["evaluated_on"] is not None:
                _check_evaluated(row, run)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        there = existing(run, LegalRequirement, ("norm", "articles"), {_mark(row) for row in rows}, _COLUMNS)
        for row in rows:
            known = there.get(_mark(row))
            told = {name: row[name] for name in (*_TEXTS, "every_months", "next_on")}
            told |= {"norm": _mark(row)[0], "articles": _mark(row)[1], "process_id": row["process"], "responsible_id": row["responsible"]}
            is_new = row["result"] is not None and (known is None or known.evaluated_on is None or known.evaluated_on < row["evaluated_on"])
            if is_new:
                told |= _evaluated(row, told)
            compare(row, known, told)
            row.found = (row.found, is_new)
            if known is not None and row["result"] is not None and not is_new and known.evaluated_on > row["evaluated_on"]:
                row.doubt("OLDER", N_("It was evaluated here on %(day)s, later than in the file."), "evaluated_on", day=known.evaluated_on)

    def write(self, rows: Sequence[Row], run: Run) -> None:
        lines = [_whole(row.found[0]) for row in rows]
        for with_evaluation in (True, False):
            some = [line for line, row in zip(lines, rows, strict=True) if row.found[1] is with_evaluation]
            upsert(run.session, LegalRequirement, ("norm", "articles"), some, run)
        evaluated = [row for row in rows if row.found[1]]
        columns = (LegalRequirement.norm, LegalRequirement.articles, LegalRequirement.id)
        ids = {(norm, articles): key for norm, articles, key in run.session.execute(select(*columns))} if evaluated else {}
        stamp, table = stamp_of(run), LegalEvaluation.__table__
        new = [_line(row) | {"requirement_id": ids[_mark(row)], "evaluated_by_id": run.user_id, **stamp} for row in evaluated]
        if new:
            run.session.execute(insert(table), new)


def _mark(row: Row) -> tuple[str, str]:
    return " ".join(row["norm"].split()), " ".join((row["articles"] or "").split())


def _check_evaluated(row: Row, run: Run) -> None:
    """Refuse an evaluation that is not whole, or that fails and says nothing of what is done."""
    if row["result"] is None or row["evaluated_on"] is None:
        text = N_("An evaluation has its day and its result: write both, or none.")
        row.refuse(text, "result" if row["result"] is None else "evaluated_on")
        return
    on, today = row["evaluated_on"], local(run.at).date()
    try:
        check_evaluation(row["evidence"] or "", on, row["next_on"] or next_evaluation_on(on, row["every_months"] or EVERY_MONTHS), today)
    except DomainError as error:
        row.refuse(error.msgid, "evaluated_on" if error.field == "on" else error.field, **error.fields)
    if Compliance[row["result"]].asks_for_action and not row["plan"]:
        row.refuse(N_("It is not met: write in the plan what is done about it."), "plan")


def _evaluated(row: Row, told: dict[str, Any]) -> dict[str, Any]:
    next_on = told["next_on"] or next_evaluation_on(row["evaluated_on"], row["every_months"] or EVERY_MONTHS)
    return {"standing": Compliance[row["result"]], "evaluated_on": row["evaluated_on"], "next_on": next_on}


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a row with what a new one has where the file says nothing."""
    whole = {name: (found[name] or "" if name in _TEXTS else found[name]) for name in found if name != "id"}
    return whole | {"every_months": found["every_months"] or EVERY_MONTHS, "is_active": True}


def _line(row: Row) -> dict[str, Any]:
    result = Compliance[row["result"]]
    plan = row["plan"] if result.asks_for_action else ""
    return {"on": row["evaluated_on"], "result": result, "evidence": row["evidence"], "note": "", "no_action_reason": plan or ""}
