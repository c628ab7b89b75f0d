"""
Writes the cases of an earlier log, many at once, each with its history, its ledger and its silence; and takes a whole import back.

What a row becomes is judged before (`domain/pastcases.py`). Nothing here leaves the house: no mail, no webhook. The rows get no line in
the change log, for the file that they come from is kept and their history names it. See docs/rules/past-cases.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app import audit, queries, search
from app.domain import N_
from app.domain.calendar import local_day
from app.domain.errors import MoveRefused
from app.domain.pastcases import PastCase, Reason, Verdict
from app.domain.states import DocumentType, Identity, Move, PqrStatus, SilenceGround
from app.domain.text import plain
from app.extensions import LANGUAGE, LOCAL_ZONE, local
from app.models import (
    Account,
    Answer,
    Appeal,
    Assignment,
    CaseEvent,
    Channel,
    Document,
    FieldOrder,
    Financing,
    InvoiceChange,
    Note,
    Organisation,
    OutboxMessage,
    Party,
    Pqr,
    Requirement,
    Service,
    Silence,
    StoredFile,
)
from app.operations import pqr as moves
from app.operations.numbers import new_access_key, next_block
from app.operations.pqr import stored_dates
from app.pour import pour

#: Numbers of imported cases are a series of their own: what was filed here keeps its numbers without gaps and in order.
PREFIX = "ANT"
#: Code of the channel of what came by nobody knows which.
UNTOLD = "NO_CONSTA"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where cases come from: the log as its user named it, the import, who imports and when."""

    source: str
    batch_id: int
    at: datetime
    actor_id: int | None = None

    @property
    def act(self) -> str:
        """What backs each line of the history of an imported case; by it an import finds its cases again."""
        return act_of(self.batch_id)


@dataclass(slots=True)
class Incoming:
    """A row on its way to be a case: what it tells, what became of it, and the rows of ours that it names."""

    case: PastCase
    verdict: Verdict
    token: str
    request_type_id: int
    channel_id: int
    subject: str
    body: str
    party_id: int | None = None
    account_id: int | None = None
    service_id: int | None = None
    cause_id: int | None = None
    invoice_number: str | None = None
    solution: str | None = None
    remarks: list[str] = field(default_factory=list)


def act_of(batch_id: int) -> str:
    return f"IMP-{batch_id}"


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hold_series(session: Session, organisation: Organisation, rows: Iterable[PastCase]) -> None:
    """Take the series that *rows* will number from, before asking which of them are there: two imports at once follow each other."""
    queries.hold_calendar(session, organisation)
    for year in _years(rows):
        next_block(session, organisation.id, PREFIX, year, 0)


def known(session: Session, organisation: Organisation, source: str, numbers: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return by number in *source* our number and the token of those cases that are here."""
    columns = select(Pqr.source_number, Pqr.number, Pqr.submission)
    found = session.execute(columns.where(Pqr.organisation_id == organisation.id, Pqr.source == source, Pqr.source_number.in_(numbers)))
    return {source_number: (number, token) for source_number, number, token in found}


def write_cases(session: Session, organisation: Organisation, origin: Origin, rows: Sequence[Incoming]) -> dict[str, int]:
    """
    Store *rows* as cases with history, ledger and silence; return their ids by number in the log. One statement a table.

    The caller holds the series and knows that none of them is here (`hold_series`, `known`), and commits.
    """
    if not rows:
        return {}
    words, desk = _Words(origin), queries.front_desk(session).id
    numbers = _number(session, organisation, [row.case for row in rows])
    stamp = {"created_at": origin.at, "changed_at": origin.at, "created_by_id": origin.actor_id, "changed_by_id": origin.actor_id}
    own = {"organisation_id": organisation.id, "source": origin.source, **stamp}
    lines = [own | _columns(row, number, desk) for row, number in zip(rows, numbers, strict=True)]
    pour(session, Pqr.__table__, lines)
    ids = _ids(session, organisation, origin.source, [row.case.number for row in rows])
    pairs = [(row, ids[row.case.number]) for row in rows]
    pour(session, CaseEvent.__table__, [line for row, key in pairs for line in _events(row, key, origin, desk, words)])
    pour(session, Assignment.__table__, [line for row, key in pairs for line in _ledger(row, key, desk)])
    pour(session, Silence.__table__, [_silence(row, key) | stamp for row, key in pairs if row.verdict.silence])
    search.index_new(session, Pqr, list(ids.values()))
    return ids


def _years(cases: Iterable[PastCase]) -> list[int]:
    return sorted({case.filed.year for case in cases if case.filed})


def _number(session: Session, organisation: Organisation, cases: Sequence[PastCase]) -> list[str]:
    """Return the numbers of *cases* in their order; one statement a year, the years in order."""
    wanted = Counter(case.filed.year for case in cases if case.filed)
    blocks = {year: iter(next_block(session, organisation.id, PREFIX, year, wanted[year])) for year in sorted(wanted)}
    return [next(blocks[case.filed.year]) for case in cases if case.filed]


def _ids(session: Session, organisation: Organisation, source: str, numbers: Sequence[str]) -> dict[str, int]:
    condition = and_(Pqr.organisation_id == organisation.id, Pqr.source == source, Pqr.source_number.in_(numbers))
    found = dict(session.execute(select(Pqr.source_number, Pqr.id).where(condition)).all())
    return {number: found[number] for number in numbers}


def _instant(day: datetime | date) -> datetime:
    """Return when a day of the log began here; the log rarely has an hour, and midnight says so."""
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    return moment.replace(tzinfo=LOCAL_ZONE).astimezone(UTC)


def _columns(row: Incoming, number: str, desk: int) -> dict[str, Any]:
    """Return the columns of the case."""
    case, verdict = row.case, row.verdict
    rule, deadline = verdict.rule, verdict.deadline
    assert case.filed is not None and rule is not None and deadline is not None
    is_held = verdict.status in (PqrStatus.ROUTED, PqrStatus.SOLVED)
    return {
        "number": number, "access_key": new_access_key(), "submission": row.token, "status": verdict.status,
        "request_type_id": row.request_type_id, "regime": case.regime, "channel_id": row.channel_id,
        "identity": Identity.NAMED if row.party_id else Identity.ANONYMOUS, "party_id": row.party_id, "account_id": row.account_id,
        "service_id": row.service_id, "cause_id": row.cause_id, "subject": row.subject, "body": row.body, "is_priority": False,
        "is_e_notice": False, "invoice_number": row.invoice_number, "source_number": case.number, "source_due_on": case.due_on,
        "filed_at": _instant(case.filed), "filed_on": local_day(case.filed), "term_id": rule.id, "term_value": rule.value,
        "term_unit": rule.unit, "term_count_from": rule.count_from, **stored_dates(verdict.status, deadline), "n_extended": 0,
        "process_id": case.process if is_held else desk, "solution": row.solution, "solved_on": verdict.solved_on,
        "outcome": verdict.outcome, "answered_on": verdict.answered_on, "notified_on": verdict.notified_on,
        "appeal_until": verdict.appeal_until, "closed_on": verdict.closed_on,
    }  # fmt: skip


class _Words:
    """What the history says, in the language of the acts; looked up once an import."""

    def __init__(self, origin: Origin) -> None:
        with force_locale(LANGUAGE):
            self._texts = {reason: _(reason.value) for reason in Reason}
        self._source = origin.source

    def of(self, row: Incoming, reason: Reason | None) -> str:
        if reason is None:
            return ""
        text = self._texts[reason]
        if reason is not Reason.IMPORTED:
            return text
        return " ".join([text % {"source": self._source, "number": row.case.number}, *row.remarks])


def _events(row: Incoming, pqr_id: int, origin: Origin, desk: int, words: _Words) -> Iterable[dict[str, Any]]:
    """Yield the history: recorded now, in effect on the days of the log, told by whoever imported it."""
    common = {"pqr_id": pqr_id, "at": origin.at, "actor_id": origin.actor_id, "act": origin.act}
    before, holder, last_on = None, desk, None
    for step in row.verdict.steps:
        if step.move is Move.ROUTE:
            holder = row.case.process
        elif step.move is Move.ISSUE_ANSWER or step.status.is_final:
            holder = desk
        yield common | {
            "on_date": step.on, "move": step.move, "from_status": before, "to_status": step.status, "process_id": holder,
            "reason": words.of(row, step.reason),
        }  # fmt: skip
        before, last_on = step.status, step.on
    if row.verdict.silence:
        on = max(row.verdict.silence.on, last_on or row.verdict.silence.on)
        yield common | {
            "on_date": on, "move": Move.SILENCE, "from_status": before, "to_status": before, "process_id": holder, "reason": "",
        }  # fmt: skip


def _ledger(row: Incoming, pqr_id: int, desk: int) -> Iterable[dict[str, Any]]:
    """Yield who had the case from when to when: the desk, the process that the log names, and from the answer the desk again."""
    assert row.case.filed is not None
    turns = [(desk, _instant(row.case.filed))]
    ended_at = None
    for step in row.verdict.steps[1:]:
        at = max(_instant(step.on), turns[-1][1])
        if step.status.is_final:
            ended_at = at
        elif step.move is Move.ROUTE and row.case.process != turns[-1][0]:
            turns.append((row.case.process, at))
        elif step.move is Move.ISSUE_ANSWER and turns[-1][0] != desk:
            turns.append((desk, at))
    ends = [at for _process, at in turns[1:]] + [ended_at]
    for (process_id, in_at), out_at in zip(turns, ends, strict=True):
        out_on = local(out_at).date() if out_at else None
        yield {
            "pqr_id": pqr_id, "process_id": process_id, "reason": "", "in_at": in_at, "in_on": local(in_at).date(), "out_at": out_at,
            "out_on": out_on,
        }  # fmt: skip


def _silence(row: Incoming, pqr_id: int) -> dict[str, Any]:
    silence = row.verdict.silence
    assert silence is not None
    return {
        "pqr_id": pqr_id, "ground": SilenceGround.TERM, "arisen_on": silence.on, "recognise_by": silence.recognise_by, "grants": "",
        "withdrawn_reason": "",
    }  # fmt: skip


# ── Taking an import back ─────────────────────────────────────────────────────────────────────────────────────────────────

MIN_REASON = 10
#: What may have happened to a case since: whichever table names it.
_HANGING = (Note, StoredFile, Document, Answer, Requirement, FieldOrder, InvoiceChange, Financing, OutboxMessage)


def cases_of(organisation: Organisation, source: str, batch_id: int) -> ColumnElement[bool]:
    """Return the condition "the case came with this import"."""
    came = exists().where(CaseEvent.pqr_id == Pqr.id, CaseEvent.move == Move.FILE, CaseEvent.act == act_of(batch_id))
    return and_(Pqr.organisation_id == organisation.id, Pqr.source == source, came)


def figures_of(session: Session, organisation: Organisation, source: str, batch_id: int) -> list[Any]:
    """Return how many cases of an import have each (state, a due date of the log, another than ours, a silence), by state."""
    is_told = Pqr.source_due_on.is_not(None)
    derived = func.coalesce(Pqr.due_on, Pqr.source_due_on)  # while a case is stopped, or withdrawn, there is none to compare with
    columns = (Pqr.status, is_told, and_(is_told, Pqr.source_due_on != derived), exists().where(Silence.pqr_id == Pqr.id))
    rows = select(*(column.label(f"c{i}") for i, column in enumerate(columns))).where(cases_of(organisation, source, batch_id)).subquery()
    return list(session.execute(select(*rows.c, func.count()).group_by(*rows.c)))


def moved_since(organisation: Organisation, source: str, batch_id: int) -> ColumnElement[bool]:
    """Return the condition "the case came with this import, and something happened to it here"."""
    happened = [exists().where(CaseEvent.pqr_id == Pqr.id, CaseEvent.act != act_of(batch_id))]
    happened += [exists().where(model.pqr_id == Pqr.id) for model in _HANGING]
    happened.append(exists().where(Appeal.against_id == Pqr.id))
    return and_(cases_of(organisation, source, batch_id), or_(*happened))


def undo(session: Session, source: str, batch_id: int, reason: str, *, at: datetime, actor_id: int | None) -> int:
    """
    Void every case of an import, with the reason; return how many. Their numbers stay used, and the log may be imported again.

    Raises:
        MoveRefused: There is no reason, the import made no case, or something happened since to one of them: then they are voided one
            by one, by whoever knows why.
    """
    reason = reason.strip()
    if len(reason) < MIN_REASON:
        raise MoveRefused(N_("Write the reason, in %(n)s characters or more: it stays in the history."), field="reason", n=MIN_REASON)
    organisation = queries.organisation(session)
    queries.hold_calendar(session, organisation)
    is_ours = cases_of(organisation, source, batch_id)
    rows = session.execute(select(*_UNDONE).where(is_ours).order_by(Pqr.id).with_for_update(of=Pqr)).all()
    if not rows:
        raise MoveRefused(N_("This import made no case."))
    numbers = session.scalars(select(Pqr.number).where(moved_since(organisation, source, batch_id)).order_by(Pqr.id).limit(3)).all()
    if numbers:
        more = N_("Something happened since to cases of this import (%(numbers)s…). Void the others one by one.")
        raise MoveRefused(more, numbers=", ".join(numbers))
    _void(session, rows, reason, at, actor_id)
    return len(rows)


_UNDONE = (
    Pqr.id, Pqr.status, Pqr.due_on, Pqr.answered_on, Pqr.notified_on, Pqr.appeal_until,
    Pqr.closed_on, Pqr.source, Pqr.source_number, Pqr.source_due_on, Pqr.submission, Pqr.process_id,
)  # fmt: skip


def _void(session: Session, rows: Sequence[Any], reason: str, at: datetime, actor_id: int | None) -> None:
    today, stamp = local(at).date(), {"changed_at": at, "changed_by_id": actor_id}
    gone = {
        "answered_on": None, "notified_on": None, "appeal_until": None, "closed_on": today, "source": None, "source_number": None,
        "source_due_on": None, "submission": None, "status": PqrStatus.VOIDED,
    }  # fmt: skip
    with session.no_autoflush:
        for row in rows:
            if row.due_on is None:  # a withdrawn one has none, a voided one has that of its filing
                moves.recompute_due(session, _as_received(session.get_one(Pqr, row.id)))
    session.flush()
    for block in _blocks([row.id for row in rows]):
        _update(session, Pqr, Pqr.id.in_(block), gone | stamp)
        _update(session, Assignment, and_(Assignment.pqr_id.in_(block), Assignment.out_at.is_(None)), {"out_at": at, "out_on": today})
        _update(session, Silence, and_(Silence.pqr_id.in_(block), Silence.withdrawn_on.is_(None)),
                {"withdrawn_on": today, "withdrawn_reason": reason[:240]} | stamp)  # fmt: skip
    common = {"at": at, "on_date": today, "actor_id": actor_id, "move": Move.VOID, "to_status": PqrStatus.VOIDED, "act": ""}
    lines = [common | {"pqr_id": row.id, "from_status": row.status, "process_id": row.process_id, "reason": reason} for row in rows]
    session.execute(insert(CaseEvent.__table__), lines)
    with audit.because(session, reason):
        audit.record_updates(session, Pqr, ((row.id, {name: getattr(row, name) for name in gone}, gone) for row in rows))
    session.expire_all()


def _as_received(pqr: Pqr) -> Pqr:
    pqr.status, pqr.closed_on = PqrStatus.RECEIVED, None
    return pqr


def _update(session: Session, model: Any, condition: ColumnElement[bool], values: dict[str, Any]) -> None:
    session.execute(update(model).where(condition).values(**values).execution_options(synchronize_session=False))


def _blocks(ids: Sequence[int], size: int = 1000) -> Iterable[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


# ── Who the log names ─────────────────────────────────────────────────────────────────────────────────────────────────────

Papers = tuple[DocumentType, str]


def parties_by_document(session: Session, documents: Iterable[Papers]) -> dict[Papers, tuple[int, str]]:
    """Return by document the id and the name of the parties that are here."""
    wanted = sorted({number for _kind, number in documents})
    columns = select(Party.document_type, Party.document_number, Party.id, Party.name)
    found = (row for block in _blocks(wanted) for row in session.execute(columns.where(Party.document_number.in_(block))))
    return {(kind, number): (key, name) for kind, number, key, name in found}


def parties_without_document(session: Session) -> dict[str, int]:
    """Return by plain name the parties of which only the name is known; of two of one name, the older."""
    found = session.execute(select(Party.name, Party.id).where(Party.document_number.is_(None)).order_by(Party.id.desc()))
    return {plain(name): key for name, key in found}


def add_parties(session: Session, rows: Sequence[dict[str, Any]], origin: Origin) -> list[int]:
    """Store new parties, found by search from now on; return their ids in that order."""
    if not rows:
        return []
    stamp = {"created_at": origin.at, "changed_at": origin.at, "created_by_id": origin.actor_id, "changed_by_id": origin.actor_id}
    statement = insert(Party.__table__).returning(Party.__table__.c.id, sort_by_parameter_order=True)
    ids = list(session.scalars(statement, [row | stamp for row in rows]))
    search.index_new(session, Party, ids)
    return ids


def accounts_numbered(session: Session, numbers: Iterable[str]) -> dict[str, list[tuple[int, int, int | None, str | None]]]:
    """Return by number the accounts: (id, service, party, name of the party), active ones first, then in the order of services."""
    order = (Account.is_active.desc(), Service.position, Service.id)
    columns = select(Account.number, Account.id, Account.service_id, Account.party_id, Party.name)
    statement = columns.join(Service, Service.id == Account.service_id).outerjoin(Party, Party.id == Account.party_id).order_by(*order)
    found: dict[str, list[tuple[int, int, int | None, str | None]]] = {}
    for block in _blocks(sorted(set(numbers))):
        for number, *facts in session.execute(statement.where(Account.number.in_(block))):
            found.setdefault(number, []).append(tuple(facts))
    return found


def untold_channel(session: Session) -> int:
    """Return the channel of what came by nobody knows which; made on first use, never offered to anybody."""
    found = session.scalar(select(Channel.id).where(Channel.code == UNTOLD))
    if found is None:
        with force_locale(LANGUAGE):
            channel = Channel(code=UNTOLD, name=_("Not told (earlier log)"), is_active=False, position=99)
        session.add(channel)
        session.flush()
        found = channel.id
    return found
