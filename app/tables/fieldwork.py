"""Field work: orders and actas, their results and pictures."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.states import OrderKind, OrderStatus
from app.tables.acts import Document
from app.tables.base import Audited, UtcDateTime, enum_column
from app.tables.cases import Pqr, StoredFile
from app.tables.house import Organisation, Process
from app.tables.parties import Account


class FieldOrder(Audited, Model):
    """
    An order or acta of field work, from a case or from a debt. `result` holds the declared fields of its kind (`domain/fieldwork.py`).
    """

    __tablename__ = "field_order"
    __table_args__ = (
        CheckConstraint("pqr_id IS NOT NULL OR account_id IS NOT NULL", name="of_a_case_or_account"),
        CheckConstraint("status <> 'DONE' OR (done_on IS NOT NULL AND result IS NOT NULL)", name="done_has_result"),
        CheckConstraint("status NOT IN ('NOT_DONE', 'EXCUSED', 'VOIDED') OR length(reason) > 0", name="undone_has_reason"),
        CheckConstraint("done_on IS NULL OR done_on >= issued_on", name="issued_before_done"),
        CheckConstraint("kind IN ('WORK_ORDER', 'PRIOR_REVIEW') OR account_id IS NOT NULL", name="acta_has_account"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position_whole"),
        CheckConstraint("debt_cop IS NULL OR debt_cop >= 0", name="debt_not_negative"),
        Index(None, "pqr_id", "id"),
        Index(None, "account_id", "id"),
        Index(None, "assignee_id", "status", "due_on"),
        Index(None, "status", "due_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    organisation: Mapped[Organisation] = relationship()
    kind: Mapped[OrderKind] = enum_column(OrderKind, "kind_known")
    number: Mapped[str] = mapped_column(String(24), unique=True)
    status: Mapped[OrderStatus] = enum_column(OrderStatus, "status_known", default=OrderStatus.ISSUED)
    pqr_id: Mapped[int | None] = mapped_column(ForeignKey("pqr.id", ondelete="RESTRICT"))
    pqr: Mapped[Pqr | None] = relationship()
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    account: Mapped[Account | None] = relationship()
    process_id: Mapped[int | None] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"), comment="Who ordered it")
    process: Mapped[Process | None] = relationship()
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    instructions: Mapped[str] = mapped_column(Text, default="")
    invoice_number: Mapped[str | None] = mapped_column(String(30), comment="Debt that a suspension or cut rests on")
    debt_cop: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    issued_on: Mapped[date]
    due_on: Mapped[date | None] = mapped_column(comment="Until when it is to be done")
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="End of the 24 hours to reconnect")
    done_on: Mapped[date | None]
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])
    asked: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="What the office said: ground, cause, photo needed")
    deviation: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), comment="Verdict that asked for a prior review")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str] = mapped_column(Text, default="", comment="Why it was not done, excused or voided")
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    n_accuracy_m: Mapped[int | None]
    signed_by: Mapped[str] = mapped_column(String(120), default="", comment="Who attended, as they said")
    unsigned_reason: Mapped[str] = mapped_column(String(200), default="", comment="Why there is no signature")
    signature: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, comment="PNG drawn on the screen")
    submission: Mapped[str | None] = mapped_column(String(64), unique=True, comment="Token of the phone: a re-sent form is the same act")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True, comment="As ordered")
    document: Mapped[Document | None] = relationship(foreign_keys=[document_id])
    acta_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"), unique=True, comment="As done")
    acta: Mapped[Document | None] = relationship(foreign_keys=[acta_id])
    photos: Mapped[list[OrderFile]] = relationship(back_populates="order", order_by="OrderFile.file_id")

    def __repr__(self) -> str:
        return self.number


class OrderFile(Model):
    """A picture or paper of a field order."""

    __tablename__ = "order_file"
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False)
    file: Mapped[StoredFile] = relationship()
    order_id: Mapped[int] = mapped_column(ForeignKey("field_order.id", ondelete="RESTRICT"), index=True)
    order: Mapped[FieldOrder] = relationship(back_populates="photos")
