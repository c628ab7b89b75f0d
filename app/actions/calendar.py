"""The calendar of actions: a month of last days, tasks and reviews, with the filters of the register."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import format_date
from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, Row, Select, String, Text, and_, cast, literal, null, select, type_coerce, union_all
from sqlalchemy.orm import aliased

from app.actions.register import ActionView
from app.domain import N_
from app.domain.calendar import WEEKDAYS, DayKind
from app.domain.errors import CalendarGap
from app.domain.improvement import ActionStatus, TaskStatus
from app.extensions import db, today
from app.listviews import calendar_now
from app.models import Action, ActionTask
from app.queries import TO_BE_DONE

#: Entries of a month that are drawn; beyond it the filters have to say which.
MOST = 600
#: What an entry is: the word before its number.
WORDS = {"due": N_("Last day"), "review": N_("Review of the effect"), "task": N_("Task")}
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that falls on a day. `tone` is how it stands."""

    kind: str
    number: str
    text: str
    url: str
    tone: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the grid; those of the months beside it are there to fill the weeks."""

    on: date
    is_off: bool
    name: str
    is_of_month: bool
    entries: list[Entry]


class ActionCalendarView(ActionView):
    """The actions of the register by the days on which something of them falls due."""

    route_base = "/action-calendar"
    include_route_methods = {"list"}
    list_template = "actions/calendar.html"
    list_title = _l("Calendar of actions")
    intro = _l("The last day of each plan, of each of its tasks, and the day on which its effect is reviewed.")
    hidden_args = ("month",)

    def row_url(self, item: Any) -> str:
        return url_for("ActionView.show", pk=item.id)

    def list_facts(self, narrowed: Select[Any], columns: tuple[str, ...]) -> dict[str, Any]:
        """Return what the template draws of the month that the address names, or of this one."""
        listing = self.listing()
        month = month_of(listing.hidden.get("month", ""), today())
        weeks = Calendar().monthdatescalendar(month.year, month.month)
        rows = db.session.execute(_entries(narrowed, weeks[0][0], weeks[-1][-1])).all()
        by_day: dict[date, list[Entry]] = {}
        for row in rows[:MOST]:
            by_day.setdefault(row.on, []).append(_entry(row))
        before, after = (month - timedelta(1)).replace(day=1), (month + timedelta(32)).replace(day=1)
        return {
            "title": self.list_title, "view": self, "listing": listing, "chips": listing.chips(db.session), "today": today(),
            "month": format_date(month, "LLLL yyyy").capitalize(), "weekdays": WEEKDAYS, "words": WORDS, "is_cut": len(rows) > MOST,
            "weeks": [list(_days(week, month, by_day)) for week in weeks],
            "before": listing.to(month=f"{before:%Y-%m}"), "after": listing.to(month=f"{after:%Y-%m}"), "now": listing.to(month=""),
        }  # fmt: skip


def month_of(text: str, on: date) -> date:
    """Return the first day of the month that *text* names (2026-11), or of that of *on*."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = on.replace(day=1)
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else on.replace(day=1)


def _days(week: list[date], month: date, by_day: dict[date, list[Entry]]) -> Iterator[Day]:
    calendar = calendar_now()
    for on in week:
        try:
            kind, name = calendar.kind_of(on), calendar.name_of(on)
        except CalendarGap:  # a year that nobody loaded has no days off here
            kind, name = DayKind.WORKING, ""
        yield Day(on, kind is not DayKind.WORKING, name, on.month == month.month, by_day.get(on, []))


def _entries(narrowed: Select[Any], since: date, until: date) -> Select[Any]:
    """Return the SELECT of what falls from *since* to *until* of the actions of *narrowed*: one statement, by day."""
    ids = narrowed.with_only_columns(Action.id)
    action = aliased(Action)

    def part(kind: str, on: Any, text: Any, task_status: Any, *conditions: Any) -> Select[Any]:
        columns = (
            literal(kind).label("kind"), on.label("on"), action.id.label("id"), action.number.label("number"),
            type_coerce(text, Text).label("text"), action.status.label("status"), task_status.label("task_status"),
        )  # fmt: skip
        return select(*columns).where(action.id.in_(ids), on.between(since, until), *conditions)

    nothing = cast(null(), String)
    reviewed = action.status.in_((ActionStatus.PLANNED, ActionStatus.RUNNING, ActionStatus.REVIEW))
    task = part("task", ActionTask.due_on, ActionTask.what, cast(ActionTask.status, String), action.status != ActionStatus.CANCELLED)
    found = union_all(
        part("due", action.due_on, action.title, nothing, action.status != ActionStatus.CANCELLED),
        part("review", action.review_on, action.title, nothing, reviewed),
        task.join(ActionTask, and_(ActionTask.action_id == action.id, ActionTask.round == action.round)),
    ).subquery()
    return select(found).order_by(found.c.on, found.c.kind, found.c.number, cast(found.c.id, Integer)).limit(MOST + 1)


def _entry(row: Row[Any]) -> Entry:
    if row.kind == "task":
        is_done, is_late = row.task_status != TaskStatus.OPEN.name, row.on < today()
    else:
        is_done = row.kind == "due" and row.status not in TO_BE_DONE
        is_late = row.on < today() and (row.kind == "due" or row.status is ActionStatus.REVIEW)
    tone = "done" if is_done else "late" if is_late else row.kind
    return Entry(row.kind, row.number, row.text, url_for("ActionView.show", pk=row.id), tone)
