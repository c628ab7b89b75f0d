"""Parties and accounts, each with its cases; the charts of accounts."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_appbuilder.models.group import aggregate_count
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from wtforms.validators import NumberRange, Regexp
from wtforms.validators import Optional as Empty

from app.baseviews import Button, Related, RuledView
from app.charts import RuledChartView
from app.domain.states import DocumentType
from app.dossier import members_of
from app.forms import Checked, DocumentNumber, NotTakenWith, check_email, check_phone
from app.listing import Moment, Rows
from app.models import Account, InterestGroup, Party, Pqr
from app.screens import partyfile
from app.screens.imported import invoices_of
from app.screens.partyfile import cases_related
from app.screens.records import history_of
from app.security import may
from app.words import say_nit, say_phone


class Members(Rows):
    """The parties of a group of interested parties, though a party may be of several."""

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        keys = self._keys(value)
        return members_of(keys) if keys else None


class PartyView(RuledView):
    datamodel = SQLAInterface(Party)
    route_base = "/party"
    show_template = "party/show.html"
    class_permission_name = "Party"
    list_title, add_title = _l("Parties"), _l("New party")
    empty_text = _l("Nobody is known yet. People and companies appear here when they file a case, or add one.")
    list_columns = ["name", "kind", "document_number", "phone", "email", "municipality"]
    show_fieldsets = [
        (_l("Who it is"), {"fields": ["kind", "document_number", "name"]}),
        (_l("How to reach it"), {"fields": ["phone", "email", "address", "municipality"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("Who it is"), {"fields": ["kind", "document_type", "document_number", "name"]}),
        show_fieldsets[1],
    ]
    search_words = ("name", "document_number", "phone", "email")
    filter_columns = ("kind", "document_type")
    own_facets = (Members("group", _l("Group of interested parties"), InterestGroup.id, InterestGroup, InterestGroup.id),)
    base_order = ("name", "asc")
    label_columns = {
        "kind": _l("Kind"), "document_type": _l("Document"), "document_number": _l("Document number"), "name": _l("Name"),
        "email": _l("E-mail"), "phone": _l("Phone"), "address": _l("Address"), "municipality": _l("Municipality"),
    }  # fmt: skip
    description_columns = {
        "document_number": _l("Without dots. A NIT with its check digit, as in 900123456-8."),
        "phone": _l("A mobile (300 123 4567) or a landline with its area code (601 555 1234)."),
        "municipality": _l("Write its name or its DANE code."),
    }
    validators_columns = {"document_number": [DocumentNumber()], "phone": [Checked(check_phone)], "email": [Checked(check_email)]}
    formatters_columns = {"phone": say_phone}

    def shown(self, item: Party, name: str) -> Any:
        if name == "document_number" and item.document_type:
            is_nit = item.document_type is DocumentType.NIT
            return f"{item.document_type.name}\u00a0{say_nit(item.document_number) if is_nit else item.document_number}"
        return super().shown(item, name)

    def buttons(self, item: Party) -> list[Button]:
        held = [Button(_("What we hold about this person"), url_for("ArchiveView.person", party=item.id))]
        return (held if may("can_person", "Archive") else []) + history_of("party", item.id)

    def page_of(self, item: Party) -> dict[str, Any]:
        """Return what the page shows besides the facts: its groups, the figures of the head, and a table of everything that joins to it."""
        dossier = partyfile.file_of(item)
        groups = [(row.number, url_for("PartyView.list", group=row.key)) for row in dossier.of("group")]
        return {
            "may": may, "groups": groups, "figures": partyfile.figures_of(item, dossier), "sections": partyfile.sections_of(item, dossier),
        }  # fmt: skip


class AccountView(RuledView):
    datamodel = SQLAInterface(Account)
    route_base = "/account"
    class_permission_name = "Account"
    list_title, add_title = _l("Accounts"), _l("New account")
    empty_text = _l("There are no accounts yet. Add the connections of the company, so that a case knows where it happens.")
    list_columns = ["number", "service", "party", "address", "municipality", "zone", "stratum", "use", "is_active"]
    add_fieldsets = show_fieldsets = [
        (_l("The account"), {"fields": ["number", "service", "party"]}),
        (_l("Where it is"), {"fields": ["address", "municipality", "settlement_code", "zone"]}),
        (_l("What is supplied"), {"fields": ["use", "stratum", "meter", "is_active"]}),
    ]
    search_words = ("number", "address", "meter")
    filter_columns = ("service", "use", "is_active", "party", "zone", "stratum")
    base_order = ("number", "asc")
    clipped = ("address",)
    label_columns = {
        "number": _l("Account"), "service": _l("Service"), "party": _l("Customer"), "address": _l("Address"),
        "municipality": _l("Municipality"), "settlement_code": _l("DANE code of the settlement"), "zone": _l("Zone"),
        "stratum": _l("Stratum"), "use": _l("Use"), "meter": _l("Meter"),
        "is_active": _l("Active"),
    }  # fmt: skip
    description_columns = {
        "number": _l("As the invoice shows it."),
        "party": _l("Write the name or the document of the customer."),
        "municipality": _l("Write its name or its DANE code."),
        "settlement_code": _l("Three digits of the centro poblado. Empty: the municipal seat."),
        "zone": _l("Sector, neighbourhood or route, always written alike: surveys take their samples by it."),
        "stratum": _l("1 to 6, only for homes."),
        "meter": _l("The serial number on the meter."),
        "is_active": _l("Untick it when the contract ends; its cases stay."),
    }
    validators_columns = {
        "number": [NotTakenWith(Account, "number", "service")],
        "settlement_code": [Empty(), Regexp(r"\d{3}$", message=_l("Write its three digits."))],
        "stratum": [Empty(), NumberRange(1, 6, _l("The stratum goes from 1 to 6."))],
    }

    def buttons(self, item: Account) -> list[Button]:
        order = [Button(_("Order field work"), url_for("OrderView.issue", account=item.id))] if may("can_issue", "FieldOrder") else []
        return [*order, *history_of("account", item.id)]

    def related(self, item: Account) -> list[Related]:
        cases = [cases_related(Pqr.account_id == item.id, f"/pqr/?account={item.id}")] if may("can_list") else []
        return [*cases, *invoices_of(item)]


class AccountChartView(RuledChartView):
    route_base = "/charts/accounts"
    class_permission_name = "AccountChart"
    list_view, chart_title = AccountView, _l("Charts of accounts")
    definitions = [
        {"group": "stratum", "series": [(aggregate_count, "id")]},
        {"group": "use", "series": [(aggregate_count, "id")], "chart_type": "PieChart"},
        {"group": "municipality", "series": [(aggregate_count, "number")], "chart_type": "BarChart"},
    ]
