"""
Quotations: written, sent, answered, followed. See app/domain/quotations.py for their arrows and sums.

What was sent stays as it was sent: another offer is another version. Everything that happens leaves a row of `CommercialEvent`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import flag_modified

from app import queries
from app.domain import N_
from app.domain.errors import CalendarGap, DomainError, MoveRefused
from app.domain.quotations import (
    MOST_VALIDITY,
    ContactMeans,
    LossReason,
    QuotationMove,
    QuotationStatus,
    QuoteLine,
    QuoteTotals,
    check_acceptance,
    check_answer,
    check_lines,
    check_sending,
    moved,
    totals,
    valid_until_of,
)
from app.extensions import local
from app.models import (
    CommercialEvent,
    Document,
    Party,
    PartyContact,
    Process,
    Quotation,
    QuotationFollowUp,
    QuotationLine,
    QuotationVersion,
)
from app.operations.numbers import next_number

PREFIX, WIDTH = "COT", 4

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Wanted:
    """What a draft says: for whom, what was asked, what is offered and on which conditions."""

    party: Party
    subject: str
    requested_on: date
    lines: Sequence[QuoteLine]
    contact: PartyContact | None = None
    request: str = ""
    process: Process | None = None
    responsible: User | None = None
    validity_days: int = 30
    delivery: str = ""
    payment: str = ""
    conditions: str = ""


def check_wanted(wanted: Wanted, on: date, quotation: Quotation | None = None) -> QuoteTotals:
    """
    Return the totals of what may be written on *on*; *quotation* is the one that it rewrites.

    Raises:
        DomainError: Nobody says what it is about; it was asked for after today, or after it was first sent; the contact is of somebody
            else; the customer of what was already sent would change; the validity is no term; or as `check_lines`.
    """
    if not wanted.subject.strip():
        raise DomainError(N_("Write what the quotation is about."), field="subject")
    if wanted.requested_on > on:
        raise DomainError(N_("The customer cannot have asked for it after today."), field="requested_on")
    if wanted.contact is not None and wanted.contact.party_id != wanted.party.id:
        msgid = N_("%(contact)s is no contact of %(party)s.")
        raise DomainError(msgid, field="contact", contact=wanted.contact.name, party=wanted.party.name)
    if quotation is not None and quotation.first_sent_on is not None:
        _check_sent_before(wanted, quotation)
    if not 1 <= wanted.validity_days <= MOST_VALIDITY:
        raise DomainError(N_("The offer is valid for 1 to %(most)s days."), field="validity_days", most=MOST_VALIDITY)
    return check_lines(wanted.lines)


def _check_sent_before(wanted: Wanted, quotation: Quotation) -> None:
    """Refuse another customer, or a request after the first sending, for what a customer already has."""
    if wanted.party.id != quotation.party_id:
        msgid = N_("%(number)s was already sent to %(party)s. For another customer write another quotation.")
        raise DomainError(msgid, field="party", number=quotation.number, party=quotation.party.name)
    if wanted.requested_on > quotation.first_sent_on:
        msgid = N_("It was first sent on %(day)s: the customer asked for it before that.")
        raise DomainError(msgid, field="requested_on", day=quotation.first_sent_on)


def write_quotation(session: Session, wanted: Wanted, *, at: datetime, actor_id: int | None) -> Quotation:
    """Store a draft with its number and first version; return it, flushed. Raises DomainError, as `check_wanted`."""
    sums, organisation = check_wanted(wanted, local(at).date()), queries.organisation(session)
    quotation = Quotation(organisation=organisation, status=QuotationStatus.DRAFT, version=1, created_by_id=actor_id)
    version = QuotationVersion(number=1)
    quotation.versions.append(version)
    _write(quotation, version, wanted, sums)
    quotation.number = next_number(session, organisation.id, PREFIX, local(at).year, WIDTH)
    session.add(quotation)
    session.flush()
    _note(session, quotation, QuotationMove.WRITE, at=at, actor_id=actor_id, facts=_sum_of(version))
    return quotation


def amend_quotation(session: Session, quotation: Quotation, wanted: Wanted, *, at: datetime) -> Quotation:
    """
    Rewrite the draft version; return the quotation, flushed.

    Raises:
        MoveRefused: It is no draft: what was sent stays as it was sent.
        DomainError: As `check_wanted`.
    """
    queries.lock(session, quotation)
    want_draft(quotation)
    sums, version = check_wanted(wanted, local(at).date(), quotation), current(quotation)
    for row in version.lines:
        session.delete(row)
    session.flush()
    session.expire(version, ["lines"])
    _write(quotation, version, wanted, sums)
    flag_modified(quotation, "version")  # who has the old text open has to hear of it, even if only a line changed
    session.flush()
    return quotation


def want_draft(quotation: Quotation) -> None:
    """Raise MoveRefused when the quotation is no draft; it says the way out."""
    if quotation.status is QuotationStatus.DRAFT:
        return
    if quotation.status in (QuotationStatus.SENT, QuotationStatus.EXPIRED):
        msgid = N_("%(number)s was sent and stays as it was sent. To offer something else, write a new version.")
        raise MoveRefused(msgid, number=quotation.number)
    msgid = N_("%(number)s is “%(status)s” and no longer changes.")
    raise MoveRefused(msgid, number=quotation.number, status=quotation.status.value)


def _write(quotation: Quotation, version: QuotationVersion, wanted: Wanted, sums: QuoteTotals) -> None:
    quotation.party, quotation.contact, quotation.process = wanted.party, wanted.contact, wanted.process
    quotation.responsible, quotation.requested_on = wanted.responsible, wanted.requested_on
    quotation.subject, quotation.request = wanted.subject.strip(), wanted.request.strip()
    version.validity_days, version.delivery = wanted.validity_days, wanted.delivery.strip()
    version.payment, version.conditions = wanted.payment.strip(), wanted.conditions.strip()
    version.subtotal_cop, version.vat_cop, version.total_cop = sums.subtotal, sums.vat_total, sums.total
    quotation.total_cop = sums.total
    version.lines.extend(_stored(position, line) for position, line in enumerate(wanted.lines, 1))


def _stored(position: int, line: QuoteLine) -> QuotationLine:
    return QuotationLine(
        position=position, description=line.description.strip(), quantity=line.quantity, unit=line.unit.strip(),
        unit_price_cop=line.price, vat_percent=line.vat_rate, subtotal_cop=line.subtotal,
    )  # fmt: skip


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def current(quotation: Quotation) -> QuotationVersion:
    """Return the version that counts: the draft, else what was sent last."""
    return next(version for version in quotation.versions if version.number == quotation.version)


def lines_of(version: QuotationVersion) -> list[QuoteLine]:
    """Return the stored lines as the domain reads them."""
    return [QuoteLine(line.description, line.quantity, line.unit, line.unit_price_cop, line.vat_percent) for line in version.lines]


def totals_of(version: QuotationVersion) -> QuoteTotals:
    """Return the totals of *version*, by rate. Raises DomainError: its lines are not what it says they add up to."""
    found = totals(lines_of(version))
    stored = (version.subtotal_cop, version.vat_cop, version.total_cop)
    if (found.subtotal, found.vat_total, found.total) != stored or any(
        line.subtotal_cop != said.subtotal for line, said in zip(version.lines, lines_of(version), strict=True)
    ):
        msgid = N_("The lines of %(number)s, version %(version)s, do not add up to what it says.")
        raise DomainError(msgid, number=version.quotation.number, version=version.number)
    return found


def timeline(session: Session, quotation: Quotation) -> Sequence[CommercialEvent]:
    """Return what happened to *quotation*, the newest first, with who did it."""
    found = select(CommercialEvent).where(CommercialEvent.quotation_id == quotation.id).options(joinedload(CommercialEvent.actor))
    return session.scalars(found.order_by(CommercialEvent.id.desc())).all()


def lapsed(on: date) -> Select[tuple[Quotation]]:
    """Return the SELECT of what was sent and is no longer valid on *on*."""
    return select(Quotation).where(Quotation.status == QuotationStatus.SENT, Quotation.valid_until < on)


def due_follow_ups(on: date) -> Select[tuple[Quotation]]:
    """Return the SELECT of those whose customer was to be spoken to on *on* or before."""
    may_follow = (QuotationStatus.DRAFT, QuotationStatus.SENT, QuotationStatus.EXPIRED)
    return select(Quotation).where(Quotation.status.in_(may_follow), Quotation.next_follow_up_on <= on)


def _note(
    session: Session, quotation: Quotation, move: QuotationMove, *, at: datetime, actor_id: int | None,
    before: QuotationStatus | None = None, reason: str = "", facts: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write down what happened; days and amounts in *facts* are texts."""
    session.add(
        CommercialEvent(
            quotation_id=quotation.id, at=at, actor_id=actor_id, move=move.name, from_status=before.name if before else "",
            to_status=quotation.status.name, reason=reason, facts=dict(facts or {}),
        )
    )  # fmt: skip
    session.flush()


def _sum_of(version: QuotationVersion) -> dict[str, Any]:
    return {"version": version.number, "total": str(version.total_cop)}


def _locked(session: Session, quotation: Quotation, move: QuotationMove) -> QuotationStatus:
    """Lock *quotation* and return where *move* leads. Raises MoveRefused."""
    queries.lock(session, quotation)
    return moved(quotation.status, move, quotation.number)


# ── Sending, and a new version ────────────────────────────────────────────────────────────────────────────────────────────


def sending_wanted(quotation: Quotation, sent_on: date, on: date) -> QuoteTotals:
    """
    Return the totals of what may be sent with that date.

    Raises:
        MoveRefused: It is no draft.
        DomainError: The date cannot be (`check_sending`), there are no lines, or they do not add up.
    """
    moved(quotation.status, QuotationMove.SEND, quotation.number)
    before = max((version.sent_on for version in quotation.versions if version.sent_on), default=None)
    check_sending(sent_on, requested_on=quotation.requested_on, before=before, on=on)
    check_lines(lines_of(current(quotation)))
    return totals_of(current(quotation))


def mark_sent(
    session: Session, quotation: Quotation, *, sent_on: date, document: Document | None, to: str, at: datetime, actor_id: int | None
) -> Quotation:
    """
    Record that the draft was sent: from now on that version is fixed. Return the quotation, flushed.

    Args:
        document: The issued paper.
        to: The address, or how it was handed over.

    Raises:
        MoveRefused, DomainError: As `sending_wanted`.
    """
    before, status = QuotationStatus.DRAFT, _locked(session, quotation, QuotationMove.SEND)
    sending_wanted(quotation, sent_on, local(at).date())
    version = current(quotation)
    version.sent_on, version.valid_until = sent_on, valid_until_of(sent_on, version.validity_days)
    version.sent_to, version.document = to.strip()[:254], document
    if quotation.first_sent_on is None:
        quotation.first_sent_on, quotation.n_days_to_send = sent_on, _business_days(session, quotation.requested_on, sent_on)
    quotation.sent_on, quotation.valid_until, quotation.status = sent_on, version.valid_until, status
    session.flush()
    facts = _sum_of(version) | {"on": sent_on.isoformat(), "to": version.sent_to, "valid_until": version.valid_until.isoformat()}
    _note(session, quotation, QuotationMove.SEND, at=at, actor_id=actor_id, before=before, facts=facts)
    return quotation


def _business_days(session: Session, first: date, last: date) -> int | None:
    """Return the business days between two days; None where nobody loaded the calendar."""
    try:
        return queries.calendar_of(session, queries.organisation(session)).between(first, last)
    except CalendarGap:
        return None


def revise_quotation(session: Session, quotation: Quotation, *, reason: str, at: datetime, actor_id: int | None) -> Quotation:
    """
    Begin a new version, a draft with what the last one said, which stays as it was sent; return the quotation, flushed.

    Raises:
        MoveRefused: It was not sent, or the customer already answered; or nobody says why.
    """
    before, status = quotation.status, _locked(session, quotation, QuotationMove.REVISE)
    if not reason.strip():
        raise MoveRefused(N_("Write why another version is needed: it stays in the history."), field="reason")
    old = current(quotation)
    version = QuotationVersion(
        number=old.number + 1, reason=reason.strip(), validity_days=old.validity_days, delivery=old.delivery, payment=old.payment,
        conditions=old.conditions, subtotal_cop=old.subtotal_cop, vat_cop=old.vat_cop, total_cop=old.total_cop,
    )  # fmt: skip
    version.lines.extend(_stored(position, line) for position, line in enumerate(lines_of(old), 1))
    quotation.versions.append(version)
    quotation.version, quotation.status = version.number, status
    quotation.sent_on = quotation.valid_until = quotation.decided_on = None
    session.flush()
    _note(
        session, quotation, QuotationMove.REVISE, at=at, actor_id=actor_id, before=before, reason=version.reason,
        facts={"version": version.number},
    )  # fmt: skip
    return quotation


# ── The answer of the customer ────────────────────────────────────────────────────────────────────────────────────────────


def accept_quotation(session: Session, quotation: Quotation, *, on: date, note: str, at: datetime, actor_id: int | None) -> Quotation:
    """
    Record that the customer accepted; return the quotation, flushed. What was accepted in time may be recorded late.

    Raises:
        MoveRefused: It was not sent, or is already answered.
        DomainError: The day cannot be, or the offer was no longer valid on it.
    """
    before, status = quotation.status, _locked(session, quotation, QuotationMove.ACCEPT)
    assert quotation.sent_on is not None and quotation.valid_until is not None  # CHECK sent_has_date, sent_has_validity
    check_answer(on, sent_on=quotation.sent_on, on=local(at).date())
    check_acceptance(on, quotation.valid_until)
    _end(session, quotation, status, on, note)
    _note(
        session, quotation, QuotationMove.ACCEPT, at=at, actor_id=actor_id, before=before, reason=note.strip(),
        facts=_sum_of(current(quotation)) | {"on": on.isoformat()},
    )  # fmt: skip
    return quotation


def reject_quotation(
    session: Session, quotation: Quotation, *, on: date, reason: LossReason, note: str, at: datetime, actor_id: int | None
) -> Quotation:
    """
    Record that the customer said no, and why; return the quotation, flushed.

    Raises:
        MoveRefused: It was not sent, or is already answered.
        DomainError: The day cannot be, or another reason is not told.
    """
    before, status = quotation.status, _locked(session, quotation, QuotationMove.REJECT)
    assert quotation.sent_on is not None  # CHECK sent_has_date
    check_answer(on, sent_on=quotation.sent_on, on=local(at).date())
    if reason is LossReason.OTHER and not note.strip():
        raise DomainError(N_("Write the other reason in a few words."), field="note")
    quotation.loss_reason = reason
    _end(session, quotation, status, on, note)
    facts = {"on": on.isoformat(), "loss_reason": reason.name}
    _note(session, quotation, QuotationMove.REJECT, at=at, actor_id=actor_id, before=before, reason=note.strip(), facts=facts)
    return quotation


def withdraw_quotation(session: Session, quotation: Quotation, *, reason: str, at: datetime, actor_id: int | None) -> Quotation:
    """Take the quotation back, with a reason; return it, flushed. Raises MoveRefused: it is answered, expired, or nobody says why."""
    before, status = quotation.status, _locked(session, quotation, QuotationMove.WITHDRAW)
    if not reason.strip():
        raise MoveRefused(N_("Write why it is withdrawn: its number stays, with this reason."), field="reason")
    _end(session, quotation, status, local(at).date(), reason)
    _note(session, quotation, QuotationMove.WITHDRAW, at=at, actor_id=actor_id, before=before, reason=reason.strip())
    return quotation


def expire_quotation(session: Session, quotation: Quotation, *, at: datetime, actor_id: int | None = None) -> Quotation:
    """Record that nobody answered while it was valid; return it, flushed. Raises MoveRefused: it was not sent, or is still valid."""
    status = _locked(session, quotation, QuotationMove.EXPIRE)
    assert quotation.valid_until is not None  # CHECK sent_has_validity
    if quotation.valid_until >= local(at).date():
        raise MoveRefused(N_("%(number)s is valid until %(until)s."), number=quotation.number, until=quotation.valid_until)
    _end(session, quotation, status, quotation.valid_until, "")
    facts = {"on": quotation.valid_until.isoformat()}
    _note(session, quotation, QuotationMove.EXPIRE, at=at, actor_id=actor_id, before=QuotationStatus.SENT, facts=facts)
    return quotation


def _end(session: Session, quotation: Quotation, status: QuotationStatus, on: date, note: str) -> None:
    quotation.status, quotation.decided_on, quotation.decision_note = status, on, note.strip()
    quotation.next_follow_up_on = None
    session.flush()


# ── Following ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said with a customer, on which day, and when to speak again."""

    on: date
    means: ContactMeans
    note: str
    next_on: date | None = None


def follow_up(session: Session, quotation: Quotation, said: Spoken, *, at: datetime, actor_id: int | None) -> QuotationFollowUp:
    """
    Note what was said and when to speak again; return the note, flushed.

    Raises:
        MoveRefused: The customer already answered, or it was withdrawn.
        DomainError: It says nothing; it was said after today or before the request; or the next day is not after it, or is past.
    """
    status, on = _locked(session, quotation, QuotationMove.FOLLOW_UP), local(at).date()
    if not said.note.strip():
        raise DomainError(N_("Write what was said."), field="note")
    if not quotation.requested_on <= said.on <= on:
        msgid = N_("The day has to be between the request, on %(day)s, and today.")
        raise DomainError(msgid, field="on", day=quotation.requested_on)
    if said.next_on is not None and said.next_on <= max(said.on, on):
        raise DomainError(N_("The next day has to be after today."), field="next_on")
    row = QuotationFollowUp(
        quotation_id=quotation.id, on=said.on, means=said.means, note=said.note.strip(), next_on=said.next_on, created_by_id=actor_id
    )  # fmt: skip
    session.add(row)
    quotation.next_follow_up_on = said.next_on
    session.flush()
    facts = {"on": said.on.isoformat(), "means": said.means.name, "next_on": said.next_on.isoformat() if said.next_on else ""}
    _note(session, quotation, QuotationMove.FOLLOW_UP, at=at, actor_id=actor_id, before=status, reason=row.note, facts=facts)
    return row
