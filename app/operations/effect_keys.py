"""What an effect may be measured by: which causes, types, processes, areas, questions and indicators there are, named and found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, case, func, literal, select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import ActionOrigin, EffectMeasure
from app.domain.questionnaires import SCALES, VersionStatus
from app.models import (
    Account,
    Action,
    Indicator,
    Municipality,
    Nonconformity,
    Pqr,
    Process,
    Question,
    Questionnaire,
    QuestionnaireVersion,
    RequestType,
    Service,
    SuiCause,
    SurveyAlarm,
    SurveyThreshold,
)

#: More are not offered.
MOST_OFFERED = 500
_KEY = 80


def _causes() -> Select[Any]:
    """A cause by its service and code, however often the regulator issued it anew."""
    name = SuiCause.code + literal(" · ") + func.max(SuiCause.name) + literal(" · ") + Service.name
    return (
        select((Service.code + literal(":") + SuiCause.code).label("key"), name.label("text")).select_from(SuiCause)
        .join(Service, Service.id == SuiCause.service_id).group_by(Service.code, SuiCause.code, Service.name)
    )  # fmt: skip


def _types() -> Select[Any]:
    return select(RequestType.code.label("key"), RequestType.name.label("text"))


def _processes() -> Select[Any]:
    return select(Process.code.label("key"), Process.name.label("text"))


def _areas() -> Select[Any]:
    """Municipalities with accounts, and each of their zones."""
    town = Municipality.code == Account.municipality_code
    whole = select(Account.municipality_code.label("key"), Municipality.name.label("text")).select_from(Account).join(Municipality, town)
    zone = Account.municipality_code + literal(":") + Account.zone
    parts = select(zone, Municipality.name + literal(" · ") + Account.zone).select_from(Account).join(Municipality, town)
    return select(whole.union(parts.where(Account.zone != "", func.length(zone) <= _KEY)).subquery())


def _questions() -> Select[Any]:
    """Scored questions of what is asked now."""
    text = Questionnaire.code + literal(" ") + Question.code + literal(" · ") + func.substr(Question.text_es, 1, 90)
    return (
        select((Questionnaire.code + literal(":") + Question.code).label("key"), text.label("text"))
        .select_from(Question).join(QuestionnaireVersion, QuestionnaireVersion.id == Question.version_id)
        .join(Questionnaire, Questionnaire.id == QuestionnaireVersion.questionnaire_id)
        .where(Question.kind.in_(list(SCALES)), QuestionnaireVersion.status == VersionStatus.PUBLISHED)
    )  # fmt: skip


def _indicators() -> Select[Any]:
    return select(Indicator.code.label("key"), (Indicator.code + literal(" · ") + Indicator.name).label("text"))


OFFERED: dict[EffectMeasure, Callable[[], Select[Any]]] = {
    EffectMeasure.CAUSE: _causes, EffectMeasure.REQUEST_TYPE: _types, EffectMeasure.PROCESS: _processes, EffectMeasure.AREA: _areas,
    EffectMeasure.LATE: _processes, EffectMeasure.SURVEY: _questions, EffectMeasure.INDICATOR: _indicators,
}  # fmt: skip


def offered(session: Session, by: EffectMeasure) -> list[tuple[str, str]]:
    """Return (key, words) of what *by* may count, by name; nothing of what a person judges."""
    if by not in OFFERED:
        return []
    rows = OFFERED[by]().subquery()
    return [(row.key, row.text) for row in session.execute(select(rows).order_by(rows.c.text, rows.c.key).limit(MOST_OFFERED))]


def key_text(session: Session, by: EffectMeasure, key: str) -> str:
    """Return what *key* counts, in words; the key itself of what is gone since, such as a question that is asked no more."""
    return _found(session, by, key) or key


def check_key(session: Session, by: EffectMeasure, key: str) -> None:
    """Raise DomainError when *by* has nothing of that key."""
    if by in OFFERED and _found(session, by, key) is None:
        raise DomainError(N_("Nothing is counted by “%(key)s”. Choose one of the list."), field="measure_key", key=key)


def _found(session: Session, by: EffectMeasure, key: str) -> str | None:
    if by not in OFFERED or not key:
        return None
    rows = OFFERED[by]().subquery()
    return session.scalar(select(rows.c.text).where(rows.c.key == key).limit(1))


def causes_of(key: str) -> Select[tuple[int]]:
    """Return the SELECT of the ids of a cause, by the code of its service and its own."""
    service, _dash, code = key.partition(":")
    return select(SuiCause.id).join(Service, Service.id == SuiCause.service_id).where(Service.code == service, SuiCause.code == code)


# ── What an origin suggests ───────────────────────────────────────────────────────────────────────────────────────────────


def suggested(session: Session, action: Action) -> tuple[EffectMeasure, str] | None:
    """Return by what an action would be measured, because of what asked for it; None where its origin suggests nothing."""
    match action.origin:
        case ActionOrigin.PQR:
            return _of_case(session, select(Pqr.id).where(Pqr.number == action.origin_key))
        case ActionOrigin.NONCONFORMITY:
            return _of_case(session, select(Nonconformity.pqr_id).where(Nonconformity.number == action.origin_key))
        case ActionOrigin.MASS_EVENT:
            number = action.origin_key.removeprefix("EM-")
            return _of_event(session, int(number)) if number.isdecimal() else None
        case ActionOrigin.SURVEY:
            return _of_alarm(session, action)
        case ActionOrigin.INDICATOR:
            return EffectMeasure.INDICATOR, action.origin_key
        case ActionOrigin.CHECKLIST:
            return EffectMeasure.JUDGED, ""
    return None


def _of_case(session: Session, wanted: Select[tuple[Any]]) -> tuple[EffectMeasure, str] | None:
    """Suggest the cause of the case, or its type while nobody said the cause."""
    row = session.execute(
        select(Service.code, SuiCause.code, RequestType.code).select_from(Pqr).join(RequestType, RequestType.id == Pqr.request_type_id)
        .outerjoin(SuiCause, SuiCause.id == Pqr.cause_id).outerjoin(Service, Service.id == SuiCause.service_id)
        .where(Pqr.id.in_(wanted))
    ).first()  # fmt: skip
    if row is None:
        return None
    return (EffectMeasure.CAUSE, f"{row[0]}:{row[1]}") if row[1] else (EffectMeasure.REQUEST_TYPE, row[2])


def _of_event(session: Session, event_id: int) -> tuple[EffectMeasure, str] | None:
    """Suggest the cause that most cases of the event have."""
    row = session.execute(
        select(Service.code, SuiCause.code).select_from(Pqr).join(SuiCause, SuiCause.id == Pqr.cause_id)
        .join(Service, Service.id == SuiCause.service_id).where(Pqr.mass_event_id == event_id)
        .group_by(Service.code, SuiCause.code).order_by(func.count().desc(), SuiCause.code).limit(1)
    ).first()  # fmt: skip
    return (EffectMeasure.CAUSE, f"{row[0]}:{row[1]}") if row else None


def _of_alarm(session: Session, action: Action) -> tuple[EffectMeasure, str]:
    """Suggest the question whose threshold went off."""
    key = case((SurveyThreshold.question_code == "", ""), else_=Questionnaire.code + literal(":") + SurveyThreshold.question_code)
    found = session.scalar(
        select(key).select_from(SurveyAlarm).join(SurveyThreshold, SurveyThreshold.id == SurveyAlarm.threshold_id)
        .join(Questionnaire, Questionnaire.id == SurveyThreshold.questionnaire_id).where(SurveyAlarm.action_id == action.id).limit(1)
    )  # fmt: skip
    return EffectMeasure.SURVEY, found or ""
