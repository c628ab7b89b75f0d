"""Interviews by telephone: the campaigns that are called for, the queue of each, and the page of a call, by one key an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app import queries
from app.domain.campaigns import CallOutcome, CampaignStatus
from app.domain.errors import DomainError
from app.domain.interviews import ENDS, GIVEN_UP, offered_hours
from app.domain.questionnaires import Form
from app.domain.states import ConsentKind
from app.extensions import LOCAL_ZONE, db, local, now, today
from app.lookups import BIGGEST_ID
from app.models import Account, Contract, SurveyCall, SurveyCampaign, SurveyInvitee, SurveyResponse
from app.operations import interviews as operations
from app.operations import survey_answers
from app.operations.questionnaires import form_of
from app.search import folded_contains
from app.security import may
from app.surveys import sheet
from app.words import say, tidy

#: Outcomes that an interviewer chooses, in the order of their keys; a finished interview says so itself.
OUTCOMES = (
    CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.CALL_BACK, CallOutcome.WRONG_NUMBER, CallOutcome.REFUSED, CallOutcome.OPTED_OUT,
    CallOutcome.PARTIAL,
)  # fmt: skip
TONES = {CallOutcome.ANSWERED: "ok", CallOutcome.PARTIAL: "info", CallOutcome.CALL_BACK: "info"}
N_NEXT, N_LAST = 12, 6


@dataclass(slots=True)
class Page:
    """What the page of a call shows besides what is stored: what was typed, and what is refused, by name of the field."""

    said: dict[str, list[str]] | None = None
    refused: dict[str, str] | None = None
    missing: tuple[str, ...] = ()
    trouble: str = ""
    phase: str = ""

    @property
    def status(self) -> int:
        return 422 if self.refused or self.missing or self.trouble else 200


class InterviewView(BaseView):
    """The telephone: `/interview/`. Whoever may interview calls whom the queue gives; nobody is called by two."""

    route_base = "/interview"
    default_view = "index"
    class_permission_name = "SurveyCampaign"
    method_permission_name = dict.fromkeys(("index", "queue", "next", "rest", "take", "call", "record"), "interview")

    # Which campaign, and whom

    @expose("/")
    @has_access
    def index(self) -> str:
        """The campaigns that take answers by telephone or on paper today, and what each waits for."""
        on = today()
        is_open = SurveyCampaign.status == CampaignStatus.OPEN, SurveyCampaign.opens_on <= on, SurveyCampaign.closes_on >= on
        takes = or_(SurveyCampaign.by_phone, SurveyCampaign.by_paper)
        rows = db.session.scalars(select(SurveyCampaign).where(*is_open, takes).order_by(SurveyCampaign.closes_on, SurveyCampaign.id)).all()
        figures = operations.figures(db.session, [row.id for row in rows], current_user.id, now())
        day = operations.day_of(db.session, current_user.id, now())
        return self.render_template("surveys/phone_index.html", campaigns=rows, figures=figures, day=day, may_type=_may_type())

    @expose("/<int:campaign_id>")
    @has_access
    def queue(self, campaign_id: int) -> str:
        """Whom one campaign has to call, and the press that gives the next."""
        campaign, at = self._campaign(campaign_id), now()
        try:
            operations.refuse_closed(campaign, at)
            trouble = ""
        except DomainError as error:
            trouble = say(error)
        typed = tidy(request.args.get("q", ""))[:80]
        their = joinedload(SurveyInvitee.contract).load_only(Contract.number), joinedload(SurveyInvitee.account).load_only(Account.number)
        following = operations.waiting(campaign.id, current_user.id, at).options(*their).limit(N_NEXT)
        return self.render_template(
            "surveys/phone_queue.html", campaign=campaign, trouble=trouble, now=at,
            figures=operations.figures(db.session, [campaign.id], current_user.id, at)[campaign.id],
            following=db.session.scalars(following).all(), day=operations.day_of(db.session, current_user.id, at), may_type=_may_type(),
            promised=db.session.scalars(operations.promised(campaign.id, at).limit(N_NEXT)).all(), me=current_user.id, typed=typed,
            found=db.session.scalars(_called(campaign.id, typed).options(*their).limit(N_NEXT)).all() if typed else (), tones=TONES,
            last=db.session.scalars(operations.last_calls(campaign.id, current_user.id).limit(N_LAST)).all(),
        )  # fmt: skip

    @expose("/<int:campaign_id>/next", methods=["POST"])
    @has_access
    def next(self, campaign_id: int) -> Response:
        """Hold the next one and lead to their call."""
        return self._next(self._campaign(campaign_id))

    @expose("/<int:campaign_id>/rest", methods=["POST"])
    @has_access
    def rest(self, campaign_id: int) -> Response:
        """Let go whom the reader holds, and lead to the queue."""
        campaign = self._campaign(campaign_id)
        operations.let_go(db.session(), current_user.id)
        db.session.commit()
        return redirect(url_for("InterviewView.queue", campaign_id=campaign.id))

    @expose("/take/<int:pk>", methods=["POST"])
    @has_access
    def take(self, pk: int) -> Response:
        """Hold somebody who was chosen from the list, and lead to their call."""
        invitee = self._invitee(pk)
        try:
            operations.take(db.session(), invitee, at=now(), user_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return redirect(url_for("InterviewView.queue", campaign_id=invitee.campaign_id))
        return redirect(url_for("InterviewView.call", pk=pk))

    def _next(self, campaign: SurveyCampaign) -> Response:
        try:
            found = operations.take_next(db.session(), campaign, at=now(), user_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            found = None
        else:
            if found is None:
                flash(_("Nobody is to be called now."), "info")
        if found is None:
            return redirect(url_for("InterviewView.queue", campaign_id=campaign.id))
        return redirect(url_for("InterviewView.call", pk=found.id))

    @staticmethod
    def _campaign(campaign_id: int) -> SurveyCampaign:
        found = db.session.get(SurveyCampaign, min(campaign_id, BIGGEST_ID))
        return found if found is not None and found.by_phone and found.status is not CampaignStatus.PROPOSED else abort(404)

    @staticmethod
    def _invitee(pk: int) -> SurveyInvitee:
        """Return whom a campaign calls, with what the page of the call says of them, or answer 404."""
        them = [joinedload(getattr(SurveyInvitee, name)) for name in ("campaign", "contact", "contract", "account", "held_by")]
        statement = select(SurveyInvitee).where(SurveyInvitee.id == min(pk, BIGGEST_ID)).options(*them)
        found = db.session.scalars(statement).first()
        return found if found is not None and found.campaign.by_phone and not found.is_reserve else abort(404)

    # The call

    @expose("/call/<int:pk>", methods=["GET", "POST"])
    @has_access
    def call(self, pk: int) -> Any:
        """The page of a call; it saves what it sends, one answer for script that asks for JSON, and finishes the interview."""
        invitee = self._invitee(pk)
        if request.method == "GET":
            return self._page(invitee, Page())
        form, is_finish = form_of(db.session(), invitee.campaign.version_id), request.form.get("do") == "finish"
        raw = sheet.sent(form, request.form, is_whole="whole" in request.form)
        try:
            refused = operations.answer(db.session(), invitee, raw, form=form, at=now(), user_id=current_user.id, language=_language(form))
            db.session.commit()
            if is_finish and not refused:
                operations.finish(db.session(), invitee, _wishes(), form=form, at=now(), user_id=current_user.id)
                db.session.commit()
        except survey_answers.Unanswered as error:
            db.session.rollback()
            return self._answered(invitee, Page(missing=error.names, trouble=say(error), phase="ask"))
        except DomainError as error:
            db.session.rollback()
            return self._answered(invitee, Page(trouble=say(error), said=sheet.shown(raw)), 409)
        if refused:
            told = {name: say(error) for name, error in refused.items()}
            return self._answered(invitee, Page(refused=told, said=sheet.shown(raw), phase="ask"))
        return self._go_on(invitee) if is_finish else self._answered(invitee, Page())

    def _answered(self, invitee: SurveyInvitee, page: Page, status: int = 0) -> Any:
        """Answer what was saved or refused: to script the refusals alone, else the page again."""
        if request.accept_mimetypes.best == "application/json":
            return jsonify(refused=page.refused or {}, trouble=page.trouble), status or page.status
        if page.status == 200:
            flash(_("Saved."), "success")
            return redirect(url_for("InterviewView.call", pk=invitee.id))
        return self._page(invitee, page), status or page.status

    def _go_on(self, invitee: SurveyInvitee) -> Response:
        flash(_("Interview finished: %(name)s.", name=invitee.name), "success")
        return self._next(invitee.campaign)

    @expose("/call/<int:pk>/record", methods=["POST"])
    @has_access
    def record(self, pk: int) -> Any:
        """Keep how the call ended, and lead to the next one."""
        invitee, chosen = self._invitee(pk), request.form.get("outcome", "")
        outcome = CallOutcome[chosen] if chosen in CallOutcome.__members__ else None
        try:
            if outcome not in OUTCOMES or outcome is None:
                raise DomainError(_("Choose how the call ended."))
            ended = operations.Ended(outcome, _call_back(), tidy(request.form.get("note"))[:2000])
            n_before = request.form.get("n", type=int)
            operations.record(db.session(), invitee, ended, at=now(), user_id=current_user.id, n_before=n_before)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            return self._page(invitee, Page(trouble=say(error), phase="dial")), 422
        flash(_("%(name)s: %(outcome)s.", name=invitee.name, outcome=_(outcome.value)), "success")
        return self._next(invitee.campaign)

    def _page(self, invitee: SurveyInvitee, page: Page) -> str:
        session, at = db.session(), now()
        form = form_of(session, invitee.campaign.version_id)
        language = _language(form)
        response = session.scalars(select(SurveyResponse).where(SurveyResponse.invitee_id == invitee.id)).first()
        values = survey_answers.answers_of(session, response, form) if response else {}
        calls = select(SurveyCall).where(SurveyCall.invitee_id == invitee.id).options(joinedload(SurveyCall.user)).order_by(
            SurveyCall.id.desc()
        )  # fmt: skip
        house = queries.organisation(session)
        hours = offered_hours(local(at), queries.calendar_of(session, house))
        script = form.script.replace("{organisation}.", f"{house.name.rstrip('.')}.").replace("{organisation}", house.name)
        facts = {
            "invitee": invitee, "campaign": invitee.campaign, "form": form, "language": language, "page": page,
            "script": script.replace("{name}", invitee.name), "said": page.said or sheet.shown(survey_answers.raw_of(values)),
            "refused": page.refused or {}, "ticks": sheet.ticks,
            "response": response, "n_answered": len(values), "calls": session.scalars(calls).all(), "tones": TONES,
            "outcomes": OUTCOMES, "hours": [(msgid, hour) for msgid, hour in hours if hour.date() <= invitee.campaign.closes_on],
            "letters": sheet.LETTERS, "day": operations.day_of(session, current_user.id, at), "blocked": _blocked(invitee, at), "at": at,
            "consent": queries.consents_in_force(session, today()).get(ConsentKind.SURVEY_NAME), "typed": request.form,
            "ends": ENDS, "has_changed_mind": invitee.status in GIVEN_UP, "house": house.name,
        }  # fmt: skip
        return self.render_template("surveys/phone_call.html", **facts)


def _called(campaign_id: int, typed: str) -> Select[tuple[SurveyInvitee]]:
    """Return whom a campaign asks with those words in the name, or those digits in the telephone."""
    digits = "".join(letter for letter in typed if letter.isdigit())
    matches = [folded_contains((SurveyInvitee.name,), typed), SurveyInvitee.phone.contains(digits) if len(digits) > 3 else None]
    asked = select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign_id, ~SurveyInvitee.is_reserve)
    return asked.where(or_(false(), *(each for each in matches if each is not None))).order_by(SurveyInvitee.name)


def _blocked(invitee: SurveyInvitee, at: datetime) -> str:
    """Return why *invitee* cannot be called by the reader now, or nothing."""
    try:
        operations.refuse_closed(invitee.campaign, at)
        operations.refuse_ended(invitee)
        operations.refuse_held(invitee, current_user.id, at)
    except DomainError as error:
        return say(error)
    return ""


def _language(form: Form) -> str:
    """Return the language in which the questions are read out: that of the address, where the form has it."""
    asked = request.values.get("language", "es")
    return asked if asked in form.languages else "es"


def _wishes() -> operations.Wishes:
    return operations.Wishes(*(request.form.get(f"w-{name}") == "1" for name in ("named", "contact", "case")))


def _call_back() -> datetime | None:
    """Return the hour that was chosen or typed, on the wall clock of the house, or None. Raises DomainError: it cannot be read."""
    chosen = request.form.get("hour", "")
    text = request.form.get("call_back_at", "") if chosen in ("", "other") else chosen
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise DomainError(_("Write the day and the hour, as in 24/07/2026 15:00.")) from None
    return found.replace(tzinfo=LOCAL_ZONE) if found and found.tzinfo is None else found


def _may_type() -> bool:
    return may("can_type", "SurveyCampaign")
