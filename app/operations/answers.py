"""The answer of a case: started from a text of the house, drafted, issued once, and from then on a fact."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from string import Formatter
from types import MappingProxyType
from typing import Any

from babel.dates import format_date
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import AnswerStatus, Category, Identity
from app.extensions import LANGUAGE
from app.models import Answer, Document, Pqr
from app.operations import pqr as moves

MAX_BODY = 20_000


# ── Texts to start from ───────────────────────────────────────────────────────────────────────────────────────────────────


#: The {fields} that a template may name; `fields_of` says what each becomes.
FIELDS = ("petitioner", "number", "filed_on", "subject", "account", "address", "solution", "outcome", "organisation", "earlier_answer")


def fields_of(pqr: Pqr) -> dict[str, str]:
    """
    Return what the {fields} of an answer template become.

    `petitioner` (masked when anonymous or reserved), `number`, `filed_on`, `subject`, `account` (number) and `address` (of the
    account, else the one for notices), both masked too when reserved, `solution`, `outcome`, `organisation`, `earlier_answer`
    (number and date of the answer that this one refers to). What is not known says so.
    """
    with force_locale(LANGUAGE):
        unknown = _("(not stated)")
        account, address = pqr.account, pqr.notice_address or (pqr.party.address if pqr.party else None)
        if pqr.identity is Identity.RESERVED:
            account, address, unknown = None, None, _("(reserved)")
        return {
            "petitioner": petitioner_of(pqr),
            "number": pqr.number,
            "filed_on": format_date(pqr.filed_on, "long", locale=LANGUAGE),
            "subject": pqr.subject,
            "account": account.number if account else unknown,
            "address": (account.address if account else address) or unknown,
            "solution": pqr.solution or _("(not stated)"),
            "outcome": _(pqr.outcome.value) if pqr.outcome else _("(not stated)"),
            "organisation": pqr.organisation.name,
            "earlier_answer": _answer_of(pqr.previous) or _("(not stated)"),
        }


def _answer_of(pqr: Pqr | None) -> str:
    """Return number and date of an issued answer; nothing when there is none."""
    answer = pqr.answer if pqr else None
    if answer is None or answer.issued_on is None:
        return ""
    on = format_date(answer.issued_on, "long", locale=LANGUAGE)
    return _("%(number)s of %(day)s", number=answer.number, day=on)


def petitioner_of(pqr: Pqr) -> str:
    """Return the name of who asks, or the words that stand for it: whoever handles a reserved case does not read it either."""
    match pqr.identity:
        case Identity.NAMED if pqr.party:
            return pqr.party.name
        case Identity.RESERVED:
            return _("petitioner with reserved identity")
    return _("anonymous petitioner")


def fill_template(template_body: str, pqr: Pqr, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """
    Return *template_body* with its {fields} filled from the case and from *more*; `{{` and `}}` are braces.

    Raises:
        DomainError: As `check_template`.
    """
    check_template(template_body, (*FIELDS, *more))
    known = {**fields_of(pqr), **more}
    return "".join(text + (known[name] if name else "") for text, name, _form, _conversion in Formatter().parse(template_body))


def check_template(template_body: str, known: Collection[str] = FIELDS) -> None:
    """
    Refuse a template that could not be filled with the fields that are *known*.

    Raises:
        DomainError: It names a field that does not exist, or has a brace without its pair.
    """
    try:
        pieces = list(Formatter().parse(template_body))
    except ValueError:
        raise DomainError(N_("The template has a brace without its pair. Write {{ or }} where a brace itself is meant.")) from None
    for _text, name, form, conversion in pieces:
        if name is not None and (name not in known or form or conversion):
            fields = ", ".join(f"{{{field}}}" for field in known)
            msgid = N_("The template names a field that does not exist: {%(name)s}. These exist: %(fields)s.")
            raise DomainError(msgid, name=name, fields=fields)


# ── Draft and issue ───────────────────────────────────────────────────────────────────────────────────────────────────────


def save_draft(session: Session, pqr: Pqr, body: str, actor_id: int | None) -> Answer:
    """
    Keep *body* as the draft of the answer; return it, flushed.

    Raises:
        MoveRefused: The answer was issued, the case is not open, or the text is empty or too long.
    """
    body = body.replace("\r\n", "\n").strip()
    queries.lock(session, pqr)  # whoever issues at this moment comes before or after, not in between
    answer = pqr.answer
    if answer is not None and answer.status is AnswerStatus.ISSUED:
        raise MoveRefused(N_("The answer %(number)s was issued and cannot change."), number=answer.number)
    if pqr.status.category not in (Category.OPEN, Category.STOPPED):
        raise MoveRefused(N_("The case is “%(status)s”: there is nothing left to answer."), status=pqr.status.value)
    if not body:
        raise MoveRefused(N_("Write the answer."), field="body")
    if len(body) > MAX_BODY:
        raise MoveRefused(N_("The text has %(n)s characters; up to %(limit)s fit."), field="body", n=len(body), limit=MAX_BODY)
    if answer is None:
        answer = Answer(pqr=pqr, status=AnswerStatus.DRAFT, body=body, drafted_by_id=actor_id)
        session.add(answer)
    else:
        answer.body, answer.drafted_by_id = body, actor_id
    session.flush()
    return answer


def mark_issued(session: Session, pqr: Pqr, number: str, document: Document, approver_id: int | None, on: date, at: datetime) -> Answer:
    """
    Freeze the draft as answer *number* and move the case to ANSWERED; return it, flushed.

    Raises:
        IllegalMove, MoveRefused: The case cannot be answered now, or has no draft.
    """
    answer = draft_of(pqr)
    answer.status, answer.number, answer.document = AnswerStatus.ISSUED, number, document
    answer.approved_by_id, answer.issued_on = approver_id, on
    session.flush()
    moves.mark_answered(session, pqr, at=at, actor_id=approver_id)
    return answer


def draft_of(pqr: Pqr) -> Answer:
    """Return the draft that may be issued. Raises MoveRefused when there is none, or it was issued before."""
    answer = pqr.answer
    if answer is None or not answer.body.strip():
        raise MoveRefused(N_("There is no draft to issue: write the answer first."))
    if answer.status is AnswerStatus.ISSUED:
        raise MoveRefused(N_("The answer %(number)s was issued and cannot change."), number=answer.number)
    return answer


@event.listens_for(Answer, "before_update")
@event.listens_for(Answer, "before_delete")
@event.listens_for(Document, "before_update")
@event.listens_for(Document, "before_delete")
def _refuse_to_rewrite(_mapper: Any, _connection: Any, row: Answer | Document) -> None:
    """What was issued is what the citizen holds: no door changes it, not even one that forgot to ask."""
    if isinstance(row, Answer):
        status = inspect(row).attrs.status.history
        was = (status.deleted or status.unchanged or (None,))[0]
        if was is not AnswerStatus.ISSUED:
            return
    state = inspect(row)
    if row in state.session.deleted or state.session.is_modified(row):  # type: ignore[union-attr]
        raise RuntimeError(f"{type(row).__name__} {row.number} was issued and is never changed")
