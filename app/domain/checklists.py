"""The annual verification of a contract: verdicts, what they add up to, and what has to be settled before it is signed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError, MoveRefused


class Verdict(Enum):
    """Whether a requirement is met."""

    MET = N_("Meets")
    PARTLY = N_("Meets in part")
    NOT_MET = N_("Does not meet")
    NOT_APPLICABLE = N_("Does not apply")

    @property
    def is_finding(self) -> bool:
        return self in (Verdict.PARTLY, Verdict.NOT_MET)


class ChecklistStatus(Enum):
    """Life of a verification checklist."""

    OPEN = N_("Being verified")
    SUBMITTED = N_("Signed by the responsible")
    CLOSED = N_("Approved and locked")


class ChecklistMove(Enum):
    """A verb that changes a checklist. The name is stored in the history; the value is the label of its button."""

    OPEN = N_("Open the verification")
    SUBMIT = N_("Sign as responsible")
    RETURN = N_("Return to the reviewers")
    APPROVE = N_("Approve and lock")
    REOPEN = N_("Reopen the checklist")


# ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: How many days before its day a verification may be opened by hand.
AHEAD_DAYS = 60
#: How many days after its day the end of a year is still caught up by the job, when nights were missed.
CATCH_UP_DAYS = 31
#: How many days the reviewers have from its day on.
DAYS_TO_VERIFY = 30


def anniversary(starts_on: date, year: int) -> date:
    """Return the day of *year* on which *starts_on* is remembered: a 29 February on the 28th of a common year."""
    return months_after(starts_on, 12 * (year - starts_on.year))


def verification_on(starts_on: date, ends_on: date | None, year: int) -> date | None:
    """
    Return the day on which a contract is verified in *year*, or None: it does not run then, or has not run long enough.

    That is the anniversary of its start, or its last day where that comes first: so a contract is verified once in each year after
    the one it starts in, the last time at its end, and one that ends in the year it starts, at its end.

    Args:
        ends_on: Its last day, early termination included; None while it has none.
    """
    if year < starts_on.year or (ends_on is not None and (ends_on < starts_on or year > ends_on.year)):
        return None
    if year == starts_on.year:
        return ends_on if ends_on is not None and ends_on.year == year else None
    day = anniversary(starts_on, year)
    return day if ends_on is None else min(day, ends_on)


def period_of(starts_on: date, day: date) -> tuple[date, date]:
    """Return the first and last day of the year of contract that is verified on *day*: the year before it, or what it ran up to its end."""
    last = anniversary(starts_on, day.year)
    if day == last and day > starts_on:
        return anniversary(starts_on, day.year - 1), day - timedelta(days=1)
    first = last if last < day else anniversary(starts_on, day.year - 1)
    return max(first, starts_on), day


def due_now(starts_on: date, ends_on: date | None, today: date) -> tuple[int, date] | None:
    """Return the year and day of the verification that has to be open on *today*, or None; a day just before New Year is caught up."""
    day = verification_on(starts_on, ends_on, today.year)
    if day is not None and day <= today:
        return today.year, day
    before = verification_on(starts_on, ends_on, today.year - 1)
    if before is not None and today - before <= timedelta(days=CATCH_UP_DAYS):
        return today.year - 1, before
    return None


def openable(starts_on: date, ends_on: date | None, today: date) -> tuple[int, date] | None:
    """Return the year and day of the verification that somebody may open by hand on *today*: what is due, else what comes soon."""
    due = due_now(starts_on, ends_on, today)
    if due is not None and due[0] == today.year:
        return due
    for year in (today.year, today.year + 1):
        day = verification_on(starts_on, ends_on, year)
        if day is not None and timedelta(0) <= day - today <= timedelta(days=AHEAD_DAYS):
            return year, day
    return due


# ── What has to be settled first ──────────────────────────────────────────────────────────────────────────────────────────

#: How long a note may be.
MOST_LETTERS = 4000


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says of a requirement: the note is the reason when it does not apply."""

    verdict: Verdict | None
    note: str = ""
    no_action_reason: str = ""

    @property
    def is_finding(self) -> bool:
        return self.verdict is not None and self.verdict.is_finding

    def checked(self) -> Said:
        """
        Return it tidy: only a finding says why it asks for no action.

        Raises:
            DomainError: It does not apply, and the note does not say why; or a text is too long.
        """
        note = self.note.strip()
        for text in (note, self.no_action_reason):
            if len(text) > MOST_LETTERS:
                msgid = N_("The note has %(n)s characters and up to %(most)s fit. Shorten it, and attach the rest as evidence.")
                raise DomainError(msgid, field="note", n=len(text), most=MOST_LETTERS)
        if self.verdict is Verdict.NOT_APPLICABLE and not note:
            raise DomainError(N_("Write in the note why the requirement does not apply."), field="note")
        return Said(self.verdict, note, self.no_action_reason.strip() if self.is_finding else "")

    def joined(self, other: Said) -> Said:
        """Return it with the words of *other* before its own where they differ, so that of two reviewers nothing is lost."""
        return Said(self.verdict, _both(other.note, self.note), _both(other.no_action_reason, self.no_action_reason))


def _both(one: str, other: str) -> str:
    if other.strip() in one:
        return one
    return other if one.strip() in other else f"{one.rstrip()}\n{other.lstrip()}"


@dataclass(frozen=True, slots=True)
class Row:
    """What the signature asks of a row."""

    position: int
    said: Said
    has_action: bool

    @property
    def is_settled(self) -> bool:
        """Whether its finding, if it is one, asked for an action or says why none."""
        return not self.said.is_finding or self.has_action or bool(self.said.no_action_reason.strip())


def gaps(rows: Iterable[Row]) -> dict[str, list[int]]:
    """Return what stops the signature: msgid → positions of the rows; empty when nothing does."""
    found: dict[str, list[int]] = {}
    for row in rows:
        if row.said.verdict is None:
            found.setdefault(N_("Without a verdict: %(rows)s."), []).append(row.position)
            continue
        if row.said.is_finding and not row.said.note.strip():
            found.setdefault(N_("Findings that do not say what was found: %(rows)s."), []).append(row.position)
        if not row.is_settled:
            found.setdefault(N_("Findings without an action, or the reason for none: %(rows)s."), []).append(row.position)
    return found


def refuse_gaps(rows: Sequence[Row]) -> None:
    """Raise MoveRefused while something stops the signature; the text names the first gap and its rows."""
    if not rows:
        raise MoveRefused(N_("There is no requirement to verify."))
    for msgid, positions in gaps(rows).items():
        raise MoveRefused(msgid, rows=spans(positions))


def spans(positions: Iterable[int]) -> str:
    """Return *positions*, rising, as people write them: 1-3, 7."""
    found: list[list[int]] = []
    for position in positions:
        if found and found[-1][-1] == position - 1:
            found[-1][1:] = [position]
        else:
            found.append([position])
    return ", ".join("-".join(map(str, each)) for each in found)


# ── Its life ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

CHECKLIST_MOVES: dict[ChecklistStatus, dict[ChecklistMove, ChecklistStatus]] = {
    ChecklistStatus.OPEN: {ChecklistMove.SUBMIT: ChecklistStatus.SUBMITTED},
    ChecklistStatus.SUBMITTED: {ChecklistMove.RETURN: ChecklistStatus.OPEN, ChecklistMove.APPROVE: ChecklistStatus.CLOSED},
    ChecklistStatus.CLOSED: {ChecklistMove.REOPEN: ChecklistStatus.OPEN},
}


def after(status: ChecklistStatus, move: ChecklistMove, number: str) -> ChecklistStatus:
    """Return the state after *move*. Raises MoveRefused: a checklist in *status* cannot make it."""
    if move not in CHECKLIST_MOVES[status]:
        raise MoveRefused(N_("%(number)s is “%(status)s”: this step is not possible now."), number=number, status=status.value)
    return CHECKLIST_MOVES[status][move]
