"""
The answers of a campaign, counted by the database: five statements, one more for groups, whatever the answers.

`domain/tabulation.py` makes figures of the counts. Only complete responses count. What each figure means: docs/rules/surveys.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, null, or_, select, true, type_coerce, union_all
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from app.domain import surveys
from app.domain.campaigns import AnswerVia, CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.questionnaires import QuestionKind
from app.domain.surveys import Scored, Sums
from app.domain.tabulation import (
    Counts,
    Cross,
    Dimension,
    Key,
    Option,
    People,
    Piece,
    Round,
    Section,
    Tabulated,
    Tabulation,
    ViaCount,
    all_hidden,
    before_of,
    cross_of,
    in_figures,
    margin_of,
)
from app.models import (
    Process,
    Question,
    QuestionnaireSection,
    QuestionOption,
    Service,
    SurveyAnswer,
    SurveyCampaign,
    SurveyInvitee,
    SurveyQuota,
    SurveyResponse,
)

# ── What the database counts ──────────────────────────────────────────────────────────────────────────────────────────────


def is_counted(campaign_id: int) -> ColumnElement[bool]:
    """Return the condition that a response is one of those that a tabulation counts."""
    return and_(SurveyResponse.campaign_id == campaign_id, SurveyResponse.status == ResponseStatus.COMPLETE)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The campaigns that are counted, and what narrows their responses."""

    campaign_id: int
    ids: tuple[int, ...]
    clauses: tuple[ColumnElement[bool], ...]

    @property
    def is_narrowed(self) -> ColumnElement[bool]:
        return and_(true(), *self.clauses)

    def responses(self, statement: Select[Any]) -> Select[Any]:
        """Return *statement*, that selects from responses, with only those that count."""
        counts = (SurveyResponse.campaign_id.in_(self.ids), SurveyResponse.status == ResponseStatus.COMPLETE)
        return statement.where(*counts, *self.clauses)

    def answers(self, *columns: Any) -> Select[Any]:
        """Return the SELECT of *columns* from the answers of those responses."""
        joined = select(*columns).select_from(SurveyResponse).join(SurveyAnswer, SurveyAnswer.response_id == SurveyResponse.id)
        return self.responses(joined)


def _earlier(session: Session, campaign: SurveyCampaign, n: int) -> list[Any]:
    return list(session.execute(
        select(SurveyCampaign.id, SurveyCampaign.number, SurveyCampaign.name, SurveyCampaign.period_from, SurveyCampaign.period_until,
               SurveyCampaign.version_id)
        .where(SurveyCampaign.questionnaire_id == campaign.questionnaire_id, SurveyCampaign.status == CampaignStatus.CLOSED,
               SurveyCampaign.period_from < campaign.period_from)
        .order_by(SurveyCampaign.period_from.desc()).limit(n)
    ))  # fmt: skip


def _forms(session: Session, version_ids: Iterable[int]) -> dict[int, tuple[Section, ...]]:
    """Return the sections of each version, with what they ask."""
    asked = (Question.id, Question.code, Question.kind, Question.text_es, Question.text_en, Question.low_es, Question.low_en,
             Question.high_es, Question.high_en, Question.is_reversed, Question.process_id, Question.fingerprint)  # fmt: skip
    option = (QuestionOption.id, QuestionOption.code, QuestionOption.text_es, QuestionOption.text_en)
    rows = session.execute(
        select(QuestionnaireSection.version_id, QuestionnaireSection.id, QuestionnaireSection.title_es, QuestionnaireSection.title_en,
               *asked, *option)
        .join(Question, Question.section_id == QuestionnaireSection.id)
        .outerjoin(QuestionOption, QuestionOption.question_id == Question.id)
        .where(QuestionnaireSection.version_id.in_(set(version_ids)))
        .order_by(QuestionnaireSection.position, Question.position, QuestionOption.position)
    )  # fmt: skip
    found: dict[int, dict[tuple[int, str, str], dict[int, Tabulated]]] = defaultdict(lambda: defaultdict(dict))
    options: dict[int, list[Option]] = defaultdict(list)
    for version_id, section_id, title_es, title_en, *row in rows:
        found[version_id][section_id, title_es, title_en].setdefault(row[0], Tabulated(*row[: len(asked)]))
        if row[len(asked)] is not None:
            options[row[0]].append(Option(*row[len(asked) :]))
    return {
        version_id: tuple(
            Section(*head, tuple(replace(one, options=tuple(options[one.id])) for one in questions.values()))
            for head, questions in sections.items()
        )
        for version_id, sections in found.items()
    }


def _people(session: Session, scope: _Scope, counts: Mapping[int, Counts]) -> People:
    """Return whom the campaign asked, and count the responses and strata of each campaign into *counts*."""
    none, zero = literal(""), literal(0)
    responses = (
        select(literal("response").label("what"), SurveyResponse.campaign_id, type_coerce(SurveyResponse.status, String),
               type_coerce(SurveyResponse.via, String), SurveyResponse.screened_reason, SurveyResponse.quota_id, func.count(),
               func.sum(case((scope.is_narrowed, 1), else_=0)), func.count(SurveyResponse.invitee_id))
        .where(SurveyResponse.campaign_id.in_(scope.ids))
        .group_by(SurveyResponse.campaign_id, SurveyResponse.status, SurveyResponse.via, SurveyResponse.screened_reason,
                  SurveyResponse.quota_id)
    )  # fmt: skip
    is_asked = or_(~SurveyInvitee.is_reserve, SurveyInvitee.invited_on.is_not(None), SurveyInvitee.n_attempts > 0,
                   SurveyInvitee.status != InviteeStatus.WAITING)  # fmt: skip
    invitees = (
        select(literal("invitee"), SurveyInvitee.campaign_id, type_coerce(SurveyInvitee.status, String), none, none, null(), func.count(),
               func.count(SurveyInvitee.invited_on), func.sum(case((SurveyInvitee.n_attempts > 0, 1), else_=0)))
        .where(SurveyInvitee.campaign_id == scope.campaign_id, is_asked)
        .group_by(SurveyInvitee.campaign_id, SurveyInvitee.status)
    )  # fmt: skip
    quotas = (
        select(literal("stratum"), SurveyQuota.campaign_id, none, none, none, SurveyQuota.id, SurveyQuota.population, zero, zero)
        .join(SurveyCampaign, SurveyCampaign.id == SurveyQuota.campaign_id)
        .where(SurveyQuota.campaign_id.in_(scope.ids), SurveyCampaign.is_sampled)
    )
    rows: Sequence[Any] = session.execute(union_all(responses, invitees, quotas)).all()
    for what, campaign_id, status, _via, _reason, quota_id, n, n_narrowed, _invited in rows:
        its = counts[campaign_id]
        if what == "stratum":
            its.strata[quota_id] = n
        elif what == "response" and status == ResponseStatus.COMPLETE.name:
            its.answered[quota_id] += n
            its.narrowed[quota_id] += n_narrowed
    for its in counts.values():
        its.n, its.n_all = sum(its.narrowed.values()), sum(its.answered.values())
    return _people_of([row for row in rows if row.campaign_id == scope.campaign_id])


def _people_of(rows: Sequence[Any]) -> People:
    by_status: dict[InviteeStatus, int] = {}
    n_invited, n = 0, dict.fromkeys(ResponseStatus, 0)
    screened: dict[str, int] = defaultdict(int)
    by_via: dict[AnswerVia, int] = defaultdict(int)
    asked = dict.fromkeys((AnswerVia.LINK, AnswerVia.PHONE), 0)
    for what, _campaign, status, via, reason, _quota, count, x, y in rows:
        if what == "invitee":
            by_status[InviteeStatus[status]] = count
            asked[AnswerVia.LINK] += x
            asked[AnswerVia.PHONE] += y
        elif what == "response":
            n[ResponseStatus[status]] += count
            if status == ResponseStatus.SCREENED.name:
                screened[reason] += count
            elif status == ResponseStatus.COMPLETE.name:
                by_via[AnswerVia[via]] += count
                n_invited += y
    channels = [ViaCount(via, asked.get(via) or None, by_via[via]) for via in AnswerVia if by_via[via] or asked.get(via)]
    return People(
        sum(by_status.values()), n_invited, n[ResponseStatus.COMPLETE], n[ResponseStatus.PARTIAL], n[ResponseStatus.SCREENED],
        tuple(sorted(screened.items(), key=lambda pair: (-pair[1], pair[0]))), by_status, tuple(channels),
    )  # fmt: skip


def _answers(session: Session, scope: _Scope, counts: Mapping[int, Counts], with_many: bool) -> None:
    """Count the answers to each question by value or option and stratum; of *with_many*, lists of several, also who answered."""
    by = (SurveyResponse.campaign_id, SurveyAnswer.question_id, SurveyAnswer.option_id, SurveyAnswer.value, SurveyAnswer.number,
          SurveyAnswer.is_na, SurveyResponse.quota_id)  # fmt: skip
    statement: Any = scope.answers(*by, func.count()).group_by(*by)
    if with_many:
        campaign_id, question_id, *_rest, quota_id = by
        who = scope.answers(
            campaign_id, question_id, null(), null(), null(), false(), quota_id, func.count(SurveyAnswer.response_id.distinct())
        ).where(SurveyAnswer.kind == QuestionKind.MANY, ~SurveyAnswer.is_na)
        statement = union_all(statement, who.group_by(campaign_id, question_id, quota_id))
    for campaign_id, question_id, option_id, value, number, is_na, quota_id, n in session.execute(statement).all():
        its = counts[campaign_id]
        its.answers[question_id].append(Piece(option_id, number if value is None else value, is_na, n, its.weight(quota_id)))


def _sums(session: Session, scope: _Scope, counts: Mapping[int, Counts]) -> None:
    """Count, by stratum, the sums over people of scaled answers and of the satisfied ones."""
    is_satisfied = or_(*(
        and_(SurveyAnswer.kind == kind, SurveyAnswer.value >= surveys.SATISFIED[kind]) for kind in surveys.SATISFACTION
    ))  # fmt: skip
    by = (SurveyResponse.campaign_id, SurveyResponse.quota_id)
    person = (
        scope.answers(*by, func.count().label("n"), func.sum(case((is_satisfied, 1), else_=0)).label("hits"))
        .where(SurveyAnswer.kind.in_(surveys.SATISFACTION), ~SurveyAnswer.is_na)
        .group_by(*by, SurveyResponse.id)
        .subquery()
    )
    one = person.c
    sums = (one.hits, one.n, one.hits * one.hits, one.hits * one.n, one.n * one.n)
    statement = select(one.campaign_id, one.quota_id, func.count(), *(func.sum(each) for each in sums))
    for campaign_id, quota_id, n, *totals in session.execute(statement.group_by(one.campaign_id, one.quota_id)):
        its = counts[campaign_id]
        its.sums.append(Sums(n, *[float(total) for total in totals], its.weight(quota_id)))


_SPLIT: Mapping[Dimension, tuple[Any, Any]] = {
    Dimension.SERVICE: (SurveyResponse.service_id, Service), Dimension.PROCESS: (SurveyResponse.process_id, Process),
    Dimension.ZONE: (SurveyResponse.zone, None), Dimension.STRATUM: (SurveyResponse.stratum, None),
    Dimension.VIA: (SurveyResponse.via, None),
}  # fmt: skip


def _cross(
    session: Session, scope: _Scope, dimension: Dimension, counts: Counts, kinds: Mapping[int, QuestionKind], sees_small: bool
) -> Cross:
    """Return the scored questions of the campaign by *dimension*, in one statement."""
    column, named = _SPLIT[dimension]
    alone = replace(scope, ids=(scope.campaign_id,))
    by = (column, SurveyAnswer.question_id, SurveyAnswer.option_id, SurveyAnswer.value, SurveyResponse.quota_id)
    scored = alone.answers(*by, literal(""), func.count()).where(SurveyAnswer.value.is_not(None)).group_by(*by)
    label, grouped = (named.name, (column, named.name)) if named else (literal(""), (column,))
    base = select(column, null(), null(), null(), null(), label, func.count()).select_from(SurveyResponse)
    if named:
        base = base.outerjoin(named, named.id == column)
    sizes: dict[Any, tuple[str, int]] = {}
    heaps: dict[Any, dict[Key, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    rows = session.execute(union_all(scored, alone.responses(base).group_by(*grouped)))
    for key, question_id, option_id, value, quota_id, name, n in rows:
        if question_id is None:
            sizes[key] = (name or "", n)
            continue
        cell = Scored(value, n, counts.weight(quota_id))
        heaps[key][question_id, None].append(cell)
        if option_id is not None:
            heaps[key][question_id, option_id].append(cell)
    return cross_of(dimension, sizes, heaps, kinds, sees_small)


# ── The whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tabulate(
    session: Session, campaign: SurveyCampaign, *, where: Sequence[ColumnElement[bool]] = (), of_round: Sequence[ColumnElement[bool]] = (),
    by: Dimension | None = None, n_rounds: int = 1, is_weighted: bool = True, sees_small: bool = False,
) -> Tabulation:  # fmt: skip
    """
    Return the answers of *campaign* in figures, in five statements, and one more for *by*.

    Args:
        where: Conditions over SurveyResponse that narrow earlier rounds too: a service, a zone…
        of_round: Conditions over SurveyResponse for this campaign alone: days.
        by: What to set answers apart by.
        n_rounds: With how many earlier campaigns of the questionnaire, closed, to compare it.
        is_weighted: Whether the answers of a sample weigh as their strata do.
        sees_small: Whether figures of fewer than five answers are shown.
    """
    earlier = _earlier(session, campaign, n_rounds)
    this_alone = (or_(SurveyResponse.campaign_id != campaign.id, and_(*of_round)),) if of_round else ()
    scope = _Scope(campaign.id, (campaign.id, *(row.id for row in earlier)), (*where, *this_alone))
    forms = _forms(session, (campaign.version_id, *(row.version_id for row in earlier)))
    counts = {campaign_id: Counts() for campaign_id in scope.ids}
    people = _people(session, scope, counts)
    if is_weighted:
        for its in counts.values():
            its.weigh()
    asked = [one for sections in forms.values() for section in sections for one in section.questions]
    _answers(session, scope, counts, with_many=any(one.kind is QuestionKind.MANY for one in asked))
    _sums(session, scope, counts)
    its, sections = counts[campaign.id], forms.get(campaign.version_id, ())
    if not sees_small and (surveys.is_small(its.n) or surveys.is_small(its.n_all - its.n)):
        return Tabulation(all_hidden(sections), people, is_hidden=True)
    rounds = [before_of(Round(*row[:5]), counts[row.id], forms.get(row.version_id, ()), sees_small) for row in earlier]
    found = in_figures(its, sections, rounds, sees_small)
    kinds = {one.id: one.kind for one in asked}
    population = None if where or of_round else campaign.population or None  # 0: whoever came by, whom nobody counted
    return replace(
        found, people=people, margin=margin_of(its, found.design_effect, population, campaign.confidence),
        cross=_cross(session, scope, by, its, kinds, sees_small) if by else None,
    )  # fmt: skip
