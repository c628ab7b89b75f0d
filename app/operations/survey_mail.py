"""Invitations to surveys by mail, and reminders to who has not answered: never to who asked for no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.domain.campaigns import CampaignStatus, InviteeStatus
from app.extensions import local
from app.models import OutboxMessage, Question, SurveyCampaign, SurveyInvitee, SurveyOptOut
from app.operations import messages, survey_links

INVITATION, REMINDER = "survey", "survey_reminder"
#: Questions that somebody answers in a minute, about.
PER_MINUTE = 5
#: How many one run tells; the next run goes on.
MOST = 500
_LEFT = (InviteeStatus.WAITING, InviteeStatus.STARTED)


def open_by_link(on: date) -> Select[tuple[SurveyCampaign]]:
    """Return the campaigns that take answers by personal link on a day."""
    return (
        select(SurveyCampaign)
        .where(
            SurveyCampaign.status == CampaignStatus.OPEN, SurveyCampaign.by_link, SurveyCampaign.opens_on <= on,
            SurveyCampaign.closes_on >= on,
        )
        .options(joinedload(SurveyCampaign.questionnaire))
        .order_by(SurveyCampaign.id)
    )  # fmt: skip


def _reachable(campaign: SurveyCampaign) -> Select[tuple[SurveyInvitee]]:
    """Return who may be told by mail: drawn, with an address, not answered, not opted out."""
    opted_out = select(SurveyOptOut.id).where(SurveyOptOut.party_id == SurveyInvitee.party_id, SurveyOptOut.ended_at.is_(None))
    return (
        select(SurveyInvitee)
        .where(
            SurveyInvitee.campaign_id == campaign.id, SurveyInvitee.status.in_(_LEFT), ~SurveyInvitee.is_reserve,
            func.length(SurveyInvitee.email) > 0, ~opted_out.exists(),
        )
        .order_by(SurveyInvitee.id)
    )  # fmt: skip


def to_invite(campaign: SurveyCampaign) -> Select[tuple[SurveyInvitee]]:
    """Return who has not been sent their link yet."""
    return _reachable(campaign).where(SurveyInvitee.invited_on.is_(None))


def to_remind(campaign: SurveyCampaign, on: date) -> Select[tuple[SurveyInvitee]]:
    """Return who has reminders left, and whose last message is as many days old as the campaign waits."""
    last = func.coalesce(SurveyInvitee.reminded_on, SurveyInvitee.invited_on)
    return _reachable(campaign).where(
        last <= on - timedelta(days=campaign.reminder_days), SurveyInvitee.n_reminders < campaign.max_reminders
    )


# ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def send_due(session: Session, at: datetime, campaign: SurveyCampaign | None = None) -> tuple[int, int]:
    """
    Queue the invitations and reminders that are due, of *campaign* or of all, flushed; return how many of each. Twice is once.

    While nobody said under which address citizens reach the product there is no link to send, and nothing is queued.
    """
    on, n_invited, n_reminded = local(at).date(), 0, 0
    campaigns = open_by_link(on) if campaign is None else open_by_link(on).where(SurveyCampaign.id == campaign.id)
    for each in session.scalars(campaigns).all():
        n_invited += sum(_invite(session, invitee, at) for invitee in _held(session, to_invite(each)))
        n_reminded += sum(_remind(session, invitee, at) for invitee in _held(session, to_remind(each, on)))
    session.flush()
    return n_invited, n_reminded


def _held(session: Session, statement: Select[tuple[SurveyInvitee]]) -> list[SurveyInvitee]:
    """Return the rows that no other worker is telling right now."""
    held = statement.limit(MOST).with_for_update(of=SurveyInvitee, skip_locked=True)
    return list(session.scalars(held.execution_options(populate_existing=True)))


def _invite(session: Session, invitee: SurveyInvitee, at: datetime) -> bool:
    if _tell(session, INVITATION, invitee, at, minutes=minutes_of(session, invitee.campaign)) is None:
        return False
    invitee.invited_on = local(at).date()
    return True


def _remind(session: Session, invitee: SurveyInvitee, at: datetime) -> bool:
    if _tell(session, REMINDER, invitee, at, n=invitee.n_reminders + 1) is None:
        return False
    invitee.n_reminders, invitee.reminded_on = invitee.n_reminders + 1, local(at).date()
    return True


def _tell(session: Session, event: str, invitee: SurveyInvitee, at: datetime, *, n: int = 0, **more: int) -> OutboxMessage | None:
    """Queue a message to *invitee*; None while there is no address to lead to, or when it cannot be written."""
    link, stop = survey_links.link_of(invitee), survey_links.stop_link_of(invitee)
    if link is None or not invitee.email:
        return None
    facts = {"title": invitee.campaign.questionnaire.name, "survey": link, "stop": stop, "until": invitee.campaign.closes_on, **more}
    key = f"{event}:{invitee.campaign.number}:{invitee.id}:{n}"
    return messages.tell_party(session, event, facts, to=invitee.email, name=invitee.name, key=key, unsubscribe_url=stop, at=at)


def minutes_of(session: Session, campaign: SurveyCampaign) -> int:
    """Return about how many minutes the survey takes."""
    n = session.scalar(select(func.count()).select_from(Question).where(Question.version_id == campaign.version_id)) or 0
    return max(1, round(n / PER_MINUTE))


# ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Figures:
    """Of who is asked by a campaign: how many there are, have an address, were told, were reminded; and what leaves next."""

    n_asked: int
    n_reachable: int
    n_invited: int
    n_reminded: int
    n_to_invite: int
    n_to_remind: int


def figures_of(session: Session, campaign: SurveyCampaign, on: date) -> Figures:
    """Return how far the mails of *campaign* have come."""
    asked = select(
        func.count(), func.count().filter(func.length(SurveyInvitee.email) > 0), func.count(SurveyInvitee.invited_on),
        func.count(SurveyInvitee.reminded_on),
    ).where(SurveyInvitee.campaign_id == campaign.id, ~SurveyInvitee.is_reserve)  # fmt: skip
    is_open = session.scalar(open_by_link(on).where(SurveyCampaign.id == campaign.id)) is not None
    due = (to_invite(campaign), to_remind(campaign, on)) if is_open else ()
    counts = [session.scalar(select(func.count()).select_from(each.order_by(None).subquery())) or 0 for each in due] or [0, 0]
    return Figures(*session.execute(asked).one(), *counts)
