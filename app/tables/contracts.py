"""Contracts: what they require, how they change, who signs and what backs them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.contracts import AmendmentStatus, ContractFileKind, ContractStage, GuaranteeKind, Side
from app.domain.interested import QualityKind
from app.tables.base import Audited, enum_column
from app.tables.cases import StoredFile
from app.tables.house import Organisation, Process
from app.tables.parties import Party
from app.tables.quotations import Quotation


class ContractKind(Audited, Model):
    """A kind of contract: supply, works, consultancy, agreement…"""

    __tablename__ = "contract_kind"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class Contract(Audited, Model):
    """A contract with a party. Its state follows from its stage, its dates and today (`domain/contracts.py`)."""

    __tablename__ = "contract"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("length(number) > 0", name="number_not_empty"),
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="starts_before_it_ends"),
        CheckConstraint("value_cop IS NULL OR value_cop >= 0", name="value_not_negative"),
        CheckConstraint("(stage IN ('SIGNED', 'TERMINATED')) = (signed_on IS NOT NULL)", name="signed_iff_dated"),
        CheckConstraint("stage NOT IN ('SIGNED', 'TERMINATED') OR starts_on IS NOT NULL", name="signed_has_start"),
        CheckConstraint("(stage = 'TERMINATED') = (terminated_on IS NOT NULL)", name="terminated_iff_dated"),
        CheckConstraint("terminated_on IS NULL OR terminated_on >= signed_on", name="signed_before_terminated"),
        CheckConstraint("stage NOT IN ('TERMINATED', 'VOIDED') OR length(stage_reason) > 0", name="ended_has_reason"),
        Index(None, "party_id"),
        Index(None, "stage", "ends_on"),
        Index(None, "process_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(40))
    stage: Mapped[ContractStage] = enum_column(ContractStage, "stage_known", default=ContractStage.DRAFT)
    kind_id: Mapped[int] = mapped_column(ForeignKey("contract_kind.id", ondelete="RESTRICT"))
    kind: Mapped[ContractKind] = relationship()
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party] = relationship()
    quotation_id: Mapped[int | None] = mapped_column(ForeignKey("quotation.id", ondelete="RESTRICT"), unique=True)
    quotation: Mapped[Quotation | None] = relationship()
    object: Mapped[str] = mapped_column(Text)
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Who answers for it")
    process: Mapped[Process | None] = relationship()
    supervisor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    supervisor: Mapped[User | None] = relationship(foreign_keys=[supervisor_id])
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None] = mapped_column(comment="As amended; empty: without end")
    value_cop: Mapped[Decimal | None] = mapped_column(Numeric(16, 2), comment="As amended")
    signed_on: Mapped[date | None] = mapped_column(comment="Last signature")
    terminated_on: Mapped[date | None]
    stage_reason: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str | None] = mapped_column(String(40), comment="Register it was imported from")

    def __repr__(self) -> str:
        return self.number


class ContractSignatory(Audited, Model):
    """Who signs a contract for a side, and when they did."""

    __tablename__ = "contract_signatory"
    __table_args__ = (Index(None, "contract_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract] = relationship()
    side: Mapped[Side] = enum_column(Side, "side_known")
    name: Mapped[str] = mapped_column(String(160))
    position: Mapped[str] = mapped_column(String(120), default="")
    document_number: Mapped[str] = mapped_column(String(20), default="")
    signed_on: Mapped[date | None]

    def __repr__(self) -> str:
        return self.name


class Amendment(Audited, Model):
    """What changes a signed contract (otrosí): its end, its value, its requirements. Applied whole when it is signed."""

    __tablename__ = "amendment"
    __table_args__ = (
        UniqueConstraint("contract_id", "number"),
        CheckConstraint("number > 0", name="counts_from_one"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
        CheckConstraint("(status = 'SIGNED') = (signed_on IS NOT NULL)", name="signed_iff_dated"),
        CheckConstraint("status <> 'SIGNED' OR effective_on IS NOT NULL", name="signed_has_effect"),
        Index("uq_amendment_draft", "contract_id", unique=True, sqlite_where=text("status = 'DRAFT'"),
              postgresql_where=text("status = 'DRAFT'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract] = relationship()
    number: Mapped[int]
    status: Mapped[AmendmentStatus] = enum_column(AmendmentStatus, "status_known", default=AmendmentStatus.DRAFT)
    reason: Mapped[str] = mapped_column(Text, comment="What changes and why")
    signed_on: Mapped[date | None]
    effective_on: Mapped[date | None]
    new_ends_on: Mapped[date | None] = mapped_column(comment="Empty: the end stays")
    value_change_cop: Mapped[Decimal | None] = mapped_column(Numeric(16, 2), comment="Added; negative when it takes away")
    ends_on_before: Mapped[date | None]
    value_before_cop: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))

    def __repr__(self) -> str:
        return str(self.number)


class Guarantee(Audited, Model):
    """A policy or guarantee that backs a contract; one that is renewed names the next."""

    __tablename__ = "guarantee"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="starts_before_it_ends"),
        CheckConstraint("insured_cop IS NULL OR insured_cop > 0", name="insured_positive"),
        CheckConstraint("replaced_by_id IS NULL OR replaced_by_id <> id", name="replaced_by_another"),
        UniqueConstraint("contract_id", "kind", "policy"),
        Index(None, "ends_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract] = relationship()
    kind: Mapped[GuaranteeKind] = enum_column(GuaranteeKind, "kind_known", default=GuaranteeKind.PERFORMANCE)
    insurer: Mapped[str] = mapped_column(String(120))
    policy: Mapped[str] = mapped_column(String(60), comment="Number of the policy")
    insured_cop: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    approved_on: Mapped[date | None]
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("guarantee.id", ondelete="RESTRICT"), unique=True)

    def __repr__(self) -> str:
        return self.policy


class ContractFile(Audited, Model):
    """A file of a contract."""

    __tablename__ = "contract_file"
    __table_args__ = (Index(None, "contract_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
    kind: Mapped[ContractFileKind] = enum_column(ContractFileKind, "kind_known", default=ContractFileKind.CONTRACT)
    amendment_id: Mapped[int | None] = mapped_column(ForeignKey("amendment.id", ondelete="RESTRICT"))
    amendment: Mapped[Amendment | None] = relationship()
    guarantee_id: Mapped[int | None] = mapped_column(ForeignKey("guarantee.id", ondelete="RESTRICT"))
    guarantee: Mapped[Guarantee | None] = relationship()
    description: Mapped[str] = mapped_column(String(200), default="")

    def __repr__(self) -> str:
        return self.description or str(self.file_id)


# ── What a contract requires ──────────────────────────────────────────────────────────────────────────────────────────────


class RequirementTemplate(Audited, Model):
    """Requirements to start a contract of a kind from."""

    __tablename__ = "requirement_template"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind_id: Mapped[int | None] = mapped_column(ForeignKey("contract_kind.id", ondelete="RESTRICT"))
    kind: Mapped[ContractKind | None] = relationship()
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return self.name


class RequirementItem(Audited, Model):
    """A requirement of a template."""

    __tablename__ = "requirement_item"
    __table_args__ = (UniqueConstraint("template_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("requirement_template.id", ondelete="CASCADE"))
    template: Mapped[RequirementTemplate] = relationship()
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    quality: Mapped[QualityKind] = enum_column(QualityKind, "quality_known", default=QualityKind.REQUIRED)
    clause: Mapped[str] = mapped_column(String(120), default="", comment="Clause or norm it comes from")
    verification: Mapped[str] = mapped_column(String(240), default="", comment="How it is verified")
    evidence: Mapped[str] = mapped_column(String(240), default="", comment="Evidence that is expected")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()

    def __repr__(self) -> str:
        return self.text[:80]


class ContractRequirement(Audited, Model):
    """
    What a contract requires. Free until the signature, frozen by it (`is_frozen`, and a trigger); an amendment adds, ends or replaces.
    """

    __tablename__ = "contract_requirement"
    __table_args__ = (
        CheckConstraint("length(text) > 0", name="says_something"),
        CheckConstraint("is_frozen OR ended_by_id IS NULL", name="only_frozen_is_ended"),
        CheckConstraint("ended_by_id IS NULL OR ended_by_id <> amendment_id OR amendment_id IS NULL", name="ended_by_another"),
        Index(None, "contract_id", "position"),
        Index(None, "process_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract] = relationship()
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    quality: Mapped[QualityKind] = enum_column(QualityKind, "quality_known", default=QualityKind.REQUIRED)
    clause: Mapped[str] = mapped_column(String(120), default="")
    verification: Mapped[str] = mapped_column(String(240), default="")
    evidence: Mapped[str] = mapped_column(String(240), default="")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    is_frozen: Mapped[bool] = mapped_column(default=False)
    amendment_id: Mapped[int | None] = mapped_column(ForeignKey("amendment.id", ondelete="RESTRICT"), comment="That added it")
    amendment: Mapped[Amendment | None] = relationship(foreign_keys=[amendment_id])
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("amendment.id", ondelete="RESTRICT"), comment="That ended it")
    ended_by: Mapped[Amendment | None] = relationship(foreign_keys=[ended_by_id])
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("contract_requirement.id", ondelete="RESTRICT"))

    def __repr__(self) -> str:
        return self.text[:80]


class AmendmentEnding(Audited, Model):
    """That a draft amendment means to end a requirement; signing it does."""

    __tablename__ = "amendment_ending"
    __table_args__ = (UniqueConstraint("amendment_id", "requirement_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    amendment_id: Mapped[int] = mapped_column(ForeignKey("amendment.id", ondelete="RESTRICT"))
    amendment: Mapped[Amendment] = relationship()
    requirement_id: Mapped[int] = mapped_column(ForeignKey("contract_requirement.id", ondelete="RESTRICT"))
    requirement: Mapped[ContractRequirement] = relationship()
