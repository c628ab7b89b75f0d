"""
The list of interruptions that a company keeps in Excel. One is known by its service, its start and its sector; what is here stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.interruptions import InterruptionKind, check_notice, check_told
from app.domain.text import plain
from app.extensions import LOCAL_ZONE, local
from app.importing.headers import canon
from app.importing.kinds import Fate, Field, Kind, Option, Row, Run, Type, register
from app.importing.places import municipality_options
from app.models import Interruption, InterruptionCause, Organisation, Service
from app.operations import interruptions

_KINDS = {
    InterruptionKind.PLANNED: ("programada", "programado", "p", "planeada", "mantenimiento programado", "1"),
    InterruptionKind.UNPLANNED: ("no programada", "no programado", "np", "imprevista", "daño", "emergencia", "2"),
}
MOMENTS = ("starts_at", "expected_end_at", "ends_at")


@register
class Interruptions(Kind):
    """Interruptions of the network by service, start and sector."""

    name, title = "interruptions", N_("Interruptions of the service")
    intro = N_("What the network left without service, known by service, start and sector. One that is here already is not touched.")
    fields = (
        Field("service", N_("Service"), Type.CHOICE, example="Acueducto", synonyms=("servicio", "tipo de servicio")),
        Field("kind", N_("Kind"), Type.CHOICE, is_required=True, example="Programada",
              synonyms=("tipo", "clase", "tipo de suspensión", "tipo de interrupción", "programada")),
        Field("cause", N_("Cause"), Type.CHOICE, is_required=True, example="Daño en la red",
              synonyms=("causa", "motivo", "causal", "causa de la suspensión")),
        Field("what", N_("What happened or will be done"), most=4000, example="Se rompió la red de 6 pulgadas",
              synonyms=("descripción", "observación", "observaciones", "detalle", "actividad")),
        Field("municipality", N_("Municipality"), Type.CHOICE, example="11001", synonyms=("municipio", "código dane", "ciudad"),
              help=N_("Where the file does not say, that of the company.")),
        Field("settlement_code", N_("DANE code of the settlement"), Type.CODE, digits=3, most=3, synonyms=("centro poblado",)),
        Field("sector", N_("Sector"), is_required=True, most=200, example="La Floresta",
              synonyms=("sector", "barrio", "barrios", "sector o barrio afectado", "sector afectado", "lugar")),
        Field("zones", N_("Zones of accounts"), most=2000, synonyms=("zonas", "zona", "rutas"),
              help=N_("Parted by commas, as the accounts write them.")),
        Field("starts_at", N_("Start"), Type.MOMENT, is_required=True, example="2026-07-10 08:00",
              synonyms=("inicio", "fecha y hora de inicio", "fecha inicio", "hora de inicio", "fecha de suspensión")),
        Field("expected_end_at", N_("Expected end"), Type.MOMENT, synonyms=("fin esperado", "fin programado", "hora estimada")),
        Field("ends_at", N_("Restored at"), Type.MOMENT, example="2026-07-10 12:30",
              synonyms=("restablecimiento", "fecha y hora de restablecimiento", "fin", "fecha fin", "reanudación")),
        Field("n_subscribers", N_("Subscribers reached"), Type.INTEGER, least=0, highest=9_999_999, example=310,
              synonyms=("suscriptores", "suscriptores afectados", "usuarios afectados", "usuarios")),
        Field("notice_on", N_("The users were told on"), Type.DATE, synonyms=("fecha de aviso", "aviso", "fecha aviso")),
        Field("notice_means", N_("By which means"), most=200, example="Radio", synonyms=("medio de aviso", "medio")),
        Field("alternative", N_("Alternative supply"), most=200, synonyms=("suministro alternativo", "carrotanque", "alternativa")),
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        causes = session.scalars(select(InterruptionCause).where(InterruptionCause.is_active).order_by(InterruptionCause.position))
        return {
            "service": [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(Service).order_by(Service.position))],
            "kind": [Option(each.name, each.value, names) for each, names in _KINDS.items()],
            "cause": [Option(row.id, row.name, (row.code, *((row.sui_code,) if row.sui_code else ()))) for row in causes],
            "municipality": municipality_options(session),
        }

    def begin(self, run: Run) -> None:
        services = run.session.scalars(select(Service.id).where(Service.is_active)).all()
        stored = run.session.execute(select(Interruption.service_id, Interruption.starts_at, Interruption.sector))
        run.facts |= {
            "place": run.session.scalar(select(Organisation.municipality_code).limit(1)), "first": {}, "zones": {},
            "service": services[0] if len(services) == 1 else None,
            "there": {(row.service_id, row.starts_at, canon(row.sector)) for row in stored},
        }  # fmt: skip

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            row.values["service"] = row["service"] or run.facts["service"]
            if row["service"] is None:
                row.refuse(N_("The service of the interruption is missing, and there are several."), "service")
                continue
            row.values["municipality"] = row["municipality"] or run.facts["place"]
            row.values |= {name: _aware(row[name]) for name in MOMENTS}
            mark = _mark(row)
            if (first := run.facts["first"].setdefault(mark, row.number)) != row.number:
                row.refuse(N_("The same interruption as row %(row)s."), "starts_at", row=first)
            try:
                kind = InterruptionKind[row["kind"]]
                check_told(kind, row["starts_at"], row["ends_at"], row["expected_end_at"], at=run.at)
                check_notice(row["notice_on"], row["notice_means"] or "", local(run.at).date())
            except DomainError as error:
                row.refuse(error.msgid, error.field, **error.fields)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            row.fate = Fate.SAME if _mark(row) in run.facts["there"] else Fate.NEW
            row.found = self._zones(row, run)

    @staticmethod
    def _zones(row: Row, run: Run) -> list[str]:
        """Return the zones of *row* that accounts have; another is doubted and left out."""
        place = (row["service"], row["municipality"])
        if row["zones"] and place not in run.facts["zones"]:
            run.facts["zones"][place] = {plain(zone): zone for zone in interruptions.zones_of(run.session, *place)}
        typed = [zone.strip() for zone in (row["zones"] or "").split(",") if zone.strip()]
        known = run.facts["zones"].get(place, {})
        for zone in typed:
            if plain(zone) not in known:
                row.doubt("ZONE", N_("No account is in the zone “%(zone)s”: it is left out."), "zones", zone=zone)
        return list(dict.fromkeys(known[plain(zone)] for zone in typed if plain(zone) in known))

    def write(self, rows: Sequence[Row], run: Run) -> None:
        for row in sorted((row for row in rows if row.fate is Fate.NEW), key=lambda row: row["starts_at"]):
            told: dict[str, Any] = {name: row[name] for name in (*MOMENTS, "n_subscribers", "notice_on")}
            told |= {name: row[name] or "" for name in ("notice_means", "alternative", "settlement_code")}
            made = Interruption(
                kind=InterruptionKind[row["kind"]], cause_id=row["cause"], service_id=row["service"], municipality_code=row["municipality"],
                sector=row["sector"], what=row["what"] or row["sector"], zones=row.found, **told,
            )  # fmt: skip
            interruptions.tell(run.session, made, at=run.at)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=LOCAL_ZONE) if moment is not None else None


def _mark(row: Row) -> tuple[Any, ...]:
    return row["service"], row["starts_at"], canon(row["sector"])
