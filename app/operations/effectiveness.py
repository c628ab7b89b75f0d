"""
The effect of an action measured: the same figure before and after it, and the review in which a person decides.

What each measure counts: docs/rules/effectiveness.md. A figure is the house's, whoever reads it; the lists behind it keep their scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_, surveys
from app.domain.actions import ActionMove, review_day
from app.domain.campaigns import ResponseStatus
from app.domain.effectiveness import (
    NOTHING,
    Figure,
    Proposal,
    Window,
    check_judge,
    check_plan,
    check_review,
    not_yet,
    propose,
    window_after,
    window_before,
)
from app.domain.errors import MoveRefused
from app.domain.improvement import ActionKind, ActionStatus, EffectMeasure, EffectVerdict, TaskStatus
from app.domain.indicators import Direction
from app.domain.states import PqrStatus
from app.domain.times import Timeliness
from app.extensions import local
from app.models import (
    Account,
    Action,
    ActionReview,
    ActionTask,
    Indicator,
    IndicatorValue,
    Pqr,
    Process,
    Question,
    Questionnaire,
    QuestionnaireVersion,
    RequestType,
    Service,
    SurveyAnswer,
    SurveyResponse,
)
from app.operations import actions, effect_keys, indicators


@dataclass(frozen=True, slots=True)
class EffectPlan:
    """By what, over how many days and with which goal an action is measured. *baseline_on* empty: the day it was asked."""

    measure: EffectMeasure
    key: str
    window_days: int
    goal: Decimal | None
    baseline_on: date | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both windows with their figures, and what they propose."""

    before: Window
    after: Window
    figure_before: Figure
    figure_after: Figure
    proposal: Proposal


# ── One figure ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure(session: Session, by: EffectMeasure, key: str, window: Window, *, today: date) -> Figure:
    """
    Return what *by* says of *key* over *window*, in one or two statements.

    Args:
        today: A case still open whose term is past by then is late.
    """
    match by:
        case EffectMeasure.JUDGED:
            return NOTHING
        case EffectMeasure.LATE:
            return _late(session, key, window, today)
        case EffectMeasure.SURVEY:
            return _answers(session, key, window)
        case EffectMeasure.INDICATOR:
            return _indicator(session, key, window)
    return _cases(session, by, key, window)


def cases_of(by: EffectMeasure, key: str) -> ColumnElement[bool]:
    """Return which cases a measure of cases speaks of, whenever they were filed."""
    match by:
        case EffectMeasure.CAUSE:
            return Pqr.cause_id.in_(effect_keys.causes_of(key))
        case EffectMeasure.REQUEST_TYPE:
            return Pqr.request_type_id.in_(select(RequestType.id).where(RequestType.code == key))
        case EffectMeasure.AREA:
            return Pqr.account_id.in_(select(Account.id).where(_in_area(key)))
    return queries.answering_process().in_(select(Process.id).where(Process.code == key))


def _in_area(key: str) -> ColumnElement[bool]:
    municipality, _dash, zone = key.partition(":")
    inside = Account.municipality_code == municipality
    return inside & (Account.zone == zone) if zone else inside


def _accounts(by: EffectMeasure, key: str) -> Select[Any]:
    """Return the SELECT of how many active accounts there are where *by* counts cases."""
    n = select(func.count()).select_from(Account).where(Account.is_active)
    if by is EffectMeasure.AREA:
        return n.where(_in_area(key))
    if by is EffectMeasure.CAUSE:
        return n.where(Account.service_id.in_(select(Service.id).where(Service.code == key.partition(":")[0])))
    return n


def _cases(session: Session, by: EffectMeasure, key: str, window: Window) -> Figure:
    cases = (
        select(func.count()).select_from(Pqr)
        .where(Pqr.filed_on.between(window.first, window.last), Pqr.status != PqrStatus.VOIDED, cases_of(by, key))
    )  # fmt: skip
    n, n_accounts = session.execute(select(cases.scalar_subquery(), _accounts(by, key).scalar_subquery())).one()
    return Figure(Decimal(n), Decimal(n_accounts) if n_accounts else None, Decimal(n))


def _late(session: Session, key: str, window: Window, today: date) -> Figure:
    standing = queries.timeliness_on(today)
    late = func.coalesce(func.sum(case((standing == Timeliness.LATE, 1), else_=0)), 0)
    statement = select(late, func.count()).select_from(Pqr).where(
        Pqr.due_on.between(window.first, window.last), standing.in_((Timeliness.LATE, Timeliness.IN_TIME)),
        cases_of(EffectMeasure.LATE, key),
    )  # fmt: skip
    n, of = session.execute(statement).one()
    return Figure(Decimal(n), Decimal(of), _hundredths(Decimal(n) * 100 / of) if of else None)


def _answers(session: Session, key: str, window: Window) -> Figure:
    form, _dash, code = key.partition(":")
    statement = (
        select(SurveyAnswer.value, Question.fingerprint, func.count())
        .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
        .join(Question, Question.id == SurveyAnswer.question_id)
        .join(QuestionnaireVersion, QuestionnaireVersion.id == Question.version_id)
        .join(Questionnaire, Questionnaire.id == QuestionnaireVersion.questionnaire_id)
        .where(Questionnaire.code == form, Question.code == code, SurveyAnswer.value.is_not(None))
        .where(SurveyResponse.status == ResponseStatus.COMPLETE, SurveyResponse.answered_on.between(window.first, window.last))
        .group_by(SurveyAnswer.value, Question.fingerprint)
    )
    found = session.execute(statement).all()
    cells = [surveys.Scored(float(value), n) for value, _asked, n in found]
    mean, n = surveys.mean_of(cells), sum(cell.n for cell in cells)
    if mean is None or surveys.is_small(n):
        return Figure(None, Decimal(n), None)
    total = sum(cell.value * cell.n for cell in cells)
    asked = frozenset(print_ or "" for _value, print_, _n in found)
    return Figure(Decimal(str(total)), Decimal(n), _hundredths(Decimal(str(mean.value))), mean.error, asked)


def _indicator(session: Session, code: str, window: Window) -> Figure:
    """Return what the system reckons over the window; of one that is typed in, what its whole periods inside it add up to."""
    indicator = session.scalar(select(Indicator).where(Indicator.code == code))
    if indicator is None:
        return NOTHING
    if indicator.measure:
        reading = indicators.measure(session, indicator.measure, window.first, window.last)
        return Figure(reading.numerator, reading.denominator, reading.value)
    rows = session.execute(
        select(IndicatorValue.numerator, IndicatorValue.denominator, IndicatorValue.value).where(
            IndicatorValue.indicator_id == indicator.id, IndicatorValue.value.is_not(None),
            IndicatorValue.period_from >= window.first, IndicatorValue.period_until <= window.last,
        )
    ).all()  # fmt: skip
    return _mean_of_values([row.value for row in rows])


def _mean_of_values(values: list[Decimal]) -> Figure:
    total = sum(values, Decimal(0))
    return Figure(total, Decimal(len(values)), (total / len(values)).quantize(Decimal("0.0001"))) if values else NOTHING


def _hundredths(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


# ── Before and after ──────────────────────────────────────────────────────────────────────────────────────────────────────


def baseline_of(action: Action) -> date:
    """Return the day before which the window before ends."""
    return action.baseline_on or action.asked_on


def windows_of(action: Action) -> tuple[Window, Window]:
    """Return the windows of *action*, which has a measure. Not carried out yet, the one after counts from the last day of its plan."""
    days = action.window_days or 0
    return window_before(baseline_of(action), days), window_after(action.carried_out_on or action.due_on, days)


def compare(session: Session, action: Action, *, today: date) -> Comparison:
    """Return both figures of *action*, which has a measure, and what they propose; before the window after is over, nothing."""
    by = action.measure or EffectMeasure.JUDGED
    before, after = windows_of(action)
    one, other = (measure(session, by, action.measure_key, window, today=today) for window in (before, after))
    if not after.is_over(today):
        return Comparison(before, after, one, other, not_yet(after))
    return Comparison(before, after, one, other, propose(by, one, other, action.goal, _direction(session, by, action.measure_key)))


def _direction(session: Session, by: EffectMeasure, key: str) -> Direction:
    if by is not EffectMeasure.INDICATOR:
        return Direction.MORE
    return session.scalar(select(Indicator.direction).where(Indicator.code == key)) or Direction.MORE


def goal_of(session: Session, by: EffectMeasure, key: str) -> Decimal | None:
    """Return the goal that the sheet of an indicator has; None of any other measure."""
    if by is not EffectMeasure.INDICATOR or not key:
        return None
    return session.scalar(select(Indicator.goal).where(Indicator.code == key))


# ── Planned, and judged ───────────────────────────────────────────────────────────────────────────────────────────────────


def plan_effect(session: Session, action: Action, plan: EffectPlan, *, at: datetime, user_id: int | None) -> Action:
    """
    Store how *action* will be measured and from when its effect can be reviewed; return it, flushed.

    Raises:
        MoveRefused: Its plan was approved: a measure chosen after seeing the figures would prove nothing.
        DomainError: As `check_plan`, or nothing has that key.
    """
    queries.lock(session, action)
    if action.kind is ActionKind.CORRECTION:
        raise MoveRefused(N_("%(number)s is a correction: it mends, and has no effect to measure."), number=action.number)
    if action.status not in (ActionStatus.OPEN, ActionStatus.PLANNED):
        raise MoveRefused(N_("The plan of %(number)s was approved with its measure, which no longer changes."), number=action.number)
    today = local(at).date()
    check_plan(plan.measure, plan.key, plan.window_days, plan.goal, baseline_on=plan.baseline_on or action.asked_on, today=today)
    effect_keys.check_key(session, plan.measure, plan.key)
    is_judged = plan.measure is EffectMeasure.JUDGED
    action.measure, action.measure_key = plan.measure, "" if is_judged else plan.key
    action.window_days, action.goal, action.baseline_on = plan.window_days, None if is_judged else plan.goal, plan.baseline_on
    action.review_on = review_day(action.due_on, plan.window_days)
    figure = measure(session, plan.measure, action.measure_key, windows_of(action)[0], today=today)
    facts = {"measure": plan.measure.name, "key": action.measure_key, "window_days": plan.window_days, "goal": _text(action.goal),
             "value": _text(figure.value)}  # fmt: skip
    actions.log(session, action, ActionMove.MEASURE, at=at, user_id=user_id, from_status=action.status, facts=facts)
    session.flush()
    return action


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def carried_it_out(session: Session, action: Action, user_id: int | None) -> bool:
    """Whether that person answers for *action*, or did a task of its round."""
    if user_id is None:
        return False
    his = select(ActionTask.id).where(
        ActionTask.action_id == action.id, ActionTask.round == action.round, ActionTask.responsible_id == user_id,
        ActionTask.status == TaskStatus.DONE,
    )  # fmt: skip
    return action.responsible_id == user_id or session.scalar(his.limit(1)) is not None


def judge_effect(
    session: Session, action: Action, verdict: EffectVerdict, reason: str, *, at: datetime, user_id: int | None
) -> ActionReview:
    """
    Store the review of the round: figures as they are now, what they propose, and what a person decided and why; return it, flushed.

    Effective ends the action; not effective takes it up again, with its history.

    Raises:
        MoveRefused: It does not wait for its review; the window after is not over; who judges carried it out; or as `actions.judge`.
        DomainError: It does not say why.
    """
    queries.lock(session, action)
    today = local(at).date()
    if action.status is not ActionStatus.REVIEW:
        msgid = N_("%(number)s is “%(status)s”: its effect is not judged now.")
        raise MoveRefused(msgid, number=action.number, status=action.status.value)
    check_review(action.number, action.measure, windows_of(action)[1], today)
    check_judge(reason, is_responsible=carried_it_out(session, action, user_id))
    seen = compare(session, action, today=today)
    review = ActionReview(
        action=action, round=action.round, measure=action.measure, measure_key=action.measure_key, goal=action.goal,
        before_from=seen.before.first, before_until=seen.before.last, **_figures("before", seen.figure_before),
        after_from=seen.after.first, after_until=seen.after.last, **_figures("after", seen.figure_after),
        facts=_facts(session, action, seen), proposed=seen.proposal.verdict, verdict=verdict, reason=reason.strip(), reviewed_on=today,
        reviewed_by_id=user_id,
    )  # fmt: skip
    session.add(review)
    session.flush()
    actions.judge(session, action, verdict, reason, at=at, user_id=user_id)
    session.flush()
    return review


def _figures(side: str, figure: Figure) -> dict[str, Decimal | None]:
    return {f"{side}_n": figure.n, f"{side}_of": figure.of, f"{side}_value": figure.value}


def _facts(session: Session, action: Action, seen: Comparison) -> dict[str, Any]:
    """Return what the review showed besides its figures, so that it is read alike for ever."""
    proposal = seen.proposal
    return {
        "of_what": effect_keys.key_text(session, action.measure or EffectMeasure.JUDGED, action.measure_key),
        "chance": proposal.chance.name, "change": _text(proposal.change), "why": proposal.why,
        "fields": {name: str(value) for name, value in proposal.fields.items()},
    }  # fmt: skip
