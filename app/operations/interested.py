"""
How interested parties are followed (ISO 9001:2015, 4.2): the evidence that a mechanism was applied, and when it is due again.

Evidence is found in what the system holds anyway, by one function a source (`FINDERS`), or attached by whoever follows the group.
`last_on` and `next_on` of a mechanism are written here alone, in the transaction that brings the evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask_babel import force_locale, format_date, ngettext
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.calendar import ONE_DAY, months_after
from app.domain.campaigns import CampaignStatus, ResponseStatus
from app.domain.checklists import ChecklistStatus
from app.domain.errors import DomainError
from app.domain.interested import EvidenceSource, check_evidence_day, first_of, next_due_on
from app.domain.states import OrderStatus, PastKind
from app.extensions import LANGUAGE, LOCAL_ZONE, local
from app.models import (
    Checklist,
    Contract,
    Evidence,
    FieldOrder,
    Mechanism,
    PartyGroup,
    PastRecord,
    Quotation,
    QuotationFollowUp,
    StoredFile,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
)
from app.operations import files


@dataclass(frozen=True, slots=True)
class Found:
    """A record of the system that shows that a mechanism was applied: what names it for ever, its day, its words, where it opens."""

    key: str
    on: date
    title: str
    path: str


#: First and last day that are looked through.
Span = tuple[date, date]


# ── Where evidence is found ───────────────────────────────────────────────────────────────────────────────────────────────


def _is_of_group(party_id: Any, mechanism: Mechanism) -> ColumnElement[bool]:
    """Return the condition that a party is of the group of *mechanism*. A group of which nobody is named is open to all."""
    named = exists().where(PartyGroup.group_id == mechanism.group_id)
    return or_(~named, named.where(PartyGroup.party_id == party_id).correlate_except(PartyGroup))


def _by_month(session: Session, days: Select[Any], path: str, say: Callable[[int, str], str]) -> Iterator[Found]:
    """Yield what *days*, a SELECT of one day a row, adds up to in each month. `{days}` in *path* becomes the span of the month."""
    counted = Counter(session.scalars(days))
    months: dict[date, list[date]] = {}
    for on in counted:
        months.setdefault(first_of(on), []).append(on)
    for month, its in sorted(months.items()):
        until = months_after(month, 1) - ONE_DAY
        title = say(sum(counted[on] for on in its), format_date(month, "MMMM y"))
        yield Found(f"{month:%Y-%m}", max(its), title, path.format(days=f"{month}..{until}"))


def _surveys(session: Session, mechanism: Mechanism, span: Span) -> Iterable[Found]:
    """The campaigns that were closed and ask those of the group; and the answers that came from other programs, a month each."""
    yield from _campaigns(session, mechanism, span)
    days = select(PastRecord.on).where(PastRecord.kind == PastKind.SURVEY, PastRecord.on.between(*span))
    yield from _by_month(
        session, days, "/pastrecord/list/?kind=SURVEY&on={days}",
        lambda n, month: ngettext("%(num)s survey answered in %(month)s", "%(num)s surveys answered in %(month)s", n, month=month),
    )  # fmt: skip


def _campaigns(session: Session, mechanism: Mechanism, span: Span) -> Iterable[Found]:
    """The campaigns that were closed with somebody of the group among those asked; of a group that names nobody, all of them."""
    asked = select(SurveyInvitee.id).where(SurveyInvitee.campaign_id == SurveyCampaign.id).correlate(SurveyCampaign)
    is_of_group = or_(
        ~exists().where(PartyGroup.group_id == mechanism.group_id),
        asked.where(SurveyInvitee.party_id.in_(select(PartyGroup.party_id).where(PartyGroup.group_id == mechanism.group_id))).exists(),
    )
    n = select(func.count()).where(SurveyResponse.campaign_id == SurveyCampaign.id, SurveyResponse.status == ResponseStatus.COMPLETE)
    closed = select(
        SurveyCampaign.id, SurveyCampaign.number, SurveyCampaign.name, SurveyCampaign.closed_at,
        n.correlate(SurveyCampaign).scalar_subquery().label("n"),
    ).where(SurveyCampaign.status == CampaignStatus.CLOSED, SurveyCampaign.closed_at >= datetime.combine(span[0], time(), LOCAL_ZONE))
    for row in session.execute(closed.where(is_of_group)):
        title = ngettext("Survey %(number)s, %(name)s: %(num)s answer", "Survey %(number)s, %(name)s: %(num)s answers", row.n,
                         number=row.number, name=row.name)  # fmt: skip
        if row.n:
            yield Found(row.number, local(row.closed_at).date(), title, f"/survey-report/{row.id}")


def _reviews(session: Session, mechanism: Mechanism, span: Span) -> Iterable[Found]:
    """The annual verifications that the manager approved."""
    closed = (
        select(Checklist.id, Checklist.number, Checklist.approved_at, Contract.number.label("contract"))
        .join(Contract, Contract.id == Checklist.contract_id)
        .where(Checklist.status == ChecklistStatus.CLOSED, Checklist.approved_at >= datetime.combine(span[0], time(), LOCAL_ZONE))
        .where(_is_of_group(Contract.party_id, mechanism))
    )
    for row in session.execute(closed):
        title = _("Verification %(number)s of contract %(contract)s", number=row.number, contract=row.contract)
        yield Found(row.number, local(row.approved_at).date(), title, f"/checklist/show/{row.id}")


def _visits(session: Session, _mechanism: Mechanism, span: Span) -> Iterable[Found]:
    """The field orders that were done, a month each."""
    days = select(FieldOrder.done_on).where(FieldOrder.status == OrderStatus.DONE, FieldOrder.done_on.between(*span))
    return _by_month(
        session, days, "/orden/list/?status=DONE&done_on={days}",
        lambda n, month: ngettext("%(num)s field order done in %(month)s", "%(num)s field orders done in %(month)s", n, month=month),
    )  # fmt: skip


def _follow_ups(session: Session, mechanism: Mechanism, span: Span) -> Iterable[Found]:
    """What was spoken about each quotation, a month each."""
    spoken = (
        select(Quotation.id, Quotation.number, QuotationFollowUp.on)
        .join(Quotation, Quotation.id == QuotationFollowUp.quotation_id)
        .where(QuotationFollowUp.on.between(*span), _is_of_group(Quotation.party_id, mechanism))
    )
    by_month: dict[tuple[date, str, int], list[date]] = {}
    for row in session.execute(spoken):
        by_month.setdefault((first_of(row.on), row.number, row.id), []).append(row.on)
    for (month, number, quotation_id), its in sorted(by_month.items()):
        title = ngettext("%(num)s follow-up of %(number)s", "%(num)s follow-ups of %(number)s", len(its), number=number)
        yield Found(f"{number} {month:%Y-%m}", max(its), title, f"/quotation/show/{quotation_id}")


def _reports(session: Session, _mechanism: Mechanism, span: Span) -> Iterable[Found]:
    """The reports of cases that were issued from any mechanism and are kept."""
    kept = select(Evidence.id, Evidence.source_key, Evidence.on, Evidence.title)
    kept = kept.where(Evidence.source == EvidenceSource.PQR_REPORT, Evidence.file_id.is_not(None), Evidence.on.between(*span))
    return [Found(row.source_key, row.on, row.title, f"/evidence/file/{row.id}") for row in session.execute(kept)]


#: How each source is looked through. What people attach is not looked for.
FINDERS: dict[EvidenceSource, Callable[[Session, Mechanism, Span], Iterable[Found]]] = {
    EvidenceSource.SURVEY: _surveys,
    EvidenceSource.CONTRACT_REVIEW: _reviews,
    EvidenceSource.PQR_REPORT: _reports,
    EvidenceSource.VISIT: _visits,
    EvidenceSource.QUOTATION: _follow_ups,
}


# ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_evidence(session: Session, mechanism: Mechanism, *, at: datetime) -> int:
    """
    Write down what the source of *mechanism* shows since it was last looked at, and when it is due again; return how much is new.

    A month that goes on is the same piece of evidence with a later day, so looking twice writes nothing twice.
    """
    if mechanism.evidence_source not in FINDERS:
        return 0
    queries.lock(session, mechanism)
    span = _since(session, mechanism), local(at).date()
    with force_locale(LANGUAGE):
        found = {each.key: each for each in FINDERS[mechanism.evidence_source](session, mechanism, span)}
    mine = select(Evidence).where(Evidence.mechanism_id == mechanism.id, Evidence.source == mechanism.evidence_source)
    known = {row.source_key: row for row in session.scalars(mine.where(Evidence.source_key.in_(found)))}
    n_new = 0
    for key, each in found.items():
        row = known.get(key)
        if row is None:
            row = Evidence(mechanism=mechanism, source=mechanism.evidence_source, source_key=key)
            session.add(row)
            n_new += 1
        if row.file_id is None:
            row.on, row.title, row.path = each.on, each.title[:240], each.path
    reckon(session, mechanism)
    return n_new


def _since(session: Session, mechanism: Mechanism) -> date:
    """Return from when *mechanism* is looked at: the month of what was found last, which may go on, or its beginning."""
    found = select(func.max(Evidence.on)).where(Evidence.mechanism_id == mechanism.id, Evidence.source == mechanism.evidence_source)
    last = session.scalar(found)
    return max(first_of(last), mechanism.starts_on) if last else mechanism.starts_on


def find_all(session: Session, at: datetime) -> int:
    """Look for the evidence of every mechanism that is followed; return how much is new. Flushed; safe to repeat."""
    followed = select(Mechanism).where(Mechanism.is_active, Mechanism.evidence_source.in_(FINDERS)).order_by(Mechanism.id)
    return sum(find_evidence(session, mechanism, at=at) for mechanism in session.scalars(followed).all())


def reckon(session: Session, mechanism: Mechanism) -> None:
    """
    Write when *mechanism* was applied last and until when it has to be again, from its evidence.

    Raises:
        DomainError: Its frequency is none.
    """
    session.flush()
    mechanism.last_on = session.scalar(select(func.max(Evidence.on)).where(Evidence.mechanism_id == mechanism.id))
    mechanism.next_on = next_due_on(mechanism.last_on, mechanism.starts_on, mechanism.months)
    session.flush()


# ── Attaching ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Attached:
    """What somebody attaches: what it is, of which day, and a file or a note that says where it is kept."""

    title: str
    on: date
    note: str = ""
    file: files.CheckedFile | None = None


def attach_evidence(session: Session, mechanism: Mechanism, said: Attached, *, at: datetime) -> Evidence:
    """
    Add what somebody brings as evidence of *mechanism* and reckon its next day; return the row, flushed.

    Raises:
        DomainError: The day lies ahead or is a slip; there is neither a file nor a note.
    """
    queries.lock(session, mechanism)
    check_evidence_day(said.on, mechanism.starts_on, local(at).date())
    if said.file is None and not said.note:
        raise DomainError(N_("Attach the file, or write in the note where the evidence is kept."), field="note")
    stored = files.store_file(session, said.file, description=said.title[:200]) if said.file else None
    row = Evidence(mechanism=mechanism, on=said.on, title=said.title, note=said.note, file=stored)
    session.add(row)
    reckon(session, mechanism)
    return row


def correct_evidence(session: Session, row: Evidence, *, at: datetime) -> None:
    """Reckon again after somebody corrected what was attached. Raises DomainError: as `attach_evidence`; or the system found it."""
    if row.source is not EvidenceSource.ATTACHED:
        raise DomainError(N_("The system found this evidence; it is corrected where it was recorded."))
    queries.lock(session, row.mechanism)
    check_evidence_day(row.on, row.mechanism.starts_on, local(at).date())
    if row.file_id is None and not row.note:
        raise DomainError(N_("Attach the file, or write in the note where the evidence is kept."), field="note")
    session.add(row)
    reckon(session, row.mechanism)


def report_period(mechanism: Mechanism, today: date) -> tuple[date, date]:
    """Return the whole months that a report of cases covers: as many as the frequency, up to the last one that ended."""
    this_month = first_of(today)
    return months_after(this_month, -mechanism.months), this_month - ONE_DAY


def keep_report(session: Session, mechanism: Mechanism, key: str, title: str, file: StoredFile, *, at: datetime) -> Evidence:
    """
    Add a report of cases that was just issued as evidence of *mechanism*; return the row, flushed.

    Raises:
        DomainError: *mechanism* is followed by something else, or the report of that period is kept already.
    """
    queries.lock(session, mechanism)
    if mechanism.evidence_source is not EvidenceSource.PQR_REPORT:
        raise DomainError(N_("This follow-up is not shown by a report of cases."))
    known = select(Evidence.id).where(Evidence.mechanism_id == mechanism.id, Evidence.source_key == key)
    if session.scalar(known) is not None:
        raise DomainError(N_("The report of this period is kept already: %(key)s."), key=key)
    row = Evidence(
        mechanism=mechanism, on=local(at).date(), source=EvidenceSource.PQR_REPORT, source_key=key, title=title, file=file
    )
    session.add(row)
    reckon(session, mechanism)
    return row
