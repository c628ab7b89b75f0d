"""The pages of campaigns: written, looked at, confirmed, closed; the calculator; whom they ask."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import func, select

from app.domain.campaigns import CampaignStatus, InviteeStatus
from app.domain.questionnaires import Audience
from app.models import SurveyCampaign, SurveyInvitee
from app.operations import campaigns
from app.security import COMERCIAL, CONTROL, SUBGERENTE

FILLED = {
    "name": "Encuesta de prueba", "period_from": "2026-07-01", "period_until": "2026-12-31", "opens_on": "2026-07-10",
    "closes_on": "2026-08-10", "by_link": "y", "by_phone": "y", "is_sampled": "y", "by_zone": "y", "confidence": "95",
    "error_percent": "10", "max_reminders": "2", "reminder_days": "7", "process_id": "", "responsible": "",
}  # fmt: skip


@pytest.fixture
def seller(seeded, make, client, login):
    return login(client, make.user(COMERCIAL))


@pytest.fixture
def version(seeded, make):
    for n in range(40):
        make.account(party=make.party(phone=f"+57301555{n:04}"), zone="Norte" if n < 30 else "Sur")
    return make.questionnaire("R10-WEB", audience=Audience.USERS, frequency_months=6, starts_on=date(2026, 1, 1))


@pytest.fixture
def proposed(version, make):
    return make.campaign(version, confirmed=False, is_sampled=True, by_zone=True, error_percent=10)


def stored(session):
    return session.scalars(select(SurveyCampaign).order_by(SurveyCampaign.id.desc())).first()


def test_a_new_campaign_starts_from_its_form_and_is_stored(seller, version, session):
    chosen = seller.get("/surveycampaign/add").get_data(as_text=True)
    assert f"/surveycampaign/add?form={version.questionnaire_id}" in chosen
    page = seller.get(f"/surveycampaign/add?form={version.questionnaire_id}").get_data(as_text=True)
    assert 'value="Encuesta R10-WEB 2026-2"' in page and 'value="2026-12-31"' in page

    answer = seller.post(f"/surveycampaign/add?form={version.questionnaire_id}", data=FILLED)

    campaign = stored(session)
    assert answer.status_code == 302 and answer.location.endswith(f"/surveycampaign/show/{campaign.id}")
    assert (campaign.name, campaign.closes_on, campaign.by_zone, campaign.by_qr) == ("Encuesta de prueba", date(2026, 8, 10), True, False)


@pytest.mark.parametrize(("audience", "asked", "hidden"), [
    (Audience.ANYBODY, "by_kiosk", {"by_link", "is_sampled", "error_percent", "max_reminders"}),
    (Audience.CONTRACTS, "by_link", {"by_zone", "by_stratum", "by_service"}),
])  # fmt: skip
def test_a_form_is_asked_only_what_its_audience_has(seller, make, session, audience, asked, hidden):
    version = make.questionnaire("R10-OTRA", audience=audience)
    url = f"/surveycampaign/add?form={version.questionnaire_id}"
    fields = set(re.findall(r'name="(\w+)"', seller.get(url).get_data(as_text=True)))
    assert asked in fields and not hidden & fields

    kept = {name: value for name, value in FILLED.items() if name in fields}
    answer = seller.post(url, data={**kept, asked: "y"})

    assert answer.status_code == 302 and getattr(stored(session), asked) and stored(session).audience is audience


def test_looking_at_whom_it_would_ask_stores_nothing(seller, version, session):
    answer = seller.post(f"/surveycampaign/add?form={version.questionnaire_id}", data={**FILLED, "do": "look"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and stored(session) is None
    assert 'id="outlook"' in page and 'value="Encuesta de prueba"' in page
    cell = r'<td class="right num(?: spare)?">(\d+)</td>'
    rows = re.findall(rf'<th scope="row">(\w+)</th>{cell}{cell}{cell}', page)
    assert rows == [("Norte", "30", "30", "22"), ("Sur", "10", "10", "7")]


def test_looking_while_correcting_changes_nothing(seller, proposed, session):
    answer = seller.post(f"/surveycampaign/edit/{proposed.id}", data={**FILLED, "name": "Otro nombre", "do": "look"})

    session.expire_all()
    assert answer.status_code == 200 and stored(session).name == "Campaña de R10-WEB"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"closes_on": "2026-07-01"}, "closes_on"),
        ({"opens_on": "el lunes"}, "opens_on"),
        ({"error_percent": "80"}, "error_percent"),
        ({"by_link": None, "by_phone": None}, "by_link"),
        ({"name": " "}, "name"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_the_rest_is_kept(seller, version, session, changed, field):
    data = {name: value for name, value in {**FILLED, "reminder_days": "9", **changed}.items() if value is not None}

    answer = seller.post(f"/surveycampaign/add?form={version.questionnaire_id}", data=data)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and stored(session) is None
    assert f'id="{field}-error"' in page and 'value="9"' in page


def test_what_somebody_else_changed_is_not_written_over(seller, proposed, session):
    answer = seller.post(f"/surveycampaign/edit/{proposed.id}", data={**FILLED, "seen": "2026-07-10T00:00:00+00:00"})

    session.expire_all()
    assert answer.status_code == 422 and stored(session).name == "Campaña de R10-WEB"


def test_it_is_confirmed_by_a_press_and_shows_how_far_it_came(seller, proposed, session):
    assert 'id="outlook"' in seller.get(f"/surveycampaign/show/{proposed.id}").get_data(as_text=True)

    seller.post(f"/surveycampaign/confirm/{proposed.id}")

    session.expire_all()
    page = seller.get(f"/surveycampaign/show/{proposed.id}").get_data(as_text=True)
    assert stored(session).status is CampaignStatus.OPEN
    assert 'id="progress"' in page and 'id="outlook"' not in page and page.count("<progress") == 3
    assert f"/interview/{proposed.id}" in page and "/surveycampaign/edit/" not in page


def test_one_that_changed_no_more_leads_back_to_its_page(seller, proposed, session):
    campaigns.drop(session, proposed, "Se aplaza", at=proposed.created_at, actor_id=None)
    session.commit()

    answer = seller.get(f"/surveycampaign/edit/{proposed.id}")

    assert answer.status_code == 302 and answer.location.endswith(f"/show/{proposed.id}")


def test_closing_early_asks_why_and_keeps_what_was_typed(seller, proposed, session):
    seller.post(f"/surveycampaign/confirm/{proposed.id}")
    assert seller.post(f"/surveycampaign/close/{proposed.id}", data={"reason": ""}).status_code == 422

    answer = seller.post(f"/surveycampaign/close/{proposed.id}", data={"reason": "Ya respondieron todos"})

    session.expire_all()
    assert answer.status_code == 302 and stored(session).status is CampaignStatus.CLOSED
    page = seller.get(f"/surveycampaign/show/{proposed.id}").get_data(as_text=True)
    assert "Ya respondieron todos" in page and f"/surveycampaign/until/{proposed.id}" in page


def test_a_closed_one_is_reopened_until_a_day_to_come(seller, proposed, session):
    seller.post(f"/surveycampaign/confirm/{proposed.id}")
    seller.post(f"/surveycampaign/close/{proposed.id}", data={"reason": "Por error"})
    late = seller.post(f"/surveycampaign/until/{proposed.id}", data={"reason": "Faltó un barrio", "closes_on": "2026-07-01"})
    assert late.status_code == 422 and 'id="closes_on-error"' in late.get_data(as_text=True)

    seller.post(f"/surveycampaign/until/{proposed.id}", data={"reason": "Faltó un barrio", "closes_on": "2026-07-31"})

    session.expire_all()
    assert (stored(session).status, stored(session).closes_on) == (CampaignStatus.OPEN, date(2026, 7, 31))


def test_the_list_says_how_many_answered_and_which_are_short(seller, proposed, session):
    seller.post(f"/surveycampaign/confirm/{proposed.id}")
    proposed.closes_on = date(2026, 7, 14)
    session.commit()

    assert "ENC-2026-0001" in seller.get("/surveycampaign/list/?short=1").get_data(as_text=True)
    assert "ENC-2026-0001" not in seller.get("/surveycampaign/list/?short=0").get_data(as_text=True)
    csv = seller.get("/surveycampaign/export/csv").get_data(as_text=True)
    assert re.search(r"ENC-2026-0001.*\b0 (de|of) 29", csv)


def test_the_people_of_a_campaign_are_listed_by_how_far_they_came(seller, proposed, session):
    seller.post(f"/surveycampaign/confirm/{proposed.id}")
    someone = session.scalars(select(SurveyInvitee).where(SurveyInvitee.is_reserve.is_(False))).first()
    someone.status = InviteeStatus.REFUSED
    session.commit()

    page = seller.get(f"/surveyinvitee/list/?campaign={proposed.id}&status=REFUSED&is_reserve=0").get_data(as_text=True)

    assert someone.name in page and page.count('role="row"') == 2
    assert session.scalar(select(func.count()).select_from(SurveyInvitee)) == 40


def test_the_tiles_say_what_waits_to_be_confirmed_and_what_is_short(proposed, make, client, login, session):
    chief = login(client, make.user(SUBGERENTE))

    assert "/surveycampaign/list/?status=PROPOSED" in chief.get("/").get_data(as_text=True)


def test_who_only_reads_has_no_steps(proposed, make, client, login):
    page = login(client, make.user(CONTROL)).get(f"/surveycampaign/show/{proposed.id}").get_data(as_text=True)

    assert "/surveycampaign/confirm/" not in page and "/surveycampaign/edit/" not in page


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ("population=1400&confidence=95&error_percent=5", 302),
        ("population=&confidence=99&error_percent=5", 664),
        ("population=10&confidence=95&error_percent=5", 10),
    ],
)
def test_the_calculator_says_how_many_answers_it_takes(seller, asked, size):
    page = seller.get(f"/surveycampaign/calculator?{asked}").get_data(as_text=True)

    assert re.search(rf'<h2 id="size">{size}\b', page)


REFUSED = ("population=-3&confidence=95&error_percent=5", "confidence=95&error_percent=0", "confidence=97&error_percent=5")


@pytest.mark.parametrize("asked", REFUSED)
def test_the_calculator_refuses_what_makes_no_sense(seller, asked):
    answer = seller.get(f"/surveycampaign/calculator?{asked}")

    assert answer.status_code == 422 and 'id="size"' not in answer.get_data(as_text=True)
