"""Mail on its way out: claim, talk to the mail server, tell how it went."""

from __future__ import annotations

from datetime import datetime

import structlog
from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import mailer, queries
from app.extensions import now
from app.models import OutboxMessage, Pqr, StoredFile
from app.operations import digests, files, notices, outbox

log = structlog.get_logger("atiende.jobs")


def deliver(session: Session, limit: int = 500) -> int:
    """
    Send up to *limit* due messages; return how many left. Commits around each, and holds no transaction while it talks to the
    mail server. Stops when the server itself does not answer: the rest waits without spending its attempts.
    """
    if not mailer.is_configured(current_app.config):
        return 0
    n_sent = 0
    with mailer.Mailer(current_app.config) as server:
        while n_sent < limit:
            claimed = outbox.claim_due(session, now())
            head = _head_of(session, claimed[0]) if claimed else None
            attached = _file_of(session, claimed[0]) if claimed else None
            session.commit()
            if head is None:
                break
            is_sent, may_go_on = _send(session, server, head, claimed[0], attached)
            n_sent += is_sent
            if not may_go_on:
                break
    return n_sent


def _head_of(session: Session, message: OutboxMessage) -> mailer.Head:
    number = session.scalar(select(Pqr.number).where(Pqr.id == message.pqr_id)) if message.pqr_id else None
    return mailer.Head.of(queries.organisation(session), current_app.config, number)


def _file_of(session: Session, message: OutboxMessage) -> StoredFile | None:
    """Return the file that goes with *message*, detached: it stays readable without a transaction."""
    stored = session.get(StoredFile, message.attachment_id) if message.attachment_id else None
    if stored is not None:
        session.expunge(stored)
    return stored


def _enclosed(stored: StoredFile | None) -> mailer.Enclosure | None:
    """Return *stored* as it goes with a message. Raises NotSent: it is not in the store, or the store does not answer now."""
    if stored is None:
        return None
    try:
        with files.open_file(stored) as content:
            return mailer.Enclosure(stored.name, stored.media_type, content.read())
    except files.FileMissing as error:
        raise mailer.NotSent(f"FileMissing: {stored.name}", is_final=True) from error
    except OSError as error:
        raise mailer.NotSent(f"{type(error).__name__}: {stored.name}") from error


def _send(
    session: Session, server: mailer.Mailer, head: mailer.Head, message: OutboxMessage, stored: StoredFile | None
) -> tuple[bool, bool]:
    """Send one claimed message and record how it went; return whether it left, and whether the server takes more."""
    try:
        server.send(mailer.compose(message, head, now(), _enclosed(stored)), head.envelope)
    except mailer.NotSent as error:
        outbox.mark_failed(session, message, str(error), now(), is_final=error.is_final, is_doubtful=error.is_doubtful)
        if error.is_final:
            notices.record_refusal(session, message, str(error), at=now())
        log.warning("mail", id=message.id, attempt=message.n_attempts, is_final=error.is_final)
        is_sent, may_go_on = False, not error.is_server
    else:
        outbox.mark_sent(session, message, now())
        is_sent, may_go_on = True, True
    session.commit()
    return is_sent, may_go_on


def digest(session: Session, at: datetime) -> int:
    """Write the digests that are due; return how many. Each is committed by itself, so that one that fails stops no other."""
    n_written = 0
    for user_id in digests.due(session, at):
        try:
            n_written += digests.write_digest(session, user_id, at) is not None
            session.commit()
        except Exception:
            session.rollback()
            log.exception("digest", user_id=user_id)
    return n_written
