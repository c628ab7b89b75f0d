"""
When somebody is reminded of something that has a term: at its start, part of the way, some days before, each day, once it is over.

A step of a rule is the working day on which it falls due. After nights without a run the newest step is told, once, and stands for those
before it: nothing is lost, and nobody hears the same news twice. Pure: whoever calls brings the calendar and `today`. See
docs/rules/reminders.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.errors import DomainError
from app.domain.states import ReminderTrigger

#: Between these hours people are told things, where the house did not say when it works.
OPENS_AT, CLOSES_AT = time(8), time(18)
#: What the number of a rule may be: a percentage, working days, or nothing.
VALUES = {
    ReminderTrigger.AT_START: range(1),
    ReminderTrigger.AT_PERCENT: range(1, 101),
    ReminderTrigger.DAYS_BEFORE: range(366),
    ReminderTrigger.EACH_DAY: range(1, 101),
    ReminderTrigger.OVERDUE: range(366),
    ReminderTrigger.DAYS_LATE: range(1, 366),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """
    When to tell.

    *value* is the part of the term in percent (AT_PERCENT; EACH_DAY: from the day after it on), the working days before the safe date
    (DAYS_BEFORE), every how many working days it is said again (OVERDUE; 0: once), or how many of them it is late (DAYS_LATE: once, to
    whom it goes up).

    Raises:
        DomainError: *value* is none that the trigger knows.
    """

    trigger: ReminderTrigger
    value: int = 0

    def __post_init__(self) -> None:
        allowed = VALUES[self.trigger]
        if self.value not in allowed:
            refusal = N_("Write a whole number from %(least)s to %(most)s: that is what this moment takes.")
            raise DomainError(refusal, field="value", least=allowed[0], most=allowed[-1])


@dataclass(frozen=True, slots=True)
class Term:
    """
    What a reminder is about: something that started and has to be done.

    Args:
        started_on: First day.
        due_on: Last day. None: the clock is stopped, or there is none; nobody is told anything then.
        safe_on: Day to have it done by; None: the working day before *due_on*.
        n_days: Working days of the term, where stops made those between start and end more than that.
        is_news: Whether its start is told; what was imported started somewhere else.
    """

    started_on: date
    due_on: date | None
    safe_on: date | None = None
    n_days: int | None = None
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class Telling:
    """What is to be told: the step that fell due last, and how many before it that nobody was told."""

    step: date
    n_covered: int = 0


def to_tell(rule: Rule, term: Term, last: date | None, calendar: BusinessCalendar, today: date) -> Telling | None:
    """
    Return what *rule* has to tell on *today*, or None. *last* is the newest step that was told before.

    A term that moved later brings its steps again; one that moved earlier repeats none.

    Raises:
        CalendarGap: The term touches a year that is not loaded.
    """
    if term.due_on is None or (rule.trigger is ReminderTrigger.AT_START and not term.is_news):
        return None
    if rule.trigger is ReminderTrigger.DAYS_LATE and calendar.between(term.due_on, today) < rule.value:
        return None  # not so late yet, whatever year the day would fall in
    first, every, until = _steps(rule, term, term.due_on, calendar)
    end = min(today, until or today)
    if end < first:
        return None
    n = calendar.between(first, end) // every if every else 0
    step = calendar.add(first, n * every) if n else first
    if last is None or last < first:
        return Telling(step, n)
    if step <= last:
        return None
    return Telling(step, n - calendar.between(first, last) // every - 1 if every else 0)


def _steps(rule: Rule, term: Term, due_on: date, calendar: BusinessCalendar) -> tuple[date, int, date | None]:
    """Return the first step, every how many working days another follows (0: none), and the day after which none does."""
    match rule.trigger:
        case ReminderTrigger.AT_START:
            return calendar.next_working_day(term.started_on), 0, None
        case ReminderTrigger.AT_PERCENT:
            return _day_at(rule.value, term, due_on, calendar), 0, None
        case ReminderTrigger.DAYS_BEFORE:
            return _before_safe(rule.value, term, due_on, calendar), 0, None
        case ReminderTrigger.EACH_DAY:
            return calendar.add(_day_at(rule.value, term, due_on, calendar), 1), 1, due_on
        case ReminderTrigger.DAYS_LATE:
            return calendar.add(due_on, rule.value), 0, None
    return calendar.add(due_on, 1), rule.value, None


def _day_at(percent: int, term: Term, due_on: date, calendar: BusinessCalendar) -> date:
    """Return the working day on which *percent* of the working days between start and safe date have passed."""
    n = calendar.between(calendar.next_working_day(term.started_on), safe_day(term, due_on, calendar))
    n = n if term.n_days is None else min(n, term.n_days)
    return _before_safe(n * (100 - percent) // 100, term, due_on, calendar)


def _before_safe(n: int, term: Term, due_on: date, calendar: BusinessCalendar) -> date:
    """Return the n-th working day before the safe date; not before the start."""
    safe, start = safe_day(term, due_on, calendar), calendar.next_working_day(term.started_on)
    n = min(n, calendar.between(start, safe))
    return calendar.previous_working_day(safe, n) if n else safe


def safe_day(term: Term, due_on: date, calendar: BusinessCalendar) -> date:
    """Return the working day to have it done by: before the last one, and not before the start."""
    start = calendar.next_working_day(term.started_on)
    if term.safe_on is None:
        return max(calendar.previous_working_day(due_on), start)
    return max(term.safe_on if calendar.is_working_day(term.safe_on) else calendar.previous_working_day(term.safe_on), start)


def may_tell(at: datetime, calendar: BusinessCalendar, opens_at: time | None = None, closes_at: time | None = None) -> bool:
    """
    Say whether people may be told things at the local time *at*: on working days, between opening and closing.

    Hours that the house did not tell are 08:00 and 18:00; a lone hour that contradicts them counts as untold.

    Raises:
        CalendarGap: The year of *at* is not loaded.

    Source: Ley 2191 de 2022, arts. 3 and 4 (nobody is sent work outside working hours).
    """
    opens, closes = opens_at or OPENS_AT, closes_at or CLOSES_AT
    if opens >= closes:
        opens, closes = OPENS_AT, CLOSES_AT
    return opens <= at.time() < closes and calendar.is_working_day(at.date())
