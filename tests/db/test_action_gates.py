"""The gates of an action on both engines: by its operations, one closed gate at a time, and by statements that go past them."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.domain.actions import GATES, ActionMove, Gate
from app.domain.errors import DomainError, IllegalMove, MoveRefused
from app.domain.improvement import ActionKind, ActionStatus, CauseCategory, CauseWay, EffectMeasure, EffectVerdict, TaskStatus
from app.models import Action, ActionCause, ActionEvent, ActionReview, ActionTask
from app.operations import action_plans, actions, effectiveness, improvement
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
TODAY = date(2026, 7, 10)
DUE = date(2026, 9, 8)
#: In which state of the factory an action passes every gate of a move, and when it is made.
READY = {
    ActionMove.PLAN: ("PLANNED", AT), ActionMove.APPROVE: ("PLANNED", AT), ActionMove.RETURN: ("PLANNED", AT),
    ActionMove.CARRY_OUT: ("RUNNING", AT), ActionMove.JUDGE: ("REVIEW", AT + timedelta(days=20)),
    ActionMove.REOPEN: ("REVIEW", AT + timedelta(days=20)), ActionMove.FINISH: ("OPEN", AT), ActionMove.POSTPONE: ("OPEN", AT),
    ActionMove.CANCEL: ("OPEN", AT),
}  # fmt: skip
CASES = [
    (move, kind, gate) for move, rule in GATES.items() for gate in rule.gates for kind in ActionKind if kind in rule.kinds
]  # fmt: skip


@pytest.fixture
def ready(seeded, make):
    """Return an action that passes every gate of a move, and its boss."""

    def build(move: ActionMove, kind: ActionKind) -> tuple[Action, int]:
        boss = make.user("Calidad").id
        action = make.planned_action(READY[move][0], AT, kind=kind, boss_id=boss, due_on=DUE)
        if move is ActionMove.PLAN:
            actions.send_back(seeded, action, "Falta un detalle", at=AT, user_id=boss)
        if move is ActionMove.CARRY_OUT:
            for task in action_plans.tasks_of(seeded, action):
                action_plans.end_task(seeded, task, "Acta", ended_on=TODAY, at=AT, user_id=None)
        if move in (ActionMove.JUDGE, ActionMove.REOPEN):
            seeded.add(review_of(action, EffectVerdict.EFFECTIVE if move is ActionMove.JUDGE else EffectVerdict.NOT_EFFECTIVE))
            seeded.flush()
        return action, boss

    return build


def review_of(action: Action, verdict: EffectVerdict) -> ActionReview:
    return ActionReview(
        action_id=action.id, round=action.round, measure=EffectMeasure.JUDGED, before_from=date(2026, 5, 1), before_until=date(2026, 5, 7),
        after_from=date(2026, 7, 11), after_until=date(2026, 7, 17), verdict=verdict, reason="Se miró", reviewed_on=date(2026, 7, 28),
    )  # fmt: skip


def make_move(session, action: Action, move: ActionMove, reason: str, at: datetime, user_id: int) -> Action:
    who = {"at": at, "user_id": user_id}
    match move:
        case ActionMove.PLAN:
            return actions.plan(session, action, **who)
        case ActionMove.APPROVE:
            return actions.approve(session, action, **who)
        case ActionMove.RETURN:
            return actions.send_back(session, action, reason, **who)
        case ActionMove.CARRY_OUT:
            return actions.carry_out(session, action, **who)
        case ActionMove.JUDGE:
            return actions.judge(session, action, EffectVerdict.EFFECTIVE, reason, **who)
        case ActionMove.REOPEN:
            return actions.judge(session, action, EffectVerdict.NOT_EFFECTIVE, reason, **who)
        case ActionMove.FINISH:
            return actions.finish(session, action, reason, ended_on=TODAY, **who)
        case ActionMove.POSTPONE:
            return actions.postpone(session, action, DUE + timedelta(days=10), reason, **who)
    return actions.cancel(session, action, reason, **who)


def close(session, action: Action, gate: Gate, boss: int) -> None:
    """Close *gate* past the operations. Raises IntegrityError where the database holds that gate open by itself."""

    def of_action(**columns: object) -> None:
        session.execute(update(Action).where(Action.id == action.id).values(**columns).execution_options(synchronize_session=False))

    def of_tasks(**columns: object) -> None:
        wanted = update(ActionTask).where(ActionTask.action_id == action.id).values(**columns)
        session.execute(wanted.execution_options(synchronize_session=False))

    match gate:
        case Gate.HAS_CAUSE:
            of_action(cause="")
        case Gate.HAS_MEASURE:
            of_action(measure=None, window_days=None, review_on=None)
        case Gate.HAS_TASKS | Gate.SOMETHING_DONE:
            of_tasks(status=TaskStatus.DROPPED, said="No hizo falta", ended_on=TODAY)
        case Gate.TASKS_HAVE_OWNER:
            of_tasks(responsible_id=None)
        case Gate.TASKS_IN_TIME:
            of_tasks(due_on=DUE + timedelta(days=1))
        case Gate.IS_ANOTHER:
            of_action(responsible_id=boss)
        case Gate.NO_OPEN_TASK:
            add_open_task(session, action)
        case Gate.REVIEW_DAY_CAME:
            of_action(review_on=date(2026, 12, 1))
        case Gate.WAS_REVIEWED:
            of_action(round=2)  # the stored review is of the round before


def add_open_task(session, action: Action) -> None:
    values = {"action_id": action.id, "round": 1, "position": 99, "what": "Otra", "due_on": DUE, "status": TaskStatus.OPEN, "said": "",
              "created_at": AT, "changed_at": AT}  # fmt: skip
    session.execute(insert(ActionTask).values(**values))


@pytest.mark.parametrize("move", GATES, ids=lambda each: each.name)
def test_an_action_that_passes_every_gate_moves_and_its_history_says_so(seeded, ready, move):
    kind = next(kind for kind in ActionKind if kind in GATES[move].kinds)
    action, boss = ready(move, kind)
    came_from = action.status

    make_move(seeded, action, move, "Porque se vio", READY[move][1], boss)
    seeded.expire_all()

    told = seeded.scalars(select(ActionEvent).where(ActionEvent.action_id == action.id).order_by(ActionEvent.id.desc())).first()
    assert action.status is (GATES[move].target or came_from)
    assert (told.move, told.from_status, told.to_status, told.actor_id) == (move.name, came_from.name, action.status.name, boss)
    assert told.reason == ("Porque se vio" if Gate.SAYS_WHY in GATES[move].gates else "")


@pytest.mark.parametrize(("move", "kind", "gate"), CASES, ids=lambda each: each.name)
def test_a_closed_gate_stops_its_move(seeded, ready, move, kind, gate):
    """The operation refuses with the words of the gate, unless the database does not even let it be closed."""
    action, boss = ready(move, kind)
    status, at = action.status, READY[move][1]
    n_events = len(seeded.scalars(select(ActionEvent.id).where(ActionEvent.action_id == action.id)).all())
    if gate is Gate.DAY_AHEAD:
        at = datetime(2026, 9, 9, 15, tzinfo=UTC)
    try:
        with seeded.begin_nested():
            close(seeded, action, gate, boss)
    except IntegrityError:
        assert gate in (Gate.HAS_CAUSE, Gate.HAS_MEASURE, Gate.NO_OPEN_TASK, Gate.HAS_TASKS)
        return
    with pytest.raises(MoveRefused) as refusal:
        make_move(seeded, action, move, "" if gate is Gate.SAYS_WHY else "Porque se vio", at, boss)

    assert refusal.value.msgid == gate.value
    assert action.status is status
    assert len(seeded.scalars(select(ActionEvent.id).where(ActionEvent.action_id == action.id)).all()) == n_events


@pytest.mark.parametrize("status", ["OPEN", "PLANNED", "RUNNING", "REVIEW", "DONE"])
@pytest.mark.parametrize("move", GATES, ids=lambda each: each.name)
def test_no_move_is_made_from_a_state_that_does_not_lead_there(seeded, make, move, status):
    action = make.planned_action(status, AT, boss_id=make.user("Calidad").id, due_on=DUE)
    rule = GATES[move]
    if action.status in rule.sources and action.kind in rule.kinds:
        return
    with pytest.raises(IllegalMove, match=action.number):
        make_move(seeded, action, move, "Porque sí", AT + timedelta(days=20), make.user("Calidad").id)

    assert action.status is ActionStatus[status]


# ── Statements that go past the operations ────────────────────────────────────────────────────────────────────────────────

ENDED = {"status": ActionStatus.DONE, "ended_on": date(2026, 8, 1), "result": "Hecho"}
PAST = [
    ("RUNNING", {"status": ActionStatus.REVIEW, "carried_out_on": TODAY}, "gate: open task"),
    ("RUNNING", {**ENDED, "verdict": EffectVerdict.EFFECTIVE}, "gate: open task"),
    ("RUNNING", ENDED, "ended_was_effective|gate: open task"),
    ("REVIEW", ENDED, "ended_was_effective"),
    ("REVIEW", {**ENDED, "verdict": EffectVerdict.NOT_EFFECTIVE}, "ended_was_effective"),
    ("REVIEW", {"status": ActionStatus.DONE, "verdict": EffectVerdict.EFFECTIVE}, "ended_iff_over"),
    ("REVIEW", {**ENDED, "verdict": EffectVerdict.EFFECTIVE, "result": ""}, "ended_says_how"),
    ("OPEN", {"status": ActionStatus.PLANNED}, "plan_"),
    ("OPEN", {"status": ActionStatus.RUNNING, "cause": "Algo"}, "plan_says_how_it_is_measured"),
    ("PLANNED", {"cause": ""}, "plan_has_cause"),
    ("PLANNED", {"review_on": None}, "plan_says_how_it_is_measured"),
    ("RUNNING", {"approved_by_id": None}, "approval_whole"),
]


@pytest.mark.parametrize(("status", "columns", "rule"), PAST, ids=lambda each: each if isinstance(each, str) else None)
def test_no_statement_brings_an_action_past_its_gates(seeded, make, status, columns, rule):
    action = make.planned_action(status, AT, due_on=DUE)

    with pytest.raises(IntegrityError, match=rule):
        seeded.execute(update(Action).where(Action.id == action.id).values(**columns))


@pytest.mark.parametrize("status", ["REVIEW", "DONE"])
def test_no_statement_changes_the_tasks_of_what_waits_for_its_review_or_is_over(seeded, make, status):
    action = make.planned_action(status, AT, due_on=DUE)
    task = action_plans.tasks_of(seeded, action)[0]
    reopened = update(ActionTask).where(ActionTask.id == task.id).values(status=TaskStatus.OPEN, ended_on=None, said="")

    with pytest.raises(IntegrityError, match="frozen: action_task"), seeded.begin_nested():
        seeded.execute(reopened)
    with pytest.raises(IntegrityError, match="frozen: action_task"), seeded.begin_nested():
        add_open_task(seeded, action)


def test_history_is_not_written_anew(seeded, make):
    action = make.planned_action("PLANNED", AT, due_on=DUE)
    event = seeded.scalars(select(ActionEvent).where(ActionEvent.action_id == action.id)).first()
    event.reason = "Otra cosa"

    with pytest.raises(RuntimeError, match="never changed"):
        seeded.flush()


# ── A whole life ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_did_not_work_is_taken_up_again_with_its_history(seeded, make):
    boss = make.user("Calidad").id
    action = make.planned_action("REVIEW", AT, boss_id=boss, due_on=DUE)
    cause, tasks = action.cause, action_plans.tasks_of(seeded, action)

    make.judge(action, "NOT_EFFECTIVE", boss_id=boss)

    assert (action.status, action.round, action.cause, action.verdict) == (ActionStatus.OPEN, 2, "", EffectVerdict.NOT_EFFECTIVE)
    assert (action.approved_by_id, action.approved_on, action.carried_out_on, action.review_on) == (None, None, None, None)
    told = seeded.scalars(select(ActionEvent).where(ActionEvent.action_id == action.id, ActionEvent.move == "REOPEN")).one()
    assert told.facts == {"round": 1, "cause": cause}
    assert [task.round for task in tasks] == [1]
    assert actions.facts_of(seeded, action, today=TODAY).n_done == 0  # what was done before is not done in this round
    with pytest.raises(MoveRefused, match="root cause"):
        actions.plan(seeded, action, at=AT, user_id=boss)


def test_the_second_round_ends_it(seeded, make):
    boss, owner = make.user("Calidad").id, make.user("Dueño de proceso").id
    action = make.planned_action("REVIEW", AT, boss_id=boss, responsible_id=owner, due_on=DUE)
    make.judge(action, "NOT_EFFECTIVE", boss_id=boss)
    later = datetime(2026, 8, 3, 15, tzinfo=UTC)
    action_plans.choose_cause(seeded, action, "Nadie responde por la rutina", None, at=later, user_id=owner)
    task = action_plans.add_task(seeded, action, "Nombrar a quien responde", date(2026, 8, 20), owner, at=later, user_id=owner)
    measure = effectiveness.EffectPlan(EffectMeasure.JUDGED, "", 7, None, action.asked_on)
    effectiveness.plan_effect(seeded, action, measure, at=later, user_id=owner)
    actions.plan(seeded, action, at=later, user_id=owner)
    actions.approve(seeded, action, at=later, user_id=boss)
    done = datetime(2026, 8, 20, 15, tzinfo=UTC)
    action_plans.end_task(seeded, task, "Memorando", ended_on=date(2026, 8, 20), at=done, user_id=owner)
    actions.carry_out(seeded, action, at=done, user_id=owner)
    make.judge(action, "EFFECTIVE", boss_id=boss)

    assert (action.status, action.round, action.verdict) == (ActionStatus.DONE, 2, EffectVerdict.EFFECTIVE)
    assert (task.position, task.round) == (2, 2)
    assert seeded.scalars(select(ActionReview.verdict).where(ActionReview.action_id == action.id).order_by(ActionReview.round)).all() == [
        EffectVerdict.NOT_EFFECTIVE, EffectVerdict.EFFECTIVE,
    ]  # fmt: skip


def test_who_moves_what_somebody_else_moved_meanwhile_is_told_the_state_of_now(seeded, make):
    action = make.planned_action("PLANNED", AT, due_on=DUE)
    gone = {"status": ActionStatus.CANCELLED, "ended_on": TODAY, "result": "Ya no"}
    seeded.execute(update(Action).where(Action.id == action.id).values(**gone).execution_options(synchronize_session=False))
    assert action.status is ActionStatus.PLANNED  # as the page of the other person has it

    with pytest.raises(IllegalMove) as refusal:
        actions.approve(seeded, action, at=AT, user_id=None)
    assert refusal.value.fields["status"] == ActionStatus.CANCELLED.value


@pytest.mark.slow
@pytest.mark.parametrize("first", ["carry_out", "add_task"])
def test_a_task_and_the_end_of_the_plan_wait_for_each_other(fresh_app, first):
    """Two people at once: whoever comes second sees what the first one did, and is refused. Never a review with an open task."""
    from app.extensions import db

    with fresh_app.app_context():
        action = Factory(db.session).planned_action("RUNNING", AT, due_on=DUE)
        task = action_plans.tasks_of(db.session(), action)[0]
        action_plans.end_task(db.session(), task, "Acta", ended_on=TODAY, at=AT, user_id=None)
        key, owner = action.id, action.responsible_id
        db.session.commit()
    is_held, told = threading.Event(), []

    def work(name: str) -> None:
        with fresh_app.app_context():
            if name != first:
                is_held.wait(10)
            row = db.session.get(Action, key)
            try:
                if name == "carry_out":
                    actions.carry_out(db.session(), row, at=AT, user_id=None)
                else:
                    action_plans.add_task(db.session(), row, "Otra", DUE, owner, at=AT, user_id=None)
                is_held.set()
                if name == first:
                    time.sleep(0.3)  # the other one asks for the same row meanwhile
                db.session.commit()
                told.append(name)
            except MoveRefused as refusal:
                db.session.rollback()
                told.append(refusal.msgid)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("carry_out", "add_task")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told[0] == first
    assert len(told) == 2 and told[1] not in ("carry_out", "add_task")


def test_calling_it_off_drops_its_open_tasks_with_the_reason(seeded, make):
    action = make.planned_action("RUNNING", AT, n_tasks=2, due_on=DUE)
    first, second = action_plans.tasks_of(seeded, action)
    action_plans.end_task(seeded, first, "Acta", ended_on=TODAY, at=AT, user_id=None)
    actions.cancel(seeded, action, "El contrato terminó", at=AT, user_id=None)

    assert (first.status, second.status, second.said) == (TaskStatus.DONE, TaskStatus.DROPPED, "El contrato terminó")
    assert (action.status, action.ended_on) == (ActionStatus.CANCELLED, TODAY)


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_day_moves_the_review_too_and_the_day_of_before_stays_in_the_history(seeded, make):
    action = make.planned_action("RUNNING", AT, due_on=DUE)
    actions.postpone(seeded, action, DUE + timedelta(days=30), "Llueve", at=AT, user_id=None)

    assert (action.due_on, action.review_on) == (DUE + timedelta(days=30), DUE + timedelta(days=38))
    told = seeded.scalars(select(ActionEvent).where(ActionEvent.action_id == action.id, ActionEvent.move == "POSTPONE")).one()
    assert (told.facts, told.reason) == ({"from": "2026-09-08", "to": "2026-10-08"}, "Llueve")


def test_a_review_is_put_off_but_not_brought_before_its_window_is_over(seeded, make):
    action = make.planned_action("REVIEW", AT, due_on=DUE)
    with pytest.raises(MoveRefused, match="before") as refusal:
        actions.postpone(seeded, action, date(2026, 7, 15), "Prisa", at=AT, user_id=None)
    actions.postpone(seeded, action, date(2026, 8, 30), "Pocos casos todavía", at=AT, user_id=None)

    assert refusal.value.field == "due_on"
    assert (action.due_on, action.review_on) == (DUE, date(2026, 8, 30))


def test_once_the_plan_is_sent_its_day_is_not_corrected_but_postponed(seeded, make):
    action = make.planned_action("RUNNING", AT, due_on=DUE)
    action.due_on = DUE + timedelta(days=5)
    with pytest.raises(MoveRefused) as refusal:
        improvement.amend_action(seeded, action, at=AT, user_id=None)

    assert refusal.value.field == "due_on"


def test_before_the_plan_is_sent_its_day_is_corrected_and_the_history_says_so(seeded, make):
    action = make.planned_action("OPEN", AT, due_on=DUE)
    action.due_on = DUE + timedelta(days=5)
    improvement.amend_action(seeded, action, at=AT, user_id=None)

    told = seeded.scalars(select(ActionEvent).where(ActionEvent.action_id == action.id, ActionEvent.move == "CHANGE")).one()
    assert told.facts == {"from": "2026-09-08", "to": "2026-09-13"}


# ── Tasks and analysis ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_of_a_plan_is_not_ended_before_it_is_approved(seeded, make):
    action = make.planned_action("PLANNED", AT, due_on=DUE)
    task = action_plans.tasks_of(seeded, action)[0]

    for refused in (
        lambda: action_plans.end_task(seeded, task, "Acta", ended_on=TODAY, at=AT, user_id=None),
        lambda: action_plans.change_task(seeded, task, "Otra", DUE, None),
        lambda: action_plans.add_task(seeded, action, "Otra", DUE, None, at=AT, user_id=None),
        lambda: action_plans.postpone_task(seeded, task, DUE, task.responsible_id, "Porque sí", at=AT, user_id=None),
    ):
        with pytest.raises(MoveRefused, match=action.number):
            refused()
    assert task.status is TaskStatus.OPEN


def test_what_is_added_while_the_plan_runs_has_somebody_and_stands_in_the_history(seeded, make):
    action = make.planned_action("RUNNING", AT, due_on=DUE)
    with pytest.raises(DomainError) as refusal:
        action_plans.add_task(seeded, action, "Otra", DUE, None, at=AT, user_id=None)
    task = action_plans.add_task(seeded, action, "Otra", DUE, action.responsible_id, at=AT, user_id=None)

    assert refusal.value.field == "responsible"
    told = seeded.scalars(select(ActionEvent).where(ActionEvent.action_id == action.id, ActionEvent.move == "TASK_ADD")).one()
    assert told.facts == {"task": task.position, "what": "Otra"}


def test_a_task_that_ended_ends_no_second_time(seeded, make):
    action = make.planned_action("RUNNING", AT, due_on=DUE)
    task = action_plans.tasks_of(seeded, action)[0]
    action_plans.end_task(seeded, task, "Acta", ended_on=TODAY, at=AT, user_id=None)

    with pytest.raises(MoveRefused):
        action_plans.drop_task(seeded, task, "Ya no", at=AT, user_id=None)
    assert (task.status, task.said) == (TaskStatus.DONE, "Acta")


def test_an_approved_task_gets_another_day_or_person_with_a_reason_only(seeded, make):
    action = make.planned_action("RUNNING", AT, due_on=DUE)
    task, other = action_plans.tasks_of(seeded, action)[0], make.user("Auxiliar PQR").id
    day = TODAY + timedelta(days=5)
    with pytest.raises(MoveRefused) as refusal:
        action_plans.postpone_task(seeded, task, day, other, " ", at=AT, user_id=None)
    action_plans.postpone_task(seeded, task, day, other, "Vacaciones", at=AT, user_id=None)

    assert refusal.value.field == "reason"
    assert (task.due_on, task.responsible_id) == (day, other)


def test_the_analysis_keeps_its_lines_and_one_of_them_is_the_root(seeded, make):
    action = make.planned_action("OPEN", AT, due_on=DUE)
    whys = ["El medidor marca de más", " ", "No se calibró"]
    method = {CauseCategory.METHOD: ["Sin rutina"]}
    lines = action_plans.save_analysis(seeded, action, whys, {**method, CauseCategory.PEOPLE: ["Sin curso", "Pocos"]})
    action_plans.choose_cause(seeded, action, "", lines[1].id, at=AT, user_id=None)
    kept = {line.id for line in lines}
    lines = action_plans.save_analysis(seeded, action, ["El medidor marca de más", "No se calibró a tiempo"], method)

    assert action.cause == "No se calibró"  # what was chosen stays as it was said
    assert [(line.way, line.category, line.text, line.is_root) for line in lines] == [
        (CauseWay.WHY, None, "El medidor marca de más", False), (CauseWay.WHY, None, "No se calibró a tiempo", True),
        (CauseWay.ISHIKAWA, CauseCategory.METHOD, "Sin rutina", False),
    ]  # fmt: skip
    assert {line.id for line in lines} <= kept
    assert len(seeded.scalars(select(ActionCause).where(ActionCause.action_id == action.id)).all()) == 3


def test_no_analysis_changes_once_the_plan_is_sent(seeded, make):
    action = make.planned_action("PLANNED", AT, due_on=DUE)

    with pytest.raises(MoveRefused, match=action.number):
        action_plans.save_analysis(seeded, action, ["Otra cosa"], {})
    with pytest.raises(MoveRefused, match=action.number):
        action_plans.choose_cause(seeded, action, "Otra cosa", None, at=AT, user_id=None)
