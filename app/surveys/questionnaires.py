"""The register of survey forms: what each is for, whom it asks and how often, and its versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import func, select
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.contracts.forms import process_choices
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.interested import FREQUENCIES
from app.domain.questionnaires import VersionStatus
from app.extensions import db
from app.forms import maybe_int
from app.listviews import SWITCHES, Ready
from app.models import Question, Questionnaire, QuestionnaireVersion, SurveyCampaign
from app.operations import questionnaires as operations
from app.reports.base import Kind
from app.screens.catalogues import HELPS, LABELS
from app.screens.records import history_of
from app.security import may
from app.surveys.builder import TONES

N_CAMPAIGNS = 10


def frequencies() -> list[tuple[Any, str]]:
    """Return how often a form may be asked."""
    return [("", _("Only when somebody asks for it")), *((months, _(words)) for months, words in FREQUENCIES.items())]


def copies() -> list[tuple[Any, str]]:
    """Return the forms whose questions a new one may start with."""
    rows = select(Questionnaire.id, Questionnaire.code, Questionnaire.name).order_by(Questionnaire.position, Questionnaire.code)
    return [("", _("An empty form")), *((row.id, f"{row.code} · {row.name}") for row in db.session.execute(rows))]


def say_every(months: int | None) -> str:
    if months is None:
        return _("Only when somebody asks for it")
    return _(FREQUENCIES[months]) if months in FREQUENCIES else _("Every %(n)s months", n=months)


def say_versions(versions: list[QuestionnaireVersion]) -> Markup:
    """Return the version in use and the draft, as pills."""
    shown = [each for each in versions if each.status is not VersionStatus.RETIRED]
    pill = Markup('<span class="pill {}">{} {}</span>')
    pills = [pill.format(TONES[each.status], _("Version %(n)s", n=each.number), _(each.status.value).lower()) for each in shown]
    return Markup(" ").join(pills) or Markup("—")


class QuestionnaireView(RuledView):
    """Survey forms. What each asks stands in its versions (`BuilderView`)."""

    datamodel = SQLAInterface(Questionnaire)
    route_base = "/questionnaire"
    class_permission_name = "Questionnaire"
    bulk = SWITCHES
    include_route_methods = set(READ_WRITE)
    show_template = "surveys/questionnaire.html"
    list_title, add_title = _l("Survey forms"), _l("New survey form")
    intro = _l("What is asked, by versions. A published version is fixed, so that campaigns can be compared; a change is a new version.")
    form_intro = _l("First what it is for; its questions come next. Nothing is deleted: a form that is no longer used is made inactive.")
    empty_text = _l("There are no survey forms yet. Add one, write its questions and publish it; then a campaign can ask it.")
    list_columns = ["code", "name", "audience", "frequency_months", "versions"]
    more_columns = ("days_open", "process", "position", "is_active")
    show_fieldsets = [
        (_l("What it is"), {"fields": ["code", "audience", "description", "is_active"]}),
        (_l("When it is asked"), {"fields": ["frequency_months", "starts_on", "days_open", "process"]}),
    ]
    add_fieldsets = [
        (_l("What it is"), {"fields": ["code", "name", "description", "audience", "copy_of"]}),
        (_l("When it is asked"), {"fields": ["frequency_months", "starts_on", "days_open", "process_id"]}),
        (_l("In lists"), {"fields": ["position", "is_active"]}),
    ]
    edit_columns = [
        "code", "name", "description", "audience", "frequency_months", "starts_on", "days_open", "process_id", "position", "is_active",
    ]  # fmt: skip
    search_words = ("code", "name", "description")
    filter_columns = ("audience", "process", "is_active")
    ready_filters = (Ready(N_("In use"), "is_active=1"),)
    base_order = ("position", "asc")
    clipped = ("name",)
    label_columns = {
        **LABELS, "description": _l("What it measures"), "audience": _l("Whom it asks"), "frequency_months": _l("How often"),
        "starts_on": _l("First day of the first period"), "days_open": _l("Days that a campaign takes answers"),
        "process": _l("Process that carries it out"), "process_id": _l("Process that carries it out"), "versions": _l("Versions"),
        "copy_of": _l("Start with the questions of"),
    }  # fmt: skip
    description_columns = {
        "code": _l("Of the quality system, for example R10-01-02. It is printed on the form and on its report."),
        "frequency_months": _l("The campaign of each period proposes itself; somebody confirms it."),
        "starts_on": _l("The following periods are counted from it. For example, 1 January."),
        "days_open": _l("Calendar days, counted back from the end of the period."),
        "process_id": _l("It receives what no question sends elsewhere."),
        "position": HELPS["position"],
        "is_active": HELPS["is_active"],
    }
    add_form_extra_fields = {
        "frequency_months": SelectField(_l("How often"), coerce=maybe_int, choices=frequencies, validators=[Empty()]),
        "process_id": SelectField(_l("Process that carries it out"), coerce=maybe_int, choices=process_choices, validators=[Empty()]),
        "copy_of": SelectField(
            _l("Start with the questions of"), coerce=maybe_int, choices=copies, validators=[Empty()],
            description=_l("They are copied, and then they are yours to change."),
        ),
    }  # fmt: skip
    formatters_columns = {"versions": say_versions}

    def title_of(self, item: Questionnaire) -> str:
        return f"{item.code} · {item.name}"

    def shown(self, item: Questionnaire, name: str) -> Any:
        if name == "frequency_months":
            return say_every(item.frequency_months)
        if name == "days_open":
            return _("%(n)s days", n=item.days_open)
        return super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        if name == "versions":
            return Kind.TEXT, lambda line: ", ".join(f"v{each.number} {_(each.status.value)}" for each in line.versions)
        if name == "frequency_months":
            return Kind.TEXT, lambda line: say_every(line.frequency_months)
        return super().exported(name, column)

    # Writing

    def pre_add(self, item: Questionnaire) -> None:
        """Store it with its first version, a draft. Raises DomainError: it is asked every so often, and does not say from when."""
        self.pre_update(item)
        db.session.add(item)
        db.session.flush()
        key = getattr(item, "copy_of", None)
        source = next(iter(operations.versions_of(db.session, key)), None) if key else None
        operations.start_version(db.session, item, copy_of=source)

    def pre_update(self, item: Questionnaire) -> None:
        if item.frequency_months and not item.starts_on:
            raise DomainError(N_("Write the day on which the first period begins: campaigns are counted from it."), field="starts_on")

    # The page

    def versions(self, item: Questionnaire) -> list[tuple[QuestionnaireVersion, int, int]]:
        """Return its versions, the newest first, with how many questions each asks and how many campaigns asked it."""
        n_questions, n_campaigns = (
            select(func.count()).where(model.version_id == QuestionnaireVersion.id).correlate(QuestionnaireVersion).scalar_subquery()
            for model in (Question, SurveyCampaign)
        )
        counted = select(QuestionnaireVersion.id, n_questions, n_campaigns).where(QuestionnaireVersion.questionnaire_id == item.id)
        numbers = {row[0]: (row[1], row[2]) for row in db.session.execute(counted)}
        return [(version, *numbers[version.id]) for version in operations.versions_of(db.session, item.id)]

    def buttons(self, item: Questionnaire) -> list[Button]:
        newest = max(item.versions, key=lambda each: each.number, default=None)
        draft = next((each for each in item.versions if each.status is VersionStatus.DRAFT), None)
        found = []
        if may("can_edit", "Questionnaire") and draft is not None:
            found.append(Button(_("Write version %(n)s", n=draft.number), url_for("BuilderView.version", pk=draft.id)))
        elif may("can_edit", "Questionnaire"):
            found.append(Button(_("New version"), url_for("BuilderView.start", questionnaire_id=item.id), True))
        if newest is not None:
            found.append(Button(_("See it as whoever answers"), url_for("BuilderView.preview", pk=newest.id)))
        if may("can_list", "ControlledDocument"):
            found.append(Button(_("In the register of documents"), url_for("ControlledDocumentView.list", q=item.code)))
        return found + history_of("questionnaire", item.id)

    def related(self, item: Questionnaire) -> list[Related]:
        if not may("can_list", "SurveyCampaign"):
            return []
        newest = select(SurveyCampaign).where(SurveyCampaign.questionnaire_id == item.id).order_by(SurveyCampaign.period_from.desc())
        link = Markup('<a class="num" href="{}">{}</a>')
        rows = [
            (link.format(url_for("SurveyCampaignView.show", pk=row.id), row.number), row.name, row.status, row.opens_on, row.closes_on)
            for row in db.session.scalars(newest.limit(N_CAMPAIGNS))
        ]
        heads = (_("Campaign"), _("Name"), _("State"), _("Opens on"), _("Closes on"))
        return [Related(_("Campaigns"), heads, rows, url_for("SurveyCampaignView.list", questionnaire=item.id))]
