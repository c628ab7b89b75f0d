"""Risks of the processes: the list, the page of one with its controls, actions and path, and its steps (ISO 9001:2015, 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import abort, g, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, IntegerField, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange
from wtforms.validators import Optional as Empty

from app.baseviews import READ_WRITE, Button, RuledView
from app.checklists.forms import AskForm, ReasonForm
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionKind, ActionOrigin
from app.domain.risks import MOST_LEVELS, ControlKind, Level, RiskVerb, Scale, Spot
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo, choices_of, maybe_int
from app.listing import Choices, Order, Rows
from app.listviews import Ready
from app.lookups import BIGGEST_ID, lookup
from app.models import Action, ProcessMember, Risk, RiskBand, RiskControl, RiskImpact, RiskMove, RiskProbability
from app.operations import risks as operations
from app.operations.improvement import Asked
from app.qms.riskmap import path, say_band, say_spot, scale_now
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import is_user, may, processes_of, scope_actions, scope_risks
from app.steps import Steps
from app.words import tidy

#: Until when an action is asked for, unless somebody says otherwise.
USUAL_TERM = timedelta(days=60)
SCORES = {"inherent": Risk.probability * Risk.impact, "residual": Risk.residual_probability * Risk.residual_impact}
YES_NO = (("1", N_("Yes")), ("0", N_("No")))


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _said(level: Level) -> str:
    return f"{level.level}. {level.name}" + (f" — {level.meaning}" if level.meaning else "")


def _choices(levels: Iterable[Level]) -> list[tuple[Any, str]]:
    return [("", "—"), *((level.level, _said(level)) for level in levels)]


def level_field(label: Any, choices: Callable[[], Any], **options: Any) -> SelectField:
    return SelectField(label, coerce=maybe_int, choices=choices, validators=[InputRequired(_l("Choose a level."))], **options)


def probability_field(**options: Any) -> SelectField:
    return level_field(_l("Probability, without controls"), lambda: _choices(scale_now().probabilities), **options)


def impact_field(**options: Any) -> SelectField:
    return level_field(_l("Impact, without controls"), lambda: _choices(scale_now().impacts), **options)


class ReviewForm(FlaskForm):
    probability = probability_field(description=_l("As it would be if none of its controls existed."))
    impact = impact_field()
    reason = TextAreaField(
        _l("What was looked at, and why it stays or moves"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(4000)],
        description=_l("What happened since the last look, whether the controls are applied, and what changed around."),
    )  # fmt: skip
    review_on = LenientDateField(_l("Next look"), validators=[Empty()], description=_l("Empty: as its band says."))


class ControlForm(FlaskForm):
    text = TextAreaField(
        _l("The control"), filters=[tidy], validators=[DataRequired(_l("Write what the control consists of.")), UpTo(2000)],
        description=_l("Who does what, and how often."),
    )  # fmt: skip
    kind = SelectField(_l("What it does"), choices=choices_of(ControlKind), validators=[InputRequired()])
    lowers_probability = IntegerField(
        _l("Lowers the probability by"), default=0, validators=[InputRequired(), NumberRange(0, MOST_LEVELS - 1)],
        description=_l("Levels of the scale, while it is applied. Write 0 while nobody can show that it works."),
    )  # fmt: skip
    lowers_impact = IntegerField(_l("Lowers the impact by"), default=0, validators=[InputRequired(), NumberRange(0, MOST_LEVELS - 1)])
    is_working = BooleanField(_l("It is applied"), default=True, description=_l("A control that is not applied lowers nothing."))
    evidence = TextAreaField(
        _l("What shows it"), filters=[tidy], validators=[UpTo(2000)], description=_l("The record where one can see that it is applied.")
    )
    responsible = lookup(_l("Responsible"), "member", optional=True)

    def told(self) -> operations.Controlled:
        """Return the control as the form tells it."""
        who = self.responsible.data.id if self.responsible.data else None
        return operations.Controlled(
            self.text.data or "", ControlKind[self.kind.data], self.lowers_probability.data or 0, self.lowers_impact.data or 0,
            bool(self.is_working.data), self.evidence.data or "", who,
        )  # fmt: skip


class ControlChangeForm(ControlForm):
    reason = TextAreaField(_l("Why it changes"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(2000)])


# ── What the page shows ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hanging:
    """What hangs on a risk: its controls, the actions it asked for (with whether the reader may open each), and its history."""

    controls: Sequence[RiskControl]
    actions: Sequence[Row[tuple[Action, bool]]]
    moves: Sequence[RiskMove]

    @property
    def is_treated(self) -> bool:
        """Whether an action is under way."""
        return any(not action.status.is_over for action, _seen in self.actions)


def hanging_of(risk: Risk) -> Hanging:
    """Return what hangs on *risk*, asked for once a request."""
    if "risk_hanging" not in g:
        controls = select(RiskControl).where(RiskControl.risk_id == risk.id).options(joinedload(RiskControl.responsible))
        seen = Action.id.in_(scope_actions(select(Action.id), today())) if may("can_show", "Action") else Action.id < 0
        asked = select(Action, seen).where(Action.origin == ActionOrigin.RISK, Action.origin_key == risk.number)
        moves = select(RiskMove).where(RiskMove.risk_id == risk.id).options(joinedload(RiskMove.actor)).order_by(RiskMove.id)
        g.risk_hanging = Hanging(
            db.session.scalars(controls.order_by(RiskControl.id)).all(),
            db.session.execute(asked.options(joinedload(Action.responsible), joinedload(Action.process)).order_by(Action.number)).all(),
            db.session.scalars(moves).all(),
        )
    return g.risk_hanging


def is_gap(risk: Risk) -> bool:
    """Return whether the band of *risk* asks for an action and none is under way, as the page of it knows."""
    band = scale_now().band_of(operations.residual_of(risk))
    return bool(risk.closed_on is None and band and band.needs_action and not hanging_of(risk).is_treated)


def _refuse_foreign(risk: Risk) -> None:
    """Raise DomainError when whoever sees only his processes gives a risk to another: he would not find it again."""
    if may("can_see_all", "Risk"):
        return
    if db.session.scalar(processes_of(current_user.id, today()).where(ProcessMember.process_id == risk.process_id).limit(1)) is None:
        raise DomainError(N_("You keep the risks of your own processes. Choose one of them."), field="process_id")


# ── The view ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class RiskView(Steps, RuledView):
    """Risks in the reader's scope: an owner sees those of his processes. A closed one changes no more until it is taken up again."""

    datamodel = SQLAInterface(Risk)
    route_base = "/risk"
    class_permission_name = "Risk"
    print_key = "risks"
    include_route_methods = READ_WRITE | {"review", "control", "control_change", "close", "reopen", "ask"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "review": "review", "control": "control",
        "control_change": "control", "close": "close", "reopen": "close", "ask": "show",
    }  # fmt: skip
    show_template = "qms/risk.html"
    list_title, add_title = _l("Risks"), _l("New risk")
    intro = _l("What may go wrong in each process, because of what and with which consequence; the worst that is left goes first.")
    form_intro = _l("Place it as if there were no controls. They are added on its page, and what is left of the risk follows from them.")
    empty_text = _l("There are no risks yet. Begin with what went wrong last year: terms that ran out, notices that came late, lost files.")
    list_columns = ["number", "event", "process", "inherent", "residual", "band", "review_on", "state"]
    more_columns = (
        "inherent", "residual", "band", "state", "gap", "probability", "impact", "residual_probability", "residual_impact", "cause",
        "consequence",
    )  # fmt: skip
    show_fieldsets = [
        (_l("The risk"), {"fields": ["event", "cause", "consequence", "process", "identified_on"]}),
        (_l("Where the risk stands"), {"fields": ["inherent", "residual", "what_to_do", "state", "close_reason"]}),
        (_l("What is done about it"), {"fields": ["treatment", "treatment_note", "responsible", "reviewed_on", "review_on"]}),
    ]
    _texts = {"fields": ["process_id", "cause", "event", "consequence", "identified_on"]}
    _treated = {"fields": ["treatment", "treatment_note", "responsible"]}
    add_fieldsets = [
        (_l("The risk"), _texts), (_l("Where it stands without controls"), {"fields": ["probability", "impact"]}),
        (_l("What is done about it"), _treated),
    ]  # fmt: skip
    edit_fieldsets = [(_l("The risk"), _texts), (_l("What is done about it"), _treated)]
    edit_columns = [*_texts["fields"], *_treated["fields"]]
    search_words = ("number", "event", "cause", "consequence")
    own_facets = (
        Choices("state", _l("State"), lambda: (("OPEN", N_("On the map")), ("CLOSED", N_("Closed"))),
                lambda value, _moment: Risk.closed_on.is_(None) if value == "OPEN" else Risk.closed_on.is_not(None)),
        Rows("band", _l("Band"), operations.residual_band(RiskBand.id), RiskBand, RiskBand.id),
        Choices("gap", _l("Asks for an action that nobody asked for"), lambda: YES_NO,
                lambda value, _moment: operations.lacks_action() if value == "1" else ~operations.lacks_action()),
        Choices("late", _l("Nobody looked at it in time"), lambda: YES_NO,
                lambda value, moment: operations.overdue(moment.today) if value == "1" else ~operations.overdue(moment.today)),
        Rows("responsible", _l("Responsible"), Risk.responsible_id, User, User.id, "user", True,
             lambda moment: is_user(Risk.responsible_id, moment.user_id, moment.today)),
        *(Choices(f"uses_{name}", label, lambda: [(str(n), str(n)) for n in range(1, MOST_LEVELS + 1)],
                  lambda value, _moment, row=row: operations.uses_level(row, int(value)))
          for name, label, row in (("probability", _l("Uses the level of probability"), RiskProbability),
                                   ("impact", _l("Uses the level of impact"), RiskImpact))),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("On the map"), "state=OPEN"),
        Ready(N_("Without the action that their band asks for"), "gap=1"),
        Ready(N_("To be looked at"), "late=1&order=review_on"),
        Ready(N_("My risks"), "responsible=me&state=OPEN"),
    )
    base_order = ("number", "desc")
    clipped = ("event", "cause", "consequence")
    label_columns = {
        "number": _l("Number"), "process": _l("Process"), "process_id": _l("Process"), "cause": _l("Cause of the risk"),
        "event": _l("What may happen"), "consequence": _l("Consequence"), "probability": _l("Probability, without controls"),
        "impact": _l("Impact, without controls"),
        "residual_probability": _l("Probability, with controls"), "residual_impact": _l("Impact, with controls"),
        "inherent": _l("Without controls"), "residual": _l("With controls"), "band": _l("Band"),
        "what_to_do": _l("What its band asks for"), "treatment": _l("Treatment"), "treatment_note": _l("How it is treated"),
        "responsible": _l("Responsible"), "identified_on": _l("Identified on"), "review_on": _l("Next look"),
        "reviewed_on": _l("Looked at on"), "close_reason": _l("Why it was closed"), "state": _l("State"),
        "gap": _l("Asks for an action that nobody asked for"),
    }  # fmt: skip
    description_columns = {
        "cause": _l("Because of what it may happen."),
        "event": _l("In one sentence: what may happen."),
        "consequence": _l("What follows for the user, the company or the law when it happens."),
        "treatment_note": _l("What is decided: which actions, or why it is accepted or shared, and with whom."),
        "responsible": _l("Write the name or the user name. Empty: the owners of the process."),
    }
    add_form_extra_fields = {
        "process_id": SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()]),
        "probability": probability_field(), "impact": impact_field(),
        "identified_on": LenientDateField(_l("Identified on"), default=today, validators=[InputRequired(_l("Write the day."))]),
    }  # fmt: skip
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_risks(statement, today())

    def title_of(self, item: Risk) -> str:
        return item.number

    def may_edit(self, item: Risk) -> bool:
        return item.closed_on is None

    # The list

    def order_column(self, name: str) -> Any:
        return SCORES[name] if name in SCORES else super().order_column(name)

    def order(self) -> Order:
        """Return the order of the address; without one, what is left of each risk, the worst first."""
        text = self.listing().order_text or "-residual"
        name = text.removeprefix("-")
        return Order(name, SCORES[name], Risk.id, text.startswith("-"), False) if name in SCORES else super().order()

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return super().lines(statement, columns).add_columns(operations.lacks_action().label("is_gap"))

    def line_of(self, row: Any) -> Risk:
        """Return the risk of a line, which knows whether it lacks its action."""
        row[0].is_gap = bool(row[1])
        return row[0]

    def shown(self, item: Risk, name: str) -> Any:
        scale = scale_now()
        match name:
            case "inherent" | "residual":
                spot = operations.inherent_of(item) if name == "inherent" else operations.residual_of(item)
                return say_spot(spot, scale.band_of(spot)) if self._is_page() else Markup('<span class="num">{}</span>').format(spot.score)
            case "band":
                return say_band(scale.band_of(operations.residual_of(item)))
            case "what_to_do":
                band = scale.band_of(operations.residual_of(item))
                return band.what_to_do if band is not None else _("The scale has no band for it.")
            case "state":
                return self._state(item)
            case "gap":
                return _("Yes") if self._lacks(item) else _("No")
        return super().shown(item, name)

    @staticmethod
    def _lacks(item: Risk) -> bool:
        return item.is_gap if hasattr(item, "is_gap") else is_gap(item)

    def _state(self, item: Risk) -> Markup:
        pill = Markup('<span class="pill {}">{}</span>')
        if item.closed_on is not None:
            return pill.format("stop", _("Closed"))
        found = [pill.format("bad", _("Without an action"))] if self._lacks(item) else []
        found += [pill.format("warn", _("To be looked at"))] if item.review_on < today() else []
        return Markup(" ").join(found) or pill.format("ok", _("On the map"))

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        kind, value = super().exported(name, column)
        spots = {"inherent": operations.inherent_of, "residual": operations.residual_of}
        if name in spots:
            return kind, lambda item: str(spots[name](item).score)
        if name in ("band", "state"):
            return kind, lambda item: " · ".join(self.shown(item, name).striptags().split("  "))
        return kind, value

    @staticmethod
    def _is_page() -> bool:
        return bool(request.endpoint and request.endpoint.endswith(".show"))

    # The page

    def fieldsets_of(self, item: Risk) -> list[tuple[Any, dict[str, Any]]]:
        """Leave out why it was closed while it is open, and what its band asks for once it is closed."""
        out = {"close_reason"} if item.closed_on is None else {"what_to_do"}
        return [(title, {**each, "fields": [name for name in each["fields"] if name not in out]}) for title, each in self.show_fieldsets]

    def hanging(self, item: Risk) -> dict[str, Any]:
        """Return what the page shows besides the facts."""
        scale, found = scale_now(), hanging_of(item)
        is_open = item.closed_on is None
        return {
            "scale": scale, "path": path(scale, found.moves), "controls": found.controls, "actions": found.actions,
            "moves": [(move, RiskVerb[move.move].value, self._spots(move, scale)) for move in reversed(found.moves)],
            "is_gap": is_gap(item), "may_control": is_open and self.may_do("control"), "may_ask": is_open and self._may_ask(),
        }  # fmt: skip

    @staticmethod
    def _spots(move: RiskMove, scale: Scale) -> tuple[Markup, Markup]:
        spots = Spot(move.probability, move.impact), Spot(move.residual_probability, move.residual_impact)
        return say_spot(spots[0], scale.band_of(spots[0])), say_spot(spots[1], scale.band_of(spots[1]))

    def _may_ask(self) -> bool:
        return may("can_add", "Action") and (may("can_control", "Risk") or may("can_review", "Risk"))

    def buttons(self, item: Risk) -> list[Button]:
        steps = {"review": _("Look at it"), "control": _("Add a control"), "close": _("Close it")}
        labels = steps if item.closed_on is None else {"reopen": _("Take it up again")}
        found = [Button(label, url_for(f"RiskView.{name}", pk=item.id)) for name, label in labels.items() if self.may_do(name)]
        if item.closed_on is None and self._may_ask():
            found.append(Button(_("Ask for an action"), url_for("RiskView.ask", pk=item.id)))
        return found + history_of("risk", item.id)

    # Adding and changing

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.process_id.data = request.args.get("process_id", 0, type=int)

    def pre_add(self, risk: Risk) -> None:
        """Raises DomainError: see `risks.enter_risk`."""
        _refuse_foreign(risk)
        operations.enter_risk(db.session(), risk, at=now(), user_id=current_user.id)

    def pre_update(self, risk: Risk) -> None:
        """Raises DomainError: see `risks.amend_risk`."""
        _refuse_foreign(risk)
        operations.amend_risk(db.session(), risk, at=now())

    # How it goes on

    @expose("/review/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("review")
    def review(self, pk: str) -> Any:
        """Ask where it stands now and why, and write that somebody looked at it."""
        item = self.item(pk)
        form = ReviewForm(data={"probability": item.probability, "impact": item.impact})
        help = _l("It stays or moves; either way the day, the reason and your name stay in its history.")

        def act(risk: Risk) -> None:
            operations.review_risk(
                db.session(), risk, Spot(form.probability.data, form.impact.data), form.reason.data or "", review_on=form.review_on.data,
                at=now(), user_id=current_user.id,
            )  # fmt: skip

        return self._step(pk, form, _("Look at it"), help, act)

    @expose("/control/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("control")
    def control(self, pk: str) -> Any:
        """Ask what is done so that it happens less or harms less."""
        form = ControlForm()
        help = _l("What is left of the risk follows from its controls at once, and its history tells how it moved.")

        def act(risk: Risk) -> None:
            operations.add_control(db.session(), risk, form.told(), at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Add a control"), help, act)

    @expose("/control/<pk>/<control_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("control")
    def control_change(self, pk: str, control_id: str) -> Any:
        """Ask how a control is now, and why it changes."""
        row = self._control(self.item(pk), control_id)
        form = ControlChangeForm(data={name: getattr(row, name) for name in (
            "text", "lowers_probability", "lowers_impact", "is_working", "evidence", "responsible")} | {"kind": row.kind.name})  # fmt: skip
        help = _l("A control that is no longer applied stays in the list and lowers nothing.")

        def act(_risk: Risk) -> None:
            told, reason = form.told(), form.reason.data or ""
            operations.change_control(db.session(), row, told, reason, at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Change the control"), help, act)

    @staticmethod
    def _control(risk: Risk, control_id: str) -> RiskControl:
        if not control_id.isdecimal() or int(control_id) > BIGGEST_ID:
            abort(404)
        mine = select(RiskControl).where(RiskControl.risk_id == risk.id, RiskControl.id == int(control_id))
        return db.session.scalars(mine.options(joinedload(RiskControl.responsible))).first() or abort(404)

    @expose("/close/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("close")
    def close(self, pk: str) -> Any:
        """Ask why it is a risk no more, and take it off the map."""
        form = ReasonForm()

        def act(risk: Risk) -> None:
            operations.close_risk(db.session(), risk, form.reason.data or "", at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Close it"), _l("It leaves the map. Its number and its history stay in the list."), act)

    @expose("/reopen/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("close")
    def reopen(self, pk: str) -> Any:
        """Ask why it is a risk again, and put it back on the map."""
        form = ReasonForm()

        def act(risk: Risk) -> None:
            operations.reopen_risk(db.session(), risk, form.reason.data or "", at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Take it up again"), _l("It comes back to the map as it stood, by the scale of today."), act)

    @expose("/ask/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def ask(self, pk: str) -> Any:
        """Ask for an action that treats the risk."""
        item = self.item(pk)
        if not self._may_ask():
            abort(403)
        form = AskForm(data={
            "kind": ActionKind.PREVENTIVE.name, "title": item.event[:MAX_TITLE], "process_id": item.process_id,
            "description": _("Cause: %(cause)s\nConsequence: %(consequence)s", cause=item.cause, consequence=item.consequence),
            "due_on": today() + USUAL_TERM,
        })  # fmt: skip
        form.process_id.choices = process_choices()

        def act(risk: Risk) -> None:
            asked = Asked(form.title.data, form.description.data, ActionKind[form.kind.data], form.process_id.data, form.due_on.data,
                          form.responsible.data.id if form.responsible.data else None)  # fmt: skip
            operations.ask_for_action(db.session(), risk, asked, at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Ask for an action"), _l("The action is linked to the risk, on both pages."), act)
