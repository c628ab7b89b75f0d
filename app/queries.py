"""Named SELECTs shared by screens, reports, jobs and the API. They read; nobody here writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import TermRule
from app.domain.errors import DomainError
from app.domain.states import DayException
from app.domain import N_
from app.models import CalendarDay, CalendarYear, LegalTerm, Organisation, Parameter, Pqr, Process

# ── The house ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def organisation(session: Session) -> Organisation:
    """Return the organisation that this installation serves. Raises DomainError when none is loaded."""
    found = session.scalar(select(Organisation).order_by(Organisation.id).limit(1))
    if found is None:
        raise DomainError(N_("The organisation is not set up yet. An administrator has to fill it in Organisation."))
    return found


def front_desk(session: Session) -> Process:
    """Return the process where every case starts. Raises DomainError when none is marked."""
    found = session.scalar(select(Process).where(Process.is_front_desk))
    if found is None:
        raise DomainError(N_("No process is marked as the front desk. An administrator has to mark one in Processes."))
    return found


def parameter(session: Session, key: str, default: str = "") -> str:
    """Return the value of parameter *key*, or *default* when nobody loaded it."""
    return session.scalar(select(Parameter.value).where(Parameter.key == key)) or default


# ── The calendar and the terms ────────────────────────────────────────────────────────────────────────────────────────────

_CALENDARS: dict[Any, BusinessCalendar] = {}
_CALENDAR, _TERMS = "atiende.calendar", "atiende.terms"


def calendar_of(session: Session, organisation: Organisation) -> BusinessCalendar:
    """
    Return the business calendar of *organisation*, as loaded in this database.

    The rows are read once a session and the prefix sums are built once a process for equal rows, so that an edit shows at once
    and thousands of dates cost one query.
    """
    cached = session.info.get(_CALENDAR)
    if cached is not None:
        return cached
    years = tuple(session.scalars(select(CalendarYear.year).order_by(CalendarYear.year)))
    columns = (CalendarDay.on, CalendarDay.name, CalendarDay.norm, CalendarDay.kind)
    days = tuple(map(tuple, session.execute(select(*columns).order_by(CalendarDay.on))))
    key = (years, days, organisation.working_week, organisation.closes_at)
    if key not in _CALENDARS:
        if len(_CALENDARS) > 64:
            _CALENDARS.clear()
        _CALENDARS[key] = BusinessCalendar(
            [NonWorkingDay(on, name, norm, kind is DayException.CLOSURE) for on, name, norm, kind in days],
            years,
            working_week=frozenset(int(digit) - 1 for digit in organisation.working_week),
            closes_at=organisation.closes_at,
            version=f"{hash(key) & 0xFFFFFFFF:08x}",
        )
    session.info[_CALENDAR] = _CALENDARS[key]
    return _CALENDARS[key]


def term_rules(session: Session) -> tuple[TermRule, ...]:
    """Return every legal term, as the domain reads it."""
    cached = session.info.get(_TERMS)
    if cached is None:
        cached = session.info[_TERMS] = tuple(map(rule_of, session.scalars(select(LegalTerm))))
    return cached


def rule_of(term: LegalTerm) -> TermRule:
    return TermRule(
        regime=term.regime,
        act=term.act,
        request_type=term.request_type,
        value=term.value,
        unit=term.unit,
        norm=term.norm,
        count_from=term.count_from,
        valid_from=term.valid_from,
        valid_until=term.valid_until,
        source=term.source,
        confidence=term.confidence,
        id=term.id,
    )


def forget_calendar(session: Session) -> None:
    """Read the calendar and the terms again on next use: for whoever just changed them in this session."""
    session.info.pop(_CALENDAR, None)
    session.info.pop(_TERMS, None)


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def case_by_number(session: Session, number: str) -> Pqr | None:
    """Return the case with that number, spaces and letter case forgiven, or None."""
    return session.scalar(select(Pqr).where(Pqr.number == "".join(number.split()).upper()))
