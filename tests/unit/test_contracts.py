"""The state of a contract follows from its dates; a signature, an amendment or an early end that make no sense are refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.contracts import (
    Change,
    ContractStage,
    ContractState,
    Side,
    Span,
    check_amendment,
    check_amendment_signature,
    check_dates,
    check_signature,
    check_termination,
    state_of,
    was_in_force,
)
from app.domain.errors import DomainError, MoveRefused

START, END = date(2026, 1, 15), date(2026, 12, 31)
SIGNED = Span(ContractStage.SIGNED, START, END, START)
DRAFT = replace(SIGNED, stage=ContractStage.DRAFT, signed_on=None)
DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))
SPANS = st.builds(Span, st.sampled_from(ContractStage), DAYS, DAYS | st.none(), DAYS | st.none(), DAYS | st.none())
BOTH = set(Side)


@pytest.mark.parametrize(
    ("span", "today", "state"),
    [
        (DRAFT, START, ContractState.DRAFT),
        (replace(SIGNED, stage=ContractStage.VOIDED), START, ContractState.VOIDED),
        (SIGNED, START - timedelta(days=1), ContractState.UPCOMING),
        (SIGNED, START, ContractState.ACTIVE),
        (SIGNED, END - timedelta(days=61), ContractState.ACTIVE),
        (SIGNED, END - timedelta(days=60), ContractState.ENDING),
        (SIGNED, END, ContractState.ENDING),
        (SIGNED, END + timedelta(days=1), ContractState.ENDED),
        (replace(SIGNED, ends_on=None), date(2099, 1, 1), ContractState.ACTIVE),
        (replace(SIGNED, stage=ContractStage.TERMINATED, terminated_on=date(2026, 3, 1)), date(2026, 2, 1), ContractState.ENDING),
        (replace(SIGNED, stage=ContractStage.TERMINATED, terminated_on=date(2026, 3, 1)), date(2026, 3, 1), ContractState.ENDING),
        (replace(SIGNED, stage=ContractStage.TERMINATED, terminated_on=date(2026, 3, 1)), date(2026, 3, 2), ContractState.TERMINATED),
    ],
)
def test_the_state_follows_from_the_stage_the_dates_and_today(span, today, state):
    assert state_of(span, today) is state


@given(SPANS, DAYS)
def test_what_was_never_signed_is_never_in_force(span, today):
    is_running = state_of(span, today) in {ContractState.ACTIVE, ContractState.ENDING}

    assert is_running == (span.is_signed and span.starts_on <= today and (span.last_day is None or today <= span.last_day))
    assert was_in_force(span, today, today) == is_running


@pytest.mark.parametrize(
    ("first", "last", "was"),
    [(date(2025, 1, 1), date(2025, 12, 31), False), (date(2026, 1, 1), START, True), (END, END, True),
     (END + timedelta(days=1), date(2027, 12, 31), False)],
)  # fmt: skip
def test_a_contract_counts_in_the_years_that_it_touches(first, last, was):
    assert was_in_force(SIGNED, first, last) is was


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(act, *given, **more) -> tuple[str | None, str]:
    with pytest.raises(DomainError) as refused:
        act(*given, **more)
    return refused.value.field, str(refused.value)


def test_a_contract_does_not_end_before_it_starts():
    check_dates(START, START)
    check_dates(None, END)

    assert refusal(check_dates, START, START - timedelta(days=1))[0] == "ends_on"


@pytest.mark.parametrize(
    ("span", "signed_on", "n", "sides", "field", "words"),
    [
        (SIGNED, START, 1, BOTH, None, "only a contract being prepared"),
        (replace(DRAFT, starts_on=None), START, 1, BOTH, "starts_on", "on which day"),
        (DRAFT, START, 0, BOTH, None, "Write what"),
        (DRAFT, START, 1, {Side.OURS}, None, "The other party"),
        (DRAFT, START, 1, {Side.THEIRS}, None, "The company"),
        (DRAFT, START + timedelta(days=11), 1, BOTH, "signed_on", "after today"),
        (replace(DRAFT, ends_on=START + timedelta(days=2)), START + timedelta(days=3), 1, BOTH, "signed_on", "after its end"),
        (replace(DRAFT, ends_on=START - timedelta(days=2)), START, 1, BOTH, "ends_on", "before it starts"),
    ],
)
def test_a_signature_lacks_nothing(span, signed_on, n, sides, field, words):
    check_signature("CTO-2026-0001", DRAFT, START, START + timedelta(days=10), 1, BOTH)
    told, text = refusal(check_signature, "CTO-2026-0001", span, signed_on, START + timedelta(days=10), n, sides)

    assert told == field
    assert words in text


@pytest.mark.parametrize(
    ("span", "change", "field", "words"),
    [
        (DRAFT, Change(START, n_requirements=1), None, "only a signed contract"),
        (replace(SIGNED, stage=ContractStage.TERMINATED), Change(START, n_requirements=1), None, "only a signed contract"),
        (SIGNED, Change(None, END), "effective_on", "from which"),
        (SIGNED, Change(START), None, "changes nothing"),
        (SIGNED, Change(START, END, Decimal(0)), None, "changes nothing"),
        (SIGNED, Change(START - timedelta(days=1), n_requirements=1), "effective_on", "in force"),
        (SIGNED, Change(END + timedelta(days=1), n_requirements=1), "effective_on", "in force"),
        (SIGNED, Change(START, START - timedelta(days=1)), "new_ends_on", "before it starts"),
        (SIGNED, Change(date(2026, 6, 1), date(2026, 5, 31)), "new_ends_on", "counts"),
        (SIGNED, Change(START, value_change_cop=Decimal(-6)), "value_change_cop", "more than"),
    ],
)
def test_an_amendment_says_something_possible(span, change, field, words):
    check_amendment("CTO-2026-0001", SIGNED, Change(START, date(2027, 6, 30)), Decimal(5))
    told, text = refusal(check_amendment, "CTO-2026-0001", span, change, Decimal(5))

    assert told == field
    assert words in text


def test_an_amendment_is_signed_between_its_contract_and_the_end():
    today = date(2027, 3, 1)
    check_amendment_signature("CTO-2026-0001", SIGNED, END, today)

    for signed_on in (START - timedelta(days=1), END + timedelta(days=1), today + timedelta(days=1)):
        assert refusal(check_amendment_signature, "CTO-2026-0001", SIGNED, signed_on, today)[0] == "signed_on"


def test_an_early_end_lies_inside_the_contract_and_says_why():
    check_termination("CTO-2026-0001", SIGNED, date(2026, 6, 30), "Incumplimiento")

    assert refusal(check_termination, "CTO-2026-0001", SIGNED, START - timedelta(days=1), "x")[0] == "terminated_on"
    assert refusal(check_termination, "CTO-2026-0001", SIGNED, END, "x")[0] == "terminated_on"
    assert refusal(check_termination, "CTO-2026-0001", SIGNED, date(2026, 6, 30), " ")[0] == "reason"
    with pytest.raises(MoveRefused):
        check_termination("CTO-2026-0001", DRAFT, date(2026, 6, 30), "x")
