"""
Actions that a finding, a case or a survey asks for: asked, amended while open, and ended once, with what was done or why not.

What ended no longer changes; its history is in the change log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, check_asked, check_ending, check_open
from app.extensions import local
from app.models import Action, Process
from app.operations.numbers import next_number


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks to be done, because of a finding or an alarm."""

    title: str
    description: str
    kind: ActionKind
    process_id: int
    due_on: date
    responsible_id: int | None = None


def ask_action(
    session: Session, *, kind: ActionKind, origin: ActionOrigin, origin_key: str, title: str, description: str, process_id: int,
    responsible_id: int | None, due_on: date, at: datetime, user_id: int | None, origin_path: str = "", party_id: int | None = None,
) -> Action:  # fmt: skip
    """
    Store an action with its number; return it, flushed.

    Args:
        origin_key, origin_path: Number of what asked for it, and the path of its page.
        responsible_id: One person of the process; nobody leaves it to its owners.
        party_id: Whom it is about, so that the page of the party shows it.

    Raises:
        DomainError: As `enter_action`.
    """
    action = Action(
        kind=kind, origin=origin, origin_key=origin_key, origin_path=origin_path, party_id=party_id, title=title, description=description,
        process_id=process_id, responsible_id=responsible_id, due_on=due_on,
    )  # fmt: skip
    return enter_action(session, action, at=at, user_id=user_id)


def enter_action(session: Session, action: Action, *, at: datetime, user_id: int | None) -> Action:
    """
    Store *action*, which says all but its number and its day; return it, flushed.

    Raises:
        DomainError: As `check_asked`; or the process or the person is no longer active.
    """
    action.asked_on, action.created_by_id = local(at).date(), user_id
    _check(session, action)
    action.organisation = queries.organisation(session)
    action.number = next_number(session, action.organisation.id, "AC", action.asked_on.year, width=4)
    session.add(action)
    session.flush()
    return action


def amend_action(session: Session, action: Action) -> Action:
    """Store what was changed in *action*; return it, flushed. Raises MoveRefused: it ended meanwhile; DomainError, as `enter_action`."""
    with session.no_autoflush:
        stored = session.scalar(select(Action.status).where(Action.id == action.id).with_for_update())
        check_open(action.number, stored or action.status)
        _check(session, action)
    session.flush()
    return action


def _check(session: Session, action: Action) -> None:
    action.title, action.description = action.title.strip(), action.description.strip()
    check_asked(action.title, action.asked_on, action.due_on)
    process = session.get(Process, action.process_id)
    if process is None or not process.is_active:
        raise DomainError(N_("Choose a process that is active."), field="process_id")
    responsible = action.responsible or (session.get(User, action.responsible_id) if action.responsible_id else None)
    if responsible is not None and not responsible.is_active:
        raise DomainError(N_("%(name)s is not active and cannot sign in."), field="responsible", name=responsible.get_full_name())


def finish_action(session: Session, action: Action, result: str, *, ended_on: date, at: datetime) -> Action:
    """Record that it was done, how and when; return it, flushed. Raises MoveRefused: it ended already; DomainError, as `check_ending`."""
    return _end(session, action, ActionStatus.DONE, result, ended_on, local(at).date())


def cancel_action(session: Session, action: Action, reason: str, *, at: datetime) -> Action:
    """Record why it is not done; return it, flushed. Raises MoveRefused: it ended already; DomainError, as `check_ending`."""
    return _end(session, action, ActionStatus.CANCELLED, reason, local(at).date(), local(at).date())


def _end(session: Session, action: Action, status: ActionStatus, said: str, ended_on: date, today: date) -> Action:
    queries.lock(session, action)
    check_open(action.number, action.status)
    check_ending(said, action.asked_on, ended_on, today)
    action.status, action.result, action.ended_on = status, said.strip(), ended_on
    session.flush()
    return action
