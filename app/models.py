"""
The tables: the index of `app/tables/`, where each room declares its own.

Rules live in `app/domain`, changes in `app/operations`, SELECTs in `app/queries.py`.
`*_on` are local dates of Colombia, `*_at` aware UTC instants, `*_cop` pesos, `is_*` flags, `n_*` counts.
"""

from __future__ import annotations

from app.tables.acts import Answer, AnswerPoint, AnswerTemplate, Appeal, Document, Notice, Requirement, Silence
from app.tables.attention import MassEvent, Rating
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Assignment, CaseEvent, Note, Pqr, StoredFile
from app.tables.checklists import Checklist, ChecklistFile, ChecklistItem, CommercialEvent
from app.tables.contracts import (
    Amendment,
    AmendmentEnding,
    Contract,
    ContractFile,
    ContractKind,
    ContractRequirement,
    ContractSignatory,
    Guarantee,
    RequirementItem,
    RequirementTemplate,
)
from app.tables.exchange import (
    BillingBatch,
    BillingColumn,
    BillingItem,
    BillingReply,
    CalendarFeed,
    ImportBatch,
    ImportMapping,
    Invoice,
    MarketClaim,
    PastRecord,
    QualityIssue,
    Webhook,
    WebhookDelivery,
)
from app.tables.fieldwork import FieldOrder, OrderFile
from app.tables.house import (
    Channel,
    Municipality,
    NumberSeries,
    Organisation,
    Parameter,
    Process,
    ProcessMember,
    RequestType,
    Service,
    SuiCause,
    SuiCode,
)
from app.tables.improvement import Action, ActionCause, ActionEvent, ActionFile, ActionReview, ActionTask, Nonconformity
from app.tables.indicators import Indicator, IndicatorNote, IndicatorValue
from app.tables.interested import Evidence, InterestGroup, Mechanism, Need, PartyContact, PartyGroup
from app.tables.law import CalendarChange, CalendarDay, CalendarYear, LegalTerm
from app.tables.mail import InboundMessage, MailLanguage, MessageTemplate, NoticePreference, OutboxMessage
from app.tables.money import Financing, Instalment, InvoiceChange, InvoiceChangeLine
from app.tables.parties import Account, Consent, ConsentText, Party
from app.tables.people import Leave, ListColumns, SavedFilter, Signature
from app.tables.qms import (
    ControlledDocument,
    ControlledPrint,
    DocumentEdition,
    LegalEvaluation,
    LegalRequirement,
    LegalRest,
    ManagementReview,
    ProcessActivity,
    ProcessSheet,
    ProcessSheetRow,
    ReviewDecision,
)
from app.tables.questionnaires import (
    Question,
    Questionnaire,
    QuestionnaireSection,
    QuestionnaireVersion,
    QuestionOption,
    SurveyThreshold,
)
from app.tables.quotations import Quotation, QuotationFollowUp, QuotationLine, QuotationVersion
from app.tables.records import ChangeLog, RateCounter, SearchDoc
from app.tables.reminders import Reminder, ReminderRule
from app.tables.reporting import ReportFavourite, ReportRecipient, ReportRun, ReportSchedule
from app.tables.risks import Risk, RiskBand, RiskControl, RiskImpact, RiskMove, RiskProbability
from app.tables.sui import Interruption, InterruptionCause, SuiColumn, SuiLoad, SuiLoadRow, SuiMap, SuiRule
from app.tables.surveys import (
    SurveyAlarm,
    SurveyAnswer,
    SurveyAnswerTag,
    SurveyCall,
    SurveyCampaign,
    SurveyInvitee,
    SurveyOptOut,
    SurveyQuota,
    SurveyResponse,
    SurveyTag,
)
from app.tables.work import Job, JobRun, WorkerBeat

__all__ = [
    "Account", "Action", "ActionCause", "ActionEvent", "ActionFile", "ActionReview", "ActionTask", "Amendment", "AmendmentEnding",
    "Answer", "AnswerPoint", "AnswerTemplate", "Appeal", "Assignment", "Audited", "BillingBatch", "BillingColumn", "BillingItem",
    "BillingReply", "CalendarChange", "CalendarDay", "CalendarFeed", "CalendarYear", "CaseEvent", "ChangeLog", "Channel", "Checklist",
    "ChecklistFile", "ChecklistItem", "CommercialEvent", "Consent", "ConsentText", "Contract", "ContractFile", "ContractKind",
    "ContractRequirement", "ContractSignatory", "ControlledDocument", "ControlledPrint", "Document", "DocumentEdition", "Evidence",
    "FieldOrder", "Financing", "Guarantee", "ImportBatch", "ImportMapping", "InboundMessage", "Indicator", "IndicatorNote",
    "IndicatorValue", "Instalment", "InterestGroup", "Interruption", "InterruptionCause", "Invoice", "InvoiceChange",
    "InvoiceChangeLine", "Job", "JobRun", "Leave", "LegalEvaluation", "LegalRequirement", "LegalRest", "LegalTerm", "ListColumns",
    "MailLanguage", "ManagementReview", "MarketClaim", "MassEvent", "Mechanism", "MessageTemplate", "Municipality", "Need",
    "Nonconformity", "Note", "Notice", "NoticePreference", "NumberSeries", "OrderFile", "Organisation", "OutboxMessage", "Parameter",
    "Party", "PartyContact", "PartyGroup", "PastRecord", "Pqr", "Process", "ProcessActivity", "ProcessMember", "ProcessSheet",
    "ProcessSheetRow", "QualityIssue", "Question", "QuestionOption", "Questionnaire", "QuestionnaireSection", "QuestionnaireVersion",
    "Quotation", "QuotationFollowUp", "QuotationLine", "QuotationVersion", "RateCounter", "Rating", "Reminder", "ReminderRule",
    "ReportFavourite", "ReportRecipient", "ReportRun", "ReportSchedule", "RequestType", "Requirement", "RequirementItem",
    "RequirementTemplate", "ReviewDecision", "Risk", "RiskBand", "RiskControl", "RiskImpact", "RiskMove", "RiskProbability",
    "SavedFilter", "SearchDoc", "Service", "Signature", "Silence", "StoredFile", "SuiCause", "SuiCode", "SuiColumn", "SuiLoad",
    "SuiLoadRow", "SuiMap", "SuiRule", "SurveyAlarm", "SurveyAnswer", "SurveyAnswerTag", "SurveyCall", "SurveyCampaign",
    "SurveyInvitee", "SurveyOptOut", "SurveyQuota", "SurveyResponse", "SurveyTag", "SurveyThreshold", "UtcDateTime", "Webhook",
    "WebhookDelivery", "WorkerBeat", "enum_column",
]  # fmt: skip
