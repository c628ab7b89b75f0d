"""Catalogues: what the house and the Superintendence name, with the texts that citizens and answers use."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, inspect, select
from wtforms import SelectField
from wtforms.validators import NumberRange, Regexp
from wtforms.validators import Optional as Empty

from app.baseviews import ADD_ONLY, Button, Related, RuledView
from app.extensions import db
from app.forms import NotBefore, NotTakenWith, TemplateFields
from app.listviews import SWITCHES
from app.models import (
    AnswerTemplate,
    Channel,
    ConsentText,
    Municipality,
    Parameter,
    RequestType,
    Service,
    SuiCause,
    SuiCode,
)
from app.operations import answers
from app.screens.legalside import obligations
from app.screens.records import history_of


class CatalogueView(RuledView):
    """What catalogues share: codes are references, so they stay; a row that is no longer used is made inactive."""

    form_intro = _l("Nothing is deleted: what is no longer used is made inactive, and old cases keep it.")

    def _init_properties(self) -> None:
        self.description_columns = {**HELPS, **(self.description_columns or {})}
        super()._init_properties()
        self.edit_columns = [name for name in self.edit_columns if name != "code"]

    def buttons(self, item: Any) -> list[Button]:
        return history_of(inspect(item).mapper.local_table.name, inspect(item).identity[0])


LABELS = {
    "code": _l("Code"), "name": _l("Name"), "is_active": _l("Active"), "position": _l("Order in lists"), "source": _l("Source"),
    "confidence": _l("How sure it is"), "valid_from": _l("In force from"), "valid_until": _l("In force until"),
}  # fmt: skip
HELPS = {
    "code": _l("Short and without spaces. Cases and files refer to it, so it does not change afterwards."),
    "position": _l("The smaller number goes first."),
    "is_active": _l("Untick it to stop offering it."),
    "valid_until": _l("Empty: still in force."),
    "source": _l("Where somebody can read it: page, concept or circular."),
    "confidence": _l("Whether somebody checked it, and what is still in doubt."),
}


class ChannelView(CatalogueView):
    datamodel = SQLAInterface(Channel)
    bulk = SWITCHES
    route_base = "/channel"
    class_permission_name = "Channel"
    list_title, add_title = _l("Channels"), _l("New channel")
    empty_text = _l("There are no channels yet. Add the ways in which a case arrives: counter, phone, web, mail…")
    list_columns = show_columns = ["name", "code", "position", "is_active"]
    add_columns = ["code", "name", "position", "is_active"]
    base_order = ("position", "asc")
    label_columns = LABELS


class ServiceView(CatalogueView):
    datamodel = SQLAInterface(Service)
    bulk = SWITCHES
    route_base = "/service"
    class_permission_name = "Service"
    list_title, add_title = _l("Services"), _l("New service")
    empty_text = _l("There are no services yet. Add what the company provides: water, sewerage, cleaning…")
    list_columns = show_columns = ["name", "code", "is_public_utility", "regime", "position", "is_active"]
    add_columns = ["code", "name", "is_public_utility", "regime", "position", "is_active"]
    base_order = ("position", "asc")
    label_columns = {**LABELS, "is_public_utility": _l("Public utility"), "regime": _l("Regime")}
    description_columns = {
        "is_public_utility": _l("Its cases are reported to SUI."),
        "regime": _l("Law of its cases, when it is not a public utility service. Empty: the regime of the organisation."),
    }


class RequestTypeView(CatalogueView):
    datamodel = SQLAInterface(RequestType)
    bulk = SWITCHES
    route_base = "/requesttype"
    class_permission_name = "RequestType"
    list_title, add_title = _l("Request types"), _l("New request type")
    empty_text = _l("There are no request types yet. Add what people may ask for: petition, complaint, claim…")
    intro = _l("A new type needs its legal term too: add it in Legal terms.")
    list_columns = ["name", "code", "plain_name", "regime", "default_process", "is_public", "is_active"]
    show_columns = [
        "code", "name", "plain_name", "plain_help", "regime", "sui_procedure", "default_process", "internal_days", "is_public", "is_active",
        "position",
    ]  # fmt: skip
    add_fieldsets = [
        (_l("For the staff"), {"fields": ["code", "name", "regime", "sui_procedure", "default_process", "internal_days"]}),
        (_l("For the citizen"), {"fields": ["plain_name", "plain_help", "is_public"]}),
        (_l("In lists"), {"fields": ["position", "is_active"]}),
    ]
    base_order = ("position", "asc")
    clipped = ("plain_name",)
    label_columns = {
        **LABELS, "plain_name": _l("In plain words"), "plain_help": _l("Help for the citizen"), "regime": _l("Regime"),
        "sui_procedure": _l("Kind of procedure in SUI"), "default_process": _l("Suggested process"),
        "internal_days": _l("Internal target (working days)"), "is_public": _l("On the citizen's page"),
    }  # fmt: skip
    description_columns = {
        "plain_name": _l("What the citizen reads when choosing."),
        "plain_help": _l("One sentence with an example of everyday life."),
        "default_process": _l("Offered when the case is routed; it goes nowhere by itself."),
        "regime": _l("Empty: the regime of the service, or else of the organisation."),
        "internal_days": _l("Only a target of the house; the legal term does not change."),
    }
    validators_columns = {"internal_days": [Empty(), NumberRange(1, 365, _l("Write one day or more."))]}


class SuiCauseView(CatalogueView):
    datamodel = SQLAInterface(SuiCause)
    route_base = "/suicause"
    class_permission_name = "SuiCause"
    list_title, add_title = _l("SUI causes"), _l("New SUI cause")
    empty_text = _l("There are no causes yet. Add those of the SUI for each service, so that claims can be classified.")
    list_columns = ["name", "code", "group_code", "service", "valid_from", "valid_until"]
    add_fieldsets = show_fieldsets = [
        (_l("The cause"), {"fields": ["service", "group_code", "code", "name"]}),
        (_l("In force"), {"fields": ["valid_from", "valid_until"]}),
        (_l("Where it stands"), {"fields": ["source", "confidence"]}),
    ]
    search_words = ("name", "code")
    filter_columns = ("service",)
    base_order = ("code", "asc")
    label_columns = {**LABELS, "service": _l("Service"), "group_code": _l("Group")}
    validators_columns = {
        "code": [NotTakenWith(SuiCause, "code", "service", "valid_from")],
        "valid_until": [NotBefore("valid_from")],
    }
    GROUPS = {"F": _l("F · Invoicing"), "P": _l("P · Provision of the service"), "I": _l("I · Installation (until 2018)")}
    add_form_extra_fields = {"group_code": SelectField(_l("Group"), choices=list(GROUPS.items()))}
    formatters_columns = {"group_code": lambda code: SuiCauseView.GROUPS.get(code, code)}


class SuiCodeView(CatalogueView):
    datamodel = SQLAInterface(SuiCode)
    route_base = "/suicode"
    class_permission_name = "SuiCode"
    list_title, add_title = _l("SUI codes"), _l("New SUI code")
    empty_text = _l("There are no codes yet. Add those that the claims file of the SUI asks for.")
    list_columns = ["name", "code", "kind", "variant", "confidence"]
    add_fieldsets = show_fieldsets = [
        (_l("The code"), {"fields": ["kind", "variant", "code", "name"]}),
        (_l("Where it stands"), {"fields": ["source", "confidence"]}),
    ]
    search_words = ("name", "code", "variant")
    filter_columns = ("kind",)
    clipped = ("confidence",)
    label_columns = {**LABELS, "kind": _l("Table"), "variant": _l("Variant")}
    description_columns = {"variant": _l("Which resolution the table comes from, when tables disagree.")}
    validators_columns = {"code": [NotTakenWith(SuiCode, "code", "kind", "variant")]}


class MunicipalityView(CatalogueView):
    datamodel = SQLAInterface(Municipality)
    route_base = "/municipality"
    class_permission_name = "Municipality"
    list_title, add_title = _l("Municipalities"), _l("New municipality")
    list_columns = show_columns = add_columns = ["name", "department", "code"]
    search_words = ("name", "department", "code")
    base_order = ("name", "asc")
    form_intro = ""
    label_columns = {**LABELS, "code": _l("DANE code"), "department": _l("Department")}
    description_columns = {"code": _l("Five digits with the leading zero: department and municipality.")}
    validators_columns = {"code": [Regexp(r"\d{5}$", message=_l("A DANE code has five digits, as in 05001."))]}


class ParameterView(CatalogueView):
    datamodel = SQLAInterface(Parameter)
    route_base = "/parameter"
    class_permission_name = "Parameter"
    list_title, add_title = _l("Parameters"), _l("New parameter")
    list_columns = ["key", "value", "description"]
    show_columns = add_columns = ["key", "value", "description"]
    edit_columns = ["value", "description"]
    search_words = ("key", "value", "description")
    clipped = ("value", "description")
    form_intro = ""
    label_columns = {"key": _l("Name of the parameter"), "value": _l("Value"), "description": _l("What it is for")}
    validators_columns = {"key": [Regexp(r"[a-z0-9_.\-]+$", message=_l("Use small letters, digits, dots and dashes."))]}

    def related(self, item: Parameter) -> list[Related]:
        return obligations("parameter", item.key)

    def may_edit(self, item: Parameter) -> bool:
        return not item.key.startswith("seeds.")  # the system's own marks


class ConsentTextView(RuledView):
    """A version is never edited: what somebody agreed to stays as it was. A new one is added."""

    datamodel = SQLAInterface(ConsentText)
    route_base = "/consenttext"
    class_permission_name = "ConsentText"
    include_route_methods = set(ADD_ONLY)
    list_title, add_title = _l("Consent texts"), _l("New version")
    empty_text = _l("There are no texts yet. Add what a citizen accepts before the company keeps personal data or notifies by e-mail.")
    intro = _l("What citizens agree to. A version is never edited, because somebody may have agreed to it: add a new one.")
    list_columns = ["kind", "version", "valid_from", "text"]
    show_columns = ["kind", "version", "valid_from", "text"]
    add_columns = ["kind", "valid_from", "text"]
    filter_columns = ("kind",)
    base_order = ("valid_from", "desc")
    clipped = ("text",)
    form_class_name = "form"
    label_columns = {"kind": _l("What for"), "version": _l("Version"), "text": _l("Text"), "valid_from": _l("In force from")}
    description_columns = {
        "text": _l("{organisation} is replaced by the name of the company."),
        "valid_from": _l("From that day on citizens are asked for this version."),
    }

    def title_of(self, item: ConsentText) -> str:
        return _("%(what)s, version %(n)s", what=_(item.kind.value), n=item.version)

    def pre_add(self, consent: ConsentText) -> None:
        consent.version = (db.session.scalar(select(func.max(ConsentText.version)).filter_by(kind=consent.kind)) or 0) + 1


class AnswerTemplateView(CatalogueView):
    datamodel = SQLAInterface(AnswerTemplate)
    bulk = SWITCHES
    route_base = "/answertemplate"
    class_permission_name = "AnswerTemplate"
    list_title, add_title = _l("Answer templates"), _l("New answer template")
    empty_text = _l("There are no templates yet. Add the texts that answers repeat, so that nobody writes them again.")
    list_columns = ["name", "request_type", "outcome", "is_active"]
    show_columns = ["name", "request_type", "outcome", "is_active", "body"]
    add_fieldsets = [
        (_l("When it is offered"), {"fields": ["name", "request_type", "outcome", "is_active"]}),
        (_l("What it says"), {"fields": ["body"]}),
    ]
    search_words = ("name", "body")
    filter_columns = ("request_type", "outcome", "is_active")
    base_order = ("name", "asc")
    form_class_name = "form"
    label_columns = {**LABELS, "request_type": _l("Request type"), "outcome": _l("Sense of the answer"), "body": _l("Text")}
    description_columns = {
        "request_type": _l("Empty: for every type."),
        "outcome": _l("Empty: for every outcome."),
        "body": _l("These words are filled from the case: %(fields)s.", fields=", ".join(f"{{{name}}}" for name in answers.FIELDS)),
    }
    validators_columns = {"body": [TemplateFields()]}

    def related(self, item: AnswerTemplate) -> list[Related]:
        return obligations("template", item.id)
