"""What billing was told in the fictional company: a batch that it answered, with a rejection, and one that waits for its answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.errors import MoveRefused
from app.domain.states import BillingKind
from app.extensions import local
from app.models import BillingBatch, BillingItem
from app.operations import billing_replies
from app.operations.files import store_file
from app.reports.billing import issue_batch
from app.reports.delimited import MEDIA_TYPE

MONEY, REST = (BillingKind.INVOICE_CHANGE, BillingKind.FINANCING), (BillingKind.SOLUTION,)
HEADER = ("lote", "clave", "estado", "fecha", "motivo", "referencia")


def tell_billing(session: Session, *, at: datetime, actor_id: int | None) -> list[BillingBatch]:
    """Make two batches the day before *at* and answer the first on that day; return them, flushed. Reconnections still wait."""
    made = []
    for kinds, media in ((MONEY, "csv"), (REST, "xlsx")):
        try:
            made.append(issue_batch(session, kinds, media, at=at - timedelta(days=1), actor_id=actor_id))
        except MoveRefused:  # nothing of them was decided
            continue
    if made:
        _answer(session, made[0], at, actor_id)
    return made


def _answer(session: Session, batch: BillingBatch, at: datetime, actor_id: int | None) -> None:
    """Bill all but the second thing, which is rejected, and the last, about which billing says nothing."""
    items = session.scalars(select(BillingItem).where(BillingItem.batch_id == batch.id).order_by(BillingItem.position)).all()
    day, rows = f"{local(at):%d/%m/%Y}", [HEADER]
    for n, item in enumerate(items[:-1] or items, 1):
        verdict = ("rechazado", day, "La cuenta está inactiva en facturación", "") if n == 2 else ("facturado", day, "", f"NC-{4500 + n}")
        rows.append((batch.number, item.number, *verdict))
    content = "\r\n".join(";".join(row) for row in rows).encode()
    reply = billing_replies.receive(session, store_file(session, content, f"respuesta-{batch.number}.csv", MEDIA_TYPE))
    billing_replies.settle(session, reply, rows, at=at, actor_id=actor_id)
