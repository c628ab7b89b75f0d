"""
The positive silence: until when it is to be recognised, and which answers run the risk of one (see docs/rules/pqr-silence.md).

When it arises is told by `deadlines.silence_on`. Pure: whoever calls brings the terms, the calendar and `today`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

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
    Return the last days of answers whose notice is late on *today*: the summons was due before, or the aviso after the term to appear.

    Raises:
        CalendarGap: The days before *today* are of a year that is not loaded.

    Source: CPACA arts. 68 and 69.
    """

    def aviso_due_on(answered_on: date) -> date:
        appeared = term_end(term_end(answered_on, terms.summons, calendar), terms.appearance, calendar)
        return calendar.add(appeared, 1)

    summons_due_on = partial(term_end, rule=terms.summons, calendar=calendar)
    return RiskDays(_last_before(today, summons_due_on), _last_before(today, aviso_due_on))


def _last_before(today: date, due_on: Callable[[date], date]) -> date:
    """Return the last day whose *due_on* is before *today*."""
    day = today - ONE_DAY
    while due_on(day) >= today:
        day -= ONE_DAY
    return day
