"""
The change of an invoice (R10-01-06): what each concept was and becomes, and until when the law lets it rise.

See docs/rules/invoice-changes.md.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError

PESO = Decimal(1)
_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class LateChargeRule:
    """How long after the invoice was handed over something may still be charged on it."""

    months: int = 5
    norm: str = "Ley 142 de 1994, art. 150"


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A concept of an invoice before and after, in whole pesos; a subsidy or discount is negative."""

    concept: str
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """What the change adds: negative when it is in favour of the user."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class ChangeTotals:
    """Sums of the lines of a change."""

    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """What the change adds to the invoice."""
        return self.after - self.before


def totals(lines: Iterable[ChangeLine]) -> ChangeTotals:
    """Return the sums of *lines*."""
    before = after = Decimal(0)
    for line in lines:
        before, after = before + line.before, after + line.after
    return ChangeTotals(before, after)


def period_of(text: str) -> tuple[int, int]:
    """
    Return the year and month of a billing period written YYYY-MM.

    Raises:
        DomainError: It is written another way.
    """
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise DomainError(N_("Write the period as year and month, like 2026-07."), field="period")
    return int(found[1]), int(found[2])


def check_change(period: str, lines: Sequence[ChangeLine], reason: str, on: date) -> ChangeTotals:
    """
    Return the totals of a change that may be written down.

    Args:
        on: The day it is written; a period that has not begun has no invoice to change.

    Raises:
        DomainError: The period is not YYYY-MM or has not begun; there is no reason or no line; a line has no concept, repeats
            one, has cents or changes nothing.
    """
    year, month = period_of(period)
    if date(year, month, 1) > on:
        raise DomainError(N_("Period %(period)s has not begun: there is no invoice to change."), field="period", period=period)
    if not reason.strip():
        raise DomainError(N_("Write why the invoice changes."), field="reason")
    if not lines:
        raise DomainError(N_("Write at least one concept that changes."), field="lines")
    seen: set[str] = set()
    for line in lines:
        _refuse_line(line, seen)
        seen.add(_key(line))
    return totals(lines)


def _refuse_line(line: ChangeLine, seen: set[str]) -> None:
    if not line.concept.strip():
        raise DomainError(N_("Each line needs the concept of the invoice that changes."), field="lines")
    if _key(line) in seen:
        raise DomainError(N_("“%(concept)s” is there twice: write one line for each concept."), field="lines", concept=line.concept)
    if line.before % PESO or line.after % PESO:
        raise DomainError(N_("“%(concept)s”: write whole pesos, without cents."), field="lines", concept=line.concept)
    if not line.difference:
        raise DomainError(
            N_("“%(concept)s” stays at %(value)s: a line that changes nothing is no change."),
            field="lines",
            concept=line.concept,
            value=line.before,
        )


def _key(line: ChangeLine) -> str:
    return line.concept.strip().casefold()


def charge_until(period: str, delivered_on: date | None, rule: LateChargeRule) -> date:
    """
    Return the last day on which something may still be charged on the invoice of *period*.

    Args:
        delivered_on: When the invoice was handed over. Unknown: the last day of its period, which is earlier and so never gives
            the company more time than the law does.

    Raises:
        DomainError: The period is not YYYY-MM.

    Source: Ley 142 de 1994, art. 150.
    """
    if delivered_on is None:
        year, month = period_of(period)
        delivered_on = date(year, month, monthrange(year, month)[1])
    return months_after(delivered_on, rule.months)


def refuse_late_charge(period: str, change: ChangeTotals, delivered_on: date | None, on: date, rule: LateChargeRule) -> None:
    """
    Refuse to raise an invoice after the law stopped allowing it; lowering one is always allowed.

    Raises:
        DomainError: The total rises and *on* is past `charge_until`.
    """
    until = charge_until(period, delivered_on, rule)
    if change.difference > 0 and on > until:
        raise DomainError(
            N_(
                "The invoice of %(period)s can no longer rise: that was possible until %(until)s, %(months)s months after it was "
                "handed over (%(norm)s)."
            ),
            field="period",
            period=period,
            until=until,
            months=rule.months,
            norm=rule.norm,
        )
