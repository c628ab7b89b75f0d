"""Old logs after they were brought in: the tray of rows that cannot be true, and where their due dates are other than the law's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Select
from sqlalchemy.orm import joinedload
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired

from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import IssueStatus
from app.extensions import db, now, today
from app.forms import UpTo
from app.importing import again, runs
from app.importing.kinds import Option, Type
from app.listing import Choices
from app.listviews import Bulk, Ready
from app.lookups import BIGGEST_ID
from app.models import ImportBatch, Pqr, QualityIssue
from app.operations import quality
from app.screens.deciding import decide_one
from app.security import scope_cases
from app.words import say, tidy

#: Short names of what may be wrong with a row: `domain.pastcases.Fault`, and what the reading of a cell says.
CODES = {
    "UNREADABLE": N_("A cell that cannot be read"), "EMPTY": N_("A cell that is empty"), "NUMBER_MISSING": N_("No number"),
    "FILED_MISSING": N_("No date of filing"), "TYPE_MISSING": N_("No type"), "IN_FUTURE": N_("In the future"),
    "ROUTED_BEFORE_FILED": N_("Handed over before filed"), "SOLVED_BEFORE_FILED": N_("Solved before filed"),
    "ANSWERED_BEFORE_FILED": N_("Answered before filed"), "NOTIFIED_BEFORE_FILED": N_("Notified before filed"),
    "CLOSED_BEFORE_FILED": N_("Closed before filed"), "ANSWERED_BEFORE_ROUTED": N_("Answered before handed over"),
    "ANSWERED_BEFORE_SOLVED": N_("Answered before solved"), "NOTIFIED_BEFORE_ANSWERED": N_("Notified before answered"),
    "CLOSED_BEFORE_ANSWERED": N_("Closed before answered"), "CLOSED_BEFORE_NOTIFIED": N_("Closed before notified"),
    "NOTIFIED_UNANSWERED": N_("Notified and not answered"), "CLOSED_UNANSWERED": N_("Closed and not answered"),
    "OUTCOME_MISSING": N_("Answered without a sense"), "OUTCOME_OF_APPEAL": N_("The sense is that of an appeal"),
    "ENDING_UNDATED": N_("Ended without a date"), "ENDING_ANSWERED": N_("Ended and answered"), "TERM_MISSING": N_("No term in force"),
    "YEAR_MISSING": N_("A year that is not loaded"), "REPEATED": N_("Repeated with other facts"),
    "KNOWN_OTHERWISE": N_("Imported before with other facts"),
}  # fmt: skip


class WhyForm(FlaskForm):
    reason = TextAreaField(
        _l("Reason"), filters=[tidy], validators=[DataRequired(_l("Write the reason: it stays in the tray.")), UpTo(500)],
        description=_l("For example: the paper of the file shows that it was never answered."),
    )  # fmt: skip


def _refusal(_view: Any, issue: QualityIssue) -> str:
    return "" if issue.status is IssueStatus.OPEN else _("Somebody decided about this row already.")


def _decide(status: IssueStatus) -> Any:
    def act(_view: Any, issue: QualityIssue, form: Any) -> None:
        quality.decide(db.session(), issue, status, form.reason.data, at=now(), actor_id=current_user.id)

    return act


BULK = (
    Bulk("settle", _l("Settle"), "settle", _refusal, _decide(IssueStatus.SETTLED), WhyForm),
    Bulk("ignore", _l("Ignore"), "settle", _refusal, _decide(IssueStatus.IGNORED), WhyForm),
)
#: What is decided about one row, and what is said afterwards.
DECISIONS = {
    "settle": (BULK[0], N_("Settled. The row stays here with the reason.")),
    "ignore": (BULK[1], N_("Ignored. The row stays here with the reason.")),
}


def say_issue(issue: QualityIssue) -> str:
    """Return what is wrong with the row, in the reader's language."""
    return say(DomainError(issue.text, **issue.fields))


def link_to_case(pqr: Pqr) -> Markup:
    return Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number)


class QualityIssueView(RuledView):
    """The tray of quality. What is here is in no list, report or chart of cases, until it is corrected and brought in."""

    datamodel = SQLAInterface(QualityIssue)
    route_base = "/quality"
    class_permission_name = "QualityIssue"
    method_permission_name = {"decide": "settle", "correct": "settle", "undo": "settle"}
    bulk = BULK
    include_route_methods = READ_ONLY | {"decide", "correct", "undo"}
    list_title = _l("Data quality")
    intro = _l(
        "Rows of old logs that cannot be true as they came. They are in no list, report or chart of cases until somebody corrects them."
    )
    empty_text = _l("There is nothing to settle: every row that was brought in could be true.")
    list_columns = ["source_number", "text", "code", "source", "row_number", "status", "created_at"]
    show_fieldsets = [
        (_l("The question"), {"fields": ["text", "code", "source", "source_number", "row_number", "batch", "created_at"]}),
        (_l("What became of it"), {"fields": ["status", "why", "settled_by", "settled_at", "pqr"]}),
    ]
    filter_columns = ("source", "source_number")
    search_words = ("source_number", "source")
    own_facets = (
        Choices("code", _l("What is wrong"), lambda: list(CODES.items()), lambda code, _moment: QualityIssue.code == code),
    )  # fmt: skip
    ready_filters = (Ready(N_("To settle"), "status=OPEN"),)
    base_order = ("created_at", "desc")
    clipped = ("text", "source")
    label_columns = {
        "source_number": _l("Number in the log"), "text": _l("What is wrong"), "code": _l("Kind"), "source": _l("Log"),
        "row_number": _l("Line"), "status": _l("State"), "created_at": _l("Brought"), "batch": _l("Import"), "why": _l("Reason"),
        "settled_by": _l("Who decided"), "settled_at": _l("Decided"), "pqr": _l("The case it became"),
    }  # fmt: skip
    formatters_columns = {
        "code": lambda code: _(CODES.get(code, code)),
        "pqr": link_to_case,
        "settled_by": lambda user: user.get_full_name(),
    }

    def shown(self, item: QualityIssue, name: str) -> Any:
        return say_issue(item) if name == "text" else super().shown(item, name)

    def title_of(self, item: QualityIssue) -> str:
        return f"{item.source_number or '–'} · {_(CODES.get(item.code, item.code))}"

    def buttons(self, item: QualityIssue) -> list[Button]:
        if item.status is not IssueStatus.OPEN or not self.may_do("correct"):
            return []
        found = [Button(_("Correct and bring in"), url_for("QualityIssueView.correct", pk=item.id))]
        return found + [
            Button(str(bulk.label), url_for("QualityIssueView.decide", pk=item.id, name=name)) for name, (bulk, _said) in DECISIONS.items()
        ]

    def related(self, item: QualityIssue) -> list[Related]:
        kind = runs.kind_of(item.batch)
        labels = {each.name: _(each.label) for each in kind.fields}
        rows = [(labels[name], text) for name, text in item.facts["cells"].items() if name in labels]
        return [Related(_("The row as it came"), (_("Column"), _("Cell")), rows + list(item.facts.get("rest", {}).items()))]

    @expose("/decide/<pk>/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def decide(self, pk: str, name: str) -> Any:
        """Ask for the reason, and settle or ignore the question."""
        issue = self.item(pk, ["pqr", "batch"])
        if name not in DECISIONS or issue.status is not IssueStatus.OPEN:
            flash(_("Somebody decided about this row already."), "warning")
            return redirect(self.row_url(issue))
        return decide_one(self, issue, *DECISIONS[name], "quality/decide.html")

    @expose("/correct/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def correct(self, pk: str) -> Any:
        """Offer the cells of the row, judge them again as they are corrected, and make it a case once nothing is wrong."""
        issue = self.item(pk, ["batch"])
        if issue.status is not IssueStatus.OPEN:
            flash(_("Somebody decided about this row already."), "warning")
            return redirect(self.row_url(issue))
        form = correction_form(issue)
        if form.validate_on_submit():
            cells = {name: form[CELL + name].data or "" for name in form.names}
            try:
                pqr = again.bring_again(db.session(), issue, cells, at=now(), user_id=current_user.id)
                db.session.commit()
            except again.NotYet as refusal:
                db.session.rollback()
                for problem in refusal.problems:
                    self._blame(form, CELL + (problem.name or ""), say(DomainError(problem.msgid, **problem.facts)))
            except DomainError as error:
                db.session.rollback()
                self._blame(form, error.field, say(error))
            else:
                flash(_("The row is the case %(number)s now.", number=pqr.number), "success")
                return redirect(url_for("CaseView.show", number=pqr.number))
        page = self.render_template("quality/correct.html", view=self, item=issue, form=form, what=say_issue(issue))
        return page, 422 if form.errors else 200


    @expose("/undo/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def undo(self, pk: str) -> Any:
        """Ask why a whole import is taken back, and void its cases, unless something happened to one since."""
        batch = db.session.get(ImportBatch, int(pk)) if pk.isdecimal() and int(pk) <= BIGGEST_ID else None
        if batch is None or batch.kind != "cases":
            abort(404)
        form = WhyForm()
        if form.validate_on_submit():
            try:
                n = again.take_back(db.session(), batch, form.reason.data, at=now(), user_id=current_user.id)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                self._blame(form, error.field, say(error))
            else:
                flash(_("Taken back: %(n)s cases were voided.", n=n), "success")
                return redirect(url_for("ImportBatchView.show", pk=pk))
        page = self.render_template("quality/undo.html", view=self, batch=batch, form=form)
        return page, 422 if form.errors else 200


CELL = "cell_"
_HINTS = {Type.DATE: _l("dd/mm/yyyy"), Type.MOMENT: _l("dd/mm/yyyy, with the hour if the log has it")}


def correction_form(issue: QualityIssue) -> Any:
    """Return the form with a field for each cell; the cells that the file had first, as it had them."""
    kind, shown = runs.kind_of(issue.batch), again.as_shown(issue)
    fields = sorted(kind.fields, key=lambda each: not shown[each.name])
    options = kind.options(db.session())
    controls: dict[str, Any] = {"names": [each.name for each in fields]}
    for each in fields:
        control = TextAreaField if (each.most or 0) > 1000 else StringField
        most = [UpTo(each.most)] if each.most else []
        hint = _one_of(options[each.name]) if each.name in options else _HINTS.get(each.type, "")
        controls[CELL + each.name] = control(_(each.label), filters=[tidy], validators=most, description=hint, default=shown[each.name])
    return type("CorrectionForm", (FlaskForm,), controls)()


def _one_of(options: list[Option]) -> str:
    return _("One of: %(names)s.", names=", ".join(_(option.label) for option in options))


# ── Due dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class DueDifferenceView(RuledView):
    """Cases of old logs whose due date was another there: beside the one that the law gives, with the days between them."""

    datamodel = SQLAInterface(Pqr)
    route_base = "/due-differences"
    class_permission_name = "DueDifference"
    include_route_methods = {"list", "export"}
    list_title = _l("Due dates of old logs")
    intro = _l("The date that the log had is kept, and counts for nothing: lights, reports and silence follow the one that the law gives.")
    empty_text = _l("No case of an old log has another due date than the law gives.")
    list_columns = ["number", "source", "source_number", "filed_on", "request_type", "source_due_on", "due_on", "days_off", "status"]
    show_columns = list_columns
    filter_columns = ("source",)
    base_order = ("filed_on", "desc")
    label_columns = {
        "number": _l("Number"), "source": _l("Log"), "source_number": _l("Number in the log"), "filed_on": _l("Filed"),
        "request_type": _l("Type"), "source_due_on": _l("Due in the log"), "due_on": _l("Due by law"), "days_off": _l("Days of difference"),
        "status": _l("State"),
    }  # fmt: skip

    @property
    def list_name(self) -> str:
        return "DueDifference"

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_cases(statement, today()).where(Pqr.source_due_on.is_not(None), Pqr.source_due_on != Pqr.due_on)

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return statement.options(joinedload(Pqr.request_type))

    def may_do(self, method: str) -> bool:
        return method == "show" or super().may_do(method)

    def row_url(self, item: Pqr) -> str:
        return url_for("CaseView.show", number=item.number)

    def shown(self, item: Pqr, name: str) -> Any:
        return f"{days_off(item):+}" if name == "days_off" else super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Any]:
        if name == "days_off":
            return super().exported("n_extended", Pqr.__table__.c.n_extended)[0], days_off
        return super().exported(name, column)


def days_off(pqr: Pqr) -> int:
    """Return by how many calendar days the log was due later than the law; negative: earlier."""
    return (pqr.source_due_on - pqr.due_on).days if pqr.source_due_on and pqr.due_on else 0
