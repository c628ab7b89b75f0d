"""
The catalogue of measures: what an indicator counts, out of what, and what it leaves out and why (docs/rules/indicators.md).

A measure is a SELECT over the rows of its room. The same SELECT counts them, lists them and lists the excluded ones, so that a figure and
its rows cannot disagree. Windows are closed: both days belong to them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, func, literal, null, or_, select, type_coerce
from sqlalchemy.orm import Session, aliased

from app import queries
from app.domain import N_
from app.domain.calendar import ONE_DAY, BusinessCalendar
from app.domain.campaigns import CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.checklists import ChecklistStatus
from app.domain.contracts import ContractStage
from app.domain.improvement import EffectVerdict
from app.domain.indicators import Scale
from app.domain.notices import summons_until, terms_of
from app.domain.questionnaires import QuestionKind
from app.domain.states import Category, NoticeMeans, Outcome, PqrStatus, states_in
from app.domain.surveys import DETRACTOR, PROMOTER, SATISFACTION, SATISFIED
from app.domain.times import NOT_COUNTED
from app.extensions import LOCAL_ZONE
from app.models import (
    Account,
    ActionReview,
    Appeal,
    Checklist,
    Contract,
    Notice,
    Pqr,
    RequestType,
    Silence,
    SurveyAnswer,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
    UtcDateTime,
)

Condition = ColumnElement[bool]
#: What a claim is, in the regulator's table of procedures.
CLAIM = "1"
INFORMATION = "INFORMACION"
#: The longest that the five working days of a summons may take in calendar days.
_REACH = timedelta(days=40)
_ONE, _NONE = literal(1), null()


@dataclass(frozen=True, slots=True)
class Span:
    """A window, and what a measure may ask besides. `process_id` leaves only the cases that the process answered for."""

    session: Session
    since: date
    until: date
    process_id: int | None
    calendar: BusinessCalendar

    def has(self, column: Any) -> Condition:
        return column.between(self.since, self.until)

    @property
    def over_at(self) -> datetime:
        """The instant at which the window is over."""
        return _midnight_after(self.until)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Which rows a measure looks at.

    Args:
        rows: SELECT without columns of the rows that count, and of those that could but are left out.
        hit: What a row adds to the numerator, where it counts.
        why: A msgid for a row that is left out; NULL for one that counts.
        of: The denominator, where it is not the number of rows that count.
    """

    rows: Select[Any]
    hit: ColumnElement[Any]
    why: ColumnElement[Any] | None = None
    of: Any = None

    @property
    def left_out(self) -> ColumnElement[Any]:
        return cast(_NONE, String) if self.why is None else self.why


@dataclass(frozen=True, slots=True)
class Measure:
    """
    A measure of the catalogue.

    Args:
        name, formula, leaves_out: What it is, how it is reckoned and what it does not count, for people.
        model: Whose rows are listed; the reader's scope is put on them.
        facts: Says which rows, of a window.
        of_days: The numerator is business days from filing to answer, less lawful stops, and not a sum of `hit`.
        of_today: The denominator is counted as things are on the day of the reckoning; what it was before is not known.
    """

    key: str
    name: str
    formula: str
    leaves_out: str
    scale: Scale
    model: type[Any]
    facts: Callable[[Span], Facts]
    of_days: bool = False
    of_today: bool = False


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + ONE_DAY, time(), LOCAL_ZONE)


def _why(*reasons: tuple[Condition, str]) -> ColumnElement[Any]:
    """Return the first reason that holds, or NULL."""
    return case(*((condition, literal(text)) for condition, text in reasons), else_=_NONE)


def _flag(condition: Condition) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _cases(span: Span, *conditions: Condition) -> Select[Any]:
    rows = select().select_from(Pqr).where(*conditions)
    return rows if span.process_id is None else rows.where(queries.answering_process() == span.process_id)


_STATES = {
    PqrStatus.VOIDED: N_("Voided"), PqrStatus.WITHDRAWN: N_("The citizen withdrew it"), PqrStatus.ARCHIVED: N_("Archived: nobody answered"),
    PqrStatus.TRANSFERRED: N_("Transferred to whoever is competent"),
}  # fmt: skip
_NOT_OWED = tuple((Pqr.status == status, _STATES[status]) for status in NOT_COUNTED)
_VOIDED = (Pqr.status == PqrStatus.VOIDED, _STATES[PqrStatus.VOIDED])


# ── The clock ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_time(span: Span) -> Facts:
    """What was answered or due. A case that ended without a due date is left out by the day it was filed: each part has its index."""
    ended = and_(span.has(Pqr.filed_on), Pqr.due_on.is_(None), Pqr.status.in_(NOT_COUNTED))
    return Facts(
        _cases(span, or_(span.has(Pqr.due_on), span.has(Pqr.answered_on), ended)), _flag(Pqr.answered_on <= Pqr.due_on), _why(*_NOT_OWED)
    )


def _answered(span: Span) -> Facts:
    return Facts(_cases(span, span.has(Pqr.answered_on)), _ONE)


def _overdue(span: Span) -> Facts:
    """What nobody had answered nor ended when the window closed: open since, answered later, or ended later without an answer."""
    was_open = or_(
        Pqr.status.in_(states_in(Category.OPEN, Category.STOPPED)), Pqr.answered_on > span.until,
        and_(Pqr.status.in_(NOT_COUNTED), Pqr.status != PqrStatus.VOIDED, Pqr.closed_on > span.until),
    )  # fmt: skip
    is_stopped = Pqr.due_on.is_(None)
    was_due = or_(Pqr.due_on <= span.until, and_(is_stopped, Pqr.filed_on <= span.until))
    return Facts(_cases(span, was_open, was_due), _ONE, _why((is_stopped, N_("Its clock is stopped by law"))))


def _summoned(span: Span) -> Facts:
    """The answers whose days to send the summons ended in the window: none of them can still be summoned in time."""
    known = Pqr.answered_on.between(span.since - _REACH, span.until)
    pairs = span.session.execute(select(Pqr.regime, Pqr.answered_on).where(known).distinct()).all()
    rules, limits = queries.term_rules(span.session), {}
    for regime, answered_on in pairs:
        terms = terms_of(rules, regime, answered_on)
        limit = summons_until(answered_on, terms, span.calendar) if terms else None
        if limit and span.since <= limit <= span.until:
            limits[regime, answered_on] = limit
    if not limits:
        return Facts(_cases(span, literal(False)), _ONE)
    days = [(and_(Pqr.regime == regime, Pqr.answered_on == on), limit) for (regime, on), limit in limits.items()]
    limit = case(*((is_it, literal(day, Pqr.answered_on.type)) for is_it, day in days))
    ends_at = case(*((is_it, literal(_midnight_after(day), UtcDateTime())) for is_it, day in days))
    first, last = min(on for _regime, on in limits), max(on for _regime, on in limits)
    mine = and_(Notice.pqr_id == Pqr.id, Notice.document_id.is_(None))
    sent = or_(Notice.sent_on <= limit, and_(Notice.sent_on.is_(None), type_coerce(Notice.sent_at, UtcDateTime()) < ends_at))
    summons = select(Notice.id).where(mine, Notice.means == NoticeMeans.SUMMONS)
    served = select(Notice.id).where(mine, Notice.served_on <= limit).exists()
    needless = _why((and_(served, ~summons.exists()), N_("Notified within those days without a summons")),
                    (and_(Pqr.is_e_notice, ~summons.exists()), N_("Notified by e-mail: no summons is needed")))  # fmt: skip
    rows = _cases(span, Pqr.answered_on.between(first, last), limit.is_not(None))
    return Facts(rows, _flag(summons.where(sent).exists()), needless)


# ── What is asked, and how it is answered ─────────────────────────────────────────────────────────────────────────────────


def _filed(span: Span) -> Facts:
    return Facts(_cases(span, span.has(Pqr.filed_on)), _ONE, _why(_VOIDED))


def _filed_by_subscribers(span: Span) -> Facts:
    subscribers = select(func.count()).select_from(Account).where(Account.is_active)
    return Facts(_cases(span, span.has(Pqr.filed_on)), _ONE, _why(_VOIDED), subscribers.scalar_subquery())


def _upheld(span: Span) -> Facts:
    rows = _cases(span, span.has(Pqr.answered_on), RequestType.sui_procedure == CLAIM).join(
        RequestType, RequestType.id == Pqr.request_type_id
    )
    return Facts(rows, _flag(Pqr.outcome.in_((Outcome.GRANTED, Outcome.PARTLY))))


_CHANGED = (Outcome.MODIFIED, Outcome.REVOKED)


def _revoked(span: Span) -> Facts:
    rows = _cases(span, span.has(Pqr.answered_on)).join(Appeal, Appeal.pqr_id == Pqr.id)
    return Facts(rows, _flag(Pqr.outcome.in_(_CHANGED)))


def _revoked_above(span: Span) -> Facts:
    rows = _cases(span, span.has(Appeal.sspd_result_on)).join(Appeal, Appeal.pqr_id == Pqr.id)
    return Facts(rows, _flag(Appeal.sspd_result.in_(_CHANGED)))


def _recurrent(span: Span) -> Facts:
    before = aliased(Pqr)
    earlier = or_(before.filed_on < Pqr.filed_on, and_(before.filed_on == Pqr.filed_on, before.id < Pqr.id))
    same = and_(before.account_id == Pqr.account_id, before.cause_id == Pqr.cause_id, before.status != PqrStatus.VOIDED)
    hit = select(before.id).where(same, earlier, before.filed_on >= _year_before(span.session, Pqr.filed_on)).exists()
    why = _why(_VOIDED, (Pqr.account_id.is_(None), N_("Without an account")), (Pqr.cause_id.is_(None), N_("Without a cause")))
    return Facts(_cases(span, span.has(Pqr.filed_on)), _flag(hit), why)


def _year_before(session: Session, day: Any) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "postgresql":
        return day - 365
    return func.date(day, "-365 days")


def _silences(span: Span) -> Facts:
    rows = _cases(span, span.has(Silence.arisen_on)).join(Silence, Silence.pqr_id == Pqr.id)
    return Facts(rows, _ONE, _why(_NO_LONGER))


def _recognised(span: Span) -> Facts:
    rows = _cases(span, span.has(Silence.recognise_by)).join(Silence, Silence.pqr_id == Pqr.id)
    return Facts(rows, _flag(Silence.recognised_on <= Silence.recognise_by), _why(_NO_LONGER))


_NO_LONGER = (Silence.withdrawn_on.is_not(None), N_("A change of the calendar moved its term: there was no silence"))


# ── Transparency (Ley 1712) ───────────────────────────────────────────────────────────────────────────────────────────────


def _of_information(span: Span, *conditions: Condition) -> Select[Any]:
    kind = RequestType.id == Pqr.request_type_id
    return _cases(span, RequestType.code == INFORMATION, *conditions).join(RequestType, kind)


def _information_received(span: Span) -> Facts:
    return Facts(_of_information(span, span.has(Pqr.filed_on)), _ONE, _why(_VOIDED))


def _information_transferred(span: Span) -> Facts:
    return Facts(_of_information(span, span.has(Pqr.closed_on), Pqr.status == PqrStatus.TRANSFERRED), _ONE)


def _information_answered(span: Span) -> Facts:
    return Facts(_of_information(span, span.has(Pqr.answered_on)), _ONE)


def _information_denied(span: Span) -> Facts:
    return Facts(_of_information(span, span.has(Pqr.answered_on), Pqr.outcome == Outcome.DENIED), _ONE)


# ── Surveys ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _answers(span: Span, kinds: Collection[QuestionKind]) -> Select[Any]:
    """The answers of complete responses; those of half-filled ones and of campaigns that were dropped are no result of a survey."""
    response, campaign = SurveyResponse, SurveyCampaign
    rows = select().select_from(SurveyAnswer).join(response, response.id == SurveyAnswer.response_id)
    rows = rows.join(campaign, campaign.id == response.campaign_id)
    counted = (response.status == ResponseStatus.COMPLETE, campaign.status != CampaignStatus.DROPPED, span.has(response.answered_on))
    rows = rows.where(SurveyAnswer.kind.in_(kinds), *counted)
    return rows if span.process_id is None else rows.where(campaign.process_id == span.process_id)


_NOT_APPLICABLE = (SurveyAnswer.is_na, N_("Does not know, or it does not apply"))


def _satisfied(span: Span) -> Facts:
    steps = [and_(SurveyAnswer.kind == kind, SurveyAnswer.value >= SATISFIED[kind]) for kind in SATISFACTION]
    return Facts(_answers(span, SATISFACTION), _flag(or_(*steps)), _why(_NOT_APPLICABLE))


def _recommended(span: Span) -> Facts:
    hit = case((SurveyAnswer.value >= PROMOTER, 1), (SurveyAnswer.value <= DETRACTOR, -1), else_=0)
    return Facts(_answers(span, (QuestionKind.NPS,)), hit, _why(_NOT_APPLICABLE))


def _responded(span: Span) -> Facts:
    campaign = SurveyCampaign
    rows = select().select_from(SurveyInvitee).join(campaign, campaign.id == SurveyInvitee.campaign_id)
    rows = rows.where(campaign.status == CampaignStatus.CLOSED, span.has(campaign.closes_on))
    if span.process_id is not None:
        rows = rows.where(campaign.process_id == span.process_id)
    unasked = and_(
        SurveyInvitee.invited_on.is_(None), SurveyInvitee.n_attempts == 0, SurveyInvitee.status.in_((InviteeStatus.WAITING,))
    )
    why = _why((and_(unasked, SurveyInvitee.is_reserve), N_("Reserve that was not needed")), (unasked, N_("Nobody got in touch with them")))
    return Facts(rows, _flag(SurveyInvitee.status == InviteeStatus.ANSWERED), why)


# ── Improvement and contracts ─────────────────────────────────────────────────────────────────────────────────────────────


def _effective(span: Span) -> Facts:
    rows = select().select_from(ActionReview).where(span.has(ActionReview.reviewed_on))
    if span.process_id is not None:
        rows = rows.where(ActionReview.action.has(process_id=span.process_id))
    return Facts(rows, _flag(ActionReview.verdict == EffectVerdict.EFFECTIVE))


def _verified(span: Span) -> Facts:
    """The contracts in force in the window. One that began in it owes its first verification at its first anniversary."""
    in_force = and_(
        Contract.stage.in_((ContractStage.SIGNED, ContractStage.TERMINATED)), Contract.starts_on <= span.until,
        or_(Contract.ends_on.is_(None), Contract.ends_on >= span.since),
        or_(Contract.terminated_on.is_(None), Contract.terminated_on >= span.since),
    )  # fmt: skip
    mine = select(Checklist.id).where(Checklist.contract_id == Contract.id, Checklist.due_on.between(span.since, span.until))
    done = mine.where(Checklist.status == ChecklistStatus.CLOSED, Checklist.approved_at < span.over_at).exists()
    rows = select().select_from(Contract).where(in_force)
    if span.process_id is not None:
        rows = rows.where(Contract.process_id == span.process_id)
    young = and_(Contract.starts_on >= span.since, ~mine.exists())
    return Facts(rows, _flag(done), _why((young, N_("It began in the period: its first verification comes a year later"))))


# ── The catalogue ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            "oportunidad", N_("Cases answered in time"), N_("Answered on the legal due date or before ÷ answered, or due, in the period"),
            N_("Voided, withdrawn, archived and transferred cases: nobody owes their answer any more."), Scale.PERCENT, Pqr, _in_time,
        ),
        Measure(
            "tiempo_promedio", N_("Mean time to answer"),
            N_("Business days from filing to answer, less lawful stops ÷ answers of the period"),
            N_("Nothing: every case answered in the period counts."), Scale.MEAN, Pqr, _answered, of_days=True,
        ),
        Measure(
            "notificacion_oportuna", N_("Summons sent in time"),
            N_("Summons sent within its days ÷ answers that needed one and whose days ended in the period"),
            N_("Answers that were notified without a summons."), Scale.PERCENT, Pqr, _summoned,
        ),
        Measure(
            "pqr_por_mil", N_("Cases for each thousand subscribers"), N_("Cases filed in the period × 1,000 ÷ active accounts"),
            N_("Voided cases. Accounts are those that are active on the day it is reckoned."), Scale.PER_THOUSAND, Pqr,
            _filed_by_subscribers, of_today=True,
        ),
        Measure(
            "procedencia", N_("Claims upheld"), N_("Claims granted or partly granted ÷ claims answered in the period"),
            N_("Nothing: every claim answered in the period counts."), Scale.PERCENT, Pqr, _upheld,
        ),
        Measure(
            "recursos_revocados", N_("Decisions changed on appeal by the company"),
            N_("Appeals that the company decided by modifying or revoking ÷ appeals that it decided in the period"),
            N_("Appeals that are not decided yet."), Scale.PERCENT, Pqr, _revoked,
        ),
        Measure(
            "recursos_revocados_sspd", N_("Decisions changed on appeal by Superservicios"),
            N_("Appeals that Superservicios decided by modifying or revoking ÷ appeals that it decided in the period"),
            N_("Appeals whose result has not come."), Scale.PERCENT, Pqr, _revoked_above,
        ),
        Measure(
            "recurrencia", N_("Recurrent cases"),
            N_("Cases of an account that had another of the same cause in the 365 days before ÷ cases filed in the period"),
            N_("Voided cases, and those without an account or a cause."), Scale.PERCENT, Pqr, _recurrent,
        ),
        Measure(
            "pendientes_vencidas", N_("Cases open past their due date"),
            N_("Cases without an answer at the end of the period whose due date was that day or before"),
            N_("Cases whose clock is stopped."), Scale.COUNT, Pqr, _overdue,
        ),
        Measure(
            "sap", N_("Positive silences"), N_("Silences that arose in the period"),
            N_("Those that a change of the calendar undid."), Scale.COUNT, Pqr, _silences,
        ),
        Measure(
            "sap_72h", N_("Silences recognised within 72 hours"),
            N_("Recognised within 72 hours ÷ silences whose 72 hours ended in the period"),
            N_("Those that a change of the calendar undid."), Scale.PERCENT, Pqr, _recognised,
        ),
        Measure(
            "ley1712_recibidas", N_("Requests for information received"), N_("Requests for information filed in the period"),
            N_("Voided cases."), Scale.COUNT, Pqr, _information_received,
        ),
        Measure(
            "ley1712_trasladadas", N_("Requests for information transferred"), N_("Requests for information transferred in the period"),
            N_("Nothing."), Scale.COUNT, Pqr, _information_transferred,
        ),
        Measure(
            "ley1712_tiempo", N_("Mean time to answer requests for information"),
            N_("Business days from filing to answer, less lawful stops ÷ requests for information answered in the period"),
            N_("Nothing: every request answered in the period counts."), Scale.MEAN, Pqr, _information_answered, of_days=True,
        ),
        Measure(
            "ley1712_negadas", N_("Requests for information denied"), N_("Requests for information answered in the period by denying them"),
            N_("Nothing."), Scale.COUNT, Pqr, _information_denied,
        ),
        Measure(
            "csat", N_("Satisfied answers (CSAT)"),
            N_("Answers that are satisfied ÷ answers given in the period to questions of satisfaction"),
            N_("“Does not know” and “does not apply”. Answers count one by one, without the weights of the sample."), Scale.PERCENT,
            SurveyAnswer, _satisfied,
        ),
        Measure(
            "nps", N_("Recommendation (NPS)"), N_("(Answers of 9 or 10 − answers of 0 to 6) × 100 ÷ answers given in the period"),
            N_("“Does not know”. Answers count one by one, without the weights of the sample."), Scale.PERCENT, SurveyAnswer, _recommended,
        ),
        Measure(
            "respuesta_encuesta", N_("Response rate of surveys"),
            N_("People who answered ÷ people asked, of campaigns that closed in the period"),
            N_("Reserves that were not needed, and people whom nobody got in touch with."), Scale.PERCENT, SurveyInvitee, _responded,
        ),
        Measure(
            "eficacia_acciones", N_("Effective actions"), N_("Reviews that found the action effective ÷ reviews of the period"),
            N_("Corrections, which have no review."), Scale.PERCENT, ActionReview, _effective,
        ),
        Measure(
            "contratos", N_("Contracts verified"),
            N_("Contracts with a verification of the period approved ÷ contracts in force in the period"),
            N_("Contracts that began in the period: their first verification comes a year later."), Scale.PERCENT, Contract, _verified,
        ),
    )
}  # fmt: skip
