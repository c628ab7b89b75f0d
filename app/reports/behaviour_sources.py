"""
What the behaviour report and the dashboards count of cases: one SELECT a question, whatever the number of spans and dimensions.

What each number counts and leaves out: docs/rules/behaviour-report.md. A voided case counts nowhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, extract, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from app import queries
from app.domain import N_
from app.domain.states import APPEAL_OUTCOMES, Category, Identity, Outcome, PqrStatus, states_in
from app.domain.times import NOT_COUNTED
from app.models import Account, Appeal, Channel, Party, Pqr, Process, Rating, RequestType, Service, Silence, SuiCause
from app.reports.base import Scope
from app.reports.forms import Span

#: What the address of a list says where a column has no value.
EMPTY = "empty"
#: How many calendar days after a case another of the same cause is the same trouble again.
AGAIN_DAYS = 90
#: How many accounts and how many petitioners the report names.
TOP = 10
#: What each of the numbers of a span is counted from; all have as many columns.
_WIDTH = 5
_UNANSWERED = states_in(Category.OPEN, Category.STOPPED)
_ENDED_UNANSWERED = tuple(status for status in NOT_COUNTED if status is not PqrStatus.VOIDED)
UPHELD = (Outcome.GRANTED, Outcome.PARTLY)
DECIDED = (*UPHELD, Outcome.DENIED)
CHANGED = (Outcome.MODIFIED, Outcome.REVOKED)
#: The states of a case that counts, as the list of cases is told.
LIVING = ",".join(status.name for status in PqrStatus if status is not PqrStatus.VOIDED)


class Dimension(Enum):
    """What cases are counted by. MONTH is that of the filing, or of the answer, whichever is counted."""

    TYPE = N_("By type")
    CAUSE = N_("By cause")
    SERVICE = N_("By service")
    CHANNEL = N_("By channel")
    ZONE = N_("By zone")
    PROCESS = N_("By process")
    MONTH = N_("Month by month")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a span adds up to; docs/rules/behaviour-report.md says what is in each. `scores` counts the ratings of 1 to 5."""

    filed: int = 0
    voided: int = 0
    recurrent: int = 0
    appeals: int = 0
    answered: int = 0
    late: int = 0
    decided: int = 0
    upheld: int = 0
    appeals_decided: int = 0
    changed: int = 0
    open: int = 0
    overdue: int = 0
    silences: int = 0
    recognised: int = 0
    scores: tuple[int, ...] = (0, 0, 0, 0, 0)

    @property
    def recurrent_share(self) -> Decimal | None:
        return share(self.recurrent, self.filed)

    @property
    def late_share(self) -> Decimal | None:
        return share(self.late, self.answered)

    @property
    def upheld_share(self) -> Decimal | None:
        return share(self.upheld, self.decided)

    @property
    def changed_share(self) -> Decimal | None:
        return share(self.changed, self.appeals_decided)

    @property
    def ratings(self) -> int:
        return sum(self.scores)

    @property
    def rating(self) -> Decimal | None:
        """Mean of the ratings, 1 to 5; None without any."""
        stars = sum(score * n for score, n in enumerate(self.scores, 1))
        return (Decimal(stars) / self.ratings).quantize(Decimal("0.01"), ROUND_HALF_UP) if self.ratings else None


@dataclass(slots=True)
class Group:
    """
    What a value of a dimension adds up to. `key` is what the list of cases is told of it: 12, empty, Norte; of a month, its first day.

    `filed` has a number for each span that was asked for; answered, late and open are of the first.
    """

    key: str
    label: str
    filed: list[int]
    answered: int = 0
    late: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Month:
    """What one month adds up to: filed, filed a year before, answered, of these late, and open when it ended."""

    first: date
    filed: int
    year_ago: int
    answered: int
    late: int
    open: int


@dataclass(frozen=True, slots=True)
class Frequent:
    """Who files most: an account with its service, or a petitioner."""

    id: int
    name: str
    more: str
    n: int


@dataclass(frozen=True, slots=True)
class Subscribers:
    """The accounts in service today, by service and by zone; nobody knows what they were."""

    by_service: Counter[str] = field(default_factory=Counter)
    by_zone: Counter[str] = field(default_factory=Counter)

    @property
    def n(self) -> int:
        return self.by_service.total()


def share(part: int, of: int) -> Decimal | None:
    """Return the percentage that *part* is of *of*, to a tenth; None of nothing."""
    return (Decimal(100) * part / of).quantize(Decimal("0.1"), ROUND_HALF_UP) if of else None


# ── Conditions, which the list of cases knows as filters ──────────────────────────────────────────────────────────────────


def ways_of_being_open(day: date, today: date) -> tuple[ColumnElement[bool], ...]:
    """
    Return the conditions, of which a case meets one at most, that it was neither answered nor ended when *day* was over.

    Of today and later there is one: that it is not now. The day of filing stands in a function, so that no plan begins with all that
    was ever filed; that there is no answer, which the state says too, is what an index knows.
    """
    was_filed = func.coalesce(Pqr.filed_on, day) <= day
    alive = and_(Pqr.answered_on.is_(None), Pqr.status.in_(_UNANSWERED))
    if day >= today:
        return (and_(alive, was_filed),)
    ended_later = and_(Pqr.status.in_(_ENDED_UNANSWERED), Pqr.closed_on > day)
    return and_(alive, was_filed), and_(Pqr.answered_on > day, was_filed), and_(ended_later, was_filed)


def was_open(day: date, today: date) -> ColumnElement[bool]:
    """Return the condition that a case was open when *day* was over. Several ways are found each by its index, and not row by row."""
    first, *others = ways_of_being_open(day, today)
    if not others:
        return first
    return Pqr.id.in_(union_all(*(select(Pqr.id).where(way).correlate(None) for way in (first, *others))))


def overdue_before(day: date, today: date) -> date:
    """Return the day before which the term of a case that was open on *day* was over: while a day runs, its term does too."""
    return min(date.fromordinal(day.toordinal() + 1), today)


def is_appeal() -> ColumnElement[bool]:
    """Return the condition that a case is a recurso against the answer of another."""
    return select(Appeal.pqr_id).where(Appeal.pqr_id == Pqr.id).correlate(Pqr).exists()


def is_recurrent(session: Session) -> ColumnElement[bool]:
    """
    Return the condition that a case repeats one: same cause, same account or same petitioner, filed at most 90 days before it.

    A recurso repeats nothing: it is how one disagrees with an answer. Cases without cause, or without account and petitioner, are not known
    to repeat any.
    """

    def earlier(column: str) -> ColumnElement[bool]:
        before, recurso = aliased(Pqr), aliased(Appeal)
        is_before = or_(before.filed_on < Pqr.filed_on, and_(before.filed_on == Pqr.filed_on, before.id < Pqr.id))
        row = select(before.id).where(
            getattr(before, column) == getattr(Pqr, column), before.cause_id == Pqr.cause_id, is_before,
            before.filed_on >= _days_before(session, Pqr.filed_on), before.status != PqrStatus.VOIDED,
            ~select(recurso.pqr_id).where(recurso.pqr_id == before.id).exists(),
        )  # fmt: skip
        return row.correlate(Pqr).exists()

    return and_(or_(earlier("account_id"), earlier("party_id")), ~is_appeal())


def _days_before(session: Session, day: Any) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "postgresql":
        return day - AGAIN_DAYS
    return func.date(day, f"-{AGAIN_DAYS} days")


# ── The figures of whole spans ────────────────────────────────────────────────────────────────────────────────────────────


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return how many rows meet *condition*; 0 of no rows."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _numbers(index: int, what: str, rows: Select[Any], *numbers: Any) -> Select[Any]:
    """Return *rows* with what they add up to: which span, what, and as many numbers as every other has."""
    padded = (*numbers, *(literal(0),) * (_WIDTH - len(numbers)))
    return rows.add_columns(literal(index).label("span"), literal(what).label("what"), *(n.label(f"n{i}") for i, n in enumerate(padded)))


def _of_span(scope: Scope, index: int, span: Span, today: date) -> Iterator[Select[Any]]:
    """Yield what adds up to the figures of *span*; of the same name, they are added up."""
    cases = scope(select().select_from(Pqr))
    appeals = cases.join(Appeal, Appeal.pqr_id == Pqr.id)
    filed, answered = Pqr.filed_on.between(span.since, span.until), Pqr.answered_on.between(span.since, span.until)
    is_voided = Pqr.status == PqrStatus.VOIDED
    yield _numbers(index, "filed", cases.where(filed), func.count())  # an index alone counts them
    yield _numbers(index, "voided", cases.where(filed, is_voided), func.count())
    yield _numbers(index, "appeals", appeals.where(filed, ~is_voided), func.count())
    answers = (func.count(), *map(_flag, (Pqr.answered_on > Pqr.due_on, Pqr.outcome.in_(DECIDED), Pqr.outcome.in_(UPHELD))))
    yield _numbers(index, "answered", cases.where(answered), *answers)
    of_appeals = (Pqr.outcome.in_(APPEAL_OUTCOMES), Pqr.outcome.in_(CHANGED))
    yield _numbers(index, "decided", appeals.where(answered), *map(_flag, of_appeals))
    is_over = Pqr.due_on < overdue_before(span.until, today)
    for way in ways_of_being_open(span.until, today):
        yield _numbers(index, "open", cases.where(way), func.count(), _flag(is_over))
    silences = scope(select().select_from(Silence).join(Pqr, Pqr.id == Silence.pqr_id))
    arisen = silences.where(Silence.arisen_on.between(span.since, span.until), Silence.withdrawn_on.is_(None))
    yield _numbers(index, "silences", arisen, func.count(), _flag(Silence.recognised_on.is_not(None)))
    rated, scores = Rating.rated_on.between(span.since, span.until), [_flag(Rating.score == score) for score in range(1, 6)]
    of_cases = scope(select().select_from(Rating).join(Pqr, Pqr.id == Rating.pqr_id))
    yield _numbers(index, "ratings", of_cases.where(rated), *scores)
    yield _numbers(index, "ratings", select().select_from(Rating).where(rated, Rating.pqr_id.is_(None)), *scores)


def headlines(session: Session, scope: Scope, spans: Sequence[Span], *, today: date, with_recurrence: bool = False) -> list[Counts]:
    """Return the figures of each of *spans*, in one statement. Recurrence, which looks up every case, is counted only where asked for."""
    selects = [each for index, span in enumerate(spans) for each in _of_span(scope, index, span, today)]
    if with_recurrence:
        cases = scope(select().select_from(Pqr)).where(Pqr.status != PqrStatus.VOIDED, is_recurrent(session))
        for index, span in enumerate(spans):
            selects.append(_numbers(index, "recurrent", cases.where(Pqr.filed_on.between(span.since, span.until)), func.count()))
    found: dict[int, dict[str, tuple[int, ...]]] = defaultdict(lambda: defaultdict(lambda: (0,) * _WIDTH))
    for index, what, *numbers in session.execute(union_all(*selects)):
        found[index][what] = tuple(known + int(n) for known, n in zip(found[index][what], numbers, strict=True))
    return [_counts(found[index]) for index in range(len(spans))]


def _counts(found: dict[str, tuple[int, ...]]) -> Counts:
    answered, late, decided, upheld = found["answered"][:4]
    voided = found["voided"][0]
    return Counts(
        filed=found["filed"][0] - voided, voided=voided, recurrent=found["recurrent"][0], appeals=found["appeals"][0],
        answered=answered, late=late, decided=decided, upheld=upheld, appeals_decided=found["decided"][0], changed=found["decided"][1],
        open=found["open"][0], overdue=found["open"][1], silences=found["silences"][0], recognised=found["silences"][1],
        scores=found["ratings"],
    )  # fmt: skip


def headline(session: Session, scope: Scope, span: Span, *, today: date) -> Counts:
    """Return the figures of *span*, without recurrence. One statement."""
    return headlines(session, scope, [span], today=today)[0]


# ── By what they are ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Axis:
    """How a dimension is read: whose rows name its keys, what they are called, which filter of the list says it, what nothing is called."""

    model: Any
    label: Any
    filter: str
    empty: str = ""


_CAUSE_LABEL = SuiCause.group_code + literal(" ") + SuiCause.code + literal(" · ") + SuiCause.name
_AXES = {
    Dimension.TYPE: _Axis(RequestType, RequestType.name, "request_type"),
    Dimension.CAUSE: _Axis(SuiCause, _CAUSE_LABEL, "cause", N_("Without a cause")),
    Dimension.SERVICE: _Axis(Service, Service.name, "service", N_("Without a service")),
    Dimension.CHANNEL: _Axis(Channel, Channel.name, "channel"),
    Dimension.ZONE: _Axis(None, None, "zone", N_("Without a zone")),
    Dimension.PROCESS: _Axis(Process, Process.name, "answers"),
    Dimension.MONTH: _Axis(None, None, ""),
}


def filter_of(dimension: Dimension) -> str:
    """Return the name of the filter of the list of cases that says *dimension*; empty for a month, which is dates."""
    return _AXES[dimension].filter


def nothing_of(dimension: Dimension) -> str:
    """Return the msgid of what a group is called whose cases have no value of *dimension*."""
    return _AXES[dimension].empty


def case_path(**filters: str) -> str:
    """Return the address of the list of cases narrowed to *filters*."""
    return "/pqr/?" + urlencode(filters, safe=",.:")


def _keys(dimensions: Collection[Dimension], on: Any) -> dict[Dimension, Any]:
    """Return the expression of each of *dimensions*, of an event whose day is *on*."""
    made = {
        Dimension.TYPE: lambda: Pqr.request_type_id, Dimension.CAUSE: lambda: Pqr.cause_id, Dimension.SERVICE: lambda: Pqr.service_id,
        Dimension.CHANNEL: lambda: Pqr.channel_id, Dimension.ZONE: lambda: func.nullif(Account.zone, ""),
        Dimension.PROCESS: queries.answering_process, Dimension.MONTH: lambda: extract("year", on) * 100 + extract("month", on),
    }  # fmt: skip
    return {dimension: made[dimension]() for dimension in dimensions}


def _events(scope: Scope, spans: Sequence[Span], dimensions: Collection[Dimension], today: date | None) -> Any:
    """Return what happened, a row an event: filed in any of *spans*, answered in the first, and open when that was over on *today*."""

    def rows(what: str, of: int, on: Any, is_late: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
        columns = [key.label(dimension.name) for dimension, key in _keys(dimensions, on).items()]
        head = literal(what).label("what"), literal(of).label("of"), is_late.label("is_late")
        statement = scope(select(*head, *columns).select_from(Pqr).where(*conditions))
        return statement.outerjoin(Account, Account.id == Pqr.account_id) if Dimension.ZONE in dimensions else statement

    no, counts, first = literal(0), Pqr.status != PqrStatus.VOIDED, spans[0]
    selects = [rows("filed", of, Pqr.filed_on, no, counts, Pqr.filed_on.between(*_ends(span))) for of, span in enumerate(spans)]
    is_late = case((Pqr.answered_on > Pqr.due_on, 1), else_=0)
    selects.append(rows("answered", 0, Pqr.answered_on, is_late, Pqr.answered_on.between(*_ends(first))))
    if today is not None:
        selects += [rows("open", 0, Pqr.filed_on, no, way) for way in ways_of_being_open(first.until, today)]
    return union_all(*selects).cte("events")


def _ends(span: Span) -> tuple[date, date]:
    return span.since, span.until


def _grouped(events: Any, dimension: Dimension) -> Select[Any]:
    """Return *events* counted by *dimension*, each group with its name."""
    axis, key = _AXES[dimension], events.c[dimension.name]
    counted = (events.c.what, events.c.of)
    numbers = func.count().label("n"), func.sum(events.c.is_late).label("n_late")
    groups = select(key.label("key"), *counted, *numbers).group_by(key, *counted).subquery()
    label = cast(groups.c.key, String) if axis.model is None else axis.label
    found = select(literal(dimension.name).label("dimension"), cast(groups.c.key, String).label("key"), cast(label, String).label("label"),
                   groups.c.what, groups.c.of, groups.c.n, groups.c.n_late)  # fmt: skip
    return found if axis.model is None else found.outerjoin(axis.model, axis.model.id == groups.c.key)


def tables(
    session: Session, scope: Scope, spans: Sequence[Span], dimensions: Sequence[Dimension], *, today: date | None = None
) -> dict[Dimension, list[Group]]:
    """
    Return the groups of each of *dimensions*, the most filed in the first span first, in one statement.

    Filed is of each of *spans*; answered and late are of the first; open, when that was over, needs *today* and is else not counted.
    Causes of the same code and name, of services or validities of their own, are one group: `key` names them all.
    """
    events = _events(scope, spans, dimensions, today)
    found: dict[Dimension, dict[str, Group]] = defaultdict(dict)
    keys: dict[int, dict[str, None]] = defaultdict(dict)
    for name, key, label, what, of, n, n_late in session.execute(union_all(*(_grouped(events, each) for each in dimensions))):
        dimension = Dimension[name]
        key, label = _said(dimension, key, label)
        group = found[dimension].setdefault(label, Group(key, label, [0] * len(spans)))
        keys[id(group)][key] = None
        _add(group, what, of, int(n), int(n_late))
    for groups in found.values():
        for group in groups.values():
            group.key = ",".join(keys[id(group)])
    return {dimension: _ranked(dimension, found[dimension]) for dimension in dimensions}


def _said(dimension: Dimension, key: str | None, label: str | None) -> tuple[str, str]:
    if key is None:
        return EMPTY, ""
    if dimension is Dimension.MONTH:
        month = int(float(key))
        return (first := f"{month // 100}-{month % 100:02}-01"), first
    return key, label or key


def _add(group: Group, what: str, of: int, n: int, n_late: int) -> None:
    if what == "filed":
        group.filed[of] += n
    elif what == "open":
        group.open += n
    else:
        group.answered += n
        group.late += n_late


def _ranked(dimension: Dimension, groups: dict[str, Group]) -> list[Group]:
    if dimension is Dimension.MONTH:
        return sorted(groups.values(), key=lambda group: group.key)
    return sorted(groups.values(), key=lambda group: (*(-n for n in group.filed), -group.answered, not group.label, group.label))


def counts_by(session: Session, scope: Scope, span: Span, dimension: Dimension) -> list[tuple[str, str, int, int, int]]:
    """
    Return (key, label, filed, answered, answered late) by *dimension*, the most filed first; months in order. One statement.

    `key` is what the list of cases is told (`filter_of(dimension)`): 12, empty, Norte; of a month, its first day. A group without a
    value has no label (`nothing_of` has its words).
    """
    groups = tables(session, scope, [span], [dimension])[dimension]
    return [(group.key, group.label, group.filed[0], group.answered, group.late) for group in groups]


# ── Month by month ────────────────────────────────────────────────────────────────────────────────────────────────────────


def months(session: Session, scope: Scope, span: Span, n_open: int) -> list[Month]:
    """
    Return each month of *span*, which begins with one. One statement, by day.

    Args:
        n_open: Cases open when *span* was over; what was open before follows from what was filed and ended since.
    """
    cases = scope(select().select_from(Pqr))
    since, until = span.since, span.until

    def by_day(what: str, on: Any, first: date, number: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
        rows = cases.where(on.between(first, until), *conditions).group_by(on)
        return rows.add_columns(literal(what).label("what"), on.label("on"), func.count().label("n"), number.label("n_late"))

    selects = (
        by_day("filed", Pqr.filed_on, since.replace(year=since.year - 1), literal(0), Pqr.status != PqrStatus.VOIDED),
        by_day("answered", Pqr.answered_on, since, _flag(Pqr.answered_on > Pqr.due_on)),
        by_day("ended", Pqr.closed_on, since, literal(0), Pqr.status.in_(_ENDED_UNANSWERED)),
    )
    found: Counter[tuple[str, date]] = Counter()
    for what, on, n, n_late in session.execute(union_all(*selects)):
        found[what, on.replace(day=1)] += n
        found["late", on.replace(day=1)] += int(n_late)
    return _backwards(found, span, n_open)


def _backwards(found: Counter[tuple[str, date]], span: Span, n_open: int) -> list[Month]:
    """Return the months of *span* in order, reckoned from the last one."""
    lines: list[Month] = []
    first = span.until.replace(day=1)
    while first >= span.since:
        filed, answered = found["filed", first], found["answered", first]
        year_ago = found["filed", first.replace(year=first.year - 1)]
        lines.append(Month(first, filed, year_ago, answered, found["late", first], n_open))
        n_open += answered + found["ended", first] - filed
        first = date.fromordinal(first.toordinal() - 1).replace(day=1)
    return lines[::-1]


# ── Subscribers, and who files most ───────────────────────────────────────────────────────────────────────────────────────


def subscribers(session: Session) -> Subscribers:
    """Return the accounts in service, by service and by zone. One statement."""
    zone = func.nullif(Account.zone, "")
    found = Subscribers()
    for service_id, name, n in session.execute(
        select(Account.service_id, zone, func.count()).where(Account.is_active).group_by(Account.service_id, zone)
    ):
        found.by_service[str(service_id)] += n
        found.by_zone[EMPTY if name is None else name] += n
    return found


def most_frequent(session: Session, scope: Scope, span: Span, *, with_names: bool) -> dict[str, list[Frequent]]:
    """
    Return the accounts, and with *with_names* the petitioners, with two cases or more filed in *span*, the most first. One statement.

    Only cases filed with a name are counted: nothing of an anonymous or reserved identity may be told from its account.
    """

    def of(kind: str, key: Any, name: Any, more: Any, *joined: tuple[Any, Any]) -> Select[Any]:
        n = func.count().label("n")
        counted = scope(select(key.label("id"), n).select_from(Pqr)).where(
            Pqr.filed_on.between(span.since, span.until), Pqr.status != PqrStatus.VOIDED, Pqr.identity == Identity.NAMED, key.is_not(None)
        )
        top = counted.group_by(key).having(func.count() > 1).order_by(n.desc(), key).limit(TOP).subquery()
        rows = select(literal(kind).label("kind"), top.c.id, name.label("name"), more.label("more"), top.c.n)
        for model, on in joined:
            rows = rows.join(model, on(top))
        return rows

    selects = [of("account", Pqr.account_id, Account.number, Service.name, (Account, lambda top: Account.id == top.c.id),
                  (Service, lambda _top: Service.id == Account.service_id))]  # fmt: skip
    if with_names:
        selects.append(of("party", Pqr.party_id, Party.name, literal(""), (Party, lambda top: Party.id == top.c.id)))
    found: dict[str, list[Frequent]] = {"account": [], "party": []}
    for kind, key, name, more, n in session.execute(union_all(*selects)):
        found[kind].append(Frequent(key, name, more, n))
    return {kind: sorted(rows, key=lambda row: (-row.n, row.id)) for kind, rows in found.items()}
