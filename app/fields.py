"""Fields that Flask-AppBuilder lacks, and the forms it generates made ours."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import Any

from flask import url_for
from flask_appbuilder.fields import QuerySelectField, QuerySelectMultipleField
from flask_appbuilder.validators import Unique as FabUnique
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Enum as EnumType
from sqlalchemy import String, inspect
from sqlalchemy.exc import IntegrityError
from wtforms import BooleanField, Form, SelectField, StringField
from wtforms.fields.core import UnboundField
from wtforms.validators import DataRequired, InputRequired, ValidationError
from wtforms.validators import Optional as Empty
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from app.extensions import db
from app.forms import NotTaken, tidy
from app.lookups import LOOKUPS


class EnumSelect(SelectField):
    """A select of an enum: its data is the member, the browser sends the member's name, people read its translated value."""

    def __init__(self, label: Any, enum: type[Enum], *, blank: str | None = None, **options: Any) -> None:
        def member(name: Any) -> Enum | None:
            if isinstance(name, enum) or not name:
                return name or None
            return enum.__members__[name] if name in enum.__members__ else _refuse(name)

        def choices() -> list[tuple[str, str]]:
            empty = [] if blank is None else [("", blank)]
            return empty + [(each.name, _(each.value)) for each in enum]

        super().__init__(label, coerce=member, choices=choices, **options)

    def iter_choices(self):  # type: ignore[no-untyped-def]
        for name, label, _selected, attributes in super().iter_choices():
            yield name, label, (self.data.name if self.data else "") == name, attributes

    def pre_validate(self, form: Form) -> None:
        if self.data is None and "" not in dict(self.choices):
            raise ValidationError(_("Choose one of the list."))


def _refuse(name: str) -> Any:
    raise ValueError(_("Choose one of the list."))


def enum_select(label: Any, enum: type[Enum], *, optional: bool = False, **options: Any) -> EnumSelect:
    """Return a field for an enum column; *optional* offers an empty choice that stores NULL."""
    options.setdefault("validators", [Empty()] if optional else [InputRequired()])
    return EnumSelect(label, enum, blank="—" if optional else None, **options)


class LookupInput(TextInput):
    """A text box that knows where to ask for suggestions; without script it is a text box."""

    def __call__(self, field: LookupField, **attributes: Any) -> Markup:
        attributes.setdefault("data-lookup", url_for("LookupView.seek", kind=field.kind))
        attributes.setdefault("data-nothing", _("Nothing found"))
        attributes.setdefault("autocomplete", "off")
        return super().__call__(field, **attributes)


class LookupField(StringField):
    """A relation to a row of a big table, written as text (`LOOKUPS[kind]`); its data is the row."""

    widget = LookupInput()

    def __init__(self, label: Any, kind: str, **options: Any) -> None:
        self.kind = kind
        self.typed: str | None = None
        super().__init__(label, **options)

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return LOOKUPS[self.kind].text(self.data) if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed, self.data = tidy(valuelist[0]), None
        if self.typed:
            found = db.session.scalars(LOOKUPS[self.kind].find(self.typed).limit(2)).all()
            if len(found) > 1:
                raise ValueError(_("Several match. Choose one of the list, or write its whole number."))
            if not found:
                raise ValueError(_("Nothing matches. Choose one of the list, or write its whole number."))
            self.data = found[0]


def lookup(label: Any, kind: str, *, optional: bool = False, **options: Any) -> LookupField:
    """Return a field for a relation to a party, account, user or municipality."""
    options.setdefault("validators", [Empty()] if optional else [InputRequired()])
    return LookupField(label, kind, **options)


# ── Forms that FAB generates, made ours ───────────────────────────────────────────────────────────────────────────────────


def _or_nothing(value: str | None) -> str | None:
    return tidy(value) or None


def native(form: type[Form], model: type, declared: Collection[str] = ()) -> type[Form]:
    """
    Return *form*, which FAB generated for *model*, with our fields and the controls of the browser instead of Bootstrap's.

    Fields in *declared* stay as their screen declares them.

    An enum gets `EnumSelect`, a relation to a big table `LookupField`, many rows get boxes. Spaces around text go, an empty
    optional text is NULL, a text with a default may stay empty, an unticked box is no error, "taken" is said in plain words.
    """
    columns, relations = inspect(model).columns, inspect(model).relationships
    for name in dir(form):
        field = getattr(form, name)
        if isinstance(field, UnboundField) and name not in declared:
            ours = _native_field(field, name, model, columns.get(name), relations.get(name))
            ours.creation_counter = field.creation_counter  # forms keep the order of their declaration
            setattr(form, name, ours)
    return form


def _native_field(field: UnboundField, name: str, model: Any, column: Any, relation: Any) -> UnboundField:
    kind, options = field.field_class, {key: value for key, value in field.kwargs.items() if key != "widget"}
    if column is not None and isinstance(column.type, EnumType):
        return enum_select(options["label"], column.type.enum_class, optional=column.nullable, description=options.get("description", ""))
    big = next((key for key, each in LOOKUPS.items() if relation is not None and each.model is relation.mapper.class_), None)
    if big and not relation.uselist:
        is_optional = all(local.nullable for local in relation.local_columns)
        return lookup(field.args[0], big, optional=is_optional, description=options.get("description", ""))
    validators = [NotTaken(model, name) if isinstance(each, FabUnique) else each for each in options.get("validators") or ()]
    if issubclass(kind, BooleanField):
        validators = []
    elif issubclass(kind, QuerySelectMultipleField):
        options |= {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}
    elif issubclass(kind, QuerySelectField):
        options |= {"blank_text": "—", "allow_blank": True}  # nothing is chosen before somebody chooses
    elif column is not None and isinstance(column.type, String):
        validators = [each for each in validators if not isinstance(each, InputRequired)]
        validators.append(Empty() if column.nullable or column.default is not None else DataRequired())  # spaces are nothing
        options["filters"] = [_or_nothing if column.nullable else tidy]
    return UnboundField(kind, *field.args, **{**options, "validators": validators})


def explain(error: IntegrityError) -> str:
    """Return what the database refused, in plain words; forms should have said it before, so this is the last wall."""
    text = str(error.orig).lower()
    if "unique" in text or "duplicate" in text:
        return _("Another row already has these values. Look for it in the list before you add it again.")
    if "foreign key" in text:
        return _("This row is in use, or refers to one that no longer exists. Nothing was saved.")
    return _("The values contradict a rule of the register. Nothing was saved; check dates, numbers and required fields.")
