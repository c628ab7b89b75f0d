"""From a file of answers to a form of ours: what each of its columns asks, looked through by somebody, and the draft that asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired

from app.domain.errors import DomainError
from app.domain.questionnaires import Audience, QuestionKind
from app.extensions import db
from app.fields import enum_select
from app.forms import UpTo
from app.importing import forms
from app.importing.forms import Guess
from app.importing.surveys import SurveyAnswers
from app.intake import blame
from app.lookups import BIGGEST_ID
from app.models import ImportBatch, Questionnaire, QuestionnaireVersion
from app.operations.questionnaires import Wanted
from app.words import tidy

#: Kinds that a column may be; a matrix has several.
KINDS = tuple(kind for kind in QuestionKind if kind is not QuestionKind.MATRIX)


@dataclass(frozen=True, slots=True)
class Line:
    """A column as the page shows it: what it seems to ask, and what somebody says of it."""

    guess: Guess
    is_asked: bool
    code: str
    kind: QuestionKind
    is_reversed: bool
    is_required: bool

    @property
    def wanted(self) -> Wanted:
        said = {"code": self.code, "kind": self.kind, "is_reversed": self.is_reversed, "is_required": self.is_required}
        return forms.wanted_of(self.guess, **said)


class FromFileForm(FlaskForm):
    """What the new form is called and whom it is for."""

    code = StringField(
        _l("Code of the form"), filters=[tidy], validators=[DataRequired(_l("Write the code.")), UpTo(20)],
        description=_l("As in the list of documents of the quality system, or one of its own."),
    )  # fmt: skip
    name = StringField(_l("Name"), filters=[tidy], validators=[DataRequired(_l("Write the name.")), UpTo(120)])
    audience = enum_select(_l("Whom it is for"), Audience, default=Audience.ANYBODY)


class SurveyFileView(BaseView):
    """`/survey-file/`: the columns of a file of answers as the questions of a form."""

    route_base = "/survey-file"
    default_view = "questions"
    class_permission_name = "Questionnaire"
    method_permission_name = {"questions": "add"}

    @expose("/questions/<int:pk>", methods=["GET", "POST"])
    @has_access
    def questions(self, pk: int) -> Any:
        """Show what the columns seem to ask; make a draft of what was ticked."""
        batch = db.session.get(ImportBatch, pk) if pk <= BIGGEST_ID else None
        if batch is None or batch.kind != SurveyAnswers.name:
            abort(404)
        form, guesses = FromFileForm(), forms.guesses(batch)
        lines = [_typed(guess) for guess in guesses] if request.method == "POST" else [_guessed(guess) for guess in guesses]
        if form.validate_on_submit():
            try:
                version = _made(form, lines)
                db.session.commit()
                flash(_("The draft is written. Look through it, and publish it when it is right."), "success")
                return redirect(url_for("BuilderView.version", pk=version.id))
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
        page = self.render_template("surveys/from_file.html", batch=batch, form=form, lines=lines, kinds=KINDS)
        return page, 422 if form.errors else 200


def _made(form: FromFileForm, lines: Sequence[Line]) -> QuestionnaireVersion:
    questionnaire = Questionnaire()
    form.populate_obj(questionnaire)
    return forms.make(db.session(), questionnaire, [line.wanted for line in lines if line.is_asked])


def _guessed(guess: Guess) -> Line:
    return Line(guess, guess.is_asked, guess.code, guess.kind, False, guess.is_required)


def _typed(guess: Guess) -> Line:
    """Return what the form says of a column."""
    sent, n = request.form, guess.column
    kind = sent.get(f"kind-{n}", "")
    known = QuestionKind[kind] if kind in QuestionKind.__members__ else guess.kind
    return Line(guess, f"asked-{n}" in sent, sent.get(f"code-{n}", "").strip(), known, f"reversed-{n}" in sent, f"required-{n}" in sent)
