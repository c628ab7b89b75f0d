"""
The addresses by which a survey is answered: a personal link, the code that is printed, and how an answer without a name goes on.

A personal link is signed and says nothing of whose it is; it lasts as long as its campaign. Who answers by printed code or kiosk is
known by nothing but the address of the page, which lives for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from app.extensions import public_url
from app.models import SurveyCampaign, SurveyInvitee, SurveyResponse

#: How long an answer of the printed code may be left half-way, and one at the kiosk, where the next person waits.
CODE_LIFE, KIOSK_LIFE = timedelta(hours=12), timedelta(minutes=5)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key, salt="portal.survey")


def token_of(invitee: SurveyInvitee) -> str:
    """Return what the personal link of *invitee* carries: the same whenever it is asked."""
    return str(_signer().dumps(invitee.id))


def invitee_id(token: str) -> int | None:
    """Return whose link *token* is; None when it is not ours."""
    try:
        found = _signer().loads(token)
    except BadSignature:
        return None
    return found if isinstance(found, int) else None


def path_of(invitee: SurveyInvitee) -> str:
    """Return the path of the personal link."""
    return f"/encuesta/{token_of(invitee)}"


def link_of(invitee: SurveyInvitee) -> str | None:
    """Return the address that goes in a mail; None while nobody said under which address citizens reach the product."""
    return public_url(path_of(invitee), trust_request=False)


def stop_link_of(invitee: SurveyInvitee) -> str | None:
    """Return the address where *invitee* says to be asked no more; None as `link_of`."""
    return public_url(f"{path_of(invitee)}/no-mas", trust_request=False)


def code_path(campaign: SurveyCampaign) -> str:
    """Return the path that the printed code of a campaign opens."""
    return f"/encuesta/codigo/{campaign.public_code}"


def kiosk_path(campaign: SurveyCampaign) -> str:
    """Return the path of the kiosk of a campaign."""
    return f"/encuesta/quiosco/{campaign.public_code}"


# ── An answer of nobody in particular ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Passing:
    """What the address of a page says: the response, and for how long it has been open."""

    response_id: int
    age: timedelta


def _passing_signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="portal.survey_passing")


def passing_token(response: SurveyResponse) -> str:
    """Return what the address of the next page carries; it is signed at this instant."""
    return str(_passing_signer().dumps(response.id))


def read_passing(token: str, at: datetime) -> Passing | None:
    """Return what *token* says at an instant of the real clock; None when it is not ours."""
    try:
        found, signed_at = _passing_signer().loads(token, return_timestamp=True)
    except BadSignature:
        return None
    return Passing(found, at - signed_at)
