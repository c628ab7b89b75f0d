"""The map of columns: which columns the file of each kind has, in which order, under which heading, in which notation."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import Form, IntegerField, SelectField, StringField
from wtforms.validators import Optional as Empty

from app.domain import N_
from app.domain.billing import FIELD, FIELDS, MOST_COLUMNS, NOTATIONS, MapColumn
from app.domain.errors import DomainError
from app.domain.states import BillingKind
from app.extensions import db, today
from app.forms import UpTo
from app.operations import billing
from app.reports.billing import preview
from app.security import may
from app.words import say, tidy

SPARE, MORE = 2, 5
CONSTANT = "="


class ColumnForm(Form):
    """A column. One without a heading is left out."""

    place = IntegerField(_l("Order"), validators=[Empty()])
    header = StringField(_l("Heading"), filters=[tidy], validators=[UpTo(60)])
    field = SelectField(_l("What it says"))
    constant = StringField(_l("Fixed text"), validators=[UpTo(120)])
    notation = SelectField(_l("Notation"))

    def offer(self, kind: BillingKind) -> ColumnForm:
        """Give the choices of *kind*."""
        self.field.choices = [(CONSTANT, _("(the fixed text)")), *((each.name, _(each.label)) for each in FIELDS[kind])]
        shapes = dict.fromkeys((name, example) for notations in NOTATIONS.values() for name, example in notations)
        groups = {name: [example for other, example in shapes if other == name] for name, _example in shapes}
        self.notation.choices = [("", _("(as usual)")), *((name, " · ".join(examples)) for name, examples in groups.items())]
        return self

    def said(self, kind: BillingKind) -> MapColumn:
        """Return the column as written; a notation that its field does not have is the usual one."""
        name = self.field.data
        if name == CONSTANT:
            return MapColumn(self.header.data, "", self.constant.data or "")
        known = FIELD[kind].get(name)
        notation = self.notation.data if known and self.notation.data in known.notations else ""
        return MapColumn(self.header.data, name or "", self.constant.data or None, notation)


class BillingColumnView(BaseView):
    """`/billing/columns/SOLUTION`: the columns of one kind, with the first rows of the file that they make."""

    route_base = "/billing/columns"
    default_view = "list"
    class_permission_name = "BillingColumn"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Response:
        """Go to the first kind."""
        return redirect(url_for("BillingColumnView.edit", kind=BillingKind.SOLUTION.name))

    @expose("/<kind>", methods=["GET", "POST"])
    @has_access
    @permission_name("list")
    def edit(self, kind: str) -> Any:
        """Read the columns of a kind; whoever may, changes them: from the next batch on."""
        of = BillingKind.__members__.get(kind) or abort(404)
        if request.method == "GET":
            columns = billing.map_of(db.session, of)
            return self._page(of, _lines(of, columns), columns, _seal(columns))
        if not may("can_map", "BillingColumn"):
            abort(403)
        lines = _sent(of)
        columns = [line.said(of) for line in _in_order(lines)]
        problem = ""
        if request.form.get("do") == "save":
            try:
                are_fine = [line.validate() for line in lines]
                if not all(are_fine):
                    raise DomainError(N_("Correct the lines that are marked."))
                billing.save_map(db.session, of, columns, _unseal(request.form.get("seen", "")))
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                problem = say(error)
            else:
                flash(_("The columns are saved. The next batch has them; those that left stay as they are."), "success")
                return redirect(url_for("BillingColumnView.edit", kind=kind))
        more = MORE if request.form.get("do") == "more" else 0
        shown = _lines(of, columns, SPARE + more) if not problem else lines
        return self._page(of, shown, columns, request.form.get("seen", ""), problem)

    def _page(self, kind: BillingKind, lines: Any, columns: Any, seen: str, problem: str = "") -> Any:
        sample: Any = []
        try:
            sample = preview(db.session, kind, columns, today()) if columns else []
        except (DomainError, KeyError) as error:
            problem = problem or (say(error) if isinstance(error, DomainError) else "")
        facts = {"kind": kind, "kinds": BillingKind, "lines": lines, "columns": columns, "sample": sample, "seen": seen}
        page = self.render_template("billing/columns.html", problem=problem, may_map=may("can_map", "BillingColumn"), **facts)
        return page, 422 if problem and request.method == "POST" else 200


def _lines(kind: BillingKind, columns: Any, n_spare: int = SPARE) -> list[ColumnForm]:
    """Return the lines of the form for *columns*, and some empty ones below."""
    written = [
        {"place": n, "header": each.header, "field": each.field or CONSTANT, "constant": each.constant or "", "notation": each.notation}
        for n, each in enumerate(columns, 1)
    ]
    n = min(len(written) + n_spare, MOST_COLUMNS)
    return [ColumnForm(data=written[i] if i < len(written) else {"place": i + 1}, prefix=f"line-{i}-").offer(kind) for i in range(n)]


def _sent(kind: BillingKind) -> list[ColumnForm]:
    n = max((int(found[1]) + 1 for name in request.form if (found := re.match(r"line-(\d{1,2})-", name))), default=0)
    return [ColumnForm(request.form, prefix=f"line-{i}-").offer(kind) for i in range(min(n, MOST_COLUMNS))]


def _in_order(lines: list[ColumnForm]) -> list[ColumnForm]:
    """Return the lines with a heading by the order that was written; of equal ones, the first stays first."""
    return sorted((line for line in lines if line.header.data), key=lambda line: line.place.data or 0)


def _seal(columns: Any) -> str:
    """Return the columns that the writer starts from, as the form carries them."""
    return json.dumps([[each.header, each.field, each.constant, each.notation] for each in columns], ensure_ascii=False)


def _unseal(text: str) -> list[MapColumn]:
    """Return the columns that `_seal` wrote; none for what it did not write."""
    try:
        return [MapColumn(*each) for each in json.loads(text)]
    except (TypeError, ValueError):
        return []
