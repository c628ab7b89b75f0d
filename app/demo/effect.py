"""What the demonstration shows of effects measured by the figures of its own cases, and of outputs that did not conform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.effectiveness import LEAST_COUNTED, reduction, window_after, window_before
from app.domain.improvement import ActionKind, ActionOrigin, Disposition, EffectMeasure, EffectVerdict
from app.extensions import local
from app.models import Action, Nonconformity, Pqr, Process, ProcessMember
from app.operations import action_plans, actions, effect_keys, effectiveness, improvement, nonconformities
from app.operations.effectiveness import EffectPlan
from app.operations.improvement import Asked
from app.security import CALIDAD, SUBGERENTE

WINDOW, GOAL = 60, Decimal(30)


@dataclass(frozen=True, slots=True)
class Change:
    """A cause, in words, and by how many percent its cases fell."""

    key: str
    text: str
    fell: Decimal


def improve(session: Session, at: datetime) -> None:
    """
    Lead three actions over the causes of the cases that there are: one that worked and ended, one that did not and was taken up again, and
    one that waits for its review with the window after over; and leave four non-conforming outputs, one in each state and one more closed.
    """
    asked, done = (local(at).date() - timedelta(days=days) for days in (150, 75))
    found = _changes(session, asked, done, local(at).date())
    boss = _judge(session)
    if len(found) >= 3 and boss is not None:
        best, middle, worst = found[0], found[1], found[-1]
        titles = ("Validar la lectura contra el promedio antes de facturar", "Avisar los cortes programados con dos días",
                  "Revisar la ruta de reparto de facturas")  # fmt: skip
        for change, title in zip((best, worst, middle), titles, strict=True):
            action = _carried_out(session, change, title, asked, done, boss)
            if change is not middle:
                _judge_it(session, action, change, boss, at)
    _outputs(session, at, boss)


def _changes(session: Session, asked: date, done: date, today: date) -> list[Change]:
    """Return how the cases of each cause with enough of them changed, from the most fallen."""
    windows, by = (window_before(asked, WINDOW), window_after(done, WINDOW)), EffectMeasure.CAUSE
    found = []
    for key, text in effect_keys.offered(session, by):
        before, after = (effectiveness.measure(session, by, key, window, today=today) for window in windows)
        fell = reduction(before, after)
        if fell is not None and (before.n or 0) >= LEAST_COUNTED:
            found.append(Change(key, text, fell))
    return sorted(found, key=lambda each: (-each.fell, each.key))


def _carried_out(session: Session, change: Change, title: str, asked: date, done: date, boss: User) -> Action:
    process, doer = _process(session, "FACTURACION")
    begun, ended, user_id = _noon(asked), _noon(done), doer.id if doer else None
    action = improvement.ask_action(
        session, kind=ActionKind.CORRECTIVE, origin=ActionOrigin.OTHER, origin_key="", title=title,
        description=f"Casos repetidos: {change.text}.", process_id=process.id, responsible_id=user_id, due_on=done, at=begun,
        user_id=boss.id,
    )  # fmt: skip
    whys = ("Llegan reclamos por lo mismo", "Nadie compara con el mes anterior", "El procedimiento no lo pide")
    lines = action_plans.save_analysis(session, action, whys, {})
    action_plans.choose_cause(session, action, "", lines[-1].id, at=begun, user_id=user_id)
    plan = EffectPlan(EffectMeasure.CAUSE, change.key, WINDOW, GOAL, asked)
    effectiveness.plan_effect(session, action, plan, at=begun, user_id=user_id)
    tasks = [action_plans.add_task(session, action, what, done, user_id or boss.id, at=begun, user_id=user_id)
             for what in ("Escribir el control en el procedimiento", "Capacitar a quienes lo aplican")]  # fmt: skip
    actions.plan(session, action, at=begun, user_id=user_id)
    actions.approve(session, action, at=begun + timedelta(days=1), user_id=boss.id)
    for task in tasks:
        action_plans.end_task(session, task, "Acta firmada y lista de asistencia", ended_on=done, at=ended, user_id=user_id)
    return actions.carry_out(session, action, at=ended, user_id=user_id)


def _judge_it(session: Session, action: Action, change: Change, boss: User, at: datetime) -> None:
    worked = change.fell >= GOAL
    reason = "Los casos bajaron más de lo esperado y en terreno se ve el control aplicado." if worked else (
        "Los casos no bajaron lo esperado: el control se aplica en una sola ruta. Hay que volver a la causa."
    )
    verdict = EffectVerdict.EFFECTIVE if worked else EffectVerdict.NOT_EFFECTIVE
    day = _noon(action.review_on) if action.review_on else at
    effectiveness.judge_effect(session, action, verdict, reason, at=min(day, at), user_id=boss.id)


# ── Non-conforming outputs ────────────────────────────────────────────────────────────────────────────────────────────────

#: (process, what, requirement, containment, days ago, how far it came)
OUTPUTS = (
    ("FACTURACION", "Lote de 312 facturas de la ruta 4 con la tarifa del año anterior", "Resolución de tarifas vigente",
     "Se retuvieron 280 en la imprenta; 32 ya estaban repartidas", 40, "LEARNED"),
    ("TECNICA", "Acta de visita entregada al usuario sin la lectura del medidor", "P10-01, visita técnica",
     "Se llamó al usuario y se anuló el acta", 25, "CLOSED"),
    ("FACTURACION", "Respuesta notificada con el nombre de otro usuario", "Ley 1581 de 2012",
     "Se recogió la carta el mismo día", 9, "TREATED"),
    ("TECNICA", "Reconexión hecha en la acometida del vecino", "Contrato de condiciones uniformes",
     "Se reconectó al usuario correcto", 3, "OPEN"),
)  # fmt: skip


def _outputs(session: Session, at: datetime, boss: User | None) -> None:
    for code, what, requirement, containment, ago, state in OUTPUTS:
        process, doer = _process(session, code)
        on = local(at).date() - timedelta(days=ago)
        told, user_id = _noon(on), doer.id if doer else None
        case = session.scalar(select(Pqr.id).where(Pqr.process_id == process.id, Pqr.filed_on <= on).order_by(Pqr.id.desc()).limit(1))
        row = nonconformities.tell(
            session, Nonconformity(what=what, requirement=requirement, containment=containment, found_on=on, process_id=process.id,
                                   pqr_id=case if state == "TREATED" else None), at=told, user_id=user_id,
        )  # fmt: skip
        if state == "OPEN" or boss is None:
            continue
        done = nonconformities.Treated(Disposition.CORRECT, "Se corrigió y se volvió a entregar", on + timedelta(days=2), boss.id)
        nonconformities.treat(session, row, done, at=told + timedelta(days=2), user_id=user_id)
        if state == "LEARNED":
            asked = Asked("Cargar la tarifa con doble control", what, ActionKind.CORRECTIVE, process.id, on + timedelta(days=60))
            nonconformities.ask_for_action(session, row, asked, at=told + timedelta(days=3), user_id=user_id)
        if state in ("LEARNED", "CLOSED"):
            why = "" if state == "LEARNED" else "Pasó una sola vez; el formato digital ya no deja cerrar sin lectura."
            nonconformities.verify(session, row, "Se revisó lo entregado y cumple", verified_on=on + timedelta(days=5),
                                   no_action_reason=why, at=told + timedelta(days=5), user_id=boss.id)  # fmt: skip


def _process(session: Session, code: str) -> tuple[Process, User | None]:
    """Return that process, or the first that is not the front desk, and somebody of it."""
    processes = select(Process).where(Process.is_active, ~Process.is_front_desk).order_by((Process.code == code).desc(), Process.id)
    process = session.scalars(processes).first()
    if process is None:
        raise LookupError(code)
    member = select(User).join(ProcessMember, ProcessMember.user_id == User.id).where(ProcessMember.process_id == process.id, User.active)
    return process, session.scalars(member.order_by(User.id)).first()


def _judge(session: Session) -> User | None:
    judges = select(User).join(User.roles).where(Role.name.in_((CALIDAD, SUBGERENTE)), User.active.is_(True))
    return session.scalars(judges.order_by(User.id)).first()


def _noon(on: date) -> datetime:
    return datetime.combine(on, time(17), UTC)
