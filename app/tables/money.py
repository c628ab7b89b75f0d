"""Money that a case moves: payment agreements (R10-01-05) and changes of invoices (R10-01-06). Whole pesos."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import ChangeStatus, FinancingStatus
from app.tables.acts import Document
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr, StoredFile
from app.tables.house import Organisation
from app.tables.parties import Account, Party


class Financing(Audited, Model):
    """An *orden de financiación*: a debt, what is paid at once, and instalments whose principals add up to the rest, to the peso."""

    __tablename__ = "financing"
    __table_args__ = (
        CheckConstraint("debt_cop > 0", name="debt_positive"),
        CheckConstraint("down_cop >= 0 AND down_cop < debt_cop", name="down_below_debt"),
        CheckConstraint("n_instalments BETWEEN 1 AND 120", name="instalments_1_to_120"),
        CheckConstraint("monthly_rate >= 0 AND monthly_rate < 1", name="rate_is_a_fraction"),
        CheckConstraint(
            "(status = 'SIGNED') = (signed_on IS NOT NULL) AND (signed_on IS NULL OR length(proof) > 0)", name="signed_has_proof"
        ),
        CheckConstraint("status <> 'VOIDED' OR length(reason) > 0", name="voided_has_reason"),
        CheckConstraint("exported_at IS NULL OR status = 'SIGNED'", name="only_signed_is_exported"),
        Index(None, "pqr_id", "id"),
        Index(None, "account_id", "id"),
        Index(None, "signed_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(24), unique=True)
    status: Mapped[FinancingStatus] = enum_column(FinancingStatus, "status_known", default=FinancingStatus.PROPOSED)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    account: Mapped[Account] = relationship()
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"), comment="Who owes and signs")
    party: Mapped[Party] = relationship()
    concept: Mapped[str] = mapped_column(String(200), default="", comment="What the debt is of")
    debt_cop: Mapped[int] = mapped_column(BigInteger)
    down_cop: Mapped[int] = mapped_column(BigInteger, default=0)
    n_instalments: Mapped[int]
    monthly_rate: Mapped[Decimal] = mapped_column(Numeric(9, 7), default=0, comment="A fraction: 0.0150000 is 1.5 % a month")
    agreed_on: Mapped[date]
    first_due_on: Mapped[date]
    signed_on: Mapped[date | None]
    proof: Mapped[str] = mapped_column(Text, default="", comment="How the party accepted it")
    proof_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    proof_file: Mapped[StoredFile | None] = relationship()
    authorised_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    authorised_by: Mapped[User | None] = relationship(foreign_keys=[authorised_by_id])
    reason: Mapped[str] = mapped_column(Text, default="", comment="Why it was voided")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()
    exported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    instalments: Mapped[list[Instalment]] = relationship(back_populates="financing", order_by="Instalment.n")

    def __repr__(self) -> str:
        return self.number


class Instalment(Model):
    """One payment of a financing order."""

    __tablename__ = "instalment"
    __table_args__ = (
        CheckConstraint("payment_cop = principal_cop + interest_cop", name="payment_adds_up"),
        CheckConstraint("principal_cop >= 0 AND interest_cop >= 0 AND balance_cop >= 0", name="not_negative"),
    )
    financing_id: Mapped[int] = mapped_column(ForeignKey("financing.id", ondelete="RESTRICT"), primary_key=True)
    financing: Mapped[Financing] = relationship(back_populates="instalments")
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    due_on: Mapped[date]
    principal_cop: Mapped[int] = mapped_column(BigInteger)
    interest_cop: Mapped[int] = mapped_column(BigInteger)
    payment_cop: Mapped[int] = mapped_column(BigInteger)
    balance_cop: Mapped[int] = mapped_column(BigInteger)


class InvoiceChange(Audited, Model):
    """*Cambios en la factura*: what an invoice said, what it says now and why; written by one, authorised by another."""

    __tablename__ = "invoice_change"
    __table_args__ = (
        CheckConstraint("length(period) = 7", name="period_is_a_month"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
        CheckConstraint(
            "(status = 'AUTHORISED') = (authorised_by_id IS NOT NULL) AND (status = 'AUTHORISED') = (authorised_on IS NOT NULL)"
            " AND (status = 'AUTHORISED') = (document_id IS NOT NULL)",
            name="authorised_whole",
        ),
        CheckConstraint("authorised_by_id IS NULL OR created_by_id IS NULL OR authorised_by_id <> created_by_id", name="two_people"),
        CheckConstraint("status <> 'VOIDED' OR length(void_reason) > 0", name="voided_has_reason"),
        CheckConstraint("exported_at IS NULL OR status = 'AUTHORISED'", name="only_authorised_is_exported"),
        Index(None, "pqr_id", "id"),
        Index(None, "account_id", "id"),
        Index(None, "authorised_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(24), unique=True)
    status: Mapped[ChangeStatus] = enum_column(ChangeStatus, "status_known", default=ChangeStatus.DRAFT)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    account: Mapped[Account] = relationship()
    invoice_number: Mapped[str] = mapped_column(String(30))
    period: Mapped[str] = mapped_column(String(7), comment="2026-07")
    invoiced_on: Mapped[date | None] = mapped_column(comment="When it was handed over; if unknown, issued")
    reason: Mapped[str] = mapped_column(Text)
    authorised_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    authorised_by: Mapped[User | None] = relationship(foreign_keys=[authorised_by_id])
    authorised_on: Mapped[date | None]
    void_reason: Mapped[str] = mapped_column(Text, default="")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()
    exported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lines: Mapped[list[InvoiceChangeLine]] = relationship(
        back_populates="change", order_by="InvoiceChangeLine.position", cascade="all, delete-orphan"
    )

    def __repr__(self) -> str:
        return self.number


class InvoiceChangeLine(Model):
    """One concept of an invoice, before and after; credits are negative."""

    __tablename__ = "invoice_change_line"
    __table_args__ = (
        CheckConstraint("before_cop <> after_cop", name="changes_something"),
        CheckConstraint("length(concept) > 0", name="concept_not_empty"),
    )
    change_id: Mapped[int] = mapped_column(ForeignKey("invoice_change.id", ondelete="CASCADE"), primary_key=True)
    change: Mapped[InvoiceChange] = relationship(back_populates="lines")
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    concept: Mapped[str] = mapped_column(String(120))
    before_cop: Mapped[int] = mapped_column(BigInteger)
    after_cop: Mapped[int] = mapped_column(BigInteger)
