"""Reminders by the clock: looking keeps nobody from writing, and most runs only look."""

from __future__ import annotations

from datetime import datetime

from flask import g
from sqlalchemy.orm import Session

from app.extensions import start_writing
from app.operations import reminders


def remind(session: Session, at: datetime) -> int:
    """Tell everybody what is due, in working hours; return how many reminders were written."""
    session.rollback()
    g.is_reading = True
    try:
        is_anything_due = reminders.is_open(session, at) and bool(reminders.due(session, at))
    finally:
        start_writing()
    return reminders.remind(session, at) if is_anything_due else 0
