"""What comes in from other programs and goes out to them: imports, billing, webhooks, the feed of a calendar."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import BillingKind, BillingStatus, ImportStatus, IssueStatus, MessageStatus, PastKind
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr, StoredFile
from app.tables.fieldwork import FieldOrder
from app.tables.house import Municipality, Organisation
from app.tables.money import Financing, InvoiceChange
from app.tables.parties import Account, Party
from app.tables.work import Job

# ── In: files of other programs ───────────────────────────────────────────────────────────────────────────────────────────


class ImportBatch(Audited, Model):
    """A file that somebody brings in: how it is read, what it would change, what it changed."""

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint(
            "n_rows >= 0 AND n_new >= 0 AND n_changed >= 0 AND n_same >= 0 AND n_bad >= 0 AND n_done >= 0", name="counts_not_negative"
        ),
        CheckConstraint("header_row >= 0 AND n_header_rows >= 0", name="header_not_negative"),
        Index(None, "created_at", "id"),
        Index(None, "kind", "created_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), comment="What the rows are: see app/importing")
    subject: Mapped[str] = mapped_column(String(40), default="", comment="What the rows are about, for a kind whose columns depend on it")
    source: Mapped[str] = mapped_column(String(40), default="", comment="Program or register that the rows come from")
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship(foreign_keys=[file_id])
    file_name: Mapped[str] = mapped_column(String(160))
    sheet: Mapped[str] = mapped_column(String(120), default="")
    header_row: Mapped[int] = mapped_column(default=0, comment="First row of the header, from 0")
    n_header_rows: Mapped[int] = mapped_column(default=1)
    fingerprint: Mapped[str] = mapped_column(String(64), default="", comment="Of the header, whatever the order of its rows")
    reading: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="Encoding, delimiter, notation of numbers and dates")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="Field → column")
    value_map: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="Field → value as written → value as we know it")
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    status: Mapped[ImportStatus] = enum_column(ImportStatus, "status_known", default=ImportStatus.UPLOADED)
    n_rows: Mapped[int] = mapped_column(default=0)
    n_new: Mapped[int] = mapped_column(default=0)
    n_changed: Mapped[int] = mapped_column(default=0)
    n_same: Mapped[int] = mapped_column(default=0)
    n_bad: Mapped[int] = mapped_column(default=0)
    n_done: Mapped[int] = mapped_column(default=0, comment="Rows of the file that are in the database, or were refused, for good")
    totals: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="Control sums")
    detail: Mapped[str] = mapped_column(Text, default="", comment="What was done, in words")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="RESTRICT"))
    job: Mapped[Job | None] = relationship()
    error_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    error_file: Mapped[StoredFile | None] = relationship(foreign_keys=[error_file_id])

    def __repr__(self) -> str:
        return self.file_name


class ImportMapping(Audited, Model):
    """How a header was understood the last time, so that nobody explains the same file twice."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("kind", "fingerprint"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    fingerprint: Mapped[str] = mapped_column(String(64))
    columns: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    value_map: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class QualityIssue(Audited, Model):
    """A row of a file that cannot be true as it came; it is in no report until somebody settles it."""

    __tablename__ = "quality_issue"
    __table_args__ = (
        UniqueConstraint("import_id", "row_number", "code"),
        CheckConstraint("row_number > 0", name="row_number_positive"),
        CheckConstraint("(status = 'OPEN') = (settled_at IS NULL)", name="settled_iff_not_open"),
        CheckConstraint("status <> 'IGNORED' OR length(why) > 0", name="ignored_says_why"),
        Index(None, "status", "created_at"),
        Index(None, "source", "source_number"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="RESTRICT"))
    batch: Mapped[ImportBatch] = relationship()
    row_number: Mapped[int] = mapped_column(comment="In the file, from 1, header included")
    code: Mapped[str] = mapped_column(String(40), comment="Rule that it breaks")
    text: Mapped[str] = mapped_column(Text, comment="msgid of the refusal")
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="What goes into the text")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="The row as it came")
    source: Mapped[str] = mapped_column(String(40), default="")
    source_number: Mapped[str] = mapped_column(String(60), default="")
    status: Mapped[IssueStatus] = enum_column(IssueStatus, "status_known", default=IssueStatus.OPEN)
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    settled_by: Mapped[User | None] = relationship(foreign_keys=[settled_by_id])
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    why: Mapped[str] = mapped_column(Text, default="")
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"), index=True, comment="The case it became")
    pqr: Mapped[Pqr | None] = relationship()


class Invoice(Audited, Model):
    """An invoice as the billing system issued it."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("account_id", "number"),
        CheckConstraint("length(period) = 7", name="period_is_a_month"),
        CheckConstraint("delivered_on IS NULL OR delivered_on >= issued_on", name="issued_before_delivered"),
        Index(None, "number"),
        Index(None, "account_id", "period"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    account: Mapped[Account] = relationship()
    number: Mapped[str] = mapped_column(String(30))
    period: Mapped[str] = mapped_column(String(7), comment="2026-07")
    issued_on: Mapped[date]
    delivered_on: Mapped[date | None]
    due_on: Mapped[date | None]
    amount_cop: Mapped[Decimal] = mapped_column(Numeric(16, 2), comment="Negative: in favour of the customer")
    consumption: Mapped[Decimal | None] = mapped_column(Numeric(14, 3), comment="In the unit of the service: m³, kWh")

    def __repr__(self) -> str:
        return self.number


class MarketClaim(Model):
    """How many claims the companies of a municipality had in a year: public statistics of the regulator (SUI)."""

    __tablename__ = "market_claim"
    __table_args__ = (
        UniqueConstraint("source", "year", "place", "procedure", "cause"),
        CheckConstraint("n_claims >= 0", name="claims_not_negative"),
        CheckConstraint("year BETWEEN 1990 AND 2100", name="year_plausible"),
        Index(None, "year", "place"),
        Index(None, "municipality_code"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(40), comment="Which statistics, e.g. SUI energía Atlántico")
    year: Mapped[int]
    place: Mapped[str] = mapped_column(String(80), comment="Municipality as the file names it")
    municipality_code: Mapped[str | None] = mapped_column(ForeignKey("municipality.code", ondelete="RESTRICT"))
    municipality: Mapped[Municipality | None] = relationship()
    procedure: Mapped[str] = mapped_column(String(120))
    cause: Mapped[str] = mapped_column(String(240))
    n_claims: Mapped[int] = mapped_column(BigInteger)


class PastRecord(Audited, Model):
    """A row of another program's register, kept as it came."""

    __tablename__ = "past_record"
    __table_args__ = (
        UniqueConstraint("kind", "source", "source_number"),
        CheckConstraint("length(source) > 0 AND length(source_number) > 0", name="comes_from_somewhere"),
        Index(None, "kind", "on_date"),
        Index(None, "party_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PastKind] = enum_column(PastKind, "kind_known")
    source: Mapped[str] = mapped_column(String(40))
    source_number: Mapped[str] = mapped_column(String(60))
    on: Mapped[date | None] = mapped_column("on_date")
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="RESTRICT"))
    party: Mapped[Party | None] = relationship()
    title: Mapped[str] = mapped_column(String(240), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import_batch.id", ondelete="RESTRICT"))

    def __repr__(self) -> str:
        return self.source_number


# ── Out: what the billing system is told ──────────────────────────────────────────────────────────────────────────────────


class BillingBatch(Audited, Model):
    """A numbered file for the billing system; its content never changes."""

    __tablename__ = "billing_batch"
    __table_args__ = (
        CheckConstraint("n_items > 0", name="not_empty"),
        CheckConstraint("n_billed >= 0 AND n_rejected >= 0 AND n_billed + n_rejected <= n_items", name="answers_fit"),
        Index(None, "created_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="FAC-2026-000012; gap-free")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    n_items: Mapped[int]
    n_billed: Mapped[int] = mapped_column(default=0)
    n_rejected: Mapped[int] = mapped_column(default=0, comment="Also those that were sent again or given up")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile | None] = relationship()
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="RESTRICT"), unique=True)
    job: Mapped[Job | None] = relationship()
    made_by: Mapped[User | None] = relationship(
        primaryjoin="BillingBatch.created_by_id == User.id", foreign_keys="BillingBatch.created_by_id", viewonly=True
    )
    items: Mapped[list[BillingItem]] = relationship(back_populates="batch", order_by="BillingItem.id")

    def __repr__(self) -> str:
        return self.number


_ONE_SOURCE = (
    "(kind = 'SOLUTION' AND pqr_id IS NOT NULL AND change_id IS NULL AND financing_id IS NULL AND order_id IS NULL)"
    " OR (kind = 'INVOICE_CHANGE' AND change_id IS NOT NULL AND financing_id IS NULL AND order_id IS NULL)"
    " OR (kind = 'FINANCING' AND financing_id IS NOT NULL AND change_id IS NULL AND order_id IS NULL)"
    " OR (kind = 'RECONNECTION' AND order_id IS NOT NULL AND change_id IS NULL AND financing_id IS NULL)"
)


def _once(column: str, condition: str = "") -> Index:
    """Return the index that keeps a thing out of two batches, unless the first was rejected and somebody sends it again."""
    where = text(f"status <> 'RESENT'{condition}")
    return Index(f"uq_billing_item_{column}", column, unique=True, sqlite_where=where, postgresql_where=where)


class BillingItem(Model):
    """One thing told in a batch, and what the billing system did with it. `pqr_id`: the case it belongs to, of whatever kind."""

    __tablename__ = "billing_item"
    __table_args__ = (
        CheckConstraint(_ONE_SOURCE, name="kind_names_its_row"),
        CheckConstraint("(status = 'SENT') = (result_on IS NULL)", name="result_has_date"),
        CheckConstraint("(status = 'SENT') = (reply_id IS NULL)", name="result_has_reply"),
        CheckConstraint("status IN ('SENT', 'BILLED') OR length(result_text) > 0", name="rejected_says_why"),
        CheckConstraint("(status IN ('RESENT', 'DROPPED')) = (handled_at IS NOT NULL)", name="handled_whole"),
        CheckConstraint("status <> 'DROPPED' OR length(handled_why) > 0", name="dropped_says_why"),
        UniqueConstraint("batch_id", "number"),
        _once("pqr_id", " AND kind = 'SOLUTION'"),
        _once("change_id"),
        _once("financing_id"),
        _once("order_id"),
        UniqueConstraint("batch_id", "position"),
        Index(None, "pqr_id", "id"),
        Index(None, "status", "batch_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("billing_batch.id", ondelete="RESTRICT"))
    batch: Mapped[BillingBatch] = relationship(back_populates="items")
    position: Mapped[int]
    kind: Mapped[BillingKind] = enum_column(BillingKind, "kind_known")
    number: Mapped[str] = mapped_column(String(24), comment="Of the case, change, order or acta: the answer names it")
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    change_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_change.id", ondelete="RESTRICT"))
    change: Mapped[InvoiceChange | None] = relationship()
    financing_id: Mapped[int | None] = mapped_column(ForeignKey("financing.id", ondelete="RESTRICT"))
    financing: Mapped[Financing | None] = relationship()
    order_id: Mapped[int | None] = mapped_column(ForeignKey("field_order.id", ondelete="RESTRICT"))
    order: Mapped[FieldOrder | None] = relationship()
    status: Mapped[BillingStatus] = enum_column(BillingStatus, "status_known", default=BillingStatus.SENT)
    result_on: Mapped[date | None]
    result_text: Mapped[str] = mapped_column(Text, default="")
    reference: Mapped[str] = mapped_column(String(60), default="", comment="Of the billing system")
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("billing_reply.id", ondelete="RESTRICT"), index=True)
    reply: Mapped[BillingReply | None] = relationship()
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When somebody sent a rejected one again, or gave it up")
    handled_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    handled_by: Mapped[User | None] = relationship()
    handled_why: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return self.number


class BillingReply(Audited, Model):
    """A file with what the billing system answers. It is looked at first; the counts are of the moment it was applied."""

    __tablename__ = "billing_reply"
    __table_args__ = (
        CheckConstraint("n_lines >= 0 AND n_billed >= 0 AND n_rejected >= 0 AND n_same >= 0 AND n_bad >= 0", name="counts_not_negative"),
        CheckConstraint("n_billed + n_rejected + n_same + n_bad <= n_lines", name="counts_fit"),
        CheckConstraint("applied_at IS NOT NULL OR n_lines = 0", name="counted_when_applied"),
        Index(None, "created_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    applied_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    applied_by: Mapped[User | None] = relationship(foreign_keys=[applied_by_id])
    n_lines: Mapped[int] = mapped_column(default=0)
    n_billed: Mapped[int] = mapped_column(default=0)
    n_rejected: Mapped[int] = mapped_column(default=0)
    n_same: Mapped[int] = mapped_column(default=0)
    n_bad: Mapped[int] = mapped_column(default=0)

    def __repr__(self) -> str:
        return f"#{self.id}"


class BillingColumn(Audited, Model):
    """A column of the file of one kind, in its order: a field, or a text that is always the same."""

    __tablename__ = "billing_column"
    __table_args__ = (
        UniqueConstraint("kind", "header"),
        CheckConstraint("length(header) > 0", name="header_not_empty"),
        CheckConstraint("(length(field) > 0) <> (constant IS NOT NULL)", name="field_or_constant"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[BillingKind] = enum_column(BillingKind, "kind_known")
    position: Mapped[int] = mapped_column(default=0)
    header: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(60), default="")
    constant: Mapped[str | None] = mapped_column(String(120))
    notation: Mapped[str] = mapped_column(String(20), default="", comment="Of dates and numbers; empty: as they are")

    def __repr__(self) -> str:
        return self.header


# ── Out: programs that want to know, and calendars ────────────────────────────────────────────────────────────────────────


class Webhook(Audited, Model):
    """An address that is told the events of cases, signed with a secret that only both know."""

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint("length(url) > 0", name="url_not_empty"),
        CheckConstraint("n_failures >= 0", name="failures_not_negative"),
        CheckConstraint("paused_at IS NULL OR length(paused_why) > 0", name="paused_says_why"),
        CheckConstraint("(previous_secret IS NULL) = (previous_until IS NULL)", name="previous_secret_ends"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(120), comment="Shown once, never listed, exported or logged")
    previous_secret: Mapped[str | None] = mapped_column(String(120), comment="Signs too until `previous_until`, while the receiver changes")
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    events: Mapped[str] = mapped_column(String(500), comment="Comma-separated")
    is_active: Mapped[bool] = mapped_column(default=True)
    n_failures: Mapped[int] = mapped_column(default=0, comment="In a row")
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_why: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self) -> str:
        return self.name


class WebhookDelivery(Model):
    """One event for one address: a row of the transaction that caused it, delivered by a job; repeats carry the same `key`."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "key"),
        CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent_at_iff_sent"),
        CheckConstraint("status IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'DISCARDED')", name="status_of_a_delivery"),
        CheckConstraint("n_attempts >= 0", name="attempts_not_negative"),
        Index(None, "status", "next_attempt_at"),
        Index(None, "created_at", "id"),
        Index(None, "pqr_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="RESTRICT"))
    webhook: Mapped[Webhook] = relationship()
    key: Mapped[str] = mapped_column(String(80))
    event: Mapped[str] = mapped_column(String(40))
    payload: Mapped[str] = mapped_column(Text)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    status: Mapped[MessageStatus] = enum_column(MessageStatus, "status_known", default=MessageStatus.QUEUED)
    n_attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    was_interrupted: Mapped[bool] = mapped_column(default=False)
    last_status: Mapped[int | None] = mapped_column(comment="HTTP code of the last answer")
    last_answer: Mapped[str] = mapped_column(Text, default="", comment="Start of what the receiver said")
    last_error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return f"{self.event} {self.key}"


class CalendarFeed(Model):
    """The secret address under which a calendar program reads the due dates of one person; only its hash is kept."""

    __tablename__ = "calendar_feed"
    __table_args__ = (CheckConstraint("length(token_hash) = 64", name="hash_whole"),)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    user: Mapped[User] = relationship()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
