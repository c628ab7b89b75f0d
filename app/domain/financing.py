"""
The schedule of an *orden de financiación* (R10-01-05): whole pesos that add up to the debt. See docs/rules/financing.md.

Level instalments with interest on the balance; the last one takes what rounding left over. Nothing here knows who owes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError

PESO = Decimal(1)
FINEST_RATE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class FinancingLimits:
    """What the organisation allows: parameters, with the norm or act that backs them."""

    max_monthly_rate: Decimal
    max_instalments: int
    norm: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What was agreed. `monthly_rate` is a percentage per month, 0 for no interest; money is in whole pesos.

    Raises:
        DomainError: The debt is not positive, the down payment leaves nothing to finance, there are no instalments, the rate is
            negative or too fine, an amount has cents, or the first instalment is due before the agreement.
    """

    debt: Decimal
    down: Decimal
    n_instalments: int
    monthly_rate: Decimal
    first_due_on: date
    agreed_on: date

    def __post_init__(self) -> None:
        for name, value in (("debt", self.debt), ("down", self.down)):
            if value % PESO:
                raise DomainError(N_("The schedule is in whole pesos: write the amount without cents."), field=name)
        if self.debt <= 0:
            raise DomainError(N_("There is no debt to finance."), field="debt")
        if self.down < 0:
            raise DomainError(N_("The down payment cannot be negative."), field="down")
        if self.down >= self.debt:
            raise DomainError(N_("The down payment covers the whole debt: nothing is left to finance."), field="down")
        if self.n_instalments < 1:
            raise DomainError(N_("There has to be at least one instalment."), field="n_instalments")
        if self.monthly_rate < 0:
            raise DomainError(N_("The interest rate cannot be negative."), field="monthly_rate")
        if self.monthly_rate % FINEST_RATE:
            raise DomainError(N_("The interest rate has at most four decimals."), field="monthly_rate")
        if self.first_due_on < self.agreed_on:
            raise DomainError(N_("The first instalment cannot be due before the day of the agreement."), field="first_due_on")

    @property
    def principal(self) -> Decimal:
        """What is financed: the debt less the down payment."""
        return self.debt - self.down


@dataclass(frozen=True, slots=True)
class Row:
    """One instalment: `payment` is `principal` plus `interest`, and `balance` is what is left after it."""

    n: int
    due_on: date
    principal: Decimal
    interest: Decimal
    payment: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a schedule; `payment` leaves the down payment out."""

    principal: Decimal
    interest: Decimal
    payment: Decimal


def schedule(terms: Terms, limits: FinancingLimits) -> list[Row]:
    """
    Return the instalments of *terms*, one a month on the day of the first (or the last day of a shorter month).

    The level payment and the interest of each month round half up to the peso; the last instalment pays exactly what is left.

    Raises:
        DomainError: The rate or the number of instalments passes what is allowed; or the debt is too small for that many, so
            that some instalment would pay nothing of it.
    """
    _refuse_excess(terms, limits)
    level = level_payment(terms.principal, terms.n_instalments, terms.monthly_rate)
    rows: list[Row] = []
    balance = terms.principal
    for n in range(1, terms.n_instalments + 1):
        interest = _whole(balance * terms.monthly_rate / 100)
        principal = balance if n == terms.n_instalments else level - interest
        balance -= principal
        if principal < PESO or balance < 0:
            raise DomainError(
                N_("%(principal)s is too little for %(n)s instalments: each has to pay at least one peso of the debt."),
                field="n_instalments",
                principal=terms.principal,
                n=terms.n_instalments,
            )
        rows.append(Row(n, months_after(terms.first_due_on, n - 1), principal, interest, principal + interest, balance))
    check_schedule(rows, terms.debt, terms.down)
    return rows


def level_payment(principal: Decimal, n: int, monthly_rate: Decimal) -> Decimal:
    """Return the equal payment, in whole pesos, that pays *principal* and its interest in *n* months."""
    if not monthly_rate:
        return _whole(principal / n)
    rate = monthly_rate / 100
    return _whole(principal * rate / (1 - (1 + rate) ** -n))


def totals(rows: Iterable[Row]) -> Totals:
    """Return the sums of *rows*."""
    principal = interest = payment = Decimal(0)
    for row in rows:
        principal, interest, payment = principal + row.principal, interest + row.interest, payment + row.payment
    return Totals(principal, interest, payment)


def check_schedule(rows: Sequence[Row], debt: Decimal, down: Decimal) -> None:
    """
    Refuse a schedule that does not add up to the peso.

    Raises:
        DomainError: No instalments; numbers or dates out of order; a negative amount or cents; a payment that is not its
            principal plus its interest; a balance that does not follow; or principals that do not add up to the debt less the
            down payment. The message names the difference.
    """
    if not rows:
        raise DomainError(N_("There has to be at least one instalment."), field="n_instalments")
    _refuse_disorder(rows)
    paid = totals(rows).principal
    if paid != debt - down:
        raise DomainError(
            N_(
                "The instalments do not add up: they pay %(paid)s and %(owed)s is financed (debt %(debt)s less down payment %(down)s). "
                "Difference: %(difference)s."
            ),
            field="n_instalments",
            paid=paid,
            owed=debt - down,
            debt=debt,
            down=down,
            difference=paid - (debt - down),
        )
    balance = debt - down
    for row in rows:
        _refuse_broken(row, balance - row.principal)
        balance = row.balance


def _refuse_disorder(rows: Sequence[Row]) -> None:
    if [row.n for row in rows] != list(range(1, len(rows) + 1)):
        raise DomainError(N_("The instalments are not numbered one by one from 1."), field="n_instalments")
    for before, after in pairwise(rows):
        if after.due_on <= before.due_on:
            raise DomainError(N_("Instalment %(n)s is not due after the one before it."), field="first_due_on", n=after.n)


def _refuse_broken(row: Row, balance: Decimal) -> None:
    """Refuse a row whose amounts are impossible, or do not lead to *balance*."""
    if min(row.principal, row.interest, row.balance) < 0 or any(amount % PESO for amount in (row.principal, row.interest)):
        raise DomainError(N_("Instalment %(n)s has a negative amount or cents."), field="n_instalments", n=row.n)
    for found, right in ((row.payment, row.principal + row.interest), (row.balance, balance)):
        if found != right:
            raise DomainError(
                N_("Instalment %(n)s does not add up: it says %(found)s and should say %(right)s. Difference: %(difference)s."),
                field="n_instalments",
                n=row.n,
                found=found,
                right=right,
                difference=found - right,
            )


def _refuse_excess(terms: Terms, limits: FinancingLimits) -> None:
    if terms.monthly_rate > limits.max_monthly_rate:
        raise DomainError(
            N_("The interest rate, %(rate)s %% a month, passes the most that is allowed: %(most)s %% (%(norm)s)."),
            field="monthly_rate",
            rate=terms.monthly_rate,
            most=limits.max_monthly_rate,
            norm=limits.norm,
        )
    if terms.n_instalments > limits.max_instalments:
        raise DomainError(
            N_("At most %(most)s instalments are allowed (%(norm)s)."),
            field="n_instalments",
            most=limits.max_instalments,
            norm=limits.norm,
        )


def _whole(value: Decimal) -> Decimal:
    return value.quantize(PESO, ROUND_HALF_UP)
