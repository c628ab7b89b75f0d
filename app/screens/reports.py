"""Reports and charts of cases."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.group import aggregate_count
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import queries
from app.charts import RuledChartView
from app.desk import CaseView
from app.domain.times import Timeliness
from app.extensions import db, today
from app.models import Organisation
from app.reports.base import ControlledFormat, format_of
from app.reports.response_times import ResponseTimes, TimesForm, args_of, key_in, not_counted, presets
from app.security import may, scope_cases


class ResponseTimesView(BaseView):
    """The control of response times on the screen: how long each case took. Its files leave as those of every report."""

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
