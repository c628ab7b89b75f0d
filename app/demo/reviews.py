"""Two management reviews of the fictional company: one of last year, signed, whose decisions are under way; one that is being prepared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.documents import managementreview as papers
from app.domain.calendar import ONE_DAY
from app.extensions import LOCAL_ZONE, local
from app.models import ManagementReview, Process
from app.operations import managementreview as operations

ATTENDEES = "Patricia Salazar, subgerente administrativa y comercial\nNubia Arias, coordinadora de calidad\nGerencia general"
CONCLUSION = (
    "El sistema de gestión es conveniente para la empresa y adecuado. Es eficaz en la atención de los casos; falta constancia en el "
    "seguimiento de los contratos y en el análisis de los indicadores.\n\n"
    "La dirección mantiene los recursos aprobados y pide las acciones que siguen."
)
REMARKS = {
    "changes": "Entró la facturación por lotes y cambió el calendario por el día cívico. No hubo normas nuevas que cambien los términos.",
    "satisfaction": "Los clientes con contrato califican bien la atención; piden respuestas más rápidas a los daños.",
    "cases": "Se repiten los reclamos por consumo después de cambiar el medidor. La mayoría se respondió a tiempo.",
    "audits": "La auditoría interna dejó dos observaciones, ya atendidas. La externa es en el segundo semestre.",
    "suppliers": "El laboratorio de medidores entregó tarde en dos meses; se le pidió un plan de mejora.",
    "resources": "Hace falta una persona en ventanilla en los meses de más reclamos. El programa de atención funciona bien.",
    "risks": "Los controles de los plazos funcionan: los silencios fueron pocos y se reconocieron.",
}
#: What was decided: text, subject, process, and within how many days.
DECISIONS = (
    ("Contratar por cuatro meses a una persona de apoyo en ventanilla, de diciembre a marzo.", "resources", "ATENCION", 60),
    ("Revisar con el laboratorio por qué se atrasan las calibraciones y acordar un plazo por escrito.", "suppliers", "TECNICA", 45),
    ("Escribir el análisis de cada indicador que no alcance la meta, a los diez días de su reporte.", "indicators", "CALIDAD", 30),
)


def review_management(session: Session, at: datetime, users: Mapping[str, User]) -> None:
    """Leave a review of the last whole year, signed by the subgerente in February, and a draft of this year until yesterday."""
    today = local(at).date()
    ended = date(today.year - 1, 12, 31)
    held = min(date(today.year, 2, 16), today - ONE_DAY)
    then = datetime.combine(held, time(15), LOCAL_ZONE)
    signed = ManagementReview(held_on=held, period_from=date(ended.year, 1, 1), period_until=ended)
    operations.enter_review(session, signed, at=then)
    operations.write(session, signed, operations.Said(REMARKS, ATTENDEES, CONCLUSION))
    processes = {process.code: process.id for process in session.scalars(select(Process))}
    anywhere = next(iter(processes.values()))
    for text, topic, code, n_days in DECISIONS:
        until = held + timedelta(days=n_days)
        operations.decide(session, signed, operations.Decided(text, topic, processes.get(code, anywhere), None, until))
    papers.sign(session, signed, users["subgerente"], at=then)
    if today > date(today.year, 1, 2):
        draft = ManagementReview(held_on=today, period_from=ended + ONE_DAY, period_until=today - ONE_DAY)
        operations.enter_review(session, draft, at=at)
        operations.write(session, draft, operations.Said({"cases": REMARKS["cases"]}, "", ""))
