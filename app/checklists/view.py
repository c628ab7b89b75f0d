"""The list of checklists, the page of one, and what is done to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value
from werkzeug.wrappers import Response

from app.baseviews import READ_ONLY, RuledView
from app.checklists.forms import AskForm, ReasonForm, SubmitForm
from app.checklists.sheet import Line, Pen, lines_of, write
from app.documents import checklists as papers
from app.domain import N_
from app.domain.checklists import ChecklistMove, ChecklistStatus, Verdict, gaps, spans
from app.domain.compliance import LETTERS, TONES, sum_of
from app.domain.errors import DomainError
from app.domain.improvement import ActionKind
from app.downloads import send_made, send_stored, show_pdf
from app.extensions import db, now, today
from app.listing import Choices, Moment, Rows
from app.listviews import Ready
from app.models import Checklist, ChecklistFile, ChecklistItem, CommercialEvent, Contract, Document, Party
from app.operations import checklists as operations
from app.operations.improvement import Asked
from app.reports.checklists import checklist_sheet
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.security import may, scope_checklists, scope_contracts
from app.steps import Steps
from app.words import say, say_number

#: Until when an action is asked for, unless somebody says otherwise.
USUAL_TERM = timedelta(days=30)
PARTY_OF = select(Contract.party_id).where(Contract.id == Checklist.contract_id).correlate(Checklist).scalar_subquery()
STATUS_TONES = {ChecklistStatus.OPEN: "info", ChecklistStatus.SUBMITTED: "warn", ChecklistStatus.CLOSED: "ok"}


def late_condition(value: str, moment: Moment) -> ColumnElement[bool]:
    is_late = and_(Checklist.status != ChecklistStatus.CLOSED, Checklist.due_on < moment.today)
    return is_late if value == "1" else ~is_late


def findings_condition(value: str, _moment: Moment) -> ColumnElement[bool]:
    has_findings = Checklist.n_partly + Checklist.n_not_met > 0
    return has_findings if value == "1" else ~has_findings


def years() -> list[tuple[str, str]]:
    """Return the years that the list is filtered by."""
    return [(str(year), str(year)) for year in range(today().year + 1, today().year - 10, -1)]


def yes_or_no() -> tuple[tuple[str, str], ...]:
    return ("1", N_("Yes")), ("0", N_("No"))


class ChecklistView(Steps, RuledView):
    """
    The verification checklists of the contracts that the reader sees; each has one page, to read and to fill.

    A reviewer writes the rows of his processes; whoever answers for the contract signs, and somebody else approves and locks.
    """

    datamodel = SQLAInterface(Checklist)
    route_base = "/checklist"
    class_permission_name = "Checklist"
    include_route_methods = READ_ONLY | {
        "save", "row", "news", "evidence", "withdraw", "acta", "old_acta", "excel", "open_now", "sign", "approve", "give_back", "reopen",
        "ask",
    }  # fmt: skip
    list_title = _l("Verification checklists")
    intro = _l("Once a year the requirements of each contract are verified, one by one. They open by themselves on the anniversary.")
    empty_text = _l("No contract has been verified yet. A checklist opens by itself on the anniversary of a signed contract.")
    list_columns = ["number", "status", "contract", "year", "due_on", "compliance", "signed_by"]
    show_columns = [*list_columns, "n_items", "approved_by", "period_from", "period_until", "opened_on", "conclusion", "document"]
    more_columns = ["n_met", "n_partly", "n_not_met", "n_not_applicable", "signed_at", "approved_at", "n_reopened"]
    search_words = ("number",)
    own_facets = (
        Rows("party", _l("Party"), PARTY_OF, Party, Party.id, "party"),
        Choices("year", _l("Year"), years, lambda value, _moment: Checklist.year == int(value)),
        Choices("late", _l("Late"), yes_or_no, late_condition),
        Choices("findings", _l("With findings"), yes_or_no, findings_condition),
    )
    ready_filters = (
        Ready(N_("Being verified"), "status=OPEN&order=due_on"),
        Ready(N_("Late"), "late=1&order=due_on"),
        Ready(N_("To approve"), "status=SUBMITTED&order=signed_at"),
        Ready(N_("With findings"), "findings=1"),
    )
    base_order = ("number", "desc")
    clipped = ("contract",)
    label_columns = {
        "number": _l("Number"), "status": _l("State"), "contract": _l("Contract"), "year": _l("Year"), "due_on": _l("To be verified by"),
        "n_items": _l("Requirements"), "compliance": _l("Compliance"), "signed_by": _l("Signed by"), "signed_at": _l("Signed on"),
        "approved_by": _l("Approved by"), "approved_at": _l("Approved on"), "period_from": _l("Year of contract, from"),
        "period_until": _l("Year of contract, until"), "opened_on": _l("Opened on"), "conclusion": _l("Conclusion"), "document": _l("Acta"),
        "n_met": _l("Meet"), "n_partly": _l("Meet in part"), "n_not_met": _l("Do not meet"), "n_not_applicable": _l("Do not apply"),
        "n_reopened": _l("Times reopened"),
    }  # fmt: skip
    formatters_columns = {"signed_by": lambda user: user.get_full_name(), "approved_by": lambda user: user.get_full_name()}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_checklists(statement, today())

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return super().lines(statement, columns).options(joinedload(Checklist.contract).joinedload(Contract.party))

    def title_of(self, item: Checklist) -> str:
        return item.number

    def shown(self, item: Any, name: str) -> Any:
        value = getattr(item, name)
        match name:
            case "compliance":
                return said_percent(value)
            case "contract" if may("can_show", "Contract"):
                link = Markup('<a class="num" href="{}">{}</a> · {}')
                return link.format(url_for("ContractView.show", pk=value.id), value.number, value.party.name)
            case "year" | "n_reopened":
                return str(value)
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(STATUS_TONES[value], _(value.value))
        return super().shown(item, name)

    # The page

    def checklist(self, pk: str, *more: str) -> Checklist:
        """Return the checklist with its contract, people and the relations *more*, in the reader's scope, or answer 404."""
        found = self.item(pk, ("signed_by", "approved_by", *more))
        people = joinedload(Contract.party), joinedload(Contract.process), joinedload(Contract.supervisor)
        contract = db.session.scalars(select(Contract).where(Contract.id == found.contract_id).options(*people)).one()
        set_committed_value(found, "contract", contract)
        return found

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        """The page of a checklist: filled while it is open, read afterwards."""
        return self._page(self.checklist(pk))

    def _page(self, checklist: Checklist, lines: list[Line] | None = None) -> str:
        pen = Pen(checklist)
        lines = lines or lines_of(db.session(), checklist, pen)
        events = select(CommercialEvent).where(CommercialEvent.checklist_id == checklist.id).options(joinedload(CommercialEvent.actor))
        is_open = checklist.status is ChecklistStatus.OPEN
        facts = {
            "checklist": checklist, "lines": lines, "events": list(db.session.scalars(events.order_by(CommercialEvent.id.desc()))),
            "is_open": is_open, "steps": self.steps(checklist, pen), "may_fill": is_open and any(line.may_write for line in lines),
            "stamp": operations.stamp(db.session(), checklist), "today": today(), "view": self,
            "may_show_contract": may("can_show", "Contract"), "may_compare": may("can_list", "Compliance"), **self._looks(checklist, lines),
        }  # fmt: skip
        return self.render_template("checklist/show.html", **facts)

    @staticmethod
    def _looks(checklist: Checklist, lines: list[Line]) -> dict[str, Any]:
        """Return what the rows add up to, and how verdicts look, for its templates."""
        total = sum_of(line.item.verdict for line in lines)
        key_of = {line.item.position: line.item.id for line in lines}
        stops = gaps(operations.row_of(line.item) for line in lines)
        return {
            "total": total, "stops": [(msgid, spans(rows), key_of[rows[0]]) for msgid, rows in stops.items()], "verdicts": list(Verdict),
            "letters": LETTERS, "tones": TONES, "percent": said_percent(total.percent), "status_tone": STATUS_TONES[checklist.status],
            "moves": ChecklistMove.__members__,
        }  # fmt: skip

    def steps(self, checklist: Checklist, pen: Pen) -> list[ChecklistMove]:
        """Return the moves that the reader may make now."""
        is_open, is_signed = checklist.status is ChecklistStatus.OPEN, checklist.status is ChecklistStatus.SUBMITTED
        allowed = {
            ChecklistMove.SUBMIT: is_open and self.may_do("sign") and pen.answers,
            ChecklistMove.RETURN: is_signed and self.may_do("give_back"),
            ChecklistMove.APPROVE: is_signed and self.may_do("approve") and checklist.signed_by_id != current_user.id,
            ChecklistMove.REOPEN: checklist.status is ChecklistStatus.CLOSED and self.may_do("reopen"),
        }
        return [move for move, is_allowed in allowed.items() if is_allowed]

    # Filling

    @expose("/save/<pk>", methods=["POST"])
    @has_access
    @permission_name("verify")
    def save(self, pk: str) -> Any:
        """Save every row that the page sends, and lead back to it; rows that are refused come back with what was typed."""
        checklist = self.checklist(pk)
        lines = lines_of(db.session(), checklist, Pen(checklist))
        n = write(db.session(), lines, at=now())
        db.session.commit()
        if any(line.error for line in lines):
            checklist = self.checklist(pk)
            return self._page(checklist, lines), 409 if any(line.theirs for line in lines) else 422
        flash(ngettext("%(num)s row is saved.", "%(num)s rows are saved.", n) if n else _("Nothing had changed."), "success")
        return redirect(url_for("ChecklistView.show", pk=pk))

    @expose("/row/<pk>/<int:item_id>", methods=["POST"])
    @has_access
    @permission_name("verify")
    def row(self, pk: str, item_id: int) -> Any:
        """Save one row as its writer goes; answer how it stands: 409 when somebody else saved it meanwhile, 422 when a rule refuses it."""
        checklist = self.checklist(pk)
        lines = lines_of(db.session(), checklist, Pen(checklist), with_previous=False)
        mine = [line for line in lines if line.item.id == item_id and line.may_write]
        if not mine:
            abort(404)
        write(db.session(), mine, at=now())
        db.session.commit()
        status = 409 if mine[0].theirs else 422 if mine[0].error else 200
        return jsonify(self._told(checklist, lines, mine)), status

    @expose("/news/<pk>", methods=["GET"])
    @has_access
    @permission_name("show")
    def news(self, pk: str) -> Any:
        """What changed since `?stamp=`: nothing (204), in two statements because it is often asked; or every row as it stands."""
        checklist = self.item(pk)
        if operations.stamp(db.session(), checklist) == request.args.get("stamp"):
            return "", 204
        lines = lines_of(db.session(), checklist, Pen(checklist), with_previous=False)
        return jsonify(self._told(checklist, lines, lines))

    def _told(self, checklist: Checklist, lines: list[Line], told: list[Line]) -> dict[str, Any]:
        """Return the rows *told* as script reads them: values, and the small parts of the page that show them."""
        words = self._looks(checklist, lines) | {"checklist": checklist, "view": self, "is_open": checklist.status is ChecklistStatus.OPEN}
        return {
            "stamp": operations.stamp(db.session(), checklist), "status": checklist.status.name,
            "total": render_template("checklist/_total.html", **words),
            "rows": [
                {
                    "id": line.item.id, "version": line.item.version, "base": line.base, "error": line.error,
                    "verdict": line.said.verdict.name if line.said.verdict else "", "note": line.said.note,
                    "why": line.said.no_action_reason,
                    "read": "" if line.may_write else render_template("checklist/_read.html", line=line, **words),
                    "state": render_template("checklist/_state.html", line=line, **words),
                    "conflict": render_template("checklist/_conflict.html", line=line, **words) if line.theirs else "",
                }
                for line in told
            ],
        }  # fmt: skip

    @expose("/evidence/<pk>/<int:file_id>", methods=["GET"])
    @has_access
    @permission_name("download")
    def evidence(self, pk: str, file_id: int) -> Response:
        """A file that shows what a verdict says."""
        return send_stored(self._evidence(self.item(pk), file_id).file)

    @staticmethod
    def _evidence(checklist: Checklist, file_id: int) -> ChecklistFile:
        """Return a file of *checklist* that was not withdrawn, or answer 404."""
        named = ChecklistItem.checklist_id == checklist.id, ChecklistFile.id == file_id, ChecklistFile.withdrawn_at.is_(None)
        statement = select(ChecklistFile).join(ChecklistItem).where(*named).options(joinedload(ChecklistFile.file))
        found: ChecklistFile = db.session.scalars(statement).first() or abort(404)
        return found

    @expose("/withdraw/<pk>/<int:file_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("verify")
    def withdraw(self, pk: str, file_id: int) -> Any:
        """Withdraw a file that was attached by mistake."""
        checklist = self.checklist(pk)
        evidence = self._evidence(checklist, file_id)
        row = next(each for each in operations.items_of(db.session(), checklist) if each.id == evidence.item_id)
        if not Pen(checklist).may_write(row):
            abort(404)
        help = _l("It was attached by mistake: nobody opens it any more, and the change log remembers it.")
        answer = self._step(pk, FlaskForm(), _("Withdraw “%(name)s”", name=evidence.file.name), help, lambda _item: (
            operations.withdraw_evidence(db.session(), evidence, at=now(), actor_id=current_user.id)))  # fmt: skip
        return self._back_to(row, answer)

    @expose("/acta/<pk>", methods=["GET"])
    @has_access
    @permission_name("download")
    def acta(self, pk: str) -> Response:
        """The acta as it was issued; before the approval, as it would be, marked as a draft."""
        checklist = self.checklist(pk, "document", "organisation")
        if checklist.document is not None:
            return send_stored(checklist.document.file, inline=True)
        return show_pdf(papers.preview(db.session(), checklist, now()), f"{checklist.number}.pdf")

    @expose("/acta/<pk>/<int:document_id>", methods=["GET"])
    @has_access
    @permission_name("download")
    def old_acta(self, pk: str, document_id: int) -> Response:
        """An acta that was issued before the checklist was reopened."""
        events = select(CommercialEvent.facts).where(CommercialEvent.checklist_id == self.item(pk).id)
        if document_id not in {facts.get("document") for facts in db.session.scalars(events)}:
            abort(404)
        return send_stored(db.session.get_one(Document, document_id).file, inline=True)

    @expose("/excel/<pk>", methods=["GET"])
    @has_access
    @permission_name("export")
    def excel(self, pk: str) -> Response:
        """The checklist as a workbook."""
        file, name = checklist_sheet(db.session(), self.item(pk), current_user.get_full_name(), now())
        return send_made(file, name, XLSX_TYPE)

    # Its steps

    @expose("/open/<int:contract_id>", methods=["POST"])
    @has_access
    @permission_name("open")
    def open_now(self, contract_id: int) -> Response:
        """Open the verification of a contract that is due, or comes soon, and lead to it."""
        mine = scope_contracts(select(Contract).where(Contract.id == contract_id), today())
        contract = db.session.scalars(mine).first() or abort(404)
        try:
            checklist = operations.open_checklist(db.session(), contract, at=now(), actor_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return redirect(url_for("ContractView.show", pk=contract_id))
        flash(_("%(number)s is open: %(n)s requirements to verify.", number=checklist.number, n=checklist.n_items), "success")
        return redirect(url_for("ChecklistView.show", pk=checklist.id))

    @expose("/sign/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("submit")
    def sign(self, pk: str) -> Any:
        """Sign as the responsible, with the conclusion."""
        checklist = self.item(pk)
        if not Pen(checklist).answers:
            abort(404)
        form = SubmitForm(data={"conclusion": checklist.conclusion})
        help = _l("Your signature says that every verdict is what was found. Then somebody else approves it, and it is locked.")
        return self._step(pk, form, _(ChecklistMove.SUBMIT.value), help, lambda item: operations.submit(
            db.session(), item, form.conclusion.data, at=now(), actor_id=current_user.id))  # fmt: skip

    @expose("/return/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("return")
    def give_back(self, pk: str) -> Any:
        """Return it to the reviewers, with a reason."""
        form = ReasonForm()
        help = _l("The signature is taken off, and the reviewers correct its rows. Your reason stays in the history.")
        return self._step(pk, form, _(ChecklistMove.RETURN.value), help, lambda item: operations.give_back(
            db.session(), item, form.reason.data, at=now(), actor_id=current_user.id))  # fmt: skip

    @expose("/approve/<pk>", methods=["POST"])
    @has_access
    @permission_name("approve")
    def approve(self, pk: str) -> Response:
        """Approve and lock it; its acta is issued in the same transaction."""

        def act(item: Checklist) -> None:
            operations.approve(db.session(), item, at=now(), actor_id=current_user.id)
            papers.issue_acta(db.session(), item, current_user, now())

        return self._press(pk, act, _("The checklist is approved and locked. Its acta is issued."))

    @expose("/reopen/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("reopen")
    def reopen(self, pk: str) -> Any:
        """Unlock an approved one, with a reason."""
        form = ReasonForm()
        help = _l("Both signatures are taken off. The acta that was issued stays in the archive; approving it again makes another.")
        return self._step(pk, form, _(ChecklistMove.REOPEN.value), help, lambda item: operations.reopen(
            db.session(), item, form.reason.data, at=now(), actor_id=current_user.id))  # fmt: skip

    @expose("/ask/<pk>/<int:item_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("verify")
    def ask(self, pk: str, item_id: int) -> Any:
        """Ask for the action of a finding."""
        checklist = self.checklist(pk)
        row = next((each for each in operations.items_of(db.session(), checklist) if each.id == item_id), None)
        if row is None or not Pen(checklist).may_write(row) or not may("can_add", "Action"):
            abort(404)
        form = AskForm(data=self._proposed(row))
        form.process_id.choices = [(each.id, each.name) for each in operations.processes(db.session())]

        def act(_item: Checklist) -> None:
            asked = Asked(form.title.data, form.description.data, ActionKind[form.kind.data], form.process_id.data,
                                     form.due_on.data, form.responsible.data.id if form.responsible.data else None)  # fmt: skip
            operations.ask_for_action(db.session(), row, asked, at=now(), actor_id=current_user.id)

        return self._back_to(row, self._step(pk, form, _("Ask for an action"), f"{row.position}. {row.requirement.text}", act))

    @staticmethod
    def _back_to(row: ChecklistItem, answer: Any) -> Any:
        """Let a step that was made lead back to its row."""
        if isinstance(answer, Response):
            answer.location = url_for("ChecklistView.show", pk=row.checklist_id, _anchor=f"row-{row.id}")
        return answer

    @staticmethod
    def _proposed(item: ChecklistItem) -> dict[str, Any]:
        """Return what the form of an action starts with."""
        requirement, contract = item.requirement, item.checklist.contract
        title = _("Requirement %(n)s of %(contract)s: %(text)s", n=item.position, contract=contract.number, text=requirement.text)
        process_id = requirement.process_id or contract.process_id
        return {"title": title[:200], "description": item.note, "process_id": process_id, "responsible": requirement.responsible,
                "due_on": today() + USUAL_TERM}  # fmt: skip


def said_percent(value: Decimal | None) -> str:
    """Return a compliance as people read it: 83,3 %."""
    return "—" if value is None else f"{say_number(value)} %"
