"""
Orders and actas of field work ordered in a period: what was ordered, what was done and in how long, what was not, and by whom.

What each figure counts: docs/rules/order-report.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, case, func, select

from app.domain import N_
from app.domain.fieldwork import GIVES_BACK
from app.domain.punctuality import Punctuality
from app.domain.reports import ReportGroup
from app.domain.states import OrderKind, OrderStatus
from app.domain.times import Spread
from app.models import Account, FieldOrder, Pqr, Process
from app.reports.base import Cells, Column, Figure, Kind, Linked, Offer, Part
from app.reports.grouping import (
    OF_PUNCTUALITY,
    SHARE_IN_TIME,
    By,
    Count,
    More,
    PeriodReport,
    ProcessForm,
    enum_field,
    grouped,
    in_time,
    punctuality_of,
    said,
    spread_of,
)

ROWS = (
    Column(N_("Number"), Kind.TEXT, 18), Column(N_("Kind"), Kind.TEXT, 24), Column(N_("Case"), Kind.CASE, 17),
    Column(N_("Account"), Kind.TEXT, 14), Column(N_("Process"), Kind.TEXT, 24), Column(N_("Who goes"), Kind.TEXT, 24),
    Column(N_("Ordered"), Kind.DATE, 12), Column(N_("Until"), Kind.DATE, 12), Column(N_("Done on"), Kind.DATE, 12),
    Column(N_("Business days"), Kind.INT, 10), Column(N_("What became of its day"), Kind.TEXT, 26), Column(N_("State"), Kind.TEXT, 14),
    Column(N_("Why it was not done, excused or voided"), Kind.TEXT, 44, wraps=True), Column(N_("Debt (pesos)"), Kind.MONEY, 14),
)  # fmt: skip


class OrderForm(ProcessForm):
    """Besides the period and the process that ordered: a kind, and what became of the day."""

    kind = enum_field(_l("Kind"), OrderKind)
    punctuality = enum_field(_l("What became of its day"), Punctuality)


def _in(status: OrderStatus) -> Count:
    return Count(status.value, lambda fact: fact.status is status, {"status": status.name})


COUNTS = (Count(N_("Orders"), lambda _fact: True, {}, {}), *map(_in, OrderStatus))


class OrderReport(PeriodReport):
    """The orders and actas that were ordered in the period, as they stand today."""

    identifier = "orders"
    name = N_("Orders and actas of field work")
    description = N_("What was ordered in the period by kind, process and technician: done, not done, excused, past its day, and how long.")
    form = OrderForm
    list_path, list_right = "/orden/list/", ("can_list", "FieldOrder")
    beyond = ("punctuality",)

    def _listed(self) -> dict[str, str]:
        form = self._asked.form
        return {"issued_on": str(self._span), "process": form.of_process.data, "kind": form.kind.data}

    # What is counted

    @cached_property
    def _day(self) -> Any:
        """Whether its last day was kept. A service that is given back has hours, and says why when it took more (D.L. 019 de 2012)."""
        is_late = and_(FieldOrder.kind.in_(GIVES_BACK), func.length(FieldOrder.result["late_reason"].as_string()) > 0)
        is_done, is_open = FieldOrder.status == OrderStatus.DONE, FieldOrder.status == OrderStatus.ISSUED
        return punctuality_of(
            FieldOrder.done_on, FieldOrder.due_on, self._today, is_done=is_done, is_undone=~(is_done | is_open), is_late=is_late
        )  # fmt: skip

    def _wanted(self, *columns: Any) -> Select[Any]:
        form, span = self._asked.form, self._span
        statement = select(*columns).select_from(FieldOrder).where(FieldOrder.issued_on.between(span.since, span.until))
        chosen = (FieldOrder.process_id, form.process_id), (FieldOrder.kind, form.chosen("kind", OrderKind)), (
            self._day, form.chosen("punctuality", Punctuality))  # fmt: skip
        statement = statement.where(*(column == value for column, value in chosen if value is not None))
        return self._reader.scope("field_order", statement)

    def _statement(self) -> Select[Any]:
        rows = self._wanted().outerjoin(Process, Process.id == FieldOrder.process_id).outerjoin(User, User.id == FieldOrder.assignee_id)
        is_done = FieldOrder.status == OrderStatus.DONE
        return grouped(
            rows, FieldOrder.kind.label("kind"), FieldOrder.status.label("status"), FieldOrder.process_id.label("process_id"),
            Process.name.label("process"), FieldOrder.assignee_id.label("assignee_id"),
            (User.first_name + " " + User.last_name).label("assignee"), self._day.label("punctuality"),
            _when(is_done, FieldOrder.issued_on).label("issued_on"), _when(is_done, FieldOrder.done_on).label("done_on"),
        )  # fmt: skip

    # What it says

    def _days(self, facts: Sequence[Any]) -> Spread:
        """Return the business days from the order to its doing, of what was done."""
        return spread_of((self._calendar.between(fact.issued_on, fact.done_on) if fact.done_on else None, fact.n) for fact in facts)

    def headline(self) -> list[Figure]:
        days, past = self._days(self.facts), self._n(lambda fact: fact.punctuality is Punctuality.OVERDUE)
        told = [
            Figure(_("Ordered in the period"), self._n(), self.to({}, {})),
            *(Figure(_(count.title), self._n(count.counts), self.to(count.narrows)) for count in COUNTS[1:]),
            Figure(_("Past their day and not done"), past, self.own({"punctuality": "OVERDUE"}), tone="bad" if past else ""),
        ]  # fmt: skip
        measures = (
            (_("Done in time"), in_time(self.facts), "%"), (_("Mean business days to do them"), days.average, ""),
            (_("Half of them within, business days"), days.median, ""), (_("Nine in ten within, business days"), days.p90, ""),
        )  # fmt: skip
        return told + [Figure(label, value, unit=unit) for label, value, unit in measures if value is not None]

    def _made(self) -> Iterator[Part]:
        names = {("process", fact.process_id): fact.process for fact in self.facts}
        names |= {("assignee", fact.assignee_id): fact.assignee for fact in self.facts}
        about = _(
            "What was ordered in the period, as it stands today. Days are business days from the order to its doing. A service that is "
            "given back is late when its acta says why it took more than its hours."
        )
        more = (
            SHARE_IN_TIME, More(Column(N_("Mean days"), Kind.DECIMAL, 12), lambda facts: self._days(facts).average),
            More(Column(N_("Half within, days"), Kind.DECIMAL, 12), lambda facts: self._days(facts).median),
        )  # fmt: skip
        groupings = (
            ("kinds", N_("By kind"), By(N_("Kind"), lambda fact: fact.kind, said, "kind", "kind", in_order=True)),
            ("technicians", N_("By technician"),
             By(N_("Who goes"), lambda fact: fact.assignee_id, lambda key: names["assignee", key] or _("Nobody"), "assignee")),
            ("processes", N_("By process"),
             By(N_("Process"), lambda fact: fact.process_id, lambda key: names["process", key] or "—", "process", "process")),
        )  # fmt: skip
        for key, title, by in groupings:
            yield self.table(
                key, _(title), by, (*COUNTS, *OF_PUNCTUALITY), more, about=about if key == "kinds" else "", has_plot=key != "processes"
            )
        yield self.detail(_("Orders, one by one"), ROWS, self._rows, self._n)

    # One by one

    def _rows(self, limit: int | None) -> Iterator[Cells]:
        columns = (
            FieldOrder.id, FieldOrder.number, FieldOrder.kind, Pqr.number.label("case"), Account.number.label("account"),
            Process.name.label("process"), (User.first_name + " " + User.last_name).label("assignee"), FieldOrder.issued_on,
            FieldOrder.due_on, FieldOrder.done_on, self._day.label("punctuality"), FieldOrder.status, FieldOrder.reason,
            FieldOrder.debt_cop,
        )  # fmt: skip
        rows = self._wanted(*columns).outerjoin(Pqr, Pqr.id == FieldOrder.pqr_id).outerjoin(Account, Account.id == FieldOrder.account_id)
        rows = rows.outerjoin(Process, Process.id == FieldOrder.process_id).outerjoin(User, User.id == FieldOrder.assignee_id)
        for row in self.stream(rows.order_by(FieldOrder.issued_on, FieldOrder.id), limit):
            done_on = row.done_on if row.status is OrderStatus.DONE else None
            yield (
                Linked(row.number, f"/orden/show/{row.id}"), _(row.kind.value), row.case, row.account, row.process, row.assignee,
                row.issued_on, row.due_on, done_on, self._calendar.between(row.issued_on, done_on) if done_on else None,
                _(row.punctuality.value), _(row.status.value), row.reason, row.debt_cop,
            )  # fmt: skip


def _when(condition: Any, column: Any) -> Any:
    return case((condition, column))


OFFER = Offer(
    OrderReport, ReportGroup.FIELD, ("can_list", "OrderReport"), OrderReport,
    N_("For whoever orders field work: what is past its day, how long it takes, and what each technician has."),
    "Ley 142 de 1994, arts. 140 a 142 y 149", words=(N_("work order"), N_("acta"), N_("suspension"), N_("technician")),
)  # fmt: skip
