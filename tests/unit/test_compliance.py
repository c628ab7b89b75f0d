"""What verdicts add up to."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as some

from app.domain.checklists import Verdict
from app.domain.compliance import LETTERS, TONES, Sum, share, sum_of

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
