"""
A fictional water company with two years of cases, for training, demonstrations and tests of volume.

Nothing is written behind the back of the product: each case is filed, routed, solved, answered, notified and appealed by the same
functions that the screens call, all acts of all cases in the order of time, so that numbers, history, ledger and clock are true. Names,
documents and addresses are invented and say so. The same instant and the same number of cases give the same company, keys apart.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stdnum.co import nit
from werkzeug.security import generate_password_hash

from app import queries
from app.audit import silently
from app.demo.actions import plan_actions
from app.demo.background import leave_in_tray
from app.demo.checklists import checklist
from app.demo.contracts import contract
from app.demo.documents import keep_documents
from app.demo.effect import improve
from app.demo.exchange import exchange, pass_morning, seat_chief, settle_mail
from app.demo.fieldwork import furnish
from app.demo.indicators import report_indicators
from app.demo.interested import follow_parties
from app.demo.interruptions import tell_interruptions
from app.demo.legal import evaluate_matrix
from app.demo.letters import give_receipts
from app.demo.lives import World, life, planned_cases
from app.demo.nights import pass_night
from app.demo.outward import tell_programs
from app.demo.parties import relate
from app.demo.quotations import quote
from app.demo.reports import send_reports
from app.demo.reviews import review_management
from app.demo.risks import map_risks
from app.demo.sui import report_claims
from app.demo.surveys import survey
from app.domain import N_
from app.domain.calendar import ONE_DAY
from app.domain.errors import DomainError
from app.domain.states import AccountUse, DocumentType, MemberRole, PartyKind
from app.extensions import local
from app.models import Account, Municipality, Organisation, Parameter, Party, Pqr, Process, ProcessMember, Service
from app.operations.seeds import read_seed

DEMO_PASSWORD = "AtiendeDemo-2026"
DEMO_KEY = "demo.company"
MUNICIPALITY = "99001"
N_CASES, N_ACCOUNTS = 2050, 1500
_SEED = 142
_SECTORS = ("Sector Norte", "Sector Centro", "Sector Sur")

#: user, first name, last name, role, processes that he owns
PEOPLE = (
    ("auxiliar", "Marcela", "Rincón (demo)", "Auxiliar PQR", ("ATENCION",)),
    ("auxiliar.tarde", "Camilo", "Peña (demo)", "Auxiliar PQR", ("ATENCION",)),
    ("dueno.facturacion", "Diana", "Palacios (demo)", "Dueño de proceso", ("FACTURACION", "CARTERA")),
    ("dueno.tecnica", "Héctor", "Mosquera (demo)", "Dueño de proceso", ("TECNICA",)),
    ("dueno.comercial", "Liliana", "Duarte (demo)", "Dueño de proceso", ("COMERCIAL",)),
    ("dueno.calidad", "Rubén", "Castaño (demo)", "Dueño de proceso", ("CALIDAD",)),
    ("dueno.juridica", "Beatriz", "Ospina (demo)", "Dueño de proceso", ("SUBGERENCIA",)),
    ("tecnico", "Wilson", "Murillo (demo)", "Técnico", ()),
    ("subgerente", "Patricia", "Salazar (demo)", "Subgerente administrativo y comercial", ("SUBGERENCIA",)),
    ("comercial", "Fredy", "Lozano (demo)", "Comercial", ()),
    ("calidad", "Nubia", "Arias (demo)", "Calidad", ()),
    ("control", "Álvaro", "Fonseca (demo)", "Control interno / Gerencia", ()),
    ("admin", "Administración", "(demo)", "Admin", ()),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """What `seed_demo` did. `is_new` is False when the company was there already; then nothing changed."""

    is_new: bool
    n_cases: int
    users: tuple[str, ...]


def seed_demo(
    session: Session,
    at: datetime,
    n_cases: int = N_CASES,
    *,
    password: str = DEMO_PASSWORD,
    force: bool = False,
) -> Demo:
    """
    Fill the database with the fictional company, whose cases end at *at*; flushed, not committed.

    Args:
        n_cases: How many cases to file, besides the appeals that one in fifteen brings; at least the 50 that show every state.
        password: Of every demo user who is not there yet.
        force: Go on although there are real cases. Their organisation then keeps its name.

    Raises:
        DomainError: There are cases that are not ours; or the catalogues or the roles are not loaded.
    """
    people = tuple(person[0] for person in PEOPLE)
    if session.get(Parameter, DEMO_KEY) is not None:
        return Demo(False, _n_cases(session), people)
    has_real_cases = _n_cases(session) > 0
    if has_real_cases and not force:
        raise DomainError(N_("This database holds cases that are not of the demonstration. Use another one, or --force."))
    rng = Random(_SEED)
    with silently(session):
        if not has_real_cases:
            _dress(session, queries.organisation(session))
        users = _hire(session, at, password)
        account_ids = _connect(session, rng, at)
        world = World(session, at, rng, users, account_ids)
        with _seldom_collecting():
            _live(world, n_cases)
        text = "La empresa de demostración ya está cargada; la escribe el sistema."
        session.add(Parameter(key=DEMO_KEY, value=at.isoformat(), description=text))
        session.flush()
    return Demo(True, _n_cases(session), people)


def _n_cases(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Pqr)) or 0


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Spare the collector of garbage the objects that stay anyway: it spends a quarter of the time on them otherwise."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _live(world: World, n_cases: int) -> None:
    """
    Run every case until `world.ends_at`: always the one that acts next, so that all acts happen in the order of time. Between two
    days, what the law lets happen by itself happens.
    """
    seat_chief(world)
    turn = count()
    agenda: list[tuple[datetime, int, Iterator[datetime]]] = []
    world.start = lambda plan: heapq.heappush(agenda, (plan.filed_at, next(turn), life(world, plan)))
    for plan in planned_cases(world, n_cases):
        world.start(plan)
    night = None
    while agenda:
        at, _turn, case = heapq.heappop(agenda)
        _pass_nights(world, night, local(at).date())
        night = local(at).date()
        wakes_at = next(case, None)
        if wakes_at is not None and wakes_at <= world.ends_at:
            heapq.heappush(agenda, (wakes_at, next(turn), case))
    _pass_nights(world, night, local(world.ends_at).date())
    furnish(world)
    exchange(world)
    tell_programs(world.session, world.ends_at)
    leave_in_tray(world.session, world.user_id("auxiliar"), world.ends_at)
    _sell(world)
    _manage(world)
    _report(world)
    settle_mail(world.session)


def _sell(world: World) -> None:
    """The commercial side, up to now: quotations, contracts, verifications, surveys, and how the interested parties were followed."""
    session, at, people = world.session, world.ends_at, world.users
    quote(session, at, people["comercial"])
    relate(session, at, people["calidad"])
    contract(session, at, people["comercial"], people["subgerente"])
    checklist(session, at, people["comercial"], people["dueno.tecnica"], people["subgerente"])
    survey(session, at, people)
    follow_parties(session, at, people)


def _manage(world: World) -> None:
    """The quality system, up to now: its documents, actions with their effect, risks, law, indicators and reviews."""
    session, at, people = world.session, world.ends_at, world.users
    keep_documents(session, people["calidad"].id, at)
    plan_actions(session, at, people)
    improve(session, at)
    map_risks(session, at, people)
    evaluate_matrix(session, at, people)
    report_indicators(session, at, people)
    review_management(session, at, people)


def _report(world: World) -> None:
    """What is reported, up to now: receipts that were given, interruptions, the files of the regulator, reports by mail."""
    session, at, people = world.session, world.ends_at, world.users
    give_receipts(session, at)
    tell_interruptions(session, at=at, user_id=people["dueno.tecnica"].id)
    report_claims(session, at, people)
    send_reports(session, at, people)


def _pass_nights(world: World, since: date | None, until: date) -> None:
    """Turn the days after *since* up to *until*; what falls on a day of rest is done, with its own date, on the next working day."""
    while since is not None and since < until:
        since += ONE_DAY
        if since == until or world.calendar.is_working_day(since):
            pass_night(world, since)
            pass_morning(world, since)


# ── The company and its people ────────────────────────────────────────────────────────────────────────────────────────────


def _dress(session: Session, organisation: Organisation) -> None:
    """Give the organisation the name of the fictional company, and office hours."""
    organisation.name = "Aguas de Villa Ejemplo S.A. E.S.P. (ficticia)"
    organisation.nit = _nit(999_000_142)
    organisation.municipality_code = MUNICIPALITY
    organisation.address = "Calle 10 # 5-20, Villa Ejemplo (dirección ficticia)"
    organisation.phone, organisation.email = "+57 300 000 0000", "pqr@ejemplo.invalid"
    organisation.website = "https://aguas.ejemplo.invalid"
    organisation.signatory_name = "Patricia Salazar (demo)"
    organisation.signatory_title = "Subgerente administrativa y comercial"
    organisation.opens_at, organisation.closes_at = time(7, 30), time(17, 0)
    session.flush()
    queries.forget_calendar(session)


def _nit(base: int) -> str:
    return f"{base}{nit.calc_check_digit(str(base))}"


def _hire(session: Session, at: datetime, password: str) -> dict[str, User]:
    """Return the demo users by name, made with *password* when they are not there; and their places in the processes."""
    roles = {role.name: role for role in session.scalars(select(Role))}
    processes = {process.code: process for process in session.scalars(select(Process))}
    users = {user.username: user for user in session.scalars(select(User))}
    secret = generate_password_hash(password)
    for username, first, last, role, owned in PEOPLE:
        if role not in roles:
            raise DomainError(N_("The roles are not loaded yet. Run: flask atiende sync-roles"))
        if username not in users:
            user = User(
                username=username, first_name=first, last_name=last, email=f"{username}@ejemplo.invalid", active=True, password=secret
            )
            user.roles = [roles[role]]
            session.add(user)
            users[username] = user
            session.flush()
        for code in owned:
            _seat(session, processes[code], users[username])
    holiday = at.date()
    _seat(session, processes["FACTURACION"], users["dueno.comercial"], MemberRole.SUBSTITUTE, holiday, holiday + timedelta(days=15))
    session.flush()
    return users


def _seat(
    session: Session,
    process: Process,
    user: User,
    role: MemberRole = MemberRole.OWNER,
    since: date | None = None,
    until: date | None = None,
) -> None:
    taken = session.scalar(select(ProcessMember.id).filter_by(process_id=process.id, user_id=user.id, role=role))
    if taken is None:
        session.add(ProcessMember(process_id=process.id, user_id=user.id, role=role, valid_from=since, valid_until=until))


# ── Parties and accounts ──────────────────────────────────────────────────────────────────────────────────────────────────


def _connect(session: Session, rng: Random, at: datetime) -> list[int]:
    """Return the ids of the accounts of the fictional town, with their owners; some own two, and a few belong to nobody known."""
    words: dict[str, list[str]] = {}
    for row in read_seed("demo_text"):
        if row["kind"] == "phrase":
            words.setdefault(row["key"], []).append(row["text"])
    water = session.scalars(select(Service).where(Service.code == "ACUEDUCTO")).one()
    if session.get(Municipality, MUNICIPALITY) is None:
        raise DomainError(N_("The catalogues are not loaded yet. Run: flask atiende load-seeds"))
    parties = [_company(words, i, at) for i in range(len(words["company"]))]
    parties += [_person(rng, words, i, at) for i in range(int(N_ACCOUNTS * 0.9))]
    accounts = []
    for i in range(N_ACCOUNTS):
        party = None if rng.random() < 0.02 else parties[i] if i < len(parties) else rng.choice(parties)
        accounts.append(_account(rng, words, i, water, party, at))
    session.add_all([*parties, *accounts])
    session.flush()
    return [account.id for account in accounts]


def _company(words: dict[str, list[str]], i: int, at: datetime) -> Party:
    return Party(
        kind=PartyKind.ORGANISATION, document_type=DocumentType.NIT, document_number=_nit(999_100_000 + i),
        name=f"{words['company'][i]} (ficticia)", email=f"empresa{i}@ejemplo.invalid", phone=f"+57300000{i:04}",
        municipality_code=MUNICIPALITY, created_at=at, changed_at=at,
    )  # fmt: skip


def _person(rng: Random, words: dict[str, list[str]], i: int, at: datetime) -> Party:
    name = f"{rng.choice(words['first'])} {rng.choice(words['last'])} {rng.choice(words['last'])}"
    kind = rng.choices((DocumentType.CC, DocumentType.CE, DocumentType.PPT), (95, 2, 3))[0]
    return Party(
        kind=PartyKind.PERSON, document_type=kind, document_number=str(1_999_000_000 + i), name=f"{name} (ficticia)",
        email=f"usuario{i}@ejemplo.invalid" if rng.random() < 0.7 else None, phone=f"+57300001{i:04}" if rng.random() < 0.85 else None,
        municipality_code=MUNICIPALITY, created_at=at, changed_at=at,
    )  # fmt: skip


def _account(rng: Random, words: dict[str, list[str]], i: int, service: Service, party: Party | None, at: datetime) -> Account:
    is_company = party is not None and party.kind is PartyKind.ORGANISATION
    street = f"Calle {rng.randint(1, 42)} # {rng.randint(1, 30)}-{rng.randint(2, 98)}"
    neighbourhood = rng.choice(words["neighbourhood"])
    address = f"{street}, {neighbourhood}"
    if party is not None and party.address is None:
        party.address = address
    return Account(
        number=f"{104 + i // 500}-{i // 50 % 10 + 20}-{i:04}", service=service, party=party, address=address,
        municipality_code=MUNICIPALITY, zone=_SECTORS[words["neighbourhood"].index(neighbourhood) % len(_SECTORS)],
        stratum=None if is_company else rng.choices((1, 2, 3, 4, 5), (25, 35, 28, 9, 3))[0],
        use=AccountUse.COMMERCIAL if is_company else AccountUse.RESIDENTIAL, meter=f"VE{rng.randint(100_000, 999_999)}",
        is_active=rng.random() > 0.03, created_at=at, changed_at=at,
    )  # fmt: skip
