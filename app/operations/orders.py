"""
Orders and actas of field work: issued from a case or from a debt, done or not, excused, voided; and what they hold up.

The PDF of an order is made by `documents.orders`, which calls what is here. See docs/rules/orders.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import and_, case, or_, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.deadlines import Regime, TermAct, rule_for
from app.domain.errors import DomainError, MoveRefused
from app.domain.fieldwork import (
    ASKED,
    GIVES_BACK,
    NOT_DONE,
    SANCTIONS,
    TAKES_AWAY,
    Dispute,
    Sentence,
    blocks_answer,
    check_done_on,
    check_signature,
    clean_result,
    cleaned,
    restore_by,
    summary,
    suspension_blocked_by,
)
from app.domain.states import AppealKind, OrderKind, OrderStatus, PqrStatus
from app.extensions import LANGUAGE, LOCAL_ZONE, local
from app.models import Account, Appeal, FieldOrder, OrderFile, Pqr, Process, RequestType, SuiCause
from app.operations.files import CheckedFile, store_file
from app.operations.numbers import next_number

MAX_TEXT = 4_000
N_SIGNATURE_BYTES = 200 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(slots=True)
class NewOrder:
    """What the office says when it orders field work; `asked` are the texts of the form for `ASKED` of its kind."""

    kind: OrderKind
    pqr: Pqr | None = None
    account: Account | None = None
    assignee: User | None = None
    process: Process | None = None
    instructions: str = ""
    due_on: date | None = None
    invoice_number: str | None = None
    debt_cop: Decimal | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    deviation: dict[str, Any] | None = None


@dataclass(slots=True)
class Visit:
    """What came back from the field; `raw` are the texts of the form. `submission` names the form: the same token is the same act."""

    done_on: date | None
    raw: dict[str, Any]
    photos: Sequence[CheckedFile] = ()
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    n_accuracy_m: int | None = None
    signature: bytes | None = None
    unsigned_reason: str = ""
    submission: str | None = None


# ── Issue ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_order(session: Session, new: NewOrder, prefix: str, *, at: datetime) -> FieldOrder:
    """
    Store a new order with its number of the series *prefix*; return it, flushed. Without its document: see `documents.orders`.

    Raises:
        ResultRefused: What the office has to say for this kind is missing.
        SuspensionBlocked: A claim or a timely appeal holds a suspension or cut up (Ley 142 art. 155).
        DomainError: No account or nobody to do it, nothing to do, a due date in the past, or a case without a life.
        TermMissing: The term to restore a service is not loaded.
    """
    on = local(at).date()
    _check(new, on)
    asked = cleaned(ASKED[new.kind], new.asked)
    if new.pqr is not None:
        queries.hold_calendar(session, new.pqr.organisation)  # before the case, in the order of every move
        queries.lock(session, new.pqr)
        if new.pqr.status in (PqrStatus.VOIDED, PqrStatus.TRANSFERRED):
            raise DomainError(N_("The case is “%(status)s”: nothing is ordered for it."), status=new.pqr.status.value)
    check_suspension(session, new.kind, asked, new.account, on)
    organisation = new.pqr.organisation if new.pqr else queries.organisation(session)
    order = FieldOrder(
        kind=new.kind, status=OrderStatus.ISSUED, organisation=organisation, pqr=new.pqr, account=new.account, process=new.process,
        assignee=new.assignee, instructions=new.instructions.strip(), invoice_number=new.invoice_number or None, debt_cop=new.debt_cop,
        issued_on=on, due_on=new.due_on, asked=asked, deviation=new.deviation, due_at=_due_at(session, new.kind, asked, at),
    )  # fmt: skip
    order.number = next_number(session, organisation.id, prefix, on.year)  # late: other writers wait from here on
    session.add(order)
    session.flush()
    return order


def _check(new: NewOrder, on: date) -> None:
    if new.account is None and new.kind not in (OrderKind.WORK_ORDER, OrderKind.PRIOR_REVIEW):
        raise DomainError(N_("An acta is of an account. Choose which."), field="account")
    if new.account is None and new.pqr is None:
        raise DomainError(N_("Say which case or which account this is for."), field="account")
    if new.assignee is None:
        raise DomainError(N_("Choose who goes."), field="assignee")
    if not new.instructions.strip() and new.kind in (OrderKind.WORK_ORDER, OrderKind.PRIOR_REVIEW):
        raise DomainError(N_("Write what has to be done."), field="instructions")
    if len(new.instructions) > MAX_TEXT:
        n = len(new.instructions)
        raise DomainError(N_("The text has %(n)s characters; up to %(limit)s fit."), field="instructions", n=n, limit=MAX_TEXT)
    if new.due_on and new.due_on < on:
        raise DomainError(N_("That date is past."), field="due_on")


def _due_at(session: Session, kind: OrderKind, asked: dict[str, Any], at: datetime) -> datetime | None:
    """Return the instant until which a service has to be back; None when the order restores none. A cause to come is refused."""
    if kind not in GIVES_BACK:
        return None
    until = restore_by(asked, hours_to_restore(session, local(at).date())).replace(tzinfo=LOCAL_ZONE)
    if restore_by(asked, 0).replace(tzinfo=LOCAL_ZONE) > at:
        raise DomainError(N_("That moment is in the future."), field="cause_at")
    return until.astimezone(UTC)


def hours_to_restore(session: Session, on: date) -> int:
    """Return the hours within which a service has to be back (D.L. 019 de 2012, art. 42). Raises TermMissing."""
    return rule_for(queries.term_rules(session), Regime.LEY142, TermAct.RECONNECTION, None, on).value


def reassign(session: Session, order: FieldOrder, assignee: User | None, due_on: date | None, *, at: datetime) -> None:
    """Give an order that is still to be done to somebody else, or more time. Raises DomainError when it is not."""
    lock_open(session, order)
    if assignee is None:
        raise DomainError(N_("Choose who goes."), field="assignee")
    if due_on and due_on < local(at).date():
        raise DomainError(N_("That date is past."), field="due_on")
    order.assignee, order.due_on = assignee, due_on
    session.flush()


# ── What holds a suspension up ────────────────────────────────────────────────────────────────────────────────────────────

#: Request types whose claim is about what was billed, by code; parameter `orders.debt_claim_types`.
DEBT_CLAIMS = "RECLAMO"
_CLAIM, _RECURSO = ("1", "2"), ("4", "5")  # SUI tipo de trámite


def check_suspension(session: Session, kind: OrderKind, asked: dict[str, Any], account: Account | None, on: date) -> None:
    """
    Refuse to suspend or cut *account* on *on*, for unpaid bills or breach, while a claim on its debt or a timely appeal is open.

    The row of the account is held until the transaction ends. Filing a case for the account waits for it, so that nobody files while
    somebody suspends: either the case is seen here, or it was filed after.

    Raises:
        SuspensionBlocked: It is open; names the case (Ley 142 art. 155).
    """
    if kind not in TAKES_AWAY or asked.get("ground") not in SANCTIONS or account is None:
        return
    queries.lock(session, account)
    refused = suspension_blocked_by(disputes(session, account.id, on), on)
    if refused is not None:
        raise refused


def disputes(session: Session, account_id: int, on: date) -> list[Dispute]:
    """
    Return the open cases about an account, filed by *on*, that may hold up its suspension, with the appeals against their answers.

    What was filed after the day of the visit forbids nothing that was done before: a phone without network tells it days later.
    """
    codes = [code.strip() for code in queries.parameter(session, "orders.debt_claim_types", DEBT_CLAIMS).split(",")]
    against = select(Pqr.id).where(Pqr.account_id == account_id)
    is_billed = or_(
        Pqr.disputed_cop > 0, Pqr.invoice_number.is_not(None), SuiCause.group_code == "F",
        and_(Pqr.cause_id.is_(None), RequestType.code.in_(codes)),
    )  # fmt: skip
    is_on_debt = case((and_(RequestType.sui_procedure.in_(_CLAIM), is_billed), True), else_=False)
    is_appeal = case((or_(RequestType.sui_procedure.in_(_RECURSO), Appeal.pqr_id.is_not(None)), True), else_=False)
    statement = (
        select(Pqr.number, Pqr.status, Pqr.appeal_until, is_on_debt, is_appeal, Appeal.is_timely, Appeal.kind)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .outerjoin(SuiCause, SuiCause.id == Pqr.cause_id)
        .outerjoin(Appeal, Appeal.pqr_id == Pqr.id)
        .where(or_(Pqr.account_id == account_id, Appeal.against_id.in_(against)), Pqr.status.not_in(_FINAL), Pqr.filed_on <= on)
        .order_by(Pqr.id)
    )
    return [
        Dispute(number, status, bool(on_debt), bool(appeal), is_timely, kind is AppealKind.REPOSICION_APELACION, until)
        for number, status, until, on_debt, appeal, is_timely, kind in session.execute(statement)
    ]


_FINAL = [status for status in PqrStatus if status.is_final]


# ── Done, not done ────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_same_act(session: Session, order: FieldOrder, submission: str | None) -> bool:
    """Hold the order and return whether *submission* was received already: the phone sends again what it had no answer to."""
    queries.lock(session, order)
    return bool(submission) and order.submission == submission


def lock_open(session: Session, order: FieldOrder) -> None:
    """Hold the order and refuse, with a MoveRefused, one that is no longer to be done."""
    queries.lock(session, order)
    if order.status is not OrderStatus.ISSUED:
        raise MoveRefused(N_("The order %(number)s is “%(status)s” already."), number=order.number, status=order.status.value)


def record_done(session: Session, order: FieldOrder, visit: Visit, *, at: datetime, actor_id: int | None) -> FieldOrder:
    """
    Store the result of an order that was done; return it, flushed. Its acta is made by `documents.orders`.

    Raises:
        MoveRefused: It is not to be done any more.
        ResultRefused, DomainError: The result does not say what it must, has no date or an impossible one, or is not signed.
        SuspensionBlocked: A claim was filed meanwhile: the service is not taken away (Ley 142 art. 155).
    """
    lock_open(session, order)
    on = local(at).date()
    if visit.done_on is None:
        raise DomainError(N_("Write the day on which it was done."), field="done_on")
    check_done_on(order.issued_on, visit.done_on, on)
    check_suspension(session, order.kind, order.asked, order.account, visit.done_on)
    hours = hours_to_restore(session, order.issued_on) if order.kind in GIVES_BACK else 0
    order.result = clean_result(
        order.kind, visit.raw, asked=order.asked, done_on=visit.done_on, n_photos=len(visit.photos), hours=hours
    )
    check_signature(order.result["attended"], visit.signature is not None, visit.unsigned_reason)
    order.status, order.done_on = OrderStatus.DONE, visit.done_on
    _keep(session, order, visit, at, actor_id)
    return order


def record_not_done(session: Session, order: FieldOrder, visit: Visit, *, at: datetime, actor_id: int | None) -> FieldOrder:
    """
    Store why an order was not done; return it, flushed. From then on it holds the answer up until somebody excuses it.

    Raises:
        MoveRefused: It is not to be done any more.
        ResultRefused: There is no reason.
    """
    lock_open(session, order)
    on = local(at).date()
    if visit.done_on is not None:
        check_done_on(order.issued_on, visit.done_on, on)
    order.result = cleaned(NOT_DONE, visit.raw)
    order.status, order.reason, order.done_on = OrderStatus.NOT_DONE, order.result["details"], visit.done_on or on
    _keep(session, order, visit, at, actor_id)
    return order


def _keep(session: Session, order: FieldOrder, visit: Visit, at: datetime, actor_id: int | None) -> None:
    """Store what a visit brings besides its result: pictures, signature, place, who and when."""
    if visit.signature is not None and not (visit.signature.startswith(_PNG) and len(visit.signature) <= N_SIGNATURE_BYTES):
        raise DomainError(N_("The signature did not arrive well. Sign again."), field="signature")
    order.signature, order.unsigned_reason = visit.signature, visit.unsigned_reason if visit.signature is None else ""
    order.signed_by = order.result.get("attended_by") or "" if order.result else ""
    order.latitude, order.longitude, order.n_accuracy_m = visit.latitude, visit.longitude, visit.n_accuracy_m
    order.done_at, order.done_by_id, order.submission = at, actor_id, visit.submission or None
    for n, photo in enumerate(visit.photos, start=1):
        stored = store_file(session, photo, description=f"{order.number} · {n}")
        session.add(OrderFile(order=order, file=stored))
    session.flush()


# ── Excused, voided ───────────────────────────────────────────────────────────────────────────────────────────────────────


def excuse(session: Session, order: FieldOrder, reason: str) -> None:
    """Let the answer pass without an order that is still to be done, or was not. Raises MoveRefused: it is neither; no reason."""
    queries.lock(session, order)
    if not blocks_answer([order]):
        raise MoveRefused(N_("The order %(number)s is “%(status)s” already."), number=order.number, status=order.status.value)
    order.status, order.reason = OrderStatus.EXCUSED, _reason(reason)
    session.flush()


def void(session: Session, order: FieldOrder, reason: str) -> None:
    """Void an order that nobody did; its number stays. Raises MoveRefused: it was done, or was not; no reason."""
    lock_open(session, order)
    order.status, order.reason = OrderStatus.VOIDED, _reason(reason)
    session.flush()


def _reason(text: str) -> str:
    if not text.strip():
        raise MoveRefused(N_("Write the reason: it stays in the history of the case."), field="reason")
    if len(text) > MAX_TEXT:
        raise MoveRefused(N_("The text has %(n)s characters; up to %(limit)s fit."), field="reason", n=len(text), limit=MAX_TEXT)
    return text.strip()


# ── What orders mean for the answer ───────────────────────────────────────────────────────────────────────────────────────


def of_case(session: Session, pqr: Pqr) -> list[FieldOrder]:
    """Return the orders of the case, oldest first."""
    return list(session.scalars(select(FieldOrder).where(FieldOrder.pqr_id == pqr.id).order_by(FieldOrder.id)))


def check_answerable(session: Session, pqr: Pqr) -> None:
    """
    Refuse to solve or answer a case while one of its orders is to be done, or was not done and nobody excused it.

    Raises:
        MoveRefused: Names the order, and how to let the answer pass. The caller holds the case, for which nobody then orders anything.
    """
    waiting = blocks_answer(of_case(session, pqr))
    if waiting:
        raise MoveRefused(
            N_("The order %(number)s is “%(status)s”: the answer waits for its result. Record it, or open the order and excuse it with a "
               "reason."),
            number=waiting[0].number, status=waiting[0].status.value,
        )  # fmt: skip


def results_text(session: Session, pqr: Pqr) -> str:
    """Return what the orders of the case found, in Spanish: a paragraph each, to be put into the draft. Empty when there is nothing."""
    with force_locale(LANGUAGE):
        return "\n\n".join(_told(order) for order in of_case(session, pqr) if order.status in (OrderStatus.DONE, OrderStatus.NOT_DONE))


def _told(order: FieldOrder) -> str:
    day = format_date(order.done_on, "long", locale=LANGUAGE)
    head = N_("%(kind)s %(number)s, done on %(day)s.") if order.status is OrderStatus.DONE else N_("%(kind)s %(number)s, visit of %(day)s.")
    sentences = summary(order.kind, order.status, order.result or {}, order.asked)
    return " ".join([_(head, kind=_(order.kind.value), number=order.number, day=day), *(said(each) for each in sentences)])


def said(sentence: Sentence) -> str:
    """Return a sentence of a result in the language in force."""
    return _(sentence.msgid, value=_(sentence.value) if sentence.is_msgid else sentence.value)
