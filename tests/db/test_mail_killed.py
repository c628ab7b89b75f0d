"""
Workers that send mail are killed at random moments; a mail server that breaks at the worst one. Nothing is lost, and what may have
left twice says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select

from app import jobs, mailer
from app.domain.states import MessageStatus
from app.extensions import db
from app.models import OutboxMessage
from app.operations import outbox
from tests.db.test_outbox import free_port

START = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
N_MESSAGES = 300
N_LIVES = 30
#: The moments between two leases of a worker that died.
BETWEEN = outbox.LEASE + timedelta(minutes=1)


class Killer:
    """A mail server that keeps a record of what it took, and kills the workers around a message that it chooses."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.accepted: Counter[str] = Counter()
        self.victims: list[int] = []
        self.n_left = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message_id = message_from_bytes(envelope.content)["Message-ID"]
        self.n_left -= 1
        if self.n_left:
            self.accepted[message_id] += 1
            return "250 OK"
        moment = self.dice.choice(("before", "between", "soon"))
        if moment == "before":  # the server never took it
            self.kill()
            return "451 Too late"
        self.accepted[message_id] += 1
        if moment == "between":  # it took it, and the worker never heard so
            self.kill()
        else:
            asyncio.get_running_loop().call_later(self.dice.uniform(0, 0.01), self.kill)
        return "250 OK"

    def kill(self) -> None:
        for pid in self.victims:
            os.kill(pid, signal.SIGKILL)
        self.victims = []


@pytest.fixture
def killer(request: pytest.FixtureRequest) -> Iterator[tuple[Killer, Controller]]:
    handler = Killer(20260710)
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller
    controller.stop()


def _live(app: Flask, at: datetime) -> None:
    app.config["ATIENDE_NOW"] = at.isoformat()
    with app.app_context():
        while jobs.deliver(db.session(), 100):
            pass
    os._exit(0)


def one_life(app: Flask, killer: Killer, at: datetime) -> int:
    """Let two workers live until the server kills them, or nothing is left to send; return how many were killed."""
    with app.app_context():
        db.engine.dispose()
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_live, args=(app, at)) for _ in range(2)]
    killer.n_left = killer.dice.randint(1, 24)
    for worker in workers:
        worker.start()
        killer.victims.append(worker.pid or 0)
    for worker in workers:
        worker.join(60)
    killer.victims = []
    return sum(worker.exitcode == -signal.SIGKILL for worker in workers)


def queue(app: Flask, n: int) -> None:
    with app.app_context():
        for i in range(n):
            outbox.queue_message(
                db.session(), key=f"k:{i}", event="filed", to=f"u{i}@example.com", subject="s", body="b", html="<p>b</p>", at=START
            )
        db.session.commit()


def messages_of(app: Flask) -> dict[str, OutboxMessage]:
    with app.app_context():
        rows = {row.message_id: row for row in db.session.scalars(select(OutboxMessage))}
        db.session.expunge_all()
        return rows


def test_workers_killed_at_random_lose_nothing_and_flag_what_may_have_left_twice(
    fresh_app: Flask, killer: tuple[Killer, Controller], engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server, controller = killer
    fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=controller.port)
    queue(fresh_app, N_MESSAGES)

    n_killed, at = 0, START
    for _life in range(N_LIVES):
        n_killed += one_life(fresh_app, server, at)
        at += BETWEEN
    server.n_left = 0  # nobody is killed any more
    for _turn in range(2):
        fresh_app.config["ATIENDE_NOW"] = at.isoformat()
        with fresh_app.app_context():
            jobs.deliver(db.session())
        at += BETWEEN

    rows = messages_of(fresh_app)
    taken = server.accepted
    decided = [row for row in rows.values() if row.status is MessageStatus.FAILED]
    repeated = [message_id for message_id, n in taken.items() if n > 1]
    n_flagged = sum(row.was_interrupted for row in rows.values())
    with capsys.disabled():
        print(
            f"\n{engine}: {len(rows)} messages, {n_killed} workers killed, {sum(taken.values())} taken by the server, "
            f"0 lost, {len(repeated)} repeated, {n_flagged} flagged, {len(decided)} left to a person"
        )

    assert n_killed >= N_LIVES
    assert len(rows) == N_MESSAGES
    assert set(taken) <= set(rows), "every attempt carries the Message-ID of its row"
    assert {row.status for row in rows.values()} <= {MessageStatus.SENT, MessageStatus.FAILED}
    assert not [row.message_id for row in rows.values() if row.status is MessageStatus.SENT and not taken[row.message_id]], "lost"
    assert all(row.was_interrupted for row in decided), "whatever did not surely leave waits for a person, and says why"
    assert max(taken.values()) <= 2
    assert len(repeated) <= n_killed
    assert all(rows[message_id].was_interrupted for message_id in repeated)
    assert n_flagged <= n_killed, "a killed worker held one message"


# ── A server that breaks ──────────────────────────────────────────────────────────────────────────────────────────────────


class Breaking:
    """A mail server that takes the message and then does what `ending` says, while there is one left."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.endings: list[str] = []
        self.envelopes: list[str] = []

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(message_from_bytes(envelope.content)["Message-ID"])
        self.envelopes.append(envelope.mail_from)
        ending = self.endings.pop(0) if self.endings else ""
        if ending == "hangs up":
            server.transport.abort()
        elif ending == "says nothing":
            await asyncio.sleep(2)
        return ending if ending[:1].isdigit() else "250 OK"


@pytest.fixture
def breaking(fresh_app: Flask) -> Iterator[Breaking]:
    handler = Breaking()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=controller.port)
    queue(fresh_app, 1)
    yield handler
    controller.stop()


def deliver(app: Flask, after: timedelta = timedelta()) -> OutboxMessage:
    """Send what is due, and return the one row."""
    app.config["ATIENDE_NOW"] = (START + after).isoformat()
    with app.app_context():
        jobs.deliver(db.session())
    (row,) = messages_of(app).values()
    return row


@pytest.mark.parametrize("ending", ["hangs up", "says nothing"])
def test_a_connection_that_breaks_after_the_message_is_a_doubt_and_says_so(
    fresh_app: Flask, breaking: Breaking, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(mailer, "TIMEOUT", 0.5)
    breaking.endings = [ending]

    row = deliver(fresh_app)
    assert (row.status, row.was_interrupted) == (MessageStatus.QUEUED, True)

    row = deliver(fresh_app, timedelta(minutes=1))
    assert (row.status, row.was_interrupted) == (MessageStatus.SENT, True)
    assert len(breaking.taken) == 2
    assert len(set(breaking.taken)) == 1


def test_a_second_doubt_is_for_a_person(fresh_app: Flask, breaking: Breaking) -> None:
    breaking.endings = ["hangs up", "hangs up"]
    deliver(fresh_app)

    row = deliver(fresh_app, timedelta(minutes=1))

    assert (row.status, row.was_interrupted) == (MessageStatus.FAILED, True)
    assert deliver(fresh_app, timedelta(days=3)).status is MessageStatus.FAILED
    assert len(breaking.taken) == 2


@pytest.mark.parametrize(
    ("answer", "status"), [("451 4.7.1 Greylisted", MessageStatus.QUEUED), ("554 5.7.1 Refused", MessageStatus.FAILED)]
)
def test_an_answer_of_the_server_is_no_doubt(fresh_app: Flask, breaking: Breaking, answer: str, status: MessageStatus) -> None:
    breaking.endings = [answer]

    row = deliver(fresh_app)

    assert (row.status, row.was_interrupted, row.last_error) == (status, False, answer)


def test_bounces_go_to_the_envelope_and_not_to_who_signs(fresh_app: Flask, breaking: Breaking) -> None:
    fresh_app.config["MAIL_BOUNCES"] = "rebotes@example.com"

    deliver(fresh_app)

    assert breaking.envelopes == ["rebotes@example.com"]


def test_a_server_that_never_greets_costs_one_attempt(fresh_app: Flask, breaking: Breaking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fresh_app.config["SMTP_PORT"] = silent.getsockname()[1]
        row = deliver(fresh_app)

    assert (row.status, row.n_attempts, row.was_interrupted) == (MessageStatus.QUEUED, 1, False)
    assert "timed out" in (row.last_error or "")


def test_without_the_encryption_that_was_asked_for_nothing_is_said(fresh_app: Flask, breaking: Breaking) -> None:
    fresh_app.config["SMTP_TLS"] = "starttls"

    row = deliver(fresh_app)

    assert (row.status, row.was_interrupted) == (MessageStatus.QUEUED, False)
    assert "STARTTLS" in (row.last_error or "")
    assert breaking.taken == []


@pytest.fixture
def untrusted(tmp_path: Path) -> ssl.SSLContext:
    """What a server uses whose certificate nobody we trust signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def assert_not_trusted(row: OutboxMessage) -> None:
    assert (row.status, row.was_interrupted, row.n_attempts) == (MessageStatus.QUEUED, False, 1)
    assert "CERTIFICATE_VERIFY_FAILED" in (row.last_error or "")


def test_a_certificate_that_nobody_signed_is_not_trusted_after_starttls(fresh_app: Flask, untrusted: ssl.SSLContext) -> None:
    handler = Breaking()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), tls_context=untrusted)
    controller.start()
    fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=controller.port, SMTP_TLS="starttls")
    queue(fresh_app, 1)

    row = deliver(fresh_app)

    controller.stop()
    assert_not_trusted(row)
    assert handler.taken == []


def test_a_certificate_that_nobody_signed_is_not_trusted_from_the_start(fresh_app: Flask, untrusted: ssl.SSLContext) -> None:
    def greet(plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            untrusted.wrap_socket(plain.accept()[0], server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=greet, args=(plain,), daemon=True).start()
        fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=plain.getsockname()[1], SMTP_TLS="yes")
        queue(fresh_app, 1)
        row = deliver(fresh_app)

    assert_not_trusted(row)
