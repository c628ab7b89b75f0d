"""
The files of a batch for the billing system: for each kind the columns of its map, in a CSV each or in a sheet each.

A CSV is text in the notations of the map; a workbook has real dates and numbers. `issue_batch` makes batch and file in one transaction.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from tempfile import TemporaryFile
from typing import IO, Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from app.domain import N_
from app.domain.billing import FIELD, FILE_NAMES, GIVES_BACK, TAKES_AWAY, FieldType, MapColumn, read_date, read_time, written
from app.domain.fieldwork import Cause
from app.domain.states import BillingKind, Identity, OrderStatus
from app.extensions import LANGUAGE, local
from app.models import (
    Account,
    Answer,
    BillingBatch,
    FieldOrder,
    Financing,
    Instalment,
    InvoiceChange,
    InvoiceChangeLine,
    Pqr,
    RequestType,
    Service,
    SuiCause,
)
from app.operations import billing
from app.operations.billing_replies import Judged
from app.operations.files import CheckedFile, store_file
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report
from app.reports.delimited import write_csv
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.reports.xlsx import write_sheets
from app.words import say, translated

ZIP_TYPE = "application/zip"
#: How a batch may be written: name → extension and media type.
MEDIA = {"csv": ("zip", ZIP_TYPE), "xlsx": ("xlsx", XLSX_TYPE)}
_KIND_OF = {
    FieldType.DATE: Kind.DATE, FieldType.WHOLE: Kind.INT, FieldType.PESOS: Kind.MONEY, FieldType.DECIMAL: Kind.DECIMAL,
}  # fmt: skip

# ── Where the fields come from ────────────────────────────────────────────────────────────────────────────────────────────


def _solutions(things: Any) -> tuple[dict[str, Any], Select[Any]]:
    fields = {
        "key": Pqr.number, "pqr": Pqr.number, "account": Account.number, "service": Service.code, "invoice": Pqr.invoice_number,
        "disputed": Pqr.disputed_cop, "request_type": RequestType.code, "cause": SuiCause.code, "filed_on": Pqr.filed_on,
        "outcome": Pqr.outcome, "outcome_code": Pqr.outcome, "answer": Answer.number, "answered_on": Pqr.answered_on,
        "solution": func.nullif(Pqr.solution, ""), "_identity": Pqr.identity,
    }  # fmt: skip
    statement = (
        select(Pqr.id)
        .join(things, things.c.id == Pqr.id)
        .join(Answer, Answer.pqr_id == Pqr.id)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .outerjoin(Account, Account.id == Pqr.account_id)
        .outerjoin(Service, Service.id == func.coalesce(Account.service_id, Pqr.service_id))
        .outerjoin(SuiCause, SuiCause.id == Pqr.cause_id)
        .order_by(things.c.position)
    )
    return fields, statement


def _changes(things: Any) -> tuple[dict[str, Any], Select[Any]]:
    change, line = InvoiceChange, InvoiceChangeLine
    fields = {
        "key": change.number, "invoice": change.invoice_number, "period": change.period, "authorised_on": change.authorised_on,
        "line": line.position, "concept": line.concept, "before": line.before_cop, "after": line.after_cop,
        "difference": line.after_cop - line.before_cop, "reason": change.reason,
    }  # fmt: skip
    statement = _of_account(select(change.id).join(things, things.c.id == change.id), change)
    return _ACCOUNT | fields, statement.join(line, line.change_id == change.id).order_by(things.c.position, line.position)


def _financing(things: Any) -> tuple[dict[str, Any], Select[Any]]:
    order, row = Financing, Instalment
    fields = {
        "key": order.number, "agreed_on": order.agreed_on, "signed_on": order.signed_on, "concept": order.concept, "debt": order.debt_cop,
        "down": order.down_cop, "n_instalments": order.n_instalments, "monthly_rate": order.monthly_rate, "instalment": row.n,
        "due_on": row.due_on, "principal": row.principal_cop, "interest": row.interest_cop, "payment": row.payment_cop,
        "balance": row.balance_cop,
    }  # fmt: skip
    statement = _of_account(select(order.id).join(things, things.c.id == order.id), order)
    return _ACCOUNT | fields, statement.join(row, row.financing_id == order.id).order_by(things.c.position, row.n)


def _reconnections(things: Any) -> tuple[dict[str, Any], Select[Any]]:
    order, lifted = FieldOrder, aliased(FieldOrder)
    fields = {
        "key": order.number, "order_kind": order.kind, "cause": order.asked, "cause_on": order.asked, "done_on": order.done_on,
        "done_at": order.result, "reading": order.result, "seal": order.result, "lifted": lifted.number, "lifted_on": lifted.done_on,
        "debt": lifted.debt_cop,
    }  # fmt: skip
    statement = _of_account(select(order.id).join(things, things.c.id == order.id), order)
    return _ACCOUNT | fields, statement.outerjoin(lifted, lifted.id == _lifted_id()).order_by(things.c.position)


def _lifted_id() -> Any:
    """Return the last suspension or cut of the account of an order, unless another order gave the service back since."""
    order, taken, given = FieldOrder, aliased(FieldOrder), aliased(FieldOrder)
    is_done_between = and_(
        given.account_id == order.account_id, given.kind.in_(GIVES_BACK), given.status == OrderStatus.DONE, given.id != order.id,
        given.done_on >= taken.done_on, given.id > taken.id, given.id < order.id,
    )  # fmt: skip
    return (
        select(taken.id)
        .where(taken.account_id == order.account_id, taken.kind.in_(TAKES_AWAY), taken.status == OrderStatus.DONE)
        .where(taken.id < order.id, ~select(given.id).where(is_done_between).correlate(order, taken).exists())
        .order_by(taken.id.desc())
        .limit(1)
        .correlate(order)
        .scalar_subquery()
    )


_ACCOUNT = {"pqr": Pqr.number, "account": Account.number, "service": Service.code}


def _of_account(statement: Select[Any], model: Any) -> Select[Any]:
    return (
        statement.outerjoin(Account, Account.id == model.account_id)
        .outerjoin(Service, Service.id == Account.service_id)
        .outerjoin(Pqr, Pqr.id == model.pqr_id)
    )


_SOURCES: Mapping[BillingKind, Callable[[Any], tuple[dict[str, Any], Select[Any]]]] = {
    BillingKind.SOLUTION: _solutions,
    BillingKind.INVOICE_CHANGE: _changes,
    BillingKind.FINANCING: _financing,
    BillingKind.RECONNECTION: _reconnections,
}
_CAUSES = {cause.name: cause.value for cause in Cause}
#: What becomes of a value that is not yet what its field says.
_VALUES: Mapping[tuple[BillingKind, str], Callable[[Any], Any]] = {
    (BillingKind.SOLUTION, "outcome"): lambda value: _(value.value),
    (BillingKind.SOLUTION, "outcome_code"): lambda value: value.name,
    (BillingKind.FINANCING, "monthly_rate"): lambda value: Decimal(value) * 100,
    (BillingKind.RECONNECTION, "order_kind"): lambda value: _(value.value),
    (BillingKind.RECONNECTION, "cause"): lambda asked: translated(_CAUSES.get(asked.get("cause"), "")),
    (BillingKind.RECONNECTION, "cause_on"): lambda asked: read_date(asked.get("cause_on")),
    (BillingKind.RECONNECTION, "done_at"): lambda result: read_time(result.get("done_at")),
    (BillingKind.RECONNECTION, "reading"): lambda result: Decimal(result["reading"]) if result.get("reading") else None,
    (BillingKind.RECONNECTION, "seal"): lambda result: result.get("seal_removed"),
}


@cache
def source_fields(kind: BillingKind) -> frozenset[str]:
    """Return the names of the fields that the rows of *kind* bring; those of the batch come with it."""
    fields, _statement = _SOURCES[kind](select(Pqr.id, Pqr.id.label("position")).subquery())
    return frozenset(name for name in fields if not name.startswith("_"))


# ── The file of one kind ──────────────────────────────────────────────────────────────────────────────────────────────────


class BatchFile(Report):
    """
    The rows of one kind.

    Args:
        things: SELECT of what is told: id and position (`billing.things`, `billing.waiting_things`).
        batch: Number and day of the batch.
        is_text: Each cell is text in the notation of the map; otherwise dates and numbers stay what they are.
    """

    identifier, description, form = "billing", "", FilterForm

    def __init__(
        self, session: Session, kind: BillingKind, columns: Sequence[MapColumn], things: Select[Any], batch: tuple[str, date],
        *, is_text: bool,
    ) -> None:  # fmt: skip
        self._session, self._kind, self._things = session, kind, things.subquery()
        self._batch = {"batch": batch[0], "sent_on": batch[1]}
        self._columns, self._is_text = columns, is_text
        self.name = FILE_NAMES[kind]  # type: ignore[misc]
        self.header = tuple(Column(each.header, self._kind_of(each), 16, is_said=True) for each in columns)  # type: ignore[misc]

    def _kind_of(self, column: MapColumn) -> Kind:
        kind = _KIND_OF.get(FIELD[self._kind][column.field].type, Kind.TEXT) if column.field else Kind.TEXT
        return Kind.WRITTEN if self._is_text and kind is not Kind.TEXT else kind

    def rows(self) -> Iterator[Cells]:
        """Yield every row, streamed; what a column says is worked out once."""
        fields, statement = _SOURCES[self._kind](self._things)
        wanted = [column.field for column in self._columns if column.field in fields]
        hidden = [name for name in fields if name.startswith("_")]
        statement = statement.with_only_columns(*(fields[name].label(name) for name in dict.fromkeys(["key", *wanted, *hidden])))
        makers = [self._maker(column) for column in self._columns]
        for row in self._session.execute(statement.execution_options(yield_per=1000)).mappings():
            yield tuple(make(row) for make in makers)

    def _maker(self, column: MapColumn) -> Callable[[Mapping[str, Any]], Any]:
        """Return what makes the cell of *column* out of a row."""
        if not column.field:
            text = column.constant
            return lambda _row: text
        field, name = FIELD[self._kind][column.field], column.field
        change, constant, is_private = _VALUES.get((self._kind, name)), self._batch.get(name), name == "solution"

        def make(row: Mapping[str, Any]) -> Any:
            value = constant if name in self._batch else row[name]
            if value is None or (is_private and row["_identity"] is Identity.RESERVED):
                return None
            value = change(value) if change else value
            return written(value, field, column.notation) if self._is_text or self._is_words(field.type) else value

        return make

    @staticmethod
    def _is_words(type: FieldType) -> bool:
        return type not in _KIND_OF

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return []


def preview(session: Session, kind: BillingKind, columns: Sequence[MapColumn], on: date, limit: int = 5) -> list[Cells]:
    """Return the first rows of a CSV with these columns, of what waits; if nothing does, of what was sent last."""
    for things in (billing.waiting_things(kind, billing.since_day(session), limit), billing.last_things(kind, limit)):
        with force_locale(LANGUAGE):
            rows = list(BatchFile(session, kind, columns, things, (f"{billing.PREFIX}-…", on), is_text=True).rows())
        if rows:
            return rows[:limit]
    return []


# ── The file of a batch ───────────────────────────────────────────────────────────────────────────────────────────────────


def issue_batch(
    session: Session, kinds: Collection[BillingKind], media: str, *, at: datetime, actor_id: int | None, job_id: int | None = None
) -> BillingBatch:
    """
    Make a batch of all that waits of *kinds*, with its file; return it, flushed. The caller commits.

    Args:
        media: `csv` (a ZIP with a file a kind) or `xlsx` (a sheet a kind).

    Raises:
        DomainError, MoveRefused: As `billing.open_batch`.
    """
    batch = billing.open_batch(session, kinds, at=at, actor_id=actor_id, job_id=job_id)
    extension, media_type = MEDIA[media]
    with TemporaryFile() as content:
        write_batch(session, batch, media, content)
        batch.file = store_file(session, _checked(f"{batch.number}.{extension}", media_type, content), description=batch.number)
    session.flush()
    return batch


def write_batch(session: Session, batch: BillingBatch, media: str, target: IO[bytes]) -> None:
    """Write the file of *batch*, in the notation of the billing system whatever the reader's."""
    moment = local(batch.made_at)
    with force_locale(LANGUAGE):
        reports = [
            BatchFile(session, kind, billing.map_of(session, kind), billing.things(kind, batch.id), (batch.number, moment.date()),
                      is_text=media == "csv")
            for kind in billing.counts_of(session, batch)
        ]  # fmt: skip
        if media == "xlsx":
            write_sheets(reports, target)  # type: ignore[arg-type]
            return
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for report in reports:
                entry = zipfile.ZipInfo(f"{batch.number}-{report.name}.csv", moment.timetuple()[:6])
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as file:
                    write_csv(report, file)  # type: ignore[arg-type]


def _checked(name: str, media_type: str, content: IO[bytes]) -> CheckedFile:
    """Return *content* as the store takes it."""
    content.seek(0)
    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    return CheckedFile(name, media_type, content.tell(), digest, content)


# ── What an answer says that cannot be taken ──────────────────────────────────────────────────────────────────────────────


class RefusedLines(Report):
    """The lines of an answer that are refused: each as it came, with its number and the reason in front."""

    identifier, name, description, form = "billing-refused", "billing-refused", "", FilterForm

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._width = max(len(judged.header), *(len(line.cells) for line in judged.refused))
        headings = [_text(judged.header[place] if place < len(judged.header) else None) for place in range(self._width)]
        said = (Column(heading or "·", Kind.TEXT, 16, is_said=True) for heading in headings)
        self.header = (Column(N_("Line"), Kind.INT, 8), Column(N_("Why it is not taken"), Kind.TEXT, 60), *said)  # type: ignore[misc]

    def rows(self) -> Iterator[Cells]:
        for line in self._judged.refused:
            cells = [_text(cell) for cell in line.cells]
            yield (line.n, say(line.why), *cells, *[""] * (self._width - len(cells)))

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return []


def _text(cell: Any) -> str:
    """Return what a cell of a sheet says."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)
