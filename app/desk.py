"""
The staff's own pages of a case: queue, registration, the case, its moves, answer, notes and files.

Custom pages beside the declared screens of `views.py`, because a case is where the business is special. They fetch a case with the
reader's scope, ask the right, call one operation and commit; they decide nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import documents, queries
from app.domain import N_
from app.domain.deadlines import Light, Regime, light_of, silence_on
from app.domain.errors import DomainError
from app.domain.ledger import spans
from app.domain.states import (
    ARROWS,
    Category,
    ConsentKind,
    DocumentKind,
    DocumentType,
    Identity,
    Move,
    Outcome,
    PartyKind,
    PqrStatus,
    Visibility,
    moves_from,
)
from app.downloads import send_stored
from app.extensions import db, now, public_url, start_writing, today
from app.forms import MOVE_FIELDS, AttachForm, ClassifyForm, DraftForm, MoveForm, NoteForm, RegisterForm, check_document
from app.models import (
    Account,
    AnswerTemplate,
    Channel,
    ConsentText,
    Note,
    Party,
    Pqr,
    Process,
    ProcessMember,
    RequestType,
    Service,
    StoredFile,
    SuiCause,
)
from app.operations import answers, files, messages, parties
from app.operations import pqr as operations
from app.security import may, processes_of, scope_cases
from app.words import say

PAGE = 25
#: Rights that show or hide something on the page of a case, besides the moves.
_DOORS = ("can_note", "can_attach", "can_edit", "can_draft", "can_reprint", "can_download")
STAGES = (PqrStatus.RECEIVED, PqrStatus.ROUTED, PqrStatus.SOLVED, PqrStatus.ANSWERED, PqrStatus.NOTIFIED, PqrStatus.CLOSED)


def blame(form: Any, error: DomainError) -> None:
    """Put the refusal beside its field when the form shows that field, else on top."""
    name = error.field or ""
    field = next((form[key] for key in (name, f"{name}_id") if key in form), None)
    if field is not None:
        field.errors = [*field.errors, say(error)]
    else:
        form.form_errors.append(say(error))


def light_shown(line: Any, calendar: Any, on: date) -> tuple[Light, str]:
    """Return the light of a case (a Pqr or a line of a list) and the words beside it."""
    is_open = line.status.category in (Category.OPEN, Category.STOPPED)
    has_silence = is_open and silence_on(line.due_on, on, None, line.regime)
    light = light_of(
        safe_on=line.safe_on,
        due_on=line.due_on,
        today=on,
        calendar=calendar,
        is_stopped=line.status.category is Category.STOPPED,
        is_answered=not is_open,
        has_silence=has_silence,
    )
    if not is_open:
        return light, _(line.status.value)
    if light is Light.GREY:
        return light, _("Clock stopped")
    if on > line.due_on:
        late = calendar.between(line.due_on, on)
        return light, _("In silence · %(n)s working days late", n=late) if has_silence else _("%(n)s working days late", n=late)
    left = calendar.between(on, line.due_on)
    return light, _("Due today") if line.due_on == on else _("Due tomorrow") if left == 1 else _("%(n)s working days left", n=left)


def fingerprint(pqr: Pqr) -> str:
    """Return what tells one wording of the draft from another."""
    return hashlib.sha256(pqr.answer.body.encode()).hexdigest() if pqr.answer else ""


def is_masked(line: Any) -> bool:
    """Whether the reader may not know who files this case."""
    return line.identity is Identity.RESERVED and not may("can_see_reserved")


def shown_name(line: Any) -> str:
    """Return who files, as the reader may know it: reserved identities only for whoever has that right."""
    if line.identity is Identity.ANONYMOUS:
        return _("Anonymous")
    if is_masked(line):
        return _("Reserved identity")
    return line.party if isinstance(line.party, str) else line.party.name


class CaseView(BaseView):
    """Cases: `/pqr/`. Every door fetches through `_case`, so a case out of scope is a 404 everywhere."""

    route_base = "/pqr"
    default_view = "list"
    class_permission_name = "Pqr"

    # ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _scope(self, wanted: queries.CaseFilter = queries.CaseFilter()) -> Any:  # noqa: B008  frozen
        organisation = queries.organisation(db.session)
        ids = queries.cases(wanted, today(), queries.calendar_of(db.session, organisation))
        if wanted.party_id is not None and not may("can_see_reserved"):
            ids = ids.where(Pqr.identity == Identity.NAMED)  # the list of somebody's cases would tell who filed
        return scope_cases(ids, today())

    def _case(self, number: str) -> Pqr:
        ids = scope_cases(select(Pqr.id).where(Pqr.number == number.upper()), today())
        pqr = db.session.scalar(queries.case_page(ids, number))
        if pqr is None:
            abort(404)
        return pqr

    def _holds(self, pqr: Pqr) -> bool:
        """Whether the reader may act on it: the whole house may, an owner while a process of theirs holds it."""
        if may("can_see_all") or pqr.holder_id == current_user.id:
            return True
        return pqr.process_id in set(db.session.scalars(processes_of(current_user.id, today())))

    def _require(self, pqr: Pqr, right: str) -> None:
        if not (may(right) and self._holds(pqr)):
            abort(403)

    # ── the queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The queue: search, filters, 25 lines, keyset paging; all of it in the URL."""
        wanted = self._wanted()
        ids = self._scope(wanted)
        after = self._key(request.args.get("after", ""))
        lines = queries.case_lines(db.session, ids, newest_first=wanted.newest_first, limit=PAGE + 1, after=after)
        calendar = queries.calendar_of(db.session, queries.organisation(db.session))
        more = lines[PAGE - 1] if len(lines) > PAGE else None
        return self.render_template(
            "case/list.html",
            lines=[(line, *light_shown(line, calendar, today()), shown_name(line)) for line in lines[:PAGE]],
            wanted=wanted,
            n_found=queries.count_up_to(db.session, ids),
            first_url="" if after is None else self._here(after=""),
            next_url=self._here(after=f"{more.filed_on:%Y-%m-%d}.{more.id}") if more else "",
            processes=db.session.scalars(select(Process).order_by(Process.name)).all(),
            statuses=PqrStatus,
            buckets=queries.BUCKETS,
        )

    def _wanted(self) -> queries.CaseFilter:
        args = request.args
        status = args.get("status", "")
        bucket = args.get("light", "")
        process = args.get("process", "")
        return queries.CaseFilter(
            q=args.get("q", "")[:100],
            bucket=bucket if bucket in queries.BUCKETS else "",
            statuses=(PqrStatus[status],) if status in PqrStatus.__members__ else (),
            process_id=int(process) if process.isdigit() else None,
            party_id=args.get("party", type=int),
            account_id=args.get("account", type=int),
            is_open=args.get("open") == "1",
            newest_first=args.get("order") != "oldest",
        )

    @staticmethod
    def _key(text: str) -> tuple[date, int] | None:
        """Return the (`filed_on`, `id`) that an address carries; None when it is not one."""
        day, _dot, identifier = text.partition(".")
        try:
            return (date.fromisoformat(day), int(identifier)) if len(identifier) < 10 else None
        except ValueError:
            return None

    @staticmethod
    def _here(**changed: str) -> str:
        """Return the address of this list with its filters, changed; nothing of the address reaches `url_for`."""
        kept = {name: value for name, value in request.args.items() if name not in changed}
        return f"{url_for('CaseView.list')}?{urlencode(kept | {name: value for name, value in changed.items() if value})}"

    # ── registration at the counter ───────────────────────────────────────────────────────────────────────────────────────

    @expose("/register", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def register(self) -> str | Response | tuple[str, int]:
        """What a clerk writes while somebody talks."""
        form = RegisterForm()
        self._fill_choices(form)
        if request.method == "GET":
            form.submission.data = secrets.token_urlsafe(24)
            form.channel.data = next((value for value, label in form.channel.choices), None)
        if form.validate_on_submit():
            try:
                pqr = self._file(form)
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("%(number)s is registered. Give the citizen the receipt: it carries the key.", number=pqr.number), "success")
                return redirect(url_for("CaseView.show", number=pqr.number))
        page = self.render_template("case/register.html", form=form, limits=files)
        return (page, 422) if form.is_submitted() else page

    def _file(self, form: RegisterForm) -> Pqr:
        session, at = db.session, now()
        checked = files.check_uploads(form.files.data)
        party = self._party(form)
        organisation = queries.organisation(session)
        filing = operations.Filing(
            organisation=organisation,
            request_type=session.get_one(RequestType, form.request_type.data),
            channel=session.get_one(Channel, form.channel.data),
            subject=form.subject.data,
            body=form.body.data,
            identity=Identity[form.identity.data],
            party=party,
            account=find_account(form.account_number.data, form.service.data),
            service=session.get(Service, form.service.data) if form.service.data else None,
            cause=session.get(SuiCause, form.cause.data) if form.cause.data else None,
            is_priority=form.is_priority.data,
            priority_reason=form.priority_reason.data or None,
            is_e_notice=form.is_e_notice.data,
            notice_email=form.email.data or None,
            notice_address=form.address.data or None,
            disputed_cop=form.disputed_cop.data,
            invoice_number=form.invoice_number.data or None,
            previous=self._earlier(form.previous_number.data),
            submission=form.submission.data or None,
            consent_texts=consent_texts(form.accepts_data.data and party, form.is_e_notice.data),
        )
        pqr = operations.file_pqr(session, filing, at=at, actor_id=current_user.id)
        if not pqr.files:
            for item in checked:
                files.store_file(session, item, pqr=pqr, visibility=Visibility.CITIZEN)
        messages.tell_filed(session, pqr, at)
        session.commit()
        return pqr

    def _party(self, form: RegisterForm) -> Party | None:
        if form.identity.data == Identity.ANONYMOUS.name:
            return None
        kind = DocumentType[form.document_type.data] if form.document_type.data else None
        number = check_document(kind, form.document_number.data)
        name = " ".join((form.name.data or "").split())
        known = parties.find_party(db.session, kind, number)
        if known is not None and name and not parties.is_same_name(known.name, name):
            other = N_("This document is registered to %(name)s. If it is the same person leave the name empty; if not, check the number.")
            raise DomainError(other, field="name", name=known.name)
        if known is None and not name:
            raise DomainError(N_("Write the name of who files, or choose “Anonymous”."), field="name")
        kind_of_party = PartyKind.ORGANISATION if kind is DocumentType.NIT else PartyKind.PERSON
        contact = {"email": form.email.data or None, "phone": form.phone.data or None, "address": form.address.data or None}
        return known or parties.find_or_create_party(db.session, kind_of_party, kind, number, name, **contact)

    def _earlier(self, number: str | None) -> Pqr | None:
        if not (number or "").strip():
            return None
        found = queries.case_by_number(db.session, number or "")
        if found is None:
            raise DomainError(N_("There is no case %(number)s."), field="previous_number", number=(number or "").strip())
        return found

    def _fill_choices(self, form: Any) -> None:
        """Give the choices of the catalogues to whichever of these fields the form has."""
        session = db.session
        nothing: tuple[Any, str] = ("", "—")
        rows: dict[str, Callable[[], Any]] = {
            "request_type": lambda: [(t.id, t.name) for t in session.scalars(_active(RequestType))],
            "channel": lambda: [(c.id, c.name) for c in session.scalars(_active(Channel))],
            "service": lambda: [nothing, *((s.id, s.name) for s in session.scalars(_active(Service)))],
            "cause": lambda: [nothing, *((c.id, str(c)) for c in session.scalars(_CAUSES))],
            "process_id": lambda: [nothing, *((p.id, p.name) for p in session.scalars(_PROCESSES))],
            "user_id": lambda: [nothing, *((u.id, u.get_full_name()) for u in session.scalars(_members()))],
            "template": lambda: [nothing, *((t.id, t.name) for t in session.scalars(_templates()))],
        }
        for name, choices in rows.items():
            if name in form:
                form[name].choices = choices()

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
        holds = self._holds(pqr)
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
            "moves": [move for move in moves_from(pqr.status) if may(ARROWS[move].right) and holds],
            "may": {right for right in _DOORS if may(right) and (holds or right == "can_download")},
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
        self._fill_choices(form)
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
                operations.route(session, pqr, process, reason, user=session.get(User, said["user_id"]) if said["user_id"] else None, **who)
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
        self._fill_choices(form)
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
        self._fill_choices(form)
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
        account = find_account(form.account_number.data, form.service.data)
        pqr.account = account
        pqr.service_id = form.service.data or (account.service_id if account else None)
        pqr.cause_id = form.cause.data
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
        self.request_type, self.service, self.cause = pqr.request_type_id, pqr.service_id, pqr.cause_id
        self.account_number = pqr.account.number if pqr.account else ""
        self.invoice_number, self.disputed_cop = pqr.invoice_number, pqr.disputed_cop
        self.is_priority, self.priority_reason = pqr.is_priority, pqr.priority_reason
        self.notice_address, self.reason = pqr.notice_address, ""


_CAUSES = select(SuiCause).order_by(SuiCause.group_code, SuiCause.code)
_PROCESSES = select(Process).where(Process.is_active).order_by(Process.name)


def _active(model: Any) -> Any:
    return select(model).where(model.is_active).order_by(model.position, model.name)


def _templates() -> Any:
    return select(AnswerTemplate).where(AnswerTemplate.is_active).order_by(AnswerTemplate.name)


def _members() -> Any:
    members = select(ProcessMember.user_id)
    return select(User).where(User.active, User.id.in_(members)).order_by(User.first_name, User.last_name)


def find_account(number: str | None, service_id: int | None) -> Account | None:
    """Return the account with that number (of that service when told). Raises DomainError when it is unknown."""
    typed = (number or "").strip()
    if not typed:
        return None
    statement = select(Account).where(Account.number == typed).order_by(Account.is_active.desc(), Account.id)
    found = db.session.scalars(statement).all()
    if not found:
        unknown = N_("There is no account %(number)s. Check it on the invoice, or leave it empty.")
        raise DomainError(unknown, field="account_number", number=typed)
    return next((account for account in found if account.service_id == service_id), found[0])


def consent_texts(data: object, e_notice: bool) -> tuple[ConsentText, ...]:
    """Return the version in force of each text that the citizen just agreed to."""
    kinds = [kind for kind, given in ((ConsentKind.DATA, data), (ConsentKind.E_NOTICE, e_notice)) if given]
    texts = []
    for kind in kinds:
        statement = select(ConsentText).where(ConsentText.kind == kind, ConsentText.valid_from <= today())
        latest = db.session.scalar(statement.order_by(ConsentText.version.desc()).limit(1))
        if latest is not None:
            texts.append(latest)
    return tuple(texts)
