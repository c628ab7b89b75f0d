"""The business calendar: what a day is, how days are counted, and the refusal to guess a year nobody loaded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.calendar import BusinessCalendar, DayKind, NonWorkingDay, local_day
from app.domain.errors import CalendarGap, DomainError

YEARS = range(2023, 2032)
HOLIDAYS = [
    NonWorkingDay(on, name, "Ley 51 de 1983") for on, name in holidays.country_holidays("CO", years=YEARS).items()
]
COLOMBIA = BusinessCalendar(HOLIDAYS, YEARS, closes_at=time(17))
TO_SATURDAY = BusinessCalendar(HOLIDAYS, YEARS, working_week=frozenset(range(6)))
PATRON_SAINT = NonWorkingDay(date(2026, 7, 16), "Virgen del Carmen", "Resolución 12 de 2026", is_closure=True)

FRIDAY, SATURDAY, SUNDAY = date(2026, 7, 10), date(2026, 7, 11), date(2026, 7, 12)
CHIQUINQUIRA, TUESDAY = date(2026, 7, 13), date(2026, 7, 14)  # the Monday is a holiday since Ley 2578 de 2026

days = st.dates(date(2024, 1, 1), date(2029, 12, 31))
off_days = st.builds(NonWorkingDay, days, st.sampled_from(["Flood", "Fair"]), is_closure=st.booleans())


def walked_between(calendar: BusinessCalendar, a: date, b: date) -> int:
    """Count the working days in (a, b] the slow and obvious way."""
    return sum(calendar.is_working_day(a + timedelta(days=i)) for i in range(1, (b - a).days + 1))


# ------------------------------------------------------------------------------------------------ What a day is


def test_a_day_is_working_weekend_holiday_or_closure():
    calendar = COLOMBIA.with_changes(add=[PATRON_SAINT])

    assert calendar.kind_of(FRIDAY) is DayKind.WORKING
    assert calendar.kind_of(SATURDAY) is DayKind.WEEKEND
    assert calendar.kind_of(CHIQUINQUIRA) is DayKind.HOLIDAY
    assert calendar.kind_of(PATRON_SAINT.on) is DayKind.CLOSURE
    assert [calendar.is_working_day(day) for day in (FRIDAY, SATURDAY, CHIQUINQUIRA, PATRON_SAINT.on)] == [
        True, False, False, False,
    ]  # fmt: skip


def test_a_day_off_tells_its_name_and_the_act_that_orders_it():
    calendar = COLOMBIA.with_changes(add=[PATRON_SAINT])

    assert "Chiquinquirá" in calendar.name_of(CHIQUINQUIRA)
    assert calendar.norm_of(PATRON_SAINT.on) == "Resolución 12 de 2026"
    assert calendar.name_of(FRIDAY) == calendar.norm_of(FRIDAY) == ""


def test_a_holiday_on_a_weekend_is_shown_as_a_holiday_and_a_closure_there_as_a_weekend():
    assert COLOMBIA.kind_of(date(2025, 7, 20)) is DayKind.HOLIDAY  # Independence Day, a Sunday
    fair = NonWorkingDay(SATURDAY, "Fair", is_closure=True)
    assert COLOMBIA.with_changes(add=[fair]).kind_of(SATURDAY) is DayKind.WEEKEND


def test_two_days_off_on_one_date_count_once_and_show_both_names():
    both = [
        NonWorkingDay(FRIDAY, "Fumigation", "Circular 1", is_closure=True),
        NonWorkingDay(FRIDAY, "National mourning", "Decreto 2"),
    ]
    calendar = COLOMBIA.with_changes(add=both)

    assert calendar.kind_of(FRIDAY) is DayKind.HOLIDAY
    assert calendar.name_of(FRIDAY) == "National mourning; Fumigation"
    assert calendar.norm_of(FRIDAY) == "Decreto 2; Circular 1"
    assert calendar.between(date(2026, 7, 9), TUESDAY) == 1


@pytest.mark.parametrize("fixed", [date(2026, 8, 7), date(2026, 12, 8), date(2026, 6, 29), date(2026, 7, 20)])
def test_holidays_that_never_move_or_already_fall_on_monday_stand_on_their_own_date(fixed):
    assert COLOMBIA.kind_of(fixed) is DayKind.HOLIDAY


def test_13_july_2026_is_a_holiday():
    assert COLOMBIA.kind_of(date(2026, 7, 13)) is DayKind.HOLIDAY
    assert COLOMBIA.is_working_day(date(2026, 7, 9))


def test_an_office_may_work_on_saturdays():
    assert TO_SATURDAY.is_working_day(SATURDAY)
    assert not TO_SATURDAY.is_working_day(SUNDAY)
    assert TO_SATURDAY.add(FRIDAY, 1) == SATURDAY


@pytest.mark.parametrize("week", [frozenset(), frozenset({7}), frozenset({-1, 0})])
def test_a_working_week_needs_real_weekdays(week):
    with pytest.raises(DomainError, match="working week"):
        BusinessCalendar([], [2026], working_week=week)


# --------------------------------------------------------------------------------------------- When it counts as filed


@pytest.mark.parametrize(
    ("filed_at", "effective_on"),
    [
        (FRIDAY, FRIDAY),
        (SATURDAY, TUESDAY),
        (SUNDAY, TUESDAY),
        (CHIQUINQUIRA, TUESDAY),
        (datetime(2026, 7, 10, 8, 0), FRIDAY),
        (datetime(2026, 7, 10, 17, 0), FRIDAY),
        (datetime(2026, 7, 10, 17, 0, 1), TUESDAY),
        (datetime(2026, 7, 14, 23, 59), date(2026, 7, 15)),
        (datetime(2026, 7, 12, 9, 0), TUESDAY),
    ],
)
def test_filing_on_a_day_off_or_after_closing_counts_on_the_next_working_day(filed_at, effective_on):
    assert COLOMBIA.effective_on(filed_at) == effective_on


def test_without_a_closing_time_the_day_lasts_until_midnight():
    assert TO_SATURDAY.effective_on(datetime(2026, 7, 10, 23, 59, 59)) == FRIDAY


def test_an_aware_time_is_read_in_colombian_time():
    in_utc = datetime(2026, 7, 11, 2, 30, tzinfo=UTC)
    in_bogota = in_utc.astimezone(timezone(timedelta(hours=-5)))

    assert local_day(in_utc) == local_day(in_bogota) == FRIDAY
    assert TO_SATURDAY.effective_on(in_utc) == FRIDAY
    assert COLOMBIA.effective_on(in_utc) == COLOMBIA.effective_on(in_bogota) == TUESDAY  # 21:30 is after closing


def test_a_bare_date_has_no_hour_and_is_never_after_hours():
    assert not COLOMBIA.is_after_hours(FRIDAY)
    assert COLOMBIA.is_after_hours(datetime(2026, 7, 10, 18))
    assert not TO_SATURDAY.is_after_hours(datetime(2026, 7, 10, 18))


# ------------------------------------------------------------------------------------------------ Counting


def test_the_nth_working_day_after_a_day_skips_weekends_and_holidays():
    assert COLOMBIA.add(FRIDAY, 1) == TUESDAY
    assert COLOMBIA.add(SUNDAY, 1) == TUESDAY
    assert COLOMBIA.add(date(2026, 4, 1), 1) == date(2026, 4, 6)  # over Holy Thursday and Good Friday
    assert COLOMBIA.add(date(2025, 12, 31), 1) == date(2026, 1, 2)


def test_adding_no_days_gives_the_next_working_day():
    assert COLOMBIA.add(FRIDAY, 0) == FRIDAY
    assert COLOMBIA.add(SATURDAY, 0) == COLOMBIA.next_working_day(SATURDAY) == TUESDAY


def test_a_negative_number_of_days_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="negative"):
        COLOMBIA.add(FRIDAY, -1)


def test_the_previous_working_day_is_strictly_before():
    assert COLOMBIA.previous_working_day(TUESDAY) == FRIDAY
    assert COLOMBIA.previous_working_day(SUNDAY) == FRIDAY
    assert COLOMBIA.previous_working_day(FRIDAY) == date(2026, 7, 9)


def test_working_days_between_two_dates_exclude_the_first_and_include_the_last():
    assert COLOMBIA.between(FRIDAY, TUESDAY) == 1
    assert COLOMBIA.between(FRIDAY, CHIQUINQUIRA) == 0
    assert COLOMBIA.between(FRIDAY, FRIDAY) == 0
    assert COLOMBIA.between(TUESDAY, FRIDAY) == 0


@given(day=days, n=st.integers(1, 60), calendar=st.sampled_from([COLOMBIA, TO_SATURDAY]))
def test_add_and_between_are_inverse(day, n, calendar):
    end = calendar.add(day, n)

    assert calendar.is_working_day(end)
    assert calendar.between(day, end) == walked_between(calendar, day, end) == n
    assert calendar.between(day, calendar.previous_working_day(end)) == n - 1


@given(day=days, calendar=st.sampled_from([COLOMBIA, TO_SATURDAY]))
def test_next_and_previous_working_day_have_no_working_day_skipped(day, calendar):
    following, earlier = calendar.next_working_day(day), calendar.previous_working_day(day)

    assert earlier < day <= following
    assert calendar.is_working_day(earlier)
    assert calendar.is_working_day(following)
    assert walked_between(calendar, earlier, following) == 1


# ------------------------------------------------------------------------------------------------ Years nobody loaded


def test_a_question_about_a_year_nobody_loaded_is_refused_and_names_the_year():
    calendar = BusinessCalendar([], [2026])
    questions = [
        calendar.kind_of, calendar.name_of, calendar.norm_of, calendar.is_working_day, calendar.next_working_day,
        calendar.previous_working_day, calendar.effective_on, lambda day: calendar.add(day, 3),
        lambda day: calendar.between(day, day), lambda day: calendar.between(date(2026, 5, 4), day),
    ]  # fmt: skip

    for ask in questions:
        with pytest.raises(CalendarGap, match="2027") as refused:
            ask(date(2027, 1, 4))
        assert refused.value.year == 2027


def test_a_count_that_runs_out_of_the_loaded_years_is_refused_at_both_ends():
    calendar = BusinessCalendar([NonWorkingDay(date(2026, 1, 1), "New Year")], [2026])

    assert calendar.add(date(2026, 12, 30), 1) == date(2026, 12, 31)
    for ask in (
        lambda: calendar.add(date(2026, 12, 30), 2),
        lambda: calendar.effective_on(datetime(2027, 1, 2, 8)),
        lambda: calendar.with_changes(add=[NonWorkingDay(date(2026, 12, 31), "Closed")]).effective_on(
            date(2026, 12, 31)
        ),
    ):
        with pytest.raises(CalendarGap) as refused:
            ask()
        assert refused.value.year == 2027
    with pytest.raises(CalendarGap) as refused:
        calendar.previous_working_day(date(2026, 1, 2))
    assert refused.value.year == 2025


def test_filing_after_closing_on_the_last_day_needs_the_next_year():
    with pytest.raises(CalendarGap) as refused:
        BusinessCalendar([], [2026], closes_at=time(17)).effective_on(datetime(2026, 12, 31, 18))
    assert refused.value.year == 2027


def test_a_hole_between_two_loaded_years_is_refused_too():
    calendar = BusinessCalendar([], [2024, 2026])

    assert calendar.covers(date(2024, 5, 6))
    assert not calendar.covers(date(2025, 5, 6))
    for ask in (
        lambda: calendar.add(date(2024, 12, 30), 5),
        lambda: calendar.between(date(2024, 12, 30), date(2026, 1, 5)),
        lambda: calendar.previous_working_day(date(2026, 1, 1)),
        lambda: calendar.is_working_day(date(2025, 6, 2)),
    ):
        with pytest.raises(CalendarGap) as refused:
            ask()
        assert refused.value.year == 2025


def test_a_calendar_without_years_answers_nothing():
    with pytest.raises(CalendarGap):
        BusinessCalendar([], []).is_working_day(FRIDAY)


# ------------------------------------------------------------------------------------------------ Previews of an edit


def test_a_preview_changes_nothing_in_the_calendar_it_comes_from():
    preview = COLOMBIA.with_changes(add=[PATRON_SAINT], remove=[CHIQUINQUIRA], version="preview")

    assert preview.add(FRIDAY, 1) == CHIQUINQUIRA
    assert COLOMBIA.add(FRIDAY, 1) == TUESDAY
    assert preview.kind_of(PATRON_SAINT.on) is DayKind.CLOSURE
    assert COLOMBIA.kind_of(PATRON_SAINT.on) is DayKind.WORKING
    assert (preview.version, preview.closes_at, preview.years) == ("preview", COLOMBIA.closes_at, COLOMBIA.years)


def test_removing_a_holiday_from_a_weekend_leaves_a_weekend():
    assert COLOMBIA.with_changes(remove=[date(2025, 7, 20)]).kind_of(date(2025, 7, 20)) is DayKind.WEEKEND


@settings(deadline=None)  # builds two calendars an example
@given(added=st.lists(off_days, max_size=8), removed=st.sets(st.sampled_from([off.on for off in HOLIDAYS]), max_size=8))
def test_a_preview_equals_a_calendar_built_with_those_days(added, removed):
    preview = COLOMBIA.with_changes(add=added, remove=removed)
    built = BusinessCalendar(
        [off for off in HOLIDAYS if off.on not in removed] + added, YEARS, closes_at=COLOMBIA.closes_at
    )

    assert preview.days == built.days
    for i in range((date(2029, 12, 31) - date(2024, 1, 1)).days):
        day = date(2024, 1, 1) + timedelta(days=i)
        assert preview.kind_of(day) is built.kind_of(day)
        assert preview.name_of(day) == built.name_of(day)
        assert preview.add(day, 15) == built.add(day, 15)
