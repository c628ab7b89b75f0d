"""The annual verification of contracts, and the history of the commercial rooms."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.checklists import ChecklistStatus, Verdict
from app.tables.acts import Document
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import StoredFile
from app.tables.contracts import Contract, ContractRequirement
from app.tables.house import Organisation
from app.tables.improvement import Action
from app.tables.quotations import Quotation
from app.tables.surveys import SurveyCampaign


class Checklist(Audited, Model):
    """
    The verification of a contract for a year (lista de verificación). Its rows are `ChecklistItem`; locked once the manager approved it.
    Counts and compliance are written at each saving, in the same transaction.
    """

    __tablename__ = "checklist"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        UniqueConstraint("contract_id", "year"),
        CheckConstraint("period_from <= period_until", name="period_in_order"),
        CheckConstraint("due_on >= opened_on", name="opened_before_due"),
        CheckConstraint("(signed_by_id IS NULL) = (signed_at IS NULL)", name="signature_whole"),
        CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approval_whole"),
        CheckConstraint("(status = 'OPEN') = (signed_at IS NULL)", name="signed_unless_open"),
        CheckConstraint("(status = 'CLOSED') = (approved_at IS NOT NULL)", name="approved_iff_closed"),
        CheckConstraint("status = 'OPEN' OR n_met + n_partly + n_not_met + n_not_applicable = n_items", name="signed_has_every_verdict"),
        CheckConstraint("n_items > 0", name="not_empty"),
        CheckConstraint("n_met >= 0 AND n_partly >= 0 AND n_not_met >= 0 AND n_not_applicable >= 0", name="counts_not_negative"),
        CheckConstraint("compliance IS NULL OR compliance BETWEEN 0 AND 100", name="compliance_is_a_percentage"),
        Index(None, "status", "due_on"),
        Index(None, "year", "contract_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="LVC-2026-0001; gap-free")
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract] = relationship()
    year: Mapped[int] = mapped_column(comment="Of the anniversary on which it is due")
    status: Mapped[ChecklistStatus] = enum_column(ChecklistStatus, "status_known", default=ChecklistStatus.OPEN)
    period_from: Mapped[date] = mapped_column(comment="The year of contract that is verified")
    period_until: Mapped[date]
    opened_on: Mapped[date]
    due_on: Mapped[date]
    n_items: Mapped[int]
    n_met: Mapped[int] = mapped_column(default=0)
    n_partly: Mapped[int] = mapped_column(default=0)
    n_not_met: Mapped[int] = mapped_column(default=0)
    n_not_applicable: Mapped[int] = mapped_column(default=0)
    compliance: Mapped[Decimal | None] = mapped_column(Numeric(5, 2), comment="Percentage; empty while nothing applicable has a verdict")
    conclusion: Mapped[str] = mapped_column(Text, default="")
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    signed_by: Mapped[User | None] = relationship(foreign_keys=[signed_by_id])
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    n_reopened: Mapped[int] = mapped_column(default=0)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()

    def __repr__(self) -> str:
        return self.number


class ChecklistItem(Audited, Model):
    """The verdict on a requirement. `version` counts the savings: who saves names the one they read, so nobody overwrites unseen."""

    __tablename__ = "checklist_item"
    __table_args__ = (
        UniqueConstraint("checklist_id", "requirement_id"),
        CheckConstraint("version >= 0", name="version_not_negative"),
        CheckConstraint("(verdict IS NULL) = (verified_at IS NULL)", name="verdict_has_its_hour"),
        CheckConstraint("verdict IS NULL OR verdict <> 'NOT_APPLICABLE' OR length(note) > 0", name="not_applicable_has_reason"),
        CheckConstraint("action_id IS NULL OR length(no_action_reason) = 0", name="action_or_reason"),
        Index(None, "checklist_id", "position"),
        Index(None, "requirement_id"),
        Index(None, "action_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    checklist_id: Mapped[int] = mapped_column(ForeignKey("checklist.id", ondelete="RESTRICT"))
    checklist: Mapped[Checklist] = relationship()
    requirement_id: Mapped[int] = mapped_column(ForeignKey("contract_requirement.id", ondelete="RESTRICT"))
    requirement: Mapped[ContractRequirement] = relationship()
    position: Mapped[int]
    verdict: Mapped[Verdict | None] = enum_column(Verdict, "verdict_known")
    note: Mapped[str] = mapped_column(Text, default="", comment="What was seen; the reason when it does not apply")
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    verified_by: Mapped[User | None] = relationship(foreign_keys=[verified_by_id])
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=0)
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action | None] = relationship()
    no_action_reason: Mapped[str] = mapped_column(Text, default="", comment="Why a finding asks for no action")

    def __repr__(self) -> str:
        return str(self.position)


class ChecklistFile(Audited, Model):
    """A file that shows what a verdict says. One attached by mistake is withdrawn: it stays, and is offered no more."""

    __tablename__ = "checklist_file"
    __table_args__ = (
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawal_whole"),
        Index(None, "item_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("checklist_item.id", ondelete="RESTRICT"))
    item: Mapped[ChecklistItem] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
    description: Mapped[str] = mapped_column(String(200), default="")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    def __repr__(self) -> str:
        return self.description or str(self.file_id)


class CommercialEvent(Model):
    """What happened to a quotation, contract, checklist or campaign; never changed. `move` is the name of the verb of that room."""

    __tablename__ = "commercial_event"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN quotation_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN contract_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN checklist_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN campaign_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="of_one_thing",
        ),
        CheckConstraint("length(move) > 0", name="has_move"),
        Index(None, "quotation_id", "id"),
        Index(None, "contract_id", "id"),
        Index(None, "checklist_id", "id"),
        Index(None, "campaign_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    quotation_id: Mapped[int | None] = mapped_column(ForeignKey("quotation.id", ondelete="RESTRICT"))
    quotation: Mapped[Quotation | None] = relationship()
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract | None] = relationship()
    checklist_id: Mapped[int | None] = mapped_column(ForeignKey("checklist.id", ondelete="RESTRICT"))
    checklist: Mapped[Checklist | None] = relationship()
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("survey_campaign.id", ondelete="RESTRICT"))
    campaign: Mapped[SurveyCampaign | None] = relationship()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    move: Mapped[str] = mapped_column(String(24))
    from_status: Mapped[str] = mapped_column(String(24), default="")
    to_status: Mapped[str] = mapped_column(String(24), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    def __repr__(self) -> str:
        return self.move
