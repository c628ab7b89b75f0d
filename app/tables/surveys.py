"""Campaigns of surveys: whom they ask, the calls, the answers, the tags of open texts, and the alarms."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.campaigns import AlarmEffect, AlarmStatus, AnswerVia, CallOutcome, CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.questionnaires import Audience, QuestionKind
from app.tables.acts import Document
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr
from app.tables.contracts import Contract
from app.tables.house import Organisation, Process, Service
from app.tables.improvement import Action
from app.tables.interested import PartyContact
from app.tables.parties import Account, ConsentText, Party
from app.tables.questionnaires import Question, Questionnaire, QuestionnaireVersion, QuestionOption, SurveyThreshold


class SurveyCampaign(Audited, Model):
    """A round of a survey: the period it measures, whom it asks and how, and from when until when it takes answers."""

    __tablename__ = "survey_campaign"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("length(name) > 0", name="has_name"),
        CheckConstraint("period_from <= period_until", name="period_in_order"),
        CheckConstraint("opens_on <= closes_on", name="opens_before_closing"),
        CheckConstraint("by_link OR by_phone OR by_qr OR by_kiosk OR by_paper OR by_file", name="has_a_channel"),
        CheckConstraint("(confirmed_at IS NULL) = (status IN ('PROPOSED', 'DROPPED'))", name="confirmed_iff_opened"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by_id IS NULL)", name="confirmation_whole"),
        CheckConstraint("(closed_at IS NOT NULL) = (status = 'CLOSED')", name="closed_iff_over"),
        CheckConstraint("status <> 'DROPPED' OR length(drop_reason) > 0", name="dropped_says_why"),
        CheckConstraint("confidence IN (90, 95, 99)", name="confidence_known"),
        CheckConstraint("error_percent > 0 AND error_percent <= 50", name="error_sensible"),
        CheckConstraint("max_reminders BETWEEN 0 AND 10 AND reminder_days BETWEEN 1 AND 60", name="reminders_sensible"),
        CheckConstraint("population IS NULL OR population >= 0", name="population_not_negative"),
        CheckConstraint("sample_size IS NULL OR (sample_size >= 0 AND sample_size <= population)", name="sample_within_population"),
        Index("uq_survey_campaign_period", "questionnaire_id", "period_from", unique=True,
              sqlite_where=text("status <> 'DROPPED'"), postgresql_where=text("status <> 'DROPPED'")),
        Index(None, "status", "closes_on"),
        Index(None, "opens_on", "id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), comment="ENC-2026-0001; gap-free")
    name: Mapped[str] = mapped_column(String(160))
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaire.id", ondelete="RESTRICT"))
    questionnaire: Mapped[Questionnaire] = relationship()
    version_id: Mapped[int] = mapped_column(ForeignKey("questionnaire_version.id", ondelete="RESTRICT"))
    version: Mapped[QuestionnaireVersion] = relationship()
    status: Mapped[CampaignStatus] = enum_column(CampaignStatus, "status_known", default=CampaignStatus.PROPOSED)
    audience: Mapped[Audience] = enum_column(Audience, "audience_known")
    needs_consent: Mapped[bool] = mapped_column(default=True, comment="Asks only people who agreed to be contacted for surveys")
    period_from: Mapped[date]
    period_until: Mapped[date]
    opens_on: Mapped[date]
    closes_on: Mapped[date] = mapped_column(comment="Last day on which it takes answers")
    by_link: Mapped[bool] = mapped_column(default=True)
    by_phone: Mapped[bool] = mapped_column(default=True)
    by_qr: Mapped[bool] = mapped_column(default=False)
    by_kiosk: Mapped[bool] = mapped_column(default=False)
    by_paper: Mapped[bool] = mapped_column(default=False)
    by_file: Mapped[bool] = mapped_column(default=False, comment="Answers come from a file")
    is_sampled: Mapped[bool] = mapped_column(default=False, comment="Otherwise everybody of the audience is asked")
    by_zone: Mapped[bool] = mapped_column(default=False, comment="Strata of the sample")
    by_stratum: Mapped[bool] = mapped_column(default=False)
    by_service: Mapped[bool] = mapped_column(default=False)
    confidence: Mapped[int] = mapped_column(default=95, comment="Percentage")
    error_percent: Mapped[Decimal] = mapped_column(Numeric(4, 1), default=Decimal(5), comment="Margin of error, in percentage points")
    seed: Mapped[int | None] = mapped_column(comment="Of the drawing, so that it can be done again")
    population: Mapped[int | None] = mapped_column(comment="Who could be asked when it was drawn")
    sample_size: Mapped[int | None]
    max_reminders: Mapped[int] = mapped_column(default=2)
    reminder_days: Mapped[int] = mapped_column(default=7, comment="Days between reminders")
    public_code: Mapped[str | None] = mapped_column(String(40), unique=True, comment="In the printed code and at the kiosk")
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    confirmed_by: Mapped[User | None] = relationship(foreign_keys=[confirmed_by_id])
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    drop_reason: Mapped[str] = mapped_column(Text, default="")
    conclusion: Mapped[str] = mapped_column(Text, default="", comment="What the report concludes")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True, comment="Report issued")
    document: Mapped[Document | None] = relationship()

    def __repr__(self) -> str:
        return self.number


class SurveyQuota(Audited, Model):
    """A stratum of the sample: how many there are, and how many answers are wanted."""

    __tablename__ = "survey_quota"
    __table_args__ = (
        UniqueConstraint("campaign_id", "key"),
        CheckConstraint("population >= 0 AND target >= 0 AND target <= population", name="target_within_population"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("survey_campaign.id", ondelete="RESTRICT"))
    campaign: Mapped[SurveyCampaign] = relationship()
    key: Mapped[str] = mapped_column(String(200), comment="zone|stratum|service, with only what the sample is split by")
    zone: Mapped[str] = mapped_column(String(80), default="")
    stratum: Mapped[int | None]
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    population: Mapped[int]
    target: Mapped[int]

    def __repr__(self) -> str:
        return self.key


class SurveyInvitee(Audited, Model):
    """Somebody who is asked: with what reaches them, how far they came, and who has them on the telephone now."""

    __tablename__ = "survey_invitee"
    __table_args__ = (
        UniqueConstraint("campaign_id", "key"),
        CheckConstraint("n_reminders >= 0 AND n_attempts >= 0", name="counts_not_negative"),
        CheckConstraint("(held_by_id IS NULL) = (held_until IS NULL)", name="hold_whole"),
        CheckConstraint("n_reminders = 0 OR reminded_on IS NOT NULL", name="reminded_has_its_day"),
        Index(None, "campaign_id", "status", "call_at"),
        Index(None, "party_id"),
        Index(None, "quota_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("survey_campaign.id", ondelete="RESTRICT"))
    campaign: Mapped[SurveyCampaign] = relationship()
    key: Mapped[str] = mapped_column(String(60), comment="contract:7 or party:12: nobody is asked twice")
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party | None] = relationship()
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    account: Mapped[Account | None] = relationship()
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract | None] = relationship()
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("party_contact.id", ondelete="RESTRICT"))
    contact: Mapped[PartyContact | None] = relationship()
    quota_id: Mapped[int | None] = mapped_column(ForeignKey("survey_quota.id", ondelete="RESTRICT"))
    quota: Mapped[SurveyQuota | None] = relationship()
    position: Mapped[int] = mapped_column(default=0, comment="Order of the drawing: reserves come after the target of their stratum")
    is_reserve: Mapped[bool] = mapped_column(default=False, comment="Asked only when somebody drawn before drops out")
    name: Mapped[str] = mapped_column(String(160))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    status: Mapped[InviteeStatus] = enum_column(InviteeStatus, "status_known", default=InviteeStatus.WAITING)
    invited_on: Mapped[date | None] = mapped_column(comment="When the link went out")
    n_reminders: Mapped[int] = mapped_column(default=0)
    reminded_on: Mapped[date | None]
    n_attempts: Mapped[int] = mapped_column(default=0, comment="Calls")
    call_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Not to be called before")
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), comment="Interviewer who has them")
    held_by: Mapped[User | None] = relationship(foreign_keys=[held_by_id])
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name


class SurveyCall(Model):
    """A call to an invitee and what became of it; never changed."""

    __tablename__ = "survey_call"
    __table_args__ = (
        CheckConstraint("(outcome = 'CALL_BACK') = (call_back_at IS NOT NULL)", name="call_back_has_its_hour"),
        CheckConstraint("call_back_at IS NULL OR call_back_at > at", name="call_back_later"),
        Index(None, "invitee_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    invitee_id: Mapped[int] = mapped_column(ForeignKey("survey_invitee.id", ondelete="RESTRICT"))
    invitee: Mapped[SurveyInvitee] = relationship()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    user: Mapped[User | None] = relationship()
    outcome: Mapped[CallOutcome] = enum_column(CallOutcome, "outcome_known")
    call_back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return self.outcome.name


class SurveyOptOut(Audited, Model):
    """That a party wants no more surveys, since when and how it was said; ended if they change their mind."""

    __tablename__ = "survey_opt_out"
    __table_args__ = (
        CheckConstraint("ended_at IS NULL OR ended_at >= since_at", name="since_before_ended"),
        Index("uq_survey_opt_out_party", "party_id", unique=True,
              sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party] = relationship()
    since_at: Mapped[datetime] = mapped_column(UtcDateTime)
    via: Mapped[AnswerVia] = enum_column(AnswerVia, "via_known")
    note: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return str(self.party)


class SurveyResponse(Model):
    """
    The answers of one person to a campaign. Its segments (service, zone, stratum, process) are those of the day it was begun.

    Who answered is shown beside the answers only where `is_named`: they agreed to the text `consent_text_id`.
    """

    __tablename__ = "survey_response"
    __table_args__ = (
        UniqueConstraint("invitee_id"),
        UniqueConstraint("campaign_id", "source", "source_number"),
        CheckConstraint("(status = 'SCREENED') = (length(screened_reason) > 0)", name="screened_says_why"),
        CheckConstraint("status <> 'COMPLETE' OR completed_at IS NOT NULL", name="complete_has_its_hour"),
        CheckConstraint("NOT is_named OR consent_text_id IS NOT NULL", name="named_agreed"),
        CheckConstraint("(source IS NULL) = (source_number IS NULL)", name="source_whole"),
        CheckConstraint("via <> 'IMPORT' OR source IS NOT NULL", name="file_names_its_row"),
        CheckConstraint("via NOT IN ('LINK', 'PHONE') OR invitee_id IS NOT NULL", name="link_and_phone_know_whom"),
        CheckConstraint("stratum BETWEEN 1 AND 6", name="stratum_1_to_6"),
        CheckConstraint("version >= 0", name="version_not_negative"),
        Index(None, "campaign_id", "status", "answered_on"),
        Index(None, "quota_id"),
        Index(None, "contract_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("survey_campaign.id", ondelete="RESTRICT"))
    campaign: Mapped[SurveyCampaign] = relationship()
    invitee_id: Mapped[int | None] = mapped_column(ForeignKey("survey_invitee.id", ondelete="RESTRICT"))
    invitee: Mapped[SurveyInvitee | None] = relationship()
    via: Mapped[AnswerVia] = enum_column(AnswerVia, "via_known")
    status: Mapped[ResponseStatus] = enum_column(ResponseStatus, "status_known", default=ResponseStatus.PARTIAL)
    screened_reason: Mapped[str] = mapped_column(String(160), default="")
    language: Mapped[str] = mapped_column(String(5), default="es")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_on: Mapped[date] = mapped_column(comment="Local date of the last change before completing; by which answers are counted")
    interviewer_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), comment="Who asked, or typed it")
    interviewer: Mapped[User | None] = relationship()
    quota_id: Mapped[int | None] = mapped_column(ForeignKey("survey_quota.id", ondelete="RESTRICT"))
    quota: Mapped[SurveyQuota | None] = relationship()
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", ondelete="RESTRICT"))
    contract: Mapped[Contract | None] = relationship()
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="RESTRICT"))
    service: Mapped[Service | None] = relationship()
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    zone: Mapped[str] = mapped_column(String(80), default="")
    stratum: Mapped[int | None]
    is_named: Mapped[bool] = mapped_column(default=False)
    consent_text_id: Mapped[int | None] = mapped_column(ForeignKey("consent_text.id", ondelete="RESTRICT"))
    consent_text: Mapped[ConsentText | None] = relationship()
    wants_contact: Mapped[bool] = mapped_column(default=False)
    wants_case: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str | None] = mapped_column(String(80), comment="File, program or bundle of paper it came from")
    source_number: Mapped[str | None] = mapped_column(String(60))
    version: Mapped[int] = mapped_column(default=0, comment="Counts the savings")

    def __repr__(self) -> str:
        return str(self.id)


class SurveyAnswer(Model):
    """
    The answer to a question; one row for each option chosen, or each row of a matrix. `score` as it was given, `value` with reversed
    questions turned round (more is better), by which it is counted.
    """

    __tablename__ = "survey_answer"
    __table_args__ = (
        ForeignKeyConstraint(["question_id", "kind"], ["question.id", "question.kind"], ondelete="RESTRICT"),
        ForeignKeyConstraint(["option_id", "question_id"], ["question_option.id", "question_option.question_id"], ondelete="RESTRICT"),
        CheckConstraint(
            "(is_na AND score IS NULL AND value IS NULL AND number IS NULL AND words IS NULL AND (option_id IS NULL OR kind = 'MATRIX'))"
            " OR (NOT is_na AND score IS NOT NULL AND value IS NOT NULL AND number IS NULL AND words IS NULL"
            " AND ((kind = 'MATRIX' AND option_id IS NOT NULL)"
            " OR (kind IN ('SCALE5', 'SCALE7', 'NPS', 'YES_NO') AND option_id IS NULL)))"
            " OR (NOT is_na AND kind IN ('ONE', 'MANY') AND option_id IS NOT NULL AND score IS NULL AND value IS NULL AND number IS NULL)"
            " OR (NOT is_na AND kind = 'NUMBER' AND number IS NOT NULL AND option_id IS NULL AND score IS NULL AND value IS NULL"
            " AND words IS NULL)"
            " OR (NOT is_na AND kind = 'TEXT' AND length(words) > 0 AND option_id IS NULL AND score IS NULL AND value IS NULL"
            " AND number IS NULL)",
            name="fits_its_kind",
        ),
        CheckConstraint(
            "score IS NULL OR (kind IN ('SCALE5', 'MATRIX') AND score BETWEEN 1 AND 5 AND value IN (score, 6 - score))"
            " OR (kind = 'SCALE7' AND score BETWEEN 1 AND 7 AND value IN (score, 8 - score))"
            " OR (kind = 'NPS' AND score BETWEEN 0 AND 10 AND value = score)"
            " OR (kind = 'YES_NO' AND score BETWEEN 0 AND 1 AND value IN (score, 1 - score))",
            name="score_in_scale",
        ),
        Index("uq_survey_answer_single", "response_id", "question_id", unique=True,
              sqlite_where=text("option_id IS NULL"), postgresql_where=text("option_id IS NULL")),
        Index("uq_survey_answer_option", "response_id", "question_id", "option_id", unique=True,
              sqlite_where=text("option_id IS NOT NULL"), postgresql_where=text("option_id IS NOT NULL")),
        Index(None, "question_id", "response_id"),
        Index(None, "response_id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("survey_response.id", ondelete="RESTRICT"))
    response: Mapped[SurveyResponse] = relationship()
    question_id: Mapped[int] = mapped_column()
    question: Mapped[Question] = relationship(foreign_keys=[question_id])
    kind: Mapped[QuestionKind] = enum_column(QuestionKind, "kind_known", comment="Of the question")
    option_id: Mapped[int | None] = mapped_column()
    option: Mapped[QuestionOption | None] = relationship(foreign_keys=[option_id])
    score: Mapped[int | None]
    value: Mapped[int | None]
    number: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    words: Mapped[str | None] = mapped_column(Text, comment="Open text, or which other option")
    is_na: Mapped[bool] = mapped_column(default=False, comment="Does not know, or it does not apply")

    def __repr__(self) -> str:
        return str(self.id)


class SurveyTag(Audited, Model):
    """What open answers are about, in words of the house."""

    __tablename__ = "survey_tag"
    __table_args__ = (CheckConstraint("length(name) > 0", name="has_name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return self.name


class SurveyAnswerTag(Audited, Model):
    """That an open answer speaks of something."""

    __tablename__ = "survey_answer_tag"
    __table_args__ = (UniqueConstraint("answer_id", "tag_id"), Index(None, "tag_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey("survey_answer.id", ondelete="CASCADE"))
    answer: Mapped[SurveyAnswer] = relationship()
    tag_id: Mapped[int] = mapped_column(ForeignKey("survey_tag.id", ondelete="RESTRICT"))
    tag: Mapped[SurveyTag] = relationship()

    def __repr__(self) -> str:
        return str(self.tag)


class SurveyAlarm(Audited, Model):
    """That a threshold went off, by a figure or a response, or that whoever answered asked for a contact or a case: what has to be done."""

    __tablename__ = "survey_alarm"
    __table_args__ = (
        CheckConstraint("(status = 'OPEN') = (ended_on IS NULL)", name="ended_iff_not_open"),
        CheckConstraint("status = 'OPEN' OR length(result) > 0", name="ended_says_how"),
        CheckConstraint("due_on >= raised_on", name="raised_before_due"),
        Index("uq_survey_alarm_figure", "threshold_id", "campaign_id", unique=True,
              sqlite_where=text("response_id IS NULL"), postgresql_where=text("response_id IS NULL")),
        Index("uq_survey_alarm_response", "threshold_id", "response_id", unique=True,
              sqlite_where=text("response_id IS NOT NULL"), postgresql_where=text("response_id IS NOT NULL")),
        Index("uq_survey_alarm_asked_for", "response_id", "effect", unique=True,
              sqlite_where=text("threshold_id IS NULL"), postgresql_where=text("threshold_id IS NULL")),
        CheckConstraint("threshold_id IS NOT NULL OR (response_id IS NOT NULL AND effect <> 'ACTION')", name="threshold_or_asked_for"),
        Index(None, "status", "due_on"),
        Index(None, "campaign_id"),
        Index(None, "action_id"),
        Index(None, "pqr_id"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    threshold_id: Mapped[int | None] = mapped_column(
        ForeignKey("survey_threshold.id", ondelete="RESTRICT"), comment="Empty: whoever answered asked for it"
    )
    threshold: Mapped[SurveyThreshold | None] = relationship()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("survey_campaign.id", ondelete="RESTRICT"))
    campaign: Mapped[SurveyCampaign] = relationship()
    response_id: Mapped[int | None] = mapped_column(ForeignKey("survey_response.id", ondelete="RESTRICT"))
    response: Mapped[SurveyResponse | None] = relationship()
    effect: Mapped[AlarmEffect] = enum_column(AlarmEffect, "effect_known")
    what: Mapped[str] = mapped_column(Text, comment="What set it off, in words")
    figure: Mapped[Decimal | None] = mapped_column(Numeric(7, 2))
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    process: Mapped[Process | None] = relationship()
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    status: Mapped[AlarmStatus] = enum_column(AlarmStatus, "status_known", default=AlarmStatus.OPEN)
    raised_on: Mapped[date]
    due_on: Mapped[date]
    ended_on: Mapped[date | None]
    result: Mapped[str] = mapped_column(Text, default="")
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action.id", ondelete="RESTRICT"))
    action: Mapped[Action | None] = relationship()
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()

    def __repr__(self) -> str:
        return self.what[:80]
