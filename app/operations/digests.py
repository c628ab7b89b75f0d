"""
The daily digest: what somebody of the staff chose to hear once a day, joined into one message at the opening of a working day.

What was held until `mail.digest_at` of that day goes into it; what is held later waits for the next. One a person and day, whoever
writes it: the key of the message says so, and whoever finds it written leaves the rows to the next digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.mailtext import HEADING
from app.domain.reminders import CLOSES_AT, OPENS_AT, may_tell
from app.domain.states import MessageStatus
from app.extensions import local
from app.models import OutboxMessage
from app.operations import messages, outbox

#: The parameter that says from when on a digest leaves, in local time (HH:MM).
WHEN = "mail.digest_at"
NOBODY = N_("The person left the company or has no e-mail address.")


def due(session: Session, at: datetime) -> list[int]:
    """Return who has a digest coming at *at*: nobody at night, on days off, or before `mail.digest_at`."""
    until = _slot(session, at)
    if until is None:
        return []
    held = select(OutboxMessage.user_id).where(OutboxMessage.status == MessageStatus.HELD, OutboxMessage.created_at <= until)
    return [user_id for user_id in session.scalars(held.distinct().order_by(OutboxMessage.user_id)) if user_id is not None]


def _slot(session: Session, at: datetime) -> datetime | None:
    """Return the instant of today until which what was held goes out now; None while nothing goes out."""
    clock, organisation = local(at), queries.organisation(session)
    opens, closes = organisation.opens_at, organisation.closes_at
    if not may_tell(clock, queries.calendar_of(session, organisation), opens, closes):
        return None
    try:
        wanted = time.fromisoformat(queries.parameter(session, WHEN, f"{OPENS_AT:%H:%M}").strip())
    except ValueError:  # an administrator wrote something else: at the opening, rather than never
        wanted = opens or OPENS_AT
    if wanted >= (closes or CLOSES_AT):
        wanted = opens or OPENS_AT
    slot = clock.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
    return slot if slot <= clock else None


def write_digest(session: Session, user_id: int, at: datetime) -> OutboxMessage | None:
    """
    Return the digest of today of a person, queued, with every row that it tells; None when there is nothing to tell, or it was told.

    The caller commits after each person, so that one that fails stops no other.
    """
    until = _slot(session, at)
    if until is None:
        return None
    held = (
        select(OutboxMessage)
        .where(OutboxMessage.user_id == user_id, OutboxMessage.status == MessageStatus.HELD, OutboxMessage.created_at <= until)
        .order_by(OutboxMessage.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(held).all()  # whoever else writes this digest waits here, and then finds it written
    user = session.get_one(User, user_id)
    key = f"digest:{user_id}:{until:%Y-%m-%d}"
    if not rows or outbox.by_key(session, key):
        return None
    if not user.active or not user.email:
        _settle(session, rows, status=MessageStatus.DISCARDED, last_error=NOBODY)
        return None
    items = "\n\n".join(f"{HEADING}{row.subject}\n{row.body}" for row in rows)
    digest = messages.tell_user(session, user, "digest", {"day": local(at).date(), "n": len(rows), "items": items}, key=key, at=at)
    if digest is not None:
        _settle(session, rows, status=MessageStatus.DIGESTED, digest_id=digest.id)
    return digest


def _settle(session: Session, rows: Sequence[OutboxMessage], **values: object) -> None:
    ids = [row.id for row in rows]
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(ids), OutboxMessage.status == MessageStatus.HELD)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
