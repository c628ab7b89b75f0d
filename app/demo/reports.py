"""Reports that leave by mail in the demonstration: one a week, one a month, one on pause; and what was made of them these weeks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from io import BytesIO

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.domain.reports import Every, ReportFormat, ReportOutcome, Rhythm
from app.extensions import LANGUAGE, local
from app.models import ReportSchedule
from app.operations import files, reporting
from app.reports.base import Asked, Cover, format_of
from app.reports.registry import CATALOGUE
from app.reports.xlsx import MEDIA_TYPE, write_xlsx
from app.security import acting_as, reader_of

WEEKLY, GONE = "response_times", "Ya no puede abrir este informe o descargarlo."


def send_reports(session: Session, at: datetime, people: Mapping[str, User]) -> None:
    """Have three reports sent, with the runs of the last four Mondays, and keep two at hand of the Subgerencia; flushed."""
    boss, quality, owner = people["subgerente"], people["calidad"], people["dueno.facturacion"]
    weekly = _schedule(
        session, boss, "Tiempos de respuesta de la semana", WEEKLY, ReportFormat.XLSX, {}, "Desde el mes pasado",
        Rhythm(Every.WEEK, 7, weekday=0), [boss, owner], at - timedelta(days=30),
    )  # fmt: skip
    _schedule(
        session, boss, "Comportamiento del mes para la Gerencia", "behaviour", ReportFormat.PDF, {"period": "LAST_MONTH"},
        "El mes que terminó", Rhythm(Every.MONTH, 7, month_day=1), [boss, quality], at - timedelta(days=30),
    )  # fmt: skip
    daily = _schedule(
        session, quality, "Seguimiento de cada día", "pqr_report", ReportFormat.XLSX, {"period": "THIS_MONTH"}, "Este mes",
        Rhythm(Every.DAY, 6), [quality], at - timedelta(days=20),
    )  # fmt: skip
    reporting.pause(session, daily)
    _weeks(session, weekly, [boss, owner], at)
    weekly.next_at = reporting.next_at(session, reporting.rhythm_of(weekly), at)
    for key in ("behaviour", WEEKLY):
        reporting.keep_at_hand(session, boss.id, key, True)
    session.flush()


def _schedule(
    session: Session, owner: User, name: str, report: str, format: ReportFormat, filters: dict[str, str], words: str, rhythm: Rhythm,
    readers: list[User], at: datetime,
) -> ReportSchedule:  # fmt: skip
    wanted = reporting.Wanted(name, report, format, filters, words, rhythm, [user.id for user in readers])
    return reporting.add_schedule(session, wanted, owner.id, LANGUAGE, at=at)


def _weeks(session: Session, schedule: ReportSchedule, readers: list[User], at: datetime) -> None:
    """Add what was made on each moment of *schedule* until now: the newest has its file; once, its second reader might not have it."""
    due_at, moments = schedule.next_at, []
    while due_at is not None and due_at <= at:
        moments.append(due_at)
        due_at = reporting.next_at(session, reporting.rhythm_of(schedule), due_at)
    for n, moment in enumerate(moments):
        for user in readers:
            run = reporting.begin_run(
                session, schedule.report, schedule.format, schedule.filters, schedule.words, user.id, at=moment, schedule=schedule,
                due_at=moment,
            )  # fmt: skip
            over = moment + timedelta(seconds=4)
            if n == 0 and user is readers[-1]:
                reporting.end_run(session, run, ReportOutcome.REFUSED, at=over, error=GONE)
                continue
            if moment is not moments[-1]:  # its file is not kept any more
                until = local(moment).date() + timedelta(days=5)
                reporting.end_run(session, run, ReportOutcome.DONE, at=over, n_rows=40 + 3 * n, n_bytes=38_000 + 900 * n, expires_on=until)
                continue
            n_rows, content = _made(session, user, moment)
            stored = files.store_file(session, content, f"R10-01-01-{local(moment):%Y-%m-%d}.xlsx", MEDIA_TYPE)
            until = reporting.last_day_of_files(session, local(at).date())
            facts = {"n_rows": n_rows, "n_bytes": len(content), "file": stored, "expires_on": until}
            reporting.end_run(session, run, ReportOutcome.DONE, at=over, **facts)


def _made(session: Session, user: User, at: datetime) -> tuple[int, bytes]:
    """Return how many rows the workbook of response times has for *user*, and its content."""
    offer, on = CATALOGUE[WEEKLY], local(at).date()
    with acting_as(user), force_locale(LANGUAGE):
        reader = reader_of(on)
        form = offer.read(offer, {}, session, reader, on)
        form.validate()
        organisation, moment, file = queries.organisation(session), local(at).replace(tzinfo=None), BytesIO()
        report = offer.make(Asked(session, reader, form, queries.calendar_of(session, organisation), moment))
        format = format_of(session, offer.key, _(offer.report.name))
        n_rows = write_xlsx(report, Cover(organisation.name, format, reader.name, moment), file)
        return n_rows, file.getvalue()
