"""Webhooks on their way out: claim, call, tell how it went."""

from __future__ import annotations

import time

import structlog
from flask import current_app
from sqlalchemy.orm import Session

from app import hooks
from app.extensions import now
from app.operations import webhooks

log = structlog.get_logger("atiende.jobs")

#: Seconds that one run may take: slow receivers do not hold a worker.
MOST_SECONDS = 45


def call_hooks(session: Session, limit: int = 500) -> int:
    """
    Deliver up to *limit* due messages; return how many were taken. Commits around each, and holds no transaction while it calls.
    An address that fails is left for the rest of the run: a receiver that hangs makes nobody else wait. Ends after `MOST_SECONDS`,
    as the next minute goes on.
    """
    n_taken, failing, ends = 0, set[int](), time.monotonic() + MOST_SECONDS
    for _n in range(limit):
        if time.monotonic() > ends:
            break
        delivery = webhooks.claim_due(session, now(), failing)
        session.commit()
        if delivery is None:
            break
        at = now()
        reply = hooks.call(
            delivery.webhook.url, delivery.payload.encode(), webhooks.headers_for(delivery, at),
            allows_private=current_app.config["WEBHOOK_PRIVATE"],
        )  # fmt: skip
        if reply.is_taken:
            n_taken += 1
            webhooks.mark_taken(session, delivery, reply.status or 0, reply.text, now())
        else:
            failing.add(delivery.webhook_id)
            paused = webhooks.mark_failed(session, delivery, reply.status, reply.text, reply.error, now())
            log.warning("webhook", id=delivery.id, attempt=delivery.n_attempts, status=reply.status, is_paused=paused is not None)
        session.commit()
    return n_taken
