"""Sheets of paper: every question on one dense page, filled by keyboard, then the next sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.domain.campaigns import AnswerVia, CampaignStatus, ResponseStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import Form
from app.extensions import db, now, today
from app.lookups import BIGGEST_ID
from app.models import SurveyCampaign, SurveyQuota, SurveyResponse
from app.operations import interviews as operations
from app.operations import survey_answers
from app.operations.questionnaires import form_of
from app.surveys import sheet
from app.words import say, tidy


@dataclass(slots=True)
class Page:
    """A sheet as it is typed, and what is refused of it, by name of the field."""

    number: str = ""
    quota_id: int | None = None
    language: str = "es"
    raw: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    trouble: str = ""


class SheetView(BaseView):
    """The sheets of paper of a campaign: `/sheet/`, one after the other."""

    route_base = "/sheet"
    default_view = "sheet"
    class_permission_name = "SurveyCampaign"
    method_permission_name = {"sheet": "type"}

    @expose("/<int:campaign_id>", methods=["GET", "POST"])
    @has_access
    def sheet(self, campaign_id: int) -> Any:
        """A blank sheet; what is typed is stored whole, and the next one follows."""
        campaign = db.session.get(SurveyCampaign, min(campaign_id, BIGGEST_ID))
        if campaign is None or not campaign.by_paper or campaign.status is CampaignStatus.PROPOSED:
            abort(404)
        form, quotas = form_of(db.session(), campaign.version_id), _quotas(campaign.id)
        page = _typed(form) if request.method == "POST" else Page(quota_id=request.args.get("quota", type=int))
        if request.method == "POST" and _store(campaign, form, page, quotas.get(page.quota_id or 0)):
            flash(_("Sheet %(number)s is stored.", number=page.number), "success")
            return redirect(url_for("SheetView.sheet", campaign_id=campaign_id, quota=page.quota_id))
        page.number = page.number or operations.next_sheet(db.session(), campaign_id)
        closed = survey_answers.refusal(campaign, AnswerVia.PAPER, today())
        shown = self.render_template(
            "surveys/sheet.html", campaign=campaign, form=form, language="es", ticks=sheet.ticks, quotas=quotas.values(), page=page,
            said=sheet.shown(page.raw), refused=page.refused, closed=say(closed) if closed else "", n_typed=_n_typed(campaign_id),
        )  # fmt: skip
        return shown, 422 if page.trouble else 200


def _typed(form: Form) -> Page:
    asked = request.form.get("language", "es")
    language = asked if asked in form.languages else "es"
    raw = sheet.sent(form, request.form, is_whole=True)
    return Page(tidy(request.form.get("number"))[:60], request.form.get("quota", type=int), language, raw)


def _store(campaign: SurveyCampaign, form: Form, page: Page, quota: SurveyQuota | None) -> bool:
    """Store the sheet and commit; or say on *page* why not, with nothing of it stored."""
    is_partial = request.form.get("do") == "partial"
    try:
        refused = operations.type_sheet(
            db.session(), campaign, page.number, page.raw, form=form, quota=quota, is_partial=is_partial, at=now(),
            user_id=current_user.id, language=page.language,
        )  # fmt: skip
        if not refused:
            db.session.commit()
            return True
        page.refused = {name: say(error) for name, error in refused.items()}
        page.trouble = _("Nothing of this sheet is stored yet. Correct what is marked; the rest is kept.")
    except survey_answers.Unanswered as error:
        page.missing, page.trouble = error.names, say(error)
    except DomainError as error:
        page.refused, page.trouble = {error.field: say(error)} if error.field else {}, say(error)
    db.session.rollback()
    return False


def _quotas(campaign_id: int) -> dict[int, SurveyQuota]:
    """Return the strata that a sheet may belong to, by id; none where the sample is not split."""
    rows = select(SurveyQuota).where(SurveyQuota.campaign_id == campaign_id, SurveyQuota.key != "").options(joinedload(SurveyQuota.service))
    return {row.id: row for row in db.session.scalars(rows.order_by(SurveyQuota.key))}


def _n_typed(campaign_id: int) -> int:
    mine = SurveyResponse.campaign_id == campaign_id, SurveyResponse.source == operations.PAPER
    return db.session.scalar(select(func.count()).where(*mine, SurveyResponse.status != ResponseStatus.SCREENED)) or 0
