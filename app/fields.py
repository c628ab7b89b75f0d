"""Fields that Flask-AppBuilder lacks, and the forms it generates made ours."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum
from typing import Any

from flask_appbuilder.fields import QuerySelectField, QuerySelectMultipleField
from flask_appbuilder.validators import Unique as FabUnique
from flask_babel import gettext as _
from sqlalchemy import CheckConstraint, String, inspect
from sqlalchemy import Enum as EnumType
from sqlalchemy.exc import IntegrityError
from wtforms import BooleanField, Form, SelectField
from wtforms.fields.core import UnboundField
from wtforms.validators import DataRequired, InputRequired, ValidationError
from wtforms.validators import Optional as Empty
from wtforms.widgets import CheckboxInput, ListWidget

from app.forms import NotTaken
from app.lookups import LOOKUPS, lookup
from app.words import tidy


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


def explain(error: IntegrityError, form: Form, model: Any) -> tuple[str | None, str]:
    """
    Return the field that a constraint of the database blames, if *form* shows one, and what it refused, in plain words.

    Forms should have said it before, so this is the last wall: two people at the same moment, or a rule without a validator.
    """
    text = str(error.orig).lower()
    names = [name for name in _blamed(error, model) if name in form]
    labels = ", ".join(str(form[name].label.text) for name in names)
    first = names[0] if names else None
    if "unique" in text or "duplicate" in text:
        if names:
            return first, _("Another row already has the same: %(columns)s.", columns=labels)
        return None, _("Another row already has these values. Look for it in the list before you add it again.")
    if "foreign key" in text:
        return first, _("This row is in use, or refers to one that no longer exists. Nothing was saved.")
    if "not null" in text or "not-null" in text:
        return first, _("This may not stay empty.")
    if len(names) > 1:
        return first, _("These values contradict each other, or a rule of the register: %(columns)s.", columns=labels)
    return first, _("The values contradict a rule of the register. Nothing was saved; check dates, numbers and required fields.")


def _blamed(error: IntegrityError, model: Any) -> list[str]:
    """Return the attributes of *model* whose columns the refusal names: PostgreSQL names the constraint, SQLite that or the columns."""
    table = inspect(model).local_table
    text = str(error.orig)
    said = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or text.rpartition(": ")[2]
    rule = next((each for each in (*table.constraints, *table.indexes) if each.name and each.name == said), None)
    if isinstance(rule, CheckConstraint):
        columns = set(re.findall(r"[a-z_]+", str(rule.sqltext).lower()))
    elif rule is not None:
        columns = {column.name for column in rule.columns}
    else:
        column = getattr(getattr(error.orig, "diag", None), "column_name", None)
        columns = {column} if column else set(re.findall(rf"\b{table.name}\.(\w+)", text))
    relations = {local.name: name for name, each in inspect(model).relationships.items() for local in each.local_columns}
    found = [name for each in table.columns if each.name in columns for name in (relations.get(each.name), each.name)]
    return [name for name in found if name]
