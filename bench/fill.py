"""
The databases of `bench/pages.py`: the same tickets told to each product in its own tables, by COPY, and then ANALYZE.

A ticket is what any help desk knows: who, what, when, by which channel, in whose hands, how far. The peers keep just that. Atiende
keeps it as it would have come to be: legal dates by its own engine, one row of history a move, one line of the ledger a holder.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from sqlalchemy import URL, Table, make_url

HERE = Path(__file__).parent
PASSWORD = "Clave-del-banco-2026"
N_TYPES, N_AGENTS, N_DAYS = 12, 50, 700
#: What `title` and `body` are made of; the search of the bench asks for the first.
WORDS = re.findall(r"\w+", """
    medidor factura consumo fuga acueducto cobro visita lectura tarifa estrato presión suspensión reconexión alcantarillado acometida
    subsidio pago saldo recibo contrato técnico cuadrilla barrio calle vecino daño turbia válvula tanque revisión demora respuesta oficina
    certificado conexión traslado titular dirección acuerdo cuota
""")  # fmt: skip
FIRST_NAMES = re.findall(r"\w+", "Luz Ana Rosa Marta Gloria Sandra Nelly Carlos José Luis Jorge Pedro Héctor Óscar Iván Diego")
LAST_NAMES = re.findall(r"\w+", "Rojas Díaz Peña Ortiz Vargas Castro Suárez Moreno Ríos Torres Mejía Cárdenas Parra Gómez Niño Duarte")
STAGES = ("received", "routed", "solved", "answered", "closed")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as everybody has it; `person`, `kind`, `channel` and `agent` are numbers from 0."""

    id: int
    created_at: datetime
    title: str
    body: str
    person: int
    kind: int
    channel: int
    agent: int
    stage: str


def n_people(n: int) -> int:
    return max(100, n // 5)


def person_name(i: int) -> str:
    return f"{FIRST_NAMES[i % 16]} {LAST_NAMES[i // 16 % 16]} {LAST_NAMES[i // 256 % 16]}"


def tickets(n: int, until: datetime) -> Iterator[Ticket]:
    """Yield *n* tickets, oldest first, spread over 700 days in office hours; those of the last weeks are still in somebody's hands."""
    pick = random.Random(142)
    first = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=N_DAYS)
    for i in range(n):
        day, rest = divmod(i * N_DAYS, n)
        created = first + timedelta(days=day, hours=13, seconds=rest * 8 * 3600 // n)  # 8:00 to 16:00 in Colombia
        age = (until - created).days
        stage = "closed" if age > 25 else pick.choices(STAGES, (1, 4, 2, 2, 1 + age / 4))[0]
        yield Ticket(
            i + 1, created, " ".join(pick.choices(WORDS, k=6)).capitalize(), " ".join(pick.choices(WORDS, k=40)).capitalize() + ".",
            pick.randrange(n_people(n)), pick.randrange(N_TYPES), pick.randrange(7), pick.randrange(N_AGENTS), stage,
        )  # fmt: skip


# ── Databases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def named(server: URL, name: str) -> str:
    """Return the URL of database *name* on *server*, for psycopg."""
    return server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def administer(server: URL, statement: str) -> list[Any]:
    with psycopg.connect(named(server, server.database or "postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def ensure(server: URL, name: str, make: Callable[[str], None], *, fresh: bool) -> bool:
    """Create database *name* and let *make* fill it, unless it is there whole (or *fresh*); return whether it had to be made."""
    if fresh:
        administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    if administer(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        return False
    half = f"{name}_filling"
    administer(server, f'DROP DATABASE IF EXISTS "{half}" WITH (FORCE)')
    administer(server, f'CREATE DATABASE "{half}"')
    make(half)
    administer(server, f'ALTER DATABASE "{half}" RENAME TO "{name}"')
    return True


def copy(connection: psycopg.Connection[Any], table: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as target:  # type: ignore[arg-type]
        for row in rows:
            target.write_row(tuple(row))


def settle(connection: psycopg.Connection[Any], tables: Iterable[str]) -> None:
    """Let new rows be numbered after the copied ones, and the planner know what is there."""
    for table in tables:
        connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))")  # type: ignore[arg-type]
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")


# ── The peers ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

TICKET = (
    "id", "number", "title", "description", "status", "priority", "channel", "requester_name", "requester_email", "created_at",
    "updated_at", "due_at", "customer_id", "ticket_type_id", "agent_id",
)  # fmt: skip
PRIORITIES = ("low", "normal", "high", "urgent")
CHANNELS = ("counter", "web", "phone", "mail", "letter", "visit", "chat")


def ticket_number(i: int) -> str:
    return f"PQR-{i:08}"


def fill_peer(server: URL, name: str, n: int, until: datetime) -> None:
    """Make the tables of a peer in the empty database *name* and copy *n* tickets into them."""

    def row(ticket: Ticket) -> tuple[Any, ...]:
        created, person = ticket.created_at.replace(tzinfo=None), ticket.person + 1
        return (
            ticket.id, ticket_number(ticket.id), ticket.title, ticket.body, ticket.stage, PRIORITIES[ticket.id % 4],
            CHANNELS[ticket.channel], person_name(person), f"persona{person}@example.com", created, created + timedelta(days=3),
            created + timedelta(days=21), person, ticket.kind + 1, ticket.agent + 1,
        )  # fmt: skip

    with psycopg.connect(named(server, name)) as connection:
        connection.execute((HERE / "peers" / "tickets.sql").read_text())  # type: ignore[arg-type]
        people = range(1, n_people(n) + 1)
        copy(connection, "customer", ("id", "name", "email", "city"),
             ((i, f"{person_name(i)} {i}", f"persona{i}@example.com", f"Barrio {i % 50}") for i in people))  # fmt: skip
        copy(connection, "ticket_type", ("id", "name"), ((i + 1, f"Tipo {i + 1}") for i in range(N_TYPES)))
        copy(connection, "agent", ("id", "name"), ((i + 1, f"Agente {i + 1}") for i in range(N_AGENTS)))
        copy(connection, "ticket", TICKET, map(row, tickets(n, until)))
        settle(connection, ("customer", "ticket_type", "agent", "ticket"))


# ── Atiende ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def application(url: str, instance: Path) -> Iterator[Any]:
    """Yield Atiende on that database, inside its context; what it needs of the environment is put back afterwards."""
    from app import create_app
    from app.extensions import db

    instance.mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    os.environ.update(ATIENDE_INSTANCE=str(instance), ATIENDE_ADMIN_PASSWORD=PASSWORD)
    try:
        app = create_app({"SECRET_KEY": "bench", "HUEY_URL": "none", "SQLALCHEMY_DATABASE_URI": driven(url)})
        with app.app_context():
            yield app
            db.engine.dispose()
    finally:
        os.environ.clear()
        os.environ.update(before)


def driven(url: str) -> str:
    """Return *url* as SQLAlchemy reads it: with psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def fill_atiende(server: URL, name: str, n: int, until: datetime, instance: Path) -> None:
    """Prepare the empty database *name* as a start does, and copy *n* cases with their history into it."""
    from app.serve import prepare

    url = named(server, name)
    with application(url, instance) as app:
        prepare(app)
        house = House()
        with psycopg.connect(url) as connection:
            hire(connection, house)
            tables: dict[Any, list[dict[str, Any]]] = {}
            for model, row in people(n, house):
                tables.setdefault(model, []).append(row)
            for number, ticket in enumerate(tickets(n, until), 1):
                for model, row in case_rows(ticket, house, until):
                    tables.setdefault(model, []).append(row)
                if number % 20_000 == 0 or number == n:
                    for model in [model for model in in_order(house) if tables.get(model)]:
                        pour(connection, model.__table__, tables.pop(model))
            for year, last in house.last.items():
                values = (house.organisation_id, "PQR", year, last)
                connection.execute("INSERT INTO number_series (organisation_id, prefix, year, last) VALUES (%s, %s, %s, %s)", values)
            settle(connection, [model.__tablename__ for model in in_order(house)])
        index()


def index() -> None:
    """Write the documents of the search, which copied rows lack."""
    from app import search
    from app.extensions import db

    for model in search.SEARCHED:
        search.index_rows(db.session, model)
        db.session.commit()
    search.settle(db.session)
    db.session.commit()


def pour(connection: psycopg.Connection[Any], table: Table, rows: list[dict[str, Any]]) -> None:
    """Copy rows that all name the same columns, enums as the names that are stored."""
    names = list(rows[0])
    copy(connection, table.name, names,
         ([getattr(value, "name", value) for value in row.values()] for row in rows))  # fmt: skip


def hire(connection: psycopg.Connection[Any], house: House) -> None:
    """Give the company its agents: users without a password, members of the processes."""
    at = house.at
    columns = ("id", "first_name", "last_name", "username", "password", "active", "email")
    copy(connection, "ab_user", columns, (
        (house.first_agent + i, FIRST_NAMES[i % 16], LAST_NAMES[i % 16], f"agente{i}", "!", True, f"agente{i}@example.com")
        for i in range(N_AGENTS)
    ))  # fmt: skip
    copy(connection, "process_member", ("process_id", "user_id", "role", "created_at", "changed_at"), (
        (house.processes[i % len(house.processes)], house.first_agent + i, "OWNER", at, at) for i in range(N_AGENTS)
    ))  # fmt: skip


class House:
    """What all cases share, read once."""

    def __init__(self) -> None:
        from flask_appbuilder.security.sqla.models import User
        from sqlalchemy import func, select

        from app import models, queries
        from app.extensions import db, local, now

        session = db.session
        self.models, self.local, self.at = models, local, now()
        organisation = queries.organisation(session)
        self.organisation_id, self.regime = organisation.id, organisation.regime
        self.calendar, self.terms = queries.calendar_of(session, organisation), queries.term_rules(session)
        self.desk = queries.front_desk(session).id
        self.processes = list(session.scalars(select(models.Process.id).where(models.Process.id != self.desk).order_by(models.Process.id)))
        self.channels = list(session.scalars(select(models.Channel.id).order_by(models.Channel.id)))
        types = session.execute(select(models.RequestType.id, models.RequestType.code, models.RequestType.regime))
        self.kinds = [(row.id, row.code, row.regime or self.regime) for row in types][:N_TYPES]
        self.service = session.scalar(select(models.Service.id).order_by(models.Service.position).limit(1))
        self.causes = list(session.scalars(select(models.SuiCause.id).where(models.SuiCause.service_id == self.service)))
        self.municipality = organisation.municipality_code
        self.first_agent = session.scalar(select(func.max(User.id))) + 1
        self.last: dict[int, int] = {}
        session.rollback()

    def number(self, year: int) -> str:
        self.last[year] = self.last.get(year, 0) + 1
        return f"PQR-{year}-{self.last[year]:06}"


def in_order(house: House) -> tuple[Any, ...]:
    """Return the tables that are filled, each after those that it refers to."""
    m = house.models
    return (m.Party, m.Account, m.Pqr, m.CaseEvent, m.Assignment, m.StoredFile, m.Document, m.Answer, m.Notice)


Rows = Iterator[tuple[Any, dict[str, Any]]]


def people(n: int, house: House) -> Rows:
    """Yield the parties and the account of each."""
    m, stamp = house.models, {"created_at": house.at, "changed_at": house.at}
    for i in range(1, n_people(n) + 1):
        yield m.Party, {
            "id": i, "kind": "PERSON", "document_type": "CC", "document_number": str(1_000_000_000 + i), "name": f"{person_name(i)} {i}",
            "email": f"persona{i}@example.com", "phone": f"+57300{i:07}", "municipality_code": house.municipality, **stamp,
        }  # fmt: skip
        yield m.Account, {
            "id": i, "number": f"C{i:07}", "service_id": house.service, "party_id": i, "address": f"Calle {i % 90} # {i % 40}-{i % 98}",
            "municipality_code": house.municipality, "stratum": 1 + i % 6, "use": "RESIDENTIAL", "is_active": True,
            "zone": f"Sector {i % 9}", **stamp,
        }  # fmt: skip


def case_rows(ticket: Ticket, house: House, until: datetime) -> Rows:
    """Yield the row of a case, and those of everything that happened to it."""
    from app.domain.deadlines import TermAct, deadline_of, rule_for
    from app.domain.states import Move, PqrStatus

    m, at = house.models, ticket.created_at
    moment = house.local(at)
    on = moment.date()
    type_id, code, regime = house.kinds[ticket.kind % len(house.kinds)]
    rule = rule_for(house.terms, regime, TermAct.ANSWER, code, on)
    deadline = deadline_of(moment, rule, house.calendar)
    past = milestones(ticket, house, on, until)
    agent = house.first_agent + ticket.agent
    process = house.processes[ticket.agent % len(house.processes)]
    status = past[-1][1]
    dates = {move: when for move, _status, when in past}
    stamp = {"created_at": at, "changed_at": at}
    is_routed = Move.ROUTE in dates
    yield m.Pqr, {
        "id": ticket.id, "organisation_id": house.organisation_id, "number": house.number(on.year), "access_key": f"BENCH-{ticket.id:08}",
        "status": status, "request_type_id": type_id, "regime": regime, "channel_id": house.channels[ticket.channel % len(house.channels)],
        "identity": "NAMED", "party_id": ticket.person + 1, "account_id": ticket.person + 1, "service_id": house.service,
        "cause_id": house.causes[ticket.id % len(house.causes)], "subject": ticket.title, "body": ticket.body, "is_priority": False,
        "is_e_notice": False, "filed_at": at, "filed_on": on, "effective_on": deadline.effective_on, "term_id": rule.id,
        "term_value": rule.value, "term_unit": rule.unit, "term_count_from": rule.count_from, "due_on": deadline.due_on,
        "safe_on": deadline.safe_on, "process_id": process if is_routed else house.desk, "holder_id": agent if is_routed else None,
        "solution": ticket.body if Move.SOLVE in dates else None, "solved_on": dates.get(Move.SOLVE),
        "outcome": "GRANTED" if Move.SOLVE in dates else None, "answered_on": dates.get(Move.ISSUE_ANSWER),
        "notified_on": dates.get(Move.NOTIFY), "closed_on": dates.get(Move.CLOSE), **stamp,
    }  # fmt: skip
    before = None
    for step, (move, after, when) in enumerate(past):
        instant = at + (when - on) + timedelta(minutes=10 * step)
        yield m.CaseEvent, {
            "pqr_id": ticket.id, "at": instant, "on_date": when, "actor_id": agent, "move": move, "from_status": before, "to_status": after,
            "process_id": house.desk if step == 0 else process, "reason": "Es de su área" if move is Move.ROUTE else "", "act": "",
        }  # fmt: skip
        before = after
    handed = at + timedelta(minutes=10) if is_routed else None
    yield m.Assignment, {
        "pqr_id": ticket.id, "process_id": house.desk, "user_id": None, "given_by_id": agent, "reason": "", "in_at": at, "in_on": on,
        "out_at": handed, "out_on": on if is_routed else None,
    }  # fmt: skip
    if is_routed:
        is_over = status is PqrStatus.CLOSED
        yield m.Assignment, {
            "pqr_id": ticket.id, "process_id": process, "user_id": agent, "given_by_id": agent, "reason": "Es de su área", "in_at": handed,
            "in_on": on, "out_at": at + (dates[Move.CLOSE] - on) + timedelta(hours=1) if is_over else None,
            "out_on": dates[Move.CLOSE] if is_over else None,
        }  # fmt: skip
    if Move.ISSUE_ANSWER in dates:
        yield from answer_rows(ticket, house, dates[Move.ISSUE_ANSWER], dates.get(Move.NOTIFY))


def milestones(ticket: Ticket, house: House, on: date, until: datetime) -> list[tuple[Any, Any, date]]:
    """Return the moves of a case so far, each with the status after it and its day: as far as its stage says, none in the future."""
    from app.domain.states import Move, PqrStatus

    calendar = house.calendar
    solved = calendar.add(on, 1 + ticket.id % 9)
    answered = calendar.add(solved, 1)
    notified = calendar.add(answered, 1)
    life = [
        ("received", Move.FILE, PqrStatus.RECEIVED, on),
        ("routed", Move.ROUTE, PqrStatus.ROUTED, on),
        ("solved", Move.SOLVE, PqrStatus.SOLVED, solved),
        ("answered", Move.ISSUE_ANSWER, PqrStatus.ANSWERED, answered),
        ("closed", Move.NOTIFY, PqrStatus.NOTIFIED, notified),
        ("closed", Move.CLOSE, PqrStatus.CLOSED, calendar.add(notified, 5)),
    ]
    reached = STAGES.index(ticket.stage)
    return [(move, status, day) for stage, move, status, day in life if STAGES.index(stage) <= reached and day <= until.date()]


def answer_rows(ticket: Ticket, house: House, on: date, notified: date | None) -> Rows:
    """Yield the issued answer with its document and file (nobody asks for its content here), and its notice."""
    m, i = house.models, ticket.id
    at = ticket.created_at + timedelta(days=(on - ticket.created_at.date()).days)
    stamp = {"created_at": at, "changed_at": at}
    yield m.StoredFile, {
        "id": i, "storage_key": f"bench/{i}", "name": f"respuesta-{i}.pdf", "media_type": "application/pdf", "n_bytes": 40_000 + i % 9_999,
        "sha256": f"{i:064x}", "pqr_id": i, "visibility": "CITIZEN", "description": "", **stamp,
    }  # fmt: skip
    yield m.Document, {
        "id": i, "kind": "ANSWER", "number": f"RES-{on.year}-{i:06}", "pqr_id": i, "file_id": i, "template": "answer@1", "data": "{}",
        "issued_at": at, **stamp,
    }  # fmt: skip
    yield m.Answer, {
        "pqr_id": i, "status": "ISSUED", "body": ticket.body, "number": f"RES-{on.year}-{i:06}", "issued_on": on, "document_id": i, **stamp,
    }  # fmt: skip
    if notified:
        yield m.Notice, {
            "pqr_id": i, "means": "IN_PERSON", "address": None, "sent_at": at, "served_on": notified, "proof": "Recibió en la ventanilla",
            "result": "APPEARED", **stamp,
        }  # fmt: skip


# ── All of them ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(server: URL, prefix: str, n: int, folder: Path, *, fresh: bool = False) -> dict[str, str]:
    """Return the URL of the database of each product with *n* tickets, filled unless it is there; say what it took."""
    until = datetime.now(UTC)
    makers: dict[str, Callable[[str], None]] = {
        "atiende": lambda name: fill_atiende(server, name, n, until, folder),
        "fab": lambda name: fill_peer(server, name, n, until),
        "flaskadmin": lambda name: fill_peer(server, name, n, until),
    }
    urls = {}
    for product, make in makers.items():
        name, started = f"{prefix}_{product}_{n}", perf_counter()
        if ensure(server, name, make, fresh=fresh):
            print(f"{name}: {n:,} tickets in {perf_counter() - started:.0f} s", flush=True)
        urls[product] = named(server, name)
    return urls
