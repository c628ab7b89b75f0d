"""Beside the contracts: their kinds, the templates of what they require, the guarantees that back them, and their files."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import DateField, Field, Form, IntegerField, MultipleFileField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, StopValidation
from wtforms.validators import Optional as Empty

from app.baseviews import ADD_ONLY, READ_WRITE, Button, Related, RuledView
from app.contracts import hanging
from app.contracts.hanging import scope_part
from app.domain import N_
from app.domain.contracts import ContractFileKind, ContractStage
from app.domain.errors import DomainError
from app.domain.guarantees import GuaranteeState, state_of
from app.downloads import send_stored
from app.extensions import db, now, today
from app.fields import enum_select
from app.forms import NotBefore, UpTo, maybe_int
from app.intake import blame
from app.listing import Choices, Moment
from app.listviews import SWITCHES, Bulk, Ready
from app.lookups import BIGGEST_ID, lookup
from app.models import (
    Amendment,
    Contract,
    ContractFile,
    ContractKind,
    Guarantee,
    Process,
    RequirementItem,
    RequirementTemplate,
)
from app.money.forms import PesosField
from app.operations import guarantees, templates
from app.operations.files import KINDS, MAX_FILES, UploadRefused, check_uploads
from app.screens.catalogues import LABELS, CatalogueView
from app.screens.deciding import decide_one
from app.screens.records import history_of
from app.security import may, scope_contracts
from app.words import say, say_pesos, tidy

# ── Kinds and templates ───────────────────────────────────────────────────────────────────────────────────────────────────


class ContractKindView(CatalogueView):
    datamodel = SQLAInterface(ContractKind)
    bulk = SWITCHES
    route_base = "/contractkind"
    class_permission_name = "ContractKind"
    list_title, add_title = _l("Kinds of contracts"), _l("New kind of contract")
    empty_text = _l("There are no kinds yet. Add what the company signs: supply, works, services…")
    list_columns = show_columns = ["name", "code", "position", "is_active"]
    add_columns = ["code", "name", "position", "is_active"]
    base_order = ("position", "asc")
    label_columns = LABELS


class RequirementTemplateView(CatalogueView):
    datamodel = SQLAInterface(RequirementTemplate)
    bulk = SWITCHES
    route_base = "/requirementtemplate"
    class_permission_name = "RequirementTemplate"
    list_title, add_title = _l("Templates of requirements"), _l("New template of requirements")
    intro = _l("What contracts of a kind usually require. A contract takes a copy: to change a template changes no contract.")
    form_intro = _l("Save the name first; its requirements are added on its page.")
    empty_text = _l("There are no templates yet. Add one for each kind of contract that is signed again and again.")
    list_columns = show_columns = ["name", "kind", "is_active"]
    add_columns = ["name", "kind", "is_active"]
    search_words = ("name",)
    base_order = ("name", "asc")
    label_columns = {**LABELS, "kind": _l("Kind of contract")}

    def buttons(self, item: RequirementTemplate) -> list[Button]:
        new = [Button(_("Add a requirement"), url_for("RequirementItemView.add", template=item.id))] if self.may_do("add") else []
        return [*new, *super().buttons(item)]

    def related(self, item: RequirementTemplate) -> list[Related]:
        rows = select(RequirementItem, Process.name).outerjoin(Process, Process.id == RequirementItem.process_id)
        found = db.session.execute(rows.where(RequirementItem.template_id == item.id).order_by(RequirementItem.position))
        link, under = Markup('<a href="{}">{}</a>'), Markup('{}<br><span class="quiet">{}</span>')
        lines = [
            (each.position,
             under.format(link.format(url_for("RequirementItemView.show", pk=each.id), each.text),
                          " · ".join(filter(None, (_(each.quality.value), each.clause)))),
             under.format(each.verification, each.evidence), process)
            for each, process in found
        ]  # fmt: skip
        heads = (_("No."), _("Requirement"), _("How it is verified, and with which evidence"), _("Process"))
        return [Related(_("Requirements"), heads, lines)]


def _process_choices() -> list[tuple[Any, str]]:
    rows = db.session.execute(select(Process.id, Process.name).where(Process.is_active).order_by(Process.name))
    return [("", "—"), *((row.id, row.name) for row in rows)]


class RequirementItemView(RuledView):
    """The requirements of templates, one by one."""

    datamodel = SQLAInterface(RequirementItem)
    route_base = "/requirementitem"
    class_permission_name = "RequirementTemplate"
    method_permission_name = {"drop": "edit"}
    include_route_methods = READ_WRITE | {"drop"}
    list_title, add_title = _l("Requirements of templates"), _l("New requirement of a template")
    empty_text = _l("No template has requirements yet.")
    list_columns = ["template", "position", "text", "quality", "clause"]
    show_columns = ["template", "position", "text", "quality", "clause", "verification", "evidence", "process"]
    add_fieldsets = edit_fieldsets = [
        (_l("What is required"), {"fields": ["template", "position", "text", "quality", "clause"]}),
        (_l("How it is checked every year"), {"fields": ["verification", "evidence", "process_id"]}),
    ]  # a form cannot have a field called `process`
    search_words = ("text", "clause")
    filter_columns = ("template", "quality")
    base_order = ("template", "asc")
    clipped = ("text",)
    label_columns = {
        "template": _l("Template"), "position": _l("No."), "text": _l("Requirement"), "quality": _l("Kind of quality"),
        "clause": _l("Clause or norm"), "verification": _l("How it is verified"), "evidence": _l("Evidence that is expected"),
        "process": _l("Process that answers for it"), "process_id": _l("Process that answers for it"),
    }  # fmt: skip
    description_columns = {
        "text": _l("One thing in one sentence that can be met or not."),
        "quality": _l("Required: it was asked for. Expected: taken for granted. Potential: a pleasant surprise."),
        "verification": _l("What to look at, and how much of it."),
        "evidence": _l("The record that shows it."),
    }
    add_form_extra_fields = {
        "position": IntegerField(_l("No."), description=_l("Empty: the last. The others make room."), validators=[Empty(), NumberRange(1)]),
        "process_id": SelectField(
            _l("Process that answers for it"), coerce=maybe_int, choices=_process_choices, validators=[Empty()],
            description=_l("A contract takes it over, and may choose another."),
        ),
    }  # fmt: skip

    @property
    def list_name(self) -> str:
        return "RequirementItem"

    def prefill(self, form: Any) -> None:
        wanted = request.args.get("template", "")
        if wanted.isdecimal() and int(wanted) <= BIGGEST_ID:
            form.template.data = db.session.get(RequirementTemplate, int(wanted))

    def pre_add(self, item: RequirementItem) -> None:
        templates.make_room(db.session, item)

    pre_update = pre_add

    def buttons(self, item: RequirementItem) -> list[Button]:
        back = Button(_("The template"), url_for("RequirementTemplateView.show", pk=item.template_id))
        if not self.may_do("drop"):
            return [back]
        ask = _("Take this requirement out of the template? Contracts that took it keep it.")
        return [back, Button(_("Take out"), url_for("RequirementItemView.drop", pk=item.id), True, ask)]

    @expose("/drop/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def drop(self, pk: str) -> Response:
        """Take a requirement out of its template; contracts have copies."""
        item = self.item(pk)
        template_id = item.template_id
        db.session.delete(item)
        db.session.commit()
        flash(_("The requirement is out of the template."), "success")
        return redirect(url_for("RequirementTemplateView.show", pk=template_id))


# ── Guarantees ────────────────────────────────────────────────────────────────────────────────────────────────────────────

TONES = {
    GuaranteeState.TO_APPROVE: "warn", GuaranteeState.IN_FORCE: "ok", GuaranteeState.ENDING: "soon", GuaranteeState.ENDED: "bad",
    GuaranteeState.REPLACED: "stop",
}  # fmt: skip


def say_state(guarantee: Guarantee) -> Markup:
    """Return where a guarantee stands today: a colour that repeats the words."""
    state = state_of(guarantees.cover_of(guarantee), today())
    return Markup('<span class="pill {}">{}</span>').format(TONES[state], _(state.value))


def link_to_contract(contract: Contract) -> Markup:
    return Markup('<a class="num" href="{}">{}</a>').format(url_for("ContractView.show", pk=contract.id), contract.number)


class ApproveForm(FlaskForm):
    approved_on = DateField(
        _l("Approved on"), validators=[InputRequired(_l("Write the day of the approval."))],
        description=_l("From then on the policy does not change; a renewal takes its place."),
    )  # fmt: skip


def _may_be_approved(_view: Any, guarantee: Guarantee) -> str:
    if guarantee.approved_on is not None:
        return _("It was approved already.")
    return _("Another policy took its place.") if guarantee.replaced_by_id is not None else ""


APPROVE = Bulk(
    "approve", _l("Approve"), "edit", _may_be_approved,
    lambda _view, row, form: guarantees.approve_guarantee(
        db.session(), row, form.approved_on.data, at=now(), actor_id=current_user.id
    ),
    ApproveForm,
)  # fmt: skip


def _in_state(value: str, moment: Moment) -> ColumnElement[bool]:
    return guarantees.state_clause(GuaranteeState[value], moment.today)


class GuaranteeView(RuledView):
    datamodel = SQLAInterface(Guarantee)
    route_base = "/guarantee"
    class_permission_name = "Guarantee"
    method_permission_name = {"approve": "edit", "replace": "add"}
    include_route_methods = READ_WRITE | {"approve", "replace"}
    bulk = (APPROVE,)
    list_title, add_title = _l("Guarantees"), _l("New guarantee")
    intro = _l("Policies that back the contracts. Before one ends, whoever answers for its contract is told.")
    empty_text = _l("There are no guarantees yet. Add those that a contract asks for, with the days that they cover.")
    list_columns = ["policy", "contract", "kind", "insurer", "insured_cop", "ends_on", "state"]
    more_columns = ("state",)
    show_fieldsets = [
        (_l("The policy"), {"fields": ["contract", "kind", "policy", "insurer", "insured_cop"]}),
        (_l("How long it covers"), {"fields": ["starts_on", "ends_on", "approved_on", "state"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        show_fieldsets[0],
        (_l("How long it covers"), {"fields": ["starts_on", "ends_on"]}),
    ]
    search_words = ("policy", "insurer")
    filter_columns = ("contract", "kind", "starts_on", "approved_on")
    own_facets = (Choices("state", _l("State"), lambda: [(each.name, each.value) for each in GuaranteeState], _in_state),)
    ready_filters = (
        Ready(N_("About to end"), "state=ENDING"), Ready(N_("Ended without another"), "state=ENDED"),
        Ready(N_("To be approved"), "state=TO_APPROVE"),
    )  # fmt: skip
    base_order = ("ends_on", "asc")
    label_columns = {
        "contract": _l("Contract"), "kind": _l("What it covers"), "policy": _l("Policy"), "insurer": _l("Insurer"),
        "insured_cop": _l("Insured amount"), "starts_on": _l("From"), "ends_on": _l("Until"), "approved_on": _l("Approved on"),
        "state": _l("State"),
    }  # fmt: skip
    description_columns = {
        "contract": _l("Write its number."),
        "policy": _l("The number of the policy, with its annex if it has one."),
        "insurer": _l("Who issued it: the insurer, or the bank."),
        "ends_on": _l("The last day that it covers."),
    }
    validators_columns = {"ends_on": [NotBefore("starts_on")]}
    add_form_extra_fields = {
        "insured_cop": PesosField(_l("Insured amount"), description=_l("In pesos. Empty: the policy states none."), validators=[Empty()])
    }
    formatters_columns = {"insured_cop": say_pesos, "contract": link_to_contract}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_part(statement, Guarantee)

    def shown(self, item: Guarantee, name: str) -> Any:
        return say_state(item) if name == "state" else super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Any]:
        if name == "state":
            kind, _value = super().exported(name, None)
            return kind, lambda line: _(state_of(guarantees.cover_of(line), today()).value)
        return super().exported(name, column)

    def may_edit(self, item: Guarantee) -> bool:
        return item.approved_on is None and item.replaced_by_id is None

    def pre_add(self, item: Guarantee) -> None:
        """Raises DomainError: see `guarantees.record_guarantee`."""
        want_in_scope(item.contract)
        guarantees.record_guarantee(db.session(), item, at=now(), actor_id=current_user.id)

    def pre_update(self, item: Guarantee) -> None:
        """Raises DomainError: see `guarantees.check_guarantee`."""
        want_in_scope(item.contract)
        guarantees.check_guarantee(db.session(), item)

    def buttons(self, item: Guarantee) -> list[Button]:
        found = []
        if self.may_do("approve") and not _may_be_approved(self, item):
            found.append(Button(_("Approve"), url_for("GuaranteeView.approve", pk=item.id)))
        if self.may_do("replace") and item.replaced_by_id is None:
            found.append(Button(_("Replace by another"), url_for("GuaranteeView.replace", pk=item.id)))
        if may("can_attach", "Contract"):
            found.append(
                Button(_("Add files"), url_for("ContractFileView.add", contract=item.contract.number, guarantee=item.id))
            )
        return found + history_of("guarantee", item.id)

    def related(self, item: Guarantee) -> list[Related]:
        """The file of the policy, and the policies before and after it."""
        both = (Guarantee.replaced_by_id == item.id) | (Guarantee.id == item.replaced_by_id)
        link = Markup('<a href="{}">{}</a>')
        chain = [
            (link.format(self.row_url(each), each.policy), each.insurer, each.starts_on, each.ends_on, say_state(each))
            for each in db.session.scalars(select(Guarantee).where(both).order_by(Guarantee.ends_on))
        ]
        columns = (_("Policy"), _("Insurer"), _("From"), _("Until"), _("State"))
        tables = [Related(_("Before and after it"), columns, chain)] if chain else []
        return [*tables, files_table(ContractFile.guarantee_id == item.id)]

    @expose("/approve/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def approve(self, pk: str) -> Any:
        """Ask for the day, and approve a policy."""
        item = self.item(pk, ["contract"])
        shown = {"about": item.policy, "back": self.row_url(item), "data": {"approved_on": today()}}
        done = N_("The guarantee is approved.")
        return decide_one(self, item, APPROVE, done, "contractside/ask.html", refusal=_may_be_approved(self, item), **shown)

    @expose("/replace/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def replace(self, pk: str) -> Any:
        """Ask for the policy that takes the place of another: its renewal, or its correction."""
        old = self.item(pk, ["contract"])
        if old.replaced_by_id is not None:
            flash(_("Another policy took the place of this one already."), "warning")
            return redirect(self.row_url(old))
        form = self.add_form()
        if request.method == "GET":
            form.contract.data, form.kind.data, form.insurer.data = old.contract, old.kind, old.insurer
            form.insured_cop.data, form.starts_on.data = old.insured_cop, old.ends_on
        elif form.validate() and (new := self._replaced(form, old)) is not None:
            flash(_("%(new)s takes the place of %(old)s.", new=new.policy, old=old.policy), "success")
            return redirect(self.row_url(new))
        return self._form_page(form, _("Replace %(policy)s by another", policy=old.policy), self.add_template)

    def _replaced(self, form: Any, old: Guarantee) -> Guarantee | None:
        """Store the new policy, or say in *form* why not."""
        new = Guarantee()
        try:
            with db.session.no_autoflush:
                form.populate_obj(new)
            guarantees.replace_guarantee(db.session(), old, new, at=now(), actor_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            self._blame(form, error.field, say(error))
            return None
        return new


def want_in_scope(contract: Contract | None) -> None:
    """Raise DomainError when somebody names a contract that they do not see."""
    if contract is not None and db.session.scalar(scope_contracts(select(Contract.id).where(Contract.id == contract.id), today())) is None:
        raise DomainError(N_("There is no contract %(number)s."), field="contract", number=contract.number)


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Chosen:
    """Validator of a field of files: one at least was chosen."""

    field_flags = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        if not any(getattr(part, "filename", "") for part in field.data or ()):
            raise StopValidation(_("Choose a file."))


class ContractFileForm(FlaskForm):
    contract = lookup(_l("Contract"), "contract", description=_l("Write its number."))
    files = MultipleFileField(_l("Files"), validators=[Chosen()])
    kind = enum_select(_l("What they are"), ContractFileKind)
    description = StringField(_l("Description"), filters=[tidy], validators=[Empty(), UpTo(200)])


def say_size(n_bytes: int) -> str:
    """Return 12 KB or 1,4 MB."""
    return f"{n_bytes / 1_048_576:.1f} MB".replace(".", ",") if n_bytes >= 1_048_576 else f"{max(1, n_bytes // 1024)} KB"


def link_to_file(row: ContractFile) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url_for("ContractFileView.download", pk=row.id), row.file.name)


def files_table(condition: ColumnElement[bool], url: str = "") -> Related:
    """Return the files that *condition* picks, newest first; the caller has checked who asks."""
    newest = select(ContractFile).options(joinedload(ContractFile.file)).where(condition).order_by(ContractFile.id.desc())
    rows = db.session.scalars(newest.limit(20))
    may_take = may("can_download", "Contract")
    lines = [
        (link_to_file(each) if may_take else each.file.name, each.kind, each.description, say_size(each.file.n_bytes), each.created_at)
        for each in rows
    ]
    columns = (_("The file"), _("What it is"), _("Description"), _("Size"), _("Attached"))
    return Related(_("Files"), columns, lines, url)


class ContractFileView(RuledView):
    """Files of contracts: what was signed, policies, actas. They are added to a contract whatever its state, and never taken out."""

    datamodel = SQLAInterface(ContractFile)
    route_base = "/contractfile"
    class_permission_name = "Contract"
    method_permission_name = {"add": "attach"}
    include_route_methods = ADD_ONLY | {"download"}
    list_title, add_title = _l("Files of contracts"), _l("Add files")
    empty_text = _l("No contract has files yet. Attach what was signed on the page of its contract.")
    list_columns = ["file", "contract", "kind", "description", "created_at"]
    show_columns = ["contract", "kind", "description", "file", "created_at", "guarantee", "amendment"]
    search_words = ("description",)
    filter_columns = ("contract", "kind", "created_at")
    base_order = ("created_at", "desc")
    clipped = ("description",)
    label_columns = {
        "file": _l("The file"), "contract": _l("Contract"), "kind": _l("What it is"), "description": _l("Description"),
        "created_at": _l("Attached"), "guarantee": _l("Policy"), "amendment": _l("Amendment"),
    }  # fmt: skip
    formatters_columns = {"contract": link_to_contract, "file": lambda file: file.name}

    @property
    def list_name(self) -> str:
        return "ContractFile"

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_part(statement, ContractFile)

    def title_of(self, item: ContractFile) -> str:
        return item.file.name

    def buttons(self, item: ContractFile) -> list[Button]:
        return [Button(_("Download"), url_for("ContractFileView.download", pk=item.id))] if self.may_do("download") else []

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("attach")
    def add(self) -> Any:
        """Attach files to the contract that the address or the form names, and perhaps to its policy or amendment."""
        contract = self._named_contract() if "contract" in request.args else None
        guarantee, amendment = (self._part(contract, model) for model in (Guarantee, Amendment))
        fallback = ContractFileKind.POLICY if guarantee else ContractFileKind.AMENDMENT if amendment else None
        form = ContractFileForm(kind=fallback)
        if contract is not None:
            del form.contract  # the address says it
        if form.validate_on_submit():
            try:
                contract = contract or form.contract.data
                want_in_scope(contract)
                checked = check_uploads(form.files.data)
                guarantees.attach_files(
                    db.session(), contract, checked, form.kind.data, form.description.data or "", guarantee=guarantee, amendment=amendment,
                    at=now(), actor_id=current_user.id,
                )  # fmt: skip
                db.session.commit()
                flash(_("Attached: %(names)s.", names=", ".join(each.name for each in checked)), "success")
                return redirect(url_for("ContractView.show", pk=contract.id))
            except (DomainError, UploadRefused) as error:
                db.session.rollback()
                blame(form, error)
        help = _("Up to %(n)s files of 10 MB each: %(kinds)s.", n=MAX_FILES, kinds=_(KINDS))
        back = url_for("ContractView.show", pk=contract.id) if contract else self.list_url()
        facts = {"title": str(self.add_title), "about": contract.number if contract else "", "back": back, "help": help}
        page = self.render_template("contractside/ask.html", form=form, view=self, **facts)
        return page, 422 if form.errors else 200

    @staticmethod
    def _named_contract() -> Contract:
        """Return the contract that the address names, in the reader's scope, or answer 404."""
        named = select(Contract).where(Contract.number == request.args.get("contract", ""))
        return db.session.scalar(scope_contracts(named, today())) or abort(404)

    @staticmethod
    def _part(contract: Contract | None, model: Any) -> Any:
        """Return the policy or the amendment that the address names, if it is of *contract*."""
        wanted = request.args.get(model.__tablename__, "")
        if contract is None or not (wanted.isdecimal() and int(wanted) <= BIGGEST_ID):
            return None
        return db.session.scalar(select(model).where(model.id == int(wanted), model.contract_id == contract.id)) or abort(404)

    @expose("/download/<pk>")
    @has_access
    @permission_name("download")
    def download(self, pk: str) -> Response:
        return send_stored(self.item(pk, ("file",)).file)


# ── On the page of a contract ─────────────────────────────────────────────────────────────────────────────────────────────


@hanging.related
def guarantees_of(contract: Contract) -> Related | None:
    """The policies of a contract, for whoever may read them."""
    if not may("can_list", "Guarantee"):
        return None
    rows = db.session.scalars(select(Guarantee).where(Guarantee.contract_id == contract.id).order_by(Guarantee.ends_on.desc()).limit(10))
    link = Markup('<a href="{}">{}</a>')
    lines = [
        (link.format(url_for("GuaranteeView.show", pk=each.id), each.policy), each.kind, each.insurer, say_pesos(each.insured_cop),
         each.ends_on, say_state(each))
        for each in rows
    ]  # fmt: skip
    columns = (_("Policy"), _("What it covers"), _("Insurer"), _("Insured amount"), _("Until"), _("State"))
    return Related(_("Guarantees"), columns, lines, url_for("GuaranteeView.list", contract=contract.id))


@hanging.related
def files_of(contract: Contract) -> Related | None:
    """The files of a contract; whoever sees it sees their names."""
    return files_table(ContractFile.contract_id == contract.id, url_for("ContractFileView.list", contract=contract.id))


@hanging.buttons
def buttons_of(contract: Contract) -> list[Button]:
    """What may be hung on a contract that was not given up."""
    if contract.stage is ContractStage.VOIDED:
        return []
    found = []
    if may("can_add", "Guarantee"):
        found.append(Button(_("Add a guarantee"), url_for("GuaranteeView.add", contract=contract.number)))
    if may("can_attach", "Contract"):
        found.append(Button(_("Add files"), url_for("ContractFileView.add", contract=contract.number)))
    return found
