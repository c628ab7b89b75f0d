"""Mail leaves once, or says that it may have left twice. A real SMTP server listens; the clock only moves when told."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import jobs
from app.domain.errors import DomainError
from app.domain.states import Identity, MessageStatus
from app.extensions import db
from app.models import Notice, OutboxMessage
from app.operations import messages, outbox, pqr

START = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


class Mailbox:
    """What the server took, and what it says to the next message when that is not yes."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refusals: list[str] = []
        self.refuses_to = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address == self.refuses_to:
            return "550 No such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def mailing_app(fresh_app: Flask, server: Controller) -> Flask:
    """A fresh application whose mail server is the one above."""
    fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=server.port)
    return fresh_app


def queue(app: Flask, n: int = 1, **more: Any) -> None:
    with app.app_context():
        for i in range(n):
            values = {"key": f"test:{i}", "event": "test", "to": f"user{i}@example.com", "subject": "Señal", "body": "¿Qué tal, ñandú?\n"}
            outbox.queue_message(db.session, at=START, **(values | more))
        db.session.commit()


def deliver(app: Flask, after: timedelta = timedelta()) -> int:
    app.config["ATIENDE_NOW"] = (START + after).isoformat()
    with app.app_context():
        return jobs.deliver(db.session())


def only_row(app: Flask) -> OutboxMessage:
    with app.app_context():
        row = db.session.scalars(select(OutboxMessage)).one()
        db.session.expunge(row)
        return row


def test_a_queued_message_arrives_whole_with_the_headers_of_a_machine(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app)

    assert deliver(mailing_app) == 1

    (mail,) = mailbox.received
    row = only_row(mailing_app)
    assert (row.status, row.sent_at, row.n_attempts, row.last_error) == (MessageStatus.SENT, START, 1, None)
    assert mail["To"] == "user0@example.com"
    assert mail["Message-ID"] == row.message_id
    assert mail["Subject"] == "Señal"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"].addresses[0].addr_spec == "atiende@example.com"
    assert mail["Date"].datetime == START
    assert "@" in mail["Reply-To"]
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["¿Qué tal, ñandú?"]


def test_the_same_cause_is_told_once(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app)
    queue(mailing_app, subject="Otra vez")

    assert deliver(mailing_app) == 1
    assert deliver(mailing_app, timedelta(days=1)) == 0
    assert [mail["Subject"] for mail in mailbox.received] == ["Señal"]


def test_a_rolled_back_transaction_tells_nobody(mailing_app: Flask, mailbox: Mailbox) -> None:
    with mailing_app.app_context():
        outbox.queue_message(db.session, key="k", event="test", to="a@example.com", subject="s", body="b", at=START)
        db.session.rollback()

    assert deliver(mailing_app) == 0
    assert mailbox.received == []


def test_a_subject_cannot_forge_a_header(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app, subject="Hola\r\nBcc: todos@example.com")

    deliver(mailing_app)

    (mail,) = mailbox.received
    assert mail["Subject"] == "Hola Bcc: todos@example.com"
    assert mail["Bcc"] is None


def test_without_a_mail_server_messages_wait(fresh_app: Flask) -> None:
    queue(fresh_app)

    assert deliver(fresh_app) == 0
    assert only_row(fresh_app).status is MessageStatus.QUEUED


def test_attempts_back_off_and_end_as_failed(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app)
    mailbox.refusals = ["451 Try later"] * 99
    passed = timedelta()

    waits = []
    for n in range(1, len(outbox.BACK_OFF) + 1):
        assert deliver(mailing_app, passed) == 0
        row = only_row(mailing_app)
        assert (row.status, row.n_attempts, row.last_error) == (MessageStatus.QUEUED, n, "451 Try later")
        waits.append(row.next_attempt_at - START - passed)
        before = len(mailbox.refusals)
        deliver(mailing_app, passed + waits[-1] - timedelta(seconds=1))
        assert len(mailbox.refusals) == before, "a moment too early"
        passed += waits[-1]
    assert waits == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 720)]
    deliver(mailing_app, passed)

    row = only_row(mailing_app)
    assert (row.status, row.n_attempts, row.last_error) == (MessageStatus.FAILED, 7, "451 Try later")
    mailbox.refusals = []
    assert deliver(mailing_app, passed + timedelta(days=9)) == 0


def test_a_person_may_send_a_failed_message_again(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app, to="nobody@example.com")
    mailbox.refuses_to = "nobody@example.com"
    deliver(mailing_app)
    mailbox.refuses_to = ""

    with mailing_app.app_context():
        outbox.resend(db.session, db.session.scalars(select(OutboxMessage)).one(), START)
        db.session.commit()
    assert deliver(mailing_app) == 1

    with mailing_app.app_context(), pytest.raises(DomainError):
        outbox.resend(db.session, db.session.scalars(select(OutboxMessage)).one(), START)


def test_an_address_that_does_not_exist_fails_at_once_and_stops_nobody_else(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app, 3)
    mailbox.refuses_to = "user1@example.com"

    assert deliver(mailing_app) == 2

    with mailing_app.app_context():
        failed = db.session.scalars(select(OutboxMessage).where(OutboxMessage.status == MessageStatus.FAILED)).one()
        assert (failed.to_address, failed.last_error) == ("user1@example.com", "550 No such person here")


def test_an_address_that_is_none_fails_at_once(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app, to="nadie@@ejemplo\nBcc: x@example.com")

    assert deliver(mailing_app) == 0
    assert only_row(mailing_app).status is MessageStatus.FAILED
    assert mailbox.received == []


def test_a_server_that_is_down_costs_one_message_one_attempt(mailing_app: Flask, server: Controller) -> None:
    queue(mailing_app, 3)
    mailing_app.config["SMTP_PORT"] = free_port()

    assert deliver(mailing_app) == 0

    with mailing_app.app_context():
        rows = db.session.scalars(select(OutboxMessage)).all()
        assert {row.status for row in rows} == {MessageStatus.QUEUED}
        assert sorted(row.n_attempts for row in rows) == [0, 0, 1]
    mailing_app.config["SMTP_PORT"] = server.port
    assert deliver(mailing_app, timedelta(minutes=1)) == 3


def _send_and_die(app: Flask) -> None:
    outbox.mark_sent = lambda *_args: os._exit(9)  # type: ignore[assignment]  # the mail server said yes, and then the power went
    deliver(app, app.config["_AFTER"])


def killed_while_sending(app: Flask, after: timedelta = timedelta()) -> None:
    app.config["_AFTER"] = after
    with app.app_context():
        db.engine.dispose()
    child = multiprocessing.get_context("fork").Process(target=_send_and_die, args=(app,))
    child.start()
    child.join(30)
    assert child.exitcode == 9


def test_a_worker_killed_between_sending_and_telling_repeats_at_most_once_and_says_so(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app)
    killed_while_sending(mailing_app)
    assert only_row(mailing_app).status is MessageStatus.SENDING
    assert deliver(mailing_app, outbox.LEASE - timedelta(seconds=1)) == 0, "the lease of the dead worker still runs"

    assert deliver(mailing_app, outbox.LEASE) == 1

    row = only_row(mailing_app)
    assert (row.status, row.was_interrupted, row.n_attempts) == (MessageStatus.SENT, True, 2)
    assert len(mailbox.received) == 2
    assert len({mail["Message-ID"] for mail in mailbox.received}) == 1, "so a mailbox may drop the repetition"


def test_a_worker_killed_twice_over_the_same_message_leaves_it_to_a_person(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app)
    killed_while_sending(mailing_app)
    killed_while_sending(mailing_app, outbox.LEASE)

    assert deliver(mailing_app, 3 * outbox.LEASE) == 0

    row = only_row(mailing_app)
    assert (row.status, row.was_interrupted) == (MessageStatus.FAILED, True)
    assert len(mailbox.received) == 2


def test_a_worker_that_outlived_its_lease_does_not_undo_the_other(mailing_app: Flask) -> None:
    queue(mailing_app)
    with mailing_app.app_context():
        (slow,) = outbox.claim_due(db.session, START)
        db.session.commit()
        (quick,) = outbox.claim_due(db.session, START + outbox.LEASE)
        db.session.commit()
        outbox.mark_failed(db.session, slow, "451 Try later", START + outbox.LEASE)
        assert db.session.scalars(select(OutboxMessage.status)).one() is MessageStatus.SENDING
        outbox.mark_sent(db.session, quick, START + outbox.LEASE)
        db.session.commit()

    assert only_row(mailing_app).status is MessageStatus.SENT


def test_two_workers_send_each_message_once(mailing_app: Flask, mailbox: Mailbox) -> None:
    queue(mailing_app, 24)
    counts: list[int] = []
    start = threading.Barrier(2)

    def work() -> None:
        start.wait(10)
        total = 0
        for _ in range(4):
            with mailing_app.app_context():
                total += jobs.deliver(db.session())
        counts.append(total)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sum(counts) == 24
    assert Counter(mail["To"] for mail in mailbox.received) == Counter(f"user{i}@example.com" for i in range(24))


# ── What is told ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_filed_gets_number_key_and_legal_date_at_the_address_of_the_request(seeded: Session, a_case: Callable[..., Any]) -> None:
    case = a_case(is_e_notice=True, notice_email="aviso@example.com")

    message = messages.tell_filed(seeded, case, START)

    assert message is not None
    assert message is messages.tell_filed(seeded, case, START)
    assert message.to_address == "aviso@example.com"
    assert case.number in message.subject
    for expected in (
        case.number,
        case.access_key,
        case.party.name,
        "4 de agosto de 2026",
        f"http://localhost/pqr/consulta?n={case.number}",
    ):
        assert expected in message.body
    assert case.body not in message.body


def test_a_reserved_identity_is_not_named_in_mail(seeded: Session, a_case: Callable[..., Any]) -> None:
    case = a_case(identity=Identity.RESERVED)

    message = messages.tell_filed(seeded, case, START)

    assert message is not None
    assert case.party.name not in message.body


def test_an_anonymous_case_has_nobody_to_tell(seeded: Session, a_case: Callable[..., Any]) -> None:
    assert messages.tell_filed(seeded, a_case(identity=Identity.ANONYMOUS), START) is None


def test_links_in_mail_never_come_from_the_host_a_request_names(app: Flask, seeded: Session, a_case: Callable[..., Any]) -> None:
    app.config["PUBLIC_URL"] = None
    case = a_case()

    with app.test_request_context(base_url="http://evil.example"):
        message = messages.tell_filed(seeded, case, START)

    assert message is not None
    assert "http" not in message.body


def test_a_routed_case_is_told_to_the_people_of_its_process_in_office_today(
    seeded: Session, make: Any, a_user: Callable[..., Any], a_case: Callable[..., Any]
) -> None:
    process = make.process()
    owner, other = a_user("Dueño de proceso", process), a_user("Dueño de proceso")
    gone, inactive = a_user("Dueño de proceso", process), a_user("Dueño de proceso", process, active=False)
    next(member for member in process.members if member.user_id == gone.id).valid_until = START.date() - timedelta(days=1)
    case = a_case(subject="Fuga en el medidor")
    pqr.route(seeded, case, process, "Es de su área.", at=START, actor_id=None)

    told = messages.tell_routed(seeded, case, START)

    addresses = {message.to_address for message in told}
    assert owner.email in addresses
    assert addresses.isdisjoint({other.email, gone.email, inactive.email})
    assert [message.id for message in messages.tell_routed(seeded, case, START)] == [message.id for message in told]
    for message in told:
        assert case.number in message.body
        assert case.party.name not in message.body
        assert case.access_key not in message.body


def test_a_case_given_to_a_person_is_told_to_that_person(
    seeded: Session, make: Any, a_user: Callable[..., Any], a_case: Callable[..., Any]
) -> None:
    process = make.process()
    a_user("Dueño de proceso", process)
    person = a_user("Dueño de proceso", process)
    case = a_case()
    pqr.route(seeded, case, process, "Lo conoce.", at=START, actor_id=None, user=person)

    assert [message.to_address for message in messages.tell_routed(seeded, case, START)] == [person.email]


def test_the_link_of_an_e_notice_goes_to_the_address_that_accepted_it(seeded: Session, a_case: Callable[..., Any]) -> None:
    case = a_case()
    notice = Notice(id=7, address="acepto@example.com")

    message = messages.tell_answer(seeded, case, notice, "http://localhost/pqr/aviso/abc", START)

    assert message.to_address == "acepto@example.com"
    assert "http://localhost/pqr/aviso/abc" in message.body
    assert case.access_key not in message.body
