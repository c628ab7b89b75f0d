"""Interruptions of the network that tell something: announced, under way, without notice, estimated, with its mass event."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain.interruptions import InterruptionKind
from app.domain.sui import first_of
from app.extensions import local
from app.models import Interruption, InterruptionCause, Service, SuiLoad
from app.operations import interruptions

#: Codes that the house of the demo gave its causes; the product ships none.
CODES = {"MANTENIMIENTO": "1", "LAVADO": "1", "OBRA": "1", "DANO": "2", "DANO-TERCERO": "2", "ENERGIA": "2", "RACIONAMIENTO": "3"}
PLANNED, UNPLANNED = InterruptionKind.PLANNED, InterruptionKind.UNPLANNED
HOUR = timedelta(hours=1)


def tell_interruptions(session: Session, *, at: datetime, user_id: int | None) -> SuiLoad | None:
    """Tell six interruptions around *at* and freeze the month before; return its load. None without zones of accounts."""
    service = session.scalars(select(Service).where(Service.is_public_utility).order_by(Service.position, Service.id)).first()
    causes = {cause.code: cause for cause in session.scalars(select(InterruptionCause))}
    for code, sui_code in CODES.items():
        causes[code].sui_code = sui_code
    house = queries.organisation(session)
    zones = interruptions.zones_of(session, service.id, house.municipality_code)[:3] if service else []
    if service is None or not zones:
        return None

    def tell(cause: str, kind: InterruptionKind, starts_at: datetime, sector: str, what: str, **more: Any) -> Interruption:
        row = Interruption(kind=kind, cause=causes[cause], service=service, municipality=house.municipality, sector=sector, what=what,
                           starts_at=starts_at, zones=more.pop("zones", []), **more)  # fmt: skip
        return interruptions.tell(session, row, at=at)

    before = (first_of(local(at).date()) - timedelta(days=1)).replace(day=12)
    noon = at.replace(hour=17, minute=0, second=0, microsecond=0)
    past = noon + (before - local(noon).date())
    _past(tell, past, before, zones)
    damage = tell("DANO", UNPLANNED, at - 3 * HOUR, zones[0], "Se rompió la tubería de 6 pulgadas frente al colegio.", zones=zones[:1],
                  expected_end_at=at + 3 * HOUR, alternative="Carrotanque en el parque principal")  # fmt: skip
    interruptions.open_event(session, damage, f"Daño de la red en {zones[0]}")
    tell("OBRA", PLANNED, at + 46 * HOUR, zones[-1], "Empalme de la red nueva de la calle 8.", zones=zones[-1:],
         expected_end_at=at + 52 * HOUR, notice_on=local(at).date(), notice_means="Radio, perifoneo y redes sociales")  # fmt: skip
    return interruptions.freeze_month(session, service, before, at=at, user_id=user_id)


def _past(tell: Any, past: datetime, before: date, zones: list[str]) -> None:
    """Tell those of the month before: announced in time, without notice, by others, with subscribers counted from zones."""
    tell("LAVADO", PLANNED, past, "Toda la cabecera", "Lavado semestral de tanques.", ends_at=past + 6 * HOUR, n_subscribers=4200,
         notice_on=before - timedelta(days=4), notice_means="Radio y perifoneo", alternative="Carrotanques en tres puestos")  # fmt: skip
    tell("MANTENIMIENTO", PLANNED, past + 49 * HOUR, zones[0], "Cambio de la válvula de la entrada.", zones=zones[:1],
         ends_at=past + 52 * HOUR)  # fmt: skip
    tell("DANO-TERCERO", UNPLANNED, past + 77 * HOUR, zones[-1], "Una retroexcavadora rompió la red.", zones=zones[-1:],
         ends_at=past + 80 * HOUR)  # fmt: skip
    tell("ENERGIA", UNPLANNED, past + 101 * HOUR, "Parte alta", "Falló la energía en la estación de bombeo.", ends_at=past + 102 * HOUR,
         n_subscribers=350)  # fmt: skip
