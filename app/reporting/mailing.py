"""
What leaves by mail by itself, made for each who receives it: with the rights and the rows that the reader has at that moment.

The file, the end of its run and the mail that brings it are one transaction: of two workers, or after a death, one of them counts.
"""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session, joinedload

from app import jobs
from app.audit import record_reading
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.reports import ReportFormat, ReportOutcome
from app.extensions import local, now
from app.models import Job, ReportRun, StoredFile
from app.operations import files, messages, reporting
from app.reporting import making
from app.reports.base import Offer
from app.reports.registry import CATALOGUE
from app.security import acting_as, may
from app.words import say

#: No report weighs more: its rows are counted before it is made.
MOST_BYTES = 4 * 1024**3


class NotTheirs(DomainError):
    """The reader may not have this report: no fault, and nothing to try again."""


def check_reader(user: User, offer: Offer | None, format: ReportFormat) -> Offer:
    """
    Return *offer* if *user* may have its file in *format*; ask it as that user.

    Raises:
        NotTheirs: They do not work here any more, may not open or take the report, or it is not made any more.
    """
    if not user.active:
        raise NotTheirs(N_("%(name)s does not work here any more."), name=user.get_full_name())
    if offer is None or format not in offer.formats:
        raise NotTheirs(N_("This report is not made any more, or not in this format."))
    if not (may(*offer.right) and may(*offer.export_right)):
        raise NotTheirs(N_("%(name)s may not open this report or take it away."), name=user.get_full_name())
    return offer


def check_receiver(user: User, offer: Offer | None, format: ReportFormat) -> None:
    """Raise NotTheirs as `check_reader`, whoever asks."""
    with acting_as(user):
        check_reader(user, offer, format)


@jobs.handler(reporting.KIND)
def make_scheduled(session: Session, job: Job, progress: jobs.Progress) -> None:
    """Make the report of the run that *job* names, and queue the mail that brings it. What fails is seen to by `reporting.settle`."""
    at, run = now(), _run_of(session, job)
    if run is None:
        return
    language = messages.language_of(session, run.user)
    try:
        made, name, words = _make(session, run, language, at, progress)
    except NotTheirs as error:
        session.rollback()
        if run := _run_of(session, job):
            with force_locale(run.schedule.language if run.schedule else language):
                reporting.refuse(session, run, say(error), at=at)
        return
    with made.file:
        if run := _run_of(session, job):
            run.words = words
            _keep(session, run, made, name, at)


def _run_of(session: Session, job: Job) -> ReportRun | None:
    """Return the run that *job* makes; None once it ended, or is made by another job."""
    loaded = joinedload(ReportRun.user), joinedload(ReportRun.schedule)
    run = session.get(ReportRun, job.params["run"], options=loaded, populate_existing=True)
    return run if run is not None and run.outcome is ReportOutcome.RUNNING and run.job_id == job.id else None


def _make(
    session: Session, run: ReportRun, language: str, at: datetime, progress: jobs.Progress
) -> tuple[making.Made, str, str]:  # fmt: skip
    """Return the file, the name of the report and its filter in words, in *language*. Writes nothing."""
    user, key, format, filters = run.user, run.report, run.format, dict(run.filters)
    with jobs.reading(session):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        with acting_as(user), force_locale(language):
            offer = check_reader(user, CATALOGUE.get(key), format)
            asked = making.ask(session, offer, filters, at)
            report = offer.make(asked)
            words = " · ".join(report.filters_in_words())
            made = making.make_file(offer, asked, format, lambda n: progress(n, phase=N_("Writing rows")), report)
            return made, _(offer.report.name), words


def _keep(session: Session, run: ReportRun, made: making.Made, name: str, at: datetime) -> None:
    """End *run* with its file and queue its mail; one without rows that nobody wants leaves neither."""
    if made.n_rows == 0 and run.schedule is not None and not run.schedule.sends_empty:
        reporting.end_run(session, run, ReportOutcome.EMPTY, at=at)
        return
    outcome = ReportOutcome.DONE if made.n_rows else ReportOutcome.EMPTY
    stored = stored_of(session, made)
    until = reporting.last_day_of_files(session, local(at).date())
    reporting.end_run(session, run, outcome, at=at, n_rows=made.n_rows, n_bytes=stored.n_bytes, file=stored, expires_on=until)
    session.info["actor_id"] = run.user_id
    record_reading(session, "report_run", run.id, "export", run.report)
    if run.schedule is not None:
        reporting.send(session, run, name, at=at)


def stored_of(session: Session, made: making.Made) -> StoredFile:
    """Return the file of *made*, put into the store."""
    made.file.seek(0)
    return files.store_file(session, files.hold_upload(made.name, made.file, made.media_type, most=MOST_BYTES))
