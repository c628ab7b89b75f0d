"""Real workers, two at once on one queue, killed and stopped in the middle of long work. What was done is counted afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.states import JobStatus
from app.extensions import db
from app.models import Job, JobRun, Parameter, WorkerBeat
from app.operations import work
from tests.databases import Databases
from tests.db.workers import N_STEPS

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
N_JOBS = 500
pytestmark = pytest.mark.slow


class House:
    """A database with its own instance folder, and the workers that were started on it."""

    def __init__(self, app: Any, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start a worker and wait for its first sign of life."""
        n_alive = self.ask(select(func.count()).select_from(WorkerBeat))
        with self.app.app_context():
            url = db.engine.url.render_as_string(hide_password=False)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "ATIENDE_INSTANCE": str(self.folder),
                       "ATIENDE_DATABASE_URL": url, "ATIENDE_SECRET_KEY": "only for tests"}  # fmt: skip
        log = (self.folder / f"worker.{len(self.workers)}.log").open("wb")
        command = [sys.executable, "-m", "tests.db.workers"]
        self.workers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        self.until(lambda: self.ask(select(func.count()).select_from(WorkerBeat)) > n_alive)
        return self.workers[-1]

    def begin(self, kind: str, n: int = 1) -> list[int]:
        """Ask for *n* jobs, each in a transaction of its own; return their ids."""
        ids = []
        with self.app.app_context():
            for _n in range(n):
                ids.append(work.start(db.session, kind, "A test", {}, None, AT).id)
                db.session.commit()
        return ids

    def ask(self, statement: Any) -> Any:
        with self.app.app_context():
            return db.session.scalar(statement)

    def all(self, statement: Any) -> list[Any]:
        with self.app.app_context():
            return list(db.session.execute(statement))

    def until(self, is_so: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until *is_so*; another process decides when."""
        last = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < last, "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("worker.*.log")))
            time.sleep(0.05)  # nothing else tells from outside how far a process is

    def runs(self) -> Counter[int]:
        """Return how often the handler of each job was begun."""
        return Counter(int(line.split()[0]) for line in (self.folder / "runs").read_text().splitlines())

    def is_over(self, ids: list[int]) -> bool:
        return self.ask(select(func.count()).select_from(Job).where(Job.id.in_(ids), Job.ended_at.is_(None))) == 0


@pytest.fixture
def house(make_fresh_app: Callable[..., Any], own_databases: Databases, tmp_path: Path) -> Iterator[House]:
    found = House(make_fresh_app(), tmp_path)
    yield found
    for worker in found.workers:
        worker.kill()
        worker.wait()


def test_two_workers_on_one_queue_do_each_of_500_jobs_once(house: House, engine: str) -> None:
    ids = house.begin("short", N_JOBS)
    for _n in range(2):
        house.start()

    house.until(lambda: house.is_over(ids))

    runs, done_by = house.runs(), Counter(value for (value,) in house.all(select(Parameter.value).where(Parameter.key.like("done.%"))))
    statuses = Counter(status for (status,) in house.all(select(Job.status)))
    print(f"{engine}: {N_JOBS} jobs, {statuses}, by worker {list(done_by.values())}, repeated {sum(n - 1 for n in runs.values())}")
    assert statuses == {JobStatus.DONE: N_JOBS}
    assert set(runs.values()) == {1} and len(runs) == N_JOBS, "none lost, none twice"
    assert sum(done_by.values()) == N_JOBS
    assert {n for (n,) in house.all(select(Job.n_attempts))} == {1}
    minutes = house.all(select(JobRun.task, JobRun.due_at).where(JobRun.due_at.is_not(None)))
    assert len(minutes) == len(set(minutes)), "both ticked, each minute was served once"


def test_the_job_of_a_killed_worker_is_finished_by_the_other_one(house: House, engine: str) -> None:
    workers = {worker.pid: worker for worker in (house.start(), house.start())}
    (job_id,) = house.begin("long")
    house.until(lambda: (house.ask(select(Job.n_done).where(Job.id == job_id)) or 0) > N_STEPS // 5)
    victim = int(house.ask(select(Parameter.value).where(Parameter.key == f"step.{job_id}.0")))

    os.kill(victim, signal.SIGKILL)
    workers[victim].wait()
    killed_at = time.perf_counter()
    house.until(lambda: house.is_over([job_id]))

    steps = house.all(select(Parameter.key, Parameter.value).where(Parameter.key.like(f"step.{job_id}.%")))
    by_victim = sum(int(value) == victim for _key, value in steps)
    (job,) = house.all(select(Job.status, Job.n_attempts, Job.n_done, Job.lease_until).where(Job.id == job_id))
    print(f"{engine}: killed after {by_victim} of {N_STEPS} steps; finished {time.perf_counter() - killed_at:.1f} s later; "
          f"lost {N_STEPS - len(steps)}, repeated {len(steps) - len(set(steps))}, attempts {job.n_attempts}")  # fmt: skip
    assert (job.status, job.n_attempts, job.n_done, job.lease_until) == (JobStatus.DONE, 2, N_STEPS, None)
    assert len(steps) == N_STEPS and 0 < by_victim < N_STEPS
    assert house.runs()[job_id] == 2


def test_a_worker_that_is_told_to_stop_hands_its_job_back_and_says_goodbye(house: House) -> None:
    worker = house.start()
    (job_id,) = house.begin("long")
    house.until(lambda: (house.ask(select(Job.n_done).where(Job.id == job_id)) or 0) > 1)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(30) == 0
    (job,) = house.all(select(Job.status, Job.n_attempts).where(Job.id == job_id))
    assert (job.status, job.n_attempts) == (JobStatus.QUEUED, 0)
    assert house.ask(select(func.count()).select_from(WorkerBeat)) == 0
    house.start()
    house.until(lambda: house.is_over([job_id]))
    assert house.ask(select(Job.status).where(Job.id == job_id)) is JobStatus.DONE


def test_a_running_job_stops_when_somebody_asks(house: House) -> None:
    house.start()
    (job_id,) = house.begin("long")
    house.until(lambda: (house.ask(select(Job.n_done).where(Job.id == job_id)) or 0) > 1)

    with house.app.app_context():
        work.cancel(db.session(), db.session.get(Job, job_id), AT)
        db.session.commit()

    house.until(lambda: house.is_over([job_id]), 30)
    (job,) = house.all(select(Job.status, Job.n_done).where(Job.id == job_id))
    n_kept = house.ask(select(func.count()).select_from(Parameter).where(Parameter.key.like(f"step.{job_id}.%")))
    assert job.status is JobStatus.CANCELLED
    assert job.n_done <= n_kept < N_STEPS, "what was committed stays"


def test_workers_that_die_again_and_again_lose_nothing_and_do_nothing_twice(house: House, engine: str) -> None:
    """Four kills by SIGKILL, each after another hundred steps of six jobs; a new worker comes for each that dies."""
    n_jobs, n_kills = 6, 4
    steps = select(func.count()).select_from(Parameter).where(Parameter.key.like("step.%"))
    for _n in range(2):
        house.start()
    ids = house.begin("long", n_jobs)

    for kill in range(n_kills):
        house.until(lambda least=100 * (kill + 1): house.ask(steps) >= least)
        house.workers[kill].kill()
        house.workers[kill].wait()
        house.start()
    house.until(lambda: house.is_over(ids))

    stored = [key for (key,) in house.all(select(Parameter.key).where(Parameter.key.like("step.%")))]
    ended = house.all(select(Job.status, Job.n_attempts, Job.n_done))
    print(f"{engine}: {n_kills} workers killed, {sum(house.runs().values()) - n_jobs} times taken over; "
          f"steps lost {n_jobs * N_STEPS - len(set(stored))}, repeated {len(stored) - len(set(stored))}")  # fmt: skip
    assert {(job.status, job.n_done) for job in ended} == {(JobStatus.DONE, N_STEPS)}
    assert len(stored) == len(set(stored)) == n_jobs * N_STEPS
    assert sum(job.n_attempts for job in ended) >= sum(house.runs().values()) >= n_jobs
