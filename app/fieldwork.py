"""
Orders and actas: the pages of the office, and those of the technician, made for a phone in one hand and a network that comes and goes.

They fetch an order with the reader's scope, ask the right, call one operation and commit. A technician reaches nothing but what is
assigned to them. What an order asks for is declared in `domain.fieldwork`; the forms are made from there.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from flask import abort, current_app, flash, jsonify, redirect, request, send_from_directory, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response
from wtforms import (
    DecimalField,
    Field,
    Form,
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, NumberRange
from wtforms.validators import Optional as Empty
from wtforms.widgets import DateInput, TimeInput

from app import queries
from app.baseviews import RuledView
from app.caselist import holds, is_masked
from app.documents import document_bytes
from app.documents.orders import finish_order, issue_order, shown_value
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.fieldwork import ASKED, GIVES_BACK, NOT_DONE, RESULT, TAKES_AWAY, UNSIGNED, FieldType, ResultField, ResultRefused
from app.domain.states import Identity, OrderKind, OrderStatus
from app.downloads import send_stored
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo, maybe_int
from app.intake import blame
from app.lookups import BIGGEST_ID, lookup
from app.models import Account, FieldOrder, OrderFile, Pqr, Process
from app.operations import files, orders
from app.security import TECNICO, may, processes_of, scope_cases, scope_orders
from app.words import tidy

VIEW = "FieldOrder"
#: What may be done with an order, by its part of the address: the right it needs, and the words of its button.
ACTS = {
    "done": ("can_record", N_("Record the result")),
    "not-done": ("can_record", N_("It was not done")),
    "reassign": ("can_issue", N_("Give to another")),
    "excuse": ("can_excuse", N_("Excuse")),
    "void": ("can_void", N_("Void the number")),
}
#: States in which each may be done.
_WHEN = {"excuse": (OrderStatus.ISSUED, OrderStatus.NOT_DONE)}
TONES = {OrderStatus.ISSUED: "warn", OrderStatus.DONE: "ok", OrderStatus.NOT_DONE: "bad", OrderStatus.EXCUSED: "stop",
         OrderStatus.VOIDED: "stop"}  # fmt: skip
N_MINE, N_LAST = 200, 10


# ── Forms, made from what is declared ─────────────────────────────────────────────────────────────────────────────────────


#: Fields that `clean_result` needs in some cases: they are not called optional.
_AT_TIMES = {"reading", "no_photo", "late_reason"}


class Needed:
    """Says that a field is no optional one; `domain.fieldwork` refuses it when it is empty."""

    field_flags = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        """Accept everything: the domain decides."""


def _yes_no() -> list[tuple[str, Any]]:
    return [("YES", _l("Yes")), ("NO", _l("No"))]


def _control(each: ResultField) -> Field:
    """Return the control for a declared field. Texts stay texts, so that what was typed comes back as it was typed."""
    options: dict[str, Any] = {"validators": [Needed()] if each.is_required else [], "description": _l(each.help) if each.help else ""}
    label = _l(each.label)
    match each.type:
        case FieldType.CHOICE:
            return RadioField(label, choices=[(key, _l(text)) for key, text in each.choices.items()], validate_choice=False, **options)
        case FieldType.YES_NO:
            return RadioField(label, choices=_yes_no(), validate_choice=False, **options)
        case FieldType.LONG_TEXT:
            return TextAreaField(label, filters=[tidy], render_kw={"rows": 3}, **options)
        case FieldType.NUMBER:
            return StringField(label, filters=[tidy], render_kw={"inputmode": "decimal", "autocomplete": "off"}, **options)
        case FieldType.DATE:
            return StringField(label, widget=DateInput(), **options)
        case FieldType.TIME:
            return StringField(label, widget=TimeInput(), **options)
    return StringField(label, filters=[tidy], render_kw={"autocomplete": "off"}, **options)


class _VisitForm(FlaskForm):
    """What every visit brings besides the declared fields. `submission` names the form: sent again, it is the same act."""

    submission = HiddenField()
    latitude, longitude, accuracy = HiddenField(), HiddenField(), HiddenField()
    done_on = LenientDateField(_l("Day of the visit"), validators=[Needed()])
    photos = MultipleFileField(_l("Photos"), description=_l("Up to 5, of 10 MB each."))


class _DoneForm(_VisitForm):
    """The result of an order that was done."""

    signature = HiddenField()
    unsigned_reason = RadioField(
        _l("If nobody signs on the screen, why"),
        choices=[(key, _l(text)) for key, text in UNSIGNED.items()],
        validate_choice=False,
        validators=[Empty()],
    )


@lru_cache
def result_form(kind: OrderKind, is_done: bool) -> type[FlaskForm]:
    """Return the form of a result: `declared` names its own fields, in order, `at_times` those that are needed now and then."""
    fields = RESULT[kind] if is_done else NOT_DONE
    attributes: dict[str, Any] = {each.name: _control(each) for each in fields}
    attributes["declared"] = tuple(each.name for each in fields)
    attributes["at_times"] = {each.name for each in fields if each.needed_when} | _AT_TIMES
    return type("ResultForm", (_DoneForm if is_done else _VisitForm,), attributes)


class OrderForm(FlaskForm):
    """What the office says of every order; `order_form` adds what its kind asks for."""

    account = lookup(_l("Account"), "account", optional=True)
    assignee = SelectField(_l("Who goes"), coerce=maybe_int, validators=[Needed()])
    due_on = LenientDateField(_l("Until when"), validators=[Empty()])
    instructions = TextAreaField(_l("What has to be done"), filters=[tidy], render_kw={"rows": 4}, validators=[UpTo(orders.MAX_TEXT)])
    invoice_number = StringField(_l("Invoice"), filters=[tidy], validators=[Length(max=30)])
    debt_cop = DecimalField(_l("Debt (pesos)"), places=2, validators=[Empty(), NumberRange(min=0, message=_l("Write zero or more."))])
    deviation = HiddenField()


@lru_cache
def order_form(kind: OrderKind) -> type[OrderForm]:
    """Return the form to order field work of *kind*; `shown` names its fields, in order."""
    asked = ASKED[kind]
    attributes: dict[str, Any] = {each.name: _control(each) for each in asked}
    debt = ("invoice_number", "debt_cop") if kind in TAKES_AWAY else ()
    attributes["shown"] = ("account", *(each.name for each in asked), *debt, "instructions", "assignee", "due_on")
    return type("KindForm", (OrderForm,), attributes)


class ReasonForm(FlaskForm):
    """Why an order is excused or voided."""

    reason = TextAreaField(_l("Reason"), filters=[tidy], validators=[UpTo(orders.MAX_TEXT)])


class AssignForm(FlaskForm):
    """Who goes instead."""

    assignee = SelectField(_l("Who goes"), coerce=maybe_int, validators=[Needed()])
    due_on = LenientDateField(_l("Until when"), validators=[Empty()])


def technicians() -> list[User]:
    """Return who may be sent, by name."""
    statement = select(User).where(User.active, User.roles.any(Role.name == TECNICO)).order_by(User.first_name, User.last_name)
    return list(db.session.scalars(statement))


def offer_people(form: Any) -> None:
    """Give the field of who goes its choices."""
    form.assignee.choices = [("", "—"), *((user.id, user.get_full_name()) for user in technicians())]


def chosen(form: Any) -> User | None:
    """Return who was chosen to go, if that is somebody who may."""
    return next((user for user in technicians() if user.id == form.assignee.data), None)


def blame_all(form: Any, error: DomainError) -> None:
    """Put each refusal beside its field."""
    for each in error.errors if isinstance(error, ResultRefused) else [error]:
        if each.field == "files":
            each.field = "photos"
        blame(form, each)


# ── A visit, as a form brings it ──────────────────────────────────────────────────────────────────────────────────────────


def visit_of(form: Any) -> orders.Visit:
    """Return what the form says. Raises DomainError: a picture or the signature did not arrive well."""
    latitude, longitude = _degrees(form.latitude.data, 90), _degrees(form.longitude.data, 180)
    is_placed = latitude is not None and longitude is not None
    return orders.Visit(
        done_on=form.done_on.data,
        raw={name: form[name].data for name in form.declared},
        photos=files.check_uploads(form.photos.data),
        latitude=latitude if is_placed else None,
        longitude=longitude if is_placed else None,
        n_accuracy_m=_metres(form.accuracy.data) if is_placed else None,
        signature=_png(form.signature.data) if "signature" in form else None,
        unsigned_reason=form.unsigned_reason.data or "" if "unsigned_reason" in form else "",
        submission=(form.submission.data or "")[:64] or None,
    )


def _degrees(text: str | None, most: int) -> Decimal | None:
    """Return what the phone says of its place, to the metre; what makes no sense is left out, as the place is never required."""
    try:
        value = Decimal(text or "").quantize(Decimal("0.000001"))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) <= most else None


def _metres(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 8 else None


def _png(text: str | None) -> bytes | None:
    """Return the picture that the screen drew, which it sends as a data address."""
    if not text:
        return None
    try:
        return base64.b64decode(text.removeprefix("data:image/png;base64,"), validate=True)
    except (binascii.Error, ValueError):
        raise DomainError(N_("The signature did not arrive well. Sign again."), field="signature") from None


def record(order: FieldOrder, form: Any, is_done: bool) -> bool:
    """Record the result that a form brings and commit; or say in the form why not, what was typed kept, and return False."""
    try:
        finish_order(db.session, order, visit_of(form), is_done=is_done, by=current_user._get_current_object(), at=now())
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        blame_all(form, error)
        return False
    return True


def start(form: Any) -> Any:
    """Give an empty form its day and its token; return it."""
    if not form.is_submitted():
        form.done_on.data, form.submission.data = today(), secrets.token_urlsafe(24)
    return form


# ── What pages show of an order ───────────────────────────────────────────────────────────────────────────────────────────

_LOADED = (
    joinedload(FieldOrder.account), joinedload(FieldOrder.pqr), joinedload(FieldOrder.assignee), joinedload(FieldOrder.done_by),
    selectinload(FieldOrder.photos).joinedload(OrderFile.file),
)  # fmt: skip


def rows_of(fields: Iterable[ResultField], known: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return (label, value) of what *known* says of *fields*, as people read it."""
    found = ((_(each.label), shown_value(each, (known or {}).get(each.name))) for each in fields)
    return [(label, value) for label, value in found if value is not None]


def facts_of(order: FieldOrder) -> dict[str, Any]:
    """Return what the page of an order reads."""
    is_undone = order.result is not None and "why" in order.result
    hours = (order.due_at - now()).total_seconds() / 3600 if order.due_at and order.status is OrderStatus.ISSUED else None
    return {
        "order": order,
        "asked": rows_of(ASKED[order.kind], order.asked),
        "found": rows_of(NOT_DONE if is_undone else RESULT[order.kind], order.result),
        "unsigned": UNSIGNED.get(order.unsigned_reason, ""),
        "tone": TONES[order.status],
        "hours_left": hours,
        "is_reserved": order.pqr is not None and order.pqr.identity is Identity.RESERVED,
        "gives_back": order.kind in GIVES_BACK,
    }


def paper(order: FieldOrder, which: str) -> Response:
    """Return the PDF of the order (`order`) or of what was done (`acta`), as it was issued; 404 when there is none."""
    document = {"order": order.document, "acta": order.acta}.get(which) or abort(404)
    document_bytes(document)  # refuses a copy that is not what was issued
    return send_stored(document.file, inline=True)


def picture(order: FieldOrder, file_id: int) -> Response:
    """Return a picture of the order as a download; 404 when it is not one of its own."""
    return send_stored(next((item.file for item in order.photos if item.file_id == file_id), None) or abort(404))


# ── The office ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    list_columns = ["number", "kind", "status", "account", "pqr", "assignee", "issued_on", "due_on", "done_on"]
    show_columns = ["number"]
    filter_columns = ("kind", "status", "assignee", "issued_on", "due_on", "done_on")
    base_order = ("id", "desc")
    label_columns = {
        "number": _l("Number"), "kind": _l("Kind"), "status": _l("State"), "account": _l("Account"), "pqr": _l("Case"),
        "assignee": _l("Who goes"), "issued_on": _l("Ordered"), "due_on": _l("Until"), "done_on": _l("Done"),
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
        statement = self.scope(select(FieldOrder).where(FieldOrder.id == key)).options(*_LOADED)
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
        number = refused.fields.get("number") if refused else None
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


# ── The technician ────────────────────────────────────────────────────────────────────────────────────────────────────────


class MyOrdersView(BaseView):
    """Mis órdenes: what is assigned to the reader, to be filled on a phone, with or without network, with or without script."""

    route_base = "/tecnico"
    default_view = "list"
    class_permission_name = "MyOrder"

    def _order(self, pk: int) -> FieldOrder:
        mine = select(FieldOrder).where(FieldOrder.id == min(pk, BIGGEST_ID), FieldOrder.assignee_id == current_user.id)
        return db.session.scalars(mine.options(*_LOADED)).unique().first() or abort(404)

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
