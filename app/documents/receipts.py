"""The receipt of a filing: proof with number, key and legal date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from babel.dates import format_time
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.states import DocumentKind, Identity
from app.extensions import local, public_url
from app.models import Document, Pqr
from app.operations.answers import LANGUAGE


def receipt_of(session: Session, pqr: Pqr, at: datetime) -> Document:
    """Return the receipt of the case: issued by the first call, the same one ever after. Writes, so a GET starts writing first."""
    known = _receipt(session, pqr)
    if known is None:
        queries.lock(session, pqr)  # two clicks: the second finds what the first issued
        known = _receipt(session, pqr)
    if known is not None:
        return known
    number = f"REC-{pqr.number}"
    return base.issue(session, base.Issue(DocumentKind.RECEIPT, "receipt", at, pqr=pqr), number, _data(session, pqr, number))


def _receipt(session: Session, pqr: Pqr) -> Document | None:
    return session.scalar(select(Document).where(Document.pqr_id == pqr.id, Document.kind == DocumentKind.RECEIPT))


def _data(session: Session, pqr: Pqr, number: str) -> dict[str, Any]:
    filed = local(pqr.filed_at)
    with force_locale(LANGUAGE):
        unit = _(pqr.term_unit.value)
    notice = "EMAIL" if pqr.is_e_notice else "NOBODY" if pqr.identity is Identity.ANONYMOUS else "IN_PERSON"
    url = public_url(f"/pqr/consulta?n={pqr.number}")
    return {
        **base.of_case(pqr),
        "document_number": number,
        "consult_url": url,
        "qr": base.qr(url) if url else None,
        # Whoever types an account number on the public page must not learn from the receipt where that is.
        "account": pqr.account.number if pqr.account and pqr.identity is not Identity.RESERVED else None,
        "issued_on": pqr.filed_on.isoformat(),
        "access_key": pqr.access_key,
        "filed": f"{base.day(pqr.filed_on)}, {format_time(filed.time(), 'short', locale='es_CO')}",
        "effective": base.day(pqr.effective_on),
        "due": base.day(pqr.due_on) if pqr.due_on else None,
        "term": f"{pqr.term_value} {unit.lower()} · {pqr.term.norm}",
        "request_type": pqr.request_type.name,
        "channel": pqr.channel.name,
        "petitioner": base.name(pqr),
        "next_steps": base.lines(queries.parameter(session, "text.receipt_next")),
        "notice": notice,
    }
