"""The legal clock: worked dates, the traps of the law, and properties that hold for every filing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import holidays
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.calendar import BusinessCalendar, DayKind, NonWorkingDay
from app.domain.deadlines import (
    AFTER_HOURS,
    NO_DAYS_LEFT,
    ClockEvent,
    ClockEventKind,
    CountFrom,
    Deadline,
    Light,
    Regime,
    StepKind,
    TermAct,
    TermRule,
    TermUnit,
    Thresholds,
    business_days_left,
    deadline_of,
    explain,
    extended,
    light_of,
    regime_for,
    rule_for,
    silence_on,
    term_end,
)
from app.domain.errors import CalendarGap, DomainError, TermMissing

ROOT = Path(__file__).parents[2]
ONE_DAY = timedelta(days=1)
NONE = "–"
YEARS = range(2019, 2038)
HOLIDAYS = [
    NonWorkingDay(on, name, "Ley 51 de 1983") for on, name in holidays.country_holidays("CO", years=YEARS).items()
]
COLOMBIA = BusinessCalendar(HOLIDAYS, YEARS, closes_at=time(17))
TO_SATURDAY = BusinessCalendar(HOLIDAYS, YEARS, working_week=frozenset(range(6)))
FLOODED = COLOMBIA.with_changes(
    add=[NonWorkingDay(date(2020, 1, 1) + timedelta(days=11 * i), "Flood", is_closure=True) for i in range(500)]
)

NEXT_DAY, SAME_DAY = CountFrom.NEXT_DAY, CountFrom.SAME_DAY
BUSINESS_DAYS, CALENDAR_DAYS = TermUnit.BUSINESS_DAYS, TermUnit.CALENDAR_DAYS
MONTHS, HOURS = TermUnit.CALENDAR_MONTHS, TermUnit.HOURS


def term(value: int = 15, unit: TermUnit = BUSINESS_DAYS, count_from: CountFrom = NEXT_DAY, **more: object) -> TermRule:
    fields = {
        "regime": Regime.LEY142,
        "act": TermAct.ANSWER,
        "request_type": "CLAIM",
        "norm": "Ley 142 de 1994, art. 158",
    }
    return TermRule(value=value, unit=unit, count_from=count_from, **(fields | more))


def stop(on: date, act: str = "", reason: str = "") -> ClockEvent:
    return ClockEvent(on, ClockEventKind.STOPPED, reason, act)


def resume(on: date, act: str = "", reason: str = "") -> ClockEvent:
    return ClockEvent(on, ClockEventKind.RESUMED, reason, act)


def d(day: str) -> date:
    return date.fromisoformat(day)


# ------------------------------------------------------------------------------------------------ Worked dates

with (ROOT / "tests/data/test_vectors_terms.csv").open(encoding="utf-8") as file:
    VECTORS = list(csv.DictReader(file))


def test_all_columns_of_the_worked_dates_are_known():
    assert len(VECTORS) == 12
    assert set(VECTORS[0]) == {
        "filed", "treated_as_filed_on", "due_15bd_next_day_rule", "due_15bd_same_day_rule", "due_5bd", "due_10bd",
        "due_30bd", "sap_recognition_limit_72h",
    }  # fmt: skip


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["filed"])
def test_the_engine_gives_the_worked_dates(row):
    def due_on(value: int, count_from: CountFrom = NEXT_DAY) -> str:
        return str(deadline_of(d(row["filed"]), term(value, count_from=count_from), COLOMBIA).due_on)

    recognition = term(72, HOURS, act=TermAct.SILENCE_RECOGNITION)
    assert str(deadline_of(d(row["filed"]), term(), COLOMBIA).effective_on) == row["treated_as_filed_on"]
    assert due_on(15) == row["due_15bd_next_day_rule"]
    assert due_on(15, SAME_DAY) == row["due_15bd_same_day_rule"]
    assert due_on(5) == row["due_5bd"]
    assert due_on(10) == row["due_10bd"]
    assert due_on(30) == row["due_30bd"]
    assert str(term_end(d(due_on(15)), recognition, COLOMBIA)) == row["sap_recognition_limit_72h"]


def page_tables() -> dict[tuple[str, ...], list[list[str]]]:
    """Return the rows of docs/rules/pqr-terms.md by the header of their table."""
    tables: dict[tuple[str, ...], list[list[str]]] = {}
    header: tuple[str, ...] | None = None
    for line in (ROOT / "docs/rules/pqr-terms.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = None
        elif header is None:
            header = tuple(cells)
        elif set(line) - set("|-"):
            tables.setdefault(header, []).append(cells)
    return tables


FILINGS = ("Filed", "Counts as filed on", "Term", "Day 1", "Due", "Safe", "Why")
STOPS = ("Filed", "Term", "Day 1", "Stopped", "Resumed", "Left", "Due", "Safe", "Why")
ENDS = ("From", "Term", "Ends", "Why")
PAGE = page_tables()


def written_term(length: str, day_1: str = "next day") -> TermRule:
    number, unit = length.split(" ", 1)
    units = {unit.value.removesuffix("s"): unit for unit in TermUnit}
    return term(int(number), units[unit.removesuffix("s")], {"next day": NEXT_DAY, "same day": SAME_DAY}[day_1])


def written_moment(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if " " in text else d(text)


def written_date(text: str) -> date | None:
    return None if text == NONE else d(text)


def test_every_dated_row_of_the_rules_page_is_recomputed_by_a_test():
    dated = {header for header, rows in PAGE.items() if re.search(r"\d{4}-\d\d-\d\d", str(rows))}
    assert dated == {FILINGS, STOPS, ENDS}
    assert [len(PAGE[header]) > 5 for header in (FILINGS, STOPS, ENDS)] == [True] * 3


@pytest.mark.parametrize("row", PAGE[FILINGS], ids=lambda row: " ".join(row[:4]))
def test_the_filings_of_the_rules_page_are_right(row):
    filed, effective_on, length, day_1, due_on, safe_on, _ = row
    deadline = deadline_of(written_moment(filed), written_term(length, day_1), COLOMBIA)

    assert (deadline.effective_on, deadline.due_on, deadline.safe_on) == (d(effective_on), d(due_on), d(safe_on))


@pytest.mark.parametrize("row", PAGE[STOPS], ids=lambda row: " ".join(row[:5]))
def test_the_stops_of_the_rules_page_are_right(row):
    filed, length, day_1, stopped, resumed, left, due_on, safe_on, _ = row
    stops = [stop(d(on)) for on in stopped.split(", ")]
    resumes = [resume(d(on)) for on in resumed.split(", ") if on != NONE]
    events = sorted(stops + resumes, key=lambda event: event.on)
    rule = written_term(length, day_1)
    deadline = deadline_of(d(filed), rule, COLOMBIA, events)
    at_last_stop = deadline_of(d(filed), rule, COLOMBIA, events[: 2 * len(stops) - 1])

    assert (deadline.due_on, deadline.safe_on) == (written_date(due_on), written_date(safe_on))
    assert at_last_stop.remaining == (None if left == NONE else int(left))


@pytest.mark.parametrize("row", PAGE[ENDS], ids=lambda row: " ".join(row[:2]))
def test_the_other_terms_of_the_rules_page_are_right(row):
    start, length, ends, _ = row

    assert term_end(d(start), written_term(length), COLOMBIA) == d(ends)


# ------------------------------------------------------------------------------------------------ Which term applies

RULES = [
    term(15),
    term(10, request_type="DOCUMENTS", regime=Regime.LEY1755, norm="Ley 1755 de 2015, art. 14.1"),
    term(5, act=TermAct.APPEAL, request_type=None, norm="Ley 142 de 1994, art. 154"),
    term(3, act=TermAct.TRANSFER, request_type="CLAIM", norm="local"),
    term(5, act=TermAct.TRANSFER, request_type=None, norm="Ley 1755 de 2015, art. 21"),
]


@pytest.mark.parametrize(
    ("request_type", "service", "organisation", "chosen"),
    [
        (None, None, Regime.LEY142, Regime.LEY142),
        (None, Regime.LEY1755, Regime.LEY142, Regime.LEY1755),
        (None, Regime.LEY142, Regime.LEY1480, Regime.LEY142),
        (Regime.LEY1581, None, Regime.LEY142, Regime.LEY1581),
        (Regime.LEY1581, Regime.LEY1480, Regime.LEY142, Regime.LEY1581),
    ],
)
def test_the_law_of_the_request_goes_before_that_of_the_service_and_of_the_company(request_type, service, organisation, chosen):
    assert regime_for(request_type, service, organisation) is chosen


def test_the_rule_of_the_very_request_type_goes_before_the_one_for_all():
    assert rule_for(RULES, Regime.LEY142, TermAct.TRANSFER, "CLAIM", d("2026-07-10")).value == 3
    assert rule_for(RULES, Regime.LEY142, TermAct.TRANSFER, "COMPLAINT", d("2026-07-10")).value == 5
    assert rule_for(RULES, Regime.LEY142, TermAct.TRANSFER, None, d("2026-07-10")).value == 5


def test_a_missing_answer_term_is_an_error_that_names_the_row_and_never_a_silent_15():
    rules = [*RULES, term(15, request_type=None)]

    with pytest.raises(TermMissing, match=r"1755.*Answer.*CONSULTATION.*2026-07-10"):
        rule_for(rules, Regime.LEY1755, TermAct.ANSWER, "CONSULTATION", d("2026-07-10"))
    with pytest.raises(TermMissing):
        rule_for(rules, Regime.LEY142, TermAct.ANSWER, "COMPLAINT", d("2026-07-10"))


def test_a_rule_governs_what_was_filed_from_its_first_to_its_last_day():
    old = term(20, valid_from=d("2020-01-01"), valid_until=d("2026-06-30"))
    new = term(15, valid_from=d("2026-07-01"))

    def value(on: str) -> int:
        return rule_for([old, new], Regime.LEY142, TermAct.ANSWER, "CLAIM", d(on)).value

    assert [value("2020-01-01"), value("2026-06-30"), value("2026-07-01"), value("2030-01-01")] == [20, 20, 15, 15]
    with pytest.raises(TermMissing):
        value("2019-12-31")


def test_two_rules_in_force_at_once_are_refused_and_both_are_named():
    with pytest.raises(DomainError, match=r"art\. 158.*Circular 7") as refused:
        rule_for([term(15), term(10, norm="Circular 7", id=9)], Regime.LEY142, TermAct.ANSWER, "CLAIM", d("2026-07-10"))
    assert "#9" in str(refused.value)


@pytest.mark.parametrize("wrong", [{"value": 0}, {"value": -1}, {"valid_until": date(1990, 1, 1)}])
def test_a_term_that_lasts_nothing_or_ends_before_it_starts_is_refused(wrong):
    with pytest.raises(DomainError) as refused:
        replace(term(), **wrong)
    assert refused.value.field in wrong


def test_law_142_has_no_extension_and_law_1755_at_most_doubles_the_term():
    extension = term(15, act=TermAct.EXTENSION, regime=Regime.LEY1755, norm="Ley 1755 de 2015, art. 14 par.")
    general = term(15, regime=Regime.LEY1755, norm="Ley 1755 de 2015, art. 14")
    told = {"told_on": d("2026-08-04"), "due_on": d("2026-08-04")}

    longer = extended(general, extension, 15, **told)
    assert longer.value == 30
    assert longer.norm == "Ley 1755 de 2015, art. 14; Ley 1755 de 2015, art. 14 par."
    for rule, extra, when in [
        (term(15), 5, told),
        (general, 16, told),
        (general, 0, told),
        (general, 5, told | {"told_on": d("2026-08-05")}),
    ]:
        with pytest.raises(DomainError):
            extended(rule, extension, extra, **when)
    with pytest.raises(DomainError, match="does not allow"):
        extended(term(15), term(15, act=TermAct.EXTENSION), 5, **told)


def test_the_month_of_the_citizen_may_be_extended_once_by_as_much():
    month = term(1, MONTHS, act=TermAct.COMPLETE, norm="Ley 1755 de 2015, art. 17")
    twice = extended(month, month, 1, told_on=d("2025-02-28"), due_on=d("2025-02-28"))

    assert term_end(d("2025-01-31"), month, COLOMBIA) == d("2025-02-28")
    assert term_end(d("2025-01-31"), twice, COLOMBIA) == d("2025-03-31")
    assert twice.norm == month.norm


# ------------------------------------------------------------------------------------------------ Traps of the law


def test_a_filing_of_10_july_2026_is_due_on_4_august_because_13_july_is_a_holiday():
    filed_on = d("2026-07-10")

    assert deadline_of(filed_on, term(), COLOMBIA).due_on == d("2026-08-04")
    without_the_law = COLOMBIA.with_changes(remove=[d("2026-07-13")])
    assert deadline_of(filed_on, term(), without_the_law).due_on == d("2026-08-03")


def test_a_filing_on_sunday_12_july_2026_counts_as_tuesday_14():
    assert deadline_of(datetime(2026, 7, 12, 10, 30), term(), COLOMBIA).effective_on == d("2026-07-14")


def test_a_month_from_31_january_ends_on_the_last_of_february_and_a_month_is_never_30_days():
    month = term(1, MONTHS)

    assert term_end(d("2025-01-31"), month, COLOMBIA) == d("2025-02-28")
    assert term_end(d("2028-01-31"), month, COLOMBIA) == d("2028-02-29")
    assert term_end(d("2026-03-05"), month, COLOMBIA) == d("2026-04-06")  # 5 April is Easter Sunday
    assert term_end(d("2026-12-15"), month, COLOMBIA) == d("2027-01-15")


def test_the_day_1_reading_does_not_shift_months_or_hours():
    for value, unit in [(1, MONTHS), (5, MONTHS), (72, HOURS)]:
        assert term_end(d("2026-03-02"), term(value, unit), COLOMBIA) == term_end(
            d("2026-03-02"), term(value, unit, SAME_DAY), COLOMBIA
        )


def test_completing_with_no_days_left_makes_it_due_on_the_next_business_day():
    events = [stop(d("2026-08-04")), resume(d("2026-08-14"))]

    assert deadline_of(d("2026-07-10"), term(), COLOMBIA, events[:1]).remaining == 0
    assert deadline_of(d("2026-07-10"), term(), COLOMBIA, events).due_on == d("2026-08-18")


def test_an_answer_on_day_15_still_owes_its_summons_within_five_business_days():
    due_on = deadline_of(d("2026-07-10"), term(), COLOMBIA).due_on
    assert term_end(due_on, term(5, act=TermAct.SUMMONS), COLOMBIA) == d("2026-08-12")


def test_an_invoice_can_be_claimed_for_five_calendar_months():
    five_months = term(5, MONTHS, act=TermAct.INVOICE_CLAIM)

    assert term_end(d("2026-02-10"), five_months, COLOMBIA) == d("2026-07-10")
    assert term_end(d("2025-09-30"), five_months, COLOMBIA) == d("2026-03-02")  # 28 February is a Saturday


def test_hours_are_whole_days_rounded_up_and_do_not_wait_for_a_working_day():
    assert term_end(d("2026-08-04"), term(72, HOURS), COLOMBIA) == d("2026-08-07")  # a holiday
    assert term_end(d("2026-07-10"), term(24, HOURS), COLOMBIA) == d("2026-07-11")  # a Saturday
    assert term_end(d("2026-07-10"), term(25, HOURS), COLOMBIA) == d("2026-07-12")
    assert term_end(d("2037-12-30"), term(72, HOURS), COLOMBIA) == d("2038-01-02")  # asks the calendar nothing


def test_calendar_days_count_every_day_and_end_on_a_working_one():
    assert term_end(d("2026-07-08"), term(5, CALENDAR_DAYS), COLOMBIA) == d("2026-07-14")
    assert term_end(d("2026-07-06"), term(5, CALENDAR_DAYS, SAME_DAY), COLOMBIA) == d("2026-07-10")


def test_a_term_from_a_day_off_starts_on_the_next_working_day_in_both_readings():
    assert term_end(d("2026-07-12"), term(2), COLOMBIA) == d("2026-07-15")
    assert term_end(d("2026-07-12"), term(2, count_from=SAME_DAY), COLOMBIA) == d("2026-07-15")
    assert term_end(d("2026-07-14"), term(2), COLOMBIA) == d("2026-07-16")
    assert term_end(d("2026-07-14"), term(2, count_from=SAME_DAY), COLOMBIA) == d("2026-07-15")


def test_a_local_closure_and_a_saturday_week_move_the_deadline():
    closed = COLOMBIA.with_changes(add=[NonWorkingDay(d("2026-07-16"), "Virgen del Carmen", is_closure=True)])

    assert deadline_of(d("2026-07-10"), term(), closed).due_on == d("2026-08-05")
    assert deadline_of(d("2026-07-10"), term(), TO_SATURDAY).due_on == d("2026-07-30")


def test_a_term_that_runs_into_a_year_nobody_loaded_is_refused():
    only_2026 = BusinessCalendar(HOLIDAYS, [2026])

    assert deadline_of(d("2026-12-04"), term(), only_2026).due_on == d("2026-12-29")
    for ask in (
        lambda: deadline_of(d("2026-12-24"), term(), only_2026),
        lambda: deadline_of(d("2026-12-04"), term(1, MONTHS), only_2026),
        lambda: explain(d("2026-12-24"), term(), only_2026),
        lambda: deadline_of(d("2026-12-04"), term(), only_2026, [stop(d("2026-12-10")), resume(d("2027-01-05"))]),
        lambda: deadline_of(d("2026-12-04"), term(), only_2026, [stop(d("2026-12-10")), resume(d("2026-12-28"))]),
    ):
        with pytest.raises(CalendarGap) as refused:
            ask()
        assert refused.value.year == 2027


def test_a_stopped_clock_does_not_ask_for_the_year_it_would_have_ended_in():
    stopped = deadline_of(d("2026-12-24"), term(), BusinessCalendar(HOLIDAYS, [2026]), [stop(d("2026-12-28"))])

    assert (stopped.due_on, stopped.remaining, stopped.is_stopped) == (None, 14, True)


def test_the_safe_date_never_goes_before_the_filing_counts():
    assert deadline_of(d("2026-07-10"), term(1), COLOMBIA).safe_on == d("2026-07-10")
    same_day = deadline_of(d("2026-07-12"), term(1, count_from=SAME_DAY), COLOMBIA)
    assert same_day.due_on == same_day.safe_on == same_day.effective_on == d("2026-07-14")


# ------------------------------------------------------------------------------------------------ Stops and resumes


def test_a_stop_after_the_due_date_does_not_revive_a_dead_term():
    plain = deadline_of(d("2026-07-10"), term(), COLOMBIA)

    for late in ([stop(d("2026-08-05"))], [stop(d("2026-08-05")), resume(d("2026-09-01")), stop(d("2026-09-02"))]):
        assert deadline_of(d("2026-07-10"), term(), COLOMBIA, late) == plain


def test_a_stop_on_the_weekend_after_a_due_friday_is_too_late():
    plain = deadline_of(d("2026-05-29"), term(5), COLOMBIA)

    assert plain.due_on == d("2026-06-05")
    assert deadline_of(d("2026-05-29"), term(5), COLOMBIA, [stop(d("2026-06-06"))]) == plain
    assert deadline_of(d("2026-05-29"), term(5), COLOMBIA, [stop(d("2026-06-05"))]).is_stopped


def test_a_stop_and_resume_before_the_filing_counts_change_nothing():
    weekend = [stop(d("2026-07-11")), resume(d("2026-07-12"))]

    for count_from in CountFrom:
        rule = term(count_from=count_from)
        plain = deadline_of(d("2026-07-11"), rule, COLOMBIA)
        assert deadline_of(d("2026-07-11"), rule, COLOMBIA, weekend).due_on == plain.due_on


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([resume(date(2026, 7, 15))], "alternate"),
        ([stop(date(2026, 7, 15)), stop(date(2026, 7, 16))], "alternate"),
        ([stop(date(2026, 7, 15)), resume(date(2026, 7, 14))], "earlier"),
        ([stop(date(2026, 7, 9))], "earlier"),
        ([stop(date(2026, 8, 5)), resume(date(2026, 8, 4))], "earlier"),
    ],
)
def test_events_out_of_order_are_refused(events, words):
    with pytest.raises(DomainError, match=words):
        deadline_of(d("2026-07-10"), term(), COLOMBIA, events)


def test_a_term_in_hours_cannot_be_stopped():
    with pytest.raises(DomainError, match="hours"):
        deadline_of(d("2026-07-10"), term(72, HOURS), COLOMBIA, [stop(d("2026-07-14"))])


def test_a_term_in_months_ends_as_many_calendar_days_later_as_the_clock_stood_still():
    two_months = term(2, MONTHS)
    events = [stop(d("2026-07-20")), resume(d("2026-07-30"))]

    assert deadline_of(d("2026-07-10"), two_months, COLOMBIA).due_on == d("2026-09-10")
    assert deadline_of(d("2026-07-10"), two_months, COLOMBIA, events).due_on == d("2026-09-21")  # the 20th is a Sunday
    stopped = deadline_of(d("2026-07-10"), two_months, COLOMBIA, events[:1])
    assert (stopped.due_on, stopped.remaining) == (None, COLOMBIA.between(d("2026-07-20"), d("2026-09-10")))
    dead = deadline_of(d("2026-07-10"), two_months, COLOMBIA, [stop(d("2026-09-11")), resume(d("2026-10-01"))])
    assert dead.due_on == d("2026-09-10")


# ------------------------------------------------------------------------------------------------ Properties

calendars = st.sampled_from([COLOMBIA, TO_SATURDAY, FLOODED])
dates = st.dates(date(2020, 1, 1), date(2034, 6, 30))
moments = st.datetimes(datetime(2020, 1, 1), datetime(2034, 6, 30)) | dates
rules = st.builds(term, st.integers(1, 40), count_from=st.sampled_from(CountFrom))
any_rules = rules | st.builds(term, st.integers(1, 90), st.sampled_from(TermUnit), st.sampled_from(CountFrom)).filter(
    lambda rule: rule.unit is not MONTHS or rule.value <= 12
)
calendar_rules = st.builds(term, st.integers(1, 60), st.just(CALENDAR_DAYS), st.sampled_from(CountFrom)) | st.builds(
    term, st.integers(1, 3), st.just(MONTHS), st.sampled_from(CountFrom)
)
gaps = st.lists(st.integers(0, 25), max_size=7)


def alternating(filed_at: datetime | date, waits: Sequence[int]) -> list[ClockEvent]:
    on = filed_at.date() if isinstance(filed_at, datetime) else filed_at
    events = []
    for i, wait in enumerate(waits):
        on += timedelta(days=wait)
        events.append((resume if i % 2 else stop)(on, act=f"act {i}"))
    return events


def walked(
    filed_at: datetime | date, rule: TermRule, calendar: BusinessCalendar, events: Sequence[ClockEvent]
) -> tuple[date | None, int]:
    """Return (due date or None, days left), counting the days one by one as a clerk would on a paper calendar."""
    filed_on = filed_at.date() if isinstance(filed_at, datetime) else filed_at
    effective_on = calendar.effective_on(filed_at)
    is_business, is_months = rule.unit is BUSINESS_DAYS, rule.unit is MONTHS
    month = effective_on.replace(day=1)
    for _ in range(rule.value * is_months):
        month = (month + timedelta(days=31)).replace(day=1)
    left = rule.value
    if is_months:
        last_of_month = (month + timedelta(days=31)).replace(day=1) - ONE_DAY
        left = (min(month + timedelta(days=effective_on.day - 1), last_of_month) - effective_on).days
    day, is_stopped, is_same_day = filed_on, False, rule.count_from is SAME_DAY and not is_months
    while True:
        today, is_working = [event for event in events if event.on == day], calendar.is_working_day(day)
        is_term = day >= effective_on if is_same_day else day > effective_on
        if is_term and not is_stopped and left and (is_working or not is_business):
            left -= 1
        if left == 0 and is_working and not is_stopped and not today:
            return day, 0
        for event in today:
            is_stopped = event.kind is ClockEventKind.STOPPED
            left = left if is_stopped or not is_business else max(left, 1)
        if is_stopped and day >= events[-1].on:
            return None, left
        day += ONE_DAY


@given(filed_at=moments, rule=rules, calendar=calendars)
def test_a_term_spends_exactly_its_business_days(filed_at, rule, calendar):
    """Counting the working days one by one from filing to deadline gives back the legal term."""
    deadline = deadline_of(filed_at, rule, calendar)

    n_days = (deadline.due_on - deadline.effective_on).days
    counted = [deadline.effective_on + timedelta(days=i) for i in range(n_days + 1)]
    n_working = sum(map(calendar.is_working_day, counted))
    assert n_working - (rule.count_from is NEXT_DAY) == rule.value


@given(first=moments, second=moments, rule=any_rules, calendar=calendars)
def test_who_files_later_is_never_due_earlier(first, second, rule, calendar):
    first, second = sorted(
        (first, second), key=lambda at: at if isinstance(at, datetime) else datetime.combine(at, time())
    )
    earlier, later = deadline_of(first, rule, calendar), deadline_of(second, rule, calendar)

    assert earlier.effective_on <= later.effective_on
    assert earlier.due_on <= later.due_on
    assert earlier.safe_on <= later.safe_on


@given(filed_at=moments, rule=any_rules, calendar=calendars)
def test_a_term_never_ends_on_a_day_off_unless_it_is_in_hours(filed_at, rule, calendar):
    deadline = deadline_of(filed_at, rule, calendar)

    assert rule.unit is HOURS or calendar.is_working_day(deadline.due_on)
    assert calendar.is_working_day(deadline.safe_on)
    assert deadline.effective_on <= deadline.safe_on <= deadline.due_on


@given(filed_at=moments, value=st.integers(2, 40), calendar=calendars)
def test_the_safe_date_is_the_due_date_of_the_other_reading(filed_at, value, calendar):
    default = deadline_of(filed_at, term(value), calendar)

    assert default.safe_on == deadline_of(filed_at, term(value, count_from=SAME_DAY), calendar).due_on


@given(filed_at=moments, rule=rules, calendar=calendars, before=st.integers(0, 60), pause=st.integers(0, 90))
def test_a_stop_and_a_resume_conserve_the_remaining_days(filed_at, rule, calendar, before, pause):
    events = alternating(filed_at, [before, pause])
    plain = deadline_of(filed_at, rule, calendar)
    assume(plain.effective_on <= events[0].on <= plain.due_on)
    stopped = deadline_of(filed_at, rule, calendar, events[:1])
    resumed = deadline_of(filed_at, rule, calendar, events)

    assert stopped.is_stopped
    assert stopped.due_on is stopped.safe_on is None
    assert stopped.remaining == calendar.between(events[0].on, plain.due_on)
    assert calendar.between(events[1].on, resumed.due_on) == max(stopped.remaining, 1)
    assert resumed.due_on >= plain.due_on
    assert not resumed.is_stopped
    assert resumed.remaining is None


@given(filed_at=moments, rule=rules, calendar=calendars, waits=gaps)
def test_jumping_through_the_tables_agrees_with_walking_the_days(filed_at, rule, calendar, waits):
    events = alternating(filed_at, waits)
    deadline = deadline_of(filed_at, rule, calendar, events)

    assert (deadline.due_on, deadline.remaining or 0) == walked(filed_at, rule, calendar, events)


@given(filed_at=moments, rule=calendar_rules, calendar=calendars, waits=gaps)
def test_a_stopped_term_in_calendar_days_or_months_agrees_with_walking_the_days(filed_at, rule, calendar, waits):
    events = alternating(filed_at, waits)
    deadline = deadline_of(filed_at, rule, calendar, events)
    steps = explain(filed_at, rule, calendar, events)

    assert deadline.due_on == walked(filed_at, rule, calendar, events)[0]
    assert [step.on for step in steps if step.is_due] == ([deadline.due_on] if deadline.due_on else [])
    assert deadline.is_stopped or steps[-1].is_due
    if rule.unit is CALENDAR_DAYS:
        counted = [step.n for step in steps if step.n is not None]
        assert counted == list(range(1, len(counted) + 1))
        assert deadline.is_stopped or len(counted) == rule.value


@given(filed_at=moments, rule=rules, calendar=calendars, waits=gaps)
def test_the_explanation_agrees_with_the_deadline(filed_at, rule, calendar, waits):
    events = alternating(filed_at, waits)
    deadline = deadline_of(filed_at, rule, calendar, events)
    steps = explain(filed_at, rule, calendar, events)
    counted = [step.n for step in steps if step.n is not None]

    assert steps[0].on == (filed_at.date() if isinstance(filed_at, datetime) else filed_at)
    assert all(after.on - before.on == ONE_DAY for before, after in pairwise(steps))
    assert counted == list(range(1, len(counted) + 1))
    assert all(calendar.is_working_day(step.on) for step in steps if step.n is not None)
    assert all(step.day_kind is calendar.kind_of(step.on) for step in steps)
    assert [step.on for step in steps if step.is_due] == ([deadline.due_on] if deadline.due_on else [])
    assert [step.on for step in steps if step.is_safe] == ([deadline.safe_on] if deadline.safe_on else [])
    if deadline.is_stopped:
        assert steps[-1].on == max(events[-1].on, deadline.effective_on)
        assert deadline.remaining == rule.value - len(counted) or len(counted) == rule.value
    else:
        assert steps[-1].on == deadline.due_on
        assert steps[-1].kind is StepKind.DUE
        assert steps[-1].norm == rule.norm
        assert len(counted) == rule.value
        assert (steps[-1].n is None) == (steps[-1].note == NO_DAYS_LEFT)


@given(filed_at=moments, rule=any_rules, calendar=calendars)
def test_the_explanation_agrees_with_the_deadline_in_every_unit(filed_at, rule, calendar):
    deadline = deadline_of(filed_at, rule, calendar)
    steps = explain(filed_at, rule, calendar)

    assert steps[-1].on == deadline.due_on
    assert steps[-1].is_due
    assert [step.on for step in steps if step.is_safe] == [deadline.safe_on]
    if rule.unit is not MONTHS:
        assert max((step.n for step in steps if step.n is not None), default=0) == rule.value


@settings(deadline=None)  # builds two calendars an example
@given(
    filed_at=moments,
    rule=rules,
    added=st.lists(st.builds(NonWorkingDay, dates, st.just("Decree")), max_size=5),
    removed=st.sets(st.sampled_from([off.on for off in HOLIDAYS]), max_size=5),
    near=st.sets(st.integers(-3, 40), max_size=5),
)
def test_the_preview_of_a_calendar_edit_gives_the_dates_of_the_edited_calendar(filed_at, rule, added, removed, near):
    filed_on = filed_at.date() if isinstance(filed_at, datetime) else filed_at
    added = added + [NonWorkingDay(filed_on + timedelta(days=i), "Closed", is_closure=True) for i in near]
    edited = [off for off in HOLIDAYS if off.on not in removed] + added

    preview = deadline_of(filed_at, rule, COLOMBIA.with_changes(add=added, remove=removed))
    assert preview == deadline_of(filed_at, rule, BusinessCalendar(edited, YEARS, closes_at=time(17)))


# ------------------------------------------------------------------------------------------------ Why this date


def test_the_explanation_says_what_each_day_did():
    events = [stop(d("2026-07-15"), "Oficio 88", "Incomplete petition"), resume(d("2026-07-17"), "Escrito 2")]
    steps = {step.on.day: step for step in explain(datetime(2026, 7, 10, 18), term(3), COLOMBIA, events)}

    assert [(day, step.kind.name, step.n) for day, step in steps.items()] == [
        (10, "FILED", None), (11, "WEEKEND", None), (12, "WEEKEND", None), (13, "HOLIDAY", None),
        (14, "EFFECTIVE", None), (15, "STOPPED", 1), (16, "STOPPED", None), (17, "RESUMED", None),
        (18, "WEEKEND", None), (19, "WEEKEND", None), (20, "HOLIDAY", None), (21, "COUNTED", 2), (22, "DUE", 3),
    ]  # fmt: skip
    assert steps[10].note == AFTER_HOURS
    assert "Chiquinquirá" in steps[13].note
    assert steps[13].norm == "Ley 51 de 1983"
    assert steps[13].day_kind is DayKind.HOLIDAY
    assert (
        (steps[15].note, steps[15].reason) == (steps[16].note, steps[16].reason) == ("Oficio 88", "Incomplete petition")
    )
    assert steps[17].note == "Escrito 2"
    assert steps[22].norm == "Ley 142 de 1994, art. 158"
    assert steps[21].is_safe


def test_the_explanation_of_a_stopped_case_ends_with_the_last_act():
    steps = explain(d("2026-07-10"), term(), COLOMBIA, [stop(d("2026-07-15"), reason="Evidence")])

    assert (steps[-1].on, steps[-1].kind, steps[-1].n, steps[-1].note) == (
        d("2026-07-15"),
        StepKind.STOPPED,
        2,
        "Evidence",
    )


def test_the_explanation_tells_when_no_days_were_left():
    steps = explain(d("2026-07-10"), term(1), COLOMBIA, [stop(d("2026-07-14")), resume(d("2026-07-16"))])

    assert (steps[-1].on, steps[-1].kind, steps[-1].n, steps[-1].note) == (
        d("2026-07-17"),
        StepKind.DUE,
        None,
        NO_DAYS_LEFT,
    )


def test_a_stop_and_resume_of_one_day_are_shown_on_one_step():
    events = [stop(d("2026-07-15"), "Oficio 1"), resume(d("2026-07-15"), "Escrito 1")]
    (step,) = [step for step in explain(d("2026-07-10"), term(), COLOMBIA, events) if step.on == d("2026-07-15")]

    assert (step.kind, step.n, step.note) == (StepKind.RESUMED, 2, "Oficio 1; Escrito 1")


def test_a_term_of_hours_is_explained_in_hours():
    steps = explain(d("2026-08-04"), term(72, HOURS), COLOMBIA)

    assert [(step.on.day, step.n) for step in steps] == [(4, None), (5, 24), (6, 48), (7, 72)]


# ------------------------------------------------------------------------------------------------ Lights and silence


def light(today: str, **changes: object) -> Light:
    """Return the light of a case filed on 10 July 2026: safe on Monday 3 August, due on Tuesday 4."""
    facts = {
        "safe_on": d("2026-08-03"), "due_on": d("2026-08-04"), "today": d(today), "calendar": COLOMBIA,
        "is_stopped": False, "is_answered": False, "has_silence": False,
    }  # fmt: skip
    return light_of(**(facts | changes))


def test_the_light_counts_safe_business_days():
    expected = {
        "2026-07-24": Light.GREEN,  # 6 left
        "2026-07-27": Light.AMBER,  # 5
        "2026-07-29": Light.AMBER,  # 3
        "2026-07-30": Light.ORANGE,  # 2
        "2026-07-31": Light.ORANGE,  # 1
        "2026-08-02": Light.ORANGE,  # a Sunday: Monday is still ahead
        "2026-08-03": Light.RED,
        "2026-08-04": Light.RED,
        "2026-08-05": Light.RED,
    }
    assert {today: light(today) for today in expected} == expected


def test_answered_silence_and_stopped_go_before_the_days():
    assert light("2026-08-10", is_answered=True, has_silence=True) is Light.DONE
    assert light("2026-08-10", has_silence=True) is Light.BLACK
    assert light("2026-07-20", is_stopped=True) is Light.GREY
    assert light("2026-07-20", safe_on=None, due_on=None) is Light.GREY


def test_the_thresholds_of_the_light_are_parameters():
    assert light("2026-07-24", thresholds=Thresholds(amber=10, orange=6)) is Light.ORANGE
    assert light("2026-07-31", thresholds=Thresholds(red=1)) is Light.RED


def test_the_light_of_an_old_case_needs_no_old_year():
    assert light("2026-08-10", safe_on=d("2011-01-03"), due_on=d("2011-01-04")) is Light.RED


def test_business_days_left_are_zero_on_the_due_date_and_negative_when_late():
    friday = d("2026-07-31")
    left = {day: business_days_left(friday, d(day), COLOMBIA) for day in (
        "2026-07-24", "2026-07-30", "2026-07-31", "2026-08-01", "2026-08-03", "2026-08-04",
    )}  # fmt: skip

    assert list(left.values()) == [5, 1, 0, -1, -1, -2]


def test_silence_arises_when_the_term_of_law_142_ends_unanswered():
    due_on, day_after = d("2026-08-04"), d("2026-08-05")

    assert silence_on(due_on, day_after, None, Regime.LEY142)
    assert silence_on(due_on, day_after, day_after, Regime.LEY142)
    assert not silence_on(due_on, due_on, None, Regime.LEY142)
    assert not silence_on(due_on, day_after, due_on, Regime.LEY142)
    assert not silence_on(None, day_after, None, Regime.LEY142)
    assert not any(silence_on(due_on, day_after, None, regime) for regime in Regime if regime is not Regime.LEY142)


def test_a_deadline_keeps_the_rule_and_the_moment_it_was_computed_with():
    filed_at = datetime(2026, 7, 10, 18)

    assert deadline_of(filed_at, term(id=7), COLOMBIA) == Deadline(
        filed_at, d("2026-07-14"), d("2026-08-05"), d("2026-08-04"), None, False, term(id=7)
    )
