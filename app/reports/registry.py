"""The catalogue of reports: every report that a reader may open, schedule or take away. A new one is an `Offer` here, and nothing else."""

from __future__ import annotations

from app.domain import N_
from app.domain.reports import ReportGroup
from app.reports import (
    actions_report,
    behaviour,
    interruptions,
    money_report,
    notices_report,
    orders_report,
    pqr_report,
    response_times,
    standing,
    sui_claims,
    transparency,
)
from app.reports.base import Offer

#: In the order of their chapter; the key is the identifier of the report.
OFFERS: tuple[Offer, ...] = (
    pqr_report.OFFER,
    Offer(
        behaviour.Behaviour, ReportGroup.CASES, ("can_list", "PqrReport"), behaviour.Behaviour,
        N_("For the Subgerencia: what the customers ask for, what grows, and how they are answered, in a page of two minutes."),
        "Procedimiento 7.1; C10-01 V", words=(N_("trend"), N_("causes"), N_("recurrence"), N_("management")),
    ),
    Offer(
        response_times.ResponseTimes, ReportGroup.CASES, ("can_list", "ResponseTimes"), response_times.made,
        N_("For the process owners and the Subgerencia: how long each case took at each stage, and which were late."),
        "Procedimiento 7.1", address="/reports/response-times/", words=(N_("days"), N_("term"), N_("late")),
        read=response_times.read_form,
    ),
    notices_report.OFFER,
    orders_report.OFFER,
    money_report.OFFER,
    *standing.OFFERS,
    actions_report.OFFER,
    interruptions.OFFER,
    sui_claims.OFFER,
    transparency.OFFER,
)  # fmt: skip
CATALOGUE: dict[str, Offer] = {offer.key: offer for offer in OFFERS}
