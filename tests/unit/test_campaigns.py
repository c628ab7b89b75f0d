"""Campaigns of surveys: the worked cases of docs/rules/survey-campaigns.md, how a sample is shared out and drawn, which moves they make."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis.strategies import dates, dictionaries, integers, lists, sampled_from, text

from app.domain.campaigns import (
    MOVES,
    CampaignStatus,
    after,
    allocate,
    draw,
    next_round,
    period_label,
    quota_key,
    round_of,
    rounds_due,
    takes_answers,
)
from app.domain.errors import MoveRefused

RULES = Path(__file__).parents[2] / "docs/rules/survey-campaigns.md"
STRATA = dictionaries(text("abcdefgh", min_size=1, max_size=3), integers(0, 5_000), max_size=12)


def worked(head: str) -> list[tuple[str, ...]]:
    """Return the rows of the table of the rules page whose first column is called *head*."""
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in RULES.read_text(encoding="utf-8").splitlines()]
    start = next(n for n, cells in enumerate(lines) if cells[0] == head) + 2
    return [tuple(cells) for cells in itertools.takewhile(lambda cells: len(cells) > 1, lines[start:])]


@given(STRATA, integers(0, 2_000))
def test_every_place_goes_to_a_stratum_and_none_gets_more_than_it_has(populations, n):
    places = allocate(populations, n)

    n_settled = sum(1 for size in populations.values() if size)
    n_places = min(n, sum(populations.values()))
    assert sum(places.values()) == (max(n_places, n_settled) if n_places else 0)
    assert all(places[key] <= size for key, size in populations.items())
    if n_places:
        assert all(places[key] >= 1 for key, size in populations.items() if size)


@given(STRATA, integers(1, 2_000))
def test_a_stratum_gets_its_share_give_or_take_one_where_no_small_one_had_to_be_given_its_own(populations, n):
    total = sum(populations.values())
    n = min(n, total)
    if not n or any(size and n * size < total for size in populations.values()):
        return
    for key, places in allocate(populations, n).items():
        assert abs(places - n * populations[key] / total) < 1


@pytest.mark.parametrize("strata, places, given_to", worked("Strata"))
def test_the_places_of_the_rules_page_are_right(strata, places, given_to):
    populations = {str(n): int(size) for n, size in enumerate(strata.split(", "))}

    assert list(allocate(populations, int(places)).values()) == [int(n) for n in given_to.split(", ")]


def test_a_negative_population_is_refused():
    with pytest.raises(ValueError, match="negative"):
        allocate({"a": -1}, 2)


@given(lists(text(min_size=1, max_size=6), unique=True, max_size=40), integers(0, 2**31), integers(0, 50))
def test_the_drawing_is_the_same_again_whatever_the_order_of_the_people(keys, seed, most):
    drawn = draw(keys, seed, most)

    assert drawn == draw(reversed(keys), seed, most)
    assert len(drawn) == min(most, len(keys)) and set(drawn) <= set(keys)


def test_who_joins_later_changes_nobody_elses_place():
    people = [f"party:{n}" for n in range(50)]

    with_more = draw([*people, "party:900", "party:901"], 7)

    assert [each for each in with_more if each in people] == draw(people, 7)


def test_another_seed_draws_others():
    people = [f"party:{n}" for n in range(1_000)]

    assert set(draw(people, 1, 100)) != set(draw(people, 2, 100))
    assert 2 <= len(set(draw(people, 1, 100)) & set(draw(people, 2, 100))) <= 30


def test_the_drawing_of_a_seed_is_this_one_for_ever():
    assert draw((f"party:{n}" for n in range(1, 10)), 2026, 3) == ["party:3", "party:2", "party:9"]


@given(dates(date(2015, 1, 1), date(2035, 12, 31)), sampled_from([1, 2, 3, 4, 6, 12, 24]), integers(1, 366), integers(0, 30))
def test_rounds_follow_each_other_without_a_gap(starts_on, months, days_open, n):
    here, following = round_of(starts_on, months, days_open, n), round_of(starts_on, months, days_open, n + 1)

    assert here.period_until + timedelta(days=1) == following.period_from
    assert here.period_from <= here.opens_on <= here.closes_on == here.period_until
    assert (here.closes_on - here.opens_on).days < days_open


@given(dates(date(2020, 1, 1), date(2024, 12, 31)), sampled_from([1, 3, 6, 12]), dates(date(2025, 1, 1), date(2035, 1, 1)))
def test_the_next_round_holds_today(starts_on, months, today):
    found = next_round(starts_on, months, 30, today)

    assert found.period_from <= today <= found.period_until


@pytest.mark.parametrize("first, every, days_open, today, period, answers", worked("First day"))
def test_the_rounds_of_the_rules_page_are_right(first, every, days_open, today, period, answers):
    months, n_days = (int(text.split()[0]) for text in (every, days_open))

    found = rounds_due(date.fromisoformat(first), months, n_days, date.fromisoformat(today))

    said = [(f"{each.period_from} – {each.period_until}", f"{each.opens_on} – {each.closes_on}") for each in found]
    assert said == ([(period, answers)] if answers else [])


def test_nothing_is_due_before_the_first_period():
    assert rounds_due(date(2026, 1, 1), 6, 30, date(2025, 12, 31)) == []


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), "2026"),
        (date(2026, 1, 1), date(2026, 6, 30), "2026-1"),
        (date(2026, 7, 1), date(2026, 12, 31), "2026-2"),
        (date(2026, 2, 1), date(2026, 2, 28), "2026-02"),
        (date(2026, 2, 1), date(2026, 4, 30), "2026-02 – 2026-04"),
        (date(2025, 11, 15), date(2026, 5, 14), "2025-11 – 2026-05"),
    ],
)
def test_a_period_has_a_short_name(first, last, label):
    assert period_label(first, last) == label


def test_the_key_of_a_stratum_has_only_what_the_sample_is_split_by():
    parts = {"zone": "Norte", "stratum": None, "service_id": 3}

    assert quota_key(parts, ("zone", "stratum", "service_id")) == "Norte||3"
    assert quota_key(parts, ("service_id", "zone")) == "Norte|3"
    assert quota_key(parts, ()) == ""


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("status", CampaignStatus)
def test_a_move_leaves_from_one_state_only(status, move):
    came_from, leads_to = MOVES[move]
    if status is came_from:
        assert after(status, move, "ENC-2026-0001") is leads_to
    else:
        with pytest.raises(MoveRefused, match="ENC-2026-0001"):
            after(status, move, "ENC-2026-0001")


def campaign(**changed):
    ways = dict.fromkeys(("by_link", "by_phone", "by_qr", "by_kiosk", "by_paper", "by_file"), False)
    days = {"opens_on": date(2026, 6, 1), "closes_on": date(2026, 6, 30)}
    return SimpleNamespace(**(ways | days | {"status": CampaignStatus.OPEN} | changed))


def test_answers_are_taken_from_the_first_day_to_the_last():
    open_ = campaign(by_link=True, by_file=True)

    days = (date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [takes_answers(open_, day) for day in days] == [False, True, True, False]
    assert not takes_answers(campaign(by_link=True, status=CampaignStatus.CLOSED), date(2026, 6, 10))


def test_what_only_a_file_answers_may_lie_in_the_past():
    assert takes_answers(campaign(by_file=True), date(2030, 1, 1))
