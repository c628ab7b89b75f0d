"""
Dashboards on a million cases: the figures of a board beside the bare SQL that counts the same, and the page as a browser gets it.

Run from the root of the project: `python -m bench.dashboards [cases]` (default 1000000), with `BENCH_DB=postgresql://user@host/postgres`
for PostgreSQL besides SQLite. The databases are made once, under `ATIENDE_BENCH_DIR` (default `.cache/bench`) and as
`atiende_bench_boards_<cases>`: the cases of `bench/fill.py` with their accounts, hand-overs, silences and ratings.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import make_url

from bench.fill import N_AGENTS, PASSWORD, House, administer, case_rows, driven, named, people, person_name, tickets

FOLDER = Path(os.environ.get("ATIENDE_BENCH_DIR", ".cache/bench")).resolve()
BLOCK = 20_000


# ── The databases ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def application(n: int, url: str) -> Iterator[Any]:
    """Yield Atiende on that database, or on the SQLite file of *n* cases when there is no URL, inside its context."""
    import logging

    from app import create_app
    from app.extensions import db

    os.environ.update(ATIENDE_INSTANCE=str(FOLDER / f"boards-{n}"), ATIENDE_ADMIN_PASSWORD=PASSWORD)
    logging.disable(logging.INFO)
    settings = {"SECRET_KEY": "bench", "HUEY_URL": "none"} | ({"SQLALCHEMY_DATABASE_URI": driven(url)} if url else {})
    app = create_app(settings)
    with app.app_context():
        yield app
        db.engine.dispose()


def fill(n: int, url: str) -> None:
    """Bring the database up to date and put *n* cases in it, unless they are there."""
    from sqlalchemy import func, select, text

    from app.extensions import db
    from app.models import Account, Assignment, Party, Pqr, Rating, Silence
    from app.pour import pour
    from app.serve import prepare

    (FOLDER / f"boards-{n}").mkdir(parents=True, exist_ok=True)
    with application(n, url) as app:
        prepare(app)
        if db.session.scalar(select(func.count()).select_from(Pqr)) == n:
            return
        house, until = House(), datetime.now(UTC)
        hire(house)
        kept: dict[Any, list[dict[str, Any]]] = {model: [] for model in (Party, Account, Pqr, Assignment, Silence, Rating)}
        for model, row in people(n, house):
            kept[model].append(row)
        for number, ticket in enumerate(tickets(n, until), 1):
            for model, row in [*case_rows(ticket, house, until), *attention(ticket, house)]:
                if model in kept:
                    kept[model].append(row)
            if number % BLOCK == 0 or number == n:
                for model, rows in kept.items():
                    pour(db.session(), model.__table__, rows)
                    rows.clear()
        db.session.commit()
    with application(n, url), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if url else "ANALYZE"))


def hire(house: House) -> None:
    """Give the company its agents, each in a process."""
    from flask_appbuilder.security.sqla.models import Role, User, assoc_user_role
    from sqlalchemy import insert, select

    from app.extensions import db
    from app.models import ProcessMember
    from app.security import DUENO

    stamp = {"created_at": house.at, "changed_at": house.at}
    users = range(house.first_agent, house.first_agent + N_AGENTS)
    db.session.execute(insert(User), [
        {"id": i, "first_name": person_name(i), "last_name": "", "username": f"agente{i}", "password": "!", "active": True,
         "email": f"agente{i}@example.com"} for i in users
    ])  # fmt: skip
    role = db.session.scalars(select(Role).where(Role.name == DUENO)).one()
    db.session.execute(insert(assoc_user_role), [{"user_id": i, "role_id": role.id} for i in users])
    processes = house.processes
    rows = [{"process_id": processes[i % len(processes)], "user_id": user, "role": "OWNER", **stamp} for i, user in enumerate(users)]
    db.session.execute(insert(ProcessMember), rows)


def attention(ticket: Any, house: House) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield a rating of one case in twenty, and a silence of one in five hundred."""
    m, on, pick = house.models, ticket.created_at.date(), random.Random(ticket.id)
    if ticket.id % 20 == 0:
        yield m.Rating, {
            "pqr_id": ticket.id, "rated_at": ticket.created_at + timedelta(days=9), "rated_on": on + timedelta(days=9),
            "score": pick.randrange(1, 6), "comment": "", "via": "LINK", "channel_id": house.channels[ticket.channel % len(house.channels)],
        }  # fmt: skip
    if ticket.id % 500 == 0:
        arisen = house.calendar.add(on, 16)
        yield m.Silence, {
            "pqr_id": ticket.id, "ground": "TERM", "arisen_on": arisen, "recognise_by": arisen + timedelta(days=3), "grants": "",
            "withdrawn_reason": "", "created_at": ticket.created_at, "changed_at": ticket.created_at,
        }  # fmt: skip


def url_of(n: int) -> str:
    """Return the URL of the database of *n* cases on the server of `BENCH_DB`, made if it is not there."""
    server, name = make_url(os.environ["BENCH_DB"]), f"atiende_bench_boards_{n}"
    if not administer(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        administer(server, f'CREATE DATABASE "{name}"')
    return named(server, name)


# ── Measuring ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: The figures of the board of cases as somebody would ask the database by hand; a month of PostgreSQL and SQLite is said alike.
BARE = (
    *(f"SELECT count(*) FROM pqr WHERE filed_on BETWEEN '{{{name}_since}}' AND '{{{name}_until}}' AND status <> 'VOIDED'"
      for name in ("now", "before", "ago")),
    *(f"SELECT count(*), sum(CASE WHEN answered_on <= due_on THEN 1 ELSE 0 END) FROM pqr WHERE answered_on "
      f"BETWEEN '{{{name}_since}}' AND '{{{name}_until}}'" for name in ("now", "before", "ago")),
    *(f"SELECT count(*) FROM silence WHERE withdrawn_on IS NULL AND arisen_on BETWEEN '{{{name}_since}}' AND '{{{name}_until}}'"
      for name in ("now", "before", "ago")),
    *(f"SELECT sum(score), count(*) FROM rating WHERE rated_on BETWEEN '{{{name}_since}}' AND '{{{name}_until}}'"
      for name in ("now", "before", "ago")),
    "SELECT count(*) FROM pqr WHERE status IN ('RECEIVED', 'ROUTED', 'SOLVED') AND due_on < '{today}' AND regime = 'LEY142'",
    "SELECT count(*) FROM silence JOIN pqr ON pqr.id = silence.pqr_id WHERE recognised_on IS NULL AND withdrawn_on IS NULL"
    " AND NOT (outcome = 'GRANTED' AND notified_on IS NOT NULL)",
    "SELECT {month} AS m, count(*) FROM pqr WHERE filed_on BETWEEN '{year_since}' AND '{year_until}' AND status <> 'VOIDED' GROUP BY m",
    "SELECT {month_answered} AS m, count(*), sum(CASE WHEN answered_on <= due_on THEN 1 ELSE 0 END) FROM pqr"
    " WHERE answered_on BETWEEN '{year_since}' AND '{year_until}' GROUP BY m",
    *(f"SELECT {table}.name, count(*) FROM pqr JOIN {table} ON {table}.id = pqr.{key} WHERE filed_on BETWEEN '{{now_since}}' AND "
      f"'{{now_until}}' AND status <> 'VOIDED' GROUP BY {table}.name ORDER BY 2 DESC" for table, key in (
          ("request_type", "request_type_id"), ("channel", "channel_id"), ("sui_cause", "cause_id"), ("process", "process_id"))),
    "SELECT process.name, CASE WHEN status IN ('AWAITING_USER', 'EVIDENCE') THEN 'stopped' WHEN due_on < '{today}' THEN 'late'"
    " WHEN due_on <= '{tomorrow}' THEN 'now' WHEN due_on <= '{fifth}' THEN 'soon' ELSE 'ok' END AS light, count(*) FROM pqr"
    " JOIN process ON process.id = pqr.process_id WHERE status IN ('RECEIVED', 'ROUTED', 'SOLVED', 'AWAITING_USER', 'EVIDENCE')"
    " GROUP BY process.name, light",
    "SELECT score, count(*) FROM rating WHERE rated_on BETWEEN '{now_since}' AND '{now_until}' GROUP BY score",
)  # fmt: skip
PERIODS = ("THIS_MONTH", "LAST_MONTH", "THIS_YEAR")


def bare(m: Any) -> list[str]:
    """Return those statements for the days of *m*, in the words of its database."""
    spans = dict(zip(("now", "before", "ago"), m.spans.all, strict=True), year=m.year)
    said = {f"{name}_{end}": getattr(span, end) for name, span in spans.items() for end in ("since", "until")}
    is_postgres = m.session.get_bind().dialect.name == "postgresql"
    months = {f"month{suffix}": f"date_trunc('month', {column})" if is_postgres else f"substr({column}, 1, 7)"
              for suffix, column in (("", "filed_on"), ("_answered", "answered_on"))}  # fmt: skip
    days = {"today": m.today, "tomorrow": m.calendar.add(m.today, 1), "fifth": m.calendar.add(m.today, 5)}
    return [statement.format(**said, **months, **days) for statement in BARE]


def best(work: Callable[[], Any], rounds: int = 5) -> float:
    """Return the fastest of some rounds, in milliseconds, after one that warms up."""
    work()
    found = []
    for _n in range(rounds):
        started = perf_counter()
        work()
        found.append((perf_counter() - started) * 1000)
    return min(found)


def measure(n: int, url: str) -> None:
    """Print, for each reader and period, the bare SQL (of all cases), the figures of the board and its page."""
    import logging

    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import select

    from app.extensions import db

    with application(n, url) as app:
        engine = db.engine.dialect.name
        logging.disable(logging.INFO)
        people = {"all cases": "admin", "one process": "agente%"}
        users = {who: db.session.scalar(select(User.id).where(User.username.like(name)).order_by(User.id)) for who, name in people.items()}
        db.session.rollback()
        for who, user_id in users.items():
            for period in PERIODS:
                by_hand, read, page = (best(work) for work in ways(app, user_id, period))
                print(f"{engine:10} {n:>9,} {who:11} {period:12} bare {by_hand:>6.0f} ms  board {read:>6.0f} ms {read / by_hand:>5.2f} ×"
                      f"  page {page:>6.0f} ms", flush=True)  # fmt: skip


def ways(app: Any, user_id: int, period: str) -> tuple[Callable[[], Any], ...]:
    """Return what runs the bare SQL, what reads the board, and what asks for its page, as that user."""
    from flask import g
    from flask_appbuilder.security.sqla.models import User
    from flask_login import login_user

    from app.dashboards import cases
    from app.dashboards.base import Moment, Spans
    from app.domain.reports import ReportPeriod
    from app.extensions import db, today
    from app.reports.forms import span_of
    from app.security import reader_of

    client, on = app.test_client(), today()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = str(user_id), True

    def moment() -> Moment:
        return Moment(db.session(), reader_of(on), Spans.of(span_of(ReportPeriod[period], on), on), on)

    def as_user(work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            with app.test_request_context():
                g.user = db.session.get(User, user_id)
                login_user(g.user)
                return work()

        return run

    def by_hand() -> None:
        connection = db.session.connection().connection
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()

    statements = as_user(lambda: bare(moment()))()
    return as_user(by_hand), as_user(lambda: cases.read(moment())), lambda: client.get(f"/dashboard/cases/?period={period}").data


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for url in (*([url_of(n)] if "BENCH_DB" in os.environ else []), ""):
        fill(n, url)
        measure(n, url)


if __name__ == "__main__":
    main()
