"""Orders of financing: proposed with their schedule, put on paper, signed with proof."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, request, url_for
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
from app.domain.financing import Terms, totals
from app.domain.states import BillingKind, FinancingStatus, Visibility
from app.downloads import send_stored
from app.extensions import db, now, today
from app.models import Financing
from app.money.base import MoneyView, row_of
from app.money.forms import FinancingForm, SignForm
from app.operations import files
from app.operations import money as operations
from app.words import say_number


class FinancingView(MoneyView):
    datamodel = SQLAInterface(Financing)
    route_base = "/financing"
    class_permission_name = "Financing"
    include_route_methods = MoneyView.include_route_methods | {"paper", "sign", "proof"}
    list_title, add_title = _l("Financing (R10-01-05)"), _l("New financing")
    empty_text = _l("No debt has been financed yet. Write an order from a case, or here for an account.")
    form_template = "money/financing_form.html"
    kind = BillingKind.FINANCING
    list_columns = ["number", "status", "party", "account", "pqr", "debt_cop", "n_instalments", "signed_on", "exported_at"]
    show_fieldsets = [
        (_l("Who and what"), {"fields": ["status", "party", "account", "pqr", "concept", "reason"]}),
        (_l("Conditions"), {"fields": ["debt_cop", "down_cop", "n_instalments", "monthly_rate", "agreed_on", "first_due_on"]}),
        (_l("Signature and export"), {"fields": ["signed_on", "authorised_by", "proof", "exported_at"]}),
    ]
    search_words = ("number", "concept")
    clipped = ("party",)
    label_columns = {
        "number": _l("Number"), "status": _l("State"), "pqr": _l("Case"), "account": _l("Account"), "party": _l("Who owes and signs"),
        "concept": _l("What the debt is of"), "debt_cop": _l("Debt"), "down_cop": _l("Down payment"),
        "n_instalments": _l("Instalments"), "monthly_rate": _l("Interest a month"), "agreed_on": _l("Agreed on"),
        "first_due_on": _l("First due on"), "signed_on": _l("Signed on"), "authorised_by": _l("Recorded by"),
        "proof": _l("Acceptance"), "reason": _l("Why it was voided"), "exported_at": _l("Exported"),
    }  # fmt: skip
    formatters_columns = {
        "monthly_rate": lambda rate: f"{say_number((rate * 100).normalize())} %",
        "authorised_by": lambda user: user.get_full_name(),
    }

    def may_edit(self, item: Financing) -> bool:
        return item.status is FinancingStatus.PROPOSED and item.document_id is None and self.is_held(item)

    def buttons(self, item: Financing) -> list[Button]:
        found = []
        if item.document_id is not None:
            found.append(Button(_("Paper (PDF)"), url_for("FinancingView.pdf", pk=item.id)))
        elif self.may_do("edit") and self.may_edit(item):
            sure = _("The paper is numbered and fixed: nothing of it changes afterwards. Make it?")
            found.append(Button(_("Make the paper to sign"), url_for("FinancingView.paper", pk=item.id), True, sure))
        if item.proof_file_id is not None:
            found.append(Button(_("Signed paper"), url_for("FinancingView.proof", pk=item.id)))
        if item.status is FinancingStatus.PROPOSED and item.document_id is not None and self.may_do("sign"):
            found.append(Button(_("Record the signature"), url_for("FinancingView.sign", pk=item.id)))
        if item.status is FinancingStatus.PROPOSED and self.may_do("void"):
            found.append(Button(_("Void"), url_for("FinancingView.void", pk=item.id)))
        return found

    def plan_shown(self, item: Financing) -> dict[str, Any]:
        """Return the stored schedule for its page."""
        rows = operations.rows_of(item)
        return {"rows": rows, "totals": totals(rows)}

    def form_of(self, item: Financing | None) -> FinancingForm:
        """Return the form, filled from *item*, or from the case or account that the address names."""
        if request.method == "POST":
            return FinancingForm()
        if item is not None:
            return FinancingForm(
                data={
                    "pqr_number": item.pqr.number if item.pqr else "", "account": item.account, "party": item.party,
                    "concept": item.concept, "debt": item.debt_cop, "down": item.down_cop, "n_instalments": item.n_instalments,
                    "monthly_rate": (item.monthly_rate * 100).normalize(), "agreed_on": item.agreed_on, "first_due_on": item.first_due_on,
                }
            )  # fmt: skip
        pqr = self.asked_case()
        account = pqr.account if pqr else row_of("account", request.args.get("account", ""))
        party = (account.party if account else None) or (pqr.party if pqr else None)
        known = {"pqr_number": pqr.number if pqr else "", "account": account, "party": party, "agreed_on": today()}
        return FinancingForm(data=known | {"debt": pqr.disputed_cop if pqr and pqr.disputed_cop and not pqr.disputed_cop % 1 else None})

    def said(self, form: FinancingForm) -> operations.Agreement:
        """Return what a valid form says. Raises DomainError."""
        pqr = self.case_numbered(form.pqr_number.data)
        if form.agreed_on.data > today():
            raise DomainError(N_("The day of the agreement cannot be after today."), field="agreed_on")
        if pqr is not None and form.agreed_on.data < pqr.filed_on:
            raise DomainError(N_("The agreement cannot be older than the case, filed on %(day)s."), field="agreed_on", day=pqr.filed_on)
        terms = Terms(
            form.debt.data, form.down.data or Decimal(0), form.n_instalments.data, form.monthly_rate.data or Decimal(0),
            form.first_due_on.data, form.agreed_on.data,
        )  # fmt: skip
        return operations.Agreement(form.account.data, form.party.data, form.concept.data, terms, pqr)

    def plan_of(self, said: operations.Agreement) -> dict[str, Any]:
        rows = operations.planned(db.session, said)
        return {"rows": rows, "totals": totals(rows)}

    def store(self, item: Financing | None, said: operations.Agreement) -> Financing:
        if item is None:
            return operations.propose_financing(db.session, said, at=now(), actor_id=current_user.id)
        return operations.amend_financing(db.session, item, said)

    def void_it(self, item: Financing, reason: str) -> None:
        operations.void_financing(db.session, item, reason)

    @expose("/paper/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def paper(self, pk: str) -> Response:
        """Make the paper that the person signs; from then on the conditions stay."""
        return self._press(pk, lambda item: papers.issue_financing(db.session, item, current_user, now()), _("The paper is ready to sign."))

    @expose("/sign/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("sign")
    def sign(self, pk: str) -> Any:
        """Record the acceptance with its proof."""
        form = SignForm()

        def act(item: Financing) -> None:
            try:
                checked = files.check_uploads([form.proof_file.data])
            except DomainError as error:
                error.field = form.proof_file.name
                raise
            file = files.store_file(db.session, checked[0], pqr=item.pqr, visibility=Visibility.STAFF) if checked else None
            operations.sign_financing(
                db.session, item, proof=form.proof.data, file=file, at=now(), actor_id=current_user.id
            )  # fmt: skip

        help = _l("With the signature the order is final: nothing of it changes, and the billing system may take it.")
        return self._step(pk, form, _("Record the signature"), help, act)

    @expose("/proof/<pk>")
    @has_access
    @permission_name("show")
    def proof(self, pk: str) -> Response:
        """The signed paper, as it was attached."""
        item = self.item(pk)
        if item.proof_file is None:
            abort(404)
        return send_stored(item.proof_file)
