"""Batches that several people make at the same instant, and one whose process is killed: nothing twice, nothing half made, no gap."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.domain.errors import MoveRefused
from app.domain.states import BillingKind
from app.models import BillingBatch, BillingItem, InvoiceChange, NumberSeries
from app.reports import billing as reports

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
N_PRESSES, N_THINGS = 6, 40


def prepare(app: Flask, n: int = N_THINGS) -> None:
    """Store *n* authorised changes and let go of every connection, so that children may be forked."""
    from app.extensions import db
    from tests.billing import Ripe
    from tests.factories import Factory

    with app.app_context():
        ripe = Ripe(db.session(), Factory(db.session()))
        for _turn in range(n):
            ripe.change()
        db.session.commit()
        let_go()


def let_go() -> None:
    from app.extensions import db

    db.session.remove()
    for engine in db.engines.values():
        engine.dispose()


def fork(work: Callable[[], Any]) -> int:
    """Run *work* in a child; return its process id."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def press(app: Flask, start: int, told: Path) -> None:
    """Wait for the shot, make a batch and write down its number, or that there was nothing."""
    from app.extensions import db

    with app.app_context():
        os.read(start, 1)
        try:
            number = reports.issue_batch(db.session(), list(BillingKind), "csv", at=AT, actor_id=None).number
            db.session.commit()
        except MoveRefused:
            db.session.rollback()
            number = ""
        told.write_text(json.dumps(number))


def test_two_who_press_at_once_never_send_a_thing_twice(fresh_app, tmp_path):
    from app.extensions import db

    prepare(fresh_app)
    start, shot = os.pipe()
    children = [fork(lambda turn=turn: press(fresh_app, start, tmp_path / f"told{turn}")) for turn in range(N_PRESSES)]
    os.write(shot, b"x" * N_PRESSES)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * N_PRESSES
    told = [json.loads((tmp_path / f"told{turn}").read_text()) for turn in range(N_PRESSES)]

    with fresh_app.app_context():
        times = Counter(db.session.scalars(select(BillingItem.change_id)))
        assert len(times) == N_THINGS and set(times.values()) == {1}
        numbers = db.session.scalars(select(BillingBatch.number).order_by(BillingBatch.number)).all()
        assert numbers == ["FAC-2026-000001"] == [number for number in told if number]
        assert all(mark is not None for mark in db.session.scalars(select(InvoiceChange.exported_at)))


def test_a_process_killed_before_the_commit_leaves_nothing_and_takes_no_number(fresh_app, monkeypatch):
    from app.extensions import db

    prepare(fresh_app, 3)
    store = reports.store_file

    def store_and_die(*args: Any, **options: Any) -> None:
        store(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    def make() -> None:
        monkeypatch.setattr(reports, "store_file", store_and_die)
        with fresh_app.app_context():
            reports.issue_batch(db.session(), list(BillingKind), "csv", at=AT, actor_id=None)

    child = fork(make)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL

    with fresh_app.app_context():
        assert db.session.scalar(select(BillingBatch)) is None
        assert db.session.scalar(select(BillingItem)) is None
        assert db.session.scalar(select(NumberSeries).where(NumberSeries.prefix == "FAC")) is None
        assert set(db.session.scalars(select(InvoiceChange.exported_at))) == {None}
        batch = reports.issue_batch(db.session(), list(BillingKind), "csv", at=AT, actor_id=None)
        db.session.commit()
        assert (batch.number, batch.n_items) == ("FAC-2026-000001", 3)


def test_a_job_done_again_after_its_worker_died_makes_no_second_batch(fresh_app):
    from app import jobs
    from app.billing.batches import make_batch
    from app.extensions import db
    from app.models import Job
    from app.operations import work

    prepare(fresh_app, 3)
    with fresh_app.app_context():
        job = work.start(db.session(), "billing", "Lote", {"kinds": [kind.name for kind in BillingKind], "media": "xlsx"}, None, AT)
        db.session.commit()
        first = make_batch(db.session(), job, lambda *_args: None)
        again = make_batch(db.session(), job, lambda *_args: None)
        assert first is not None and again is not None and first.id == again.id
        assert len(db.session.scalars(select(BillingBatch)).all()) == 1
        jobs.run_job(job.id)
        db.session.expire_all()
        done = db.session.get_one(Job, job.id)
        assert done.status.name == "DONE" and done.result_file_id == first.id and "FAC-2026-000001" in done.result
