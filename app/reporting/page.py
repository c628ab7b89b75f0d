"""
`/report/<key>/`: any report of the catalogue as a page, and the doors through which its files leave.

What a page shows, what a file has and what the API answers come from the same tables, made for the same reader and filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import literal, select

from app.domain.errors import DomainError
from app.domain.reports import ReportFormat, ReportOutcome
from app.downloads import send_made
from app.drawing import drawn
from app.extensions import db, now, start_writing
from app.models import Parameter, ReportFavourite
from app.operations import reporting
from app.reporting import making
from app.reporting.making import BadFilter, Limits, TooManyRows
from app.reports.base import Asked, Cells, Offer, Part, Report, compared, format_of
from app.reports.registry import CATALOGUE
from app.security import may
from app.words import say

log = structlog.get_logger("atiende")

#: Rows of a table that the page of its report shows, that a page of the table alone has, and how far its pages go.
FEW, SOME, FAR = 25, 100, 1_000
_NAMES = {ReportFormat.XLSX: "excel", ReportFormat.PDF: "pdf", ReportFormat.CSV: "csv"}
FORMATS = {name: format for format, name in _NAMES.items()}


def offer_of(key: str) -> Offer:
    """Return the report called *key*, if the reader may open it; else answer 404 or 403."""
    offer = CATALOGUE.get(key) or abort(404)
    if not may(*offer.right):
        abort(403)
    return offer


def address_of(offer: Offer, args: Mapping[str, Any]) -> str:
    """Return the address of the page of *offer* with *args*."""
    query = urlencode(args, doseq=True)
    return f"{offer.address or url_for('ReportView.show', key=offer.key)}{'?' if query else ''}{query}"


def rows_of(part: Part, offset: int, limit: int) -> list[Cells]:
    """Return up to *limit* rows of *part* after the first *offset*."""
    if part.first is not None:
        return part.first(offset + limit)[offset:]
    rows = part.rows()
    try:
        return list(islice(rows, offset, offset + limit))
    finally:
        rows.close()  # type: ignore[attr-defined]  what is not read any more holds no cursor


class ReportView(BaseView):
    """A report of the catalogue, whichever it is. Its own right opens it, besides that to the catalogue."""

    route_base = "/report"
    default_view = "show"
    class_permission_name = "Report"

    @expose("/<key>/")
    @has_access
    @permission_name("list")
    def show(self, key: str) -> Any:
        """The figures, the charts and the first rows of each table."""
        offer = offer_of(key)
        if offer.address:
            return redirect(address_of(offer, request.args.to_dict(flat=False)))
        return self._page(offer)

    def _page(self, offer: Offer, refusal: str = "") -> Any:
        """Return the page of *offer*; 422 where its filter, or what was asked of it, makes no sense."""
        facts: dict[str, Any] = {"offer": offer, "refusal": refusal, "may_export": bool(offer.formats) and may(*offer.export_right)}
        facts["format"] = format_of(db.session(), offer.key, _(offer.report.name))
        try:
            asked = making.ask(db.session(), offer, request.args, now())
        except BadFilter as error:
            return self.render_template("reporting/report.html", form=error.form, report=None, **facts), 422
        report = offer.make(asked)
        parts = [self._shown(part, FEW) for part in report.tables]
        limits, is_kept = self._beside(offer)
        counts = [n for _part, _rows, n in parts]
        page = self.render_template(
            "reporting/report.html", form=asked.form, report=report, parts=parts, words=report.filters_in_words(), args=asked.form.args(),
            figures=report.headline() or [], sentences=report.sentences(), compared=compared, drawn=drawn, address_of=address_of,
            files=self._files(offer, sum(counts), limits), is_empty=not any(counts), is_kept=is_kept, **facts,
        )  # fmt: skip
        return page, 422 if refusal else 200

    @staticmethod
    def _shown(part: Part, limit: int) -> tuple[Part, list[Cells], int]:
        """Return *part* with its first rows and how many it has; groups are few, and all of them are read."""
        if part.n_rows is not None:
            return part, rows_of(part, 0, limit), part.n_rows()
        rows = list(part.rows())
        return part, rows[:limit], len(rows)

    @staticmethod
    def _beside(offer: Offer) -> tuple[Limits, bool]:
        """Return the limits of files, and whether the reader keeps *offer* at hand. One statement."""
        told = select(Parameter.key, Parameter.value).where(Parameter.key.in_(making.SHIPPED))
        mine = ReportFavourite.user_id == current_user.id, ReportFavourite.report == offer.key
        kept = select(literal("kept"), ReportFavourite.report).where(*mine)
        found = dict(db.session.execute(told.union_all(kept)).all())
        return Limits.read(found), "kept" in found

    @staticmethod
    def _files(offer: Offer, n: int, limits: Limits) -> list[tuple[ReportFormat, str, bool]]:
        """Return the formats in which *n* rows leave, the name of each door, and whether it leads to the background."""
        fitting = [format for format in offer.formats if n <= (limits.paper if format is ReportFormat.PDF else limits.most)]
        return [(format, _NAMES[format], n > limits.now) for format in fitting]

    @expose("/<key>/part/<part>")
    @has_access
    @permission_name("list")
    def part(self, key: str, part: str) -> Any:
        """All rows of one table, a page at a time, as far as somebody reads pages."""
        offer = offer_of(key)
        try:
            asked = making.ask(db.session(), offer, request.args, now())
        except BadFilter:
            return redirect(address_of(offer, request.args.to_dict(flat=False)))
        report = offer.make(asked)
        found = next((each for each in report.tables if each.key == part), None) or abort(404)
        offset = min(max(request.args.get("offset", 0, int), 0), FAR - SOME)
        rows = rows_of(found, offset, SOME + 1)
        return self.render_template(
            "reporting/part.html", offer=offer, report=report, part=found, rows=rows[:SOME], offset=offset, size=SOME, far=FAR,
            has_more=len(rows) > SOME, args=asked.form.args(), words=report.filters_in_words(), address_of=address_of,
            may_export=bool(offer.formats) and may(*offer.export_right),
        )  # fmt: skip

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/<key>/excel")
    @has_access
    @permission_name("list")
    def excel(self, key: str) -> Any:
        return self._file(key, ReportFormat.XLSX)

    @expose("/<key>/csv")
    @has_access
    @permission_name("list")
    def csv(self, key: str) -> Any:
        return self._file(key, ReportFormat.CSV)

    @expose("/<key>/pdf")
    @has_access
    @permission_name("list")
    def pdf(self, key: str) -> Any:
        return self._file(key, ReportFormat.PDF)

    @expose("/<key>/make/<name>", methods=["POST"])
    @has_access
    @permission_name("list")
    def make(self, key: str, name: str) -> Any:
        """Have a long one made in the background; it waits in the tray."""
        offer, format, report, asked = self._asked_for(key, FORMATS.get(name) or abort(404))
        if asked is None:
            return redirect(address_of(offer, request.args.to_dict(flat=False)))
        try:
            Limits.of(db.session()).check(making.size(report), format)
        except TooManyRows as error:
            return self._refused(offer, format, asked, say(error))
        words = ". ".join(report.filters_in_words())
        start_writing()
        job = making.start(db.session(), offer, asked, format, words, now())
        db.session.commit()
        flash(_("The report is being made. It waits here and in your tray; you may leave this page."), "success")
        return redirect(url_for("WorkView.show", pk=job.id))

    def _asked_for(self, key: str, format: ReportFormat) -> tuple[Offer, ReportFormat, Any, Asked | None]:
        """Return what is asked for as a file, checked; no `Asked` where its filter makes no sense."""
        offer = offer_of(key)
        if format not in offer.formats:
            abort(404)
        if not may(*offer.export_right):
            abort(403)
        try:
            asked = making.ask(db.session(), offer, request.args, now())
        except BadFilter:
            return offer, format, None, None
        return offer, format, offer.make(asked), asked

    def _file(self, key: str, format: ReportFormat) -> Any:
        """Send the file, if it is short enough to be made at once; the run of it is written down."""
        offer, format, report, asked = self._asked_for(key, format)
        if asked is None:
            return redirect(address_of(offer, request.args.to_dict(flat=False)))
        n, limits = making.size(report), Limits.of(db.session())
        try:
            limits.check(n, format)
            if n > limits.now:
                return self._confirm(offer, format, asked, n)
            made = making.make_file(offer, asked, format, report=report)
        except TooManyRows as error:
            return self._refused(offer, format, asked, say(error))
        except DomainError as error:
            self._note(offer, format, asked, report, error=say(error))
            raise
        self._note(offer, format, asked, report, made=made)
        log.info("export", report=offer.key, extension=made.name.rpartition(".")[2], n_rows=made.n_rows, user_id=current_user.id,
                 request_id=g.request_id)  # fmt: skip
        return send_made(made.file, made.name, made.media_type)

    def _confirm(self, offer: Offer, format: ReportFormat, asked: Asked, n: int) -> str:
        """Ask whether a long one shall be made in the background: an address alone begins no work."""
        return self.render_template(
            "reporting/long.html", offer=offer, n=n, name=_NAMES[format], format=format, args=asked.form.args(),
            words=asked.form.in_words(asked.today), address=address_of(offer, asked.form.args()),
        )  # fmt: skip

    def _refused(self, offer: Offer, format: ReportFormat, asked: Asked, why: str) -> Any:
        """Write down that nothing was made, and say why on the page of the report."""
        self._note(offer, format, asked, offer.make(asked), error=why)
        if not offer.address:
            return self._page(offer, why)
        flash(why, "warning")
        return redirect(address_of(offer, asked.form.args()))

    @staticmethod
    def _note(
        offer: Offer, format: ReportFormat, asked: Asked, report: Report, *, made: making.Made | None = None, error: str = ""
    ) -> None:
        """Write the run of a file that leaves at once and is not kept. Commits: what was read is read."""
        words, user_id, at = ". ".join(report.filters_in_words()), asked.reader.user_id, now()
        start_writing()
        session = db.session()
        run = reporting.begin_run(session, offer.key, format, asked.form.args(), words, user_id, at=at)
        facts: dict[str, Any] = {"n_rows": made.n_rows, "n_bytes": made.n_bytes} if made else {"error": error}
        reporting.end_run(session, run, made.outcome if made else ReportOutcome.REFUSED, at=now(), **facts)
        session.commit()
