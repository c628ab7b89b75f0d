"""The scale of the risk map: bands, what controls leave of a risk, and what a risk has to say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError, MoveRefused
from app.domain.risks import (
    Band,
    BandTone,
    Effect,
    Level,
    Scale,
    Spot,
    check_bands,
    check_closing,
    check_control,
    check_level,
    check_open,
    check_review_day,
    check_risk,
    check_spot,
    next_review,
    path_of,
    warnings_of,
)

LOW = Band(1, 1, "Bajo", BandTone.LOW)
HIGH = Band(2, 10, "Alto", BandTone.HIGH, review_months=6, needs_action=True)
LEVELS = tuple(Level(n, f"Nivel {n}") for n in range(1, 6))
SCALE = Scale(LEVELS, LEVELS, (LOW, HIGH))
TODAY = date(2026, 7, 20)


@pytest.mark.parametrize(("spot", "band"), [(Spot(1, 1), LOW), (Spot(3, 3), LOW), (Spot(2, 5), HIGH), (Spot(5, 5), HIGH)])
def test_a_score_lies_in_the_band_that_begins_at_or_under_it(spot, band):
    assert SCALE.band_of(spot) is band


def test_a_score_under_the_first_band_has_none():
    assert Scale(LEVELS, LEVELS, (HIGH,)).band_of(Spot(3, 3)) is None


@pytest.mark.parametrize(
    ("effects", "left"),
    [
        ([], Spot(4, 5)),
        ([Effect(1, 0), Effect(1, 2)], Spot(2, 3)),
        ([Effect(9, 9)], Spot(1, 1)),
        ([Effect(3, 3, is_working=False)], Spot(4, 5)),
        ([Effect(0, 0)], Spot(4, 5)),
    ],
)
def test_controls_that_work_lower_a_risk_and_never_below_the_least_level(effects, left):
    assert SCALE.residual(Spot(4, 5), effects) == left


def test_a_control_lowers_levels_and_not_numbers():
    uneven = Scale(tuple(Level(n, str(n)) for n in (1, 2, 5, 9)), LEVELS, (LOW,))

    assert uneven.residual(Spot(9, 3), [Effect(2, 0)]) == Spot(2, 3)
    assert uneven.steps(Spot(9, 3), Spot(2, 3)) == (2, 0)


@given(
    probability=st.integers(1, 5), impact=st.integers(1, 5),
    effects=st.lists(st.builds(Effect, st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=6),
)  # fmt: skip
def test_what_is_left_is_on_the_map_and_never_worse(probability, impact, effects):
    left = SCALE.residual(Spot(probability, impact), effects)

    assert 1 <= left.probability <= probability
    assert 1 <= left.impact <= impact


def test_the_bands_cover_the_map_from_one_on():
    check_bands([HIGH, LOW])
    for bands in ([HIGH], []):
        with pytest.raises(DomainError) as refusal:
            check_bands(bands)
        assert refusal.value.field == "least_score"


def test_the_spans_of_the_bands_meet_and_end_at_the_end_of_the_map():
    assert [SCALE.score_span(band) for band in SCALE.bands] == [(1, 9), (10, 25)]


def test_a_scale_says_what_is_amiss():
    assert list(warnings_of(SCALE)) == []
    never = Band(3, 30, "Imposible", BandTone.LOW)
    told = [msgid % fields for msgid, fields in warnings_of(Scale(LEVELS, LEVELS, (HIGH, never)))]

    assert len(told) == 3
    assert "begin at 1" in told[0]
    assert "30" in told[1] and "25" in told[1]
    assert "milder" in told[2]
    assert next(warnings_of(Scale((), LEVELS, (LOW,))))[0].startswith("There is no map")


@pytest.mark.parametrize("missing", ["cause", "event", "consequence"])
def test_a_risk_says_cause_event_and_consequence(missing):
    told = {"cause": "Falta personal", "event": "Vence un término", "consequence": "Silencio positivo"}
    check_risk(**told, identified_on=TODAY, today=TODAY)
    with pytest.raises(DomainError) as refusal:
        check_risk(**(told | {missing: "  "}), identified_on=TODAY, today=TODAY)

    assert refusal.value.field == missing


def test_a_risk_is_not_found_tomorrow():
    with pytest.raises(DomainError) as refusal:
        check_risk("a", "b", "c", date(2026, 7, 21), TODAY)

    assert refusal.value.field == "identified_on"


@pytest.mark.parametrize(("spot", "field"), [(Spot(6, 1), "probability"), (Spot(1, 0), "impact")])
def test_a_place_off_the_map_is_refused(spot, field):
    with pytest.raises(DomainError) as refusal:
        check_spot(SCALE, spot)

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("text", "effect", "field"),
    [(" ", Effect(1, 1), "text"), ("x", Effect(-1, 0), "lowers_probability"), ("x", Effect(0, 10), "lowers_impact")],
)
def test_a_control_says_something_and_lowers_levels(text, effect, field):
    with pytest.raises(DomainError) as refusal:
        check_control(text, effect)

    assert refusal.value.field == field


@pytest.mark.parametrize(("level", "name", "field"), [(0, "Nada", "level"), (11, "Todo", "level"), (3, " ", "name")])
def test_a_level_is_on_the_scale_and_has_a_name(level, name, field):
    with pytest.raises(DomainError) as refusal:
        check_level(level, name)

    assert refusal.value.field == field


def test_a_closed_risk_changes_no_more():
    check_open("RG-2026-0001", None)
    with pytest.raises(MoveRefused, match="RG-2026-0001"):
        check_open("RG-2026-0001", TODAY)


def test_a_risk_is_not_closed_over_its_actions():
    check_closing("RG-2026-0001", [])
    with pytest.raises(MoveRefused, match="AC-2026-0007"):
        check_closing("RG-2026-0001", ["AC-2026-0007"])


def test_the_next_look_lies_ahead_and_no_later_than_the_band_says():
    assert next_review(HIGH, TODAY) == date(2027, 1, 20)
    check_review_day(date(2027, 1, 20), TODAY, HIGH)
    for day in (TODAY, date(2027, 1, 21)):
        with pytest.raises(DomainError) as refusal:
            check_review_day(day, TODAY, HIGH)
        assert refusal.value.field == "review_on"


def test_the_path_of_a_risk_tells_each_stay_once():
    assert path_of([Spot(4, 4), Spot(4, 4), Spot(2, 4), Spot(4, 4)]) == (Spot(4, 4), Spot(2, 4), Spot(4, 4))
