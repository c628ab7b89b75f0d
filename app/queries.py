"""Named SELECTs shared by screens, reports, jobs and the API. They read; nobody here writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, joinedload, selectinload

from app.domain import N_
from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import Regime, TermRule
from app.domain.errors import DomainError
from app.domain.states import Category, DayException, Identity, PqrStatus, states_in
from app.models import (
    Account,
    Answer,
    Assignment,
    CalendarDay,
    CalendarYear,
    CaseEvent,
    Document,
    LegalTerm,
    Note,
    Notice,
    Organisation,
    Parameter,
    Party,
    Pqr,
    Process,
    RequestType,
)

# ── The house ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def organisation(session: Session) -> Organisation:
    """Return the organisation that this installation serves. Raises DomainError when none is loaded."""
    found = session.scalar(select(Organisation).order_by(Organisation.id).limit(1))
    if found is None:
        raise DomainError(N_("The organisation is not set up yet. An administrator has to fill it in Organisation."))
    return found


def front_desk(session: Session) -> Process:
    """Return the process where every case starts. Raises DomainError when none is marked."""
    found = session.scalar(select(Process).where(Process.is_front_desk))
    if found is None:
        raise DomainError(N_("No process is marked as the front desk. An administrator has to mark one in Processes."))
    return found


def parameter(session: Session, key: str, default: str = "") -> str:
    """Return the value of parameter *key*, or *default* when nobody loaded it."""
    return session.scalar(select(Parameter.value).where(Parameter.key == key)) or default


# ── The calendar and the terms ────────────────────────────────────────────────────────────────────────────────────────────

_CALENDARS: dict[Any, BusinessCalendar] = {}
_CALENDAR, _TERMS = "atiende.calendar", "atiende.terms"


def calendar_of(session: Session, organisation: Organisation) -> BusinessCalendar:
    """
    Return the business calendar of *organisation*, as loaded in this database.

    The rows are read once a session and the prefix sums are built once a process for equal rows, so that an edit shows at once
    and thousands of dates cost one query.
    """
    cached = session.info.get(_CALENDAR)
    if cached is not None:
        return cached
    columns = (CalendarYear.year, CalendarDay.on, CalendarDay.name, CalendarDay.norm, CalendarDay.kind)
    statement = select(*columns).outerjoin(CalendarDay, CalendarDay.year == CalendarYear.year)
    rows = session.execute(statement.order_by(CalendarYear.year, CalendarDay.on)).all()
    years = tuple(dict.fromkeys(row.year for row in rows))
    days = tuple(tuple(row[1:]) for row in rows if row.on is not None)
    key = (years, days, organisation.working_week, organisation.closes_at)
    if key not in _CALENDARS:
        if len(_CALENDARS) > 64:
            _CALENDARS.clear()
        _CALENDARS[key] = BusinessCalendar(
            [NonWorkingDay(on, name, norm, kind is DayException.CLOSURE) for on, name, norm, kind in days],
            years,
            working_week=frozenset(int(digit) - 1 for digit in organisation.working_week),
            closes_at=organisation.closes_at,
            version=hashlib.sha256(repr(key).encode()).hexdigest()[:12],
        )
    session.info[_CALENDAR] = _CALENDARS[key]
    return _CALENDARS[key]


def term_rules(session: Session) -> tuple[TermRule, ...]:
    """Return every legal term, as the domain reads it."""
    cached = session.info.get(_TERMS)
    if cached is None:
        cached = session.info[_TERMS] = tuple(map(rule_of, session.scalars(select(LegalTerm))))
    return cached


def rule_of(term: LegalTerm) -> TermRule:
    return TermRule(
        regime=term.regime,
        act=term.act,
        request_type=term.request_type,
        value=term.value,
        unit=term.unit,
        norm=term.norm,
        count_from=term.count_from,
        valid_from=term.valid_from,
        valid_until=term.valid_until,
        source=term.source,
        confidence=term.confidence,
        id=term.id,
    )


def forget_calendar(session: Session) -> None:
    """Read the calendar and the terms again on next use: for whoever just changed them in this session."""
    session.info.pop(_CALENDAR, None)
    session.info.pop(_TERMS, None)


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def case_by_number(session: Session, number: str) -> Pqr | None:
    """Return the case with that number, spaces and letter case forgiven, or None."""
    return session.scalar(select(Pqr).where(Pqr.number == "".join(number.split()).upper()))


#: The words of the traffic light as filters: what a queue is sorted into.
BUCKETS = ("silence", "late", "now", "soon", "ok", "stopped")
_RUNNING = states_in(Category.OPEN)


def in_bucket(bucket: str, today: date, calendar: BusinessCalendar) -> ColumnElement[bool]:
    """
    Return the condition that puts a case in *bucket* on *today*: `silence` and `late` (past due under Ley 142, or elsewhere),
    `now` (due today or on the next working day), `soon` (within five working days), `ok` (later), `stopped`.

    The same condition counts, lists and exports. Raises CalendarGap when the calendar does not reach.
    """
    running = Pqr.status.in_(_RUNNING)
    tomorrow, fifth = calendar.add(today, 1), calendar.add(today, 5)
    conditions = {
        "silence": and_(running, Pqr.due_on < today, Pqr.regime == Regime.LEY142),
        "late": and_(running, Pqr.due_on < today, Pqr.regime != Regime.LEY142),
        "now": and_(running, Pqr.due_on >= today, Pqr.due_on <= tomorrow),
        "soon": and_(running, Pqr.due_on > tomorrow, Pqr.due_on <= fifth),
        "ok": and_(running, Pqr.due_on > fifth),
        "stopped": Pqr.status.in_(states_in(Category.STOPPED)),
    }
    return conditions[bucket]


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed by; empty means all. The whole of it lives in the URL."""

    q: str = ""
    bucket: str = ""
    statuses: tuple[PqrStatus, ...] = ()
    process_id: int | None = None
    request_type_id: int | None = None
    party_id: int | None = None
    account_id: int | None = None
    is_open: bool = False
    newest_first: bool = True


def _matching(text: str) -> ColumnElement[bool]:
    """Return the condition of the search box: number, name, account or subject."""
    like = f"%{text.strip()}%"
    names = select(Party.id).where(or_(Party.name.ilike(like), Party.document_number == text.strip()))
    accounts = select(Account.id).where(Account.number.ilike(like))
    return or_(
        Pqr.number.ilike(like),
        Pqr.subject.ilike(like),
        and_(Pqr.identity == Identity.NAMED, Pqr.party_id.in_(names)),
        Pqr.account_id.in_(accounts),
    )


def cases(wanted: CaseFilter, today: date, calendar: BusinessCalendar) -> Select[tuple[int]]:
    """Return the SELECT of the ids of the cases that *wanted* describes; the caller adds the reader's scope."""
    statement = select(Pqr.id)
    if wanted.bucket:
        statement = statement.where(in_bucket(wanted.bucket, today, calendar))
    if wanted.statuses:
        statement = statement.where(Pqr.status.in_(wanted.statuses))
    if wanted.is_open:
        statement = statement.where(Pqr.status.in_(states_in(Category.OPEN, Category.STOPPED)))
    for column in ("process_id", "request_type_id", "party_id", "account_id"):
        value = getattr(wanted, column)
        if value is not None:
            statement = statement.where(getattr(Pqr, column) == value)
    return statement.where(_matching(wanted.q)) if wanted.q.strip() else statement


_LINE = (
    Pqr.id, Pqr.number, Pqr.subject, Pqr.status, Pqr.identity, Pqr.regime, Pqr.filed_on, Pqr.due_on, Pqr.safe_on, Pqr.answered_on,
    Party.name.label("party"), Process.name.label("process"), RequestType.name.label("request_type"),
)  # fmt: skip


def case_lines(
    session: Session, ids: Select[tuple[int]], *, newest_first: bool = True, limit: int = 25, after: tuple[date, int] | None = None
) -> list[Row[Any]]:
    """Return up to *limit* lines of a list of cases in one statement, after the key (`filed_on`, `id`) of the last one seen."""
    order = (Pqr.filed_on.desc(), Pqr.id.desc()) if newest_first else (Pqr.filed_on, Pqr.id)
    statement = (
        select(*_LINE)
        .outerjoin(Party, Party.id == Pqr.party_id)
        .join(Process, Process.id == Pqr.process_id)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .where(Pqr.id.in_(ids))
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        key = tuple_(Pqr.filed_on, Pqr.id)
        statement = statement.where(key < after if newest_first else key > after)
    return list(session.execute(statement))


def count_up_to(session: Session, ids: Select[tuple[int]], bound: int = 10_000) -> int:
    """Return how many rows *ids* has, counting no further than *bound* + 1."""
    return session.scalar(select(func.count()).select_from(ids.limit(bound + 1).subquery())) or 0


def case_page(ids: Select[tuple[int]], number: str) -> Select[tuple[Pqr]]:
    """Return the SELECT of one case with all that its page shows, loaded in a fixed number of statements."""
    one = joinedload
    return (
        select(Pqr)
        .where(Pqr.number == number.upper(), Pqr.id.in_(ids))
        .options(
            one(Pqr.organisation), one(Pqr.request_type), one(Pqr.channel), one(Pqr.party), one(Pqr.account), one(Pqr.service),
            one(Pqr.cause), one(Pqr.process), one(Pqr.holder), one(Pqr.term), one(Pqr.previous),
            one(Pqr.answer).options(one(Answer.drafted_by), one(Answer.approved_by), one(Answer.document).joinedload(Document.file)),
            selectinload(Pqr.events).options(one(CaseEvent.actor), one(CaseEvent.process)),
            selectinload(Pqr.assignments).options(one(Assignment.process), one(Assignment.user)),
            selectinload(Pqr.notes).joinedload(Note.author),
            selectinload(Pqr.files),
            selectinload(Pqr.documents).joinedload(Document.file),
            selectinload(Pqr.notices).joinedload(Notice.proof_file),
        )
    )  # fmt: skip
