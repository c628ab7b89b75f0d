"""
Alarms of surveys: what an answer, or a figure at closing, asks for: an action, a contact with the customer, or a case of theirs.

A threshold goes off once for a response and once for a campaign, however often it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.models import SurveyAlarm, SurveyCampaign, SurveyResponse


def on_response(session: Session, response: SurveyResponse, *, at: datetime) -> Sequence[SurveyAlarm]:
    """Raise what the answers of *response*, which is complete, ask for; return the new alarms, flushed. Safe to repeat."""
    return ()


def on_close(session: Session, campaign: SurveyCampaign, *, at: datetime) -> Sequence[SurveyAlarm]:
    """Raise what the figures of *campaign*, which was just closed, ask for; return the new alarms, flushed. Safe to repeat."""
    return ()
