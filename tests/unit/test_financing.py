"""The schedule of a financing adds up to the peso, whatever was agreed; one that does not is refused by name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError
from app.domain.financing import FinancingLimits, Terms, check_schedule, schedule, totals

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "financing.md"
LIMITS = FinancingLimits(Decimal("2.0"), 60, "Acuerdo 7 de 2026")
AGREED = date(2026, 1, 20)
PESOS = st.integers(100_000, 500_000_000).map(Decimal)
RATES = st.decimals(min_value=0, max_value=2, places=4)


def agreed(debt: int = 600_000, down: int = 100_000, n: int = 5, rate: str = "0", first: date = date(2026, 1, 31)) -> Terms:
    return Terms(Decimal(debt), Decimal(down), n, Decimal(rate), first, AGREED)


def tables() -> list[list[list[str]]]:
    found = re.findall(r"\| n \| Due \|.*?\n\n", PAGE.read_text() + "\n\n", re.S)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]] for table in found]


@pytest.mark.parametrize(
    ("terms", "table"),
    [(agreed(debt=200_000, n=3), 0), (agreed(debt=600_000, n=6, rate="1.5", first=date(2026, 8, 31)), 1)],
    ids=["no interest", "interest"],
)
def test_the_page_of_the_rule_shows_what_the_code_gives(terms, table):
    shown = tables()[table]

    assert [[str(value) for value in (row.n, row.due_on, row.principal, row.interest, row.payment, row.balance)]
            for row in schedule(terms, LIMITS)] == shown  # fmt: skip


def test_the_end_of_the_month_comes_back_after_a_short_one():
    days = [row.due_on for row in schedule(agreed(), LIMITS)]

    assert days == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]


def test_one_instalment_pays_all_of_it():
    [row] = schedule(agreed(n=1, rate="2"), LIMITS)

    assert (row.principal, row.interest, row.payment, row.balance) == (500_000, 10_000, 510_000, 0)


@given(debt=PESOS, share=st.integers(0, 90), n=st.integers(1, 60), rate=RATES, first=st.dates(AGREED, date(2030, 12, 31)))
def test_every_schedule_adds_up_to_the_peso(debt, share, n, rate, first):
    terms = Terms(debt, debt * share // 100, n, rate, first, AGREED)
    rows = schedule(terms, LIMITS)

    sums = totals(rows)
    assert sums.principal == terms.principal
    assert sums.payment == sums.principal + sums.interest
    assert rows[-1].balance == 0
    assert [row.n for row in rows] == list(range(1, n + 1))
    assert all(row.payment % 1 == 0 and row.principal > 0 and row.interest >= 0 for row in rows)
    assert all((after.due_on.year * 12 + after.due_on.month) - (before.due_on.year * 12 + before.due_on.month) == 1
               for before, after in pairwise(rows))  # fmt: skip


@given(debt=PESOS, n=st.integers(2, 60), rate=RATES)
def test_all_payments_but_the_last_are_the_same_and_the_last_is_near(debt, n, rate):
    rows = schedule(Terms(debt, Decimal(0), n, rate, date(2026, 2, 1), AGREED), LIMITS)

    assert len({row.payment for row in rows[:-1]}) == 1
    assert abs(rows[-1].payment - rows[0].payment) <= 2 * n  # half a peso a month, grown by the interest


@given(debt=PESOS, n=st.integers(2, 60), rate=RATES, at=st.integers(0, 59), off=st.integers(-500, 500).filter(bool))
def test_a_schedule_touched_anywhere_is_refused(debt, n, rate, at, off):
    rows = schedule(Terms(debt, Decimal(0), n, rate, date(2026, 2, 1), AGREED), LIMITS)
    at %= n
    for name in ("principal", "payment", "interest", "balance"):
        touched = [*rows]
        touched[at] = replace(rows[at], **{name: getattr(rows[at], name) + off})
        with pytest.raises(DomainError):
            check_schedule(touched, debt, Decimal(0))


def test_the_refusal_names_the_difference():
    rows = schedule(agreed(), LIMITS)

    with pytest.raises(DomainError, match=r"they pay 500000 and 500001 is financed .* Difference: -1\."):
        check_schedule(rows, Decimal(600_001), Decimal(100_000))
    with pytest.raises(DomainError, match=r"Instalment 2 does not add up: it says 100050 and should say 100000\. Difference: 50\."):
        check_schedule([rows[0], replace(rows[1], payment=Decimal(100_050)), *rows[2:]], Decimal(600_000), Decimal(100_000))


@pytest.mark.parametrize("wrong", [[], [1, 0, 2, 3, 4], [0, 0, 1, 2, 3]], ids=["none", "swapped", "twice"])
def test_instalments_out_of_order_are_refused(wrong):
    rows = schedule(agreed(), LIMITS)

    with pytest.raises(DomainError):
        check_schedule([rows[index] for index in wrong], Decimal(600_000), Decimal(100_000))


def test_dates_out_of_order_are_refused():
    rows = schedule(agreed(), LIMITS)
    rows[2] = replace(rows[2], due_on=rows[1].due_on)

    with pytest.raises(DomainError, match="Instalment 3 is not due after the one before it"):
        check_schedule(rows, Decimal(600_000), Decimal(100_000))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"debt": Decimal(0)}, "debt"),
        ({"debt": Decimal("600000.50")}, "debt"),
        ({"down": Decimal("0.5")}, "down"),
        ({"down": Decimal(-1)}, "down"),
        ({"down": Decimal(600_000)}, "down"),
        ({"n_instalments": 0}, "n_instalments"),
        ({"monthly_rate": Decimal("-0.1")}, "monthly_rate"),
        ({"monthly_rate": Decimal("1.50001")}, "monthly_rate"),
        ({"first_due_on": date(2026, 1, 19)}, "first_due_on"),
    ],
)
def test_terms_that_make_no_sense_are_refused_at_their_field(change, field):
    with pytest.raises(DomainError) as refusal:
        replace(agreed(), **change)

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (agreed(rate="2.0001"), r"2\.0001 % a month, passes the most that is allowed: 2\.0 % \(Acuerdo 7 de 2026\)"),
        (agreed(n=61), r"At most 60 instalments are allowed \(Acuerdo 7 de 2026\)"),
        (agreed(debt=100_030, n=60), "30 is too little for 60 instalments"),
        (agreed(debt=100_090, n=60), "90 is too little for 60 instalments"),
    ],
)
def test_what_passes_the_limits_is_refused_with_the_limit(terms, words):
    with pytest.raises(DomainError, match=words):
        schedule(terms, LIMITS)


def test_exactly_the_limits_are_allowed():
    assert len(schedule(agreed(rate="2.0", n=60), LIMITS)) == 60
