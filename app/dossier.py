"""Named SELECTs of the page of a party: all that joins to it, in one statement however many rooms there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Row,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from app import queries
from app.domain.campaigns import ResponseStatus
from app.domain.checklists import ChecklistStatus
from app.domain.improvement import ActionStatus
from app.domain.quotations import QuotationStatus
from app.domain.states import Category, states_in
from app.models import (
    Action,
    Checklist,
    Contract,
    ContractFile,
    Document,
    InterestGroup,
    Party,
    PartyContact,
    PartyGroup,
    PastRecord,
    Pqr,
    Quotation,
    QuotationVersion,
    StoredFile,
    SurveyCampaign,
    SurveyInvitee,
    SurveyResponse,
    UtcDateTime,
)

#: Rows of each kind that the page shows; the list of the kind has all.
N_SHOWN = 10
#: What each row tells, whatever it is; `number` names it, `key` is the row that its address names.
_COLUMNS: dict[str, TypeEngine[Any]] = {
    "kind": String(), "key": Integer(), "number": String(), "title": Text(), "state": String(), "note": Text(), "contact": String(),
    "on": Date(), "until_on": Date(), "done_on": Date(), "at": UtcDateTime(), "amount": Numeric(18, 2), "other_key": Integer(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sight:
    """
    What the reader may see of a party: the keys of the cases, contracts, contracts in force, checklists and actions in his scope (None: of
    none), whether he reads contacts, groups, quotations, surveys and registers of before, and whether he opens the documents of cases.
    """

    cases: Select[tuple[int]] | None = None
    contracts: Select[tuple[int]] | None = None
    in_force: Select[tuple[int]] | None = None
    checklists: Select[tuple[int]] | None = None
    actions: Select[tuple[int]] | None = None
    contacts: bool = False
    groups: bool = False
    quotations: bool = False
    registers: bool = False
    surveys: bool = False
    downloads: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """How many there are of something, and what they sum to."""

    n: int = 0
    sum: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Dossier:
    """The first rows of each kind, the newest first; how many there are of each; and the figures of the head of the page."""

    rows: dict[str, list[Row[Any]]]
    figures: dict[str, Figure]

    def of(self, kind: str) -> list[Row[Any]]:
        return self.rows.get(kind, [])

    def n_of(self, kind: str) -> int:
        """Return how many there are of a kind, shown or not."""
        rows = self.of(kind)
        return int(rows[0].n) if rows else 0

    def figure(self, name: str) -> Figure:
        return self.figures.get(name, Figure())


def dossier_of(session: Session, party_id: int, on: date, sight: Sight) -> Dossier:
    """
    Return what joins to a party on the day *on*, as far as *sight* reaches: `contact`, `group`, `quotation`, `contract`, `checklist`,
    `action`, `survey`, `register`, `document`; and the figures `cases`, `quotations`, `contracts`, `actions`, `late`. One statement.
    """
    rows: dict[str, list[Row[Any]]] = {}
    figures: dict[str, Figure] = {}
    parts = [*_people(party_id, sight), *_commercial(party_id, sight), *_papers(party_id, sight), *_figures(party_id, on, sight)]
    for row in session.execute(union_all(*parts)) if parts else ():
        if row.kind == "figure":
            figures[row.number] = Figure(int(row.n), Decimal(row.amount or 0))
        else:
            rows.setdefault(row.kind, []).append(row)
    return Dossier(rows, figures)


def _text(text: str) -> Any:
    return cast(literal(text), String)


def _told(kind: str, told: dict[str, Any], n: Any) -> list[Any]:
    """Return the columns of all kinds, with what one tells of itself."""
    told["kind"] = _text(kind)
    columns = [  # SQLite would make a number of a date that is cast
        (type_coerce(told[name], type_) if name in told else cast(null(), type_)).label(name) for name, type_ in _COLUMNS.items()
    ]
    return [*columns, n.label("n")]


def _part(kind: str, of: Any, *conditions: ColumnElement[bool], first: Iterable[Any], **told: Any) -> Select[Any]:
    """Return the SELECT of the first rows of a kind, each with how many there are."""
    statement = select(*_told(kind, told, func.count().over())).select_from(of).where(*conditions).order_by(*first).limit(N_SHOWN)
    return statement.subquery().select()


def _figure(name: str, *conditions: ColumnElement[bool], of: Any, amount: Any = None) -> Select[Any]:
    told = {"number": _text(name)} | ({"amount": func.sum(amount)} if amount is not None else {})
    return select(*_told("figure", told, func.count())).select_from(of).where(*conditions)


# ── Kinds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _people(party_id: int, sight: Sight) -> list[Select[Any]]:
    parts = []
    if sight.contacts:
        who = PartyContact
        parts.append(_part(
            "contact", who, who.party_id == party_id, who.is_active, first=(who.is_main.desc(), who.name, who.id), key=who.id,
            number=who.name, title=who.position, contact=who.phone, note=who.email, state=case((who.is_main, "MAIN"), else_=""),
        ))  # fmt: skip
    if sight.groups:
        groups = PartyGroup.__table__.join(InterestGroup.__table__, InterestGroup.id == PartyGroup.group_id)
        parts.append(_part(
            "group", groups, PartyGroup.party_id == party_id, first=(InterestGroup.position, InterestGroup.name), key=InterestGroup.id,
            number=InterestGroup.name,
        ))  # fmt: skip
    return parts


def _commercial(party_id: int, sight: Sight) -> list[Select[Any]]:
    quote, parts = Quotation, []
    if sight.quotations:
        parts.append(_part(
            "quotation", quote, quote.party_id == party_id, key=quote.id,
            first=(func.coalesce(quote.sent_on, quote.requested_on).desc(), quote.id.desc()), number=quote.number,
            title=quote.subject, state=quote.status, on=quote.sent_on, until_on=quote.valid_until, amount=quote.total_cop,
        ))  # fmt: skip
    if sight.contracts is not None:
        parts.append(_part(
            "contract", Contract, Contract.party_id == party_id, Contract.id.in_(sight.contracts),
            first=(func.coalesce(Contract.starts_on, date.max).desc(), Contract.id.desc()), key=Contract.id, number=Contract.number,
            title=Contract.object, state=Contract.stage, on=Contract.starts_on, until_on=Contract.ends_on, done_on=Contract.terminated_on,
            amount=Contract.value_cop,
        ))  # fmt: skip
    if sight.checklists is not None:
        lists = Checklist.__table__.join(Contract.__table__, Contract.id == Checklist.contract_id)
        parts.append(_part(
            "checklist", lists, Contract.party_id == party_id, Checklist.id.in_(sight.checklists),
            first=(Checklist.year.desc(), Checklist.id.desc()), key=Checklist.id, number=Checklist.number, title=Contract.number,
            state=Checklist.status, other_key=Checklist.year, amount=Checklist.compliance, until_on=Checklist.due_on,
        ))  # fmt: skip
    if sight.actions is not None:
        parts.append(_part(
            "action", Action, Action.party_id == party_id, Action.id.in_(sight.actions),
            first=(case((Action.ended_on.is_(None), 0), else_=1), Action.due_on, Action.id), key=Action.id, number=Action.number,
            title=Action.title, state=Action.status, on=Action.asked_on, done_on=Action.ended_on,
            until_on=case((Action.status == ActionStatus.REVIEW, Action.review_on), else_=Action.due_on),
        ))  # fmt: skip
    if sight.surveys:
        parts.append(_part(
            "survey", _asked(), SurveyInvitee.party_id == party_id, ~SurveyInvitee.is_reserve,
            first=(SurveyCampaign.opens_on.desc(), SurveyInvitee.id.desc()), key=SurveyCampaign.id, number=SurveyCampaign.number,
            title=SurveyCampaign.name, state=SurveyInvitee.status, on=SurveyCampaign.opens_on,
            other_key=case((and_(SurveyResponse.is_named, SurveyResponse.status == ResponseStatus.COMPLETE), SurveyResponse.id)),
        ))  # fmt: skip
    if sight.registers:
        parts.append(_part(
            "register", PastRecord, PastRecord.party_id == party_id, first=(PastRecord.on.desc(), PastRecord.id.desc()), key=PastRecord.id,
            number=PastRecord.source_number, title=PastRecord.title, state=PastRecord.kind, on=PastRecord.on, note=PastRecord.source,
        ))  # fmt: skip
    return parts


def _asked() -> Any:
    """Return those who were asked in surveys, with the campaign and what they answered."""
    asked = SurveyInvitee.__table__.join(SurveyCampaign.__table__, SurveyCampaign.id == SurveyInvitee.campaign_id)
    return asked.outerjoin(SurveyResponse.__table__, SurveyResponse.invitee_id == SurveyInvitee.id)


def _papers(party_id: int, sight: Sight) -> list[Select[Any]]:
    """Return the newest papers: of cases, of quotations, of contracts and of their verifications."""
    stored, tables = StoredFile.__table__, []
    paper = {"title": Document.number, "state": Document.kind, "at": Document.issued_at}
    if sight.cases is not None and sight.downloads:
        of = Document.__table__.join(Pqr.__table__, Pqr.id == Document.pqr_id)
        tables.append(_paper(of, Pqr.party_id == party_id, Pqr.id.in_(sight.cases), note=_text("case"), number=Pqr.number,
                             other_key=Document.file_id, **paper))  # fmt: skip
    if sight.quotations:
        version = QuotationVersion.__table__.join(Quotation.__table__, Quotation.id == QuotationVersion.quotation_id)
        of = Document.__table__.join(version, QuotationVersion.document_id == Document.id)
        tables.append(_paper(of, Quotation.party_id == party_id, note=_text("quotation"), number=Quotation.number, key=Quotation.id,
                             other_key=QuotationVersion.number, **paper))  # fmt: skip
    if sight.checklists is not None:
        lists = Checklist.__table__.join(Contract.__table__, Contract.id == Checklist.contract_id)
        of = Document.__table__.join(lists, Checklist.document_id == Document.id)
        tables.append(_paper(of, Contract.party_id == party_id, Checklist.id.in_(sight.checklists), note=_text("checklist"),
                             number=Checklist.number, key=Checklist.id, **paper))  # fmt: skip
    if sight.contracts is not None:
        files = ContractFile.__table__.join(Contract.__table__, Contract.id == ContractFile.contract_id)
        of = stored.join(files, ContractFile.file_id == StoredFile.id)
        tables.append(_paper(of, Contract.party_id == party_id, Contract.id.in_(sight.contracts), note=_text("contract"),
                             number=Contract.number, key=ContractFile.id, title=StoredFile.name, state=ContractFile.kind,
                             at=StoredFile.created_at))  # fmt: skip
    return tables


def _paper(of: Any, *conditions: ColumnElement[bool], **told: Any) -> Select[Any]:
    return _part("document", of, *conditions, first=(told["at"].desc(),), **told)


def _figures(party_id: int, on: date, sight: Sight) -> list[Select[Any]]:
    parts = []
    if sight.cases is not None:
        alive = Pqr.status.in_(states_in(Category.OPEN, Category.STOPPED))
        parts.append(_figure("cases", Pqr.party_id == party_id, Pqr.id.in_(sight.cases), alive, of=Pqr))
    if sight.quotations:
        in_play = Quotation.status == QuotationStatus.SENT
        parts.append(_figure("quotations", Quotation.party_id == party_id, in_play, of=Quotation, amount=Quotation.total_cop))
    if sight.in_force is not None:
        parts.append(_figure("contracts", Contract.party_id == party_id, Contract.id.in_(sight.in_force), of=Contract))
    if sight.actions is not None:
        to_do = and_(Action.party_id == party_id, Action.id.in_(sight.actions), Action.ended_on.is_(None))
        parts.append(_figure("actions", to_do, of=Action))
        parts.append(_figure("late", to_do, queries.late_action(on), of=Action))
    return parts


def verified(dossier: Dossier) -> Row[Any] | None:
    """Return the newest verification that was closed, if the rows that are shown have one."""
    return next((row for row in dossier.of("checklist") if row.state == ChecklistStatus.CLOSED.name), None)


def members_of(group_ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the condition of the parties that belong to one of those groups."""
    return select(PartyGroup.id).where(PartyGroup.party_id == Party.id, PartyGroup.group_id.in_(list(group_ids))).exists()
