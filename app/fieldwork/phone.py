"""Mis órdenes: the pages of the technician, for a phone in one hand and a network that comes and goes."""

from __future__ import annotations

import secrets
from typing import Any

from flask import abort, current_app, flash, jsonify, redirect, request, send_from_directory, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.domain.states import OrderStatus
from app.extensions import db, now, today
from app.fieldwork.forms import result_form
from app.fieldwork.visits import LOADED, TONES, facts_of, paper, picture, record
from app.lookups import BIGGEST_ID
from app.models import FieldOrder
from app.operations import files

N_MINE, N_LAST = 200, 10


class MyOrdersView(BaseView):
    """Mis órdenes: what is assigned to the reader, to be filled on a phone, with or without network, with or without script."""

    route_base = "/tecnico"
    default_view = "list"
    class_permission_name = "MyOrder"

    def _order(self, pk: int) -> FieldOrder:
        mine = select(FieldOrder).where(FieldOrder.id == min(pk, BIGGEST_ID), FieldOrder.assignee_id == current_user.id)
        return db.session.scalars(mine.options(*LOADED)).unique().first() or abort(404)

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """What is to be done, the most urgent first, and what was done last."""
        mine = select(FieldOrder).where(FieldOrder.assignee_id == current_user.id).options(joinedload(FieldOrder.account))
        is_open = FieldOrder.status == OrderStatus.ISSUED
        todo = mine.where(is_open).order_by(FieldOrder.due_at.is_(None), FieldOrder.due_at, FieldOrder.due_on.is_(None), FieldOrder.due_on)
        last = mine.where(~is_open).order_by(FieldOrder.done_at.desc(), FieldOrder.id.desc()).limit(N_LAST)
        return self.render_template(
            "orders/mine.html", todo=db.session.scalars(todo.order_by(FieldOrder.id).limit(N_MINE)).all(),
            last=db.session.scalars(last).all(), tones=TONES, today=today(), now=now(),
        )  # fmt: skip

    @expose("/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("fill")
    def fill(self, pk: int) -> Any:
        """The order, and its form while it is to be done. A phone that asks for JSON gets the outcome alone."""
        order = self._order(pk)
        is_undone = request.form.get("do") == "not-done"
        done, undone = result_form(order.kind, True), result_form(order.kind, False)
        forms = [done(formdata=None) if is_undone else done(), undone(prefix="no-") if is_undone else undone(formdata=None, prefix="no-")]
        for each in forms:
            if request.method == "GET" or not each.submission.data:
                each.done_on.data, each.submission.data = today(), secrets.token_urlsafe(24)
        sent = forms[is_undone]
        if request.method == "POST" and sent.validate() and record(order, sent, not is_undone):
            if _wants_json():
                return jsonify(number=order.number)
            flash(_("%(number)s is sent.", number=order.number), "success")
            return redirect(url_for("MyOrdersView.list"))
        if request.method == "POST" and _wants_json():
            return jsonify(errors=_told(sent)), 422
        page = self.render_template("orders/fill.html", done=forms[0], undone=forms[1], limits=files, **facts_of(self._order(pk)))
        return (page, 422) if request.method == "POST" else page

    @expose("/<int:pk>/paper/<which>")
    @has_access
    @permission_name("fill")
    def paper(self, pk: int, which: str) -> Response:
        """The PDF of the order or of its acta."""
        return paper(self._order(pk), which)

    @expose("/<int:pk>/photo/<int:file_id>")
    @has_access
    @permission_name("fill")
    def photo(self, pk: int, file_id: int) -> Response:
        """A picture of the order."""
        return picture(self._order(pk), file_id)

    @expose("/worker.js")
    @has_access
    @permission_name("list")
    def worker(self) -> Response:
        """The service worker: served from here, so that it reaches these pages and no others."""
        response = send_from_directory(f"{current_app.static_folder}/js", "field-worker.js", mimetype="text/javascript", max_age=0)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _told(form: Any) -> list[dict[str, str]]:
    """Return what is wrong with a form: the field, its label, and the refusal."""
    found = [{"field": field.name, "label": str(field.label.text), "text": str(text)} for field in form for text in field.errors]
    return found + [{"field": "", "label": "", "text": str(text)} for text in form.form_errors]
