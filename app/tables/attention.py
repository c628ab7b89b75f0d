"""How the office attended: events that many cases share, and how the citizen rated it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import Outcome, RatingVia
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.house import Channel, Service

if TYPE_CHECKING:
    from app.tables.cases import Pqr


class MassEvent(Audited, Model):
    """Something that many ask about: one investigation, one action and one answer text; each case keeps its number, clock and letter."""

    __tablename__ = "mass_event"
    __table_args__ = (CheckConstraint("until_on IS NULL OR since_on <= until_on", name="since_before_until"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    since_on: Mapped[date]
    until_on: Mapped[date | None]
    sector: Mapped[str] = mapped_column(String(200), default="")
    what: Mapped[str] = mapped_column(Text, comment="What happened")
    investigation: Mapped[str] = mapped_column(Text, default="")
    action: Mapped[str] = mapped_column(Text, default="", comment="What is done about it")
    solution: Mapped[str] = mapped_column(Text, default="", comment="What was found and done, for each case")
    outcome: Mapped[Outcome | None] = enum_column(Outcome, "outcome_known")
    answer_text: Mapped[str] = mapped_column(Text, default="", comment="With {fields} of the case, as answer templates have")

    def __repr__(self) -> str:
        return self.name


class Rating(Model):
    """How somebody rated the attention of a case, 1 to 5; from the counter also without a case."""

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint("score BETWEEN 1 AND 5", name="score_1_to_5"),
        CheckConstraint("pqr_id IS NOT NULL OR via = 'COUNTER'", name="link_names_its_case"),
        Index(None, "rated_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), unique=True)
    pqr: Mapped[Pqr | None] = relationship()
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rated_on: Mapped[date] = mapped_column(index=True, comment="Local date, by which ratings are counted")
    score: Mapped[int]
    comment: Mapped[str] = mapped_column(Text, default="")
    via: Mapped[RatingVia] = enum_column(RatingVia, "via_known")
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id", ondelete="RESTRICT"))
    channel: Mapped[Channel | None] = relationship()
