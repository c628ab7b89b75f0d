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
from app.tables.law import CalendarChange, CalendarDay, CalendarYear, LegalTerm
from app.tables.money import Financing, Instalment, InvoiceChange, InvoiceChangeLine
from app.tables.parties import Account, Consent, ConsentText, Party
from app.tables.people import Leave, ListColumns, SavedFilter, Signature
from app.tables.records import ChangeLog, OutboxMessage, RateCounter, SearchDoc

__all__ = [
    "Account", "Answer", "AnswerPoint", "AnswerTemplate", "Appeal", "Assignment", "Audited", "CalendarChange", "CalendarDay",
    "CalendarYear", "CaseEvent", "ChangeLog", "Channel", "Consent", "ConsentText", "Document", "FieldOrder", "Financing", "Instalment",
    "InvoiceChange", "InvoiceChangeLine", "Leave", "LegalTerm", "ListColumns", "MassEvent", "Municipality", "Note", "Notice",
    "NumberSeries", "OrderFile", "Organisation", "OutboxMessage", "Parameter", "Party", "Pqr", "Process", "ProcessMember",
    "RateCounter", "Rating", "RequestType", "Requirement", "SavedFilter", "SearchDoc", "Service", "Signature", "Silence", "StoredFile",
    "SuiCause", "SuiCode", "UtcDateTime", "enum_column",
]  # fmt: skip
