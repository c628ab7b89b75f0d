"""Quotations, their versions and lines, and what is noted while the customer decides."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.quotations import ContactMeans, LossReason, QuotationStatus
from app.tables.acts import Document
from app.tables.base import Audited, enum_column
from app.tables.house import Organisation, Process
from app.tables.interested import PartyContact
from app.tables.parties import Party


class Quotation(Audited, Model):
    """
    A quotation for a party, managed by its sent date. What it offers is its current version; `total_cop`, `sent_on` and `valid_until`
    repeat those of that version for lists.
    """

    __tablename__ = "quotation"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("version > 0", name="version_counts_from_one"),
        CheckConstraint("total_cop >= 0", name="total_not_negative"),
        CheckConstraint("(sent_on IS NULL) = (valid_until IS NULL)", name="sent_has_validity"),
        CheckConstraint("valid_until IS NULL OR valid_until >= sent_on", name="sent_before_validity_ends"),
        CheckConstraint("first_sent_on IS NULL OR first_sent_on >= requested_on", name="requested_before_sent"),
        CheckConstraint("sent_on IS NULL OR (first_sent_on IS NOT NULL AND sent_on >= first_sent_on)", name="first_sent_first"),
        CheckConstraint("status NOT IN ('SENT', 'ACCEPTED', 'REJECTED', 'EXPIRED') OR sent_on IS NOT NULL", name="sent_has_date"),
        CheckConstraint("status <> 'DRAFT' OR sent_on IS NULL", name="draft_not_sent"),
        CheckConstraint("(status IN ('DRAFT', 'SENT')) = (decided_on IS NULL)", name="decided_iff_ended"),
        CheckConstraint("decided_on IS NULL OR sent_on IS NULL OR decided_on >= sent_on", name="sent_before_decided"),
        CheckConstraint("(status = 'REJECTED') = (loss_reason IS NOT NULL)", name="rejected_has_reason"),
        CheckConstraint("status <> 'WITHDRAWN' OR length(decision_note) > 0", name="withdrawn_has_reason"),
        CheckConstraint("n_days_to_send IS NULL OR n_days_to_send >= 0", name="days_not_negative"),
        Index(None, "status", "sent_on"),
        Index(None, "sent_on", "id"),
        Index(None, "party_id"),
        Index(None, "next_follow_up_on"),
        Index(None, "valid_until"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="COT-2026-0001; gap-free")
    status: Mapped[QuotationStatus] = enum_column(QuotationStatus, "status_known", default=QuotationStatus.DRAFT)
    version: Mapped[int] = mapped_column(default=1, comment="The current one")
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party] = relationship()
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("party_contact.id", ondelete="RESTRICT"))
    contact: Mapped[PartyContact | None] = relationship()
    subject: Mapped[str] = mapped_column(String(200))
    request: Mapped[str] = mapped_column(Text, default="", comment="What the customer asked for")
    requested_on: Mapped[date]
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    total_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2), default=Decimal(0))
    first_sent_on: Mapped[date | None]
    sent_on: Mapped[date | None] = mapped_column(comment="Of the current version")
    valid_until: Mapped[date | None] = mapped_column(comment="Of the current version")
    n_days_to_send: Mapped[int | None] = mapped_column(comment="Business days from the request to the first sending")
    decided_on: Mapped[date | None]
    loss_reason: Mapped[LossReason | None] = enum_column(LossReason, "loss_reason_known")
    decision_note: Mapped[str] = mapped_column(Text, default="")
    next_follow_up_on: Mapped[date | None]
    versions: Mapped[list[QuotationVersion]] = relationship(back_populates="quotation", order_by="QuotationVersion.number")

    def __repr__(self) -> str:
        return self.number


class QuotationVersion(Audited, Model):
    """What was offered: frozen once sent."""

    __tablename__ = "quotation_version"
    __table_args__ = (
        UniqueConstraint("quotation_id", "number"),
        CheckConstraint("number > 0", name="counts_from_one"),
        CheckConstraint("validity_days BETWEEN 1 AND 365", name="validity_sensible"),
        CheckConstraint("total_cop = subtotal_cop + vat_cop", name="total_adds_up"),
        CheckConstraint("subtotal_cop >= 0 AND vat_cop >= 0", name="amounts_not_negative"),
        CheckConstraint("(sent_on IS NULL) = (valid_until IS NULL)", name="sent_has_validity"),
        CheckConstraint("valid_until IS NULL OR valid_until >= sent_on", name="sent_before_validity_ends"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    quotation_id: Mapped[int] = mapped_column(ForeignKey("quotation.id", ondelete="RESTRICT"))
    quotation: Mapped[Quotation] = relationship(back_populates="versions")
    number: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="", comment="Why a new version was written")
    validity_days: Mapped[int] = mapped_column(default=30, comment="Calendar days")
    delivery: Mapped[str] = mapped_column(String(200), default="", comment="Time of delivery")
    payment: Mapped[str] = mapped_column(String(200), default="", comment="Way of payment")
    conditions: Mapped[str] = mapped_column(Text, default="")
    subtotal_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2), default=Decimal(0))
    vat_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2), default=Decimal(0))
    total_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2), default=Decimal(0))
    sent_on: Mapped[date | None]
    valid_until: Mapped[date | None]
    sent_to: Mapped[str] = mapped_column(String(254), default="", comment="Address, or how it was sent by hand")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True)
    document: Mapped[Document | None] = relationship()
    lines: Mapped[list[QuotationLine]] = relationship(
        back_populates="version", order_by="QuotationLine.position", cascade="all, delete-orphan"
    )

    def __repr__(self) -> str:
        return f"v{self.number}"


class QuotationLine(Audited, Model):
    """A line of a version. `subtotal_cop` is quantity by price, rounded to the peso."""

    __tablename__ = "quotation_line"
    __table_args__ = (
        UniqueConstraint("version_id", "position"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price_cop >= 0 AND subtotal_cop >= 0", name="price_not_negative"),
        CheckConstraint("vat_percent BETWEEN 0 AND 100", name="vat_is_a_percentage"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("quotation_version.id", ondelete="RESTRICT"))
    version: Mapped[QuotationVersion] = relationship(back_populates="lines")
    position: Mapped[int]
    description: Mapped[str] = mapped_column(String(500))
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 3))
    unit: Mapped[str] = mapped_column(String(20))
    unit_price_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2))
    vat_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2), default=Decimal(19))
    subtotal_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2))

    def __repr__(self) -> str:
        return self.description[:60]


class QuotationFollowUp(Audited, Model):
    """What was said with the customer, and when to speak again."""

    __tablename__ = "quotation_follow_up"
    __table_args__ = (
        CheckConstraint("length(note) > 0", name="says_something"),
        CheckConstraint("next_on IS NULL OR next_on > on_date", name="next_after_this"),
        Index(None, "quotation_id", "on_date"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    quotation_id: Mapped[int] = mapped_column(ForeignKey("quotation.id", ondelete="RESTRICT"))
    quotation: Mapped[Quotation] = relationship()
    on: Mapped[date] = mapped_column("on_date")
    means: Mapped[ContactMeans] = enum_column(ContactMeans, "means_known", default=ContactMeans.PHONE)
    note: Mapped[str] = mapped_column(Text)
    next_on: Mapped[date | None]

    def __repr__(self) -> str:
        return f"{self.on:%Y-%m-%d}"
