"""Guarantees of a contract: where a policy stands today, and what is refused when one is recorded, approved or replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused

#: A policy that ends within these days is about to end.
NOTICE_DAYS = 30


class GuaranteeState(Enum):
    """Where a guarantee stands. Derived, never stored."""

    TO_APPROVE = N_("To be approved")
    IN_FORCE = N_("Now in force")
    ENDING = N_("About to end")
    ENDED = N_("Expired")
    REPLACED = N_("Replaced by another")


@dataclass(frozen=True, slots=True)
class Cover:
    """What the state of a guarantee follows from."""

    starts_on: date
    ends_on: date
    approved_on: date | None = None
    is_replaced: bool = False


def state_of(cover: Cover, today: date, notice_days: int = NOTICE_DAYS) -> GuaranteeState:
    """Return where a guarantee stands on *today*; one that ended counts as ended, approved or not."""
    if cover.is_replaced:
        return GuaranteeState.REPLACED
    if cover.ends_on < today:
        return GuaranteeState.ENDED
    if cover.approved_on is None:
        return GuaranteeState.TO_APPROVE
    return GuaranteeState.ENDING if cover.ends_on <= today + timedelta(days=notice_days) else GuaranteeState.IN_FORCE


def check_cover(starts_on: date | None, ends_on: date | None) -> None:
    """Refuse a policy without its days, or that ends before it starts. Raises DomainError."""
    if starts_on is None:
        raise DomainError(N_("Write from when the policy covers."), field="starts_on")
    if ends_on is None:
        raise DomainError(N_("Write until when the policy covers: that is what the notices follow."), field="ends_on")
    if ends_on < starts_on:
        msgid = N_("A policy cannot end before it starts: it covers from %(starts_on)s and would end on %(ends_on)s.")
        raise DomainError(msgid, field="ends_on", starts_on=starts_on, ends_on=ends_on)


def check_approval(cover: Cover, on: date, today: date) -> None:
    """
    Refuse to approve a guarantee.

    Raises:
        MoveRefused: It was approved or replaced before.
        DomainError: The day lies in the future, or after the end of the policy.
    """
    if cover.approved_on is not None:
        raise MoveRefused(N_("It was approved on %(day)s already."), day=cover.approved_on)
    if cover.is_replaced:
        raise MoveRefused(N_("Another policy took its place: approve that one."))
    if on > today:
        raise DomainError(N_("The approval cannot be dated after today."), field="approved_on")
    if on > cover.ends_on:
        raise DomainError(N_("The policy ended on %(day)s: ask for one that is in force."), field="approved_on", day=cover.ends_on)
