"""
Mail that has to leave: rows written by the transaction that caused them, claimed and sent by a job, each once.

A worker claims a row (SENDING, with a lease) and commits before it talks to the mail server, so two workers never send the same
row. If it dies between sending and telling, or the connection breaks while the mail server has the whole message and has not said
yes, nobody can know whether the message left: it is tried once more, marked `was_interrupted`; a second such end leaves it FAILED for
a person to decide. Every attempt carries the same Message-ID.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import MessageStatus
from app.extensions import LANGUAGE
from app.models import Organisation, OutboxMessage, Pqr, StoredFile

#: Minutes until the next attempt after the first, second… failed one; after the last comes FAILED. Together, 16 hours.
BACK_OFF = (1, 5, 15, 60, 180, 720)
#: How long a worker may hold a row. Longer than the slowest conversation with a mail server (`mailer.TIMEOUT` a step).
LEASE = timedelta(minutes=10)
#: `session.info` key: this transaction queued mail, so whoever commits may wake the worker.
HAS_MAIL = "atiende.has_mail"


def queue_message(
    session: Session,
    *,
    key: str,
    event: str,
    to: str,
    subject: str,
    body: str,
    html: str | None = None,
    language: str = LANGUAGE,
    user: User | None = None,
    pqr: Pqr | None = None,
    in_reply_to: str = "",
    reply_to: str | None = None,
    unsubscribe_url: str | None = None,
    attachment: StoredFile | None = None,
    is_held: bool = False,
    at: datetime,
) -> OutboxMessage:
    """
    Return the message that *key* names, queued now unless it already was: the same cause tells a person once.

    Args:
        key: Names the cause, e.g. `filed:PQR-2026-000123`.
        subject: Line breaks become spaces: a subject of two lines is a forged header.
        user: The addressee, if of the staff; only then may it be held for the digest.
        in_reply_to: Message-ID of the mail that this one answers.
        reply_to: Where an answer goes, when not to the mailbox of the house.
        unsubscribe_url: Where the addressee says to get no more of these.
        attachment: The file that goes with it, as it is stored.
    """
    if known := by_key(session, key):
        return known
    organisation = pqr.organisation if pqr else queries.organisation(session)
    thread = [each for each in (thread_of(pqr) if pqr else "", in_reply_to) if each]
    message = OutboxMessage(
        key=key,
        event=event,
        to_address=to.strip(),
        user=user,
        language=language,
        subject=" ".join(subject.split())[:240],
        body=body,
        html_body=html,
        pqr=pqr,
        status=MessageStatus.HELD if is_held else MessageStatus.QUEUED,
        next_attempt_at=at,
        message_id=f"<{secrets.token_hex(16)}@{domain_of(organisation)}>",
        in_reply_to=thread[-1] if thread else None,
        reference_ids=" ".join(thread) or None,
        reply_to=reply_to,
        unsubscribe_url=unsubscribe_url,
        attachment=attachment,
        created_at=at,
    )
    return message if _insert(session, message) else by_key(session, key) or message


def _insert(session: Session, message: OutboxMessage) -> bool:
    """Return whether *message* is a row now; False when another transaction queued the same key first."""
    try:
        with session.begin_nested():
            session.add(message)
    except IntegrityError:
        if by_key(session, message.key) is None:
            raise
        return False
    if message.status is MessageStatus.QUEUED:
        session.info[HAS_MAIL] = True
    return True


def thread_of(pqr: Pqr) -> str:
    """Return the Message-ID that every mail about a case refers to, so that mailboxes show them together; no mail bears it itself."""
    return f"<{pqr.number}@{domain_of(pqr.organisation)}>"


def domain_of(organisation: Organisation) -> str:
    """Return the domain that mail leaves from: that of the sender, so that whoever signs for it (DKIM) signs for its Message-ID too."""
    return (current_app.config.get("MAIL_FROM") or organisation.email).rpartition("@")[2]


def by_key(session: Session, key: str) -> OutboxMessage | None:
    """Return the message of a cause."""
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
    claimed: list[OutboxMessage] = []
    while not claimed and (found := session.scalars(due).all()):  # what a person has to decide is no reason to stop
        claimed = [message for message in found if _claim(session, message, at)]
    for message in claimed:
        session.refresh(message)
        session.expunge(message)
    return claimed


def _claim(session: Session, message: OutboxMessage, at: datetime) -> bool:
    """Return whether the row is ours to send."""
    was_stuck = message.status is MessageStatus.SENDING
    if was_stuck and message.was_interrupted:
        _change(session, message, status=MessageStatus.FAILED)
        return False
    return _change(
        session,
        message,
        status=MessageStatus.SENDING,
        n_attempts=message.n_attempts + 1,
        next_attempt_at=at + LEASE,
        was_interrupted=was_stuck or message.was_interrupted,
    )


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
        .values(status=MessageStatus.SENT, sent_at=at, last_error=None)
        .execution_options(synchronize_session="fetch")
    )


def mark_failed(
    session: Session, message: OutboxMessage, error: str, at: datetime, *, is_final: bool = False, is_doubtful: bool = False
) -> None:
    """
    Record why the attempt of a claimed message failed and when the next is due; FAILED after the last, or now when *is_final*.

    Does nothing when our lease ended and another worker has the row.

    Args:
        is_doubtful: The mail server had the whole message and did not say whether it took it. Twice is for a person to decide.
    """
    told = {"last_error": error, "was_interrupted": message.was_interrupted or is_doubtful}
    if is_final or message.n_attempts > len(BACK_OFF) or (is_doubtful and message.was_interrupted):
        _change(session, message, status=MessageStatus.FAILED, **told)
    else:
        wait = timedelta(minutes=BACK_OFF[message.n_attempts - 1])
        _change(session, message, status=MessageStatus.QUEUED, next_attempt_at=at + wait, **told)


def mark_returned(session: Session, message: OutboxMessage, why: str) -> None:
    """Record that the mail server took a message and later told that it could not be delivered: it did not arrive, so it was not sent."""
    if message.status is MessageStatus.SENT:
        message.status, message.sent_at, message.last_error = MessageStatus.FAILED, None, why
        session.flush()


# ── What a person decides ─────────────────────────────────────────────────────────────────────────────────────────────────

#: Events whose message is an act of the law: its address is that of the notice in the case.
NOTICES = frozenset({"answer", "act"})
NOT_ELSEWHERE = N_(
    "This message carries a legal notice, which goes only to the address that the citizen accepted (CPACA, art. 56). "
    "Correct the address in the case and notify from there."
)
LEAVING = N_("This message already left, or is leaving right now. Reload the page to see which.")


def check_open(message: OutboxMessage) -> None:
    """Refuse to decide anything about a message that left, is leaving, or belongs to a digest."""
    match message.status:
        case MessageStatus.SENT | MessageStatus.SENDING:
            raise DomainError(LEAVING)
        case MessageStatus.HELD | MessageStatus.DIGESTED:
            raise DomainError(N_("This message goes in the digest of the person; there is nothing to send by itself."))


def resend(session: Session, message: OutboxMessage, at: datetime) -> None:
    """
    Queue a message again, with all its attempts, because a person asked.

    Raises:
        DomainError: As `check_open`; or it is a legal notice that was given up: its case says that it came back, and goes on from there.
    """
    check_open(message)
    if message.event in NOTICES and message.status is MessageStatus.DISCARDED:
        raise DomainError(N_("This legal notice was given up, and its case says so: notify from there."))
    _decide(session, message, status=MessageStatus.QUEUED, n_attempts=0, next_attempt_at=at, last_error=None)
    session.info[HAS_MAIL] = True


def _decide(session: Session, message: OutboxMessage, **values: object) -> None:
    """Write *values*, unless a worker took the row since the person looked. Raises DomainError."""
    if not _change(session, message, **values):
        raise DomainError(LEAVING)


def redirect(session: Session, message: OutboxMessage, to: str, at: datetime) -> None:
    """
    Queue a message again, to a corrected address. It may have arrived at the old one, never at this: the mark of a doubt stays.

    Raises:
        DomainError: As `check_open`; or it carries the link of a notice, which goes only where the citizen accepted to be notified.
    """
    check_open(message)
    if message.event in NOTICES:
        raise DomainError(NOT_ELSEWHERE, field="to")
    _decide(session, message, to_address=to.strip(), status=MessageStatus.QUEUED, n_attempts=0, next_attempt_at=at, last_error=None)
    session.info[HAS_MAIL] = True


def give_up(session: Session, message: OutboxMessage, reason: str) -> None:
    """Leave a message unsent for good. Raises DomainError as `check_open`, for one given up before, or without a reason."""
    check_open(message)
    if message.status is MessageStatus.DISCARDED:
        raise DomainError(N_("This message was given up before."))
    if not reason.strip():
        raise DomainError(N_("Write why it is given up."), field="reason")
    _decide(session, message, status=MessageStatus.DISCARDED, last_error=reason.strip())
