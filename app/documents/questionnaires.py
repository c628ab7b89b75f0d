"""A survey form on paper, blank, to be filled by hand; and in words, when a question shows and what it takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain import N_
from app.domain.questionnaires import Asked, Condition, ConditionOp, Form, QuestionKind, VersionStatus
from app.extensions import local
from app.words import say_day, say_value

TEMPLATE = "questionnaire"
#: Options of at most so many letters together stand side by side.
ONE_LINE = 70


def blank_pdf(session: Session, form: Form, language: str, at: datetime) -> bytes:
    """Return *form* as a sheet to fill by hand, in *language*; one that is no longer or not yet in use is marked. Nothing is kept."""
    with force_locale(language):
        data = {
            "organisation": base.head(queries.organisation(session)),
            "issued_on": local(at).date().isoformat(),
            "title": form.name,
            "language": language,
            "is_draft": form.status is VersionStatus.DRAFT,
            "control": [[_("Code"), form.code], [_("Version"), str(form.number)], [_("Printed on"), say_day(local(at).date())]],
            "blanks": [_("Sheet number"), _("Day"), _("Who gathers it")],
            "how": _("Mark one box with an X. Where several may be marked, it says so."),
            "intro": base.paragraphs(form.intro.to(language)),
            "thanks": base.paragraphs(form.thanks.to(language)),
            "sections": [
                {"title": section.title.to(language), "help": section.help.to(language),
                 "questions": [_question(asked, form, language) for asked in section.questions]}
                for section in form.sections
            ],
        }  # fmt: skip
    return base.rendered(TEMPLATE, data)


def _question(asked: Asked, form: Form, language: str) -> dict[str, Any]:
    notes = [asked.help.to(language)]
    if asked.kind is QuestionKind.MANY:
        notes.append(_("You may choose several."))
    if not asked.is_required:
        notes.append(_("It may be left blank."))
    options = [_option(option, language) for option in asked.options]
    return {
        "n": asked.number,
        "kind": "scale" if asked.scores and asked.kind is not QuestionKind.MATRIX else asked.kind.name.lower(),
        "text": asked.text.to(language),
        "when": say_condition(asked.condition, form, language) if asked.condition else "",
        "notes": " ".join(note for note in notes if note),
        "scores": [_("Yes"), _("No")] if asked.kind is QuestionKind.YES_NO else [str(score) for score in asked.scores],
        "low": asked.low.to(language),
        "high": asked.high.to(language),
        "na": _("Does not know, or does not apply") if asked.has_na else "",
        "bounds": say_bounds(asked),
        "options": options,
        "is_narrow": sum(map(len, options)) <= ONE_LINE,
    }


def _option(option: Any, language: str) -> str:
    words, which = option.text.to(language), _("which?")
    return f"{words} ({which}) ______________________" if option.takes_words else words


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def phrase(condition: Condition, asked: Asked, language: str = "es") -> str:
    """Return what the answer to *asked* has to be, in words."""
    option = asked.option(condition.value)
    if asked.kind is QuestionKind.YES_NO and condition.value in "01":
        is_yes = (condition.value == "1") == (condition.op is ConditionOp.IS)
        return _("the answer is yes") if is_yes else _("the answer is no")
    if option is not None:
        chosen = {"option": option.text.to(language)}
        return _("“%(option)s” is chosen", **chosen) if condition.op is ConditionOp.IS else _("“%(option)s” is not chosen", **chosen)
    facts = {"value": _("the number beside") if condition.value == "?" else condition.value}
    if asked.kind is QuestionKind.MATRIX:
        words = {ConditionOp.AT_MOST: N_("some row has %(value)s or less"), ConditionOp.AT_LEAST: N_("some row has %(value)s or more"),
                 ConditionOp.IS: N_("some row has %(value)s"), ConditionOp.IS_NOT: N_("no row has %(value)s")}  # fmt: skip
    else:
        words = {ConditionOp.AT_MOST: N_("the answer is %(value)s or less"), ConditionOp.AT_LEAST: N_("the answer is %(value)s or more"),
                 ConditionOp.IS: N_("the answer is %(value)s"), ConditionOp.IS_NOT: N_("the answer is not %(value)s")}  # fmt: skip
    return _(words[condition.op], **facts)


def say_condition(condition: Condition, form: Form, language: str = "es") -> str:
    """Return when a question shows, in words: Only if in 4 the answer is no."""
    asked = form.question(condition.code)
    if asked is None:
        return f"{condition.code} {_(condition.op.value)} {condition.value}"
    return _("Only if in %(n)s %(what)s", n=asked.number, what=phrase(condition, asked, language))


def say_bounds(asked: Asked) -> str:
    """Return between which numbers its answer lies, or nothing."""
    if asked.least is not None and asked.greatest is not None:
        return _("from %(least)s to %(greatest)s", least=say_value(asked.least), greatest=say_value(asked.greatest))
    if asked.least is not None:
        return _("%(least)s at least", least=say_value(asked.least))
    return _("%(greatest)s at most", greatest=say_value(asked.greatest)) if asked.greatest is not None else ""
