"""What answers and figures ask for: once, of the right process, never naming who gave no name, and a case only where one is wanted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app import queries, search
from app.domain.campaigns import AlarmEffect, AlarmMeasure, AlarmStatus, AnswerVia
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.domain.interested import EvidenceSource
from app.domain.questionnaires import Audience
from app.domain.states import Identity
from app.dossier import Sight, dossier_of
from app.models import (
    Action,
    ConsentText,
    Evidence,
    OutboxMessage,
    Parameter,
    PartyGroup,
    Pqr,
    SurveyAlarm,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
    SurveyTag,
    SurveyThreshold,
)
from app.operations import actions, campaigns, improvement, interested, reminders, survey_alarms, survey_answers, survey_rounds, survey_tags

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
TODAY = date(2026, 7, 10)


@pytest.fixture
def form(make):
    return make.questionnaire("R10-ALARMAS", audience=Audience.USERS).questionnaire


@pytest.fixture
def people(make):
    """Six parties with an account and a telephone each."""
    return [make.account(party=make.party(phone=f"+5730055522{n:02}", email=f"p{n}@example.com"), zone="Norte").party for n in range(6)]


@pytest.fixture
def campaign(make, form, people):
    return make.campaign(form.versions[0], at=AT, by_qr=True)


@pytest.fixture
def threshold(seeded, make, form):
    def build(measure: str = "ANSWER", effect: str = "CONTACT", **said: Any) -> SurveyThreshold:
        values = {"question_code": "P1", "at_most": Decimal(2), "process": make.process("TECNICA"), "days": 4, "least_n": 1}
        row = SurveyThreshold(questionnaire_id=form.id, measure=AlarmMeasure[measure], effect=AlarmEffect[effect], **(values | said))
        seeded.add(row)
        seeded.flush()
        return row

    return build


@pytest.fixture
def answer(seeded, make, campaign):
    """answer(raw, party=, named=, wants_contact=, wants_case=) → a complete response by link, its alarms raised."""

    def build(raw: dict[str, Any], party: Any = None, named: bool = False, at: datetime = AT, **wishes: bool) -> Any:
        free = select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id).order_by(SurveyInvitee.id)
        taken = {row.invitee_id for row in seeded.scalars(select(SurveyResponse).where(SurveyResponse.campaign_id == campaign.id))}
        invitee = next(row for row in seeded.scalars(free) if row.id not in taken and party in (None, row.party))
        response = survey_answers.begin(seeded, campaign, via=AnswerVia.LINK, at=at, invitee=invitee)
        said = {"P1": "4", "P2.agua": "4", "P2.aseo": "5", "P3": "9", "P4": "1"} | raw
        assert survey_answers.save(seeded, response, said, at=at) == {}
        text = seeded.scalars(select(ConsentText)).first()
        asked = {"is_named": named, "wants_contact": False, "wants_case": False} | wishes
        survey_answers.set_wishes(seeded, response, **asked, consent_text=text, at=at)
        return survey_answers.complete(seeded, response, at=at)

    return build


def alarms(session: Any) -> list[SurveyAlarm]:
    return list(session.scalars(select(SurveyAlarm).order_by(SurveyAlarm.id)))


# ── As answers come ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_low_score_with_a_name_asks_the_process_to_call_within_the_days_of_the_threshold(seeded, threshold, answer):
    rule = threshold()
    response = answer({"P1": "2"}, named=True)

    [alarm] = alarms(seeded)
    assert (alarm.threshold, alarm.response, alarm.effect, alarm.status) == (rule, response, AlarmEffect.CONTACT, AlarmStatus.OPEN)
    assert (alarm.process, alarm.figure, alarm.raised_on, alarm.due_on) == (rule.process, 2, TODAY, TODAY + timedelta(4))
    assert "¿Qué tan satisfecho está?" in alarm.what
    assert survey_alarms.person_of(alarm) is response.invitee


def test_a_score_above_the_threshold_or_that_does_not_apply_asks_for_nothing(seeded, threshold, answer):
    threshold()
    answer({"P1": "3"}, named=True)
    answer({"P1": "NA"}, named=True)

    assert alarms(seeded) == []


def test_several_thresholds_ask_for_one_call_and_looking_again_asks_for_none(seeded, threshold, answer):
    threshold()
    threshold(question_code="P3", at_most=Decimal(6))
    response = answer({"P1": "1", "P3": "5"}, named=True, wants_contact=True)

    [alarm] = alarms(seeded)
    assert len(alarm.what.splitlines()) == 3
    assert alarm.figure == 1
    assert survey_alarms.on_response(seeded, response, at=AT) == []


def test_a_row_of_a_matrix_and_a_question_turned_round_are_told_as_they_were_given(seeded, threshold, answer):
    threshold(question_code="P2")
    threshold(question_code="P9")
    answer({"P2.aseo": "1", "P9": "7"}, named=True)

    [alarm] = alarms(seeded)
    assert "Califique cada servicio (Aseo)" in alarm.what
    assert "Agua" not in alarm.what
    assert "El trámite es complicado" in alarm.what  # 7 of 7, the worst
    assert "7" in alarm.what.splitlines()[-1]


def test_who_gave_no_name_is_not_called_about_a_score(seeded, threshold, answer):
    threshold()
    answer({"P1": "1"})

    assert alarms(seeded) == []


def test_words_without_a_name_are_heard_and_name_nobody(seeded, threshold, answer):
    threshold("WORDS", question_code="", at_most=None, words="enferm, fuga")
    answer({"P4": "0", "P8": "Mi hijo se ENFERMÓ por el agua"})
    answer({"P4": "0", "P8": "Todo bien"})

    [alarm] = alarms(seeded)
    assert "ENFERMÓ" in alarm.what
    assert survey_alarms.person_of(alarm) is None


def test_who_asks_to_be_contacted_without_a_name_is_called_and_nothing_is_told_of_the_answers(seeded, make, threshold, answer):
    threshold("WORDS", question_code="", at_most=None, words="fuga")
    response = answer({"P1": "1", "P4": "0", "P8": "Hay una fuga"}, wants_contact=True)

    wish, words = sorted(alarms(seeded), key=lambda alarm: alarm.threshold_id or 0)
    assert (wish.threshold_id, survey_alarms.person_of(wish)) == (None, response.invitee)
    assert "fuga" not in wish.what
    assert wish.process.is_front_desk
    assert survey_alarms.person_of(words) is None


def test_answers_that_a_file_brings_late_are_no_news(seeded, threshold, answer):
    threshold()
    response = answer({"P1": "1"}, named=True)
    seeded.delete(alarms(seeded)[0])
    seeded.flush()

    assert survey_alarms.on_response(seeded, response, at=AT + timedelta(days=32)) == ()


def test_an_inactive_threshold_is_silent(seeded, threshold, answer):
    threshold(is_active=False)
    answer({"P1": "1"}, named=True)

    assert alarms(seeded) == []


# ── Cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_wants_a_case_gets_one_with_what_they_told_and_its_number_by_mail(seeded, campaign, threshold, answer):
    rule = threshold("ANSWER", "CASE")
    response = answer({"P1": "1", "P4": "0", "P8": "El agua llega turbia"}, wants_case=True)

    [alarm] = alarms(seeded)
    case = alarm.pqr
    assert (alarm.threshold, alarm.effect, alarm.status, alarm.ended_on) == (rule, AlarmEffect.CASE, AlarmStatus.SETTLED, TODAY)
    assert (case.party, case.identity, case.channel.code) == (response.invitee.party, Identity.NAMED, "WEB")
    assert "El agua llega turbia" in case.body
    assert campaign.number in case.body
    assert case.number in alarm.result
    assert seeded.scalar(select(OutboxMessage.to_address).where(OutboxMessage.pqr_id == case.id)) == response.invitee.party.email


def test_the_same_response_never_opens_a_second_case(seeded, answer):
    response = answer({"P4": "0", "P8": "El agua llega turbia"}, wants_case=True)
    for alarm in alarms(seeded):
        seeded.delete(alarm)
    seeded.flush()
    survey_alarms.on_response(seeded, response, at=AT)

    assert len(seeded.scalars(select(Pqr)).all()) == 1


def test_without_the_wish_no_threshold_opens_a_case(seeded, threshold, answer):
    threshold("ANSWER", "CASE")
    answer({"P1": "1", "P4": "0", "P8": "El agua llega turbia"}, named=True)

    assert alarms(seeded) == []
    assert seeded.scalars(select(Pqr)).all() == []


def test_who_wants_a_case_and_tells_nothing_is_called(seeded, answer):
    answer({}, wants_case=True)

    [alarm] = alarms(seeded)
    assert (alarm.effect, alarm.pqr_id) == (AlarmEffect.CONTACT, None)


def test_a_case_that_cannot_be_opened_keeps_the_answer_and_waits_with_the_reason(seeded, answer):
    seeded.get_one(Parameter, "survey.request_type").value = "NO-HAY"
    response = answer({"P4": "0", "P8": "El agua llega turbia"}, wants_case=True)

    [alarm] = alarms(seeded)
    assert (alarm.effect, alarm.status, alarm.pqr_id) == (AlarmEffect.CASE, AlarmStatus.OPEN, None)
    assert "NO-HAY" in alarm.what
    assert response.status.name == "COMPLETE"


# ── At closing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def closed(seeded: Any, make: Any, campaign: Any) -> Any:
    return campaigns.close(seeded, campaign, at=AT, actor_id=make.user("Comercial").id, reason="Ya respondieron")


def test_a_figure_at_its_threshold_asks_for_an_action_once(seeded, make, campaign, threshold, answer):
    threshold("MEAN", "ACTION", at_most=Decimal("2.5"), least_n=2)
    threshold("NPS", "ACTION", question_code="P3", at_most=Decimal(0), least_n=2)
    answer({"P1": "2"})
    answer({"P1": "3"})
    closed(seeded, make, campaign)

    [alarm] = alarms(seeded)
    action = alarm.action
    assert (alarm.figure, alarm.status, alarm.response_id) == (Decimal("2.50"), AlarmStatus.SETTLED, None)
    assert (action.origin, action.origin_key, action.process) == (ActionOrigin.SURVEY, campaign.number, alarm.process)
    assert action.origin_path == f"/survey-alarm/show/{alarm.id}"
    assert action.due_on == TODAY + timedelta(4)
    campaigns.reopen(seeded, campaign, "Faltaban dos", campaign.closes_on, at=AT, actor_id=make.user("Comercial").id)
    closed(seeded, make, campaign)
    assert len(seeded.scalars(select(Action)).all()) == 1


def test_a_figure_of_too_few_answers_asks_for_nothing(seeded, make, campaign, threshold, answer):
    threshold("CSAT", "ACTION", at_most=Decimal(90), least_n=2)
    answer({"P1": "1"})
    closed(seeded, make, campaign)

    assert alarms(seeded) == []


def test_the_row_of_a_matrix_that_is_low_is_named_alone(seeded, make, campaign, threshold, answer):
    threshold("CSAT", "ACTION", question_code="P2", at_most=Decimal(50))
    answer({"P2.agua": "1", "P2.aseo": "5"})
    answer({"P2.agua": "2", "P2.aseo": "4"})
    closed(seeded, make, campaign)

    [alarm] = alarms(seeded)
    assert "(Agua)" in alarm.what
    assert "Aseo" not in alarm.what
    assert alarm.figure == 0


def test_an_action_that_is_refused_leaves_the_alarm_to_somebody(seeded, make, campaign, threshold, answer):
    rule = threshold("MEAN", "ACTION", at_most=Decimal(4))
    answer({"P1": "2"})
    rule.process.is_active = False
    seeded.flush()
    closed(seeded, make, campaign)

    [alarm] = alarms(seeded)
    assert (alarm.status, alarm.action_id) == (AlarmStatus.OPEN, None)
    assert seeded.scalars(select(Action)).all() == []


def test_who_left_it_half_filled_and_wants_to_be_called_is_heard_at_closing(seeded, make, campaign, people):
    invitee = seeded.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id)).first()
    response = survey_answers.begin(seeded, campaign, via=AnswerVia.LINK, at=AT, invitee=invitee)
    survey_answers.save(seeded, response, {"P1": "4"}, at=AT)
    survey_answers.set_wishes(seeded, response, is_named=False, wants_contact=True, wants_case=False, consent_text=None, at=AT)
    closed(seeded, make, campaign)

    [alarm] = alarms(seeded)
    assert survey_alarms.person_of(alarm) is invitee


# ── What becomes of them ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def alarm(seeded, threshold, answer):
    threshold()
    answer({"P1": "1"}, named=True)
    return alarms(seeded)[0]


def test_a_contact_ends_once_with_what_was_said(seeded, alarm):
    survey_alarms.settle(seeded, alarm, " Se programó una visita. ", ended_on=TODAY, at=AT)

    assert (alarm.status, alarm.result, alarm.ended_on) == (AlarmStatus.SETTLED, "Se programó una visita.", TODAY)
    with pytest.raises(MoveRefused):
        survey_alarms.dismiss(seeded, alarm, "Nadie contesta", at=AT)


def test_a_contact_is_not_ended_without_words(seeded, alarm):
    with pytest.raises(DomainError) as refusal:
        survey_alarms.dismiss(seeded, alarm, "  ", at=AT)

    assert (refusal.value.field, alarm.status) == ("result", AlarmStatus.OPEN)


def test_an_alarm_is_handed_on_while_it_waits(seeded, make, alarm):
    who = make.user("Dueño de proceso", process="FACTURACION")
    survey_alarms.hand_on(seeded, alarm, make.process("FACTURACION"), who.id, TODAY + timedelta(9))

    assert (alarm.process.code, alarm.responsible_id, alarm.due_on) == ("FACTURACION", who.id, TODAY + timedelta(9))
    with pytest.raises(DomainError):
        survey_alarms.hand_on(seeded, alarm, make.process("TECNICA"), None, TODAY - timedelta(1))


def test_an_action_takes_a_contact_on(seeded, make, alarm):
    asked = improvement.Asked("Revisar la presión", "", ActionKind.CORRECTIVE, make.process("TECNICA").id, TODAY + timedelta(20))
    action = survey_alarms.ask_for_action(seeded, alarm, asked, at=AT, actor_id=None)

    assert (alarm.status, alarm.action, action.party_id) == (AlarmStatus.SETTLED, action, alarm.response.invitee.party_id)


# ── Rounds ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_round_tells_what_came_of_this_one(seeded, make, form, campaign, threshold, answer):
    threshold()
    threshold("MEAN", "ACTION", at_most=Decimal(4))
    answer({"P1": "1"}, named=True)
    answer({"P1": "2"}, named=True)
    closed(seeded, make, campaign)
    first, _second, _figure = alarms(seeded)
    survey_alarms.settle(seeded, first, "Se llamó", ended_on=TODAY, at=AT)
    action = seeded.scalars(select(Action)).one()
    action.kind = ActionKind.CORRECTION
    seeded.flush()
    actions.finish(seeded, action, "Se cambió la válvula", ended_on=TODAY, at=AT, user_id=None)
    later = make.campaign(form.versions[0], at=AT, period_from=date(2026, 8, 1), period_until=date(2026, 8, 31))

    assert survey_rounds.aftermath(seeded, campaign) is None
    told = survey_rounds.aftermath(seeded, later)
    assert told.campaign is campaign
    assert [(each.number, each.status) for each in told.actions] == [(action.number, ActionStatus.DONE)]
    assert (told.n(AlarmEffect.CONTACT), told.n(AlarmEffect.CONTACT, AlarmStatus.OPEN)) == (2, 1)


def test_open_answers_are_quoted_by_tag_without_telephones(seeded, campaign, answer):
    response = answer({"P4": "0", "P8": "Hay una fuga, llámenme al 300 123 45 67 o a ana@example.com"})
    answer({"P4": "0", "P8": "Todo bien"})
    words = next(each for each in survey_alarms._answers(seeded, response) if each.words)
    seeded.add(SurveyTag(name="Fugas"))
    survey_tags.put(seeded, survey_tags.tag_called(seeded, "fugas"), [words])

    tagged, untagged = survey_rounds.words_of(seeded, campaign)
    assert (tagged.tag, tagged.n, tagged.quotes) == ("Fugas", 1, ("Hay una fuga, llámenme al … o a …",))
    assert (untagged.tag, untagged.quotes) == ("", ("Todo bien",))


def test_the_case_says_in_which_survey_it_was_told(seeded, campaign, answer):
    answer({"P4": "0", "P8": "El agua llega turbia"}, wants_case=True)
    [row] = queries.case_acts(seeded, alarms(seeded)[0].pqr)["survey"]

    assert (row.id, row.number, row.on) == (campaign.id, campaign.number, TODAY)


# ── On the other screens ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_is_reminded_of_and_what_ended_is_not(seeded, alarm):
    def told() -> list[tuple[str, date]]:
        house = reminders._house(seeded, AT)
        return [(row.key, row.due_on) for row in seeded.execute(reminders.SOURCES["SURVEY_ALARM"].rows(house))]

    assert told() == [(f"{alarm.campaign.number} · {alarm.id}", alarm.due_on)]
    survey_alarms.settle(seeded, alarm, "Se llamó", ended_on=TODAY, at=AT)
    assert told() == []


def test_a_closed_campaign_is_evidence_for_the_group_it_asked(seeded, make, people, campaign, answer):
    source = {"evidence_source": EvidenceSource.SURVEY, "months": 6, "starts_on": date(2026, 1, 1)}
    mine, other = make.mechanism(**source), make.mechanism(**source)
    seeded.add_all([PartyGroup(party=people[0], group=mine.group), PartyGroup(party=make.party(), group=other.group)])
    answer({})
    closed(seeded, make, campaign)

    assert (interested.find_evidence(seeded, mine, at=AT), interested.find_evidence(seeded, other, at=AT)) == (1, 0)
    assert interested.find_evidence(seeded, mine, at=AT) == 0
    row = seeded.scalars(select(Evidence).where(Evidence.mechanism_id == mine.id)).one()
    assert (row.source_key, row.on, row.path) == (campaign.number, TODAY, f"/survey-report/{campaign.id}")


def test_the_page_of_a_party_has_its_surveys_and_its_answers_only_with_its_name(seeded, campaign, answer, people):
    answer({}, party=people[0])
    named = answer({}, party=people[1], named=True)
    sight = Sight(surveys=True)
    [silent], [told] = (dossier_of(seeded, party.id, TODAY, sight).of("survey") for party in people[:2])

    assert (silent.number, silent.state, silent.other_key) == (campaign.number, "ANSWERED", None)
    assert told.other_key == named.id
    assert dossier_of(seeded, people[0].id, TODAY, Sight()).of("survey") == []


def test_a_campaign_is_found_by_its_number_and_by_its_form(seeded, campaign):
    for typed in (campaign.number, "r10 alarmas"):
        found = seeded.scalars(select(SurveyCampaign.id).where(search.matching(SurveyCampaign, typed))).all()
        assert found == [campaign.id]
