"""
Contracts: written, required, signed, amended, ended. Before the signature everything is free; afterwards only an amendment changes them.

Every step is a row of their history (`CommercialEvent`). What a signature froze is guarded by triggers too (revision 0010).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.contracts import (
    NOTICE_DAYS,
    AmendmentStatus,
    Change,
    ContractMove,
    ContractStage,
    ContractState,
    Side,
    Span,
    check_amendment,
    check_amendment_signature,
    check_dates,
    check_signature,
    check_signature_day,
    check_termination,
)
from app.domain.errors import DomainError, MoveRefused
from app.domain.interested import QualityKind
from app.domain.quotations import QuotationMove, QuotationStatus
from app.extensions import local
from app.models import (
    Amendment,
    AmendmentEnding,
    CommercialEvent,
    Contract,
    ContractKind,
    ContractRequirement,
    ContractSignatory,
    Process,
    Quotation,
    RequirementItem,
    RequirementTemplate,
)
from app.operations.numbers import next_number

# ── The state that follows ────────────────────────────────────────────────────────────────────────────────────────────────

SIGNED = (ContractStage.SIGNED, ContractStage.TERMINATED)


def span_of(contract: Contract) -> Span:
    """Return what the state of *contract* follows from."""
    return Span(contract.stage, contract.starts_on, contract.ends_on, contract.signed_on, contract.terminated_on)


def _last_day() -> ColumnElement[date]:
    return func.coalesce(Contract.terminated_on, Contract.ends_on)


def state_clause(state: ContractState, today: date, notice_days: int = NOTICE_DAYS) -> ColumnElement[bool]:
    """Return the condition under which `contracts.state_of` gives *state*."""
    last, soon = _last_day(), today + timedelta(days=notice_days)
    is_over = and_(Contract.stage.in_(SIGNED), last.is_not(None), last < today)
    is_running = and_(Contract.stage.in_(SIGNED), or_(last.is_(None), last >= today), Contract.starts_on <= today)
    match state:
        case ContractState.DRAFT | ContractState.VOIDED:
            return Contract.stage == ContractStage[state.name]
        case ContractState.UPCOMING:
            return and_(Contract.stage.in_(SIGNED), or_(last.is_(None), last >= today), Contract.starts_on > today)
        case ContractState.ACTIVE:
            return and_(is_running, or_(last.is_(None), last > soon))
        case ContractState.ENDING:
            return and_(is_running, last <= soon)
        case ContractState.ENDED:
            return and_(is_over, Contract.terminated_on.is_(None))
        case ContractState.TERMINATED:
            return and_(is_over, Contract.terminated_on.is_not(None))


def in_force_clause(first: date, last: date) -> ColumnElement[bool]:
    """Return the condition under which `contracts.was_in_force` holds."""
    end = _last_day()
    return and_(Contract.stage.in_(SIGNED), Contract.starts_on <= last, or_(end.is_(None), and_(end >= first, end >= Contract.starts_on)))


# ── Writing one ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def note(
    session: Session, contract: Contract, move: ContractMove, *, at: datetime, actor_id: int | None, reason: str = "", **facts: Any
) -> None:
    """Add a row to the history of *contract*; flushed with the rest."""
    told = {"to_status": contract.stage.name, "reason": reason.strip(), "facts": facts}
    session.add(CommercialEvent(contract=contract, at=at, actor_id=actor_id, move=move.name, **told))


def want_draft(contract: Contract) -> None:
    """Raise MoveRefused when *contract* is no draft any more."""
    if contract.stage is not ContractStage.DRAFT:
        msgid = N_("%(number)s is “%(state)s” and no longer changes. What was signed changes only by an amendment.")
        raise MoveRefused(msgid, number=contract.number, state=contract.stage.value)


def write_contract(session: Session, contract: Contract, *, at: datetime, actor_id: int | None) -> Contract:
    """
    Store a new draft, with the number that was typed or the next of its series; return it, flushed.

    Raises:
        DomainError: Another contract has the number; it ends before it starts; its quotation is of somebody else, not accepted, or has a
            contract.
    """
    organisation = queries.organisation(session)
    contract.organisation, contract.stage = organisation, ContractStage.DRAFT
    _check(session, contract)
    while not contract.number:
        number = next_number(session, organisation.id, "CTO", local(at).year, width=4)
        contract.number = "" if _taken(session, contract, number) else number
    session.add(contract)
    session.flush()
    quoted = {"quotation": contract.quotation.number} if contract.quotation else {}
    note(session, contract, ContractMove.WRITE, at=at, actor_id=actor_id, **quoted)
    if contract.quotation:
        told = {"contract": contract.number}
        session.add(
            CommercialEvent(quotation=contract.quotation, at=at, actor_id=actor_id, move=QuotationMove.CONTRACT.name,
                            to_status=contract.quotation.status.name, facts=told)
        )  # fmt: skip
    session.flush()
    return contract


def correct_contract(session: Session, contract: Contract) -> Contract:
    """Store what a form wrote into a draft; return it, flushed. Raises as `write_contract`, and MoveRefused when it is no draft."""
    with session.no_autoflush:
        stored = session.execute(select(Contract.stage, Contract.number).where(Contract.id == contract.id).with_for_update()).one()
        contract.stage, contract.number = stored.stage, contract.number or stored.number
        want_draft(contract)
        _check(session, contract)
    session.flush()
    return contract


def _check(session: Session, contract: Contract) -> None:
    contract.number = (contract.number or "").strip()
    if contract.number and _taken(session, contract, contract.number):
        raise DomainError(N_("There is already a contract with the number %(number)s."), field="number", number=contract.number)
    check_dates(contract.starts_on, contract.ends_on)
    if contract.quotation is not None:
        _check_quotation(session, contract, contract.quotation)


def _taken(session: Session, contract: Contract, number: str) -> bool:
    twin = select(Contract.id).where(Contract.organisation_id == contract.organisation.id, Contract.number == number)
    return session.scalar(twin.where(Contract.id != (contract.id or 0))) is not None


def _check_quotation(session: Session, contract: Contract, quotation: Quotation) -> None:
    """Refuse a contract that does not follow from *quotation*: it has to be accepted, of the same party, and without another contract."""
    if contract.party is not quotation.party:
        msgid = N_("%(number)s was quoted to %(quoted)s, and the contract would be with %(party)s. Both have to be the same party.")
        raise DomainError(
            msgid, field="party", number=quotation.number, quoted=quotation.party.name, party=contract.party.name if contract.party else "—"
        )
    if quotation.status is not QuotationStatus.ACCEPTED:
        msgid = N_("%(number)s is “%(state)s”: only an accepted quotation becomes a contract.")
        raise MoveRefused(msgid, field="quotation", number=quotation.number, state=quotation.status.value)
    twin = session.scalar(select(Contract.number).where(Contract.quotation_id == quotation.id, Contract.id != (contract.id or 0)))
    if twin is not None:
        msgid = N_("%(number)s has a contract already: %(contract)s.")
        raise MoveRefused(msgid, field="quotation", number=quotation.number, contract=twin)


def contract_of_quotation(
    session: Session, quotation: Quotation, *, at: datetime, actor_id: int | None, kind: ContractKind | None = None
) -> Contract:
    """
    Make the draft of the contract that an accepted quotation becomes: its party, what it is about, its value, who answers for it.

    *kind*: else the first of the catalogue. Raises MoveRefused: the quotation is not accepted or has a contract; there is no kind.
    """
    queries.lock(session, quotation)
    first = select(ContractKind).where(ContractKind.is_active).order_by(ContractKind.position, ContractKind.id).limit(1)
    kind = kind or session.scalar(first)
    if kind is None:
        raise MoveRefused(N_("There is no kind of contract yet. An administrator has to add one to the catalogue."))
    contract = Contract(
        number="", kind=kind, party=quotation.party, quotation=quotation, object=quotation.subject, process=quotation.process,
        supervisor=quotation.responsible, value_cop=quotation.total_cop,
    )  # fmt: skip
    with session.no_autoflush:
        return write_contract(session, contract, at=at, actor_id=actor_id)


def hand_over(
    session: Session, contract: Contract, process: Process | None, supervisor: User | None, *, at: datetime, actor_id: int | None
) -> Contract:
    """Change who answers for *contract*, signed or not; return it, flushed. Raises MoveRefused when it was given up."""
    queries.lock(session, contract)
    if contract.stage is ContractStage.VOIDED:
        raise MoveRefused(N_("%(number)s was given up: nobody answers for it."), number=contract.number)
    contract.process, contract.supervisor = process, supervisor
    told = {"process": process.name if process else "", "supervisor": supervisor.get_full_name() if supervisor else ""}
    note(session, contract, ContractMove.HAND_OVER, at=at, actor_id=actor_id, **told)
    session.flush()
    return contract


# ── What it requires ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Wanted:
    """A requirement as somebody wrote it. `id`: the row that it corrects; `replaces_id`: the signed one whose place it takes."""

    text: str
    quality: QualityKind = QualityKind.REQUIRED
    clause: str = ""
    verification: str = ""
    evidence: str = ""
    process_id: int | None = None
    responsible_id: int | None = None
    id: int | None = None
    replaces_id: int | None = None


def _own_rows(contract_id: int) -> Any:
    """Return the SELECT of the requirements that came with the contract itself, in their order."""
    mine = select(ContractRequirement).where(ContractRequirement.contract_id == contract_id, ContractRequirement.amendment_id.is_(None))
    return mine.order_by(ContractRequirement.position, ContractRequirement.id)


def write_requirements(session: Session, contract: Contract, wanted: Sequence[Wanted]) -> None:
    """
    Make *wanted* what a draft requires, in that order; a row that is not among them is taken out.

    Raises:
        MoveRefused: It is no draft.
        DomainError: A requirement says nothing.
    """
    queries.lock(session, contract)
    want_draft(contract)
    rows = {row.id: row for row in session.scalars(_own_rows(contract.id))}
    for each in rows.keys() - {each.id for each in wanted}:
        session.delete(rows[each])
    for position, each in enumerate(wanted, 1):
        row = rows.get(each.id or 0)
        _fill(session, row or ContractRequirement(contract=contract), each, position)
    session.flush()


def _fill(session: Session, row: ContractRequirement, wanted: Wanted, position: int) -> None:
    if not wanted.text.strip():
        raise DomainError(N_("Write what the requirement asks for."), field="text")
    row.position, row.text, row.quality = position, wanted.text.strip(), wanted.quality
    row.clause, row.verification, row.evidence = wanted.clause.strip(), wanted.verification.strip(), wanted.evidence.strip()
    row.process_id, row.responsible_id, row.replaces_id = wanted.process_id, wanted.responsible_id, wanted.replaces_id
    session.add(row)


def add_requirement(session: Session, contract: Contract, wanted: Wanted) -> ContractRequirement:
    """Append a requirement to a draft; return it, flushed. Raises as `write_requirements`."""
    queries.lock(session, contract)
    want_draft(contract)
    row = ContractRequirement(contract=contract)
    _fill(session, row, wanted, _next_position(session, contract))
    session.flush()
    return row


def _next_position(session: Session, contract: Contract) -> int:
    last = session.scalar(select(func.max(ContractRequirement.position)).where(ContractRequirement.contract_id == contract.id))
    return (last or 0) + 1


def wanted_of(row: ContractRequirement | RequirementItem) -> Wanted:
    """Return what *row*, a requirement or one of a template, says."""
    wanted = Wanted(row.text, row.quality, row.clause, row.verification, row.evidence, row.process_id)
    if isinstance(row, ContractRequirement):
        wanted.id, wanted.responsible_id, wanted.replaces_id = row.id, row.responsible_id, row.replaces_id
    return wanted


def template_rows(session: Session, template: RequirementTemplate) -> list[Wanted]:
    """Return the requirements of *template*, in order."""
    items = session.scalars(select(RequirementItem).where(RequirementItem.template_id == template.id).order_by(RequirementItem.position))
    return [wanted_of(item) for item in items]


def missing_from(written: Iterable[Wanted], offered: Iterable[Wanted]) -> list[Wanted]:
    """Return those *offered* whose text is not *written* yet, whatever its spaces and capitals."""
    known = {" ".join(each.text.lower().split()) for each in written}
    return [each for each in offered if " ".join(each.text.lower().split()) not in known]


def fill_from_template(session: Session, contract: Contract, template: RequirementTemplate) -> list[ContractRequirement]:
    """Append the requirements of *template* that a draft has not yet; return them, flushed. Raises MoveRefused when it is no draft."""
    written = [wanted_of(row) for row in session.scalars(_own_rows(contract.id))]
    fresh = missing_from(written, template_rows(session, template))
    return [add_requirement(session, contract, each) for each in fresh]


def requirements_shown(session: Session, contract_id: int) -> list[ContractRequirement]:
    """Return what the contract requires, required once, or would require by no draft: in order, with who answers and the amendments."""
    rows = select(ContractRequirement).where(
        ContractRequirement.contract_id == contract_id, or_(ContractRequirement.amendment_id.is_(None), ContractRequirement.is_frozen)
    )
    with_all = (ContractRequirement.process, ContractRequirement.responsible, ContractRequirement.amendment, ContractRequirement.ended_by)
    rows = rows.options(*(joinedload(each) for each in with_all))
    return list(session.scalars(rows.order_by(ContractRequirement.position, ContractRequirement.id)))


def active_requirements(session: Session, contract_id: int, on: date) -> list[ContractRequirement]:
    """Return the signed requirements in force on *on*, in order: those that began by then and that no amendment had ended."""
    return [
        row for row in requirements_shown(session, contract_id)
        if row.is_frozen and (row.amendment is None or row.amendment.effective_on <= on)
        and (row.ended_by is None or row.ended_by.effective_on > on)
    ]  # fmt: skip


# ── Signature ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def signatories_of(session: Session, contract_id: int) -> list[ContractSignatory]:
    """Return who signs, our side first."""
    mine = select(ContractSignatory).where(ContractSignatory.contract_id == contract_id)
    return list(session.scalars(mine.order_by(ContractSignatory.side, ContractSignatory.id)))


@dataclass(slots=True)
class Person:
    """Who signs for a side. `id`: the row that it corrects; `signed_on`: empty while the person has not signed."""

    side: Side
    name: str
    position: str = ""
    document_number: str = ""
    signed_on: date | None = None
    id: int | None = None


def write_signatories(session: Session, contract: Contract, people: Sequence[Person], *, at: datetime) -> list[ContractSignatory]:
    """
    Make *people* those who sign a draft; whoever is not among them is taken out. Return them, flushed.

    Raises:
        MoveRefused: It is no draft.
        DomainError: Somebody has no name, or signed after today.
    """
    queries.lock(session, contract)
    want_draft(contract)
    rows = {row.id: row for row in signatories_of(session, contract.id)}
    for each in rows.keys() - {person.id for person in people}:
        session.delete(rows[each])
    for person in people:
        if not person.name.strip():
            raise DomainError(N_("Write the name of everybody who signs."), field="name")
        check_signature_day(person.signed_on, local(at).date())
        row = rows.get(person.id or 0) or ContractSignatory(contract=contract)
        row.side, row.name, row.position = person.side, person.name.strip(), person.position.strip()
        row.document_number, row.signed_on = person.document_number.strip(), person.signed_on
        session.add(row)
    session.flush()
    return signatories_of(session, contract.id)


def sign_contract(
    session: Session, contract: Contract, signed: Mapping[int, date] | None = None, *, at: datetime, actor_id: int | None
) -> Contract:
    """
    Record that everybody signed; return the contract, flushed. From now on what it requires is fixed.

    *signed*: by id, the days of those signatories whose day is not written yet.

    Raises:
        MoveRefused: It is no draft; it requires nothing; nobody signs for a side, or somebody has not signed.
        DomainError: It does not say when it starts, or a date makes no sense.
    """
    queries.lock(session, contract)
    people, rows = signatories_of(session, contract.id), list(session.scalars(_own_rows(contract.id)))
    days = {person.id: person.signed_on or (signed or {}).get(person.id) for person in people}
    last = max((day for day in days.values() if day), default=local(at).date())
    check_signature(contract.number, span_of(contract), last, local(at).date(), len(rows), {person.side for person in people})
    for person in people:
        if days[person.id] is None:
            raise MoveRefused(N_("Write on which day %(name)s signed, or take the person out."), field="signatories", name=person.name)
        person.signed_on = days[person.id]
    session.flush()  # who signed stays as it is once the contract is signed
    for row in rows:
        row.is_frozen = True
    contract.stage, contract.signed_on = ContractStage.SIGNED, last
    note(session, contract, ContractMove.SIGN, at=at, actor_id=actor_id, signed_on=last.isoformat(), n_requirements=len(rows))
    session.flush()
    return contract


# ── Amendments ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class AmendmentPlan:
    """What an amendment says. `ended`: ids of the requirements that it ends; `added`: those that it adds, some in place of another."""

    reason: str
    effective_on: date | None
    new_ends_on: date | None = None
    value_change_cop: Decimal | None = None
    ended: Collection[int] = ()
    added: Sequence[Wanted] = ()

    @property
    def all_ended(self) -> set[int]:
        """Those that it ends, and those that it replaces."""
        return {*self.ended, *(each.replaces_id for each in self.added if each.replaces_id is not None)}

    @property
    def change(self) -> Change:
        return Change(self.effective_on, self.new_ends_on, self.value_change_cop, len(self.all_ended) + len(self.added))


def _in_force(session: Session, contract_id: int) -> dict[int, ContractRequirement]:
    """Return the requirements that no signed amendment has ended, by id."""
    return {row.id: row for row in requirements_shown(session, contract_id) if row.is_frozen and row.ended_by_id is None}


def _check_plan(session: Session, contract: Contract, plan: AmendmentPlan) -> None:
    if not plan.reason.strip():
        raise DomainError(N_("Write what changes and why."), field="reason")
    check_amendment(contract.number, span_of(contract), plan.change, contract.value_cop)
    if plan.all_ended - _in_force(session, contract.id).keys():
        raise DomainError(N_("A requirement that this amendment ends was ended already by another. Look at the contract again."))
    replaced = [each.replaces_id for each in plan.added if each.replaces_id is not None]
    if len(replaced) != len(set(replaced)):
        raise DomainError(N_("Two new requirements take the place of the same one. Choose one of them."))


def _want_no_draft(session: Session, contract: Contract) -> None:
    drafts = select(Amendment.number).where(Amendment.contract_id == contract.id, Amendment.status == AmendmentStatus.DRAFT)
    n = session.scalar(drafts)
    if n is not None:
        raise MoveRefused(N_("Amendment %(n)s of %(number)s is still a draft: sign it or give it up first."), n=n, number=contract.number)


def draft_amendment(session: Session, contract: Contract, plan: AmendmentPlan) -> Amendment:
    """
    Store the next amendment of *contract* as a draft; return it, flushed. Nothing changes until it is signed.

    Raises:
        MoveRefused: The contract is not signed, was ended early, or has a draft already.
        DomainError: As `contracts.check_amendment`, or there is no reason.
    """
    queries.lock(session, contract)
    _want_no_draft(session, contract)
    _check_plan(session, contract, plan)
    n = session.scalar(select(func.max(Amendment.number)).where(Amendment.contract_id == contract.id)) or 0
    amendment = Amendment(contract=contract, number=n + 1, status=AmendmentStatus.DRAFT)
    return _write_plan(session, amendment, plan)


def correct_amendment(session: Session, amendment: Amendment, plan: AmendmentPlan) -> Amendment:
    """Rewrite a draft; return it, flushed. Raises MoveRefused when it is no draft, DomainError as `draft_amendment`."""
    _hold_draft(session, amendment)
    _check_plan(session, amendment.contract, plan)
    return _write_plan(session, amendment, plan)


def _hold_draft(session: Session, amendment: Amendment) -> None:
    queries.lock(session, amendment.contract)
    queries.lock(session, amendment)
    if amendment.status is not AmendmentStatus.DRAFT:
        msgid = N_("Amendment %(n)s of %(number)s is “%(state)s” and no longer changes.")
        raise MoveRefused(msgid, n=amendment.number, number=amendment.contract.number, state=amendment.status.value)


def _write_plan(session: Session, amendment: Amendment, plan: AmendmentPlan) -> Amendment:
    amendment.reason, amendment.effective_on = plan.reason.strip(), plan.effective_on
    amendment.new_ends_on, amendment.value_change_cop = plan.new_ends_on, plan.value_change_cop or None
    session.add(amendment)
    session.flush()
    meant = session.scalars(select(AmendmentEnding).where(AmendmentEnding.amendment_id == amendment.id))
    for row in (*meant, *added_by(session, amendment)):
        session.delete(row)
    session.flush()
    session.add_all(AmendmentEnding(amendment=amendment, requirement_id=each) for each in sorted(plan.all_ended))
    first = _next_position(session, amendment.contract)
    for position, each in enumerate(plan.added, first):
        _fill(session, ContractRequirement(contract=amendment.contract, amendment=amendment), each, position)
    session.flush()
    return amendment


def added_by(session: Session, amendment: Amendment) -> list[ContractRequirement]:
    """Return the requirements that *amendment* adds, in order."""
    rows = select(ContractRequirement).where(ContractRequirement.amendment_id == amendment.id).order_by(ContractRequirement.position)
    return list(session.scalars(rows.options(joinedload(ContractRequirement.process))))


def ended_by(session: Session, amendment: Amendment) -> list[ContractRequirement]:
    """Return the requirements that *amendment* ends, in order."""
    rows = select(ContractRequirement).join(AmendmentEnding, AmendmentEnding.requirement_id == ContractRequirement.id)
    return list(session.scalars(rows.where(AmendmentEnding.amendment_id == amendment.id).order_by(ContractRequirement.position)))


def plan_of(session: Session, amendment: Amendment) -> AmendmentPlan:
    """Return what a stored amendment says."""
    added = [wanted_of(row) for row in added_by(session, amendment)]
    ended = [row.id for row in ended_by(session, amendment)]
    return AmendmentPlan(amendment.reason, amendment.effective_on, amendment.new_ends_on, amendment.value_change_cop, ended, added)


def sign_amendment(session: Session, amendment: Amendment, *, signed_on: date, at: datetime, actor_id: int | None) -> Amendment:
    """
    Sign a draft and apply all of it; return it, flushed. It keeps the end and the value that were before.

    Raises:
        MoveRefused: It is no draft, or its contract is not in force.
        DomainError: The day of the signature makes no sense; or what it says no longer does.
    """
    _hold_draft(session, amendment)
    contract, plan = amendment.contract, plan_of(session, amendment)
    _check_plan(session, contract, plan)
    check_amendment_signature(contract.number, span_of(contract), signed_on, local(at).date())
    amendment.status, amendment.signed_on = AmendmentStatus.SIGNED, signed_on
    amendment.ends_on_before, amendment.value_before_cop = contract.ends_on, contract.value_cop
    for row in added_by(session, amendment):
        row.is_frozen = True
    for row in ended_by(session, amendment):
        row.ended_by = amendment
    contract.ends_on = plan.new_ends_on or contract.ends_on
    if plan.value_change_cop:
        contract.value_cop = (contract.value_cop or Decimal(0)) + plan.value_change_cop
    told = {"amendment": amendment.number, "signed_on": signed_on.isoformat()}
    note(session, contract, ContractMove.AMEND, at=at, actor_id=actor_id, reason=amendment.reason, **told)
    session.flush()
    return amendment


def void_amendment(session: Session, amendment: Amendment, reason: str, *, at: datetime, actor_id: int | None) -> Amendment:
    """Give a draft up, with a reason; return it, flushed. Raises MoveRefused: it is no draft, or there is no reason."""
    _hold_draft(session, amendment)
    if not reason.strip():
        raise MoveRefused(N_("Write why it is given up: its number stays, with this reason."), field="reason")
    amendment.status = AmendmentStatus.VOIDED
    note(session, amendment.contract, ContractMove.DROP_AMENDMENT, at=at, actor_id=actor_id, reason=reason, amendment=amendment.number)
    session.flush()
    return amendment


# ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def terminate_contract(session: Session, contract: Contract, *, on: date, reason: str, at: datetime, actor_id: int | None) -> Contract:
    """
    End a signed contract before its day; return it, flushed.

    Raises:
        MoveRefused: It is not signed or was ended early before, or an amendment of it is still a draft.
        DomainError: As `contracts.check_termination`.
    """
    queries.lock(session, contract)
    check_termination(contract.number, span_of(contract), on, reason)
    _want_no_draft(session, contract)
    contract.stage, contract.terminated_on, contract.stage_reason = ContractStage.TERMINATED, on, reason.strip()
    note(session, contract, ContractMove.TERMINATE, at=at, actor_id=actor_id, reason=reason, terminated_on=on.isoformat())
    session.flush()
    return contract


def void_contract(session: Session, contract: Contract, reason: str, *, at: datetime, actor_id: int | None) -> Contract:
    """
    Give a draft up; return it, flushed. Its number stays, and its quotation may become another contract.

    Raises MoveRefused: it is no draft, or there is no reason.
    """
    queries.lock(session, contract)
    if contract.stage is not ContractStage.DRAFT:
        msgid = N_("%(number)s is “%(state)s”: only a contract being prepared is given up. A signed one is terminated.")
        raise MoveRefused(msgid, number=contract.number, state=contract.stage.value)
    if not reason.strip():
        raise MoveRefused(N_("Write why it is given up: its number stays, with this reason."), field="reason")
    quoted = {"quotation": contract.quotation.number} if contract.quotation else {}
    contract.stage, contract.stage_reason, contract.quotation = ContractStage.VOIDED, reason.strip(), None
    note(session, contract, ContractMove.VOID, at=at, actor_id=actor_id, reason=reason, **quoted)
    session.flush()
    return contract
