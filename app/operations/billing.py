"""
Batches for the billing system: what waits to be told, told once, and what came of it.

A batch takes all that waits, under one lock and in one transaction with its number and its file (`reports.billing.issue_batch`), so that
of two people who press at once the second finds nothing. Its answers are settled in `billing_replies`. See docs/rules/billing.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.orm import Session, scoped_session

from app import queries
from app.audit import record_updates
from app.domain import N_
from app.domain.billing import FAVOURABLE, GIVES_BACK, MapColumn, check_map
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import AnswerStatus, BillingKind, BillingStatus, ChangeStatus, FinancingStatus, OrderStatus
from app.extensions import local
from app.models import Answer, BillingBatch, BillingColumn, BillingItem, FieldOrder, Financing, InvoiceChange, Pqr
from app.operations.numbers import next_number

PREFIX = "FAC"
#: Parameter: what was decided before this day stays out (2026-01-31).
SINCE = "billing.since"
BILLING_LOCK = 0x41544E42  # advisory lock of PostgreSQL: whoever makes a batch or settles an answer, one after the other
MAX_WHY = 1_000


def hold_billing(session: Session) -> None:
    """Let nobody else make a batch or settle an answer until this transaction ends. On SQLite writers queue anyway."""
    session = session() if isinstance(session, scoped_session) else session
    session.connection()  # the transaction begins; on SQLite this is where writers queue
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(BILLING_LOCK)))


# ── What waits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the things of a kind come from: which column of an item names them, since when they count, and which of them are ripe."""

    model: Any
    item_key: Any
    on: Any
    is_ripe: Any

    @property
    def pqr_id(self) -> Any:
        return self.model.id if self.model is Pqr else self.model.pqr_id


_issued = select(Answer.id).where(Answer.pqr_id == Pqr.id, Answer.status == AnswerStatus.ISSUED)
SOURCES: dict[BillingKind, _Source] = {
    BillingKind.SOLUTION: _Source(
        Pqr, BillingItem.pqr_id, Pqr.answered_on,
        and_(
            Pqr.answered_on.is_not(None), Pqr.source.is_(None), _issued.exists(),
            or_(Pqr.account_id.is_not(None), Pqr.invoice_number.is_not(None)),
            or_(Pqr.outcome.in_(FAVOURABLE), Pqr.invoice_number.is_not(None), Pqr.disputed_cop > 0),
        ),
    ),
    BillingKind.INVOICE_CHANGE: _Source(
        InvoiceChange, BillingItem.change_id, InvoiceChange.authorised_on, InvoiceChange.status == ChangeStatus.AUTHORISED
    ),
    BillingKind.FINANCING: _Source(
        Financing, BillingItem.financing_id, Financing.signed_on, Financing.status == FinancingStatus.SIGNED
    ),
    BillingKind.RECONNECTION: _Source(
        FieldOrder, BillingItem.order_id, FieldOrder.done_on,
        and_(FieldOrder.kind.in_(GIVES_BACK), FieldOrder.status == OrderStatus.DONE),
    ),
}  # fmt: skip


def is_waiting(kind: BillingKind, since: date | None) -> ColumnElement[bool]:
    """Return the condition of the things of *kind* that no batch holds: never told, or rejected and to be sent again."""
    source = SOURCES[kind]
    told = select(BillingItem.id).where(source.item_key == source.model.id, BillingItem.kind == kind)
    condition = and_(source.is_ripe, ~told.where(BillingItem.status != BillingStatus.RESENT).exists())
    if hasattr(source.model, "exported_at"):  # marked before there were batches
        condition = and_(condition, or_(source.model.exported_at.is_(None), told.exists()))
    return and_(condition, source.on >= since) if since else condition


def since_day(session: Session) -> date | None:
    """Return the day of the parameter `billing.since`, or None. Raises DomainError: it says no day."""
    text = queries.parameter(session, SINCE).strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        msgid = N_("The parameter %(key)s has to be a date such as 2026-01-31, and says “%(value)s”. An administrator has to correct it.")
        raise DomainError(msgid, key=SINCE, value=text) from None


def waiting(session: Session) -> dict[BillingKind, tuple[int, date | None]]:
    """Return by kind how many things wait, and the day of the oldest; in one statement. Raises DomainError, as `since_day`."""
    since = since_day(session)
    counts = (
        select(cast(literal(kind.name), String), func.count(), type_coerce(func.min(source.on), Date)).where(is_waiting(kind, since))
        for kind, source in SOURCES.items()
    )
    found = {BillingKind[name]: (n, first) for name, n, first in session.execute(union_all(*counts))}
    return {kind: found[kind] for kind in SOURCES}


# ── A batch ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_batch(
    session: Session, kinds: Collection[BillingKind], *, at: datetime, actor_id: int | None, job_id: int | None = None
) -> BillingBatch:
    """
    Store a batch with all that waits of *kinds*; return it, flushed, without its file. The caller stores that in the same transaction.

    Raises:
        MoveRefused: Nothing of them waits: an empty batch is not made.
        DomainError: As `since_day`.
    """
    hold_billing(session)
    since = since_day(session)
    found = waiting(session)
    n_items = sum(found[kind][0] for kind in kinds)
    if not n_items:
        raise MoveRefused(N_("There is nothing to send: everything was sent already. An empty batch is not made."))
    organisation = queries.organisation(session)
    batch = BillingBatch(organisation=organisation, made_at=at, n_items=n_items, job_id=job_id, created_by_id=actor_id)
    batch.number = next_number(session, organisation.id, PREFIX, local(at).year)
    session.add(batch)
    session.flush()
    n_items = 0
    for kind in (kind for kind in SOURCES if kind in kinds):
        session.execute(_items(batch, kind, since, n_items))
        n_items = session.scalar(select(func.count()).where(BillingItem.batch_id == batch.id)) or 0
    batch.n_items = n_items  # what was signed between the count and now is in too
    for model, key in ((InvoiceChange, BillingItem.change_id), (Financing, BillingItem.financing_id)):
        _mark_exported(session, batch, model, key, at)
    session.flush()
    return batch


def _items(batch: BillingBatch, kind: BillingKind, since: date | None, n_before: int) -> Any:
    """Return the INSERT of the items of one kind, in the order of their numbers."""
    source, item = SOURCES[kind], BillingItem
    model = source.model
    values = {
        item.batch_id: literal(batch.id), item.position: func.row_number().over(order_by=model.number) + n_before,
        item.kind: literal(kind, item.kind.type), item.number: model.number, item.pqr_id: source.pqr_id,
        item.status: literal(BillingStatus.SENT, item.status.type), item.result_text: literal(""), item.reference: literal(""),
        item.handled_why: literal(""),
    }  # fmt: skip
    values[source.item_key] = model.id
    return insert(item.__table__).from_select([column.key for column in values], select(*values.values()).where(is_waiting(kind, since)))


def _mark_exported(session: Session, batch: BillingBatch, model: type[InvoiceChange] | type[Financing], key: Any, at: datetime) -> None:
    """Mark what leaves for the first time; the mark stays for ever."""
    told = select(key).where(BillingItem.batch_id == batch.id)
    marked = update(model).where(model.id.in_(told), model.exported_at.is_(None)).values(exported_at=at).returning(model.id)
    ids = session.scalars(marked.execution_options(synchronize_session=False)).all()
    record_updates(session, model, ((pk, {"exported_at": None}, {"exported_at": at.isoformat()}) for pk in sorted(ids)))
    for row in list(session.identity_map.values()):
        if isinstance(row, model):
            session.expire(row, ["exported_at"])


def batch_of_job(session: Session, job_id: int) -> BillingBatch | None:
    """Return the batch that a job made before its worker died, or None."""
    return session.scalar(select(BillingBatch).where(BillingBatch.job_id == job_id))


def counts_of(session: Session, batch: BillingBatch) -> dict[BillingKind, dict[BillingStatus, int]]:
    """Return how many items of each kind are in each state; kinds without any are left out."""
    item = BillingItem
    rows = session.execute(select(item.kind, item.status, func.count()).where(item.batch_id == batch.id).group_by(item.kind, item.status))
    found: dict[BillingKind, dict[BillingStatus, int]] = {}
    for kind, status, n in rows:
        found.setdefault(kind, {})[status] = n
    return {kind: found[kind] for kind in SOURCES if kind in found}


# ── What was rejected ─────────────────────────────────────────────────────────────────────────────────────────────────────


def send_again(session: Session, item: BillingItem, why: str, *, at: datetime, actor_id: int | None) -> None:
    """Let a rejected item enter the next batch. Raises MoveRefused: it is not rejected, or somebody acted already."""
    _handle(session, item, BillingStatus.RESENT, why, at, actor_id)


def give_up(session: Session, item: BillingItem, why: str, *, at: datetime, actor_id: int | None) -> None:
    """Leave a rejected item as it is, for ever. Raises MoveRefused, as `send_again`, or without a reason."""
    if not why.strip():
        raise MoveRefused(N_("Write why it is not sent again: another change corrects it, for example."), field="why")
    _handle(session, item, BillingStatus.DROPPED, why, at, actor_id)


def _handle(session: Session, item: BillingItem, status: BillingStatus, why: str, at: datetime, actor_id: int | None) -> None:
    hold_billing(session)
    queries.lock(session, item)
    if item.status is not BillingStatus.REJECTED:
        raise MoveRefused(N_("%(number)s is “%(status)s”: only what was rejected waits for somebody."), number=item.number,
                          status=item.status.value)  # fmt: skip
    item.status, item.handled_at, item.handled_by_id, item.handled_why = status, at, actor_id, why.strip()[:MAX_WHY]
    session.flush()


# ── The map of columns ────────────────────────────────────────────────────────────────────────────────────────────────────


def map_of(session: Session, kind: BillingKind) -> list[MapColumn]:
    """Return the columns of the file of *kind*, in their order."""
    rows = session.scalars(select(BillingColumn).where(BillingColumn.kind == kind).order_by(BillingColumn.position, BillingColumn.id))
    return [MapColumn(row.header, row.field, row.constant, row.notation) for row in rows]


def save_map(session: Session, kind: BillingKind, columns: Sequence[MapColumn], seen: Sequence[MapColumn]) -> None:
    """
    Replace the columns of the file of *kind*: from the next batch on. *seen*: the map that the writer started from.

    Raises:
        MoveRefused: Somebody else changed it meanwhile.
        DomainError: As `check_map`.
    """
    check_map(kind, columns)
    hold_billing(session)
    if map_of(session, kind) != list(seen):
        raise MoveRefused(N_("Somebody else changed these columns while you were writing. Look at them, and write yours again."))
    for row in session.scalars(select(BillingColumn).where(BillingColumn.kind == kind)):
        session.delete(row)
    session.flush()
    session.add_all(
        BillingColumn(
            kind=kind, position=position, header=each.header.strip(), field=each.field, constant=each.constant, notation=each.notation
        )
        for position, each in enumerate(columns, 1)
    )
    session.flush()


def things(kind: BillingKind, batch_id: int) -> Select[Any]:
    """Return the SELECT of what a batch tells of *kind*, for its file: id, number and place."""
    item = BillingItem
    return select(SOURCES[kind].item_key.label("id"), item.position).where(item.batch_id == batch_id, item.kind == kind)


def waiting_things(kind: BillingKind, since: date | None, limit: int) -> Select[Any]:
    """Return the SELECT of the first things that wait, for a preview of the file, in the columns of `things`."""
    model = SOURCES[kind].model
    number = func.row_number().over(order_by=model.number).label("position")
    return select(model.id.label("id"), number).where(is_waiting(kind, since)).order_by(model.number).limit(limit)


def last_things(kind: BillingKind, limit: int) -> Select[Any]:
    """Return the SELECT of what was told last of *kind*, in the columns of `things`."""
    key = SOURCES[kind].item_key
    last = select(key.label("id"), BillingItem.id.label("position")).where(BillingItem.kind == kind)
    return last.order_by(BillingItem.id.desc()).limit(limit)
