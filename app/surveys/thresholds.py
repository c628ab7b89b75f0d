"""Thresholds of surveys: which figure, answer or word asks for an action, a contact or a case."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import SelectField
from wtforms.validators import InputRequired, Length
from wtforms.validators import Optional as Empty

from app.baseviews import Button
from app.domain import N_
from app.domain.alarms import check_threshold
from app.domain.campaigns import AlarmMeasure
from app.domain.errors import DomainError
from app.extensions import db
from app.forms import maybe_int
from app.listviews import SWITCHES, Ready
from app.models import Questionnaire, SurveyThreshold
from app.operations import survey_alarms
from app.screens.catalogues import LABELS, CatalogueView
from app.screens.house import process_choices
from app.screens.records import history_of
from app.words import say_number


def questionnaire_choices() -> list[tuple[int, str]]:
    rows = db.session.execute(select(Questionnaire.id, Questionnaire.code, Questionnaire.name).order_by(Questionnaire.position))
    return [(row.id, f"{row.code} · {row.name}") for row in rows]


def question_choices() -> dict[str, list[tuple[str, str]]]:
    """Return the questions that may be watched, below the form that asks them."""
    groups: dict[str, list[tuple[str, str]]] = {_("Every form"): [("", _("every open text (words only)"))]}
    for row in survey_alarms.watchable(db.session()):
        text = row.text_es if len(row.text_es) <= 90 else f"{row.text_es[:89]}…"
        groups.setdefault(row.form, []).append((row.code, f"{row.code} · {text}"))
    return groups


def process_field() -> SelectField:
    return SelectField(
        _l("Process"), coerce=maybe_int, choices=lambda: [("", "—"), *process_choices()], validators=[Empty()],
        description=_l("Who has to do it. Empty: the process of the campaign."),
    )  # fmt: skip


def figure_of(threshold: SurveyThreshold) -> str:
    """Return at what a threshold goes off, in words."""
    if threshold.measure is AlarmMeasure.WORDS:
        return threshold.words
    percent = " %" if threshold.measure is AlarmMeasure.CSAT else ""
    return _("%(figure)s or less", figure=f"{say_number(threshold.at_most)}{percent}")


class SurveyThresholdView(CatalogueView):
    datamodel = SQLAInterface(SurveyThreshold)
    bulk = SWITCHES
    route_base = "/survey-threshold"
    class_permission_name = "SurveyThreshold"
    list_title, add_title = _l("Thresholds of surveys"), _l("New threshold")
    intro = _l("Which figure, answer or word of a survey asks for something to be done. Figures are looked at when a campaign closes.")
    form_intro = _l("Nothing is deleted: a threshold that is no longer wanted is made inactive, and its alarms stay.")
    empty_text = _l("There are no thresholds, so no survey asks for anything by itself. Add one: what to watch, from when, and what to do.")
    list_columns = ["questionnaire", "question_code", "measure", "goes_off", "effect", "process", "days", "is_active"]
    more_columns = ("goes_off",)
    show_fieldsets = [
        (_l("What it watches"), {"fields": ["questionnaire", "question_code", "measure", "goes_off", "least_n"]}),
        (_l("What it asks for"), {"fields": ["effect", "process", "days", "is_active"]}),
    ]
    add_fieldsets = [
        (_l("What it watches"), {"fields": ["questionnaire_id", "question_code", "measure", "at_most", "words", "least_n"]}),
        (_l("What it asks for"), {"fields": ["effect", "process_id", "days", "is_active"]}),
    ]
    search_words = ("question_code", "words")
    filter_columns = ("questionnaire", "measure", "effect", "process", "is_active")
    ready_filters = (Ready(N_("In use"), "is_active=1"),)
    base_order = ("id", "asc")
    clipped = ("goes_off",)
    label_columns = {
        **LABELS, "questionnaire": _l("Form"), "questionnaire_id": _l("Form"), "question_code": _l("Question"),
        "measure": _l("What is measured"), "at_most": _l("Goes off at this figure or under it"), "words": _l("Words to look for"),
        "goes_off": _l("Goes off at"), "least_n": _l("Answers behind the figure, at least"), "effect": _l("What it asks for"),
        "process": _l("Process"), "process_id": _l("Process"), "days": _l("Calendar days to do it"),
    }  # fmt: skip
    description_columns = {
        "measure": _l("Mean, satisfied and recommendation are looked at when the campaign closes; the others as each answer comes."),
        "at_most": _l("More is always better: a question that is asked the other way round is turned before it is compared."),
        "words": _l("With commas between them. Accents and capitals are forgiven, and a word may go on: “leak” finds “leaks” as well."),
        "least_n": _l("A figure of fewer answers says too little to act on."),
        "effect": _l("A contact is asked for only where it is known whom to call; a case only where whoever answered wants one."),
    }  # fmt: skip
    validators_columns = {"question_code": [Length(max=20)]}
    add_form_extra_fields = {
        "questionnaire_id": SelectField(_l("Form"), coerce=int, choices=questionnaire_choices, validators=[InputRequired()]),
        "question_code": SelectField(_l("Question"), choices=question_choices, validate_choice=False, validators=[Empty()]),
        "process_id": process_field(),
    }

    def title_of(self, item: SurveyThreshold) -> str:
        return f"{item.questionnaire.code} {item.question_code} · {_(item.measure.value)}"

    def shown(self, item: SurveyThreshold, name: str) -> Any:
        if name == "goes_off":
            return figure_of(item)
        if name == "question_code":
            return item.question_code or _("every open text")
        return super().shown(item, name)

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.questionnaire_id.data = request.args.get("questionnaire", 0, type=int)
        form.least_n.data, form.days.data, form.is_active.data = 5, 15, True

    def pre_add(self, threshold: SurveyThreshold) -> None:
        """Raises DomainError: the form has no such question, or as `check_threshold`."""
        threshold.question_code, kind = threshold.question_code or "", None
        if threshold.question_code:
            kind = survey_alarms.kind_of(db.session(), threshold.questionnaire_id, threshold.question_code)
            if kind is None:
                raise DomainError(N_("That form asks no question %(code)s."), field="question_code", code=threshold.question_code)
        if threshold.measure is AlarmMeasure.WORDS:
            threshold.at_most = None
        else:
            threshold.words = ""
        check_threshold(
            threshold.measure, threshold.effect, at_most=threshold.at_most, words=threshold.words or "",
            has_process=threshold.process_id is not None, kind=kind,
        )  # fmt: skip

    pre_update = pre_add

    def buttons(self, item: SurveyThreshold) -> list[Button]:
        return history_of("survey_threshold", item.id)
