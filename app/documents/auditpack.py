"""The index of an audit pack: clause by clause what was counted, what is missing and what was drawn, on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.clauses import CLAUSES, OUTSIDE, Clause, Light, Period, light_of
from app.extensions import LANGUAGE, local
from app.operations.audit_samples import Drawn, Sampled
from app.words import say_day, say_instant, say_number

TEMPLATE = KEY = "audit_pack"
TONES = {Light.GREEN: "ok", Light.AMBER: "warn", Light.RED: "bad", Light.GREY: "stop"}


@dataclass(frozen=True, slots=True)
class Packed:
    """What a pack holds: what was counted and drawn, where each file lies by its place in the ZIP, and what could not be put in."""

    period: Period
    seed: int
    numbers: Mapping[str, int]
    samples: Mapping[str, Sampled]
    paths: Mapping[tuple[str, int], str]
    formats: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    author: str


def index_pdf(session: Session, packed: Packed, at: datetime) -> bytes:
    """Return the index as a PDF, in the language of the acts. It is no document: nothing of it is kept outside of the pack."""
    with force_locale(LANGUAGE):
        return base.rendered(TEMPLATE, _data(session, packed, at))


def _data(session: Session, packed: Packed, at: datetime) -> dict[str, Any]:
    organisation, on = queries.organisation(session), local(at).date()
    lights = [light_of(clause, packed.numbers) for clause in CLAUSES]
    shown = [light for light in Light if light in lights]
    period = packed.period
    return {
        "organisation": base.head(organisation, KEY),
        "title": "Paquete de auditoría",
        "issued_on": on.isoformat(),
        "facts": [
            ["Norma", "ISO 9001:2015. Los títulos de los numerales son nuestros: el texto de la norma es de quien la publica."],
            ["Período", f"del {say_day(period.since)} al {say_day(period.until)}"],
            ["Lo pendiente", f"se cuenta al {say_day(on)}"],
            ["Preparado", f"{say_instant(at)}, por {packed.author}"],
            ["Semilla del sorteo", f"{packed.seed}: con ella y los mismos registros, la muestra sale igual"],
        ],
        "lights": [{"tone": TONES[light], "word": _(light.value), "n": say_number(lights.count(light))} for light in shown],
        "clauses": [_clause(clause, packed, light) for clause, light in zip(CLAUSES, lights, strict=True)],
        "outside": [[numbers, _(words)] for numbers, words in OUTSIDE],
        "formats": [list(each) for each in packed.formats],
        "missing": list(packed.missing),
        "left_out": list(packed.left_out),
    }  # fmt: skip


def _clause(clause: Clause, packed: Packed, light: Light) -> dict[str, Any]:
    numbers = packed.numbers
    gaps = [
        {"label": _(gap.label), "n": "—" if gap.is_flag else say_number(numbers[gap.key]), "weight": _(gap.weight.value),
         "tone": _TONE_OF[gap.weight.name]}
        for gap in clause.gaps
        if numbers[gap.key]
    ]  # fmt: skip
    return {
        "number": clause.number,
        "title": _(clause.title),
        "asks": _(clause.asks),
        "tone": TONES[light],
        "light": _(light.value),
        "counts": [{"label": _(count.label), "n": say_number(numbers[count.key])} for count in clause.counts],
        "gaps": gaps,
        "samples": [_sample(kind.key, _(kind.label), packed) for kind in clause.samples if packed.samples[kind.key].n_all],
    }


_TONE_OF = {"MAJOR": "bad", "MINOR": "warn"}


def _sample(key: str, label: str, packed: Packed) -> dict[str, Any]:
    found = packed.samples[key]
    n_all = say_number(found.n_all)
    return {"label": f"{label}: {say_number(len(found.drawn))} de {n_all}", "drawn": [_drawn(key, each, packed) for each in found.drawn]}


def _drawn(key: str, each: Drawn, packed: Packed) -> dict[str, str]:
    title = " ".join((each.title or "").split())
    return {
        "place": say_number(each.place),
        "number": each.number,
        "title": title if len(title) <= 160 else title[:159].rstrip() + "…",
        "day": say_day(each.on) if each.on else "—",
        "path": packed.paths.get((key, each.place), ""),
    }
