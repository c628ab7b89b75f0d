"""What the decision on a recurso may say, and what an appeal holds open. The steps of an appeal are in `appeals.py`."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain import appeals as law
from app.domain.appeals import NORM_OF_FINALITY
from app.domain.deadlines import TermAct, rule_for, term_end
from app.domain.errors import MoveRefused
from app.domain.states import (
    APPEAL_OUTCOMES,
    FIRST_OUTCOMES,
    AnswerStatus,
    AppealKind,
    Category,
    Inadmissibility,
    Outcome,
    PqrStatus,
    states_in,
)
from app.models import Appeal, Pqr

#: Request type of the case that each kind of recurso makes.
TYPE_OF = {AppealKind.REPOSICION: "RECURSO", AppealKind.REPOSICION_APELACION: "RECURSO_APELACION"}
KIND_OF = {code: kind for kind, code in TYPE_OF.items()}


def outcomes_of(pqr: Pqr) -> tuple[Outcome, ...]:
    """Return the senses that the answer of the case may have: recursos are decided with words of their own; a late one is rejected."""
    if pqr.appeal is None:
        return APPEAL_OUTCOMES if pqr.request_type.code in KIND_OF else FIRST_OUTCOMES
    is_open = pqr.appeal.is_timely or _is_recognised(pqr)  # whose silence was recognised is granted, late or not
    return APPEAL_OUTCOMES if is_open else (Outcome.REJECTED,)


#: Senses that give the citizen what was asked.
_GRANTS = (Outcome.GRANTED, Outcome.REVOKED)


def _is_recognised(pqr: Pqr) -> bool:
    return pqr.silence is not None and pqr.silence.recognised_on is not None


def check_recognised(pqr: Pqr, outcome: Outcome | None) -> None:
    """Raise MoveRefused when the answer takes back what the recognition of the silence granted (CPACA, art. 97)."""
    silence = pqr.silence
    if silence is not None and _is_recognised(pqr) and outcome not in _GRANTS:
        msgid = N_(
            "The silence was recognised on %(on)s, and what it granted is not taken back without the citizen's consent "
            "(CPACA, art. 97): the answer grants."
        )
        raise MoveRefused(msgid, field="outcome", on=f"{silence.recognised_on:%d/%m/%Y}")


def check_outcome(pqr: Pqr, outcome: Outcome) -> None:
    """Raise MoveRefused when the answer of the case cannot have that sense."""
    check_recognised(pqr, outcome)
    possible = outcomes_of(pqr)
    if outcome is Outcome.REFERRED:
        check_reference(pqr)
    if outcome in possible:
        return
    if possible == (Outcome.REJECTED,):
        late = N_("The appeal was filed after its term: its decision rejects it (%(norm)s).")
        raise MoveRefused(late, field="outcome", norm=law.NORM_OF[Inadmissibility.LATE])
    if outcome.is_of_appeal:
        raise MoveRefused(N_("Only the decision on an appeal confirms, modifies, revokes or rejects."), field="outcome")
    raise MoveRefused(N_("The decision on an appeal confirms, modifies, revokes or rejects (CPACA, arts. 78 and 80)."), field="outcome")


def check_reference(pqr: Pqr) -> None:
    """
    Refuse an answer that refers to an earlier one which does not exist; `pqr.previous` is the case that has it.

    Source: Ley 1755 de 2015, art. 19.
    """
    earlier = pqr.previous
    if earlier is None:
        raise MoveRefused(N_("Write the number of the earlier case whose answer is repeated."), field="earlier_number")
    if earlier.id == pqr.id or earlier.filed_at > pqr.filed_at:
        raise MoveRefused(N_("The earlier case has to be earlier."), field="earlier_number")
    if earlier.answer is None or earlier.answer.status is not AnswerStatus.ISSUED:
        unanswered = N_("%(number)s has no answer yet, so nothing can be referred to it.")
        raise MoveRefused(unanswered, field="earlier_number", number=earlier.number)
    if earlier.party_id != pqr.party_id:
        other = N_("%(number)s is of somebody else. Only a request that the same person repeats is referred to its answer.")
        raise MoveRefused(other, field="earlier_number", number=earlier.number)


def decision_served(session: Session, pqr: Pqr, on: date) -> date | None:
    """
    Write until when the file of a decision served on *on* goes to Superservicios; return the last day of a queja, if it admits one.

    Source: Ley 142 de 1994, art. 159; CPACA, art. 74.
    """
    appeal, outcome = pqr.appeal, pqr.outcome
    assert appeal is not None and outcome is not None
    rules, calendar = queries.term_rules(session), queries.calendar_of(session, pqr.organisation)
    if law.goes_to_sspd(appeal.kind, outcome):
        appeal.sspd_due_on = term_end(on, rule_for(rules, pqr.regime, TermAct.SEND_TO_SSPD, None, on), calendar)
    queja = rule_for(rules, pqr.regime, TermAct.QUEJA_APPEAL, None, on)
    return law.decision_open_until(appeal.kind, outcome, on, queja, calendar)


def may_go_to_sspd(pqr: Pqr) -> bool:
    """Say whether the file of the case may go to Superservicios: an apelación, or the queja against its rejection, decided and served."""
    appeal, outcome = pqr.appeal, pqr.outcome
    if appeal is None or outcome is None or pqr.status is not PqrStatus.NOTIFIED:
        return False
    return law.goes_to_sspd(appeal.kind, outcome) or law.admits_queja(appeal.kind, outcome)


def check_file(pqr: Pqr) -> Appeal:
    """
    Return the appeal of the case, whose file may be made and sent.

    Raises:
        MoveRefused: It is no apelación, its decision grants it all or is not served, or the file was sent.
    """
    appeal = pqr.appeal
    if appeal is None or not may_go_to_sspd(pqr):
        raise MoveRefused(
            N_(
                "Only the file of a subsidiary apelación goes to Superservicios, once the decision that does not grant it all is served "
                "(Law 142, art. 159)."
            )
        )
    if appeal.sspd_sent_on is not None:
        sent = N_("The file was sent on %(sent)s; what was sent does not change.")
        raise MoveRefused(sent, sent=f"{appeal.sspd_sent_on:%d/%m/%Y}")
    return appeal


def waits_for_sspd(pqr: Pqr) -> bool:
    """Say whether the case waits for the result of Superservicios: it has to go there, or went, and none is recorded."""
    appeal, outcome = pqr.appeal, pqr.outcome
    if appeal is None or outcome is None or appeal.sspd_result is not None:
        return False
    return appeal.sspd_sent_on is not None or law.goes_to_sspd(appeal.kind, outcome)


def check_closable(session: Session, pqr: Pqr, waiver: str) -> None:
    """
    Refuse to close by hand what an appeal holds open.

    Raises:
        MoveRefused: An appeal in time has no final decision, or the decision waits for Superservicios.
    """
    alive = select(Pqr.number).join(Appeal, Appeal.pqr_id == Pqr.id)
    of_this = alive.where(Appeal.against_id == pqr.id, Appeal.is_timely, Pqr.status.not_in(states_in(Category.FINAL)))
    number = session.scalar(of_this.limit(1))
    if number is not None:
        running = N_("The appeal %(number)s is not final yet, so neither is this answer (%(norm)s).")
        raise MoveRefused(running, number=number, norm=NORM_OF_FINALITY)
    is_given_up = bool(waiver.strip()) and pqr.appeal is not None and pqr.appeal.sspd_sent_on is None
    if waits_for_sspd(pqr) and not is_given_up:
        raise MoveRefused(
            N_("The apelación waits for the result of Superservicios. If the petitioner gave it up before the file left, write how.")
        )
