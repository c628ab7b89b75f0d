"""Indicator sheets: periods, what a value means, and when misses ask for an action (ISO 9001:2015, 9.1; docs/rules/indicators.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from app.domain import N_
from app.domain.calendar import ONE_DAY, months_after
from app.domain.errors import DomainError, MoveRefused

FREQUENCIES = (1, 2, 3, 6, 12)
#: Values one after the other that miss the goal and ask for an action.
MISSES = 2
_STORED = Decimal("0.0001")


class Direction(Enum):
    """Which way an indicator is good."""

    MORE = N_("The more the better")
    LESS = N_("The less the better")


class Standing(Enum):
    """Where a value lies."""

    GOOD = N_("Reaches the goal")
    FAIR = N_("Near the goal")
    BAD = N_("Misses the goal")
    WATCHED = N_("Without a goal")
    EMPTY = N_("Nothing to measure")


class Scale(Enum):
    """What a value is made of: how its numerator and its denominator become one figure."""

    PERCENT = N_("Percentage")
    MEAN = N_("Mean")
    PER_THOUSAND = N_("For each thousand")
    COUNT = N_("Count")


_TIMES = {Scale.PERCENT: 100, Scale.MEAN: 1, Scale.PER_THOUSAND: 1000}


def value_of(scale: Scale, numerator: Decimal | None, denominator: Decimal | None) -> Decimal | None:
    """Return the figure, with four decimals; None where there is nothing to divide by, or nothing counted: never 0 nor 100."""
    if scale is Scale.COUNT:
        return numerator
    if numerator is None or not denominator:
        return None
    return (numerator * _TIMES[scale] / denominator).quantize(_STORED, ROUND_HALF_UP)


def standing_of(value: Decimal | None, direction: Direction, goal: Decimal | None, fair: Decimal | None) -> Standing:
    """Return where *value* lies: at the goal or beyond is good, as far as *fair* is near, further misses."""
    if value is None:
        return Standing.EMPTY
    if goal is None:
        return Standing.WATCHED
    sign = 1 if direction is Direction.MORE else -1
    if sign * value >= sign * goal:
        return Standing.GOOD
    return Standing.FAIR if fair is not None and sign * value >= sign * fair else Standing.BAD


# ── Periods ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def period_at(starts_on: date, months: int, day: date) -> tuple[date, date]:
    """Return the first and last day of the period that *day* lies in; the first one for a day before it."""
    gone = max(0, (day.year - starts_on.year) * 12 + day.month - starts_on.month) // months * months
    return months_after(starts_on, gone), months_after(starts_on, gone + months) - ONE_DAY


def periods_over(starts_on: date, months: int, today: date) -> Iterator[tuple[date, date]]:
    """Yield the periods that ended before *today*, the oldest first."""
    first, last = period_at(starts_on, months, starts_on)
    while last < today:
        yield first, last
        first, last = period_at(starts_on, months, last + ONE_DAY)


# ── What misses ask for ───────────────────────────────────────────────────────────────────────────────────────────────────


def misses(standings: Iterable[Standing]) -> int:
    """
    Return how many values miss the goal without another between them.

    Args:
        standings: The newest first. A period with nothing to measure is no value: it neither misses nor forgives.
    """
    n = 0
    for standing in standings:
        if standing is Standing.BAD:
            n += 1
        elif standing is not Standing.EMPTY:
            break
    return n


# ── What is refused ───────────────────────────────────────────────────────────────────────────────────────────────────────


def check_sheet(*, months: int, starts_on: date, direction: Direction, goal: Decimal | None, fair: Decimal | None) -> None:
    """Raise DomainError when the sheet has no known frequency, a first day inside a month, or bands on the wrong side of the goal."""
    if months not in FREQUENCIES:
        raise DomainError(N_("A period has 1, 2, 3, 6 or 12 months."), field="months")
    if starts_on.day != 1:
        raise DomainError(N_("Periods are whole months: the first day has to be the first of a month."), field="starts_on")
    if fair is None:
        return
    if goal is None:
        raise DomainError(N_("Without a goal nothing is near it. Write the goal, or leave this empty."), field="fair")
    if direction is Direction.MORE and fair > goal:
        raise DomainError(N_("The more the better: what is near the goal cannot lie above it."), field="fair")
    if direction is Direction.LESS and fair < goal:
        raise DomainError(N_("The less the better: what is near the goal cannot lie below it."), field="fair")


def check_typed(scale: Scale, numerator: Decimal | None, denominator: Decimal | None) -> None:
    """Raise DomainError when what was typed in is half a figure, or divides by zero or less; both empty say that nothing was measured."""
    if scale is Scale.COUNT:
        return
    if denominator is not None and denominator == 0:
        refusal = N_("Nothing can be divided by zero. If there was nothing to measure in the period, leave both numbers empty.")
        raise DomainError(refusal, field="denominator")
    if denominator is not None and denominator < 0:
        raise DomainError(N_("The denominator counts something: it cannot be negative."), field="denominator")
    if numerator is None and denominator is not None:
        raise DomainError(N_("Write the numerator as well, or leave both numbers empty."), field="numerator")
    if denominator is None and numerator is not None:
        raise DomainError(N_("Write the denominator as well, or leave both numbers empty."), field="denominator")


def check_period(period_from: date, period_until: date, starts_on: date, months: int, today: date) -> None:
    """Raise DomainError when it is no period of the indicator, or it has not ended."""
    if period_from < starts_on or period_at(starts_on, months, period_from) != (period_from, period_until):
        raise DomainError(N_("The indicator has no such period."), field="period")
    if period_until >= today:
        raise DomainError(N_("The period ends on %(day)s. Its value is known after that day."), field="period", day=period_until)


def check_draft(is_reported: bool) -> None:
    """Raise MoveRefused when the value was reported: it stays as it was, and a correction is written beside it."""
    if is_reported:
        raise MoveRefused(N_("The value was reported and no longer changes. Write a correction: it stays beside it, with its reason."))


def check_report(standing: Standing, analysis: str) -> None:
    """Raise DomainError when a value that is not good is reported without a word on why."""
    if standing in (Standing.FAIR, Standing.BAD) and not analysis.strip():
        raise DomainError(N_("The value does not reach the goal. Write the analysis before reporting it."), field="analysis")
