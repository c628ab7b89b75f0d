"""
Making a report: asked for by a page, by a schedule or by a job, for the reader of the moment; the file is whole, or there is none.

A page makes what is short at once. What is long is a job of the kind `report`, which makes it with the rights and the rows of who asked
as they are then, tells how far it is, may be stopped, and leaves its file in the tray and in the run that it belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import jobs, queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.reports import ReportFormat, ReportOutcome
from app.extensions import LANGUAGE, local, now
from app.models import Job, ReportRun, StoredFile
from app.operations import reporting, work
from app.operations.files import CheckedFile, store_file
from app.reporting.paper import write_pdf
from app.reports import delimited, xlsx
from app.reports.base import Asked, Cover, Offer, Report, Tell, format_of, is_spanish
from app.reports.registry import CATALOGUE
from app.security import acting_as, may, reader_of
from app.words import say, say_number
from app.work import GUARDED

KIND = "report"
#: The parameters of `Limits`, in its order, as they ship.
SHIPPED = {"reports.rows_now": 20_000, "reports.most_rows": 2_000_000, "reports.pdf_rows": 5_000}
EXTENSIONS = {ReportFormat.XLSX: "xlsx", ReportFormat.PDF: "pdf", ReportFormat.CSV: "csv"}
_TYPES = {ReportFormat.XLSX: xlsx.MEDIA_TYPE, ReportFormat.PDF: "application/pdf", ReportFormat.CSV: delimited.MEDIA_TYPE}


class BadFilter(DomainError):
    """The arguments ask for nothing that can be made; `form` says beside each field why."""

    msgid = N_("Please correct the filter: %(why)s")

    def __init__(self, form: Any) -> None:
        super().__init__(why=next((str(errors[0]) for errors in form.errors.values() if errors), ""))
        self.form = form


class TooManyRows(DomainError):
    """More rows than a file may have; nothing is written."""

    msgid = N_(
        "That would be %(n)s rows, and a file of reports has up to %(most)s. Nothing was made: choose a shorter period or more filters."
    )


class TooLongForPaper(TooManyRows):
    msgid = N_("That would be %(n)s rows, and a PDF has up to %(most)s. Take the Excel file, or choose a shorter period or more filters.")


class MayNotTake(DomainError):
    """The right to take the report away is gone."""

    msgid = N_("You may no longer take this report away. Ask the administrator.")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a page writes at once, a file may have, and fit on paper: parameters of the house."""

    now: int
    most: int
    paper: int

    @classmethod
    def of(cls, session: Session) -> Limits:
        """Return what the house has set. One statement."""
        return cls.read(queries.parameters(session, list(SHIPPED)))

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Limits:
        """Return what parameters say; what is no number counts as it shipped."""
        return cls(*(int(told[key]) if told.get(key, "").isdecimal() else default for key, default in SHIPPED.items()))

    def check(self, n: int, format: ReportFormat) -> None:
        """Raise TooManyRows where no file of *n* rows is made in *format*."""
        if n > self.most:
            raise TooManyRows(n=say_number(n), most=say_number(self.most))
        if format is ReportFormat.PDF and n > self.paper:
            raise TooLongForPaper(n=say_number(n), most=say_number(self.paper))


def ask(session: Session, offer: Offer, args: Mapping[str, Any], at: datetime) -> Asked:
    """
    Return what *args* (of an address or of a schedule) ask of *offer*, for the reader of the moment.

    Raises:
        BadFilter: The arguments make no sense.
    """
    on, organisation = local(at).date(), queries.organisation(session)
    reader = reader_of(on)
    form = offer.read(offer, args, session, reader, on)
    if not form.validate():
        raise BadFilter(form)
    return Asked(session, reader, form, queries.calendar_of(session, organisation), local(at).replace(tzinfo=None))


def size(report: Report) -> int:
    """Return how many rows the database counts in the tables that stream records; groups are few and not counted."""
    return sum(part.n_rows() for part in report.tables if part.n_rows is not None)


@dataclass(frozen=True, slots=True)
class Made:
    """A file of a report, written up to its end: whoever gets it sends or stores it, and closes it."""

    file: BinaryIO
    name: str
    media_type: str
    n_rows: int
    n_bytes: int

    @property
    def outcome(self) -> ReportOutcome:
        return ReportOutcome.DONE if self.n_rows else ReportOutcome.EMPTY

    def checked(self) -> CheckedFile:
        """Return the file with its sum, as `store_file` takes it."""
        self.file.seek(0)
        digest = hashlib.file_digest(self.file, "sha256").hexdigest()  # type: ignore[arg-type]
        return CheckedFile(self.name, self.media_type, self.n_bytes, digest, self.file)


def make_file(offer: Offer, asked: Asked, format: ReportFormat, tell: Tell | None = None, report: Report | None = None) -> Made:
    """
    Return the file of what was *asked*, whole.

    Args:
        tell: Told how many rows are written; what it raises stops the writing, and no file is left.
        report: The one that `offer.make(asked)` gave, if the caller has it already.

    Raises:
        TooManyRows: More than a file of this format has.
        DomainError: What the report itself refuses.
    """
    session = asked.session
    if format is ReportFormat.PDF and not is_spanish():  # paper is Spanish in this house, whatever language its reader has
        with force_locale(LANGUAGE):
            return make_file(offer, asked, format, tell)
    report = report or offer.make(asked)
    Limits.of(session).check(size(report), format)
    organisation = queries.organisation(session)
    cover = Cover(organisation.name, format_of(session, offer.key, _(offer.report.name)), asked.reader.name, asked.at)
    file = TemporaryFile()  # noqa: SIM115  whoever gets it closes it
    try:
        n_rows = _writer(format, session)(report, cover, file, tell)
    except BaseException:
        file.close()
        raise
    n_bytes = file.seek(0, 2)
    is_zip = format is ReportFormat.CSV and delimited.is_zipped(report)
    name = report.file_name(cover.format, asked.today, "zip" if is_zip else EXTENSIONS[format])
    return Made(file, name, delimited.ZIP_TYPE if is_zip else _TYPES[format], n_rows, n_bytes)


def _writer(format: ReportFormat, session: Session) -> Callable[[Report, Cover, BinaryIO, Tell | None], int]:
    match format:
        case ReportFormat.XLSX:
            return lambda report, cover, file, tell: xlsx.write_xlsx(report, cover, file, tell)
        case ReportFormat.CSV:
            return lambda report, _cover, file, tell: delimited.write_csv(report, file, tell)
        case ReportFormat.PDF:
            return lambda report, cover, file, tell: write_pdf(session, report, cover, file, tell)


# ── Long ones ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def start(session: Session, offer: Offer, asked: Asked, format: ReportFormat, words: str, at: datetime) -> Job:
    """Return the job that makes what was *asked*, with its run, in the caller's transaction."""
    title = _("%(report)s (%(format)s)", report=_(offer.report.name), format=_(format.value))
    args = asked.form.args()
    job = work.start(session, KIND, title, {"report": offer.key, "format": format.name, "filters": args}, asked.reader.user_id, at)
    reporting.begin_run(session, offer.key, format, args, words, asked.reader.user_id, at=at, job=job)
    return job


@jobs.handler(KIND)
def make_report(session: Session, job: Job, progress: jobs.Progress) -> StoredFile | None:
    """Make what *job* asks for, as its reader may today; its run ends with it. What was stopped or refused leaves no file."""
    run = session.scalars(select(ReportRun).where(ReportRun.job_id == job.id)).one()
    user = session.get_one(User, job.asked_by_id)
    try:
        made = _made(session, job, user, progress)
    except jobs.Cancelled:
        session.rollback()
        reporting.end_run(session, run, ReportOutcome.CANCELLED, at=now())
        session.commit()
        raise
    except DomainError as error:
        session.rollback()
        reporting.end_run(session, run, ReportOutcome.REFUSED, at=now(), error=say(error))
        session.commit()
        raise
    with made.file:
        stored = store_file(session, made.checked())
    expires_on = reporting.last_day_of_files(session, local(now()).date())
    facts = {"n_rows": made.n_rows, "n_bytes": made.n_bytes, "file": stored, "expires_on": expires_on}
    reporting.end_run(session, run, made.outcome, at=now(), **facts)
    job.result = _("%(n)s rows.", n=say_number(made.n_rows)) if made.n_rows else _("Nothing matches: the file says so and has no rows.")
    return stored


def _made(session: Session, job: Job, user: User, progress: jobs.Progress) -> Made:
    """Return the file, read from one state of the database."""
    with jobs.reading(session):
        if session.get_bind().dialect.name == "postgresql":  # before anything is read, the reader too
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        with acting_as(user):
            return _made_as(session, job, progress)


def _made_as(session: Session, job: Job, progress: jobs.Progress) -> Made:
    """Return the file as the reader of the moment may have it. Raises MayNotTake."""
    offer, format = CATALOGUE[job.params["report"]], ReportFormat[job.params["format"]]
    if not may(*offer.right) or not may(*offer.export_right):
        raise MayNotTake
    asked = ask(session, offer, job.params["filters"], job.created_at)
    report = offer.make(asked)
    n = size(report)
    progress(0, n, N_("Writing rows"))
    return make_file(offer, asked, format, lambda done: progress(done, max(n, done)), report)


def may_take(job: Job) -> bool:
    """Return whether the reader of this request may take away what *job* made: it was made for them, and they have the right still."""
    if job.asked_by_id != current_user.id:
        return False
    offer = CATALOGUE.get(job.params.get("report", ""))
    return offer is not None and may(*offer.right) and may(*offer.export_right)


GUARDED[KIND] = may_take
