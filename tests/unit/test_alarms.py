"""Alarms of surveys: figures at or under the mark, words forgiven their accents, thresholds that make sense, endings that say something."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.domain.alarms import check_ending, check_threshold, check_waits, heard, is_reached, words_of
from app.domain.campaigns import AlarmEffect, AlarmMeasure, AlarmStatus
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaires import QuestionKind


@pytest.mark.parametrize(("figure", "goes_off"), [(Decimal("3.49"), True), (3.5, True), (Decimal("3.51"), False), (-20, True)])
def test_a_threshold_goes_off_at_its_figure_and_under_it(figure, goes_off):
    assert is_reached(figure, Decimal("3.5")) is goes_off


def test_the_words_of_a_threshold_are_parted_by_commas_and_kept_once():
    assert words_of(" fuga, mal   olor;fuga\n, corte ,") == ("fuga", "mal olor", "corte")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hay FUGAS en la calle 8", ("fuga",)),
        ("El agua sale túrbia, con mal-olor", ("mal olor", "turbia")),
        ("Se refugian en la refuga", ()),  # only where a word begins
        ("", ()),
    ],
)
def test_words_are_heard_with_or_without_accents_where_a_word_begins(text, found):
    assert sorted(heard(words_of("fuga, mal olor, turbia"), text)) == sorted(found)


SENSIBLE = {"at_most": Decimal("3.5"), "words": "", "has_process": True, "kind": QuestionKind.SCALE5}


@pytest.mark.parametrize(
    ("measure", "effect", "said", "field"),
    [
        (AlarmMeasure.MEAN, AlarmEffect.ACTION, {"kind": None}, "question_code"),
        (AlarmMeasure.NPS, AlarmEffect.ACTION, {}, "measure"),
        (AlarmMeasure.CSAT, AlarmEffect.ACTION, {"kind": QuestionKind.NPS}, "measure"),
        (AlarmMeasure.ANSWER, AlarmEffect.CONTACT, {"kind": QuestionKind.TEXT}, "measure"),
        (AlarmMeasure.WORDS, AlarmEffect.CONTACT, {"kind": None, "words": " , "}, "words"),
        (AlarmMeasure.MEAN, AlarmEffect.ACTION, {"at_most": None}, "at_most"),
        (AlarmMeasure.MEAN, AlarmEffect.ACTION, {"at_most": Decimal(6)}, "at_most"),
        (AlarmMeasure.CSAT, AlarmEffect.ACTION, {"at_most": Decimal(101)}, "at_most"),
        (AlarmMeasure.NPS, AlarmEffect.ACTION, {"kind": QuestionKind.NPS, "at_most": Decimal(-101)}, "at_most"),
        (AlarmMeasure.MEAN, AlarmEffect.CONTACT, {}, "effect"),
        (AlarmMeasure.ANSWER, AlarmEffect.ACTION, {"has_process": False}, "process_id"),
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused_beside_its_field(measure, effect, said, field):
    with pytest.raises(DomainError) as refusal:
        check_threshold(measure, effect, **(SENSIBLE | said))

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("measure", "effect", "said"),
    [
        (AlarmMeasure.MEAN, AlarmEffect.ACTION, {}),
        (AlarmMeasure.ANSWER, AlarmEffect.CONTACT, {"kind": QuestionKind.NPS, "at_most": Decimal(10), "has_process": False}),
        (AlarmMeasure.WORDS, AlarmEffect.CASE, {"kind": None, "at_most": None, "words": "fuga"}),
    ],
)
def test_a_threshold_that_makes_sense_passes(measure, effect, said):
    check_threshold(measure, effect, **(SENSIBLE | said))


@pytest.mark.parametrize(
    ("said", "ended_on", "field"),
    [(" ", date(2026, 7, 10), "result"), ("Se llamó", date(2026, 7, 9), "ended_on"), ("Se llamó", date(2026, 7, 21), "ended_on")],
)
def test_an_ending_says_something_and_lies_between_the_alarm_and_today(said, ended_on, field):
    with pytest.raises(DomainError) as refusal:
        check_ending(said, date(2026, 7, 10), ended_on, date(2026, 7, 20))

    assert refusal.value.field == field


@pytest.mark.parametrize("status", [AlarmStatus.SETTLED, AlarmStatus.DISMISSED])
def test_what_ended_does_not_end_again(status):
    with pytest.raises(MoveRefused):
        check_waits(status)
