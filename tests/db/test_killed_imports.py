"""
Workers that bring in an old log of 20,000 rows are killed at random moments, until the job is lost, and the file is brought in again.

Whatever the moment, no case is lost and none is there twice, its numbers have no gap, and the tray asks each question once.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import func, select

from app import imports, jobs  # noqa: F401  the handler of imports
from app.domain.states import ImportStatus, JobStatus, Move
from app.extensions import db, now
from app.importing import runs
from app.importing.registry import kind_named
from app.models import Assignment, CaseEvent, ImportBatch, Job, NumberSeries, OutboxMessage, Party, Pqr, QualityIssue, SearchDoc
from app.operations import work
from app.operations.files import hold_upload

N_ROWS, N_PEOPLE, SOURCE = 20_000, 3_000, "Libro que se muere"
HEADER = "Radicado;Fecha;Tipo;Nombre;Área;Fecha de traslado;Fecha de respuesta;Sentido;Fecha de notificación"


def log_of(n: int) -> tuple[bytes, int, int]:
    """Return the file of *n* rows, how many of them can be true, and how many cannot."""
    lines, n_bad, first = [HEADER], 0, date(2024, 1, 8)
    for i in range(n):
        filed = first + timedelta(days=i % 700)
        answered = filed + timedelta(days=-3 if i % 97 == 0 else 12)
        n_bad += answered < filed
        days = [f"{day:%d/%m/%Y}" for day in (filed, filed, answered, answered + timedelta(days=2))]
        lines.append(f"R-{i:05};{days[0]};Queja;Persona {i % N_PEOPLE} de Prueba;Calidad;{days[1]};{days[2]};Accede;{days[3]}")
    return "\n".join(lines).encode(), n - n_bad, n_bad


def ask_for(batch_id: int) -> int:
    """Return the id of a new job that brings in the batch, from its first line on."""
    job = work.start(db.session, "import", "Importación", {"batch_id": batch_id}, None, now())
    batch = db.session.get_one(ImportBatch, batch_id, with_for_update=True)
    runs.begin_import(db.session, batch, job.id)
    db.session.commit()
    return job.id


def fork_worker(app: Flask, job_id: int) -> int:
    """Fork a process that does the job as a worker does, and return its id."""
    db.session.remove()
    child = os.fork()
    if child:
        return child
    try:
        for engine in db.engines.values():
            engine.dispose(close=False)  # no connection may cross a fork
        jobs.run_job(job_id)
    finally:
        os._exit(0)


def progress_of(batch_id: int) -> int:
    g.is_reading = True  # on SQLite who may write waits for the worker
    n_done = db.session.scalar(select(ImportBatch.n_done).where(ImportBatch.id == batch_id))
    db.session.rollback()
    g.is_reading = False
    return n_done


def kill_once_beyond(child: int, batch_id: int, line: int, dice: random.Random) -> bool:
    """Kill the worker at a random moment after it passed *line*; return whether it was still at work."""
    while progress_of(batch_id) < line:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.05)  # nothing else tells from outside how far a process is
    time.sleep(dice.uniform(0, 0.4))
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def let_lease_end(job_id: int) -> JobStatus:
    """Let the lease end, as two minutes after the death of its worker."""
    job = db.session.get_one(Job, job_id, populate_existing=True)
    if job.status is JobStatus.RUNNING:
        job.lease_until = datetime.now(UTC) - timedelta(seconds=1)
    status = job.status
    db.session.commit()
    return status


def counted(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions))


@pytest.mark.slow
def test_no_case_is_lost_repeated_or_numbered_with_a_gap_when_workers_are_killed(fresh_app: Flask, engine: str) -> None:
    dice, started = random.Random(158), time.monotonic()
    content, n_good, n_bad = log_of(N_ROWS)
    with fresh_app.app_context():
        held = hold_upload("libro.csv", BytesIO(content), "text/csv", most=10**8)
        batch = runs.receive(db.session, kind_named("cases"), SOURCE, held, now())
        batch.status, batch_id = ImportStatus.CHECKED, batch.id
        db.session.commit()
        n_killed, deaths = 0, []
        job_id = ask_for(batch_id)
        for line in (2_000, 6_000, 11_000):  # three attempts: then the job is lost
            child = fork_worker(fresh_app, job_id)
            n_killed += kill_once_beyond(child, batch_id, line, dice)
            deaths.append(progress_of(batch_id))
            let_lease_end(job_id)
        assert not jobs.run_job(job_id)
        assert let_lease_end(job_id) is JobStatus.LOST
        job_id = ask_for(batch_id)  # somebody presses the button again
        child = fork_worker(fresh_app, job_id)
        n_killed += kill_once_beyond(child, batch_id, 14_000, dice)
        deaths.append(progress_of(batch_id))
        let_lease_end(job_id)
        os.waitpid(fork_worker(fresh_app, job_id), 0)

        assert let_lease_end(job_id) is JobStatus.DONE
        told = db.session.get_one(ImportBatch, batch_id)
        sources = Counter(db.session.scalars(select(Pqr.source_number).where(Pqr.source == SOURCE)))
        lost, repeated = n_good - len(sources), sum(n - 1 for n in sources.values())
        numbers: dict[int, list[int]] = {}
        for number in db.session.scalars(select(Pqr.number).where(Pqr.number.startswith("ANT-"))):
            numbers.setdefault(int(number[4:8]), []).append(int(number[9:]))
        gaps = sum(sorted(found) != list(range(1, len(found) + 1)) for found in numbers.values())
        seconds = time.monotonic() - started
        print(f"\n{engine}: {N_ROWS} rows, {n_killed} workers killed behind lines {deaths}, {len(sources)} cases, {lost} lost, "
              f"{repeated} repeated, {gaps} series with a gap, {told.n_bad} in the tray, {seconds:.0f} s")  # fmt: skip

        assert (n_killed, lost, repeated, gaps) == (4, 0, 0, 0)
        assert (told.status, told.n_new + told.n_same, told.n_bad) == (ImportStatus.DONE, n_good, n_bad)
        series = select(NumberSeries.year, NumberSeries.last).where(NumberSeries.prefix == "ANT")
        assert dict(db.session.execute(series).all()) == {year: len(found) for year, found in numbers.items()}
        assert counted(CaseEvent, CaseEvent.move == Move.FILE) == n_good
        assert counted(CaseEvent) == 5 * n_good  # filed, routed, answered, notified, closed
        assert counted(Assignment) == 3 * n_good
        assert counted(Assignment, Assignment.out_at.is_(None)) == 0
        assert counted(Party) == N_PEOPLE
        assert counted(SearchDoc, SearchDoc.kind == "pqr") == n_good
        assert counted(QualityIssue) == 2 * n_bad  # answered and notified before it was filed: each asked once
        assert counted(OutboxMessage) == 0
