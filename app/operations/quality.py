"""The tray of quality: what becomes of a row of a file that cannot be true. Only a person decides, and says why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import MoveRefused
from app.domain.states import IssueStatus
from app.models import QualityIssue

MIN_WHY = 10


def check_open(issue: QualityIssue) -> None:
    """Raise MoveRefused when somebody decided about the row already."""
    if issue.status is not IssueStatus.OPEN:
        raise MoveRefused(N_("Somebody decided about this row already."))


def decide(session: Session, issue: QualityIssue, status: IssueStatus, why: str, *, at: datetime, actor_id: int | None) -> None:
    """
    Settle or ignore one question about a row: it stays in the tray with the reason, and in no report.

    Raises:
        MoveRefused: No reason is told, or somebody decided already.
    """
    queries.lock(session, issue)
    check_open(issue)
    why = why.strip()
    if len(why) < MIN_WHY:
        raise MoveRefused(N_("Write the reason, in %(n)s characters or more: it stays in the history."), field="reason", n=MIN_WHY)
    _settle(issue, status, why, at, actor_id)
    session.flush()


def of_row(session: Session, issue: QualityIssue) -> list[QualityIssue]:
    """Return every question about the row of *issue*, held until the transaction ends, in order."""
    same = select(QualityIssue).where(QualityIssue.import_id == issue.import_id, QualityIssue.row_number == issue.row_number)
    return list(session.scalars(same.order_by(QualityIssue.id).with_for_update(of=QualityIssue).execution_options(populate_existing=True)))


def became(session: Session, issue: QualityIssue, pqr_id: int, why: str, *, at: datetime, actor_id: int | None) -> None:
    """Settle every open question about the row, which was corrected and is a case now."""
    for each in of_row(session, issue):
        if each.status is IssueStatus.OPEN:
            each.pqr_id = pqr_id
            _settle(each, IssueStatus.SETTLED, why, at, actor_id)
    session.flush()


def _settle(issue: QualityIssue, status: IssueStatus, why: str, at: datetime, actor_id: int | None) -> None:
    issue.status, issue.why, issue.settled_at, issue.settled_by_id = status, why, at, actor_id
