"""
What the citizen is asked to complete or clarify, the evidence ordered, and the other lawful stops and ends of a case.

Each is an act: `documents.stops` issues it, and here it is judged by the law, recorded, and the clock moved. A request stops the
clock on the day it is *told*, never on the day it is issued. Terms are rows of the table of terms. See docs/rules/pqr-stops.md.
"""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import ClockEventKind, Deadline, TermAct, TermRule, deadline_of, extended, lengthened, rule_for, term_end
from app.domain.errors import DomainError, MoveRefused, TermMissing
from app.domain.states import (
    Identity,
    Move,
    PqrStatus,
    RequirementEnd,
    RequirementKind,
    arrow_for,
)
from app.extensions import local
from app.models import CaseEvent, Document, LegalTerm, Note, Pqr, Process, Requirement, StoredFile
from app.operations import pqr as moves
from app.operations.answers import LANGUAGE

#: The move that tells each kind to the citizen, and stops the clock.
TOLD = {
    RequirementKind.COMPLETION: Move.REQUEST_COMPLETION,
    RequirementKind.CLARIFICATION: Move.CLARIFY,
    RequirementKind.EVIDENCE: Move.ORDER_EVIDENCE,
}
#: The term that each gives to the citizen, once told; that of evidence stands in its order.
CITIZEN_TERM = {RequirementKind.COMPLETION: TermAct.COMPLETE, RequirementKind.CLARIFICATION: TermAct.CLARIFY}
#: Codes of the channels by which people ask by word of mouth: they are told at once who is competent (Ley 1755 art. 21).
VERBAL = ("VENTANILLA", "TELEFONO", "VERBAL")


def items_of(what: str) -> list[str]:
    """Return what is asked, one thing a line; bullets that people type are left out."""
    return [line for line in (line.strip().lstrip("-*•·").strip() for line in what.splitlines()) if line]


def rule_of(session: Session, pqr: Pqr, act: TermAct) -> TermRule:
    """Return the rule of *act* for a case: that of its regime and type, of the day it was filed. Raises TermMissing."""
    return rule_for(queries.term_rules(session), pqr.regime, act, pqr.request_type.code, pqr.filed_on)


def last_day(session: Session, pqr: Pqr, act: TermAct, start: date) -> tuple[date, TermRule]:
    """Return the last day of *act* when its term runs from *start*, with its rule. Raises TermMissing, CalendarGap."""
    rule = rule_of(session, pqr, act)
    return term_end(start, rule, queries.calendar_of(session, pqr.organisation)), rule


def open_of(session: Session, pqr: Pqr) -> Requirement | None:
    """Return the requirement of the case that has not ended, told or not; None when there is none."""
    return session.scalar(select(Requirement).where(Requirement.pqr_id == pqr.id, Requirement.ended_on.is_(None)))


def _hold(session: Session, pqr: Pqr) -> None:
    """Keep other writers off the case, in the order of every move."""
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)


def _day(on: date) -> str:
    return f"{on:%d/%m/%Y}"


# ── Issued ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_issue(session: Session, pqr: Pqr, kind: RequirementKind, what: str, on: date, until: date | None = None) -> None:
    """
    Refuse a request or order that the law does not allow on *on*; the case is held from here on.

    Args:
        until: Last day of the evidence stage, for an order.

    Raises:
        IllegalMove: The state of the case has no such stop.
        MoveRefused: Nothing is asked, nobody can be told, it was asked before, or its term has passed.
        TermMissing: The regime has no such term.

    Source: Ley 1755 de 2015, arts. 17 and 19; Ley 1581 de 2012, art. 15; Ley 142 de 1994, art. 158; CPACA, art. 79.
    """
    _hold(session, pqr)
    arrow_for(TOLD[kind], pqr.status)
    if not items_of(what):
        raise MoveRefused(N_("Write what is missing, unclear or to be proved, one thing a line."), field="what")
    if pqr.identity is Identity.ANONYMOUS:
        raise MoveRefused(N_("An anonymous case has nobody to ask, so the clock cannot stop. Answer with what there is."))
    _refuse_a_second(session, pqr, kind)
    moves.refuse_after_the_term(pqr, on)
    if kind is RequirementKind.COMPLETION:
        last, rule = last_day(session, pqr, TermAct.REQUEST_COMPLETION, pqr.effective_on)
        if on > last:
            raise MoveRefused(N_("It was possible to ask until %(last)s (%(norm)s)."), last=_day(last), norm=rule.norm)
    if kind is RequirementKind.EVIDENCE:
        _check_until(session, pqr, on, until)


def _refuse_a_second(session: Session, pqr: Pqr, kind: RequirementKind) -> None:
    """A request is not followed by another; an order of evidence may be, within the days of all of them together."""
    earlier = session.scalars(select(Requirement).where(Requirement.pqr_id == pqr.id)).all()
    known = next((row for row in earlier if row.kind is kind and kind is not RequirementKind.EVIDENCE), None)
    waiting = next((row for row in earlier if row.ended_on is None), None)
    if known is not None and known.told_on is not None:
        again = N_("The case had its request on %(told)s (%(number)s). The law allows one: no second request stops the clock.")
        raise MoveRefused(again, told=_day(known.told_on), number=known.document.number)
    if known is not None or waiting is not None:
        untold = N_("%(number)s is issued already and waits to be told to the citizen. Record how and when that was.")
        raise MoveRefused(untold, number=(known or waiting).document.number)  # type: ignore[union-attr]


def evidence_limit(session: Session, pqr: Pqr, start: date) -> tuple[date, TermRule]:
    """
    Return the last day that an evidence stage told on *start* may reach, with its rule: all stages of a case share its days.

    Raises:
        MoveRefused: They are spent.
        TermMissing: The regime has no evidence stage.
    """
    rule, calendar = rule_of(session, pqr, TermAct.EVIDENCE), queries.calendar_of(session, pqr.organisation)
    stages = select(Requirement).where(
        Requirement.pqr_id == pqr.id, Requirement.kind == RequirementKind.EVIDENCE, Requirement.ended_on.is_not(None)
    )
    spent = sum(_n_days(stage, calendar) for stage in session.scalars(stages))
    if spent >= rule.value:
        raise MoveRefused(N_("The %(n)s days for evidence are spent (%(norm)s)."), n=rule.value, norm=rule.norm)
    return calendar.add(start, rule.value - spent), rule


def _n_days(stage: Requirement, calendar: BusinessCalendar) -> int:
    return calendar.between(stage.told_on, stage.ended_on) if stage.told_on and stage.ended_on else 0


def _check_until(session: Session, pqr: Pqr, on: date, until: date | None) -> None:
    if until is None:
        raise MoveRefused(N_("Write the day on which the evidence stage ends: the order says it (CPACA art. 79)."), field="until")
    if until <= on:
        raise MoveRefused(N_("The evidence stage ends after the day of its order."), field="until")
    last, rule = evidence_limit(session, pqr, on)
    if until > last:
        late = N_("The evidence stages of a case last %(n)s days in all: until %(last)s (%(norm)s).")
        raise MoveRefused(late, field="until", n=rule.value, last=_day(last), norm=rule.norm)


def record_issue(
    session: Session, pqr: Pqr, kind: RequirementKind, what: str, document: Document, *, at: datetime, actor_id: int | None,
    until: date | None = None,
) -> Requirement:  # fmt: skip
    """Record that *document* asks the citizen, or orders evidence; return it, flushed. The clock runs on until it is told."""
    items = items_of(what)
    moves.make_move(session, pqr, Move.ISSUE_REQUEST, at=at, actor_id=actor_id, reason="; ".join(items), document=document)
    requirement = Requirement(
        pqr=pqr, kind=kind, what="\n".join(items), document=document, issued_on=local(at).date(),
        until_on=until if kind is RequirementKind.EVIDENCE else None,
    )  # fmt: skip
    session.add(requirement)
    session.flush()
    return requirement


# ── Told ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell(
    session: Session, requirement: Requirement, *, on: date, how: str, at: datetime, actor_id: int | None = None,
    proof: StoredFile | None = None,
) -> CaseEvent:  # fmt: skip
    """
    Record that the citizen was told: the clock stops on that day, with the act as its ground.

    Args:
        on: Day on which the citizen was told.
        how: By which means, who received it and how that is known; *proof* is its file, if there is one.

    Raises:
        IllegalMove: The case is no longer where it could stop.
        MoveRefused: Without proof, told before, earlier than its issue, in the future, or after the term had ended.
    """
    pqr = requirement.pqr
    _hold(session, pqr)
    session.refresh(requirement)
    arrow_for(TOLD[requirement.kind], pqr.status)
    number = requirement.document.number
    if requirement.told_on or requirement.ended_on:
        raise MoveRefused(N_("%(number)s was told to the citizen before."), number=number)
    if not how.strip():
        raise MoveRefused(N_("Told without proof is not told: say by which means, who received it and how that is known."), field="how")
    if on < requirement.issued_on:
        earlier = N_("%(number)s was issued on %(issued)s; the citizen cannot have been told earlier.")
        raise MoveRefused(earlier, field="on", number=number, issued=_day(requirement.issued_on))
    moves.refuse_after_the_term(pqr, on)
    until = _until(session, requirement, on)
    reason = "; ".join(items_of(requirement.what))
    event = moves.make_move(
        session, pqr, TOLD[requirement.kind], at=at, actor_id=actor_id, reason=reason, on=on, clock=ClockEventKind.STOPPED,
        document=requirement.document, after=_last_clock(pqr, requirement.issued_on),
    )  # fmt: skip
    requirement.told_on, requirement.told_how, requirement.proof_file, requirement.until_on = on, how.strip()[:200], proof, until
    session.flush()
    return event


def _last_clock(pqr: Pqr, issued_on: date) -> date:
    """Return the earliest day of a stop: paper travels while the case goes on, but two stops never cross."""
    return max([issued_on, *(event.on for event in moves.clock_events(pqr))])


def _until(session: Session, requirement: Requirement, on: date) -> date:
    """Return the last day of what is told on *on*."""
    if requirement.kind in CITIZEN_TERM:
        return last_day(session, requirement.pqr, CITIZEN_TERM[requirement.kind], on)[0]
    until = requirement.until_on
    if until is None or until <= on:
        past = N_("The evidence stage of %(number)s ended on %(until)s. Issue a new order.")
        raise MoveRefused(past, field="on", number=requirement.document.number, until=_day(until) if until else "—")
    return until


def opened(session: Session, document: Document, *, at: datetime, address: str) -> CaseEvent | None:
    """
    Return the stop that the citizen caused by opening the signed link of *document*, if it asks or orders something.

    A link that is opened too late, or when the case has gone on, stays a proof of access and stops nothing: None.
    """
    requirement = session.scalar(select(Requirement).where(Requirement.document_id == document.id))
    if requirement is None or requirement.told_on or requirement.ended_on:
        return None
    with force_locale(LANGUAGE):
        how = _("Notice by e-mail: the citizen opened the link at %(hour)s from %(address)s", hour=f"{local(at):%H:%M}", address=address)
    try:
        with session.begin_nested():
            return tell(session, requirement, on=local(at).date(), how=how, at=at)
    except DomainError:
        return None


# ── The citizen completes, asks for more time, or does not ────────────────────────────────────────────────────────────────


def _open_told(session: Session, pqr: Pqr, kind: RequirementKind) -> Requirement | None:
    """Return the requirement that stopped the case; None when it stopped before requirements were kept."""
    _hold(session, pqr)
    requirement = open_of(session, pqr)
    return requirement if requirement and requirement.kind is kind else None


def _lapses_on(requirement: Requirement) -> date | None:
    return requirement.extended_until or requirement.until_on


def extend_completion(session: Session, pqr: Pqr, reason: str, *, on: date | None = None, at: datetime, actor_id: int | None) -> CaseEvent:
    """
    Give the citizen as much time again, asked before the first ended (Ley 1755 art. 17); once.

    Raises:
        MoveRefused: It was extended before, or asked on *on* after the last day.
    """
    requirement, on = _open_told(session, pqr, RequirementKind.COMPLETION), on or local(at).date()
    arrow_for(Move.EXTEND_COMPLETION, pqr.status)
    if requirement is None or requirement.told_on is None or requirement.until_on is None:
        raise MoveRefused(N_("Only the time to complete a request can be extended."))
    if requirement.extended_until is not None:
        raise MoveRefused(N_("The time was extended before, until %(last)s. It is extended once."), last=_day(requirement.extended_until))
    rule = rule_of(session, pqr, TermAct.COMPLETE)
    if on > requirement.until_on:
        late = N_("The citizen could ask for more time until %(last)s (%(norm)s).")
        raise MoveRefused(late, field="on", last=_day(requirement.until_on), norm=rule.norm)
    until = _extended_end(session, pqr, rule, requirement.told_on)
    event = moves.make_move(
        session, pqr, Move.EXTEND_COMPLETION, at=at, actor_id=actor_id, reason=reason, on=on, document=requirement.document
    )
    requirement.extended_on, requirement.extended_until = on, until
    session.flush()
    return event


def complete_partly(session: Session, pqr: Pqr, came: str, *, on: date | None = None, at: datetime, actor_id: int | None) -> CaseEvent:
    """Record what the citizen brought of what was asked. The clock stays stopped until all of it came (Ley 1755 art. 17)."""
    requirement = open_of(session, pqr)
    document = requirement.document if requirement else None
    return moves.make_move(session, pqr, Move.COMPLETE_PARTLY, at=at, actor_id=actor_id, reason=came, on=on, document=document)


def complete(
    session: Session, pqr: Pqr, reason: str, *, at: datetime, actor_id: int | None, process: Process | None = None, on: date | None = None
) -> CaseEvent:
    """
    Record that the citizen completed or clarified: the clock goes on with the days that were left, from the next working day.

    Whoever completes after the last day, and before somebody declared the withdrawal, has completed.
    """
    _hold(session, pqr)
    requirement = open_of(session, pqr)
    event = moves.make_move(
        session, pqr, Move.COMPLETE, at=at, actor_id=actor_id, reason=reason, on=on, clock=ClockEventKind.RESUMED, process=process,
        document=requirement.document if requirement else None,
    )  # fmt: skip
    _end(session, requirement, RequirementEnd.MET, event.on)
    return event


def _end(session: Session, requirement: Requirement | None, ending: RequirementEnd, on: date) -> None:
    if requirement is not None:
        requirement.ending, requirement.ended_on = ending, on
        session.flush()


def count_again(session: Session) -> None:
    """Derive again the last day of what is asked of citizens, after a change of the calendar; that of evidence stands in its order."""
    asked = select(Requirement).where(
        Requirement.ended_on.is_(None), Requirement.told_on.is_not(None), Requirement.kind != RequirementKind.EVIDENCE
    )
    for requirement in session.scalars(asked.options(joinedload(Requirement.pqr).joinedload(Pqr.request_type))):
        pqr, told_on = requirement.pqr, requirement.told_on
        assert told_on is not None
        requirement.until_on, rule = last_day(session, pqr, CITIZEN_TERM[requirement.kind], told_on)
        if requirement.extended_until is not None:
            requirement.extended_until = _extended_end(session, pqr, rule, told_on)
    session.flush()


def _extended_end(session: Session, pqr: Pqr, rule: TermRule, told_on: date) -> date:
    """Return the last day of the citizen's time with as much again."""
    return term_end(told_on, lengthened(rule, rule, rule.value), queries.calendar_of(session, pqr.organisation))


def check_lapsed(session: Session, pqr: Pqr, kind: RequirementKind, on: date) -> Requirement | None:
    """
    Return the requirement that the citizen did not meet in time, the case held; None when the case stopped before they were kept.

    Raises:
        IllegalMove: The case does not wait for the citizen.
        MoveRefused: It waits for something else, or there is time left.
    """
    move = Move.WITHDRAW if kind is RequirementKind.COMPLETION else Move.ARCHIVE
    _hold(session, pqr)
    arrow_for(move, pqr.status)
    requirement = open_of(session, pqr)
    if requirement is None and kind is RequirementKind.CLARIFICATION:
        raise MoveRefused(N_("The case was not returned for clarification, so it cannot be archived for that."))
    if requirement is not None and requirement.kind is not kind:
        other = {
            RequirementKind.CLARIFICATION: N_("The case waits for a completion: when the time is over, it is declared withdrawn."),
            RequirementKind.COMPLETION: N_("The case waits for a clarification: when the time is over, it is archived."),
        }
        raise MoveRefused(other[kind])
    stop = next(event for event in reversed(pqr.events) if event.clock == ClockEventKind.STOPPED.name)
    last, rule = last_day(session, pqr, CITIZEN_TERM[kind], stop.on)
    last = (_lapses_on(requirement) if requirement else None) or last
    if on <= last:
        raise MoveRefused(N_("The citizen may complete until %(last)s (%(norm)s)."), last=_day(last), norm=rule.norm)
    return requirement


def withdraw(session: Session, pqr: Pqr, reason: str, document: Document, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """Declare the petition withdrawn by *document*: a reasoned act of a person, once the citizen's time is over (Ley 1755 art. 17)."""
    requirement = check_lapsed(session, pqr, RequirementKind.COMPLETION, local(at).date())
    event = moves.make_move(session, pqr, Move.WITHDRAW, at=at, actor_id=actor_id, reason=reason, document=document)
    _end(session, requirement, RequirementEnd.LAPSED, event.on)
    return event


def archive(session: Session, pqr: Pqr, reason: str, document: Document, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """Archive by *document* a petition that was returned and not clarified in time (Ley 1755 art. 19)."""
    requirement = check_lapsed(session, pqr, RequirementKind.CLARIFICATION, local(at).date())
    event = moves.make_move(session, pqr, Move.ARCHIVE, at=at, actor_id=actor_id, reason=reason, document=document)
    _end(session, requirement, RequirementEnd.LAPSED, event.on)
    return event


# ── The evidence stage ends ───────────────────────────────────────────────────────────────────────────────────────────────


def close_evidence(session: Session, pqr: Pqr, reason: str, *, at: datetime, actor_id: int | None, on: date | None = None) -> CaseEvent:
    """
    End the evidence stage; the clock goes on with the days that were left.

    Raises:
        MoveRefused: *on* is after the last day of the stage: the clock goes on from that day at the latest.
    """
    _hold(session, pqr)
    requirement, on = open_of(session, pqr), on or local(at).date()
    if requirement is not None and requirement.until_on is not None and on > requirement.until_on:
        late = N_("The evidence stage ended on %(until)s; the clock goes on from that day.")
        raise MoveRefused(late, field="on", until=_day(requirement.until_on))
    document = requirement.document if requirement else None
    event = moves.make_move(
        session, pqr, Move.CLOSE_EVIDENCE, at=at, actor_id=actor_id, reason=reason, on=on, clock=ClockEventKind.RESUMED, document=document
    )
    _end(session, requirement, RequirementEnd.CLOSED, event.on)
    return event


def end_overdue_evidence(session: Session, at: datetime) -> int:
    """End every evidence stage whose last day has passed, on that day: the nightly job. Return how many. The caller commits."""
    overdue = (
        select(Requirement)
        .join(Pqr, Pqr.id == Requirement.pqr_id)
        .where(
            Pqr.status == PqrStatus.EVIDENCE, Requirement.kind == RequirementKind.EVIDENCE, Requirement.ended_on.is_(None),
            Requirement.until_on < local(at).date(),
        )
        .order_by(Requirement.id)
    )  # fmt: skip
    rows = session.scalars(overdue).all()
    for requirement in rows:
        with force_locale(LANGUAGE):
            reason = _("The last day of the evidence stage was over")
        close_evidence(session, requirement.pqr, reason, at=at, actor_id=None, on=requirement.until_on)
    return len(rows)


# ── More time to answer ───────────────────────────────────────────────────────────────────────────────────────────────────


def check_extension(session: Session, pqr: Pqr, extra: int | None, told_on: date) -> tuple[TermRule, Deadline]:
    """
    Return the rule that allows *extra* more, and the deadline with it; the case is held from here on.

    Raises:
        IllegalMove: The case is answered, or its clock stands still.
        MoveRefused, DomainError: The regime has no extension, it was extended before, it is longer than allowed or told too late.

    Source: Ley 1755 de 2015, art. 14 par.; Ley 1581 de 2012, arts. 14 and 15. Ley 142 de 1994 has none.
    """
    _hold(session, pqr)
    arrow_for(Move.EXTEND, pqr.status)
    try:
        rule = rule_of(session, pqr, TermAct.EXTENSION)
    except TermMissing:
        raise MoveRefused(N_("This regime does not allow an extension of the answer.")) from None
    if pqr.n_extended:
        raise MoveRefused(N_("The term was extended before, by %(n)s. It is extended once."), n=pqr.n_extended)
    if pqr.due_on is None or told_on > pqr.due_on:
        raise MoveRefused(N_("The extension has to be told to the citizen before the term ends."), field="on")
    longer = extended(queries.rule_of(pqr.term), rule, extra or 0, told_on=told_on, due_on=pqr.due_on)
    calendar = queries.calendar_of(session, pqr.organisation)
    return rule, deadline_of(local(pqr.filed_at), longer, calendar, moves.clock_events(pqr))


def extend(
    session: Session, pqr: Pqr, extra: int, reason: str, document: Document, *, how: str, at: datetime, actor_id: int | None
) -> CaseEvent:
    """Lengthen the term by *extra*, told today by *document*, *how* says by which means; the dates are derived again."""
    if not how.strip():
        raise MoveRefused(N_("Told without proof is not told: say by which means, who received it and how that is known."), field="how")
    told_on = local(at).date()
    rule, _deadline = check_extension(session, pqr, extra, told_on)
    facts = {"n_extended": extra, "extension_term": session.get_one(LegalTerm, rule.id), "extension_told_on": told_on}
    act = f"{document.number} · {how.strip()}"[:200]
    event = moves.make_move(session, pqr, Move.EXTEND, at=at, actor_id=actor_id, reason=reason, act=act, document=document, **facts)
    moves.recompute_due(session, pqr)
    session.flush()
    return event


# ── Elsewhere ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def transfer_by(session: Session, pqr: Pqr) -> tuple[date, TermRule] | None:
    """Return the last day to transfer the case and its rule (Ley 1755 art. 21); None when its regime sets none."""
    try:
        return last_day(session, pqr, TermAct.TRANSFER, pqr.effective_on)
    except TermMissing:
        return None


def transfer(session: Session, pqr: Pqr, reason: str, document: Document, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """
    Send the petition to the competent body by *document*, and end it here (Ley 1755 art. 21).

    Late is flagged with a note and not refused: the petition still has to reach who can decide it.
    """
    event = moves.make_move(session, pqr, Move.TRANSFER, at=at, actor_id=actor_id, reason=reason, document=document)
    limit = transfer_by(session, pqr)
    if limit is not None and event.on > limit[0]:
        with force_locale(LANGUAGE):
            body = _("Transferred late: the term ended on %(last)s (%(norm)s).", last=_day(limit[0]), norm=limit[1].norm)
        session.add(Note(pqr_id=pqr.id, author_id=actor_id, body=body))
        session.flush()
    return event
