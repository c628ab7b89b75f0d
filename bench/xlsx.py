"""
Excel, rows a second and memory: bare XlsxWriter, our writer on the same rows, and the whole R10-01-01 read from a database.

Run from the root of the project: `python -m bench.xlsx [rows …]` (default 100000 and 1000000). Each measurement is a process of its
own, so that its peak memory is its own; rates are by CPU time, since all three compute and hardly wait. The whole report reads an
SQLite file with that many cases, made once under `ATIENDE_BENCH_DIR` (default `.cache/bench`): about 0.9 GB for a million.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, BinaryIO

FOLDER = Path(os.environ.get("ATIENDE_BENCH_DIR", ".cache/bench"))
SIZES = (100_000, 1_000_000)
FIRST = date(2024, 1, 2)
BLOCK = 20_000
Write = Callable[[BinaryIO], int]


def rows(n: int) -> Iterator[tuple[Any, ...]]:
    """Yield *n* rows as R10-01-01 has them: 24 columns, dates, counts and text, some empty."""
    pick = random.Random(142)
    for i in range(n):
        filed = FIRST + timedelta(days=i * 700 // n)
        routed, solved = filed + timedelta(days=1), filed + timedelta(days=pick.randrange(3, 12))
        answered, days = solved + timedelta(days=1), pick.randrange(2, 9)
        yield (
            f"PQR-{filed.year}-{i:06}", datetime(filed.year, filed.month, filed.day, 7 + i % 10, i % 60), filed,
            f"Usuaria Ficticia {pick.randrange(60_000)}", f"C{pick.randrange(90_000):06}", "Acueducto", "Reclamo por la factura",
            "F 101 · Inconformidad con el consumo", "Facturación", routed, f"{routed:%d/%m} Facturación; {answered:%d/%m} Atención",
            solved, answered, None, 1, days, 1, None, days + 2, None, filed + timedelta(days=21), bool(i % 9), None if i % 9 else 2,
            "Respondida",
        )  # fmt: skip


# ── The three: each prepares itself, and returns what writes to a file ────────────────────────────────────────────────────


def bare(n: int) -> Write:
    """What its manual shows: a row at a time, each value in the cell of its type."""
    from xlsxwriter import Workbook

    options = {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False, "default_date_format": "dd/mm/yyyy"}

    def write(target: BinaryIO) -> int:
        book = Workbook(target, options)
        sheet = book.add_worksheet()
        for index, row in enumerate(rows(n)):
            sheet.write_row(index, 0, row)
        book.close()
        return n

    return write


def ours(n: int) -> Write:
    """The writer of the product on the same rows."""
    from app.reports.base import ControlledFormat, Cover, Figure, Report
    from app.reports.response_times import HEADER
    from app.reports.xlsx import write_xlsx

    class Rows(Report):
        name, header = "Bench", HEADER

        def rows(self) -> Iterator[tuple[Any, ...]]:
            return rows(n)

        def totals(self) -> list[Figure]:
            return []

        def filters_in_words(self) -> list[str]:
            return []

    return lambda target: write_xlsx(Rows(), Cover("Bench", ControlledFormat("R10-01-01", "1", "Bench"), "", datetime(2026, 7, 10)), target)


def report(n: int) -> Write:
    """The product: cases, hand-overs and business days read from a database, then written."""
    from app import queries
    from app.extensions import db
    from app.queries import TimesFilter
    from app.reports.base import ControlledFormat, Cover
    from app.reports.response_times import ResponseTimes
    from app.reports.xlsx import write_xlsx

    app = application(n)

    def write(target: BinaryIO) -> int:
        with app.app_context():
            organisation = queries.organisation(db.session)
            calendar = queries.calendar_of(db.session, organisation)
            control = ResponseTimes(db.session(), TimesFilter(), calendar, date(2026, 7, 10), lambda statement: statement)
            cover = Cover(organisation.name, ControlledFormat("R10-01-01", "1", "Control"), "", datetime(2026, 7, 10))
            return write_xlsx(control, cover, target)

    return write


WAYS = {"bare": bare, "ours": ours, "report": report}


# ── The database ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def application(n: int) -> Any:
    import logging

    os.environ["ATIENDE_INSTANCE"] = str((FOLDER / f"cases-{n}").resolve())
    from app import create_app

    logging.disable(logging.INFO)
    return create_app({"SECRET_KEY": "bench", "HUEY_URL": "none"})


def fill(n: int) -> None:
    """Make the database of *n* cases, each filed, routed and answered, unless it is there."""
    from flask_migrate import upgrade
    from sqlalchemy import func, insert, select

    from app.extensions import db
    from app.models import Assignment, Pqr
    from app.operations.seeds import load_seeds

    with application(n).app_context():
        upgrade()
        load_seeds(db.session, datetime(2026, 7, 10, tzinfo=UTC))
        if db.session.scalar(select(func.count()).select_from(Pqr)) == n:
            return
        facts = common()
        for first in range(0, n, BLOCK):
            cases = [case(i, n, facts) for i in range(first, min(n, first + BLOCK))]
            db.session.execute(insert(Pqr), cases)
            db.session.execute(insert(Assignment), [line for one in cases for line in lines(one, facts)])
        db.session.commit()


def common() -> dict[str, Any]:
    """Return what all cases share, and a thousand parties to file them."""
    from sqlalchemy import select

    from app import queries
    from app.domain.deadlines import Regime, TermAct
    from app.extensions import db
    from app.models import Channel, LegalTerm, Party, Process, RequestType

    session, at = db.session, datetime(2026, 7, 10, tzinfo=UTC)
    session.add_all(Party(id=i, name=f"Usuaria Ficticia {i}", created_at=at, changed_at=at) for i in range(1, 1001))
    session.flush()
    term = session.scalars(select(LegalTerm).where(LegalTerm.regime == Regime.LEY142, LegalTerm.act == TermAct.ANSWER)).first()
    organisation = queries.organisation(session)
    kind = session.scalars(select(RequestType).where(RequestType.code == term.request_type)).one()
    desk = queries.front_desk(session)
    return {
        "calendar": queries.calendar_of(session, organisation), "desk": desk.id, "term": term,
        "processes": session.scalars(select(Process.id).where(Process.id != desk.id)).all(),
        "shared": {
            "organisation_id": organisation.id, "request_type_id": kind.id, "channel_id": session.scalar(select(Channel.id).limit(1)),
            "regime": term.regime, "term_id": term.id, "term_value": term.value, "term_unit": term.unit, "term_count_from": term.count_from,
            "process_id": desk.id, "access_key": "", "subject": "Consumo", "body": "Consumo", "created_at": at, "changed_at": at,
        },
    }  # fmt: skip


def case(i: int, n: int, facts: dict[str, Any]) -> dict[str, Any]:
    from app.domain.states import Outcome, PqrStatus

    calendar = facts["calendar"]
    filed = calendar.next_working_day(FIRST + timedelta(days=i * 700 // n))
    solved = calendar.add(filed, 3 + i % 11)
    answered = calendar.add(solved, 1)
    return {
        **facts["shared"], "id": i + 1, "number": f"PQR-{filed.year}-{i:06}", "status": PqrStatus.ANSWERED, "party_id": 1 + i % 1000,
        "filed_at": datetime(filed.year, filed.month, filed.day, 13 + i % 9, i % 60, tzinfo=UTC), "filed_on": filed, "effective_on": filed,
        "due_on": calendar.add(filed, 15), "safe_on": calendar.add(filed, 14), "solved_on": solved, "answered_on": answered,
        "outcome": Outcome.GRANTED,
    }  # fmt: skip


def lines(one: dict[str, Any], facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the hand-overs of a case: desk, a process on the next day, and the desk again to notify."""
    routed, process = facts["calendar"].add(one["filed_on"], 1), facts["processes"][one["id"] % len(facts["processes"])]
    stops = [(facts["desk"], one["filed_on"], routed), (process, routed, one["answered_on"]), (facts["desk"], one["answered_on"], None)]

    def noon(day: date | None) -> datetime | None:
        return datetime(day.year, day.month, day.day, 17, tzinfo=UTC) if day else None

    return [
        {"pqr_id": one["id"], "process_id": process_id, "in_at": noon(start), "in_on": start, "out_at": noon(end), "out_on": end}
        for process_id, start, end in stops
    ]


# ── Measuring ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure(way: str, n: int) -> None:
    """Write one workbook in this process and print what it took."""
    with tempfile.TemporaryFile(dir=FOLDER) as target:
        write = WAYS[way](n)
        started, busy = perf_counter(), process_time()
        written = write(target)
        took, busy = perf_counter() - started, process_time() - busy
        target.seek(0, 2)
        print(json.dumps({"rows": written, "seconds": took, "cpu": busy, "peak_mib": peak_mib(), "mb": target.tell() / 1e6}))


def peak_mib() -> float:
    """Return the most memory this program held; `getrusage` would also count what its parent held before it began."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def main() -> None:
    if sys.argv[1:2] == ["one"]:
        measure(sys.argv[2], int(sys.argv[3]))
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for n in map(int, sys.argv[1:] or SIZES):
        fill(n)
        reference = 0.0
        for way in WAYS:
            done = subprocess.run([sys.executable, "-m", "bench.xlsx", "one", way, str(n)], check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            rate = found["rows"] / found["cpu"]
            reference = reference or rate
            print(
                f"{way:8} {n:>9,} rows {found['seconds']:>7.1f} s, CPU {found['cpu']:>7.1f} s {rate:>9,.0f} rows/s"
                f" {rate / reference:>5.2f} × bare  peak {found['peak_mib']:>5.0f} MiB  file {found['mb']:>6.1f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
