"""The register of actions: what findings, cases and surveys asked somebody to do; its list, its page, and the moves along its path."""

from __future__ import annotations

from typing import Any

from flask import abort, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, inspect, select
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.validators import InputRequired

from app import asking, queries
from app.actions.analysis import Analysis
from app.actions.effect import Effects
from app.actions.forms import FinishForm, PostponeForm, ReasonForm
from app.actions.page import PEOPLE, Hand, facts_of_page, is_own
from app.actions.plan import Plans
from app.baseviews import READ_WRITE, RuledView
from app.documents.actions import action_paper
from app.domain import N_
from app.domain.actions import ActionMove
from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionStatus
from app.downloads import show_pdf
from app.extensions import db, now, today
from app.listing import Choices, Moment, Rows
from app.listviews import Ready
from app.models import Action, ActionTask, ProcessMember
from app.operations import actions, improvement
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import is_user, may, processes_of, scope_actions
from app.steps import Steps


def late_condition(value: str, moment: Moment) -> ColumnElement[bool]:
    is_late = queries.late_action(moment.today)
    return is_late if value == "1" else ~is_late


def task_condition(value: str, moment: Moment) -> ColumnElement[bool]:
    if value == "me":
        return actions.has_task_of(lambda column: is_user(column, moment.user_id, moment.today))
    late = select(ActionTask.id).where(ActionTask.action_id == Action.id, queries.task_to_be_done(), ActionTask.due_on < moment.today)
    return late.correlate(Action).exists()


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


class ActionView(Steps, Effects, Analysis, Plans, RuledView):
    """
    Actions in the reader's scope: an owner sees those of his processes, and whoever has a task sees its action.

    Whoever only has a task writes nothing but that task. What ended no longer changes.
    """

    datamodel = SQLAInterface(Action)
    route_base = "/action"
    class_permission_name = "Action"
    include_route_methods = READ_WRITE | {
        "plan", "approve", "send_back", "carry_out", "finish", "postpone", "cancel", "paper", "analysis", "root", "task_add", "task_edit",
        "task_end", "task_drop", "task_postpone", "attach", "file", "withdraw", "measure", "effect", "judge",
    }  # fmt: skip
    list_title, add_title = _l("Actions"), _l("New action")
    intro = _l("What a case, a survey, a finding or a risk asked somebody to do: its cause, its plan, and whether it worked.")
    empty_text = _l("Nobody has asked for an action yet. A finding of a verification checklist asks for one, or write it here.")
    list_columns = ["number", "title", "process", "responsible", "due_on", "status", "party"]
    show_columns = [
        "title", "description", "kind", "process", "responsible", "asked_on", "due_on", "status", "origin", "party", "cause", "measure",
        "review_on", "verdict", "result", "ended_on",
    ]  # fmt: skip
    edit_fieldsets = [
        (_l("What has to be done"), {"fields": ["kind", "title", "description", "party"]}),
        (_l("Who, and until when"), {"fields": ["process_id", "responsible", "due_on"]}),
    ]
    add_fieldsets = [(_l("What asks for it"), {"fields": ["origin", "origin_key"]}), *edit_fieldsets]
    edit_columns = [name for _title, fieldset in edit_fieldsets for name in fieldset["fields"]]
    search_words = ("number", "title")
    filter_columns = ("origin_key",)
    own_facets = (
        Choices("late", _l("Late"), lambda: (("1", N_("Yes")), ("0", N_("No"))), late_condition),
        Choices("task", _l("With a task to be done"), lambda: (("me", N_("Mine")), ("late", N_("Late"))), task_condition),
        Rows("responsible", _l("Responsible"), Action.responsible_id, User, User.id, "user", True,
             lambda moment: is_user(Action.responsible_id, moment.user_id, moment.today)),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("To be done"), "status=OPEN,PLANNED,RUNNING&order=due_on"),
        Ready(N_("Late"), "late=1&order=due_on"),
        Ready(N_("Mine, to be done"), "responsible=me&status=OPEN,PLANNED,RUNNING&order=due_on"),
        Ready(N_("Plans to be approved"), "status=PLANNED&order=due_on"),
        Ready(N_("To be reviewed"), "status=REVIEW&order=review_on"),
    )
    base_order = ("number", "desc")
    clipped = ("title", "party")
    label_columns = {
        "number": _l("Number"), "title": _l("What has to be done"), "description": _l("Details"), "kind": _l("Kind"),
        "process": _l("Process"), "process_id": _l("Process"), "responsible": _l("Responsible"), "asked_on": _l("Asked on"),
        "due_on": _l("Do it by"), "status": _l("State"), "origin": _l("What asked for it"), "origin_key": _l("Number of what asked for it"),
        "party": _l("About whom"), "result": _l("What was done, or why not"), "ended_on": _l("Ended on"), "cause": _l("Root cause"),
        "measure": _l("How its effect is measured"), "review_on": _l("To be reviewed on"), "verdict": _l("What its review found"),
    }  # fmt: skip
    description_columns = {
        "title": _l("In a few words, as it will stand in lists."),
        "party": _l("Write the name or the document. Empty when it is about nobody."),
        "responsible": _l("Write the name or the user name. Empty: the owners of the process."),
        "description": _l("What was found, the cause if it is known, and what is expected."),
        "origin_key": _l("As its page shows it, PQR-2026-000123; of an audit or another origin, in your words. It stays as it is saved."),
    }
    add_form_extra_fields = {"process_id": SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()])}
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_actions(statement, today())

    def title_of(self, item: Action) -> str:
        return item.number

    def may_edit(self, item: Action) -> bool:
        return not item.status.is_over and is_own(item)

    def writable(self, pk: str) -> Action:
        """Return the action when the reader writes all of it, or answer 404."""
        item = self.item(pk, PEOPLE)
        if not Hand(item).writes:
            abort(404)
        return item

    def shown(self, item: Action, name: str) -> Any:
        if name == "origin":
            return origin_shown(item)
        if name == "status":
            return asking.state_shown(item)
        if name == "party" and item.party is not None:
            return Markup('<a href="{}">{}</a>').format(url_for("PartyView.show", pk=item.party_id), item.party.name)
        return super().shown(item, name)

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.process_id.data, form.kind.data = request.args.get("process_id", 0, type=int), ActionKind.CORRECTIVE
        asking.fill(form)

    def pre_add(self, action: Action) -> None:
        asking.name_origin(action)
        _refuse_foreign(action)
        improvement.enter_action(db.session(), action, at=now(), user_id=current_user.id)

    def pre_update(self, action: Action) -> None:
        _refuse_foreign(action)
        improvement.amend_action(db.session(), action, at=now(), user_id=current_user.id)

    # The page

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        """How far an action came, what its next step still lacks, and what was analysed, planned, done and found."""
        item = self.item(pk, PEOPLE)
        facts = facts_of_page(item) | {"view": self, "origin": origin_shown(item), "history": history_of("action", item.id)}
        return self.render_template("actions/show.html", **facts)

    @expose("/paper/<pk>")
    @has_access
    @permission_name("download")
    def paper(self, pk: str) -> Response:
        """The action on paper, as it stands today."""
        item = self.item(pk, (*PEOPLE, "organisation"))
        return show_pdf(action_paper(db.session(), item, now()), f"{item.number}.pdf")

    # Its moves

    @expose("/plan/<pk>", methods=["POST"])
    @has_access
    @permission_name("plan")
    def plan(self, pk: str) -> Response:
        """Send the plan to be approved."""
        self.writable(pk)
        return self._press(pk, lambda item: actions.plan(db.session(), item, at=now(), user_id=current_user.id),
                           _("The plan is sent. Somebody approves it, or returns it with a reason."))  # fmt: skip

    @expose("/approve/<pk>", methods=["POST"])
    @has_access
    @permission_name("approve")
    def approve(self, pk: str) -> Response:
        """Approve the plan."""
        self.writable(pk)
        return self._press(pk, lambda item: actions.approve(db.session(), item, at=now(), user_id=current_user.id),
                           _("The plan is approved. Whoever has a task may end it."))  # fmt: skip

    @expose("/carry-out/<pk>", methods=["POST"])
    @has_access
    @permission_name("carry_out")
    def carry_out(self, pk: str) -> Response:
        """Record that the plan was carried out."""
        self.writable(pk)
        return self._press(pk, lambda item: actions.carry_out(db.session(), item, at=now(), user_id=current_user.id),
                           _("The plan is carried out. Its effect is reviewed when the days looked at are over."))  # fmt: skip

    @expose("/return/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("return")
    def send_back(self, pk: str) -> Any:
        """Return the plan to whoever wrote it."""
        self.writable(pk)
        form = ReasonForm()
        help = _l("Say what the plan lacks. Whoever wrote it corrects it and sends it again.")
        return self._step(pk, form, _(ActionMove.RETURN.value), help, lambda item: actions.send_back(
            db.session(), item, form.reason.data or "", at=now(), user_id=current_user.id))  # fmt: skip

    @expose("/finish/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("finish")
    def finish(self, pk: str) -> Any:
        """Ask what was done and when, and end a correction."""
        self.writable(pk)
        form = FinishForm()
        help = _l("What you write stays: an action that ended no longer changes.")
        return self._step(pk, form, _("Finish"), help, lambda item: actions.finish(
            db.session(), item, form.result.data or "", ended_on=form.ended_on.data, at=now(), user_id=current_user.id))  # fmt: skip

    @expose("/postpone/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("postpone")
    def postpone(self, pk: str) -> Any:
        """Give it another last day, or another day of review, with the reason."""
        item = self.writable(pk)
        form = PostponeForm(data={"due_on": item.review_on if item.status is ActionStatus.REVIEW else item.due_on})
        help = _l("The day of before stays in the history, with your reason.")
        return self._step(pk, form, _(ActionMove.POSTPONE.value), help, lambda item: actions.postpone(
            db.session(), item, form.due_on.data, form.reason.data or "", at=now(), user_id=current_user.id))  # fmt: skip

    @expose("/cancel/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("cancel")
    def cancel(self, pk: str) -> Any:
        """Ask why it is not done, and end the action."""
        self.writable(pk)
        form = ReasonForm()
        help = _l("Its number stays in the list, with this reason. An action that ended no longer changes.")
        return self._step(pk, form, _(ActionMove.CANCEL.value), help, lambda item: actions.cancel(
            db.session(), item, form.reason.data or "", at=now(), user_id=current_user.id))  # fmt: skip
