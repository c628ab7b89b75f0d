"""
The management review: what it looks at, and what it decides (ISO 9001:2015, 9.3; the words are ours).

What it looks at is prepared from the data of a period, beside the period of the same length before it, and kept as it was on that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.clauses import Period, check_period
from app.domain.errors import DomainError, MoveRefused

MAX_TEXT = 4000


class ReviewStatus(Enum):
    DRAFT = N_("Being prepared")
    SIGNED = N_("Signed")


@dataclass(frozen=True, slots=True)
class Input:
    """
    Something that a review looks at.

    Args:
        asks: What the people at the table have to say about it.
        figures: Keys of `domain.clauses` whose numbers stand in it, and whether more of it is good (None: neither).
        measures: Keys of the catalogue of measures.
        is_typed: The system knows nothing of it, or not all: without a remark it is not whole.
    """

    key: str
    title: str
    asks: str
    figures: tuple[tuple[str, bool | None], ...] = ()
    measures: tuple[str, ...] = ()
    is_typed: bool = False


INPUTS: tuple[Input, ...] = (
    Input("decisions", N_("What earlier reviews decided"), N_("What was carried out, what was not, and why."),
          (("decisions_late", False),)),
    Input(
        "changes", N_("Changes outside and inside the company"),
        N_("Norms, market, people, processes and documents that changed, and what follows."),
        (("editions_approved", None), ("calendar_changes", None), ("amendments", None)), is_typed=True,
    ),
    Input(
        "satisfaction", N_("Satisfaction of customers"), N_("What surveys and ratings say, and what is done about it."),
        (("campaigns", True), ("responses", True), ("alarms_open", False)), ("csat", "nps", "respuesta_encuesta"),
    ),
    Input(
        "cases", N_("Petitions, complaints and claims"), N_("How many, of what kind, answered when, and what repeats itself."),
        (("filed", None), ("answered", None), ("answered_late", False), ("cases_overdue", False), ("silences", False)),
        ("oportunidad", "tiempo_promedio", "recurrencia"),
    ),
    Input("indicators", N_("Objectives and indicators"), N_("Which goals are reached, which are not, and why."),
          (("values_reported", True), ("values_good", True), ("indicators_unmeasured", False))),
    Input(
        "performance", N_("Processes and contracts"), N_("Whether what was agreed with customers is met."),
        (("contracts", None), ("checklists", True), ("contracts_unverified", False), ("findings_open", False), ("outputs", False)),
        ("contratos",),
    ),
    Input(
        "nonconformities", N_("Nonconformities and corrective actions"),
        N_("Which repeat themselves, and whether what was done had an effect."),
        (("actions", None), ("actions_done", True), ("actions_late", False), ("reviews_late", False), ("effective", True),
         ("not_effective", False)),
    ),
    Input("audits", N_("Results of audits"), N_("Audits of the period, internal and of others: what they found and what is open."),
          (("audit_actions", None),), is_typed=True),
    Input("legal", N_("Legal requirements"), N_("Which obligations are not met, or were not evaluated, and what is done."),
          (("evaluations", True), ("legal_never", False), ("legal_failing", False), ("legal_overdue", False))),
    Input("suppliers", N_("Suppliers"), N_("How those who supply the company performed in the period."), is_typed=True),
    Input("resources", N_("Resources"), N_("Whether people, money, places and programs suffice."), is_typed=True),
    Input("risks", N_("Risks and opportunities"), N_("Whether what is done about risks works."),
          (("risks", None), ("risk_moves", True), ("risks_unattended", False), ("risks_overdue", False))),
    Input("improvement", N_("Opportunities of improvement"), N_("What could be better, and who takes it up."),
          (("improvements", True), ("preventive", True))),
)  # fmt: skip

#: Inputs whose text has a column of its own.
OWN_COLUMNS = ("changes", "resources")


def input_of(key: str) -> Input | None:
    """Return the input called *key*, if there is one."""
    return next((each for each in INPUTS if each.key == key), None)


# ── What is refused ───────────────────────────────────────────────────────────────────────────────────────────────────────


def check_review(held_on: date, since: date, until: date, today: date) -> Period:
    """Return the period that is looked at. Raises DomainError: as `check_period`; or the review is held before the period is over."""
    period = check_period(since, until, today)
    if held_on < until:
        raise DomainError(N_("The review is held when the period is over, not before %(day)s."), field="held_on", day=until)
    return period


def check_draft(number: str, status: ReviewStatus) -> None:
    """Raise MoveRefused: what was signed stays as it was."""
    if status is ReviewStatus.SIGNED:
        raise MoveRefused(N_("%(number)s is signed and no longer changes. What is missing goes into the next review."), number=number)


def check_decision(text: str, topic: str, due_on: date, held_on: date) -> None:
    """Raise DomainError when a decision says nothing, answers no input, or would be due before it was taken."""
    if not text.strip():
        raise DomainError(N_("Write what was decided."), field="text")
    if len(text) > MAX_TEXT:
        raise DomainError(N_("A decision has at most %(most)s characters."), field="text", most=MAX_TEXT)
    if topic and input_of(topic) is None:
        raise DomainError(N_("Choose one of the subjects of the review."), field="topic")
    if due_on < held_on:
        raise DomainError(N_("The last day comes before the review, held on %(day)s."), field="due_on", day=held_on)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a signature looks at."""

    number: str
    held_on: date
    is_prepared: bool
    attendees: str
    conclusion: str
    unsaid: Sequence[str]
    due_days: Sequence[date]


def check_sign(ready: Ready, today: date) -> None:
    """
    Raise MoveRefused when the review cannot be signed yet, with all that is missing.

    What the system knows nothing of has to be told: an empty input looks like one that nobody looked at.
    """
    if ready.held_on > today:
        raise MoveRefused(N_("%(number)s is held on %(day)s: it is signed on that day or later."), number=ready.number, day=ready.held_on)
    if not ready.is_prepared:
        raise MoveRefused(N_("Prepare the data of %(number)s before it is signed."), number=ready.number)
    if not ready.attendees.strip():
        raise MoveRefused(N_("Write who attended before %(number)s is signed."), number=ready.number)
    if ready.unsaid:
        raise MoveRefused(
            N_("Nothing is said yet about: %(inputs)s. Write it, or that there is nothing to say."), inputs=tuple(ready.unsaid)
        )
    if not ready.conclusion.strip():
        raise MoveRefused(N_("Write the conclusion before %(number)s is signed: whether the system suits, suffices and works."),
                          number=ready.number)  # fmt: skip
    late = [day for day in ready.due_days if day < today]
    if late:
        raise MoveRefused(N_("A decision is due on %(day)s, which is past: give it another day."), day=min(late))
