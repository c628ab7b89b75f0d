"""The pages of interviews: the queue, a call saved bit by bit and all at once, its end, and sheets of paper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.campaigns import CallOutcome, InviteeStatus, ResponseStatus
from app.domain.questionnaires import Audience
from app.models import SurveyCall, SurveyInvitee, SurveyQuota, SurveyResponse
from app.operations import interviews, survey_answers
from app.operations.interviews import Ended
from app.operations.questionnaires import form_of
from app.security import AUXILIAR, COMERCIAL
from tests.databases import statements_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
WHOLE = {"q-P1": "4", "q-P2.agua": "4", "q-P2.aseo": "5", "q-P3": "9", "q-P4": "1"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def campaign(seeded, make, at) -> Any:
    """A campaign that calls two customers and takes sheets of paper, on its tenth day."""
    at("2026-07-10T10:00-05:00")
    for name in ("Hotel La Ceiba", "Lechería El Prado"):
        party = make.party(name=name, phone="+573001110001")
        make.contract(party=party, starts_on=date(2024, 7, 10), ends_on=None, requirements=1)
    version = make.questionnaire("R10-LLAMA", audience=Audience.CONTRACTS)
    return make.campaign(version, at=AT, by_link=False, by_phone=True, by_paper=True)


@pytest.fixture
def people(seeded, campaign) -> list[SurveyInvitee]:
    return list(seeded.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id).order_by(SurveyInvitee.name)))


def test_the_queue_gives_somebody_and_the_page_says_whom_and_what_to_say(seeded, sign_in, campaign, people):
    client = sign_in(AUXILIAR)
    assert campaign.name in client.get("/interview/").text

    page = client.post(f"/interview/{campaign.id}/next", follow_redirects=True).text

    seeded.expire_all()
    (held,) = [each for each in people if each.held_by_id]
    assert held.held_by_id == client.user_id
    assert f"Buenos días, {held.name}: le llamo de" in page and 'href="tel:+573001110001"' in page
    assert page.count('class="ask"') == 9 + 3 and "None: this is the first one." in page


def test_another_interviewer_sees_who_has_them_and_gets_the_next(seeded, sign_in, campaign, people, make):
    interviews.take(seeded, people[0], at=AT, user_id=make.user(AUXILIAR, first_name="Luz").id)
    seeded.commit()
    client = sign_in(AUXILIAR)

    page = client.get(f"/interview/call/{people[0].id}").text
    assert "is being called by Luz" in page and "data-interview" not in page
    assert client.post(f"/interview/call/{people[0].id}", data={"q-P1": "4"}, headers=JSON).status_code == 409
    assert client.post(f"/interview/{campaign.id}/next").location.endswith(f"/interview/call/{people[1].id}")
    assert client.post(f"/interview/{campaign.id}/rest").location.endswith(f"/interview/{campaign.id}")
    seeded.expire_all()
    assert people[1].held_by_id is None


def test_an_answer_is_saved_alone_and_a_wrong_one_is_refused_beside_its_question(seeded, sign_in, campaign, people):
    client, url = sign_in(AUXILIAR), f"/interview/call/{people[0].id}"

    assert client.post(url, data={"q-P1": "4"}, headers=JSON).get_json() == {"refused": {}, "trouble": ""}
    answer = client.post(url, data={"q-P3": "11"}, headers=JSON)
    assert answer.status_code == 422 and "goes from 0 to 10" in answer.get_json()["refused"]["P3"]
    client.post(url, data={"q-P2.aseo": "NA"}, headers=JSON)

    seeded.expire_all()
    response = survey_answers.response_of(seeded, people[0])
    form = form_of(seeded, campaign.version_id)
    assert survey_answers.raw_of(survey_answers.answers_of(seeded, response, form)) == {"P1": "4", "P2.aseo": "NA"}
    assert response.status is ResponseStatus.PARTIAL and "Half answered: 2 of 9" in client.get(url).text


def test_a_whole_page_takes_away_what_is_not_ticked_and_names_what_is_missing(seeded, sign_in, campaign, people):
    client, url = sign_in(AUXILIAR), f"/interview/call/{people[0].id}"
    client.post(url, data={"q-P1": "4"}, headers=JSON)

    answer = client.post(url, data={"whole": "1", "q-P3": "9", "do": "finish"})

    assert answer.status_code == 422 and "Questions without an answer: 4." in answer.text and 'href="#ask-P1"' in answer.text
    assert 'data-phase="ask" data-at="P1"' in answer.text


def test_a_finished_interview_keeps_what_they_agree_to_and_leads_to_the_next(seeded, sign_in, campaign, people):
    client = sign_in(AUXILIAR)
    answer = client.post(
        f"/interview/call/{people[0].id}", data={**WHOLE, "whole": "1", "do": "finish", "w-named": "1", "w-contact": "0"}
    )  # fmt: skip

    assert answer.location.endswith(f"/interview/call/{people[1].id}")
    seeded.expire_all()
    response = survey_answers.response_of(seeded, people[0])
    assert (response.status, response.is_named, response.wants_contact) == (ResponseStatus.COMPLETE, True, False)
    assert people[0].status is InviteeStatus.ANSWERED
    page = client.get(f"/interview/call/{people[0].id}").text
    assert "has answered already" in page and "data-interview" not in page


def test_how_a_call_ended_is_kept_once_and_what_was_typed_stays_when_it_is_refused(seeded, sign_in, campaign, people):
    client, url = sign_in(AUXILIAR), f"/interview/call/{people[0].id}/record"
    assert client.post(url, data={}).status_code == 422
    said = {"outcome": "CALL_BACK", "hour": "other", "call_back_at": "2026-07-10T08:00", "note": "Por la tarde", "n": "0"}
    page = client.post(url, data=said)
    assert page.status_code == 422 and "Call again later than now." in page.text
    assert 'value="Por la tarde"' in page.text and 'value="2026-07-10T08:00"' in page.text
    assert "Write the day and the hour" in client.post(url, data={**said, "call_back_at": "mañana"}).text

    for _n in range(2):
        client.post(url, data={**said, "call_back_at": "2026-07-10T16:30"})

    (call,) = seeded.scalars(select(SurveyCall))
    assert (call.outcome, call.note, call.user_id) == (CallOutcome.CALL_BACK, "Por la tarde", client.user_id)
    assert call.call_back_at == datetime(2026, 7, 10, 21, 30, tzinfo=UTC)


def test_whoever_calls_back_is_found_and_may_change_their_mind(seeded, sign_in, campaign, people):
    client, url = sign_in(AUXILIAR), f"/interview/{campaign.id}"
    client.post(f"/interview/call/{people[0].id}/record", data={"outcome": "REFUSED"})
    assert f"/interview/call/{people[0].id}" in client.get(url).text, "among the last calls"

    for typed in ("ceíba", "3001110001"):
        assert f'action="/interview/take/{people[0].id}"' in client.get(url, query_string={"q": typed}).text
    assert "asks nobody with that name" in client.get(url, query_string={"q": "Nadie"}).text
    assert "They want to answer after all" in client.get(f"/interview/call/{people[0].id}").text
    assert client.post(f"/interview/take/{people[0].id}").location.endswith(f"/interview/call/{people[0].id}")

    seeded.expire_all()
    assert (people[0].status, people[0].held_by_id) == (InviteeStatus.WAITING, client.user_id)


def test_my_day_counts_the_calls_agreed_for_today(seeded, sign_in, campaign, people, make):
    user_id = make.user(AUXILIAR).id
    client = sign_in(AUXILIAR)
    assert "Calls agreed for today" not in client.get("/").text
    for person, hours in zip(people, (5, 40), strict=True):
        interviews.record(
            seeded, person, Ended(CallOutcome.CALL_BACK, AT + timedelta(hours=hours)), at=AT, user_id=user_id
        )  # fmt: skip
    seeded.commit()

    assert seeded.scalars(interviews.promised_on(date(2026, 7, 10))).all() == [people[0].id]
    assert "Calls agreed for today" in client.get("/").text


def test_a_call_in_full_swing_costs_few_statements(app, seeded, sign_in, campaign, people):
    from app.extensions import db

    client, url = sign_in(COMERCIAL), f"/interview/call/{people[0].id}"
    client.post(url, data={"q-P1": "4"}, headers=JSON)
    interviews.record(seeded, people[0], Ended(CallOutcome.BUSY), at=AT, user_id=client.user_id)
    seeded.commit()
    client.get(url)
    with app.app_context():
        engine = db.engines[None]
    with statements_of(engine) as statements:
        assert client.get(url).status_code == 200

    assert len(statements) <= 12


# ── Paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sheet_is_stored_under_its_number_and_the_next_one_follows(seeded, sign_in, campaign):
    quota = SurveyQuota(campaign_id=campaign.id, key="Norte|3", zone="Norte", stratum=3, population=5, target=2)
    seeded.add(quota)
    seeded.commit()
    client, url = sign_in(AUXILIAR), f"/sheet/{campaign.id}"
    assert 'name="number" value="1"' in client.get(url).text

    answer = client.post(url, data={**WHOLE, "number": "12", "quota": str(quota.id)})

    assert answer.status_code == 302
    assert 'name="number" value="13"' in client.get(answer.location).text
    (response,) = seeded.scalars(select(SurveyResponse))
    assert (response.status, response.source_number, response.interviewer_id) == (ResponseStatus.COMPLETE, "12", client.user_id)
    assert (response.quota_id, response.zone, response.stratum) == (quota.id, "Norte", 3)
    again = client.post(url, data={**WHOLE, "number": "12"})
    assert again.status_code == 422 and "The sheet 12 was typed already." in again.text


def test_a_wrong_sheet_is_not_stored_at_all_and_comes_back_as_it_was_typed(seeded, sign_in, campaign):
    client, url = sign_in(AUXILIAR), f"/sheet/{campaign.id}"

    page = client.post(url, data={**WHOLE, "number": "3", "q-P7": "99"})
    assert page.status_code == 422 and "It has to be 30 at most." in page.text and 'value="99"' in page.text
    page = client.post(url, data={"number": "3", "q-P1": "4"})
    assert page.status_code == 422 and "Questions without an answer" in page.text and 'href="#ask-P2"' in page.text
    assert seeded.scalars(select(SurveyResponse)).all() == []

    client.post(url, data={"number": "3", "q-P1": "4", "do": "partial"})
    assert [each.status for each in seeded.scalars(select(SurveyResponse))] == [ResponseStatus.PARTIAL]
