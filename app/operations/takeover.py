"""Contracts that another register had, and that were only kept to be read: each may become a contract of ours, under its number."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.contracts import ContractMove, ContractStage, check_dates, check_signature_day
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import PastKind
from app.extensions import local
from app.models import Contract, PastRecord
from app.operations.contracts import note


def contract_of(session: Session, record: PastRecord) -> Contract | None:
    """Return the contract that has the number of *record*, or None."""
    return session.scalar(select(Contract).where(Contract.number == record.source_number))


def take_over(session: Session, record: PastRecord, contract: Contract, *, at: datetime, actor_id: int | None) -> Contract:
    """
    Store *contract*, which a form filled, under the number of *record*; signed, if it says when. Return it, flushed. The record stays.

    Raises:
        MoveRefused: The record is none of a contract, its number is taken or does not fit.
        DomainError: The days make no sense, or a signed contract does not say when it starts.
    """
    if record.kind is not PastKind.CONTRACT:
        raise MoveRefused(N_("Only a row of a register of contracts becomes a contract."))
    if len(record.source_number) > Contract.number.type.length:
        raise MoveRefused(N_("The number %(number)s is too long for a contract."), number=record.source_number)
    with session.no_autoflush:
        queries.lock(session, record)
        if contract_of(session, record) is not None:
            raise MoveRefused(N_("There is already a contract with the number %(number)s."), number=record.source_number)
    check_dates(contract.starts_on, contract.ends_on)
    if contract.signed_on is not None and contract.starts_on is None:
        raise DomainError(N_("A signed contract says on which day it starts."), field="starts_on")
    check_signature_day(contract.signed_on, local(at).date())
    if not contract.object.strip():
        raise DomainError(N_("Write what the contract is about."), field="object")
    contract.organisation = queries.organisation(session)
    contract.number, contract.source = record.source_number, record.source
    contract.stage = ContractStage.DRAFT if contract.signed_on is None else ContractStage.SIGNED
    session.add(contract)
    note(session, contract, ContractMove.IMPORT, at=at, actor_id=actor_id, source=record.source, past_record=record.id)
    session.flush()
    return contract
