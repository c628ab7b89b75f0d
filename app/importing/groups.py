"""The groups of interested parties to which parties belong."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.domain import N_
from app.importing.kinds import Field, Option, Run, Type
from app.importing.upserts import stamp_of
from app.models import InterestGroup, PartyGroup

GROUP = Field(
    "group", N_("Group of interested parties"), Type.CHOICE, example="Clientes",
    synonyms=("grupo", "parte interesada", "grupo de interés", "clase de parte", "tipo de parte"),
)  # fmt: skip


def group_options(session: Session) -> list[Option]:
    """Return the groups as values of a field."""
    return [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(InterestGroup).order_by(InterestGroup.position))]


def members_of(session: Session, party_ids: Iterable[int]) -> set[tuple[int, int]]:
    """Return which of these parties belong to which groups: (party, group)."""
    rows = session.execute(select(PartyGroup.party_id, PartyGroup.group_id).where(PartyGroup.party_id.in_(set(party_ids))))
    return {(row.party_id, row.group_id) for row in rows}


def join_groups(run: Run, pairs: Iterable[tuple[int, int]]) -> None:
    """Put parties into groups: (party, group); who is there already stays."""
    stamp = stamp_of(run)
    lines = [{"party_id": party_id, "group_id": group_id, **stamp} for party_id, group_id in sorted(set(pairs))]
    if lines:
        dialect_insert = postgresql_insert if run.session.get_bind().dialect.name == "postgresql" else sqlite_insert
        run.session.execute(dialect_insert(PartyGroup.__table__).on_conflict_do_nothing(), lines)
