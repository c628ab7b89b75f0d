"""
Whether an action worked: the same figure before and after it, over windows of the same length (ISO 9001:2015, 10.2.1 d).

The figures propose and a person decides. What each measure counts: docs/rules/effectiveness.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import Enum

from app.domain import N_, surveys
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import EffectMeasure, EffectVerdict
from app.domain.indicators import Direction

LEAST_WINDOW, MOST_WINDOW, USUAL_WINDOW = 7, 731, 90
#: Of fewer cases, or answers, figures propose nothing.
LEAST_COUNTED = surveys.LEAST_SHOWN
USUAL_REDUCTION = Decimal(30)

#: Measures that count cases: fewer are better, and the goal is by how many percent.
COUNTS = frozenset({EffectMeasure.CAUSE, EffectMeasure.REQUEST_TYPE, EffectMeasure.PROCESS, EffectMeasure.AREA})
#: Measures whose goal is a reduction, in percent of the figure before; that of the others is the figure to reach.
REDUCES = COUNTS | {EffectMeasure.LATE}


class Chance(Enum):
    """How a difference is called. It helps whoever decides, and decides nothing."""

    REAL = N_("More than chance (95 %)")
    CHANCE = N_("It could be chance")
    UNKNOWN = N_("Too few to tell it from chance")


@dataclass(frozen=True, slots=True)
class Window:
    """The days counted, both included."""

    first: date
    last: date

    @property
    def n_days(self) -> int:
        return (self.last - self.first).days + 1

    def is_over(self, today: date) -> bool:
        return today > self.last


@dataclass(frozen=True, slots=True)
class Figure:
    """
    What a measure says of a window: *n* (cases, the sum behind a mean, a numerator) of *of* (active accounts, cases due, answers, a
    denominator), and *value*, which is compared. `value` is None where there is nothing to tell it by. `error` is the standard error of a
    mean; `asked`, the fingerprints of the questions behind it.
    """

    n: Decimal | None
    of: Decimal | None
    value: Decimal | None
    error: float | None = None
    asked: frozenset[str] = frozenset()

    @property
    def per_thousand(self) -> Decimal | None:
        """Return the cases per 1,000 active accounts; None without accounts. Only of a figure that counts cases."""
        return None if not self.of or self.n is None else (self.n * 1000 / self.of).quantize(Decimal("0.01"))


NOTHING = Figure(None, None, None)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the figures propose; `verdict` is None where they say too little, and `why` tells it in words (a msgid and its fields)."""

    verdict: EffectVerdict | None
    change: Decimal | None
    chance: Chance
    why: str
    fields: Mapping[str, object]


# ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def window_before(baseline_on: date, window_days: int) -> Window:
    """Return the window that ends the day before *baseline_on*."""
    return Window(baseline_on - timedelta(days=window_days), baseline_on - timedelta(days=1))


def window_after(carried_out_on: date, window_days: int) -> Window:
    """Return the window of the same length that begins the day after the action was carried out."""
    return Window(carried_out_on + timedelta(days=1), carried_out_on + timedelta(days=window_days))


# ── What may be planned ───────────────────────────────────────────────────────────────────────────────────────────────────


def check_plan(
    measure: EffectMeasure, key: str, window_days: int | None, goal: Decimal | None, *, baseline_on: date, today: date
) -> None:
    """Raise DomainError when how an action will be measured is not said whole, or its window before is not over yet."""
    if window_days is None or not LEAST_WINDOW <= window_days <= MOST_WINDOW:
        raise DomainError(
            N_("The window has between %(least)s and %(most)s days."), field="window_days", least=LEAST_WINDOW, most=MOST_WINDOW
        )
    if baseline_on > today:
        raise DomainError(N_("The window before ends when that day comes. Write today or an earlier day."), field="baseline_on")
    if measure is EffectMeasure.JUDGED:
        return
    if not key:
        raise DomainError(N_("Choose what is counted."), field="measure_key")
    if goal is None:
        raise DomainError(N_("Write the goal: without it nobody could say whether it worked."), field="goal")
    if measure in REDUCES and not 0 < goal <= 100:
        raise DomainError(N_("The reduction is more than 0 and at most 100 percent."), field="goal")


def check_review(number: str, measure: EffectMeasure | None, after: Window, today: date) -> None:
    """Raise MoveRefused before the window after is over."""
    if measure is None:
        raise MoveRefused(N_("%(number)s does not say how its effect is measured."), number=number)
    if not after.is_over(today):
        raise MoveRefused(
            N_("The window after ends on %(day)s. The effect is judged from the day after it."), field="verdict", day=after.last
        )


def check_judge(reason: str, *, is_responsible: bool) -> None:
    """Raise DomainError without a reason, and MoveRefused to whoever carried the action out: nobody judges their own work."""
    if is_responsible:
        raise MoveRefused(N_("You carried out this action or one of its tasks: somebody else judges whether it worked."), field="verdict")
    if not reason.strip():
        raise DomainError(N_("Write why: what the figures say, and what you saw."), field="reason")


# ── What figures propose ──────────────────────────────────────────────────────────────────────────────────────────────────


def reduction(before: Figure, after: Figure) -> Decimal | None:
    """Return by how many percent the figure fell, rounded down (negative: it rose); None from nothing."""
    exact = _fell(before, after)
    return None if exact is None else exact.quantize(Decimal("0.1"), ROUND_FLOOR)


def _fell(before: Figure, after: Figure) -> Decimal | None:
    if before.value is None or after.value is None or before.value == 0:
        return None
    return (before.value - after.value) * 100 / before.value


def propose(
    measure: EffectMeasure, before: Figure, after: Figure, goal: Decimal | None, direction: Direction = Direction.MORE
) -> Proposal:
    """
    Return what the figures propose.

    Args:
        direction: Which way the indicator is good; surveys are better the more.
    """
    if measure is EffectMeasure.JUDGED or goal is None:
        return Proposal(None, None, Chance.UNKNOWN, N_("No figure measures it: judge by the evidence."), {})
    if measure in REDUCES:
        return _of_reduction(measure, before, after, goal)
    if before.value is None or after.value is None:
        return Proposal(None, None, Chance.UNKNOWN, N_("One of the windows has nothing to measure, or too little to show it."), {})
    if before.asked != after.asked:
        return Proposal(None, None, Chance.UNKNOWN, N_("The question changed between the windows: they do not measure the same."), {})
    reached = after.value >= goal if direction is Direction.MORE else after.value <= goal
    said = {"value": after.value, "goal": goal}
    why = N_("The figure after, %(value)s, reaches the goal of %(goal)s.") if reached else N_(
        "The figure after, %(value)s, does not reach the goal of %(goal)s."
    )
    return Proposal(_verdict(reached), after.value - before.value, chance_of(measure, before, after), why, said)


def not_yet(after: Window) -> Proposal:
    """Return that nothing is proposed while the window after runs: half a window looks like an improvement."""
    why = N_("The window after ends on %(day)s: what is counted until then is not the whole.")
    return Proposal(None, None, Chance.UNKNOWN, why, {"day": after.last})


def _of_reduction(measure: EffectMeasure, before: Figure, after: Figure, goal: Decimal) -> Proposal:
    change, chance = reduction(before, after), chance_of(measure, before, after)
    if change is None or before.n is None or before.n < LEAST_COUNTED:
        why = N_("There were fewer than %(least)s cases before: too few for a reduction to mean something.")
        return Proposal(None, change, Chance.UNKNOWN, why, {"least": LEAST_COUNTED})
    if measure is EffectMeasure.LATE and (after.of or 0) < LEAST_COUNTED:
        why = N_("Fewer than %(least)s cases were due after: too few to compare.")
        return Proposal(None, change, Chance.UNKNOWN, why, {"least": LEAST_COUNTED})
    said: dict[str, object] = {"change": abs(change), "goal": goal}
    if (_fell(before, after) or 0) >= goal:
        return Proposal(EffectVerdict.EFFECTIVE, change, chance, N_("It fell by %(change)s %%; the goal was %(goal)s %%."), said)
    why = N_("It fell by %(change)s %% and the goal was %(goal)s %%.") if change >= 0 else N_(
        "It rose by %(change)s %%; the goal was that it fell by %(goal)s %%."
    )
    return Proposal(EffectVerdict.NOT_EFFECTIVE, change, chance, why, said)


def _verdict(reached: bool) -> EffectVerdict:
    return EffectVerdict.EFFECTIVE if reached else EffectVerdict.NOT_EFFECTIVE


# ── Is it more than chance ────────────────────────────────────────────────────────────────────────────────────────────────


def chance_of(measure: EffectMeasure, before: Figure, after: Figure) -> Chance:
    """Return how the difference is called: two counts by their exact test, two shares by `surveys.two_shares`, two means by Welch."""
    p = _p_value(measure, before, after)
    return Chance.UNKNOWN if p is None else Chance.REAL if p < surveys.SIGNIFICANCE else Chance.CHANCE


def _p_value(measure: EffectMeasure, before: Figure, after: Figure) -> float | None:
    if before.value is None or after.value is None or before.n is None or after.n is None:
        return None
    if measure in COUNTS:
        return two_counts(int(before.n), int(after.n))
    if not before.of or not after.of:
        return None
    one, other = (_estimate(figure, float(figure.of or 0)) for figure in (before, after))
    if measure is EffectMeasure.LATE:
        return surveys.two_shares(one, other)
    return surveys.welch(one, other) if measure is EffectMeasure.SURVEY else None


def _estimate(figure: Figure, n: float) -> surveys.Estimate:
    return surveys.Estimate(float(figure.value or 0), None, None, int(n), n, figure.error or 0.0)


def two_counts(before: int, after: int) -> float | None:
    """
    Return the p value of two counts over windows of the same length coming at the same rate; None of nothing.

    Source: Przyborowski and Wilenski, Biometrika 31 (1940): of all that happened, each falls before or after as a coin does.
    """
    n = before + after
    if not n:
        return None
    fewest = min(before, after)
    log_half = n * math.log(2)
    tail = math.fsum(math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - log_half) for k in range(fewest + 1))
    return min(1.0, 2 * tail)
