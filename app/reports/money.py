"""
What the billing system takes: signed orders of financing, an instalment a row, and authorised changes of invoices, a concept a row.

A range of days that are over always gives the same file, byte for byte: nothing in it depends on when or by whom it is made. The columns
are a contract with another program: they stay in Spanish and in this order (docs/manual/financiacion.md, cambios-factura.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar

from flask_babel import force_locale
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.models import Account, Financing, Instalment, InvoiceChange, InvoiceChangeLine, Pqr, Service
from app.operations.answers import LANGUAGE
from app.operations.money import BILLED
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report
from app.reports.delimited import write_csv


class ForBilling(Report):
    """Rows of one range of days, both included. `model`: what `operations.money.mark_exported` marks."""

    model: ClassVar[type[Financing] | type[InvoiceChange]]
    description: ClassVar[str] = ""
    form: ClassVar[type[FilterForm]] = FilterForm

    def __init__(self, session: Session, since: date, until: date) -> None:
        self._session, self._since, self._until = session, since, until

    def write(self, target: BinaryIO) -> int:
        """Write the CSV, in the notation of the billing system whatever the reader's; return how many rows it has."""
        with force_locale(LANGUAGE):
            return write_csv(self, target)

    def rows(self) -> Iterator[Cells]:
        """Yield every row, streamed."""
        on, is_ready = BILLED[self.model]
        wanted = self.select().where(is_ready, on.between(self._since, self._until))
        for row in self._session.execute(wanted.execution_options(yield_per=1000)):
            yield self.cells(row)

    def select(self) -> Select[Any]:
        """Return the SELECT of all there are, in the order of the file."""
        raise NotImplementedError

    def cells(self, row: Any) -> Cells:
        """Return *row* of `select` as the file holds it."""
        return tuple(row)

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return []

    def file_name_of(self) -> str:
        """Return the name of the download: financiacion-2026-11-01-2026-11-30.csv."""
        return f"{self.identifier}-{self._since:%Y-%m-%d}-{self._until:%Y-%m-%d}.csv"


class FinancingForBilling(ForBilling):
    """Signed orders of financing, by number and instalment."""

    identifier, name, code, model = "financiacion", "financiacion", "R10-01-05", Financing
    header = (
        Column("orden"), Column("pqr"), Column("cuenta"), Column("servicio"), Column("firmada_el", Kind.DATE), Column("concepto"),
        Column("deuda", Kind.INT), Column("cuota_inicial", Kind.INT), Column("n_cuotas", Kind.INT), Column("tasa_mensual_pct"),
        Column("cuota", Kind.INT), Column("vence_el", Kind.DATE), Column("capital", Kind.INT), Column("interes", Kind.INT),
        Column("valor_cuota", Kind.INT), Column("saldo", Kind.INT),
    )  # fmt: skip

    def select(self) -> Select[Any]:
        return (
            select(
                Financing.number, Pqr.number, Account.number, Service.code, Financing.signed_on, Financing.concept, Financing.debt_cop,
                Financing.down_cop, Financing.n_instalments, Financing.monthly_rate, Instalment.n, Instalment.due_on,
                Instalment.principal_cop, Instalment.interest_cop, Instalment.payment_cop, Instalment.balance_cop,
            )
            .join_from(Financing, Instalment, Instalment.financing_id == Financing.id)
            .join(Account, Account.id == Financing.account_id)
            .join(Service, Service.id == Account.service_id)
            .outerjoin(Pqr, Pqr.id == Financing.pqr_id)
            .order_by(Financing.number, Instalment.n)
        )  # fmt: skip

    def cells(self, row: Any) -> Cells:
        return (*row[:9], f"{Decimal(row.monthly_rate) * 100:.4f}".replace(".", ","), *row[10:])


class InvoiceChangesForBilling(ForBilling):
    """Authorised changes of invoices, by number and line."""

    identifier, name, code, model = "cambios-factura", "cambios-factura", "R10-01-06", InvoiceChange
    header = (
        Column("cambio"), Column("pqr"), Column("cuenta"), Column("servicio"), Column("factura"), Column("periodo"),
        Column("autorizado_el", Kind.DATE), Column("linea", Kind.INT), Column("concepto"), Column("antes", Kind.INT),
        Column("despues", Kind.INT), Column("diferencia", Kind.INT), Column("motivo"),
    )  # fmt: skip

    def select(self) -> Select[Any]:
        line = InvoiceChangeLine
        return (
            select(
                InvoiceChange.number, Pqr.number, Account.number, Service.code, InvoiceChange.invoice_number, InvoiceChange.period,
                InvoiceChange.authorised_on, line.position, line.concept, line.before_cop, line.after_cop, line.after_cop - line.before_cop,
                InvoiceChange.reason,
            )
            .join_from(InvoiceChange, line, line.change_id == InvoiceChange.id)
            .join(Account, Account.id == InvoiceChange.account_id)
            .join(Service, Service.id == Account.service_id)
            .outerjoin(Pqr, Pqr.id == InvoiceChange.pqr_id)
            .order_by(InvoiceChange.number, line.position)
        )  # fmt: skip

    def cells(self, row: Any) -> Cells:
        return (*row[:12], " ".join(row.reason.split()))
