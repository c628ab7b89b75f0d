"""Questionnaires of surveys, by versions: sections, questions, options; and the thresholds that ask for something to be done."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.campaigns import AlarmEffect, AlarmMeasure
from app.domain.questionnaires import Audience, ConditionOp, QuestionKind, VersionStatus
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.house import Process, Service


class Questionnaire(Audited, Model):
    """A survey form of the house: R10-01-02, R10-01-03 or its own. What it asks stands in its versions."""

    __tablename__ = "questionnaire"
    __table_args__ = (
        CheckConstraint("frequency_months IS NULL OR frequency_months BETWEEN 1 AND 60", name="frequency_sensible"),
        CheckConstraint("days_open BETWEEN 1 AND 366", name="days_open_sensible"),
        CheckConstraint("length(code) > 0 AND length(name) > 0", name="has_code_and_name"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True, comment="Of the form in the quality system")
    name: Mapped[str] = mapped_column(String(120), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    audience: Mapped[Audience] = enum_column(Audience, "audience_known")
    frequency_months: Mapped[int | None] = mapped_column(comment="Every how many months a campaign is due; empty: only when asked for")
    starts_on: Mapped[date | None] = mapped_column(comment="First day of the first period; the next ones follow by the frequency")
    days_open: Mapped[int] = mapped_column(default=30, comment="Calendar days that a campaign takes answers")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Who carries it out")
    process: Mapped[Process | None] = relationship()
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    versions: Mapped[list[QuestionnaireVersion]] = relationship(back_populates="questionnaire", order_by="QuestionnaireVersion.number")

    def __repr__(self) -> str:
        return f"{self.code} {self.name}"


class QuestionnaireVersion(Audited, Model):
    """What is asked, in Spanish and, where written, in English; frozen once published. One draft and one published at most."""

    __tablename__ = "questionnaire_version"
    __table_args__ = (
        UniqueConstraint("questionnaire_id", "number"),
        CheckConstraint("number > 0", name="counts_from_one"),
        CheckConstraint("(status = 'DRAFT') = (published_at IS NULL)", name="published_unless_draft"),
        Index("uq_questionnaire_version_draft", "questionnaire_id", unique=True,
              sqlite_where=text("status = 'DRAFT'"), postgresql_where=text("status = 'DRAFT'")),
        Index("uq_questionnaire_version_published", "questionnaire_id", unique=True,
              sqlite_where=text("status = 'PUBLISHED'"), postgresql_where=text("status = 'PUBLISHED'")),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaire.id", ondelete="RESTRICT"))
    questionnaire: Mapped[Questionnaire] = relationship(back_populates="versions")
    number: Mapped[int]
    status: Mapped[VersionStatus] = enum_column(VersionStatus, "status_known", default=VersionStatus.DRAFT)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    published_by: Mapped[User | None] = relationship(foreign_keys=[published_by_id])
    reason: Mapped[str] = mapped_column(Text, default="", comment="What changes from the version before")
    intro_es: Mapped[str] = mapped_column(Text, default="", comment="What whoever answers reads first")
    intro_en: Mapped[str] = mapped_column(Text, default="")
    thanks_es: Mapped[str] = mapped_column(Text, default="")
    thanks_en: Mapped[str] = mapped_column(Text, default="")
    script: Mapped[str] = mapped_column(Text, default="", comment="What the interviewer says: {name}, {organisation}")
    sections: Mapped[list[QuestionnaireSection]] = relationship(
        back_populates="version", order_by="QuestionnaireSection.position", cascade="all, delete-orphan"
    )

    def __repr__(self) -> str:
        return f"v{self.number}"


class QuestionnaireSection(Audited, Model):
    """A page of a questionnaire."""

    __tablename__ = "questionnaire_section"
    __table_args__ = (
        UniqueConstraint("version_id", "position"),
        UniqueConstraint("id", "version_id"),
        CheckConstraint("length(title_es) > 0", name="has_title"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("questionnaire_version.id", ondelete="RESTRICT"))
    version: Mapped[QuestionnaireVersion] = relationship(back_populates="sections")
    position: Mapped[int]
    title_es: Mapped[str] = mapped_column(String(160))
    title_en: Mapped[str] = mapped_column(String(160), default="")
    help_es: Mapped[str] = mapped_column(Text, default="")
    help_en: Mapped[str] = mapped_column(Text, default="")
    questions: Mapped[list[Question]] = relationship(
        back_populates="section", order_by="Question.position", cascade="all, delete-orphan", foreign_keys="Question.section_id"
    )

    def __repr__(self) -> str:
        return self.title_es


class Question(Audited, Model):
    """
    A question. Its `code` stays from version to version; `fingerprint` (written at publishing) tells whether it is still the same one,
    so that campaigns may be compared. It shows when the answer to `condition` meets `condition_op` and `condition_value`.
    """

    __tablename__ = "question"
    __table_args__ = (
        UniqueConstraint("version_id", "code"),
        UniqueConstraint("section_id", "position"),
        UniqueConstraint("id", "kind"),
        UniqueConstraint("id", "version_id"),
        ForeignKeyConstraint(["section_id", "version_id"], ["questionnaire_section.id", "questionnaire_section.version_id"],
                             ondelete="RESTRICT"),
        ForeignKeyConstraint(["condition_id", "version_id"], ["question.id", "question.version_id"], ondelete="RESTRICT"),
        CheckConstraint("length(code) > 0 AND length(text_es) > 0", name="has_code_and_text"),
        CheckConstraint("(condition_id IS NULL) = (condition_op IS NULL) AND (condition_id IS NULL) = (condition_value IS NULL)",
                        name="condition_whole"),
        CheckConstraint("condition_id IS NULL OR condition_id <> id", name="not_its_own_condition"),
        CheckConstraint("NOT is_reversed OR kind IN ('SCALE5', 'SCALE7', 'YES_NO', 'MATRIX')", name="reversed_is_scored"),
        CheckConstraint("least IS NULL OR greatest IS NULL OR least <= greatest", name="bounds_in_order"),
        CheckConstraint("kind = 'NUMBER' OR (least IS NULL AND greatest IS NULL)", name="bounds_of_numbers"),
        Index(None, "condition_id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("questionnaire_version.id", ondelete="RESTRICT"))
    section_id: Mapped[int] = mapped_column()
    section: Mapped[QuestionnaireSection] = relationship(back_populates="questions", foreign_keys=[section_id])
    position: Mapped[int] = mapped_column(comment="In its section")
    code: Mapped[str] = mapped_column(String(20))
    kind: Mapped[QuestionKind] = enum_column(QuestionKind, "kind_known")
    text_es: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text, default="")
    help_es: Mapped[str] = mapped_column(Text, default="")
    help_en: Mapped[str] = mapped_column(Text, default="")
    low_es: Mapped[str] = mapped_column(String(60), default="", comment="What the least score means")
    low_en: Mapped[str] = mapped_column(String(60), default="")
    high_es: Mapped[str] = mapped_column(String(60), default="")
    high_en: Mapped[str] = mapped_column(String(60), default="")
    is_required: Mapped[bool] = mapped_column(default=True)
    is_reversed: Mapped[bool] = mapped_column(default=False, comment="The least score is the best")
    has_na: Mapped[bool] = mapped_column(default=False, comment="Takes 'I do not know, or it does not apply'")
    least: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    greatest: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    condition_id: Mapped[int | None] = mapped_column()
    condition: Mapped[Question | None] = relationship(remote_side=[id], foreign_keys=[condition_id])
    condition_op: Mapped[ConditionOp | None] = enum_column(ConditionOp, "condition_op_known")
    condition_value: Mapped[str | None] = mapped_column(String(40), comment="A score, a number, or the code of an option")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Which process it is about")
    process: Mapped[Process | None] = relationship()
    fingerprint: Mapped[str] = mapped_column(String(64), default="", comment="Of what it asks and of its scale, once published")
    options: Mapped[list[QuestionOption]] = relationship(
        back_populates="question", order_by="QuestionOption.position", cascade="all, delete-orphan",
        foreign_keys="QuestionOption.question_id",
    )

    def __repr__(self) -> str:
        return f"{self.code} {self.text_es[:60]}"


class QuestionOption(Audited, Model):
    """An option of a list, or a row of a matrix."""

    __tablename__ = "question_option"
    __table_args__ = (
        UniqueConstraint("question_id", "code"),
        UniqueConstraint("question_id", "position"),
        UniqueConstraint("id", "question_id"),
        ForeignKeyConstraint(["question_id", "version_id"], ["question.id", "question.version_id"], ondelete="RESTRICT"),
        CheckConstraint("length(code) > 0 AND length(text_es) > 0", name="has_code_and_text"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column()
    version_id: Mapped[int]
    question: Mapped[Question] = relationship(back_populates="options", foreign_keys=[question_id])
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(20))
    text_es: Mapped[str] = mapped_column(String(200))
    text_en: Mapped[str] = mapped_column(String(200), default="")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"), comment="Of a row about one")
    service: Mapped[Service | None] = relationship()
    takes_words: Mapped[bool] = mapped_column(default=False, comment="'Other': asks which")

    def __repr__(self) -> str:
        return self.text_es


class SurveyThreshold(Audited, Model):
    """When a figure, an answer or a word of a survey asks for something to be done, by which process and in how many days."""

    __tablename__ = "survey_threshold"
    __table_args__ = (
        CheckConstraint("(measure = 'WORDS') = (at_most IS NULL)", name="figure_unless_words"),
        CheckConstraint("(measure = 'WORDS') = (length(words) > 0)", name="words_iff_words"),
        CheckConstraint("measure <> 'CSAT' OR at_most BETWEEN 0 AND 100", name="csat_is_a_percentage"),
        CheckConstraint("measure <> 'NPS' OR at_most BETWEEN -100 AND 100", name="nps_in_range"),
        CheckConstraint("measure IN ('ANSWER', 'WORDS') OR effect = 'ACTION'", name="figure_asks_for_action"),
        CheckConstraint("effect <> 'ACTION' OR process_id IS NOT NULL", name="action_names_its_process"),
        CheckConstraint("days BETWEEN 1 AND 365", name="days_sensible"),
        CheckConstraint("least_n >= 1", name="least_n_positive"),
        Index(None, "questionnaire_id", "question_code"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaire.id", ondelete="RESTRICT"))
    questionnaire: Mapped[Questionnaire] = relationship()
    question_code: Mapped[str] = mapped_column(String(20), default="", comment="Empty, with words: every open text")
    measure: Mapped[AlarmMeasure] = enum_column(AlarmMeasure, "measure_known")
    at_most: Mapped[Decimal | None] = mapped_column(Numeric(6, 2), comment="It goes off at this figure or under it")
    words: Mapped[str] = mapped_column(Text, default="", comment="Comma-separated; accents and capitals are forgiven")
    least_n: Mapped[int] = mapped_column(default=5, comment="Of answers behind a figure")
    effect: Mapped[AlarmEffect] = enum_column(AlarmEffect, "effect_known")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Empty: that of the campaign")
    process: Mapped[Process | None] = relationship()
    days: Mapped[int] = mapped_column(default=15, comment="Calendar days to do it")
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"{self.question_code} {self.measure.name}"
