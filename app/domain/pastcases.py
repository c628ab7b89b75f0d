"""
Cases of an earlier log: whether what a row tells can have been, what it makes of the case today, and by how much its due date is another.

Nothing is guessed: a row that contradicts itself or the calendar is no case but a question for a person, and what the row does not tell
is left untold. Pure: whoever calls brings the terms, the calendar and `today`. See docs/rules/past-cases.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from app.domain import N_
from app.domain.appeals import answer_final_on
from app.domain.calendar import BusinessCalendar, local_day
from app.domain.deadlines import Deadline, Regime, TermAct, TermRule, deadline_of, rule_for, silence_on, term_end
from app.domain.errors import CalendarGap, DomainError
from app.domain.silence import Arisen, arisen
from app.domain.states import APPEAL_OUTCOMES, Move, Outcome, PqrStatus

# ── What is wrong with a row ──────────────────────────────────────────────────────────────────────────────────────────────


class Fault(Enum):
    """Why a row cannot become a case. The name is stored; the value is the msgid that says it."""

    NUMBER_MISSING = N_("The row has no number.")
    FILED_MISSING = N_("The row does not tell when the request was filed.")
    TYPE_MISSING = N_("The row does not tell what was asked for, so nothing says which term it had.")
    IN_FUTURE = N_("The row tells as a fact what has not come yet: %(on)s.")
    ROUTED_BEFORE_FILED = N_("It was handed over on %(on)s, before it was filed on %(earlier)s.")
    SOLVED_BEFORE_FILED = N_("It was solved on %(on)s, before it was filed on %(earlier)s.")
    ANSWERED_BEFORE_FILED = N_("It was answered on %(on)s, before it was filed on %(earlier)s.")
    NOTIFIED_BEFORE_FILED = N_("It was notified on %(on)s, before it was filed on %(earlier)s.")
    CLOSED_BEFORE_FILED = N_("It was closed on %(on)s, before it was filed on %(earlier)s.")
    ANSWERED_BEFORE_ROUTED = N_("It was answered on %(on)s, before it was handed over on %(earlier)s.")
    ANSWERED_BEFORE_SOLVED = N_("It was answered on %(on)s, before it was solved on %(earlier)s.")
    NOTIFIED_BEFORE_ANSWERED = N_("It was notified on %(on)s, before it was answered on %(earlier)s.")
    CLOSED_BEFORE_ANSWERED = N_("It was closed on %(on)s, before it was answered on %(earlier)s.")
    CLOSED_BEFORE_NOTIFIED = N_("It was closed on %(on)s, before it was notified on %(earlier)s.")
    NOTIFIED_UNANSWERED = N_("It was notified on %(on)s, and the row tells no answer.")
    CLOSED_UNANSWERED = N_("It was closed on %(on)s, and the row tells neither an answer nor another ending.")
    OUTCOME_MISSING = N_("It was answered on %(on)s, and the row does not tell whether the answer granted or denied.")
    OUTCOME_OF_APPEAL = N_("Only the decision on an appeal confirms, modifies, revokes or rejects; no other answer does.")
    ENDING_UNDATED = N_("It ended without an answer, and the row does not tell when.")
    ENDING_ANSWERED = N_("It ended without an answer, and the row tells an answer of %(on)s.")
    TERM_MISSING = N_("No term was in force for that type on %(on)s.")
    YEAR_MISSING = N_("The holidays of %(year)s are not loaded, so its due date cannot be computed.")
    REPEATED = N_("Line %(line)s of the file has the same number with other facts.")
    KNOWN_OTHERWISE = N_("That number was imported before with other facts, as %(number)s.")
    UNREADABLE = N_("A cell cannot be read.")


class Doubt(Enum):
    """What somebody should know of a row that becomes a case all the same."""

    DUE_DIFFERS = N_("The log was due on %(theirs)s, the law on %(ours)s.")
    NOTICE_UNKNOWN = N_("It was answered on %(on)s and the log tells no notice: it is left to be notified.")
    CLOSING_DROPPED = N_("The log closed it on %(on)s without a notice: it is left to be notified.")
    AREA_UNKNOWN = N_("It was handed over on %(on)s and the log does not tell to whom: it stays at the front desk.")
    SOLVED_BEFORE_ROUTED = N_("It was solved on %(on)s, before it was handed over on %(earlier)s.")
    SOLUTION_UNTOLD = N_("It was solved on %(on)s and the log does not tell in which sense: it is still to be solved here.")
    ACCOUNT_UNKNOWN = N_("Nobody knows the account %(number)s: the case is kept without it.")
    DOCUMENT_UNFIT = N_("The document “%(text)s” is none of its type: the petitioner is kept by name.")
    NAME_DIFFERS = N_("The document is of %(known)s here, and the log names %(told)s.")


@dataclass(slots=True)
class Finding:
    """A fault or a doubt, what it says, with which facts, and the field to blame."""

    code: Fault | Doubt
    field: str = ""
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def msgid(self) -> str:
        return str(self.code.value)


# ── What a row tells, and what becomes of it ──────────────────────────────────────────────────────────────────────────────

#: Ends of a case that need no answer.
ENDINGS = (PqrStatus.WITHDRAWN, PqrStatus.TRANSFERRED, PqrStatus.VOIDED)
_MOVE_OF = {PqrStatus.WITHDRAWN: Move.WITHDRAW, PqrStatus.TRANSFERRED: Move.TRANSFER, PqrStatus.VOIDED: Move.VOID}


@dataclass(slots=True)
class PastCase:
    """
    What one row tells; None where it tells nothing.

    Args:
        filed: Local date of filing, or the local time if the log has the hour.
        request_type: Code of the type. `regime`: the law of the case (`deadlines.regime_for`).
        process: Whoever it was handed over to, as the caller names processes.
        ending: How it ended without an answer, one of `ENDINGS`.
    """

    number: str = ""
    filed: datetime | date | None = None
    request_type: str | None = None
    regime: Regime = Regime.LEY142
    process: Any = None
    routed_on: date | None = None
    solved_on: date | None = None
    answered_on: date | None = None
    notified_on: date | None = None
    closed_on: date | None = None
    due_on: date | None = None
    outcome: Outcome | None = None
    ending: PqrStatus | None = None


@dataclass(slots=True)
class Step:
    """One line of the history: a move, the day on which it took effect, and why that day, when the log does not say it (`Reason`)."""

    move: Move
    on: date
    status: PqrStatus
    reason: Reason | None = None


class Reason(Enum):
    """What the history says of a day, or a sense, that the log does not tell. Stored in the language of the acts."""

    IMPORTED = N_("From %(source)s, number %(number)s.")
    ROUTED_WHEN_FILED = N_("The log does not tell when it was handed over: the day of filing is taken.")
    OUTCOME_CHOSEN = N_("The log does not tell the sense of the answer: whoever imported it chose this one.")
    NOTIFIED_WHEN_ANSWERED = N_("The log tells no notice: whoever imported it took the day of the answer.")
    CLOSED_BY_LAW = N_("The log tells no closing: the answer was final on this day (CPACA, art. 87).")


@dataclass(slots=True)
class Verdict:
    """
    What becomes of a row: the case as it stands today with its history and dates, or, with `faults`, nothing.

    `status`, `steps` and what follows are empty on a row that is no case. `silence` is the positive silence that arose in it.
    `n_days_off` is by how many calendar days the log was due later than the law (negative: earlier); None: the log tells no due date.
    """

    faults: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()
    status: PqrStatus = PqrStatus.RECEIVED
    steps: tuple[Step, ...] = ()
    rule: TermRule | None = None
    deadline: Deadline | None = None
    outcome: Outcome | None = None
    solved_on: date | None = None
    answered_on: date | None = None
    notified_on: date | None = None
    appeal_until: date | None = None
    closed_on: date | None = None
    silence: Arisen | None = None
    n_days_off: int | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """
    What whoever imports says of all the rows that do not tell it.

    Args:
        is_notified_when_answered: The notice was on the day of the answer; otherwise such cases are left to be notified.
        outcome: The sense of answers that tell none; None: such rows are no cases.
    """

    is_notified_when_answered: bool = False
    outcome: Outcome | None = None


# ── Judging ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DATES = ("routed_on", "solved_on", "answered_on", "notified_on", "closed_on")
#: The later of two days, the earlier, and what it is called when they are the other way round.
_ORDER = (
    ("routed_on", "filed_on", Fault.ROUTED_BEFORE_FILED),
    ("solved_on", "filed_on", Fault.SOLVED_BEFORE_FILED),
    ("answered_on", "filed_on", Fault.ANSWERED_BEFORE_FILED),
    ("notified_on", "filed_on", Fault.NOTIFIED_BEFORE_FILED),
    ("closed_on", "filed_on", Fault.CLOSED_BEFORE_FILED),
    ("answered_on", "routed_on", Fault.ANSWERED_BEFORE_ROUTED),
    ("answered_on", "solved_on", Fault.ANSWERED_BEFORE_SOLVED),
    ("notified_on", "answered_on", Fault.NOTIFIED_BEFORE_ANSWERED),
    ("closed_on", "answered_on", Fault.CLOSED_BEFORE_ANSWERED),
    ("closed_on", "notified_on", Fault.CLOSED_BEFORE_NOTIFIED),
)


class Judge:
    """
    Judges rows on *today*, each term and each due date computed once.

    Args:
        appealable: Codes of the types whose answers admit recursos under Ley 142 (`appeal.types`).
        decisions: Codes of the types that are recursos themselves: their answers confirm, modify, revoke or reject.
    """

    def __init__(
        self,
        rules: Iterable[TermRule],
        calendar: BusinessCalendar,
        today: date,
        choices: Choices = Choices(),
        *,
        appealable: Iterable[str] = (),
        decisions: Iterable[str] = (),
    ) -> None:
        self.rules, self.calendar, self.today, self.choices = tuple(rules), calendar, today, choices
        self.appealable, self.decisions = frozenset(appealable), frozenset(decisions)
        self._deadlines: dict[tuple[Any, ...], tuple[TermRule, Deadline] | Finding] = {}
        self._of_type: dict[tuple[Regime, str], tuple[TermRule, ...]] = {}
        self._appeals: dict[date, date | Finding] = {}
        self._silences: dict[date, Arisen | Finding] = {}

    def __call__(self, case: PastCase) -> Verdict:
        """Return what becomes of the row. Raises nothing that a row can bring about."""
        faults = [] if self._is_straight(case) else list(self._order(case))
        faults += self._sense(case)
        term = self._term(case)
        if isinstance(term, Finding):
            faults.append(term)
        if faults or term is None or isinstance(term, Finding):
            return Verdict(faults=tuple(faults))
        try:
            return self._life(case, *term)
        except _Gap as gap:
            return Verdict(faults=(gap.finding,))

    # ── can it have been ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_straight(self, case: PastCase) -> bool:
        """Say whether the row has what every case needs, and its days follow each other up to today: nearly all rows, at once."""
        if case.filed is None or case.request_type is None or not case.number:
            return False
        last = local_day(case.filed)
        for day in (case.routed_on, case.solved_on, case.answered_on, case.notified_on, case.closed_on):
            if day is not None:
                if day < last:
                    return False
                last = day
        return last <= self.today

    def _order(self, case: PastCase) -> Iterator[Finding]:
        """Yield what is missing, what has not come yet, and what happened before what it follows."""
        if not case.number:
            yield Finding(Fault.NUMBER_MISSING, "number")
        if case.request_type is None:
            yield Finding(Fault.TYPE_MISSING, "request_type")
        if case.filed is None:
            yield Finding(Fault.FILED_MISSING, "filed")
            return
        filed_on, today = local_day(case.filed), self.today
        if filed_on > today:
            yield Finding(Fault.IN_FUTURE, "filed", {"on": _told(filed_on)})
        days = {"filed_on": filed_on} | {name: getattr(case, name) for name in _DATES}
        yield from (Finding(Fault.IN_FUTURE, name, {"on": _told(days[name])}) for name in _DATES if days[name] and days[name] > today)
        is_told: set[str] = set()
        for name, before, fault in _ORDER:
            day, earlier = days[name], days[before]
            if day and earlier and day < earlier and name not in is_told:
                is_told.add(name)  # what is before the filing is before all that follows it
                yield Finding(fault, name, {"on": _told(day), "earlier": _told(earlier)})

    def _sense(self, case: PastCase) -> Iterator[Finding] | tuple[Finding, ...]:
        """Return what contradicts itself: an end without an answer, an answer without its sense."""
        outcome = case.outcome
        is_usual = case.answered_on is not None and outcome is not None and outcome not in APPEAL_OUTCOMES and case.ending is None
        return () if is_usual else self._contradictions(case)

    def _contradictions(self, case: PastCase) -> Iterator[Finding]:
        answered_on, closed_on = case.answered_on, case.closed_on
        if case.ending is not None:
            if answered_on:
                yield Finding(Fault.ENDING_ANSWERED, "ending", {"on": _told(answered_on)})
            if closed_on is None:
                yield Finding(Fault.ENDING_UNDATED, "closed_on")
        elif answered_on is None:
            if case.notified_on:
                yield Finding(Fault.NOTIFIED_UNANSWERED, "answered_on", {"on": _told(case.notified_on)})
            elif closed_on:
                yield Finding(Fault.CLOSED_UNANSWERED, "answered_on", {"on": _told(closed_on)})
        elif case.outcome is None and self.choices.outcome is None:
            yield Finding(Fault.OUTCOME_MISSING, "outcome", {"on": _told(answered_on)})
        if case.outcome is not None and case.outcome.is_of_appeal and case.request_type not in self.decisions:
            yield Finding(Fault.OUTCOME_OF_APPEAL, "outcome")

    def _term(self, case: PastCase) -> tuple[TermRule, Deadline] | Finding | None:
        """Return the term of the case and its deadline, or why there is none; None: the row does not even tell what to look for."""
        filed, kind = case.filed, case.request_type
        if filed is None or kind is None:
            return None
        key = (case.regime, kind, local_day(filed), self.calendar.is_after_hours(filed))
        found = self._deadlines.get(key)
        if found is None:
            found = self._deadlines[key] = self._computed(case.regime, kind, filed)
        return found

    def _rules_of(self, regime: Regime, kind: str) -> tuple[TermRule, ...]:
        """Return the rules for the answer to that type, of all days: few of the many that are loaded."""
        if (regime, kind) not in self._of_type:
            same = (rule for rule in self.rules if rule.act is TermAct.ANSWER and (rule.regime, rule.request_type) == (regime, kind))
            self._of_type[regime, kind] = tuple(same)
        return self._of_type[regime, kind]

    def _computed(self, regime: Regime, kind: str, filed: datetime | date) -> tuple[TermRule, Deadline] | Finding:
        try:
            rule = rule_for(self._rules_of(regime, kind), regime, TermAct.ANSWER, kind, local_day(filed))
            return rule, deadline_of(filed, rule, self.calendar)
        except CalendarGap as error:
            return Finding(Fault.YEAR_MISSING, "filed", {"year": error.year})
        except DomainError:
            return Finding(Fault.TERM_MISSING, "request_type", {"on": _told(local_day(filed))})

    # ── what became of it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _life(self, case: PastCase, rule: TermRule, deadline: Deadline) -> Verdict:
        """Return the verdict on a row without faults: its history in order, as far as the log tells it, and where that leaves it."""
        assert case.filed is not None
        filed_on, answered_on, due_on = local_day(case.filed), case.answered_on, _due(deadline)
        doubts = self._doubts(case, due_on)
        steps, status = [Step(Move.FILE, filed_on, PqrStatus.RECEIVED, Reason.IMPORTED)], PqrStatus.RECEIVED
        if case.process is not None:
            status = PqrStatus.ROUTED
            routed_on = case.routed_on or filed_on
            steps.append(Step(Move.ROUTE, routed_on, status, None if case.routed_on else Reason.ROUTED_WHEN_FILED))
        outcome = case.outcome if answered_on or (case.solved_on and status is PqrStatus.ROUTED) else None
        solved_on = case.solved_on if outcome or answered_on else None
        if solved_on and status is PqrStatus.ROUTED:
            status = PqrStatus.SOLVED
            steps.append(Step(Move.SOLVE, solved_on, status))
        notified_on = appeal_until = closed_on = None
        if case.ending is not None:
            assert case.closed_on is not None
            status, closed_on, outcome, solved_on = case.ending, case.closed_on, None, None
            steps.append(Step(_MOVE_OF[status], closed_on, status))
        elif answered_on:
            outcome = outcome or self.choices.outcome
            steps.append(Step(Move.ISSUE_ANSWER, answered_on, PqrStatus.ANSWERED, None if case.outcome else Reason.OUTCOME_CHOSEN))
            status, notified_on, appeal_until, closed_on = self._after_the_answer(case, outcome, steps)
        return Verdict(
            (), tuple(doubts), status, tuple(steps), rule, deadline, outcome, solved_on, answered_on, notified_on, appeal_until, closed_on,
            self._silence(case, due_on, status, outcome), (case.due_on - due_on).days if case.due_on else None,
        )  # fmt: skip

    def _after_the_answer(
        self, case: PastCase, outcome: Outcome | None, steps: list[Step]
    ) -> tuple[PqrStatus, date | None, date | None, date | None]:
        """Add the notice and the closing to *steps*; return the state, the notice, the last day to appeal and the closing."""
        answered_on, notified_on, reason = case.answered_on, case.notified_on, None
        if notified_on is None and self.choices.is_notified_when_answered:
            notified_on, reason = answered_on, Reason.NOTIFIED_WHEN_ANSWERED
        if notified_on is None:
            return PqrStatus.ANSWERED, None, None, None
        steps.append(Step(Move.NOTIFY, notified_on, PqrStatus.NOTIFIED, reason))
        is_appealable = case.regime is Regime.LEY142 and case.request_type in self.appealable and outcome is not Outcome.REFERRED
        appeal_until = self._appeal_until(notified_on) if is_appealable else None
        closed_on, reason = case.closed_on, None
        if closed_on is None:
            final_on, reason = answer_final_on(notified_on, appeal_until), Reason.CLOSED_BY_LAW
            if final_on > self.today:
                return PqrStatus.NOTIFIED, notified_on, appeal_until, None
            closed_on = final_on
        steps.append(Step(Move.CLOSE, closed_on, PqrStatus.CLOSED, reason))
        return PqrStatus.CLOSED, notified_on, appeal_until, closed_on

    def _doubts(self, case: PastCase, due_on: date) -> list[Finding]:
        """Return what somebody should know of a row that becomes a case."""
        routed_on, solved_on, found = case.routed_on, case.solved_on, []
        if case.due_on is not None and case.due_on != due_on:
            found.append(Finding(Doubt.DUE_DIFFERS, "due_on", {"theirs": _told(case.due_on), "ours": _told(due_on)}))
        if routed_on and case.process is None:
            found.append(Finding(Doubt.AREA_UNKNOWN, "routed_on", {"on": _told(routed_on)}))
        if routed_on and solved_on and solved_on < routed_on:
            found.append(Finding(Doubt.SOLVED_BEFORE_ROUTED, "solved_on", {"on": _told(solved_on), "earlier": _told(routed_on)}))
        if case.answered_on is None:
            if solved_on and case.ending is None and (case.outcome is None or case.process is None):
                found.append(Finding(Doubt.SOLUTION_UNTOLD, "solved_on", {"on": _told(solved_on)}))
        elif case.notified_on is None and not self.choices.is_notified_when_answered:
            told, code = case.closed_on or case.answered_on, Doubt.CLOSING_DROPPED if case.closed_on else Doubt.NOTICE_UNKNOWN
            found.append(Finding(code, "notified_on", {"on": _told(told)}))
        return found

    def _appeal_until(self, notified_on: date) -> date:
        found: date = _once(self._appeals, notified_on, self._last_day)
        return found

    def _last_day(self, notified_on: date) -> date:
        return term_end(notified_on, rule_for(self.rules, Regime.LEY142, TermAct.APPEAL, None, notified_on), self.calendar)

    def _silence(self, case: PastCase, due_on: date, status: PqrStatus, outcome: Outcome | None) -> Arisen | None:
        """Return the positive silence of the case, None if none arose or nothing of it is left to recognise (`operations/silence.py`)."""
        if not silence_on(due_on, self.today, case.answered_on, case.regime):
            return None
        is_over = status in ENDINGS or (status is PqrStatus.CLOSED and outcome is Outcome.GRANTED)
        if is_over:
            return None
        found: Arisen = _once(self._silences, due_on, lambda day: arisen(day, self.rules, self.calendar))
        return found


class _Gap(Exception):
    """The calendar or the terms lack what the rest of the life needs; `finding` says it of the row."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


def _once(known: dict[date, Any], day: date, compute: Callable[[date], Any]) -> Any:
    """Return what *compute* gives for a day, computed once. Raises _Gap, always the same for that day."""
    if day not in known:
        try:
            known[day] = compute(day)
        except CalendarGap as error:
            known[day] = Finding(Fault.YEAR_MISSING, "notified_on", {"year": error.year})
        except DomainError:
            known[day] = Finding(Fault.TERM_MISSING, "request_type", {"on": _told(day)})
    found = known[day]
    if isinstance(found, Finding):
        raise _Gap(found)
    return found


def _due(deadline: Deadline) -> date:
    assert deadline.due_on is not None, "a past case starts with its clock running"
    return deadline.due_on


@lru_cache(maxsize=16_384)
def _told(day: date) -> str:
    return f"{day.day:02}/{day.month:02}/{day.year:04}"


# ── One number, one case ──────────────────────────────────────────────────────────────────────────────────────────────────


def digest_of(source: str, facts: Iterable[Any]) -> str:
    """Return the fingerprint of what a row tells: equal on every node, for equal facts of one source."""
    return blake2b(repr((source, *facts)).encode(), digest_size=24).hexdigest()


class Numbers:
    """The numbers of one file: which were seen, on which line, with which facts."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def add(self, number: str, facts: Hashable, line: int) -> Finding | bool:
        """Return True for a number that is new, False for a row that repeats an earlier one, and the fault of one that contradicts it."""
        mark = hash(facts)
        seen = self._seen.setdefault(number, (mark, line))
        if seen[1] == line:
            return True
        return False if seen[0] == mark else Finding(Fault.REPEATED, "number", {"line": seen[1]})
