"""The annual verification of a contract: when it falls due, what its verdicts add up to, and what stops its signature."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.checklists import (
    ChecklistMove,
    ChecklistStatus,
    Row,
    Said,
    Verdict,
    after,
    anniversary,
    due_now,
    gaps,
    openable,
    period_of,
    refuse_gaps,
    spans,
    verification_on,
)
from app.domain.errors import DomainError, MoveRefused

DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))


# ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("starts_on", "year", "expected"),
    [
        (date(2024, 3, 15), 2026, date(2026, 3, 15)),
        (date(2024, 2, 29), 2025, date(2025, 2, 28)),
        (date(2024, 2, 29), 2028, date(2028, 2, 29)),
        (date(2023, 2, 28), 2024, date(2024, 2, 28)),
    ],
)
def test_an_anniversary_of_the_29th_of_february_falls_on_the_28th_of_a_common_year(starts_on, year, expected):
    assert anniversary(starts_on, year) == expected


@pytest.mark.parametrize(
    ("ends_on", "year", "expected"),
    [
        (None, 2024, None),
        (None, 2025, date(2025, 3, 15)),
        (None, 2031, date(2031, 3, 15)),
        (date(2026, 3, 14), 2026, date(2026, 3, 14)),
        (date(2026, 11, 30), 2026, date(2026, 3, 15)),
        (date(2026, 1, 31), 2026, date(2026, 1, 31)),
        (date(2026, 1, 31), 2027, None),
        (date(2024, 9, 30), 2024, date(2024, 9, 30)),
        (date(2024, 3, 14), 2024, None),
        (None, 2023, None),
    ],
)
def test_a_contract_is_verified_on_its_anniversary_or_at_its_end(ends_on, year, expected):
    assert verification_on(date(2024, 3, 15), ends_on, year) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 3, 15), (date(2024, 3, 15), date(2025, 3, 14))),
        (date(2026, 1, 31), (date(2025, 3, 15), date(2026, 1, 31))),
        (date(2024, 9, 30), (date(2024, 3, 15), date(2024, 9, 30))),
        (date(2024, 3, 15), (date(2024, 3, 15), date(2024, 3, 15))),
    ],
)
def test_the_year_that_is_verified_ends_the_day_before_its_anniversary_or_with_the_contract(day, expected):
    assert period_of(date(2024, 3, 15), day) == expected


@given(starts_on=DAYS, n_days=st.integers(0, 4000))
def test_every_contract_that_ends_is_verified_and_once_a_year_at_most(starts_on, n_days):
    ends_on = starts_on + timedelta(days=n_days)

    days = [day for year in range(starts_on.year - 1, ends_on.year + 2) if (day := verification_on(starts_on, ends_on, year))]

    assert days, "each contract is verified at least once"
    assert all(starts_on <= day <= ends_on for day in days)
    assert len({day.year for day in days}) == len(days)
    assert (ends_on - days[-1]).days < 366


def test_what_is_due_stays_due_all_year_and_a_month_over_new_year():
    starts_on = date(2024, 12, 20)

    assert due_now(starts_on, None, date(2025, 12, 19)) is None
    assert due_now(starts_on, None, date(2025, 12, 20)) == (2025, date(2025, 12, 20))
    assert due_now(starts_on, None, date(2026, 1, 20)) == (2025, date(2025, 12, 20))
    assert due_now(starts_on, None, date(2026, 1, 21)) is None


def test_a_verification_may_be_opened_sixty_days_ahead_and_not_before():
    starts_on = date(2024, 3, 1)

    assert openable(starts_on, None, date(2024, 12, 30)) is None
    assert openable(starts_on, None, date(2024, 12, 31)) == (2025, date(2025, 3, 1))
    assert openable(starts_on, None, date(2025, 10, 1)) == (2025, date(2025, 3, 1)), "late is better than never"


# ── What has to be settled first ──────────────────────────────────────────────────────────────────────────────────────────


def row(position: int, verdict: Verdict | None, *, note: str = "", why: str = "", has_action: bool = False) -> Row:
    return Row(position, Said(verdict, note, why), has_action)


def test_what_does_not_apply_says_why():
    with pytest.raises(DomainError) as refused:
        Said(Verdict.NOT_APPLICABLE, "  ").checked()

    assert refused.value.field == "note"
    assert Said(Verdict.NOT_APPLICABLE, " No hay obra ").checked().note == "No hay obra"


def test_only_a_finding_says_why_it_asks_for_no_action():
    assert Said(Verdict.MET, " Visto ", "Ya se hizo").checked() == Said(Verdict.MET, "Visto")
    assert Said(Verdict.PARTLY, "Falta un mes", " Ya se hizo ").checked() == Said(Verdict.PARTLY, "Falta un mes", "Ya se hizo")
    assert Said(None, "Falta ver", "tampoco").checked() == Said(None, "Falta ver")


def test_two_notes_joined_keep_every_word_once():
    mine, theirs = Said(Verdict.MET, "Vi la póliza"), Said(Verdict.PARTLY, "Falta el anexo 2", "Llega mañana")

    assert mine.joined(theirs) == Said(Verdict.MET, "Falta el anexo 2\nVi la póliza", "Llega mañana")
    assert mine.joined(mine) == mine
    assert Said(Verdict.MET, "Vi la póliza y el anexo").joined(mine).note == "Vi la póliza y el anexo"


def test_each_gap_names_its_rows():
    rows = [
        row(1, Verdict.MET), row(2, None), row(3, None), row(4, None), row(6, None),
        row(7, Verdict.NOT_MET), row(8, Verdict.PARTLY, note="Falta un mes", why="Se corrigió en la visita"),
        row(9, Verdict.PARTLY, note="Falta un mes", has_action=True), row(10, Verdict.PARTLY, note="Falta un mes", why="  "),
    ]  # fmt: skip

    found = list(gaps(rows).values())

    assert found == [[2, 3, 4, 6], [7], [7, 10]]
    with pytest.raises(MoveRefused, match="2-4, 6"):
        refuse_gaps(rows)


def test_a_checklist_of_nothing_is_not_signed_and_a_settled_one_is():
    with pytest.raises(MoveRefused):
        refuse_gaps([])
    refuse_gaps([row(1, Verdict.MET), row(2, Verdict.NOT_MET, note="Sin póliza", has_action=True), row(3, Verdict.NOT_APPLICABLE)])


@given(st.sets(st.integers(1, 40), min_size=1))
def test_spans_name_every_row_once(positions):
    named = spans(sorted(positions))

    read = [n for part in named.split(", ") for a, _dash, b in [part.partition("-")] for n in range(int(a), int(b or a) + 1)]
    assert read == sorted(positions)


def test_a_checklist_moves_only_along_its_arrows():
    allowed = {
        (ChecklistStatus.OPEN, ChecklistMove.SUBMIT): ChecklistStatus.SUBMITTED,
        (ChecklistStatus.SUBMITTED, ChecklistMove.RETURN): ChecklistStatus.OPEN,
        (ChecklistStatus.SUBMITTED, ChecklistMove.APPROVE): ChecklistStatus.CLOSED,
        (ChecklistStatus.CLOSED, ChecklistMove.REOPEN): ChecklistStatus.OPEN,
    }
    for status in ChecklistStatus:
        for move in ChecklistMove:
            if (status, move) in allowed:
                assert after(status, move, "LVC-2026-0001") is allowed[status, move]
            else:
                with pytest.raises(MoveRefused, match="LVC-2026-0001"):
                    after(status, move, "LVC-2026-0001")
