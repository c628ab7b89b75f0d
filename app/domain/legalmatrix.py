"""The legal matrix: what norms oblige the house to, and whether it complies (ISO 9001:2015, 4.2 and 9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError

#: Days ahead in which an evaluation counts as due soon.
SOON = timedelta(days=30)
#: Most articles that a range may name: beyond it, it is no range of articles.
MOST_ARTICLES = 400


class Compliance(Enum):
    """What an evaluation of an obligation found."""

    COMPLIES = N_("Complies")
    PARTLY = N_("Complies in part")
    FAILS = N_("Does not comply")
    NOT_APPLICABLE = N_("Does not apply")

    @property
    def asks_for_action(self) -> bool:
        """Whether somebody has to do something about it, or say why not."""
        return self in (Compliance.PARTLY, Compliance.FAILS)


#: How each result and each state is coloured.
COMPLIANCE_TONES = {Compliance.COMPLIES: "ok", Compliance.PARTLY: "warn", Compliance.FAILS: "bad", Compliance.NOT_APPLICABLE: "stop"}


class EvaluationState(Enum):
    """How the evaluation of an obligation stands on a day."""

    NEVER = N_("Never evaluated")
    OVERDUE = N_("Evaluation overdue")
    SOON = N_("Evaluation due soon")
    CURRENT = N_("Evaluated in time")
    IDLE = N_("Not followed any more")


STATE_TONES = {
    EvaluationState.NEVER: "warn", EvaluationState.OVERDUE: "bad", EvaluationState.SOON: "soon", EvaluationState.CURRENT: "ok",
    EvaluationState.IDLE: "stop",
}  # fmt: skip


class Sureness(Enum):
    """How sure the house is of what the matrix says of a norm."""

    CONFIRMED = N_("Confirmed")
    PARTLY = N_("Confirmed in part")
    SECONDARY = N_("Of a second hand")
    KNOWN = N_("Well known")
    UNSURE = N_("To be confirmed")


#: What each mark means, beside it.
SURENESS_MEANS = {
    Sureness.CONFIRMED: N_("It was read in the norm itself, or on a page of the authority or of several companies."),
    Sureness.PARTLY: N_("A part was read; the rest is from memory. Read the norm before you rely on it."),
    Sureness.SECONDARY: N_("It was read in a text of somebody else. Read the norm before you rely on it."),
    Sureness.KNOWN: N_("It is well known, and written from memory. Read the norm before you rely on it."),
    Sureness.UNSURE: N_("Nobody has checked it. Do not rely on it before you read the norm."),
}
SURENESS_TONES = {
    Sureness.CONFIRMED: "ok", Sureness.PARTLY: "soon", Sureness.SECONDARY: "soon", Sureness.KNOWN: "soon", Sureness.UNSURE: "warn",
}  # fmt: skip


def sureness(confidence: str) -> Sureness:
    """Return the mark of what somebody wrote about how sure it is; nothing written means that nobody checked it."""
    text = confidence.casefold()
    is_open, is_confirmed = "por confirmar" in text, "confirmad" in text
    is_known = "conocid" in text or "memoria" in text
    if is_confirmed and (is_open or is_known or "parte" in text):
        return Sureness.PARTLY
    if is_open or is_confirmed:
        return Sureness.UNSURE if is_open else Sureness.CONFIRMED
    return Sureness.SECONDARY if "secund" in text else Sureness.KNOWN if is_known else Sureness.UNSURE


# ── Evaluations ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def state_on(today: date, *, evaluated_on: date | None, next_on: date | None, is_active: bool) -> EvaluationState:
    """Return how the evaluation of an obligation stands: the day on which it is due is still in time."""
    if not is_active:
        return EvaluationState.IDLE
    if next_on is not None and next_on < today:
        return EvaluationState.OVERDUE
    if evaluated_on is None:
        return EvaluationState.NEVER
    return EvaluationState.SOON if next_on is not None and next_on - today <= SOON else EvaluationState.CURRENT


def next_evaluation_on(on: date, every_months: int) -> date:
    """Return the day of the evaluation after one of *on*. Raises DomainError: *every_months* is no frequency."""
    if not 1 <= every_months <= 60:
        raise DomainError(N_("Say every how many months it is evaluated: from 1 to 60."), field="every_months")
    return months_after(on, every_months)


def check_evaluation(evidence: str, on: date, next_on: date, today: date, *, last_on: date | None = None) -> None:
    """
    Refuse an evaluation that shows nothing, or whose days cannot be.

    Raises:
        DomainError: No evidence; its day lies ahead, or before the last one; the next day is not after it.
    """
    if not evidence.strip():
        raise DomainError(N_("Write what was looked at: an evaluation without evidence shows nothing."), field="evidence")
    if on > today:
        raise DomainError(N_("An evaluation is of what was looked at: its day cannot be after today."), field="on")
    if last_on is not None and on <= last_on:
        raise DomainError(N_("It was evaluated on %(day)s already. Write a later day."), field="on", day=last_on)
    if next_on <= on:
        raise DomainError(N_("The next evaluation comes after this one, of %(day)s."), field="next_on", day=on)


def check_follow_up(result: Compliance, *, has_action: bool, reason: str) -> None:
    """Raise DomainError when an evaluation that fails neither asks for an action nor says why not, or says both."""
    if has_action and reason.strip():
        raise DomainError(N_("Ask for an action, or write why there is none: not both."), field="no_action_reason")
    if result.asks_for_action and not has_action and not reason.strip():
        text = N_("What is not met asks for an action. Ask for one, or write why there is none (ISO 9001:2015, 10.2).")
        raise DomainError(text, field="no_action_reason")


# ── Which texts rest on which obligation ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Citation:
    """A norm that a text cites, by number and year, and the articles that it names there; none means all of it."""

    norm: tuple[int, int]
    articles: frozenset[int] = frozenset()

    def meets(self, other: Citation) -> bool:
        """Say whether both speak of the same norm, and of an article in common unless one of them speaks of the whole."""
        both = self.articles and other.articles
        return self.norm == other.norm and (not both or not self.articles.isdisjoint(other.articles))


_NORM = r"(?:(?P<number>\d[\d.]*)(?: \(\d+\))? (?:de|del|/) ?(?P<year>\d{4})|(?P<name>CPACA))"
_ONE = r"\d+(?![\d]|\.\d)"
_LIST = rf"(?P<{{}}>{_ONE}(?:(?:\s*(?:,|y|e|al?|-)\s*){_ONE})*)"
#: «Ley 142 de 1994, arts. 154 y 159» and «artículos 148 a 150 de la Ley 142 de 1994».
_CITED = re.compile(
    rf"(?:(?:artículos?|arts?\.?) {_LIST.format('before')} (?:de|del) (?:la |el )?(?:[A-ZÁÉÍÓÚ][\w.]*\s+)*?)?"
    rf"{_NORM}(?: \(CPACA\))?(?:,? \(?(?:artículos?|arts?\.?) {_LIST.format('after')})?"
)
_NAMES = {"CPACA": (1437, 2011)}


def articles_of(text: str) -> frozenset[int]:
    """Return the articles that a list names: `146, 149, 150`, `66-73`, `138 a 142`; what is no article of a law is left out."""
    found: set[int] = set()
    for first, last in re.findall(r"(?<![\d.])(\d{1,4})(?:\s*(?:-|a|al)\s*(\d{1,4}))?(?![\d.]*\d)", text):
        low, high = int(first), int(last or first)
        if low <= high < low + MOST_ARTICLES:
            found.update(range(low, high + 1))
    return frozenset(found)


def citations(text: str) -> Iterator[Citation]:
    """Yield the norms that *text* cites, as people write them in Colombia."""
    for match in _CITED.finditer(text):
        norm = _NAMES.get(match["name"] or "") or (int(match["number"].replace(".", "")), int(match["year"]))
        yield Citation(norm, articles_of(match["before"] or match["after"] or ""))


def citations_of(norm: str, articles: str) -> tuple[Citation, ...]:
    """Return what a row of the matrix is about: each norm that it names, with its articles, and what those compile."""
    about = tuple(dict.fromkeys(each.norm for each in citations(norm)))
    named = re.sub(r"\(.*?\)|\bnum\.? \d+(?: a \d+)?", "", articles)
    compiled = tuple(Citation(each.norm) for each in citations(articles))
    return tuple(Citation(each, articles_of(named)) for each in about) + compiled


def rests_on(text: str, norm: str, articles: str) -> bool:
    """Say whether *text*, as a term, a letter or a parameter has it, cites what a row of the matrix is about."""
    about = citations_of(norm, articles)
    return any(cited.meets(each) for cited in citations(text) for each in about)
