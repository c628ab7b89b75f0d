"""
The positive silence: until when it is to be recognised, and which answers run the risk of one (see docs/rules/pqr-silence.md).

When it arises is told by `deadlines.silence_on`. Pure: whoever calls brings the terms, the calendar and `today`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import Regime, TermAct, TermRule, rule_for, term_end
from app.domain.notices import NoticeTerms

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Arisen:
    """A silence: the first day on which it exists, and the last of those to recognise it. The 72 hours need no working day."""

    on: date
    recognise_by: date


def arisen(due_on: date, rules: Iterable[TermRule], calendar: BusinessCalendar) -> Arisen:
    """
    Return the silence of a term that ended on *due_on* without an answer.

    Raises:
        TermMissing: Nobody loaded the term to recognise it.

    Source: Ley 142 de 1994, art. 158 (D.L. 2150 de 1995, art. 123).
    """
    rule = rule_for(rules, Regime.LEY142, TermAct.SILENCE_RECOGNITION, None, due_on)
    return Arisen(due_on + ONE_DAY, term_end(due_on, rule, calendar))


@dataclass(frozen=True, slots=True)
class RiskDays:
    """Answers of these days or earlier run a risk: `untried` if nothing was sent yet, `unserved` while they are not notified."""

    untried: date
    unserved: date


def risk_days(terms: NoticeTerms, calendar: BusinessCalendar, today: date) -> RiskDays:
    """
    Return the last days of answers whose notice is late on *today*: the summons was due before, or the term to appear after it.

    Raises:
        CalendarGap: The days before *today* are of a year that is not loaded.

    Source: CPACA arts. 68 and 69.
    """
    return RiskDays(*(_last_before(today, steps, calendar) for steps in ((terms.summons,), (terms.summons, terms.appearance))))


def _last_before(today: date, steps: tuple[TermRule, ...], calendar: BusinessCalendar) -> date:
    """Return the last day from which *steps*, one after the other, end before *today*."""
    day = today - ONE_DAY
    while _end(day, steps, calendar) >= today:
        day -= ONE_DAY
    return day


def _end(day: date, steps: tuple[TermRule, ...], calendar: BusinessCalendar) -> date:
    for rule in steps:
        day = term_end(day, rule, calendar)
    return day
