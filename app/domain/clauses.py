"""
The clauses of ISO 9001:2015 for which the system keeps evidence, and what of it is evidence, gap and sample of each.

The words are ours: the text of the standard is its publisher's. Keys name what `operations.auditpack` counts; a count is of the period that
is asked for, a gap of what is pending is of the day on which it is asked.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError

#: Records of each kind that are drawn when nobody says how many, and at most.
SAMPLE, MOST_SAMPLE = 5, 50
#: The widest period of a pack: three years, the cycle of a certificate.
MOST_DAYS = 1097
MOST_SEED = 999_999_999


class Weight(Enum):
    """How much a gap weighs."""

    MINOR = N_("To be completed")
    MAJOR = N_("Weighs on the conformity")


class Light(Enum):
    """What a clause shows at a glance."""

    GREEN = N_("With evidence and without gaps")
    AMBER = N_("With something to complete")
    RED = N_("With gaps that weigh")
    GREY = N_("Nothing in the period")


@dataclass(frozen=True, slots=True)
class Count:
    """Something of which there is a number."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing: how many (a flag: that there is none at all), and how much it weighs."""

    key: str
    label: str
    weight: Weight = Weight.MINOR
    is_flag: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A kind of record of which some are drawn."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause: its number, what we call it, what shows that it is met, what is missing, and of what a sample is drawn."""

    number: str
    title: str
    asks: str
    counts: tuple[Count, ...]
    gaps: tuple[Gap, ...]
    samples: tuple[Sample, ...] = ()

    @property
    def anchor(self) -> str:
        """The name of its part of a page."""
        return "c" + self.number.replace(".", "-")


# ── The catalogue ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_ANSWERS = Sample("answers", N_("Answers to cases"))
_MAJOR = Weight.MAJOR

CLAUSES: tuple[Clause, ...] = (
    Clause(
        "4.2", N_("Interested parties and what they require"),
        N_("Who they are, what they need, how that is followed, and which norms oblige the company."),
        (
            Count("groups", N_("Groups of interested parties")), Count("needs", N_("Needs and expectations")),
            Count("mechanisms", N_("Ways of following them up")), Count("evidence", N_("Follow-ups with evidence in the period")),
            Count("legal", N_("Obligations in the legal matrix")), Count("evaluations", N_("Evaluations of compliance in the period")),
        ),
        (
            Gap("legal_never", N_("Obligations whose compliance was never evaluated"), _MAJOR),
            Gap("legal_failing", N_("Obligations that are not met, or only in part"), _MAJOR),
            Gap("legal_overdue", N_("Evaluations whose day is past")),
            Gap("needs_unfollowed", N_("Needs that nobody follows up")),
            Gap("mechanisms_overdue", N_("Follow-ups whose day is past")),
        ),
        (Sample("evidence", N_("Evidence of follow-ups")), Sample("evaluations", N_("Evaluations of compliance"))),
    ),
    Clause(
        "4.4", N_("Processes of the system"),
        N_("Which processes there are, what goes into them and comes out, and who answers for them."),
        (
            Count("processes", N_("Active processes")), Count("sheets", N_("Processes with their characterisation")),
            Count("activities", N_("Activities described in them")),
        ),
        (
            Gap("processes_unowned", N_("Active processes without anybody who answers for them"), _MAJOR),
            Gap("processes_unsheeted", N_("Active processes without a characterisation")),
        ),
    ),
    Clause(
        "5.1.2", N_("Customer focus"),
        N_("Whether what customers ask for is answered inside the legal term."),
        (
            Count("filed", N_("Cases filed in the period")), Count("answered", N_("Cases answered in the period")),
            Count("answered_in_time", N_("Cases answered inside the legal term in the period")),
            Count("silences", N_("Positive silences in the period")),
        ),
        (
            Gap("cases_overdue", N_("Open cases whose legal term is past"), _MAJOR),
            Gap("silences_open", N_("Positive silences still to be recognised"), _MAJOR),
            Gap("answered_late", N_("Cases answered late in the period")),
        ),
        (_ANSWERS,),
    ),
    Clause(
        "6.1", N_("Risks and opportunities"),
        N_("Which risks were identified, what is done about them, and whether they are looked at again."),
        (
            Count("risks", N_("Open risks")), Count("controls", N_("Controls that are applied")),
            Count("risk_moves", N_("Looks and moves in the period")), Count("risk_actions", N_("Actions asked for by risks in the period")),
        ),
        (
            Gap("risks_unattended", N_("Risks in a band that asks for an action, without one under way"), _MAJOR),
            Gap("risks_overdue", N_("Risks whose review is late")),
            Gap("processes_unrisked", N_("Active processes without an identified risk")),
        ),
        (Sample("risks", N_("Risks")),),
    ),
    Clause(
        "6.3", N_("Changes that are planned"),
        N_("Which changes the system went through, who approved them and why."),
        (
            Count("editions_approved", N_("Editions of documents put in force in the period")),
            Count("calendar_changes", N_("Changes of the calendar of terms in the period, with their reason")),
            Count("amendments", N_("Amendments of contracts signed in the period")),
        ),
        (Gap("editions_waiting", N_("Editions drafted more than 30 days ago and not approved")),),
        (Sample("editions", N_("Editions put in force")),),
    ),
    Clause(
        "7.4", N_("Communication"),
        N_("What was told to whom, by which means, and whether it arrived."),
        (
            Count("messages", N_("Messages sent in the period")), Count("notices", N_("Notices of acts in the period")),
            Count("invitations", N_("Invitations to surveys in the period")),
        ),
        (
            Gap("unnotified", N_("Answers issued more than a week ago and not notified"), _MAJOR),
            Gap("messages_failed", N_("Messages of the period that could not be delivered")),
        ),
    ),
    Clause(
        "7.5", N_("Documented information"),
        N_("Which documents are controlled, which edition is in force, and that prints carry it."),
        (
            Count("controlled", N_("Documents in the register")),
            Count("in_force", N_("Documents of the register with an edition in force")),
            Count("prints", N_("Prints of the system that carry their code")), Count("issued", N_("Documents issued in the period")),
        ),
        (Gap("documents_unissued", N_("Documents of the register without an edition in force"), _MAJOR),),
        (Sample("in_force", N_("Editions in force")),),
    ),
    Clause(
        "8.2", N_("What is agreed with customers"),
        N_("What was offered, what was agreed, and that each year somebody verified that it is met."),
        (
            Count("quotations", N_("Quotations sent in the period")), Count("contracts_signed", N_("Contracts signed in the period")),
            Count("contracts", N_("Contracts in force")), Count("checklists", N_("Verifications of contracts approved in the period")),
        ),
        (
            Gap("contracts_unverified", N_("Contracts in force for a year or more, not verified in the last 13 months"), _MAJOR),
            Gap("contracts_bare", N_("Contracts in force without requirements to verify")),
            Gap("findings_open", N_("Findings of verifications without an action nor a reason")),
        ),
        (Sample("checklists", N_("Actas of verification")), Sample("quotations", N_("Quotations"))),
    ),
    Clause(
        "8.5", N_("Provision of the service"),
        N_("That what was promised to the customer was done, and that the record shows it."),
        (
            Count("closed", N_("Cases closed in the period")), Count("orders", N_("Field orders done in the period")),
            Count("invoice_changes", N_("Invoice changes authorised in the period")),
            Count("financings", N_("Financings signed in the period")),
        ),
        (
            Gap("closed_unanswered", N_("Cases closed in the period without the document of their answer"), _MAJOR),
            Gap("orders_overdue", N_("Field orders whose day is past")),
        ),
        (Sample("orders", N_("Actas of field orders")),),
    ),
    Clause(
        "8.7", N_("Outputs that do not conform"),
        N_("What came out wrong, how it was contained and treated, and who verified it."),
        (
            Count("outputs", N_("Non-conforming outputs found in the period")),
            Count("outputs_closed", N_("Verified and closed in the period")),
        ),
        (
            Gap("outputs_untreated", N_("Non-conforming outputs found more than 30 days ago and not treated"), _MAJOR),
            Gap("outputs_unverified", N_("Non-conforming outputs treated more than 30 days ago and not verified")),
        ),
        (Sample("outputs", N_("Non-conforming outputs")),),
    ),
    Clause(
        "9.1.1", N_("What is measured"),
        N_("Which indicators there are, how they are computed, and that each period has its value."),
        (
            Count("indicators", N_("Active indicators")), Count("values", N_("Values of the period")),
            Count("values_reported", N_("Values of the period that were reported")),
            Count("values_good", N_("Reported values that reach their goal")),
        ),
        (
            Gap("indicators_unmeasured", N_("Active indicators without any value in the period"), _MAJOR),
            Gap("values_unreported", N_("Values of the period that nobody reported")),
        ),
    ),
    Clause(
        "9.1.2", N_("Satisfaction of customers"),
        N_("That customers were asked, how many answered, and what was done with what they said."),
        (
            Count("campaigns", N_("Surveys that ended in the period")), Count("responses", N_("Answers to surveys in the period")),
            Count("ratings", N_("Ratings of the attention in the period")),
        ),
        (
            Gap("no_campaign", N_("No survey ended in the period"), _MAJOR, True),
            Gap("campaigns_unreported", N_("Surveys that ended in the period without their report")),
            Gap("alarms_open", N_("Alarms of surveys that nobody has attended")),
        ),
        (Sample("campaigns", N_("Reports of surveys")),),
    ),
    Clause(
        "9.1.3", N_("Analysis and evaluation"),
        N_("That figures are read, and that somebody wrote what they mean."),
        (
            Count("values_analysed", N_("Values of indicators with their analysis")),
            Count("campaigns_concluded", N_("Surveys of the period with their conclusion")),
        ),
        (
            Gap("values_unanalysed", N_("Values reported in the period that miss their goal, without an analysis"), _MAJOR),
            Gap("campaigns_unconcluded", N_("Surveys that ended in the period without a conclusion")),
        ),
    ),
    Clause(
        "9.3", N_("Management review"),
        N_("That the management looked at the system as a whole, decided, and that its decisions were carried out."),
        (
            Count("reviews", N_("Management reviews signed in the period")), Count("decisions", N_("Decisions of these reviews")),
            Count("decisions_done", N_("Decisions whose action is finished")),
        ),
        (
            Gap("no_review", N_("No management review was signed in the period"), _MAJOR, True),
            Gap("decisions_late", N_("Actions of management reviews whose last day is past"), _MAJOR),
            Gap("reviews_unsigned", N_("Management reviews that were held and are not signed")),
        ),
        (Sample("reviews", N_("Minutes of management reviews")),),
    ),
    Clause(
        "10.1", N_("Opportunities of improvement"),
        N_("That the company looks for what could be better before something goes wrong."),
        (
            Count("improvements", N_("Improvements asked for in the period")),
            Count("preventive", N_("Preventive actions asked for in the period")),
        ),
        (Gap("no_improvement", N_("Neither an improvement nor a preventive action was asked for in the period"), is_flag=True),),
    ),
    Clause(
        "10.2", N_("Nonconformities and corrective actions"),
        N_("That what went wrong has a cause, a plan that was carried out, and a review of its effect."),
        (
            Count("actions", N_("Corrections and corrective actions asked for in the period")),
            Count("actions_done", N_("Actions finished in the period")),
            Count("audit_actions", N_("Actions asked for by audits in the period")),
        ),
        (
            Gap("actions_late", N_("Actions whose last day is past"), _MAJOR),
            Gap("reviews_late", N_("Actions whose review of the effect is late"), _MAJOR),
            Gap("actions_uncaused", N_("Actions asked for more than 30 days ago without a cause")),
            Gap("tasks_late", N_("Tasks of actions whose day is past")),
        ),
        (Sample("actions", N_("Actions")),),
    ),
    Clause(
        "10.3", N_("Continual improvement"),
        N_("Whether what was done had an effect that figures show."),
        (
            Count("effective", N_("Actions found effective in the period")),
            Count("not_effective", N_("Actions found not effective in the period, and opened again")),
        ),
        (Gap("no_effect", N_("No effect of an action was reviewed in the period"), is_flag=True),),
    ),
)  # fmt: skip

#: What an auditor asks for and the system does not keep; it says so.
OUTSIDE: tuple[tuple[str, str], ...] = (
    ("4.1, 4.3, 5.2, 5.3",
     N_("Context, scope, policy and responsibilities: in the manual of the system, which the register of documents names.")),
    ("7.1, 7.2, 7.3", N_("Resources, competence and awareness of people: in the files of each person.")),
    ("8.3, 8.4", N_("Design and suppliers: outside of this system; the management review notes what was found.")),
    ("9.2", N_("Internal audits: their programme and reports are kept apart. What they asked for is here, as actions.")),
)  # fmt: skip


def clause(number: str) -> Clause | None:
    """Return the clause *number*, if we keep evidence of it."""
    return next((each for each in CLAUSES if each.number == number), None)


def keys_of(clauses: Iterable[Clause] = CLAUSES) -> Iterator[str]:
    """Yield the key of every count and every gap."""
    for each in clauses:
        yield from (count.key for count in each.counts)
        yield from (gap.key for gap in each.gaps)


def light_of(asked: Clause, numbers: Mapping[str, int]) -> Light:
    """
    Return what *asked* shows: red with a gap that weighs, amber with another, grey without anything at all.

    Args:
        numbers: How many, by the key of the count or of the gap.
    """
    weights = {gap.weight for gap in asked.gaps if numbers[gap.key]}
    if Weight.MAJOR in weights:
        return Light.RED
    if weights:
        return Light.AMBER
    return Light.GREEN if any(numbers[count.key] for count in asked.counts) else Light.GREY


# ── What is asked for ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day of what is looked at."""

    since: date
    until: date

    @property
    def n_days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def before(self) -> Period:
        """The period of the same length that ends where this begins."""
        return Period(self.since - timedelta(days=self.n_days), self.since - timedelta(days=1))


def check_period(since: date, until: date, today: date) -> Period:
    """Return the period. Raises DomainError: it ends before it begins, has not begun, or is longer than the cycle of a certificate."""
    if until < since:
        raise DomainError(N_("The period ends before it begins."), field="until")
    if since > today:
        raise DomainError(N_("The period has not begun yet."), field="since")
    if (until - since).days >= MOST_DAYS:
        raise DomainError(N_("A pack covers three years at most: choose a shorter period."), field="since")
    return Period(since, until)


def draw(seed: int, key: str, n_all: int, n: int) -> list[int]:
    """
    Return which of *n_all* records are in the sample, as their places from 1 on, in order.

    The same seed and the same records give the same sample, on any machine: they are those whose SHA-256 of `seed:key:place` comes first,
    so that whoever doubts draws it again. Another number of one kind changes no other.
    """
    places = heapq.nsmallest(n, range(1, n_all + 1), key=lambda place: hashlib.sha256(f"{seed}:{key}:{place}".encode()).digest())
    return sorted(places)
