"""What the pages of a form in the making ask: its texts, a section, a question with its options, and when that question shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Regexp, ValidationError
from wtforms.validators import Optional as Empty

from app.contracts.forms import RowForm
from app.documents.questionnaires import say_condition
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.questionnaires import Asked, Condition, ConditionOp, Form, QuestionKind
from app.fields import enum_select
from app.forms import UpTo, maybe_int
from app.operations.questionnaires import CODE, Wanted, WantedOption
from app.words import tidy

LONG, TITLE, OPTION = 2_000, 160, 200

#: What each kind is good for, for whoever chooses one.
ABOUT: dict[QuestionKind, str] = {
    QuestionKind.SCALE5: N_("How satisfied people are, or how much they agree. Gives a mean and the percentage satisfied."),
    QuestionKind.MATRIX: N_("The same 1 to 5 for several things at once, such as each service."),
    QuestionKind.YES_NO: N_("Something that happened or did not. A good door to other questions."),
    QuestionKind.NPS: N_("Would you recommend us? Once in a form, near its end."),
    QuestionKind.ONE: N_("Which one matters most."),
    QuestionKind.MANY: N_("Everything that applies."),
    QuestionKind.TEXT: N_("In their own words. One or two in a form are enough."),
    QuestionKind.NUMBER: N_("How many: people, days, visits."),
    QuestionKind.SCALE7: N_("A finer scale, for surveys that already used it."),
}


# ── Texts and sections ────────────────────────────────────────────────────────────────────────────────────────────────────


def _area(label: Any, most: int = LONG, **options: Any) -> TextAreaField:
    return TextAreaField(label, filters=[tidy], validators=[UpTo(most)], **options)


def _line(label: Any, most: int, **options: Any) -> StringField:
    return StringField(label, filters=[tidy], validators=[UpTo(most)], **options)


class TextsForm(FlaskForm):
    """The words around the questions."""

    intro_es = _area(_l("Greeting"), description=_l("Who asks, what for, how long it takes, and that it is voluntary."))
    intro_en = _area(_l("Greeting in English"))
    thanks_es = _area(_l("Thanks"), description=_l("What is done with the answers."))
    thanks_en = _area(_l("Thanks in English"))
    script = _area(
        _l("Telephone script"),
        description=_l("What the interviewer says when somebody picks up. {name} becomes the name, {organisation} the company."),
    )


class SectionForm(FlaskForm):
    """A page of the form."""

    title_es = StringField(_l("Title"), filters=[tidy], validators=[DataRequired(_l("Write the title of the section.")), UpTo(TITLE)])
    title_en = _line(_l("Title in English"), TITLE)
    help_es = _area(_l("What helps to answer it"), description=_l("Shown under the title; for example, which months to think of."))
    help_en = _area(_l("The same in English"))


class SeveralForm(FlaskForm):
    """Several questions of one kind, a line each."""

    kind = enum_select(_l("Kind of the questions"), QuestionKind)
    lines = TextAreaField(
        _l("The questions, one a line"), filters=[tidy], validators=[DataRequired(_l("Write a question at least.")), UpTo(8_000)]
    )

    #: Kinds whose questions are whole without options.
    KINDS = (QuestionKind.SCALE5, QuestionKind.YES_NO, QuestionKind.TEXT, QuestionKind.NUMBER, QuestionKind.SCALE7)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kind.choices = [(kind.name, _(kind.value)) for kind in self.KINDS]

    def validate_kind(self, field: Any) -> None:
        if field.data not in self.KINDS:
            raise ValidationError(_("Choose one of the list."))


# ── A question ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class OptionForm(RowForm):
    """An option of a list, or a row of a matrix."""

    text_es = _line(_l("In Spanish"), OPTION)
    text_en = _line(_l("In English"), OPTION)
    code = HiddenField(filters=[tidy])
    service_id = SelectField(_l("Service"), coerce=maybe_int, validators=[Empty()])
    takes_words = BooleanField(_l("Asks which"))

    @property
    def is_empty(self) -> bool:
        return not (self.text_es.data or self.text_en.data)

    def validate(self, extra_validators: Any = None) -> bool:
        """Say that an option that is begun lacks its Spanish."""
        is_fine = super().validate(extra_validators)
        if is_fine and self.text_en.data and not self.text_es.data:
            self.text_es.errors = [_("Write it in Spanish too.")]
            return False
        return is_fine

    def wanted(self) -> WantedOption:
        return WantedOption(
            self.text_es.data, self.text_en.data or "", self.code.data or "", self.service_id.data, self.takes_words.data, self.key
        )  # fmt: skip


class QuestionForm(FlaskForm):
    """A question. Which of its fields its page shows depends on the kind."""

    kind = enum_select(_l("Kind"), QuestionKind)
    text_es = TextAreaField(
        _l("The question"), filters=[tidy], validators=[DataRequired(_l("Write the question.")), UpTo(LONG)],
        description=_l("As you would say it aloud, and about one thing only."),
    )  # fmt: skip
    text_en = _area(_l("The question in English"))
    help_es = _line(_l("What helps to answer it"), 500, description=_l("Shown under the question, in small letters."))
    help_en = _line(_l("The same help in English"), 500)
    low_es = _line(_l("What the least score means"), 60)
    low_en = _line(_l("The least score in English"), 60)
    high_es = _line(_l("What the greatest score means"), 60)
    high_en = _line(_l("The greatest score in English"), 60)
    least = DecimalField(_l("Least number"), places=None, validators=[Empty()])
    greatest = DecimalField(_l("Greatest number"), places=None, validators=[Empty()])
    is_required = BooleanField(_l("It has to be answered"), default=True)
    has_na = BooleanField(_l("Offers “I do not know, or it does not apply”"))
    is_reversed = BooleanField(
        _l("Here less is better"),
        description=_l("For a sentence that complains, as “It takes too long”. Reports turn its scores round: more is always better."),
    )
    condition = SelectField(_l("Show this question"), validators=[Empty()])
    condition_number = DecimalField(
        _l("The number to compare with"), places=None, validators=[Empty()], description=_l("Only when it shows by a number.")
    )
    section_id = SelectField(_l("Section"), coerce=int)
    process_id = SelectField(
        _l("Process it is about"), coerce=maybe_int, validators=[Empty()],
        description=_l("Results are given by process, and alarms go to it. Empty: the one that carries out the survey."),
    )  # fmt: skip
    code = StringField(
        _l("Code"), filters=[tidy],
        validators=[Empty(), Regexp(rf"^{CODE.pattern}$", message=_l("Up to 20 letters, figures, hyphens or underscores."))],
        description=_l("Empty: the next one. It ties the question to the same one in earlier versions, and to the columns of a file."),
    )  # fmt: skip

    def wanted(self, options: Sequence[OptionForm]) -> Wanted:
        """Return what a valid form says. Raises DomainError: the number of its condition is missing."""
        texts = {name: self[name].data or "" for name in (*_TEXTS, "code")}
        return Wanted(
            self.kind.data, **texts, is_required=self.is_required.data, is_reversed=self.is_reversed.data, has_na=self.has_na.data,
            least=self.least.data, greatest=self.greatest.data, condition=self._condition(), process_id=self.process_id.data,
            options=[row.wanted() for row in options if not row.is_empty],
        )  # fmt: skip

    def _condition(self) -> Condition | None:
        if not self.condition.data:
            return None
        code, op, value = self.condition.data.split(" ", 2)
        if value == "?":
            if self.condition_number.data is None:
                raise DomainError(N_("Write the number."), field="condition_number")
            value = format(self.condition_number.data, "f")
        return Condition(code, ConditionOp[op], value)


_TEXTS = ("text_es", "text_en", "help_es", "help_en", "low_es", "low_en", "high_es", "high_en")


def shown_values(asked: Asked) -> dict[str, Any]:
    """Return a stored question as its form takes it."""
    texts = {name: getattr(getattr(asked, name[:-3]), name[-2:]) for name in _TEXTS}
    plain = {name: getattr(asked, name) for name in ("kind", "code", "is_required", "is_reversed", "has_na", "process_id")}
    bounds = {name: value.normalize() if (value := getattr(asked, name)) is not None else None for name in ("least", "greatest")}
    return texts | plain | bounds


def option_values(asked: Asked) -> list[dict[str, Any]]:
    """Return its stored options as their forms take them."""
    return [
        {"row_id": option.id, "text_es": option.text.es, "text_en": option.text.en, "code": option.code, "service_id": option.service_id,
         "takes_words": option.takes_words}
        for option in asked.options
    ]  # fmt: skip


def pasted_rows(text: str) -> list[dict[str, str]]:
    """Return a row of options for each line of *text*; what comes after a vertical bar is its English."""
    rows = []
    for line in tidy(text).splitlines():
        es, _bar, en = (part.strip(" \t-•*") for part in line.partition("|"))
        if es:
            rows.append({"text_es": es, "text_en": en})
    return rows


# ── When it shows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def offer_conditions(form: QuestionForm, before: Sequence[Asked], whole: Form, current: Condition | None) -> None:
    """Give the field every condition that the answers to the questions *before* allow, in words; *current* is always among them."""
    groups: dict[str, list[tuple[str, str]]] = {_("Always"): [("", _("Always"))]}
    known = {""}
    for asked in before:
        offered = [(coded(condition), say_condition(condition, whole)) for condition in _conditions(asked)]
        if offered:
            groups[f"{asked.number}. {asked.text.es[:90]}"] = offered
            known |= {value for value, _words in offered}
    if current is not None and coded(current) not in known:
        groups[_("Now")] = [(coded(current), say_condition(current, whole))]
    form.condition.choices = groups


def coded(condition: Condition) -> str:
    """Return *condition* as the field sends it."""
    return f"{condition.code} {condition.op.name} {condition.value}"


def _conditions(asked: Asked) -> list[Condition]:
    """Return the conditions that make sense after *asked*."""
    ops = ConditionOp
    if asked.kind is QuestionKind.YES_NO:
        return [Condition(asked.code, ops.IS, "1"), Condition(asked.code, ops.IS, "0")]
    if asked.kind is QuestionKind.NUMBER:
        return [Condition(asked.code, op, "?") for op in (ops.AT_MOST, ops.AT_LEAST)]
    if asked.kind in (QuestionKind.ONE, QuestionKind.MANY):
        return [Condition(asked.code, op, option.code) for op in (ops.IS, ops.IS_NOT) for option in asked.options]
    scores = asked.scores
    low = [Condition(asked.code, ops.AT_MOST, str(score)) for score in scores[:-1]]
    return low + [Condition(asked.code, ops.AT_LEAST, str(score)) for score in scores[1:]]
