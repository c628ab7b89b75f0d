"""
What the PQR report selects: which cases, what each lacks of its proof, and what its figures are made of (docs/rules/pqr-report.md).

The list of cases filters by the same conditions, so that a figure and the list behind it cannot disagree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import reduce
from operator import add, or_
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app import queries
from app.days import to_recognise
from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.states import DocumentKind, MessageStatus, OrderStatus, PqrStatus
from app.domain.times import NOT_COUNTED, Timeliness
from app.models import (
    Account,
    Assignment,
    CalendarDay,
    CaseEvent,
    Channel,
    Document,
    FieldOrder,
    Notice,
    OutboxMessage,
    Party,
    Pqr,
    Process,
    Rating,
    RequestType,
    Requirement,
    Service,
    Silence,
    StoredFile,
    SuiCause,
)
from app.queries import TimesFilter
from app.reports.forms import Span
from app.tally import FOLDS

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases the report is of: those whose date `by` (of `queries.PERIODS`) lies in the span; empty keys mean all."""

    by: str
    span: Span
    process_id: int | None = None
    request_type_id: int | None = None
    service_id: int | None = None
    channel_id: int | None = None


def cases(wanted: Wanted, today: date, *columns: Any) -> Select[Any]:
    """Return the SELECT of *columns* of the cases of *wanted*; the caller adds the reader's scope, the order and the limit."""
    times = TimesFilter(wanted.by, wanted.span.since, wanted.span.until, wanted.process_id, wanted.request_type_id)
    statement = queries.response_times(times, today, *columns)
    for column, key in ((Pqr.service_id, wanted.service_id), (Pqr.channel_id, wanted.channel_id)):
        if key is not None:
            statement = statement.where(column == key)
    return statement


# ── What is missing ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Gap(Enum):
    """A proof of the attention that a case should have by now, and has not. Nobody owes a RATING: the citizen gives it or not."""

    RECEIPT = N_("Without acknowledgement of receipt")
    DOCUMENT = N_("Answered without the document of the answer")
    NOTICE = N_("Answered, and not notified yet")
    PROOF = N_("Notified without a file that proves it")
    EVIDENCE = N_("Answered without evidence of what was done")
    RATING = N_("Closed without the citizen's rating")


OWED = tuple(gap for gap in Gap if gap is not Gap.RATING)
LETTERS_OF_ANSWER = (DocumentKind.ANSWER, DocumentKind.RECOGNITION)
#: What was registered before in another system has its papers there.
IS_OURS = Pqr.source.is_(None)
IS_ALIVE = Pqr.status != PqrStatus.VOIDED


def _has(model: Any, *conditions: Any) -> Condition:
    return select(model.id).where(model.pqr_id == Pqr.id, *conditions).correlate(Pqr).exists()


def _is_letter() -> Condition:
    return select(Document.id).where(Document.file_id == StoredFile.id).correlate(StoredFile).exists()


#: Files that the staff put on the case; what the citizen sent asks, and what the system issued tells.
_EVIDENCE_FILE = and_(StoredFile.created_by_id.is_not(None), ~_is_letter())
_PROVED = (Notice.proof_file_id.is_not(None), Notice.paper_id.is_not(None), Notice.opened_at.is_not(None))


def owes(gap: Gap) -> Condition:
    """Return the condition of the cases that should have what *gap* names."""
    match gap:
        case Gap.RECEIPT:
            return and_(IS_OURS, IS_ALIVE)
        case Gap.PROOF:
            return and_(IS_OURS, Pqr.notified_on.is_not(None))
        case Gap.RATING:
            return and_(IS_OURS, Pqr.status == PqrStatus.CLOSED)
    return and_(IS_OURS, Pqr.answered_on.is_not(None))


def _proof_of(gap: Gap) -> Condition:
    match gap:
        case Gap.RECEIPT:
            told = _has(OutboxMessage, OutboxMessage.event == "filed", OutboxMessage.status == MessageStatus.SENT)
            return or_(_has(Document, Document.kind == DocumentKind.RECEIPT), told)
        case Gap.DOCUMENT:
            return _has(Document, Document.kind.in_(LETTERS_OF_ANSWER))
        case Gap.NOTICE:
            return Pqr.notified_on.is_not(None)
        case Gap.PROOF:
            return _has(Notice, Notice.document_id.is_(None), Notice.served_on.is_not(None), reduce(or_, _PROVED))
        case Gap.EVIDENCE:
            return or_(_has(StoredFile, _EVIDENCE_FILE), _has(FieldOrder, FieldOrder.status == OrderStatus.DONE))
        case Gap.RATING:
            return _has(Rating)


def lacks(gap: Gap) -> Condition:
    """Return the condition of the cases that should have what *gap* names and do not."""
    return and_(owes(gap), ~_proof_of(gap))


def lacks_some() -> Condition:
    """Return the condition of the cases that lack something that is owed."""
    return reduce(or_, (lacks(gap) for gap in OWED))


def is_whole() -> Condition:
    """Return the condition of the cases that count and lack nothing that is owed."""
    return and_(IS_ALIVE, ~lacks_some())


def _bits(conditions: Any) -> ColumnElement[int]:
    """Return one number that says which of (gap, condition) hold."""
    return reduce(add, (case((condition, 1 << n), else_=0) for n, condition in enumerate(conditions)))


def gaps_in(bits: int) -> list[Gap]:
    """Return the gaps that a number of `facts` or `proof_lines` says."""
    return [gap for n, gap in enumerate(Gap) if bits & 1 << n]


# ── By how much ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_MONDAY = date(1900, 1, 1)


def _ordinal(day: Any, is_postgresql: bool) -> ColumnElement[int]:
    """Return the days from a Monday long ago to *day*."""
    if is_postgresql:
        return type_coerce(cast(day, Date).op("-")(cast(literal(_MONDAY, Date), Date)), Integer)
    return cast(func.julianday(day) - func.julianday(literal(_MONDAY, Date)), Integer)


def working_days(session: Session, after: Any, until: Any, week: Collection[int]) -> ColumnElement[int]:
    """
    Return the expression of the working days after one day and up to another: what `BusinessCalendar.between` counts.

    Args:
        week: The weekdays on which the office works, Monday 0; holidays and closures are read of the calendar.
    """
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    first, last, off_on = (_ordinal(day, is_postgresql) for day in (after, until, CalendarDay.on))
    worked = [(last - weekday + 7) // 7 - (first - weekday + 7) // 7 for weekday in sorted(week)]
    off = select(func.count()).select_from(CalendarDay).where(CalendarDay.on > after, CalendarDay.on <= until, (off_on % 7).in_(week))
    return reduce(add, worked) - off.correlate(Pqr).scalar_subquery()


def late_within(session: Session, band: tuple[int, int | None], today: date, calendar: BusinessCalendar) -> Condition:
    """Return the condition of the cases that are late by as many business days as *band* says: so far, while they have no answer."""
    least, most = band
    n = working_days(session, Pqr.due_on, func.coalesce(Pqr.answered_on, literal(today, Date)), calendar.working_week)
    conditions = [queries.timeliness_on(today) == Timeliness.LATE]
    conditions += [n >= least] if least > 1 else []  # an answer on the Saturday after a Friday is one day late
    conditions += [n <= most] if most else []
    return and_(*conditions)


# ── What the figures are made of ──────────────────────────────────────────────────────────────────────────────────────────


def _first_routed() -> ColumnElement[date]:
    """Return the day on which a case first left the process where it was filed."""
    line, filing = aliased(Assignment), aliased(Assignment)
    desk = select(filing.process_id).where(filing.pqr_id == Pqr.id).order_by(filing.id).limit(1).correlate(Pqr).scalar_subquery()
    left = select(line.in_on).where(line.pqr_id == Pqr.id, line.process_id != desk).order_by(line.id).limit(1)
    return left.correlate(Pqr).scalar_subquery()


def facts(wanted: Wanted, today: date) -> Select[Any]:
    """Return the SELECT of what every figure of the report is made of, a row a case: what groups it, and then its six dates."""
    silent = _has(Silence, Silence.withdrawn_on.is_(None))
    recognised = _has(Silence, Silence.recognised_on.is_not(None))
    awaited = _has(Silence, to_recognise())
    group = (
        Pqr.status, queries.timeliness_on(today).label("timeliness"), FOLDS["month"](queries.PERIODS[wanted.by]).label("month"),
        queries.answering_process().label("process"), Pqr.request_type_id.label("type"), Pqr.cause_id.label("cause"),
        case((IS_OURS, 1), else_=0).label("is_ours"), _bits(lacks(gap) for gap in Gap).label("gaps"),
        _bits((silent, awaited, recognised)).label("silence"),
    )  # fmt: skip
    dates = (Pqr.effective_on, _first_routed().label("routed_on"), Pqr.solved_on, Pqr.answered_on, Pqr.notified_on, Pqr.due_on)
    return cases(wanted, today, *group, *dates)


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_WHO = (Pqr.identity, Party.name.label("party"))


def _last_event(column: Any, *conditions: Any) -> ColumnElement[Any]:
    last = select(column).where(CaseEvent.pqr_id == Pqr.id, *conditions).order_by(CaseEvent.id.desc()).limit(1)
    return last.correlate(Pqr).scalar_subquery()


def pressing_first() -> tuple[ColumnElement[Any], ...]:
    """Return the order of a follow-up: whom an answer is owed, the first due before the others, and the rest after them."""
    is_owed = and_(Pqr.answered_on.is_(None), Pqr.closed_on.is_(None))
    return case((is_owed, 0), else_=1), case((is_owed, Pqr.due_on)).nulls_last()


def follow_up_lines(wanted: Wanted, today: date) -> Select[Any]:
    """Return the SELECT of where each case stands, who has it and what happened to it last."""
    asked, silence = aliased(Requirement), aliased(Silence)
    columns = (
        Pqr.number, Pqr.filed_at, RequestType.name.label("request_type"), Channel.name.label("channel"), *_WHO,
        Account.number.label("account"), Service.name.label("service"), Process.name.label("process"),
        (User.first_name + " " + User.last_name).label("holder"), Pqr.status, Pqr.due_on, Pqr.safe_on, Pqr.regime, Pqr.is_priority,
        Pqr.appeal_until, Pqr.outcome, Pqr.notified_on, func.coalesce(asked.extended_until, asked.until_on).label("asked_until"),
        silence.recognise_by, _last_event(CaseEvent.move).label("move"), _last_event(CaseEvent.on).label("moved_on"),
    )  # fmt: skip
    return (
        cases(wanted, today, *columns)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .join(Channel, Channel.id == Pqr.channel_id)
        .join(Process, Process.id == Pqr.process_id)
        .outerjoin(Party, Party.id == Pqr.party_id)
        .outerjoin(Account, Account.id == Pqr.account_id)
        .outerjoin(Service, Service.id == Pqr.service_id)
        .outerjoin(User, User.id == Pqr.holder_id)
        .outerjoin(asked, and_(asked.pqr_id == Pqr.id, asked.ended_on.is_(None)))
        .outerjoin(silence, and_(silence.pqr_id == Pqr.id, silence.withdrawn_on.is_(None), silence.recognised_on.is_(None)))
    )


def proof_lines(wanted: Wanted, today: date) -> Select[Any]:
    """Return the SELECT of what proves that each case was attended; a voided one is no attention."""
    letters = select(Document.id).where(Document.pqr_id == Pqr.id, Document.kind.in_(LETTERS_OF_ANSWER))
    letter = letters.order_by(Document.id.desc()).limit(1).correlate(Pqr).scalar_subquery()
    tries = select(Notice.id).where(Notice.pqr_id == Pqr.id, Notice.document_id.is_(None))
    order = (Notice.served_on.is_not(None).desc(), Notice.id.desc())  # the one that served, else the last
    tried = tries.order_by(*order).limit(1).correlate(Pqr).scalar_subquery()
    receipts = select(func.max(Document.number)).where(Document.pqr_id == Pqr.id, Document.kind == DocumentKind.RECEIPT)
    files = select(func.count()).select_from(StoredFile).where(StoredFile.pqr_id == Pqr.id, _EVIDENCE_FILE)
    orders = select(func.count()).select_from(FieldOrder).where(FieldOrder.pqr_id == Pqr.id, FieldOrder.status == OrderStatus.DONE)
    told = _has(OutboxMessage, OutboxMessage.event == "filed", OutboxMessage.status == MessageStatus.SENT)
    score = select(func.max(Rating.score)).where(Rating.pqr_id == Pqr.id)
    answer, notice = aliased(Document), aliased(Notice)
    columns = (
        Pqr.number, Pqr.filed_on, Pqr.status, Pqr.outcome, Pqr.answered_on, Pqr.source, answer.number.label("answer"), StoredFile.sha256,
        notice.means, notice.result, notice.served_on, *(each.label(f"proof_{n}") for n, each in enumerate(_proofs_of(notice))),
        Pqr.notified_on, receipts.correlate(Pqr).scalar_subquery().label("receipt"), case((told, 1), else_=0).label("is_told"),
        files.correlate(Pqr).scalar_subquery().label("n_files"), orders.correlate(Pqr).scalar_subquery().label("n_orders"),
        score.correlate(Pqr).scalar_subquery().label("score"), _bits(lacks(gap) for gap in Gap).label("gaps"),
    )  # fmt: skip
    return (
        cases(wanted, today, *columns)
        .outerjoin(answer, answer.id == letter)
        .outerjoin(StoredFile, StoredFile.id == answer.file_id)
        .outerjoin(notice, notice.id == tried)
        .where(IS_ALIVE)
    )


def _proofs_of(notice: Any) -> tuple[Any, ...]:
    return notice.proof_file_id, notice.paper_id, notice.opened_at


def excluded_lines(wanted: Wanted, today: date) -> Select[Any]:
    """Return the SELECT of the cases that no share of answers in time counts, and what was written when they ended."""
    why = _last_event(CaseEvent.reason, CaseEvent.to_status == Pqr.status).label("reason")
    columns = (Pqr.number, Pqr.filed_on, RequestType.name.label("request_type"), Pqr.identity, Pqr.status, Pqr.closed_on, why)
    statement = cases(wanted, today, *columns).join(RequestType, RequestType.id == Pqr.request_type_id)
    return statement.where(Pqr.status.in_(NOT_COUNTED))


def silence_lines(wanted: Wanted, today: date) -> Select[Any]:
    """Return the SELECT of the positive silences of the cases, with the act that recognised each."""
    handler = aliased(Process)
    columns = (
        Pqr.number, Pqr.filed_on, RequestType.name.label("request_type"), handler.name.label("process"), Pqr.due_on, Pqr.answered_on,
        Silence.arisen_on, Silence.recognise_by, Silence.recognised_on, Document.number.label("act"),
        case((to_recognise(), 1), else_=0).label("is_awaited"),
    )  # fmt: skip
    return (
        cases(wanted, today, *columns)
        .join(Silence, and_(Silence.pqr_id == Pqr.id, Silence.withdrawn_on.is_(None)))
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .join(handler, handler.id == queries.answering_process())
        .outerjoin(Document, Document.id == Silence.document_id)
    )


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Names = dict[str, dict[int, str]]
_NAMED: tuple[tuple[str, Any, Any], ...] = (
    ("process", Process, Process.name),
    ("type", RequestType, RequestType.name),
    ("service", Service, Service.name),
    ("channel", Channel, Channel.name),
    ("cause", SuiCause, SuiCause.group_code + literal(" ", String) + SuiCause.code + literal(" · ", String) + SuiCause.name),
)


def names(session: Session) -> Names:
    """Return by kind and key how what the report groups and filters by is called, by name; one statement."""
    kinds = (select(literal(kind).label("kind"), model.id.label("key"), name.label("name")) for kind, model, name in _NAMED)
    found: Names = {kind: {} for kind, _model, _name in _NAMED}
    for kind, key, name in session.execute(union_all(*kinds).order_by("name")):
        found[kind][key] = name
    return found
