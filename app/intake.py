"""
How the staff registers a case, the same at every door: what a form says becomes a filing.

The registration page and the counter ask for the same facts in another order. They give the catalogues to their form
(`fill_choices`), store what it says (`register`) and put a refusal beside its field (`blame`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import ConsentKind, DocumentType, Identity, PartyKind, Visibility
from app.extensions import local
from app.forms import CounterForm, RegisterForm, check_document
from app.models import Account, AnswerTemplate, Channel, Party, Pqr, Process, RequestType, Service
from app.operations import appeals, files, messages, parties
from app.operations import pqr as operations
from app.operations.decisions import KIND_OF
from app.words import say


def blame(form: Any, error: DomainError) -> None:
    """Put the refusal beside its field when the form shows that field, else on top."""
    name = error.field or ""
    field = next((form[key] for key in (name, f"{name}_id") if key in form), None)
    if field is not None:
        field.errors = [*field.errors, say(error)]
    else:
        form.form_errors.append(say(error))


# ── Choices ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def fill_choices(session: Session, form: Any, of_services: Collection[int] = ()) -> None:
    """
    Give the choices of the catalogues to whichever of these fields the form has.

    Args:
        of_services: What the accounts of the party have: then the service is that of the account.
    """
    for name, (statement, *empty) in _CATALOGUES.items():
        if name in form:
            rows = [] if name == "service" and of_services else session.scalars(statement).all()
            form[name].choices = [*empty, *((row.id, row.name) for row in rows)]
            form[name].rows = rows  # so they stay in the session, and whoever stores the choice asks no more


def _active(model: Any) -> Any:
    return select(model).where(model.is_active).order_by(model.position, model.name)


_NOTHING = ("", "—")
#: Field → its rows, and the empty choice if there is one.
_CATALOGUES: dict[str, tuple[Any, ...]] = {
    "request_type": (_active(RequestType),),
    "channel": (_active(Channel),),
    "service": (_active(Service), _NOTHING),
    "process_id": (select(Process).where(Process.is_active).order_by(Process.name), _NOTHING),
    "template": (select(AnswerTemplate).where(AnswerTemplate.is_active).order_by(AnswerTemplate.name), _NOTHING),
}


# ── Registering ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def register(session: Session, form: RegisterForm, *, at: datetime, actor_id: int, party: Party | None = None) -> Pqr:
    """
    Store the case that *form* describes, with its files and the mail that tells it; return it, flushed. The caller commits.

    Args:
        party: Who files, when the page found that before; otherwise the document and the name in the form say it.

    Raises:
        DomainError: With the name of the field that has to change.
    """
    checked = files.check_uploads(form.files.data)
    who = _party(session, form, party)
    on = local(at).date()
    filing = operations.Filing(
        organisation=queries.organisation(session),
        request_type=session.get_one(RequestType, form.request_type.data),
        channel=session.get_one(Channel, form.channel.data),
        subject=form.subject.data or textwrap.shorten(form.body.data, 120, placeholder="…"),
        body=form.body.data,
        identity=Identity[form.identity.data],
        party=who,
        account=_account(session, form),
        service=session.get(Service, form.service.data) if form.service.data else None,
        cause=form.cause.data,
        is_priority=form.is_priority.data,
        priority_reason=form.priority_reason.data or None,
        is_e_notice=form.is_e_notice.data,
        notice_email=form.email.data or None,
        notice_address=form.address.data or None,
        disputed_cop=form.disputed_cop.data,
        invoice_number=form.invoice_number.data or None,
        previous=_earlier(session, form.previous_number.data),
        submission=form.submission.data or None,
        consent_texts=queries.consents_to(session, _accepted(form) if who else (), on),
    )
    pqr = _file(session, filing, at, actor_id)
    if not pqr.files:  # else the other half of a double click brought them
        for item in checked:
            files.store_file(session, item, pqr=pqr, visibility=Visibility.CITIZEN)
    messages.tell_filed(session, pqr, at)
    session.flush()
    return pqr


def _file(session: Session, filing: operations.Filing, at: datetime, actor_id: int) -> Pqr:
    """File the case; a recurso that names the case it is against is one against its answer."""
    kind = KIND_OF.get(filing.request_type.code)
    if kind is None or filing.previous is None:
        return operations.file_pqr(session, filing, at=at, actor_id=actor_id)
    filing.regime = filing.previous.regime
    return appeals.file_appeal(session, filing, appeals.Brief(kind), at=at, actor_id=actor_id)


def _accepted(form: RegisterForm) -> list[ConsentKind]:
    return [kind for kind, box in ((ConsentKind.DATA, form.accepts_data), (ConsentKind.E_NOTICE, form.is_e_notice)) if box.data]


def _account(session: Session, form: RegisterForm) -> Account | None:
    """Return the account that was typed, else the one that was chosen among those of the party."""
    typed = queries.account_numbered(session, form.account_number.data, form.service.data)
    chosen = form.account.data if isinstance(form, CounterForm) else None
    return typed or (session.get(Account, chosen) if chosen else None)


def _party(session: Session, form: RegisterForm, known: Party | None) -> Party | None:
    """Return who files, made when unknown. What a known party lacks is filled in, what it has stays: that is corrected on its page."""
    if form.identity.data == Identity.ANONYMOUS.name:
        return None
    contact = {"email": form.email.data or None, "phone": form.phone.data or None, "address": form.address.data or None}
    if known is not None:
        return parties.complete(session, known, contact)
    kind = DocumentType[form.document_type.data] if form.document_type.data else None
    number = check_document(kind, form.document_number.data)
    name = " ".join((form.name.data or "").split())
    known = parties.find_party(session, kind, number)
    if known is not None and name and not parties.is_same_name(known.name, name):
        other = N_("This document is registered to %(name)s. If it is the same person leave the name empty; if not, check the number.")
        raise DomainError(other, field="name", name=known.name)
    if known is None and not name:
        raise DomainError(N_("Write the name of who files, or choose “Anonymous”."), field="name")
    if known is not None:
        return parties.complete(session, known, contact)
    kind_of_party = PartyKind.ORGANISATION if kind is DocumentType.NIT else PartyKind.PERSON
    return parties.find_or_create_party(session, kind_of_party, kind, number, name, **contact)


def _earlier(session: Session, number: str | None) -> Pqr | None:
    if not (number or "").strip():
        return None
    found = queries.case_by_number(session, number or "")
    if found is None:
        raise DomainError(N_("There is no case %(number)s."), field="previous_number", number=(number or "").strip())
    return found
