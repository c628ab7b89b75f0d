"""The letter that answers a case: issued once, and shown before that as it would be issued."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.states import DocumentKind, Move, arrow_for
from app.extensions import local
from app.models import AnswerPoint, Document, Pqr
from app.operations.answers import draft_of, mark_issued
from app.operations.coverage import check_covered, points_of
from app.operations.numbers import next_number
from app.operations.recursos import recursos_text

PREFIX = "RES"
#: Stands for the number of a letter that has none yet.
DRAFT_NUMBER = "BORRADOR"


def issue_answer(session: Session, pqr: Pqr, approver: User, at: datetime) -> Document:
    """
    Issue the draft of the case as a numbered letter and move the case to ANSWERED; return the letter. The caller commits.

    Raises:
        IllegalMove, MoveRefused: The case cannot be answered now, has no draft, or the draft leaves a point open.
        DomainError: The text on recursos that this letter must carry is not loaded.
    """
    queries.hold_calendar(session, pqr.organisation)  # before the row, in the order of every move
    queries.lock(session, pqr)  # a second approver waits here, and then sees an answered case
    arrow_for(Move.ISSUE_ANSWER, pqr.status)
    draft_of(pqr)
    points = check_covered(session, pqr)
    letter = _letter(session, pqr, points, approver, local(at).date())
    number = next_number(session, pqr.organisation_id, PREFIX, local(at).year)
    data = base.seal(letter | {"document_number": number})
    document = base.issue(session, base.Issue(DocumentKind.ANSWER, "answer", at, approver.id, pqr), number, data)
    mark_issued(session, pqr, number, document, approver.id, local(at).date(), at)
    return document


def preview_answer(session: Session, pqr: Pqr, reader: User, on: date) -> bytes:
    """
    Return the letter as it would be issued by *reader* on *on*: marked as a draft, without number or signature, stored nowhere.

    Raises:
        MoveRefused: There is no draft, or it was issued.
        DomainError: The text on recursos that this letter must carry is not loaded.
    """
    draft_of(pqr)
    letter = _letter(session, pqr, points_of(session, pqr), reader, on)
    unsigned = letter["signatory"] | base.picture_of(None)
    unsealed = {"document_number": DRAFT_NUMBER, "is_draft": True, "sha256": "", "verify_url": None, "qr": None, "signatory": unsigned}
    return base.rendered("answer", letter | unsealed)


def _letter(session: Session, pqr: Pqr, points: Sequence[AnswerPoint], approver: User, on: date) -> dict[str, Any]:
    """Return what the letter says, but for its number. A point without a reply of its own is answered by the text."""
    answer = draft_of(pqr)
    return {
        **base.of_case(pqr),
        "issued_on": on.isoformat(),
        "place": pqr.organisation.municipality.name,
        "day": base.day(on),
        "filed": base.day(pqr.filed_on),
        "is_company": base.is_company(pqr),
        "addressee": base.addressee(pqr),
        "body": base.paragraphs(_without_closing(answer.body)),
        "points": [{"asked": point.asked, "reply": base.paragraphs(point.reply)} for point in points if point.reply],
        "appeal": base.paragraphs(recursos_text(session, pqr)),
        "signatory": base.signatory(session, pqr.organisation, approver),
        "drafted_by": answer.drafted_by.get_full_name() if answer.drafted_by else None,
        "approved_by": approver.get_full_name(),
    }


def _without_closing(body: str) -> str:
    """Return *body* without the «Cordialmente,» that drafts end with: the template sets it next to the signature."""
    return re.sub(r"\n\s*(cordialmente|atentamente|cordial saludo)\s*[,.:]?\s*$", "", body.rstrip(), flags=re.IGNORECASE)
