"""
The legal matrix (ISO 9001:2015, 4.2 and 9.1): its rows, their evaluations, and what of the house rests on each.

An evaluation stays as it was written. The row keeps the result of the newest and the day of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import ActionOrigin
from app.domain.legalmatrix import (
    Compliance,
    EvaluationState,
    check_evaluation,
    check_follow_up,
    next_evaluation_on,
    rests_on,
    state_on,
)
from app.extensions import local
from app.models import AnswerTemplate, LegalEvaluation, LegalRequirement, LegalRest, LegalTerm, Parameter
from app.operations import action_origins, improvement
from app.operations.files import CheckedFile, store_file
from app.operations.improvement import Asked

#: What may rest on an obligation: the column of `LegalRest`, the table, and the texts of a row of it that may cite a norm.
RESTS: dict[str, tuple[str, type[Any], Callable[[Any], str]]] = {
    "term": ("legal_term_id", LegalTerm, lambda row: row.norm),
    "template": ("answer_template_id", AnswerTemplate, lambda row: row.body),
    "parameter": ("parameter_key", Parameter, lambda row: f"{row.value} {row.description}"),
}


def write_requirement(session: Session, item: LegalRequirement) -> None:
    """
    Put a row of the matrix in order before it is stored.

    Raises:
        DomainError: It is evaluated every no months; or another row has the same norm with the same articles.
    """
    item.norm, item.articles = " ".join(item.norm.split()), " ".join((item.articles or "").split())
    next_evaluation_on(date(2000, 1, 1), item.every_months)
    with session.no_autoflush:
        same = select(LegalRequirement.id).where(LegalRequirement.norm == item.norm, LegalRequirement.articles == item.articles)
        twin = session.scalar(same.where(LegalRequirement.id != (item.id or 0)).limit(1))
    if twin is not None:
        text = N_("The matrix has these articles of this norm already, in ML-%(id)s. Write there what else it obliges to.")
        raise DomainError(text, field="articles", id=twin)


# ── Evaluations ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What somebody found of an obligation: an action it asks for, or why none, where it is not met."""

    on: date
    result: Compliance
    evidence: str
    note: str = ""
    next_on: date | None = None
    file: CheckedFile | None = None
    asked: Asked | None = None
    no_action_reason: str = ""


def evaluate(session: Session, item: LegalRequirement, said: Evaluated, *, at: datetime, user_id: int | None) -> LegalEvaluation:
    """
    Store an evaluation, the action that it asks for, and when the next one is due; return it, flushed.

    Args:
        said: Without `next_on`, the next comes as many months later as the row says.

    Raises:
        DomainError: The row is out of use; as `check_evaluation`, `check_follow_up` and `improvement.ask_action`.
    """
    queries.lock(session, item)
    if not item.is_active:
        raise DomainError(N_("This obligation is out of use. Make it active before you evaluate it."))
    next_on = said.next_on or next_evaluation_on(said.on, item.every_months)
    check_evaluation(said.evidence, said.on, next_on, local(at).date(), last_on=item.evaluated_on)
    check_follow_up(said.result, has_action=said.asked is not None, reason=said.no_action_reason)
    stored = store_file(session, said.file, description=str(item)[:200]) if said.file else None
    action = _ask(session, item, said.asked, at, user_id) if said.asked else None
    row = LegalEvaluation(
        requirement=item, on=said.on, result=said.result, evidence=said.evidence.strip(), note=said.note.strip(), file=stored,
        action=action, no_action_reason=said.no_action_reason.strip(), evaluated_by_id=user_id,
    )  # fmt: skip
    session.add(row)
    item.standing, item.evaluated_on, item.next_on = said.result, said.on, next_on
    session.flush()
    return row


def _ask(session: Session, item: LegalRequirement, asked: Asked, at: datetime, user_id: int | None) -> Any:
    return improvement.ask_action(
        session, kind=asked.kind, origin=ActionOrigin.LEGAL, origin_key=action_origins.key_of(ActionOrigin.LEGAL, item), title=asked.title,
        description=asked.description, process_id=asked.process_id, responsible_id=asked.responsible_id, due_on=asked.due_on, at=at,
        user_id=user_id, origin_path=f"/legalrequirement/show/{item.id}",
    )  # fmt: skip


def evaluations_of(session: Session, requirement_id: int) -> Sequence[LegalEvaluation]:
    """Return the evaluations of a row, the newest first, with who made them, their files and actions. One statement."""
    parts = (LegalEvaluation.evaluated_by, LegalEvaluation.file, LegalEvaluation.action)
    found = select(LegalEvaluation).where(LegalEvaluation.requirement_id == requirement_id).options(*map(joinedload, parts))
    return session.scalars(found.order_by(LegalEvaluation.on.desc())).all()


def latest_of(session: Session, requirement_ids: Iterable[int]) -> dict[int, LegalEvaluation]:
    """Return the newest evaluation of each row that has one. One statement."""
    ids = [*requirement_ids]
    found = select(LegalEvaluation).where(LegalEvaluation.requirement_id.in_(ids)).options(joinedload(LegalEvaluation.action))
    return {row.requirement_id: row for row in session.scalars(found.order_by(LegalEvaluation.on))}


def matrix(session: Session) -> Sequence[LegalRequirement]:
    """Return the rows in use, as companies print them: by norm, with who answers for each. One statement."""
    parts = (LegalRequirement.process, LegalRequirement.responsible)
    found = select(LegalRequirement).where(LegalRequirement.is_active).options(*map(joinedload, parts))
    return session.scalars(found.order_by(LegalRequirement.id)).all()


def state_of(item: LegalRequirement, today: date) -> EvaluationState:
    """Return how the evaluation of a row stands on a day."""
    return state_on(today, evaluated_on=item.evaluated_on, next_on=item.next_on, is_active=item.is_active)


def follow_up(row: LegalEvaluation | None) -> str:
    """Return the action that an evaluation asked for, or why it asked for none."""
    return "" if row is None else row.action.number if row.action else row.no_action_reason


def sums(rows: Sequence[LegalRequirement], today: date) -> list[tuple[str, int]]:
    """Return what the matrix adds up to: (msgid, how many rows)."""
    standings, states = [item.standing for item in rows], [state_of(item, today) for item in rows]
    results = [(each.value, standings.count(each)) for each in Compliance]
    never, overdue = EvaluationState.NEVER, EvaluationState.OVERDUE
    return [(N_("Obligations"), len(rows)), *results, (never.value, standings.count(None)), (overdue.value, states.count(overdue))]


# ── What rests on it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def rests_of(session: Session, requirement_id: int) -> Sequence[LegalRest]:
    """Return what rests on a row of the matrix, with what it is: terms, then texts, then parameters. One statement."""
    parts = (LegalRest.legal_term, LegalRest.answer_template, LegalRest.parameter)
    found = select(LegalRest).where(LegalRest.requirement_id == requirement_id).options(*map(joinedload, parts))
    in_order = (LegalRest.legal_term_id.is_(None), LegalRest.answer_template_id.is_(None), LegalRest.id)
    return session.scalars(found.order_by(*in_order)).all()


def obligations_of(kind: str, key: Any) -> Select[tuple[LegalRequirement]]:
    """Return the SELECT of the rows on which a term, a template or a parameter rests; *kind* is a key of `RESTS`."""
    column = getattr(LegalRest, RESTS[kind][0])
    return select(LegalRequirement).join(LegalRest, LegalRest.requirement_id == LegalRequirement.id).where(column == key)


def resting(session: Session, norm: str, articles: str) -> list[tuple[str, Any]]:
    """Return what of the house cites *articles* of *norm*: (kind of `RESTS`, row). A statement a kind."""
    found = []
    for kind, (_column, model, text) in RESTS.items():
        found += [(kind, row) for row in session.scalars(select(model)) if rests_on(text(row), norm, articles)]
    return found


def key_of(kind: str, row: Any) -> Any:
    return row.key if kind == "parameter" else row.id


def hang(session: Session, item: LegalRequirement, wanted: Iterable[tuple[str, Any]]) -> int:
    """Let exactly *wanted*, of (kind of `RESTS`, key), rest on *item*; return how many links changed."""
    queries.lock(session, item)
    asked = {(RESTS[kind][0], key) for kind, key in wanted}
    stored = {}
    for row in session.scalars(select(LegalRest).where(LegalRest.requirement_id == item.id)):
        stored[next((column, key) for column, _model, _text in RESTS.values() if (key := getattr(row, column)) is not None)] = row
    for link, row in stored.items():
        if link not in asked:
            session.delete(row)
    session.flush()
    new = [LegalRest(requirement=item, **{column: key}) for column, key in sorted(asked - stored.keys(), key=str)]
    session.add_all(new)
    session.flush()
    return len(new) + len(stored.keys() - asked)
