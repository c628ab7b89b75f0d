"""
What an auditor asks for, counted: the numbers of every clause of `domain.clauses`, in one statement.

Counts are of a period; what is pending is told as of the day on which it is asked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from app.days import to_recognise
from app.domain.campaigns import AlarmStatus, CampaignStatus, ResponseStatus
from app.domain.checklists import ChecklistStatus
from app.domain.clauses import Period
from app.domain.contracts import AmendmentStatus
from app.domain.controlled import EditionStatus
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, EffectVerdict, NonconformityStatus, TaskStatus
from app.domain.indicators import Standing
from app.domain.legalmatrix import Compliance
from app.domain.managementreview import ReviewStatus
from app.domain.states import (
    Category,
    ChangeStatus,
    DocumentKind,
    FinancingStatus,
    MessageStatus,
    OrderStatus,
    PqrStatus,
    states_in,
)
from app.extensions import LOCAL_ZONE
from app.models import (
    Action,
    ActionReview,
    ActionTask,
    Amendment,
    CalendarChange,
    Checklist,
    ChecklistItem,
    Contract,
    ContractRequirement,
    ControlledDocument,
    ControlledPrint,
    Document,
    DocumentEdition,
    Evidence,
    FieldOrder,
    Financing,
    Indicator,
    IndicatorValue,
    InterestGroup,
    InvoiceChange,
    LegalEvaluation,
    LegalRequirement,
    ManagementReview,
    Mechanism,
    Need,
    Nonconformity,
    Notice,
    OutboxMessage,
    Pqr,
    Process,
    ProcessActivity,
    ProcessMember,
    ProcessSheet,
    Quotation,
    Rating,
    ReviewDecision,
    Risk,
    RiskControl,
    RiskMove,
    Silence,
    SurveyAlarm,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
)
from app.operations.contracts import in_force_clause
from app.operations.risks import lacks_action, overdue

Parts = dict[str, Select[Any]]
DAY, WEEK, MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=30)
#: A year, and the days that the reviewers of a contract have.
VERIFIED_WITHIN = timedelta(days=395)
ALIVE = (ActionStatus.OPEN, ActionStatus.PLANNED, ActionStatus.RUNNING, ActionStatus.REVIEW)
TO_DO = ALIVE[:3]


# ── Words of a SELECT ─────────────────────────────────────────────────────────────────────────────────────────────────────


def during(column: Any, period: Period) -> ColumnElement[bool]:
    """Return the condition that a date, or the local day of an instant, lies in *period*."""
    if issubclass(column.type.python_type, datetime):
        ends = (period.since, period.until + timedelta(days=1))
        first, last = (datetime.combine(day, time.min, LOCAL_ZONE).astimezone(UTC) for day in ends)
        return and_(column >= first, column < last)
    return column.between(period.since, period.until)


def _n(model: Any, *conditions: Any) -> Select[Any]:
    return select(func.count()).select_from(model).where(*conditions)


def _none(model: Any, *conditions: Any) -> Select[Any]:
    """Return the SELECT of 1 when there is no such row, else 0."""
    return select(case((exists().where(*conditions).select_from(model), 0), else_=1))


def _unverified(on: date) -> ColumnElement[bool]:
    """Return the condition of the contracts in force for a year or more that nobody verified in the last thirteen months."""
    verified = exists().where(
        Checklist.contract_id == Contract.id, Checklist.status == ChecklistStatus.CLOSED, Checklist.period_until >= on - VERIFIED_WITHIN
    )
    return and_(in_force_clause(on, on), Contract.starts_on <= on - VERIFIED_WITHIN + MONTH, ~verified)


def ended_in(period: Period) -> ColumnElement[bool]:
    """Return the condition of the surveys that ended in *period*."""
    return and_(SurveyCampaign.status == CampaignStatus.CLOSED, during(SurveyCampaign.closed_at, period))


# ── The numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def numbers(session: Session, period: Period, today: date) -> dict[str, int]:
    """Return how many there are of what every clause counts and misses, by key; one statement."""
    parts = _context(period, today) | _risks(period, today) | _support(period, today) | _operation(period, today)
    parts |= _measured(period) | _satisfaction(period) | _reviews(period, today) | _improvement(period, today)
    rows = [statement.add_columns(cast(literal(key), String).label("key")) for key, statement in parts.items()]
    return {row.key: int(row[0] or 0) for row in session.execute(union_all(*rows))}


def _context(period: Period, today: date) -> Parts:
    """4.2, 4.4 and 5.1.2."""
    obligation = LegalRequirement.is_active
    followed = Mechanism.is_active
    answered = during(Pqr.answered_on, period), Pqr.status != PqrStatus.VOIDED
    owned = exists().where(
        ProcessMember.process_id == Process.id,
        or_(ProcessMember.valid_from.is_(None), ProcessMember.valid_from <= today),
        or_(ProcessMember.valid_until.is_(None), ProcessMember.valid_until >= today),
    )
    described = exists().where(ProcessSheet.process_id == Process.id)
    open_case = Pqr.status.in_(states_in(Category.OPEN))
    return {
        "groups": _n(InterestGroup, InterestGroup.is_active), "needs": _n(Need, Need.is_active), "mechanisms": _n(Mechanism, followed),
        "evidence": _n(Evidence, during(Evidence.on, period)), "legal": _n(LegalRequirement, obligation),
        "evaluations": _n(LegalEvaluation, during(LegalEvaluation.on, period)),
        "legal_never": _n(LegalRequirement, obligation, LegalRequirement.evaluated_on.is_(None)),
        "legal_failing": _n(LegalRequirement, obligation, LegalRequirement.standing.in_((Compliance.PARTLY, Compliance.FAILS))),
        "legal_overdue": _n(LegalRequirement, obligation, LegalRequirement.next_on < today),
        "needs_unfollowed": _n(Need, Need.is_active, Need.mechanism_id.is_(None)),
        "mechanisms_overdue": _n(Mechanism, followed, Mechanism.next_on < today),
        "processes": _n(Process, Process.is_active), "sheets": _n(ProcessSheet), "activities": _n(ProcessActivity),
        "processes_unowned": _n(Process, Process.is_active, ~owned), "processes_unsheeted": _n(Process, Process.is_active, ~described),
        "filed": _n(Pqr, during(Pqr.filed_on, period), Pqr.status != PqrStatus.VOIDED), "answered": _n(Pqr, *answered),
        "answered_in_time": _n(Pqr, *answered, Pqr.answered_on <= Pqr.due_on),
        "answered_late": _n(Pqr, *answered, Pqr.answered_on > Pqr.due_on),
        "silences": _n(Silence, during(Silence.arisen_on, period), Silence.withdrawn_on.is_(None)),
        "cases_overdue": _n(Pqr, open_case, Pqr.due_on < today),
        "silences_open": select(func.count()).select_from(Silence).join(Pqr, Pqr.id == Silence.pqr_id).where(to_recognise()),
    }  # fmt: skip


def _risks(period: Period, today: date) -> Parts:
    """6.1 and 6.3."""
    is_open, put = Risk.closed_on.is_(None), DocumentEdition.status != EditionStatus.DRAFT
    identified = exists().where(Risk.process_id == Process.id, is_open)
    return {
        "risks": _n(Risk, is_open),
        "controls": select(func.count()).select_from(RiskControl).join(Risk).where(RiskControl.is_working, is_open),
        "risk_moves": _n(RiskMove, during(RiskMove.at, period)),
        "risk_actions": _n(Action, Action.origin == ActionOrigin.RISK, during(Action.asked_on, period)),
        "risks_unattended": _n(Risk, lacks_action()), "risks_overdue": _n(Risk, overdue(today)),
        "processes_unrisked": _n(Process, Process.is_active, ~identified),
        "editions_approved": _n(DocumentEdition, put, during(DocumentEdition.in_force_on, period)),
        "calendar_changes": _n(CalendarChange, during(CalendarChange.at, period)),
        "amendments": _n(Amendment, Amendment.status == AmendmentStatus.SIGNED, during(Amendment.signed_on, period)),
        "editions_waiting": _n(DocumentEdition, DocumentEdition.status == EditionStatus.DRAFT, DocumentEdition.changed_on < today - MONTH),
    }  # fmt: skip


def _support(period: Period, today: date) -> Parts:
    """7.4 and 7.5."""
    in_force = exists().where(DocumentEdition.document_id == ControlledDocument.id, DocumentEdition.status == EditionStatus.IN_FORCE)
    registered = ControlledDocument.is_active
    failed = OutboxMessage.status == MessageStatus.FAILED, during(OutboxMessage.created_at, period)
    return {
        "messages": _n(OutboxMessage, OutboxMessage.status == MessageStatus.SENT, during(OutboxMessage.sent_at, period)),
        "notices": _n(Notice, during(Notice.sent_at, period)),
        "invitations": _n(SurveyInvitee, during(SurveyInvitee.invited_on, period)),
        "unnotified": _n(Pqr, Pqr.status == PqrStatus.ANSWERED, Pqr.answered_on < today - WEEK),
        "messages_failed": _n(OutboxMessage, *failed),
        "controlled": _n(ControlledDocument, registered), "in_force": _n(ControlledDocument, registered, in_force),
        "prints": _n(ControlledPrint), "issued": _n(Document, during(Document.issued_at, period)),
        "documents_unissued": _n(ControlledDocument, registered, ~in_force),
    }  # fmt: skip


def _operation(period: Period, today: date) -> Parts:
    """8.2, 8.5 and 8.7."""
    running = in_force_clause(today, today)
    frozen = exists().where(
        ContractRequirement.contract_id == Contract.id, ContractRequirement.is_frozen, ContractRequirement.ended_by_id.is_(None)
    )
    closed = Pqr.status == PqrStatus.CLOSED, during(Pqr.closed_on, period)
    has_answer = exists().where(Document.pqr_id == Pqr.id, Document.kind.in_((DocumentKind.ANSWER, DocumentKind.RECOGNITION)))
    undecided = ChecklistItem.verdict.in_(("PARTLY", "NOT_MET")), ChecklistItem.action_id.is_(None), ChecklistItem.no_action_reason == ""
    found = Nonconformity.status == NonconformityStatus.OPEN, Nonconformity.found_on < today - MONTH
    treated = Nonconformity.status == NonconformityStatus.TREATED, Nonconformity.treated_on < today - MONTH
    return {
        "quotations": _n(Quotation, during(Quotation.sent_on, period)),
        "contracts_signed": _n(Contract, during(Contract.signed_on, period)), "contracts": _n(Contract, running),
        "checklists": _n(Checklist, Checklist.status == ChecklistStatus.CLOSED, during(Checklist.approved_at, period)),
        "contracts_unverified": _n(Contract, _unverified(today)), "contracts_bare": _n(Contract, running, ~frozen),
        "findings_open": _n(ChecklistItem, *undecided),
        "closed": _n(Pqr, *closed),
        "orders": _n(FieldOrder, FieldOrder.status == OrderStatus.DONE, during(FieldOrder.done_on, period)),
        "invoice_changes": _n(InvoiceChange, InvoiceChange.status == ChangeStatus.AUTHORISED, during(InvoiceChange.authorised_on, period)),
        "financings": _n(Financing, Financing.status == FinancingStatus.SIGNED, during(Financing.signed_on, period)),
        "closed_unanswered": _n(Pqr, *closed, Pqr.source.is_(None), ~has_answer),
        "orders_overdue": _n(FieldOrder, FieldOrder.status == OrderStatus.ISSUED, FieldOrder.due_on < today),
        "outputs": _n(Nonconformity, during(Nonconformity.found_on, period)),
        "outputs_closed": _n(Nonconformity, during(Nonconformity.verified_on, period)),
        "outputs_untreated": _n(Nonconformity, *found), "outputs_unverified": _n(Nonconformity, *treated),
    }  # fmt: skip


def _measured(period: Period) -> Parts:
    """9.1.1, and what 9.1.3 asks of indicators. An indicator of a longer period than the one asked for cannot have ended in it."""
    its = IndicatorValue.indicator_id == Indicator.id
    ended = during(IndicatorValue.period_until, period)
    reported = IndicatorValue.reported_at.is_not(None)
    fits = Indicator.months <= max(period.n_days // 28, 1)
    active = Indicator.is_active, Indicator.starts_on <= period.until, fits
    return {
        "indicators": _n(Indicator, Indicator.is_active), "values": _n(IndicatorValue, ended),
        "values_reported": _n(IndicatorValue, ended, reported),
        "values_good": _n(IndicatorValue, ended, reported, IndicatorValue.standing == Standing.GOOD),
        "values_analysed": _n(IndicatorValue, ended, IndicatorValue.analysis != ""),
        "indicators_unmeasured": _n(Indicator, *active, ~exists().where(its, ended)),
        "values_unreported": _n(IndicatorValue, ended, ~reported),
        "values_unanalysed": _n(IndicatorValue, ended, reported, IndicatorValue.standing == Standing.BAD, IndicatorValue.analysis == ""),
    }  # fmt: skip


def _satisfaction(period: Period) -> Parts:
    """9.1.2, and what 9.1.3 asks of surveys."""
    ended = ended_in(period)
    filled = SurveyResponse.status == ResponseStatus.COMPLETE, during(SurveyResponse.answered_on, period)
    return {
        "campaigns": _n(SurveyCampaign, ended), "responses": _n(SurveyResponse, *filled),
        "ratings": _n(Rating, during(Rating.rated_on, period)), "no_campaign": _none(SurveyCampaign, ended),
        "campaigns_unreported": _n(SurveyCampaign, ended, SurveyCampaign.document_id.is_(None)),
        "alarms_open": _n(SurveyAlarm, SurveyAlarm.status == AlarmStatus.OPEN),
        "campaigns_concluded": _n(SurveyCampaign, ended, SurveyCampaign.conclusion != ""),
        "campaigns_unconcluded": _n(SurveyCampaign, ended, SurveyCampaign.conclusion == ""),
    }  # fmt: skip


def _reviews(period: Period, today: date) -> Parts:
    """9.3."""
    signed = ManagementReview.status == ReviewStatus.SIGNED, during(ManagementReview.held_on, period)
    decided = select(func.count()).select_from(ReviewDecision).join(ManagementReview).where(*signed)
    late = Action.origin == ActionOrigin.REVIEW, Action.status.in_(TO_DO), Action.due_on < today
    return {
        "reviews": _n(ManagementReview, *signed), "decisions": decided,
        "decisions_done": decided.join(Action, Action.id == ReviewDecision.action_id).where(Action.status == ActionStatus.DONE),
        "no_review": _none(ManagementReview, *signed), "decisions_late": _n(Action, *late),
        "reviews_unsigned": _n(ManagementReview, ManagementReview.status == ReviewStatus.DRAFT, ManagementReview.held_on < today),
    }  # fmt: skip


def _improvement(period: Period, today: date) -> Parts:
    """10.1, 10.2 and 10.3."""
    asked = during(Action.asked_on, period)
    better = asked, Action.kind.in_((ActionKind.IMPROVEMENT, ActionKind.PREVENTIVE))
    mends = ActionKind.CORRECTION, ActionKind.CORRECTIVE
    causeless = Action.status == ActionStatus.OPEN, Action.kind != ActionKind.CORRECTION, Action.cause == ""
    late_tasks = select(func.count()).select_from(ActionTask).join(Action)
    reviewed = during(ActionReview.reviewed_on, period)
    return {
        "improvements": _n(Action, asked, Action.kind == ActionKind.IMPROVEMENT),
        "preventive": _n(Action, asked, Action.kind == ActionKind.PREVENTIVE), "no_improvement": _none(Action, *better),
        "actions": _n(Action, asked, Action.kind.in_(mends)),
        "actions_done": _n(Action, Action.status == ActionStatus.DONE, during(Action.ended_on, period)),
        "audit_actions": _n(Action, asked, Action.origin == ActionOrigin.AUDIT),
        "actions_late": _n(Action, Action.status.in_(TO_DO), Action.due_on < today),
        "reviews_late": _n(Action, Action.status == ActionStatus.REVIEW, Action.review_on < today),
        "actions_uncaused": _n(Action, *causeless, Action.asked_on < today - MONTH),
        "tasks_late": late_tasks.where(ActionTask.status == TaskStatus.OPEN, ActionTask.due_on < today, Action.status.in_(ALIVE)),
        "effective": _n(ActionReview, reviewed, ActionReview.verdict == EffectVerdict.EFFECTIVE),
        "not_effective": _n(ActionReview, reviewed, ActionReview.verdict == EffectVerdict.NOT_EFFECTIVE),
        "no_effect": _none(ActionReview, reviewed),
    }  # fmt: skip
