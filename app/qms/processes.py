"""Process characterisations by the cycle PHVA (ISO 9001:2015, 4.4): the page, its rows, and the one page on paper."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import FieldList, Form, FormField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.baseviews import READ_WRITE, Button, RuledView
from app.documents.processsheet import sheet_pdf
from app.domain.controlled import ControlledKind, EditionStatus, Phase, RowTexts, shown_letters
from app.domain.errors import DomainError
from app.downloads import show_pdf
from app.extensions import db, now
from app.fields import enum_select
from app.forms import UpTo
from app.intake import blame
from app.models import ControlledDocument, DocumentEdition, ProcessSheet, ProcessSheetRow
from app.operations import process_sheets
from app.operations.process_sheets import lines_of
from app.qms.links import linked
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import may
from app.steps import Steps
from app.words import tidy

N_EMPTY = 3
TEXTS = ("objective", "follow_up", "scope")
MEANS = ("responsible", "resources", "interacts", "documents", "clauses", "requirements")


class ActivityForm(Form):
    """An activity and where it happens; one without text is not there."""

    text = TextAreaField(_l("Activity"), filters=[tidy], validators=[UpTo(600)])
    path = StringField(_l("Page of the system"), filters=[tidy], validators=[UpTo(200)])


class RowForm(FlaskForm):
    """A row of the cycle."""

    phase = enum_select(_l("Part of the cycle"), Phase)
    supplier = TextAreaField(_l("Supplier"), filters=[tidy], validators=[UpTo(600)])
    input = TextAreaField(_l("Inputs"), filters=[tidy], validators=[UpTo(1000)])
    activities = FieldList(FormField(ActivityForm), _l("Activities"))
    output = TextAreaField(_l("Outputs"), filters=[tidy], validators=[UpTo(1000)])
    client = TextAreaField(_l("Client"), filters=[tidy], validators=[UpTo(600)])

    def said(self) -> RowTexts:
        """Return what a valid form says."""
        done = tuple((each.form.text.data or "", each.form.path.data or "") for each in self.activities)
        texts = (field.data or "" for field in (self.supplier, self.input, self.output, self.client))
        return RowTexts(self.phase.data, *texts, activities=done)


def sheet_documents() -> list[tuple[int, str]]:
    """Return the characterisations of the register that are in use."""
    of_kind = ControlledDocument.kind == ControlledKind.CHARACTERISATION
    rows = db.session.execute(
        select(ControlledDocument.id, ControlledDocument.code, ControlledDocument.name)
        .where(of_kind, or_(ControlledDocument.is_active, ControlledDocument.id.in_(select(ProcessSheet.document_id))))
        .order_by(ControlledDocument.code)
    )
    return [(key, f"{code} · {name}") for key, code, name in rows]


class ProcessSheetView(Steps, RuledView):
    """The characterisation of each process. What changes after its version was approved is marked as a draft until the next one is."""

    datamodel = SQLAInterface(ProcessSheet)
    route_base = "/process-sheet"
    class_permission_name = "ProcessSheet"
    include_route_methods = READ_WRITE | {"row", "add_row", "move", "drop", "pdf"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "add": "edit", "edit": "edit", "row": "edit", "add_row": "edit", "move": "edit",
        "drop": "edit", "pdf": "download",
    }  # fmt: skip
    show_template = "qms/process_sheet.html"
    list_title, add_title = _l("Process characterisations"), _l("New characterisation")
    intro = _l("What each process receives and from whom, what it does by the cycle plan, do, check, act, and what it gives to whom.")
    empty_text = _l("There are no characterisations yet. Add a document of that kind to the register, and write the sheet of its process.")
    list_columns = ["process", "document", "in_force", "changed_at"]
    show_columns = list(TEXTS)
    add_fieldsets = edit_fieldsets = [
        (_l("Process and document"), {"fields": ["process_id", "document_id"]}),
        (_l("What it is for"), {"fields": list(TEXTS)}),
        (_l("With whom and with what"), {"fields": list(MEANS), "help": _l("One in each line.")}),
    ]
    filter_columns = ("process",)
    base_order = ("process", "asc")
    label_columns = {
        "process": _l("Process"), "process_id": _l("Process"), "document": _l("Document"), "document_id": _l("Document of the register"),
        "in_force": _l("Version in force"), "changed_at": _l("Changed"), "objective": _l("Objective of the process"),
        "follow_up": _l("Methods of follow-up and measurement"), "scope": _l("Scope of the process"), "responsible": _l("Responsible"),
        "resources": _l("Resources"), "interacts": _l("Processes it interacts with"), "documents": _l("Documented information"),
        "clauses": _l("Requirements of the management system"), "requirements": _l("Requirements"),
    }  # fmt: skip
    add_form_extra_fields = {
        "process_id": SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()]),
        "document_id": SelectField(
            _l("Document of the register"), coerce=int, choices=sheet_documents, validators=[InputRequired()],
            description=_l("Its code, its dates and its version stand in the head of the sheet."),
        ),
    }  # fmt: skip

    # Reading

    def _loading(self, columns: Any) -> list[Any]:
        return [joinedload(ProcessSheet.process), joinedload(ProcessSheet.document).joinedload(ControlledDocument.in_force)]

    def title_of(self, item: ProcessSheet) -> str:
        return f"{item.document.code} · {item.process.name}"

    def row_url(self, item: ProcessSheet) -> str:
        return url_for("ProcessSheetView.show", pk=item.id)

    def shown(self, item: ProcessSheet, name: str) -> Any:
        match name:
            case "process":
                return item.process.name
            case "document":
                return self._document(item.document)
            case "in_force":
                return self._version(item)
        return super().shown(item, name)

    @staticmethod
    def _document(document: ControlledDocument) -> Any:
        if not may("can_show", "ControlledDocument"):
            return str(document)
        return Markup('<a href="{}">{}</a>').format(url_for("ControlledDocumentView.show", pk=document.id), document)

    @staticmethod
    def _version(item: ProcessSheet) -> Any:
        edition = item.document.in_force
        if edition is None:
            return Markup('<span class="pill warn">{}</span>').format(_("none in force"))
        if process_sheets.has_changed(item, edition):
            return Markup('{} <span class="pill warn">{}</span>').format(edition.version, _("changed since"))
        return edition.version

    def cycle(self, item: ProcessSheet) -> list[tuple[str, Any, list[Any]]]:
        """Return the rows of the cycle: the letter, the row, and its activities linked to where they happen."""
        lines = lines_of(db.session(), item)
        letters = shown_letters([(line.row.phase, line.only_goes_out) for line in lines])
        return [
            (letter, line.row, [linked(done.text, done.path) for done in line.activities])
            for letter, line in zip(letters, lines, strict=True)
        ]  # fmt: skip

    def stands(self, item: ProcessSheet) -> tuple[DocumentEdition | None, bool]:
        """Return the edition in force, and whether the sheet says something else by now."""
        return item.document.in_force, process_sheets.has_changed(item, item.document.in_force)

    means = MEANS

    def buttons(self, item: ProcessSheet) -> list[Button]:
        found = [Button(_("On one page (PDF)"), url_for("ProcessSheetView.pdf", pk=item.id))] if self.may_do("pdf") else []
        edition = item.document.in_force
        if (edition is None or process_sheets.has_changed(item, edition)) and may("can_edit", "ControlledDocument"):
            draft = select(DocumentEdition.id).where(
                DocumentEdition.document_id == item.document_id, DocumentEdition.status == EditionStatus.DRAFT
            )
            if db.session.scalar(draft) is None:
                found.append(Button(_("Draft its next version"), url_for("ControlledDocumentView.draft", pk=item.document_id)))
        return found + history_of("process_sheet", item.id)

    # Rows

    def _row(self, pk: str, row_id: int) -> tuple[ProcessSheet, ProcessSheetRow]:
        sheet = self.item(pk)
        found = select(ProcessSheetRow).where(ProcessSheetRow.sheet_id == sheet.id, ProcessSheetRow.id == row_id)
        return sheet, db.session.scalars(found).first() or abort(404)

    @expose("/row/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def add_row(self, pk: str) -> Any:
        """Add a row at the end of the cycle."""
        return self._write(self.item(pk), None)

    @expose("/row/<pk>/<int:row_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def row(self, pk: str, row_id: int) -> Any:
        """Rewrite a row of the cycle."""
        return self._write(*self._row(pk, row_id))

    def _write(self, sheet: ProcessSheet, row: ProcessSheetRow | None) -> Any:
        """Answer the form of a row, and store what it says."""
        form = RowForm(obj=row)
        if not form.is_submitted():
            known = [line for line in lines_of(db.session(), sheet) if row is not None and line.row.id == row.id]
            for text, path in [(done.text, done.path) for line in known for done in line.activities] + [("", "")] * N_EMPTY:
                form.activities.append_entry({"text": text, "path": path})
        elif form.validate():
            if request.form.get("seen", "") != self._seen(sheet):
                form.form_errors.append(
                    _("Somebody else changed this while you were writing. Check the page of the row; save again to keep what you wrote.")
                )
            elif self._kept(form, sheet, row):
                flash(_("Saved."), "success")
                return redirect(f"{self.row_url(sheet)}#cycle")
        for n, each in enumerate(form.activities, 1):
            each.form.text.label.text, each.form.path.label.text = _("Activity %(n)s", n=n), _("Page of activity %(n)s", n=n)
        facts = {"form": form, "item": sheet, "row": row, "view": self, "seen": self._seen(sheet)}
        return self.render_template("qms/process_row.html", **facts), 422 if form.errors else 200

    @staticmethod
    def _kept(form: RowForm, sheet: ProcessSheet, row: ProcessSheetRow | None) -> bool:
        try:
            process_sheets.store_row(db.session(), sheet, row, form.said(), at=now())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
            return False
        return True

    @expose("/move/<pk>/<int:row_id>/<way>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def move(self, pk: str, row_id: int, way: str) -> Response:
        """Let a row change places with the one above it or below it."""
        _sheet, row = self._row(pk, row_id)
        return self._press(pk, lambda _item: process_sheets.move_row(db.session(), row, up=way == "up", at=now()), _("Moved."))

    @expose("/drop/<pk>/<int:row_id>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def drop(self, pk: str, row_id: int) -> Response:
        """Take a row out."""
        _sheet, row = self._row(pk, row_id)
        return self._press(pk, lambda _item: process_sheets.drop_row(db.session(), row, at=now()), _("The row is taken out."))

    @expose("/pdf/<pk>", methods=["GET"])
    @has_access
    @permission_name("download")
    def pdf(self, pk: str) -> Response:
        """The sheet on one page."""
        sheet = self.item(pk)
        return show_pdf(sheet_pdf(db.session(), sheet, now()), f"{sheet.document.code}.pdf")
