"""Interested parties (ISO 9001:2015, 4.2): the matrix, and what it is made of: groups, needs, follow-up mechanisms, evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import DateField, FileField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired
from wtforms.validators import Optional as Empty

from app import queries
from app.baseviews import READ_ONLY, READ_WRITE, Button, Related, RuledView
from app.documents.interested import matrix_pdf
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.interested import FREQUENCIES, SOON, TONES, EvidenceSource, Standing, standing_of
from app.downloads import send_made, send_stored, show_pdf
from app.extensions import LANGUAGE, db, local, now, today
from app.forms import UpTo, maybe_int
from app.listing import Choices, Facet, Moment
from app.listviews import SWITCHES, Ready
from app.lookups import BIGGEST_ID
from app.models import Evidence, InterestGroup, Mechanism, Need, Party, PartyGroup
from app.operations import files, interested
from app.operations.matrix import Line, Sums, by_group, every_how_often, groups_in_use, matrix, who_follows
from app.queries import TimesFilter
from app.reports.base import format_of
from app.reports.checklists import workbook
from app.reports.interested import InterestedMatrix, MatrixForm
from app.reports.response_times import ResponseTimes
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.screens.catalogues import LABELS, CatalogueView
from app.screens.house import process_choices
from app.screens.partyfile import link_to
from app.screens.records import history_of
from app.security import is_user, may, processes_of
from app.steps import Steps
from app.words import say_day, tidy

log = structlog.get_logger("atiende")

N_SHOWN = 10
#: What a reader needs to open the record in which evidence was found.
OPENS = {
    EvidenceSource.SURVEY: ("can_list", "PastRecord"), EvidenceSource.CONTRACT_REVIEW: ("can_show", "Checklist"),
    EvidenceSource.VISIT: ("can_list", "FieldOrder"), EvidenceSource.QUOTATION: ("can_show", "Quotation"),
    EvidenceSource.PQR_REPORT: ("can_export", "ResponseTimes"),
}  # fmt: skip
#: The same for a campaign of surveys, which is evidence beside the surveys of other programs.
REPORT = ("can_list", "SurveyResult")


def say_standing(mechanism: Mechanism) -> Markup:
    """Return how *mechanism* stands today: its colour repeats what the words say."""
    standing = standing_of(mechanism.next_on if mechanism.is_active else None, today())
    return Markup('<span class="pill {}">{}</span>').format(TONES[standing], _(standing.value))


def say_evidence(row: Evidence) -> Any:
    """Return what *row* is, linked to its record or its file where the reader may open it."""
    if row.file_id is not None and may_download(row):
        url = url_for("EvidenceView.file", pk=row.id)
    elif row.path and row.source in OPENS and may(*(REPORT if row.path.startswith("/survey-report/") else OPENS[row.source])):
        url = row.path
    else:
        return row.title
    return Markup('<a href="{}">{}</a>').format(url, row.title)


def may_download(row: Evidence) -> bool:
    """Return whether the reader may have the file of *row*: the reports of cases are for whoever reads all cases."""
    if not may("can_download", "Mechanism"):
        return False
    return row.source is not EvidenceSource.PQR_REPORT or (may(*OPENS[row.source]) and may("can_see_all"))


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class InterestedView(BaseView):
    """`/interested/`: the whole matrix on a page, in Excel and in PDF. What is asked of it is its address."""

    route_base = "/interested"
    default_view = "list"
    class_permission_name = "Interested"

    def _asked(self) -> tuple[MatrixForm, list[Line]]:
        """Return the filter, and the lines; none while the filter is wrong."""
        form = MatrixForm(request.args, groups_in_use(db.session()))
        return form, matrix(db.session(), form.wanted(), today()) if form.validate() else []

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """The matrix, a table a group, and what it adds up to."""
        form, lines = self._asked()
        page = self.render_template(
            "interested/matrix.html", form=form, groups=by_group(lines), sums=Sums.of(lines), args=form.args(),
            every=every_how_often, who=who_follows, say_evidence=say_evidence, tones=TONES, standings=Standing,
            format=format_of(db.session(), InterestedMatrix.identifier, _(InterestedMatrix.name)), may=may,
            changed_on=local(max(line.changed_at for line in lines)).date() if lines else None,
        )  # fmt: skip
        return page, 422 if form.errors else 200

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The same lines as a workbook, with the cover of a controlled format."""
        form, lines = self._asked()
        if form.errors:
            return redirect(url_for("InterestedView.list", **form.args()))
        file = workbook(db.session(), InterestedMatrix(lines, form.in_words()), current_user.get_full_name(), now())
        self._log("xlsx", len(lines))
        return send_made(file, f"matriz-partes-interesadas-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)

    @expose("/pdf")
    @has_access
    @permission_name("export")
    def pdf(self) -> Response:
        """The same lines on paper, with code, version and date on top."""
        with force_locale(LANGUAGE):
            form, lines = self._asked()
            if form.errors:
                return redirect(url_for("InterestedView.list", **form.args()))
            words = form.in_words() if form.args() else []
        content = matrix_pdf(db.session(), lines, current_user.get_full_name(), words, now())
        self._log("pdf", len(lines))
        return show_pdf(content, f"matriz-partes-interesadas-{today():%Y-%m-%d}.pdf")

    @staticmethod
    def _log(extension: str, n_rows: int) -> None:
        log.info("export", report=InterestedMatrix.identifier, extension=extension, n_rows=n_rows, user_id=current_user.id,
                 request_id=g.request_id)  # fmt: skip


# ── Groups and needs ──────────────────────────────────────────────────────────────────────────────────────────────────────


class InterestGroupView(CatalogueView):
    datamodel = SQLAInterface(InterestGroup)
    bulk = SWITCHES
    route_base = "/interest-group"
    class_permission_name = "InterestGroup"
    list_title, add_title = _l("Groups of interested parties"), _l("New group")
    form_intro = _l("Nothing is deleted: a group that is no longer relevant is made inactive and leaves the matrix.")
    empty_text = _l("There are no groups yet. Add those that affect the company or are affected by it: users, staff, control bodies…")
    list_columns = show_columns = ["name", "code", "description", "position", "is_active"]
    add_columns = ["code", "name", "description", "position", "is_active"]
    search_words = ("name", "code")
    base_order = ("position", "asc")
    clipped = ("description",)
    label_columns = {**LABELS, "description": _l("Who they are")}

    def buttons(self, item: InterestGroup) -> list[Button]:
        found = [Button(_("Its part of the matrix"), url_for("InterestedView.list", group=item.id))]
        if may("can_add", "Need"):
            found.append(Button(_("New need"), url_for("NeedView.add", group=item.id)))
        if may("can_add", "Mechanism"):
            found.append(Button(_("New follow-up"), url_for("MechanismView.add", group=item.id)))
        return found + history_of("interest_group", item.id)

    def related(self, item: InterestGroup) -> list[Related]:
        needs = select(Need).where(Need.group_id == item.id, Need.is_active).order_by(Need.position, Need.id).limit(N_SHOWN)
        followed = select(Mechanism).where(Mechanism.group_id == item.id, Mechanism.is_active).order_by(Mechanism.next_on).limit(N_SHOWN)
        tables = [
            Related(_("Needs and expectations"), (_("Need or expectation"), _("Quality"), _("Relevance")),
                    [(link_to_need(row), row.quality, row.relevance) for row in db.session.scalars(needs)],
                    url_for("NeedView.list", group=item.id)),
            Related(_("Follow-up mechanisms"), (_("Mechanism"), _("Frequency"), _("Next date"), _("State")),
                    [(link_to("MechanismView", row), every_how_often(row.months), row.next_on, say_standing(row))
                     for row in db.session.scalars(followed)],
                    url_for("MechanismView.list", group=item.id)),
        ]  # fmt: skip
        if may("can_list", "PartyGroup"):
            members = select(Party).join(PartyGroup, PartyGroup.party_id == Party.id).where(PartyGroup.group_id == item.id)
            rows = [(link_to("PartyView", row), row.phone) for row in db.session.scalars(members.order_by(Party.name).limit(N_SHOWN))]
            tables.append(Related(_("Parties of this group"), (_("Name"), _("Phone")), rows))
        return tables


def prefill_group(form: Any) -> None:
    """Choose the group that the address names."""
    asked = request.args.get("group", "")
    if asked.isdecimal() and int(asked) <= BIGGEST_ID:
        form.group.data = db.session.get(InterestGroup, int(asked))


def process_field() -> dict[str, SelectField]:
    """Return the field of the process; a form cannot have one called `process`."""
    offered = {"coerce": maybe_int, "choices": lambda: [("", "—"), *process_choices()], "validators": [Empty()]}
    return {"process_id": SelectField(_l("Process"), **offered)}


def link_to_need(need: Need) -> Markup:
    """Return the whole text of *need*, leading to its page."""
    return Markup('<a href="{}">{}</a>').format(url_for("NeedView.show", pk=need.id), need.text)


class NeedView(RuledView):
    datamodel = SQLAInterface(Need)
    bulk = SWITCHES
    route_base = "/need"
    class_permission_name = "Need"
    list_title, add_title = _l("Needs and expectations"), _l("New need or expectation")
    intro = _l("What each group of interested parties needs or expects of the company, and how it is followed (ISO 9001:2015, 4.2).")
    form_intro = _l("Nothing is deleted: what is no longer relevant is made inactive and leaves the matrix.")
    empty_text = _l("Nothing is written yet. Add what each group needs or expects, and how the company meets it.")
    list_columns = ["text", "group", "kind", "quality", "relevance", "mechanism", "process", "is_active"]
    show_fieldsets = [
        (_l("What is needed"), {"fields": ["group", "kind", "text", "source"]}),
        (_l("How much it matters"), {"fields": ["quality", "relevance"]}),
        (_l("What the company does"), {"fields": ["how_met", "process", "mechanism"]}),
        (_l("In lists"), {"fields": ["position", "is_active"]}),
    ]
    add_fieldsets = [
        *show_fieldsets[:2], (_l("What the company does"), {"fields": ["how_met", "process_id", "mechanism"]}), show_fieldsets[3],
    ]  # fmt: skip
    filter_columns = ("group", "kind", "quality", "relevance", "mechanism", "process")
    search_words = ("text", "how_met", "source")
    ready_filters = (
        Ready(N_("Nobody follows them"), "mechanism=empty&is_active=1"), Ready(N_("Of high relevance"), "relevance=HIGH&is_active=1"),
    )  # fmt: skip
    base_order = ("group", "asc")
    clipped = ("text", "mechanism")
    label_columns = {
        "text": _l("Need or expectation"), "group": _l("Interested party"), "kind": _l("Kind"), "quality": _l("Quality"),
        "relevance": _l("Relevance"), "mechanism": _l("Follow-up mechanism"), "process": _l("Process"), "is_active": _l("Active"),
        "process_id": _l("Process"), "source": _l("Where it comes from"), "how_met": _l("How it is met"), "position": _l("Order in lists"),
    }  # fmt: skip
    description_columns = {
        "kind": _l("A need is stated, by the party or by a norm; an expectation is hoped for."),
        "quality": _l("Required: indispensable. Expected: hoped for, not always said. Potential: unknown to them, yet valued."),
        "relevance": _l("How much it matters for the quality management system."),
        "source": _l("The norm with its article, the contract, or the study that shows it."),
        "how_met": _l("What the company does about it."),
        "mechanism": _l("One of the follow-ups of the same group."),
        "position": _l("The smaller number goes first."),
    }
    add_form_extra_fields = process_field()

    def prefill(self, form: Any) -> None:
        prefill_group(form)

    def pre_add(self, need: Need) -> None:
        """Raises DomainError: its follow-up is of another group."""
        if need.mechanism is not None and need.mechanism.group is not need.group:
            refusal = N_("This follow-up is of another group: %(group)s. Choose one of the same group.")
            raise DomainError(refusal, field="mechanism", group=need.mechanism.group.name)

    pre_update = pre_add

    def title_of(self, item: Need) -> str:
        return item.text if len(item.text) <= 80 else f"{item.text[:79]}…"

    def shown(self, item: Need, name: str) -> Any:
        if name == "mechanism" and item.mechanism is not None and "show" in request.endpoint:
            return link_to("MechanismView", item.mechanism)
        return super().shown(item, name)

    def buttons(self, item: Need) -> list[Button]:
        return history_of("need", item.id)


# ── Follow-up ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _due(value: str, moment: Moment) -> ColumnElement[bool]:
    soon = moment.today + SOON
    match value:
        case "overdue":
            when = Mechanism.next_on < moment.today
        case "soon":
            when = Mechanism.next_on.between(moment.today, soon)
        case _:
            when = Mechanism.next_on > soon
    return and_(Mechanism.is_active, when)


def _is_his(user_id: int, on: Any) -> ColumnElement[bool]:
    """Return the condition that a mechanism is followed by the user: as the person, or by a process of theirs."""
    return or_(is_user(Mechanism.responsible_id, user_id, on), Mechanism.process_id.in_(processes_of(user_id, on)))


DUE = (("overdue", Standing.OVERDUE.value), ("soon", Standing.SOON.value), ("later", Standing.IN_TIME.value))


class AttachForm(FlaskForm):
    """What somebody attaches as evidence."""

    title = StringField(
        _l("What it is"), filters=[tidy], validators=[DataRequired(_l("Say what it is: it is what the matrix shows.")), UpTo(240)],
        description=_l("For example: minutes of the meeting of March with the mayor's office."),
    )  # fmt: skip
    on = DateField(_l("Day on which it was done"), validators=[InputRequired(_l("Write the day on which it was done."))])
    file = FileField(_l("The file"), description=files.KINDS)
    note = TextAreaField(_l("Note"), filters=[tidy], validators=[UpTo(4000)], description=_l("What was found, or where the paper is kept."))

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.file.description = _(files.KINDS)

    def said(self) -> interested.Attached:
        """Return what a valid form says. Raises UploadRefused."""
        try:
            checked = files.check_uploads([self.file.data])
        except DomainError as error:
            error.field = self.file.name
            raise
        return interested.Attached(self.title.data, self.on.data, self.note.data or "", checked[0] if checked else None)


class MechanismView(Steps, RuledView):
    """How each group is followed. Its last and next day follow from its evidence."""

    datamodel = SQLAInterface(Mechanism)
    bulk = SWITCHES
    route_base = "/mechanism"
    class_permission_name = "Mechanism"
    include_route_methods = READ_WRITE | {"attach", "look", "report"}
    list_title, add_title = _l("Follow-up of interested parties"), _l("New follow-up")
    intro = _l("What is done to know each group, how often and by whom. The system looks for the evidence each night; other is attached.")
    form_intro = _l("Nothing is deleted: what is no longer done is made inactive, and its evidence stays.")
    empty_text = _l("Nobody is followed yet. Add what is done for each group: a survey, a meeting, a report, a visit…")
    list_columns = ["name", "group", "standing", "next_on", "last_on", "months", "responsible", "process"]
    more_columns = ("standing",)
    show_fieldsets = [
        (_l("What is done"), {"fields": ["group", "description", "evidence_source", "months"]}),
        (_l("Who"), {"fields": ["responsible", "process"]}),
        (_l("When"), {"fields": ["standing", "last_on", "next_on", "starts_on", "is_active"]}),
    ]
    add_fieldsets = [
        (_l("What is done"), {"fields": ["group", "name", "description", "evidence_source"]}),
        (_l("How often"), {"fields": ["months", "starts_on", "is_active"]}),
        (_l("Who"), {"fields": ["responsible", "process_id"]}),
    ]
    own_facets: tuple[Facet, ...] = (
        Choices("due", _l("State"), lambda: DUE, _due),
        Choices("mine", _l("Followed by me"), lambda: (("1", N_("Yes")),), lambda _value, moment: _is_his(moment.user_id, moment.today)),
    )
    filter_columns = ("group", "evidence_source", "process", "responsible")
    search_words = ("name", "description")
    ready_filters = (
        Ready(N_("Overdue"), "due=overdue&order=next_on"), Ready(N_("Due soon"), "due=soon&order=next_on"),
        Ready(N_("Followed by me"), "is_active=1&mine=1"),
    )  # fmt: skip
    base_order = ("next_on", "asc")
    clipped = ("name", "group")
    label_columns = {
        "name": _l("Mechanism"), "group": _l("Interested party"), "description": _l("What is done"), "months": _l("Frequency"),
        "evidence_source": _l("Where its evidence comes from"), "responsible": _l("Responsible"), "process": _l("Process"),
        "process_id": _l("Process"), "starts_on": _l("Followed since"), "last_on": _l("Last evidence"), "next_on": _l("Next date"),
        "standing": _l("State"), "is_active": _l("Active"),
    }  # fmt: skip
    description_columns = {
        "evidence_source": _l("What the system finds by itself counts without anybody writing it down. The rest is attached."),
        "responsible": _l("Write the name of the person. Empty: the owners of the process."),
        "starts_on": _l("While there is no evidence, the next date is counted from this day."),
        "is_active": _l("Untick it when it is no longer done."),
    }
    add_form_extra_fields = {
        "months": SelectField(
            _l("Frequency"), coerce=int, default=12, choices=[(months, _l(words)) for months, words in FREQUENCIES.items()],
            validators=[InputRequired()],
        ),
        **process_field(),
    }  # fmt: skip
    formatters_columns = {"months": every_how_often, "responsible": lambda user: user.get_full_name()}

    def prefill(self, form: Any) -> None:
        prefill_group(form)
        form.evidence_source.data, form.starts_on.data = EvidenceSource.ATTACHED, today()

    def pre_add(self, item: Mechanism) -> None:
        """Raises DomainError: the frequency is none."""
        interested.reckon(db.session(), item)

    pre_update = pre_add

    def shown(self, item: Mechanism, name: str) -> Any:
        return say_standing(item) if name == "standing" else super().shown(item, name)

    def may_attach(self, item: Mechanism) -> bool:
        """Return whether the reader may bring evidence: who keeps the matrix, and whoever has to follow this group."""
        if not item.is_active or not self.may_do("attach"):
            return False
        his = select(Mechanism.id).where(Mechanism.id == item.id, _is_his(current_user.id, today()))
        return self.may_do("edit") or db.session.scalar(his) is not None

    @staticmethod
    def may_report(item: Mechanism) -> bool:
        return item.evidence_source is EvidenceSource.PQR_REPORT and may("can_export", "ResponseTimes") and may("can_see_all")

    def buttons(self, item: Mechanism) -> list[Button]:
        found = []
        if self.may_attach(item):
            found.append(Button(_("Attach evidence"), url_for("MechanismView.attach", pk=item.id)))
            if self.may_report(item):
                found.append(Button(_("Issue the report and keep it"), url_for("MechanismView.report", pk=item.id), True))
            if item.evidence_source in interested.FINDERS:
                found.append(Button(_("Look for evidence now"), url_for("MechanismView.look", pk=item.id), True))
        return found + history_of("mechanism", item.id)

    def related(self, item: Mechanism) -> list[Related]:
        newest = select(Evidence).where(Evidence.mechanism_id == item.id).order_by(Evidence.on.desc(), Evidence.id.desc()).limit(N_SHOWN)
        rows = [(row.on, say_evidence(row), row.source, row.note) for row in db.session.scalars(newest)]
        needs = select(Need).where(Need.mechanism_id == item.id, Need.is_active).order_by(Need.position, Need.id).limit(N_SHOWN)
        followed = [(link_to_need(row), row.kind, row.quality, row.relevance) for row in db.session.scalars(needs)]
        return [
            Related(_("Evidence found and attached"), (_("Day"), _("What it is"), _("Where it comes from"), _("Note")), rows,
                    url_for("EvidenceView.list", mechanism=item.id)),
            Related(_("Needs and expectations that it follows"), (_("Need or expectation"), _("Kind"), _("Quality"), _("Relevance")),
                    followed, url_for("NeedView.list", mechanism=item.id)),
        ]  # fmt: skip

    def _mine(self, pk: str) -> Mechanism:
        """Return the mechanism if the reader may bring evidence of it, or answer 404."""
        item = self.item(pk)
        return item if self.may_attach(item) else abort(404)

    @expose("/attach/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("attach")
    def attach(self, pk: str) -> Any:
        """Bring evidence that the system cannot find: minutes, a certificate, a report of somebody else."""
        self._mine(pk)
        form = AttachForm(data={"on": today()}) if request.method == "GET" else AttachForm()
        help = _("With it, the next date is counted again from its day.")
        return self._step(pk, form, _("Attach evidence"), help,
                          lambda item: interested.attach_evidence(db.session(), item, form.said(), at=now()))  # fmt: skip

    @expose("/look/<pk>", methods=["POST"])
    @has_access
    @permission_name("attach")
    def look(self, pk: str) -> Response:
        """Look for evidence now, without waiting for the night."""
        item = self._mine(pk)
        n = interested.find_evidence(db.session(), item, at=now())
        db.session.commit()
        found = ngettext("%(num)s new piece of evidence was found.", "%(num)s new pieces of evidence were found.", n)
        flash(found if n else _("Nothing new was found."), "success" if n else "info")
        return redirect(url_for("MechanismView.show", pk=pk))

    @expose("/report/<pk>", methods=["POST"])
    @has_access
    @permission_name("attach")
    def report(self, pk: str) -> Response:
        """Issue the control of response times of the months that ended, and keep it as evidence."""
        if not self.may_report(self._mine(pk)):
            abort(404)
        return self._press(pk, issue_report, _("The report is issued and kept as evidence."))


def issue_report(item: Mechanism) -> Evidence:
    """Make the control of response times for the period of *item*, store it and note it. Identities stay reserved. Raises DomainError."""
    session, on = db.session(), today()
    since, until = interested.report_period(item, on)
    organisation = queries.organisation(session)
    span = _("Filed from %(since)s to %(until)s", since=say_day(since), until=say_day(until))
    wanted = TimesFilter(since=since, until=until)
    report = ResponseTimes(session, wanted, queries.calendar_of(session, organisation), on, lambda statement: statement, words=[span])
    with workbook(session, report, current_user.get_full_name(), now()) as made:
        made.seek(0)
        content = made.read()
    key = f"R10-01-01 {since:%Y-%m}..{until:%Y-%m}"
    format = format_of(session, report.identifier, _(report.name))
    stored = files.store_file(session, content, f"{format.code or report.identifier}-{since:%Y-%m}..{until:%Y-%m}.xlsx", XLSX_TYPE)
    return interested.keep_report(session, item, key, f"{format.code or format.name} · {span}", stored, at=now())


# ── Evidence ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class EvidenceView(RuledView):
    """What shows that the groups are followed. What was found is only read; what was attached may be corrected, and its history stays."""

    datamodel = SQLAInterface(Evidence)
    route_base = "/evidence"
    class_permission_name = "Mechanism"
    include_route_methods = READ_ONLY | {"edit", "file"}
    list_title = _l("Evidence of the follow-up of interested parties")
    empty_text = _l("There is no evidence yet. The system looks for it each night, and anybody responsible may attach it.")
    list_columns = ["on", "title", "mechanism", "source", "created_at"]
    show_columns = ["mechanism", "on", "title", "source", "note", "created_at"]
    edit_columns = ["on", "title", "note"]
    filter_columns = ("mechanism", "source")
    search_words = ("title", "note")
    base_order = ("on", "desc")
    clipped = ("title", "mechanism")
    label_columns = {
        "on": _l("Day"), "title": _l("What it is"), "mechanism": _l("Follow-up mechanism"), "source": _l("Where it comes from"),
        "note": _l("Note"), "created_at": _l("Noted"),
    }  # fmt: skip

    @property
    def list_name(self) -> str:
        return "Evidence"

    def _loading(self, columns: Iterable[str]) -> list[Any]:
        return [joinedload(Evidence.mechanism), joinedload(Evidence.file)]

    def shown(self, item: Evidence, name: str) -> Any:
        if name == "title" and request.endpoint == "EvidenceView.show":
            return say_evidence(item)
        return super().shown(item, name)

    def title_of(self, item: Evidence) -> str:
        return f"{say_day(item.on)} · {item.title}"

    def may_edit(self, item: Evidence) -> bool:
        return item.source is EvidenceSource.ATTACHED

    def pre_update(self, item: Evidence) -> None:
        interested.correct_evidence(db.session(), item, at=now())

    def buttons(self, item: Evidence) -> list[Button]:
        found = [Button(_("The follow-up"), url_for("MechanismView.show", pk=item.mechanism_id))]
        if item.file_id is not None and may_download(item):
            found.append(Button(_("Download the file"), url_for("EvidenceView.file", pk=item.id)))
        return found + history_of("evidence", item.id)

    @expose("/file/<pk>")
    @has_access
    @permission_name("download")
    def file(self, pk: str) -> Response:
        """The file, as it was attached or issued."""
        item = self.item(pk)
        if item.file is None or not may_download(item):
            abort(404)
        return send_stored(item.file)
