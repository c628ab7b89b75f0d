"""Actions that something asks for: correction, corrective, preventive, improvement."""

from __future__ import annotations

from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused

MAX_TITLE = 200


class ActionKind(Enum):
    """What an action is for (ISO 9001:2015, 10)."""

    CORRECTION = N_("Correction")
    CORRECTIVE = N_("Corrective action")
    PREVENTIVE = N_("Preventive action")
    IMPROVEMENT = N_("Improvement")


class ActionOrigin(Enum):
    """What asked for it."""

    CHECKLIST = N_("Verification of a contract")
    PQR = N_("Case")
    SURVEY = N_("Survey")
    OTHER = N_("Another origin")


class ActionStatus(Enum):
    OPEN = N_("To be done")
    DONE = N_("Finished")
    CANCELLED = N_("Called off")


def check_asked(title: str, asked_on: date, due_on: date) -> None:
    """Raise DomainError when what is asked says nothing, or would have been due before it was asked."""
    if not title.strip():
        raise DomainError(N_("Write in a few words what has to be done."), field="title")
    if len(title) > MAX_TITLE:
        raise DomainError(N_("The title has at most %(most)s characters. Write the rest below."), field="title", most=MAX_TITLE)
    if due_on < asked_on:
        raise DomainError(N_("The last day comes before the day on which it was asked, %(day)s."), field="due_on", day=asked_on)


def check_open(number: str, status: ActionStatus) -> None:
    """Raise MoveRefused when the action ended: what was done, or why it was given up, stays as it was written."""
    if status is not ActionStatus.OPEN:
        raise MoveRefused(N_("%(number)s ended and no longer changes. Ask for another action."), number=number)


def check_ending(said: str, asked_on: date, ended_on: date, today: date) -> None:
    """
    Raise DomainError when an ending does not say how, or lies before the action was asked or in the future.

    Args:
        said: What was done, or why it is not done.
    """
    if not said.strip():
        raise DomainError(N_("Write what was done, or why it is not done."), field="result")
    if ended_on < asked_on:
        raise DomainError(N_("It was asked on %(day)s and cannot have ended before."), field="ended_on", day=asked_on)
    if ended_on > today:
        raise DomainError(N_("That day has not come yet."), field="ended_on")
