"""The pages of the office: the list of orders and actas, and what may be done with one."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import Form

from app import queries
from app.baseviews import RuledView
from app.caselist import holds, is_masked
from app.documents.orders import issue_order
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.fieldwork import ASKED, SuspensionBlocked
from app.domain.states import OrderKind, OrderStatus
from app.extensions import db, now, today
from app.fieldwork.forms import AssignForm, ReasonForm, blame_all, chosen, offer_people, order_form, result_form
from app.fieldwork.visits import LOADED, facts_of, paper, picture, record, start
from app.lookups import BIGGEST_ID
from app.models import Account, FieldOrder, Pqr, Process
from app.operations import files, orders
from app.security import may, processes_of, scope_cases, scope_orders

VIEW = "FieldOrder"
#: What may be done with an order, by its part of the address: the right it needs, and the words of its button.
ACTS = {
    "done": ("can_record", N_("Record the result")),
    "not-done": ("can_record", N_("It was not done")),
    "reassign": ("can_issue", N_("Give to another")),
    "excuse": ("can_excuse", N_("Excuse")),
    "void": ("can_void", N_("Void the order")),
}
#: States in which each may be done.
_WHEN = {"excuse": (OrderStatus.ISSUED, OrderStatus.NOT_DONE)}


class OrderView(RuledView):
    """Orders and actas: the list, their pages, and what the office does with them."""

    datamodel = SQLAInterface(FieldOrder)
    route_base = "/orden"
    class_permission_name = VIEW
    include_route_methods = {"list", "show", "export", "issue", "act", "paper", "photo"}
    show_template = "orders/show.html"
    list_template = "orders/list.html"
    list_title = _l("Orders and actas")
    search_hint = _l("Number, invoice, instructions")
    search_words = ("number", "invoice_number", "instructions")
    empty_text = _l("Nothing was ordered yet. Open a case and press “Order field work”.")
    list_columns = ["number", "kind", "status", "account", "pqr", "assignee", "due_on", "done_on"]
    more_columns = ("issued_on", "process", "invoice_number", "debt_cop", "due_at", "done_by")
    show_columns = ["number"]
    filter_columns = ("kind", "status", "assignee", "issued_on", "due_on", "done_on")
    base_order = ("id", "desc")
    label_columns = {
        "number": _l("Number"), "kind": _l("Kind"), "status": _l("State"), "account": _l("Account"), "pqr": _l("Case"),
        "assignee": _l("Who goes"), "issued_on": _l("Ordered"), "due_on": _l("Until"), "done_on": _l("Done"),
        "process": _l("Process"), "invoice_number": _l("Invoice"), "debt_cop": _l("Debt (pesos)"),
        "due_at": _l("The service has to be back by"), "done_by": _l("Who recorded it"),
    }  # fmt: skip

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form  # an order is never written through a generated form

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_orders(statement, today())

    def shown(self, item: Any, name: str) -> Any:
        if name == "account" and item.account is not None and item.pqr is not None and is_masked(item.pqr):
            return item.account.number  # its address would tell who filed
        return super().shown(item, name)

    def _order(self, pk: str) -> FieldOrder:
        key = int(pk) if pk.isdecimal() and int(pk) <= BIGGEST_ID else abort(404)
        statement = self.scope(select(FieldOrder).where(FieldOrder.id == key)).options(*LOADED)
        return db.session.scalars(statement).unique().first() or abort(404)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Everything about one order."""
        return self.render_template("orders/show.html", **self._facts(self._order(pk)))

    def _facts(self, order: FieldOrder) -> dict[str, Any]:
        acts = {}
        if _holds(order):
            for name, (right, label) in ACTS.items():
                if order.status in _WHEN.get(name, (OrderStatus.ISSUED,)) and may(right, VIEW):
                    acts[name] = _(label)
        masked = order.pqr is not None and is_masked(order.pqr)
        return facts_of(order) | {"acts": acts, "view": self, "is_masked": masked}

    # ── ordering ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/issue", methods=["GET", "POST"])
    @has_access
    @permission_name("issue")
    def issue(self) -> str | Response | tuple[str, int]:
        """Choose what to order, then order it: `case` and `kind` in the address."""
        pqr = _case(request.args.get("case", ""))
        kind = OrderKind.__members__.get(request.args.get("kind", ""))
        if kind is None:
            return self.render_template("orders/kinds.html", pqr=pqr, kinds=OrderKind)
        form = order_form(kind)()
        offer_people(form)
        if not form.is_submitted():
            _prefill(form, pqr)
        elif form.validate():
            try:
                order = issue_order(db.session, _new(kind, pqr, form), current_user._get_current_object(), now())
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame_all(form, error)
                return self._issue_page(form, kind, error), 422
            flash(_("%(number)s is ordered. Print it, or it waits on the phone of whoever goes.", number=order.number), "success")
            return redirect(url_for("OrderView.show", pk=order.id))
        page = self._issue_page(form, kind)
        return (page, 422) if form.is_submitted() else page

    def _issue_page(self, form: Any, kind: OrderKind, refused: DomainError | None = None) -> str:
        pqr = _case(request.args.get("case", ""))
        number = refused.fields["number"] if isinstance(refused, SuspensionBlocked) else None
        return self.render_template("orders/issue.html", form=form, kind=kind, pqr=pqr, blocking=number, deviation=_deviation(form))

    # ── recording, excusing, voiding ──────────────────────────────────────────────────────────────────────────────────────

    @expose("/act/<pk>/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def act(self, pk: str, name: str) -> str | Response | tuple[str, int]:
        """The page of one thing to do with an order, and the doing."""
        order = self._order(pk)
        if name not in ACTS:
            abort(404)
        if not (may(ACTS[name][0], VIEW) and _holds(order)):
            abort(403)
        form = _act_form(order, name)
        if form.validate_on_submit() and self._did(order, name, form):
            flash(_("Saved."), "success")
            return redirect(url_for("OrderView.show", pk=pk))
        order = self._order(pk)
        page = self.render_template("orders/act.html", form=form, name=name, label=ACTS[name][1], limits=files, **self._facts(order))
        return (page, 422) if form.is_submitted() else page

    def _did(self, order: FieldOrder, name: str, form: Any) -> bool:
        if name in ("done", "not-done"):
            return record(order, form, name == "done")
        try:
            if name == "reassign":
                orders.reassign(db.session, order, chosen(form), form.due_on.data, at=now())
            else:
                {"excuse": orders.excuse, "void": orders.void}[name](db.session, order, form.reason.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame_all(form, error)
            return False
        return True

    # ── paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/paper/<pk>/<which>")
    @has_access
    @permission_name("show")
    def paper(self, pk: str, which: str) -> Response:
        """The PDF of the order or of its acta, as it was issued."""
        order = self._order(pk)
        if order.pqr is not None and is_masked(order.pqr):
            abort(403)  # it carries the address
        return paper(order, which)

    @expose("/photo/<pk>/<int:file_id>")
    @has_access
    @permission_name("show")
    def photo(self, pk: str, file_id: int) -> Response:
        """A picture of the order."""
        return picture(self._order(pk), file_id)


def _holds(order: FieldOrder) -> bool:
    """Whether the reader may act on an order: as on its case; without a case, the whole house or the process that ordered it."""
    if order.pqr is not None:
        return holds(order.pqr)
    return may("can_see_all") or order.process_id in set(db.session.scalars(processes_of(current_user.id, today())))


def _case(number: str) -> Pqr | None:
    """Return the case that the address names, in the reader's scope and hands; None without one, else 404 or 403."""
    if not number:
        return None
    pqr = db.session.scalar(scope_cases(select(Pqr).where(Pqr.number == number.upper()), today())) or abort(404)
    return pqr if holds(pqr) else abort(403)


def _prefill(form: Any, pqr: Pqr | None) -> None:
    """Start the form with what the case knows; never with an account whose address the reader may not see."""
    if pqr is not None and not is_masked(pqr):
        form.account.data, form.invoice_number.data = pqr.account, pqr.invoice_number
    if pqr is not None and form.debt_cop.data is None:
        form.debt_cop.data = pqr.disputed_cop
    named = request.args.get("account", "")
    if named.isdecimal() and int(named) <= BIGGEST_ID and may("can_list", "Account"):
        form.account.data = db.session.scalar(select(Account).options(joinedload(Account.service)).where(Account.id == int(named)))
    form.deviation.data = request.args.get("deviation", "")


def _new(kind: OrderKind, pqr: Pqr | None, form: Any) -> orders.NewOrder:
    return orders.NewOrder(
        kind=kind, pqr=pqr, account=form.account.data, assignee=chosen(form), process=_process(pqr),
        instructions=form.instructions.data or "", due_on=form.due_on.data,
        invoice_number=form.invoice_number.data, debt_cop=form.debt_cop.data,
        asked={each.name: form[each.name].data for each in ASKED[kind]}, deviation=_deviation(form),
    )  # fmt: skip


def _process(pqr: Pqr | None) -> Process | None:
    """Return who orders: whoever has the case, else the reader's own process, else the front desk."""
    if pqr is not None:
        return pqr.process
    mine = select(Process).where(Process.id.in_(processes_of(current_user.id, today()))).order_by(Process.id).limit(1)
    return db.session.scalar(mine) or queries.front_desk(db.session)


#: What a verdict on a deviation says (`domain.deviation.Deviation.facts`).
_VERDICT = ("consumption", "basis", "n_periods", "average", "percentage", "limit", "lower", "upper", "verdict", "norm")


def _deviation(form: Any) -> dict[str, Any] | None:
    """Return the verdict that the calculator handed over, or None: what it does not know is left out."""
    try:
        told = json.loads(form.deviation.data or "null")
    except ValueError:
        return None
    if not isinstance(told, dict) or not set(told) >= {"consumption", "verdict", "average"}:
        return None
    return {name: told[name] if told[name] is None else str(told[name])[:300] for name in _VERDICT if name in told}


def _act_form(order: FieldOrder, name: str) -> Any:
    if name in ("done", "not-done"):
        return start(result_form(order.kind, name == "done")())
    form = AssignForm() if name == "reassign" else ReasonForm()
    if name == "reassign":
        offer_people(form)
        if not form.is_submitted():
            form.assignee.data, form.due_on.data = order.assignee_id, order.due_on
    return form
