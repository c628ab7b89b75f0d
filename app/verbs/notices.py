"""How the answer reaches the citizen, step by step (see docs/rules/pqr-notices.md)."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.documents import notices as letters
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import Identity, Move, NoticeMeans, NoticeResult
from app.extensions import local
from app.models import Notice, Pqr
from app.operations import notices
from app.operations.notices import Proof, Sending
from app.verbs.base import Said, Who, on_today, required, stored_proof, verb

PAPER = (NoticeMeans.SUMMONS, NoticeMeans.AVISO)
MAX_SIGNATURE = 200_000


# ── What fits where the chain stands ──────────────────────────────────────────────────────────────────────────────────────


def _attempts(pqr: Pqr, *means: NoticeMeans, result: NoticeResult | None = None) -> list[Notice]:
    """Return the attempts on the answer by *means*, those with that *result* if one is told."""
    of_answer = (notice for notice in pqr.notices if notice.document_id is None and notice.means in means)
    return [notice for notice in of_answer if result is None or notice.result is result]


def _is_served(pqr: Pqr) -> bool:
    return any(notice.served_on for notice in pqr.notices if notice.document_id is None)


def _may_summon(pqr: Pqr) -> bool:
    under_way = _attempts(pqr, *PAPER, NoticeMeans.AVISO_POSTED, result=NoticeResult.PENDING)
    return not _is_served(pqr) and not under_way and pqr.identity is not Identity.ANONYMOUS


def _may_send_aviso(pqr: Pqr) -> bool:
    under_way = _attempts(pqr, NoticeMeans.AVISO, NoticeMeans.AVISO_POSTED, result=NoticeResult.PENDING)
    return not _is_served(pqr) and not under_way and bool(_attempts(pqr, NoticeMeans.SUMMONS))


def _may_post(pqr: Pqr) -> bool:
    if pqr.identity is Identity.ANONYMOUS:
        return not _is_served(pqr) and not _attempts(pqr, NoticeMeans.AVISO_POSTED)
    came_back = _attempts(pqr, *PAPER, result=NoticeResult.RETURNED)
    is_blind = came_back or [notice for notice in _attempts(pqr, NoticeMeans.SUMMONS) if notice.posted_where]
    return bool(is_blind) and _may_send_aviso(pqr)


def _open_letters(pqr: Pqr) -> list[Notice]:
    """Return what is under way and not published: what a carrier, or a mail server, may tell something of."""
    under_way = _attempts(pqr, *PAPER, NoticeMeans.E_LINK, NoticeMeans.DELIVERY, result=NoticeResult.PENDING)
    return [notice for notice in under_way if not notice.posted_where]


def _posted(pqr: Pqr) -> list[Notice]:
    return _attempts(pqr, NoticeMeans.AVISO_POSTED, result=NoticeResult.PENDING)


# ── Sent and published ────────────────────────────────────────────────────────────────────────────────────────────────────


def _needs(*names: str) -> Callable[[Session, Pqr, Any], None]:
    """Return what marks those fields as ones that may not stay empty."""

    def arrange(_session: Session, _pqr: Pqr, form: Any) -> None:
        for name in names:
            form[name].flags.required = True

    return arrange


def _on_today_to_the_address(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    form.on.data, form.address.data = today, notices.where_to(pqr)


def _sending(said: Said, who: Who) -> Sending:
    on = said["on"] or local(who["at"]).date()
    return Sending(on, *(said.get(name, "").strip() for name in ("address", "courier", "guide", "posted_where")))


def _issuer(session: Session, who: Who) -> User:
    return session.get_one(User, who["actor_id"])


@verb(
    Move.SUMMON, "on", "address", "courier", "guide", "posted_where",
    help=N_(
        "The citizen is asked to come and be notified. The days to come count from the sending; the letter is issued with them. "
        "Without an address, leave it empty and write where the summons is posted."
    ),
    arrange=_needs("on"), prefill=_on_today_to_the_address, fits=_may_summon,
)  # fmt: skip
def summon(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    letters.issue_summons(session, pqr, _sending(said, who), issuer=_issuer(session, who), at=who["at"])


@verb(
    Move.SEND_AVISO, "on", "address", "courier", "guide",
    help=N_("Once the days to come are over, the aviso leaves with a full copy of the answer. It is served when the working day after its "
            "delivery ends."),
    arrange=_needs("on", "address"), prefill=_on_today_to_the_address, fits=_may_send_aviso,
)  # fmt: skip
def send_aviso(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    letters.issue_aviso(session, pqr, _sending(said, who), issuer=_issuer(session, who), at=who["at"])


@verb(
    Move.POST_AVISO, "on", "posted_where",
    help=N_("Only without an address, or when the mail came back. The aviso and a copy of the answer appear on the public page of avisos, "
            "and you post them in the place that you write. It is served when the working day after its removal ends."),
    arrange=_needs("on", "posted_where"), prefill=on_today, fits=_may_post,
)  # fmt: skip
def post_aviso(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    required(said["posted_where"].strip(), N_("Write in which public place it is posted, besides the web page."), "posted_where")
    letters.issue_aviso(session, pqr, _sending(said, who), issuer=_issuer(session, who), at=who["at"])


# ── What became of it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _label(notice: Notice) -> str:
    number = f" {notice.paper.number}" if notice.paper else ""
    return f"{_(notice.means.value)}{number} · {notice.sent_on or local(notice.sent_at).date():%d/%m/%Y}"


def _offer_letters(session: Session, pqr: Pqr, form: Any) -> None:
    form.attempt.choices = [(notice.id, _label(notice)) for notice in _open_letters(pqr)]
    form.result.choices = [(result.name, _(result.value)) for result in (NoticeResult.DELIVERED, NoticeResult.RETURNED)]
    form.reason.label.text = _l("Why it came back")
    _needs("attempt", "result", "on")(session, pqr, form)


def _chosen(pqr: Pqr, said: Said) -> Notice:
    found = next((notice for notice in _open_letters(pqr) if notice.id == said["attempt"]), None)
    return required(found, N_("Choose the letter or message that this is about."), "attempt")


@verb(
    Move.RECORD_DELIVERY, "attempt", "result", "on", "reason", "proof", "proof_file",
    help=N_("Write what the carrier said: delivered, with its proof, or returned, and why. If it came back, send it again to another "
            "address, or publish the aviso."),
    arrange=_offer_letters, prefill=on_today, fits=lambda pqr: bool(_open_letters(pqr)),
)  # fmt: skip
def record_delivery(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    notice, on = _chosen(pqr, said), said["on"] or local(who["at"]).date()
    proof = Proof(said["proof"], stored_proof(session, pqr, said["proof_file"]))
    if said["result"] == NoticeResult.RETURNED.name:
        notices.record_return(session, notice, said["reason"], on=on, proof=proof, **who)
    elif notice.means is NoticeMeans.E_LINK:
        raise MoveRefused(N_("A link is served when the citizen opens it, and that is recorded by itself."), field="result")
    else:
        notices.record_delivery(session, notice, proof, on=on, **who)


def _removal_day(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    form.on.data = today
    if until := next((notice.post_until for notice in _posted(pqr)), None):
        form.on.data = max(until, min(today, until))


@verb(
    Move.UNPOST_AVISO, "on", "proof", "proof_file",
    help=N_("Write the date on which the aviso was taken down. It leaves the public page, and is served when the next working day ends."),
    arrange=_needs("on"), prefill=_removal_day, fits=lambda pqr: bool(_posted(pqr)),
)  # fmt: skip
def unpost_aviso(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    notice = required(next(iter(_posted(pqr)), None), N_("There is no aviso posted."), "on")
    proof = Proof(said["proof"], stored_proof(session, pqr, said["proof_file"]))
    notices.unpost_aviso(session, notice, on=said["on"] or local(who["at"]).date(), proof=proof, **who)


# ── Notified ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What each way of being notified is called where it is chosen.
WAYS = {
    NoticeMeans.IN_PERSON: N_("The citizen came and was notified in person"),
    NoticeMeans.CONDUCT: N_("The citizen showed to know the answer (art. 72 of the CPACA)"),
    NoticeMeans.DELIVERY: N_("It was delivered with proof (regimes without summons)"),
}


def _offer_ways(session: Session, pqr: Pqr, form: Any) -> None:
    is_plain = notices.terms_for(session, pqr) is None
    ways = [NoticeMeans.DELIVERY] * is_plain + [NoticeMeans.IN_PERSON, NoticeMeans.CONDUCT]
    form.way.choices = [(way.name, _(WAYS[way])) for way in ways]
    form.proof.label.text = _l("What proves it, in words")
    _needs("way", "on")(session, pqr, form)


def _who_came(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    form.on.data = today
    if pqr.party and pqr.identity is Identity.NAMED:
        form.appeared.data = pqr.party.name
        if pqr.party.document_type and pqr.party.document_number:
            form.identification.data = f"{pqr.party.document_type.name} {pqr.party.document_number}"


@verb(
    Move.NOTIFY, "way", "on", "appeared", "identification", "capacity", "signature", "proof", "proof_file",
    help=N_("Write how and on which date the citizen was notified, and the proof: the signature, drawn here or on a paper whose picture "
            "you attach, or what shows that the citizen knows the answer."),
    arrange=_offer_ways, prefill=_who_came, fits=lambda pqr: not _is_served(pqr), partial="notify",
)  # fmt: skip
def notify(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    means = NoticeMeans[said["way"]] if said["way"] else NoticeMeans.IN_PERSON
    on = said["on"] or local(who["at"]).date()
    proof_file = stored_proof(session, pqr, said["proof_file"])
    text, paper = said["proof"].strip(), None
    if means is NoticeMeans.IN_PERSON:
        signature = drawn(said["signature"])
        if signature is None and proof_file is None:
            raise DomainError(N_("Attach the record that the citizen signed, or let the citizen sign here."), field="proof_file")
        came = letters.Appeared(said["appeared"].strip(), said["identification"].strip(), said["capacity"].strip(), signature)
        notices.check_notice(session, pqr, on)
        paper = letters.issue_personal_notice(session, pqr, came, on, issuer=_issuer(session, who), at=who["at"])
        text = "\n".join(line for line in (f"{came.name} · {came.identification}", came.capacity, text) if line)
    elif proof_file is not None:
        text = text or proof_file.name
    notices.record_notice(session, pqr, served_on=on, proof=text, proof_file=proof_file, means=means, paper=paper, **who)


def drawn(typed: str) -> bytes | None:
    """Return the PNG of a signature drawn on the screen, None for none. Raises DomainError for anything else."""
    if not typed:
        return None
    head, _comma, content = typed.partition(",")
    try:
        picture = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        picture = b""
    if head != "data:image/png;base64" or len(picture) > MAX_SIGNATURE or not _is_whole(picture):
        raise DomainError(N_("The signature could not be read. Clear it and sign again."), field="proof_file")
    return picture


def _is_whole(png: bytes) -> bool:
    """Say whether a PNG came whole: each of its parts carries its checksum. A broken one could not be printed."""
    at, names = 8, []
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4])
        names.append(png[at + 4 : at + 8])
        if zlib.crc32(png[at + 4 : end]).to_bytes(4) != png[end : end + 4]:
            return False
        at = end + 4
    is_complete = names[:1] == [b"IHDR"] and b"IDAT" in names and names[-1:] == [b"IEND"]
    return png.startswith(b"\x89PNG\r\n\x1a\n") and at == len(png) and is_complete
