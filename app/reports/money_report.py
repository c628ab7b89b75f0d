"""
Money that cases moved in a period: orders of financing (R10-01-05) and changes of invoices (R10-01-06), and what billing did with them.

What each figure counts: docs/rules/money-report.md. Whole pesos.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app import queries
from app.domain import N_
from app.domain.reports import ReportGroup
from app.domain.states import BillingStatus, ChangeStatus, FinancingStatus, Identity
from app.models import Account, BillingItem, Financing, InvoiceChange, InvoiceChangeLine, Pqr, SuiCause
from app.reports.base import Cells, Column, Figure, Kind, Linked, Offer, Part, Reader
from app.reports.grouping import By, Count, More, PeriodReport, ProcessForm, address, said
from app.words import say_pesos

FINANCINGS = (
    Column(N_("Number"), Kind.TEXT, 18), Column(N_("Agreed on"), Kind.DATE, 12), Column(N_("State"), Kind.TEXT, 14),
    Column(N_("Case"), Kind.CASE, 17), Column(N_("Account"), Kind.TEXT, 14), Column(N_("What the debt is of"), Kind.TEXT, 34),
    Column(N_("Debt"), Kind.MONEY, 16), Column(N_("Down payment"), Kind.MONEY, 16), Column(N_("Financed"), Kind.MONEY, 16),
    Column(N_("Instalments"), Kind.INT, 10), Column(N_("Interest a month, percent"), Kind.DECIMAL, 12),
    Column(N_("Signed on"), Kind.DATE, 12), Column(N_("Recorded by"), Kind.TEXT, 24), Column(N_("Billing"), Kind.TEXT, 24),
    Column(N_("Why it was voided"), Kind.TEXT, 34, wraps=True),
)  # fmt: skip
CHANGES = (
    Column(N_("Number"), Kind.TEXT, 18), Column(N_("Authorised on"), Kind.DATE, 12), Column(N_("Authorised by"), Kind.TEXT, 24),
    Column(N_("Case"), Kind.CASE, 17), Column(N_("Account"), Kind.TEXT, 14), Column(N_("Invoice"), Kind.TEXT, 14),
    Column(N_("Period"), Kind.TEXT, 10), Column(N_("Value before"), Kind.MONEY, 16), Column(N_("Value after"), Kind.MONEY, 16),
    Column(N_("Difference: negative favours the user"), Kind.MONEY, 16), Column(N_("Cause"), Kind.TEXT, 34),
    Column(N_("Why it changes"), Kind.TEXT, 44, wraps=True), Column(N_("Billing"), Kind.TEXT, 24),
    Column(N_("What billing says"), Kind.TEXT, 34, wraps=True),
)  # fmt: skip
#: What billing sent back, whatever was done with it since.
RETURNED = (BillingStatus.REJECTED, BillingStatus.RESENT, BillingStatus.DROPPED)


class MoneyForm(ProcessForm):
    """Besides the period and the process that answers for the case: what billing did."""

    billing = SelectField(_l("Billing"), default="", validators=[Empty()])

    def __init__(self, args: Any) -> None:
        super().__init__(args)
        known = [(each.name, _(each.value)) for each in BillingStatus]
        self.billing.choices = [("", _("All")), ("NONE", _("Not sent to billing")), *known, ("RETURNED", _("Returned by billing"))]


def scoped(reader: Reader, statement: Select[Any], model: Any) -> Select[Any]:
    """Return *statement* over *model* limited to what the lists of money show: `MoneyView.scope`."""
    if not reader.may("can_see_reserved", "Pqr"):
        its = aliased(Pqr)  # the case itself may be joined beside it
        reserved = select(its.id).where(its.id == model.pqr_id, its.identity == Identity.RESERVED)
        statement = statement.where(~reserved.exists())
    if reader.may("can_see_all", "Pqr"):
        return statement
    own = and_(model.pqr_id.is_(None), model.created_by_id == reader.user_id)
    return statement.where(or_(model.pqr_id.in_(reader.scope("pqr", select(Pqr.id)).correlate(None)), own))


def _pesos(name: str) -> Any:
    return lambda facts: sum(int(getattr(fact, name) or 0) for fact in facts)


def _money(title: str, name: str) -> More:
    return More(Column(title, Kind.MONEY, 16), _pesos(name))


class MoneyReport(PeriodReport):
    """The financing agreed in the period and the changes of invoices authorised in it."""

    identifier = "money"
    name = N_("Financing and invoice changes")
    description = N_("Orders of financing and invoice changes of the period: how many, how many pesos, why, by whom, what billing did.")
    form = MoneyForm
    list_path, list_right = "/financing/list/", ("can_list", "Financing")
    beyond = ("billing", "of_process")

    def _listed(self) -> dict[str, str]:
        return {"agreed_on": str(self._span)}

    def _to_changes(self, **narrows: str) -> str:
        """Return the address of the changes of the period that the list is narrowed to; nothing where it cannot name them."""
        if not self._reader.may("can_list", "InvoiceChange") or any(self._asked.form[name].data for name in self.beyond):
            return ""
        return address("/invoice-change/list/", status="AUTHORISED", authorised_on=str(self._span), **narrows)

    # What is counted

    @staticmethod
    def _told(model: Any, key: Any, what: Any) -> Any:
        """Return the subquery of what billing last said of a row."""
        return select(what).where(key == model.id).order_by(BillingItem.id.desc()).limit(1).correlate(model).scalar_subquery()

    def _wanted(self, model: Any, key: Any, *conditions: Any) -> Select[Any]:
        """Return the SELECT, without columns, of the rows of *model* that the reader asks for, beside their cases."""
        form = self._asked.form
        rows = scoped(self._reader, select().select_from(model).outerjoin(Pqr, Pqr.id == model.pqr_id).where(*conditions), model)
        if form.process_id is not None:
            rows = rows.where(queries.answering_process() == form.process_id)
        if asked := form.billing.data:
            status, known = self._told(model, key, BillingItem.status), RETURNED if asked == "RETURNED" else ()
            rows = rows.where(status.is_(None) if asked == "NONE" else status.in_(known or (BillingStatus[asked],)))
        return rows

    def _financings(self) -> Select[Any]:
        return self._wanted(Financing, BillingItem.financing_id, Financing.agreed_on.between(self._span.since, self._span.until))

    def _changes(self) -> Select[Any]:
        span = self._span
        authorised = InvoiceChange.status == ChangeStatus.AUTHORISED, InvoiceChange.authorised_on.between(span.since, span.until)
        return self._wanted(InvoiceChange, BillingItem.change_id, *authorised)

    def _statement(self) -> Select[Any]:
        """Financing by state, concept and what billing did, with its pesos."""
        rows = self._financings().with_only_columns(
            Financing.status.label("status"), Financing.concept.label("concept"), Financing.debt_cop, Financing.down_cop,
            Financing.n_instalments, self._told(Financing, BillingItem.financing_id, BillingItem.status).label("billing"),
            maintain_column_froms=True,
        ).subquery()  # fmt: skip
        by = rows.c.status, rows.c.concept, rows.c.billing
        sums = (func.sum(rows.c[name]).label(name) for name in ("debt_cop", "down_cop", "n_instalments"))
        return select(*by, *sums, func.sum(rows.c.debt_cop - rows.c.down_cop).label("financed_cop"), func.count().label("n")).group_by(*by)

    @cached_property
    def _changed(self) -> Sequence[Any]:
        """Changes by cause, who authorised them, month and what billing did, with their pesos."""
        rows = self._changes().with_only_columns(
            SuiCause.id.label("cause_id"), SuiCause.group_code, SuiCause.code, SuiCause.name.label("cause"),
            (User.first_name + " " + User.last_name).label("authorised_by"), InvoiceChange.authorised_on.label("authorised_on"),
            self._told(InvoiceChange, BillingItem.change_id, BillingItem.status).label("billing"), *_sums(),
            maintain_column_froms=True,
        ).outerjoin(SuiCause, SuiCause.id == Pqr.cause_id)  # fmt: skip
        rows = rows.outerjoin(User, User.id == InvoiceChange.authorised_by_id).subquery()
        pesos = ("before_cop", "after_cop", "difference_cop")
        by = [each for each in rows.c if each.name not in pesos]
        favour = func.sum(case((rows.c.difference_cop < 0, rows.c.difference_cop), else_=0)).label("favour_cop")
        sums = (func.sum(rows.c[name]).label(name) for name in pesos)
        return self._session.execute(select(*by, *sums, favour, func.count().label("n")).group_by(*by)).all()

    @cached_property
    def _waiting(self) -> tuple[int, int]:
        """How many proposals wait for their signature and drafts for their authorisation, today, whatever the period."""
        proposed = select(func.count()).select_from(Financing).where(Financing.status == FinancingStatus.PROPOSED)
        drafted = select(func.count()).select_from(InvoiceChange).where(InvoiceChange.status == ChangeStatus.DRAFT)
        found = (scoped(self._reader, each, model).scalar_subquery() for each, model in ((proposed, Financing), (drafted, InvoiceChange)))
        row = self._session.execute(select(*found)).one()
        return row[0], row[1]

    # What it says

    def headline(self) -> list[Figure]:
        signed = [fact for fact in self.facts if fact.status is FinancingStatus.SIGNED]
        n_changes, returned = sum(row.n for row in self._changed), sum(row.n for row in self._changed if row.billing in RETURNED)
        returned += sum(fact.n for fact in self.facts if fact.billing in RETURNED)
        proposed, drafted = self._waiting
        return [
            Figure(_("Orders of financing agreed"), self._n(), self.to({}, {})),
            Figure(_("Orders of financing signed"), sum(fact.n for fact in signed), self.to({"status": "SIGNED"})),
            Figure(_("Debt of the signed ones"), say_pesos(_pesos("debt_cop")(signed))),
            Figure(_("Invoices changed"), n_changes, self._to_changes()),
            Figure(_("Taken off invoices"), say_pesos(-_pesos("favour_cop")(self._changed))),
            Figure(_("Returned by billing"), returned, self.own({"billing": "RETURNED"}), tone="bad" if returned else ""),
            Figure(_("Proposals to be signed, today"), proposed, self._open("Financing", "/financing/list/", "PROPOSED")),
            Figure(_("Changes to be authorised, today"), drafted, self._open("InvoiceChange", "/invoice-change/list/", "DRAFT")),
        ]  # fmt: skip

    def _open(self, view: str, path: str, status: str) -> str:
        return address(path, status=status) if self._reader.may("can_list", view) else ""

    def _made(self) -> Iterator[Part]:
        financed = (
            _money(N_("Debt"), "debt_cop"), _money(N_("Down payment"), "down_cop"), _money(N_("Financed"), "financed_cop"),
        )  # fmt: skip
        orders = (Count(N_("Orders of financing"), lambda _fact: True, {}),)
        about = _("Orders of financing agreed in the period, as they stand today. Only what is signed binds, and goes to billing.")
        state = By(N_("State"), lambda fact: fact.status, said, "status", in_order=True)
        yield self.table("states", _("Financing by state"), state, orders, financed, about=about)
        concept = By(N_("What the debt is of"), lambda fact: fact.concept, lambda key: key or "—")
        yield self.table("concepts", _("Financing by what the debt is of"), concept, orders, financed)
        yield from self._of_changes()
        yield self._by_billing()
        yield self.detail(_("Orders of financing, one by one"), FINANCINGS, self._rows, self._n)
        yield self.detail(
            _("Invoice changes, one by one"), CHANGES, self._change_rows, lambda: sum(row.n for row in self._changed), key="changes"
        )  # fmt: skip

    def _of_changes(self) -> Iterator[Part]:
        pesos = (
            _money(N_("Value before"), "before_cop"), _money(N_("Value after"), "after_cop"),
            _money(N_("Difference: negative favours the user"), "difference_cop"),
        )  # fmt: skip
        changes = (Count(N_("Invoice changes"), lambda _row: True),)
        names = {row.cause_id: f"{row.group_code} {row.code} · {row.cause}" for row in self._changed if row.cause_id}
        about = _("Changes of invoices authorised in the period. The cause is that of their case.")
        groupings = (
            ("causes", N_("Invoice changes by cause"),
             By(N_("Cause"), lambda row: row.cause_id, lambda key: names.get(key, _("Without a cause")))),
            ("authorised", N_("Invoice changes by who authorised them"), By(N_("Authorised by"), lambda row: row.authorised_by, said)),
            ("months", N_("Invoice changes by month"),
             By(N_("Month"), lambda row: row.authorised_on.replace(day=1), lambda key: f"{key:%Y-%m}", in_order=True)),
        )  # fmt: skip
        for key, title, by in groupings:
            yield self.table(
                key, _(title), by, changes, pesos, about=about if key == "causes" else "", facts=self._changed, has_plot=key == "causes"
            )

    def _by_billing(self) -> Part:
        """What billing did with what it was told: financing beside changes."""
        lines = []
        for status in (None, *BillingStatus):
            financings = sum(fact.n for fact in self.facts if fact.billing is status)
            changes = sum(row.n for row in self._changed if row.billing is status)
            if financings or changes:
                own = self.own({"billing": status.name if status else "NONE"})
                links = own, own.replace("/part/rows", "/part/changes")
                cells = (Linked(n, path) if n else n for n, path in zip((financings, changes), links, strict=True))
                lines.append((_(status.value) if status else _("Not sent to billing"), *cells))
        header = (
            Column(N_("Billing"), Kind.TEXT, 34), Column(N_("Orders of financing"), Kind.INT, 12),
            Column(N_("Invoice changes"), Kind.INT, 12),
        )  # fmt: skip
        about = _("What billing said last of each. Returned means rejected, whether it was sent again or given up since.")
        return Part("billing", _("What billing did"), header, lambda: (line for line in lines), about)

    # One by one

    def _rows(self, limit: int | None) -> Iterator[Cells]:
        columns = (
            Financing.id, Financing.number, Financing.agreed_on, Financing.status, Pqr.number.label("case"),
            Account.number.label("account"), Financing.concept, Financing.debt_cop, Financing.down_cop, Financing.n_instalments,
            Financing.monthly_rate, Financing.signed_on, (User.first_name + " " + User.last_name).label("recorded_by"),
            self._told(Financing, BillingItem.financing_id, BillingItem.status).label("billing"), Financing.reason,
        )  # fmt: skip
        rows = self._financings().with_only_columns(*columns, maintain_column_froms=True)
        rows = rows.join(Account, Account.id == Financing.account_id).outerjoin(User, User.id == Financing.authorised_by_id)
        for row in self.stream(rows.order_by(Financing.agreed_on, Financing.id), limit):
            yield (
                Linked(row.number, f"/financing/show/{row.id}"), row.agreed_on, _(row.status.value), row.case, row.account, row.concept,
                row.debt_cop, row.down_cop, row.debt_cop - row.down_cop, row.n_instalments, row.monthly_rate * 100, row.signed_on,
                row.recorded_by, _billed(row.billing), row.reason,
            )  # fmt: skip

    def _change_rows(self, limit: int | None) -> Iterator[Cells]:
        told = (
            self._told(InvoiceChange, BillingItem.change_id, BillingItem.status).label("billing"),
            self._told(InvoiceChange, BillingItem.change_id, BillingItem.result_text).label("billing_says"),
        )  # fmt: skip
        one = InvoiceChange
        columns = (
            one.id, one.number, one.authorised_on, (User.first_name + " " + User.last_name).label("authorised_by"),
            Pqr.number.label("case"), Account.number.label("account"), one.invoice_number, one.period, *_sums(), SuiCause.group_code,
            SuiCause.code, SuiCause.name.label("cause"), one.reason, *told,
        )  # fmt: skip
        rows = self._changes().with_only_columns(*columns, maintain_column_froms=True).join(Account, Account.id == one.account_id)
        rows = rows.outerjoin(User, User.id == one.authorised_by_id).outerjoin(SuiCause, SuiCause.id == Pqr.cause_id)
        for row in self.stream(rows.order_by(one.authorised_on, one.id), limit):
            yield (
                Linked(row.number, f"/invoice-change/show/{row.id}"), row.authorised_on, row.authorised_by, row.case, row.account,
                row.invoice_number, row.period, row.before_cop, row.after_cop, row.difference_cop,
                f"{row.group_code} {row.code} · {row.cause}" if row.cause else None, row.reason, _billed(row.billing), row.billing_says,
            )  # fmt: skip


def _billed(status: BillingStatus | None) -> str:
    return _(status.value) if status else _("Not sent to billing")


def _sums() -> tuple[Any, ...]:
    """Return the columns of what the lines of a change add up to."""
    line = InvoiceChangeLine

    def total(value: Any) -> Any:
        return select(func.sum(value)).where(line.change_id == InvoiceChange.id).correlate(InvoiceChange).scalar_subquery()

    return (
        total(line.before_cop).label("before_cop"), total(line.after_cop).label("after_cop"),
        total(line.after_cop - line.before_cop).label("difference_cop"),
    )  # fmt: skip


OFFER = Offer(
    MoneyReport, ReportGroup.FIELD, ("can_list", "MoneyReport"), MoneyReport,
    N_("For billing and the management: what was financed and taken off invoices, why, who authorised it, and what billing returned."),
    "R10-01-05, R10-01-06", words=(N_("financing"), N_("invoice"), N_("billing"), N_("pesos")),
)  # fmt: skip
