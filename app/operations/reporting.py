"""
What becomes of reports: each making of one (a run), those that leave by mail by themselves (a schedule), those a reader keeps at hand.

A schedule that is due is claimed once: its next moment is written, and a run a recipient is begun, in one transaction. UNIQUE (schedule,
due_at, user) refuses the second worker. Each run is a job, so that a worker that dies leaves it to another one; what is late is made
once, not once for each time that passed. A run that failed is tried once more an hour later; then its owner is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from app import queries
from app.domain import N_
from app.domain.errors import CalendarGap, DomainError
from app.domain.reports import Every, ReportFormat, ReportOutcome, Rhythm, next_run
from app.domain.states import JobStatus, MessageStatus
from app.extensions import LOCAL_ZONE, local
from app.models import Job, OutboxMessage, ReportFavourite, ReportRecipient, ReportRun, ReportSchedule, StoredFile
from app.operations import messages, work

#: The kind of the jobs that make what was scheduled.
KIND = "scheduled_report"
#: After how long a run that failed is tried once more, and how long it may be.
RETRY, TOO_OLD = timedelta(hours=1), timedelta(days=1)
#: A run that no job makes (a page that writes its file) and that is not over by then was broken off.
BROKEN_OFF = timedelta(hours=2)
#: How many schedules one run of the timetable begins, how many runs it settles, and how many files the sweeper takes.
MOST = 200
#: How many people one schedule may write to.
MOST_RECIPIENTS = 50


# ── Runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin_run(
    session: Session,
    key: str,
    format: ReportFormat,
    filters: Mapping[str, Any],
    words: str,
    user_id: int,
    *,
    at: datetime,
    schedule: ReportSchedule | None = None,
    due_at: datetime | None = None,
    job: Job | None = None,
) -> ReportRun:
    """
    Return the run that begins now, RUNNING, flushed. A job that is begun again goes on with the run it has.

    Args:
        key: The report in the catalogue.
        filters: The arguments of the address of the report.
        words: The same for people, in the language of the reader.
        user_id: For whom it is made.
        schedule: What asked for it, with the moment *due_at* that it serves. Raises IntegrityError for one that has its run already.
        job: The long work that makes it.
    """
    if job is not None and (known := session.scalar(select(ReportRun).where(ReportRun.job_id == job.id))):
        return known
    run = ReportRun(
        report=key, format=format, filters=dict(filters), words=words, user_id=user_id, started_at=at, outcome=ReportOutcome.RUNNING,
        schedule_id=schedule.id if schedule else None, due_at=due_at, job_id=job.id if job else None, n_rows=0, n_bytes=0, error="",
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def end_run(
    session: Session,
    run: ReportRun,
    outcome: ReportOutcome,
    *,
    at: datetime,
    n_rows: int = 0,
    n_bytes: int = 0,
    error: str = "",
    file: StoredFile | None = None,
    expires_on: date | None = None,
) -> None:
    """
    Record how *run* ended, flushed.

    Args:
        error: What stopped it, in words; needed by FAILED and REFUSED.
        file: What it made, if it is kept: then *expires_on* is the last day on which it may be downloaded (`last_day_of_files`).
    """
    run.outcome, run.ended_at, run.error = outcome, at, error
    run.n_rows, run.n_bytes, run.file, run.expires_on = n_rows, n_bytes, file, expires_on
    session.flush()


def last_day_of_files(session: Session, today: date) -> date:
    """Return until when a file that is made today is kept: parameter `reports.keep_days`."""
    return today + timedelta(days=number_of(session, "reports.keep_days", 30))


def number_of(session: Session, key: str, default: int) -> int:
    """Return the parameter *key* as a number; *default* where what the house wrote is none."""
    value = queries.parameter(session, key).strip()
    return int(value) if value.isdecimal() else default


# ── Schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to have sent: which report, in which format, with which filter, how often, to whom."""

    name: str
    report: str
    format: ReportFormat
    filters: Mapping[str, Any]
    words: str
    rhythm: Rhythm
    recipients: Sequence[int]
    sends_empty: bool = True


def rhythm_of(schedule: ReportSchedule) -> Rhythm:
    return Rhythm(schedule.every, schedule.hour, schedule.weekday, schedule.month_day)


def is_working(session: Session) -> Callable[[date], bool]:
    """Return the question whether somebody works on a day; of a year that is not loaded, its weekday says it: a mail is no legal term."""
    calendar = queries.calendar_of(session, queries.organisation(session))

    def ask(day: date) -> bool:
        try:
            return calendar.is_working_day(day)
        except CalendarGap:
            return day.weekday() in calendar.working_week

    return ask


def next_at(session: Session, rhythm: Rhythm, at: datetime) -> datetime:
    """Return the first instant after *at* at which a report of *rhythm* leaves."""
    after = local(at).replace(tzinfo=None)
    return next_run(rhythm, after, is_working(session)).replace(tzinfo=LOCAL_ZONE)


def add_schedule(session: Session, wanted: Wanted, owner_id: int, language: str, *, at: datetime) -> ReportSchedule:
    """Return a new schedule of *owner_id*, flushed. Raises DomainError as `change_schedule`."""
    schedule = ReportSchedule(owner_id=owner_id, language=language, is_active=True, stopped_reason="")
    with session.no_autoflush:
        _write(session, schedule, wanted, at)
    session.add(schedule)
    session.flush()
    return schedule


def change_schedule(session: Session, schedule: ReportSchedule, wanted: Wanted, *, at: datetime) -> None:
    """
    Write *wanted* into *schedule*, flushed; its next moment follows from now on.

    Raises:
        DomainError: It has no name, or that of another schedule of its owner; nobody, too many or people without an address are told.
    """
    with session.no_autoflush:
        _write(session, schedule, wanted, at)
    session.flush()


def _write(session: Session, schedule: ReportSchedule, wanted: Wanted, at: datetime) -> None:
    name = " ".join(wanted.name.split())
    if not name:
        raise DomainError(N_("Write a name, by which you and who receives it know this sending."), field="name")
    same = select(ReportSchedule.id).where(
        ReportSchedule.owner_id == schedule.owner_id, ReportSchedule.name == name, ReportSchedule.id != (schedule.id or 0)
    )
    if session.scalar(same) is not None:
        raise DomainError(N_("You have another sending called “%(name)s”. Give this one another name."), field="name", name=name)
    people = _people(session, wanted.recipients)
    rhythm = wanted.rhythm
    schedule.name, schedule.report, schedule.format = name, wanted.report, wanted.format
    schedule.filters, schedule.words, schedule.sends_empty = dict(wanted.filters), wanted.words, wanted.sends_empty
    schedule.every, schedule.hour = rhythm.every, rhythm.hour
    schedule.weekday = rhythm.weekday if rhythm.every is Every.WEEK else None
    schedule.month_day = rhythm.month_day if rhythm.every in (Every.MONTH, Every.QUARTER) else None
    if schedule.is_active:
        schedule.next_at = next_at(session, rhythm_of(schedule), at)
    known = {each.user_id: each for each in schedule.recipients}
    schedule.recipients = [known.get(user.id) or ReportRecipient(user_id=user.id) for user in people]


def _people(session: Session, ids: Collection[int]) -> list[User]:
    """Return those who are told, in order of their number. Raises DomainError."""
    if not ids:
        raise DomainError(N_("Say at least one person who receives it."), field="recipients")
    if len(set(ids)) > MOST_RECIPIENTS:
        raise DomainError(N_("One sending reaches at most %(most)s people."), field="recipients", most=MOST_RECIPIENTS)
    people = list(session.scalars(select(User).where(User.id.in_(ids), User.active).order_by(User.id)))
    if len(people) < len(set(ids)):
        raise DomainError(N_("Somebody whom you chose does not work here any more. Choose again."), field="recipients")
    if without := [user.get_full_name() for user in people if not user.email]:
        raise DomainError(N_("%(name)s has no e-mail address."), field="recipients", name=without[0])
    return people


def leave(session: Session, schedule: ReportSchedule, user_id: int) -> None:
    """
    Send it no more to *user_id*, flushed; one that nobody else gets is paused.

    Raises:
        DomainError: They do not receive it.
    """
    mine = next((each for each in schedule.recipients if each.user_id == user_id), None)
    if mine is None:
        raise DomainError(N_("You do not receive this report."))
    schedule.recipients.remove(mine)
    if not schedule.recipients and schedule.is_active:
        pause(session, schedule)
    session.flush()


def pause(session: Session, schedule: ReportSchedule) -> None:
    """Send nothing until it is resumed, flushed. Raises DomainError: nothing of it leaves anyway."""
    if not schedule.is_active:
        raise DomainError(N_("This sending is paused or stopped already."))
    schedule.is_active, schedule.next_at = False, None
    session.flush()


def stop(session: Session, schedule: ReportSchedule, reason: str) -> None:
    """End *schedule* for a reason that its page says, flushed. Raises DomainError: it ended before, or without a reason."""
    if schedule.stopped_reason:
        raise DomainError(N_("This sending was stopped already."))
    if not reason.strip():
        raise DomainError(N_("Write why it is stopped."), field="reason")
    schedule.is_active, schedule.next_at, schedule.stopped_reason = False, None, reason.strip()[:240]
    session.flush()


def resume(session: Session, schedule: ReportSchedule, *, at: datetime) -> None:
    """
    Send again, from its next moment on, flushed.

    Raises:
        DomainError: It never ceased, nobody receives it, or its owner does not work here any more.
    """
    if schedule.is_active:
        raise DomainError(N_("This sending is active already."))
    if not schedule.owner.active:
        raise DomainError(N_("Whoever made this sending does not work here any more. Make a new one."))
    if not schedule.recipients:
        raise DomainError(N_("Say at least one person who receives it."), field="recipients")
    schedule.next_at = next_at(session, rhythm_of(schedule), at)
    schedule.is_active, schedule.stopped_reason = True, ""
    session.flush()


# ── What is due ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin_due(session: Session, at: datetime) -> int:
    """
    Begin a run for each recipient of each schedule that is due, flushed; return how many. A worker makes them after the commit.

    One whose owner left the house stops, and those who received it are told.
    """
    due = (
        select(ReportSchedule)
        .where(ReportSchedule.next_at <= at)
        .options(selectinload(ReportSchedule.recipients).joinedload(ReportRecipient.user))
        .order_by(ReportSchedule.next_at, ReportSchedule.id)
        .limit(MOST)
        .with_for_update(of=ReportSchedule, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return sum(_begin(session, schedule, at) for schedule in session.scalars(due).all())


def _begin(session: Session, schedule: ReportSchedule, at: datetime) -> int:
    due_at = schedule.next_at
    if due_at is None:
        return 0
    if not schedule.owner.active:
        _stop_for_owner(session, schedule, due_at, at)
        return 0
    schedule.next_at = next_at(session, rhythm_of(schedule), at)
    session.flush()
    n = 0
    for each in sorted(schedule.recipients, key=lambda each: each.user_id):
        try:
            with session.begin_nested():
                job = _start(session, schedule, each.user, at, n=1)
                run = begin_run(
                    session, schedule.report, schedule.format, schedule.filters, schedule.words, each.user_id, at=at, schedule=schedule,
                    due_at=due_at, job=job,
                )  # fmt: skip
                job.params = {**job.params, "run": run.id}
        except IntegrityError:  # another worker serves this moment
            continue
        n += 1
    return n


def _stop_for_owner(session: Session, schedule: ReportSchedule, due_at: datetime, at: datetime) -> None:
    with force_locale(schedule.language):
        stop(session, schedule, _("Whoever made it, %(name)s, does not work here any more.", name=schedule.owner.get_full_name()))
    for each in schedule.recipients:
        key = f"report_stopped:{schedule.id}:{_mark(due_at)}:{each.user_id}"
        _tell_failed(session, schedule, each.user, schedule.stopped_reason, key=key, at=at)


def _start(session: Session, schedule: ReportSchedule, user: User, at: datetime, *, n: int) -> Job:
    """Return the job that makes the report for *user*, the *n*-th time that it is tried; nobody's tray holds it."""
    with force_locale(messages.language_of(session, user)):
        title = _("%(name)s, for %(person)s", name=schedule.name, person=user.get_full_name())
        return work.start(session, KIND, title, {"n": n}, None, at)


def _mark(due_at: datetime) -> str:
    return f"{local(due_at):%Y%m%d%H}"


# ── How they ended ────────────────────────────────────────────────────────────────────────────────────────────────────────


def settle(session: Session, at: datetime) -> int:
    """
    Close the runs that ended without saying so, flushed; return how many: their job failed or was lost, or the page that made them broke.

    One that was scheduled and failed a second time is told to its owner.
    """
    broken = (
        select(ReportRun)
        .outerjoin(Job, Job.id == ReportRun.job_id)
        .where(
            ReportRun.outcome == ReportOutcome.RUNNING,
            Job.status.in_(work.OVER) | (ReportRun.job_id.is_(None) & (ReportRun.started_at < at - BROKEN_OFF)),
        )
        .options(joinedload(ReportRun.job), joinedload(ReportRun.schedule))
        .order_by(ReportRun.id)
        .limit(MOST)
        .with_for_update(of=ReportRun, skip_locked=True)
    )
    found = session.scalars(broken.execution_options(populate_existing=True)).all()
    for run in found:
        if run.job is not None and run.job.status is JobStatus.CANCELLED:
            end_run(session, run, ReportOutcome.CANCELLED, at=at)
            continue
        why = (run.job.error if run.job else "") or _("The program ended while it worked.")
        end_run(session, run, ReportOutcome.FAILED, at=at, error=why)
        if run.schedule is not None and run.job is not None and run.job.params.get("n") != 1:
            tell_owner(session, run, run.error, at=at)
    return len(found)


def retry(session: Session, at: datetime) -> int:
    """Begin once more what was scheduled and failed an hour ago the first time, flushed; return how many."""
    failed = (
        select(ReportRun)
        .join(Job, Job.id == ReportRun.job_id)
        .where(
            ReportRun.outcome == ReportOutcome.FAILED, ReportRun.schedule_id.is_not(None), ReportRun.ended_at <= at - RETRY,
            ReportRun.started_at > at - TOO_OLD,
        )
        .options(joinedload(ReportRun.job), joinedload(ReportRun.schedule), joinedload(ReportRun.user))
        .order_by(ReportRun.id)
        .limit(MOST)
        .with_for_update(of=ReportRun, skip_locked=True)
    )  # fmt: skip
    n = 0
    for run in session.scalars(failed.execution_options(populate_existing=True)).all():
        if run.job is None or run.schedule is None or run.job.params.get("n") != 1 or not run.schedule.is_active:
            continue
        job = _start(session, run.schedule, run.user, at, n=2)
        job.params = {**job.params, "run": run.id}
        run.job_id, run.outcome, run.ended_at, run.error = job.id, ReportOutcome.RUNNING, None, ""
        session.flush()
        n += 1
    return n


def refuse(session: Session, run: ReportRun, reason: str, *, at: datetime) -> None:
    """End a scheduled *run* whose reader may not have it, flushed; its owner is told once nobody at all gets it."""
    end_run(session, run, ReportOutcome.REFUSED, at=at, error=reason)
    others = select(func.count()).where(
        ReportRun.schedule_id == run.schedule_id, ReportRun.due_at == run.due_at, ReportRun.outcome != ReportOutcome.REFUSED
    )
    if not session.scalar(others):
        tell_owner(session, run, reason, at=at)


def tell_owner(session: Session, run: ReportRun, reason: str, *, at: datetime) -> None:
    """Tell whoever scheduled *run* that it did not leave, and why; once a person and a moment."""
    schedule = run.schedule
    if schedule is not None and run.due_at is not None:
        key = f"report_failed:{schedule.id}:{_mark(run.due_at)}:{run.user_id}"
        _tell_failed(session, schedule, schedule.owner, reason, key=key, at=at, person=run.user.get_full_name())


def _tell_failed(
    session: Session, schedule: ReportSchedule, user: User, reason: str, *, key: str, at: datetime, person: str = ""
) -> None:  # fmt: skip
    facts = {"name": schedule.name, "reason": reason, "person": person, "url": f"/report-schedule/show/{schedule.id}"}
    messages.tell_user(session, user, "report_failed", facts, key=key, at=at)


def send(session: Session, run: ReportRun, name: str, *, at: datetime) -> OutboxMessage | None:
    """
    Queue the mail that brings a scheduled *run* that ended with its file; return it, or None for who does not want it.

    The file goes with it up to the parameter `reports.mail_mb`; a larger one waits on the page of the run, which the mail links.

    Args:
        name: The report, as its reader calls it.
    """
    stored, schedule = run.file, run.schedule
    if stored is None or schedule is None or run.due_at is None:
        raise ValueError("a run without file or schedule is not sent")
    is_attached = stored.n_bytes <= number_of(session, "reports.mail_mb", 5) * 1024 * 1024
    with force_locale(messages.language_of(session, run.user)):
        how = _("The file goes with this message.") if is_attached else _("The file is too large for a message: download it from its page.")
    facts = {
        "name": schedule.name, "report": name, "filter": run.words, "n": run.n_rows, "sender": schedule.owner.get_full_name(), "how": how,
        "until": run.expires_on, "url": f"/report-run/show/{run.id}",
    }  # fmt: skip
    key = f"report:{schedule.id}:{_mark(run.due_at)}:{run.user_id}"
    return messages.tell_user(session, run.user, "report", facts, key=key, at=at, attachment=stored if is_attached else None)


# ── Tidying up ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep(session: Session, today: date) -> int:
    """Delete the files whose time is over, flushed; return how many. The runs stay; what mail still has to bring waits for it."""
    unsent = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.HELD)
    waits = select(OutboxMessage.id).where(OutboxMessage.attachment_id == ReportRun.file_id, OutboxMessage.status.in_(unsent)).exists()
    over = (
        select(ReportRun)
        .where(ReportRun.file_id.is_not(None), ReportRun.expires_on < today, ~waits)
        .options(joinedload(ReportRun.file))
        .order_by(ReportRun.id)
        .limit(MOST)
    )
    found = session.scalars(over).all()
    for run in found:
        _let_go(session, run)
    return len(found)


def _let_go(session: Session, run: ReportRun) -> None:
    """Part *run* from its file, and delete it unless another register keeps it."""
    stored, run.file = run.file, None
    session.execute(update(OutboxMessage).where(OutboxMessage.attachment_id == stored.id).values(attachment_id=None))  # type: ignore[union-attr]
    session.execute(update(Job).where(Job.result_file_id == stored.id).values(result_file_id=None))  # type: ignore[union-attr]
    session.flush()
    try:
        with session.begin_nested():
            session.delete(stored)
    except IntegrityError:
        return


# ── At hand ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def keep_at_hand(session: Session, user_id: int, key: str, is_kept: bool) -> None:
    """Put the report *key* among those that *user_id* keeps at hand, last, or take it out; flushed. Twice is once."""
    known = session.get(ReportFavourite, (user_id, key))
    if is_kept and known is None:
        last = session.scalar(select(func.max(ReportFavourite.position)).where(ReportFavourite.user_id == user_id))
        try:
            with session.begin_nested():
                session.add(ReportFavourite(user_id=user_id, report=key, position=(last or 0) + 1))
        except IntegrityError:  # the other click was first
            return
    elif not is_kept:
        session.execute(delete(ReportFavourite).where(ReportFavourite.user_id == user_id, ReportFavourite.report == key))
