"""What verdicts add up to, and the worked cases of docs/rules/compliance.md."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.domain.checklists import Verdict, verification_on
from app.domain.compliance import LETTERS, TONES, Sum, share, sum_of

RULES = Path(__file__).parents[2] / "docs" / "rules" / "compliance.md"
TABLES = [line.strip("| ").split(" | ") for line in RULES.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
SHARES = [cells for cells in TABLES if len(cells) == 7 and cells[0].isdigit()]
YEARS = [cells for cells in TABLES if len(cells) == 4 and cells[0][:2] == "20"]
VERDICTS = some.lists(some.sampled_from([*Verdict, None]), max_size=40)
POINTS = {Verdict.MET: 100, Verdict.PARTLY: 50, Verdict.NOT_MET: 0}


def test_what_is_met_in_part_counts_half():
    assert Sum(n_met=8, n_partly=2, n_not_met=1).percent == Decimal("81.8")


def test_what_does_not_apply_or_waits_changes_nothing():
    assert Sum(n_met=1, n_not_met=1, n_not_applicable=7, n_pending=3).percent == Decimal("50.0")


def test_where_nothing_counts_there_is_no_share():
    assert Sum(n_not_applicable=4, n_pending=2).percent is None
    assert Sum().percent is None
    assert share(0, 0) is None


def test_halves_are_rounded_up():
    assert Sum(n_met=1, n_not_met=1999).percent == Decimal("0.1")  # 0.05
    assert share(2, 3) == Decimal("66.7")


def test_a_finding_never_disappears_in_the_rounding():
    assert Sum(n_met=9999, n_not_met=1).percent == Decimal("99.9")
    assert Sum(n_met=9999).percent == 100


@given(VERDICTS)
def test_every_verdict_is_counted_once(verdicts):
    found = sum_of(verdicts)

    assert found.n == len(verdicts)
    assert found.n_pending == verdicts.count(None)
    assert found.n_findings == sum(1 for each in verdicts if each is not None and each.is_finding)


@given(VERDICTS, VERDICTS)
def test_sums_add_up(some_verdicts, others):
    assert sum_of(some_verdicts) + sum_of(others) == sum_of(some_verdicts + others)


@given(VERDICTS)
def test_the_share_is_the_average_of_the_points_and_full_only_when_all_is_met(verdicts):
    points = [POINTS[each] for each in verdicts if each in POINTS]
    found = sum_of(verdicts).percent

    assert (found is None) == (not points)
    if found is not None:
        assert abs(found - Decimal(sum(points)) / len(points)) <= Decimal("0.1")
        assert (found == 100) == all(point == 100 for point in points)


def test_every_verdict_has_a_letter_and_a_colour():
    assert set(LETTERS) == set(TONES) == set(Verdict)
    assert len(set(LETTERS.values())) == len(Verdict)


@pytest.mark.parametrize("cells", SHARES, ids=lambda cells: " ".join(cells[:5]))
def test_the_shares_of_the_rule_are_right(cells):
    *counts, expected, _why = cells
    found = Sum(*map(int, counts)).percent

    assert found == (None if expected == "–" else Decimal(expected))


@pytest.mark.parametrize("cells", YEARS, ids=lambda cells: " ".join(cells[:2]))
def test_the_years_of_the_rule_are_right(cells):
    starts_on, ends_on = map(date.fromisoformat, cells[:2])
    found = [year for year in range(2020, 2035) if verification_on(starts_on, ends_on, year)]

    assert found == [int(year) for year in cells[2].split()]


def test_the_rule_has_its_worked_cases():
    assert len(SHARES) == 7
    assert len(YEARS) == 6
