"""
A real worker for `test_workers.py`: `python -m tests.db.workers`, with leases of seconds and two kinds of work that leave their traces.

Each run of a handler appends a line to `runs` in the instance folder, also the runs that are killed before they store anything.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

N_STEPS = 120


def note(line: str) -> None:
    book = os.open(Path(os.environ["ATIENDE_INSTANCE"]) / "runs", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(book, f"{line}\n".encode())
    os.close(book)


def short(session: Any, job: Any, _progress: Any) -> None:
    """Store a row that can be stored only once."""
    from app.models import Parameter

    note(f"{job.id} {os.getpid()}")
    session.add(Parameter(key=f"done.{job.id}", value=str(os.getpid()), description="x"))
    session.commit()


def long(session: Any, job: Any, progress: Any) -> None:
    """Store N_STEPS rows, each once, whoever did those before."""
    from app.models import Parameter

    note(f"{job.id} {os.getpid()}")
    for step in range(N_STEPS):
        key = f"step.{job.id}.{step}"
        if session.get(Parameter, key) is None:
            session.add(Parameter(key=key, value=str(os.getpid()), description="x"))
        session.commit()
        progress(step + 1, N_STEPS, "Steps")
        time.sleep(0.03)  # a second batch of work


def main() -> None:
    from app import create_app, jobs
    from app.operations import work
    from app.serve import run_worker

    work.LEASE, work.BEAT, work.MOST_ATTEMPTS = timedelta(seconds=4), timedelta(seconds=1), 10
    jobs.handler("short")(short)
    jobs.handler("long")(long)
    app = create_app()
    jobs.storage_of(app, create_tables=True).close()
    run_worker(app)


if __name__ == "__main__":
    main()
