"""What documents share: the head of the organisation, addressee and paragraphs, the fingerprint, and how one is set and stored."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import segno
import structlog
import typst
from babel.dates import format_date
from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session, object_session
from stdnum.co import nit

from app.documents.annexes import with_pages_of
from app.documents.typesetting import picture, render, version_of
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import DocumentKind, Identity, PartyKind, Visibility
from app.extensions import public_url
from app.models import Document, Municipality, Organisation, Pqr, Signature
from app.operations.answers import LANGUAGE
from app.operations.controlled import print_head
from app.operations.files import open_file, store_file

log = structlog.get_logger("atiende")

#: In the data of a document, but no part of what it says; pictures count by the SHA-256 that stands beside them.
_APART = {"qr", "logo", "picture", "sha256", "access_key", "verify_url"}
#: How many letters of the fingerprint the printed address names: enough to tell two documents apart, few enough to type.
N_HASH = 8


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


def seal(data: dict[str, Any]) -> dict[str, Any]:
    """Return *data* with its fingerprint, the address where anybody may check it, and that address as a QR code."""
    sha256 = fingerprint(data)
    url = public_url(f"/verificar/{data['document_number']}/{sha256[:N_HASH]}")
    return data | {"sha256": sha256, "verify_url": url, "qr": qr(url) if url else None}


# ── Setting and storing ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Issue:
    """Who issues what, when: what `issue` records beside the data."""

    kind: DocumentKind
    template: str
    at: datetime
    issuer_id: int | None = None
    pqr: Pqr | None = None
    visibility: Visibility = Visibility.CITIZEN


def issue(session: Session, what: Issue, number: str, data: dict[str, Any], annexes: Sequence[Document] = ()) -> Document:
    """Render, store and record document *number*, the pages of *annexes* at its end; return it, flushed. It never changes after this."""
    content = rendered(what.template, data)
    if annexes:
        content = with_pages_of(content, map(document_bytes, annexes))
    stored = store_file(session, content, f"{number}.pdf", "application/pdf", what.pqr, what.visibility)
    document = Document(
        kind=what.kind,
        number=number,
        pqr=what.pqr,
        file=stored,
        template=version_of(what.template),
        data=_without(data, _APART - {"sha256"}),
        issued_at=what.at,
        issued_by_id=what.issuer_id,
    )
    session.add(document)
    session.flush()
    return document


def rendered(template: str, data: dict[str, Any]) -> bytes:
    """Return the PDF; a logo that cannot be drawn is left out, as it must not stop a legal act."""
    try:
        return render(template, data)
    except typst.TypstError as error:
        if data["organisation"]["logo"] is None:
            raise
        log.warning("logo", error=error.message)
        return render(template, data | {"organisation": data["organisation"] | {"logo": None}})


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value


# ── What is printed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def head(organisation: Organisation, print_key: str = "") -> dict[str, Any]:
    """
    Return the head of every page: name, NIT with its check digit, how to reach the organisation, logo, and `control`.

    Args:
        print_key: Of `domain.controlled.PRINTS`: `control` becomes the code, version and dates of the document that this print
            fills, as the register has them now; None when none is in force.
    """
    city: Municipality = organisation.municipality
    website = re.sub(r"^https?://|/$", "", organisation.website or "")
    contact = (f"{organisation.address}, {city.name}", organisation.phone, organisation.email, website)
    return {
        "name": organisation.name,
        "nit": nit.format(organisation.nit),
        "contact": [line for line in contact if line],
        "logo": picture(organisation.logo) if organisation.logo else None,
        "control": _control(organisation, print_key) if print_key else None,
    }


def _control(organisation: Organisation, print_key: str) -> dict[str, str] | None:
    session = object_session(organisation)
    known = print_head(session, print_key) if session else None
    if known is None:
        return None
    return {
        "code": known.code,
        "name": known.name,
        "version": known.version,
        "changed": short_day(known.changed_on),
        "issued": short_day(known.issued_on) if known.issued_on else "",
        "issuer": known.issuer,
    }


def of_case(pqr: Pqr, print_key: str = "") -> dict[str, Any]:
    """Return what every document about a case says of it; *print_key* as in `head`."""
    return {
        "organisation": head(pqr.organisation, print_key),
        "number": pqr.number,
        "subject": pqr.subject,
        "identity": pqr.identity.name,
        "account": account(pqr),
    }


def account(pqr: Pqr) -> str | None:
    """Return the account; without its address when nobody gave a name, and not at all when it would undo a reserved identity."""
    if pqr.account is None or pqr.identity is Identity.RESERVED:
        return None
    return f"{pqr.account.number} · {pqr.account.address}" if pqr.identity is Identity.NAMED else pqr.account.number


def addressee(pqr: Pqr) -> list[str]:
    """Return name, address, city and e-mail of whoever reads the letter; nothing when the identity is not to be printed."""
    party = pqr.party
    if pqr.identity is not Identity.NAMED or party is None:
        return []
    address, city = pqr.notice_address or party.address, party.municipality
    if not address and pqr.account:
        address, city = pqr.account.address, pqr.account.municipality
    email = pqr.notice_email if pqr.is_e_notice else None
    return [line for line in (party.name, address, city.name if city and address else None, email) if line]


def is_company(pqr: Pqr) -> bool:
    """Return whether the letter says «Señores»."""
    return bool(pqr.party and pqr.party.kind is PartyKind.ORGANISATION)


def name(pqr: Pqr) -> str | None:
    """Return who asks, when that may be printed."""
    return pqr.party.name if pqr.party and pqr.identity is Identity.NAMED else None


def signatory(session: Session, organisation: Organisation, issuer: User | None) -> dict[str, Any]:
    """Return who signs: the issuer with their signature, if they keep one; else the signatory of the organisation, with room to sign."""
    signature = session.get(Signature, issuer.id) if issuer else None
    if issuer is None or signature is None:
        return {"name": organisation.signatory_name, "title": organisation.signatory_title} | picture_of(None)
    return {"name": issuer.get_full_name(), "title": signature.title} | picture_of(signature.image)


def picture_of(content: bytes | None) -> dict[str, Any]:
    """Return a picture with its SHA-256, which stays in the data of the document when the picture does not."""
    if content is None:
        return {"picture": None, "picture_sha256": None}
    return {"picture": picture(content), "picture_sha256": hashlib.sha256(content).hexdigest()}


def qr(text: str) -> list[int]:
    """Return *text* as a QR code, as templates take pictures."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", border=0, xmldecl=False, svgns=True)
    return picture(drawn.getvalue())


def day(on: date) -> str:
    """Return *on* as letters write it: 10 de julio de 2026."""
    return format_date(on, "long", locale=LANGUAGE)


#: As the heads of controlled documents shorten them.
_MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "agt", "sep", "oct", "nov", "dic")


def short_day(on: date) -> str:
    """Return *on* as the heads of controlled documents write it: 28-agt-2020."""
    return f"{on.day:02}-{_MONTHS[on.month - 1]}-{on.year}"


def lines(text: str) -> list[str]:
    """Return the lines of *text* that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def paragraphs(text: str) -> list[list[str]]:
    """Return the paragraphs of *text*, which empty lines part, each as its lines."""
    return [found for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if (found := lines(part))]
