"""Pages on which a survey is answered: by personal link, printed code and kiosk; and how whoever wants no more says so."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.campaigns import AnswerVia, InviteeStatus, ResponseStatus
from app.domain.questionnaires import Audience
from app.extensions import now
from app.lookups import lookup_text
from app.models import OutboxMessage, SurveyAnswer, SurveyCampaign, SurveyInvitee, SurveyOptOut, SurveyResponse
from app.operations import campaigns, survey_answers, survey_links, survey_mail

ONE = {"section": "1", "version": "0", "P1": "4", "P2.agua": "4", "P2.aseo": "NA", "P3": "9"}
TWO = {"section": "2", "version": "1", "P4": "1", "P5": "", "P6": "", "P9": ""}


@pytest.fixture
def campaign(make, at) -> SurveyCampaign:
    at("2026-07-10T10:00-05:00")
    make.contract()
    return make.campaign(make.questionnaire(audience=Audience.CONTRACTS), by_kiosk=True, by_qr=True)


@pytest.fixture
def invitee(seeded, campaign) -> SurveyInvitee:
    return seeded.scalars(select(SurveyInvitee)).one()


@pytest.fixture
def link(seeded, invitee) -> str:
    seeded.commit()
    return survey_links.path_of(invitee)


def response_of(session) -> SurveyResponse:
    session.expire_all()
    return session.scalars(select(SurveyResponse)).one()


def answer(client, link: str, **more: Any) -> Any:
    """Answer both pages and send; return what sending answers."""
    assert client.post(link, data=ONE).status_code == 303
    assert client.post(link, data=TWO).location.endswith("s=fin")
    return client.post(link, data={"section": "fin", **more})


# ── The personal link ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_at_a_time_is_kept_and_the_last_press_sends(seeded, client, link):
    opened = client.get(link)
    assert (opened.status_code, "Set-Cookie" in opened.headers and len(opened.get_data()) > 60_000) == (200, False)
    first = client.post(link, data=ONE)
    assert (first.status_code, first.location) == (303, f"{link}?s=2")
    assert response_of(seeded).status is ResponseStatus.PARTIAL

    assert client.post(link, data=TWO).location == f"{link}?s=fin"
    client.post(link, data={"section": "fin"})

    assert response_of(seeded).status is ResponseStatus.COMPLETE
    assert f'href="{link}?s=1"' in client.get(link).text


def test_who_left_half_way_finds_the_first_page_that_lacks_an_answer(client, link):
    client.post(link, data=ONE)
    again = client.get(link).text

    assert 'name="section" value="2"' in again
    assert 'role="status"' in again


def test_what_is_missing_is_said_beside_its_question_and_the_rest_is_kept(seeded, client, link):
    refused = client.post(link, data={**ONE, "P1": "6", "P3": ""})

    assert refused.status_code == 422
    assert {f'id="q-{name}-error"' in refused.text for name in ("P1", "P3")} == {True}
    assert 'id="q-P2-agua-error"' not in refused.text
    assert re.search(r'name="P2.agua" value="4" checked', refused.text)
    assert len(seeded.scalars(select(SurveyAnswer.id)).all()) == 2


def test_a_question_that_an_answer_opens_is_asked_before_going_on(seeded, client, link):
    client.post(link, data=ONE)
    opened = client.post(link, data={**TWO, "P4": "0"})
    assert (opened.status_code, 'name="P8"' in opened.text, "hidden" in opened.text.split('data-when="P4"')[1][:60]) == (200, True, False)

    on = client.post(link, data={**TWO, "version": "2", "P4": "0", "P8": "Nadie contestó"})
    assert on.location == f"{link}?s=fin"
    assert "Nadie contestó" in seeded.scalars(select(SurveyAnswer.words)).all()


def test_back_keeps_the_page_and_asks_for_nothing(seeded, client, link):
    client.post(link, data=ONE)
    back = client.post(link, data={"section": "2", "version": "1", "P4": "1", "go": "back"})

    assert back.location == f"{link}?s=1"
    assert response_of(seeded).version == 2


def test_two_tabs_the_second_is_told_and_keeps_what_it_chose(seeded, client, link):
    client.post(link, data=ONE)
    stale = client.post(link, data={**ONE, "P1": "1"})
    assert stale.status_code == 409
    assert re.search(r'name="P1" value="1" checked', stale.text)
    assert 'name="version" value="1"' in stale.text
    assert client.post(link, data=ONE).status_code == 303  # a second click on the first page says the same

    client.post(link, data={**ONE, "P1": "1", "version": "1"})
    assert seeded.scalars(select(SurveyAnswer.score).order_by(SurveyAnswer.id.desc())).first() == 1


def test_the_same_link_changes_its_answer_and_makes_no_second_one(seeded, client, link):
    answer(client, link)
    client.post(link, data={**ONE, "version": "2", "P1": "2"})

    response = response_of(seeded)
    assert (response.status, response.version) == (ResponseStatus.COMPLETE, 3)


def test_what_a_telephone_interview_took_is_not_answered_again_by_the_link(seeded, client, link, make, campaign, invitee):
    make.response(campaign, via="PHONE", invitee=invitee)
    seeded.commit()

    page, second = client.get(link), client.post(link, data=ONE)

    assert (page.status_code, f"{link}?s=1" in page.text) == (200, False)
    assert (second.status_code, 'role="alert"' in second.text) == (409, True)
    assert response_of(seeded).via is AnswerVia.PHONE


def test_after_closing_nothing_is_taken_and_the_page_says_so(seeded, client, link, campaign, at):
    client.post(link, data=ONE)
    campaigns.close(seeded, seeded.merge(campaign), at=now(), actor_id=None, reason="Ya respondieron todos")
    seeded.commit()

    for closed in (client.get(link), client.post(link, data=TWO), client.post(link, data={"section": "fin"})):
        assert (closed.status_code, campaign.number in closed.text, "<textarea" in closed.text) == (410, True, False)
    response = response_of(seeded)
    assert (response.status, response.version) == (ResponseStatus.PARTIAL, 1)


def test_the_last_day_has_passed_before_the_night_closes_it(client, link, at):
    at("2026-08-01T00:01-05:00")

    assert client.get(link).status_code == 410
    assert client.post(link, data=ONE).status_code == 410


def test_before_it_opens_it_says_when(seeded, client, link, campaign):
    seeded.merge(campaign).opens_on = date(2026, 7, 20)
    seeded.commit()

    assert (client.get(link).status_code, client.post(link, data=ONE).status_code) == (200, 200)
    assert seeded.scalars(select(SurveyResponse)).all() == []


def test_a_link_that_is_not_ours_opens_nothing(client, link):
    assert client.get(f"{link}x").status_code == 404
    assert client.get("/encuesta/1").status_code == 404
    assert client.get("/encuesta/codigo/x").status_code == 404
    assert client.get("/encuesta/sigue/x").status_code == 404


def test_sending_without_what_is_needed_leads_to_its_page(client, link):
    client.post(link, data=ONE)
    sent = client.post(link, data={"section": "fin"})
    assert sent.location == f"{link}?s=2&lacking=1"

    assert 'id="q-P4-error"' in client.get(sent.location).text


def test_in_english_the_questions_and_the_way_on_are_english(seeded, client, link):
    assert "Would you recommend us?" in client.get(f"{link}?_l_=en").text
    assert client.post(f"{link}?_l_=en", data=ONE).location == f"{link}?_l_=en&s=2"
    assert response_of(seeded).language == "en"


def test_an_expired_token_costs_nobody_an_answer(client, link, csrf):
    expired = client.post(link, data=ONE)

    assert expired.status_code == 400
    assert re.search(r'name="P1" value="4" checked', expired.text)
    assert 'name="csrf_token"' in expired.text


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_stands_beside_the_answers_only_with_the_words_agreed_to(seeded, client, link):
    client.post(link, data=ONE)
    last = client.get(client.post(link, data=TWO).location).text
    consent = re.search(r'name="consent" value="(\d+)"', last)[1]
    answer(client, link, is_named="on", wants_contact="on", consent=consent)

    response = response_of(seeded)
    assert (response.is_named, response.consent_text_id, response.wants_contact, response.wants_case) == (True, int(consent), True, False)
    client.post(link, data={"do": "unname"})
    assert not response_of(seeded).is_named


def test_a_name_without_the_words_is_refused(seeded, client, link):
    refused = answer(client, link, is_named="on", consent="0")

    assert refused.status_code == 409
    assert response_of(seeded).status is ResponseStatus.PARTIAL


# ── No more ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_press_stops_the_surveys_and_another_takes_it_back(seeded, client, link, invitee):
    stop = f"{link}/no-mas"
    assert 'value="stop"' in client.get(stop).text
    assert seeded.scalars(select(SurveyOptOut)).all() == []  # opening it is not asking for it: programs open links
    client.post(stop, data={"do": "stop"})

    seeded.expire_all()
    assert seeded.get(SurveyInvitee, invitee.id).status is InviteeStatus.OPTED_OUT
    assert client.get(link).location == stop
    client.post(stop, data={"do": "back"})
    seeded.expire_all()
    assert seeded.get(SurveyInvitee, invitee.id).status is InviteeStatus.WAITING
    assert client.get(link).status_code == 200


def test_the_staff_keeps_who_said_so_and_who_changed_their_mind(seeded, client, login, a_user, link, invitee):
    login(client, a_user("Comercial"))
    form = {"party": lookup_text(invitee.party), "via": "PHONE", "note": "Lo dijo al llamarlo"}
    assert client.post("/survey-optout/add", data=form).status_code == 302
    twice = client.post("/survey-optout/add", data=form)
    assert (twice.status_code, 'id="party-error"' in twice.text) == (422, True)

    seeded.expire_all()
    row = seeded.scalars(select(SurveyOptOut)).one()
    assert (row.via, row.note, seeded.get(SurveyInvitee, invitee.id).status) == (AnswerVia.PHONE, form["note"], InviteeStatus.OPTED_OUT)
    assert client.post(f"/survey-optout/end/{row.id}").status_code == 302
    seeded.expire_all()
    assert seeded.get(SurveyOptOut, row.id).ended_at is not None


# ── Without a name ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["codigo", "quiosco"])
def test_whoever_comes_by_answers_page_by_page_and_makes_room_for_the_next(seeded, client, campaign, way):
    seeded.commit()
    start = f"/encuesta/{way}/{campaign.public_code}"
    assert client.get(start).status_code == 200
    first = client.post(start, data=ONE)
    assert re.fullmatch(r"/encuesta/sigue/[^?]+\?s=2", first.location)
    on = first.location.partition("?")[0]

    sent = client.post(on, data=TWO)
    assert sent.location == f"{start}?done=1"
    assert ("data-restart" in client.get(sent.location).text) == (way == "quiosco")
    assert client.get(on).location == f"{start}?done=1"
    assert client.post(on, data={**ONE, "P1": "1"}).location == f"{start}?done=1"
    response = response_of(seeded)
    assert (response.status, response.invitee_id) == (ResponseStatus.COMPLETE, None)
    assert response.via is (AnswerVia.KIOSK if way == "quiosco" else AnswerVia.QR)


def test_a_robot_and_a_flood_are_held_back(app, seeded, client, campaign, monkeypatch):
    seeded.commit()
    start = f"/encuesta/codigo/{campaign.public_code}"
    assert client.post(start, data={**ONE, "website": "http://x"}).status_code == 422
    monkeypatch.setattr("app.answering.minutes_to_wait", lambda *_what: 7)
    held = client.post(start, data=ONE)

    assert held.status_code == 429
    assert re.search(r'name="P1" value="4" checked', held.text)
    assert seeded.scalars(select(SurveyResponse)).all() == []


def test_a_kiosk_that_was_left_begins_again(seeded, client, campaign, monkeypatch):
    seeded.commit()
    start = f"/encuesta/quiosco/{campaign.public_code}"
    on = client.post(start, data=ONE).location
    monkeypatch.setattr(survey_links, "KIOSK_LIFE", survey_links.timedelta(seconds=-1))

    assert client.get(on).location == start


# ── By mail ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_staff_sends_the_invitations_and_prints_the_poster(app, seeded, client, login, a_user, campaign, link):
    app.config["PUBLIC_URL"] = "https://atiende.example"
    login(client, a_user("Comercial"))
    page = client.get(f"/survey-door/invitations/{campaign.id}").text
    assert f"/survey-door/send/{campaign.id}" in page
    client.post(f"/survey-door/send/{campaign.id}")

    seeded.expire_all()
    mail = seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == survey_mail.INVITATION)).one()
    assert f"https://atiende.example{link}" in mail.body
    assert mail.unsubscribe_url == f"https://atiende.example{link}/no-mas"
    assert client.get(f"/survey-door/poster/{campaign.id}").data.startswith(b"%PDF")
    assert client.get(f"/survey-door/kiosk/{campaign.id}").location == survey_links.kiosk_path(campaign)
    assert survey_answers.response_of(seeded, seeded.scalars(select(SurveyInvitee)).one()) is None
