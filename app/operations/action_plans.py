"""
What an action is made of: its analysis, the tasks of its plan and the files that show what was found and done.

Whatever is written takes the action first, so that a task and a move never pass each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.actions import (
    MOST_CAUSES,
    MOST_WHYS,
    ActionMove,
    check_causes,
    check_task,
    check_task_ending,
    may_add_tasks,
    may_change_tasks,
    may_drop_tasks,
    may_end_tasks,
)
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionStatus, CauseCategory, CauseWay, TaskStatus
from app.domain.states import Visibility
from app.extensions import local
from app.models import Action, ActionCause, ActionFile, ActionTask
from app.operations import actions
from app.operations.files import CheckedFile, store_file

# ── The analysis ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def causes_of(session: Session, action: Action) -> list[ActionCause]:
    """Return the lines of the analysis, of every round, in order."""
    lines = select(ActionCause).where(ActionCause.action_id == action.id)
    return list(session.scalars(lines.order_by(ActionCause.round, ActionCause.way.desc(), ActionCause.position)))


def save_analysis(
    session: Session, action: Action, whys: Sequence[str], bones: Mapping[CauseCategory, Sequence[str]]
) -> list[ActionCause]:  # fmt: skip
    """
    Store the chain of whys and the causes on each bone as the analysis of this round; return its lines, flushed.

    Raises:
        MoveRefused: The plan was sent, or the action is over.
        DomainError: There are too many, or one is too long.
    """
    _hold(session, action)
    wanted: dict[tuple[CauseWay, int], tuple[CauseCategory | None, str]] = {
        (CauseWay.WHY, n): (None, text) for n, text in enumerate(check_causes(whys, MOST_WHYS), 1)
    }
    for b, category in enumerate(CauseCategory):
        for n, text in enumerate(check_causes(bones.get(category, ()), MOST_CAUSES), 1):
            wanted[CauseWay.ISHIKAWA, b * MOST_CAUSES + n] = category, text
    stored = select(ActionCause).where(ActionCause.action_id == action.id, ActionCause.round == action.round)
    for line in session.scalars(stored):
        category, text = wanted.pop((line.way, line.position), (None, ""))
        if text:
            line.category, line.text = category, text
        else:
            session.delete(line)
    session.add_all(
        ActionCause(action_id=action.id, round=action.round, way=way, position=n, category=category, text=text)
        for (way, n), (category, text) in wanted.items()
    )
    session.flush()
    return [line for line in causes_of(session, action) if line.round == action.round]


def choose_cause(session: Session, action: Action, cause: str, line_id: int | None, *, at: datetime, user_id: int | None) -> Action:
    """
    Write the root cause of *action*; return it, flushed.

    Args:
        cause: In a sentence; empty takes the words of the line.
        line_id: The line of the analysis that it is, when it is one.

    Raises:
        MoveRefused: The plan was sent, or the action is over.
        DomainError: There are no words, or the line is not of this round.
    """
    _hold(session, action)
    lines = session.scalars(select(ActionCause).where(ActionCause.action_id == action.id, ActionCause.round == action.round)).all()
    chosen = next((line for line in lines if line.id == line_id), None)
    if line_id is not None and chosen is None:
        raise DomainError(N_("That cause is no longer in the analysis. Choose again."), field="line")
    said = check_causes([cause.strip() or (chosen.text if chosen else "")], 1)
    if not said:
        raise DomainError(N_("Choose a cause of the analysis, or write the root cause in a sentence."), field="cause")
    for line in lines:
        line.is_root = line is chosen
    if said[0] != action.cause:
        action.cause = said[0]
        actions.log(session, action, ActionMove.ANALYSE, at=at, user_id=user_id, from_status=action.status, reason=said[0])
    session.flush()
    return action


def _hold(session: Session, action: Action) -> None:
    """Take the action. Raises MoveRefused: its plan is no longer written."""
    queries.lock(session, action)
    if action.status is not ActionStatus.OPEN:
        msgid = N_("%(number)s is “%(status)s”: its analysis no longer changes.")
        raise MoveRefused(msgid, number=action.number, status=action.status.value)


# ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tasks_of(session: Session, action: Action) -> list[ActionTask]:
    """Return the tasks of every round, in order; whoever shows them loads their people."""
    return list(session.scalars(select(ActionTask).where(ActionTask.action_id == action.id).order_by(ActionTask.position)))


def add_task(
    session: Session, action: Action, what: str, due_on: date, responsible_id: int | None, *, at: datetime, user_id: int | None
) -> ActionTask:  # fmt: skip
    """
    Add a task to the plan; return it, flushed. One that is added while the plan runs stands in the history.

    Raises:
        MoveRefused: The plan waits for somebody, or the action waits for its review or is over.
        DomainError: As `check_task`; or the person cannot sign in; or, while the plan runs, there is none.
    """
    queries.lock(session, action)
    _refuse(action, may_add_tasks(action.status))
    check_task(what, due_on, action.asked_on, action.due_on)
    _check_person(session, responsible_id, is_needed=action.status is ActionStatus.RUNNING)
    last = session.scalar(select(func.max(ActionTask.position)).where(ActionTask.action_id == action.id)) or 0
    task = ActionTask(
        action_id=action.id, round=action.round, position=last + 1, what=what.strip(), due_on=due_on, responsible_id=responsible_id,
        created_by_id=user_id,
    )  # fmt: skip
    session.add(task)
    session.flush()
    if action.status is ActionStatus.RUNNING:
        _note(session, task, action, ActionMove.TASK_ADD, at, user_id, reason="")
    return task


def change_task(session: Session, task: ActionTask, what: str, due_on: date, responsible_id: int | None) -> ActionTask:
    """Write a task of a plan that was not sent yet anew; return it, flushed. Raises MoveRefused, DomainError, as `add_task`."""
    action = _taken(session, task)
    _refuse(action, may_change_tasks(action.status))
    check_task(what, due_on, action.asked_on, action.due_on)
    _check_person(session, responsible_id, is_needed=False)
    task.what, task.due_on, task.responsible_id = what.strip(), due_on, responsible_id
    session.flush()
    session.expire(task, ["responsible"])
    return task


def postpone_task(
    session: Session, task: ActionTask, due_on: date, responsible_id: int | None, reason: str, *, at: datetime, user_id: int | None
) -> ActionTask:  # fmt: skip
    """
    Give a task of an approved plan another day, or another person, with the reason; return it, flushed.

    Raises:
        MoveRefused: The plan does not run, or there is no reason.
        DomainError: Nothing changes, nobody is to do it, or the day is not one of the action.
    """
    action = _taken(session, task)
    _refuse(action, action.status is ActionStatus.RUNNING)
    if not reason.strip():
        raise MoveRefused(N_("Write why. It stays in the history of the action."), field="reason")
    if (due_on, responsible_id) == (task.due_on, task.responsible_id):
        raise DomainError(N_("That is the day that it has already."), field="due_on")
    check_task(task.what, due_on, action.asked_on, action.due_on)
    _check_person(session, responsible_id, is_needed=True)
    told = {"from": task.due_on.isoformat(), "to": due_on.isoformat()} if due_on != task.due_on else {}
    task.due_on, task.responsible_id = due_on, responsible_id
    session.expire(task, ["responsible"])
    return _note(session, task, action, ActionMove.TASK_POSTPONE, at, user_id, reason=reason, **told)


def end_task(session: Session, task: ActionTask, said: str, *, ended_on: date, at: datetime, user_id: int | None) -> ActionTask:
    """
    Record that a task was done, and what shows it; return it, flushed.

    Raises:
        MoveRefused: The plan is not approved, or the task ended already.
        DomainError: As `check_task_ending`.
    """
    action = _taken(session, task)
    _refuse(action, may_end_tasks(action.status, action.kind))
    return _end(session, task, action, TaskStatus.DONE, said, ended_on, at, user_id)


def drop_task(session: Session, task: ActionTask, reason: str, *, at: datetime, user_id: int | None) -> ActionTask:
    """Record why a task is not done; return it, flushed. Raises MoveRefused: it ended, or not now; DomainError: no reason."""
    action = _taken(session, task)
    _refuse(action, may_drop_tasks(action.status, action.kind))
    return _end(session, task, action, TaskStatus.DROPPED, reason, local(at).date(), at, user_id)


def _taken(session: Session, task: ActionTask) -> Action:
    """Take the action, then the task. Raises MoveRefused: the task ended, or belongs to a round that is over."""
    action = session.get_one(Action, task.action_id)
    queries.lock(session, action)
    queries.lock(session, task)
    if task.status is not TaskStatus.OPEN or task.round != action.round:
        raise MoveRefused(N_("That task ended and no longer changes."))
    return action


def _refuse(action: Action, is_allowed: bool) -> None:
    if not is_allowed:
        msgid = N_("%(number)s is “%(status)s”: its tasks do not change that way now.")
        raise MoveRefused(msgid, number=action.number, status=action.status.value)


def _check_person(session: Session, user_id: int | None, *, is_needed: bool) -> None:
    if user_id is None:
        if is_needed:
            raise DomainError(N_("Write who answers for the task."), field="responsible")
        return
    user = session.get_one(User, user_id)
    if not user.is_active:
        raise DomainError(N_("%(name)s is not active and cannot sign in."), field="responsible", name=user.get_full_name())


def _end(
    session: Session, task: ActionTask, action: Action, status: TaskStatus, said: str, ended_on: date, at: datetime, user_id: int | None
) -> ActionTask:  # fmt: skip
    check_task_ending(status, said, ended_on, action.asked_on, local(at).date())
    task.status, task.said, task.ended_on = status, said.strip(), ended_on
    move = ActionMove.TASK_END if status is TaskStatus.DONE else ActionMove.TASK_DROP
    return _note(session, task, action, move, at, user_id, reason=said)


def _note(
    session: Session, task: ActionTask, action: Action, move: ActionMove, at: datetime, user_id: int | None, *, reason: str, **told: str
) -> ActionTask:  # fmt: skip
    said = {"task": task.position, "what": task.what, **told}
    actions.log(session, action, move, at=at, user_id=user_id, from_status=action.status, reason=reason, facts=said)
    return task


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def attach(
    session: Session, action: Action, content: CheckedFile, description: str = "", *, task: ActionTask | None = None, user_id: int | None
) -> ActionFile:  # fmt: skip
    """Keep a file of *action*, or of one of its tasks; return its row, flushed. Raises MoveRefused: the action is over."""
    queries.lock(session, action)
    _refuse_over(action)
    stored = store_file(session, content, visibility=Visibility.STAFF, description=description)
    kept = ActionFile(action_id=action.id, task=task, file=stored, description=description.strip()[:200], created_by_id=user_id)
    session.add(kept)
    session.flush()
    return kept


def withdraw(session: Session, kept: ActionFile, *, at: datetime, user_id: int) -> ActionFile:
    """Offer a file that was attached by mistake no more; return its row, flushed. Raises MoveRefused: it was, or the action is over."""
    action = session.get_one(Action, kept.action_id)
    queries.lock(session, action)
    _refuse_over(action)
    queries.lock(session, kept)
    if kept.withdrawn_at is not None:
        raise MoveRefused(N_("“%(name)s” was withdrawn already."), name=kept.file.name)
    kept.withdrawn_at, kept.withdrawn_by_id = at, user_id
    session.flush()
    return kept


def _refuse_over(action: Action) -> None:
    if action.status.is_over:
        raise MoveRefused(N_("%(number)s ended and no longer changes. Ask for another action."), number=action.number)
