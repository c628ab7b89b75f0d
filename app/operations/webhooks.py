"""
What other programs are told: rows written by the transaction of the act, claimed and delivered by a job.

As with mail, a worker claims a row (SENDING, with a lease) and commits before it calls. If it dies between calling and telling, the row
is delivered again after the lease, marked, under the same identifier: by it a receiver knows the repetition.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, joinedload

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.hooks import EVENT_OF, EVENTS, TEST, check_url, headers, message, secret_of
from app.domain.states import MessageStatus
from app.extensions import public_url
from app.models import CaseEvent, Pqr, Webhook, WebhookDelivery
from app.operations import messages

#: Minutes until the next attempt after the first, second… failed one; after the last comes FAILED. Together, almost two days.
BACK_OFF = (1, 5, 15, 60, 180, 720, 1440)
#: How long a worker may hold a row: longer than a call may take (`hooks.TIMEOUT`).
LEASE = timedelta(minutes=2)
#: An address that failed for so long without one success is paused.
PATIENCE = timedelta(days=3)
#: How long the secret before signs too, so that a receiver may change it without losing a message.
OVERLAP = timedelta(hours=24)
#: `session.info` key: this transaction left something to deliver, so whoever commits may wake the worker.
HAS_HOOKS = "atiende.has_hooks"
PAUSED = N_("It failed for three days.")


# ── Addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def new_secret() -> str:
    """Return a secret that nobody can guess (256 bits)."""
    return secret_of(secrets.token_bytes(32))


def check_hook(hook: Webhook, *, allows_private: bool) -> None:
    """Refuse what cannot be called, or would never be. Raises DomainError with its field."""
    check_url(hook.url, allows_private=allows_private)
    if not events_of(hook):
        raise DomainError(N_("Choose at least one event."), field="events")


def events_of(hook: Webhook) -> list[str]:
    """Return the events that *hook* is told, in their order."""
    chosen = set((hook.events or "").split(","))
    return [event for event in EVENTS if event in chosen]


def rotate(session: Session, hook: Webhook, at: datetime) -> str:
    """Return the new secret of *hook*; the one before signs too for `OVERLAP`."""
    hook.previous_secret, hook.previous_until = hook.secret, at + OVERLAP
    hook.secret = new_secret()
    session.flush()
    return hook.secret


def resume(session: Session, hook: Webhook) -> None:
    """Deliver to *hook* again what waited while it was paused."""
    hook.paused_at, hook.paused_why, hook.n_failures, hook.failing_since = None, "", 0, None
    session.info[HAS_HOOKS] = True
    session.flush()


# ── Queueing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def emit(session: Session, event: CaseEvent) -> None:
    """
    Queue what *event* (flushed) tells, once for each address that chose it. What is brought in silently tells nobody.

    Called by `operations.pqr` alone, in the transaction of the act.
    """
    name = EVENT_OF.get(event.move)
    if name is None or session.info.get("silent"):
        return
    active = select(Webhook.id, Webhook.events).where(Webhook.is_active).order_by(Webhook.id)
    hooks = [hook_id for hook_id, events in session.execute(active) if name in events.split(",")]
    if not hooks:
        return
    pqr = event.pqr
    body = message(name, event.at, facts_of(pqr))
    for hook_id in hooks:
        _queue(session, hook_id, f"{pqr.number}-{event.id}", name, body, pqr, event.at)


def facts_of(pqr: Pqr) -> dict[str, str | None]:
    """Return what a message says of a case: nothing of anybody."""
    return {
        "number": pqr.number,
        "status": pqr.status.name,
        "request_type": pqr.request_type.code,
        "process": pqr.process.code,
        "due_on": pqr.due_on.isoformat() if pqr.due_on else None,
        "safe_on": pqr.safe_on.isoformat() if pqr.safe_on else None,
        "url": public_url(f"/pqr/{pqr.number}", trust_request=False),
    }


def send_test(session: Session, hook: Webhook, at: datetime) -> WebhookDelivery:
    """Queue a message that means nothing, also to an address that is paused or not active."""
    key = f"test-{secrets.token_hex(8)}"
    return _queue(session, hook.id, key, TEST, message(TEST, at, {"webhook": hook.name}), None, at)


def _queue(session: Session, hook_id: int, key: str, event: str, body: str, pqr: Pqr | None, at: datetime) -> WebhookDelivery:
    delivery = WebhookDelivery(
        webhook_id=hook_id, key=key, event=event, payload=body, pqr_id=pqr.id if pqr else None, next_attempt_at=at, created_at=at
    )
    session.add(delivery)
    session.flush()
    session.info[HAS_HOOKS] = True
    return delivery


# ── Delivering ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def claim_due(session: Session, at: datetime, without: Collection[int] = ()) -> WebhookDelivery | None:
    """
    Return a delivery that is due at *at*, now SENDING and ours until `LEASE` has passed; its address is loaded, both detached.
    Commit before calling.

    Args:
        without: Addresses that just failed: what waits for them does not make the others wait.
    """
    is_open = and_(Webhook.is_active, Webhook.paused_at.is_(None))
    due = (
        select(WebhookDelivery)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            WebhookDelivery.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)), WebhookDelivery.next_attempt_at <= at,
            or_(is_open, WebhookDelivery.event == TEST), WebhookDelivery.webhook_id.not_in(without),
        )
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
        .options(joinedload(WebhookDelivery.webhook))
        .with_for_update(skip_locked=True, of=WebhookDelivery)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    while (delivery := session.scalars(due).first()) is not None:
        was_stuck = delivery.status is MessageStatus.SENDING
        claimed = {"status": MessageStatus.SENDING, "n_attempts": delivery.n_attempts + 1, "next_attempt_at": at + LEASE}
        if _change(session, delivery, **claimed, was_interrupted=delivery.was_interrupted or was_stuck):
            session.refresh(delivery)
            hook = delivery.webhook
            session.expunge(delivery)
            session.expunge(hook)
            return delivery
    return None


def headers_for(delivery: WebhookDelivery, at: datetime) -> dict[str, str]:
    """Return the headers that identify and sign *delivery* at *at*."""
    hook = delivery.webhook
    keys = [hook.secret]
    if hook.previous_secret and hook.previous_until and hook.previous_until > at:
        keys.append(hook.previous_secret)
    return headers(keys, delivery.key, at, delivery.payload)


def mark_taken(session: Session, delivery: WebhookDelivery, status: int, answer: str, at: datetime) -> None:
    """Record that the receiver took a claimed delivery."""
    taken = {"status": MessageStatus.SENT, "sent_at": at, "last_status": status, "last_answer": answer, "last_error": ""}
    session.execute(
        update(WebhookDelivery).where(WebhookDelivery.id == delivery.id, WebhookDelivery.status != MessageStatus.SENT).values(**taken)
    )
    is_failing = and_(Webhook.id == delivery.webhook_id, Webhook.n_failures > 0)
    session.execute(update(Webhook).where(is_failing).values(n_failures=0, failing_since=None))


def mark_failed(session: Session, delivery: WebhookDelivery, status: int | None, answer: str, error: str, at: datetime) -> Webhook | None:
    """
    Record why a claimed delivery failed and when the next attempt is due; FAILED after the last.

    Returns:
        The address, if that was the failure after which it is paused; the administrators are told.
    """
    is_last = delivery.n_attempts > len(BACK_OFF) or delivery.event == TEST
    next_at = at if is_last else at + timedelta(minutes=BACK_OFF[delivery.n_attempts - 1])
    state = MessageStatus.FAILED if is_last else MessageStatus.QUEUED
    _change(session, delivery, status=state, next_attempt_at=next_at, last_status=status, last_answer=answer, last_error=error)
    if delivery.event == TEST:
        return None  # somebody tries out: nothing is lost
    hook = session.get_one(Webhook, delivery.webhook_id, with_for_update=True, populate_existing=True)
    since = hook.failing_since or at
    session.execute(update(Webhook).where(Webhook.id == hook.id).values(n_failures=hook.n_failures + 1, failing_since=since))
    if hook.paused_at is not None or at - since < PATIENCE:
        return None
    session.refresh(hook)
    hook.paused_at, hook.paused_why = at, PAUSED
    session.flush()
    _tell_administrators(session, hook, at)
    return hook


def _tell_administrators(session: Session, hook: Webhook, at: datetime) -> None:
    facts = {"name": hook.name, "since": hook.failing_since, "url": f"/webhook/show/{hook.id}"}
    for user in session.scalars(select(User).where(User.active, User.roles.any(Role.name == "Admin")).order_by(User.id)):
        messages.tell_user(session, user, "hook_paused", facts, key=f"hook_paused:{hook.id}:{at:%Y%m%d%H}:{user.id}", at=at)


def _change(session: Session, delivery: WebhookDelivery, **values: object) -> bool:
    """Write *values* unless the row moved on since *delivery* was read; return whether they were written."""
    seen = (WebhookDelivery.status == delivery.status, WebhookDelivery.n_attempts == delivery.n_attempts)
    statement = update(WebhookDelivery).where(WebhookDelivery.id == delivery.id, *seen).values(values)
    return session.execute(statement.execution_options(synchronize_session="fetch")).rowcount == 1


def resend(session: Session, delivery: WebhookDelivery, at: datetime) -> None:
    """Queue a delivery again, with all its attempts, because a person asked. Raises DomainError for one that is under way."""
    if delivery.status in (MessageStatus.QUEUED, MessageStatus.SENDING):
        raise DomainError(N_("It is on its way already."))
    delivery.status, delivery.n_attempts, delivery.next_attempt_at, delivery.sent_at = MessageStatus.QUEUED, 0, at, None
    session.info[HAS_HOOKS] = True
    session.flush()


def drop(session: Session, deliveries: Sequence[WebhookDelivery]) -> None:
    """Give up what waits, because a person said so."""
    for delivery in deliveries:
        if delivery.status is MessageStatus.SENT:
            raise DomainError(N_("It was delivered: there is nothing to give up."))
        delivery.status = MessageStatus.DISCARDED
    session.flush()
