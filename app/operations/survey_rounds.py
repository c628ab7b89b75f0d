"""What came of a round of a survey: the alarms it raised, and the actions, contacts and cases that followed from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.campaigns import AlarmEffect, AlarmStatus, CampaignStatus
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionOrigin
from app.models import Action, SurveyAlarm, SurveyAnswer, SurveyAnswerTag, SurveyCampaign, SurveyResponse, SurveyTag
from app.operations.tabulation import is_counted

#: Open answers of one tag, and without any, that the report quotes.
MOST_QUOTES, LONGEST_QUOTE = 4, 420
_PERSONAL = re.compile(r"\S+@\S+|\+?\d(?:[ .-]?\d){6,}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a campaign: the alarms of its figures, its actions, and how many contacts and cases there are, by state."""

    campaign: SurveyCampaign
    figures: tuple[SurveyAlarm, ...]
    actions: tuple[Action, ...]
    alarms: Mapping[tuple[AlarmEffect, AlarmStatus], int]

    def n(self, effect: AlarmEffect, *statuses: AlarmStatus) -> int:
        """Return how many alarms with that effect there are, in one of *statuses* or in any."""
        return sum(n for (its, status), n in self.alarms.items() if its is effect and (not statuses or status in statuses))


def previous_of(session: Session, campaign: SurveyCampaign) -> SurveyCampaign | None:
    """Return the campaign of the same questionnaire that was closed before this one, the newest, or None."""
    same = SurveyCampaign.questionnaire_id == campaign.questionnaire_id, SurveyCampaign.status == CampaignStatus.CLOSED
    earlier = select(SurveyCampaign).where(*same, SurveyCampaign.period_from < campaign.period_from)
    return session.scalars(earlier.order_by(SurveyCampaign.period_from.desc()).limit(1)).first()


#: What leaves to a SELECT only the rows that the reader may see.
Scope = Callable[[Select[Any]], Select[Any]]


@dataclass(frozen=True, slots=True)
class Sight:
    """Which alarms and actions the reader may see; the report sees all of them."""

    alarms: Scope = lambda statement: statement
    actions: Scope = lambda statement: statement


def outcome_of(session: Session, campaign: SurveyCampaign, sight: Sight = Sight()) -> Outcome:
    """Return what came of *campaign* until now, as far as *sight* reaches, in three statements."""
    counted = select(SurveyAlarm.effect, SurveyAlarm.status, func.count()).where(SurveyAlarm.campaign_id == campaign.id)
    grouped = sight.alarms(counted).group_by(SurveyAlarm.effect, SurveyAlarm.status)
    sums = Counter({(effect, status): n for effect, status, n in session.execute(grouped)})
    figures = sight.alarms(select(SurveyAlarm).where(SurveyAlarm.campaign_id == campaign.id, SurveyAlarm.response_id.is_(None)))
    loaded = joinedload(SurveyAlarm.action), joinedload(SurveyAlarm.process)
    asked = sight.actions(select(Action).where(Action.origin == ActionOrigin.SURVEY, Action.origin_key == campaign.number))
    people = joinedload(Action.process), joinedload(Action.responsible)
    return Outcome(
        campaign,
        tuple(session.scalars(figures.options(*loaded).order_by(SurveyAlarm.id))),
        tuple(session.scalars(asked.options(*people).order_by(Action.id))),
        sums,
    )


def aftermath(session: Session, campaign: SurveyCampaign, sight: Sight = Sight()) -> Outcome | None:
    """Return what was done after the round before *campaign*, or None where it is the first one."""
    previous = previous_of(session, campaign)
    return outcome_of(session, previous, sight) if previous else None


@dataclass(frozen=True, slots=True)
class Said:
    """Open answers that speak of the same: the name of the tag (none: no tag), how many, and some of them."""

    tag: str
    n: int
    quotes: tuple[str, ...]


def words_of(session: Session, campaign: SurveyCampaign) -> list[Said]:
    """Return the open answers of the complete responses by tag, the most frequent first, those without a tag last; two statements."""
    place = func.row_number().over(partition_by=SurveyAnswerTag.tag_id, order_by=(func.length(SurveyAnswer.words).desc(), SurveyAnswer.id))
    count = func.count().over(partition_by=SurveyAnswerTag.tag_id)
    said = (
        select(SurveyAnswerTag.tag_id, SurveyAnswer.words, place.label("place"), count.label("n"))
        .select_from(SurveyResponse)
        .join(SurveyAnswer, SurveyAnswer.response_id == SurveyResponse.id)
        .outerjoin(SurveyAnswerTag, SurveyAnswerTag.answer_id == SurveyAnswer.id)
        .where(is_counted(campaign.id), SurveyAnswer.words.is_not(None))
        .subquery()
    )
    names = {row.id: row.name for row in session.execute(select(SurveyTag.id, SurveyTag.name))}
    found: dict[int | None, tuple[int, list[str]]] = {}
    for row in session.execute(select(said).where(said.c.place <= 5 * MOST_QUOTES).order_by(said.c.tag_id, said.c.place)):
        _n, quotes = found.setdefault(row.tag_id, (row.n, []))
        if len(quotes) < MOST_QUOTES and (quote := _short(row.words)) not in quotes:
            quotes.append(quote)
    order = sorted(found.items(), key=lambda each: (each[0] is None, -each[1][0], names.get(each[0] or 0, "")))
    return [Said(names.get(tag_id or 0, ""), n, tuple(quotes)) for tag_id, (n, quotes) in order]


def _short(words: str) -> str:
    """Return *words* as a report may quote them: in one paragraph, without telephones, documents or addresses of mail."""
    words = _PERSONAL.sub("…", " ".join(words.split()))
    return words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1].rstrip() + "…"


# ── The conclusion ────────────────────────────────────────────────────────────────────────────────────────────────────────


def conclude(session: Session, campaign: SurveyCampaign, conclusion: str) -> SurveyCampaign:
    """Store what the report concludes; return the campaign, flushed. Raises MoveRefused: its report was issued."""
    queries.lock(session, campaign)
    if campaign.document_id is not None:
        raise MoveRefused(N_("The report of %(number)s was issued: its conclusion no longer changes."), number=campaign.number)
    campaign.conclusion = conclusion.strip()
    session.flush()
    return campaign


def check_issue(session: Session, campaign: SurveyCampaign) -> None:
    """
    Take *campaign* for its report. Raises MoveRefused: it is not over, or its report was issued; DomainError: it concludes nothing.
    """
    queries.lock(session, campaign)
    if campaign.document_id is not None:
        raise MoveRefused(N_("The report of %(number)s was issued already."), number=campaign.number)
    if campaign.status is not CampaignStatus.CLOSED:
        raise MoveRefused(N_("%(number)s is not over: close the campaign first, and its figures stay as they are."), number=campaign.number)
    if not campaign.conclusion.strip():
        raise DomainError(N_("Write what the report concludes before it is issued."), field="conclusion")
