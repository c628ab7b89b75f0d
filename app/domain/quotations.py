"""Quotations: their life and their exact totals (commercial procedure, 5.1: they are managed by their sent date)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused

PESO, TENTH = Decimal(1), Decimal("0.1")
FINEST_QUANTITY, FINEST_RATE = Decimal("0.001"), Decimal("0.01")
MOST_LINES, MOST_PESOS, MOST_QUANTITY = 60, Decimal(10) ** 13, Decimal(10) ** 9
MOST_VALIDITY = 365


class QuotationStatus(Enum):
    """Where a quotation stands."""

    DRAFT = N_("Draft")
    SENT = N_("Sent to the customer")
    ACCEPTED = N_("Accepted")
    REJECTED = N_("Turned down")
    EXPIRED = N_("Expired")
    WITHDRAWN = N_("Withdrawn by us")


class QuotationMove(Enum):
    """A verb that changes a quotation. The name is stored in the history; the value is the label of its button."""

    WRITE = N_("Write the quotation")
    SEND = N_("Record that it was sent")
    REVISE = N_("Write a new version")
    ACCEPT = N_("Record the acceptance")
    REJECT = N_("Record the rejection")
    EXPIRE = N_("Its validity ended")
    WITHDRAW = N_("Withdraw the quotation")
    FOLLOW_UP = N_("Note a follow-up")
    CONTRACT = N_("Make the contract")


class LossReason(Enum):
    """Why a customer said no."""

    PRICE = N_("The price")
    TERM = N_("The time of delivery")
    SCOPE = N_("What it includes")
    COMPETITOR = N_("Chose somebody else")
    NO_BUDGET = N_("Has no budget")
    POSTPONED = N_("Put it off")
    OTHER = N_("Another reason")


class ContactMeans(Enum):
    """How the customer was spoken to."""

    PHONE = N_("By phone")
    EMAIL = N_("By e-mail")
    VISIT = N_("On a visit")
    MEETING = N_("In a meeting")
    OTHER = N_("Otherwise")


# ── The life of a quotation ───────────────────────────────────────────────────────────────────────────────────────────────

_S = QuotationStatus
#: From where each move is possible. A customer may have answered in time and be recorded late: also what expired is accepted or rejected.
QUOTATION_MOVES: dict[QuotationMove, frozenset[QuotationStatus]] = {
    QuotationMove.WRITE: frozenset({_S.DRAFT}),
    QuotationMove.SEND: frozenset({_S.DRAFT}),
    QuotationMove.REVISE: frozenset({_S.SENT, _S.EXPIRED}),
    QuotationMove.ACCEPT: frozenset({_S.SENT, _S.EXPIRED}),
    QuotationMove.REJECT: frozenset({_S.SENT, _S.EXPIRED}),
    QuotationMove.EXPIRE: frozenset({_S.SENT}),
    QuotationMove.WITHDRAW: frozenset({_S.DRAFT, _S.SENT}),
    QuotationMove.FOLLOW_UP: frozenset({_S.DRAFT, _S.SENT, _S.EXPIRED}),
    QuotationMove.CONTRACT: frozenset({_S.ACCEPTED}),
}
#: Where each move leads; the others leave the quotation where it stands.
LEADS_TO: dict[QuotationMove, QuotationStatus] = {
    QuotationMove.SEND: _S.SENT,
    QuotationMove.REVISE: _S.DRAFT,
    QuotationMove.ACCEPT: _S.ACCEPTED,
    QuotationMove.REJECT: _S.REJECTED,
    QuotationMove.EXPIRE: _S.EXPIRED,
    QuotationMove.WITHDRAW: _S.WITHDRAWN,
}
OPEN = (_S.DRAFT, _S.SENT)
#: Days since it was sent, first and last of each bucket of the ageing list and of its chart; the last has no end.
AGEING: tuple[tuple[int, int | None], ...] = ((0, 7), (8, 15), (16, 30), (31, 60), (61, None))


def may_move(status: QuotationStatus, move: QuotationMove) -> bool:
    """Say whether a quotation in *status* can make *move*."""
    return status in QUOTATION_MOVES[move]


def moved(status: QuotationStatus, move: QuotationMove, number: str) -> QuotationStatus:
    """Return where *move* leads from *status*. Raises MoveRefused, which names the quotation: there is no such arrow."""
    if not may_move(status, move):
        msgid = N_("%(number)s is “%(status)s”: this can no longer be done with it (%(move)s).")
        raise MoveRefused(msgid, number=number, status=status.value, move=move.value)
    return LEADS_TO.get(move, status)


def bucket_of(days: int) -> int:
    """Return the place in AGEING of what was sent *days* ago; a negative number counts as today."""
    return next(n for n, (_first, last) in enumerate(AGEING) if last is None or days <= last)


def win_rate(n_accepted: int, n_lost: int) -> Decimal | None:
    """Return the percentage accepted of those that came to an end (accepted, rejected or expired), to one decimal; None of none."""
    ended = n_accepted + n_lost
    return (Decimal(100 * n_accepted) / ended).quantize(TENTH, ROUND_HALF_UP) if ended else None


# ── Lines and totals ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """Something that is quoted: `price` of one unit in whole pesos, `vat_rate` in percent."""

    description: str
    quantity: Decimal
    unit: str
    price: Decimal
    vat_rate: Decimal

    @property
    def subtotal(self) -> Decimal:
        """Quantity times price, rounded half-up to the peso; IVA comes on top."""
        return (self.quantity * self.price).quantize(PESO, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class VatSum:
    """The lines of one rate: what they add up to, and the IVA of that sum."""

    rate: Decimal
    base: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class QuoteTotals:
    """What a quotation comes to. `vat` has one row a rate, the highest first."""

    subtotal: Decimal
    vat: tuple[VatSum, ...]

    @property
    def vat_total(self) -> Decimal:
        """The IVA of all rates."""
        return sum((each.vat for each in self.vat), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What the customer pays."""
        return self.subtotal + self.vat_total


def totals(lines: Iterable[QuoteLine]) -> QuoteTotals:
    """Return the sums of *lines*: IVA is of the base of each rate, rounded half-up to the peso once, not line by line."""
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        bases[line.vat_rate] = bases.get(line.vat_rate, Decimal(0)) + line.subtotal
    vat = tuple(VatSum(rate, bases[rate], vat_of(bases[rate], rate)) for rate in sorted(bases, reverse=True))
    return QuoteTotals(sum(bases.values(), Decimal(0)), vat)


def vat_of(base: Decimal, rate: Decimal) -> Decimal:
    """Return *rate* percent of *base*, rounded half-up to the peso."""
    return (base * rate / 100).quantize(PESO, ROUND_HALF_UP)


def check_lines(lines: Sequence[QuoteLine]) -> QuoteTotals:
    """
    Return the totals of lines that may be quoted.

    Raises:
        DomainError: There is none or there are too many; one lacks its description or unit; its quantity is not positive or too fine,
            its price negative or with cents, its rate no percentage; or all of it is too much money to be true.
    """
    if not lines:
        raise DomainError(N_("Write at least one line: what is quoted, how much of it and its price."), field="lines")
    if len(lines) > MOST_LINES:
        raise DomainError(N_("A quotation has up to %(most)s lines."), field="lines", most=MOST_LINES)
    for n, line in enumerate(lines, 1):
        _check_line(n, line)
    found = totals(lines)
    if found.total > MOST_PESOS:
        raise DomainError(N_("The total passes %(most)s pesos: look at the quantities and prices."), field="lines", most=MOST_PESOS)
    return found


def _check_line(n: int, line: QuoteLine) -> None:
    refusal = refusal_of(line)
    if refusal:
        raise DomainError(refusal[1], field="lines", n=n)


def refusal_of(line: QuoteLine) -> tuple[str, str] | None:
    """Return which part of *line* may not be quoted, and why (it names line `%(n)s`); None when all may."""
    if not line.description.strip():
        return "description", N_("Line %(n)s: write what is quoted.")
    if not 0 < line.quantity <= MOST_QUANTITY:
        return "quantity", N_("Line %(n)s: the quantity has to be more than zero, and no more than a thousand million.")
    if line.quantity % FINEST_QUANTITY:
        return "quantity", N_("Line %(n)s: the quantity has up to three decimals.")
    if not line.unit.strip():
        return "unit", N_("Line %(n)s: write the unit: month, hour, m³, each…")
    if not 0 <= line.price <= MOST_PESOS or line.price % PESO:
        return "price", N_("Line %(n)s: write the price in whole pesos, without cents; it cannot be negative.")
    if not 0 <= line.vat_rate <= 100 or line.vat_rate % FINEST_RATE:
        return "vat_rate", N_("Line %(n)s: the IVA is a percentage between 0 and 100.")
    return None


# ── Dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def valid_until_of(sent_on: date, validity_days: int) -> date:
    """Return the last day of an offer that is valid for so many calendar days; the day it is sent is not counted."""
    return sent_on + timedelta(days=validity_days)


def check_sending(sent_on: date, *, requested_on: date, before: date | None, on: date) -> None:
    """
    Refuse a sent date that cannot be.

    Args:
        before: When the version before this one was sent.

    Raises:
        DomainError: It is after *on*, before the request, or before the version that this one replaces.
    """
    if sent_on > on:
        raise DomainError(N_("The day it was sent cannot be after today."), field="sent_on")
    if sent_on < requested_on:
        msgid = N_("It cannot have been sent before the customer asked for it, on %(day)s.")
        raise DomainError(msgid, field="sent_on", day=requested_on)
    if before is not None and sent_on < before:
        msgid = N_("The version before this one was sent on %(day)s: this one cannot have been sent earlier.")
        raise DomainError(msgid, field="sent_on", day=before)


def check_answer(answered_on: date, *, sent_on: date, on: date) -> None:
    """Refuse a day of the customer's answer that cannot be. Raises DomainError: it is after *on* or before the sending."""
    if answered_on > on:
        raise DomainError(N_("The day of the answer cannot be after today."), field="on")
    if answered_on < sent_on:
        raise DomainError(N_("The quotation was sent on %(day)s: it cannot be answered before that."), field="on", day=sent_on)


def check_acceptance(accepted_on: date, valid_until: date) -> None:
    """Refuse to accept an offer whose validity was over. Raises DomainError, which says what to do instead."""
    if accepted_on > valid_until:
        msgid = N_("The offer was valid until %(until)s. Write a new version with another validity, send it, and record its acceptance.")
        raise DomainError(msgid, field="on", until=valid_until)
