"""On which rows of the legal matrix something of the house rests, for its own page: a term, a text to answer with, a parameter."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup

from app.baseviews import Related
from app.domain.legalmatrix import COMPLIANCE_TONES, SURENESS_MEANS, SURENESS_TONES, Sureness
from app.extensions import db
from app.models import LegalRequirement
from app.operations import legalmatrix
from app.security import may


def obligations(kind: str, key: Any) -> list[Related]:
    """Return the table of the obligations on which a row rests, of *kind* in `legalmatrix.RESTS`; none when there are none."""
    if not may("can_show", "LegalRequirement"):
        return []
    found = db.session.scalars(legalmatrix.obligations_of(kind, key).order_by(LegalRequirement.id)).all()
    rows = [(link_to(item), item.obligation, say_standing(item)) for item in found]
    return [Related(_("Legal requirements it rests on"), (_("Norm"), _("Obligation"), _("Last evaluation")), rows)] if rows else []


def link_to(item: LegalRequirement) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url_for("LegalRequirementView.show", pk=item.id), item)


def say_standing(item: LegalRequirement) -> Any:
    """Return the result of the last evaluation of *item*, as a pill."""
    if item.standing is None:
        return "—"
    return Markup('<span class="pill {}">{}</span>').format(COMPLIANCE_TONES[item.standing], _(item.standing.value))


def say_mark(mark: Sureness) -> Markup:
    """Return the mark of how sure something is; what it means is its title."""
    return Markup('<span class="pill {}" title="{}">{}</span>').format(SURENESS_TONES[mark], _(SURENESS_MEANS[mark]), _(mark.value))
