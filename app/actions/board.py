"""The board of actions: a column a state, the soonest first; a card is moved by its buttons, or dragged to another column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload
from werkzeug.wrappers import Response

from app.actions.page import VERBS, Hand
from app.actions.register import ActionView
from app.domain.actions import FORWARD, GATES, TONES, ActionMove, Facts, Gate, possible, refusals
from app.domain.errors import DomainError
from app.domain.improvement import ActionStatus, TaskStatus
from app.extensions import db, now, today
from app.models import Action, ActionReview, ActionTask
from app.operations import actions
from app.security import is_user, may, processes_of
from app.words import say

PAGE = 25
#: Days before its day from which a card says how many are left.
SOON = 7
#: The page that asks what a move needs to know; a review that found no effect is decided where one that did is.
PAGES = {move: endpoint for move, endpoint, is_press in VERBS if not is_press}
PAGES[ActionMove.REOPEN] = PAGES[ActionMove.JUDGE]
#: Moves that ask for nothing.
PRESSES = {ActionMove.PLAN: actions.plan, ActionMove.APPROVE: actions.approve, ActionMove.CARRY_OUT: actions.carry_out}
#: What is said on the page of a move itself lacks nothing before it.
ASKED_THERE = (Gate.SAYS_WHY, Gate.WAS_REVIEWED)


@dataclass(frozen=True, slots=True)
class Step:
    """A move of a card: its words, where it leads, the page that asks for more (none: a press is enough), and what it still lacks."""

    words: str
    to: ActionStatus
    url: str
    lacks: str
    is_forward: bool


@dataclass(frozen=True, slots=True)
class Card:
    """An action on the board. `light` is how its day stands: a tone and its words, both empty while it is far or over."""

    action: Action
    n_done: int
    n_tasks: int
    light: tuple[str, str]
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Column:
    """A state: its first cards, how many there are, and where all of them are."""

    status: ActionStatus
    tone: str
    cards: list[Card]
    n: int
    url: str


class ActionBoardView(ActionView):
    """The actions of the register as cards, by state, with the same filters and the same moves."""

    route_base = "/action-board"
    include_route_methods = {"list", "move"}
    list_template = "actions/board.html"
    list_title = _l("Board of actions")
    intro = _l("What each action waits for. Use the buttons of a card, or drag it to another column.")

    def row_url(self, item: Any) -> str:
        return url_for("ActionView.show", pk=item.id)

    def list_facts(self, narrowed: Select[Any], columns: tuple[str, ...]) -> dict[str, Any]:
        """Return what the template of the board draws; the cards of all columns are one statement."""
        listing, found = self.listing(), self._cards(narrowed)
        asked = [name for name in listing.values.get("status", "").split(",") if name in ActionStatus.__members__]
        shown = [ActionStatus[name] for name in asked] or list(ActionStatus)
        return {
            "title": self.list_title, "view": self, "listing": listing, "chips": listing.chips(db.session), "saved": self.saved(),
            "columns": [self._column(status, found.get(status, [])) for status in shown], "page_size": PAGE, "today": today(),
        }  # fmt: skip

    def _column(self, status: ActionStatus, rows: list[Row[Any]]) -> Column:
        url = url_for("ActionView.list", **self.listing().query(status=status.name, order="due_on"))
        return Column(status, TONES[status], [self._card(row) for row in rows], rows[0].n if rows else 0, url)

    def _cards(self, narrowed: Select[Any]) -> dict[ActionStatus, list[Row[Any]]]:
        """Return the first cards of each state, the soonest first, what ended last first; with what the gates look at."""
        days = case((Action.status == ActionStatus.REVIEW, Action.review_on), else_=Action.due_on)
        order = (Action.ended_on.desc(), days, Action.id)
        within = {"partition_by": Action.status}
        places = narrowed.with_only_columns(
            Action.id.label("id"), func.row_number().over(order_by=order, **within).label("place"), func.count().over(**within).label("n")
        ).subquery()
        tasks, verdict, on = _tasks(), aliased(ActionReview), today()
        mine = or_(Action.process_id.in_(processes_of(current_user.id, on)), is_user(Action.responsible_id, current_user.id, on))
        statement = (
            select(Action, places.c.n, tasks, verdict.verdict.label("reviewed"), mine.label("mine"))
            .join(places, and_(places.c.id == Action.id, places.c.place <= PAGE))
            .outerjoin(tasks, tasks.c.action_id == Action.id)
            .outerjoin(verdict, and_(verdict.action_id == Action.id, verdict.round == Action.round))
            .options(joinedload(Action.process), joinedload(Action.responsible), joinedload(Action.party))
            .order_by(places.c.place)
        )
        found: dict[ActionStatus, list[Row[Any]]] = {}
        for row in db.session.execute(statement):
            found.setdefault(row.Action.status, []).append(row)
        return found

    def _card(self, row: Row[Any]) -> Card:
        action, on = row.Action, today()
        facts = Facts(
            kind=action.kind, status=action.status, due_on=action.due_on, today=on, has_cause=bool(action.cause), n_open=row.n_open or 0,
            n_done=row.n_done or 0, n_nobody=row.n_nobody or 0, last_task_on=row.last_task_on,
            has_measure=action.measure is not None and action.review_on is not None, review_on=action.review_on, reviewed=row.reviewed,
            is_own=action.responsible_id == current_user.id,
        )  # fmt: skip
        steps = list(_steps(action, facts)) if row.mine or may("can_see_all", "Action") else []
        return Card(action, facts.n_done, facts.n_open + facts.n_done, _light(action, on), steps)

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    @permission_name("list")
    def move(self, pk: str) -> Response:
        """Bring a card to the column `to`: by a press, or on the page that asks what the move needs to know; or say why it stays."""
        item, back = self.item(pk), redirect(self.listing().to())
        name = request.form.get("to", "")
        if name not in ActionStatus.__members__:
            return back
        wanted = ActionStatus[name]
        move = next((move for move in possible(item.status, item.kind) if GATES[move].target is wanted), None)
        if move is None:
            said = {"number": item.number, "here": _(item.status.value), "there": _(wanted.value)}
            flash(_("%(number)s stays where it is: nothing leads from “%(here)s” to “%(there)s”.", **said), "warning")
        elif not Hand(item).may_make(move):
            flash(_("%(number)s stays where it is: this step is for somebody else.", number=item.number), "warning")
        elif move in PAGES:
            return redirect(url_for(PAGES[move], pk=item.id))
        else:
            self._press_card(item, move)
        return back

    @staticmethod
    def _press_card(item: Action, move: ActionMove) -> None:
        number = item.number
        try:
            PRESSES[move](db.session(), item, at=now(), user_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(_("%(number)s stays where it is. %(why)s", number=number, why=say(error)), "warning")
        else:
            flash(_("Done: %(step)s, %(number)s.", step=_(move.value), number=number), "success")


def _light(action: Action, on: date) -> tuple[str, str]:
    day = action.review_on if action.status is ActionStatus.REVIEW and action.review_on else action.due_on
    if actions.is_late(action, on):
        return "bad", _("Its day is past")
    n = (day - on).days
    if action.status.is_over or n > SOON:
        return "", ""
    return "soon", ngettext("%(num)s day left", "%(num)s days left", n) if n else _("Today")


def _tasks() -> Any:
    """Return the subquery of the tasks of each action, of its round: how many of each kind, and the last day of those that are open."""
    is_open = ActionTask.status == TaskStatus.OPEN
    return (
        select(
            ActionTask.action_id, func.count(case((is_open, 1))).label("n_open"),
            func.count(case((ActionTask.status == TaskStatus.DONE, 1))).label("n_done"),
            func.count(case((and_(is_open, ActionTask.responsible_id.is_(None)), 1))).label("n_nobody"),
            func.max(case((is_open, ActionTask.due_on))).label("last_task_on"),
        )
        .join(Action, and_(Action.id == ActionTask.action_id, Action.round == ActionTask.round))
        .group_by(ActionTask.action_id)
        .subquery()
    )  # fmt: skip


def _steps(action: Action, facts: Facts) -> Iterator[Step]:
    """Yield the moves of the reader that lead *action* to another column, each with what it lacks, the way on first."""
    moves = [move for move in possible(action.status, action.kind) if move is not ActionMove.REOPEN and GATES[move].target is not None]
    for move in sorted(moves, key=lambda move: move not in FORWARD):
        target = GATES[move].target
        if target is None or not may(GATES[move].right, "Action"):
            continue
        lacking = [gate for gate in refusals(move, facts) if gate not in ASKED_THERE]
        words = _("Review its effect") if move is ActionMove.JUDGE else _(move.value)
        url = url_for(PAGES[move], pk=action.id) if move in PAGES else ""
        yield Step(words, target, url, " ".join(_(gate.value) for gate in lacking), move in FORWARD)
