"""Significant deviation of a consumption: the cases of docs/rules/significant-deviation.md, its limits, and what always holds."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.deviation import BillingCycle, DeviationBasis, DeviationRule, Verdict, consumption_between, deviation_of
from app.domain.errors import DomainError

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "significant-deviation.md"
RULE = DeviationRule()
MONTHLY, BIMONTHLY = BillingCycle.MONTHLY, BillingCycle.BIMONTHLY
VOLUMES = st.decimals(min_value=0, max_value=99_999, places=2)


def cells(text: str) -> list[str]:
    return [cell.strip() for cell in text.strip().strip("|").split("|")]


def worked() -> list[list[str]]:
    table = re.search(r"\| Consumption \|.*?\n\n", PAGE.read_text() + "\n\n", re.S)
    assert table
    return [cells(line) for line in table[0].strip().splitlines()[2:]]


def numbers(text: str) -> list[Decimal]:
    return [Decimal(value) for value in text.split()] if text != "–" else []


def number(text: str) -> Decimal | None:
    return None if text == "–" else Decimal(text)


@pytest.mark.parametrize("row", worked(), ids=lambda row: row[-1])
def test_the_page_of_the_rule_gives_what_the_code_gives(row):
    consumption, cycle, history, same_month, stratum, average, percentage, lower, upper, verdict, _why = row

    found = deviation_of(
        Decimal(consumption), numbers(history), BillingCycle[cycle], RULE, same_month=number(same_month), stratum_average=number(stratum)
    )

    assert (found.average, found.percentage, found.lower, found.upper) == tuple(map(number, (average, percentage, lower, upper)))
    assert found.verdict.name == verdict


def test_the_last_periods_count_and_older_ones_do_not():
    found = deviation_of(Decimal(20), [Decimal(900), *[Decimal(20)] * 6], MONTHLY, RULE)

    assert (found.average, found.n_periods, found.basis) == (Decimal(20), 6, DeviationBasis.HISTORY)
    assert found.verdict is Verdict.NORMAL


def test_an_average_that_does_not_end_is_compared_exactly():
    # 100 in three periods: 33.33…; 65 % more is exactly 55, which does not pass the limit
    assert deviation_of(Decimal(55), [Decimal(33), Decimal(33), Decimal(34)], BIMONTHLY, RULE).verdict is Verdict.NORMAL
    assert deviation_of(Decimal("55.01"), [Decimal(33), Decimal(33), Decimal(34)], BIMONTHLY, RULE).verdict is Verdict.INCREASE


def test_a_short_history_without_the_average_of_the_stratum_is_refused():
    with pytest.raises(DomainError, match="There are 2 earlier consumptions, and the norm compares with the last 6") as refusal:
        deviation_of(Decimal(20), [Decimal(20), Decimal(20)], MONTHLY, RULE)

    assert refusal.value.field == "stratum_average"


@pytest.mark.parametrize("field", ["consumption", "history", "same_month", "stratum_average"])
def test_a_negative_consumption_is_refused_and_named(field):
    given_ = {"consumption": Decimal(1), "history": [Decimal(1)] * 6, "same_month": Decimal(1), "stratum_average": Decimal(1)}
    given_[field] = [Decimal(-1)] * 6 if field == "history" else Decimal(-1)

    with pytest.raises(DomainError, match="cannot be negative") as refusal:
        deviation_of(cycle=MONTHLY, rule=RULE, **given_)

    assert refusal.value.field == field


def test_a_meter_that_runs_backwards_is_not_guessed():
    assert consumption_between(Decimal(1200), Decimal(1218)) == 18
    with pytest.raises(DomainError, match="lower than the previous one"):
        consumption_between(Decimal(9990), Decimal(4))


@pytest.mark.parametrize("limits", [{"n_monthly": 0}, {"percent_low": Decimal(0)}, {"new_lower": Decimal(2)}, {"new_upper": Decimal(1)}])
def test_limits_that_leave_no_room_are_refused(limits):
    with pytest.raises(DomainError):
        DeviationRule(**limits)


def test_the_facts_for_an_order_are_plain_values():
    facts = deviation_of(Decimal(40), [Decimal(20)] * 6, MONTHLY, RULE).facts()

    assert facts["verdict"] == "INCREASE"
    assert (facts["average"], facts["percentage"], facts["lower"], facts["upper"]) == ("20.00", "100.00", "7.00", "33.00")
    assert all(value is None or isinstance(value, str | int) for value in facts.values())


@given(consumption=VOLUMES, history=st.lists(VOLUMES, min_size=6, max_size=9))
def test_the_verdict_is_beyond_the_limits_or_not(consumption, history):
    found = deviation_of(consumption, history, MONTHLY, RULE)
    low, high = found.lower - Decimal("0.01"), found.upper + Decimal("0.01")

    assert found.verdict is not Verdict.NORMAL or low <= consumption <= high
    assert found.verdict is not Verdict.INCREASE or consumption > found.upper - Decimal("0.01")
    assert found.verdict is not Verdict.DECREASE or consumption < found.lower + Decimal("0.01")


@given(history=st.lists(VOLUMES, min_size=3, max_size=3), consumption=VOLUMES, more=VOLUMES)
def test_consuming_more_never_turns_an_increase_into_less(history, consumption, more):
    order = [Verdict.DECREASE, Verdict.NORMAL, Verdict.INCREASE]
    before, after = (deviation_of(value, history, BIMONTHLY, RULE).verdict for value in (consumption, consumption + more))

    assert order.index(before) <= order.index(after)


@given(average=VOLUMES, n=st.integers(6, 12))
def test_consuming_the_average_never_deviates(average, n):
    assert deviation_of(average, [average] * n, MONTHLY, RULE).verdict is Verdict.NORMAL
    assert deviation_of(average, [], MONTHLY, RULE, stratum_average=average).verdict is Verdict.NORMAL
