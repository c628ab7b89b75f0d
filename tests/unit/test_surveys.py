"""The statistics of surveys against scipy, which had no part in them, and the worked cases of docs/rules/surveys.md."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as some
from scipy import stats

from app.domain import surveys
from app.domain.errors import DomainError
from app.domain.questionnaires import QuestionKind
from app.domain.surveys import Scored, Sums, Verdict

RULES = Path(__file__).parents[2] / "docs" / "rules" / "surveys.md"
TABLES = [line.strip("| ").split(" | ") for line in RULES.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
CONFIDENCES = some.sampled_from([90, 95, 99])
COUNTS = some.integers(1, 60)
SCORES = some.lists(some.integers(1, 5), min_size=2, max_size=80)
RECOMMENDED = some.lists(some.integers(0, 10), min_size=2, max_size=80)


def counted(values: list[int], weight: float = 1.0) -> list[Scored]:
    """Return *values* as the database gives them: how many of each."""
    return [Scored(value, values.count(value), weight) for value in sorted(set(values))]


def close(expected: float, *, rel: float = 1e-9, margin: float = 1e-11):
    return pytest.approx(expected, rel=rel, abs=margin)


# ── Distributions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(df=some.floats(1, 60_000), confidence=CONFIDENCES)
def test_the_quantile_of_student_is_that_of_scipy(df, confidence):
    assert surveys.t_of(df, confidence) == close(stats.t.ppf(0.5 + confidence / 200, df), rel=1e-8)


@given(t=some.floats(-40, 40), df=some.floats(1, 60_000))
@example(t=9.772119573918766e-07, df=5462.0)
def test_the_tails_of_student_are_those_of_scipy(t, df):
    assert surveys.t_tail(t, df) == close(2 * stats.t.sf(abs(t), df), rel=1e-7)


@given(statistic=some.floats(0, 400), df=some.integers(1, 60))
def test_the_tail_of_chi_square_is_that_of_scipy(statistic, df):
    assert surveys.chi_tail(statistic, df) == close(stats.chi2.sf(statistic, df))


# ── Samples ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_textbook_samples_come_out():
    assert surveys.sample_size(None) == 385
    assert [surveys.sample_size(n) for n in (100, 1_000, 10_000, 100_000)] == [80, 278, 370, 383]
    assert surveys.sample_size(None, confidence=99, error_percent=3) == 1844
    assert surveys.sample_size(0) == 0
    assert surveys.sample_size(1) == 1


@given(population=some.integers(2, 200_000), confidence=CONFIDENCES, error=some.integers(1, 20))
def test_a_sample_reaches_its_margin_and_one_answer_less_does_not(population, confidence, error):
    n = surveys.sample_size(population, confidence=confidence, error_percent=error)

    assert 1 <= n <= population
    assert surveys.margin_of_error(n, population, confidence=confidence) <= error + 1e-9
    if n > 1:
        assert surveys.margin_of_error(n - 1, population, confidence=confidence) > error - 1e-9


def test_whoever_asks_everybody_errs_about_nobody():
    assert surveys.margin_of_error(40, 40) == 0
    assert surveys.margin_of_error(39, 40) > 0


@pytest.mark.parametrize("error", [0, -1, 50.5])
def test_a_margin_that_is_none_is_refused(error):
    with pytest.raises(DomainError) as refused:
        surveys.sample_size(1_000, error_percent=error)
    assert refused.value.field == "error_percent"


@given(n=some.integers(1, 5_000), share=some.floats(0.01, 0.99), confidence=CONFIDENCES)
def test_the_margin_is_the_standard_error_of_scipy_times_its_quantile(n, share, confidence):
    expected = 100 * stats.norm.ppf(0.5 + confidence / 200) * stats.bernoulli.std(share) / math.sqrt(n)
    assert surveys.margin_of_error(n, None, confidence=confidence, share=share) == close(expected)


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(values=SCORES)
def test_the_mean_and_its_interval_are_those_of_scipy(values):
    assume(len(set(values)) > 1)
    found = surveys.mean_of(counted(values))
    error = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, numpy.mean(values), error)

    assert (found.value, found.error, found.low, found.high) == (close(numpy.mean(values)), close(error), close(low), close(high))
    assert (found.n, found.n_effective) == (len(values), close(len(values)))
    assert surveys.deviation_of(counted(values)) == close(numpy.std(values, ddof=1))


def test_where_all_say_the_same_there_is_no_interval():
    found = surveys.mean_of([Scored(4, 9)])
    assert (found.value, found.low, found.high, found.error) == (4, None, None, 0)
    assert surveys.mean_of([]) is None
    assert surveys.deviation_of([Scored(4, 1)]) is None


@given(hits=some.integers(0, 400), misses=some.integers(0, 400), confidence=CONFIDENCES)
def test_the_interval_of_a_share_is_the_one_of_wilson_in_scipy(hits, misses, confidence):
    assume(hits + misses)
    expected = stats.binomtest(hits, hits + misses).proportion_ci(confidence / 100, "wilson")
    assert surveys.wilson(hits, hits + misses, confidence) == (close(expected.low), close(expected.high))


@pytest.mark.parametrize(
    ("kind", "values", "percent"),
    [
        (QuestionKind.SCALE5, [1, 2, 3, 4, 5], 40), (QuestionKind.MATRIX, [3, 4, 5, 5], 75), (QuestionKind.SCALE7, [5, 6, 7, 7], 75),
        (QuestionKind.YES_NO, [0, 1, 1, 1], 75),
    ],
)  # fmt: skip
def test_the_two_best_steps_are_satisfied(kind, values, percent):
    found = surveys.satisfied(kind, counted(values))
    expected = stats.binomtest(round(percent * len(values) / 100), len(values)).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == (percent, close(100 * expected.low), close(100 * expected.high))


@pytest.mark.parametrize("kind", [QuestionKind.NPS, QuestionKind.NUMBER, QuestionKind.ONE, QuestionKind.TEXT])
def test_what_has_no_best_steps_has_no_satisfaction(kind):
    assert surveys.satisfied(kind, [Scored(9, 4)]) is None


@given(values=RECOMMENDED)
def test_nps_is_promoters_less_detractors_with_the_interval_of_its_mean(values):
    found = surveys.nps_of(counted(values))
    promoters, detractors = (sum(test) for test in ([v >= 9 for v in values], [v <= 6 for v in values]))
    turned = [100 * ((v >= 9) - (v <= 6)) for v in values]

    assert found.score.value == close(100 * (promoters - detractors) / len(values))
    assert found.promoters + found.passives + found.detractors == close(100)
    if len(set(turned)) > 1:
        low, high = stats.t.interval(0.95, len(values) - 1, numpy.mean(turned), stats.sem(turned))
        assert (found.score.low, found.score.high) == (close(max(-100, low)), close(min(100, high)))
    else:
        assert found.score.low is found.score.high is None


@given(values=some.lists(some.integers(1, 30), min_size=1, max_size=60))
def test_the_median_is_that_of_numpy(values):
    assert surveys.median_of(counted(values)) == numpy.median(values)


@given(least=some.floats(-1_000, 1_000), width=some.floats(0.01, 100_000))
def test_ranges_of_numbers_hold_all_of_them_and_are_few(least, width):
    found = surveys.ranges_of(least, least + width)

    assert 1 <= len(found) <= 9
    assert found[0][0] <= least + 1e-9 and found[-1][1] > least + width - 1e-9
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))


# ── Weights ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stratum_weighs_its_part_of_the_people_over_its_part_of_the_answers():
    weights = surveys.weights_of({1: (900, 50), 2: (100, 50), 3: (500, 0)})

    assert weights == {1: close(1.8), 2: close(0.2)}
    assert surveys.design_effect([Scored(0, 50, 1.8), Scored(0, 50, 0.2)]) == close(1.64)


@given(strata=some.dictionaries(some.integers(1, 9), some.tuples(some.integers(1, 9_000), some.integers(1, 300)), min_size=1))
def test_weights_add_up_to_the_answers_and_never_make_them_worth_more(strata):
    weights = surveys.weights_of(strata)
    assert sum(weights[key] * n for key, (_people, n) in strata.items()) == close(sum(n for _people, n in strata.values()))
    assert surveys.design_effect([Scored(0, n, weights[key]) for key, (_people, n) in strata.items()]) >= 1 - 1e-9


@given(groups=some.lists(some.tuples(SCORES, some.floats(0.1, 5)), min_size=2, max_size=4))
def test_a_weighted_mean_is_that_of_numpy_and_its_error_that_of_the_linearised_total(groups):
    values = numpy.array([value for its, _weight in groups for value in its], dtype=float)
    weights = numpy.array([weight for its, weight in groups for _value in its])
    found = surveys.mean_of([cell for its, weight in groups for cell in counted(its, weight)])
    mean = numpy.average(values, weights=weights)
    parts = weights * (values - mean) / weights.sum()

    assert found.value == close(mean)
    assert found.error == close(math.sqrt(len(values) * numpy.var(parts, ddof=1)), margin=1e-7)
    assert found.n_effective == close(weights.sum() ** 2 / (weights**2).sum())


@given(values=SCORES, weight=some.floats(0.1, 9))
def test_equal_weights_change_nothing(values, weight):
    plain, weighed = surveys.mean_of(counted(values)), surveys.mean_of(counted(values, weight))
    assert (weighed.value, weighed.error, weighed.n_effective) == (close(plain.value), close(plain.error), close(plain.n_effective))
    assert surveys.share_of(counted(values, weight), 4).low == close(surveys.share_of(counted(values), 4).low)


# ── The whole survey ──────────────────────────────────────────────────────────────────────────────────────────────────────


def sums_of(people: list[list[int]]) -> Sums:
    pairs = [(sum(value >= 4 for value in one), len(one)) for one in people]
    return Sums(len(people), sum(h for h, _ in pairs), sum(m for _, m in pairs), sum(h * h for h, _ in pairs),
                sum(h * m for h, m in pairs), sum(m * m for _, m in pairs))  # fmt: skip


@given(values=some.lists(some.integers(1, 5), min_size=2, max_size=60))
def test_with_one_answer_each_the_whole_is_the_share_of_that_question(values):
    whole, alone = surveys.overall([sums_of([[value] for value in values])]), surveys.share_of(counted(values), 4)
    assert whole.value == close(alone.value)
    assert whole.n_effective == close(len(values) - 1 if 0 < whole.value < 100 else len(values), rel=1e-6)


def test_people_who_answer_all_alike_are_worth_one_answer_each():
    whole = surveys.overall([sums_of([[5] * 10] * 6 + [[1] * 10] * 4)])
    low, high = surveys.wilson(0.6 * 9, 9)
    assert (whole.value, whole.n, whole.low, whole.high) == (close(60), 10, close(100 * low), close(100 * high))


def test_nobody_satisfied_or_nobody_at_all_is_no_mistake():
    assert surveys.overall([sums_of([[1, 2], [3]])]).value == 0
    assert surveys.overall([]) is None
    assert surveys.overall([sums_of([[5]])]).high == close(100)


# ── Changes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(one=SCORES, other=SCORES)
def test_a_change_of_means_is_tested_as_welch_does(one, other):
    assume(len(set(one)) > 1 or len(set(other)) > 1)
    expected = stats.ttest_ind(one, other, equal_var=False).pvalue
    assert surveys.welch(surveys.mean_of(counted(one)), surveys.mean_of(counted(other))) == close(expected, rel=1e-7)


def test_means_without_any_spread_cannot_be_told_apart():
    four, five, alone = (surveys.mean_of([Scored(value, n)]) for value, n in ((4, 8), (5, 8), (4, 1)))
    assert surveys.welch(four, five) is None
    assert surveys.welch(four, four) == 1
    assert surveys.welch(alone, five) is None


@given(one=some.tuples(COUNTS, COUNTS), other=some.tuples(COUNTS, COUNTS))
def test_a_change_of_shares_is_chi_square_or_exact_where_too_few_are_expected(one, other):
    table = numpy.array([one, other])
    found = surveys.two_shares(*(surveys.share_of([Scored(1, hits), Scored(0, misses)], 1) for hits, misses in (one, other)))
    if stats.contingency.expected_freq(table).min() < 5:
        assert found == close(stats.fisher_exact(table).pvalue, rel=1e-6)
    else:
        assert found == close(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-7)


@given(table=some.tuples(*[some.integers(0, 40)] * 4))
def test_the_exact_test_is_that_of_scipy(table):
    assert surveys.fisher(*table) == close(stats.fisher_exact([table[:2], table[2:]]).pvalue, rel=1e-6)


@given(rows=some.integers(2, 4).flatmap(lambda width: some.lists(some.tuples(*[COUNTS] * width), min_size=2, max_size=5)))
def test_chi_square_is_that_of_scipy_where_it_holds(rows):
    expected = stats.contingency.expected_freq(numpy.array(rows))
    found = surveys.chi_square([*rows, [0] * len(rows[0])])
    if expected.min() < 1 or (expected < 5).mean() > 0.2:
        assert found is None
    else:
        assert found == close(stats.chi2_contingency(numpy.array(rows), correction=False).pvalue, rel=1e-7)


def test_one_row_or_column_has_nothing_to_compare():
    assert surveys.chi_square([[10, 20]]) is None
    assert surveys.chi_square([[10, 0], [20, 0]]) is None
    assert surveys.chi_square([]) is None


@pytest.mark.parametrize(
    ("difference", "p_value", "up", "verdict"),
    [
        (0.4, 0.049, True, Verdict.BETTER), (-0.4, 0.049, True, Verdict.WORSE), (0.4, 0.05, True, Verdict.NO_CHANGE),
        (0.4, None, True, Verdict.TOO_FEW), (None, 0.01, True, Verdict.DIFFERS), (3, 0.01, False, Verdict.DIFFERS),
    ],
)  # fmt: skip
def test_a_change_is_called_so_only_when_chance_makes_it_less_than_one_time_in_twenty(difference, p_value, up, verdict):
    assert surveys.verdict_of(difference, p_value, is_better_up=up) is verdict


# ── Small groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_small_group_takes_another_with_it_when_the_total_would_give_it_away():
    assert surveys.too_small({"a": 3, "b": 40, "c": 9}) == {"a", "c"}
    assert surveys.too_small({"a": 3, "b": 4, "c": 9}) == {"a", "b"}
    assert surveys.too_small({"a": 5, "b": 40, "c": 0}) == set()
    assert surveys.too_small({"a": 5, "b": 40}, hidden={"a"}) == {"a"}


@given(sizes=some.dictionaries(some.integers(0, 20), some.integers(0, 30)))
def test_what_is_hidden_is_never_a_small_group_unless_it_is_all_there_is(sizes):
    hidden = surveys.too_small(sizes)

    assert all(key in hidden for key, n in sizes.items() if 0 < n < 5)
    assert not 0 < sum(sizes[key] for key in hidden) < 5 or not any(n for key, n in sizes.items() if key not in hidden)


# ── The worked cases of the rules ─────────────────────────────────────────────────────────────────────────────────────────


def rows(name: str) -> list[list[str]]:
    """Return the worked cases whose first cell is *name*."""
    return [cells[1:] for cells in TABLES if cells[0] == name and len(cells) > 4]


def test_the_samples_of_the_rules_come_out():
    assert len(rows("Sample")) >= 5
    for people, confidence, error, n, _why in rows("Sample"):
        population = None if people == "without end" else int(people)
        assert surveys.sample_size(population, confidence=int(confidence), error_percent=float(error)) == int(n)


def test_the_margins_of_the_rules_come_out():
    assert len(rows("Margin")) >= 3
    for answers, people, margin, _why in rows("Margin"):
        population = None if people == "without end" else int(people)
        assert f"{surveys.margin_of_error(int(answers), population):.1f}" == margin


def test_the_shares_of_the_rules_come_out():
    assert len(rows("CSAT")) >= 3
    for hits, answers, percent, low, high, _why in rows("CSAT"):
        found = surveys.share_of([Scored(5, int(hits)), Scored(1, int(answers) - int(hits))], 4)
        assert [f"{number:.1f}" for number in (found.value, found.low, found.high)] == [percent, low, high]


def test_the_recommendations_of_the_rules_come_out():
    assert len(rows("NPS")) >= 3
    for promoters, passives, detractors, score, low, high, _why in rows("NPS"):
        found = surveys.nps_of([Scored(10, int(promoters)), Scored(8, int(passives)), Scored(3, int(detractors))]).score
        assert [f"{number:.1f}" if number is not None else "–" for number in (found.value, found.low, found.high)] == [score, low, high]


def test_the_changes_of_the_rules_come_out():
    assert len(rows("Change")) >= 4
    for before, now, p_value, verdict, _why in rows("Change"):
        pairs = [[int(number) for number in cell.split(" of ")] for cell in (before, now)]
        one, other = (surveys.share_of([Scored(5, hits), Scored(1, n - hits)], 4) for hits, n in pairs)
        found = surveys.two_shares(other, one)
        assert (f"{found:.3f}", surveys.verdict_of(other.value - one.value, found).value) == (p_value, verdict)
