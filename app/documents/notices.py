"""The letters of a notice: summons, record of the personal notice, aviso with its full copy, and the certificate of an access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.documents.acts import Signer, issue_act
from app.domain import N_
from app.domain.errors import MoveRefused
from app.domain.states import DocumentKind, Identity, NoticeMeans
from app.extensions import local, public_url
from app.models import Document, Notice, Organisation, Pqr
from app.operations import notices
from app.operations.answers import LANGUAGE
from app.operations.notices import Sending
from app.operations.recursos import recursos_text


@dataclass(frozen=True, slots=True)
class Appeared:
    """Who came to be notified, with which identity document and in which capacity; the signature (PNG) when it was drawn on a screen."""

    name: str
    identification: str
    capacity: str = ""
    signature: bytes | None = None


def issue_summons(session: Session, pqr: Pqr, sending: Sending, *, issuer: User | None, at: datetime) -> Notice:
    """
    Issue the summons to the personal notice and record that it left (CPACA art. 68). The caller commits.

    Raises:
        IllegalMove, MoveRefused: As `notices.check_summons`.
    """
    until = notices.check_summons(session, pqr, sending)
    fields = {**_decision(pqr), "appear_by": base.day(until), "hours": _hours(pqr.organisation)}
    paper = issue_act(
        session, pqr, DocumentKind.SUMMONS, issuer=issuer, at=at, on=sending.on, fields=fields, facts=_way(pqr, sending),
        is_published=bool(sending.posted_where),
    )  # fmt: skip
    return notices.summon(session, pqr, sending, paper, at=at, actor_id=issuer.id if issuer else None)


def issue_aviso(session: Session, pqr: Pqr, sending: Sending, *, issuer: User | None, at: datetime) -> Notice:
    """
    Issue the aviso, with a full copy of the answer, and record that it was sent or published (CPACA art. 69). The caller commits.

    Raises:
        IllegalMove, MoveRefused: As `notices.check_aviso`.
        FileMissing, DocumentDamaged: The stored answer cannot be copied.
    """
    until, answer = notices.check_aviso(session, pqr, sending), _answer(pqr)
    fields = _decision(pqr) | _summoned(pqr) | {
        "authority": _authority(pqr, answer),
        "recursos": recursos_of(session, pqr),
        "delivery": None if until else _place(pqr, sending),
        "posted_on": base.day(sending.on) if until else None,
        "unposted_on": base.day(until) if until else None,
        "posted_where": _places(sending) if until else None,
    }  # fmt: skip
    facts = [*_way(pqr, sending), ("Se acompaña", f"copia íntegra de {answer.number}")]
    paper = issue_act(
        session, pqr, DocumentKind.AVISO, issuer=issuer, at=at, on=sending.on, fields=fields, facts=facts, annexes=[answer],
        is_published=until is not None,
    )  # fmt: skip
    record = notices.post_aviso if until else notices.send_aviso
    return record(session, pqr, sending, paper, at=at, actor_id=issuer.id if issuer else None)


def issue_personal_notice(session: Session, pqr: Pqr, who: Appeared, on: date, *, issuer: User, at: datetime) -> Document:
    """Return the record of a personal notice, to be signed by who came, or signed on the screen (CPACA art. 67)."""
    if not who.name.strip() or not who.identification.strip():
        raise MoveRefused(N_("Write who came and with which identity document."), field="appeared")
    fields = {
        **_decision(pqr),
        "appeared": who.name,
        "identification": who.identification,
        "capacity": who.capacity or None,
        "hour": f"{local(at):%H:%M}" if local(at).date() == on else None,
        "recursos": recursos_of(session, pqr),
    }
    signers = [
        Signer(f"Persona notificada · {who.identification}", who.name, who.signature),
        Signer("Quien notifica", issuer.get_full_name()),
    ]
    return issue_act(session, pqr, DocumentKind.PERSONAL_NOTICE, issuer=issuer, at=at, on=on, fields=fields, signers=signers)


def certificate_of(session: Session, notice: Notice, at: datetime) -> Document:
    """
    Return what the company certifies about the access to a link (CPACA art. 56), made on the first asking and ever after the same.

    Raises:
        MoveRefused: Nobody opened the link.
    """
    if notice.opened_at is None or notice.served_on is None:
        raise MoveRefused(N_("Nobody has opened this link, so there is no access to certify."))
    queries.lock(session, notice)
    if notice.paper is None:
        notice.paper = _certificate(session, notice, at)
        session.flush()
    return notice.paper


def _certificate(session: Session, notice: Notice, at: datetime) -> Document:
    pqr, document = notice.pqr, notice.document or _answer(notice.pqr)
    opened_at, served_on = notice.opened_at, notice.served_on
    assert opened_at and served_on
    with force_locale(LANGUAGE):
        fields = {
            "document_number": document.number,
            "document_day": base.day(local(document.issued_at).date()),
            "means": _(NoticeMeans.E_LINK.value),
            "served_on": base.day(served_on),
            "opened_at": _instant(opened_at),
        }
    items = [
        f"{_instant(notice.sent_at)}: se envió el enlace a {notice.address}.",
        f"{_instant(opened_at)}: se abrió el documento desde la dirección de red {notice.opened_from or 'no registrada'}.",
    ]
    facts = [("SHA-256 del documento", document.file.sha256), ("Dirección aceptada", notice.address)]
    return issue_act(session, pqr, DocumentKind.NOTICE_CERTIFICATE, issuer=None, at=at, fields=fields, facts=facts, items=items)


def recursos_of(session: Session, pqr: Pqr) -> str | None:
    """Return which recursos the answer admits, as summons and aviso have to say it; None where only the law of the entity tells."""
    if notices.terms_for(session, pqr) is None:
        return None
    return recursos_text(session, pqr) or queries.parameter(session, "text.no_appeal") or None


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _answer(pqr: Pqr) -> Document:
    if pqr.answer is None or pqr.answer.document is None:
        raise MoveRefused(N_("There is no answer yet, so there is nothing to notify."))
    return pqr.answer.document


def _decision(pqr: Pqr) -> dict[str, str | None]:
    answer = _answer(pqr)
    return {"document_number": answer.number, "document_day": base.day(local(answer.issued_at).date())}


def _authority(pqr: Pqr, answer: Document) -> str:
    """Return who signed the answer, as it is printed on it (CPACA art. 69)."""
    signed = answer.data.get("signatory") or {"name": pqr.organisation.signatory_name, "title": pqr.organisation.signatory_title}
    return ", ".join(part for part in (signed["name"], signed["title"]) if part)


def _summoned(pqr: Pqr) -> dict[str, str | None]:
    """Return number and day of the last summons, None for a case that had none."""
    summons = next((notice for notice in reversed(pqr.notices) if notice.means is NoticeMeans.SUMMONS and notice.paper), None)
    if summons is None or summons.paper is None or pqr.identity is Identity.ANONYMOUS:
        return {"summons_number": None, "summons_day": None}
    return {"summons_number": summons.paper.number, "summons_day": base.day(summons.sent_on or local(summons.sent_at).date())}


def _place(pqr: Pqr, sending: Sending) -> str:
    """Return where a letter goes; that of a reserved identity stays in the file."""
    return sending.address if pqr.identity is Identity.NAMED else "la dirección que figura en el expediente"


def _places(sending: Sending) -> str:
    """Return where a published letter is read: the web page and the public place (CPACA art. 69)."""
    url = public_url("/avisos")
    return f"nuestra página web{f' ({url})' if url else ''} y en {sending.posted_where}"


def _way(pqr: Pqr, sending: Sending) -> list[tuple[str, str | None]]:
    """Return how a letter goes, as its head says it."""
    guide = " · ".join(part for part in (sending.courier, f"guía {sending.guide}" if sending.guide else "") if part)
    return [
        ("Se publica en", _places(sending) if sending.posted_where else None),
        ("Se envía a", None if sending.posted_where else _place(pqr, sending)),
        ("Correo", guide or None),
    ]


def _hours(organisation: Organisation) -> str:
    opens, closes = organisation.opens_at, organisation.closes_at
    return f"días hábiles, de {opens:%H:%M} a {closes:%H:%M}" if opens and closes else "días hábiles, en horario de oficina"


def _instant(at: datetime) -> str:
    return f"{base.day(local(at).date())}, {local(at):%H:%M:%S}"
