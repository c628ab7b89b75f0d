"""Claims of the market: the public statistics of the regulator, whose years come as columns."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.text import plain
from app.importing.kinds import Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import compare, existing, upsert
from app.models import MarketClaim, Municipality


@register
class MarketClaims(Kind):
    """How many claims of each cause the companies of a municipality had in each year (SUI)."""

    name, title = "market_claims", N_("Claims of the market (SUI)")
    intro = N_("Public statistics of the regulator by municipality, procedure and cause. Columns of years are understood as they come.")
    fields = (
        Field("place", N_("Municipality"), is_required=True, most=80, example="BARANOA", synonyms=("municipio", "ubicación geográfica")),
        Field("municipality_code", N_("DANE code"), Type.CODE, digits=5, synonyms=("código dane", "divipola", "código municipio")),
        Field("procedure", N_("Procedure"), is_required=True, most=120, example="RECLAMACION", synonyms=("tipo de trámite", "trámite")),
        Field("cause", N_("Cause"), is_required=True, most=240, example="COBROS POR PROMEDIO",
              synonyms=("causal", "detalle", "detalle causal", "causal detalle", "causa")),
        Field("year", N_("Year"), Type.INTEGER, is_required=True, least=1990, highest=2100, example=2025, synonyms=("año", "tiempo")),
        Field("n_claims", N_("Claims"), Type.INTEGER, is_required=True, least=0, highest=10**12, example=1313, pivot="year",
              synonyms=("reclamos", "cantidad", "número de reclamos", "total", "n reclamos")),
    )  # fmt: skip
    key = ("place", "procedure", "cause", "year")
    asks_source = True

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {}

    def begin(self, run: Run) -> None:
        codes: dict[str, str | None] = {}
        for code, name in run.session.execute(select(Municipality.code, Municipality.name)):
            codes[plain(name)] = None if plain(name) in codes else code  # a name that repeats names none of them
        run.facts["codes"] = codes

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        codes = run.facts["codes"]
        known = set(filter(None, codes.values()))
        marks = [(run.source, row["year"], row["place"], row["procedure"], row["cause"]) for row in rows]
        key = ("source", "year", "place", "procedure", "cause")
        there = existing(run, MarketClaim, key, marks, ("id", "n_claims", "municipality_code"))
        for row, mark in zip(rows, marks, strict=True):
            code = row["municipality_code"] if row["municipality_code"] in known else codes.get(plain(row["place"]))
            values = dict(zip(key, mark, strict=True)) | {"municipality_code": code, "n_claims": row["n_claims"]}
            compare(row, there.get(mark), values)
            name = str(row["year"])
            run.totals[name] = run.totals.get(name, 0) + row["n_claims"]

    def write(self, rows: Sequence[Row], run: Run) -> None:
        upsert(run.session, MarketClaim, ("source", "year", "place", "procedure", "cause"), [row.found for row in rows], run)
