"""Campaigns of surveys: whom they find, the drawing, quotas, their moves, what proposes and closes itself; on both engines."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.domain.campaigns import AnswerVia, CampaignMove, CampaignStatus, Fate, InviteeStatus, ResponseStatus
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaires import Audience
from app.domain.states import ConsentKind, DocumentKind
from app.jobs.timetable import TIMETABLE
from app.models import (
    CommercialEvent,
    Consent,
    ConsentText,
    Document,
    PartyContact,
    Questionnaire,
    Reminder,
    ReminderRule,
    StoredFile,
    SurveyCampaign,
    SurveyInvitee,
    SurveyOptOut,
    SurveyQuota,
    SurveyResponse,
)
from app.operations import campaigns, reminders, survey_audience
from tests.db.test_billing_at_once import let_go
from tests.db.test_checklists import at_once

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
TODAY = date(2026, 7, 10)


def on(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture
def house(seeded, session):
    """The catalogues; the forms of the house are switched off, and propose nothing."""
    session.execute(update(Questionnaire).values(is_active=False))
    return session


@pytest.fixture
def users(house, make):
    """A form for users, and twelve of them: eight in the north, three in the south, one nowhere; the last has an inactive account too."""
    people = [make.party(phone=f"+57300555{n:04}") for n in range(12)]
    for n, party in enumerate(people):
        make.account(party=party, zone="Norte" if n < 8 else "Sur" if n < 11 else "", stratum=2 + n % 2)
    make.account(party=people[11], zone="Sur", is_active=False)
    return people


@pytest.fixture
def form(house, make):
    return make.questionnaire("R10-U", audience=Audience.USERS, frequency_months=12, starts_on=date(2026, 1, 1))


def invited(session, campaign, *, reserves=False):
    found = select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id, SurveyInvitee.is_reserve == reserves)
    return session.scalars(found.order_by(SurveyInvitee.id)).all()


def moves(session, campaign):
    events = select(CommercialEvent.move).where(CommercialEvent.campaign_id == campaign.id).order_by(CommercialEvent.id)
    return session.scalars(events).all()


def answer(session, invitee):
    done = {"started_at": AT, "completed_at": AT, "answered_on": TODAY, "status": ResponseStatus.COMPLETE, "via": AnswerVia.LINK}
    session.add(SurveyResponse(campaign_id=invitee.campaign_id, invitee_id=invitee.id, quota_id=invitee.quota_id, **done))


def agree(session, party, *, withdrawn=None):
    text = session.scalars(select(ConsentText).where(ConsentText.kind == ConsentKind.SURVEY)).first()
    text = text or ConsentText(kind=ConsentKind.SURVEY, version=1, text="Acepto que me contacten.", valid_from=date(2026, 1, 1))
    session.add(Consent(party_id=party.id, text=text, granted_at=AT - timedelta(days=30), withdrawn_at=withdrawn))
    session.flush()


# ── Whom it asks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_is_asked_once_whatever_accounts_they_have(users, form, make, session):
    for party in users:
        make.account(party=party, zone="Norte")

    campaign = make.campaign(form, at=AT)

    assert Counter(each.party_id for each in invited(session, campaign)) == Counter(party.id for party in users)
    assert campaign.population == campaign.sample_size == 12


def test_who_wants_no_surveys_did_not_agree_or_is_out_of_reach_is_counted_and_left_out(users, form, make, session):
    for party in users[:6]:
        agree(session, party)
    agree(session, users[6], withdrawn=AT)
    session.add(SurveyOptOut(party_id=users[0].id, since_at=AT, via=AnswerVia.PHONE))
    session.add(SurveyOptOut(party_id=users[1].id, since_at=AT, via=AnswerVia.PHONE, ended_at=AT))
    users[2].phone = users[2].email = None
    session.flush()

    campaign = make.campaign(form, at=AT, needs_consent=True, confirmed=False)
    found = survey_audience.outlook(session, campaign, TODAY)

    assert {fate: found.n(fate) for fate in Fate} == {Fate.ASKED: 4, Fate.OPTED_OUT: 1, Fate.NO_CONSENT: 6, Fate.UNREACHABLE: 1}
    campaigns.confirm(session, campaign, at=AT, actor_id=make.user("Comercial").id)
    assert {each.party_id for each in invited(session, campaign)} == {party.id for party in (users[1], *users[3:6])}


def test_a_campaign_by_telephone_alone_asks_only_who_has_one(users, form, make, session):
    users[0].phone = None
    session.flush()

    campaign = make.campaign(form, at=AT, by_link=False)

    assert campaign.population == 11


def test_a_contract_in_force_is_asked_by_its_first_person_to_call(house, make, session):
    old = make.contract(starts_on=date(2025, 2, 1), ends_on=date(2025, 12, 31))
    there = make.contract(starts_on=date(2026, 1, 1), ends_on=None, number="C-1")
    other = make.contract(starts_on=date(2026, 1, 1), ends_on=None, number="C-2", kind=there.kind)
    make.contract(stage="DRAFT", kind=there.kind, number="C-3")
    session.add(PartyContact(party_id=there.party_id, name="Marta Primera", phone="+573005550000", is_main=True))
    session.flush()
    form = make.questionnaire("R10-C", audience=Audience.CONTRACTS)

    campaign = make.campaign(form, at=AT)

    found = {each.contract_id: each for each in invited(session, campaign)}
    assert set(found) == {there.id, other.id} and old.id not in found
    assert (found[there.id].name, found[there.id].phone, found[there.id].email) == ("Marta Primera", "+573005550000", there.party.email)
    assert (found[other.id].name, found[other.id].contact_id) == (other.party.name, None)
    assert found[there.id].key == f"contract:{there.id}"


def test_nobody_to_ask_is_refused(form, make, session):
    with pytest.raises(DomainError, match="Nobody of this audience"):
        make.campaign(form, at=AT)


def test_whoever_comes_by_is_asked_by_a_printed_code_and_by_nobody_in_particular(house, make, session):
    campaign = make.campaign(at=AT)

    assert campaign.status is CampaignStatus.OPEN and len(campaign.public_code) >= 16
    assert invited(session, campaign) == []


# ── The sample ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def many(house, make):
    """Sixty users in three zones of 30, 20 and 10."""
    for n in range(60):
        make.account(party=make.party(phone=f"+57301555{n:04}"), zone="Norte" if n < 30 else "Centro" if n < 50 else "Sur")


def sampled(make, form, **columns):
    return make.campaign(form, at=AT, is_sampled=True, by_zone=True, error_percent=25, **columns)


def test_the_sample_is_shared_out_by_zone_and_reserves_come_after_it(many, form, make, session):
    campaign = sampled(make, form)

    quotas = {quota.zone: (quota.population, quota.target) for quota in session.scalars(select(SurveyQuota))}
    assert quotas == {"Norte": (30, 7), "Centro": (20, 4), "Sur": (10, 2)}  # 13 of 60: 95 %, 25 points
    assert (campaign.population, campaign.sample_size) == (60, 13)
    drawn, reserves = invited(session, campaign), invited(session, campaign, reserves=True)
    assert Counter(each.quota.zone for each in drawn) == {"Norte": 7, "Centro": 4, "Sur": 2}
    assert Counter(each.quota.zone for each in reserves) == {"Norte": 21, "Centro": 12, "Sur": 6}
    assert all(each.account.zone == each.quota.zone for each in drawn + reserves)
    assert min(each.position for each in reserves if each.quota.zone == "Norte") == 8


def test_the_same_seed_draws_the_same_people_again(many, form, make, session):
    first = sampled(make, form)
    again = make.campaign(
        form, at=AT, is_sampled=True, by_zone=True, error_percent=25, period_from=date(2025, 7, 1), confirmed=False
    )
    again.seed = first.seed
    session.flush()

    campaigns.confirm(session, again, at=AT, actor_id=make.user("Comercial").id)

    order = [(each.key, each.position, each.is_reserve) for each in session.scalars(select(SurveyInvitee).filter_by(campaign_id=first.id))]
    twice = [(each.key, each.position, each.is_reserve) for each in session.scalars(select(SurveyInvitee).filter_by(campaign_id=again.id))]
    assert sorted(order) == sorted(twice) and len(order) == 52


def test_what_is_looked_at_before_is_what_is_drawn(many, form, make, session):
    campaign = sampled(make, form, confirmed=False, by_service=True)
    before = survey_audience.outlook(session, campaign, TODAY)

    campaigns.confirm(session, campaign, at=AT, actor_id=make.user("Comercial").id)

    quotas = {quota.key: (quota.population, quota.target) for quota in session.scalars(select(SurveyQuota))}
    assert quotas == {key: (group.n_asked, group.target) for key, group in before.groups.items()}


def test_a_sample_without_strata_has_one_quota(many, form, make, session):
    campaign = make.campaign(form, at=AT, is_sampled=True, error_percent=25)

    assert session.execute(select(SurveyQuota.key, SurveyQuota.population, SurveyQuota.target)).all() == [("", 60, 13)]
    assert campaigns.progress(session, campaign).strata == []


def test_a_reserve_takes_the_place_of_who_drops_out_in_its_stratum(many, form, make, session):
    campaign = sampled(make, form)
    south = [each for each in invited(session, campaign) if each.quota.zone == "Sur"]
    next_one = min((each for each in invited(session, campaign, reserves=True) if each.quota.zone == "Sur"), key=lambda each: each.position)
    south[0].status, south[1].status = InviteeStatus.LOST, InviteeStatus.ANSWERED

    assert campaigns.call_up_reserves(session, campaign) == 1
    assert not next_one.is_reserve
    assert campaigns.call_up_all(session, AT) == 0


def test_progress_says_what_each_stratum_wants_and_has(many, form, make, session):
    campaign = sampled(make, form)
    first = next(each for each in invited(session, campaign) if each.quota.zone == "Sur")
    first.status = InviteeStatus.ANSWERED
    answer(session, first)
    session.flush()

    found = campaigns.progress(session, campaign)

    assert [(share.name, share.target, share.asked, share.left) for share in found.strata] == [
        ("Centro", 4, 4, 4), ("Norte", 7, 7, 7), ("Sur", 2, 2, 1)]  # fmt: skip
    assert found.whole.target == 13 and found.people[InviteeStatus.WAITING] == 12
    assert str(found.rate) == "7.7"


# ── Writing one ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_one_has_its_number_seed_and_version(form, make, session):
    campaign = make.campaign(form, at=AT, confirmed=False)

    assert campaign.number == "ENC-2026-0001" and campaign.status is CampaignStatus.PROPOSED
    assert campaign.version_id == form.id and campaign.seed is not None and campaign.audience is Audience.USERS
    assert moves(session, campaign) == ["PROPOSE"]


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"period_until": date(2026, 6, 1)}, "period_until"),
        ({"closes_on": date(2026, 6, 1)}, "closes_on"),
        ({"by_link": False, "by_phone": False}, "by_link"),
        ({"is_sampled": True, "error_percent": 0}, "error_percent"),
    ],
)
def test_what_does_not_fit_together_is_refused_beside_its_field(form, make, columns, field):
    with pytest.raises(DomainError) as refusal:
        make.campaign(form, at=AT, confirmed=False, **columns)

    assert refusal.value.field == field


@pytest.mark.parametrize("field", ["by_link", "by_phone", "by_zone", "is_sampled"])
def test_whoever_comes_by_has_no_link_no_strata_and_no_sample(house, make, field):
    with pytest.raises(DomainError) as refusal:
        make.campaign(at=AT, confirmed=False, **{field: True})

    assert refusal.value.field == field


def test_a_period_has_one_campaign_until_it_is_dropped(form, make, session):
    first = make.campaign(form, at=AT, confirmed=False)
    with pytest.raises(DomainError, match="ENC-2026-0001") as refusal:
        make.campaign(form, at=AT, confirmed=False)
    assert refusal.value.field == "period_from"

    campaigns.drop(session, first, "Se aplaza", at=AT, actor_id=None)

    assert make.campaign(form, at=AT, confirmed=False).number == "ENC-2026-0002"


def test_a_form_that_is_not_published_is_not_asked(house, make):
    draft = make.questionnaire("R10-D", publish=False)

    with pytest.raises(DomainError, match="no published version"):
        make.campaign(draft, at=AT, confirmed=False)


# ── Its moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def campaign(house, make):
    return make.campaign(at=AT)


def test_a_confirmed_one_is_neither_confirmed_again_nor_corrected_nor_dropped(campaign, make, session):
    for act in (
        lambda: campaigns.confirm(session, campaign, at=AT, actor_id=make.user("Comercial").id),
        lambda: campaigns.write(session, campaign, at=AT, actor_id=None),
        lambda: campaigns.drop(session, campaign, "No se hace", at=AT, actor_id=None),
    ):
        with pytest.raises(MoveRefused, match="ENC-2026-0001"):
            act()


def test_one_whose_days_are_over_is_not_confirmed(house, make, session):
    late = make.campaign(at=AT, confirmed=False, opens_on=date(2026, 6, 1), closes_on=date(2026, 6, 30))

    with pytest.raises(MoveRefused, match="last day"):
        campaigns.confirm(session, late, at=AT, actor_id=make.user("Comercial").id)


def test_one_that_only_a_file_answers_may_lie_in_the_past_and_is_closed_by_hand(house, make, session):
    past = {"opens_on": date(2015, 1, 1), "closes_on": date(2015, 12, 31), "by_qr": False, "by_kiosk": False, "by_file": True}
    old = make.campaign(at=AT, **past)

    assert old.status is CampaignStatus.OPEN
    assert campaigns.close_due(session, AT) == 0
    assert campaigns.close(session, old, at=AT, actor_id=None).status is CampaignStatus.CLOSED


def test_a_version_replaced_meanwhile_has_to_be_looked_at(house, make, session):
    from app.operations.questionnaires import publish, start_version

    waiting = make.campaign(at=AT, confirmed=False)
    publish(session, start_version(session, waiting.questionnaire), "Otra pregunta", at=AT, actor_id=None)
    session.expire_all()
    with pytest.raises(MoveRefused, match="published anew"):
        campaigns.confirm(session, waiting, at=AT, actor_id=make.user("Comercial").id)

    campaigns.write(session, waiting, at=AT, actor_id=None)

    assert campaigns.confirm(session, waiting, at=AT, actor_id=make.user("Comercial").id).version.number == 2


def test_closing_early_needs_a_reason(campaign, session):
    with pytest.raises(MoveRefused) as refusal:
        campaigns.close(session, campaign, at=AT, actor_id=None)
    assert refusal.value.field == "reason"

    campaigns.close(session, campaign, at=AT, actor_id=None, reason="Ya están todas las respuestas")

    assert campaign.closed_at == AT and moves(session, campaign)[-1] == CampaignMove.CLOSE.name


def test_the_night_after_its_last_day_closes_it_once(campaign, session):
    assert campaigns.close_due(session, on("2026-07-31", 23)) == 0
    assert campaigns.close_due(session, on("2026-08-01", 0)) == 1
    assert campaigns.close_due(session, on("2026-08-02", 0)) == 0
    assert campaign.status is CampaignStatus.CLOSED


def test_closing_lets_its_thresholds_speak(campaign, session, monkeypatch):
    heard = []
    monkeypatch.setattr("app.operations.survey_alarms.on_close", lambda _session, closed, *, at: heard.append((closed.number, at)))

    campaigns.close_due(session, on("2026-08-01", 0))

    assert heard == [("ENC-2026-0001", on("2026-08-01", 0))]


def test_a_closed_one_is_reopened_with_a_reason_and_days_to_come(campaign, session):
    campaigns.close_due(session, on("2026-08-01"))
    for reason, closes_on, field in (("", date(2026, 8, 15), "reason"), ("Faltó un barrio", date(2026, 7, 31), "closes_on")):
        with pytest.raises(MoveRefused) as refusal:
            campaigns.reopen(session, campaign, reason, closes_on, at=on("2026-08-03"), actor_id=None)
        assert refusal.value.field == field

    campaigns.reopen(session, campaign, "Faltó un barrio", date(2026, 8, 15), at=on("2026-08-03"), actor_id=None)

    assert (campaign.status, campaign.closes_on, campaign.closed_at) == (CampaignStatus.OPEN, date(2026, 8, 15), None)


def test_one_whose_report_was_issued_stays_closed(campaign, session, make):
    campaigns.close_due(session, on("2026-08-01"))
    file = StoredFile(storage_key="informe", name="informe.pdf", media_type="application/pdf", n_bytes=10, sha256="0" * 64)
    campaign.document = Document(kind=DocumentKind.SURVEY_REPORT, number="INF-1", file=file, template="report@1", data={}, issued_at=AT)
    session.flush()

    with pytest.raises(MoveRefused, match="report"):
        campaigns.reopen(session, campaign, "Faltó un barrio", date(2026, 8, 15), at=on("2026-08-03"), actor_id=None)


def test_an_open_one_gets_another_last_day(campaign, session):
    campaigns.extend(session, campaign, "Pocas respuestas", date(2026, 8, 20), at=AT, actor_id=None)

    event = session.scalars(select(CommercialEvent).where(CommercialEvent.move == "EXTEND")).one()
    assert campaign.closes_on == date(2026, 8, 20) and event.facts == {"closes_on": "2026-08-20", "instead_of": "2026-07-31"}


# ── By itself ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def proposed(session):
    return session.scalars(select(SurveyCampaign).order_by(SurveyCampaign.id)).all()


def test_the_campaign_of_a_period_is_proposed_once_when_its_day_comes(form, session):
    assert campaigns.propose_due(session, on("2026-11-16")) == 0
    assert campaigns.propose_due(session, on("2026-11-17")) == 1
    assert campaigns.propose_due(session, on("2026-11-18")) == 0

    one = proposed(session)[0]
    assert (one.period_from, one.opens_on, one.closes_on) == (date(2026, 1, 1), date(2026, 12, 2), date(2026, 12, 31))
    assert one.name.endswith(" 2026") and one.is_sampled and one.by_zone and one.needs_consent


def test_a_dropped_one_is_not_proposed_again(form, session):
    campaigns.propose_due(session, on("2026-11-17"))
    campaigns.drop(session, proposed(session)[0], "Este año no", at=on("2026-11-18"), actor_id=None)

    assert campaigns.propose_due(session, on("2026-11-19")) == 0


def test_the_next_one_is_asked_as_the_one_before(form, make, session):
    make.campaign(form, at=AT, confirmed=False, period_from=date(2025, 1, 1), max_reminders=5, by_service=True, is_sampled=True)

    campaigns.propose_due(session, on("2026-11-17"))

    newest = proposed(session)[-1]
    assert (newest.max_reminders, newest.by_service, newest.by_zone) == (5, True, False)


def test_a_form_without_frequency_first_day_or_version_proposes_nothing(house, make, session):
    make.questionnaire("R10-A")
    make.questionnaire("R10-B", frequency_months=6)
    make.questionnaire("R10-E", frequency_months=6, starts_on=date(2026, 1, 1), publish=False)
    make.questionnaire("R10-F", frequency_months=6, starts_on=date(2026, 1, 1), is_active=False)

    assert campaigns.propose_due(session, on("2026-12-20")) == 0


def test_those_who_propose_and_close_at_the_same_instant_do_it_once(fresh_app, tmp_path):
    from app.extensions import db
    from tests.factories import Factory

    with fresh_app.app_context():
        db.session.execute(update(Questionnaire).values(is_active=False))
        make = Factory(db.session())
        make.questionnaire("R10-A", frequency_months=6, starts_on=date(2026, 2, 1))
        make.campaign(at=AT)
        db.session.commit()
        let_go()

    def work(session):
        return [campaigns.propose_due(session, on("2026-08-01")), campaigns.close_due(session, on("2026-08-01"))]

    told = at_once(fresh_app, tmp_path, [work] * 4)

    assert [sum(counts) for counts in zip(*told, strict=True)] == [1, 1]
    with fresh_app.app_context():
        numbers = db.session.scalars(select(SurveyCampaign.number).order_by(SurveyCampaign.number)).all()
        assert numbers == ["ENC-2026-0001", "ENC-2026-0002"]


# ── Who is told ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def told_of(session, source, person, days):
    """Return the codes of the rules of *source* that *person* hears on *days*."""
    session.execute(update(ReminderRule).where(ReminderRule.source != source).values(is_active=False))
    for day in days:
        reminders.remind(session, on(day))
    rows = select(ReminderRule.code, Reminder.row_key).join(ReminderRule).where(Reminder.user_id == person.id).order_by(Reminder.id)
    return session.execute(rows).all()


def test_the_responsible_is_told_that_one_waits_to_be_confirmed(form, make, session):
    person = make.user("Comercial", process="COMERCIAL")
    days = {"opens_on": date(2026, 7, 24), "closes_on": date(2026, 8, 10)}
    make.campaign(form, at=AT, confirmed=False, responsible_id=person.id, **days)

    heard = told_of(session, "CAMPAIGN", person, ["2026-07-13", "2026-07-14", "2026-07-22", "2026-07-28"])

    assert heard == [(code, "ENC-2026-0001") for code in ("CAMPANA_NUEVA", "CAMPANA_VISPERA", "CAMPANA_ATRASADA")]


def test_one_that_closes_soon_with_few_answers_is_told_and_one_with_enough_is_not(many, form, make, session):
    person = make.user("Comercial", process="COMERCIAL")
    short = sampled(make, form, responsible_id=person.id, closes_on=date(2026, 7, 17))
    assert session.scalars(campaigns.short_of_answers(TODAY)).all() == [short.id]
    assert session.scalars(campaigns.short_of_answers(date(2026, 7, 9))).all() == []

    assert told_of(session, "CAMPAIGN_SHORT", person, ["2026-07-13", "2026-07-14"]) == [("CAMPANA_CORTA", "ENC-2026-0001")]

    for invitee in invited(session, short)[:7]:
        answer(session, invitee)
    session.flush()
    assert session.scalars(campaigns.short_of_answers(TODAY)).all() == []


def test_the_task_of_the_morning_proposes_and_calls_up_reserves(many, form, make, session):
    campaign = sampled(make, form, period_from=date(2025, 1, 1))
    invited(session, campaign)[0].status = InviteeStatus.REFUSED
    session.flush()
    task = next(each for each in TIMETABLE if each.name == "propose_campaigns")

    assert list(task.run(session, AT).values()) == [0, 1]
    assert list(task.run(session, on("2026-11-17")).values()) == [1, 0]


def test_the_next_campaign_of_the_office_begins_where_an_odd_period_left_off(house, make):
    version = make.questionnaire("OFI", audience=Audience.ANYBODY)
    make.campaign(version, period_from=date(2026, 7, 1), period_until=date(2026, 7, 26))

    following = campaigns.next_usual(house, version.questionnaire, date(2026, 7, 30))

    assert (following["period_from"], following["period_until"]) == (date(2026, 8, 1), date(2026, 8, 31))
