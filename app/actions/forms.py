"""What the steps of an action and of its tasks ask for."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from app.extensions import today
from app.forms import LenientDateField, UpTo
from app.lookups import lookup
from app.operations.files import ACCEPT
from app.words import tidy


class FinishForm(FlaskForm):
    result = TextAreaField(
        _l("What was done"), filters=[tidy], validators=[DataRequired(_l("Write what was done.")), UpTo(4000)],
        description=_l("And how one can see it: the paper, the photo, the figure."),
    )  # fmt: skip
    ended_on = LenientDateField(_l("Done on"), default=today, validators=[InputRequired(_l("Write the day on which it was done."))])


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(2000)])


class PostponeForm(ReasonForm):
    due_on = LenientDateField(_l("The new day"), validators=[InputRequired(_l("Write the new day."))])


class TaskForm(FlaskForm):
    what = TextAreaField(_l("What has to be done"), filters=[tidy], validators=[DataRequired(_l("Write what has to be done.")), UpTo(2000)])
    responsible = lookup(_l("Who is in charge of it"), "member", optional=True)
    due_on = LenientDateField(_l("Do it by"), validators=[InputRequired(_l("Write until when it has to be done."))])


class TaskPostponeForm(FlaskForm):
    due_on = LenientDateField(_l("Do it by"), validators=[InputRequired(_l("Write until when it has to be done."))])
    responsible = lookup(_l("Who is in charge of it"), "member", optional=True)
    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(2000)])


class FilesForm(FlaskForm):
    files = MultipleFileField(_l("Files"), render_kw={"accept": ACCEPT}, description=_l("PDF, photos, Word, Excel, text or sound."))
    description = StringField(_l("What they show"), filters=[tidy], validators=[UpTo(200)])


class TaskEndForm(FlaskForm):
    said = TextAreaField(
        _l("What shows that it was done"), filters=[tidy], validators=[DataRequired(_l("Write what shows that it was done.")), UpTo(4000)],
        description=_l("The paper, the photo, the figure: what somebody else would look at."),
    )  # fmt: skip
    ended_on = LenientDateField(_l("Done on"), default=today, validators=[InputRequired(_l("Write the day on which it was done."))])
    files = MultipleFileField(_l("Files"), render_kw={"accept": ACCEPT}, description=_l("PDF, photos, Word, Excel, text or sound."))
