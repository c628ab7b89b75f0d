"""The letter that answers a case."""

from __future__ import annotations

import re
from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import DocumentKind, Move, arrow_for
from app.extensions import local, public_url
from app.models import Document, Pqr
from app.operations.answers import draft_of, mark_issued
from app.operations.notices import admits_recursos
from app.operations.numbers import next_number


def issue_answer(session: Session, pqr: Pqr, approver: User, at: datetime) -> Document:
    """
    Issue the draft of the case as a numbered letter and move the case to ANSWERED; return the letter. The caller commits.

    Raises:
        IllegalMove, MoveRefused: The case cannot be answered now, or has no draft.
        DomainError: The text on recursos that this letter must carry is not loaded.
    """
    queries.hold_calendar(session, pqr.organisation)  # before the row, in the order of every move
    queries.lock(session, pqr)  # a second approver waits here, and then sees an answered case
    arrow_for(Move.ISSUE_ANSWER, pqr.status)
    answer = draft_of(pqr)
    appeal = _appeal_text(session, pqr)
    on = local(at).date()
    number = next_number(session, pqr.organisation_id, "RES", on.year)
    drafter, url = answer.drafted_by, public_url(f"/pqr/consulta?n={pqr.number}")
    data = {
        **base.of_case(pqr),
        "document_number": number,
        "consult_url": url,
        "qr": base.qr(url) if url else None,
        "issued_on": on.isoformat(),
        "place": pqr.organisation.municipality.name,
        "day": base.day(on),
        "filed": base.day(pqr.filed_on),
        "is_company": base.is_company(pqr),
        "addressee": base.addressee(pqr),
        "body": base.paragraphs(_without_closing(answer.body)),
        "appeal": base.paragraphs(appeal),
        "signatory": base.signatory(pqr.organisation),
        "drafted_by": drafter.get_full_name() if drafter else None,
        "approved_by": approver.get_full_name(),
    }
    data["sha256"] = base.fingerprint(data)
    document = base.issue(session, base.Issue(DocumentKind.ANSWER, "answer", at, approver.id, pqr), number, data)
    mark_issued(session, pqr, number, document, approver.id, on, at)
    return document


def _appeal_text(session: Session, pqr: Pqr) -> str:
    """Return the paragraph on recursos, when the type has them under Ley 142 (arts. 154, 159); a letter without it is defective."""
    if not admits_recursos(session, pqr):
        return ""
    text = queries.parameter(session, "text.appeal")
    if not text.strip():
        raise DomainError(N_("The text on appeals is missing. An administrator has to write it in Parameters, under text.appeal."))
    return text


def _without_closing(body: str) -> str:
    """Return *body* without the «Cordialmente,» that drafts end with: the template sets it next to the signature."""
    return re.sub(r"\n\s*(cordialmente|atentamente|cordial saludo)\s*[,.:]?\s*$", "", body.rstrip(), flags=re.IGNORECASE)
