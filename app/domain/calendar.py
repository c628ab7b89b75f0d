"""
Business days of one organisation: working week, holidays by year and local closures, all of them received as data.

Every question is a look-up in tables made once when the calendar is built, so counting a term walks no days.
See docs/rules/pqr-terms.md.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum

from app.domain import N_
from app.domain.errors import CalendarGap, DomainError

ONE_DAY = timedelta(days=1)
MONDAY_TO_FRIDAY = frozenset(range(5))
WEEKDAYS = (N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday"))
COLOMBIA = timezone(timedelta(hours=-5), "America/Bogota")
"""Legal time of Colombia: UTC-5 all year, with no daylight saving time to look up."""


class DayKind(Enum):
    """What the calendar says about a day. The member name is stored; the value is the msgid people read."""

    WORKING = N_("Working day")
    WEEKEND = N_("Weekend")
    HOLIDAY = N_("Holiday")
    CLOSURE = N_("Local closure")


@dataclass(frozen=True, slots=True)
class NonWorkingDay:
    """
    A date on which nobody works, besides the weekend.

    `norm` is the act that orders it (a law, a decree, a resolution of the company), shown to whoever asks why.
    `is_closure` tells a closing of this office from a holiday of the whole country.
    """

    on: date
    name: str
    norm: str = ""
    is_closure: bool = False


def local_day(filed_at: datetime | date) -> date:
    """Return the Colombian date of an instant; a date or a naive datetime is already local."""
    if not isinstance(filed_at, datetime):
        return filed_at
    return (filed_at if filed_at.tzinfo is None else filed_at.astimezone(COLOMBIA)).date()


def months_after(start: date, n: int) -> date:
    """Return the day *n* calendar months after *start*: the same number, or the last day of a shorter month (Código Civil, art. 67)."""
    years, month = divmod(start.month - 1 + n, 12)
    year, month = start.year + years, month + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


class _Span:
    """
    A run of loaded years without a hole, with its tables.

    `working` holds the working days in order; `before[i]` counts those earlier than the i-th day of the span, so
    `working[before[i]]` is the first working day on or after that day and `before[i + 1]` counts it too.
    """

    __slots__ = ("before", "first", "first_year", "last_year", "working")

    def __init__(self, first_year: int, last_year: int, working_week: frozenset[int], off: Collection[date]) -> None:
        self.first_year, self.last_year = first_year, last_year
        self.first = date(first_year, 1, 1).toordinal()
        self.working: list[date] = []
        self.before = [0]
        for ordinal in range(self.first, date(last_year, 12, 31).toordinal() + 1):
            day = date.fromordinal(ordinal)
            if day.weekday() in working_week and day not in off:
                self.working.append(day)
            self.before.append(len(self.working))


class BusinessCalendar:
    """
    Business days of one organisation. Immutable: an edit makes another calendar (see `with_changes`).

    Args:
        days: Holidays and closures. Two on one date count once, and their names are shown together.
        years: The years somebody loaded. A question that touches any other year raises `CalendarGap`, also when
            the missing year lies between two loaded ones: a guess would move a legal date.
        working_week: Weekdays on which the office works, Monday = 0.
        closes_at: Local closing time; what arrives later counts as arrived on the next working day.
            None: the day lasts until midnight.
        version: Name of this state of the calendar, to be stored beside the dates computed with it.

    Raises:
        DomainError: *working_week* names no weekday, or one that does not exist.

    Source: Ley 51 de 1983 and Ley 2578 de 2026 (holidays); Ley 4 de 1913, art. 62 (days of a term are business days).
    """

    __slots__ = ("_days", "_off", "_span_of", "closes_at", "version", "working_week", "years")

    def __init__(
        self,
        days: Iterable[NonWorkingDay],
        years: Collection[int],
        *,
        working_week: frozenset[int] = MONDAY_TO_FRIDAY,
        closes_at: time | None = None,
        version: str = "",
    ) -> None:
        if not working_week or not working_week <= frozenset(range(7)):
            raise DomainError(N_("The working week needs at least one weekday, from Monday to Sunday."))
        self.years = frozenset(years)
        self.working_week = frozenset(working_week)
        self.closes_at = closes_at
        self.version = version
        self._days = tuple(sorted(days, key=lambda day: (day.on, day.is_closure, day.name)))
        self._off = _by_date(self._days)
        self._span_of: dict[int, _Span] = {}
        for run in _runs(self.years):
            span = _Span(run[0], run[-1], self.working_week, self._off)
            self._span_of.update((year, span) for year in run)

    @property
    def days(self) -> tuple[NonWorkingDay, ...]:
        """Holidays and closures as received, by date."""
        return self._days

    def covers(self, day: date) -> bool:
        """Say whether the year of *day* is loaded."""
        return day.year in self._span_of

    def kind_of(self, day: date) -> DayKind:
        """
        Return what *day* is; a holiday that falls on a weekend is a holiday, a closure there is a weekend.

        Raises:
            CalendarGap: The year of *day* is not loaded.
        """
        self._span(day)
        off = self._off.get(day)
        if off is not None and not off.is_closure:
            return DayKind.HOLIDAY
        if day.weekday() not in self.working_week:
            return DayKind.WEEKEND
        return DayKind.WORKING if off is None else DayKind.CLOSURE

    def name_of(self, day: date) -> str:
        """Return the name of the holiday or closure on *day*, or "". Raises CalendarGap for a year not loaded."""
        self._span(day)
        off = self._off.get(day)
        return off.name if off else ""

    def norm_of(self, day: date) -> str:
        """Return the act that makes *day* a holiday or closure, or "". Raises CalendarGap for a year not loaded."""
        self._span(day)
        off = self._off.get(day)
        return off.norm if off else ""

    def is_working_day(self, day: date) -> bool:
        """Say whether the office works on *day*. Raises CalendarGap for a year not loaded."""
        return self.kind_of(day) is DayKind.WORKING

    def next_working_day(self, day: date) -> date:
        """
        Return *day* itself when it is a working day, else the first one after it.

        Raises:
            CalendarGap: The year of *day* is not loaded, or no working day is left before one that is not.
        """
        try:
            span = self._span_of[day.year]
            return span.working[span.before[day.toordinal() - span.first]]
        except KeyError:
            raise CalendarGap(day.year) from None
        except IndexError:
            raise CalendarGap(span.last_year + 1) from None

    def previous_working_day(self, day: date, n: int = 1) -> date:
        """
        Return the last working day strictly before *day*, or the n-th one, counted backwards.

        Raises:
            CalendarGap: The year of *day* is not loaded, or the answer lies in an earlier year that is not.
        """
        span = self._span_of.get(day.year) or self._span(day)
        n_before = span.before[day.toordinal() - span.first]
        if n_before < n:
            raise CalendarGap(span.first_year - 1)
        return span.working[n_before - n]

    def effective_on(self, filed_at: datetime | date) -> date:
        """
        Return the working day on which something counts as filed.

        Args:
            filed_at: Local time of arrival. An aware datetime is read in Colombian time; a bare date has no hour,
                so closing time does not apply to it.

        Raises:
            CalendarGap: That day lies in a year that is not loaded.

        Source: general rule, and for e-filing CPACA (Ley 1437 de 2011), art. 54; closing time is a parameter.
        """
        day = local_day(filed_at)
        if self.is_after_hours(filed_at):
            day += ONE_DAY
        return self.next_working_day(day)

    def is_after_hours(self, filed_at: datetime | date) -> bool:
        """Say whether *filed_at* has an hour, and it is later than closing time; closing time itself is in time."""
        if self.closes_at is None or not isinstance(filed_at, datetime):
            return False
        local = filed_at if filed_at.tzinfo is None else filed_at.astimezone(COLOMBIA)
        return local.time() > self.closes_at

    def add(self, day: date, n: int) -> date:
        """
        Return the n-th working day strictly after *day*; with n = 0, `next_working_day(day)`.

        Raises:
            CalendarGap: The count starts in, or runs into, a year that is not loaded.
            ValueError: *n* is negative.
        """
        if n < 1:
            if n:
                raise ValueError("n must not be negative")
            return self.next_working_day(day)
        try:
            span = self._span_of[day.year]
            return span.working[span.before[day.toordinal() - span.first + 1] + n - 1]
        except KeyError:
            raise CalendarGap(day.year) from None
        except IndexError:
            raise CalendarGap(span.last_year + 1) from None

    def between(self, a: date, b: date) -> int:
        """
        Return how many working days lie in (a, b]: after *a*, up to *b* included; 0 when *b* is not after *a*.

        Raises:
            CalendarGap: *a*, *b* or a year between them is not loaded.
        """
        span, other = self._span(a), self._span(b)
        if b <= a:
            return 0
        if span is not other:
            raise CalendarGap(span.last_year + 1)
        return span.before[b.toordinal() - span.first + 1] - span.before[a.toordinal() - span.first + 1]

    def with_changes(
        self, add: Iterable[NonWorkingDay] = (), remove: Iterable[date] = (), *, version: str = ""
    ) -> BusinessCalendar:
        """
        Return this calendar without what stood on the dates *remove*, and with *add*: the preview of an edit.

        Years, working week and closing time stay. `version` names the result, which is not the stored calendar.
        """
        gone = frozenset(remove)
        days = [day for day in self._days if day.on not in gone]
        return BusinessCalendar(
            [*days, *add], self.years, working_week=self.working_week, closes_at=self.closes_at, version=version
        )

    def _span(self, day: date) -> _Span:
        try:
            return self._span_of[day.year]
        except KeyError:
            raise CalendarGap(day.year) from None


def _by_date(days: Iterable[NonWorkingDay]) -> dict[date, NonWorkingDay]:
    """Return one entry a date; of two on one date, the holiday goes before the closure and the names are joined."""
    off: dict[date, NonWorkingDay] = {}
    for day in days:
        first = off.setdefault(day.on, day)
        if first is not day:
            names, norms = dict.fromkeys((first.name, day.name)), dict.fromkeys((first.norm, day.norm))
            off[day.on] = NonWorkingDay(
                day.on, "; ".join(filter(None, names)), "; ".join(filter(None, norms)), first.is_closure
            )
    return off


def _runs(years: Iterable[int]) -> list[list[int]]:
    """Return *years* as runs of consecutive ones."""
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and runs[-1][-1] == year - 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return runs
