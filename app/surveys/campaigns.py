"""The register of campaigns, the page of each, its steps, the people it asks, and the calculator of samples."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload

from app import asking
from app.baseviews import READ_ONLY, READ_WRITE, RuledView
from app.domain import N_
from app.domain.campaigns import (
    RESERVES,
    CampaignMove,
    CampaignStatus,
    Fate,
    InviteeStatus,
    ResponseStatus,
    is_file_only,
    period_label,
    takes_answers,
)
from app.domain.errors import DomainError
from app.domain.improvement import ActionOrigin
from app.domain.surveys import margin_of_error, sample_size, z_of
from app.extensions import db, now, today
from app.intake import blame
from app.listing import Choices, Moment, Rows
from app.listviews import Ready
from app.models import Account, CommercialEvent, Questionnaire, SurveyCampaign, SurveyInvitee, SurveyQuota, SurveyResponse
from app.operations import campaigns as operations
from app.operations import survey_audience
from app.security import may
from app.steps import Steps
from app.surveys.campaign_forms import CampaignForm, CloseForm, ReasonForm, SampleForm, UntilForm
from app.words import say_day, say_number, say_phone

TONES = {
    CampaignStatus.PROPOSED: "warn", CampaignStatus.OPEN: "info", CampaignStatus.CLOSED: "ok", CampaignStatus.DROPPED: "stop",
}  # fmt: skip
PEOPLE_TONES = {
    InviteeStatus.WAITING: "info", InviteeStatus.STARTED: "soon", InviteeStatus.ANSWERED: "ok", InviteeStatus.REFUSED: "stop",
    InviteeStatus.LOST: "stop", InviteeStatus.OPTED_OUT: "bad",
}  # fmt: skip
WAYS = {
    "by_link": N_("Personal link, by mail"), "by_phone": N_("Telephone interview"), "by_qr": N_("Printed code"),
    "by_kiosk": N_("Kiosk at the office"), "by_paper": N_("Paper, typed in by us"), "by_file": N_("A file with answers of another program"),
}  # fmt: skip
OPEN, OVER = (CampaignStatus.OPEN,), (CampaignStatus.OPEN, CampaignStatus.CLOSED)
#: Other rooms that a campaign leads to: its words, endpoint, name of the id there, right, states, and the channel that it takes.
DOORS: tuple[tuple[str, str, str, tuple[str, str], tuple[CampaignStatus, ...], str], ...] = (
    (N_("Telephone interviews"), "InterviewView.queue", "campaign_id", ("can_interview", "SurveyCampaign"), OPEN, "by_phone"),
    (N_("Type sheets of paper"), "SheetView.sheet", "campaign_id", ("can_type", "SurveyCampaign"), OPEN, "by_paper"),
    (N_("Invitations by mail"), "SurveyDoorView.invitations", "pk", ("can_invite", "SurveyCampaign"), OPEN, "by_link"),
    (N_("Poster with the code (PDF)"), "SurveyDoorView.poster", "pk", ("can_invite", "SurveyCampaign"), OPEN, "by_qr"),
    (N_("Kiosk on this device"), "SurveyDoorView.kiosk", "pk", ("can_invite", "SurveyCampaign"), OPEN, "by_kiosk"),
    (N_("Answers from a file"), "ImportBatchView.add", "campaign", ("can_run", "Import"), OPEN, "by_file"),
    (N_("Results"), "SurveyResultView.show", "pk", ("can_list", "SurveyResult"), OVER, ""),
    (N_("Answers one by one"), "SurveyResponseView.list", "campaign", ("can_see_answers", "SurveyResult"), OVER, ""),
    (N_("Open answers"), "SurveyWordsView.list", "campaign", ("can_see_answers", "SurveyResult"), OVER, ""),
    (N_("Alarms and contacts"), "SurveyAlarmView.list", "campaign", ("can_list", "SurveyAlarm"), OVER, ""),
    (N_("Report"), "SurveyReportView.show", "pk", ("can_list", "SurveyResult"), OVER, ""),
)
N_ANSWERED = (
    select(func.count()).select_from(SurveyResponse)
    .where(SurveyResponse.campaign_id == SurveyCampaign.id, SurveyResponse.status == ResponseStatus.COMPLETE)
    .correlate(SurveyCampaign).scalar_subquery()
)  # fmt: skip
#: Margins that the calculator compares.
MARGINS = (Decimal(1), Decimal(2), Decimal(3), Decimal(5), Decimal("7.5"), Decimal(10))


def short_condition(value: str, moment: Moment) -> ColumnElement[bool]:
    is_short = SurveyCampaign.id.in_(operations.short_of_answers(moment.today))
    return is_short if value == "1" else ~is_short


class SurveyCampaignView(Steps, RuledView):
    """The campaigns of surveys: written and confirmed by the commercial side, closed on their day."""

    datamodel = SQLAInterface(SurveyCampaign)
    route_base = "/surveycampaign"
    class_permission_name = "SurveyCampaign"
    include_route_methods = READ_WRITE | {"confirm", "close", "until", "drop", "calculator"}
    list_template = "surveys/campaigns.html"
    list_title, add_title = _l("Campaigns of surveys"), _l("New campaign")
    intro = _l("A campaign asks one form about one period. It proposes itself when it is due, and opens when somebody confirms it.")
    empty_text = _l("There are no campaigns yet. Publish a form, then add its campaign here; those with a frequency propose themselves.")
    list_columns = ["number", "name", "period", "status", "opens_on", "closes_on", "answered"]
    show_columns = [*list_columns, "questionnaire", "audience", "period_from", "period_until", "process", "responsible", "is_sampled"]
    more_columns = ["confirmed_by", "closed_at", "population", "sample_size"]
    search_words = ("number", "name")
    base_order = ("opens_on", "desc")
    clipped = ("name",)
    label_columns = {
        "number": _l("Number"), "name": _l("Name"), "period": _l("Period"), "status": _l("State"), "opens_on": _l("Opens on"),
        "closes_on": _l("Closes on"), "answered": _l("Answers received"), "questionnaire": _l("Form"), "audience": _l("Whom it is for"),
        "period_from": _l("Period, from"), "period_until": _l("Period, until"), "process": _l("Process that carries it out"),
        "responsible": _l("Responsible"), "is_sampled": _l("By sample"), "confirmed_by": _l("Confirmed by"), "closed_at": _l("Closed on"),
        "population": _l("Population"), "sample_size": _l("Answers wanted"),
    }  # fmt: skip
    formatters_columns = {"responsible": lambda user: user.get_full_name(), "confirmed_by": lambda user: user.get_full_name()}
    own_facets = (Choices("short", _l("About to close with few answers"), lambda: (("1", N_("Yes")), ("0", N_("No"))), short_condition),)
    ready_filters = (
        Ready(N_("To be confirmed"), "status=PROPOSED&order=opens_on"),
        Ready(N_("Answering"), "status=OPEN&order=closes_on"),
        Ready(N_("Over this year"), "status=CLOSED&closes_on=year"),
    )

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return super().lines(statement, columns).add_columns(N_ANSWERED.label("n_answered"))

    def line_of(self, row: Any) -> SurveyCampaign:
        row[0].n_answered = row[1]
        return super().line_of(row)  # type: ignore[no-any-return]

    def title_of(self, item: SurveyCampaign) -> str:
        return item.number

    def may_edit(self, item: SurveyCampaign) -> bool:
        return item.status is CampaignStatus.PROPOSED

    def shown(self, item: Any, name: str) -> Any:
        match name:
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(TONES[item.status], _(item.status.value))
            case "period":
                return period_label(item.period_from, item.period_until)
            case "answered":
                if item.confirmed_at is None:
                    return "—"
                n = say_number(item.n_answered)
                return _("%(n)s of %(wanted)s", n=n, wanted=say_number(item.sample_size)) if item.sample_size else n
            case "population" | "sample_size":
                value = getattr(item, name)
                return "—" if value is None else say_number(value)
        return super().shown(item, name)

    # The page

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        """What a campaign is, how far it has come; before it is confirmed, whom it would ask."""
        item = self.item(pk, ("questionnaire", "version", "process", "responsible", "confirmed_by", "document"))
        events = select(CommercialEvent).where(CommercialEvent.campaign_id == item.id).options(joinedload(CommercialEvent.actor))
        is_confirmed = item.status in OVER
        facts = {
            "item": item, "view": self, "tone": TONES[item.status], "today": today(), "doors": doors(item),
            "ways": [words for way, words in WAYS.items() if getattr(item, way)], "moves": CampaignMove.__members__, "fates": list(Fate),
            "events": [(event, told_of(event)) for event in db.session.scalars(events.order_by(CommercialEvent.id.desc()))],
            "outlook": survey_audience.outlook(db.session(), item, today()) if item.status is CampaignStatus.PROPOSED else None,
            "progress": operations.progress(db.session(), item) if is_confirmed else None, "people_tones": PEOPLE_TONES,
            "takes_answers": takes_answers(item, today()), "is_file_only": is_file_only(item), "splits": survey_audience.splits_of(item),
            "asks_people": survey_audience.asks_people(item), "margin": self._margin,
            "ask": asking.ask_about(ActionOrigin.SURVEY, item) if is_confirmed else [], "asked": asking.asked_by(ActionOrigin.SURVEY, item),
        }  # fmt: skip
        return self.render_template("surveys/campaign_show.html", **facts)

    @staticmethod
    def _margin(n: int, population: int, confidence: int) -> str:
        """Return the margin of error of *n* answers as people read it: ± 4,9."""
        return f"± {say_number(round(Decimal(margin_of_error(n, population or None, confidence=confidence)), 1))}"

    # Writing

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Write a campaign of the form named by `?form=`; without it, answer the forms to choose from. `do=look` stores nothing."""
        questionnaire = db.session.get(Questionnaire, request.args.get("form", 0, type=int))
        if questionnaire is None or not questionnaire.is_active:
            forms = select(Questionnaire).where(Questionnaire.is_active).order_by(Questionnaire.position, Questionnaire.name)
            return self.render_template("surveys/campaign_forms.html", view=self, forms=db.session.scalars(forms).all())
        campaign = SurveyCampaign(**operations.next_usual(db.session(), questionnaire, today()))
        return self._written(campaign, questionnaire, self.add_title)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Correct a campaign that nobody confirmed yet."""
        item = self.item(pk, ("questionnaire", "responsible"))
        if not self.may_edit(item):
            flash(_("%(number)s is “%(status)s”: it no longer changes.", number=item.number, status=_(item.status.value)), "warning")
            return redirect(self.row_url(item))
        return self._written(item, item.questionnaire, _("Correct %(number)s", number=item.number))

    def _written(self, campaign: SurveyCampaign, questionnaire: Questionnaire, title: Any) -> Any:
        """Answer the form of *campaign*, or store it; what somebody else changed meanwhile is not written over."""
        form, looked, seen = CampaignForm(questionnaire.audience, obj=campaign), {}, self._seen(campaign)
        fieldsets, number = form.sections(questionnaire.audience), campaign.number
        if form.validate_on_submit():
            try:
                if request.form.get("seen", seen) != seen:
                    raise DomainError(N_("Somebody else changed this campaign meanwhile. Look at it in another tab, then save again."))
                looked = self._looked_or_stored(campaign, questionnaire, form)
                if not looked:
                    flash(_("%(number)s is saved. It opens when somebody confirms it.", number=campaign.number), "success")
                    return redirect(self.row_url(campaign))
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
        facts = {"form": form, "number": number, "back": request.view_args.get("pk"), "questionnaire": questionnaire, "title": title,
                 "view": self, "fieldsets": fieldsets, "seen": seen, **looked}  # fmt: skip
        return self.render_template("surveys/campaign_form.html", **facts), 422 if form.errors else 200

    @staticmethod
    def _looked_or_stored(campaign: SurveyCampaign, questionnaire: Questionnaire, form: CampaignForm) -> dict[str, Any]:
        """Store what was typed and return nothing; or, asked only to look, return what the page says of it and store nothing."""
        with db.session.no_autoflush:
            form.fill(campaign)
            if request.form.get("do") != "look":
                operations.write(db.session(), campaign, at=now(), actor_id=current_user.id)
                db.session.commit()
                return {}
            campaign.audience = questionnaire.audience
            operations.check(campaign)
            if campaign in db.session:
                db.session.expunge(campaign)  # what was typed is looked at, and goes nowhere
            found = survey_audience.outlook(db.session(), campaign, today())
        return {"outlook": found, "campaign": campaign, "splits": survey_audience.splits_of(campaign), "fates": list(Fate)}

    # Steps

    @expose("/confirm/<pk>", methods=["POST"])
    @has_access
    @permission_name("confirm")
    def confirm(self, pk: str) -> Any:
        """Draw whom it asks and open it."""
        return self._press(pk, lambda item: operations.confirm(db.session(), item, at=now(), actor_id=current_user.id),
                           _("The campaign is open. Whom it asks was drawn and does not change any more."))  # fmt: skip

    @expose("/close/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("close")
    def close(self, pk: str) -> Any:
        """Close it; before its last day is over, with a reason."""
        form = CloseForm()
        help = _l("From here on no answer is taken, and what its figures ask for goes off. Before its last day is over, say why.")
        return self._step(pk, form, _(CampaignMove.CLOSE.value), help, lambda item: operations.close(
            db.session(), item, at=now(), actor_id=current_user.id, reason=form.reason.data or ""))  # fmt: skip

    @expose("/until/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("reopen")
    def until(self, pk: str) -> Any:
        """Give an open one another last day, or open a closed one again."""
        item = self.item(pk)
        if item.status not in OVER:
            abort(404)
        is_open = item.status is CampaignStatus.OPEN
        act = operations.extend if is_open else operations.reopen
        move = CampaignMove.EXTEND if is_open else CampaignMove.REOPEN
        form = UntilForm(data={"closes_on": max(item.closes_on, today())})
        help = _l("People answer until that day. Your reason stays in its history.")
        return self._step(pk, form, _(move.value), help, lambda item: act(
            db.session(), item, form.reason.data, form.closes_on.data, at=now(), actor_id=current_user.id))  # fmt: skip

    @expose("/drop/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("drop")
    def drop(self, pk: str) -> Any:
        """Give a proposed one up, with a reason."""
        form = ReasonForm()
        help = _l("Its period stays without figures, and is not proposed again. Your reason stays in its history.")
        return self._step(pk, form, _(CampaignMove.DROP.value), help, lambda item: operations.drop(
            db.session(), item, form.reason.data, at=now(), actor_id=current_user.id))  # fmt: skip

    # The calculator

    @expose("/calculator", methods=["GET"])
    @has_access
    @permission_name("list")
    def calculator(self) -> Any:
        """How many answers a figure needs, with its reckoning; it stores nothing."""
        users = db.session.scalar(select(func.count(func.distinct(Account.party_id))).where(Account.is_active)) or 0
        asked = request.args if request.args.get("error_percent") else None
        form = SampleForm(asked, data=None if asked else {"population": users or None})
        facts: dict[str, Any] = {"form": form, "view": self, "users": users, "size": None}
        if asked is None or form.validate():
            facts |= reckoned(form.population.data, form.confidence.data, Decimal(form.error_percent.data))
        return self.render_template("surveys/calculator.html", **facts), 422 if form.errors else 200


def reckoned(population: int | None, confidence: int, error: Decimal) -> dict[str, Any]:
    """Return the size of a sample with the numbers it comes from, and what other margins would take."""
    sizes = [(margin, [sample_size(population, confidence=each, error_percent=margin) for each in (90, 95, 99)])
             for margin in sorted({*MARGINS, error})]  # fmt: skip
    return {
        "size": sample_size(population, confidence=confidence, error_percent=error),
        "endless": sample_size(None, confidence=confidence, error_percent=error),
        "z": say_number(round(Decimal(z_of(confidence)), 3)), "sizes": sizes, "population": population, "error": error,
        "confidence": confidence, "n_to_try": 1 + RESERVES, "share": say_number(Decimal("0.25")), "part": say_number(error / 100),
    }  # fmt: skip


def doors(item: SurveyCampaign) -> list[tuple[str, str]]:
    """Return the rooms that the reader may go to from *item*: words and address."""
    return [
        (words, url_for(endpoint, **{argument: item.id}))
        for words, endpoint, argument, right, states, way in DOORS
        if item.status in states and (not way or getattr(item, way)) and may(*right)
    ]


def told_of(event: CommercialEvent) -> str:
    """Return the facts of an event as people read them."""
    facts = event.facts
    if "seed" in facts and facts.get("population"):
        words = {"n": say_number(facts["size"]), "population": say_number(facts["population"]), "seed": facts["seed"]}
        return _("%(n)s answers wanted of %(population)s people; seed of the drawing: %(seed)s", **words)
    if "closes_on" in facts:
        days = {name: say_day(date.fromisoformat(facts[name])) for name in ("closes_on", "instead_of")}
        return _("Until %(closes_on)s instead of %(instead_of)s", **days)
    return ""


class SurveyInviteeView(RuledView):
    """Whom the campaigns ask, and how far each came; what they answered stands elsewhere, without their name."""

    datamodel = SQLAInterface(SurveyInvitee)
    route_base = "/surveyinvitee"
    class_permission_name = "SurveyCampaign"
    include_route_methods = READ_ONLY - {"show"}
    list_title = _l("People asked")
    intro = _l("Whom each campaign asks and how far they came. Their answers are kept apart from their names.")
    empty_text = _l("Nobody is asked yet. The people of a campaign are drawn when it is confirmed.")
    list_columns = ["name", "campaign", "status", "quota", "phone", "email"]
    more_columns = ["n_attempts", "n_reminders", "is_reserve", "invited_on", "reminded_on", "call_at", "contract", "account", "position"]
    show_columns = [*list_columns, "is_reserve", "contract", "account", "n_attempts", "n_reminders"]
    search_words = ("name", "email", "phone")
    own_facets = (
        Rows("campaign", _l("Campaign"), SurveyInvitee.campaign_id, SurveyCampaign, SurveyCampaign.id),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("Not yet answered"), "status=WAITING,STARTED&is_reserve=0"),
        Ready(N_("Reserves"), "is_reserve=1"),
    )
    base_order = ("id", "asc")
    label_columns = {
        "name": _l("Name"), "campaign": _l("Campaign"), "status": _l("How far"), "quota": _l("Stratum of the sample"), "phone": _l("Phone"),
        "email": _l("E-mail"), "n_attempts": _l("Calls"), "n_reminders": _l("Reminders"), "is_reserve": _l("Reserve"),
        "invited_on": _l("Link sent on"), "reminded_on": _l("Reminded on"), "call_at": _l("Call not before"), "contract": _l("Contract"),
        "account": _l("Account"), "position": _l("Place in the drawing"),
    }  # fmt: skip

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        its_stratum = joinedload(SurveyInvitee.quota).joinedload(SurveyQuota.service)
        return super().lines(statement, columns).options(joinedload(SurveyInvitee.campaign), its_stratum)

    def shown(self, item: Any, name: str) -> Any:
        match name:
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(PEOPLE_TONES[item.status], _(item.status.value))
            case "campaign":
                url = url_for("SurveyCampaignView.show", pk=item.campaign_id)
                return Markup('<a class="num" href="{}">{}</a>').format(url, item.campaign)
            case "phone":
                return say_phone(item.phone)
            case "quota":
                by = survey_audience.splits_of(item.campaign) if item.quota else ()
                return survey_audience.name_of_quota(item.quota, by) if by else "—"
        return super().shown(item, name)
