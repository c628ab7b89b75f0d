"""
What becomes of a message that arrives: a case, a note on its case, nothing (it tells about mail of ours), or quarantine with a ground.

Known by its Message-ID, so taking it in twice, late or on two machines at once leaves one row, one case, one receipt. Whatever a
machine may be wrong about waits for a person; nothing that arrived is thrown away, and its whole content is kept as it came. A request
counts as received when it enters the mailbox, whoever decides on it and when (Ley 527 de 1999, art. 24); the sender gets a receipt with
date and number (CPACA art. 61).
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import force_locale, format_datetime
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import queries, search
from app.domain import N_, letters
from app.domain.errors import DomainError
from app.domain.letters import Ground, Letter, Nature
from app.domain.quotes import reply_of
from app.domain.states import Identity, InboundStatus, PartyKind, PqrStatus, Visibility
from app.extensions import LANGUAGE, local
from app.models import Channel, InboundMessage, Note, OutboxMessage, Party, Pqr, RequestType, StoredFile
from app.operations import files, messages, notices, outbox, parties
from app.operations import pqr as cases
from app.words import say

CHANNEL = "CORREO"
#: When nobody changed the parameters inbox.request_type, inbox.most_per_hour and inbox.max_age_days.
REQUEST_TYPE, MOST_PER_HOUR, MAX_AGE_DAYS = "PETICION", 20, 30
_OPEN = (InboundStatus.QUARANTINED, InboundStatus.IGNORED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as the mail server gave it. `n_bytes`: its size there, when *raw* is only its beginning."""

    raw: bytes
    received_at: datetime
    mailbox: str = ""
    n_bytes: int | None = None

    @property
    def is_cut(self) -> bool:
        return self.n_bytes is not None and self.n_bytes > len(self.raw)


# ── Taking in ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def known_among(session: Session, heads: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return those (Message-ID, size) that were taken in already: the same name and the same size is the same message."""
    ids = [message_id for message_id, _size in heads if message_id]
    rows = session.execute(select(InboundMessage.message_id, InboundMessage.n_bytes).where(InboundMessage.message_id.in_(ids)))
    return {(row.message_id, row.n_bytes) for row in rows}


def take_in(session: Session, arrival: Arrival, *, at: datetime) -> InboundMessage:
    """
    Return the row of a message, made now with all that follows from it unless it was taken in before; flushed, the caller commits.

    One that bears the Message-ID of a different message gets a name of its own and waits in quarantine.
    """
    letter = letters.read(arrival.raw)
    name, ground = letter.message_id, Ground.TOO_BIG if arrival.is_cut else None
    if known := _named(session, name):
        if _is_same(known, arrival, letter):
            return known
        name, ground = letters.synthetic_id(letter.sha256), Ground.SAME_ID
        if known := _named(session, name):
            return known
    try:
        with session.begin_nested():
            return _take_in(session, arrival, letter, name, ground, at)
    except IntegrityError:
        known = _named(session, name)  # another worker took it in at the same moment
        if known is None:
            raise
        return known


def set_aside(session: Session, arrival: Arrival, *, at: datetime) -> InboundMessage:
    """Return the row of a message that broke `take_in`: kept whole and unread, in quarantine, so that it stops no other."""
    digest = letters.digest_of(arrival.raw)
    name = letters.synthetic_id(digest)
    if known := _named(session, name):
        return known
    message = InboundMessage(
        message_id=name, sha256=digest, mailbox=arrival.mailbox, received_at=min(arrival.received_at, at),
        n_bytes=arrival.n_bytes or len(arrival.raw), status=InboundStatus.QUARANTINED, ground=Ground.UNREADABLE.name,
        raw_file=_keep_raw(session, arrival.raw, "", None),
    )  # fmt: skip
    session.add(message)
    session.flush()
    return message


def _named(session: Session, message_id: str) -> InboundMessage | None:
    return session.scalar(select(InboundMessage).where(InboundMessage.message_id == message_id))


def _is_same(known: InboundMessage, arrival: Arrival, letter: Letter) -> bool:
    """Say whether two messages of one name are one: their bytes, or, when it came by two ways, all that it says."""
    if known.sha256 == letter.sha256:
        return True
    if arrival.is_cut or known.raw_file is None:
        return arrival.is_cut and known.n_bytes == arrival.n_bytes
    with files.open_file(known.raw_file) as blob:
        return letters.read(blob.read()).says == letter.says


def _take_in(
    session: Session, arrival: Arrival, letter: Letter, name: str, ground: Ground | None, at: datetime
) -> InboundMessage:
    """Store the message with what follows from it."""
    message = InboundMessage(
        message_id=name, sha256=letter.sha256, mailbox=arrival.mailbox, received_at=min(arrival.received_at, at), sent_at=letter.sent_at,
        from_address=letter.sender, from_name=letter.sender_name, to_address=(letter.to or ("",))[0], subject=letter.subject[:240],
        body=letter.text, body_trimmed=reply_of(letter.text, is_forward=letter.is_forward),
        in_reply_to=letter.thread[0][:250] if letter.thread else None, n_bytes=arrival.n_bytes or len(arrival.raw),
    )  # fmt: skip
    case = _case_of(session, letter)
    if case is not None:  # the receipt that a reply quotes holds the key of the citizen, which the staff does not read
        message.body, message.body_trimmed = (text.replace(case.access_key, "•" * 4) for text in (message.body, message.body_trimmed))
    ground = ground or _ground(session, letter, message.received_at, case, at)
    if ground is Ground.BOUNCE:
        case = _returned(session, letter, at)
    if ground is not None:
        _put_aside(session, message, letter, ground, case)
        _keep(session, message, arrival.raw, None)
        if message.status is InboundStatus.QUARANTINED:
            _tell_desk(session, ground, at)
        return message
    if case is not None and not case.status.is_final:
        note = _note(session, message, letter, case)
        _keep(session, message, arrival.raw, case, status=InboundStatus.NOTED, pqr=case, note=note)
        _tell_case(session, message, case, at)
        return message
    return _file_or_quarantine(session, message, arrival.raw, letter, case, at)


def _put_aside(session: Session, message: InboundMessage, letter: Letter, ground: Ground, case: Pqr | None) -> None:
    is_report = ground in (Ground.BOUNCE, Ground.AUTO_REPLY)
    message.status = InboundStatus.IGNORED if is_report else InboundStatus.QUARANTINED
    message.ground, message.pqr = ground.name, case
    if ground is Ground.BOUNCE and letter.bounce:
        message.reason = f"{letter.bounce.recipient} {letter.bounce.status}: {letter.bounce.reason}".strip()


def _file_or_quarantine(
    session: Session, message: InboundMessage, raw: bytes, letter: Letter, previous: Pqr | None, at: datetime
) -> InboundMessage:
    """File the message; when the law of that day or a catalogue is missing it waits in quarantine, with what is missing."""
    try:
        with session.begin_nested():
            case, left_out = _file(session, message, letter, previous, None)
    except DomainError as error:
        with force_locale(LANGUAGE):
            message.reason = say(error)
        message.status, message.ground = InboundStatus.QUARANTINED, Ground.NOT_FILED.name
        _keep(session, message, raw, None)
        _tell_desk(session, Ground.NOT_FILED, at)
        return message
    _keep(session, message, raw, case, status=InboundStatus.FILED, pqr=case)
    _receipt(session, letter, case, left_out, at)
    return message


def _keep(session: Session, message: InboundMessage, raw: bytes, case: Pqr | None, **facts: object) -> None:
    """Write the row, and the message as it came among the files of its case."""
    for fact, value in facts.items():
        setattr(message, fact, value)
    message.raw_file = _keep_raw(session, raw, message.subject, case)
    session.add(message)
    session.flush()


def _keep_raw(session: Session, raw: bytes, subject: str, case: Pqr | None) -> StoredFile | None:
    if not raw:
        return None
    is_shown = case is not None and case.identity is not Identity.RESERVED  # the handling process reads the files of a case
    name = f"{files.clean_name(subject[:80]) if subject.strip() else 'correo'}.eml"
    return files.store_file(session, raw, name, "message/rfc822", pqr=case if is_shown else None, visibility=Visibility.STAFF)


# ── Where it belongs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _ground(session: Session, letter: Letter, received_at: datetime, case: Pqr | None, at: datetime) -> Ground | None:
    """Return why the message becomes neither a case nor a note by itself; None when it does."""
    if letter.nature is Nature.BOUNCE:
        return Ground.BOUNCE
    if not letter.sender:
        return Ground.UNREADABLE
    if letter.sender in _our_addresses(session) or _is_ours(session, letter.message_id):
        return Ground.LOOP
    if ground := _BY_NATURE.get(letter.nature):
        return ground
    if not letter.text and not letter.enclosures:
        return Ground.NO_TEXT
    limits = queries.parameters(session, ("inbox.max_age_days", "inbox.most_per_hour"))
    if at - received_at > timedelta(days=_number(limits.get("inbox.max_age_days"), MAX_AGE_DAYS)):
        return Ground.TOO_OLD
    hour = (received_at - timedelta(hours=1), received_at)
    recent = select(func.count()).select_from(InboundMessage).where(
        InboundMessage.from_address == letter.sender, InboundMessage.received_at.between(*hour)
    )  # fmt: skip
    if (session.scalar(recent) or 0) >= _number(limits.get("inbox.most_per_hour"), MOST_PER_HOUR):
        return Ground.TOO_MANY
    if case is not None and letter.sender not in _addresses_of(session, case):
        return Ground.STRANGER
    is_new = case is None or case.status.is_final
    return Ground.REPEATED if is_new and _is_repeated(session, letter, received_at) else None


def _is_repeated(session: Session, letter: Letter, received_at: datetime) -> bool:
    """Say whether the sender wrote the same within a day: who pressed twice, or a machine that answers receipts and does not say so."""
    if not letter.text:
        return False
    day = (received_at - timedelta(days=1), received_at)
    same = select(InboundMessage.id).where(
        InboundMessage.from_address == letter.sender, InboundMessage.received_at.between(*day),
        InboundMessage.subject == letter.subject[:240], InboundMessage.body == letter.text,
    )  # fmt: skip
    return session.scalar(same.limit(1)) is not None


_BY_NATURE = {
    Nature.SPAM: Ground.SPAM, Nature.AUTO_REPLY: Ground.AUTO_REPLY, Nature.MACHINE: Ground.MACHINE, Nature.LIST: Ground.LIST,
}  # fmt: skip


def _number(typed: str | None, default: int) -> int:
    return int(typed) if typed and typed.strip().isdecimal() else default


def _our_addresses(session: Session) -> set[str]:
    """Return the addresses that we write from and read at."""
    config = current_app.config
    reply_to = (config.get("MAIL_REPLY_TO") or "").replace("+{number}", "")
    ours = (queries.organisation(session).email, config.get("MAIL_FROM"), config.get("MAIL_BOUNCES"), config.get("IMAP_USER"), reply_to)
    return {address.strip().lower() for address in ours if address}


def _is_ours(session: Session, message_id: str) -> bool:
    return session.scalar(select(OutboxMessage.id).where(OutboxMessage.message_id == message_id)) is not None


def _case_of(session: Session, letter: Letter) -> Pqr | None:
    """Return the case that the message answers or names: by what it replies to, then by the number in its subject or address."""
    numbers = [letters.case_number(one) for one in (*letter.thread, letter.subject, *letter.to)]
    if letter.thread:
        ours = select(OutboxMessage.message_id, OutboxMessage.pqr_id).where(OutboxMessage.message_id.in_(letter.thread))
        theirs = select(InboundMessage.message_id, InboundMessage.pqr_id).where(
            InboundMessage.message_id.in_(letter.thread), InboundMessage.status.in_((InboundStatus.FILED, InboundStatus.NOTED))
        )
        case_of = {row.message_id: row.pqr_id for row in session.execute(ours.union_all(theirs)) if row.pqr_id}
        if nearest := next((case_of[one] for one in letter.thread if one in case_of), None):
            return session.get(Pqr, nearest)
    return next((case for number in dict.fromkeys(filter(None, numbers)) if (case := queries.case_by_number(session, number))), None)


def _addresses_of(session: Session, case: Pqr) -> set[str]:
    """Return the addresses that are known to be of whoever filed the case."""
    told = select(OutboxMessage.to_address).where(OutboxMessage.pqr_id == case.id, OutboxMessage.user_id.is_(None))
    wrote = select(InboundMessage.from_address).where(
        InboundMessage.pqr_id == case.id, InboundMessage.status.in_((InboundStatus.FILED, InboundStatus.NOTED))
    )
    known = [*session.scalars(told.union(wrote)), case.notice_email, case.party.email if case.party else None]
    return {address.lower() for address in known if address}


# ── A case ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _file(
    session: Session, message: InboundMessage, letter: Letter, previous: Pqr | None, actor_id: int | None
) -> tuple[Pqr, list[str]]:
    """Return the case that the message opens, and the files that could not be received with it."""
    with force_locale(LANGUAGE):
        body = message.body_trimmed or _("The message has no text; what it asks is in its files.")
    if len(body) > cases.MAX_BODY:
        body = body[: cases.MAX_BODY - 10].rstrip() + "\n\n[…]"
    filing = cases.Filing(
        organisation=queries.organisation(session),
        request_type=_request_type(session),
        channel=session.scalars(select(Channel).where(Channel.code == CHANNEL)).one(),
        subject=message.subject or textwrap.shorten(body, 120, placeholder="…"),
        body=body,
        party=_party(session, letter),
        notice_email=letter.sender,
        previous=previous,
        submission=f"mail-{message.sha256[:59]}",
    )
    case = cases.file_pqr(session, filing, at=message.received_at, actor_id=actor_id)
    return case, _keep_files(session, letter, case)


def _request_type(session: Session) -> RequestType:
    code = queries.parameter(session, "inbox.request_type", REQUEST_TYPE).strip() or REQUEST_TYPE
    found = session.scalar(select(RequestType).where(RequestType.code == code))
    if found is None:
        raise DomainError(N_("The parameter inbox.request_type names %(code)s, and there is no such request type."), code=code)
    return found


def _party(session: Session, letter: Letter) -> Party:
    """Return who writes: the one party with that address, or of several the one of that name; made when nobody is."""
    words = search.matching(Party, letter.sender)  # an index knows them; it knows no addresses
    same = select(Party).where(func.lower(Party.email) == letter.sender, *[words] * (words is not None))
    found = session.scalars(same.order_by(Party.id).limit(20)).all()
    name = letter.sender_name or letter.sender
    one = found[0] if len(found) == 1 else next((each for each in found if parties.is_same_name(each.name, name)), None)
    return one or parties.find_or_create_party(session, PartyKind.PERSON, None, None, name[:160], email=letter.sender)


def _keep_files(session: Session, letter: Letter, case: Pqr) -> list[str]:
    """Store the attachments that pass the checks of any upload; return the others, each with why. The original keeps them all."""
    left_out: list[str] = []
    n_kept = 0
    for each in letter.enclosures:
        try:
            files.check_number(n_kept + 1)
            checked = files.check_upload(each.name, io.BytesIO(each.content))
        except files.UploadRefused as error:
            with force_locale(LANGUAGE):
                is_full = n_kept == files.MAX_FILES
                left_out.append(_("“%(name)s”: one message brings at most %(most)s files.", name=each.name, most=n_kept) if is_full
                                else say(error))  # fmt: skip
        else:
            files.store_file(session, checked, pqr=case, visibility=Visibility.CITIZEN)
            n_kept += 1
    return left_out[:20]


def _receipt(session: Session, letter: Letter, case: Pqr, left_out: Collection[str], at: datetime) -> None:
    """Tell the sender number, key and legal date in the same thread; machines, lists and those who asked for silence are told nothing."""
    if letter.nature in (Nature.PERSON, Nature.SPAM) and letter.may_answer:
        answered = letter.message_id if letter.has_own_id else ""
        messages.tell_filed(session, case, at, to=letter.sender, in_reply_to=answered, left_out=" ".join(left_out))


# ── A note ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _note(session: Session, message: InboundMessage, letter: Letter, case: Pqr, *, is_stranger: bool = False) -> Note:
    """Write the message on its case, with its files. A case of reserved identity does not name who writes."""
    left_out = _keep_files(session, letter, case)
    with force_locale(LANGUAGE):
        on = format_datetime(message.received_at, "d MMM y, H:mm")
        if case.identity is Identity.RESERVED:
            head = _("E-mail of %(on)s.", on=on)
        else:
            head = _("E-mail of %(on)s from %(sender)s.", on=on, sender=message.from_address)
        if is_stranger:
            head += " " + _("That address was not known in this case.")
        if left_out:
            head += "\n" + _("Not received as files, and kept in the original: %(files)s", files=" ".join(left_out))
        body = message.body_trimmed or _("The message has no text; what it says is in its files.")
    note = Note(pqr=case, body=f"{head}\n\n{body}")
    session.add(note)
    session.flush()
    return note


_HINTS = {
    PqrStatus.AWAITING_USER: _l(
        "The citizen was asked to complete or clarify the request, and this may be it. If it is, record the completion on the case: until "
        "somebody does, the term stays stopped."
    ),
    PqrStatus.ANSWERED: _l("The case is answered: read whether this is an appeal, whose term runs from the day it arrived."),
    PqrStatus.NOTIFIED: _l("The case is answered: read whether this is an appeal, whose term runs from the day it arrived."),
}


def _tell_case(session: Session, message: InboundMessage, case: Pqr, at: datetime) -> None:
    """Tell who holds the case. No move is made: what a message means in law is for a person to say."""
    for user in messages.people_of(session, case, local(at).date()):
        key = f"mail_noted:{message.id}:{user.id}"
        messages.tell_user(session, user, "mail_noted", {"hint": _HINTS.get(case.status)}, key=key, pqr=case, at=at)


def _tell_desk(session: Session, ground: Ground, at: datetime) -> None:
    """Tell the front desk, once a day, that something waits in quarantine: it may be a petition whose term runs."""
    today = local(at).date()
    for user in messages.members_of(session, queries.front_desk(session).id, today):
        facts = {"ground": ground, "url": f"/inbox/list/?status={InboundStatus.QUARANTINED.name}"}
        messages.tell_user(session, user, "mail_quarantined", facts, key=f"mail_quarantined:{today}:{user.id}", at=at)


def _returned(session: Session, letter: Letter, at: datetime) -> Pqr | None:
    """Record on the message of ours, and on the notice that it carried, that it did not arrive; return its case."""
    bounce = letter.bounce
    if bounce is None or not bounce.message_ids:
        return None
    sent = session.scalars(select(OutboxMessage).where(OutboxMessage.message_id.in_(bounce.message_ids))).first()
    if sent is None:
        return None
    if bounce.is_final:
        why = f"{bounce.recipient} {bounce.status}: {bounce.reason}".strip()
        notices.record_refusal(session, sent, why, at=at)
        outbox.mark_returned(session, sent, why)
    return sent.pqr


# ── What a person decides ─────────────────────────────────────────────────────────────────────────────────────────────────


def make_case(session: Session, message: InboundMessage, *, at: datetime, actor_id: int | None) -> Pqr:
    """
    File a message that waits; return its case, also when it became one before. The term runs from when it arrived.

    Raises:
        DomainError: It is a note of a case, or was discarded; or it cannot be filed, and why.
    """
    queries.hold_calendar(session, queries.organisation(session))
    queries.lock(session, message)
    if message.status is InboundStatus.FILED and message.pqr is not None:
        return message.pqr
    letter = _letter_of_waiting(message)
    if not letter.sender:
        raise DomainError(N_("The message does not say who writes. Register the case by hand, with channel e-mail, and discard this one."))
    case, left_out = _file(session, message, letter, None, actor_id)
    _settle(session, message, InboundStatus.FILED, case, at, actor_id)
    if letter.sender not in _our_addresses(session):
        _receipt(session, letter, case, left_out, at)
    return case


def note_on(session: Session, message: InboundMessage, number: str, *, at: datetime, actor_id: int | None) -> Pqr:
    """
    Write a message that waits on case *number*; return the case, also when it was noted there before.

    Raises:
        DomainError: There is no such case; or the message is elsewhere already.
    """
    case = queries.case_by_number(session, number)
    if case is None:
        raise DomainError(N_("There is no case %(number)s."), field="number", number=number.strip())
    queries.hold_calendar(session, case.organisation)
    queries.lock(session, message)
    if message.status is InboundStatus.NOTED and message.pqr_id == case.id:
        return case
    letter = _letter_of_waiting(message)
    is_stranger = letter.sender not in _addresses_of(session, case)
    message.note = _note(session, message, letter, case, is_stranger=is_stranger)
    _settle(session, message, InboundStatus.NOTED, case, at, actor_id)
    _tell_case(session, message, case, at)
    return case


def discard(session: Session, message: InboundMessage, reason: str, *, at: datetime, actor_id: int | None) -> None:
    """Leave a message that waits without consequence, with the reason; what arrived stays. Raises DomainError as `make_case`."""
    if not reason.strip():
        raise DomainError(N_("Write why nothing is done with this message."), field="reason")
    queries.lock(session, message)
    if message.status is InboundStatus.DISCARDED:
        return
    check_waiting(message)
    message.reason = reason.strip()
    _settle(session, message, InboundStatus.DISCARDED, message.pqr, at, actor_id)


def check_waiting(message: InboundMessage) -> None:
    """Raise DomainError when nothing is to be decided about a message any more."""
    if message.status not in _OPEN:
        decided = N_("Somebody decided on this message meanwhile: %(state)s. Reload the page to see it.")
        raise DomainError(decided, state=message.status.value)


def _letter_of_waiting(message: InboundMessage) -> Letter:
    """Return what a message that waits says. Raises DomainError for one that does not wait, FileMissing."""
    check_waiting(message)
    if message.raw_file is None:
        raise DomainError(N_("The original of this message is not kept, so nothing can be made of it."))
    with files.open_file(message.raw_file) as blob:
        return letters.read(blob.read())


def _settle(
    session: Session, message: InboundMessage, status: InboundStatus, case: Pqr | None, at: datetime, actor_id: int | None
) -> None:
    message.status, message.pqr, message.handled_by_id, message.handled_at = status, case, actor_id, at
    is_shown = case is not None and case.identity is not Identity.RESERVED and status is not InboundStatus.DISCARDED
    if message.raw_file is not None and is_shown:
        message.raw_file.pqr = case
    session.flush()
