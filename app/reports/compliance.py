"""
Compliance of contracts, added up: by contract, process, party, kind or quality and year; and how many contracts were verified in a year.

The database counts verdicts, `domain/compliance.py` makes the share of them: every page, file and chart says the same number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.domain import N_
from app.domain.checklists import ChecklistStatus, Verdict
from app.domain.compliance import DEFINITION, Sum, share
from app.models import Checklist, ChecklistItem, Contract, ContractKind, ContractRequirement, Party, Process
from app.operations.contracts import in_force_clause
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report

_FIELD = {
    Verdict.MET: "n_met", Verdict.PARTLY: "n_partly", Verdict.NOT_MET: "n_not_met", Verdict.NOT_APPLICABLE: "n_not_applicable",
    None: "n_pending",
}  # fmt: skip


def counted(verdict: Verdict | None, n: int) -> Sum:
    """Return *n* of *verdict* as a sum; None has no verdict yet."""
    return Sum(**{_FIELD[verdict]: n})


# ── Compliance by something and year ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Grouping:
    """What compliance may be added up by: its label, the key of a verdict, and the rows that keys name (None: members of an enum)."""

    label: str
    key: Any
    model: Any


#: A requirement without a process of its own is answered for by that of its contract.
PROCESS = func.coalesce(ContractRequirement.process_id, Contract.process_id)
GROUPINGS = {
    "contract": Grouping(N_("Contract"), Contract.id, Contract),
    "process": Grouping(N_("Process"), PROCESS, Process),
    "party": Grouping(N_("Party"), Contract.party_id, Party),
    "kind": Grouping(N_("Kind of contract"), Contract.kind_id, ContractKind),
    "quality": Grouping(N_("Kind of quality"), ContractRequirement.quality, None),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdicts of a group in a year. Provisional: some checklist of them is not approved yet."""

    sum: Sum = field(default_factory=Sum)
    is_provisional: bool = False

    def __add__(self, other: Standing) -> Standing:
        return Standing(self.sum + other.sum, self.is_provisional or other.is_provisional)


@dataclass(frozen=True, slots=True)
class Group:
    """A line of the overview: its key, how people call it, and what is beside the name."""

    key: Any
    name: str
    beside: str
    years: Mapping[int, Standing]


@dataclass(frozen=True, slots=True)
class Overview:
    """Compliance of groups by year, the weakest of the last year first."""

    grouping: Grouping
    years: tuple[int, ...]
    groups: Sequence[Group]
    totals: Mapping[int, Standing] = field(default_factory=dict)


def joined(statement: Select[Any]) -> Select[Any]:
    """Return *statement* over ChecklistItem with its checklist, requirement and contract."""
    return (
        statement.join(Checklist, Checklist.id == ChecklistItem.checklist_id)
        .join(ContractRequirement, ContractRequirement.id == ChecklistItem.requirement_id)
        .join(Contract, Contract.id == Checklist.contract_id)
    )


def overview(session: Session, by: str, contracts: Select[Any], first: int, last: int) -> Overview:
    """
    Return the compliance of *contracts* (a SELECT of their ids: what the reader may see) from year *first* to *last*, by *by*.

    Raises:
        KeyError: Nothing is added up by that.
    """
    grouping = GROUPINGS[by]
    is_closed = case((Checklist.status == ChecklistStatus.CLOSED, 1), else_=0)
    columns = (grouping.key, Checklist.year, ChecklistItem.verdict, is_closed)
    statement = joined(select(*columns, func.count()).select_from(ChecklistItem)).where(
        Checklist.contract_id.in_(contracts), Checklist.year.between(first, last)
    )
    found: dict[Any, dict[int, Standing]] = {}
    for key, year, verdict, closed, n in session.execute(statement.group_by(*columns)):
        years = found.setdefault(key, {})
        years[year] = years.get(year, Standing()) + Standing(counted(verdict, n), not closed)
    names = _names(session, grouping, found)
    groups = [Group(key, *names.get(key, ("", "")), years) for key, years in found.items()]
    years = tuple(sorted({year for group in groups for year in group.years}))
    totals = {year: sum((group.years.get(year, Standing()) for group in groups), Standing()) for year in years}
    return Overview(grouping, years, sorted(groups, key=lambda group: _weakness(group, years)), totals)


def _weakness(group: Group, years: Sequence[int]) -> tuple[bool, Decimal, str]:
    percent = group.years.get(years[-1], Standing()).sum.percent
    return percent is None, percent or Decimal(0), group.name


def _names(session: Session, grouping: Grouping, keys: Iterable[Any]) -> dict[Any, tuple[str, str]]:
    """Return what *keys* are called, and what stands beside a contract: with whom it is."""
    known = [key for key in keys if key is not None]
    names = {None: (_("Not stated"), "")}
    if grouping.model is None:
        return names | {key: (_(key.value) if isinstance(key, Enum) else str(key), "") for key in known}
    rows = select(grouping.model).where(grouping.model.id.in_(known))
    if grouping.model is Contract:
        rows = rows.options(joinedload(Contract.party))
    for row in session.scalars(rows) if known else ():
        names[row.id] = (str(row), row.party.name if isinstance(row, Contract) else "")
    return names


class OverviewSheet(Report):
    """The overview as a file: a line a group and year, with every count behind its share."""

    identifier, description, form = "compliance", "", FilterForm
    name = N_("Compliance of contracts")

    def __init__(self, found: Overview) -> None:
        self._found = found
        self.header = (  # type: ignore[misc]
            Column(found.grouping.label, Kind.TEXT, 34), Column(N_("Party"), Kind.TEXT, 30), Column(N_("Year"), Kind.INT, 8),
            Column(N_("Meets"), Kind.INT, 10), Column(N_("Meets in part"), Kind.INT, 10), Column(N_("Does not meet"), Kind.INT, 10),
            Column(N_("Does not apply"), Kind.INT, 10), Column(N_("Without a verdict"), Kind.INT, 10),
            Column(N_("Compliance, percent"), Kind.DECIMAL, 14), Column(N_("Provisional"), Kind.BOOL, 12),
        )  # fmt: skip

    def rows(self) -> Iterator[Cells]:
        for group in self._found.groups:
            for year in sorted(group.years):
                standing, n = group.years[year], group.years[year].sum
                counts = (n.n_met, n.n_partly, n.n_not_met, n.n_not_applicable, n.n_pending)
                yield (group.name, group.beside, year, *counts, n.percent, standing.is_provisional)

    def totals(self) -> list[Figure]:
        return [
            Figure(_("Compliance of %(year)s, percent", year=year), standing.sum.percent if standing.sum.percent is not None else "—")
            for year, standing in self._found.totals.items()
        ]

    def filters_in_words(self) -> list[str]:
        return [_("By: %(what)s", what=_(self._found.grouping.label)), _(DEFINITION)]


# ── The indicator: contracts verified in the year ─────────────────────────────────────────────────────────────────────────

INDICATOR = N_(
    "Contracts verified in the year: 100 × (contracts with the checklist of that year approved) ÷ (contracts whose verification falls in "
    "that year). It falls on the anniversary of the start, or at the end where that comes first; a contract in its first twelve months "
    "waits for the next year. Contracts without requirements are shown apart."
)


def _year(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


def was_active(year: int) -> ColumnElement[bool]:
    """Return the condition that a contract was in force on some day of *year*."""
    return in_force_clause(*_year(year))


def falls_due(year: int) -> ColumnElement[bool]:
    """Return the condition under which `domain.checklists.verification_on` has a day in *year*."""
    first, last = _year(year)
    ends = func.coalesce(Contract.terminated_on, Contract.ends_on)
    return and_(was_active(year), or_(Contract.starts_on < first, ends <= last))


def _has_checklist(year: int, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(Checklist.id).where(Checklist.contract_id == Contract.id, Checklist.year == year, *more).exists()


def _is_asked() -> ColumnElement[bool]:
    return select(ContractRequirement.id).where(ContractRequirement.contract_id == Contract.id, ContractRequirement.is_frozen).exists()


def is_to_verify(year: int) -> ColumnElement[bool]:
    return or_(and_(falls_due(year), _is_asked()), _has_checklist(year))


def is_verified(year: int) -> ColumnElement[bool]:
    return _has_checklist(year, Checklist.status == ChecklistStatus.CLOSED)


def is_missing(year: int) -> ColumnElement[bool]:
    return and_(is_to_verify(year), ~is_verified(year))


def is_unasked(year: int) -> ColumnElement[bool]:
    """Return the condition that a contract falls due in *year* and has no requirement to verify."""
    return and_(falls_due(year), ~_is_asked(), ~_has_checklist(year))


#: What contracts of a year may be asked for: the facets of their list, and the columns of the indicator.
OF_YEAR = {
    "active": was_active, "to_verify": is_to_verify, "verified": is_verified, "missing": is_missing, "unasked": is_unasked,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class YearLine:
    """The indicator of a year, with the counts that it is made of."""

    year: int
    active: int
    to_verify: int
    verified: int
    missing: int
    unasked: int

    @property
    def percent(self) -> Decimal | None:
        return share(self.verified, self.to_verify)


def indicator(session: Session, scope: Any, years: Sequence[int]) -> list[YearLine]:
    """Return the indicator of *years*, in one statement, over the contracts that `scope` leaves; years before the first are out."""
    sums = [func.sum(case((condition(year), 1), else_=0)) for year in years for condition in OF_YEAR.values()]
    row = [int(n or 0) for n in session.execute(scope(select(*sums).select_from(Contract))).one()]
    width = len(OF_YEAR)
    lines = [YearLine(year, *row[n * width : (n + 1) * width]) for n, year in enumerate(years)]
    first = next((n for n, line in enumerate(lines) if line.active or line.to_verify), len(lines))
    return lines[first:]
