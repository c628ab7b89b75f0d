"""Periods, figures, bands and misses of an indicator."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.domain.errors import DomainError, MoveRefused
from app.domain.indicators import (
    Direction,
    Scale,
    Standing,
    check_draft,
    check_period,
    check_report,
    check_sheet,
    check_typed,
    misses,
    period_at,
    periods_over,
    standing_of,
    value_of,
)

GOOD, FAIR, BAD, EMPTY, WATCHED = Standing.GOOD, Standing.FAIR, Standing.BAD, Standing.EMPTY, Standing.WATCHED


@pytest.mark.parametrize(
    ("scale", "numerator", "denominator", "value"),
    [
        (Scale.PERCENT, 6, 7, "85.7143"), (Scale.MEAN, 29, 4, "7.2500"), (Scale.PER_THOUSAND, 3, 1200, "2.5000"),
        (Scale.COUNT, 0, None, "0"),
        (Scale.PERCENT, 0, 7, "0.0000"), (Scale.PERCENT, -2, 4, "-50.0000"),
    ],
)  # fmt: skip
def test_two_numbers_become_a_figure(scale, numerator, denominator, value):
    found = value_of(scale, Decimal(numerator), None if denominator is None else Decimal(denominator))

    assert found == Decimal(value)


@pytest.mark.parametrize("scale", [Scale.PERCENT, Scale.MEAN, Scale.PER_THOUSAND])
def test_nothing_to_divide_by_is_no_value(scale):
    assert value_of(scale, Decimal(0), Decimal(0)) is None
    assert value_of(scale, None, None) is None
    assert standing_of(None, Direction.MORE, Decimal(95), Decimal(90)) is EMPTY


@pytest.mark.parametrize(
    ("direction", "goal", "fair", "expected"),
    [
        (Direction.MORE, 95, 90, {100: GOOD, 95: GOOD, 94: FAIR, 90: FAIR, 89: BAD}), (Direction.MORE, 95, None, {95: GOOD, 94: BAD}),
        (Direction.LESS, 10, 12, {0: GOOD, 10: GOOD, 11: FAIR, 12: FAIR, 13: BAD}), (Direction.LESS, 0, None, {0: GOOD, 1: BAD}),
        (Direction.MORE, None, None, {3: WATCHED}),
    ],
)  # fmt: skip
def test_a_value_lies_in_the_band_of_its_side(direction, goal, fair, expected):
    edges = [None if each is None else Decimal(each) for each in (goal, fair)]

    assert {value: standing_of(Decimal(value), direction, *edges) for value in expected} == expected


@pytest.mark.parametrize(
    ("months", "day", "period"),
    [
        (1, "2026-02-28", ("2026-02-01", "2026-02-28")), (3, "2026-06-30", ("2026-04-01", "2026-06-30")),
        (6, "2026-07-01", ("2026-07-01", "2026-12-31")), (12, "2027-01-01", ("2027-01-01", "2027-12-31")),
        (3, "2025-10-03", ("2026-01-01", "2026-03-31")),
    ],
)  # fmt: skip
def test_periods_follow_one_another_from_the_first_day(months, day, period):
    found = period_at(date(2026, 1, 1), months, date.fromisoformat(day))

    assert tuple(map(str, found)) == period


def test_only_periods_that_ended_are_over():
    found = list(periods_over(date(2025, 12, 1), 3, date(2026, 8, 31)))

    assert [str(first) for first, _last in found] == ["2025-12-01", "2026-03-01"]
    assert list(periods_over(date(2026, 7, 1), 1, date(2026, 7, 31))) == []


@pytest.mark.parametrize(
    ("standings", "n"),
    [([BAD, BAD, GOOD], 2), ([BAD, FAIR, BAD], 1), ([GOOD, BAD, BAD], 0), ([BAD, EMPTY, BAD], 2), ([EMPTY, BAD], 1), ([], 0)],
)
def test_misses_count_until_a_value_that_is_none(standings, n):
    assert misses(standings) == n


@pytest.mark.parametrize(
    ("numerator", "denominator", "field"), [(5, 0, "denominator"), (5, -1, "denominator"), (None, 5, "numerator"), (5, None, "denominator")]
)
def test_half_a_figure_and_a_zero_to_divide_by_are_refused_with_words(numerator, denominator, field):
    numbers = [None if each is None else Decimal(each) for each in (numerator, denominator)]

    with pytest.raises(DomainError) as refusal:
        check_typed(Scale.PERCENT, *numbers)

    assert refusal.value.field == field
    check_typed(Scale.PERCENT, None, None)


SHEET = {"months": 1, "starts_on": date(2026, 1, 1), "direction": Direction.MORE, "goal": Decimal(95), "fair": Decimal(90)}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"months": 5}, "months"), ({"starts_on": date(2026, 1, 2)}, "starts_on"), ({"goal": None}, "fair"),
        ({"fair": Decimal(96)}, "fair"),
        ({"direction": Direction.LESS}, "fair"),
    ],
)  # fmt: skip
def test_a_sheet_that_contradicts_itself_is_refused(changes, field):
    check_sheet(**SHEET)

    with pytest.raises(DomainError) as refusal:
        check_sheet(**(SHEET | changes))

    assert refusal.value.field == field


def test_a_period_is_known_once_it_is_over():
    june = date(2026, 6, 1), date(2026, 6, 30)
    check_period(*june, date(2026, 1, 1), 1, date(2026, 7, 1))

    for starts_on, months, today in ((date(2026, 1, 1), 1, date(2026, 6, 30)), (date(2026, 1, 1), 3, date(2026, 8, 1)),
                                     (date(2026, 7, 1), 1, date(2026, 8, 1))):  # fmt: skip
        with pytest.raises(DomainError):
            check_period(*june, starts_on, months, today)


def test_a_reported_value_is_no_draft_and_a_miss_is_explained():
    with pytest.raises(MoveRefused):
        check_draft(True)
    for standing in (FAIR, BAD):
        with pytest.raises(DomainError):
            check_report(standing, "  ")
    check_report(GOOD, "")
    check_report(EMPTY, "")
