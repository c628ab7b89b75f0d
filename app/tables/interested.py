"""Interested parties (ISO 9001:2015, 4.2): groups, what they need, how it is followed and the evidence that it was; contacts of a party."""

from __future__ import annotations

from datetime import date

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.interested import EvidenceSource, NeedKind, QualityKind, Relevance
from app.tables.base import Audited, enum_column
from app.tables.cases import StoredFile
from app.tables.house import Process
from app.tables.parties import Party


class InterestGroup(Audited, Model):
    """A group of interested parties: clients, users, staff, suppliers, control bodies, community, owners…"""

    __tablename__ = "interest_group"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.name


class Mechanism(Audited, Model):
    """How a group is followed: what is done, how often, by whom, and when again. `last_on` and `next_on` follow from its evidence."""

    __tablename__ = "mechanism"
    __table_args__ = (
        UniqueConstraint("group_id", "name"),
        CheckConstraint("months BETWEEN 1 AND 60", name="frequency_in_months"),
        CheckConstraint("last_on IS NULL OR next_on IS NULL OR next_on > last_on", name="next_after_last"),
        CheckConstraint("NOT is_active OR next_on IS NOT NULL", name="active_has_next"),
        Index(None, "next_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("interest_group.id", ondelete="RESTRICT"))
    group: Mapped[InterestGroup] = relationship()
    name: Mapped[str] = mapped_column(String(160))
    description: Mapped[str] = mapped_column(Text, default="")
    evidence_source: Mapped[EvidenceSource] = enum_column(EvidenceSource, "evidence_source_known", default=EvidenceSource.ATTACHED)
    months: Mapped[int] = mapped_column(comment="Every how many months")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    starts_on: Mapped[date] = mapped_column(comment="From when it is counted while there is no evidence")
    last_on: Mapped[date | None]
    next_on: Mapped[date | None]
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return self.name


class Need(Audited, Model):
    """A need or expectation of a group, how relevant it is, how the company meets it and the mechanism that follows it."""

    __tablename__ = "need"
    __table_args__ = (Index(None, "group_id", "position"), Index(None, "mechanism_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("interest_group.id", ondelete="RESTRICT"))
    group: Mapped[InterestGroup] = relationship()
    kind: Mapped[NeedKind] = enum_column(NeedKind, "kind_known", default=NeedKind.NEED)
    quality: Mapped[QualityKind] = enum_column(QualityKind, "quality_known", default=QualityKind.REQUIRED)
    relevance: Mapped[Relevance] = enum_column(Relevance, "relevance_known", default=Relevance.HIGH)
    text: Mapped[str] = mapped_column(Text)
    how_met: Mapped[str] = mapped_column(Text, default="", comment="What the company does about it")
    source: Mapped[str] = mapped_column(String(160), default="", comment="Norm, contract or study it was taken from")
    mechanism_id: Mapped[int | None] = mapped_column(ForeignKey("mechanism.id", ondelete="RESTRICT"))
    mechanism: Mapped[Mechanism | None] = relationship()
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return self.text[:80]


class Evidence(Audited, Model):
    """That a mechanism was applied: a record of the system that was found, or what somebody attached."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("mechanism_id", "source", "source_key"),
        CheckConstraint("(source = 'ATTACHED') = (source_key IS NULL)", name="found_names_its_record"),
        CheckConstraint("source <> 'ATTACHED' OR file_id IS NOT NULL OR length(note) > 0", name="attached_says_something"),
        Index(None, "mechanism_id", "on_date"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    mechanism_id: Mapped[int] = mapped_column(ForeignKey("mechanism.id", ondelete="RESTRICT"))
    mechanism: Mapped[Mechanism] = relationship()
    on: Mapped[date] = mapped_column("on_date")
    source: Mapped[EvidenceSource] = enum_column(EvidenceSource, "source_known", default=EvidenceSource.ATTACHED)
    source_key: Mapped[str | None] = mapped_column(String(60), comment="Number or id of the record that was found")
    title: Mapped[str] = mapped_column(String(240), default="")
    path: Mapped[str] = mapped_column(String(200), default="", comment="Where the record opens")
    note: Mapped[str] = mapped_column(Text, default="")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile | None] = relationship()

    def __repr__(self) -> str:
        return self.title or f"{self.on:%Y-%m-%d}"


class PartyGroup(Audited, Model):
    """That a party belongs to a group of interested parties."""

    __tablename__ = "party_group"
    __table_args__ = (UniqueConstraint("party_id", "group_id"), Index(None, "group_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party] = relationship()
    group_id: Mapped[int] = mapped_column(ForeignKey("interest_group.id", ondelete="RESTRICT"))
    group: Mapped[InterestGroup] = relationship()

    def __repr__(self) -> str:
        return f"{self.party} · {self.group}"


class PartyContact(Audited, Model):
    """A person to speak to at a party. One of them at most is the first to call."""

    __tablename__ = "party_contact"
    __table_args__ = (
        CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="can_be_reached"),
        CheckConstraint("NOT is_main OR is_active", name="main_is_active"),
        Index(None, "party_id"),
        Index("uq_party_contact_main", "party_id", unique=True, sqlite_where=text("is_main"), postgresql_where=text("is_main")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party] = relationship()
    name: Mapped[str] = mapped_column(String(160))
    position: Mapped[str] = mapped_column(String(120), default="", comment="What this person is there")
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20), comment="E.164")
    is_main: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    notes: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return self.name
