"""Municipalities, by their DANE code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.text import plain
from app.importing.kinds import Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import compare, existing, upsert
from app.models import Municipality

_SMALL = frozenset({"de", "del", "la", "las", "los", "el", "y"})


@register
class Municipalities(Kind):
    """The list of DANE: a code of five digits, whose zero in front sheets lose."""

    name, title = "municipalities", N_("Municipalities (DANE)")
    intro = N_("Codes and names of the municipalities, joined by their code, for names repeat. What is not in the file stays.")
    fields = (
        Field("code", N_("DANE code"), is_required=True, most=10, example="05001",
              synonyms=("código", "código mun", "código municipio", "cod mpio", "divipola", "código dane", "mpio")),
        Field("name", N_("Name"), is_required=True, most=80, example="Medellín",
              synonyms=("municipio", "nombre", "nombre municipio", "nom mpio")),
        Field("department", N_("Department"), is_required=True, most=80, example="Antioquia",
              synonyms=("departamento", "nombre departamento", "dpto", "nom dpto")),
        Field("department_code", N_("Code of the department"), Type.CODE, digits=2, example="05",
              synonyms=("código dep", "código departamento", "cod dpto"),
              help=N_("Only where the code of the municipality has three digits.")),
    )  # fmt: skip
    key = ("code",)

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            code = row["code"].replace(".", "").replace(",", "")
            if len(code) <= 3 and row["department_code"]:
                code = row["department_code"] + code.zfill(3)
            if not code.isdigit() or not 4 <= len(code) <= 5:
                row.refuse(N_("“%(code)s” is no DANE code: it has five digits, two of the department and three of its own."), "code",
                           code=row["code"])  # fmt: skip
                continue
            row.values["code"] = code.zfill(5)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        there = existing(run, Municipality, ("code",), ((row["code"],) for row in rows), ("name", "department"))
        for row in rows:
            known = there.get((row["code"],))
            values = {name: _kept(known and getattr(known, name), row[name]) for name in ("name", "department")}
            compare(row, known, {"code": row["code"], **values})

    def write(self, rows: Sequence[Row], run: Run) -> None:
        upsert(run.session, Municipality, ("code",), [row.found for row in rows], run)


def _kept(known: str | None, told: str) -> str:
    """Return the name as it is stored: what differs from what is known by capitals and accents only stays."""
    return known if known is not None and plain(known) == plain(told) else proper(told)


def proper(name: str) -> str:
    """Return a name in capitals as people write it: Santa Fe de Antioquia."""
    if not name.isupper():
        return name
    words = name.lower().split(" ")
    return " ".join(word if word in _SMALL and index else word[:1].upper() + word[1:] for index, word in enumerate(words))


def municipality_options(session: Session) -> list[Option]:
    """Return the municipalities as values of a field: known by code, by name with department, and by name where only one has it."""
    rows = session.execute(select(Municipality.code, Municipality.name, Municipality.department)).all()
    n_named = Counter(plain(row.name) for row in rows)
    return [
        Option(row.code, f"{row.name} ({row.department})", (row.code.lstrip("0"), *((row.name,) if n_named[plain(row.name)] == 1 else ())))
        for row in rows
    ]
