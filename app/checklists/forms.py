"""What the steps of a checklist ask for."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from app.domain.improvement import ActionKind
from app.forms import LenientDateField, UpTo, choices_of
from app.lookups import lookup
from app.words import tidy


class SubmitForm(FlaskForm):
    conclusion = TextAreaField(
        _l("Conclusion"), filters=[tidy], validators=[UpTo(4000)],
        description=_l("What the verification says as a whole; it is printed in the acta. Empty: the figures speak."),
    )  # fmt: skip


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(2000)])


class AskForm(FlaskForm):
    """The action of a finding."""

    kind = RadioField(_l("Kind"), choices=choices_of(ActionKind), default=ActionKind.CORRECTIVE.name, validators=[InputRequired()])
    title = StringField(_l("What has to be done"), filters=[tidy], validators=[DataRequired(_l("Write what has to be done.")), UpTo(200)])
    description = TextAreaField(_l("Details"), filters=[tidy], validators=[UpTo(4000)])
    process_id = SelectField(_l("Process"), coerce=int, validators=[InputRequired()])
    responsible = lookup(_l("Responsible"), "member", optional=True, description=_l("Empty: the owners of the process."))
    due_on = LenientDateField(_l("Do it by"), validators=[InputRequired(_l("Write until when it has to be done."))])
