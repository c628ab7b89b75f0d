"""Documented information of the fictional company: the codes of its own prints, an edition that replaced another, one being drafted."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.controlled import ControlledKind
from app.extensions import local
from app.models import ControlledDocument, Process
from app.operations import controlled

#: Code, name, prints that carry it, and the day of its first issue.
OWN = (
    ("R05-01-01", "Mapa de riesgos", ("risk_map", "risks"), date(2022, 3, 1)),
    ("R05-01-02", "Matriz legal", ("legal_matrix",), date(2022, 3, 1)),
    ("R05-02-01", "Acción correctiva, preventiva o de mejora", ("action",), date(2019, 5, 6)),
    ("R05-02-02", "Salida no conforme", ("nonconformity",), date(2019, 5, 6)),
    ("R05-03-01", "Acta de revisión por la dirección", ("management_review",), date(2019, 5, 6)),
    ("R05-03-02", "Ficha técnica de indicador", ("indicator", "indicators"), date(2020, 2, 3)),
    ("R05-04-01", "Listado maestro de documentos", ("documents",), date(2008, 9, 1)),
    ("R10-02-01", "Informe de la encuesta de satisfacción", ("survey_report",), date(2021, 1, 12)),
)


def keep_documents(session: Session, user_id: int, at: datetime) -> None:
    """Make the register of a house in use; *user_id* approves. Every code but those that ship is invented."""
    quality = session.scalars(select(Process).where(Process.code == "CALIDAD")).one()
    for code, name, keys, issued_on in OWN:
        document = ControlledDocument(
            code=code, name=name, kind=ControlledKind.FORMAT, issuer="Calidad", process=quality, issued_on=issued_on,
            place="En este sistema", retention_years=5, disposal="Archivo central",
        )  # fmt: skip
        session.add(document)
        session.flush()
        controlled.tie_prints(session, document, keys)
        first = controlled.draft_edition(session, document, "1", "Primera edición en el sistema.", local(at).date() - timedelta(days=300))
        controlled.approve_edition(session, first, at=at - timedelta(days=299), user_id=user_id)
    _revise(session, "R10-01-05", "2", "Se agrega la tabla de pagos con el saldo de cada cuota.", user_id, at - timedelta(days=120))
    _draft(session, "P10-01", "2", "Se incluye el canal de la página web y la notificación electrónica.", at)


def _draft(session: Session, code: str, version: str, change: str, at: datetime) -> controlled.DocumentEdition:
    document = session.scalars(select(ControlledDocument).where(ControlledDocument.code == code)).one()
    return controlled.draft_edition(session, document, version, change, local(at).date())


def _revise(session: Session, code: str, version: str, change: str, user_id: int, at: datetime) -> None:
    controlled.approve_edition(session, _draft(session, code, version, change, at), at=at, user_id=user_id)
