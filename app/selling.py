"""The commercial side on Mi día: what each has to follow up, verify, approve and do, each number with its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Select, and_, func, literal, or_, select

from app import queries
from app.domain.campaigns import AlarmEffect, AlarmStatus, CampaignStatus
from app.domain.checklists import ChecklistStatus
from app.domain.contracts import ContractState
from app.domain.guarantees import GuaranteeState
from app.domain.improvement import ActionStatus, NonconformityStatus
from app.domain.legalmatrix import EvaluationState
from app.models import (
    Action,
    Checklist,
    Contract,
    Guarantee,
    IndicatorValue,
    LegalRequirement,
    Mechanism,
    Nonconformity,
    Quotation,
    Risk,
    SurveyAlarm,
    SurveyCampaign,
)
from app.operations import actions, campaigns, contracts, guarantees, indicators, interviews, quotations, risks
from app.security import (
    is_user,
    may,
    processes_of,
    scope_actions,
    scope_alarms,
    scope_checklists,
    scope_contracts,
    scope_nonconformities,
    scope_risks,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """
    Something to count: its rows (a SELECT of keys), what the number means, the list of the rows, and its tone when there are any.

    An alarm shows only when there is something to see.
    """

    key: str
    rows: Select[Any]
    text: str
    url: str
    tone: str
    is_alarm: bool = False

    def counted(self) -> Select[Any]:
        """Return the SELECT of how many there are, as `days.day_figures` counts."""
        return select(literal("commercial").label("kind"), literal(self.key).label("key"), func.count().label("n")).select_from(
            self.rows.subquery()
        )


def watches(on: date) -> list[Watch]:
    """Return what the reader watches of the commercial side on the day *on*: what he may act on, in his scope."""
    return [
        *_sold(on), *_verified(on), *_asked(on), *_followed(on), *_surveyed(on), *_alarmed(on), *_strayed(on), *_risked(on), *_obliged(on),
        *_measured(),
    ]  # fmt: skip


def _sold(on: date) -> Iterator[Watch]:
    if may("can_follow_up", "Quotation"):
        rows = quotations.due_follow_ups(on).with_only_columns(Quotation.id)
        yield Watch("follow_up", rows, _("Quotations to follow up"), url_for("QuotationView.list", follow_up="due"), "warn")
    if may("can_amend", "Contract"):
        rows = scope_contracts(select(Contract.id), on).where(contracts.state_clause(ContractState.ENDING, on))
        yield Watch("ending", rows, _("Contracts about to end"), url_for("ContractView.list", state=ContractState.ENDING.name), "soon")
    if may("can_edit", "Guarantee"):
        kept = scope_contracts(select(Contract.id), on)
        rows = select(Guarantee.id).where(guarantees.state_clause(GuaranteeState.ENDING, on), Guarantee.contract_id.in_(kept))
        url = url_for("GuaranteeView.list", state=GuaranteeState.ENDING.name)
        yield Watch("guarantee", rows, _("Guarantees about to end"), url, "soon", True)


def _verified(on: date) -> Iterator[Watch]:
    mine = scope_checklists(select(Checklist.id), on)
    if may("can_verify", "Checklist"):
        rows = mine.where(Checklist.status == ChecklistStatus.OPEN)
        yield Watch("verify", rows, _("Checklists to verify"), url_for("ChecklistView.list", status=ChecklistStatus.OPEN.name), "info")
        late = mine.where(Checklist.status != ChecklistStatus.CLOSED, Checklist.due_on < on)
        yield Watch("late_lists", late, _("Checklists that are late"), url_for("ChecklistView.list", late="1"), "bad", True)
    if may("can_approve", "Checklist"):
        rows = mine.where(Checklist.status == ChecklistStatus.SUBMITTED)
        url = url_for("ChecklistView.list", status=ChecklistStatus.SUBMITTED.name)
        yield Watch("approve", rows, _("Checklists to approve"), url, "info")


def _asked(on: date) -> Iterator[Watch]:
    """Actions: the reader's own tasks, what his processes have to do, what is late, and what waits for his decision."""
    seen = scope_actions(select(Action.id), on)
    if may("can_do", "Action"):
        rows = seen.where(actions.has_task_of(lambda column: is_user(column, current_user.id, on)))
        yield Watch("tasks", rows, _("Actions with a task of mine"), url_for("ActionView.list", task="me"), "info", True)
    if may("can_finish", "Action"):
        if not may("can_see_all", "Action"):
            url = url_for("ActionView.list", status=",".join(status.name for status in queries.TO_BE_DONE))
            yield Watch("actions", seen.where(queries.to_be_done()), _("Actions to be done"), url, "info")
        late = seen.where(queries.late_action(on))
        yield Watch("late_actions", late, _("Actions that are late"), url_for("ActionView.list", late="1"), "bad", True)
    if may("can_approve", "Action"):
        rows = seen.where(Action.status == ActionStatus.PLANNED)
        url = url_for("ActionView.list", status=ActionStatus.PLANNED.name)
        yield Watch("plans", rows, _("Plans of actions to approve"), url, "info", True)
    if may("can_judge", "Action"):
        rows = seen.where(Action.status == ActionStatus.REVIEW, Action.review_on <= on)
        url = url_for("ActionView.list", status=ActionStatus.REVIEW.name, review_on=f"..{on:%Y-%m-%d}")
        yield Watch("effects", rows, _("Effects of actions to review"), url, "soon", True)


def _followed(on: date) -> Iterator[Watch]:
    if may("can_list", "Mechanism"):
        overdue = select(Mechanism.id).where(and_(Mechanism.is_active, Mechanism.next_on < on))
        asked = {"due": "overdue"}
        if not may("can_edit", "Mechanism"):
            his = is_user(Mechanism.responsible_id, current_user.id, on)
            overdue = overdue.where(or_(his, Mechanism.process_id.in_(processes_of(current_user.id, on))))
            asked["mine"] = "1"
        url = url_for("MechanismView.list", **asked)
        yield Watch("mechanisms", overdue, _("Follow-ups of interested parties overdue"), url, "bad", True)


def _alarmed(on: date) -> Iterator[Watch]:
    """What surveys asked for: the customers to call, and what nobody attended in time."""
    if may("can_settle", "SurveyAlarm"):
        waiting = scope_alarms(select(SurveyAlarm.id), on).where(SurveyAlarm.status == AlarmStatus.OPEN)
        contacts = waiting.where(SurveyAlarm.effect == AlarmEffect.CONTACT)
        url = url_for("SurveyAlarmView.list", status=AlarmStatus.OPEN.name, effect=AlarmEffect.CONTACT.name)
        yield Watch("survey_contacts", contacts, _("Contacts that surveys ask for"), url, "warn", True)
        other = waiting.where(SurveyAlarm.effect != AlarmEffect.CONTACT)
        url = url_for("SurveyAlarmView.list", status=AlarmStatus.OPEN.name, effect="ACTION,CASE")
        yield Watch("survey_alarms", other, _("Alarms of surveys without an action"), url, "bad", True)
        late = waiting.where(SurveyAlarm.due_on < on)
        url = url_for("SurveyAlarmView.list", late="1")
        yield Watch("late_survey_alarms", late, _("Contacts and alarms of surveys that are late"), url, "bad", True)


def _surveyed(on: date) -> Iterator[Watch]:
    if may("can_confirm", "SurveyCampaign"):
        rows = select(SurveyCampaign.id).where(SurveyCampaign.status == CampaignStatus.PROPOSED)
        url = url_for("SurveyCampaignView.list", status=CampaignStatus.PROPOSED.name)
        yield Watch("campaigns", rows, _("Campaigns of surveys to confirm"), url, "warn", True)
    if may("can_invite", "SurveyCampaign"):
        url = url_for("SurveyCampaignView.list", short="1", order="closes_on")
        yield Watch("short", campaigns.short_of_answers(on), _("Campaigns about to close with few answers"), url, "soon", True)
    if may("can_interview", "SurveyCampaign"):
        yield Watch("calls", interviews.promised_on(on), _("Calls agreed for today"), url_for("InterviewView.index"), "warn", True)


def _risked(on: date) -> Iterator[Watch]:
    """What the risk map asks for: risks that nobody looked at in time, and those whose band asks for an action that nobody asked for."""
    if may("can_review", "Risk"):
        mine = scope_risks(select(Risk.id), on)
        yield Watch("late_risks", mine.where(risks.overdue(on)), _("Risks to look at"), url_for("RiskView.list", late="1"), "warn", True)
        gaps = mine.where(risks.lacks_action())
        yield Watch("risk_gaps", gaps, _("Risks without the action that they ask for"), url_for("RiskView.list", gap="1"), "bad", True)


def _strayed(on: date) -> Iterator[Watch]:
    """Outputs that do not conform: those to treat, and those that somebody else has to verify."""
    seen = scope_nonconformities(select(Nonconformity.id), on)
    steps = (
        ("can_treat", NonconformityStatus.OPEN, _("Non-conforming outputs to treat")),
        ("can_verify", NonconformityStatus.TREATED, _("Non-conforming outputs to verify")),
    )
    for right, status, text in steps:
        if may(right, "Nonconformity"):
            url = url_for("NonconformityView.list", status=status.name)
            yield Watch(f"snc_{status.name.lower()}", seen.where(Nonconformity.status == status), text, url, "warn", True)


def _obliged(on: date) -> Iterator[Watch]:
    """Rows of the legal matrix whose evaluation is late, for whoever evaluates them all; owners are reminded of their own."""
    if may("can_evaluate", "LegalRequirement") and may("can_see_all"):
        rows = select(LegalRequirement.id).where(LegalRequirement.is_active, LegalRequirement.next_on < on)
        url = url_for("LegalRequirementView.list", state=EvaluationState.OVERDUE.name)
        yield Watch("evaluations", rows, _("Legal requirements to evaluate"), url, "warn", True)


def _measured() -> Iterator[Watch]:
    """Indicators that miss their goal twice in a row, and those with a value that nobody reported."""
    if may("can_act", "Indicator"):
        rows, url = indicators.asking().add_columns(IndicatorValue.id), url_for("IndicatorBoardView.board", waits="act")
        yield Watch("misses", rows, _("Indicators that miss their goal twice"), url, "bad", True)
    if may("can_report", "Indicator"):
        url = url_for("IndicatorBoardView.board", waits="report")
        yield Watch("unreported", indicators.to_report(), _("Indicators with values to report"), url, "warn", True)
