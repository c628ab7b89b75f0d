"""What is remembered: changes, words to search by, hits of the rate limiter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import UtcDateTime


class ChangeLog(Model):
    """Before and after of one row in one transaction; written by `app/audit.py`, never changed or deleted."""

    __tablename__ = "change_log"
    __table_args__ = (Index(None, "table_name", "row_id"), Index(None, "at"), Index(None, "actor_id", "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    actor: Mapped[User | None] = relationship()
    request_id: Mapped[str] = mapped_column(String(36), default="")
    table_name: Mapped[str] = mapped_column(String(60))
    row_id: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(8), comment="insert, update or delete")
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")


class SearchDoc(Model):
    """
    The words that a row of some table is found by, folded; written by `app/search.py` in the transaction that changes the row.

    PostgreSQL keeps them as a tsvector, with a GIN index for each kind; on SQLite triggers carry them to `search_words` (FTS5).
    """

    KINDS = (
        "pqr", "party", "account", "outbox_message", "quotation", "contract", "party_contact", "action", "action_task", "survey_campaign",
        "nonconformity", "risk", "legal_requirement", "controlled_document",
    )  # fmt: skip
    __tablename__ = "search_doc"
    __table_args__ = (
        UniqueConstraint("kind", "row_id"),
        *(
            Index(f"ix_search_doc_{kind}", "words", postgresql_using="gin", postgresql_where=text(f"kind = '{kind}'"),
                  postgresql_with={"fastupdate": "off"}).ddl_if(dialect="postgresql")
            for kind in KINDS
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), comment="Table of the row")
    row_id: Mapped[int]
    words: Mapped[str] = mapped_column(Text().with_variant(TSVECTOR(), "postgresql"), comment="Folded, each once")


class RateCounter(Model):
    """Hits of one key in one window: the store of the rate limiter, shared by every web node."""

    __tablename__ = "rate_counter"
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    n_hits: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
