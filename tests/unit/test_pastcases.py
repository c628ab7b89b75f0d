"""Rows of an earlier log: what cannot have been is no case, what can keeps every day that the log tells, and adds none in silence."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import Regime, TermAct, TermRule, TermUnit, deadline_of
from app.domain.pastcases import ENDINGS, Choices, Doubt, Fault, Judge, Numbers, PastCase, Reason, Verdict, digest_of
from app.domain.states import ARROWS, Category, Move, Outcome, PqrStatus

ONE_DAY = timedelta(days=1)
YEARS = range(2018, 2028)
CALENDAR = BusinessCalendar(
    [NonWorkingDay(on, name) for on, name in holidays.country_holidays("CO", years=YEARS).items()], YEARS, closes_at=time(17)
)
TODAY = date(2026, 7, 15)


def rule(act: TermAct, value: int, request_type: str | None = None, unit: TermUnit = TermUnit.BUSINESS_DAYS, **more: object) -> TermRule:
    return TermRule(Regime.LEY142, act, request_type, value, unit, "Ley 142 de 1994", **more)


RULES = (
    rule(TermAct.ANSWER, 15, "RECLAMO"),
    rule(TermAct.ANSWER, 15, "RECURSO"),
    rule(TermAct.ANSWER, 10, "CONSULTA", valid_from=date(2024, 1, 1)),
    rule(TermAct.APPEAL, 5),
    rule(TermAct.SILENCE_RECOGNITION, 72, unit=TermUnit.HOURS),
)
FILED = date(2025, 3, 3)


def judge(choices: Choices | None = None, today: date = TODAY) -> Judge:
    return Judge(RULES, CALENDAR, today, choices or Choices(), appealable={"RECLAMO"}, decisions={"RECURSO"})


def past(**told: object) -> PastCase:
    return PastCase(**({"number": "2025-17", "filed": FILED, "request_type": "RECLAMO"} | told))


def codes(verdict: Verdict) -> list[Fault]:
    return [finding.code for finding in verdict.faults]


ANSWERED = {"answered_on": date(2025, 3, 20), "outcome": Outcome.DENIED}


# ── What cannot have been ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"number": ""}, Fault.NUMBER_MISSING),
        ({"filed": None}, Fault.FILED_MISSING),
        ({"request_type": None}, Fault.TYPE_MISSING),
        ({"filed": TODAY + ONE_DAY}, Fault.IN_FUTURE),
        ({"routed_on": FILED - ONE_DAY}, Fault.ROUTED_BEFORE_FILED),
        ({"solved_on": FILED - ONE_DAY}, Fault.SOLVED_BEFORE_FILED),
        (ANSWERED | {"answered_on": FILED - ONE_DAY}, Fault.ANSWERED_BEFORE_FILED),
        (ANSWERED | {"routed_on": date(2025, 3, 21)}, Fault.ANSWERED_BEFORE_ROUTED),
        (ANSWERED | {"solved_on": date(2025, 3, 21)}, Fault.ANSWERED_BEFORE_SOLVED),
        (ANSWERED | {"notified_on": date(2025, 3, 19)}, Fault.NOTIFIED_BEFORE_ANSWERED),
        (ANSWERED | {"notified_on": date(2025, 3, 1)}, Fault.NOTIFIED_BEFORE_FILED),
        (ANSWERED | {"closed_on": date(2025, 3, 19)}, Fault.CLOSED_BEFORE_ANSWERED),
        (ANSWERED | {"notified_on": date(2025, 3, 25), "closed_on": date(2025, 3, 24)}, Fault.CLOSED_BEFORE_NOTIFIED),
        (ANSWERED | {"notified_on": date(2025, 3, 25), "closed_on": TODAY + ONE_DAY}, Fault.IN_FUTURE),
        ({"closed_on": FILED - ONE_DAY, "ending": PqrStatus.VOIDED}, Fault.CLOSED_BEFORE_FILED),
        ({"notified_on": date(2025, 3, 19)}, Fault.NOTIFIED_UNANSWERED),
        ({"closed_on": date(2025, 3, 19)}, Fault.CLOSED_UNANSWERED),
        ({"answered_on": date(2025, 3, 20)}, Fault.OUTCOME_MISSING),
        (ANSWERED | {"outcome": Outcome.CONFIRMED}, Fault.OUTCOME_OF_APPEAL),
        ({"ending": PqrStatus.WITHDRAWN}, Fault.ENDING_UNDATED),
        (ANSWERED | {"ending": PqrStatus.TRANSFERRED, "closed_on": date(2025, 3, 20)}, Fault.ENDING_ANSWERED),
        ({"request_type": "CONSULTA", "filed": date(2023, 12, 29)}, Fault.TERM_MISSING),
        ({"filed": date(2017, 5, 2)}, Fault.YEAR_MISSING),
    ],
)
def test_what_cannot_have_been_is_no_case(told: dict[str, object], fault: Fault):
    verdict = judge()(past(**told))

    assert fault in codes(verdict)
    assert not verdict.steps and verdict.deadline is None


def test_a_year_that_is_missing_for_the_notice_is_told_of_the_row():
    last = BusinessCalendar(CALENDAR.days, range(2018, 2026))
    ask = Judge(RULES, last, TODAY, appealable={"RECLAMO"})

    verdict = ask(past(filed=date(2025, 12, 1), answered_on=date(2025, 12, 29), outcome=Outcome.DENIED, notified_on=date(2025, 12, 30)))

    assert [(finding.code, finding.facts) for finding in verdict.faults] == [(Fault.YEAR_MISSING, {"year": 2026})]


def test_all_that_is_wrong_with_a_row_is_told_at_once():
    verdict = judge()(past(number="", answered_on=FILED - ONE_DAY, notified_on=TODAY + ONE_DAY))

    assert codes(verdict) == [Fault.NUMBER_MISSING, Fault.IN_FUTURE, Fault.ANSWERED_BEFORE_FILED, Fault.OUTCOME_MISSING]


# ── What becomes of the others ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_without_answer_is_an_open_case_with_the_clock_of_its_filing():
    verdict = judge()(past(filed=date(2026, 7, 1), process=3, routed_on=date(2026, 7, 2)))

    assert verdict.status is PqrStatus.ROUTED and verdict.deadline is not None
    assert verdict.deadline.due_on == CALENDAR.add(date(2026, 7, 1), 15)
    assert [(step.move, step.on, step.reason) for step in verdict.steps] == [
        (Move.FILE, date(2026, 7, 1), Reason.IMPORTED), (Move.ROUTE, date(2026, 7, 2), None),
    ]  # fmt: skip


def test_an_hour_after_closing_time_counts_from_the_next_working_day():
    verdict = judge()(past(filed=datetime(2026, 7, 1, 18, 30)))

    assert verdict.deadline is not None and verdict.deadline.effective_on == date(2026, 7, 2)


def test_answered_and_notified_long_ago_is_closed_by_the_law_when_the_log_tells_no_closing():
    verdict = judge()(past(**ANSWERED, notified_on=date(2025, 3, 25)))

    assert (verdict.status, verdict.appeal_until, verdict.closed_on) == (PqrStatus.CLOSED, date(2025, 4, 1), date(2025, 4, 2))
    assert verdict.steps[-1].reason is Reason.CLOSED_BY_LAW


def test_a_notice_of_these_days_may_still_be_appealed():
    verdict = judge()(past(filed=date(2026, 6, 25), answered_on=date(2026, 7, 9), notified_on=date(2026, 7, 9), outcome=Outcome.DENIED))

    assert (verdict.status, verdict.appeal_until, verdict.closed_on) == (PqrStatus.NOTIFIED, date(2026, 7, 17), None)


def test_the_closing_that_the_log_tells_is_kept():
    verdict = judge()(past(**ANSWERED, notified_on=date(2025, 3, 25), closed_on=date(2025, 3, 27)))

    assert (verdict.closed_on, verdict.steps[-1].reason) == (date(2025, 3, 27), None)


def test_without_a_notice_the_case_waits_for_one_unless_somebody_chose_the_day_of_the_answer():
    row = past(**ANSWERED)

    waits, chosen = judge()(row), judge(Choices(is_notified_when_answered=True))(row)

    assert waits.status is PqrStatus.ANSWERED and [doubt.code for doubt in waits.doubts] == [Doubt.NOTICE_UNKNOWN]
    assert (chosen.status, chosen.notified_on) == (PqrStatus.CLOSED, date(2025, 3, 20))
    assert Reason.NOTIFIED_WHEN_ANSWERED in [step.reason for step in chosen.steps]


def test_a_sense_that_somebody_chose_is_told_in_the_history():
    verdict = judge(Choices(outcome=Outcome.GRANTED))(past(answered_on=date(2025, 3, 20)))

    assert verdict.outcome is Outcome.GRANTED
    assert [step.reason for step in verdict.steps] == [Reason.IMPORTED, Reason.OUTCOME_CHOSEN]


def test_a_chosen_sense_does_not_replace_the_one_that_the_log_tells():
    assert judge(Choices(outcome=Outcome.GRANTED))(past(**ANSWERED)).outcome is Outcome.DENIED


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_end_without_answer_is_kept(ending: PqrStatus):
    verdict = judge()(past(ending=ending, closed_on=date(2025, 3, 10), process=3))

    assert (verdict.status, verdict.closed_on, verdict.silence) == (ending, date(2025, 3, 10), None)


def test_due_dates_are_compared_and_the_difference_has_a_sign():
    due_on = CALENDAR.add(FILED, 15)
    ask = judge()

    offs = [ask(past(**ANSWERED, due_on=due_on + ONE_DAY * n)) for n in (-3, 0, 7)]

    assert [verdict.n_days_off for verdict in offs] == [-3, 0, 7]
    assert [Doubt.DUE_DIFFERS in [doubt.code for doubt in verdict.doubts] for verdict in offs] == [True, False, True]
    assert ask(past()).n_days_off is None


def test_silence_arose_in_what_was_answered_late_or_not_at_all_but_not_where_all_was_granted():
    late = {"answered_on": date(2025, 4, 30), "notified_on": date(2025, 5, 2)}

    verdicts = [judge()(past(**told)) for told in ({}, late | {"outcome": Outcome.DENIED}, late | {"outcome": Outcome.GRANTED}, ANSWERED)]

    assert [verdict.silence is not None for verdict in verdicts] == [True, True, False, False]
    assert verdicts[0].silence is not None and verdicts[0].silence.on == CALENDAR.add(FILED, 15) + ONE_DAY


def test_a_hand_over_to_nobody_stays_at_the_desk():
    verdict = judge()(past(routed_on=date(2025, 3, 4)))

    assert verdict.status is PqrStatus.RECEIVED and [doubt.code for doubt in verdict.doubts] == [Doubt.AREA_UNKNOWN]


# ── Properties ────────────────────────────────────────────────────────────────────────────────────────────────────────────

DAYS = st.none() | st.dates(date(2025, 1, 1), date(2026, 9, 30))
ROWS = st.builds(
    PastCase,
    number=st.just("1"),
    filed=st.dates(date(2025, 1, 1), date(2026, 9, 30)) | st.datetimes(datetime(2025, 1, 1), datetime(2026, 9, 30)),
    request_type=st.sampled_from(["RECLAMO", "CONSULTA", "RECURSO"]),
    process=st.sampled_from([None, 3]),
    routed_on=DAYS, solved_on=DAYS, answered_on=DAYS, notified_on=DAYS, closed_on=DAYS, due_on=DAYS,
    outcome=st.sampled_from([None, *Outcome]),
    ending=st.none() | st.sampled_from(ENDINGS),
)  # fmt: skip


@st.composite
def straight_rows(draw: st.DrawFn) -> PastCase:
    """Rows whose days follow each other: most of them can have been."""
    row = draw(ROWS)
    gaps = [draw(st.integers(0, 20)) for _ in range(6)]
    day = draw(st.dates(date(2025, 1, 1), date(2026, 7, 10)))
    row.filed = day
    for name, gap in zip(("routed_on", "solved_on", "answered_on", "notified_on", "closed_on"), gaps, strict=False):
        day = min(day + ONE_DAY * gap, TODAY)
        if getattr(row, name) is not None:
            setattr(row, name, day)
    return row


CHOICES = st.builds(Choices, st.booleans(), st.sampled_from([None, Outcome.GRANTED]))


@given(ROWS | straight_rows(), CHOICES)
def test_a_row_is_either_a_whole_case_or_none_and_never_breaks(row: PastCase, choices: Choices):
    verdict = judge(choices)(row)

    assert bool(verdict.faults) != bool(verdict.steps)
    if verdict.faults:
        return
    status, days = verdict.status, [verdict.answered_on, verdict.notified_on, verdict.closed_on]
    answered = status.category is Category.ANSWERED or status is PqrStatus.CLOSED
    notified = status in (PqrStatus.NOTIFIED, PqrStatus.CLOSED)
    assert [day is not None for day in days] == [answered, notified, status.is_final]  # as the CHECKs of the table ask
    assert not (answered or status is PqrStatus.SOLVED) or verdict.outcome is not None
    told = [day for day in days if day]
    assert all(a <= b for a, b in pairwise(told)) and all(day <= TODAY for day in told)
    assert verdict.steps[-1].status is status and verdict.steps[0].move is Move.FILE


@given(straight_rows(), CHOICES)
def test_no_day_of_the_history_is_neither_told_by_the_log_nor_explained(row: PastCase, choices: Choices):
    told = {row.routed_on, row.solved_on, row.answered_on, row.notified_on, row.closed_on, row.filed}

    for step in judge(choices)(row).steps:
        assert step.on in told or step.reason is Reason.CLOSED_BY_LAW
        assert step.move is not Move.NOTIFY or row.notified_on == step.on or step.reason is Reason.NOTIFIED_WHEN_ANSWERED


@given(straight_rows(), CHOICES)
def test_each_move_leads_where_the_table_of_moves_leads(row: PastCase, choices: Choices):
    for step in judge(choices)(row).steps[1:]:
        assert ARROWS[step.move].target is step.status


@given(straight_rows())
def test_the_due_date_is_that_of_the_engine(row: PastCase):
    verdict = judge(Choices(True, Outcome.DENIED))(row)

    if verdict.steps:
        assert verdict.rule is not None and verdict.deadline == deadline_of(row.filed, verdict.rule, CALENDAR)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), max_size=12))
def test_a_repeated_number_is_the_same_row_or_a_contradiction_of_the_first(rows: list[tuple[str, str]]):
    numbers, first = Numbers(), {}

    for line, (number, fact) in enumerate(rows, 2):
        found = numbers.add(number, (number, fact), line)
        known = first.setdefault(number, (fact, line))
        if known[1] == line:
            assert found is True
        elif known[0] == fact:
            assert found is False
        else:
            assert found.code is Fault.REPEATED and found.facts == {"line": known[1]}


def test_the_fingerprint_tells_sources_and_facts_apart():
    assert len({digest_of("A", ["1", None]), digest_of("B", ["1", None]), digest_of("A", ["1", ""]), digest_of("A", ["1"])}) == 4
    assert digest_of("A", ["1", FILED]) == digest_of("A", ["1", FILED])
