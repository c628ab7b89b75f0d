"""
What anybody may try to do with a case, lawful or not, and whether the law lets it: an opinion formed apart from the operations.

A try picks its own arguments. With `careful` picks they are such as a diligent person would give; otherwise anything may come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import documents, queries
from app.documents import notices as letters
from app.documents import stops
from app.domain.appeals import AppealedAct
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import Regime, TermAct, TermRule, rule_for, silence_on, term_end
from app.domain.states import (
    APPEAL_OUTCOMES,
    ARROWS,
    FIRST_OUTCOMES,
    AnswerStatus,
    AppealKind,
    Category,
    DocumentKind,
    Identity,
    Move,
    NoticeMeans,
    NoticeResult,
    Outcome,
    PqrStatus,
    RequirementKind,
)
from app.extensions import local
from app.models import Appeal, Notice, Pqr, Process, RequestType, Requirement, Service
from app.operations import answers, appeals, notices, requirements, silence
from app.operations import pqr as operations
from app.verbs.base import VERBS


@dataclass(frozen=True)
class Try:
    """An operation with its arguments, and whether it has to succeed; what is not lawful has to be refused."""

    run: Callable[[], Any]
    is_lawful: bool


@dataclass
class House:
    """Where the cases live: the database, who works there, and the hour."""

    session: Session
    boss: User
    processes: Sequence[Process]
    types: Sequence[RequestType]
    services: Sequence[Service]
    now: datetime

    @property
    def today(self) -> date:
        return local(self.now).date()

    @property
    def who(self) -> dict[str, Any]:
        return {"at": self.now, "actor_id": self.boss.id}

    @property
    def signs(self) -> dict[str, Any]:
        return {"at": self.now, "issuer": self.boss}

    def calendar(self, pqr: Pqr) -> BusinessCalendar:
        return queries.calendar_of(self.session, pqr.organisation)

    def rule(self, pqr: Pqr, act: TermAct) -> TermRule:
        return rule_for(queries.term_rules(self.session), pqr.regime, act, pqr.request_type.code, pqr.filed_on)

    def end_of(self, pqr: Pqr, act: TermAct, start: date) -> date:
        """Return the last day of the term of *act* that runs from *start*."""
        return term_end(start, self.rule(pqr, act), self.calendar(pqr))

    def has_term(self, pqr: Pqr, act: TermAct) -> bool:
        rules = queries.term_rules(self.session)
        return any(rule.regime is pqr.regime and rule.act is act and rule.request_type in (None, pqr.request_type.code) for rule in rules)

    def requirements(self, pqr: Pqr) -> Sequence[Requirement]:
        """Return what was asked in the case, oldest first."""
        return self.session.scalars(select(Requirement).where(Requirement.pqr_id == pqr.id).order_by(Requirement.id)).all()


@dataclass
class Pick:
    """Chooses arguments: a careful one only good ones, and without *draw* the last of them."""

    draw: Callable[[st.SearchStrategy[Any]], Any] | None = None
    careful: bool = True

    def one(self, good: Sequence[Any], *bad: Any) -> Any:
        if self.draw is None:
            return good[-1]
        return self.draw(st.sampled_from([*good] if self.careful else [*good, *bad]))

    def text(self, good: str) -> str:
        return self.one([good], good, "", " \n")

    def day(self, first: date, last: date) -> date:
        """Pick a day from *first* to *last*; a careless one may fall a week outside."""
        if self.draw is None:
            return last
        slack = 0 if self.careful else 7
        return first + timedelta(self.draw(st.integers(-slack, (last - first).days + slack)))


Maker = Callable[[House, Pqr, Pick], Try]
TRIES: dict[str, Maker] = {}
_MOVES: dict[str, tuple[Move, ...]] = {}


def a_try(*moves: Move) -> Callable[[Maker], Maker]:
    """Put a try into the table; it is of use where one of *moves* may be made, and anywhere when it makes none."""

    def keep(make: Maker) -> Maker:
        TRIES[make.__name__], _MOVES[make.__name__] = make, moves
        return make

    return keep


def possible(house: House, pqr: Pqr) -> list[Maker]:
    """Return the tries with which the case goes on today, but those that end it early or lead in circles."""
    near = [TRIES[name] for name, moves in _MOVES.items() if name not in _ASTRAY and any(may(move, pqr) for move in moves)]
    return [make for make in near if make(house, pqr, Pick()).is_lawful and not (make is draft and pqr.answer)]


_ASTRAY = ("transfer", "void", "reclassify", "send_link", "return_to_desk", "return_solution")


def may(move: Move, pqr: Pqr) -> bool:
    return pqr.status in ARROWS[move].sources


def said(*texts: str) -> bool:
    return all(text.strip() for text in texts)


def last_on(pqr: Pqr) -> date:
    return pqr.events[-1].on


def last_clock(pqr: Pqr) -> date:
    """Return the day of the last stop or resume; before the first, that of the filing."""
    return max([pqr.filed_on, *(event.on for event in pqr.events if event.clock)])


# ── Who has it ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@a_try(Move.ROUTE)
def route(house: House, pqr: Pqr, pick: Pick) -> Try:
    process, reason = pick.one(house.processes), pick.text("Es de su área")
    is_there = pqr.status is PqrStatus.ROUTED and pqr.process_id == process.id and pqr.holder_id is None
    return Try(
        lambda: operations.route(house.session, pqr, process, reason, **house.who),
        may(Move.ROUTE, pqr) and said(reason) and not is_there,
    )


@a_try(Move.RETURN_TO_DESK)
def return_to_desk(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason = pick.text("No es de esta área")
    return Try(
        lambda: operations.return_to_desk(house.session, pqr, reason, **house.who),
        may(Move.RETURN_TO_DESK, pqr) and said(reason) and not pqr.process.is_front_desk,
    )


@a_try()
def reclassify(house: House, pqr: Pqr, pick: Pick) -> Try:
    kind, service = pick.one(house.types), pick.one([pqr.service, *house.services])
    law = kind.regime or (service.regime if service else None) or pqr.organisation.regime
    is_open, is_other = pqr.status.category in (Category.OPEN, Category.STOPPED), kind is not pqr.request_type
    is_told_longer = bool(pqr.n_extended) and is_open and (is_other or law is not pqr.regime)
    return Try(
        lambda: operations.reclassify(house.session, pqr, kind, service),
        not is_told_longer and (not is_other or (is_open and pqr.appeal is None)),
    )


@a_try(Move.VOID)
def void(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason = pick.text("Se radicó dos veces")
    return Try(lambda: operations.void(house.session, pqr, reason, **house.who), may(Move.VOID, pqr) and said(reason))


@a_try(Move.TRANSFER)
def transfer(house: House, pqr: Pqr, pick: Pick) -> Try:
    body, address, reason = pick.text("Alcaldía"), pick.text("Calle 1"), pick.text("Es de la alcaldía")
    return Try(
        lambda: stops.transfer(house.session, pqr, body, address, reason, **house.signs),
        may(Move.TRANSFER, pqr) and said(body, address, reason),
    )


# ── What stops the clock ──────────────────────────────────────────────────────────────────────────────────────────────────


def _may_ask(house: House, pqr: Pqr, kind: RequirementKind) -> bool:
    """Say whether something may be asked or ordered today: somebody to tell, nothing pending, not twice, the term runs."""
    rows = house.requirements(pqr)
    return (
        pqr.identity is not Identity.ANONYMOUS
        and all(row.ended_on for row in rows)
        and (kind is RequirementKind.EVIDENCE or all(row.kind is not kind for row in rows))
        and pqr.due_on is not None
        and house.today <= pqr.due_on
    )


@a_try(Move.ISSUE_REQUEST)
def ask_to_complete(house: House, pqr: Pqr, pick: Pick) -> Try:
    what, kind = pick.text("La factura"), RequirementKind.COMPLETION
    has_terms = house.has_term(pqr, TermAct.REQUEST_COMPLETION) and house.has_term(pqr, TermAct.COMPLETE)
    return Try(
        lambda: stops.issue(house.session, pqr, kind, what, **house.signs),
        may(Move.REQUEST_COMPLETION, pqr)
        and said(what)
        and _may_ask(house, pqr, kind)
        and has_terms
        and house.today <= house.end_of(pqr, TermAct.REQUEST_COMPLETION, pqr.effective_on),
    )


@a_try(Move.ISSUE_REQUEST)
def ask_to_clarify(house: House, pqr: Pqr, pick: Pick) -> Try:
    what, kind = pick.text("No se entiende qué pide"), RequirementKind.CLARIFICATION
    return Try(
        lambda: stops.issue(house.session, pqr, kind, what, **house.signs),
        may(Move.CLARIFY, pqr) and said(what) and _may_ask(house, pqr, kind) and house.has_term(pqr, TermAct.CLARIFY),
    )


@a_try(Move.ORDER_EVIDENCE)
def order_evidence(house: House, pqr: Pqr, pick: Pick) -> Try:
    what, reason, kind = pick.text("Revisar el medidor"), pick.text("Hay que medir"), RequirementKind.EVIDENCE
    until = house.today + timedelta(pick.one([6, 20], 0, 60))
    is_lawful = may(Move.ORDER_EVIDENCE, pqr) and _may_ask(house, pqr, kind) and house.has_term(pqr, TermAct.EVIDENCE)
    is_lawful = is_lawful and said(what, reason)
    if is_lawful:
        spent = sum(
            house.calendar(pqr).between(row.told_on, row.ended_on)
            for row in house.requirements(pqr)
            if row.kind is kind and row.told_on and row.ended_on
        )
        left = house.rule(pqr, TermAct.EVIDENCE).value - spent
        is_lawful = left > 0 and house.today < until <= house.calendar(pqr).add(house.today, left)
    return Try(lambda: stops.issue(house.session, pqr, kind, what, reason=reason, until=until, **house.signs), is_lawful)


@a_try(Move.REQUEST_COMPLETION, Move.CLARIFY, Move.ORDER_EVIDENCE)
def tell(house: House, pqr: Pqr, pick: Pick) -> Try:
    """The citizen is told what was asked or ordered, perhaps a while ago."""
    row = next(reversed(house.requirements(pqr)), None)
    if row is None:
        return ask_to_complete(house, pqr, pick)
    how, on = pick.text("Correo certificado, guía 77"), pick.day(min(house.today, max(row.issued_on, last_clock(pqr))), house.today)
    is_known = row.kind is RequirementKind.EVIDENCE or house.has_term(pqr, requirements.CITIZEN_TERM[row.kind])
    return Try(
        lambda: requirements.tell(house.session, row, on=on, how=how, **house.who),
        may(requirements.TOLD[row.kind], pqr)
        and said(how)
        and not row.told_on
        and not row.ended_on
        and is_known
        and max(row.issued_on, last_clock(pqr)) <= on <= min(house.today, pqr.due_on or date.max)
        and (row.kind is not RequirementKind.EVIDENCE or on < row.until_on),
    )


def _waits_for(house: House, pqr: Pqr, kind: RequirementKind) -> Requirement | None:
    row = next((row for row in house.requirements(pqr) if not row.ended_on), None)
    return row if row and row.told_on and row.kind is kind else None


@a_try(Move.EXTEND_COMPLETION)
def give_more_time(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason, row = pick.text("Pidió más plazo"), _waits_for(house, pqr, RequirementKind.COMPLETION)
    on = pick.day(last_on(pqr), house.today)
    return Try(
        lambda: requirements.extend_completion(house.session, pqr, reason, on=on, **house.who),
        may(Move.EXTEND_COMPLETION, pqr)
        and said(reason)
        and row is not None
        and row.extended_until is None
        and house.has_term(pqr, TermAct.COMPLETE)
        and last_on(pqr) <= on <= min(house.today, row.until_on),
    )


@a_try(Move.COMPLETE_PARTLY)
def complete_partly(house: House, pqr: Pqr, pick: Pick) -> Try:
    came, on = pick.text("Trajo una parte"), pick.day(last_on(pqr), house.today)
    return Try(
        lambda: requirements.complete_partly(house.session, pqr, came, on=on, **house.who),
        may(Move.COMPLETE_PARTLY, pqr) and said(came) and last_on(pqr) <= on <= house.today,
    )


@a_try(Move.COMPLETE)
def complete(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason, on = pick.text("Trajo la factura"), pick.day(last_on(pqr), house.today)
    return Try(
        lambda: requirements.complete(house.session, pqr, reason, on=on, **house.who),
        may(Move.COMPLETE, pqr) and said(reason) and last_on(pqr) <= on <= house.today,
    )


def _lapse(house: House, pqr: Pqr, pick: Pick, move: Move, kind: RequirementKind, run: Callable[..., Any]) -> Try:
    reason, row = pick.text("No respondió en su plazo"), _waits_for(house, pqr, kind)
    return Try(
        lambda: run(house.session, pqr, reason, **house.signs),
        may(move, pqr)
        and said(reason)
        and row is not None
        and house.today > (row.extended_until or row.until_on)
        and house.has_term(pqr, requirements.CITIZEN_TERM[kind]),
    )


@a_try(Move.WITHDRAW)
def withdraw(house: House, pqr: Pqr, pick: Pick) -> Try:
    return _lapse(house, pqr, pick, Move.WITHDRAW, RequirementKind.COMPLETION, stops.withdraw)


@a_try(Move.ARCHIVE)
def archive(house: House, pqr: Pqr, pick: Pick) -> Try:
    return _lapse(house, pqr, pick, Move.ARCHIVE, RequirementKind.CLARIFICATION, stops.archive)


@a_try(Move.CLOSE_EVIDENCE)
def close_evidence(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason, row = pick.text("Llegó el resultado"), _waits_for(house, pqr, RequirementKind.EVIDENCE)
    latest = min(house.today, row.until_on) if row else house.today
    on = pick.day(min(last_on(pqr), latest), latest)
    return Try(
        lambda: requirements.close_evidence(house.session, pqr, reason, on=on, **house.who),
        may(Move.CLOSE_EVIDENCE, pqr) and said(reason) and last_on(pqr) <= on <= latest,
    )


@a_try(Move.EXTEND)
def extend(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason, how, extra = pick.text("Falta el laboratorio"), pick.text("Correo certificado"), pick.one([1, 5], 0, 9, 40)
    is_lawful = may(Move.EXTEND, pqr) and said(reason, how) and not pqr.n_extended and house.has_term(pqr, TermAct.EXTENSION)
    return Try(
        lambda: stops.extend(house.session, pqr, extra, reason, how, **house.signs),
        is_lawful and 0 < extra <= house.rule(pqr, TermAct.EXTENSION).value and house.today <= (pqr.due_on or date.min),
    )


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_recognised(pqr: Pqr) -> bool:
    return pqr.silence is not None and pqr.silence.recognised_on is not None


def grants(outcome: Outcome | None) -> bool:
    """Say whether the answer leaves what a recognised silence granted (CPACA art. 97)."""
    return outcome in (Outcome.GRANTED, Outcome.REVOKED)


@a_try(Move.SOLVE)
def solve(house: House, pqr: Pqr, pick: Pick) -> Try:
    solution, known = pick.text("Se revisó el medidor"), [one for one in FIRST_OUTCOMES if one is not Outcome.REFERRED]
    if pqr.appeal:
        known = APPEAL_OUTCOMES if pqr.appeal.is_timely or is_recognised(pqr) else (Outcome.REJECTED,)
    known = [one for one in known if grants(one)] if is_recognised(pqr) else known
    outcome = pick.one(known, *Outcome)
    return Try(
        lambda: operations.solve(house.session, pqr, solution, outcome, **house.who),
        may(Move.SOLVE, pqr) and said(solution) and outcome in known,
    )


@a_try(Move.RETURN_SOLUTION)
def return_solution(house: House, pqr: Pqr, pick: Pick) -> Try:
    reason = pick.text("Falta la lectura")
    return Try(
        lambda: operations.return_solution(house.session, pqr, reason, **house.who),
        may(Move.RETURN_SOLUTION, pqr) and said(reason),
    )


@a_try(Move.SOLVE, Move.ISSUE_ANSWER)
def draft(house: House, pqr: Pqr, pick: Pick) -> Try:
    body = pick.text("Señora usuaria: revisamos el medidor.")
    return Try(
        lambda: answers.save_draft(house.session, pqr, body, house.boss.id),
        said(body) and pqr.status.category in (Category.OPEN, Category.STOPPED),
    )


@a_try(Move.ISSUE_ANSWER)
def issue(house: House, pqr: Pqr, pick: Pick) -> Try:
    return Try(
        lambda: documents.issue_answer(house.session, pqr, house.boss, house.now),
        may(Move.ISSUE_ANSWER, pqr)
        and pqr.answer is not None
        and pqr.answer.status is AnswerStatus.DRAFT
        and (grants(pqr.outcome) or not is_recognised(pqr)),
    )


# ── Its notice ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_served(pqr: Pqr) -> bool:
    return any(notice.served_on for notice in pqr.notices)


def may_step(house: House, pqr: Pqr, move: Move, on: date) -> bool:
    """Say whether a step of the notice may be dated so: after the answer, not in the future, and nothing has served it yet."""
    return may(move, pqr) and not is_served(pqr) and (pqr.answered_on or date.max) <= on <= house.today


@a_try(Move.NOTIFY)
def send_link(house: House, pqr: Pqr, pick: Pick) -> Try:
    return Try(
        lambda: notices.start_e_notice(house.session, pqr, at=house.now),
        pqr.status is PqrStatus.ANSWERED and pqr.is_e_notice,
    )


@a_try(Move.NOTIFY)
def open_link(house: House, pqr: Pqr, pick: Pick) -> Try:
    link = next((notice for notice in pqr.notices if notice.means is NoticeMeans.E_LINK), None)
    if link is None:
        return send_link(house, pqr, pick)
    return Try(lambda: notices.serve_e_notice(house.session, link, at=house.now, address="203.0.113.9"), True)


@a_try(Move.SUMMON)
def summon(house: House, pqr: Pqr, pick: Pick) -> Try:
    on, address = pick.day(last_on(pqr), house.today), pick.text("Carrera 1 # 2-3")
    return Try(
        lambda: letters.issue_summons(house.session, pqr, notices.Sending(on, address.strip()), **house.signs),
        may_step(house, pqr, Move.SUMMON, on)
        and last_on(pqr) <= on
        and said(address)
        and pqr.identity is not Identity.ANONYMOUS
        and house.has_term(pqr, TermAct.SUMMONS),
    )


@a_try(Move.SEND_AVISO)
def send_aviso(house: House, pqr: Pqr, pick: Pick) -> Try:
    is_posted = pick.one([False, True])
    sending = {"posted_where": "Cartelera"} if is_posted else {"address": "Carrera 1 # 2-3"}
    summons = next((one for one in reversed(pqr.notices) if one.means is NoticeMeans.SUMMONS), None)
    first = house.calendar(pqr).add(summons.appear_by, 1) if summons else pqr.answered_on or house.today
    on = pick.day(min(house.today, max(first, last_on(pqr))), house.today)
    paper = [one for one in pqr.notices if one.means is not NoticeMeans.E_LINK]
    came_back = any(one.result is NoticeResult.RETURNED and one.returned_on <= on for one in paper)
    return Try(
        lambda: letters.issue_aviso(house.session, pqr, notices.Sending(on, **sending), **house.signs),
        may_step(house, pqr, Move.POST_AVISO if is_posted else Move.SEND_AVISO, on)
        and max(first, last_on(pqr)) <= on
        and (summons is not None or pqr.identity is Identity.ANONYMOUS)
        and (not is_posted or came_back or not notices.where_to(pqr))
        and house.has_term(pqr, TermAct.SUMMONS),
    )


def _under_way(pqr: Pqr, pick: Pick, *means: NoticeMeans) -> Notice | None:
    """Pick an attempt that went out; a careless pick may take any."""
    good = [one for one in pqr.notices if one.result is NoticeResult.PENDING and one.means in means]
    return pick.one(good, *pqr.notices) if good or (pqr.notices and not pick.careful) else None


@a_try(Move.RECORD_DELIVERY)
def record_delivery(house: House, pqr: Pqr, pick: Pick) -> Try:
    notice = _under_way(pqr, pick, NoticeMeans.SUMMONS, NoticeMeans.AVISO)
    if notice is None:
        return summon(house, pqr, pick)
    on, proof = pick.day(min(house.today, notice.sent_on), house.today), pick.text("Recibió Luz, CC 52")
    return Try(
        lambda: notices.record_delivery(house.session, notice, notices.Proof(proof), on=on, **house.who),
        may_step(house, pqr, Move.RECORD_DELIVERY, on)
        and notice.means in (NoticeMeans.SUMMONS, NoticeMeans.AVISO)
        and notice.result is NoticeResult.PENDING
        and notice.sent_on <= on
        and said(proof),
    )


@a_try(Move.RECORD_DELIVERY)
def record_return(house: House, pqr: Pqr, pick: Pick) -> Try:
    notice = _under_way(pqr, pick, NoticeMeans.SUMMONS, NoticeMeans.AVISO, NoticeMeans.E_LINK)
    if notice is None:
        return summon(house, pqr, pick)
    on, reason = pick.day(min(house.today, notice.sent_on), house.today), pick.text("Dirección errada")
    return Try(
        lambda: notices.record_return(house.session, notice, reason, on=on, **house.who),
        may_step(house, pqr, Move.RECORD_DELIVERY, on)
        and notice.means is not NoticeMeans.AVISO_POSTED
        and notice.result is NoticeResult.PENDING
        and notice.sent_on <= on
        and said(reason),
    )


@a_try(Move.UNPOST_AVISO)
def take_down(house: House, pqr: Pqr, pick: Pick) -> Try:
    notice = _under_way(pqr, pick, NoticeMeans.AVISO_POSTED)
    if notice is None:
        return send_aviso(house, pqr, pick)
    on = pick.day(min(house.today, notice.post_until or house.today), house.today)
    return Try(
        lambda: notices.unpost_aviso(house.session, notice, on=on, **house.who),
        may_step(house, pqr, Move.UNPOST_AVISO, on)
        and notice.means is NoticeMeans.AVISO_POSTED
        and notice.result is NoticeResult.PENDING
        and notice.post_until <= on,
    )


@a_try(Move.NOTIFY)
def notify(house: House, pqr: Pqr, pick: Pick) -> Try:
    """In person, by what the citizen shows to know, or by a plain delivery where the law asks for no more."""
    proof, on = pick.text("Recibió Luz, CC 52"), pick.day(last_on(pqr), house.today)
    means = pick.one([NoticeMeans.CONDUCT, NoticeMeans.IN_PERSON], NoticeMeans.DELIVERY)
    return Try(
        lambda: notices.record_notice(house.session, pqr, served_on=on, proof=proof, means=means, **house.who),
        may_step(house, pqr, Move.NOTIFY, on)
        and said(proof)
        and last_on(pqr) <= on
        and not (means is NoticeMeans.DELIVERY and house.has_term(pqr, TermAct.SUMMONS)),
    )


# ── Silence, appeal and end ───────────────────────────────────────────────────────────────────────────────────────────────


@a_try(Move.RECOGNISE)
def recognise(house: House, pqr: Pqr, pick: Pick) -> Try:
    grants, row = pick.text("Se reliquida la factura"), silence.in_force(house.session, pqr)
    is_over = row is not None or silence_on(pqr.due_on, house.today, pqr.answered_on, pqr.regime)
    return Try(
        lambda: VERBS[Move.RECOGNISE].run(house.session, pqr, {"grants": grants, "order_id": "", "change_id": ""}, house.who),
        may(Move.RECOGNISE, pqr)
        and said(grants)
        and (is_over or _is_at_risk(house, pqr))
        and (row is None or not row.recognised_on),
    )


def _is_at_risk(house: House, pqr: Pqr) -> bool:
    """Say whether the answer was not duly notified; nothing simpler than the chain itself tells it."""
    acts = queries.case_acts(house.session, pqr)
    return bool(pqr.answered_on) and silence.is_at_risk(pqr, notices.chain_of(house.session, pqr, house.today, acts))


def appeals_of(house: House, pqr: Pqr) -> Sequence[Appeal]:
    return house.session.scalars(select(Appeal).where(Appeal.against_id == pqr.id)).all()


def is_alive(appeal: Appeal) -> bool:
    return not appeal.pqr.status.is_final


@a_try(Move.APPEAL)
def appeal(house: House, pqr: Pqr, pick: Pick) -> Try:
    body, kind = pick.text("No estoy de acuerdo"), pick.one(list(AppealKind))
    brief = appeals.Brief(kind, pick.one(list(AppealedAct)[::-1]), pick.day(pqr.answered_on or house.today, house.today))
    admitted = [one for one in appeals_of(house, pqr) if one.is_admitted and one.pqr.status is not PqrStatus.VOIDED]
    is_second = pqr.status is PqrStatus.APPEALED and bool(admitted)
    return Try(
        lambda: appeals.file_appeal(
            house.session, appeals.filing_against(house.session, pqr, kind, pqr.channel, body), brief, **house.who
        ),
        pqr.appeal is None
        and pqr.regime is Regime.LEY142
        and pqr.status in (PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED)
        and said(body)
        and pqr.answered_on <= brief.received_on <= house.today
        and not is_second,
    )


@a_try(Move.SEND_TO_SSPD)
def send_to_sspd(house: House, pqr: Pqr, pick: Pick) -> Try:
    """The file is made, of one page, and leaves."""
    proof, on = pick.text("Radicado 2026-1"), pick.day(last_on(pqr), house.today)
    appeal = pqr.appeal

    def run() -> None:
        appeals.check_sendable(house.session, pqr)
        fields = dict.fromkeys(documents.ACTS[DocumentKind.SSPD_LETTER].fields, "1")
        letter = documents.issue_act(house.session, appeal.against, DocumentKind.SSPD_LETTER, fields=fields, **house.signs)
        appeals.keep_file(house.session, pqr, appeals.Made(letter, letter.file, letter))
        appeals.record_transfer(house.session, pqr, on=on, proof=proof, **house.who)

    return Try(
        run,
        may(Move.SEND_TO_SSPD, pqr)
        and appeal is not None
        and appeal.kind is AppealKind.REPOSICION_APELACION
        and pqr.outcome is not Outcome.REVOKED
        and appeal.sspd_sent_on is None
        and said(proof)
        and max(pqr.notified_on, last_on(pqr)) <= on <= house.today,
    )


@a_try(Move.RECORD_RESULT)
def record_result(house: House, pqr: Pqr, pick: Pick) -> Try:
    number, on, result = pick.text("SSPD 77"), pick.day(last_on(pqr), house.today), pick.one(APPEAL_OUTCOMES, Outcome.GRANTED)
    appeal = pqr.appeal
    return Try(
        lambda: appeals.record_result(house.session, pqr, result, on=on, number=number, **house.who),
        may(Move.RECORD_RESULT, pqr)
        and appeal is not None
        and appeal.sspd_sent_on is not None
        and appeal.sspd_result is None
        and result in APPEAL_OUTCOMES
        and said(number)
        and max(appeal.sspd_sent_on, last_on(pqr)) <= on <= house.today,
    )


def waits_for_sspd(pqr: Pqr) -> bool:
    appeal = pqr.appeal
    if appeal is None or appeal.sspd_result or appeal.kind is AppealKind.REPOSICION:
        return False
    return appeal.sspd_sent_on is not None or pqr.outcome in (Outcome.CONFIRMED, Outcome.MODIFIED)


@a_try(Move.CLOSE)
def close(house: House, pqr: Pqr, pick: Pick) -> Try:
    waiver = pick.one(["Renunció por escrito", ""])
    is_over = pqr.status is PqrStatus.NOTIFIED and (pqr.appeal_until is None or house.today > pqr.appeal_until)
    is_held = any(one.is_timely and is_alive(one) for one in appeals_of(house, pqr)) or (
        waits_for_sspd(pqr) and not (waiver and pqr.appeal.sspd_sent_on is None)
    )
    return Try(
        lambda: operations.close(house.session, pqr, waiver=waiver, **house.who),
        may(Move.CLOSE, pqr) and not is_held and (is_over or bool(waiver)),
    )


def finish(house: House, pqr: Pqr, pick: Pick) -> Try | None:
    """Return the next step of a diligent house towards the end of the case; None where it only has to wait."""
    if pqr.status is PqrStatus.APPEALED:
        return None  # until its appeal is over
    if pqr.status is PqrStatus.NOTIFIED and waits_for_sspd(pqr):
        return (record_result if pqr.appeal.sspd_sent_on else send_to_sspd)(house, pqr, pick)
    if pqr.status is PqrStatus.NOTIFIED and any(map(is_alive, appeals_of(house, pqr))):
        return None
    if pqr.status is PqrStatus.SOLVED and is_recognised(pqr) and not grants(pqr.outcome):
        return return_solution(house, pqr, pick)
    if pqr.status in (PqrStatus.ROUTED, PqrStatus.SOLVED) and pqr.answer is None:
        return draft(house, pqr, pick)
    return ENDING[pqr.status](house, pqr, pick)


ENDING = {
    PqrStatus.RECEIVED: route,
    PqrStatus.ROUTED: solve,
    PqrStatus.AWAITING_USER: complete,
    PqrStatus.EVIDENCE: close_evidence,
    PqrStatus.SOLVED: issue,
    PqrStatus.ANSWERED: notify,
    PqrStatus.NOTIFIED: close,
}


def instant(day: str) -> datetime:
    """Return ten in the morning in Bogotá."""
    return datetime.fromisoformat(f"{day}T10:00-05:00").astimezone(UTC)
