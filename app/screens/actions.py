"""Actions: what findings, cases and surveys asked somebody to do; asked and amended here, and ended once."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, inspect
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from app.baseviews import READ_WRITE, Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo
from app.listing import Choices, Moment, Rows
from app.listviews import Ready
from app.models import Action, ProcessMember
from app.operations import improvement
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import is_user, may, processes_of, scope_actions
from app.steps import Steps
from app.words import tidy


class FinishForm(FlaskForm):
    result = TextAreaField(
        _l("What was done"), filters=[tidy], validators=[DataRequired(_l("Write what was done.")), UpTo(4000)],
        description=_l("And how one can see it: the paper, the photo, the figure."),
    )  # fmt: skip
    ended_on = LenientDateField(_l("Done on"), default=today, validators=[InputRequired(_l("Write the day on which it was done."))])


class CancelForm(FlaskForm):
    result = TextAreaField(
        _l("Why it is not done"), filters=[tidy], validators=[DataRequired(_l("Write why it is not done.")), UpTo(4000)]
    )


def late_condition(value: str, moment: Moment) -> ColumnElement[bool]:
    is_late = and_(Action.status == ActionStatus.OPEN, Action.due_on < moment.today)
    return is_late if value == "1" else ~is_late


def origin_shown(action: Action) -> Any:
    """Return what asked for the action, with the way to it."""
    text = f"{_(action.origin.value)} {action.origin_key}".strip()
    return Markup('<a href="{}">{}</a>').format(action.origin_path, text) if action.origin_path else text


def _refuse_foreign(action: Action) -> None:
    """Raise DomainError when whoever sees only his processes gives an action to another: he would not find it again."""
    if may("can_see_all", "Action") or (action.id and not inspect(action).attrs.process_id.history.has_changes()):
        return
    if db.session.scalar(processes_of(current_user.id, today()).where(ProcessMember.process_id == action.process_id).limit(1)) is None:
        raise DomainError(N_("You ask for actions of your own processes. Choose one of them."), field="process_id")


class ActionView(Steps, RuledView):
    """Actions in the reader's scope: an owner sees those of his processes. What ended no longer changes."""

    datamodel = SQLAInterface(Action)
    route_base = "/action"
    class_permission_name = "Action"
    include_route_methods = READ_WRITE | {"finish", "cancel"}
    list_title, add_title = _l("Actions"), _l("New action")
    intro = _l("What the verification of a contract, a case or a survey asked somebody to do, and until when.")
    empty_text = _l("Nobody has asked for an action yet. A finding of a verification checklist asks for one, or write it here.")
    list_columns = ["number", "title", "process", "responsible", "due_on", "status", "party"]
    show_fieldsets = [
        (_l("What has to be done"), {"fields": ["title", "description", "kind"]}),
        (_l("Who, and until when"), {"fields": ["process", "responsible", "asked_on", "due_on", "status"]}),
        (_l("What asked for it"), {"fields": ["origin", "party"]}),
        (_l("How it ended"), {"fields": ["result", "ended_on"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("What has to be done"), {"fields": ["kind", "title", "description", "party"]}),
        (_l("Who, and until when"), {"fields": ["process_id", "responsible", "due_on"]}),
    ]
    search_words = ("number", "title")
    filter_columns = ("origin_key",)
    own_facets = (
        Choices("late", _l("Late"), lambda: (("1", N_("Yes")), ("0", N_("No"))), late_condition),
        Rows("responsible", _l("Responsible"), Action.responsible_id, User, User.id, "user", True,
             lambda moment: is_user(Action.responsible_id, moment.user_id, moment.today)),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("To be done"), "status=OPEN&order=due_on"),
        Ready(N_("Late"), "late=1&order=due_on"),
        Ready(N_("Mine, to be done"), "responsible=me&status=OPEN&order=due_on"),
    )
    base_order = ("number", "desc")
    clipped = ("title", "party")
    label_columns = {
        "number": _l("Number"), "title": _l("What has to be done"), "description": _l("Details"), "kind": _l("Kind"),
        "process": _l("Process"), "process_id": _l("Process"), "responsible": _l("Responsible"), "asked_on": _l("Asked on"),
        "due_on": _l("Do it by"), "status": _l("State"), "origin": _l("What asked for it"), "origin_key": _l("Number of what asked for it"),
        "party": _l("About whom"), "result": _l("What was done, or why not"), "ended_on": _l("Ended on"),
    }  # fmt: skip
    description_columns = {
        "title": _l("In a few words, as it will stand in lists."),
        "party": _l("Write the name or the document. Empty when it is about nobody."),
        "responsible": _l("Write the name or the user name. Empty: the owners of the process."),
        "description": _l("What was found, the cause if it is known, and what is expected."),
    }
    add_form_extra_fields = {"process_id": SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()])}
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_actions(statement, today())

    def title_of(self, item: Action) -> str:
        return item.number

    def may_edit(self, item: Action) -> bool:
        return item.status is ActionStatus.OPEN

    def shown(self, item: Action, name: str) -> Any:
        if name == "origin":
            return origin_shown(item)
        if name == "status" and item.status is ActionStatus.OPEN and item.due_on < today():
            return Markup('<span class="pill bad">{}</span>').format(_("Its day is past"))
        if name == "party" and item.party is not None:
            return Markup('<a href="{}">{}</a>').format(url_for("PartyView.show", pk=item.party_id), item.party.name)
        return super().shown(item, name)

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.process_id.data, form.kind.data = request.args.get("process_id", 0, type=int), ActionKind.CORRECTIVE

    def pre_add(self, action: Action) -> None:
        action.origin, action.origin_key, action.origin_path = ActionOrigin.OTHER, "", ""
        _refuse_foreign(action)
        improvement.enter_action(db.session(), action, at=now(), user_id=current_user.id)

    def pre_update(self, action: Action) -> None:
        _refuse_foreign(action)
        improvement.amend_action(db.session(), action)

    def buttons(self, item: Action) -> list[Button]:
        labels = {"finish": _("Finish"), "cancel": _("Cancel the action")} if item.status is ActionStatus.OPEN else {}
        found = [Button(label, url_for(f"ActionView.{name}", pk=item.id)) for name, label in labels.items() if self.may_do(name)]
        return found + history_of("action", item.id)

    @expose("/finish/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("finish")
    def finish(self, pk: str) -> Any:
        """Ask what was done and when, and end the action."""
        form = FinishForm()

        def act(action: Action) -> None:
            improvement.finish_action(db.session(), action, form.result.data or "", ended_on=form.ended_on.data, at=now())

        return self._step(pk, form, _("Finish"), _l("What you write stays: an action that ended no longer changes."), act)

    @expose("/cancel/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("cancel")
    def cancel(self, pk: str) -> Any:
        """Ask why it is not done, and end the action."""
        form = CancelForm()
        help = _l("Its number stays in the list, with this reason. An action that ended no longer changes.")

        def act(action: Action) -> None:
            improvement.cancel_action(db.session(), action, form.result.data or "", at=now())

        return self._step(pk, form, _("Cancel the action"), help, act)
