"""
Work in the background, as people see it: the tray of each (what he asked for, how far it is, what came out), and what runs by the clock.

A job is its asker's alone; whoever reads the register of all jobs may open it, the administrator may stop it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, has_request_context, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app import jobs
from app.audit import record_reading
from app.domain.errors import DomainError
from app.domain.states import JobStatus, RunOutcome
from app.downloads import send_stored
from app.extensions import db, now, start_writing
from app.models import Job, JobRun, WorkerBeat
from app.operations import work
from app.security import may
from app.words import say, say_number

#: Jobs on one page of the tray.
MOST = 50
TONES = {
    JobStatus.QUEUED: "stop", JobStatus.RUNNING: "info", JobStatus.DONE: "ok", JobStatus.FAILED: "bad", JobStatus.LOST: "bad",
    JobStatus.CANCELLED: "stop",
    RunOutcome.RUNNING: "info", RunOutcome.DONE: "ok", RunOutcome.FAILED: "bad", RunOutcome.LOST: "bad",
}  # fmt: skip


# ── Whether anybody works ─────────────────────────────────────────────────────────────────────────────────────────────────


def alive_since() -> datetime:
    """Return the instant of the machine after which a worker that lives has been seen."""
    return datetime.now(UTC) - work.SILENT


def silence_of_worker() -> str:
    """Return what to tell when no worker runs; empty when one does, or where none is meant to (`HUEY_URL=none`). One statement."""
    if not has_request_context() or not jobs.is_connected():  # Flask-AppBuilder reads every property of a view when it starts
        return ""
    seen_at = db.session.scalar(select(func.max(WorkerBeat.seen_at)))
    return "" if seen_at is not None and seen_at > alive_since() else worker_is_silent()


def worker_is_silent() -> str:
    """Return what to tell the reader when no worker runs: how to start it, or whom to ask."""
    if not may("can_run", "JobRun"):
        return _("Nobody is doing this work now: the program that does it is not running. Tell the administrator; nothing is lost.")
    return _(
        "The worker is not running: no mail leaves, nothing is read and long work waits. Start it with “make run”, or with "
        "“flask atiende worker” where the web runs by itself."
    )


def no_queue() -> str:
    return _("There is no queue here (ATIENDE_HUEY_URL=none), so nothing runs by itself.")


# ── The tray ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def how_far(job: Job) -> str:
    """Return the progress of *job* in words: 1.200 of 5.000 · Writing rows."""
    phase = _(job.phase) if job.phase else ""
    if job.n_total:
        counted = _("%(n)s of %(total)s", n=say_number(job.n_done), total=say_number(job.n_total))
    else:
        counted = say_number(job.n_done) if job.n_done else ""
    return " · ".join(part for part in (counted, phase) if part)


def is_over(job: Job) -> bool:
    return job.status in work.OVER


def may_stop(job: Job) -> bool:
    return not is_over(job) and not job.is_cancel_asked and (job.asked_by_id == current_user.id or may("can_stop", "Job"))


#: kind of job → whether the reader of this request may still take away what it made, where being its asker is not enough.
GUARDED: dict[str, Callable[[Job], bool]] = {}


def may_download(job: Job) -> bool:
    is_open = job.asked_by_id == current_user.id or may("can_download", "Job")
    return job.result_file_id is not None and is_open and GUARDED.get(job.kind, _anybody)(job)


def _anybody(_job: Job) -> bool:
    return True


class WorkView(BaseView):
    """`/work/`: the tray of the reader."""

    route_base = "/work"
    default_view = "list"
    class_permission_name = "Work"
    is_counted = True  # the menu says how many of its works are on their way

    def _page(self, template: str, found: list[Job], **facts: Any) -> str:
        """Return a page of jobs; it renews itself while one of them is on its way."""
        doors = {"how_far": how_far, "may_stop": may_stop, "may_download": may_download, "tones": TONES}
        is_live = not all(is_over(job) for job in found)
        silence = "" if not is_live else silence_of_worker() if jobs.is_connected() else no_queue()
        return self.render_template(template, jobs=found, is_live=is_live, silence=silence, **doors, **facts)

    def _job(self, pk: int, right: str) -> Job:
        """Return the job if it is the reader's, or he has *right* over everybody's; else answer 404."""
        job = db.session.get(Job, pk, options=[joinedload(Job.result_file), joinedload(Job.asked_by)]) if pk < 2**31 else None
        if job is None or (job.asked_by_id != current_user.id and not may(right, "Job")):
            abort(404)
        return job

    @expose("/")
    @has_access
    def list(self) -> str:
        """What the reader asked for and is not done, and what ended lately."""
        mine = select(Job).where(Job.asked_by_id == current_user.id, or_(Job.ended_at.is_(None), Job.ended_at > now() - work.KEPT))
        found = db.session.scalars(mine.options(joinedload(Job.result_file)).order_by(Job.created_at.desc(), Job.id.desc()).limit(MOST))
        return self._page("work/tray.html", found.all(), days=work.KEPT.days)  # type: ignore[arg-type]

    @expose("/<int:pk>")
    @has_access
    @permission_name("list")
    def show(self, pk: int) -> str:
        """One job."""
        return self._page("work/job.html", [self._job(pk, "can_show")], days=work.KEPT.days)

    @expose("/<int:pk>/stop", methods=["POST"])
    @has_access
    @permission_name("list")
    def stop(self, pk: int) -> Response:
        """Ask a job to stop."""
        job = self._job(pk, "can_stop")
        try:
            work.cancel(db.session(), job, now())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("It stops as soon as it finishes what it is doing. What is done by then stays."), "success")
        return redirect(url_for("WorkView.list") if request.form.get("back") == "tray" else url_for("WorkView.show", pk=pk))

    @expose("/<int:pk>/result")
    @has_access
    @permission_name("list")
    def result(self, pk: int) -> Response:
        """Download what came out. Who takes what somebody else asked for is written down."""
        job = self._job(pk, "can_download")
        if job.result_file is None:
            abort(404)
        if not may_download(job):
            abort(403)
        if job.asked_by_id != current_user.id:
            start_writing()
            record_reading(db.session(), "job", pk, "result")
            db.session.commit()
        return send_stored(job.result_file)


# ── What runs by the clock ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Line:
    """A task of the timetable: its newest run, if it ever ran, and when it has to run next."""

    task: jobs.Periodic
    run: JobRun | None
    next_at: datetime | None


def took(run: JobRun) -> str:
    """Return how long a run took, in words; empty while it runs."""
    if run.ended_at is None:
        return ""
    seconds = (run.ended_at - run.started_at).total_seconds()
    if seconds < 1:
        return _("less than a second")
    if seconds < 120:
        return ngettext("%(num)s second", "%(num)s seconds", round(seconds))
    return ngettext("%(num)s minute", "%(num)s minutes", round(seconds / 60))


def what_was_done(counts: dict[str, int | None]) -> str:
    """Return the counts of a run in words; what failed says so."""
    failed = _("failed")
    return " · ".join(f"{_(words)}: {failed if n is None else say_number(n)}" for words, n in counts.items())


class PeriodicView(BaseView):
    """`/periodic/`: every task of the timetable, how it went last, when it runs next; and the workers."""

    route_base = "/periodic"
    default_view = "list"
    class_permission_name = "JobRun"

    @expose("/")
    @has_access
    def list(self) -> str:
        real = datetime.now(UTC)
        newest = select(func.max(JobRun.id)).group_by(JobRun.task)
        latest = select(JobRun).where(JobRun.id.in_(newest)).options(joinedload(JobRun.asked_by))
        runs = {run.task: run for run in db.session.scalars(latest)}
        beats = db.session.scalars(select(WorkerBeat).order_by(WorkerBeat.seen_at.desc()).limit(20)).all()
        is_silent = jobs.is_connected() and not any(beat.seen_at > alive_since() for beat in beats)
        return self.render_template(
            "work/periodic.html",
            lines=[Line(task, runs.get(task.name), task.next_due(real)) for task in jobs.TIMETABLE],
            beats=beats, alive_since=alive_since(),
            silence=worker_is_silent() if is_silent else "", no_queue="" if jobs.is_connected() else no_queue(),
            may_run=may("can_run", "JobRun"), tones=TONES, took=took, what_was_done=what_was_done,
        )  # fmt: skip

    @expose("/<name>/run", methods=["POST"])
    @has_access
    @permission_name("run")
    def run(self, name: str) -> Response:
        """Ask a worker to run a task now, whatever the timetable says."""
        task = next((task for task in jobs.TIMETABLE if task.name == name), None) or abort(404)
        silence = silence_of_worker() if jobs.is_connected() else no_queue()
        if silence:
            flash(silence, "warning")
        else:
            jobs.run_task(task.name, None, current_user.id)
            flash(_("“%(task)s” was asked for. A worker begins it in a moment: load this page again.", task=_(task.title)), "success")
        return redirect(url_for("PeriodicView.list"))
