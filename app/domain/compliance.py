"""
What verdicts add up to: how many of each, and the share of what was required that is met.

The share is 100 × (met + ½ met in part) ÷ (met + met in part + not met). What does not apply is left out, and so is what has no verdict
yet; where nothing is left there is no share, and nobody may read a zero or a hundred into it. See docs/rules/compliance.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from app.domain import N_
from app.domain.checklists import Verdict

#: One letter a verdict, for a table of many years.
LETTERS = {Verdict.MET: N_("M"), Verdict.PARTLY: N_("P"), Verdict.NOT_MET: N_("N"), Verdict.NOT_APPLICABLE: N_("NA")}
#: The word of state of the style sheet that repeats each verdict as a colour.
TONES = {Verdict.MET: "ok", Verdict.PARTLY: "warn", Verdict.NOT_MET: "bad", Verdict.NOT_APPLICABLE: "stop"}
DEFINITION = N_(
    "Compliance: 100 × (met + half of those met in part) ÷ (met + met in part + not met). What does not apply and what has no verdict yet "
    "are left out."
)
_TENTH, _NEARLY_ALL = Decimal("0.1"), Decimal("99.9")


@dataclass(frozen=True, slots=True)
class Sum:
    """How many verdicts of each kind; `n_pending` have none yet."""

    n_met: int = 0
    n_partly: int = 0
    n_not_met: int = 0
    n_not_applicable: int = 0
    n_pending: int = 0

    @property
    def n(self) -> int:
        return self.n_judged + self.n_not_applicable + self.n_pending

    @property
    def n_judged(self) -> int:
        """How many count: those that apply and have a verdict."""
        return self.n_met + self.n_partly + self.n_not_met

    @property
    def n_findings(self) -> int:
        return self.n_partly + self.n_not_met

    @property
    def percent(self) -> Decimal | None:
        """
        Return the share met, 0 to 100 with one decimal, halves up; None when nothing counts.

        Rounding never makes a finding vanish: with one, it is at most 99.9.
        """
        if not self.n_judged:
            return None
        rounded = (Decimal(100 * self.n_met + 50 * self.n_partly) / self.n_judged).quantize(_TENTH, ROUND_HALF_UP)
        return min(rounded, _NEARLY_ALL) if self.n_findings else rounded

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            self.n_met + other.n_met, self.n_partly + other.n_partly, self.n_not_met + other.n_not_met,
            self.n_not_applicable + other.n_not_applicable, self.n_pending + other.n_pending,
        )  # fmt: skip


def sum_of(verdicts: Iterable[Verdict | None]) -> Sum:
    """Return how many of each there are in *verdicts*; None has no verdict yet."""
    found = list(verdicts)
    members = (Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET, Verdict.NOT_APPLICABLE, None)
    return Sum(*(found.count(member) for member in members))


def share(part: int, whole: int) -> Decimal | None:
    """Return *part* of *whole* in percent with one decimal, halves up; None of nothing."""
    return (Decimal(100 * part) / whole).quantize(_TENTH, ROUND_HALF_UP) if whole else None
