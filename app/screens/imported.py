"""What came in and is only read here: invoices, claims of the market, registers of other programs."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.baseviews import READ_ONLY, Related, RuledView
from app.extensions import db
from app.models import Account, Invoice, MarketClaim, PastRecord
from app.security import may
from app.words import say_number, say_pesos


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
    list_title = _l("Registers of other programs")
    intro = _l("Contracts and answers to surveys as another program had them, with all their columns.")
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

    def related(self, item: PastRecord) -> list[Related]:
        rows = [(name, value) for name, value in item.facts.items()]
        return [Related(_("As it came"), (_("Column of the file"), _("Value")), rows)]


def invoices_of(account: Account) -> list[Related]:
    """Return the newest invoices of *account*, for whoever may read them."""
    if not may("can_list", "Invoice"):
        return []
    newest = select(Invoice).where(Invoice.account_id == account.id).order_by(Invoice.period.desc(), Invoice.id.desc()).limit(10)
    rows = [(each.number, each.period, each.issued_on, each.due_on, say_pesos(each.amount_cop)) for each in db.session.scalars(newest)]
    columns = (_("Invoice"), _("Period"), _("Issued on"), _("Pay until"), _("Amount"))
    return [Related(_("Invoices"), columns, rows, url_for("InvoiceView.list", account=account.id))]
