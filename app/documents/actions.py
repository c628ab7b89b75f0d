"""An action on paper, as it stands: what was asked, why it happens, the plan, what was found and who did what. Nothing is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.documents import base
from app.domain.actions import TONES, ActionMove, state_name
from app.domain.improvement import CauseWay
from app.extensions import LANGUAGE, local
from app.models import Action, ActionCause, ActionEvent, ActionFile, ActionReview, ActionTask
from app.operations import action_plans
from app.words import say_day, say_instant, say_number

TEMPLATE = "action"


def action_paper(session: Session, action: Action, at: datetime) -> bytes:
    """Return the PDF of *action* as it stands at *at*, every round in it."""
    with force_locale(LANGUAGE):
        on = local(at).date()
        data = {
            "organisation": base.head(action.organisation, TEMPLATE),
            "issued_on": on.isoformat(),
            "title": _(action.kind.value),
            "number": action.number,
            "on": say_day(on),
            "status": _(state_name(action.status, action.kind)),
            "tone": TONES[action.status],
            "what": action.title,
            "details": base.paragraphs(action.description),
            "facts": [list(pair) for pair in _facts(action)],
            "rounds": _rounds(session, action),
            "files": _files(session, action),
            "history": [_event(event) for event in _history(session, action)],
        }  # fmt: skip
    return base.rendered(TEMPLATE, data)


def _facts(action: Action) -> list[tuple[str, str | None]]:
    approved = action.approved_by and action.approved_on and f"{action.approved_by.get_full_name()}, {say_day(action.approved_on)}"
    return [
        ("Proceso", action.process.name),
        ("Responsable", action.responsible.get_full_name() if action.responsible else "Los dueños del proceso"),
        ("Qué la pidió", f"{_(action.origin.value)} {action.origin_key}".strip()),
        ("Sobre quién", action.party.name if action.party else None),
        ("Pedida el", say_day(action.asked_on)),
        ("Plazo", say_day(action.due_on)),
        ("Plan aprobado por", approved or None),
        ("Ejecutada el", say_day(action.carried_out_on) if action.carried_out_on else None),
        ("Eficacia medida por", _(action.measure.value) if action.measure else None),
        ("Días observados", say_number(action.window_days) if action.window_days else None),
        ("Se revisa el", say_day(action.review_on) if action.review_on else None),
        ("Terminada el", say_day(action.ended_on) if action.ended_on else None),
        ("Cómo terminó", action.result or None),
    ]


def _rounds(session: Session, action: Action) -> list[dict[str, Any]]:
    """Return what was analysed, planned and found, round by round."""
    lines = action_plans.causes_of(session, action)
    wanted = select(ActionTask).where(ActionTask.action_id == action.id).options(joinedload(ActionTask.responsible))
    tasks = session.scalars(wanted.order_by(ActionTask.position)).all()
    found = select(ActionReview).where(ActionReview.action_id == action.id).options(joinedload(ActionReview.reviewed_by))
    reviews = {review.round: review for review in session.scalars(found)}
    ended = select(ActionEvent.facts).where(ActionEvent.action_id == action.id, ActionEvent.move == ActionMove.REOPEN.name)
    causes = {facts.get("round"): facts.get("cause", "") for facts in session.scalars(ended)} | {action.round: action.cause}
    return [
        {
            "n": n,
            "cause": causes.get(n, ""),
            "whys": [line.text for line in lines if line.round == n and line.way is CauseWay.WHY],
            "bones": _bones([line for line in lines if line.round == n and line.category is not None]),
            "tasks": [_task(task) for task in tasks if task.round == n],
            "review": _review(reviews.get(n)),
        }
        for n in range(1, action.round + 1)
    ]


def _bones(lines: list[ActionCause]) -> list[list[Any]]:
    by_name: dict[str, list[str]] = {}
    for line in lines:
        if line.category is not None:
            by_name.setdefault(_(line.category.value), []).append(line.text)
    return [[name, texts] for name, texts in by_name.items()]


def _task(task: ActionTask) -> dict[str, str]:
    return {
        "n": str(task.position), "what": task.what, "who": task.responsible.get_full_name() if task.responsible else "—",
        "due": say_day(task.due_on), "state": _(task.status.value), "said": task.said,
        "ended": say_day(task.ended_on) if task.ended_on else "",
    }  # fmt: skip


def _review(review: ActionReview | None) -> dict[str, str] | None:
    if review is None:
        return None
    return {
        "verdict": _(review.verdict.value), "tone": "ok" if review.verdict.name == "EFFECTIVE" else "bad", "reason": review.reason,
        "by": review.reviewed_by.get_full_name() if review.reviewed_by else "—", "on": say_day(review.reviewed_on),
        "measure": _(review.measure.value),
        "before": f"{say_day(review.before_from)} – {say_day(review.before_until)}",
        "after": f"{say_day(review.after_from)} – {say_day(review.after_until)}",
        "before_value": "—" if review.before_value is None else say_number(review.before_value.normalize()),
        "after_value": "—" if review.after_value is None else say_number(review.after_value.normalize()),
    }  # fmt: skip


def _files(session: Session, action: Action) -> list[list[str]]:
    stands = ActionFile.action_id == action.id, ActionFile.withdrawn_at.is_(None)
    kept = session.scalars(select(ActionFile).where(*stands).options(joinedload(ActionFile.file), joinedload(ActionFile.task)))
    return [[str(each.task.position) if each.task else "—", each.file.name, each.description, each.file.sha256] for each in kept]


def _history(session: Session, action: Action) -> list[ActionEvent]:
    happened = select(ActionEvent).where(ActionEvent.action_id == action.id).options(joinedload(ActionEvent.actor))
    return list(session.scalars(happened.order_by(ActionEvent.id)))


def _event(event: ActionEvent) -> dict[str, str]:
    name = ActionMove[event.move].value if event.move in ActionMove.__members__ else event.move
    task = f" {event.facts['task']}" if "task" in event.facts else ""
    return {"when": say_instant(event.at), "what": _(name) + task, "note": event.reason,
            "who": event.actor.get_full_name() if event.actor else ""}  # fmt: skip
