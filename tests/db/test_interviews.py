"""Whom the queue gives, what a call leaves behind, and sheets of paper."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.campaigns import AnswerVia, CallOutcome, InviteeStatus, ResponseStatus
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaires import Audience
from app.models import Parameter, SurveyCall, SurveyInvitee, SurveyOptOut, SurveyResponse
from app.operations import interviews, survey_answers
from app.operations.interviews import Ended, Wishes
from app.operations.questionnaires import form_of
from tests.db.interviewers import N_INTERVIEWERS, SUICIDAL
from tests.factories import Factory

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHOLE = {"P1": "4", "P2.agua": "4", "P2.aseo": "5", "P3": "9", "P4": "1"}


def called(make: Factory, n: int = 3, **columns: Any) -> Any:
    """Return a campaign that calls *n* customers, in the order of their names."""
    for k in range(n):
        party = make.party(name=f"Cliente {k + 1}", phone=f"+5730000000{k:02}")
        make.contract(party=party, starts_on=date(2024, 7, 10), ends_on=None, requirements=1)
    version = make.questionnaire("R10-LLAMA", audience=Audience.CONTRACTS)
    campaign = make.campaign(version, at=AT, **({"by_link": False, "by_phone": True} | columns))
    for k, each in enumerate(people(make.session, campaign)):
        each.position = k
    make.session.flush()
    return campaign


def people(session: Any, campaign: Any) -> list[SurveyInvitee]:
    return list(session.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id).order_by(SurveyInvitee.name)))


@pytest.fixture
def ana(make: Factory) -> int:
    return make.user("Auxiliar PQR", first_name="Ana").id


@pytest.fixture
def luis(make: Factory) -> int:
    return make.user("Auxiliar PQR", first_name="Luis").id


def outcome(session: Any, invitee: Any, name: str, user_id: int, at: datetime = AT, **more: Any) -> SurveyCall:
    return interviews.record(session, invitee, Ended(CallOutcome[name], **more), at=at, user_id=user_id)


# ── The queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_agreed_hours_come_first_then_those_nobody_called_then_the_fewest_calls(seeded, make, ana):
    campaign = called(make, 4)
    one, two, three, four = people(seeded, campaign)
    outcome(seeded, one, "BUSY", ana)
    outcome(seeded, two, "CALL_BACK", ana, call_back_at=AT + HOUR)
    outcome(seeded, three, "BUSY", ana)
    outcome(seeded, three, "BUSY", ana, AT + HOUR / 2)

    def queue(at: datetime) -> list[SurveyInvitee]:
        return list(seeded.scalars(interviews.waiting(campaign.id, ana, at)))

    assert queue(AT) == [four]
    assert queue(AT + HOUR / 2) == [four, one]
    assert queue(AT + HOUR) == [two, four, one, three]
    assert list(seeded.scalars(interviews.promised(campaign.id, AT))) == [two]


def test_whom_one_holds_another_does_not_get_until_the_half_hour_is_over(seeded, make, ana, luis):
    campaign = called(make, 2)
    one, two = people(seeded, campaign)

    assert interviews.take_next(seeded, campaign, at=AT, user_id=ana) is one
    assert interviews.take_next(seeded, campaign, at=AT, user_id=luis) is two
    assert interviews.take_next(seeded, campaign, at=AT, user_id=ana) is one, "whoever holds somebody keeps them"
    with pytest.raises(MoveRefused, match="is being called by Ana"):
        interviews.take(seeded, one, at=AT, user_id=luis)
    with pytest.raises(MoveRefused, match="is being called by Ana"):
        outcome(seeded, one, "BUSY", luis)
    interviews.take(seeded, one, at=AT + timedelta(minutes=31), user_id=luis)

    assert (one.held_by_id, two.held_by_id) == (luis, None), "one person at a time"


def test_full_strata_opt_outs_reserves_and_people_without_telephone_are_not_called(seeded, make, ana):
    campaign = called(make, 5, is_sampled=False)
    one, two, three, four, five = people(seeded, campaign)
    two.is_reserve, three.phone, four.status = True, None, InviteeStatus.ANSWERED
    seeded.add(SurveyOptOut(party_id=five.party_id, since_at=AT, via=AnswerVia.LINK))
    seeded.flush()
    assert list(seeded.scalars(interviews.waiting(campaign.id, ana, AT))) == [one]
    assert interviews.figures(seeded, [campaign.id], ana, AT)[campaign.id] == interviews.Figures(1, 0, 0, 1, 4)

    from app.models import SurveyQuota

    one.quota = SurveyQuota(campaign_id=campaign.id, key="Norte", population=3, target=0)
    seeded.flush()
    assert interviews.take_next(seeded, campaign, at=AT, user_id=ana) is None


def test_nobody_is_called_for_a_campaign_that_takes_no_answers(seeded, make, ana):
    campaign = called(make, 1)
    for at in (AT - timedelta(days=20), AT + timedelta(days=40)):
        with pytest.raises(MoveRefused, match="takes no answers today"):
            interviews.take_next(seeded, campaign, at=at, user_id=ana)


# ── The call ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_not_reached_is_left_in_peace_and_after_five_calls_given_up(seeded, make, ana):
    campaign = called(make, 1)
    (one,) = people(seeded, campaign)
    for n in range(4):
        outcome(seeded, one, "NO_ANSWER", ana, AT + n * timedelta(days=1))
        assert (one.status, one.n_attempts, one.call_at) == (InviteeStatus.WAITING, n + 1, AT + n * timedelta(days=1) + 3 * HOUR)
    outcome(seeded, one, "BUSY", ana, AT + timedelta(days=5))

    assert one.status is InviteeStatus.LOST
    with pytest.raises(MoveRefused, match="was given up"):
        outcome(seeded, one, "BUSY", ana, AT + timedelta(days=6))
    interviews.take(seeded, one, at=AT + timedelta(days=6), user_id=ana)
    assert one.status is InviteeStatus.WAITING, "they called back"


def test_the_house_says_how_often_it_calls(seeded, make, ana):
    campaign = called(make, 1)
    (one,) = people(seeded, campaign)
    seeded.get_one(Parameter, interviews.ATTEMPTS).value = "2"
    for _n in range(2):
        assert one.status is InviteeStatus.WAITING
        outcome(seeded, one, "NO_ANSWER", ana)

    assert one.status is InviteeStatus.LOST


@pytest.mark.parametrize(("name", "status"), [("WRONG_NUMBER", "LOST"), ("REFUSED", "REFUSED"), ("OPTED_OUT", "OPTED_OUT")])
def test_who_declines_or_cannot_be_reached_is_not_called_again(seeded, make, ana, name, status):
    campaign = called(make, 1)
    (one,) = people(seeded, campaign)
    interviews.take(seeded, one, at=AT, user_id=ana)

    call = outcome(seeded, one, name, ana, note="Lo dijo su esposa")

    assert (one.status.name, one.held_by_id, call.note) == (status, None, "Lo dijo su esposa")
    assert bool(survey_answers.opt_out_of(seeded, one.party_id)) is (name == "OPTED_OUT")
    with pytest.raises(MoveRefused):
        outcome(seeded, one, "BUSY", ana)
    if name == "OPTED_OUT":
        with pytest.raises(MoveRefused, match="wants no more surveys"):
            interviews.take(seeded, one, at=AT, user_id=ana)


def test_an_hour_to_call_again_lies_ahead_and_before_the_campaign_ends(seeded, make, ana):
    campaign = called(make, 1)
    (one,) = people(seeded, campaign)
    for hour, why in ((None, "Say when"), (AT - HOUR, "later than now"), (AT + timedelta(days=30), "takes answers until")):
        with pytest.raises(DomainError, match=why) as refused:
            outcome(seeded, one, "CALL_BACK", ana, call_back_at=hour)
        assert refused.value.field == "call_back_at"

    outcome(seeded, one, "CALL_BACK", ana, call_back_at=AT + HOUR)

    assert (one.status, one.call_at) == (InviteeStatus.WAITING, AT + HOUR)


def test_a_call_that_is_sent_twice_counts_once(seeded, make, ana):
    (one,) = people(seeded, called(make, 1))
    interviews.record(seeded, one, Ended(CallOutcome.BUSY), at=AT, user_id=ana, n_before=0)

    with pytest.raises(MoveRefused, match="recorded already"):
        interviews.record(seeded, one, Ended(CallOutcome.BUSY), at=AT, user_id=ana, n_before=0)
    assert one.n_attempts == 1


def test_a_half_filled_interview_stays_and_is_finished_by_somebody_else(seeded, make, ana, luis):
    campaign = called(make, 2)
    one, two = people(seeded, campaign)
    form = form_of(seeded, campaign.version_id)
    asked = {"form": form, "at": AT}
    assert interviews.answer(seeded, one, {"P1": ""}, user_id=ana, **asked) == {} and one.status is InviteeStatus.WAITING
    with pytest.raises(MoveRefused, match="has no answers yet"):
        interviews.finish(seeded, one, Wishes(), form=form, at=AT, user_id=ana)
    assert interviews.answer(seeded, one, {"P1": "4"}, user_id=ana, **asked) == {}
    outcome(seeded, one, "PARTIAL", ana)
    assert one.status is InviteeStatus.STARTED
    later = AT + HOUR
    assert list(seeded.scalars(interviews.waiting(campaign.id, luis, later))) == [one, two], "half-filled ones go before new ones"

    with pytest.raises(survey_answers.Unanswered):
        interviews.finish(seeded, one, Wishes(), form=form, at=later, user_id=luis)
    assert set(interviews.answer(seeded, one, {"P3": "11"}, form=form, at=later, user_id=luis)) == {"P3"}
    interviews.answer(seeded, one, WHOLE, form=form, at=later, user_id=luis)
    call = interviews.finish(seeded, one, Wishes(is_named=True, wants_contact=True), form=form, at=later, user_id=luis)

    response = survey_answers.response_of(seeded, one)
    assert (response.status, response.via, response.interviewer_id) == (ResponseStatus.COMPLETE, AnswerVia.PHONE, luis)
    assert response.is_named and response.wants_contact and response.contract_id == one.contract_id
    assert (one.status, one.held_by_id, one.n_attempts, call.outcome) == (InviteeStatus.ANSWERED, None, 2, CallOutcome.ANSWERED)
    assert interviews.day_of(seeded, luis, later) == interviews.Day(1, 1) and interviews.day_of(seeded, ana, later) == interviews.Day(1, 0)
    with pytest.raises(MoveRefused, match="has answered already"):
        interviews.answer(seeded, one, WHOLE, form=form, at=later, user_id=luis)


def test_a_call_is_never_changed(seeded, make, ana):
    (one,) = people(seeded, called(make, 1))
    call = outcome(seeded, one, "BUSY", ana)
    call.note = "Otra cosa"
    with pytest.raises(RuntimeError, match="never changed"):
        seeded.flush()


@pytest.mark.slow
def test_six_interviewers_at_once_never_get_the_same_person(own_databases, make_fresh_app, tmp_path):
    """Each of forty is held by one alone and called once; whoever dies with somebody on the line leaves only them."""
    from app.extensions import db

    app = make_fresh_app()
    with app.app_context():
        make = Factory(db.session())
        campaign_id = called(make, 40).id
        users = [make.user("Auxiliar PQR").id for _n in range(N_INTERVIEWERS)]
        db.session.commit()
        url = db.engine.url.render_as_string(hide_password=False)
        db.session.remove()
    environment = {
        **os.environ, "ATIENDE_DATABASE_URL": url, "ATIENDE_INSTANCE": str(tmp_path), "ATIENDE_SECRET_KEY": "only for the interviewers",
        "ATIENDE_NOW": "2026-07-10T10:00-05:00", "ATIENDE_LOCK_PATIENCE": "240",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.db.interviewers", str(tmp_path), str(campaign_id), *map(str, users)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)

    assert run.returncode == 0, run.stderr[-3000:]
    assert not list(tmp_path.glob("error.*")), "\n".join(path.read_text() for path in tmp_path.glob("error.*"))[:3000]
    lines = [line.split() for line in (tmp_path / "called").read_text().splitlines()]
    held = Counter(invitee for invitee, _user in lines)
    n_died = int(str(users[SUICIDAL]) in {user for _invitee, user in lines})  # unless the others were through before his first call
    assert len(held) == 40 and set(held.values()) == {1}, "nobody was given to two"
    with app.app_context():
        attempts = db.session.scalars(select(SurveyInvitee.n_attempts).where(SurveyInvitee.campaign_id == campaign_id)).all()
        assert sorted(attempts) == [0] * n_died + [1] * (40 - n_died)
        assert db.session.scalar(select(func.count()).select_from(SurveyCall)) == 40 - n_died
        left = db.session.scalars(select(SurveyInvitee).where(SurveyInvitee.held_by_id.is_not(None))).all()
        assert [(each.held_by_id, each.n_attempts) for each in left] == [(users[SUICIDAL], 0)] * n_died
        db.session.remove()


# ── Paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sheet_is_stored_whole_once_under_its_number(seeded, make, ana):
    campaign = called(make, 1, by_paper=True)
    typed = {"form": form_of(seeded, campaign.version_id), "at": AT, "user_id": ana}
    assert interviews.next_sheet(seeded, campaign.id) == "1"

    assert interviews.type_sheet(seeded, campaign, "7", WHOLE, **typed) == {}
    with pytest.raises(DomainError, match="typed already"):
        interviews.type_sheet(seeded, campaign, "7", WHOLE, **typed)
    with pytest.raises(DomainError, match="number of the sheet"):
        interviews.type_sheet(seeded, campaign, "", WHOLE, **typed)

    (response,) = seeded.scalars(select(SurveyResponse))
    assert (response.status, response.via, response.source_number) == (ResponseStatus.COMPLETE, AnswerVia.PAPER, "7")
    assert interviews.next_sheet(seeded, campaign.id) == "8"


def test_a_sheet_with_blanks_is_stored_half_filled_when_somebody_says_so(seeded, make, ana):
    campaign = called(make, 1, by_paper=True)
    typed = {"form": form_of(seeded, campaign.version_id), "at": AT, "user_id": ana}
    with pytest.raises(survey_answers.Unanswered):
        interviews.type_sheet(seeded, campaign, "1", {"P1": "4"}, **typed)

    assert interviews.type_sheet(seeded, campaign, "2", {"P1": "4"}, is_partial=True, **typed) == {}

    response = seeded.scalars(select(SurveyResponse).where(SurveyResponse.source_number == "2")).one()
    assert response.status is ResponseStatus.PARTIAL
