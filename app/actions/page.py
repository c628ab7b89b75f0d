"""The page of an action: its path, what the next step still lacks, its cause, plan, effect and history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import g, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import or_, select, true
from sqlalchemy.orm import joinedload

from app.actions.fishbone import fishbone
from app.domain.actions import (
    FORWARD,
    GATE_HOLDS,
    GATES,
    PLANNED_KINDS,
    TONES,
    ActionMove,
    Gate,
    forward,
    may_add_tasks,
    may_change_tasks,
    may_drop_tasks,
    may_end_tasks,
    path_of,
    possible,
    refusals,
    state_name,
)
from app.domain.improvement import ActionStatus, CauseCategory, CauseWay, TaskStatus
from app.extensions import db, local, today
from app.models import Action, ActionCause, ActionEvent, ActionFile, ActionReview, ActionTask, Leave
from app.operations import action_plans, actions
from app.security import is_user, may, processes_of
from app.words import say_day

TASK_TONES = {TaskStatus.OPEN: "warn", TaskStatus.DONE: "ok", TaskStatus.DROPPED: "stop"}
#: Relations that the page of an action shows.
PEOPLE = ("process", "responsible", "approved_by", "party")


def is_own(action: Action) -> bool:
    """Return whether the reader writes *action*, as `Hand.writes`; for lists, in one statement a page."""
    if may("can_see_all", "Action"):
        return True
    if "own_processes" not in g:
        g.own_processes = set(db.session.scalars(processes_of(current_user.id, today())))
        away = select(Leave.user_id).where(Leave.substitute_id == current_user.id, Leave.starts_on <= today(), Leave.ends_on >= today())
        g.own_people = {current_user.id, *db.session.scalars(away)}
    return action.process_id in g.own_processes or action.responsible_id in g.own_people


class Hand:
    """What of an action the reader may write: all of it, when it is of his processes or his own; and the tasks that are his."""

    def __init__(self, action: Action) -> None:
        user_id, on = current_user.id, today()
        mine = or_(Action.process_id.in_(processes_of(user_id, on)), is_user(Action.responsible_id, user_id, on))
        tasks = select(ActionTask.id).where(ActionTask.action_id == action.id, is_user(ActionTask.responsible_id, user_id, on))
        own = select(Action.id.label("id"), true().label("whole")).where(Action.id == action.id, mine)
        rows = db.session.execute(own.union_all(tasks.add_columns(~true()))).all()
        self.writes = may("can_see_all", "Action") or any(row.whole for row in rows)
        self.tasks = {row.id for row in rows if not row.whole}
        self.action = action

    def may_make(self, move: ActionMove) -> bool:
        """Return whether the reader may make *move*, gates apart, and it leads from there."""
        rule = GATES[move]
        return self.writes and may(rule.right, "Action") and move in possible(self.action.status, self.action.kind)

    @property
    def writes_plan(self) -> bool:
        return self.writes and may("can_edit", "Action")

    def may_do(self, task: ActionTask) -> bool:
        """Whoever has the task ends it, and whoever carries out the plan."""
        is_his = task.id in self.tasks or (self.writes and may("can_carry_out", "Action"))
        return is_his and may("can_do", "Action")


# ── The path ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Step:
    """A state on the path: how it stands to the one of now (done, now or nothing), and when it was reached."""

    name: str
    state: str
    note: str


def path(action: Action, events: Iterable[ActionEvent]) -> list[Step]:
    """Return the path of *action* as far as it came, with the day of this round on which it came to each state."""
    states = path_of(action.kind)
    if action.status is ActionStatus.CANCELLED:
        states = (ActionStatus.OPEN, ActionStatus.CANCELLED)
    here = states.index(action.status)
    reached: dict[str, str] = {}
    for event in events:  # the last first
        if event.from_status != event.to_status:
            reached.setdefault(event.to_status, say_day(local(event.at).date()))
        if event.move == ActionMove.REOPEN.name:
            break
    reached.setdefault(ActionStatus.OPEN.name, say_day(action.asked_on))
    return [
        Step(state_name(status, action.kind), "done" if n < here else "now" if n == here else "",
             reached.get(status.name, "") if n <= here else "")
        for n, status in enumerate(states)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """A gate of the next step: whether it holds, its words either way, and where what lacks is mended."""

    gate: Gate
    holds: bool
    words: str
    url: str


def checks(action: Action, facts: Any, hand: Hand) -> tuple[ActionMove | None, list[Check]]:
    """Return what leads *action* on, and its gates; what is asked on the way (the reason) is no gate of the page."""
    move = forward(action.status, action.kind)
    if move is None:
        return None, []
    lacking = refusals(move, facts, reason="-")
    untold = {Gate.SAYS_WHY} | ({Gate.TASKS_HAVE_OWNER, Gate.TASKS_IN_TIME} if Gate.HAS_TASKS in lacking else set())
    return move, [
        Check(gate, gate not in lacking, GATE_HOLDS[gate] if gate not in lacking else gate.value, mend(action, gate, hand))
        for gate in GATES[move].gates
        if gate not in untold
    ]


def mend(action: Action, gate: Gate, hand: Hand) -> str:
    """Return the address where the reader mends what *gate* lacks; empty where he cannot."""
    plan = url_for("ActionView.show", pk=action.id, _anchor="plan")
    match gate:
        case Gate.HAS_CAUSE if hand.writes_plan:
            return url_for("ActionView.analysis", pk=action.id)
        case Gate.HAS_TASKS if hand.writes_plan:
            return url_for("ActionView.task_add", pk=action.id)
        case Gate.TASKS_HAVE_OWNER | Gate.TASKS_IN_TIME | Gate.NO_OPEN_TASK | Gate.SOMETHING_DONE:
            return plan
        case Gate.DAY_AHEAD if hand.writes_plan:
            return url_for("ActionView.edit", pk=action.id)
        case Gate.HAS_MEASURE if hand.writes_plan:
            return url_for("ActionView.measure", pk=action.id)
        case Gate.WAS_REVIEWED if hand.may_make(ActionMove.JUDGE):
            return url_for("ActionView.judge", pk=action.id)
    return ""


# ── Rounds ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Round:
    """What was analysed, planned and found in a round."""

    number: int
    whys: list[ActionCause]
    bones: dict[CauseCategory, list[ActionCause]]
    tasks: list[ActionTask]
    review: ActionReview | None
    cause: str

    @property
    def n_done(self) -> int:
        return sum(task.status is TaskStatus.DONE for task in self.tasks)


def rounds_of(action: Action, events: Iterable[ActionEvent]) -> list[Round]:
    """Return the rounds of *action*, the last first, in three statements."""
    session, people = db.session(), joinedload(ActionTask.responsible)
    lines = action_plans.causes_of(session, action)
    tasks = session.scalars(select(ActionTask).where(ActionTask.action_id == action.id).options(people).order_by(ActionTask.position)).all()
    reviews = select(ActionReview).where(ActionReview.action_id == action.id).options(joinedload(ActionReview.reviewed_by))
    by_round = {review.round: review for review in session.scalars(reviews)}
    causes = {event.facts.get("round"): event.facts.get("cause", "") for event in events if event.move == ActionMove.REOPEN.name}
    return [
        Round(
            n, [line for line in lines if line.round == n and line.way is CauseWay.WHY],
            bones_of([line for line in lines if line.round == n]), [task for task in tasks if task.round == n], by_round.get(n),
            action.cause if n == action.round else causes.get(n, ""),
        )
        for n in range(action.round, 0, -1)
    ]  # fmt: skip


def bones_of(lines: Iterable[ActionCause]) -> dict[CauseCategory, list[ActionCause]]:
    """Return the causes on the bones of the diagram, by bone, those that have any."""
    kept: dict[CauseCategory, list[ActionCause]] = {}
    for line in lines:
        if line.category is not None:
            kept.setdefault(line.category, []).append(line)
    return kept


def files_of(action: Action) -> dict[int | None, list[ActionFile]]:
    """Return the files that were not withdrawn, by the id of their task; None: of the action itself."""
    stands = ActionFile.action_id == action.id, ActionFile.withdrawn_at.is_(None)
    kept: dict[int | None, list[ActionFile]] = {}
    for each in db.session.scalars(select(ActionFile).where(*stands).options(joinedload(ActionFile.file)).order_by(ActionFile.id)):
        kept.setdefault(each.task_id, []).append(each)
    return kept


def events_of(action: Action) -> list[ActionEvent]:
    """Return what happened to it, the last first."""
    happened = select(ActionEvent).where(ActionEvent.action_id == action.id).options(joinedload(ActionEvent.actor))
    return list(db.session.scalars(happened.order_by(ActionEvent.id.desc())))


def told_of(event: ActionEvent) -> str:
    """Return what an event says besides its name and its reason."""
    said = event.facts
    parts = [_("Task %(n)s: %(what)s", n=said["task"], what=said["what"])] if "task" in said else []
    if "from" in said and "to" in said:
        parts.append(_("from %(before)s to %(after)s", before=said_day(said["from"]), after=said_day(said["to"])))
    if event.move == ActionMove.ESCALATE.name:
        parts.append(said["name"])
    if event.move == ActionMove.CARRY_OUT.name and "review_on" in said:
        parts.append(_("its effect is reviewed on %(day)s", day=said_day(said["review_on"])))
    return " · ".join(parts)


def said_day(text: str) -> str:
    """Return the day that a fact keeps as people read it."""
    return say_day(date.fromisoformat(text))


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def facts_of_page(action: Action) -> dict[str, Any]:
    """Return all that the page of *action* shows."""
    hand, events = Hand(action), events_of(action)
    rounds = rounds_of(action, events)
    now_round, *earlier = rounds
    facts = actions.facts_of(db.session(), action, today=today(), user_id=current_user.id)
    move, gates = checks(action, facts, hand)
    status, kind = action.status, action.kind
    return {
        "item": action, "hand": hand, "events": [(event, told_of(event)) for event in events], "steps": path(action, events),
        "round": now_round, "earlier": earlier, "files": files_of(action), "next_move": move, "checks": gates,
        "moves": {each.name: each for each in ActionMove}, "verbs": verbs(hand), "tone": TONES[status], "task_tones": TASK_TONES,
        "state": state_name(status, kind),
        "today": today(), "is_late": actions.is_late(action, today()), "may_add": hand.writes_plan and may_add_tasks(status),
        "may_change": hand.writes_plan and may_change_tasks(status), "may_end": may_end_tasks(status, kind),
        "may_drop": hand.writes_plan and may_drop_tasks(status, kind), "categories": list(CauseCategory),
        "may_postpone": status is ActionStatus.RUNNING and hand.writes and may("can_postpone", "Action"),
        "may_attach": may("can_attach", "Action") and not status.is_over and bool(hand.writes or hand.tasks),
        "may_download": may("can_download", "Action"), "may_analyse": hand.writes_plan and status is ActionStatus.OPEN,
        "event_names": {each.name: each.value for each in ActionMove}, "is_planned_kind": action.kind in PLANNED_KINDS,
        "drawing": fishbone(action.title, {key: [line.text for line in kept] for key, kept in now_round.bones.items()})
        if now_round.bones else None,
    }  # fmt: skip


#: (move, endpoint, whether it is a press): the buttons of the page, in order.
VERBS: tuple[tuple[ActionMove, str, bool], ...] = (
    (ActionMove.PLAN, "ActionView.plan", True),
    (ActionMove.APPROVE, "ActionView.approve", True),
    (ActionMove.CARRY_OUT, "ActionView.carry_out", True),
    (ActionMove.JUDGE, "ActionView.judge", False),
    (ActionMove.FINISH, "ActionView.finish", False),
    (ActionMove.RETURN, "ActionView.send_back", False),
    (ActionMove.POSTPONE, "ActionView.postpone", False),
    (ActionMove.CANCEL, "ActionView.cancel", False),
)


@dataclass(frozen=True, slots=True)
class Verb:
    move: ActionMove
    label: str
    url: str
    is_press: bool
    is_forward: bool


def verbs(hand: Hand) -> list[Verb]:
    """Return the buttons that the reader has now."""
    return [
        Verb(move, _("Review its effect") if move is ActionMove.JUDGE else _(move.value), url_for(endpoint, pk=hand.action.id), is_press,
             move in FORWARD)
        for move, endpoint, is_press in VERBS
        if hand.may_make(move)
    ]  # fmt: skip
