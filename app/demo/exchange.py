"""What the fictional company exchanges: mornings of reminders, letters in its mailbox, batches for billing, files of before."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import TYPE_CHECKING

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import queries
from app.demo.answers_file import bring_answers
from app.domain.states import BillingKind, MemberRole, MessageStatus
from app.extensions import LOCAL_ZONE
from app.importing import runs, sheets
from app.importing.headers import canon
from app.importing.registry import kind_named
from app.models import BillingBatch, BillingItem, ImportBatch, OutboxMessage, ProcessMember
from app.operations import billing, billing_replies, inbox, reminders
from app.operations.files import MEGABYTE, hold_upload, store_file
from app.operations.seeds import read_seed
from app.reports.billing import issue_batch

if TYPE_CHECKING:
    from app.demo.lives import World

MAILBOX = "pqr@ejemplo.invalid"
#: How many working days before the end people began to be told, and when a batch went to billing.
_REMINDED_DAYS, _BATCH_DAYS = 6, (20, 4)
REFUSED = "550 5.1.1 user unknown"
PAST_LOG, ACCOUNTS = "registro-pqr-2023.csv", "suscriptores-nuevos.csv"


def pass_morning(world: World, today: date) -> None:
    """Tell people at eight what falls due, and send to billing what waits, on the days that the demonstration shows."""
    at = datetime.combine(today, time(8), LOCAL_ZONE)
    if at > world.ends_at:
        return
    if today >= world.working_days_ago(_REMINDED_DAYS):
        reminders.remind(world.session, at)
    if today in {world.working_days_ago(n) for n in _BATCH_DAYS} and any(n for n, _since in billing.waiting(world.session).values()):
        issue_batch(world.session, list(BillingKind), "xlsx", at=at, actor_id=world.user_id("auxiliar"))


def exchange(world: World) -> None:
    """Leave what the visitor finds today: an answer of billing, and letters of each kind in the mailbox."""
    answer_first_batch(world)
    words = {row["key"]: row["text"] for row in read_seed("demo_text") if row["kind"] == "letter"}
    sender = formataddr(("Marta Inés Roa (ficticia)", "marta.roa@ejemplo.invalid"))
    _arrives(world, 300, _letter(sender, words["new.subject"], words["new.text"]))
    _arrives(world, 200, _letter("Premios <premios@ejemplo.invalid>", words["spam.subject"], words["spam.text"], X_Spam_Flag="YES"))
    receipt = world.session.scalars(select(OutboxMessage).where(OutboxMessage.event == "filed").order_by(OutboxMessage.id.desc())).first()
    if receipt is None or receipt.pqr is None:
        return
    thread = {"In_Reply_To": receipt.message_id, "References": receipt.message_id}
    _arrives(world, 150, _letter(sender, f"Re: {receipt.subject}", words["reply.text"], **thread))
    _arrives(world, 140, _letter(sender, words["away.subject"], words["away.text"], Auto_Submitted="auto-replied", **thread))
    about = words["stranger.subject"].format(number=receipt.pqr.number)
    stranger = _letter("Vecino <vecino@ejemplo.invalid>", about, words["stranger.text"])
    _arrives(world, 60, stranger)


# ── Billing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def answer_first_batch(world: World) -> None:
    """Let billing answer the oldest batch: nearly all was billed, one thing was rejected, the newest of it still waits."""
    batch = world.session.scalar(select(BillingBatch).order_by(BillingBatch.id).limit(1))
    if batch is None:
        return
    items = list(world.session.scalars(select(BillingItem).where(BillingItem.batch_id == batch.id).order_by(BillingItem.position)))
    on = f"{world.working_days_ago(2):%Y-%m-%d}"
    rows = [["lote", "numero", "resultado", "fecha", "referencia", "observacion"]]
    for n, item in enumerate(items[: max(1, len(items) - 2)]):
        is_bad = n == 1
        told = ("RECHAZADO", on, "", "La cuenta está en otro ciclo") if is_bad else ("FACTURADO", on, f"FV-{88_100 + n}", "")
        rows.append([batch.number, item.number, *told])
    content = io.StringIO()
    csv.writer(content, delimiter=";").writerows(rows)
    file = store_file(world.session, content.getvalue().encode(), "respuesta-facturacion.csv", "text/csv")
    reply = billing_replies.receive(world.session, file)
    billing_replies.settle(world.session, reply, rows, at=world.ends_at, actor_id=world.user_id("auxiliar"))


# ── Letters ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def settle_mail(session: Session) -> None:
    """Tell of every message that it left, and of one that it could not: nobody gets mail about people who do not exist."""
    session.execute(update(OutboxMessage).where(OutboxMessage.status == MessageStatus.HELD).values(status=MessageStatus.QUEUED))
    left = {"status": MessageStatus.SENT, "sent_at": OutboxMessage.created_at, "n_attempts": 1}
    session.execute(update(OutboxMessage).where(OutboxMessage.status == MessageStatus.QUEUED).values(left))
    last = session.scalar(select(func.max(OutboxMessage.id)).where(OutboxMessage.event == "reminder"))
    failed = {"status": MessageStatus.FAILED, "sent_at": None, "last_error": REFUSED}
    session.execute(update(OutboxMessage).where(OutboxMessage.id == last).values(failed))


def _letter(sender: str, subject: str, text: str, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, MAILBOX, subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def _arrives(world: World, n_minutes_ago: int, mail: EmailMessage) -> None:
    received_at = world.ends_at - timedelta(minutes=n_minutes_ago)
    mail["Message-ID"], mail["Date"] = f"<demo-{n_minutes_ago}@ejemplo.invalid>", format_datetime(received_at)
    inbox.take_in(world.session, inbox.Arrival(mail.as_bytes(), received_at, MAILBOX), at=world.ends_at)


# ── Files of before ───────────────────────────────────────────────────────────────────────────────────────────────────────


def bring_past(session: Session, at: datetime) -> ImportBatch | None:
    """
    Import the log that the company kept in a spreadsheet before: its rows become cases, the impossible ones wait in the tray. A file of
    accounts is left checked, for the visitor to bring in; answers to a survey that a firm collected come in too.

    Commits, as an import does. Does nothing when it was brought in already.
    """
    if session.scalar(select(ImportBatch.id).limit(1)):
        return None
    user_id = session.scalar(select(User.id).where(User.username == "admin"))
    desk = {canon("Atención al usuario"): str(queries.front_desk(session).id)}  # a name of before for what has another one
    batch = _checked(session, "cases", PAST_LOG, "Excel 2023", "Registro de PQR 2023", {"process": desk}, at, user_id)
    _checked(session, "accounts", ACCOUNTS, "HASSQL", "Suscriptores nuevos", {}, at, user_id)
    runs.begin_import(session, batch, None)
    runs.bring_in(session, batch, at, user_id)
    if user_id is not None:
        bring_answers(session, at, user_id)
    return batch


def _checked(
    session: Session, kind: str, name: str, source: str, title: str, said: dict[str, dict[str, str]], at: datetime, user_id: int | None
) -> ImportBatch:
    """Receive the file whose lines are in `demo_text.csv`, mapped as its header suggests, and look through it."""
    content = io.StringIO()
    writer = csv.writer(content, delimiter=";")
    writer.writerow([title])
    writer.writerows(row["text"].split("|") for row in read_seed("demo_text") if row["kind"] == f"past_{kind}")
    held = hold_upload(name, io.BytesIO(content.getvalue().encode("cp1252")), "text/csv", most=MEGABYTE)
    batch = runs.receive(session, kind_named(kind), source, held, at)
    runs.save_mapping(session, batch, {int(column): name for column, name in batch.mapping.items()}, said, {}, at)
    checked = runs.look_through(session, batch, at, user_id)
    runs.keep_check(session, batch, checked)
    batch.error_file = sheets.error_sheet(session, batch, checked.tally, at, "Administración (demo)")
    session.flush()
    return batch


def seat_chief(world: World) -> None:
    """Make the manager the chief of the processes that answer for cases, whom reminders reach when time runs out."""
    manager = world.users["subgerente"]
    for code in ("FACTURACION", "TECNICA"):
        world.session.add(ProcessMember(process=world.processes[code], user=manager, role=MemberRole.CHIEF))
    world.session.flush()


