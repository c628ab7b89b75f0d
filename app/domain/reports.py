"""What is known of every report, whatever it counts: its formats, its place in the catalogue, when it leaves by itself, its periods."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError


class ReportFormat(Enum):
    """A file in which a report leaves."""

    XLSX = N_("Excel")
    PDF = N_("PDF")
    CSV = N_("CSV")


class ReportGroup(Enum):
    """The chapters of the catalogue of reports, in its order."""

    CASES = N_("Cases (PQRS)")
    FIELD = N_("Orders, actas and money")
    COMMERCIAL = N_("Commercial side")
    SATISFACTION = N_("Satisfaction")
    QUALITY = N_("Management system")
    REGULATOR = N_("Regulator and transparency")


class Every(Enum):
    """How often a scheduled report leaves. Of months without its day, it leaves on their last one."""

    DAY = N_("Every working day")
    WEEK = N_("Every week")
    MONTH = N_("Once a month")
    QUARTER = N_("Once in three months")


class ReportOutcome(Enum):
    """How a run of a report ended."""

    RUNNING = N_("Being made")
    DONE = N_("Done")
    EMPTY = N_("Without rows")
    REFUSED = N_("Not made")
    FAILED = N_("Failed")
    CANCELLED = N_("Cancelled")


class ReportPeriod(Enum):
    """Spans that follow the calendar, so that a report sent every month asks for the month that ended. OTHER has two dates of its own."""

    THIS_MONTH = N_("This month")
    LAST_MONTH = N_("The month that ended")
    THIS_QUARTER = N_("This quarter")
    LAST_QUARTER = N_("The quarter that ended")
    THIS_HALF = N_("This half-year")
    LAST_HALF = N_("The half-year that ended")
    THIS_YEAR = N_("This year")
    LAST_YEAR = N_("The year that ended")
    LAST_12_MONTHS = N_("The twelve months that ended")
    OTHER = N_("From one day to another")


# ── When a scheduled report leaves ────────────────────────────────────────────────────────────────────────────────────────

#: How many days in a row nobody may work before a report leaves all the same.
MOST_REST = 14
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """
    How often a report leaves: at `hour` of every working day, of the same `weekday` (0 Monday) of every week, or of the same `month_day`
    of every month or of the first month of every quarter.

    A month without that day has its last one instead; a day on which nobody works gives way to the next working one.

    Raises:
        DomainError: The hour or the day that its frequency asks for is missing, or does not exist.
    """

    every: Every
    hour: int
    weekday: int | None = None
    month_day: int | None = None

    def __post_init__(self) -> None:
        if self.hour not in range(24):
            raise DomainError(N_("Write an hour from 0 to 23."), field="hour")
        if self.every is Every.WEEK and self.weekday not in range(7):
            raise DomainError(N_("Say on which day of the week it leaves."), field="weekday")
        if self.every in (Every.MONTH, Every.QUARTER) and self.month_day not in range(1, 32):
            raise DomainError(N_("Say on which day of the month it leaves, from 1 to 31."), field="month_day")

    def _nominal(self, since: date) -> Iterator[date]:
        """Yield its days in order, from about *since* on, whether or not anybody works on them."""
        if self.every in (Every.DAY, Every.WEEK):
            step = _DAY if self.every is Every.DAY else 7 * _DAY
            day = since if self.weekday is None else since - _DAY * ((since.weekday() - self.weekday) % 7)
            while True:
                yield day
                day += step
        n = 3 if self.every is Every.QUARTER else 1
        first = since.replace(month=(since.month - 1) // n * n + 1, day=1)
        while True:
            yield first.replace(day=min(self.month_day or 1, monthrange(first.year, first.month)[1]))
            first = months_after(first, n)


def next_run(rhythm: Rhythm, after: datetime, is_working: Callable[[date], bool]) -> datetime:
    """
    Return the first moment later than *after* at which a report of *rhythm* leaves; both on the wall clock, naive.

    What fell due while nothing ran is not made up for one by one: whoever comes late makes it once and asks from there.
    """
    start = after.date() - (MOST_REST + 7) * _DAY
    for nominal in rhythm._nominal(start):
        day = nominal
        while not is_working(day) and day - nominal < MOST_REST * _DAY:
            day += _DAY
        if (moment := datetime.combine(day, time(rhythm.hour))) > after:
            return moment
    raise AssertionError("a rhythm never ends")  # pragma: no cover


def next_runs(rhythm: Rhythm, after: datetime, is_working: Callable[[date], bool], n: int = 3) -> list[datetime]:
    """Return the next *n* moments after *after*: what whoever schedules a report is shown before it is kept."""
    found: list[datetime] = []
    for _n in range(n):
        found.append(next_run(rhythm, found[-1] if found else after, is_working))
    return found
