"""What a campaign of surveys asks for: its form, its steps, and the calculator of samples."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, Form, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange
from wtforms.validators import Optional as Empty

from app.contracts.forms import process_choices
from app.domain.questionnaires import Audience
from app.forms import LenientDateField, UpTo, maybe_int
from app.lookups import lookup
from app.models import SurveyCampaign
from app.words import tidy

CONFIDENCES = [(90, "90 %"), (95, "95 %"), (99, "99 %")]
#: Fields of the sample; it is split for users alone.
SAMPLE = ("is_sampled", "confidence", "error_percent")
SPLIT = ("by_zone", "by_stratum", "by_service")


def _day(label: Any, missing: Any, **options: Any) -> LenientDateField:
    return LenientDateField(label, validators=[InputRequired(missing)], **options)


def _confidence() -> SelectField:
    return SelectField(
        _l("Confidence"), coerce=int, choices=CONFIDENCES, default=95, validators=[InputRequired()],
        description=_l("How sure one wants to be that the figure of everybody lies within the margin."),
    )  # fmt: skip


def _error() -> DecimalField:
    return DecimalField(
        _l("Margin of error (percentage points)"), places=1, default=5,
        description=_l("How far the figure of the sample may lie from everybody's. Half the margin takes about four times the answers."),
        validators=[InputRequired(_l("Write the margin of error.")), NumberRange(0.1, 50, _l("Write a margin from 0.1 to 50 points."))],
    )  # fmt: skip


class CampaignForm(FlaskForm):
    """A campaign while nobody confirmed it."""

    name = StringField(_l("Name"), filters=[tidy], validators=[DataRequired(_l("Write how the campaign is called.")), UpTo(160)])
    period_from = _day(_l("Period it measures, from"), _l("Write the first day of the period."))
    period_until = _day(_l("Period it measures, until"), _l("Write the last day of the period."))
    opens_on = _day(_l("First day for answers"), _l("Write the first day on which people may answer."))
    closes_on = _day(
        _l("Last day for answers"), _l("Write the last day on which people may answer."),
        description=_l("The night after it, the campaign closes by itself."),
    )  # fmt: skip
    by_link = BooleanField(_l("Personal link, by mail"))
    by_phone = BooleanField(_l("Telephone interview"))
    by_qr = BooleanField(_l("Printed code"))
    by_kiosk = BooleanField(_l("Kiosk at the office"))
    by_paper = BooleanField(_l("Paper, typed in by us"))
    by_file = BooleanField(_l("A file with answers of another program"))
    needs_consent = BooleanField(_l("Ask only people who agreed to be contacted for surveys"))
    is_sampled = BooleanField(_l("Ask a sample, drawn by lot"), description=_l("Otherwise everybody of the audience is asked."))
    confidence = _confidence()
    error_percent = _error()
    by_zone = BooleanField(_l("Split it by zone"))
    by_stratum = BooleanField(_l("Split it by stratum"))
    by_service = BooleanField(_l("Split it by service"))
    max_reminders = IntegerField(
        _l("Reminders at most"), default=2, description=_l("They go by mail, only to those who have not answered."),
        validators=[InputRequired(_l("Write how many reminders.")), NumberRange(0, 10, _l("Write a number from 0 to 10."))],
    )  # fmt: skip
    reminder_days = IntegerField(
        _l("Days between them"), default=7,
        validators=[InputRequired(_l("Write how many days.")), NumberRange(1, 60, _l("Write a number from 1 to 60."))],
    )  # fmt: skip
    process_id = SelectField(_l("Process that carries it out"), coerce=maybe_int, choices=process_choices, validators=[Empty()])
    responsible = lookup(_l("Responsible"), "member", optional=True, description=_l("Who is reminded to confirm it and to close it."))

    def __init__(self, audience: Audience, **options: Any) -> None:
        super().__init__(**options)
        self.audience = audience
        shown = {name for _name, section in self.sections(audience) for name in section["fields"]}
        for name in [name for name, field in self._fields.items() if name not in shown and field.type != "CSRFTokenField"]:
            del self[name]  # what is not asked is not missing either

    @staticmethod
    def sections(audience: Audience) -> list[tuple[Any, dict[str, Any]]]:
        """Return the sections of the form for *audience*: whoever comes by is neither called nor drawn."""
        named = ("by_link", "by_phone") if audience is not Audience.ANYBODY else ()
        whom: dict[str, Any] = {
            "fields": ("needs_consent", *SAMPLE, *(SPLIT if audience is Audience.USERS else ())),
            "help": _("Who wants no more surveys is never asked. Strata share the sample in proportion, and each has at least one answer."),
        }
        follow_up = ("max_reminders", "reminder_days") if named else ()
        sections: list[tuple[Any, dict[str, Any]]] = [
            (_("What it measures, and when"), {"fields": ("name", "period_from", "period_until", "opens_on", "closes_on")}),
            (_("How people answer"), {"fields": (*named, "by_qr", "by_kiosk", "by_paper", "by_file")}),
        ]
        sections += [(_("Whom it asks"), whom)] if named else []
        return [*sections, (_("Who answers for it"), {"fields": (*follow_up, "process_id", "responsible")})]

    def fill(self, campaign: SurveyCampaign) -> None:
        """Write into *campaign* what was asked."""
        for name, field in self._fields.items():
            if field.type != "CSRFTokenField":
                setattr(campaign, name, field.data)


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(2000)])


class CloseForm(FlaskForm):
    """Closing on the last day says nothing; before it, why."""

    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[UpTo(2000)])


class UntilForm(ReasonForm):
    closes_on = _day(_l("Last day for answers"), _l("Write the last day on which people may answer."))


class SampleForm(Form):
    """The calculator of samples. Nothing is stored: it reads the address."""

    population = IntegerField(
        _l("How many people there are"), description=_l("Empty: very many."),
        validators=[Empty(), NumberRange(1, 100_000_000, _l("Write a whole number from 1 on."))],
    )  # fmt: skip
    confidence = _confidence()
    error_percent = _error()
