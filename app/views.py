"""The menu: every screen of the staff, where it hangs and in what order. The screens themselves live beside it and in `screens/`."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.actions.board import ActionBoardView
from app.actions.calendar import ActionCalendarView
from app.actions.nonconformities import NonconformityView
from app.actions.register import ActionView
from app.almanac import CalendarView
from app.approvals import ApprovalView
from app.archive import ArchiveView, CaseArchiveView
from app.billing import BillingBatchView, BillingColumnView, BillingItemView, BillingReplyView
from app.checklists import ChecklistView
from app.contracts import AmendmentView, ContractView
from app.counter import CounterView
from app.dashboards.pages import CaseBoardView, CommercialBoardView, QualityBoardView, SatisfactionBoardView
from app.desk import CaseView
from app.domain import N_
from app.feeds import FeedView
from app.fieldwork.office import OrderView
from app.fieldwork.phone import MyOrdersView
from app.finder import FinderView
from app.imports import ImportBatchView
from app.lookups import LookupView
from app.massevents import MassEventView
from app.money import DeviationView, FinancingView, InvoiceChangeView
from app.preferences import ListsView
from app.qms.auditpack import AuditPackView
from app.qms.documents import ControlledDocumentView
from app.qms.indicatorboard import IndicatorBoardView
from app.qms.indicatorrows import IndicatorRowsView
from app.qms.indicators import IndicatorView
from app.qms.legal import LegalRequirementView
from app.qms.processes import ProcessSheetView
from app.qms.reviews import ManagementReviewView
from app.qms.riskmap import RiskMapView
from app.qms.risks import RiskView
from app.qms.scale import RiskBandView, RiskImpactView, RiskProbabilityView, RiskScaleView
from app.quotations import QuotationView
from app.rating import RatingCounterView
from app.reporting.api import ReportApi
from app.reporting.catalogue import ReportCatalogueView
from app.reporting.page import ReportView
from app.reporting.runs import ReportRunView
from app.reporting.schedules import ReportScheduleView
from app.screens.attention import RatingChartView, RatingView, SilenceView
from app.screens.catalogues import (
    AnswerTemplateView,
    ChannelView,
    ConsentTextView,
    MunicipalityView,
    ParameterView,
    RequestTypeView,
    ServiceView,
    SuiCauseView,
    SuiCodeView,
)
from app.screens.compliance import ComplianceChartView, ComplianceView, VerificationView, VerifiedRequirementView
from app.screens.contacts import ContactView, PartyGroupView
from app.screens.contractcharts import ContractChartView
from app.screens.contractside import ContractFileView, ContractKindView, GuaranteeView, RequirementItemView, RequirementTemplateView
from app.screens.house import OrganisationView, ProcessMemberView, ProcessView
from app.screens.imported import InvoiceView, MarketClaimView, PastRecordView
from app.screens.inbox import InboundMessageView
from app.screens.interested import EvidenceView, InterestedView, InterestGroupView, MechanismView, NeedView
from app.screens.jobs import JobRunView, JobView
from app.screens.law import LegalTermView
from app.screens.leaves import LeaveView
from app.screens.mail import MessageTemplateView, OutboxMessageView, PreferenceView
from app.screens.parties import AccountChartView, AccountView, PartyView
from app.screens.quality import DueDifferenceView, QualityIssueView
from app.screens.quotationcharts import QuotationChartView
from app.screens.records import ChangeLogView
from app.screens.reminders import ReminderRuleView, ReminderView
from app.screens.reports import CaseChartView, ResponseTimesView
from app.screens.surveytags import SurveyTagView
from app.screens.webhooks import WebhookDeliveryView, WebhookView
from app.signatures import SignatureView
from app.sui.desk import SuiView
from app.sui.interruption_file import InterruptionFileView
from app.sui.interruptions import InterruptionCauseView, InterruptionView
from app.sui.load import SuiLoadView
from app.sui.rules import SuiColumnView, SuiMapView, SuiRuleView
from app.surveys.alarms import SurveyAlarmView
from app.surveys.builder import BuilderView
from app.surveys.campaigns import SurveyCampaignView, SurveyInviteeView
from app.surveys.doors import SurveyDoorView
from app.surveys.drill import SurveyResponseView
from app.surveys.fromfile import SurveyFileView
from app.surveys.optouts import SurveyOptOutView
from app.surveys.paper import SheetView
from app.surveys.phone import InterviewView
from app.surveys.questionnaires import QuestionnaireView
from app.surveys.report import SurveyReportView
from app.surveys.tabulation import SurveyResultView
from app.surveys.thresholds import SurveyThresholdView
from app.surveys.words import SurveyWordsView
from app.work import PeriodicView, WorkView

SERVICE, FIELD, REPORTS = N_("Service"), N_("Field and money"), N_("Reports")
PARTIES, SATISFACTION, QUALITY = N_("Commercial"), N_("Satisfaction"), N_("Management system")
REGULATOR = N_("Regulator (SUI)")
TERMS, EXCHANGE = N_("Calendar and terms"), N_("Data in and out")
HOUSE, RECORDS, SECURITY = N_("Settings"), N_("Records"), N_("Security")

#: (view, menu name, icon, category): the whole menu, in order; without a category, beside Mi día.
MENU: list[tuple[type, str, str, str]] = [
    (WorkView, N_("My tray"), "todo", ""),
    (CounterView, N_("Counter"), "counter", SERVICE),
    (CaseView, N_("Cases"), "cases", SERVICE),
    (ApprovalView, N_("To approve"), "done", SERVICE),
    (InboundMessageView, N_("Incoming mail"), "mail", SERVICE),
    (SilenceView, N_("Silences"), "law", SERVICE),
    (MassEventView, N_("Mass events"), "place", SERVICE),
    (OrderView, N_("Orders and actas"), "work", FIELD),
    (MyOrdersView, N_("My orders"), "todo", FIELD),
    (FinancingView, N_("Financing (R10-01-05)"), "money", FIELD),
    (InvoiceChangeView, N_("Invoice changes (R10-01-06)"), "invoice", FIELD),
    (DeviationView, N_("Significant deviation"), "gauge", FIELD),
    (ReportCatalogueView, N_("Catalogue of reports"), "report", REPORTS),
    (CaseBoardView, N_("Dashboard: cases"), "gauge", REPORTS),
    (CommercialBoardView, N_("Dashboard: commercial"), "gauge", REPORTS),
    (SatisfactionBoardView, N_("Dashboard: satisfaction"), "gauge", REPORTS),
    (QualityBoardView, N_("Dashboard: quality"), "gauge", REPORTS),
    (ResponseTimesView, N_("Response times (R10-01-01)"), "clock", REPORTS),
    (CaseChartView, N_("Charts of cases"), "chart", REPORTS),
    (RatingView, N_("Ratings of the attention"), "done", REPORTS),
    (RatingChartView, N_("Charts of the ratings"), "chart", REPORTS),
    (ReportScheduleView, N_("Reports by mail"), "mail", REPORTS),
    (ReportRunView, N_("Reports that were made"), "history", REPORTS),
    (PartyView, N_("Parties"), "people", PARTIES),
    (ContactView, N_("Contacts"), "members", PARTIES),
    (InterestedView, N_("Interested parties"), "report", PARTIES),
    (MechanismView, N_("Follow-up of interested parties"), "clock", PARTIES),
    (QuotationView, N_("Quotations"), "invoice", PARTIES),
    (ContractView, N_("Contracts"), "law", PARTIES),
    (GuaranteeView, N_("Guarantees"), "shield", PARTIES),
    (ChecklistView, N_("Verification checklists"), "done", PARTIES),
    (ComplianceView, N_("Compliance of contracts"), "gauge", PARTIES),
    (AccountView, N_("Accounts"), "account", PARTIES),
    (InvoiceView, N_("Invoices"), "invoice", PARTIES),
    (QuotationChartView, N_("Charts of quotations"), "chart", PARTIES),
    (ContractChartView, N_("Charts of contracts"), "chart", PARTIES),
    (ComplianceChartView, N_("Charts of compliance"), "chart", PARTIES),
    (AccountChartView, N_("Charts of accounts"), "chart", PARTIES),
    (SurveyCampaignView, N_("Campaigns of surveys"), "report", SATISFACTION),
    (InterviewView, N_("Telephone interviews"), "counter", SATISFACTION),
    (SurveyResultView, N_("Results of surveys"), "gauge", SATISFACTION),
    (SurveyAlarmView, N_("Alarms and contacts of surveys"), "todo", SATISFACTION),
    (QuestionnaireView, N_("Survey forms"), "template", SATISFACTION),
    (SurveyThresholdView, N_("Thresholds of surveys"), "gauge", SATISFACTION),
    (SurveyTagView, N_("Tags of open answers"), "type", SATISFACTION),
    (SurveyOptOutView, N_("Who wants no more surveys"), "mail", SATISFACTION),
    (ActionView, N_("Actions"), "todo", QUALITY),
    (ActionBoardView, N_("Board of actions"), "process", QUALITY),
    (ActionCalendarView, N_("Calendar of actions"), "calendar", QUALITY),
    (NonconformityView, N_("Non-conforming outputs"), "law", QUALITY),
    (RiskMapView, N_("Risk map"), "gauge", QUALITY),
    (RiskView, N_("Risks"), "shield", QUALITY),
    (LegalRequirementView, N_("Legal matrix"), "law", QUALITY),
    (IndicatorBoardView, N_("Indicators"), "chart", QUALITY),
    (ControlledDocumentView, N_("Documented information"), "template", QUALITY),
    (ProcessSheetView, N_("Process characterisation"), "process", QUALITY),
    (ManagementReviewView, N_("Management reviews"), "members", QUALITY),
    (AuditPackView, N_("Audit pack"), "done", QUALITY),
    (RiskScaleView, N_("Scale of the risk map"), "sliders", QUALITY),
    (PastRecordView, N_("Registers of other programs"), "history", EXCHANGE),
    (SuiView, N_("Claims file of the SUI"), "report", REGULATOR),
    (InterruptionView, N_("Interruptions of the service"), "clock", REGULATOR),
    (InterruptionFileView, N_("File of interruptions (draft)"), "report", REGULATOR),
    (MarketClaimView, N_("Claims of the market (SUI)"), "chart", REGULATOR),
    (ImportBatchView, N_("Files that come in"), "template", EXCHANGE),
    (BillingBatchView, N_("Batches for billing"), "invoice", EXCHANGE),
    (ArchiveView, N_("Archive in open formats"), "report", EXCHANGE),
    (QualityIssueView, N_("Data quality"), "todo", EXCHANGE),
    (DueDifferenceView, N_("Due dates of old logs"), "clock", EXCHANGE),
    (LegalTermView, N_("Legal terms"), "law", TERMS),
    (CalendarView, N_("Calendar"), "calendar", TERMS),
    (OrganisationView, N_("The company"), "company", HOUSE),
    (ProcessView, N_("Processes"), "process", HOUSE),
    (ProcessMemberView, N_("Members of processes"), "members", HOUSE),
    (LeaveView, N_("Substitutes on leave"), "members", HOUSE),
    (RequestTypeView, N_("Request types"), "type", HOUSE),
    (ChannelView, N_("Channels"), "channel", HOUSE),
    (ServiceView, N_("Services"), "service", HOUSE),
    (AnswerTemplateView, N_("Answer templates"), "template", HOUSE),
    (MessageTemplateView, N_("Message templates"), "mail", HOUSE),
    (ConsentTextView, N_("Consent texts"), "consent", HOUSE),
    (ReminderRuleView, N_("Reminder rules"), "clock", HOUSE),
    (ContractKindView, N_("Kinds of contracts"), "type", HOUSE),
    (RequirementTemplateView, N_("Templates of requirements"), "template", HOUSE),
    (SuiCauseView, N_("SUI causes"), "cause", HOUSE),
    (SuiCodeView, N_("SUI codes"), "code", HOUSE),
    (SuiRuleView, N_("Rules of the SUI"), "sliders", HOUSE),
    (SuiMapView, N_("Equivalences of the SUI"), "code", HOUSE),
    (SuiColumnView, N_("Columns of the SUI"), "template", HOUSE),
    (InterruptionCauseView, N_("Causes of interruptions"), "cause", HOUSE),
    (MunicipalityView, N_("Municipalities"), "place", HOUSE),
    (ParameterView, N_("Parameters"), "sliders", HOUSE),
    (WebhookView, N_("Webhooks"), "process", HOUSE),
    (ChangeLogView, N_("Change log"), "history", RECORDS),
    (ReminderView, N_("Reminders given"), "clock", RECORDS),
    (OutboxMessageView, N_("Outgoing mail"), "mail", RECORDS),
    (WebhookDeliveryView, N_("Deliveries of webhooks"), "process", RECORDS),
    (JobView, N_("Long work"), "work", RECORDS),
    (PeriodicView, N_("Periodic tasks"), "clock", RECORDS),
]
NO_MENU: list[type] = [
    SuiLoadView,
    BillingItemView, BillingReplyView, BillingColumnView, RatingCounterView, FinderView, LookupView, ListsView, SignatureView, FeedView,
    CaseArchiveView, JobRunView, PreferenceView, AmendmentView, VerifiedRequirementView, VerificationView, PartyGroupView,
    RequirementItemView, ContractFileView, NeedView, EvidenceView, InterestGroupView, SurveyInviteeView,
    SurveyResponseView, SurveyWordsView, SheetView, SurveyDoorView, SurveyReportView, BuilderView, SurveyFileView,
    RiskProbabilityView, RiskImpactView, RiskBandView, IndicatorView, IndicatorRowsView, ReportView,
]  # fmt: skip
#: What FAB registers by itself, in our words.
SECURITY_LABELS = {
    "List Users": (N_("Users"), "user"), "List Roles": (N_("Roles"), "shield"), "List Groups": (N_("Groups"), "members"),
}  # fmt: skip


def register(builder: AppBuilder) -> None:
    """Register every screen and build the menu; security, which FAB registers first, goes last."""
    for view in NO_MENU:
        builder.add_view_no_menu(view)
    builder.add_api(ReportApi)
    for view, name, icon, category in MENU:
        builder.add_view(view, name, icon=icon, category=category)
    for name, (label, icon) in SECURITY_LABELS.items():
        item = builder.menu.find(name)
        item.label, item.icon = label, icon
    builder.menu.menu.sort(key=lambda item: item.name == SECURITY)
