"""The control of response times: what each stage of a case took, whether it was in time, and the figures of many cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import Enum

from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.ledger import stage_days
from app.domain.states import Category, PqrStatus, states_in

TENTH = Decimal("0.1")


class Timeliness(Enum):
    """
    Whether a case was answered inside its legal term.

    LATE is an answer after the due date, and also a running case whose due date is past: it can no longer be in time.
    RUNNING has neither happened. Withdrawn, archived, transferred and voided cases are NOT_COUNTED: nobody owes their answer any more.
    """

    IN_TIME = N_("In time")
    LATE = N_("Past the legal term")
    RUNNING = N_("Still in term")
    NOT_COUNTED = N_("Not counted")


NOT_COUNTED = (PqrStatus.WITHDRAWN, PqrStatus.ARCHIVED, PqrStatus.TRANSFERRED, PqrStatus.VOIDED)
_OPEN = frozenset(states_in(Category.OPEN, Category.STOPPED))


@dataclass(frozen=True, slots=True)
class Stages:
    """Business days of each stage; None for one that is not over, or that the case skipped. `total` is filing to answer."""

    desk: int | None
    process: int | None
    approval: int | None
    notice: int | None
    total: int | None


def stages_of(
    effective_on: date,
    routed_on: date | None,
    solved_on: date | None,
    answered_on: date | None,
    notified_on: date | None,
    calendar: BusinessCalendar,
) -> Stages:
    """
    Return what each stage took, from the working day on which the case counts as filed: the day from which its term runs.

    What happened before that day (routed on the Sunday it arrived) took no business days. The known stages up to the answer
    add up to the total.

    Raises:
        CalendarGap: A year between filing and notice is not loaded.
    """
    points: list[date | None] = [effective_on]
    last = effective_on
    for point in (routed_on, solved_on, answered_on, notified_on):
        if point is not None:
            last = point = max(last, point)
        points.append(point)
    desk, process, approval, notice = stage_days(points, calendar)
    total = calendar.between(effective_on, answered_on) if answered_on else None
    return Stages(desk, process, approval, notice, total)


def stopped_days(events: Iterable[tuple[date, bool]], effective_on: date, until: date, calendar: BusinessCalendar) -> int:
    """
    Return the business days, after filing and up to *until*, on which a lawful act held the clock.

    Args:
        events: (date, whether it stops) in turn. The day of a stop still counts as spent, that of a resume as held
            (`deadlines.deadline_of`), so total less stopped days is what the legal term was charged.

    Raises:
        CalendarGap: A year of a stop is not loaded.
    """
    n, stop = 0, None
    for on, is_stop in events:
        if is_stop:
            stop = max(on, effective_on)
        elif stop is not None:
            n += calendar.between(stop, min(on, until))
            stop = None
    return n if stop is None else n + calendar.between(stop, until)


def days_late(due_on: date | None, answered_on: date | None, today: date, calendar: BusinessCalendar) -> int | None:
    """
    Return by how many business days the answer is late: so far, while there is none. None when it is not late.

    Late is late: an answer on the Saturday after a Friday due counts one day.
    """
    end = answered_on or today
    if due_on is None or end <= due_on:
        return None
    return max(1, calendar.between(due_on, end))


@dataclass(frozen=True, slots=True)
class Spread:
    """How long many things took: how many took each number of business days."""

    days: Counter[int] = field(default_factory=Counter)

    @property
    def n(self) -> int:
        return self.days.total()

    @property
    def average(self) -> Decimal | None:
        """Return the mean, to a tenth; None of nothing."""
        if not self.n:
            return None
        return (Decimal(sum(days * times for days, times in self.days.items())) / self.n).quantize(TENTH, ROUND_HALF_UP)

    @property
    def median(self) -> Decimal | None:
        """Return the days within which half of them were done; the mean of the two in the middle where they are even."""
        if not self.n:
            return None
        return (Decimal(self._nth((self.n - 1) // 2) + self._nth(self.n // 2)) / 2).quantize(TENTH)

    @property
    def p90(self) -> int | None:
        """Return the fewest days within which at least nine of ten were done."""
        return self._nth(-(-9 * self.n // 10) - 1) if self.n else None

    @property
    def longest(self) -> int | None:
        return max(self.days, default=None)

    def _nth(self, index: int) -> int:
        for days in sorted(self.days):
            index -= self.days[days]
            if index < 0:
                return days
        raise IndexError(index)


#: By how many business days an answer is late, from and to; the last band has no end.
LATE_BANDS: tuple[tuple[int, int | None], ...] = ((1, 2), (3, 5), (6, 10), (11, None))


def band_of(n_days_late: int) -> tuple[int, int | None]:
    """Return the band of `LATE_BANDS` in which *n_days_late*, at least one, lies."""
    return next(band for band in LATE_BANDS if band[1] is None or n_days_late <= band[1])


@dataclass(slots=True)
class TimesSummary:
    """The figures of many cases. Fed by the groups of a query or row by row: the same numbers either way."""

    counts: Counter[tuple[Timeliness, PqrStatus]] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)

    def add(self, timeliness: Timeliness, status: PqrStatus, n_days: int | None, n: int = 1) -> None:
        """Count *n* cases; *n_days* from filing to answer, None without an answer."""
        self.counts[timeliness, status] += n
        if n_days is not None:
            self.days[n_days] += n

    def of(self, *wanted: Timeliness) -> int:
        """Return how many cases are *wanted*."""
        return sum(n for (timeliness, _status), n in self.counts.items() if timeliness in wanted)

    def in_status(self, status: PqrStatus) -> int:
        return sum(n for (_timeliness, known), n in self.counts.items() if known is status)

    @property
    def n(self) -> int:
        """All cases, also those that no figure counts."""
        return self.counts.total()

    @property
    def n_open(self) -> int:
        """Cases without answer that somebody still owes."""
        return sum(n for (_timeliness, status), n in self.counts.items() if status in _OPEN)

    @property
    def n_open_late(self) -> int:
        return sum(n for (timeliness, status), n in self.counts.items() if status in _OPEN and timeliness is Timeliness.LATE)

    @property
    def n_judged(self) -> int:
        """Cases of which it is settled whether they are in time: what the share is a share of."""
        return self.of(Timeliness.IN_TIME, Timeliness.LATE)

    @property
    def share_in_time(self) -> Decimal | None:
        """Percentage answered in time, of those settled; rounded down, so that 100 means all. None when there are none."""
        if not self.n_judged:
            return None
        return (Decimal(100) * self.of(Timeliness.IN_TIME) / self.n_judged).quantize(TENTH, ROUND_DOWN)

    @property
    def average(self) -> Decimal | None:
        """Mean business days from filing to answer."""
        return Spread(self.days).average

    @property
    def median(self) -> Decimal | None:
        """Business days within which half of the answers came."""
        return Spread(self.days).median
