"""The acts of a case: documents, answers, notices, requirements, silences, appeals."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.appeals import AppealedAct
from app.domain.states import (
    APPEAL_OUTCOMES,
    AnswerStatus,
    AppealKind,
    DocumentKind,
    NoticeMeans,
    NoticeResult,
    Outcome,
    RequirementEnd,
    RequirementKind,
    SilenceGround,
)
from app.tables.base import Audited, UtcDateTime, enum_column, names_of
from app.tables.cases import Pqr, StoredFile
from app.tables.house import RequestType

if TYPE_CHECKING:
    from app.tables.fieldwork import FieldOrder
    from app.tables.money import InvoiceChange


class Document(Audited, Model):
    """A document that the system issued: numbered, hashed, stored, re-printable identical."""

    __tablename__ = "document"
    __table_args__ = (Index(None, "pqr_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = enum_column(DocumentKind, "kind_known")
    number: Mapped[str] = mapped_column(String(24), unique=True)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship(back_populates="documents")
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
    template: Mapped[str] = mapped_column(String(40), comment="Name and version of the Typst template, e.g. answer@1")
    data: Mapped[dict[str, Any]] = mapped_column(JSON, comment="What the template was filled with")
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    def __repr__(self) -> str:
        return self.number


class AnswerTemplate(Audited, Model):
    """A text to start an answer from; {fields} are filled from the case (`operations/answers.py` lists them)."""

    __tablename__ = "answer_template"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    request_type_id: Mapped[int | None] = mapped_column(ForeignKey("request_type.id", ondelete="RESTRICT"))
    request_type: Mapped[RequestType | None] = relationship()
    outcome: Mapped[Outcome | None] = enum_column(Outcome, "outcome_known")
    body: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return self.name


class Answer(Audited, Model):
    """The answer of a case: drafted by the owner, approved and issued by the manager, then frozen."""

    __tablename__ = "answer"
    __table_args__ = (
        CheckConstraint(
            "(status = 'ISSUED') = (number IS NOT NULL) AND (status = 'ISSUED') = (issued_on IS NOT NULL)"
            " AND (status = 'ISSUED') = (document_id IS NOT NULL)",
            name="issued_iff_numbered",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), unique=True)
    pqr: Mapped[Pqr] = relationship(back_populates="answer")
    status: Mapped[AnswerStatus] = enum_column(AnswerStatus, "status_known", default=AnswerStatus.DRAFT)
    body: Mapped[str] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(String(24), unique=True, comment="RES-2026-000045")
    drafted_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    drafted_by: Mapped[User | None] = relationship(foreign_keys=[drafted_by_id])
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    issued_on: Mapped[date | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()


class AnswerPoint(Audited, Model):
    """One thing that the citizen asks; the answer is not approved before each is covered (Ley 1755 art. 13: an answer on the merits)."""

    __tablename__ = "answer_point"
    __table_args__ = (CheckConstraint("length(asked) > 0", name="asked_not_empty"), Index(None, "pqr_id", "position", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    position: Mapped[int]
    asked: Mapped[str] = mapped_column(Text)
    reply: Mapped[str] = mapped_column(Text, default="", comment="Where or how the letter answers it")
    is_covered: Mapped[bool] = mapped_column(default=False)


class Notice(Audited, Model):
    """
    One attempt to bring a document to the citizen, with what became of it and its proof.

    An e-notice is served when the citizen opens its link; an aviso at the end of the day after its delivery or removal, so
    `served_on` may lie ahead.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("means <> 'E_LINK' OR (token IS NOT NULL AND address IS NOT NULL)", name="e_link_has_token"),
        CheckConstraint("(means = 'E_LINK' AND served_on IS NOT NULL) = (opened_at IS NOT NULL)", name="e_link_served_when_opened"),
        CheckConstraint(
            "means NOT IN ('IN_PERSON', 'CONDUCT') OR (served_on IS NOT NULL AND length(proof) > 0)", name="in_person_has_proof"
        ),
        CheckConstraint("served_on IS NULL OR result IN ('DELIVERED', 'APPEARED')", name="served_was_received"),
        CheckConstraint(
            "(result = 'RETURNED') = (returned_on IS NOT NULL) AND (returned_on IS NULL OR length(return_reason) > 0)",
            name="returned_has_reason",
        ),
        CheckConstraint("means <> 'SUMMONS' OR (served_on IS NULL AND appear_by IS NOT NULL)", name="summons_serves_nothing"),
        CheckConstraint("(means = 'AVISO_POSTED') = (posted_on IS NOT NULL)", name="posted_has_its_date"),
        CheckConstraint("unposted_on IS NULL OR unposted_on >= posted_on", name="posted_before_removed"),
        CheckConstraint("means <> 'AVISO_POSTED' OR served_on IS NULL OR unposted_on IS NOT NULL", name="posted_served_after_removal"),
        Index(None, "pqr_id", "id"),
        Index(None, "served_on"),
        Index("ix_notice_posted", "id", sqlite_where=text("posted_where <> ''"), postgresql_where=text("posted_where <> ''")),  # /avisos
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship(back_populates="notices")
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("document.id", ondelete="RESTRICT"), index=True, comment="What is notified; empty: the answer"
    )
    document: Mapped[Document | None] = relationship(foreign_keys=[document_id])
    paper_id: Mapped[int | None] = mapped_column(
        ForeignKey("document.id", ondelete="RESTRICT"), unique=True, comment="The summons, aviso or certificate itself"
    )
    paper: Mapped[Document | None] = relationship(foreign_keys=[paper_id])
    means: Mapped[NoticeMeans] = enum_column(NoticeMeans, "means_known")
    result: Mapped[NoticeResult] = enum_column(
        NoticeResult, "result_known", default=NoticeResult.PENDING, server_default=NoticeResult.PENDING.name
    )
    address: Mapped[str | None] = mapped_column(String(254))
    token: Mapped[str | None] = mapped_column(String(64), unique=True)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_on: Mapped[date | None] = mapped_column(comment="Local date of sending, when staff tells it; else that of `sent_at`")
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_from: Mapped[str | None] = mapped_column(String(64), comment="Network address that opened the link")
    courier: Mapped[str] = mapped_column(String(80), default="", server_default="")
    guide: Mapped[str] = mapped_column(String(60), default="", server_default="", comment="Tracking number of the carrier")
    appear_by: Mapped[date | None] = mapped_column(comment="Last day to come (CPACA art. 69)")
    delivered_on: Mapped[date | None]
    returned_on: Mapped[date | None]
    return_reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    posted_on: Mapped[date | None]
    post_until: Mapped[date | None] = mapped_column(comment="Last day that a published aviso stays up")
    unposted_on: Mapped[date | None]
    posted_where: Mapped[str] = mapped_column(String(200), default="", server_default="", comment="The public place, besides the web page")
    served_on: Mapped[date | None]
    proof: Mapped[str] = mapped_column(Text, default="", comment="Who received it and how it was identified")
    proof_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    proof_file: Mapped[StoredFile | None] = relationship()
    retry_of_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id", ondelete="RESTRICT"))
    retry_of: Mapped[Notice | None] = relationship(remote_side=[id])


class Requirement(Audited, Model):
    """
    What the citizen is asked to complete or clarify, or the evidence ordered: issued, told, ended.

    The clock stops on the day it is *told* (`told_on`), which the event of the case repeats. `until_on` is the last day: of evidence
    it stands in the order, and what is asked of the citizen has it from the day it is told.
    """

    __tablename__ = "requirement"
    __table_args__ = (
        CheckConstraint("length(what) > 0", name="what_not_empty"),
        CheckConstraint("told_on IS NULL OR told_on >= issued_on", name="issued_before_told"),
        CheckConstraint("told_on IS NULL OR length(told_how) > 0", name="told_has_how"),
        CheckConstraint("until_on IS NOT NULL OR (told_on IS NULL AND kind <> 'EVIDENCE')", name="told_has_its_end"),
        CheckConstraint("(extended_on IS NULL) = (extended_until IS NULL)", name="extension_whole"),
        CheckConstraint("extended_until IS NULL OR extended_until > until_on", name="extended_is_later"),
        CheckConstraint("(ended_on IS NULL) = (ending IS NULL)", name="ending_whole"),
        Index("uq_requirement_one_open", "pqr_id", unique=True, sqlite_where=text("ended_on IS NULL"),
              postgresql_where=text("ended_on IS NULL")),
        Index("uq_requirement_one_completion", "pqr_id", unique=True, sqlite_where=text("kind = 'COMPLETION'"),
              postgresql_where=text("kind = 'COMPLETION'")),  # no chained requests (Ley 1755 art. 17)
        Index(None, "pqr_id", "id"),
        Index(None, "until_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship()
    kind: Mapped[RequirementKind] = enum_column(RequirementKind, "kind_known")
    what: Mapped[str] = mapped_column(Text, comment="What is missing, unclear or to be proved; one item a line")
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document] = relationship()
    issued_on: Mapped[date]
    told_on: Mapped[date | None]
    told_how: Mapped[str] = mapped_column(String(200), default="")
    proof_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    proof_file: Mapped[StoredFile | None] = relationship()
    until_on: Mapped[date | None]
    extended_on: Mapped[date | None] = mapped_column(comment="When the citizen asked for more time")
    extended_until: Mapped[date | None]
    ended_on: Mapped[date | None]
    ending: Mapped[RequirementEnd | None] = enum_column(RequirementEnd, "ending_known")


class Appeal(Audited, Model):
    """
    That a case is a recurso against the answer of another, and what became of it at Superservicios.

    The child has its own number and clock; the result there is kept here, and neither the first answer nor the decision is rewritten.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        CheckConstraint("pqr_id <> against_id", name="not_against_itself"),
        CheckConstraint("sspd_sent_on IS NULL OR kind = 'REPOSICION_APELACION'", name="only_apelacion_is_sent"),
        CheckConstraint("(sspd_result IS NULL) = (sspd_result_on IS NULL)", name="result_whole"),
        CheckConstraint("sspd_result_on IS NULL OR sspd_sent_on IS NOT NULL AND sspd_result_on >= sspd_sent_on", name="sent_before_result"),
        CheckConstraint("sspd_sent_on IS NULL OR length(sspd_proof) > 0", name="sent_has_proof"),
        CheckConstraint("is_timely OR NOT is_admitted", name="admitted_is_timely"),
        CheckConstraint(f"sspd_result IN ({names_of(APPEAL_OUTCOMES)})", name="result_decides_an_appeal"),
        Index("uq_appeal_one_admitted", "against_id", unique=True, sqlite_where=text("is_admitted"), postgresql_where=text("is_admitted")),
        Index(None, "against_id"),
        Index(None, "sspd_due_on"),
    )
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False)
    pqr: Mapped[Pqr] = relationship(foreign_keys=[pqr_id], back_populates="appeal")
    against_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    against: Mapped[Pqr] = relationship(foreign_keys=[against_id])
    kind: Mapped[AppealKind] = enum_column(AppealKind, "kind_known")
    is_timely: Mapped[bool]
    is_admitted: Mapped[bool] = mapped_column(comment="In time, and nothing against it when it arrived: the first case is under appeal")
    act: Mapped[AppealedAct] = enum_column(AppealedAct, "act_known", default=AppealedAct.INVOICING)
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list, comment="Names of Inadmissibility")
    invoice_on: Mapped[date | None] = mapped_column(comment="Issue date of the invoice in dispute")
    sspd_due_on: Mapped[date | None] = mapped_column(comment="Last day to send the file")
    sspd_sent_on: Mapped[date | None]
    sspd_proof: Mapped[str] = mapped_column(Text, default="")
    sspd_number: Mapped[str] = mapped_column(String(40), default="", comment="Radicado at Superservicios")
    sspd_letter_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"))
    sspd_letter: Mapped[Document | None] = relationship(foreign_keys=[sspd_letter_id])
    sspd_file_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"))
    sspd_file: Mapped[Document | None] = relationship(foreign_keys=[sspd_file_id])
    sspd_zip_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    sspd_zip: Mapped[StoredFile | None] = relationship(foreign_keys=[sspd_zip_id])
    sspd_result: Mapped[Outcome | None] = enum_column(Outcome, "sspd_result_known")
    sspd_result_on: Mapped[date | None]
    sspd_result_number: Mapped[str] = mapped_column(String(60), default="")
    sspd_result_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    sspd_result_file: Mapped[StoredFile | None] = relationship(foreign_keys=[sspd_result_file_id])


class Silence(Audited, Model):
    """That the positive silence arose in a case, until when the company must recognise it by itself, and how it did (Ley 142 art. 158)."""

    __tablename__ = "silence"
    __table_args__ = (
        CheckConstraint("(recognised_on IS NULL) = (document_id IS NULL)", name="recognised_by_an_act"),
        CheckConstraint("recognised_on IS NULL OR length(grants) > 0", name="recognised_says_what"),
        CheckConstraint("recognised_on IS NULL OR recognised_on >= arisen_on", name="arisen_before_recognised"),
        CheckConstraint("recognise_by >= arisen_on", name="arisen_before_its_end"),
        CheckConstraint("(withdrawn_on IS NULL) = (withdrawn_reason = '')", name="withdrawn_has_reason"),
        CheckConstraint("withdrawn_on IS NULL OR recognised_on IS NULL", name="not_withdrawn_once_recognised"),
        Index("uq_silence_in_force", "pqr_id", unique=True, sqlite_where=text("withdrawn_on IS NULL"),
              postgresql_where=text("withdrawn_on IS NULL")),
        Index(None, "recognise_by"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr] = relationship()
    ground: Mapped[SilenceGround] = enum_column(SilenceGround, "ground_known")
    arisen_on: Mapped[date] = mapped_column(comment="First day without an answer")
    recognise_by: Mapped[date] = mapped_column(comment="Last day of the 72 hours")
    recognised_on: Mapped[date | None]
    grants: Mapped[str] = mapped_column(Text, default="", comment="What is granted to the citizen")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()
    order_id: Mapped[int | None] = mapped_column(ForeignKey("field_order.id", ondelete="RESTRICT"))
    order: Mapped[FieldOrder | None] = relationship()
    change_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_change.id", ondelete="RESTRICT"))
    change: Mapped[InvoiceChange | None] = relationship()
    withdrawn_on: Mapped[date | None] = mapped_column(comment="A change of the calendar moved the term later")
    withdrawn_reason: Mapped[str] = mapped_column(String(240), default="")
