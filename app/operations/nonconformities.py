"""Outputs that do not conform: told, contained, treated with authority, verified and closed; each step stands in their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionOrigin, Disposition, NonconformityStatus
from app.domain.nonconformities import SncMove, check_move, check_told, check_treatment, check_verification
from app.extensions import local
from app.models import Action, ActionEvent, Nonconformity, Process
from app.operations import improvement
from app.operations.improvement import Asked
from app.operations.numbers import next_number


@dataclass(frozen=True, slots=True)
class Treated:
    """What was done with an output, by whose authority (ISO 9001:2015, 8.7.2 d), and what it cost where somebody knows."""

    disposition: Disposition
    treatment: str
    treated_on: date
    authorised_by_id: int
    cost_cop: Decimal | None = None


def tell(session: Session, row: Nonconformity, *, at: datetime, user_id: int | None) -> Nonconformity:
    """
    Store *row*, which says all but its number; return it, flushed.

    Raises:
        DomainError: As `check_told`; or the process or the person is no longer active.
    """
    on = local(at).date()
    row.created_by_id = user_id
    _check(session, row, on)
    row.organisation = queries.organisation(session)
    row.status = NonconformityStatus.OPEN
    row.number = next_number(session, row.organisation.id, "SNC", on.year, width=4)
    session.add(row)
    session.flush()
    log(session, row, SncMove.TELL, at=at, user_id=user_id)
    return row


def amend(session: Session, row: Nonconformity, *, at: datetime, user_id: int | None) -> Nonconformity:
    """Store what was changed in *row*; return it. Raises MoveRefused: it was treated meanwhile; DomainError, as `tell`."""
    with session.no_autoflush:
        stored = session.scalar(select(Nonconformity.status).where(Nonconformity.id == row.id).with_for_update())
        check_move(row.number, SncMove.CHANGE, stored or row.status)
        _check(session, row, local(at).date())
    session.flush()
    log(session, row, SncMove.CHANGE, at=at, user_id=user_id, from_status=row.status)
    return row


def _check(session: Session, row: Nonconformity, today: date) -> None:
    row.what = (row.what or "").strip()
    check_told(row.what, row.found_on, today)
    process = session.get(Process, row.process_id)
    if process is None or not process.is_active:
        raise DomainError(N_("Choose a process that is active."), field="process_id")
    if row.responsible is not None and not row.responsible.is_active:
        raise DomainError(N_("%(name)s is not active and cannot sign in."), field="responsible", name=row.responsible.get_full_name())


def treat(session: Session, row: Nonconformity, done: Treated, *, at: datetime, user_id: int | None) -> Nonconformity:
    """Record what was done with it and who authorised it; return it, flushed. Raises MoveRefused, DomainError, as `check_treatment`."""
    _hold(session, row, SncMove.TREAT)
    who = session.get(User, done.authorised_by_id)
    if who is None or not who.is_active:
        raise DomainError(N_("Write who authorised it: somebody who can sign in."), field="authorised_by")
    check_treatment(
        done.disposition, done.treatment, done.treated_on, found_on=row.found_on, today=local(at).date(),
        authorised_by_responsible=who.id == row.responsible_id,
    )  # fmt: skip
    if done.cost_cop is not None and done.cost_cop < 0:
        raise DomainError(N_("A cost is not negative."), field="cost_cop")
    row.disposition, row.treatment, row.treated_on = done.disposition, done.treatment.strip(), done.treated_on
    row.authorised_by_id, row.cost_cop, row.status = who.id, done.cost_cop, NonconformityStatus.TREATED
    session.flush()
    told = {"disposition": done.disposition.name, "treated_on": done.treated_on.isoformat(), "authorised_by": who.get_full_name()}
    return log(session, row, SncMove.TREAT, at=at, user_id=user_id, from_status=NonconformityStatus.OPEN, reason=row.treatment, facts=told)


def verify(
    session: Session, row: Nonconformity, verification: str, *, verified_on: date, no_action_reason: str = "", at: datetime, user_id: int
) -> Nonconformity:
    """Record that it conforms now, and close it; return it, flushed. Raises MoveRefused, DomainError, as `check_verification`."""
    _hold(session, row, SncMove.VERIFY)
    reason = row.no_action_reason or ("" if row.action_id else no_action_reason.strip())
    check_verification(
        verification, verified_on, treated_on=row.treated_on or verified_on, today=local(at).date(), is_own=row.responsible_id == user_id,
        has_action=row.action_id is not None, no_action_reason=reason,
    )  # fmt: skip
    row.verification, row.verified_on, row.verified_by_id = verification.strip(), verified_on, user_id
    row.no_action_reason, row.status = reason, NonconformityStatus.CLOSED
    session.flush()
    return log(session, row, SncMove.VERIFY, at=at, user_id=user_id, from_status=NonconformityStatus.TREATED, reason=row.verification)


def send_back(session: Session, row: Nonconformity, reason: str, *, at: datetime, user_id: int | None) -> Nonconformity:
    """Take it up again because its treatment did not do; what was done stays in its history. Raises MoveRefused: there is no reason."""
    _hold(session, row, SncMove.RETURN)
    if not reason.strip():
        raise MoveRefused(N_("Write what does not conform yet."), field="reason")
    told = {"disposition": row.disposition.name if row.disposition else "", "treatment": row.treatment}
    row.disposition = row.treated_on = row.authorised_by_id = row.authorised_by = row.cost_cop = None
    row.treatment, row.status = "", NonconformityStatus.OPEN
    session.flush()
    return log(session, row, SncMove.RETURN, at=at, user_id=user_id, from_status=NonconformityStatus.TREATED, reason=reason, facts=told)


def ask_for_action(session: Session, row: Nonconformity, asked: Asked, *, at: datetime, user_id: int | None) -> Action:
    """
    Ask for an action so that it does not happen again; return the action, flushed.

    Raises:
        MoveRefused: It has one, or is closed.
        DomainError: As `improvement.enter_action`.
    """
    _hold(session, row, SncMove.ASK)
    if row.action_id is not None:
        raise MoveRefused(N_("%(number)s asked for an action already."), number=row.number)
    action = improvement.ask_action(
        session, kind=asked.kind, origin=ActionOrigin.NONCONFORMITY, origin_key=row.number, origin_path=f"/nonconformity/show/{row.id}",
        title=asked.title, description=asked.description, process_id=asked.process_id, responsible_id=asked.responsible_id,
        due_on=asked.due_on, party_id=None, at=at, user_id=user_id,
    )  # fmt: skip
    row.action, row.no_action_reason = action, ""
    session.flush()
    log(session, row, SncMove.ASK, at=at, user_id=user_id, from_status=row.status, facts={"action": action.number})
    return action


def need_no_action(session: Session, row: Nonconformity, reason: str, *, at: datetime, user_id: int | None) -> Nonconformity:
    """Say why it asks for no action. Raises MoveRefused: it asked for one, is closed, or there is no reason."""
    _hold(session, row, SncMove.NO_ACTION)
    if row.action_id is not None:
        raise MoveRefused(N_("%(number)s asked for an action already."), number=row.number)
    if not reason.strip():
        raise MoveRefused(N_("Write why it needs no action."), field="reason")
    row.no_action_reason = reason.strip()
    session.flush()
    return log(session, row, SncMove.NO_ACTION, at=at, user_id=user_id, from_status=row.status, reason=reason)


def _hold(session: Session, row: Nonconformity, move: SncMove) -> None:
    queries.lock(session, row)
    check_move(row.number, move, row.status)


def log(
    session: Session, row: Nonconformity, move: SncMove, *, at: datetime, user_id: int | None,
    from_status: NonconformityStatus | None = None, reason: str = "", facts: dict[str, Any] | None = None,
) -> Nonconformity:  # fmt: skip
    """Write what happened to the history of *row*, whose state is what it came to; return it."""
    session.add(ActionEvent(
        nonconformity_id=row.id, at=at, actor_id=user_id, move=move.name, from_status=from_status.name if from_status else "",
        to_status=row.status.name, reason=reason.strip(), facts=facts or {},
    ))  # fmt: skip
    session.flush()
    return row
