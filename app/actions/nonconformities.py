"""Outputs that do not conform (salidas no conformes): the register, the page of one, and its steps up to its closing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload
from wtforms import DecimalField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.checklists.forms import AskForm
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionKind, Disposition, NonconformityStatus
from app.domain.nonconformities import SncMove
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo, choices_of
from app.listing import Choices, Rows
from app.listviews import Ready
from app.lookups import lookup
from app.models import ActionEvent, Nonconformity, Pqr
from app.operations import nonconformities as operations
from app.operations.improvement import Asked
from app.operations.nonconformities import Treated
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import is_user, may, scope_cases, scope_nonconformities
from app.steps import Steps
from app.words import say_instant, tidy

TONES = {NonconformityStatus.OPEN: "warn", NonconformityStatus.TREATED: "soon", NonconformityStatus.CLOSED: "ok"}
USUAL_TERM = timedelta(days=30)


class TreatForm(FlaskForm):
    disposition = RadioField(_l("What is done with it"), choices=choices_of(Disposition), validators=[InputRequired(_l("Choose one."))])
    treatment = TextAreaField(
        _l("What was done"), filters=[tidy], validators=[DataRequired(_l("Write what was done with it.")), UpTo(4000)],
        description=_l("The correction, the notice to the customer, or what is accepted and with which limits."),
    )  # fmt: skip
    treated_on = LenientDateField(_l("Done on"), default=today, validators=[InputRequired(_l("Write the day on which it was done."))])
    authorised_by = lookup(_l("Authorised by"), "member", description=_l("Who decided it, with authority over it."))
    cost_cop = DecimalField(
        _l("Cost in pesos"), places=None, validators=[Optional(), NumberRange(min=0, message=_l("A cost is not negative."))],
        description=_l("What it cost to put right, where somebody knows."),
    )  # fmt: skip


class VerifyForm(FlaskForm):
    verification = TextAreaField(
        _l("How one saw that it conforms now"), filters=[tidy],
        validators=[DataRequired(_l("Write how you saw that it conforms now.")), UpTo(4000)],
    )  # fmt: skip
    verified_on = LenientDateField(
        _l("Verified on"), default=today, validators=[InputRequired(_l("Write the day on which it was verified."))]
    )
    no_action_reason = TextAreaField(
        _l("Why it needs no action"), filters=[tidy], validators=[UpTo(2000)],
        description=_l("What happens again, or could do harm, asks for an action: then ask for it before closing."),
    )  # fmt: skip


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(2000)])


class NonconformityView(Steps, RuledView):
    """Outputs that do not conform, in the reader's scope. Once treated they change only by their steps; once closed, no more."""

    datamodel = SQLAInterface(Nonconformity)
    route_base = "/nonconformity"
    class_permission_name = "Nonconformity"
    include_route_methods = READ_WRITE | {"treat", "verify", "send_back", "ask", "no_action"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "treat": "treat", "verify": "verify",
        "send_back": "verify", "ask": "treat", "no_action": "treat",
    }  # fmt: skip
    list_title, add_title = _l("Non-conforming outputs"), _l("New non-conforming output")
    intro = _l("What was delivered, or nearly, without meeting what was asked of it: contained, treated, verified and learned from.")
    empty_text = _l("Nobody has told of a non-conforming output yet. Write one here, or from the page of the case in which it showed.")
    list_columns = ["number", "what", "process", "found_on", "status", "disposition", "action"]
    more_columns = ("service", "pqr", "responsible", "requirement", "treated_on", "verified_on", "cost_cop", "authorised_by", "verified_by")
    add_fieldsets = [
        (_l("What does not conform"), {"fields": ["what", "requirement", "found_on", "service", "pqr_number"]}),
        (_l("Who, and what was done at once"), {"fields": ["process_id", "responsible", "containment"]}),
    ]
    edit_fieldsets = [
        (_l("What does not conform"), {"fields": ["what", "requirement", "found_on", "service"]}),
        (_l("Who, and what was done at once"), {"fields": ["process_id", "responsible", "containment"]}),
    ]
    edit_columns = ["what", "requirement", "found_on", "service", "process_id", "responsible", "containment"]
    show_fieldsets = [
        (_l("What does not conform"), {"fields": ["what", "requirement", "found_on", "service", "pqr"]}),
        (_l("Who, and what was done at once"), {"fields": ["status", "process", "responsible", "containment"]}),
        (_l("Treatment"), {"fields": ["disposition", "treatment", "treated_on", "authorised_by", "cost_cop"]}),
        (_l("Verification"), {"fields": ["verification", "verified_on", "verified_by"]}),
        (_l("So that it does not happen again"), {"fields": ["action", "no_action_reason"]}),
    ]
    search_words = ("number", "what")
    own_facets = (
        Choices("has_action", _l("With an action"), lambda: (("1", N_("Yes")), ("0", N_("No"))),
                lambda value, _moment: Nonconformity.action_id.is_not(None) if value == "1" else Nonconformity.action_id.is_(None)),
        Rows("responsible", _l("Responsible"), Nonconformity.responsible_id, User, User.id, "user", True,
             lambda moment: is_user(Nonconformity.responsible_id, moment.user_id, moment.today)),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("To be treated"), "status=OPEN&order=found_on"),
        Ready(N_("To be verified"), "status=TREATED&order=treated_on"),
        Ready(N_("Without an action"), "has_action=0"),
    )
    base_order = ("number", "desc")
    clipped = ("what", "requirement")
    label_columns = {
        "number": _l("Number"), "what": _l("What does not conform"), "requirement": _l("What it had to meet"), "found_on": _l("Found on"),
        "service": _l("Service"), "pqr": _l("Case"), "pqr_number": _l("Number of the case"), "process": _l("Process"),
        "process_id": _l("Process"), "responsible": _l("Responsible"), "containment": _l("What was done at once"), "status": _l("State"),
        "disposition": _l("What is done with it"), "treatment": _l("What was done"), "treated_on": _l("Treated on"),
        "authorised_by": _l("Authorised by"), "cost_cop": _l("Cost in pesos"), "verification": _l("How it was verified"),
        "verified_on": _l("Verified on"), "verified_by": _l("Verified by"), "action": _l("Action"),
        "no_action_reason": _l("Why it needs no action"),
    }  # fmt: skip
    description_columns = {
        "what": _l("Which output, how many, and in what it does not meet what was asked: a batch of 300 invoices with the wrong rate."),
        "requirement": _l("The law, the contract or the rule of the house that it does not meet."),
        "containment": _l("What kept it from reaching the customer, or from doing more harm."),
        "responsible": _l("Write the name or the user name. Empty: the owners of the process."),
    }
    add_form_extra_fields = {
        "process_id": SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()]),
        "pqr_number": StringField(
            _l("Number of the case"), filters=[tidy], validators=[UpTo(20)],
            description=_l("PQR-2026-000123. Empty when it did not show in a case."),
        ),
    }  # fmt: skip
    edit_form_extra_fields = {"process_id": add_form_extra_fields["process_id"]}
    formatters_columns = {name: lambda user: user.get_full_name() for name in ("responsible", "authorised_by", "verified_by")}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_nonconformities(statement, today())

    def title_of(self, item: Nonconformity) -> str:
        return item.number

    def may_edit(self, item: Nonconformity) -> bool:
        return item.status is NonconformityStatus.OPEN

    def shown(self, item: Nonconformity, name: str) -> Any:
        match name:
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(TONES[item.status], _(item.status.value))
            case "action" if item.action is not None and may("can_show", "Action"):
                return Markup('<a class="num" href="{}">{}</a>').format(url_for("ActionView.show", pk=item.action_id), item.action.number)
            case "pqr" if item.pqr is not None and may("can_list"):
                return Markup('<a class="num" href="/pqr/{}">{}</a>').format(item.pqr.number, item.pqr.number)
        return super().shown(item, name)

    def fieldsets_of(self, item: Nonconformity) -> list[tuple[Any, dict[str, Any]]]:
        """Leave out what has nothing to say yet."""
        kept = {_l("Treatment"): item.disposition is not None, _l("Verification"): item.verified_on is not None,
                _l("So that it does not happen again"): bool(item.action_id or item.no_action_reason)}  # fmt: skip
        return [(title, each) for title, each in self.show_fieldsets if kept.get(title, True)]

    def related(self, item: Nonconformity) -> list[Related]:
        happened = select(ActionEvent).where(ActionEvent.nonconformity_id == item.id).options(joinedload(ActionEvent.actor))
        rows = [
            (say_instant(event.at), event.actor.get_full_name() if event.actor else "—", _(SncMove[event.move].value), _told(event))
            for event in db.session.scalars(happened.order_by(ActionEvent.id.desc()))
        ]
        return [Related(_("What happened"), (_("When"), _("Who"), _("What"), _("Details")), rows)]

    # Told

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        form.found_on.data = form.found_on.data or today()
        form.process_id.data = request.args.get("process_id", 0, type=int)
        form.pqr_number.data = request.args.get("pqr_number", "")[:20]

    def pre_add(self, item: Nonconformity) -> None:
        typed = (getattr(item, "pqr_number", "") or "").upper()
        if typed:
            found = db.session.scalar(scope_cases(select(Pqr.id).where(Pqr.number == typed), today()))
            if found is None:
                raise DomainError(N_("There is no case %(number)s that you may see."), field="pqr_number", number=typed)
            item.pqr_id = found
        operations.tell(db.session(), item, at=now(), user_id=current_user.id)

    def pre_update(self, item: Nonconformity) -> None:
        operations.amend(db.session(), item, at=now(), user_id=current_user.id)

    # How it goes on

    def buttons(self, item: Nonconformity) -> list[Button]:
        is_open, is_treated = (item.status is status for status in (NonconformityStatus.OPEN, NonconformityStatus.TREATED))
        lacks = item.action_id is None and item.status is not NonconformityStatus.CLOSED
        steps = (
            ("treat", _("Record its treatment"), is_open), ("verify", _("Verify and close"), is_treated),
            ("send_back", _("It does not conform yet"), is_treated), ("ask", _("Ask for an action"), lacks and may("can_add", "Action")),
            ("no_action", _("Say why it needs no action"), lacks and not item.no_action_reason),
        )  # fmt: skip
        found = [Button(label, url_for(f"NonconformityView.{name}", pk=item.id)) for name, label, is_due in steps
                 if is_due and self.may_do(name)]  # fmt: skip
        return found + history_of("nonconformity", item.id)

    @expose("/treat/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("treat")
    def treat(self, pk: str) -> Any:
        """Record what was done with it, and by whose authority."""
        form = TreatForm(data=None if request.method == "POST" else {"authorised_by": current_user, "treated_on": today()})
        help = _l("Correct it, hold it back, tell the customer, or accept it under concession: with the authority that decides it.")

        def act(item: Nonconformity) -> None:
            said, who = form.data, form.authorised_by.data
            done = Treated(Disposition[said["disposition"]], said["treatment"], said["treated_on"], who.id, said["cost_cop"])
            operations.treat(db.session(), item, done, at=now(), user_id=current_user.id)

        return self._step(pk, form, _("Record its treatment"), help, act)

    @expose("/verify/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("verify")
    def verify(self, pk: str) -> Any:
        """Say how one saw that it conforms now, and close it."""
        item, form = self.item(pk), VerifyForm()
        if item.action_id is not None or item.no_action_reason:
            del form.no_action_reason

        def act(item: Nonconformity) -> None:
            why = form.no_action_reason.data or "" if "no_action_reason" in form else ""
            operations.verify(db.session(), item, form.verification.data, verified_on=form.verified_on.data, no_action_reason=why,
                              at=now(), user_id=current_user.id)  # fmt: skip

        return self._step(pk, form, _("Verify and close"), _l("What you write stays: what is closed no longer changes."), act)

    @expose("/send_back/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("verify")
    def send_back(self, pk: str) -> Any:
        """Take it up again because its treatment did not do."""
        form = ReasonForm()

        def act(item: Nonconformity) -> None:
            operations.send_back(db.session(), item, form.reason.data, at=now(), user_id=current_user.id)

        help = _l("It is to be treated again. What was done stays in its history.")
        return self._step(pk, form, _("It does not conform yet"), help, act)

    @expose("/ask/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("treat")
    def ask(self, pk: str) -> Any:
        """Ask for an action so that it does not happen again."""
        item = self.item(pk)
        if not may("can_add", "Action"):
            abort(403)
        form = AskForm(data={
            "kind": ActionKind.CORRECTIVE.name, "title": item.what.splitlines()[0][:MAX_TITLE], "process_id": item.process_id,
            "description": item.requirement, "due_on": today() + USUAL_TERM,
        })  # fmt: skip
        form.process_id.choices = process_choices()

        def act(item: Nonconformity) -> None:
            asked = Asked(form.title.data, form.description.data, ActionKind[form.kind.data], form.process_id.data, form.due_on.data,
                          form.responsible.data.id if form.responsible.data else None)  # fmt: skip
            operations.ask_for_action(db.session(), item, asked, at=now(), user_id=current_user.id)

        help = _l("The treatment mends this output; the action keeps it from happening again.")
        return self._step(pk, form, _("Ask for an action"), help, act)

    @expose("/no_action/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("treat")
    def no_action(self, pk: str) -> Any:
        """Say why it needs no action."""
        form = ReasonForm()

        def act(item: Nonconformity) -> None:
            operations.need_no_action(db.session(), item, form.reason.data, at=now(), user_id=current_user.id)

        help = _l("An auditor reads it: that it happened once, that it did no harm, that its cause is gone.")
        return self._step(pk, form, _("Say why it needs no action"), help, act)


def _told(event: ActionEvent) -> str:
    """Return what an event says besides its name."""
    said = event.facts
    name = said.get("disposition")
    parts = [_(Disposition[name].value)] if name else []
    if "authorised_by" in said:
        parts.append(_("authorised by %(name)s", name=said["authorised_by"]))
    if "action" in said:
        parts.append(said["action"])
    return " · ".join([*parts, *([said["treatment"]] if said.get("treatment") else []), *([event.reason] if event.reason else [])])
