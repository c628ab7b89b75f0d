"""The indicators of the fictional company: what was reported month by month, a correction, and two that miss their goals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.calendar import months_after
from app.domain.improvement import ActionKind
from app.domain.indicators import Standing, periods_over
from app.extensions import LOCAL_ZONE, local
from app.models import Indicator, IndicatorValue, Pqr
from app.operations import indicators
from app.operations.improvement import Asked

#: Days after a period on which the house reports it; later ones are drafts still.
_REPORTS_AFTER = timedelta(days=8)
_SAID = {
    Standing.GOOD: "Se cumplió la meta. Se mantiene el seguimiento semanal de los términos.",
    Standing.FAIR: "Estuvo cerca de la meta: hubo casos que esperaron la visita técnica. Se programan antes las visitas.",
    Standing.BAD: "No se cumplió la meta: faltó personal para proyectar respuestas. Se revisó la carga de cada proceso.",
    Standing.WATCHED: "Se observa su comportamiento para fijar la meta.",
    Standing.EMPTY: "No hubo nada que medir en el período.",
}
#: What is typed in: favourable decisions of Superservicios over subscribers, by year.
_TYPED = {"IND-21": ((26, 5_000), (24, 5_050))}


def report_indicators(session: Session, at: datetime, users: Mapping[str, User]) -> None:
    """Reckon and report what the cases of the company say until *at*; the last period waits as a draft."""
    first = session.scalar(select(func.min(Pqr.filed_on)))
    user, today = users["calidad"], local(at).date()
    if first is None:
        return
    for indicator in session.scalars(select(Indicator).order_by(Indicator.position)).all():
        indicator.starts_on = _begins(indicator, first, today)
        session.flush()
        periods = periods_over(indicator.starts_on, indicator.months, today)
        for numbers, period in zip(_TYPED.get(indicator.code, ()), periods, strict=False):
            indicators.type_in(session, indicator, *period, *map(Decimal, numbers), at=at)
        indicators.reckon(session, indicator, at=at)
        for value in reversed(indicators.values_of(session, indicator.id)):
            _report(session, value, user, today)
    _answer(session, at, user)


def _begins(indicator: Indicator, first: date, today: date) -> date:
    """Return the month of the first case for what is measured each month, and a January for the others and for what is typed in."""
    if indicators.is_typed(indicator):
        return date(today.year - 2, 1, 1)
    return first.replace(day=1) if indicator.months == 1 else date(first.year, 1, 1)


def _report(session: Session, value: IndicatorValue, user: User, today: date) -> None:
    on = value.period_until + _REPORTS_AFTER
    if on < today:
        indicators.report(session, value, _SAID[value.standing], at=datetime.combine(on, time(10), LOCAL_ZONE), user_id=user.id)


def _answer(session: Session, at: datetime, user: User) -> None:
    """Ask for an action because of the first indicator that misses twice, and correct the oldest report; the other misses wait."""
    for indicator in session.scalars(select(Indicator).order_by(Indicator.position)):
        value = indicators.ask_for(indicators.values_of(session, indicator.id))
        if value is not None and indicator.process_id is not None:
            due_on = months_after(local(at).date(), 2)
            asked = Asked(f"Recuperar la meta de «{indicator.name}»", "Dos períodos seguidos por fuera de la meta.", ActionKind.CORRECTIVE,
                          indicator.process_id, due_on)  # fmt: skip
            indicators.ask_action(session, value, asked, at=at, user_id=user.id)
            break
    reported = select(IndicatorValue).where(IndicatorValue.reported_at.is_not(None), IndicatorValue.value.is_not(None))
    oldest = session.scalar(reported.order_by(IndicatorValue.period_from, IndicatorValue.id).limit(1))
    if oldest is not None:
        reason = "Se transcribió mal: el acta del comité trae la cifra correcta."
        indicators.note(session, oldest, reason, (oldest.value or Decimal(0)) + 1, at=at, user_id=user.id)
