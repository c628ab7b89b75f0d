"""Lawful stops of the clock, and the ends of a case without an answer (see docs/rules/pqr-states.md)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.states import Move
from app.models import Pqr
from app.operations import pqr as operations
from app.verbs.base import Said, Who, chosen_process, on_today, propose_process, verb

# ── The citizen completes ─────────────────────────────────────────────────────────────────────────────────────────────────


@verb(
    Move.REQUEST_COMPLETION, "on", "act", "reason",
    help=N_("The legal clock stops on the day the citizen is told. Write the date of that notice and the document."),
    prefill=on_today,
)  # fmt: skip
def request_completion(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.request_completion(session, pqr, said["reason"], said["act"], on=said["on"], **who)


def _on_today_to_its_process(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    form.on.data = today
    propose_process(session, pqr, form, today)


@verb(
    Move.COMPLETE, "on", "process_id", "reason",
    help=N_("The legal clock goes on with the days that were left, from the next working day."),
    prefill=_on_today_to_its_process,
)  # fmt: skip
def complete(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.complete(session, pqr, said["reason"], process=chosen_process(session, said), on=said["on"], **who)


@verb(Move.WITHDRAW, "reason", help=N_("A reasoned act, once the month of the citizen has passed."))
def withdraw(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.withdraw(session, pqr, said["reason"], **who)


# ── Evidence ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@verb(
    Move.ORDER_EVIDENCE, "on", "act", "reason",
    help=N_("The legal clock stops. The order must be a written act, told to the citizen before the term ends."),
    prefill=on_today,
)  # fmt: skip
def order_evidence(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.order_evidence(session, pqr, said["reason"], said["act"], on=said["on"], **who)


@verb(Move.CLOSE_EVIDENCE, "on", "reason", help=N_("The legal clock goes on with the days that were left."), prefill=on_today)
def close_evidence(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.close_evidence(session, pqr, said["reason"], on=said["on"], **who)


# ── Ends without an answer ────────────────────────────────────────────────────────────────────────────────────────────────


@verb(
    Move.TRANSFER, "act", "reason",
    help=N_("The case ends here; the competent body goes on. The citizen receives a copy of the letter."),
)  # fmt: skip
def transfer(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.transfer(session, pqr, said["reason"], said["act"], **who)


@verb(Move.VOID, "reason", help=N_("Only for a number given by mistake. The number stays, with your reason."))
def void(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.void(session, pqr, said["reason"], **who)
