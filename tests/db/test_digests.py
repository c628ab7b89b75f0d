"""What each of the staff hears, and when: at once, in the daily digest, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain.errors import DomainError
from app.domain.states import Delivery, MessageStatus
from app.extensions import db
from app.jobs.post import digest
from app.models import MailLanguage, MessageTemplate, NoticePreference, OutboxMessage, Parameter
from app.operations import digests, messages, pqr

EIGHT = datetime(2026, 7, 14, 13, 0, tzinfo=UTC)  # Tuesday, 8:00 in Bogotá; that Monday is a holiday
FRIDAY = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def person(seeded: Session, a_user: Callable[..., Any]) -> User:
    return a_user("Dueño de proceso", "FACTURACION")


def prefers(session: Session, person: User, delivery: Delivery, event: str = "routed") -> None:
    session.add(NoticePreference(user_id=person.id, event=event, delivery=delivery))
    session.flush()


def tell(session: Session, person: User, n: int = 1, at: datetime = FRIDAY, event: str = "job_done") -> list[OutboxMessage | None]:
    facts = {"title": "Importar", "outcome": "bien", "url": "/tray/"} if event == "job_done" else {}
    return [
        messages.tell_user(session, person, event, facts, key=f"{event}:{person.id}:{at:%d%H%M}:{i}", at=at) for i in range(n)
    ]


# ── How each hears ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_said_nothing_is_told_at_once_with_text_and_page(seeded: Session, person: User) -> None:
    (message,) = tell(seeded, person)

    assert message is not None
    assert (message.status, message.user_id, message.to_address) == (MessageStatus.QUEUED, person.id, person.email)
    assert person.first_name in message.body
    assert 'href="http://localhost/tray/"' in (message.html_body or "")
    assert "/mail/preferences/" in message.body


def test_a_digest_waits_without_greeting_and_never_means_never(seeded: Session, person: User) -> None:
    prefers(seeded, person, Delivery.DIGEST, "job_done")
    (held,) = tell(seeded, person)
    assert held is not None
    assert held.status is MessageStatus.HELD
    assert person.first_name not in held.body

    seeded.get_one(NoticePreference, (person.id, "job_done")).delivery = Delivery.NEVER
    assert tell(seeded, person, at=FRIDAY + timedelta(minutes=1)) == [None]


def test_what_nobody_may_refuse_is_told_whatever_was_chosen(seeded: Session, person: User) -> None:
    refusable = {name for name, event in messages.EVENTS.items() if event.may_refuse}
    assert "reminder_silence" not in refusable
    prefers(seeded, person, Delivery.NEVER, "reminder_silence")

    message = messages.tell_user(seeded, person, "reminder_silence", {}, key="s", at=FRIDAY)

    assert message is not None
    assert message.status is MessageStatus.QUEUED


def test_the_house_says_what_else_nobody_may_refuse(seeded: Session, person: User) -> None:
    prefers(seeded, person, Delivery.NEVER, "job_done")
    assert tell(seeded, person) == [None]

    seeded.get_one(Parameter, messages.FIRM).value = "routed, job_done"
    seeded.flush()

    assert tell(seeded, person) != [None]
    with pytest.raises(DomainError):
        messages.choose(seeded, person, "es", {"routed": Delivery.NEVER})


def test_legal_messages_to_citizens_can_neither_wait_nor_be_refused() -> None:
    for name, event in messages.EVENTS.items():
        if event.audience is messages.Audience.CITIZEN:
            assert event.deliveries == (Delivery.AT_ONCE,), name


def test_nobody_without_address_or_access_is_told(seeded: Session, person: User) -> None:
    person.active = False
    assert tell(seeded, person) == [None]
    person.active, person.email = True, ""
    assert tell(seeded, person) == [None]


def test_each_reads_mail_in_the_language_they_chose(seeded: Session, person: User) -> None:
    seeded.add(MailLanguage(user_id=person.id, language="en"))
    seeded.flush()

    (message,) = tell(seeded, person)

    assert message is not None
    assert (message.language, message.subject) == ("en", "Finished: Importar")
    assert 'lang="en"' in (message.html_body or "")


def test_the_words_of_the_house_replace_the_shipped_ones(seeded: Session, person: User) -> None:
    row = seeded.scalars(select(MessageTemplate).filter_by(event="job_done", language="es")).one()
    row.subject, row.body = "Listo: {title}", "{greeting}\n{detail}\nVéalo: {url}"
    (message,) = tell(seeded, person)
    assert message is not None
    assert message.subject == "Listo: Importar"
    assert message.body.startswith(f"Buen día, {person.first_name}:\nVéalo: http://localhost/tray/\n")

    seeded.delete(row)
    seeded.flush()
    (message,) = tell(seeded, person, at=FRIDAY + timedelta(minutes=1))
    assert message is not None
    assert message.subject == "Terminó: Importar"


def test_every_shipped_template_can_be_filled_and_says_what_it_has_to() -> None:
    for (event, language), (subject, body) in messages.shipped().items():
        assert language in ("es", "en")
        messages.check_words(event, subject, body)
    assert {event for event, _language in messages.shipped()} == set(messages.EVENTS)
    assert len(messages.shipped()) == 2 * len(messages.EVENTS)


def test_a_fact_that_no_template_may_name_is_a_mistake_of_ours(seeded: Session, person: User) -> None:
    with pytest.raises(KeyError):
        messages.tell_user(seeded, person, "routed", {"secret": "x"}, key="x", at=FRIDAY)


# ── The digest ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def waiting(seeded: Session, person: User) -> list[OutboxMessage | None]:
    prefers(seeded, person, Delivery.DIGEST, "job_done")
    return tell(seeded, person, 3)


def the_digest(session: Session, person: User, at: datetime) -> OutboxMessage | None:
    assert digests.due(session, at) in ([], [person.id])
    return digests.write_digest(session, person.id, at)


def test_what_was_held_becomes_one_message_on_the_next_working_morning(seeded: Session, person: User, waiting: list[Any]) -> None:
    message = the_digest(seeded, person, EIGHT)

    assert message is not None
    assert (message.event, message.status, message.user_id) == ("digest", MessageStatus.QUEUED, person.id)
    assert message.body.count("▸ Terminó: Importar") == 3
    assert message.body.count(f"Buen día, {person.first_name}:") == 1
    assert (message.html_body or "").count("<h2") == 3
    assert [(row.status, row.digest_id) for row in waiting] == [(MessageStatus.DIGESTED, message.id)] * 3


@pytest.mark.parametrize(
    ("why", "at"),
    [
        ("after hours", FRIDAY + timedelta(hours=9)),
        ("at night", EIGHT - timedelta(hours=5)),
        ("a minute before it", EIGHT - timedelta(minutes=1)),
        ("Sunday", EIGHT - timedelta(days=2)),
        ("a holiday", EIGHT - timedelta(days=1)),
    ],
)
def test_nothing_leaves_at_night_or_on_days_off(seeded: Session, person: User, waiting: list[Any], why: str, at: datetime) -> None:
    assert the_digest(seeded, person, at) is None, why
    assert {row.status for row in waiting} == {MessageStatus.HELD}


def test_a_worker_that_was_down_at_eight_sends_it_later_that_day(seeded: Session, person: User, waiting: list[Any]) -> None:
    assert the_digest(seeded, person, EIGHT + timedelta(hours=3)) is not None


def test_one_a_day_and_what_comes_later_waits_for_the_next(seeded: Session, person: User, waiting: list[Any]) -> None:
    first = the_digest(seeded, person, EIGHT)
    (late,) = tell(seeded, person, at=EIGHT + timedelta(minutes=10))

    assert the_digest(seeded, person, EIGHT + timedelta(hours=1)) is None
    assert late is not None
    assert late.status is MessageStatus.HELD
    second = the_digest(seeded, person, EIGHT + timedelta(days=1))
    assert second is not None
    assert second is not first
    assert late.digest_id == second.id


def test_the_hour_is_a_parameter_and_nonsense_means_the_opening(seeded: Session, person: User, waiting: list[Any]) -> None:
    row = seeded.get_one(Parameter, digests.WHEN)
    row.value = "10:30"
    assert the_digest(seeded, person, EIGHT + timedelta(hours=2)) is None
    row.value = "a las ocho"
    assert the_digest(seeded, person, EIGHT) is not None


def test_an_hour_after_closing_is_no_reason_never_to_send(seeded: Session, person: User, waiting: list[Any]) -> None:
    seeded.get_one(Parameter, digests.WHEN).value = "23:00"
    house = queries.organisation(seeded)
    house.opens_at, house.closes_at = time(7), time(16)

    assert the_digest(seeded, person, EIGHT - timedelta(hours=1)) is not None


def test_who_left_the_company_gets_no_digest_and_the_rows_say_so(seeded: Session, person: User, waiting: list[Any]) -> None:
    person.active = False
    seeded.flush()

    assert the_digest(seeded, person, EIGHT) is None
    assert {(row.status, row.last_error) for row in waiting} == {(MessageStatus.DISCARDED, digests.NOBODY)}


def test_a_routed_case_waits_too_and_keeps_its_case(seeded: Session, person: User, a_case: Callable[..., Any], make: Any) -> None:
    prefers(seeded, person, Delivery.DIGEST)
    case = a_case()
    pqr.route(seeded, case, make.process("FACTURACION"), "Es de su área.", at=FRIDAY, actor_id=None)

    told = [message for message in messages.tell_routed(seeded, case, FRIDAY) if message.user_id == person.id]

    assert [(message.status, message.pqr_id) for message in told] == [(MessageStatus.HELD, case.id)]
    digest_of = the_digest(seeded, person, EIGHT)
    assert digest_of is not None
    assert f"http://localhost/pqr/{case.number}" in digest_of.body


def test_two_workers_write_one_digest_a_person_and_tell_every_row_once(
    fresh_app: Flask, seed_people: Callable[[Flask, int], list[int]]
) -> None:
    ids = seed_people(fresh_app, 4)
    fresh_app.config["ATIENDE_NOW"] = EIGHT.isoformat()
    start, written = threading.Barrier(2), []

    def work() -> None:
        start.wait(10)
        with fresh_app.app_context():
            written.append(digest(db.session(), EIGHT))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sum(written) == len(ids)
    with fresh_app.app_context():
        rows = db.session.scalars(select(OutboxMessage)).all()
        sent = {row.id: row for row in rows if row.event == "digest"}
        told = [row for row in rows if row.event != "digest"]
        assert {row.user_id for row in sent.values()} == set(ids)
        assert {row.status for row in told} == {MessageStatus.DIGESTED}
        assert all(sent[row.digest_id].user_id == row.user_id for row in told)


@pytest.fixture
def seed_people() -> Callable[[Flask, int], list[int]]:
    def seed(app: Flask, n: int) -> list[int]:
        with app.app_context():
            people = [
                User(username=f"u{i}", first_name=f"Ana {i}", last_name="Ruiz", email=f"u{i}@example.com", active=True, password="x")
                for i in range(n)
            ]
            db.session.add_all(people)
            db.session.flush()
            for person in people:
                prefers(db.session(), person, Delivery.DIGEST, "job_done")
                tell(db.session(), person, 5)
            db.session.commit()
            return [person.id for person in people]

    return seed
