"""
An event that many ask about: one investigation, one action, one text; each case keeps its number, its clock and its letter.

Nothing is merged. What is done to many cases is done to each by itself, in its own savepoint: one that refuses leaves no trace and
stops no other. See docs/manual/evento-masivo.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import Move, PqrStatus, arrow_for
from app.extensions import LANGUAGE
from app.models import MassEvent, Pqr
from app.operations import answers
from app.operations import pqr as moves

#: What the text of an event may name besides the fields of the case (`answers.FIELDS`).
FIELDS = ("event", "sector", "what", "investigation", "action")


def fields_of(event: MassEvent) -> dict[str, str]:
    """Return what the {fields} of the event become in the letter of each case."""
    said = (event.name, event.sector, event.what, event.investigation, event.action)
    return dict(zip(FIELDS, said, strict=True))


def linked(event: MassEvent, *statuses: PqrStatus) -> Select[tuple[Pqr]]:
    """Return the SELECT of the cases of *event* in *statuses*, in order; the caller adds the reader's scope."""
    return select(Pqr).where(Pqr.mass_event_id == event.id, Pqr.status.in_(statuses)).order_by(Pqr.id)


def link(session: Session, pqr: Pqr, event: MassEvent | None) -> None:
    """
    Say that the case is about *event*, or about none. Nothing else of the case changes.

    Raises:
        MoveRefused: It is over, so it would be answered by nothing any more.
    """
    if pqr.status.is_final:
        raise MoveRefused(N_("The case is “%(status)s”: there is nothing left to answer."), status=pqr.status.value)
    pqr.mass_event = event
    session.flush()


def check_ready(event: MassEvent) -> None:
    """Refuse to answer with an event that does not say yet what was found, in which sense and in which words."""
    missing = {"solution": event.solution, "outcome": event.outcome, "answer_text": event.answer_text}
    name = next((name for name, said in missing.items() if not said or not str(said).strip()), "")
    if name:
        unsaid = N_("Write in the event what was found, the sense of the answer and its text; then it can be applied.")
        raise DomainError(unsaid, field=name)


def letter_for(event: MassEvent, pqr: Pqr) -> str:
    """
    Return the text of the event as the letter of *pqr* says it, once it is solved with the event.

    Raises:
        DomainError: The text names a field that does not exist.
    """
    said = {**fields_of(event), "solution": event.solution.strip()}
    if event.outcome:
        with force_locale(LANGUAGE):
            said["outcome"] = _(event.outcome.value)
    return answers.fill_template(event.answer_text, pqr, said).replace("\r\n", "\n").strip()


def solve(session: Session, event: MassEvent, pqr: Pqr, *, at: datetime, actor_id: int | None) -> None:
    """
    Record in the case what the event found, and draft its own letter; it waits for its approval as any other.

    A draft that the case had is replaced: whoever applies the event reads so before. One that it solved earlier gets the new text.

    Raises:
        DomainError: The event does not say yet what was found.
        IllegalMove, MoveRefused: The case is not in a process, cannot be solved now, or was solved otherwise.
    """
    check_ready(event)
    if pqr.status is not PqrStatus.SOLVED:
        arrow_for(Move.SOLVE, pqr.status)
        moves.solve(session, pqr, event.solution, event.outcome, at=at, actor_id=actor_id)
    elif (pqr.solution, pqr.outcome) != (event.solution.strip(), event.outcome):
        raise MoveRefused(N_("The case was solved otherwise than the event says. Return it first, or answer it by itself."))
    answers.save_draft(session, pqr, letter_for(event, pqr), actor_id)


def check_letter(event: MassEvent, pqr: Pqr) -> None:
    """Refuse to approve with the others a letter that says something else: nobody has read it."""
    if pqr.answer is None or pqr.answer.body != letter_for(event, pqr):
        raise MoveRefused(N_("Its letter is not the one of the event: read it and approve it on the page of the case."))


# ── One by one ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case: done, or the rule that refused it."""

    pqr_id: int
    number: str
    error: DomainError | None = None


def one_by_one(session: Session, pqrs: Iterable[Pqr], act: Callable[[Pqr], object]) -> list[Result]:
    """Do *act* to each case in a savepoint of its own; return what became of each. What was refused left nothing behind."""
    results = []
    for pqr in pqrs:
        pqr_id, number = pqr.id, pqr.number
        try:
            with session.begin_nested():
                act(pqr)
        except DomainError as error:
            results.append(Result(pqr_id, number, error))
        else:
            results.append(Result(pqr_id, number))
    return results
