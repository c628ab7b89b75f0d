"""What financing and invoice changes share: whose they are, writing with a preview, steps, and what billing was told of them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import Form

from app.baseviews import READ_WRITE, Related, RuledView
from app.caselist import holds, is_masked
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import BillingKind, Identity
from app.downloads import send_stored
from app.extensions import db, today
from app.intake import blame
from app.lookups import LOOKUPS
from app.models import BillingItem, Pqr
from app.money.forms import ReasonForm
from app.operations.billing import SOURCES
from app.reports.base import Kind
from app.security import may, processes_of, scope_cases
from app.steps import Steps
from app.words import say_pesos


class MoneyView(Steps, RuledView):
    """A numbered paper of money: written for a case or an account, fixed by a second step, taken by the billing system."""

    include_route_methods = READ_WRITE | {"void", "pdf"}
    list_template, show_template = "money/list.html", "money/show.html"
    kind: ClassVar[BillingKind]
    base_order = ("number", "desc")

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form  # written through the forms above

    # Who sees what

    def scope(self, statement: Select[Any]) -> Select[Any]:
        """The rows of the reader's cases, and what the reader wrote without a case; of reserved cases, for whoever may know who asks."""
        model = self.model
        if not may("can_see_reserved"):
            reserved = select(Pqr.id).where(Pqr.id == model.pqr_id, Pqr.identity == Identity.RESERVED)
            statement = statement.where(~reserved.exists())
        if may("can_see_all"):
            return statement
        mine = scope_cases(select(Pqr.id), today())
        own = and_(model.pqr_id.is_(None), model.created_by_id == current_user.id)
        return statement.where(or_(model.pqr_id.in_(mine), own))

    def case_numbered(self, number: str) -> Pqr | None:
        """
        Return the case for which somebody writes; None without a number.

        Raises:
            DomainError: There is none in the reader's scope, it passed on to another process, or the reader has to name one.
        """
        if not number:
            if may("can_see_all"):
                return None
            raise DomainError(N_("Write the number of the case: you write for the cases of your processes."), field="pqr_number")
        pqr = db.session.scalar(scope_cases(select(Pqr).where(Pqr.number == number.upper()), today()))
        if pqr is None or is_masked(pqr):
            raise DomainError(N_("There is no case %(number)s."), field="pqr_number", number=number)
        if not holds(pqr):
            raise DomainError(N_("Another process has %(number)s now."), field="pqr_number", number=number)
        return pqr

    def asked_case(self) -> Pqr | None:
        """Return the case that the address of an empty form names, or answer 404."""
        number = request.args.get("pqr", "")
        try:
            return self.case_numbered(number) if number else None
        except DomainError:
            abort(404)

    def is_held(self, item: Any) -> bool:
        """Say whether the case of *item* is the reader's to act on, as `caselist.holds`; a list asks 25 times."""
        if item.pqr is None or may("can_see_all") or item.pqr.holder_id == current_user.id:
            return True
        if "own_processes" not in g:
            g.own_processes = set(db.session.scalars(processes_of(current_user.id, today())))
        return item.pqr.process_id in g.own_processes

    def _loading(self, columns: Iterable[str]) -> list[Any]:
        return super()._loading(dict.fromkeys((*columns, "pqr")))

    # How a row is shown

    def title_of(self, item: Any) -> str:
        return str(item.number)

    def shown(self, item: Any, name: str) -> Any:
        value = getattr(item, name)
        match name:
            case "pqr" if value is not None:
                return Markup('<a class="num" href="{0}">{1}</a>').format(url_for("CaseView.show", number=value.number), value.number)
            case "account":
                return value.number
            case _ if name.endswith("_cop"):
                return say_pesos(value)
        return super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Any]:
        if name.endswith("_cop"):
            return Kind.MONEY, lambda line: Decimal(getattr(line, name))
        return super().exported(name, column)

    # Adding and editing

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Write a new one; `do=preview` shows what it would be and saves nothing."""
        return self._write(None)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Correct one that nobody holds yet."""
        item = self.item(pk)
        if not self.may_edit(item):
            abort(404)
        return self._write(item)

    def _write(self, item: Any) -> Any:
        form, plan = self.form_of(item), None
        if request.method == "POST" and form.validate():
            try:
                said = self.said(form)
                if request.form.get("do") != "save":
                    plan = self.plan_of(said)
                elif item is not None and request.form.get("seen", "") != self._seen(item):
                    raise DomainError(N_("Somebody else changed this while you were writing. Look at it, and save again."))
                else:
                    return self._saved(self.store(item, said))
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
        facts = {"form": form, "item": item, "plan": plan, "seen": self._seen(item), "view": self}
        return self.render_template(self.form_template, **facts), 422 if form.errors else 200

    def _saved(self, item: Any) -> Response:
        db.session.commit()
        flash(_("%(number)s is saved.", number=item.number), "success")
        return redirect(url_for(f"{self.endpoint}.show", pk=item.id))

    # Steps of one row

    @expose("/void/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("void")
    def void(self, pk: str) -> Any:
        """Void it, with a reason; the number stays."""
        form = ReasonForm()
        help = _l("The number stays in the list, with this reason. What is signed or authorised can no longer be voided.")
        return self._step(pk, form, _("Void"), help, lambda item: self.void_it(item, form.reason.data))

    @expose("/pdf/<pk>")
    @has_access
    @permission_name("show")
    def pdf(self, pk: str) -> Response:
        """The paper, as it was made."""
        item = self.item(pk)
        if item.document is None:
            abort(404)
        return send_stored(item.document.file, inline=True)

    # The billing system

    def related(self, item: Any) -> list[Related]:
        """The batches that told it to billing, with what came of each."""
        if not may("can_show", "BillingItem"):
            return []
        key = SOURCES[self.kind].item_key
        found = select(BillingItem).where(key == item.id).options(joinedload(BillingItem.batch)).order_by(BillingItem.id)
        link = Markup('<a class="num" href="{}">{}</a>')
        rows = [
            (link.format(url_for("BillingItemView.show", pk=each.id), each.batch.number), each.status, each.result_on,
             each.reference or each.result_text)
            for each in db.session.scalars(found)
        ]  # fmt: skip
        return [Related(_("Told to billing"), (_("Batch"), _("State"), _("Day of the result"), _("What billing says")), rows)]


def row_of(kind: str, text: str) -> Any:
    """Return the row of a look-up that an address names, or None."""
    return db.session.scalars(LOOKUPS[kind].find(text).limit(1)).first() if text else None
