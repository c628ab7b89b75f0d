"""Mi día, the first page of everybody: what is due, what came back, what waits for the reader; and the first steps of a new house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import IndexView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import days, jobs, mailer, queries, reader, selling, work
from app.caselist import light_shown, shown_name
from app.days import DayFigures, HouseFacts
from app.domain.errors import DomainError
from app.domain.states import PqrStatus
from app.extensions import LOCAL_ZONE, db, today
from app.models import Parameter, Pqr
from app.security import may, scope_cases
from app.words import say, say_day

N_WEEKS = 8
WEEK = timedelta(7)
#: Parameter that remembers that an administrator put the first steps away.
HIDDEN = "first_steps.hidden"


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that leads to its rows."""

    text: str
    n: int
    url: str
    tone: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """A week of the trend, with its two numbers and the lists behind them."""

    since: date
    filed: int
    answered: int

    @property
    def until(self) -> date:
        return self.since + WEEK - timedelta(1)

    @property
    def period(self) -> str:
        return f"{self.since:%Y-%m-%d}..{self.until:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a new installation needs before it attends."""

    text: str
    help: str
    url: str
    is_done: bool


def weeks_until(on: date) -> list[date]:
    """Return the Mondays of the last `N_WEEKS` weeks, oldest first; the last week is the one that runs."""
    monday = on - timedelta(on.weekday())
    return [monday - WEEK * back for back in range(N_WEEKS - 1, -1, -1)]


class HomeView(IndexView):
    """Mi día: what is due, what is late, what waits for the reader; every number leads to its rows."""

    class_permission_name = "Home"
    index_template = "home.html"

    @expose("/")
    def index(self) -> Any:
        if not current_user.is_authenticated:
            return redirect(self.appbuilder.get_url_for_login)
        if not may("can_get", "Home"):
            abort(403)
        on = today()
        house = days.house_facts(db.session, on, HIDDEN, work.alive_since()) if may("can_edit", "Organisation") else None
        facts: dict[str, Any] = {"on": on, "day": None, "house": house, "steps": steps_of(house, on) if house else []}
        try:
            if may("can_list"):
                facts |= self._day(on)
        except DomainError as error:  # the organisation or a year of the calendar is missing: the way to mend it is in the menu
            flash(say(error), "warning")
        if house:
            facts["silence"] = work.worker_is_silent() if jobs.is_connected() and not house.has_worker else ""
            facts["health"] = health_of(house, on)
        return self.render_template(self.index_template, title=_("My day"), may=may, **facts)

    def _day(self, on: date) -> dict[str, Any]:
        calendar = queries.calendar_of(db.session, queries.organisation(db.session))
        cases, waiting, weeks = scope_cases(select(Pqr.id), on), reader.waiting(), weeks_until(on)
        watched = selling.watches(on)
        figures = days.day_figures(
            db.session, cases, on, calendar, waiting=waiting, returned=reader.returned(), states=reader.next_steps(), periods=weeks,
            more=[
                days.reminded_since(current_user.id, datetime.combine(on, time(), LOCAL_ZONE)),
                *[days.rejected_items()] * may("can_handle", "BillingItem"),
                *(watch.counted() for watch in watched),
            ],
        )  # fmt: skip
        lines = queries.waiting_for(db.session, cases.where(waiting))
        return {
            "day": figures,
            "away": queries.stood_in_for(db.session, current_user.id, on),
            "is_working": calendar.is_working_day(on),
            "lights": light_tiles(figures),
            "mine": own_tiles(figures),
            "commercial": commercial_tiles(figures, watched),
            "weeks": [Week(*facts) for facts in zip(weeks, figures.filed, figures.answered, strict=True)],
            "lines": [(line, *light_shown(line, calendar, on), shown_name(line)) for line in lines],
        }

    @expose("/first-steps", methods=["POST"])
    @has_access
    @permission_name("first_steps")
    def first_steps(self) -> Response:
        """Put the first steps away for everybody, or bring them back."""
        row = db.session.get(Parameter, HIDDEN)
        if row is None:
            row = Parameter(key=HIDDEN, description=_("The first steps of a new installation do not show on Mi día"))
            db.session.add(row)
        row.value = "1" if request.form.get("hide") == "1" else "0"
        db.session.commit()
        return redirect(url_for("HomeView.index"))


def cases_url(**query: str) -> str:
    return url_for("CaseView.list", **query)


def light_tiles(figures: DayFigures) -> list[Tile]:
    """Return the cases by their light, the worst first."""
    words = {
        "silence": ("silence", _("In silence")), "late": ("bad", _("Late")), "now": ("soon", _("Due today or tomorrow")),
        "soon": ("warn", _("Next 5 working days")), "ok": ("ok", _("In time")), "stopped": ("stop", _("Clock stopped")),
    }  # fmt: skip
    return [Tile(words[name][1], n, cases_url(light=name), words[name][0]) for name, n in figures.lights.items()]


def own_tiles(figures: DayFigures) -> list[Tile]:
    """Return what the reader has to do, whatever its date."""
    words = {
        PqrStatus.RECEIVED: _("To route"), PqrStatus.SOLVED: _("Wait for my approval"), PqrStatus.ANSWERED: _("To notify"),
    }  # fmt: skip
    steps = (Tile(words[status], n, cases_url(status=status.name), "info") for status, n in figures.steps.items())
    returned = Tile(_("Returned to me"), figures.n_returned, cases_url(returned="me"), "warn")
    waiting = Tile(_("Waiting for me"), figures.n_waiting, cases_url(waiting="me"), "info")
    rest = (lapsed_tiles, silence_tiles, sspd_tiles, rejected_tiles, reminded_tiles)
    return [waiting, returned, *steps, *(tile for tiles in rest for tile in tiles(figures))]


def commercial_tiles(figures: DayFigures, watched: list[selling.Watch]) -> list[Tile]:
    """Return what the reader watches of the commercial side; alarms only when there is something."""
    tiles = ((each, Tile(each.text, figures.commercial.get(each.key, 0), each.url, each.tone)) for each in watched)
    return [tile for each, tile in tiles if tile.n or not each.is_alarm]


def rejected_tiles(figures: DayFigures) -> list[Tile]:
    """Return what billing rejected and waits for somebody; nothing when there is nothing."""
    if not figures.n_rejected:
        return []
    return [Tile(_("Rejected by billing"), figures.n_rejected, url_for("BillingItemView.list", status="REJECTED"), "warn")]


def reminded_tiles(figures: DayFigures) -> list[Tile]:
    """Return what the reader was reminded of today, by mail or here alone; nothing when it was nothing."""
    if not figures.n_reminded or not may("can_list", "Reminder"):
        return []
    url = url_for("ReminderView.list", mine="1", told_at=today().isoformat())
    return [Tile(_("Reminded today"), figures.n_reminded, url, "info")]


def lapsed_tiles(figures: DayFigures) -> list[Tile]:
    """Propose the cases whose citizen let the time to complete or clarify pass: whoever may end them decides (Ley 1755 arts. 17, 19)."""
    if not figures.n_lapsed or not may("can_withdraw"):
        return []
    return [Tile(_("The citizen did not complete in time"), figures.n_lapsed, cases_url(asked="over"), "warn")]


def silence_tiles(figures: DayFigures) -> list[Tile]:
    """Return the silences that the reader may recognise, with the end of the first 72 hours; nothing when there are none."""
    if not figures.silences or not may("can_recognise") or not may("can_list", "Silence"):
        return []
    text = _("Silence to recognise, the first by %(day)s", day=say_day(min(figures.silences)))
    return [Tile(text, sum(figures.silences.values()), url_for("SilenceView.list", pending="1", order="recognise_by"), "silence")]


def sspd_tiles(figures: DayFigures) -> list[Tile]:
    """Return the files that have to go to Superservicios, with the end of the first term; nothing when there are none."""
    if not figures.sspd_files or not may("can_send_to_sspd"):
        return []
    first = min(figures.sspd_files)
    text = _("File for Superservicios to send, the first by %(day)s", day=say_day(first))
    return [Tile(text, sum(figures.sspd_files.values()), cases_url(sspd="due"), "bad" if first < today() else "soon")]


# ── The administrator: first steps, and how the house is ──────────────────────────────────────────────────────────────────


def steps_of(house: HouseFacts, on: date) -> list[Step]:
    """Return what a new installation needs, in the order in which it is done; nothing when all is done."""
    areas, staffed = ", ".join(house.empty_processes), _("A case that is routed needs somebody who reads it.")
    years = [year for year in (on.year, on.year + 1) if year not in house.years]
    is_mail_set = mailer.is_configured(current_app.config)
    company = url_for("OrganisationView.edit", pk=house.organisation_id) if house.organisation_id else url_for("OrganisationView.list")
    steps = [
        Step(_("The company: name, NIT, address and e-mail"), _("They head every letter and receipt."), company, house.is_named),
        Step(_("Who signs the answers"), _("Name and post, as the letters print them."), company, house.has_signatory),
        Step(_("The logo"), _("PNG or JPEG, for letters and citizen pages."), company, house.has_logo),
        Step(_("The people who attend"), _("One user each: what a user does stays signed."), url_for("UserView.list"), house.n_users > 1),
        Step(
            _("Somebody in each process"),
            _("Still without anybody: %(processes)s.", processes=areas) if areas else staffed,
            url_for("ProcessMemberView.list"),
            house.has_processes and not areas,
        ),
        Step(
            _("The calendar of this year and the next"),
            _("Still to load: %(years)s.", years=", ".join(map(str, years))) if years else _("Legal dates are never guessed."),
            url_for("CalendarView.list", **({"year": str(years[0])} if years else {})),
            not years,
        ),
        Step(
            _("The mail server"),
            _("ATIENDE_SMTP_HOST and its neighbours, where the program starts. Until then mail waits and nothing is lost."),
            url_for("OutboxMessageView.list"),
            is_mail_set,
        ),
        Step(_("The first case"), _("Register one, or file it as a citizen would."), url_for("CaseView.register"), house.has_case),
    ]
    return [] if all(step.is_done for step in steps) else steps


def health_of(house: HouseFacts, on: date) -> list[Tile]:
    """Return what an administrator has to look after: mail that does not leave, tasks that fail, and a calendar that ends."""
    tiles = [
        Tile(_("Mail that did not leave"), house.n_failed, url_for("OutboxMessageView.list", status="FAILED"), "bad"),
        Tile(_("Mail waiting"), house.n_queued, url_for("OutboxMessageView.list", status="QUEUED"), "stop"),
    ]
    if house.n_failing:
        tiles.append(Tile(_("Periodic tasks that failed"), house.n_failing, url_for("PeriodicView.list"), "bad"))
    last = max(house.years, default=on.year - 1)
    if last <= on.year:
        tone = "bad" if last < on.year else "warn"
        tiles.append(Tile(_("Last year of the calendar"), last, url_for("CalendarView.list"), tone, str(last)))
    return tiles
