"""What is held about a person, on paper: the page that goes with the archive of that person (Ley 1581 de 2012, arts. 8 and 14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.documents import base
from app.domain.states import Visibility
from app.extensions import LANGUAGE, local
from app.models import Account, Consent, Contract, Document, OutboxMessage, Party, Pqr, Quotation, StoredFile

#: Lines of a table on paper; the rest is in the data beside it.
MOST = 500


def holdings_of(session: Session, party: Party, at: datetime) -> bytes:
    """Return the PDF: the register of *party*, and a line for each thing that the person had to do with the company. Reads only."""
    organisation = queries.organisation(session)
    cases = select(Pqr.id).where(Pqr.party_id == party.id)
    with force_locale(LANGUAGE):
        tables = [
            (_("Accounts"), _accounts(session, party)),
            (_("Consents"), _consents(session, party, cases)),
            (_("Requests"), _cases(session, party)),
            (_("Quotations"), _quotations(session, party)),
            (_("Contracts"), _contracts(session, party)),
            (_("Documents"), _documents(session, cases)),
            (_("Messages sent"), _messages(session, party, cases)),
        ]
        data = {
            "organisation": base.head(organisation),
            "issued_on": local(at).date().isoformat(),
            "title": _("Personal data that we hold"),
            "facts": [list(fact) for fact in _facts(party, at)],
            "body": base.paragraphs(_words(organisation.name, organisation.email)),
            "tables": [{"title": title, "rows": rows} for title, lines in tables if (rows := list(lines)[:MOST])],
        }
    return base.rendered("sspd_sheet", data)


def _facts(party: Party, at: datetime) -> list[tuple[str, str | None]]:
    document = f"{party.document_type.name} {party.document_number}" if party.document_type else None
    town = party.municipality
    return [
        (_("Name"), party.name),
        (_("Document"), document),
        (_("E-mail"), party.email),
        (_("Phone"), party.phone),
        (_("Address"), party.address),
        (_("Municipality"), f"{town.name}, {town.department}" if town else None),
        (_("Registered on"), base.day(local(party.created_at).date())),
        (_("Made on"), base.day(local(at).date())),
    ]


def _words(name: str, email: str) -> str:
    return "\n\n".join((
        _("This is what %(organisation)s holds about you in its system for petitions, complaints and claims. The same data is beside this "
          "page in files that any program reads, with the files that you sent and those that were sent to you.", organisation=name),
        _("You may ask that it is corrected, updated or deleted, and withdraw what you agreed to, writing to %(email)s (Law 1581 of 2012, "
          "arts. 8 and 15). What the law orders to keep, as the file of a request, is kept for the time that it says.", email=email),
    ))  # fmt: skip


def _accounts(session: Session, party: Party) -> Iterable[tuple[str, str, str]]:
    found = select(Account).where(Account.party_id == party.id).options(joinedload(Account.service)).order_by(Account.number)
    for account in session.scalars(found):
        yield account.number, account.service.name, account.address


def _consents(session: Session, party: Party, cases: Any) -> Iterable[tuple[str, str, str]]:
    his = or_(Consent.party_id == party.id, Consent.pqr_id.in_(cases))
    for consent in session.scalars(select(Consent).where(his).options(joinedload(Consent.text)).order_by(Consent.granted_at, Consent.id)):
        ended = _("withdrawn on %(day)s", day=_short(consent.withdrawn_at)) if consent.withdrawn_at else _("in force")
        yield _short(consent.granted_at), _(consent.text.kind.value), ended


def _cases(session: Session, party: Party) -> Iterable[tuple[str, str, str]]:
    found = select(Pqr).where(Pqr.party_id == party.id).options(joinedload(Pqr.request_type)).order_by(Pqr.filed_on, Pqr.id)
    for pqr in session.scalars(found):
        yield f"{pqr.filed_on:%d/%m/%Y}", pqr.number, f"{pqr.request_type.name}: {pqr.subject} ({_(pqr.status.value)})"


def _quotations(session: Session, party: Party) -> Iterable[tuple[str, str, str]]:
    offered = select(Quotation).where(Quotation.party_id == party.id, Quotation.first_sent_on.is_not(None))
    for quotation in session.scalars(offered.order_by(Quotation.first_sent_on, Quotation.id)):
        yield f"{quotation.first_sent_on:%d/%m/%Y}", quotation.number, f"{quotation.subject} ({_(quotation.status.value)})"


def _contracts(session: Session, party: Party) -> Iterable[tuple[str, str, str]]:
    signed = select(Contract).where(Contract.party_id == party.id, Contract.signed_on.is_not(None))
    for contract in session.scalars(signed.order_by(Contract.signed_on, Contract.id)):
        yield f"{contract.signed_on:%d/%m/%Y}", contract.number, contract.object


def _documents(session: Session, cases: Any) -> Iterable[tuple[str, str, str]]:
    shown = select(StoredFile.id).where(StoredFile.visibility == Visibility.CITIZEN)
    found = select(Document).where(Document.pqr_id.in_(cases), Document.file_id.in_(shown)).order_by(Document.issued_at, Document.id)
    for document in session.scalars(found):
        yield _short(document.issued_at), document.number, _(document.kind.value)


def _messages(session: Session, party: Party, cases: Any) -> Iterable[tuple[str, str, str]]:
    to_him = or_(OutboxMessage.pqr_id.in_(cases), OutboxMessage.to_address == party.email)
    found = select(OutboxMessage).where(OutboxMessage.user_id.is_(None), to_him).order_by(OutboxMessage.created_at, OutboxMessage.id)
    for message in session.scalars(found):
        yield _short(message.sent_at or message.created_at), message.to_address, message.subject


def _short(instant: datetime) -> str:
    return f"{local(instant):%d/%m/%Y}"
