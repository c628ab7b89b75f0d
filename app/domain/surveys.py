"""
What answers of a survey add up to: means, shares satisfied, recommendation (NPS), how sure they are, and whether a change is chance.

Scores come counted, with the weight of their stratum; weights of 1 give the textbook formulas. Intervals are of 95 %, tests two-sided
at 5 %. Each figure, with its formula and its source: docs/rules/surveys.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, TypeVar

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.questionnaires import QuestionKind

CONFIDENCE = 95
SIGNIFICANCE = 0.05
#: Of fewer answers no figure is shown but to whoever may see small groups: somebody could be recognised.
LEAST_SHOWN = 5
#: Least value that counts as satisfied: the two best steps of a scale, or yes.
SATISFIED = {QuestionKind.SCALE5: 4, QuestionKind.MATRIX: 4, QuestionKind.SCALE7: 6, QuestionKind.YES_NO: 1}
#: Kinds that the satisfaction of a whole survey is made of.
SATISFACTION = (QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.MATRIX)
PROMOTER, DETRACTOR = 9, 6
_LEAST_EXPECTED = 5
_TINY = 1e-300

Key = TypeVar("Key")


class Measure(Enum):
    """What two rounds are compared by."""

    MEAN = N_("Mean")
    CSAT = N_("Satisfied (CSAT)")
    NPS = N_("Recommendation (NPS)")
    SHARES = N_("How answers are spread")


class Verdict(Enum):
    """How a figure stands against an earlier one. Lists and numbers differ: they have no better or worse."""

    BETTER = N_("Better")
    WORSE = N_("Worse")
    NO_CHANGE = N_("No significant change")
    DIFFERS = N_("Different")
    TOO_FEW = N_("Too few answers to compare")


class Scored(NamedTuple):
    """That `n` answers have this value, each of them with this weight."""

    value: float
    n: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    A figure and how sure it is: its interval (None: nothing to tell it by), the answers behind it, as many equal ones as they are worth,
    and its standard error. Shares are in percent.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    n_effective: float
    error: float


# ── Distributions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache
def z_of(confidence: float) -> float:
    """Return how many standard errors of a normal lie on each side for a two-sided *confidence* in percent: 1.96 for 95."""
    return NormalDist().inv_cdf(0.5 + confidence / 200)


def t_tail(t: float, df: float) -> float:
    """Return the probability that Student's t of *df* degrees of freedom is further from 0 than *t*, on either side."""
    square = t * t
    if square < 1:  # df / (df + t²) rounds to 1 long before t reaches 0: the other end has all its figures
        return 1 - _beta_part(0.5, df / 2, square / (df + square))
    return _beta_part(df / 2, 0.5, df / (df + square))


@lru_cache(maxsize=4096)
def t_of(df: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t: 2.262 for 9 degrees of freedom and 95 percent."""
    alpha, z = 1 - confidence / 100, z_of(confidence)
    if df == 1:
        return math.tan(math.pi / 2 * (1 - alpha))
    if df == 2:
        return (1 - alpha) * math.sqrt(2 / (alpha * (2 - alpha)))
    square = z * z
    t = z * (1 + (square + 1) / (4 * df) + ((5 * square + 16) * square + 3) / (96 * df**2)
             + (((3 * square + 19) * square + 17) * square - 15) / (384 * df**3))  # fmt: skip
    for _ in range(8 if df < 100_000 else 0):  # the series alone is exact to twelve figures by then
        log_density = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - (df + 1) / 2 * math.log1p(t * t / df) - math.log(df * math.pi) / 2
        step = (t_tail(t, df) - alpha) / (2 * math.exp(log_density))
        t += step
        if abs(step) < 1e-12 * t:
            break
    return t


def chi_tail(statistic: float, df: int) -> float:
    """Return the probability that a chi-square of *df* degrees of freedom is greater than *statistic*."""
    a, x = df / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        while abs(term) > abs(total) * 1e-16:
            a += 1
            term *= x / a
            total += term
        return 1 - front * total
    return front * _fraction(x + 1 - a, lambda i: (-i * (i - a), x + 2 * i + 1 - a))


def _beta_part(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _beta_fraction(b, a, 1 - x) / b
    return front * _beta_fraction(a, b, x) / a


def _beta_fraction(a: float, b: float, x: float) -> float:
    def term(i: int) -> tuple[float, float]:
        m = i // 2
        if i % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return _fraction(1.0, term)


def _fraction(first: float, term: Callable[[int], tuple[float, float]]) -> float:
    """Return 1 ÷ the continued fraction that starts with *first*, and goes on with (numerator, denominator) `term(1)`, … (Lentz)."""
    d = 1 / (first or _TINY)
    c, value = 1 / _TINY, d
    for i in range(1, 20_000):
        numerator, denominator = term(i)
        d = 1 / (denominator + numerator * d or _TINY)
        c = denominator + numerator / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


# ── How many to ask, and what it is worth ─────────────────────────────────────────────────────────────────────────────────


def sample_size(population: int | None, *, confidence: float = CONFIDENCE, error_percent: Decimal | float = 5, share: float = 0.5) -> int:
    """
    Return how many answers a share of *population* (None: without end) needs for that margin of error, in percentage points.

    Raises:
        DomainError: A margin that is none, or over fifty points.

    Source: Cochran, Sampling Techniques (1977), 4.4.
    """
    if not 0 < error_percent <= 50:
        raise DomainError(N_("The margin of error is more than 0 and at most 50 percentage points."), field="error_percent")
    endless = (z_of(confidence) / (float(error_percent) / 100)) ** 2 * share * (1 - share)
    if population is None:
        return math.ceil(endless)
    return min(population, math.ceil(endless / (1 + (endless - 1) / population))) if population else 0


def margin_of_error(n: float, population: int | None, *, confidence: float = CONFIDENCE, share: float = 0.5) -> float:
    """
    Return the margin, in percentage points, of a share told by *n* > 0 answers out of *population*; nobody is left to err about at its end.

    Source: Cochran, Sampling Techniques (1977), 3.2, with the finite population correction.
    """
    if population is not None and n >= population:
        return 0.0
    left = 1.0 if population is None else (population - n) / (population - 1)
    return 100 * z_of(confidence) * math.sqrt(share * (1 - share) / n * left)


def weights_of(strata: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """
    Return the weight of an answer of each stratum from its (population, answers): its part of the people ÷ its part of the answers.

    Strata without answers have no weight: the others speak for them.
    """
    told = {key: (people, n) for key, (people, n) in strata.items() if n and people}
    n_people, n_answers = (sum(pair[i] for pair in told.values()) for i in (0, 1))
    return {key: (people / n_people) / (n / n_answers) for key, (people, n) in told.items()}


def design_effect(cells: Iterable[Scored]) -> float:
    """Return by how much unequal weights make variances grow: n × Σw² ÷ (Σw)². Source: Kish, Survey Sampling (1965), 11.7."""
    n, total, squares = _weighed(cells)
    return n * squares / (total * total) if n else 1.0


def _weighed(cells: Iterable[Scored]) -> tuple[int, float, float]:
    """Return how many answers there are, the sum of their weights, and that of their squares."""
    n, total, squares = 0, 0.0, 0.0
    for _value, count, weight in cells:
        n += count
        total += count * weight
        squares += count * weight * weight
    return n, total, squares


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def mean_of(cells: Sequence[Scored]) -> Estimate | None:
    """
    Return the mean, with its interval by Student's t; None of nothing. Where all say the same there is nothing to tell an interval by.

    With weights, the variance is that of the weighted mean by linearisation; without, s² ÷ n.
    """
    n, total, squares = _weighed(cells)
    if not n:
        return None
    mean = sum(c.n * c.weight * c.value for c in cells) / total
    spread = sum(c.n * (c.weight * (c.value - mean)) ** 2 for c in cells)
    if n < 2 or spread <= 1e-18 * n:
        return Estimate(mean, None, None, n, total**2 / squares, 0.0)
    error = math.sqrt(n / (n - 1) * spread) / total
    half = t_of(n - 1) * error
    return Estimate(mean, mean - half, mean + half, n, total**2 / squares, error)


def deviation_of(cells: Sequence[Scored]) -> float | None:
    """Return the standard deviation of a sample; None of fewer than two."""
    n, total, _squares = _weighed(cells)
    if n < 2:
        return None
    mean = sum(c.n * c.weight * c.value for c in cells) / total
    return math.sqrt(n / (n - 1) * sum(c.n * c.weight * (c.value - mean) ** 2 for c in cells) / total)


def wilson(hits: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of a share, 0 to 1. Source: Wilson, J. Am. Stat. Assoc. 22 (1927), without continuity correction."""
    z, p = z_of(confidence), hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    low, high = ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n))
    return (0.0 if hits <= 0 else max(0.0, low)), (1.0 if hits >= n else min(1.0, high))


def _share(p: float, n: int, n_effective: float) -> Estimate:
    low, high = wilson(p * n_effective, n_effective)
    return Estimate(100 * p, 100 * low, 100 * high, n, n_effective, 100 * math.sqrt(p * (1 - p) / n_effective))


def share_of(cells: Sequence[Scored], least: float) -> Estimate | None:
    """Return the percentage of answers of at least *least*, with its interval by Wilson on as many answers as theirs are worth."""
    n, total, squares = _weighed(cells)
    if not n:
        return None
    return _share(min(1.0, sum(c.n * c.weight for c in cells if c.value >= least) / total), n, total**2 / squares)


def satisfied(kind: QuestionKind, cells: Sequence[Scored]) -> Estimate | None:
    """Return the CSAT of a question: the percentage of its answers in the two best steps, or of yes; None where the kind has none."""
    return share_of(cells, SATISFIED[kind]) if kind in SATISFIED else None


@dataclass(frozen=True, slots=True)
class Nps:
    """Recommendation: promoters (9-10) less detractors (0-6), -100 to 100, and the percentages that it is made of."""

    score: Estimate
    promoters: float
    passives: float
    detractors: float


def nps_of(cells: Sequence[Scored]) -> Nps | None:
    """
    Return the NPS: the mean of 100, 0 and -100 of promoters, passives and detractors, with the interval of a mean, cut at its ends.

    Source: Reichheld, Harvard Business Review 81 (2003).
    """
    turned = [Scored(100 * ((c.value >= PROMOTER) - (c.value <= DETRACTOR)), c.n, c.weight) for c in cells]
    score = mean_of(turned)
    if score is None:
        return None
    if score.low is not None and score.high is not None:
        score = replace(score, low=max(-100.0, score.low), high=min(100.0, score.high))
    total = sum(c.n * c.weight for c in turned)
    parts = [100 * sum(c.n * c.weight for c in turned if c.value == value) / total for value in (100, 0, -100)]
    return Nps(score, *parts)


class Sums(NamedTuple):
    """Of `n` people who gave `answers` scored answers, `hits` of them satisfied: sums over people of both, of their squares and product."""

    n: int
    hits: float
    answers: float
    hits_squared: float
    product: float
    answers_squared: float
    weight: float = 1.0


def overall(groups: Sequence[Sums]) -> Estimate | None:
    """
    Return the percentage satisfied of all answers. Answers of one person go together, so people are what the interval counts:
    Wilson on p(1 - p) ÷ the variance of the ratio by linearisation, never more than the answers.

    Source: Korn and Graubard, Survey Methodology 24 (1998); ratio: Cochran (1977), 6.3.
    """
    answers = sum(g.answers * g.weight for g in groups)
    n = sum(g.n for g in groups)
    if not answers:
        return None
    p = min(1.0, sum(g.hits * g.weight for g in groups) / answers)
    spread = sum(g.weight**2 * (g.hits_squared - 2 * p * g.product + p * p * g.answers_squared) for g in groups) / answers**2
    most = sum(g.answers for g in groups)
    variance = spread * n / (n - 1) if n > 1 else 0.0
    return _share(p, n, min(most, p * (1 - p) / variance) if variance > 1e-15 else float(n))


def median_of(cells: Sequence[Scored]) -> float | None:
    """Return the middle value, weights or not left aside; half-way between the two middle ones of an even number."""
    ordered = sorted(cells)
    n = sum(c.n for c in ordered)
    return (_nth(ordered, (n - 1) // 2) + _nth(ordered, n // 2)) / 2 if n else None


def _nth(ordered: Sequence[Scored], nth: int) -> float:
    passed = 0
    for cell in ordered:
        passed += cell.n
        if nth < passed:
            return cell.value
    raise IndexError(nth)


def ranges_of(least: float, greatest: float, most: int = 8) -> list[tuple[float, float]]:
    """Return equal ranges [from, until) with round ends, *most* or a few less, that hold all from *least* to *greatest*."""
    rough = (greatest - least) / (most - 1) or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough * (1 - 1e-9))
    first = math.floor(least / step)
    n = math.floor(greatest / step) - first + 1
    return [(round((first + i) * step, 10), round((first + i + 1) * step, 10)) for i in range(n)]


# ── Is it more than chance ────────────────────────────────────────────────────────────────────────────────────────────────


def welch(one: Estimate, other: Estimate) -> float | None:
    """
    Return the p value of two means being the same, whatever their variances; None where neither has any spread, or one stands alone.

    Source: Welch, Biometrika 34 (1947).
    """
    if one.n < 2 or other.n < 2:
        return None
    a, b = one.error**2, other.error**2
    if not a + b:
        return 1.0 if one.value == other.value else None
    df = (a + b) ** 2 / (a * a / (one.n - 1) + b * b / (other.n - 1))
    return t_tail((one.value - other.value) / math.sqrt(a + b), df)


def two_shares(one: Estimate, other: Estimate) -> float:
    """
    Return the p value of two percentages being the same: by the normal with the pooled share; by Fisher's exact test where it expects fewer
    than five of something. Weighted shares count as many answers as they are worth.
    """
    (p, n), (q, m) = ((share.value / 100, share.n_effective) for share in (one, other))
    pooled = (p * n + q * m) / (n + m)
    if min(n, m) * min(pooled, 1 - pooled) < _LEAST_EXPECTED:
        return fisher(*(round(k) for k in (p * n, (1 - p) * n, q * m, (1 - q) * m)))
    z = (p - q) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return math.erfc(abs(z) / math.sqrt(2))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Return the p value of Fisher's exact test of the table a b / c d: the chance of all tables as unlikely as this, or more."""

    def log_chance(k: int) -> float:
        return _log_choose(a + b, k) + _log_choose(c + d, a + c - k) - _log_choose(a + b + c + d, a + c)

    seen = log_chance(a) + 1e-7
    likely = [log_chance(k) for k in range(max(0, a - d), min(a + b, a + c) + 1)]
    return min(1.0, math.fsum(math.exp(chance) for chance in likely if chance <= seen))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def chi_square(table: Sequence[Sequence[float]]) -> float | None:
    """
    Return the p value of the rows of *table* being spread alike over its columns; empty rows and columns are left out. None where it would
    expect fewer than one of something, or fewer than five in more than a fifth of the cells.

    Source: Pearson (1900); Cochran, Biometrics 10 (1954), for when it holds.
    """
    rows = [row for row in table if sum(row)]
    columns = [column for column in zip(*rows, strict=True) if sum(column)]
    if len(rows) < 2 or len(columns) < 2:
        return None
    n = sum(map(sum, rows))
    expected = [sum(row) * sum(column) / n for column in columns for row in rows]
    if min(expected) < 1 or sum(e < _LEAST_EXPECTED for e in expected) > len(expected) / 5:
        return None
    seen = [count for column in columns for count in column]
    return chi_tail(sum((count - e) ** 2 / e for count, e in zip(seen, expected, strict=True)), (len(rows) - 1) * (len(columns) - 1))


def verdict_of(difference: float | None, p_value: float | None, *, is_better_up: bool = True) -> Verdict:
    """Return how a change is to be called: significant at 5 percent, or none."""
    if p_value is None:
        return Verdict.TOO_FEW
    if p_value >= SIGNIFICANCE:
        return Verdict.NO_CHANGE
    if difference is None or not is_better_up:
        return Verdict.DIFFERS
    return Verdict.BETTER if difference > 0 else Verdict.WORSE


# ── Small groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_small(n: int) -> bool:
    return 0 < n < LEAST_SHOWN


def too_small(sizes: Mapping[Key, int], hidden: Iterable[Key] = ()) -> set[Key]:
    """
    Return which groups are not shown: those of fewer than five, those *hidden* anyhow and, where what they add up to is still a small
    group, the next smallest, since the total less the others would give it away.
    """
    found = {key for key, n in sizes.items() if is_small(n)} | set(hidden)
    while is_small(sum(sizes[key] for key in found)):
        left = [key for key, n in sizes.items() if n and key not in found]
        if not left:
            break
        found.add(min(left, key=lambda key: sizes[key]))
    return found
