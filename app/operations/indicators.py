"""
Indicators: what a measure gives for a window, and the life of a value: drafted, analysed, reported, and from then on only noted upon.

`measure` is for whoever needs a figure. What was reported is never reckoned again over itself: `recheck` writes beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, case, func, inspect, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from app import queries
from app.domain import N_
from app.domain.calendar import ONE_DAY, months_after
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionOrigin, ActionStatus
from app.domain.indicators import (
    MISSES,
    Scale,
    Standing,
    check_draft,
    check_period,
    check_report,
    check_sheet,
    check_typed,
    misses,
    period_at,
    periods_over,
    standing_of,
    value_of,
)
from app.domain.times import stopped_days
from app.extensions import local
from app.models import Action, CaseEvent, Indicator, IndicatorNote, IndicatorValue, Pqr, Process
from app.operations import improvement
from app.operations.indicator_measures import MEASURES, Facts, Measure, Span

#: Months back that a reported value is reckoned again.
RECHECKED = 24
#: Values that the page of an indicator shows, and that its chart draws.
SHOWN = 24
#: Values that the small line of the board draws.
ON_BOARD = 12
#: How long a value may wait to be reported, or two misses to be answered.
TIME_TO_ANSWER = timedelta(days=15)
_OVER = (ActionStatus.DONE, ActionStatus.CANCELLED)


# ── What a measure gives ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a measure gives. Nothing to divide by has no value.

    Args:
        numerator, denominator: What was counted, and out of how many; a count has no denominator.
        n_excluded: Rows that the formula leaves out.
        median, p90: Of measures of days: within how many half of them, and nine in ten, were answered.
    """

    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    n_excluded: int
    median: Decimal | None = None
    p90: Decimal | None = None


def measure(session: Session, key: str, period_from: date, period_until: date, *, process_id: int | None = None) -> Reading:
    """
    Return what measure *key* gives from *period_from* to *period_until*, both included.

    Args:
        process_id: Count only what that process answered for.

    Raises:
        DomainError: The catalogue has no such measure.
        CalendarGap: A year that business days are counted in is not loaded.
    """
    found = catalogued(key)
    span = span_of(session, period_from, period_until, process_id)
    facts = found.facts(span)
    return _days(span, facts) if found.of_days else _counted(session, found, facts)


def catalogued(key: str) -> Measure:
    """Return the measure of the catalogue. Raises DomainError when there is none."""
    if key not in MEASURES:
        raise DomainError(N_("The catalogue has no measure %(key)s."), field="measure", key=key)
    return MEASURES[key]


def span_of(session: Session, period_from: date, period_until: date, process_id: int | None = None) -> Span:
    return Span(session, period_from, period_until, process_id, queries.calendar_of(session, queries.organisation(session)))


def _counted(session: Session, found: Measure, facts: Facts) -> Reading:
    counts = facts.left_out.is_(None)
    more = [] if facts.of is None else [facts.of]
    columns = (func.sum(case((counts, facts.hit))), func.count(case((counts, 1))), func.count(facts.left_out), *more)
    hits, n, n_excluded, *of = session.execute(facts.rows.add_columns(*columns)).one()
    numerator = Decimal(hits or 0)
    denominator = None if found.scale is Scale.COUNT else Decimal(of[0] if of else n)
    return Reading(numerator, denominator, value_of(found.scale, numerator, denominator), n_excluded)


def _days(span: Span, facts: Facts) -> Reading:
    """Return the mean, median and ninetieth percentile of business days, less those on which a lawful act held the clock."""
    days: Counter[int] = Counter()
    pairs = facts.rows.add_columns(Pqr.effective_on, Pqr.answered_on, func.count()).group_by(Pqr.effective_on, Pqr.answered_on)
    for effective_on, answered_on, n in span.session.execute(pairs):
        days[span.calendar.between(effective_on, answered_on)] += n
    for effective_on, answered_on, acts in _stops(span.session, facts):
        total = span.calendar.between(effective_on, answered_on)
        days[total] -= 1
        days[total - stopped_days(acts, effective_on, answered_on, span.calendar)] += 1
    n, total = days.total(), Decimal(sum(each * times for each, times in days.items()))
    return Reading(total, Decimal(n), value_of(Scale.MEAN, total, Decimal(n)), 0, _quantile(days, 50), _quantile(days, 90))


def _stops(session: Session, facts: Facts) -> Iterable[tuple[date, date, list[tuple[date, bool]]]]:
    """Yield the days of the cases whose clock was moved, each with its stops and resumes in turn."""
    columns = (Pqr.id, Pqr.effective_on, Pqr.answered_on, CaseEvent.on, CaseEvent.clock)
    rows = facts.rows.add_columns(*columns).join(CaseEvent, CaseEvent.pqr_id == Pqr.id).where(CaseEvent.clock.is_not(None))
    found: dict[int, tuple[date, date, list[tuple[date, bool]]]] = {}
    for case_id, effective_on, answered_on, on, clock in session.execute(rows.order_by(Pqr.id, CaseEvent.id)):
        found.setdefault(case_id, (effective_on, answered_on, []))[2].append((on, clock == "STOPPED"))
    return found.values()


def _quantile(days: Counter[int], percent: int) -> Decimal | None:
    """Return the least number of days within which *percent* of 100 were answered (nearest rank)."""
    left = -(-days.total() * percent // 100)
    for each in sorted(days):
        left -= days[each]
        if left <= 0 < days.total():
            return Decimal(each)
    return None


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_typed(indicator: Indicator) -> bool:
    """Say whether somebody types the values in, because the system has nothing to reckon them from."""
    return not indicator.measure


def read(session: Session, indicator: Indicator, period_from: date, period_until: date) -> Reading:
    """Return what the measure of *indicator* gives for a period; nothing for one that is typed in. Raises as `measure`."""
    if is_typed(indicator):
        return Reading(None, None, None, 0)
    return measure(session, indicator.measure, period_from, period_until)


def so_far(session: Session, indicator: Indicator, today: date) -> tuple[date, date, Reading] | None:
    """Return the running period up to yesterday, and what it gives; None on its first day, before it, or for what is typed in."""
    first, last = period_at(indicator.starts_on, indicator.months, today)
    until = min(last, today - ONE_DAY)
    if is_typed(indicator) or until < first:
        return None
    return first, until, read(session, indicator, first, until)


def latest(session: Session, indicator: Indicator, *, until: date | None = None, is_reported: bool = False) -> IndicatorValue | None:
    """Return the newest value whose period ended by *until*; with `is_reported` only of those that were reported. None: there is none."""
    wanted = select(IndicatorValue).where(IndicatorValue.indicator_id == indicator.id)
    if until is not None:
        wanted = wanted.where(IndicatorValue.period_until <= until)
    if is_reported:
        wanted = wanted.where(IndicatorValue.reported_at.is_not(None))
    return session.scalar(wanted.order_by(IndicatorValue.period_from.desc()).limit(1))


def values_of(session: Session, indicator_id: int, limit: int = SHOWN) -> list[IndicatorValue]:
    """Return the newest values of an indicator, the newest first, with their actions and who reported them."""
    wanted = select(IndicatorValue).where(IndicatorValue.indicator_id == indicator_id).order_by(IndicatorValue.period_from.desc())
    with_them = joinedload(IndicatorValue.action), joinedload(IndicatorValue.reported_by)
    return list(session.scalars(wanted.options(*with_them).limit(limit)))


def check(indicator: Indicator) -> None:
    """Make a sheet whole before it is stored: the scale is that of its measure. Raises DomainError, as `check_sheet` and `catalogued`."""
    indicator.measure = indicator.measure or ""
    if indicator.measure:
        indicator.scale = catalogued(indicator.measure).scale
    check_sheet(
        months=indicator.months, starts_on=indicator.starts_on, direction=indicator.direction, goal=indicator.goal, fair=indicator.fair
    )


def check_periods(session: Session, indicator: Indicator) -> None:
    """
    Let a sheet have other periods or another measure while nobody has worked on its values; untouched drafts go, to be reckoned again.

    Raises:
        DomainError: A value was reported, typed in, analysed or answered.
    """
    state = inspect(indicator)
    if not any(state.attrs[name].history.has_changes() for name in ("months", "starts_on", "measure", "scale")):
        return
    values = session.scalars(select(IndicatorValue).where(IndicatorValue.indicator_id == indicator.id)).all()
    was_typed = not (state.attrs.measure.history.deleted or [indicator.measure])[0]
    for value in values:
        if value.reported_at or value.analysis or value.action_id or value.no_action_reason or (was_typed and value.value is not None):
            refusal = N_("It has values that somebody worked on: its measure and periods stay. Make it inactive and add another indicator.")
            raise DomainError(refusal, field="months")
    for value in values:
        session.delete(value)


def _fill(value: IndicatorValue, indicator: Indicator, reading: Reading) -> None:
    """Write *reading* in a value that is not reported, with the goal of today."""
    value.numerator, value.denominator, value.value = reading.numerator, reading.denominator, reading.value
    value.n_excluded, value.goal, value.fair = reading.n_excluded, indicator.goal, indicator.fair
    value.standing = standing_of(reading.value, indicator.direction, indicator.goal, indicator.fair)


def draft(session: Session, indicator: Indicator, period_from: date, period_until: date, *, at: datetime) -> IndicatorValue:
    """
    Reckon a period that ended and keep it as a draft, over an earlier draft; return it, flushed.

    Raises:
        MoveRefused: It was reported.
        DomainError: The indicator has no such period, or it has not ended; as `measure`.
    """
    check_period(period_from, period_until, indicator.starts_on, indicator.months, local(at).date())
    value = _value_at(session, indicator, period_from, period_until)
    if not is_typed(indicator) or value.standing is None:
        _fill(value, indicator, read(session, indicator, period_from, period_until))
    session.add(value)
    session.flush()
    return value


def _value_at(session: Session, indicator: Indicator, period_from: date, period_until: date) -> IndicatorValue:
    """Return the draft of a period, locked, or a new one to be added. Raises MoveRefused when it was reported."""
    mine = IndicatorValue.indicator_id == indicator.id, IndicatorValue.period_from == period_from
    value = session.scalar(select(IndicatorValue).where(*mine))
    if value is None:
        return IndicatorValue(indicator=indicator, period_from=period_from, period_until=period_until)
    queries.lock(session, value)
    check_draft(value.reported_at is not None)
    return value


def type_in(
    session: Session, indicator: Indicator, period_from: date, period_until: date, numerator: Decimal | None,
    denominator: Decimal | None, *, at: datetime,
) -> IndicatorValue:  # fmt: skip
    """
    Keep what somebody typed in for a period that ended; return the draft, flushed. Both numbers empty: there was nothing to measure.

    Raises:
        MoveRefused: The period was reported.
        DomainError: The system reckons the indicator; half a figure, or a zero to divide by; or as `draft`.
    """
    if not is_typed(indicator):
        raise DomainError(N_("The system reckons this indicator from its own data. Nobody types it in."))
    check_period(period_from, period_until, indicator.starts_on, indicator.months, local(at).date())
    check_typed(indicator.scale, numerator, denominator)
    denominator = None if indicator.scale is Scale.COUNT else denominator
    value = _value_at(session, indicator, period_from, period_until)
    _fill(value, indicator, Reading(numerator, denominator, value_of(indicator.scale, numerator, denominator), 0))
    session.add(value)
    session.flush()
    return value


def analyse(session: Session, value: IndicatorValue, text: str) -> IndicatorValue:
    """Write what a draft means; return it, flushed. Raises MoveRefused: it was reported."""
    queries.lock(session, value)
    check_draft(value.reported_at is not None)
    value.analysis = text.strip()
    session.flush()
    return value


def report(session: Session, value: IndicatorValue, analysis: str, *, at: datetime, user_id: int) -> IndicatorValue:
    """
    Report a value with its analysis: from now on its figures stay as they are; return it, flushed.

    Raises:
        MoveRefused: Somebody reported it already.
        DomainError: It misses its goal and the analysis says nothing.
    """
    queries.lock(session, value)
    check_draft(value.reported_at is not None)
    check_report(value.standing, analysis)
    value.analysis, value.reported_at, value.reported_by_id = analysis.strip(), at, user_id
    session.flush()
    return value


def note(
    session: Session, value: IndicatorValue, reason: str, right_value: Decimal | None, *, at: datetime, user_id: int | None
) -> IndicatorNote:
    """
    Write a correction or a remark beside a reported value, which stays as it was; return the note, flushed.

    Raises:
        MoveRefused: It is a draft, which is corrected itself.
        DomainError: It says no reason, or corrects the figure to the same.
    """
    if value.reported_at is None:
        raise MoveRefused(N_("The value is a draft and may still be changed. Corrections are for what was reported."))
    if not reason.strip():
        raise DomainError(N_("Write the reason: it stays beside the value."), field="reason")
    if right_value is not None and right_value == value.value:
        raise DomainError(N_("That is the value that was reported."), field="right_value")
    found = IndicatorNote(value=value, at=at, author_id=user_id, right_value=right_value, reason=reason.strip())
    session.add(found)
    session.flush()
    return found


def notes_of(session: Session, value_ids: Sequence[int]) -> dict[int, list[IndicatorNote]]:
    """Return the notes of values, by value, the oldest first, with who wrote them."""
    wanted = select(IndicatorNote).where(IndicatorNote.value_id.in_(value_ids)).order_by(IndicatorNote.id)
    found: dict[int, list[IndicatorNote]] = {}
    for each in session.scalars(wanted.options(joinedload(IndicatorNote.author))):
        found.setdefault(each.value_id, []).append(each)
    return found


# ── Two misses ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_for(values: Sequence[IndicatorValue]) -> IndicatorValue | None:
    """
    Return the value that asks for an action: the newest, where it and the one before it miss the goal and nobody has answered.

    Args:
        values: Of one indicator, the newest first, with their actions. An action under way for an earlier miss answers for this one.
    """
    measured = [value for value in values if value.standing is not Standing.EMPTY]
    if misses(value.standing for value in measured) < MISSES:
        return None
    is_under_way = any(value.action is not None and not value.action.status.is_over for value in measured)
    newest = measured[0]
    return None if is_under_way or newest.action_id is not None or newest.no_action_reason else newest


def asking() -> Select[Any]:
    """Return the SELECT of the values that ask for an action, as `ask_for`; without columns, joined to their indicators."""
    value, later, before, other = IndicatorValue, aliased(IndicatorValue), aliased(IndicatorValue), aliased(IndicatorValue)
    last = (
        select(func.max(before.period_from))
        .where(before.indicator_id == value.indicator_id, before.period_from < value.period_from, before.standing != Standing.EMPTY)
        .correlate(value)
        .scalar_subquery()
    )
    missed = select(other.id).where(other.indicator_id == value.indicator_id, other.period_from == last, other.standing == Standing.BAD)
    newer = select(later.id).where(
        later.indicator_id == value.indicator_id, later.period_from > value.period_from, later.standing != Standing.EMPTY
    )
    held = aliased(IndicatorValue)
    under_way = (
        select(held.id).join(Action, Action.id == held.action_id)
        .where(held.indicator_id == value.indicator_id, Action.status.not_in(_OVER))
    )  # fmt: skip
    unanswered = and_(value.action_id.is_(None), value.no_action_reason == "")
    return (
        select().select_from(value).join(Indicator, Indicator.id == value.indicator_id)
        .where(Indicator.is_active, value.standing == Standing.BAD, unanswered, missed.exists(), ~newer.exists(), ~under_way.exists())
    )  # fmt: skip


def to_report() -> Select[tuple[int]]:
    """Return the SELECT of the keys of indicators in use with a value that nobody reported."""
    drafts = select(IndicatorValue.id).where(IndicatorValue.indicator_id == Indicator.id, IndicatorValue.reported_at.is_(None))
    return select(Indicator.id).where(Indicator.is_active, drafts.exists())


def _lock_unanswered(session: Session, value: IndicatorValue) -> None:
    queries.lock(session, value)
    if value.action_id is not None or value.no_action_reason:
        raise MoveRefused(N_("Somebody already decided what the misses ask for."))
    if value.standing is not Standing.BAD:
        raise MoveRefused(N_("Only a value that misses its goal asks for an action."))


def ask_action(session: Session, value: IndicatorValue, asked: improvement.Asked, *, at: datetime, user_id: int | None) -> Action:
    """
    Ask for an action because of a value; return it, flushed.

    Raises:
        MoveRefused: Somebody decided already, or the value reaches its goal.
        DomainError: As `improvement.ask_action`.
    """
    _lock_unanswered(session, value)
    value.action = improvement.ask_action(
        session, kind=asked.kind, origin=ActionOrigin.INDICATOR, origin_key=value.indicator.code, title=asked.title,
        description=asked.description, process_id=asked.process_id, responsible_id=asked.responsible_id, due_on=asked.due_on, at=at,
        user_id=user_id, origin_path=f"/indicator/show/{value.indicator_id}",
    )  # fmt: skip
    session.flush()
    return value.action


def decline_action(session: Session, value: IndicatorValue, reason: str) -> IndicatorValue:
    """Write why the misses ask for no action; return the value, flushed. Raises MoveRefused, as `ask_action`; DomainError: no reason."""
    _lock_unanswered(session, value)
    if not reason.strip():
        raise DomainError(N_("Write why no action is needed: it stays beside the value."), field="reason")
    value.no_action_reason = reason.strip()
    session.flush()
    return value


# ── By the clock ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def reckon(session: Session, indicator: Indicator, *, at: datetime) -> tuple[int, int]:
    """
    Draft every period that ended, and reckon again what was reported; return how many drafts are new and how many reports differ.

    Raises:
        CalendarGap, DomainError: It cannot be reckoned.
    """
    today = local(at).date()
    mine = select(IndicatorValue).where(IndicatorValue.indicator_id == indicator.id)
    stored = {value.period_from: value for value in session.scalars(mine)}
    since, n_new, n_differ = months_after(today, -RECHECKED), 0, 0
    for first, last in periods_over(indicator.starts_on, indicator.months, today):
        value = stored.get(first)
        if value is None or (value.reported_at is None and not is_typed(indicator)):
            draft(session, indicator, first, last, at=at)
            n_new += value is None
        elif value.reported_at is not None and last >= since:
            n_differ += recheck(session, value, at=at)
    return n_new, n_differ


def recheck(session: Session, value: IndicatorValue, *, at: datetime) -> bool:
    """Reckon a reported value again and keep what it gives now beside it, with the first day it differed; return whether it differs."""
    if is_typed(value.indicator):
        return False
    reading = read(session, value.indicator, value.period_from, value.period_until)
    if MEASURES[value.indicator.measure].of_today:
        reading = replace(reading, denominator=value.denominator, value=_over(value, reading.numerator))
    differs = (reading.value, reading.denominator) != (value.value, value.denominator)
    if not differs:
        value.later_numerator = value.later_denominator = value.later_value = value.differs_since = None
    else:
        value.later_numerator, value.later_denominator, value.later_value = reading.numerator, reading.denominator, reading.value
        value.differs_since = value.differs_since or local(at).date()
    session.flush()
    return differs


def _over(value: IndicatorValue, numerator: Decimal | None) -> Decimal | None:
    """Return the figure of *numerator* over the denominator that was reported: what it was on that day cannot be counted any more."""
    return value_of(value.indicator.scale, numerator, value.denominator)


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def board(session: Session, limit: int = ON_BOARD) -> list[tuple[Indicator, list[IndicatorValue]]]:
    """Return the indicators in use by process, each with its newest values, the newest first: two statements, however many there are."""
    order = (Process.name, Indicator.position, Indicator.code)
    wanted = select(Indicator).outerjoin(Process, Process.id == Indicator.process_id).where(Indicator.is_active).order_by(*order)
    found = session.scalars(wanted.options(contains_eager(Indicator.process))).all()
    place = func.row_number().over(partition_by=IndicatorValue.indicator_id, order_by=IndicatorValue.period_from.desc())
    placed = select(IndicatorValue.id, place.label("place")).subquery()
    newest = select(placed.c.id).where(placed.c.place <= limit)
    values = select(IndicatorValue).where(IndicatorValue.id.in_(newest)).order_by(IndicatorValue.period_from.desc())
    by_indicator: dict[int, list[IndicatorValue]] = {indicator.id: [] for indicator in found}
    for value in session.scalars(values.options(joinedload(IndicatorValue.action))):
        by_indicator.get(value.indicator_id, []).append(value)
    return [(indicator, by_indicator[indicator.id]) for indicator in found]
