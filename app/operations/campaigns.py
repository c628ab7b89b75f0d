"""
Campaigns of surveys: proposed by somebody or by themselves when due, confirmed by a person, closed on their day, reopened with a reason.

Confirming draws whom it asks (`survey_audience`). From closing on no answer is written; the database refuses it too.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.campaigns import (
    DROPPED_OUT,
    CampaignMove,
    CampaignStatus,
    InviteeStatus,
    ResponseStatus,
    Round,
    after,
    is_file_only,
    next_round,
    period_label,
    rounds_due,
)
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaires import Audience, VersionStatus
from app.domain.surveys import sample_size
from app.extensions import local
from app.models import (
    CommercialEvent,
    Questionnaire,
    QuestionnaireVersion,
    SurveyCampaign,
    SurveyInvitee,
    SurveyQuota,
    SurveyResponse,
)
from app.operations import survey_alarms
from app.operations.numbers import next_number
from app.operations.survey_audience import draw_people, name_of_quota, splits_of

SERIES = "ENC"
#: A campaign whose last day lies within it is about to close.
NEAR = timedelta(days=7)
#: What the campaign of the next period takes over from the one before.
INHERITED = (
    "needs_consent", "by_link", "by_phone", "by_qr", "by_kiosk", "by_paper", "by_file", "is_sampled", "by_zone", "by_stratum", "by_service",
    "confidence", "error_percent", "max_reminders", "reminder_days", "process_id", "responsible_id",
)  # fmt: skip
#: How each audience is asked, where nobody said otherwise yet. Users by sample, and only those who agreed to be contacted.
USUAL: dict[Audience, dict[str, bool]] = {
    Audience.USERS: {"needs_consent": True, "is_sampled": True, "by_zone": True, "by_stratum": True, "by_link": True, "by_phone": True},
    Audience.CONTRACTS: {"needs_consent": False, "by_link": True, "by_phone": True},
    Audience.ANYBODY: {"needs_consent": False, "by_link": False, "by_phone": False, "by_qr": True, "by_kiosk": True},
}


def note(
    session: Session, campaign: SurveyCampaign, move: CampaignMove, *, at: datetime, actor_id: int | None, came_from: str = "",
    reason: str = "", **facts: Any,
) -> CommercialEvent:  # fmt: skip
    """Write what happened to its history; return the event, flushed."""
    event = CommercialEvent(
        campaign=campaign, at=at, actor_id=actor_id, move=move.name, from_status=came_from, to_status=campaign.status.name, reason=reason,
        facts=facts,
    )  # fmt: skip
    session.add(event)
    session.flush()
    return event


# ── Proposing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def published(session: Session, questionnaire_id: int) -> QuestionnaireVersion | None:
    """Return the version of a questionnaire that is asked now."""
    is_it = QuestionnaireVersion.questionnaire_id == questionnaire_id, QuestionnaireVersion.status == VersionStatus.PUBLISHED
    return session.scalars(select(QuestionnaireVersion).where(*is_it)).first()


def write(session: Session, campaign: SurveyCampaign, *, at: datetime, actor_id: int | None) -> SurveyCampaign:
    """
    Store *campaign*, new or corrected while nobody confirmed it; return it, flushed. A new one gets its number and the seed of its drawing.

    It asks the published version of its questionnaire, and whom that is for.

    Raises:
        MoveRefused: It was confirmed or dropped.
        DomainError: Its days, channels or sample do not fit together, its period has a campaign, or nothing is published.
    """
    with session.no_autoflush:
        is_new = campaign.id is None
        questionnaire = session.get_one(Questionnaire, campaign.questionnaire_id)
        queries.lock(session, questionnaire)  # whoever proposes the same period waits here, and finds it
        if not is_new:
            session.refresh(campaign, ["status"])
            after(campaign.status, CampaignMove.CHANGE, campaign.number)
        version = published(session, questionnaire.id)
        if version is None:
            msgid = N_("“%(name)s” has no published version: publish it before it is asked.")
            raise DomainError(msgid, field="questionnaire_id", name=questionnaire.name)
        campaign.version_id, campaign.audience = version.id, questionnaire.audience
        if is_new:
            _fill(campaign)
        _check(session, campaign)
        if is_new:
            organisation, year = queries.organisation(session), local(at).year
            campaign.organisation_id, campaign.status = organisation.id, CampaignStatus.PROPOSED
            campaign.seed = secrets.randbelow(2**31)
            campaign.number = next_number(session, organisation.id, SERIES, year, width=4)
            session.add(campaign)
    session.flush()
    session.expire(campaign, ["questionnaire", "version"])
    note(session, campaign, CampaignMove.PROPOSE if is_new else CampaignMove.CHANGE, at=at, actor_id=actor_id)
    return campaign


def _fill(campaign: SurveyCampaign) -> None:
    """Give a new row the defaults of its columns now, for its rules to read."""
    for column in SurveyCampaign.__table__.columns:
        if column.default is not None and column.default.is_scalar and getattr(campaign, column.key) is None:
            setattr(campaign, column.key, column.default.arg)


def check(campaign: SurveyCampaign) -> None:
    """Raise DomainError, with the field to blame, when the days, channels or sample of *campaign* do not fit together."""
    if campaign.period_until < campaign.period_from:
        raise DomainError(N_("The period ends before it begins."), field="period_until")
    if campaign.closes_on < campaign.opens_on:
        raise DomainError(N_("The last day for answers is before the first one."), field="closes_on")
    ways = (campaign.by_link, campaign.by_phone, campaign.by_qr, campaign.by_kiosk, campaign.by_paper, campaign.by_file)
    if not any(ways):
        raise DomainError(N_("Choose at least one way in which people answer."), field="by_link")
    if campaign.audience is Audience.ANYBODY and (campaign.by_link or campaign.by_phone):
        msgid = N_("Whoever comes by has no link and is not called: they answer by the printed code, the kiosk, on paper, or from a file.")
        raise DomainError(msgid, field="by_link" if campaign.by_link else "by_phone")
    if campaign.audience is not Audience.USERS and (campaign.by_zone or campaign.by_stratum or campaign.by_service):
        raise DomainError(N_("Only users have a zone, a stratum and a service: leave these three empty here."), field="by_zone")
    if campaign.audience is Audience.ANYBODY and campaign.is_sampled:
        raise DomainError(N_("Nobody knows how many come by: there is no sample of them."), field="is_sampled")
    sample_size(None, confidence=campaign.confidence, error_percent=campaign.error_percent)  # refuses a margin that is none


def _check(session: Session, campaign: SurveyCampaign) -> None:
    check(campaign)
    is_its = SurveyCampaign.questionnaire_id == campaign.questionnaire_id, SurveyCampaign.period_from == campaign.period_from
    lives = SurveyCampaign.status != CampaignStatus.DROPPED, SurveyCampaign.id != (campaign.id or 0)
    other = session.scalar(select(SurveyCampaign.number).where(*is_its, *lives))
    if other is not None:
        msgid = N_("%(number)s asks this form about a period that begins on that same day: work on that one, or drop it first.")
        raise DomainError(msgid, field="period_from", number=other)


def last_of(session: Session, questionnaire_id: int) -> SurveyCampaign | None:
    """Return the newest campaign of a questionnaire that was not dropped."""
    lives = SurveyCampaign.questionnaire_id == questionnaire_id, SurveyCampaign.status != CampaignStatus.DROPPED
    return session.scalars(select(SurveyCampaign).where(*lives).order_by(SurveyCampaign.period_from.desc()).limit(1)).first()


def usual(session: Session, questionnaire: Questionnaire, when: Round) -> dict[str, Any]:
    """Return the columns of a new campaign for *when*: as the one before was asked, else as its audience usually is."""
    before = last_of(session, questionnaire.id)
    how: dict[str, Any] = {"process_id": questionnaire.process_id, **USUAL[questionnaire.audience]}
    if before is not None:
        how = {name: getattr(before, name) for name in INHERITED}
    name = f"{questionnaire.name} {period_label(when.period_from, when.period_until)}"[:160]
    days = {"period_from": when.period_from, "period_until": when.period_until, "opens_on": when.opens_on, "closes_on": when.closes_on}
    return {"questionnaire_id": questionnaire.id, "name": name, **days, **how}


def next_usual(session: Session, questionnaire: Questionnaire, on: date) -> dict[str, Any]:
    """Return the columns of the campaign that somebody would add to *questionnaire* on the day *on*: its next period, or the month."""
    starts_on, months = questionnaire.starts_on, questionnaire.frequency_months
    if starts_on is None or months is None:
        starts_on, months = on.replace(day=1), 1
    when = next_round(starts_on, months, questionnaire.days_open, on)
    before = last_of(session, questionnaire.id)
    if before is not None and before.period_from >= when.period_from:
        over = max(before.period_until, when.period_until)
        when = next_round(starts_on, months, questionnaire.days_open, over + timedelta(days=1))
    return usual(session, questionnaire, when) | {"opens_on": max(on, when.opens_on)}


def propose_due(session: Session, at: datetime) -> int:
    """
    Propose the campaign of every period whose day has come; return how many. Late, twice or on two workers, each is proposed once; one
    that somebody dropped is not proposed again.
    """
    on = local(at).date()
    is_due = Questionnaire.is_active, Questionnaire.frequency_months.is_not(None), Questionnaire.starts_on.is_not(None)
    has_version = select(QuestionnaireVersion.id).where(
        QuestionnaireVersion.questionnaire_id == Questionnaire.id, QuestionnaireVersion.status == VersionStatus.PUBLISHED
    )
    found = [
        (each, when)
        for each in session.scalars(select(Questionnaire).where(*is_due, has_version.exists()).order_by(Questionnaire.id)).all()
        for when in rounds_due(each.starts_on, each.frequency_months, each.days_open, on)  # type: ignore[arg-type]  asked for above
        if not _stands(session, each, when)
    ]
    for questionnaire in dict.fromkeys(each for each, _when in found):
        queries.lock(session, questionnaire)  # all of them before the first number: whoever adds one by hand has both in that order
    due = [(each, when) for each, when in found if not _stands(session, each, when)]
    for questionnaire, when in due:
        write(session, SurveyCampaign(**usual(session, questionnaire, when)), at=at, actor_id=None)
    return len(due)


def _stands(session: Session, questionnaire: Questionnaire, when: Round) -> bool:
    """Say whether the period of *when* has a campaign, dropped or not."""
    named = SurveyCampaign.questionnaire_id == questionnaire.id, SurveyCampaign.period_from == when.period_from
    return session.scalar(select(SurveyCampaign.id).where(*named).limit(1)) is not None


# ── Its moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def confirm(session: Session, campaign: SurveyCampaign, *, at: datetime, actor_id: int) -> SurveyCampaign:
    """
    Open a proposed campaign: draw whom it asks, and give it the code that is printed; return it, flushed.

    Raises:
        MoveRefused: It is not proposed, its last day is over, or its version was replaced meanwhile.
        DomainError: Nobody can be asked.
    """
    queries.lock(session, campaign)
    came_from, status = campaign.status, after(campaign.status, CampaignMove.CONFIRM, campaign.number)
    on = local(at).date()
    if campaign.closes_on < on and not is_file_only(campaign):
        raise MoveRefused(N_("The last day for answers is over: correct the days of %(number)s first."), number=campaign.number)
    if campaign.version.status is not VersionStatus.PUBLISHED:
        msgid = N_("The form was published anew since %(number)s was written: correct it and save it, to ask the version of today.")
        raise MoveRefused(msgid, number=campaign.number)
    found = draw_people(session, campaign, at=at, on=on, actor_id=actor_id)
    campaign.population, campaign.sample_size = found.population, found.size
    campaign.status, campaign.confirmed_at, campaign.confirmed_by_id = status, at, actor_id
    if campaign.by_qr or campaign.by_kiosk:
        campaign.public_code = secrets.token_urlsafe(12)
    facts = {"population": found.population, "size": found.size, "seed": campaign.seed}
    note(session, campaign, CampaignMove.CONFIRM, at=at, actor_id=actor_id, came_from=came_from.name, **facts)
    session.expire(campaign, ["confirmed_by"])
    return campaign


def close(session: Session, campaign: SurveyCampaign, *, at: datetime, actor_id: int | None, reason: str = "") -> SurveyCampaign:
    """
    Close an open campaign and let its thresholds speak; return it, flushed. Answers end here.

    Raises:
        MoveRefused: It is not open, or somebody closes it before its last day is over and does not say why.
    """
    queries.lock(session, campaign)
    came_from, status = campaign.status, after(campaign.status, CampaignMove.CLOSE, campaign.number)
    is_early = local(at).date() <= campaign.closes_on and not is_file_only(campaign)
    if is_early and not reason.strip():
        raise MoveRefused(N_("Write why it ends before its day: people still have until then to answer."), field="reason")
    campaign.status, campaign.closed_at = status, at
    note(session, campaign, CampaignMove.CLOSE, at=at, actor_id=actor_id, came_from=came_from.name, reason=reason.strip())
    survey_alarms.on_close(session, campaign, at=at)
    return campaign


def close_due(session: Session, at: datetime) -> int:
    """Close every campaign whose last day is over; return how many. One that only a file answers is closed by hand."""
    ways = ("by_link", "by_phone", "by_qr", "by_kiosk", "by_paper")
    is_over = SurveyCampaign.status == CampaignStatus.OPEN, SurveyCampaign.closes_on < local(at).date()
    takes_more = or_(*(getattr(SurveyCampaign, way) for way in ways))
    n = 0
    for campaign in session.scalars(select(SurveyCampaign).where(*is_over, takes_more).order_by(SurveyCampaign.id)).all():
        try:
            close(session, campaign, at=at, actor_id=None)
        except MoveRefused:
            continue  # somebody closed it, or gave it more days, since it was read
        n += 1
    return n


def extend(
    session: Session, campaign: SurveyCampaign, reason: str, closes_on: date, *, at: datetime, actor_id: int | None
) -> SurveyCampaign:
    """Give an open campaign another last day; return it, flushed. Raises MoveRefused as `reopen`."""
    return _until(session, campaign, CampaignMove.EXTEND, reason, closes_on, at, actor_id)


def reopen(
    session: Session, campaign: SurveyCampaign, reason: str, closes_on: date, *, at: datetime, actor_id: int | None
) -> SurveyCampaign:
    """
    Open a closed campaign again until *closes_on*; return it, flushed. The alarms that went off stay.

    Raises:
        MoveRefused: It is not closed, its report was issued, no reason is given, or *closes_on* is over.
    """
    return _until(session, campaign, CampaignMove.REOPEN, reason, closes_on, at, actor_id)


def _until(
    session: Session, campaign: SurveyCampaign, move: CampaignMove, reason: str, closes_on: date, at: datetime, actor_id: int | None
) -> SurveyCampaign:
    queries.lock(session, campaign)
    came_from, status = campaign.status, after(campaign.status, move, campaign.number)
    if campaign.document_id is not None:
        msgid = N_("The report of %(number)s was issued with the answers it had: it is not opened again.")
        raise MoveRefused(msgid, number=campaign.number)
    if not reason.strip():
        raise MoveRefused(N_("Write why: it stays in its history."), field="reason")
    least = campaign.opens_on if is_file_only(campaign) else max(campaign.opens_on, local(at).date())
    if closes_on < least:
        raise MoveRefused(N_("The last day for answers has to be today or later, and not before the first one."), field="closes_on")
    facts = {"closes_on": closes_on.isoformat(), "instead_of": campaign.closes_on.isoformat()}
    campaign.status, campaign.closes_on, campaign.closed_at = status, closes_on, None
    note(session, campaign, move, at=at, actor_id=actor_id, came_from=came_from.name, reason=reason.strip(), **facts)
    return campaign


def drop(session: Session, campaign: SurveyCampaign, reason: str, *, at: datetime, actor_id: int | None) -> SurveyCampaign:
    """Give a proposed campaign up; return it, flushed. Raises MoveRefused: it was confirmed or dropped, or there is no reason."""
    queries.lock(session, campaign)
    came_from, status = campaign.status, after(campaign.status, CampaignMove.DROP, campaign.number)
    if not reason.strip():
        raise MoveRefused(N_("Write why it is not carried out: the period stays without figures, with this reason."), field="reason")
    campaign.status, campaign.drop_reason = status, reason.strip()
    note(session, campaign, CampaignMove.DROP, at=at, actor_id=actor_id, came_from=came_from.name, reason=reason.strip())
    return campaign


# ── Quotas and reserves ───────────────────────────────────────────────────────────────────────────────────────────────────


def call_up_reserves(session: Session, campaign: SurveyCampaign) -> int:
    """
    Let reserves take the place of those of their stratum who declined, could not be reached or want no more surveys; return how many.

    The next by lot comes first. Safe to repeat.
    """
    queries.lock(session, campaign)
    if campaign.status is not CampaignStatus.OPEN or not campaign.is_sampled:
        return 0
    stand = select(SurveyInvitee.quota_id, func.count()).where(
        SurveyInvitee.campaign_id == campaign.id, SurveyInvitee.is_reserve.is_(False), SurveyInvitee.status.not_in(DROPPED_OUT)
    )
    standing = {row[0]: row[1] for row in session.execute(stand.group_by(SurveyInvitee.quota_id))}
    targets = session.execute(select(SurveyQuota.id, SurveyQuota.target).where(SurveyQuota.campaign_id == campaign.id))
    missing = {row.id: row.target - standing.get(row.id, 0) for row in targets}
    wanted = [quota_id for quota_id, n in missing.items() if n > 0]
    if not wanted:
        return 0
    waiting = select(SurveyInvitee).where(
        SurveyInvitee.quota_id.in_(wanted), SurveyInvitee.is_reserve, SurveyInvitee.status == InviteeStatus.WAITING
    )
    n = 0
    for reserve in session.scalars(waiting.order_by(SurveyInvitee.position, SurveyInvitee.id)):
        if reserve.quota_id is not None and missing[reserve.quota_id] > 0:
            missing[reserve.quota_id] -= 1
            reserve.is_reserve = False
            n += 1
    session.flush()
    return n


def call_up_all(session: Session, at: datetime) -> int:
    """Call up the reserves of every open campaign that is sampled; return how many."""
    is_open = SurveyCampaign.status == CampaignStatus.OPEN, SurveyCampaign.is_sampled, SurveyCampaign.closes_on >= local(at).date()
    return sum(call_up_reserves(session, campaign) for campaign in session.scalars(select(SurveyCampaign).where(*is_open)).all())


def short_of_answers(on: date) -> Select[Any]:
    """Return the SELECT of the keys of campaigns that close within a week with less than half the answers they want."""
    answers = select(func.count()).select_from(SurveyResponse).where(
        SurveyResponse.campaign_id == SurveyCampaign.id, SurveyResponse.status == ResponseStatus.COMPLETE
    ).correlate(SurveyCampaign).scalar_subquery()  # fmt: skip
    is_near = SurveyCampaign.closes_on.between(on, on + NEAR), SurveyCampaign.opens_on <= on
    return select(SurveyCampaign.id).where(
        SurveyCampaign.status == CampaignStatus.OPEN, *is_near, SurveyCampaign.sample_size > 2 * answers
    )


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Share:
    """How far a stratum, or the whole, has come."""

    name: str
    population: int
    target: int
    answered: int
    half: int
    asked: int
    reserves: int

    @property
    def left(self) -> int:
        """Return how many answers are still wanted."""
        return max(0, self.target - self.answered)

    @property
    def percent(self) -> int:
        """Return how much of what is wanted was answered, at most 100."""
        return min(100, 100 * self.answered // self.target) if self.target else 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign has come: the whole, its strata, the people who are asked by how far each came, and how many of them answered."""

    whole: Share
    strata: Sequence[Share]
    people: Counter[InviteeStatus]
    n_of_asked: int

    @property
    def rate(self) -> Decimal | None:
        """Return the percentage of those asked whose answers are complete; None while nobody is asked."""
        n = sum(self.people.values())
        return (Decimal(100 * self.n_of_asked) / n).quantize(Decimal("0.1")) if n else None


def progress(session: Session, campaign: SurveyCampaign) -> Progress:
    """Return how far *campaign* has come, in three statements."""
    of_it = SurveyInvitee.campaign_id == campaign.id
    columns = SurveyInvitee.quota_id, SurveyInvitee.status, SurveyInvitee.is_reserve
    invited = session.execute(select(*columns, func.count().label("n")).where(of_it).group_by(*columns)).all()
    answers = SurveyResponse.quota_id, SurveyResponse.status, SurveyResponse.invitee_id.is_not(None).label("is_asked")
    answered = session.execute(
        select(*answers, func.count().label("n")).where(SurveyResponse.campaign_id == campaign.id).group_by(*answers)
    ).all()
    strata = select(SurveyQuota).where(SurveyQuota.campaign_id == campaign.id).options(joinedload(SurveyQuota.service))
    quotas = session.scalars(strata.order_by(SurveyQuota.zone, SurveyQuota.stratum, SurveyQuota.service_id)).all()

    def share(name: str, population: int, target: int, quota_id: int | None = None) -> Share:
        """Count the stratum *quota_id*, or everything."""
        its = [row for row in answered if quota_id is None or row.quota_id == quota_id]
        his = [row for row in invited if quota_id is None or row.quota_id == quota_id]
        by_status = Counter[ResponseStatus]()
        for row in its:
            by_status[row.status] += row.n
        asked, reserves = (sum(row.n for row in his if row.is_reserve is is_reserve) for is_reserve in (False, True))
        done, half = by_status[ResponseStatus.COMPLETE], by_status[ResponseStatus.PARTIAL]
        return Share(name, population, target, done, half, asked, reserves)

    people = Counter[InviteeStatus]()
    for row in invited:
        people[row.status] += 0 if row.is_reserve else row.n
    n_of_asked = sum(row.n for row in answered if row.is_asked and row.status is ResponseStatus.COMPLETE)
    by = splits_of(campaign)
    shares = [share(name_of_quota(quota, by), quota.population, quota.target, quota.id) for quota in quotas] if by else []
    return Progress(share("", campaign.population or 0, campaign.sample_size or 0), shares, people, n_of_asked)
