"""The change of an invoice: what adds up, what is refused, and until when it may rise."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError
from app.domain.invoices import ChangeLine, ChangeTotals, LateChargeRule, charge_until, check_change, period_of, refuse_late_charge, totals

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "invoice-changes.md"
RULE = LateChargeRule()
TODAY = date(2026, 11, 21)
PESOS = st.integers(-10_000_000, 10_000_000).map(Decimal)


def line(concept: str = "Consumo", before: str = "120000", after: str = "80000") -> ChangeLine:
    return ChangeLine(concept, Decimal(before), Decimal(after))


def worked() -> list[list[str]]:
    table = re.search(r"\| Period \|.*?\n\n", PAGE.read_text() + "\n\n", re.S)
    assert table
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[0].strip().splitlines()[2:]]


@pytest.mark.parametrize("row", worked(), ids=lambda row: row[-1])
def test_the_page_of_the_rule_gives_what_the_code_gives(row):
    period, delivered, until, _why = row

    assert charge_until(period, None if delivered == "–" else date.fromisoformat(delivered), RULE) == date.fromisoformat(until)


def test_a_change_gives_its_totals():
    found = check_change("2026-07", [line(), line("Subsidio", "-12000", "-8000"), line("Reconexión", "0", "5000")], "Fuga oculta", TODAY)

    assert found == ChangeTotals(Decimal("108000"), Decimal("77000"))
    assert found.difference == Decimal("-31000")


def test_moving_a_charge_from_one_concept_to_another_is_a_change():
    assert check_change("2026-07", [line("Comercial", "9000", "0"), line("Residencial", "0", "9000")], "Uso errado", TODAY).difference == 0


@given(st.lists(st.tuples(PESOS, PESOS)))
def test_the_difference_of_the_totals_is_the_sum_of_the_differences(amounts):
    lines = [ChangeLine(str(n), before, after) for n, (before, after) in enumerate(amounts)]

    assert totals(lines).difference == sum((each.difference for each in lines), Decimal(0))


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-00", "26-07", "2026-7", "2026-07-01", "julio", "", " 2026-07", "٢٠٢٦-07"])
def test_a_period_is_a_year_and_a_month(period):
    with pytest.raises(DomainError, match="like 2026-07") as refusal:
        period_of(period)

    assert refusal.value.field == "period"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"period": "2026-12"}, "period"),
        ({"reason": "  "}, "reason"),
        ({"lines": []}, "lines"),
        ({"lines": [line(" ")]}, "lines"),
        ({"lines": [line(after="120000.00")]}, "lines"),
        ({"lines": [line(after="0.5")]}, "lines"),
        ({"lines": [line("Consumo"), line("consumo ")]}, "lines"),
    ],
    ids=["future", "no reason", "no lines", "no concept", "changes nothing", "half a peso", "concept twice"],
)
def test_a_change_that_says_nothing_is_refused_at_its_field(change, field):
    with pytest.raises(DomainError) as refusal:
        check_change(**({"period": "2026-07", "lines": [line()], "reason": "Fuga", "on": TODAY} | change))

    assert refusal.value.field == field


def test_the_period_that_runs_may_change():
    assert check_change("2026-11", [line()], "Fuga", TODAY).difference == -40_000


def test_an_invoice_rises_until_the_last_day_and_not_on_the_next():
    rise = totals([line(before="80000", after="80001")])

    refuse_late_charge("2026-05", rise, date(2026, 6, 21), TODAY, RULE)
    with pytest.raises(DomainError, match=r"was possible until 2026-11-20, 5 months .* \(Ley 142 de 1994, art\. 150\)"):
        refuse_late_charge("2026-05", rise, date(2026, 6, 20), TODAY, RULE)


def test_an_old_invoice_may_always_go_down():
    refuse_late_charge("2019-01", totals([line()]), None, TODAY, RULE)
