"""
Actions that a finding, a case or a survey asks for: asked with a number, and amended while they live.

What leads them to their end is `operations.actions`; what ended no longer changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.actions import ActionMove
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, check_asked, check_open
from app.extensions import local
from app.models import Action, Process
from app.operations import actions
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
    said = {"origin": action.origin.name, "key": action.origin_key}
    actions.log(session, action, ActionMove.ASK, at=at, user_id=user_id, facts=said)
    return action


def amend_action(session: Session, action: Action, *, at: datetime, user_id: int | None) -> Action:
    """
    Store what was changed in *action*; return it, flushed. Another last day stays in its history.

    Raises:
        MoveRefused: It ended meanwhile; or its plan was sent, so its kind stays and its last day is changed with a reason (`postpone`).
        DomainError: As `enter_action`.
    """
    with session.no_autoflush:
        stored = session.execute(
            select(Action.status, Action.due_on, Action.kind).where(Action.id == action.id).with_for_update()
        ).one()  # fmt: skip
        check_open(action.number, stored.status)
        if stored.status is not ActionStatus.OPEN:
            _refuse_changed(action, stored.due_on, stored.kind)
        _check(session, action)
        if action.due_on != stored.due_on:
            actions.set_review_day(action)
    session.flush()
    if action.due_on != stored.due_on:
        told = {"from": stored.due_on.isoformat(), "to": action.due_on.isoformat()}
        actions.log(session, action, ActionMove.CHANGE, at=at, user_id=user_id, from_status=stored.status, facts=told)
    return action


def _refuse_changed(action: Action, due_on: date, kind: ActionKind) -> None:
    if action.due_on != due_on:
        msgid = N_("The plan of %(number)s was sent with its last day. Use “Give it another day”, which asks why.")
        raise MoveRefused(msgid, field="due_on", number=action.number)
    if action.kind is not kind:
        raise MoveRefused(N_("The plan of %(number)s was sent, and its kind no longer changes."), field="kind", number=action.number)


def _check(session: Session, action: Action) -> None:
    action.title, action.description = action.title.strip(), action.description.strip()
    check_asked(action.title, action.asked_on, action.due_on)
    process = session.get(Process, action.process_id)
    if process is None or not process.is_active:
        raise DomainError(N_("Choose a process that is active."), field="process_id")
    responsible = action.responsible or (session.get(User, action.responsible_id) if action.responsible_id else None)
    if responsible is not None and not responsible.is_active:
        raise DomainError(N_("%(name)s is not active and cannot sign in."), field="responsible", name=responsible.get_full_name())
