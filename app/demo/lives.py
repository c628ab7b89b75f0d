"""The cases of the demonstration company: what happens to each, when, by whom and in which words (see `company.py`)."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app import documents, queries
from app.demo import fieldwork, letters
from app.documents import stops
from app.domain.calendar import ONE_DAY
from app.domain.deadlines import Regime, TermAct
from app.domain.states import AppealKind, Identity, Outcome, PqrStatus, RequirementKind
from app.extensions import LOCAL_ZONE, local
from app.models import Account, AnswerTemplate, Channel, ConsentText, Note, Pqr, Process, RequestType, SuiCause
from app.operations import answers, appeals, notices, requirements
from app.operations import pqr as cases
from app.operations.decisions import TYPE_OF
from app.operations.seeds import read_seed

#: The body that is competent when the company is not.
COMPETENT = ("Alcaldía de Villa Ejemplo (ficticia)", "Carrera 5 # 4-10, Villa Ejemplo (dirección ficticia)")
N_DAYS, RECENT_DAYS = 730, 75
OPENS, LAST_ACT = time(7, 40), time(16, 50)
MONTHS = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre")
NEIGHBOURHOODS = tuple(row["text"] for row in read_seed("demo_text") if row["key"] == "neighbourhood")
#: Which words of `demo_text.csv` tell what was found, and which process starts to look into it.
MEASURE = {"101", "102", "120", "121", "127", "129"}
ARREARS = {"111", "122", "123"}
SELF_SERVICE = {"WEB", "CORREO", "REDES"}
_REFERENCES = [name for name, reference in inspect(Pqr).relationships.items() if not reference.uselist]


@dataclass(frozen=True, slots=True)
class Pace:
    """Business days that each stage takes: until it is routed, solved, answered and notified."""

    route: int = 0
    solve: int = 6
    answer: int = 2
    notify: int = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to one case. `rests_as` ends its life in that state; `fate` names the less usual turn it takes."""

    filed_at: datetime
    kind: str
    cause: str | None = None
    identity: Identity = Identity.NAMED
    pace: Pace = field(default_factory=Pace)
    fate: str = ""
    rests_as: PqrStatus | None = None
    outcome: Outcome = Outcome.GRANTED
    previous: Pqr | None = None
    filed: Pqr | None = None  # an appeal, which was filed by appealing


class World:
    """What the lives of all cases share: people, catalogues, words, the calendar and one source of chance."""

    def __init__(
        self, session: Session, at: datetime, rng: Random, users: dict[str, User], account_ids: list[int]
    ) -> None:
        self.session, self.ends_at, self.rng, self.users, self.account_ids = session, at, rng, users, account_ids
        self.of_event: list[Pqr] = []  # open cases about what everybody asks today
        self.start: Callable[[Plan], None] = lambda plan: None
        self.organisation = queries.organisation(session)
        self.calendar = queries.calendar_of(session, self.organisation)
        self.types = {row.code: row for row in session.scalars(select(RequestType))}
        self.channels = {row.code: row for row in session.scalars(select(Channel))}
        self.processes = {row.code: row for row in session.scalars(select(Process))}
        self.causes = {row.code: row for row in session.scalars(select(SuiCause)) if row.service.code == "ACUEDUCTO"}
        self.consents = {row.kind.name: row for row in session.scalars(select(ConsentText).order_by(ConsentText.version))}
        self.templates = list(session.scalars(select(AnswerTemplate)))
        self.owner_of = {
            "FACTURACION": "dueno.facturacion", "CARTERA": "dueno.facturacion", "TECNICA": "dueno.tecnica", "COMERCIAL": "dueno.comercial",
            "CALIDAD": "dueno.calidad", "SUBGERENCIA": "dueno.juridica",
        }  # fmt: skip
        self.words: dict[tuple[str, str], list[str]] = {}
        for row in read_seed("demo_text"):
            self.words.setdefault((row["kind"], row["key"]), []).append(row["text"])
        self.weights: dict[str, dict[str, float]] = {}
        for row in read_seed("demo_mix"):
            self.weights.setdefault(row["kind"], {})[row["key"]] = float(row["weight"])

    def draw(self, kind: str) -> str:
        """Return a key of that kind of the mix, as often as its weight says."""
        table = self.weights[kind]
        return self.rng.choices(list(table), list(table.values()))[0]

    def say(self, kind: str, key: str, **facts: Any) -> str:
        """Return one of the texts for *key*, with its fields filled."""
        return self.rng.choice(self.words[kind, key]).format(**facts)

    def phrase(self, key: str, **facts: Any) -> str:
        return self.say("phrase", key, **facts)

    def user_id(self, name: str) -> int:
        return self.users[name].id

    def put_down(self, pqr: Pqr) -> None:
        """Let go of what the case refers to. It lives on for months, and each flush looks at every reference that it holds."""
        self.session.expire(pqr, _REFERENCES)

    def some_account(self) -> Account:
        """Return one account, read again: a session that held them all would look at each of them at every flush."""
        return self.session.get_one(Account, self.rng.choice(self.account_ids))

    def shows_papers(self, at: datetime, *, often: float) -> bool:
        """Draw whether an act of *at* has its papers: recent ones *often*, old ones seldom, for each paper costs a moment to set."""
        return self.rng.random() < (often if (self.ends_at - at).days < RECENT_DAYS else 0.05)

    def clerk(self, at: datetime) -> User:
        return self.users["auxiliar" if local(at).hour < 13 else "auxiliar.tarde"]

    def clerk_id(self, at: datetime) -> int:
        return self.clerk(at).id

    def later(self, after: datetime, n_days: int) -> datetime:
        """Return an instant in office hours, *n_days* business days after *after*; with 0, the same day if there is time left."""
        moment = local(after)
        day, earliest = moment.date(), OPENS
        if n_days:
            day = self.calendar.add(day, n_days)
        elif self.calendar.is_working_day(day) and moment.time() < time(16, 20):
            earliest = max(OPENS, (moment + timedelta(minutes=6)).time())
        else:
            day = self.calendar.add(day, 1)
        return self.moment(day, earliest, LAST_ACT)

    def moment(self, day: date, earliest: time, latest: time) -> datetime:
        """Return an instant of that local day between two hours."""
        first, last = (part.hour * 3600 + part.minute * 60 + part.second for part in (earliest, latest))
        second = self.rng.randint(first, max(first, last))
        midnight = datetime.combine(day, time(), LOCAL_ZONE)
        return (midnight + timedelta(seconds=second)).astimezone(UTC)

    def working_days_ago(self, n: int) -> date:
        """Return the n-th working day before the end; what was filed on it has n days of its term behind it today."""
        day = self.calendar.next_working_day(local(self.ends_at).date())
        for _i in range(n):
            day = self.calendar.previous_working_day(day)
        return day


# ── What will happen ──────────────────────────────────────────────────────────────────────────────────────────────────────


def planned_cases(world: World, n_cases: int) -> Iterator[Plan]:
    """Yield the plan of each case: those that show every state today, and a past that is like life."""
    shown = list(_shown_cases(world))
    yield from shown
    days = _Season(world)
    for _i in range(max(0, n_cases - len(shown))):
        yield _usual_case(world, days)


def _shown_cases(world: World) -> Iterator[Plan]:
    """Yield the cases of the guided tour: one in each state, due today and tomorrow, late, in silence, stopped, returned."""
    status, days = PqrStatus, Pace(0, 2, 1, 1)

    def filed(n: int) -> datetime:
        return world.moment(world.working_days_ago(n), OPENS, LAST_ACT)

    for n in (15, 15, 14, 14, 13, 12, 10):  # due today, tomorrow and in the next days
        yield Plan(filed(n), "RECLAMO", "102", rests_as=status.ROUTED)
    for n in (16, 17, 19, 24):  # past due without an answer: positive silence
        yield Plan(filed(n), "RECLAMO", "120", rests_as=status.ROUTED)
    yield Plan(filed(18), "RECLAMO_SERVICIO", "304", pace=days, rests_as=status.SOLVED)
    yield Plan(filed(13), "HABEAS_DATA_CONSULTA", rests_as=status.ROUTED)  # past due in a regime without silence
    yield Plan(filed(1), "RECLAMO_SERVICIO", "303", rests_as=status.RECEIVED)
    yield Plan(filed(2), "INFORMACION", rests_as=status.RECEIVED)
    yield Plan(filed(8), "PETICION", pace=days, fate="complete", rests_as=status.AWAITING_USER)
    yield Plan(filed(40), "PETICION", pace=days, fate="unclear")
    yield Plan(filed(35), "PETICION", pace=days, fate="partly")
    yield Plan(filed(7), "HABEAS_DATA_CONSULTA", pace=days, fate="extend", rests_as=status.ROUTED)
    yield Plan(filed(45), "RECLAMO", "120", pace=Pace(0, 18, 1, 1))  # answered late: a silence that was recognised
    yield Plan(filed(12), "DENUNCIA", identity=Identity.ANONYMOUS, pace=days)
    for _n in range(5):
        yield Plan(filed(3), "RECLAMO_SERVICIO", "303", pace=days, fate="event", rests_as=status.ROUTED)
    for cause in ("102", "121", "303"):  # field work for today and tomorrow
        yield Plan(filed(4), "RECLAMO_SERVICIO" if cause == "303" else "RECLAMO", cause, pace=days, fate="visit", rests_as=status.ROUTED)
    yield Plan(filed(6), "RECLAMO", "129", pace=days, fate="refused", rests_as=status.ROUTED)
    yield Plan(filed(9), "RECLAMO", "102", pace=days, fate="summoned", rests_as=status.ANSWERED, outcome=Outcome.DENIED)
    yield Plan(filed(16), "RECLAMO", "101", pace=days, fate="posted", rests_as=status.ANSWERED, outcome=Outcome.DENIED)
    yield Plan(filed(9), "RECLAMO", "117", pace=days, fate="evidence", rests_as=status.EVIDENCE)
    yield Plan(filed(11), "RECLAMO", "123", pace=days, rests_as=status.SOLVED)
    yield Plan(filed(9), "RECLAMO", "113", pace=days, fate="returned", rests_as=status.ROUTED)
    yield Plan(filed(6), "QUEJA", pace=days, fate="desk", rests_as=status.ROUTED)
    yield Plan(filed(7), "DENUNCIA", identity=Identity.ANONYMOUS, rests_as=status.ROUTED)
    yield Plan(filed(7), "DENUNCIA", identity=Identity.RESERVED, rests_as=status.ROUTED)
    yield Plan(filed(12), "RECLAMO_SERVICIO", "316", pace=days, rests_as=status.ANSWERED)
    yield Plan(filed(9), "RECLAMO", "107", pace=days, outcome=Outcome.PARTLY, rests_as=status.NOTIFIED)
    yield Plan(filed(14), "RECLAMO", "105", pace=days, outcome=Outcome.DENIED, fate="appeal", rests_as=status.APPEALED)
    yield Plan(filed(25), "RECLAMO", "129", pace=days, outcome=Outcome.DENIED, fate="appeal")
    yield Plan(filed(150), "RECLAMO", "105", pace=days, outcome=Outcome.DENIED, fate="apelacion")
    yield Plan(filed(60), "RECLAMO", "102", pace=days, outcome=Outcome.DENIED, fate="apelacion")
    yield Plan(filed(30), "RECLAMO", "122", pace=days)
    yield Plan(filed(45), "PETICION", fate="withdrawn")
    yield Plan(filed(10), "PETICION", fate="transfer")
    yield Plan(filed(8), "RECLAMO", "102", fate="void")


class _Season:
    """Days of the two years, drawn as often as the year, the month and the day of the week say."""

    def __init__(self, world: World) -> None:
        end = local(world.ends_at).date()
        self.rng, self.days = world.rng, [end - ONE_DAY * n for n in range(1, N_DAYS)][::-1]
        self.totals = {group: list(accumulate(self._weights(world, group))) for group in "FP"}

    def _weights(self, world: World, group: str) -> Iterator[float]:
        years, months = world.weights["year"], world.weights[f"season.{group}"]
        for i, day in enumerate(self.days):
            yield years["1" if i < N_DAYS / 2 else "2"] * months[str(day.month)] * (1 if world.calendar.is_working_day(day) else 0.15)

    def draw(self, group: str) -> date:
        totals = self.totals[group]
        return self.days[bisect(totals, self.rng.random() * totals[-1])]


def _usual_case(world: World, season: _Season) -> Plan:
    """Return the plan of one case of the past, drawn from the mix."""
    rng, kind, cause = world.rng, world.draw("type"), None
    if kind == "claim":
        cause = world.draw("cause")
        kind = "RECLAMO" if world.causes[cause].group_code == "F" else "RECLAMO_SERVICIO"
    day = season.draw("F" if kind == "RECLAMO" else "P")
    at_any_hour = not world.calendar.is_working_day(day) or rng.random() < 0.25
    filed_at = world.moment(day, time(5, 30) if at_any_hour else OPENS, time(22, 30) if at_any_hour else LAST_ACT)
    outcome = rng.choices((Outcome.GRANTED, Outcome.PARTLY, Outcome.DENIED), (46, 19, 35) if cause else (82, 10, 8))[0]
    return Plan(filed_at, kind, cause, _identity(world, kind), _pace(rng), _fate(world, kind, outcome), None, outcome)


def _identity(world: World, kind: str) -> Identity:
    weights = {"DENUNCIA": (40, 35, 25), "QUEJA": (90, 6, 4), "RECLAMO": (99.5, 0, 0.5)}.get(kind, (97, 2, 1))
    if kind.startswith(("HABEAS", "AUTORIDAD", "PETICION")):
        return Identity.NAMED
    return world.rng.choices((Identity.NAMED, Identity.ANONYMOUS, Identity.RESERVED), weights)[0]


def _pace(rng: Random) -> Pace:
    is_late = rng.random() < 0.035
    solve = rng.randint(13, 20) if is_late else rng.choices(range(1, 10), (4, 7, 10, 12, 13, 12, 9, 6, 4))[0]
    return Pace(rng.choices((0, 1), (75, 25))[0], solve, rng.choices((0, 1, 2), (3, 5, 2))[0], rng.choices((0, 1, 2, 4), (3, 4, 2, 1))[0])


def _fate(world: World, kind: str, outcome: Outcome) -> str:
    """Return the turn that the case takes. A fifth of the appeals of the public statistics, and they follow an answer that denies."""
    rng = world.rng
    may_appeal = kind in ("RECLAMO", "RECLAMO_SERVICIO") and outcome is not Outcome.GRANTED
    if may_appeal and rng.random() < sum(world.weights["appeal"].values()) / 100 * 0.5:
        return "appeal"
    fates = {"": 66, "reroute": 11, "desk": 4, "returned": 6, "complete": 4, "evidence": 4, "withdrawn": 1.2, "transfer": 1.5, "void": 0.6}
    if kind not in ("RECLAMO", "RECLAMO_SERVICIO"):
        fates |= {"evidence": 0, "reroute": 4}
    if kind.startswith(("HABEAS", "AUTORIDAD", "RECURSO")):
        return ""
    return rng.choices(list(fates), list(fates.values()))[0]


# ── A life ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def life(world: World, plan: Plan) -> Iterator[datetime]:
    """Live one case. Each `yield` says when it acts next; whoever runs it resumes then, or never, if the world ends before."""
    pqr, at = plan.filed or _file(world, plan), plan.filed_at
    if plan.rests_as is PqrStatus.RECEIVED:
        return
    at = world.later(at, plan.pace.route)
    yield at
    if plan.fate in ("void", "transfer"):
        return _leave(world, pqr, plan, at)
    at = yield from _look_into(world, pqr, plan, at)
    if pqr.status is not PqrStatus.SOLVED or plan.rests_as is PqrStatus.SOLVED:
        return None
    at = world.later(at, plan.pace.answer)
    yield at
    if _takes_back(pqr):
        cases.return_solution(world.session, pqr, world.phrase("recognised"), at=at, actor_id=world.user_id("subgerente"))
        at = world.later(at, 0)
        yield at
        _solve(world, pqr, plan, at, world.user_id(world.owner_of.get(pqr.process.code, "dueno.comercial")))
    _answer(world, pqr, at)
    if plan.rests_as is PqrStatus.ANSWERED:
        yield from letters.rest_on_paper(world, pqr, plan.fate, at)
        return None
    at = yield from _notify(world, pqr, plan, at)
    if plan.rests_as is not PqrStatus.NOTIFIED:
        yield from _end(world, pqr, plan, at)
    return None


def _file(world: World, plan: Plan) -> Pqr:
    rng, at = world.rng, plan.filed_at
    account = _account_for(world, plan)
    party = None if plan.identity is Identity.ANONYMOUS else _party_for(world, plan, account)
    in_office = world.calendar.is_working_day(local(at).date()) and OPENS <= local(at).time() <= LAST_ACT
    channel = world.draw("channel")
    if not in_office and channel not in SELF_SERVICE:
        channel = "WEB"
    email = party.email if party else None
    is_e_notice = bool(email) and plan.rests_as is not PqrStatus.NOTIFIED and rng.random() < (0.7 if channel in SELF_SERVICE else 0.35)
    subject, body, facts = _words_of(world, plan)
    is_priority = (plan.cause in ("303", "306") and rng.random() < 0.4) or rng.random() < 0.01
    consents = [world.consents["DATA"]] * bool(party) + [world.consents["E_NOTICE"]] * is_e_notice
    filing = cases.Filing(
        organisation=world.organisation, request_type=world.types[plan.kind], channel=world.channels[channel], subject=subject, body=body,
        identity=plan.identity, party=party, account=account, cause=world.causes[plan.cause] if plan.cause else None,
        is_priority=is_priority, priority_reason=world.phrase("priority") if is_priority else None, is_e_notice=is_e_notice,
        notice_email=email if is_e_notice else None, notice_address=account.address if account else None, previous=plan.previous,
        disputed_cop=Decimal(facts["pesos"]) if plan.kind == "RECLAMO" else None,
        invoice_number=facts["invoice"] if plan.kind == "RECLAMO" else None, consent_texts=consents,
    )  # fmt: skip
    pqr = cases.file_pqr(world.session, filing, at=at, actor_id=None if channel == "WEB" else world.clerk_id(at))
    world.put_down(pqr)
    return pqr


def _account_for(world: World, plan: Plan) -> Account | None:
    if plan.previous is not None:
        return plan.previous.account
    is_about_one = plan.cause or (plan.kind in ("INFORMACION", "PETICION") and world.rng.random() < 0.7)
    return world.some_account() if is_about_one and plan.identity is not Identity.ANONYMOUS else None


def _party_for(world: World, plan: Plan, account: Account | None) -> Any:
    if plan.previous is not None:
        return plan.previous.party
    while account is None or account.party is None:
        account = world.some_account()
    return account.party


def _words_of(world: World, plan: Plan) -> tuple[str, str, dict[str, Any]]:
    """Return subject, body and the invented facts they tell."""
    key = plan.cause or plan.kind
    key = plan.kind if plan.previous is not None else key
    facts = _facts(plan)
    body = world.say("body", key, **facts)
    if plan.kind not in ("AUTORIDAD", "SUGERENCIA"):
        body = world.phrase("opening") + body + world.phrase("closing")
    return world.say("subject", key, **facts), body, facts


def _facts(plan: Plan) -> dict[str, Any]:
    """Return what the case is about in figures: the same each time, so that what was found agrees with what was claimed."""
    rng = Random(int(plan.filed_at.timestamp()))
    usual, pesos = rng.randint(9, 22), rng.randint(18, 640) * 1000
    return {
        "number": plan.previous.number if plan.previous else "",
        "month": MONTHS[local(plan.filed_at).month - 2],
        "usual": usual,
        "used": usual * rng.randint(2, 5) + rng.randint(0, 9),
        "pesos": pesos,
        "amount": f"{pesos:,}".replace(",", "."),
        "invoice": str(rng.randint(90_000, 199_999)),
        "days": rng.randint(2, 12),
        "meter": f"VE{rng.randint(100_000, 999_999)}",
        "neighbourhood": rng.choice(NEIGHBOURHOODS),
        "street": f"la calle {rng.randint(1, 42)} con carrera {rng.randint(1, 30)}",
    }


def _leave(world: World, pqr: Pqr, plan: Plan, at: datetime) -> None:
    """End the case before anybody looks into it."""
    if plan.fate == "void":
        cases.void(world.session, pqr, world.phrase("void"), at=at, actor_id=world.user_id("subgerente"))
    else:
        stops.transfer(world.session, pqr, *COMPETENT, world.phrase("transfer"), issuer=world.clerk(at), at=at)


def _look_into(world: World, pqr: Pqr, plan: Plan, at: datetime) -> Iterator[datetime]:
    """Route the case, live the turn it takes, and record the solution; return when it was last touched."""
    process = _process_for(world, plan)
    owner_id = world.user_id(world.owner_of[process.code])
    cases.route(world.session, pqr, process, world.phrase("route"), at=at, actor_id=world.clerk_id(at))
    if plan.fate in ("complete", "partly", "withdrawn", "unclear") and pqr.identity is not Identity.ANONYMOUS:
        at = yield from _complete(world, pqr, plan, at)
    elif plan.fate == "evidence":
        at = yield from _take_evidence(world, pqr, plan, at, owner_id)
    elif plan.fate in ("reroute", "desk"):
        at = yield from _pass_on(world, pqr, plan, at, process)
        owner_id = world.user_id(world.owner_of.get(pqr.process.code, "dueno.comercial"))
    if plan.fate == "event":
        world.of_event.append(pqr)
    if plan.fate == "extend":
        at = yield from _extend(world, pqr, at)
    if plan.fate in ("visit", "refused"):
        yield from fieldwork.wait_for_visit(world, pqr, plan.fate, at)
    if pqr.status is not PqrStatus.ROUTED or (plan.rests_as is PqrStatus.ROUTED and plan.fate != "returned"):
        return at
    solves_at = world.later(at, plan.pace.solve)
    order = fieldwork.order_visit(world, pqr, plan.cause, at, world.later(at, max(1, plan.pace.solve - 1)))
    if order is not None:
        at = world.later(at, max(0, plan.pace.solve - 1))
        yield at
        fieldwork.make_visit(world, order, at)
        solves_at = max(solves_at, world.later(at, 0))
    at = solves_at
    yield at
    at = yield from _annotate(world, pqr, at, owner_id)
    _solve(world, pqr, plan, at, owner_id)
    if plan.fate == "returned":
        at = world.later(at, 1)
        yield at
        cases.return_solution(world.session, pqr, world.phrase("returned"), at=at, actor_id=world.user_id("subgerente"))
        if plan.rests_as is PqrStatus.ROUTED:
            return at
        at = world.later(at, 1)
        yield at
        _solve(world, pqr, plan, at, owner_id)
    return at


def _process_for(world: World, plan: Plan) -> Process:
    if plan.cause in ARREARS:
        return world.processes["CARTERA"]
    default = world.types[plan.kind].default_process
    return default if default is not None and default.code in world.owner_of else world.processes["COMERCIAL"]


def _complete(world: World, pqr: Pqr, plan: Plan, at: datetime) -> Iterator[datetime]:
    """Ask the citizen to complete or clarify (Ley 1755 arts. 17, 19): the clock stops; then it goes on, or the petition ends."""
    at = world.later(at, 1)
    yield at
    kind = RequirementKind.CLARIFICATION if plan.fate == "unclear" else RequirementKind.COMPLETION
    what = world.phrase("unclear" if plan.fate == "unclear" else "incomplete")
    stops.issue_and_tell(world.session, pqr, kind, what, world.phrase("told"), issuer=world.clerk(at), at=at)
    if plan.rests_as is PqrStatus.AWAITING_USER:
        return at
    if plan.fate in ("withdrawn", "unclear"):
        at = world.later(at, 24)
        yield at
        end, reason = (stops.withdraw, "withdrawn") if plan.fate == "withdrawn" else (stops.archive, "archived")
        end(world.session, pqr, world.phrase(reason), issuer=world.users["subgerente"], at=at)
        return at
    if plan.fate == "partly":
        at = world.later(at, 3)
        yield at
        requirements.complete_partly(world.session, pqr, world.phrase("partly"), at=at, actor_id=world.clerk_id(at))
        requirements.extend_completion(world.session, pqr, world.phrase("more_time"), at=at, actor_id=world.clerk_id(at))
    at = world.later(at, world.rng.randint(1, 12))
    yield at
    requirements.complete(world.session, pqr, world.phrase("completed"), at=at, actor_id=world.clerk_id(at))
    return at


def _extend(world: World, pqr: Pqr, at: datetime) -> Iterator[datetime]:
    """Tell the citizen, before the term ends, why it takes longer and until when (Ley 1755 art. 14 par.; Ley 1581 arts. 14, 15)."""
    at = world.later(at, 2)
    yield at
    extra = requirements.rule_of(world.session, pqr, TermAct.EXTENSION).value
    how = world.phrase("told")
    stops.extend(world.session, pqr, extra, world.phrase("extended"), how, issuer=world.users["subgerente"], at=at)
    return at


def _take_evidence(world: World, pqr: Pqr, plan: Plan, at: datetime, owner_id: int) -> Iterator[datetime]:
    """Order evidence (Ley 142 art. 158): the clock stops until the result comes."""
    at = world.later(at, world.rng.randint(1, 3))
    yield at
    what, until = world.phrase("evidence"), world.calendar.add(local(at).date(), 20)
    owner = world.session.get_one(User, owner_id)
    kept = {"issuer": owner, "at": at, "reason": world.phrase("evidence_why"), "until": until}
    stops.issue_and_tell(world.session, pqr, RequirementKind.EVIDENCE, what, world.phrase("told"), **kept)
    if plan.rests_as is PqrStatus.EVIDENCE:
        return at
    at = world.later(at, world.rng.randint(4, 14))
    yield at
    requirements.close_evidence(world.session, pqr, world.phrase("evidence_done"), at=at, actor_id=owner_id)
    return at


def _pass_on(world: World, pqr: Pqr, plan: Plan, at: datetime, process: Process) -> Iterator[datetime]:
    """Hand the case to another process, or back to the desk, which sends it again. The clock goes on meanwhile."""
    owner_id = world.user_id(world.owner_of[process.code])
    at = world.later(at, 1)
    yield at
    if plan.fate == "desk":
        cases.return_to_desk(world.session, pqr, world.phrase("desk"), at=at, actor_id=owner_id)
        if plan.rests_as is PqrStatus.ROUTED:
            return at
        at = world.later(at, 0)
        yield at
        cases.route(world.session, pqr, process, world.phrase("route"), at=at, actor_id=world.clerk_id(at))
        return at
    other = world.processes["TECNICA" if process.code != "TECNICA" else "FACTURACION"]
    cases.route(world.session, pqr, other, world.phrase("reroute"), at=at, actor_id=owner_id)
    if plan.cause in MEASURE:  # the visit is done, and billing decides
        at = world.later(at, world.rng.randint(1, 3))
        yield at
        cases.route(world.session, pqr, process, world.phrase("evidence_done"), at=at, actor_id=world.user_id("dueno.tecnica"))
    return at


def _annotate(world: World, pqr: Pqr, at: datetime, author_id: int) -> Iterator[datetime]:
    """Write what people tell each other; the citizen never sees it."""
    if world.rng.random() < 0.22:
        world.session.add(Note(pqr=pqr, author_id=author_id, body=world.phrase("note"), created_at=at, changed_at=at))
        at = world.later(at, 0)
        yield at
    return at


def _solve(world: World, pqr: Pqr, plan: Plan, at: datetime, owner_id: int) -> None:
    if _is_recognised(pqr):  # what was recognised is not taken back
        plan = replace(plan, outcome=Outcome.REVOKED if plan.outcome.is_of_appeal else Outcome.GRANTED)
    solution = world.say("solution", _found(world, plan), **_facts(plan))
    cases.solve(world.session, pqr, solution, plan.outcome, at=at, actor_id=owner_id)
    fieldwork.change_invoice(world, pqr, plan.cause, plan.outcome, at)
    fitting = [t for t in world.templates if t.request_type is pqr.request_type and t.outcome in (plan.outcome, None)]
    template = (fitting or [t for t in world.templates if t.request_type and t.request_type.code == "PETICION"])[0]
    answers.save_draft(world.session, pqr, answers.fill_template(template.body, pqr), owner_id)


#: The words of a decision, by the sense that the first answer would have had.
_AS_FIRST = {Outcome.REVOKED: Outcome.GRANTED, Outcome.MODIFIED: Outcome.PARTLY, Outcome.CONFIRMED: Outcome.DENIED}


def _found(world: World, plan: Plan) -> str:
    """Return the key of what was found: of that very cause or type, or else of its family."""
    if plan.previous is not None:
        return f"appeal.{_AS_FIRST.get(plan.outcome, Outcome.DENIED).name}"
    own = f"{plan.cause or plan.kind}.{plan.outcome.name}"
    if ("solution", own) in world.words:
        return own
    family = "service" if plan.kind == "RECLAMO_SERVICIO" else "measure" if plan.cause in MEASURE else "charge"
    return f"{family}.{plan.outcome.name}"


def _is_recognised(pqr: Pqr) -> bool:
    return pqr.silence is not None and pqr.silence.recognised_on is not None


def _takes_back(pqr: Pqr) -> bool:
    """Say whether the answer in the making denies what the recognition of the silence granted meanwhile."""
    return _is_recognised(pqr) and pqr.outcome not in (Outcome.GRANTED, Outcome.REVOKED)


def _answer(world: World, pqr: Pqr, at: datetime) -> None:
    documents.issue_answer(world.session, pqr, world.users["subgerente"], at)
    world.put_down(pqr)


def _notify(world: World, pqr: Pqr, plan: Plan, at: datetime) -> Iterator[datetime]:
    """Serve the answer: by its link when the citizen accepted that and opens it, in person otherwise."""
    if pqr.is_e_notice:
        notice = notices.start_e_notice(world.session, pqr, at=at)
        if world.rng.random() < 0.9:
            at += timedelta(minutes=world.rng.randint(20, 60 * 24 * 3))
            yield at
            notices.serve_e_notice(world.session, notice, at=at, address="192.0.2.1")
            return at
    at = world.later(at, plan.pace.notify)
    yield at
    is_anonymous = pqr.identity is Identity.ANONYMOUS
    if notices.terms_for(world.session, pqr) is not None and world.shows_papers(at, often=1 if is_anonymous else 0.6):
        return (yield from letters.notify_on_paper(world, pqr, at))
    letters.record_visit(world, pqr, at)
    return at


def _end(world: World, pqr: Pqr, plan: Plan, at: datetime) -> Iterator[datetime]:
    """Close the case at once when the citizen waives the recursos; or live through the appeal. Else a night closes it."""
    if plan.fate in ("appeal", "apelacion") and pqr.regime is Regime.LEY142 and pqr.identity is not Identity.ANONYMOUS:
        at = world.later(at, world.rng.randint(1, 4))
        yield at
        _appeal(world, pqr, plan, at)
        return
    if pqr.appeal is None and pqr.status is PqrStatus.NOTIFIED and plan.outcome is Outcome.GRANTED and world.rng.random() < 0.15:
        at = world.later(at, 0)
        yield at
        if pqr.status is PqrStatus.NOTIFIED:
            cases.close(world.session, pqr, at=at, actor_id=world.clerk_id(at), waiver=world.phrase("waiver"))
    fieldwork.rate(world, pqr, at)
    if pqr.appeal is not None:
        yield from letters.send_to_sspd(world, pqr, at)


def _appeal(world: World, pqr: Pqr, plan: Plan, at: datetime) -> None:
    """File the appeal, which is a case of its own with its own clock; a night closes the first case when that one is final."""
    both = plan.fate == "apelacion" or world.draw("appeal") == "RECURSO_APELACION"
    kind = AppealKind.REPOSICION_APELACION if both else AppealKind.REPOSICION
    child_plan = replace(plan, filed_at=at, kind=TYPE_OF[kind], previous=pqr, pace=_pace(world.rng), fate="")
    _subject, body, _facts = _words_of(world, child_plan)
    filing = appeals.filing_against(world.session, pqr, kind, world.channels["VENTANILLA"], body)
    child = appeals.file_appeal(world.session, filing, appeals.Brief(kind), at=at, actor_id=world.clerk_id(at))
    senses = (0, 0, 1) if plan.fate == "apelacion" else (22, 13, 65)
    outcome = world.rng.choices((Outcome.REVOKED, Outcome.MODIFIED, Outcome.CONFIRMED), senses)[0]
    if not child.appeal or child.appeal.reasons:
        outcome = Outcome.REJECTED
    rests_as = PqrStatus.ROUTED if plan.rests_as is PqrStatus.APPEALED else None
    world.start(replace(child_plan, filed=child, outcome=outcome, rests_as=rests_as))
    world.put_down(child)
