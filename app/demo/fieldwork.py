"""Field work, money, ratings and the mass event of the demonstration company."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from app import documents
from app.documents.orders import finish_order, issue_order
from app.domain.financing import Terms
from app.domain.invoices import ChangeLine
from app.domain.states import OrderKind, Outcome, RatingVia
from app.extensions import local
from app.models import Account, FieldOrder, MassEvent, Pqr
from app.operations import mass, money, orders, rating

if TYPE_CHECKING:
    from app.demo.lives import World

_OFTEN = 0.7
_KIND = {"measure": OrderKind.PRIOR_REVIEW, "service": OrderKind.WORK_ORDER}


def _family(pqr: Pqr, cause: str | None) -> str:
    from app.demo.lives import MEASURE

    return "measure" if cause in MEASURE else "service" if pqr.request_type.code == "RECLAMO_SERVICIO" else ""


def order_visit(world: World, pqr: Pqr, cause: str | None, at: datetime, due_at: datetime, *, always: bool = False) -> FieldOrder | None:
    """Order a visit to the premises of the case, where its kind asks for one; return the order."""
    kind = _KIND.get(_family(pqr, cause))
    if kind is None or pqr.account is None or not (always or world.shows_papers(at, often=_OFTEN)):
        return None
    new = orders.NewOrder(
        kind, pqr=pqr, account=pqr.account, assignee=world.users["tecnico"], process=pqr.process,
        instructions=world.phrase(f"order.{kind.name.lower()}"), due_on=local(due_at).date(),
    )  # fmt: skip
    return issue_order(world.session, new, world.users[world.owner_of.get(pqr.process.code, "dueno.tecnica")], at)


def make_visit(world: World, order: FieldOrder, at: datetime) -> None:
    """Fill the acta of a visit that was made."""
    raw = _review(world, order) if order.kind is OrderKind.PRIOR_REVIEW else _work(world)
    visit = orders.Visit(local(at).date(), raw, unsigned_reason="PAPER")
    finish_order(world.session, order, visit, is_done=True, by=world.users["tecnico"], at=at)


def wait_for_visit(world: World, pqr: Pqr, fate: str, at: datetime) -> Iterator[datetime]:
    """Leave an order to be done, or one that could not be: what a technician and an owner find today."""
    order = order_visit(world, pqr, pqr.cause.code if pqr.cause else None, at, world.later(world.ends_at, 1), always=True)
    if order is None or fate == "visit":
        return
    at = world.later(at, 1)
    yield at
    raw = {"why": "NOBODY", "details": world.phrase("order.undone")}
    visit = orders.Visit(local(at).date(), raw)
    finish_order(world.session, order, visit, is_done=False, by=world.users["tecnico"], at=at)


def _review(world: World, order: FieldOrder) -> dict[str, str]:
    leaks = world.rng.random() < 0.4
    return {
        "meter_number": (order.account.meter if order.account else None) or "VE100001", "is_meter_of_account": "YES",
        "reading": str(world.rng.randint(120, 2900)), "seals": "INTACT", "meter_condition": "GOOD", "leak_inside": "YES" if leaks else "NO",
        "leak_outside": "NO", "leaks": "El sanitario pasa agua." if leaks else "", "n_people": str(world.rng.randint(1, 7)),
        "use": "RESIDENTIAL", "is_tested": "NO", "conclusion": "LEAK_INSIDE" if leaks else "USE",
        "explanation": world.phrase("order.leak" if leaks else "order.use"), **_attended(world),
    }  # fmt: skip


def _work(world: World) -> dict[str, str]:
    return {"cause_found": world.phrase("order.cause"), "work_done": world.phrase("order.work"), "is_solved": "YES", **_attended(world)}


def _attended(world: World) -> dict[str, str]:
    return {"attended": "OCCUPANT", "attended_by": f"{world.phrase('first')} {world.phrase('last')}"}


def change_invoice(world: World, pqr: Pqr, cause: str | None, outcome: Outcome, at: datetime) -> None:
    """Take off the invoice what the decision grants: one writes it, the manager authorises it."""
    is_due = _family(pqr, cause) == "measure" and outcome in (Outcome.GRANTED, Outcome.PARTLY) and pqr.disputed_cop
    if not is_due or pqr.account is None or not pqr.invoice_number or not world.shows_papers(at, often=_OFTEN):
        return
    before, share = int(pqr.disputed_cop or 0), Decimal("0.4") if outcome is Outcome.GRANTED else Decimal("0.7")
    month = local(pqr.filed_at).date().replace(day=1) - timedelta(days=1)
    line = ChangeLine("Consumo de acueducto", Decimal(before), Decimal(int(before * share)))
    said = {"invoice_number": pqr.invoice_number, "period": f"{month:%Y-%m}", "reason": world.phrase("change")}
    correction = money.Correction(account=pqr.account, lines=[line], pqr=pqr, **said)
    change = money.draft_change(world.session, correction, at=at, actor_id=world.user_id("dueno.facturacion"))
    documents.money.authorise_change(world.session, change, world.users["subgerente"], at)


def rate(world: World, pqr: Pqr, at: datetime) -> None:
    """Let one in five say how they were attended."""
    if world.rng.random() < 0.2:
        late = bool(pqr.due_on and pqr.answered_on and pqr.answered_on > pqr.due_on)
        score = world.rng.choices((1, 2, 3, 4, 5), (30, 25, 20, 15, 10) if late else (5, 7, 18, 35, 35))[0]
        comment = world.phrase("rating.good" if score > 3 else "rating.bad") if world.rng.random() < 0.3 else ""
        via = RatingVia.COUNTER if pqr.channel.code == "VENTANILLA" else RatingVia.LINK
        rating.rate(world.session, score, comment, at=at + timedelta(hours=2), via=via, pqr=pqr)


# ── What stands there today besides the cases ─────────────────────────────────────────────────────────────────────────────


def furnish(world: World) -> None:
    """Leave what the visitor finds today: an event that many ask about, agreements on debts, actas of suspension and reinstallation."""
    at = world.ends_at
    _tell_event(world, at)
    accounts = [world.some_account() for _n in range(40)]
    today = local(at).date()
    free = [account for account in accounts if account.party and not orders.disputes(world.session, account.id, today)]
    for n, account in enumerate(free[:6]):
        _agree(world, account, n, at)
    for n, account in enumerate(free[6:9]):
        _suspend(world, account, n, at)


def _tell_event(world: World, at: datetime) -> None:
    event = MassEvent(
        name=world.phrase("event.name"), since_on=local(at).date() - timedelta(days=5), sector=world.phrase("neighbourhood"),
        what=world.phrase("event.what"), investigation=world.phrase("event.investigation"), action=world.phrase("event.action"),
        solution=world.phrase("event.solution"), outcome=Outcome.GRANTED, answer_text=world.words["phrase", "event.answer"][0],
    )  # fmt: skip
    world.session.add(event)
    world.session.flush()
    for pqr in world.of_event:
        mass.link(world.session, pqr, event)


def _agree(world: World, account: Account, n: int, at: datetime) -> None:
    """Propose a payment agreement; the first ones have their paper, and the customer signed them."""
    on = local(at).date()
    first_due_on = (on.replace(day=1) + timedelta(days=40)).replace(day=15)
    terms = Terms(Decimal(180_000 + 55_000 * n), Decimal(30_000 * (n % 3)), 6 + n, Decimal("1.2"), first_due_on, on)
    assert account.party
    agreement = money.Agreement(account, account.party, "Facturas vencidas de acueducto", terms)
    financing = money.propose_financing(world.session, agreement, at=at, actor_id=world.user_id("dueno.facturacion"))
    if n > 3:
        return
    manager = world.users["subgerente"]
    paper = documents.money.issue_financing(world.session, financing, manager, at)
    if n > 1:
        return
    money.sign_financing(world.session, financing, proof=world.phrase("signed"), file=paper.file, at=at, actor_id=manager.id)


def _suspend(world: World, account: Account, n: int, at: datetime) -> None:
    """Suspend a service for debt; one was paid for this morning and has to come back within 24 hours."""
    kind = OrderKind.SUSPENSION if n < 2 else OrderKind.REINSTALLATION
    on = local(at).date()
    asked = {"ground": "ARREARS"} if n < 2 else {"cause": "PAID", "cause_on": on.isoformat(), "cause_at": f"{local(at):%H}:00"}
    new = orders.NewOrder(
        kind, account=account, assignee=world.users["tecnico"], process=world.processes["CARTERA"], asked=asked,
        instructions=world.phrase("order.debt"), due_on=world.calendar.add(on, 1), invoice_number=str(world.rng.randint(90_000, 199_999)),
        debt_cop=Decimal(world.rng.randint(60, 400) * 1000),
    )  # fmt: skip
    issue_order(world.session, new, world.users["dueno.facturacion"], at)
