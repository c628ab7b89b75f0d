"""Invoices, as the billing system issued them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.importing.cells import BadCell, Notation, day_of
from app.importing.kinds import Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import compare, existing, upsert
from app.models import Account, Invoice, Service

AMOUNT, CONSUMPTION = N_("Sum of the amounts"), N_("Sum of the consumption")
_DATED = ("issued_on", "delivered_on", "due_on")


def period_of(text: str) -> str | None:
    """Return the month that a period names, as 2026-07: 202607, 07/2026, julio de 2026, jul-26; None when it names none."""
    if found := re.fullmatch(r"(20\d{2})[-/. ]?(0?[1-9]|1[0-2])(?:[-/. ]\d{1,2})?", text) or None:
        return f"{found[1]}-{int(found[2]):02}"
    if found := re.fullmatch(r"(0?[1-9]|1[0-2])[-/. ](20\d{2})", text):
        return f"{found[2]}-{int(found[1]):02}"
    try:
        day = day_of(f"1 {text}", Notation())
    except BadCell:
        return None
    return f"{day:%Y-%m}" if day else None


@register
class Invoices(Kind):
    """Invoices by account and number; the account has to be known."""

    name, title = "invoices", N_("Invoices")
    intro = N_("Invoices of accounts that are known already: bring in the accounts first.")
    fields = (
        Field("account", N_("Account"), Type.CODE, is_required=True, most=30, example="00104233",
              synonyms=("cuenta", "no. cuenta", "número de cuenta", "NUIS", "NIU", "matrícula", "contrato", "suscriptor",
                        "código suscriptor", "póliza", "cuenta contrato")),
        Field("service", N_("Service"), Type.CHOICE, example="Acueducto", synonyms=("servicio",)),
        Field("number", N_("Invoice"), Type.CODE, is_required=True, most=30, example="F-77120",
              synonyms=("factura", "no. factura", "número de factura", "num factura", "nro factura")),
        Field("period", N_("Period"), most=30, example="2026-07", synonyms=("periodo", "período", "periodo facturado", "mes", "ciclo mes")),
        Field("issued_on", N_("Issued on"), Type.DATE, is_required=True, example=date(2026, 7, 10),
              synonyms=("fecha", "fecha de expedición", "fecha expedición", "fecha de emisión", "emisión", "fecha factura", "expedida")),
        Field("delivered_on", N_("Delivered on"), Type.DATE, example=date(2026, 7, 14),
              synonyms=("fecha de entrega", "entregada", "fecha entrega", "entrega")),
        Field("due_on", N_("Pay until"), Type.DATE, example=date(2026, 7, 28),
              synonyms=("vencimiento", "fecha de vencimiento", "pague hasta", "fecha límite", "fecha límite de pago", "pago oportuno")),
        Field("amount_cop", N_("Amount"), Type.MONEY, is_required=True, least=-(10**13), highest=10**13, example=87450,
              synonyms=("valor", "total", "valor total", "total a pagar", "valor factura", "valor facturado", "monto")),
        Field("consumption", N_("Consumption"), Type.DECIMAL, least=-(10**10), highest=10**10, example=14,
              synonyms=("consumo", "consumo m3", "consumo kwh", "m3", "kwh", "consumo facturado")),
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {"service": [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(Service).order_by(Service.position))]}

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            values = row.values
            values["period"] = period_of(values["period"]) if values["period"] else f"{values['issued_on']:%Y-%m}"
            if values["period"] is None:
                row.refuse(N_("The period is no month: write it as 2026-07."), "period")
            if values["delivered_on"] and values["delivered_on"] < values["issued_on"]:
                row.refuse(N_("It was delivered before it was issued."), "delivered_on")

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        accounts: dict[str, list[Any]] = {}
        numbers = {row["account"] for row in rows}
        for found in run.session.execute(select(Account.number, Account.id, Account.service_id).where(Account.number.in_(numbers))):
            accounts.setdefault(found.number, []).append(found)
        good = [row for row in rows if self._find(row, accounts)]
        columns = ("id", "period", *_DATED, "amount_cop", "consumption")
        there = existing(run, Invoice, ("account_id", "number"), ((row.found, row["number"]) for row in good), columns)
        first_of: dict[tuple[int, str], int] = run.facts.setdefault("invoices", {})
        for row in good:
            mark = (row.found, row["number"])
            if (first := first_of.setdefault(mark, row.number)) != row.number:
                row.refuse(N_("The same invoice as row %(row)s."), "number", row=first)
                continue
            values = {name: row[name] for name in ("period", *_DATED, "amount_cop", "consumption")}
            compare(row, there.get(mark), {"account_id": mark[0], "number": mark[1], **values})
            run.totals[AMOUNT] = run.totals.get(AMOUNT, Decimal()) + row["amount_cop"]
            run.totals[CONSUMPTION] = run.totals.get(CONSUMPTION, Decimal()) + (row["consumption"] or 0)

    @staticmethod
    def _find(row: Row, accounts: dict[str, list[Any]]) -> bool:
        """Put the account of *row* in `found`; or say what is wrong with it."""
        same = [each for each in accounts.get(row["account"], ()) if row["service"] in (None, each.service_id)]
        if not same:
            row.refuse(N_("There is no account %(number)s with that service."), "account", number=row["account"])
        elif len(same) > 1:
            row.refuse(N_("Several services have the account %(number)s: say which one."), "service", number=row["account"])
        else:
            row.found = same[0].id
        return not row.problems

    def write(self, rows: Sequence[Row], run: Run) -> None:
        upsert(run.session, Invoice, ("account_id", "number"), [row.found for row in rows], run)
