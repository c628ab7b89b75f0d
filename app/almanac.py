"""
The calendar's own pages: the year at a glance, the preview of a change and its making, and the changes made.

Nothing is edited in place: a form asks for a preview (a GET, so it can be repeated and linked), and only the preview applies. They
ask the right, call one operation and commit; they decide nothing.
"""

from __future__ import annotations

import json
from calendar import monthcalendar
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import queries
from app.domain import N_
from app.domain.calendar import WEEKDAYS, BusinessCalendar, DayKind
from app.domain.errors import DomainError
from app.domain.states import DayException
from app.extensions import db, now, today
from app.forms import CalendarForm, DayForm, HoursForm, YearForm
from app.models import CalendarChange, CalendarDay, CalendarYear
from app.operations import calendar as operations
from app.operations.calendar import CalendarEdit, CalendarRefused, MovedCase, OffDay, OfficeHours, Preview
from app.security import may
from app.words import say

N_CHANGES = 10
PAGE = 200  # cases of a change on one page
MOST_DAYS = 62  # of one closure


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of the year's page."""

    on: date
    kind: DayKind
    name: str


class CalendarView(BaseView):
    """The calendar: `/calendar/`. Whoever may see it sees all of it; changing it is another right."""

    route_base = "/calendar"
    default_view = "list"
    class_permission_name = "CalendarDay"

    # ── the year ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """One year: its months, its days off with their norms, the forms that change it, and the last changes."""
        correct = request.args.get("correct", "")
        day = db.session.scalar(select(CalendarDay).where(CalendarDay.on == _date(correct))) if correct else None
        forms = {}
        if day is not None:
            facts = {name: getattr(day, name) for name in ("on", "name", "norm", "source")}
            forms["day"] = DayForm(formdata=None, kind=day.kind.name, replaces=day.on.isoformat(), **facts)
        return self._page(**forms)

    def _page(self, message: str = "", confirm: str = "", **forms: CalendarForm) -> str:
        """Return the page of the year asked for; *forms* replace the empty ones, with what was typed and what is wrong."""
        session = db.session
        asked = getattr(forms.get("day"), "on", None)
        year = request.args.get("year", ((asked and asked.data) or today()).year, type=int)
        organisation = queries.organisation(session)
        calendar = queries.calendar_of(session, organisation)
        months = _months(calendar, year) if year in calendar.years else []
        cells = [cell for _, weeks in months for week in weeks for cell in week if cell]
        hours = {name: getattr(organisation, name) for name in ("opens_at", "closes_at")}
        return self.render_template(
            "calendar/year.html",
            year=year,
            years=session.scalars(select(CalendarYear).order_by(CalendarYear.year)).all(),
            months=months,
            days=queries.off_days(session, year),
            n_working=sum(cell.kind is DayKind.WORKING for cell in cells),
            weekdays=WEEKDAYS,
            organisation=organisation,
            day_form=forms.get("day") or DayForm(formdata=None, kind=DayException.CLOSURE.name),
            year_form=forms.get("year") or YearForm(formdata=None, load=max(calendar.years, default=year - 1) + 1),
            hours_form=forms.get("hours") or HoursForm(formdata=None, working_week=[*organisation.working_week], **hours),
            changes=queries.calendar_changes(session, N_CHANGES),
            may_change=may("can_change", self.class_permission_name),
            today=today(),
            message=message,
            confirm=confirm,
        )

    # ── a change, before ──────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/preview")
    @has_access
    @permission_name("change")
    def preview(self) -> str | Response | tuple[str, int]:
        """What a change would do to the open cases. Changes nothing."""
        builders = {"day": self._day_edit, "remove": self._remove_edit, "year": self._year_edit, "hours": self._hours_edit}
        forms: dict[str, Any] = {}
        what = request.args.get("what", "")
        if what not in builders:
            return redirect(url_for("CalendarView.list"))
        try:
            edit = builders[what](forms)
            if edit is None:
                return self._page(**forms), 422
            edit = replace(edit, keeps_answered=request.args.get("keeps_answered") == "1")
            return self._shown(operations.preview(db.session, edit, today()))
        except operations.TermsAnswered as error:
            confirm = url_for("CalendarView.preview", **{**request.args.to_dict(flat=False), "keeps_answered": "1"})
            return self._page(say(error), confirm, **forms), 409
        except DomainError as error:
            field = getattr(forms.get(what), error.field or "", None)
            if field is None:
                return self._page(say(error), **forms), 422
            field.errors = [*field.errors, say(error)]
            return self._page(**forms), 422

    def _day_edit(self, forms: dict[str, Any]) -> CalendarEdit | None:
        form = forms["day"] = DayForm(request.args)
        if not form.validate():
            return None
        last = form.until.data or form.on.data
        if not 0 <= (last - form.on.data).days < MOST_DAYS:
            raise CalendarRefused(N_("The last day comes after the first, at most %(n)s days later."), field="until", n=MOST_DAYS - 1)
        days = [form.on.data + timedelta(n) for n in range((last - form.on.data).days + 1)]
        if len(days) > 1:
            calendar = queries.calendar_of(db.session, queries.organisation(db.session))
            days = [on for on in days if on.year not in calendar.years or calendar.is_working_day(on)]
        facts = (DayException[form.kind.data], form.name.data.strip(), form.norm.data.strip(), (form.source.data or "").strip())
        replaced = (_date(form.replaces.data),) if form.replaces.data else ()
        return CalendarEdit(add=tuple(OffDay(on, *facts) for on in days), remove=replaced)

    def _remove_edit(self, forms: dict[str, Any]) -> CalendarEdit:
        return CalendarEdit(remove=(_date(request.args.get("on", "")),))

    def _year_edit(self, forms: dict[str, Any]) -> CalendarEdit | None:
        form = forms["year"] = YearForm(request.args)
        return operations.year_edit(form.load.data) if form.validate() else None

    def _hours_edit(self, forms: dict[str, Any]) -> CalendarEdit | None:
        form = forms["hours"] = HoursForm(request.args)
        if not form.validate():
            return None
        return CalendarEdit(hours=OfficeHours("".join(sorted(form.working_week.data)), form.opens_at.data, form.closes_at.data))

    def _shown(self, shown: Preview, reason: str = "", message: str = "") -> str:
        added, removed = [day.as_data() for day in shown.edit.add], [day.as_data() for day in shown.removed]
        return self.render_template(
            "calendar/preview.html",
            shown=shown,
            content=_content(added, removed, shown.settings),
            edit=json.dumps(shown.edit.as_data()),
            groups=operations.grouped(shown.moved),
            cases=shown.moved[:PAGE],
            n_by_lateness={lateness: sum(case.lateness is lateness for case in shown.moved) for lateness in operations.Lateness},
            names=operations.MOVING,
            least=operations.MIN_REASON,
            reason=reason,
            message=message,
        )

    # ── a change, made ────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/apply", methods=["POST"])
    @has_access
    @permission_name("change")
    def apply(self) -> Response | tuple[str, int]:
        """Make the change that was read, if it still is what was read."""
        reason, digest = request.form.get("reason", "")[:2000], request.form.get("digest", "")
        edit = _sent_edit()
        try:
            change = operations.apply_edit(db.session, edit, reason, digest=digest, at=now(), actor_id=current_user.id)
        except operations.StalePreview as error:
            db.session.rollback()
            return self._shown(error.preview, reason, say(error)), 409
        except CalendarRefused as error:
            if error.field != "reason":
                raise
            db.session.rollback()
            return self._shown(operations.preview(db.session, edit, today()), reason, say(error)), 422
        n, change_id = len(change.moved), change.id
        db.session.commit()
        flash(ngettext("The calendar changed. %(num)s case moved.", "The calendar changed. %(num)s cases moved.", n), "success")
        return redirect(url_for("CalendarView.change", pk=change_id))

    @expose("/changes/<int:pk>")
    @has_access
    @permission_name("show")
    def change(self, pk: int) -> str:
        """A change that was made: what, why, who, and the cases it moved."""
        change = db.session.get(CalendarChange, pk) or abort(404)
        start = max(request.args.get("start", 0, type=int), 0)
        moved = [MovedCase.from_data(case) for case in change.moved]
        return self.render_template(
            "calendar/change.html",
            change=change,
            content=_content(change.added, change.removed, change.settings),
            groups=operations.grouped(moved),
            n_moved=len(moved),
            cases=moved[start : start + PAGE],
            start=start,
            step=PAGE,
            names=operations.MOVING,
        )


def _sent_edit() -> CalendarEdit:
    """Return the edit that the preview carries. Raises CalendarRefused."""
    try:
        return CalendarEdit.from_data(json.loads(request.form.get("edit", "")))
    except ValueError:
        return CalendarEdit.from_data(None)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)


def _months(calendar: BusinessCalendar, year: int) -> list[tuple[str, list[list[Cell | None]]]]:
    """Return the twelve months of *year* with their names, weeks from Monday; None where a week lies outside its month."""

    def cell(month: int, day: int) -> Cell | None:
        if not day:
            return None
        on = date(year, month, day)
        return Cell(on, calendar.kind_of(on), calendar.name_of(on))

    def name(month: int) -> str:
        return format_date(date(year, month, 1), "LLLL").capitalize()

    return [(name(month), [[cell(month, day) for day in week] for week in monthcalendar(year, month)]) for month in range(1, 13)]


def _content(added: list[dict[str, str]], removed: list[dict[str, str]], settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a change consists of, as its pages tell it."""
    names = {"working_week": N_("Working days"), "opens_at": N_("Opens at"), "closes_at": N_("Closes at")}

    def told(name: str, value: str | None) -> str:
        if name == "working_week":
            return ", ".join(_(WEEKDAYS[int(digit) - 1]) for digit in value or "")
        return (value or "")[:5] or "—"

    return {
        "added": [OffDay.from_data(day) for day in added],
        "removed": [OffDay.from_data(day) for day in removed],
        "years": settings.get("years", []),
        "hours": [(label, *(told(name, value) for value in settings[name])) for name, label in names.items() if name in settings],
    }
