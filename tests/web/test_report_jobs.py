"""Long reports: made in the background as their reader may today, whole or not at all; kept for them alone."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from app import jobs
from app.domain.reports import ReportOutcome
from app.domain.states import JobStatus
from app.models import Job, Parameter, Pqr, ReportRun, StoredFile
from app.operations import pqr as operations
from app.operations import work
from app.reporting import making
from app.security import acting_as, may, reader_of
from tests.factories import Factory

SUBGERENTE, DUENO, TECNICO, ADMIN = "Subgerente administrativo y comercial", "Dueño de proceso", "Técnico", "Admin"
MAKE = "/report/response_times/make/excel?period=filed&since=2026-07-01"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


def fill(session: Any, make: Factory) -> None:
    for n, process in enumerate(("TECNICA", "TECNICA", "FACTURACION"), 1):
        pqr = make.case(instant(f"2026-07-0{n}", 9))
        operations.route(session, pqr, make.process(process), "Revisar", at=instant(f"2026-07-0{n}", 11), actor_id=None)


@pytest.fixture
def house(fresh_app: Any, login: Any) -> Any:
    """house(role, process) → (user id, a browser of theirs), in a house of three cases where a report of two rows is long."""
    from app.extensions import db

    with fresh_app.app_context():
        session = db.session()
        fill(session, Factory(session))
        session.execute(update(Parameter).where(Parameter.key == "reports.rows_now").values(value="1"))
        session.commit()

    def build(role: str, process: str | None = None) -> tuple[int, Any]:
        with fresh_app.app_context():
            user_id = Factory(db.session()).user(role, process=process).id
            db.session.commit()
        return user_id, login(fresh_app.test_client(), type("Somebody", (), {"id": user_id}))

    return build


def the_run(session: Any) -> ReportRun:
    return session.scalars(select(ReportRun).execution_options(populate_existing=True)).one()


def test_a_long_report_waits_in_the_tray_with_the_rows_of_who_asked(fresh_app, house):
    from app.extensions import db

    user_id, browser = house(DUENO, "TECNICA")

    asked = browser.post(MAKE)
    with fresh_app.app_context():
        run = the_run(db.session())
        assert (run.outcome, run.user_id, run.n_rows) == (ReportOutcome.RUNNING, user_id, 0) and run.words
        assert jobs.run_job()
        run = the_run(db.session())
        job = run.job
        assert (run.outcome, run.n_rows, job.status) == (ReportOutcome.DONE, 2, JobStatus.DONE)
        assert run.file_id == job.result_file_id and run.n_bytes == run.file.n_bytes and run.expires_on > run.ended_at.date()
        assert (job.n_done, job.n_total) == (2, 2)
        job_id = job.id
    book = load_workbook(io.BytesIO(browser.get(f"/work/{job_id}/result").data))

    assert asked.location == f"/work/{job_id}"
    assert book.worksheets[1].max_row == 3


def test_what_somebody_asked_for_is_given_to_nobody_else_nor_to_them_without_the_right(fresh_app, house):
    from app.extensions import db

    user_id, browser = house(DUENO, "TECNICA")
    _admin_id, admin = house(ADMIN)
    browser.post(MAKE)
    with fresh_app.app_context():
        assert jobs.run_job()
        job_id = the_run(db.session()).job_id

    assert admin.get(f"/work/{job_id}/result").status_code == 403
    with fresh_app.app_context():
        session = db.session()
        user = session.get_one(User, user_id)
        user.roles = [fresh_app.appbuilder.sm.find_role(TECNICO)]
        session.commit()
    assert browser.get(f"/work/{job_id}/result").status_code == 403


def test_a_right_taken_away_in_between_refuses_the_work_and_leaves_no_file(fresh_app, house):
    from app.extensions import db

    user_id, browser = house(SUBGERENTE)
    browser.post(MAKE)
    with fresh_app.app_context():
        session = db.session()
        session.get_one(User, user_id).roles = [fresh_app.appbuilder.sm.find_role(TECNICO)]
        session.commit()
        assert jobs.run_job()
        run = the_run(session)
        assert run.outcome is ReportOutcome.REFUSED and run.error and run.file_id is None
        assert run.job.status is JobStatus.FAILED and run.job.error == run.error
        assert session.scalar(select(func.count()).select_from(StoredFile)) == 0


def test_one_that_is_stopped_leaves_no_file(fresh_app, house, monkeypatch):
    from app.extensions import db

    _user_id, browser = house(SUBGERENTE)
    browser.post(MAKE)

    def stop(offer: Any, asked: Any, format: Any, tell: Any, report: Any) -> None:
        raise jobs.Cancelled

    monkeypatch.setattr(making, "make_file", stop)
    with fresh_app.app_context():
        assert jobs.run_job()
        run = the_run(db.session())
        assert (run.outcome, run.job.status, run.file_id) == (ReportOutcome.CANCELLED, JobStatus.CANCELLED, None)
        assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 0


def test_a_worker_that_is_killed_half_way_leaves_no_file_and_another_makes_it_once(fresh_app, house, monkeypatch):
    from app.extensions import db, now

    _user_id, browser = house(SUBGERENTE)
    browser.post(MAKE)
    whole = making.make_file

    def killed(offer: Any, asked: Any, format: Any, tell: Any, report: Any) -> None:
        whole(offer, asked, format, tell, report)
        raise SystemExit

    monkeypatch.setattr(making, "make_file", killed)
    with fresh_app.app_context(), pytest.raises(SystemExit):
        jobs.run_job()
    monkeypatch.setattr(making, "make_file", whole)
    with fresh_app.app_context():
        session = db.session()
        run = the_run(session)
        assert (run.outcome, run.file_id, run.job.status) == (ReportOutcome.RUNNING, None, JobStatus.RUNNING)
        session.execute(update(Job).values(lease_until=now() - work.LEASE))
        session.commit()
        assert jobs.run_job()
        run = the_run(session)
        assert (run.outcome, run.n_rows, run.job.n_attempts) == (ReportOutcome.DONE, 3, 2)
        assert session.scalar(select(func.count()).select_from(StoredFile)) == 1


# ── Acting as somebody ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_sees_the_rows_and_rights_of_its_reader_and_nothing_of_it_stays(seeded, make):
    fill(seeded, make)
    owner, boss = make.user(DUENO, process="TECNICA"), make.user(SUBGERENTE)
    on = instant("2026-07-10").date()

    def seen() -> tuple[int, bool, int]:
        reader = reader_of(on)
        n = seeded.scalar(select(func.count()).select_from(reader.scope("pqr", select(Pqr.id)).subquery()))
        return reader.user_id, reader.may("can_see_all", "Pqr"), n

    with acting_as(owner):
        assert seen() == (owner.id, False, 2)
        with acting_as(boss):
            assert seen() == (boss.id, True, 3)
        assert seen() == (owner.id, False, 2)

    assert not current_user


def test_a_right_that_was_taken_away_is_gone_at_the_next_block(app, seeded, make):
    user = make.user(SUBGERENTE)
    with acting_as(user):
        assert may("can_list", "PqrReport")
    user.roles = [app.appbuilder.sm.find_role(TECNICO)]
    seeded.flush()

    with acting_as(user):
        assert not may("can_list", "PqrReport")


def test_whoever_works_here_no_more_may_nothing(seeded, make):
    user = make.user(SUBGERENTE)
    user.active = False
    seeded.flush()

    with acting_as(user):
        assert not may("can_list", "PqrReport")


def test_the_language_of_a_job_stays_inside(seeded, make):
    from flask_babel import force_locale, get_locale

    with force_locale("en"), acting_as(make.user(SUBGERENTE)):
        assert str(get_locale()) == "en"
