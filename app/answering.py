"""
The citizen answers a survey: by personal link, by the printed code, or at the kiosk of the office. Pages of the portal, without sign-in.

A page of the questionnaire at a time, kept at each “Next”, so that a call or a dead battery costs nothing. Everything works without
script; with it, a question shows as soon as its condition holds. What is answered is stored by `operations/survey_answers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, g, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app import portal as pages
from app import queries
from app.domain.campaigns import AnswerVia, CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import Asked, Form, QuestionKind, Section, Value, is_mentioned, missing, names
from app.domain.states import ConsentKind
from app.extensions import db, now, start_writing, today
from app.forms import PressForm
from app.models import ConsentText, SurveyCampaign, SurveyInvitee, SurveyResponse
from app.operations import survey_answers, survey_links
from app.operations.questionnaires import form_of
from app.ratelimit import count_hit, minutes_to_wait
from app.words import page_lang, say

#: The page after the last question, where whoever answers says what they agree to and sends.
LAST = "fin"
_RATE = "SURVEY_RATE"


@dataclass(slots=True)
class Sitting:
    """Somebody who answers, with what is known of them and what they answered so far."""

    campaign: SurveyCampaign
    via: AnswerVia
    form: Form
    invitee: SurveyInvitee | None = None
    response: SurveyResponse | None = None
    values: dict[str, Value] = field(default_factory=dict)

    @classmethod
    def of(
        cls, campaign: SurveyCampaign, via: AnswerVia, invitee: SurveyInvitee | None = None, response: SurveyResponse | None = None
    ) -> Sitting:
        """Return it with the whole form and the stored answers."""
        form = form_of(db.session, campaign.version_id)
        values = survey_answers.answers_of(db.session, response, form) if response else {}
        return cls(campaign, via, form, invitee, response, values)

    @property
    def is_passing(self) -> bool:
        return self.via in survey_answers.PASSING

    def address(self, **query: Any) -> str:
        """Return the address of its page, in the language of this one."""
        query = {"_l_": request.args.get("_l_")} | query
        if not self.is_passing:
            return url_for("portal.survey", token=survey_links.token_of(self.invitee), **query)  # type: ignore[arg-type]
        if self.response is None:
            return self.start(**query)
        return url_for("portal.survey_go_on", token=survey_links.passing_token(self.response), **query)

    def start(self, **query: Any) -> str:
        """Return where the next person begins."""
        endpoint = "portal.survey_kiosk" if self.via is AnswerVia.KIOSK else "portal.survey_code"
        return url_for(endpoint, code=self.campaign.public_code, **query)

    # ── its pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def asked(self, section: Section) -> set[str]:
        """Return the codes of the questions of *section* that show by now."""
        return {each.code for each in self.form.shown(self.values)} & {each.code for each in section.questions}

    def place(self, wanted: str) -> int | str:
        """Return the number of the page that *wanted* names, or of the first one that lacks an answer."""
        pages_of = [n for n, section in enumerate(self.form.sections, 1) if self.asked(section)]
        if wanted == LAST and not self.is_passing:
            return LAST
        if wanted.isdecimal() and int(wanted) in pages_of:
            return int(wanted)
        lacking = set(missing(self.form, self.values))
        return next((n for n in pages_of if self.lacks(self.form.sections[n - 1], lacking)), pages_of[0] if not self.values else self.end)

    @property
    def end(self) -> int | str:
        """The page where it is sent: that of its own of a personal link, else the last one."""
        return len(self.form.sections) if self.is_passing else LAST

    @staticmethod
    def lacks(section: Section, lacking: set[str]) -> list[str]:
        """Return those of the names *lacking* that *section* asks for."""
        return [name for each in section.questions for name in names(each) if name in lacking]

    def after(self, n: int) -> int | str | None:
        """Return the page that follows page *n*; None when all was asked."""
        found = next((k for k, section in enumerate(self.form.sections, 1) if k > n and self.asked(section)), None)
        return found or (None if self.is_passing else LAST)

    def before(self, n: int | str) -> int | None:
        """Return the page before page *n*."""
        last = len(self.form.sections) + 1 if n == LAST else int(n)
        return next((k for k in range(last - 1, 0, -1) if self.asked(self.form.sections[k - 1])), None)


# ── Where somebody comes from ─────────────────────────────────────────────────────────────────────────────────────────────


def _campaigns() -> Any:
    return joinedload(SurveyCampaign.questionnaire)


def _of_link(token: str) -> Sitting:
    """Return who opens a personal link. Ends the request with 404 when the link is not ours."""
    found = survey_links.invitee_id(token)
    statement = select(SurveyInvitee).where(SurveyInvitee.id == found).options(joinedload(SurveyInvitee.campaign).options(_campaigns()))
    invitee = (db.session.scalar(statement) if found else None) or abort(404)
    return Sitting.of(invitee.campaign, AnswerVia.LINK, invitee, survey_answers.response_of(db.session, invitee))


def _of_code(code: str, via: AnswerVia) -> Sitting:
    """Return whoever scanned a code, or stands at a kiosk. Ends the request with 404 when no campaign has that code."""
    statement = select(SurveyCampaign).where(SurveyCampaign.public_code == code[:40]).options(_campaigns())
    return Sitting.of(db.session.scalar(statement) or abort(404), via)


def _of_passing(token: str) -> Sitting | None:
    """Return who goes on with an answer without a name; None when they left it for too long."""
    found = survey_links.read_passing(token, datetime.now(UTC)) or abort(404)
    statement = select(SurveyResponse).where(SurveyResponse.id == found.response_id)
    whole = joinedload(SurveyResponse.campaign).options(_campaigns())
    response = db.session.scalar(statement.options(whole)) or abort(404)
    sitting = Sitting.of(response.campaign, response.via, None, response)
    life = survey_links.KIOSK_LIFE if response.via is AnswerVia.KIOSK else survey_links.CODE_LIFE
    return sitting if found.age <= life else None


# ── The pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pages.portal.route("/encuesta/<token>", methods=["GET", "POST"])
def survey(token: str) -> pages.Page | Response:
    """The personal link: one answer, which may be left half-way and changed until the campaign closes."""
    g.is_reading = True
    sitting = _of_link(token)
    if request.method == "GET":
        return _show(sitting)
    if (refused := _press_again(sitting)) is not None:
        return refused
    start_writing()
    sitting = _of_link(token)
    if request.form.get("do") == "unname" and sitting.response is not None:
        survey_answers.withdraw_name(db.session, sitting.response)
        db.session.commit()
        return redirect(sitting.address(), 303)
    return _receive(sitting)


@pages.portal.route("/encuesta/codigo/<code>", methods=["GET", "POST"])
def survey_code(code: str) -> pages.Page | Response:
    """The code that is printed on posters and invoices: anybody answers, and nobody knows who."""
    return _passing(code, AnswerVia.QR)


@pages.portal.route("/encuesta/quiosco/<code>", methods=["GET", "POST"])
def survey_kiosk(code: str) -> pages.Page | Response:
    """The same on a tablet of the office, for one person after another."""
    return _passing(code, AnswerVia.KIOSK)


def _passing(code: str, via: AnswerVia) -> pages.Page | Response:
    g.is_reading = True
    sitting = _of_code(code, via)
    if request.method == "GET":
        return _thanks(sitting) if request.args.get("done") == "1" else _show(sitting)
    if (refused := _press_again(sitting)) is not None:
        return refused
    if request.form.get("website"):
        return _section_page(sitting, 1, 422, notice=_robot())
    if minutes := minutes_to_wait(_RATE, "survey", pages._address()):
        advice = _("What you chose is still on the page: wait %(n)s minutes and press again.", n=minutes)
        return _section_page(sitting, 1, 429, typed=dict(_raw(sitting.form.sections[0])), notice=(_("Too many answers at once"), advice))
    count_hit(_RATE, "survey", pages._address())
    start_writing()
    return _receive(_of_code(code, via))


@pages.portal.route("/encuesta/sigue/<token>", methods=["GET", "POST"])
def survey_go_on(token: str) -> pages.Page | Response:
    """The next page of an answer without a name. One that is complete, or was left for too long, gives room to the next person."""
    g.is_reading = True
    sitting = _of_passing(token)
    if sitting is None:
        response_id = survey_links.read_passing(token, datetime.now(UTC)).response_id  # type: ignore[union-attr]
        response = db.session.get_one(SurveyResponse, response_id)
        return redirect(Sitting.of(response.campaign, response.via).start(), 303)
    if sitting.response.status is not ResponseStatus.PARTIAL:  # type: ignore[union-attr]
        return redirect(sitting.start(done="1", _l_=request.args.get("_l_")), 303)
    if request.method == "GET":
        return _show(sitting)
    if (refused := _press_again(sitting)) is not None:
        return refused
    start_writing()
    return _receive(_of_passing(token) or abort(404))


@pages.portal.route("/encuesta/<token>/no-mas", methods=["GET", "POST"])
def survey_stop(token: str) -> pages.Page | Response:
    """Whoever opens it says with one press that they want no more surveys, and with another that they do again."""
    g.is_reading = True
    sitting = _of_link(token)
    party_id = sitting.invitee.party_id or abort(404)  # type: ignore[union-attr]
    form = PressForm()
    if request.method == "POST" and form.validate():
        start_writing()
        if request.form.get("do") == "back":
            survey_answers.opt_in(db.session, party_id, at=now())
        else:
            survey_answers.opt_out(db.session, party_id, via=AnswerVia.LINK, at=now())
        db.session.commit()
        return redirect(url_for("portal.survey_stop", token=token, _l_=request.args.get("_l_")), 303)
    status, notice = (400, _renewed()) if request.method == "POST" else (200, None)
    is_out = survey_answers.opt_out_of(db.session, party_id) is not None
    return _page("portal/survey_stop.html", sitting, status, form=form, is_out=is_out, notice=notice)


def _show(sitting: Sitting) -> pages.Page | Response:
    """Return the page on which *sitting* goes on, or the one that says why it does not."""
    response, invitee = sitting.response, sitting.invitee
    error = survey_answers.refusal(sitting.campaign, sitting.via, today())
    if error is not None:
        return _over(sitting, error)
    if invitee is not None and invitee.status is InviteeStatus.OPTED_OUT and response is None:
        return redirect(url_for("portal.survey_stop", token=survey_links.token_of(invitee), _l_=request.args.get("_l_")), 303)
    if response is not None and response.status is not ResponseStatus.PARTIAL:
        may_change = response.status is ResponseStatus.COMPLETE and response.via is sitting.via
        if not (may_change and request.args.get("s")):
            return _thanks(sitting, may_change=may_change)
    n = sitting.place(request.args.get("s", ""))
    if n == LAST:
        return _last_page(sitting)
    section = sitting.form.sections[int(n) - 1]
    lacking = sitting.lacks(section, set(missing(sitting.form, sitting.values))) if "lacking" in request.args else []
    return _section_page(sitting, int(n), errors=dict.fromkeys(lacking, _needed()))


def _page(template: str, sitting: Sitting, status: int = 200, **facts: Any) -> pages.Page:
    facts.setdefault("form", PressForm(formdata=None))
    facts |= {"campaign": sitting.campaign, "asked_in": page_lang(), "is_kiosk": sitting.via is AnswerVia.KIOSK}
    return pages._page(template, status, sitting=sitting, **facts)


def _section_page(
    sitting: Sitting,
    n: int,
    status: int = 200,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    notice: tuple[str, str] | None = None,
) -> pages.Page:
    """Return page *n* of the questionnaire, with what was typed over what is stored."""
    section = sitting.form.sections[n - 1]
    shown = sitting.asked(section)
    inside = {each.code for each in section.questions}
    waiting = {each.code for each in section.questions if each.code not in shown and each.condition and each.condition.code in inside}
    return _page(
        "portal/survey.html", sitting, status, section=section, n=n, n_pages=len(sitting.form.sections), shown=shown, waiting=waiting,
        typed={**survey_answers.raw_of(sitting.values), **(typed or {})}, errors=errors or {}, notice=notice, before=sitting.before(n),
        is_resumed=bool(sitting.values) and not request.args.get("s") and request.method == "GET",
    )  # fmt: skip


def _last_page(sitting: Sitting, status: int = 200, notice: tuple[str, str] | None = None) -> pages.Page:
    text = _consent()
    words = text.text.replace("{organisation}", queries.organisation(db.session).name) if text else ""
    return _page("portal/survey_last.html", sitting, status, consent=text, words=words, notice=notice, before=sitting.before(LAST))


def _consent() -> ConsentText | None:
    return queries.consents_in_force(db.session, today()).get(ConsentKind.SURVEY_NAME)


def _thanks(sitting: Sitting, may_change: bool = False) -> pages.Page:
    return _page("portal/survey_thanks.html", sitting, may_change=may_change)


def _over(sitting: Sitting, error: DomainError) -> pages.Page:
    status = 200 if sitting.campaign.status is CampaignStatus.PROPOSED or today() < sitting.campaign.opens_on else 410
    return _page("portal/survey_over.html", sitting, status, reason=say(error))


# ── What is sent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _press_again(sitting: Sitting) -> pages.Page | None:
    """Return the page again, with all that was chosen, when its token has expired; None when it is right."""
    if PressForm().validate():
        return None
    wanted = request.form.get("section", "")
    if wanted.isdecimal() and 1 <= int(wanted) <= len(sitting.form.sections):
        section = sitting.form.sections[int(wanted) - 1]
        return _section_page(sitting, int(wanted), 400, typed=_raw(section), notice=_renewed())
    if wanted == LAST and not sitting.is_passing:
        return _last_page(sitting, 400, _renewed())
    return _page("portal/survey_thanks.html", sitting, 400, may_change=False, notice=_renewed())


def _renewed() -> tuple[str, str]:
    return _("The page was open for too long"), _("We renewed it and kept what you chose on it: press the button again.")


def _robot() -> tuple[str, str]:
    return _("Are you a person?"), _("A field that people do not see came filled in. Press the button again.")


def _needed() -> str:
    return _("This question needs an answer.")


def _raw(section: Section) -> dict[str, Any]:
    """Return what was sent of the questions of *section*, by name."""
    raw: dict[str, Any] = {}
    for each in section.questions:
        for name in names(each):
            if name in request.form:
                is_several = each.kind is QuestionKind.MANY and name == each.code
                raw[name] = request.form.getlist(name) if is_several else request.form[name]
    return raw


def _receive(sitting: Sitting) -> pages.Page | Response:
    """Store the page that was sent and lead to the next one, or give it back with what is wrong."""
    wanted = request.form.get("section", "")
    if wanted == LAST and not sitting.is_passing:
        return _send(sitting)
    if not (wanted.isdecimal() and 1 <= int(wanted) <= len(sitting.form.sections)):
        return redirect(sitting.address(), 303)  # no form of ours
    n, section = int(wanted), sitting.form.sections[int(wanted) - 1]
    raw, before = _raw(section), sitting.asked(section)
    try:
        refused = _save(sitting, raw)
    except survey_answers.StaleAnswers as error:
        db.session.rollback()
        return _section_page(_again(sitting), n, 409, typed=raw, notice=(_("Two pages of this survey are open"), say(error)))
    except DomainError as error:
        db.session.rollback()
        return _refused(sitting, error)
    if request.form.get("go") == "back" and (previous := sitting.before(n)):
        return redirect(sitting.address(s=previous), 303)
    errors = {name: say(error) for name, error in refused.items()}
    lacking = sitting.lacks(section, set(missing(sitting.form, sitting.values)))
    appeared = [each for each in section.questions if each.code in sitting.asked(section) - before and not is_mentioned(each, raw)]
    errors |= {name: _needed() for name in lacking if name not in errors and not _is_new(name, appeared)}
    if errors or appeared:
        notice = None if errors else (_("One more question"), _("What you answered opens another question on this page."))
        return _section_page(sitting, n, 422 if errors else 200, typed=raw, errors=errors, notice=notice)
    return _go_on(sitting, sitting.after(n))


def _is_new(name: str, appeared: list[Asked]) -> bool:
    return any(name in names(each) for each in appeared)


def _again(sitting: Sitting) -> Sitting:
    """Return *sitting* as it is stored now."""
    if sitting.invitee is not None:
        return _of_link(survey_links.token_of(sitting.invitee))
    return Sitting.of(sitting.campaign, sitting.via, None, sitting.response)


def _save(sitting: Sitting, raw: Mapping[str, Any]) -> dict[str, DomainError]:
    """Begin or resume the response and store *raw*, committed; return the refusals. Raises DomainError, and nothing is stored."""
    at = now()
    if sitting.response is None or not sitting.is_passing:
        sitting.response = survey_answers.begin(
            db.session, sitting.campaign, via=sitting.via, at=at, invitee=sitting.invitee, language=page_lang()
        )
    typed = request.form.get("version", "0")
    version = int(typed) if typed.isdecimal() else 0
    refused = survey_answers.save(db.session, sitting.response, raw, at=at, version=version, form=sitting.form)
    db.session.commit()
    sitting.values = survey_answers.answers_of(db.session, sitting.response, sitting.form)
    return refused


def _go_on(sitting: Sitting, n: int | str | None) -> pages.Page | Response:
    """Lead to page *n*; after the last page of an answer without a name, send it."""
    if n is not None:
        return redirect(sitting.address(s=n), 303)
    return _complete(sitting) or redirect(sitting.start(done="1", _l_=request.args.get("_l_")), 303)


def _complete(sitting: Sitting) -> pages.Page | Response | None:
    """Complete the response, committed; return where it goes on when it cannot be."""
    try:
        survey_answers.complete(db.session, sitting.response, at=now(), form=sitting.form)  # type: ignore[arg-type]
        db.session.commit()
    except survey_answers.Unanswered as error:
        db.session.rollback()
        lacking = set(error.names)
        n = next(k for k, section in enumerate(sitting.form.sections, 1) if sitting.lacks(section, lacking))
        return redirect(sitting.address(s=n, lacking=1), 303)
    except DomainError as error:
        db.session.rollback()
        return _refused(sitting, error)
    return None


def _send(sitting: Sitting) -> pages.Page | Response:
    """Keep what whoever answers agrees to, and complete the response of a personal link."""
    if sitting.response is None:
        return redirect(sitting.address(), 303)
    wishes = {name: name in request.form for name in ("is_named", "wants_contact", "wants_case")}
    at, language = now(), page_lang()
    try:
        sitting.response = survey_answers.begin(
            db.session, sitting.campaign, via=sitting.via, at=at, invitee=sitting.invitee, language=language
        )
        survey_answers.set_wishes(db.session, sitting.response, **wishes, consent_text=_consent_given(), at=at)
    except DomainError as error:
        db.session.rollback()
        return _refused(sitting, error)
    return _complete(sitting) or redirect(sitting.address(), 303)


def _consent_given() -> ConsentText | None:
    """Return the words that were on the page when it was sent."""
    given = request.form.get("consent", "")
    text = db.session.get(ConsentText, int(given)) if given.isdecimal() else None
    return text if text is not None and text.kind is ConsentKind.SURVEY_NAME else None


def _refused(sitting: Sitting, error: DomainError) -> pages.Page | Response:
    """Return the page that says why nothing of the last page was kept."""
    again = _again(sitting)
    if survey_answers.refusal(again.campaign, again.via, today()) is not None:
        return _over(again, error)
    return _page("portal/survey_over.html", again, 409, reason=say(error))
