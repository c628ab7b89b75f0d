"""The pages of thresholds, alarms and the report of surveys: who is named, what is refused beside its field, what a reader does not see."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.campaigns import AlarmEffect, AlarmMeasure, AlarmStatus
from app.domain.improvement import ActionKind, ActionOrigin
from app.domain.questionnaires import Audience
from app.extensions import now, today
from app.models import Action, ConsentText, SurveyAlarm, SurveyInvitee, SurveyThreshold
from app.operations import campaigns, improvement, survey_alarms, survey_answers
from app.security import CALIDAD, COMERCIAL, CONTROL, DUENO, SUBGERENTE


def page_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


@pytest.fixture
def form(make):
    return make.questionnaire("R10-PAGINAS", audience=Audience.USERS).questionnaire


@pytest.fixture
def campaign(make, form):
    for n in range(3):
        make.account(party=make.party(name=f"Ana Prueba {n}", phone=f"+5730077711{n:02}"), zone="Norte")
    return make.campaign(form.versions[0])


@pytest.fixture
def rule(seeded, make, form):
    row = SurveyThreshold(questionnaire_id=form.id, question_code="P1", measure=AlarmMeasure.ANSWER, at_most=Decimal(2),
                          effect=AlarmEffect.CONTACT, process=make.process("TECNICA"), days=5)  # fmt: skip
    seeded.add(row)
    seeded.flush()
    return row


@pytest.fixture
def alarm_of(seeded, make, campaign, rule):
    """alarm_of(named, wants_contact) → the alarm of somebody who gave a bad score."""

    def build(*, named: bool, wants_contact: bool = False) -> SurveyAlarm:
        before = set(seeded.scalars(select(SurveyAlarm.id)))
        invitee = seeded.scalars(select(SurveyInvitee).filter_by(campaign_id=campaign.id).order_by(SurveyInvitee.id)).first()
        response = make.response(campaign, {"P1": "1"}, via="LINK", invitee=invitee)
        wishes = {"is_named": named, "wants_contact": wants_contact, "wants_case": False}
        survey_answers.set_wishes(seeded, response, **wishes, consent_text=seeded.scalars(select(ConsentText)).first(), at=now())
        survey_alarms.on_response(seeded, response, at=now())
        return seeded.scalars(select(SurveyAlarm).where(SurveyAlarm.id.not_in(before))).one()

    return build


# ── Whom to call ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_gave_a_name_is_shown_with_the_telephone_and_the_way_to_the_answers(sign_in, alarm_of):
    alarm = alarm_of(named=True)
    page = page_of(sign_in(COMERCIAL).get(f"/survey-alarm/show/{alarm.id}"))

    assert alarm.response.invitee.name in page
    assert f'href="tel:{alarm.response.invitee.phone}"' in page
    assert f"/survey-answers/show/{alarm.response_id}" in page


def test_who_asks_to_be_called_without_a_name_is_shown_apart_from_the_answers(sign_in, alarm_of):
    alarm = alarm_of(named=False, wants_contact=True)
    client = sign_in(COMERCIAL)
    page, answers = page_of(client.get(f"/survey-alarm/show/{alarm.id}")), page_of(client.get(f"/survey-answers/show/{alarm.response_id}"))

    assert alarm.response.invitee.phone in page
    assert "/survey-answers/show/" not in page
    assert alarm.response.invitee.name not in answers
    assert f"/survey-alarm/show/{alarm.id}" not in answers  # else the one would lead to the other


def test_what_is_not_known_of_whom_to_call_is_a_dash(seeded, sign_in, alarm_of):
    alarm = alarm_of(named=True)
    alarm.response.invitee.email = None
    survey_answers.withdraw_name(seeded, alarm.response)
    client = sign_in(COMERCIAL)

    for page in (client.get(f"/survey-alarm/show/{alarm.id}"), client.get("/survey-alarm/list/")):
        assert not re.search(r">\s*(None|False)\s*<", page_of(page))


def test_the_name_is_taken_away_from_the_contact_with_the_consent(seeded, sign_in, alarm_of):
    alarm = alarm_of(named=True)
    name, phone = alarm.response.invitee.name, alarm.response.invitee.phone
    survey_answers.withdraw_name(seeded, alarm.response)
    client = sign_in(COMERCIAL)

    for page in (client.get(f"/survey-alarm/show/{alarm.id}"), client.get("/survey-alarm/list/"), client.get("/survey-alarm/export/csv")):
        assert name not in page_of(page) and phone not in page_of(page)


def test_a_list_and_its_file_name_whom_to_call(sign_in, alarm_of):
    alarm = alarm_of(named=True)
    client = sign_in(CONTROL)

    assert alarm.response.invitee.name in page_of(client.get("/survey-alarm/list/"))
    assert alarm.response.invitee.name in page_of(client.get("/survey-alarm/export/csv?cols=what,person,phone"))


# ── How it ends ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contact_is_settled_and_then_only_read(seeded, sign_in, alarm_of):
    alarm, client = alarm_of(named=True), sign_in(DUENO, "TECNICA")
    url = f"/survey-alarm/settle/{alarm.id}"
    empty = client.post(url, data={"result": " ", "ended_on": today().isoformat()})
    done = client.post(url, data={"result": "Se programó una visita.", "ended_on": today().isoformat()})
    seeded.expire_all()

    assert (empty.status_code, done.status_code) == (422, 302)
    assert (alarm.status, alarm.result) == (AlarmStatus.SETTLED, "Se programó una visita.")
    assert url not in page_of(client.get(f"/survey-alarm/show/{alarm.id}"))


def test_what_is_handed_to_another_process_leads_back_to_the_list(seeded, make, sign_in, alarm_of):
    alarm, client = alarm_of(named=True), sign_in(DUENO, "TECNICA")
    said = {"process_id": make.process("FACTURACION").id, "due_on": (today() + timedelta(3)).isoformat(), "responsible": ""}
    answer = client.post(f"/survey-alarm/hand-on/{alarm.id}", data=said)

    assert answer.status_code == 302
    assert answer.location.endswith("/survey-alarm/list/")
    assert client.get(f"/survey-alarm/show/{alarm.id}").status_code == 404


def test_an_action_is_asked_for_from_a_contact(seeded, make, sign_in, alarm_of):
    alarm, client = alarm_of(named=True), sign_in(CALIDAD)
    said = {"kind": "CORRECTIVE", "title": "Revisar la presión", "description": "", "process_id": make.process("TECNICA").id,
            "responsible": "", "due_on": (today() + timedelta(20)).isoformat()}  # fmt: skip
    assert client.post(f"/survey-alarm/ask/{alarm.id}", data=said).status_code == 302
    seeded.expire_all()

    assert alarm.action.title == "Revisar la presión"
    assert alarm.action.number in page_of(client.get(f"/survey-alarm/show/{alarm.id}"))


# ── Thresholds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_threshold_is_stored_and_one_that_makes_no_sense_is_refused_beside_its_field(seeded, make, form, sign_in):
    client = sign_in(CALIDAD)
    said = {"questionnaire_id": form.id, "question_code": "P3", "measure": "NPS", "at_most": "10", "words": "", "least_n": "20",
            "effect": "ACTION", "process_id": make.process("COMERCIAL").id, "days": "30", "is_active": "y"}  # fmt: skip
    wrong = client.post("/survey-threshold/add", data=said | {"question_code": "P1"})
    unknown = client.post("/survey-threshold/add", data=said | {"question_code": "P99"})
    right = client.post("/survey-threshold/add", data=said)

    assert (wrong.status_code, unknown.status_code, right.status_code) == (422, 422, 302)
    assert "cannot be taken of a question of the kind" in page_of(wrong)
    assert "That form asks no question P99." in page_of(unknown)
    stored = seeded.scalars(select(SurveyThreshold).where(SurveyThreshold.questionnaire_id == form.id)).one()
    assert (stored.question_code, stored.measure, stored.at_most) == ("P3", AlarmMeasure.NPS, 10)


def test_words_are_looked_for_in_every_open_text(seeded, form, sign_in):
    said = {"questionnaire_id": form.id, "question_code": "", "measure": "WORDS", "at_most": "3", "words": "fuga, turbia", "least_n": "1",
            "effect": "CONTACT", "process_id": "", "days": "3", "is_active": "y"}  # fmt: skip

    assert sign_in(CALIDAD).post("/survey-threshold/add", data=said).status_code == 302
    stored = seeded.scalars(select(SurveyThreshold).where(SurveyThreshold.questionnaire_id == form.id)).one()
    assert (stored.question_code, stored.at_most, stored.words) == ("", None, "fuga, turbia")


# ── The report ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def closed(seeded, make, campaign):
    first = seeded.scalars(select(SurveyInvitee).filter_by(campaign_id=campaign.id)).first()
    make.response(campaign, {"P1": "4"}, via="LINK", invitee=first)
    return campaigns.close(seeded, campaign, at=now(), actor_id=make.user(COMERCIAL).id, reason="Ya respondieron")


def test_the_report_is_concluded_then_issued_and_opens_as_it_was(seeded, sign_in, closed):
    client, url = sign_in(SUBGERENTE), f"/survey-report/{closed.id}"
    client.post(f"{url}/issue")
    assert "Write what the report concludes" in page_of(client.get(url))
    assert client.post(url, data={"conclusion": "Todo mejoró."}).status_code == 302
    assert client.post(f"{url}/issue").status_code == 302
    seeded.expire_all()

    assert closed.document.number == f"INF-{closed.number}"
    assert client.get(f"{url}/pdf").get_data()[:5] == b"%PDF-"
    page = page_of(client.get(url))
    assert closed.document.number in page and "Todo mejoró." in page
    assert 'name="conclusion"' not in page
    assert client.post(url, data={"conclusion": "Otra cosa."}).status_code == 422


def test_an_owner_sees_the_actions_of_his_processes_alone(seeded, make, sign_in, closed):
    asked = {"kind": ActionKind.CORRECTIVE, "origin": ActionOrigin.SURVEY, "origin_key": closed.number, "description": "",
             "responsible_id": None, "due_on": today(), "at": now(), "user_id": None}  # fmt: skip
    for code in ("TECNICA", "FACTURACION"):
        improvement.ask_action(seeded, title=f"Acción de {code}", process_id=make.process(code).id, **asked)
    page, all_of_it = (page_of(sign_in(*who).get(f"/survey-report/{closed.id}")) for who in ((DUENO, "TECNICA"), (CALIDAD,)))

    assert "Acción de TECNICA" in page and "Acción de FACTURACION" not in page
    assert "Acción de FACTURACION" in all_of_it
    assert len(seeded.scalars(select(Action)).all()) == 2


def test_my_day_counts_the_contacts_and_leads_to_them(sign_in, alarm_of):
    alarm_of(named=True)
    page = page_of(sign_in(COMERCIAL).get("/"))

    assert "Contacts that surveys ask for" in page
    assert "/survey-alarm/list/?status=OPEN&amp;effect=CONTACT" in page
