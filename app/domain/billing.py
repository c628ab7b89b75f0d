"""
What the billing system is told and what it answers: the fields a file may have, how each is written, how an answer is read.

See docs/rules/billing.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import BillingKind, BillingStatus, OrderKind, Outcome
from app.domain.text import plain

#: Outcomes that change something for the user, on the first answer or on an appeal.
FAVOURABLE = (Outcome.GRANTED, Outcome.PARTLY, Outcome.MODIFIED, Outcome.REVOKED)
#: Orders whose doing brings the service back, and those that it lifts.
GIVES_BACK, TAKES_AWAY = (OrderKind.REINSTALLATION, OrderKind.RECONNECTION), (OrderKind.SUSPENSION, OrderKind.CUT)


# ── The fields of a file ──────────────────────────────────────────────────────────────────────────────────────────────────


class FieldType(Enum):
    """What a field holds; by it a notation is chosen."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"
    WHOLE = "whole number"
    PESOS = "pesos"
    DECIMAL = "number with decimals"


#: How a date or a number may be written in a CSV: name, words, an example. The first is meant where nobody chose.
NOTATIONS: Mapping[FieldType, tuple[tuple[str, str], ...]] = {
    FieldType.DATE: (("ISO", "2026-07-31"), ("DMY", "31/07/2026"), ("COMPACT", "20260731")),
    FieldType.PESOS: (("WHOLE", "80000"), ("COMMA", "80000,00"), ("POINT", "80000.00")),
    FieldType.DECIMAL: (("COMMA", "1,5000"), ("POINT", "1.5000")),
}
_USUAL = {kind: shapes[0][0] for kind, shapes in NOTATIONS.items()}


@dataclass(frozen=True, slots=True)
class BillingField:
    """A thing that a column may say. `n_decimals`: of a number with decimals."""

    name: str
    label: str
    type: FieldType = FieldType.TEXT
    n_decimals: int = 0

    @property
    def notations(self) -> tuple[str, ...]:
        return tuple(name for name, _example in NOTATIONS.get(self.type, ()))


T = FieldType
_BATCH = (
    BillingField("batch", N_("Number of the batch")),
    BillingField("key", N_("Number of what is told: it comes back in the answer")),
    BillingField("sent_on", N_("Day of the batch"), T.DATE),
)
_WHERE = (
    BillingField("pqr", N_("Number of the case, if there is one")),
    BillingField("account", N_("Number of the account")),
    BillingField("service", N_("Code of the service")),
)
_HEAD = (*_BATCH, *_WHERE)
#: By kind, everything that a column of its file may say.
FIELDS: Mapping[BillingKind, tuple[BillingField, ...]] = {
    BillingKind.SOLUTION: (
        *_HEAD,
        BillingField("invoice", N_("Number of the invoice in dispute")),
        BillingField("disputed", N_("Disputed value"), T.PESOS),
        BillingField("request_type", N_("Code of the request type")),
        BillingField("cause", N_("Code of the cause (SUI)")),
        BillingField("filed_on", N_("Day on which it was filed"), T.DATE),
        BillingField("outcome", N_("Sense of the answer, in words")),
        BillingField("outcome_code", N_("Sense of the answer, as a code")),
        BillingField("answer", N_("Number of the answer")),
        BillingField("answered_on", N_("Day of the answer"), T.DATE),
        BillingField("solution", N_("What was decided")),
    ),
    BillingKind.INVOICE_CHANGE: (
        *_HEAD,
        BillingField("invoice", N_("Number of the invoice")),
        BillingField("period", N_("Period of the invoice")),
        BillingField("authorised_on", N_("Day on which it was authorised"), T.DATE),
        BillingField("line", N_("Line of the change"), T.WHOLE),
        BillingField("concept", N_("Concept")),
        BillingField("before", N_("Value before"), T.PESOS),
        BillingField("after", N_("Value after"), T.PESOS),
        BillingField("difference", N_("Difference: negative favours the user"), T.PESOS),
        BillingField("reason", N_("Why it changes")),
    ),
    BillingKind.FINANCING: (
        *_HEAD,
        BillingField("agreed_on", N_("Day of the agreement"), T.DATE),
        BillingField("signed_on", N_("Day on which it was signed"), T.DATE),
        BillingField("concept", N_("What the debt is of")),
        BillingField("debt", N_("Debt"), T.PESOS),
        BillingField("down", N_("Down payment"), T.PESOS),
        BillingField("n_instalments", N_("How many instalments"), T.WHOLE),
        BillingField("monthly_rate", N_("Interest a month, in percent"), T.DECIMAL, 4),
        BillingField("instalment", N_("Which instalment"), T.WHOLE),
        BillingField("due_on", N_("Day on which the instalment is due"), T.DATE),
        BillingField("principal", N_("Principal of the instalment"), T.PESOS),
        BillingField("interest", N_("Interest of the instalment"), T.PESOS),
        BillingField("payment", N_("Payment of the instalment"), T.PESOS),
        BillingField("balance", N_("Balance after the instalment"), T.PESOS),
    ),
    BillingKind.RECONNECTION: (
        *_HEAD,
        BillingField("order_kind", N_("Reinstallation or reconnection")),
        BillingField("cause", N_("Why the service came back")),
        BillingField("cause_on", N_("Day of the payment or decision"), T.DATE),
        BillingField("done_on", N_("Day on which the service came back"), T.DATE),
        BillingField("done_at", N_("Hour at which the service came back"), T.TIME),
        BillingField("reading", N_("Reading of the meter"), T.DECIMAL, 2),
        BillingField("seal", N_("Seal taken off")),
        BillingField("lifted", N_("Number of the suspension or cut that it lifts")),
        BillingField("lifted_on", N_("Day of that suspension or cut"), T.DATE),
        BillingField("debt", N_("Debt of that suspension or cut"), T.PESOS),
    ),
}
#: The same by kind and name.
FIELD: Mapping[BillingKind, Mapping[str, BillingField]] = {kind: {each.name: each for each in FIELDS[kind]} for kind in FIELDS}
#: How a file of each kind is called inside a batch, and its sheet.
FILE_NAMES: Mapping[BillingKind, str] = {
    BillingKind.SOLUTION: "soluciones",
    BillingKind.INVOICE_CHANGE: "cambios-factura",
    BillingKind.FINANCING: "financiacion",
    BillingKind.RECONNECTION: "reconexiones",
}


def written(value: Any, field: BillingField, notation: str = "") -> str:
    """
    Return *value* of *field* as a CSV says it; nothing for None. Pesos without cents are rounded half up; text is one line.

    Args:
        notation: One of the field's; empty, the first.
    """
    if value is None:
        return ""
    match field.type, notation or _USUAL.get(field.type, ""):
        case FieldType.DATE, "DMY":
            return f"{value:%d/%m/%Y}"
        case FieldType.DATE, "COMPACT":
            return f"{value:%Y%m%d}"
        case FieldType.DATE, _:
            return str(value.isoformat())
        case FieldType.TIME, _:
            return f"{value:%H:%M}"
        case FieldType.WHOLE, _:
            return str(int(value))
        case FieldType.PESOS, "WHOLE":
            return str(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))
        case (FieldType.PESOS | FieldType.DECIMAL), shape:
            n_decimals = 2 if field.type is FieldType.PESOS else field.n_decimals
            text = f"{Decimal(value):.{n_decimals}f}"
            return text.replace(".", ",") if shape == "COMMA" else text
    return " ".join(str(value).split())


# ── A map of columns ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MapColumn:
    """A column of a file: its heading, and a field in a notation or a text that is always the same."""

    header: str
    field: str = ""
    constant: str | None = None
    notation: str = ""


MOST_COLUMNS = 60


def check_map(kind: BillingKind, columns: Sequence[MapColumn]) -> None:
    """
    Refuse a map with which a file of *kind* could not be made, or its answer not understood.

    Raises:
        DomainError: No column, too many, two with one heading, an unknown field or notation, or none that says the number of what is told.
    """
    if not columns:
        raise DomainError(N_("A file needs at least one column."))
    if len(columns) > MOST_COLUMNS:
        raise DomainError(N_("A file has up to %(most)s columns."), most=MOST_COLUMNS)
    seen: set[str] = set()
    for n, column in enumerate(columns, 1):
        if not column.header.strip():
            raise DomainError(N_("Column %(n)s has no heading."), n=n)
        if plain(column.header) in seen:
            raise DomainError(N_("Two columns are called “%(header)s”."), header=column.header)
        seen.add(plain(column.header))
        _check_column(kind, column)
    if not any(column.field == "key" for column in columns):
        raise DomainError(N_("One column has to say the number of what is told: the answer of the billing system names it."))


def _check_column(kind: BillingKind, column: MapColumn) -> None:
    if column.constant is not None:
        if column.field:
            raise DomainError(N_("The column “%(header)s” says a field or a fixed text, not both."), header=column.header)
        return
    field = FIELD[kind].get(column.field)
    if field is None:
        raise DomainError(N_("The column “%(header)s” says nothing: choose a field, or write a fixed text."), header=column.header)
    if column.notation and column.notation not in field.notations:
        raise DomainError(N_("The column “%(header)s” cannot be written in that notation."), header=column.header)


# ── What the billing system answers ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of an answer, read: what became of the thing *key* of *batch*."""

    batch: str
    key: str
    status: BillingStatus
    on: date
    text: str
    reference: str


class LineRefused(DomainError):
    """A line of an answer cannot be taken; the text says why."""


#: The columns of an answer, by the headings that people write (folded); the first that a file has is meant.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "batch": ("lote", "numero de lote", "numero del lote", "no lote", "batch"),
    "key": ("clave", "item", "numero", "radicado", "key", "cambio", "orden", "acta", "pqr", "caso"),
    "status": ("estado", "resultado", "respuesta", "status"),
    "on": ("fecha", "fecha de facturacion", "fecha facturacion", "fecha de respuesta", "facturado el", "date"),
    "text": ("motivo", "observacion", "observaciones", "causa", "texto", "mensaje", "text"),
    "reference": ("referencia", "referencia de facturacion", "factura", "nota", "comprobante", "reference"),
}
NEEDED = ("batch", "key", "status", "on")
_COLUMN_NAMES = {"batch": N_("Batch"), "key": N_("Number"), "status": N_("State"), "on": N_("Date")}
_BILLED = {"facturado", "facturada", "aplicado", "aplicada", "aceptado", "aceptada", "ok", "si", "billed", "f", "a"}
_REJECTED = {"rechazado", "rechazada", "devuelto", "devuelta", "no aplicado", "no aplicada", "error", "no", "rejected", "r", "d"}
MAX_TEXT, MAX_REFERENCE = 1_000, 60


def folded(heading: Any) -> str:
    """Return a heading as it is compared: no accents, no signs, one space."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain(str(heading if heading is not None else ""))).split())


def columns_of_answer(header: Sequence[Any]) -> dict[str, int]:
    """
    Return where each column of an answer is, by `HEADINGS`.

    Raises:
        DomainError: One that is needed is missing; the text names it.
    """
    places: dict[str, int] = {}
    for place, heading in enumerate(header):
        places.setdefault(folded(heading), place)
    found = {name: next((places[each] for each in known if each in places), -1) for name, known in HEADINGS.items()}
    missing = tuple(_COLUMN_NAMES[name] for name in NEEDED if found[name] < 0)
    if missing:
        raise DomainError(N_("The file lacks these columns in its first row: %(missing)s."), field="file", missing=missing)
    return {name: place for name, place in found.items() if place >= 0}


def read_line(cells: Sequence[Any], columns: Mapping[str, int], today: date) -> Verdict:
    """
    Return what a line of an answer says.

    Args:
        cells: As a sheet or a CSV gives them: text, numbers, dates, or None.
        columns: From `columns_of_answer`.

    Raises:
        LineRefused: It names no thing, has no known state, no date or one to come, or a rejection without its reason.
    """

    def text_of(name: str) -> str:
        place = columns.get(name, -1)
        cell = cells[place] if 0 <= place < len(cells) else None
        return " ".join(str(int(cell) if isinstance(cell, float) and cell.is_integer() else "" if cell is None else cell).split())

    batch, key, said = text_of("batch").upper(), text_of("key").upper(), text_of("status")
    if not batch or not key:
        raise LineRefused(N_("The line does not say which batch, or which number."))
    status = _status(said)
    on = read_date(cells[columns["on"]] if columns["on"] < len(cells) else None)
    if on is None:
        raise LineRefused(N_("“%(text)s” is no date: write 31/07/2026 or 2026-07-31."), text=text_of("on"))
    if on > today:
        raise LineRefused(N_("The date %(on)s is still to come."), on=on)
    text = text_of("text")[:MAX_TEXT]
    if status is BillingStatus.REJECTED and not text:
        raise LineRefused(N_("A rejection says why: the column of the reason is empty."))
    return Verdict(batch, key, status, on, text, text_of("reference")[:MAX_REFERENCE])


def _status(said: str) -> BillingStatus:
    word = folded(said)
    if word in _BILLED:
        return BillingStatus.BILLED
    if word in _REJECTED:
        return BillingStatus.REJECTED
    raise LineRefused(N_("“%(text)s” is no known state: write facturado or rechazado."), text=said)


_SHAPES = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?"), (0, 1, 2)),
    (re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: .*)?"), (2, 1, 0)),
    (re.compile(r"(\d{4})(\d{2})(\d{2})"), (0, 1, 2)),
)


def read_date(cell: Any) -> date | None:
    """Return the day that a cell says, or None."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = str(int(cell) if isinstance(cell, float) and cell.is_integer() else "" if cell is None else cell).strip()
    for shape, (year, month, day) in _SHAPES:
        if found := shape.fullmatch(text):
            parts = found.groups()
            try:
                return date(int(parts[year]), int(parts[month]), int(parts[day]))
            except ValueError:
                return None
    return None


def read_time(text: str | None) -> time | None:
    """Return the hour that a result of field work says, or None."""
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        return None
