"""
The positive silence of a case (Ley 142 art. 158): it arises by itself, is recognised by an act, or is withdrawn when it was none.

That it arose is derived (`domain.deadlines.silence_on`); the row keeps since when, until when it is to be recognised, and how it was.
See docs/rules/pqr-silence.md.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.deadlines import Regime, silence_on
from app.domain.errors import MoveRefused
from app.domain.notices import terms_of
from app.domain.silence import arisen, risk_days
from app.domain.states import ARROWS, Move, Outcome, PqrStatus, SilenceGround, arrow_for
from app.extensions import local
from app.models import CaseEvent, Document, FieldOrder, InvoiceChange, Notice, Pqr, Silence
from app.operations import notices
from app.operations import pqr as moves
from app.operations.notices import Chain

#: Silences that one night writes down.
MOST = 2000
_IN_FORCE = exists().where(Silence.pqr_id == Pqr.id, Silence.withdrawn_on.is_(None))


# ── It arises ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def arise(session: Session, at: datetime) -> int:
    """
    Write down every silence that arose and is not written yet; return how many. Asked every night, it says nothing twice.

    An answer that came after its term does not undo it. A case that was closed with all granted has nothing left to recognise. The
    newest go first and `MOST` at once, so that a house that brings old cases keeps nobody waiting: the rest follows on other nights.
    """
    today = local(at).date()
    found = select(Pqr).where(
        Pqr.regime == Regime.LEY142,
        Pqr.status.in_(ARROWS[Move.SILENCE].sources),
        Pqr.due_on < today,
        or_(Pqr.answered_on.is_(None), Pqr.answered_on > Pqr.due_on),
        or_(Pqr.status != PqrStatus.CLOSED, Pqr.outcome != Outcome.GRANTED),
        ~_IN_FORCE,
    )
    return sum(_arise(session, pqr, at) is not None for pqr in session.scalars(found.order_by(Pqr.due_on.desc(), Pqr.id).limit(MOST)).all())


def _arise(session: Session, pqr: Pqr, at: datetime) -> Silence | None:
    """Write the silence of one case, as it is once nobody else can change it; None when it has one, or none arose."""
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    if in_force(session, pqr) or not silence_on(pqr.due_on, local(at).date(), pqr.answered_on, pqr.regime) or not pqr.due_on:
        return None
    dates = arisen(pqr.due_on, queries.term_rules(session), queries.calendar_of(session, pqr.organisation))
    row = Silence(pqr_id=pqr.id, ground=SilenceGround.TERM, arisen_on=dates.on, recognise_by=dates.recognise_by)
    session.add(row)
    last_on = session.scalar(select(func.max(CaseEvent.on)).where(CaseEvent.pqr_id == pqr.id))
    moves.make_move(session, pqr, Move.SILENCE, at=at, actor_id=None, on=max(dates.on, last_on or dates.on))
    session.expire(pqr, ["silence"])
    return row


def in_force(session: Session, pqr: Pqr) -> Silence | None:
    """Return the silence of the case that was not withdrawn, asked anew."""
    return session.scalar(select(Silence).where(Silence.pqr_id == pqr.id, Silence.withdrawn_on.is_(None)))


# ── It was none ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def withdraw_unfounded(session: Session, at: datetime, reason: str = "", pqr_ids: Collection[int] | None = None) -> int:
    """
    Withdraw the silences that nobody recognised and that the dates of their cases no longer tell; return how many.

    A calendar that moved the term later, or a type of another regime, does that; a stop cannot, for it never revives a term that
    ended. The row and its history stay, with *reason*. What was recognised was told to the citizen and stands.

    Args:
        pqr_ids: The cases to look at; all that have a silence when None.
    """
    awaited = select(Silence).where(Silence.withdrawn_on.is_(None), Silence.recognised_on.is_(None), Silence.ground == SilenceGround.TERM)
    rows = [row for row in session.scalars(awaited.order_by(Silence.id)) if pqr_ids is None or row.pqr_id in pqr_ids]
    return sum(_withdraw(session, row, at, reason) for row in rows)


def _withdraw(session: Session, row: Silence, at: datetime, reason: str) -> bool:
    pqr, today = row.pqr, local(at).date()
    due_on = moves.deadline_for(session, pqr).due_on
    if silence_on(due_on, today, pqr.answered_on, pqr.regime) or pqr.status not in ARROWS[Move.LIFT_SILENCE].sources:
        return False
    row.withdrawn_on = today
    row.withdrawn_reason = (reason or N_("The term of the case no longer ends when it was thought to end."))[:240]
    moves.make_move(session, pqr, Move.LIFT_SILENCE, at=at, actor_id=None, reason=row.withdrawn_reason)
    session.expire(pqr, ["silence"])
    return True


def keep_up(session: Session, at: datetime) -> int:
    """Do what a night brings about: withdraw what was no silence, write down what became one. Return how many rows moved."""
    return withdraw_unfounded(session, at) + arise(session, at)


# ── It is recognised ──────────────────────────────────────────────────────────────────────────────────────────────────────


def to_recognise(session: Session, pqr: Pqr, at: datetime) -> Silence:
    """
    Return the silence of the case that an act may recognise now; the case is held until the transaction ends.

    It need not wait for the night that writes it down. An answer in time that was not duly notified may be recognised too: whoever
    does, judges that the notice does not count.

    Raises:
        IllegalMove: The state of the case knows none.
        MoveRefused: None arose, or it is recognised already.
    """
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    arrow_for(Move.RECOGNISE, pqr.status)
    row = in_force(session, pqr) or _arise(session, pqr, at)
    if row is None and pqr.answered_on:
        row = _of_notice(session, pqr, at)
    if row is None:
        raise MoveRefused(N_("No positive silence has arisen in this case, so there is nothing to recognise (Law 142, art. 158)."))
    queries.lock(session, row)
    if row.recognised_on and row.document:
        again = N_("The silence was recognised on %(on)s by %(number)s. It is recognised once.")
        raise MoveRefused(again, on=f"{row.recognised_on:%d/%m/%Y}", number=row.document.number)
    return row


def _of_notice(session: Session, pqr: Pqr, at: datetime) -> Silence | None:
    """Write the silence of an answer that was not duly notified, on the day on which somebody decides so; None when it was."""
    today = local(at).date()
    if not is_at_risk(pqr, notices.chain_of(session, pqr, today, queries.case_acts(session, pqr))):
        return None
    row = Silence(pqr_id=pqr.id, ground=SilenceGround.NOT_NOTIFIED, arisen_on=today, recognise_by=today)
    session.add(row)
    session.flush()
    return row


def mark_recognised(
    session: Session,
    row: Silence,
    grants: str,
    document: Document,
    *,
    at: datetime,
    actor_id: int | None,
    order: FieldOrder | None = None,
    change: InvoiceChange | None = None,
) -> CaseEvent:
    """
    Record that *document* recognised the silence, what it grants, and what carries it out; return the line of history.

    The case goes on as it was: it is still answered and notified, late, and the history says so.
    """
    row.recognised_on, row.grants, row.document = local(at).date(), check_grants(grants), document
    row.order, row.change = order, change
    session.flush()
    event = moves.make_move(session, row.pqr, Move.RECOGNISE, at=at, actor_id=actor_id, reason=row.grants, document=document)
    session.expire(row.pqr, ["silence"])
    return event


def check_grants(grants: str) -> str:
    """Return what is granted, tidied. Raises MoveRefused when it says nothing: an act that orders nothing recognises nothing."""
    if not grants.strip():
        raise MoveRefused(N_("Write what is granted: the recognition orders what the citizen asked for."), field="grants")
    return grants.strip()


# ── The risk ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def risk_condition(session: Session, today: date) -> ColumnElement[bool]:
    """
    Return the condition of the cases that were answered in time and are not notified, although the terms to do so have passed.

    Nothing was sent within the term of the summons, or it was, and the aviso that follows the term to appear is late. A step that was
    made late is not found here: the page of the case says it (`is_at_risk`).

    Raises:
        CalendarGap: The days before *today* are of a year that is not loaded.
    """
    terms = terms_of(queries.term_rules(session), Regime.LEY142, today)
    if terms is None:
        return Pqr.id.is_(None)
    days = risk_days(terms, queries.calendar_of(session, queries.organisation(session)), today)
    was_tried = exists().where(Notice.pqr_id == Pqr.id)
    return and_(
        Pqr.status == PqrStatus.ANSWERED,
        Pqr.regime == Regime.LEY142,
        Pqr.answered_on <= Pqr.due_on,
        or_(Pqr.answered_on <= days.unserved, and_(Pqr.answered_on <= days.untried, ~was_tried)),
    )


def is_at_risk(pqr: Pqr, chain: Chain | None) -> bool:
    """Say whether the answer came in time, and a step of its notice did not or does not (Ley 142 art. 158; CPACA arts. 67 to 69)."""
    is_in_time = pqr.answered_on is not None and pqr.due_on is not None and pqr.answered_on <= pqr.due_on
    return chain is not None and chain.is_late and is_in_time and pqr.regime is Regime.LEY142
