"""
Interruptions of the network: told, announced, restored, voided; whom they reach, the mass event that gathers their cases, and the month
that the SUI would be told. Rules in `domain/interruptions.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, inspect, or_, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.interruptions import (
    Facts,
    Fault,
    Head,
    check_column,
    check_notice,
    check_restored,
    check_told,
    state_of,
    warnings_of,
    write_cell,
)
from app.domain.sui import SuiFormat, first_of, last_of
from app.domain.text import plain
from app.extensions import local
from app.models import Account, Interruption, MassEvent, Pqr, Service, StoredFile, SuiColumn, SuiLoad
from app.operations import sui_loads
from app.operations.numbers import next_number
from app.operations.sui_loads import Line

#: How long before its start an announced interruption is told to whoever asks at the counter or opens the page of the citizen.
AHEAD = timedelta(days=2)
MOST_SHOWN = 5


# ── The register ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell(session: Session, row: Interruption, *, at: datetime) -> Interruption:
    """
    Store *row*, which says all but its number; return it, flushed. Without subscribers, they are counted from its zones.

    Raises:
        DomainError: As `check_told` and `check_notice`; no account is in a zone of that name.
    """
    with session.no_autoflush:
        _check(session, row, at)
        _count(session, row)
    row.number = next_number(session, queries.organisation(session).id, "INT", row.starts_on.year, width=4)
    session.add(row)
    session.flush()
    return row


def amend(session: Session, row: Interruption, *, at: datetime) -> Interruption:
    """Store what was changed in *row*; return it. Raises MoveRefused: it was voided meanwhile; DomainError, as `tell`."""
    with session.no_autoflush:
        stored = select(Interruption.voided_at).where(Interruption.id == row.id).with_for_update()
        if session.scalar(stored) is not None:
            raise _is_void(row)
        _check(session, row, at)
        _count(session, row)
    session.flush()
    return row


def _check(session: Session, row: Interruption, at: datetime) -> None:
    row.sector, row.what = (row.sector or "").strip(), (row.what or "").strip()
    row.alternative, row.notice_means = (row.alternative or "").strip(), (row.notice_means or "").strip()
    row.has_alternative = bool(row.alternative)
    row.settlement_code = (row.settlement_code or "").strip()
    if row.settlement_code and not (row.settlement_code.isdigit() and len(row.settlement_code) == 3):
        raise DomainError(N_("Write the three digits of the settlement, or nothing for the municipal seat."), field="settlement_code")
    check_told(row.kind, row.starts_at, row.ends_at, row.expected_end_at, at=at)
    check_notice(row.notice_on, row.notice_means, local(at).date())
    row.starts_on = local(row.starts_at).date()
    row.zones = _known_zones(session, row)


def _known_zones(session: Session, row: Interruption) -> list[str]:
    """Return the zones of *row* as the accounts write them. Raises DomainError for one that no account has."""
    if not row.zones:
        return []
    known = {plain(zone): zone for zone in zones_of(session, *_place(row))}
    unknown = [zone for zone in row.zones if plain(zone) not in known]
    if unknown:
        named = ", ".join(sorted(known.values())[:12]) or "—"
        said = N_("No account of this service and municipality is in the zone “%(zone)s”. The zones are: %(known)s.")
        raise DomainError(said, field="zones", zone=unknown[0], known=named)
    return list(dict.fromkeys(known[plain(zone)] for zone in row.zones))


def _place(row: Interruption) -> tuple[int, str]:
    """Return service and municipality, before they are flushed too."""
    service_id = row.service.id if row.service is not None else row.service_id
    return service_id, row.municipality.code if row.municipality is not None else row.municipality_code


def zones_of(session: Session, service_id: int, municipality_code: str) -> list[str]:
    """Return the zones that the accounts of a service in a municipality are in."""
    where = Account.service_id == service_id, Account.municipality_code == municipality_code, Account.zone != ""
    return list(session.scalars(select(Account.zone).where(*where).distinct().order_by(Account.zone)))


def estimate(session: Session, service_id: int, municipality_code: str, zones: Collection[str]) -> int | None:
    """Return how many active accounts of a service are in *zones*; None when no zone says where to count."""
    if not zones:
        return None
    where = Account.service_id == service_id, Account.municipality_code == municipality_code, Account.zone.in_(zones), Account.is_active
    return session.scalar(select(func.count()).select_from(Account).where(*where))


def _count(session: Session, row: Interruption) -> None:
    """Count the subscribers of *row* from its zones unless somebody wrote how many they are."""
    changed = {name: inspect(row).attrs[name].history.has_changes() for name in ("n_subscribers", "zones")}
    if row.n_subscribers is not None and (changed["n_subscribers"] or not (row.is_estimated and changed["zones"])):
        row.is_estimated = bool(row.is_estimated) and not changed["n_subscribers"]
        return
    row.n_subscribers = estimate(session, *_place(row), row.zones)
    row.is_estimated = row.n_subscribers is not None


def recount(session: Session, row: Interruption) -> int:
    """
    Count the subscribers again from the accounts of its zones; return how many.

    Raises:
        MoveRefused: It was voided, or names no zone.
    """
    _hold(session, row)
    found = estimate(session, row.service_id, row.municipality_code, row.zones)
    if found is None:
        raise MoveRefused(N_("It names no zone of accounts: write them, or write how many subscribers it reached."))
    row.n_subscribers, row.is_estimated = found, True
    session.flush()
    return found


def restore(session: Session, row: Interruption, ends_at: datetime, *, at: datetime) -> None:
    """Tell when the service came back. Raises MoveRefused: it is restored or voided already; DomainError, as `check_restored`."""
    _hold(session, row)
    if row.ends_at is not None:
        raise MoveRefused(N_("%(number)s was restored already. Correct the hour by editing it."), number=row.number)
    check_restored(row.starts_at, ends_at, at=at)
    row.ends_at = ends_at
    session.flush()


def give_notice(session: Session, row: Interruption, on: date, means: str, file: StoredFile | None, *, at: datetime) -> None:
    """Record that the users were told, with its proof, or keep the earlier one. Raises as `check_notice`; MoveRefused: it was voided."""
    _hold(session, row)
    check_notice(on, means, local(at).date())
    row.notice_on, row.notice_means = on, means.strip()
    row.notice_file = file or row.notice_file
    session.flush()


def void(session: Session, row: Interruption, reason: str, *, at: datetime) -> None:
    """Annul it; its number stays. Raises MoveRefused: it was voided already, or there is no reason."""
    _hold(session, row)
    if not reason.strip():
        raise MoveRefused(N_("Write why it is voided."), field="reason")
    row.voided_at, row.voided_reason = at, reason.strip()
    session.flush()


def link(session: Session, row: Interruption, event: MassEvent | None) -> None:
    """Say that the cases of *event* are those that it caused; None says that none are known. Raises MoveRefused: it was voided."""
    _hold(session, row)
    row.mass_event = event
    session.flush()


def open_event(session: Session, row: Interruption, name: str) -> MassEvent:
    """
    Open a mass event for the cases that it causes, and link it; return the event, flushed.

    Raises:
        MoveRefused: It has one, or was voided.
        DomainError: An event of that name exists.
    """
    _hold(session, row)
    if row.mass_event_id is not None:
        raise MoveRefused(N_("%(number)s has its mass event already."), number=row.number)
    name = name.strip()
    if session.scalar(select(MassEvent.id).where(MassEvent.name == name)) is not None:
        raise DomainError(N_("There is a mass event of that name: link it, or give this one another name."), field="name")
    until = local(row.ends_at).date() if row.ends_at else None
    event = MassEvent(
        name=name, service_id=row.service_id, since_on=row.starts_on, until_on=until, sector=row.sector, what=row.what,
        action=row.alternative,
    )  # fmt: skip
    session.add(event)
    row.mass_event = event
    session.flush()
    return event


def _hold(session: Session, row: Interruption) -> None:
    queries.lock(session, row)
    if row.voided_at is not None:
        raise _is_void(row)


def _is_void(row: Interruption) -> MoveRefused:
    return MoveRefused(N_("%(number)s was voided and no longer changes."), number=row.number)


# ── Whom it reaches ───────────────────────────────────────────────────────────────────────────────────────────────────────


def going_on(at: datetime, ahead: timedelta = AHEAD) -> ColumnElement[bool]:
    """Return the condition of those that run at the instant *at*, or begin within *ahead*."""
    is_open = or_(Interruption.ends_at.is_(None), Interruption.ends_at > at)
    return and_(Interruption.voided_at.is_(None), Interruption.starts_at <= at + ahead, is_open)


def reaching(session: Session, accounts: Sequence[Account], *, at: datetime) -> list[Interruption]:
    """
    Return the interruptions that run, or are about to, where *accounts* are; one that names no zone counts for its whole municipality.

    One statement, none without accounts.
    """
    if not accounts:
        return []
    places = {(account.service_id, account.municipality_code) for account in accounts}
    there = or_(*(and_(Interruption.service_id == service, Interruption.municipality_code == code) for service, code in places))
    statement = select(Interruption).where(going_on(at), there).options(joinedload(Interruption.service))
    return [
        row
        for row in session.scalars(statement.order_by(Interruption.starts_at, Interruption.id).limit(50))
        if any(
            (row.service_id, row.municipality_code) == (account.service_id, account.municipality_code)
            and (not row.zones or account.zone in row.zones)
            for account in accounts
        )
    ][:MOST_SHOWN]


def public_notices(session: Session, *, at: datetime) -> list[Interruption]:
    """Return what the page of the citizen tells: those that run or are about to, the soonest first. One statement."""
    statement = select(Interruption).where(going_on(at)).options(joinedload(Interruption.service))
    return list(session.scalars(statement.order_by(Interruption.starts_at, Interruption.id).limit(MOST_SHOWN)))


def cases_by_zone(row: Interruption, at: datetime) -> Select[Any]:
    """
    Return the SELECT of (zone, how many cases) filed about its service, by accounts of its zones, from its first day to its last, that are
    about no mass event: those that it may have caused. The caller adds the reader's scope.
    """
    until = local(row.ends_at or at).date()
    return (
        select(Account.zone, func.count(Pqr.id))
        .select_from(Pqr)
        .join(Account, Account.id == Pqr.account_id)
        .where(
            Account.service_id == row.service_id, Account.municipality_code == row.municipality_code, Account.zone.in_(row.zones),
            Pqr.filed_on.between(row.starts_on, until), Pqr.mass_event_id.is_(None),
        )
        .group_by(Account.zone)
        .order_by(Account.zone)
    )  # fmt: skip


# ── The file of a month ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """An interruption as the file would say it, what keeps it from leaving, and what is pointed out."""

    facts: Facts
    line: Line
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """The file of a month: its headings, its columns as they are written, its rows."""

    heads: tuple[Head, ...]
    rows: tuple[Row, ...]

    @property
    def bad(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.faults)

    @property
    def headings(self) -> list[str]:
        return [head.heading for head in self.heads]

    @property
    def lines(self) -> list[Line]:
        return [row.line for row in self.rows]


def facts_of(row: Interruption) -> Facts:
    """Return what the file may say of *row*."""
    return Facts(
        id=row.id, number=row.number, service=row.service.name, kind=row.kind, cause=row.cause.name, cause_code=row.cause.sui_code,
        municipality_code=row.municipality_code, settlement_code=row.settlement_code, sector=row.sector, what=row.what,
        starts_at=local(row.starts_at).replace(tzinfo=None), ends_at=local(row.ends_at).replace(tzinfo=None) if row.ends_at else None,
        n_subscribers=row.n_subscribers, is_estimated=row.is_estimated, notice_on=row.notice_on, notice_means=row.notice_means,
        alternative=row.alternative,
    )  # fmt: skip


def head_of(column: SuiColumn) -> Head:
    """Return a column of the map. Raises DomainError for a value or a notation that does not exist."""
    check_column(column.field, column.kind, column.rule)
    return Head(column.heading, column.field, column.fixed, column.kind, column.rule)


def of_month(service_id: int, month: date) -> Select[tuple[Interruption]]:
    """Return the SELECT of the interruptions that began in *month*, in order; the voided ones left out."""
    between = Interruption.starts_on.between(first_of(month), last_of(month))
    where = Interruption.service_id == service_id, between, Interruption.voided_at.is_(None)
    return select(Interruption).where(*where).order_by(Interruption.starts_at, Interruption.id)


def month_of(session: Session, service_id: int, month: date) -> Month:
    """Return the file of *month* as it would leave now. Raises DomainError: the columns are missing or wrong."""
    heads = tuple(head_of(column) for column in sui_loads.columns(session, SuiFormat.INTERRUPTIONS))
    shown = (Interruption.service, Interruption.cause)
    stored = session.scalars(of_month(service_id, month).options(*map(joinedload, shown)))
    return Month(heads, tuple(_row(heads, facts_of(row)) for row in stored))


def _row(heads: Sequence[Head], facts: Facts) -> Row:
    written = [write_cell(head, facts) for head in heads]
    line = Line(tuple(cell for cell, _fault in written), interruption_id=facts.id)
    return Row(facts, line, tuple(fault for _cell, fault in written if fault), tuple(warnings_of(facts)))


def freeze_month(
    session: Session, service: Service, month: date, *, at: datetime, user_id: int | None, reason: str = ""
) -> SuiLoad:
    """
    Freeze the file of *month*, marked as a draft: no official text of the form was at hand. Return the load, flushed.

    Raises:
        MoveRefused: A row is bad, the month has no interruption, or as `sui_loads.freeze`.
    """
    queries.lock(session, service)
    sui_loads.check_over(month, local(at).date())
    told = month_of(session, service.id, month)
    if told.bad:
        bad = N_("%(n)s of %(total)s rows cannot be written yet. Mend them first: nothing was frozen.")
        raise MoveRefused(bad, n=len(told.bad), total=len(told.rows))
    if not told.rows:
        raise MoveRefused(N_("No interruption of this service began in that month: there is nothing to report."))
    rules = {"headings": told.headings, "columns": [[head.heading, head.field, head.fixed, head.kind, head.rule] for head in told.heads]}
    warnings = [[row.facts.number, fault.msgid, dict(fault.fields)] for row in told.rows for fault in row.warnings]
    return sui_loads.freeze(
        session, SuiFormat.INTERRUPTIONS, service, month, told.headings, told.lines, at=at, user_id=user_id, reason=reason, rules=rules,
        warnings=warnings, is_draft=True,
    )  # fmt: skip


def state_at(row: Interruption, at: datetime) -> Any:
    """Return what *row* is at the instant *at*."""
    return state_of(row.starts_at, row.ends_at, row.voided_at, at)
