"""
Who is told that something is due, when, and once: the rules of the house (`ReminderRule`) over what has a term (`SOURCES`).

Nothing compares today with one exact day: what fell due and was not told yet is told by the next run in working hours, so a night without
a run loses nothing (docs/rules/reminders.md). To watch another kind of thing, declare a source (docs/new-reminder.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale, format_date, ngettext
from flask_babel import gettext as _
from sqlalchemy import Row, Select, String, case, cast, exists, func, insert, literal, null, or_, select, true
from sqlalchemy.orm import Session

from app import days, queries
from app.domain import N_
from app.domain.actions import ActionMove
from app.domain.calendar import BusinessCalendar, months_after
from app.domain.campaigns import AlarmStatus, CampaignStatus
from app.domain.checklists import ChecklistStatus, anniversary, verification_on
from app.domain.contracts import ContractStage
from app.domain.deadlines import CountFrom, TermRule, TermUnit
from app.domain.errors import CalendarGap
from app.domain.improvement import ActionStatus, TaskStatus
from app.domain.notices import summons_until, terms_of
from app.domain.quotations import QUOTATION_MOVES, QuotationMove, QuotationStatus
from app.domain.reminders import Rule, Telling, Term, may_tell, safe_day, to_tell
from app.domain.states import (
    Category,
    FinancingStatus,
    NoticeMeans,
    OrderStatus,
    PqrStatus,
    RequirementKind,
    ToldAs,
    states_in,
)
from app.domain.sui import LoadStatus, SuiFormat
from app.extensions import local, public_url
from app.models import (
    Action,
    ActionEvent,
    ActionTask,
    Appeal,
    Checklist,
    Contract,
    ContractKind,
    Document,
    FieldOrder,
    Financing,
    Guarantee,
    Indicator,
    IndicatorValue,
    LegalRequirement,
    Mechanism,
    Notice,
    OutboxMessage,
    Parameter,
    Pqr,
    Process,
    Quotation,
    Reminder,
    ReminderRule,
    RequestType,
    Requirement,
    Risk,
    Service,
    Silence,
    SuiLoad,
    SurveyAlarm,
    SurveyCampaign,
)
from app.operations import campaigns, escalation, indicators, messages, notices, sui
from app.operations.recipients import People, Who

#: Lines of one message; the rest is on the screen.
MOST = 30
_LOCK = 0x41544E52  # two workers at once: the second waits, and finds everything told
LIST, ALONE = "reminder", "reminder_silence"


# ── What is watched ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class House:
    """What a source may ask besides the database: the day, the calendar and the terms of the law."""

    today: date
    calendar: BusinessCalendar
    terms: tuple[TermRule, ...]
    link_days: int


@dataclass(frozen=True, slots=True)
class Source:
    """
    A kind of things with a term.

    Args:
        title: What one of them is called.
        rows: The SELECT of those that still have to be done, in the columns of `watched`: one statement, however many there are.
        who: Whose they are.
        path: Where one opens; it may name columns of the row in braces. Without one it opens nowhere.
        term: Says the term of a row, where its columns do not.
        event: The message that tells it.
        noted: Is told what was told of such things, to write it where they keep their history.
    """

    title: str
    rows: Callable[[House], Select[Any]]
    who: Who = Who.HANDLERS
    path: str = ""
    term: Callable[[Row[Any], House], Term] | None = None
    event: str = LIST
    noted: Callable[[Session, list[Due], datetime], None] | None = None

    def url_of(self, row: Row[Any]) -> str:
        """Return the address of the page of a thing, or an empty text."""
        return (self.path and public_url(self.path.format_map(row._mapping), trust_request=False)) or ""


def watched(
    key: Any,
    *more: Any,
    started_on: Any,
    due_on: Any,
    safe_on: Any = None,
    n_days: Any = None,
    is_news: Any = None,
    kind: Any = "",
    pqr_id: Any = None,
    process_id: Any = None,
    user_id: Any = None,
) -> Select[Any]:
    """
    Return the SELECT of a source, for its joins and conditions to be added.

    Args:
        key: Names the thing for people and for ever: its number.
        more: What the source's own `term` reads besides.
        kind: What it is, without personal data.
        process_id, user_id: Who has it: the process, and in it perhaps one person. Nobody: the front desk.

    The dates are those of `domain.reminders.Term`.
    """
    told = {
        "started_on": started_on, "due_on": due_on, "safe_on": safe_on, "n_days": n_days, "kind": kind, "pqr_id": pqr_id,
        "is_news": true() if is_news is None else is_news, "process_id": process_id, "user_id": user_id,
    }  # fmt: skip
    columns = [_column(value).label(name) for name, value in told.items()]
    return select(key.label("key"), *columns, *more)


def _column(value: Any) -> Any:
    return null() if value is None else literal(value) if isinstance(value, str) else value


def _of_case(key: Any = Pqr.number, *more: Any, is_of_desk: bool = False, **told: Any) -> Select[Any]:
    """Return what is watched in a case: its holder, or process, or else the front desk has it. Other tables are joined to the case."""
    desk = select(Process.id).where(Process.is_front_desk).scalar_subquery()
    has = {"process_id": desk} if is_of_desk else {"process_id": Pqr.process_id, "user_id": Pqr.holder_id}
    facts = {"kind": RequestType.name, "pqr_id": Pqr.id, **has, **told}
    return watched(key, *more, **facts).select_from(Pqr).join(RequestType, RequestType.id == Pqr.request_type_id)


def _cases(_house: House) -> Select[Any]:
    """The cases whose clock runs. The days of a stop are no part of their percentages."""
    is_same_day = case((Pqr.term_count_from == CountFrom.SAME_DAY, 1), else_=0)
    in_days = case((Pqr.term_unit == TermUnit.BUSINESS_DAYS, Pqr.term_value + Pqr.n_extended - 1 - is_same_day))
    found = _of_case(
        started_on=Pqr.effective_on, due_on=Pqr.due_on, safe_on=Pqr.safe_on, n_days=in_days, is_news=Pqr.source.is_(None)
    )
    return found.where(Pqr.status.in_(states_in(Category.OPEN)), Pqr.due_on.is_not(None))


def _approvals(_house: House) -> Select[Any]:
    """The solutions that wait for a signature, since they were recorded."""
    found = _of_case(started_on=func.coalesce(Pqr.solved_on, Pqr.effective_on), due_on=Pqr.due_on, safe_on=Pqr.safe_on)
    return found.where(Pqr.status == PqrStatus.SOLVED)


def _silences(_house: House) -> Select[Any]:
    """The silences to recognise within 72 hours (Ley 142 art. 158)."""
    found = _of_case(started_on=Silence.arisen_on, due_on=Silence.recognise_by)
    return found.join(Silence, Silence.pqr_id == Pqr.id).where(days.to_recognise())


def _requirements(_house: House) -> Select[Any]:
    """What a citizen was asked for, or the evidence ordered, until its time is over (Ley 1755 arts. 17 and 19; CPACA art. 79)."""
    until = func.coalesce(Requirement.extended_until, Requirement.until_on)
    kind = case(*((Requirement.kind == each, each.value) for each in RequirementKind))
    found = _of_case(Document.number, Pqr.number.label("case"), started_on=Requirement.told_on, due_on=until, kind=kind)
    joined = found.join(Requirement, Requirement.pqr_id == Pqr.id).join(Document, Document.id == Requirement.document_id)
    return joined.where(Requirement.ended_on.is_(None), Requirement.told_on.is_not(None), until.is_not(None))


def _orders(_house: House) -> Select[Any]:
    """The field orders that have a date, for whoever ordered them."""
    process = func.coalesce(Pqr.process_id, FieldOrder.process_id)
    found = watched(
        FieldOrder.number, FieldOrder.id.label("id"), started_on=FieldOrder.issued_on, due_on=FieldOrder.due_on,
        pqr_id=FieldOrder.pqr_id, process_id=process, user_id=Pqr.holder_id,
    )  # fmt: skip
    to_do = FieldOrder.status == OrderStatus.ISSUED
    return found.select_from(FieldOrder).outerjoin(Pqr, Pqr.id == FieldOrder.pqr_id).where(to_do, FieldOrder.due_on.is_not(None))


def _agreements(_house: House) -> Select[Any]:
    """The payment agreements that nobody signed, until their first instalment."""
    found = watched(
        Financing.number, Financing.id.label("id"), started_on=Financing.agreed_on, due_on=Financing.first_due_on, pqr_id=Financing.pqr_id,
        process_id=Pqr.process_id, user_id=Financing.created_by_id,
    )  # fmt: skip
    joined = found.select_from(Financing).outerjoin(Pqr, Pqr.id == Financing.pqr_id)
    return joined.where(Financing.status == FinancingStatus.PROPOSED)


def _files(_house: House) -> Select[Any]:
    """The files that have to go to Superservicios (Ley 142 art. 159)."""
    found = _of_case(is_of_desk=True, started_on=Pqr.notified_on, due_on=Appeal.sspd_due_on)
    return found.join(Appeal, Appeal.pqr_id == Pqr.id).where(days.file_is_due())


def _notices(_house: House) -> Select[Any]:
    """The answers that are not notified yet, each with its last attempt (CPACA arts. 56, 68 and 69)."""
    last = select(func.max(Notice.id)).where(Notice.pqr_id == Pqr.id, Notice.document_id.is_(None)).correlate(Pqr).scalar_subquery()
    attempt = (
        Pqr.regime.label("regime"), Notice.means.label("means"), Notice.sent_on.label("sent_on"), Notice.sent_at.label("sent_at"),
        Notice.appear_by.label("appear_by"), Notice.post_until.label("post_until"),
    )  # fmt: skip
    found = _of_case(Pqr.number, *attempt, is_of_desk=True, started_on=Pqr.answered_on, due_on=None)
    return found.outerjoin(Notice, Notice.id == last).where(Pqr.status == PqrStatus.ANSWERED)


def _term_of_notice(row: Row[Any], house: House) -> Term:
    """
    Return until when the next step of a notice is to be taken: the summons after the answer, the aviso after the days to come, taking
    down what is posted, a summons for a link that nobody opens. What the carrier has is waited for.
    """
    terms = terms_of(house.terms, row.regime, row.started_on)
    if terms is None:
        return Term(row.started_on, None)
    if row.means is None:
        return Term(row.started_on, summons_until(row.started_on, terms, house.calendar))
    sent_on = row.sent_on or local(row.sent_at).date()
    match row.means:
        case NoticeMeans.SUMMONS if row.appear_by:
            return Term(sent_on, house.calendar.add(row.appear_by, 1))
        case NoticeMeans.AVISO_POSTED:
            return Term(sent_on, row.post_until)
        case NoticeMeans.E_LINK:
            return Term(sent_on, house.calendar.add(sent_on, house.link_days))
    return Term(sent_on, None)


def _or_commercial(process_id: Any) -> Any:
    """Return the process that has something of the commercial side: its own, or else the commercial one."""
    return func.coalesce(process_id, select(Process.id).where(Process.code == "COMERCIAL").scalar_subquery())


def _of_contract(key: Any = Contract.number, *more: Any, **told: Any) -> Select[Any]:
    """Return what is watched of a signed contract: its supervisor has it, or its process, or else the commercial one."""
    has = {"process_id": _or_commercial(Contract.process_id), "user_id": Contract.supervisor_id}
    found = watched(key, *more, kind=ContractKind.name, is_news=Contract.source.is_(None), **has, **told)
    joined = found.select_from(Contract).join(ContractKind, ContractKind.id == Contract.kind_id)
    return joined.where(Contract.stage == ContractStage.SIGNED)


def _contracts(house: House) -> Select[Any]:
    """The contracts that end, until they do."""
    found = _of_contract(Contract.number, Contract.id.label("id"), started_on=Contract.starts_on, due_on=Contract.ends_on)
    return found.where(Contract.ends_on >= house.today)


def _guarantees(house: House) -> Select[Any]:
    """The policies of contracts that run, until another takes their place."""
    key = Contract.number + " · " + Guarantee.policy
    found = _of_contract(key, Guarantee.id.label("id"), started_on=Guarantee.starts_on, due_on=Guarantee.ends_on)
    runs = or_(Contract.ends_on.is_(None), Contract.ends_on >= house.today)
    return found.join(Guarantee, Guarantee.contract_id == Contract.id).where(Guarantee.replaced_by_id.is_(None), runs)


def _reviews(house: House) -> Select[Any]:
    """The contracts in force, each with the newest year that was opened to be verified."""
    newest = select(func.max(Checklist.year)).where(Checklist.contract_id == Contract.id).correlate(Contract).scalar_subquery()
    facts = (Contract.id.label("id"), Contract.ends_on.label("ends_on"), newest.label("newest"))
    found = _of_contract(Contract.number, *facts, started_on=Contract.starts_on, due_on=None)
    return found.where(or_(Contract.ends_on.is_(None), Contract.ends_on >= house.today))


def _term_of_review(row: Row[Any], house: House) -> Term:
    """Return the year up to the next verification of a contract; what is open already is reminded of by itself."""
    for year in (house.today.year, house.today.year + 1):
        day = verification_on(row.started_on, row.ends_on, year)
        if day is not None and day >= house.today and year > (row.newest or 0):
            return Term(max(row.started_on, anniversary(day, day.year - 1)), day, is_news=False)
    return Term(row.started_on, None)


def _of_checklist(status: ChecklistStatus) -> Select[Any]:
    """Return what is watched of a verification in *status*: as of its contract."""
    found = watched(
        Checklist.number, Checklist.id.label("id"), started_on=Checklist.opened_on, due_on=Checklist.due_on, kind=Contract.number,
        process_id=_or_commercial(Contract.process_id), user_id=Contract.supervisor_id,
    )  # fmt: skip
    return found.select_from(Checklist).join(Contract, Contract.id == Checklist.contract_id).where(Checklist.status == status)


def _checklists(_house: House) -> Select[Any]:
    """The verifications that are being filled."""
    return _of_checklist(ChecklistStatus.OPEN)


def _signed_checklists(_house: House) -> Select[Any]:
    """The verifications that wait for an approval."""
    return _of_checklist(ChecklistStatus.SUBMITTED)


def _of_quotation(**told: Any) -> Select[Any]:
    """Return what is watched of a quotation: who answers for it has it, else who wrote it, else the commercial process."""
    has = {"process_id": _or_commercial(Quotation.process_id),
           "user_id": func.coalesce(Quotation.responsible_id, Quotation.created_by_id)}  # fmt: skip
    return watched(Quotation.number, Quotation.id.label("id"), **has, **told).select_from(Quotation)


def _quotations(_house: House) -> Select[Any]:
    """The quotations that wait for the customer, while they are valid."""
    found = _of_quotation(started_on=Quotation.sent_on, due_on=Quotation.valid_until)
    return found.where(Quotation.status == QuotationStatus.SENT)


def _follow_ups(_house: House) -> Select[Any]:
    """The quotations whose customer is to be spoken to, from the request until that day."""
    next_on = Quotation.next_follow_up_on
    found = _of_quotation(started_on=Quotation.requested_on, due_on=next_on, safe_on=next_on)
    return found.where(next_on.is_not(None), Quotation.status.in_(QUOTATION_MOVES[QuotationMove.FOLLOW_UP]))


def _mechanisms(_house: House) -> Select[Any]:
    """The follow-ups of interested parties, from the last evidence until they have to be done again. They have no number of their own."""
    found = watched(
        literal("SPI-") + cast(Mechanism.id, String), Mechanism.id.label("id"),
        started_on=func.coalesce(Mechanism.last_on, Mechanism.starts_on), due_on=Mechanism.next_on, kind=Mechanism.name,
        process_id=Mechanism.process_id, user_id=Mechanism.responsible_id,
    )  # fmt: skip
    return found.where(Mechanism.is_active)


def _of_action(key: Any = Action.number, **told: Any) -> Select[Any]:
    """Return what is watched of an action: its responsible has it, or its process; the last day is the safe one."""
    has = {"process_id": Action.process_id, "user_id": Action.responsible_id, "safe_on": told["due_on"], **told}
    return watched(key, Action.id.label("id"), **has).select_from(Action)


def _actions(_house: House) -> Select[Any]:
    """The actions that are still to be done."""
    return _of_action(started_on=Action.asked_on, due_on=Action.due_on).where(queries.to_be_done())


def _tasks(_house: House) -> Select[Any]:
    """The tasks of plans that run, and of corrections. They have no number of their own."""
    key = Action.number + literal(" · ") + cast(ActionTask.position, String)
    has = func.coalesce(ActionTask.responsible_id, Action.responsible_id)
    found = _of_action(key, started_on=func.coalesce(Action.approved_on, Action.asked_on), due_on=ActionTask.due_on, user_id=has)
    return found.join(ActionTask, ActionTask.action_id == Action.id).where(queries.task_to_be_done())


def _plans(_house: House) -> Select[Any]:
    """The plans of actions that wait to be approved, until the first of their tasks is over."""
    first = select(func.min(ActionTask.due_on)).where(ActionTask.action_id == Action.id, ActionTask.status == TaskStatus.OPEN)
    sent = select(func.max(ActionEvent.at)).where(ActionEvent.action_id == Action.id, ActionEvent.move == ActionMove.PLAN.name)
    due_on = func.coalesce(first.correlate(Action).scalar_subquery(), Action.due_on)
    found = _of_action(started_on=Action.asked_on, due_on=due_on).where(Action.status == ActionStatus.PLANNED)
    return found.add_columns(sent.correlate(Action).scalar_subquery().label("sent_at"))


def _term_of_plan(row: Row[Any], _house: House) -> Term:
    """Return the days from the sending of a plan to its first task; what was returned and sent again is news again."""
    return Term(min(local(row.sent_at).date() if row.sent_at else row.started_on, row.due_on), row.due_on, row.due_on)


def _effects(_house: House) -> Select[Any]:
    """The actions whose effect is to be reviewed, from the day they were carried out."""
    found = _of_action(started_on=func.coalesce(Action.carried_out_on, Action.asked_on), due_on=Action.review_on)
    return found.where(Action.status == ActionStatus.REVIEW)


def _term_of_effect(row: Row[Any], house: House) -> Term:
    """Return the days up to the first working day on which an effect may be reviewed: nobody judges it before."""
    day = house.calendar.next_working_day(row.due_on)
    return Term(min(row.started_on, day), day, day)


def _risks(_house: House) -> Select[Any]:
    """The open risks, from the last look at each until the next."""
    found = watched(
        Risk.number, Risk.id.label("id"), started_on=func.coalesce(Risk.reviewed_on, Risk.identified_on), due_on=Risk.review_on,
        safe_on=Risk.review_on, process_id=Risk.process_id, user_id=Risk.responsible_id,
    )  # fmt: skip
    return found.where(Risk.closed_on.is_(None))


def _legal_evaluations(_house: House) -> Select[Any]:
    """The obligations of the legal matrix, from the last evaluation of each until the next. They have no number of their own."""
    row, quality = LegalRequirement, select(Process.id).where(Process.code == "CALIDAD").scalar_subquery()
    found = watched(
        literal("ML-") + cast(row.id, String), row.id.label("id"), started_on=func.coalesce(row.evaluated_on, row.next_on),
        due_on=row.next_on, safe_on=row.next_on, kind=row.norm, process_id=func.coalesce(row.process_id, quality),
        user_id=row.responsible_id,
    )  # fmt: skip
    return found.where(row.is_active, row.next_on.is_not(None))


def _survey_alarms(_house: House) -> Select[Any]:
    """What surveys asked for and waits for somebody: contacts, and what could not be asked for by itself. It has no number of its own."""
    found = watched(
        SurveyCampaign.number + literal(" · ") + cast(SurveyAlarm.id, String), SurveyAlarm.id.label("id"), started_on=SurveyAlarm.raised_on,
        due_on=SurveyAlarm.due_on, safe_on=SurveyAlarm.due_on, kind=SurveyCampaign.name, process_id=SurveyAlarm.process_id,
        user_id=SurveyAlarm.responsible_id,
    )  # fmt: skip
    joined = found.select_from(SurveyAlarm).join(SurveyCampaign, SurveyCampaign.id == SurveyAlarm.campaign_id)
    return joined.where(SurveyAlarm.status == AlarmStatus.OPEN)


def _of_campaign(**told: Any) -> Select[Any]:
    """Return what is watched of a campaign of surveys: its responsible has it, or its process, or else the commercial one."""
    has = {"process_id": _or_commercial(SurveyCampaign.process_id), "user_id": SurveyCampaign.responsible_id}
    return watched(SurveyCampaign.number, SurveyCampaign.id.label("id"), **has, **told).select_from(SurveyCampaign)


def _campaigns(_house: House) -> Select[Any]:
    """The campaigns of surveys that nobody confirmed, until the day on which they should open."""
    found = _of_campaign(started_on=SurveyCampaign.opens_on, due_on=SurveyCampaign.opens_on)
    return found.add_columns(SurveyCampaign.created_at.label("created_at")).where(SurveyCampaign.status == CampaignStatus.PROPOSED)


def _term_of_campaign(row: Row[Any], _house: House) -> Term:
    """Return the days from the proposal of a campaign to its opening."""
    return Term(min(local(row.created_at).date(), row.due_on), row.due_on)


def _short_campaigns(house: House) -> Select[Any]:
    """The campaigns of surveys about to close with few answers."""
    found = _of_campaign(started_on=SurveyCampaign.opens_on, due_on=SurveyCampaign.closes_on, safe_on=SurveyCampaign.closes_on)
    return found.where(SurveyCampaign.id.in_(campaigns.short_of_answers(house.today)))


def _of_indicator(value: str, **told: Any) -> Select[Any]:
    """Return what is watched of a period of an indicator: who analyses it has it, or else its process."""
    key = Indicator.code + literal(value) + cast(IndicatorValue.period_from, String)
    has = {"process_id": Indicator.process_id, "user_id": Indicator.responsible_id}
    ended_on = IndicatorValue.period_until
    return watched(key, Indicator.id.label("id"), started_on=ended_on, due_on=ended_on, kind=Indicator.name, **has, **told)


def _missed_goals(_house: House) -> Select[Any]:
    """The values that miss their goal for the second time, until somebody asks for an action or says why not."""
    wanted = _of_indicator(" ! ")
    return indicators.asking().add_columns(*wanted.selected_columns)


def _unreported(_house: House) -> Select[Any]:
    """The values of periods that ended, until they are typed in, analysed and reported."""
    found = _of_indicator(" · ").select_from(IndicatorValue).join(Indicator, Indicator.id == IndicatorValue.indicator_id)
    return found.where(Indicator.is_active, IndicatorValue.reported_at.is_(None))


def _term_of_value(row: Row[Any], _house: House) -> Term:
    """Return the days that a value may wait after its period."""
    return Term(row.started_on, row.started_on + indicators.TIME_TO_ANSWER)


_CASE, _QUOTATION, _CHECKLIST, _ACTION = "/pqr/{key}", "/quotation/show/{id}", "/checklist/show/{id}", "/action/show/{id}"
_INDICATOR = "/indicator/show/{id}"
#: Every kind of thing that a rule may watch. A room that brings another adds a line.
def _claims_files(house: House) -> Select[Any]:
    """
    The claims file of the month that ended, until the SUI acknowledged it: of services of which a month was frozen before, so that a house
    which does not report here is told nothing.
    """
    month = months_after(house.today.replace(day=1), -1)
    said, its = literal(f"{month:%Y-%m}"), (SuiLoad.service_id == Service.id, SuiLoad.format == SuiFormat.CLAIMS)
    day = select(Parameter.value).where(Parameter.key == sui.UPLOAD_DAY).scalar_subquery()
    more = Service.code.label("code"), said.label("month"), day.label("day")
    found = watched(Service.code + " " + said, *more, started_on=literal(house.today.replace(day=1)), due_on=None, kind=Service.name)
    sent = exists().where(*its, SuiLoad.month == month, SuiLoad.status == LoadStatus.SENT)
    return found.select_from(Service).where(Service.is_public_utility, Service.is_active, exists().where(*its), ~sent)


def _term_of_claims(row: Row[Any], _house: House) -> Term:
    """Return the days of the following month within which a file is uploaded."""
    return Term(row.started_on, sui.upload_by(months_after(row.started_on, -1), sui.upload_day(row.day)))


SOURCES: dict[str, Source] = {
    "CASE": Source(N_("Case"), _cases, path=_CASE),
    "APPROVAL": Source(N_("Answer to sign"), _approvals, Who.SIGNERS, path=_CASE),
    "SILENCE": Source(N_("Silence to recognise"), _silences, path=_CASE, event=ALONE),
    "REQUIREMENT": Source(N_("Request to the citizen, or evidence"), _requirements, path="/pqr/{case}"),
    "NOTICE": Source(N_("Answer to notify"), _notices, path=_CASE, term=_term_of_notice),
    "ORDER": Source(N_("Field order"), _orders, path="/orden/show/{id}"),
    "FINANCING": Source(N_("Payment agreement to sign"), _agreements, path="/financing/show/{id}"),
    "SSPD": Source(N_("File for Superservicios"), _files, path=_CASE),
    "ACTION": Source(N_("Action to be done"), _actions, path=_ACTION, noted=escalation.note),
    "ACTION_TASK": Source(N_("Task of an action"), _tasks, path=_ACTION),
    "ACTION_PLAN": Source(N_("Plan of an action to approve"), _plans, Who.APPROVERS, path=_ACTION, term=_term_of_plan),
    "ACTION_REVIEW": Source(
        N_("Effect of an action to review"), _effects, Who.JUDGES, path=_ACTION, term=_term_of_effect, noted=escalation.note
    ),
    "QUOTATION": Source(N_("Quotation without an answer"), _quotations, path=_QUOTATION),
    "QUOTATION_FOLLOW_UP": Source(N_("Quotation to follow up"), _follow_ups, path=_QUOTATION),
    "CONTRACT": Source(N_("Contract that ends"), _contracts, path="/contract/show/{id}"),
    "GUARANTEE": Source(N_("Guarantee of a contract"), _guarantees, path="/guarantee/show/{id}"),
    "REVIEW": Source(N_("Annual verification of a contract"), _reviews, path="/contract/show/{id}", term=_term_of_review),
    "CHECKLIST": Source(N_("Verification checklist to fill"), _checklists, path=_CHECKLIST),
    "CHECKLIST_APPROVAL": Source(N_("Verification checklist to approve"), _signed_checklists, Who.SIGNERS, path=_CHECKLIST),
    "CAMPAIGN": Source(N_("Campaign of a survey to confirm"), _campaigns, path="/surveycampaign/show/{id}", term=_term_of_campaign),
    "CAMPAIGN_SHORT": Source(N_("Campaign of a survey with few answers"), _short_campaigns, path="/surveycampaign/show/{id}"),
    "MECHANISM": Source(N_("Follow-up of an interested party"), _mechanisms, path="/mechanism/show/{id}"),
    "INDICATOR": Source(N_("Indicator that misses its goal twice"), _missed_goals, path=_INDICATOR, term=_term_of_value),
    "INDICATOR_REPORT": Source(N_("Value of an indicator to report"), _unreported, path=_INDICATOR, term=_term_of_value),
    "RISK_REVIEW": Source(N_("Risk to look at"), _risks, path="/risk/show/{id}"),
    "LEGAL_EVALUATION": Source(N_("Evaluation of a legal requirement"), _legal_evaluations, path="/legalrequirement/show/{id}"),
    "SUI_CLAIMS": Source(
        N_("Claims file of the SUI to report"), _claims_files, Who.SIGNERS, path="/sui/{code}/{month}", term=_term_of_claims
    ),
    "SURVEY_ALARM": Source(N_("Contact or alarm of a survey"), _survey_alarms, path="/survey-alarm/show/{id}"),
}


# ── What is due ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Due:
    """That somebody is to be told a step of a rule about a thing."""

    rule: ReminderRule
    source: Source
    row: Row[Any]
    term: Term
    telling: Telling
    user_id: int
    told_as: ToldAs


Step = tuple[ReminderRule, Row[Any], Term, Telling]


def is_open(session: Session, at: datetime) -> bool:
    """
    Say whether people may be told things now: on working days, in the hours of the company.

    Raises:
        CalendarGap: The year is not loaded.
    """
    organisation = queries.organisation(session)
    return may_tell(local(at), queries.calendar_of(session, organisation), organisation.opens_at, organisation.closes_at)


def due(session: Session, at: datetime) -> list[Due]:
    """
    Return what has to be told and was not, whatever the hour: one SELECT a source that has rules, and three for the people.

    What nobody can be told, because nobody is in its process, stays due.

    Raises:
        CalendarGap: A term touches a year that is not loaded.
    """
    rules = session.scalars(select(ReminderRule).where(ReminderRule.is_active).order_by(ReminderRule.position, ReminderRule.id)).all()
    by_source: dict[str, list[ReminderRule]] = {}
    for rule in rules:
        if rule.source in SOURCES:
            by_source.setdefault(rule.source, []).append(rule)
    if not by_source:
        return []
    house, people = _house(session, at), People.of(session, local(at).date())
    found: list[Due] = []
    for code, its_rules in by_source.items():
        source = SOURCES[code]
        for rule, row, term, telling in _steps(session, source, its_rules, house):
            told = people.told_of(source.who, rule, row.process_id, row.user_id)
            found += [Due(rule, source, row, term, telling, user_id, told_as) for user_id, told_as in told.items()]
    return found


def _house(session: Session, at: datetime) -> House:
    typed = queries.parameter(session, queries.LINK_DAYS).strip()
    calendar = queries.calendar_of(session, queries.organisation(session))
    return House(local(at).date(), calendar, queries.term_rules(session), int(typed) if typed.isdecimal() else notices.LINK_DAYS)


def _steps(session: Session, source: Source, rules: list[ReminderRule], house: House) -> Iterator[Step]:
    """
    Yield what each rule has to tell of each thing, in one SELECT, which brings the newest step told of each rule.

    Few terms differ among thousands of cases, so the newest step of each is asked for once. A thing whose term touches a year that is
    not loaded waits until somebody loads it, and stops no other.
    """
    things = source.rows(house).subquery()
    last_told = (
        select(func.max(Reminder.step)).where(Reminder.rule_id == rule.id, Reminder.row_key == things.c.key).scalar_subquery()
        for rule in rules
    )
    moments = [(rule, Rule(rule.trigger, rule.value)) for rule in rules]
    newest: dict[Term, list[str]] = {}
    for row in session.execute(select(things, *last_told)):
        try:
            term = source.term(row, house) if source.term else _term_of(row)
            if term not in newest:
                newest[term] = [_newest(moment, term, house) for _rule, moment in moments]
        except CalendarGap:
            continue
        for (rule, moment), step, last in zip(moments, newest[term], row[-len(rules) :], strict=True):
            if step > (last or ""):
                telling = to_tell(moment, term, date.fromisoformat(last) if last else None, house.calendar, house.today)
                if telling:
                    yield rule, row, term, telling


def _newest(moment: Rule, term: Term, house: House) -> str:
    telling = to_tell(moment, term, None, house.calendar, house.today)
    return telling.step.isoformat() if telling else ""


def _term_of(row: Row[Any]) -> Term:
    return Term(row.started_on, row.due_on, row.safe_on, row.n_days, bool(row.is_news))


# ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def remind(session: Session, at: datetime) -> int:
    """
    Tell everybody what is due, once; return how many reminders were written. Outside working hours nobody is told anything.

    Each person gets one message a run, the most urgent first, and another one for silences. Who has no address, or wants no mail of
    this, is told on the screen alone; the row says so.
    """
    if not is_open(session, at):
        return 0
    if session.get_bind().dialect.name == "postgresql":  # SQLite: writers queue anyway
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    found = due(session, at)
    if not found:
        return 0
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_({each.user_id for each in found})))}
    calendar = queries.calendar_of(session, queries.organisation(session))
    by_message: dict[tuple[int, str], list[Due]] = {}
    for each in sorted(found, key=lambda each: (each.term.due_on or date.max, each.row.key)):
        by_message.setdefault((each.user_id, each.source.event), []).append(each)
    rows: list[dict[str, Any]] = []
    for (user_id, event), its in by_message.items():
        message = _tell(session, users[user_id], event, its, calendar, at)
        rows += [_row_of(each, message, at) for each in its]
    session.execute(insert(Reminder.__table__), rows)
    for source in {each.source.title: each.source for each in found if each.source.noted}.values():
        source.noted(session, [each for each in found if each.source is source], at)  # type: ignore[misc]
    return len(rows)


def _row_of(each: Due, message: OutboxMessage | None, at: datetime) -> dict[str, Any]:
    return {
        "rule_id": each.rule.id, "row_key": each.row.key, "step": each.telling.step.isoformat(), "n_covered": each.telling.n_covered,
        "due_on": each.term.due_on, "user_id": each.user_id, "told_as": each.told_as, "pqr_id": each.row.pqr_id, "told_at": at,
        "message_id": message.id if message else None,
    }  # fmt: skip


def _tell(session: Session, user: User, event: str, its: list[Due], calendar: BusinessCalendar, at: datetime) -> OutboxMessage | None:
    """Tell a person what is theirs, a line a thing, however many rules speak of it."""
    things = {(each.source.title, each.row.key): each for each in its}
    facts = "|".join(f"{each.rule.id} {each.row.key} {each.telling.step}" for each in its)
    key = f"{event}:{user.id}:{hashlib.sha256(facts.encode()).hexdigest()[:24]}"
    n_more = len(things) - MOST
    with force_locale(messages.language_of(session, user)):
        first = islice(things.values(), MOST)
        lines = [f"- {said(each, calendar, local(at).date())}. {each.source.url_of(each.row)}".rstrip() for each in first]
        more = ngettext("and %(num)s more", "and %(num)s more", n_more) if n_more > 0 else None
    n = its[0].row.key if len(things) == 1 else str(len(things))
    told = {"n": n, "items": "\n".join(lines), "more": more, "url": "/reminder/list/?mine=1"}
    return messages.tell_user(session, user, event, told, key=key, at=at)


def listed(session: Session, found: list[Due], today: date) -> Iterator[str]:
    """Yield who is to be told what, by which rule, a line each, in the current language."""
    calendar = queries.calendar_of(session, queries.organisation(session))
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_({each.user_id for each in found})))}
    for each in sorted(found, key=lambda each: (users[each.user_id].username, each.term.due_on or date.max, each.row.key)):
        yield f"{users[each.user_id].username} ({_(each.told_as.value)})  {each.rule.code}  {said(each, calendar, today)}"


def said(each: Due, calendar: BusinessCalendar, today: date) -> str:
    """Return a thing and how much time it has, in one line of the current language."""
    return f"{thing_of(each)}: {_time_left(each.term, calendar, today)}"


def thing_of(each: Due) -> str:
    """Return what a thing is called."""
    kind = f" ({_(each.row.kind)})" if each.row.kind else ""
    return f"{_(each.source.title)} {each.row.key}{kind}"


def _time_left(term: Term, calendar: BusinessCalendar, today: date) -> str:
    if term.due_on is None:
        return ""
    safe, due_on = safe_day(term, term.due_on, calendar), format_date(term.due_on)
    if today > term.due_on:
        return _("its term ended on %(due)s", due=due_on)
    if today > safe:
        return _("its last day is %(due)s", due=due_on)
    n_left = calendar.between(today, safe)
    if not n_left:
        return _("to be done today; its last day is %(due)s", due=due_on)
    return ngettext(
        "%(num)s working day left, until %(safe)s; its last day is %(due)s",
        "%(num)s working days left, until %(safe)s; its last day is %(due)s",
        n_left, safe=format_date(safe), due=due_on,
    )  # fmt: skip
