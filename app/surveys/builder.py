"""
A version of a form: read, written question by question while it is a draft, looked at as whoever answers sees it, compared, published.

Every press stores at once and leads back to where it was pressed; nothing here needs script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app import queries
from app.contracts.forms import all_valid, arranged, bound, filled, process_choices, sent_rows
from app.documents.questionnaires import blank_pdf, say_bounds, say_condition
from app.domain.errors import DomainError
from app.domain.questionnaire_versions import ENDED, REVERSIBLE, Change, Fault, changes, earlier, faults, minutes
from app.domain.questionnaires import LISTED, Asked, Form, QuestionKind, VersionStatus, without_english
from app.downloads import show_pdf
from app.extensions import db, now
from app.intake import blame
from app.lookups import BIGGEST_ID
from app.models import Question, Questionnaire, QuestionnaireSection, QuestionnaireVersion, Service
from app.operations import questionnaires as operations
from app.operations.questionnaires import Wanted
from app.security import may
from app.surveys.questions import (
    ABOUT,
    OptionForm,
    QuestionForm,
    SectionForm,
    SeveralForm,
    TextsForm,
    offer_conditions,
    option_values,
    pasted_rows,
    shown_values,
)
from app.words import say

TONES = {VersionStatus.DRAFT: "warn", VersionStatus.PUBLISHED: "ok", VersionStatus.RETIRED: "stop"}
#: Rows of options that a new list starts with.
N_EMPTY = 4


@dataclass(slots=True)
class Spot:
    """A question in the making: the form that it is in, its section, and itself unless it is new."""

    version: QuestionnaireVersion
    form: Form
    section_id: int
    asked: Asked | None = None

    @property
    def before(self) -> tuple[Asked, ...]:
        """The questions that are asked before it, by which it may show."""
        if self.asked is not None:
            return earlier(self.form, self.asked.code)
        keys = [section.id for section in self.form.sections]
        pages = self.form.sections[: keys.index(self.section_id) + 1]
        return tuple(asked for section in pages for asked in section.questions)

    @property
    def stamp(self) -> str:
        """What tells the stored question from one that somebody else wrote meanwhile."""
        return blake2b(repr(self.asked).encode(), digest_size=8).hexdigest() if self.asked else ""


class BuilderView(BaseView):
    """`/survey-form/…`: the pages of the versions of survey forms."""

    route_base = "/survey-form"
    default_view = "version"
    class_permission_name = "Questionnaire"

    # Finding

    @staticmethod
    def _get(model: type[Any], pk: str) -> Any:
        key = int(pk) if pk.isdecimal() and len(pk) < 20 else BIGGEST_ID + 1
        return (db.session.get(model, key) if key <= BIGGEST_ID else None) or abort(404)

    def _version(self, pk: str) -> QuestionnaireVersion:
        key = int(pk) if pk.isdecimal() and len(pk) < 20 else BIGGEST_ID + 1
        whole = joinedload(QuestionnaireVersion.questionnaire), joinedload(QuestionnaireVersion.published_by)
        statement = select(QuestionnaireVersion).where(QuestionnaireVersion.id == min(key, BIGGEST_ID)).options(*whole)
        return db.session.scalar(statement) or abort(404)

    def _draft(self, pk: Any) -> QuestionnaireVersion | None:
        """Return the version when it may be written, else None, and say why."""
        version = self._version(str(pk))
        if version.status is VersionStatus.DRAFT:
            return version
        flash(_("Version %(n)s is published: what it asks does not change any more. Start a new version to change it.", n=version.number),
              "warning")  # fmt: skip
        return None

    def _to(self, version_id: int, anchor: str = "") -> Response:
        return redirect(url_for("BuilderView.version", pk=version_id, _anchor=anchor or None), 303)

    def _page(self, template: str, version: QuestionnaireVersion, status: int = 200, **facts: Any) -> Any:
        facts |= {"version": version, "questionnaire": version.questionnaire, "view": self, "tones": TONES, "say_fault": say_fault}
        return self.render_template(f"surveys/{template}.html", **facts), status

    def _save(self, form: Any, act: Callable[[], Any], done: str = "") -> Any:
        """Make *act* and commit; return what it made, or None when it was refused: then *form* says why."""
        try:
            made = act()
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
            return None
        flash(done or _("Saved."), "success")
        return made

    # Reading

    @expose("/version/<pk>")
    @has_access
    @permission_name("show")
    def version(self, pk: str) -> Any:
        """The whole form; a draft with all that is needed to write it."""
        version = self._version(pk)
        form = operations.form_of(db.session, version.id)
        is_draft = version.status is VersionStatus.DRAFT
        facts = {
            "form": form, "found": faults(form) if is_draft else [], "minutes": minutes(form), "lacking": set(without_english(form)),
            "may_write": is_draft and may("can_edit", "Questionnaire"), "may_publish": is_draft and may("can_publish", "Questionnaire"),
            "abouts": ABOUT, "say_condition": say_condition, "say_bounds": say_bounds, "processes": dict(process_choices()),
        }  # fmt: skip
        return self._page("questionnaire_version", version, **facts)

    @expose("/preview/<pk>")
    @has_access
    @permission_name("show")
    def preview(self, pk: str) -> Any:
        """The form as whoever answers sees it, on one page; nothing is stored."""
        version = self._version(pk)
        form = operations.form_of(db.session, version.id)
        language = "en" if request.args.get("in") == "en" else "es"
        return self._page("questionnaire_preview", version, form=form, language=language, organisation=queries.organisation(db.session))

    @expose("/paper/<pk>")
    @has_access
    @permission_name("show")
    def paper(self, pk: str) -> Response:
        """The form as a sheet to fill by hand."""
        version = self._version(pk)
        form = operations.form_of(db.session, version.id)
        language = "en" if request.args.get("in") == "en" else "es"
        return show_pdf(blank_pdf(db.session, form, language, now()), f"{form.code}-v{form.number}-{language}.pdf")

    @expose("/compare/<pk>")
    @has_access
    @permission_name("show")
    def compare(self, pk: str) -> Any:
        """What differs from an earlier version: that of `with=`, else the one before."""
        version = self._version(pk)
        others = [each for each in operations.versions_of(db.session, version.questionnaire_id) if each.number < version.number]
        wanted = request.args.get("with", type=int)
        old = next((each for each in others if each.number == wanted), next(iter(others), None))
        return self._page("questionnaire_compare", version, others=others, old=old, changes=self._changes(old, version))

    def _changes(self, old: QuestionnaireVersion | None, new: QuestionnaireVersion) -> list[Change]:
        return changes(operations.form_of(db.session, old.id), operations.form_of(db.session, new.id)) if old is not None else []

    # Life of a version

    @expose("/start/<questionnaire_id>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def start(self, questionnaire_id: str) -> Response:
        """Start the next version, a copy of the one before."""
        questionnaire = self._get(Questionnaire, questionnaire_id)
        try:
            version = operations.start_version(db.session, questionnaire)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return redirect(url_for("QuestionnaireView.show", pk=questionnaire_id), 303)
        flash(_("Version %(n)s is a draft: write it, look at it, publish it.", n=version.number), "success")
        return self._to(version.id)

    @expose("/discard/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def discard(self, pk: str) -> Response:
        """Give a draft up."""
        version = self._version(pk)
        questionnaire_id, number = version.questionnaire_id, version.number
        try:
            operations.drop_draft(db.session, version)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return self._to(version.id)
        flash(_("The draft of version %(n)s is given up.", n=number), "success")
        return redirect(url_for("QuestionnaireView.show", pk=questionnaire_id), 303)

    @expose("/publish/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("publish")
    def publish(self, pk: str) -> Any:
        """Say what changes and freeze it; from then on new campaigns ask it."""
        version = self._draft(pk)
        if version is None:
            return self._to(int(pk))
        problem, reason = "", request.form.get("reason", "").strip()
        if request.method == "POST":
            try:
                operations.publish(db.session, version, reason, at=now(), actor_id=current_user.id)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                problem = say(error)
            else:
                flash(_("Version %(n)s is published. New campaigns ask it.", n=version.number), "success")
                return self._to(version.id)
        form = operations.form_of(db.session, version.id)
        old = next((each for each in operations.versions_of(db.session, version.questionnaire_id) if each.number < version.number), None)
        facts = {"form": form, "found": faults(form), "old": old, "changes": self._changes(old, version), "problem": problem}
        return self._page("questionnaire_publish", version, 422 if problem else 200, reason=reason, minutes=minutes(form), **facts)

    # Texts and sections

    @expose("/texts/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def texts(self, pk: str) -> Any:
        """The greeting, the thanks and the telephone script."""
        version = self._draft(pk)
        if version is None:
            return self._to(int(pk))
        form = TextsForm(obj=version)
        if form.validate_on_submit():
            said = {name: form[name].data or "" for name in operations.TEXTS}
            if self._save(form, lambda: operations.write_texts(db.session, version, **said)):
                return self._to(version.id, "texts")
        return self._page("questionnaire_texts", version, 422 if form.errors else 200, form=form)

    @expose("/section-add/<version_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def add_section(self, version_id: str) -> Any:
        """A new page at the end of the form."""
        version = self._draft(version_id)
        if version is None:
            return self._to(int(version_id))
        form = SectionForm()
        if form.validate_on_submit() and (section := self._save(form, lambda: operations.add_section(
                db.session, version, form.title_es.data, **_rest(form)))):  # fmt: skip
            return self._to(version.id, f"s-{section.id}")
        return self._page("questionnaire_section", version, 422 if form.errors else 200, form=form, section=None)

    @expose("/section/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def section(self, pk: str) -> Any:
        """The title of a page and what helps to answer it."""
        section = self._get(QuestionnaireSection, pk)
        version = self._draft(section.version_id)
        if version is None:
            return self._to(section.version_id)
        form = SectionForm(obj=section)
        if form.validate_on_submit() and self._save(form, lambda: operations.write_section(
                db.session, section, form.title_es.data, **_rest(form))):  # fmt: skip
            return self._to(version.id, f"s-{section.id}")
        return self._page("questionnaire_section", version, 422 if form.errors else 200, form=form, section=section)

    @expose("/several/<section_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def several(self, section_id: str) -> Any:
        """Several questions at once, a line each, with the ends of the scale of the last one."""
        section = self._get(QuestionnaireSection, section_id)
        version = self._draft(section.version_id)
        if version is None:
            return self._to(section.version_id)
        form = SeveralForm()
        if form.validate_on_submit():
            rows = pasted_rows(form.lines.data)
            n = self._save(form, lambda: self._store_several(version, section, form.kind.data, rows),
                           ngettext("%(num)s question is written.", "%(num)s questions are written.", len(rows)))  # fmt: skip
            if n:
                return self._to(version.id, f"s-{section.id}")
        return self._page("questionnaire_several", version, 422 if form.errors else 200, form=form, section=section)

    def _store_several(
        self, version: QuestionnaireVersion, section: QuestionnaireSection, kind: QuestionKind, rows: Sequence[dict[str, str]]
    ) -> int:
        ends = usual_ends(operations.form_of(db.session, version.id), kind)
        for row in rows:
            operations.add_question(db.session, section, Wanted(kind, **row, **ends, is_required=kind is not QuestionKind.TEXT))
        return len(rows)

    # Questions

    @expose("/question-add/<section_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def add_question(self, section_id: str) -> Any:
        """A new question at the end of a section, of the kind of `kind=`."""
        section = self._get(QuestionnaireSection, section_id)
        version = self._draft(section.version_id)
        if version is None:
            return self._to(section.version_id)
        return self._question(Spot(version, operations.form_of(db.session, version.id), section.id))

    @expose("/question/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def question(self, pk: str) -> Any:
        """What a question asks, how it is answered, and when it shows."""
        question = self._get(Question, pk)
        version = self._draft(question.version_id)
        if version is None:
            return self._to(question.version_id)
        form = operations.form_of(db.session, version.id)
        asked = next(each for each in form.questions if each.id == question.id)
        return self._question(Spot(version, form, question.section_id, asked))

    def _question(self, spot: Spot) -> Any:
        """Answer the page of a question: shown, rearranged by one of its buttons, or stored."""
        form, do = self._question_form(spot), request.form.get("do", "")
        if request.method == "GET":
            rows = filled(OptionForm, option_values(spot.asked) if spot.asked else [{}] * N_EMPTY)
        else:
            rows = bound(OptionForm, self._sent_options(do) or [{}] * N_EMPTY)
        services = [("", "—"), *_services()] if form.kind.data is QuestionKind.MATRIX else [("", "—")]
        for row in rows:
            row.service_id.choices = services
        problems: list[str] = []
        if do in ("save", "next"):
            saved = self._store_question(spot, form, rows, problems)
            if saved is not None and do == "next":
                return redirect(url_for("BuilderView.add_question", section_id=saved.section_id, kind=saved.kind.name), 303)
            if saved is not None:
                return self._to(spot.version.id, f"q-{saved.id}")
        facts = {
            "form": form, "rows": rows, "spot": spot, "problems": problems, "kind": form.kind.data, "is_listed": form.kind.data in LISTED,
            "is_ended": form.kind.data in ENDED, "is_reversible": form.kind.data in REVERSIBLE, "abouts": ABOUT,
        }  # fmt: skip
        return self._page("questionnaire_question", spot.version, 422 if form.errors or problems else 200, **facts)

    def _question_form(self, spot: Spot) -> QuestionForm:
        """Return the form with what is stored, or with what a new question of its kind usually says."""
        if spot.asked is not None:
            stored = shown_values(spot.asked)
        else:
            name = request.args.get("kind", "")
            kind = QuestionKind[name] if name in QuestionKind.__members__ else QuestionKind.SCALE5
            stored = {"kind": kind, "is_required": kind is not QuestionKind.TEXT, **usual_ends(spot.form, kind)}
        form = QuestionForm(data=stored | {"section_id": spot.section_id})
        form.process_id.choices = process_choices()
        form.section_id.choices = [(section.id, f"{n}. {section.title.es}") for n, section in enumerate(spot.form.sections, 1)]
        current = spot.asked.condition if spot.asked else None
        offer_conditions(form, spot.before, spot.form, current)
        if request.method == "GET" and current is not None:
            form.condition.data = f"{current.code} {current.op.name} {current.value}"
        form.kind.data = form.kind.data or QuestionKind.SCALE5
        if request.form.get("do") == "kind":
            _suit(form, spot)
        return form

    def _sent_options(self, do: str) -> list[dict[str, str]]:
        """Return the rows of options that were sent, as the pressed button leaves them; pasted lines become rows in any case."""
        rows = [*arranged(sent_rows(request.form), do)]
        pasted = pasted_rows(request.form.get("paste", ""))
        if do == "services":
            there = {row.get("service_id") for row in rows}
            pasted += [{"text_es": name, "service_id": str(key)} for key, name in _services() if str(key) not in there]
        if pasted:
            rows = [row for row in rows if row.get("text_es", "").strip() or row.get("text_en", "").strip() or row.get("row_id")]
        return [*rows, *pasted]

    def _store_question(self, spot: Spot, form: QuestionForm, rows: list[OptionForm], problems: list[str]) -> Question | None:
        """Store a valid question and commit; else return None, and say in *form*, *rows* and *problems* what is wrong."""
        is_fine = form.validate()
        if form.kind.data in LISTED and not all_valid(rows):
            problems.append(_("Correct the options that are marked."))
        if not is_fine or problems:
            return None
        if request.form.get("seen", "") != spot.stamp:
            problems.append(_("Somebody else changed this question while you were writing. Open the form in another tab and look at it."))
            return None

        def act() -> Question:
            section = db.session.get_one(QuestionnaireSection, form.section_id.data)
            if spot.asked is None:
                return operations.add_question(db.session, section, form.wanted(rows))
            question = db.session.get_one(Question, spot.asked.id)
            return operations.write_question(db.session, question, form.wanted(rows), section)

        return self._save(form, act)

    # Order

    @expose("/arrange/<version_id>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def arrange(self, version_id: str) -> Response:
        """Move, copy or take out what the pressed button names: `up-q-12`, `down-s-3`, `copy-q-12`, `drop-s-3`."""
        version = self._version(version_id)
        verb, what, pk = [*request.form.get("do", "").split("-"), "", "", ""][:3]
        model = {"q": Question, "s": QuestionnaireSection}.get(what) or abort(404)
        row = self._get(model, pk)
        if row.version_id != version.id:
            abort(404)
        anchor = f"{what}-{row.id}" if verb != "drop" else f"s-{row.section_id}" if what == "q" else ""
        try:
            made = self._arrange(verb, what, row)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            if verb == "copy":
                anchor = f"q-{made.id}"
        return self._to(version.id, anchor)

    @staticmethod
    def _arrange(verb: str, what: str, row: Any) -> Any:
        session = db.session
        match verb, what:
            case "up" | "down", "q":
                return operations.move_question(session, row, -1 if verb == "up" else 1)
            case "up" | "down", _:
                return operations.move_section(session, row, -1 if verb == "up" else 1)
            case "copy", "q":
                return operations.copy_question(session, row)
            case "drop", "q":
                return operations.drop_question(session, row)
            case "drop", _:
                return operations.drop_section(session, row)
        return abort(404)


def _suit(form: QuestionForm, spot: Spot) -> None:
    """Give the fields of another kind what it usually says, where nobody wrote anything else."""
    if not (form.low_es.data or form.high_es.data):
        for name, text in usual_ends(spot.form, form.kind.data).items():
            form[name].data = text
    if spot.asked is None:
        form.is_required.data = form.kind.data is not QuestionKind.TEXT


def say_fault(fault: Fault) -> str:
    return _(fault.msgid, **fault.facts) if fault.facts else _(fault.msgid)


def _rest(form: SectionForm) -> dict[str, str]:
    return {name: form[name].data or "" for name in ("title_en", "help_es", "help_en")}


def _services() -> list[tuple[int, str]]:
    rows = select(Service.id, Service.name).where(Service.is_active, Service.is_public_utility).order_by(Service.position)
    return [(row.id, row.name) for row in db.session.execute(rows)]


def usual_ends(form: Form, kind: QuestionKind) -> dict[str, str]:
    """Return the words for the ends of a scale of *kind* as the form says them last, else those of satisfaction."""
    if kind not in ENDED:
        return {}
    is_nps = kind is QuestionKind.NPS
    said = [(asked.low.es, asked.low.en, asked.high.es, asked.high.en) for asked in form.questions
            if asked.kind in ENDED and asked.low.es and (asked.kind is QuestionKind.NPS) is is_nps]  # fmt: skip
    usual = ("Nada probable", "Not likely at all", "Muy probable", "Very likely") if is_nps else (
        "Nada satisfecho", "Not satisfied at all", "Muy satisfecho", "Very satisfied"
    )  # fmt: skip
    return dict(zip(("low_es", "low_en", "high_es", "high_en"), said[-1] if said else usual, strict=True))
