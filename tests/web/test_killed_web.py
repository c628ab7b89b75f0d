"""
Citizens file while somebody kills web processes: nothing acknowledged is lost, nothing is filed twice, no number is skipped.

A browser whose answer never came sends the same form again, as people do; the form carries its own token, so that the second time is
the first one.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import create_engine, text

from tests.web.test_serve import Run, run  # noqa: F401  a fixture

pytestmark = pytest.mark.slow

N_CITIZENS, N_EACH, N_KILLS = 6, 20, 10
PATIENCE = 20
BROKEN = (OSError, http.client.HTTPException)


def web_workers(served: Run) -> list[int]:
    """Return the processes that answer requests: the children of gunicorn's arbiter, which is a child of the supervisor."""
    commands = {}
    for pid in served.descendants():
        parent = re.search(r"^PPid:\t(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
        commands.setdefault(int(parent[1]) if parent else 0, []).append(pid)
    return [pid for parent, children in commands.items() if parent != served.process.pid for pid in children]


class Citizen:
    """Somebody with a browser that asks again until it is answered."""

    def __init__(self, port: int, name: str) -> None:
        self.port, self.name, self.n_again, self.cookie = port, name, 0, ""
        self.numbers: list[str] = []

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        """Return status, where it leads, and page; send the same again while the connection breaks."""
        until = time.monotonic() + PATIENCE
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
                connection.request(method, path, body or None, headers)
                answer = connection.getresponse()
                page = answer.read().decode()
                self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
                return answer.status, answer.headers.get("Location", ""), page
            except BROKEN:
                self.n_again += 1
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            finally:
                connection.close()

    def file(self, turn: int) -> None:
        """Fill in the public form and send it until the number is on the screen."""
        page = self.ask("GET", "/pqr/nueva")[2]
        tags = re.findall(r'<input[^>]*type="hidden"[^>]*>', page)
        hidden = {re.search(r'name="(\w+)"', tag)[1]: unescape(re.search(r'value="([^"]*)"', tag)[1]) for tag in tags}
        body = f"{self.name}, solicitud {turn}: el consumo no es el de mi casa."
        typed = {"request_type": "RECLAMO", "body": body, "identity": "ANONYMOUS"}
        status, location, page = self.ask("POST", "/pqr/nueva", urlencode({**hidden, **typed}))
        assert status == 303, re.sub(r"<[^>]+>|\s+", " ", page)[:1500]
        confirmation = self.ask("GET", location)[2]
        self.numbers.append(re.search(r"PQR-\d{4}-\d{6}", confirmation)[0])


def kill_now_and_then(served: Run, end: threading.Event, killed: list[int]) -> None:
    chance = random.Random(20260710)
    while not end.wait(chance.uniform(0.2, 0.9)) and len(killed) < N_KILLS:
        if workers := web_workers(served):
            victim = chance.choice(workers)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed.append(victim)


def test_killed_web_processes_lose_no_case_and_file_none_twice(own_databases, seeded_template, engine, run, tmp_path):  # noqa: F811
    url = own_databases.copy(seeded_template)
    served = run(
        ATIENDE_DATABASE_URL=url, ATIENDE_HUEY_URL="none", ATIENDE_PORTAL_FILE_RATE="100000 per hour", ATIENDE_PORTAL_MIN_SECONDS="0"
    )
    served.until_ready()
    threading.Thread(target=served.process.stdout.read, daemon=True).start()  # a full pipe would stop it
    citizens = [Citizen(served.port, f"Ciudadano {n}") for n in range(N_CITIZENS)]
    failures: list[BaseException] = []

    def live(citizen: Citizen) -> None:
        try:
            for turn in range(N_EACH):
                citizen.file(turn)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live, args=(citizen,)) for citizen in citizens]
    end, killed = threading.Event(), []
    killer = threading.Thread(target=kill_now_and_then, args=(served, end, killed))
    for thread in (*threads, killer):
        thread.start()
    for thread in threads:
        thread.join()
    end.set()
    killer.join()
    served.process.send_signal(signal.SIGINT)
    served.process.wait(40)

    stored = everything(url)
    own_databases.drop(url)
    told = [number for citizen in citizens for number in citizen.numbers]
    n_again = sum(citizen.n_again for citizen in citizens)
    n_stored = len(stored["bodies"])
    print(f"{engine}: {len(killed)} web processes killed, {n_again} requests sent again, {len(told)} filings told, {n_stored} stored")

    assert not failures, failures
    assert len(killed) >= N_KILLS // 2, "the test killed somebody"
    assert len(told) == N_CITIZENS * N_EACH
    assert set(told) <= set(stored["numbers"]), "nothing told is missing"
    assert len(set(told)) == len(told), "no number was told to two filings"
    assert max(Counter(stored["bodies"]).values()) == 1, "no form became two cases"
    assert sorted(stored["numbers"]) == [f"PQR-2026-{n:06}" for n in range(1, len(stored["numbers"]) + 1)]
    assert stored["whole"] == len(stored["numbers"]), "each case has its event of filing and one open line of the baton ledger"


def everything(url: str) -> dict[str, Any]:
    """Return what the database holds, read by plain SQL."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT number, body FROM pqr")).all()
        whole = connection.execute(
            text(
                "SELECT count(*) FROM pqr WHERE (SELECT count(*) FROM case_event e WHERE e.pqr_id = pqr.id AND e.move = 'FILE') = 1 "
                "AND (SELECT count(*) FROM assignment a WHERE a.pqr_id = pqr.id AND a.out_at IS NULL) = 1"
            )
        ).scalar_one()
    engine.dispose()
    return {"numbers": [number for number, _body in rows], "bodies": [body for _number, body in rows], "whole": whole}
