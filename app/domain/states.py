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
    ARCHIVED = N_("Archived")

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
    PqrStatus.ARCHIVED: Category.FINAL,
}


def states_in(*categories: Category) -> tuple[PqrStatus, ...]:
    """Return the states of *categories*, in the order of life."""
    return tuple(status for status in PqrStatus if status.category in categories)


class Move(Enum):
    """A verb that changes a case. The name is stored in the history; the value is the label of its button."""

    FILE = N_("File")
    ROUTE = N_("Route to a process")
    RETURN_TO_DESK = N_("Return to the front desk")
    ISSUE_REQUEST = N_("Issue a request or an evidence order")
    REQUEST_COMPLETION = N_("Ask the citizen to complete")
    EXTEND_COMPLETION = N_("Give the citizen more time")
    COMPLETE_PARTLY = N_("The citizen completed in part")
    COMPLETE = N_("The citizen completed")
    WITHDRAW = N_("Declare withdrawn")
    CLARIFY = N_("Return for clarification")
    ARCHIVE = N_("Archive: not clarified")
    ORDER_EVIDENCE = N_("Order evidence")
    CLOSE_EVIDENCE = N_("End the evidence stage")
    EXTEND = N_("Extend the term")
    TRANSFER = N_("Transfer to the competent body")
    VOID = N_("Void the number")
    SOLVE = N_("Record the solution")
    RETURN_SOLUTION = N_("Return with a reason")
    ISSUE_ANSWER = N_("Approve and issue the answer")
    SUMMON = N_("Send the summons")
    RECORD_DELIVERY = N_("Record what the carrier said")
    SEND_AVISO = N_("Send the aviso")
    POST_AVISO = N_("Publish the aviso")
    UNPOST_AVISO = N_("Take the aviso down")
    NOTIFY = N_("Record the notice")
    SILENCE = N_("Positive silence arose")
    LIFT_SILENCE = N_("Positive silence withdrawn: it had not arisen")
    RECOGNISE = N_("Recognise the silence")
    APPEAL = N_("Record an appeal")
    SEND_TO_SSPD = N_("Send the file to Superservicios")
    RECORD_RESULT = N_("Record the result of Superservicios")
    CLOSE = N_("Close the case")


@dataclass(frozen=True, slots=True)
class Arrow:
    """
    One row of the move table: from which states, to which, with which right, and whether a reason is due.

    A move without *target* leaves the case in the state it was in: it adds an act. One without *right* is made by jobs alone.
    """

    move: Move
    sources: frozenset[PqrStatus]
    target: PqrStatus | None
    right: str
    needs_reason: bool = True

    def target_from(self, status: PqrStatus) -> PqrStatus:
        """Return the state that follows *status*."""
        return self.target or status


def _arrow(move: Move, sources: Collection[PqrStatus], target: PqrStatus | None, right: str, needs_reason: bool = True) -> Arrow:
    return Arrow(move, frozenset(sources), target, right, needs_reason)


S = PqrStatus
_UNANSWERED = (S.RECEIVED, S.ROUTED, S.SOLVED)
_LEFT = (S.ANSWERED, S.NOTIFIED, S.APPEALED)
ARROWS: dict[Move, Arrow] = {
    arrow.move: arrow
    for arrow in (
        _arrow(Move.ROUTE, {S.RECEIVED, S.ROUTED}, S.ROUTED, "can_route"),
        _arrow(Move.RETURN_TO_DESK, {S.ROUTED}, S.ROUTED, "can_return_to_desk"),
        _arrow(Move.ISSUE_REQUEST, {S.RECEIVED, S.ROUTED}, None, "can_request_completion"),
        _arrow(Move.REQUEST_COMPLETION, {S.RECEIVED, S.ROUTED}, S.AWAITING_USER, "can_request_completion", needs_reason=False),
        _arrow(Move.EXTEND_COMPLETION, {S.AWAITING_USER}, None, "can_complete"),
        _arrow(Move.COMPLETE_PARTLY, {S.AWAITING_USER}, None, "can_complete"),
        _arrow(Move.COMPLETE, {S.AWAITING_USER}, S.ROUTED, "can_complete"),
        _arrow(Move.WITHDRAW, {S.AWAITING_USER}, S.WITHDRAWN, "can_withdraw"),
        _arrow(Move.CLARIFY, {S.RECEIVED, S.ROUTED}, S.AWAITING_USER, "can_request_completion"),
        _arrow(Move.ARCHIVE, {S.AWAITING_USER}, S.ARCHIVED, "can_withdraw"),
        _arrow(Move.ORDER_EVIDENCE, {S.ROUTED}, S.EVIDENCE, "can_order_evidence"),
        _arrow(Move.CLOSE_EVIDENCE, {S.EVIDENCE}, S.ROUTED, "can_close_evidence"),
        _arrow(Move.EXTEND, _UNANSWERED, None, "can_extend"),
        _arrow(Move.TRANSFER, {S.RECEIVED, S.ROUTED}, S.TRANSFERRED, "can_transfer"),
        _arrow(Move.VOID, {S.RECEIVED}, S.VOIDED, "can_void"),
        _arrow(Move.SOLVE, {S.ROUTED}, S.SOLVED, "can_solve", needs_reason=False),
        _arrow(Move.RETURN_SOLUTION, {S.SOLVED}, S.ROUTED, "can_return_solution"),
        _arrow(Move.ISSUE_ANSWER, {S.SOLVED}, S.ANSWERED, "can_issue_answer", needs_reason=False),
        _arrow(Move.SUMMON, {S.ANSWERED}, None, "can_notify", needs_reason=False),
        _arrow(Move.RECORD_DELIVERY, {S.ANSWERED}, None, "can_notify", needs_reason=False),
        _arrow(Move.SEND_AVISO, {S.ANSWERED}, None, "can_notify", needs_reason=False),
        _arrow(Move.POST_AVISO, {S.ANSWERED}, None, "can_notify", needs_reason=False),
        _arrow(Move.UNPOST_AVISO, {S.ANSWERED}, None, "can_notify", needs_reason=False),
        _arrow(Move.NOTIFY, {S.ANSWERED}, S.NOTIFIED, "can_notify", needs_reason=False),
        _arrow(Move.SILENCE, (*_UNANSWERED, *_LEFT, S.CLOSED), None, "", needs_reason=False),
        _arrow(Move.LIFT_SILENCE, (*_UNANSWERED, *_LEFT, S.CLOSED), None, ""),
        _arrow(Move.RECOGNISE, (*_UNANSWERED, *_LEFT, S.CLOSED), None, "can_recognise"),
        _arrow(Move.APPEAL, {S.NOTIFIED, S.CLOSED}, S.APPEALED, "can_appeal"),
        _arrow(Move.SEND_TO_SSPD, {S.NOTIFIED}, None, "can_send_to_sspd", needs_reason=False),
        _arrow(Move.RECORD_RESULT, {S.NOTIFIED}, None, "can_send_to_sspd", needs_reason=False),
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
        possible = tuple(m.value for m in moves_from(status) if ARROWS[m].right)
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
    CHIEF = N_("Chief")


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
    SURVEY_NAME = N_("Name beside the answers to a survey")


class Outcome(Enum):
    """
    Sense of an answer; the SUI code of each is seed data (tipo de respuesta).

    The first answer grants or denies, refers to an earlier one (Ley 1755 art. 19) or finds the request inadmissible; the decision
    on an appeal confirms, modifies, revokes or rejects.
    """

    GRANTED = N_("Granted")
    PARTLY = N_("Partly granted")
    DENIED = N_("Denied")
    REFERRED = N_("Referred to the earlier answer")
    INADMISSIBLE = N_("Inadmissible")
    CONFIRMED = N_("Confirms")
    MODIFIED = N_("Modifies")
    REVOKED = N_("Revokes")
    REJECTED = N_("Rejects")

    @property
    def is_of_appeal(self) -> bool:
        return self in APPEAL_OUTCOMES


APPEAL_OUTCOMES = (Outcome.CONFIRMED, Outcome.MODIFIED, Outcome.REVOKED, Outcome.REJECTED)
FIRST_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in APPEAL_OUTCOMES)


class AnswerStatus(Enum):
    DRAFT = N_("Draft")
    ISSUED = N_("Issued")


class NoticeMeans(Enum):
    """How a document reaches the citizen: one attempt of the chain of CPACA arts. 56 and 67 to 72."""

    E_LINK = N_("E-mail with a link")
    SUMMONS = N_("Summons")
    IN_PERSON = N_("In person")
    AVISO = N_("Aviso delivered")
    AVISO_POSTED = N_("Aviso published")
    CONDUCT = N_("The citizen showed to know it")
    DELIVERY = N_("Delivered with proof")


class NoticeResult(Enum):
    """What became of an attempt to notify."""

    PENDING = N_("On its way")
    DELIVERED = N_("Delivered")
    RETURNED = N_("Returned")
    APPEARED = N_("The citizen came")
    NOT_APPEARED = N_("The citizen did not come")


class RequirementKind(Enum):
    """What a citizen is asked for, or told, that may stop the clock: each by an act (Ley 1755 arts. 17, 19; Ley 142 art. 158)."""

    COMPLETION = N_("Complete the request")
    CLARIFICATION = N_("Clarify the request")
    EVIDENCE = N_("Evidence")


class RequirementEnd(Enum):
    """How a requirement ended."""

    MET = N_("Met")
    LAPSED = N_("Not met in time")
    CLOSED = N_("Closed")


class SilenceGround(Enum):
    """Why the positive silence arose (Ley 142 art. 158)."""

    TERM = N_("The term ended without an answer")
    NOT_NOTIFIED = N_("The answer was not duly notified")


class AppealKind(Enum):
    """The recursos of Ley 142 art. 154; apelación only as subsidiary (art. 159)."""

    REPOSICION = N_("Reposición")
    REPOSICION_APELACION = N_("Reposición with subsidiary apelación")


class Inadmissibility(Enum):
    """Why an appeal is not admissible; recorded, it blocks no intake (Ley 142 arts. 154, 155)."""

    LATE = N_("Filed after the term")
    OLD_INVOICE = N_("The invoice is older than the term to claim")
    NOT_APPEALABLE = N_("The act admits no appeal")
    UNPAID_UNDISPUTED = N_("What is not disputed was not paid")
    DUPLICATE = N_("The same answer was appealed before")


class OrderKind(Enum):
    """Orders and actas of field work that a case or a debt produces; each with its own numbers."""

    WORK_ORDER = N_("Work order")
    PRIOR_REVIEW = N_("Prior review order")
    SUSPENSION = N_("Suspension acta")
    CUT = N_("Cut acta")
    REINSTALLATION = N_("Reinstallation acta")
    RECONNECTION = N_("Reconnection acta")


class OrderStatus(Enum):
    """Life of a field order. An order that is issued or not done blocks the answer until it is done or excused."""

    ISSUED = N_("To be done")
    DONE = N_("Done")
    NOT_DONE = N_("Not done")
    EXCUSED = N_("Excused")
    VOIDED = N_("Voided")


class FinancingStatus(Enum):
    """Life of a payment agreement."""

    PROPOSED = N_("Proposed")
    SIGNED = N_("Signed")
    VOIDED = N_("Voided")


class ChangeStatus(Enum):
    """Life of a change of an invoice."""

    DRAFT = N_("Draft")
    AUTHORISED = N_("Authorised")
    VOIDED = N_("Voided")


class RatingVia(Enum):
    """Where the attention was rated."""

    LINK = N_("Link")
    COUNTER = N_("Counter")


class Visibility(Enum):
    """Who may open a file: the citizen with the key too, or staff only."""

    CITIZEN = N_("Citizen and staff")
    STAFF = N_("Staff only")


class DocumentKind(Enum):
    """Documents that the system issues, numbers and stores."""

    RECEIPT = N_("Filing receipt")
    ANSWER = N_("Answer")
    COMPLETION_REQUEST = N_("Request to complete")
    CLARIFICATION_REQUEST = N_("Request to clarify")
    EVIDENCE_ORDER = N_("Evidence order")
    EXTENSION = N_("Extension of the term")
    TRANSFER = N_("Transfer for lack of competence")
    WITHDRAWAL = N_("Withdrawal")
    ARCHIVE = N_("Archive")
    SUMMONS = N_("Summons")
    PERSONAL_NOTICE = N_("Personal notice")
    AVISO = N_("Aviso")
    NOTICE_CERTIFICATE = N_("Certificate of notice")
    RECOGNITION = N_("Recognition of the silence")
    SSPD_LETTER = N_("Remission to Superservicios")
    SSPD_FILE = N_("File for Superservicios")
    WORK_ORDER = N_("Work order")
    PRIOR_REVIEW = N_("Prior review order")
    SUSPENSION = N_("Suspension acta")
    CUT = N_("Cut acta")
    REINSTALLATION = N_("Reinstallation acta")
    RECONNECTION = N_("Reconnection acta")
    FINANCING = N_("Financing order")
    INVOICE_CHANGE = N_("Invoice change")
    QUOTATION = N_("Quotation")
    CHECKLIST = N_("Acta of verification of a contract")
    SURVEY_REPORT = N_("Report of a survey")
    MANAGEMENT_REVIEW = N_("Minutes of the management review")


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
    HELD = N_("Waits for the digest")
    DIGESTED = N_("Told in the digest")
    DISCARDED = N_("Given up")


class Delivery(Enum):
    """How somebody of the staff wants to hear of an event."""

    AT_ONCE = N_("At once")
    DIGEST = N_("In the daily digest")
    NEVER = N_("Never")


class InboundStatus(Enum):
    """What became of a message that arrived."""

    FILED = N_("Became a case")
    NOTED = N_("Noted on its case")
    QUARANTINED = N_("In quarantine")
    IGNORED = N_("Nothing to do")
    DISCARDED = N_("Discarded")


class ReminderTrigger(Enum):
    """When a rule tells; everything is counted in business days, towards the safe date."""

    AT_START = N_("When it is registered")
    AT_PERCENT = N_("At a percentage of the term")
    DAYS_BEFORE = N_("Business days before the safe date")
    EACH_DAY = N_("Each business day from a percentage of the term")
    OVERDUE = N_("When the term is over")
    DAYS_LATE = N_("Business days after the last day, once")


class ToldAs(Enum):
    """Why somebody is told."""

    OWNER = N_("Owner")
    SUBSTITUTE = N_("Substitute")
    CHIEF = N_("Chief")
    MANAGEMENT = N_("Quality and management")


class JobStatus(Enum):
    """Life of a long work that somebody asked for."""

    QUEUED = N_("Waiting")
    RUNNING = N_("Running")
    DONE = N_("Done")
    FAILED = N_("Failed")
    CANCELLED = N_("Cancelled")
    LOST = N_("Given up: the worker died each time")


class RunOutcome(Enum):
    """How one run of a periodic task went."""

    RUNNING = N_("Running")
    DONE = N_("Done")
    FAILED = N_("Failed")
    LOST = N_("The worker died")


class ImportStatus(Enum):
    """Life of an import."""

    UPLOADED = N_("Received")
    CHECKED = N_("Checked")
    RUNNING = N_("Running")
    DONE = N_("Done")
    FAILED = N_("Failed")
    CANCELLED = N_("Cancelled")
    UNDONE = N_("Undone")


class IssueStatus(Enum):
    """What became of a row that cannot be true."""

    OPEN = N_("Open")
    SETTLED = N_("Settled")
    IGNORED = N_("Ignored")


class PastKind(Enum):
    """Registers of other programs that are kept as they came."""

    CONTRACT = N_("Contract")
    SURVEY = N_("Survey answer")


class BillingKind(Enum):
    """What the billing system is told."""

    SOLUTION = N_("Solution of a case")
    INVOICE_CHANGE = N_("Invoice change")
    FINANCING = N_("Financing order")
    RECONNECTION = N_("Reconnection")


class BillingStatus(Enum):
    """What the billing system did with an item, and what somebody did with a rejected one."""

    SENT = N_("Sent")
    BILLED = N_("Invoiced")
    REJECTED = N_("Rejected")
    RESENT = N_("Rejected, to be sent again")
    DROPPED = N_("Rejected, given up")
