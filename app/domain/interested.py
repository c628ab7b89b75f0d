"""Interested parties (ISO 9001:2015, 4.2): what they need, how that is followed, and when it is due again."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


class NeedKind(Enum):
    """Whether somebody states it or hopes for it (commercial procedure, 4)."""

    NEED = N_("Need")
    EXPECTATION = N_("Expectation")


class QualityKind(Enum):
    """The three demands of quality (commercial procedure, 4)."""

    REQUIRED = N_("Required quality")
    EXPECTED = N_("Expected quality")
    POTENTIAL = N_("Potential quality")


class Relevance(Enum):
    """How much it matters for the quality management system."""

    HIGH = N_("High")
    MEDIUM = N_("Medium")
    LOW = N_("Low")


class EvidenceSource(Enum):
    """Where the evidence that a mechanism was applied comes from: found in the system, or attached by somebody."""

    SURVEY = N_("Satisfaction survey")
    CONTRACT_REVIEW = N_("Verification of contracts")
    PQR_REPORT = N_("Report of cases")
    VISIT = N_("Visit or field order")
    QUOTATION = N_("Follow-up of a quotation")
    ATTACHED = N_("Attached by hand")
