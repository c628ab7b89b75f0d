"""A verification checklist as a workbook, and the matrix: each requirement of a contract, or of all contracts of a party, year by year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.checklists import ChecklistStatus, Verdict
from app.domain.compliance import DEFINITION, LETTERS, Sum, sum_of
from app.extensions import local
from app.models import Checklist, ChecklistFile, ChecklistItem, Contract, ContractRequirement
from app.operations import checklists
from app.reports.base import Cells, Column, Cover, Figure, FilterForm, Kind, Report, format_of
from app.reports.xlsx import write_xlsx
from app.words import say_day, say_instant, say_percent

# ── A checklist ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class ChecklistSheet(Report):
    """The rows of one checklist with last year's verdict, evidence and actions; its cover says whose, of what year and how it ended."""

    identifier, description, form = "checklist", "", FilterForm
    name = N_("Verification checklist of contracts")
    header = (
        Column(N_("No."), Kind.INT, 6), Column(N_("Requirement"), Kind.TEXT, 60), Column(N_("Clause"), Kind.TEXT, 16),
        Column(N_("Quality"), Kind.TEXT, 18), Column(N_("How it is verified"), Kind.TEXT, 30),
        Column(N_("Evidence expected"), Kind.TEXT, 30), Column(N_("Process"), Kind.TEXT, 22), Column(N_("Responsible"), Kind.TEXT, 22),
        Column(N_("The year before"), Kind.TEXT, 16), Column(N_("Verdict"), Kind.TEXT, 16), Column(N_("Note"), Kind.TEXT, 50),
        Column(N_("Evidence attached"), Kind.TEXT, 40), Column(N_("Action"), Kind.TEXT, 16), Column(N_("Why no action"), Kind.TEXT, 30),
        Column(N_("Verified by"), Kind.TEXT, 22), Column(N_("Verified on"), Kind.DATETIME, 17),
    )  # fmt: skip

    def __init__(self, session: Session, checklist: Checklist) -> None:
        self._checklist, self._items = checklist, checklists.items_of(session, checklist)
        self._before = checklists.previous_rows(session, checklist, self._items)
        self._files = checklists.evidence_of(session, self._items)

    def rows(self) -> Iterator[Cells]:
        """Yield a row a requirement, in their order."""
        for item in self._items:
            yield self._row(item, self._before.get(item.id), self._files.get(item.id, ()))

    @staticmethod
    def _row(item: ChecklistItem, before: ChecklistItem | None, files: Sequence[ChecklistFile]) -> Cells:
        asked = item.requirement
        return (
            item.position, asked.text, asked.clause, _(asked.quality.value), asked.verification, asked.evidence,
            asked.process.name if asked.process else None, asked.responsible.get_full_name() if asked.responsible else None,
            _(before.verdict.value) if before is not None and before.verdict else None, _(item.verdict.value) if item.verdict else None,
            item.note, "\n".join(file.description or file.file.name for file in files),
            item.action.number if item.action else None, item.no_action_reason,
            item.verified_by.get_full_name() if item.verified_by else None,
            local(item.verified_at).replace(tzinfo=None) if item.verified_at else None,
        )  # fmt: skip

    def totals(self) -> list[Figure]:
        found = sum_of(item.verdict for item in self._items)
        counts = zip(Verdict, (found.n_met, found.n_partly, found.n_not_met, found.n_not_applicable), strict=True)
        return [
            Figure(_("Compliance"), say_percent(found.percent)), *(Figure(_(verdict.value), n) for verdict, n in counts),
            Figure(_("Without a verdict"), found.n_pending),
        ]  # fmt: skip

    def filters_in_words(self) -> list[str]:
        one = self._checklist
        told = [
            f"{one.number} · {one.contract.number} · {one.contract.party.name}",
            _("Year %(year)s: from %(since)s to %(until)s", year=one.year, since=say_day(one.period_from), until=say_day(one.period_until)),
            _("State: %(state)s", state=_(one.status.value)),
        ]
        for label, who, at in ((N_("Signed by"), one.signed_by, one.signed_at), (N_("Approved by"), one.approved_by, one.approved_at)):
            told += [f"{_(label)}: {who.get_full_name()}, {say_instant(at)}"] if who else []
        return [*told, _(DEFINITION)]


def workbook(session: Session, report: Report, author: str, at: datetime) -> BinaryIO:
    """Return the workbook of *report*, with its cover, written to the end."""
    file = TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    organisation = queries.organisation(session)
    cover = Cover(organisation.name, format_of(session, report.identifier, _(report.name)), author, local(at).replace(tzinfo=None))
    write_xlsx(report, cover, file)
    return file


def checklist_sheet(session: Session, checklist: Checklist, author: str, at: datetime) -> tuple[BinaryIO, str]:
    """Return the workbook of *checklist*, written to the end, and how the file is called."""
    return workbook(session, ChecklistSheet(session, checklist), author, at), f"{checklist.number}.xlsx"


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Cell:
    """The verdict on a requirement in a year (None: not given yet), and where it was given."""

    verdict: Verdict | None
    note: str
    item_id: int
    checklist_id: int

    @property
    def letter(self) -> str:
        return LETTERS[self.verdict] if self.verdict else "·"


@dataclass(frozen=True, slots=True)
class Line:
    """A requirement, and its verdict by year; a year in which it was not verified has none."""

    requirement: ContractRequirement
    cells: Mapping[int, Cell]


@dataclass(frozen=True, slots=True)
class Block:
    """A contract with its requirements and its checklists by year."""

    contract: Contract
    lines: Sequence[Line]
    checklists: Mapping[int, Checklist]

    def sum_of(self, year: int) -> Sum:
        """Return what the verdicts of *year* add up to."""
        return sum_of(line.cells[year].verdict for line in self.lines if year in line.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Contracts by year. `n_left`: how many more contracts there are."""

    years: tuple[int, ...]
    blocks: Sequence[Block]
    n_left: int = 0

    def sum_of(self, year: int) -> Sum:
        return sum((block.sum_of(year) for block in self.blocks), Sum())


def matrix(session: Session, contracts: Select[Any], *, most: int | None = None, n_years: int | None = None) -> Matrix:
    """
    Return the matrix of *contracts* (a SELECT over Contract, in its order) that were signed, in four statements.

    Args:
        most: How many contracts at most.
        n_years: Only the last years that have a checklist.
    """
    found = list(session.scalars(contracts.options(joinedload(Contract.party), joinedload(Contract.process))))
    shown = found if most is None else found[:most]
    ids = [contract.id for contract in shown]
    by_contract: dict[int, dict[int, Checklist]] = {}
    for one in session.scalars(select(Checklist).where(Checklist.contract_id.in_(ids))):
        by_contract.setdefault(one.contract_id, {})[one.year] = one
    years = sorted({year for each in by_contract.values() for year in each})[-n_years if n_years else 0 :]
    cells = _cells(session, ids, years)
    lines = _lines(session, ids, cells)
    blocks = [Block(contract, lines.get(contract.id, []), by_contract.get(contract.id, {})) for contract in shown]
    return Matrix(tuple(years), blocks, len(found) - len(shown))


def _cells(session: Session, contract_ids: Sequence[int], years: Sequence[int]) -> dict[int, dict[int, Cell]]:
    """Return the cells by requirement and year."""
    item = ChecklistItem
    statement = (
        select(item.requirement_id, Checklist.year, item.verdict, item.note, item.id, item.checklist_id)
        .join(Checklist, Checklist.id == item.checklist_id)
        .where(Checklist.contract_id.in_(contract_ids), Checklist.year.in_(years))
    )
    found: dict[int, dict[int, Cell]] = {}
    for requirement_id, year, *facts in session.execute(statement):
        found.setdefault(requirement_id, {})[year] = Cell(*facts)
    return found


def _lines(session: Session, contract_ids: Sequence[int], cells: Mapping[int, Mapping[int, Cell]]) -> dict[int, list[Line]]:
    """Return the lines by contract: the requirements that a signature froze, ended ones too, in their order."""
    requirement = ContractRequirement
    frozen = select(requirement).where(requirement.contract_id.in_(contract_ids), requirement.is_frozen)
    frozen = frozen.options(
        joinedload(requirement.process), joinedload(requirement.amendment), joinedload(requirement.ended_by)
    )  # fmt: skip
    found: dict[int, list[Line]] = {}
    for each in session.scalars(frozen.order_by(requirement.position, requirement.id)):
        found.setdefault(each.contract_id, []).append(Line(each, cells.get(each.id, {})))
    return found


class MatrixSheet(Report):
    """The matrix as a file: a row a requirement, a column a year."""

    identifier, description, form = "compliance_matrix", "", FilterForm
    name = N_("Matrix of compliance by year")

    def __init__(self, found: Matrix, title: str) -> None:
        self._found, self._title = found, title
        years = (Column(str(year), Kind.TEXT, 16, is_said=True) for year in found.years)
        self.header = (  # type: ignore[misc]
            Column(N_("Contract"), Kind.TEXT, 18), Column(N_("Party"), Kind.TEXT, 30), Column(N_("No."), Kind.INT, 6),
            Column(N_("Requirement"), Kind.TEXT, 60), Column(N_("Clause"), Kind.TEXT, 16), Column(N_("Quality"), Kind.TEXT, 18),
            Column(N_("Process"), Kind.TEXT, 22), *years,
        )  # fmt: skip

    def rows(self) -> Iterator[Cells]:
        """Yield a row a requirement; a verdict is written out, and a year without one stays empty."""
        for block in self._found.blocks:
            for line in block.lines:
                asked = line.requirement
                process = asked.process or block.contract.process
                verdicts = (self._said(line.cells.get(year)) for year in self._found.years)
                yield (
                    block.contract.number, block.contract.party.name, asked.position, asked.text, asked.clause, _(asked.quality.value),
                    process.name if process else None, *verdicts,
                )  # fmt: skip

    @staticmethod
    def _said(cell: Cell | None) -> str | None:
        if cell is None:
            return None
        return _(cell.verdict.value) if cell.verdict else _("Without a verdict")

    def totals(self) -> list[Figure]:
        blocks, found = self._found.blocks, []
        for year in self._found.years:
            found.append(Figure(_("Compliance of %(year)s", year=year), say_percent(self._found.sum_of(year).percent)))
            is_open = [block for block in blocks if year in block.checklists and not is_final(block.checklists[year])]
            found += [Figure("", _("%(number)s is not approved yet", number=block.checklists[year].number)) for block in is_open]
        return found

    def filters_in_words(self) -> list[str]:
        return [self._title, _(DEFINITION)]


def is_final(checklist: Checklist) -> bool:
    """Return whether *checklist* is approved and locked."""
    return checklist.status is ChecklistStatus.CLOSED
