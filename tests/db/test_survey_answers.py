"""The one door by which answers are written: once a person, half-way and back, changed until closing, refused after it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app import queries
from app.domain.campaigns import AnswerVia, InviteeStatus, ResponseStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import Audience
from app.domain.states import ConsentKind
from app.models import SurveyAnswer, SurveyCampaign, SurveyInvitee, SurveyOptOut, SurveyResponse
from app.operations import campaigns, survey_answers
from app.operations.questionnaires import form_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
WHOLE = {
    "P1": "4", "P2.agua": "4", "P2.aseo": "NA", "P3": "9", "P4": "0", "P6": ["", "oficina", "otro"], "P6.words": "La radio", "P8": "No",
    "P9": "2",
}  # fmt: skip


@pytest.fixture
def campaign(make) -> SurveyCampaign:
    """A campaign that asks the customers of two contracts by link and telephone."""
    for _n in range(2):
        make.contract(process_id=make.process("TECNICA").id)
    return make.campaign(make.questionnaire(audience=Audience.CONTRACTS), at=AT, by_kiosk=True, by_qr=True)


@pytest.fixture
def invitee(seeded, campaign) -> SurveyInvitee:
    return seeded.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id).order_by(SurveyInvitee.id)).first()


def begun(session, campaign, invitee=None, via=AnswerVia.LINK, at=AT) -> SurveyResponse:
    return survey_answers.begin(session, campaign, via=via, at=at, invitee=invitee)


def said(session, response) -> dict:
    form = form_of(session, response.campaign.version_id)
    return survey_answers.raw_of(survey_answers.answers_of(session, response, form))


def test_an_answer_is_begun_kept_and_completed_with_the_segments_of_who_is_asked(seeded, campaign, invitee, make):
    response = begun(seeded, campaign, invitee)
    assert (response.status, invitee.status) == (ResponseStatus.PARTIAL, InviteeStatus.STARTED)

    assert survey_answers.save(seeded, response, WHOLE, at=AT) == {}
    survey_answers.complete(seeded, response, at=AT + timedelta(minutes=3))

    assert (response.status, response.version, response.completed_at) == (ResponseStatus.COMPLETE, 1, AT + timedelta(minutes=3))
    assert invitee.status is InviteeStatus.ANSWERED
    assert (response.contract_id, response.process_id) == (invitee.contract_id, make.process("TECNICA").id)
    assert said(seeded, response) == WHOLE | {"P6": ["oficina", "otro"]}
    turned = select(SurveyAnswer.score, SurveyAnswer.value).where(SurveyAnswer.response_id == response.id, SurveyAnswer.score == 2)
    assert seeded.execute(turned).one() == (2, 6)  # P9 is turned round on its seven


def test_a_score_out_of_range_is_refused_beside_its_question_and_the_rest_is_kept(seeded, campaign, invitee):
    response = begun(seeded, campaign, invitee)
    refused = survey_answers.save(
        seeded, response, {"P1": "6", "P2.agua": "0", "P2.aseo": "5", "P3": "11", "P4": "2", "P5": "radio", "P7": "31"}, at=AT
    )

    assert sorted(refused) == ["P1", "P2.agua", "P3", "P4", "P5", "P7"]
    assert said(seeded, response) == {"P2.aseo": "5"}


def test_a_link_that_was_left_half_way_goes_on_and_saves_only_what_changes(seeded, campaign, invitee):
    first = begun(seeded, campaign, invitee)
    survey_answers.save(seeded, first, {"P1": "4", "P3": "9"}, at=AT)
    kept = seeded.scalars(select(SurveyAnswer.id).order_by(SurveyAnswer.id)).all()

    again = begun(seeded, campaign, invitee, at=AT + timedelta(days=2))
    survey_answers.save(seeded, again, {"P1": "4", "P3": "7"}, at=AT + timedelta(days=2))

    assert again.id == first.id
    assert again.answered_on == date(2026, 7, 12)
    assert kept[0] in seeded.scalars(select(SurveyAnswer.id)).all()
    assert said(seeded, again) == {"P1": "4", "P3": "7"}


def test_nobody_answers_twice(seeded, campaign, invitee, make):
    done = make.response(campaign, via="PHONE", at=AT, invitee=invitee)

    for via in (AnswerVia.LINK, AnswerVia.PHONE):
        with pytest.raises(DomainError) as refused:
            begun(seeded, campaign, invitee, via)
        assert refused.value.msgid == survey_answers.ANSWERED_ALREADY
    assert seeded.scalars(select(SurveyResponse)).all() == [done]


def test_what_was_sent_by_a_link_changes_until_closing_and_not_after(seeded, campaign, invitee, make):
    response = make.response(campaign, via="LINK", at=AT, invitee=invitee)
    again = begun(seeded, campaign, invitee, at=AT + timedelta(days=1))
    survey_answers.save(seeded, again, {"P1": "2"}, at=AT + timedelta(days=1))
    assert (again.id, again.status, said(seeded, again)["P1"]) == (response.id, ResponseStatus.COMPLETE, "2")

    late = datetime(2026, 8, 1, 15, tzinfo=UTC)
    for attempt in (
        lambda: begun(seeded, campaign, invitee, at=late),
        lambda: survey_answers.save(seeded, response, {"P1": "5"}, at=late),
        lambda: survey_answers.complete(seeded, response, at=late),
    ):
        with pytest.raises(DomainError, match="took answers until"):
            attempt()
    campaigns.close(seeded, campaign, at=AT + timedelta(days=2), actor_id=None, reason="Ya respondieron todos")
    with pytest.raises(DomainError, match="is over"):
        survey_answers.save(seeded, response, {"P1": "5"}, at=AT + timedelta(days=2))
    assert said(seeded, response)["P1"] == "2"


def test_a_complete_answer_that_loses_one_it_needs_is_half_filled_again(seeded, campaign, invitee, make):
    response = make.response(campaign, via="LINK", at=AT, invitee=invitee)
    survey_answers.save(seeded, response, {"P3": ""}, at=AT)

    assert (response.status, response.completed_at, invitee.status) == (ResponseStatus.PARTIAL, None, InviteeStatus.STARTED)
    with pytest.raises(survey_answers.Unanswered) as refused:
        survey_answers.complete(seeded, response, at=AT)
    assert refused.value.names == ("P3",)


def test_two_tabs_do_not_overwrite_each_other(seeded, campaign, invitee):
    response = begun(seeded, campaign, invitee)
    survey_answers.save(seeded, response, {"P1": "4"}, at=AT, version=0)

    with pytest.raises(survey_answers.StaleAnswers):
        survey_answers.save(seeded, response, {"P1": "1"}, at=AT, version=0)
    assert survey_answers.save(seeded, response, {"P1": "4"}, at=AT, version=0) == {}  # a second click says the same
    assert (said(seeded, response), response.version) == ({"P1": "4"}, 1)


def test_an_answer_to_a_question_that_no_longer_shows_is_taken_away(seeded, campaign, invitee):
    response = begun(seeded, campaign, invitee)
    survey_answers.save(seeded, response, WHOLE, at=AT)
    survey_answers.save(seeded, response, {"P4": "1"}, at=AT)

    assert "P8" not in said(seeded, response)


def test_a_printed_code_takes_many_and_none_changes_once_it_is_sent(seeded, campaign, make):
    one, two = (make.response(campaign, via="QR", at=AT) for _n in range(2))

    assert one.id != two.id
    with pytest.raises(DomainError) as refused:
        survey_answers.save(seeded, one, {"P1": "1"}, at=AT)
    assert refused.value.msgid == survey_answers.ANSWERED_ALREADY


def test_a_way_that_the_campaign_does_not_take_is_refused(seeded, campaign):
    with pytest.raises(DomainError, match="takes no answers by this way"):
        begun(seeded, campaign, via=AnswerVia.PAPER)


def test_what_is_left_out_of_the_count_says_why_and_takes_no_more(seeded, campaign, invitee):
    response = begun(seeded, campaign, invitee)
    for reason in (" ", "x" * 161):
        with pytest.raises(DomainError):
            survey_answers.screen(seeded, response, reason, at=AT)
    survey_answers.screen(seeded, response, "No es cliente", at=AT)

    assert (response.status, invitee.status) == (ResponseStatus.SCREENED, InviteeStatus.ANSWERED)
    with pytest.raises(DomainError, match="No es cliente"):
        survey_answers.save(seeded, response, {"P1": "1"}, at=AT)


# ── What whoever answers agrees to ────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_needs_the_words_agreed_to_and_goes_when_they_want(seeded, campaign, invitee):
    response, wishes = begun(seeded, campaign, invitee), {"wants_contact": True, "wants_case": False, "at": AT}
    words = queries.consents_in_force(seeded, date(2026, 7, 10))[ConsentKind.SURVEY_NAME]
    with pytest.raises(DomainError, match="words that agree"):
        survey_answers.set_wishes(seeded, response, is_named=True, consent_text=None, **wishes)

    survey_answers.set_wishes(seeded, response, is_named=True, consent_text=words, **wishes)
    assert (response.is_named, response.consent_text, response.wants_contact) == (True, words, True)
    campaigns.close(seeded, campaign, at=AT, actor_id=None, reason="Ya respondieron todos")
    survey_answers.withdraw_name(seeded, response)
    assert not response.is_named


def test_whom_nobody_knows_has_no_name_to_show(seeded, campaign):
    response = begun(seeded, campaign, via=AnswerVia.KIOSK)

    with pytest.raises(DomainError, match="Nobody knows who gave this answer"):
        survey_answers.set_wishes(seeded, response, is_named=False, wants_contact=True, wants_case=False, consent_text=None, at=AT)


def test_who_asks_for_no_more_is_asked_no_more_until_they_say_so(seeded, campaign, invitee):
    for _twice in range(2):
        survey_answers.opt_out(seeded, invitee.party_id, via=AnswerVia.LINK, at=AT)
    assert invitee.status is InviteeStatus.OPTED_OUT
    with pytest.raises(DomainError, match="asked for no more surveys"):
        begun(seeded, campaign, invitee)

    survey_answers.opt_in(seeded, invitee.party_id, at=AT + timedelta(hours=1))
    survey_answers.opt_in(seeded, invitee.party_id, at=AT + timedelta(hours=2))

    assert invitee.status is InviteeStatus.WAITING
    assert [row.ended_at for row in seeded.scalars(select(SurveyOptOut))] == [AT + timedelta(hours=1)]
    assert begun(seeded, campaign, invitee).status is ResponseStatus.PARTIAL
    assert seeded.scalar(select(func.count(SurveyResponse.id))) == 1
