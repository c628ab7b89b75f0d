"""From the schedule to the mailbox: an Excel that a real mail server takes arrives and opens; two workers at once send it once."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select

from app import jobs
from app.domain.reports import ReportOutcome
from app.extensions import db, now
from app.models import Job, ReportRun
from app.operations import reporting
from app.security import SUBGERENTE
from tests.db.test_outbox import Mailbox, free_port
from tests.factories import Factory


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mailing_app(fresh_app: Flask, mailbox: Mailbox) -> Iterator[Flask]:
    """A fresh application with a mail server, a case, and a report that leaves on 2026-07-14 at 6:00."""
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    fresh_app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=server.port)
    with fresh_app.app_context():
        make = Factory(db.session())
        make.case()
        make.report_schedule(make.user(SUBGERENTE, email="gerencia@example.com").id, name="Tiempos de cada día")
        db.session.commit()
    fresh_app.config["ATIENDE_NOW"] = "2026-07-14T06:00-05:00"
    yield fresh_app
    server.stop()


def at_once(app: Flask, act: Callable[[], Any], n: int = 4) -> list[Any]:
    """Do *act* in *n* workers at the same time; return what each got."""

    def work() -> Any:
        with app.app_context():
            return act()

    with ThreadPoolExecutor(n) as pool:
        return [each.result() for each in [pool.submit(contextvars.Context().run, work) for _n in range(n)]]


def begin() -> int:
    n = reporting.begin_due(db.session(), now())
    db.session.commit()
    return n


def workbook_of(mail: EmailMessage) -> Any:
    (attached,) = mail.iter_attachments()
    assert attached.get_filename().endswith(".xlsx")
    return load_workbook(BytesIO(attached.get_payload(decode=True)))


def test_four_workers_at_once_send_one_excel_that_opens(mailing_app: Flask, mailbox: Mailbox) -> None:
    assert sorted(at_once(mailing_app, begin)) == [0, 0, 0, 1]
    assert sorted(at_once(mailing_app, jobs.run_job)) == [False, False, False, True]
    assert sorted(at_once(mailing_app, lambda: jobs.deliver(db.session()))) == [0, 0, 0, 1]

    (mail,) = mailbox.received
    assert mail["To"] == "gerencia@example.com"
    assert "Tiempos de cada día" in mail["Subject"]
    said = [str(cell) for sheet in workbook_of(mail) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]
    assert "PQR-2026-000001" in said
    with mailing_app.app_context():
        run = db.session.scalars(select(ReportRun)).one()
        assert (run.outcome, run.n_rows) == (ReportOutcome.DONE, 1)
        assert f"http://localhost/report-run/show/{run.id}" in mail.get_body(("plain",)).get_content()
        assert db.session.scalar(select(func.count()).select_from(Job)) == 1


def test_the_timetable_does_all_of_it(mailing_app: Flask, mailbox: Mailbox) -> None:
    with mailing_app.app_context():
        run = jobs.run_here("send_reports")
        assert run is not None and run.n_done == 1
        assert jobs.run_job()
        jobs.deliver(db.session())
        again = jobs.run_here("send_reports")
        assert again is not None and again.n_done == 0

    assert len(mailbox.received) == 1
