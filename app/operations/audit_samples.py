"""The records that a kept seed draws for an audit pack: the same seed over the same records is the same sample, here and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, Select, String, cast, func, literal, null, or_, select, type_coerce, union_all
from sqlalchemy.orm import Session

from app.domain.checklists import ChecklistStatus
from app.domain.clauses import CLAUSES, Period, Sample, draw
from app.domain.controlled import EditionStatus
from app.domain.managementreview import ReviewStatus
from app.domain.states import DocumentKind, Identity, OrderStatus
from app.models import (
    Account,
    Action,
    Checklist,
    ControlledDocument,
    Document,
    DocumentEdition,
    Evidence,
    FieldOrder,
    LegalEvaluation,
    LegalRequirement,
    ManagementReview,
    Mechanism,
    Nonconformity,
    Pqr,
    Quotation,
    QuotationVersion,
    Risk,
    StoredFile,
    SurveyCampaign,
)
from app.operations.auditpack import during, ended_in


@dataclass(frozen=True, slots=True)
class Drawn:
    """A record of a sample: its place among all of its kind, its row, how it is called, and its file, where it has one."""

    place: int
    key: int
    number: str
    title: str | None
    on: date | None
    pqr_id: int | None
    file: StoredFile | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample: out of how many records it was drawn, and which."""

    n_all: int
    drawn: tuple[Drawn, ...]


def samples(session: Session, period: Period, seed: int, n: int, *, with_reserved: bool) -> dict[str, Sampled]:
    """
    Return the sample of each kind of record of the catalogue, by key; three statements.

    Args:
        seed: Of the drawing; who keeps it draws the same again.
        n: Records of each kind at most.
        with_reserved: Whether cases with a reserved identity are among those drawn from.
    """
    kinds = {sample.key: _KINDS[sample.key](period, with_reserved) for clause in CLAUSES for sample in clause.samples}
    sizes = _sizes(session, kinds)
    places = {key: draw(seed, key, sizes[key], n) for key in kinds}
    parts = [
        select(numbered, literal(key).label("kind")).where(numbered.c.place.in_(places[key]))
        for key, statement in kinds.items()
        if places[key] and (numbered := _numbered(statement)) is not None
    ]
    rows = session.execute(union_all(*parts)).all() if parts else []
    ids = {row.file_id for row in rows if row.file_id}
    files = {file.id: file for file in session.scalars(select(StoredFile).where(StoredFile.id.in_(ids)))} if ids else {}
    found: dict[str, list[Drawn]] = {key: [] for key in kinds}
    for row in sorted(rows, key=lambda row: row.place):
        found[row.kind].append(Drawn(row.place, row.id, row.number, row.title, row.on, row.pqr_id, files.get(row.file_id)))
    return {key: Sampled(sizes[key], tuple(found[key])) for key in kinds}


def kinds_of(clauses: Any = CLAUSES) -> list[Sample]:
    """Return the kinds of records of *clauses*, each once."""
    return list({sample.key: sample for clause in clauses for sample in clause.samples}.values())


def _sizes(session: Session, kinds: Mapping[str, Select[Any]]) -> dict[str, int]:
    counts = [select(literal(key).label("kind"), func.count().label("n")).select_from(its.subquery()) for key, its in kinds.items()]
    return {row.kind: row.n for row in session.execute(union_all(*counts))}


def _numbered(statement: Select[Any]) -> Any:
    rows = statement.subquery()
    return select(rows, func.row_number().over(order_by=rows.c.id).label("place")).subquery()


def _told(model: Any, *, number: Any, title: Any, on: Any, file_id: Any = None, pqr_id: Any = None) -> Select[Any]:
    """Return the SELECT of what is told of a record."""
    return select(
        model.id, cast(number, String).label("number"), cast(title, String).label("title"), type_coerce(on, Date).label("on"),
        (cast(null(), Integer) if file_id is None else file_id).label("file_id"),
        (cast(null(), Integer) if pqr_id is None else pqr_id).label("pqr_id"),
    ).select_from(model)  # fmt: skip


# ── The kinds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _answers(period: Period, with_reserved: bool) -> Select[Any]:
    told = _told(Document, number=Document.number, title=Pqr.number, on=Pqr.answered_on, file_id=Document.file_id, pqr_id=Pqr.id)
    found = told.join(Pqr, Pqr.id == Document.pqr_id).where(Document.kind == DocumentKind.ANSWER, during(Document.issued_at, period))
    return found if with_reserved else found.where(Pqr.identity != Identity.RESERVED)


def _orders(period: Period, with_reserved: bool) -> Select[Any]:
    told = _told(FieldOrder, number=FieldOrder.number, title=Account.number, on=FieldOrder.done_on, file_id=Document.file_id,
                 pqr_id=FieldOrder.pqr_id)  # fmt: skip
    found = told.outerjoin(Document, Document.id == FieldOrder.acta_id).outerjoin(Account, Account.id == FieldOrder.account_id)
    found = found.outerjoin(Pqr, Pqr.id == FieldOrder.pqr_id)
    found = found.where(FieldOrder.status == OrderStatus.DONE, during(FieldOrder.done_on, period))
    return found if with_reserved else found.where(or_(Pqr.id.is_(None), Pqr.identity != Identity.RESERVED))


def _evidence(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(Evidence, number=Mechanism.name, title=Evidence.title, on=Evidence.on, file_id=Evidence.file_id)
    return told.join(Mechanism, Mechanism.id == Evidence.mechanism_id).where(during(Evidence.on, period))


def _evaluations(period: Period, _with_reserved: bool) -> Select[Any]:
    named = LegalRequirement.norm + " " + LegalRequirement.articles
    told = _told(LegalEvaluation, number=named, title=LegalEvaluation.evidence, on=LegalEvaluation.on, file_id=LegalEvaluation.file_id)
    return told.join(LegalRequirement, LegalRequirement.id == LegalEvaluation.requirement_id).where(during(LegalEvaluation.on, period))


def _risks(_period: Period, _with_reserved: bool) -> Select[Any]:
    return _told(Risk, number=Risk.number, title=Risk.event, on=Risk.identified_on).where(Risk.closed_on.is_(None))


def _editions(period: Period, _with_reserved: bool) -> Select[Any]:
    return _edition().where(DocumentEdition.status != EditionStatus.DRAFT, during(DocumentEdition.in_force_on, period))


def _in_force(_period: Period, _with_reserved: bool) -> Select[Any]:
    return _edition().where(DocumentEdition.status == EditionStatus.IN_FORCE, ControlledDocument.is_active)


def _edition() -> Select[Any]:
    named = ControlledDocument.code + " · " + DocumentEdition.version
    told = _told(DocumentEdition, number=named, title=ControlledDocument.name, on=DocumentEdition.in_force_on,
                 file_id=DocumentEdition.file_id)  # fmt: skip
    return told.join(ControlledDocument, ControlledDocument.id == DocumentEdition.document_id)


def _checklists(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(Checklist, number=Checklist.number, title=Checklist.year, on=Checklist.period_until, file_id=Document.file_id)
    found = told.outerjoin(Document, Document.id == Checklist.document_id)
    return found.where(Checklist.status == ChecklistStatus.CLOSED, during(Checklist.approved_at, period))


def _quotations(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(QuotationVersion, number=Quotation.number, title=Quotation.subject, on=QuotationVersion.sent_on, file_id=Document.file_id)
    found = told.join(Quotation, Quotation.id == QuotationVersion.quotation_id)
    return found.outerjoin(Document, Document.id == QuotationVersion.document_id).where(during(QuotationVersion.sent_on, period))


def _outputs(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(Nonconformity, number=Nonconformity.number, title=Nonconformity.what, on=Nonconformity.found_on)
    return told.where(during(Nonconformity.found_on, period))


def _campaigns(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(SurveyCampaign, number=SurveyCampaign.number, title=SurveyCampaign.name, on=SurveyCampaign.closes_on,
                 file_id=Document.file_id)  # fmt: skip
    return told.outerjoin(Document, Document.id == SurveyCampaign.document_id).where(ended_in(period))


def _reviews(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(ManagementReview, number=ManagementReview.number, title=ManagementReview.conclusion, on=ManagementReview.held_on,
                 file_id=Document.file_id)  # fmt: skip
    found = told.join(Document, Document.id == ManagementReview.document_id)
    return found.where(ManagementReview.status == ReviewStatus.SIGNED, during(ManagementReview.held_on, period))


def _actions(period: Period, _with_reserved: bool) -> Select[Any]:
    told = _told(Action, number=Action.number, title=Action.title, on=Action.asked_on)
    return told.where(or_(during(Action.asked_on, period), during(Action.ended_on, period)))


_KINDS = {
    "answers": _answers, "orders": _orders, "evidence": _evidence, "evaluations": _evaluations, "risks": _risks, "editions": _editions,
    "in_force": _in_force, "checklists": _checklists, "quotations": _quotations, "outputs": _outputs, "campaigns": _campaigns,
    "reviews": _reviews, "actions": _actions,
}  # fmt: skip
