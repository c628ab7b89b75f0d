"""`/api/v1/report/<key>`: the rows of a report for other programs, a page at a time; same filter, same rows, same rights as its page."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask_appbuilder.api import BaseApi, expose, safe
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from app.extensions import db, now
from app.reporting import making
from app.reporting.making import BadFilter
from app.reporting.page import rows_of
from app.reports.jsonrows import json_figure, json_part, json_row
from app.reports.registry import CATALOGUE
from app.security import acting_as, may

#: Rows of a page, and how far pages go: what is longer is taken as a file.
MOST, FAR = 1_000, 100_000


class ReportApi(BaseApi):
    """The same reports, for programs that sign in with a session or a token."""

    route_base = "/api/v1/report"
    class_permission_name = "Report"
    openapi_spec_tag = "Reports"

    @expose("/<key>", methods=["GET"])
    @protect(allow_browser_login=True)
    @safe
    @permission_name("list")
    def rows(self, key: str) -> Any:
        """
        The rows of one table of a report.
        ---
        get:
          description: >-
            The arguments of the filter are those of the page of the report; `part` names a table (the first unless told), `offset` and
            `limit` (up to 1000) a page of its rows.
          parameters:
          - {in: path, name: key, schema: {type: string}, required: true}
          - {in: query, name: part, schema: {type: string}}
          - {in: query, name: offset, schema: {type: integer}}
          - {in: query, name: limit, schema: {type: integer}}
          responses:
            200: {description: "The report, its tables, and a page of the rows of one of them"}
            400: {$ref: '#/components/responses/400'}
            401: {$ref: '#/components/responses/401'}
            403: {$ref: '#/components/responses/403'}
            404: {$ref: '#/components/responses/404'}
        """
        if current_user.is_authenticated:
            return self._rows(key, request.args)
        args = request.args  # whoever brings a token has no session: they are who is asked for below
        with acting_as(g.user):
            return self._rows(key, args)

    def _rows(self, key: str, args: MultiDict[str, str]) -> Any:
        offer = CATALOGUE.get(key)
        if offer is None:
            return self.response_404()
        if not may(*offer.right) or not may(*offer.export_right):
            return self.response_403()
        try:
            asked = making.ask(db.session(), offer, args, now())
        except BadFilter as error:
            return self.response_400(message=error.form.errors)
        report = offer.make(asked)
        wanted = args.get("part", "")
        part = next((each for each in report.tables if each.key == wanted or not wanted), None)
        offset, limit = max(args.get("offset", 0, int), 0), min(max(args.get("limit", MOST, int), 1), MOST)
        if part is None:
            return self.response_404()
        if offset + limit > FAR:
            return self.response_400(message=_("Pages go up to row %(most)s: take the file of the report.", most=FAR))
        rows = rows_of(part, offset, limit + 1)
        return self.response(
            200, report=offer.key, name=_(offer.report.name), filters=report.filters_in_words(), arguments=asked.form.args(),
            figures=[json_figure(figure) for figure in report.headline()], parts=[json_part(each) for each in report.tables],
            part=part.key, offset=offset, rows=[json_row(cells) for cells in rows[:limit]],
            next_offset=offset + limit if len(rows) > limit else None,
        )  # fmt: skip
