"""Invitations to surveys and their reminders: to who has not answered, as often as the campaign says, never to who wants no more."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from email import policy

import pytest
from sqlalchemy import func, select

from app import mailer
from app.domain.campaigns import AnswerVia
from app.domain.questionnaires import Audience
from app.extensions import db
from app.jobs.timetable import TIMETABLE
from app.models import Organisation, OutboxMessage, SurveyAnswer, SurveyCampaign, SurveyInvitee, SurveyResponse
from app.operations import survey_answers, survey_links, survey_mail
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def campaign(app, make) -> SurveyCampaign:
    """A campaign that asks three customers by link, two of whom have an address; it reminds twice, a week apart."""
    app.config["PUBLIC_URL"] = "https://atiende.example"
    for email in ("ana@example.com", "luz@example.com", None):
        make.contract(party=make.party(email=email, phone="+573005551234"))
    return make.campaign(make.questionnaire(audience=Audience.CONTRACTS), at=AT, closes_on=date(2026, 9, 30))


def invitee(session, email: str) -> SurveyInvitee:
    return session.scalars(select(SurveyInvitee).where(SurveyInvitee.email == email)).one()


def told(session) -> list[tuple[str, str]]:
    return [(row.event, row.to_address) for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]


def after(days: int) -> datetime:
    return AT + timedelta(days=days)


def test_everybody_with_an_address_gets_their_own_link_once(seeded, campaign):
    assert survey_mail.send_due(seeded, AT) == (2, 0)
    assert survey_mail.send_due(seeded, after(1)) == (0, 0)

    mails = {row.to_address: row for row in seeded.scalars(select(OutboxMessage))}
    assert sorted(mails) == ["ana@example.com", "luz@example.com"]
    for email, mail in mails.items():
        link = f"https://atiende.example{survey_links.path_of(invitee(seeded, email))}"
        assert (link in mail.body, f'href="{link}"' in mail.html_body, mail.unsubscribe_url) == (True, True, f"{link}/no-mas")
        assert invitee(seeded, email).invited_on == date(2026, 7, 10)


def test_the_message_says_where_to_ask_for_no_more(seeded, campaign):
    survey_mail.send_due(seeded, AT)
    mail = seeded.scalars(select(OutboxMessage)).first()
    head = mailer.Head.of(seeded.scalars(select(Organisation)).one(), {"MAIL_FROM": "encuestas@atiende.example"})

    sent = mailer.compose(mail, head, AT).as_bytes(policy=policy.SMTP)
    assert f"\r\nList-Unsubscribe: <{mail.unsubscribe_url}>\r\n".encode() in sent


def test_reminders_go_only_to_who_has_not_answered_and_end(seeded, campaign, make):
    survey_mail.send_due(seeded, AT)
    make.response(campaign, via="LINK", at=after(3), invitee=invitee(seeded, "ana@example.com"))

    counts = [survey_mail.send_due(seeded, after(days)) for days in (6, 7, 8, 13, 14, 21, 28)]

    assert counts == [(0, 0), (0, 1), (0, 0), (0, 0), (0, 1), (0, 0), (0, 0)]
    assert told(seeded)[2:] == [("survey_reminder", "luz@example.com")] * 2
    left = invitee(seeded, "luz@example.com")
    assert (left.n_reminders, left.reminded_on) == (2, date(2026, 7, 24))


def test_who_wants_no_more_gets_nothing_even_if_they_said_so_before(seeded, campaign):
    survey_mail.send_due(seeded, AT)
    party = invitee(seeded, "luz@example.com").party_id
    survey_answers.opt_out(seeded, party, via=AnswerVia.LINK, at=after(1))
    assert survey_mail.send_due(seeded, after(7)) == (0, 1)

    left = invitee(seeded, "luz@example.com")
    left.status = type(left.status).WAITING  # whatever the campaign says of them
    assert survey_mail.send_due(seeded, after(8)) == (0, 0)


def test_nothing_leaves_before_it_opens_or_after_its_last_day(seeded, campaign):
    campaign.opens_on = date(2026, 7, 11)
    assert survey_mail.send_due(seeded, AT) == (0, 0)
    assert survey_mail.send_due(seeded, after(100)) == (0, 0)
    assert survey_mail.send_due(seeded, after(1)) == (2, 0)


def test_without_an_address_of_our_own_there_is_no_link_to_send(app, seeded, campaign):
    app.config["PUBLIC_URL"] = ""

    assert survey_mail.send_due(seeded, AT) == (0, 0)
    assert invitee(seeded, "ana@example.com").invited_on is None


def test_the_task_tells_in_working_hours_alone(seeded, campaign):
    task = next(each for each in TIMETABLE if each.name == "invite_survey")

    saturday = datetime(2026, 7, 11, 15, tzinfo=UTC)
    assert dict(task.run(seeded, saturday)) == {"invitations to surveys": 0, "reminders of surveys": 0}
    assert dict(task.run(seeded, AT)) == {"invitations to surveys": 2, "reminders of surveys": 0}


def test_the_figures_of_its_page_are_those_of_its_mails(seeded, campaign):
    assert survey_mail.figures_of(seeded, campaign, date(2026, 7, 10)) == survey_mail.Figures(3, 2, 0, 0, 2, 0)
    survey_mail.send_due(seeded, AT)
    assert survey_mail.figures_of(seeded, campaign, date(2026, 7, 17)) == survey_mail.Figures(3, 2, 2, 0, 0, 2)


# ── At once ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_clicks_and_two_workers_at_one_instant_leave_one_answer_and_no_two_mails(fresh_app):
    fresh_app.config["PUBLIC_URL"] = "https://atiende.example"
    with fresh_app.app_context():
        make = Factory(db.session())
        make.contract(party=make.party(email="ana@example.com"))
        campaign_id = make.campaign(make.questionnaire(audience=Audience.CONTRACTS), at=AT).id
        db.session.commit()
        db.session.remove()
    gate, ends = threading.Barrier(4), []

    def click() -> None:
        campaign, person = db.session.get_one(SurveyCampaign, campaign_id), db.session.scalars(select(SurveyInvitee)).one()
        response = survey_answers.begin(db.session, campaign, via=AnswerVia.LINK, at=AT, invitee=person)
        survey_answers.save(db.session, response, {"P1": "4", "P3": "9"}, at=AT, version=0)

    def run(act) -> None:
        with fresh_app.app_context():
            gate.wait(20)
            try:
                act()
                db.session.commit()
                ends.append("done")
            finally:
                db.session.remove()

    acts = (click, click, lambda: survey_mail.send_due(db.session(), AT), lambda: survey_mail.send_due(db.session(), AT))
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert ends == ["done"] * 4
    with fresh_app.app_context():
        survey_mail.send_due(db.session(), AT)  # whoever was answering while both workers looked is told by the next run
        counts = [db.session.scalar(select(func.count()).select_from(model)) for model in (SurveyResponse, SurveyAnswer, OutboxMessage)]
        assert counts == [1, 2, 1]
