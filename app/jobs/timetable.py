"""
What runs by the clock: `TIMETABLE`, one row a task. To add one, write its function and its row; the rest comes with the row.

A function takes (session, at), commits or flushes as it likes, and returns how much it did, by name. It must be safe to repeat and to
run on two workers at once: claim rows by an UPDATE that names the state it saw, or write what a UNIQUE refuses to hold twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from flask import current_app
from huey import crontab
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import mailer, ratelimit
from app.domain import N_
from app.domain.errors import DomainError
from app.extensions import local
from app.jobs.calls import call_hooks
from app.jobs.incoming import read_mail
from app.jobs.post import deliver, digest
from app.jobs.queue import WAKES, context, huey
from app.jobs.telling import remind
from app.models import Indicator
from app.operations import (
    appeals,
    campaigns,
    checklists,
    files,
    indicators,
    interested,
    notices,
    outbox,
    quotation_mail,
    reminders,
    reporting,
    requirements,
    silence,
    survey_mail,
    webhooks,
    work,
)

log = structlog.get_logger("atiende.jobs")

#: What a run did: msgid → how many. None: that part failed, the log says why, and the rest went on.
Counts = Mapping[str, int | None]
_MINUTE = timedelta(minutes=1)
#: How far back a missed run is still looked for: a task is due at least once a week.
_REACH = 8 * 24 * 60


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task that runs by the clock of Colombia: `when` is a crontab in local time, `title` and `does` are said to people."""

    name: str
    title: str
    does: str
    when: Callable[[datetime], bool]
    run: Callable[[Session, datetime], Counts]

    def last_due(self, at: datetime) -> datetime | None:
        """Return the last minute, *at* or before, in which it had to run."""
        return self._seek(at, -_MINUTE)

    def next_due(self, at: datetime) -> datetime | None:
        """Return the first minute after *at* in which it has to run."""
        return self._seek(at + _MINUTE, _MINUTE)

    def _seek(self, at: datetime, step: timedelta) -> datetime | None:
        minute = local(at).replace(second=0, microsecond=0)
        for _n in range(_REACH):
            if self.when(minute):
                return minute
            minute += step
        return None


# ── What they do ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _send_mail(session: Session, _at: datetime) -> Counts:
    return {N_("messages sent"): deliver(session)}


def _digest(session: Session, at: datetime) -> Counts:
    return {N_("digests written"): digest(session, at)}


@huey.task(name="send_mail_now", expires=55)
def send_mail() -> None:
    """Send what was just queued, without waiting for the minute."""
    with context() as session:
        deliver(session)


def _wake_for_mail() -> None:
    if mailer.is_configured(current_app.config):
        send_mail()


WAKES[outbox.HAS_MAIL] = _wake_for_mail


def _read_mail(session: Session, _at: datetime) -> Counts:
    return {N_("messages read"): read_mail(session)}


def _call_hooks(session: Session, _at: datetime) -> Counts:
    return {N_("webhooks delivered"): call_hooks(session)}


@huey.task(name="call_hooks_now", expires=55)
def call_hooks_now() -> None:
    """Deliver what just happened, without waiting for the minute."""
    with context() as session:
        call_hooks(session)


WAKES[webhooks.HAS_HOOKS] = call_hooks_now


def _sweep(session: Session, at: datetime) -> Counts:
    """Delete what nothing needs any more. Results go before the files, whose rows they let go of."""
    counts = {N_("counters of the rate limits"): ratelimit.sweep(), N_("old results and runs"): work.sweep(session, at, datetime.now(UTC))}
    session.commit()
    counts[N_("files of reports")] = reporting.sweep(session, local(at).date())
    session.commit()
    return counts | {N_("files that nothing names"): files.sweep_orphans(session)}


#: What the law, or the term of an offer, lets happen by itself, in this order: a function of (session, at) each, which flushes and
#: returns how many rows it moved. Twice on one night, or nights later, the result is the same.
NIGHTLY: dict[Callable[[Session, datetime], int], str] = {
    notices.serve_due: N_("notices served by the passing of the days"),
    requirements.end_overdue_evidence: N_("terms of evidence that ended"),
    appeals.close_final: N_("cases that became final"),
    silence.keep_up: N_("silences noted"),
    quotation_mail.expire_lapsed: N_("quotations whose validity ended"),
    campaigns.close_due: N_("campaigns of surveys that ended"),
}


def _turn_the_day(session: Session, at: datetime) -> Counts:
    """Do what a day that ended brings about. Each duty commits by itself, so that one that fails stops no other."""
    counts: dict[str, int | None] = {}
    for duty, words in NIGHTLY.items():
        try:
            counts[words] = duty(session, at)
            session.commit()
        except Exception:
            session.rollback()
            counts[words] = None
            log.exception("nightly", duty=f"{duty.__module__.rpartition('.')[2]}.{duty.__name__}")
    return counts


def _open_checklists(session: Session, at: datetime) -> Counts:
    n = checklists.open_due(session, at)
    session.commit()
    return {N_("verifications of contracts opened"): n}


def _propose_campaigns(session: Session, at: datetime) -> Counts:
    """Propose the campaigns that are due, and call up reserves where somebody dropped out."""
    n_proposed = campaigns.propose_due(session, at)
    session.commit()
    n_called = campaigns.call_up_all(session, at)
    session.commit()
    return {N_("campaigns of surveys proposed"): n_proposed, N_("reserves called up"): n_called}


def _remind(session: Session, at: datetime) -> Counts:
    return {N_("reminders given"): remind(session, at)}


def _invite_to_surveys(session: Session, at: datetime) -> Counts:
    n_invited, n_reminded = survey_mail.send_due(session, at) if reminders.is_open(session, at) else (0, 0)
    session.commit()
    return {N_("invitations to surveys"): n_invited, N_("reminders of surveys"): n_reminded}


def _begin_reports(session: Session, at: datetime) -> Counts:
    """Begin the reports that are due; each recipient's is a job of its own."""
    n_over = reporting.settle(session, at)
    session.commit()
    n_begun = reporting.begin_due(session, at) + reporting.retry(session, at)
    session.commit()
    return {N_("reports begun"): n_begun, N_("reports broken off"): n_over}


def _find_evidence(session: Session, at: datetime) -> Counts:
    return {N_("pieces of evidence found"): interested.find_all(session, at)}


def _reckon_indicators(session: Session, at: datetime) -> Counts:
    """Draft the periods that ended and reckon again what was reported. Each indicator commits by itself: one that fails stops no other."""
    n_new = n_differ = 0
    for key in session.scalars(select(Indicator.id).where(Indicator.is_active).order_by(Indicator.id)).all():
        try:
            new, differ = indicators.reckon(session, session.get_one(Indicator, key), at=at)
            session.commit()
        except (DomainError, IntegrityError) as error:  # a year that is not loaded; another worker was first
            session.rollback()
            log.warning("indicator", indicator_id=key, error=type(error).__name__)
            continue
        n_new, n_differ = n_new + new, n_differ + differ
    return {N_("values of indicators drafted"): n_new, N_("reported values that give another figure now"): n_differ}


# ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Hours are those of the clock in Colombia.
TIMETABLE: tuple[Periodic, ...] = (
    Periodic(
        "send_mail", N_("Outgoing mail"), N_("Sends the mail that waits, and tries again what did not leave."),
        crontab(minute="*"), _send_mail,
    ),
    Periodic(
        "digest", N_("The daily digest"), N_("Joins the notices of who wants them once a day, when the working day begins."),
        crontab(minute="*/5"), _digest,
    ),
    Periodic(
        "read_mail", N_("Incoming mail"), N_("Reads the mailbox: each message becomes a case, a note on its case, or waits in quarantine."),
        crontab(minute="*"), _read_mail,
    ),
    Periodic(
        "call_hooks", N_("Webhooks"), N_("Tells other programs what happened to cases, and tries again what they did not take."),
        crontab(minute="*"), _call_hooks,
    ),
    Periodic(
        "remind", N_("Reminders"), N_("Tells people what falls due, in working hours; at others it tells nobody anything."),
        crontab(minute="*/15"), _remind,
    ),
    Periodic(
        "invite_survey", N_("Invitations to surveys"),
        N_("Sends personal links to who is asked, and reminders to who has not answered, in working hours."),
        crontab(minute="5"), _invite_to_surveys,
    ),
    Periodic(
        "send_reports", N_("Reports by mail"), N_("Makes the reports that somebody has sent by mail, for each who receives them."),
        crontab(minute="*/5"), _begin_reports,
    ),
    Periodic(
        "turn_the_day", N_("The end of the day"),
        N_("Serves notices, closes cases and campaigns of surveys whose days ended, notes silences, and expires quotations."),
        crontab(hour="0", minute="10"), _turn_the_day,
    ),
    Periodic(
        "find_evidence", N_("Evidence of interested parties"),
        N_("Looks for the surveys, verifications, visits and reports that show that each group is followed, and reckons the next day."),
        crontab(hour="5", minute="15"), _find_evidence,
    ),
    Periodic(
        "open_checklists", N_("Verification of contracts"), N_("Opens the verification checklist of each contract on its anniversary."),
        crontab(hour="5", minute="0"), _open_checklists,
    ),
    Periodic(
        "propose_campaigns", N_("Campaigns of surveys"),
        N_("Proposes the campaign of each form when its period comes, and lets reserves take the place of who drops out."),
        crontab(hour="5", minute="30"), _propose_campaigns,
    ),
    Periodic(
        "reckon_indicators", N_("Indicators"),
        N_("Reckons the value of each period that ended, and shows where a reported one would be another today."),
        crontab(hour="4", minute="30"), _reckon_indicators,
    ),
    Periodic("sweep", N_("Tidying up"), N_("Deletes what nothing needs any more."), crontab(hour="2", minute="30"), _sweep),
)  # fmt: skip
