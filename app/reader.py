"""What a page knows about its reader: how he works, what waits for him, and the menu that his rights open; once a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, g, request
from flask_appbuilder.menu import MenuItem
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import CompoundSelect, Date, Integer, Select, bindparam, select

from app import days, queries
from app.days import ReaderSettings, SavedList
from app.domain.states import JobStatus, PqrStatus
from app.extensions import appbuilder, db, today
from app.models import Job, Pqr, Process, Silence
from app.security import is_user, may, processes_of
from app.words import page_lang

#: States that wait for whoever has the right, whichever process holds the case.
NEXT_STEPS = {
    PqrStatus.RECEIVED: "can_register",
    PqrStatus.SOLVED: "can_issue_answer",
    PqrStatus.ANSWERED: "can_notify",
}


def next_steps() -> list[PqrStatus]:
    """Return the states whose next step the reader may make, whoever holds the case."""
    return [status for status, right in NEXT_STEPS.items() if may(right)]


def my_processes() -> Select[tuple[int]]:
    """Return the SELECT of the processes of the reader today; the front desk is everybody's who may register a case."""
    return _working_in(processes_of(current_user.id, today()), may("can_register"))


def _working_in(processes: Select[tuple[int]], is_desk: bool) -> Select[tuple[int]]:
    return select(Process.id).where(Process.is_front_desk | Process.id.in_(processes)) if is_desk else processes


def waiting() -> Any:
    """Return the condition of the cases whose next step is the reader's: the facet `waiting=me`."""
    return queries.waiting_condition(is_user(Pqr.holder_id, current_user.id, today()), my_processes(), next_steps())


def returned() -> Any:
    """Return the condition of the cases that came back to the reader: the facet `returned=me`."""
    return queries.returned_condition(is_user(Pqr.holder_id, current_user.id, today()), my_processes())


def reader() -> ReaderSettings:
    """Return how the reader works, in one statement a request; nothing for whoever has not signed in."""
    if "reader" not in g:
        g.reader = _settings() if current_user and current_user.is_authenticated else ReaderSettings()
    return g.reader


def _settings() -> ReaderSettings:
    recognises = may("can_recognise") and may("can_list", "Silence")
    rights = (may("can_list"), may("can_see_all"), may("can_register"), tuple(next_steps()), may("can_list", "OutboxMessage"), recognises)
    statement = _statement(*rights)
    on = today()
    return days.reader_settings(db.session, statement, {"reader_id": current_user.id, "reader_on": on, **days.days_after(on)})


@lru_cache(maxsize=64)
def _statement(
    sees_cases: bool, sees_all: bool, is_desk: bool, states: tuple[PqrStatus, ...], sees_mail: bool, recognises: bool
) -> CompoundSelect[Any]:
    """
    Return the statement of whoever has these rights, built once: every page runs it.

    What was the reader's and is no longer needs nobody, so the counters look only at what he or his processes hold now.
    """
    counted: dict[str, Any] = {}
    reader_id, on = bindparam("reader_id", type_=Integer), bindparam("reader_on", type_=Date)
    his = is_user(Pqr.holder_id, reader_id, on)
    if sees_cases:
        mine = _working_in(processes_of(reader_id, on), is_desk)
        cases = select(Pqr.id) if sees_all else select(Pqr.id).where(Pqr.process_id.in_(mine) | his)
        counted["waiting"] = cases.where(queries.waiting_condition(his, mine, states))
        counted["urgent"] = cases.where(days.urgent_condition())
        if recognises:
            awaited = select(Silence.id).join(Pqr, Pqr.id == Silence.pqr_id).where(days.to_recognise())
            counted["silence"] = awaited if sees_all else awaited.where(Pqr.id.in_(cases))
    counted["work"] = select(Job.id).where(Job.asked_by_id == reader_id, Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING)))
    if sees_mail:
        counted["failed"] = days.failed_mail()
    return days.reader_statement(counted)


# ── The menu ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the menu; `n` of the rows behind it need the reader, who hears `says`."""

    label: str
    url: str
    icon: str
    list_name: str
    n: int = 0
    says: str = ""
    pins: tuple[SavedList, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """A part of the menu; the first has no name."""

    label: str
    links: tuple[Link, ...]


#: What the menu counts beside a list: its name → which counter, and what the number means.
def _counters() -> dict[str, tuple[str, str]]:
    return {
        "Home": ("waiting", _("waiting for me")),
        "Pqr": ("urgent", _("late or due by the next working day")),
        "Silence": ("silence", _("to be recognised")),
        "OutboxMessage": ("failed", _("that did not leave")),
        "Work": ("work", _("on their way")),
    }


def menu() -> tuple[Room, ...]:
    """Return the rooms that the reader may enter, with what needs him in each and his pinned lists."""
    settings, counters = reader(), _counters()

    def alive(link: Link) -> Link:
        counter, says = counters.get(link.list_name, ("", ""))
        pins = tuple(each for each in settings.filters_of(link.list_name) if each.is_pinned)
        return replace(link, n=settings.counters.get(counter, 0), says=says, pins=pins)

    return tuple(Room(room.label, tuple(alive(link) for link in room.links)) for room in _rooms())


def _rooms() -> tuple[Room, ...]:
    """Return the menu without what changes, built once for each set of rights, language and mount point."""
    rights = appbuilder.sm.get_user_menu_access()
    known: dict[Any, tuple[Room, ...]] = current_app.extensions.setdefault("atiende.menu", {})
    key = (frozenset(rights), page_lang(), request.script_root)
    if key not in known:
        if len(known) > 100:
            known.clear()
        known[key] = tuple(_build(rights))
    return known[key]


def _build(rights: set[str]) -> list[Room]:
    home = Link(_("My day"), appbuilder.get_url_for_index, "day", "Home")
    top = [item for item in appbuilder.menu.menu if not item.childs and item.name in rights]
    rooms = [Room("", (home, *(_link(item) for item in top)))]
    for room in appbuilder.menu.menu:
        links = tuple(_link(item) for item in room.childs if item.name in rights)
        if links and room.name in rights:
            rooms.append(Room(_(str(room.label)), links))
    return rooms


def _link(item: MenuItem) -> Link:
    view = item.baseview
    # Other pages may share the rights of a list, but not its counter and its pins.
    is_list = hasattr(view, "list_columns") or getattr(view, "is_counted", False)
    return Link(_(str(item.label)), item.get_url(), item.icon or "list", view.class_permission_name if is_list else "")


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(reader=reader, menu=menu)
