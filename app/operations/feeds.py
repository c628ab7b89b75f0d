"""The secret address of a person's calendar: made, changed, taken away, and found again. Only a hash of it is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.models import CalendarFeed

#: How often at most it is noted that somebody read it.
NOTED_EACH = timedelta(hours=1)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_feed(session: Session, user_id: int, at: datetime) -> str:
    """Return a new token for the calendar of *user_id*; the address before, if there was one, leads nowhere from now on."""
    token = secrets.token_urlsafe(32)
    close_feed(session, user_id)
    session.add(CalendarFeed(user_id=user_id, token_hash=_hash(token), created_at=at))
    session.flush()
    return token


def close_feed(session: Session, user_id: int) -> None:
    """Take the address away."""
    session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == user_id))


def feed_of(session: Session, token: str) -> CalendarFeed | None:
    """Return the feed that *token* opens."""
    return session.scalar(select(CalendarFeed).where(CalendarFeed.token_hash == _hash(token)))


def is_noted(feed: CalendarFeed, at: datetime) -> bool:
    """Return whether it is already written down that it was read around *at*."""
    return feed.read_at is not None and feed.read_at > at - NOTED_EACH


def note_read(session: Session, user_id: int, at: datetime) -> None:
    session.execute(update(CalendarFeed).where(CalendarFeed.user_id == user_id).values(read_at=at))
