"""Templates of requirements: the order of what they require."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import RequirementItem


def make_room(session: Session, item: RequirementItem) -> None:
    """Give *item* the place that it asks for in its template, else the last; those from there on move down by one. Flushes."""
    with session.no_autoflush:
        others = select(RequirementItem).where(RequirementItem.template_id == item.template.id, RequirementItem.id != (item.id or 0))
        last = session.scalar(select(func.max(RequirementItem.position)).where(RequirementItem.template_id == item.template.id)) or 0
        rows = session.scalars(others.order_by(RequirementItem.position.desc())).all()
    wanted = item.position if item.position and item.position <= last else last + 1
    if any(row.position == wanted for row in rows):
        if item.id is not None:  # out of the way, while the others move
            item.position = 0
            session.flush()
        for row in rows:
            if row.position >= wanted:
                row.position += 1
                session.flush()
    item.position = wanted
