"""The catalogue of clauses, what a clause shows at a glance, and the drawing that anybody can do again."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from app.domain.clauses import CLAUSES, MOST_DAYS, Light, Period, Weight, check_period, clause, draw, keys_of, light_of
from app.domain.errors import DomainError

TODAY = date(2026, 7, 10)


def test_every_clause_of_the_mission_is_there_once_and_in_order():
    numbers = [each.number for each in CLAUSES]

    asked = {"4.2", "5.1.2", "6.1", "6.3", "7.4", "7.5", "8.2", "8.7", "9.1.1", "9.1.2", "9.1.3", "9.3", "10.1", "10.2", "10.3"}
    assert asked <= set(numbers)
    assert numbers == sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])
    assert clause("8.7") is CLAUSES[numbers.index("8.7")] and clause("99") is None


def test_a_key_counts_one_thing():
    assert [key for key, n in Counter(keys_of()).items() if n > 1] == []


def test_every_clause_may_show_evidence_and_a_gap():
    assert [each.number for each in CLAUSES if not each.counts or not each.gaps] == []


@pytest.mark.parametrize(
    ("n_counts", "n_minor", "n_major", "light"),
    [(3, 0, 0, Light.GREEN), (0, 0, 0, Light.GREY), (3, 1, 0, Light.AMBER), (0, 1, 0, Light.AMBER), (3, 0, 1, Light.RED),
     (0, 2, 9, Light.RED)],
)  # fmt: skip
def test_what_a_clause_shows_follows_from_its_gaps(n_counts, n_minor, n_major, light):
    asked = clause("10.2")
    numbers = {count.key: n_counts for count in asked.counts}
    numbers |= {gap.key: n_major if gap.weight is Weight.MAJOR else n_minor for gap in asked.gaps}

    assert light_of(asked, numbers) is light


# ── The drawing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_draws_the_same_records_on_any_machine():
    assert draw(2026, "answers", 779, 5) == draw(2026, "answers", 779, 5) == [219, 224, 365, 614, 752]


def test_another_seed_and_another_kind_draw_others():
    first = draw(2026, "answers", 779, 5)

    assert draw(2027, "answers", 779, 5) != first
    assert draw(2026, "orders", 779, 5) != first


def test_few_records_are_all_drawn_and_none_gives_none():
    assert draw(1, "risks", 3, 5) == [1, 2, 3]
    assert draw(1, "risks", 0, 5) == []


def test_every_record_is_drawn_about_as_often():
    drawn = Counter(place for seed in range(1_000) for place in draw(seed, "answers", 20, 5))

    assert set(drawn) == set(range(1, 21))
    assert all(200 < n < 300 for n in drawn.values())


# ── The period ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_period_before_is_as_long_and_ends_where_this_begins():
    period = Period(date(2026, 1, 1), date(2026, 6, 30))

    assert period.before == Period(date(2025, 7, 4), date(2025, 12, 31))
    assert period.before.n_days == period.n_days == 181


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (date(2026, 7, 2), date(2026, 7, 1), "until"),
        (date(2026, 7, 11), date(2026, 7, 12), "since"),
        (date(2023, 7, 8), date(2026, 7, 10), "since"),
    ],
)
def test_a_period_that_says_nothing_is_refused(since, until, field):
    with pytest.raises(DomainError) as refused:
        check_period(since, until, TODAY)

    assert refused.value.field == field


def test_a_day_and_three_years_are_periods():
    assert check_period(TODAY, TODAY, TODAY).n_days == 1
    assert check_period(date(2023, 7, 10), TODAY, TODAY).n_days == MOST_DAYS
