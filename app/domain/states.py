"""Life of a case: states, categories, and the one table of moves with the right that each needs (see docs/rules/pqr-states.md)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from app.domain import N_
from app.domain.errors import IllegalMove


class Category(Enum):
    """What a state means for clocks and queues; many states share one."""

    OPEN = N_("Open")
    STOPPED = N_("Clock stopped")
    ANSWERED = N_("Answered")
    FINAL = N_("Final")


class PqrStatus(Enum):
    """Where a case stands. The member name is stored; the value is the msgid people read."""

    RECEIVED = N_("Filed")
    ROUTED = N_("In progress")
    AWAITING_USER = N_("Incomplete: waiting for the citizen")
    EVIDENCE = N_("Taking evidence")
    SOLVED = N_("Solution recorded")
    ANSWERED = N_("Answered")
    NOTIFIED = N_("Notified")
    APPEALED = N_("Under appeal")
    CLOSED = N_("Closed, final")
    WITHDRAWN = N_("Withdrawn")
    TRANSFERRED = N_("Transferred")
    VOIDED = N_("Voided")

    @property
    def category(self) -> Category:
        return _CATEGORY[self]

    @property
    def is_final(self) -> bool:
        return self.category is Category.FINAL


_CATEGORY = {
    PqrStatus.RECEIVED: Category.OPEN,
    PqrStatus.ROUTED: Category.OPEN,
    PqrStatus.AWAITING_USER: Category.STOPPED,
    PqrStatus.EVIDENCE: Category.STOPPED,
    PqrStatus.SOLVED: Category.OPEN,
    PqrStatus.ANSWERED: Category.ANSWERED,
    PqrStatus.NOTIFIED: Category.ANSWERED,
    PqrStatus.APPEALED: Category.ANSWERED,
    PqrStatus.CLOSED: Category.FINAL,
    PqrStatus.WITHDRAWN: Category.FINAL,
    PqrStatus.TRANSFERRED: Category.FINAL,
    PqrStatus.VOIDED: Category.FINAL,
}


def states_in(*categories: Category) -> tuple[PqrStatus, ...]:
    """Return the states of *categories*, in the order of life."""
    return tuple(status for status in PqrStatus if status.category in categories)


class Move(Enum):
    """A verb that changes a case. The name is stored in the history; the value is the label of its button."""

    FILE = N_("File")
    ROUTE = N_("Route to a process")
    RETURN_TO_DESK = N_("Return to the front desk")
    REQUEST_COMPLETION = N_("Ask the citizen to complete")
    COMPLETE = N_("The citizen completed")
    WITHDRAW = N_("Declare withdrawn")
    ORDER_EVIDENCE = N_("Order evidence")
    CLOSE_EVIDENCE = N_("End the evidence stage")
    TRANSFER = N_("Transfer to the competent body")
    VOID = N_("Void the number")
    SOLVE = N_("Record the solution")
    RETURN_SOLUTION = N_("Return with a reason")
    ISSUE_ANSWER = N_("Approve and issue the answer")
    NOTIFY = N_("Record the notice")
    APPEAL = N_("Record an appeal")
    CLOSE = N_("Close the case")


@dataclass(frozen=True, slots=True)
class Arrow:
    """One row of the move table: from which states, to which, with which right, and whether a reason is due."""

    move: Move
    sources: frozenset[PqrStatus]
    target: PqrStatus
    right: str
    needs_reason: bool = True


def _arrow(move: Move, sources: Collection[PqrStatus], target: PqrStatus, right: str, needs_reason: bool = True) -> Arrow:
    return Arrow(move, frozenset(sources), target, right, needs_reason)


S = PqrStatus
ARROWS: dict[Move, Arrow] = {
    arrow.move: arrow
    for arrow in (
        _arrow(Move.ROUTE, {S.RECEIVED, S.ROUTED}, S.ROUTED, "can_route"),
        _arrow(Move.RETURN_TO_DESK, {S.ROUTED}, S.ROUTED, "can_return_to_desk"),
        _arrow(Move.REQUEST_COMPLETION, {S.RECEIVED, S.ROUTED}, S.AWAITING_USER, "can_request_completion"),
        _arrow(Move.COMPLETE, {S.AWAITING_USER}, S.ROUTED, "can_complete"),
        _arrow(Move.WITHDRAW, {S.AWAITING_USER}, S.WITHDRAWN, "can_withdraw"),
        _arrow(Move.ORDER_EVIDENCE, {S.ROUTED}, S.EVIDENCE, "can_order_evidence"),
        _arrow(Move.CLOSE_EVIDENCE, {S.EVIDENCE}, S.ROUTED, "can_close_evidence"),
        _arrow(Move.TRANSFER, {S.RECEIVED, S.ROUTED}, S.TRANSFERRED, "can_transfer"),
        _arrow(Move.VOID, {S.RECEIVED}, S.VOIDED, "can_void"),
        _arrow(Move.SOLVE, {S.ROUTED}, S.SOLVED, "can_solve", needs_reason=False),
        _arrow(Move.RETURN_SOLUTION, {S.SOLVED}, S.ROUTED, "can_return_solution"),
        _arrow(Move.ISSUE_ANSWER, {S.SOLVED}, S.ANSWERED, "can_issue_answer", needs_reason=False),
        _arrow(Move.NOTIFY, {S.ANSWERED}, S.NOTIFIED, "can_notify", needs_reason=False),
        _arrow(Move.APPEAL, {S.NOTIFIED}, S.APPEALED, "can_appeal"),
        _arrow(Move.CLOSE, {S.NOTIFIED, S.APPEALED}, S.CLOSED, "can_close", needs_reason=False),
    )
}
del S


def moves_from(status: PqrStatus) -> tuple[Move, ...]:
    """Return the moves that leave *status*, in the order of the table."""
    return tuple(move for move, arrow in ARROWS.items() if status in arrow.sources)


def arrow_for(move: Move, status: PqrStatus) -> Arrow:
    """
    Return the arrow that *move* draws from *status*.

    Raises:
        IllegalMove: There is none; its text names the moves that exist.
    """
    arrow = ARROWS.get(move)
    if arrow is None or status not in arrow.sources:
        possible = tuple(m.value for m in moves_from(status))
        raise IllegalMove(state=status.value, move=move.value, possible=possible)
    return arrow


class Identity(Enum):
    """How the petitioner appears (Ley 1755 arts. 13, 16; reserved identity is masked from the handling process)."""

    NAMED = N_("With name")
    ANONYMOUS = N_("Anonymous")
    RESERVED = N_("Reserved identity")


class PartyKind(Enum):
    PERSON = N_("Person")
    ORGANISATION = N_("Organisation")


class DocumentType(Enum):
    """Identity documents in use in Colombia."""

    CC = N_("Citizenship card (CC)")
    NIT = N_("Tax number (NIT)")
    CE = N_("Foreigner card (CE)")
    TI = N_("Identity card of minors (TI)")
    PPT = N_("Temporary protection permit (PPT)")
    PASSPORT = N_("Passport")


class AccountUse(Enum):
    """Use of a service connection, as the tariff knows it."""

    RESIDENTIAL = N_("Residential")
    COMMERCIAL = N_("Commercial")
    INDUSTRIAL = N_("Industrial")
    OFFICIAL = N_("Official")
    SPECIAL = N_("Special")


class MemberRole(Enum):
    """What a user is in a process."""

    OWNER = N_("Owner")
    SUBSTITUTE = N_("Substitute")


class SuiCodeKind(Enum):
    """Code tables of the regulator's claims file."""

    PROCEDURE = N_("Kind of procedure")
    RESPONSE = N_("Kind of answer")
    NOTICE = N_("Kind of notice")


class ConsentKind(Enum):
    """What a party agreed to; each is asked apart (Ley 1581 art. 9; CPACA art. 56)."""

    DATA = N_("Processing of personal data")
    E_NOTICE = N_("Notices by e-mail")
    SURVEY = N_("Contact for surveys")


class Outcome(Enum):
    """Sense of the answer on the merits; the SUI code of each is seed data (tipo de respuesta 1-3)."""

    GRANTED = N_("Granted")
    PARTLY = N_("Partly granted")
    DENIED = N_("Denied")


class AnswerStatus(Enum):
    DRAFT = N_("Draft")
    ISSUED = N_("Issued")


class NoticeMeans(Enum):
    """How the answer reaches the citizen."""

    E_LINK = N_("E-mail with a link")
    IN_PERSON = N_("In person")


class Visibility(Enum):
    """Who may open a file: the citizen with the key too, or staff only."""

    CITIZEN = N_("Citizen and staff")
    STAFF = N_("Staff only")


class DocumentKind(Enum):
    """Documents that the system issues, numbers and stores."""

    RECEIPT = N_("Filing receipt")
    ANSWER = N_("Answer")


class DayException(Enum):
    """Why a day of the calendar table is not a working day."""

    HOLIDAY = N_("Holiday")
    CLOSURE = N_("Local closure")


class MessageStatus(Enum):
    """Life of an outgoing message."""

    QUEUED = N_("Queued")
    SENDING = N_("Sending")
    SENT = N_("Sent")
    FAILED = N_("Failed")
