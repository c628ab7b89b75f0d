"""The claims file of the fictional company: a month reported with its receipt, one frozen, and a correction that came afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.extensions import local
from app.models import Pqr, Service, SuiCause, SuiLoad, SuiLoadRow
from app.operations import sui, sui_loads

#: What the desk classifies when it prepares the month: the cause of what came without one, by kind of procedure.
_CAUSES = {"1": "303", "2": "315", "3": "306", "4": "303", "5": "303", "6": "315"}


def report_claims(session: Session, at: datetime, people: Mapping[str, User]) -> list[SuiLoad]:
    """Freeze the two months of the aqueduct that ended before *at*, report the earlier one, and correct a case of it; flushed."""
    service = session.scalars(select(Service).where(Service.code == "ACUEDUCTO")).one()
    boss, loads = people["subgerente"], []
    for month in reversed(sui_loads.months_to_report(local(at).date(), 2)):
        _classify(session, service, month)
        if sui.judge(sui.rows_of(session, [service.id], month, sui.rule_book(session))).n_bad:
            return loads  # somebody else's story left a row that only its author can mend
        loads.append(sui.freeze_month(session, service, month, at=at - timedelta(days=1), user_id=boss.id))
    told = {"at": at, "user_id": boss.id}
    sui_loads.record_receipt(session, loads[0], "SUI-482913", on=local(at).date(), **told)
    _correct_later(session, loads[0])
    return loads


def _classify(session: Session, service: Service, month: date) -> None:
    """Give a cause and an invoice to what came without one."""
    causes = {row.code: row for row in session.scalars(select(SuiCause).where(SuiCause.service_id == service.id))}
    rows = list(sui.rows_of(session, [service.id], month, sui.rule_book(session)))
    for row in rows:
        if row.claim is None or not row.claim.is_bad:
            continue
        pqr = session.get_one(Pqr, row.claim.facts.pqr_id)
        if pqr.cause is None:
            pqr.cause = causes[_CAUSES.get(row.claim.values["procedure"], "315")]
        if pqr.cause.group_code == "F" and not (pqr.invoice_number or "").isdigit():
            pqr.invoice_number = f"{810_000 + pqr.id}"
    session.flush()


def _correct_later(session: Session, load: SuiLoad) -> None:
    """Correct the invoice of a case that was reported already: it shows as a difference."""
    with_invoice = select(Pqr).join(SuiLoadRow, SuiLoadRow.pqr_id == Pqr.id).where(SuiLoadRow.load_id == load.id)
    pqr = session.scalars(with_invoice.where(Pqr.invoice_number.is_not(None)).order_by(SuiLoadRow.position).limit(1)).first()
    if pqr is not None:
        pqr.invoice_number = f"{int(pqr.invoice_number or 0) + 1 if (pqr.invoice_number or '').isdigit() else 900_001}"
    session.flush()
