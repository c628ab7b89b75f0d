"""Reports that leave by mail: once for each who receives them, with their rows, whatever workers die, clocks stand and rights go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select

from app import jobs
from app.domain.errors import DomainError
from app.domain.reports import Every, ReportFormat, ReportOutcome, Rhythm
from app.domain.states import JobStatus, MessageStatus
from app.models import Job, NoticePreference, OutboxMessage, Parameter, ReportFavourite, ReportRun, ReportSchedule, StoredFile
from app.operations import files, outbox, reporting, work
from app.reporting import mailing
from app.reports.registry import CATALOGUE
from app.security import AUXILIAR, DUENO, SUBGERENTE, TECNICO

#: Friday 2026-07-10, 10:00 in Bogotá; the daily report of six leaves on Tuesday the 14th at 11:00 UTC, for Monday is a holiday.
AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
DUE = datetime(2026, 7, 14, 11, 0, tzinfo=UTC)
DUE_LOCAL = "2026-07-14T06:00-05:00"


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """A database of its own: a report is read from one state of it, which takes a transaction of its own too."""
    return fresh_app


@pytest.fixture
def boss(make: Any) -> Any:
    return make.user(SUBGERENTE)


def runs_of(session: Any) -> list[ReportRun]:
    return list(session.scalars(select(ReportRun).order_by(ReportRun.id).execution_options(populate_existing=True)))


def mail_of(session: Any) -> list[OutboxMessage]:
    reports = OutboxMessage.event.in_(("report", "report_failed"))
    return list(session.scalars(select(OutboxMessage).where(reports).order_by(OutboxMessage.id)))


def begin(session: Any, at: datetime = DUE) -> int:
    """Begin what is due, as the timetable does."""
    n = reporting.begin_due(session, at)
    session.commit()
    return n


def work_off(session: Any) -> None:
    """Do every job that waits, as a worker does."""
    while jobs.run_job():
        session.expire_all()


def rows_in(stored: StoredFile) -> list[str]:
    """Return every text of the workbook, in the order of its cells."""
    with files.open_file(stored) as content:
        book = load_workbook(BytesIO(content.read()))
    return [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]


def test_each_recipient_gets_a_mail_with_their_own_rows(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    owner = make.user(DUENO, process="TECNICA")
    mine, other = make.case(), make.case()
    _route(make, mine, "TECNICA")
    _route(make, other, "FACTURACION")
    make.report_schedule(boss.id, [boss.id, owner.id], AT)
    session.commit()
    at(DUE_LOCAL)

    assert begin(session) == 2
    work_off(session)

    whole, scoped = runs_of(session)
    assert [run.outcome for run in (whole, scoped)] == [ReportOutcome.DONE] * 2
    assert [run.user_id for run in (whole, scoped)] == [boss.id, owner.id]
    assert [message.to_address for message in mail_of(session)] == [boss.email, owner.email]
    assert [message.attachment_id for message in mail_of(session)] == [whole.file_id, scoped.file_id]
    assert {mine.number, other.number} <= set(rows_in(whole.file))
    assert mine.number in rows_in(scoped.file) and other.number not in rows_in(scoped.file)
    assert whole.expires_on == date(2026, 8, 13)


def _route(make: Any, pqr: Any, process: str) -> None:
    from app.operations.pqr import route

    route(make.session, pqr, make.process(process), "Es de su área", at=pqr.filed_at, actor_id=make.user(AUXILIAR).id)


def test_nothing_leaves_before_its_hour_nor_twice(make: Any, session: Any, boss: Any) -> None:
    schedule = make.report_schedule(boss.id, at=AT)

    assert schedule.next_at == DUE
    assert begin(session, DUE - timedelta(minutes=1)) == 0
    assert begin(session) == 1
    assert begin(session) == 0
    assert schedule.next_at == DUE + timedelta(days=1)


def test_a_worker_that_was_down_for_days_sends_one_late_report(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    make.report_schedule(boss.id, at=AT)
    session.commit()
    at("2026-07-16T09:00-05:00")

    assert begin(session, datetime(2026, 7, 16, 14, 0, tzinfo=UTC)) == 1
    work_off(session)

    assert [run.due_at for run in runs_of(session)] == [DUE]
    assert len(mail_of(session)) == 1
    assert session.scalar(select(ReportSchedule.next_at)) == datetime(2026, 7, 17, 11, 0, tzinfo=UTC)


def test_a_second_worker_that_read_the_schedule_before_begins_nothing(make: Any, session: Any, boss: Any) -> None:
    """The unique key gives the moment to one of them, whatever both of them read."""
    schedule = make.report_schedule(boss.id, at=AT)
    begin(session)
    schedule.next_at = DUE
    session.commit()

    assert begin(session) == 0
    assert len(runs_of(session)) == 1
    assert session.scalar(select(func.count()).select_from(Job)) == 1


def test_the_same_job_done_by_two_workers_brings_one_mail(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    make.report_schedule(boss.id, at=AT)
    begin(session)
    at(DUE_LOCAL)
    job = session.scalars(select(Job)).one()
    work_off(session)

    mailing.make_scheduled(session, job, lambda *_args, **_more: None)  # type: ignore[arg-type]
    session.commit()

    assert len(mail_of(session)) == 1
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 1


@pytest.mark.parametrize("loses", ["active", "role"])
def test_who_lost_the_right_between_gets_nothing_and_the_owner_is_told_once_nobody_does(
    make: Any, session: Any, boss: Any, at: Callable[[str], None], loses: str
) -> None:
    reader = make.user(AUXILIAR)
    make.report_schedule(boss.id, [reader.id], AT)
    begin(session)
    if loses == "active":
        reader.active = False
    else:
        reader.roles = make.user(TECNICO).roles
    session.commit()
    at(DUE_LOCAL)

    work_off(session)

    (run,) = runs_of(session)
    assert run.outcome is ReportOutcome.REFUSED and reader.get_full_name() in run.error
    assert run.file_id is None
    assert [(message.event, message.to_address) for message in mail_of(session)] == [("report_failed", boss.email)]


def test_the_owner_is_not_told_while_somebody_gets_it(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    reader = make.user(AUXILIAR)
    make.report_schedule(boss.id, [boss.id, reader.id], AT)
    begin(session)
    reader.active = False
    session.commit()
    at(DUE_LOCAL)

    work_off(session)

    assert [run.outcome.name for run in runs_of(session)] in (["DONE", "REFUSED"], ["EMPTY", "REFUSED"])
    assert [message.event for message in mail_of(session)] == ["report"]


def test_a_schedule_whose_owner_left_stops_and_says_so_to_who_received_it(make: Any, session: Any, boss: Any) -> None:
    reader = make.user(AUXILIAR)
    schedule = make.report_schedule(boss.id, [boss.id, reader.id], AT)
    boss.active = False
    session.commit()

    assert begin(session) == 0

    assert not schedule.is_active and schedule.next_at is None
    assert boss.get_full_name() in schedule.stopped_reason
    assert [(message.event, message.to_address) for message in mail_of(session)] == [("report_failed", reader.email)]
    with pytest.raises(DomainError):
        reporting.resume(session, schedule, at=DUE)


def test_a_report_without_rows_is_sent_or_not_as_it_was_asked(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    make.report_schedule(boss.id, at=AT, name="Con vacíos")
    make.report_schedule(boss.id, at=AT, name="Sin vacíos", sends_empty=False)
    begin(session)
    at(DUE_LOCAL)

    work_off(session)

    runs = {run.schedule.name: run for run in runs_of(session)}
    assert [runs[name].outcome for name in ("Con vacíos", "Sin vacíos")] == [ReportOutcome.EMPTY] * 2
    assert runs["Con vacíos"].file_id is not None and runs["Sin vacíos"].file_id is None
    assert [message.key.split(":")[1] for message in mail_of(session)] == [str(runs["Con vacíos"].schedule_id)]


def test_every_report_of_the_catalogue_can_leave_by_mail(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    make.case()
    for offer in CATALOGUE.values():
        if offer.formats:
            make.report_schedule(boss.id, at=AT, name=offer.key, report=offer.key, format=offer.formats[0])
    begin(session)
    at(DUE_LOCAL)

    work_off(session)
    reporting.settle(session, DUE)

    ended = {run.report: run.outcome.name for run in runs_of(session)}
    assert set(ended.values()) <= {"DONE", "EMPTY"}, {run.report: run.error for run in runs_of(session) if run.error}
    assert set(ended) == {offer.key for offer in CATALOGUE.values() if offer.formats}
    assert len(mail_of(session)) == len(ended)


# ── What fails ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """broken(True): reports cannot be made; broken(False): they can again."""
    real = mailing.making.make_file

    def breaking(*_args: Any, **_more: Any) -> Any:
        raise RuntimeError("broken")

    def switch(is_broken: bool) -> None:
        monkeypatch.setattr(mailing.making, "make_file", breaking if is_broken else real)

    return switch


def test_what_failed_is_tried_once_more_an_hour_later(
    make: Any, session: Any, boss: Any, at: Callable[[str], None], broken: Callable[[bool], None]
) -> None:
    make.case()
    make.report_schedule(boss.id, at=AT)
    begin(session)
    at(DUE_LOCAL)
    broken(True)
    work_off(session)
    assert reporting.settle(session, DUE) == 1
    session.commit()
    assert [run.outcome for run in runs_of(session)] == [ReportOutcome.FAILED]
    assert mail_of(session) == []
    broken(False)

    assert reporting.retry(session, DUE + timedelta(minutes=59)) == 0
    assert reporting.retry(session, DUE + timedelta(hours=1)) == 1
    assert reporting.retry(session, DUE + timedelta(hours=1)) == 0
    session.commit()
    work_off(session)

    (run,) = runs_of(session)
    assert run.outcome is ReportOutcome.DONE and run.error == ""
    assert [message.event for message in mail_of(session)] == ["report"]


def test_what_fails_twice_is_told_to_its_owner(
    make: Any, session: Any, boss: Any, at: Callable[[str], None], broken: Callable[[bool], None]
) -> None:
    reader = make.user(AUXILIAR)
    make.report_schedule(boss.id, [reader.id], AT)
    begin(session)
    at(DUE_LOCAL)
    broken(True)
    for hour in (0, 1):
        reporting.retry(session, DUE + timedelta(hours=hour))
        session.commit()
        work_off(session)
        reporting.settle(session, DUE + timedelta(hours=hour))
        session.commit()

    assert reporting.retry(session, DUE + timedelta(hours=3)) == 0
    assert [run.outcome for run in runs_of(session)] == [ReportOutcome.FAILED]
    assert [(message.event, message.to_address) for message in mail_of(session)] == [("report_failed", boss.email)]


def test_a_worker_that_ends_with_the_file_in_its_hands_leaves_nothing_and_the_next_one_sends_it_once(
    make: Any, session: Any, boss: Any, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is stored and its run ended when the worker has to leave: none of it was committed."""
    make.case()
    make.report_schedule(boss.id, at=AT)
    begin(session)
    at(DUE_LOCAL)
    send = reporting.send

    def leave(*_args: Any, **_more: Any) -> None:
        raise jobs.HandedBack

    monkeypatch.setattr(reporting, "send", leave)
    assert jobs.run_job()
    session.expire_all()
    assert [run.outcome for run in runs_of(session)] == [ReportOutcome.RUNNING]
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 0
    monkeypatch.setattr(reporting, "send", send)

    work_off(session)

    assert [run.outcome for run in runs_of(session)] == [ReportOutcome.DONE]
    assert session.scalar(select(func.count()).select_from(StoredFile)) == len(mail_of(session)) == 1


def test_a_job_that_killed_its_workers_leaves_no_file_and_a_run_that_says_so(make: Any, session: Any, boss: Any) -> None:
    make.report_schedule(boss.id, at=AT)
    begin(session)
    job = session.scalars(select(Job)).one()
    work.finish(session, job, JobStatus.LOST, DUE, error="Empezó tres veces y no terminó.")
    session.commit()

    assert reporting.settle(session, DUE) == 1

    (run,) = runs_of(session)
    assert (run.outcome, run.error, run.file_id) == (ReportOutcome.FAILED, "Empezó tres veces y no terminó.", None)


def test_what_somebody_stopped_is_cancelled_and_not_tried_again(make: Any, session: Any, boss: Any) -> None:
    make.report_schedule(boss.id, at=AT)
    begin(session)
    work.cancel(session, session.scalars(select(Job)).one(), DUE)
    session.commit()

    assert reporting.settle(session, DUE) == 1
    assert reporting.retry(session, DUE + timedelta(hours=2)) == 0
    assert [run.outcome for run in runs_of(session)] == [ReportOutcome.CANCELLED]


def test_a_page_that_broke_off_leaves_a_run_that_says_so(session: Any, boss: Any) -> None:
    reporting.begin_run(session, "response_times", ReportFormat.XLSX, {}, "", boss.id, at=AT)

    assert reporting.settle(session, AT + timedelta(hours=1)) == 0
    assert reporting.settle(session, AT + timedelta(hours=3)) == 1
    assert [(run.outcome, bool(run.error)) for run in runs_of(session)] == [(ReportOutcome.FAILED, True)]


# ── The mail and its file ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_too_large_waits_on_its_page(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    session.get_one(Parameter, "reports.mail_mb").value = "0"
    make.report_schedule(boss.id, at=AT)
    begin(session)
    at(DUE_LOCAL)

    work_off(session)

    (run,), (message,) = runs_of(session), mail_of(session)
    assert message.attachment_id is None and run.file_id is not None
    assert f"http://localhost/report-run/show/{run.id}" in message.body


def test_who_refuses_these_mails_still_finds_the_report_made(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    from app.domain.states import Delivery

    session.add(NoticePreference(user_id=boss.id, event="report", delivery=Delivery.NEVER))
    make.report_schedule(boss.id, at=AT)
    begin(session)
    at(DUE_LOCAL)

    work_off(session)

    assert mail_of(session) == []
    assert runs_of(session)[0].file_id is not None


def test_files_leave_when_their_time_is_over_and_the_run_stays(make: Any, session: Any, boss: Any, at: Callable[[str], None]) -> None:
    make.report_schedule(boss.id, at=AT)
    begin(session)
    at(DUE_LOCAL)
    work_off(session)
    (run,), (message,) = runs_of(session), mail_of(session)

    assert reporting.sweep(session, run.expires_on) == 0
    assert reporting.sweep(session, run.expires_on + timedelta(days=1)) == 0, "the mail still has to bring it"
    outbox.mark_sent(session, message, DUE)
    assert reporting.sweep(session, run.expires_on + timedelta(days=1)) == 1
    session.commit()

    assert session.scalar(select(func.count()).select_from(StoredFile)) == 0
    assert [(kept.outcome.name, kept.file_id, kept.n_bytes > 0) for kept in runs_of(session)] == [("EMPTY", None, True)]
    assert mail_of(session)[0].status is MessageStatus.SENT


def test_a_sending_refuses_what_makes_no_sense(make: Any, session: Any, boss: Any) -> None:
    gone, silent = make.user(AUXILIAR, active=False), make.user(AUXILIAR, email="")
    make.report_schedule(boss.id, at=AT, name="Diario")

    for told, field in (({"name": " "}, "name"), ({"name": " Diario "}, "name"), ({"recipients": [gone.id]}, "recipients"),
                        ({"recipients": [silent.id]}, "recipients"), ({"recipients": range(10_000, 10_060)}, "recipients")):  # fmt: skip
        with pytest.raises(DomainError) as refused:
            make.report_schedule(boss.id, at=AT, **told)
        assert refused.value.field == field, told


def test_pausing_resuming_and_stopping(make: Any, session: Any, boss: Any) -> None:
    schedule = make.report_schedule(boss.id, at=AT, rhythm=Rhythm(Every.WEEK, 7, weekday=0))
    reporting.pause(session, schedule)
    assert begin(session, DUE + timedelta(hours=1)) == 0
    with pytest.raises(DomainError):
        reporting.pause(session, schedule)

    reporting.resume(session, schedule, at=DUE + timedelta(hours=2))
    assert schedule.next_at == datetime(2026, 7, 21, 12, 0, tzinfo=UTC), "Monday the 20th is a holiday"
    with pytest.raises(DomainError):
        reporting.stop(session, schedule, " ")
    reporting.stop(session, schedule, "Ya no hace falta")

    assert (schedule.is_active, schedule.next_at, schedule.stopped_reason) == (False, None, "Ya no hace falta")


def test_a_sending_may_change_its_rhythm_and_its_people(make: Any, session: Any, boss: Any) -> None:
    reader = make.user(AUXILIAR)
    schedule = make.report_schedule(boss.id, [boss.id], AT)
    wanted = reporting.Wanted(
        "Otro", "response_times", ReportFormat.CSV, {"period": "LAST_MONTH"}, "El mes que terminó", Rhythm(Every.MONTH, 8, month_day=31),
        [reader.id], False,
    )  # fmt: skip

    reporting.change_schedule(session, schedule, wanted, at=AT)
    session.commit()
    session.expire_all()

    assert (schedule.every, schedule.month_day, schedule.weekday) == (Every.MONTH, 31, None)
    assert [each.user_id for each in schedule.recipients] == [reader.id]
    assert schedule.next_at == datetime(2026, 7, 31, 13, 0, tzinfo=UTC)


def test_what_is_kept_at_hand_is_kept_once(session: Any, boss: Any) -> None:
    for key in ("response_times", "behaviour", "response_times"):
        reporting.keep_at_hand(session, boss.id, key, True)
    reporting.keep_at_hand(session, boss.id, "behaviour", False)
    reporting.keep_at_hand(session, boss.id, "behaviour", False)

    assert session.scalars(select(ReportFavourite.report)).all() == ["response_times"]


def test_a_job_that_is_begun_again_goes_on_with_its_run(session: Any, boss: Any) -> None:
    job = work.start(session, "report", "Informe", {}, boss.id, AT)
    first = reporting.begin_run(session, "response_times", ReportFormat.XLSX, {}, "", boss.id, at=AT, job=job)

    assert reporting.begin_run(session, "response_times", ReportFormat.XLSX, {}, "", boss.id, at=AT, job=job) is first
