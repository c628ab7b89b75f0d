"""How each person likes a list: the columns, and filters saved under a name, for oneself or for a role."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import delete, select
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import DataRequired

from app.baseviews import RuledView
from app.extensions import appbuilder, db
from app.forms import UpTo
from app.models import ListColumns, SavedFilter
from app.reader import reader
from app.security import may
from app.words import tidy

MOST_SAVED = 60


class SaveForm(FlaskForm):
    title = StringField(_l("Name"), filters=[tidy], validators=[DataRequired(_l("Write a name for the filter.")), UpTo(60)])
    role = SelectField(_l("Who sees it"), description=_l("Shared with a role, everybody who has it finds it over this list."))
    is_pinned = BooleanField(_l("Show it in the menu"))


class ListsView(BaseView):
    """`/lists/<name>/…`, where the name is that of the view in the rights; whoever may list it may arrange it for himself."""

    route_base = "/lists"
    class_permission_name = "Lists"

    def _view(self, name: str) -> RuledView:
        if not current_user.is_authenticated:
            abort(401)
        view = next((each for each in appbuilder.baseviews if isinstance(each, RuledView) and each.list_name == name), None)
        if view is None:
            abort(404)
        if not may("can_list", name):
            abort(403)
        return view

    @staticmethod
    def _query() -> str:
        """Return the query of the list as a panel carries it; it only ever follows a question mark of our own address."""
        text = request.form.get("query", "") if request.method == "POST" else request.query_string.decode("ascii", "ignore")
        return "".join(letter for letter in text[:2000] if letter.isprintable())

    def _facts(self, view: RuledView) -> dict[str, Any]:
        query = self._query()
        back = f"{view.list_url()}?{query}" if query else view.list_url()
        return {"view": view, "query": query, "back": back, "is_fragment": request.headers.get("X-Fragment") == "panel"}

    def _page(self, template: str, **facts: Any) -> str:
        return render_template(template, **facts) if facts["is_fragment"] else self.render_template(template, **facts)

    # Columns

    @expose("/<name>/columns", methods=["GET", "POST"])
    def columns(self, name: str) -> Any:
        """Choose and order the columns of a list."""
        view = self._view(name)
        facts = self._facts(view)
        if request.method == "POST":
            return self._keep_columns(view, facts["back"])
        shown = reader().columns_of(name) or tuple(view.list_columns)
        shown = tuple(each for each in shown if each in view.choosable)
        return self._page("list/columns.html", shown=shown, names=[*shown, *(x for x in view.choosable if x not in shown)], **facts)

    def _keep_columns(self, view: RuledView, back: str) -> Response:
        names = [each for each in dict.fromkeys(request.form.getlist("all")) if each in view.choosable]
        ticked = set(request.form.getlist("name"))
        for way, step in (("up", -1), ("down", 1)):
            moved = request.form.get(way)
            if moved in names:
                at = names.index(moved)
                names.insert(max(at + step, 0), names.pop(at))
        wanted = [each for each in names if each in ticked]
        db.session.execute(delete(ListColumns).where(ListColumns.user_id == current_user.id, ListColumns.list_name == view.list_name))
        if wanted and request.form.get("do") != "reset":
            db.session.add(ListColumns(user_id=current_user.id, list_name=view.list_name, names=",".join(wanted)))
        db.session.commit()
        if "up" in request.form or "down" in request.form:
            return redirect(url_for("ListsView.columns", name=view.list_name) + "?" + self._query())
        return redirect(back)

    # Saved filters

    @expose("/<name>/filters", methods=["GET", "POST"])
    def filters(self, name: str) -> Any:
        """Save the filters of a list under a name; show one's own."""
        view = self._view(name)
        facts = self._facts(view)
        form = SaveForm()
        form.role.choices = [("", _("only me")), *((str(role.id), role.name) for role in current_user.roles)]
        own = self._own(name)
        if request.method == "POST" and form.validate():
            if len(own) >= MOST_SAVED and form.title.data not in {row.name for row in own}:
                form.title.errors = [_("You have %(n)s saved filters here: delete one first.", n=MOST_SAVED)]
            elif facts["query"]:
                self._save(view, form, facts["query"])
                return redirect(facts["back"])
        status = 422 if form.errors else 200
        return self._page("list/filters.html", form=form, own=own, **facts), status

    @staticmethod
    def _own(name: str) -> list[SavedFilter]:
        statement = select(SavedFilter).where(SavedFilter.owner_id == current_user.id, SavedFilter.list_name == name)
        return list(db.session.scalars(statement.order_by(SavedFilter.name)))

    @staticmethod
    def _save(view: RuledView, form: SaveForm, query: str) -> None:
        """Keep it; the same name again says what it shows from now on."""
        title = form.title.data or ""
        statement = select(SavedFilter).filter_by(owner_id=current_user.id, list_name=view.list_name, name=title)
        row = db.session.scalar(statement) or SavedFilter(owner_id=current_user.id, list_name=view.list_name, name=title)
        row.query, row.is_pinned = query, form.is_pinned.data
        row.role_id = int(form.role.data) if form.role.data else None
        db.session.add(row)
        db.session.commit()
        flash(_("The filter “%(name)s” is saved.", name=title), "success")

    @expose("/<name>/filters/<int:pk>", methods=["POST"])
    def arrange(self, name: str, pk: int) -> Response:
        """Pin, unpin or delete one's own saved filter."""
        view = self._view(name)
        row = next((each for each in self._own(name) if each.id == pk), None) or abort(404)
        match request.form.get("do"):
            case "delete":
                db.session.delete(row)
                flash(_("The filter “%(name)s” is deleted.", name=row.name), "success")
            case "pin" | "unpin" as what:
                row.is_pinned = what == "pin"
            case _:
                abort(404)
        db.session.commit()
        return redirect(self._facts(view)["back"])
