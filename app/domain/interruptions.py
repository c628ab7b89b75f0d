"""
Interruptions of the network (Ley 142 art. 139): what one is on an instant, whether it was announced, and how the file of the SUI says it.

A suspension in the interest of the service is no failure of it when the users had ample and timely notice of the works (art. 139.1).
The law gives no number of days; here the notice is timely when it came on a day before the start. See docs/rules/interruptions.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.sui import clean

#: How far ahead of the clock of the server an instant may be told: two clocks are never alike.
SLACK = timedelta(minutes=5)


class InterruptionKind(Enum):
    PLANNED = N_("Planned")
    UNPLANNED = N_("Not planned")


class InterruptionState(Enum):
    """What an interruption is on a day; derived from its instants, not stored."""

    ANNOUNCED = N_("Announced")
    RUNNING = N_("In course")
    RESTORED = N_("Restored")
    VOIDED = N_("Voided")


class NoticeStanding(Enum):
    """How the notice to the users stands; only works that were planned can be announced."""

    IN_TIME = N_("Announced in time")
    SAME_DAY = N_("Announced the same day")
    LATE = N_("Announced too late")
    NONE = N_("Without notice")
    NOT_ASKED = N_("Nothing to announce")


def state_of(starts_at: datetime, ends_at: datetime | None, voided_at: datetime | None, at: datetime) -> InterruptionState:
    """Return what an interruption is at the instant *at*."""
    if voided_at is not None:
        return InterruptionState.VOIDED
    if ends_at is not None and ends_at <= at:
        return InterruptionState.RESTORED
    return InterruptionState.RUNNING if starts_at <= at else InterruptionState.ANNOUNCED


def minutes_of(starts_at: datetime, ends_at: datetime | None, at: datetime) -> int:
    """Return how many whole minutes it lasted, or lasts by *at*; 0 before it begins."""
    return max(0, int(((ends_at or at) - starts_at).total_seconds() // 60))


def notice_standing(kind: InterruptionKind, notice_on: date | None, starts_on: date) -> NoticeStanding:
    """Return whether the users were told in time (Ley 142 art. 139.1); days are local."""
    if kind is InterruptionKind.UNPLANNED and notice_on is None:
        return NoticeStanding.NOT_ASKED
    if notice_on is None:
        return NoticeStanding.NONE
    if notice_on < starts_on:
        return NoticeStanding.IN_TIME
    if kind is InterruptionKind.UNPLANNED:
        return NoticeStanding.NOT_ASKED
    return NoticeStanding.SAME_DAY if notice_on == starts_on else NoticeStanding.LATE


def check_told(
    kind: InterruptionKind, starts_at: datetime, ends_at: datetime | None, expected_end_at: datetime | None, *, at: datetime
) -> None:
    """Raise DomainError when its instants contradict each other, or something unplanned is told of the future."""
    if kind is InterruptionKind.UNPLANNED and starts_at > at + SLACK:
        raise DomainError(N_("What nobody planned cannot be told before it begins. If it is planned, say so."), field="starts_at")
    if expected_end_at is not None and expected_end_at <= starts_at:
        raise DomainError(N_("It is expected to end before it begins."), field="expected_end_at")
    if ends_at is not None:
        check_restored(starts_at, ends_at, at=at)


def check_restored(starts_at: datetime, ends_at: datetime, *, at: datetime) -> None:
    """Raise DomainError when the service came back before it went, or is said to come back in the future."""
    if ends_at <= starts_at:
        raise DomainError(N_("The service came back before it was interrupted. Check the day and the hour."), field="ends_at")
    if ends_at > at + SLACK:
        raise DomainError(N_("That hour has not come yet. Write here when the service did come back."), field="ends_at")


def check_notice(notice_on: date | None, means: str, today: date) -> None:
    """Raise DomainError when a notice has no means or no day, or is of the future."""
    if notice_on is None and means.strip():
        raise DomainError(N_("Write the day on which the users were told."), field="notice_on")
    if notice_on is not None and not means.strip():
        raise DomainError(N_("Write by which means the users were told: radio, posters, text messages…"), field="notice_means")
    if notice_on is not None and notice_on > today:
        raise DomainError(N_("That day has not come yet. Write the notice once it was given."), field="notice_on")


# ── The file of the SUI ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file may say of one interruption; instants are Colombian wall clock, naive."""

    id: int
    number: str
    service: str
    kind: InterruptionKind
    cause: str
    cause_code: str
    municipality_code: str
    settlement_code: str
    sector: str
    what: str
    starts_at: datetime
    ends_at: datetime | None
    n_subscribers: int | None
    is_estimated: bool
    notice_on: date | None
    notice_means: str
    alternative: str

    @property
    def minutes(self) -> int | None:
        return None if self.ends_at is None else minutes_of(self.starts_at, self.ends_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Head:
    """A column of the file: which value, what stands there when it is empty, how it is written (`rule`: pairs, or a pattern of a date)."""

    heading: str
    field: str
    fixed: str = ""
    kind: str = "text"
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell of the file cannot be written, or what is pointed out; `mends` says where: the interruption, its cause, the columns."""

    column: str
    msgid: str
    mends: str
    fields: Mapping[str, str]


Value = str | int | date | datetime | bool | None
_NOTICE_DAY = "%d-%m-%Y"
_DATE_PATTERNS = {"AAAA": "%Y", "DD": "%d", "MM": "%m", "YYYY": "%Y", "HH": "%H", "MI": "%M", "SS": "%S"}


def _notice(facts: Facts) -> Value:
    return f"{facts.notice_means} {facts.notice_on:{_NOTICE_DAY}}" if facts.notice_on else None


#: Values that a column may hold: what people call each, and how it is had of the facts.
FIELDS: dict[str, tuple[str, Callable[[Facts], Value]]] = {
    "department": (N_("DANE code of the department"), lambda facts: facts.municipality_code[:2]),
    "municipality": (N_("DANE code of the municipality"), lambda facts: facts.municipality_code[2:]),
    "settlement": (N_("DANE code of the settlement (centro poblado)"), lambda facts: facts.settlement_code),
    "number": (N_("Number of the interruption"), lambda facts: facts.number),
    "service": (N_("Service"), lambda facts: facts.service),
    "kind": (N_("Planned or not"), lambda facts: facts.kind.name),
    "cause": (N_("Code of the cause"), lambda facts: facts.cause_code),
    "cause_name": (N_("Name of the cause"), lambda facts: facts.cause),
    "sector": (N_("Sector"), lambda facts: facts.sector),
    "what": (N_("What happened"), lambda facts: facts.what),
    "starts": (N_("Start"), lambda facts: facts.starts_at),
    "ends": (N_("Restored at"), lambda facts: facts.ends_at),
    "minutes": (N_("Minutes without service"), lambda facts: facts.minutes),
    "subscribers": (N_("Subscribers reached"), lambda facts: facts.n_subscribers),
    "notice": (N_("Means and day of the notice"), _notice),
    "notice_means": (N_("Means of the warning to the users"), lambda facts: facts.notice_means),
    "notice_on": (N_("Day of the notice"), lambda facts: facts.notice_on),
    "has_alternative": (N_("Alternative supply (yes or no)"), lambda facts: bool(facts.alternative)),
    "alternative": (N_("Which alternative supply"), lambda facts: facts.alternative),
    "fixed": (N_("Always the same text"), lambda _facts: None),
}
#: Values that may be missing without anything being wrong.
MAY_BE_EMPTY = frozenset({"notice", "notice_means", "notice_on", "alternative", "what", "fixed"})
#: How a value may be written.
KINDS = ("text", "int", "alnum", "code", "date", "datetime", "bool")


def _pairs(rule: str) -> dict[str, str]:
    """Return `PLANNED=1; UNPLANNED=2` as a mapping; nothing for any other text."""
    found = (part.partition("=") for part in rule.split(";"))
    return {name.strip(): code.strip() for name, sign, code in found if sign}


def pattern_of(rule: str, *, has_hour: bool) -> str:
    """Return the pattern of `strftime` for DD-MM-YYYY HH:MI (or AAAA) as *rule* writes it; the usual one for an empty rule."""
    usual = "DD-MM-YYYY HH:MI" if has_hour else "DD-MM-YYYY"
    return re.sub("AAAA|YYYY|DD|MM|HH|MI|SS", lambda found: _DATE_PATTERNS[found[0]], rule.strip() or usual)


def check_column(field: str, kind: str, rule: str) -> None:
    """Raise DomainError when a column of the file asks for a value or a notation that does not exist."""
    if field not in FIELDS:
        raise DomainError(N_("There is no value “%(name)s”. There are: %(known)s."), field="field", name=field, known=", ".join(FIELDS))
    if kind not in KINDS:
        raise DomainError(N_("There is no way to write “%(name)s”. There are: %(known)s."), field="kind", name=kind, known=", ".join(KINDS))
    if field == "kind" and set(_pairs(rule)) != set(InterruptionKind.__members__):
        raise DomainError(N_("Write the code of each kind, as in PLANNED=1; UNPLANNED=2."), field="rule")


def write_cell(head: Head, facts: Facts) -> tuple[str, Fault | None]:
    """Return the cell of *facts* under *head*, and why it cannot be written, if so."""
    value = FIELDS[head.field][1](facts)
    if value is None or value == "":
        if head.fixed or head.field in MAY_BE_EMPTY:
            return clean(head.fixed), None
        return "", _lack(head, facts)
    pairs = _pairs(head.rule)
    match value:
        case bool():
            return pairs.get("YES" if value else "NO", "S" if value else "N"), None
        case datetime():
            return value.strftime(pattern_of(head.rule, has_hour=head.kind != "date")), None
        case date():
            return value.strftime(pattern_of(head.rule, has_hour=False)), None
        case _ if head.field == "kind":
            code = pairs.get(str(value), "")
            return code, None if code else _lack(head, facts)
    text = clean(str(value))
    if head.kind == "int" and not text.isdigit():
        return text, Fault(head.heading, N_("“%(value)s” is not a number."), "interruption", {"value": text})
    return text, None


def _lack(head: Head, facts: Facts) -> Fault:
    """Return what is missing in a cell that has to have something, and who mends it."""
    match head.field:
        case "cause":
            unsaid = N_("The cause “%(cause)s” has no code of the SUI. Write it among the causes of interruptions.")
            return Fault(head.heading, unsaid, "cause", {"cause": facts.cause})
        case "ends" | "minutes":
            return Fault(head.heading, N_("It is still under way: tell when the service came back."), "interruption", {})
        case "subscribers":
            return Fault(head.heading, N_("It does not say how many subscribers it reached."), "interruption", {})
    return Fault(head.heading, N_("This column may not stay empty. Fill it in, or write in the columns what stands there."), "columns", {})


def warnings_of(facts: Facts) -> list[Fault]:
    """Return what is pointed out of a row that may leave nevertheless."""
    found = []
    if notice_standing(facts.kind, facts.notice_on, facts.starts_at.date()) in (NoticeStanding.NONE, NoticeStanding.LATE):
        unsaid = N_("It was planned and the users had no notice before (Ley 142 art. 139): it may count as a failure of the service.")
        found.append(Fault("", unsaid, "interruption", {}))
    if facts.is_estimated:
        found.append(Fault("", N_("Its subscribers are an estimate, counted from the accounts of its zones."), "interruption", {}))
    return found
