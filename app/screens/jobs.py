"""The registers of work in the background: every long work that somebody asked for, and every run of a periodic task."""

from __future__ import annotations

from flask import url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.baseviews import READ_ONLY, Button, RuledView
from app.jobs import TIMETABLE
from app.models import Job, JobRun
from app.work import may_download, may_stop, silence_of_worker, took, what_was_done


class JobView(RuledView):
    datamodel = SQLAInterface(Job)
    route_base = "/job"
    class_permission_name = "Job"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Long work")
    intro = _l("Imports, big files and other work that somebody asked for and a worker does. Each person sees theirs in their tray.")
    empty_text = _l("Nobody has asked for long work yet.")
    list_columns = ["created_at", "title", "asked_by", "status", "n_done", "ended_at"]
    show_columns = [
        "title", "kind", "asked_by", "status", "phase", "n_done", "n_total", "n_attempts", "created_at", "started_at", "ended_at",
        "lease_until", "result", "error",
    ]  # fmt: skip
    search_words = ("title",)
    filter_columns = ("kind",)
    base_order = ("created_at", "desc")
    clipped = ("title",)
    label_columns = {
        "created_at": _l("Asked for"), "title": _l("Work"), "asked_by": _l("By whom"), "status": _l("State"), "n_done": _l("Done so far"),
        "n_total": _l("Of how many"), "ended_at": _l("Ended"), "started_at": _l("Begun"), "kind": _l("Kind"),
        "phase": _l("What it does now"),
        "n_attempts": _l("Attempts"), "lease_until": _l("Its worker answers for it until"), "result": _l("What came out"),
        "error": _l("What went wrong"),
    }  # fmt: skip
    formatters_columns = {"asked_by": lambda user: user.get_full_name(), "phase": lambda text: _(text) if text else "—"}

    @property
    def alarm(self) -> str:
        return silence_of_worker()

    def buttons(self, item: Job) -> list[Button]:
        buttons = [Button(_("Progress"), url_for("WorkView.show", pk=item.id))]
        if may_download(item):
            buttons.append(Button(_("Download the result"), url_for("WorkView.result", pk=item.id)))
        if may_stop(item):
            text = _("Stop “%(title)s”? What is done by then stays.", title=item.title)
            buttons.append(Button(_("Stop"), url_for("WorkView.stop", pk=item.id), True, text))
        return buttons


def task_name(name: str) -> str:
    """Return how people call the periodic task *name*; its own name for one of another version."""
    return next((_(task.title) for task in TIMETABLE if task.name == name), name)


class JobRunView(RuledView):
    datamodel = SQLAInterface(JobRun)
    route_base = "/jobrun"
    class_permission_name = "JobRun"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Runs of periodic tasks")
    intro = _l("Runs that did something or failed, and the last one of each task. Those that found nothing to do are not kept.")
    empty_text = _l("Nothing has run by itself yet. As soon as a worker runs, its runs appear here.")
    list_columns = ["started_at", "task", "outcome", "n_done", "counts", "detail"]
    show_columns = ["task", "started_at", "ended_at", "outcome", "n_done", "counts", "detail", "asked_by", "worker"]
    filter_columns = ("task", "outcome")
    base_order = ("started_at", "desc")
    clipped = ("counts", "detail")
    label_columns = {
        "started_at": _l("Begun"), "ended_at": _l("Ended"), "task": _l("Task"), "outcome": _l("Outcome"), "n_done": _l("Done"),
        "counts": _l("What it did"), "detail": _l("What stopped it"), "asked_by": _l("Asked by"), "worker": _l("Worker"),
    }  # fmt: skip
    formatters_columns = {
        "task": task_name, "counts": lambda counts: what_was_done(counts) or "—", "asked_by": lambda user: user.get_full_name(),
    }  # fmt: skip

    def title_of(self, item: JobRun) -> str:
        return f"{task_name(item.task)} · {self.shown(item, 'started_at')}" + (f" · {took(item)}" if item.ended_at else "")
