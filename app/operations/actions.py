"""
The path of an action: planned, approved, carried out, judged; each move holds the action, looks at its gates and writes its history.

The gates are `domain.actions.GATES`; the database keeps the same ones (CHECKs of `Action`, triggers of the tasks).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.actions import VERDICT_MOVES, ActionMove, Facts, Gate, after, check_postponed, review_day
from app.domain.actions import refusals as refused_by
from app.domain.errors import MoveRefused
from app.domain.improvement import ActionStatus, EffectVerdict, TaskStatus, check_ending
from app.extensions import local
from app.models import Action, ActionEvent, ActionReview, ActionTask

# ── What the gates look at ────────────────────────────────────────────────────────────────────────────────────────────────


def facts_of(session: Session, action: Action, *, today: date, user_id: int | None = None) -> Facts:
    """Return what the gates look at, in one statement. Args: user_id: Who asks; somebody's own action is judged by another."""
    is_open, is_done = ActionTask.status == TaskStatus.OPEN, ActionTask.status == TaskStatus.DONE
    verdict = select(ActionReview.verdict).where(ActionReview.action_id == action.id, ActionReview.round == action.round)
    row = session.execute(
        select(
            func.count(case((is_open, 1))), func.count(case((is_done, 1))),
            func.count(case((is_open & ActionTask.responsible_id.is_(None), 1))), func.max(case((is_open, ActionTask.due_on))),
            verdict.scalar_subquery(),
        ).where(ActionTask.action_id == action.id, ActionTask.round == action.round)
    ).one()  # fmt: skip
    return Facts(
        kind=action.kind, status=action.status, due_on=action.due_on, today=today, has_cause=bool(action.cause), n_open=row[0],
        n_done=row[1], n_nobody=row[2], last_task_on=row[3], has_measure=action.measure is not None and action.review_on is not None,
        review_on=action.review_on, reviewed=row[4], is_own=user_id is not None and action.responsible_id == user_id,
    )  # fmt: skip


def refusals(session: Session, action: Action, move: ActionMove, *, at: datetime, user_id: int | None, reason: str = "") -> list[Gate]:
    """Return the gates of *move* that *action* does not pass now."""
    return refused_by(move, facts_of(session, action, today=local(at).date(), user_id=user_id), reason)


def log(
    session: Session, action: Action, move: ActionMove | str, *, at: datetime, user_id: int | None, from_status: ActionStatus | None = None,
    reason: str = "", facts: dict[str, Any] | None = None,
) -> ActionEvent:  # fmt: skip
    """Write what happened to the history of *action*, whose state is what it came to; return the event, flushed."""
    event = ActionEvent(
        action_id=action.id, at=at, actor_id=user_id, move=move.name if isinstance(move, ActionMove) else move,
        from_status=from_status.name if from_status else "", to_status=action.status.name, reason=reason.strip(), facts=facts or {},
    )  # fmt: skip
    session.add(event)
    session.flush()
    return event


def is_late(action: Action, today: date) -> bool:
    """Return whether *action*, a row or a line of it, is late on *today*, as `queries.late_action`."""
    if action.status is ActionStatus.REVIEW:
        return action.review_on is not None and action.review_on < today
    return action.status in queries.TO_BE_DONE and action.due_on < today


def has_task_of(task_of: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return the condition that an action has a task to be done of whom `task_of(column)` says: his, or of nobody in an action of his."""
    his = or_(task_of(ActionTask.responsible_id), and_(ActionTask.responsible_id.is_(None), task_of(Action.responsible_id)))
    return select(ActionTask.id).where(ActionTask.action_id == Action.id, queries.task_to_be_done(), his).correlate(Action).exists()


# ── The moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _move(
    session: Session, action: Action, move: ActionMove, reason: str, at: datetime, user_id: int | None,
) -> tuple[ActionStatus, ActionStatus]:  # fmt: skip
    """Hold *action* and return its state and the one after *move*. Raises IllegalMove, MoveRefused, as `domain.actions.after`."""
    queries.lock(session, action)
    facts = facts_of(session, action, today=local(at).date(), user_id=user_id)
    return facts.status, after(move, facts, number=action.number, reason=reason)


def plan(session: Session, action: Action, *, at: datetime, user_id: int | None) -> Action:
    """Send the plan to whoever approves it; return the action, flushed. Raises MoveRefused: a gate says what it lacks."""
    came_from, action.status = _move(session, action, ActionMove.PLAN, "", at, user_id)
    log(session, action, ActionMove.PLAN, at=at, user_id=user_id, from_status=came_from, facts={"due_on": action.due_on.isoformat()})
    return action


def approve(session: Session, action: Action, *, at: datetime, user_id: int | None) -> Action:
    """Approve the plan: it runs; return the action, flushed. Raises MoveRefused: a gate, or its own responsible approves it."""
    came_from, status = _move(session, action, ActionMove.APPROVE, "", at, user_id)
    action.status, action.approved_by_id, action.approved_on = status, user_id, local(at).date()
    log(session, action, ActionMove.APPROVE, at=at, user_id=user_id, from_status=came_from)
    return action


def send_back(session: Session, action: Action, reason: str, *, at: datetime, user_id: int | None) -> Action:
    """Return the plan to whoever wrote it; return the action, flushed. Raises MoveRefused: there is no reason."""
    came_from, action.status = _move(session, action, ActionMove.RETURN, reason, at, user_id)
    log(session, action, ActionMove.RETURN, at=at, user_id=user_id, from_status=came_from, reason=reason)
    return action


def carry_out(session: Session, action: Action, *, at: datetime, user_id: int | None) -> Action:
    """
    Record that the plan was carried out: it waits until the days looked at are over; return it, flushed.

    Raises:
        MoveRefused: A task is open, or none was done.
    """
    came_from, status = _move(session, action, ActionMove.CARRY_OUT, "", at, user_id)
    done_on = local(at).date()
    action.status, action.carried_out_on = status, done_on
    set_review_day(action)
    said = {"review_on": action.review_on.isoformat()} if action.review_on else {}
    log(session, action, ActionMove.CARRY_OUT, at=at, user_id=user_id, from_status=came_from, facts=said)
    return action


def judge(session: Session, action: Action, verdict: EffectVerdict, reason: str, *, at: datetime, user_id: int | None) -> Action:
    """
    Do what the stored review of this round decided: end the action, or take it up again in another round; return it, flushed.

    Raises:
        MoveRefused: The review of this round is missing or says otherwise, its day has not come, or its own responsible judges it.
    """
    move = VERDICT_MOVES[verdict]
    came_from, status = _move(session, action, move, reason, at, user_id)
    told = {"round": action.round, "cause": action.cause}
    if verdict is EffectVerdict.EFFECTIVE:
        action.verdict, action.ended_on, action.result = verdict, local(at).date(), reason.strip()
    else:
        _take_up_again(action)
    action.status = status
    log(session, action, move, at=at, user_id=user_id, from_status=came_from, reason=reason, facts=told)
    return action


def _take_up_again(action: Action) -> None:
    """Begin another round: the analysis and the plan anew; those of before stay readable under their round."""
    action.verdict, action.round, action.cause = EffectVerdict.NOT_EFFECTIVE, action.round + 1, ""
    action.approved_by = None
    action.approved_by_id = action.approved_on = action.carried_out_on = action.review_on = None


def finish(session: Session, action: Action, result: str, *, ended_on: date, at: datetime, user_id: int | None) -> Action:
    """
    End a correction with what was done; return it, flushed.

    Raises:
        IllegalMove: It removes a cause, and so ends with the review of its effect; or it ended already.
        MoveRefused: A task of it is open.
        DomainError: As `check_ending`.
    """
    came_from, status = _move(session, action, ActionMove.FINISH, result, at, user_id)
    check_ending(result, action.asked_on, ended_on, local(at).date())
    action.status, action.result, action.ended_on = status, result.strip(), ended_on
    log(session, action, ActionMove.FINISH, at=at, user_id=user_id, from_status=came_from, reason=action.result)
    return action


def cancel(session: Session, action: Action, reason: str, *, at: datetime, user_id: int | None) -> Action:
    """
    Record why it is not done; its open tasks are dropped with the same reason; return it, flushed.

    Raises:
        IllegalMove: It ended already.
        MoveRefused: There is no reason.
    """
    came_from, status = _move(session, action, ActionMove.CANCEL, reason, at, user_id)
    today = local(at).date()
    for task in session.scalars(select(ActionTask).where(ActionTask.action_id == action.id, ActionTask.status == TaskStatus.OPEN)):
        task.status, task.said, task.ended_on = TaskStatus.DROPPED, reason.strip(), today
    session.flush()  # tasks of what is over no longer change
    action.status, action.result, action.ended_on = status, reason.strip(), today
    log(session, action, ActionMove.CANCEL, at=at, user_id=user_id, from_status=came_from, reason=reason)
    return action


def set_review_day(action: Action) -> None:
    """Write when its effect can be reviewed: once the days looked at after it was carried out, or after its last day, are over."""
    if action.measure is not None and action.window_days is not None:
        action.review_on = review_day(action.carried_out_on or action.due_on, action.window_days)


def postpone(session: Session, action: Action, due_on: date, reason: str, *, at: datetime, user_id: int | None) -> Action:
    """
    Give the action another last day, or, while it waits for its review, another day of review; return it, flushed.

    Raises:
        MoveRefused: There is no reason.
        DomainError: As `check_postponed`; or the review would come before the days looked at are over.
    """
    came_from, _same = _move(session, action, ActionMove.POSTPONE, reason, at, user_id)
    today = local(at).date()
    if came_from is ActionStatus.REVIEW and action.review_on is not None:
        before = action.review_on
        check_postponed(due_on, before, today, None)
        soonest = review_day(action.carried_out_on, action.window_days) if action.carried_out_on and action.window_days else before
        if due_on < soonest:
            msgid = N_("The days looked at are over on %(day)s. Its effect cannot be reviewed before.")
            raise MoveRefused(msgid, field="due_on", day=soonest)
        action.review_on = due_on
    else:
        before = action.due_on
        facts = facts_of(session, action, today=today)
        check_postponed(due_on, before, today, facts.last_task_on)
        action.due_on = due_on
        set_review_day(action)
    told = {"from": before.isoformat(), "to": due_on.isoformat()}
    log(session, action, ActionMove.POSTPONE, at=at, user_id=user_id, from_status=came_from, reason=reason, facts=told)
    return action
