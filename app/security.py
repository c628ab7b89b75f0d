"""
Who may do what, as data: exact (permission, view) pairs by role, written to the database by `sync_roles()`; and which rows.

Row scope: whoever has `can_see_all` on Pqr sees every case; an owner sees the cases that his processes hold or held.
A row out of scope does not exist (404) at any door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache, partial
from typing import Any

from flask import current_app, g
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)
from flask_login import current_user
from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, false, func, inspect, literal, or_, select, union
from sqlalchemy.orm import Session, joinedload

from app.extensions import KEEPS_PLAN, appbuilder
from app.models import (
    Action,
    ActionTask,
    Assignment,
    Checklist,
    Contract,
    ContractRequirement,
    FieldOrder,
    Leave,
    Nonconformity,
    Pqr,
    ProcessMember,
    Risk,
    SurveyAlarm,
)
from app.reports.base import Reader

Right = tuple[str, str]

READ = ("can_list", "can_show", "can_export")
WRITE = (*READ, "can_add", "can_edit")


def rights(view: str, *permissions: str) -> frozenset[Right]:
    return frozenset((permission, view) for permission in permissions)


#: The catalogues and registers an administrator keeps; `CATALOGUES` are edited, `REGISTERS` only read.
CATALOGUES = (
    "Organisation", "Municipality", "Process", "ProcessMember", "Channel", "Service", "RequestType", "SuiCause", "SuiCode",
    "LegalTerm", "Parameter", "ConsentText", "AnswerTemplate", "ReminderRule", "Webhook", "ContractKind", "RequirementTemplate",
    "InterestGroup", "SuiRule",
)  # fmt: skip
REGISTERS = ("Job", "JobRun", "ChangeLog", "OutboxMessage", "WebhookDelivery")
READ_CALENDAR = frozenset({("can_list", "CalendarDay"), ("can_show", "CalendarDay")})

EVERYBODY = rights("Home", "can_get") | rights("UserInfoEditView", "can_this_form_get", "can_this_form_post") | rights(
    "ResetMyPasswordView", "can_this_form_get", "can_this_form_post"
) | rights("UserDBModelView", "can_userinfo", "resetmypassword", "userinfoedit") | rights("Signature", "can_edit")  # fmt: skip
EVERYBODY |= rights("CalendarFeed", "can_edit") | rights("MailPreference", "can_edit") | rights("Work", "can_list")
EVERYBODY |= rights("Reminder", *READ)
READ_CASES = rights("Pqr", *READ, "can_download") | rights("Search", "can_search") | rights("FieldOrder", *READ)
READ_TIMES = rights("ResponseTimes", "can_list", "can_export") | rights("CaseChart", "can_list", "can_export") | rights(
    "AccountChart", "can_list", "can_export"
) | rights("Silence", *READ) | rights("MassEvent", *READ) | rights("Rating", *READ) | rights("RatingChart", "can_list", "can_export")
READ_TIMES |= rights("MarketClaim", *READ)
READ_PARTIES = rights("Party", *READ) | rights("Account", *READ) | rights("Invoice", *READ)
READ_PAST = rights("PastRecord", *READ)
READ_IMPORTS = rights("Import", *READ, "can_see_all")
LOOK_AT_MONEY = rights("Financing", "can_list", "can_show") | rights("InvoiceChange", "can_list", "can_show")
READ_BILLING = rights("BillingBatch", *READ) | rights("BillingItem", *READ) | rights("BillingReply", *READ) | rights(
    "BillingColumn", "can_list"
)
BILL = READ_BILLING | rights("BillingBatch", "can_bill") | rights("BillingItem", "can_handle") | rights(
    "BillingReply", "can_add", "can_settle"
)
READ_MONEY = rights("Financing", *READ) | rights("InvoiceChange", *READ)
WRITE_MONEY = rights("Financing", *WRITE) | rights("InvoiceChange", *WRITE)
TAKE_AWAY = rights("Archive", "can_list", "can_person") | rights("Pqr", "can_archive")
COMPUTE = rights("Deviation", "can_compute")
AUTHORISE_MONEY = BILL | rights("Financing", "can_sign", "can_void") | rights("InvoiceChange", "can_authorise", "can_void")

DESK = rights(
    "Pqr", "can_see_all", "can_see_reserved", "can_register", "can_note", "can_attach", "can_edit", "can_route", "can_return_to_desk",
    "can_request_completion", "can_complete", "can_transfer", "can_notify", "can_appeal", "can_close", "can_reprint",
    "can_send_to_sspd",
    "can_link_event",
) | rights("Counter", "can_attend") | rights("MassEvent", "can_add", "can_edit") | rights("Rating", "can_ask")  # fmt: skip
DESK |= rights("FieldOrder", "can_issue", "can_record") | rights("InboundMessage", *READ, "can_handle")
OWNER = rights(
    "Pqr", "can_note", "can_attach", "can_route", "can_return_to_desk", "can_request_completion", "can_order_evidence",
    "can_close_evidence", "can_solve", "can_draft",
)  # fmt: skip
OWNER |= rights("FieldOrder", "can_issue", "can_record", "can_excuse", "can_void")
MANAGER = rights(
    "Pqr", "can_see_all", "can_see_reserved", "can_note", "can_attach", "can_route", "can_return_solution", "can_issue_answer",
    "can_draft", "can_withdraw", "can_transfer", "can_void", "can_order_evidence", "can_close_evidence", "can_recognise",
    "can_send_to_sspd", "can_link_event",
    "can_extend",
) | rights("MassEvent", "can_add", "can_edit", "can_apply", "can_issue")  # fmt: skip
MANAGER |= rights("FieldOrder", "can_issue", "can_record", "can_excuse", "can_void")
READ_QUALITY = rights("QualityIssue", *READ) | rights("DueDifference", "can_list", "can_export")

# The commercial side: parties with their contacts, quotations, contracts, checklists, actions
READ_MATRIX = rights("Interested", "can_list", "can_export") | rights("Need", *READ) | rights("Mechanism", *READ, "can_download") | rights(
    "InterestGroup", "can_list", "can_show"
)
FOLLOW = rights("Mechanism", "can_attach")  # evidence of what the reader follows, and of all for whoever keeps the matrix
WRITE_MATRIX = READ_MATRIX | rights("Need", *WRITE) | rights("Mechanism", *WRITE) | FOLLOW | rights("InterestGroup", *WRITE)
WRITE_CONTACTS = rights("Contact", *WRITE) | rights("PartyGroup", "can_list", "can_edit")
READ_CONTACTS = rights("Contact", *READ) | rights("PartyGroup", "can_list")
READ_QUOTATIONS = rights("Quotation", *READ, "can_download") | rights("QuotationChart", "can_list", "can_export")
SELL = READ_QUOTATIONS | rights(
    "Quotation", *WRITE, "can_send", "can_revise", "can_decide", "can_withdraw", "can_follow_up", "can_contract"
)
READ_CONTRACTS = rights("Contract", *READ, "can_download") | rights("Guarantee", *READ) | rights("Checklist", *READ, "can_download")
READ_COMPLIANCE = rights("Compliance", "can_list", "can_export") | rights("ContractChart", "can_list", "can_export")
ALL_CONTRACTS = READ_CONTRACTS | READ_COMPLIANCE | rights("Contract", "can_see_all") | rights("Checklist", "can_see_all")
CONTRACT = ALL_CONTRACTS | rights("Contract", *WRITE, "can_sign", "can_amend", "can_terminate", "can_void", "can_attach") | rights(
    "Guarantee", *WRITE
) | rights("ContractKind", "can_list", "can_show") | rights("RequirementTemplate", *WRITE) | rights("PastRecord", "can_take_over")
VERIFY = rights("Checklist", "can_verify", "can_submit")
READ_ACTIONS = rights("Action", *READ, "can_download")
DO_TASKS = READ_ACTIONS | rights("Action", "can_do", "can_attach")
ACT = DO_TASKS | rights("Action", "can_add", "can_edit", "can_plan", "can_carry_out", "can_finish")
APPROVE_ACTIONS = rights("Action", "can_approve", "can_return", "can_judge", "can_postpone", "can_cancel")
READ_COMMERCIAL = READ_MATRIX | READ_CONTACTS | READ_QUOTATIONS | ALL_CONTRACTS | READ_ACTIONS | rights("Action", "can_see_all")

# Surveys: their forms, campaigns, answers, results, and what a bad answer asks for
READ_SURVEYS = rights("SurveyCampaign", *READ) | rights("Questionnaire", *READ) | rights("SurveyResult", "can_list")
READ_RESULTS = READ_SURVEYS | rights("SurveyResult", "can_export", "can_see_answers") | rights("SurveyCampaign", "can_download") | rights(
    "SurveyThreshold", *READ
) | rights("SurveyTag", *READ) | rights("SurveyOptOut", *READ)  # fmt: skip
READ_ALARMS = rights("SurveyAlarm", *READ)
ALL_ALARMS = READ_ALARMS | rights("SurveyAlarm", "can_see_all")
INTERVIEW = rights("SurveyCampaign", "can_list", "can_show", "can_interview", "can_type") | rights(
    "SurveyOptOut", *READ, "can_add", "can_end"
)  # fmt: skip
CONCLUDE = rights("SurveyResult", "can_conclude", "can_issue")
TAG = rights("SurveyTag", *WRITE) | rights("SurveyResult", "can_tag") | rights("SurveyThreshold", *WRITE)
HOLD_SURVEYS = READ_RESULTS | ALL_ALARMS | INTERVIEW | CONCLUDE | TAG | rights("Questionnaire", *WRITE, "can_publish") | rights(
    "SurveyCampaign", *WRITE, "can_confirm", "can_close", "can_reopen", "can_drop", "can_invite"
) | rights("SurveyAlarm", "can_settle") | rights("PastRecord", "can_take_over")  # fmt: skip
HOLD_SURVEYS |= rights("Import", "can_list", "can_show", "can_run")  # of answers to surveys only: see the kinds of imports

# The quality management system: what does not conform, risks, law, indicators, documented information, audits, reviews
READ_SHEETS = rights("ControlledDocument", *READ, "can_download") | rights("ProcessSheet", *READ, "can_download") | rights(
    "Indicator", *READ
)
TELL_NONCONFORMITY = rights("Nonconformity", *READ, "can_add")
TREAT = TELL_NONCONFORMITY | rights("Nonconformity", "can_edit", "can_treat")
READ_RISKS = rights("Risk", *READ, "can_map") | rights("RiskScale", *READ)
KEEP_RISKS = READ_RISKS | rights("Risk", *WRITE, "can_control", "can_review", "can_close")
READ_LEGAL = rights("LegalRequirement", *READ, "can_download")
READ_QMS = READ_SHEETS | rights("Nonconformity", *READ, "can_see_all") | READ_RISKS | rights("Risk", "can_see_all") | READ_LEGAL | rights(
    "AuditPack", "can_list", "can_make", "can_download"
) | rights("ManagementReview", *READ, "can_download")  # fmt: skip
KEEP_QMS = READ_QMS | TREAT | rights("Nonconformity", "can_verify") | KEEP_RISKS | rights("RiskScale", *WRITE, "can_delete") | rights(
    "LegalRequirement", *WRITE, "can_evaluate", "can_rest"
) | rights("Indicator", *WRITE, "can_type", "can_report", "can_analyse", "can_act") | rights(
    "ControlledDocument", *WRITE, "can_approve"
) | rights("ProcessSheet", "can_edit") | rights("ManagementReview", *WRITE)  # fmt: skip
DIRECT_QMS = READ_QMS | TREAT | rights("Nonconformity", "can_verify") | rights("Risk", "can_review") | rights(
    "LegalRequirement", "can_evaluate"
) | rights("Indicator", "can_report", "can_analyse", "can_act") | rights("ControlledDocument", "can_approve") | rights(
    "ManagementReview", "can_add", "can_edit", "can_sign"
)  # fmt: skip
OWN_QMS = READ_SHEETS | TREAT | KEEP_RISKS | READ_LEGAL | rights("LegalRequirement", "can_evaluate") | rights(
    "Indicator", "can_analyse"
)  # fmt: skip

# Reports, the regulator's files, the boards
OPEN_REPORTS = rights("Report", "can_list", "can_schedule") | rights("ReportRun", *READ, "can_download") | rights(
    "ReportSchedule", *WRITE, "can_pause"
)  # fmt: skip
REPORTS_OF_CASES = frozenset().union(
    *(rights(view, "can_list", "can_export") for view in ("PqrReport", "NoticeReport", "OrderReport"))
) | rights("CaseDashboard", "can_list")  # fmt: skip
REPORTS_OF_MONEY = rights("MoneyReport", "can_list", "can_export")
REPORTS_OF_ACTIONS = rights("ActionReport", "can_list", "can_export") | rights("QualityDashboard", "can_list")
SELLING_BOARDS = rights("CommercialDashboard", "can_list") | rights("SatisfactionDashboard", "can_list")
ALL_REPORTS = OPEN_REPORTS | REPORTS_OF_CASES | REPORTS_OF_MONEY | REPORTS_OF_ACTIONS | SELLING_BOARDS | rights(
    "TransparencyReport", "can_list", "can_export"
)  # fmt: skip
LOOK_AT_SUI = rights("Sui", "can_list", "can_show")
READ_SUI = LOOK_AT_SUI | rights("Sui", "can_export", "can_download") | rights("SuiRule", *READ)
REPORT_TO_SUI = READ_SUI | rights("Sui", "can_freeze", "can_send")
READ_INTERRUPTIONS = rights("Interruption", *READ, "can_download")
TELL_INTERRUPTIONS = READ_INTERRUPTIONS | rights("Interruption", *WRITE, "can_link")
RESTORE = TELL_INTERRUPTIONS | rights("Interruption", "can_restore")

AUXILIAR, DUENO, TECNICO = "Auxiliar PQR", "Dueño de proceso", "Técnico"
SUBGERENTE, COMERCIAL, CALIDAD = "Subgerente administrativo y comercial", "Comercial", "Calidad"
CONTROL, ADMIN, PUBLIC = "Control interno / Gerencia", "Admin", "Public"

PROCESS_ROLES: dict[str, frozenset[Right]] = {
    AUXILIAR: EVERYBODY | READ_CASES | READ_TIMES | DESK | rights("Party", *WRITE) | rights("Account", *WRITE)
    | rights("Invoice", *READ) | WRITE_MONEY | COMPUTE | BILL | WRITE_CONTACTS | rights("Contract", "can_headline")
    | INTERVIEW | READ_ALARMS | rights("SurveyAlarm", "can_settle") | DO_TASKS | READ_SHEETS | TELL_NONCONFORMITY
    | OPEN_REPORTS | REPORTS_OF_CASES | REPORTS_OF_MONEY | LOOK_AT_SUI | TELL_INTERRUPTIONS,
    DUENO: EVERYBODY | READ_CASES | READ_TIMES | OWNER | READ_PARTIES
    | WRITE_MONEY | COMPUTE | READ_MATRIX | FOLLOW | READ_CONTACTS | READ_CONTRACTS | VERIFY | ACT
    | rights("Compliance", "can_list", "can_export")
    | READ_SURVEYS | READ_ALARMS | rights("SurveyAlarm", "can_settle") | OWN_QMS
    | OPEN_REPORTS | REPORTS_OF_CASES | REPORTS_OF_ACTIONS | RESTORE,
    TECNICO: EVERYBODY | rights("MyOrder", "can_list", "can_fill"),
    SUBGERENTE: EVERYBODY | READ_CASES | READ_TIMES | MANAGER | READ_PARTIES | rights("AnswerTemplate", *WRITE)
    | rights("Leave", *WRITE) | rights("ReminderRule", *READ)
    | READ_MONEY | AUTHORISE_MONEY | COMPUTE | TAKE_AWAY | READ_QUALITY | READ_IMPORTS | READ_PAST
    | READ_COMMERCIAL | FOLLOW | SELL | CONTRACT | VERIFY | rights("Checklist", "can_open", "can_approve", "can_return", "can_reopen")
    | ACT | APPROVE_ACTIONS | DIRECT_QMS
    | READ_RESULTS | ALL_ALARMS | CONCLUDE | rights("SurveyAlarm", "can_settle")
    | rights("SurveyCampaign", "can_confirm", "can_close", "can_reopen", "can_drop")
    | ALL_REPORTS | rights("Report", "can_see_all") | REPORT_TO_SUI | RESTORE | rights("Interruption", "can_void"),
    COMERCIAL: EVERYBODY | READ_CASES | rights("Pqr", "can_see_all") | rights("Party", *WRITE) | rights("Account", *READ)
    | rights("Invoice", *READ) | READ_PAST | LOOK_AT_MONEY | COMPUTE
    | READ_COMMERCIAL | WRITE_MATRIX | WRITE_CONTACTS | SELL | CONTRACT | VERIFY | rights("Checklist", "can_open") | ACT | HOLD_SURVEYS
    | READ_SHEETS | TELL_NONCONFORMITY | READ_LEGAL | READ_RISKS
    | OPEN_REPORTS | SELLING_BOARDS | rights("CaseDashboard", "can_list") | READ_INTERRUPTIONS,
    CALIDAD: EVERYBODY | READ_CASES | READ_TIMES | rights("Pqr", "can_see_all") | READ_PARTIES
    | READ_MONEY | COMPUTE | READ_PAST | READ_COMMERCIAL | WRITE_MATRIX | ACT | APPROVE_ACTIONS | KEEP_QMS
    | READ_RESULTS | ALL_ALARMS | CONCLUDE | TAG | rights("SurveyResult", "can_see_small") | rights("SurveyAlarm", "can_settle")
    | rights("Questionnaire", *WRITE, "can_publish") | ALL_REPORTS | READ_SUI | READ_INTERRUPTIONS,
    CONTROL: EVERYBODY | READ_CASES | READ_TIMES | rights("Pqr", "can_see_all", "can_see_reserved") | READ_PARTIES
    | rights("ChangeLog", *READ) | READ_CALENDAR | rights("LegalTerm", *READ) | rights("Job", *READ) | rights("JobRun", *READ)
    | READ_MONEY | COMPUTE | READ_BILLING | TAKE_AWAY | rights("InboundMessage", *READ) | READ_QUALITY
    | READ_IMPORTS | READ_PAST | rights("ReminderRule", *READ) | READ_COMMERCIAL
    | READ_RESULTS | ALL_ALARMS | READ_QMS | ALL_REPORTS | rights("Report", "can_see_all") | READ_SUI | READ_INTERRUPTIONS,
    PUBLIC: frozenset(),
}  # fmt: skip

#: What an administrator has besides everything above: the house itself.
ADMINISTRATION = (
    frozenset().union(*(rights(view, *WRITE) for view in CATALOGUES))
    | frozenset().union(*(rights(view, *READ) for view in REGISTERS))
    | READ_CALENDAR
    | rights("CalendarDay", "can_change")
    | rights("Home", "can_first_steps")
    | rights("OutboxMessage", "can_resend")
    | rights("WebhookDelivery", "can_resend")
    | rights("Archive", "can_everything")
    | rights("Import", "can_bring_registers", "can_see_all")
    | rights("MessageTemplate", *READ, "can_edit")
    | rights("Job", "can_stop", "can_download")
    | rights("JobRun", "can_run")
    | rights("BillingColumn", "can_map")
    | rights("QualityIssue", "can_settle")
    | rights("Leave", *WRITE)
    | rights("SuiRule", "can_delete")
)


def _granted() -> ScalarSelect[str]:
    """Return the subquery of all rights of the user `:user_id`, by role and by group, in one text: one row, however many rights."""
    user_id = bindparam("user_id")
    direct = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == user_id)
    through_groups = (
        select(assoc_group_role.c.role_id)
        .join(assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id)
        .where(assoc_user_group.c.user_id == user_id)
    )
    return (
        select(func.aggregate_strings(Permission.name + literal("\t", literal_execute=True) + ViewMenu.name, "\n"))
        .select_from(assoc_permissionview_role)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(assoc_permissionview_role.c.role_id.in_(union(direct, through_groups).scalar_subquery()))
        .scalar_subquery()
    )


_RIGHTS = select(_granted())
_USER = select(User, _granted()).where(User.id == bindparam("user_id")).execution_options(**KEEPS_PLAN)


@lru_cache(maxsize=256)
def _read(granted: str | None) -> frozenset[Right]:
    """Return the rights that a text of `_granted` names; equal texts, which most requests bring, are read once."""
    return frozenset((permission, view) for permission, _tab, view in (line.partition("\t") for line in (granted or "").splitlines()))


class RequestRights(SecurityManager):
    """
    FAB's security manager, with the user and all rights read in one statement a request (FAB asks the database at every check).

    Nothing of it outlives the request but the reading of a text, so a right that was taken away is gone at the next one.
    """

    userstatschartview = None

    def load_user(self, pk: Any) -> User | None:
        """Return the user of a session, if still active, and remember the rights that came along."""
        found = self.session.execute(_USER, {"user_id": int(pk)}).first()
        if found is None or not found[0].is_active:
            return None
        g.setdefault("rights", {})[found[0].id] = _read(found[1])
        return found[0]

    def _rights_of(self, user: Any) -> frozenset[Right]:
        known: dict[int, frozenset[Right]] = g.setdefault("rights", {})
        if user.id not in known:
            known[user.id] = _read(self.session.scalar(_RIGHTS, {"user_id": user.id}))
        return known[user.id]

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Return whether the user of this request has the right. Pages ask some fifty times, so what is known is not asked again."""
        state = inspect(current_user._get_current_object(), raiseerr=False)
        known = g.get("rights", {}).get(state.identity[0]) if state is not None and state.identity else None
        return super().has_access(permission_name, view_name) if known is None else (permission_name, view_name) in known

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in self._rights_of(user)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False  # the citizen's pages are plain Flask; nothing of the admin is public

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        if not current_user.is_authenticated:
            return set()
        return {view for permission, view in self._rights_of(g.user) if permission == "menu_access"}


def rights_of(session: Session, user_id: int) -> frozenset[Right]:
    """Return the rights of *user_id* as they are now, for whoever is served without having signed in."""
    return _read(session.scalar(_RIGHTS, {"user_id": user_id}))


def may(permission: str, view: str = "Pqr") -> bool:
    """Return whether the user of this request has the right."""
    return appbuilder.sm.has_access(permission, view)


def is_user(column: Any, user_id: Any, today: Any) -> ColumnElement[bool]:
    """Return the condition that *column* names *user_id*, or somebody on leave on *today* for whom *user_id* stands in."""
    away = select(Leave.user_id).where(Leave.substitute_id == user_id, Leave.starts_on <= today, Leave.ends_on >= today)
    return or_(column == user_id, column.in_(away))


def processes_of(user_id: Any, today: Any) -> Select[tuple[int]]:
    """
    Return the SELECT of the processes that *user_id* owns, or substitutes for on *today*.

    Who stands in for somebody on leave has the processes of that person those days, and no more rights than their own role gives.
    """
    return select(ProcessMember.process_id).where(
        is_user(ProcessMember.user_id, user_id, today),
        or_(ProcessMember.valid_from.is_(None), ProcessMember.valid_from <= today),
        or_(ProcessMember.valid_until.is_(None), ProcessMember.valid_until >= today),
    )


def scope_cases(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over Pqr) limited to the cases the user of this request may see; nobody sees nothing."""
    if not current_user.is_authenticated:
        return statement.where(false())
    if may("can_see_all"):
        return statement
    mine = processes_of(current_user.id, today)
    held = select(Assignment.pqr_id).where(Assignment.pqr_id == Pqr.id, Assignment.process_id.in_(mine))
    return statement.where(or_(Pqr.process_id.in_(mine), is_user(Pqr.holder_id, current_user.id, today), held.exists()))


def scope_orders(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over FieldOrder) limited to orders of cases that the reader may see, and those that his processes gave."""
    if may("can_see_all"):
        return statement
    cases = scope_cases(select(Pqr.id), today)
    return statement.where(or_(FieldOrder.pqr_id.in_(cases), FieldOrder.process_id.in_(processes_of(current_user.id, today))))


def scope_contracts(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over Contract) limited to those the reader may see: all, or those that his processes answer for in some part."""
    if not current_user.is_authenticated:
        return statement.where(false())
    if may("can_see_all", "Contract"):
        return statement
    mine = processes_of(current_user.id, today)
    part = select(ContractRequirement.id).where(
        ContractRequirement.contract_id == Contract.id,
        or_(ContractRequirement.process_id.in_(mine), is_user(ContractRequirement.responsible_id, current_user.id, today)),
    )
    return statement.where(
        or_(Contract.process_id.in_(mine), is_user(Contract.supervisor_id, current_user.id, today), part.exists())
    )


def scope_checklists(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over Checklist) limited to those of contracts that the reader may see."""
    if may("can_see_all", "Checklist"):
        return statement
    return statement.where(Checklist.contract_id.in_(scope_contracts(select(Contract.id), today)))


def scope_actions(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over Action) limited to those of the reader's processes, his own, and those in whose plan he has a task."""
    if not current_user.is_authenticated:
        return statement.where(false())
    if may("can_see_all", "Action"):
        return statement
    mine, user_id = processes_of(current_user.id, today), current_user.id
    task = select(ActionTask.action_id).where(is_user(ActionTask.responsible_id, user_id, today))
    return statement.where(or_(Action.process_id.in_(mine), is_user(Action.responsible_id, user_id, today), Action.id.in_(task)))


def _of_mine(statement: Select[Any], table: Any, view: str, today: date) -> Select[Any]:
    """Return *statement* (over *table*) limited to rows of the reader's processes and his own, unless he may see all of *view*."""
    if not current_user.is_authenticated:
        return statement.where(false())
    if may("can_see_all", view):
        return statement
    mine = processes_of(current_user.id, today)
    return statement.where(or_(table.process_id.in_(mine), is_user(table.responsible_id, current_user.id, today)))


def scope_nonconformities(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over Nonconformity) limited to those of the reader's processes, his own, and those he told."""
    if not current_user.is_authenticated:
        return statement.where(false())
    if may("can_see_all", "Nonconformity"):
        return statement
    row, user_id = Nonconformity, current_user.id
    mine = or_(row.process_id.in_(processes_of(user_id, today)), is_user(row.responsible_id, user_id, today))
    return statement.where(or_(mine, row.created_by_id == user_id))


def scope_risks(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over Risk) limited to those of the reader's processes and his own."""
    return _of_mine(statement, Risk, "Risk", today)


def scope_alarms(statement: Select[Any], today: date) -> Select[Any]:
    """Return *statement* (over SurveyAlarm) limited to those of the reader's processes and his own."""
    return _of_mine(statement, SurveyAlarm, "SurveyAlarm", today)


# ── Who a report is made for ──────────────────────────────────────────────────────────────────────────────────────────────

#: Limits a SELECT over a table to the rows of the user of this request, by the name of the table.
SCOPES = {
    "pqr": scope_cases, "field_order": scope_orders, "contract": scope_contracts, "checklist": scope_checklists,
    "action": scope_actions, "nonconformity": scope_nonconformities, "risk": scope_risks, "survey_alarm": scope_alarms,
}  # fmt: skip


def reader_of(on: date) -> Reader:
    """Return the user of this request as a report wants its reader: what they may do, and which rows are theirs on *on*."""
    scopes = {table: partial(_scoped, scope, on) for table, scope in SCOPES.items()}
    return Reader(current_user.id, current_user.get_full_name(), may, scopes)


def _scoped(scope: Callable[[Select[Any], date], Select[Any]], on: date, statement: Select[Any]) -> Select[Any]:
    return scope(statement, on)


_OF_A_REQUEST = ("_login_user", "user", "rights")


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """
    Let a job see what *user* sees: inside, rights and rows are those that they would have in a request of now; nobody's if inactive.

    Nothing of it outlives the block: neither the user nor what was read of their rights. What is written inside is theirs.
    """
    kept = {name: g.pop(name) for name in _OF_A_REQUEST if name in g}
    with current_app.test_request_context():  # the doors of Flask-Login and the addresses of pages ask for a request
        g._login_user = g.user = user
        g.rights = {} if user.is_active else {user.id: frozenset()}
        try:
            yield
        finally:
            for name in _OF_A_REQUEST:
                g.pop(name, None)
            for name, value in kept.items():
                setattr(g, name, value)


def _permission_view(session: Session, right: Right, cache: dict[Right, PermissionView]) -> PermissionView:
    if right not in cache:
        permission_name, view_name = right
        permission = session.scalar(select(Permission).filter_by(name=permission_name)) or Permission(name=permission_name)
        view = session.scalar(select(ViewMenu).filter_by(name=view_name)) or ViewMenu(name=view_name)
        cache[right] = PermissionView(permission=permission, view_menu=view)
        session.add(cache[right])
        session.flush()
    return cache[right]


def _menu_rights(granted: Iterable[Right]) -> frozenset[Right]:
    """Return `menu_access` for each menu item whose view opens with a right in *granted*, and for its category."""
    granted = set(granted)
    found: set[Right] = set()
    for category in appbuilder.menu.menu:
        for item in category.childs or [category]:
            view = item.baseview
            if view is None:
                continue
            opening = view.method_permission_name or {}
            permission = f"can_{opening.get(view.default_view, view.default_view)}"
            if (permission, view.class_permission_name) in granted:
                found |= {("menu_access", item.name), ("menu_access", category.name)}
    return frozenset(found)


def sync_roles(session: Session) -> dict[str, int]:
    """
    Make the shipped roles have exactly the rights above; return how many each has. Roles of the house are left alone.

    Admin gets every right that any registered view or role knows. The caller commits.
    """
    named = select(PermissionView).options(joinedload(PermissionView.permission), joinedload(PermissionView.view_menu))
    known = {(pv.permission.name, pv.view_menu.name): pv for pv in session.scalars(named)}
    every: set[Right] = set(ADMINISTRATION).union(*PROCESS_ROLES.values())
    for view in appbuilder.baseviews:
        every |= {(permission, view.class_permission_name) for permission in getattr(view, "base_permissions", None) or ()}
    count = {}
    for name, granted in {**PROCESS_ROLES, ADMIN: frozenset(every)}.items():
        wanted = granted | _menu_rights(granted)
        role = session.scalar(select(Role).filter_by(name=name))
        if role is None:
            role = Role(name=name)
            session.add(role)
        rows = [_permission_view(session, right, known) for right in sorted(wanted)]
        if set(role.permissions) != set(rows):
            role.permissions = rows
        count[name] = len(wanted)
    session.flush()
    return count
