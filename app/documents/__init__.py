"""
Documents that the system issues: the receipt of a filing and the letter that answers it.

Each is set once from the data of the case (`typesetting.render`), stored, and from then on only read: what comes out in a year is,
byte for byte, what was signed. The data it was set from stays beside it, without the citizen's key.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from datetime import datetime
from typing import Any

import segno
import structlog
import typst
from babel.dates import format_date, format_time
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum.co import nit

from app import queries
from app.documents.typesetting import picture, render, version_of
from app.domain import N_
from app.domain.deadlines import Regime
from app.domain.errors import DomainError
from app.domain.states import DocumentKind, Identity, Move, PartyKind, Visibility, arrow_for
from app.extensions import local, public_url
from app.models import Document, Municipality, Organisation, Pqr
from app.operations.answers import LANGUAGE, draft_of, mark_issued
from app.operations.files import open_file, store_file
from app.operations.numbers import next_number

__all__ = ["document_bytes", "fingerprint", "issue_answer", "receipt_of", "render"]

log = structlog.get_logger("atiende")

#: Request types whose answers carry the paragraph on recursos, when nobody changed the parameter `appeal.types`.
APPEALABLE = "RECLAMO,RECLAMO_SERVICIO,PETICION,QUEJA"
#: In the data of a document, but no part of what it says.
_APART = {"qr", "logo", "sha256", "access_key"}


class DocumentDamaged(DomainError):
    """The stored bytes are not those that were issued."""

    msgid = N_("The stored copy of %(number)s is damaged. Tell the administrator: a backup has to be restored.")


def document_bytes(document: Document) -> bytes:
    """Return the PDF as it was issued. Raises FileMissing, DocumentDamaged."""
    with open_file(document.file) as stored:
        content = stored.read()
    if hashlib.sha256(content).hexdigest() != document.file.sha256:
        raise DocumentDamaged(number=document.number)
    return content


def fingerprint(data: dict[str, Any]) -> str:
    """Return the SHA-256 of what a document says: of `Document.data` as canonical JSON, without pictures. Letters print theirs."""
    said = json.dumps(_without(data, _APART), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


# ── The receipt ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def receipt_of(session: Session, pqr: Pqr, at: datetime) -> Document:
    """Return the receipt of the case: issued by the first call, the same one ever after. Writes, so a GET starts writing first."""
    known = _receipt(session, pqr)
    if known is None:
        queries.lock(session, pqr)  # two clicks: the second finds what the first issued
        known = _receipt(session, pqr)
    if known is not None:
        return known
    number = f"REC-{pqr.number}"
    return _issue(session, pqr, DocumentKind.RECEIPT, number, "receipt", _receipt_data(session, pqr, number), at, None)


def _receipt(session: Session, pqr: Pqr) -> Document | None:
    return session.scalar(select(Document).where(Document.pqr_id == pqr.id, Document.kind == DocumentKind.RECEIPT))


def _receipt_data(session: Session, pqr: Pqr, number: str) -> dict[str, Any]:
    filed = local(pqr.filed_at)
    with force_locale(LANGUAGE):
        unit = _(pqr.term_unit.value)
    notice = "EMAIL" if pqr.is_e_notice else "NOBODY" if pqr.identity is Identity.ANONYMOUS else "IN_PERSON"
    return {
        **_common_data(pqr, number),
        # Whoever types an account number on the public page must not learn from the receipt where that is.
        "account": pqr.account.number if pqr.account and pqr.identity is not Identity.RESERVED else None,
        "issued_on": pqr.filed_on.isoformat(),
        "access_key": pqr.access_key,
        "filed": f"{_day(pqr.filed_on)}, {format_time(filed.time(), 'short', locale='es_CO')}",
        "effective": _day(pqr.effective_on),
        "due": _day(pqr.due_on) if pqr.due_on else None,
        "term": f"{pqr.term_value} {unit.lower()} · {pqr.term.norm}",
        "request_type": pqr.request_type.name,
        "channel": pqr.channel.name,
        "petitioner": _name(pqr),
        "next_steps": _lines(queries.parameter(session, "text.receipt_next")),
        "notice": notice,
    }


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    drafter = answer.drafted_by
    data = {
        **_common_data(pqr, number),
        "issued_on": on.isoformat(),
        "place": pqr.organisation.municipality.name,
        "day": _day(on),
        "filed": _day(pqr.filed_on),
        "is_company": bool(pqr.party and pqr.party.kind is PartyKind.ORGANISATION),
        "addressee": _addressee(pqr),
        "body": _paragraphs(_without_closing(answer.body)),
        "appeal": _paragraphs(appeal),
        "signatory": {"name": pqr.organisation.signatory_name, "title": pqr.organisation.signatory_title},
        "drafted_by": drafter.get_full_name() if drafter else None,
        "approved_by": approver.get_full_name(),
    }
    data["sha256"] = fingerprint(data)
    document = _issue(session, pqr, DocumentKind.ANSWER, number, "answer", data, at, approver.id)
    mark_issued(session, pqr, number, document, approver.id, on, at)
    return document


def _appeal_text(session: Session, pqr: Pqr) -> str:
    """Return the paragraph on recursos, when the type has them under Ley 142 (arts. 154, 159); a letter without it is defective."""
    types = queries.parameter(session, "appeal.types", APPEALABLE).replace(" ", "").split(",")
    if pqr.regime is not Regime.LEY142 or pqr.request_type.code not in types:
        return ""
    text = queries.parameter(session, "text.appeal")
    if not text.strip():
        raise DomainError(N_("The text on appeals is missing. An administrator has to write it in Parameters, under text.appeal."))
    return text


def _addressee(pqr: Pqr) -> list[str]:
    """Return name, address, city and e-mail of whoever reads the letter; nothing when the identity is not to be printed."""
    party = pqr.party
    if pqr.identity is not Identity.NAMED or party is None:
        return []
    address, city = pqr.notice_address or party.address, party.municipality
    if not address and pqr.account:
        address, city = pqr.account.address, pqr.account.municipality
    email = pqr.notice_email if pqr.is_e_notice else None
    return [line for line in (party.name, address, city.name if city and address else None, email) if line]


def _without_closing(body: str) -> str:
    """Return *body* without the «Cordialmente,» that drafts end with: the template sets it next to the signature."""
    return re.sub(r"\n\s*(cordialmente|atentamente|cordial saludo)\s*[,.:]?\s*$", "", body.rstrip(), flags=re.IGNORECASE)


# ── What documents share ──────────────────────────────────────────────────────────────────────────────────────────────────


def _common_data(pqr: Pqr, number: str) -> dict[str, Any]:
    url = public_url(f"/pqr/consulta?n={pqr.number}")
    return {
        "organisation": _head(pqr.organisation),
        "document_number": number,
        "number": pqr.number,
        "subject": pqr.subject,
        "identity": pqr.identity.name,
        "account": _account(pqr),
        "consult_url": url,
        "qr": _qr(url) if url else None,
    }


def _account(pqr: Pqr) -> str | None:
    """Return the account; without its address when nobody gave a name, and not at all when it would undo a reserved identity."""
    if pqr.account is None or pqr.identity is Identity.RESERVED:
        return None
    return f"{pqr.account.number} · {pqr.account.address}" if pqr.identity is Identity.NAMED else pqr.account.number


def _head(organisation: Organisation) -> dict[str, Any]:
    city: Municipality = organisation.municipality
    website = re.sub(r"^https?://|/$", "", organisation.website or "")
    contact = (f"{organisation.address}, {city.name}", organisation.phone, organisation.email, website)
    return {
        "name": organisation.name,
        "nit": nit.format(organisation.nit),
        "contact": [line for line in contact if line],
        "logo": picture(organisation.logo) if organisation.logo else None,
    }


def _qr(text: str) -> list[int]:
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", border=0, xmldecl=False, svgns=True)
    return picture(drawn.getvalue())


def _name(pqr: Pqr) -> str | None:
    return pqr.party.name if pqr.party and pqr.identity is Identity.NAMED else None


def _day(on: Any) -> str:
    return format_date(on, "long", locale=LANGUAGE)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _paragraphs(text: str) -> list[list[str]]:
    """Return the paragraphs of *text*, which empty lines part, each as its lines."""
    return [lines for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if (lines := _lines(part))]


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value


def _issue(
    session: Session, pqr: Pqr, kind: DocumentKind, number: str, template: str, data: dict[str, Any], at: datetime, issuer_id: int | None
) -> Document:
    """Render, store and record a document; return it, flushed."""
    content = _rendered(template, data)
    stored = store_file(session, content, f"{number}.pdf", "application/pdf", pqr, Visibility.CITIZEN)
    document = Document(
        kind=kind,
        number=number,
        pqr=pqr,
        file=stored,
        template=version_of(template),
        data=_without(data, _APART - {"sha256"}),
        issued_at=at,
        issued_by_id=issuer_id,
    )
    session.add(document)
    session.flush()
    return document


def _rendered(template: str, data: dict[str, Any]) -> bytes:
    """Return the PDF; a logo that cannot be drawn is left out, as it must not stop a legal act."""
    try:
        return render(template, data)
    except typst.TypstError as error:
        if data["organisation"]["logo"] is None:
            raise
        log.warning("logo", error=error.message)
        return render(template, data | {"organisation": data["organisation"] | {"logo": None}})
