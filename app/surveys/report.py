"""The report of a campaign: what it concludes, what was done after the round before, and the paper, previewed and issued."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from app.documents import surveys as papers
from app.domain.actions import TONES
from app.domain.campaigns import AlarmEffect, AlarmStatus, CampaignStatus
from app.domain.errors import DomainError
from app.downloads import send_stored, show_pdf
from app.extensions import db, now, today
from app.forms import UpTo
from app.intake import blame
from app.models import SurveyCampaign
from app.operations import survey_rounds
from app.operations.actions import is_late
from app.security import may, scope_actions, scope_alarms
from app.words import say, tidy


class ConclusionForm(FlaskForm):
    conclusion = TextAreaField(
        _l("Conclusion"), filters=[tidy], validators=[UpTo(6000)],
        description=_l("What the figures say as a whole, what explains them, and what the company will do. It is printed at the end."),
    )  # fmt: skip


def sight() -> survey_rounds.Sight:
    """Return which alarms and actions the reader may see."""
    on = today()
    return survey_rounds.Sight(lambda statement: scope_alarms(statement, on), lambda statement: scope_actions(statement, on))


class SurveyReportView(BaseView):
    """`/survey-report/7`: whoever reads results reads it; concluding and issuing are rights of their own."""

    route_base = "/survey-report"
    class_permission_name = "SurveyResult"

    def campaign(self, pk: int) -> SurveyCampaign:
        whole = joinedload(SurveyCampaign.questionnaire), joinedload(SurveyCampaign.document), joinedload(SurveyCampaign.version)
        found = select(SurveyCampaign).where(SurveyCampaign.id == pk).options(*whole)
        return db.session.scalars(found).first() or abort(404)

    def _may_conclude(self, campaign: SurveyCampaign) -> bool:
        return campaign.document_id is None and may("can_conclude", "SurveyResult")

    @expose("/<int:pk>", methods=["GET"])
    @has_access
    @permission_name("list")
    def show(self, pk: int) -> Any:
        """What the campaign set off, what came of the round before, and its conclusion."""
        campaign = self.campaign(pk)
        return self._page(campaign, ConclusionForm(data={"conclusion": campaign.conclusion}))

    def _page(self, campaign: SurveyCampaign, form: ConclusionForm) -> Any:
        is_over = campaign.status is CampaignStatus.CLOSED
        page = self.render_template(
            "surveys/report.html", campaign=campaign, form=form, may=may, today=today(), tones=TONES,
            now_=survey_rounds.outcome_of(db.session(), campaign, sight()), before=survey_rounds.aftermath(db.session(), campaign, sight()),
            effects=AlarmEffect, statuses=AlarmStatus, is_late=is_late, is_over=is_over,
            may_conclude=self._may_conclude(campaign),
            may_issue=is_over and campaign.document_id is None and may("can_issue", "SurveyResult"),
        )  # fmt: skip
        return page, 422 if form.errors else 200

    @expose("/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("conclude")
    def conclude(self, pk: int) -> Any:
        """Keep the conclusion."""
        campaign, form = self.campaign(pk), ConclusionForm()
        if form.validate_on_submit():
            try:
                survey_rounds.conclude(db.session(), campaign, form.conclusion.data or "")
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("Saved."), "success")
                return redirect(url_for("SurveyReportView.show", pk=pk))
        return self._page(self.campaign(pk), form)

    @expose("/<int:pk>/pdf", methods=["GET"])
    @has_access
    @permission_name("export")
    def report(self, pk: int) -> Response:
        """The report as it was issued; before, as it would be, marked as a draft."""
        campaign = self.campaign(pk)
        if campaign.document is not None:
            return send_stored(campaign.document.file, inline=True)
        content = papers.preview(db.session(), campaign, current_user, now())
        return show_pdf(content, f"{campaign.number}.pdf")

    @expose("/<int:pk>/issue", methods=["POST"])
    @has_access
    @permission_name("issue")
    def issue(self, pk: int) -> Any:
        """Issue the report: it gets its number and no longer changes."""
        campaign = self.campaign(pk)
        try:
            document = papers.issue_report(db.session(), campaign, current_user, now())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("The report %(number)s is issued.", number=document.number), "success")
        return redirect(url_for("SurveyReportView.show", pk=pk))
