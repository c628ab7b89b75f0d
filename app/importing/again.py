"""
After an import of old logs: one row again, as somebody corrects it in the tray of quality, and the whole of it taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import ImportStatus
from app.importing import engine, runs
from app.importing.cells import BadCell, Notation
from app.importing.kinds import Fate, Kind, Problem, Row, Run
from app.models import ImportBatch, Pqr, QualityIssue
from app.operations import pastcases, quality

#: How people write in the form, whatever the file did.
NOTATION = Notation()


class NotYet(DomainError):
    """The row cannot be true as it stands now either; `problems` say why, each with its field."""

    msgid = N_("The row cannot be brought in yet. Look at what is marked.")

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


def as_shown(issue: QualityIssue) -> dict[str, str]:
    """Return the cells of the row as the form offers them: what was read as a day is written day first, the rest as it came."""
    batch = issue.batch
    kind, notations = runs.kind_of(batch), _notations(batch)
    shown = {}
    for each in kind.fields:
        text = issue.facts["cells"].get(each.name, "")
        if text and each.type in engine.DAYS:
            text = _day_first(engine.reader_of(each, notations.get(each.name, NOTATION), {}), text)
        shown[each.name] = text
    return shown


def _day_first(read: Any, text: str) -> str:
    try:
        value = read(text)
    except BadCell:
        return text
    if isinstance(value, datetime) and value.time() != time.min:
        return f"{value:%d/%m/%Y %H:%M}"
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else text


def _notations(batch: ImportBatch) -> dict[str, Notation]:
    """Return by field how the file writes its days."""
    told = batch.reading.get("notation", {})
    return {
        name: Notation(told[column].get("decimal", ","), told[column].get("day_first", True))
        for column, name in batch.mapping.items()
        if column in told
    }


def bring_again(session: Session, issue: QualityIssue, cells: Mapping[str, str], *, at: datetime, user_id: int | None) -> Pqr:
    """
    Read the row with corrected *cells*, judge it and make it a case; settle all that was asked about it. Flushes.

    Raises:
        NotYet: Something is still wrong.
        MoveRefused: Somebody decided about the row already.
    """
    quality.of_row(session, issue)
    quality.check_open(issue)
    batch = issue.batch
    kind, run = runs.kind_of(batch), runs.run_of(session, batch, at, user_id, is_dry=False)
    before = as_shown(issue)
    row = _row(kind, run, batch, issue, cells)
    if not row.problems:
        kind.begin(run)
        kind.check([row], run)
    if not row.problems:
        kind.settle([row], run)
    if row.problems:
        raise NotYet(list(row.problems))
    if row.fate is Fate.NEW:
        kind.write([row], run)
    session.flush()
    pqr = session.scalars(select(Pqr).where(Pqr.source == batch.source, Pqr.source_number == row["number"])).one()
    changed = [f"{name}: {before[name] or '–'} → {text or '–'}" for name, text in cells.items() if text.strip() != before[name]]
    quality.became(session, issue, pqr.id, "; ".join(changed) or "=", at=at, actor_id=user_id)
    return pqr


def take_back(session: Session, batch: ImportBatch, reason: str, *, at: datetime, user_id: int | None) -> int:
    """
    Void the cases of an import; return how many. The batch says so, and the file may be imported again. Flushes.

    Raises:
        MoveRefused: It is no import of cases that ended, or `pastcases.undo` refuses.
    """
    session.refresh(batch, with_for_update={"of": ImportBatch})
    if batch.kind != "cases" or batch.status not in (ImportStatus.DONE, ImportStatus.FAILED, ImportStatus.CANCELLED):
        raise MoveRefused(N_("Only an import of old cases that has ended can be taken back."))
    n = pastcases.undo(session, batch.source, batch.id, reason, at=at, actor_id=user_id)
    batch.status = ImportStatus.UNDONE
    batch.detail = _("Taken back: %(n)s cases were voided. %(reason)s", n=n, reason=reason.strip())
    session.flush()
    return n


def _row(kind: Kind, run: Run, batch: ImportBatch, issue: QualityIssue, cells: Mapping[str, str]) -> Row:
    """Return the row that the form tells, with what is unreadable in it."""
    known = engine.known_values(kind, kind.options(run.session), batch.value_map)
    values: dict[str, Any] = {}
    problems = []
    for each in kind.fields:
        text = cells.get(each.name, "").strip()
        try:
            values[each.name] = engine.reader_of(each, NOTATION, known.get(each.name, {}))(text)
        except BadCell as error:
            values[each.name] = None
            problems.append(Problem(error.msgid, error.facts, each.name))
        else:
            if each.is_required and values[each.name] is None:
                problems.append(Problem(N_("“%(name)s” is empty."), {"name": each.label}, each.name, "EMPTY"))
    names = [each.name for each in kind.fields]
    run.columns = {name: index for index, name in enumerate(names)}
    row = Row(issue.row_number, [cells.get(name, "") for name in names], values, dict(issue.facts.get("rest", {})))
    row.problems = tuple(problems)  # type: ignore[assignment]
    return row

