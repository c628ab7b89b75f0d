"""Parties, their accounts, and what they agreed to."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import AccountUse, ConsentKind, DocumentType, PartyKind
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.house import Municipality, Service


class Party(Audited, Model):
    """A person or organisation that the company attends."""

    __tablename__ = "party"
    __table_args__ = (
        UniqueConstraint("document_type", "document_number"),
        CheckConstraint("(document_type IS NULL) = (document_number IS NULL)", name="document_whole"),
        CheckConstraint("document_type <> 'NIT' OR length(document_number) BETWEEN 9 AND 11", name="nit_with_check_digit"),
        Index(None, "name"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PartyKind] = enum_column(PartyKind, "kind_known", default=PartyKind.PERSON)
    document_type: Mapped[DocumentType | None] = enum_column(DocumentType, "document_type_known")
    document_number: Mapped[str | None] = mapped_column(String(20), comment="Digits (letters for passports); NIT with check digit")
    name: Mapped[str] = mapped_column(String(160))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20), comment="E.164")
    address: Mapped[str | None] = mapped_column(String(200))
    municipality_code: Mapped[str | None] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality | None] = relationship()
    accounts: Mapped[list[Account]] = relationship(back_populates="party")

    def __repr__(self) -> str:
        return self.name


class Account(Audited, Model):
    """A service connection, as the billing system numbers it."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("number", "service_id"),
        CheckConstraint("stratum BETWEEN 1 AND 6", name="stratum_1_to_6"),
        Index(None, "party_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(30))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service] = relationship()
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party | None] = relationship(back_populates="accounts")
    address: Mapped[str] = mapped_column(String(200))
    municipality_code: Mapped[str] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality] = relationship()
    stratum: Mapped[int | None] = mapped_column(comment="1 to 6, residential only")
    settlement_code: Mapped[str | None] = mapped_column(String(3), comment="DANE centro poblado; empty: the municipal seat")
    zone: Mapped[str] = mapped_column(String(80), default="", comment="Sector, neighbourhood or route, by which surveys are sampled")
    use: Mapped[AccountUse] = enum_column(AccountUse, "use_known", default=AccountUse.RESIDENTIAL)
    meter: Mapped[str | None] = mapped_column(String(40))
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"{self.number} · {self.address}"


class ConsentText(Audited, Model):
    """The words a citizen agrees to; a version is never edited, a new one is added."""

    __tablename__ = "consent_text"
    __table_args__ = (UniqueConstraint("kind", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ConsentKind] = enum_column(ConsentKind, "kind_known")
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]

    def __repr__(self) -> str:
        return f"{self.kind.name} v{self.version}"


class Consent(Audited, Model):
    """That somebody agreed to a text, when, and in which case."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("withdrawn_at IS NULL OR withdrawn_at >= granted_at", name="granted_before_withdrawn"),
        CheckConstraint("party_id IS NOT NULL OR pqr_id IS NOT NULL", name="of_somebody"),
        Index(None, "party_id"),
        Index(None, "pqr_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id", ondelete="RESTRICT"))
    text: Mapped[ConsentText] = relationship()
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return f"{self.text} {self.granted_at:%Y-%m-%d}"
