"""The quality management system: legal matrix, documented information, process sheets and management reviews."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.controlled import ControlledKind, EditionStatus, Phase
from app.domain.legalmatrix import Compliance
from app.domain.managementreview import ReviewStatus
from app.tables.acts import AnswerTemplate, Document
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import StoredFile
from app.tables.house import Organisation, Parameter, Process
from app.tables.improvement import Action
from app.tables.law import LegalTerm


class LegalRequirement(Audited, Model):
    """A row of the legal matrix: what a norm obliges the house to, whom it falls on, and how sure we are of the text."""

    __tablename__ = "legal_requirement"
    __table_args__ = (
        UniqueConstraint("norm", "articles"),
        CheckConstraint("length(norm) > 0 AND length(obligation) > 0", name="has_norm_and_obligation"),
        CheckConstraint("every_months BETWEEN 1 AND 60", name="frequency_sensible"),
        Index(None, "is_active", "next_on"),
        Index(None, "process_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    norm: Mapped[str] = mapped_column(String(160))
    articles: Mapped[str] = mapped_column(String(120), default="")
    topic: Mapped[str] = mapped_column(String(160), default="")
    obligation: Mapped[str] = mapped_column(Text)
    applies_to: Mapped[str] = mapped_column(String(200), default="")
    how_met: Mapped[str] = mapped_column(Text, default="", comment="How the house meets it, and what shows it")
    source: Mapped[str] = mapped_column(String(240), default="")
    confidence: Mapped[str] = mapped_column(String(160), default="")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    every_months: Mapped[int] = mapped_column(default=12)
    next_on: Mapped[date | None] = mapped_column(comment="Next evaluation; empty: never evaluated and not planned")
    standing: Mapped[Compliance | None] = enum_column(Compliance, "standing_known", comment="Of the last evaluation")
    evaluated_on: Mapped[date | None] = mapped_column(comment="Of the last evaluation")
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"{self.norm}, {self.articles}" if self.articles else self.norm


class LegalEvaluation(Audited, Model):
    """An evaluation of compliance with an obligation on a day. One that fails asks for an action, or says why not."""

    __tablename__ = "legal_evaluation"
    __table_args__ = (
        UniqueConstraint("requirement_id", "on"),
        CheckConstraint("length(evidence) > 0", name="has_evidence"),
        CheckConstraint("action_id IS NULL OR length(no_action_reason) = 0", name="action_or_reason"),
        CheckConstraint("result NOT IN ('PARTLY', 'FAILS') OR action_id IS NOT NULL OR length(no_action_reason) > 0",
                        name="failing_says_of_action"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    requirement_id: Mapped[int] = mapped_column(ForeignKey("legal_requirement.id", ondelete="RESTRICT"))
    requirement: Mapped[LegalRequirement] = relationship()
    on: Mapped[date]
    result: Mapped[Compliance] = enum_column(Compliance, "result_known")
    evidence: Mapped[str] = mapped_column(Text, comment="What was looked at")
    note: Mapped[str] = mapped_column(Text, default="")
    evaluated_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    evaluated_by: Mapped[User | None] = relationship(foreign_keys=[evaluated_by_id])
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile | None] = relationship()
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action | None] = relationship()
    no_action_reason: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return f"{self.requirement_id} {self.on}"


class LegalRest(Audited, Model):
    """What of the house rests on an obligation: a legal term, a text to answer with, or a parameter; the link goes with it."""

    __tablename__ = "legal_rest"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN legal_term_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN answer_template_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN parameter_key IS NULL THEN 0 ELSE 1 END) = 1",
            name="of_one_thing",
        ),
        UniqueConstraint("requirement_id", "legal_term_id"),
        UniqueConstraint("requirement_id", "answer_template_id"),
        UniqueConstraint("requirement_id", "parameter_key"),
        Index(None, "legal_term_id"),
        Index(None, "answer_template_id"),
        Index(None, "parameter_key"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    requirement_id: Mapped[int] = mapped_column(ForeignKey("legal_requirement.id", ondelete="RESTRICT"))
    requirement: Mapped[LegalRequirement] = relationship()
    legal_term_id: Mapped[int | None] = mapped_column(ForeignKey("legal_term.id", ondelete="CASCADE"))
    legal_term: Mapped[LegalTerm | None] = relationship()
    answer_template_id: Mapped[int | None] = mapped_column(ForeignKey("answer_template.id", ondelete="CASCADE"))
    answer_template: Mapped[AnswerTemplate | None] = relationship()
    parameter_key: Mapped[str | None] = mapped_column(ForeignKey("parameter.key", ondelete="CASCADE"))
    parameter: Mapped[Parameter | None] = relationship()

    def __repr__(self) -> str:
        return str(self.id)


class ControlledDocument(Audited, Model):
    """An entry of the register of documented information. Its text is in its editions, at most one of them in force."""

    __tablename__ = "controlled_document"
    __table_args__ = (
        CheckConstraint("length(code) > 0 AND length(name) > 0", name="has_code_and_name"),
        CheckConstraint("retention_years IS NULL OR retention_years BETWEEN 0 AND 100", name="retention_sensible"),
        Index(None, "process_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True, comment="P10-01, R10-01-01")
    name: Mapped[str] = mapped_column(String(160))
    kind: Mapped[ControlledKind] = enum_column(ControlledKind, "kind_known")
    issuer: Mapped[str] = mapped_column(String(120), default="", comment="As it stands in its head")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    issued_on: Mapped[date | None] = mapped_column(comment="First issue")
    place: Mapped[str] = mapped_column(String(200), default="", comment="Where it is kept")
    path: Mapped[str] = mapped_column(String(200), default="", comment="Page of the system that holds it; empty: none")
    retention_years: Mapped[int | None]
    disposal: Mapped[str] = mapped_column(String(120), default="", comment="What becomes of it then")
    confidence: Mapped[str] = mapped_column(String(160), default="", comment="How sure the seed is")
    is_active: Mapped[bool] = mapped_column(default=True)
    in_force: Mapped[DocumentEdition | None] = relationship(
        primaryjoin="and_(DocumentEdition.document_id == ControlledDocument.id, DocumentEdition.status == 'IN_FORCE')",
        viewonly=True, uselist=False,
    )  # fmt: skip

    def __repr__(self) -> str:
        return f"{self.code} {self.name}"


class ControlledPrint(Audited, Model):
    """Which report or print of the system carries the code and the version of a controlled document: at most one."""

    __tablename__ = "controlled_print"
    __table_args__ = (CheckConstraint("length(key) > 0", name="has_key"), Index(None, "document_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("controlled_document.id", ondelete="RESTRICT"))
    document: Mapped[ControlledDocument] = relationship()
    key: Mapped[str] = mapped_column(String(40), unique=True, comment="Of the catalogue of prints: domain.controlled")

    def __repr__(self) -> str:
        return self.key


class DocumentEdition(Audited, Model):
    """An edition of a controlled document: drafted, approved by somebody and in force, then replaced. Approved ones stay as they are."""

    __tablename__ = "document_edition"
    __table_args__ = (
        UniqueConstraint("document_id", "version"),
        CheckConstraint("length(version) > 0", name="has_version"),
        CheckConstraint("status = 'DRAFT' OR length(change) > 0", name="approved_says_what_changed"),
        CheckConstraint("(status = 'DRAFT') = (in_force_on IS NULL)", name="in_force_unless_draft"),
        CheckConstraint("(status = 'RETIRED') = (retired_on IS NOT NULL)", name="retired_iff_replaced"),
        CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approval_whole"),
        CheckConstraint("status = 'DRAFT' OR approved_by_id IS NOT NULL OR is_of_before", name="in_force_was_approved"),
        CheckConstraint("retired_on IS NULL OR retired_on >= in_force_on", name="days_in_order"),
        Index("uq_document_edition_in_force", "document_id", unique=True,
              sqlite_where=text("status = 'IN_FORCE'"), postgresql_where=text("status = 'IN_FORCE'")),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("controlled_document.id", ondelete="RESTRICT"))
    document: Mapped[ControlledDocument] = relationship()
    version: Mapped[str] = mapped_column(String(12))
    status: Mapped[EditionStatus] = enum_column(EditionStatus, "status_known", default=EditionStatus.DRAFT)
    changed_on: Mapped[date] = mapped_column(comment="Last change, as it stands in the head")
    change: Mapped[str] = mapped_column(Text, default="", comment="What changed from the edition before")
    in_force_on: Mapped[date | None]
    retired_on: Mapped[date | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_of_before: Mapped[bool] = mapped_column(default=False, comment="Approved on paper, before this register")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile | None] = relationship()

    def __repr__(self) -> str:
        return self.version


class ProcessSheet(Audited, Model):
    """The characterisation of a process: what stands above and below the table of its cycle."""

    __tablename__ = "process_sheet"
    id: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), unique=True)
    process: Mapped[Process] = relationship()
    document_id: Mapped[int] = mapped_column(ForeignKey("controlled_document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[ControlledDocument] = relationship()
    objective: Mapped[str] = mapped_column(Text, default="")
    follow_up: Mapped[str] = mapped_column(Text, default="", comment="Methods of follow-up and measurement")
    scope: Mapped[str] = mapped_column(Text, default="")
    responsible: Mapped[str] = mapped_column(Text, default="")
    resources: Mapped[str] = mapped_column(Text, default="")
    interacts: Mapped[str] = mapped_column(Text, default="", comment="Processes it interacts with")
    documents: Mapped[str] = mapped_column(Text, default="", comment="Documented information")
    clauses: Mapped[str] = mapped_column(Text, default="", comment="Requirements of the management system: clauses")
    requirements: Mapped[str] = mapped_column(Text, default="", comment="Other requirements: norms")

    def __repr__(self) -> str:
        return str(self.process_id)


class ProcessSheetRow(Audited, Model):
    """A row of the cycle: who gives what, and who receives what."""

    __tablename__ = "process_sheet_row"
    __table_args__ = (UniqueConstraint("sheet_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("process_sheet.id", ondelete="RESTRICT"))
    sheet: Mapped[ProcessSheet] = relationship()
    position: Mapped[int]
    phase: Mapped[Phase] = enum_column(Phase, "phase_known")
    supplier: Mapped[str] = mapped_column(Text, default="")
    input: Mapped[str] = mapped_column(Text, default="")
    output: Mapped[str] = mapped_column(Text, default="")
    client: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return f"{self.position}"


class ProcessActivity(Audited, Model):
    """An activity of a row, and the page of the system where it happens."""

    __tablename__ = "process_activity"
    __table_args__ = (UniqueConstraint("row_id", "position"), CheckConstraint("length(text) > 0", name="has_text"))
    id: Mapped[int] = mapped_column(primary_key=True)
    row_id: Mapped[int] = mapped_column(ForeignKey("process_sheet_row.id", ondelete="CASCADE"))
    row: Mapped[ProcessSheetRow] = relationship()
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(String(200), default="", comment="Where it happens; empty: outside of the system")

    def __repr__(self) -> str:
        return self.text


class ManagementReview(Audited, Model):
    """A management review: prepared from the data of a period, discussed, decided and signed; its minutes are a document."""

    __tablename__ = "management_review"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("period_from <= period_until", name="period_in_order"),
        CheckConstraint("(status = 'SIGNED') = (signed_at IS NOT NULL)", name="signed_iff_over"),
        CheckConstraint("(status = 'SIGNED') = (document_id IS NOT NULL)", name="signed_has_minutes"),
        CheckConstraint("(signed_by_id IS NULL) = (signed_at IS NULL)", name="signature_whole"),
        CheckConstraint("status <> 'SIGNED' OR (length(attendees) > 0 AND length(conclusion) > 0)", name="signed_is_whole"),
        Index(None, "held_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="RD-2026-0001; gap-free")
    held_on: Mapped[date]
    period_from: Mapped[date]
    period_until: Mapped[date]
    attendees: Mapped[str] = mapped_column(Text, default="", comment="One in each line: name and office")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="The inputs as they were when it was prepared")
    prepared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remarks: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="What was said of each input, by its key")
    changes: Mapped[str] = mapped_column(Text, default="", comment="Changes in the context, the parties and the system")
    resources: Mapped[str] = mapped_column(Text, default="", comment="Whether resources suffice")
    conclusion: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[ReviewStatus] = enum_column(ReviewStatus, "status_known", default=ReviewStatus.DRAFT)
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    signed_by: Mapped[User | None] = relationship(foreign_keys=[signed_by_id])
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()

    def __repr__(self) -> str:
        return self.number


class ReviewDecision(Audited, Model):
    """What a management review decided; at the signature each becomes an action."""

    __tablename__ = "review_decision"
    __table_args__ = (
        UniqueConstraint("review_id", "position"),
        CheckConstraint("length(text) > 0", name="has_text"),
        Index(None, "action_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("management_review.id", ondelete="RESTRICT"))
    review: Mapped[ManagementReview] = relationship()
    position: Mapped[int]
    topic: Mapped[str] = mapped_column(String(40), default="", comment="Key of the input it answers; empty: of the whole")
    text: Mapped[str] = mapped_column(Text)
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    due_on: Mapped[date]
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action | None] = relationship()

    def __repr__(self) -> str:
        return self.text
