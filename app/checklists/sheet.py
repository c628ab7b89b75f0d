"""The rows of a checklist as a page shows them and as it sends them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session

from app.domain.checklists import Said, Verdict
from app.domain.errors import DomainError
from app.extensions import db, today
from app.models import Checklist, ChecklistFile, ChecklistItem
from app.operations import checklists as operations
from app.operations import files
from app.security import may, processes_of
from app.words import say, tidy


@dataclass(slots=True)
class Line:
    """
    A row of the page. `said`: what its fields show, which after a refusal is what was typed; `theirs`: what somebody else saved meanwhile.
    """

    item: ChecklistItem
    said: Said
    may_write: bool
    previous: ChecklistItem | None = None
    files: list[ChecklistFile] = field(default_factory=list)
    previous_files: list[ChecklistFile] = field(default_factory=list)
    theirs: Said | None = None
    error: str = ""

    @property
    def base(self) -> str:
        """What the page started from: a row that comes back like this was not touched."""
        return "" if self.theirs else digest(operations.said_of(self.item))


@dataclass(frozen=True, slots=True)
class Sent:
    """A row as a page sends it. `choice`: what somebody does about a conflict that the page showed: mine, theirs or both."""

    said: Said
    version: int
    base: str
    choice: str
    is_asked: bool
    files: list[Any]

    @property
    def is_touched(self) -> bool:
        return self.is_asked or bool(self.files) or digest(self.said) != self.base


def digest(said: Said) -> str:
    """Return a short text that is equal for rows that say the same."""
    words = (said.verdict.name if said.verdict else "", tidy(said.note), tidy(said.no_action_reason))
    return blake2b("\x1f".join(words).encode(), digest_size=6).hexdigest()


def sent(key: int) -> Sent | None:
    """Return what the page says of row *key*, or None when it has no such row."""
    form = request.form
    if f"ver-{key}" not in form:
        return None
    name = form.get(f"v-{key}", "")
    verdict = Verdict[name] if name in Verdict.__members__ else None
    said = Said(verdict, tidy(form.get(f"n-{key}", "")), tidy(form.get(f"w-{key}", "")))
    parts = [part for part in request.files.getlist(f"f-{key}") if part.filename]
    return Sent(
        said, form.get(f"ver-{key}", -1, type=int), form.get(f"b-{key}", ""), form.get(f"c-{key}", ""), f"x-{key}" in form, parts
    )  # fmt: skip


# ── Whose row it is ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Pen:
    """Which rows of a checklist the reader writes: all, those of the contracts that he answers for, or those of his processes."""

    def __init__(self, checklist: Checklist) -> None:
        contract = checklist.contract
        self.writes = may("can_verify", "Checklist")
        self.writes_all = may("can_see_all", "Checklist") or contract.supervisor_id == current_user.id
        self.process_id = contract.process_id
        self.own = set() if self.writes_all else set(db.session.scalars(processes_of(current_user.id, today())))

    def may_write(self, item: ChecklistItem) -> bool:
        """A row belongs to the process of its requirement; without one, to that of the contract."""
        requirement = item.requirement
        is_own = (requirement.process_id or self.process_id) in self.own or requirement.responsible_id == current_user.id
        return self.writes and (self.writes_all or is_own)

    @property
    def answers(self) -> bool:
        """Whether the reader answers for the whole contract, and so may sign."""
        return self.writes_all or self.process_id in self.own


# ── Reading and writing ───────────────────────────────────────────────────────────────────────────────────────────────────


def lines_of(session: Session, checklist: Checklist, pen: Pen, *, with_previous: bool = True) -> list[Line]:
    """Return the rows of the page; *with_previous*, last year's verdict and evidence beside each."""
    items = operations.items_of(session, checklist)
    previous = operations.previous_rows(session, checklist, items) if with_previous else {}
    evidence = operations.evidence_of(session, [*items, *previous.values()])
    return [
        Line(
            item, operations.said_of(item), pen.may_write(item), before := previous.get(item.id), evidence.get(item.id, []),
            evidence.get(before.id, []) if before else [],
        )
        for item in items
    ]  # fmt: skip


def write(session: Session, lines: Iterable[Line], *, at: Any) -> int:
    """
    Save what the page says of its rows, each for itself; return how many were saved. A row that is refused says why in its line and keeps
    what was typed; the others are saved all the same.
    """
    n = 0
    for line in lines:
        said = sent(line.item.id) if line.may_write else None
        if said is None or not said.is_touched:
            continue
        try:
            _write_one(session, line, said, at)
            n += 1
        except operations.RowConflict as conflict:
            line.said, line.theirs = said.said, operations.said_of(conflict.item)
            line.error = say(conflict)
        except DomainError as error:
            line.said, line.error = said.said, say(error)
    return n


def _write_one(session: Session, line: Line, said: Sent, at: Any) -> None:
    checked = files.check_uploads(said.files)
    stored = operations.said_of(line.item)
    wanted = {"theirs": stored, "both": said.said.joined(stored)}.get(said.choice, said.said)
    if said.is_asked and not said.choice and wanted.checked() != stored:
        raise operations.RowConflict(line.item, said.said)
    line.item = operations.save_row(session, line.item, wanted, version=said.version, at=at, actor_id=current_user.id)
    for content in checked:
        line.files.append(operations.attach_evidence(session, line.item, content, actor_id=current_user.id))
    line.said = operations.said_of(line.item)
