"""What was made of reports: by whom, with which filter, how it ended; the file too, for whom it was made and while it is kept."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import joinedload

from app.baseviews import READ_ONLY, Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.downloads import send_stored
from app.extensions import today
from app.listing import Choices, Facet, Moment
from app.listviews import Ready
from app.models import ReportRun
from app.reporting.catalogue import name_of
from app.reporting.mailing import check_reader
from app.reporting.schedules import report_choices
from app.reports.registry import CATALOGUE
from app.security import may
from app.words import say, say_day, say_number


def say_bytes(n: int) -> str:
    """Return how much a file weighs, as people say it."""
    if n < 1024 * 1024:
        return _("%(n)s KB", n=say_number(-(-n // 1024))) if n else "—"
    return _("%(n)s MB", n=say_number(-(-n // (1024 * 1024))))


def is_kept(run: ReportRun) -> bool:
    """Return whether the file of *run* may still be taken."""
    return run.file_id is not None and (run.expires_on is None or run.expires_on >= today())


def _for_me(value: str, moment: Moment) -> ColumnElement[bool] | None:
    return ReportRun.user_id == moment.user_id if value == "1" else ReportRun.user_id != moment.user_id


def _by_itself(value: str, _moment: Moment) -> ColumnElement[bool] | None:
    return ReportRun.due_at.is_not(None) if value == "1" else ReportRun.due_at.is_(None)


def _with_file(value: str, moment: Moment) -> ColumnElement[bool] | None:
    kept = ReportRun.file_id.is_not(None) & (ReportRun.expires_on >= moment.today)
    return kept if value == "1" else ~kept


def _of_report(value: str, _moment: Moment) -> ColumnElement[bool]:
    return ReportRun.report == value


def yes_or_no() -> tuple[tuple[str, str], ...]:
    return (("1", N_("Yes")), ("0", N_("No")))


class ReportRunView(RuledView):
    """`/report-run/`: the reader's own makings of reports; everybody's, for who may see all. A file is only for whom it was made."""

    datamodel = SQLAInterface(ReportRun)
    route_base = "/report-run"
    class_permission_name = "ReportRun"
    include_route_methods = READ_ONLY | {"download"}
    list_title = _l("Reports that were made")
    intro = _l("Each making of a report: for whom, with which filter, how it ended. Files are kept for some days; the line stays.")
    empty_text = _l("No report has been made yet. Open one of the catalogue and take it as a file, or have it sent by mail.")
    list_columns = ["started_at", "report", "words", "format", "outcome", "n_rows", "user", "file"]
    more_columns = ("words", "file")
    show_fieldsets = [
        (_l("What was asked for"), {"fields": ["report", "words", "format", "user", "schedule", "due_at"]}),
        (_l("How it ended"), {"fields": ["outcome", "error", "started_at", "ended_at", "n_rows", "n_bytes", "file", "expires_on"]}),
    ]
    own_facets: tuple[Facet, ...] = (
        Choices("report", _l("Report"), report_choices, _of_report),
        Choices("mine", _l("Made for me"), yes_or_no, _for_me),
        Choices("itself", _l("It left by itself"), yes_or_no, _by_itself),
        Choices("kept", _l("With its file"), yes_or_no, _with_file),
    )
    ready_filters = (Ready(N_("Made for me"), "mine=1"), Ready(N_("With its file"), "kept=1"))
    search_words = ("words",)
    filter_columns = ("outcome", "format", "schedule", "user")
    base_order = ("started_at", "desc")
    clipped = ("words",)
    label_columns = {
        "started_at": _l("Begun"), "ended_at": _l("Finished at"), "report": _l("Report"), "words": _l("What was asked for"),
        "format": _l("File format"), "outcome": _l("Outcome"), "n_rows": _l("Rows"), "n_bytes": _l("Size"), "user": _l("For whom"),
        "schedule": _l("Scheduled sending"),
        "due_at": _l("Hour that it serves"), "error": _l("What prevented it"), "file": _l("Its file"), "expires_on": _l("Kept until"),
    }  # fmt: skip
    formatters_columns = {"report": name_of, "n_bytes": say_bytes}

    def facet_of(self, mapper: Any, name: str) -> Facet | None:
        return None if name in ("report", "words", "file", "error") else super().facet_of(mapper, name)

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return statement if may("can_see_all", "Report") else statement.where(ReportRun.user_id == current_user.id)

    def _loading(self, columns: Any) -> list[Any]:
        return [joinedload(ReportRun.user), joinedload(ReportRun.schedule), joinedload(ReportRun.file)]

    def shown(self, item: ReportRun, name: str) -> Any:
        match name:
            case "user":
                return item.user.get_full_name()
            case "schedule":
                if item.schedule is None:
                    return "—"
                url = url_for("ReportScheduleView.show", pk=item.schedule_id)
                return Markup('<a href="{}">{}</a>').format(url, item.schedule.name)
            case "words" | "error":
                return getattr(item, name) or "—"
            case "file":
                return self._file(item)
        return super().shown(item, name)

    @staticmethod
    def _file(item: ReportRun) -> Any:
        """Return the file as the reader may have it: a link, only its name, or that it is gone."""
        if item.file is None:
            return "—" if item.expires_on is None else _("Not kept any more")
        if not is_kept(item):
            return _("Not kept any more")
        if item.user_id != current_user.id:
            return item.file.name
        return Markup('<a href="{}">{}</a>').format(url_for("ReportRunView.download", pk=item.id), item.file.name)

    def exported(self, name: str, column: Any) -> Any:
        """A file names files: it links nothing."""
        if name in ("file", "schedule"):
            kind, _value = super().exported(name, None)
            return kind, lambda line: str(getattr(line, name) or "")
        return super().exported(name, column)

    def title_of(self, item: ReportRun) -> str:
        return f"{name_of(item.report)} · {self.shown(item, 'started_at')}"

    def buttons(self, item: ReportRun) -> list[Button]:
        if item.user_id != current_user.id or not is_kept(item) or not self.may_do("download"):
            return []
        text = _("Download (%(size)s)", size=say_bytes(item.n_bytes))
        return [Button(text, url_for("ReportRunView.download", pk=item.id))]

    @expose("/download/<pk>")
    @has_access
    @permission_name("download")
    def download(self, pk: str) -> Any:
        """Answer the file, to whom it was made for and who may still open that report."""
        item = self.item(pk)
        if item.user_id != current_user.id:
            abort(403)
        if item.file is None or not is_kept(item):
            limit = say_day(item.expires_on)
            flash(_("That file is not kept any more: its last day was %(day)s. Make the report again.", day=limit), "info")
            return redirect(url_for("ReportRunView.show", pk=pk))
        try:
            check_reader(current_user, CATALOGUE.get(item.report), item.format)
        except DomainError as error:
            flash(say(error), "warning")
            abort(403)
        return send_stored(item.file)
