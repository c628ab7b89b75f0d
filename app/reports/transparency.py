"""
The report on requests for public information (Ley 1712 de 2014): received, transferred, response time of each, access denied.

It is made to be published: it names nobody. What each figure counts: docs/rules/transparency.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, or_, select
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app import queries
from app.domain import N_
from app.domain.calendar import ONE_DAY
from app.domain.reports import ReportGroup
from app.domain.states import Outcome, PqrStatus
from app.domain.times import Spread, days_late, stopped_days
from app.models import CaseEvent, Channel, Pqr, RequestType
from app.operations.indicator_measures import INFORMATION
from app.reports.base import Asked, Cells, Column, Figure, Kind, Linked, Offer, Part
from app.reports.forms import ReportForm
from app.reports.grouping import BATCH, PeriodReport, grouped, spread_of

NORM = "Ley 1712 de 2014, art. 11 h; Decreto 103 de 2015, art. 52; Resolución MinTIC 1519 de 2020, anexo 2 (fuente secundaria)"
_GIVEN = {Outcome.GRANTED: N_("Access given"), Outcome.PARTLY: N_("Access given in part"), Outcome.DENIED: N_("Access denied")}
_ENDED = {
    PqrStatus.TRANSFERRED: N_("Transferred to whoever is competent"), PqrStatus.WITHDRAWN: N_("The citizen withdrew it"),
    PqrStatus.ARCHIVED: N_("Archived: nobody answered"),
}  # fmt: skip
REQUESTS = (
    Column(N_("Number"), Kind.CASE, 17), Column(N_("Received"), Kind.DATE, 12), Column(N_("Channel"), Kind.TEXT, 24),
    Column(N_("Legal due date"), Kind.DATE, 12), Column(N_("Answered"), Kind.DATE, 12), Column(N_("Business days"), Kind.INT, 10),
    Column(N_("Of these, clock stopped"), Kind.INT, 10), Column(N_("Response time, business days"), Kind.INT, 12),
    Column(N_("Days late"), Kind.INT, 10), Column(N_("What became of the request"), Kind.TEXT, 30),
)  # fmt: skip
MONTHS = (
    Column(N_("Period"), Kind.TEXT, 14), Column(N_("Requests received"), Kind.INT, 12),
    Column(N_("Transferred to another body"), Kind.INT, 12), Column(N_("Requests answered"), Kind.INT, 12),
    Column(N_("Mean response time, business days"), Kind.DECIMAL, 16),
    Column(N_("Access given"), Kind.INT, 12), Column(N_("Access given in part"), Kind.INT, 12), Column(N_("Access denied"), Kind.INT, 12),
)  # fmt: skip


class TransparencyForm(ReportForm):
    """The period, and by what it is told."""

    every = SelectField(_l("How often"), default="MONTH", validators=[Empty()])

    def __init__(self, args: Any) -> None:
        super().__init__(args)
        self.every.choices = [("MONTH", _("Every month")), ("QUARTER", _("Every three months"))]

    @property
    def n_months(self) -> int:
        return 3 if self.every.data == "QUARTER" else 1


class TransparencyReport(PeriodReport):
    """The requests for information that were received, transferred or answered in the period."""

    identifier = "transparency"
    name = N_("Requests for public information (Ley 1712)")
    description = N_("Requests received, transferred, response time of each and access denied. It names nobody.")
    form = TransparencyForm
    list_path = "/pqr/"
    detail_key = "requests"

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._type_id = self._session.scalar(select(RequestType.id).where(RequestType.code == INFORMATION))

    def _listed(self) -> dict[str, str]:
        return {"request_type": str(self._type_id or 0)}

    # ── what is counted ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _in(self, column: Any) -> ColumnElement[bool]:
        return column.between(self._span.since, self._span.until)

    def _requests(self) -> Select[Any]:
        """Return the SELECT, without columns, of the requests of the period; what was voided never was one."""
        moved = or_(self._in(Pqr.filed_on), self._in(Pqr.answered_on), and_(Pqr.status == PqrStatus.TRANSFERRED, self._in(Pqr.closed_on)))
        mine = select().select_from(Pqr).where(Pqr.request_type_id == (self._type_id or 0), Pqr.status != PqrStatus.VOIDED, moved)
        return self._reader.scope("pqr", mine)

    def _statement(self) -> Select[Any]:
        return grouped(
            self._requests(), Pqr.filed_on.label("filed_on"), Pqr.effective_on.label("effective_on"), Pqr.answered_on.label("answered_on"),
            Pqr.closed_on.label("closed_on"), Pqr.status.label("status"), Pqr.outcome.label("outcome"),
        )  # fmt: skip

    @cached_property
    def _stopped(self) -> dict[tuple[date, date], list[int]]:
        """The days on which a lawful act held the clock of the answers of the period, by their days; of the others there is none."""
        columns = Pqr.id, Pqr.effective_on, Pqr.answered_on
        rows = self._requests().with_only_columns(*columns, maintain_column_froms=True).where(self._in(Pqr.answered_on))
        held = self._session.execute(rows.where(_was_stopped())).all()
        acts = _acts(self._session, [row.id for row in held])
        found: dict[tuple[date, date], list[int]] = {}
        for row in held:
            n = stopped_days(acts[row.id], row.effective_on, row.answered_on, self._calendar)
            found.setdefault((row.effective_on, row.answered_on), []).append(n)
        return found

    def _days(self, facts: Sequence[Any], since: date, until: date) -> Spread:
        """Return the response time of what was answered from *since* to *until*: business days from filing, less lawful stops."""
        told: list[tuple[int | None, int]] = []
        seen: dict[tuple[date, date], int] = {}
        for fact in facts:
            if fact.answered_on and since <= fact.answered_on <= until:
                pair = fact.effective_on, fact.answered_on
                seen[pair] = seen.get(pair, 0) + fact.n
        for pair, n in seen.items():
            total, stops = self._calendar.between(*pair), self._stopped.get(pair, [])
            told += [(total, n - len(stops)), *((total - held, 1) for held in stops)]
        return spread_of(told)

    def _counted(self, since: date, until: date) -> dict[str, int]:
        """Return the counts of the days from *since* to *until*."""
        def n(when: str, condition: Any = lambda _fact: True) -> int:
            days = ((getattr(fact, when), fact) for fact in self.facts)
            return sum(fact.n for day, fact in days if day and since <= day <= until and condition(fact))

        counted = {outcome.name: n("answered_on", lambda fact, outcome=outcome: fact.outcome is outcome) for outcome in _GIVEN}
        transferred = n("closed_on", lambda fact: fact.status is PqrStatus.TRANSFERRED)
        return counted | {"received": n("filed_on"), "transferred": transferred, "answered": n("answered_on")}

    # ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def headline(self) -> list[Figure]:
        since, until = self._span.since, self._span.until
        found, days = self._counted(since, until), self._days(self.facts, since, until)
        links = self._links(since, until)
        told = [
            Figure(_("Requests received"), found["received"], links["received"]),
            Figure(_("Transferred to another body"), found["transferred"], links["transferred"]),
            Figure(_("Requests answered"), found["answered"], links["answered"]),
            Figure(_("Access denied"), found["DENIED"], links["DENIED"], tone="warn" if found["DENIED"] else ""),
        ]  # fmt: skip
        if days.average is not None:
            told.append(Figure(_("Mean response time, business days"), days.average))
        return told

    def _links(self, since: date, until: date) -> dict[str, str]:
        """Return where the cases behind each count are listed."""
        days, living = f"{since}..{until}", ",".join(each.name for each in PqrStatus if each is not PqrStatus.VOIDED)
        asked = {
            "received": {"filed_on": days, "status": living}, "transferred": {"closed_on": days, "status": "TRANSFERRED"},
            "answered": {"answered_on": days}, **{outcome.name: {"answered_on": days, "outcome": outcome.name} for outcome in _GIVEN},
        }  # fmt: skip
        return {key: self.to(narrows) for key, narrows in asked.items()}

    def _made(self) -> Iterator[Part]:
        about = _(
            "Requests for information or documents. Received: filed in the period. Transferred and answered: in the period, whenever they "
            "were filed. Response time: business days from filing to answer, less lawful stops."
        )
        yield Part("periods", _("By period"), MONTHS, self._months, about)
        about = _("The response time of each request that was received, transferred or answered in the period. It names nobody.")
        yield self.detail(_("Requests, one by one"), REQUESTS, self._request_rows, self._n, key="requests", about=about)

    def _months(self) -> Iterator[Cells]:
        last = min(self._span.until, self._today)  # of months to come there is nothing to tell
        for since, until in spans(self._span.since, last, self._asked.form.n_months):
            found, links = self._counted(since, until), self._links(since, until)
            cells = {key: Linked(n, links[key]) if n and links[key] else n for key, n in found.items()}
            yield (
                _period(since, until), cells["received"], cells["transferred"], cells["answered"],
                self._days(self.facts, since, until).average, *(cells[outcome.name] for outcome in _GIVEN),
            )  # fmt: skip

    def _request_rows(self, limit: int | None) -> Iterator[Cells]:
        columns = (
            Pqr.id, Pqr.number, Pqr.filed_on, Pqr.effective_on, Channel.name.label("channel"), Pqr.due_on, Pqr.answered_on, Pqr.status,
            Pqr.outcome,
        )  # fmt: skip
        rows = self._requests().with_only_columns(*columns, maintain_column_froms=True).join(Channel, Channel.id == Pqr.channel_id)
        batch: list[Any] = []
        for row in self.stream(rows.order_by(Pqr.filed_on, Pqr.id), limit):
            batch.append(row)
            if len(batch) == BATCH:
                yield from self._cells(batch)
                batch = []
        yield from self._cells(batch)

    def _cells(self, rows: Sequence[Any]) -> Iterator[Cells]:
        acts = _acts(self._session, [row.id for row in rows])
        for row in rows:
            total = self._calendar.between(row.effective_on, row.answered_on) if row.answered_on else None
            held = stopped_days(acts[row.id], row.effective_on, row.answered_on, self._calendar) if row.answered_on else None
            late = days_late(row.due_on, row.answered_on, self._today, self._calendar) if _is_owed(row.status) else None
            yield (
                row.number, row.filed_on, row.channel, row.due_on, row.answered_on, total, held or None,
                None if total is None else total - (held or 0), late, _what(row),
            )  # fmt: skip


def _is_owed(status: PqrStatus) -> bool:
    return status not in _ENDED


def _what(row: Any) -> str:
    """Return what became of a request, in the words of the report."""
    if row.answered_on:
        return _(_GIVEN.get(row.outcome, row.outcome.value if row.outcome else ""))
    return _(_ENDED[row.status]) if row.status in _ENDED else _("Waits for its answer")


def _was_stopped() -> ColumnElement[bool]:
    return select(CaseEvent.id).where(CaseEvent.pqr_id == Pqr.id, CaseEvent.clock.is_not(None)).exists()


def _acts(session: Any, ids: Sequence[int]) -> dict[int, list[tuple[date, bool]]]:
    """Return by case the stops and resumes of its clock, in turn; one statement."""
    found = queries.batons(session, ids) if ids else {}
    return {key: [(act.on, act.clock == "STOPPED") for act in handed if act.is_act] for key, handed in found.items()}


def spans(since: date, until: date, n_months: int) -> Iterator[tuple[date, date]]:
    """Yield the months, or quarters of the calendar, from *since* to *until*; the first and the last may be cut short."""
    first = since
    while first <= until:
        n = first.year * 12 + (first.month - 1) // n_months * n_months + n_months
        following = date(n // 12, n % 12 + 1, 1)
        yield first, min(until, following - ONE_DAY)
        first = following


def _period(since: date, until: date) -> str:
    same = (since.year, since.month) == (until.year, until.month)
    return f"{since:%Y-%m}" if same else f"{since:%Y-%m} – {until:%Y-%m}"


OFFER = Offer(
    TransparencyReport, ReportGroup.REGULATOR, ("can_list", "TransparencyReport"), TransparencyReport,
    N_("To be published every month or quarter by whoever is bound by the law of transparency; it holds no personal data."),
    NORM, words=(N_("transparency"), N_("access to information"), "1712"),
)  # fmt: skip
