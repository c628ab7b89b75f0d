"""
Reports that leave by mail by themselves: who gets which, when; made from the page of a report, with the filter of that page.

The filter is the query of the address, and stays there while the form is filled in. What leaves next is shown before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import BooleanField, FieldList, IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, NumberRange
from wtforms.validators import Optional as Empty

from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.checklists.forms import ReasonForm
from app.domain import N_
from app.domain.calendar import WEEKDAYS
from app.domain.errors import DomainError
from app.domain.reports import Every, ReportFormat, ReportPeriod, Rhythm, next_runs
from app.extensions import db, local, now
from app.forms import UpTo, choices_of, maybe_int
from app.intake import blame
from app.listing import Choices, Facet, Moment
from app.listviews import Ready
from app.lookups import LookupField
from app.models import ReportRecipient, ReportRun, ReportSchedule
from app.operations import messages, reporting
from app.reporting import making
from app.reporting.catalogue import address_of, may_send, name_of, offers_of_reader
from app.reporting.mailing import check_receiver
from app.reports.base import Offer
from app.reports.registry import CATALOGUE
from app.screens.records import history_of
from app.security import may
from app.steps import Steps
from app.words import say, say_day, say_instant, tidy

#: Free boxes for people below those that are filled in.
SPARE = 2
STATES = (("active", N_("Active")), ("paused", N_("On pause")), ("stopped", N_("Stopped")))


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def how_often(schedule: ReportSchedule) -> str:
    """Return when a report leaves, as people say it: every week, on Monday, at 6:00."""
    hour = f"{schedule.hour}:00"
    match schedule.every:
        case Every.DAY:
            return _("every working day at %(hour)s", hour=hour)
        case Every.WEEK:
            return _("every week, on %(day)s, at %(hour)s", day=_(WEEKDAYS[schedule.weekday or 0]), hour=hour)
        case Every.MONTH:
            return _("every month, on day %(day)s, at %(hour)s", day=schedule.month_day, hour=hour)
    return _("every three months (January, April, July, October), on day %(day)s, at %(hour)s", day=schedule.month_day, hour=hour)


def say_moment(moment: datetime) -> str:
    """Return a moment of the wall clock with its weekday: Monday 02/11/2026 6:00."""
    return f"{_(WEEKDAYS[moment.weekday()])} {say_day(moment.date())} {moment.hour}:00"


def state_of(schedule: ReportSchedule) -> str:
    """Return how a sending stands."""
    if schedule.stopped_reason:
        return _("Stopped")
    return _("Active") if schedule.is_active else _("On pause")


def next_moments(rhythm: Rhythm) -> list[str]:
    """Return the next three moments of *rhythm*, in words."""
    session, after = db.session(), local(now()).replace(tzinfo=None)
    return [say_moment(each) for each in next_runs(rhythm, after, reporting.is_working(session))]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _weekdays() -> list[tuple[Any, str]]:
    return [("", "—"), *((n, _(name)) for n, name in enumerate(WEEKDAYS))]


class ScheduleForm(FlaskForm):
    """How often, in which file, to whom. Which report and which filter the address says."""

    name = StringField(
        _l("Name"), filters=[tidy], validators=[DataRequired(_l("Write a name.")), UpTo(120)],
        description=_l("It heads the mail: whoever gets it knows what it is."),
    )  # fmt: skip
    format = SelectField(_l("File format"), validators=[InputRequired(_l("Choose the file."))])
    every = SelectField(_l("How often"), choices=choices_of(Every), default=Every.MONTH.name, validators=[InputRequired()])
    weekday = SelectField(
        _l("Day of the week"), choices=_weekdays, coerce=maybe_int, validators=[Empty()], description=_l("Only when it leaves every week.")
    )
    month_day = IntegerField(
        _l("Day of the month"), default=1, validators=[Empty(), NumberRange(1, 31, _l("Write a day from 1 to 31."))],
        description=_l("Every month, or every three: January, April, July and October. A month without that day uses its last one."),
    )  # fmt: skip
    hour = IntegerField(
        _l("Hour"), default=6, validators=[InputRequired(_l("Write the hour.")), NumberRange(0, 23, _l("Write an hour from 0 to 23."))],
        description=_l("From 0 to 23. If nobody works that day, it leaves on the next working day."),
    )  # fmt: skip
    sends_empty = BooleanField(
        _l("Also when there is nothing to tell"), default=True,
        description=_l("Untick it, and a report without rows sends no mail; it stays among what was made."),
    )  # fmt: skip
    recipients = FieldList(LookupField(_l("Person"), "user", validators=[Empty()]), max_entries=reporting.MOST_RECIPIENTS)

    def load(self, offer: Offer) -> None:
        """Give the formats of *offer* to choose from, and boxes for more people."""
        self.format.choices = [(each.name, _(each.value)) for each in offer.formats]
        while len(self.recipients) < reporting.MOST_RECIPIENTS and sum(not each.data for each in self.recipients) < SPARE:
            self.recipients.append_entry()

    def rhythm(self) -> Rhythm:
        """Return when it leaves. Raises DomainError."""
        return Rhythm(Every[self.every.data], self.hour.data, self.weekday.data, self.month_day.data)

    def people(self) -> list[User]:
        """Return who was written, each once."""
        return [*dict.fromkeys(each.data for each in self.recipients if each.data)]


def has_fixed_days(filters: dict[str, Any]) -> bool:
    """Return whether a filter names its days, so that each sending would tell of the same."""
    follows = ReportPeriod.__members__.keys() - {ReportPeriod.OTHER.name}
    return filters.get("period") not in follows and bool(filters.get("since") or filters.get("until"))


# ── The view ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_state(value: str, _moment: Moment) -> ColumnElement[bool] | None:
    return {
        "active": ReportSchedule.is_active,
        "paused": ~ReportSchedule.is_active & (ReportSchedule.stopped_reason == ""),
        "stopped": ReportSchedule.stopped_reason != "",
    }.get(value)


def _of_whom(value: str, moment: Moment) -> ColumnElement[bool] | None:
    return ReportSchedule.owner_id == moment.user_id if value == "1" else ReportSchedule.owner_id != moment.user_id


def _of_report(value: str, _moment: Moment) -> ColumnElement[bool]:
    return ReportSchedule.report == value


def report_choices() -> list[tuple[str, str]]:
    """Return the reports that the reader may open, as the filter of a list offers them."""
    return [(offer.key, offer.report.name) for offer in offers_of_reader()]


class ReportScheduleView(Steps, RuledView):
    """`/report-schedule/`: what the reader has sent and what is sent to them; everybody's, for who may see all. Its owner moves it."""

    datamodel = SQLAInterface(ReportSchedule)
    route_base = "/report-schedule"
    class_permission_name = "ReportSchedule"
    include_route_methods = READ_WRITE | {"pause", "resume", "stop", "leave"}
    list_title, add_title = _l("Reports by mail"), _l("Send a report by mail")
    intro = _l("Each person gets the report with their own rights and rows, made anew each time.")
    empty_text = _l("No report leaves by itself. Open a report, choose its filter, and press “Send it by mail…”.")
    list_columns = ["name", "report", "rhythm", "people", "next_at", "state"]
    more_columns = ("rhythm", "state", "people", "owner")
    show_fieldsets = [
        (_l("What leaves"), {"fields": ["report", "words", "format", "sends_empty", "owner"]}),
        (_l("When, and to whom"), {"fields": ["state", "stopped_reason", "rhythm", "next_at", "people"]}),
    ]
    own_facets: tuple[Facet, ...] = (
        Choices("state", _l("State"), lambda: STATES, _in_state),
        Choices("mine", _l("I made it"), lambda: (("1", N_("Yes")), ("0", N_("No"))), _of_whom),
        Choices("report", _l("Report"), report_choices, _of_report),
    )
    ready_filters = (Ready(N_("Active"), "state=active"), Ready(N_("I made it"), "mine=1"))
    search_words = ("name",)
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"), "report": _l("Report"), "rhythm": _l("How often"), "people": _l("To whom"), "next_at": _l("Leaves next"),
        "state": _l("State"), "owner": _l("Who made it"), "words": _l("What was asked for"), "format": _l("File format"),
        "sends_empty": _l("Also when there is nothing to tell"), "stopped_reason": _l("Why it was stopped"), "every": _l("How often"),
    }  # fmt: skip
    formatters_columns = {"owner": lambda user: user.get_full_name(), "report": name_of}
    add_columns = edit_columns = ["name"]

    def facet_of(self, mapper: Any, name: str) -> Facet | None:
        return None if name in ("report", "words", "stopped_reason") else super().facet_of(mapper, name)

    def scope(self, statement: Select[Any]) -> Select[Any]:
        if may("can_see_all", "Report"):
            return statement
        to_me = select(ReportRecipient.schedule_id).where(ReportRecipient.user_id == current_user.id)
        return statement.where(or_(ReportSchedule.owner_id == current_user.id, ReportSchedule.id.in_(to_me)))

    def _loading(self, columns: Iterable[str]) -> list[Any]:
        """Return the options that load who made it, and who gets it in one statement more."""
        people = selectinload(ReportSchedule.recipients).joinedload(ReportRecipient.user)
        return [joinedload(ReportSchedule.owner), *([people] if "people" in columns else [])]

    def item(self, pk: str, columns: Iterable[str] = ()) -> Any:
        return super().item(pk, ["people"])

    def shown(self, item: ReportSchedule, name: str) -> Any:
        match name:
            case "rhythm":
                return how_often(item)
            case "state":
                return state_of(item)
            case "people":
                return ", ".join(each.user.get_full_name() for each in item.recipients)
            case "stopped_reason" | "words":
                return getattr(item, name) or "—"
        return super().shown(item, name)

    def may_edit(self, item: ReportSchedule) -> bool:
        return self._is_theirs(item) and item.report in CATALOGUE and not item.stopped_reason

    def _is_theirs(self, item: ReportSchedule) -> bool:
        """Return whether the reader moves *item*: who made it, and who keeps the house."""
        return item.owner_id == current_user.id or may("can_stop", "Job")

    def buttons(self, item: ReportSchedule) -> list[Button]:
        found = [Button(_("Open the report"), self._report_url(item))] if item.report in CATALOGUE else []
        if self.may_do("pause") and self._is_theirs(item):
            if item.is_active:
                found.append(Button(_("Pause the sending"), url_for("ReportScheduleView.pause", pk=item.id), True))
            else:
                found.append(Button(_("Resume the sending"), url_for("ReportScheduleView.resume", pk=item.id), True))
            if not item.stopped_reason:
                found.append(Button(_("Stop…"), url_for("ReportScheduleView.stop", pk=item.id)))
        if any(each.user_id == current_user.id for each in item.recipients):
            confirm = _("Receive “%(name)s” no more?", name=item.name)
            found.append(Button(_("Receive it no more"), url_for("ReportScheduleView.leave", pk=item.id), True, confirm))
        return found + history_of("report_schedule", item.id)

    @staticmethod
    def _report_url(item: ReportSchedule) -> str:
        return address_of(CATALOGUE[item.report], item.filters)

    def related(self, item: ReportSchedule) -> list[Related]:
        """The next moments, and what left last."""
        tables = []
        if item.is_active:
            rows = [(moment,) for moment in next_moments(reporting.rhythm_of(item))]
            tables.append(Related(_("It leaves next"), (_("Day and hour"),), rows))
        if may("can_list", "ReportRun"):
            newest = select(ReportRun).where(ReportRun.schedule_id == item.id).options(joinedload(ReportRun.user))
            if not may("can_see_all", "Report"):
                newest = newest.where(ReportRun.user_id == current_user.id)
            runs = db.session.scalars(newest.order_by(ReportRun.started_at.desc(), ReportRun.id.desc()).limit(10))
            rows = [(say_instant(run.started_at), run.user.get_full_name(), run.outcome, run.n_rows, run.error or "—") for run in runs]
            columns = (_("Made"), _("For whom"), _("Outcome"), _("Rows"), _("What prevented it"))
            tables.append(Related(_("What left last"), columns, rows, url_for("ReportRunView.list", schedule=item.id)))
        return tables

    # Making and changing

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Ask how often and to whom; the report and its filter are in the address."""
        offer = CATALOGUE.get(request.args.get("report", ""))
        if offer is None:
            flash(_("Choose the report first: its page has “Send it by mail…”."), "info")
            return redirect(url_for("ReportCatalogueView.list"))
        if not (may(*offer.right) and may_send(offer)):
            abort(403)
        try:
            asked = making.ask(db.session(), offer, self._given(), now())
        except DomainError:
            flash(_("Correct the filter of the report first; then have it sent."), "warning")
            return redirect(address_of(offer, self._given()))
        form = ScheduleForm(data={"name": _(offer.report.name), "recipients": [current_user._get_current_object()]})
        words = " · ".join(offer.make(asked).filters_in_words())
        known = {field.name for field in asked.form}
        filters = {name: value for name, value in self._given().items() if name in known}
        return self._asking(form, offer, words, filters, None)

    @staticmethod
    def _given() -> dict[str, Any]:
        """Return the filter in the address, as it was written: one that names no day follows the calendar."""
        given = request.args.to_dict(flat=False)
        return {name: values if len(values) > 1 else values[0] for name, values in given.items() if name != "report"}

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Change how often and to whom; for another filter one makes another sending."""
        item = self.item(pk)
        if not self.may_edit(item):
            abort(404)
        kept = {
            "name": item.name, "every": item.every.name, "format": item.format.name, "weekday": item.weekday,
            "month_day": item.month_day or 1, "hour": item.hour, "sends_empty": item.sends_empty,
            "recipients": [each.user for each in item.recipients],
        }  # fmt: skip
        return self._asking(ScheduleForm(data=kept), CATALOGUE[item.report], item.words, dict(item.filters), item)

    def _asking(self, form: ScheduleForm, offer: Offer, words: str, filters: dict[str, Any], item: ReportSchedule | None) -> Any:
        """Answer the form: what leaves next when it is only looked at, the page of the sending once it is kept."""
        form.load(offer)
        moments: list[str] = []
        try:
            if request.method == "GET":
                moments = next_moments(form.rhythm())
            elif form.validate():
                moments = next_moments(form.rhythm())
                if "look" not in request.form:
                    kept = self._keep(form, offer, words, filters, item)
                    flash(_("Saved. It leaves next on %(moment)s.", moment=moments[0]), "success")
                    return redirect(url_for("ReportScheduleView.show", pk=kept.id))
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
        facts = {"form": form, "offer": offer, "words": words, "item": item, "moments": moments, "view": self}
        is_fixed = has_fixed_days(filters)
        return self.render_template("reporting/schedule.html", is_fixed=is_fixed, **facts), 422 if form.errors or form.form_errors else 200

    def _keep(
        self, form: ScheduleForm, offer: Offer, words: str, filters: dict[str, Any], item: ReportSchedule | None
    ) -> ReportSchedule:  # fmt: skip
        """Store what was asked, committed. Raises DomainError: a rule refuses it, or somebody may not have the report."""
        session, at, format, people = db.session(), now(), ReportFormat[form.format.data], form.people()
        for person in people:
            try:
                check_receiver(person, offer, format)
            except DomainError as error:
                error.field = "recipients"
                raise
        wanted = reporting.Wanted(
            form.name.data or "", offer.key, format, filters, words, form.rhythm(), [person.id for person in people],
            bool(form.sends_empty.data),
        )  # fmt: skip
        if item is None:
            language = str(get_locale() or messages.LANGUAGE)
            item = reporting.add_schedule(session, wanted, current_user.id, language, at=at)
        else:
            reporting.change_schedule(session, item, wanted, at=at)
        session.commit()
        return item

    # Leaving, pausing and stopping

    @expose("/leave/<pk>", methods=["POST"])
    @has_access
    @permission_name("list")
    def leave(self, pk: str) -> Any:
        """Receive it no more; where nobody else does, it pauses. Who neither made it nor sees all does not find it afterwards."""
        item = self.item(pk)
        try:
            reporting.leave(db.session(), item, current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("You receive “%(name)s” no more.", name=item.name), "success")
        return redirect(url_for("ReportScheduleView.list"))

    def _theirs(self, pk: str) -> None:
        if not self._is_theirs(self.item(pk)):
            abort(404)

    @expose("/pause/<pk>", methods=["POST"])
    @has_access
    @permission_name("pause")
    def pause(self, pk: str) -> Any:
        """Send nothing until it is asked for again."""
        self._theirs(pk)
        return self._press(pk, lambda item: reporting.pause(db.session(), item), _("It is paused: nothing of it leaves."))

    @expose("/resume/<pk>", methods=["POST"])
    @has_access
    @permission_name("pause")
    def resume(self, pk: str) -> Any:
        """Send again."""
        self._theirs(pk)
        return self._press(pk, lambda item: reporting.resume(db.session(), item, at=now()), _("It leaves again, from its next day on."))

    @expose("/stop/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("pause")
    def stop(self, pk: str) -> Any:
        """End it, with a reason."""
        self._theirs(pk)
        form = ReasonForm()
        help = _("Nothing more of it leaves. What was made stays.")
        return self._step(pk, form, _("Stop"), help, lambda item: reporting.stop(db.session(), item, form.reason.data or ""))
