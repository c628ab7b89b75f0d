"""How the files of the SUI are written: rules, equivalences and columns, as data with its source and how sure it is."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect, select
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, NumberRange, StopValidation

from app.baseviews import READ_WRITE, Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.interruptions import FIELDS as INTERRUPTION_FIELDS
from app.domain.interruptions import check_column
from app.domain.sui import CLAIM_FIELDS, MEMBERS, SuiFormat, check_member, check_value
from app.extensions import db
from app.forms import NotBefore, NotTakenWith, UpTo
from app.models import SuiColumn, SuiMap, SuiRule
from app.screens.records import history_of
from app.words import say_day, tidy

LABELS = {
    "service": _l("Service"), "valid_from": _l("In force from"), "valid_until": _l("In force until"), "norm": _l("Norm or source"),
    "confidence": _l("How sure it is"), "is_active": _l("Active"), "source": _l("Source"), "format": _l("File"),
}  # fmt: skip
HELPS = {
    "service": _l("Empty: every service without a row of its own."),
    "valid_until": _l("Empty: still in force."),
    "valid_from": _l("A month follows what is in force on its last day."),
    "confidence": _l("Whether somebody checked it, and what is still in doubt."),
}
FROZEN = _l("Frozen months keep the rules, equivalences and headings they were written with; a change here counts for the others.")


class OneAtATime:
    """Validator of `valid_from`: no other row answers the same question on the same day, or a month would follow two."""

    def __init__(self, model: Any, *question: str) -> None:
        self.model, self.question = model, (*question, "service")

    def __call__(self, form: Any, field: Any) -> None:
        if field.data is None:
            return
        until, asked = form["valid_until"].data or date.max, {name: form[name].data or None for name in self.question}
        same = select(self.model).filter_by(**asked).where(self.model.id != (getattr(form, "_id", None) or 0))
        for row in db.session.scalars(same):
            if getattr(row, "is_active", True) and row.valid_from <= until and field.data <= (row.valid_until or date.max):
                there = _("From %(start)s on there is already a row for this. End its validity first.", start=say_day(row.valid_from))
                raise StopValidation(there)


class _TableView(RuledView):
    """What the three tables share: the right, the history, and that a row which no month needs may go."""

    class_permission_name = "SuiRule"
    include_route_methods = READ_WRITE | {"drop"}
    method_permission_name = {"list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "drop": "delete"}
    form_intro = FROZEN

    def _init_properties(self) -> None:
        self.description_columns = {**HELPS, **(self.description_columns or {})}
        self.label_columns = {**LABELS, **self.label_columns}
        super()._init_properties()

    @property
    def list_name(self) -> str:
        return self.model.__name__

    def buttons(self, item: Any) -> list[Button]:
        found = []
        if self.may_do("drop"):
            ask = _("Delete this row? Frozen months keep what they were written with.")
            found.append(Button(_("Delete"), url_for(f"{self.endpoint}.drop", pk=item.id), True, ask))
        return found + history_of(inspect(item).mapper.local_table.name, item.id)

    @expose("/drop/<pk>", methods=["POST"])
    @has_access
    @permission_name("delete")
    def drop(self, pk: str) -> Response:
        """Delete a row; frozen months have their own copy of what they followed."""
        db.session.delete(self.item(pk))
        db.session.commit()
        flash(_("The row is deleted."), "success")
        return redirect(url_for(f"{self.endpoint}.list"))


class SuiRuleView(_TableView):
    datamodel = SQLAInterface(SuiRule)
    route_base = "/sui-rule"
    list_title, add_title = _l("Rules of the SUI"), _l("New rule of the SUI")
    intro = _l("How the rows of the claims file are written and checked. Sources disagree between services: a service may have its own.")
    empty_text = _l("There are no rules, so no row can be written. Load those that ship with the product.")
    list_columns = ["key", "service", "value", "weight", "valid_from", "valid_until", "confidence"]
    show_columns = ["key", "service", "value", "weight", "is_active", "valid_from", "valid_until", "norm", "confidence"]
    add_fieldsets = [
        (_l("The rule"), {"fields": ["key", "service", "value", "weight", "is_active"]}),
        (_l("In force"), {"fields": ["valid_from", "valid_until"]}),
        (_l("Where it stands"), {"fields": ["norm", "confidence"]}),
    ]
    search_words = ("value", "norm", "confidence")
    filter_columns = ("key", "service")
    base_order = ("valid_from", "asc")
    clipped = ("confidence",)
    label_columns = {"key": _l("Rule"), "value": _l("Value"), "weight": _l("A row that breaks it")}
    description_columns = {"value": _l("A code, or several separated by commas. Some rules only check and have none.")}
    validators_columns = {"valid_from": [OneAtATime(SuiRule, "key")], "valid_until": [NotBefore("valid_from")]}

    def title_of(self, item: SuiRule) -> str:
        return _(item.key.value)

    def pre_add(self, item: SuiRule) -> None:
        item.value = tidy(item.value or "")
        check_value(item.key, item.value)

    pre_update = pre_add


class SuiMapView(_TableView):
    datamodel = SQLAInterface(SuiMap)
    route_base = "/sui-map"
    list_title, add_title = _l("Equivalences of the SUI"), _l("New equivalence")
    intro = _l("Which code of the SUI stands for what the system knows: kinds of appeal, senses of an answer, states, ways of notice.")
    empty_text = _l("There are no equivalences, so no answered row can be written. Load those that ship with the product.")
    list_columns = ["kind", "member", "code", "service", "valid_from", "valid_until", "confidence"]
    show_columns = ["kind", "member", "service", "code", "valid_from", "valid_until", "norm", "confidence"]
    add_fieldsets = [
        (_l("The equivalence"), {"fields": ["kind", "member", "code", "service"]}),
        (_l("In force"), {"fields": ["valid_from", "valid_until"]}),
        (_l("Where it stands"), {"fields": ["norm", "confidence"]}),
    ]
    search_words = ("member", "code", "confidence")
    filter_columns = ("kind", "service")
    base_order = ("valid_from", "asc")
    clipped = ("confidence",)
    label_columns = {"kind": _l("Table"), "member": _l("Of ours"), "code": _l("Code of the SUI")}
    validators_columns = {"valid_from": [OneAtATime(SuiMap, "kind", "member")], "valid_until": [NotBefore("valid_from")]}
    WORDS = {each.name: each.value for members in MEMBERS.values() for each in members}
    add_form_extra_fields = {
        "member": SelectField(_l("Of ours"), choices=lambda: [(name, _(words)) for name, words in SuiMapView.WORDS.items()])
    }
    formatters_columns = {"member": lambda member: _(SuiMapView.WORDS.get(member, member))}

    def title_of(self, item: SuiMap) -> str:
        return f"{self.shown(item, 'member')} → {item.code}"

    def pre_add(self, item: SuiMap) -> None:
        item.code = tidy(item.code or "")
        check_member(item.kind, item.member)

    pre_update = pre_add


#: What each file may say, by the key of the value.
FIELDS = {
    SuiFormat.CLAIMS: CLAIM_FIELDS,
    SuiFormat.INTERRUPTIONS: {name: label for name, (label, _value) in INTERRUPTION_FIELDS.items()},
}


_LABELS = {name: label for fields in FIELDS.values() for name, label in fields.items()}


def _field_choices() -> list[tuple[str, str]]:
    return [(name, f"{_(label)} ({name})") for name, label in _LABELS.items()]


class SuiColumnView(_TableView):
    datamodel = SQLAInterface(SuiColumn)
    route_base = "/sui-column"
    list_title, add_title = _l("Columns of the SUI"), _l("New column of a file")
    intro = _l("The columns of each file in their order. That of interruptions is a draft: no official text of its format was at hand.")
    empty_text = _l("There are no columns, so no file can be written. Load those that ship with the product.")
    list_columns = ["format", "position", "heading", "field", "kind", "rule", "confidence", "is_active"]
    show_columns = ["format", "position", "heading", "field", "fixed", "kind", "rule", "is_active", "source", "confidence"]
    add_fieldsets = [
        (_l("The column"), {"fields": ["format", "position", "heading", "field", "fixed", "kind", "rule", "is_active"]}),
        (_l("Where it stands"), {"fields": ["source", "confidence"]}),
    ]
    search_words = ("heading", "field", "confidence")
    filter_columns = ("format",)
    base_order = ("position", "asc")
    clipped = ("confidence", "rule")
    label_columns = {
        "position": _l("Order"), "heading": _l("Heading"), "field": _l("What it says"), "fixed": _l("When it is empty"),
        "kind": _l("How it is written"), "rule": _l("Rule"),
    }  # fmt: skip
    formatters_columns = {"field": lambda name: _(_LABELS.get(name, name))}
    description_columns = {"fixed": _l("What stands there when there is no value.")}
    validators_columns = {"position": [NotTakenWith(SuiColumn, "position", "format")]}
    add_form_extra_fields = {
        "position": IntegerField(_l("Order"), validators=[InputRequired(_l("Write the place of the column.")), NumberRange(1, 60),
                                                          NotTakenWith(SuiColumn, "position", "format")]),
        "heading": StringField(_l("Heading"), filters=[tidy], validators=[DataRequired(_l("Write the heading.")), UpTo(120)],
                               description=_l("As it stands in the first row of the file.")),
        "field": SelectField(_l("What it says"), choices=_field_choices),
    }  # fmt: skip

    def pre_add(self, item: SuiColumn) -> None:
        if item.format is SuiFormat.INTERRUPTIONS:
            check_column(item.field, item.kind, item.rule)
        elif item.field not in FIELDS[item.format]:
            raise DomainError(N_("That value is not one of this file."), field="field")

    pre_update = pre_add
