"""How each person works."""

from __future__ import annotations

from datetime import date

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import Audited


class SavedFilter(Audited, Model):
    """A list as somebody left it (filters, order, columns) under a name: theirs, or shared with a role; `query` is that of the URL."""

    __tablename__ = "saved_filter"
    __table_args__ = (
        UniqueConstraint("owner_id", "list_name", "name"),
        CheckConstraint("length(name) > 0", name="name_not_empty"),
        Index(None, "role_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    list_name: Mapped[str] = mapped_column(String(60), comment="The view whose list it narrows, by its name in the rights")
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000))
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    role_id: Mapped[int | None] = mapped_column(ForeignKey("ab_role.id", ondelete="SET NULL"), comment="Who else sees it")
    role: Mapped[Role | None] = relationship()
    is_pinned: Mapped[bool] = mapped_column(default=False, comment="Shown in the menu of whoever sees it")

    def __repr__(self) -> str:
        return self.name


class ListColumns(Model):
    """The columns of a list that somebody chose, in their order."""

    __tablename__ = "list_columns"
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    list_name: Mapped[str] = mapped_column(String(60), primary_key=True)
    names: Mapped[str] = mapped_column(String(1000), comment="Comma-separated")


class Signature(Audited, Model):
    """The signature of a person as a picture, set above their name in what they issue."""

    __tablename__ = "signature"
    __table_args__ = (CheckConstraint("media_type IN ('image/png', 'image/jpeg')", name="picture_known"),)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    title: Mapped[str] = mapped_column(String(120), default="", comment="Position printed under the name")
    image: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, comment="At most 300 KB")
    media_type: Mapped[str] = mapped_column(String(20))


class Leave(Audited, Model):
    """That somebody is away and who stands in: during these dates the substitute sees and handles what is theirs."""

    __tablename__ = "leave"
    __table_args__ = (
        CheckConstraint("user_id <> substitute_id", name="somebody_else"),
        CheckConstraint("starts_on <= ends_on", name="start_before_end"),
        Index(None, "substitute_id", "starts_on"),
        Index(None, "user_id", "starts_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    substitute_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    substitute: Mapped[User] = relationship(foreign_keys=[substitute_id])
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    act: Mapped[str] = mapped_column(String(200), default="", comment="What orders it")

    def __repr__(self) -> str:
        return f"{self.user}: {self.substitute}"
