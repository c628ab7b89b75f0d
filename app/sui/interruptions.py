"""Interruptions of the network: the register, the page of one, its steps, and what it does to the cases (Ley 142 art. 139)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.filters import FilterEqual
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, func, not_, select
from werkzeug.wrappers import Response
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange
from wtforms.validators import Optional as Empty

from app import queries
from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.domain import N_
from app.domain.interruptions import InterruptionKind, InterruptionState, NoticeStanding, minutes_of, notice_standing
from app.downloads import send_stored
from app.extensions import db, local, now, today
from app.forms import LenientDateField, NotTaken, UpTo
from app.listing import Choices
from app.listviews import Ready
from app.models import Interruption, InterruptionCause, Pqr, SuiLoad, SuiLoadRow
from app.operations import files
from app.operations import interruptions as operations
from app.reports.base import Kind
from app.screens.catalogues import LABELS, CatalogueView
from app.screens.records import history_of
from app.security import may, scope_cases
from app.steps import Steps
from app.sui.interruption_forms import EventForm, InstantField, LinkForm, NoticeForm, RestoreForm, VoidForm, ZonesField
from app.words import say_day, say_number, tidy

TONES = {
    InterruptionState.ANNOUNCED: "info", InterruptionState.RUNNING: "bad", InterruptionState.RESTORED: "ok",
    InterruptionState.VOIDED: "stop",
}  # fmt: skip
NOTICE_TONES = {
    NoticeStanding.IN_TIME: "ok", NoticeStanding.SAME_DAY: "warn", NoticeStanding.LATE: "bad", NoticeStanding.NONE: "bad",
    NoticeStanding.NOT_ASKED: "info",
}  # fmt: skip


def pill(tone: str, words: str) -> Markup:
    return Markup('<span class="pill {}">{}</span>').format(tone, words)


def say_minutes(minutes: int) -> str:
    """Return how long it lasted, in days, hours and minutes."""
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [ngettext("%(num)s day", "%(num)s days", days)] if days else []
    parts += [ngettext("%(num)s hour", "%(num)s hours", hours)] if hours else []
    parts += [ngettext("%(num)s minute", "%(num)s minutes", left)] if left or not parts else []
    return " ".join(parts)


def in_state(state: InterruptionState) -> ColumnElement[bool]:
    """Return the condition of those that are in *state* now."""
    at = now()
    is_over = and_(Interruption.ends_at.is_not(None), Interruption.ends_at <= at)
    alive = Interruption.voided_at.is_(None)
    return {
        InterruptionState.VOIDED: Interruption.voided_at.is_not(None),
        InterruptionState.RESTORED: and_(alive, is_over),
        InterruptionState.RUNNING: and_(alive, not_(func.coalesce(is_over, False)), Interruption.starts_at <= at),
        InterruptionState.ANNOUNCED: and_(alive, not_(func.coalesce(is_over, False)), Interruption.starts_at > at),
    }[state]


def with_notice(standing: NoticeStanding) -> ColumnElement[bool]:
    """Return the condition of those whose notice stands so, as `notice_standing` says."""
    planned, told = Interruption.kind == InterruptionKind.PLANNED, Interruption.notice_on
    return {
        NoticeStanding.IN_TIME: and_(told.is_not(None), told < Interruption.starts_on),
        NoticeStanding.SAME_DAY: and_(planned, told == Interruption.starts_on),
        NoticeStanding.LATE: and_(planned, told > Interruption.starts_on),
        NoticeStanding.NONE: and_(planned, told.is_(None)),
        NoticeStanding.NOT_ASKED: and_(not_(planned), func.coalesce(told >= Interruption.starts_on, True)),
    }[standing]


class InterruptionView(Steps, RuledView):
    """Interruptions of the network. Whoever writes one says where and since when; the rest follows. A voided one changes no more."""

    datamodel = SQLAInterface(Interruption)
    route_base = "/interruption"
    class_permission_name = "Interruption"
    include_route_methods = READ_WRITE | {"restore", "notice", "proof", "recount", "event", "link", "void"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "restore": "restore", "notice": "edit",
        "proof": "download", "recount": "edit", "event": "link", "link": "link", "void": "void",
    }  # fmt: skip
    show_template = "sui/interruption.html"
    list_title, add_title = _l("Interruptions of the service"), _l("New interruption")
    intro = _l("When the network leaves a sector without service, planned or not. The cut of a debtor is no interruption: it is an acta.")
    form_intro = _l("Write where and since when; the subscribers are counted from the zones. What nobody planned is told as it happens.")
    empty_text = _l("No interruption has been told yet. Write each one when it is planned, or as soon as it happens.")
    list_columns = ["number", "state", "kind", "cause", "sector", "starts_at", "lasted", "n_subscribers"]
    more_columns = ("state", "notice", "lasted", "starts_on", "municipality", "expected_end_at", "notice_on", "mass_event", "alternative")
    _what = (_l("What happens"), {"fields": ["kind", "cause", "service", "what"]})
    _where = (_l("Where"), {"fields": ["municipality", "settlement_code", "sector", "zones", "n_subscribers"]})
    _when = (_l("When"), {"fields": ["starts_at", "expected_end_at", "ends_at"]})
    _told = (_l("What the users were told and given"), {"fields": ["notice_on", "notice_means", "alternative"]})
    add_fieldsets = [_what, _where, _when, _told]
    show_fieldsets = [
        (_l("What happens"), {"fields": ["state", "kind", "cause", "service", "what", "voided_reason"]}),
        (_l("Where"), {"fields": ["municipality", "settlement_code", "sector", "zones", "n_subscribers"]}),
        (_l("When"), {"fields": ["starts_at", "expected_end_at", "ends_at", "lasted"]}),
        (_l("What the users were told and given"), {"fields": ["notice", "notice_on", "notice_means", "notice_file", "alternative"]}),
        (_l("The cases that it causes"), {"fields": ["mass_event"]}),
    ]
    search_words = ("number", "sector", "what")
    filter_columns = ("kind", "cause", "service", "municipality", "starts_on")
    own_facets = (
        Choices("state", _l("State"), lambda: [(each.name, each.value) for each in InterruptionState],
                lambda value, _moment: in_state(InterruptionState[value])),
        Choices("notice", _l("Notice to the users"), lambda: [(each.name, each.value) for each in NoticeStanding],
                lambda value, _moment: with_notice(NoticeStanding[value])),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("In course"), "state=RUNNING"), Ready(N_("Announced"), "state=ANNOUNCED&order=starts_on"),
        Ready(N_("Planned without notice before"), "notice=NONE,LATE"), Ready(N_("Of this month"), "starts_on=month"),
    )  # fmt: skip
    base_order = ("starts_on", "desc")
    clipped = ("sector", "cause")
    add_form_query_rel_fields = {"cause": [["is_active", FilterEqual, True]]}
    label_columns = {
        "number": _l("Number"), "state": _l("State"), "kind": _l("Kind"), "cause": _l("Cause"), "service": _l("Service"),
        "what": _l("What happened or will be done"), "municipality": _l("Municipality"),
        "settlement_code": _l("DANE code of the settlement"), "sector": _l("Sector"), "zones": _l("Zones of accounts"),
        "n_subscribers": _l("Subscribers reached"), "starts_at": _l("Start"), "starts_on": _l("Day of the start"),
        "expected_end_at": _l("Expected end"), "ends_at": _l("Restored at"), "lasted": _l("Time without service"),
        "notice": _l("Notice to the users"), "notice_on": _l("The users were told on"), "notice_means": _l("By which means"),
        "notice_file": _l("Proof of the warning to the users"), "alternative": _l("Alternative supply"), "mass_event": _l("Mass event"),
        "voided_reason": _l("Why it was voided"),
    }  # fmt: skip
    add_form_extra_fields = edit_form_extra_fields = {
        "what": TextAreaField(_l("What happened or will be done"), filters=[tidy],
                              validators=[DataRequired(_l("Write what happened, or what will be done.")), UpTo(4000)]),
        "settlement_code": StringField(_l("DANE code of the settlement"), filters=[tidy], validators=[UpTo(3)],
                                       description=_l("Three digits of the centro poblado. Empty: the municipal seat.")),
        "sector": StringField(_l("Sector"), filters=[tidy], validators=[DataRequired(_l("Write the sector.")), UpTo(200)],
                              description=_l("Neighbourhoods or streets, as people call them: citizens read it.")),
        "zones": ZonesField(_l("Zones of accounts"), validators=[Empty()],
                            description=_l("One a line, as the accounts write them. The subscribers are counted from them, and the "
                                           "counter is warned when somebody of these zones comes.")),
        "n_subscribers": IntegerField(_l("Subscribers reached"), validators=[Empty(), NumberRange(0, 9_999_999)],
                                      description=_l("Empty: an estimate, counted from the active accounts of the zones.")),
        "starts_at": InstantField(_l("Start"), validators=[InputRequired(_l("Write the day and the hour."))],
                                  description=_l("Hour of Colombia.")),
        "expected_end_at": InstantField(_l("Expected end"), validators=[Empty()], description=_l("What the users are told.")),
        "ends_at": InstantField(_l("Restored at"), validators=[Empty()], description=_l("Empty: it goes on, or has not begun.")),
        "notice_on": LenientDateField(_l("The users were told on"), validators=[Empty()]),
        "notice_means": StringField(_l("By which means"), filters=[tidy], validators=[UpTo(200)],
                                    description=_l("Radio, loudspeaker, posters, text messages, social networks…")),
        "alternative": StringField(_l("Alternative supply"), filters=[tidy], validators=[UpTo(200)],
                                   description=_l("Tank trucks, where and when. Empty: none.")),
    }  # fmt: skip

    # How it is read

    def may_edit(self, item: Interruption) -> bool:
        return item.voided_at is None

    def shown(self, item: Interruption, name: str) -> Any:
        match name:
            case "state":
                state = operations.state_at(item, now())
                return pill(TONES[state], _(state.value))
            case "notice":
                standing = notice_standing(item.kind, item.notice_on, item.starts_on)
                return pill(NOTICE_TONES[standing], _(standing.value))
            case "lasted":
                return say_minutes(self._minutes(item)) if item.voided_at is None and self._minutes(item) else "—"
            case "n_subscribers" if item.n_subscribers is not None:
                told = say_number(item.n_subscribers)
                return _("%(n)s (estimated)", n=told) if item.is_estimated else told
            case "notice_file" if item.notice_file is not None and self.may_do("proof"):
                url = url_for("InterruptionView.proof", pk=item.id)
                return Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(url, item.notice_file.name)
            case "mass_event" if item.mass_event is not None and may("can_show", "MassEvent"):
                return Markup('<a href="{}">{}</a>').format(url_for("MassEventView.show", pk=item.mass_event_id), item.mass_event.name)
        return super().shown(item, name)

    @staticmethod
    def _minutes(item: Interruption) -> int:
        return minutes_of(item.starts_at, item.ends_at, now())

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        match name:
            case "state":
                return Kind.TEXT, lambda item: _(operations.state_at(item, now()).value)
            case "notice":
                return Kind.TEXT, lambda item: _(notice_standing(item.kind, item.notice_on, item.starts_on).value)
            case "lasted":
                return Kind.INT, self._minutes
            case "n_subscribers":
                return Kind.INT, lambda item: item.n_subscribers
        return super().exported(name, column)

    def heading(self, name: str) -> Any:
        is_file = (request.endpoint or "").endswith(".export")
        return _("Minutes without service") if name == "lasted" and is_file else super().heading(name)

    def fieldsets_of(self, item: Interruption) -> list[tuple[Any, dict[str, Any]]]:
        """Leave out what has nothing to say yet."""
        out = {name for name in ("voided_reason", "notice_file", "expected_end_at", "settlement_code", "zones") if not getattr(item, name)}
        kept = [(title, {**each, "fields": [name for name in each["fields"] if name not in out]}) for title, each in self.show_fieldsets]
        return [(title, each) for title, each in kept if title != self.show_fieldsets[-1][0] or item.mass_event_id]

    def gap_of(self, item: Interruption) -> str:
        """Return what the law asks of planned works and this one lacks; empty when nothing."""
        standing = notice_standing(item.kind, item.notice_on, item.starts_on)
        if item.voided_at is not None or standing not in (NoticeStanding.NONE, NoticeStanding.LATE, NoticeStanding.SAME_DAY):
            return ""
        return _(
            "It is planned, and the users had no notice on a day before it. Without ample and timely notice it may count as a failure of "
            "the service (Ley 142 of 1994, art. 139.1; the law gives no number of days)."
        )

    def course(self, item: Interruption) -> list[tuple[date | datetime, str, str]]:
        """Return what happened to it, and what is expected, in its order: when, in words, with which tone."""
        told: list[tuple[date | datetime | None, str, str]] = [
            (item.notice_on, _("The users were told: %(means)s", means=item.notice_means), "info"),
            (item.starts_at, _("The service is interrupted"), "warn"),
            (None if item.ends_at else item.expected_end_at, _("Expected end"), "stop"),
            (item.ends_at, _("The service came back"), "ok"),
            (item.voided_at, _("Voided: %(reason)s", reason=item.voided_reason), "stop"),
        ]
        found = [(when, words, tone) for when, words, tone in told if when is not None]
        return sorted(found, key=lambda each: (local(each[0]).date() if isinstance(each[0], datetime) else each[0]).isoformat())

    # What hangs on it

    def related(self, item: Interruption) -> list[Related]:
        return [*self._caused(item), *self._maybe_caused(item), *self._reported(item)]

    def _caused(self, item: Interruption) -> list[Related]:
        if item.mass_event_id is None or not may("can_list"):
            return []
        ids = scope_cases(select(Pqr.id).where(Pqr.mass_event_id == item.mass_event_id), today())
        rows = [
            (Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(line.number), line.subject, line.status, line.filed_on, line.due_on)
            for line in queries.case_lines(db.session, ids, limit=10)
        ]
        columns = (_("Number"), _("Subject"), _("State"), _("Filed"), _("Due"))
        url = url_for("CaseView.list", mass_event=item.mass_event_id)
        return [Related(_("The cases that it caused, the newest first"), columns, rows, url)]

    def _maybe_caused(self, item: Interruption) -> list[Related]:
        """Return how many cases of its zones came while it lasted and belong to no mass event: each count leads to them."""
        if not item.zones or item.voided_at is not None or not may("can_list"):
            return []
        until = local(item.ends_at or now()).date()
        rows = []
        for zone, n in db.session.execute(scope_cases(operations.cases_by_zone(item, now()), today())):
            url = url_for("CaseView.list", service=item.service_id, zone=zone, filed_on=f"{item.starts_on}..{until}", mass_event="empty",
                          municipality=item.municipality_code)  # fmt: skip
            rows.append((zone, Markup('<a class="num" href="{}">{}</a>').format(url, say_number(n))))
        title = _("Cases of its zones while it lasted, of no mass event yet")
        return [Related(title, (_("Zone"), _("Cases")), rows)] if rows else []

    def _reported(self, item: Interruption) -> list[Related]:
        if not may("can_list", "Sui"):
            return []
        found = select(SuiLoad).join(SuiLoadRow, SuiLoadRow.load_id == SuiLoad.id).where(SuiLoadRow.interruption_id == item.id)
        rows = [
            (f"{load.month:%Y-%m}", load.version, load.status, load.frozen_at, load.receipt)
            for load in db.session.scalars(found.order_by(SuiLoad.id.desc()))
        ]
        columns = (_("Month"), _("Version"), _("State"), _("Frozen"), _("Receipt"))
        return [Related(_("Files of the SUI that have it"), columns, rows)] if rows else []

    def buttons(self, item: Interruption) -> list[Button]:
        if item.voided_at is not None:
            return history_of("interruption", item.id)
        is_open, has_event = item.ends_at is None, item.mass_event_id is not None
        steps = (
            ("restore", _("The service came back"), is_open and item.starts_at <= now()),
            ("notice", _("Record the notice to the users"), True),
            ("event", _("Open a mass event"), not has_event and may("can_add", "MassEvent")), ("link", _("Link a mass event"), True),
            ("void", _("Void it"), True),
        )  # fmt: skip
        found = [Button(label, url_for(f"InterruptionView.{name}", pk=item.id)) for name, label, is_due in steps
                 if is_due and self.may_do(name)]  # fmt: skip
        if item.zones and self.may_do("recount"):
            found.append(Button(_("Count the subscribers again"), url_for("InterruptionView.recount", pk=item.id), is_post=True))
        return found + history_of("interruption", item.id)

    # Told

    def prefill(self, form: Any) -> None:
        super().prefill(form)
        house = queries.organisation(db.session)
        form.starts_at.data = now()
        form.municipality.data = form.municipality.data or house.municipality
        form.kind.data = InterruptionKind.PLANNED if request.args.get("kind") == "PLANNED" else InterruptionKind.UNPLANNED

    def pre_add(self, item: Interruption) -> None:
        operations.tell(db.session(), item, at=now())

    def pre_update(self, item: Interruption) -> None:
        operations.amend(db.session(), item, at=now())

    # How it goes on

    @expose("/restore/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("restore")
    def restore(self, pk: str) -> Any:
        """Tell when the service came back."""
        form = RestoreForm()

        def act(item: Interruption) -> None:
            operations.restore(db.session(), item, form.ends_at.data, at=now())

        help = _l("Until then it lasts. The hour may be corrected later by editing it.")
        return self._step(pk, form, _("The service came back"), help, act)

    @expose("/notice/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def notice(self, pk: str) -> Any:
        """Record when and how the users were told, with its proof."""
        item = self.item(pk)
        form = NoticeForm(data={"notice_on": item.notice_on or today(), "notice_means": item.notice_means})

        def act(item: Interruption) -> None:
            part = request.files.get("proof")
            checked = files.check_upload(part.filename, part.stream) if part and part.filename else None
            stored = files.store_file(db.session(), checked) if checked else None
            operations.give_notice(db.session(), item, form.notice_on.data, form.notice_means.data, stored, at=now())

        help = _l("Planned works ask for ample and timely notice (Ley 142 of 1994, art. 139.1). The proof stays with the interruption.")
        return self._step(pk, form, _("Record the notice to the users"), help, act)

    @expose("/proof/<pk>")
    @has_access
    @permission_name("download")
    def proof(self, pk: str) -> Response:
        """Answer the proof of the notice."""
        item = self.item(pk)
        return send_stored(item.notice_file or abort(404), inline=True)

    @expose("/recount/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def recount(self, pk: str) -> Response:
        """Count the subscribers again from the active accounts of its zones."""
        done = _("The subscribers were counted again: it is an estimate.")
        return self._press(pk, lambda item: operations.recount(db.session(), item), done)

    @expose("/event/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("link")
    def event(self, pk: str) -> Any:
        """Open a mass event for the cases that it causes."""
        if not may("can_add", "MassEvent"):
            abort(403)
        item = self.item(pk)
        form = EventForm(data={"name": f"{item.number} · {item.sector} · {say_day(item.starts_on)}"[:120]})

        def act(item: Interruption) -> None:
            operations.open_event(db.session(), item, form.name.data)

        help = _l("One investigation and one answer text for all the cases that it causes. Link each case on its own page.")
        return self._step(pk, form, _("Open a mass event"), help, act)

    @expose("/link/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("link")
    def link(self, pk: str) -> Any:
        """Say which mass event gathers its cases; an empty box takes it out."""
        item = self.item(pk, ("mass_event",))
        form = LinkForm(data={"event": item.mass_event})

        def act(item: Interruption) -> None:
            operations.link(db.session(), item, form.event.data)

        return self._step(pk, form, _("Link a mass event"), _l("The cases of the event count as those that the interruption caused."), act)

    @expose("/void/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("void")
    def void(self, pk: str) -> Any:
        """Annul it, with a reason; its number stays."""
        form = VoidForm()

        def act(item: Interruption) -> None:
            operations.void(db.session(), item, form.reason.data, at=now())

        help = _l("For what was told by mistake or twice. It stays in the register with its number, and leaves with no file.")
        return self._step(pk, form, _("Void it"), help, act)


class InterruptionCauseView(CatalogueView):
    """Causes of interruptions, with the code that the file of the SUI asks for."""

    datamodel = SQLAInterface(InterruptionCause)
    route_base = "/interruptioncause"
    class_permission_name = "SuiRule"
    list_title, add_title = _l("Causes of interruptions"), _l("New cause of interruptions")
    intro = _l("No official table of causes was at hand: write the code that the SUI shows before a month is frozen.")
    empty_text = _l("There are no causes yet. Add why the network is interrupted: maintenance, damage, rationing…")
    list_columns = show_columns = ["name", "code", "sui_code", "position", "is_active"]
    add_columns = ["code", "name", "sui_code", "position", "is_active"]
    base_order = ("position", "asc")
    label_columns = {**LABELS, "sui_code": _l("Code of the SUI")}
    description_columns = {"sui_code": _l("As the form of the SUI lists it. Empty: a month with this cause cannot be frozen.")}
    validators_columns = {"name": [NotTaken(InterruptionCause, "name")]}
