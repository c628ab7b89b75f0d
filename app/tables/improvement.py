"""Actions that something asks for, with cause, plan, review and history; and outputs that do not conform."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.improvement import (
    ActionKind,
    ActionOrigin,
    ActionStatus,
    CauseCategory,
    CauseWay,
    Disposition,
    EffectMeasure,
    EffectVerdict,
    NonconformityStatus,
    TaskStatus,
)
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr, StoredFile
from app.tables.house import Organisation, Process, Service
from app.tables.parties import Party


class Action(Audited, Model):
    """
    Something to be done by somebody until a day, because something asked for it.

    The gates are here too: what is planned names its cause and how its effect will be measured, what ends was effective. That nothing
    waits for its review or ends with an open task is kept by triggers (migration 0012). A correction only mends: it needs none of it.
    """

    __tablename__ = "action"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("(status IN ('DONE', 'CANCELLED')) = (ended_on IS NOT NULL)", name="ended_iff_over"),
        CheckConstraint("ended_on IS NULL OR length(result) > 0", name="ended_says_how"),
        CheckConstraint("ended_on IS NULL OR ended_on >= asked_on", name="asked_before_ended"),
        CheckConstraint("due_on >= asked_on", name="asked_before_due"),
        CheckConstraint("length(title) > 0", name="has_title"),
        CheckConstraint("status IN ('OPEN', 'CANCELLED') OR kind = 'CORRECTION' OR is_of_before OR length(cause) > 0",
                        name="plan_has_cause"),
        CheckConstraint("status IN ('OPEN', 'CANCELLED') OR kind = 'CORRECTION' OR is_of_before"
                        " OR (measure IS NOT NULL AND review_on IS NOT NULL)", name="plan_says_how_it_is_measured"),
        CheckConstraint("status <> 'DONE' OR kind = 'CORRECTION' OR is_of_before OR (verdict IS NOT NULL AND verdict = 'EFFECTIVE')",
                        name="ended_was_effective"),
        CheckConstraint("(measure IS NULL) = (window_days IS NULL)", name="measure_has_its_window"),
        CheckConstraint("window_days IS NULL OR window_days BETWEEN 7 AND 731", name="window_sensible"),
        CheckConstraint("goal IS NULL OR measure IS NOT NULL", name="goal_of_a_measure"),
        CheckConstraint("measure IS NULL OR measure = 'JUDGED' OR goal IS NOT NULL", name="measure_has_its_goal"),
        CheckConstraint("(approved_by_id IS NULL) = (approved_on IS NULL)", name="approval_whole"),
        CheckConstraint("round >= 1", name="round_counts"),
        Index(None, "status", "due_on"),
        Index(None, "process_id", "status"),
        Index(None, "party_id"),
        Index(None, "origin", "origin_key"),
        Index(None, "status", "review_on"),
    )  # fmt: skip
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
    due_on: Mapped[date] = mapped_column(comment="Last day of the plan; the review of its effect comes after")
    cause: Mapped[str] = mapped_column(Text, default="", comment="The root cause, in a sentence")
    measure: Mapped[EffectMeasure | None] = enum_column(EffectMeasure, "measure_known")
    measure_key: Mapped[str] = mapped_column(String(80), default="", comment="Which cause, type, process, area, question or indicator")
    window_days: Mapped[int | None] = mapped_column(comment="Calendar days looked at before, and as many after")
    goal: Mapped[Decimal | None] = mapped_column(Numeric(10, 2), comment="Percentage of change, or the figure to reach: see domain")
    baseline_on: Mapped[date | None] = mapped_column(comment="The window before ends the day before it; empty: when it was asked")
    carried_out_on: Mapped[date | None] = mapped_column(comment="The window after begins the day after it")
    review_on: Mapped[date | None] = mapped_column(comment="Day on which the effect is to be reviewed")
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    approved_on: Mapped[date | None]
    round: Mapped[int] = mapped_column(default=1, comment="Counts the times it was taken up again because it did not work")
    verdict: Mapped[EffectVerdict | None] = enum_column(EffectVerdict, "verdict_known", comment="Of the last review")
    ended_on: Mapped[date | None]
    result: Mapped[str] = mapped_column(Text, default="", comment="What was done, or why it was cancelled")
    is_of_before: Mapped[bool] = mapped_column(default=False, comment="Ended before there were gates")

    def __repr__(self) -> str:
        return self.number


class ActionCause(Audited, Model):
    """A line of the analysis of a round: the next why, or a cause on a bone of the diagram."""

    __tablename__ = "action_cause"
    __table_args__ = (
        UniqueConstraint("action_id", "round", "way", "position"),
        CheckConstraint("round >= 1", name="round_counts"),
        CheckConstraint("length(text) > 0", name="has_text"),
        CheckConstraint("(way = 'ISHIKAWA') = (category IS NOT NULL)", name="bone_iff_ishikawa"),
        CheckConstraint("way <> 'WHY' OR position BETWEEN 1 AND 7", name="whys_end"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action] = relationship()
    round: Mapped[int] = mapped_column(default=1)
    way: Mapped[CauseWay] = enum_column(CauseWay, "way_known")
    category: Mapped[CauseCategory | None] = enum_column(CauseCategory, "category_known")
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    is_root: Mapped[bool] = mapped_column(default=False)

    def __repr__(self) -> str:
        return self.text


class ActionTask(Audited, Model):
    """A task of the plan: who does what until when, and what shows that it was done."""

    __tablename__ = "action_task"
    __table_args__ = (
        UniqueConstraint("action_id", "position"),
        CheckConstraint("length(what) > 0", name="has_text"),
        CheckConstraint("(status = 'OPEN') = (ended_on IS NULL)", name="ended_iff_not_open"),
        CheckConstraint("status = 'OPEN' OR length(said) > 0", name="ended_says_how"),
        CheckConstraint("round >= 1", name="round_counts"),
        Index(None, "responsible_id", "status", "due_on"),
        Index(None, "status", "due_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action] = relationship()
    round: Mapped[int] = mapped_column(default=1, comment="Round of the action whose plan it belongs to")
    position: Mapped[int]
    what: Mapped[str] = mapped_column(Text)
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    due_on: Mapped[date]
    status: Mapped[TaskStatus] = enum_column(TaskStatus, "status_known", default=TaskStatus.OPEN)
    ended_on: Mapped[date | None]
    said: Mapped[str] = mapped_column(Text, default="", comment="What shows that it was done, or why it is not done")

    def __repr__(self) -> str:
        return self.what


class ActionFile(Audited, Model):
    """A file that shows what was found or done. One attached by mistake is withdrawn: it stays, and is offered no more."""

    __tablename__ = "action_file"
    __table_args__ = (
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawal_whole"),
        Index(None, "action_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action] = relationship()
    task_id: Mapped[int | None] = mapped_column(ForeignKey("action_task.id", ondelete="RESTRICT"))
    task: Mapped[ActionTask | None] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
    description: Mapped[str] = mapped_column(String(200), default="")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    def __repr__(self) -> str:
        return self.description or str(self.file_id)


class ActionReview(Model):
    """
    The review of an action's effect in a round: the figures before and after as they were then, what they proposed, and what a person
    decided and why. Never changed. A figure is numerator over denominator; both empty where a person judged.
    """

    __tablename__ = "action_review"
    __table_args__ = (
        UniqueConstraint("action_id", "round"),
        CheckConstraint("length(reason) > 0", name="says_why"),
        CheckConstraint("before_from <= before_until AND after_from <= after_until AND before_until < after_from", name="windows_in_order"),
        CheckConstraint("before_of IS NULL OR before_of >= 0", name="before_not_negative"),
        CheckConstraint("after_of IS NULL OR after_of >= 0", name="after_not_negative"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action] = relationship()
    round: Mapped[int]
    measure: Mapped[EffectMeasure] = enum_column(EffectMeasure, "measure_known")
    measure_key: Mapped[str] = mapped_column(String(80), default="")
    goal: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    before_from: Mapped[date]
    before_until: Mapped[date]
    before_n: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="Cases counted, or the sum behind a mean")
    before_of: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="Out of how many")
    before_value: Mapped[Decimal | None] = mapped_column(Numeric(16, 4), comment="The figure compared")
    after_from: Mapped[date]
    after_until: Mapped[date]
    after_n: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    after_of: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    after_value: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="What else was shown: significance, notes")
    proposed: Mapped[EffectVerdict | None] = enum_column(EffectVerdict, "proposed_known", comment="Empty: the figures do not say")
    verdict: Mapped[EffectVerdict] = enum_column(EffectVerdict, "verdict_known")
    reason: Mapped[str] = mapped_column(Text)
    reviewed_on: Mapped[date]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    reviewed_by: Mapped[User | None] = relationship()

    def __repr__(self) -> str:
        return self.verdict.name


class ActionEvent(Model):
    """What happened to an action or to a non-conforming output; never changed. `move` is the name of the verb."""

    __tablename__ = "action_event"
    __table_args__ = (
        CheckConstraint("(action_id IS NULL) <> (nonconformity_id IS NULL)", name="of_one_thing"),
        CheckConstraint("length(move) > 0", name="has_move"),
        Index(None, "action_id", "id"),
        Index(None, "nonconformity_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action | None] = relationship()
    nonconformity_id: Mapped[int | None] = mapped_column(ForeignKey("nonconformity.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    move: Mapped[str] = mapped_column(String(24))
    from_status: Mapped[str] = mapped_column(String(24), default="")
    to_status: Mapped[str] = mapped_column(String(24), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    def __repr__(self) -> str:
        return self.move


class Nonconformity(Audited, Model):
    """An output that does not conform (salida no conforme): what it was, how it was contained, what was done with it, who authorised it."""

    __tablename__ = "nonconformity"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("length(what) > 0", name="says_what"),
        CheckConstraint("(status = 'OPEN') = (disposition IS NULL)", name="treated_has_disposition"),
        CheckConstraint("(disposition IS NULL) = (treated_on IS NULL)", name="treatment_has_its_day"),
        CheckConstraint("status = 'OPEN' OR length(treatment) > 0", name="treated_says_how"),
        CheckConstraint("status = 'OPEN' OR authorised_by_id IS NOT NULL", name="treated_was_authorised"),
        CheckConstraint("(status = 'CLOSED') = (verified_on IS NOT NULL)", name="closed_iff_verified"),
        CheckConstraint("status <> 'CLOSED' OR (length(verification) > 0 AND verified_by_id IS NOT NULL)", name="verification_whole"),
        CheckConstraint("found_on <= treated_on AND treated_on <= verified_on", name="days_in_order"),
        CheckConstraint("action_id IS NULL OR length(no_action_reason) = 0", name="action_or_reason"),
        CheckConstraint("status <> 'CLOSED' OR action_id IS NOT NULL OR length(no_action_reason) > 0", name="closed_says_of_action"),
        CheckConstraint("cost_cop IS NULL OR cost_cop >= 0", name="cost_not_negative"),
        Index(None, "status", "found_on"),
        Index(None, "process_id", "status"),
        Index(None, "pqr_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="SNC-2026-0001; gap-free")
    found_on: Mapped[date]
    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process] = relationship()
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), comment="The case in which it showed")
    pqr: Mapped[Pqr | None] = relationship()
    what: Mapped[str] = mapped_column(Text, comment="The output, and the requirement that it does not meet")
    requirement: Mapped[str] = mapped_column(Text, default="", comment="Which requirement: law, contract, own")
    containment: Mapped[str] = mapped_column(Text, default="", comment="What was done at once")
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    status: Mapped[NonconformityStatus] = enum_column(NonconformityStatus, "status_known", default=NonconformityStatus.OPEN)
    disposition: Mapped[Disposition | None] = enum_column(Disposition, "disposition_known")
    treatment: Mapped[str] = mapped_column(Text, default="")
    treated_on: Mapped[date | None]
    authorised_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    authorised_by: Mapped[User | None] = relationship(foreign_keys=[authorised_by_id])
    cost_cop: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    verification: Mapped[str] = mapped_column(Text, default="", comment="How conformity was verified after the treatment")
    verified_on: Mapped[date | None]
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    verified_by: Mapped[User | None] = relationship(foreign_keys=[verified_by_id])
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action | None] = relationship()
    no_action_reason: Mapped[str] = mapped_column(Text, default="", comment="Why it asks for no action")

    def __repr__(self) -> str:
        return self.number
