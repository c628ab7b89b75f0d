"""
One conversation by mail, through both real servers: a citizen writes, gets a receipt, answers it; whoever has the case is told.

Nothing is handed over by a function: what the product says is what the mail server took, and what it knows is what the mailbox held.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from flask import Flask
from sqlalchemy import select

from app import jobs
from app.domain.states import InboundStatus, RunOutcome
from app.extensions import db
from app.models import InboundMessage, OutboxMessage, Process, ProcessMember
from app.operations import pqr as cases
from tests.db.test_outbox import Mailbox, mailbox, server  # noqa: F401  fixtures
from tests.factories import Factory
from tests.imap import Box
from tests.letterbox import letter

CAME = datetime.fromisoformat("2026-07-10T09:30-05:00")
LATER = datetime.fromisoformat("2026-07-10T15:40-05:00")


def run(name: str, at: str | None = None) -> None:
    ran = jobs.run_here(name, datetime.fromisoformat(at) if at else None)
    assert ran is not None and ran.outcome is RunOutcome.DONE, ran and ran.detail


def to(mailbox: Mailbox, address: str) -> list[EmailMessage]:  # noqa: F811
    return [mail for mail in mailbox.received if address in mail["To"]]


def test_a_citizen_and_the_house_talk_by_mail(
    make_fresh_app: Callable[..., Flask], mailbox: Mailbox, server: Any, imap: Box  # noqa: F811
) -> None:
    app = make_fresh_app(SMTP_HOST="127.0.0.1", SMTP_PORT=server.port, ATIENDE_NOW="2026-07-10T10:00-05:00", **imap.settings)
    imap.put(letter("No me llega agua desde el martes.\n\nAna Pérez", subject="Sin agua"), CAME)
    with app.app_context():
        run("read_mail")
        run("send_mail")
        case = db.session.scalars(select(InboundMessage)).one().pqr
        number, key = case.number, case.access_key
        owner = Factory(db.session()).user("Dueño de proceso", username="owner", email="owner@example.com")
        process = db.session.scalars(select(Process).where(Process.code == "TECNICA")).one()
        db.session.add(ProcessMember(process=process, user=owner))
        db.session.flush()
        cases.route(db.session(), case, process, reason="Sin servicio", at=LATER, actor_id=None)
        db.session.commit()

    (receipt,) = to(mailbox, "ana@example.org")
    assert number in receipt["Subject"] and receipt["In-Reply-To"] == "<uno@example.org>"
    text = receipt.get_body(("plain",)).get_content()
    assert key in text and "4 de agosto de 2026" in text, "the key and the legal date"
    assert key in receipt.get_body(("html",)).get_content()

    answer = letter(
        f"El medidor está en el andén.\n\nEl vie, 10 jul 2026, Atiende escribió:\n> {text.splitlines()[0]}\n",
        subject=f"Re: {receipt['Subject']}", message_id="<dos@example.org>",
        In_Reply_To=receipt["Message-ID"], References=receipt["Message-ID"],
    )  # fmt: skip
    app.config["ATIENDE_NOW"] = "2026-07-10T15:45-05:00"
    imap.put(answer, LATER)
    with app.app_context():
        run("read_mail", "2026-07-10T15:45-05:00")
        run("send_mail", "2026-07-10T15:46-05:00")
        run("read_mail", "2026-07-10T15:47-05:00")
        first, second = db.session.scalars(select(InboundMessage).order_by(InboundMessage.id))
        assert (first.status, second.status) == (InboundStatus.FILED, InboundStatus.NOTED)
        assert second.pqr.number == number and second.note.body.rstrip().endswith("El medidor está en el andén.")
        left = set(db.session.scalars(select(OutboxMessage.status).distinct()))
        assert {status.name for status in left} == {"SENT"}

    told = to(mailbox, "owner@example.com")
    assert [number in mail["Subject"] for mail in told] == [True], "who has the case hears that the citizen wrote"
    assert len(to(mailbox, "ana@example.org")) == 1, "a reply is not answered by a machine"
    assert len({mail["Message-ID"] for mail in mailbox.received}) == len(mailbox.received)
