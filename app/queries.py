"""Named SELECTs shared by screens, reports, jobs and the API. They read; nobody here writes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from functools import cache
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Result,
    Row,
    ScalarSelect,
    Select,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    inspect,
    literal,
    null,
    or_,
    select,
    text,
    type_coerce,
    union_all,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import Session, aliased, joinedload, scoped_session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import TypeEngine

from app.domain import N_
from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import CountFrom, Regime, TermAct, TermRule, TermUnit, lengthened
from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, TaskStatus
from app.domain.states import BillingStatus, Category, ConsentKind, DayException, Move, NoticeMeans, PqrStatus, states_in
from app.domain.times import NOT_COUNTED, Timeliness
from app.extensions import KEEPS_PLAN
from app.models import (
    Account,
    Action,
    ActionTask,
    Answer,
    AnswerPoint,
    Appeal,
    Assignment,
    BillingBatch,
    BillingItem,
    CalendarChange,
    CalendarDay,
    CalendarYear,
    CaseEvent,
    Channel,
    ConsentText,
    Document,
    FieldOrder,
    Financing,
    InvoiceChange,
    InvoiceChangeLine,
    Leave,
    LegalTerm,
    Nonconformity,
    Notice,
    Organisation,
    Parameter,
    Party,
    Pqr,
    Process,
    Rating,
    RequestType,
    Requirement,
    Service,
    SuiCause,
    SuiLoad,
    SuiLoadRow,
    SurveyAlarm,
    SurveyCampaign,
)

# ── The house ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ORGANISATION = "atiende.organisation"


def organisation(session: Session) -> Organisation:
    """Return the organisation that this installation serves, asked for once a session. Raises DomainError when none is loaded."""
    found = session.info.get(_ORGANISATION)
    if found is not None and found in session:
        return found
    statement = select(Organisation, *_CALENDAR_TEXT).order_by(Organisation.id).limit(1)
    row = session.execute(statement.execution_options(**KEEPS_PLAN)).first()
    if row is None:
        raise DomainError(N_("The organisation is not set up yet. An administrator has to fill it in Organisation."))
    found, *session.info[_TEXT] = row  # whoever asks for the company asks for its calendar next
    session.info[_ORGANISATION] = found
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


def parameters(session: Session, keys: Collection[str]) -> dict[str, str]:
    """Return the values of those of *keys* that somebody loaded, in one statement."""
    return {row.key: row.value for row in session.execute(select(Parameter.key, Parameter.value).where(Parameter.key.in_(keys)))}


def consents_in_force(session: Session, on: date) -> dict[ConsentKind, ConsentText]:
    """Return by kind the version of each consent text that is in force on *on*."""
    texts = select(ConsentText).where(ConsentText.valid_from <= on).order_by(ConsentText.version)
    return {text.kind: text for text in session.scalars(texts)}


def consents_to(session: Session, kinds: Collection[ConsentKind], on: date) -> list[ConsentText]:
    """Return the texts that somebody agrees to who agrees to *kinds* on *on*: the versions in force."""
    return [text for kind, text in consents_in_force(session, on).items() if kind in kinds] if kinds else []


def account_numbered(session: Session, typed: str | None, service_id: int | None = None, *, is_strict: bool = False) -> Account | None:
    """
    Return the account with that number, of that service if there are several; None when nothing was typed.

    Args:
        is_strict: Refuse an account of another service than the one told; otherwise the number alone is enough.

    Raises:
        DomainError: Nobody has that number, or `is_strict`.
    """
    text, *rest = (part.strip() for part in (typed or "").split("·"))  # as a look-up offers it: number · service · address
    spellings = {text, "".join(text.split())}
    order = (Account.is_active.desc(), Service.position, Service.id)
    found = session.scalars(select(Account).join(Service).where(Account.number.in_(spellings)).order_by(*order)).all() if text else []
    if text and not found:
        raise DomainError(
            N_("We do not find the account %(number)s. Check it on the invoice, or leave it empty: the request can be filed without it."),
            field="account_number",
            number=text,
        )
    found = [account for account in found if not rest or account.service.code == rest[0]] or found
    of_service = [account for account in found if service_id in (None, account.service_id)]
    if is_strict and found and not of_service:
        other = N_("The account %(number)s has another service than the one you chose. Change the service, or leave it unsaid.")
        raise DomainError(other, field="account_number", number=text)
    return next(iter(of_service or found), None)


def lock(session: Session, row: Any) -> None:
    """Read the columns of *row* again and keep other writers off it until the transaction ends: two people, one after the other."""
    columns = [attribute.key for attribute in inspect(row).mapper.column_attrs]
    session.refresh(row, columns, with_for_update={"of": type(row)})  # `of`: what was loaded beside it by outer joins stays free


# ── The calendar and the terms ────────────────────────────────────────────────────────────────────────────────────────────

_CALENDARS: dict[Any, BusinessCalendar] = {}
_CALENDARS_BY_TEXT: dict[Any, BusinessCalendar] = {}
_CALENDAR, _HELD, _TERMS, _TEXT = "atiende.calendar", "atiende.calendar_held", "atiende.terms", "atiende.calendar_text"
#: The whole calendar as one row, which is known at a glance: its years, its days, and when somebody last changed it.
_FIELD, _RECORD = "\x1f", "\x1e"
_CALENDAR_TEXT = (
    select(func.aggregate_strings(cast(CalendarYear.year, String), ",")).scalar_subquery(),
    select(
        func.aggregate_strings(
            cast(CalendarDay.on, String) + _FIELD + cast(CalendarDay.kind, String) + _FIELD + CalendarDay.name + _FIELD + CalendarDay.norm,
            _RECORD,
        )
    ).scalar_subquery(),
    select(func.max(CalendarChange.at)).scalar_subquery(),
)
CALENDAR_LOCK = 0x41544E43  # advisory lock of PostgreSQL: shared by whoever writes dates, alone for whoever changes the calendar


def calendar_of(session: Session, organisation: Organisation) -> BusinessCalendar:
    """
    Return the business calendar of *organisation*, as loaded in this database.

    It is asked for once a session and built once a process for equal rows, so that an edit shows at once and thousands of dates
    cost one query. Whoever stores a date computed with it asks `hold_calendar` first.
    """
    cached = session.info.get(_CALENDAR)
    if cached is not None:
        return cached
    if _TEXT not in session.info:
        session.info[_TEXT] = session.execute(select(*_CALENDAR_TEXT)).one()
    years, days, _last_change = session.info[_TEXT]
    key = (years, days, organisation.working_week, organisation.closes_at)
    if key not in _CALENDARS_BY_TEXT:
        if len(_CALENDARS_BY_TEXT) > 64:
            _CALENDARS_BY_TEXT.clear()
        loaded = map(int, years.split(",")) if years else ()
        _CALENDARS_BY_TEXT[key] = built_calendar(_days_in(days), loaded, organisation.working_week, organisation.closes_at)
    return session.info.setdefault(_CALENDAR, _CALENDARS_BY_TEXT[key])


def _days_in(text: str | None) -> Iterator[NonWorkingDay]:
    """Yield the days that the text says; where a name breaks a record in two, what follows is no date and belongs to the name."""
    for record in re.split(rf"{_RECORD}(?=\d{{4}}-\d\d-\d\d{_FIELD})", text) if text else ():
        on, kind, name, norm = record.split(_FIELD, 3)
        yield NonWorkingDay(date.fromisoformat(on), name, norm, kind == DayException.CLOSURE.name)


def built_calendar(days: Iterable[NonWorkingDay], years: Iterable[int], working_week: str, closes_at: time | None) -> BusinessCalendar:
    """Return the calendar of these rows, the same object for equal rows; its version is their fingerprint, equal on every node."""
    key = (tuple(sorted(set(years))), tuple(sorted(days, key=lambda day: day.on)), working_week, closes_at)
    if key not in _CALENDARS:
        if len(_CALENDARS) > 64:
            _CALENDARS.clear()
        _CALENDARS[key] = BusinessCalendar(
            key[1],
            key[0],
            working_week=frozenset(int(digit) - 1 for digit in working_week),
            closes_at=closes_at,
            version=hashlib.sha256(repr(key).encode()).hexdigest()[:12],
        )
    return _CALENDARS[key]


def calendar_at(session: Session, organisation: Organisation, at: datetime) -> BusinessCalendar:
    """
    Return the calendar as it was at an instant: what a case that was answered then had been counted with.

    The changes made after *at* are undone, last first. Years loaded since stay: they answer what could not be asked before.
    """
    calendar = calendar_of(session, organisation)
    last_change = session.info[_TEXT][2]
    if last_change is None or last_change <= at:
        return calendar
    columns = (CalendarChange.added, CalendarChange.removed, CalendarChange.settings)
    changes = session.execute(select(*columns).where(CalendarChange.at > at).order_by(CalendarChange.id.desc())).all()
    if not changes:
        return calendar
    days = {day.on: day for day in calendar.days}
    working_week, closes_at = organisation.working_week, calendar.closes_at
    for added, removed, settings in changes:
        for day in added:
            days.pop(date.fromisoformat(day["on"]), None)
        for day in removed:
            on = date.fromisoformat(day["on"])
            days[on] = NonWorkingDay(on, day["name"], day["norm"], day["kind"] == DayException.CLOSURE.name)
        working_week = settings.get("working_week", [working_week])[0]
        if "closes_at" in settings:
            before = settings["closes_at"][0]
            closes_at = time.fromisoformat(before) if before else None
    return built_calendar(days.values(), calendar.years, working_week, closes_at)


def hold_calendar(session: Session, organisation: Organisation) -> None:
    """
    Keep the calendar as it is until this transaction ends: for whoever writes a date, before locking any row.

    A change of the calendar (`operations/calendar.py`) waits for its holders and they for it, so no case keeps a date of the
    calendar before. What was read of it earlier in this session is read again. SQLite needs no lock: its writers queue anyway.
    """
    session = session() if isinstance(session, scoped_session) else session
    session.connection()  # the transaction begins; on SQLite this is where writers queue
    transaction = innermost = session.get_nested_transaction() or session.get_transaction()
    while transaction is not None:  # a savepoint that was rolled back took its lock with it
        if transaction is session.info.get(_HELD):
            return
        transaction = transaction.parent
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock_shared(CALENDAR_LOCK)))
        session.refresh(organisation, ["working_week", "opens_at", "closes_at"])
    session.info.pop(_CALENDAR, None)
    session.info.pop(_TEXT, None)
    session.info[_HELD] = innermost


def off_days(session: Session, year: int) -> list[Row[tuple[CalendarDay, User | None]]]:
    """Return the holidays and closures of *year* by date, each with the user who wrote it, or None."""
    statement = select(CalendarDay, User).outerjoin(User, User.id == CalendarDay.created_by_id)
    return list(session.execute(statement.where(CalendarDay.year == year).order_by(CalendarDay.on)))


def calendar_changes(session: Session, limit: int) -> list[Row[Any]]:
    """Return the last changes of the calendar, newest first, with how many days and cases each touched."""
    counts = [Function("json_array_length", getattr(CalendarChange, name)).label(f"n_{name}") for name in ("added", "removed", "moved")]
    columns = (CalendarChange.id, CalendarChange.at, CalendarChange.reason, CalendarChange.settings, *counts, User)
    statement = select(*columns).outerjoin(User, User.id == CalendarChange.actor_id)
    return list(session.execute(statement.order_by(CalendarChange.id.desc()).limit(limit)))


def term_rules(session: Session) -> tuple[TermRule, ...]:
    """Return every legal term, as the domain reads it."""
    cached = session.info.get(_TERMS)
    if cached is None:
        columns = [getattr(LegalTerm, field.name) for field in fields(TermRule)]
        cached = session.info[_TERMS] = tuple(TermRule(**row) for row in session.execute(select(*columns)).mappings())
    return cached


def rule_of(term: LegalTerm) -> TermRule:
    """Return a row of the table as the domain reads it: the columns are named alike."""
    return TermRule(**{field.name: getattr(term, field.name) for field in fields(TermRule)})


def rule_of_case(pqr: Pqr) -> TermRule:
    """Return the rule that the case runs by: that of its filing date, with the extension that the citizen was told."""
    rule = rule_of(pqr.term)
    if not pqr.n_extended:
        return rule
    return lengthened(rule, rule_of(pqr.extension_term), pqr.n_extended)


def forget_calendar(session: Session) -> None:
    """Read the calendar and the terms again on next use: for whoever just changed them in this session."""
    session.info.pop(_CALENDAR, None)
    session.info.pop(_TEXT, None)
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


_LINE = (
    Pqr.id, Pqr.number, Pqr.subject, Pqr.status, Pqr.identity, Pqr.regime, Pqr.filed_on, Pqr.due_on, Pqr.safe_on, Pqr.answered_on,
    Party.name.label("party"), Process.name.label("process"), RequestType.name.label("request_type"),
)  # fmt: skip


def _lines() -> Select[Any]:
    return (
        select(*_LINE)
        .outerjoin(Party, Party.id == Pqr.party_id)
        .join(Process, Process.id == Pqr.process_id)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
    )


#: What a list of cases may show besides `_LINE`: the columns of the case itself, and the name of a row that it refers to.
_NAMED: dict[str, tuple[Any, Any, Any]] = {
    "channel": (Channel, Pqr.channel_id, Channel.name),
    "service": (Service, Pqr.service_id, Service.name),
    "account": (Account, Pqr.account_id, Account.number),
    "cause": (SuiCause, Pqr.cause_id, SuiCause.name),
    "holder": (User, Pqr.holder_id, User.first_name + " " + User.last_name),
}


def case_columns(statement: Select[Any], names: Iterable[str]) -> Select[Any]:
    """Return *statement*, over Pqr, selecting lines (`_LINE`) and besides them the columns in *names*, each under its name."""
    known = {column.key for column in _LINE}
    extra = [name for name in names if name not in known and name != "light"]
    columns = [_NAMED[name][2].label(name) if name in _NAMED else getattr(Pqr, name) for name in extra]
    lines = (
        statement.with_only_columns(*_LINE, *columns)
        .outerjoin(Party, Party.id == Pqr.party_id)
        .join(Process, Process.id == Pqr.process_id)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
    )
    for model, key, _name in (_NAMED[name] for name in extra if name in _NAMED):
        lines = lines.outerjoin(model, model.id == key)
    return lines


def case_lines(session: Session, ids: Select[tuple[int]], *, limit: int) -> list[Row[Any]]:
    """Return the newest *limit* of *ids* as lines of a list, in one statement."""
    newest = _lines().where(Pqr.id.in_(ids)).order_by(Pqr.filed_on.desc(), Pqr.id.desc())
    return list(session.execute(newest.limit(limit)))


def stood_in_for(session: Session, user_id: int, today: date) -> list[Row[Any]]:
    """Return the name of each person on leave for whom the user stands in on *today*, with the last day."""
    name = (User.first_name + " " + User.last_name).label("name")
    statement = select(name, Leave.ends_on).join(User, User.id == Leave.user_id).order_by(Leave.ends_on, name)
    return list(session.execute(statement.where(Leave.substitute_id == user_id, Leave.starts_on <= today, Leave.ends_on >= today)))


def approvals(session: Session, ids: Select[tuple[int]], limit: int) -> list[Row[Any]]:
    """Return the lines of *ids* that wait to be approved, the most urgent first: with the start of the draft and its open points."""
    open_points = select(func.count()).where(AnswerPoint.pqr_id == Pqr.id, ~AnswerPoint.is_covered).correlate(Pqr).scalar_subquery()
    drafter = User.first_name + " " + User.last_name
    told = (Pqr.outcome, func.substr(Answer.body, 1, 400).label("excerpt"), drafter.label("drafter"), open_points.label("n_open"))
    statement = _lines().add_columns(*told).outerjoin(Answer, Answer.pqr_id == Pqr.id).outerjoin(User, User.id == Answer.drafted_by_id)
    waiting = statement.where(Pqr.id.in_(ids), Pqr.status == PqrStatus.SOLVED)
    return list(session.execute(waiting.order_by(Pqr.due_on, Pqr.id).limit(limit)))


def count_up_to(session: Session, ids: Select[tuple[int]], bound: int = 10_000) -> int:
    """Return how many rows *ids* has, counting no further than *bound* + 1."""
    counted = select(func.count()).select_from(ids.limit(bound + 1).subquery())
    return session.scalar(counted.execution_options(**plan_of(ids))) or 0


def plan_of(statement: Select[Any]) -> dict[str, Any]:
    """Return the execution options of a list: all rows have one best plan, and what a filter leaves is planned for its values."""
    return KEEPS_PLAN if statement.whereclause is None else {}


def waiting_condition(his: ColumnElement[bool], mine: Select[tuple[int]], states: Collection[PqrStatus]) -> ColumnElement[bool]:
    """
    Return the condition of the cases whose next step is the reader's: what counts, lists and links «waiting for me».

    Args:
        his: That the reader, or somebody for whom he stands in, holds the case in person.
        mine: The processes of the reader; what they hold in progress, and nobody in person has, waits for him too.
        states: States whose next step his rights allow, whoever holds the case.
    """
    in_person = and_(his, Pqr.status.in_((PqrStatus.RECEIVED, PqrStatus.ROUTED)))
    in_process = and_(Pqr.process_id.in_(mine), Pqr.holder_id.is_(None), Pqr.status == PqrStatus.ROUTED)
    return or_(in_person, in_process, Pqr.status.in_(states))


RETURNS = (Move.RETURN_SOLUTION, Move.RETURN_TO_DESK)


def _last_move() -> ScalarSelect[Move]:
    last = select(CaseEvent.move).where(CaseEvent.pqr_id == Pqr.id)
    return last.order_by(CaseEvent.id.desc()).limit(1).correlate(Pqr).scalar_subquery()


def returned_condition(his: ColumnElement[bool], mine: Select[tuple[int]]) -> ColumnElement[bool]:
    """Return the condition of the cases that came back to the reader, or to his processes, and have not moved since."""
    theirs = or_(his, and_(Pqr.holder_id.is_(None), Pqr.process_id.in_(mine)))
    return and_(Pqr.status == PqrStatus.ROUTED, theirs, _last_move().in_(RETURNS))


def asked_condition(today: date, *, is_over: bool) -> ColumnElement[bool]:
    """Return the condition of the cases that wait for what was asked of the citizen: whose time is over on *today*, or the others."""
    last = func.coalesce(Requirement.extended_until, Requirement.until_on)
    is_asked = and_(Requirement.pqr_id == Pqr.id, Requirement.ended_on.is_(None), last < today if is_over else last >= today)
    return and_(Pqr.status == PqrStatus.AWAITING_USER, select(Requirement.id).where(is_asked).exists())


def waiting_for(session: Session, ids: Select[tuple[int]], limit: int = 10) -> list[Row[Any]]:
    """Return the lines of *ids*, the most urgent first, each with its last move; few rows are joined however many wait."""
    # All of them are found first (OFFSET 0 says so to PostgreSQL): they are the newest, and by due date the index would walk all the rest.
    waiting = ids.add_columns(Pqr.due_on).offset(0).subquery()
    first = select(waiting.c.id).order_by(waiting.c.due_on, waiting.c.id).limit(limit)
    statement = _lines().add_columns(_last_move().label("last_move")).where(Pqr.id.in_(first)).order_by(Pqr.due_on, Pqr.id)
    return list(session.execute(statement))


@cache
def _parts_of_a_case() -> tuple[tuple[Any, ...], dict[str, Select[Any]]]:
    """
    Return how its page is loaded: what comes with its row, and by relation the SELECT of the rows that hang on `:pqr_id`.

    Plain SELECTs, because the loaders of SQLAlchemy cost three times as much; people are no part of it, `case_page` brings them.
    """
    one = joinedload
    row = (Pqr.request_type, Pqr.channel, Pqr.party, Pqr.account, Pqr.service, Pqr.cause, Pqr.process, Pqr.term, Pqr.previous, Pqr.answer)
    row += (Pqr.extension_term, Pqr.mass_event, Pqr.appeal, Pqr.silence, Pqr.requirement)
    also = {"events": [one(CaseEvent.process)], "assignments": [one(Assignment.process)]}
    hanging = {}
    for name in ("events", "assignments", "notes", "files", "documents", "notices"):
        model = inspect(Pqr).relationships[name].mapper.class_
        statement = select(model).where(model.pqr_id == bindparam("pqr_id")).order_by(model.id)
        hanging[name] = statement.options(*also.get(name, ())).execution_options(**KEEPS_PLAN)
    return tuple(map(one, row)), hanging


def case_page(session: Session, wanted: Select[tuple[Pqr]]) -> Pqr | None:
    """
    Return the one case of *wanted* with all that its page shows, loaded in a fixed number of statements; None when there is none.

    The files of its documents, and the document of its answer, are rows of its own files and documents: nobody asks for them again.
    """
    organisation(session)  # that of the case, which finds it in the session
    with_row, hanging = _parts_of_a_case()
    pqr = session.scalar(wanted.options(*with_row).execution_options(**KEEPS_PLAN))
    if pqr is None:
        return None
    for name, statement in hanging.items():
        set_committed_value(pqr, name, session.scalars(statement, {"pqr_id": pqr.id}).all())
    places: list[tuple[Any, str, int | None]] = [(pqr, "holder", pqr.holder_id)]
    places += [(event, "actor", event.actor_id) for event in pqr.events]
    places += [(line, "user", line.user_id) for line in pqr.assignments]
    places += [(note, "author", note.author_id) for note in pqr.notes]
    if pqr.answer:
        places += [(pqr.answer, "drafted_by", pqr.answer.drafted_by_id), (pqr.answer, "approved_by", pqr.answer.approved_by_id)]
    keys = {key for _row, _name, key in places if key is not None}
    people = {user.id: user for user in session.scalars(select(User).where(User.id.in_(keys)))} if keys else {}
    for row, name, key in places:
        set_committed_value(row, name, people.get(key))  # type: ignore[arg-type]
    return pqr


#: What `case_acts` tells of each row, whatever it is: names of enums as stored, dates, a remark, pesos, a file to download.
_ACT_COLUMNS: dict[str, TypeEngine[Any]] = {
    "kind": String(), "id": Integer(), "number": String(), "type": String(), "state": String(), "on": Date(), "told_on": Date(),
    "until_on": Date(), "later_until_on": Date(), "done_on": Date(), "note": Text(), "amount": Numeric(18, 2), "file_id": Integer(),
}  # fmt: skip


def _act(kind: str, condition: ColumnElement[bool], **told: Any) -> Select[Any]:
    """Return the SELECT of one kind of acts in the columns of all."""
    told["kind"] = cast(literal(kind), String)
    columns = [  # SQLite would make a number of a date that is cast
        (type_coerce(told[name], type_) if name in told else cast(null(), type_)).label(name) for name, type_ in _ACT_COLUMNS.items()
    ]
    return select(*columns).where(condition)


#: The terms of a notice, and the parameter that says for how many business days a link may stay unopened.
_NOTICE_ACTS = (TermAct.SUMMONS, TermAct.APPEARANCE, TermAct.AVISO_SERVED, TermAct.AVISO_POSTED)
LINK_DAYS = "notice.link_days"


@cache
def _acts() -> Any:
    pqr_id, child, file = bindparam("pqr_id"), aliased(Pqr), Document.file_id
    order, change, line, item = FieldOrder, InvoiceChange, InvoiceChangeLine, BillingItem
    difference = select(func.sum(line.after_cop - line.before_cop)).where(line.change_id == change.id)
    term, number = LegalTerm, select(Pqr.number).where(Pqr.id == pqr_id)
    regime = select(Pqr.regime).where(Pqr.id == pqr_id, Pqr.answered_on.is_not(None)).scalar_subquery()
    return union_all(
        _act(
            "requirement", Requirement.pqr_id == pqr_id, id=Requirement.id, type=Requirement.kind, state=Requirement.ending,
            on=Requirement.issued_on, told_on=Requirement.told_on, until_on=Requirement.until_on, done_on=Requirement.ended_on,
            later_until_on=Requirement.extended_until, note=Requirement.what, number=Document.number, file_id=file,
        ).join_from(Requirement, Document, Document.id == Requirement.document_id),
        _act(
            "order", order.pqr_id == pqr_id, id=order.id, number=order.number, type=order.kind, state=order.status, on=order.issued_on,
            until_on=order.due_on, done_on=order.done_on, note=order.reason,
        ),
        _act(
            "financing", Financing.pqr_id == pqr_id, id=Financing.id, number=Financing.number, state=Financing.status,
            on=Financing.agreed_on, done_on=Financing.signed_on, amount=Financing.debt_cop,
        ),
        _act(
            "change", change.pqr_id == pqr_id, id=change.id, number=change.number, type=change.period, state=change.status,
            done_on=change.authorised_on, note=change.reason, amount=difference.scalar_subquery(),
        ),
        _act(
            "appeal", Appeal.against_id == pqr_id, id=child.id, number=child.number, type=Appeal.kind, state=child.status,
            on=child.filed_on, until_on=child.due_on, done_on=child.answered_on, note=child.outcome,
        ).join_from(Appeal, child, child.id == Appeal.pqr_id),
        _act(
            "point", AnswerPoint.pqr_id == pqr_id, id=AnswerPoint.id, note=AnswerPoint.asked,
            state=case((AnswerPoint.is_covered, "COVERED"), else_="OPEN"),
        ),
        _act(
            "billing", item.pqr_id == pqr_id, id=item.id, type=item.number, number=BillingBatch.number, state=item.status,
            done_on=item.result_on, note=case((item.status == BillingStatus.BILLED, item.reference), else_=item.result_text),
        ).join_from(item, BillingBatch, BillingBatch.id == item.batch_id),
        _act("rating", Rating.pqr_id == pqr_id, id=Rating.id, amount=Rating.score, note=Rating.comment, state=Rating.via),
        _act(
            "term", and_(term.act.in_(_NOTICE_ACTS), term.request_type.is_(None), term.regime == regime), id=term.id, type=term.act,
            number=term.count_from, state=term.unit, note=term.norm, amount=term.value, on=term.valid_from, until_on=term.valid_until,
        ),
        _act("wait", Parameter.key == LINK_DAYS, note=Parameter.value),
        _act(
            "survey", SurveyAlarm.pqr_id == pqr_id, id=SurveyCampaign.id, number=SurveyCampaign.number, on=SurveyAlarm.raised_on,
        ).join_from(SurveyAlarm, SurveyCampaign, SurveyCampaign.id == SurveyAlarm.campaign_id),
        _act(
            "action", and_(Action.origin == ActionOrigin.PQR, Action.origin_key == number.scalar_subquery()), id=Action.id,
            number=Action.number, type=Action.kind, state=Action.status, on=Action.asked_on, until_on=Action.due_on,
            done_on=Action.ended_on, note=Action.title,
        ),
        _act(
            "sui", SuiLoadRow.pqr_id == pqr_id, id=SuiLoad.id, number=cast(SuiLoad.version, String), state=SuiLoad.status, on=SuiLoad.month,
        ).join_from(SuiLoadRow, SuiLoad, SuiLoad.id == SuiLoadRow.load_id),
        _act(
            "nonconformity", Nonconformity.pqr_id == pqr_id, id=Nonconformity.id, number=Nonconformity.number, state=Nonconformity.status,
            on=Nonconformity.found_on, note=Nonconformity.what,
        ),
    )  # fmt: skip


def notice_terms(acts: dict[str, list[Row[Any]]], regime: Regime) -> tuple[TermRule, ...]:
    """Return the terms of the notice that `case_acts` read, as the domain reads them."""
    return tuple(
        TermRule(
            regime, TermAct[row.type], None, int(row.amount), TermUnit[row.state], row.note, CountFrom[row.number], row.on, row.until_on,
            id=row.id,
        )
        for row in acts.get("term", ())
    )  # fmt: skip


def case_acts(session: Session, pqr: Pqr) -> dict[str, list[Row[Any]]]:
    """
    Return what hangs on a case besides its own rows, by kind, oldest first: `requirement`, `order`, `financing`, `change`, `appeal`
    (against it), `billing` (what billing was told, and answered), `point` (what the citizen asks), `rating`, `survey` (where it was told),
    `action` (that it asked for), `nonconformity` (outputs that showed in it), `sui` (months in which it was reported);
    of an answered one the `term`s of its notice, and `wait`, how long a link may stay unopened. One statement; the columns are those of
    `_ACT_COLUMNS`.
    """
    found: dict[str, list[Row[Any]]] = {}
    for row in session.execute(_acts(), {"pqr_id": pqr.id}):
        found.setdefault(row.kind, []).append(row)
    return {kind: sorted(rows, key=lambda row: row.id) for kind, rows in found.items()}


def posted_notices(on: date) -> Select[tuple[Notice]]:
    """Return the SELECT of what is posted on *on*, newest first: avisos that have not come down, and summonses without an address."""
    aviso = and_(Notice.means == NoticeMeans.AVISO_POSTED, Notice.posted_on <= on, Notice.unposted_on.is_(None))
    summons = and_(Notice.means == NoticeMeans.SUMMONS, Notice.sent_on <= on, Notice.appear_by >= on)
    return select(Notice).where(text("posted_where <> ''"), or_(aviso, summons)).order_by(Notice.id.desc())  # as its index says it


# ── Actions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Before the last day of its plan; afterwards an action waits for the day of its review.
TO_BE_DONE = (ActionStatus.OPEN, ActionStatus.PLANNED, ActionStatus.RUNNING)


def to_be_done() -> ColumnElement[bool]:
    """Return the condition that something of an action is still to be analysed, approved or done."""
    return Action.status.in_(TO_BE_DONE)


def late_action(on: date) -> ColumnElement[bool]:
    """Return the condition that the last day of an action, or the day of its review, was before *on*."""
    is_unreviewed = and_(Action.status == ActionStatus.REVIEW, Action.review_on < on)
    return or_(and_(to_be_done(), Action.due_on < on), is_unreviewed)


def task_to_be_done() -> ColumnElement[bool]:
    """Return the condition, over tasks and their actions, that a task waits for its person: its plan runs, or it is of a correction."""
    runs = or_(Action.status == ActionStatus.RUNNING, and_(Action.status == ActionStatus.OPEN, Action.kind == ActionKind.CORRECTION))
    return and_(ActionTask.status == TaskStatus.OPEN, runs)


# ── The control of response times (R10-01-01) ─────────────────────────────────────────────────────────────────────────────

#: The dates by which the control may be bounded.
PERIODS = {"filed": Pqr.filed_on, "answered": Pqr.answered_on, "due": Pqr.due_on}


@dataclass(frozen=True, slots=True)
class TimesFilter:
    """Which cases the control shows; empty means all. `period` names the date that lies from `since` to `until`, both included."""

    period: str = "filed"
    since: date | None = None
    until: date | None = None
    process_id: int | None = None
    request_type_id: int | None = None
    timeliness: Timeliness | None = None


def timeliness_on(today: date) -> ColumnElement[Timeliness]:
    """Return the expression that says whether a case is in time: the one that filters, counts and is shown."""
    kind = EnumType(Timeliness, native_enum=False, length=24)
    return case(
        (Pqr.status.in_(NOT_COUNTED), literal(Timeliness.NOT_COUNTED, kind)),
        (Pqr.answered_on <= Pqr.due_on, literal(Timeliness.IN_TIME, kind)),
        (or_(Pqr.answered_on.is_not(None), Pqr.due_on < today), literal(Timeliness.LATE, kind)),
        else_=literal(Timeliness.RUNNING, kind),
    )


def answering_process() -> ColumnElement[int]:
    """Return the process that answers for a case: the last but the front desk that held it; the desk itself when no other did."""
    held, area = aliased(Assignment), aliased(Process)
    last = (
        select(held.process_id)
        .join(area, area.id == held.process_id)
        .where(held.pqr_id == Pqr.id, ~area.is_front_desk)
        .order_by(held.id.desc())
        .limit(1)
        .correlate(Pqr)
        .scalar_subquery()
    )
    return func.coalesce(last, Pqr.process_id)


def response_times(wanted: TimesFilter, today: date, *columns: Any) -> Select[Any]:
    """Return the SELECT of *columns* of the cases that *wanted* describes; the caller adds the reader's scope, order and limit."""
    on = PERIODS[wanted.period]
    statement = select(*columns).select_from(Pqr)
    if wanted.since:
        statement = statement.where(on >= wanted.since)
    if wanted.until:
        statement = statement.where(on <= wanted.until)
    if wanted.process_id is not None:
        statement = statement.where(answering_process() == wanted.process_id)
    if wanted.request_type_id is not None:
        statement = statement.where(Pqr.request_type_id == wanted.request_type_id)
    if wanted.timeliness:
        statement = statement.where(timeliness_on(today) == wanted.timeliness)
    return statement


def response_time_lines(wanted: TimesFilter, today: date) -> Select[Any]:
    """Return the SELECT of what the control says of each case, its hand-overs apart (`batons`)."""
    handler = aliased(Process)
    columns = (
        Pqr.id, Pqr.number, Pqr.filed_at, Pqr.filed_on, Pqr.effective_on, Pqr.identity, Party.name.label("party"),
        Account.number.label("account"), Service.name.label("service"), RequestType.name.label("request_type"),
        SuiCause.group_code.label("cause_group"), SuiCause.code.label("cause_code"), SuiCause.name.label("cause"),
        handler.name.label("process"), Pqr.solved_on, Pqr.answered_on, Pqr.notified_on, Pqr.closed_on, Pqr.due_on, Pqr.status,
        timeliness_on(today).label("timeliness"),
    )  # fmt: skip
    return (
        response_times(wanted, today, *columns)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .join(handler, handler.id == answering_process())
        .outerjoin(Party, Party.id == Pqr.party_id)
        .outerjoin(Account, Account.id == Pqr.account_id)
        .outerjoin(Service, Service.id == Pqr.service_id)
        .outerjoin(SuiCause, SuiCause.id == Pqr.cause_id)
    )


def response_time_facts(wanted: TimesFilter, today: date) -> Select[Any]:
    """Return the SELECT of what the figures of the control are made of; `grouped` counts it."""
    return response_times(
        wanted, today, timeliness_on(today).label("timeliness"), Pqr.status.label("status"), Pqr.answered_on.label("answered_on"),
        case((Pqr.answered_on.is_not(None), Pqr.effective_on)).label("effective_on"),
    )  # fmt: skip


def grouped(session: Session, facts: Select[Any]) -> Result[Any]:
    """Return the distinct rows of *facts*, each with how often it occurs last: few groups however many rows."""
    rows = facts.subquery()
    return session.execute(select(*rows.c, func.count()).group_by(*rows.c))


def batons(session: Session, ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """
    Return by case, in order and in one statement, its lines of the baton ledger and then the acts that moved its clock.

    Rows are (pqr_id, is_act, id, on, process_id, process, clock): `clock` is STOPPED or RESUMED on an act, None on a line.
    """
    lines = (
        select(Assignment.pqr_id, literal(0).label("is_act"), Assignment.id, Assignment.in_on.label("on"), Assignment.process_id,
               Process.name.label("process"), cast(null(), String).label("clock"))
        .join(Process, Process.id == Assignment.process_id)
        .where(Assignment.pqr_id.in_(ids))
    )  # fmt: skip
    acts = select(
        CaseEvent.pqr_id, literal(1), CaseEvent.id, CaseEvent.on, CaseEvent.process_id, cast(null(), String), CaseEvent.clock
    ).where(CaseEvent.pqr_id.in_(ids), CaseEvent.clock.is_not(None))  # fmt: skip
    both = union_all(lines, acts).order_by("pqr_id", "is_act", "id")
    found: dict[int, list[Row[Any]]] = {case_id: [] for case_id in ids}
    for row in session.execute(both).all():
        found[row.pqr_id].append(row)
    return found


def names_for_filters(session: Session) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Return in one statement what a report of cases offers to choose from: processes and request types, by name."""
    processes = select(literal("process").label("kind"), Process.id.label("key"), Process.name.label("name"))
    types = select(literal("type"), RequestType.id, RequestType.name)
    rows = session.execute(union_all(processes, types).order_by("name")).all()
    options = {kind: [(row.key, row.name) for row in rows if row.kind == kind] for kind in ("process", "type")}
    return options["process"], options["type"]
