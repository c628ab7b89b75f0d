"""
How citizens rate the attention: once a case, changed as often as they like for a while; at the counter also without a case.

The link of a case is signed and says nothing of who filed it. See docs/manual/evaluacion.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import Category, PqrStatus, RatingVia
from app.extensions import local, public_url
from app.models import Channel, Pqr, Rating

#: How long the link of a mail rates, and a rating may be changed.
LINK_LIFE = timedelta(days=30)
MAX_COMMENT = 1000
#: What each score says, from the worst.
SCORES = {1: N_("Very bad"), 2: N_("Bad"), 3: N_("Fair"), 4: N_("Good"), 5: N_("Very good")}
_RATED = (PqrStatus.CLOSED, PqrStatus.WITHDRAWN, PqrStatus.TRANSFERRED, PqrStatus.ARCHIVED)


# ── The link ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="portal.rating")


def token_of(pqr: Pqr) -> str:
    """Return what the link to rate *pqr* carries; it is signed at this instant."""
    return str(_signer().dumps({"p": pqr.id}))


def link_of(pqr: Pqr) -> str | None:
    """Return the address that goes in a mail; None while nobody said under which address citizens reach the product."""
    return public_url(f"/e/{token_of(pqr)}", trust_request=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link says: the case, and whether the time to rate it is over."""

    pqr_id: int
    is_over: bool


def read(token: str, at: datetime) -> Asked | None:
    """Return what *token* says at an instant; None when it is not ours."""
    try:
        facts, signed_at = _signer().loads(token, return_timestamp=True)
    except BadSignature:
        return None
    return Asked(facts["p"], at - signed_at > LINK_LIFE)


# ── The rating ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def rate(
    session: Session,
    score: int | None,
    comment: str,
    *,
    at: datetime,
    via: RatingVia,
    pqr: Pqr | None = None,
    channel: Channel | None = None,
) -> Rating:
    """
    Store how somebody rated the attention; a second time on a case changes the first. Return it, flushed.

    Args:
        channel: Where the attention was given; that of the case when it has one.

    Raises:
        DomainError: No score of 1 to 5, a comment too long, or a case that is not answered yet.
    """
    if score not in SCORES:
        raise DomainError(N_("Choose one of the five answers."), field="score")
    comment = comment.strip()
    if len(comment) > MAX_COMMENT:
        raise DomainError(N_("The text has %(n)s characters; up to %(limit)s fit."), field="comment", n=len(comment), limit=MAX_COMMENT)
    if pqr is not None and via is RatingVia.LINK and not is_ratable(pqr):
        raise DomainError(N_("The request %(number)s is not answered yet: it is rated afterwards."), number=pqr.number)
    row = session.scalar(select(Rating).where(Rating.pqr_id == pqr.id).with_for_update()) if pqr else None
    if row is None:
        row = Rating(pqr=pqr, via=via)
        session.add(row)
    row.score, row.comment, row.rated_at, row.rated_on, row.via = score, comment, at, local(at).date(), via
    row.channel = pqr.channel if pqr else channel
    session.flush()
    return row


def is_ratable(pqr: Pqr) -> bool:
    """Say whether the attention of a case can be rated by its link: it was answered, or ended otherwise."""
    return pqr.status.category is Category.ANSWERED or pqr.status in _RATED
