"""Quotations without a database: exact totals, the arrows of their life, and the days that cannot be."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError, MoveRefused
from app.domain.quotations import (
    AGEING,
    LEADS_TO,
    MOST_LINES,
    QUOTATION_MOVES,
    QuotationMove,
    QuotationStatus,
    QuoteLine,
    bucket_of,
    check_acceptance,
    check_answer,
    check_lines,
    check_sending,
    may_move,
    moved,
    totals,
    valid_until_of,
    vat_of,
    win_rate,
)

quantities = st.decimals("0.001", "99999", places=3)
prices = st.integers(0, 50_000_000).map(Decimal)
rates = st.sampled_from([Decimal(text) for text in ("0", "5", "19", "8.5")])
lines = st.builds(QuoteLine, st.just("Análisis"), quantities, st.just("mes"), prices, rates)


def line(quantity: str = "1", price: str = "100", rate: str = "19", **changes: str) -> QuoteLine:
    facts = {"description": "Mantenimiento", "unit": "mes"} | changes
    return QuoteLine(facts["description"], Decimal(quantity), facts["unit"], Decimal(price), Decimal(rate))


# ── Totals ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(lines, max_size=12))
def test_totals_are_whole_pesos_that_add_up(found):
    sums = totals(found)

    assert sums.subtotal == sum(each.subtotal for each in found)
    assert sums.subtotal == sum(each.base for each in sums.vat)
    assert sums.total == sums.subtotal + sum(each.vat for each in sums.vat)
    assert all(amount == int(amount) for amount in (sums.subtotal, sums.vat_total, sums.total))


@given(st.lists(lines, max_size=12))
def test_iva_is_of_the_base_of_its_rate_and_never_more_than_half_a_peso_away(found):
    for each in totals(found).vat:
        exact = sum((line.subtotal for line in found if line.vat_rate == each.rate), Decimal(0)) * each.rate / 100
        assert abs(each.vat - exact) <= Decimal("0.5")
        assert each.rate or not each.vat


@given(st.lists(lines, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing(found, random):
    mixed = list(found)
    random.shuffle(mixed)

    assert totals(mixed) == totals(found)


@given(quantities, prices)
def test_a_subtotal_is_the_nearest_peso_and_half_a_peso_goes_up(quantity, price):
    subtotal = QuoteLine("x", quantity, "m", price, Decimal(0)).subtotal

    assert -Decimal("0.5") < subtotal - quantity * price <= Decimal("0.5")


@given(st.lists(lines, max_size=12))
def test_rates_come_once_each_and_the_highest_first(found):
    shown = [each.rate for each in totals(found).vat]

    assert shown == sorted({each.vat_rate for each in found}, reverse=True)


def test_rounding_is_by_rate_and_not_line_by_line():
    sums = totals([line(price="13") for _n in range(3)])  # 2.47 each, 7.41 together

    assert (sums.subtotal, sums.vat_total, sums.total) == (39, 7, 46)
    assert sum(vat_of(Decimal(13), Decimal(19)) for _n in range(3)) == 6


@pytest.mark.parametrize(("quantity", "price", "subtotal"), [("0.5", "1", 1), ("0.5", "3", 2), ("0.333", "3", 1), ("2.5", "1001", 2503)])
def test_half_a_peso_goes_up(quantity, price, subtotal):
    assert line(quantity, price).subtotal == subtotal == (Decimal(quantity) * Decimal(price)).quantize(Decimal(1), ROUND_HALF_UP)


def test_a_quotation_of_several_rates():
    sums = totals([line("12", "850000"), line("3.5", "120001", "5"), line("1", "40000", "0")])

    assert [(each.rate, each.base, each.vat) for each in sums.vat] == [(19, 10_200_000, 1_938_000), (5, 420_004, 21_000), (0, 40_000, 0)]
    assert sums.total == 12_619_004


# ── Lines that may not be quoted ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (line(description=" "), "what is quoted"),
        (line(unit=""), "the unit"),
        (line("0"), "more than zero"),
        (line("-1"), "more than zero"),
        (line("1000000001"), "thousand million"),
        (line("0.0005"), "three decimals"),
        (line(price="-1"), "whole pesos"),
        (line(price="10.5"), "whole pesos"),
        (line(price="10000000000001"), "whole pesos"),
        (line(rate="101"), "percentage"),
        (line(rate="-5"), "percentage"),
        (line(rate="1.005"), "percentage"),
    ],
)
def test_a_line_that_says_nonsense_is_named_by_its_place(bad, words):
    with pytest.raises(DomainError, match=words) as refusal:
        check_lines([line(), bad])

    assert refusal.value.field == "lines" and refusal.value.fields["n"] == 2


@pytest.mark.parametrize(
    ("found", "words"),
    [([], "at least one line"), ([line()] * (MOST_LINES + 1), "up to 60 lines"), ([line("99999999", "99999999")], "total passes")],
)
def test_no_lines_too_many_and_too_much_money_are_refused(found, words):
    with pytest.raises(DomainError, match=words):
        check_lines(found)


def test_what_is_free_may_be_quoted():
    assert check_lines([line(price="0")]).total == 0


# ── Life ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_move_has_a_place_to_start():
    assert set(QUOTATION_MOVES) == set(QuotationMove)


@pytest.mark.parametrize(("status", "move"), list(product(QuotationStatus, QuotationMove)))
def test_a_move_leads_where_its_table_says_or_is_refused_with_the_number(status, move):
    if may_move(status, move):
        assert moved(status, move, "COT-2026-0001") is LEADS_TO.get(move, status)
    else:
        with pytest.raises(MoveRefused, match="COT-2026-0001"):
            moved(status, move, "COT-2026-0001")


@pytest.mark.parametrize("status", [QuotationStatus.ACCEPTED, QuotationStatus.REJECTED, QuotationStatus.WITHDRAWN])
def test_what_came_to_an_end_stays(status):
    assert not [move for move in LEADS_TO if may_move(status, move)]


def test_only_what_is_accepted_becomes_a_contract():
    assert QUOTATION_MOVES[QuotationMove.CONTRACT] == {QuotationStatus.ACCEPTED}


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

ASKED, SENT, UNTIL, TODAY = date(2026, 7, 1), date(2026, 7, 3), date(2026, 8, 2), date(2026, 7, 10)


@pytest.mark.parametrize("sent_on", [ASKED, SENT, TODAY])
def test_it_is_sent_between_the_request_and_today(sent_on):
    check_sending(sent_on, requested_on=ASKED, before=None, on=TODAY)


@pytest.mark.parametrize(
    ("sent_on", "before", "words"),
    [(date(2026, 7, 11), None, "after today"), (date(2026, 6, 30), None, "before the customer asked"), (SENT, TODAY, "version before")],
)
def test_it_is_not_sent_on_a_day_that_cannot_be(sent_on, before, words):
    with pytest.raises(DomainError, match=words) as refusal:
        check_sending(sent_on, requested_on=ASKED, before=before, on=TODAY)

    assert refusal.value.field == "sent_on"


def test_the_validity_is_counted_from_the_day_after_the_sending():
    assert valid_until_of(SENT, 30) == UNTIL


@pytest.mark.parametrize(("answered_on", "words"), [(date(2026, 7, 11), "after today"), (date(2026, 7, 2), "sent on")])
def test_it_is_not_answered_on_a_day_that_cannot_be(answered_on, words):
    check_answer(SENT, sent_on=SENT, on=TODAY)
    with pytest.raises(DomainError, match=words):
        check_answer(answered_on, sent_on=SENT, on=TODAY)


def test_an_offer_is_accepted_until_its_last_day():
    check_acceptance(UNTIL, UNTIL)
    with pytest.raises(DomainError, match="new version"):
        check_acceptance(date(2026, 8, 3), UNTIL)


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(-3, 4000))
def test_every_age_has_one_bucket(days):
    first, last = AGEING[bucket_of(days)]

    assert (first <= days or days < 0) and (last is None or days <= last)


def test_the_win_rate_counts_what_came_to_an_end():
    assert win_rate(1, 2) == Decimal("33.3")
    assert win_rate(2, 1) == Decimal("66.7")
    assert win_rate(0, 4) == 0
    assert win_rate(0, 0) is None
