"""
The due dates of a person, for the calendar program of that person (iCalendar, RFC 5545), under a secret address without a sign-in.

Whoever has the address sees numbers, kinds and processes of cases, the person's actions and tasks, and nothing of anybody. What it shows
follows the rights that the person has at that moment: somebody who left has no calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from flask import Blueprint, Flask, Response, abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_login import current_user
from icalendar import Calendar, Event
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response as AnyResponse

from app import queries
from app.domain.improvement import ActionStatus
from app.domain.states import Category, OrderStatus, states_in
from app.extensions import LANGUAGE, db, now, public_url, start_writing, today
from app.models import Action, ActionTask, CalendarFeed, FieldOrder, Pqr, Process
from app.operations import feeds
from app.ratelimit import count_hit, minutes_to_wait
from app.reader import NEXT_STEPS
from app.security import Right, is_user, processes_of, rights_of

feed = Blueprint("feed", __name__)

#: What is overdue for longer is no date to be reminded of; Mi día has it.
BACK = timedelta(days=60)
RATE, MISSES = "FEED_RATE", "PORTAL_LOOKUP_RATE"
_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A day of the calendar. `key` names it for ever; `changed_at` is when it was last as it is."""

    key: str
    on: date
    title: str
    text: str
    url: str | None
    changed_at: datetime


# ── What is in it ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def entries_of(session: Session, user_id: int, rights: frozenset[Right], on: date) -> list[Entry]:
    """Return what is due for *user_id*, who has *rights*, from 60 days before *on*; by day."""
    found = [*_cases(session, user_id, rights, on)] if ("can_list", "Pqr") in rights else []
    if ("can_list", "MyOrder") in rights:
        found += _orders(session, user_id, on)
    if ("can_list", "Action") in rights:
        found += _actions(session, user_id, ("can_judge", "Action") in rights, on)
    return sorted(found, key=lambda entry: (entry.on, entry.key))


def _cases(session: Session, user_id: int, rights: frozenset[Right], on: date) -> Iterator[Entry]:
    """Yield the two dates of each open case that is the work of *user_id*: held, of a process of his, or waiting for a right of his."""
    open_states = states_in(Category.OPEN)
    steps = [status for status, right in NEXT_STEPS.items() if (right, "Pqr") in rights and status in open_states]
    his = or_(is_user(Pqr.holder_id, user_id, on), Pqr.process_id.in_(processes_of(user_id, on)), Pqr.status.in_(steps))
    statement = (
        select(Pqr)
        .where(Pqr.status.in_(open_states), Pqr.due_on >= on - BACK, his)
        .options(joinedload(Pqr.request_type), joinedload(Pqr.process))
        .order_by(Pqr.id)
    )
    for pqr in session.scalars(statement):
        url = public_url(f"/pqr/{pqr.number}")
        facts = (pqr.request_type.name, pqr.process.name)
        assert pqr.due_on is not None and pqr.safe_on is not None
        yield _entry(pqr.number, "due", pqr.due_on, _("%(number)s: last legal day", number=pqr.number), facts, url, pqr.changed_at)
        if pqr.safe_on != pqr.due_on:
            yield _entry(pqr.number, "safe", pqr.safe_on, _("%(number)s: safe date", number=pqr.number), facts, url, pqr.changed_at)


def _orders(session: Session, user_id: int, on: date) -> Iterator[Entry]:
    """Yield the day of each order that *user_id* has to do."""
    mine = (FieldOrder.assignee_id == user_id, FieldOrder.status == OrderStatus.ISSUED, FieldOrder.due_on >= on - BACK)
    for order in session.scalars(select(FieldOrder).where(*mine).order_by(FieldOrder.id)):
        assert order.due_on is not None
        facts, url = (_(order.kind.value),), public_url("/tecnico/")
        yield _entry(order.number, "order", order.due_on, _("%(number)s: to be done", number=order.number), facts, url, order.changed_at)


def _actions(session: Session, user_id: int, judges: bool, on: date) -> Iterator[Entry]:
    """Yield the tasks and the last days of actions that are the work of *user_id*; for whoever judges, the days of all reviews."""
    his = or_(is_user(Action.responsible_id, user_id, on), Action.process_id.in_(processes_of(user_id, on)))
    task = or_(is_user(ActionTask.responsible_id, user_id, on), and_(ActionTask.responsible_id.is_(None), his))
    reviewed = and_(Action.status == ActionStatus.REVIEW, Action.review_on >= on - BACK)
    found = select(Action).where(or_(and_(his, queries.to_be_done(), Action.due_on >= on - BACK), *[reviewed] * judges))
    for action in session.scalars(found.options(joinedload(Action.process)).order_by(Action.id)):
        is_reviewed, facts = action.status is ActionStatus.REVIEW, (_(action.status.value), action.process.name)
        day = action.review_on if is_reviewed and action.review_on else action.due_on
        last_day = _("%(number)s: last day of the plan", number=action.number)
        title = _("%(number)s: review of its effect", number=action.number) if is_reviewed else last_day
        kind, url = "review" if is_reviewed else "due", public_url(f"/action/show/{action.id}")
        yield _entry(action.number, kind, day, title, facts, url, action.changed_at)
    tasks = select(ActionTask, Action.number, Process.name).join(ActionTask.action).join(Action.process)
    due = tasks.where(queries.task_to_be_done(), task, ActionTask.due_on >= on - BACK)
    for each, number, process in session.execute(due.order_by(ActionTask.id)):
        url, title = public_url(f"/action/show/{each.action_id}"), _("%(number)s: task", number=number)
        yield _entry(f"{number}-{each.position}", "task", each.due_on, title, (process,), url, each.changed_at)


def _entry(number: str, kind: str, on: date, title: str, facts: tuple[str, ...], url: str | None, changed_at: datetime) -> Entry:
    return Entry(f"{number}-{kind}", on, title, " · ".join(facts), url, changed_at)


def calendar_of(entries: list[Entry], name: str, house: str) -> bytes:
    """
    Return the calendar as it travels: the same entries are the same bytes.

    Args:
        house: Makes the identifiers of this company its own.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Atiende//ES")
    calendar.add("version", "2.0")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        event, changed_at = Event(), entry.changed_at.replace(microsecond=0)
        event.add("uid", f"{entry.key}@{house}.atiende")
        event.add("dtstamp", changed_at)
        event.add("last-modified", changed_at)
        event.add("sequence", int((changed_at - _SINCE).total_seconds()) // 60)  # only grows, as the newer replaces the older
        event.add("dtstart", entry.on)
        event.add("dtend", entry.on + timedelta(1))
        event.add("summary", entry.title)
        event.add("description", "\n".join(filter(None, (entry.text, entry.url))))
        if entry.url:
            event.add("url", entry.url)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return calendar.to_ical()


# ── The address ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@feed.route("/calendario/<token>.ics")
def read(token: str) -> AnyResponse:
    """The calendar behind a secret address; 404 for a wrong one, and for that of somebody who may not sign in any more."""
    address = request.remote_addr or ""
    if minutes_to_wait(MISSES, "feed", address):
        abort(429)
    found = feeds.feed_of(db.session(), token[:100])
    user = db.session.get(User, found.user_id) if found else None
    if found is None or user is None or not user.is_active:
        count_hit(MISSES, "feed", address)
        abort(404)
    if minutes_to_wait(RATE, found.token_hash):
        abort(429)
    count_hit(RATE, found.token_hash)
    response = _answer(user)
    if not feeds.is_noted(found, now()):
        start_writing()
        feeds.note_read(db.session(), user.id, now())
        db.session.commit()
    return response


def _answer(user: User) -> Response:
    organisation = queries.organisation(db.session)
    with force_locale(LANGUAGE):
        entries = entries_of(db.session(), user.id, rights_of(db.session(), user.id), today())
        content = calendar_of(entries, _("Due dates: %(organisation)s", organisation=organisation.name), organisation.nit)
    response = Response(content, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="atiende.ics"'
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    response.set_etag(sha256(content).hexdigest()[:32])
    return response.make_conditional(request)


class FeedView(BaseView):
    """`/my-calendar/`: everybody's own address, and nobody else's."""

    route_base = "/my-calendar"
    default_view = "edit"
    class_permission_name = "CalendarFeed"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self) -> str | AnyResponse:
        """Whether there is an address, and since when; a POST makes a new one and shows it, this once."""
        address = None
        if request.method == "POST":
            token = feeds.open_feed(db.session(), current_user.id, now())
            db.session.commit()
            address = public_url(url_for("feed.read", token=token))
        kept = db.session.get(CalendarFeed, current_user.id)
        return self.render_template("feed.html", kept=kept, address=address, is_public=bool(current_app.config["PUBLIC_URL"]))

    @expose("/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self) -> AnyResponse:
        """Take it away: calendars that read it find nothing any more."""
        feeds.close_feed(db.session(), current_user.id)
        db.session.commit()
        flash(_("The address is taken away: calendars that read it find nothing any more."), "success")
        return redirect(url_for("FeedView.edit"))


def init_app(app: Flask) -> None:
    app.register_blueprint(feed)
