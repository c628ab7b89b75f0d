"""Changes of invoices: drafted line by line by one person, authorised by another."""

from __future__ import annotations

import re
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from app.baseviews import Button
from app.documents import money as papers
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.invoices import ChangeLine, totals
from app.domain.states import BillingKind, ChangeStatus
from app.extensions import db, now, today
from app.models import InvoiceChange
from app.money.base import MoneyView, row_of
from app.money.forms import ChangeForm, LineForm
from app.operations import money as operations

MOST_LINES, FEW_LINES = 30, 4


class InvoiceChangeView(MoneyView):
    datamodel = SQLAInterface(InvoiceChange)
    route_base = "/invoice-change"
    class_permission_name = "InvoiceChange"
    include_route_methods = MoneyView.include_route_methods | {"authorise"}
    list_title, add_title = _l("Invoice changes (R10-01-06)"), _l("New invoice change")
    empty_text = _l("No invoice has been changed yet. Write a change from a case, or here for an account.")
    form_template = "money/change_form.html"
    kind = BillingKind.INVOICE_CHANGE
    list_columns = ["number", "status", "invoice_number", "period", "account", "pqr", "reason", "authorised_on", "exported_at"]
    show_fieldsets = [
        (_l("Which invoice"), {"fields": ["status", "account", "invoice_number", "period", "invoiced_on", "pqr"]}),
        (_l("Why"), {"fields": ["reason", "void_reason"]}),
        (_l("Authorisation and export"), {"fields": ["authorised_by", "authorised_on", "exported_at"]}),
    ]
    search_words = ("number", "invoice_number", "reason")
    filter_columns = ("period",)
    clipped = ("reason",)
    label_columns = {
        "number": _l("Number"), "status": _l("State"), "pqr": _l("Case"), "account": _l("Account"), "invoice_number": _l("Invoice"),
        "period": _l("Period"), "invoiced_on": _l("Invoice handed over on"), "reason": _l("Why it changes"),
        "authorised_by": _l("Authorised by"), "authorised_on": _l("Authorised on"), "void_reason": _l("Why it was voided"),
        "exported_at": _l("Exported"),
    }  # fmt: skip
    formatters_columns = {"authorised_by": lambda user: user.get_full_name()}

    def may_edit(self, item: InvoiceChange) -> bool:
        return item.status is ChangeStatus.DRAFT and self.is_held(item)

    def buttons(self, item: InvoiceChange) -> list[Button]:
        found = []
        if item.document_id is not None:
            found.append(Button(_("Paper (PDF)"), url_for("InvoiceChangeView.pdf", pk=item.id)))
        if item.status is ChangeStatus.DRAFT and self.may_do("authorise"):
            sure = _("The invoice is ordered to change as written here, and that is final. Authorise it?")
            found.append(Button(_("Authorise"), url_for("InvoiceChangeView.authorise", pk=item.id), True, sure))
        if item.status is ChangeStatus.DRAFT and self.may_do("void"):
            found.append(Button(_("Void"), url_for("InvoiceChangeView.void", pk=item.id)))
        return found

    def plan_shown(self, item: InvoiceChange) -> dict[str, Any]:
        """Return the lines and totals for its page."""
        lines = operations.lines_of(item)
        return {"lines": lines, "totals": totals(lines)}

    def form_of(self, item: InvoiceChange | None) -> ChangeForm:
        """Return the form with its lines, filled from *item*, or from the case or account that the address names."""
        if request.method == "POST":
            form = ChangeForm()
            form.lines = self.lines_in()
            return form
        if item is not None:
            form = ChangeForm(
                data={
                    "pqr_number": item.pqr.number if item.pqr else "", "account": item.account, "invoice_number": item.invoice_number,
                    "period": item.period, "delivered_on": item.invoiced_on, "reason": item.reason,
                }
            )  # fmt: skip
            written = [{"concept": line.concept, "before": line.before_cop, "after": line.after_cop} for line in item.lines]
        else:
            pqr, written = self.asked_case(), []
            account = pqr.account if pqr else row_of("account", request.args.get("account", ""))
            known = {"pqr_number": pqr.number, "invoice_number": pqr.invoice_number or ""} if pqr else {}
            form = ChangeForm(data=known | {"account": account})
        n = min(max(FEW_LINES, len(written) + 1), MOST_LINES)
        form.lines = [LineForm(data=written[i] if i < len(written) else None, prefix=f"line-{i}-") for i in range(n)]
        return form

    def lines_in(self) -> list[LineForm]:
        """Return the lines that were sent, and some more when they are asked for or all are written."""
        n = max((int(found[1]) + 1 for name in request.form if (found := re.match(r"line-(\d{1,2})-", name))), default=FEW_LINES)
        lines = [LineForm(request.form, prefix=f"line-{i}-") for i in range(min(n, MOST_LINES))]
        more = FEW_LINES if request.form.get("do") == "more" else 0
        return lines + [LineForm(prefix=f"line-{i}-") for i in range(len(lines), min(len(lines) + more, MOST_LINES))]

    def _write(self, item: InvoiceChange | None) -> Any:
        if request.method == "POST" and request.form.get("do") == "more":
            facts = {"form": self.form_of(item), "item": item, "plan": None, "seen": self._seen(item), "view": self}
            return self.render_template(self.form_template, **facts)
        return super()._write(item)

    def said(self, form: ChangeForm) -> operations.Correction:
        """Return what a valid form says. Raises DomainError."""
        are_fine = [line.validate() for line in form.lines]
        if not all(are_fine):
            raise DomainError(N_("Correct the lines that are marked."), field="lines")
        pqr = self.case_numbered(form.pqr_number.data)
        lines = [ChangeLine(line.concept.data, line.before.data, line.after.data) for line in form.lines if not line.is_empty]
        return operations.Correction(
            form.account.data, form.invoice_number.data, form.period.data, form.reason.data, lines, form.delivered_on.data, pqr
        )  # fmt: skip

    def plan_of(self, said: operations.Correction) -> dict[str, Any]:
        operations.check_correction(db.session, said, today())
        return {"lines": said.lines, "totals": totals(said.lines)}

    def store(self, item: InvoiceChange | None, said: operations.Correction) -> InvoiceChange:
        if item is None:
            return operations.draft_change(db.session, said, at=now(), actor_id=current_user.id)
        return operations.amend_change(db.session, item, said, at=now())

    def void_it(self, item: InvoiceChange, reason: str) -> None:
        operations.void_change(db.session, item, reason)

    @expose("/authorise/<pk>", methods=["POST"])
    @has_access
    @permission_name("authorise")
    def authorise(self, pk: str) -> Response:
        """Authorise it, unless the reader wrote it: then it is final, with its paper."""
        return self._press(
            pk, lambda item: papers.authorise_change(db.session, item, current_user, now()), _("The change is authorised.")
        )  # fmt: skip
