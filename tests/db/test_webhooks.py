"""What happens to a case reaches other programs: all of it, signed, with the act or not at all, and however often a worker dies."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.domain.errors import DomainError
from app.domain.hooks import TEST, BadSignature, verify
from app.domain.states import MessageStatus
from app.extensions import db
from app.jobs.calls import call_hooks
from app.models import CaseEvent, ChangeLog, OutboxMessage, Webhook, WebhookDelivery
from app.operations import pqr, webhooks
from tests.factories import Factory

START = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Receiver:
    """Another program: keeps what came, and answers as it is told."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], str]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.end_headers()
                self.wfile.write(b"noted")

            def log_message(self, *_anything: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def calling_app(make_fresh_app: Callable[..., Flask]) -> Flask:
    """A fresh application that may call this machine."""
    return make_fresh_app(WEBHOOK_PRIVATE=True)


def a_hook(session: Session, url: str, *events: str, **more: Any) -> Webhook:
    chosen = ",".join(events or ("case.filed", "case.routed"))
    hook = Webhook(**({"name": "Tablero", "url": url, "secret": webhooks.new_secret(), "events": chosen} | more))
    session.add(hook)
    session.flush()
    return hook


def set_up(app: Flask, url: str, n_cases: int = 1, **more: Any) -> str:
    """File cases with a webhook that hears of it; return its secret."""
    with app.app_context():
        hook = a_hook(db.session(), url, **more)
        make = Factory(db.session())
        for _n in range(n_cases):
            make.case(at=START)
        db.session.commit()
        return hook.secret


def call(app: Flask, after: timedelta = timedelta()) -> int:
    app.config["ATIENDE_NOW"] = (START + after).isoformat()
    with app.app_context():
        return call_hooks(db.session())


def rows(app: Flask) -> list[WebhookDelivery]:
    with app.app_context():
        found = list(db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))
        db.session.expunge_all()
        return found


def the_hook(app: Flask) -> Webhook:
    with app.app_context():
        hook = db.session.scalars(select(Webhook)).one()
        db.session.expunge(hook)
        return hook


# ── With the act ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_filing_is_told_once_and_names_nobody(seeded: Session, a_case: Callable[..., Any], make: Factory) -> None:
    hook = a_hook(seeded, "https://example.com/hook")
    case = a_case(subject="Fuga", notice_address="Calle 8", at=START)

    delivery = seeded.scalars(select(WebhookDelivery)).one()
    assert (delivery.webhook_id, delivery.event, delivery.pqr_id, delivery.status) == (hook.id, "case.filed", case.id, MessageStatus.QUEUED)
    assert json.loads(delivery.payload) == {
        "type": "case.filed",
        "timestamp": "2026-07-10T15:00:00Z",
        "data": {
            "number": case.number,
            "status": "RECEIVED",
            "request_type": case.request_type.code,
            "process": case.process.code,
            "due_on": case.due_on.isoformat(),
            "safe_on": case.safe_on.isoformat(),
            "url": f"http://localhost/pqr/{case.number}",
        },
    }
    for secret in (case.party.name, case.party.document_number, "Fuga", "Calle 8", case.access_key):
        assert secret not in delivery.payload


def test_each_address_hears_what_it_chose(seeded: Session, a_case: Callable[..., Any], make: Factory) -> None:
    filings = a_hook(seeded, "https://a.example.com/", "case.filed")
    routes = a_hook(seeded, "https://b.example.com/", "case.routed", name="Otro")
    a_hook(seeded, "https://c.example.com/", name="Apagado", is_active=False)
    case = a_case(at=START)
    pqr.route(seeded, case, make.process(), "Es de su área", at=START, actor_id=None)

    told = seeded.execute(select(WebhookDelivery.webhook_id, WebhookDelivery.event)).all()
    assert sorted(map(tuple, told)) == sorted([(filings.id, "case.filed"), (routes.id, "case.routed")])
    assert json.loads(seeded.scalars(select(WebhookDelivery.payload).where(WebhookDelivery.webhook_id == routes.id)).one())["data"][
        "process"
    ] == (make.process().code)


def test_a_name_that_begins_like_another_is_not_that(seeded: Session, a_case: Callable[..., Any]) -> None:
    a_hook(seeded, "https://a.example.com/", "case.filed.twice")
    a_case(at=START)

    assert seeded.scalars(select(WebhookDelivery)).all() == []


def test_what_is_brought_in_silently_tells_nobody(seeded: Session, a_case: Callable[..., Any]) -> None:
    from app.audit import silently

    a_hook(seeded, "https://a.example.com/")
    with silently(seeded):
        a_case(at=START)

    assert seeded.scalars(select(WebhookDelivery)).all() == []


def test_an_act_that_was_undone_tells_nobody(calling_app: Flask, receiver: Receiver) -> None:
    with calling_app.app_context():
        a_hook(db.session(), receiver.url)
        db.session.commit()
        Factory(db.session()).case(at=START)
        db.session.rollback()

    assert call(calling_app) == 0
    assert receiver.received == []


def test_the_secret_is_never_in_the_change_log(seeded: Session) -> None:
    hook = a_hook(seeded, "https://a.example.com/")
    first = hook.secret
    second = webhooks.rotate(seeded, hook, START)

    logged = json.dumps([[line.before, line.after] for line in seeded.scalars(select(ChangeLog).where(ChangeLog.table_name == "webhook"))])
    assert "•••" in json.loads(logged)[0][1]["secret"]
    assert first not in logged
    assert second not in logged


# ── Delivery ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_arrives_verifies_and_is_noted(calling_app: Flask, receiver: Receiver) -> None:
    secret = set_up(calling_app, receiver.url)

    assert call(calling_app) == 1

    ((said, body),) = receiver.received
    (row,) = rows(calling_app)
    verify(secret, said, body, START)
    assert said["webhook-id"] == row.key
    assert body == row.payload
    assert (row.status, row.sent_at, row.n_attempts) == (MessageStatus.SENT, START, 1)
    assert (row.last_status, row.last_answer, row.last_error) == (200, "noted", "")
    assert call(calling_app, DAY) == 0


def test_while_the_secret_changes_both_verify_and_then_only_the_new_one(calling_app: Flask, receiver: Receiver) -> None:
    old = set_up(calling_app, receiver.url)
    with calling_app.app_context():
        new = webhooks.rotate(db.session(), db.session.scalars(select(Webhook)).one(), START)
        db.session.commit()

    call(calling_app, timedelta(hours=23))
    with calling_app.app_context():
        Factory(db.session()).case(at=START)
        db.session.commit()
    call(calling_app, timedelta(hours=25))

    first, second = receiver.received
    verify(old, *first, START + timedelta(hours=23))
    verify(new, *first, START + timedelta(hours=23))
    verify(new, *second, START + timedelta(hours=25))
    with pytest.raises(BadSignature):
        verify(old, *second, START + timedelta(hours=25))


def test_what_is_not_taken_comes_again_under_the_same_identifier_ever_later_and_ends_failed(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url)
    receiver.statuses = [500] * 8
    at = timedelta()
    for minutes in (*webhooks.BACK_OFF, 0):
        assert call(calling_app, at) == 0
        assert call(calling_app, at) == 0  # not yet due again
        at += timedelta(minutes=minutes)

    (row,) = rows(calling_app)
    assert (row.status, row.n_attempts, row.last_status, row.last_answer) == (MessageStatus.FAILED, 8, 500, "noted")
    assert row.last_error == "The receiver did not take it."
    assert len(receiver.received) == 8
    assert {said["webhook-id"] for said, _ in receiver.received} == {row.key}
    assert len({said["webhook-timestamp"] for said, _ in receiver.received}) == 8
    assert call(calling_app, 30 * DAY) == 0


def test_a_person_sends_a_failed_one_again(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url)
    with calling_app.app_context():
        db.session.execute(update(WebhookDelivery).values(status=MessageStatus.FAILED, n_attempts=8))
        webhooks.resend(db.session(), db.session.scalars(select(WebhookDelivery)).one(), START)
        db.session.commit()

    assert call(calling_app) == 1
    assert [row.status for row in rows(calling_app)] == [MessageStatus.SENT]


def test_one_that_is_on_its_way_is_not_sent_again(seeded: Session, a_case: Callable[..., Any]) -> None:
    a_hook(seeded, "https://a.example.com/")
    a_case(at=START)
    delivery = seeded.scalars(select(WebhookDelivery)).one()

    with pytest.raises(DomainError, match="on its way"):
        webhooks.resend(seeded, delivery, START)


def test_a_dead_receiver_does_not_hold_up_the_others(calling_app: Flask, receiver: Receiver) -> None:
    with calling_app.app_context():
        a_hook(db.session(), "http://127.0.0.1:1/", name="Muerto")
        a_hook(db.session(), receiver.url, name="Vivo")
        make = Factory(db.session())
        for _n in range(5):
            make.case(at=START)
        db.session.commit()

    assert call(calling_app) == 5
    dead = [row for row in rows(calling_app) if row.status is not MessageStatus.SENT]
    assert sorted(row.n_attempts for row in dead) == [0, 0, 0, 0, 1], "one call told that nobody is there"


def test_after_three_days_of_failures_the_address_is_paused_and_nothing_is_lost(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url, n_cases=3)
    with calling_app.app_context():
        Factory(db.session()).user("Admin", email="jefa@example.com")
        db.session.commit()
    receiver.statuses = [500] * 100
    call(calling_app)
    call(calling_app, 2 * DAY)
    assert the_hook(calling_app).paused_at is None
    call(calling_app, 3 * DAY)

    hook = the_hook(calling_app)
    n_calls = len(receiver.received)
    assert (hook.paused_at, hook.n_failures) == (START + 3 * DAY, 3)
    assert hook.paused_why == webhooks.PAUSED
    assert call(calling_app, 4 * DAY) == 0
    assert len(receiver.received) == n_calls, "a paused address is not called"
    with calling_app.app_context():
        told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.event == "hook_paused")).all()
        assert "jefa@example.com" in {message.to_address for message in told}
        assert "Tablero" in told[0].subject

    receiver.statuses = []
    with calling_app.app_context():
        webhooks.resume(db.session(), db.session.scalars(select(Webhook)).one())
        db.session.commit()
    assert call(calling_app, 5 * DAY) == 3
    assert {row.status for row in rows(calling_app)} == {MessageStatus.SENT}


def test_one_success_forgets_the_failures(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url)
    receiver.statuses = [500, 500]
    call(calling_app)
    call(calling_app, 2 * DAY)
    assert the_hook(calling_app).failing_since == START
    call(calling_app, 4 * DAY)

    hook = the_hook(calling_app)
    assert (hook.n_failures, hook.failing_since, hook.paused_at) == (0, None, None)


def test_a_test_reaches_also_a_paused_address_and_does_not_count(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url, paused_at=START, paused_why="x", is_active=False)
    receiver.statuses = [500]
    with calling_app.app_context():
        webhooks.send_test(db.session(), db.session.scalars(select(Webhook)).one(), START)
        db.session.commit()
    call(calling_app)

    assert receiver.events() == [TEST]
    assert the_hook(calling_app).n_failures == 0
    assert [row.status for row in rows(calling_app) if row.event == TEST] == [MessageStatus.FAILED]


def test_what_a_dead_worker_held_is_delivered_after_its_lease_and_marked(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url)
    with calling_app.app_context():
        assert webhooks.claim_due(db.session(), START) is not None
        db.session.commit()

    assert call(calling_app, webhooks.LEASE - timedelta(seconds=1)) == 0
    assert call(calling_app, webhooks.LEASE) == 1
    (row,) = rows(calling_app)
    assert (row.was_interrupted, row.n_attempts, row.status) == (True, 2, MessageStatus.SENT)


def test_two_workers_share_the_work_and_call_once_each(calling_app: Flask, receiver: Receiver) -> None:
    set_up(calling_app, receiver.url, n_cases=12)
    calling_app.config["ATIENDE_NOW"] = START.isoformat()
    counts: list[int] = []

    def work() -> None:
        with calling_app.app_context():
            counts.append(call_hooks(db.session()))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sum(counts) == 12
    assert Counter(said["webhook-id"] for said, _ in receiver.received) == Counter(row.key for row in rows(calling_app))


# ── Killed workers ────────────────────────────────────────────────────────────────────────────────────────────────────────

N_CASES, N_KILLS = 60, 12


def _receive(address: Any, log: str) -> None:
    """Be another program, in a process of its own: note each identifier on the disk before saying yes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with Path(log).open("a") as notes:
                notes.write(self.headers["webhook-id"] + "\n")
            time.sleep(0.01)  # a moment in which a worker may die between calling and telling
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_anything: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address.send(server.server_port)
    server.serve_forever()


def _work(app: Flask) -> None:
    """Deliver, in a process that is about to be killed."""
    with app.app_context():
        db.engine.dispose(close=False)
        call_hooks(db.session())
    os._exit(0)


def test_killed_workers_lose_nothing_and_repeat_under_the_same_identifier(calling_app: Flask, tmp_path: Path) -> None:
    """Real processes, kill -9 at any moment: every event arrives; what arrives twice has the identifier of the first time, marked."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    log = tmp_path / "received"
    log.touch()
    program = fork.Process(target=_receive, args=(theirs, str(log)), daemon=True)
    program.start()
    set_up(calling_app, f"http://127.0.0.1:{ours.recv()}/", n_cases=N_CASES)
    with calling_app.app_context():
        db.engine.dispose()
    chance, after = random.Random(5), timedelta()
    for _n in range(N_KILLS):
        calling_app.config["ATIENDE_NOW"] = (START + after).isoformat()
        worker = fork.Process(target=_work, args=(calling_app,))
        worker.start()
        worker.join(chance.uniform(0.02, 0.35))
        if worker.exitcode is None:
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
        after += webhooks.LEASE
    call(calling_app, after + webhooks.LEASE)
    program.terminate()
    program.join()

    arrived = Counter(log.read_text().split())
    delivered = rows(calling_app)
    with calling_app.app_context():
        n_events = len(db.session.scalars(select(CaseEvent.id)).all())
    repeated = {key for key, n in arrived.items() if n > 1}
    marked = {row.key for row in delivered if row.was_interrupted}
    print(f"webhooks: {n_events} events, {sum(arrived.values())} calls, {len(repeated)} repeated, {len(marked)} marked")
    assert n_events == N_CASES
    assert {row.status for row in delivered} == {MessageStatus.SENT}
    assert set(arrived) == {row.key for row in delivered}, "none lost, none invented"
    assert repeated <= marked, "what may have arrived twice says so"
    assert marked, "somebody was killed at work"


def test_the_demonstration_shows_what_can_become_of_a_delivery(seeded: Session, make: Factory) -> None:
    from app.demo.outward import tell_programs

    for _n in range(4):
        make.case(at=START)
    hook = tell_programs(seeded, START)

    states = Counter(seeded.scalars(select(WebhookDelivery.status).where(WebhookDelivery.webhook_id == hook.id)))
    assert states == {MessageStatus.SENT: 2, MessageStatus.QUEUED: 1, MessageStatus.FAILED: 1}
    assert webhooks.claim_due(seeded, START + DAY) is None, "nothing leaves a demonstration"
