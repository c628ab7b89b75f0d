"""
The staff's own pages of a case: queue, registration, the case, its moves, answer, notes and files.

Custom pages beside the declared screens of `views.py`, because a case is where the business is special. They fetch a case with the
reader's scope, ask the right, call one operation and commit; they decide nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import documents, intake, queries
from app.caselist import CaseList, holds, is_masked, light_shown, shown_name
from app.domain import N_
from app.domain.deadlines import Light, Regime, silence_on
from app.domain.errors import DomainError
from app.domain.ledger import spans
from app.domain.states import (
    ARROWS,
    DocumentKind,
    Move,
    Outcome,
    PqrStatus,
    Visibility,
    moves_from,
)
from app.downloads import send_stored
from app.extensions import db, now, public_url, start_writing, today
from app.forms import MOVE_FIELDS, AttachForm, ClassifyForm, DraftForm, MoveForm, NoteForm, RegisterForm
from app.intake import blame, fill_choices
from app.models import (
    AnswerTemplate,
    Note,
    Pqr,
    Process,
    RequestType,
    StoredFile,
)
from app.operations import answers, files, messages
from app.operations import pqr as operations
from app.security import may, scope_cases

PAGE = 25
#: Rights that show or hide something on the page of a case, besides the moves.
_DOORS = ("can_note", "can_attach", "can_edit", "can_draft", "can_reprint", "can_download")
STAGES = (PqrStatus.RECEIVED, PqrStatus.ROUTED, PqrStatus.SOLVED, PqrStatus.ANSWERED, PqrStatus.NOTIFIED, PqrStatus.CLOSED)


def fingerprint(pqr: Pqr) -> str:
    """Return what tells one wording of the draft from another."""
    return hashlib.sha256(pqr.answer.body.encode()).hexdigest() if pqr.answer else ""


class CaseView(CaseList):
    """Cases: `/pqr/`. Every door fetches through `_case`, so a case out of scope is a 404 everywhere."""

    route_base = "/pqr"
    default_view = "list"
    include_route_methods = {
        "list", "export", "bulk_action", "register", "show", "move", "draft", "note", "attach", "download", "receipt", "edit",
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

    def _facts(self, pqr: Pqr) -> dict[str, Any]:
        calendar = queries.calendar_of(db.session, pqr.organisation)
        is_held = holds(pqr)
        light, words = light_shown(pqr, calendar, today())
        lines = [(line.process.name, str(line.user) if line.user else "", line.in_on, line.out_on) for line in pqr.assignments]
        return {
            "pqr": pqr,
            "name": shown_name(pqr),
            "is_masked": is_masked(pqr),
            "light": light,
            "light_words": words,
            "steps": operations.steps_for(db.session, pqr),
            "spans": spans(lines, calendar, pqr.answered_on or today()),
            "stages": STAGES,
            "moves": [move for move in moves_from(pqr.status) if may(ARROWS[move].right) and is_held],
            "may": {right for right in _DOORS if may(right) and (is_held or right == "can_download")},
            "is_late": bool(pqr.answered_on and pqr.due_on and pqr.answered_on > pqr.due_on),
            "has_silence": light is Light.BLACK or silence_on(pqr.due_on, today(), pqr.answered_on, pqr.regime),
            "is_ley142": pqr.regime is Regime.LEY142,
            "is_draft_open": pqr.status in (PqrStatus.ROUTED, PqrStatus.SOLVED),
        }

    @expose("/<number>/move/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def move(self, number: str, name: str) -> str | Response | tuple[str, int]:
        """The page of one move, and the move itself: rights by the table of the domain."""
        pqr = self._case(number)
        move = Move.__members__.get(name.upper())
        if move not in ARROWS:
            abort(404)
        self._require(pqr, ARROWS[move].right)
        form = self._move_form(move, pqr)
        if form.validate_on_submit():
            try:
                done = self._make(pqr, move, form)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                pqr = self._case(number)
                blame(form, error)
            else:
                flash(done, "success")
                return redirect(url_for("CaseView.show", number=number) if self._still_visible(number) else url_for("CaseView.list"))
        elif not form.is_submitted():
            operations.arrow_for(move, pqr.status)  # an impossible move names the possible ones
        if "seen" in form:
            form.seen.data = fingerprint(pqr)
        page = self.render_template("case/move.html", form=form, move=move, fields=MOVE_FIELDS[move], **self._facts(pqr))
        return (page, 422) if form.is_submitted() else page

    def _still_visible(self, number: str) -> bool:
        return db.session.scalar(scope_cases(select(Pqr.id).where(Pqr.number == number.upper()), today())) is not None

    def _move_form(self, move: Move, pqr: Pqr) -> MoveForm:
        form = MoveForm()
        for unused in {field.short_name for field in form} - {*MOVE_FIELDS[move], "csrf_token"}:
            delattr(form, unused)
        fill_choices(db.session, form)
        if not form.is_submitted():
            if "on" in form:
                form.on.data = today()
            if "process_id" in form and pqr.request_type.default_process_id:
                form.process_id.data = pqr.request_type.default_process_id
            if "outcome" in form and pqr.outcome:
                form.outcome.data, form.solution.data = pqr.outcome.name, pqr.solution
        return form

    def _make(self, pqr: Pqr, move: Move, form: MoveForm) -> str:
        """Call the operation of *move* with what the form says; return the words for the flash."""
        who: dict[str, Any] = {"at": now(), "actor_id": current_user.id}
        said = {field.short_name: field.data for field in form}
        reason = said.get("reason") or ""
        session = db.session
        match move:
            case Move.ROUTE:
                process = session.get(Process, said["process_id"]) if said["process_id"] else None
                if process is None:
                    raise DomainError(N_("Choose the process that will attend it."), field="process")
                operations.route(session, pqr, process, reason, user=said["user"], **who)
                messages.tell_routed(session, pqr, who["at"])
            case Move.RETURN_TO_DESK:
                operations.return_to_desk(session, pqr, reason, **who)
            case Move.REQUEST_COMPLETION:
                operations.request_completion(session, pqr, reason, said["act"] or "", on=said["on"], **who)
            case Move.COMPLETE:
                process = session.get(Process, said["process_id"]) if said["process_id"] else None
                operations.complete(session, pqr, reason, process=process, on=said["on"], **who)
            case Move.ORDER_EVIDENCE:
                operations.order_evidence(session, pqr, reason, said["act"] or "", on=said["on"], **who)
            case Move.CLOSE_EVIDENCE:
                operations.close_evidence(session, pqr, reason, on=said["on"], **who)
            case Move.TRANSFER:
                operations.transfer(session, pqr, reason, said["act"] or "", **who)
            case Move.SOLVE:
                if not said["outcome"]:
                    raise DomainError(N_("Choose the sense of the answer."), field="outcome")
                operations.solve(session, pqr, said["solution"] or "", Outcome[said["outcome"]], **who)
            case Move.ISSUE_ANSWER:
                self._issue(pqr, said["seen"], who)
            case Move.NOTIFY:
                self._notify(pqr, said, who)
            case Move.CLOSE:
                operations.close(session, pqr, waiver=reason, **who)
            case Move.WITHDRAW | Move.VOID | Move.RETURN_SOLUTION | Move.APPEAL:
                verbs = {
                    Move.WITHDRAW: operations.withdraw,
                    Move.VOID: operations.void,
                    Move.RETURN_SOLUTION: operations.return_solution,
                    Move.APPEAL: operations.record_appeal,
                }
                verbs[move](session, pqr, reason, **who)
        return _("Done: %(move)s. The case is now “%(status)s”.", move=_(move.value), status=_(pqr.status.value))

    def _issue(self, pqr: Pqr, seen: str, who: dict[str, Any]) -> None:
        """Approve and issue the answer that was read; with consent the link leaves by e-mail in the same transaction."""
        queries.hold_calendar(db.session, pqr.organisation)  # before the case is locked, as every move does
        queries.lock(db.session, pqr)
        if pqr.answer is not None:
            db.session.refresh(pqr.answer)
            if seen != fingerprint(pqr):
                raise DomainError(
                    N_("The draft changed while you were reading it. This is what it says now: read it again and approve it.")
                )
        documents.issue_answer(db.session, pqr, current_user._get_current_object(), who["at"])
        if pqr.is_e_notice:
            notice = operations.start_e_notice(db.session, pqr, at=who["at"])
            messages.tell_answer(db.session, pqr, notice, public_url(f"/n/{notice.token}"), who["at"])

    def _notify(self, pqr: Pqr, said: dict[str, Any], who: dict[str, Any]) -> None:
        uploaded = files.check_uploads(said["proof_file"])
        kept = {"pqr": pqr, "visibility": Visibility.STAFF, "description": _("Proof of notice")}
        proofs = [files.store_file(db.session, item, **kept) for item in uploaded]
        told = {"served_on": said["on"] or today(), "proof": said["proof"] or "", "proof_file": next(iter(proofs), None)}
        operations.record_notice(db.session, pqr, **told, **who)

    # ── answer, notes, files, corrections ─────────────────────────────────────────────────────────────────────────────────

    @expose("/<number>/draft", methods=["GET", "POST"])
    @has_access
    @permission_name("draft")
    def draft(self, number: str) -> str | Response | tuple[str, int]:
        """Write the answer before it is approved; `fill` starts it from a text of the house."""
        pqr = self._case(number)
        self._require(pqr, "can_draft")
        form = DraftForm()
        fill_choices(db.session, form)
        if not form.is_submitted():
            form.body.data = pqr.answer.body if pqr.answer else ""
        elif form.validate():
            try:
                if request.form.get("do") == "fill" and form.template.data:
                    form.body.data = answers.fill_template(db.session.get_one(AnswerTemplate, form.template.data).body, pqr)
                else:
                    answers.save_draft(db.session, pqr, form.body.data or "", current_user.id)
                    db.session.commit()
                    flash(_("The draft is saved."), "success")
                    return redirect(url_for("CaseView.show", number=number))
            except DomainError as error:
                db.session.rollback()
                pqr = self._case(number)
                blame(form, error)
        return self.render_template("case/draft.html", form=form, **self._facts(pqr))

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
        return any(document.file_id == stored.id and document.kind is DocumentKind.ANSWER for document in pqr.documents)

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
        page = self.render_template("case/edit.html", form=form, **self._facts(pqr))
        return (page, 422) if form.is_submitted() else page

    def _correct(self, pqr: Pqr, form: ClassifyForm) -> None:
        session = db.session
        session.info["reason"] = form.reason.data.strip()
        if form.request_type.data != pqr.request_type_id:
            operations.reclassify(session, pqr, session.get_one(RequestType, form.request_type.data))
        account = queries.account_numbered(session, form.account_number.data, form.service.data)
        pqr.account = account
        pqr.service_id = form.service.data or (account.service_id if account else None)
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
