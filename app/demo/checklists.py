"""Three years of verifications of the demonstration company: closed, signed, half filled; with notes, findings, actions and evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.actions import lead
from app.documents import checklists as papers
from app.domain.checklists import Said, Verdict, verification_on
from app.domain.errors import MoveRefused
from app.domain.improvement import ActionKind
from app.extensions import local
from app.models import Action, Checklist, ChecklistItem, Contract, Process
from app.operations import checklists, improvement

MET, PARTLY, NOT_MET, NOT_APPLICABLE = Verdict
#: How often each verdict falls; the contract gets better with the years.
WEIGHTS = {2: (70, 18, 8, 4), 1: (80, 12, 4, 4), 0: (86, 8, 3, 3)}
SEEN = {
    MET: ("Revisado en la visita, con los soportes completos.", "Soportes al día en la carpeta del contrato.", "", "Sin novedad."),
    PARTLY: ("Falta el soporte de dos meses.", "Se cumple, pero el informe llegó después del plazo.", "El certificado venció hace un mes."),
    NOT_MET: ("No hay evidencia en la carpeta.", "El equipo no se calibró en el año.", "No se presentó el informe del semestre."),
    NOT_APPLICABLE: ("No hubo obras en este período.", "El cliente no pidió el servicio adicional este año."),
}
SETTLED = "Se corrigió durante la verificación; el soporte está en la carpeta."
CONCLUSION = "El contrato se cumple. Los hallazgos tienen acción o quedaron corregidos durante la verificación."


def checklist(session: Session, at: datetime, reviewer: User, other: User, boss: User) -> list[Checklist]:
    """
    Verify the signed contracts of the demonstration as the years went by, by the operations of the product; return the checklists, flushed.

    What is due this year stays as a house leaves it: one approved, one signed and waiting, one half filled by two people, the rest open.
    """
    today, chance, made = local(at).date(), Random(1449), []
    for day, contract in _days(session, today):
        opened = datetime.combine(day, time(10, 0), UTC)
        try:
            made.append(checklists.open_checklist(session, contract, at=opened, actor_id=None))
        except MoveRefused:
            continue  # it required nothing yet
    this_year = [each for each in made if each.due_on >= today - timedelta(days=120)]
    for each in made:
        is_old = each not in this_year
        place = None if is_old else this_year.index(each) % 4
        _verify(session, each, (reviewer, other), chance, at, how_far=1.0 if is_old or place in (0, 1) else 0.5 if place == 2 else 0.0)
        if is_old or place in (0, 1):
            _sign(session, each, reviewer, boss if is_old or place == 0 else None, at)
    session.flush()
    return made


def _days(session: Session, today: date) -> Iterator[tuple[date, Contract]]:
    """Yield every day of verification up to today with its contract, in the order of the days."""
    contracts = session.scalars(select(Contract).where(Contract.stage.in_(checklists.VERIFIED), Contract.starts_on <= today)).all()
    found = [
        (day, contract)
        for contract in contracts
        for year in range(today.year - 3, today.year + 1)
        if (day := verification_on(contract.starts_on or today, checklists.last_day(contract), year)) is not None and day <= today
    ]
    yield from sorted(found, key=lambda pair: (pair[0], pair[1].id))


def _verify(session: Session, each: Checklist, people: Sequence[User], chance: Random, at: datetime, how_far: float) -> None:
    """Give verdicts to the first part of its rows, by turns; a finding asks for an action or says why none."""
    items = checklists.items_of(session, each)
    for item in items[: round(len(items) * how_far)]:
        when = _moment(each, 3 + item.position, at)
        age = min(local(at).year - each.year, 2)
        verdict = chance.choices((MET, PARTLY, NOT_MET, NOT_APPLICABLE), WEIGHTS[age])[0]
        asks = verdict is NOT_MET or (verdict is PARTLY and chance.random() < 0.5)
        said = Said(verdict, chance.choice(SEEN[verdict]), "" if asks or not verdict.is_finding else SETTLED)
        actor = people[item.position % len(people)]
        checklists.save_row(session, item, said, version=item.version, at=when, actor_id=actor.id)
        if asks:
            _ask(session, item, when, actor, at)


def _ask(session: Session, item: ChecklistItem, when: datetime, actor: User, at: datetime) -> Action:
    """Ask for the action of a finding, and lead it to its end when it is old."""
    requirement, contract = item.requirement, item.checklist.contract
    process_id = requirement.process_id or contract.process_id or session.scalars(select(Process.id).order_by(Process.id)).first() or 0
    due_on = local(when).date() + timedelta(days=30)
    title = f"Cumplir el requisito {item.position} de {contract.number}: {requirement.text}"[:200]
    asked = improvement.Asked(title, item.note, ActionKind.CORRECTIVE, process_id, due_on)
    action = checklists.ask_for_action(session, item, asked, at=when, actor_id=actor.id)
    if due_on < local(at).date() - timedelta(days=60):
        done = "Se reunieron los soportes y quedaron en la carpeta del contrato; se revisó con el dueño del proceso."
        whys = ("No había soporte del requisito el día de la verificación", "Nadie tenía a su cargo reunir los soportes durante el año")
        tasks = ("Reunir los soportes del requisito y dejarlos en la carpeta del contrato",)
        lead(session, action, whys, tasks, done, doer=actor, carried_out_on=due_on - timedelta(days=5), at=at)
    return action


def _sign(session: Session, each: Checklist, reviewer: User, boss: User | None, at: datetime) -> None:
    """Sign it, and approve it with its acta when there is a *boss*."""
    checklists.submit(session, each, CONCLUSION, at=_moment(each, 20, at), actor_id=reviewer.id)
    if boss is not None:
        approved = _moment(each, 24, at)
        checklists.approve(session, each, at=approved, actor_id=boss.id)
        papers.issue_acta(session, each, boss, approved)


def _moment(each: Checklist, n_days: int, at: datetime) -> datetime:
    """Return the afternoon *n_days* after it was opened, never after now."""
    return min(datetime.combine(each.opened_on + timedelta(days=n_days), time(15, 30), UTC), at)
