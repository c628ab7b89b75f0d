"""The catalogue of reports: what each tells and for whom, searched, with those that the reader keeps at hand first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from flask import abort, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from app.domain.reports import ReportGroup
from app.domain.text import plain
from app.extensions import db
from app.models import ReportFavourite, ReportRun, ReportSchedule
from app.operations import reporting
from app.reports.base import Offer
from app.reports.registry import CATALOGUE
from app.security import may


def address_of(offer: Offer, args: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Return the page of a report with *args*: its own, or that of all reports."""
    if not offer.address:
        return url_for("ReportView.show", key=offer.key, **args)
    return f"{offer.address}{'&' if '?' in offer.address else '?'}{urlencode(args, doseq=True)}" if args else offer.address


def offers_of_reader() -> list[Offer]:
    """Return the reports that the reader may open, in the order of the catalogue."""
    return [offer for offer in CATALOGUE.values() if may(*offer.right)]


def name_of(key: str) -> str:
    """Return how the report *key* is called; its key, for one that is not made any more."""
    return _(CATALOGUE[key].report.name) if key in CATALOGUE else key


def may_send(offer: Offer) -> bool:
    """Return whether the reader may have the files of *offer* sent by mail."""
    return bool(offer.formats) and may("can_schedule", "Report") and may(*offer.export_right)


@dataclass(frozen=True, slots=True)
class Entry:
    """A report as the catalogue shows it."""

    offer: Offer
    url: str
    place: int | None
    made_at: datetime | None

    @property
    def key(self) -> str:
        return self.offer.key

    @property
    def is_kept(self) -> bool:
        return self.place is not None

    @property
    def may_send(self) -> bool:
        return may_send(self.offer)


def is_found(offer: Offer, text: str) -> bool:
    """Return whether every word of *text* is in what the catalogue says of *offer*; accents and case are forgiven."""
    report = offer.report
    said = (_(report.name), _(report.description), _(offer.serves), _(offer.group.value), offer.norm, offer.key, *map(_, offer.words))
    whole = plain(" ".join(said))
    return all(word in whole for word in plain(text).split())


class ReportCatalogueView(BaseView):
    """`/reports/`: every report that the reader may open."""

    route_base = "/reports"
    default_view = "list"
    class_permission_name = "Report"

    @expose("/")
    @has_access
    def list(self) -> str:
        """The reports by chapter, of those that the search finds; what the reader keeps at hand stands first."""
        text = " ".join(request.args.get("q", "")[:100].split())
        entries = [entry for entry in self._entries() if is_found(entry.offer, text)]
        chapters = [(group, [entry for entry in entries if entry.offer.group is group]) for group in ReportGroup]
        return self.render_template(
            "reporting/catalogue.html", text=text,
            at_hand=sorted((entry for entry in entries if entry.is_kept), key=lambda entry: entry.place or 0),
            chapters=[(group, its) for group, its in chapters if its], n=len(entries), n_mine=self._n_mine(),
            may_see_runs=may("can_list", "ReportRun"), may_see_schedules=may("can_list", "ReportSchedule"),
        )  # fmt: skip

    def _entries(self) -> Sequence[Entry]:
        me = current_user.id
        kept = dict(db.session.execute(select(ReportFavourite.report, ReportFavourite.position).where(ReportFavourite.user_id == me)).all())
        newest = select(ReportRun.report, func.max(ReportRun.started_at)).where(ReportRun.user_id == me).group_by(ReportRun.report)
        made = dict(db.session.execute(newest).all())
        return [Entry(offer, address_of(offer), kept.get(offer.key), made.get(offer.key)) for offer in offers_of_reader()]

    def _n_mine(self) -> int:
        mine = select(func.count()).where(ReportSchedule.owner_id == current_user.id, ReportSchedule.is_active)
        return db.session.scalar(mine) or 0

    @expose("/favourite/<key>", methods=["POST"])
    @has_access
    @permission_name("list")
    def favourite(self, key: str) -> Response:
        """Keep a report at hand, or no more; `on` says which."""
        offer = CATALOGUE.get(key) or abort(404)
        if not may(*offer.right):
            abort(403)
        reporting.keep_at_hand(db.session(), current_user.id, key, request.form.get("on") == "1")
        db.session.commit()
        if request.form.get("back") == "report":
            return redirect(address_of(offer))
        return redirect(url_for("ReportCatalogueView.list", q=request.form.get("q") or None) + f"#r-{key}")
