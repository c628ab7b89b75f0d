"""
The one door by which answers to a survey are written: personal link, printed code, kiosk, telephone, paper and file.

A response is begun, saved as often as needed, and completed or screened out; only while its campaign takes answers. What is kept of it
is always right: what cannot be read is refused beside its question, and answers to questions that no longer show are taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain.campaigns import AnswerVia
from app.domain.errors import DomainError
from app.models import ConsentText, SurveyCampaign, SurveyInvitee, SurveyOptOut, SurveyResponse


class StaleAnswers(DomainError):
    """Somebody saved the same answers since they were read: another tab, or the interviewer."""


class Unanswered(DomainError):
    """Questions that need an answer have none; `codes` names them, in the order they are asked."""

    codes: tuple[str, ...] = ()


def begin(
    session: Session,
    campaign: SurveyCampaign,
    *,
    via: AnswerVia,
    at: datetime,
    invitee: SurveyInvitee | None = None,
    language: str = "es",
    interviewer_id: int | None = None,
    source: str | None = None,
    source_number: str | None = None,
) -> SurveyResponse:
    """
    Return the response of *invitee*, begun or resumed, or a new one when nobody in particular answers; flushed.

    The segments (quota, contract, service, zone, stratum, process) are copied from the invitee. A complete one is returned only to
    its own personal link, which may change it until the campaign closes.

    Raises:
        DomainError: The campaign takes no answers (not open yet, closed, another channel), or this person answered or opted out already.
    """
    raise NotImplementedError


def save(
    session: Session, response: SurveyResponse, raw: Mapping[str, Any], *, at: datetime, version: int | None = None
) -> dict[str, DomainError]:
    """
    Store what is right of *raw* and return the refusal of each field that is not, by its key in *raw*; flushed.

    Questions that *raw* does not name stay as they are. After it, what no longer shows is taken away; a complete response that
    lacks an answer now is half-filled again.

    Args:
        raw: By code of the question: text, or a list of codes; "code.option" for a row of a matrix; "code.words" for which other
            one. "" takes the answer away, "NA" says that it does not apply.
        version: `response.version` when it was read: with another one now, nothing is stored.

    Raises:
        StaleAnswers: It was saved meanwhile.
        DomainError: The campaign takes no answers any more, or the response was screened out.
    """
    raise NotImplementedError


def complete(session: Session, response: SurveyResponse, *, at: datetime) -> SurveyResponse:
    """
    Count the response as filled in, and let its alarms go off; return it, flushed. Done before, it changes nothing.

    Raises:
        Unanswered: A question that needs an answer has none.
        DomainError: The campaign takes no answers any more, or the response was screened out.
    """
    raise NotImplementedError


def screen(session: Session, response: SurveyResponse, reason: str, *, at: datetime) -> SurveyResponse:
    """Leave the response out of the count, with *reason* (≤ 160 characters); return it, flushed. Raises DomainError without one."""
    raise NotImplementedError


def set_wishes(
    session: Session,
    response: SurveyResponse,
    *,
    is_named: bool,
    wants_contact: bool,
    wants_case: bool,
    consent_text: ConsentText | None,
    at: datetime,
) -> None:
    """
    Keep what whoever answers agrees to: their name beside the answers (words *consent_text*), to be contacted, to open a case.

    Raises:
        DomainError: The name is agreed to without the words agreed to, or nobody in particular answers.
    """
    raise NotImplementedError


def withdraw_name(session: Session, response: SurveyResponse) -> None:
    """Take the name away from the answers, also once the campaign is over."""
    raise NotImplementedError


def opt_out(session: Session, party_id: int, *, via: AnswerVia, at: datetime, note: str = "") -> SurveyOptOut:
    """Keep that a party wants no more surveys, and ask them nothing more in open campaigns; return the row, flushed. Twice is once."""
    raise NotImplementedError


def opt_in(session: Session, party_id: int, *, at: datetime) -> None:
    """End the opt-out of a party, who may be asked again; open campaigns that had given them up ask them anew. Without one, nothing."""
    raise NotImplementedError
