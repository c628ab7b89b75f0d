"""Documented information (ISO 9001:2015, 7.5): the register, the editions of each document, what is printed in its name, the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import FileField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired
from wtforms.validators import Optional as Empty
from wtforms.widgets import CheckboxInput, ListWidget

from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.contracts.forms import process_choices
from app.documents.controlled import TITLE, master_list_pdf
from app.documents.processsheet import sheet_pdf
from app.domain import N_
from app.domain.controlled import MAX_VERSION, PRINTS, EditionStatus, next_version
from app.domain.errors import DomainError
from app.downloads import send_stored, show_pdf
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo, maybe_int
from app.listing import Choices, Moment
from app.listviews import SWITCHES, Ready
from app.models import ControlledDocument, ControlledPrint, DocumentEdition, ProcessSheet, Questionnaire
from app.operations import controlled, files
from app.qms.links import linked
from app.reports.base import Kind
from app.screens.records import history_of
from app.security import may
from app.steps import Steps
from app.words import say_day, say_value, tidy

TONES = {EditionStatus.DRAFT: "warn", EditionStatus.IN_FORCE: "ok", EditionStatus.RETIRED: "stop"}
MOST_PRINTED = 2000


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class EditionForm(FlaskForm):
    """An edition that is being drafted."""

    version = StringField(_l("Version"), filters=[tidy], validators=[DataRequired(_l("Write the version.")), UpTo(MAX_VERSION)])
    changed_on = LenientDateField(
        _l("Date of the change"), validators=[InputRequired(_l("Write the date of the change."))],
        description=_l("It stands in the head of the document as the last change."),
    )  # fmt: skip
    change = TextAreaField(
        _l("What changes"), filters=[tidy], validators=[UpTo(4000)],
        description=_l("From the version before, and why. It is needed to approve it."),
    )  # fmt: skip
    file = FileField(_l("The document"), render_kw={"accept": files.ACCEPT}, validators=[Empty()])

    def said(self) -> dict[str, Any]:
        """Return what a valid form says, as the operations take it. Raises UploadRefused."""
        try:
            checked = files.check_uploads([self.file.data])
        except DomainError as error:
            error.field = self.file.name
            raise
        return {"version": self.version.data, "change": self.change.data or "", "changed_on": self.changed_on.data,
                "file": checked[0] if checked else None}  # fmt: skip


class PrintsForm(FlaskForm):
    keys = SelectMultipleField(
        _l("Reports and prints"), option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False), validators=[Empty()]
    )


def exists_edition(status: EditionStatus) -> Callable[[str, Moment], ColumnElement[bool]]:
    """Return the condition of a filter: the document has an edition of *status*, or has none."""

    def condition(value: str, _moment: Moment) -> ColumnElement[bool]:
        found = select(DocumentEdition.id).where(DocumentEdition.document_id == ControlledDocument.id, DocumentEdition.status == status)
        return found.exists() if value == "1" else ~found.exists()

    return condition


YES_NO = (("1", N_("Yes")), ("0", N_("No")))


# ── The register ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class ControlledDocumentView(Steps, RuledView):
    """The register: what the house writes down, who issues it, its version in force, where it is kept and for how long."""

    datamodel = SQLAInterface(ControlledDocument)
    bulk = SWITCHES
    route_base = "/controlled-document"
    class_permission_name = "ControlledDocument"
    include_route_methods = READ_WRITE | {"draft", "amend", "approve", "prints", "file", "master"}
    list_template = "qms/documents.html"
    print_key = "documents"
    list_title, add_title = _l("Documented information"), _l("New document")
    intro = _l("Procedures, records and formats, with the version that is in force. What the system prints carries their code and version.")
    form_intro = _l("Nothing is deleted: a document that is no longer used is put out of use, and its versions stay.")
    empty_text = _l("There are no documents yet. Add the procedures, records and formats of the management system.")
    list_columns = ["code", "name", "kind", "in_force", "changed", "place", "process"]
    more_columns = ("issuer", "issued_on", "retention_years", "disposal", "confidence", "is_active")
    show_fieldsets = [
        (_l("What it is"), {"fields": ["kind", "issuer", "process", "issued_on", "is_active"]}),
        (_l("Version in force"), {"fields": ["in_force", "changed", "in_force_on", "approved"]}),
        (_l("Where it is kept"), {"fields": ["place", "path", "retention_years", "disposal"]}),
        (_l("How sure it is"), {"fields": ["confidence"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("What it is"), {"fields": ["code", "name", "kind", "issuer", "process_id", "issued_on", "is_active"]}),
        (_l("Where it is kept"), {"fields": ["place", "path", "retention_years", "disposal", "confidence"]}),
    ]
    filter_columns = ("kind", "process", "is_active")
    search_words = ("code", "name", "issuer")
    own_facets = (
        Choices("in_force", _l("Has a version in force"), lambda: YES_NO, exists_edition(EditionStatus.IN_FORCE)),
        Choices("draft", _l("Is being drafted"), lambda: YES_NO, exists_edition(EditionStatus.DRAFT)),
    )
    ready_filters = (
        Ready(N_("In use"), "is_active=1"),
        Ready(N_("Without a version in force"), "is_active=1&in_force=0"),
        Ready(N_("Being drafted"), "draft=1"),
    )
    base_order = ("code", "asc")
    clipped = ("name", "place", "confidence")
    label_columns = {
        "code": _l("Code"), "name": _l("Name"), "kind": _l("Kind"), "issuer": _l("Issuer"), "process": _l("Process"),
        "process_id": _l("Process"), "issued_on": _l("First issued on"), "place": _l("Where it is kept"), "path": _l("Page of the system"),
        "retention_years": _l("Kept for (years)"), "disposal": _l("What becomes of it then"), "confidence": _l("How sure it is"),
        "is_active": _l("In use"), "in_force": _l("Version in force"), "changed": _l("Last change"), "in_force_on": _l("In force from"),
        "approved": _l("Approved by"),
    }  # fmt: skip
    description_columns = {
        "code": _l("As the master list has it: P10-01, R10-01-01."),
        "issuer": _l("As it stands in the head of the document."),
        "place": _l("The shelf, the folder or the system. In the head of a characterisation it stands after «L/C»."),
        "path": _l("Where the system holds it, from the first slash: /reports/response-times/. Empty: outside of the system."),
        "disposal": _l("For example: it is destroyed, or goes to the archive."),
        "confidence": _l("What is supposed and not known, for whoever reviews the register."),
        "is_active": _l("Nothing is printed in the name of a document that is out of use."),
    }
    add_form_extra_fields = {
        "process_id": SelectField(_l("Process"), coerce=maybe_int, choices=process_choices, validators=[Empty()]),
    }

    # Reading

    def _loading(self, columns: Any) -> list[Any]:
        needs = {"in_force", "changed", "in_force_on", "approved"}
        more = [] if needs.isdisjoint(columns) else [joinedload(ControlledDocument.in_force).joinedload(DocumentEdition.approved_by)]
        return [*super()._loading([name for name in columns if name != "in_force"]), *more]

    def title_of(self, item: ControlledDocument) -> str:
        return f"{item.code} · {item.name}"

    def shown(self, item: ControlledDocument, name: str) -> Any:
        edition = item.in_force
        match name:
            case "in_force":
                return edition.version if edition else Markup('<span class="pill warn">{}</span>').format(_("none in force"))
            case "changed" | "in_force_on":
                return say_value(getattr(edition, f"{name}_on" if name == "changed" else name, None))
            case "approved":
                return self._approval(edition)
            case "path":
                return linked(item.path, item.path) or say_value(None)
        return super().shown(item, name)

    @staticmethod
    def _approval(edition: DocumentEdition | None) -> Any:
        if edition is None:
            return say_value(None)
        by = edition.approved_by
        return f"{by.get_full_name()}, {say_value(edition.approved_at)}" if by else _("Before this register, on paper")

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        if name == "in_force":
            return Kind.TEXT, lambda item: item.in_force.version if item.in_force else None
        if name == "changed":
            return Kind.DATE, lambda item: item.in_force.changed_on if item.in_force else None
        return super().exported(name, column)

    def buttons(self, item: ControlledDocument) -> list[Button]:
        session = db.session()
        draft = session.scalars(self._draft_of(item)).first()
        found = []
        if self.may_do("draft") and draft is None:
            found.append(Button(_("Draft a version"), url_for("ControlledDocumentView.draft", pk=item.id)))
        if self.may_do("amend") and draft is not None:
            found.append(Button(_("Amend the draft"), url_for("ControlledDocumentView.amend", pk=item.id)))
        if self.may_do("approve") and draft is not None:
            label = _("Approve version %(version)s", version=draft.version)
            found.append(Button(label, url_for("ControlledDocumentView.approve", pk=item.id)))
        if self.may_do("prints"):
            found.append(Button(_("What carries its code"), url_for("ControlledDocumentView.prints", pk=item.id)))
        return found + history_of("controlled_document", item.id)

    def related(self, item: ControlledDocument) -> list[Related]:
        session = db.session()
        editions = [self._edition(each) for each in controlled.editions_of(session, item)]
        keys = session.scalars(select(ControlledPrint.key).where(ControlledPrint.document_id == item.id).order_by(ControlledPrint.id))
        heads = (_("Version"), _("State"), _("Date of the change"), _("What changes"), _("In force from"), _("Replaced on"),
                 _("Approved by"), _("Attached file"))  # fmt: skip
        return [
            Related(_("Versions"), heads, editions),
            Related(_("What carries its code"), (_("Report or print"),), [(_(PRINTS[key]),) for key in keys if key in PRINTS]),
            *self._held(item),
        ]

    def _edition(self, edition: DocumentEdition) -> tuple[Any, ...]:
        url = url_for("ControlledDocumentView.file", pk=edition.id)
        link = Markup('<a href="{}">{}</a>').format(url, edition.file.name) if edition.file and self._may_have(edition) else None
        state = Markup('<span class="pill {}">{}</span>').format(TONES[edition.status], _(edition.status.value))
        by = edition.approved_by.get_full_name() if edition.approved_by else _("On paper") if edition.is_of_before else None
        return (edition.version, state, edition.changed_on, edition.change, edition.in_force_on, edition.retired_on, by, link)

    def _held(self, item: ControlledDocument) -> list[Related]:
        """Return the characterisation and the survey form that this document is, one statement for both."""
        sheet = select(ProcessSheet.id).where(ProcessSheet.document_id == item.id).scalar_subquery()
        form = select(Questionnaire.id).where(Questionnaire.code == item.code).scalar_subquery()
        sheet_id, form_id = db.session.execute(select(sheet, form)).one()
        rows = [
            (Markup('<a href="{}">{}</a>').format(url_for(f"{view}.show", pk=key), words),)
            for key, view, right, words in (
                (sheet_id, "ProcessSheetView", "ProcessSheet", _("Process characterisation")),
                (form_id, "QuestionnaireView", "Questionnaire", _("Survey form, with its own versions")),
            )
            if key is not None and may("can_show", right)
        ]
        return [Related(_("Held in the system"), (_("Page"),), rows)] if rows else []

    # Writing

    def pre_add(self, item: ControlledDocument) -> None:
        controlled.check_document(item)

    def pre_update(self, item: ControlledDocument) -> None:
        controlled.check_document(item)

    # Editions

    @staticmethod
    def _draft_of(item: ControlledDocument) -> Any:
        return select(DocumentEdition).where(DocumentEdition.document_id == item.id, DocumentEdition.status == EditionStatus.DRAFT)

    def _draft(self, pk: str) -> DocumentEdition:
        """Return the draft of the document, or answer 404."""
        return db.session.scalars(self._draft_of(self.item(pk))).first() or abort(404)

    def _may_have(self, edition: DocumentEdition) -> bool:
        """Return whether the reader may have its file: that of a draft is for whoever writes or approves it."""
        return self.may_do("file") and (edition.status is not EditionStatus.DRAFT or self.may_do("amend") or self.may_do("approve"))

    @expose("/draft/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def draft(self, pk: str) -> Any:
        """Begin the next version."""
        form = EditionForm()
        if not form.is_submitted():
            versions = [each.version for each in reversed(controlled.editions_of(db.session(), self.item(pk)))]
            form.version.data, form.changed_on.data = next_version(versions), today()
        help = _l("The version in force stays until this one is approved.")
        return self._step(pk, form, _("Draft a version"), help, lambda item: controlled.draft_edition(db.session(), item, **form.said()))

    @expose("/amend/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def amend(self, pk: str) -> Any:
        """Correct the draft."""
        edition = self._draft(pk)
        form = EditionForm(obj=edition)
        help = _("It has the file %(name)s; another one takes its place.", name=edition.file.name) if edition.file else ""
        session = db.session()
        return self._step(pk, form, _("Amend the draft"), help, lambda _item: controlled.amend_edition(session, edition, **form.said()))

    @expose("/approve/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("approve")
    def approve(self, pk: str) -> Any:
        """Put the draft in force, in place of the version before."""
        edition = self._draft(pk)
        said = edition.change or _("It does not say yet what changes: amend it first.")
        help = _("From today on version %(version)s is in force, and the one before is kept as replaced. What changes: %(change)s",
                 version=edition.version, change=said)  # fmt: skip
        return self._step(pk, FlaskForm(), _("Approve the version"), help, lambda _item: self._approve(edition))

    @staticmethod
    def _approve(edition: DocumentEdition) -> None:
        """Approve *edition*; that of a characterisation keeps the page as it was approved."""
        session, at = db.session(), now()
        controlled.approve_edition(session, edition, at=at, user_id=current_user.id, keep=_page_of)

    @expose("/file/<pk>", methods=["GET"])
    @has_access
    @permission_name("download")
    def file(self, pk: str) -> Response:
        """The file of an edition, by the key of the edition."""
        edition = db.session.get(DocumentEdition, int(pk)) if pk.isdecimal() and len(pk) < 10 else None
        if edition is None or edition.file is None or not self._may_have(edition):
            abort(404)
        return send_stored(edition.file)

    # What is printed

    @expose("/prints/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def prints(self, pk: str) -> Any:
        """Choose which reports and prints carry the code and version of the document."""
        item, session = self.item(pk), db.session()
        stored = session.execute(select(ControlledPrint.key, ControlledDocument.id, ControlledDocument.code).join(ControlledPrint.document))
        tied = {key: (document_id, code) for key, document_id, code in stored}
        form = PrintsForm()
        form.keys.choices = [(key, self._print_name(key, tied.get(key), item)) for key in PRINTS]
        if not form.is_submitted():
            form.keys.data = [key for key, (document_id, _code) in tied.items() if document_id == item.id]
        help = _l("They carry the code, the version and the date of the version in force on the day on which they are issued.")
        return self._step(pk, form, _("What carries its code"), help, lambda row: controlled.tie_prints(session, row, form.keys.data or ()))

    @staticmethod
    def _print_name(key: str, tied: tuple[int, str] | None, item: ControlledDocument) -> str:
        name = _(PRINTS[key])
        return _("%(name)s (carries %(code)s)", name=name, code=tied[1]) if tied and tied[0] != item.id else name

    @expose("/master", methods=["GET"])
    @has_access
    @permission_name("export")
    def master(self) -> Response:
        """The master list on paper: the documents that the list shows, in the order of their codes."""
        statement = self.narrowed().options(*self._loading(["in_force", "process"])).order_by(ControlledDocument.code).limit(MOST_PRINTED)
        rows = db.session.scalars(statement).unique().all()
        words = self._words() if self.listing().is_narrowed else []
        return show_pdf(master_list_pdf(db.session(), rows, words, now()), f"{TITLE} {say_day(today())}.pdf".replace("/", "-"))


def _page_of(edition: DocumentEdition) -> bytes | None:
    """Return the page of the characterisation whose document *edition* belongs to, as it stands now; None for any other document."""
    sheet = db.session.scalars(select(ProcessSheet).where(ProcessSheet.document_id == edition.document_id)).one_or_none()
    return sheet_pdf(db.session(), sheet, now(), edition) if sheet is not None else None
