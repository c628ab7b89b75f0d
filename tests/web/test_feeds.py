"""A calendar program reads the due dates of one person: as he may see them at that moment, without a word about anybody."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from app.domain.states import OrderKind
from app.feeds import Entry, calendar_of, entries_of
from app.models import CalendarFeed, FieldOrder, Leave
from app.operations import feeds, pqr
from app.security import rights_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
ON = date(2026, 7, 10)
OWNER = "Dueño de proceso"


def opened(session, user) -> str:
    """Return the path of a new calendar of *user*."""
    token = feeds.open_feed(session, user.id, AT)
    session.commit()
    return f"/calendario/{token}.ics"


def events_in(response) -> dict[str, Any]:
    """Return the events of a calendar, by the start of their identifiers."""
    calendar = Calendar.from_ical(response.get_data())
    assert calendar.get("version") == "2.0"
    return {str(event["uid"]).partition("@")[0]: event for event in calendar.walk("VEVENT")}


def routed(session, make, process, **fields):
    case = make.case(at="2026-07-01T09:00-05:00", **fields)
    pqr.route(session, case, process, "Es de su área", at=AT, actor_id=None, user=fields.get("user"))
    session.commit()
    return case


@pytest.fixture
def owner(make):
    return make.user(OWNER, process="TECNICA")


def test_each_open_case_has_its_two_days(seeded, make, client, owner):
    case = routed(seeded, make, make.process("TECNICA"), subject="Fuga en el baño")
    response = client.get(opened(seeded, owner))
    events = events_in(response)

    assert response.mimetype == "text/calendar"
    assert set(events) == {f"{case.number}-due", f"{case.number}-safe"}
    assert events[f"{case.number}-due"]["dtstart"].dt == case.due_on
    assert events[f"{case.number}-safe"]["dtstart"].dt == case.safe_on
    assert events[f"{case.number}-due"]["dtend"].dt == case.due_on + timedelta(1)
    assert events[f"{case.number}-due"]["url"] == f"http://localhost/pqr/{case.number}"
    text = response.get_data(as_text=True).replace("\r\n ", "")
    for secret in (case.party.name, case.party.document_number, "Fuga", case.access_key, owner.email):
        assert secret not in text


def test_what_is_not_his_work_is_not_in_it(seeded, make, client, owner):
    routed(seeded, make, make.process("FACTURACION"))
    done = routed(seeded, make, make.process("TECNICA"))
    pqr.return_to_desk(seeded, done, "No es nuestra", at=AT, actor_id=None)

    assert events_in(client.get(opened(seeded, owner))) == {}


def test_who_stands_in_has_the_dates_of_who_is_away(seeded, make, client, owner):
    case = routed(seeded, make, make.process("TECNICA"))
    substitute = make.user(OWNER)
    path = opened(seeded, substitute)
    assert events_in(client.get(path)) == {}

    seeded.add(Leave(user_id=owner.id, substitute_id=substitute.id, starts_on=ON, ends_on=ON))
    seeded.commit()
    assert f"{case.number}-due" in events_in(client.get(path))


def test_the_desk_and_the_manager_have_what_waits_for_their_right(seeded, make, client):
    case = make.case(at="2026-07-01T09:00-05:00")
    seeded.commit()

    assert f"{case.number}-due" in events_in(client.get(opened(seeded, make.user("Auxiliar PQR"))))
    assert events_in(client.get(opened(seeded, make.user("Calidad")))) == {}


def test_a_right_that_was_taken_away_is_gone_from_the_calendar(seeded, make, client, owner):
    routed(seeded, make, make.process("TECNICA"))
    path = opened(seeded, owner)
    assert events_in(client.get(path))

    owner.roles = []
    seeded.commit()
    assert events_in(client.get(path)) == {}


def test_long_overdue_days_are_no_reminders(seeded, make, owner):
    case = routed(seeded, make, make.process("TECNICA"))
    rights = rights_of(seeded, owner.id)

    assert entries_of(seeded, owner.id, rights, case.due_on + timedelta(60))
    assert not entries_of(seeded, owner.id, rights, case.due_on + timedelta(61))


def test_a_technician_has_the_days_of_his_orders(seeded, make):
    technician, case = make.user("Técnico"), make.case()
    of = {"organisation_id": case.organisation_id, "pqr_id": case.id, "kind": OrderKind.WORK_ORDER, "issued_on": ON}
    seeded.add(FieldOrder(**of, number="OT-2026-000901", assignee_id=technician.id, due_on=ON + timedelta(3)))
    seeded.add(FieldOrder(**of, number="OT-2026-000902", assignee_id=technician.id))
    seeded.add(FieldOrder(**of, number="OT-2026-000903", due_on=ON))
    seeded.flush()

    (entry,) = entries_of(seeded, technician.id, rights_of(seeded, technician.id), ON)
    assert (entry.key, entry.on) == ("OT-2026-000901-order", ON + timedelta(3))


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00", "a" * 5000])
def test_a_wrong_address_opens_nothing(seeded, client, token):
    assert client.get(f"/calendario/{token}.ics").status_code == 404


def test_who_left_has_no_calendar(seeded, make, client, owner):
    path = opened(seeded, owner)
    owner.active = False
    seeded.commit()

    assert client.get(path).status_code == 404


def test_only_a_hash_is_kept_and_the_newest_address_counts(seeded, make, client, owner):
    first, second = opened(seeded, owner), opened(seeded, owner)
    row = seeded.scalars(select(CalendarFeed).where(CalendarFeed.user_id == owner.id)).one()

    assert row.token_hash not in second
    assert second.removeprefix("/calendario/").removesuffix(".ics") not in row.token_hash
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)


def test_an_unchanged_calendar_is_not_sent_again(seeded, make, client, owner):
    case = routed(seeded, make, make.process("TECNICA"))
    path = opened(seeded, owner)
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    pqr.return_to_desk(seeded, case, "No es nuestra", at=AT, actor_id=None)
    seeded.commit()
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.get_data()) == (304, b"")
    assert changed.status_code == 200


def test_the_reading_is_noted_once_an_hour(seeded, make, client, owner, at):
    path = opened(seeded, owner)

    def read_at():
        seeded.expire_all()
        return seeded.scalars(select(CalendarFeed.read_at)).one()

    client.get(path)
    assert read_at() == AT
    at("2026-07-10T10:59-05:00")
    client.get(path)
    assert read_at() == AT
    at("2026-07-10T11:00-05:00")
    client.get(path)
    assert read_at() == AT + timedelta(hours=1)


def test_guessing_is_slowed_down_and_so_is_a_restless_program(limited_app):
    from app.extensions import db
    from tests.factories import Factory

    limited_app.config.update(FEED_RATE="3 per hour", PORTAL_LOOKUP_RATE="2 per hour")
    with limited_app.app_context():
        path = opened(db.session(), Factory(db.session()).user(OWNER))
    client = limited_app.test_client()

    assert [client.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert [client.get("/calendario/guess.ics").status_code for _ in range(3)] == [404, 404, 429]


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_address_is_shown_once(seeded, make, client, login, owner):
    login(client, owner)
    made = client.post("/my-calendar/").get_data(as_text=True)
    later = client.get("/my-calendar/").get_data(as_text=True)
    path = made.partition("http://localhost")[2].partition("<")[0]

    assert path.startswith("/calendario/")
    assert client.get(path).status_code == 200
    assert "/calendario/" not in later

    client.post("/my-calendar/remove")
    assert client.get(path).status_code == 404


# ── The text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

ENTRY = Entry("PQR-2026-000001-due", ON, "Uno; dos, tres \\ cuatro\nEND:VEVENT", "á" * 200, "http://localhost/pqr/x", AT)


def test_nothing_that_is_written_can_be_a_line_of_the_format():
    content = calendar_of([ENTRY], "Plazos", "900")
    (event,) = Calendar.from_ical(content).walk("VEVENT")

    assert str(event["summary"]) == ENTRY.title
    assert str(event["description"]).startswith(ENTRY.text)
    assert content.count(b"END:VEVENT") == 2, "one escaped, one real"
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert str(event["uid"]) == "PQR-2026-000001-due@900.atiende"
    assert event["dtstamp"].dt == event["last-modified"].dt == AT


def test_the_sequence_grows_with_each_change():
    def sequence(at: datetime) -> int:
        (event,) = Calendar.from_ical(calendar_of([Entry("k", ON, "t", "x", None, at)], "n", "900")).walk("VEVENT")
        return int(event["sequence"])

    assert 0 < sequence(AT) < sequence(AT + timedelta(minutes=1)) < 2**31
    assert calendar_of([ENTRY], "n", "900") == calendar_of([ENTRY], "n", "900")


def test_the_days_of_actions_and_tasks_are_in_it_for_whoever_has_to_do_them(seeded, make, client, owner):
    quality, process, on = make.user("Calidad"), make.process("TECNICA").id, {"at": AT - timedelta(1)}
    running = make.planned_action("RUNNING", responsible_id=owner.id, process_id=process, title="Secreto de alguien", **on)
    review = make.planned_action("REVIEW", process_id=process, boss_id=quality.id, **on)
    make.planned_action("RUNNING", process_id=make.process("FACTURACION").id, **on)
    make.planned_action("DONE", process_id=process, at=AT - timedelta(60), boss_id=quality.id)
    seeded.commit()

    his, decides = (entries_of(seeded, user.id, rights_of(seeded, user.id), ON) for user in (owner, quality))

    assert {entry.key for entry in his} == {f"{running.number}-due", f"{running.number}-1-task"}
    assert {entry.key: entry.on for entry in decides} == {f"{review.number}-review": review.review_on}
    assert not any("Secreto" in entry.title + entry.text for entry in his)
