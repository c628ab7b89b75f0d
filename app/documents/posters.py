"""The poster of a survey: the code that a telephone opens, and what it is for, in Spanish and English. Printed, stored nowhere."""

from __future__ import annotations

from datetime import date

from flask_babel import force_locale, format_date
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain import N_
from app.domain.errors import DomainError
from app.extensions import public_url
from app.models import SurveyCampaign
from app.operations import survey_links
from app.operations.answers import LANGUAGE

TEMPLATE = "survey_poster"


def poster_of(session: Session, campaign: SurveyCampaign, on: date) -> bytes:
    """Return the poster of *campaign* as PDF. Raises DomainError: it has no printed code."""
    url = public_url(survey_links.code_path(campaign)) if campaign.by_qr and campaign.public_code else None
    if url is None:
        msgid = N_("%(number)s has no printed code: it has one when “Printed code” is among its ways to answer.")
        raise DomainError(msgid, number=campaign.number)
    data = {
        "organisation": base.head(queries.organisation(session)), "issued_on": on.isoformat(), "qr": base.qr(url), "url": url,
        "name": campaign.questionnaire.name, "number": campaign.number,
    }  # fmt: skip
    for language in (LANGUAGE, "en"):
        with force_locale(language):
            data[language] = _words(campaign)
    return base.rendered(TEMPLATE, data)


def _words(campaign: SurveyCampaign) -> dict[str, str]:
    """Return what the poster says, in the current language."""
    return {
        "title": _("How are we doing?"),
        "how": _("Point the camera of your telephone at the code and answer. It takes some minutes."),
        "who": _("We do not ask for your name: nobody knows who answered."),
        "until": _("Until %(day)s.", day=format_date(campaign.closes_on, "long")),
    }
