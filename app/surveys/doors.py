"""How a campaign reaches people: its personal links by mail, its poster with the code, and its kiosk."""

from __future__ import annotations

from flask import abort, flash, redirect, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from app.documents.posters import poster_of
from app.domain.campaigns import CampaignMove, CampaignStatus
from app.downloads import show_pdf
from app.extensions import db, now, public_url, today
from app.lookups import BIGGEST_ID
from app.models import SurveyCampaign
from app.operations import campaigns, survey_links, survey_mail


class SurveyDoorView(BaseView):
    """`/survey-door/`: the invitations of a campaign, what it prints, and the tablet that stands at the office."""

    route_base = "/survey-door"
    default_view = "invitations"
    class_permission_name = "SurveyCampaign"
    method_permission_name = {"invitations": "invite", "send": "invite", "poster": "invite", "kiosk": "invite"}

    @expose("/invitations/<int:pk>")
    @has_access
    def invitations(self, pk: int) -> str:
        """Whom it has told by mail, whom it cannot, and what leaves next."""
        campaign = _campaign(pk)
        facts = {
            "figures": survey_mail.figures_of(db.session(), campaign, today()),
            "has_address": public_url("", trust_request=False) is not None,
            "is_open": campaign.status is CampaignStatus.OPEN and campaign.by_link,
        }
        return self.render_template("surveys/invitations.html", campaign=campaign, **facts)

    @expose("/send/<int:pk>", methods=["POST"])
    @has_access
    def send(self, pk: int) -> Response:
        """Send what is due now, instead of in the next working hour."""
        campaign = _campaign(pk)
        n_invited, n_reminded = survey_mail.send_due(db.session(), now(), campaign)
        if n_invited or n_reminded:
            facts = {"invited": n_invited, "reminded": n_reminded}
            campaigns.note(db.session(), campaign, CampaignMove.INVITE, at=now(), actor_id=current_user.id, **facts)
        db.session.commit()
        if n_invited:
            flash(ngettext("%(num)s invitation leaves now.", "%(num)s invitations leave now.", n_invited), "success")
        if n_reminded:
            flash(ngettext("%(num)s reminder leaves now.", "%(num)s reminders leave now.", n_reminded), "success")
        if not n_invited and not n_reminded:
            flash(_("Nothing had to be sent."), "info")
        return redirect(url_for("SurveyDoorView.invitations", pk=pk))

    @expose("/poster/<int:pk>")
    @has_access
    def poster(self, pk: int) -> Response:
        """The poster with the code, to print."""
        campaign = _campaign(pk)
        return show_pdf(poster_of(db.session(), campaign, today()), _("poster-%(number)s.pdf", number=campaign.number))

    @expose("/kiosk/<int:pk>")
    @has_access
    def kiosk(self, pk: int) -> Response:
        """Turn this device into the kiosk of the campaign."""
        campaign = _campaign(pk)
        if not (campaign.by_kiosk and campaign.public_code):
            abort(404)
        return redirect(survey_links.kiosk_path(campaign))


def _campaign(pk: int) -> SurveyCampaign:
    return db.session.get(SurveyCampaign, min(pk, BIGGEST_ID)) or abort(404)
