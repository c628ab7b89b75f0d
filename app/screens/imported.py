"""What came in and is only read here: invoices, claims of the market, registers of other programs, whose contracts may become ours."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateField, SelectField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.validators import Optional as Empty

from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain.errors import DomainError
from app.domain.states import PastKind
from app.extensions import db, now
from app.forms import UpTo, maybe_int
from app.importing import contracts, past, runs
from app.importing.kinds import KINDS
from app.importing.surveys import SurveyAnswers
from app.intake import blame
from app.lookups import lookup
from app.models import Account, Contract, ContractKind, Invoice, MarketClaim, PastRecord, Process
from app.money.forms import PesosField
from app.operations import takeover
from app.security import may
from app.words import say_number, say_pesos, tidy


class ImportedView(RuledView):
    """Rows of other programs: nobody edits them here, the next file does."""

    include_route_methods = set(READ_ONLY)


class InvoiceView(ImportedView):
    datamodel = SQLAInterface(Invoice)
    route_base = "/bills"
    class_permission_name = "Invoice"
    list_title = _l("Invoices")
    intro = _l("As the billing system issued them. They come in with its files, and are corrected there.")
    empty_text = _l("No invoices came in yet. The administrator brings them in under “Files that come in”.")
    list_columns = show_columns = [
        "number", "account", "period", "issued_on", "delivered_on", "due_on", "amount_cop", "consumption",
    ]  # fmt: skip
    search_words = ("number",)
    filter_columns = ("account", "period", "issued_on")
    base_order = ("issued_on", "desc")
    label_columns = {
        "number": _l("Invoice"), "account": _l("Account"), "period": _l("Period"), "issued_on": _l("Issued on"),
        "delivered_on": _l("Delivered on"), "due_on": _l("Pay until"), "amount_cop": _l("Amount"), "consumption": _l("Consumption"),
    }  # fmt: skip
    formatters_columns = {"amount_cop": say_pesos, "consumption": lambda number: say_number(number.normalize())}

    def shown(self, item: Invoice, name: str) -> Any:
        return item.account.number if name == "account" else super().shown(item, name)


class MarketClaimView(ImportedView):
    datamodel = SQLAInterface(MarketClaim)
    route_base = "/market"
    class_permission_name = "MarketClaim"
    list_title = _l("Claims of the market (SUI)")
    intro = _l("Public statistics of the regulator: how many claims of each cause the companies of a municipality had in a year.")
    empty_text = _l("No statistics came in yet. The regulator publishes them; the administrator brings them in under “Files that come in”.")
    list_columns = ["year", "place", "procedure", "cause", "n_claims"]
    show_columns = ["source", "year", "place", "municipality", "procedure", "cause", "n_claims"]
    search_words = ("place", "cause")
    filter_columns = ("year", "source", "procedure")
    base_order = ("n_claims", "desc")
    clipped = ("cause",)
    label_columns = {
        "source": _l("Where it comes from"), "year": _l("Year"), "place": _l("Municipality as the file has it"),
        "municipality": _l("Municipality"), "procedure": _l("Procedure"), "cause": _l("Cause"), "n_claims": _l("Claims"),
    }  # fmt: skip
    formatters_columns = {"n_claims": say_number, "year": str}

    def title_of(self, item: MarketClaim) -> str:
        return f"{item.place} {item.year}"


class PastRecordView(ImportedView):
    datamodel = SQLAInterface(PastRecord)
    route_base = "/pastrecord"
    class_permission_name = "PastRecord"
    include_route_methods = READ_ONLY | {"take_over", "answers"}
    list_title = _l("Registers of other programs")
    intro = _l("Answers to surveys, and contracts that came in before there was a register of them, with all their columns.")
    empty_text = _l("Nothing came in from other registers yet. The administrator brings it in under “Files that come in”.")
    list_columns = ["source_number", "kind", "on", "party", "title", "source"]
    show_columns = ["kind", "source", "source_number", "on", "party", "title"]
    search_words = ("source_number", "title")
    filter_columns = ("kind", "source", "party")
    base_order = ("on", "desc")
    clipped = ("title",)
    label_columns = {
        "kind": _l("Kind"), "source": _l("Where it comes from"), "source_number": _l("Number there"), "on": _l("Date"),
        "party": _l("Customer"), "title": _l("What it is"),
    }  # fmt: skip

    def buttons(self, item: PastRecord) -> list[Button]:
        """The contract that a row of a register became, or the way to make it one; the way of old answers into a survey of ours."""
        if item.kind is PastKind.SURVEY:
            return [self._to_survey(item)] if self.may_do("answers") and may("can_run", "Import") and may(*SurveyAnswers.right) else []
        if item.kind is not PastKind.CONTRACT or not may("can_list", "Contract"):
            return []
        contract = takeover.contract_of(db.session(), item)
        if contract is not None:
            return [Button(_("The contract"), url_for("ContractView.show", pk=contract.id))]
        return [Button(_("Make it a contract"), url_for("PastRecordView.take_over", pk=item.id))] if self.may_do("take_over") else []

    @staticmethod
    def _to_survey(item: PastRecord) -> Button:
        url = url_for("PastRecordView.answers", pk=item.id)
        confirm = _("All answers of “%(name)s” are read as one file. Nothing is written before you look through it.", name=item.source)
        return Button(_("Take these answers into a survey"), url, is_post=True, confirm=confirm)

    @expose("/answers/<pk>", methods=["POST"])
    @has_access
    @permission_name("take_over")
    def answers(self, pk: str) -> Any:
        """Read all answers of the same source as a file that comes in, for a survey of ours; then go on where its columns are told."""
        record = self.item(pk)
        if record.kind is not PastKind.SURVEY or not (may("can_run", "Import") and may(*SurveyAnswers.right)):
            abort(404)
        session = db.session()
        batch = runs.receive(session, KINDS[SurveyAnswers.name], record.source, past.file_of(session, record.source), now())
        db.session.commit()
        return redirect(url_for("ImportBatchView.mapping", pk=batch.id))

    def related(self, item: PastRecord) -> list[Related]:
        rows = [(name, value) for name, value in item.facts.items()]
        return [Related(_("As it came"), (_("Column of the file"), _("Value")), rows)]

    @expose("/take-over/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("take_over")
    def take_over(self, pk: str) -> Any:
        """Ask what the row leaves open, and make it a contract under its number; what can be read of its columns is filled in."""
        record = self.item(pk, ["party"])
        if record.kind is not PastKind.CONTRACT:
            abort(404)
        form = TakeOverForm(data=_kept_in(record) if request.method == "GET" else None)
        if form.validate_on_submit():
            contract = Contract()
            try:
                with db.session.no_autoflush:
                    form.populate_obj(contract)
                takeover.take_over(db.session(), record, contract, at=now(), actor_id=current_user.id)
                db.session.commit()
                flash(_("%(number)s is a contract now.", number=contract.number), "success")
                return redirect(url_for("ContractView.show", pk=contract.id))
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
        help = _("It keeps its number, and the row stays here. With a day of signature it comes in signed and fixed.")
        facts = {"title": _("Make it a contract"), "about": record.source_number, "back": self.row_url(record), "help": help}
        page = self.render_template("contractside/ask.html", form=form, view=self, tables=self.related(record), **facts)
        return page, 422 if form.errors else 200


class TakeOverForm(FlaskForm):
    """What a contract needs that its old register may not have said."""

    object = TextAreaField(_l("Object"), filters=[tidy], validators=[InputRequired(_l("Write what the contract is about.")), UpTo(4000)])
    kind_id = SelectField(_l("Kind of contract"), coerce=maybe_int, choices=lambda: _offered(ContractKind), validators=[InputRequired()])
    party = lookup(_l("Party"), "party", description=_l("Write the name or the document of the other party."))
    signed_on = DateField(_l("Day of the signature"), description=_l("Empty: it comes in as a draft."), validators=[Empty()])
    starts_on = DateField(_l("Starts on"), validators=[Empty()])
    ends_on = DateField(_l("Ends on"), description=_l("The last day in force. Empty: without end."), validators=[Empty()])
    value_cop = PesosField(_l("Value (pesos)"), validators=[Empty()])
    process_id = SelectField(
        _l("Process that answers for it"), coerce=maybe_int, choices=lambda: _offered(Process), validators=[Empty()]
    )


def _offered(model: Any) -> list[tuple[Any, str]]:
    rows = db.session.execute(select(model.id, model.name).where(model.is_active).order_by(model.name))
    return [("", "—"), *((row.id, row.name) for row in rows)]


def _kept_in(record: PastRecord) -> dict[str, Any]:
    """Return what the form starts with: what the columns of *record* say, as an import would read them."""
    read = contracts.read_kept(db.session(), {name: str(value) for name, value in record.facts.items()})
    value = read.get("value_cop")
    return {
        "object": record.title or read.get("object"), "kind_id": read.get("kind"), "party": record.party,
        "signed_on": read.get("signed_on") or record.on, "starts_on": read.get("starts_on") or record.on, "ends_on": read.get("ends_on"),
        "value_cop": None if value is None else value.quantize(Decimal(1), ROUND_HALF_UP), "process_id": read.get("process"),
    }  # fmt: skip


def invoices_of(account: Account) -> list[Related]:
    """Return the newest invoices of *account*, for whoever may read them."""
    if not may("can_list", "Invoice"):
        return []
    newest = select(Invoice).where(Invoice.account_id == account.id).order_by(Invoice.period.desc(), Invoice.id.desc()).limit(10)
    rows = [(each.number, each.period, each.issued_on, each.due_on, say_pesos(each.amount_cop)) for each in db.session.scalars(newest)]
    columns = (_("Invoice"), _("Period"), _("Issued on"), _("Pay until"), _("Amount"))
    return [Related(_("Invoices"), columns, rows, url_for("InvoiceView.list", account=account.id))]
