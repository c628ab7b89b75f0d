"""
The calendar as something that changes: an edit is shown before it is made, with every open case it moves, and made with a reason.

Dates are derived by the same engine as everywhere (`operations/pqr.py`). An answered or closed case never moves: it keeps the date
it was answered under, and `queries.calendar_at` rebuilds the calendar of that day. See docs/rules/calendar.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlalchemy.orm import Session

from app import audit, queries
from app.domain import N_
from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import ClockEvent, ClockEventKind, deadline_of, lengthened
from app.domain.errors import DomainError
from app.domain.states import Category, DayException, PqrStatus, states_in
from app.extensions import local
from app.models import CalendarChange, CalendarDay, CalendarYear, CaseEvent, Organisation, Pqr, Process
from app.operations import requirements, seeds, silence
from app.operations.notices import appeal_until
from app.operations.pqr import stored_dates

MIN_REASON = 10
YEARS = range(1995, 2101)  # Ley 142 is of July 1994; beyond a century nobody knows the holidays
_OPEN = states_in(Category.OPEN, Category.STOPPED)
_OVER = states_in(Category.ANSWERED, Category.FINAL)
_RUNNING = or_(Pqr.status.in_(_OPEN), Pqr.status == PqrStatus.NOTIFIED)
_EVER = datetime(1900, 1, 1, tzinfo=UTC)


class CalendarRefused(DomainError):
    """The calendar cannot be changed like that; the text says why."""


class TermsAnswered(CalendarRefused):
    """Cases already answered were counted over a past day as it was. Confirming (`keeps_answered`) leaves them as they are."""

    msgid = N_(
        "Answered cases that were counted with %(days)s as it is now: %(n)s. An answered or closed case never moves: it keeps the "
        "date it was answered under. Confirm that to go on."
    )


class StalePreview(CalendarRefused):
    """What would move is no longer what was shown. `preview` is what would move now."""

    msgid = N_(
        "Meanwhile a case or the calendar changed, so nothing was applied. This is what would move now: read it again and apply it."
    )

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


# ── What may be asked ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OffDay:
    """A day on which nobody works, as the table keeps it: with the act that orders it and where that was read."""

    on: date
    kind: DayException
    name: str
    norm: str
    source: str = ""

    def as_data(self) -> dict[str, str]:
        return {"on": self.on.isoformat(), "kind": self.kind.name, "name": self.name, "norm": self.norm, "source": self.source}

    def as_domain(self) -> NonWorkingDay:
        return NonWorkingDay(self.on, self.name, self.norm, self.kind is DayException.CLOSURE)

    @classmethod
    def from_data(cls, data: dict[str, str]) -> OffDay:
        return cls(date.fromisoformat(data["on"]), DayException[data["kind"]], data["name"], data["norm"], data.get("source", ""))


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """The working week (ISO weekdays, Monday = 1) and the hours of the office. What arrives after closing counts as of the next day."""

    working_week: str
    opens_at: time | None = None
    closes_at: time | None = None

    def as_data(self) -> dict[str, str | None]:
        return {name: value.isoformat() if isinstance(value, time) else value for name, value in asdict(self).items()}

    @classmethod
    def from_data(cls, data: dict[str, str | None]) -> OfficeHours:
        opens, closes = (time.fromisoformat(text) if text else None for text in (data.get("opens_at"), data.get("closes_at")))
        return cls(str(data["working_week"]), opens, closes)


@dataclass(frozen=True, slots=True)
class CalendarEdit:
    """
    A change of the calendar, whole: what to remove, what to add, which years to load, which office hours to have.

    A day in both `remove` and `add` is corrected. `keeps_answered` says that somebody read that answered cases stay as they are.
    """

    add: tuple[OffDay, ...] = ()
    remove: tuple[date, ...] = ()
    years: tuple[int, ...] = ()
    hours: OfficeHours | None = None
    keeps_answered: bool = False

    def as_data(self) -> dict[str, Any]:
        return {
            "add": [day.as_data() for day in self.add],
            "remove": [on.isoformat() for on in self.remove],
            "years": list(self.years),
            "hours": self.hours.as_data() if self.hours else None,
            "keeps_answered": self.keeps_answered,
        }

    @classmethod
    def from_data(cls, data: Any) -> CalendarEdit:
        """Return the edit that `as_data` wrote. Raises CalendarRefused for anything else."""
        try:
            return cls(
                add=tuple(map(OffDay.from_data, data["add"])),
                remove=tuple(map(date.fromisoformat, data["remove"])),
                years=tuple(map(int, data["years"])),
                hours=OfficeHours.from_data(data["hours"]) if data["hours"] else None,
                keeps_answered=data["keeps_answered"] is True,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalendarRefused(N_("This change cannot be read. Start again from the calendar.")) from error


def year_edit(year: int) -> CalendarEdit:
    """Return the edit that loads the holidays of *year* from the library, each with its law."""
    if year not in YEARS:
        raise CalendarRefused(N_("Years from %(first)s to %(last)s can be loaded."), field="load", first=str(YEARS[0]), last=str(YEARS[-1]))
    source = seeds.library_source()
    days = (day for day in seeds.shipped_holidays((year,)) if day.on.year == year)
    return CalendarEdit(add=tuple(OffDay(day.on, DayException.HOLIDAY, day.name, day.norm, source) for day in days), years=(year,))


# ── What would move ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Lateness(Enum):
    """What a move does to a case on the day it is decided."""

    BECOMES_LATE = N_("Becomes late")
    LEAVES_LATENESS = N_("No longer late")
    SAME = ""

    @property
    def rank(self) -> int:
        """Place in the lists of cases: the worst news first."""
        return _RANK[self]


_RANK = {lateness: rank for rank, lateness in enumerate(Lateness)}


@dataclass(frozen=True, slots=True)
class MovedCase:
    """A case whose stored dates would change: only the columns that differ, before and after."""

    number: str
    process: str
    status: PqrStatus
    before: dict[str, date | int | None]
    after: dict[str, date | int | None]
    lateness: Lateness = Lateness.SAME
    pqr_id: int = 0

    @property
    def column(self) -> str:
        """The date that says most: the legal one, or the best of those that moved."""
        return next(name for name in MOVING if name in self.after)

    def as_data(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "process": self.process,
            "status": self.status.name,
            "from": {name: _iso(value) for name, value in self.before.items()},
            "to": {name: _iso(value) for name, value in self.after.items()},
            "lateness": self.lateness.name,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> MovedCase:
        before, after = ({name: _from_iso(value) for name, value in data[side].items()} for side in ("from", "to"))
        return cls(data["number"], data["process"], PqrStatus[data["status"]], before, after, Lateness[data["lateness"]])


#: The columns of a case that the calendar moves, the most telling first, with what people call them.
MOVING = {
    "due_on": N_("Legal due date"),
    "appeal_until": N_("Last day to appeal"),
    "n_days_left_when_stopped": N_("Business days left when the clock stopped"),
    "safe_on": N_("Safe date"),
    "effective_on": N_("Counts as filed"),
}


def _iso(value: date | int | None) -> str | int | None:
    return value.isoformat() if isinstance(value, date) else value


def _from_iso(value: str | int | None) -> date | int | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def grouped(moved: Iterable[MovedCase]) -> list[tuple[str, Any, Any, int]]:
    """Return (column, from, to, how many cases), each date that moves to another, in order."""
    groups = Counter((case.column, case.before[case.column], case.after[case.column]) for case in moved)
    columns = list(MOVING)
    return [(*key, n) for key, n in sorted(groups.items(), key=lambda item: (columns.index(item[0][0]), *map(str, item[0][1:])))]


@dataclass(frozen=True, slots=True)
class Preview:
    """
    What an edit would do today. `digest` names it: it is applied only if nothing of it has changed.

    `removed` are the days it takes away, whole; `n_answered` the answered cases that a changed past day does not move.
    """

    edit: CalendarEdit
    removed: tuple[OffDay, ...]
    settings: dict[str, Any]
    moved: tuple[MovedCase, ...]
    n_answered: int
    digest: str


def preview(session: Session, edit: CalendarEdit, today: date) -> Preview:
    """
    Return which open cases *edit* moves, from when to when. Changes nothing.

    Args:
        today: Local date; it tells which cases become late or cease to be, and which of the edited days are past.

    Raises:
        CalendarRefused: The edit is empty or does not fit the calendar; TermsAnswered when it would contradict answered cases.
        CalendarGap: A term would run into a year that is not loaded.
    """
    organisation = queries.organisation(session)
    before = queries.calendar_of(session, organisation)
    removed = tuple(map(_off_day, session.scalars(select(CalendarDay).where(CalendarDay.on.in_(edit.remove)).order_by(CalendarDay.on))))
    settings = _settings(edit, organisation)
    _check(edit, before, removed, settings)
    after = _changed(before, edit, organisation)
    turned = _turned(before, after, edit)
    n_answered = _n_answered_against(session, before, edit, [on for on in turned if on < today])
    if n_answered and not edit.keeps_answered:
        past = ", ".join(f"{on:%d/%m/%Y}" for on in turned if on < today)
        raise TermsAnswered(n=n_answered, days=past)
    moved = tuple(sorted(_moved(session, after, today, _reached_by(turned, settings)), key=_importance))
    return Preview(edit, removed, settings, moved, n_answered, _digest(edit, before, after, settings, moved))


def _importance(case: MovedCase) -> tuple[int, str, str]:
    return case.lateness.rank, str(case.after[case.column]), case.number


def _digest(
    edit: CalendarEdit, before: BusinessCalendar, after: BusinessCalendar, settings: dict[str, Any], moved: Iterable[MovedCase]
) -> str:
    """Return the fingerprint of all that a preview shows; equal on every node."""
    digest = sha256(json.dumps([edit.as_data(), before.version, after.version, settings], sort_keys=True).encode())
    for case in moved:
        digest.update(repr((case.number, case.before, case.after, case.lateness.name)).encode())
    return digest.hexdigest()


def _off_day(row: CalendarDay) -> OffDay:
    return OffDay(row.on, row.kind, row.name, row.norm, row.source)


def _settings(edit: CalendarEdit, organisation: Organisation) -> dict[str, Any]:
    """Return what *edit* changes besides days: the years it loads, and each setting of the office from what to what."""
    settings: dict[str, Any] = {"years": list(edit.years)} if edit.years else {}
    if edit.hours:
        now = OfficeHours(organisation.working_week, organisation.opens_at, organisation.closes_at).as_data()
        settings |= {name: [now[name], value] for name, value in edit.hours.as_data().items() if now[name] != value}
    return settings


def _check(edit: CalendarEdit, calendar: BusinessCalendar, removed: tuple[OffDay, ...], settings: dict[str, Any]) -> None:
    there = {day.on for day in calendar.days} - {day.on for day in removed}
    missing = set(edit.remove) - {day.on for day in removed}
    if missing:
        raise CalendarRefused(N_("%(on)s is not in the calendar, so it cannot be removed."), field="on", on=f"{min(missing):%d/%m/%Y}")
    for year in edit.years:
        if year in calendar.years:
            raise CalendarRefused(N_("The year %(year)s is loaded already."), field="load", year=str(year))
    for day in edit.add:
        if day.on in there:
            raise CalendarRefused(N_("%(on)s is in the calendar already."), field="on", on=f"{day.on:%d/%m/%Y}")
        if day.on.year not in calendar.years and day.on.year not in edit.years:
            raise CalendarRefused(N_("The year %(year)s is not loaded yet. Load it first."), field="on", year=str(day.on.year))
        if not day.name.strip() or not day.norm.strip():
            name = "norm" if day.name.strip() else "name"
            raise CalendarRefused(N_("Every day off needs its name, and the law or act that orders it."), field=name)
        if len(day.name) > 120 or max(len(day.norm), len(day.source)) > 200:
            raise CalendarRefused(N_("The name holds up to 120 characters; norm and source, up to 200."), field="name")
        there.add(day.on)
    if edit.hours:
        _check_hours(edit.hours)
    if set(removed) == set(edit.add) and not settings:
        raise CalendarRefused(N_("This changes nothing."), field="on")


def _check_hours(hours: OfficeHours) -> None:
    week = hours.working_week
    if not week or list(week) != sorted(set(week)) or not set(week) <= set("1234567"):
        raise CalendarRefused(N_("The working week needs at least one weekday, from Monday to Sunday."), field="working_week")
    if hours.opens_at and hours.closes_at and hours.opens_at >= hours.closes_at:
        raise CalendarRefused(N_("The office closes after it opens."), field="closes_at")


def _changed(calendar: BusinessCalendar, edit: CalendarEdit, organisation: Organisation) -> BusinessCalendar:
    """Return the calendar that *edit* makes; `queries.calendar_of` gives an equal one once it is applied."""
    days = calendar.with_changes([day.as_domain() for day in edit.add], edit.remove).days
    hours = edit.hours or OfficeHours(organisation.working_week, closes_at=organisation.closes_at)
    return queries.built_calendar(days, calendar.years | set(edit.years), hours.working_week, hours.closes_at)


def _turned(before: BusinessCalendar, after: BusinessCalendar, edit: CalendarEdit) -> list[date]:
    """Return the edited days that cease to be working days, or become ones; a holiday on a Sunday turns nothing."""
    days = {day.on for day in edit.add}.union(edit.remove)
    return sorted(on for on in days if before.covers(on) and before.is_working_day(on) != after.is_working_day(on))


def _reached_by(turned: list[date], settings: dict[str, Any]) -> ColumnElement[bool]:
    """
    Return the condition on the cases that may move: open ones whose term touches a day that turned, notified ones likewise.

    A count looks at no day before the filing nor after the due date, so the rest cannot move. Office hours concern all days.
    """
    if "working_week" in settings or "closes_at" in settings:
        return _RUNNING
    if not turned:
        return false()
    first, last = turned[0], turned[-1]
    answering = and_(Pqr.status.in_(_OPEN), Pqr.filed_on <= last, or_(Pqr.due_on.is_(None), Pqr.due_on >= first))
    return or_(answering, and_(Pqr.status == PqrStatus.NOTIFIED, Pqr.notified_on <= last, Pqr.appeal_until >= first))


def _n_answered_against(session: Session, calendar: BusinessCalendar, edit: CalendarEdit, past: list[date]) -> int:
    """Return how many answered cases would have had another due date, had the *past* days always been as *edit* wants them."""
    if not past:
        return 0
    rewritten = calendar.with_changes([day.as_domain() for day in edit.add if day.on in past], [on for on in edit.remove if on in past])
    answered = (*states_in(Category.ANSWERED), PqrStatus.CLOSED)
    condition = and_(Pqr.status.in_(answered), Pqr.filed_on <= past[-1], Pqr.due_on >= past[0])
    as_it_was = (dates["due_on"] for _, dates in _derived(session, calendar, condition))
    as_it_would_be = (dates["due_on"] for _, dates in _derived(session, rewritten, condition))
    return sum(was != would for was, would in zip(as_it_was, as_it_would_be, strict=True))


# ── Deriving dates, many at once ──────────────────────────────────────────────────────────────────────────────────────────

_FACTS = (
    Pqr.id, Pqr.number, Pqr.status, Pqr.regime, Pqr.filed_at, Pqr.term_id, Pqr.notified_on, Pqr.effective_on, Pqr.due_on, Pqr.safe_on,
    Pqr.n_days_left_when_stopped, Pqr.appeal_until, Pqr.n_extended, Pqr.extension_term_id, Process.name.label("process"),
)  # fmt: skip


def _derived(session: Session, calendar: BusinessCalendar, condition: ColumnElement[bool]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each case of *condition* as stored, with the dates that its events and *calendar* give; three statements in all."""
    rules = queries.term_rules(session)
    rule_of = {rule.id: rule for rule in rules}
    stops: dict[int, list[ClockEvent]] = {}
    clock = select(CaseEvent.pqr_id, CaseEvent.on, CaseEvent.clock, CaseEvent.reason, CaseEvent.act).where(
        CaseEvent.clock.is_not(None), CaseEvent.pqr_id.in_(select(Pqr.id).where(condition))
    )
    for pqr_id, on, kind, reason, act in session.execute(clock.order_by(CaseEvent.id)):
        stops.setdefault(pqr_id, []).append(ClockEvent(on, ClockEventKind[kind], reason, act))
    cases = select(*_FACTS).join(Process, Process.id == Pqr.process_id).where(condition).order_by(Pqr.id)
    for case in session.execute(cases.execution_options(yield_per=5000)):
        rule = rule_of[case.term_id]
        if case.n_extended:
            rule = lengthened(rule, rule_of[case.extension_term_id], case.n_extended)
        deadline = deadline_of(case.filed_at, rule, calendar, stops.get(case.id, ()))
        dates = stored_dates(case.status, deadline)
        if case.status is PqrStatus.NOTIFIED:  # answered: only the term to appeal still runs
            admits = case.appeal_until is not None
            dates |= {"appeal_until": appeal_until(case.notified_on, rules, calendar) if admits else None}
        yield case, dates


def _moved(
    session: Session, calendar: BusinessCalendar, today: date, condition: ColumnElement[bool], *, are_over: bool = False
) -> Iterator[MovedCase]:
    """Yield the cases of *condition* whose stored dates are not those that *calendar* gives; of notified ones, the term to appeal."""
    for case, dates in _derived(session, calendar, condition):
        moving = {"appeal_until"} if case.status is PqrStatus.NOTIFIED and not are_over else dates.keys() - {"appeal_until"}
        after = {name: dates[name] for name in MOVING if name in moving and dates[name] != getattr(case, name)}
        if after:
            before = {name: getattr(case, name) for name in after}
            yield MovedCase(case.number, case.process, case.status, before, after, _lateness(before, after, today), case.id)


def _lateness(before: dict[str, Any], after: dict[str, Any], today: date) -> Lateness:
    if "due_on" not in after:
        return Lateness.SAME
    was_late, is_late = before["due_on"] < today, after["due_on"] < today
    if was_late == is_late:
        return Lateness.SAME
    return Lateness.BECOMES_LATE if is_late else Lateness.LEAVES_LATENESS


# ── Making the change ─────────────────────────────────────────────────────────────────────────────────────────────────────


def apply_edit(session: Session, edit: CalendarEdit, reason: str, *, digest: str, at: datetime, actor_id: int | None) -> CalendarChange:
    """
    Change the calendar and the dates of every open case that it moves, all in this transaction; return the record of it, flushed.

    Nobody files nor moves a case meanwhile: who computes a date holds the calendar (`queries.hold_calendar`).

    Args:
        digest: Of the preview that somebody read.

    Raises:
        CalendarRefused: There is no reason, or the edit does not fit (see `preview`).
        StalePreview: What would move is not what was read.
    """
    reason = reason.strip()
    if len(reason) < MIN_REASON:
        raise CalendarRefused(N_("Write the reason, in %(n)s characters or more: it stays in the history."), field="reason", n=MIN_REASON)
    organisation = _take_calendar(session)
    shown = preview(session, edit, local(at).date())
    if shown.digest != digest:
        raise StalePreview(shown)
    with audit.because(session, reason):
        _write_calendar(session, organisation, shown, at)
        _write_dates(session, shown.moved, at)
        session.flush()
        queries.forget_calendar(session)
        silence.withdraw_unfounded(session, at, reason, {case.pqr_id for case in shown.moved})
        requirements.count_again(session)
    change = CalendarChange(
        at=at,
        actor_id=actor_id,
        reason=reason,
        added=[day.as_data() for day in edit.add],
        removed=[day.as_data() for day in shown.removed],
        settings=shown.settings,
        moved=[case.as_data() for case in shown.moved],
    )
    session.add(change)
    session.flush()
    queries.forget_calendar(session)
    return change


def load_year(session: Session, year: int, reason: str, *, at: datetime, actor_id: int | None = None) -> CalendarChange:
    """Load the holidays of *year* from the library, as any other change. Raises CalendarRefused when it is loaded already."""
    _take_calendar(session)
    edit = year_edit(year)
    shown = preview(session, edit, local(at).date())
    return apply_edit(session, edit, reason, digest=shown.digest, at=at, actor_id=actor_id)


def _take_calendar(session: Session) -> Organisation:
    """Wait for whoever is writing dates, and let nobody else do it until this transaction ends; read the calendar anew."""
    session.connection()
    organisation = queries.organisation(session)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(queries.CALENDAR_LOCK)))
        session.refresh(organisation)
    queries.forget_calendar(session)
    return organisation


def _write_calendar(session: Session, organisation: Organisation, shown: Preview, at: datetime) -> None:
    edit = shown.edit
    session.add_all(CalendarYear(year=year, source=seeds.library_source(), loaded_at=at) for year in edit.years)
    for row in session.scalars(select(CalendarDay).where(CalendarDay.on.in_(edit.remove))):
        session.delete(row)
    session.flush()  # a corrected day leaves before it comes back
    session.add_all(
        CalendarDay(on=day.on, year=day.on.year, kind=day.kind, name=day.name, norm=day.norm, source=day.source) for day in edit.add
    )
    if edit.hours:
        organisation.working_week = edit.hours.working_week
        organisation.opens_at, organisation.closes_at = edit.hours.opens_at, edit.hours.closes_at
    session.flush()


def _write_dates(session: Session, moved: Iterable[MovedCase], at: datetime) -> None:
    """Store the dates of *moved*, with their lines of the change log: one statement for all that move to the same dates."""
    cases = list(moved)
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for case in cases:
        alike.setdefault(tuple(case.after.items()), []).append(case.pqr_id)
    stamp = {"changed_at": at, "changed_by_id": session.info.get("actor_id")}
    for dates, ids in alike.items():
        for start in range(0, len(ids), 1000):
            statement = update(Pqr).where(Pqr.id.in_(ids[start : start + 1000])).values(**dict(dates), **stamp)
            session.execute(statement.execution_options(synchronize_session=False))
    audit.record_updates(session, Pqr, ((case.pqr_id, case.before, case.after) for case in cases))
    for row in list(session.identity_map.values()):
        if isinstance(row, Pqr):
            session.expire(row)


# ── Checking the clock ────────────────────────────────────────────────────────────────────────────────────────────────────


def differing(session: Session, today: date) -> list[MovedCase]:
    """
    Return the cases whose stored dates are not the derived ones: none, unless somebody wrote to the database by hand.

    Open and notified cases are derived with the calendar of today, the others with the one of the day they were answered.
    """
    organisation = queries.organisation(session)
    found = list(_moved(session, queries.calendar_of(session, organisation), today, _RUNNING))
    changed_at = list(session.scalars(select(CalendarChange.at).order_by(CalendarChange.at)))
    for since, until in zip([_EVER, *changed_at], [*changed_at, None], strict=True):
        then = select(CaseEvent.pqr_id).where(CaseEvent.to_status.in_(_OVER)).group_by(CaseEvent.pqr_id)
        then = then.having(func.min(CaseEvent.at) >= since)
        then = then.having(func.min(CaseEvent.at) < until) if until else then
        calendar = queries.calendar_at(session, organisation, since)
        found += _moved(session, calendar, today, and_(Pqr.status.in_(_OVER), Pqr.id.in_(then)), are_over=True)
    return sorted(found, key=lambda case: case.number)


def recompute(session: Session, reason: str, *, at: datetime) -> list[MovedCase]:
    """Store the derived dates of the open cases that have others, with their lines of the change log; return those cases."""
    organisation = _take_calendar(session)
    moved = list(_moved(session, queries.calendar_of(session, organisation), local(at).date(), _RUNNING))
    with audit.because(session, reason):
        _write_dates(session, moved, at)
    return moved
