"""The plan of an action: its tasks, each with somebody and a day, and the files that show what was found and done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.actions.forms import FilesForm, ReasonForm, TaskEndForm, TaskForm, TaskPostponeForm
from app.actions.page import Hand
from app.domain import N_
from app.domain.actions import ActionMove
from app.domain.errors import DomainError
from app.domain.improvement import TaskStatus
from app.downloads import send_stored
from app.extensions import db, now
from app.lookups import BIGGEST_ID
from app.models import Action, ActionFile, ActionTask
from app.operations import action_plans
from app.operations.files import check_uploads


class Plans:
    """Inherited by `ActionView` besides; see `Steps` for what it builds on."""

    item: Callable[..., Any]
    writable: Callable[..., Any]
    _step: Callable[..., Any]

    def _task(self, pk: str, task_id: int) -> tuple[Action, ActionTask]:
        """Return an open task with its action, in the reader's scope, or answer 404."""
        action = self.item(pk)
        wanted = select(ActionTask).where(ActionTask.id == min(task_id, BIGGEST_ID), ActionTask.action_id == action.id)
        task = db.session.scalars(wanted.options(joinedload(ActionTask.responsible))).first()
        if task is None or task.status is not TaskStatus.OPEN or task.round != action.round:
            abort(404)
        return action, task

    def _own_task(self, pk: str, task_id: int) -> tuple[Action, ActionTask]:
        """Return an open task of an action that the reader writes, or answer 404."""
        action, task = self._task(pk, task_id)
        if not Hand(action).writes:
            abort(404)
        return action, task

    def _to_plan(self, pk: str, answer: Any) -> Any:
        """Let a step that was made lead back to the plan."""
        if isinstance(answer, Response):
            answer.location = url_for("ActionView.show", pk=pk, _anchor="plan")
        return answer

    @expose("/task/add/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def task_add(self, pk: str) -> Any:
        """Add a task to the plan."""
        action = self.writable(pk)
        form = TaskForm(data={"due_on": action.due_on})
        help = _l("One thing, one person, one day. The day of a task is not later than the last day of the action.")

        def act(item: Action) -> None:
            action_plans.add_task(db.session(), item, form.what.data or "", form.due_on.data, _id(form.responsible), at=now(),
                                  user_id=current_user.id)  # fmt: skip

        return self._to_plan(pk, self._step(pk, form, _("Add a task"), help, act))

    @expose("/task/edit/<pk>/<int:task_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def task_edit(self, pk: str, task_id: int) -> Any:
        """Write a task of a plan that was not sent yet anew."""
        _action, task = self._own_task(pk, task_id)
        form = TaskForm(obj=task)
        help = _l("Once the plan is approved, its days are changed with a reason only.")

        def act(_item: Action) -> None:
            action_plans.change_task(db.session(), task, form.what.data or "", form.due_on.data, _id(form.responsible))

        return self._to_plan(pk, self._step(pk, form, _("Change task %(n)s", n=task.position), help, act))

    @expose("/task/end/<pk>/<int:task_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("do")
    def task_end(self, pk: str, task_id: int) -> Any:
        """Ask what shows that a task was done, with its files, and end it."""
        action, task = self._task(pk, task_id)
        if not Hand(action).may_do(task):
            abort(404)
        form = TaskEndForm()

        def act(item: Action) -> None:
            for content in check_uploads(form.files.data):
                action_plans.attach(db.session(), item, content, task=task, user_id=current_user.id)
            action_plans.end_task(db.session(), task, form.said.data or "", ended_on=form.ended_on.data, at=now(), user_id=current_user.id)

        return self._to_plan(pk, self._step(pk, form, _("End task %(n)s", n=task.position), task.what, act))

    @expose("/task/drop/<pk>/<int:task_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def task_drop(self, pk: str, task_id: int) -> Any:
        """Ask why a task is not done, and end it."""
        _action, task = self._own_task(pk, task_id)
        form = ReasonForm()

        def act(_item: Action) -> None:
            action_plans.drop_task(db.session(), task, form.reason.data or "", at=now(), user_id=current_user.id)

        return self._to_plan(pk, self._step(pk, form, _("Do not do task %(n)s", n=task.position), task.what, act))

    @expose("/task/postpone/<pk>/<int:task_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("postpone")
    def task_postpone(self, pk: str, task_id: int) -> Any:
        """Give a task of an approved plan another day or person, with the reason."""
        _action, task = self._own_task(pk, task_id)
        form = TaskPostponeForm(obj=task)

        def act(_item: Action) -> None:
            action_plans.postpone_task(db.session(), task, form.due_on.data, _id(form.responsible), form.reason.data or "", at=now(),
                                       user_id=current_user.id)  # fmt: skip

        return self._to_plan(pk, self._step(pk, form, _(ActionMove.TASK_POSTPONE.value), task.what, act))

    # Files

    @expose("/attach/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("attach")
    def attach(self, pk: str) -> Any:
        """Keep files that show what was found or done."""
        hand = Hand(self.item(pk))
        if not (hand.writes or hand.tasks):
            abort(404)
        form = FilesForm()

        def act(item: Action) -> None:
            files = check_uploads(form.files.data)
            if not files:
                raise DomainError(N_("Choose the files."), field="files")
            for content in files:
                action_plans.attach(db.session(), item, content, form.description.data or "", user_id=current_user.id)

        return self._step(pk, form, _("Attach files"), _l("They stay with the action. One attached by mistake is withdrawn."), act)

    @expose("/file/<pk>/<int:file_id>")
    @has_access
    @permission_name("download")
    def file(self, pk: str, file_id: int) -> Response:
        """A file of an action in the reader's scope."""
        return send_stored(self._file(self.item(pk), file_id).file)

    @expose("/withdraw/<pk>/<int:file_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("attach")
    def withdraw(self, pk: str, file_id: int) -> Any:
        """Withdraw a file that was attached by mistake: whoever attached it, or who writes the action."""
        action = self.item(pk)
        kept = self._file(action, file_id)
        if kept.created_by_id != current_user.id and not Hand(action).writes:
            abort(404)
        help = _l("It was attached by mistake: nobody opens it any more, and the change log remembers it.")
        return self._step(pk, FlaskForm(), _("Withdraw “%(name)s”", name=kept.file.name), help, lambda _item: action_plans.withdraw(
            db.session(), kept, at=now(), user_id=current_user.id))  # fmt: skip

    @staticmethod
    def _file(action: Action, file_id: int) -> ActionFile:
        """Return a file of *action* that was not withdrawn, or answer 404."""
        named = ActionFile.action_id == action.id, ActionFile.id == min(file_id, BIGGEST_ID), ActionFile.withdrawn_at.is_(None)
        found: ActionFile = db.session.scalars(select(ActionFile).where(*named).options(joinedload(ActionFile.file))).first() or abort(404)
        return found


def _id(field: Any) -> int | None:
    return field.data.id if field.data else None
