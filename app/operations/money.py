"""
Money that a case moves: orders of financing (R10-01-05), changes of invoices (R10-01-06), and the significant deviation behind both.

What is signed or authorised is what two people hold: from then on only the mark of its export may change.
See docs/rules/financing.md, invoice-changes.md and significant-deviation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, object_session

from app import queries
from app.domain import N_
from app.domain.deviation import Deviation, DeviationBasis, DeviationRule, Verdict
from app.domain.errors import DomainError, MoveRefused
from app.domain.financing import FinancingLimits, Row, Terms, check_schedule, schedule
from app.domain.invoices import ChangeLine, LateChargeRule, check_change, refuse_late_charge
from app.domain.states import ChangeStatus, FinancingStatus
from app.extensions import local
from app.models import Account, Document, Financing, Instalment, InvoiceChange, InvoiceChangeLine, Parameter, Party, Pqr, StoredFile
from app.operations.numbers import next_number
from app.words import say_number

# ── Parameters ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parameters(session: Session, room: str) -> dict[str, str]:
    """Return the parameters `<room>.*` that say something, by the rest of their key."""
    found = session.execute(select(Parameter.key, Parameter.value).where(Parameter.key.startswith(f"{room}.", autoescape=True)))
    return {key.removeprefix(f"{room}."): value.strip() for key, value in found if value.strip()}


def _number(room: str, name: str, text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        msgid = N_("The parameter %(key)s has to be a number, and says “%(value)s”. An administrator has to correct it in Parameters.")
        raise DomainError(msgid, key=f"{room}.{name}", value=text)
    return value


def financing_limits(session: Session) -> FinancingLimits:
    """Return what the house allows; without parameters, no interest and a year. Raises DomainError: a parameter is no number."""
    known = _parameters(session, "financing")
    return FinancingLimits(
        _number("financing", "max_monthly_rate", known.get("max_monthly_rate", "0")),
        int(_number("financing", "max_instalments", known.get("max_instalments", "12"))),
        known.get("norm", ""),
    )


def late_charge_rule(session: Session) -> LateChargeRule:
    """Return until when an invoice may rise. Raises DomainError: a parameter is no number."""
    known, usual = _parameters(session, "invoice_change"), LateChargeRule()
    months = int(_number("invoice_change", "late_months", known.get("late_months", str(usual.months))))
    return LateChargeRule(months, known.get("norm", usual.norm))


def deviation_rule(session: Session) -> tuple[DeviationRule, dict[int, Decimal]]:
    """Return the limits of a deviation, and by stratum the average consumption that the house knows. Raises DomainError."""
    known, usual = _parameters(session, "deviation"), DeviationRule()

    def number(name: str) -> Decimal:
        return _number("deviation", name, known.get(name, str(getattr(usual, name))))

    rule = DeviationRule(
        int(number("n_monthly")), int(number("n_bimonthly")), number("threshold_m3"), number("percent_high"), number("percent_low"),
        number("new_upper"), number("new_lower"), known.get("norm", usual.norm),
    )  # fmt: skip
    averages = {stratum: _number("deviation", f"stratum_{stratum}", known.get(f"stratum_{stratum}", "0")) for stratum in range(1, 7)}
    return rule, {stratum: average for stratum, average in averages.items() if average}


# ── Orders of financing ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Agreement:
    """What a financing order says: who owes what, and how it is paid."""

    account: Account
    party: Party
    concept: str
    terms: Terms
    pqr: Pqr | None = None


def planned(session: Session, agreement: Agreement) -> list[Row]:
    """
    Return the schedule that *agreement* would have; nothing is written.

    Raises:
        DomainError: The debt says not what it is of; or as `financing.schedule`.
    """
    if not agreement.concept.strip():
        raise DomainError(N_("Write what the debt is of."), field="concept")
    return schedule(agreement.terms, financing_limits(session))


def propose_financing(session: Session, agreement: Agreement, *, at: datetime, actor_id: int | None) -> Financing:
    """Store a proposal with its number and schedule; return it, flushed. Raises DomainError, as `planned`."""
    rows, organisation = planned(session, agreement), queries.organisation(session)
    financing = Financing(organisation=organisation, status=FinancingStatus.PROPOSED, created_by_id=actor_id)
    _agree(financing, agreement)
    financing.number = next_number(session, organisation.id, "FIN", local(at).year)
    session.add(financing)
    session.flush()
    return _store_rows(session, financing, rows)


def amend_financing(session: Session, financing: Financing, agreement: Agreement) -> Financing:
    """
    Rewrite a proposal that nobody has on paper yet; return it, flushed.

    Raises:
        MoveRefused: Its paper was made, or it is signed or voided.
        DomainError: As `planned`.
    """
    queries.lock(session, financing)
    if financing.status is not FinancingStatus.PROPOSED or financing.document_id is not None:
        raise MoveRefused(N_("%(number)s was made as a paper and no longer changes. Void it, and write another."), number=financing.number)
    rows = planned(session, agreement)
    _agree(financing, agreement)
    for row in financing.instalments:
        session.delete(row)
    session.flush()
    session.expire(financing, ["instalments"])
    return _store_rows(session, financing, rows)


def _agree(financing: Financing, agreement: Agreement) -> None:
    terms = agreement.terms
    financing.account, financing.party, financing.pqr = agreement.account, agreement.party, agreement.pqr
    financing.concept = agreement.concept.strip()
    financing.debt_cop, financing.down_cop = int(terms.debt), int(terms.down)
    financing.n_instalments, financing.monthly_rate = terms.n_instalments, terms.monthly_rate / 100
    financing.agreed_on, financing.first_due_on = terms.agreed_on, terms.first_due_on


def _store_rows(session: Session, financing: Financing, rows: Sequence[Row]) -> Financing:
    financing.instalments.extend(
        Instalment(
            n=row.n, due_on=row.due_on, principal_cop=int(row.principal), interest_cop=int(row.interest),
            payment_cop=int(row.payment), balance_cop=int(row.balance),
        )
        for row in rows
    )  # fmt: skip
    session.flush()
    return financing


def rows_of(financing: Financing) -> list[Row]:
    """Return the stored schedule as the domain reads it. Raises DomainError: it does not add up, or is not all there."""
    rows = [
        Row(row.n, row.due_on, Decimal(row.principal_cop), Decimal(row.interest_cop), Decimal(row.payment_cop), Decimal(row.balance_cop))
        for row in financing.instalments
    ]
    check_schedule(rows, Decimal(financing.debt_cop), Decimal(financing.down_cop))
    if len(rows) != financing.n_instalments:
        msgid = N_("%(number)s says %(said)s instalments and has %(found)s.")
        raise DomainError(msgid, field="n_instalments", number=financing.number, said=financing.n_instalments, found=len(rows))
    return rows


def paper_wanted(financing: Financing) -> None:
    """Raise MoveRefused when the paper to sign may not be made now; DomainError when its schedule does not add up."""
    if financing.status is not FinancingStatus.PROPOSED or financing.document_id is not None:
        raise MoveRefused(N_("The paper of %(number)s was made already, or it is no longer a proposal."), number=financing.number)
    rows_of(financing)


def sign_financing(
    session: Session, financing: Financing, *, proof: str, file: StoredFile | None, at: datetime, actor_id: int | None
) -> Financing:
    """
    Record that the party accepted the paper, with its proof; return the order, flushed. Nothing of it changes any more.

    Raises:
        MoveRefused: It is not a proposal, has no paper yet, or there is no proof: words and the signed file.
        DomainError: Its schedule does not add up.
    """
    queries.lock(session, financing)
    if financing.status is not FinancingStatus.PROPOSED:
        raise MoveRefused(N_("%(number)s is “%(status)s”: it can no longer be signed."), number=financing.number,
                          status=financing.status.value)  # fmt: skip
    if financing.document_id is None:
        raise MoveRefused(N_("Make the paper of %(number)s first: what is signed is the paper."), number=financing.number)
    if not proof.strip():
        raise MoveRefused(N_("Write how the person accepted: who signed, when, how it was identified."), field="proof")
    if file is None:
        raise MoveRefused(N_("Attach the signed paper: without proof there is no acceptance."), field="proof_file")
    rows_of(financing)
    financing.proof, financing.proof_file = proof.strip(), file
    financing.signed_on, financing.authorised_by_id = local(at).date(), actor_id
    financing.status = FinancingStatus.SIGNED
    session.flush()
    return financing


def void_financing(session: Session, financing: Financing, reason: str) -> Financing:
    """Void a proposal; return it, flushed. Raises MoveRefused: it is signed or voided, or there is no reason."""
    queries.lock(session, financing)
    if financing.status is not FinancingStatus.PROPOSED:
        raise MoveRefused(N_("%(number)s is “%(status)s”: it can no longer be voided."), number=financing.number,
                          status=financing.status.value)  # fmt: skip
    if not reason.strip():
        raise MoveRefused(N_("Write why it is voided: its number stays, with this reason."), field="reason")
    financing.status, financing.reason = FinancingStatus.VOIDED, reason.strip()
    session.flush()
    return financing


# ── Changes of invoices ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Correction:
    """What a change of an invoice says. `delivered_on`: when the invoice was handed over; when unknown, issued."""

    account: Account
    invoice_number: str
    period: str
    reason: str
    lines: Sequence[ChangeLine]
    delivered_on: date | None = None
    pqr: Pqr | None = None


def check_correction(session: Session, correction: Correction, on: date) -> None:
    """
    Refuse a change that may not be written on *on*.

    Raises:
        DomainError: It has no invoice, an invoice of the future, or as `invoices.check_change`; or the invoice may no longer rise
            (Ley 142 art. 150).
    """
    if not correction.invoice_number.strip():
        raise DomainError(N_("Write the number of the invoice that changes."), field="invoice_number")
    if correction.delivered_on is not None and correction.delivered_on > on:
        raise DomainError(N_("The invoice cannot have been handed over after today."), field="delivered_on")
    change = check_change(correction.period, correction.lines, correction.reason, on)
    refuse_late_charge(correction.period, change, correction.delivered_on, on, late_charge_rule(session))


def draft_change(session: Session, correction: Correction, *, at: datetime, actor_id: int | None) -> InvoiceChange:
    """Store a draft with its number and lines; return it, flushed. Raises DomainError, as `check_correction`."""
    check_correction(session, correction, local(at).date())
    organisation = queries.organisation(session)
    change = InvoiceChange(organisation=organisation, status=ChangeStatus.DRAFT, created_by_id=actor_id)
    change.number = next_number(session, organisation.id, "CF", local(at).year)
    _correct(change, correction)
    session.add(change)
    session.flush()
    return change


def amend_change(session: Session, change: InvoiceChange, correction: Correction, *, at: datetime) -> InvoiceChange:
    """Rewrite a draft; return it, flushed. Raises MoveRefused when it is no draft, DomainError as `check_correction`."""
    queries.lock(session, change)
    _want_draft(change)
    check_correction(session, correction, local(at).date())
    change.lines.clear()
    session.flush()
    _correct(change, correction)
    session.flush()
    return change


def _correct(change: InvoiceChange, correction: Correction) -> None:
    change.account, change.pqr, change.period = correction.account, correction.pqr, correction.period
    change.invoice_number, change.reason = correction.invoice_number.strip(), correction.reason.strip()
    change.invoiced_on = correction.delivered_on
    change.lines.extend(
        InvoiceChangeLine(position=position, concept=line.concept.strip(), before_cop=int(line.before), after_cop=int(line.after))
        for position, line in enumerate(correction.lines, 1)
    )


def _want_draft(change: InvoiceChange) -> None:
    if change.status is not ChangeStatus.DRAFT:
        msgid = N_("%(number)s is “%(status)s” and no longer changes.")
        raise MoveRefused(msgid, number=change.number, status=change.status.value)


def lines_of(change: InvoiceChange) -> list[ChangeLine]:
    """Return the stored lines as the domain reads them."""
    return [ChangeLine(line.concept, Decimal(line.before_cop), Decimal(line.after_cop)) for line in change.lines]


def correction_of(change: InvoiceChange) -> Correction:
    """Return what *change* says."""
    return Correction(
        change.account, change.invoice_number, change.period, change.reason, lines_of(change), change.invoiced_on, change.pqr
    )  # fmt: skip


def authorisation_wanted(session: Session, change: InvoiceChange, actor_id: int, on: date) -> None:
    """
    Refuse to authorise *change* now, or by this person.

    Raises:
        MoveRefused: It is no draft, or the person wrote or corrected it: it takes two.
        DomainError: As `check_correction`; what could be charged when it was written may be late now.
    """
    _want_draft(change)
    if actor_id in (change.created_by_id, change.changed_by_id):
        raise MoveRefused(N_("You wrote %(number)s, so somebody else has to authorise it."), number=change.number)
    check_correction(session, correction_of(change), on)


def mark_authorised(session: Session, change: InvoiceChange, document: Document, actor_id: int, on: date) -> InvoiceChange:
    """Freeze *change* with its paper; return it, flushed. The caller asked `authorisation_wanted`."""
    change.document, change.authorised_by_id, change.authorised_on = document, actor_id, on
    change.status = ChangeStatus.AUTHORISED
    session.flush()
    return change


def void_change(session: Session, change: InvoiceChange, reason: str) -> InvoiceChange:
    """Void a draft; return it, flushed. Raises MoveRefused: it is no draft, or there is no reason."""
    queries.lock(session, change)
    _want_draft(change)
    if not reason.strip():
        raise MoveRefused(N_("Write why it is voided: its number stays, with this reason."), field="reason")
    change.status, change.void_reason = ChangeStatus.VOIDED, reason.strip()
    session.flush()
    return change


# ── Nothing of a signed one changes ───────────────────────────────────────────────────────────────────────────────────────

_MAY_CHANGE = {"exported_at", "changed_at", "changed_by_id"}
_FINAL = (FinancingStatus.SIGNED, ChangeStatus.AUTHORISED)


def _was_final(row: Any) -> bool:
    """Say whether *row* was signed or authorised before this flush."""
    history = inspect(row).attrs.status.load_history()
    return (history.deleted or history.unchanged or (None,))[0] in _FINAL


@event.listens_for(Financing, "before_update")
@event.listens_for(InvoiceChange, "before_update")
def _refuse_to_rewrite(_mapper: Any, _connection: Any, row: Financing | InvoiceChange) -> None:
    """What was signed is what people hold: no door changes it, not even one that forgot to ask."""
    if _was_final(row):
        state = inspect(row)
        changed = {each.key for each in state.mapper.column_attrs if state.attrs[each.key].history.has_changes()} - _MAY_CHANGE
        if changed:
            raise RuntimeError(f"{row.number} is signed and never changes: {', '.join(sorted(changed))}")


@event.listens_for(Financing, "before_delete")
@event.listens_for(InvoiceChange, "before_delete")
def _refuse_to_delete(_mapper: Any, _connection: Any, row: Financing | InvoiceChange) -> None:
    raise RuntimeError(f"{row.number} is voided with a reason, never deleted")


@event.listens_for(Instalment, "before_insert")
@event.listens_for(Instalment, "before_update")
@event.listens_for(Instalment, "before_delete")
@event.listens_for(InvoiceChangeLine, "before_insert")
@event.listens_for(InvoiceChangeLine, "before_update")
@event.listens_for(InvoiceChangeLine, "before_delete")
def _refuse_part(_mapper: Any, _connection: Any, row: Instalment | InvoiceChangeLine) -> None:
    session = object_session(row)  # asked where the relation is not there: only the key was given, or the line was taken out
    if isinstance(row, Instalment):
        whole: Financing | InvoiceChange = row.financing or session.get_one(Financing, row.financing_id)
    else:
        whole = row.change or session.get_one(InvoiceChange, row.change_id)
    if _was_final(whole):
        raise RuntimeError(f"{whole.number} is signed and its rows never change")


# ── Significant deviation, in words ───────────────────────────────────────────────────────────────────────────────────────


def say_deviation(found: Deviation) -> str:
    """Return the verdict as one sentence in the reader's language, with its numbers and its norm."""
    facts = {
        "consumption": say_number(found.consumption), "average": say_number(found.average), "lower": say_number(found.lower),
        "upper": say_number(found.upper), "norm": found.norm, "n": found.n_periods, "change": _change(found),
        "limit": _share(found.limit),
    }  # fmt: skip
    match found.basis:
        case DeviationBasis.HISTORY:
            basis = _("the average of the last %(n)s periods (%(average)s m³)", **facts)
        case DeviationBasis.SAME_MONTH:
            basis = _("the same month of the previous year (%(average)s m³)", **facts)
        case DeviationBasis.STRATUM:
            basis = _("the average of the stratum (%(average)s m³)", **facts)
    said = _("Compared with %(basis)s, the consumption of %(consumption)s m³ is %(change)s.", basis=basis, **facts)
    if found.limit is not None:
        limits = _("Up to %(limit)s of difference is normal: from %(lower)s to %(upper)s m³.", **facts)
    else:
        limits = _("For a new account or one without history, from %(lower)s to %(upper)s m³ is normal.", **facts)
    if found.verdict is Verdict.NORMAL:
        end = _("It is no significant deviation (%(norm)s).", **facts)
    else:
        end = _("It is a significant deviation: its cause is investigated before it is billed (%(norm)s).", **facts)
    return f"{said} {limits} {end}"


def _change(found: Deviation) -> str:
    """Return how a consumption differs from what it is compared with."""
    if found.consumption == found.average:
        return _("the same")
    if found.percentage is None:
        return _("greater")
    share = _share(abs(found.percentage))
    return _("%(share)s greater", share=share) if found.percentage > 0 else _("%(share)s lower", share=share)


def _share(percentage: Decimal | None) -> str:
    """Return a percentage whose sign does not fall on the next line."""
    return f"{say_number(percentage)}\u00a0%"
