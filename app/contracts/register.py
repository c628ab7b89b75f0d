"""The register of contracts and the page of each: what it says, requires, how it changed, and the steps that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload
from wtforms import SelectField, StringField
from wtforms.validators import Optional as Empty

from app import queries
from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.contracts import hanging
from app.contracts.forms import (
    HandOverForm,
    PersonForm,
    ReasonForm,
    RequirementForm,
    TerminateForm,
    all_valid,
    arranged,
    bound,
    filled,
    offer_processes,
    process_choices,
    row_of,
    sent_rows,
)
from app.domain import N_
from app.domain.contracts import ContractMove, ContractStage, ContractState, Side, state_of
from app.domain.errors import DomainError
from app.extensions import db, now, today
from app.forms import UpTo, maybe_int
from app.listing import Choices
from app.listviews import Ready
from app.lookups import LOOKUPS
from app.models import Amendment, CommercialEvent, Contract, ContractRequirement, Process, RequirementTemplate
from app.money.forms import PesosField
from app.operations import contracts as operations
from app.reports.base import Kind
from app.security import may, scope_contracts
from app.steps import Steps
from app.words import say, say_day, say_pesos, tidy

TONES = {
    ContractState.DRAFT: "info", ContractState.UPCOMING: "info", ContractState.ACTIVE: "ok", ContractState.ENDING: "soon",
    ContractState.ENDED: "stop", ContractState.TERMINATED: "bad", ContractState.VOIDED: "stop",
}  # fmt: skip


def state_pill(contract: Contract) -> Markup:
    """Return the state of *contract* today, as a pill."""
    state = state_of(operations.span_of(contract), today())
    return Markup('<span class="pill {}">{}</span>').format(TONES[state], _(state.value))


def link(url: str, text: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, text)


class ContractView(Steps, RuledView):
    datamodel = SQLAInterface(Contract)
    route_base = "/contract"
    class_permission_name = "Contract"
    include_route_methods = READ_WRITE | {"requirements", "sign", "terminate", "void", "hand_over"}
    show_template = "contracts/show.html"
    list_title, add_title = _l("Contracts"), _l("New contract")
    form_intro = _l("A draft is free until it is signed. Write what it requires next, on its page.")
    empty_text = _l("There are no contracts yet. Make one from an accepted quotation, or write it here.")
    list_columns = ["number", "object", "party", "state", "starts_on", "ends_on", "value_cop"]
    more_columns = ("kind", "process", "supervisor", "signed_on")
    show_fieldsets = [
        (_l("What it is"), {"fields": ["state", "party", "object", "kind", "quotation", "value_cop"]}),
        (_l("Dates"), {"fields": ["signed_on", "starts_on", "ends_on", "terminated_on", "stage_reason"]}),
        (_l("Who answers for it"), {"fields": ["process", "supervisor", "source"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("What it is"), {"fields": ["party", "object", "kind", "number", "value_cop"]}),
        (_l("Dates"), {"fields": ["starts_on", "ends_on"]}),
        (_l("Who answers for it"), {"fields": ["process_id", "supervisor"]}),  # a form cannot have a field called `process`
    ]
    search_words = ("number", "object")
    filter_columns = ("kind", "party", "process", "supervisor")
    base_order = ("id", "desc")
    clipped = ("object", "party")
    label_columns = {
        "number": _l("Number"), "object": _l("Object"), "party": _l("Party"), "kind": _l("Kind"), "state": _l("State"),
        "quotation": _l("Quotation"), "value_cop": _l("Value"), "signed_on": _l("Day of the signature"), "starts_on": _l("Starts on"),
        "ends_on": _l("Ends on"), "terminated_on": _l("Ended early on"), "stage_reason": _l("Why it ended or was given up"),
        "process": _l("Process that answers for it"), "process_id": _l("Process that answers for it"), "supervisor": _l("Supervisor"),
        "source": _l("Register it comes from"),
    }  # fmt: skip
    description_columns = {
        "party": _l("Write the name or the document of the other party."),
        "object": _l("What the contract is about, as the contract itself says it."),
        "starts_on": _l("It may stay empty until the signature."),
        "ends_on": _l("The last day in force. Empty: without end."),
        "supervisor": _l("Who follows the contract day by day."),
    }
    add_form_extra_fields = edit_form_extra_fields = {
        "process_id": SelectField(_l("Process that answers for it"), coerce=maybe_int, choices=process_choices, validators=[Empty()]),
        "number": StringField(
            _l("Number"), description=_l("Empty: the next of the series CTO. An edit may leave it empty to keep it."), filters=[tidy],
            validators=[Empty(), UpTo(40)],
        ),
        "value_cop": PesosField(_l("Value (pesos)"), description=_l("Whole pesos, with IVA. Empty: undetermined."), validators=[Empty()]),
    }  # fmt: skip
    own_facets = (
        Choices(
            "state", _l("State"), lambda: [(state.name, state.value) for state in ContractState],
            lambda value, moment: operations.state_clause(ContractState[value], moment.today),
        ),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("Contracts in force"), "state=ACTIVE,ENDING"),
        Ready(N_("About to end"), "state=ENDING"),
        Ready(N_("To be signed"), "state=DRAFT"),
        Ready(N_("Ended this year"), "state=ENDED,TERMINATED&ends_on=year"),
    )

    # Who sees what, and how

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_contracts(statement, today())

    def may_edit(self, item: Contract) -> bool:
        return item.stage is ContractStage.DRAFT

    def prefill(self, form: Any) -> None:
        """Fill the party that the address names by its document, or by its key as #12."""
        named = request.args.get("party", "")
        if named:
            form.party.data = db.session.scalars(LOOKUPS["party"].find(named).limit(1)).first()

    def shown(self, item: Contract, name: str) -> Any:
        value = getattr(item, name) if name != "state" else None
        match name:
            case "state":
                return state_pill(item)
            case "value_cop":
                return say_pesos(value) if value is not None else "—"
            case "ends_on" if value is None and item.stage is not ContractStage.DRAFT:
                return _("without end")
            case "supervisor" if value is not None:
                return value.get_full_name()
            case "party" if self.is_page():
                return link(url_for("PartyView.show", pk=item.party_id), value)
            case "quotation" if value is not None:
                return link(url_for("QuotationView.show", pk=item.quotation_id), value)
        return super().shown(item, name)

    @staticmethod
    def is_page() -> bool:
        """Whether the page of one contract asks: there a party is a link, in a list it would hide that of the row."""
        return (request.endpoint or "").endswith(".show")

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        match name:
            case "state":
                return Kind.TEXT, lambda line: _(state_of(operations.span_of(line), today()).value)
            case "value_cop":
                return Kind.MONEY, lambda line: line.value_cop
        return super().exported(name, column)

    # The page

    def required(self, item: Contract) -> list[ContractRequirement]:
        """Return what the contract requires and required, in order."""
        return operations.requirements_shown(db.session, item.id)

    def history(self, item: Contract) -> list[tuple[CommercialEvent, ContractMove, Markup]]:
        """Return what happened to it, the newest first: the event, its verb, its facts in words."""
        events = select(CommercialEvent).where(CommercialEvent.contract_id == item.id).options(joinedload(CommercialEvent.actor))
        found = db.session.scalars(events.order_by(CommercialEvent.id.desc()))
        return [(event, ContractMove[event.move], told_of(event)) for event in found]

    def related(self, item: Contract) -> list[Related]:
        rows = db.session.scalars(select(Amendment).where(Amendment.contract_id == item.id).order_by(Amendment.number))
        amended = [
            (link(url_for("AmendmentView.show", pk=each.id), _("Amendment %(n)s", n=each.number)), each.status, each.signed_on,
             each.effective_on, each.reason)
            for each in rows
        ]  # fmt: skip
        heads = (_("Amendment"), _("State"), _("Day of the signature"), _("Counts from"), _("What changes and why"))
        tables = [Related(_("Amendments"), heads, amended)] if amended else []
        return tables + [table for hung in hanging.RELATED if (table := hung(item)) is not None]

    def buttons(self, item: Contract) -> list[Button]:
        steps = {
            ContractStage.DRAFT: (("edit", "requirements", _("What it requires")), ("sign", "sign", _("Signatures")),
                                  ("void", "void", _("Give up"))),
            ContractStage.SIGNED: (("amend", "", _("Amend")), ("terminate", "terminate", _("Terminate early"))),
        }.get(item.stage, ())  # fmt: skip
        found = []
        for right, endpoint, label in steps:
            if may(f"can_{right}", "Contract"):
                view = f"{self.endpoint}.{endpoint}" if endpoint else "AmendmentView.draft"
                found.append(Button(label, url_for(view, pk=item.id)))
        if item.stage is not ContractStage.VOIDED and may("can_edit", "Contract"):
            found.append(Button(_("Who answers"), url_for(f"{self.endpoint}.hand_over", pk=item.id)))
        return found + [button for hung in hanging.BUTTONS for button in hung(item)]

    # Writing

    def pre_add(self, item: Contract) -> None:
        operations.write_contract(db.session, item, at=now(), actor_id=current_user.id)

    def pre_update(self, item: Contract) -> None:
        operations.correct_contract(db.session, item)

    # Steps

    @expose("/terminate/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("terminate")
    def terminate(self, pk: str) -> Any:
        """End a signed contract before its day, with a reason."""
        form = TerminateForm(terminated_on=today())
        help = _l("What it required stays as it was signed. This cannot be undone.")
        told = {"at": now(), "actor_id": current_user.id}
        return self._step(pk, form, _("Terminate early"), help, lambda item: operations.terminate_contract(
            db.session, item, on=form.terminated_on.data, reason=form.reason.data, **told))  # fmt: skip

    @expose("/void/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("void")
    def void(self, pk: str) -> Any:
        """Give a draft up, with a reason; the number stays."""
        form = ReasonForm()
        help = _l("The number stays in the list, with this reason. Its quotation may become another contract.")
        told = {"at": now(), "actor_id": current_user.id}
        return self._step(pk, form, _("Give up"), help,
                          lambda item: operations.void_contract(db.session, item, form.reason.data, **told))  # fmt: skip

    @expose("/answers/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def hand_over(self, pk: str) -> Any:
        """Change the process and the person that answer for it, signed or not."""
        item = self.item(pk, ("supervisor",))
        form = HandOverForm(data={"process_id": item.process_id, "supervisor": item.supervisor})
        told = {"at": now(), "actor_id": current_user.id}

        def act(item: Contract) -> None:
            process = db.session.get(Process, form.process_id.data) if form.process_id.data else None
            operations.hand_over(db.session, item, process, form.supervisor.data, **told)

        help = _l("It changes who is reminded and who sees it, not what was signed.")
        return self._step(pk, form, _("Who answers"), help, act)

    # What it requires

    @expose("/requirements/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def requirements(self, pk: str) -> Any:
        """Write, order and take out what a draft requires; a signed one is refused in words."""
        item = self.item(pk)
        try:
            operations.want_draft(item)
        except DomainError as error:
            flash(say(error), "warning")
            return redirect(self.row_url(item))
        if request.form.get("do") == "save":
            queries.lock(db.session, item)  # before what is stored is read: whoever saves next sees what this one wrote
        stored = operations.requirements_shown(db.session, item.id)
        seen, errors = stamp_of(stored), []
        if request.method == "POST":
            do = request.form.get("do", "")
            rows = bound(RequirementForm, self._sent(do))
            offer_processes(rows)
            if do == "save":
                errors = self._store_requirements(item, rows, seen)
                if not errors:
                    return redirect(self.row_url(item))
            seen = request.form.get("seen", "")
        else:
            rows = filled(RequirementForm, [*map(row_of, stored), {}])
            offer_processes(rows)
        facts = {"item": item, "rows": rows, "problems": errors, "templates": self._templates(item), "seen": seen, "view": self}
        return self.render_template("contracts/requirements.html", **facts), 422 if errors else 200

    def _sent(self, do: str) -> list[dict[str, str]]:
        """Return the rows that were sent, as the pressed button leaves them; `template` adds those of a template that are missing."""
        rows = sent_rows(request.form)
        if do != "template":
            return arranged(rows, do)
        template = db.session.get(RequirementTemplate, request.form.get("template", 0, type=int))
        if template is None:
            return rows
        kept = [row for row in rows if row.get("text", "").strip() or row.get("row_id")]
        written = [operations.Wanted(row.get("text", "")) for row in kept]
        fresh = operations.missing_from(written, operations.template_rows(db.session, template))
        return kept + [
            {"text": each.text, "quality": each.quality.name, "clause": each.clause, "verification": each.verification,
             "evidence": each.evidence, "process_id": str(each.process_id or "")}
            for each in fresh
        ]  # fmt: skip

    def _store_requirements(self, item: Contract, rows: list[Any], seen: str) -> list[str]:
        """Store valid rows and commit; else return what is wrong with all of them, and leave in each what is wrong with it."""
        if not all_valid(rows):
            return [_("Correct the requirements that are marked. Nothing is saved yet, and what you wrote is kept.")]
        if request.form.get("seen", "") != seen:
            return [_("Somebody else changed the requirements while you were writing. Open the contract in another tab and look at them.")]
        try:
            operations.write_requirements(db.session, item, [row.wanted() for row in rows if not row.is_empty])
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            return [say(error)]
        flash(_("The requirements of %(number)s are saved.", number=item.number), "success")
        return []

    @staticmethod
    def _templates(item: Contract) -> list[RequirementTemplate]:
        """Return the templates of the kind of contract first, then those of any kind."""
        rows = select(RequirementTemplate).where(RequirementTemplate.is_active).order_by(RequirementTemplate.name)
        return sorted(db.session.scalars(rows), key=lambda row: (row.kind_id != item.kind_id, row.kind_id is not None))

    # Signatures

    @expose("/sign/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("sign")
    def sign(self, pk: str) -> Any:
        """Write who signs for each side and when; with `do=sign`, record that everybody did: what it requires is fixed from then on."""
        item = self.item(pk, ("party",))
        try:
            operations.want_draft(item)
        except DomainError as error:
            flash(say(error), "warning")
            return redirect(self.row_url(item))
        errors: list[str] = []
        if request.method == "POST":
            do = request.form.get("do", "")
            rows = bound(PersonForm, arranged(sent_rows(request.form), do))
            if do in ("save", "sign"):
                errors = self._store_people(item, rows, is_last=do == "sign")
                if not errors:
                    return redirect(self.row_url(item) if do == "sign" else url_for(f"{self.endpoint}.sign", pk=item.id))
        else:
            rows = filled(PersonForm, self._people(item))
        n_required = len(operations.requirements_shown(db.session, item.id))
        facts = {"item": item, "rows": rows, "problems": errors, "n_required": n_required, "view": self}
        return self.render_template("contracts/sign.html", **facts), 422 if errors else 200

    @staticmethod
    def _people(item: Contract) -> list[dict[str, Any]]:
        """Return who signs as stored, and an empty row for a side without anybody; ours starts with who signs for the company."""
        known = [
            {"row_id": row.id, "side": row.side, "name": row.name, "position": row.position, "document_number": row.document_number,
             "signed_on": row.signed_on}
            for row in operations.signatories_of(db.session, item.id)
        ]  # fmt: skip
        for side in Side:
            if side not in {row["side"] for row in known}:
                house = item.organisation
                ours = {"name": house.signatory_name, "position": house.signatory_title} if side is Side.OURS else {}
                known.append({"side": side, **ours})
        return known

    def _store_people(self, item: Contract, rows: list[Any], *, is_last: bool) -> list[str]:
        if not all_valid(rows):
            return [_("Correct the people that are marked. Nothing is saved yet, and what you wrote is kept.")]
        told = {"at": now()}
        try:
            operations.write_signatories(db.session, item, [row.person() for row in rows if not row.is_empty], **told)
            if is_last:
                operations.sign_contract(db.session, item, **told, actor_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            return [say(error)]
        done = _("%(number)s is signed, and what it requires is fixed.") if is_last else _("The signatures of %(number)s are saved.")
        flash(done % {"number": item.number}, "success")
        return []


def stamp_of(rows: Iterable[ContractRequirement]) -> str:
    """Return what tells the stored requirements from those that somebody else wrote meanwhile."""
    return "·".join(f"{row.id}@{row.changed_at:%H%M%S%f}" for row in rows)


def told_of(event: CommercialEvent) -> Markup:
    """Return the facts of an event in words."""
    facts, said = event.facts or {}, []
    if "quotation" in facts:
        said.append(_("from the quotation %(number)s", number=facts["quotation"]))
    if "amendment" in facts:
        said.append(_("amendment %(n)s", n=facts["amendment"]))
    for name, words in (("signed_on", N_("signed on %(day)s")), ("terminated_on", N_("last day in force: %(day)s"))):
        if facts.get(name):
            said.append(_(words, day=say_day(date.fromisoformat(facts[name]))))
    said += [facts[name] for name in ("process", "supervisor", "policy", "insurer", "source") if facts.get(name)]
    said += facts.get("files", [])
    return escape(" · ".join(str(each) for each in said))

