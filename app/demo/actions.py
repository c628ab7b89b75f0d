"""How the demonstration leads actions along their path: analysed, planned, approved, carried out, and judged when the days are over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.improvement import ActionKind, ActionOrigin, CauseCategory, EffectMeasure, EffectVerdict
from app.extensions import local
from app.models import Action, ActionTask, Process
from app.operations import action_plans, actions, effectiveness, improvement
from app.security import CALIDAD, SUBGERENTE


def lead(
    session: Session, action: Action, whys: Sequence[str], tasks: Sequence[str], said: str, *, doer: User, carried_out_on: date,
    at: datetime, window_days: int = 30,
) -> Action:  # fmt: skip
    """
    Lead *action* as far as it came at *at*: to its review, or to its end once the days looked at are over.

    Args:
        whys: The chain of whys; the last one is the root cause.
        said: What shows that it was done, and what its review found.
        doer: Who has its tasks. Somebody else approves and judges.
    """
    boss = _boss(session, doer, action)
    begun = _noon(action.asked_on + (carried_out_on - action.asked_on) / 4)
    lines = action_plans.save_analysis(session, action, whys, {})
    action_plans.choose_cause(session, action, "", lines[-1].id, at=begun, user_id=doer.id)
    made = [action_plans.add_task(session, action, what, carried_out_on, doer.id, at=begun, user_id=doer.id) for what in tasks]
    measure = effectiveness.EffectPlan(EffectMeasure.JUDGED, "", window_days, None, action.asked_on)
    effectiveness.plan_effect(session, action, measure, at=begun, user_id=doer.id)
    actions.plan(session, action, at=begun, user_id=doer.id)
    actions.approve(session, action, at=begun + timedelta(days=1), user_id=boss.id)
    done = min(_noon(carried_out_on), at)
    for task in made:
        action_plans.end_task(session, task, said, ended_on=carried_out_on, at=done, user_id=doer.id)
    actions.carry_out(session, action, at=done, user_id=doer.id)
    if action.review_on is not None and action.review_on <= local(at).date():
        effectiveness.judge_effect(session, action, EffectVerdict.EFFECTIVE, said, at=min(_noon(action.review_on), at), user_id=boss.id)
    return action


def _boss(session: Session, doer: User, action: Action) -> User:
    """Return somebody who may approve and judge, and has no part in it."""
    judges = select(User).join(User.roles).where(Role.name.in_((SUBGERENTE, CALIDAD)), User.active.is_(True))
    return session.scalars(judges.where(User.id.not_in({doer.id, action.responsible_id or 0})).order_by(User.id)).first() or doer


def _noon(on: date) -> datetime:
    return datetime.combine(on, time(17), UTC)


# ── One in each state ─────────────────────────────────────────────────────────────────────────────────────────────────────

WHYS = (
    "Los usuarios del Sector Sur reclaman un consumo que no es el suyo",
    "El lector anota un número que no corresponde",
    "El medidor está detrás de una reja y se lee desde lejos",
    "Nadie pide al usuario que abra la reja el día de la lectura",
)
BONES = {
    CauseCategory.METHOD: ("La ruta no dice qué medidores están tras reja", "No hay aviso al usuario antes de la lectura"),
    CauseCategory.PEOPLE: ("Lectores nuevos sin acompañamiento",),
    CauseCategory.EQUIPMENT: ("El terminal no toma foto", "La batería no dura la ruta"),
    CauseCategory.MATERIAL: ("Planos de la ruta sin actualizar",),
    CauseCategory.MEASUREMENT: ("No se hace crítica de lectura el mismo día",),
    CauseCategory.SURROUNDINGS: ("Rejas y perros", "Lluvia en las tardes"),
}


def plan_actions(session: Session, at: datetime, people: dict[str, User]) -> None:
    """Leave an action in each state before its review, as a Monday finds them: analysed, sent, under way with a late task, a correction."""
    owner, quality, desk = people["dueno.tecnica"], people["calidad"], people["auxiliar"]
    asked, today = at - timedelta(days=24), local(at).date()
    analysed = _asked(session, "Reducir los reclamos por lectura mal tomada en el Sector Sur", owner, quality, asked, 35)
    action_plans.save_analysis(session, analysed, WHYS, BONES)

    sent = _asked(session, "Revisar las válvulas después de cada obra del Sector Norte", owner, quality, asked, 40)
    _planned(session, sent, ("Escribir el paso en el procedimiento de obras", "Revisar las ocho válvulas de las obras de este año"),
             (owner, owner), today + timedelta(days=20), at - timedelta(days=3))  # fmt: skip

    running = _asked(session, "Avisar los cortes programados con tres días", owner, quality, asked, 10)
    tasks = _planned(session, running, ("Hacer la lista de correos por sector", "Escribir la plantilla del aviso",
                                        "Llamar a los conjuntos sin correo"), (owner, quality, desk), today - timedelta(days=2),
                     at - timedelta(days=15))  # fmt: skip
    actions.approve(session, running, at=at - timedelta(days=14), user_id=people["subgerente"].id)
    said = "Lista de 1.204 correos por sector, entregada a la subgerencia"
    action_plans.end_task(session, tasks[0], said, ended_on=today - timedelta(days=5), at=at - timedelta(days=5), user_id=owner.id)

    mending = _asked(session, "Cambiar la tapa rota de la cámara de la calle 10", owner, desk, at - timedelta(days=2), 3,
                     ActionKind.CORRECTION)  # fmt: skip
    action_plans.add_task(session, mending, "Comprar e instalar la tapa", today + timedelta(days=2), owner.id, at=at, user_id=owner.id)


def _asked(
    session: Session, title: str, owner: User, asks: User, at: datetime, n_days: int, kind: ActionKind = ActionKind.CORRECTIVE
) -> Action:  # fmt: skip
    """Ask at *at* for an action of the technical process, due 24 days and *n_days* later."""
    process_id = session.scalars(select(Process.id).where(Process.code == "TECNICA")).one()
    return improvement.ask_action(
        session, kind=kind, origin=ActionOrigin.OTHER, origin_key="", title=title, description="", process_id=process_id,
        responsible_id=owner.id, due_on=local(at).date() + timedelta(days=24 + n_days), at=at, user_id=asks.id,
    )  # fmt: skip


def _planned(
    session: Session, action: Action, whats: Sequence[str], whose: Sequence[User], due_on: date, at: datetime
) -> list[ActionTask]:  # fmt: skip
    """Send the plan of *action* at *at*, with a task for each of *whose*."""
    owner_id = action.responsible_id
    action_plans.choose_cause(session, action, "El procedimiento no lo pide y nadie responde por ello", None, at=at, user_id=owner_id)
    tasks = [
        action_plans.add_task(session, action, what, due_on, who.id, at=at, user_id=owner_id)
        for what, who in zip(whats, whose, strict=True)
    ]
    measure = effectiveness.EffectPlan(EffectMeasure.JUDGED, "", 30, None, action.asked_on)
    effectiveness.plan_effect(session, action, measure, at=at, user_id=owner_id)
    actions.plan(session, action, at=at, user_id=owner_id)
    return tasks
