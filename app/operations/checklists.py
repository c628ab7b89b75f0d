"""
The annual verification of contracts: opened on its day, filled row by row by several people at once, signed, approved, locked.

A row is saved under the version that its writer read: an older one is refused with both texts (`RowConflict`), so nobody overwrites what
they did not see. Whatever is written takes the checklist first, so that a signature and a verdict never pass each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.checklists import (
    DAYS_TO_VERIFY,
    ChecklistMove,
    ChecklistStatus,
    Row,
    Said,
    after,
    due_now,
    openable,
    period_of,
    refuse_gaps,
)
from app.domain.compliance import sum_of
from app.domain.contracts import ContractStage
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionOrigin
from app.domain.states import Visibility
from app.extensions import local
from app.models import (
    Action,
    Checklist,
    ChecklistFile,
    ChecklistItem,
    CommercialEvent,
    Contract,
    ContractRequirement,
    Process,
)
from app.operations import improvement
from app.operations.contracts import active_requirements
from app.operations.files import CheckedFile, store_file
from app.operations.numbers import next_number

#: Stages of contracts that are verified.
VERIFIED = (ContractStage.SIGNED, ContractStage.TERMINATED)


class RowConflict(DomainError):
    """Somebody saved the row since its writer read it. `item`: as it is stored now; `said`: what was refused."""

    msgid = N_("%(name)s saved this row while you were writing. Both texts are kept: choose.")

    def __init__(self, item: ChecklistItem, said: Said) -> None:
        super().__init__(name=item.verified_by.get_full_name() if item.verified_by else "—")
        self.item = item
        self.said = said


# ── Opening ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def last_day(contract: Any) -> date | None:
    """Return the last day of *contract* (a row, or a line with its columns), early termination included; None without end."""
    days = [day for day in (contract.ends_on, contract.terminated_on) if day is not None]
    return min(days, default=None)


def open_checklist(session: Session, contract: Contract, *, at: datetime, actor_id: int | None) -> Checklist:
    """
    Open the verification of *contract* that is due, or comes within sixty days; return it, flushed, with a row a requirement.

    Raises:
        MoveRefused: The contract is not signed, its day has not come, it asks for nothing, or that year has its checklist.
    """
    queries.lock(session, contract)
    on = local(at).date()
    if contract.stage not in VERIFIED or contract.starts_on is None:
        raise MoveRefused(N_("%(number)s is not signed: there is nothing to verify yet."), number=contract.number)
    found = openable(contract.starts_on, last_day(contract), on)
    if found is None:
        raise MoveRefused(
            N_("%(number)s is verified on its anniversary or at its end; that opens sixty days before, and is not near."),
            number=contract.number,
        )
    year, day = found
    numbered = session.scalar(select(Checklist.number).where(Checklist.contract_id == contract.id, Checklist.year == year))
    if numbered is not None:
        raise MoveRefused(
            N_("%(contract)s has its verification of %(year)s: %(number)s."), contract=contract.number, year=year, number=numbered
        )
    requirements = active_requirements(session, contract.id, day)
    if not requirements:
        raise MoveRefused(N_("%(number)s has no requirements in force to verify."), number=contract.number)
    return _opened(session, contract, day, requirements, at, actor_id)


def _opened(
    session: Session, contract: Contract, day: date, requirements: Sequence[ContractRequirement], at: datetime, actor_id: int | None
) -> Checklist:
    on = local(at).date()
    first, last = period_of(contract.starts_on, day)  # type: ignore[arg-type]  a CHECK: what is signed has its start
    checklist = Checklist(
        organisation_id=contract.organisation_id, contract=contract, year=day.year, period_from=first, period_until=last, opened_on=on,
        due_on=max(on, day) + timedelta(days=DAYS_TO_VERIFY), n_items=len(requirements), created_by_id=actor_id,
    )  # fmt: skip
    checklist.number = next_number(session, contract.organisation_id, "LVC", on.year, width=4)
    session.add(checklist)
    session.add_all(
        ChecklistItem(checklist=checklist, requirement=each, position=position, created_by_id=actor_id)
        for position, each in enumerate(requirements, 1)
    )
    session.flush()
    _note(session, checklist, ChecklistMove.OPEN, at, actor_id, came_from="")
    return checklist


def due_contracts(session: Session, on: date) -> list[int]:
    """Return the contracts whose verification has to be open on *on* and is not, the oldest first."""
    has_requirements = select(ContractRequirement.id).where(
        ContractRequirement.contract_id == Contract.id, ContractRequirement.is_frozen, ContractRequirement.ended_by_id.is_(None)
    )
    contracts = session.execute(
        select(Contract.id, Contract.starts_on, Contract.ends_on, Contract.terminated_on)
        .where(Contract.stage.in_(VERIFIED), Contract.starts_on <= on, has_requirements.exists())
        .order_by(Contract.id)
    ).all()
    have = {tuple(row) for row in session.execute(select(Checklist.contract_id, Checklist.year).where(Checklist.year >= on.year - 1))}
    due = ((row.id, due_now(row.starts_on, last_day(row), on)) for row in contracts)
    return [contract_id for contract_id, found in due if found is not None and (contract_id, found[0]) not in have]


def open_due(session: Session, at: datetime) -> int:
    """Open every verification whose day has come; return how many. Twice, late, or on two workers, each is opened once."""
    n = 0
    for contract_id in due_contracts(session, local(at).date()):
        try:
            open_checklist(session, session.get_one(Contract, contract_id), at=at, actor_id=None)
        except MoveRefused:
            continue  # another worker opened it, or its requirements ended
        n += 1
    return n


# ── Filling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def said_of(item: ChecklistItem) -> Said:
    """Return what the stored row says."""
    return Said(item.verdict, item.note, item.no_action_reason)


def save_row(session: Session, item: ChecklistItem, said: Said, *, version: int, at: datetime, actor_id: int | None) -> ChecklistItem:
    """
    Store what a reviewer says of a requirement; return the row, flushed. Saying what it says already changes nothing.

    Raises:
        RowConflict: Somebody saved it since *version*.
        MoveRefused: The checklist was signed or approved meanwhile.
        DomainError: It does not apply, and the note does not say why.
    """
    _hold(session, item)
    said = said.checked()
    if item.action_id is not None:
        said = Said(said.verdict, said.note)  # the action answers it
    if said == said_of(item):
        return item
    if item.version != version:
        raise RowConflict(item, said)
    item.verdict, item.note, item.no_action_reason = said.verdict, said.note, said.no_action_reason
    item.verified_by_id, item.verified_at = actor_id, at if said.verdict is not None else None
    item.version += 1
    session.flush()
    session.expire(item, ["verified_by"])
    _count(session, item.checklist)
    return item


def attach_evidence(
    session: Session, item: ChecklistItem, content: CheckedFile, description: str = "", *, actor_id: int | None
) -> ChecklistFile:
    """Keep a file that shows what the verdict says; return its row, flushed. Raises MoveRefused: the checklist is no longer open."""
    _hold(session, item)
    stored = store_file(session, content, visibility=Visibility.STAFF, description=description)
    evidence = ChecklistFile(item=item, file=stored, description=description.strip()[:200], created_by_id=actor_id)
    session.add(evidence)
    session.flush()
    return evidence


def withdraw_evidence(session: Session, evidence: ChecklistFile, *, at: datetime, actor_id: int) -> ChecklistFile:
    """
    Withdraw a file that was attached by mistake; return its row, flushed. It stays in the store and in the change log, and opens no more.

    Raises:
        MoveRefused: The checklist is no longer open, or the file was withdrawn before.
    """
    _hold(session, evidence.item)
    queries.lock(session, evidence)
    if evidence.withdrawn_at is not None:
        raise MoveRefused(N_("“%(name)s” was withdrawn already."), name=evidence.file.name)
    evidence.withdrawn_at, evidence.withdrawn_by_id = at, actor_id
    session.flush()
    return evidence


def ask_for_action(session: Session, item: ChecklistItem, asked: improvement.Asked, *, at: datetime, actor_id: int | None) -> Action:
    """
    Ask for the action of a finding; return it, flushed. What said that none is needed goes.

    Raises:
        MoveRefused: The row is no finding, has its action, or the checklist is no longer open.
        DomainError: As `improvement.ask_action`.
    """
    _hold(session, item)
    if not said_of(item).is_finding:
        raise MoveRefused(N_("Only a finding asks for an action: this row has none."))
    if item.action_id is not None:
        raise MoveRefused(N_("This finding has its action already."))
    checklist = item.checklist
    item.action = improvement.ask_action(
        session, kind=asked.kind, origin=ActionOrigin.CHECKLIST, origin_key=checklist.number, title=asked.title,
        description=asked.description, process_id=asked.process_id, responsible_id=asked.responsible_id, due_on=asked.due_on, at=at,
        user_id=actor_id, origin_path=f"/checklist/show/{checklist.id}", party_id=checklist.contract.party_id,
    )  # fmt: skip
    item.no_action_reason = ""
    item.version += 1
    session.flush()
    return item.action


def _hold(session: Session, item: ChecklistItem) -> None:
    """Take the checklist, then read the row again. Raises MoveRefused: it is signed or approved."""
    checklist = item.checklist
    queries.lock(session, checklist)
    if checklist.status is not ChecklistStatus.OPEN:
        msgid = N_("%(number)s is “%(status)s”: its rows no longer change. Whoever may return or reopen it has to do so first.")
        raise MoveRefused(msgid, number=checklist.number, status=checklist.status.value)
    queries.lock(session, item)
    session.expire(item, ["verified_by"])


def _count(session: Session, checklist: Checklist) -> None:
    """Write what the verdicts add up to."""
    found = sum_of(session.scalars(select(ChecklistItem.verdict).where(ChecklistItem.checklist_id == checklist.id)))
    checklist.n_met, checklist.n_partly, checklist.n_not_met = found.n_met, found.n_partly, found.n_not_met
    checklist.n_not_applicable, checklist.compliance = found.n_not_applicable, found.percent
    session.flush()


# ── Signing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def submit(session: Session, checklist: Checklist, conclusion: str, *, at: datetime, actor_id: int) -> Checklist:
    """
    Sign as the responsible; return it, flushed. From here on its rows stay as they are.

    Raises:
        MoveRefused: It is not open, a row has no verdict, or a finding says nothing or is not settled.
    """
    queries.lock(session, checklist)
    status = after(checklist.status, ChecklistMove.SUBMIT, checklist.number)
    refuse_gaps(rows_of(session, checklist))
    checklist.status, checklist.signed_by_id, checklist.signed_at = status, actor_id, at
    checklist.conclusion = conclusion.strip()
    return _note(session, checklist, ChecklistMove.SUBMIT, at, actor_id, came_from=ChecklistStatus.OPEN.name)


def give_back(session: Session, checklist: Checklist, reason: str, *, at: datetime, actor_id: int) -> Checklist:
    """Return a signed one to its reviewers; return it, flushed. Raises MoveRefused: it is not signed, or there is no reason."""
    return _undo(session, checklist, ChecklistMove.RETURN, reason, at, actor_id)


def approve(session: Session, checklist: Checklist, *, at: datetime, actor_id: int) -> Checklist:
    """Approve and lock it; return it, flushed. Raises MoveRefused: it is not signed, or by the same person: it takes two."""
    queries.lock(session, checklist)
    came_from, status = checklist.status, after(checklist.status, ChecklistMove.APPROVE, checklist.number)
    if checklist.signed_by_id == actor_id:
        raise MoveRefused(N_("You signed %(number)s, so somebody else has to approve it."), number=checklist.number)
    checklist.status, checklist.approved_by_id, checklist.approved_at = status, actor_id, at
    return _note(session, checklist, ChecklistMove.APPROVE, at, actor_id, came_from=came_from.name)


def reopen(session: Session, checklist: Checklist, reason: str, *, at: datetime, actor_id: int) -> Checklist:
    """
    Unlock an approved one; return it, flushed. Its acta stays in the archive, and approving it again makes another.

    Raises:
        MoveRefused: It is not approved, or there is no reason.
    """
    return _undo(session, checklist, ChecklistMove.REOPEN, reason, at, actor_id)


def _undo(session: Session, checklist: Checklist, move: ChecklistMove, reason: str, at: datetime, actor_id: int) -> Checklist:
    queries.lock(session, checklist)
    came_from, status = checklist.status, after(checklist.status, move, checklist.number)
    if not reason.strip():
        raise MoveRefused(N_("Write why: it is open again, with this reason in its history."), field="reason")
    facts = {"signed_by": checklist.signed_by_id, "approved_by": checklist.approved_by_id, "document": checklist.document_id}
    checklist.status, checklist.document_id = status, None
    checklist.signed_by_id = checklist.signed_at = checklist.approved_by_id = checklist.approved_at = None
    checklist.n_reopened += move is ChecklistMove.REOPEN
    session.expire(checklist, ["signed_by", "approved_by", "document"])
    return _note(session, checklist, move, at, actor_id, came_from=came_from.name, reason=reason.strip(), facts=facts)


def _note(
    session: Session, checklist: Checklist, move: ChecklistMove, at: datetime, actor_id: int | None, *, came_from: str, **told: Any
) -> Checklist:
    """Write what happened to its history; return the checklist, flushed."""
    session.add(
        CommercialEvent(
            checklist=checklist, at=at, actor_id=actor_id, move=move.name, from_status=came_from, to_status=checklist.status.name, **told
        )
    )
    session.flush()
    return checklist


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_of(item: ChecklistItem) -> Row:
    """Return a row as the signature reads it."""
    return Row(item.position, said_of(item), item.action_id is not None)


def rows_of(session: Session, checklist: Checklist) -> list[Row]:
    """Return the stored rows as the signature reads them, in order."""
    found = select(ChecklistItem).where(ChecklistItem.checklist_id == checklist.id).order_by(ChecklistItem.position)
    return [row_of(item) for item in session.scalars(found.execution_options(populate_existing=True))]


def items_of(session: Session, checklist: Checklist) -> list[ChecklistItem]:
    """Return the rows with all that their page shows, in order, in one statement."""
    requirement = joinedload(ChecklistItem.requirement)
    return list(
        session.scalars(
            select(ChecklistItem)
            .where(ChecklistItem.checklist_id == checklist.id)
            .options(requirement.joinedload(ContractRequirement.process), requirement.joinedload(ContractRequirement.responsible))
            .options(joinedload(ChecklistItem.verified_by), joinedload(ChecklistItem.action))
            .order_by(ChecklistItem.position)
        )
    )


def previous_rows(session: Session, checklist: Checklist, items: Iterable[ChecklistItem]) -> dict[int, ChecklistItem]:
    """Return by the id of each of *items* the row of the verification before it, of its requirement or of the one that this replaced."""
    before = (
        select(Checklist.id)
        .where(Checklist.contract_id == checklist.contract_id, Checklist.year < checklist.year)
        .order_by(Checklist.year.desc())
        .limit(1)
        .scalar_subquery()
    )
    options = joinedload(ChecklistItem.checklist), joinedload(ChecklistItem.action)
    rows = session.scalars(select(ChecklistItem).where(ChecklistItem.checklist_id == before).options(*options))
    by_requirement = {row.requirement_id: row for row in rows}
    if not by_requirement:
        return {}
    asked = select(ContractRequirement.id, ContractRequirement.replaces_id).where(ContractRequirement.contract_id == checklist.contract_id)
    replaced = {row.id: row.replaces_id for row in session.execute(asked)}
    found: dict[int, ChecklistItem] = {}
    for item in items:
        key: int | None = item.requirement_id
        while key is not None and key not in by_requirement:
            key = replaced.get(key)
        if key is not None:
            found[item.id] = by_requirement[key]
    return found


def evidence_of(session: Session, items: Iterable[ChecklistItem]) -> dict[int, list[ChecklistFile]]:
    """Return the files of *items* by row, the oldest first, without those that were withdrawn."""
    found: dict[int, list[ChecklistFile]] = {}
    stands = ChecklistFile.item_id.in_([item.id for item in items]), ChecklistFile.withdrawn_at.is_(None)
    files = select(ChecklistFile).where(*stands).options(joinedload(ChecklistFile.file))
    for evidence in session.scalars(files.order_by(ChecklistFile.id)):
        found.setdefault(evidence.item_id, []).append(evidence)
    return found


def stamp(session: Session, checklist: Checklist) -> str:
    """Return a text that changes whenever a row, a file or the state of *checklist* does: what somebody who waits for news asks."""
    n_files = select(func.count() + func.count(ChecklistFile.withdrawn_at)).select_from(ChecklistFile).join(ChecklistItem)
    n_files = n_files.where(ChecklistItem.checklist_id == checklist.id)
    versions = select(func.sum(ChecklistItem.version)).where(ChecklistItem.checklist_id == checklist.id)
    row = session.execute(select(versions.scalar_subquery(), n_files.scalar_subquery())).one()
    return f"{checklist.status.name}-{checklist.n_reopened}-{row[0]}-{row[1]}"


def processes(session: Session) -> list[Process]:
    """Return the processes that an action may be given to, by name."""
    return list(session.scalars(select(Process).where(Process.is_active).order_by(Process.name)))
