"""Stages, stopped days, lateness and the figures of many cases."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.states import PqrStatus
from app.domain.times import Spread, Timeliness, TimesSummary, band_of, days_late, stages_of, stopped_days

JULY = [NonWorkingDay(date(2026, 7, 13), "Chiquinquirá"), NonWorkingDay(date(2026, 7, 20), "Independencia")]
CALENDAR = BusinessCalendar(JULY, range(2025, 2028))
FRIDAY, SATURDAY, SUNDAY, TUESDAY = date(2026, 7, 10), date(2026, 7, 11), date(2026, 7, 12), date(2026, 7, 14)


def test_each_stage_takes_the_days_between_its_ends():
    stages = stages_of(date(2026, 7, 1), date(2026, 7, 2), date(2026, 7, 10), TUESDAY, date(2026, 7, 15), CALENDAR)

    assert (stages.desk, stages.process, stages.approval, stages.notice, stages.total) == (1, 6, 1, 1, 8)


def test_what_has_not_happened_has_no_days():
    stages = stages_of(date(2026, 7, 1), date(2026, 7, 2), None, None, None, CALENDAR)

    assert (stages.desk, stages.process, stages.approval, stages.notice, stages.total) == (1, None, None, None, None)


def test_a_case_that_never_left_the_desk_spends_its_days_in_the_next_stage():
    stages = stages_of(date(2026, 7, 1), None, date(2026, 7, 3), date(2026, 7, 6), None, CALENDAR)

    assert (stages.desk, stages.process, stages.approval, stages.total) == (None, 2, 1, 3)


def test_routing_on_the_sunday_it_arrived_takes_no_business_day():
    stages = stages_of(TUESDAY, SUNDAY, date(2026, 7, 15), date(2026, 7, 15), None, CALENDAR)

    assert (stages.desk, stages.process, stages.approval, stages.total) == (0, 1, 0, 1)


@given(st.dates(date(2026, 1, 1), date(2026, 6, 30)), st.lists(st.integers(-2, 60), min_size=4, max_size=4), st.booleans())
def test_the_known_stages_up_to_the_answer_add_up_to_the_total(filed, gaps, is_routed):
    effective = CALENDAR.next_working_day(filed)
    routed, solved, answered, notified = (effective + timedelta(days=sum(sorted(gaps)[: n + 1], 0)) for n in range(4))
    ordered = sorted([routed, solved, answered, notified])

    stages = stages_of(effective, ordered[0] if is_routed else None, *ordered[1:], CALENDAR)

    assert sum(days for days in (stages.desk, stages.process, stages.approval) if days is not None) == stages.total


def test_a_stop_holds_the_days_after_it_up_to_the_resume():
    acts = [(date(2026, 7, 2), True), (date(2026, 7, 8), False), (date(2026, 7, 9), True), (TUESDAY, False)]

    assert stopped_days(acts, date(2026, 7, 1), date(2026, 7, 31), CALENDAR) == 4 + 2


def test_an_act_in_force_holds_the_clock_up_to_today():
    assert stopped_days([(date(2026, 7, 2), True)], date(2026, 7, 1), FRIDAY, CALENDAR) == 6


def test_late_is_counted_from_the_due_date_and_never_less_than_one():
    assert days_late(FRIDAY, FRIDAY, TUESDAY, CALENDAR) is None
    assert days_late(FRIDAY, SATURDAY, TUESDAY, CALENDAR) == 1
    assert days_late(FRIDAY, None, date(2026, 7, 16), CALENDAR) == 3
    assert days_late(None, None, date(2026, 7, 16), CALENDAR) is None


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def figures(*cases):
    summary = TimesSummary()
    for case in cases:
        summary.add(*case)
    return summary


def test_the_share_counts_the_settled_cases_and_no_others():
    summary = figures(
        (Timeliness.IN_TIME, PqrStatus.CLOSED, 5, 2),
        (Timeliness.LATE, PqrStatus.ROUTED, None, 1),
        (Timeliness.RUNNING, PqrStatus.RECEIVED, None, 7),
        (Timeliness.NOT_COUNTED, PqrStatus.VOIDED, None, 3),
    )

    assert (summary.n, summary.n_judged, summary.share_in_time) == (13, 3, Decimal("66.6"))
    assert (summary.n_open, summary.n_open_late, summary.in_status(PqrStatus.VOIDED)) == (8, 1, 3)


def test_a_hundred_per_cent_means_all():
    summary = figures((Timeliness.IN_TIME, PqrStatus.CLOSED, 5, 99_999), (Timeliness.LATE, PqrStatus.CLOSED, 16, 1))

    assert summary.share_in_time == Decimal("99.9")


def test_without_answers_there_is_no_mean():
    summary = figures((Timeliness.RUNNING, PqrStatus.RECEIVED, None, 7))

    assert (summary.share_in_time, summary.average, summary.median) == (None, None, None)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_average_and_median_are_those_of_the_list(days):
    from statistics import fmean, median

    summary = figures(*((Timeliness.IN_TIME, PqrStatus.CLOSED, n) for n in days))

    assert abs(float(summary.average) - fmean(days)) <= 0.05 + 1e-9
    assert summary.median == Decimal(str(median(days))).quantize(Decimal("0.1"))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_nine_of_ten_were_done_within_the_ninetieth_percentile_and_not_within_less(days):
    spread = Spread(Counter(days))

    assert sum(n <= spread.p90 for n in days) * 10 >= 9 * len(days)
    assert sum(n < spread.p90 for n in days) * 10 < 9 * len(days)
    assert (spread.n, spread.longest) == (len(days), max(days))


def test_nothing_has_no_spread():
    assert (Spread().average, Spread().median, Spread().p90, Spread().longest) == (None, None, None, None)


@pytest.mark.parametrize(
    ("days", "band"), [(1, (1, 2)), (2, (1, 2)), (3, (3, 5)), (5, (3, 5)), (6, (6, 10)), (10, (6, 10)), (11, (11, None)), (300, (11, None))]
)
def test_lateness_lies_in_one_band(days, band):
    assert band_of(days) == band
