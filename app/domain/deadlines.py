"""
The legal clock of a case: which term applies, when it ends, and why that date.

One function, `deadline_of`, derives the deadline from what happened; `explain` shows its count day by day. Both are
pure: whoever calls brings the rules, the calendar and, where it matters, `today`. See docs/rules/pqr-terms.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from app.domain import N_
from app.domain.calendar import ONE_DAY, BusinessCalendar, DayKind, local_day, months_after
from app.domain.errors import DomainError, TermMissing

LEY_142_OF_1994 = date(1994, 7, 11)


# ---------------------------------------------------------------------------------------------------------- The rules


class Regime(Enum):
    """Law that governs a case; it selects the term. The member name is stored, the value is the msgid."""

    LEY142 = N_("Law 142 of 1994 (public utilities)")
    LEY1755 = N_("Law 1755 of 2015 (right of petition)")
    LEY1480 = N_("Law 1480 of 2011 (consumer protection)")
    LEY1581 = N_("Law 1581 of 2012 (personal data)")


def regime_for(request_type: Regime | None, service: Regime | None, organisation: Regime) -> Regime:
    """
    Return the law that governs a new case, from what each of three rows says of itself; the narrowest goes first.

    Args:
        request_type: Of the kind of request. Personal data and requests of other authorities follow their own law, whatever
            the service.
        service: Of the service asked about. What is sold beside the public service is outside Ley 142: it is about the
            subscriber and the service contract (art. 158).
        organisation: Of the company, for everything else.

    A case keeps the regime it was filed under; a recurso has that of the decision it is against.

    Source: Ley 142 de 1994, arts. 152 and 158; Ley 1755 de 2015, arts. 14, 30, 32; Ley 1480 de 2011, art. 58; Ley 1581 de
    2012, arts. 14 and 15. See docs/rules/pqr-terms.md, section 1.
    """
    return request_type or service or organisation


class TermUnit(Enum):
    """What a term is counted in."""

    BUSINESS_DAYS = N_("business days")
    CALENDAR_DAYS = N_("calendar days")
    CALENDAR_MONTHS = N_("calendar months")
    HOURS = N_("hours")


class CountFrom(Enum):
    """Which working day is day 1: the one after filing, or the day of filing itself."""

    NEXT_DAY = N_("The working day after filing")
    SAME_DAY = N_("The day of filing")


class TermAct(Enum):
    """What has to be done within a term, one by duty or right that the law puts a time to."""

    ANSWER = N_("Answer")
    SILENCE_RECOGNITION = N_("Recognise the positive silence")
    EXTENSION = N_("Extension of the answer")
    COPIES = N_("Hand over the copies")
    TRANSFER = N_("Transfer to the competent entity")
    REQUEST_COMPLETION = N_("Ask the citizen to complete")
    COMPLETE = N_("The citizen completes")
    CLARIFY = N_("The citizen clarifies")
    EVIDENCE = N_("Take evidence")
    CLAIM_NOTE = N_("Mark the data as under claim")
    SUMMONS = N_("Send the summons")
    APPEARANCE = N_("Appear for personal notice")
    AVISO_SERVED = N_("Notice by aviso is served")
    AVISO_POSTED = N_("Keep the aviso posted")
    APPEAL = N_("File an appeal")
    SEND_TO_SSPD = N_("Send the file to the Superintendence")
    EVIDENCE_SSPD = N_("Evidence before the Superintendence")
    QUEJA_APPEAL = N_("File a queja appeal")
    INVOICE_CLAIM = N_("Claim about an invoice")
    RECONNECTION = N_("Restore the service")


@dataclass(frozen=True, slots=True)
class TermRule:
    """
    A term of the law: within *value* *unit*s something has to be done.

    Args:
        request_type: Code of the request type it is for; None: for all (never enough for `TermAct.ANSWER`).
        value: Length, at least 1, in *unit*.
        norm: Article that sets it, shown beside every date computed with it.
        count_from: Which day is day 1; only terms in days have it, months and hours do not.
        valid_from, valid_until: First and last filing date it governs, both included; None: still in force.
        source: Where the norm was read. `confidence`: how sure we are of it.
        id: Key of the stored row, when it comes from one.

    Raises:
        DomainError: The term is empty, or ends before it starts to govern.
    """

    regime: Regime
    act: TermAct
    request_type: str | None
    value: int
    unit: TermUnit
    norm: str
    count_from: CountFrom = CountFrom.NEXT_DAY
    valid_from: date = LEY_142_OF_1994
    valid_until: date | None = None
    source: str = ""
    confidence: str = ""
    id: int | None = None

    def __post_init__(self) -> None:
        if self.value < 1:
            raise DomainError(N_("A term lasts at least 1."), field="value")
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise DomainError(N_("A term cannot end before it starts to govern."), field="valid_until")

    def is_in_force(self, on: date) -> bool:
        """Say whether the rule governs what is filed on a date."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


def rule_for(rules: Iterable[TermRule], regime: Regime, act: TermAct, request_type: str | None, on: date) -> TermRule:
    """
    Return the rule that governs *act* for what was filed on *on*.

    The rule of that very request type goes first. Without one, a rule for all types serves, except for the answer:
    how long the company may take is never guessed.

    Raises:
        TermMissing: No rule in force fits; its text names the row to load.
        DomainError: Two rules in force fit equally well; its text names both.
    """
    in_force = [rule for rule in rules if rule.regime is regime and rule.act is act and rule.is_in_force(on)]
    found = [rule for rule in in_force if rule.request_type == request_type]
    if not found and act is not TermAct.ANSWER:
        found = [rule for rule in in_force if rule.request_type is None]
    if not found:
        raise TermMissing(regime=regime.value, act=act.value, request_type=request_type or "*", on=on)
    if len(found) > 1:
        raise DomainError(
            N_("Two terms are in force at once on %(on)s: “%(first)s” and “%(second)s”. End one of them in Terms."),
            on=on,
            first=_label(found[0]),
            second=_label(found[1]),
        )
    return found[0]


def extended(rule: TermRule, extension: TermRule, extra: int, *, told_on: date, due_on: date) -> TermRule:
    """
    Return *rule* lengthened by *extra*, in its own unit; compute the deadline again with it.

    Args:
        extension: The rule that allows it (`TermAct.EXTENSION`); its value is the most that may be added. The month
            of the citizen may be extended once by as much, so there *rule* is its own extension.
        told_on: Date on which the citizen was told the reasons and the new date.
        due_on: Deadline before the extension.

    Raises:
        DomainError: The regime has no extension, or it is longer than allowed, or it was told too late.

    Source: Ley 1755 de 2015, arts. 14 par. and 17; Ley 1581 de 2012, arts. 14 and 15. Ley 142 de 1994 has none.
    """
    is_ley142_answer = rule.regime is Regime.LEY142 and rule.act is TermAct.ANSWER
    if is_ley142_answer or extension.regime is not rule.regime:
        raise DomainError(N_("This regime does not allow an extension of the answer."))
    if extension.unit is not rule.unit or not 0 < extra <= extension.value:
        raise DomainError(N_("The extension may add from 1 to %(most)s."), field="extra", most=extension.value)
    if told_on > due_on:
        raise DomainError(N_("The extension has to be told to the citizen before the term ends."), field="told_on")
    return lengthened(rule, extension, extra)


def lengthened(rule: TermRule, extension: TermRule, extra: int) -> TermRule:
    """Return *rule* with *extra* more of its unit, by an extension that was lawful when it was told (`extended`)."""
    norm = rule.norm if extension.norm == rule.norm else f"{rule.norm}; {extension.norm}"
    return replace(rule, value=rule.value + extra, norm=norm)


def _label(rule: TermRule) -> str:
    number = "" if rule.id is None else f"#{rule.id} "
    return f"{number}{rule.norm} ({rule.value}, {rule.valid_from}/{rule.valid_until or '…'})"


# -------------------------------------------------------------------------------------------------- The deadline


class ClockEventKind(Enum):
    """What an act did to the clock."""

    STOPPED = N_("Clock stopped")
    RESUMED = N_("Clock resumed")


_STOPPED, _RESUMED = ClockEventKind  # a member looked up through its class costs as much as the count itself


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """
    An act that stopped or resumed the clock.

    `on` is the date on which it took effect: of a request to complete, the date of its *notice*. `reason` is the
    lawful ground (a msgid may stand here) and `act` names the document; both are shown.
    """

    on: date
    kind: ClockEventKind
    reason: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    When a term ends.

    `due_on` is the legal date and `safe_on` one business day earlier (never before `effective_on`); alerts run on the
    safe one. While the clock is stopped neither exists, and `remaining` says how many business days are left.
    """

    filed_at: datetime | date
    effective_on: date
    due_on: date | None
    safe_on: date | None
    remaining: int | None
    is_stopped: bool
    rule: TermRule


def deadline_of(
    filed_at: datetime | date, rule: TermRule, calendar: BusinessCalendar, events: Sequence[ClockEvent] = ()
) -> Deadline:
    """
    Return when the term of *rule* ends for what was filed at *filed_at*, given what stopped its clock.

    - The term runs from the working day on which the filing counts as made (`BusinessCalendar.effective_on`).
    - Working days up to and including the day of a stop are spent, the conservative reading; the rest remain.
    - After a resume the remaining days count from the day after it; with none left, the next working day is the last.
    - A term in calendar days or months ends as many calendar days later as the clock stood still.
    - A stop after the deadline revives nothing: the deadline stays, and later events are only checked for order.

    Args:
        filed_at: Local date or time of filing (an aware datetime is read in Colombian time).
        events: Stops and resumes in turn, by date; two may share one date.

    Raises:
        CalendarGap: The count touches a year that is not loaded.
        DomainError: The events are out of order, or stop a term in hours.

    Source: Ley 142 de 1994, art. 158; Ley 1755 de 2015, arts. 14 and 17; CPACA, arts. 79 and 86 (evidence in an
    appeal); Ley 4 de 1913, art. 62.
    """
    effective_on = calendar.effective_on(filed_at)
    if events:
        _check(events, filed_at, rule)
        count = _count if rule.unit is TermUnit.BUSINESS_DAYS else _count_calendar_days
        due_on, remaining = count(effective_on, rule, calendar, events)
        if due_on is None:
            return Deadline(filed_at, effective_on, None, None, remaining, True, rule)
    elif rule.unit is TermUnit.BUSINESS_DAYS:
        due_on = calendar.add(effective_on, rule.value - (rule.count_from is CountFrom.SAME_DAY))
    else:
        due_on = term_end(effective_on, rule, calendar)
    return Deadline(filed_at, effective_on, due_on, _safe(effective_on, due_on, calendar), None, False, rule)


def _safe(effective_on: date, due_on: date, calendar: BusinessCalendar) -> date:
    """Return the working day before *due_on*; not before *effective_on*, which is a working day too."""
    return calendar.previous_working_day(due_on) if due_on > effective_on else effective_on


def _count(
    effective_on: date, rule: TermRule, calendar: BusinessCalendar, events: Sequence[ClockEvent]
) -> tuple[date | None, int]:
    """Return the due date, or None when the clock stands still, and the business days left at the last event."""
    left = rule.value
    start = effective_on  # the days after it count ...
    head = int(rule.count_from is CountFrom.SAME_DAY)  # ... and with head = 1 it counts too
    is_stopped = False
    for event in events:
        if event.kind is _STOPPED:
            spent = calendar.between(start, event.on) + head if event.on >= start else 0
            if spent > left or (spent == left and not calendar.is_working_day(event.on)):
                break  # the term ended before the stop
            left -= spent
            is_stopped = True
        else:
            left = max(left, 1)
            if event.on >= start:
                start, head = event.on, 0
            is_stopped = False
    return (None if is_stopped else calendar.add(start, left - head)), left


def _count_calendar_days(
    effective_on: date, rule: TermRule, calendar: BusinessCalendar, events: Sequence[ClockEvent]
) -> tuple[date | None, int]:
    """As `_count`, for a term in calendar days or months: each day of a stop puts its end off by one."""
    end, before_first = _nominal_end(effective_on, rule), _first_on(effective_on, rule) - ONE_DAY
    due_on, stopped_on = calendar.next_working_day(end), None
    for event in events:
        if event.kind is _STOPPED:
            if event.on > due_on:
                break  # the term ended before the stop
            stopped_on = event.on
        elif stopped_on is not None:
            end += max(event.on - max(stopped_on, before_first), timedelta())
            due_on = max(calendar.next_working_day(end), calendar.add(event.on, 1))
            stopped_on = None
    return (due_on, 0) if stopped_on is None else (None, calendar.between(stopped_on, due_on))


def _first_on(effective_on: date, rule: TermRule) -> date:
    """Return the first date that may count; months have no day 1, so theirs is always the day after."""
    is_in_days = rule.unit in (TermUnit.BUSINESS_DAYS, TermUnit.CALENDAR_DAYS)
    return effective_on if is_in_days and rule.count_from is CountFrom.SAME_DAY else effective_on + ONE_DAY


def _check(events: Sequence[ClockEvent], filed_at: datetime | date, rule: TermRule) -> None:
    if rule.unit is TermUnit.HOURS:
        raise DomainError(N_("A term in hours cannot be stopped."))
    last_on, expected = local_day(filed_at), _STOPPED
    for event in events:
        if event.kind is not expected:
            raise DomainError(
                N_("The clock events must alternate, starting with a stop; the one on %(on)s does not."), on=event.on
            )
        if event.on < last_on:
            raise DomainError(
                N_("The clock event on %(on)s is earlier than the one before it, on %(last_on)s."),
                on=event.on,
                last_on=last_on,
            )
        last_on = event.on
        expected = _RESUMED if expected is _STOPPED else _STOPPED


def term_end(start: date, rule: TermRule, calendar: BusinessCalendar) -> date:
    """
    Return the last day of a term that runs from *start*, whatever its unit.

    - Business days: the n-th working day after *start*, or from it when the rule counts the same day.
    - Calendar days: every day counts; an end on a non-working day moves to the next working day.
    - Calendar months: the same number of the month, or its last day (31 January + 1 month = last of February);
      moves like calendar days.
    - Hours: whole days of 24 hours, rounded up, from the end of *start*; a clock of hours does not wait for Monday.

    Raises:
        CalendarGap: The end touches a year that is not loaded; hours ask the calendar nothing.

    Source: Código Civil, art. 67; Ley 4 de 1913, art. 62; D.L. 2150 de 1995, art. 123 (72 hours).
    """
    same_day = rule.count_from is CountFrom.SAME_DAY
    if rule.unit is TermUnit.BUSINESS_DAYS:
        return calendar.add(start, rule.value - (same_day and calendar.is_working_day(start)))
    nominal = _nominal_end(start, rule)
    return nominal if rule.unit is TermUnit.HOURS else calendar.next_working_day(nominal)


def _nominal_end(start: date, rule: TermRule) -> date:
    """Return where a term not in business days ends by the plain calendar."""
    if rule.unit is TermUnit.HOURS:
        return start + timedelta(days=-(-rule.value // 24))
    if rule.unit is TermUnit.CALENDAR_MONTHS:
        return months_after(start, rule.value)
    return start + timedelta(days=rule.value - (rule.count_from is CountFrom.SAME_DAY))


def business_days_left(due_on: date, today: date, calendar: BusinessCalendar) -> int:
    """
    Return the business days after *today* up to *due_on*: 0 on the due date, negative when it is past.

    Late is late: the days from the due date to the end of the first working day after it all give -1.

    Raises:
        CalendarGap: One of the dates, or a year between them, is not loaded.
    """
    if today <= due_on:
        return calendar.between(today, due_on)
    return -max(1, calendar.between(due_on, today))


# -------------------------------------------------------------------------------------------------- Why this date


class StepKind(Enum):
    """What a day did to the count."""

    FILED = N_("Filed")
    EFFECTIVE = N_("Counts as filed")
    COUNTED = N_("Counted")
    WEEKEND = N_("Weekend")
    HOLIDAY = N_("Holiday")
    CLOSURE = N_("Local closure")
    STOPPED = N_("Clock stopped")
    RESUMED = N_("Clock resumed")
    DUE = N_("Due")


AFTER_HOURS = N_("After closing time")
NO_DAYS_LEFT = N_("No days were left when the clock resumed: due on the next business day")

_STEP_OF_DAY = {
    DayKind.WEEKEND: StepKind.WEEKEND,
    DayKind.HOLIDAY: StepKind.HOLIDAY,
    DayKind.CLOSURE: StepKind.CLOSURE,
}


@dataclass(frozen=True, slots=True)
class Step:
    """
    One day of the count.

    `n` is the count so far, in the unit of the rule, on days that count, also on the day of a stop; None elsewhere
    (and always None in a term of months). `note` is a holiday name, the act of a stop or a msgid of this module, so
    show it translated. `reason` is the lawful ground of a stop or resume. `day_kind` is what the calendar says.
    """

    on: date
    kind: StepKind
    n: int | None
    note: str
    norm: str
    is_due: bool
    is_safe: bool
    reason: str = ""
    day_kind: DayKind = DayKind.WORKING


def explain(
    filed_at: datetime | date, rule: TermRule, calendar: BusinessCalendar, events: Sequence[ClockEvent] = ()
) -> tuple[Step, ...]:
    """
    Return why `deadline_of` gives its date: one step a calendar day, in order.

    From the day of filing to the due date or, while the clock is stopped, to the last event. When several things fall
    on one day, its kind is the first of: due, stopped or resumed, counts as filed, filed, what the calendar says.

    Raises:
        CalendarGap, DomainError: As `deadline_of`.
    """
    deadline = deadline_of(filed_at, rule, calendar, events)
    end = deadline.due_on or max(events[-1].on, deadline.effective_on)
    return tuple(_steps(deadline, end, calendar, [event for event in events if event.on <= end]))


def _steps(deadline: Deadline, end: date, calendar: BusinessCalendar, events: list[ClockEvent]) -> Iterable[Step]:
    """Walk the days one by one; `deadline_of` jumps over them, so that each checks the other in the tests."""
    rule, effective_on = deadline.rule, deadline.effective_on
    filed_on = day = local_day(deadline.filed_at)
    first_on, total = _first_on(effective_on, rule), rule.value
    if not (is_business := rule.unit is TermUnit.BUSINESS_DAYS):
        total = (_nominal_end(effective_on, rule) - first_on).days + 1
    n, stop, queue, was_spent = 0, None, list(events), False
    while day <= end:
        day_kind, of_today = calendar.kind_of(day), []
        while queue and queue[0].on == day:
            of_today.append(queue.pop(0))
        is_counted = day >= first_on and stop is None and n < total
        is_counted = is_counted and (day_kind is DayKind.WORKING or not is_business)
        n += is_counted
        kind, note, norm, reason = _STEP_OF_DAY.get(day_kind, StepKind.COUNTED), "", calendar.norm_of(day), ""
        if kind is not StepKind.COUNTED:
            note = calendar.name_of(day)
            kind = StepKind.COUNTED if is_counted else kind
        if day == filed_on:
            kind = StepKind.FILED
            note = AFTER_HOURS if calendar.is_after_hours(deadline.filed_at) else note
        elif day == effective_on:
            kind = StepKind.EFFECTIVE
        if of_today:
            kind = StepKind[of_today[-1].kind.name]
            note = "; ".join(dict.fromkeys(event.act or event.reason for event in of_today))
            reason = "; ".join(dict.fromkeys(event.reason for event in of_today if event.reason))
        elif stop:
            kind, note, reason = StepKind.STOPPED, stop.act or stop.reason, stop.reason
        is_due = day == deadline.due_on
        if is_due:
            kind, norm = StepKind.DUE, rule.norm
            note = NO_DAYS_LEFT if was_spent else note
        yield Step(
            day, kind, _shown(n, rule) if is_counted else None, note, norm, is_due, day == deadline.safe_on,
            reason, day_kind,
        )  # fmt: skip
        if of_today:
            stop = of_today[-1] if of_today[-1].kind is _STOPPED else None
            was_spent = stop is None and n == total
        day += ONE_DAY


def _shown(n: int, rule: TermRule) -> int | None:
    if rule.unit is TermUnit.CALENDAR_MONTHS:
        return None
    return min(24 * n, rule.value) if rule.unit is TermUnit.HOURS else n


# ------------------------------------------------------------------------------------------------ Light and silence


class Light(Enum):
    """Traffic light of an answer. The name is the colour; the value is what it says, for those who see no colours."""

    GREEN = N_("In time")
    AMBER = N_("Soon due")
    ORANGE = N_("Urgent")
    RED = N_("Due or past")
    BLACK = N_("Positive silence")
    GREY = N_("Clock stopped")
    DONE = N_("Answered")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Most *safe* business days left at which the light turns to each colour; above `amber` it is green."""

    amber: int = 5
    orange: int = 2
    red: int = 0


DEFAULT_THRESHOLDS = Thresholds()


def light_of(
    *,
    safe_on: date | None,
    due_on: date | None,
    today: date,
    calendar: BusinessCalendar,
    is_stopped: bool,
    is_answered: bool,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    has_silence: bool,
) -> Light:
    """
    Return the traffic light of a case on *today*, by business days left to its safe date.

    Answered goes first (an answer that came late is flagged elsewhere), then silence, then the stopped clock. The
    days are counted only while the safe date lies ahead, so that a list of old cases needs no old years loaded.

    Raises:
        CalendarGap: The safe date lies ahead, and *today* or a year up to it is not loaded.
    """
    if is_answered:
        return Light.DONE
    if has_silence:
        return Light.BLACK
    target_on = safe_on or due_on
    if is_stopped or target_on is None:
        return Light.GREY
    left = calendar.between(today, target_on) if today < target_on else 0
    if left <= thresholds.red:
        return Light.RED
    if left <= thresholds.orange:
        return Light.ORANGE
    return Light.AMBER if left <= thresholds.amber else Light.GREEN


def silence_on(due_on: date | None, today: date, answered_on: date | None, regime: Regime) -> bool:
    """
    Say whether the positive silence (SAP) arose: the term is over and no answer had been issued on its last day.

    A stopped clock (*due_on* None) has none. Only Ley 142 knows it here; other regimes send the citizen elsewhere.

    Source: Ley 142 de 1994, art. 158 (D.L. 2150 de 1995, art. 123).
    """
    if regime is not Regime.LEY142 or due_on is None or today <= due_on:
        return False
    return answered_on is None or answered_on > due_on
