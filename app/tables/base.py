"""What every table shares: aware instants, enums by name, and who touched a row."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import DateTime, ForeignKey, TypeDecorator
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import Mapped, mapped_column

import app.extensions  # noqa: F401  the naming convention comes before the first table


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. Stored with its zone where the engine can (PostgreSQL), as naive UTC where it cannot (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive instant {value!r}: say which zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(enum: type[Enum], constraint: str, **options: Any) -> Any:
    """Return a column that stores the member's *name* as text, with a CHECK called *constraint*."""
    length = max(24, *(len(member.name) for member in enum))
    kind = EnumType(enum, native_enum=False, create_constraint=True, name=constraint, length=length, validate_strings=True)
    return mapped_column(kind, **options)


def names_of(enum_members: tuple[Enum, ...]) -> str:
    return ", ".join(f"'{member.name}'" for member in enum_members)


class Audited:
    """
    Who made a row and who touched it last; both may be nobody (jobs, seeds, citizens). `app/audit.py` fills them and
    writes the before/after of every column to `change_log` in the same transaction.
    """

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
