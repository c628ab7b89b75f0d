"""
The acts that stop a case, lengthen its term or end it without an answer: each is judged, issued and recorded in one transaction.

What the law asks of each stands in `operations.requirements`. The caller commits, and tells the citizen by mail.
"""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.documents.acts import issue_act
from app.domain import N_
from app.domain.deadlines import TermAct, TermRule, TermUnit
from app.domain.errors import MoveRefused
from app.domain.states import DocumentKind, Move, RequirementKind, Visibility, arrow_for
from app.extensions import local
from app.models import CaseEvent, Document, Pqr, Requirement, StoredFile
from app.operations import requirements
from app.operations.answers import petitioner_of

_KINDS = {
    RequirementKind.COMPLETION: DocumentKind.COMPLETION_REQUEST,
    RequirementKind.CLARIFICATION: DocumentKind.CLARIFICATION_REQUEST,
    RequirementKind.EVIDENCE: DocumentKind.EVIDENCE_ORDER,
}
_NUMBERS = {1: "un", 2: "dos", 3: "tres", 5: "cinco", 8: "ocho", 10: "diez", 15: "quince", 30: "treinta"}
_UNITS = {
    TermUnit.BUSINESS_DAYS: ("día hábil", "días hábiles"),
    TermUnit.CALENDAR_DAYS: ("día calendario", "días calendario"),
    TermUnit.CALENDAR_MONTHS: ("mes", "meses"),
    TermUnit.HOURS: ("hora", "horas"),
}


def term_words(rule: TermRule) -> str:
    """Return the length of a term as letters write it: un (1) mes; diez (10) días hábiles."""
    one, many = _UNITS[rule.unit]
    number = f"{_NUMBERS[rule.value]} ({rule.value})" if rule.value in _NUMBERS else str(rule.value)
    return f"{number} {one if rule.value == 1 else many}"


# ── Requests and orders of evidence ───────────────────────────────────────────────────────────────────────────────────────


def issue(
    session: Session, pqr: Pqr, kind: RequirementKind, what: str, *, issuer: User, at: datetime, reason: str = "", until: date | None = None
) -> Requirement:
    """
    Issue a request to complete or to clarify, or an order of evidence; return it, waiting to be told.

    Args:
        what: What is asked, one thing a line.
        reason, until: Of evidence: why it is needed, and the last day of the stage.

    Raises:
        IllegalMove, MoveRefused, TermMissing: As `requirements.check_issue`.
    """
    requirements.check_issue(session, pqr, kind, what, local(at).date(), until)
    if kind is RequirementKind.EVIDENCE and not reason.strip():
        raise MoveRefused(N_("Write why the evidence is needed: the order says it."), field="reason")
    items = requirements.items_of(what)
    fields = _fields(session, pqr, kind, reason.strip(), until)
    document = issue_act(session, pqr, _KINDS[kind], issuer=issuer, at=at, fields=fields, items=items)
    return requirements.record_issue(session, pqr, kind, what, document, at=at, actor_id=issuer.id, until=until)


def _fields(session: Session, pqr: Pqr, kind: RequirementKind, reason: str, until: date | None) -> dict[str, str | None]:
    if kind is RequirementKind.EVIDENCE:
        rule = requirements.rule_of(session, pqr, TermAct.EVIDENCE)
        return {"reason": reason, "until": base.day(until) if until else None, "norm": rule.norm}
    rule = requirements.rule_of(session, pqr, requirements.CITIZEN_TERM[kind])
    words = term_words(rule)
    longer = {"longer": words} if kind is RequirementKind.COMPLETION else {}
    return {"term": words, "norm": rule.norm, **longer}


def issue_and_tell(
    session: Session, pqr: Pqr, kind: RequirementKind, what: str, how: str, *, issuer: User, at: datetime, reason: str = "",
    until: date | None = None, proof: StoredFile | None = None,
) -> CaseEvent:  # fmt: skip
    """Issue a request or an order to a citizen who is told at once, and stop the clock today. Raises as `issue` and `requirements.tell`."""
    requirement = issue(session, pqr, kind, what, issuer=issuer, at=at, reason=reason, until=until)
    return requirements.tell(session, requirement, on=local(at).date(), how=how, at=at, actor_id=issuer.id, proof=proof)


# ── The citizen did not answer ────────────────────────────────────────────────────────────────────────────────────────────


def withdraw(session: Session, pqr: Pqr, reason: str, *, issuer: User, at: datetime) -> Document:
    """Declare by a reasoned act that the petition is withdrawn (Ley 1755 art. 17). Raises as `requirements.check_lapsed`."""
    document = _lapse(session, pqr, RequirementKind.COMPLETION, DocumentKind.WITHDRAWAL, reason, issuer, at)
    requirements.withdraw(session, pqr, reason, document, at=at, actor_id=issuer.id)
    return document


def archive(session: Session, pqr: Pqr, reason: str, *, issuer: User, at: datetime) -> Document:
    """Archive by a reasoned act a petition that was not clarified (Ley 1755 art. 19). Raises as `requirements.check_lapsed`."""
    document = _lapse(session, pqr, RequirementKind.CLARIFICATION, DocumentKind.ARCHIVE, reason, issuer, at)
    requirements.archive(session, pqr, reason, document, at=at, actor_id=issuer.id)
    return document


def _lapse(
    session: Session, pqr: Pqr, kind: RequirementKind, act: DocumentKind, reason: str, issuer: User, at: datetime
) -> Document:
    requirement = requirements.check_lapsed(session, pqr, kind, local(at).date())
    _require_reason(reason)
    stop = next(event for event in reversed(pqr.events) if event.clock == "STOPPED")
    told_on = requirement.told_on if requirement and requirement.told_on else stop.on
    last = (requirement.extended_until or requirement.until_on) if requirement else None
    term = requirements.CITIZEN_TERM[kind]
    until = last or requirements.last_day(session, pqr, term, told_on)[0]
    fields: dict[str, str | None] = {
        "reason": reason.strip(),
        "request_number": requirement.document.number if requirement else stop.act,
        "told_on": base.day(told_on),
        "until": base.day(until),
        "norm": requirements.rule_of(session, pqr, term).norm,
    }
    return issue_act(session, pqr, act, issuer=issuer, at=at, fields=fields)


def _require_reason(reason: str) -> None:
    """An act says why it is given; it is asked before a number is spent."""
    if not reason.strip():
        raise MoveRefused(N_("Write the reason: it stays in the history of the case."), field="reason")


# ── More time to answer, and elsewhere ────────────────────────────────────────────────────────────────────────────────────


def extend(session: Session, pqr: Pqr, extra: int | None, reason: str, how: str, *, issuer: User, at: datetime) -> Document:
    """
    Tell the citizen today that the answer takes *extra* longer, why, and its new date (Ley 1755 art. 14 par.).

    Raises:
        IllegalMove, MoveRefused, DomainError: As `requirements.check_extension` and `requirements.extend`.
    """
    rule, deadline = requirements.check_extension(session, pqr, extra, local(at).date())
    _require_reason(reason)
    fields: dict[str, str | None] = {
        "reason": reason.strip(),
        "old_due": base.day(pqr.due_on) if pqr.due_on else None,
        "due": base.day(deadline.due_on) if deadline.due_on else None,
        "norm": rule.norm,
    }
    document = issue_act(session, pqr, DocumentKind.EXTENSION, issuer=issuer, at=at, fields=fields)
    requirements.extend(session, pqr, extra or 0, reason, document, how=how, at=at, actor_id=issuer.id)
    return document


def transfer(session: Session, pqr: Pqr, body: str, address: str, reason: str, *, issuer: User, at: datetime) -> Document:
    """
    Send the petition with its attachments to *body*, the competent one, and a copy of the letter to the citizen (Ley 1755 art. 21).

    Raises:
        IllegalMove: The case can no longer be transferred.
        MoveRefused: The body, its address or the reason is missing.
    """
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    arrow_for(Move.TRANSFER, pqr.status)
    if not body.strip():
        raise MoveRefused(N_("Write which body is competent."), field="body")
    if not address.strip():
        raise MoveRefused(N_("Write where the letter goes: address or e-mail of that body."), field="body_address")
    _require_reason(reason)
    limit = requirements.transfer_by(session, pqr)
    document = issue_act(
        session, pqr, DocumentKind.TRANSFER, issuer=issuer, at=at,
        addressee=[body.strip(), *base.lines(address)],
        fields={"body": body.strip(), "reason": reason.strip(), "norm": limit[1].norm if limit else "Ley 1755 de 2015, art. 21"},
        items=[f"Solicitud {pqr.number}: {pqr.subject}", *_attachments(pqr)],
        copies_to=[petitioner_of(pqr)],
    )  # fmt: skip
    requirements.transfer(session, pqr, reason, document, at=at, actor_id=issuer.id)
    return document


def _attachments(pqr: Pqr) -> list[str]:
    """Return the names of what the citizen attached; what the house issued goes with its own numbers."""
    issued = {document.file_id for document in pqr.documents}
    return [item.name for item in pqr.files if item.visibility is Visibility.CITIZEN and item.id not in issued]
