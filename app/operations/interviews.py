"""
Interviews by telephone and sheets of paper: who is called next and by whom, what becomes of each call, what is typed.

Somebody who is asked is held by one interviewer for half an hour, renewed by each answer: two never get the same person. The answers
themselves are written by `survey_answers`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, update
from sqlalchemy.orm import Session, contains_eager

from app import queries
from app.domain import N_
from app.domain.campaigns import AnswerVia, CallOutcome, CampaignStatus, InviteeStatus, ResponseStatus, takes_answers
from app.domain.errors import DomainError, MoveRefused
from app.domain.interviews import CALLABLE, GIVEN_UP, MOST_ATTEMPTS, PAUSES, status_after
from app.domain.questionnaires import Form
from app.domain.states import ConsentKind
from app.extensions import LOCAL_ZONE, local
from app.models import SurveyCall, SurveyCampaign, SurveyInvitee, SurveyOptOut, SurveyQuota, SurveyResponse
from app.operations import campaigns, survey_answers

#: How long somebody is held for an interviewer who gives no sign.
LEASE = timedelta(minutes=30)
ATTEMPTS = "survey.attempts"
#: Where sheets of paper keep their number.
PAPER = "PAPER"


# ── The queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


#: Campaigns, told by their keys or by the SELECT of them.
Which = Collection[int] | Select[tuple[int]]


def _full_quotas(campaign_ids: Which) -> Select[tuple[int]]:
    """Return the strata that have every answer they want."""
    answered = and_(SurveyResponse.quota_id == SurveyQuota.id, SurveyResponse.status == ResponseStatus.COMPLETE)
    found = select(SurveyQuota.id).outerjoin(SurveyResponse, answered).where(SurveyQuota.campaign_id.in_(campaign_ids))
    return found.group_by(SurveyQuota.id, SurveyQuota.target).having(func.count(SurveyResponse.id) >= SurveyQuota.target)


def _left(campaign_ids: Which) -> ColumnElement[bool]:
    """Return the condition on those who are still to be called some time: reachable, willing, drawn, of a stratum that wants answers."""
    has_left = select(SurveyOptOut.id).where(SurveyOptOut.party_id == SurveyInvitee.party_id, SurveyOptOut.ended_at.is_(None)).exists()
    return and_(
        SurveyInvitee.campaign_id.in_(campaign_ids), SurveyInvitee.status.in_(CALLABLE), SurveyInvitee.phone != "",
        ~SurveyInvitee.is_reserve, ~has_left,
        or_(SurveyInvitee.quota_id.is_(None), SurveyInvitee.quota_id.not_in(_full_quotas(campaign_ids))),
    )  # fmt: skip


def _free(user_id: int, at: datetime) -> ColumnElement[bool]:
    return or_(SurveyInvitee.held_by_id.is_(None), SurveyInvitee.held_by_id == user_id, SurveyInvitee.held_until <= at)


def _due(at: datetime) -> ColumnElement[bool]:
    return or_(SurveyInvitee.call_at.is_(None), SurveyInvitee.call_at <= at)


def _agreed() -> ColumnElement[bool]:
    """Return the condition on those whose last call agreed on another one."""
    last = select(SurveyCall.outcome).where(SurveyCall.invitee_id == SurveyInvitee.id).order_by(SurveyCall.id.desc()).limit(1)
    return last.scalar_subquery() == CallOutcome.CALL_BACK


def waiting(campaign_id: int, user_id: int, at: datetime) -> Select[tuple[SurveyInvitee]]:
    """
    Return who may be called now by *user_id*, the next one first: whom he holds, agreed call-backs that are due, half-filled
    interviews, those nobody called, then the fewest calls.
    """
    is_agreed = _agreed()
    rank = case(
        (and_(SurveyInvitee.held_by_id == user_id, SurveyInvitee.held_until > at), 0), (is_agreed, 1),
        (SurveyInvitee.status == InviteeStatus.STARTED, 2), else_=3,
    )  # fmt: skip
    agreed_hour = case((is_agreed, SurveyInvitee.call_at), else_=None)
    order = rank, agreed_hour, SurveyInvitee.n_attempts, SurveyInvitee.position, SurveyInvitee.id
    return select(SurveyInvitee).where(_left([campaign_id]), _free(user_id, at), _due(at)).order_by(*order)


def promised(campaign_id: int, at: datetime) -> Select[tuple[SurveyInvitee]]:
    """Return those with whom a later call was agreed, the nearest first."""
    return select(SurveyInvitee).where(_left([campaign_id]), SurveyInvitee.call_at > at, _agreed()).order_by(SurveyInvitee.call_at)


def promised_on(on: date) -> Select[tuple[int]]:
    """Return the keys of those with whom a call was agreed for the day *on* or before, and nobody has made it yet."""
    is_open = SurveyCampaign.status == CampaignStatus.OPEN, SurveyCampaign.by_phone, SurveyCampaign.closes_on >= on
    midnight = datetime.combine(on + timedelta(days=1), time(), LOCAL_ZONE)
    return select(SurveyInvitee.id).where(_left(select(SurveyCampaign.id).where(*is_open)), SurveyInvitee.call_at < midnight, _agreed())


def last_calls(campaign_id: int, user_id: int) -> Select[tuple[SurveyCall]]:
    """Return the calls of *user_id* for a campaign, the last first, each with whom he called."""
    mine = select(SurveyCall).join(SurveyCall.invitee).where(SurveyInvitee.campaign_id == campaign_id, SurveyCall.user_id == user_id)
    return mine.options(contains_eager(SurveyCall.invitee)).order_by(SurveyCall.id.desc())


@dataclass(frozen=True, slots=True)
class Figures:
    """How a queue stands: to be called now, later, held by others; interviews and answers so far, of how many who are asked."""

    n_now: int = 0
    n_later: int = 0
    n_held: int = 0
    n_answered: int = 0
    n_asked: int = 0


def figures(session: Session, campaign_ids: Collection[int], user_id: int, at: datetime) -> dict[int, Figures]:
    """Return how the queues of *campaign_ids* stand for *user_id*, in one statement."""
    is_left = _left(campaign_ids)
    answered = SurveyInvitee.status == InviteeStatus.ANSWERED

    def n(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((and_(*conditions), 1)))

    rows = session.execute(
        select(
            SurveyInvitee.campaign_id, n(is_left, _due(at), _free(user_id, at)), n(is_left, ~_due(at)),
            n(is_left, _due(at), ~_free(user_id, at)), n(answered), func.count(),
        )
        .where(SurveyInvitee.campaign_id.in_(campaign_ids), or_(~SurveyInvitee.is_reserve, answered))
        .group_by(SurveyInvitee.campaign_id)
    )  # fmt: skip
    found = {key: Figures(*counts) for key, *counts in rows}
    return {key: found.get(key, Figures()) for key in campaign_ids}


@dataclass(frozen=True, slots=True)
class Day:
    """What an interviewer did on a day."""

    n_calls: int
    n_interviews: int


def day_of(session: Session, user_id: int, at: datetime) -> Day:
    """Return what *user_id* did on the day of *at*."""
    midnight = datetime.combine(local(at).date(), time(), LOCAL_ZONE)
    finished = func.count(case((SurveyCall.outcome == CallOutcome.ANSWERED, 1)))
    mine = select(func.count(), finished).where(SurveyCall.user_id == user_id, SurveyCall.at >= midnight)
    return Day(*session.execute(mine).one())


# ── Holding ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def take_next(session: Session, campaign: SurveyCampaign, *, at: datetime, user_id: int) -> SurveyInvitee | None:
    """Return whom *user_id* calls next, held for him, or None when nobody is to be called now; flushed. He lets everybody else go."""
    refuse_closed(campaign, at)
    rows = waiting(campaign.id, user_id, at).limit(1).with_for_update(of=SurveyInvitee, skip_locked=True)
    found = session.scalars(rows.execution_options(populate_existing=True)).first()
    let_go(session, user_id, but=found)
    if found is not None:
        _hold(found, user_id, at)
        session.flush()
    return found


def take(session: Session, invitee: SurveyInvitee, *, at: datetime, user_id: int) -> None:
    """
    Hold *invitee* for *user_id*, who chose them: from the list, or because they call back after they had been given up; flushed.

    Raises:
        MoveRefused: Another interviewer has them, they answered already or want no more surveys, or the campaign takes no calls.
    """
    refuse_closed(invitee.campaign, at)
    queries.lock(session, invitee)
    refuse_held(invitee, user_id, at)
    if invitee.status in GIVEN_UP:
        has_begun = survey_answers.response_of(session, invitee) is not None
        invitee.status = InviteeStatus.STARTED if has_begun else InviteeStatus.WAITING
    refuse_ended(invitee)
    let_go(session, user_id, but=invitee)
    _hold(invitee, user_id, at)
    session.flush()


def let_go(session: Session, user_id: int, *, but: SurveyInvitee | None = None) -> None:
    """Let whomever *user_id* holds go back to the queue, *but* one."""
    others = update(SurveyInvitee).where(SurveyInvitee.held_by_id == user_id)
    if but is not None:
        others = others.where(SurveyInvitee.id != but.id)
    session.execute(others.values(held_by_id=None, held_until=None))


def _hold(invitee: SurveyInvitee, user_id: int, at: datetime) -> None:
    invitee.held_by_id, invitee.held_until = user_id, at + LEASE


def is_held(invitee: SurveyInvitee, user_id: int, at: datetime) -> bool:
    """Return whether *user_id* holds *invitee* now."""
    return invitee.held_by_id == user_id and invitee.held_until is not None and invitee.held_until > at


def refuse_closed(campaign: SurveyCampaign, at: datetime) -> None:
    """Raise MoveRefused unless *campaign* is open for calls on the day of *at*."""
    if not takes_answers(campaign, local(at).date()):
        raise MoveRefused(N_("%(number)s takes no answers today, so nobody is called for it."), number=campaign.number)
    if not campaign.by_phone:
        raise MoveRefused(N_("%(number)s is not answered by telephone."), number=campaign.number)


def refuse_held(invitee: SurveyInvitee, user_id: int, at: datetime) -> None:
    if invitee.held_by_id not in (None, user_id) and invitee.held_until is not None and invitee.held_until > at:
        holder = invitee.held_by.get_full_name() if invitee.held_by else ""
        raise MoveRefused(N_("%(name)s is being called by %(holder)s now."), name=invitee.name, holder=holder)


def refuse_ended(invitee: SurveyInvitee) -> None:
    if invitee.status not in CALLABLE:
        raise MoveRefused(_ENDED[invitee.status], name=invitee.name)


_ENDED = {
    InviteeStatus.ANSWERED: N_("%(name)s has answered already: there is nothing left to ask."),
    InviteeStatus.REFUSED: N_("%(name)s does not want to answer: nobody calls again."),
    InviteeStatus.LOST: N_("%(name)s could not be reached and was given up."),
    InviteeStatus.OPTED_OUT: N_("%(name)s wants no more surveys: nobody calls again."),
}


# ── The call ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody agrees to at the end of an interview."""

    is_named: bool = False
    wants_contact: bool = False
    wants_case: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended; `call_back_at` where another one was agreed."""

    outcome: CallOutcome
    call_back_at: datetime | None = None
    note: str = ""


def answer(
    session: Session, invitee: SurveyInvitee, raw: Mapping[str, Any], *, form: Form, at: datetime, user_id: int, language: str = "es"
) -> dict[str, DomainError]:
    """
    Save what *invitee* answers on the telephone, begun or resumed; return what is refused, by name; flushed.

    Raises:
        MoveRefused: Another interviewer has them, or they answered or declined meanwhile.
        DomainError: The campaign takes no answers any more.
    """
    _steady(session, invitee)
    refuse_held(invitee, user_id, at)
    refuse_ended(invitee)
    _hold(invitee, user_id, at)
    if not any(raw.values()) and survey_answers.response_of(session, invitee) is None:
        return {}  # nothing was answered yet
    response = survey_answers.begin(
        session, invitee.campaign, via=AnswerVia.PHONE, at=at, invitee=invitee, language=language, interviewer_id=user_id
    )
    return survey_answers.save(session, response, raw, at=at, form=form)


def finish(session: Session, invitee: SurveyInvitee, wishes: Wishes, *, form: Form, at: datetime, user_id: int) -> SurveyCall:
    """
    Count the interview of *invitee* as finished, with what they agree to; return the call, flushed.

    Raises:
        Unanswered: A question that needs an answer has none.
        MoveRefused: Nothing was asked yet, or somebody else has them.
        DomainError: The campaign takes no answers any more.
    """
    _steady(session, invitee)
    refuse_held(invitee, user_id, at)
    response = survey_answers.response_of(session, invitee)
    if response is None:
        raise MoveRefused(N_("The interview of %(name)s has no answers yet."), name=invitee.name)
    text = queries.consents_in_force(session, local(at).date()).get(ConsentKind.SURVEY_NAME) if wishes.is_named else None
    survey_answers.set_wishes(
        session, response, is_named=wishes.is_named, wants_contact=wishes.wants_contact, wants_case=wishes.wants_case, consent_text=text,
        at=at,
    )  # fmt: skip
    survey_answers.complete(session, response, at=at, form=form)
    return _record(session, invitee, Ended(CallOutcome.ANSWERED), at, user_id)


def record(
    session: Session, invitee: SurveyInvitee, ended: Ended, *, at: datetime, user_id: int, n_before: int | None = None
) -> SurveyCall:
    """
    Keep how a call to *invitee* ended and let them go; return the call, flushed. What was answered until then stays.

    Args:
        n_before: Calls that the interviewer saw: with another number now, this one was recorded already.

    Raises:
        MoveRefused: Somebody else has them, or they answered or declined meanwhile.
        DomainError: The agreed hour is missing, past, or after the campaign closes; a finished interview is not said here (`finish`).
    """
    queries.lock(session, invitee.campaign)  # the campaign first, as whoever answers by the link does
    is_goodbye = ended.outcome is CallOutcome.OPTED_OUT and invitee.party_id is not None
    if is_goodbye:
        queries.lock(session, invitee.party)
    queries.lock(session, invitee)
    refuse_held(invitee, user_id, at)
    refuse_ended(invitee)
    if n_before not in (None, invitee.n_attempts):
        raise MoveRefused(N_("This call was recorded already. Nothing was changed."))
    _check_hour(invitee, ended, at)
    if is_goodbye:
        survey_answers.opt_out(session, invitee.party_id, via=AnswerVia.PHONE, at=at, note=ended.note)
    return _record(session, invitee, ended, at, user_id)


def _steady(session: Session, invitee: SurveyInvitee) -> None:
    """Keep the campaign as it is, and *invitee* to ourselves, until the transaction ends; in this order, as whoever answers by the link."""
    session.refresh(invitee.campaign, ["status"], with_for_update={"read": True, "of": SurveyCampaign})
    queries.lock(session, invitee)


def _check_hour(invitee: SurveyInvitee, ended: Ended, at: datetime) -> None:
    hour, field = ended.call_back_at, "call_back_at"
    if ended.outcome is not CallOutcome.CALL_BACK:
        return
    if hour is None:
        raise DomainError(N_("Say when to call again."), field=field)
    if hour <= at:
        raise DomainError(N_("Call again later than now."), field=field)
    if local(hour).date() > invitee.campaign.closes_on:
        msgid = N_("The campaign takes answers until %(on)s: agree on an earlier day.")
        raise DomainError(msgid, field=field, on=invitee.campaign.closes_on)


def _record(session: Session, invitee: SurveyInvitee, ended: Ended, at: datetime, user_id: int) -> SurveyCall:
    outcome = ended.outcome
    hour = ended.call_back_at if outcome is CallOutcome.CALL_BACK else None
    call = SurveyCall(invitee_id=invitee.id, at=at, user_id=user_id, outcome=outcome, call_back_at=hour, note=ended.note)
    session.add(call)
    invitee.n_attempts += 1
    invitee.status = status_after(outcome, invitee.status, invitee.n_attempts, most_attempts(session))
    invitee.call_at = hour or (at + PAUSES[outcome] if outcome in PAUSES else None)
    invitee.held_by_id = invitee.held_until = None
    session.flush()
    if invitee.status in (InviteeStatus.LOST, InviteeStatus.REFUSED, InviteeStatus.OPTED_OUT):
        campaigns.call_up_reserves(session, invitee.campaign)
    return call


def most_attempts(session: Session) -> int:
    """Return after how many calls that reach nobody somebody is given up."""
    typed = queries.parameter(session, ATTEMPTS)
    return int(typed) if typed.isdigit() and int(typed) > 0 else MOST_ATTEMPTS


# ── Paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def next_sheet(session: Session, campaign_id: int) -> str:
    """Return the number to write on the next sheet: one more than the greatest that is a number."""
    typed = session.scalars(
        select(SurveyResponse.source_number).where(SurveyResponse.campaign_id == campaign_id, SurveyResponse.source == PAPER)
    )
    return str(max((int(number) for number in typed if number and number.isdigit()), default=0) + 1)


def type_sheet(
    session: Session,
    campaign: SurveyCampaign,
    number: str,
    raw: Mapping[str, Any],
    *,
    form: Form,
    quota: SurveyQuota | None = None,
    is_partial: bool = False,
    at: datetime,
    user_id: int,
    language: str = "es",
) -> dict[str, DomainError]:
    """
    Store the sheet of paper *number*, complete unless *is_partial*; return what is refused, by name; flushed.

    Whoever sees something refused rolls back: a sheet is stored whole or not at all.

    Raises:
        DomainError: The sheet was typed already, or has no number; or the campaign takes no answers.
        Unanswered: A question that needs an answer has none; `is_partial` lets the blanks be.
    """
    if not number:
        raise DomainError(N_("Write the number of the sheet."), field="number")
    mine = SurveyResponse.campaign_id == campaign.id, SurveyResponse.source == PAPER, SurveyResponse.source_number == number
    if session.scalar(select(SurveyResponse.id).where(*mine)) is not None:
        raise DomainError(N_("The sheet %(number)s was typed already."), field="number", number=number)
    response = survey_answers.begin(
        session, campaign, via=AnswerVia.PAPER, at=at, language=language, interviewer_id=user_id, source=PAPER, source_number=number
    )
    if quota is not None:
        response.quota_id, response.zone, response.stratum, response.service_id = quota.id, quota.zone, quota.stratum, quota.service_id
    refused = survey_answers.save(session, response, raw, at=at, form=form)
    if not refused and not is_partial:
        survey_answers.complete(session, response, at=at, form=form)
    return refused
