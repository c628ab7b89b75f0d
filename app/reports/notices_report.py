"""
Notices: how the answers of a period reached the citizen. By which means, in how many days, what came back, and whose summons left late.

What each figure counts: docs/rules/notice-report.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import CTE, ColumnElement, Date, Select, and_, case, cast, column, func, literal, select, type_coerce, values
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import aliased

from app import queries
from app.domain import N_
from app.domain.deadlines import Regime
from app.domain.notices import summons_until, terms_of
from app.domain.reports import ReportGroup
from app.domain.states import Identity, NoticeMeans, NoticeResult, PqrStatus
from app.domain.times import Spread
from app.extensions import LOCAL_ZONE
from app.models import Notice, Pqr, Process, RequestType
from app.reports.base import Cells, Column, Figure, Kind, Linked, Offer, Part
from app.reports.grouping import By, Count, More, PeriodReport, ProcessForm, enum_field, grouped, said, share, spread_of


class Summons(Enum):
    """Whether the summons of an answer left within its days (CPACA art. 68)."""

    IN_TIME = N_("Sent in time")
    LATE = N_("Sent late")
    MISSING = N_("Not sent, and its days are over")
    RUNNING = N_("Not sent yet, in time so far")
    NEEDLESS = N_("Not needed")
    NO_CHAIN = N_("Its law asks for none")


#: What the share in time is a share of, and what was not in time.
JUDGED, OUT_OF_TIME = (Summons.IN_TIME, Summons.LATE, Summons.MISSING), (Summons.LATE, Summons.MISSING)
OUT = "OUT"
#: VALUES of no rows are no SQL: a day before any answer.
_NOTHING = [(Regime.LEY142, date(1900, 1, 1), date(1900, 1, 1))]
_NOTIFIED = (PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED)

ANSWERS = (
    Column(N_("Number"), Kind.CASE, 17), Column(N_("Type"), Kind.TEXT, 24), Column(N_("Process"), Kind.TEXT, 24),
    Column(N_("Answer"), Kind.DATE, 12), Column(N_("Last day for the summons"), Kind.DATE, 14), Column(N_("Summons sent"), Kind.DATE, 12),
    Column(N_("Summons"), Kind.TEXT, 28), Column(N_("Attempts"), Kind.INT, 10), Column(N_("Came back"), Kind.INT, 10),
    Column(N_("Notice"), Kind.DATE, 12), Column(N_("Served by"), Kind.TEXT, 24), Column(N_("Days from answer to notice"), Kind.INT, 12),
    Column(N_("State"), Kind.TEXT, 22),
)  # fmt: skip
ATTEMPTS = (
    Column(N_("Case"), Kind.CASE, 17), Column(N_("Means"), Kind.TEXT, 24), Column(N_("Sent or posted"), Kind.DATE, 12),
    Column(N_("Result"), Kind.TEXT, 20), Column(N_("Day of the result"), Kind.DATE, 12), Column(N_("Served on"), Kind.DATE, 12),
    Column(N_("Carrier"), Kind.TEXT, 18), Column(N_("Guide"), Kind.TEXT, 18), Column(N_("Posted until"), Kind.DATE, 12),
    Column(N_("Why it came back"), Kind.TEXT, 40, wraps=True), Column(N_("With proof"), Kind.BOOL, 10),
)  # fmt: skip


class NoticeForm(ProcessForm):
    """Besides the period of the answers and the process: whether the summons was in time, a means and a result."""

    summons = enum_field(_l("Summons"), Summons)
    means = enum_field(_l("Means"), NoticeMeans)
    result = enum_field(_l("Result"), NoticeResult)

    def __init__(self, args: Mapping[str, Any]) -> None:
        super().__init__(args)
        self.summons.choices = [*self.summons.choices, (OUT, _("Out of its days"))]

    def wanted(self) -> tuple[Summons, ...]:
        """Return what may have become of the summons; nothing where all may."""
        return OUT_OF_TIME if self.summons.data == OUT else (Summons[self.summons.data],) if self.summons.data else ()


class NoticeReport(PeriodReport):
    """The notices of the answers of a period. Names and addresses of whoever filed are no part of it."""

    identifier = "notices"
    name = N_("Notices of answers")
    description = N_("How the answers of the period were notified: means, attempts, days to the notice, what came back, summons in time.")
    form = NoticeForm
    list_path = "/pqr/"
    detail_key = "answers"
    beyond = ("summons", "means", "result")

    def _listed(self) -> dict[str, str]:
        return {"answered_on": str(self._span), "answers": self._asked.form.of_process.data}

    # ── what is counted ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _answered(self, statement: Select[Any]) -> Select[Any]:
        """Return *statement* over Pqr limited to the reader's answers of the period, of the process that was asked for."""
        statement = self._reader.scope("pqr", statement).where(Pqr.answered_on.between(self._span.since, self._span.until))
        process_id = self._asked.form.process_id
        return statement if process_id is None else statement.where(queries.answering_process() == process_id)

    @cached_property
    def _limits(self) -> CTE:
        """The last day to send the summons, by regime and day of the answer; a law without summons has none."""
        rules, found = queries.term_rules(self._session), []
        pairs = self._answered(select(Pqr.regime, Pqr.answered_on).select_from(Pqr)).distinct()
        for regime, answered_on in self._session.execute(pairs):
            terms = terms_of(rules, regime, answered_on)
            if terms is not None:
                found.append((regime, answered_on, summons_until(answered_on, terms, self._calendar)))
        columns = column("regime", Pqr.regime.type), column("answered_on", Date), column("until_on", Date)
        return values(*columns, name="last_day").data(found or _NOTHING).cte("last_day")

    @staticmethod
    def _first(expression: Any, *conditions: Any) -> Any:
        """Return the subquery of what the attempts on the answer of a case give."""
        mine = and_(Notice.pqr_id == Pqr.id, Notice.document_id.is_(None), *conditions)
        return select(expression).where(mine).correlate(Pqr).scalar_subquery()

    def _sent_on(self) -> ColumnElement[date]:
        """Return the day of an attempt: told by the staff, else the local day of its instant."""
        if self._session.get_bind().dialect.name == "postgresql":
            day = cast(func.timezone(LOCAL_ZONE.key, Notice.sent_at), Date)
        else:
            day = type_coerce(func.date(Notice.sent_at, "-5 hours"), Date)  # Colombia keeps no summer time
        return func.coalesce(Notice.posted_on, Notice.sent_on, day, type_=Date)

    @cached_property
    def _summons_on(self) -> Any:
        return self._first(func.min(self._sent_on()), Notice.means == NoticeMeans.SUMMONS)

    @cached_property
    def _means(self) -> Any:
        """By which means the answer was served: the first that counts."""
        of_one = and_(Notice.pqr_id == Pqr.id, Notice.document_id.is_(None), Notice.served_on == Pqr.notified_on)
        return select(Notice.means).where(of_one).order_by(Notice.id).limit(1).correlate(Pqr).scalar_subquery()

    @cached_property
    def _summons(self) -> ColumnElement[Summons]:
        """Whether the summons was in time, over the cases beside their last day."""
        kind, limit, sent_on = EnumType(Summons, native_enum=False, length=24), self._limits.c.until_on, self._summons_on
        whens = (
            (limit.is_(None), Summons.NO_CHAIN), (sent_on <= limit, Summons.IN_TIME), (sent_on > limit, Summons.LATE),
            (self._means == NoticeMeans.E_LINK, Summons.NEEDLESS), (Pqr.identity == Identity.ANONYMOUS, Summons.NEEDLESS),
            (Pqr.notified_on <= limit, Summons.NEEDLESS), (limit < self._today, Summons.MISSING),
        )  # fmt: skip
        return case(*((when, literal(value, kind)) for when, value in whens), else_=literal(Summons.RUNNING, kind))

    def _cases(self) -> Select[Any]:
        """Return the SELECT, without columns, of the cases that the form asks for."""
        limits = self._limits
        rows = select().select_from(Pqr).outerjoin(
            limits, and_(limits.c.regime == Pqr.regime, limits.c.answered_on == Pqr.answered_on)
        )  # fmt: skip
        rows, form = self._answered(rows), self._asked.form
        if summons := form.wanted():
            rows = rows.where(self._summons.in_(summons))
        tried = aliased(Notice)  # the attempts may be joined beside it
        if conditions := self._of_attempt(tried):
            rows = rows.where(select(tried.id).where(tried.pqr_id == Pqr.id, tried.document_id.is_(None), *conditions).exists())
        return rows

    def _of_attempt(self, notice: Any) -> list[ColumnElement[bool]]:
        """Return the conditions of the form on an attempt."""
        form = self._asked.form
        chosen = (notice.means, form.chosen("means", NoticeMeans)), (notice.result, form.chosen("result", NoticeResult))
        return [column == value for column, value in chosen if value is not None]

    def _statement(self) -> Select[Any]:
        return grouped(
            self._cases(), Pqr.answered_on.label("answered_on"), Pqr.notified_on.label("notified_on"), self._summons.label("summons"),
            self._means.label("means"),
        )  # fmt: skip

    @cached_property
    def _attempts(self) -> Sequence[Any]:
        """How many attempts there are by means, result and reason to come back."""
        columns = Notice.means.label("means"), Notice.result.label("result"), Notice.return_reason.label("reason")
        return self._session.execute(grouped(self._tried(), *columns)).all()

    def _tried(self) -> Select[Any]:
        """Return the SELECT, without columns, of the attempts on the answers of the period that the form asks for."""
        mine = and_(Notice.pqr_id == Pqr.id, Notice.document_id.is_(None))
        return self._cases().join(Notice, mine).where(*self._of_attempt(Notice))

    # ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _days(self, facts: Sequence[Any]) -> Spread:
        """Return the business days from the answer to its notice."""
        between = self._calendar.between
        return spread_of((between(fact.answered_on, fact.notified_on) if fact.notified_on else None, fact.n) for fact in facts)

    def headline(self) -> list[Figure]:
        days, out = self._days(self.facts), self._n(lambda fact: fact.summons in OUT_OF_TIME)
        waiting = self._n(lambda fact: fact.notified_on is None)
        settled = self._n(lambda fact: fact.summons in JUDGED)
        told = [
            Figure(_("Answers of the period"), self._n(), self.to({}, {})),
            Figure(_("Answers notified"), self._n(lambda fact: fact.notified_on is not None), self.to(_status(*_NOTIFIED))),
            Figure(_("Not notified yet"), waiting, self.to(_status(PqrStatus.ANSWERED)), tone="warn" if waiting else ""),
            Figure(_("Summons out of its days"), out, self.own({"summons": OUT}), tone="bad" if out else ""),
            Figure(_("Attempts that came back"), sum(row.n for row in self._attempts if row.result is NoticeResult.RETURNED),
                   self._attempts_of({"result": "RETURNED"})),
        ]  # fmt: skip
        measures = (
            (_("Summons in time"), share(self._n(lambda fact: fact.summons is Summons.IN_TIME), settled), "%"),
            (_("Mean business days from answer to notice"), days.average, ""), (_("Half of them within, business days"), days.median, ""),
            (_("Nine in ten within, business days"), days.p90, ""),
        )  # fmt: skip
        return told + [Figure(label, value, unit=unit) for label, value, unit in measures if value is not None]

    def _attempts_of(self, narrows: Mapping[str, str]) -> str:
        return self.own(narrows).replace("/part/answers", "/part/attempts")

    def _made(self) -> Iterator[Part]:
        yield self._by_means()
        yield self._by_service()
        yield self._by_summons()
        yield self._by_month()
        yield self._by_reason()
        about = _("An answer a row. Days are business days, from the answer to the day on which it was served.")
        yield self.detail(_("Answers, one by one"), ANSWERS, self._answer_rows, self._n, key="answers", about=about)
        yield self.detail(
            _("Attempts, one by one"), ATTEMPTS, self._attempt_rows, lambda: sum(row.n for row in self._attempts), key="attempts"
        )  # fmt: skip

    def _by_means(self) -> Part:
        lines = []
        for means in NoticeMeans:
            found = [row for row in self._attempts if row.means is means]
            if not found:
                continue
            told = [(None, sum(row.n for row in found))]
            told += [(result, sum(row.n for row in found if row.result is result)) for result in NoticeResult]
            cells = (self._linked(n, {"means": means} | ({"result": result} if result else {})) for result, n in told)
            lines.append((_(means.value), *cells))
        header = (
            Column(N_("Means"), Kind.TEXT, 30), Column(N_("Attempts"), Kind.INT, 10),
            *(Column(result.value, Kind.INT, 12) for result in NoticeResult),
        )  # fmt: skip
        about = _("Attempts on the answers of the period, whenever they were made. A summons is no notice: it asks the citizen to come.")
        return Part("means", _("Attempts by means"), header, lambda: (line for line in lines), about)

    def _linked(self, n: int, narrows: Mapping[str, Enum]) -> Any:
        return Linked(n, self._attempts_of({name: member.name for name, member in narrows.items()})) if n else n

    def _by_service(self) -> Part:
        served = [fact for fact in self.facts if fact.notified_on is not None]
        by = By(N_("Served by"), lambda fact: fact.means, lambda key: said(key) if key else _("Not written"))
        more = [
            More(Column(title, kind, 14), _days_of(self, name)) for title, kind, name in (
                (N_("Mean days"), Kind.DECIMAL, "average"), (N_("Half within, days"), Kind.DECIMAL, "median"),
                (N_("Nine in ten within, days"), Kind.INT, "p90"), (N_("Longest, days"), Kind.INT, "longest"),
            )
        ]  # fmt: skip
        about = _("Answers that were notified, by the means that served them, and the business days that it took.")
        return self.table("served", _("How answers were served"), by, (_ANSWERS,), more, about=about, facts=served, has_plot=True)

    def _by_summons(self) -> Part:
        by = By(N_("Summons"), lambda fact: fact.summons, said, field="summons", in_order=True)
        about = _(
            "The summons leaves within its days after the answer (CPACA art. 68). It is not needed where the citizen opened the link of an "
            "e-mail, is anonymous, or was notified within those days."
        )
        return self.table("summons", _("The summons and its days"), by, (_ANSWERS_NARROWED,), about=about)

    def _by_month(self) -> Part:
        by = By(N_("Month of the answer"), lambda fact: self.month_of(fact.answered_on), lambda key: key[:7], "answered_on", in_order=True)
        counts = (
            _ANSWERS, Count(N_("Answers notified"), lambda fact: fact.notified_on is not None, _status(*_NOTIFIED)),
            Count(N_("Not notified yet"), lambda fact: fact.notified_on is None, _status(PqrStatus.ANSWERED)),
            Count(N_("Summons out of its days"), lambda fact: fact.summons in OUT_OF_TIME),
        )  # fmt: skip
        more = (More(Column(N_("Mean days"), Kind.DECIMAL, 12), _days_of(self, "average")),)
        return self.table("months", _("By month"), by, counts, more)

    def _by_reason(self) -> Part:
        by = By(N_("Why it came back"), lambda row: row.reason, str)
        returned = [row for row in self._attempts if row.result is NoticeResult.RETURNED]
        return self.table("returned", _("What came back, and why"), by, (Count(N_("Attempts"), lambda _row: True),), facts=returned)

    # ── one by one ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _answer_rows(self, limit: int | None) -> Iterator[Cells]:
        returned = self._first(func.count(), Notice.result == NoticeResult.RETURNED)
        columns = (
            Pqr.number, RequestType.name.label("request_type"), Process.name.label("process"), Pqr.answered_on,
            self._limits.c.until_on.label("until_on"), self._summons_on.label("summons_on"), self._summons.label("summons"),
            self._first(func.count()).label("n_attempts"), returned.label("n_returned"), Pqr.notified_on, self._means.label("means"),
            Pqr.status,
        )  # fmt: skip
        rows = self._cases().with_only_columns(*columns, maintain_column_froms=True)
        rows = rows.join(RequestType, RequestType.id == Pqr.request_type_id).join(Process, Process.id == queries.answering_process())
        for row in self.stream(rows.order_by(Pqr.answered_on, Pqr.id), limit):
            yield (
                row.number, row.request_type, row.process, row.answered_on, row.until_on, row.summons_on, _(row.summons.value),
                row.n_attempts, row.n_returned, row.notified_on, _(row.means.value) if row.means else None,
                self._calendar.between(row.answered_on, row.notified_on) if row.notified_on else None, _(row.status.value),
            )  # fmt: skip

    def _attempt_rows(self, limit: int | None) -> Iterator[Cells]:
        ended_on = func.coalesce(Notice.returned_on, Notice.delivered_on, Notice.unposted_on, Notice.served_on)
        columns = (
            Pqr.number, Notice.means, self._sent_on().label("sent_on"), Notice.result, ended_on.label("ended_on"), Notice.served_on,
            Notice.courier, Notice.guide, Notice.post_until, Notice.return_reason,
            ((func.length(Notice.proof) > 0) | Notice.proof_file_id.is_not(None)).label("has_proof"),
        )  # fmt: skip
        rows = self._tried().with_only_columns(*columns, maintain_column_froms=True)
        for row in self.stream(rows.order_by(Pqr.answered_on, Pqr.id, Notice.id), limit):
            number, means, sent_on, result, *rest = row
            yield number, _(means.value), sent_on, _(result.value), *rest


def _status(*wanted: PqrStatus) -> dict[str, str]:
    return {"status": ",".join(each.name for each in wanted)}


def _days_of(report: NoticeReport, name: str) -> Any:
    return lambda facts: getattr(report._days(facts), name)


_ANSWERS = Count(N_("Answers issued"), lambda _fact: True, {})
_ANSWERS_NARROWED = Count(N_("Answers issued"), lambda _fact: True, None, {})

OFFER = Offer(
    NoticeReport, ReportGroup.CASES, ("can_list", "NoticeReport"), NoticeReport,
    N_("For whoever notifies and whoever answers for it: what is still to be notified, what came back, and summonses out of their days."),
    "Ley 1437 de 2011 (CPACA), arts. 56, 67 a 69 y 72", words=(N_("notice"), N_("summons"), N_("aviso"), N_("returned")),
)  # fmt: skip
