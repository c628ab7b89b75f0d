"""When the follow-up of an interested party is due again, and how it stands."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.domain.errors import DomainError
from app.domain.interested import FREQUENCIES, MOST_MONTHS, TONES, Standing, check_evidence_day, next_due_on, standing_of

TODAY = date(2026, 7, 10)


def test_it_is_counted_from_the_last_evidence_and_before_from_the_beginning():
    assert next_due_on(None, date(2026, 1, 10), 6) == date(2026, 7, 10)
    assert next_due_on(date(2026, 3, 1), date(2026, 1, 10), 6) == date(2026, 9, 1)
    assert next_due_on(date(2024, 3, 1), date(2026, 1, 10), 12) == date(2025, 3, 1)
    assert next_due_on(None, date(2026, 8, 31), 1) == date(2026, 9, 30)


@pytest.mark.parametrize("months", [0, -1, MOST_MONTHS + 1])
def test_a_frequency_that_is_none_is_refused_beside_its_field(months):
    with pytest.raises(DomainError) as refused:
        next_due_on(None, TODAY, months)

    assert refused.value.field == "months"


@pytest.mark.parametrize(
    ("next_on", "expected"),
    [
        (None, Standing.IDLE),
        (TODAY - timedelta(1), Standing.OVERDUE),
        (TODAY, Standing.SOON),
        (TODAY + timedelta(30), Standing.SOON),
        (TODAY + timedelta(31), Standing.IN_TIME),
    ],
)
def test_the_last_day_itself_is_still_in_time(next_on, expected):
    assert standing_of(next_on, TODAY) is expected


def test_every_standing_has_its_colour_and_every_usual_frequency_is_one():
    assert set(TONES) == set(Standing)
    assert all(1 <= months <= MOST_MONTHS for months in FREQUENCIES)


def test_evidence_is_of_the_past_and_of_no_other_age():
    check_evidence_day(TODAY, TODAY, TODAY)
    check_evidence_day(date(2016, 1, 1), TODAY, TODAY)
    for on in (TODAY + timedelta(1), date(2015, 12, 31), date(226, 7, 10)):
        with pytest.raises(DomainError) as refused:
            check_evidence_day(on, TODAY, TODAY)
        assert refused.value.field == "on"
