"""The tray of each person, the timetable of the administrator, and what a page says when nobody works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from huey.storage import MemoryStorage
from sqlalchemy import select

from app import jobs
from app.domain.states import JobStatus
from app.models import ChangeLog, Job, JobRun, WorkerBeat
from app.operations import files, runs, work
from app.security import ADMIN, AUXILIAR

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def auxiliar(make: Any, client: Any, login: Callable[..., Any]) -> Any:
    """The client, signed in as an auxiliar; `client.user_id` is theirs."""
    user = make.user(AUXILIAR)
    client.user_id = user.id
    return login(client, user)


@pytest.fixture
def admin(make: Any, client: Any, login: Callable[..., Any]) -> Any:
    return login(client, make.user(ADMIN))


@pytest.fixture
def queue(app: Flask) -> Iterator[MemoryStorage]:
    """A queue, so that there could be a worker."""
    before, jobs.huey.storage = jobs.huey.storage, MemoryStorage("test")
    yield jobs.huey.storage
    jobs.huey.storage = before


def begun(session: Any, user_id: int, **values: Any) -> Job:
    job = work.start(session, "test", "Informe de julio", {}, user_id, AT)
    for name, value in values.items():
        setattr(job, name, value)
    session.commit()
    return job


def running(session: Any, user_id: int) -> Job:
    return begun(session, user_id, status=JobStatus.RUNNING, lease_until=AT, started_at=AT, n_attempts=1, n_done=1200, n_total=5000)


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return unescape(response.get_data(as_text=True))


def test_the_tray_shows_a_bar_while_it_runs_and_renews_itself(auxiliar: Any, session: Any) -> None:
    job = running(session, auxiliar.user_id)

    for page in (text_of(auxiliar.get("/work/")), text_of(auxiliar.get(f"/work/{job.id}"))):
        assert '<progress value="1200" max="5000"' in page
        assert "1.200" in page and "5.000" in page
        assert "js/work.js" in page
        assert '<noscript><meta http-equiv="refresh"' in page


def test_what_is_over_stands_still(auxiliar: Any, session: Any) -> None:
    begun(session, auxiliar.user_id, status=JobStatus.FAILED, ended_at=AT, error="No hay una hoja llamada “Datos”.")

    page = text_of(auxiliar.get("/work/"))

    assert "No hay una hoja llamada “Datos”." in page
    assert "js/work.js" not in page and "refresh" not in page


def test_the_result_is_downloaded_by_who_asked_and_by_nobody_else(
    auxiliar: Any, session: Any, make: Any, login: Callable[..., Any]
) -> None:
    stored = files.store_file(session, b"a;b\n", "filas.csv", "text/csv")
    job = begun(session, auxiliar.user_id, status=JobStatus.DONE, ended_at=AT, result_file=stored, result="Dos filas.")

    assert "filas.csv" in text_of(auxiliar.get("/work/")) and "Dos filas." in text_of(auxiliar.get("/work/"))
    assert auxiliar.get(f"/work/{job.id}/result").data == b"a;b\n"
    other = login(auxiliar, make.user(AUXILIAR))
    assert "filas.csv" not in text_of(other.get("/work/"))
    assert [other.get(f"/work/{job.id}{door}").status_code for door in ("", "/result")] == [404, 404]
    assert other.post(f"/work/{job.id}/stop").status_code == 404


def test_an_administrator_who_takes_the_result_of_another_is_written_down(
    auxiliar: Any, session: Any, make: Any, login: Callable[..., Any]
) -> None:
    stored = files.store_file(session, b"a;b\n", "filas.csv", "text/csv")
    job = begun(session, auxiliar.user_id, status=JobStatus.DONE, ended_at=AT, result_file=stored)
    reader = make.user(ADMIN)
    auxiliar.get(f"/work/{job.id}/result")
    taken = login(auxiliar, reader).get(f"/work/{job.id}/result")

    (line,) = session.scalars(select(ChangeLog).where(ChangeLog.table_name == "job"))
    assert taken.data == b"a;b\n"
    assert (line.action, line.actor_id, line.row_id) == ("read", reader.id, str(job.id))


def test_stopping_is_one_press_and_the_second_says_that_it_is_over(auxiliar: Any, session: Any) -> None:
    job = begun(session, auxiliar.user_id)

    first = auxiliar.post(f"/work/{job.id}/stop", data={"back": "tray"})
    second = auxiliar.post(f"/work/{job.id}/stop")

    assert first.location.endswith("/work/")
    assert second.location.endswith(f"/work/{job.id}")
    session.expire_all()
    assert job.status is JobStatus.CANCELLED
    assert 'class="flash warn"' in text_of(auxiliar.get(f"/work/{job.id}"))


def test_old_results_leave_the_tray_and_their_file_the_store(auxiliar: Any, session: Any) -> None:
    stored = files.store_file(session, b"x", "viejo.csv", "text/csv")
    old = AT - work.KEPT - timedelta(days=1)
    job = begun(session, auxiliar.user_id, status=JobStatus.DONE, created_at=old, ended_at=old, result_file=stored)

    assert "viejo.csv" not in text_of(auxiliar.get("/work/"))
    work.sweep(session, AT, AT)
    session.commit()
    session.expire_all()
    assert job.result_file_id is None


def test_the_menu_counts_what_is_on_its_way(auxiliar: Any, session: Any) -> None:
    begun(session, auxiliar.user_id)
    running(session, auxiliar.user_id)
    begun(session, auxiliar.user_id, status=JobStatus.CANCELLED, ended_at=AT)

    menu = text_of(auxiliar.get("/work/")).partition("</nav>")[0]

    line = next(line for line in menu.splitlines() if 'href="/work/"' in line)
    assert '<b class="n">2<' in line


# ── The timetable ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_task_of_the_timetable_is_said_with_its_last_and_next_run(admin: Any, session: Any) -> None:
    run = runs.begin(session, "sweep", None, "w", AT)
    runs.end(session, run, {"old results and runs": 3, "files that nothing names": None}, "", AT + timedelta(seconds=90))
    session.commit()

    page = text_of(admin.get("/periodic/"))

    assert page.count("/run\"") == len(jobs.TIMETABLE)
    assert "3" in page and page.count("<time") >= len(jobs.TIMETABLE) + 1
    assert 'class="pill bad"' in page, "a part failed"


def test_run_now_goes_to_the_queue_when_a_worker_lives(admin: Any, session: Any, queue: MemoryStorage) -> None:
    assert 'class="flash bad" role="alert"' in text_of(admin.get("/periodic/"))
    admin.post("/periodic/sweep/run")
    assert queue.queue_size() == 0, "nobody would take it"

    session.add(WorkerBeat(worker="w", host="h", started_at=AT, seen_at=datetime.now(UTC)))
    session.commit()
    answer = admin.post("/periodic/sweep/run")

    assert answer.location.endswith("/periodic/")
    assert queue.queue_size() == 1
    assert 'class="flash bad" role="alert"' not in text_of(admin.get("/periodic/"))
    assert admin.post("/periodic/nothing/run").status_code == 404


def test_a_run_that_was_asked_for_names_who_asked(admin: Any, session: Any, make: Any) -> None:
    user = make.user(AUXILIAR)
    run = runs.begin(session, "sweep", None, "w", AT, user.id)
    runs.end(session, run, {}, "", AT)
    session.commit()

    assert user.get_full_name() in text_of(admin.get("/periodic/"))
    assert session.scalars(select(JobRun)).one().asked_by_id == user.id


# ── Nobody works ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["/", "/outbox/list/", "/periodic/", "/job/list/"])
def test_a_silent_worker_is_told_where_it_matters(admin: Any, session: Any, queue: MemoryStorage, address: str) -> None:
    beat = WorkerBeat(worker="w", host="h", started_at=AT, seen_at=datetime.now(UTC) - work.SILENT - timedelta(seconds=5))
    session.add(beat)
    session.commit()
    silent = text_of(admin.get(address))
    beat.seen_at = datetime.now(UTC)
    session.commit()
    alive = text_of(admin.get(address))

    assert "make run" in silent and "flask atiende worker" in silent
    assert "make run" not in alive


def test_a_task_that_fails_is_told_to_the_administrator(admin: Any, session: Any) -> None:
    for task, error in (("sweep", "OperationalError"), ("turn_the_day", "")):
        run = runs.begin(session, task, None, "w", AT)
        runs.end(session, run, {}, error, AT)
    session.commit()
    failing = text_of(admin.get("/"))
    runs.end(session, runs.begin(session, "sweep", None, "w", AT), {}, "", AT)
    session.commit()

    assert '<a class="tile bad" href="/periodic/"><strong>1</strong>' in failing
    assert 'class="tile bad" href="/periodic/"' not in text_of(admin.get("/"))


def test_who_waits_for_work_is_told_that_nobody_works(auxiliar: Any, session: Any, queue: MemoryStorage) -> None:
    told = 'class="flash bad" role="alert"'
    assert told not in text_of(auxiliar.get("/work/")), "nothing of theirs waits"
    begun(session, auxiliar.user_id)

    assert told in text_of(auxiliar.get("/work/"))
    assert "make run" not in text_of(auxiliar.get("/work/")), "an auxiliar starts no worker"
    assert told not in text_of(auxiliar.get("/"))


def test_health_tells_of_the_worker_and_stays_well(client: Any, session: Any, seeded: Any) -> None:
    assert client.get("/healthz").json == {"status": "ok", "database": "ok", "worker": "silent"}
    session.add(WorkerBeat(worker="w", host="h", started_at=AT, seen_at=datetime.now(UTC)))
    session.commit()

    assert client.get("/healthz").json["worker"] == "ok"
