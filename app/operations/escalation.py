"""What late actions write in their history when they go up: who was told, once a level and last day (docs/rules/reminders.md, 4)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.actions import ActionMove
from app.domain.states import ReminderTrigger
from app.models import Action, ActionEvent
from app.operations import actions

if TYPE_CHECKING:
    from app.operations.reminders import Due

#: Moments that say that something is late.
LATE = (ReminderTrigger.OVERDUE, ReminderTrigger.DAYS_LATE)


def note(session: Session, told: list[Due], at: datetime) -> None:
    """
    Write in the history of each late action of *told* which level was told of it, to whom, and since when it is late.

    A level is a rule: one that speaks each day writes once, until the action has another last day.
    """
    levels: dict[tuple[int, str], list[Due]] = {}
    for each in told:
        if each.rule.trigger in LATE:
            levels.setdefault((each.row.id, each.rule.code), []).append(each)
    if not levels:
        return
    ids = {action_id for action_id, _code in levels}
    known = {
        (event.action_id, event.facts.get("rule"), event.facts.get("due_on"))
        for event in session.scalars(
            select(ActionEvent).where(ActionEvent.action_id.in_(ids), ActionEvent.move == ActionMove.ESCALATE.name)
        )
    }
    found = {action.id: action for action in session.scalars(select(Action).where(Action.id.in_(ids)))}
    for (action_id, code), its in levels.items():
        due_on = its[0].term.due_on
        day = due_on.isoformat() if due_on else None
        if (action_id, code, day) not in known:
            facts = {"rule": code, "name": its[0].rule.name, "due_on": day, "to": sorted({each.user_id for each in its})}
            actions.log(session, found[action_id], ActionMove.ESCALATE, at=at, user_id=None, facts=facts)
