"""The papers of money: the order of financing that is signed, and the change of an invoice. The register says their codes."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.documents.acts import Signer, Table, issue_act
from app.domain.financing import totals as sums_of
from app.domain.invoices import totals as change_of
from app.domain.states import DocumentKind, DocumentType, Identity, Visibility
from app.extensions import local
from app.models import Account, Document, Financing, InvoiceChange, Party, Pqr
from app.operations import money
from app.operations.answers import LANGUAGE
from app.words import say_day, say_nit, say_number, say_pesos


def issue_financing(session: Session, financing: Financing, issuer: User, at: datetime) -> Document:
    """
    Make the paper that the party signs: conditions, schedule, place to sign; return it, flushed. The caller commits.

    Raises:
        MoveRefused: It was made already, or there is no proposal.
        DomainError: The schedule does not add up, or the text of the act is not loaded.
    """
    queries.lock(session, financing)
    money.paper_wanted(financing)
    party, account = financing.party, financing.account
    with force_locale(LANGUAGE):
        fields = {
            "debt": say_pesos(financing.debt_cop),
            "down_payment": say_pesos(financing.down_cop) if financing.down_cop else "ninguna",
            "financed": say_pesos(financing.debt_cop - financing.down_cop),
            "n_instalments": str(financing.n_instalments),
            "rate": f"{say_number(financing.monthly_rate * 100)} % mensual sobre el saldo" if financing.monthly_rate else "ninguno",
            "first_on": base.day(financing.first_due_on),
        }
        facts = [("Deudor", _named(party)), *_about(financing.pqr, account), ("Concepto", financing.concept)]
        tables = [_schedule(financing)]
    financing.document = issue_act(
        session, financing.pqr, DocumentKind.FINANCING, issuer=issuer, at=at, addressee=_address(party, account), fields=fields,
        facts=facts, tables=tables, signers=[Signer("Deudor: acepta las condiciones y la tabla de pagos", party.name)],
        visibility=_visible(financing.pqr, party), number=financing.number,
    )  # fmt: skip
    session.flush()
    return financing.document


def _schedule(financing: Financing) -> Table:
    rows = money.rows_of(financing)
    sums = sums_of(rows)
    return Table(
        "Tabla de pagos",
        ("Cuota", "Vence", "Capital", "Interés", "Valor de la cuota", "Saldo"),
        [
            (str(row.n), say_day(row.due_on), *(say_pesos(amount) for amount in (row.principal, row.interest, row.payment, row.balance)))
            for row in rows
        ],
        ("", "Total", say_pesos(sums.principal), say_pesos(sums.interest), say_pesos(sums.payment), ""),
        (2, 3, 4, 5),
    )


def authorise_change(session: Session, change: InvoiceChange, approver: User, at: datetime) -> Document:
    """
    Authorise a change of an invoice with its paper; return it, flushed. The caller commits.

    Raises:
        MoveRefused: It is no draft, or the approver wrote it.
        DomainError: The change may not be made (any more), or the text of the act is not loaded.
    """
    queries.lock(session, change)
    on = local(at).date()
    money.authorisation_wanted(session, change, approver.id, on)
    with force_locale(LANGUAGE):
        facts = [*_about(change.pqr, change.account), ("Factura", f"{change.invoice_number} · período {change.period}")]
        tables = [_lines(change)]
    fields = {"invoice": f"{change.invoice_number}, período {change.period}", "reason": change.reason,
              "authorised_by": approver.get_full_name()}  # fmt: skip
    document = issue_act(
        session, change.pqr, DocumentKind.INVOICE_CHANGE, issuer=approver, at=at, addressee=_to_customer(change), fields=fields,
        facts=facts, tables=tables, visibility=Visibility.STAFF, number=change.number,
    )  # fmt: skip
    money.mark_authorised(session, change, document, approver.id, on)
    return document


def _lines(change: InvoiceChange) -> Table:
    lines = money.lines_of(change)
    sums = change_of(lines)
    return Table(
        "Valores que cambian",
        ("Concepto", "Antes", "Después", "Diferencia"),
        [(line.concept, *map(say_pesos, (line.before, line.after, line.difference))) for line in lines],
        ("Total", *map(say_pesos, (sums.before, sums.after, sums.difference))),
        (1, 2, 3),
    )


def _named(party: Party) -> str:
    if party.document_type is None:
        return party.name
    is_nit = party.document_type is DocumentType.NIT
    return f"{party.name}, {party.document_type.name} {say_nit(party.document_number) if is_nit else party.document_number}"


def _about(pqr: Pqr | None, account: Account) -> list[tuple[str, str | None]]:
    """Return the account, which acts of a case say already when it is that of the case and may be printed."""
    is_said = pqr is not None and pqr.account_id == account.id and pqr.identity is Identity.NAMED
    return [] if is_said else [("Cuenta", f"{account.number} · {account.address}")]


def _address(party: Party, account: Account) -> list[str]:
    city = party.municipality if party.address else account.municipality
    return [line for line in (party.name, party.address or account.address, city and city.name) if line]


def _to_customer(change: InvoiceChange) -> list[str]:
    """Return the customer of the account; nobody where the case keeps who asked to itself."""
    if change.pqr is not None and change.pqr.identity is not Identity.NAMED:
        return []
    return _address(change.account.party, change.account) if change.account.party else []


def _visible(pqr: Pqr | None, party: Party) -> Visibility:
    """Return who may see the paper with number and key: whoever filed the case, when that is who owes."""
    return Visibility.CITIZEN if pqr is not None and pqr.party_id == party.id else Visibility.STAFF
