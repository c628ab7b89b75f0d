"""
Mail that has to leave: rows written by the transaction that caused them, claimed and sent by a job, each once.

A worker claims a row (SENDING, with a lease) and commits before it talks to the mail server, so two workers never send the same
row. If it dies between sending and telling, nobody can know whether the message left: after the lease it is tried once more,
marked with `INTERRUPTED`; a second death leaves it FAILED for a person to decide.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import MessageStatus
from app.models import OutboxMessage, Pqr

#: Minutes until the next attempt after the first, second… failed one; after the last comes FAILED. Together, 16 hours.
BACK_OFF = (1, 5, 15, 60, 180, 720)
#: How long a worker may hold a row. Longer than the slowest conversation with a mail server (`mailer.TIMEOUT` a step).
LEASE = timedelta(minutes=10)
INTERRUPTED = N_("A worker stopped while it was sending this message: it may have left twice.")
#: `session.info` key: this transaction queued mail, so whoever commits may wake the worker.
HAS_MAIL = "atiende.has_mail"


def queue_message(
    session: Session, *, key: str, event: str, to: str, subject: str, body: str, pqr: Pqr | None = None, at: datetime
) -> OutboxMessage:
    """
    Return the message that *key* names, queued now unless it already was: the same cause tells a person once.

    Args:
        key: Names the cause, e.g. `filed:PQR-2026-000123`.
        subject: Line breaks become spaces: a subject of two lines is a forged header.
    """
    if known := _by_key(session, key):
        return known
    domain = (pqr.organisation if pqr else queries.organisation(session)).email.rpartition("@")[2]
    message = OutboxMessage(
        key=key,
        event=event,
        to_address=to.strip(),
        subject=" ".join(subject.split())[:240],
        body=body,
        pqr=pqr,
        status=MessageStatus.QUEUED,
        next_attempt_at=at,
        message_id=f"<{secrets.token_hex(16)}@{domain}>",
        created_at=at,
    )
    try:
        with session.begin_nested():
            session.add(message)
    except IntegrityError:
        known = _by_key(session, key)
        if known is None:
            raise
        return known
    session.info[HAS_MAIL] = True
    return message


def _by_key(session: Session, key: str) -> OutboxMessage | None:
    return session.scalar(select(OutboxMessage).where(OutboxMessage.key == key))


def claim_due(session: Session, at: datetime, limit: int = 1) -> list[OutboxMessage]:
    """
    Return up to *limit* messages that are due at *at*, now SENDING and ours until `LEASE` has passed. Commit before sending.

    They are detached: what was claimed stays readable without a transaction, whatever becomes of the row meanwhile. The claim is
    an UPDATE that names the state it saw, so that of two workers one gets no row; PostgreSQL also skips the rows that another
    worker is claiming at this moment.
    """
    due = (
        select(OutboxMessage)
        .where(OutboxMessage.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)), OutboxMessage.next_attempt_at <= at)
        .order_by(OutboxMessage.next_attempt_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    claimed = [message for message in session.scalars(due).all() if _claim(session, message, at)]
    for message in claimed:
        session.refresh(message)
        session.expunge(message)
    return claimed


def _claim(session: Session, message: OutboxMessage, at: datetime) -> bool:
    """Return whether the row is ours to send."""
    was_stuck = message.status is MessageStatus.SENDING
    if was_stuck and was_interrupted(message):
        _change(session, message, status=MessageStatus.FAILED)
        return False
    return _change(
        session,
        message,
        status=MessageStatus.SENDING,
        n_attempts=message.n_attempts + 1,
        next_attempt_at=at + LEASE,
        last_error=INTERRUPTED if was_stuck else message.last_error,
    )


def was_interrupted(message: OutboxMessage) -> bool:
    """Return whether a worker died while it was sending *message*, so that the addressee may have it twice."""
    return (message.last_error or "").startswith(INTERRUPTED)


def _change(session: Session, message: OutboxMessage, **values: object) -> bool:
    """Write *values* unless the row moved on since *message* was read; return whether they were written."""
    statement = update(OutboxMessage).where(
        OutboxMessage.id == message.id, OutboxMessage.status == message.status, OutboxMessage.n_attempts == message.n_attempts
    )
    done = session.execute(statement.values(values).execution_options(synchronize_session="fetch"))
    return done.rowcount == 1


def mark_sent(session: Session, message: OutboxMessage, at: datetime) -> None:
    """Record that the mail server took a claimed message. The mark of an interrupted attempt stays: it may have left twice."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message.id, OutboxMessage.status != MessageStatus.SENT)
        .values(status=MessageStatus.SENT, sent_at=at, last_error=INTERRUPTED if was_interrupted(message) else None)
        .execution_options(synchronize_session="fetch")
    )


def mark_failed(session: Session, message: OutboxMessage, error: str, at: datetime, *, is_final: bool = False) -> None:
    """
    Record why the attempt of a claimed message failed and when the next is due; FAILED after the last, or now when *is_final*.

    Does nothing when our lease ended and another worker has the row.
    """
    error = f"{INTERRUPTED}\n{error}" if was_interrupted(message) else error
    if is_final or message.n_attempts > len(BACK_OFF):
        _change(session, message, status=MessageStatus.FAILED, last_error=error)
    else:
        wait = timedelta(minutes=BACK_OFF[message.n_attempts - 1])
        _change(session, message, status=MessageStatus.QUEUED, last_error=error, next_attempt_at=at + wait)


def resend(session: Session, message: OutboxMessage, at: datetime) -> None:
    """Queue a message again, with all its attempts, because a person asked. Raises DomainError for one that left or is leaving."""
    if message.status in (MessageStatus.SENT, MessageStatus.SENDING):
        raise DomainError(N_("This message already left, or is leaving right now. Reload the page to see which."))
    message.status, message.n_attempts, message.next_attempt_at, message.last_error = MessageStatus.QUEUED, 0, at, None
    session.info[HAS_MAIL] = True
    session.flush()
