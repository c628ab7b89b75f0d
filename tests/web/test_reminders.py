"""The pages of the reminders: the rules in words, who was told what, and where a reader meets it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from app.models import Mechanism, OutboxMessage, Reminder, ReminderRule
from app.operations import pqr as operations
from app.operations import reminders
from app.screens.reminders import in_words

OWNER, CHIEF = "Dueño de proceso", "Subgerente administrativo y comercial"
MINE = {"code": "MIA", "name": "Mi regla", "source": "ORDER", "to_owner": "y", "is_active": "y", "position": "5"}
DAY = "2026-07-29T10:00-05:00"  # three quarters of what was filed on 10 July


@pytest.fixture
def told(seeded, make, a_case, at):
    """A case, its owner and the chief, told on three quarters of its term."""
    seeded.execute(update(Mechanism).values(is_active=False))  # the follow-ups that ship have tests of their own
    owner, chief = make.user(OWNER, "TECNICA"), make.user(CHIEF)
    pqr = a_case(at="2026-07-10T10:00-05:00")
    instant = datetime(2026, 7, 10, 16, tzinfo=UTC)
    operations.route(seeded, pqr, make.process("TECNICA"), "Revisar", at=instant, actor_id=None)
    at(DAY)
    reminders.remind(seeded, datetime.fromisoformat(DAY))
    seeded.commit()
    return pqr, owner, chief


def rule_of(session, code: str) -> ReminderRule:
    return session.scalars(select(ReminderRule).where(ReminderRule.code == code)).one()


def test_a_rule_is_said_in_words(app, seeded):
    with app.test_request_context():
        said = {rule.code: in_words(rule) for rule in seeded.scalars(select(ReminderRule))}

    assert len(set(said.values())) > 8
    assert "50" in said["CASO_MITAD"]
    assert all(said.values())


def test_the_page_of_a_rule_shows_on_which_days_it_would_speak(client, login, seeded, a_user):
    rule = rule_of(seeded, "CASO_CADA_DIA")

    page = login(client, a_user("Admin")).get(f"/reminderrule/show/{rule.id}").get_data(as_text=True)

    assert "30/07/2026" in page and "04/08/2026" in page  # what is registered on 10 July with 15 working days
    assert f"/reminder/list/?rule={rule.id}" in page


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"trigger": "AT_PERCENT", "value": "0"}, "value"),
        ({"trigger": "AT_START", "value": "3"}, "value"),
        ({"trigger": "DAYS_BEFORE", "value": ""}, "value"),
        ({"trigger": "DAYS_BEFORE", "value": "3", "to_owner": ""}, "to_owner"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_beside_its_field(client, login, seeded, a_user, typed, field):
    form = {name: value for name, value in {**MINE, **typed}.items() if value or name == "value"}

    answer = login(client, a_user("Admin")).post("/reminderrule/add", data=form)

    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert f'id="{field}-error"' in page
    assert 'value="Mi regla"' in page
    assert seeded.scalars(select(ReminderRule).where(ReminderRule.code == "MIA")).first() is None


def test_a_rule_of_zero_days_before_is_kept_and_edited(client, login, seeded, a_user):
    form = {**MINE, "trigger": "DAYS_BEFORE", "value": "0"}
    browser = login(client, a_user("Admin"))

    assert browser.post("/reminderrule/add", data=form).status_code == 302
    seeded.expire_all()
    rule = rule_of(seeded, "MIA")
    assert (rule.value, rule.source, rule.to_chief) == (0, "ORDER", False)
    page = browser.get(f"/reminderrule/edit/{rule.id}").get_data(as_text=True)
    assert 'name="code"' not in page
    later = {**form, "value": "2", "seen": rule.changed_at.isoformat()}
    assert browser.post(f"/reminderrule/edit/{rule.id}", data=later).status_code == 302
    seeded.expire_all()
    assert rule_of(seeded, "MIA").value == 2


def test_the_register_says_who_was_told_what_and_leaves_as_a_file(client, login, seeded, told):
    pqr, owner, chief = told
    browser = login(client, chief)

    page = browser.get(f"/reminder/list/?case={pqr.number}").get_data(as_text=True)
    rows = list(csv.reader(io.StringIO(browser.get("/reminder/export/csv").get_data().decode("utf-8-sig")), delimiter=";"))

    assert page.count(">Tres cuartas partes del término<") == 2
    assert owner.get_full_name() in page and chief.get_full_name() in page
    n = len(seeded.scalars(select(Reminder.id)).all())
    assert sum(pqr.number in " ".join(row) for row in rows) == n == 4
    assert browser.get("/reminder/list/?case=PQR-2026-999999").get_data(as_text=True).count("Tres cuartas partes del término") == 0


def test_each_reads_what_they_were_told_and_what_was_told_of_the_cases_they_see(client, login, seeded, told, a_user):
    pqr, owner, _chief = told
    stranger = a_user(OWNER)
    row = seeded.scalars(select(Reminder).where(Reminder.user_id == owner.id)).first()

    assert pqr.number not in login(client, stranger).get("/reminder/list/").get_data(as_text=True)
    assert client.get(f"/reminder/show/{row.id}").status_code == 404
    assert pqr.number in login(client, owner).get("/reminder/list/?mine=1").get_data(as_text=True)
    assert client.get(f"/reminder/show/{row.id}").status_code == 200


def test_mi_dia_counts_what_the_reader_was_reminded_of_today_and_leads_there(client, login, seeded, told, at):
    pqr, owner, _chief = told
    link = "/reminder/list/?mine=1&amp;told_at=2026-07-29"
    browser = login(client, owner)

    assert link in browser.get("/").get_data(as_text=True)
    assert pqr.number in browser.get("/reminder/list/?mine=1&told_at=2026-07-29").get_data(as_text=True)
    at("2026-07-30T10:00-05:00")
    assert "/reminder/list/?mine=1&amp;told_at" not in browser.get("/").get_data(as_text=True)


def test_what_was_told_on_the_screen_alone_says_so(client, login, seeded, told):
    _pqr, owner, _chief = told
    seeded.execute(update(Reminder).values(message_id=None))
    seeded.commit()

    page = login(client, owner).get("/reminder/list/?mine=1").get_data(as_text=True)

    assert "/outbox/show" not in page
    assert seeded.scalars(select(OutboxMessage.id)).first()


def test_the_case_leads_to_who_was_reminded_of_it(client, login, told):
    pqr, _owner, chief = told

    assert f"/reminder/list/?case={pqr.number}" in login(client, chief).get(f"/pqr/{pqr.number}").get_data(as_text=True)


def test_the_command_lists_who_would_be_told_and_tells_nobody(app, seeded, make, a_case, at):
    owner = make.user(OWNER, "TECNICA")
    pqr = a_case(at="2026-07-10T10:00-05:00")
    operations.route(seeded, pqr, make.process("TECNICA"), "Revisar", at=datetime(2026, 7, 10, 16, tzinfo=UTC), actor_id=None)
    seeded.commit()
    at("2026-07-12T23:00-05:00")

    result = app.test_cli_runner().invoke(args=["atiende", "remind", "--dry-run"])

    assert result.exit_code == 0, result.output
    assert f"{owner.username} (" in result.output and "CASO_NUEVO  " in result.output and pqr.number in result.output
    assert seeded.scalars(select(Reminder.id)).all() == []
