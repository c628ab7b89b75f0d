"""Actions that something asks for."""

from __future__ import annotations

from datetime import date

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.tables.base import Audited, enum_column
from app.tables.house import Organisation, Process
from app.tables.parties import Party


class Action(Audited, Model):
    """Something to be done by somebody until a day, because something asked for it."""

    __tablename__ = "action"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("(status = 'OPEN') = (ended_on IS NULL)", name="ended_iff_not_open"),
        CheckConstraint("status = 'OPEN' OR length(result) > 0", name="ended_says_how"),
        CheckConstraint("ended_on IS NULL OR ended_on >= asked_on", name="asked_before_ended"),
        CheckConstraint("due_on >= asked_on", name="asked_before_due"),
        CheckConstraint("length(title) > 0", name="has_title"),
        Index(None, "status", "due_on"),
        Index(None, "process_id", "status"),
        Index(None, "party_id"),
        Index(None, "origin", "origin_key"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="AC-2026-0001; gap-free")
    kind: Mapped[ActionKind] = enum_column(ActionKind, "kind_known", default=ActionKind.CORRECTIVE)
    origin: Mapped[ActionOrigin] = enum_column(ActionOrigin, "origin_known", default=ActionOrigin.OTHER)
    origin_key: Mapped[str] = mapped_column(String(60), default="", comment="Number of what asked for it")
    origin_path: Mapped[str] = mapped_column(String(200), default="", comment="Where that opens")
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party | None] = relationship()
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    status: Mapped[ActionStatus] = enum_column(ActionStatus, "status_known", default=ActionStatus.OPEN)
    asked_on: Mapped[date]
    due_on: Mapped[date]
    ended_on: Mapped[date | None]
    result: Mapped[str] = mapped_column(Text, default="", comment="What was done, or why it was cancelled")

    def __repr__(self) -> str:
        return self.number
