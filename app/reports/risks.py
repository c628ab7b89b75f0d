"""The register of risks as a file: where each stands without and with its controls, what is done about it, and what its band asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.improvement import ActionOrigin
from app.domain.risks import Scale, Spot
from app.models import Action, Risk, RiskControl
from app.operations import risks
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report

HEADER = (
    Column(N_("Number"), width=14), Column(N_("Process"), wraps=True, width=22), Column(N_("Cause of the risk"), wraps=True, width=34),
    Column(N_("What may happen"), wraps=True, width=34), Column(N_("Consequence"), wraps=True, width=34),
    Column(N_("Probability"), Kind.INT, 12), Column(N_("Impact"), Kind.INT, 10), Column(N_("Score"), Kind.INT, 10),
    Column(N_("Without controls"), width=14), Column(N_("Controls"), wraps=True, width=50),
    Column(N_("Probability with controls"), Kind.INT, 12), Column(N_("Impact with controls"), Kind.INT, 10),
    Column(N_("Score with controls"), Kind.INT, 10), Column(N_("With controls"), width=14), Column(N_("Treatment"), width=14),
    Column(N_("How it is treated"), wraps=True, width=34), Column(N_("Actions"), wraps=True, width=24),
    Column(N_("Responsible"), wraps=True, width=22), Column(N_("Identified on"), Kind.DATE, 13),
    Column(N_("Looked at on"), Kind.DATE, 13), Column(N_("Next look"), Kind.DATE, 13),
)  # fmt: skip


class RiskRegister(Report):
    """The risks of a map, the worst first. They were read before: they are few."""

    identifier: ClassVar[str] = "risk_map"
    name: ClassVar[str] = N_("Risk map")
    description: ClassVar[str] = N_("Risks of the processes with their controls, and what is left of them (ISO 9001:2015, 6.1).")
    code: ClassVar[str] = ""
    header: ClassVar[tuple[Column, ...]] = HEADER
    form: ClassVar[type[FilterForm]] = FilterForm

    def __init__(self, session: Session, found: Sequence[Risk], scale: Scale) -> None:
        self._risks, self._scale = found, scale
        self._controls = risks.controls_of(session, [risk.id for risk in found])
        asked = select(Action.origin_key, Action.number, Action.status).where(
            Action.origin == ActionOrigin.RISK, Action.origin_key.in_([risk.number for risk in found])
        )
        self._actions: dict[str, list[str]] = {}
        for key, number, status in session.execute(asked.order_by(Action.number)):
            self._actions.setdefault(key, []).append(f"{number} ({_(status.value)})")

    def rows(self) -> Iterator[Cells]:
        """Yield a row a risk."""
        for risk in self._risks:
            inherent, residual = risks.inherent_of(risk), risks.residual_of(risk)
            yield (
                risk.number, risk.process.name, risk.cause, risk.event, risk.consequence,
                inherent.probability, inherent.impact, inherent.score, self._band(inherent),
                "\n".join(map(_said, self._controls.get(risk.id, ()))),
                residual.probability, residual.impact, residual.score, self._band(residual),
                _(risk.treatment.value), risk.treatment_note, "\n".join(self._actions.get(risk.number, ())),
                risk.responsible.get_full_name() if risk.responsible else None, risk.identified_on, risk.reviewed_on, risk.review_on,
            )  # fmt: skip

    def _band(self, spot: Spot) -> str | None:
        band = self._scale.band_of(spot)
        return band.name if band is not None else None

    def totals(self) -> list[Figure]:
        bands = [self._scale.band_of(risks.residual_of(risk)) for risk in self._risks]
        return [Figure(_("Risks"), len(bands)), *(Figure(band.name, bands.count(band)) for band in reversed(self._scale.bands))]

    def filters_in_words(self) -> list[str]:
        return [_("Open risks that the reader may see")]


def _said(control: RiskControl) -> str:
    """Return a control in a line: what it is, by how much it lowers, and whether it is applied."""
    effect = _("probability −%(p)s, impact −%(i)s", p=control.lowers_probability, i=control.lowers_impact)
    told = effect if control.is_working else _("not applied")
    return f"{control.text} ({_(control.kind.value)}; {told})"
