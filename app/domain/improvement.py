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
    MASS_EVENT = N_("Mass event")
    SURVEY = N_("Survey")
    RISK = N_("Risk")
    AUDIT = N_("Audit")
    INDICATOR = N_("Indicator")
    NONCONFORMITY = N_("Non-conforming output")
    LEGAL = N_("Legal requirement")
    REVIEW = N_("Management review")
    OTHER = N_("Another origin")


class ActionStatus(Enum):
    """How far an action came; what leads from one to the next, and what must hold before, is `domain.actions.GATES`."""

    OPEN = N_("To be analysed")
    PLANNED = N_("Plan to be approved")
    RUNNING = N_("Under way")
    REVIEW = N_("Waits for its review")
    DONE = N_("Finished")
    CANCELLED = N_("Called off")

    @property
    def is_over(self) -> bool:
        return self in (ActionStatus.DONE, ActionStatus.CANCELLED)


class CauseWay(Enum):
    """How a cause was looked for."""

    WHY = N_("Five whys")
    ISHIKAWA = N_("Cause and effect (Ishikawa)")


class CauseCategory(Enum):
    """The bones of the diagram of Ishikawa."""

    METHOD = N_("Method")
    PEOPLE = N_("People")
    EQUIPMENT = N_("Equipment and programs")
    MATERIAL = N_("Materials and information")
    MEASUREMENT = N_("Measurement")
    SURROUNDINGS = N_("Surroundings")


class TaskStatus(Enum):
    OPEN = N_("To be done")
    DONE = N_("Done")
    DROPPED = N_("Given up")


class EffectMeasure(Enum):
    """By what one will see whether an action worked (ISO 9001:2015, 10.2.1 d)."""

    CAUSE = N_("Cases of the same cause")
    REQUEST_TYPE = N_("Cases of the same type")
    PROCESS = N_("Cases of the process")
    AREA = N_("Cases of an area")
    LATE = N_("Cases of the process answered late")
    SURVEY = N_("Question of a survey")
    INDICATOR = N_("Indicator")
    JUDGED = N_("What a person judges, with evidence")


class EffectVerdict(Enum):
    """What the review of an action concluded."""

    EFFECTIVE = N_("Effective")
    NOT_EFFECTIVE = N_("Not effective")


class Disposition(Enum):
    """What is done with an output that does not conform (ISO 9001:2015, 8.7.1)."""

    CORRECT = N_("Correct it")
    HOLD = N_("Separate, contain, return or suspend it")
    INFORM = N_("Inform the customer")
    CONCESSION = N_("Accept it under concession")


class NonconformityStatus(Enum):
    OPEN = N_("To be treated")
    TREATED = N_("Treated, to be verified")
    CLOSED = N_("Verified and closed")


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
    if status.is_over:
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
