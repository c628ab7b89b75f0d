"""Contracts: their stage, the state that follows from dates and signatures, and what an amendment may change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused

#: A contract that ends within these days is about to end.
NOTICE_DAYS = 60


class ContractStage(Enum):
    """What people decided about a contract; its state follows from this and the dates."""

    DRAFT = N_("Being prepared")
    SIGNED = N_("Signed by both sides")
    TERMINATED = N_("Terminated early")
    VOIDED = N_("Given up before signing")


class ContractMove(Enum):
    """A verb that changes a contract. The name is stored in the history; the value is the label of its button."""

    WRITE = N_("Write the contract")
    SIGN = N_("Record the signature")
    HAND_OVER = N_("Change who answers for it")
    AMEND = N_("Sign an amendment")
    DROP_AMENDMENT = N_("Give an amendment up")
    TERMINATE = N_("Terminate the contract early")
    VOID = N_("Give the draft up")
    IMPORT = N_("Bring in from another register")
    GUARANTEE = N_("Record a guarantee")
    APPROVE_GUARANTEE = N_("Approve a guarantee")
    REPLACE_GUARANTEE = N_("Replace a guarantee")
    ATTACH = N_("Add files")


class Side(Enum):
    """Who signs for whom."""

    OURS = N_("The company")
    THEIRS = N_("The other party")


class AmendmentStatus(Enum):
    DRAFT = N_("Draft")
    SIGNED = N_("Signed by both sides")
    VOIDED = N_("Given up")


class GuaranteeKind(Enum):
    """What a policy or guarantee covers."""

    PERFORMANCE = N_("Performance of the contract")
    ADVANCE = N_("Good use of the advance payment")
    QUALITY = N_("Quality of the service or of the goods")
    WAGES = N_("Wages and social benefits")
    STABILITY = N_("Stability of the work")
    LIABILITY = N_("Liability towards third parties")
    OFFER = N_("Seriousness of the offer")
    OTHER = N_("Another guarantee")


class ContractFileKind(Enum):
    """What a file of a contract is."""

    CONTRACT = N_("Signed contract")
    AMENDMENT = N_("Signed amendment")
    POLICY = N_("Policy or guarantee")
    ANNEX = N_("Annex")
    MINUTES = N_("Acta")
    OTHER = N_("Another document")


# ── The state that follows ────────────────────────────────────────────────────────────────────────────────────────────────


class ContractState(Enum):
    """Where a contract stands today. Derived, never stored: a date passes without anybody pressing a button."""

    DRAFT = N_("Being prepared")
    UPCOMING = N_("Signed, not begun")
    ACTIVE = N_("Now in force")
    ENDING = N_("About to end")
    ENDED = N_("Ended on its day")
    TERMINATED = N_("Terminated early")
    VOIDED = N_("Given up before signing")


@dataclass(frozen=True, slots=True)
class Span:
    """What a state is derived from. `ends_on` is the last day in force, None without an end; `terminated_on` ends it sooner."""

    stage: ContractStage
    starts_on: date | None
    ends_on: date | None
    signed_on: date | None = None
    terminated_on: date | None = None

    @property
    def is_signed(self) -> bool:
        """Whether both sides signed, whatever happened afterwards."""
        return self.stage in (ContractStage.SIGNED, ContractStage.TERMINATED)

    @property
    def last_day(self) -> date | None:
        """The last day in force, or None while no end is agreed."""
        return self.ends_on if self.terminated_on is None else self.terminated_on


def state_of(span: Span, today: date, notice_days: int = NOTICE_DAYS) -> ContractState:
    """Return where a contract stands on *today*. An early end that lies ahead is not here yet: until then it is about to end."""
    if not span.is_signed or span.starts_on is None:
        return ContractState.DRAFT if span.stage is ContractStage.DRAFT else ContractState.VOIDED
    last = span.last_day
    if last is not None and last < today:
        return ContractState.ENDED if span.terminated_on is None else ContractState.TERMINATED
    if today < span.starts_on:
        return ContractState.UPCOMING
    return ContractState.ENDING if last is not None and last <= today + timedelta(days=notice_days) else ContractState.ACTIVE


def was_in_force(span: Span, first: date, last: date) -> bool:
    """Return whether a contract was in force on any day from *first* to *last*, both included."""
    end = span.last_day
    starts_on = span.starts_on
    return span.is_signed and starts_on is not None and starts_on <= last and (end is None or end >= max(first, starts_on))


# ── What may be written ───────────────────────────────────────────────────────────────────────────────────────────────────


def check_dates(starts_on: date | None, ends_on: date | None, field: str = "ends_on") -> None:
    """Refuse a contract that ends before it starts; a draft may lack both. Raises DomainError."""
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        msgid = N_("A contract cannot end before it starts: it starts on %(starts_on)s and would end on %(ends_on)s.")
        raise DomainError(msgid, field=field, starts_on=starts_on, ends_on=ends_on)


def check_signature(number: str, span: Span, signed_on: date, today: date, n_requirements: int, sides: Collection[Side]) -> None:
    """
    Refuse to record a signature.

    Raises:
        MoveRefused: It is no draft; it has no requirement, or nobody who signs for one of the sides.
        DomainError: The dates make no sense, or the signature lies in the future or after the end.
    """
    if span.stage is not ContractStage.DRAFT:
        raise MoveRefused(N_("%(number)s is “%(state)s”: only a contract being prepared is signed."), number=number, state=span.stage.value)
    if span.starts_on is None:
        raise DomainError(N_("Write on which day %(number)s starts before it is signed."), field="starts_on", number=number)
    check_dates(span.starts_on, span.ends_on)
    if not n_requirements:
        msgid = N_("Write what %(number)s requires before it is signed: afterwards only an amendment changes it.")
        raise MoveRefused(msgid, number=number)
    for side in Side:
        if side not in sides:
            raise MoveRefused(N_("Nobody signs %(number)s for “%(side)s” yet. Write who does."), number=number, side=side.value)
    check_signature_day(signed_on, today)
    if span.ends_on is not None and signed_on > span.ends_on:
        raise DomainError(N_("It cannot have been signed after its end, on %(ends_on)s."), field="signed_on", ends_on=span.ends_on)


def check_signature_day(signed_on: date | None, today: date) -> None:
    """Refuse a signature of the future. Raises DomainError."""
    if signed_on is not None and signed_on > today:
        raise DomainError(N_("The signature cannot be dated after today."), field="signed_on")


@dataclass(frozen=True, slots=True)
class Change:
    """What an amendment does. `value_change_cop` is added to the value; `n_requirements`: how many it adds, ends and replaces."""

    effective_on: date | None
    ends_on: date | None = None
    value_change_cop: Decimal | None = None
    n_requirements: int = 0


def check_amendment(number: str, span: Span, change: Change, value_cop: Decimal | None) -> None:
    """
    Refuse an amendment that says nothing, or nothing possible. *value_cop*: the value before it.

    Raises:
        MoveRefused: The contract is not signed, or was ended early.
        DomainError: Nothing changes; it takes effect outside the contract; it would end before it starts or takes effect; it takes away
            more than the value.
    """
    if span.stage is not ContractStage.SIGNED or span.starts_on is None:
        msgid = N_("%(number)s is “%(state)s”: only a signed contract is amended; a draft is simply corrected.")
        raise MoveRefused(msgid, number=number, state=span.stage.value)
    if change.effective_on is None:
        raise DomainError(N_("Write the day from which the amendment counts."), field="effective_on")
    if not change.n_requirements and change.ends_on in (None, span.ends_on) and not change.value_change_cop:
        raise DomainError(N_("The amendment changes nothing yet: write a new end, a change of the value, or a requirement that changes."))
    if change.effective_on < span.starts_on or (span.ends_on is not None and change.effective_on > span.ends_on):
        msgid = N_("It has to count from a day on which %(number)s is in force. A contract that ended takes a new contract.")
        raise DomainError(msgid, field="effective_on", number=number)
    if change.ends_on is not None:
        _check_new_end(span.starts_on, change.effective_on, change.ends_on)
    if change.value_change_cop and (value_cop or 0) + change.value_change_cop < 0:
        raise DomainError(N_("It takes away more than the contract is worth."), field="value_change_cop")


def _check_new_end(starts_on: date, effective_on: date, ends_on: date) -> None:
    check_dates(starts_on, ends_on, "new_ends_on")
    if ends_on < effective_on:
        msgid = N_("The new end cannot be before the day from which the amendment counts, %(day)s.")
        raise DomainError(msgid, field="new_ends_on", day=effective_on)


def check_amendment_signature(number: str, span: Span, signed_on: date, today: date) -> None:
    """Refuse a signature of an amendment in the future, older than the contract, or after its end. Raises DomainError."""
    check_signature_day(signed_on, today)
    if span.signed_on is not None and signed_on < span.signed_on:
        msgid = N_("An amendment cannot be signed before its contract, signed on %(day)s.")
        raise DomainError(msgid, field="signed_on", day=span.signed_on)
    if span.ends_on is not None and signed_on > span.ends_on:
        msgid = N_("%(number)s ended on %(day)s: what is signed afterwards is a new contract, no amendment.")
        raise DomainError(msgid, field="signed_on", number=number, day=span.ends_on)


def check_termination(number: str, span: Span, on: date, reason: str) -> None:
    """
    Refuse to end a contract early.

    Raises:
        MoveRefused: It is not signed, or was ended early before.
        DomainError: The day lies before its signature or not before its end, or there is no reason.
    """
    if span.stage is not ContractStage.SIGNED or span.signed_on is None:
        raise MoveRefused(N_("%(number)s is “%(state)s”: only a signed contract is terminated."), number=number, state=span.stage.value)
    if on < span.signed_on:
        raise DomainError(N_("It cannot end before it was signed, on %(day)s."), field="terminated_on", day=span.signed_on)
    if span.ends_on is not None and on >= span.ends_on:
        msgid = N_("%(number)s ends by itself on %(day)s: an early end is before that day.")
        raise DomainError(msgid, field="terminated_on", number=number, day=span.ends_on)
    if not reason.strip():
        raise DomainError(N_("Write why it ends early: it stays in its history."), field="reason")
