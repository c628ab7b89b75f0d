"""
How an answer comes to be notified: the chain of CPACA arts. 56, 67 to 69 and 72, and when the public page opens it.

Pure: whoever calls brings what happened, the terms, the calendar and `today`. See docs/rules/pqr-notices.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import Regime, TermAct, TermRule, rule_for, term_end
from app.domain.errors import MoveRefused
from app.domain.states import Identity, NoticeMeans, NoticeResult, PqrStatus

E_NOTICE_NORM = "Ley 1437 de 2011 (CPACA), art. 56"
PERSONAL_NORM = "Ley 1437 de 2011 (CPACA), art. 67"
CONDUCT_NORM = "Ley 1437 de 2011 (CPACA), art. 72"


# ── The public page ───────────────────────────────────────────────────────────────────────────────────────────────────────


class AnswerDoor(Enum):
    """Whether the answer of a case opens to whoever brings its number and key."""

    NONE = "there is no answer yet"
    CLOSED = "notified another way first"
    BY_PRESSING = "opening it is the notice"
    OPEN = "open"


_SERVED = (PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED)


def answer_door(status: PqrStatus, identity: Identity, is_e_notice: bool) -> AnswerDoor:
    """
    Return how the answer of a case opens on the public page.

    - Once notified, it is open.
    - Answered, and the citizen accepted notices by e-mail: it opens by pressing a button that says what follows, and that moment
      is the notice, for it counts from access (CPACA art. 56).
    - Answered, and anonymous: nobody can be notified in person, so the page with number and key is where the answer is found.
      That access is no personal notice and moves nothing.
    - Answered, without that acceptance: closed until it is notified in person. Showing it would leave two dates from which the
      term to appeal could be said to run (CPACA art. 72).
    """
    if status in _SERVED:
        return AnswerDoor.OPEN
    if status is not PqrStatus.ANSWERED:
        return AnswerDoor.NONE
    if identity is Identity.ANONYMOUS:
        return AnswerDoor.OPEN
    return AnswerDoor.BY_PRESSING if is_e_notice else AnswerDoor.CLOSED


# ── What happened ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One attempt to notify.

    `on` is the date of its sending or posting; `ended_on` that of its result: opened, came, delivered, returned, taken down. A
    summons that `is_posted` was published, for nobody knew where to send it.
    """

    means: NoticeMeans
    on: date
    result: NoticeResult = NoticeResult.PENDING
    ended_on: date | None = None
    is_posted: bool = False

    @property
    def is_served(self) -> bool:
        """Say whether it ended in a notice; a summons never is one."""
        return self.means is not NoticeMeans.SUMMONS and self.result in (NoticeResult.DELIVERED, NoticeResult.APPEARED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the chain depends on. `is_e_notice`: the citizen accepted notices by e-mail; `has_address`: there is where to send to."""

    answered_on: date
    identity: Identity = Identity.NAMED
    is_e_notice: bool = False
    has_address: bool = True
    attempts: tuple[Attempt, ...] = ()

    def as_of(self, day: date) -> Facts:
        """Return what was known at the end of *day*."""
        return replace(self, attempts=tuple(_as_of(attempt, day) for attempt in self.attempts if attempt.on <= day))


def _as_of(attempt: Attempt, day: date) -> Attempt:
    if attempt.ended_on is None or attempt.ended_on <= day:
        return attempt
    return replace(attempt, result=NoticeResult.PENDING, ended_on=None)


# ── The terms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """The terms of the chain in one regime."""

    summons: TermRule
    appearance: TermRule
    aviso_served: TermRule
    aviso_posted: TermRule


def terms_of(rules: Iterable[TermRule], regime: Regime, answered_on: date) -> NoticeTerms | None:
    """
    Return the terms that govern the notice of an answer of *answered_on*; None for a regime whose answers are just delivered.

    The law of the day on which the notice begins governs the whole of it (CGP art. 624, Ley 153 de 1887 art. 40).

    Raises:
        TermMissing: The regime has a summons, but not all that follows it.
    """
    rules = list(rules)
    if not any(rule.regime is regime and rule.act is TermAct.SUMMONS and rule.is_in_force(answered_on) for rule in rules):
        return None
    acts = (TermAct.SUMMONS, TermAct.APPEARANCE, TermAct.AVISO_SERVED, TermAct.AVISO_POSTED)
    return NoticeTerms(*(rule_for(rules, regime, act, None, answered_on) for act in acts))


def summons_until(answered_on: date, terms: NoticeTerms, calendar: BusinessCalendar) -> date:
    """Return the last day to send, or to publish, the summons (CPACA art. 68)."""
    return term_end(answered_on, terms.summons, calendar)


def appear_by(summons: Attempt, terms: NoticeTerms, calendar: BusinessCalendar) -> date:
    """Return the last day of the citizen to come: counted from the *sending* (CPACA art. 69), or while a summons stays posted (art. 68)."""
    return term_end(summons.on, terms.aviso_posted if summons.is_posted else terms.appearance, calendar)


def removable_on(posted_on: date, terms: NoticeTerms, calendar: BusinessCalendar) -> date:
    """Return the last day that an aviso has to stay posted; it comes down at its end (CPACA art. 69)."""
    return term_end(posted_on, terms.aviso_posted, calendar)


def served_on_of_delivery(delivered_on: date, terms: NoticeTerms, calendar: BusinessCalendar) -> date:
    """Return the day at whose *end* an aviso is served: the working day after it was delivered (CPACA art. 69)."""
    return term_end(delivered_on, terms.aviso_served, calendar)


def served_on_of_posting(posted_on: date, removed_on: date, terms: NoticeTerms, calendar: BusinessCalendar) -> date:
    """
    Return the day at whose *end* a published aviso is served: the working day after it came down (CPACA art. 69).

    Raises:
        MoveRefused: It came down before its days were over.
    """
    last = removable_on(posted_on, terms, calendar)
    if removed_on < last:
        early = N_("The aviso stays posted until %(last)s (%(norm)s).")
        raise MoveRefused(early, field="on", last=f"{last:%d/%m/%Y}", norm=terms.aviso_posted.norm)
    return term_end(removed_on, terms.aviso_served, calendar)


def served_on_of(attempt: Attempt, terms: NoticeTerms | None, calendar: BusinessCalendar) -> date | None:
    """
    Return the day on which *attempt* serves the answer, perhaps still to come; None when it does not.

    A link is served on the day of access and no other; the citizen who comes, or shows to know the answer, on that day.
    """
    if not attempt.is_served or attempt.ended_on is None:
        return None
    if attempt.means is NoticeMeans.AVISO and terms:
        return served_on_of_delivery(attempt.ended_on, terms, calendar)
    if attempt.means is NoticeMeans.AVISO_POSTED and terms:
        return served_on_of_posting(attempt.on, attempt.ended_on, terms, calendar)
    return attempt.ended_on


def served_on(facts: Facts, terms: NoticeTerms | None, calendar: BusinessCalendar) -> date | None:
    """Return the first day on which an attempt serves the answer; None while none does."""
    days = (served_on_of(attempt, terms, calendar) for attempt in facts.attempts)
    return min((day for day in days if day is not None), default=None)


def aviso_from(facts: Facts, terms: NoticeTerms, calendar: BusinessCalendar) -> date | None:
    """Return the first day on which an aviso is lawful: once the term to appear has ended (CPACA art. 69). None without a summons."""
    if facts.identity is Identity.ANONYMOUS:
        return facts.answered_on
    summons = _last(facts, NoticeMeans.SUMMONS)
    return None if summons is None else calendar.add(appear_by(summons, terms, calendar), 1)


# ── What comes next ───────────────────────────────────────────────────────────────────────────────────────────────────────


class NoticeStep(Enum):
    """The next lawful step. The value is the msgid people read."""

    SEND_LINK = N_("Send the link by e-mail")
    AWAIT_ACCESS = N_("Wait for the citizen to open the link")
    SUMMON = N_("Send the summons")
    POST_SUMMONS = N_("Publish the summons: there is no address")
    RETRY_SUMMONS = N_("Send the summons to another address")
    AWAIT_APPEARANCE = N_("Wait for the citizen to come")
    SEND_AVISO = N_("Send the aviso with a copy of the answer")
    AWAIT_CARRIER = N_("Record what the carrier says")
    POST_AVISO = N_("Publish the aviso with a copy of the answer")
    TAKE_DOWN = N_("Take the aviso down when its days are over")
    AWAIT_SERVED = N_("Wait for the end of the day on which it is served")
    DELIVER = N_("Deliver the answer and keep the proof")
    SERVED = N_("Notified")

    @property
    def is_duty(self) -> bool:
        """Say whether the company has to do it; what waits for somebody else is never late."""
        return self not in _WAITS


_WAITS = (NoticeStep.AWAIT_ACCESS, NoticeStep.AWAIT_APPEARANCE, NoticeStep.AWAIT_CARRIER, NoticeStep.AWAIT_SERVED, NoticeStep.SERVED)


@dataclass(frozen=True, slots=True)
class NextStep:
    """A step, the first day on which it is lawful, its last day (None: the law sets none), the norm, and whether it is late."""

    step: NoticeStep
    from_on: date
    until_on: date | None
    norm: str
    is_late: bool


def next_step(facts: Facts, terms: NoticeTerms | None, calendar: BusinessCalendar, today: date, n_wait: int) -> NextStep:
    """
    Return what the law asks for next, knowing what had happened on *today*.

    An aviso has no term in the law: it is due at once, on the first working day on which it is lawful.

    Args:
        terms: Of the regime; None when its answers are delivered with proof and nothing more.
        n_wait: Business days that an e-mail link may stay unopened before the summons is due as well.

    Raises:
        CalendarGap: A term runs into a year that is not loaded.

    Source: CPACA (Ley 1437 de 2011) arts. 56, 67, 68, 69 and 72.
    """
    facts = facts.as_of(today)
    step, from_on, until_on, norm = _served(facts, terms, calendar, today) or (
        _by_link(facts, terms, calendar, today, n_wait)
        or (_on_paper(facts, terms, calendar, today) if terms else _delivered(facts))
    )
    return NextStep(step, from_on, until_on, norm, step.is_duty and until_on is not None and until_on < today)


_Row = tuple[NoticeStep, date, date | None, str]


def _served(facts: Facts, terms: NoticeTerms | None, calendar: BusinessCalendar, today: date) -> _Row | None:
    on = served_on(facts, terms, calendar)
    if on is None:
        return None
    means = next(one.means for one in facts.attempts if served_on_of(one, terms, calendar) == on)
    norm = {NoticeMeans.E_LINK: E_NOTICE_NORM, NoticeMeans.IN_PERSON: PERSONAL_NORM, NoticeMeans.CONDUCT: CONDUCT_NORM}.get(means, "")
    if terms and means in (NoticeMeans.AVISO, NoticeMeans.AVISO_POSTED):
        norm = terms.aviso_served.norm
    return NoticeStep.SERVED if on <= today else NoticeStep.AWAIT_SERVED, on, on, norm


def _by_link(facts: Facts, terms: NoticeTerms | None, calendar: BusinessCalendar, today: date, n_wait: int) -> _Row | None:
    """Whoever accepted it gets a link; one that came back, or stays unopened too long, leads to paper. What went on paper stays there."""
    if not facts.is_e_notice or _last_paper(facts):
        return None
    link = _last(facts, NoticeMeans.E_LINK)
    if link is None:
        until_on = summons_until(facts.answered_on, terms, calendar) if terms else None
        return NoticeStep.SEND_LINK, facts.answered_on, until_on, E_NOTICE_NORM
    wait_until = calendar.add(link.on, n_wait)
    if link.result is NoticeResult.RETURNED or today > wait_until:
        return None
    return NoticeStep.AWAIT_ACCESS, link.on, wait_until, E_NOTICE_NORM


def _on_paper(facts: Facts, terms: NoticeTerms, calendar: BusinessCalendar, today: date) -> _Row:
    last = _last_paper(facts)
    if last is None:
        return _first_on_paper(facts, terms, calendar)
    if last.means is NoticeMeans.SUMMONS:
        return _summoned(last, terms, calendar, today)
    if last.means is NoticeMeans.AVISO_POSTED:
        down_on = removable_on(last.on, terms, calendar)
        return NoticeStep.TAKE_DOWN, down_on, down_on, terms.aviso_posted.norm
    if last.result is NoticeResult.RETURNED and last.ended_on:
        return NoticeStep.POST_AVISO, last.ended_on, calendar.add(last.ended_on, 1), terms.aviso_posted.norm
    return NoticeStep.AWAIT_CARRIER, last.on, None, terms.aviso_served.norm


def _first_on_paper(facts: Facts, terms: NoticeTerms, calendar: BusinessCalendar) -> _Row:
    until_on = summons_until(facts.answered_on, terms, calendar)
    if facts.identity is Identity.ANONYMOUS:  # nobody to summon: what is published is the aviso
        return NoticeStep.POST_AVISO, facts.answered_on, until_on, terms.aviso_posted.norm
    step = NoticeStep.SUMMON if facts.has_address else NoticeStep.POST_SUMMONS
    return step, facts.answered_on, until_on, terms.summons.norm


def _summoned(summons: Attempt, terms: NoticeTerms, calendar: BusinessCalendar, today: date) -> _Row:
    last, is_returned = appear_by(summons, terms, calendar), summons.result is NoticeResult.RETURNED
    if today <= last:
        if is_returned:
            return NoticeStep.RETRY_SUMMONS, summons.ended_on or summons.on, last, terms.summons.norm
        return NoticeStep.AWAIT_APPEARANCE, summons.on, last, terms.appearance.norm
    from_on, is_blind = calendar.add(last, 1), is_returned or summons.is_posted
    step, rule = (NoticeStep.POST_AVISO, terms.aviso_posted) if is_blind else (NoticeStep.SEND_AVISO, terms.aviso_served)
    return step, from_on, from_on, rule.norm


def _delivered(facts: Facts) -> _Row:
    """A regime without chain: the answer is delivered, and its proof kept."""
    last = _last_paper(facts)
    if last and last.result is NoticeResult.PENDING:
        return NoticeStep.AWAIT_CARRIER, last.on, None, ""
    return NoticeStep.DELIVER, facts.answered_on, None, ""


def _last(facts: Facts, means: NoticeMeans) -> Attempt | None:
    return next((attempt for attempt in reversed(facts.attempts) if attempt.means is means), None)


def _last_paper(facts: Facts) -> Attempt | None:
    return next((attempt for attempt in reversed(facts.attempts) if attempt.means is not NoticeMeans.E_LINK), None)


# ── What was done, and when it was due ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt with the last day it had (None: the law set none), the norm, and whether it came late."""

    attempt: Attempt
    until_on: date | None
    norm: str
    is_late: bool


def taken(facts: Facts, terms: NoticeTerms | None, calendar: BusinessCalendar, n_wait: int) -> tuple[Taken, ...]:
    """Return each attempt beside what the chain asked for on its day; arguments and errors as `next_step`."""
    rows = []
    for i, attempt in enumerate(facts.attempts):
        before = replace(facts, attempts=facts.attempts[:i])
        asked = next_step(before, terms, calendar, attempt.on, n_wait)
        rows.append(Taken(attempt, asked.until_on if asked.step.is_duty else None, asked.norm, asked.is_late))
    return tuple(rows)


def is_late(facts: Facts, terms: NoticeTerms | None, calendar: BusinessCalendar, today: date, n_wait: int) -> bool:
    """Say whether a step of the chain was late or is: an answer in time is not in time for the notice without its summons."""
    return any(row.is_late for row in taken(facts, terms, calendar, n_wait)) or next_step(facts, terms, calendar, today, n_wait).is_late
