"""Interested parties (ISO 9001:2015, 4.2): what they need, how that is followed, and when it is due again."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError

#: Days ahead in which a follow-up counts as due soon.
SOON = timedelta(days=30)
#: How often, in months, a follow-up is usual; a register may hold others, up to `MOST_MONTHS`.
FREQUENCIES = {
    1: N_("Every month"), 2: N_("Every two months"), 3: N_("Every three months"), 4: N_("Every four months"), 6: N_("Every six months"),
    12: N_("Every year"), 24: N_("Every two years"), 36: N_("Every three years"),
}  # fmt: skip
MOST_MONTHS = 60


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


class Standing(Enum):
    """How the follow-up of a group stands on a day."""

    OVERDUE = N_("Overdue")
    SOON = N_("Due soon")
    IN_TIME = N_("Up to date")
    IDLE = N_("Not followed any more")


#: How each standing is coloured.
TONES = {Standing.OVERDUE: "bad", Standing.SOON: "warn", Standing.IN_TIME: "ok", Standing.IDLE: "stop"}


def next_due_on(last_on: date | None, starts_on: date, months: int) -> date:
    """
    Return until when a mechanism has to be applied again: *months* after its last evidence, or after it began while there is none.

    Raises:
        DomainError: *months* is no frequency.
    """
    if not 1 <= months <= MOST_MONTHS:
        raise DomainError(N_("Say every how many months it is done: from 1 to %(most)s."), field="months", most=MOST_MONTHS)
    return months_after(last_on or starts_on, months)


def standing_of(next_on: date | None, today: date) -> Standing:
    """Return how a mechanism stands that is due on *next_on*: that day itself is still in time. None: nobody follows it any more."""
    if next_on is None:
        return Standing.IDLE
    if next_on < today:
        return Standing.OVERDUE
    return Standing.SOON if next_on - today <= SOON else Standing.IN_TIME


def first_of(on: date) -> date:
    """Return the first day of the month of *on*."""
    return on.replace(day=1)


def check_evidence_day(on: date, starts_on: date, today: date) -> None:
    """
    Refuse a day on which nothing can have been done.

    Raises:
        DomainError: It lies ahead, or many years behind, which is a slip of the pen.
    """
    if on > today:
        raise DomainError(N_("Evidence is of something that was done: its day cannot be after today."), field="on")
    if on.year < starts_on.year - 10:
        raise DomainError(N_("The day is more than ten years before this follow-up began. Check the year."), field="on")
