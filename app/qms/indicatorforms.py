"""What the steps of an indicator ask for."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DecimalField, HiddenField, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired
from wtforms.validators import Optional as Empty

from app.forms import UpTo
from app.operations.indicator_measures import MEASURES
from app.words import page_lang, tidy

_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+")


class FigureField(DecimalField):
    """A number as people write it: with a comma or a point before its decimals; in Spanish 1.300 is a thousand and three hundred."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, places=None, validators=[Empty()], **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = " ".join(valuelist).replace(" ", "").replace("\u00a0", "")
        has_thousands = _THOUSANDS.fullmatch(text) and not page_lang().startswith("en")
        super().process_formdata([text.replace(".", "").replace(",", ".") if "," in text or has_thousands else text])


class TypeForm(FlaskForm):
    period = SelectField(_l("Period"), validators=[InputRequired()])
    numerator = FigureField(_l("Numerator"))
    denominator = FigureField(_l("Denominator"), description=_l("If there was nothing to measure in the period, leave both numbers empty."))


class CountForm(FlaskForm):
    period = SelectField(_l("Period"), validators=[InputRequired()])
    numerator = FigureField(_l("Value"), description=_l("If there was nothing to measure in the period, leave it empty."))


class AnalysisForm(FlaskForm):
    analysis = TextAreaField(
        _l("Analysis"), filters=[tidy], validators=[UpTo(4000)],
        description=_l("What the value means, why it is so, and what is being done."),
    )  # fmt: skip


class ReportForm(AnalysisForm):
    seen = HiddenField()


class NoteForm(FlaskForm):
    right_value = FigureField(
        _l("What should have been reported"), description=_l("The reported value stays. Empty: only a remark.")
    )
    reason = TextAreaField(
        _l("Reason"), filters=[tidy], validators=[DataRequired(_l("Write the reason: it stays beside the value.")), UpTo(2000)]
    )


class DeclineForm(FlaskForm):
    reason = TextAreaField(
        _l("Why no action is needed"), filters=[tidy],
        validators=[DataRequired(_l("Write why no action is needed: it stays beside the value.")), UpTo(2000)],
    )  # fmt: skip


def measure_choices() -> list[tuple[str, str]]:
    """Return the catalogue, headed by what is typed in."""
    return [("", _("Somebody types it in")), *((key, _(measure.name)) for key, measure in MEASURES.items())]
