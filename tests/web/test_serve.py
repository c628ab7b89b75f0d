"""One command prepares, serves and stops everything. Real processes; each test has an instance folder and a port of its own."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from sqlalchemy import create_engine, text

from tests.databases import Databases

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """A `flask atiende …` that runs, and what it says."""

    def __init__(self, command: str, folder: Path, **settings: str) -> None:
        self.port = int(settings.get("PORT") or free_port())
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ATIENDE_INSTANCE": str(folder), "PORT": str(self.port), **settings}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flask", "atiende", *command.split()],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said = ""

    def until_ready(self) -> float:
        """Read what it says up to the line with its address; return the seconds since it was started."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Atiende: http"):
                return time.perf_counter() - self.began
        raise AssertionError(f"it ended with {self.process.wait()}:\n{self.said}")

    def page(self, path: str) -> tuple[int, str]:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()

    def descendants(self) -> list[int]:
        """Return the processes that it started, and those that they started."""
        found, parents = [], [self.process.pid]
        while parents:
            parent = parents.pop()
            children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
            found += children
            parents += children
        return found

    def end(self, seconds: float = 60) -> int:
        """Wait for the end; return the exit code."""
        said, _nothing = self.process.communicate(timeout=seconds)
        self.said += said
        return self.process.returncode


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """run("serve", **environment) → a Run in the test's own instance folder; whatever is left is killed."""
    runs: list[Run] = []

    def begin(command: str = "serve", **settings: str) -> Run:
        runs.append(Run(command, tmp_path, **settings))
        return runs[-1]

    yield begin
    for each in runs:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def wait_for_end_of(pids: list[int], seconds: float = 30) -> None:
    """Return when none of *pids* runs any more; fail after *seconds*."""
    for pid in pids:
        try:
            watched = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended, _writable, _broken = select.select([watched], [], [], seconds)
        os.close(watched)
        assert ended, f"process {pid} still runs"


def test_the_first_start_prepares_everything_and_ctrl_c_stops_everything(run: Callable[..., Run], tmp_path: Path) -> None:
    first = run()
    first.until_ready()

    assert first.page("/healthz")[0] == 200
    assert 'lang="es"' in first.page("/login/")[1]
    passwords = re.findall(r"admin.* ([\w-]{16}) \(", first.said)
    assert len(passwords) == 2 and len(set(passwords)) == 1, "the same one in two languages"
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    family = first.descendants()
    assert len(family) >= 4  # web, its two workers, and the worker

    first.process.send_signal(signal.SIGINT)

    assert first.end() == 0, first.said
    wait_for_end_of(family)


def test_the_second_start_makes_nothing_again(run: Callable[..., Run], tmp_path: Path, record_property: Any) -> None:
    assert run("prepare").end() == 0
    secret_before = run()
    secret_before.until_ready()
    secret = (tmp_path / "secret_key").read_text()
    secret_before.process.terminate()
    assert secret_before.end() == 0, secret_before.said

    second = run()
    seconds = second.until_ready()
    record_property("seconds", seconds)
    print(f"second start: {seconds:.2f} s")

    assert "password" not in second.said
    assert "Running upgrade" not in second.said
    assert (tmp_path / "secret_key").read_text() == secret
    second.process.terminate()
    assert second.end() == 0, second.said


def test_a_password_that_was_given_is_used_and_not_printed(run: Callable[..., Run], tmp_path: Path) -> None:
    prepared = run("prepare", ATIENDE_ADMIN_PASSWORD="una Clave-larga 2026")
    assert prepared.end() == 0

    assert "una Clave" not in prepared.said
    with closing(create_engine(f"sqlite:///{tmp_path / 'atiende.db'}").connect()) as connection:
        from werkzeug.security import check_password_hash

        name, stored = connection.execute(text("SELECT username, password FROM ab_user")).one()
    assert name == "admin"
    assert check_password_hash(stored, "una Clave-larga 2026")


def test_nothing_survives_a_supervisor_that_was_killed(run: Callable[..., Run]) -> None:
    server = run()
    server.until_ready()
    family = server.descendants()

    server.process.kill()

    wait_for_end_of(family)
    with pytest.raises(OSError):
        server.page("/healthz")


def test_a_worker_that_was_killed_is_started_again(run: Callable[..., Run], tmp_path: Path) -> None:
    server = run()
    server.until_ready()
    server.page("/healthz")  # by now the web server has workers, so the child without any is the one that works off the jobs
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    (worker,) = (pid for pid in children if not Path(f"/proc/{pid}/task/{pid}/children").read_text())

    wait_for_beats(tmp_path, 1)

    os.kill(int(worker), signal.SIGKILL)

    assert server.process.stdout
    assert any("starting another" in line for line in server.process.stdout)
    assert server.page("/healthz")[0] == 200
    wait_for_beats(tmp_path, 2)  # the dead one's, and the new one's


def wait_for_beats(folder: Path, n: int, seconds: float = 60) -> None:
    """Return when *n* workers have given a sign of life; fail after *seconds*."""
    last = time.monotonic() + seconds
    with closing(create_engine(f"sqlite:///{folder / 'atiende.db'}").connect()) as connection:
        while connection.scalar(text("SELECT count(*) FROM worker_beat")) < n:
            connection.rollback()
            assert time.monotonic() < last, "no worker gave a sign of life"
            time.sleep(0.1)  # nothing else tells from outside


def test_a_taken_port_is_told_in_words(run: Callable[..., Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run(PORT=str(taken.getsockname()[1]))

        assert refused.end() == 1

    assert str(refused.port) in refused.said
    assert "PORT=8081 make run" in refused.said
    assert "Traceback" not in refused.said


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_a_port_that_is_none_is_told_in_words(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.serve import CannotStart, host_and_port

    monkeypatch.setenv("PORT", port)

    with pytest.raises(CannotStart, match=port):
        host_and_port()


def test_others_are_not_served_under_a_secret_that_nobody_set(run: Callable[..., Run], tmp_path: Path) -> None:
    refused = run(HOST="0.0.0.0")

    assert refused.end() == 1
    assert "ATIENDE_SECRET_KEY" in refused.said
    assert "Traceback" not in refused.said
    assert not (tmp_path / "secret_key").exists()


def test_only_this_computer_is_loopback() -> None:
    from app.serve import is_loopback

    hosts = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "192.0.2.7", "pqr.example")
    assert [host for host in hosts if is_loopback(host)] == ["127.0.0.1", "::1", "localhost"]


def test_two_that_start_at_once_prepare_one_database(run: Callable[..., Run], own_databases: Databases) -> None:
    url = own_databases.create("prepared_twice")
    both = [run("prepare", ATIENDE_DATABASE_URL=url) for _ in range(2)]

    assert [each.end(120) for each in both] == [0, 0], both[0].said + both[1].said

    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ab_user")) == 1
        assert connection.scalar(text("SELECT count(*) FROM organisation")) == 1
    engine.dispose()
    assert sum("(" in line and "admin" in line for each in both for line in each.said.splitlines()) == 2, "one password, in two languages"
