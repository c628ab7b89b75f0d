"""The risk map on paper: code, version and date on top, the map with its numbers, the bands, and the risks with their controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.improvement import ActionOrigin
from app.domain.risks import TONES, Level, Scale, Spot
from app.extensions import LANGUAGE, local
from app.models import Action, Risk, RiskControl
from app.operations import risks
from app.words import say_day

TEMPLATE, TITLE = "risk_map", "Mapa de riesgos"


def risk_map_pdf(
    session: Session, found: Sequence[Risk], scale: Scale, *, is_residual: bool, process: str, author: str, at: datetime
) -> bytes:
    """
    Return the PDF of the map of *found*, before or after their controls. Reads only; nothing is kept.

    Args:
        process: Whose risks they are; empty: of all processes.
        author: Who makes this copy.
    """
    with force_locale(LANGUAGE):
        on = local(at).date()
        controls, actions = risks.controls_of(session, [risk.id for risk in found]), _actions(session, found)
        data = {
            "organisation": base.head(queries.organisation(session), TEMPLATE), "issued_on": on.isoformat(), "title": TITLE,
            "on": say_day(on), "author": author, "process": process, "impacts": [_level(level) for level in scale.impacts],
            "which": _("With the controls that are applied") if is_residual else _("Without controls"),
            "rows": [_row(scale, level, _standing(found, is_residual=is_residual)) for level in reversed(scale.probabilities)],
            "bands": [{"name": band.name, "tone": TONES[band.tone], "span": "–".join(map(str, scale.score_span(band))),
                       "asks": band.what_to_do, "months": str(band.review_months)} for band in reversed(scale.bands)],
            "risks": [_risk(scale, risk, controls.get(risk.id, ()), actions.get(risk.number, [])) for risk in found],
        }  # fmt: skip
    return base.rendered(TEMPLATE, data)


def _actions(session: Session, found: Sequence[Risk]) -> dict[str, list[str]]:
    """Return the actions that each risk asked for, with their state, by its number."""
    asked = select(Action.origin_key, Action.number, Action.status).where(
        Action.origin == ActionOrigin.RISK, Action.origin_key.in_([risk.number for risk in found])
    )
    told: dict[str, list[str]] = {}
    for key, number, status in session.execute(asked.order_by(Action.number)):
        told.setdefault(key, []).append(f"{number} ({_(status.value)})")
    return told


def _standing(found: Sequence[Risk], *, is_residual: bool) -> dict[Spot, list[str]]:
    """Return the numbers of the risks at each place."""
    places: dict[Spot, list[str]] = {}
    for risk in sorted(found, key=lambda risk: risk.number):
        spot = risks.residual_of(risk) if is_residual else risks.inherent_of(risk)
        places.setdefault(spot, []).append(risk.number)
    return places


def _level(level: Level) -> str:
    return f"{level.level}. {level.name}"


def _row(scale: Scale, level: Level, places: Mapping[Spot, Sequence[str]]) -> dict[str, Any]:
    cells = []
    for impact in scale.impacts:
        spot = Spot(level.level, impact.level)
        cells.append({"score": str(spot.score), "risks": list(places.get(spot, ())), **_band(scale, spot)})
    return {"level": _level(level), "cells": cells}


def _band(scale: Scale, spot: Spot) -> dict[str, str]:
    band = scale.band_of(spot)
    return {"band": band.name, "tone": TONES[band.tone]} if band is not None else {"band": _("Without a band"), "tone": "stop"}


def _place(scale: Scale, spot: Spot) -> dict[str, str]:
    return {"at": f"{spot.probability} × {spot.impact} = {spot.score}", **_band(scale, spot)}


def _risk(scale: Scale, risk: Risk, controls: Sequence[RiskControl], actions: list[str]) -> dict[str, Any]:
    return {
        "number": risk.number, "process": risk.process.name, "event": risk.event, "cause": risk.cause, "consequence": risk.consequence,
        "inherent": _place(scale, risks.inherent_of(risk)), "residual": _place(scale, risks.residual_of(risk)),
        "controls": [_control(control) for control in controls],
        "treatment": _(risk.treatment.value), "note": risk.treatment_note, "actions": actions,
        "responsible": risk.responsible.get_full_name() if risk.responsible else "—", "next": say_day(risk.review_on),
    }  # fmt: skip


def _control(control: RiskControl) -> str:
    return control.text if control.is_working else _("%(control)s (not applied)", control=control.text)
