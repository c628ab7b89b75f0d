"""Outputs that do not conform (salidas no conformes): contained, treated with authority, verified, learned from (ISO 9001:2015, 8.7)."""

from __future__ import annotations

from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import Disposition, NonconformityStatus


class SncMove(Enum):
    """What may be done with it; the name is kept in its history."""

    TELL = N_("Told of it")
    CHANGE = N_("What was told was changed")
    TREAT = N_("Record its treatment")
    VERIFY = N_("Verify and close")
    RETURN = N_("It does not conform yet")
    ASK = N_("Ask for an action")
    NO_ACTION = N_("Say why it needs no action")


#: From which states each move leads; what is closed moves no more.
MOVES: dict[SncMove, frozenset[NonconformityStatus]] = {
    SncMove.CHANGE: frozenset({NonconformityStatus.OPEN}),
    SncMove.TREAT: frozenset({NonconformityStatus.OPEN}),
    SncMove.VERIFY: frozenset({NonconformityStatus.TREATED}),
    SncMove.RETURN: frozenset({NonconformityStatus.TREATED}),
    SncMove.ASK: frozenset({NonconformityStatus.OPEN, NonconformityStatus.TREATED}),
    SncMove.NO_ACTION: frozenset({NonconformityStatus.OPEN, NonconformityStatus.TREATED}),
}


def check_move(number: str, move: SncMove, status: NonconformityStatus) -> None:
    """Raise MoveRefused when *move* does not lead from *status*."""
    if status is NonconformityStatus.CLOSED:
        raise MoveRefused(N_("%(number)s was verified and closed, and no longer changes."), number=number)
    if status not in MOVES[move]:
        raise MoveRefused(
            N_("%(number)s is “%(status)s” and cannot do “%(move)s”."), number=number, status=status.value, move=move.value
        )


def check_told(what: str, found_on: date, today: date) -> None:
    """Raise DomainError when it does not say what does not conform, or was found in the future."""
    if not what.strip():
        raise DomainError(N_("Write which output does not conform, and how."), field="what")
    if found_on > today:
        raise DomainError(N_("That day has not come yet."), field="found_on")


def check_treatment(
    disposition: Disposition, treatment: str, treated_on: date, *, found_on: date, today: date, authorised_by_responsible: bool
) -> None:
    """
    Raise DomainError when a treatment does not say what was done, lies before the finding or in the future; or when whoever is responsible
    for the output accepted it under concession.
    """
    if not treatment.strip():
        raise DomainError(N_("Write what was done with it."), field="treatment")
    if treated_on < found_on:
        raise DomainError(N_("It was found on %(day)s and cannot have been treated before."), field="treated_on", day=found_on)
    if treated_on > today:
        raise DomainError(N_("That day has not come yet."), field="treated_on")
    if disposition is Disposition.CONCESSION and authorised_by_responsible:
        raise DomainError(N_("Nobody accepts their own output under concession: somebody else authorises it."), field="authorised_by")


def check_verification(
    verification: str, verified_on: date, *, treated_on: date, today: date, is_own: bool, has_action: bool, no_action_reason: str
) -> None:
    """
    Raise DomainError when a verification does not say how, lies before the treatment or in the future, or nobody said whether the cause
    asks for an action; MoveRefused when who verifies is responsible for it.
    """
    if is_own:
        raise MoveRefused(N_("You are responsible for this output: somebody else verifies it."), field="verification")
    if not verification.strip():
        raise DomainError(N_("Write how you saw that it conforms now."), field="verification")
    if verified_on < treated_on:
        raise DomainError(N_("It was treated on %(day)s and cannot have been verified before."), field="verified_on", day=treated_on)
    if verified_on > today:
        raise DomainError(N_("That day has not come yet."), field="verified_on")
    if not has_action and not no_action_reason.strip():
        msgid = N_("Ask for an action so that it does not happen again, or write why none is needed.")
        raise DomainError(msgid, field="no_action_reason")
