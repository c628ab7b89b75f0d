"""
The recursos against an answer: what admits one and until when, where a decision goes, and from when it is final.

Reposición asks the company to look again; apelación only follows in the same brief, and Superservicios decides it. Pure: whoever
calls brings the facts, the rules and the calendar. See docs/rules/pqr-appeals.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.calendar import ONE_DAY, BusinessCalendar
from app.domain.deadlines import TermRule, term_end
from app.domain.states import AppealKind, Inadmissibility, Outcome


class AppealedAct(Enum):
    """What the answer decided on, as Ley 142 art. 154 sorts it. Answers to billing claims are INVOICING; OTHER admits no appeal."""

    INVOICING = N_("Invoicing, or the answer to a claim about it")
    REFUSAL = N_("Refusal of the contract")
    SUSPENSION = N_("Suspension of the service")
    CUT = N_("Cut of the service")
    TERMINATION = N_("Termination of the contract")
    OTHER = N_("Another matter")


#: Article behind each reason; printed and shown as it is.
NORM_OF = {
    Inadmissibility.LATE: "Ley 142 de 1994, art. 154; CPACA, art. 78",
    Inadmissibility.OLD_INVOICE: "Ley 142 de 1994, art. 154",
    Inadmissibility.NOT_APPEALABLE: "Ley 142 de 1994, art. 154; CPACA, art. 75",
    Inadmissibility.UNPAID_UNDISPUTED: "Ley 142 de 1994, art. 155",
    Inadmissibility.DUPLICATE: "CPACA, arts. 76 y 77",
}
#: What makes an answer final, by how it became so.
NORM_OF_FINALITY = "CPACA, art. 87"


@dataclass(frozen=True, slots=True)
class AppealFacts:
    """
    What is known of an appeal the day it arrives.

    Args:
        filed_on: Local date of arrival. Any hour of the last day is in time (CPACA art. 54), so it is not the effective date.
        appeal_until: Last day to appeal the answer; None: its regime gives no recurso here.
        claimed_on: Local date on which the first case was filed.
        invoice_on: Date of issue of the invoice claimed about, when there is one.
        is_undisputed_paid: The petitioner proved payment of what is not disputed, or of the average of the last five periods.
        is_repeated: The same answer has an appeal already that is not inadmissible.
    """

    filed_on: date
    appeal_until: date | None
    act: AppealedAct
    claimed_on: date
    invoice_on: date | None = None
    is_undisputed_paid: bool = True
    is_repeated: bool = False

    @property
    def is_timely(self) -> bool:
        return self.appeal_until is not None and self.filed_on <= self.appeal_until


def reasons_against(facts: AppealFacts, invoice_rule: TermRule, calendar: BusinessCalendar) -> tuple[Inadmissibility, ...]:
    """
    Return every reason why the appeal is not admissible, none when it is. They guide the decision and block no intake.

    Args:
        invoice_rule: The rule of `TermAct.INVOICE_CLAIM`. Its last day counts for the claim, not for the appeal.

    Raises:
        CalendarGap: The end of the term to claim about the invoice touches a year that is not loaded.

    Source: Ley 142 de 1994, arts. 154 and 155; CPACA, arts. 75 to 78.
    """
    is_of_invoice = facts.act is AppealedAct.INVOICING
    applies = {
        Inadmissibility.LATE: facts.appeal_until is not None and not facts.is_timely,
        Inadmissibility.OLD_INVOICE: (
            is_of_invoice and facts.invoice_on is not None and facts.claimed_on > term_end(facts.invoice_on, invoice_rule, calendar)
        ),
        Inadmissibility.NOT_APPEALABLE: facts.appeal_until is None or facts.act is AppealedAct.OTHER,
        Inadmissibility.UNPAID_UNDISPUTED: is_of_invoice and not facts.is_undisputed_paid,
        Inadmissibility.DUPLICATE: facts.is_repeated,
    }
    return tuple(reason for reason in Inadmissibility if applies[reason])


# ── After the decision ────────────────────────────────────────────────────────────────────────────────────────────────────


def goes_to_sspd(kind: AppealKind, decision: Outcome) -> bool:
    """
    Say whether the company must send the file to Superservicios: apelación was asked for and the decision did not grant it all.

    One that REJECTED goes there only if the petitioner files a queja (CPACA art. 74).

    Source: Ley 142 de 1994, art. 159 (Ley 689 de 2001, art. 20).
    """
    return kind is AppealKind.REPOSICION_APELACION and decision in (Outcome.CONFIRMED, Outcome.MODIFIED)


def admits_queja(kind: AppealKind, decision: Outcome) -> bool:
    """Say whether the petitioner may take the rejection of the apelación to Superservicios (CPACA arts. 74, 78)."""
    return kind is AppealKind.REPOSICION_APELACION and decision is Outcome.REJECTED


def decision_open_until(
    kind: AppealKind, decision: Outcome, served_on: date, queja_rule: TermRule, calendar: BusinessCalendar
) -> date | None:
    """Return the last day to object to a decision served on *served_on*: that of the queja, or None when there is no queja."""
    return term_end(served_on, queja_rule, calendar) if admits_queja(kind, decision) else None


def answer_final_on(served_on: date, appeal_until: date | None, waived_on: date | None = None) -> date:
    """
    Return the day from which an answer that nobody appealed is final: after the term, after its waiver, or after the notice when
    nothing can be filed against it.

    Source: CPACA, art. 87, nums. 1 and 3.
    """
    last_on = appeal_until or served_on
    if waived_on is not None:
        last_on = min(last_on, max(waived_on, served_on))
    return last_on + ONE_DAY


def decision_final_on(
    kind: AppealKind, decision: Outcome, served_on: date, open_until: date | None = None, result_on: date | None = None
) -> date | None:
    """
    Return the day from which a decision, and with it the answer that it is about, is final.

    Args:
        served_on: Notice of the decision. `open_until`: as `decision_open_until` gives it.
        result_on: Date on which Superservicios decided the apelación or the queja.

    Returns:
        None while the apelación waits for Superservicios.

    Source: CPACA, art. 87, nums. 2 and 3.
    """
    if result_on is not None:
        return result_on + ONE_DAY
    if goes_to_sspd(kind, decision):
        return None
    return (open_until or served_on) + ONE_DAY
