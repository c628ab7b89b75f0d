"""From routing to the answer, and the close."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import documents, queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import Move, Outcome
from app.extensions import public_url
from app.models import Pqr
from app.operations import coverage, messages, notices
from app.operations import pqr as operations
from app.operations.decisions import outcomes_of
from app.verbs.base import NO_PROCESS, Said, Who, chosen_process, propose_process, required, verb


@verb(
    Move.ROUTE, "process_id", "user", "reason",
    help=N_("The case goes to that process and appears in its queue; the legal clock goes on."),
    prefill=propose_process,
)  # fmt: skip
def route(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    process = required(chosen_process(session, said), NO_PROCESS, "process")
    operations.route(session, pqr, process, said["reason"], user=said["user"], **who)
    messages.tell_routed(session, pqr, who["at"])


@verb(Move.RETURN_TO_DESK, "reason", help=N_("The case goes back to the front desk; the legal clock goes on."))
def return_to_desk(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.return_to_desk(session, pqr, said["reason"], **who)


# ── Solution and answer ───────────────────────────────────────────────────────────────────────────────────────────────────


def _its_outcomes(_session: Session, pqr: Pqr, form: Any) -> None:
    form.outcome.choices = [(outcome.name, _(outcome.value)) for outcome in outcomes_of(pqr)]


def _last_solution(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    if pqr.outcome:
        form.outcome.data, form.solution.data = pqr.outcome.name, pqr.solution
    form.earlier_number.data = pqr.previous.number if pqr.previous else ""


@verb(
    Move.SOLVE, "outcome", "earlier_number", "solution",
    help=N_("Write what was found and what was done. Then the answer is approved."),
    arrange=_its_outcomes,
    prefill=_last_solution,
)  # fmt: skip
def solve(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    outcome = Outcome[required(said["outcome"], N_("Choose the sense of the answer."), "outcome")]
    if outcome is Outcome.REFERRED and said["earlier_number"]:
        _point_at(session, pqr, said["earlier_number"])
    operations.solve(session, pqr, said["solution"], outcome, **who)


def _point_at(session: Session, pqr: Pqr, number: str) -> None:
    """Name the earlier case whose answer is repeated (Ley 1755 art. 19)."""
    queries.hold_calendar(session, pqr.organisation)  # before the case is locked, as every move does
    queries.lock(session, pqr)
    earlier = queries.case_by_number(session, number)
    if earlier is None:
        raise DomainError(N_("There is no case %(number)s."), field="earlier_number", number=number)
    pqr.previous = earlier


@verb(Move.RETURN_SOLUTION, "reason", help=N_("The case goes back to the process to be corrected."))
def return_solution(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.return_solution(session, pqr, said["reason"], **who)


def fingerprint(session: Session, pqr: Pqr) -> str:
    """Return what tells one wording of the draft, and of the replies to its points, from another; the page of the approval carries it."""
    if pqr.answer is None:
        return ""
    said = [pqr.answer.body, *(f"{point.asked}\n{point.reply}" for point in coverage.points_of(session, pqr))]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def _review(session: Session, pqr: Pqr) -> dict[str, Any]:
    return {"review": coverage.review_of(session, pqr, pqr.answer.body if pqr.answer else "")}


@verb(
    Move.ISSUE_ANSWER, "seen",
    help=N_(
        "The answer gets its number and becomes a letter that no longer changes. "
        "If the citizen accepted notices by e-mail, the link leaves at once."
    ),
    facts=_review,
    partial="issue_answer",
)  # fmt: skip
def issue_answer(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    """Approve and issue the answer that was read; with consent the link leaves by e-mail in the same transaction."""
    queries.hold_calendar(session, pqr.organisation)  # before the case is locked, as every move does
    queries.lock(session, pqr)
    if pqr.answer is not None:
        session.refresh(pqr.answer)
        if said["seen"] != fingerprint(session, pqr):
            raise DomainError(
                N_("The draft changed while you were reading it. This is what it says now: read it again and approve it.")
            )
    documents.issue_answer(session, pqr, session.get_one(User, who["actor_id"]), who["at"])
    if pqr.is_e_notice:
        notice = notices.start_e_notice(session, pqr, at=who["at"])
        messages.tell_answer(session, pqr, notice, public_url(f"/n/{notice.token}"), who["at"])


@verb(
    Move.CLOSE, "reason",
    help=N_("The answer becomes final. Before the term to appeal ends, write how the citizen waived it."),
)  # fmt: skip
def close(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.close(session, pqr, waiver=said["reason"], **who)
    messages.tell_closed(session, pqr, who["at"])
