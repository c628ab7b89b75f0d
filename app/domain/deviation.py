"""
Significant deviation of a water consumption: whether a bill has to wait for a *revisión previa* (Ley 142 art. 149).

The limits are data (`DeviationRule`); `deviation_of` returns every number behind its verdict. See docs/rules/significant-deviation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError

CENT = Decimal("0.01")


class BillingCycle(Enum):
    """How often an account is billed. The member name is stored, the value is the msgid."""

    MONTHLY = N_("Monthly")
    BIMONTHLY = N_("Every two months")


class DeviationBasis(Enum):
    """What a consumption was compared with."""

    HISTORY = N_("Average of the last periods")
    SAME_MONTH = N_("Same month of the previous year")
    STRATUM = N_("Average of the stratum or use")


class Verdict(Enum):
    """What the comparison says."""

    NORMAL = N_("No significant deviation")
    INCREASE = N_("Significant increase")
    DECREASE = N_("Significant decrease")

    @property
    def is_deviation(self) -> bool:
        """Say whether the bill has to wait for a *revisión previa*."""
        return self is not Verdict.NORMAL


@dataclass(frozen=True, slots=True)
class DeviationRule:
    """
    The limits that the regulator sets, with the norm shown beside every verdict.

    Args:
        n_monthly, n_bimonthly: Periods that make the average, by how the account is billed.
        threshold_m3: An average of this much or more has the limit `percent_high`; a lower one, `percent_low`.
        new_upper, new_lower: Times the average of the stratum, for an account without a valid history.

    Raises:
        DomainError: A limit is impossible: no period to compare with, or a lower limit that is not below the upper one.
    """

    n_monthly: int = 6
    n_bimonthly: int = 3
    threshold_m3: Decimal = Decimal(40)
    percent_high: Decimal = Decimal(35)
    percent_low: Decimal = Decimal(65)
    new_upper: Decimal = Decimal("1.65")
    new_lower: Decimal = Decimal("0.35")
    norm: str = "Ley 142 de 1994, art. 149; Resolución CRA 151 de 2001, art. 1.3.20.6, compilada en la Resolución CRA 943 de 2021"

    def __post_init__(self) -> None:
        if min(self.n_monthly, self.n_bimonthly) < 1:
            raise DomainError(N_("An average needs at least one period."), field="n_monthly")
        if not (0 < self.percent_high <= 100 and 0 < self.percent_low <= 100 and 0 <= self.new_lower < 1 < self.new_upper):
            raise DomainError(N_("The limits of a deviation leave no room between them."), field="percent_high")

    def n_periods(self, cycle: BillingCycle) -> int:
        """Return how many periods make the average."""
        return self.n_monthly if cycle is BillingCycle.MONTHLY else self.n_bimonthly


@dataclass(frozen=True, slots=True)
class Deviation:
    """
    A verdict with every number behind it, in m³; `percentage` is the change against `average`, None when that is zero.

    `limit` is the percentage allowed; None when the limits are times the average of the stratum. Numbers are rounded to show
    them; the verdict is not taken from the rounded ones.
    """

    consumption: Decimal
    basis: DeviationBasis
    n_periods: int
    average: Decimal
    percentage: Decimal | None
    limit: Decimal | None
    lower: Decimal
    upper: Decimal
    verdict: Verdict
    norm: str

    def facts(self) -> dict[str, str | int | None]:
        """Return the verdict as plain values, to be kept with the order that asked for it."""
        return {
            "consumption": str(self.consumption),
            "basis": self.basis.name,
            "n_periods": self.n_periods,
            "average": str(self.average),
            "percentage": None if self.percentage is None else str(self.percentage),
            "limit": None if self.limit is None else str(self.limit),
            "lower": str(self.lower),
            "upper": str(self.upper),
            "verdict": self.verdict.name,
            "norm": self.norm,
        }


def consumption_between(previous: Decimal, current: Decimal) -> Decimal:
    """
    Return what a meter counted between two readings.

    Raises:
        DomainError: The meter runs backwards: a change or a full turn of the meter is settled by hand, never guessed.
    """
    if current < previous:
        raise DomainError(
            N_(
                "The current reading (%(current)s) is lower than the previous one (%(previous)s). If the meter was changed or "
                "started again from zero, write the consumption itself."
            ),
            field="current",
            current=current,
            previous=previous,
        )
    return current - previous


def deviation_of(
    consumption: Decimal,
    history: Sequence[Decimal],
    cycle: BillingCycle,
    rule: DeviationRule,
    *,
    same_month: Decimal | None = None,
    stratum_average: Decimal | None = None,
) -> Deviation:
    """
    Return whether *consumption* deviates significantly, and why.

    Only a consumption *beyond* a limit deviates; one exactly at it does not ("mayores a los porcentajes", "por fuera de estos
    límites"). An average exactly at the threshold takes the limit of the high ones ("mayor o igual").

    Args:
        history: Consumptions of the earlier periods, oldest first; the last ones count. Fewer than the norm asks for make no
            valid history, and the account is judged by its stratum.
        same_month: Consumption of the same month of the previous year, in a zone where consumption has seasons; it is
            compared with instead of the average.
        stratum_average: Average consumption of the stratum or use, for accounts that are new or have no valid history.

    Raises:
        DomainError: A consumption is negative; or there is neither history nor average of the stratum.

    Source: Resolución CRA 151 de 2001, art. 1.3.20.6.
    """
    _refuse_negative(consumption, history, same_month, stratum_average)
    n = rule.n_periods(cycle)
    if same_month is not None:
        return _by_percentage(consumption, same_month, 1, DeviationBasis.SAME_MONTH, rule)
    if len(history) >= n:
        return _by_percentage(consumption, sum(history[-n:], Decimal(0)), n, DeviationBasis.HISTORY, rule)
    if stratum_average is None:
        raise DomainError(
            N_(
                "There are %(known)s earlier consumptions, and the norm compares with the last %(needed)s. Write the missing ones, "
                "or the average consumption of the stratum (%(norm)s)."
            ),
            field="stratum_average",
            known=len(history),
            needed=n,
            norm=rule.norm,
        )
    lower, upper = stratum_average * rule.new_lower, stratum_average * rule.new_upper
    verdict = Verdict.INCREASE if consumption > upper else Verdict.DECREASE if consumption < lower else Verdict.NORMAL
    return _found(consumption, DeviationBasis.STRATUM, 0, stratum_average, None, (lower, upper), verdict, rule.norm)


def _by_percentage(consumption: Decimal, total: Decimal, n: int, basis: DeviationBasis, rule: DeviationRule) -> Deviation:
    """Compare with the average of *n* periods that add up to *total*; both sides times 100 n, so that nothing is rounded."""
    limit = rule.percent_high if total >= rule.threshold_m3 * n else rule.percent_low
    scaled, lower, upper = consumption * n * 100, total * (100 - limit), total * (100 + limit)
    verdict = Verdict.INCREASE if scaled > upper else Verdict.DECREASE if scaled < lower else Verdict.NORMAL
    return _found(consumption, basis, n, total / n, limit, (lower / (100 * n), upper / (100 * n)), verdict, rule.norm)


def _found(
    consumption: Decimal,
    basis: DeviationBasis,
    n: int,
    average: Decimal,
    limit: Decimal | None,
    limits: tuple[Decimal, Decimal],
    verdict: Verdict,
    norm: str,
) -> Deviation:
    percentage = rounded((consumption - average) * 100 / average) if average else None
    lower, upper = limits
    return Deviation(consumption, basis, n, rounded(average), percentage, limit, rounded(lower), rounded(upper), verdict, norm)


def rounded(value: Decimal) -> Decimal:
    """Return *value* with two decimals, half away from zero."""
    return value.quantize(CENT, ROUND_HALF_UP)


def _refuse_negative(consumption: Decimal, history: Sequence[Decimal], same_month: Decimal | None, stratum: Decimal | None) -> None:
    fields = [("consumption", consumption), *(("history", value) for value in history)]
    fields += [(name, value) for name, value in (("same_month", same_month), ("stratum_average", stratum)) if value is not None]
    for name, value in fields:
        if value < 0:
            raise DomainError(N_("A consumption cannot be negative: %(value)s m³."), field=name, value=value)
