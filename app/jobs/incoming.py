"""Mail on its way in: what waits in the mailbox is taken in, committed message by message, and only then put away."""

from __future__ import annotations

import structlog
from flask import current_app
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import mailbox
from app.extensions import now
from app.mailbox import Head, Mailbox
from app.operations import inbox

log = structlog.get_logger("atiende.jobs")

#: Messages that are put away at once: as many as a worker that is killed lets be read once more, and known.
HANDFUL = 50


def read_mail(session: Session, limit: int = 2000) -> int:
    """
    Take in up to *limit* waiting messages; return how many had to be fetched. Holds no transaction while it talks to the mail server.

    A worker may be killed anywhere: what it committed is known by its Message-ID when it is read again.

    Raises:
        NotRead: The mailbox cannot be read; what was committed before stays.
    """
    if not mailbox.is_configured(current_app.config):
        return 0
    n_new = 0
    with Mailbox(current_app.config) as box:
        for heads in box.waiting():
            session.rollback()
            known = inbox.known_among(session, [(head.message_id, head.n_bytes) for head in heads])
            session.rollback()
            box.put_away(head.uid for head in heads if (head.message_id, head.n_bytes) in known)
            new = [head for head in heads if (head.message_id, head.n_bytes) not in known][: limit - n_new]
            n_new += sum(_take_handful(session, box, new[start : start + HANDFUL]) for start in range(0, len(new), HANDFUL))
            if n_new >= limit:
                break
    return n_new


def _take_handful(session: Session, box: Mailbox, heads: list[Head]) -> int:
    taken: list[int] = []
    try:
        for head in heads:
            raw = box.whole(head)
            if raw is not None and _take(session, inbox.Arrival(raw, head.received_at, box.name, head.n_bytes)):
                taken.append(head.uid)
    finally:
        box.put_away(taken)
    return len(taken)


def _take(session: Session, arrival: inbox.Arrival) -> bool:
    """Take in one message and commit; one that breaks us is set aside, and if even that fails it stays where it is for the next time."""
    for take in (inbox.take_in, inbox.set_aside):
        try:
            take(session, arrival, at=now())
            session.commit()
            return True
        except OperationalError:  # the database is busy or away: nothing is wrong with the message
            session.rollback()
            raise
        except Exception:
            session.rollback()
            log.exception("message", n_bytes=len(arrival.raw), step=take.__name__)
    return False
