"""The house: organisation, processes and their members."""

from __future__ import annotations

import base64
from typing import Any

from flask import request, url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload
from wtforms import SelectField
from wtforms.validators import InputRequired

from app import asking
from app.baseviews import Button, Related, RuledView
from app.domain import N_
from app.domain.calendar import WEEKDAYS
from app.domain.errors import DomainError
from app.extensions import db
from app.forms import (
    Checked,
    FrontDesk,
    LogoField,
    NotBefore,
    NotTakenWith,
    check_email,
    check_nit,
    check_phone,
)
from app.listviews import SWITCHES
from app.models import Organisation, Process, ProcessMember
from app.screens.catalogues import LABELS, CatalogueView
from app.screens.records import history_of
from app.security import may
from app.words import say_nit, say_phone


def logo_shown(content: bytes) -> Markup:
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    text = base64.b64encode(content).decode()
    return Markup('<img class="logo" src="data:image/{};base64,{}" alt="{}">').format(kind, text, _("Logo"))


class OrganisationView(RuledView):
    datamodel = SQLAInterface(Organisation)
    route_base = "/organisation"
    class_permission_name = "Organisation"
    list_title, add_title = _l("The company"), _l("Set up the company")
    intro = _l("The company that answers. Its head goes on every letter; its regime decides the terms.")
    list_columns = ["name", "nit", "regime", "municipality", "email"]
    show_fieldsets = [
        (_l("The company"), {"fields": ["name", "nit", "regime", "sui_company_id", "logo"]}),
        (_l("How to reach it"), {"fields": ["municipality", "address", "phone", "email", "website"]}),
        (_l("Who signs the answers"), {"fields": ["signatory_name", "signatory_title"]}),
        (_l("Working hours"), {"fields": ["working_week", "opens_at", "closes_at"]}),
    ]
    add_fieldsets = edit_fieldsets = show_fieldsets[:3]
    label_columns = {
        "name": _l("Name"), "nit": _l("NIT"), "regime": _l("Regime"), "sui_company_id": _l("Identifier in SUI"), "logo": _l("Logo"),
        "municipality": _l("Municipality"), "address": _l("Address"), "phone": _l("Phone"), "email": _l("E-mail"),
        "website": _l("Website"), "signatory_name": _l("Name of who signs"), "signatory_title": _l("Job title"),
        "working_week": _l("Working days"), "opens_at": _l("Opens at"), "closes_at": _l("Closes at"),
    }  # fmt: skip
    description_columns = {
        "nit": _l("With its check digit, as in 900123456-8."),
        "municipality": _l("Write its name or its DANE code."),
        "sui_company_id": _l("As the Superintendence assigned it."),
        "regime": _l("The law of most of its requests; a request type may have another."),
    }
    validators_columns = {"nit": [Checked(check_nit)], "email": [Checked(check_email)], "phone": [Checked(check_phone)]}
    add_form_extra_fields = {"logo": LogoField(_l("Logo"), description=_l("PNG or JPEG, up to 300 KB. Empty keeps the present one."))}
    formatters_columns = {
        "nit": say_nit,
        "phone": say_phone,
        "logo": logo_shown,
        "working_week": lambda digits: ", ".join(_(WEEKDAYS[int(digit) - 1]) for digit in digits),
        "opens_at": "{:%H:%M}".format,
        "closes_at": "{:%H:%M}".format,
    }

    def may_do(self, method: str) -> bool:
        """There is one organisation: a second cannot be added."""
        return super().may_do(method) and (method != "add" or not db.session.scalar(select(exists(select(Organisation.id)))))

    def pre_add(self, organisation: Organisation) -> None:
        if db.session.scalar(select(exists(select(Organisation.id)))):
            raise DomainError(N_("The company is already set up. Edit it instead."))

    def buttons(self, item: Organisation) -> list[Button]:
        """Working days and hours move legal dates, so they change in the calendar, where one sees what moves."""
        hours = [Button(_("Change the working hours"), url_for("CalendarView.list") + "#hours")] if may("can_change", "CalendarDay") else []
        return [*hours, *history_of("organisation", item.id)]


class ProcessView(CatalogueView):
    datamodel = SQLAInterface(Process)
    bulk = SWITCHES
    route_base = "/process"
    class_permission_name = "Process"
    list_title, add_title = _l("Processes"), _l("New process")
    empty_text = _l("There are no processes yet. Add the areas that answer, and mark one as the front desk, where every case starts.")
    intro = _l("The areas that answer for cases. Every case starts at the front desk.")
    list_columns = show_columns = ["name", "code", "is_front_desk", "is_active"]
    add_columns = ["code", "name", "is_front_desk", "is_active"]
    edit_columns = ["name", "is_front_desk", "is_active"]
    base_order = ("name", "asc")
    label_columns = {**LABELS, "is_front_desk": _l("Front desk")}
    description_columns = {"is_front_desk": _l("Marking this process takes the mark away from the present front desk.")}

    def _init_forms(self) -> None:
        super()._init_forms()
        for form in (self.add_form, self.edit_form):
            form.is_front_desk.kwargs["validators"] = [FrontDesk()]

    def pre_add(self, process: Process) -> None:
        """Move the mark of the front desk: first away from the old one, since the database allows only one."""
        if process.is_front_desk:
            process.is_front_desk = False
            for other in db.session.scalars(select(Process).where(Process.is_front_desk, Process.id != process.id)):
                other.is_front_desk = False
            db.session.flush()
            process.is_front_desk = True

    pre_update = pre_add

    def buttons(self, item: Process) -> list[Button]:
        new = [Button(_("Add a member"), url_for("ProcessMemberView.add", process=item.id))] if may("can_add", "ProcessMember") else []
        return new + asking.ask_button(process_id=item.id) + super().buttons(item)

    def related(self, item: Process) -> list[Related]:
        statement = select(ProcessMember).options(joinedload(ProcessMember.user)).where(ProcessMember.process_id == item.id)
        rows = [
            (Markup('<a href="{}">{}</a>').format(url_for("ProcessMemberView.show", pk=each.id), each.user.get_full_name()), each.role,
             each.valid_from, each.valid_until)
            for each in db.session.scalars(statement)
        ]  # fmt: skip
        members = Related(_("Members"), (_("Person"), _("Place"), _("From"), _("Until")), rows)
        return [members, *asking.open_actions_of_process(item.id)]


def process_choices() -> list[tuple[int, str]]:
    return [tuple(row) for row in db.session.execute(select(Process.id, Process.name).where(Process.is_active).order_by(Process.name))]


class ProcessMemberView(RuledView):
    datamodel = SQLAInterface(ProcessMember)
    route_base = "/processmember"
    class_permission_name = "ProcessMember"
    list_title, add_title = _l("Members of processes"), _l("New member")
    empty_text = _l("Nobody is in a process yet. Add an owner to each process: a case that is routed there reaches that person.")
    intro = _l("Who sees and works the cases of each process. To take somebody out, write until when.")
    list_columns = ["user", "process", "role", "valid_from", "valid_until"]
    show_columns = ["process", "user", "role", "valid_from", "valid_until"]
    add_fieldsets = [
        (_l("Who, and where"), {"fields": ["process_id", "user", "role"]}),  # a form cannot have a field called `process`
        (_l("Since when"), {"fields": ["valid_from", "valid_until"]}),
    ]
    filter_columns = ("process", "role")
    label_columns = {
        "process": _l("Process"), "process_id": _l("Process"), "user": _l("Person"), "role": _l("Place"), "valid_from": _l("From"),
        "valid_until": _l("Until"),
    }  # fmt: skip
    description_columns = {
        "user": _l("Write the name or the user name."),
        "role": _l(
            "A substitute sees and works the same cases, on the days below. A chief sees them too, and is told when a term is running out."
        ),
        "valid_from": _l("Empty: since always."),
        "valid_until": _l("Empty: without end. A past date takes the person out."),
    }
    validators_columns = {"valid_until": [NotBefore("valid_from")]}
    add_form_extra_fields = {"process_id": SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()])}

    def _init_forms(self) -> None:
        super()._init_forms()
        for form in (self.add_form, self.edit_form):
            form.role.kwargs["validators"] = [*form.role.kwargs["validators"], NotTakenWith(ProcessMember, "role", "process_id", "user")]

    def prefill(self, form: Any) -> None:
        form.process_id.data = request.args.get("process", 0, type=int)

    def buttons(self, item: ProcessMember) -> list[Button]:
        return history_of("process_member", item.id)
