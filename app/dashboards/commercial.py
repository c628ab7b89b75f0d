"""The board of the commercial side: what is quoted and won, which contracts run and end, how they are verified, what backs them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, String, and_, case, cast, func, literal, or_, select, union_all

from app.dashboards.base import N_MONTHS, Bars, Board, Chart, Facts, Group, Moment, Part, Span, Table, Tile, by_month, told, within
from app.domain import N_
from app.domain.checklists import ChecklistStatus
from app.domain.contracts import ContractState
from app.domain.guarantees import GuaranteeState
from app.domain.quotations import AGEING, QuotationStatus
from app.models import Checklist, Contract, Guarantee, Party, Quotation
from app.operations import guarantees
from app.operations.contracts import state_clause
from app.reports.compliance import is_to_verify, is_verified

_WON = Quotation.status == QuotationStatus.ACCEPTED
_LOST = Quotation.status.in_((QuotationStatus.REJECTED, QuotationStatus.EXPIRED))
_ENDED = _WON | _LOST
_WAITS = Quotation.status == QuotationStatus.SENT
_RUNS = (ContractState.ACTIVE, ContractState.ENDING)
#: Lines of a table.
MOST = 5
AGES = (N_("up to 7 days"), N_("8 to 15 days"), N_("16 to 30 days"), N_("31 to 60 days"), N_("more than 60 days"))
_AGE_TONES = ("ok", "info", "warn", "soon", "bad")
_TONES = {
    ContractState.DRAFT: "stop", ContractState.UPCOMING: "info", ContractState.ACTIVE: "ok", ContractState.ENDING: "soon",
    ContractState.ENDED: "stop", ContractState.TERMINATED: "warn",
}  # fmt: skip


# ── The figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _guarded(m: Moment, *states: GuaranteeState) -> Select[Any]:
    kept = m.scope("contract", select(Contract.id))
    its = [guarantees.state_clause(state, m.today) for state in states]
    return select(func.count()).select_from(Guarantee).where(its[0] if len(its) == 1 else its[0] | its[1], Guarantee.contract_id.in_(kept))


def _of_span(m: Moment, span: Span) -> Iterator[Part]:
    sums = (func.count(), func.sum(case((_WON, 1), else_=0)), func.sum(case((_WON, Quotation.total_cop), else_=0)))
    yield ("sent", "sent_cop"), select(func.count(), func.coalesce(func.sum(Quotation.total_cop), 0)).where(within(Quotation.sent_on, span))
    yield ("ended", "won", "won_cop"), select(*sums).where(_ENDED, within(Quotation.decided_on, span))
    yield ("signed",), m.count("contract", Contract, within(Contract.signed_on, span))
    yield ("approved",), m.count("checklist", Checklist, Checklist.status == ChecklistStatus.CLOSED, within(Checklist.approved_at, span))


def _of_today(m: Moment) -> Iterator[Part]:
    year, old = m.today.year, m.today - timedelta(AGEING[3][0])
    made = select(Contract.id).where(Contract.quotation_id == Quotation.id).exists()
    sums = (func.count(), func.coalesce(func.sum(Quotation.total_cop), 0), func.sum(case((Quotation.sent_on <= old, 1), else_=0)))
    states = [func.sum(case((state_clause(state, m.today), 1), else_=0)) for state in _RUNS]
    checked = [func.sum(case((condition(year), 1), else_=0)) for condition in (is_to_verify, is_verified)]
    late = Checklist.status != ChecklistStatus.CLOSED, Checklist.due_on < m.today
    yield ("waiting", "waiting_cop", "old"), select(*sums).where(_WAITS)
    yield ("unmade",), select(func.count()).select_from(Quotation).where(_WON, ~made)
    yield ("active", "ending", "to_verify", "verified"), m.scope("contract", select(*states, *checked).select_from(Contract))
    yield ("late_lists",), m.count("checklist", Checklist, *late)
    yield ("findings",), m.count("checklist", Checklist, Checklist.year == year, Checklist.n_partly + Checklist.n_not_met > 0)
    yield ("policies_ending",), _guarded(m, GuaranteeState.ENDING)
    yield ("policies_ended",), _guarded(m, GuaranteeState.ENDED)


# ── Groups and lines ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _ahead(m: Moment) -> list[Span]:
    """Return the twelve months that begin with this one."""
    found, first = [], m.today.replace(day=1)
    for _n in range(N_MONTHS):
        after = (first + timedelta(31)).replace(day=1)
        found.append(Span(first, after - timedelta(1)))
        first = after
    return found


def _counted(what: str, key: Any, *numbers: Any) -> Select[Any]:
    """Return the SELECT of *numbers* by *key*, as `_groups` reads them."""
    both = (*numbers, literal(0))[:2]
    columns = (n.label(f"n{i}") for i, n in enumerate(both))
    return select(literal(what).label("what"), cast(key, String).label("key"), *columns).group_by(key)


def _groups(m: Moment) -> dict[str, list[Group]]:
    """Return the quotations by month and age, the contracts by state and by the month of their end: one statement."""
    n = func.count()
    bounds = [m.today - timedelta(last) for _first, last in AGEING if last is not None]
    ages = case(*((Quotation.sent_on >= bound, str(i)) for i, bound in enumerate(bounds)), else_=str(len(bounds)))
    states = case(*((state_clause(state, m.today), state.name) for state in ContractState))
    last = func.coalesce(Contract.terminated_on, Contract.ends_on)
    ends = and_(or_(*(state_clause(state, m.today) for state in _RUNS)), last.between(m.today, _ahead(m)[-1].until))
    won, lost = (func.sum(case((how, 1), else_=0)) for how in (_WON, _LOST))
    rows = m.session.execute(
        union_all(
            _counted("sent", Quotation.sent_on, n).where(within(Quotation.sent_on, m.year)),
            _counted("ended", Quotation.decided_on, won, lost).where(_ENDED, within(Quotation.decided_on, m.year)),
            _counted("ages", ages, n).where(_WAITS, Quotation.sent_on <= m.today),
            m.scope("contract", _counted("states", states, n).select_from(Contract)),
            m.scope("contract", _counted("ends", last, n).select_from(Contract).where(ends)),
        )
    ).all()  # fmt: skip
    days: dict[str, list[tuple[date, tuple[int, int]]]] = {"sent": [], "ended": [], "ends": []}
    found: dict[str, dict[str, int]] = {"ages": {}, "states": {}}
    for what, key, a, b in rows:
        if what in days:
            days[what].append((date.fromisoformat(key), (int(a), int(b))))
        else:
            found[what][key] = int(a)
    sent = by_month(m.months, days["sent"], 2)
    ended = by_month(m.months, days["ended"], 2)
    return {
        "months": [Group(str(span), "", (a, *b)) for span, (a, _none), b in zip(m.months, sent, ended, strict=True)],
        "ends": [Group(str(span), "", (a,)) for span, (a, _none) in zip(_ahead(m), by_month(_ahead(m), days["ends"], 2), strict=True)],
        "ages": [Group(key, _(AGES[int(key)]), (n,), _AGE_TONES[int(key)]) for key, n in sorted(found["ages"].items())],
        "states": [
            Group(state.name, _(state.value), (found["states"][state.name],), tone)
            for state, tone in _TONES.items() if state.name in found["states"]
        ],
    }  # fmt: skip


def _lines(m: Moment) -> dict[str, list[Group]]:
    """Return the quotations that wait longest, the contracts and the policies that end next: one statement."""
    last = func.coalesce(Contract.terminated_on, Contract.ends_on)

    def lines(what: str, key: Any, name: Any, day: Any, value: Any) -> Select[Any]:
        columns = (cast(key, String).label("key"), name.label("name"), Party.name.label("party"), day.label("day"), value.label("cop"))
        return select(literal(what).label("what"), *columns)

    quoted = lines("waiting", Quotation.id, Quotation.number, Quotation.sent_on, Quotation.total_cop).join(Quotation.party).where(_WAITS)
    ending = lines("contracts", Contract.id, Contract.number, last, Contract.value_cop).join(Contract.party)
    ending = m.scope("contract", ending.where(or_(*(state_clause(state, m.today) for state in _RUNS)), last.is_not(None)))
    policies = lines("policies", Guarantee.id, Guarantee.policy, Guarantee.ends_on, Guarantee.insured_cop).join(
        Contract, Contract.id == Guarantee.contract_id
    ).join(Party, Party.id == Contract.party_id)  # fmt: skip
    policies = m.scope("contract", policies.where(guarantees.state_clause(GuaranteeState.ENDING, m.today)))
    parts = [statement.order_by(statement.selected_columns.day).limit(MOST).subquery() for statement in (quoted, ending, policies)]
    found: dict[str, list[Group]] = {"waiting": [], "contracts": [], "policies": []}
    for what, key, name, party, day, cop in m.session.execute(union_all(*(select(part) for part in parts))):
        found[what].append(Group(key, name, (party, day, cop)))
    return {what: sorted(groups, key=lambda each: (each.values[1], each.label)) for what, groups in found.items()}


def read(m: Moment) -> Facts:
    """Return the figures of the board in three statements."""
    numbers = told(m.session, (_of_span(m, span) for span in m.spans.all), _of_today(m))
    numbers["running"] = [(numbers["active"][0] or 0) + (numbers["ending"][0] or 0)]
    return Facts(numbers, {**_groups(m), **_lines(m)})


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DECIDED = "/quotation/list/?decided_on={p}&status="
_NONE_SENT = N_("No quotation was sent in these days.")
_NONE_DECIDED = N_("No quotation was decided in these days.")

BOARD = Board(
    "commercial", N_("Dashboard: commercial"),
    N_("Quotations by the day on which they were sent or decided; contracts as they stand today."), "CommercialDashboard", read,
    period=(
        Tile("sent", N_("Quotations sent"), _NONE_SENT, "/quotation/list/?sent_on={p}", better=1, tone="info"),
        Tile("sent_cop", N_("Value of the quotations sent"), _NONE_SENT, "/quotation/list/?sent_on={p}", unit="$", better=1, tone="info"),
        Tile("won", N_("Accepted, of those decided"), _NONE_DECIDED, f"{_DECIDED}ACCEPTED", of="ended", unit="%", better=1, tone="ok"),
        Tile("won_cop", N_("Value accepted"), N_("Nothing was accepted in these days."), f"{_DECIDED}ACCEPTED", unit="$", better=1,
             tone="ok"),
        Tile("signed", N_("Contracts signed"), N_("No contract was signed in these days."), "/contract/list/?signed_on={p}", better=1,
             tone="info"),
        Tile("approved", N_("Verifications approved"), N_("No verification was approved in these days."),
             "/checklist/list/?status=CLOSED&approved_at={p}", better=1, tone="info"),
    ),
    today=(
        Tile("waiting_cop", N_("Value that waits for an answer"), N_("No quotation waits for an answer."), "/quotation/list/?status=SENT",
             unit="$", tone="info"),
        Tile("old", N_("Quotations without an answer for more than 30 days"), N_("None waits that long."), "/quotation/list/?ageing=3,4",
             tone="warn"),
        Tile("unmade", N_("Accepted, without a contract yet"), N_("Every accepted quotation has its contract."),
             "/quotation/list/?contract=none", tone="warn"),
        Tile("running", N_("Contracts in force"), N_("No contract is in force."), "/contract/list/?state=ACTIVE,ENDING", tone="info"),
        Tile("ending", N_("Contracts about to end"), N_("No contract is about to end."), "/contract/list/?state=ENDING", tone="soon"),
        Tile("verified", N_("Contracts verified this year"), N_("None verified yet, or none falls due this year."),
             "/verifications/list/?verified={year}", of="to_verify", unit="%", tone="ok"),
        Tile("late_lists", N_("Verifications that are late"), N_("No verification is late."), "/checklist/list/?late=1", tone="bad"),
        Tile("findings", N_("Verifications of this year with findings"), N_("No verification of this year has findings."),
             "/checklist/list/?year={year}&findings=1", tone="warn"),
        Tile("policies_ending", N_("Guarantees about to end"), N_("No guarantee is about to end."), "/guarantee/list/?state=ENDING",
             tone="soon"),
        Tile("policies_ended", N_("Guarantees that expired"), N_("No guarantee has expired."), "/guarantee/list/?state=ENDED", tone="bad"),
    ),
    charts=(
        Chart("months", N_("Quotations by month"), N_("No quotation in twelve months."), (
            Bars(N_("Sent"), "/quotation/list/?sent_on={k}", "info"),
            Bars(N_("Won"), "/quotation/list/?decided_on={k}&status=ACCEPTED", "ok"),
            Bars(N_("Lost or expired"), "/quotation/list/?decided_on={k}&status=REJECTED,EXPIRED", "bad"),
        ), kind="LineChart", is_time=True),
        Chart("ages", N_("Quotations that wait, by age"), N_("No quotation waits for an answer."),
              (Bars(N_("Quotations"), "/quotation/list/?ageing={k}"),)),
        Chart("states", N_("Contracts by state"), N_("No contract has been written yet."),
              (Bars(N_("Contracts"), "/contract/list/?state={k}"),), top=7),
        Chart("ends", N_("Contracts in force, by the month in which they end"), N_("No contract ends in the next twelve months."),
              (Bars(N_("Contracts"), "", "soon"),), kind="ColumnChart", is_time=True),
    ),
    tables=(
        Table("waiting", N_("Quotations that wait longest"), N_("No quotation waits for an answer."),
              (N_("Quotation"), N_("Client"), N_("Sent on"), N_("Value")), "/quotation/show/{k}", ("", "", "$")),
        Table("contracts", N_("Contracts that end next"), N_("No contract in force has an end."),
              (N_("Contract"), N_("Party"), N_("Ends on"), N_("Value")), "/contract/show/{k}", ("", "", "$")),
        Table("policies", N_("Guarantees that end next"), N_("No guarantee is about to end."),
              (N_("Policy"), N_("Party"), N_("Ends on"), N_("Insured value")), "/guarantee/show/{k}", ("", "", "$")),
    ),
)  # fmt: skip
