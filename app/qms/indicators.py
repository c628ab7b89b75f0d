"""The sheet of an indicator: its facts, its chart, its values with what may be done about each, and the steps (ISO 9001:2015, 9.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import SelectField
from wtforms.validators import InputRequired
from wtforms.validators import Optional as Empty

from app.asking import asked_by
from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.checklists.forms import AskForm
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import MAX_TITLE, ActionKind, ActionOrigin
from app.domain.indicators import FREQUENCIES, Scale, periods_over
from app.extensions import db, now, today
from app.forms import LenientDateField, choices_of, maybe_int
from app.intake import blame
from app.listviews import SWITCHES, Ready
from app.lookups import BIGGEST_ID
from app.models import Indicator, IndicatorNote, IndicatorValue
from app.operations import indicators as operations
from app.operations.improvement import Asked
from app.operations.indicator_measures import MEASURES
from app.qms.indicatorforms import AnalysisForm, CountForm, DeclineForm, NoteForm, ReportForm, TypeForm, measure_choices
from app.qms.indicatorwords import chart, pill, say_bands, say_count, say_figure, say_parts, say_period
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import may
from app.steps import Steps
from app.words import say_day

#: Until when an action is asked for, unless somebody says otherwise.
USUAL_TERM = timedelta(days=60)
#: Periods that may still be typed in, the newest first.
MOST_PERIODS = 36


@dataclass(frozen=True, slots=True)
class Line:
    """A value as its page shows it, with the addresses of what lies behind its numbers and of the steps the reader may make."""

    value: IndicatorValue
    period: str
    figure: str
    hits: tuple[str, str]
    all: tuple[str, str]
    excluded: tuple[str, str]
    later: str
    notes: Sequence[IndicatorNote]
    steps: Sequence[tuple[str, str]]
    asks: bool


def rows_url(indicator: Indicator, period_from: date, part: str) -> str:
    """Return where the rows behind a number of a period are listed; nothing for what was typed in."""
    return "" if operations.is_typed(indicator) else url_for(
        "IndicatorRowsView.rows", pk=indicator.id, since=period_from.isoformat(), part=part
    )  # fmt: skip


def say_months(months: int) -> str:
    names = {1: _("Each month"), 2: _("Every two months"), 3: _("Each quarter"), 6: _("Every six months"), 12: _("Each year")}
    return names[months]


class IndicatorView(Steps, RuledView):
    """The register of indicators, and the sheet of each."""

    datamodel = SQLAInterface(Indicator)
    bulk = SWITCHES
    route_base = "/indicator"
    class_permission_name = "Indicator"
    include_route_methods = READ_WRITE | {"reckon", "type_in", "analyse", "report", "note", "ask", "decline"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "reckon": "report", "type_in": "type",
        "analyse": "analyse", "report": "report", "note": "analyse", "ask": "act", "decline": "act", "bulk_action": "list",
    }  # fmt: skip
    show_template = "qms/indicator.html"
    list_title, add_title = _l("Register of indicators"), _l("New indicator")
    intro = _l("The sheet of each indicator: what it says, how it is reckoned, what is good, how often and by whom.")
    form_intro = _l("What is reckoned from the data of the system is chosen from the catalogue; anything else is typed in each period.")
    empty_text = _l("There are no indicators yet. Add one: what it measures, its goal and how often.")
    list_columns = ["code", "name", "process", "months", "goal_said", "measure", "is_active"]
    more_columns = ("goal_said", "responsible", "norm", "confidence")
    show_fieldsets = [
        (_l("What it measures"), {"fields": ["code", "definition", "formula", "catalogue", "leaves_out", "source"]}),
        (_l("What is good"), {"fields": ["bands", "direction", "unit", "months"]}),
        (_l("Who, and since when"), {"fields": ["process", "responsible", "starts_on", "is_active", "norm", "confidence"]}),
    ]
    add_fieldsets = [
        (_l("What it measures"), {"fields": ["code", "name", "definition", "measure", "scale", "formula", "source"]}),
        (_l("What is good"), {"fields": ["direction", "goal", "fair", "unit", "decimals", "months"]}),
        (_l("Who, and since when"), {"fields": ["process_id", "responsible", "starts_on", "norm", "confidence", "position", "is_active"]}),
    ]
    search_words = ("code", "name", "definition", "formula")
    filter_columns = ("process", "responsible")
    ready_filters = (Ready(N_("In use"), "is_active=1"),)
    base_order = ("position", "asc")
    clipped = ("name",)
    label_columns = {
        "code": _l("Code"), "name": _l("Name"), "definition": _l("What it is for"), "formula": _l("Formula"), "measure": _l("Measure"),
        "catalogue": _l("Measure of the catalogue"), "leaves_out": _l("What it leaves out"), "scale": _l("How its numbers become one"),
        "unit": _l("Unit"), "decimals": _l("Decimals"), "direction": _l("Which way is good"), "goal": _l("Goal"), "goal_said": _l("Goal"),
        "fair": _l("Near the goal up to"), "bands": _l("Goal and bands"), "months": _l("How often"), "source": _l("Source of the figures"),
        "norm": _l("What asks for it"), "confidence": _l("How sure its rule is"), "process": _l("Process"), "process_id": _l("Process"),
        "responsible": _l("Who analyses it"), "starts_on": _l("First day of its first period"), "is_active": _l("In use"),
        "position": _l("Order"),
    }  # fmt: skip
    description_columns = {
        "code": _l("As it is called in the management system, for example IND-01."),
        "definition": _l("What one learns from it, and for which decision."),
        "scale": _l("Only for what is typed in: the catalogue knows it of its measures."),
        "goal": _l("Empty: it is only watched, and has no light."),
        "fair": _l("Between this figure and the goal the light is amber; beyond it is red. Empty: there is no amber."),
        "unit": _l("What is written after the figure: %, days, cases…"),
        "starts_on": _l("The first of a month. Periods follow one another from there."),
        "confidence": _l("Write what is not sure of the norm or of the formula, so that whoever reads the figure knows it."),
        "responsible": _l("Write the name or the user name. Empty: the owners of the process."),
    }
    add_form_extra_fields = {
        "measure": SelectField(_l("Measure"), choices=measure_choices, validators=[Empty()]),
        "scale": SelectField(_l("How its numbers become one"), choices=choices_of(Scale), validators=[InputRequired()]),
        "months": SelectField(_l("How often"), coerce=int, choices=lambda: [(n, say_months(n)) for n in FREQUENCIES],
                              validators=[InputRequired()]),
        "process_id": SelectField(_l("Process"), coerce=maybe_int, choices=lambda: [("", "—"), *process_choices()], validators=[Empty()]),
        "starts_on": LenientDateField(_l("First day of its first period"), validators=[InputRequired(_l("Write the day."))]),
    }  # fmt: skip
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def title_of(self, item: Indicator) -> str:
        return item.name

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.starts_on.data, form.months.data, form.is_active.data = today().replace(month=1, day=1), 1, True

    def pre_add(self, indicator: Indicator) -> None:
        for name in ("definition", "source", "norm", "confidence"):
            setattr(indicator, name, getattr(indicator, name) or "")
        indicator.scale = Scale[indicator.scale] if isinstance(indicator.scale, str) else indicator.scale
        operations.check(indicator)

    def pre_update(self, indicator: Indicator) -> None:
        """Raises DomainError: as `operations.check`, or its periods would no longer be those that were reported."""
        self.pre_add(indicator)
        operations.check_periods(db.session(), indicator)

    def shown(self, item: Indicator, name: str) -> Any:
        match name:
            case "goal_said":
                return say_figure(item, item.goal)
            case "bands":
                return say_bands(item)
            case "months":
                return say_months(item.months)
            case "measure" | "catalogue":
                return _(MEASURES[item.measure].name) if item.measure in MEASURES else _("Somebody types it in")
            case "leaves_out":
                return _(MEASURES[item.measure].leaves_out) if item.measure in MEASURES else "—"
            case "confidence":
                return Markup('<span class="pill warn">{}</span>').format(item.confidence) if item.confidence else "—"
        return super().shown(item, name)

    # The page

    def buttons(self, item: Indicator) -> list[Button]:
        found = [Button(_("Board of indicators"), url_for("IndicatorBoardView.board"))]
        if operations.is_typed(item):
            found += [Button(_("Type in a value"), url_for("IndicatorView.type_in", pk=item.id))] if self.may_do("type_in") else []
        elif self.may_do("reckon"):
            found.append(Button(_("Reckon now"), url_for("IndicatorView.reckon", pk=item.id), is_post=True))
        return found + history_of("indicator", item.id)

    def related(self, item: Indicator) -> list[Related]:
        return asked_by(ActionOrigin.INDICATOR, item)

    def values(self, item: Indicator) -> dict[str, Any]:
        """Return what the page shows besides the facts: the chart, the lines, and the period that runs."""
        values = operations.values_of(db.session(), item.id)
        notes = operations.notes_of(db.session(), [value.id for value in values]) if values else {}
        asking = operations.ask_for(values)
        lines = [self._line(item, value, notes.get(value.id, ()), value is asking) for value in values]
        return {
            "lines": lines, "drawing": chart(item, values, [line.all[1] for line in lines]), "parts": say_parts(item), "pill": pill,
            "running": self._running(item), "asking": next((line for line in lines if line.asks), None),
        }  # fmt: skip

    def _line(self, item: Indicator, value: IndicatorValue, notes: Sequence[IndicatorNote], asks: bool) -> Line:
        def link(part: str, number: Decimal | None) -> tuple[str, str]:
            return say_count(number), rows_url(item, value.period_from, part) if number else ""

        whole = value.numerator if value.denominator is None else value.denominator
        return Line(
            value, say_period(value.period_from, value.period_until), say_figure(item, value.value), link("hit", value.numerator),
            link("all", whole), link("excluded", Decimal(value.n_excluded)), self._later(item, value), notes,
            list(self._steps(value)), asks,
        )  # fmt: skip

    @staticmethod
    def _later(item: Indicator, value: IndicatorValue) -> str:
        if value.differs_since is None:
            return ""
        told = {"figure": say_figure(item, value.later_value), "day": say_day(value.differs_since)}
        return _("Reckoned again it gives %(figure)s, since %(day)s", **told)

    def _steps(self, value: IndicatorValue) -> Any:
        is_draft = value.reported_at is None
        wanted = [("analyse", _("Analyse")), ("report", _("Report it"))] if is_draft else [("note", _("Correct or remark"))]
        for name, label in wanted:
            if self.may_do(name):
                yield label, url_for(f"IndicatorView.{name}", pk=value.id)

    @staticmethod
    def _running(item: Indicator) -> dict[str, Any] | None:
        """Return the period that runs, up to yesterday; None where there is none, or a year of the calendar is missing."""
        try:
            found = operations.so_far(db.session(), item, today()) if item.is_active else None
        except DomainError:
            return None
        if found is None:
            return None
        first, until, reading = found
        return {
            "until": until, "figure": say_figure(item, reading.value), "numerator": say_count(reading.numerator),
            "denominator": say_count(reading.denominator) if reading.denominator is not None else "",
            "url": rows_url(item, first, "all"), "median": reading.median, "p90": reading.p90,
        }  # fmt: skip

    # Steps

    @expose("/reckon/<pk>", methods=["POST"])
    @has_access
    @permission_name("report")
    def reckon(self, pk: str) -> Any:
        """Draft the periods that ended without waiting for the night."""
        return self._press(pk, lambda item: operations.reckon(db.session(), item, at=now()), _("Reckoned up to yesterday."))

    @expose("/type/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("type")
    def type_in(self, pk: str) -> Any:
        """Ask for the numbers of a period that ended."""
        item = self.item(pk)
        if not operations.is_typed(item):
            abort(404)
        form = (CountForm if item.scale is Scale.COUNT else TypeForm)()
        periods = {first.isoformat(): (first, last) for first, last in periods_over(item.starts_on, item.months, today())}
        form.period.choices = [(key, say_period(*periods[key])) for key in list(reversed(periods))[:MOST_PERIODS]]

        def act(indicator: Indicator) -> None:
            denominator = form.denominator.data if "denominator" in form else None
            operations.type_in(db.session(), indicator, *periods[form.period.data], form.numerator.data, denominator, at=now())

        return self._step(pk, form, _("Type in a value"), _l("It stays a draft until somebody reports it."), act)

    @expose("/analyse/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("analyse")
    def analyse(self, pk: str) -> Any:
        """Ask what a draft means."""
        value = self._value(pk)
        form = AnalysisForm(obj=value)
        help = _l("It stays a draft until somebody reports it.")
        return self._about(value, form, _("Analyse"), help, lambda: operations.analyse(db.session(), value, form.analysis.data or ""))

    @expose("/report/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("report")
    def report(self, pk: str) -> Any:
        """Ask for the analysis, and freeze the value."""
        value = self._value(pk)
        form = ReportForm(obj=value)
        seen = value.changed_at.isoformat()
        if not form.is_submitted():
            form.seen.data = seen

        def act() -> None:
            if form.seen.data != seen:
                raise MoveRefused(N_("The value was reckoned again while you were writing. Look at it on its page and report it again."))
            operations.report(db.session(), value, form.analysis.data or "", at=now(), user_id=current_user.id)

        help = _l("Once reported, the figures and the analysis stay as they are. A correction is written beside them.")
        return self._about(value, form, _("Report it"), help, act)

    @expose("/note/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("analyse")
    def note(self, pk: str) -> Any:
        """Ask for a correction of a reported value, or a remark."""
        value, form = self._value(pk), NoteForm()

        def act() -> None:
            operations.note(db.session(), value, form.reason.data or "", form.right_value.data, at=now(), user_id=current_user.id)

        help = _l("What was reported stays as it was. The correction stands beside it, with its reason, its day and your name.")
        return self._about(value, form, _("Correct or remark"), help, act)

    @expose("/ask/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("act")
    def ask(self, pk: str) -> Any:
        """Ask for an action because of two misses in a row."""
        if not may("can_add", "Action"):
            abort(403)
        value = self._value(pk)
        item = value.indicator
        form = AskForm(data={
            "kind": ActionKind.CORRECTIVE.name, "title": _("%(name)s misses its goal", name=item.name)[:MAX_TITLE],
            "process_id": item.process_id, "description": self._told(item), "due_on": today() + USUAL_TERM,
        })  # fmt: skip
        form.process_id.choices = process_choices()

        def act() -> None:
            who = form.responsible.data.id if form.responsible.data else None
            kind, process_id, due_on = ActionKind[form.kind.data], form.process_id.data, form.due_on.data
            asked = Asked(form.title.data or "", form.description.data or "", kind, process_id, due_on, who)
            operations.ask_action(db.session(), value, asked, at=now(), user_id=current_user.id)

        return self._about(value, form, _("Ask for an action"), _l("Its page leads back here, and this page to it."), act)

    @staticmethod
    def _told(item: Indicator) -> str:
        """Return the last values in words, for the action that they ask for."""
        lines = [
            f"{say_period(value.period_from, value.period_until)}: {say_figure(item, value.value)}"
            for value in operations.values_of(db.session(), item.id, 6) if value.value is not None
        ]  # fmt: skip
        return "\n".join([_("Goal: %(goal)s", goal=say_figure(item, item.goal)), *lines])

    @expose("/decline/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("act")
    def decline(self, pk: str) -> Any:
        """Ask why two misses need no action."""
        value, form = self._value(pk), DeclineForm()
        help = _l("The reason stays beside the value, and nobody is reminded of it any more.")
        return self._about(
            value, form, _("No action"), help, lambda: operations.decline_action(db.session(), value, form.reason.data or "")
        )

    def _value(self, pk: str) -> IndicatorValue:
        """Return the value, or answer 404."""
        if not pk.isdecimal() or int(pk) > BIGGEST_ID:
            abort(404)
        wanted = select(IndicatorValue).where(IndicatorValue.id == int(pk)).options(joinedload(IndicatorValue.indicator))
        return db.session.scalar(wanted) or abort(404)

    def _about(self, value: IndicatorValue, form: Any, heading: str, help: Any, act: Callable[[], Any]) -> Any:
        """Answer the page of a step about one value, and make it."""
        item = value.indicator
        if form.validate_on_submit():
            try:
                act()
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("Done: %(step)s, %(number)s.", step=heading, number=item.name), "success")
                return redirect(url_for("IndicatorView.show", pk=item.id))
        told = _("%(period)s: %(figure)s.", period=say_period(value.period_from, value.period_until), figure=say_figure(item, value.value))
        facts = {"form": form, "item": item, "heading": heading, "help": f"{told} {help}", "view": self}
        return self.render_template("step.html", **facts), 422 if form.errors else 200
