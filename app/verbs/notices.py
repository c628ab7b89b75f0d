"""How the answer reaches the citizen (see docs/rules/pqr-notices.md)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.states import Move
from app.extensions import local
from app.models import Pqr
from app.operations import pqr as operations
from app.verbs.base import Said, Who, on_today, stored_proof, verb


@verb(
    Move.NOTIFY, "on", "proof", "proof_file",
    help=N_("Write the date on which the citizen received the answer, and the proof."),
    prefill=on_today,
)  # fmt: skip
def notify(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    proof_file = stored_proof(session, pqr, said["proof_file"])
    served_on = said["on"] or local(who["at"]).date()
    operations.record_notice(session, pqr, served_on=served_on, proof=said["proof"], proof_file=proof_file, **who)
