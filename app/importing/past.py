"""Registers of other programs that are kept as they came, every column of them: answers to surveys; and such a register as a file again."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import PastKind
from app.importing.cells import is_blank
from app.importing.customers import known_parties, paper_of, paper_options
from app.importing.kinds import Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import compare, existing, upsert
from app.models import PastRecord
from app.operations import files
from app.operations.files import CheckedFile

ANSWERS, COMPLETE = N_("Answers"), N_("Complete answers")
KEY = ("kind", "source", "source_number")
_DOCUMENT = ("cédula", "nit", "documento", "identificación", "cédula o nit", "número de documento")


@register
class PastSurveys(Kind):
    """
    Answers to surveys of another program: a number there, a day, a party if its document is known, and every column as text. Scales
    stay as they are, also those that count backwards.
    """

    name, title = "past_surveys", N_("Answers to surveys of another program")
    intro = N_("One row for each person who answered, with all columns as they are: no scale is turned round, nothing is left out.")
    fields = (
        Field("source_number", N_("Number there"), Type.CODE, is_required=True, most=60, example="R0001",
              synonyms=("ResponseID", "response id", "id respuesta", "respuesta", "id", "no. encuesta", "encuesta", "consecutivo")),
        Field("on", N_("Date"), Type.DATE, is_lenient=True, example=date(2026, 3, 18),
              synonyms=("StartDate", "fecha", "fecha de la encuesta", "fecha respuesta", "marca temporal", "timestamp")),
        Field("title", N_("What it is"), most=240, example="Encuesta de satisfacción 2015",
              synonyms=("encuesta aplicada", "campaña", "project", "proyecto")),
        Field("document", N_("Document number"), most=30, synonyms=_DOCUMENT),
        Field("document_type", N_("Document"), Type.CHOICE, synonyms=("tipo de documento", "tipo doc")),
        Field("status", N_("Why it ended early"), most=80, synonyms=("term", "motivo de descarte", "descarte", "estado"),
              help=N_("Empty or NA: it did not end early.")),
    )  # fmt: skip
    key = ("source_number",)
    keeps_rest = True
    asks_source = True

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {"document_type": paper_options()}

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            if not row["document"]:
                continue
            try:
                row.found = paper_of(row["document_type"], row["document"])
            except DomainError as error:
                row.doubt("DOCUMENT", error.msgid, "document", **error.fields)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        parties = known_parties(run, [row.found for row in rows if row.found])
        marks = [(PastKind.SURVEY, run.source, row["source_number"]) for row in rows]
        there = existing(run, PastRecord, KEY, marks, ("id", "on", "party_id", "title", "facts"))
        for row, mark in zip(rows, marks, strict=True):
            party = parties.get(row.found) if row.found else None
            values = {
                "kind": mark[0], "source": mark[1], "source_number": mark[2], "on": row["on"], "party_id": party and party.id,
                "title": row["title"] or "", "facts": self._facts_of(row),
            }  # fmt: skip
            compare(row, there.get(mark), values)
            run.totals[ANSWERS] = run.totals.get(ANSWERS, 0) + 1
            is_complete = is_blank(row["status"]) and not is_blank(row.cells[-1])  # nobody sent them away, and they answered the last one
            run.totals[COMPLETE] = run.totals.get(COMPLETE, 0) + is_complete

    def _facts_of(self, row: Row) -> dict[str, Any]:
        """Return what is kept of the row besides its number and day."""
        told = {each.label: row[each.name] for each in self.fields if each.name in {"document", "status"} and row[each.name]}
        return {**told, **row.rest}

    def write(self, rows: Sequence[Row], run: Run) -> None:
        upsert(run.session, PastRecord, KEY, [{**row.found, "import_id": run.batch_id} for row in rows], run)


# ── Out again, to become answers of a survey of ours ──────────────────────────────────────────────────────────────────────

_NUMBER, _DAY, _MOST = "id respuesta", "fecha", 1 << 30


def file_of(session: Session, source: str) -> CheckedFile:
    """Return the answers that came from *source* as the table that they came as, to be brought into a survey of ours."""
    mine = PastRecord.kind == PastKind.SURVEY, PastRecord.source == source
    columns = select(PastRecord.source_number, PastRecord.on, PastRecord.facts).where(*mine).order_by(PastRecord.id)
    rows = session.execute(columns).all()
    names = dict.fromkeys(name for row in rows for name in row.facts)
    with TemporaryFile() as out:
        text = TextIOWrapper(out, encoding="utf-8", newline="")
        table = csv.writer(text)
        table.writerow((_NUMBER, _DAY, *names))
        table.writerows((row.source_number, row.on or "", *(row.facts.get(name, "") for name in names)) for row in rows)
        text.flush()
        out.seek(0)
        return files.hold_upload(f"{source}.csv", out, "text/csv", most=_MOST)
