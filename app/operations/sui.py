"""
The claims file of the SUI: which cases it has in a month, its rows as the month ended, and what refuses to let it leave.

One statement reads the facts of a month, streamed, whatever their number; `domain.sui` writes each row. See docs/rules/sui-claims.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import MoveRefused
from app.domain.states import DocumentKind, PqrStatus
from app.domain.sui import (
    ENDED,
    Claim,
    ClaimFacts,
    Fault,
    MapRow,
    RuleRow,
    Rules,
    SuiFormat,
    SuiRuleKey,
    check_value,
    claim_of,
    first_of,
    is_reported,
    last_of,
    rules_in_force,
)
from app.models import (
    Account,
    Answer,
    Appeal,
    Document,
    Notice,
    Organisation,
    Pqr,
    RequestType,
    Service,
    SuiCause,
    SuiColumn,
    SuiLoad,
    SuiLoadRow,
    SuiMap,
    SuiRule,
)
from app.operations import sui_loads
from app.operations.sui_loads import Line

_BATCH = 1000
#: Numbers of cases that are named beside a warning of a frozen month.
_NAMED = 20


# ── The rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every rule and equivalence that is kept, read once."""

    rules: tuple[RuleRow, ...]
    maps: tuple[MapRow, ...]

    def of(self, service_id: int, month: date) -> Rules:
        """Return what rules the file of a service in *month*: what is in force on its last day."""
        return rules_in_force(self.rules, self.maps, service_id, last_of(month))


def rule_book(session: Session) -> RuleBook:
    """Return the rules and equivalences. Two statements."""
    columns = (SuiRule.key, SuiRule.value, SuiRule.weight, SuiRule.service_id, SuiRule.valid_from, SuiRule.valid_until)
    rules = tuple(RuleRow(*row) for row in session.execute(select(*columns).where(SuiRule.is_active)))
    columns = (SuiMap.kind, SuiMap.member, SuiMap.code, SuiMap.service_id, SuiMap.valid_from, SuiMap.valid_until)
    return RuleBook(rules, tuple(MapRow(*row) for row in session.execute(select(*columns))))


# ── The cases of a month ──────────────────────────────────────────────────────────────────────────────────────────────────


def _closing() -> Any:
    """Return the number of the act that ended a case without an answer."""
    kinds = (DocumentKind.TRANSFER, DocumentKind.WITHDRAWAL, DocumentKind.ARCHIVE)
    act = select(Document.number).where(Document.pqr_id == Pqr.id, Document.kind.in_(kinds)).order_by(Document.id.desc()).limit(1)
    return case((Pqr.status.in_(ENDED), act.correlate(Pqr).scalar_subquery())).label("closing_number")


def _means() -> Any:
    """Return how the answer was served: the attempt that counts on the day of its notice."""
    served = Notice.pqr_id == Pqr.id, Notice.document_id.is_(None), Notice.served_on == Pqr.notified_on
    first = select(Notice.means).where(*served).order_by(Notice.id).limit(1)
    return case((Pqr.notified_on.is_not(None), first.correlate(Pqr).scalar_subquery())).label("notice")


_PLACE = func.coalesce(Account.municipality_code, Organisation.municipality_code).label("place")
_FACTS = {
    "pqr_id": Pqr.id, "number": func.coalesce(Pqr.source_number, Pqr.number), "filed_on": Pqr.filed_on, "status": Pqr.status,
    "service_id": Pqr.service_id, "due_on": Pqr.due_on, "answered_on": Pqr.answered_on, "notified_on": Pqr.notified_on,
    "closed_on": Pqr.closed_on, "closing_number": _closing(), "outcome": Pqr.outcome, "answer_number": Answer.number, "notice": _means(),
    "procedure": RequestType.sui_procedure, "appeal": Appeal.kind, "transferred_on": Appeal.sspd_sent_on, "group": SuiCause.group_code,
    "detail": SuiCause.code, "cause_service_id": SuiCause.service_id, "cause_from": SuiCause.valid_from,
    "cause_until": SuiCause.valid_until, "account": Account.number, "account_id": Pqr.account_id, "place": _PLACE,
    "settlement": Account.settlement_code, "invoice": Pqr.invoice_number, "is_imported": Pqr.source.is_not(None),
}  # fmt: skip


def of_month(month: date, *, is_unnotified_pending: bool) -> Any:
    """
    Return the condition of the cases that a file of *month* has: filed in it, answered in it, or without answer as it ended.

    A voided number never was a case. While an answer that is not notified is no answer yet, what counts is the day of its notice.
    """
    first, last = first_of(month), last_of(month)
    settled_on = Pqr.notified_on if is_unnotified_pending else Pqr.answered_on
    is_open = and_(Pqr.status.not_in(ENDED), settled_on.is_(None))
    ended = and_(Pqr.status.in_(ENDED), Pqr.closed_on >= first)
    return and_(Pqr.status != PqrStatus.VOIDED, Pqr.filed_on <= last, or_(is_open, settled_on >= first, ended))


def _facts_select(service_ids: Collection[int], month: date, rules: Iterable[Rules]) -> Select[Any]:
    pending = any(each.one(SuiRuleKey.UNNOTIFIED) for each in rules)
    columns = [column.label(f"f_{name}") for name, column in _FACTS.items()]
    return (
        select(*columns, Pqr.number.label("own_number"), Pqr.identity, RequestType.name.label("type"))
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .join(Organisation, Organisation.id == Pqr.organisation_id)
        .outerjoin(SuiCause, SuiCause.id == Pqr.cause_id)
        .outerjoin(Account, Account.id == Pqr.account_id)
        .outerjoin(Answer, Answer.pqr_id == Pqr.id)
        .outerjoin(Appeal, Appeal.pqr_id == Pqr.id)
        .where(Pqr.service_id.in_(service_ids), of_month(month, is_unnotified_pending=pending))
        .order_by(Pqr.filed_on, Pqr.id)
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A case of a month: its number here, who may be named, its request type, and its row; None for what is not reported."""

    number: str
    identity: Any
    type: str
    service_id: int
    claim: Claim | None


def rows_of(session: Session, service_ids: Collection[int], month: date, book: RuleBook, today: date | None = None) -> Iterator[Row]:
    """
    Yield the cases of *month* of some services, streamed, in the order of their filing. One statement.

    Args:
        today: A month that runs on this day is told as it stands; without it, as it will be at its end.
    """
    rules = {service_id: book.of(service_id, month) for service_id in service_ids}
    until, n = min(last_of(month), today or date.max), len(_FACTS)
    found = session.execute(_facts_select(service_ids, month, rules.values()).execution_options(yield_per=_BATCH))
    for values in found:
        facts = ClaimFacts(*values[:n])
        own = rules[facts.service_id]
        if not _belongs(facts, own, month):
            continue
        claim = claim_of(facts, own, until) if is_reported(facts, own) else None
        yield Row(values[n], values[n + 1], values[n + 2], facts.service_id, claim)


def _belongs(facts: ClaimFacts, rules: Rules, month: date) -> bool:
    """Leave out what was answered before, where this service counts the answer and another one of the statement its notice."""
    if rules.one(SuiRuleKey.UNNOTIFIED) or facts.answered_on is None:
        return True
    return facts.answered_on >= first_of(month)


def line_of(claim: Claim, columns: Iterable[SuiColumn]) -> Line:
    """Return the row as it leaves."""
    return Line(sui_loads.cells_of(columns, claim.values), pqr_id=claim.facts.pqr_id)


def lines_of(session: Session, service: Service, month: date) -> Iterator[Line]:
    """Yield the rows of a month as they are computed today, bad ones too: for differences."""
    columns = sui_loads.columns(session, SuiFormat.CLAIMS)
    return (line_of(row.claim, columns) for row in rows_of(session, [service.id], month, rule_book(session)) if row.claim)


# ── Judging a month ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Judged:
    """What a month adds up to: rows by code, what is wrong and how often, what is not reported. `add` counts one row."""

    n_rows: int = 0
    n_bad: int = 0
    n_warned: int = 0
    by: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in ("procedure", "answer", "group", "standing")})
    faults: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unreported: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        claim = row.claim
        if claim is None:
            self.unreported[row.type] += 1
            return
        self.n_rows += 1
        for name in ("procedure", "answer", "group"):
            self.by[name][claim.values[name]] += 1
        self.by["standing"][claim.standing.name] += 1
        if claim.faults:
            self.n_bad += claim.is_bad
            self.n_warned += not claim.is_bad
            for key in {(fault.rule.name, fault.weight.name, fault.msgid) for fault in claim.faults}:
                self.faults[key] += 1

    @property
    def n_unreported(self) -> int:
        return self.unreported.total()


def judge(rows: Iterable[Row]) -> Judged:
    """Return what a month adds up to."""
    judged = Judged()
    for row in rows:
        judged.add(row)
    return judged


def judged_by_service(session: Session, service_ids: Collection[int], month: date, book: RuleBook, most: int) -> dict[int, Judged]:
    """Return what *month* adds up to, by service; nothing when it has more than *most* cases. One statement."""
    found = {service_id: Judged() for service_id in service_ids}
    for n, row in enumerate(rows_of(session, service_ids, month, book)):
        if n >= most:
            return {}
        found[row.service_id].add(row)
    return found


def without_service(month: date) -> Any:
    """Return the condition of what was filed in *month*, has a kind of procedure, and no service: it is in the file of none."""
    filed = Pqr.filed_on.between(first_of(month), last_of(month)), Pqr.status != PqrStatus.VOIDED
    reported = select(RequestType.id).where(RequestType.sui_procedure.is_not(None))
    return and_(*filed, Pqr.service_id.is_(None), Pqr.request_type_id.in_(reported))


def services(session: Session) -> list[Service]:
    """Return the services whose claims are reported, in their order."""
    return list(session.scalars(select(Service).where(Service.is_public_utility, Service.is_active).order_by(Service.position, Service.id)))


# ── Freezing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def encoding_of(rules: Rules) -> str:
    """Return the encoding of the file. Raises DomainError for one that nobody knows."""
    told = rules.one(SuiRuleKey.ENCODING).lower() or sui_loads.ENCODING
    check_value(SuiRuleKey.ENCODING, told)
    return told


class _Writing:
    """The lines of a month as they are judged on their way to the file; the first bad row stops it at its end, and nothing leaves."""

    def __init__(self, rows: Iterable[Row], columns: list[SuiColumn]) -> None:
        self._rows, self._columns = rows, columns
        self.numbers: dict[tuple[str, str], list[str]] = {}
        self.counts: Counter[tuple[str, str]] = Counter()

    def lines(self) -> Iterator[Line]:
        n_bad = 0
        for row in self._rows:
            if row.claim is None:
                continue
            n_bad += row.claim.is_bad
            for fault in row.claim.faults:
                self._note(fault, row.number)
            yield line_of(row.claim, self._columns)
        if n_bad:
            bad = N_("%(n)s rows are not complete or contradict a rule, so nothing was frozen. Correct them and try again.")
            raise MoveRefused(bad, n=n_bad)

    def _note(self, fault: Fault, number: str) -> None:
        key = fault.rule.name, fault.msgid
        self.counts[key] += 1
        named = self.numbers.setdefault(key, [])
        if len(named) < _NAMED:
            named.append(number)

    def warnings(self) -> Iterator[dict[str, Any]]:
        """Yield, once the lines are written, what was pointed out: the rule, its words, how many rows, and the numbers of the first."""
        for (rule, msgid), n in self.counts.items():
            yield {"rule": rule, "msgid": msgid, "n": n, "numbers": self.numbers[rule, msgid]}


def judged_lines(rows: Iterable[Row], columns: list[SuiColumn]) -> Iterator[Line]:
    """Yield the lines of a month as they would leave. Raises MoveRefused at its end when a row is bad: what was written is thrown away."""
    return _Writing(rows, columns).lines()


def freeze_month(session: Session, service: Service, month: date, *, at: datetime, user_id: int | None, reason: str = "") -> SuiLoad:
    """
    Judge a month and freeze it, in this transaction; return the load, flushed.

    Raises:
        MoveRefused: A row is bad; or as `sui_loads.freeze`. Nothing is left of it.
    """
    columns, book = sui_loads.columns(session, SuiFormat.CLAIMS), rule_book(session)
    rules, headings = book.of(service.id, month), [column.heading for column in columns]
    writing = _Writing(rows_of(session, [service.id], month, book), columns)
    kept = rules.as_data() | {"headings": headings, "fields": [column.field for column in columns]}
    return sui_loads.freeze(
        session, SuiFormat.CLAIMS, service, month, headings, writing.lines(), at=at, user_id=user_id, reason=reason, rules=kept,
        warnings=writing.warnings(), encoding=encoding_of(rules),
    )  # fmt: skip


# ── Its calendar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


#: Parameter with the day of the next month until which a file is uploaded: no source says it.
UPLOAD_DAY = "sui.upload_day"


def upload_day(told: str | None) -> int:
    """Return the day that the parameter tells; 15 where it tells none."""
    return int(told) if told and told.isdecimal() and int(told) else 15


def upload_by(month: date, day: int) -> date:
    """Return the last day to upload the file of *month*: that day of the next month, or the last of a shorter one."""
    following = months_after(first_of(month), 1)
    return following.replace(day=min(max(day, 1), last_of(following).day))


# ── Where a case was reported ─────────────────────────────────────────────────────────────────────────────────────────────


def loads_with(number: str) -> Select[Any]:
    """Return the SELECT of the frozen rows of the case with that number, ours or of the register it comes from: (case, load)."""
    said = number.strip().upper()
    rows = select(Pqr, SuiLoad).join(SuiLoadRow, SuiLoadRow.pqr_id == Pqr.id).join(SuiLoad, SuiLoad.id == SuiLoadRow.load_id)
    return rows.where(or_(Pqr.number == said, Pqr.source_number == number.strip())).order_by(SuiLoad.month, SuiLoad.version)

