"""When an answer is due, for whoever asks: the public calculator and the command line. It needs no case and touches none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import Deadline, Regime, Step, TermAct, TermRule, deadline_of, explain, rule_for
from app.domain.errors import DomainError
from app.models import CalendarYear, LegalTerm, Organisation, RequestType
from app.operations import seeds


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What dates are computed from.

    `request_types` gives each code its own regime, or None for `regime`, that of the organisation. `is_shipped`: these are the
    catalogues of the product, because no company loaded its own yet.
    """

    rules: tuple[TermRule, ...]
    calendar: BusinessCalendar
    request_types: dict[str, Regime | None]
    regime: Regime
    is_shipped: bool


@dataclass(frozen=True, slots=True)
class Calculation:
    """A deadline and the count, day by day, that leads to it."""

    deadline: Deadline
    steps: tuple[Step, ...]


def ground_of(session: Session) -> Ground:
    """Return the terms and the calendar of this installation, or the shipped ones when it has none yet."""
    needed = (RequestType, LegalTerm, CalendarYear, Organisation)
    tables = inspect(session.connection())
    if not all(tables.has_table(model.__tablename__) for model in needed):
        return shipped_ground()
    if any(session.scalars(select(model).limit(1)).first() is None for model in needed):
        return shipped_ground()
    organisation = queries.organisation(session)
    types = select(RequestType.code, RequestType.regime).order_by(RequestType.position, RequestType.code)
    return Ground(
        rules=queries.term_rules(session),
        calendar=queries.calendar_of(session, organisation),
        request_types=dict(map(tuple, session.execute(types))),
        regime=organisation.regime,
        is_shipped=False,
    )


def shipped_ground() -> Ground:
    """Return the terms and the calendar of a fresh installation."""
    return Ground(seeds.shipped_terms(), seeds.shipped_calendar(), seeds.shipped_request_types(), Regime.LEY142, is_shipped=True)


def regime_named(name: str) -> Regime:
    """Return the regime whose code is *name*, in any letter case. Raises DomainError, which names the known ones."""
    try:
        return Regime[name.strip().upper()]
    except KeyError:
        known = ", ".join(regime.name.lower() for regime in Regime)
        raise DomainError(N_("There is no regime “%(code)s”. Known: %(known)s."), field="regime", code=name, known=known) from None


def calculate(ground: Ground, request_type: str, filed_at: datetime | date, regime: Regime | None = None) -> Calculation:
    """
    Return when the answer to what was filed at *filed_at* (local time, or a date without hour) is due, and why.

    Without *regime*, the one of the request type or, when it has none of its own, of the organisation.

    Raises:
        DomainError: Nobody knows that request type; the text names the known ones.
        TermMissing, CalendarGap: The date cannot be computed; nothing is guessed.
    """
    code = request_type.strip().upper()
    if code not in ground.request_types:
        known = ", ".join(ground.request_types)
        text = N_("There is no request type “%(code)s”. Known: %(known)s.")
        raise DomainError(text, field="request_type", code=request_type, known=known)
    governing = regime or ground.request_types[code] or ground.regime
    on = filed_at.date() if isinstance(filed_at, datetime) else filed_at
    rule = rule_for(ground.rules, governing, TermAct.ANSWER, code, on)
    return Calculation(deadline_of(filed_at, rule, ground.calendar), explain(filed_at, rule, ground.calendar))
