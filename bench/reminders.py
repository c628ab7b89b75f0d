"""
What a run of the reminders costs beside 20,000 open cases filed over their whole term: one that finds nothing, as most do, and the first
of a morning, which tells every step of that day. Every working day before it is told first, so the register is as long as in a house.

Run from the root of the project: `python -m bench.reminders [cases]`; with `BENCH_DB=postgresql://user@host/postgres` on PostgreSQL too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from bench.imports import databases

FIRST, MORNING = date(2026, 5, 4), date(2026, 5, 26)
N_DAYS = 14


def instant(day: date, hour: int) -> datetime:
    """Return that hour of Bogotá."""
    return datetime(day.year, day.month, day.day, hour + 5, tzinfo=UTC)


def fill(n: int) -> None:
    """Store an owner, and *n* cases of one process in a bare row each, filed on the working days since `FIRST`."""
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import insert, select

    from app import queries
    from app.domain.states import Identity
    from app.extensions import db
    from app.models import Channel, Pqr, Process, ProcessMember, RequestType
    from app.operations.pqr import Filing, file_pqr

    session = db.session
    organisation = queries.organisation(session)
    calendar = queries.calendar_of(session, organisation)
    kind, channel = (session.scalars(select(model).order_by(model.id)).first() for model in (RequestType, Channel))
    seat = session.scalars(select(Process).where(Process.is_front_desk)).one()
    session.add(ProcessMember(process_id=seat.id, user_id=session.scalars(select(User.id)).first()))
    facts = {"organisation": organisation, "request_type": kind, "channel": channel, "subject": "Banco", "body": "Banco"}

    pqr = file_pqr(session, Filing(identity=Identity.ANONYMOUS, **facts), at=instant(FIRST, 9), actor_id=None)
    row = dict(session.execute(select(Pqr.__table__).where(Pqr.id == pqr.id)).mappings().one())
    del row["id"]
    rows = []
    for i in range(n - 1):
        filed = calendar.add(FIRST, 1 + i % N_DAYS)
        due = calendar.add(filed, pqr.term_value)
        dates = {"filed_on": filed, "effective_on": filed, "due_on": due, "safe_on": calendar.previous_working_day(due)}
        rows.append({**row, **dates, "number": f"PQR-2026-9{i:06}"})
    session.execute(insert(Pqr.__table__), rows)
    session.commit()


def measure(engine: str, url: str, n: int) -> None:
    """Print the two figures of one engine."""
    from app import create_app
    from app.extensions import db
    from app.jobs.telling import remind
    from app.serve import prepare

    app = create_app({"SECRET_KEY": "bench", "HUEY_URL": "none", "SQLALCHEMY_DATABASE_URI": url})
    prepare(app)
    with app.app_context():
        fill(n)
        day = FIRST
        while day < MORNING:
            remind(db.session(), instant(day, 9))
            db.session.commit()
            day += timedelta(1)
        for what, hour in (("the first of a morning", 8), ("one that finds nothing", 10)):
            started, cpu = perf_counter(), process_time()
            n_told = remind(db.session(), instant(MORNING, hour))
            db.session.commit()
            print(f"| {engine} | {what} | {n_told:,} | {perf_counter() - started:.2f} s | {process_time() - cpu:.2f} s |", flush=True)


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"ATIENDE_INSTANCE": name, "ATIENDE_ADMIN_PASSWORD": "Clave-del-banco-2026"}
        print("| Engine | Run | Reminders | Time | CPU of the worker |\n|---|---|---|---|---|", flush=True)
        for engine, url in databases(Path(name), "reminders"):
            measure(engine, url, n)


if __name__ == "__main__":
    main()
