"""Fields and forms of quotations: what is offered line by line, what the customer answered, what was said with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, Form, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.validators import Optional as Empty

from app.domain.quotations import ContactMeans, LossReason, QuoteLine, refusal_of
from app.forms import UpTo, choices_of, maybe_int
from app.lookups import lookup
from app.money.forms import MeasureField, PesosField, number_in
from app.words import tidy


class QuotationForm(FlaskForm):
    """The lines are read apart (`lines_in`): their number grows."""

    party = lookup(_l("Client"), "party")
    contact = lookup(
        _l("Contact"), "contact", optional=True, description=_l("Whom it is sent to. Write the name of the person or of the customer.")
    )
    subject = StringField(
        _l("What is quoted"), filters=[tidy], validators=[InputRequired(_l("Write what the quotation is about.")), UpTo(200)]
    )
    request = TextAreaField(_l("What the customer asked for"), filters=[tidy], validators=[Empty(), UpTo(4_000)])
    requested_on = DateField(_l("Asked for on"), validators=[InputRequired(_l("Write the day on which the customer asked for it."))])
    process_id = SelectField(_l("Process that offers it"), coerce=maybe_int, validators=[Empty()])
    responsible = lookup(_l("Person responsible"), "user", optional=True)
    validity_days = IntegerField(
        _l("Valid for (days)"), description=_l("Calendar days, counted from the day after it is sent."),
        validators=[InputRequired(_l("Write for how many days the offer is valid."))],
    )  # fmt: skip
    delivery = StringField(_l("Time of delivery"), filters=[tidy], validators=[Empty(), UpTo(200)])
    payment = StringField(_l("Way of payment"), filters=[tidy], validators=[Empty(), UpTo(200)])
    conditions = TextAreaField(_l("Other conditions"), filters=[tidy], validators=[Empty(), UpTo(4_000)])


def rate_in(value: Any) -> Decimal:
    """Return the percentage that a choice carries. Raises ValueError."""
    return value if isinstance(value, Decimal) else number_in(str(value))


class LineForm(Form):
    """Something that is quoted."""

    description = StringField(_l("Description"), filters=[tidy], validators=[UpTo(500)])
    quantity = MeasureField(_l("Quantity"))
    unit = StringField(_l("Unit"), filters=[tidy], validators=[UpTo(20)])
    price = PesosField(_l("Unit price"))
    vat_rate = SelectField(_l("IVA"), coerce=rate_in)

    def __init__(self, *args: Any, rates: list[Decimal], **options: Any) -> None:
        super().__init__(*args, **options)
        kept = self.vat_rate.data
        known = rates if kept is None or kept in rates else [*rates, kept]
        self.vat_rate.choices = [(rate, say_rate(rate)) for rate in known]
        if kept is None:
            self.vat_rate.data = rates[0]

    @property
    def is_empty(self) -> bool:
        numbers = (field.typed or field.data is not None for field in (self.quantity, self.price))
        return not any((self.description.data, self.unit.data, *numbers))

    @property
    def line(self) -> QuoteLine:
        """The line as the domain reads it; what is not written is nothing."""
        return QuoteLine(
            self.description.data or "", self.quantity.data or Decimal(0), self.unit.data or "", self.price.data or Decimal(0),
            self.vat_rate.data,
        )  # fmt: skip

    def check(self, n: int) -> bool:
        """Say at its fields what line *n*, which is begun, lacks; return whether it is fine."""
        is_fine = self.validate()
        if self.price.data is None and not self.price.errors:
            self.price.errors = [_("Write 0 if it is free.")]
            is_fine = False
        refusal = refusal_of(self.line)
        if refusal and not self[refusal[0]].errors:
            self[refusal[0]].errors = [_(refusal[1], n=n)]
            is_fine = False
        return is_fine


def say_rate(rate: Decimal) -> str:
    """Return 19 % for 19.00."""
    return f"{rate.normalize():f}".replace(".", ",") + "\u00a0%"


class ReviseForm(FlaskForm):
    reason = TextAreaField(
        _l("Why another version"), filters=[tidy],
        validators=[InputRequired(_l("Write why another version is needed: it stays in the history.")), UpTo(1_000)],
    )  # fmt: skip


class AnswerForm(FlaskForm):
    on = DateField(_l("Day of the answer"), validators=[InputRequired(_l("Write the day on which the customer answered."))])


class AcceptForm(AnswerForm):
    note = TextAreaField(
        _l("How the customer accepted"), description=_l("Purchase order, letter or message, and who signs it."), filters=[tidy],
        validators=[InputRequired(_l("Write how the customer accepted.")), UpTo(1_000)],
    )  # fmt: skip


class RejectForm(AnswerForm):
    reason = RadioField(
        _l("Reason"), choices=choices_of(LossReason), validators=[InputRequired(_l("Choose the reason: it is what we learn from."))]
    )
    note = TextAreaField(_l("What the customer said"), filters=[tidy], validators=[Empty(), UpTo(1_000)])


class WithdrawForm(FlaskForm):
    reason = TextAreaField(
        _l("Reason"), filters=[tidy],
        validators=[InputRequired(_l("Write why it is withdrawn: its number stays, with this reason.")), UpTo(1_000)],
    )  # fmt: skip


class FollowUpForm(FlaskForm):
    on = DateField(_l("Day"), validators=[InputRequired(_l("Write the day."))])
    means = RadioField(_l("How"), choices=choices_of(ContactMeans), default=ContactMeans.PHONE.name, validators=[InputRequired()])
    note = TextAreaField(_l("What was said"), filters=[tidy], validators=[InputRequired(_l("Write what was said.")), UpTo(2_000)])
    next_on = DateField(_l("Speak again on"), description=_l("That day it is among what you have to do."), validators=[Empty()])
