"""
Sixteen processes that file at once, started by `test_numbers.py`: `python -m tests.db.writers FOLDER`.

Processes and not threads: one interpreter runs one thread at a time, so threads would take turns, and nobody can kill a thread
as a power cut or the kernel kills a worker. The parent imports the product once and forks before anybody opened a connection.

Two of them die by SIGKILL: one at a moment of the parent's choosing, one by its own hand between its number and its commit.
Each number is appended to `acknowledged` only after its commit, as the citizen would read it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flask import Flask

N_WRITERS = 16
N_FILINGS = 200
ROLLED_BACK = 0.10
KILLED, SUICIDAL = 5, 11
DIES_AT = N_FILINGS // 2


def write(app: Flask, writer: int, acknowledge: Callable[[str], None]) -> None:
    """File N_FILINGS cases, each in a transaction of its own; leave about a tenth of them by rolling back."""
    from app.extensions import db, now
    from app.operations.pqr import file_pqr
    from tests.factories import Factory

    chance = random.Random(writer)
    with app.app_context():
        make = Factory(db.session())
        party_id = make.party(document_number=f"55{writer:06}").id
        db.session.commit()
        from app.models import Party

        for turn in range(N_FILINGS):
            filing = make.filing(party=db.session.get(Party, party_id), subject=f"Escritor {writer}, turno {turn}")
            pqr = file_pqr(db.session(), filing, at=now())
            if writer == SUICIDAL and turn == DIES_AT:
                os.kill(os.getpid(), signal.SIGKILL)
            if chance.random() < ROLLED_BACK:
                db.session.rollback()
                continue
            line = f"{pqr.number} {pqr.access_key}\n"
            db.session.commit()
            acknowledge(line)


def fork_writer(app: Flask, writer: int, folder: Path, start: int) -> int:
    """Fork one writer that waits for the parent to close *start*; return its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.read(start, 1)
        book = os.open(folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        own = os.open(folder / f"acknowledged.{writer}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

        def acknowledge(line: str) -> None:
            os.write(book, line.encode())
            os.write(own, line.encode())

        write(app, writer, acknowledge)
        status = 0
    except BaseException:
        import traceback

        (folder / f"error.{writer}").write_text(traceback.format_exc())
    os._exit(status)


def kill_in_the_middle(child: int, book: Path) -> None:
    """Kill the writer once it has acknowledged a good part of its filings, wherever it then is; or leave it, if it failed before."""
    trouble = book.with_name(book.name.replace("acknowledged", "error"))
    while not trouble.exists() and (not book.exists() or book.read_bytes().count(b"\n") < DIES_AT // 2):
        time.sleep(0.01)  # nothing else tells from outside how far a process is
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def main(folder: Path) -> None:
    from app import create_app
    from app.extensions import db

    app = create_app()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)  # no connection may cross a fork
    waiting, go = os.pipe()
    children = {}
    for writer in range(N_WRITERS):
        children[writer] = fork_writer(app, writer, folder, waiting)
    started = time.perf_counter()
    os.write(go, b"x" * N_WRITERS)
    kill_in_the_middle(children[KILLED], folder / f"acknowledged.{KILLED}")
    statuses = {writer: os.waitpid(child, 0)[1] for writer, child in children.items()}
    result = {
        "seconds": round(time.perf_counter() - started, 1),
        "killed": sorted(writer for writer, status in statuses.items() if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL),
        "failed": sorted(writer for writer, status in statuses.items() if os.WIFEXITED(status) and os.WEXITSTATUS(status)),
    }
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
