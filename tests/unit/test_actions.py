"""The path of an action as a table: each move from each state, for each kind, with each of its gates closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from app.domain.actions import (
    CORRECTIONS,
    FOUND,
    GATE_HOLDS,
    GATES,
    LIVING,
    TONES,
    ActionMove,
    Facts,
    Gate,
    after,
    check_postponed,
    check_task,
    check_task_ending,
    forward,
    may_add_tasks,
    may_change_tasks,
    may_drop_tasks,
    may_end_tasks,
    path_of,
    possible,
    refusals,
    review_day,
)
from app.domain.errors import DomainError, IllegalMove, MoveRefused
from app.domain.improvement import ActionKind, ActionStatus, EffectVerdict, TaskStatus

TODAY = date(2026, 7, 10)
DUE = date(2026, 8, 10)
#: What makes each gate refuse an action that passes all the others.
CLOSED = {
    Gate.HAS_CAUSE: {"has_cause": False},
    Gate.HAS_TASKS: {"n_open": 0, "n_done": 0},
    Gate.TASKS_HAVE_OWNER: {"n_nobody": 1},
    Gate.TASKS_IN_TIME: {"last_task_on": DUE + timedelta(days=1)},
    Gate.DAY_AHEAD: {"today": DUE + timedelta(days=1)},
    Gate.HAS_MEASURE: {"has_measure": False},
    Gate.IS_ANOTHER: {"is_own": True},
    Gate.NO_OPEN_TASK: {"n_open": 1},
    Gate.SOMETHING_DONE: {"n_done": 0},
    Gate.REVIEW_DAY_CAME: {"review_on": TODAY + timedelta(days=1)},
    Gate.WAS_REVIEWED: {"reviewed": None},
}
MOVES = [(move, kind) for move, rule in GATES.items() for kind in ActionKind if kind in rule.kinds]
CASES = [(move, kind, gate) for move, kind in MOVES for gate in GATES[move].gates]


def facts(move: ActionMove, kind: ActionKind) -> Facts:
    """Return facts that pass every gate of *move*: open tasks where a plan is written, done ones where it was carried out."""
    status = next(status for status in ActionStatus if status in GATES[move].sources)
    writes = status in (ActionStatus.OPEN, ActionStatus.PLANNED) and move is not ActionMove.FINISH
    return Facts(
        kind=kind, status=status, due_on=DUE, today=TODAY, has_cause=True, n_open=2 if writes else 0, n_done=0 if writes else 2,
        last_task_on=DUE, has_measure=True, review_on=TODAY, reviewed=FOUND.get(move),
    )  # fmt: skip


@pytest.mark.parametrize(("move", "kind"), MOVES, ids=lambda each: each.name)
def test_with_every_gate_open_a_move_leads_to_its_state(move, kind):
    passing = facts(move, kind)

    assert refusals(move, passing, "porque sí") == []
    assert after(move, passing, number="AC-1", reason="porque sí") is (GATES[move].target or passing.status)


@pytest.mark.parametrize(("move", "kind", "gate"), CASES, ids=lambda each: each.name)
def test_one_closed_gate_refuses_its_move_and_says_so(move, kind, gate):
    said = "" if gate is Gate.SAYS_WHY else "porque sí"
    passing = facts(move, kind)
    closed = replace(passing, **CLOSED.get(gate, {}))

    assert refusals(move, closed, said) == [gate]
    with pytest.raises(MoveRefused) as refusal:
        after(move, closed, number="AC-1", reason=said)
    assert refusal.value.msgid == gate.value
    assert refusal.value.field == ("reason" if gate is Gate.SAYS_WHY else None)


@pytest.mark.parametrize("kind", ActionKind, ids=lambda each: each.name)
@pytest.mark.parametrize("status", ActionStatus, ids=lambda each: each.name)
@pytest.mark.parametrize("move", GATES, ids=lambda each: each.name)
def test_a_move_leads_only_from_its_states_and_for_its_kinds(move, status, kind):
    rule = GATES[move]
    asked = replace(facts(move, kind), status=status)
    if status in rule.sources and kind in rule.kinds:
        assert move in possible(status, kind)
        return
    with pytest.raises(IllegalMove, match="AC-1") as refusal:
        after(move, asked, number="AC-1", reason="porque sí")
    assert refusal.value.fields["possible"] == tuple(each.value for each in possible(status, kind))


@pytest.mark.parametrize(
    ("verdict", "move"), [(EffectVerdict.EFFECTIVE, ActionMove.REOPEN), (EffectVerdict.NOT_EFFECTIVE, ActionMove.JUDGE)]
)
def test_a_review_that_found_the_contrary_is_no_review_for_the_move(verdict, move):
    found = replace(facts(move, ActionKind.CORRECTIVE), reviewed=verdict)

    assert refusals(move, found, "porque sí") == [Gate.WAS_REVIEWED]


def test_what_is_over_has_no_move_and_what_lives_can_always_be_called_off():
    for kind in ActionKind:
        for status in ActionStatus:
            assert bool(possible(status, kind)) is (status in LIVING)
            assert (ActionMove.CANCEL in possible(status, kind)) is (status in LIVING)


@pytest.mark.parametrize("kind", ActionKind, ids=lambda each: each.name)
def test_the_path_goes_from_asked_to_done_by_its_moves(kind):
    for here, there in pairwise(path_of(kind)):
        move = forward(here, kind)
        assert move is not None
        assert GATES[move].target is there
    assert forward(ActionStatus.DONE, kind) is None


def test_nothing_but_a_correction_ends_without_a_review():
    """Whatever leads to the end of a kind that removes a cause was reviewed, and has no open task."""
    endings = {move: rule for move, rule in GATES.items() if rule.target is ActionStatus.DONE}

    assert set(endings) == {ActionMove.FINISH, ActionMove.JUDGE}
    assert endings[ActionMove.FINISH].kinds == CORRECTIONS
    assert {Gate.WAS_REVIEWED, Gate.NO_OPEN_TASK} <= set(endings[ActionMove.JUDGE].gates)
    assert all(Gate.NO_OPEN_TASK in rule.gates for rule in endings.values())


def test_every_gate_has_its_words_and_every_state_its_tone():
    assert set(GATE_HOLDS) == set(Gate) == set(CLOSED) | {Gate.SAYS_WHY}
    assert set(TONES) == set(ActionStatus)


# ── Days and tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_effect_is_reviewed_when_the_days_looked_at_are_over():
    assert review_day(date(2026, 7, 1), 30) == date(2026, 8, 1)  # 2 to 31 July


@pytest.mark.parametrize(
    ("due_on", "last_task_on"),
    [(DUE, None), (TODAY - timedelta(days=1), None), (DUE + timedelta(days=3), DUE + timedelta(days=9))],
)
def test_a_postponement_that_changes_nothing_looks_back_or_leaves_a_task_behind_is_refused(due_on, last_task_on):
    with pytest.raises(DomainError) as refusal:
        check_postponed(due_on, DUE, TODAY, last_task_on)

    assert refusal.value.field == "due_on"


def test_an_action_may_be_brought_forward_too():
    check_postponed(DUE - timedelta(days=5), DUE, TODAY, TODAY)


@pytest.mark.parametrize(
    ("what", "due_on", "field"),
    [(" ", DUE, "what"), ("Medir", date(2026, 6, 30), "due_on"), ("Medir", DUE + timedelta(days=1), "due_on")],
)
def test_a_task_says_what_and_ends_within_the_days_of_its_action(what, due_on, field):
    with pytest.raises(DomainError) as refusal:
        check_task(what, due_on, date(2026, 7, 1), DUE)

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("status", "said", "ended_on", "field"),
    [
        (TaskStatus.DONE, " ", TODAY, "said"),
        (TaskStatus.DROPPED, "", TODAY, "said"),
        (TaskStatus.DONE, "Acta", date(2026, 6, 30), "ended_on"),
        (TaskStatus.DONE, "Acta", TODAY + timedelta(days=1), "ended_on"),
    ],
)
def test_a_task_ends_with_what_shows_it_on_a_day_that_came(status, said, ended_on, field):
    with pytest.raises(DomainError) as refusal:
        check_task_ending(status, said, ended_on, date(2026, 7, 1), TODAY)

    assert refusal.value.field == field


@pytest.mark.parametrize("status", ActionStatus, ids=lambda each: each.name)
def test_tasks_are_written_before_the_plan_is_sent_and_ended_once_it_is_approved(status):
    assert may_change_tasks(status) is (status is ActionStatus.OPEN)
    assert may_add_tasks(status) is (status in (ActionStatus.OPEN, ActionStatus.RUNNING))
    assert may_end_tasks(status, ActionKind.CORRECTIVE) is (status is ActionStatus.RUNNING)
    assert may_end_tasks(status, ActionKind.CORRECTION) is (status is ActionStatus.OPEN)
    assert may_drop_tasks(status, ActionKind.CORRECTIVE) is (status in (ActionStatus.OPEN, ActionStatus.RUNNING))
