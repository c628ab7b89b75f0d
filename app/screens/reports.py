"""Reports and charts of cases."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import structlog
from flask import g, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.group import aggregate_count
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from app import queries
from app.charts import RuledChartView
from app.desk import CaseView
from app.domain.times import Timeliness
from app.downloads import send_made
from app.extensions import db, now, today
from app.models import Organisation
from app.reports.base import ControlledFormat, Cover, Report, format_of
from app.reports.delimited import MEDIA_TYPE as CSV_TYPE
from app.reports.delimited import write_csv
from app.reports.response_times import ResponseTimes, TimesForm, args_of, key_in, not_counted, presets, wall_clock
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.reports.xlsx import write_xlsx
from app.security import may, scope_cases

log = structlog.get_logger("atiende")


class ResponseTimesView(BaseView):
    """The control of response times: how long each case took, on the screen, in Excel and in CSV. The whole filter lives in the URL."""

    route_base = "/reports/response-times"
    default_view = "list"
    class_permission_name = "ResponseTimes"
    page_size = 25

    def _asked(self) -> tuple[TimesForm, ControlledFormat]:
        form = TimesForm(request.args, today(), *queries.names_for_filters(db.session))
        return form, format_of(db.session(), ResponseTimes.identifier, _(ResponseTimes.name))

    def _report(self, form: TimesForm, organisation: Organisation) -> ResponseTimes:
        on = today()
        return ResponseTimes(
            db.session,
            form.wanted(),
            queries.calendar_of(db.session, organisation),
            on,
            lambda statement: scope_cases(statement, on),
            words=form.in_words(),
            reveals_reserved=may("can_see_reserved"),
            is_scoped=not may("can_see_all"),
        )

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str | tuple[str, int]:
        """The figures and 25 rows, newest first."""
        form, format = self._asked()
        facts: dict[str, Any] = {"form": form, "format": format, "report": ResponseTimes, "presets": presets(today())}
        if not form.validate():
            return self.render_template("reports/response_times.html", **facts), 422
        report = self._report(form, queries.organisation(db.session))
        after = key_in(request.args.get("after", ""))
        rows, next_key = report.page(after, self.page_size)
        return self.render_template(
            "reports/response_times.html",
            **facts,
            rows=rows,
            summary=report.summary(),
            not_counted=not_counted,
            timeliness=Timeliness,
            args=args_of(form.wanted()),
            next_key=f"{next_key[0]:%Y-%m-%d}.{next_key[1]}" if next_key else "",
            is_first=after is None,
        )

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The same rows in order of filing, with a cover."""
        return self._export("xlsx", XLSX_TYPE, write_xlsx)

    @expose("/csv")
    @has_access
    @permission_name("export")
    def csv(self) -> Response:
        """The same rows in order of filing, for other programs."""
        return self._export("csv", CSV_TYPE, lambda report, _cover, target: write_csv(report, target))

    def _export(self, extension: str, media_type: str, write: Callable[[Report, Cover, BinaryIO], int]) -> Response:
        form, format = self._asked()
        if not form.validate():
            return redirect(f"{url_for('ResponseTimesView.list')}?{request.query_string.decode('ascii', 'ignore')}")
        organisation, at = queries.organisation(db.session), wall_clock(now())
        report = self._report(form, organisation)
        file = TemporaryFile()  # noqa: SIM115  the response closes it; nothing leaves before all of it is written
        n_rows = write(report, Cover(organisation.name, format, current_user.get_full_name(), at), file)
        log.info("export", report=report.identifier, extension=extension, n_rows=n_rows, user_id=current_user.id, request_id=g.request_id)
        return send_made(file, report.file_name(format, at.date(), extension), media_type)


class CaseChartView(RuledChartView):
    route_base = "/charts/cases"
    class_permission_name = "CaseChart"
    list_view, chart_title, counted = CaseView, _l("Charts of cases"), _l("Cases")
    chart_type = "BarChart"
    definitions = [
        {"group": name, "label": label, "series": [(aggregate_count, "id")]}
        for name, label in (("process", _l("By current process")), ("request_type", _l("By type")), ("channel", _l("By channel")),
                            ("status", _l("By state")), ("service", _l("By service")))
    ] + [
        {"group": "cause", "label": _l("By cause"), "series": [(aggregate_count, "id")], "top": 15},
        {"group": ("filed_on", "answered_on"), "name": "by-month", "label": _l("Filed and answered"), "period": "month",
         "series": [(aggregate_count, "id")], "chart_type": "LineChart"},
        {"group": "filed_on", "name": "in-time", "label": _l("In time and late"), "period": "month", "split": "timeliness",
         "series": [(aggregate_count, "id")], "chart_type": "ColumnChart",
         "tones": {"IN_TIME": "ok", "LATE": "bad", "RUNNING": "info", "NOT_COUNTED": "stop"}},
    ]  # fmt: skip

    def expressions(self) -> dict[str, Any]:
        return {"timeliness": queries.timeliness_on(today())}
