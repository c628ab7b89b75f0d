"""
What the system tells people by mail, written in the transaction of the act it tells.

Each kind of message is an event, declared once in `EVENTS`; its words are rows of `MessageTemplate` that the house may change
(shipped in `seeds/message_template.csv`). Citizens are told in the language of the acts. Of the staff, each says how they want to hear
of an event: at once, in the daily digest, or never where the house does not need them to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale, format_date, format_datetime
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.mailtext import Frame, as_html, as_text, fields_in, fill
from app.domain.states import Delivery, Identity, MemberRole
from app.extensions import LANGUAGE, local, public_url
from app.models import (
    Assignment,
    Document,
    Leave,
    MailLanguage,
    MessageTemplate,
    Notice,
    NoticePreference,
    Organisation,
    OutboxMessage,
    Pqr,
    ProcessMember,
    StoredFile,
)
from app.operations import answers, outbox, rating
from app.operations.seeds import read_seed

#: The parameter with the events, by name, that nobody of the house may refuse, besides those that are declared so.
FIRM = "mail.not_refused"


class Audience(Enum):
    """Whom an event is told to."""

    CITIZEN = N_("The citizen")
    STAFF = N_("The staff")


@dataclass(frozen=True, slots=True)
class Event:
    """
    A kind of message.

    Args:
        fields: What its template may name, besides `COMMON` (and `CASE`, for the staff): name → what it says.
        needs: Those of the fields that its template has to name, or the message would not do what the law or the reader wants of it.
        delivery: How the staff hear of it while they have not said otherwise.
        may_digest: It can wait until the next working morning.
        may_refuse: The house does not need that anybody in particular knows it. Never true of what is told to a citizen.
    """

    title: str
    audience: Audience
    fields: Mapping[str, str]
    needs: frozenset[str] = frozenset()
    delivery: Delivery = Delivery.AT_ONCE
    may_digest: bool = False
    may_refuse: bool = False

    @property
    def known(self) -> dict[str, str]:
        """Return every field that its template may name, and what each says."""
        return {**COMMON, **(CASE if self.audience is Audience.STAFF else {}), **self.fields}

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Return how somebody of the staff may choose to hear of it."""
        return (Delivery.AT_ONCE, *[Delivery.DIGEST] * self.may_digest, *[Delivery.NEVER] * self.may_refuse)


#: Filled in every message.
COMMON = {
    "greeting": N_("“Good day, Ana:”, without a name when it is not to be said"),
    "organisation": N_("Name of the company"),
}
#: Filled in every message to the staff; empty when it is not about a case.
CASE = {
    "number": N_("Number of the case"), "type": N_("Request type"), "process": N_("Process that holds the case"),
    "safe": N_("Safe date"), "due": N_("Legal due date"), "url": N_("Address of the page to open"),
}  # fmt: skip
_NUMBER = {"number": N_("Number of the request")}
_RATING = {"rating": N_("Address to rate the attention")}
_SURVEY = {
    "title": N_("Name of the survey"), "survey": N_("Personal link to answer"), "until": N_("Last day on which it can be answered"),
    "stop": N_("Personal link to be asked no more"),
}  # fmt: skip
_REMINDED = {
    "n": N_("The number of the only thing, or how many there are"), "items": N_("The things, one under another, the most urgent first"),
    "more": N_("How many more there are; empty when all are said"),
}  # fmt: skip
_PAGE = N_("Address of the page to follow a request, or where to find it")
C, S = Audience.CITIZEN, Audience.STAFF

#: Every kind of message there is. Rooms that add one add its words, in both languages, to `seeds/message_template.csv`.
EVENTS: dict[str, Event] = {
    "filed": Event(
        N_("A request was received"), C,
        {**_NUMBER, "day": N_("Date of filing"), "key": N_("Key of the request"), "type": N_("Request type"),
         "due": N_("Last date of the answer"), "page": _PAGE,
         "left_out": N_("Files of a mail that could not be received, and why; empty when all were")},
        needs=frozenset({"number", "key"}),
    ),
    "answer": Event(
        N_("Electronic notice of the answer"), C, {**_NUMBER, "url": N_("Personal link of the notice"), **_RATING},
        needs=frozenset({"number", "url"}),
    ),
    "act": Event(
        N_("An act was issued in the case"), C,
        {**_NUMBER, "act": N_("Number of the document"), "kind": N_("Kind of document"),
         "link": N_("Personal link of the notice; empty when it is not notified by mail"), "page": _PAGE},
        needs=frozenset({"act", "link", "page"}),
    ),
    "closed": Event(N_("A request was closed: rate the attention"), C, {**_NUMBER, **_RATING}, needs=frozenset({"rating"})),
    "quotation": Event(
        N_("A quotation, with its paper attached"), C,
        {"quotation": N_("Number of the quotation"), "about": N_("What it is about"), "total": N_("Total with IVA"),
         "until": N_("Last day that the offer is valid"), "message": N_("What the sender says besides; empty for nothing"),
         "responsible": N_("Who attends the customer")},
        needs=frozenset({"quotation", "message"}),
    ),
    "survey": Event(
        N_("Invitation to a survey"), C,
        {**_SURVEY, "minutes": N_("How many minutes it takes, about")}, needs=frozenset({"survey", "stop"}),
    ),
    "survey_reminder": Event(N_("Reminder of a survey, to who has not answered"), C, _SURVEY, needs=frozenset({"survey", "stop"})),
    "routed": Event(N_("A case came to my process or to me"), S, {}, may_digest=True, may_refuse=True),
    "job_done": Event(
        N_("Work that I asked for has ended"), S,
        {"title": N_("What was asked for"), "outcome": N_("How it ended"), "detail": N_("What it says besides")},
        may_digest=True, may_refuse=True,
    ),
    "reminder": Event(
        N_("What is due, in one list"), S, _REMINDED, needs=frozenset({"items"}), may_digest=True, may_refuse=True,
    ),
    "reminder_silence": Event(N_("A positive silence has to be recognised"), S, _REMINDED, needs=frozenset({"items"})),
    "mail_noted": Event(
        N_("A message arrived about a case of my process or mine"), S, {"hint": N_("What the message may be, by the state of the case")},
        may_digest=True,
    ),
    "mail_quarantined": Event(
        N_("A message waits in quarantine"), S, {"ground": N_("Why it was set aside")}, delivery=Delivery.DIGEST, may_digest=True,
        may_refuse=True,
    ),
    "billing_answer": Event(
        N_("Billing answered about what I decided"), S,
        {"billed": N_("How many were billed"), "rejected": N_("How many were rejected"), "items": N_("What became of each")},
        needs=frozenset({"items"}), may_digest=True, may_refuse=True,
    ),
    "hook_paused": Event(
        N_("Another program stopped receiving"), S, {"name": N_("Name of the webhook"), "since": N_("Since when it fails")},
        may_digest=True, may_refuse=True,
    ),
    "report": Event(
        N_("A report that leaves by itself, with its file"), S,
        {"name": N_("Name of the sending"), "report": N_("Name of the report"), "filter": N_("What was asked for, in words"),
         "n": N_("How many rows it has"), "sender": N_("Who has it sent"), "how": N_("Whether the file goes along or waits on its page"),
         "until": N_("Last day on which the file may be downloaded")},
        needs=frozenset({"how"}), may_refuse=True,
    ),
    "report_failed": Event(
        N_("A report that leaves by itself did not leave"), S,
        {"name": N_("Name of the sending"), "person": N_("For whom it was"), "reason": N_("Why it did not leave")},
        needs=frozenset({"reason"}), may_digest=True, may_refuse=True,
    ),
    "digest": Event(
        N_("The daily digest"), S, {"day": N_("Date"), "n": N_("How many notices"), "items": N_("The notices, one under another")},
        needs=frozenset({"items"}),
    ),
}  # fmt: skip
del C, S


# ── To the staff ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell_user(
    session: Session,
    user: User,
    event: str,
    facts: Mapping[str, Any] = MappingProxyType({}),
    *,
    key: str,
    pqr: Pqr | None = None,
    attachment: StoredFile | None = None,
    at: datetime,
) -> OutboxMessage | None:
    """
    Tell somebody of the staff, as they want to hear of *event*; return the message, or None for who does not want it or has no address.

    It is queued, or HELD until the digest. The same *key* tells once: put the person in it, e.g. `routed:PQR-2026-000123:7:15`.

    Args:
        facts: The fields of the event. Dates are written out, members of an Enum, lazy texts and numbers said, in the language of the
            person; None is empty. `url` may be a path of ours.
        pqr: The case it is about: it gives the fields of `CASE`, and the thread of the mailbox.
        attachment: The file that goes with it; of an event that waits for no digest.

    Raises:
        KeyError: The event is not declared, or has no such field.
    """
    how = delivery_of(session, user, event)
    if how is Delivery.NEVER or not user.active or not user.email:
        return None
    is_held, language = how is Delivery.DIGEST, language_of(session, user)
    subject, body = words_of(session, event, language)
    organisation = pqr.organisation if pqr else queries.organisation(session)
    with force_locale(language):
        greeting = "" if is_held else _("Good day, %(name)s:", name=user.first_name)
        values = said(EVENTS[event], {**case_facts(pqr), **facts}) | {"greeting": greeting, "organisation": organisation.name}
        frame = frame_of(organisation, language, is_staff=True)
    return _queue(
        session, frame, subject, body, values, key=key, event=event, to=user.email, user=user, pqr=pqr, attachment=attachment,
        is_held=is_held, at=at,
    )  # fmt: skip


def delivery_of(session: Session, user: User, event: str) -> Delivery:
    """Return how *user* hears of an event: as they chose, if the event still allows it, else as it is declared."""
    chosen = session.get(NoticePreference, (user.id, event))
    return chosen.delivery if chosen and chosen.delivery in ways_of(session)[event] else EVENTS[event].delivery


def ways_of(session: Session) -> dict[str, tuple[Delivery, ...]]:
    """Return by event how the staff may choose to hear of it: as it is declared, without refusing what the house says nobody may refuse."""
    firm = set(queries.parameter(session, FIRM).replace(",", " ").split())
    return {
        name: tuple(way for way in event.deliveries if way is not Delivery.NEVER or name not in firm) for name, event in EVENTS.items()
    }


def language_of(session: Session, user: User) -> str:
    """Return the language that *user* reads mail in."""
    chosen = session.get(MailLanguage, user.id)
    return chosen.language if chosen else LANGUAGE


def case_facts(pqr: Pqr | None) -> dict[str, Any]:
    """Return the fields of `CASE`: no personal data among them."""
    if pqr is None:
        return dict.fromkeys(CASE)
    process = pqr.process.name if pqr.process else None
    return {
        "number": pqr.number, "type": pqr.request_type.name, "process": process, "safe": pqr.safe_on, "due": pqr.due_on,
        "url": f"/pqr/{pqr.number}",
    }  # fmt: skip


def said(event: Event, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of *event* as the current language says them; what *facts* lacks is empty. Raises KeyError for a stranger."""
    if strangers := set(facts) - set(event.known):
        raise KeyError(", ".join(sorted(strangers)))
    return {name: _address(facts.get(name)) if name == "url" else _say(facts.get(name)) for name in event.known}


def _address(value: str | None) -> str:
    return public_url(value, trust_request=False) or "" if value and value.startswith("/") else value or ""


def _say(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return format_datetime(value, "d MMM y, H:mm")
        case date():
            return format_date(value, "long")
        case Enum():
            return _(value.value)
    return str(value)


def tell_routed(session: Session, pqr: Pqr, at: datetime) -> list[OutboxMessage]:
    """Tell the person who now holds the case, or everybody of its process; return the messages. No personal data inside."""
    baton = session.scalar(select(Assignment.id).where(Assignment.pqr_id == pqr.id, Assignment.out_at.is_(None)))
    people = people_of(session, pqr, local(at).date())
    told = (tell_user(session, user, "routed", key=f"routed:{pqr.number}:{baton}:{user.id}", pqr=pqr, at=at) for user in people)
    return [message for message in told if message is not None]


def people_of(session: Session, pqr: Pqr, today: date) -> list[User]:
    """Return who is told: the holder, or the owners and substitutes of the process in office on *today*; and who stands in for them."""
    statement = select(User).where(User.active, User.email.is_not(None), User.email != "").order_by(User.id)
    standing_in = select(Leave.substitute_id).where(Leave.starts_on <= today, Leave.ends_on >= today)
    if pqr.holder_id:
        for_holder = standing_in.where(Leave.user_id == pqr.holder_id)
        return list(session.scalars(statement.where(or_(User.id == pqr.holder_id, User.id.in_(for_holder)))))
    return members_of(session, pqr.process_id, today)


def members_of(session: Session, process_id: int, today: date) -> list[User]:
    """Return the owners and substitutes of a process in office on *today*, and who stands in for them."""
    statement = select(User).where(User.active, User.email.is_not(None), User.email != "").order_by(User.id)
    standing_in = select(Leave.substitute_id).where(Leave.starts_on <= today, Leave.ends_on >= today)
    members = select(ProcessMember.user_id).where(
        ProcessMember.process_id == process_id,
        ProcessMember.role != MemberRole.CHIEF,  # hears of it when its term runs out
        or_(ProcessMember.valid_from.is_(None), ProcessMember.valid_from <= today),
        or_(ProcessMember.valid_until.is_(None), ProcessMember.valid_until >= today),
    )
    for_members = standing_in.where(Leave.user_id.in_(members))
    return list(session.scalars(statement.where(or_(User.id.in_(members), User.id.in_(for_members)))))


# ── To the citizen ────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell_citizen(
    session: Session, pqr: Pqr, event: str, facts: Mapping[str, Any], *, to: str | None, key: str, in_reply_to: str = "", at: datetime
) -> OutboxMessage | None:
    """
    Tell whoever filed the case; return the message, or None when no address is known.

    Args:
        to: The address written in the request, that of its notice, or the one of a message that this answers.
        in_reply_to: Message-ID of what the citizen wrote, when this answers it.

    Raises:
        KeyError: As `tell_user`.
    """
    if not to:
        return None
    subject, body = words_of(session, event, LANGUAGE)
    with force_locale(LANGUAGE):
        name = pqr.party.name if pqr.party and pqr.identity is Identity.NAMED else ""
        greeting = _("Good day, %(name)s:", name=name) if name else _("Good day:")
        values = said(EVENTS[event], {"number": pqr.number, **facts}) | {"greeting": greeting, "organisation": pqr.organisation.name}
        frame = frame_of(pqr.organisation, LANGUAGE)
    return _queue(session, frame, subject, body, values, key=key, event=event, to=to, pqr=pqr, in_reply_to=in_reply_to, at=at)


def tell_party(
    session: Session, event: str, facts: Mapping[str, Any], *, to: str, name: str, key: str, reply_to: str | None = None,
    attachment: StoredFile | None = None, unsubscribe_url: str | None = None, at: datetime,
) -> OutboxMessage:  # fmt: skip
    """Tell somebody called *name* with whom the company deals, outside of any case; return the message. Raises KeyError."""
    subject, body = words_of(session, event, LANGUAGE)
    organisation = queries.organisation(session)
    with force_locale(LANGUAGE):
        values = said(EVENTS[event], facts) | {"greeting": _("Good day, %(name)s:", name=name), "organisation": organisation.name}
        frame = frame_of(organisation, LANGUAGE)
    return _queue(
        session, frame, subject, body, values, key=key, event=event, to=to, reply_to=reply_to, attachment=attachment,
        unsubscribe_url=unsubscribe_url, at=at,
    )  # fmt: skip


def address_of(pqr: Pqr) -> str | None:
    """Return where whoever filed the case reads mail: the address written in the request, else that of the petitioner."""
    return pqr.notice_email or (pqr.party.email if pqr.party else None)


def tell_filed(
    session: Session, pqr: Pqr, at: datetime, *, to: str | None = None, in_reply_to: str = "", left_out: str = ""
) -> OutboxMessage | None:
    """
    Tell whoever filed the case its number, key and legal date; return the message, or None when no address is known.

    The key opens the case, so it goes only to the address written in the request or that of the petitioner.

    Args:
        left_out: The files that could not be received with a request that came by mail, and why.
    """
    facts = {
        "day": pqr.filed_on, "key": pqr.access_key, "type": pqr.request_type.name, "due": pqr.due_on, "page": _page_of(pqr),
        "left_out": left_out,
    }  # fmt: skip
    return tell_citizen(
        session, pqr, "filed", facts, to=to or address_of(pqr), key=f"filed:{pqr.number}", in_reply_to=in_reply_to, at=at
    )


def tell_answer(session: Session, pqr: Pqr, notice: Notice, url: str, at: datetime) -> OutboxMessage | None:
    """Send the link of an e-notice (CPACA art. 56); *url* is absolute. The citizen is served when it is opened, not now."""
    facts = {"url": url, "rating": rating.link_of(pqr)}
    return tell_citizen(session, pqr, "answer", facts, to=notice.address, key=f"answer:{pqr.number}:{notice.id}", at=at)


def tell_act(session: Session, pqr: Pqr, document: Document, at: datetime, notice: Notice | None = None) -> OutboxMessage | None:
    """
    Tell the citizen that an act was issued in the case; return the message, or None when no address is known.

    Args:
        notice: The e-notice whose link tells it; without one, the message says where to read it with number and key.
    """
    facts: dict[str, Any] = {"act": document.number, "kind": document.kind}
    facts |= {"link": public_url(f"/n/{notice.token}")} if notice else {"page": _page_of(pqr)}
    to = notice.address if notice else address_of(pqr)
    return tell_citizen(session, pqr, "act", facts, to=to, key=f"act:{document.number}", at=at)


def tell_closed(session: Session, pqr: Pqr, at: datetime) -> OutboxMessage | None:
    """Tell the citizen that the case is closed and ask how it was attended; return the message, or None when no address is known."""
    link = rating.link_of(pqr)
    if not link:
        return None
    return tell_citizen(session, pqr, "closed", {"rating": link}, to=address_of(pqr), key=f"closed:{pqr.number}", at=at)


def _page_of(pqr: Pqr) -> str:
    """Return the address of the page that follows the case, or how to find it while nobody said under which address we live."""
    with force_locale(LANGUAGE):
        return public_url(f"/pqr/consulta?n={pqr.number}", trust_request=False) or _("“Follow my request”, on our page")


# ── The words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def words_of(session: Session, event: str, language: str) -> tuple[str, str]:
    """Return subject and body of the template of *event*: of the house, else the shipped one; in *language*, else in Spanish."""
    rows = session.scalars(select(MessageTemplate).where(MessageTemplate.event == event))
    written = {row.language: (row.subject, row.body) for row in rows}
    return written.get(language) or shipped().get((event, language)) or written.get(LANGUAGE) or shipped()[event, LANGUAGE]


def check_words(event: str, subject: str, body: str) -> None:
    """
    Refuse a template that could not be filled, or that would not say what its message is for.

    Raises:
        DomainError: It names a field that the event has not, has a brace without its pair, or its text lacks a field that it needs.
    """
    known = EVENTS[event].known
    for field_name, text in (("subject", subject), ("body", body)):
        try:
            answers.check_template(text, known)
        except DomainError as error:
            error.field = field_name
            raise
    if missing := EVENTS[event].needs - fields_in(body):
        lacking = N_("The text has to name %(fields)s: without it the message does not do what it is sent for.")
        raise DomainError(lacking, field="body", fields=", ".join(f"{{{name}}}" for name in sorted(missing)))


@cache
def shipped() -> Mapping[tuple[str, str], tuple[str, str]]:
    """Return subject and body of the shipped templates by event and language."""
    rows = read_seed("message_template")
    return MappingProxyType({(row["event"], row["language"]): (row["subject"], row["body"]) for row in rows})


def frame_of(organisation: Organisation, language: str, *, is_staff: bool = False) -> Frame:
    """Return what stands around a text: who writes and how to reach them. Ask it in the language of the message."""
    place = [organisation.address, organisation.municipality.name, organisation.phone or ""]
    foot = [organisation.name, " · ".join(each for each in place if each)]
    choose = public_url("/mail/preferences/", trust_request=False) if is_staff else None
    if choose:
        foot.append(_("To choose what you are told: %(url)s", url=choose))
    return Frame(organisation.name, foot, language, _("Open it"), public_url("", trust_request=False) or "")


def _queue(
    session: Session, frame: Frame, subject: str, body: str, values: Mapping[str, str], *, is_held: bool = False, **more: Any
) -> OutboxMessage:
    """Fill the template and queue it. What is held carries neither greeting nor foot: it becomes a part of another message."""
    text, title = fill(body, values), fill(subject, values).replace("\n", " ")
    whole = {"body": text} if is_held else {"body": as_text(text, frame), "html": as_html(text, title, frame)}
    return outbox.queue_message(session, subject=title, language=frame.language, is_held=is_held, **whole, **more)


# ── Seen before it is sent ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Specimen:
    """A message as somebody would receive it."""

    subject: str
    text: str
    html: str


def specimen(session: Session, event: str, language: str, pqr: Pqr | None = None) -> Specimen:
    """
    Return *event* as it would be told with the facts of *pqr*, or with examples.

    Keys and personal links are examples always: a preview opens nothing. What has no example says what it will be.
    """
    organisation = pqr.organisation if pqr else queries.organisation(session)
    subject, body = words_of(session, event, language)
    with force_locale(language):
        known = EVENTS[event].known
        shown = {**_examples(), **(_known_of(pqr) if pqr else {})}
        values = {name: _say(shown[name]) if name in shown else f"[{_(meaning)}]" for name, meaning in known.items()}
        values |= {"greeting": _("Good day, %(name)s:", name="Ana"), "organisation": organisation.name}
        frame = frame_of(organisation, language, is_staff=EVENTS[event].audience is Audience.STAFF)
        title, text = fill(subject, values), fill(body, values)
        return Specimen(title, as_text(text, frame), as_html(text, title, frame))


def _examples() -> dict[str, Any]:
    home = public_url("", trust_request=True) or ""
    return {
        "number": "PQR-2026-000123", "key": "XXXX-XXXX-XXXX", "type": _("Claim"), "process": _("Billing"), "act": "REQ-2026-000045",
        "day": date(2026, 7, 10), "due": date(2026, 8, 3), "safe": date(2026, 7, 31), "n": 3, "url": f"{home}/…", "link": f"{home}/n/…",
        "page": f"{home}/pqr/consulta", "rating": f"{home}/e/…",
        "survey": f"{home}/encuesta/…", "stop": f"{home}/encuesta/…/no-mas", "until": date(2026, 8, 3), "minutes": 4,
    }  # fmt: skip


def _known_of(pqr: Pqr) -> dict[str, Any]:
    """Return what a preview may say of a case: no key, no link that only one person has."""
    facts = {name: value for name, value in case_facts(pqr).items() if value}
    return facts | {"day": pqr.filed_on, "url": public_url(f"/pqr/{pqr.number}")}


def choose(session: Session, user: User, language: str, wanted: Mapping[str, Delivery]) -> None:
    """
    Keep how *user* wants to hear of each event, and in which language. What equals the declaration is not kept, so it follows it.

    Raises:
        DomainError: An event cannot be heard of that way.
    """
    ways = ways_of(session)
    for name, delivery in wanted.items():
        if delivery not in ways[name]:
            raise DomainError(N_("“%(event)s” cannot be refused: the house needs you to know it."), field=name, event=EVENTS[name].title)
        row = session.get(NoticePreference, (user.id, name))
        if delivery is EVENTS[name].delivery:
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(NoticePreference(user_id=user.id, event=name, delivery=delivery))
        else:
            row.delivery = delivery
    session.merge(MailLanguage(user_id=user.id, language=language))
    session.flush()
