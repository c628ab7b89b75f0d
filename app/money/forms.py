"""Fields and forms of money: whole pesos, measures with decimals, and what each paper asks."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, Field, FileField, Form, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, ValidationError
from wtforms.validators import Optional as Empty

from app.domain.deviation import BillingCycle
from app.forms import UpTo, choices_of
from app.lookups import lookup
from app.reports.base import FilterForm
from app.words import tidy

# ── Fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PesosField(StringField):
    """Whole pesos as people write them, with points between thousands or without; its data is a Decimal, or None."""

    SHAPE = re.compile(r"([-−]?)(\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+|\d+)(?:,0{1,2})?", re.ASCII)
    typed = ""

    def _value(self) -> str:
        return self.typed or ("" if self.data is None else f"{Decimal(self.data).normalize():f}")  # a column has cents, people write none

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed, self.data = (tidy(valuelist[0]) if valuelist else ""), None
        text = re.sub(r"[\s$]", "", self.typed)
        found = self.SHAPE.fullmatch(text)
        if text and (found is None or len(text) > 18):
            raise ValueError(_("Write whole pesos, without cents: 1.250.000."))
        if found:
            self.data = Decimal(("-" if found[1] else "") + re.sub(r"[.,]", "", found[2]))


class MeasureField(StringField):
    """A number with decimals after a comma or a point, and nothing between thousands; its data is a Decimal, or None."""

    typed = ""

    def _value(self) -> str:
        return self.typed or ("" if self.data is None else str(self.data))

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed, self.data = (tidy(valuelist[0]) if valuelist else ""), None
        if self.typed:
            self.data = number_in(self.typed)


def number_in(text: str) -> Decimal:
    """Return the number that *text* is. Raises ValueError, which says how to write it."""
    if not re.fullmatch(r"\d{1,9}(?:[.,]\d{1,4})?", text, re.ASCII):
        raise ValueError(_("Write a number such as 18 or 18,5, without points between thousands."))
    return Decimal(text.replace(",", "."))


# ── Forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class CaseNumberForm(FlaskForm):
    """What both papers of money ask first."""

    pqr_number = StringField(
        _l("Case"), description=_l("The case that asks for it, if there is one."), filters=[tidy], validators=[UpTo(24)]
    )
    account = lookup(_l("Account"), "account")


class FinancingForm(CaseNumberForm):
    party = lookup(_l("Who owes and signs"), "party")
    concept = StringField(
        _l("What the debt is of"), filters=[tidy], validators=[InputRequired(_l("Write what the debt is of.")), UpTo(200)]
    )
    debt = PesosField(_l("Debt (pesos)"), validators=[InputRequired(_l("Write the debt."))])
    down = PesosField(_l("Down payment (pesos)"), description=_l("Empty: none."), validators=[Empty()])
    n_instalments = IntegerField(_l("Number of instalments"), validators=[InputRequired(_l("Write how many instalments."))])
    monthly_rate = MeasureField(_l("Interest a month, in percent"), description=_l("Empty or 0: no interest."), validators=[Empty()])
    agreed_on = DateField(_l("Day of the agreement"), validators=[InputRequired(_l("Write the day of the agreement."))])
    first_due_on = DateField(
        _l("First instalment due on"), description=_l("The others fall due on the same day of each month."),
        validators=[InputRequired(_l("Write when the first instalment is due."))],
    )  # fmt: skip


class ChangeForm(CaseNumberForm):
    """The lines are read apart (`lines_in`): their number grows."""

    invoice_number = StringField(
        _l("Invoice"), filters=[tidy], validators=[InputRequired(_l("Write the number of the invoice that changes.")), UpTo(30)]
    )
    period = StringField(
        _l("Period"), description=_l("Year and month: 2026-07. Of two months, the last."), filters=[tidy],
        validators=[InputRequired(_l("Write the period of the invoice."))],
    )  # fmt: skip
    delivered_on = DateField(
        _l("Invoice handed over on"), description=_l("If nobody knows, the day it was issued: it may rise until five months later."),
        validators=[Empty()],
    )  # fmt: skip
    reason = TextAreaField(_l("Why it changes"), validators=[InputRequired(_l("Write why the invoice changes.")), UpTo(2_000)])


class LineForm(Form):
    """A concept of the invoice."""

    concept = StringField(_l("Concept"), filters=[tidy], validators=[UpTo(120)])
    before = PesosField(_l("Before"))
    after = PesosField(_l("After"))

    @property
    def is_empty(self) -> bool:
        return not any((self.concept.data, self.before.typed, self.after.typed))

    def validate(self, extra_validators: Any = None) -> bool:
        """Say what a line that is begun lacks."""
        is_fine = super().validate(extra_validators)
        if self.is_empty:
            return is_fine
        for field, words in ((self.concept, _("Write the concept.")), (self.before, _("Write 0 if it was not billed.")),
                             (self.after, _("Write 0 if it is taken out."))):  # fmt: skip
            if not field.errors and field.data in (None, ""):
                field.errors = [words]
                is_fine = False
        return is_fine


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Reason"), validators=[InputRequired(_l("Write the reason: it stays with the number.")), UpTo(1_000)])


class SignForm(FlaskForm):
    proof = TextAreaField(
        _l("How the person accepted"), description=_l("Who signed, on which day, and how the person was identified."),
        validators=[InputRequired(_l("Write how the person accepted.")), UpTo(2_000)],
    )  # fmt: skip
    proof_file = FileField(_l("The signed paper (scan or photo)"), validators=[InputRequired(_l("Attach the signed paper."))])


class DeviationForm(FilterForm):
    """Readings as they were taken; the whole calculation is its address."""

    account = lookup(_l("Account"), "account", optional=True, description=_l("Its stratum, and what the house knows of it, fill the rest."))
    cycle = RadioField(_l("Billed"), choices=choices_of(BillingCycle), default=BillingCycle.MONTHLY.name)
    previous = MeasureField(_l("Previous reading (m³)"), validators=[Empty()])
    current = MeasureField(_l("Current reading (m³)"), validators=[Empty()])
    consumption = MeasureField(
        _l("Or the consumption itself (m³)"), description=_l("When the meter was changed, or started from zero."), validators=[Empty()]
    )
    history = StringField(
        _l("Consumption of the earlier periods (m³)"),
        description=_l("The oldest first, with spaces between them: 18 22 20 19 21 20. Six if billed monthly, three if every two months."),
        filters=[tidy],
        validators=[UpTo(200)],
    )
    same_month = MeasureField(
        _l("Same month of the previous year (m³)"),
        description=_l("Only where consumption has seasons; it takes the place of the average."),
        validators=[Empty()],
    )
    stratum_average = MeasureField(
        _l("Average of the stratum or use (m³)"), description=_l("For new accounts, or without the periods above."), validators=[Empty()]
    )

    numbers: ClassVar[list[Decimal]] = []

    def validate_history(self, field: Field) -> None:
        try:
            self.numbers = [number_in(part) for part in re.split(r"[\s;]+", field.data) if part] if field.data else []
        except ValueError as error:
            raise ValidationError(str(error)) from error
