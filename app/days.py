"""Named SELECTs of a reader's day: how he works, what the menu and Mi día count for him, and how far a new house is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from flask_appbuilder.security.sqla.models import User, assoc_group_role, assoc_user_group, assoc_user_role
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from app.domain.calendar import BusinessCalendar
from app.domain.states import BillingStatus, Category, MessageStatus, Outcome, PqrStatus, RunOutcome, states_in
from app.models import (
    Appeal,
    BillingItem,
    CalendarDay,
    CalendarYear,
    JobRun,
    ListColumns,
    Organisation,
    OutboxMessage,
    Parameter,
    Pqr,
    Process,
    ProcessMember,
    Reminder,
    SavedFilter,
    Silence,
    UtcDateTime,
    WorkerBeat,
)
from app.queries import BUCKETS, asked_condition, in_bucket

# ── The reader, and his day ───────────────────────────────────────────────────────────────────────────────────────────────

MANY = 100  # a counter of the menu counts no further


@dataclass(frozen=True, slots=True)
class SavedList:
    """A list as somebody left it, as the reader may use it: his own, or shared with a role of his."""

    id: int
    list_name: str
    name: str
    query: str
    owner_id: int
    role_id: int | None
    is_pinned: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How somebody works: the lists he saved, the columns he chose, and what the menu counts for him (`MANY` means more)."""

    filters: tuple[SavedList, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def filters_of(self, list_name: str) -> list[SavedList]:
        """Return the saved filters of that list, by name."""
        return [each for each in self.filters if each.list_name == list_name]

    def columns_of(self, list_name: str) -> tuple[str, ...]:
        """Return the columns chosen for that list, in order; none when nothing was chosen."""
        return self.columns.get(list_name, ())


def roles_of(user_id: Any) -> CompoundSelect[tuple[int]]:
    """Return the SELECT of the roles of a user, his own and those that his groups lend."""
    direct = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == user_id)
    lent = select(assoc_group_role.c.role_id).join(assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id)
    return union(direct, lent.where(assoc_user_group.c.user_id == user_id))


_REACH = range(1, 11)  # days in which a working one is looked for; beyond, nothing can be due anyway


def next_working_day() -> ScalarSelect[date]:
    """Return the first working day of `days_after`, asked of the database: a counter does not read the whole calendar."""
    days = (
        select(bindparam(f"day_{n}", type_=Date).label("on"), bindparam(f"weekday_{n}", type_=String).label("weekday")) for n in _REACH
    )
    some = union_all(*days).subquery()
    is_off = exists().where(CalendarDay.on == some.c.on)
    works = exists().where(Organisation.working_week.contains(some.c.weekday))
    last = bindparam(f"day_{_REACH[-1]}", type_=Date)
    return select(func.coalesce(func.min(some.c.on), last)).where(works, ~is_off).scalar_subquery()


def days_after(today: date) -> dict[str, Any]:
    """Return the values that `next_working_day` chooses among."""
    days = {n: today + timedelta(n) for n in _REACH}
    return {f"day_{n}": day for n, day in days.items()} | {f"weekday_{n}": str(day.isoweekday()) for n, day in days.items()}


def urgent_condition() -> ColumnElement[bool]:
    """Return the condition of the cases that are late, in silence, or due by the next working day (its values: `days_after`)."""
    return and_(Pqr.status.in_(states_in(Category.OPEN)), Pqr.due_on <= next_working_day())


def to_recognise() -> ColumnElement[bool]:
    """
    Return the condition of the silences, joined to their cases, that still have to be recognised.

    A late answer that granted all and was notified leaves nothing to recognise.
    """
    is_moot = and_(Pqr.outcome == Outcome.GRANTED, Pqr.notified_on.is_not(None))
    return and_(Silence.recognised_on.is_(None), Silence.withdrawn_on.is_(None), ~is_moot)


def file_is_due() -> ColumnElement[bool]:
    """Return the condition of the appeals, joined to their cases, whose file has to be sent to Superservicios (Ley 142 art. 159)."""
    return and_(Pqr.status == PqrStatus.NOTIFIED, Appeal.sspd_due_on.is_not(None), Appeal.sspd_sent_on.is_(None))


def failed_mail() -> Select[tuple[int]]:
    """Return the SELECT of the messages that did not leave and will not by themselves."""
    return select(OutboxMessage.id).where(OutboxMessage.status == MessageStatus.FAILED)


def reader_statement(counted: Mapping[str, Select[tuple[int]]]) -> CompoundSelect[Any]:
    """Return the SELECT of how `:reader_id` works, and of how many rows each of *counted* has, up to `MANY`."""
    user_id = bindparam("reader_id", type_=Integer)

    def row(kind: str, *columns: Any) -> Select[Any]:
        nothing = (cast(null(), Integer), literal(""), literal(""), literal(""), cast(null(), Integer), cast(null(), Integer), literal(0))
        return select(literal(kind).label("kind"), *columns, *nothing[len(columns) :])

    saved = row(
        "filter", SavedFilter.id.label("id"), SavedFilter.list_name.label("list_name"), SavedFilter.name.label("name"),
        SavedFilter.query.label("text"), SavedFilter.owner_id.label("owner_id"), SavedFilter.role_id.label("role_id"),
        cast(SavedFilter.is_pinned, Integer).label("n"),
    ).where(or_(SavedFilter.owner_id == user_id, SavedFilter.role_id.in_(roles_of(user_id))))  # fmt: skip
    chosen = row("columns", cast(null(), Integer), ListColumns.list_name, literal(""), ListColumns.names)
    counts = (
        row("count", cast(null(), Integer), literal(name), literal(""), literal(""), cast(null(), Integer), cast(null(), Integer),
            select(func.count()).select_from(ids.limit(MANY).subquery()).scalar_subquery())
        for name, ids in counted.items()
    )  # fmt: skip
    return union_all(saved, chosen.where(ListColumns.user_id == user_id), *counts)


def reader_settings(session: Session, statement: CompoundSelect[Any], values: Mapping[str, Any]) -> ReaderSettings:
    """Return what `reader_statement` says with *values*; whoever asks on every page builds the statement once."""
    rows = session.execute(statement, values).all()
    filters = (
        SavedList(row.id, row.list_name, row.name, row.text, row.owner_id, row.role_id, bool(row.n), row.owner_id == values["reader_id"])
        for row in rows
        if row.kind == "filter"
    )
    return ReaderSettings(
        tuple(sorted(filters, key=lambda each: (each.name.casefold(), each.id))),
        {row.list_name: tuple(row.text.split(",")) for row in rows if row.kind == "columns" and row.text},
        {row.list_name: row.n for row in rows if row.kind == "count"},
    )


@dataclass(frozen=True, slots=True)
class DayFigures:
    """
    What Mi día counts: cases by light, by the step that waits for the reader, filed and answered in each period, and by their last day
    the silences to recognise and the files to send to Superservicios.
    """

    lights: dict[str, int]
    steps: dict[PqrStatus, int]
    n_waiting: int
    n_returned: int
    n_lapsed: int
    filed: list[int]
    answered: list[int]
    silences: dict[date, int] = field(default_factory=dict)
    sspd_files: dict[date, int] = field(default_factory=dict)
    n_reminded: int = 0
    n_rejected: int = 0
    commercial: dict[str, int] = field(default_factory=dict)


def rejected_items() -> Select[Any]:
    """Return the SELECT of how many things billing rejected that wait for somebody, as `day_figures` counts."""
    n = func.count(BillingItem.id).label("n")
    return select(literal("his").label("kind"), literal("rejected").label("key"), n).where(BillingItem.status == BillingStatus.REJECTED)


def reminded_since(user_id: int, since: datetime) -> Select[Any]:
    """Return the SELECT of how many things the user was reminded of from that instant on, as `day_figures` counts."""
    things = func.count(Reminder.row_key.distinct()).label("n")
    return select(literal("his").label("kind"), literal("reminded").label("key"), things).where(
        Reminder.user_id == user_id, Reminder.told_at >= since
    )


def day_figures(
    session: Session,
    ids: Select[tuple[int]],
    today: date,
    calendar: BusinessCalendar,
    *,
    waiting: ColumnElement[bool],
    returned: ColumnElement[bool],
    states: Collection[PqrStatus],
    periods: Sequence[date],
    more: Sequence[Select[Any]] = (),
) -> DayFigures:
    """
    Return the figures of *ids* (a SELECT over Pqr alone) on *today*, in one statement. Raises CalendarGap.

    Args:
        waiting, returned: `waiting_condition` and `returned_condition` of the reader.
        states: States to count one by one.
        periods: First days of the periods, oldest first; the last one is open.
        more: `reminded_since`, `rejected_items`, and what `selling` watches.
    """

    def counted(kind: str, key: ColumnElement[str], *conditions: ColumnElement[bool]) -> Select[Any]:
        rows = ids.with_only_columns(key.label("key")).where(*conditions).subquery()
        return select(literal(kind).label("kind"), rows.c.key, func.count().label("n")).group_by(rows.c.key)

    def flow(kind: str, column: ColumnElement[date]) -> Select[Any]:
        which = case(*((column < until, literal(str(i))) for i, until in enumerate(periods[1:])), else_=literal(str(len(periods) - 1)))
        return counted(kind, which, column >= periods[0])

    def awaited(kind: str, model: Any, last_on: Any, condition: ColumnElement[bool]) -> Select[Any]:
        which = ids.join(model, model.pqr_id == Pqr.id).where(condition)
        rows = which.with_only_columns(cast(last_on, String).label("key")).subquery()
        return select(literal(kind).label("kind"), rows.c.key, func.count().label("n")).group_by(rows.c.key)

    def days_of(wanted: str) -> dict[date, int]:
        return {date.fromisoformat(key): n for (kind, key), n in sorted(found.items()) if kind == wanted}

    light = case(*((in_bucket(bucket, today, calendar), literal(bucket)) for bucket in BUCKETS), else_=literal(""))
    rows = session.execute(
        union_all(
            counted("light", light, Pqr.status.in_(states_in(Category.OPEN, Category.STOPPED))),
            counted("step", cast(Pqr.status, String), Pqr.status.in_(states)),
            counted("his", literal("waiting"), waiting),
            counted("his", literal("returned"), returned),
            counted("his", literal("lapsed"), asked_condition(today, is_over=True)),
            flow("filed", Pqr.filed_on),
            flow("answered", Pqr.answered_on),
            awaited("silence", Silence, Silence.recognise_by, to_recognise()),
            awaited("sspd", Appeal, Appeal.sspd_due_on, file_is_due()),
            *more,
        )
    )
    found = {(row.kind, row.key): row.n for row in rows}
    return DayFigures(
        lights={bucket: found.get(("light", bucket), 0) for bucket in BUCKETS},
        steps={status: found.get(("step", status.name), 0) for status in states},
        n_waiting=found.get(("his", "waiting"), 0),
        n_returned=found.get(("his", "returned"), 0),
        n_lapsed=found.get(("his", "lapsed"), 0),
        filed=[found.get(("filed", str(i)), 0) for i in range(len(periods))],
        answered=[found.get(("answered", str(i)), 0) for i in range(len(periods))],
        silences=days_of("silence"),
        sspd_files=days_of("sspd"),
        n_reminded=found.get(("his", "reminded"), 0),
        n_rejected=found.get(("his", "rejected"), 0),
        commercial={key: n for (kind, key), n in found.items() if kind == "commercial"},
    )


# ── The house ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What the catalogues write where an administrator has to write (`app/seeds/organisation.csv`).
PLACEHOLDER, PLACEHOLDER_NIT = "EDITE", "9000000005"


@dataclass(frozen=True, slots=True)
class HouseFacts:
    """How far an installation is: what its first steps need, and what its administrator looks after."""

    organisation_id: int | None
    is_named: bool
    has_signatory: bool
    has_logo: bool
    n_users: int
    has_processes: bool
    empty_processes: tuple[str, ...]
    years: tuple[int, ...]
    has_case: bool
    n_queued: int
    n_failed: int
    is_hidden: bool
    has_worker: bool
    n_failing: int


@cache
def _house() -> CompoundSelect[Any]:
    """Return the statement of `house_facts`, whose values are `:today`, `:hidden_key` and `:alive_since`."""

    def facts(kind: str, n: Any, name: Any = literal("")) -> Select[Any]:  # noqa: B008  no table in it
        return select(literal(kind).label("kind"), cast(n, Integer).label("n"), name.label("name"))

    def filled(column: Any) -> ColumnElement[bool]:
        return ~column.startswith(PLACEHOLDER)

    today = bindparam("today", type_=Date)
    his = Organisation.id == select(func.min(Organisation.id)).scalar_subquery()
    is_named = and_(filled(Organisation.address), Organisation.nit != PLACEHOLDER_NIT)
    staffed = exists().where(ProcessMember.process_id == Process.id, func.coalesce(ProcessMember.valid_until, today) >= today)
    queued = select(func.count()).where(OutboxMessage.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)))
    newest = select(func.max(JobRun.id)).group_by(JobRun.task)
    failing = select(func.count()).where(JobRun.id.in_(newest), JobRun.outcome.in_((RunOutcome.FAILED, RunOutcome.LOST)))
    hidden = exists().where(Parameter.key == bindparam("hidden_key", type_=String), Parameter.value == "1")
    return union_all(
        facts("organisation", Organisation.id).where(his),
        facts("named", Organisation.id).where(his, is_named),
        facts("signatory", Organisation.id).where(his, filled(Organisation.signatory_name)),
        facts("logo", Organisation.id).where(his, Organisation.logo.is_not(None)),
        facts("users", select(func.count()).where(User.active).scalar_subquery()),
        facts("process", Process.id).where(Process.is_active),
        facts("empty", Process.id, Process.name).where(Process.is_active, ~staffed),
        facts("year", CalendarYear.year),
        facts("case", literal(1)).where(select(Pqr.id).exists()),
        facts("queued", queued.scalar_subquery()),
        facts("failed", select(func.count()).select_from(failed_mail().subquery()).scalar_subquery()),
        facts("hidden", literal(1)).where(hidden),
        facts("failing", failing.scalar_subquery()),
        facts("worker", literal(1)).where(exists().where(WorkerBeat.seen_at > bindparam("alive_since", type_=UtcDateTime))),
    )


def house_facts(session: Session, today: date, hidden_key: str, alive_since: datetime) -> HouseFacts:
    """
    Return how the house is on *today*, in one statement.

    Args:
        hidden_key: The Parameter that puts the first steps away.
        alive_since: A worker that lives has been seen after this instant of the machine.
    """
    rows = session.execute(_house(), {"today": today, "hidden_key": hidden_key, "alive_since": alive_since})
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.kind, []).append(row)
    return HouseFacts(
        organisation_id=found["organisation"][0].n if "organisation" in found else None,
        is_named="named" in found,
        has_signatory="signatory" in found,
        has_logo="logo" in found,
        n_users=found["users"][0].n,
        has_processes="process" in found,
        empty_processes=tuple(sorted(row.name for row in found.get("empty", ()))),
        years=tuple(sorted(row.n for row in found.get("year", ()))),
        has_case="case" in found,
        n_queued=found["queued"][0].n,
        n_failed=found["failed"][0].n,
        is_hidden="hidden" in found,
        has_worker="worker" in found,
        n_failing=found["failing"][0].n,
    )
