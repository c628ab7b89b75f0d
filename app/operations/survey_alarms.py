"""
Alarms of surveys: what an answer, or a figure at closing, asks for: an action, a contact with the customer, or a case of theirs.

A response asks at most for one contact and one case, and a threshold for one action, however often they are looked at. Who answered
without leaving a name is not named here either: whoever asks to be contacted is called, but not about what they answered.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.alarms import FIGURES, NEWS_DAYS, check_ending, check_waits, heard, is_reached, words_of
from app.domain.campaigns import AlarmEffect, AlarmMeasure, AlarmStatus, AnswerVia, ResponseStatus
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionKind, ActionOrigin
from app.domain.questionnaires import SCALES, QuestionKind, VersionStatus
from app.domain.states import Identity, PartyKind
from app.domain.tabulation import Figure, Tabulated, Tabulation
from app.extensions import LANGUAGE, local
from app.models import (
    Action,
    Channel,
    Party,
    Pqr,
    Process,
    Question,
    Questionnaire,
    QuestionnaireSection,
    QuestionnaireVersion,
    RequestType,
    SurveyAlarm,
    SurveyAnswer,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
    SurveyThreshold,
)
from app.operations import improvement, messages, parties, pqr, tabulation
from app.words import say, say_number

#: Calendar days to get in touch with whoever asks for it, without any threshold.
CONTACT_DAYS = 5
#: Request type of the cases that a survey opens, until the front desk classifies them; a parameter says another.
REQUEST_TYPE, REQUEST_TYPE_KEY = "PETICION", "survey.request_type"
#: By which channel a case came that was asked for in a survey.
_CHANNELS = {AnswerVia.PHONE: "TELEFONO", AnswerVia.KIOSK: "VENTANILLA", AnswerVia.PAPER: "ESCRITO", AnswerVia.IMPORT: "ESCRITO"}
_TITLES = {
    AlarmMeasure.MEAN: N_("Mean of %(figure)s: %(question)s"),
    AlarmMeasure.CSAT: N_("%(figure)s %% satisfied: %(question)s"),
    AlarmMeasure.NPS: N_("Recommendation (NPS) of %(figure)s: %(question)s"),
}
_FIGURES = {
    AlarmMeasure.MEAN: N_("Mean of %(figure)s in %(n)s answers: %(question)s (asked for from %(at_most)s down)"),
    AlarmMeasure.CSAT: N_("%(figure)s %% satisfied in %(n)s answers: %(question)s (asked for from %(at_most)s %% down)"),
    AlarmMeasure.NPS: N_("Recommendation (NPS) of %(figure)s in %(n)s answers: %(question)s (asked for from %(at_most)s down)"),
}


@dataclass(frozen=True, slots=True)
class _Hit:
    """That a threshold goes off: what set it off, in words, and its figure."""

    threshold: SurveyThreshold
    what: str
    figure: Decimal | None = None
    title: str = ""


# ── Thresholds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def watchable(session: Session) -> list[Row[Any]]:
    """Return the questions that a threshold may watch, as they are asked: `form`, `questionnaire_id`, `code`, `text_es`, `kind`."""
    form = (Questionnaire.code + " · " + Questionnaire.name).label("form")
    told = select(Questionnaire.id.label("questionnaire_id"), form, Question.code, Question.text_es, Question.kind)
    joined = told.join(QuestionnaireVersion, QuestionnaireVersion.questionnaire_id == Questionnaire.id).join(
        Question, Question.version_id == QuestionnaireVersion.id
    )
    section = joined.join(QuestionnaireSection, QuestionnaireSection.id == Question.section_id)
    asked = section.where(QuestionnaireVersion.id == _newest(), Questionnaire.is_active)
    order = Questionnaire.position, Questionnaire.id, QuestionnaireSection.position, Question.position
    return list(session.execute(asked.order_by(*order)))


def _newest() -> Any:
    """Return the version that answers are asked for: the published one, or what is being written where none is."""
    its = select(func.max(QuestionnaireVersion.id)).where(QuestionnaireVersion.questionnaire_id == Questionnaire.id)
    published = its.where(QuestionnaireVersion.status == VersionStatus.PUBLISHED).correlate(Questionnaire).scalar_subquery()
    return func.coalesce(published, its.correlate(Questionnaire).scalar_subquery())


def kind_of(session: Session, questionnaire_id: int, code: str) -> QuestionKind | None:
    """Return the kind of a question of a form, in its newest version that has it, or None."""
    found = select(Question.kind).join(QuestionnaireVersion, QuestionnaireVersion.id == Question.version_id)
    mine = found.where(QuestionnaireVersion.questionnaire_id == questionnaire_id, Question.code == code)
    return session.scalar(mine.order_by(QuestionnaireVersion.number.desc()).limit(1))


# ── As an answer comes ────────────────────────────────────────────────────────────────────────────────────────────────────


def on_response(session: Session, response: SurveyResponse, *, at: datetime) -> Sequence[SurveyAlarm]:
    """
    Raise what the answers of *response*, which is complete, ask for; return the new alarms, flushed. Safe to repeat.

    A refusal of an action or a case never stops an answer: its alarm waits for somebody, and says why.
    """
    if (local(at).date() - response.answered_on).days > NEWS_DAYS:
        return ()
    raised_before = select(SurveyAlarm.threshold_id, SurveyAlarm.effect).where(SurveyAlarm.response_id == response.id)
    known = {(threshold_id, effect) for threshold_id, effect in session.execute(raised_before)}
    with force_locale(LANGUAGE):
        answers = _answers(session, response)
        hits = list(_hits(_thresholds(session, response.campaign, is_figure=False), answers))
        raised = [
            *_actions(session, response, [hit for hit in hits if (hit.threshold.id, AlarmEffect.ACTION) not in known], at),
            *(_case(session, response, hits, answers, at) if all(effect is not AlarmEffect.CASE for _id, effect in known) else ()),
            *_contacts(session, response, hits, answers, known, at),
        ]
    session.flush()
    return raised


def listens(session: Session, campaign: SurveyCampaign) -> bool:
    """Return whether an answer to *campaign* may set something off, by itself and not by a figure of all of them."""
    return bool(_thresholds(session, campaign, is_figure=False))


def _thresholds(session: Session, campaign: SurveyCampaign, *, is_figure: bool) -> list[SurveyThreshold]:
    mine = SurveyThreshold.questionnaire_id == campaign.questionnaire_id, SurveyThreshold.is_active
    kinds = SurveyThreshold.measure.in_(FIGURES) if is_figure else SurveyThreshold.measure.not_in(FIGURES)
    found = select(SurveyThreshold).where(*mine, kinds).options(joinedload(SurveyThreshold.process))
    return list(session.scalars(found.order_by(SurveyThreshold.id)))


def _answers(session: Session, response: SurveyResponse) -> list[SurveyAnswer]:
    loaded = joinedload(SurveyAnswer.question), joinedload(SurveyAnswer.option)
    said = select(SurveyAnswer).where(SurveyAnswer.response_id == response.id, ~SurveyAnswer.is_na).options(*loaded)
    return list(session.scalars(said.order_by(SurveyAnswer.question_id, SurveyAnswer.option_id)))


def _hits(thresholds: list[SurveyThreshold], answers: list[SurveyAnswer]) -> Iterator[_Hit]:
    """Yield the thresholds that go off at *answers*."""
    for each in thresholds:
        its = [answer for answer in answers if each.question_code in ("", answer.question.code)]
        if each.measure is AlarmMeasure.WORDS:
            words = words_of(each.words)
            spoken = [answer for answer in its if answer.words and heard(words, answer.words)]
            if spoken:
                yield _Hit(each, "\n".join(map(_worded, spoken)))
        else:
            low = [answer for answer in its if answer.value is not None and is_reached(answer.value, each.at_most or 0)]
            if low:
                least = min(answer.value for answer in low if answer.value is not None)
                yield _Hit(each, "\n".join(_scored(answer) for answer in low), Decimal(least))


def _asked(answer: SurveyAnswer) -> str:
    """Return what was asked, with the row of a matrix."""
    text = answer.question.text_es.rstrip(".: ")
    return f"{text} ({answer.option.text_es})" if answer.option is not None and answer.kind is QuestionKind.MATRIX else text


def _scored(answer: SurveyAnswer) -> str:
    if answer.kind is QuestionKind.YES_NO:
        said = _("Yes") if answer.score else _("No")
        return f"{said}: {_asked(answer)}"
    return _("%(score)s of %(most)s: %(question)s", question=_asked(answer), score=answer.score, most=SCALES[answer.kind][1])


def _worded(answer: SurveyAnswer) -> str:
    return f"«{' '.join((answer.words or '').split())}» ({_asked(answer)})"


# ── What a response asks for ──────────────────────────────────────────────────────────────────────────────────────────────


def _actions(session: Session, response: SurveyResponse, hits: list[_Hit], at: datetime) -> Iterator[SurveyAlarm]:
    for hit in hits:
        if hit.threshold.effect is AlarmEffect.ACTION:
            alarm = _raise(session, response.campaign, hit, AlarmEffect.ACTION, at, response)
            _ask(session, alarm, hit.what.splitlines()[0], at, _named_party(response))
            yield alarm


def _named_party(response: SurveyResponse) -> int | None:
    return response.invitee.party_id if response.is_named and response.invitee else None


def _contacts(
    session: Session, response: SurveyResponse, hits: list[_Hit], answers: list[SurveyAnswer], known: set[tuple[int | None, AlarmEffect]],
    at: datetime,
) -> Iterator[SurveyAlarm]:  # fmt: skip
    """
    Yield the one contact that *response* asks for.

    Of somebody who gave no name: the wish to be called, which tells nothing of the answers; and apart, the words that set something
    off, which name nobody.
    """
    mine = [hit for hit in hits if hit.threshold.effect is AlarmEffect.CONTACT]
    done = {threshold_id is None for threshold_id, effect in known if effect is AlarmEffect.CONTACT}
    wishes = []
    if response.invitee is not None:
        wishes += [_("Asked to be contacted.")] * response.wants_contact
        wishes += [_("Asked for a case, and wrote nothing it could tell.")] * (response.wants_case and not _told(answers))
    if response.is_named and response.invitee is not None:
        if (mine or wishes) and not done:
            yield _raise(session, response.campaign, _joined(mine, wishes), AlarmEffect.CONTACT, at, response)
        return
    heard_ = [hit for hit in mine if hit.threshold.measure is AlarmMeasure.WORDS]
    if wishes and True not in done:
        yield _raise(session, response.campaign, _joined([], wishes), AlarmEffect.CONTACT, at, response)
    if heard_ and False not in done:
        yield _raise(session, response.campaign, _joined(heard_, []), AlarmEffect.CONTACT, at, response)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is raised: the threshold, if one went off, and what is said about it."""

    threshold: SurveyThreshold | None
    what: str
    figure: Decimal | None = None


def _joined(hits: list[_Hit], wishes: list[str]) -> _Asked:
    """Return several reasons to call the same person as one."""
    what = "\n".join(dict.fromkeys([*wishes, *(line for hit in hits for line in hit.what.splitlines())]))
    figures = [hit.figure for hit in hits if hit.figure is not None]
    return _Asked(hits[0].threshold if hits else None, what, min(figures) if figures else None)


def _raise(
    session: Session, campaign: SurveyCampaign, asked: _Hit | _Asked, effect: AlarmEffect, at: datetime,
    response: SurveyResponse | None = None,
) -> SurveyAlarm:  # fmt: skip
    """Store an alarm: of the process of its threshold, or of the campaign; whoever asks to be contacted belongs to the front desk."""
    threshold, on = asked.threshold, local(at).date()
    process = threshold.process or campaign.process if threshold else None
    alarm = SurveyAlarm(
        threshold=threshold, campaign=campaign, response=response, effect=effect, what=asked.what, figure=asked.figure,
        process=process or session.scalar(select(Process).where(Process.is_front_desk)), status=AlarmStatus.OPEN, raised_on=on,
        responsible_id=campaign.responsible_id if threshold and not threshold.process_id else None,
        due_on=on + timedelta(threshold.days if threshold else CONTACT_DAYS),
    )  # fmt: skip
    session.add(alarm)
    session.flush()
    return alarm


def _ask(session: Session, alarm: SurveyAlarm, title: str, at: datetime, party_id: int | None = None) -> None:
    """Ask for the action of *alarm*; one that is refused leaves it open, with the reason."""
    campaign, asked = alarm.campaign, f"{title} · {alarm.campaign.number}"
    text = _("Survey %(number)s, %(name)s.", number=campaign.number, name=campaign.name)
    try:
        with session.begin_nested():
            alarm.action = improvement.ask_action(
                session, kind=ActionKind.CORRECTIVE, origin=ActionOrigin.SURVEY, origin_key=campaign.number, party_id=party_id,
                title=textwrap.shorten(asked, MAX_TITLE, placeholder="…"), description=f"{text}\n\n{alarm.what}",
                process_id=alarm.process_id or 0, responsible_id=None, due_on=alarm.due_on, at=at, user_id=None,
                origin_path=f"/survey-alarm/show/{alarm.id}",
            )  # fmt: skip
    except DomainError as error:
        alarm.what += "\n" + _("The action could not be asked for: %(why)s", why=say(error))
    else:
        _close(alarm, AlarmStatus.SETTLED, _("Action %(number)s was asked for.", number=alarm.action.number), local(at).date())


def _close(alarm: SurveyAlarm, status: AlarmStatus, result: str, on: date) -> None:
    alarm.status, alarm.result, alarm.ended_on = status, result, on


# ── A case, where the customer wants one ──────────────────────────────────────────────────────────────────────────────────


def _told(answers: list[SurveyAnswer]) -> str:
    """Return what was told in open texts, each with its question."""
    return "\n\n".join(f"{_asked(answer)}\n{answer.words}" for answer in answers if answer.kind is QuestionKind.TEXT)


def _case(
    session: Session, response: SurveyResponse, hits: list[_Hit], answers: list[SurveyAnswer], at: datetime
) -> Iterator[SurveyAlarm]:
    """Open the case that whoever answered asked for, with what they told. Without that wish no threshold opens one."""
    told = _told(answers)
    if not (response.wants_case and told):
        return
    first = next((hit.threshold for hit in hits if hit.threshold.effect is AlarmEffect.CASE), None)
    what = "\n".join(_worded(answer) for answer in answers if answer.kind is QuestionKind.TEXT)
    alarm = _raise(session, response.campaign, _Asked(first, what), AlarmEffect.CASE, at, response)
    try:
        with session.begin_nested():
            alarm.pqr = _file(session, response, told, at)
    except DomainError as error:
        alarm.what += "\n\n" + _("The case could not be opened: %(why)s", why=say(error))
    else:
        _close(alarm, AlarmStatus.SETTLED, _("Case %(number)s was opened.", number=alarm.pqr.number), local(at).date())
    yield alarm


def _file(session: Session, response: SurveyResponse, told: str, at: datetime) -> Pqr:
    """
    File what was told in the name of whoever was asked; the same response is the same case.

    Raises:
        DomainError: Nobody is known who asks, a catalogue lacks what a case needs, or as `file_pqr`.
    """
    campaign, invitee = response.campaign, response.invitee
    head = _("Told in the survey %(number)s, with the wish that a case be opened.", number=campaign.number)
    filing = pqr.Filing(
        organisation=campaign.organisation,
        request_type=_request_type(session),
        channel=_channel(session, response.via),
        subject=_("What was told in the survey %(number)s", number=campaign.number),
        body=f"{head}\n\n{told}"[: pqr.MAX_BODY],
        identity=Identity.NAMED,
        party=_party(session, response),
        account=invitee.account if invitee else None,
        service=response.service,
        submission=f"survey-{response.id}",
    )
    case = pqr.file_pqr(session, filing, at=at)
    messages.tell_filed(session, case, at)
    return case


def _party(session: Session, response: SurveyResponse) -> Party:
    invitee = response.invitee
    if invitee is None:
        raise DomainError(N_("Nobody is known to whom the answer could be given."))
    if invitee.party is not None:
        return invitee.party
    return parties.find_or_create_party(session, PartyKind.PERSON, None, None, invitee.name, email=invitee.email, phone=invitee.phone)


def _request_type(session: Session) -> RequestType:
    code = queries.parameter(session, REQUEST_TYPE_KEY, REQUEST_TYPE).strip() or REQUEST_TYPE
    found = session.scalar(select(RequestType).where(RequestType.code == code))
    if found is None:
        raise DomainError(N_("The parameter %(key)s names %(code)s, and there is no such request type."), key=REQUEST_TYPE_KEY, code=code)
    return found


def _channel(session: Session, via: AnswerVia) -> Channel:
    code = _CHANNELS.get(via, "WEB")
    found = session.scalar(select(Channel).where(Channel.code == code))
    if found is None:
        raise DomainError(N_("The channel %(code)s is missing. An administrator has to add it in Channels."), code=code)
    return found


# ── At closing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def on_close(session: Session, campaign: SurveyCampaign, *, at: datetime) -> Sequence[SurveyAlarm]:
    """
    Raise what the figures of *campaign*, which was just closed, ask for; return the new alarms, flushed. Safe to repeat.

    Whoever left a response half-filled and asked for a contact or a case is heard as well.
    """
    wishes = SurveyResponse.wants_contact | SurveyResponse.wants_case
    half = select(SurveyResponse).where(SurveyResponse.campaign_id == campaign.id, SurveyResponse.status == ResponseStatus.PARTIAL, wishes)
    raised = [alarm for response in session.scalars(half).all() for alarm in on_response(session, response, at=at)]
    thresholds = _thresholds(session, campaign, is_figure=True)
    if not thresholds:
        return raised
    mine = SurveyAlarm.campaign_id == campaign.id, SurveyAlarm.response_id.is_(None)
    known = set(session.scalars(select(SurveyAlarm.threshold_id).where(*mine)))
    found = tabulation.tabulate(session, campaign, n_rounds=0, sees_small=True)
    with force_locale(LANGUAGE):
        for threshold in thresholds:
            hit = None if threshold.id in known else _figure_hit(found, threshold)
            if hit is not None:
                alarm = _raise(session, campaign, hit, AlarmEffect.ACTION, at)
                _ask(session, alarm, hit.title, at)
                raised.append(alarm)
    session.flush()
    return raised


def _figure_hit(found: Tabulation, threshold: SurveyThreshold) -> _Hit | None:
    """Return that a figure, or one of those of the rows of a matrix, is at the threshold or under it; of enough answers."""
    question = next((each for each in found.questions if each.code == threshold.question_code), None)
    if question is None:
        return None
    low = []
    for figure in question.rows or (question.figure,):
        value = _measured(figure, threshold.measure)
        if value is not None and figure.n >= threshold.least_n and is_reached(value, threshold.at_most or 0):
            low.append((value, figure))
    if not low:
        return None
    low.sort(key=lambda each: each[0])
    lines = [_said(_FIGURES, question, figure, threshold, value) for value, figure in low]
    value, figure = low[0]
    return _Hit(threshold, "\n".join(lines), value, _said(_TITLES, question, figure, threshold, value))


def _measured(figure: Figure, measure: AlarmMeasure) -> Decimal | None:
    estimate = {
        AlarmMeasure.MEAN: figure.mean, AlarmMeasure.CSAT: figure.csat, AlarmMeasure.NPS: figure.nps and figure.nps.score,
    }[measure]  # fmt: skip
    return None if estimate is None else Decimal(str(round(estimate.value, 2)))


def _said(
    words: Mapping[AlarmMeasure, str], question: Tabulated, figure: Figure, threshold: SurveyThreshold, value: Decimal
) -> str:
    text = question.text_es.rstrip(".: ")
    text = f"{text} ({figure.text_es})" if question.rows else text
    digits = Decimal("0.01") if threshold.measure is AlarmMeasure.MEAN else Decimal("0.1")
    told = {"question": text, "figure": say_number(value.quantize(digits)), "n": figure.n, "at_most": say_number(threshold.at_most)}
    return _(words[threshold.measure], **told)


# ── What becomes of an alarm ──────────────────────────────────────────────────────────────────────────────────────────────


def person_of(alarm: SurveyAlarm) -> SurveyInvitee | None:
    """Return whom to get in touch with: who gave a name, or asked to be contacted, where the alarm tells nothing of the answers."""
    response = alarm.response
    if response is None or response.invitee is None:
        return None
    return response.invitee if response.is_named or (response.wants_contact and alarm.threshold_id is None) else None


def settle(session: Session, alarm: SurveyAlarm, said: str, *, ended_on: date, at: datetime) -> SurveyAlarm:
    """Record what was said and agreed; return the alarm, flushed. Raises MoveRefused: it ended already; DomainError, as `check_ending`."""
    return _end(session, alarm, AlarmStatus.SETTLED, said, ended_on, at)


def dismiss(session: Session, alarm: SurveyAlarm, reason: str, *, at: datetime) -> SurveyAlarm:
    """Set the alarm aside, with the reason; return it, flushed. Raises MoveRefused: it ended already; DomainError, as `check_ending`."""
    return _end(session, alarm, AlarmStatus.DISMISSED, reason, local(at).date(), at)


def _end(session: Session, alarm: SurveyAlarm, status: AlarmStatus, said: str, on: date, at: datetime) -> SurveyAlarm:
    queries.lock(session, alarm)
    check_waits(alarm.status)
    check_ending(said, alarm.raised_on, on, local(at).date())
    _close(alarm, status, said.strip(), on)
    session.flush()
    return alarm


def hand_on(session: Session, alarm: SurveyAlarm, process: Process, responsible_id: int | None, due_on: date) -> SurveyAlarm:
    """
    Give the alarm to another process, or person of it, or another day; return it, flushed.

    Raises:
        MoveRefused: It ended already.
        DomainError: Its day comes before the alarm.
    """
    queries.lock(session, alarm)
    check_waits(alarm.status)
    if due_on < alarm.raised_on:
        raise DomainError(N_("It went off on %(day)s and cannot be due before."), field="due_on", day=alarm.raised_on)
    alarm.process, alarm.responsible_id, alarm.due_on = process, responsible_id, due_on
    session.flush()
    return alarm


def ask_for_action(session: Session, alarm: SurveyAlarm, asked: improvement.Asked, *, at: datetime, actor_id: int | None) -> Action:
    """Ask for an action and end the alarm with it; return it, flushed. Raises MoveRefused: it ended; DomainError, as `ask_action`."""
    queries.lock(session, alarm)
    check_waits(alarm.status)
    alarm.action = improvement.ask_action(
        session, kind=asked.kind, origin=ActionOrigin.SURVEY, origin_key=alarm.campaign.number, title=asked.title,
        description=asked.description, process_id=asked.process_id, responsible_id=asked.responsible_id, due_on=asked.due_on, at=at,
        user_id=actor_id, origin_path=f"/survey-alarm/show/{alarm.id}",
        party_id=_named_party(alarm.response) if alarm.response else None,
    )  # fmt: skip
    with force_locale(LANGUAGE):
        result = _("Action %(number)s was asked for.", number=alarm.action.number)
    _close(alarm, AlarmStatus.SETTLED, result, local(at).date())
    session.flush()
    return alarm.action
