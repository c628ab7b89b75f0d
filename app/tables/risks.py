"""The risk map: the scale of the house, risks with their controls, and how they moved."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.domain.risks import BandTone, ControlKind, Treatment
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.house import Organisation, Process


class _Level(Audited):
    """A level of a scale. Risks hold the level itself: one in use is not deleted, nor given another number."""

    id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    meaning: Mapped[str] = mapped_column(Text, default="")

    @declared_attr.directive
    def __table_args__(cls) -> tuple[CheckConstraint, ...]:
        return (
            CheckConstraint("level BETWEEN 1 AND 10", name="level_in_scale"),
            CheckConstraint("length(name) > 0", name="has_name"),
        )

    def __repr__(self) -> str:
        return f"{self.level}. {self.name}"


class RiskProbability(_Level, Model):
    """How often something may happen."""

    __tablename__ = "risk_probability"


class RiskImpact(_Level, Model):
    """How much harm it would do."""

    __tablename__ = "risk_impact"


class RiskBand(Audited, Model):
    """A band of the map: scores (probability by impact) from this one up to the next band, and how often its risks are looked at."""

    __tablename__ = "risk_band"
    __table_args__ = (
        CheckConstraint("least_score BETWEEN 1 AND 100", name="score_in_scale"),
        CheckConstraint("review_months BETWEEN 1 AND 60", name="review_sensible"),
        CheckConstraint("length(name) > 0", name="has_name"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    least_score: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    tone: Mapped[BandTone] = enum_column(BandTone, "tone_known")
    what_to_do: Mapped[str] = mapped_column(Text, default="")
    review_months: Mapped[int] = mapped_column(default=12)
    needs_action: Mapped[bool] = mapped_column(default=False, comment="A risk that stays here without an action under way is a gap")

    def __repr__(self) -> str:
        return self.name


class Risk(Audited, Model):
    """A risk of a process: because of a cause an event may happen, with a consequence. What is left of it after its controls is derived."""

    __tablename__ = "risk"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("length(cause) > 0 AND length(event) > 0 AND length(consequence) > 0", name="says_cause_event_consequence"),
        CheckConstraint("residual_probability <= probability AND residual_impact <= impact", name="controls_only_lower"),
        CheckConstraint("(closed_on IS NULL) = (length(close_reason) = 0)", name="closed_says_why"),
        Index(None, "process_id"),
        Index(None, "closed_on", "review_on"),
        Index(None, "residual_probability", "residual_impact"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="RG-2026-0001; gap-free")
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process] = relationship()
    cause: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    consequence: Mapped[str] = mapped_column(Text)
    probability: Mapped[int] = mapped_column(ForeignKey("risk_probability.level", ondelete="RESTRICT"), comment="Without controls")
    impact: Mapped[int] = mapped_column(ForeignKey("risk_impact.level", ondelete="RESTRICT"))
    residual_probability: Mapped[int] = mapped_column(ForeignKey("risk_probability.level", ondelete="RESTRICT"))
    residual_impact: Mapped[int] = mapped_column(ForeignKey("risk_impact.level", ondelete="RESTRICT"))
    treatment: Mapped[Treatment] = enum_column(Treatment, "treatment_known", default=Treatment.REDUCE)
    treatment_note: Mapped[str] = mapped_column(Text, default="")
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    identified_on: Mapped[date]
    review_on: Mapped[date] = mapped_column(comment="Next look at it")
    reviewed_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    close_reason: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return self.number


class RiskControl(Audited, Model):
    """What the house does so that a risk happens less or harms less, and by how many levels while it works."""

    __tablename__ = "risk_control"
    __table_args__ = (
        CheckConstraint("length(text) > 0", name="has_text"),
        CheckConstraint("lowers_probability BETWEEN 0 AND 9 AND lowers_impact BETWEEN 0 AND 9", name="effect_in_scale"),
        Index(None, "risk_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    risk_id: Mapped[int] = mapped_column(ForeignKey("risk.id", ondelete="RESTRICT"))
    risk: Mapped[Risk] = relationship()
    text: Mapped[str] = mapped_column(Text)
    kind: Mapped[ControlKind] = enum_column(ControlKind, "kind_known", default=ControlKind.PREVENTIVE)
    lowers_probability: Mapped[int] = mapped_column(default=0)
    lowers_impact: Mapped[int] = mapped_column(default=0)
    is_working: Mapped[bool] = mapped_column(default=True, comment="One that is not applied lowers nothing")
    evidence: Mapped[str] = mapped_column(Text, default="")
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])

    def __repr__(self) -> str:
        return self.text


class RiskMove(Model):
    """How a risk moved on the map, or was looked at and stayed; never changed."""

    __tablename__ = "risk_move"
    __table_args__ = (
        CheckConstraint("length(reason) > 0", name="says_why"),
        Index(None, "risk_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    risk_id: Mapped[int] = mapped_column(ForeignKey("risk.id", ondelete="RESTRICT"))
    risk: Mapped[Risk] = relationship()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    move: Mapped[str] = mapped_column(String(24), comment="Name of the verb")
    reason: Mapped[str] = mapped_column(Text)
    probability: Mapped[int] = mapped_column(comment="As it stood after the move, with the scale of that day")
    impact: Mapped[int]
    residual_probability: Mapped[int]
    residual_impact: Mapped[int]

    def __repr__(self) -> str:
        return self.move
