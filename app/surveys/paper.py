"""Sheets of paper: every question on one dense page, filled by keyboard, then the next sheet."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, select

from app.domain.campaigns import CampaignStatus, ResponseStatus
from app.domain.errors import DomainError
from app.extensions import db, now, today
from app.lookups import BIGGEST_ID
from app.models import SurveyCampaign, SurveyQuota, SurveyResponse
from app.operations import interviews as operations
from app.operations import survey_answers
from app.operations.questionnaires import form_of
from app.surveys import sheet
from app.words import say, tidy


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
        closed = survey_answers.refusal(campaign, survey_answers.AnswerVia.PAPER, today())
        form, quotas = form_of(db.session(), campaign.version_id), self._quotas(campaign.id)
        facts: dict[str, Any] = {"refused": {}, "said": {}, "missing": (), "trouble": "", "number": "", "quota_id": None}
        if request.method == "POST":
            typed = self._typed(form, quotas)
            try:
                refused = operations.type_sheet(
                    db.session(), campaign, typed["number"], typed["raw"], form=form, quota=quotas.get(typed["quota_id"]),
                    is_partial=request.form.get("do") == "partial", at=now(), user_id=current_user.id, language=typed["language"],
                )  # fmt: skip
                if not refused:
                    db.session.commit()
                    flash(_("Sheet %(number)s is stored.", number=typed["number"]), "success")
                    return redirect(url_for("SheetView.sheet", campaign_id=campaign_id, quota=typed["quota_id"]))
                facts["refused"] = {name: say(error) for name, error in refused.items()}
                facts["trouble"] = _("Nothing of this sheet is stored yet. Correct what is marked; the rest is kept.")
            except survey_answers.Unanswered as error:
                facts |= {"missing": error.names, "trouble": say(error)}
            except DomainError as error:
                facts |= {"refused": {error.field: say(error)} if error.field == "number" else {}, "trouble": say(error)}
            db.session.rollback()
            facts |= {"said": sheet.shown(typed["raw"]), "number": typed["number"], "quota_id": typed["quota_id"]}
        facts["number"] = facts["number"] or operations.next_sheet(db.session(), campaign_id)
        facts["quota_id"] = facts["quota_id"] or request.args.get("quota", type=int)
        page = self.render_template(
            "surveys/sheet.html", campaign=campaign, form=form, language="es", ticks=sheet.ticks, quotas=quotas.values(),
            closed=say(closed) if closed else "", n_typed=self._n_typed(campaign_id), **facts,
        )  # fmt: skip
        return page, 422 if facts["trouble"] else 200

    @staticmethod
    def _typed(form: Any, quotas: dict[int, SurveyQuota]) -> dict[str, Any]:
        language = request.form.get("language", "es")
        return {
            "number": tidy(request.form.get("number"))[:60], "raw": sheet.sent(form, request.form, is_whole=True),
            "quota_id": request.form.get("quota", type=int), "language": language if language in form.languages else "es",
        }  # fmt: skip

    @staticmethod
    def _quotas(campaign_id: int) -> dict[int, SurveyQuota]:
        """Return the strata that a sheet may belong to, by id; none where the sample is not split."""
        rows = select(SurveyQuota).where(SurveyQuota.campaign_id == campaign_id, SurveyQuota.key != "").order_by(SurveyQuota.key)
        return {row.id: row for row in db.session.scalars(rows)}

    @staticmethod
    def _n_typed(campaign_id: int) -> int:
        mine = SurveyResponse.campaign_id == campaign_id, SurveyResponse.source == operations.PAPER
        return db.session.scalar(select(func.count()).where(*mine, SurveyResponse.status != ResponseStatus.SCREENED)) or 0
