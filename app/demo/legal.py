"""The legal matrix of the fictional company, evaluated in part: one fails with its action, one in part, one overdue, the rest never."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.improvement import ActionKind
from app.domain.legalmatrix import Compliance
from app.extensions import local
from app.models import LegalRequirement
from app.operations.improvement import Asked
from app.operations.legalmatrix import Evaluated, evaluate

#: (norm, articles, days ago, result, what was looked at, why there is no action)
STORY = (
    ("Ley 142 de 1994", "152-159", 400, Compliance.COMPLIES, "Control de tiempos de respuesta R10-01-01 del año: sin vencidos.", ""),
    ("Ley 142 de 1994", "152-159", 30, Compliance.FAILS, "Control de tiempos de respuesta R10-01-01: hay casos vencidos.", ""),
    ("Ley 142 de 1994", "140-142", 90, Compliance.COMPLIES, "Muestra de diez actas de suspensión, con su aviso previo.", ""),
    ("Decreto Ley 2150 de 1995", "123", 60, Compliance.PARTLY, "Silencios del semestre: uno se reconoció después de las 72 horas.",
     "Desde entonces el aviso llega también a la Subgerencia; se mira de nuevo en la próxima evaluación."),
    ("Ley 1581 de 2012; Decreto 1377 de 2013", "8, 9, 14, 15, 17", 410, Compliance.COMPLIES,
     "Textos de autorización y política publicada.", ""),
    ("Ley 1480 de 2011", "58 num. 5; 11", 20, Compliance.NOT_APPLICABLE, "Los reclamos de servicios públicos siguen la Ley 142.", ""),
    ("ISO 9001:2015", "4.2, 5.1.2, 6.1, 6.3, 7.4, 7.5, 9.1.1-9.1.3, 10", 120, Compliance.COMPLIES, "Informe de la auditoría interna.", ""),
)  # fmt: skip


def evaluate_matrix(session: Session, at: datetime, people: Mapping[str, User]) -> int:
    """Evaluate part of the shipped matrix, as it was over a year; return how many evaluations there are."""
    today, user_id = local(at).date(), people["calidad"].id
    for norm, articles, days_ago, result, evidence, reason in sorted(STORY, key=lambda each: -each[2]):
        found = select(LegalRequirement).where(LegalRequirement.norm == norm, LegalRequirement.articles == articles)
        item = session.scalars(found).one()
        asked = _asked(item, today) if result.asks_for_action and not reason else None
        said = Evaluated(today - timedelta(days=days_ago), result, evidence, asked=asked, no_action_reason=reason)
        evaluate(session, item, said, at=at - timedelta(days=days_ago), user_id=user_id)
    return len(STORY)


def _asked(item: LegalRequirement, today: date) -> Asked:
    title = "Responder todas las PQR dentro de los quince días hábiles"
    return Asked(title, f"{item}: {item.obligation}", ActionKind.CORRECTIVE, item.process_id or 0, today + timedelta(days=60))
