"""The paper of a quotation: what its current version offers, issued and kept when it is sent, shown with a mark before that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.amounts import pesos_in_words
from app.domain.quotations import QuoteTotals, valid_until_of
from app.domain.states import DocumentKind, DocumentType, PartyKind, Visibility
from app.extensions import local
from app.models import Document, Party, Quotation, QuotationLine, QuotationVersion
from app.operations import quotations
from app.operations.answers import LANGUAGE
from app.words import say_nit, say_pesos

TEMPLATE = "quotation"
#: What stands above the lines and is the house's to say.
INTRO = "text.quotation.intro"
#: Stands for the number of a paper that was not sent.
DRAFT_NUMBER = "BORRADOR"


def issue_quotation(session: Session, quotation: Quotation, issuer: User, *, sent_on: date, at: datetime) -> Document:
    """
    Issue the paper of the current version, dated and valid from *sent_on*; return it, flushed. The caller marks it as sent, and commits.

    Raises:
        MoveRefused, DomainError: It cannot be sent, or not on that day.
    """
    queries.lock(session, quotation)
    quotations.sending_wanted(quotation, sent_on, local(at).date())
    version = quotations.current(quotation)
    number = number_of(quotation, version)
    with force_locale(LANGUAGE):
        data = base.seal(_said(session, quotation, version, issuer, sent_on) | {"document_number": number})
    what = base.Issue(DocumentKind.QUOTATION, TEMPLATE, at, issuer.id, visibility=Visibility.STAFF)
    return base.issue(session, what, number, data)


def preview_quotation(session: Session, quotation: Quotation, reader: User, on: date) -> bytes:
    """Return the paper as *reader* would send it on *on*: marked as a draft, without fingerprint or signature, stored nowhere."""
    with force_locale(LANGUAGE):
        said = _said(session, quotation, quotations.current(quotation), reader, on)
    unsealed = {"document_number": DRAFT_NUMBER, "is_draft": True, "sha256": "", "verify_url": None, "qr": None}
    return base.rendered(TEMPLATE, said | unsealed | {"signatory": said["signatory"] | base.picture_of(None)})


def number_of(quotation: Quotation, version: QuotationVersion) -> str:
    """Return what the paper of a version is called: that of the first bears the number alone."""
    return quotation.number if version.number == 1 else f"{quotation.number}-V{version.number}"


# ── What it says ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _said(session: Session, quotation: Quotation, version: QuotationVersion, issuer: User, on: date) -> dict[str, Any]:
    """Return what the paper says, but for its number. Everything in words: the template computes nothing."""
    house, responsible = quotation.organisation, quotation.responsible
    signatory = base.signatory(session, house, issuer)
    prepared_by = responsible.get_full_name() if responsible else issuer.get_full_name()
    return {
        "organisation": base.head(house, "quotation"),
        "title": quotation.number if version.number == 1 else f"{quotation.number}, versión {version.number}",
        "subject": quotation.subject,
        "issued_on": on.isoformat(),
        "place": house.municipality.name,
        "day": base.day(on),
        "requested": base.day(quotation.requested_on),
        "valid_until": base.day(valid_until_of(on, version.validity_days)),
        "delivery": version.delivery or None,
        "payment": version.payment or None,
        "is_company": quotation.party.kind is PartyKind.ORGANISATION,
        "addressee": list(_addressee(quotation)),
        "intro": base.paragraphs(queries.parameter(session, INTRO)),
        "lines": [_line(line) for line in version.lines],
        **_sums(quotations.totals_of(version)),
        "conditions": base.paragraphs(version.conditions),
        "signatory": signatory,
        "prepared_by": prepared_by if prepared_by != signatory["name"] else None,
    }


def _line(line: QuotationLine) -> dict[str, Any]:
    return {
        "n": str(line.position),
        "description": base.paragraphs(line.description),
        "quantity": _number(line.quantity),
        "unit": line.unit,
        "price": say_pesos(line.unit_price_cop),
        "rate": f"{_number(line.vat_percent)} %",
        "subtotal": say_pesos(line.subtotal_cop),
    }


def _sums(sums: QuoteTotals) -> dict[str, Any]:
    return {
        "subtotal": say_pesos(sums.subtotal),
        "vat": [
            {"rate": f"IVA {_number(each.rate)} %", "base": say_pesos(each.base), "vat": say_pesos(each.vat)} for each in sums.vat
        ],
        "total": say_pesos(sums.total),
        "in_words": f"{pesos_in_words(sums.total)} moneda corriente",
    }


def _number(number: Decimal) -> str:
    """Return 1.234,5: without the zeros that the column brings."""
    return format_decimal(number.normalize(), "#,##0.###", locale="es_CO")


def _addressee(quotation: Quotation) -> Iterator[str]:
    """Yield the lines of the address: the party and its document, who reads it there, and where."""
    party, contact = quotation.party, quotation.contact
    yield party.name
    if document := _document(party):
        yield document
    if contact is not None:
        yield "Atención: " + ", ".join(part for part in (contact.name, contact.position) if part)
    if party.address:
        yield ", ".join(part for part in (party.address, party.municipality.name if party.municipality else "") if part)
    if email := email_of(quotation):
        yield email


def _document(party: Party) -> str:
    if party.document_type is None or not party.document_number:
        return ""
    is_nit = party.document_type is DocumentType.NIT
    return f"{party.document_type.name} {say_nit(party.document_number) if is_nit else party.document_number}"


def email_of(quotation: Quotation) -> str | None:
    """Return where the customer reads mail: the contact of the quotation, else the party."""
    return (quotation.contact.email if quotation.contact else None) or quotation.party.email
