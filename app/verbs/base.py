"""
What a verb is, and the table of them: how the page of a move asks, and which operation it calls.

Where a move leads and with which right stands in `domain.states.ARROWS`; `desk` shows the page, asks the right and commits.
A verb reads no clock: `who` brings `at` and `actor_id`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import Move, Visibility
from app.models import Pqr, Process, StoredFile
from app.operations import files

#: What the form says, by the name of the field; a text that is missing is empty.
Said = dict[str, Any]
#: `at` and `actor_id`, as every operation takes them.
Who = dict[str, Any]
#: (session, pqr, said, who); raises DomainError with the field that has to change. The caller commits.
Run = Callable[[Session, Pqr, Said, Who], Any]
#: (session, pqr, form, today): gives the empty form its starting values.
Prefill = Callable[[Session, Pqr, Any, date], None]
#: (session, pqr, form): gives the form its choices and its own labels, before it is read.
Arrange = Callable[[Session, Pqr, Any], None]
#: (pqr): whether the page of the case offers the move; the operation refuses what it must not do all the same.
Fits = Callable[[Pqr], bool]
#: (session, pqr): what the part of the page reads, by name.
Facts = Callable[[Session, Pqr], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Verb:
    """
    The page of one move.

    Attributes:
        fields: Fields of `forms.MoveForm` that it shows, in order.
        help: Msgid of what happens, in a sentence or two.
        partial: Name of the template `case/_move_<partial>.html` shown below the fields; none when empty.
    """

    move: Move
    fields: tuple[str, ...]
    run: Run
    help: str
    arrange: Arrange | None = None
    prefill: Prefill | None = None
    facts: Facts | None = None
    fits: Fits | None = None
    partial: str = ""


VERBS: dict[Move, Verb] = {}


def verb(move: Move, *fields: str, help: str, **parts: Any) -> Callable[[Run], Run]:
    """Put the decorated function into the table as what makes *move*."""

    def keep(run: Run) -> Run:
        VERBS[move] = Verb(move, fields, run, help, **parts)
        return run

    return keep


# ── What several verbs do with their form ─────────────────────────────────────────────────────────────────────────────────


def on_today(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    """Start the date of the act with today."""
    form.on.data = today


def propose_process(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    """Start the process with the one that attends that kind of request."""
    if pqr.request_type.default_process_id:
        form.process_id.data = pqr.request_type.default_process_id


def chosen_process(session: Session, said: Said) -> Process | None:
    """Return the process that was chosen, if any."""
    return session.get(Process, said["process_id"]) if said["process_id"] else None


def stored_proof(session: Session, pqr: Pqr, uploads: Any, description: str = "") -> StoredFile | None:
    """
    Store the uploaded proof for the staff; return its first file, flushed, or None when nothing was sent.

    Raises:
        DomainError: A file is too big, empty or of a kind that is not taken.
    """
    checked = files.check_uploads(uploads)
    kept = {"pqr": pqr, "visibility": Visibility.STAFF, "description": description or _("Proof of notice")}
    return next(iter([files.store_file(session, item, **kept) for item in checked]), None)


def required(value: Any, message: str, field: str) -> Any:
    """Return *value*, or refuse the form with *message* beside *field*."""
    if not value:
        raise DomainError(message, field=field)
    return value


NO_PROCESS = N_("Choose the process that will attend it.")
