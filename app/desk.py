"""
The staff's own pages of a case: queue, registration, the case, its moves, answer, notes and files.

Custom pages beside the declared screens of `views.py`, because a case is where the business is special. They fetch a case with the
reader's scope, ask the right, call one operation and commit; they decide nothing.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import Field, StringField

from app import documents, intake, queries
from app.caselist import CaseList, holds, is_masked, light_shown, shown_name
from app.documents import expediente
from app.domain import N_
from app.domain.appeals import NORM_OF
from app.domain.deadlines import Light, Regime, silence_on
from app.domain.errors import DomainError
from app.domain.ledger import spans
from app.domain.states import (
    ARROWS,
    AppealKind,
    Category,
    DocumentKind,
    Inadmissibility,
    Move,
    Outcome,
    PqrStatus,
    Visibility,
    moves_from,
)
from app.downloads import send_stored
from app.drafting import Drafting
from app.extensions import db, now, start_writing, today
from app.forms import AttachForm, ClassifyForm, MoveForm, NoteForm, RegisterForm
from app.intake import blame, fill_choices
from app.lookups import LookupField
from app.models import (
    Note,
    Pqr,
    RequestType,
    Service,
    StoredFile,
)
from app.operations import decisions, files, notices, silence
from app.operations import pqr as operations
from app.security import may, scope_cases
from app.verbs import VERBS, Verb
from app.verbs.handling import fingerprint
from app.words import say

PAGE = 25
#: Rights that show or hide something on the page of a case, besides the moves.
_DOORS = ("can_note", "can_attach", "can_edit", "can_draft", "can_reprint", "can_download", "can_archive")
#: What the pages of recursos name.
RECURSOS = {"kinds": AppealKind, "outcomes": Outcome, "statuses": PqrStatus, "reasons": Inadmissibility, "norms": NORM_OF}
STAGES = (PqrStatus.RECEIVED, PqrStatus.ROUTED, PqrStatus.SOLVED, PqrStatus.ANSWERED, PqrStatus.NOTIFIED, PqrStatus.CLOSED)


#: Letters that do not print who asked when the identity is reserved; the receipt has the key, and those of the notices an address.
UNNAMED = (
    DocumentKind.ANSWER, DocumentKind.COMPLETION_REQUEST, DocumentKind.CLARIFICATION_REQUEST, DocumentKind.EVIDENCE_ORDER,
    DocumentKind.EXTENSION, DocumentKind.WITHDRAWAL, DocumentKind.ARCHIVE,
)  # fmt: skip


def said(field: Field | None) -> Any:
    """Return what a field of a move says; a text that is missing, or that the form does not ask, is empty."""
    is_text = isinstance(field, StringField) and not isinstance(field, LookupField)
    return "" if field is None or (is_text and not field.data) else field.data


class CaseView(CaseList, Drafting):
    """Cases: `/pqr/`. Every door fetches through `_case`, so a case out of scope is a 404 everywhere."""

    route_base = "/pqr"
    default_view = "list"
    include_route_methods = {
        "list", "export", "bulk_action", "register", "show", "move", "draft", "preview", "note", "attach", "download", "receipt", "edit",
        "sspd_file",
    }  # fmt: skip

    # ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _case(self, number: str) -> Pqr:
        pqr = queries.case_page(db.session, scope_cases(select(Pqr).where(Pqr.number == number.upper()), today()))
        if pqr is None:
            abort(404)
        return pqr

    def _require(self, pqr: Pqr, right: str) -> None:
        if not (may(right) and holds(pqr)):
            abort(403)

    # ── registration at the counter ───────────────────────────────────────────────────────────────────────────────────────

    @expose("/register", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def register(self) -> str | Response | tuple[str, int]:
        """What a clerk writes while somebody talks."""
        form = RegisterForm()
        fill_choices(db.session, form)
        if request.method == "GET":
            form.submission.data = secrets.token_urlsafe(24)
            form.channel.data = next((value for value, label in form.channel.choices), None)
        if form.validate_on_submit():
            try:
                pqr = intake.register(db.session, form, at=now(), actor_id=current_user.id)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("%(number)s is registered. Give the citizen the receipt: it carries the key.", number=pqr.number), "success")
                return redirect(url_for("CaseView.show", number=pqr.number))
        page = self.render_template("case/register.html", form=form, limits=files)
        return (page, 422) if form.is_submitted() else page

    # ── the case ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/<number>")
    @has_access
    @permission_name("show")
    def show(self, number: str) -> str:
        """Everything about one case."""
        pqr = self._case(number)
        return self._page(pqr)

    def _page(self, pqr: Pqr, note_form: NoteForm | None = None, attach_form: AttachForm | None = None) -> str:
        """Return the page of the case, with a form that was refused in its place."""
        forms = {"note_form": note_form or NoteForm(formdata=None), "attach_form": attach_form or AttachForm(formdata=None)}
        return self.render_template("case/show.html", **self._facts(pqr), **forms)

    def _facts(self, pqr: Pqr, *, with_acts: bool = True) -> dict[str, Any]:
        """Return what the pages of a case show; the pages of a form do without what hangs on it, and save a statement."""
        calendar = queries.calendar_of(db.session, pqr.organisation)
        is_held = holds(pqr)
        light, words = light_shown(pqr, calendar, today())
        lines = [(line.process.name, str(line.user) if line.user else "", line.in_on, line.out_on) for line in pqr.assignments]
        acts = queries.case_acts(db.session, pqr) if with_acts else {}
        chain = self._chain(pqr, acts) if with_acts else None
        return {
            "pqr": pqr,
            "name": shown_name(pqr),
            "is_masked": is_masked(pqr),
            "light": light,
            "light_words": words,
            "steps": operations.steps_for(db.session, pqr),
            "spans": spans(lines, calendar, pqr.answered_on or today()),
            "stages": STAGES,
            "acts": acts,
            "chain": chain,
            "moves": [move for move in moves_from(pqr.status) if is_held and self._offers(move, pqr)],
            "may": {right for right in _DOORS if may(right) and (is_held or right in ("can_download", "can_archive"))},
            "is_late": bool(pqr.answered_on and pqr.due_on and pqr.answered_on > pqr.due_on),
            "has_silence": light is Light.BLACK or silence_on(pqr.due_on, today(), pqr.answered_on, pqr.regime),
            "is_at_risk": silence.is_at_risk(pqr, chain),
            "today": today(),
            "is_ley142": pqr.regime is Regime.LEY142,
            "recursos": RECURSOS,
            "is_draft_open": pqr.status in (PqrStatus.ROUTED, PqrStatus.SOLVED),
        }

    @staticmethod
    def _chain(pqr: Pqr, acts: dict[str, list[Any]]) -> notices.Chain | None:
        """Return how far the notice of the answer has come; None where a term or a year is missing, which whoever acts is told."""
        if pqr.status.category is not Category.ANSWERED:
            return None
        try:
            return notices.chain_of(db.session, pqr, today(), acts)
        except DomainError:
            return None

    @staticmethod
    def _offers(move: Move, pqr: Pqr) -> bool:
        verb = VERBS.get(move)
        return verb is not None and may(ARROWS[move].right) and (verb.fits is None or verb.fits(pqr))

    @expose("/<number>/move/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def move(self, number: str, name: str) -> str | Response | tuple[str, int]:
        """The page of one move, and the move itself: rights by the table of the domain."""
        pqr = self._case(number)
        move = Move.__members__.get(name.upper())
        if move not in VERBS:
            abort(404)
        verb = VERBS[move]
        self._require(pqr, ARROWS[move].right)
        if request.method == "GET":
            operations.arrow_for(move, pqr.status)  # an impossible move names the possible ones
        form = self._move_form(verb, pqr)
        if form.validate_on_submit():
            try:
                done = self._make(pqr, verb, form)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                pqr = self._case(number)
                blame(form, error)
            else:
                flash(done, "success")
                return redirect(url_for("CaseView.show", number=number) if self._still_visible(number) else url_for("CaseView.list"))
        if "seen" in form:
            form.seen.data = fingerprint(db.session, pqr)
        facts = verb.facts(db.session, pqr) if verb.facts else {}
        page = self.render_template("case/move.html", form=form, verb=verb, **self._facts(pqr, with_acts=False), **facts)
        return (page, 422) if form.is_submitted() else page

    def _still_visible(self, number: str) -> bool:
        return db.session.scalar(scope_cases(select(Pqr.id).where(Pqr.number == number.upper()), today())) is not None

    def _move_form(self, verb: Verb, pqr: Pqr) -> MoveForm:
        form = MoveForm()
        for unused in {field.short_name for field in form} - {*verb.fields, "csrf_token"}:
            delattr(form, unused)
        fill_choices(db.session, form)
        if "reason" in form and ARROWS[verb.move].needs_reason:
            form.reason.flags.required = True
        if verb.arrange:
            verb.arrange(db.session, pqr, form)
        if verb.prefill and not form.is_submitted():
            verb.prefill(db.session, pqr, form, today())
        return form

    def _make(self, pqr: Pqr, verb: Verb, form: MoveForm) -> str:
        """Run *verb* with what the form says; return the words for the flash."""
        values = {name: said(getattr(form, name, None)) for name in verb.fields}
        verb.run(db.session, pqr, values, {"at": now(), "actor_id": current_user.id})
        return _("Done: %(move)s. The case is now “%(status)s”.", move=_(verb.move.value), status=_(pqr.status.value))

    @expose("/<number>/sspd-file", methods=["POST"])
    @has_access
    @permission_name("send_to_sspd")
    def sspd_file(self, number: str) -> Response:
        """Make the file for Superservicios and the letter that remits it. Others may write while all of it is read."""
        db.session.rollback()
        g.is_reading = True
        pqr = self._case(number)
        self._require(pqr, "can_send_to_sspd")
        try:
            decisions.check_file(pqr)
            with expediente.build(db.session, pqr, now()) as built:
                start_writing()
                document = expediente.keep(db.session, self._case(number), built, issuer=current_user, at=now())
                db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("The file %(number)s is made: %(n)s folios.", number=document.number, n=document.data["n_folios"]), "success")
        return redirect(url_for("CaseView.show", number=number) + "#sspd")

    # ── answer, notes, files, corrections ─────────────────────────────────────────────────────────────────────────────────

    @expose("/<number>/note", methods=["POST"])
    @has_access
    @permission_name("note")
    def note(self, number: str) -> Response | tuple[str, int]:
        """Add an internal note; the citizen never sees it."""
        pqr = self._case(number)
        self._require(pqr, "can_note")
        form = NoteForm()
        if not form.validate_on_submit():
            return self._page(pqr, note_form=form), 422
        db.session.add(Note(pqr_id=pqr.id, author_id=current_user.id, body=form.body.data.strip()))
        db.session.commit()
        flash(_("The note is added."), "success")
        return redirect(url_for("CaseView.show", number=number) + "#notes")

    @expose("/<number>/files", methods=["POST"])
    @has_access
    @permission_name("attach")
    def attach(self, number: str) -> Response | tuple[str, int]:
        """Add files to the case."""
        pqr = self._case(number)
        self._require(pqr, "can_attach")
        form = AttachForm()
        try:
            checked = files.check_uploads(form.files.data)
            if not checked:
                raise DomainError(N_("Choose at least one file."), field="files")
            visibility = Visibility.CITIZEN if form.is_public.data else Visibility.STAFF
            for item in checked:
                files.store_file(db.session, item, pqr=pqr, visibility=visibility, description=form.description.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            form.validate_on_submit()
            blame(form, error)
            return self._page(self._case(number), attach_form=form), 422
        flash(_("The files are attached."), "success")
        return redirect(url_for("CaseView.show", number=number) + "#files")

    @expose("/<number>/files/<int:file_id>")
    @has_access
    @permission_name("download")
    def download(self, number: str, file_id: int) -> Response:
        """Serve one file of the case, to whoever may see the case."""
        pqr = self._case(number)
        stored = next((item for item in pqr.files if item.id == file_id), None)
        if stored is None or (is_masked(pqr) and not self._is_letter(pqr, stored)):
            abort(404)  # what a reserved petitioner attached may say who it is
        return send_stored(stored)

    @staticmethod
    def _is_letter(pqr: Pqr, stored: StoredFile) -> bool:
        return any(document.file_id == stored.id and document.kind in UNNAMED for document in pqr.documents)

    @expose("/<number>/receipt")
    @has_access
    @permission_name("reprint")
    def receipt(self, number: str) -> Response:
        """The receipt with number, key and legal date, for the citizen at the counter; made once, then always the same."""
        start_writing()
        pqr = self._case(number)
        self._require(pqr, "can_reprint")
        document = documents.receipt_of(db.session, pqr, now())
        db.session.commit()
        return send_stored(document.file, inline=True)

    @expose("/<number>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, number: str) -> str | Response | tuple[str, int]:
        """Correct the classification, with a reason; a new type derives the dates again."""
        pqr = self._case(number)
        self._require(pqr, "can_edit")
        form = ClassifyForm(obj=None if request.method == "POST" else Known(pqr))
        fill_choices(db.session, form)
        if form.validate_on_submit():
            try:
                self._correct(pqr, form)
            except DomainError as error:
                db.session.rollback()
                pqr = self._case(number)
                blame(form, error)
            else:
                flash(_("The correction is saved."), "success")
                return redirect(url_for("CaseView.show", number=number))
        page = self.render_template("case/edit.html", form=form, **self._facts(pqr, with_acts=False))
        return (page, 422) if form.is_submitted() else page

    def _correct(self, pqr: Pqr, form: ClassifyForm) -> None:
        session = db.session
        session.info["reason"] = form.reason.data.strip()
        account = queries.account_numbered(session, form.account_number.data, form.service.data)
        service = session.get(Service, form.service.data) if form.service.data else account.service if account else None
        operations.reclassify(session, pqr, session.get_one(RequestType, form.request_type.data), service)
        pqr.account = account
        pqr.cause = form.cause.data
        pqr.invoice_number = form.invoice_number.data or None
        pqr.disputed_cop = form.disputed_cop.data
        pqr.is_priority, pqr.priority_reason = form.is_priority.data, form.priority_reason.data or None
        if pqr.is_priority and not pqr.priority_reason:
            raise DomainError(N_("Say why the request has priority."), field="priority_reason")
        pqr.notice_address = form.notice_address.data or None
        session.commit()


class Known:
    """What a case says, under the names of `ClassifyForm`."""

    def __init__(self, pqr: Pqr) -> None:
        self.request_type, self.service, self.cause = pqr.request_type_id, pqr.service_id, pqr.cause
        self.account_number = pqr.account.number if pqr.account else ""
        self.invoice_number, self.disputed_cop = pqr.invoice_number, pqr.disputed_cop
        self.is_priority, self.priority_reason = pqr.is_priority, pqr.priority_reason
        self.notice_address, self.reason = pqr.notice_address, ""
