"""
Deadlines a second, on one core: the engine with and without a stop, and the plain loop over the `holidays` library.

Run from the root of the project: `python -m bench.deadlines [seconds a round]`. Prints the best of five rounds, since
what disturbs a round only slows it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from time import perf_counter

import holidays

from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import ClockEvent, ClockEventKind, Regime, TermAct, TermRule, TermUnit, deadline_of, explain

YEARS = range(2020, 2036)
N_FILINGS = 5_000
ROUNDS = 5
TERM = 15


def calendar_of_colombia() -> BusinessCalendar:
    days = holidays.country_holidays("CO", years=YEARS)
    return BusinessCalendar([NonWorkingDay(on, name) for on, name in days.items()], YEARS, closes_at=time(17))


def filings(seed: int = 142) -> list[datetime]:
    rnd, first = random.Random(seed), datetime(2020, 1, 1)
    return [first + timedelta(minutes=rnd.randrange(15 * 365 * 24 * 60)) for _ in range(N_FILINGS)]


def naive_due_on(filed_on: date, off: holidays.HolidayBase) -> date:
    """What most calculators do: walk the days and ask the library about each."""
    day, left = filed_on, TERM
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in off
    return day


def per_second(call: Callable[[int], object], n: int, seconds: float) -> float:
    """Return the best rate of ROUNDS rounds of at least *seconds* each; *call* receives the number of the filing."""
    best = 0.0
    for _ in range(ROUNDS):
        done, started = 0, perf_counter()
        while (took := perf_counter() - started) < seconds:
            for i in range(n):
                call(i)
            done += n
        best = max(best, done / took)
    return best


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    calendar, filed = calendar_of_colombia(), filings()
    off = holidays.country_holidays("CO", years=YEARS)
    rule = TermRule(Regime.LEY142, TermAct.ANSWER, "claim", TERM, TermUnit.BUSINESS_DAYS, "Ley 142 de 1994, art. 158")
    stops = [
        (
            ClockEvent(at.date() + timedelta(days=6), ClockEventKind.STOPPED),
            ClockEvent(at.date() + timedelta(days=24), ClockEventKind.RESUMED),
        )
        for at in filed
    ]
    dates = [calendar.effective_on(at) for at in filed]
    assert all(deadline_of(on, rule, calendar).due_on == naive_due_on(on, off) for on in dates)

    engine = per_second(lambda i: deadline_of(filed[i], rule, calendar), N_FILINGS, seconds)
    stopped = per_second(lambda i: deadline_of(filed[i], rule, calendar, stops[i]), N_FILINGS, seconds)
    explained = per_second(lambda i: explain(filed[i], rule, calendar), N_FILINGS // 50, seconds)
    naive = per_second(lambda i: naive_due_on(dates[i], off), N_FILINGS // 50, seconds)
    started = perf_counter()
    calendar_of_colombia()
    built = perf_counter() - started
    print(f"engine                    {engine:>12,.0f} deadlines/s")
    print(f"engine, stop and resume   {stopped:>12,.0f} deadlines/s")
    print(f"engine, explained by day  {explained:>12,.0f} explanations/s")
    print(
        f"naive loop over holidays  {naive:>12,.0f} deadlines/s   (the engine is {engine / naive:,.0f} times as fast)"
    )
    print(f"calendar of {len(YEARS)} years      {built * 1000:>12,.1f} ms to build, holidays library included")


if __name__ == "__main__":
    main()
