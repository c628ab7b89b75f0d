"""What a management review looks at, and what is refused before and at its signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.domain.clauses import keys_of
from app.domain.errors import DomainError, MoveRefused
from app.domain.managementreview import (
    INPUTS,
    OWN_COLUMNS,
    Ready,
    ReviewStatus,
    check_decision,
    check_draft,
    check_review,
    check_sign,
    input_of,
)

TODAY = date(2026, 7, 10)
READY = Ready("RD-2026-0001", TODAY, True, "Ana, Gerente", "Conviene y funciona", (), (date(2026, 8, 1),))


def test_inputs_have_names_of_their_own_and_figures_that_are_counted():
    keys = [each.key for each in INPUTS]

    assert len(set(keys)) == len(keys)
    assert {key for each in INPUTS for key, _is_good in each.figures} <= set(keys_of())
    assert all(input_of(key) is not None for key in OWN_COLUMNS)


def test_what_the_system_does_not_know_has_to_be_told():
    assert {each.key for each in INPUTS if each.is_typed} == {"changes", "audits", "suppliers", "resources"}


def test_a_review_is_held_when_its_period_is_over():
    assert check_review(TODAY, date(2026, 1, 1), date(2026, 6, 30), TODAY).n_days == 181
    with pytest.raises(DomainError) as refused:
        check_review(date(2026, 6, 29), date(2026, 1, 1), date(2026, 6, 30), TODAY)
    assert refused.value.field == "held_on"


def test_what_was_signed_no_longer_changes():
    check_draft("RD-2026-0001", ReviewStatus.DRAFT)
    with pytest.raises(MoveRefused, match="RD-2026-0001 is signed"):
        check_draft("RD-2026-0001", ReviewStatus.SIGNED)


@pytest.mark.parametrize(
    ("text", "topic", "due_on", "field"),
    [
        ("  ", "", TODAY, "text"),
        ("x" * 4001, "", TODAY, "text"),
        ("Comprar", "weather", TODAY, "topic"),
        ("Comprar", "resources", date(2026, 7, 9), "due_on"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused(text, topic, due_on, field):
    with pytest.raises(DomainError) as refused:
        check_decision(text, topic, due_on, TODAY)

    assert refused.value.field == field


def test_a_decision_of_the_whole_or_of_an_input_is_taken():
    check_decision("Comprar", "", TODAY, TODAY)
    check_decision("Comprar", "resources", TODAY, TODAY)


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        ({"held_on": date(2026, 7, 11)}, "is held on"),
        ({"is_prepared": False}, "Prepare the data"),
        ({"attendees": " \n"}, "who attended"),
        ({"unsaid": ("Suppliers", "Resources")}, "Nothing is said yet"),
        ({"conclusion": ""}, "Write the conclusion"),
        ({"due_days": (TODAY, date(2026, 7, 9))}, "which is past"),
    ],
)
def test_the_signature_says_what_is_missing(lacks, words):
    with pytest.raises(MoveRefused, match=words):
        check_sign(replace(READY, **lacks), TODAY)


def test_a_whole_review_may_be_signed():
    check_sign(READY, TODAY)
