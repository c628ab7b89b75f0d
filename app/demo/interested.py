"""Two years of following the interested parties of the fictional company: evidence found and attached, and one meeting that is late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.calendar import months_after
from app.domain.interested import EvidenceSource
from app.extensions import local
from app.models import Mechanism
from app.operations import interested

_BEGAN_MONTHS = 24
#: What is late, and how many months ago it was done last.
LATE, _LATE_MONTHS = "Reunión con la alcaldía", 8
#: Due within the month: the last evidence is nearly as old as the frequency.
SOON = "Informe de gestión a la junta directiva"
#: What each evidence is called, by its mechanism; of the others, the name of the mechanism says it.
TITLES = {
    "Encuesta semestral a clientes con contrato": "Informe de la encuesta a clientes, tabulado",
    "Lista de verificación anual de los contratos": "Acta del comité de contratos",
    "Encuesta anual de satisfacción de usuarios": "Informe de la encuesta R10-01-02",
    "Informe mensual de comportamiento de PQR": "Informe de PQR entregado a la Subgerencia",
    "Informe trimestral de PQR, silencios y apelaciones": "Informe trimestral de PQR",
    "Reunión con la alcaldía": "Acta de la reunión con la alcaldía",
    "Revisión por la dirección": "Acta de la revisión por la dirección",
}
PERSON_OF = {"COMERCIAL": "comercial", "CALIDAD": "calidad", "SUBGERENCIA": "subgerente"}


def follow_parties(session: Session, at: datetime, users: Mapping[str, User]) -> None:
    """
    Give each shipped follow-up its history until *at*: somebody in charge, evidence at each of its dates, one overdue, one due soon.

    It goes after everything that leaves evidence: orders, quotations, checklists. *users* by their names.
    """
    today = local(at).date()
    for mechanism in session.scalars(select(Mechanism).order_by(Mechanism.id)).all():
        mechanism.starts_on = months_after(today, -_BEGAN_MONTHS)
        person = PERSON_OF.get(mechanism.process.code) if mechanism.process else None
        mechanism.responsible = users.get(person) if person else None
        session.flush()
        if mechanism.evidence_source not in (EvidenceSource.VISIT, EvidenceSource.QUOTATION):
            for on in _days(mechanism, today):
                title = TITLES.get(mechanism.name, mechanism.name)
                said = interested.Attached(title, on, "El original está en la carpeta del proceso, con las firmas de quienes asistieron.")
                interested.attach_evidence(session, mechanism, said, at=at)
        interested.find_evidence(session, mechanism, at=at)
        interested.reckon(session, mechanism)


def _days(mechanism: Mechanism, today: date) -> list[date]:
    """Return the last days, up to eight, on which *mechanism* was applied."""
    if mechanism.name == LATE:
        newest = months_after(today, -_LATE_MONTHS)
    elif mechanism.name == SOON:
        newest = months_after(today, -mechanism.months) + timedelta(days=12)
    else:
        newest = today - timedelta(days=3 + mechanism.id % 17)
    days = (months_after(newest, -mechanism.months * n) for n in range(8))
    return [on for on in days if on >= mechanism.starts_on][::-1]
