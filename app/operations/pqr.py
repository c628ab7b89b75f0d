"""
The life of a case: filing and every move, each with its row of history, its place in the baton ledger and its effect on the clock.

Who may make a move is asked by the screens (`domain.states.ARROWS` names the right); whether it is possible is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import (
    ClockEvent,
    ClockEventKind,
    Deadline,
    Regime,
    Step,
    TermAct,
    deadline_of,
    explain,
    regime_for,
    rule_for,
)
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import Category, Identity, Move, Outcome, PqrStatus, arrow_for
from app.extensions import local
from app.models import (
    Account,
    Assignment,
    CaseEvent,
    Channel,
    Consent,
    ConsentText,
    Document,
    Organisation,
    Party,
    Pqr,
    Process,
    RequestType,
    Service,
    SuiCause,
)
from app.operations import decisions, orders, webhooks
from app.operations.numbers import new_access_key, next_number

MAX_BODY = 20_000


@dataclass(slots=True)
class Filing:
    """
    What is known when somebody files. `submission` names the form that was sent: the same token is the same case.

    `regime` is set for a recurso only: it has the law of the decision that it is against.
    """

    organisation: Organisation
    request_type: RequestType
    channel: Channel
    subject: str
    body: str
    identity: Identity = Identity.NAMED
    party: Party | None = None
    account: Account | None = None
    service: Service | None = None
    cause: SuiCause | None = None
    is_priority: bool = False
    priority_reason: str | None = None
    is_e_notice: bool = False
    notice_email: str | None = None
    notice_address: str | None = None
    disputed_cop: Decimal | None = None
    invoice_number: str | None = None
    previous: Pqr | None = None
    regime: Regime | None = None
    submission: str | None = None
    consent_texts: Sequence[ConsentText] = field(default_factory=tuple)


# ── Filing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_pqr(session: Session, filing: Filing, *, at: datetime, actor_id: int | None = None) -> Pqr:
    """
    Store a new case with its number, key, legal dates, history and first holder (the front desk); return it, flushed.

    A `submission` that was used before returns the case it made, also when both requests run at the same moment.

    Raises:
        DomainError: The text is empty or too long, identity and party disagree, an e-notice has no address.
        TermMissing, CalendarGap: The legal date cannot be computed; nothing is guessed.
    """
    if filing.submission and (known := _by_submission(session, filing.submission)):
        return known
    _check(filing)
    queries.hold_calendar(session, filing.organisation)
    try:
        with session.begin_nested():
            return _store(session, filing, at, actor_id)
    except IntegrityError:
        # The other half of a double click committed first; anything else is a real error.
        known = _by_submission(session, filing.submission) if filing.submission else None
        if known is None:
            raise
        return known


def _by_submission(session: Session, submission: str) -> Pqr | None:
    return session.scalar(select(Pqr).where(Pqr.submission == submission))


def _check(filing: Filing) -> None:
    if not filing.subject.strip() or not filing.body.strip():
        raise DomainError(N_("Write what the request is about."), field="body")
    if len(filing.body) > MAX_BODY:
        raise DomainError(N_("The text has %(n)s characters; up to %(limit)s fit."), field="body", n=len(filing.body), limit=MAX_BODY)
    if (filing.party is None) != (filing.identity is Identity.ANONYMOUS):
        raise DomainError(N_("An anonymous request carries no name; any other needs to say who files it."), field="identity")
    if filing.is_e_notice and not filing.notice_email:
        raise DomainError(N_("To be notified by e-mail, write the e-mail address."), field="email")
    if filing.is_priority and not (filing.priority_reason or "").strip():
        raise DomainError(N_("Say why the request has priority."), field="priority_reason")


def _store(session: Session, filing: Filing, at: datetime, actor_id: int | None) -> Pqr:
    service = filing.service or (filing.account.service if filing.account else None)
    regime = filing.regime or _regime(filing.request_type, service, filing.organisation)
    filed_on = local(at).date()
    rule = rule_for(queries.term_rules(session), regime, TermAct.ANSWER, filing.request_type.code, filed_on)
    deadline = deadline_of(local(at), rule, queries.calendar_of(session, filing.organisation))
    desk = queries.front_desk(session)
    pqr = Pqr(
        **{name: getattr(filing, name) for name in _COPIED},
        subject=filing.subject.strip()[:200],
        service=service,
        status=PqrStatus.RECEIVED,
        regime=regime,
        filed_at=at,
        filed_on=filed_on,
        effective_on=deadline.effective_on,
        due_on=deadline.due_on,
        safe_on=deadline.safe_on,
        term_id=rule.id,
        term_value=rule.value,
        term_unit=rule.unit,
        term_count_from=rule.count_from,
        process_id=desk.id,
        access_key=new_access_key(),
    )
    pqr.number = next_number(session, filing.organisation.id, "PQR", filed_on.year)  # late: other writers wait from here on
    session.add(pqr)
    session.flush()
    filed = _write_event(session, pqr, Move.FILE, None, at, filed_on, actor_id)
    session.add(Assignment(pqr=pqr, process_id=desk.id, given_by_id=actor_id, in_at=at, in_on=filed_on))
    for text in filing.consent_texts:
        session.add(Consent(party_id=pqr.party_id, pqr_id=pqr.id, text=text, granted_at=at))
    session.flush()
    webhooks.emit(session, filed)
    return pqr


def _regime(request_type: RequestType, service: Service | None, organisation: Organisation) -> Regime:
    return regime_for(request_type.regime, service.regime if service else None, organisation.regime)


_COPIED = (
    "organisation", "request_type", "channel", "body", "identity", "party", "account", "cause", "is_priority", "priority_reason",
    "is_e_notice", "notice_email", "notice_address", "disputed_cop", "invoice_number", "previous", "submission",
)  # fmt: skip


# ── The clock of a case ───────────────────────────────────────────────────────────────────────────────────────────────────


def clock_events(pqr: Pqr) -> list[ClockEvent]:
    """Return the lawful stops and resumptions of the case, in order, as its history tells them."""
    return [
        ClockEvent(on=event.on, kind=ClockEventKind[event.clock], reason=event.reason, act=event.act)
        for event in pqr.events
        if event.clock is not None
    ]


def deadline_for(session: Session, pqr: Pqr) -> Deadline:
    """Return the deadline of the case, derived from its events and the rule of its filing date."""
    return deadline_of(local(pqr.filed_at), queries.rule_of_case(pqr), _calendar_for(session, pqr), clock_events(pqr))


def steps_for(session: Session, pqr: Pqr) -> tuple[Step, ...]:
    """Return the day-by-day reason of the deadline: the strip ¿Por qué esta fecha?"""
    return explain(local(pqr.filed_at), queries.rule_of_case(pqr), _calendar_for(session, pqr), clock_events(pqr))


def _calendar_for(session: Session, pqr: Pqr) -> BusinessCalendar:
    """Return the calendar that the case counts with: today's while it is open, and later the one of the day it was answered."""
    over = (Category.ANSWERED, Category.FINAL)
    if pqr.status.category in over:
        for event in pqr.events:
            if event.to_status.category in over:
                return queries.calendar_at(session, pqr.organisation, event.at)
    return queries.calendar_of(session, pqr.organisation)


def recompute_due(session: Session, pqr: Pqr) -> None:
    """Write `effective_on`, `due_on` and `safe_on` again from the events; in the transaction that changed one of them."""
    _write_dates(session, pqr, clock_events(pqr))


def _write_dates(session: Session, pqr: Pqr, events: list[ClockEvent]) -> None:
    with session.no_autoflush:
        queries.hold_calendar(session, pqr.organisation)
        calendar = queries.calendar_of(session, pqr.organisation)
        deadline = deadline_of(local(pqr.filed_at), queries.rule_of_case(pqr), calendar, events)
    for column, value in stored_dates(pqr.status, deadline).items():
        setattr(pqr, column, value)


def stored_dates(status: PqrStatus, deadline: Deadline) -> dict[str, Any]:
    """Return the columns of a case in *status* that materialise its deadline; nobody else decides them."""
    is_stopped = status.category is Category.STOPPED or status in (PqrStatus.WITHDRAWN, PqrStatus.ARCHIVED)
    return {
        "effective_on": deadline.effective_on,
        "due_on": None if is_stopped else deadline.due_on,
        "safe_on": None if is_stopped else deadline.safe_on,
        "n_days_left_when_stopped": deadline.remaining if is_stopped else None,
    }


# ── Moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write_event(
    session: Session,
    pqr: Pqr,
    move: Move,
    origin: PqrStatus | None,
    at: datetime,
    on: date,
    actor_id: int | None,
    **details: Any,
) -> CaseEvent:
    event = CaseEvent(
        pqr=pqr, at=at, on=on, actor_id=actor_id, move=move, from_status=origin, to_status=pqr.status, process_id=pqr.process_id, **details
    )
    session.add(event)
    return event


def make_move(
    session: Session,
    pqr: Pqr,
    move: Move,
    *,
    at: datetime,
    actor_id: int | None,
    reason: str = "",
    on: date | None = None,
    act: str = "",
    clock: ClockEventKind | None = None,
    document: Document | None = None,
    process: Process | None = None,
    user: User | None = None,
    after: date | None = None,
    **facts: Any,
) -> CaseEvent:
    """
    Make one move of the table: check it, write its history, hand the case over, set *facts*, and derive the dates again.

    Args:
        on: Local date on which the act took effect; today by default, never in the future nor before the last act.
        act, document: What backs it, in words and as issued by the system; lawful stops need one. The number of *document* is the act
            when no other is named.
        process, user: Who holds the case afterwards, when that changes.
        after: Earliest day of an act that was told on paper, which the case did not wait for; the last act of the case by default.

    Raises:
        IllegalMove: The state has no such arrow; names the possible ones.
        MoveRefused: A reason, act or date is missing or impossible.
    """
    queries.hold_calendar(session, pqr.organisation)  # before the row: a change of the calendar locks in this order too
    queries.lock(session, pqr)  # two people on one case: the second sees what the first did
    arrow = arrow_for(move, pqr.status)
    reason, act, on = reason.strip(), act.strip() or (document.number if document else ""), on or local(at).date()
    if arrow.needs_reason and not reason:
        raise MoveRefused(N_("Write the reason: it stays in the history of the case."), field="reason")
    if clock is ClockEventKind.STOPPED and not act:
        raise MoveRefused(N_("Only an act stops the legal clock. Name the document."), field="act")
    if on > local(at).date():
        raise MoveRefused(N_("That date is in the future."), field="on")
    last_on = after or session.scalar(select(CaseEvent.on).where(CaseEvent.pqr_id == pqr.id).order_by(CaseEvent.id.desc()).limit(1))
    if last_on and on < last_on:
        earlier = N_("The last act of the case is of %(last)s; this one cannot be earlier.")
        raise MoveRefused(earlier, field="on", last=f"{last_on:%d/%m/%Y}")
    origin = pqr.status
    events = clock_events(pqr) + ([ClockEvent(on=on, kind=clock, reason=reason, act=act)] if clock else [])
    pqr.status = arrow.target_from(origin)
    for name, value in facts.items():
        setattr(pqr, name, value)
    is_over = pqr.status.is_final and not origin.is_final
    if is_over:
        pqr.closed_on = on
    if clock:
        _write_dates(session, pqr, events)
    if is_over or process is not None:
        _hand_over(session, pqr, None if is_over else process, user, at, actor_id, reason, on if is_over else None)
    details = {"reason": reason, "act": act, "document": document, "clock": clock.name if clock else None}
    event = _write_event(session, pqr, move, origin, at, on, actor_id, **details)
    session.flush()
    webhooks.emit(session, event)
    return event


def _hand_over(
    session: Session,
    pqr: Pqr,
    process: Process | None,
    user: User | None,
    at: datetime,
    actor_id: int | None,
    reason: str,
    ended_on: date | None,
) -> None:
    """
    Close the open line of the baton ledger and open the next; no *process* means that nobody holds it any more, since *ended_on*: a
    case that became final by itself is nobody's from that day, though the job wrote it later.
    """
    with session.no_autoflush:
        open_line = session.scalar(select(Assignment).where(Assignment.pqr_id == pqr.id, Assignment.out_at.is_(None)))
    if open_line is not None:
        at = max(at, open_line.in_at)  # a clock that was put back does not make a line end before it began
        open_line.out_at, open_line.out_on = at, max(ended_on or local(at).date(), open_line.in_on)
    pqr.holder = user
    if process is not None:
        pqr.process, pqr.process_id = process, process.id
        session.flush()  # the old line ends before the next is written: only one may be open
        session.add(
            Assignment(
                pqr=pqr, process=process, user=user, given_by_id=actor_id, reason=reason, in_at=at, in_on=local(at).date()
            )
        )


def route(
    session: Session, pqr: Pqr, process: Process, reason: str, *, at: datetime, actor_id: int | None, user: User | None = None
) -> CaseEvent:
    """Give the case to a process, and to a person of it if named. Raises MoveRefused when that is where it already is."""
    if not process.is_active:
        raise MoveRefused(N_("The process %(process)s is not active."), field="process", process=process.name)
    if pqr.status is PqrStatus.ROUTED and pqr.process_id == process.id and pqr.holder_id == (user.id if user else None):
        raise MoveRefused(N_("The case is already with %(process)s."), field="process", process=process.name)
    return make_move(session, pqr, Move.ROUTE, at=at, actor_id=actor_id, reason=reason, process=process, user=user)


def return_to_desk(session: Session, pqr: Pqr, reason: str, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """Give the case back to the front desk. The legal clock goes on: an internal return never stops it."""
    desk = queries.front_desk(session)
    if pqr.process_id == desk.id:
        raise MoveRefused(N_("The case is already with %(process)s."), field="process", process=desk.name)
    return make_move(session, pqr, Move.RETURN_TO_DESK, at=at, actor_id=actor_id, reason=reason, process=desk)


def refuse_after_the_term(pqr: Pqr, on: date) -> None:
    """A stop after the due date would only hide a dead term, and its silence."""
    if pqr.due_on is not None and on > pqr.due_on:
        raise MoveRefused(N_("The term ended on %(due)s; the clock can only stop before that."), field="on", due=f"{pqr.due_on:%d/%m/%Y}")


def void(session: Session, pqr: Pqr, reason: str, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """Annul a number given by mistake. The number stays, with the reason; it is never used again."""
    return make_move(session, pqr, Move.VOID, at=at, actor_id=actor_id, reason=reason)


def solve(session: Session, pqr: Pqr, solution: str, outcome: Outcome, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """
    Record what was found and done, and its sense; the case waits for the approval of its answer.

    Raises:
        MoveRefused: No solution is written, its sense is not one of that kind of request, or an order of the case is to be done, or was
            not done and nobody excused it.
    """
    if not solution.strip():
        raise MoveRefused(N_("Write what was found and what was done."), field="solution")
    decisions.check_outcome(pqr, outcome)
    _check_orders(session, pqr)
    return make_move(
        session, pqr, Move.SOLVE, at=at, actor_id=actor_id, solution=solution.strip(), outcome=outcome, solved_on=local(at).date()
    )


def return_solution(session: Session, pqr: Pqr, reason: str, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """Return a solution to its process, with the reason."""
    return make_move(session, pqr, Move.RETURN_SOLUTION, at=at, actor_id=actor_id, reason=reason, solved_on=None)


def _check_orders(session: Session, pqr: Pqr) -> None:
    """Hold the case, so that nobody orders field work meanwhile, and refuse as `orders.check_answerable`."""
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    orders.check_answerable(session, pqr)


def mark_answered(session: Session, pqr: Pqr, *, at: datetime, actor_id: int | None) -> CaseEvent:
    """
    Record that the answer was issued; the baton returns to the front desk, which notifies. Called by `documents.issue_answer`.

    Raises:
        MoveRefused: An order of the case is to be done, or was not done and nobody excused it; or it takes back a recognised silence.
    """
    _check_orders(session, pqr)
    decisions.check_recognised(pqr, pqr.outcome)
    return make_move(
        session, pqr, Move.ISSUE_ANSWER, at=at, actor_id=actor_id, answered_on=local(at).date(), process=queries.front_desk(session)
    )


# ── Closing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def close(session: Session, pqr: Pqr, *, at: datetime, actor_id: int | None, waiver: str = "") -> CaseEvent:
    """
    Close the case: final once the term to appeal has passed, or when the citizen waived it, or when the appeal was decided.

    Raises:
        MoveRefused: The term is still running and no waiver is told, an appeal has no final decision, or Superservicios has to decide.
    """
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)  # whoever appeals at this moment comes before or after, not in between
    decisions.check_closable(session, pqr, waiver)
    on = local(at).date()
    if pqr.status is PqrStatus.NOTIFIED and pqr.appeal_until and on <= pqr.appeal_until and not waiver.strip():
        raise MoveRefused(
            N_("The citizen may appeal until %(last)s. To close before, write how the citizen waived it."),
            field="reason",
            last=f"{pqr.appeal_until:%d/%m/%Y}",
        )
    if pqr.status is PqrStatus.APPEALED and not waiver.strip():
        raise MoveRefused(N_("Write how the appeal was decided."), field="reason")
    return make_move(session, pqr, Move.CLOSE, at=at, actor_id=actor_id, reason=waiver)


# ── Corrections ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def reclassify(session: Session, pqr: Pqr, request_type: RequestType, service: Service | None) -> None:
    """
    Change the type or the service of a case. While it is open they choose its law anew: the term of its filing date is looked up
    again, and the dates follow.

    Raises:
        MoveRefused: The case is answered, an appeal, or its term was extended: it keeps its type and its law.
        TermMissing: That law has no term for that type.
    """
    queries.hold_calendar(session, pqr.organisation)
    is_open, is_other = pqr.status.category in (Category.OPEN, Category.STOPPED), request_type is not pqr.request_type
    if is_other and not is_open:
        raise MoveRefused(N_("An answered or closed case keeps its type."), field="request_type")
    if is_other and pqr.appeal:
        raise MoveRefused(N_("An appeal keeps its type: void it and file the request anew."), field="request_type")
    regime = _regime(request_type, service, pqr.organisation)
    is_other_term = is_open and not pqr.appeal and (is_other or regime is not pqr.regime)
    if is_other_term and pqr.n_extended:
        raise MoveRefused(N_("The citizen was told a longer term under the law of this type: the case keeps it."), field="request_type")
    pqr.service = service
    if not is_other_term:
        return
    rule = rule_for(queries.term_rules(session), regime, TermAct.ANSWER, request_type.code, pqr.filed_on)
    pqr.request_type, pqr.regime = request_type, regime
    pqr.term_id, pqr.term_value, pqr.term_unit, pqr.term_count_from = rule.id, rule.value, rule.unit, rule.count_from
    session.flush()
    session.refresh(pqr, ["term"])
    recompute_due(session, pqr)
    session.flush()
