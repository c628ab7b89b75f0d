"""Process characterisations (ISO 9001:2015, 4.4): the sheet of a process and the rows of its cycle."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.controlled import MAX_ROWS, RowTexts, check_row
from app.domain.errors import DomainError, MoveRefused
from app.models import DocumentEdition, ProcessActivity, ProcessSheet, ProcessSheetRow


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the cycle with its activities, in their order."""

    row: ProcessSheetRow
    activities: tuple[ProcessActivity, ...]

    @property
    def only_goes_out(self) -> bool:
        """Return whether it goes on with the row above: it says only what goes out, and to whom."""
        return not (self.row.supplier or self.row.input or self.activities)


def lines_of(session: Session, sheet: ProcessSheet) -> list[Line]:
    """Return the rows of *sheet* in their order. Two statements."""
    rows = session.scalars(select(ProcessSheetRow).where(ProcessSheetRow.sheet_id == sheet.id).order_by(ProcessSheetRow.position)).all()
    found = defaultdict(list)
    of_sheet = select(ProcessSheetRow.id).where(ProcessSheetRow.sheet_id == sheet.id)
    activities = select(ProcessActivity).where(ProcessActivity.row_id.in_(of_sheet)).order_by(ProcessActivity.position)
    for activity in session.scalars(activities):
        found[activity.row_id].append(activity)
    return [Line(row, tuple(found[row.id])) for row in rows]


def has_changed(sheet: ProcessSheet, edition: DocumentEdition | None) -> bool:
    """Return whether *sheet* says something else than *edition*, which was approved before the last change of it."""
    return edition is not None and sheet.changed_at > (edition.approved_at or edition.created_at)


def store_row(session: Session, sheet: ProcessSheet, row: ProcessSheetRow | None, said: RowTexts, *, at: datetime) -> ProcessSheetRow:
    """
    Rewrite *row*, or add one at the end of *sheet*; return it, flushed.

    Raises:
        DomainError: As `check_row`, or the sheet has as many rows as a page holds.
    """
    said = check_row(said)
    queries.lock(session, sheet)
    if row is None:
        n, last = session.execute(_positions(sheet)).one()
        if n >= MAX_ROWS:
            raise DomainError(N_("A characterisation has at most %(most)s rows: it fits a page."), most=MAX_ROWS)
        row = ProcessSheetRow(sheet=sheet, position=(last or 0) + 1)
        session.add(row)
    row.phase, row.supplier, row.input, row.output, row.client = said.phase, said.supplier, said.input, said.output, said.client
    session.flush()
    _clear(session, row)
    session.add_all(ProcessActivity(row=row, position=n, text=text, path=path) for n, (text, path) in enumerate(said.activities, 1))
    _touch(session, sheet, at)
    return row


def move_row(session: Session, row: ProcessSheetRow, *, up: bool, at: datetime) -> None:
    """Let *row* and the one above it (below, unless *up*) change places. Raises MoveRefused: there is none."""
    sheet = row.sheet
    queries.lock(session, sheet)
    beside, position = ProcessSheetRow.sheet_id == sheet.id, ProcessSheetRow.position
    others = select(ProcessSheetRow).where(beside, position < row.position if up else position > row.position)
    other = session.scalars(others.order_by(position.desc() if up else position).limit(1)).first()
    if other is None:
        raise MoveRefused(N_("This row is the first already.") if up else N_("This row is the last already."))
    mine, its = row.position, other.position
    row.position = 0  # no two rows stand in one place, not even for a statement
    session.flush()
    other.position = mine
    session.flush()
    row.position = its
    _touch(session, sheet, at)


def drop_row(session: Session, row: ProcessSheetRow, *, at: datetime) -> None:
    """Take *row* out of its sheet, with its activities; the change log keeps what it said."""
    sheet = row.sheet
    queries.lock(session, sheet)
    _clear(session, row)
    session.delete(row)
    _touch(session, sheet, at)


def _positions(sheet: ProcessSheet) -> Select[tuple[int, int | None]]:
    return select(func.count(), func.max(ProcessSheetRow.position)).where(ProcessSheetRow.sheet_id == sheet.id)


def _clear(session: Session, row: ProcessSheetRow) -> None:
    """Take the activities of *row* away, one by one: the change log keeps each."""
    for activity in session.scalars(select(ProcessActivity).where(ProcessActivity.row_id == row.id)):
        session.delete(activity)
    session.flush()


def _touch(session: Session, sheet: ProcessSheet, at: datetime) -> None:
    """Note that the sheet says something else now: whoever reads it sees that it is not what was approved."""
    sheet.changed_at = at
    session.flush()
