"""
How an answer reaches the citizen: every attempt of the chain of CPACA arts. 56, 67 to 69 and 72, its proof, and the day it counts from.

Which step is lawful, and from when, is decided in `domain/notices.py`; the letters are issued by `documents/notices.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain import notices as chain
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import Regime, TermAct, TermRule, rule_for, term_end
from app.domain.errors import DomainError, MoveRefused
from app.domain.notices import Attempt, Facts, NextStep, NoticeStep, NoticeTerms, Taken
from app.domain.states import Identity, Move, NoticeMeans, NoticeResult, Outcome, PqrStatus, arrow_for
from app.extensions import local
from app.models import CaseEvent, Document, Notice, OutboxMessage, Pqr, StoredFile
from app.operations import decisions, requirements
from app.operations.pqr import make_move

log = structlog.get_logger("atiende")

#: Business days that a link may stay unopened before paper follows, when nobody changed the parameter `notice.link_days`.
LINK_DAYS = 3
#: Request types whose answers admit recursos, when nobody changed the parameter `appeal.types`.
APPEALABLE = "RECLAMO,RECLAMO_SERVICIO,PETICION,QUEJA"
MEANS_BY_HAND = (NoticeMeans.IN_PERSON, NoticeMeans.CONDUCT, NoticeMeans.DELIVERY)


# ── Where the chain stands ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Chain:
    """What was done to notify an answer by *today*, each with its last day, and what comes next; `is_late`: a step was, or is."""

    taken: list[tuple[Notice, Taken]]
    next: NextStep
    is_late: bool
    today: date

    @property
    def move(self) -> Move | None:
        """The move that does the next step, if somebody has to do it."""
        return _MOVE_OF.get(self.next.step)


_MOVE_OF = {
    NoticeStep.SUMMON: Move.SUMMON, NoticeStep.POST_SUMMONS: Move.SUMMON, NoticeStep.RETRY_SUMMONS: Move.SUMMON,
    NoticeStep.AWAIT_APPEARANCE: Move.NOTIFY, NoticeStep.SEND_AVISO: Move.SEND_AVISO, NoticeStep.AWAIT_CARRIER: Move.RECORD_DELIVERY,
    NoticeStep.POST_AVISO: Move.POST_AVISO, NoticeStep.TAKE_DOWN: Move.UNPOST_AVISO, NoticeStep.DELIVER: Move.NOTIFY,
}  # fmt: skip


def chain_of(session: Session, pqr: Pqr, today: date, acts: dict[str, list[Any]]) -> Chain:
    """
    Return how far the notice of the answer has come.

    Args:
        acts: `queries.case_acts` of the case, which bring the terms.

    Raises:
        MoveRefused: There is no answer.
        CalendarGap, TermMissing: A term of the chain, or a year of the calendar, is not loaded.
    """
    facts, calendar = facts_of(pqr), queries.calendar_of(session, pqr.organisation)
    terms = chain.terms_of(queries.notice_terms(acts, pqr.regime), pqr.regime, facts.answered_on)
    n_wait = next((_days(row.note) for row in acts.get("wait", ())), LINK_DAYS)
    rows = chain.taken(facts, terms, calendar, n_wait)
    following = chain.next_step(facts, terms, calendar, today, n_wait)
    return Chain(list(zip(_of_answer(pqr), rows, strict=True)), following, following.is_late or any(row.is_late for row in rows), today)


def _days(typed: str) -> int:
    return int(typed) if typed.strip().isdecimal() else LINK_DAYS


def facts_of(pqr: Pqr) -> Facts:
    """Return what the domain has to know of the notice of an answered case."""
    if pqr.answered_on is None:
        raise MoveRefused(N_("There is no answer yet, so there is nothing to notify."))
    attempts = tuple(map(_attempt, _of_answer(pqr)))
    return Facts(pqr.answered_on, pqr.identity, pqr.is_e_notice and bool(pqr.notice_email), bool(where_to(pqr)), attempts)


def _of_answer(pqr: Pqr) -> list[Notice]:
    return sorted((notice for notice in pqr.notices if notice.document_id is None), key=lambda notice: notice.id)


def _attempt(notice: Notice) -> Attempt:
    on = notice.posted_on or notice.sent_on or local(notice.sent_at).date()
    opened_on = local(notice.opened_at).date() if notice.opened_at else None
    ended_on = notice.returned_on or notice.delivered_on or notice.unposted_on or opened_on or notice.served_on
    is_posted = notice.means is NoticeMeans.SUMMONS and bool(notice.posted_where)
    return Attempt(notice.means, on, notice.result, ended_on, is_posted)


def terms_for(session: Session, pqr: Pqr) -> NoticeTerms | None:
    """Return the terms of the chain; None when the regime of the case has none, and its answer is delivered with proof."""
    return chain.terms_of(queries.term_rules(session), pqr.regime, pqr.answered_on) if pqr.answered_on else None


def where_to(pqr: Pqr) -> str:
    """Return where a summons or an aviso may go: the address for notices, that of the party or the account, an e-mail, a telephone."""
    if pqr.identity is Identity.ANONYMOUS:
        return ""
    party, account = pqr.party, pqr.account
    known = (pqr.notice_address, party and party.address, account and account.address, pqr.notice_email, party and party.email)
    return next((place for place in (*known, party and party.phone) if place), "")


# ── By link ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def start_e_notice(session: Session, pqr: Pqr, *, at: datetime, document: Document | None = None) -> Notice:
    """
    Make the signed link of an e-notice; the citizen is served when the link is opened (CPACA art. 56), not when it is sent.

    Args:
        document: What is notified; None: the answer.
    """
    if not pqr.is_e_notice or not pqr.notice_email:
        raise MoveRefused(N_("The citizen did not accept notices by e-mail. Notify in person."))
    if document is None and pqr.status is not PqrStatus.ANSWERED:
        arrow_for(Move.NOTIFY, pqr.status)
    notice = Notice(
        pqr=pqr, document=document, means=NoticeMeans.E_LINK, address=pqr.notice_email, token=secrets.token_urlsafe(32),
        sent_at=at, sent_on=local(at).date(), result=NoticeResult.PENDING,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    return notice


def serve_e_notice(session: Session, notice: Notice, *, at: datetime, address: str) -> Notice:
    """
    Record that the citizen opened the document: the first access counts, later ones change nothing.

    If it was served otherwise meanwhile, the access is kept as proof and the case does not move. A message that had come back, and
    was opened after all, was received.
    """
    queries.lock(session, notice)
    if notice.opened_at is None:
        notice.opened_at, notice.opened_from, notice.served_on = at, address[:64], local(at).date()
        notice.result, notice.returned_on, notice.return_reason = NoticeResult.DELIVERED, None, ""
        session.flush()
        if notice.document is not None:
            requirements.opened(session, notice.document, at=at, address=address)
        elif notice.pqr.status is PqrStatus.ANSWERED:
            _notify(session, notice.pqr, notice.served_on, at, None)
    return notice


def record_bounce(session: Session, notice: Notice, reason: str, *, at: datetime) -> Notice:
    """Record that the message with a link came back, as the mail server says it; one that was opened stays opened."""
    queries.lock(session, notice)
    if notice.opened_at is None and notice.result is NoticeResult.PENDING:
        _return(notice, reason.strip() or "—", local(at).date())
        session.flush()
    return notice


def record_refusal(session: Session, message: OutboxMessage, reason: str, *, at: datetime) -> Notice | None:
    """Return the e-notice whose message the mail server refused for good, recorded as one that came back; None for any other mail."""
    wanted = select(Notice).where(Notice.pqr_id == message.pqr_id, Notice.means == NoticeMeans.E_LINK)
    _event, _colon, name = message.key.partition(":")
    if message.event == "answer":
        wanted = wanted.where(Notice.id == int(name.rpartition(":")[2]))
    elif message.event == "act":
        wanted = wanted.join(Notice.document).where(Document.number == name)
    else:
        return None
    notice = session.scalars(wanted.order_by(Notice.id.desc()).limit(1)).first()
    return record_bounce(session, notice, reason, at=at) if notice else None


# ── On paper ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sending:
    """How a letter left: on which date, where to, with which carrier and guide; `posted_where` for what is published instead."""

    on: date
    address: str = ""
    courier: str = ""
    guide: str = ""
    posted_where: str = ""


def check_summons(session: Session, pqr: Pqr, sending: Sending) -> date:
    """
    Return the last day to appear, if a summons of that day is lawful.

    Raises:
        IllegalMove, MoveRefused: There is no answer, it is served, the regime has no summons, nobody can be summoned, or it
            says neither where it was sent to nor where it is published.
    """
    facts, terms, calendar = _ground(session, pqr, Move.SUMMON, sending.on)
    if pqr.identity is Identity.ANONYMOUS:
        raise MoveRefused(N_("There is nobody to summon in an anonymous case: publish the aviso."))
    if not sending.address and not sending.posted_where:
        raise MoveRefused(N_("Write where the summons is sent, or where it is published."), field="address")
    if sending.posted_where and facts.has_address and not _came_back(facts):
        raise MoveRefused(NOT_PUBLISHED, field="posted_where", norm=terms.summons.norm)
    return chain.appear_by(Attempt(NoticeMeans.SUMMONS, sending.on, is_posted=bool(sending.posted_where)), terms, calendar)


def summon(session: Session, pqr: Pqr, sending: Sending, paper: Document, *, at: datetime, actor_id: int | None) -> Notice:
    """Record the summons to a personal notice (CPACA art. 68); raises as `check_summons`."""
    until = check_summons(session, pqr, sending)
    notice = _keep(session, pqr, NoticeMeans.SUMMONS, sending, paper, at, appear_by=until)
    make_move(session, pqr, Move.SUMMON, at=at, actor_id=actor_id, on=sending.on, document=paper)
    return notice


def check_aviso(session: Session, pqr: Pqr, sending: Sending) -> date | None:
    """
    Return until when an aviso of that day has to stay posted, None for one that is sent, if it is lawful.

    Raises:
        IllegalMove, MoveRefused: There is no answer, it is served, nobody was summoned, the term to appear runs, or it is
            published although there is where to send it.
    """
    is_posted = bool(sending.posted_where)
    move, field = (Move.POST_AVISO, "posted_where") if is_posted else (Move.SEND_AVISO, "address")
    facts, terms, calendar = _ground(session, pqr, move, sending.on)
    if not is_posted and not sending.address:
        raise MoveRefused(N_("Write where the aviso is sent."), field=field)
    first = chain.aviso_from(facts, terms, calendar)
    if first is None:
        raise MoveRefused(N_("There is no summons yet: the aviso follows it (%(norm)s)."), field="on", norm=terms.appearance.norm)
    if sending.on < first:
        early = N_("The citizen may still come: the aviso can leave from %(first)s (%(norm)s).")
        raise MoveRefused(early, field="on", first=f"{first:%d/%m/%Y}", norm=terms.appearance.norm)
    if is_posted and facts.has_address and not _came_back(facts):
        raise MoveRefused(NOT_PUBLISHED, field=field, norm=terms.aviso_posted.norm)
    return chain.removable_on(sending.on, terms, calendar) if is_posted else None


def send_aviso(session: Session, pqr: Pqr, sending: Sending, paper: Document, *, at: datetime, actor_id: int | None) -> Notice:
    """Record that the aviso left, with its copy of the answer (CPACA art. 69); raises as `check_aviso`."""
    check_aviso(session, pqr, sending)
    notice = _keep(session, pqr, NoticeMeans.AVISO, sending, paper, at)
    make_move(session, pqr, Move.SEND_AVISO, at=at, actor_id=actor_id, on=sending.on, document=paper)
    return notice


def post_aviso(session: Session, pqr: Pqr, sending: Sending, paper: Document, *, at: datetime, actor_id: int | None) -> Notice:
    """Publish the aviso on the web page and in a public place (CPACA art. 69); raises as `check_aviso`."""
    until = check_aviso(session, pqr, sending)
    notice = _keep(session, pqr, NoticeMeans.AVISO_POSTED, sending, paper, at, posted_on=sending.on, post_until=until)
    make_move(session, pqr, Move.POST_AVISO, at=at, actor_id=actor_id, on=sending.on, document=paper)
    return notice


def _keep(
    session: Session, pqr: Pqr, means: NoticeMeans, sending: Sending, paper: Document, at: datetime, **dates: date | None
) -> Notice:
    """Store an attempt on paper: the retry of the last that came back, if one did. With an aviso, whoever was summoned did not come."""
    if means is not NoticeMeans.SUMMONS:
        _close_summons(pqr, NoticeResult.NOT_APPEARED)
    earlier = next((one for one in reversed(_of_answer(pqr)) if one.result is NoticeResult.RETURNED), None)
    how = {name: getattr(sending, name) for name in ("courier", "guide", "posted_where")}
    notice = Notice(
        pqr=pqr, means=means, result=NoticeResult.PENDING, paper=paper, address=sending.address or None, sent_at=at, sent_on=sending.on,
        retry_of=earlier, **how, **dates,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    return notice


def _came_back(facts: Facts) -> bool:
    """Say whether the mail showed that the address does not serve, or none was known when the summons was published."""
    paper = (one for one in facts.attempts if one.means is not NoticeMeans.E_LINK)
    return any(one.result is NoticeResult.RETURNED or one.is_posted for one in paper)


NOT_PUBLISHED = N_("There is an address in the file: it is published only when there is none, or the mail came back (%(norm)s).")
NO_CHAIN = N_("Under this regime the answer is delivered with proof: there is neither summons nor aviso.")


def _ground(session: Session, pqr: Pqr, move: Move, on: date) -> tuple[Facts, NoticeTerms, BusinessCalendar]:
    """Hold the case, refuse what the state or the regime does not know, and return what the domain decides with."""
    _hold(session, pqr, move, on)
    terms = terms_for(session, pqr)
    if terms is None:
        raise MoveRefused(NO_CHAIN)
    return facts_of(pqr).as_of(on), terms, queries.calendar_of(session, pqr.organisation)


def _hold(session: Session, pqr: Pqr, move: Move, on: date) -> None:
    """
    Lock the case for a step of its notice.

    Raises:
        IllegalMove: There is no answer, or it was notified.
        MoveRefused: The step is earlier than the answer, or the answer is served already.
    """
    queries.hold_calendar(session, pqr.organisation)
    queries.lock(session, pqr)
    arrow_for(move, pqr.status)
    if pqr.answered_on and on < pqr.answered_on:
        earlier = N_("The answer is of %(answered)s; it cannot be notified earlier.")
        raise MoveRefused(earlier, field="on", answered=f"{pqr.answered_on:%d/%m/%Y}")
    served = next((notice for notice in _of_answer(pqr) if notice.served_on), None)
    if served is not None and served.served_on:
        twice = N_("It is served on %(day)s by “%(means)s”; an answer is notified once.")
        raise MoveRefused(twice, field="on", day=f"{served.served_on:%d/%m/%Y}", means=served.means.value)


# ── What became of it ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Proof:
    """Who received it and how it was identified, or the file that shows it: one of them there must be."""

    text: str = ""
    file: StoredFile | None = None

    def as_columns(self) -> dict[str, Any]:
        """Return the columns of a notice. Raises MoveRefused for no proof at all."""
        if not self.text.strip() and self.file is None:
            raise MoveRefused(NO_PROOF, field="proof")
        return {"proof": self.text.strip() or (self.file.name if self.file else ""), "proof_file": self.file}


NO_PROOF = N_("A notice without proof is no notice: say who received it and how it was identified.")


def record_delivery(session: Session, notice: Notice, proof: Proof, *, on: date, at: datetime, actor_id: int | None) -> Notice:
    """
    Record that the carrier delivered a letter. An aviso is served at the end of the next working day, a plain delivery on that day.

    Raises:
        MoveRefused: No proof, carried by nobody, not under way any more, or delivered before it was sent, or in the future.
    """
    pqr = notice.pqr
    _hold(session, pqr, Move.RECORD_DELIVERY, on)
    _check_carried(notice, *_CARRIED)
    _check_under_way(notice, on)
    if on > local(at).date():
        raise MoveRefused(N_("That date is in the future."), field="on")
    _set(notice, result=NoticeResult.DELIVERED, delivered_on=on, **proof.as_columns())
    if notice.means is not NoticeMeans.SUMMONS:
        notice.served_on = chain.served_on_of(_attempt(notice), terms_for(session, pqr), queries.calendar_of(session, pqr.organisation))
    _write(session, notice, Move.RECORD_DELIVERY, on, at, actor_id)
    return notice


def record_return(
    session: Session, notice: Notice, reason: str, *, on: date, at: datetime, actor_id: int | None, proof: Proof | None = None
) -> Notice:
    """Record that a letter, or the message with a link, came back, and why. Raises MoveRefused without a reason, or for another notice."""
    pqr = notice.pqr
    _hold(session, pqr, Move.RECORD_DELIVERY, on)
    _check_carried(notice, *_CARRIED, NoticeMeans.E_LINK)
    _check_under_way(notice, on)
    if not reason.strip():
        raise MoveRefused(N_("Write why it came back: the next step depends on it."), field="reason")
    if proof is not None:
        notice.proof, notice.proof_file = proof.text.strip(), proof.file
    _return(notice, reason, on)
    _write(session, notice, Move.RECORD_DELIVERY, on, at, actor_id)
    return notice


def _return(notice: Notice, reason: str, on: date) -> None:
    notice.result, notice.returned_on, notice.return_reason = NoticeResult.RETURNED, on, reason.strip()[:200]


def _set(notice: Notice, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(notice, name, value)


#: What somebody carries to an address.
_CARRIED = (NoticeMeans.SUMMONS, NoticeMeans.AVISO, NoticeMeans.DELIVERY)


def _check_carried(notice: Notice, *means: NoticeMeans) -> None:
    if notice.means not in means:
        other = N_("Nobody carries this one, so it is neither delivered nor does it come back: a published aviso is taken down.")
        raise MoveRefused(other, field="attempt")


def _check_under_way(notice: Notice, on: date) -> None:
    if notice.result is not NoticeResult.PENDING:
        raise MoveRefused(N_("What became of this one is written already."), field="attempt")
    sent_on = _attempt(notice).on
    if on < sent_on:
        raise MoveRefused(N_("It left on %(sent)s; nothing happened to it before."), field="on", sent=f"{sent_on:%d/%m/%Y}")


def unpost_aviso(session: Session, notice: Notice, *, on: date, at: datetime, actor_id: int | None, proof: Proof | None = None) -> Notice:
    """
    Record that a published aviso came down; it is served at the end of the working day after.

    Raises:
        MoveRefused: Its days are not over, it came down before, or the date is in the future.
    """
    pqr = notice.pqr
    _hold(session, pqr, Move.UNPOST_AVISO, on)
    _check_under_way(notice, on)
    terms, calendar = terms_for(session, pqr), queries.calendar_of(session, pqr.organisation)
    if terms is None or notice.posted_on is None:
        raise MoveRefused(NO_CHAIN)
    served_on = chain.served_on_of_posting(notice.posted_on, on, terms, calendar)
    if on > local(at).date():
        raise MoveRefused(N_("That date is in the future."), field="on")
    _set(notice, result=NoticeResult.DELIVERED, unposted_on=on, served_on=served_on)
    if proof is not None:
        notice.proof, notice.proof_file = proof.text.strip(), proof.file
    _write(session, notice, Move.UNPOST_AVISO, on, at, actor_id)
    return notice


def _write(session: Session, notice: Notice, move: Move, on: date, at: datetime, actor_id: int | None) -> None:
    """Write the history of a result, and notify the case if its day has come."""
    session.flush()
    reason, pqr = notice.return_reason, notice.pqr
    make_move(session, pqr, move, at=at, actor_id=actor_id, on=_after_the_last(session, pqr, on), reason=reason, document=notice.paper)
    if notice.served_on and notice.served_on <= local(at).date():
        _notify(session, pqr, notice.served_on, at, actor_id, written_on=_after_the_last(session, pqr, notice.served_on))


def _after_the_last(session: Session, pqr: Pqr, on: date) -> date:
    """Return *on*, or the date of the last act if that is later: a carrier tells late what happened before."""
    last_on = session.scalar(select(CaseEvent.on).where(CaseEvent.pqr_id == pqr.id).order_by(CaseEvent.id.desc()).limit(1))
    return max(on, last_on or on)


# ── Served ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_notice(session: Session, pqr: Pqr, on: date) -> None:
    """Refuse, before its record is issued, a notice that could not count on *on*; raises as `record_notice`."""
    _hold(session, pqr, Move.NOTIFY, on)


def record_notice(
    session: Session,
    pqr: Pqr,
    *,
    served_on: date,
    proof: str,
    at: datetime,
    actor_id: int | None,
    proof_file: StoredFile | None = None,
    means: NoticeMeans = NoticeMeans.IN_PERSON,
    paper: Document | None = None,
) -> Notice:
    """
    Record a notice that counts on its own day: in person, by conduct (CPACA art. 72), or delivered with proof.

    Raises:
        MoveRefused: Without proof, before the answer, a second time, or delivered where the law wants summons and aviso.
    """
    if not proof.strip():
        raise MoveRefused(NO_PROOF, field="proof")
    _hold(session, pqr, Move.NOTIFY, served_on)
    if means is NoticeMeans.DELIVERY and terms_for(session, pqr) is not None:
        raise MoveRefused(N_("Under this regime a delivery alone is no notice: send the summons, and then the aviso."), field="way")
    came = means is NoticeMeans.IN_PERSON
    if came:
        _close_summons(pqr, NoticeResult.APPEARED)
    notice = Notice(
        pqr=pqr, means=means, result=NoticeResult.APPEARED if came else NoticeResult.DELIVERED, sent_at=at, sent_on=served_on,
        served_on=served_on, delivered_on=served_on if means is NoticeMeans.DELIVERY else None, proof=proof.strip(),
        proof_file=proof_file, paper=paper,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    _notify(session, pqr, served_on, at, actor_id, paper)
    return notice


def _close_summons(pqr: Pqr, result: NoticeResult) -> None:
    """Write what became of the summons that nobody sent back: the citizen came, or did not."""
    for notice in _of_answer(pqr):
        if notice.means is NoticeMeans.SUMMONS and notice.result in (NoticeResult.PENDING, NoticeResult.DELIVERED):
            notice.result = result


def _notify(
    session: Session, pqr: Pqr, on: date, at: datetime, actor_id: int | None, paper: Document | None = None, written_on: date | None = None
) -> None:
    """Move the case to NOTIFIED on *on*, the day that counts and from which the term to appeal runs; the history may write it later."""
    queries.hold_calendar(session, pqr.organisation)
    calendar, rules = queries.calendar_of(session, pqr.organisation), queries.term_rules(session)
    if pqr.appeal is not None:
        last = decisions.decision_served(session, pqr, on)
    else:
        last = appeal_until(on, rules, calendar) if admits_recursos(session, pqr) else None
    make_move(session, pqr, Move.NOTIFY, at=at, actor_id=actor_id, on=written_on or on, document=paper, notified_on=on, appeal_until=last)


def serve_due(session: Session, at: datetime) -> int:
    """
    Notify the answered cases whose aviso is served by the day of *at*; return how many. The caller commits.

    The aviso is served at the end of a day that was known when it was delivered or came down; this makes the case say so.
    """
    served = Notice.served_on <= local(at).date()
    due = select(Notice.pqr_id, func.min(Notice.served_on)).join(Notice.pqr).group_by(Notice.pqr_id).order_by(Notice.pqr_id)
    cases = session.execute(due.where(Pqr.status == PqrStatus.ANSWERED, served, Notice.document_id.is_(None))).all()
    return sum(_serve(session, session.get_one(Pqr, pqr_id), on, at) for pqr_id, on in cases)


def _serve(session: Session, pqr: Pqr, on: date, at: datetime) -> bool:
    """Notify one case; return False for one that cannot be tonight, because a year or a term is missing, and stops no other."""
    queries.hold_calendar(session, pqr.organisation)
    try:
        with session.begin_nested():
            queries.lock(session, pqr)
            if pqr.status is not PqrStatus.ANSWERED:  # somebody notified it while this waited
                return False
            _notify(session, pqr, on, at, None, written_on=_after_the_last(session, pqr, on))
    except DomainError as error:
        log.warning("not_served", case=pqr.number, why=str(error))
        return False
    return True


def admits_recursos(session: Session, pqr: Pqr, types: str | None = None) -> bool:
    """
    Say whether the answer admits recursos: those of certain request *types* (`appeal.types`), and only under Ley 142 (art. 154).

    Neither the decision of a recurso nor a letter that refers to an earlier answer opens the term again (CPACA art. 87; Ley 1755 art. 19).
    """
    if types is None:
        types = queries.parameter(session, "appeal.types")
    is_first = pqr.appeal is None and pqr.outcome is not Outcome.REFERRED
    return is_first and pqr.regime is Regime.LEY142 and pqr.request_type.code in (types or APPEALABLE).replace(" ", "").split(",")


def appeal_until(notified_on: date, rules: Iterable[TermRule], calendar: BusinessCalendar) -> date:
    """Return the last day to appeal an answer that admits it (Ley 142 arts. 154, 159)."""
    return term_end(notified_on, rule_for(rules, Regime.LEY142, TermAct.APPEAL, None, notified_on), calendar)
