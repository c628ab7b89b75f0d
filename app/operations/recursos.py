"""What a letter says about recursos: before whom, until when, and how; and which letters say nothing (see docs/rules/answers.md)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app import queries
from app.domain import N_, appeals
from app.domain.errors import DomainError
from app.domain.states import Outcome
from app.models import Pqr
from app.operations.notices import admits_recursos

#: The parameters that `recursos_text` reads.
KEYS = ("appeal.types", "text.appeal", "text.appeal.decision_final", "text.appeal.decision_sspd", "text.appeal.decision_queja")


def recursos_text(session: Session, pqr: Pqr, known: Mapping[str, str] | None = None) -> str:
    """
    Return the paragraph on recursos that the letter of the case prints; empty when none is due.

    Args:
        known: The parameters KEYS, by whoever has them already.

    Raises:
        DomainError: The text is due and nobody loaded it: a letter without it is defective (CPACA art. 67). It names the parameter.
    """
    known = queries.parameters(session, KEYS) if known is None else known
    if pqr.appeal is not None:
        key = _key_of_decision(pqr)
    elif admits_recursos(session, pqr, known.get("appeal.types", "")):
        key = "text.appeal"
    else:
        return ""
    text = known.get(key, "")
    if not text.strip():
        msgid = N_("The text on appeals is missing. An administrator has to write it in Parameters, under %(key)s.")
        raise DomainError(msgid, key=key)
    return text


def _key_of_decision(pqr: Pqr) -> str:
    """
    Return the text for the decision of a recurso: apelación goes on by itself unless all was granted; its rejection admits queja.

    Before anybody wrote how it is decided, the text is that of a decision that confirms.

    Source: Ley 142 de 1994, arts. 154 and 159; CPACA, art. 74.
    """
    assert pqr.appeal is not None
    outcome = pqr.outcome or Outcome.CONFIRMED
    if appeals.goes_to_sspd(pqr.appeal.kind, outcome):
        return "text.appeal.decision_sspd"
    return "text.appeal.decision_queja" if appeals.admits_queja(pqr.appeal.kind, outcome) else "text.appeal.decision_final"
