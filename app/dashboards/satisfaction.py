"""The board of satisfaction: the newest survey against the rounds before it, the alarms of surveys, and how each case is rated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, String, and_, case, cast, func, literal, select, union_all

from app.dashboards.base import Bars, Board, Chart, Facts, Group, Moment, Number, Part, Span, Table, Tile, by_month, told, within
from app.domain import N_
from app.domain.campaigns import AlarmEffect, AlarmStatus, CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.questionnaires import QuestionKind
from app.domain.surveys import LEAST_SHOWN, Estimate
from app.domain.tabulation import Tabulation
from app.models import Channel, Rating, SurveyAlarm, SurveyCampaign, SurveyInvitee, SurveyResponse
from app.operations.tabulation import tabulate

#: Campaigns of the table, and rounds of the line over time.
MOST, ROUNDS = 5, 6
#: A score that is a satisfied one.
_SATISFIED = 4


# ── Campaigns ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _campaigns(m: Moment) -> list[tuple[SurveyCampaign, int, int, int]]:
    """Return the newest campaigns that opened, each with how many were asked, answered of them, and filled it in."""
    n = func.count()
    its = SurveyInvitee.campaign_id == SurveyCampaign.id
    unasked = and_(SurveyInvitee.invited_on.is_(None), SurveyInvitee.n_attempts == 0, SurveyInvitee.status == InviteeStatus.WAITING)
    asked = select(n).where(its, ~unasked).scalar_subquery()
    answered = select(n).where(its, SurveyInvitee.status == InviteeStatus.ANSWERED).scalar_subquery()
    complete = select(n).where(SurveyResponse.campaign_id == SurveyCampaign.id, SurveyResponse.status == ResponseStatus.COMPLETE)
    opened = SurveyCampaign.status.in_((CampaignStatus.OPEN, CampaignStatus.CLOSED))
    rows = select(SurveyCampaign, asked, answered, complete.scalar_subquery()).where(opened)
    order = (SurveyCampaign.opens_on.desc(), SurveyCampaign.id.desc())
    return [tuple(row) for row in m.session.execute(rows.order_by(*order).limit(MOST))]  # type: ignore[misc]


def _figures(found: Tabulation) -> dict[str, list[Number]]:
    """Return the figures of the newest round, and of the one before it; no figure where there are too few answers to show one."""
    before = found.rounds[0] if found.rounds else None
    nps = found.nps.nps.score if found.nps is not None and found.nps.nps is not None else None
    return {
        "csat": [_exact(found.csat), _exact(before.csat if before else None)],
        "nps": [_exact(nps), _exact(before.nps if before else None)],
        "ces": [_exact(next((asked.figure.mean for asked in found.questions if asked.kind is QuestionKind.SCALE7), None))],
        "complete": [found.people.n_complete],
        "rate": [None if found.people.rate is None else Decimal(f"{found.people.rate:.2f}")],
    }


def _exact(estimate: Estimate | None) -> Number:
    return None if estimate is None else Decimal(f"{estimate.value:.1f}")


def _rounds(campaign: SurveyCampaign, found: Tabulation) -> list[Group]:
    """Return CSAT and NPS of each round of the questionnaire, the oldest first."""
    figures = _figures(found)
    newest = Group(str(campaign.id), _short(campaign.number), (figures["csat"][0], figures["nps"][0]))
    earlier = [Group(str(each.id), _short(each.number), (_exact(each.csat), _exact(each.nps))) for each in found.rounds]
    return [group for group in (*earlier[::-1], newest) if any(value is not None for value in group.values)]


def _short(number: str) -> str:
    """Return the number of a campaign without the letters that all have."""
    return number.partition("-")[2] or number


# ── Ratings and alarms ────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_span(m: Moment, span: Span) -> Iterator[Part]:
    satisfied = func.sum(case((Rating.score >= _SATISFIED, 1), else_=0))
    rated = select(func.sum(Rating.score), func.count(), satisfied).where(within(Rating.rated_on, span))
    yield ("scores", "ratings", "satisfied"), m.rated(rated)
    yield ("raised",), m.count("survey_alarm", SurveyAlarm, within(SurveyAlarm.raised_on, span))


def _of_today(m: Moment) -> Iterator[Part]:
    waits = SurveyAlarm.status == AlarmStatus.OPEN
    yield ("alarms",), m.count("survey_alarm", SurveyAlarm, waits)
    yield ("contacts",), m.count("survey_alarm", SurveyAlarm, waits, SurveyAlarm.effect == AlarmEffect.CONTACT)
    yield ("alarms_late",), m.count("survey_alarm", SurveyAlarm, waits, SurveyAlarm.due_on < m.today)


def _rated(m: Moment) -> dict[str, list[Group]]:
    """Return the ratings by month, score and channel: one statement."""

    def counted(what: str, key: Any, span: Span, name: Any = None) -> Select[Any]:
        columns = (literal(what).label("what"), cast(key, String).label("key"), (literal("") if name is None else name).label("name"))
        sums = (func.sum(Rating.score).label("total"), func.count().label("n"))
        rows = m.rated(select(*columns, *sums).select_from(Rating).where(within(Rating.rated_on, span)))
        return rows.group_by(key) if name is None else rows.group_by(key, name)

    by_channel = counted("channels", Rating.channel_id, m.spans.now, Channel.name).outerjoin(Channel, Channel.id == Rating.channel_id)
    parts = (counted("months", Rating.rated_on, m.year), counted("ratings", Rating.score, m.spans.now), by_channel)
    found: dict[str, list[tuple[str | None, str, int, int]]] = {"months": [], "ratings": [], "channels": []}
    for what, key, name, total, n in m.session.execute(union_all(*parts)):
        found[what].append((key, name or "", int(total), int(n)))
    sums = by_month(m.months, ((date.fromisoformat(str(day)), (total, n)) for day, _name, total, n in found["months"]), 2)
    scores = {key: n for key, _name, _total, n in found["ratings"]}
    channels = [Group("empty" if key is None else key, name, (_mean(total, n),)) for key, name, total, n in found["channels"]]
    return {
        "months": [Group(str(span), "", (_mean(total, n),)) for span, (total, n) in zip(m.months, sums, strict=True)],
        "ratings": [Group(str(score), str(score), (scores.get(str(score), 0),)) for score in range(5, 0, -1)],
        "channels": sorted(channels, key=lambda each: (-each.values[0], each.label)),
    }


def _mean(total: int, n: int) -> Decimal | None:
    return round(Decimal(total) / n, 2) if n else None


def read(m: Moment) -> Facts:
    """Return the figures of the board in eight statements: five of them tabulate the newest survey with answers enough to show."""
    numbers = told(m.session, (_of_span(m, span) for span in m.spans.all), _of_today(m))
    campaigns, groups = _campaigns(m), _rated(m)
    sees_small = m.reader.may("can_see_small", "SurveyResult")
    enough = [row for row, _asked, _answered, n in campaigns if n >= (1 if sees_small else LEAST_SHOWN)]
    said = {}
    if enough:
        found = tabulate(m.session, enough[0], n_rounds=ROUNDS, sees_small=sees_small)
        numbers |= _figures(found)
        groups["rounds"], said = _rounds(enough[0], found), {"campaign": str(enough[0].id), "of": enough[0].name}
    groups["campaigns"] = [
        Group(str(row.id), row.number, (row.name, _(row.status.value), n, 100 * Decimal(answered) / asked if asked else None))
        for row, asked, answered, n in campaigns
    ]
    return Facts(numbers, groups, said)


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_RESULT, _NO_SURVEY = "/survey-results/{campaign}", N_("No survey has answers enough to show.")
_UNASKED = N_("The newest survey does not ask about it, or too few answered.")
_NO_RATING = N_("Nobody rated the attention in these days.")
_THAN = N_("in the round before: %(n)s")

BOARD = Board(
    "satisfaction", N_("Dashboard: satisfaction"),
    N_("The newest survey with answers enough to show, against the rounds before it; ratings and alarms of the days asked for."),
    "SatisfactionDashboard", read,
    period=(
        Tile("scores", N_("Rating of the attention, of 5"), _NO_RATING, "/rating/list/?rated_on={p}", of="ratings", times=1, better=1,
             tone="ok"),
        Tile("satisfied", N_("Ratings of 4 or 5"), _NO_RATING, "/rating/list/?rated_on={p}&mood=SATISFIED", of="ratings", unit="%",
             better=1, tone="ok"),
        Tile("ratings", N_("Ratings"), _NO_RATING, "/rating/list/?rated_on={p}", better=1, tone="info"),
        Tile("raised", N_("Alarms that went off"), N_("No alarm went off in these days."), "/survey-alarm/list/?raised_on={p}", better=-1,
             tone="warn"),
    ),
    today=(
        Tile("csat", N_("Satisfied in the newest survey (CSAT)"), _NO_SURVEY, _RESULT, unit="%", better=1, tone="ok", than=_THAN,
             is_share=True),
        Tile("nps", N_("Recommendation in the newest survey (NPS)"), _UNASKED, _RESULT, better=1, tone="ok", than=_THAN, is_share=True),
        Tile("ces", N_("Ease of getting something solved (CES), of 7"), _UNASKED, _RESULT, better=1, tone="info"),
        Tile("rate", N_("Response rate of the newest survey"), N_("Nobody was asked one by one."), _RESULT, unit="%", tone="info"),
        Tile("complete", N_("Answers to the newest survey"), _NO_SURVEY, _RESULT, tone="info"),
        Tile("alarms", N_("Alarms that wait for somebody"), N_("No alarm waits."), "/survey-alarm/list/?status=OPEN", tone="warn"),
        Tile("contacts", N_("Customers to get in touch with"), N_("No customer waits for a call."),
             "/survey-alarm/list/?status=OPEN&effect=CONTACT", tone="warn"),
        Tile("alarms_late", N_("Alarms that are late"), N_("No alarm is late."), "/survey-alarm/list/?late=1", tone="bad"),
    ),
    charts=(
        Chart("rounds", N_("Satisfaction and recommendation, round by round"), _NO_SURVEY, (
            Bars(N_("Satisfied (CSAT), %"), "/survey-results/{k}", "ok"), Bars(N_("Recommendation (NPS)"), "/survey-results/{k}", "info"),
        ), kind="ColumnChart", top=ROUNDS + 1),
        Chart("months", N_("Average rating by month"), N_("Nobody rated the attention in twelve months."),
              (Bars(N_("Average"), "/rating/list/?rated_on={k}", "info"),), kind="LineChart", is_time=True),
        Chart("ratings", N_("Ratings of the attention"), _NO_RATING,
              (Bars(N_("Ratings"), "/rating/list/?rated_on={p}&score={k}", "info"),), kind="ColumnChart", is_whole=True),
        Chart("channels", N_("Average rating by channel"), _NO_RATING,
              (Bars(N_("Average"), "/rating/list/?rated_on={p}&channel={k}", "info"),), top=12),
    ),
    tables=(
        Table("campaigns", N_("The last surveys"), N_("No survey has opened yet."),
              (N_("Survey"), N_("Name"), N_("State"), N_("Answers"), N_("Response rate")), "/survey-results/{k}", ("", "", "", "%")),
    ),
)  # fmt: skip
