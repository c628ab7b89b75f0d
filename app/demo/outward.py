"""Another program that the demonstration company tells what happens: some deliveries taken, one that failed and one that waits."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.hooks import EVENT_OF, message
from app.domain.states import MessageStatus
from app.models import CaseEvent, Pqr, Webhook, WebhookDelivery
from app.operations import webhooks

_TOLD = 12
FAILED = "The receiver did not take it."


def tell_programs(session: Session, at: datetime) -> Webhook:
    """Add a board that hears of cases (not active: nothing leaves a demonstration), with its last deliveries; return it, flushed."""
    hook = Webhook(
        name="Tablero de indicadores", url="https://tablero.example.com/atiende", secret=webhooks.new_secret(), is_active=False,
        events="case.filed,case.answered,case.notified,case.silence,case.closed",
    )  # fmt: skip
    session.add(hook)
    session.flush()
    chosen = [move for move, event in EVENT_OF.items() if event in hook.events.split(",")]
    filed_here = CaseEvent.pqr.has(Pqr.source.is_(None))
    told = select(CaseEvent).where(CaseEvent.move.in_(chosen), filed_here).order_by(CaseEvent.id.desc()).limit(_TOLD)
    newest = session.scalars(told).all()
    for n, event in enumerate(newest):
        session.add(_delivery(hook, event, n, at))
    session.flush()
    return hook


def _delivery(hook: Webhook, event: CaseEvent, n: int, at: datetime) -> WebhookDelivery:
    """Return the delivery of *event*: the newest waits, the third failed, the rest was taken at once."""
    name = EVENT_OF[event.move]
    became = {
        0: {"status": MessageStatus.QUEUED, "n_attempts": 2, "last_error": FAILED, "last_status": 503, "next_attempt_at": at},
        2: {"status": MessageStatus.FAILED, "n_attempts": 8, "last_error": FAILED, "last_status": 500, "next_attempt_at": event.at},
    }
    taken = {"status": MessageStatus.SENT, "n_attempts": 1, "sent_at": event.at + timedelta(seconds=2), "last_status": 204,
             "next_attempt_at": event.at}  # fmt: skip
    return WebhookDelivery(
        webhook_id=hook.id, key=f"{event.pqr.number}-{event.id}", event=name, pqr_id=event.pqr_id, created_at=event.at,
        payload=message(name, event.at, webhooks.facts_of(event.pqr)), **became.get(n, taken),
    )  # fmt: skip
