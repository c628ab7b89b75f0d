"""
Recursos against an answer: each a case of its own that points to the first one, its way to Superservicios and back, and the day on
which an answer is final. What the law asks is in `domain/appeals.py`; see docs/rules/pqr-appeals.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import structlog
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from app import queries
from app.domain import N_
from app.domain import appeals as law
from app.domain.appeals import NORM_OF_FINALITY, AppealedAct, AppealFacts
from app.domain.deadlines import Regime, TermAct, rule_for
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import APPEAL_OUTCOMES, AppealKind, Category, Inadmissibility, Move, Outcome, PqrStatus, states_in
from app.extensions import LOCAL_ZONE, local
from app.models import Appeal, CaseEvent, Channel, Document, Pqr, RequestType, StoredFile
from app.operations.answers import LANGUAGE
from app.operations.decisions import TYPE_OF, check_file, waits_for_sspd
from app.operations.pqr import Filing, file_pqr, make_move

log = structlog.get_logger("atiende")

_SERVED = (PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED)
_FINAL = states_in(Category.FINAL)


@dataclass(frozen=True, slots=True)
class Brief:
    """
    What a recurso says besides its text.

    `received_on` is the local date on which it arrived; None: now. `is_undisputed_paid`: payment of what is not disputed was proved.
    """

    kind: AppealKind
    act: AppealedAct = AppealedAct.INVOICING
    received_on: date | None = None
    invoice_on: date | None = None
    is_undisputed_paid: bool = True


# ── Filing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def filing_against(session: Session, first: Pqr, kind: AppealKind, channel: Channel, body: str, **more: Any) -> Filing:
    """
    Return the filing of a recurso against the answer of *first*: same party, account, service, identity and way of notice.

    Raises:
        DomainError: The request type of recursos is missing.
    """
    request_type = session.scalar(select(RequestType).where(RequestType.code == TYPE_OF[kind]))
    if request_type is None:
        msgid = N_("The request type %(code)s is missing. An administrator has to add it in Request types.")
        raise DomainError(msgid, code=TYPE_OF[kind])
    same = (
        "organisation", "regime", "identity", "party", "account", "service", "cause", "is_e_notice", "notice_email", "notice_address",
        "disputed_cop", "invoice_number",
    )  # fmt: skip
    number = first.answer.number if first.answer and first.answer.number else first.number
    subject = _in_spanish(N_("Appeal against the answer %(number)s"), number=number)
    facts = {name: getattr(first, name) for name in same} | {"subject": subject, **more}
    return Filing(request_type=request_type, channel=channel, body=body, previous=first, **facts)


def file_appeal(session: Session, filing: Filing, brief: Brief, *, at: datetime, actor_id: int | None = None) -> Pqr:
    """
    File a recurso as a case of its own against `filing.previous`; return it, flushed.

    In time and with nothing against it, the first case is under appeal from then on. Otherwise it stays as it is and the reasons are
    kept: they block no filing.

    Raises:
        MoveRefused: The answer is not served, is a decision on a recurso, or is under appeal already; or it cannot have arrived then.
        DomainError: As `file_pqr`.
    """
    first = filing.previous
    if first is None:
        raise ValueError("an appeal is against something")
    queries.hold_calendar(session, first.organisation)  # before the row, in the order of every move
    queries.lock(session, first)
    if filing.submission and (known := by_submission(session, filing.submission)):
        return known
    received_on = brief.received_on or local(at).date()
    _check_arrival(first, received_on, local(at).date())
    live = _live_appeal(session, first)
    reasons = reasons_against(session, first, brief, received_on, is_repeated=live is not None)
    is_timely = Inadmissibility.LATE not in reasons and first.appeal_until is not None
    if live is not None and first.status is PqrStatus.APPEALED:
        once = N_("The answer is under appeal in %(number)s: there is one recurso. Attach this brief to that case.")
        raise MoveRefused(once, number=live.number)
    # one that was received in time while the first case closed by itself opens it again
    is_admitted = not reasons and (first.status is not PqrStatus.CLOSED or _closed_by_term(first))
    child = file_pqr(session, filing, at=_instant(received_on, at), actor_id=actor_id)
    session.add(
        Appeal(
            pqr=child, against=first, kind=brief.kind, act=brief.act, is_timely=is_timely, is_admitted=is_admitted,
            reasons=[reason.name for reason in reasons], invoice_on=brief.invoice_on,
        )
    )  # fmt: skip
    session.flush()
    if is_admitted and first.status is not PqrStatus.APPEALED:
        _put_under_appeal(session, first, child, received_on, at, actor_id)
    return child


def by_submission(session: Session, submission: str) -> Pqr | None:
    """Return the case that the form with this token made, if it was sent before."""
    return session.scalar(select(Pqr).where(Pqr.submission == submission))


def _check_arrival(first: Pqr, received_on: date, today: date) -> None:
    if first.appeal is not None:
        only_queja = N_("%(number)s decides an appeal: against it there is no other. A queja goes to Superservicios (CPACA, art. 74).")
        raise MoveRefused(only_queja, number=first.number)
    if first.regime is not Regime.LEY142:
        other_law = N_("Only Law 142 gives recursos here. Register it as a new request that names this case.")
        raise MoveRefused(other_law)
    if first.status not in _SERVED:
        raise MoveRefused(
            N_(
                "The answer is not served yet, so there is nothing to appeal. If the brief shows that the citizen knows the answer, "
                "record that first as its notice: the citizen showed to know it (CPACA, art. 72)."
            )
        )
    if received_on > today:
        raise MoveRefused(N_("That date is in the future."), field="on")
    if first.answered_on and received_on < first.answered_on:
        earlier = N_("The answer is of %(answered)s; an appeal cannot have arrived earlier.")
        raise MoveRefused(earlier, field="on", answered=f"{first.answered_on:%d/%m/%Y}")


def reasons_against(
    session: Session, first: Pqr, brief: Brief, received_on: date, *, is_repeated: bool = False
) -> tuple[Inadmissibility, ...]:
    """Return why a recurso that arrived on *received_on* is not admissible; empty when it is."""
    facts = AppealFacts(
        filed_on=received_on, appeal_until=first.appeal_until, act=brief.act, claimed_on=first.filed_on, invoice_on=brief.invoice_on,
        is_undisputed_paid=brief.is_undisputed_paid, is_repeated=is_repeated,
    )  # fmt: skip
    rule = rule_for(queries.term_rules(session), first.regime, TermAct.INVOICE_CLAIM, None, first.filed_on)
    return law.reasons_against(facts, rule, queries.calendar_of(session, first.organisation))


def _live_appeal(session: Session, first: Pqr) -> Pqr | None:
    """Return the admitted recurso against the answer of *first*. One whose number was voided never was, and gives its place up."""
    admitted = session.scalar(select(Appeal).where(Appeal.against_id == first.id, Appeal.is_admitted))
    if admitted is not None and admitted.pqr.status is PqrStatus.VOIDED:
        admitted.is_admitted = False
        session.flush()
        return None
    return admitted.pqr if admitted else None


def _closed_by_term(first: Pqr) -> bool:
    return bool(first.closed_on and first.appeal_until and first.closed_on > first.appeal_until)


def _put_under_appeal(session: Session, first: Pqr, child: Pqr, received_on: date, at: datetime, actor_id: int | None) -> None:
    reason = _in_spanish(N_("Appeal %(number)s: %(kind)s."), number=child.number, kind=child.request_type.name)
    how: dict[str, Any] = {"at": at, "actor_id": actor_id, "reason": reason, "on": _not_before_the_last(session, first, received_on)}
    if first.status is PqrStatus.CLOSED:
        how |= {"closed_on": None, "process": queries.front_desk(session)}
    make_move(session, first, Move.APPEAL, **how)


def _instant(received_on: date, at: datetime) -> datetime:
    """Return when a brief counts as received: *at*, or noon of an earlier day, for which nobody wrote the hour."""
    if received_on == local(at).date():
        return at
    return datetime.combine(received_on, time(12), LOCAL_ZONE).astimezone(UTC)


def _not_before_the_last(session: Session, pqr: Pqr, on: date) -> date:
    last_on = session.scalar(select(func.max(CaseEvent.on)).where(CaseEvent.pqr_id == pqr.id))
    return max(on, last_on or on)


def _in_spanish(msgid: str, **fields: Any) -> str:
    """Return a text that the file keeps: it is Spanish whoever writes it."""
    with force_locale(LANGUAGE):
        return _(msgid, **fields)


# ── Superservicios ────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_sendable(session: Session, pqr: Pqr) -> Appeal:
    """Hold the case and return its appeal, whose file may be made and sent. Raises MoveRefused as `decisions.check_file`."""
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    return check_file(pqr)


@dataclass(frozen=True, slots=True)
class Made:
    """The file as it was made: the foliated PDF, the ZIP with the originals, and the letter that remits them."""

    file: Document
    archive: StoredFile
    letter: Document


def keep_file(session: Session, pqr: Pqr, made: Made) -> None:
    """Make *made* the file that will be sent; an earlier one stays among the documents."""
    appeal = check_sendable(session, pqr)
    appeal.sspd_file, appeal.sspd_zip, appeal.sspd_letter = made.file, made.archive, made.letter
    session.flush()


def record_transfer(
    session: Session, pqr: Pqr, *, on: date, proof: str, number: str = "", at: datetime, actor_id: int | None
) -> CaseEvent:
    """
    Record that the file left for Superservicios, with its proof and the number it got there.

    Raises:
        MoveRefused: As `check_sendable`; the file was not made; no proof; before the notice of the decision, or in the future.
    """
    appeal = check_sendable(session, pqr)
    if appeal.sspd_file is None or appeal.sspd_letter is None:
        raise MoveRefused(N_("Make the file first: it is what is sent."))
    if not proof.strip():
        raise MoveRefused(N_("Write how it was sent and how that is proved: the guide, the number or the receipt."), field="proof")
    _check_order(on, pqr.notified_on, N_("The decision was notified on %(before)s; its file cannot leave earlier."))
    event = make_move(session, pqr, Move.SEND_TO_SSPD, at=at, actor_id=actor_id, on=on, document=appeal.sspd_letter)
    appeal.sspd_sent_on, appeal.sspd_proof, appeal.sspd_number = on, proof.strip(), number.strip()[:40]
    session.flush()
    return event


def record_result(
    session: Session,
    pqr: Pqr,
    result: Outcome,
    *,
    on: date,
    number: str,
    at: datetime,
    actor_id: int | None,
    file: StoredFile | None = None,
) -> CaseEvent:
    """
    Record what Superservicios decided. Neither the first answer nor the decision of the company is rewritten.

    Args:
        on: Date on which its decision was communicated to the company.

    Raises:
        MoveRefused: The file was not sent, a result is recorded, it has no number, its sense is not of an appeal, or its date is
            before the transfer or in the future.
    """
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    appeal = pqr.appeal
    if appeal is None or appeal.sspd_sent_on is None:
        raise MoveRefused(N_("There is no result before the file is sent: record the transfer to Superservicios first."))
    if appeal.sspd_result is not None:
        raise MoveRefused(N_("The result of Superservicios is recorded already, and it is not rewritten."))
    if result not in APPEAL_OUTCOMES:
        raise MoveRefused(N_("Superservicios confirms, modifies, revokes or rejects."), field="result")
    if not number.strip():
        raise MoveRefused(N_("Write the number of the resolution of Superservicios."), field="number")
    _check_order(on, appeal.sspd_sent_on, N_("The file was sent on %(before)s; its result cannot be earlier."))
    act = _in_spanish(N_("Resolution %(number)s"), number=number.strip()[:60])
    event = make_move(session, pqr, Move.RECORD_RESULT, at=at, actor_id=actor_id, on=on, act=act, reason=_in_spanish(result.value))
    appeal.sspd_result, appeal.sspd_result_on, appeal.sspd_result_number = result, on, number.strip()[:60]
    appeal.sspd_result_file = file
    session.flush()
    return event


def _check_order(on: date, before: date | None, msgid: str) -> None:
    if before is not None and on < before:
        raise MoveRefused(msgid, field="on", before=f"{before:%d/%m/%Y}")


# ── En firme ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

NO_APPEAL = N_("Final (en firme): the term to appeal ended without an appeal (%(norm)s).")
NOTHING_LEFT = N_("Final (en firme): nothing else can be filed against it (%(norm)s).")
NO_QUEJA = N_("Final (en firme): the term of the queja ended (%(norm)s).")
SSPD_DECIDED = N_("Final (en firme): Superservicios decided, resolution %(number)s (%(norm)s).")
APPEAL_ENDED = N_("Final (en firme): the appeal %(number)s is over (%(norm)s).")


def close_final(session: Session, at: datetime) -> int:
    """
    Close what is final by the day of *at*: decisions on appeals, then the answers they were about, and answers nobody appealed;
    return how many. The caller commits. Twice on one night, or nights later, the result is the same.

    Source: CPACA, art. 87.
    """
    today = local(at).date()
    n = sum(_close(session, case_id, _end_of_decision, at) for case_id in session.scalars(_decisions()).all())
    return n + sum(_close(session, case_id, _end_of_answer, at) for case_id in session.scalars(_answers(today)).all())


def _close(session: Session, case_id: int, end_of: Any, at: datetime) -> bool:
    """Close one case in its own savepoint, if what was found still holds once nobody else writes it."""
    try:
        with session.begin_nested():
            pqr = session.get_one(Pqr, case_id)
            queries.hold_calendar(session, pqr.organisation)
            queries.lock(session, pqr)
            end = end_of(session, pqr)
            if end is None or end[0] > local(at).date() or pqr.status not in (PqrStatus.NOTIFIED, PqrStatus.APPEALED):
                return False
            on, reason = _not_before_the_last(session, pqr, end[0]), _in_spanish(end[1], norm=NORM_OF_FINALITY, **end[2])
            make_move(session, pqr, Move.CLOSE, at=at, actor_id=None, on=on, reason=reason)
    except DomainError:
        log.exception("final", case=case_id)
        return False
    return True


End = tuple[date, str, dict[str, Any]]


def _decisions() -> Any:
    """Return the SELECT of the decided appeals that may be final; `_end_of_decision` says when."""
    decided = or_(
        Appeal.kind == AppealKind.REPOSICION, Pqr.outcome.in_((Outcome.REVOKED, Outcome.REJECTED)), Appeal.sspd_result_on.is_not(None)
    )
    return select(Pqr.id).join(Appeal, Appeal.pqr_id == Pqr.id).where(Pqr.status == PqrStatus.NOTIFIED, decided).order_by(Pqr.id)


def _end_of_decision(_session: Session, pqr: Pqr) -> End | None:
    appeal = pqr.appeal
    assert appeal is not None and pqr.outcome is not None and pqr.notified_on is not None
    if waits_for_sspd(pqr):
        return None
    on = law.decision_final_on(appeal.kind, pqr.outcome, pqr.notified_on, pqr.appeal_until, appeal.sspd_result_on)
    if on is None:
        return None
    if appeal.sspd_result_on:
        return on, SSPD_DECIDED, {"number": appeal.sspd_result_number}
    return on, NO_QUEJA if pqr.appeal_until else NOTHING_LEFT, {}


def _answers(today: date) -> Any:
    """Return the SELECT of the first answers that may be final: past their term, and with no appeal in time that is still alive."""
    child = aliased(Pqr)
    alive = select(Appeal.pqr_id).join(child, child.id == Appeal.pqr_id).where(
        Appeal.against_id == Pqr.id, Appeal.is_timely, child.status.not_in(_FINAL)
    )  # fmt: skip
    is_appeal = select(Appeal.pqr_id).where(Appeal.pqr_id == Pqr.id)
    is_appealed = select(Appeal.pqr_id).where(Appeal.against_id == Pqr.id)
    is_over = or_(
        and_(Pqr.status == PqrStatus.NOTIFIED, func.coalesce(Pqr.appeal_until, Pqr.notified_on) < today),
        and_(Pqr.status == PqrStatus.APPEALED, is_appealed.exists()),
    )
    return select(Pqr.id).where(is_over, ~is_appeal.exists(), ~alive.exists()).order_by(Pqr.id)


def _end_of_answer(session: Session, pqr: Pqr) -> End | None:
    assert pqr.notified_on is not None
    on = law.answer_final_on(pqr.notified_on, pqr.appeal_until)
    ended = select(Pqr.number, Pqr.status, Pqr.closed_on).join(Appeal, Appeal.pqr_id == Pqr.id)
    children = session.execute(ended.where(Appeal.against_id == pqr.id, Appeal.is_timely).order_by(Pqr.id)).all()
    if any(not child.status.is_final for child in children):
        return None
    if children:
        last = max(children, key=lambda child: child.closed_on)
        return max(on, last.closed_on), APPEAL_ENDED, {"number": last.number}
    return on, NO_APPEAL if pqr.appeal_until else NOTHING_LEFT, {}
