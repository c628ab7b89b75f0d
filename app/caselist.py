"""The list of cases, declared; `desk.CaseView` adds the pages of one case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session
from wtforms import Form, SelectField, StringField
from wtforms.validators import DataRequired

from app import queries, reader
from app.baseviews import RuledView
from app.days import file_is_due, to_recognise
from app.domain import N_
from app.domain.deadlines import Light, light_of, silence_on
from app.domain.errors import DomainError
from app.domain.states import Category, Identity, Move, PqrStatus, states_in
from app.domain.sui import LoadStatus
from app.domain.times import LATE_BANDS, Timeliness
from app.extensions import db, now, today
from app.forms import UpTo
from app.listing import EMPTY, Choices, Dates, Facet, Moment, Rows, Text, enum_facet, flag_facet
from app.listviews import Bulk, Ready, calendar_now
from app.lookups import lookup
from app.models import Account, Appeal, MassEvent, Municipality, Pqr, Process, Service, Silence, SuiLoad, SuiLoadRow
from app.operations import mass, messages, silence
from app.operations import pqr as operations
from app.reports.behaviour_sources import is_appeal, is_recurrent, was_open
from app.reports.pqr_report import band_key
from app.reports.pqr_sources import Gap, is_whole, lacks, lacks_some, late_within
from app.security import is_user, may, processes_of, scope_cases
from app.words import say, say_light, tidy


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
        if not late:  # the term ended on the last working day, and none has come since
            return light, _("In silence") if has_silence else _("Late")
        if has_silence:
            return light, ngettext("In silence · %(num)s working day", "In silence · %(num)s working days", late)
        return light, ngettext("%(num)s working day late", "%(num)s working days late", late)
    left = calendar.between(on, line.due_on)
    if line.due_on == on:
        return light, _("Due today")
    is_tomorrow = (line.due_on - on).days == 1  # on a Friday, Monday is one working day away and not tomorrow
    return light, _("Due tomorrow") if is_tomorrow else ngettext("%(num)s working day left", "%(num)s working days left", left)


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


def holds(pqr: Pqr) -> bool:
    """Whether the reader may act on a case: the whole house may, an owner while a process of theirs holds it."""
    if may("can_see_all") or pqr.holder_id == current_user.id:
        return True
    if pqr.process_id in set(db.session.scalars(processes_of(current_user.id, today()))):
        return True
    away = select(Pqr.id).where(Pqr.id == pqr.id, is_user(Pqr.holder_id, current_user.id, today()))
    return pqr.holder_id is not None and db.session.scalar(away) is not None


# ── Filters ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

BUCKET_NAMES = {
    "silence": N_("In silence"), "late": N_("Late"), "now": N_("Due today or tomorrow"), "soon": N_("Next 5 working days"),
    "ok": N_("In time"), "stopped": N_("Clock stopped"),
}  # fmt: skip


def _bucket(value: str, moment: Moment) -> ColumnElement[bool]:
    return queries.in_bucket(value, moment.today, moment.calendar())


def _only_me(name: str, label: Any, condition: Any) -> Choices:
    return Choices(name, label, lambda: (("me", N_("me")),), lambda _value, _moment: condition())


def _open(value: str, _moment: Moment) -> ColumnElement[bool]:
    alive = Pqr.status.in_(states_in(Category.OPEN, Category.STOPPED))
    return alive if value == "1" else ~alive


def _asked(value: str, moment: Moment) -> ColumnElement[bool]:
    return queries.asked_condition(moment.today, is_over=value == "over")


def _in_time(value: str, moment: Moment) -> ColumnElement[bool]:
    return queries.timeliness_on(moment.today) == Timeliness[value]


SILENCES = {"awaited": N_("To be recognised"), "recognised": N_("Recognised"), "risk": N_("At risk: not duly notified")}


def _silence(value: str, moment: Moment) -> ColumnElement[bool]:
    if value == "risk":
        return silence.risk_condition(db.session, moment.today)
    row = exists().where(Silence.pqr_id == Pqr.id)
    return row.where(to_recognise()) if value == "awaited" else row.where(Silence.recognised_on.is_not(None))


SSPD = {"due": N_("File to send"), "sent": N_("Sent, without result"), "decided": N_("Decided")}


def _sspd(value: str, _moment: Moment) -> ColumnElement[bool]:
    row = exists().where(Appeal.pqr_id == Pqr.id)
    if value == "due":
        return row.where(file_is_due())
    return row.where(Appeal.sspd_sent_on.is_not(None), Appeal.sspd_result.is_(None) if value == "sent" else Appeal.sspd_result.is_not(None))


def _appeals(value: str, _moment: Moment) -> ColumnElement[bool]:
    return is_appeal() if value == "1" else ~is_appeal()


class _OpenOn(Dates):
    """The cases that were open when a day was over; the last day, of a range."""

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        try:
            since, until = self.range_of(value)
        except ValueError:
            return None
        day = until or since
        return was_open(day, moment.today) if day else None

    def options(self, session: Session) -> list[tuple[str, str]]:
        return []


class _Zone(Text):
    """The zone of the account; empty is also that of a case without account."""

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        return or_(self.column.is_(None), self.column == "") if value == EMPTY else super().condition(value, moment)

    def words(self, session: Session, value: str) -> str:
        return _("(empty)") if value == EMPTY else value


#: What the PQR report counts: the list behind each of its figures.
LACKING = {"some": N_("Something that is owed"), "none": N_("Nothing"), **{gap.name: gap.value for gap in Gap}}
LATE_BY = {band_key(band): band for band in LATE_BANDS}
LATE_WORDS = dict(zip(LATE_BY, (N_("1 to 2 days"), N_("3 to 5 days"), N_("6 to 10 days"), N_("More than 10 days")), strict=True))


def _lacking(value: str, _moment: Moment) -> ColumnElement[bool]:
    if value in ("some", "none"):
        return lacks_some() if value == "some" else is_whole()
    return lacks(Gap[value])


def _late_by(value: str, moment: Moment) -> ColumnElement[bool]:
    return late_within(db.session(), LATE_BY[value], moment.today, moment.calendar())


def _of_account(column: Any) -> Any:
    """Return the expression of a column of the account of a case."""
    return select(column).where(Account.id == Pqr.account_id).correlate(Pqr).scalar_subquery()


@dataclass(frozen=True)
class ReportedIn(Facet):
    """In which month of which service a case was reported to the SUI: ACUEDUCTO-2026-07, by the version that counts."""

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        code, _dash, said = value.upper().partition("-")
        try:
            month = date.fromisoformat(f"{said}-01")
        except ValueError:
            return None
        load = exists().where(SuiLoadRow.pqr_id == Pqr.id, SuiLoadRow.load_id == SuiLoad.id, SuiLoad.service_id == Service.id)
        return load.where(Service.code == code, SuiLoad.month == month, SuiLoad.status != LoadStatus.REPLACED).correlate(Pqr)

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        return "".join((given.get("text") or [""])[0].split()).upper()[:40]


FACETS: tuple[Facet, ...] = (
    Choices("light", _l("Term"), BUCKET_NAMES.items, _bucket),
    Choices("open", _l("Open"), lambda: (("1", N_("Yes")), ("0", N_("No"))), _open),
    _only_me("waiting", _l("Waiting for"), reader.waiting),
    _only_me("returned", _l("Returned to"), reader.returned),
    Rows("holder", _l("Person in charge"), Pqr.holder_id, User, User.id, "user", True, lambda moment: Pqr.holder_id == moment.user_id),
    Choices("asked", _l("Asked of the citizen"), lambda: (("waits", N_("Has time")), ("over", N_("Time is over"))), _asked),
    Choices("timeliness", _l("Answer in time"), lambda: ((each.name, each.value) for each in Timeliness), _in_time),
    Choices("late_by", _l("Business days late"), LATE_WORDS.items, _late_by),
    Choices("lacks", _l("Proof that is missing"), LACKING.items, _lacking),
    flag_facet("is_priority", _l("Priority"), Pqr.is_priority),
    Choices("sap", _l("Positive silence"), SILENCES.items, _silence),
    Choices("sspd", _l("Superservicios"), SSPD.items, _sspd),
    ReportedIn("sui", _l("Reported to the SUI in (service and month)")),
    Rows("mass_event", _l("Mass event"), Pqr.mass_event_id, MassEvent, MassEvent.id, "event", True),
    Rows("answers", _l("Process that answers"), queries.answering_process(), Process, Process.id),
    Rows("municipality", _l("Municipality"), _of_account(Account.municipality_code), Municipality, Municipality.code, "municipality"),
    _Zone("zone", _l("Zone"), _of_account(Account.zone)),
    _OpenOn("open_on", _l("Open at the end of the day"), Pqr.filed_on),
    Choices("again", _l("Files again"), lambda: (("1", N_("Same cause within 90 days")),), lambda *_asked: is_recurrent(db.session)),
    Choices("appeal", _l("Is an appeal"), lambda: (("1", N_("Yes")), ("0", N_("No"))), _appeals),
    enum_facet("identity", _l("Identity"), Pqr.identity, Identity),
)

READY = (
    Ready(N_("Due today"), "open=1&due_on=today&order=due_on"),
    Ready(N_("Next 5 working days"), "open=1&due_on=next5&order=due_on"),
    Ready(N_("Late"), "light=late,silence&order=due_on"),
    Ready(N_("In silence"), "light=silence&order=due_on"),
    Ready(N_("At risk of silence"), "sap=risk&order=answered_on", "recognise"),
    Ready(N_("Waiting for me"), "waiting=me&order=due_on"),
    Ready(N_("Waiting for my approval"), "status=SOLVED&order=due_on", "issue_answer"),
    Ready(N_("To notify"), "status=ANSWERED&order=answered_on", "notify"),
    Ready(N_("Not completed in time"), "asked=over&order=filed_on", "withdraw"),
    Ready(N_("Not routed yet"), "status=RECEIVED&order=filed_on", "register"),
)


# ── Many cases at once ────────────────────────────────────────────────────────────────────────────────────────────────────


class RouteForm(FlaskForm):
    process_id = SelectField(_l("Process"), coerce=int, validate_choice=True)
    reason = StringField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Say why: the process will read it.")), UpTo(500)])

    def __init__(self) -> None:
        super().__init__()
        rows = db.session.scalars(select(Process).where(Process.is_active, ~Process.is_front_desk).order_by(Process.name))
        self.process_id.choices = [(row.id, row.name) for row in rows]


def _refusal(move: Move, pqr: Pqr) -> str:
    if not holds(pqr):
        return _("Another process has it now.")
    try:
        operations.arrow_for(move, pqr.status)
    except DomainError as error:
        return say(error)
    return ""


def _close_refusal(_view: Any, pqr: Pqr) -> str:
    """Closing many is for cases whose term to appeal is over; a waiver is written case by case."""
    refused = _refusal(Move.CLOSE, pqr)
    if not refused and pqr.appeal_until and pqr.appeal_until >= today():
        return _("The citizen may still appeal. Close it one by one if there is a waiver.")
    return refused


def _route(_view: Any, pqr: Pqr, form: RouteForm) -> None:
    process = db.session.get_one(Process, form.process_id.data)
    if pqr.process_id == process.id and pqr.status is PqrStatus.ROUTED:
        return  # it is there already
    at = now()
    operations.route(db.session, pqr, process, form.reason.data, at=at, actor_id=current_user.id)
    messages.tell_routed(db.session, pqr, at)


class LinkForm(FlaskForm):
    event = lookup(_l("Mass event"), "event", optional=True, description=_l("Empty: about no mass event."))


def _link_refusal(_view: Any, pqr: Pqr) -> str:
    if not holds(pqr):
        return _("Another process has it now.")
    return _("It is over: there is nothing left to answer.") if pqr.status.is_final else ""


def _link(_view: Any, pqr: Pqr, form: LinkForm) -> None:
    mass.link(db.session, pqr, form.event.data)


def _close(_view: Any, pqr: Pqr, _form: Any) -> None:
    at = now()
    operations.close(db.session, pqr, waiver="", at=at, actor_id=current_user.id)
    messages.tell_closed(db.session, pqr, at)


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class CaseList(RuledView):
    """Cases, 25 a page; rows are lines of one SELECT, not entities."""

    datamodel = SQLAInterface(Pqr)
    class_permission_name = "Pqr"
    list_template = "case/list.html"
    list_title = _l("Cases (PQR)")
    search_hint = _l("Number, name, account, subject")
    empty_text = _l("There are no cases yet. The first one that is registered, or that a citizen files, appears here.")
    list_columns = ["number", "request_type", "subject", "party", "process", "light", "due_on"]
    more_columns = (
        "status", "filed_on", "answered_on", "notified_on", "closed_on", "channel", "service", "account", "cause", "holder", "outcome",
        "regime", "is_priority", "invoice_number", "disputed_cop",
    )  # fmt: skip
    show_columns = ["number"]
    own_facets = FACETS
    ready_filters = READY
    base_order = ("filed_on", "desc")
    clipped = ("subject", "party", "cause")
    label_columns = {
        "number": _l("Number"), "request_type": _l("Type"), "subject": _l("Subject"), "party": _l("Who"), "process": _l("Process"),
        "light": _l("Term"), "due_on": _l("Due"), "status": _l("State"), "filed_on": _l("Filed"), "answered_on": _l("Answered"),
        "notified_on": _l("Notified"), "closed_on": _l("Closed"), "channel": _l("Channel"), "service": _l("Service"),
        "account": _l("Account"), "cause": _l("Cause"), "holder": _l("Person in charge"), "outcome": _l("Sense of the answer"),
        "regime": _l("Regime"), "is_priority": _l("Priority"), "invoice_number": _l("Invoice"), "disputed_cop": _l("Disputed value"),
    }  # fmt: skip
    bulk = (
        Bulk("route", _l("Route"), "route", lambda _view, pqr: _refusal(Move.ROUTE, pqr), _route, RouteForm),
        Bulk("close", _l("Close"), "close", _close_refusal, _close),
        Bulk("link", _l("Link to a mass event"), "link_event", _link_refusal, _link, LinkForm),
    )
    SORTED = ("number", "filed_on", "due_on", "answered_on")

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form  # a case is never written through a generated form

    def may_do(self, method: str) -> bool:
        return method not in ("add", "edit") and super().may_do(method)

    # Rows

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_cases(statement, today())

    def narrowed(self) -> Select[Any]:
        statement = super().narrowed()
        if "party" in self.listing().values and not may("can_see_reserved"):
            statement = statement.where(Pqr.identity == Identity.NAMED)  # the list of somebody's cases would tell who filed
        return statement

    def order_column(self, name: str) -> Any:
        """Only what an index serves; never the name, whose place would tell a reserved identity."""
        return getattr(Pqr, name) if name in self.SORTED else None

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return queries.case_columns(statement, columns)

    def line_of(self, row: Any) -> Any:
        return row

    # Cells

    def shown(self, item: Any, name: str) -> Any:
        match name:
            case "party":
                return shown_name(item)
            case "light":
                return say_light(*light_shown(item, calendar_now(), today()))
        return super().shown(item, name)

    def title_of(self, item: Any) -> str:
        return str(item.number)

    def row_url(self, item: Any) -> str:
        return f"{self.listing().url}{item.number}"  # `/pqr/` and the number: a list asks 25 times

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """The queue."""
        return super().list()
