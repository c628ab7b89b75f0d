"""The forms of field work, made from what `domain.fieldwork` declares."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import (
    DecimalField,
    Field,
    Form,
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, NumberRange
from wtforms.validators import Optional as Empty
from wtforms.widgets import DateInput, TimeInput

from app.domain.errors import DomainError
from app.domain.fieldwork import ASKED, NOT_DONE, RESULT, TAKES_AWAY, UNSIGNED, FieldType, ResultField, ResultRefused
from app.domain.states import OrderKind
from app.extensions import db
from app.forms import LenientDateField, UpTo, maybe_int
from app.intake import blame
from app.lookups import lookup
from app.operations import orders
from app.security import TECNICO
from app.words import tidy

#: Fields that `clean_result` needs in some cases: they are not called optional.
_AT_TIMES = {"reading", "no_photo", "late_reason"}


class Needed:
    """Says that a field is no optional one; `domain.fieldwork` refuses it when it is empty."""

    field_flags = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        """Accept everything: the domain decides."""


def _yes_no() -> list[tuple[str, Any]]:
    return [("YES", _l("Yes")), ("NO", _l("No"))]


def _control(each: ResultField) -> Field:
    """Return the control for a declared field. Texts stay texts, so that what was typed comes back as it was typed."""
    options: dict[str, Any] = {"validators": [Needed()] if each.is_required else [], "description": _l(each.help) if each.help else ""}
    label = _l(each.label)
    match each.type:
        case FieldType.CHOICE:
            return RadioField(label, choices=[(key, _l(text)) for key, text in each.choices.items()], validate_choice=False, **options)
        case FieldType.YES_NO:
            return RadioField(label, choices=_yes_no(), validate_choice=False, **options)
        case FieldType.LONG_TEXT:
            return TextAreaField(label, filters=[tidy], render_kw={"rows": 3}, **options)
        case FieldType.NUMBER:
            return StringField(label, filters=[tidy], render_kw={"inputmode": "decimal", "autocomplete": "off"}, **options)
        case FieldType.DATE:
            return StringField(label, widget=DateInput(), **options)
        case FieldType.TIME:
            return StringField(label, widget=TimeInput(), **options)
    return StringField(label, filters=[tidy], render_kw={"autocomplete": "off"}, **options)


class _VisitForm(FlaskForm):
    """What every visit brings besides the declared fields. `submission` names the form: sent again, it is the same act."""

    submission = HiddenField()
    latitude, longitude, accuracy = HiddenField(), HiddenField(), HiddenField()
    done_on = LenientDateField(_l("Day of the visit"), validators=[Needed()])
    photos = MultipleFileField(_l("Photos"), description=_l("Up to 5, of 10 MB each."))


class _DoneForm(_VisitForm):
    """The result of an order that was done."""

    signature = HiddenField()
    unsigned_reason = RadioField(
        _l("If nobody signs on the screen, why"),
        choices=[(key, _l(text)) for key, text in UNSIGNED.items()],
        validate_choice=False,
        validators=[Empty()],
    )


@lru_cache
def result_form(kind: OrderKind, is_done: bool) -> type[FlaskForm]:
    """Return the form of a result: `declared` names its own fields, in order, `at_times` those that are needed now and then."""
    fields = RESULT[kind] if is_done else NOT_DONE
    attributes: dict[str, Any] = {each.name: _control(each) for each in fields}
    attributes["declared"] = tuple(each.name for each in fields)
    attributes["at_times"] = {each.name for each in fields if each.needed_when} | _AT_TIMES
    return type("ResultForm", (_DoneForm if is_done else _VisitForm,), attributes)


class OrderForm(FlaskForm):
    """What the office says of every order; `order_form` adds what its kind asks for."""

    account = lookup(_l("Account"), "account", optional=True)
    assignee = SelectField(_l("Who goes"), coerce=maybe_int, validators=[Needed()])
    due_on = LenientDateField(_l("Until when"), validators=[Empty()])
    instructions = TextAreaField(_l("What has to be done"), filters=[tidy], render_kw={"rows": 4}, validators=[UpTo(orders.MAX_TEXT)])
    invoice_number = StringField(_l("Invoice"), filters=[tidy], validators=[Length(max=30)])
    debt_cop = DecimalField(_l("Debt (pesos)"), places=2, validators=[Empty(), NumberRange(min=0, message=_l("Write zero or more."))])
    deviation = HiddenField()


@lru_cache
def order_form(kind: OrderKind) -> type[OrderForm]:
    """Return the form to order field work of *kind*; `shown` names its fields, in order."""
    asked = ASKED[kind]
    attributes: dict[str, Any] = {each.name: _control(each) for each in asked}
    debt = ("invoice_number", "debt_cop") if kind in TAKES_AWAY else ()
    attributes["shown"] = ("account", *(each.name for each in asked), *debt, "instructions", "assignee", "due_on")
    return type("KindForm", (OrderForm,), attributes)


class ReasonForm(FlaskForm):
    """Why an order is excused or voided."""

    reason = TextAreaField(_l("Reason"), filters=[tidy], validators=[UpTo(orders.MAX_TEXT)])


class AssignForm(FlaskForm):
    """Who goes instead."""

    assignee = SelectField(_l("Who goes"), coerce=maybe_int, validators=[Needed()])
    due_on = LenientDateField(_l("Until when"), validators=[Empty()])


def technicians() -> list[User]:
    """Return who may be sent, by name."""
    statement = select(User).where(User.active, User.roles.any(Role.name == TECNICO)).order_by(User.first_name, User.last_name)
    return list(db.session.scalars(statement))


def offer_people(form: Any) -> None:
    """Give the field of who goes its choices."""
    form.assignee.choices = [("", "—"), *((user.id, user.get_full_name()) for user in technicians())]


def chosen(form: Any) -> User | None:
    """Return who was chosen to go, if that is somebody who may."""
    return next((user for user in technicians() if user.id == form.assignee.data), None)


def blame_all(form: Any, error: DomainError) -> None:
    """Put each refusal beside its field."""
    for each in error.errors if isinstance(error, ResultRefused) else [error]:
        if each.field == "files":
            each.field = "photos"
        blame(form, each)
