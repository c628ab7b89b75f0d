"""How the demonstration leads an action along its path: analysed, planned, approved, carried out, and judged when its days are over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.improvement import EffectMeasure, EffectVerdict
from app.extensions import local
from app.models import Action
from app.operations import action_plans, actions, effectiveness
from app.security import CALIDAD, SUBGERENTE


def lead(
    session: Session, action: Action, whys: Sequence[str], tasks: Sequence[str], said: str, *, doer: User, carried_out_on: date,
    at: datetime, window_days: int = 30,
) -> Action:  # fmt: skip
    """
    Lead *action* as far as it came at *at*: to its review, or to its end once the days looked at are over.

    Args:
        whys: The chain of whys; the last one is the root cause.
        said: What shows that it was done, and what its review found.
        doer: Who has its tasks. Somebody else approves and judges.
    """
    boss = _boss(session, doer, action)
    begun = _noon(action.asked_on + (carried_out_on - action.asked_on) / 4)
    lines = action_plans.save_analysis(session, action, whys, {})
    action_plans.choose_cause(session, action, "", lines[-1].id, at=begun, user_id=doer.id)
    made = [action_plans.add_task(session, action, what, carried_out_on, doer.id, at=begun, user_id=doer.id) for what in tasks]
    measure = effectiveness.EffectPlan(EffectMeasure.JUDGED, "", window_days, None, action.asked_on)
    effectiveness.plan_effect(session, action, measure, at=begun, user_id=doer.id)
    actions.plan(session, action, at=begun, user_id=doer.id)
    actions.approve(session, action, at=begun + timedelta(days=1), user_id=boss.id)
    done = min(_noon(carried_out_on), at)
    for task in made:
        action_plans.end_task(session, task, said, ended_on=carried_out_on, at=done, user_id=doer.id)
    actions.carry_out(session, action, at=done, user_id=doer.id)
    if action.review_on is not None and action.review_on <= local(at).date():
        effectiveness.judge_effect(session, action, EffectVerdict.EFFECTIVE, said, at=min(_noon(action.review_on), at), user_id=boss.id)
    return action


def _boss(session: Session, doer: User, action: Action) -> User:
    """Return somebody who may approve and judge, and has no part in it."""
    judges = select(User).join(User.roles).where(Role.name.in_((SUBGERENTE, CALIDAD)), User.active.is_(True))
    return session.scalars(judges.where(User.id.not_in({doer.id, action.responsible_id or 0})).order_by(User.id)).first() or doer


def _noon(on: date) -> datetime:
    return datetime.combine(on, time(17), UTC)
