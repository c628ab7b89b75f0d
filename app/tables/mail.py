"""Mail: what leaves, in which words, how each person wants it; and what arrived."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import Delivery, InboundStatus, MessageStatus
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Note, Pqr, StoredFile


class OutboxMessage(Model):
    """An e-mail to send: a row of the transaction that caused it, sent by a job, once (`key` is unique)."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent_at_iff_sent"),
        CheckConstraint("n_attempts >= 0", name="attempts_not_negative"),
        CheckConstraint("(status = 'DIGESTED') = (digest_id IS NOT NULL)", name="digested_names_the_digest"),
        CheckConstraint("status NOT IN ('HELD', 'DIGESTED') OR user_id IS NOT NULL", name="only_staff_waits_for_a_digest"),
        CheckConstraint("status <> 'DISCARDED' OR coalesce(length(last_error), 0) > 0", name="given_up_has_reason"),
        Index(None, "status", "next_attempt_at"),
        Index(None, "created_at", "id"),
        Index(None, "pqr_id"),
        Index(None, "user_id", "created_at"),
        Index(None, "digest_id"),
        Index(None, "attachment_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="Names the cause, e.g. receipt:PQR-2026-000123")
    event: Mapped[str] = mapped_column(String(40))
    to_address: Mapped[str] = mapped_column(String(254))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), comment="The addressee, if of the staff")
    user: Mapped[User | None] = relationship()
    language: Mapped[str] = mapped_column(String(5), default="es", server_default="es")
    subject: Mapped[str] = mapped_column(String(240))
    body: Mapped[str] = mapped_column(Text)
    html_body: Mapped[str | None] = mapped_column(Text)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    status: Mapped[MessageStatus] = enum_column(MessageStatus, "status_known", default=MessageStatus.QUEUED)
    n_attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    was_interrupted: Mapped[bool] = mapped_column(
        default=False, server_default=text("false"), comment="A worker died while sending it: the addressee may have it twice"
    )
    last_error: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    in_reply_to: Mapped[str | None] = mapped_column(String(250), comment="Message-ID of what it answers")
    reference_ids: Mapped[str | None] = mapped_column(Text, comment="Message-IDs of the thread, oldest first")
    reply_to: Mapped[str | None] = mapped_column(String(254), comment="Where an answer goes, when not to the house")
    unsubscribe_url: Mapped[str | None] = mapped_column(String(300), comment="Page where the addressee says to get no more of these")
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), comment="File that goes with it")
    attachment: Mapped[StoredFile | None] = relationship()
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("outbox_message.id", ondelete="RESTRICT"))
    digest: Mapped[OutboxMessage | None] = relationship(remote_side=[id])
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.subject


class MessageTemplate(Audited, Model):
    """The words of a message, with {fields} of its event; a line whose fields are all empty vanishes."""

    __tablename__ = "message_template"
    __table_args__ = (
        UniqueConstraint("event", "language"),
        CheckConstraint("language IN ('es', 'en')", name="language_known"),
        CheckConstraint("length(subject) > 0 AND length(body) > 0", name="says_something"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(5), default="es")
    subject: Mapped[str] = mapped_column(String(240))
    body: Mapped[str] = mapped_column(Text)

    def __repr__(self) -> str:
        return f"{self.event} ({self.language})"


class NoticePreference(Model):
    """How a person wants to hear of an event; without a row, as the event is declared."""

    __tablename__ = "notice_preference"
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    event: Mapped[str] = mapped_column(String(40), primary_key=True)
    delivery: Mapped[Delivery] = enum_column(Delivery, "delivery_known")


class MailLanguage(Model):
    """In which language a person of the staff reads mail; without a row, in that of the acts."""

    __tablename__ = "mail_language"
    __table_args__ = (CheckConstraint("language IN ('es', 'en')", name="language_known"),)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(String(5))


class InboundMessage(Audited, Model):
    """A message that arrived in the mailbox: known by its Message-ID, so that reading twice changes nothing."""

    __tablename__ = "inbound_message"
    __table_args__ = (
        CheckConstraint("status NOT IN ('FILED', 'NOTED') OR pqr_id IS NOT NULL", name="belongs_to_its_case"),
        CheckConstraint("status <> 'NOTED' OR note_id IS NOT NULL", name="noted_has_its_note"),
        CheckConstraint("status NOT IN ('QUARANTINED', 'IGNORED', 'DISCARDED') OR length(ground) > 0", name="set_aside_has_ground"),
        CheckConstraint("status <> 'DISCARDED' OR length(reason) > 0", name="discarded_has_reason"),
        CheckConstraint("length(sha256) = 64", name="sha256_whole"),
        Index(None, "status", "received_at"),
        Index(None, "received_at", "id"),
        Index(None, "pqr_id"),
        Index(None, "from_address", "received_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(250), unique=True, comment="As its sender wrote it; made from the content if absent")
    sha256: Mapped[str] = mapped_column(String(64), comment="Of the whole message")
    mailbox: Mapped[str] = mapped_column(String(160), default="")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="When our mail server received it")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="As the sender says")
    from_address: Mapped[str] = mapped_column(String(254), default="")
    from_name: Mapped[str] = mapped_column(String(160), default="")
    to_address: Mapped[str] = mapped_column(String(254), default="")
    subject: Mapped[str] = mapped_column(String(240), default="")
    body: Mapped[str] = mapped_column(Text, default="", comment="The whole text")
    body_trimmed: Mapped[str] = mapped_column(Text, default="", comment="Without quotes and signature")
    in_reply_to: Mapped[str | None] = mapped_column(String(250))
    n_bytes: Mapped[int] = mapped_column(default=0)
    raw_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    raw_file: Mapped[StoredFile | None] = relationship()
    status: Mapped[InboundStatus] = enum_column(InboundStatus, "status_known")
    ground: Mapped[str] = mapped_column(String(40), default="", comment="Code of why it was set aside")
    reason: Mapped[str] = mapped_column(Text, default="", comment="What a person wrote when deciding")
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    note_id: Mapped[int | None] = mapped_column(ForeignKey("note.id", ondelete="RESTRICT"), unique=True)
    note: Mapped[Note | None] = relationship()
    handled_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    handled_by: Mapped[User | None] = relationship(foreign_keys=[handled_by_id])
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.subject or self.message_id
