"""Amendments of signed contracts: drafted with what they change, signed in one step, shown with what was before."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, select

from app import queries
from app.baseviews import Button, RuledView
from app.contracts import hanging
from app.contracts.forms import (
    AmendmentForm,
    AmendmentSignForm,
    ChangedRequirementForm,
    ReasonForm,
    all_valid,
    arranged,
    bound,
    filled,
    offer_processes,
    row_of,
    sent_rows,
)
from app.domain import N_
from app.domain.contracts import AmendmentStatus, ContractStage
from app.domain.errors import DomainError
from app.extensions import db, now, today
from app.intake import blame
from app.lookups import BIGGEST_ID
from app.models import Amendment, Contract, ContractRequirement
from app.operations import contracts as operations
from app.security import may, scope_contracts
from app.steps import Steps
from app.words import say, say_day, say_pesos

TONES = {AmendmentStatus.DRAFT: "info", AmendmentStatus.SIGNED: "ok", AmendmentStatus.VOIDED: "stop"}


class AmendmentView(Steps, RuledView):
    datamodel = SQLAInterface(Amendment)
    route_base = "/amendment"
    class_permission_name = "Contract"
    include_route_methods = {"show", "draft", "edit", "sign", "void"}
    list_title = _l("Amendments")
    show_template = "contracts/amendment.html"
    show_fieldsets = [
        (_l("What changes"), {"fields": ["status", "contract", "reason"]}),
        (_l("Dates"), {"fields": ["effective_on", "signed_on"]}),
    ]
    label_columns = {
        "status": _l("State"), "contract": _l("Contract"), "reason": _l("What changes and why"), "effective_on": _l("Counts from"),
        "signed_on": _l("Day of the signature"),
    }  # fmt: skip

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return hanging.scope_part(statement, Amendment)

    def title_of(self, item: Amendment) -> str:
        return _("Amendment %(n)s of %(number)s", n=item.number, number=item.contract.number)

    def may_edit(self, item: Amendment) -> bool:
        return item.status is AmendmentStatus.DRAFT

    def shown(self, item: Amendment, name: str) -> Any:
        match name:
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(TONES[item.status], _(item.status.value))
            case "contract":
                url = url_for("ContractView.show", pk=item.contract_id)
                return Markup('<a class="num" href="{}">{}</a>').format(url, item.contract.number)
        return super().shown(item, name)

    def buttons(self, item: Amendment) -> list[Button]:
        if item.status is not AmendmentStatus.DRAFT or not may("can_amend", "Contract"):
            return []
        steps = (("sign", _("Record the signature")), ("void", _("Give up")))
        return [Button(label, url_for(f"AmendmentView.{name}", pk=item.id)) for name, label in steps]

    def compared(self, item: Amendment) -> dict[str, Any]:
        """Return what the contract said before and says with *item*, and the requirements that it ends, replaces and adds."""
        contract, is_signed = item.contract, item.status is AmendmentStatus.SIGNED
        end = item.ends_on_before if is_signed else contract.ends_on
        value = item.value_before_cop if is_signed else contract.value_cop
        rows: list[tuple[Any, Any, Any]] = []
        if item.new_ends_on is not None:
            rows.append((_("Ends on"), say_day(end) if end else _("without end"), say_day(item.new_ends_on)))
        if item.value_change_cop:
            rows.append((_("Value"), say_pesos(value or 0), say_pesos((value or 0) + item.value_change_cop)))
        added = operations.added_by(db.session, item)
        taken = {row.replaces_id: row for row in added if row.replaces_id}
        ended = [(row, taken.get(row.id)) for row in operations.ended_by(db.session, item)]
        fresh: list[tuple[ContractRequirement | None, ContractRequirement | None]] = [(None, row) for row in added if not row.replaces_id]
        return {"rows": rows, "requirements": [*ended, *fresh]}

    # Writing a draft

    @expose("/draft/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("amend")
    def draft(self, pk: str) -> Any:
        """Draft the next amendment of the contract *pk*."""
        key = int(pk) if pk.isdigit() and int(pk) <= BIGGEST_ID else 0
        contract = db.first_or_404(scope_contracts(select(Contract).where(Contract.id == key), today()))
        if contract.stage is not ContractStage.SIGNED:
            refusal = DomainError(N_("%(number)s is “%(state)s”: only a signed contract is amended; a draft is simply corrected."),
                                  number=contract.number, state=contract.stage.value)  # fmt: skip
            flash(say(refusal), "warning")
            return redirect(url_for("ContractView.show", pk=contract.id))
        return self._write(contract, None)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("amend")
    def edit(self, pk: str) -> Any:
        """Correct a draft; one that is signed or given up is refused in words."""
        item = self.item(pk, ("contract",))
        if not self.may_edit(item):
            flash(_("This amendment no longer changes."), "warning")
            return redirect(self.row_url(item))
        return self._write(item.contract, item)

    def _write(self, contract: Contract, item: Amendment | None) -> Any:
        """Answer the form of an amendment, and store what it says."""
        form, do = AmendmentForm(obj=item), request.form.get("do", "")
        current = [row for row in operations.requirements_shown(db.session, contract.id) if row.ended_by_id is None]
        stored = operations.added_by(db.session, item) if item else []
        if request.method == "POST":
            rows = bound(ChangedRequirementForm, arranged(sent_rows(request.form), do))
            ended = {int(each) for each in request.form.getlist("ended") if each.isdigit()}
        else:
            rows = filled(ChangedRequirementForm, [*map(row_of, stored), {}])
            ended = {row.id for row in operations.ended_by(db.session, item)} if item else set()
        offer_processes(rows)
        places = [("", _("nothing: it is new")), *((row.id, f"{n}. {row.text[:60]}") for n, row in enumerate(current, 1))]
        for row in rows:
            row.replaces_id.choices = places
        if do == "save" and form.validate() and (saved := self._stored(contract, item, form, rows, ended)):
            flash(_("%(row)s is saved.", row=self.title_of(saved)), "success")
            return redirect(self.row_url(saved))
        facts = {"form": form, "rows": rows, "current": current, "ended": ended, "item": item, "contract": contract}
        facts["seen"] = request.form.get("seen", "") if request.method == "POST" else self._seen(item)
        return self.render_template("contracts/amend.html", view=self, **facts), 422 if form.errors else 200

    def _stored(self, contract: Contract, item: Amendment | None, form: Any, rows: list[Any], ended: set[int]) -> Amendment | None:
        """Store what the form says and commit; else say in *form* and in the rows why not."""
        if not all_valid(rows):
            form.form_errors.append(_("Correct the requirements that are marked. Nothing is saved yet, and what you wrote is kept."))
            return None
        plan = operations.AmendmentPlan(
            form.reason.data, form.effective_on.data, form.new_ends_on.data, form.value_change_cop.data, ended,
            [row.wanted() for row in rows if not row.is_empty],
        )  # fmt: skip
        try:
            queries.lock(db.session, contract)
            if item is not None:
                queries.lock(db.session, item)  # as it is now: whoever saved meanwhile is seen
            if item is None:
                item = operations.draft_amendment(db.session, contract, plan)
            elif request.form.get("seen", "") != self._seen(item):
                raise DomainError(N_("Somebody else changed this while you were writing. Look at it, and save again."))
            else:
                operations.correct_amendment(db.session, item, plan)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
            return None
        return item

    # Steps

    @expose("/sign/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("amend")
    def sign(self, pk: str) -> Any:
        """Record that both sides signed it: all of it applies at once."""
        form = AmendmentSignForm(signed_on=today())
        help = _l("All that it says applies at once: the end, the value and the requirements. Nothing of it changes afterwards.")
        told = {"at": now(), "actor_id": current_user.id}
        return self._step(pk, form, _("Record the signature"), help, lambda item: operations.sign_amendment(
            db.session, item, signed_on=form.signed_on.data, **told))  # fmt: skip

    @expose("/void/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("amend")
    def void(self, pk: str) -> Any:
        """Give a draft up, with a reason; its number stays."""
        form = ReasonForm()
        told = {"at": now(), "actor_id": current_user.id}
        return self._step(pk, form, _("Give up"), _l("Its number stays, with this reason."), lambda item:
                    operations.void_amendment(db.session, item, form.reason.data, **told))  # fmt: skip
