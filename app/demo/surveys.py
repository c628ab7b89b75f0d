"""
The surveys of the fictional company: two yearly rounds with users, three half-yearly ones with customers of contracts, and the form of
the office. The last rounds are still answering. What they say is drawn with a fixed seed: the south is less content, and this year is
a little better than the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.actions import lead
from app.demo.questionnaires import draft_next_version
from app.documents.surveys import issue_report
from app.domain.calendar import months_after
from app.domain.campaigns import AlarmStatus, AnswerVia, CallOutcome, InviteeStatus
from app.domain.questionnaires import SCALES, Asked, Audience, Form, QuestionKind, VersionStatus
from app.domain.states import ConsentKind
from app.extensions import LOCAL_ZONE, local
from app.models import (
    Account,
    Consent,
    ConsentText,
    Questionnaire,
    QuestionnaireVersion,
    SurveyAlarm,
    SurveyAnswer,
    SurveyCall,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
)
from app.operations import campaigns, survey_alarms, survey_answers, survey_rounds, survey_tags
from app.operations.questionnaires import form_of

_SEED, _DAY = 1002, timedelta(days=1)
#: How content somebody of each sector is, between 0 and 1, on the average.
_MOOD = {"Sector Norte": 0.88, "Sector Centro": 0.82, "Sector Sur": 0.66}
#: Questions of the form for users that go worse: the pressure, and a bill that is easy to read.
_DIPS = {"P4": 0.24, "P10": 0.2}
_GLAD = (
    "Todo bien, el servicio ha mejorado.", "La atención en la oficina es amable.", "Gracias por avisar antes de los cortes.",
    "Los técnicos llegaron puntuales y explicaron el arreglo.", "El agua llega clara y con buena fuerza.",
)  # fmt: skip
_CROSS = (
    "La presión baja mucho en las noches.", "Demoran para contestar el teléfono.", "La factura llega tarde y no se entiende.",
    "El agua salió turbia tres días y nadie avisó.", "El carro recolector cambia de hora sin avisar.",
    "Dejaron la calle rota después del arreglo.",
)  # fmt: skip
#: Tags, with words of the open answers they are put on.
_ABOUT = {
    "Presión": ("presión", "fuerza"), "Calidad del agua": ("turbia", "clara"), "Facturación": ("factura",), "Aseo": ("recolector",),
    "Atención": ("atención", "teléfono"), "Avisos": ("avisó", "avisar"),
}  # fmt: skip
_CONCLUSIONS = {
    Audience.USERS: "El Sector Sur está menos satisfecho que los demás, sobre todo con la presión y con la claridad de la factura. "
    "Se piden acciones a los procesos responsables y se medirá su efecto en la próxima encuesta.",
    Audience.CONTRACTS: "Los clientes con contrato están satisfechos con lo que se les entrega y con las personas que los atienden. "
    "Se revisa con cada uno el cobro y la solución de problemas, donde hay más por mejorar.",
}
_CALLED = "Se llamó a la persona, se explicó lo ocurrido y se acordó una visita técnica. Quedó conforme."
_DONE = "Se hizo lo acordado con el proceso: visita a las cuentas del sector, ajuste de válvulas y nueva hoja que explica la factura."
_WHYS = ("Los usuarios de un sector calificaron mal el servicio", "La presión baja en las horas de más consumo y nadie lo explica",
         "Las válvulas del sector no se revisan después de cada obra")  # fmt: skip
_TASK = "Visitar las cuentas del sector, ajustar las válvulas y entregar la hoja que explica la factura"


@dataclass(frozen=True, slots=True)
class _Round:
    """A campaign of the story: its form, period and days; how many of those asked answered; how much better than the first it is."""

    audience: Audience
    first: date
    last: date
    opens_on: date
    closes_on: date
    share: float
    better: float = 0.0


def survey(session: Session, at: datetime, people: dict[str, User]) -> None:
    """Carry out the rounds of the demonstration by the operations of the product; those whose last day is over are closed."""
    rng = Random(_SEED)
    _agree(session, rng, at - timedelta(days=700))
    for each in _rounds(local(at).date()):
        form = _form(session, each.audience)
        if form is not None:
            _carry_out(session, rng, each, form, at, people)
    _propose(session, at, people["comercial"])
    draft_next_version(session)
    session.flush()


def _propose(session: Session, at: datetime, asks: User) -> None:
    """Leave a campaign that waits to be confirmed: the office, next month."""
    office = session.scalars(select(Questionnaire).where(Questionnaire.audience == Audience.ANYBODY)).first()
    if office is not None:
        columns = campaigns.next_usual(session, office, local(at).date() + 20 * _DAY)
        campaigns.write(session, SurveyCampaign(**columns), at=at, actor_id=asks.id)


def _rounds(today: date) -> Iterator[_Round]:
    """Yield the rounds in the order of time: the half-years with a contract, the years with users, and the office this month."""
    half = date(today.year, 1 if today.month < 7 else 7, 1)
    before = months_after(half, -6)
    year, soon = date(today.year, 1, 1), today + timedelta(days=16)
    yield _Round(Audience.CONTRACTS, months_after(half, -12), before - _DAY, before - 30 * _DAY, before - 9 * _DAY, 0.8)
    yield _Round(Audience.USERS, months_after(year, -12), year - _DAY, year - 57 * _DAY, year - 20 * _DAY, 0.72)
    yield _Round(Audience.CONTRACTS, before, half - _DAY, half - 29 * _DAY, half - 5 * _DAY, 0.9, 0.05)
    yield _Round(Audience.USERS, year, months_after(year, 12) - _DAY, today - 18 * _DAY, soon, 0.45, 0.06)
    yield _Round(Audience.CONTRACTS, half, months_after(half, 6) - _DAY, today - 11 * _DAY, soon, 0.4, 0.08)
    yield _Round(Audience.ANYBODY, today.replace(day=1), soon, today - 16 * _DAY, soon, 0.0, 0.1)


def _agree(session: Session, rng: Random, at: datetime) -> None:
    """Have three in four of the people with an account agree to be asked in surveys."""
    is_survey = ConsentText.kind == ConsentKind.SURVEY
    text = session.scalars(select(ConsentText).where(is_survey).order_by(ConsentText.version.desc()).limit(1)).first()
    if text is None:
        return
    owners = session.scalars(select(Account.party_id).where(Account.party_id.is_not(None)).distinct().order_by(Account.party_id))
    session.add_all(Consent(party_id=party_id, text=text, granted_at=at) for party_id in owners if rng.random() < 0.75)
    session.flush()


def _form(session: Session, audience: Audience) -> Form | None:
    version = session.scalar(
        select(QuestionnaireVersion.id).join(Questionnaire).where(
            Questionnaire.audience == audience, QuestionnaireVersion.status == VersionStatus.PUBLISHED
        ).order_by(Questionnaire.position).limit(1)
    )  # fmt: skip
    return None if version is None else form_of(session, version)


def _carry_out(session: Session, rng: Random, each: _Round, form: Form, at: datetime, people: dict[str, User]) -> None:
    begins = _hour(each.opens_on, 8)
    questionnaire = session.get_one(Questionnaire, form.questionnaire_id)
    columns = campaigns.next_usual(session, questionnaire, each.opens_on) | {
        "name": f"{form.name} {_label(each)}", "period_from": each.first, "period_until": each.last,
        "opens_on": each.opens_on, "closes_on": each.closes_on, "responsible_id": people["comercial"].id,
    }  # fmt: skip
    if each.audience is Audience.USERS:
        columns["error_percent"] = Decimal("7.0")
    proposed = begins - timedelta(days=3)
    campaign = campaigns.write(session, SurveyCampaign(**columns), at=proposed, actor_id=people["comercial"].id)
    campaign.seed = _SEED + campaign.id
    session.flush()
    campaigns.confirm(session, campaign, at=begins, actor_id=people["subgerente"].id)
    _answer(session, rng, each, form, campaign, at, people["auxiliar"])
    if each.closes_on < local(at).date():
        over = _hour(each.closes_on + _DAY, 9)
        campaigns.close(session, campaign, at=over, actor_id=people["comercial"].id)
        _tag(session, campaign)
        _follow_up(session, campaign, over, at, people)


def _label(each: _Round) -> str:
    if each.audience is Audience.USERS:
        return str(each.first.year)
    return f"{each.first.year}-{1 if each.first.month < 7 else 2}" if each.audience is Audience.CONTRACTS else f"{each.first:%Y-%m}"


def _hour(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), LOCAL_ZONE)


# ── What is made of it ────────────────────────────────────────────────────────────────────────────────────────────────────


def _tag(session: Session, campaign: SurveyCampaign) -> None:
    """Put the tags of `_ABOUT` on the open answers that have their words."""
    has_words = SurveyResponse.campaign_id == campaign.id, SurveyAnswer.words.is_not(None)
    answers = session.scalars(select(SurveyAnswer).join(SurveyResponse).where(*has_words)).all()
    for name, words in _ABOUT.items():
        about = [answer for answer in answers if any(word in (answer.words or "") for word in words)]
        if about:
            survey_tags.put(session, survey_tags.tag_called(session, name), about)


def _follow_up(session: Session, campaign: SurveyCampaign, over: datetime, at: datetime, people: dict[str, User]) -> None:
    """Do what the alarms of *campaign* asked for, all but the last action; conclude it and issue its report."""
    survey_rounds.conclude(session, campaign, _CONCLUSIONS[campaign.audience])
    issue_report(session, campaign, people["subgerente"], over + 5 * _DAY)
    today = local(at).date()
    raised = session.scalars(select(SurveyAlarm).where(SurveyAlarm.campaign_id == campaign.id).order_by(SurveyAlarm.id)).all()
    for alarm in raised:
        done_on = min(alarm.due_on, today)
        if alarm.status is AlarmStatus.OPEN:
            survey_alarms.settle(session, alarm, _CALLED, ended_on=done_on, at=_hour(done_on, 16))
    asked = [alarm.action for alarm in raised if alarm.action is not None]
    for action in asked[:-1]:
        done_on = min(action.due_on, today)
        lead(session, action, _WHYS, (_TASK,), _DONE, doer=people["comercial"], carried_out_on=done_on, at=at)


# ── Who answers, and what ─────────────────────────────────────────────────────────────────────────────────────────────────


def _answer(
    session: Session, rng: Random, each: _Round, form: Form, campaign: SurveyCampaign, at: datetime, asks: User
) -> None:
    last = min(each.closes_on, local(at).date())
    days = [each.opens_on + timedelta(days=n) for n in range((last - each.opens_on).days)] or [each.opens_on]
    if each.audience is Audience.ANYBODY:
        for n, moment in enumerate(_moments(rng, days, 46)):
            via = AnswerVia.KIOSK if n % 3 else AnswerVia.QR
            _respond(session, rng, each, form, campaign, None, via, moment, None)
        return
    asked = session.scalars(
        select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id, ~SurveyInvitee.is_reserve).order_by(SurveyInvitee.id)
    ).all()
    for invitee, moment in zip(rng.sample(asked, len(asked)), _moments(rng, days, len(asked)), strict=True):
        invitee.invited_on = each.opens_on if invitee.email else None
        chance = rng.random()
        if chance < each.share:
            via = AnswerVia.LINK if invitee.email and rng.random() < 0.55 else AnswerVia.PHONE
            _respond(session, rng, each, form, campaign, invitee, via, moment, asks)
        elif chance < each.share + 0.12 and invitee.phone:
            _miss(session, rng, invitee, moment, asks)
    session.flush()


def _moments(rng: Random, days: Sequence[date], n: int) -> list[datetime]:
    return sorted(_hour(rng.choice(days), 8) + timedelta(minutes=rng.randrange(9 * 60)) for _ in range(n))


def _respond(
    session: Session, rng: Random, each: _Round, form: Form, campaign: SurveyCampaign, invitee: SurveyInvitee | None, via: AnswerVia,
    moment: datetime, asks: User | None,
) -> None:  # fmt: skip
    zone = invitee.account.zone if invitee is not None and invitee.account is not None else ""
    mood = min(1.0, max(0.0, rng.gauss(_MOOD.get(zone, 0.84) + each.better, 0.18)))
    interviewer = asks.id if asks is not None and via is AnswerVia.PHONE else None
    response = survey_answers.begin(session, campaign, via=via, at=moment, invitee=invitee, interviewer_id=interviewer)
    is_half = rng.random() < 0.04
    raw: dict[str, str | list[str]] = {}
    for asked in form.questions[: len(form.questions) // 2] if is_half else form.questions:
        raw |= _said(rng, asked, mood)
    survey_answers.save(session, response, raw, at=moment + timedelta(minutes=4), form=form)
    if invitee is not None and via is AnswerVia.PHONE:
        _call(session, invitee, moment, asks, CallOutcome.PARTIAL if is_half else CallOutcome.ANSWERED)
    if is_half:
        return
    if invitee is not None:
        _wish(session, rng, response, moment, mood)
    survey_answers.complete(session, response, at=moment + timedelta(minutes=5), form=form)


def _wish(session: Session, rng: Random, response: SurveyResponse, moment: datetime, mood: float) -> None:
    is_named = ConsentText.kind == ConsentKind.SURVEY_NAME
    text = session.scalars(select(ConsentText).where(is_named).order_by(ConsentText.version.desc()).limit(1)).first()
    survey_answers.set_wishes(
        session, response, is_named=text is not None and rng.random() < 0.4, wants_contact=mood < 0.6 and rng.random() < 0.5,
        wants_case=False, consent_text=text, at=moment + timedelta(minutes=4),
    )  # fmt: skip


def _miss(session: Session, rng: Random, invitee: SurveyInvitee, moment: datetime, asks: User) -> None:
    outcome = rng.choice((CallOutcome.NO_ANSWER, CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.REFUSED))
    _call(session, invitee, moment, asks, outcome)
    if outcome is CallOutcome.REFUSED:
        invitee.status = InviteeStatus.REFUSED


def _call(session: Session, invitee: SurveyInvitee, moment: datetime, asks: User | None, outcome: CallOutcome) -> None:
    session.add(SurveyCall(invitee=invitee, at=moment, user=asks, outcome=outcome))
    invitee.n_attempts += 1


def _said(rng: Random, asked: Asked, mood: float) -> dict[str, str | list[str]]:
    """Return what somebody in that mood says to a question, as a form would send it."""
    if asked.kind is QuestionKind.MATRIX:
        return {f"{asked.code}.{row.code}": str(_score(rng, asked, mood)) for row in asked.options}
    if asked.kind in SCALES:
        return {asked.code: str(_score(rng, asked, mood))}
    if asked.kind is QuestionKind.ONE:
        weights = (1, 3) if len(asked.options) == 2 else range(len(asked.options), 0, -1)
        return {asked.code: rng.choices([each.code for each in asked.options], weights)[0]}
    if asked.kind is QuestionKind.MANY:
        return {asked.code: [each.code for each in rng.sample(asked.options, min(2, len(asked.options)))]}
    if asked.kind is QuestionKind.NUMBER:
        least = asked.least or Decimal(0)
        return {asked.code: str(int(min(least + rng.randint(0, 4), asked.greatest or least + 4)))}
    return {asked.code: rng.choice(_GLAD if mood > 0.66 else _CROSS)} if asked.is_required or rng.random() < 0.4 else {}


def _score(rng: Random, asked: Asked, mood: float) -> int:
    least, greatest = SCALES[asked.kind]
    if asked.kind is QuestionKind.YES_NO:
        good = int(rng.random() < mood + 0.1)
        return 1 - good if asked.is_reversed else good
    steady = (sum(map(ord, asked.code)) % 7 - 3) / 40 - _DIPS.get(asked.code, 0)  # every question has its own level
    score = round(least + (greatest - least) * min(1.0, max(0.0, rng.gauss(mood + steady, 0.14))))
    return least + greatest - score if asked.is_reversed else score
