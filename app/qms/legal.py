"""The legal matrix: its rows with how sure each is, their evaluations, and what of the house rests on them (ISO 9001:2015, 4.2, 9.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from textwrap import shorten
from typing import Any

import structlog
from flask import abort, flash, g, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, select
from werkzeug.wrappers import Response
from wtforms import BooleanField, FileField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired
from wtforms.validators import Optional as Empty

from app.asking import ask_about, asked_by
from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.documents.legalmatrix import legal_matrix_pdf
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionKind, ActionOrigin
from app.domain.legalmatrix import COMPLIANCE_TONES, SOON, STATE_TONES, SURENESS_MEANS, Compliance, EvaluationState, Sureness, sureness
from app.downloads import send_made, send_stored, show_pdf
from app.extensions import LANGUAGE, db, now, today
from app.forms import CheckboxesField, LenientDateField, UpTo, choices_of
from app.listing import Choices, Rows
from app.listviews import SWITCHES, Ready
from app.lookups import lookup
from app.models import LegalEvaluation, LegalRequirement, LegalRest, LegalTerm, ProcessMember, RequestType
from app.operations import files
from app.operations import legalmatrix as operations
from app.operations.improvement import Asked
from app.operations.legalmatrix import RESTS, Evaluated
from app.reports.base import Kind
from app.reports.checklists import workbook
from app.reports.legalmatrix import LegalMatrix
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.screens.house import process_choices
from app.screens.interested import process_field
from app.screens.legalside import say_mark, say_standing
from app.screens.records import history_of
from app.security import is_user, may, processes_of
from app.steps import Steps
from app.words import tidy

log = structlog.get_logger("atiende")
#: Until when an action is asked for, unless somebody says otherwise.
USUAL_TERM = timedelta(days=30)


def _say_term(term: LegalTerm) -> str:
    """Return a term in words; the names of the types are read once a request."""
    if "type_names" not in g:
        g.type_names = {row.code: row.name for row in db.session.execute(select(RequestType.code, RequestType.name))}
    what = g.type_names.get(term.request_type, term.request_type) if term.request_type else _("any type")
    return f"{_(term.act.value)} · {what}: {term.value} {_(term.unit.value)}"


#: What may rest on an obligation: what people call it, and the page of a row of it.
KINDS: dict[str, tuple[str, Callable[[Any], str], str]] = {
    "term": (N_("Legal term"), _say_term, "LegalTermView"),
    "template": (N_("Answer template"), lambda row: row.name, "AnswerTemplateView"),
    "parameter": (N_("Parameter"), lambda row: f"{row.key} · {shorten(row.description, 90, placeholder='…')}", "ParameterView"),
}  # fmt: skip
RIGHTS = {"term": "LegalTerm", "template": "AnswerTemplate", "parameter": "Parameter"}


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class EvaluationForm(FlaskForm):
    """What was found, when, and what follows from it."""

    result = RadioField(
        _l("Result"), choices=choices_of(Compliance), validators=[InputRequired(_l("Say whether it is met."))], coerce=str
    )
    on = LenientDateField(_l("Evaluated on"), default=today, validators=[InputRequired(_l("Write the day on which it was evaluated."))])
    evidence = TextAreaField(
        _l("Evidence of compliance"), filters=[tidy], validators=[DataRequired(_l("Write what was looked at.")), UpTo(4000)],
        description=_l("What was looked at: the record with its date, the report, the sample."),
    )  # fmt: skip
    file = FileField(_l("The file"))
    note = TextAreaField(_l("Note"), filters=[tidy], validators=[UpTo(4000)])
    next_on = LenientDateField(_l("Next evaluation"), validators=[Empty()], description=_l("Empty: as often as its row says."))
    no_action_reason = TextAreaField(
        _l("Why there is no action"), filters=[tidy], validators=[UpTo(2000)],
        description=_l("Where it is not met, or only in part: ask for an action below, or write here why there is none."),
    )  # fmt: skip
    asks = BooleanField(_l("Ask for an action"))
    title = StringField(_l("What has to be done"), filters=[tidy], validators=[UpTo(MAX_TITLE)])
    process_id = SelectField(_l("Process"), coerce=int, validators=[Empty()])
    responsible = lookup(_l("Responsible"), "member", optional=True, description=_l("Empty: the owners of the process."))
    due_on = LenientDateField(_l("Do it by"), validators=[Empty()])

    def __init__(self, may_ask: bool, **options: Any) -> None:
        super().__init__(**options)
        self.file.description = _(files.KINDS)
        if may_ask:
            self.process_id.choices = process_choices()
            return
        for name in ("asks", "title", "process_id", "responsible", "due_on"):
            delattr(self, name)

    def _asked(self, description: str) -> Asked | None:
        if "asks" not in self or not self.asks.data:
            return None
        if self.due_on.data is None:
            raise DomainError(N_("Write until when it has to be done."), field="due_on")
        who = self.responsible.data.id if self.responsible.data else None
        return Asked(self.title.data or "", description, ActionKind.CORRECTIVE, self.process_id.data, self.due_on.data, who)

    def said(self, item: LegalRequirement) -> Evaluated:
        """Return what a valid form says. Raises UploadRefused; DomainError: the action lacks its day."""
        try:
            checked = files.check_uploads([self.file.data])
        except DomainError as error:
            error.field = self.file.name
            raise
        asked = self._asked(f"{item}: {item.obligation}\n\n{self.evidence.data}")
        return Evaluated(
            self.on.data, Compliance[self.result.data], self.evidence.data or "", self.note.data or "", self.next_on.data,
            checked[0] if checked else None, asked, self.no_action_reason.data or "",
        )  # fmt: skip


class RestForm(FlaskForm):
    """What rests on an obligation: what does or cites it, to tick; and one more of each kind."""

    linked = CheckboxesField(_l("What rests on it"), validate_choice=True)
    term = SelectField(_l("Another legal term"), validators=[Empty()])
    template = SelectField(_l("Another answer template"), validators=[Empty()])
    parameter = SelectField(_l("Another parameter"), validators=[Empty()])

    def wanted(self) -> list[tuple[str, Any]]:
        """Return what a valid form asks for, as `legalmatrix.hang` takes it."""
        sent = [*(self.linked.data or ()), *(field.data for field in (self.term, self.template, self.parameter) if field.data)]
        pairs = (each.split(":", 1) for each in sent)
        return [(kind, key if kind == "parameter" else int(key)) for kind, key in pairs]


def offer(form: RestForm, item: LegalRequirement) -> None:
    """Fill *form*: what rests on *item* ticked, what cites its norm beside it, and all the rest to choose from. A statement a kind."""
    linked = {_key_of_rest(row) for row in operations.rests_of(db.session(), item.id)}
    cited = {f"{kind}:{operations.key_of(kind, row)}" for kind, row in operations.resting(db.session(), item.norm, item.articles)}
    near: list[tuple[str, str]] = []
    for kind, (_column, model, _text) in RESTS.items():
        words, name, _view = KINDS[kind]
        rows = [(f"{kind}:{operations.key_of(kind, row)}", name(row)) for row in db.session.scalars(select(model))]
        near += [(key, f"{_(words)}: {text}") for key, text in rows if key in linked | cited]
        form[kind].choices = [("", "—"), *sorted((pair for pair in rows if pair[0] not in linked | cited), key=lambda pair: pair[1])]
    form.linked.choices = near
    if request.method == "GET":
        form.linked.data = sorted(linked)


def _key_of_rest(row: LegalRest) -> str:
    return next(f"{kind}:{key}" for kind, (column, *_more) in RESTS.items() if (key := getattr(row, column)) is not None)


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_state(value: str, moment: Any) -> ColumnElement[bool]:
    row, soon = LegalRequirement, moment.today + SOON
    match EvaluationState[value]:
        case EvaluationState.OVERDUE:
            return and_(row.is_active, row.next_on < moment.today)
        case EvaluationState.NEVER:
            return and_(row.is_active, row.evaluated_on.is_(None), row.next_on.is_(None) | (row.next_on >= moment.today))
        case EvaluationState.SOON:
            return and_(row.is_active, row.evaluated_on.is_not(None), row.next_on.between(moment.today, soon))
        case EvaluationState.CURRENT:
            return and_(row.is_active, row.evaluated_on.is_not(None), row.next_on > soon)
    return row.is_active.is_(False)


def _with_mark(value: str, _moment: Any) -> ColumnElement[bool]:
    """Return the condition of a mark: it is read from what people wrote, of which there are few kinds."""
    written = db.session.scalars(select(LegalRequirement.confidence).distinct())
    return LegalRequirement.confidence.in_([text for text in written if sureness(text) is Sureness[value]])


class LegalRequirementView(Steps, RuledView):
    """The rows of the legal matrix. Whoever does not see all cases evaluates what is of his processes, or of himself."""

    datamodel = SQLAInterface(LegalRequirement)
    route_base = "/legalrequirement"
    class_permission_name = "LegalRequirement"
    include_route_methods = READ_WRITE | {"evaluate", "rest", "file", "excel", "pdf"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "bulk_action": "list", "evaluate": "evaluate",
        "rest": "rest", "file": "download", "excel": "export", "pdf": "export",
    }  # fmt: skip
    list_template = "qms/legal_list.html"
    bulk = SWITCHES
    list_title, add_title = _l("Legal matrix"), _l("New legal requirement")
    intro = _l("What norms oblige the company to, how it is met, and whether it was evaluated. Each row says how sure it is.")
    form_intro = _l("Nothing is deleted: what no longer obliges is made inactive, and its evaluations stay.")
    empty_text = _l("The matrix is empty. Write what each norm obliges to, or bring in the Excel that the company keeps.")
    list_columns = ["norm", "obligation", "sure", "standing", "state"]
    more_columns = ("next_on", "articles", "sure", "state", "evaluated_on", "topic")
    show_fieldsets = [
        (_l("What it obliges to"), {"fields": ["norm", "articles", "topic", "obligation", "applies_to"]}),
        (_l("What the company does"), {"fields": ["how_met", "process", "responsible"]}),
        (_l("How sure it is"), {"fields": ["sure", "confidence", "source"]}),
        (_l("Evaluation"), {"fields": ["state", "standing", "evaluated_on", "every_months", "next_on", "is_active"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        show_fieldsets[0], (_l("What the company does"), {"fields": ["how_met", "process_id", "responsible"]}),
        (_l("How sure it is"), {"fields": ["confidence", "source"]}),
        (_l("Evaluation"), {"fields": ["every_months", "next_on", "is_active"]}),
    ]  # fmt: skip
    search_words = ("norm", "articles", "topic", "obligation", "applies_to", "how_met")
    filter_columns = ("process", "standing", "norm")
    own_facets = (
        Choices("state", _l("State"), lambda: [(each.name, each.value) for each in EvaluationState], _in_state),
        Choices("sure", _l("How sure it is"), lambda: [(each.name, each.value) for each in Sureness], _with_mark),
        Rows("responsible", _l("Responsible"), LegalRequirement.responsible_id, User, User.id, "user", True,
             lambda moment: is_user(LegalRequirement.responsible_id, moment.user_id, moment.today)),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("Evaluation overdue"), "state=OVERDUE&order=next_on"), Ready(N_("Never evaluated"), "state=NEVER"),
        Ready(N_("Not met, or in part"), "standing=PARTLY,FAILS&is_active=1"), Ready(N_("Norm to be read"), "sure=UNSURE,PARTLY,SECONDARY"),
        Ready(N_("In use"), "is_active=1"),
    )  # fmt: skip
    base_order = ("id", "asc")
    clipped = ("norm", "obligation")
    label_columns = {
        "norm": _l("Norm"), "articles": _l("Articles"), "topic": _l("Topic"), "obligation": _l("Obligation"),
        "applies_to": _l("Applies to"), "how_met": _l("How it is met"), "source": _l("Where it was read"),
        "confidence": _l("What is known of it"),
        "sure": _l("How sure it is"), "process": _l("Process"), "process_id": _l("Process"), "responsible": _l("Responsible"),
        "every_months": _l("Evaluated every (months)"), "next_on": _l("Next evaluation"), "standing": _l("Result"),
        "evaluated_on": _l("Last evaluation"), "state": _l("State"), "is_active": _l("Active"),
    }  # fmt: skip
    description_columns = {
        "norm": _l("As it is cited: Ley 142 de 1994."),
        "articles": _l("As they are cited: 152-159. Empty: the whole norm. The terms and texts that cite them are found by it."),
        "obligation": _l("What it obliges the company to, in plain words."),
        "how_met": _l("What the company does, and where one can see it."),
        "confidence": _l("“confirmado”, “fuente secundaria”, “por confirmar”… The mark beside each row follows from it."),
        "source": _l("Where somebody can read it: page, concept or circular."),
        "responsible": _l("Write the name of the person. Empty: the owners of the process."),
        "next_on": _l("An evaluation writes the next day by itself."),
        "is_active": _l("Untick it when it no longer obliges."),
    }
    add_form_extra_fields = process_field()
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def title_of(self, item: LegalRequirement) -> str:
        return str(item)

    @property
    def marks(self) -> list[tuple[Markup, str]]:
        """Return each mark of confidence with what it means."""
        return [(say_mark(mark), _(means)) for mark, means in SURENESS_MEANS.items()]

    def shown(self, item: LegalRequirement, name: str) -> Any:
        match name:
            case "norm" if not (request.endpoint or "").endswith(".show"):
                return str(item)
            case "sure":
                return say_mark(sureness(item.confidence))
            case "standing":
                return say_standing(item)
            case "state":
                state = operations.state_of(item, today())
                return Markup('<span class="pill {}">{}</span>').format(STATE_TONES[state], _(state.value))
        return super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        match name:
            case "sure":
                return Kind.TEXT, lambda line: _(sureness(line.confidence).value)
            case "state":
                return Kind.TEXT, lambda line: _(operations.state_of(line, today()).value)
        return super().exported(name, column)

    # The page

    def may_evaluate(self, item: LegalRequirement) -> bool:
        """Return whether the reader may evaluate *item*: who sees all cases, its responsible, and the owners of its process."""
        if not item.is_active or not self.may_do("evaluate"):
            return False
        if may("can_see_all") or item.responsible_id == current_user.id:
            return True
        his = processes_of(current_user.id, today()).where(ProcessMember.process_id == item.process_id)
        return item.process_id is not None and db.session.scalar(his.limit(1)) is not None

    def buttons(self, item: LegalRequirement) -> list[Button]:
        found = [Button(_("Evaluate"), url_for("LegalRequirementView.evaluate", pk=item.id))] if self.may_evaluate(item) else []
        if self.may_do("rest"):
            found.append(Button(_("What rests on it"), url_for("LegalRequirementView.rest", pk=item.id)))
        return found + ask_about(ActionOrigin.LEGAL, item) + history_of("legal_requirement", item.id)

    def related(self, item: LegalRequirement) -> list[Related]:
        heads = (_("Day"), _("Result"), _("Evidence of compliance"), _("Evaluated by"), _("The file"), _("Action, or why none"))
        rows = [self._line_of(row) for row in operations.evaluations_of(db.session(), item.id)]
        rests = [self._rest_of(row) for row in operations.rests_of(db.session(), item.id)]
        tables = [Related(_("Evaluations"), heads, rows)] if rows else []
        tables += [Related(_("What rests on it"), (_("Kind"), _("What it is")), rests)] if rests else []
        return tables + asked_by(ActionOrigin.LEGAL, item)

    @staticmethod
    def _line_of(row: LegalEvaluation) -> tuple[Any, ...]:
        link = Markup('<a href="{}">{}</a>')
        file = row.file and may("can_download", "LegalRequirement") and link.format(
            url_for("LegalRequirementView.file", pk=row.requirement_id, evaluation_id=row.id), row.file.name
        )  # fmt: skip
        action = row.action and link.format(url_for("ActionView.show", pk=row.action_id), row.action.number)
        told = f"{row.evidence}\n{row.note}".strip()
        result = Markup('<span class="pill {}">{}</span>').format(COMPLIANCE_TONES[row.result], _(row.result.value))
        who = row.evaluated_by.get_full_name() if row.evaluated_by else None
        return row.on, result, told, who, file or None, action or row.no_action_reason

    @staticmethod
    def _rest_of(row: LegalRest) -> tuple[Any, ...]:
        kind, key = _key_of_rest(row).split(":", 1)
        words, name, view = KINDS[kind]
        text = name(row.legal_term or row.answer_template or row.parameter)
        url = url_for(f"{view}.show", pk=key)
        return _(words), Markup('<a href="{}">{}</a>').format(url, text) if may("can_show", RIGHTS[kind]) else text

    # Writing

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.every_months.data, form.is_active.data = 12, True

    def pre_add(self, item: LegalRequirement) -> None:
        operations.write_requirement(db.session(), item)

    pre_update = pre_add

    # Steps

    @expose("/evaluate/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("evaluate")
    def evaluate(self, pk: str) -> Any:
        """Ask what was found, and note it; what is not met asks for an action or says why not."""
        item = self.item(pk)
        if not self.may_evaluate(item):
            abort(404)
        usual = {"title": _("Comply with %(norm)s", norm=item)[:MAX_TITLE], "process_id": item.process_id, "due_on": today() + USUAL_TERM}
        form = EvaluationForm(may("can_add", "Action"), data=usual)
        help = _l("An evaluation stays as it was written: a later one corrects it.")

        def act(found: LegalRequirement) -> None:
            operations.evaluate(db.session(), found, form.said(found), at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Evaluate"), help, act)

    @expose("/rest/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("rest")
    def rest(self, pk: str) -> Any:
        """Tick the terms, texts and parameters that rest on an obligation."""
        form = RestForm()
        offer(form, self.item(pk))

        def act(item: LegalRequirement) -> None:
            n = operations.hang(db.session(), item, form.wanted())
            flash(ngettext("%(num)s link changed.", "%(num)s links changed.", n), "info")

        help = _l("What cites the norm is offered; tick what rests on it. The page of each tells it too.")
        return self._step(pk, form, _("What rests on it"), help, act)

    # Files

    @expose("/file/<pk>/<int:evaluation_id>")
    @has_access
    @permission_name("download")
    def file(self, pk: str, evaluation_id: int) -> Response:
        """The file of an evaluation, as it was attached."""
        found = select(LegalEvaluation).where(LegalEvaluation.id == evaluation_id, LegalEvaluation.requirement_id == self.item(pk).id)
        row = db.session.scalars(found).one_or_none()
        return send_stored(row.file) if row is not None and row.file is not None else abort(404)

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The matrix as companies keep it: a row an obligation, with its last evaluation."""
        file = workbook(db.session(), LegalMatrix(db.session(), today()), current_user.get_full_name(), now())
        self._log("xlsx")
        return send_made(file, f"matriz-legal-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)

    @expose("/pdf")
    @has_access
    @permission_name("export")
    def pdf(self) -> Response:
        """The matrix on paper, with code, version and date on top."""
        with force_locale(LANGUAGE):
            content = legal_matrix_pdf(db.session(), current_user.get_full_name(), now())
        self._log("pdf")
        return show_pdf(content, f"matriz-legal-{today():%Y-%m-%d}.pdf")

    @staticmethod
    def _log(extension: str) -> None:
        log.info("export", report=LegalMatrix.identifier, extension=extension, user_id=current_user.id, request_id=g.request_id)
