"""The things of all batches: what became of each, and what somebody does with a rejected one."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import Form, TextAreaField

from app.baseviews import READ_ONLY, Button, RuledView
from app.domain.errors import DomainError
from app.domain.states import BillingStatus
from app.extensions import db, now
from app.forms import UpTo
from app.intake import blame
from app.listviews import Bulk, Ready
from app.models import BillingItem
from app.operations import billing
from app.words import tidy


class WhyForm(FlaskForm):
    why = TextAreaField(_l("Why"), filters=[tidy], validators=[UpTo(billing.MAX_WHY)])


#: What may be done with a rejected thing, by its part of the address.
ACTS = {
    "resend": (billing.send_again, _l("Send again"), _l("It enters the next batch, as it stands. Correct first what was wrong.")),
    "drop": (
        billing.give_up, _l("Leave it as it is"), _l("It is not sent any more. Write what takes its place: another change, for example.")
    ),
}  # fmt: skip


def _refusal(item: BillingItem) -> str:
    return "" if item.status is BillingStatus.REJECTED else _("Only what was rejected waits for somebody.")


def _bulk(name: str) -> Bulk:
    act, label, _help = ACTS[name]

    def do(_view: Any, row: BillingItem, form: WhyForm) -> None:
        act(db.session, row, form.why.data, at=now(), actor_id=current_user.id)

    return Bulk(name, label, "handle", lambda _view, row: _refusal(row), do, WhyForm)


class BillingItemView(RuledView):
    """What was told, in which batch, and what came of it."""

    datamodel = SQLAInterface(BillingItem)
    route_base = "/billing/item"
    class_permission_name = "BillingItem"
    include_route_methods = READ_ONLY | {"handle"}
    bulk = (_bulk("resend"), _bulk("drop"))
    list_title = _l("Things sent to billing")
    empty_text = _l("Nothing was sent to billing yet.")
    list_columns = ["number", "kind", "batch", "status", "pqr", "result_on", "reference", "result_text"]
    show_fieldsets = [
        (_l("What was sent"), {"fields": ["kind", "batch", "pqr", "change", "financing", "order"]}),
        (_l("What billing answered"), {"fields": ["status", "result_on", "reference", "result_text", "reply"]}),
        (_l("What was done with the rejection"), {"fields": ["handled_at", "handled_by", "handled_why"]}),
    ]
    search_words = ("number", "reference")
    filter_columns = ("kind", "status", "batch")
    base_order = ("id", "desc")
    clipped = ("result_text",)
    ready_filters = (
        Ready(_l("Rejected: wait for somebody"), "status=REJECTED"),
        Ready(_l("Not answered yet"), "status=SENT"),
    )
    label_columns = {
        "number": _l("Number"), "kind": _l("Kind"), "status": _l("State"), "batch": _l("Batch"), "pqr": _l("Case"),
        "change": _l("Invoice change"), "financing": _l("Financing"), "order": _l("Acta"), "result_on": _l("Day of the result"),
        "reference": _l("Reference of billing"), "result_text": _l("What billing says"), "reply": _l("Answer"),
        "handled_at": _l("When"), "handled_by": _l("Who"), "handled_why": _l("Why"),
    }  # fmt: skip
    formatters_columns = {"handled_by": lambda user: user.get_full_name()}
    #: The pages of what an item refers to.
    PAGES = {
        "batch": "BillingBatchView.show", "change": "InvoiceChangeView.show", "financing": "FinancingView.show", "order": "OrderView.show",
        "reply": "BillingReplyView.show",
    }  # fmt: skip

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form

    def title_of(self, item: BillingItem) -> str:
        return item.number

    def shown(self, item: BillingItem, name: str) -> Any:
        value = getattr(item, name)
        if value is not None and name in self.PAGES:
            return Markup('<a class="num" href="{}">{}</a>').format(url_for(self.PAGES[name], pk=value.id), str(value))
        if value is not None and name == "pqr":
            return Markup('<a class="num" href="{}">{}</a>').format(url_for("CaseView.show", number=value.number), value.number)
        return super().shown(item, name)

    def buttons(self, item: BillingItem) -> list[Button]:
        if _refusal(item) or not self.may_do("handle"):
            return []
        return [Button(str(label), url_for("BillingItemView.handle", pk=item.id, name=name)) for name, (_act, label, _help) in ACTS.items()]

    @expose("/handle/<pk>/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("handle")
    def handle(self, pk: str, name: str) -> Any:
        """Send a rejected thing again, or give it up, with a reason."""
        item, (act, label, help) = self.item(pk), ACTS.get(name) or abort(404)
        form = WhyForm()
        if form.validate_on_submit():
            try:
                act(db.session, item, form.why.data, at=now(), actor_id=current_user.id)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("Done: %(step)s, %(number)s.", step=label, number=item.number), "success")
                return redirect(url_for("BillingItemView.show", pk=pk))
        facts = {"form": form, "item": item, "heading": label, "help": help, "view": self}
        return self.render_template("step.html", **facts), 422 if form.errors else 200
