"""A quotation on its way to the customer: by mail, with its paper attached, or by hand; and those whose validity ends by itself."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.quotations import QuotationStatus
from app.extensions import LANGUAGE, local
from app.models import Document, OutboxMessage, Quotation
from app.operations import messages, quotations
from app.words import say_pesos, tidy

EVENT = "quotation"


def send_by_mail(
    session: Session, quotation: Quotation, document: Document, *, to: str, message: str, at: datetime, actor_id: int | None
) -> OutboxMessage:
    """
    Queue the mail that carries *document* and record that the quotation was sent today; return the mail, flushed. Both or neither.

    Args:
        message: What the sender says in the mail besides; empty for nothing.

    Raises:
        MoveRefused, DomainError: It cannot be sent.
    """
    to = to.strip()
    if not to:
        raise DomainError(N_("Write the address that it goes to."), field="to")
    quotations.mark_sent(session, quotation, sent_on=local(at).date(), document=document, to=to, at=at, actor_id=actor_id)
    return _queue(session, quotation, document, to, message, key=f"{EVENT}:{document.number}", at=at, sender_id=actor_id)


def record_sending(
    session: Session, quotation: Quotation, document: Document, *, sent_on: date, how: str, at: datetime, actor_id: int | None
) -> Quotation:
    """
    Record that the quotation was handed over or sent some other way; return it, flushed.

    Raises:
        MoveRefused: It is no draft.
        DomainError: Nobody says how, or the date is after today, before the request or before an earlier version was sent.
    """
    if not how.strip():
        raise DomainError(N_("Write how it was sent: by hand, by courier, to which address…"), field="how")
    return quotations.mark_sent(session, quotation, sent_on=sent_on, document=document, to=how, at=at, actor_id=actor_id)


def send_again(session: Session, quotation: Quotation, *, to: str, message: str, at: datetime, actor_id: int | None) -> OutboxMessage:
    """
    Queue the mail of what was sent once more, to another address or because it did not arrive; its sent date stays. Return the mail.

    Raises:
        MoveRefused: It was not sent, or is answered already.
    """
    queries.lock(session, quotation)
    document = quotations.current(quotation).document
    if quotation.status is not QuotationStatus.SENT or document is None:
        raise MoveRefused(N_("%(number)s does not wait for an answer: there is nothing to send again."), number=quotation.number)
    key = f"{EVENT}:{document.number}:{at:%Y%m%d%H%M%S}"
    return _queue(session, quotation, document, to.strip(), message, key=key, at=at, sender_id=actor_id)


def _queue(
    session: Session, quotation: Quotation, document: Document, to: str, message: str, *, key: str, at: datetime, sender_id: int | None
) -> OutboxMessage:
    """Queue the mail that carries *document*. Who answers it writes to the person that attends the customer, and files no request."""
    sender = quotation.responsible or (session.get(User, sender_id) if sender_id else None)
    with force_locale(LANGUAGE):
        total = say_pesos(quotation.total_cop)
    facts = {
        "quotation": document.number, "about": quotation.subject, "total": total, "until": quotation.valid_until, "message": tidy(message),
        "responsible": sender.get_full_name() if sender else quotation.organisation.name,
    }  # fmt: skip
    name = quotation.contact.name if quotation.contact else quotation.party.name
    reply_to = (sender.email or None) if sender else None
    return messages.tell_party(session, EVENT, facts, to=to, name=name, key=key, reply_to=reply_to, attachment=document.file, at=at)


def mail_of(session: Session, quotation: Quotation) -> OutboxMessage | None:
    """Return the last mail that carried the current version; None when it was sent by hand."""
    document_id = quotations.current(quotation).document_id
    if document_id is None:
        return None
    carries = OutboxMessage.attachment_id == select(Document.file_id).where(Document.id == document_id).scalar_subquery()
    return session.scalars(select(OutboxMessage).where(carries).order_by(OutboxMessage.id.desc()).limit(1)).first()


def expire_lapsed(session: Session, at: datetime) -> int:
    """Expire what was sent and was valid until yesterday or before; return how many. What a clerk ends meanwhile is left alone."""
    n_expired = 0
    for quotation in session.scalars(quotations.lapsed(local(at).date()).order_by(Quotation.id)).all():
        try:
            quotations.expire_quotation(session, quotation, at=at)
            n_expired += 1
        except MoveRefused:
            continue
    return n_expired
