"""
The path of an action, as one table: what leads from a state to the next, who may, and what must hold before (ISO 9001:2015, 10.2).

Nothing is planned without its cause, nothing is reviewed with an open task, nothing ends without a review of its effect that found it
effective. A correction only mends what is there: it asks for nothing but that none of its tasks is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError, IllegalMove, MoveRefused
from app.domain.improvement import ActionKind, ActionStatus, EffectVerdict, TaskStatus


class ActionMove(Enum):
    """A verb that changes an action or its tasks. The name is stored in the history; the value is the label of its button."""

    ASK = N_("Ask for the action")
    CHANGE = N_("Change what is asked")
    ANALYSE = N_("Choose the root cause")
    MEASURE = N_("Choose how its effect is measured")
    PLAN = N_("Send the plan to be approved")
    APPROVE = N_("Approve the plan")
    RETURN = N_("Return the plan")
    TASK_ADD = N_("Add a task")
    TASK_END = N_("Task done")
    TASK_DROP = N_("Task not done")
    TASK_POSTPONE = N_("Give the task another day")
    CARRY_OUT = N_("The plan is carried out")
    JUDGE = N_("It was effective: end it")
    REOPEN = N_("It was not effective: take it up again")
    FINISH = N_("Finish the correction")
    POSTPONE = N_("Give it another day")
    CANCEL = N_("Call the action off")
    ESCALATE = N_("Told to whom it goes up")


class Gate(Enum):
    """What must hold before a move; the value is what refuses it."""

    HAS_CAUSE = N_("It has no root cause. Analyse why it happened and choose the cause that the plan removes.")
    HAS_TASKS = N_("Its plan has no task. Add at least one: what, who and until when.")
    TASKS_HAVE_OWNER = N_("A task has nobody. Give each task somebody who answers for it.")
    TASKS_IN_TIME = N_("A task ends after the last day of the action. Bring the task forward, or give the action another day.")
    DAY_AHEAD = N_("Its last day is past. Give it another day before the plan is sent.")
    HAS_MEASURE = N_("It does not say how its effect will be measured, and when. Choose the measure, the days looked at and the goal.")
    IS_ANOTHER = N_("You are responsible for this action, so somebody else has to decide it.")
    NO_OPEN_TASK = N_("It has an open task. End each task, or write why it is not done.")
    SOMETHING_DONE = N_("No task of its plan was done. End at least one, or call the action off.")
    REVIEW_DAY_CAME = N_("The day of its review has not come. Its effect is judged when the days looked at are over.")
    WAS_REVIEWED = N_("Nobody reviewed its effect in this round, or the review says otherwise. It is decided on the page of its effect.")
    SAYS_WHY = N_("Write why. It stays in the history of the action.")


#: The same as what a page ticks off when it holds.
GATE_HOLDS: dict[Gate, str] = {
    Gate.HAS_CAUSE: N_("It has its root cause"),
    Gate.HAS_TASKS: N_("The plan has tasks"),
    Gate.TASKS_HAVE_OWNER: N_("Each task has somebody"),
    Gate.TASKS_IN_TIME: N_("Every task ends in time"),
    Gate.DAY_AHEAD: N_("Its last day is ahead"),
    Gate.HAS_MEASURE: N_("It says how its effect is measured, and when"),
    Gate.IS_ANOTHER: N_("Its responsible does not decide it"),
    Gate.NO_OPEN_TASK: N_("No task is open"),
    Gate.SOMETHING_DONE: N_("A task of its plan was done"),
    Gate.REVIEW_DAY_CAME: N_("The day of its review has come"),
    Gate.WAS_REVIEWED: N_("Its effect was reviewed and found enough"),
    Gate.SAYS_WHY: N_("It says why"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """From where a move leads and where to (None: it stays), the right that it needs, the kinds that it is for, and its gates."""

    sources: frozenset[ActionStatus]
    target: ActionStatus | None
    right: str
    kinds: frozenset[ActionKind]
    gates: tuple[Gate, ...]


ALL_KINDS = frozenset(ActionKind)
CORRECTIONS = frozenset({ActionKind.CORRECTION})
#: Kinds that remove a cause, and so are analysed, planned and reviewed.
PLANNED_KINDS = ALL_KINDS - CORRECTIONS
LIVING = frozenset(status for status in ActionStatus if not status.is_over)
_OPEN, _PLANNED, _RUNNING, _REVIEW = (
    frozenset({status}) for status in (ActionStatus.OPEN, ActionStatus.PLANNED, ActionStatus.RUNNING, ActionStatus.REVIEW)
)
_PLAN = (Gate.HAS_CAUSE, Gate.HAS_TASKS, Gate.TASKS_HAVE_OWNER, Gate.TASKS_IN_TIME, Gate.HAS_MEASURE)
_JUDGING = (Gate.IS_ANOTHER, Gate.REVIEW_DAY_CAME, Gate.WAS_REVIEWED, Gate.SAYS_WHY)

#: The whole path. A move that is not here changes no state and has no gate.
GATES: dict[ActionMove, Rule] = {
    ActionMove.PLAN: Rule(_OPEN, ActionStatus.PLANNED, "can_plan", PLANNED_KINDS, (*_PLAN, Gate.DAY_AHEAD)),
    ActionMove.APPROVE: Rule(_PLANNED, ActionStatus.RUNNING, "can_approve", PLANNED_KINDS, (Gate.IS_ANOTHER, *_PLAN)),
    ActionMove.RETURN: Rule(_PLANNED, ActionStatus.OPEN, "can_return", PLANNED_KINDS, (Gate.SAYS_WHY,)),
    ActionMove.CARRY_OUT: Rule(_RUNNING, ActionStatus.REVIEW, "can_carry_out", PLANNED_KINDS, (Gate.NO_OPEN_TASK, Gate.SOMETHING_DONE)),
    ActionMove.JUDGE: Rule(_REVIEW, ActionStatus.DONE, "can_judge", PLANNED_KINDS, (Gate.NO_OPEN_TASK, *_JUDGING)),
    ActionMove.REOPEN: Rule(_REVIEW, ActionStatus.OPEN, "can_judge", PLANNED_KINDS, _JUDGING),
    ActionMove.FINISH: Rule(_OPEN, ActionStatus.DONE, "can_finish", CORRECTIONS, (Gate.NO_OPEN_TASK, Gate.SAYS_WHY)),
    ActionMove.POSTPONE: Rule(LIVING, None, "can_postpone", ALL_KINDS, (Gate.SAYS_WHY,)),
    ActionMove.CANCEL: Rule(LIVING, ActionStatus.CANCELLED, "can_cancel", ALL_KINDS, (Gate.SAYS_WHY,)),
}
#: What a review has to have found before its move.
FOUND = {ActionMove.JUDGE: EffectVerdict.EFFECTIVE, ActionMove.REOPEN: EffectVerdict.NOT_EFFECTIVE}
VERDICT_MOVES = {verdict: move for move, verdict in FOUND.items()}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates look at: the action, the tasks of its round (those that are not done count for nothing), and who asks when."""

    kind: ActionKind
    status: ActionStatus
    due_on: date
    today: date
    has_cause: bool = False
    n_open: int = 0
    n_done: int = 0
    n_nobody: int = 0
    last_task_on: date | None = None
    has_measure: bool = False
    review_on: date | None = None
    reviewed: EffectVerdict | None = None
    is_own: bool = False


def _holds(gate: Gate, move: ActionMove, facts: Facts, reason: str) -> bool:
    match gate:
        case Gate.HAS_CAUSE:
            return facts.has_cause
        case Gate.HAS_TASKS:
            return facts.n_open + facts.n_done > 0
        case Gate.TASKS_HAVE_OWNER:
            return facts.n_nobody == 0
        case Gate.TASKS_IN_TIME:
            return facts.last_task_on is None or facts.last_task_on <= facts.due_on
        case Gate.DAY_AHEAD:
            return facts.due_on >= facts.today
        case Gate.HAS_MEASURE:
            return facts.has_measure
        case Gate.IS_ANOTHER:
            return not facts.is_own
        case Gate.NO_OPEN_TASK:
            return facts.n_open == 0
        case Gate.SOMETHING_DONE:
            return facts.n_done > 0
        case Gate.REVIEW_DAY_CAME:
            return facts.review_on is not None and facts.review_on <= facts.today
        case Gate.WAS_REVIEWED:
            return facts.reviewed is not None and facts.reviewed is FOUND[move]
        case Gate.SAYS_WHY:
            return bool(reason.strip())


def refusals(move: ActionMove, facts: Facts, reason: str = "") -> list[Gate]:
    """Return the gates of *move* that do not hold, in order; none: it may be made. Whether it leads from there, `possible` says."""
    return [gate for gate in GATES[move].gates if not _holds(gate, move, facts, reason)]


def possible(status: ActionStatus, kind: ActionKind) -> list[ActionMove]:
    """Return the moves that lead from *status* for an action of *kind*, gates apart, in the order of the path."""
    return [move for move, rule in GATES.items() if status in rule.sources and kind in rule.kinds]


def after(move: ActionMove, facts: Facts, *, number: str, reason: str = "") -> ActionStatus:
    """
    Return the state of action *number* after *move*.

    Raises:
        IllegalMove: No arrow of that name leads from its state, or none for its kind.
        MoveRefused: A gate does not hold; the first one says why, and `field` is `reason` when that is what lacks.
    """
    allowed = possible(facts.status, facts.kind)
    if move not in allowed:
        msgid = N_("%(number)s is “%(status)s” and cannot do “%(move)s”. Possible now: %(possible)s.")
        names = tuple(each.value for each in allowed)
        raise IllegalMove(msgid, number=number, status=facts.status.value, move=move.value, possible=names)
    for gate in refusals(move, facts, reason):
        raise MoveRefused(gate.value, field="reason" if gate is Gate.SAYS_WHY else None)
    return GATES[move].target or facts.status


#: What leads an action on from each state.
FORWARD = (ActionMove.PLAN, ActionMove.FINISH, ActionMove.APPROVE, ActionMove.CARRY_OUT, ActionMove.JUDGE)
#: The states that an action goes through, by whether it is a correction.
PATH = (ActionStatus.OPEN, ActionStatus.PLANNED, ActionStatus.RUNNING, ActionStatus.REVIEW, ActionStatus.DONE)
SHORT_PATH = (ActionStatus.OPEN, ActionStatus.DONE)
#: Word of state of the style sheet of each.
TONES = {
    ActionStatus.OPEN: "warn", ActionStatus.PLANNED: "soon", ActionStatus.RUNNING: "info", ActionStatus.REVIEW: "soon",
    ActionStatus.DONE: "ok", ActionStatus.CANCELLED: "stop",
}  # fmt: skip


def path_of(kind: ActionKind) -> tuple[ActionStatus, ...]:
    return SHORT_PATH if kind in CORRECTIONS else PATH


def state_name(status: ActionStatus, kind: ActionKind) -> str:
    """Return the msgid of a state: a correction that is open is to be done, not analysed."""
    return N_("To be done") if status is ActionStatus.OPEN and kind in CORRECTIONS else status.value


def forward(status: ActionStatus, kind: ActionKind) -> ActionMove | None:
    """Return the move that leads on from *status*, whatever its gates say; None when it is over."""
    return next((move for move in possible(status, kind) if move in FORWARD), None)


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def review_day(carried_out_on: date, window_days: int) -> date:
    """Return the first day on which the days looked at after a plan was carried out are over."""
    return carried_out_on + timedelta(days=window_days + 1)


def check_postponed(due_on: date, before: date, today: date, last_task_on: date | None) -> None:
    """
    Raise DomainError when *due_on* is no other day, lies in the past, or before the last day of an open task.

    Args:
        before: The day as it stands.
    """
    if due_on == before:
        raise DomainError(N_("That is the day that it has already."), field="due_on")
    if due_on < today:
        raise DomainError(N_("That day is past. Give a day from today on."), field="due_on")
    if last_task_on is not None and due_on < last_task_on:
        raise DomainError(N_("A task of it ends on %(day)s. Give that task another day first."), field="due_on", day=last_task_on)


# ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: States in which the plan is written: tasks are added and changed.
WRITING = _OPEN
#: States in which a task is ended, by kind; a correction has no plan to approve.
_ENDING = {kind: (_OPEN if kind in CORRECTIONS else _RUNNING) for kind in ActionKind}


def may_change_tasks(status: ActionStatus) -> bool:
    """Return whether the words, the person and the day of a task are still changed."""
    return status in WRITING


def may_add_tasks(status: ActionStatus) -> bool:
    """Return whether a task is still added: while the plan is written, and while it runs when more turns out to be needed."""
    return status in WRITING | _RUNNING


def may_end_tasks(status: ActionStatus, kind: ActionKind) -> bool:
    """Return whether tasks are ended now: those of a plan once it is approved, those of a correction at once."""
    return status in _ENDING[kind]


def may_drop_tasks(status: ActionStatus, kind: ActionKind) -> bool:
    return status in WRITING | _ENDING[kind]


def check_task(what: str, due_on: date, asked_on: date, action_due_on: date) -> None:
    """Raise DomainError when a task says nothing, or its day lies outside the days of its action."""
    if not what.strip():
        raise DomainError(N_("Write what has to be done."), field="what")
    if due_on < asked_on:
        raise DomainError(N_("The action was asked on %(day)s and no task of it ends before."), field="due_on", day=asked_on)
    if due_on > action_due_on:
        msgid = N_("The action ends on %(day)s and no task of it ends later. Give the action another day first.")
        raise DomainError(msgid, field="due_on", day=action_due_on)


def check_task_ending(status: TaskStatus, said: str, ended_on: date, asked_on: date, today: date) -> None:
    """Raise DomainError when the ending of a task does not say how, or lies before the action was asked or in the future."""
    if not said.strip():
        msgid = N_("Write what shows that it was done.") if status is TaskStatus.DONE else N_("Write why it is not done.")
        raise DomainError(msgid, field="said")
    if ended_on < asked_on:
        raise DomainError(N_("It was asked on %(day)s and cannot have ended before."), field="ended_on", day=asked_on)
    if ended_on > today:
        raise DomainError(N_("That day has not come yet."), field="ended_on")


# ── The analysis ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MOST_WHYS = 7
MOST_CAUSES = 8
MAX_CAUSE = 1000


def check_causes(texts: Iterable[str], most: int) -> list[str]:
    """Return *texts* without those that say nothing. Raises DomainError: there are too many, or one is too long."""
    kept = [text.strip() for text in texts if text.strip()]
    if len(kept) > most:
        raise DomainError(N_("At most %(most)s fit. Keep those that matter."), most=most)
    if any(len(text) > MAX_CAUSE for text in kept):
        raise DomainError(N_("A cause has at most %(most)s characters. Say it shorter."), most=MAX_CAUSE)
    return kept
