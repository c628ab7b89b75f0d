"""The citizen disagrees with the answer (Ley 142 arts. 154, 159)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.states import Move
from app.models import Pqr
from app.operations import pqr as operations
from app.verbs.base import Said, Who, verb


@verb(Move.APPEAL, "reason", help=N_("The citizen disagrees and asked for a review in time."))
def appeal(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.record_appeal(session, pqr, said["reason"], **who)
