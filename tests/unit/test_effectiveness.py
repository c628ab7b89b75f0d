"""What figures propose: windows, reductions, goals, and how sure they are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis.strategies import dates, integers, sampled_from

from app.domain.actions import review_day
from app.domain.effectiveness import (
    COUNTS,
    NOTHING,
    REDUCES,
    Chance,
    Figure,
    check_plan,
    propose,
    two_counts,
    window_after,
    window_before,
)
from app.domain.errors import DomainError
from app.domain.improvement import EffectMeasure, EffectVerdict
from app.domain.indicators import Direction

E, N = EffectVerdict.EFFECTIVE, EffectVerdict.NOT_EFFECTIVE


def count(n):
    return Figure(Decimal(n), None, Decimal(n))


def share(n, of):
    return Figure(Decimal(n), Decimal(of), Decimal(n) * 100 / of if of else None)


@given(dates(date(2020, 1, 1), date(2035, 1, 1)), dates(date(2020, 1, 1), date(2035, 1, 1)), integers(7, 731))
def test_both_windows_have_the_same_days_and_end_and_begin_beside_the_action(baseline_on, done_on, days):
    before, after = window_before(baseline_on, days), window_after(done_on, days)

    assert before.n_days == after.n_days == days
    assert (baseline_on - before.last).days == (after.first - done_on).days == 1
    assert not after.is_over(after.last)
    assert after.is_over(review_day(done_on, days))


@pytest.mark.parametrize(
    ("before", "after", "goal", "verdict", "change", "chance"),
    [
        (24, 6, 30, E, "75.0", Chance.REAL),
        (24, 16, 30, E, "33.3", Chance.CHANCE),
        (24, 17, 30, N, "29.1", Chance.CHANCE),
        (10, 7, 30, E, "30.0", Chance.CHANCE),
        (24, 24, 30, N, "0.0", Chance.CHANCE),
        (24, 48, 30, N, "-100.0", Chance.REAL),
        (24, 0, 100, E, "100.0", Chance.REAL),
        (5, 0, 100, E, "100.0", Chance.CHANCE),
        (4, 0, 30, None, "100.0", Chance.UNKNOWN),
        (0, 0, 30, None, None, Chance.UNKNOWN),
        (0, 9, 30, None, None, Chance.UNKNOWN),
    ],
)
@pytest.mark.parametrize("measure", sorted(COUNTS, key=lambda each: each.name))
def test_counts_propose_by_their_reduction_and_few_propose_nothing(measure, before, after, goal, verdict, change, chance):
    found = propose(measure, count(before), count(after), Decimal(goal))

    assert (found.verdict, found.chance) == (verdict, chance)
    assert found.change == (None if change is None else Decimal(change))


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((20, 100), (5, 100), E),
        ((20, 100), (15, 100), N),
        ((4, 10), (1, 10), None),
        ((20, 100), (0, 4), None),
        ((20, 100), (0, 0), None),
        ((10, 100), (8, 200), E),
    ],
)
def test_late_cases_are_compared_by_their_share(before, after, verdict):
    assert propose(EffectMeasure.LATE, share(*before), share(*after), Decimal(30)).verdict is verdict


@pytest.mark.parametrize(
    ("direction", "after", "verdict"),
    [(Direction.MORE, "4.0", E), (Direction.MORE, "3.99", N), (Direction.LESS, "4.0", E), (Direction.LESS, "4.01", N)],
)
@pytest.mark.parametrize("measure", [EffectMeasure.SURVEY, EffectMeasure.INDICATOR])
def test_a_figure_to_reach_is_reached_on_its_side(measure, direction, after, verdict):
    before, now = Figure(None, Decimal(10), Decimal(3)), Figure(None, Decimal(10), Decimal(after))

    assert propose(measure, before, now, Decimal(4), direction).verdict is verdict


def test_a_question_that_changed_between_the_windows_proposes_nothing():
    one, other = (Figure(Decimal(40), Decimal(10), Decimal(4), 0.1, frozenset({asked})) for asked in "ab")

    assert propose(EffectMeasure.SURVEY, one, one, Decimal(4)).verdict is E
    assert propose(EffectMeasure.SURVEY, one, other, Decimal(4)).verdict is None


@pytest.mark.parametrize("measure", [EffectMeasure.SURVEY, EffectMeasure.INDICATOR])
def test_nothing_to_measure_proposes_nothing(measure):
    assert propose(measure, NOTHING, Figure(None, None, Decimal(9)), Decimal(4)).verdict is None
    assert propose(measure, Figure(None, None, Decimal(9)), NOTHING, Decimal(4)).verdict is None


def test_what_a_person_judges_has_no_figure():
    assert propose(EffectMeasure.JUDGED, NOTHING, NOTHING, None).verdict is None


@pytest.mark.parametrize(
    ("before", "after", "p"),
    [(24, 6, 0.001431), (10, 10, 1.0), (8, 1, 0.039063), (6, 0, 0.03125), (5, 0, 0.0625)],
)
def test_two_counts_are_tested_as_coins(before, after, p):
    """Figures of `scipy.stats.binomtest(after, before + after)`, which for a fair coin is twice its tail."""
    assert two_counts(before, after) == two_counts(after, before) == pytest.approx(p, abs=1e-6)


def test_nothing_that_happened_tells_nothing():
    assert two_counts(0, 0) is None


@given(sampled_from(sorted(REDUCES, key=lambda each: each.name)), integers(5, 400), integers(0, 400), integers(1, 100))
def test_a_reduction_is_effective_exactly_when_it_reaches_the_goal(measure, before, after, goal):
    one, other = (share(before, 400), share(after, 400)) if measure is EffectMeasure.LATE else (count(before), count(after))
    found = propose(measure, one, other, Decimal(goal))
    exact = Decimal(before - after) * 100 / before

    if abs(exact - goal) >= Decimal("0.1"):
        assert found.verdict is (E if exact >= goal else N)


def test_a_goal_of_thirty_percent_is_not_reached_by_rounding():
    """29.96 % is less, and is not told as 30.0 %."""
    found = propose(EffectMeasure.CAUSE, count(10_000), count(7_004), Decimal(30))

    assert (found.verdict, found.change) == (N, Decimal("29.9"))


@pytest.mark.parametrize("measure", [each for each in EffectMeasure if each is not EffectMeasure.JUDGED])
def test_every_measure_but_the_judged_one_needs_what_it_counts_and_a_goal(measure):
    day = date(2026, 5, 4)
    for key, goal in (("", Decimal(30)), ("X", None)):
        with pytest.raises(DomainError):
            check_plan(measure, key, 90, goal, baseline_on=day, today=day)
    check_plan(measure, "X", 90, Decimal(30), baseline_on=day, today=day)
    check_plan(EffectMeasure.JUDGED, "", 90, None, baseline_on=day, today=day)
