"""When a scheduled report leaves: months without the day, leap years, days on which nobody works, nights without a worker."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError
from app.domain.reports import MOST_REST, Every, Rhythm, next_run, next_runs

HOLIDAYS = {date(2026, 7, 20), date(2026, 8, 7), date(2026, 8, 17), date(2027, 1, 1)}


def is_working(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def always(_day: date) -> bool:
    return True


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("rhythm", "after", "expected"),
    [
        (Rhythm(Every.DAY, 6), "2026-07-10T10:00", "2026-07-13T06:00"),  # a Friday: Monday
        (Rhythm(Every.DAY, 18), "2026-07-10T10:00", "2026-07-10T18:00"),
        (Rhythm(Every.DAY, 6), "2026-07-17T06:00", "2026-07-21T06:00"),  # over a weekend and the holiday of the 20th
        (Rhythm(Every.WEEK, 6, weekday=0), "2026-07-10T10:00", "2026-07-13T06:00"),
        (Rhythm(Every.WEEK, 6, weekday=0), "2026-07-13T06:00", "2026-07-21T06:00"),  # Monday is a holiday: Tuesday
        (Rhythm(Every.WEEK, 6, weekday=5), "2026-07-06T07:00", "2026-07-13T06:00"),  # Saturday gives way to Monday
        (Rhythm(Every.MONTH, 6, month_day=31), "2026-07-31T07:00", "2026-08-31T06:00"),
        (Rhythm(Every.MONTH, 6, month_day=31), "2026-09-01T00:00", "2026-09-30T06:00"),  # September has 30
        (Rhythm(Every.MONTH, 6, month_day=30), "2028-02-01T00:00", "2028-02-29T06:00"),  # a leap year
        (Rhythm(Every.MONTH, 6, month_day=29), "2027-02-01T00:00", "2027-03-01T06:00"),  # 28 February 2027 is a Sunday
        (Rhythm(Every.MONTH, 6, month_day=1), "2026-07-10T00:00", "2026-08-03T06:00"),  # 1 August is a Saturday
        (Rhythm(Every.MONTH, 6, month_day=1), "2026-12-15T00:00", "2027-01-04T06:00"),  # over the new year
        (Rhythm(Every.QUARTER, 7, month_day=5), "2026-07-06T07:00", "2026-10-05T07:00"),  # 5 July was a Sunday
        (Rhythm(Every.QUARTER, 7, month_day=5), "2026-05-01T00:00", "2026-07-06T07:00"),
        (Rhythm(Every.QUARTER, 7, month_day=31), "2026-10-31T00:00", "2026-11-02T07:00"),  # 31 October 2026 is a Saturday
    ],
)
def test_the_next_moment(rhythm: Rhythm, after: str, expected: str) -> None:
    assert next_run(rhythm, at(after), is_working) == at(expected)


def test_three_hours_without_a_worker_bring_one_moment_and_not_three() -> None:
    """A daily report of six: at nine it is asked from nine on, and the next one is tomorrow's."""
    assert next_run(Rhythm(Every.DAY, 6), at("2026-07-14T09:00"), is_working) == at("2026-07-15T06:00")


def test_what_leaves_next_is_shown_three_times() -> None:
    found = next_runs(Rhythm(Every.WEEK, 6, weekday=0), at("2026-07-10T10:00"), is_working)

    assert found == [at("2026-07-13T06:00"), at("2026-07-21T06:00"), at("2026-07-27T06:00")]


@pytest.mark.parametrize(
    ("every", "more", "field"),
    [
        (Every.DAY, {"hour": 24}, "hour"),
        (Every.DAY, {"hour": -1}, "hour"),
        (Every.WEEK, {"hour": 6}, "weekday"),
        (Every.WEEK, {"hour": 6, "weekday": 7}, "weekday"),
        (Every.MONTH, {"hour": 6}, "month_day"),
        (Every.QUARTER, {"hour": 6, "month_day": 32}, "month_day"),
    ],
)
def test_a_rhythm_without_its_day_is_refused_beside_the_field(every: Every, more: dict[str, int], field: str) -> None:
    with pytest.raises(DomainError) as refused:
        Rhythm(every, **more)

    assert refused.value.field == field


def test_a_house_where_nobody_works_still_gets_its_report() -> None:
    assert next_run(Rhythm(Every.DAY, 6), at("2026-07-10T10:00"), lambda _day: False) <= at("2026-07-11T06:00")


_RHYTHMS = st.one_of(
    st.builds(Rhythm, st.just(Every.DAY), st.integers(0, 23)),
    st.builds(Rhythm, st.just(Every.WEEK), st.integers(0, 23), st.integers(0, 6)),
    st.builds(Rhythm, st.sampled_from([Every.MONTH, Every.QUARTER]), st.integers(0, 23), st.none(), st.integers(1, 31)),
)


@given(rhythm=_RHYTHMS, after=st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1)))
def test_a_moment_is_later_soon_enough_and_at_its_hour(rhythm: Rhythm, after: datetime) -> None:
    moment = next_run(rhythm, after, is_working)
    longest = {Every.DAY: 5, Every.WEEK: 12, Every.MONTH: 36, Every.QUARTER: 97}[rhythm.every]

    assert after < moment <= after + timedelta(days=longest)
    assert (moment.hour, moment.minute) == (rhythm.hour, 0)
    assert is_working(moment.date())


@given(rhythm=_RHYTHMS, after=st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1)))
def test_nothing_is_left_out_between_two_moments(rhythm: Rhythm, after: datetime) -> None:
    """Whoever asks from any instant before the next moment is told that same moment."""
    moment = next_run(rhythm, after, always)

    assert next_run(rhythm, after + (moment - after) / 2 - timedelta(seconds=1), always) == moment or moment - after < timedelta(minutes=1)
    assert MOST_REST >= 7
