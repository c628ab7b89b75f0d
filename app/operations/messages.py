"""What the system tells people by mail, written in the transaction of the act it tells. The words are in `templates/mail/`."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale, format_date
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.domain.states import Identity
from app.extensions import local, public_url
from app.models import Assignment, Document, Leave, Notice, OutboxMessage, Pqr, ProcessMember
from app.operations import rating
from app.operations.answers import LANGUAGE
from app.operations.outbox import queue_message


def tell_filed(session: Session, pqr: Pqr, at: datetime) -> OutboxMessage | None:
    """
    Tell whoever filed the case its number, key and legal date; return the message, or None when no address is known.

    The key opens the case, so it goes only to the address written in the request or that of the petitioner.
    """
    address = pqr.notice_email or (pqr.party.email if pqr.party else None)
    if not address:
        return None
    with force_locale(LANGUAGE):
        body = _write("filed", pqr, url=public_url(f"/pqr/consulta?n={pqr.number}", trust_request=False))
        subject = _("We received your request %(number)s", number=pqr.number)
    return queue_message(session, key=f"filed:{pqr.number}", event="filed", to=address, subject=subject, body=body, pqr=pqr, at=at)


def tell_answer(session: Session, pqr: Pqr, notice: Notice, url: str, at: datetime) -> OutboxMessage:
    """Send the link of an e-notice (CPACA art. 56); *url* is absolute. The citizen is served when it is opened, not now."""
    with force_locale(LANGUAGE):
        body = _write("answer", pqr, url=url, rating=rating.link_of(pqr))
        subject = _("Notice of the answer to your request %(number)s", number=pqr.number)
    return queue_message(
        session, key=f"answer:{pqr.number}:{notice.id}", event="answer", to=notice.address or "", subject=subject, body=body, pqr=pqr, at=at
    )


def tell_act(session: Session, pqr: Pqr, document: Document, at: datetime, notice: Notice | None = None) -> OutboxMessage | None:
    """
    Tell the citizen that an act was issued in the case; return the message, or None when no address is known.

    Args:
        notice: The e-notice whose link tells it; without one, the message says where to read it with number and key.
    """
    address = notice.address if notice else pqr.notice_email or (pqr.party.email if pqr.party else None)
    if not address:
        return None
    path = f"/n/{notice.token}" if notice else f"/pqr/consulta?n={pqr.number}"
    with force_locale(LANGUAGE):
        facts = {"document": document, "kind": _(document.kind.value), "is_link": notice is not None}
        body = _write("act", pqr, url=public_url(path, trust_request=notice is not None), **facts)
        subject = _("Document %(act)s of your request %(number)s", act=document.number, number=pqr.number)
    return queue_message(session, key=f"act:{document.number}", event="act", to=address, subject=subject, body=body, pqr=pqr, at=at)


def tell_closed(session: Session, pqr: Pqr, at: datetime) -> OutboxMessage | None:
    """Tell the citizen that the case is closed and ask how it was attended; return the message, or None when no address is known."""
    address = pqr.notice_email or (pqr.party.email if pqr.party else None)
    link = rating.link_of(pqr)
    if not address or not link:
        return None
    with force_locale(LANGUAGE):
        body = _write("closed", pqr, rating=link)
        subject = _("Your request %(number)s is closed: how did we attend you?", number=pqr.number)
    return queue_message(session, key=f"closed:{pqr.number}", event="closed", to=address, subject=subject, body=body, pqr=pqr, at=at)


def tell_routed(session: Session, pqr: Pqr, at: datetime) -> list[OutboxMessage]:
    """Tell the person who now holds the case, or everybody of its process; return the messages. No personal data inside."""
    baton = session.scalar(select(Assignment.id).where(Assignment.pqr_id == pqr.id, Assignment.out_at.is_(None)))
    messages = []
    with force_locale(LANGUAGE):
        url = public_url(f"/pqr/{pqr.number}", trust_request=False)
        subject = _("%(number)s is now with %(process)s", number=pqr.number, process=pqr.process.name)
        for user in _people_of(session, pqr, local(at).date()):
            body = _write("routed", pqr, url=url, user=user)
            key = f"routed:{pqr.number}:{baton}:{user.id}"
            messages.append(queue_message(session, key=key, event="routed", to=user.email, subject=subject, body=body, pqr=pqr, at=at))
    return messages


def _people_of(session: Session, pqr: Pqr, today: date) -> list[User]:
    """Return who is told: the holder, or the owners and substitutes of the process in office on *today*; and who stands in for them."""
    statement = select(User).where(User.active, User.email.is_not(None), User.email != "").order_by(User.id)
    standing_in = select(Leave.substitute_id).where(Leave.starts_on <= today, Leave.ends_on >= today)
    if pqr.holder_id:
        for_holder = standing_in.where(Leave.user_id == pqr.holder_id)
        return list(session.scalars(statement.where(or_(User.id == pqr.holder_id, User.id.in_(for_holder)))))
    members = select(ProcessMember.user_id).where(
        ProcessMember.process_id == pqr.process_id,
        or_(ProcessMember.valid_from.is_(None), ProcessMember.valid_from <= today),
        or_(ProcessMember.valid_until.is_(None), ProcessMember.valid_until >= today),
    )
    for_members = standing_in.where(Leave.user_id.in_(members))
    return list(session.scalars(statement.where(or_(User.id.in_(members), User.id.in_(for_members)))))


def _write(template: str, pqr: Pqr, **more: Any) -> str:
    """Return the body from `mail/<template>.txt`; read without the context of a screen, which mail has not."""
    page = current_app.jinja_env.get_template(f"mail/{template}.txt")
    name = pqr.party.name if pqr.party and pqr.identity is Identity.NAMED else None
    text = page.render(pqr=pqr, name=name, day=_long_date, organisation=pqr.organisation, **more)
    return re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n"  # lines that had nothing to say leave no hole


def _long_date(day: date) -> str:
    return format_date(day, "long")
