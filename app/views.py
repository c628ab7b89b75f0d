"""The screens, declared; grouped by room in the order of a clerk's day; the menu table at the end."""

from __future__ import annotations

import base64
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import structlog
from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import AppBuilder, BaseView, expose, has_access, permission_name
from flask_appbuilder.fields import QuerySelectMultipleField
from flask_appbuilder.models.group import aggregate_count
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.sqla.models import PermissionView, Role
from flask_appbuilder.security.views import (
    AuthDBView,
    ResetMyPasswordView,
    ResetPasswordView,
    RoleModelView,
    UserDBModelView,
    UserGroupModelView,
    UserInfoEditView,
)
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user
from markupsafe import Markup
from sqlalchemy import exists, func, inspect, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.validators import InputRequired, NumberRange, Regexp
from wtforms.validators import Optional as Empty
from wtforms.widgets import CheckboxInput, ListWidget

from app import mailer, queries
from app.almanac import CalendarView
from app.baseviews import ADD_ONLY, READ_ONLY, READ_WRITE, Button, Related, RuledView
from app.charts import RuledChartView
from app.counter import CounterView
from app.desk import CaseView
from app.domain import N_
from app.domain.calendar import WEEKDAYS
from app.domain.errors import DomainError
from app.domain.states import DocumentType, Identity, MessageStatus
from app.domain.times import Timeliness
from app.downloads import send_made
from app.extensions import db, now, today
from app.finder import FinderView
from app.forms import (
    Checked,
    DocumentNumber,
    FrontDesk,
    LoginForm,
    LogoField,
    NamesItsType,
    NewPasswordForm,
    NoOverlap,
    NotBefore,
    NotTakenWith,
    ProfileForm,
    TemplateFields,
    check_email,
    check_nit,
    check_phone,
)
from app.home import HomeView  # noqa: F401  create_app() takes it from here, as every other screen
from app.listviews import SWITCHES, Bulk
from app.lookups import LookupView
from app.models import (
    Account,
    AnswerTemplate,
    ChangeLog,
    Channel,
    Consent,
    ConsentText,
    LegalTerm,
    Municipality,
    Organisation,
    OutboxMessage,
    Parameter,
    Party,
    Pqr,
    Process,
    ProcessMember,
    RequestType,
    Service,
    SuiCause,
    SuiCode,
)
from app.operations import answers, outbox
from app.preferences import ListsView
from app.reports.base import ControlledFormat, Cover, Report
from app.reports.delimited import MEDIA_TYPE as CSV_TYPE
from app.reports.delimited import write_csv
from app.reports.response_times import ResponseTimes, TimesForm, args_of, key_in, not_counted, presets, wall_clock
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.reports.xlsx import write_xlsx
from app.security import ADMIN, PROCESS_ROLES, RequestRights, may, scope_cases
from app.words import say, say_nit, say_phone, say_value

log = structlog.get_logger("atiende")

# ── Parties and accounts ──────────────────────────────────────────────────────────────────────────────────────────────────


def cases_related(condition: Any, url: str) -> Related:
    """Return the newest cases that *condition* picks, in the reader's scope; reserved identities only for whoever may see them."""
    ids = scope_cases(select(Pqr.id).where(condition), today())
    if not may("can_see_reserved"):
        ids = ids.where(Pqr.identity == Identity.NAMED)
    columns = (_("Number"), _("Subject"), _("State"), _("Filed"), _("Due"))
    rows = [
        (Markup('<a class="num" href="{}">{}</a>').format(f"/pqr/{line.number}", line.number), line.subject, line.status, line.filed_on,
         line.due_on)
        for line in queries.case_lines(db.session, ids, limit=10)
    ]  # fmt: skip
    return Related(_("Cases"), columns, rows, url)


def link_to(view: str, row: Any) -> Markup | None:
    """Return a link to the page of *row*, named as it names itself."""
    return row and Markup('<a href="{}">{}</a>').format(url_for(f"{view}.show", pk=inspect(row).identity[0]), row)


class PartyView(RuledView):
    datamodel = SQLAInterface(Party)
    route_base = "/party"
    class_permission_name = "Party"
    list_title, add_title = _l("Parties"), _l("New party")
    empty_text = _l("Nobody is known yet. People and companies appear here when they file a case, or add one.")
    list_columns = ["name", "kind", "document_number", "phone", "email", "municipality"]
    show_fieldsets = [
        (_l("Who it is"), {"fields": ["kind", "document_number", "name"]}),
        (_l("How to reach it"), {"fields": ["phone", "email", "address", "municipality"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("Who it is"), {"fields": ["kind", "document_type", "document_number", "name"]}),
        show_fieldsets[1],
    ]
    search_words = ("name", "document_number", "phone", "email")
    filter_columns = ("kind", "document_type")
    base_order = ("name", "asc")
    label_columns = {
        "kind": _l("Kind"), "document_type": _l("Document"), "document_number": _l("Document number"), "name": _l("Name"),
        "email": _l("E-mail"), "phone": _l("Phone"), "address": _l("Address"), "municipality": _l("Municipality"),
    }  # fmt: skip
    description_columns = {
        "document_number": _l("Without dots. A NIT with its check digit, as in 900123456-8."),
        "phone": _l("A mobile (300 123 4567) or a landline with its area code (601 555 1234)."),
        "municipality": _l("Write its name or its DANE code."),
    }
    validators_columns = {"document_number": [DocumentNumber()], "phone": [Checked(check_phone)], "email": [Checked(check_email)]}
    formatters_columns = {"phone": say_phone}

    def shown(self, item: Party, name: str) -> Any:
        if name == "document_number" and item.document_type:
            is_nit = item.document_type is DocumentType.NIT
            return f"{item.document_type.name}\u00a0{say_nit(item.document_number) if is_nit else item.document_number}"
        return super().shown(item, name)

    def buttons(self, item: Party) -> list[Button]:
        new = [Button(_("New account"), url_for("AccountView.add", party=f"#{item.id}"))] if may("can_add", "Account") else []
        return new + history_of("party", item.id)

    def related(self, item: Party) -> list[Related]:
        tables = []
        if may("can_list", "Account"):
            statement = select(Account).options(joinedload(Account.service)).where(Account.party_id == item.id)
            accounts = db.session.scalars(statement.order_by(Account.number).limit(10))
            rows = [(link_to("AccountView", each), each.service.name, each.use, each.is_active) for each in accounts]
            columns = (_("Account"), _("Service"), _("Use"), _("Active"))
            tables.append(Related(_("Accounts"), columns, rows, url_for("AccountView.list", party=item.id)))
        if may("can_list"):
            tables.append(cases_related(Pqr.party_id == item.id, f"/pqr/?party={item.id}"))
        consents = db.session.scalars(select(Consent).options(joinedload(Consent.text)).where(Consent.party_id == item.id).limit(20))
        rows = [(each.text.kind, each.text.version, each.granted_at, each.withdrawn_at) for each in consents]
        return [*tables, Related(_("Consents"), (_("What for"), _("Version"), _("Granted on"), _("Withdrawn on")), rows)]


class AccountView(RuledView):
    datamodel = SQLAInterface(Account)
    route_base = "/account"
    class_permission_name = "Account"
    list_title, add_title = _l("Accounts"), _l("New account")
    empty_text = _l("There are no accounts yet. Add the connections of the company, so that a case knows where it happens.")
    list_columns = ["number", "service", "party", "address", "municipality", "stratum", "use", "is_active"]
    add_fieldsets = show_fieldsets = [
        (_l("The account"), {"fields": ["number", "service", "party"]}),
        (_l("Where it is"), {"fields": ["address", "municipality"]}),
        (_l("What is supplied"), {"fields": ["use", "stratum", "meter", "is_active"]}),
    ]
    search_words = ("number", "address", "meter")
    filter_columns = ("service", "use", "is_active", "party")
    base_order = ("number", "asc")
    clipped = ("address",)
    label_columns = {
        "number": _l("Account"), "service": _l("Service"), "party": _l("Customer"), "address": _l("Address"),
        "municipality": _l("Municipality"), "stratum": _l("Stratum"), "use": _l("Use"), "meter": _l("Meter"), "is_active": _l("Active"),
    }  # fmt: skip
    description_columns = {
        "number": _l("As the invoice shows it."),
        "party": _l("Write the name or the document of the customer."),
        "municipality": _l("Write its name or its DANE code."),
        "stratum": _l("1 to 6, only for homes."),
        "meter": _l("The serial number on the meter."),
        "is_active": _l("Untick it when the contract ends; its cases stay."),
    }
    validators_columns = {
        "number": [NotTakenWith(Account, "number", "service")],
        "stratum": [Empty(), NumberRange(1, 6, _l("The stratum goes from 1 to 6."))],
    }

    def buttons(self, item: Account) -> list[Button]:
        return history_of("account", item.id)

    def related(self, item: Account) -> list[Related]:
        return [cases_related(Pqr.account_id == item.id, f"/pqr/?account={item.id}")] if may("can_list") else []


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


# ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class ResponseTimesView(BaseView):
    """R10-01-01: how long each case took, on the screen, in Excel and in CSV. The whole filter lives in the URL."""

    route_base = "/reports/response-times"
    default_view = "list"
    class_permission_name = "ResponseTimes"
    page_size = 25

    def _asked(self) -> tuple[TimesForm, ControlledFormat]:
        processes, types, words = queries.names_for_filters(db.session, ResponseTimes.identifier)
        form = TimesForm(request.args, today(), processes, types)
        return form, ControlledFormat.of(words, code=ResponseTimes.code, name=_(ResponseTimes.name))

    def _report(self, form: TimesForm, organisation: Organisation) -> ResponseTimes:
        on = today()
        return ResponseTimes(
            db.session,
            form.wanted(),
            queries.calendar_of(db.session, organisation),
            on,
            lambda statement: scope_cases(statement, on),
            words=form.in_words(),
            reveals_reserved=may("can_see_reserved"),
            is_scoped=not may("can_see_all"),
        )

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str | tuple[str, int]:
        """The figures and 25 rows, newest first."""
        form, format = self._asked()
        facts: dict[str, Any] = {"form": form, "format": format, "report": ResponseTimes, "presets": presets(today())}
        if not form.validate():
            return self.render_template("reports/response_times.html", **facts), 422
        report = self._report(form, queries.organisation(db.session))
        after = key_in(request.args.get("after", ""))
        rows, next_key = report.page(after, self.page_size)
        return self.render_template(
            "reports/response_times.html",
            **facts,
            rows=rows,
            summary=report.summary(),
            not_counted=not_counted,
            timeliness=Timeliness,
            args=args_of(form.wanted()),
            next_key=f"{next_key[0]:%Y-%m-%d}.{next_key[1]}" if next_key else "",
            is_first=after is None,
        )

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The same rows in order of filing, with a cover."""
        return self._export("xlsx", XLSX_TYPE, write_xlsx)

    @expose("/csv")
    @has_access
    @permission_name("export")
    def csv(self) -> Response:
        """The same rows in order of filing, for other programs."""
        return self._export("csv", CSV_TYPE, lambda report, _cover, target: write_csv(report, target))

    def _export(self, extension: str, media_type: str, write: Callable[[Report, Cover, BinaryIO], int]) -> Response:
        form, format = self._asked()
        if not form.validate():
            return redirect(f"{url_for('ResponseTimesView.list')}?{request.query_string.decode('ascii', 'ignore')}")
        organisation, at = queries.organisation(db.session), wall_clock(now())
        report = self._report(form, organisation)
        file = TemporaryFile()  # noqa: SIM115  the response closes it; nothing leaves before all of it is written
        n_rows = write(report, Cover(organisation.name, format, current_user.get_full_name(), at), file)
        log.info("export", report=report.identifier, extension=extension, n_rows=n_rows, user_id=current_user.id, request_id=g.request_id)
        return send_made(file, report.file_name(format, at.date(), extension), media_type)


class CaseChartView(RuledChartView):
    route_base = "/charts/cases"
    class_permission_name = "CaseChart"
    list_view, chart_title, counted = CaseView, _l("Charts of cases"), _l("Cases")
    chart_type = "BarChart"
    definitions = [
        {"group": name, "label": label, "series": [(aggregate_count, "id")]}
        for name, label in (("process", _l("By current process")), ("request_type", _l("By type")), ("channel", _l("By channel")),
                            ("status", _l("By state")), ("service", _l("By service")))
    ] + [
        {"group": "cause", "label": _l("By cause"), "series": [(aggregate_count, "id")], "top": 15},
        {"group": ("filed_on", "answered_on"), "name": "by-month", "label": _l("Filed and answered"), "period": "month",
         "series": [(aggregate_count, "id")], "chart_type": "LineChart"},
        {"group": "filed_on", "name": "in-time", "label": _l("In time and late"), "period": "month", "split": "timeliness",
         "series": [(aggregate_count, "id")], "chart_type": "ColumnChart",
         "tones": {"IN_TIME": "ok", "LATE": "bad", "RUNNING": "info", "NOT_COUNTED": "stop"}},
    ]  # fmt: skip

    def expressions(self) -> dict[str, Any]:
        return {"timeliness": queries.timeliness_on(today())}


class AccountChartView(RuledChartView):
    route_base = "/charts/accounts"
    class_permission_name = "AccountChart"
    list_view, chart_title = AccountView, _l("Charts of accounts")
    definitions = [
        {"group": "stratum", "series": [(aggregate_count, "id")]},
        {"group": "use", "series": [(aggregate_count, "id")], "chart_type": "PieChart"},
        {"group": "municipality", "series": [(aggregate_count, "number")], "chart_type": "BarChart"},
    ]


# ── The calendar and the terms ────────────────────────────────────────────────────────────────────────────────────────────


def request_type_choices() -> list[tuple[str, str]]:
    rows = db.session.execute(select(RequestType.code, RequestType.name).order_by(RequestType.position, RequestType.name))
    return [("", "—"), *((code, f"{name} ({code})") for code, name in rows)]


class LegalTermView(RuledView):
    datamodel = SQLAInterface(LegalTerm)
    route_base = "/term"
    class_permission_name = "LegalTerm"
    list_title, add_title = _l("Legal terms"), _l("New term")
    empty_text = _l("There are no legal terms, so no case can be filed: no date is guessed. Add the term of each regime, with its norm.")
    intro = _l("How long each act may take, by law. A term that already rules cases keeps its length for ever: end it and add the new one.")
    list_columns = ["act", "request_type", "value", "regime", "norm", "valid_from", "valid_until"]
    show_columns = ["regime", "act", "request_type", "value", "count_from", "norm", "valid_from", "valid_until", "source", "confidence"]
    add_fieldsets = [
        (_l("What it is for"), {"fields": ["regime", "act", "request_type"]}),
        (_l("How long it is"), {"fields": ["value", "unit", "count_from"]}),
        (_l("Where it stands"), {"fields": ["norm", "source", "confidence"]}),
        (_l("In force"), {"fields": ["valid_from", "valid_until"], "help": _l("A case keeps the term of the day on which it was filed.")}),
    ]
    search_words = ("norm", "request_type", "source")
    filter_columns = ("regime", "act")
    clipped = ("regime", "norm")
    label_columns = {
        "regime": _l("Regime"), "act": _l("Act"), "request_type": _l("Request type"), "value": _l("Length"), "unit": _l("Unit"),
        "count_from": _l("Counted from"), "norm": _l("Norm"), "valid_from": _l("In force from"), "valid_until": _l("In force until"),
        "source": _l("Source"), "confidence": _l("How sure it is"),
    }  # fmt: skip
    description_columns = {
        "request_type": _l("Empty: every type of the regime."),
        "count_from": _l("Which day is day 1, as the norm says."),
        "source": _l("Where somebody can read it: page, concept or circular."),
        "confidence": _l("Whether somebody checked it, and what is still in doubt."),
        "norm": _l("Law and article, as the citizen will read it."),
        "valid_until": _l("Empty: still in force."),
    }
    validators_columns = {
        "value": [NumberRange(1, 999, _l("Write a length of one or more."))],
        "valid_from": [NoOverlap()],
        "valid_until": [NotBefore("valid_from")],
    }
    add_form_extra_fields = {
        "request_type": SelectField(
            _l("Request type"), choices=request_type_choices, validators=[NamesItsType(), Empty()], filters=[lambda code: code or None],
            description=_l("Empty: every type of the regime."),
        )
    }  # fmt: skip
    #: What a case copies from its term, and what tells which cases it rules.
    FROZEN = ("regime", "act", "request_type", "value", "unit", "count_from", "valid_from")

    def shown(self, item: LegalTerm, name: str) -> Any:
        return f"{item.value} {_(item.unit.value)}" if name == "value" else super().shown(item, name)

    def title_of(self, item: LegalTerm) -> str:
        return f"{_(item.act.value)}: {item.value} {_(item.unit.value)}"

    def pre_add(self, term: LegalTerm) -> None:
        queries.forget_calendar(db.session)

    def pre_update(self, term: LegalTerm) -> None:
        changed = [name for name in self.FROZEN if inspect(term).attrs[name].history.has_changes()]
        n = queries.count_up_to(db.session, select(Pqr.id).where(Pqr.term_id == term.id)) if changed else 0
        if n:
            raise DomainError(
                N_("%(n)s cases rest on this term, so it cannot change. Write when it ends in “In force until”, and add a new term."),
                field=changed[0],
                n=n,
            )
        queries.forget_calendar(db.session)


# ── The house: organisation, processes, catalogues ───────────────────────────────────────────────────────────────────────


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


class CatalogueView(RuledView):
    """What catalogues share: codes are references, so they stay; a row that is no longer used is made inactive."""

    form_intro = _l("Nothing is deleted: what is no longer used is made inactive, and old cases keep it.")

    def _init_properties(self) -> None:
        self.description_columns = {**HELPS, **(self.description_columns or {})}
        super()._init_properties()
        self.edit_columns = [name for name in self.edit_columns if name != "code"]

    def buttons(self, item: Any) -> list[Button]:
        return history_of(inspect(item).mapper.local_table.name, inspect(item).identity[0])


LABELS = {
    "code": _l("Code"), "name": _l("Name"), "is_active": _l("Active"), "position": _l("Order in lists"), "source": _l("Source"),
    "confidence": _l("How sure it is"), "valid_from": _l("In force from"), "valid_until": _l("In force until"),
}  # fmt: skip
HELPS = {
    "code": _l("Short and without spaces. Cases and files refer to it, so it does not change afterwards."),
    "position": _l("The smaller number goes first."),
    "is_active": _l("Untick it to stop offering it."),
    "valid_until": _l("Empty: still in force."),
    "source": _l("Where somebody can read it: page, concept or circular."),
    "confidence": _l("Whether somebody checked it, and what is still in doubt."),
}


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
        return new + super().buttons(item)

    def related(self, item: Process) -> list[Related]:
        statement = select(ProcessMember).options(joinedload(ProcessMember.user)).where(ProcessMember.process_id == item.id)
        rows = [
            (Markup('<a href="{}">{}</a>').format(url_for("ProcessMemberView.show", pk=each.id), each.user.get_full_name()), each.role,
             each.valid_from, each.valid_until)
            for each in db.session.scalars(statement)
        ]  # fmt: skip
        return [Related(_("Members"), (_("Person"), _("Place"), _("From"), _("Until")), rows)]


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
        "role": _l("A substitute sees and works the same cases, on the days below."),
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


class ChannelView(CatalogueView):
    datamodel = SQLAInterface(Channel)
    bulk = SWITCHES
    route_base = "/channel"
    class_permission_name = "Channel"
    list_title, add_title = _l("Channels"), _l("New channel")
    empty_text = _l("There are no channels yet. Add the ways in which a case arrives: counter, phone, web, mail…")
    list_columns = show_columns = ["name", "code", "position", "is_active"]
    add_columns = ["code", "name", "position", "is_active"]
    base_order = ("position", "asc")
    label_columns = LABELS


class ServiceView(CatalogueView):
    datamodel = SQLAInterface(Service)
    bulk = SWITCHES
    route_base = "/service"
    class_permission_name = "Service"
    list_title, add_title = _l("Services"), _l("New service")
    empty_text = _l("There are no services yet. Add what the company provides: water, sewerage, cleaning…")
    list_columns = show_columns = ["name", "code", "is_public_utility", "position", "is_active"]
    add_columns = ["code", "name", "is_public_utility", "position", "is_active"]
    base_order = ("position", "asc")
    label_columns = {**LABELS, "is_public_utility": _l("Public utility")}
    description_columns = {"is_public_utility": _l("Its cases are reported to SUI.")}


class RequestTypeView(CatalogueView):
    datamodel = SQLAInterface(RequestType)
    bulk = SWITCHES
    route_base = "/requesttype"
    class_permission_name = "RequestType"
    list_title, add_title = _l("Request types"), _l("New request type")
    empty_text = _l("There are no request types yet. Add what people may ask for: petition, complaint, claim…")
    intro = _l("A new type needs its legal term too: add it in Legal terms.")
    list_columns = ["name", "code", "plain_name", "regime", "default_process", "is_public", "is_active"]
    show_columns = [
        "code", "name", "plain_name", "plain_help", "regime", "sui_procedure", "default_process", "internal_days", "is_public", "is_active",
        "position",
    ]  # fmt: skip
    add_fieldsets = [
        (_l("For the staff"), {"fields": ["code", "name", "regime", "sui_procedure", "default_process", "internal_days"]}),
        (_l("For the citizen"), {"fields": ["plain_name", "plain_help", "is_public"]}),
        (_l("In lists"), {"fields": ["position", "is_active"]}),
    ]
    base_order = ("position", "asc")
    clipped = ("plain_name",)
    label_columns = {
        **LABELS, "plain_name": _l("In plain words"), "plain_help": _l("Help for the citizen"), "regime": _l("Regime"),
        "sui_procedure": _l("Kind of procedure in SUI"), "default_process": _l("Suggested process"),
        "internal_days": _l("Internal target (working days)"), "is_public": _l("On the citizen's page"),
    }  # fmt: skip
    description_columns = {
        "plain_name": _l("What the citizen reads when choosing."),
        "plain_help": _l("One sentence with an example of everyday life."),
        "default_process": _l("Offered when the case is routed; it goes nowhere by itself."),
        "regime": _l("Empty: the regime of the organisation."),
        "internal_days": _l("Only a target of the house; the legal term does not change."),
    }
    validators_columns = {"internal_days": [Empty(), NumberRange(1, 365, _l("Write one day or more."))]}


class SuiCauseView(CatalogueView):
    datamodel = SQLAInterface(SuiCause)
    route_base = "/suicause"
    class_permission_name = "SuiCause"
    list_title, add_title = _l("SUI causes"), _l("New SUI cause")
    empty_text = _l("There are no causes yet. Add those of the SUI for each service, so that claims can be classified.")
    list_columns = ["name", "code", "group_code", "service", "valid_from", "valid_until"]
    add_fieldsets = show_fieldsets = [
        (_l("The cause"), {"fields": ["service", "group_code", "code", "name"]}),
        (_l("In force"), {"fields": ["valid_from", "valid_until"]}),
        (_l("Where it stands"), {"fields": ["source", "confidence"]}),
    ]
    search_words = ("name", "code")
    filter_columns = ("service",)
    base_order = ("code", "asc")
    label_columns = {**LABELS, "service": _l("Service"), "group_code": _l("Group")}
    validators_columns = {
        "code": [NotTakenWith(SuiCause, "code", "service", "valid_from")],
        "valid_until": [NotBefore("valid_from")],
    }
    GROUPS = {"F": _l("F · Invoicing"), "P": _l("P · Provision of the service"), "I": _l("I · Installation (until 2018)")}
    add_form_extra_fields = {"group_code": SelectField(_l("Group"), choices=list(GROUPS.items()))}
    formatters_columns = {"group_code": lambda code: SuiCauseView.GROUPS.get(code, code)}


class SuiCodeView(CatalogueView):
    datamodel = SQLAInterface(SuiCode)
    route_base = "/suicode"
    class_permission_name = "SuiCode"
    list_title, add_title = _l("SUI codes"), _l("New SUI code")
    empty_text = _l("There are no codes yet. Add those that the claims file of the SUI asks for.")
    list_columns = ["name", "code", "kind", "variant", "confidence"]
    add_fieldsets = show_fieldsets = [
        (_l("The code"), {"fields": ["kind", "variant", "code", "name"]}),
        (_l("Where it stands"), {"fields": ["source", "confidence"]}),
    ]
    search_words = ("name", "code", "variant")
    filter_columns = ("kind",)
    clipped = ("confidence",)
    label_columns = {**LABELS, "kind": _l("Table"), "variant": _l("Variant")}
    description_columns = {"variant": _l("Which resolution the table comes from, when tables disagree.")}
    validators_columns = {"code": [NotTakenWith(SuiCode, "code", "kind", "variant")]}


class MunicipalityView(CatalogueView):
    datamodel = SQLAInterface(Municipality)
    route_base = "/municipality"
    class_permission_name = "Municipality"
    list_title, add_title = _l("Municipalities"), _l("New municipality")
    list_columns = show_columns = add_columns = ["name", "department", "code"]
    search_words = ("name", "department", "code")
    base_order = ("name", "asc")
    form_intro = ""
    label_columns = {**LABELS, "code": _l("DANE code"), "department": _l("Department")}
    description_columns = {"code": _l("Five digits with the leading zero: department and municipality.")}
    validators_columns = {"code": [Regexp(r"\d{5}$", message=_l("A DANE code has five digits, as in 05001."))]}


class ParameterView(CatalogueView):
    datamodel = SQLAInterface(Parameter)
    route_base = "/parameter"
    class_permission_name = "Parameter"
    list_title, add_title = _l("Parameters"), _l("New parameter")
    list_columns = ["key", "value", "description"]
    show_columns = add_columns = ["key", "value", "description"]
    edit_columns = ["value", "description"]
    search_words = ("key", "value", "description")
    clipped = ("value", "description")
    form_intro = ""
    label_columns = {"key": _l("Name of the parameter"), "value": _l("Value"), "description": _l("What it is for")}
    validators_columns = {"key": [Regexp(r"[a-z0-9_.\-]+$", message=_l("Use small letters, digits, dots and dashes."))]}

    def may_edit(self, item: Parameter) -> bool:
        return not item.key.startswith("seeds.")  # the system's own marks


class ConsentTextView(RuledView):
    """A version is never edited: what somebody agreed to stays as it was. A new one is added."""

    datamodel = SQLAInterface(ConsentText)
    route_base = "/consenttext"
    class_permission_name = "ConsentText"
    include_route_methods = set(ADD_ONLY)
    list_title, add_title = _l("Consent texts"), _l("New version")
    empty_text = _l("There are no texts yet. Add what a citizen accepts before the company keeps personal data or notifies by e-mail.")
    intro = _l("What citizens agree to. A version is never edited, because somebody may have agreed to it: add a new one.")
    list_columns = ["kind", "version", "valid_from", "text"]
    show_columns = ["kind", "version", "valid_from", "text"]
    add_columns = ["kind", "valid_from", "text"]
    filter_columns = ("kind",)
    base_order = ("valid_from", "desc")
    clipped = ("text",)
    form_class_name = "form"
    label_columns = {"kind": _l("What for"), "version": _l("Version"), "text": _l("Text"), "valid_from": _l("In force from")}
    description_columns = {
        "text": _l("{organisation} is replaced by the name of the company."),
        "valid_from": _l("From that day on citizens are asked for this version."),
    }

    def title_of(self, item: ConsentText) -> str:
        return _("%(what)s, version %(n)s", what=_(item.kind.value), n=item.version)

    def pre_add(self, consent: ConsentText) -> None:
        consent.version = (db.session.scalar(select(func.max(ConsentText.version)).filter_by(kind=consent.kind)) or 0) + 1


class AnswerTemplateView(CatalogueView):
    datamodel = SQLAInterface(AnswerTemplate)
    bulk = SWITCHES
    route_base = "/answertemplate"
    class_permission_name = "AnswerTemplate"
    list_title, add_title = _l("Answer templates"), _l("New answer template")
    empty_text = _l("There are no templates yet. Add the texts that answers repeat, so that nobody writes them again.")
    list_columns = ["name", "request_type", "outcome", "is_active"]
    show_columns = ["name", "request_type", "outcome", "is_active", "body"]
    add_fieldsets = [
        (_l("When it is offered"), {"fields": ["name", "request_type", "outcome", "is_active"]}),
        (_l("What it says"), {"fields": ["body"]}),
    ]
    search_words = ("name", "body")
    filter_columns = ("request_type", "outcome", "is_active")
    base_order = ("name", "asc")
    form_class_name = "form"
    label_columns = {**LABELS, "request_type": _l("Request type"), "outcome": _l("Sense of the answer"), "body": _l("Text")}
    description_columns = {
        "request_type": _l("Empty: for every type."),
        "outcome": _l("Empty: for every outcome."),
        "body": _l("These words are filled from the case: %(fields)s.", fields=", ".join(f"{{{name}}}" for name in answers.FIELDS)),
    }
    validators_columns = {"body": [TemplateFields()]}


# ── What is remembered ────────────────────────────────────────────────────────────────────────────────────────────────────


def history_of(table: str, key: Any) -> list[Button]:
    """Return the button that leads to the changes of a row, for whoever may read them."""
    if not may("can_list", "ChangeLog"):
        return []
    return [Button(_("Changes"), url_for("ChangeLogView.list", table_name=table, row_id=key))]


def readable(value: Any) -> str:
    """Return a value of a JSON column as people read it."""
    match value:
        case dict():
            return " · ".join(f"{key}: {readable(each)}" for key, each in value.items())
        case list():
            return ", ".join(readable(each) for each in value) or "—"
    return str(say_value(value))


class ChangeLogView(RuledView):
    datamodel = SQLAInterface(ChangeLog)
    route_base = "/changelog"
    class_permission_name = "ChangeLog"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Change log")
    empty_text = _l("Nothing has changed yet. Whatever somebody adds or edits from now on is remembered here.")
    intro = _l("Who changed what, when and from what to what. Nobody can edit it.")
    list_columns = ["at", "table_name", "row_id", "action", "actor", "reason"]
    show_columns = ["at", "table_name", "row_id", "action", "actor", "reason", "request_id"]
    filter_columns = ("table_name", "row_id", "action", "request_id")
    base_order = ("at", "desc")
    clipped = ("reason",)
    ACTIONS = {"insert": N_("Added"), "update": N_("Changed"), "delete": N_("Deleted")}
    label_columns = {
        "at": _l("When"), "table_name": _l("Register"), "row_id": _l("Row"), "action": _l("What happened"), "actor": _l("Who"),
        "reason": _l("Reason"), "request_id": _l("Request"),
    }  # fmt: skip
    formatters_columns = {
        "action": lambda name: _(ChangeLogView.ACTIONS.get(name, name)),
        "table_name": lambda name: register_name(name),
        "actor": lambda user: user.get_full_name(),
    }

    def title_of(self, item: ChangeLog) -> str:
        return f"{self.shown(item, 'table_name')} · {item.row_id}"

    def related(self, item: ChangeLog) -> list[Related]:
        view = view_of(item.table_name)
        labels = view.label_columns if view else {}
        names = [*item.before, *(name for name in item.after if name not in item.before)]

        def label(name: str) -> Any:
            return labels.get(name) or labels.get(name.removesuffix("_id").removesuffix("_code")) or name.replace("_", " ")

        rows = [
            (label(name), Markup("<del>{}</del>").format(readable(item.before.get(name))), Markup("<ins>{}</ins>").format(new))
            for name, new in ((name, readable(item.after.get(name))) for name in names)
        ]
        return [Related(_("Before and after"), (_("Column"), _("Before"), _("After")), rows)]

    def buttons(self, item: ChangeLog) -> list[Button]:
        view = view_of(item.table_name)
        if view is None or item.action == "delete" or not may("can_show", view.class_permission_name):
            return []
        return [Button(_("Open the row"), url_for(f"{view.__name__}.show", pk=item.row_id))]


def queue_refusal(message: OutboxMessage) -> str:
    """Return why a message cannot be sent again; empty when it can."""
    return _("It has left already, or is leaving.") if message.status in (MessageStatus.SENT, MessageStatus.SENDING) else ""


class OutboxMessageView(RuledView):
    """The mail that left or is to leave. Its text is not shown: it may carry the key of the citizen."""

    datamodel = SQLAInterface(OutboxMessage)
    route_base = "/outbox"
    class_permission_name = "OutboxMessage"
    bulk = (
        Bulk(
            "resend", _l("Send again"), "resend", lambda _view, row: queue_refusal(row),
            lambda _view, row, _form: outbox.resend(db.session, row, now()),
        ),
    )  # fmt: skip
    include_route_methods = READ_ONLY | {"resend"}
    list_title = _l("Outgoing mail")
    empty_text = _l("No mail has been queued yet. Receipts, notices and reminders appear here before they leave.")
    list_columns = ["created_at", "subject", "to_address", "status", "n_attempts", "sent_at"]
    show_columns = [
        "subject", "to_address", "pqr", "event", "status", "n_attempts", "created_at", "next_attempt_at", "sent_at", "last_error",
    ]  # fmt: skip
    search_words = ("subject", "to_address")
    filter_columns = ("status",)
    base_order = ("created_at", "desc")
    clipped = ("subject",)
    label_columns = {
        "created_at": _l("Queued"), "subject": _l("Subject"), "to_address": _l("Addressee"), "status": _l("State"),
        "n_attempts": _l("Attempts"), "sent_at": _l("Sent"), "pqr": _l("Case"), "event": _l("What it tells"),
        "next_attempt_at": _l("Next attempt"), "last_error": _l("Last error"),
    }  # fmt: skip
    formatters_columns = {
        "pqr": lambda pqr: Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number),
        "last_error": lambda text: " ".join(_(line) for line in text.splitlines()),
    }

    @property
    def intro(self) -> str:
        why = _("The text of the messages is not shown, because it may carry the key of the citizen.")
        if mailer.is_configured(current_app.config):
            return why
        waiting = _("No mail server is set (ATIENDE_SMTP_HOST): messages wait here and leave as soon as there is one.")
        return f"{waiting} {why}"

    def buttons(self, item: OutboxMessage) -> list[Button]:
        if queue_refusal(item) or not self.may_do("resend"):
            return []
        return [Button(_("Send again"), url_for("OutboxMessageView.resend", pk=item.id), True, _("Send this message again?"))]

    @expose("/resend/<pk>", methods=["POST"])
    @has_access
    @permission_name("resend")
    def resend(self, pk: str) -> Any:
        message = self.item(pk)
        try:
            outbox.resend(db.session, message, now())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("The message is queued again."), "success")
        return redirect(url_for("OutboxMessageView.show", pk=pk))


# ── Security: users, roles, the door ──────────────────────────────────────────────────────────────────────────────────────


class UserView(RuledView, UserDBModelView):
    """Users of the staff. Nobody is deleted: a user who left is made inactive."""

    route_base = "/users"
    class_permission_name = "UserDBModelView"
    include_route_methods = READ_WRITE | {"userinfo"}
    list_title, add_title = _l("Users"), _l("New user")
    form_intro = _l("Nobody is deleted: a user who left is made inactive, and what the user did stays signed.")
    list_columns = ["username", "first_name", "last_name", "email", "roles", "active", "last_login"]
    show_fieldsets = [
        (_l("The person"), {"fields": ["first_name", "last_name", "email"]}),
        (_l("Access"), {"fields": ["username", "active", "roles", "groups", "last_login", "fail_login_count"]}),
    ]
    edit_columns = ["first_name", "last_name", "email", "username", "active", "roles", "groups"]
    add_fieldsets = [
        (_l("The person"), {"fields": ["first_name", "last_name", "email"]}),
        (_l("Access"), {"fields": ["username", "active", "roles", "groups"]}),
        (_l("First password"), {"fields": ["password", "conf_password"], "help": _l("The person changes it in “My profile”.")}),
    ]
    search_words = ("username", "first_name", "last_name", "email")
    filter_columns = ("active",)
    base_order = ("username", "asc")
    label_columns = {
        "username": _l("User name"), "first_name": _l("First name"), "last_name": _l("Last name"), "email": _l("E-mail"),
        "active": _l("Active"), "roles": _l("Roles"), "groups": _l("Groups"), "last_login": _l("Last sign-in"),
        "fail_login_count": _l("Failed sign-ins since then"),
    }  # fmt: skip
    description_columns = {
        "username": _l("What the person writes to sign in: short, without spaces."),
        "roles": _l("What the person may do and see."),
        "active": _l("An inactive user cannot sign in."),
        "groups": _l("A group lends its roles to its members."),
    }
    validators_columns = {**UserDBModelView.validators_columns, "email": [Checked(check_email)]}
    add_form_extra_fields = {"password": NewPasswordForm.password, "conf_password": NewPasswordForm.conf_password}

    def buttons(self, item: Any) -> list[Button]:
        if not may("can_this_form_get", "ResetPasswordView"):
            return []
        return [Button(_("Set a new password"), url_for("PasswordView.this_form_get", pk=item.id)), *history_of("ab_user", item.id)]

    @expose("/userinfo/")
    @has_access
    def userinfo(self) -> str:
        """The reader's own page."""
        buttons = [
            Button(_("Change my password"), url_for("OwnPasswordView.this_form_get")),
            Button(_("Edit my name"), url_for("ProfileView.this_form_get")),
        ]
        fieldsets = [("", {"fields": ["username", "first_name", "last_name", "email", "roles", "groups", "last_login"]})]
        facts = {"title": _("My profile"), "item": self.item(str(g.user.id)), "fieldsets": fieldsets, "related": [], "buttons": buttons}
        return self.render_template(self.show_template, view=self, **facts)


def permissions_offered() -> list[PermissionView]:
    """Return every (permission, view) pair, by view, with its two names loaded."""
    statement = select(PermissionView).options(joinedload(PermissionView.permission), joinedload(PermissionView.view_menu))
    return sorted(db.session.scalars(statement), key=lambda pair: (pair.view_menu.name, pair.permission.name))


class RoleView(RuledView, RoleModelView):
    """Roles. The ones that ship are data of the product (`security.py`); a house may add its own."""

    route_base = "/roles"
    class_permission_name = "RoleModelView"
    include_route_methods = set(READ_WRITE)
    list_title, add_title = _l("Roles"), _l("New role")
    intro = _l("The roles that ship with Atiende keep their rights at every update, so they cannot be edited. Add your own beside them.")
    list_columns = ["name"]
    show_columns = add_columns = ["name", "permissions"]
    form_class_name = "form"
    label_columns = {"name": _l("Name"), "permissions": _l("Rights")}
    add_form_extra_fields = {
        "permissions": QuerySelectMultipleField(
            _l("Rights"),
            query_func=permissions_offered,
            get_pk_func=lambda pair: pair.id,
            widget=ListWidget(),
            option_widget=CheckboxInput(),
        )
    }

    def may_edit(self, item: Role) -> bool:
        return item.name not in PROCESS_ROLES and item.name != ADMIN


class GroupView(RuledView, UserGroupModelView):
    route_base = "/groups"
    class_permission_name = "UserGroupModelView"
    include_route_methods = set(READ_WRITE)
    list_title, add_title = _l("Groups"), _l("New group")
    empty_text = _l("There are no groups yet. Add one to give several people the same roles at once.")
    intro = _l("A group lends its roles to its members; put people in it on their own page.")
    list_columns = ["name", "label", "roles"]
    show_columns = add_columns = edit_columns = ["name", "label", "description", "roles"]
    form_class_name = "form"
    label_columns = {"name": _l("Name"), "label": _l("Label"), "description": _l("Description"), "roles": _l("Roles")}


class DoorView(AuthDBView):
    """The sign-in page. A wrong password keeps the name typed, and never says whether the name exists."""

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        if current_user.is_authenticated:
            return redirect(self._get_safe_next_url())
        form, status = LoginForm(), 200
        if form.validate_on_submit():
            user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            if user:
                login_user(user, remember=False)
                return redirect(get_safe_redirect(request.args.get("next", "")))
            form.password.errors = [_("The user name or the password is wrong. After several failures the door closes for a while.")]
        if form.errors:
            status = 422
        return self.render_template(self.login_template, title=_("Sign in"), form=form), status


class OwnPasswordView(ResetMyPasswordView):
    class_permission_name = "ResetMyPasswordView"
    form, form_title, message = NewPasswordForm, _l("Change my password"), _l("Your password is changed.")


class PasswordView(ResetPasswordView):
    class_permission_name = "ResetPasswordView"
    form, form_title, message = NewPasswordForm, _l("Set a new password"), _l("The password is changed.")

    def form_get(self, form: Any) -> None:
        self._user()

    def form_post(self, form: Any) -> Any:
        user = self._user()
        super().form_post(form)
        return redirect(url_for("UserView.show", pk=user.id))

    def _user(self) -> Any:
        return self.appbuilder.sm.get_user_by_id(request.args.get("pk", 0, type=int)) or abort(404)


class ProfileView(UserInfoEditView):
    class_permission_name = "UserInfoEditView"
    route_base = "/profile"
    form, form_title, message = ProfileForm, _l("Edit my name"), _l("Your name is changed.")


class NoTokens(SecurityApi):
    """Flask-AppBuilder's sign-in for programs, shut: passwords could be guessed there without limit, and no program signs in yet."""

    include_route_methods: set[str] = set()


class HouseRights(RequestRights):
    """The security manager with the screens above."""

    security_api = NoTokens
    userdbmodelview, rolemodelview, groupmodelview = UserView, RoleView, GroupView
    authdbview, resetmypasswordview, resetpasswordview, userinfoeditview = DoorView, OwnPasswordView, PasswordView, ProfileView


# ── Menu ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

SERVICE, PARTIES, TERMS = N_("Service"), N_("Commercial"), N_("Calendar and terms")
HOUSE, RECORDS, SECURITY = N_("Settings"), N_("Records"), N_("Security")

#: (view, menu name, icon, category): the whole menu, in order.
MENU: list[tuple[type, str, str, str]] = [
    (CounterView, N_("Counter"), "counter", SERVICE),
    (CaseView, N_("Cases"), "cases", SERVICE),
    (ResponseTimesView, N_("Response times (R10-01-01)"), "clock", SERVICE),
    (CaseChartView, N_("Charts of cases"), "chart", SERVICE),
    (PartyView, N_("Parties"), "people", PARTIES),
    (AccountView, N_("Accounts"), "account", PARTIES),
    (AccountChartView, N_("Charts of accounts"), "chart", PARTIES),
    (LegalTermView, N_("Legal terms"), "law", TERMS),
    (CalendarView, N_("Calendar"), "calendar", TERMS),
    (OrganisationView, N_("The company"), "company", HOUSE),
    (ProcessView, N_("Processes"), "process", HOUSE),
    (ProcessMemberView, N_("Members of processes"), "members", HOUSE),
    (RequestTypeView, N_("Request types"), "type", HOUSE),
    (ChannelView, N_("Channels"), "channel", HOUSE),
    (ServiceView, N_("Services"), "service", HOUSE),
    (AnswerTemplateView, N_("Answer templates"), "template", HOUSE),
    (ConsentTextView, N_("Consent texts"), "consent", HOUSE),
    (SuiCauseView, N_("SUI causes"), "cause", HOUSE),
    (SuiCodeView, N_("SUI codes"), "code", HOUSE),
    (MunicipalityView, N_("Municipalities"), "place", HOUSE),
    (ParameterView, N_("Parameters"), "sliders", HOUSE),
    (ChangeLogView, N_("Change log"), "history", RECORDS),
    (OutboxMessageView, N_("Outgoing mail"), "mail", RECORDS),
]
NO_MENU: list[type] = [FinderView, LookupView, ListsView]
#: Tables of the change log that have no screen of this kind.
TABLES = {
    "pqr": N_("Case"), "note": N_("Internal note"), "answer": N_("Answer"), "notice": N_("Notice"), "stored_file": N_("Stored file"),
    "document": N_("Document"), "consent": N_("Consent"), "calendar_day": N_("Non-working day"),
}  # fmt: skip
#: What FAB registers by itself, in our words.
SECURITY_LABELS = {
    "List Users": (N_("Users"), "user"), "List Roles": (N_("Roles"), "shield"), "List Groups": (N_("Groups"), "members"),
}  # fmt: skip


def view_of(table: str) -> type[RuledView] | None:
    """Return the screen that declares *table*, if one does."""
    screens = (view for view in (*(row[0] for row in MENU), UserView, RoleView, GroupView) if issubclass(view, RuledView))
    return next((view for view in screens if view.datamodel.obj.__tablename__ == table), None)


def register_name(table: str) -> str:
    """Return how people call *table*."""
    view = view_of(table)
    return str(view.list_title) if view else _(TABLES[table]) if table in TABLES else table.replace("_", " ")


def register(builder: AppBuilder) -> None:
    """Register every screen and build the menu; security, which FAB registers first, goes last."""
    for view in NO_MENU:
        builder.add_view_no_menu(view)
    for view, name, icon, category in MENU:
        builder.add_view(view, name, icon=icon, category=category)
    for name, (label, icon) in SECURITY_LABELS.items():
        item = builder.menu.find(name)
        item.label, item.icon = label, icon
    builder.menu.menu.sort(key=lambda item: item.name == SECURITY)
