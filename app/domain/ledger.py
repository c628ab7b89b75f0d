"""Who has had a case and for how long, in business days; and how long each stage took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.calendar import BusinessCalendar


@dataclass(frozen=True, slots=True)
class Span:
    """One line of the baton ledger. `n_days` are business days after `in_on` up to `out_on` (up to the asking day when open)."""

    process: str
    person: str
    in_on: date
    out_on: date | None
    n_days: int


def spans(lines: Iterable[tuple[str, str, date, date | None]], calendar: BusinessCalendar, until: date) -> list[Span]:
    """
    Return the ledger of a case from (process, person, in, out) lines, in order.

    Days are counted in (in, out], so consecutive spans add up to the business days from filing to *until* (or to the last out).

    Raises:
        CalendarGap: A year of the span is not loaded.
    """
    return [
        Span(process, person, in_on, out_on, calendar.between(in_on, out_on or max(in_on, until)))
        for process, person, in_on, out_on in lines
    ]


def stage_days(points: Sequence[date | None], calendar: BusinessCalendar) -> list[int | None]:
    """
    Return the business days between consecutive *points* (filed, routed, solved, answered, notified…).

    A point that has not happened gives None; a missing one in the middle is bridged by the next, so the known stages add up
    to the whole.
    """
    days: list[int | None] = []
    last = points[0]
    for point in points[1:]:
        if point is None or last is None:
            days.append(None)
            continue
        days.append(calendar.between(last, point))
        last = point
    return days
