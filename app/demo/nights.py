"""The nights of the demonstration company: what the law lets happen by itself, and what the manager does about it next morning."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from app import documents
from app.demo.lives import World
from app.documents.base import day
from app.domain.states import DocumentKind
from app.extensions import LOCAL_ZONE
from app.models import Silence
from app.operations import appeals, notices, requirements, silence

GRANTED = "Se concede lo que el usuario pidió, como si se le hubiera respondido a favor."
#: Silences older than these days were recognised; the last ones wait, for the visitor to see.
_WAITING_DAYS = 12


def pass_night(world: World, today: date) -> None:
    """Turn the day into *today*, as the nightly job does; then recognise what arose, as long as it is past."""
    at = datetime.combine(today, time(0, 10), LOCAL_ZONE)
    for duty in (notices.serve_due, requirements.end_overdue_evidence, appeals.close_final, silence.keep_up):
        duty(world.session, at)
    if (world.ends_at - at).days > _WAITING_DAYS:
        _recognise(world, at + timedelta(hours=8))


def _recognise(world: World, at: datetime) -> None:
    awaited = select(Silence).where(Silence.recognised_on.is_(None), Silence.withdrawn_on.is_(None)).order_by(Silence.id)
    manager = world.users["subgerente"]
    for row in world.session.scalars(awaited).all():
        pqr = row.pqr
        silence.to_recognise(world.session, pqr, at)
        fields = {"due": day(pqr.due_on) if pqr.due_on else None, "ground": "No se respondió en ese término.", "grants": GRANTED}
        act = documents.issue_act(world.session, pqr, DocumentKind.RECOGNITION, issuer=manager, at=at, fields=fields)
        silence.mark_recognised(world.session, row, GRANTED, act, order=None, change=None, at=at, actor_id=manager.id)
