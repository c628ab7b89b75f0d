"""Guarantees of contracts: recorded, approved, replaced by the next; and the files of a contract. Each step is in the history of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.contracts import ContractFileKind, ContractMove, ContractStage
from app.domain.errors import DomainError, MoveRefused
from app.domain.guarantees import NOTICE_DAYS, Cover, GuaranteeState, check_approval, check_cover
from app.extensions import local
from app.models import Amendment, Contract, ContractFile, Guarantee
from app.operations.contracts import note
from app.operations.files import CheckedFile, store_file


def cover_of(guarantee: Guarantee) -> Cover:
    """Return what the state of *guarantee* follows from."""
    return Cover(guarantee.starts_on, guarantee.ends_on, guarantee.approved_on, guarantee.replaced_by_id is not None)


def state_clause(state: GuaranteeState, today: date, notice_days: int = NOTICE_DAYS) -> ColumnElement[bool]:
    """Return the condition under which `guarantees.state_of` gives *state*."""
    soon = today + timedelta(days=notice_days)
    is_live = and_(Guarantee.replaced_by_id.is_(None), Guarantee.ends_on >= today)
    match state:
        case GuaranteeState.REPLACED:
            return Guarantee.replaced_by_id.is_not(None)
        case GuaranteeState.ENDED:
            return and_(Guarantee.replaced_by_id.is_(None), Guarantee.ends_on < today)
        case GuaranteeState.TO_APPROVE:
            return and_(is_live, Guarantee.approved_on.is_(None))
        case GuaranteeState.ENDING:
            return and_(is_live, Guarantee.approved_on.is_not(None), Guarantee.ends_on <= soon)
    return and_(is_live, Guarantee.approved_on.is_not(None), Guarantee.ends_on > soon)


def _want_live(contract: Contract) -> None:
    if contract.stage is ContractStage.VOIDED:
        raise MoveRefused(N_("%(number)s was given up before it was signed."), field="contract", number=contract.number)


def check_guarantee(session: Session, guarantee: Guarantee) -> None:
    """
    Refuse what a form wrote into *guarantee*.

    Raises:
        MoveRefused: Its contract was given up, or the policy was approved or replaced.
        DomainError: Its days make no sense, its amount is not positive, or the contract has the same policy already.
    """
    _want_live(guarantee.contract)
    check_cover(guarantee.starts_on, guarantee.ends_on)
    if guarantee.insured_cop is not None and guarantee.insured_cop <= 0:
        raise DomainError(N_("What is insured is more than nothing: write the amount, or leave it empty."), field="insured_cop")
    same = select(Guarantee.id).filter_by(contract_id=guarantee.contract.id, kind=guarantee.kind, policy=guarantee.policy)
    if session.scalar(same.where(Guarantee.id != (guarantee.id or 0)).limit(1)) is not None:
        msgid = N_("%(number)s has this policy already for the same cover.")
        raise DomainError(msgid, field="policy", number=guarantee.contract.number)


def record_guarantee(session: Session, guarantee: Guarantee, *, at: datetime, actor_id: int | None) -> Guarantee:
    """Store a new policy, not yet approved; return it, flushed. Raises as `check_guarantee`."""
    with session.no_autoflush:
        check_guarantee(session, guarantee)
    session.add(guarantee)
    note(session, guarantee.contract, ContractMove.GUARANTEE, at=at, actor_id=actor_id, **_said(guarantee))
    session.flush()
    return guarantee


def approve_guarantee(session: Session, guarantee: Guarantee, on: date, *, at: datetime, actor_id: int | None) -> Guarantee:
    """Approve a policy; return it, flushed. From then on it does not change. Raises as `guarantees.check_approval`."""
    queries.lock(session, guarantee)
    _want_live(guarantee.contract)
    check_approval(cover_of(guarantee), on, local(at).date())
    guarantee.approved_on = on
    note(session, guarantee.contract, ContractMove.APPROVE_GUARANTEE, at=at, actor_id=actor_id, **_said(guarantee))
    session.flush()
    return guarantee


def replace_guarantee(session: Session, old: Guarantee, new: Guarantee, *, at: datetime, actor_id: int | None) -> Guarantee:
    """
    Store *new* in the place of *old*: its renewal, or a correction after the approval; return it, flushed. The old one stays.

    Raises:
        MoveRefused: Another took its place already.
        DomainError: As `check_guarantee`; or the new one is of another contract.
    """
    queries.lock(session, old)
    if old.replaced_by_id is not None:
        raise MoveRefused(N_("Another policy took the place of this one already."))
    if new.contract is not old.contract:
        raise DomainError(N_("A policy takes the place of one of the same contract."), field="contract")
    with session.no_autoflush:
        check_guarantee(session, new)
    session.add(new)
    session.flush()
    old.replaced_by_id = new.id
    note(session, old.contract, ContractMove.REPLACE_GUARANTEE, at=at, actor_id=actor_id, **_said(new), replaces=old.policy)
    session.flush()
    return new


def _said(guarantee: Guarantee) -> dict[str, str]:
    return {"policy": guarantee.policy, "insurer": guarantee.insurer, "ends_on": guarantee.ends_on.isoformat()}


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def attach_files(
    session: Session, contract: Contract, files: Sequence[CheckedFile], kind: ContractFileKind, description: str = "", *,
    guarantee: Guarantee | None = None, amendment: Amendment | None = None, at: datetime, actor_id: int | None,
) -> list[ContractFile]:  # fmt: skip
    """
    Keep *files* with a contract, signed or not; return their rows, flushed.

    Raises:
        DomainError: There is no file, or the policy or amendment is of another contract.
    """
    if not files:
        raise DomainError(N_("Choose a file."), field="files")
    for part in (guarantee, amendment):
        if part is not None and part.contract_id != contract.id:
            raise DomainError(N_("That belongs to another contract."))
    rows = [
        ContractFile(contract=contract, file=store_file(session, each), kind=kind, description=description.strip(), guarantee=guarantee,
                     amendment=amendment)
        for each in files
    ]  # fmt: skip
    session.add_all(rows)
    note(session, contract, ContractMove.ATTACH, at=at, actor_id=actor_id, files=[each.name for each in files])
    session.flush()
    return rows
