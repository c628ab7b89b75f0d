"""
The effect of an action: how it will be measured, the figures before and after, and the review in which a person decides.

`Effects` are pages of one action, beside `ActionView`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import DecimalField, IntegerField, RadioField, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from app.domain.effectiveness import COUNTS, LEAST_WINDOW, MOST_WINDOW, REDUCES, USUAL_REDUCTION, USUAL_WINDOW, Figure, Window
from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionStatus, EffectMeasure, EffectVerdict
from app.domain.states import PqrStatus
from app.drawing import Drawing, Plot, Point, Series, drawn
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo
from app.intake import blame
from app.models import Action, ActionReview, Indicator, Process, RequestType
from app.operations import effect_keys, effectiveness
from app.operations.effectiveness import Comparison, EffectPlan
from app.security import may
from app.words import say_day, say_number, say_percent, tidy, translated

VERDICT_TONES = {EffectVerdict.EFFECTIVE: "ok", EffectVerdict.NOT_EFFECTIVE: "bad"}
_COUNTED = ",".join(status.name for status in PqrStatus if status is not PqrStatus.VOIDED)


class MeasureForm(FlaskForm):
    """How an action will be measured. Which fields it has depends on the measure: what a person judges has neither key nor goal."""

    measure_key = SelectField(_l("What is counted"), validate_choice=False)
    window_days = IntegerField(
        _l("Days looked at, before and after"), default=USUAL_WINDOW,
        validators=[InputRequired(_l("Write how many days.")),
                    NumberRange(LEAST_WINDOW, MOST_WINDOW, _l("Between %(min)d and %(max)d days."))],
        description=_l("As many days before as after, so that both are compared alike."),
    )  # fmt: skip
    goal = DecimalField(_l("Goal"), places=None, validators=[Optional()])
    baseline_on = LenientDateField(
        _l("The window before ends the day before"), validators=[InputRequired(_l("Write the day on which the problem stood as it was."))],
        description=_l("As a rule, the day on which the action was asked for."),
    )  # fmt: skip


class JudgeForm(FlaskForm):
    verdict = RadioField(
        _l("What you decide"), choices=[(each.name, _l(each.value)) for each in EffectVerdict],
        validators=[InputRequired(_l("Say whether it was effective."))],
    )  # fmt: skip
    reason = TextAreaField(
        _l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why: what the figures say, and what you saw.")), UpTo(4000)],
        description=_l("The figures propose and you decide. If you decide otherwise than they propose, say why."),
    )  # fmt: skip


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def say_figure(by: EffectMeasure, figure: Figure) -> str:
    """Return a figure as people read it, with what it is made of."""
    if figure.value is None:
        return "—"
    if by in COUNTS:
        return ngettext("%(n)s case", "%(n)s cases", int(figure.value), n=say_number(int(figure.value)))
    if by is EffectMeasure.LATE:
        share, n, of = say_percent(figure.value), say_number(int(figure.n or 0)), say_number(int(figure.of or 0))
        return _("%(share)s late: %(n)s of %(of)s", share=share, n=n, of=of)
    if by is EffectMeasure.SURVEY:
        n = int(figure.of or 0)
        return ngettext("%(mean)s on average, of %(n)s answer", "%(mean)s on average, of %(n)s answers", n,
                        mean=say_number(figure.value.normalize()), n=say_number(n))  # fmt: skip
    return say_number(figure.value.normalize())


def say_goal(by: EffectMeasure, goal: Decimal | None) -> str:
    if goal is None:
        return "—"
    if by in REDUCES:
        return _("%(percent)s less than before, or lower still", percent=say_percent(goal))
    return say_number(goal.normalize())


def say_change(by: EffectMeasure, change: Decimal) -> str:
    if by in REDUCES:
        return _("%(percent)s less", percent=say_percent(change)) if change >= 0 else _("%(percent)s more", percent=say_percent(-change))
    return f"{'+' if change > 0 else ''}{say_number(change.normalize())}"


def say_window(window: Window) -> str:
    return _("%(since)s to %(until)s", since=say_day(window.first), until=say_day(window.last))


def say_why(why: str, fields: Any) -> str:
    """Return what was proposed and why; its fields come as numbers and days, or as the text that a review kept of them."""
    said = {name: _spoken(value) for name, value in fields.items()}
    return translated(why) % said if said else translated(why)


def _spoken(value: Any) -> str:
    if isinstance(value, date):
        return say_day(value)
    try:
        return say_number(Decimal(str(value)).normalize())
    except ArithmeticError:
        return str(value)


# ── The cases behind a figure ─────────────────────────────────────────────────────────────────────────────────────────────


def rows_urls(by: EffectMeasure, key: str, *windows: Window) -> list[str]:
    """Return the addresses of the cases that figures count, in the reader's scope; empty where no list of cases is behind them."""
    filters = _filters(by, key) if by in REDUCES and may("can_list") else {}
    if not filters:
        return [""] * len(windows)
    on = "due_on" if by is EffectMeasure.LATE else "filed_on"
    counted = {"timeliness": "LATE"} if by is EffectMeasure.LATE else {"status": _COUNTED}
    return [url_for("CaseView.list", **{on: f"{window.first}..{window.last}"}, **counted, **filters) for window in windows]


def _filters(by: EffectMeasure, key: str) -> dict[str, str]:
    match by:
        case EffectMeasure.AREA:
            code, _dash, zone = key.partition(":")
            return {"municipality": code} | ({"zone": zone} if zone else {})
        case EffectMeasure.CAUSE:
            wanted, name = effect_keys.causes_of(key), "cause"
        case EffectMeasure.REQUEST_TYPE:
            wanted, name = select(RequestType.id).where(RequestType.code == key), "request_type"
        case _:
            wanted, name = select(Process.id).where(Process.code == key), "answers"
    ids = ",".join(str(each) for each in db.session.scalars(wanted))
    return {name: ids} if ids else {}


# ── Pages of one action ───────────────────────────────────────────────────────────────────────────────────────────────────


class Effects:
    """Inherited by `ActionView` besides; see `RuledView` for what it builds on."""

    item: Callable[..., Any]
    writable: Callable[..., Any]
    render_template: Callable[..., str]
    may_do: Callable[[str], bool]

    @expose("/measure/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("plan")
    def measure(self, pk: str) -> Any:
        """Choose by what the action will be measured, with the figure before in sight."""
        action = self.writable(pk)
        if action.kind is ActionKind.CORRECTION or action.status not in (ActionStatus.OPEN, ActionStatus.PLANNED):
            abort(404)
        by, key = self._measured_by(action)
        if by is None:
            return self._measure_page(action, None, None, None)
        form = self._measure_form(action, by, key)
        plan = self._plan(by, form)
        if request.method == "POST" and form.validate() and "preview" not in request.form:
            try:
                effectiveness.plan_effect(db.session(), action, plan, at=now(), user_id=current_user.id)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("The effect of %(number)s is measured from here on.", number=action.number), "success")
                return redirect(url_for("ActionView.show", pk=pk))
        return self._measure_page(action, by, form, self._preview(by, plan)), 422 if form.errors else 200

    @staticmethod
    def _measured_by(action: Action) -> tuple[EffectMeasure | None, str]:
        """Return the measure that the address names, else that of the action, else what its origin suggests."""
        name = request.args.get("measure", "")
        if name and name not in EffectMeasure.__members__:
            abort(404)
        known = (action.measure, action.measure_key) if action.measure else effect_keys.suggested(db.session(), action)
        if name and (known is None or known[0] is not EffectMeasure[name]):
            return EffectMeasure[name], ""
        return known or (None, "")

    @staticmethod
    def _measure_form(action: Action, by: EffectMeasure, key: str) -> MeasureForm:
        same = action.measure is by
        usual = USUAL_REDUCTION if by in REDUCES else effectiveness.goal_of(db.session(), by, key)
        form = MeasureForm(data={
            "measure_key": key, "window_days": action.window_days or USUAL_WINDOW, "goal": action.goal if same else usual,
            "baseline_on": action.baseline_on or action.asked_on,
        })  # fmt: skip
        if by is EffectMeasure.JUDGED:
            del form.measure_key, form.goal
            return form
        form.measure_key.choices = [("", _("Choose…")), *effect_keys.offered(db.session(), by)]
        form.goal.label.text, form.goal.description = (
            (_l("Least reduction, in percent"), _l("Write 30 for at least thirty percent less than before."))
            if by in REDUCES else (_l("Figure to reach"), _l("What the figure after has to reach to call the action effective."))
        )  # fmt: skip
        form.goal.flags.required = form.measure_key.flags.required = True
        return form

    @staticmethod
    def _plan(by: EffectMeasure, form: MeasureForm) -> EffectPlan:
        key, goal = (form.measure_key.data or "", form.goal.data) if by is not EffectMeasure.JUDGED else ("", None)
        days = form.window_days.data
        return EffectPlan(by, key, days if days and LEAST_WINDOW <= days <= MOST_WINDOW else USUAL_WINDOW, goal, form.baseline_on.data)

    @staticmethod
    def _preview(by: EffectMeasure, plan: EffectPlan) -> dict[str, Any] | None:
        """Return the figure before of what is typed so far; None while it names nothing to count."""
        if not plan.key or plan.baseline_on is None:
            return None
        window = effectiveness.window_before(plan.baseline_on, plan.window_days)
        figure = effectiveness.measure(db.session(), by, plan.key, window, today=today())
        most = None
        if by in REDUCES and plan.goal is not None and figure.value is not None:
            step = Decimal("0.1") if by is EffectMeasure.LATE else Decimal(1)
            most = (figure.value * (100 - plan.goal) / 100).quantize(step, ROUND_FLOOR)
        [url] = rows_urls(by, plan.key, window)
        return {"window": window, "figure": figure, "most": most, "url": url, "of": _of(by, figure)}

    def _measure_page(self, action: Action, by: EffectMeasure | None, form: Any, preview: Any) -> str:
        facts = {"item": action, "view": self, "by": by, "form": form, "preview": preview, "measures": EffectMeasure}
        return self.render_template("actions/measure.html", **facts, say_figure=say_figure, say_window=say_window, REDUCES=REDUCES)

    @expose("/effect/<pk>")
    @has_access
    @permission_name("show")
    def effect(self, pk: str) -> Any:
        """Show the figures before and after, what they propose, and the reviews of each round."""
        return self._effect_page(self.item(pk), None)

    @expose("/judge/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("judge")
    def judge(self, pk: str) -> Any:
        """Decide whether the action was effective: it ends, or is taken up again."""
        action = self.writable(pk)
        if action.status is not ActionStatus.REVIEW:
            abort(404)
        form = JudgeForm()
        if form.validate_on_submit():
            try:
                verdict = EffectVerdict[form.verdict.data]
                effectiveness.judge_effect(db.session(), action, verdict, form.reason.data, at=now(), user_id=current_user.id)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                done = _("%(number)s was effective and ended.") if verdict is EffectVerdict.EFFECTIVE else _(
                    "%(number)s was not effective: it is taken up again with its history."
                )
                flash(done % {"number": action.number}, "success")
                return redirect(url_for("ActionView.effect", pk=pk))
        return self._effect_page(action, form), 422 if form.errors else 200

    def _effect_page(self, action: Action, form: JudgeForm | None) -> str:
        reviews = db.session.scalars(
            select(ActionReview).where(ActionReview.action_id == action.id).options(joinedload(ActionReview.reviewed_by))
            .order_by(ActionReview.round.desc())
        ).all()  # fmt: skip
        live = self._live(action) if action.measure and not action.status.is_over else None
        facts = {"item": action, "view": self, "form": form, "live": live, "reviews": [self._kept(review) for review in reviews]}
        return self.render_template("actions/effect.html", **facts, may_plan=self.may_do("measure"), tones=VERDICT_TONES)

    def _live(self, action: Action) -> dict[str, Any]:
        """Return what the page shows of the figures as they are today."""
        by, on = action.measure, today()
        found = effectiveness.compare(db.session(), action, today=on)
        is_over = found.after.is_over(on)
        urls = rows_urls(by, action.measure_key, found.before, found.after)
        waits = action.review_on is not None and action.review_on > on
        is_judge = action.status is ActionStatus.REVIEW and is_over and not waits and self.may_do("judge")
        return {
            "by": by, "of_what": effect_keys.key_text(db.session(), by, action.measure_key), "goal": say_goal(by, action.goal),
            "rows": self._sides(by, found, urls), "drawing": self._drawing(by, found, urls),
            "proposal": found.proposal, "why": say_why(found.proposal.why, found.proposal.fields), "is_over": is_over,
            "waits_until": action.review_on if is_over and waits else None, "is_carried_out": action.carried_out_on is not None,
            "change": None if found.proposal.change is None else say_change(by, found.proposal.change),
            "may_judge": is_judge, "is_own": is_judge and effectiveness.carried_it_out(db.session(), action, current_user.id),
            "indicator_url": self._indicator_url(by, action.measure_key), "sees_all": may("can_see_all"),
        }  # fmt: skip

    @staticmethod
    def _indicator_url(by: EffectMeasure, key: str) -> str:
        if by is not EffectMeasure.INDICATOR or not may("can_show", "Indicator"):
            return ""
        found = db.session.scalar(select(Indicator.id).where(Indicator.code == key))
        return f"/indicator/show/{found}" if found else ""

    @staticmethod
    def _sides(by: EffectMeasure, found: Comparison, urls: list[str]) -> list[dict[str, Any]]:
        sides = ((_("Before"), found.before, found.figure_before), (_("After"), found.after, found.figure_after))
        return [
            {"name": name, "window": say_window(window), "days": window.n_days, "figure": say_figure(by, figure),
             "of": _of(by, figure), "url": url}
            for (name, window, figure), url in zip(sides, urls, strict=True)
        ]  # fmt: skip

    @staticmethod
    def _drawing(by: EffectMeasure, found: Comparison, urls: list[str]) -> Drawing | None:
        """Return both figures as bars; nothing where one is missing."""
        figures = (found.figure_before, found.figure_after)
        if any(figure.value is None for figure in figures):
            return None
        labels = (_("Before"), _("After"))
        points = tuple(Point(figure.value, say_figure(by, figure), url) for figure, url in zip(figures, urls, strict=True))
        series = (Series(_(by.value), points),)
        return drawn(Plot("ColumnChart", _("Before and after"), _("The table has the same numbers."), labels, series))

    @staticmethod
    def _kept(review: ActionReview) -> dict[str, Any]:
        """Return a review as it was signed."""
        by, facts = review.measure, review.facts
        sides = (
            (_("Before"), Window(review.before_from, review.before_until), Figure(review.before_n, review.before_of, review.before_value)),
            (_("After"), Window(review.after_from, review.after_until), Figure(review.after_n, review.after_of, review.after_value)),
        )
        rows = [{"name": name, "window": say_window(window), "days": window.n_days, "figure": say_figure(by, figure), "of": _of(by, figure)}
                for name, window, figure in sides]  # fmt: skip
        return {"review": review, "rows": rows, "of_what": facts.get("of_what", ""), "goal": say_goal(by, review.goal),
                "why": say_why(facts.get("why", ""), facts.get("fields", {})), "by": by}  # fmt: skip


def _of(by: EffectMeasure, figure: Figure) -> str:
    """Return the rate beside a plain count."""
    rate = figure.per_thousand if by in COUNTS else None
    return "" if rate is None else _("%(rate)s per 1,000 active accounts", rate=say_number(rate.normalize()))
