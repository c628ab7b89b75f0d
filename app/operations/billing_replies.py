"""
What the billing system answers: a file judged line by line, looked at, then settled. The same answer twice changes nothing.

Judging reads only, so that a preview and the settling are the same thing; settling holds `billing.hold_billing`. See docs/rules/billing.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.billing import LineRefused, Verdict, columns_of_answer, read_line
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import BillingStatus
from app.extensions import LANGUAGE, local
from app.models import BillingBatch, BillingItem, BillingReply, Financing, InvoiceChange, Note, Pqr, ProcessMember, StoredFile
from app.operations import messages
from app.operations.billing import hold_billing
from app.words import say_day

#: The heading row is looked for among the first lines: above it there may be a title.
N_HEAD = 10
MOST_LINES = 200_000
#: How many results a message names.
N_NAMED = 40
Line = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be taken: its number in the file, what it says, why."""

    n: int
    cells: Sequence[Any]
    why: DomainError


@dataclass(slots=True)
class Judged:
    """What an answer would do: the items that change with their verdicts, how many say what is known, and the lines that are refused."""

    header: Sequence[Any] = ()
    n_lines: int = 0
    n_same: int = 0
    changes: list[tuple[Row[Any], Verdict]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def n_of(self, status: BillingStatus) -> int:
        return sum(verdict.status is status for _item, verdict in self.changes)


# ── Judging ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge(session: Session, rows: Iterable[Sequence[Any]], today: date) -> Judged:
    """
    Return what the answer with these *rows* would do; nothing is written.

    Raises:
        DomainError: No row of its head names the needed columns, there is no line, or there are more than are read at once.
    """
    lines = ((n, row) for n, row in enumerate(rows, 1) if any(cell not in (None, "") for cell in row))
    header, columns = _header(lines)
    judged = Judged(header)
    read: list[tuple[Line, Verdict]] = []
    for judged.n_lines, line in enumerate(lines, 1):
        if judged.n_lines > MOST_LINES:
            raise DomainError(N_("The file has more than %(most)s lines. Send it in parts."), field="file", most=MOST_LINES)
        try:
            read.append((line, read_line(line[1], columns, today)))
        except LineRefused as error:
            judged.refused.append(Refused(*line, error))
    if not judged.n_lines:
        raise DomainError(N_("The file has headings and no line."), field="file")
    _decide(session, judged, read)
    judged.refused.sort(key=lambda line: line.n)
    return judged


def _header(lines: Iterator[Line]) -> tuple[Sequence[Any], dict[str, int]]:
    """Return the heading row and where its columns are; *lines* then stands below it."""
    first: DomainError | None = None
    for _place, (_n, row) in zip(range(N_HEAD), lines, strict=False):
        try:
            return row, columns_of_answer(row)
        except DomainError as error:
            first = first or error
    raise first or DomainError(N_("The file is empty."), field="file")


def _decide(session: Session, judged: Judged, read: list[tuple[Line, Verdict]]) -> None:
    """Sort the lines that can be read into changes, repetitions and refusals."""
    items = _items(session, {verdict.batch for _line, verdict in read})
    batches = {batch for batch, _key in items}
    strangers = {verdict.key for _line, verdict in read if (verdict.batch, verdict.key) not in items}
    elsewhere = _elsewhere(session, strangers)
    said: dict[tuple[str, str], list[tuple[Line, Verdict]]] = {}
    for line, verdict in read:
        said.setdefault((verdict.batch, verdict.key), []).append((line, verdict))
    for place, told in said.items():
        item = items.get(place)
        if item is None:
            judged.refused += [Refused(*line, _unknown(verdict, batches, elsewhere)) for line, verdict in told]
        elif any(verdict != told[0][1] for _line, verdict in told):
            twice = DomainError(N_("%(key)s is in the file more than once, and not with the same result."), key=place[1])
            judged.refused += [Refused(*line, twice) for line, _verdict in told]
        else:
            _decide_one(judged, item, told)


def _decide_one(judged: Judged, item: Row[Any], told: list[tuple[Line, Verdict]]) -> None:
    """Judge what all lines of one item say alike."""
    verdict = told[0][1]
    if _is_known(item, verdict):
        judged.n_same += len(told)
    elif (why := _refusal(item, verdict)) is not None:
        judged.refused += [Refused(*line, why) for line, _verdict in told]
    else:
        judged.changes.append((item, verdict))
        judged.n_same += len(told) - 1


def _items(session: Session, numbers: set[str]) -> dict[tuple[str, str], Row[Any]]:
    """Return the items of the batches with these numbers, by batch and number."""
    item = BillingItem
    columns = (item.id, item.number, item.batch_id, item.pqr_id, item.change_id, item.financing_id, item.status, item.result_on,
               item.result_text, item.reference, BillingBatch.number.label("batch"), BillingBatch.made_at)  # fmt: skip
    found: dict[tuple[str, str], Row[Any]] = {}
    for some in _parts(sorted(numbers)):
        statement = select(*columns).join_from(item, BillingBatch, BillingBatch.id == item.batch_id).where(BillingBatch.number.in_(some))
        found |= {(row.batch, row.number): row for row in session.execute(statement)}
    return found


def _elsewhere(session: Session, keys: set[str]) -> dict[str, str]:
    """Return the last batch in which each of *keys* really was."""
    found: dict[str, str] = {}
    for some in _parts(sorted(keys)):
        told = select(BillingItem.number, BillingBatch.number).join_from(BillingItem, BillingBatch).where(BillingItem.number.in_(some))
        found |= dict(session.execute(told.order_by(BillingItem.id)).all())
    return found


def _parts(values: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _unknown(verdict: Verdict, batches: set[str], elsewhere: dict[str, str]) -> DomainError:
    facts = {"key": verdict.key, "batch": verdict.batch}
    if verdict.key in elsewhere:
        return DomainError(N_("%(key)s was not sent in %(batch)s but in %(other)s."), **facts, other=elsewhere[verdict.key])
    if verdict.batch in batches:
        return DomainError(N_("%(batch)s has no %(key)s, and no other batch has it."), **facts)
    return DomainError(N_("There is no batch %(batch)s."), **facts)


def _is_known(item: Row[Any], verdict: Verdict) -> bool:
    """Say whether the verdict is what is on record of the item."""
    if item.status is BillingStatus.SENT or (item.status is BillingStatus.BILLED) != (verdict.status is BillingStatus.BILLED):
        return False
    return (item.result_on, item.result_text, item.reference) == (verdict.on, verdict.text, verdict.reference)


def _refusal(item: Row[Any], verdict: Verdict) -> DomainError | None:
    """Return why *verdict* cannot be taken of *item*, or None."""
    if verdict.on < local(item.made_at).date():
        return DomainError(N_("The date %(on)s is before %(batch)s was made."), on=verdict.on, batch=item.batch)
    match item.status, verdict.status:
        case (BillingStatus.SENT, _) | (BillingStatus.REJECTED, BillingStatus.BILLED):
            return None
        case BillingStatus.RESENT | BillingStatus.DROPPED, _:
            msgid = N_("%(key)s was rejected on %(on)s and somebody acted on it: it is “%(status)s”.")
        case _:
            msgid = N_("%(key)s was answered before with another result, on %(on)s: it is “%(status)s”.")
    return DomainError(msgid, key=item.number, on=item.result_on, status=item.status.value)


# ── Settling ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def receive(session: Session, file: StoredFile) -> BillingReply:
    """Keep an answer that somebody wants to look at; return it, flushed. Nothing is settled."""
    reply = BillingReply(file=file)
    session.add(reply)
    session.flush()
    return reply


def settle(session: Session, reply: BillingReply, rows: Iterable[Sequence[Any]], *, at: datetime, actor_id: int | None) -> Judged:
    """
    Write what the answer says of each item, note it on the cases, and tell whoever has them; return what was judged, flushed.

    Raises:
        MoveRefused: It was settled already.
        DomainError: As `judge`.
    """
    hold_billing(session)
    session.refresh(reply, ["applied_at"])
    if reply.applied_at is not None:
        raise MoveRefused(N_("This answer was taken already. Nothing changes by taking it again."))
    judged = judge(session, rows, local(at).date())
    reply.applied_at, reply.applied_by_id = at, actor_id
    reply.n_lines, reply.n_same, reply.n_bad = judged.n_lines, judged.n_same, len(judged.refused)
    reply.n_billed, reply.n_rejected = judged.n_of(BillingStatus.BILLED), judged.n_of(BillingStatus.REJECTED)
    session.flush()
    if judged.changes:
        _write(session, reply, judged)
        _note(session, judged, at, actor_id)
        _tell(session, reply, judged, at)
    session.flush()
    return judged


def _write(session: Session, reply: BillingReply, judged: Judged) -> None:
    """Write the results, and the totals of their batches."""
    item = BillingItem.__table__
    names = ("status", "result_on", "result_text", "reference")
    results = [
        {"pk": row.id, "_status": verdict.status, "_result_on": verdict.on, "_result_text": verdict.text, "_reference": verdict.reference}
        for row, verdict in judged.changes
    ]
    changed = update(item).where(item.c.id == bindparam("pk"))
    session.connection().execute(changed.values(reply_id=reply.id, **{name: bindparam(f"_{name}") for name in names}), results)
    for batch in session.scalars(select(BillingBatch).where(BillingBatch.id.in_({row.batch_id for row, _verdict in judged.changes}))):
        rows = select(BillingItem.status, func.count()).where(BillingItem.batch_id == batch.id).group_by(BillingItem.status)
        n_by_status: dict[BillingStatus, int] = dict(session.execute(rows).all())
        n_sent, batch.n_billed = n_by_status.get(BillingStatus.SENT, 0), n_by_status.get(BillingStatus.BILLED, 0)
        batch.n_rejected = sum(n_by_status.values()) - n_sent - batch.n_billed
    session.flush()
    for row in list(session.identity_map.values()):
        if isinstance(row, BillingItem):
            session.expire(row)


def sentence(number: str, verdict: Verdict) -> str:
    """Return what became of a thing, in the current language."""
    facts = {"number": number, "day": say_day(verdict.on), "reference": verdict.reference, "why": verdict.text}
    if verdict.status is BillingStatus.REJECTED:
        return _("Billing rejected %(number)s on %(day)s: %(why)s", **facts)
    if verdict.reference:
        return _("%(number)s was billed on %(day)s with the reference %(reference)s.", **facts)
    return _("%(number)s was billed on %(day)s.", **facts)


def _note(session: Session, judged: Judged, at: datetime, actor_id: int | None) -> None:
    """Leave a note on each case, in the language of the acts. All at once: of thousands, the answer is the trace."""
    said: dict[int, list[str]] = {}
    with force_locale(LANGUAGE):
        for item, verdict in judged.changes:
            if item.pqr_id is not None:
                said.setdefault(item.pqr_id, []).append(f"{sentence(item.number, verdict)} ({item.batch})")
    by = {"author_id": actor_id, "created_by_id": actor_id, "changed_by_id": actor_id, "created_at": at, "changed_at": at}
    if said:
        session.execute(insert(Note), [{"pqr_id": pqr_id, "body": "\n".join(lines), **by} for pqr_id, lines in said.items()])


def _tell(session: Session, reply: BillingReply, judged: Judged, at: datetime) -> None:
    """Tell whoever has to know, each in one message: the holder or the owners of the process, or who wrote what has no case."""
    people = _people(session, judged, local(at).date())
    of_user: dict[int, list[tuple[Row[Any], Verdict]]] = {}
    for change in judged.changes:
        for user_id in people.get(change[0].id, ()):
            of_user.setdefault(user_id, []).append(change)
    for user in session.scalars(select(User).where(User.id.in_(of_user)).order_by(User.id)).all():
        mine = sorted(of_user[user.id], key=lambda change: (change[1].status is BillingStatus.BILLED, change[0].number))
        with force_locale(messages.language_of(session, user)):
            lines = [sentence(item.number, verdict) for item, verdict in mine[:N_NAMED]]
            if len(mine) > N_NAMED:
                lines.append(_("And %(n)s more.", n=len(mine) - N_NAMED))
        n_billed = sum(verdict.status is BillingStatus.BILLED for _item, verdict in mine)
        facts = {"billed": n_billed, "rejected": len(mine) - n_billed, "items": "\n".join(lines)}
        messages.tell_user(session, user, "billing_answer", facts, key=f"billing_answer:{reply.id}:{user.id}", at=at)


def _people(session: Session, judged: Judged, today: date) -> dict[int, set[int]]:
    """Return by item the users to tell."""
    members: dict[int, set[int]] = {}
    in_office = (
        or_(ProcessMember.valid_from.is_(None), ProcessMember.valid_from <= today),
        or_(ProcessMember.valid_until.is_(None), ProcessMember.valid_until >= today),
    )
    for process_id, user_id in session.execute(select(ProcessMember.process_id, ProcessMember.user_id).where(*in_office)):
        members.setdefault(process_id, set()).add(user_id)
    found: dict[int, set[int]] = {}
    of_items = select(BillingItem.id, Pqr.holder_id, Pqr.process_id, func.coalesce(InvoiceChange.created_by_id, Financing.created_by_id))
    of_items = (
        of_items.outerjoin(Pqr, Pqr.id == BillingItem.pqr_id)
        .outerjoin(InvoiceChange, InvoiceChange.id == BillingItem.change_id)
        .outerjoin(Financing, Financing.id == BillingItem.financing_id)
    )
    ids = [str(item.id) for item, _verdict in judged.changes]
    for some in _parts(ids):
        for item_id, holder_id, process_id, writer_id in session.execute(of_items.where(BillingItem.id.in_(map(int, some)))):
            owners = {holder_id} if holder_id else members.get(process_id, set())
            found[item_id] = owners or ({writer_id} if writer_id else set())
    return found
