"""Late actions go up, level by level and once each; tasks, plans and effects are told to whom they wait for."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, update

from app.domain.improvement import ActionKind, ActionOrigin
from app.domain.states import MemberRole, ToldAs
from app.models import Action, ActionEvent, ActionTask, Mechanism, ProcessMember, Reminder, ReminderRule
from app.operations import action_plans, actions, improvement, reminders
from tests.databases import statements_of

OWNER, BOSS, QUALITY = "Dueño de proceso", "Subgerente administrativo y comercial", "Calidad"
#: Friday; 13 and 20 July 2026 are holidays.
ASKED, DUE = "2026-07-03", date(2026, 7, 10)
#: Working days after it: the first, the fifth and the tenth.
FIRST, FIFTH, TENTH = "2026-07-14", "2026-07-21", "2026-07-28"


def instant(day: str, hour: int = 10) -> datetime:
    """Return that hour of Bogotá (UTC-5)."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture
def people(seeded, make):
    """Somebody in every place of the process; the person who has the action is one of its owners."""
    seeded.execute(update(Mechanism).values(is_active=False))
    process = make.process("TECNICA")
    found = {"responsible": make.user(OWNER, process), "owner": make.user(OWNER, process), "chief": make.user(OWNER),
             "boss": make.user(BOSS), "quality": make.user(QUALITY), "stranger": make.user(OWNER, "FACTURACION")}  # fmt: skip
    seeded.add(ProcessMember(process_id=process.id, user_id=found["chief"].id, role=MemberRole.CHIEF))
    seeded.flush()
    return found


@pytest.fixture
def action(seeded, make, people) -> Action:
    return improvement.ask_action(
        seeded, kind=ActionKind.CORRECTIVE, origin=ActionOrigin.OTHER, origin_key="", title="Calibrar", description="",
        process_id=make.process("TECNICA").id, responsible_id=people["responsible"].id, due_on=DUE, at=instant(ASKED), user_id=None,
    )  # fmt: skip


def only(session, *codes: str) -> None:
    session.execute(update(ReminderRule).where(ReminderRule.code.not_in(codes)).values(is_active=False))


def told(session, people, key: str | None = None) -> dict[str, list[str]]:
    """Return by rule who was told, in the words of `people`, in order."""
    names, found = {user.id: name for name, user in people.items()}, {}
    for row in session.scalars(select(Reminder).order_by(Reminder.id)):
        if key in (None, row.row_key):
            found.setdefault(row.rule.code, []).append(names.get(row.user_id, "?"))
    return {code: sorted(set(users)) for code, users in found.items()}


def escalations(session, action: Action) -> list[tuple[str, str]]:
    happened = select(ActionEvent).where(ActionEvent.action_id == action.id, ActionEvent.move == "ESCALATE").order_by(ActionEvent.id)
    return [(event.facts["rule"], event.facts["due_on"]) for event in session.scalars(happened)]


def test_a_late_action_goes_up_from_its_person_to_the_process_and_to_the_management(seeded, people, action):
    days = {}
    for day in ("2026-07-10", FIRST, "2026-07-17", FIFTH, "2026-07-27", TENTH, "2026-08-10"):
        reminders.remind(seeded, instant(day))
        days[day] = {code for code in told(seeded, people) if code.startswith(("ACCION_VENCIDA", "ACCION_SUBE"))}

    assert days["2026-07-10"] == set()
    assert days[FIRST] == days["2026-07-17"] == {"ACCION_VENCIDA"}
    assert days[FIFTH] == days["2026-07-27"] == {"ACCION_VENCIDA", "ACCION_SUBE_PROCESO"}
    assert days[TENTH] == days["2026-08-10"] == {"ACCION_VENCIDA", "ACCION_SUBE_PROCESO", "ACCION_SUBE_GERENCIA"}
    found = told(seeded, people)
    assert found["ACCION_VENCIDA"] == ["responsible"]
    assert found["ACCION_SUBE_PROCESO"] == ["chief", "owner", "responsible"]
    assert found["ACCION_SUBE_GERENCIA"] == ["boss", "chief", "quality"]
    assert "stranger" not in {name for names in found.values() for name in names}


def test_each_level_is_written_once_in_the_history_though_it_is_told_each_day(seeded, people, action):
    for day in (FIRST, "2026-07-15", "2026-07-16", FIFTH, "2026-07-22", TENTH, "2026-07-29", "2026-07-30"):
        reminders.remind(seeded, instant(day))

    assert escalations(seeded, action) == [
        ("ACCION_VENCIDA", "2026-07-10"), ("ACCION_SUBE_PROCESO", "2026-07-10"), ("ACCION_SUBE_GERENCIA", "2026-07-10"),
    ]  # fmt: skip
    event = seeded.scalars(select(ActionEvent).where(ActionEvent.move == "ESCALATE").order_by(ActionEvent.id.desc())).first()
    assert event.actor_id is None and event.to_status == "OPEN"
    assert event.facts["to"] == sorted(people[name].id for name in ("boss", "chief", "quality"))


def test_an_action_with_another_day_begins_again_at_the_first_level(seeded, people, action):
    reminders.remind(seeded, instant(FIFTH))
    actions.postpone(seeded, action, date(2026, 8, 31), "Llegó tarde el equipo", at=instant(FIFTH, 11), user_id=people["boss"].id)
    reminders.remind(seeded, instant("2026-08-31"))
    assert escalations(seeded, action) == [("ACCION_VENCIDA", "2026-07-10"), ("ACCION_SUBE_PROCESO", "2026-07-10")]

    reminders.remind(seeded, instant("2026-09-01"))

    assert escalations(seeded, action)[2:] == [("ACCION_VENCIDA", "2026-08-31")]


def test_a_night_without_a_run_loses_no_level(seeded, people, action):
    reminders.remind(seeded, instant("2026-08-14"))

    assert [code for code, _day in escalations(seeded, action)] == ["ACCION_VENCIDA", "ACCION_SUBE_PROCESO", "ACCION_SUBE_GERENCIA"]


def test_what_ended_goes_up_no_more(seeded, people, action):
    actions.cancel(seeded, action, "Se hizo con otra", at=instant("2026-07-13"), user_id=None)

    reminders.remind(seeded, instant(TENTH))

    assert told(seeded, people) == {} and escalations(seeded, action) == []


def test_the_management_is_told_as_such(seeded, people, action):
    only(seeded, "ACCION_SUBE_GERENCIA")

    reminders.remind(seeded, instant(TENTH))

    as_what = {row.user_id: row.told_as for row in seeded.scalars(select(Reminder))}
    assert as_what == {people["boss"].id: ToldAs.MANAGEMENT, people["quality"].id: ToldAs.MANAGEMENT, people["chief"].id: ToldAs.CHIEF}


# ── Tasks, plans and effects ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_is_told_to_its_person_once_the_plan_runs(seeded, make, people):
    only(seeded, "TAREA_NUEVA", "TAREA_VENCIDA")
    planned = make.planned_action("PLANNED", at=instant("2026-07-10"), responsible_id=people["responsible"].id)
    task = seeded.scalars(select(ActionTask).where(ActionTask.action_id == planned.id)).one()
    task.responsible_id = people["stranger"].id  # who has a task need not be of the process
    seeded.flush()
    reminders.remind(seeded, instant("2026-07-14"))
    assert told(seeded, people) == {}

    actions.approve(seeded, planned, at=instant("2026-07-14", 11), user_id=people["quality"].id)
    reminders.remind(seeded, instant("2026-07-15"))
    assert told(seeded, people, f"{planned.number} · 1") == {"TAREA_NUEVA": ["stranger"], "TAREA_VENCIDA": ["stranger"]}

    action_plans.end_task(
        seeded, task, "Acta firmada", ended_on=date(2026, 7, 15), at=instant("2026-07-15", 12), user_id=people["stranger"].id
    )
    n_before = len(seeded.scalars(select(Reminder)).all())
    reminders.remind(seeded, instant("2026-07-31"))
    assert len(seeded.scalars(select(Reminder)).all()) == n_before


def test_a_plan_waits_for_whoever_approves_and_is_news_again_when_it_is_sent_again(seeded, make, people):
    only(seeded, "PLAN_NUEVO")
    planned = make.planned_action("PLANNED", at=instant("2026-08-14"), carried_out_at=instant("2026-12-01"), due_on=date(2026, 12, 15),
                                  responsible_id=people["responsible"].id)  # fmt: skip
    reminders.remind(seeded, instant("2026-08-14"))
    assert told(seeded, people) == {"PLAN_NUEVO": ["boss", "quality"]}

    actions.send_back(seeded, planned, "Falta el costo", at=instant("2026-08-18"), user_id=people["quality"].id)
    reminders.remind(seeded, instant("2026-08-19"))
    actions.plan(seeded, planned, at=instant("2026-08-20"), user_id=people["responsible"].id)
    reminders.remind(seeded, instant("2026-08-20", 15))

    steps = seeded.scalars(select(Reminder.step).where(Reminder.user_id == people["quality"].id).order_by(Reminder.id)).all()
    assert steps[1:] == ["2026-08-20"]


def test_the_effect_is_told_to_whoever_judges_it_but_its_own_responsible(seeded, make, people):
    only(seeded, "EFECTO_HOY", "EFECTO_SUBE_GERENCIA")
    done = make.planned_action("REVIEW", at=instant("2026-07-10"), responsible_id=people["quality"].id, boss_id=people["boss"].id)

    reminders.remind(seeded, instant("2026-07-17"))
    assert told(seeded, people) == {}
    reminders.remind(seeded, instant("2026-07-21"))  # it may be reviewed from Saturday 18 July on, and Monday is a holiday
    assert told(seeded, people, done.number) == {"EFECTO_HOY": ["boss"]}

    reminders.remind(seeded, instant("2026-08-14"))
    assert told(seeded, people, done.number)["EFECTO_SUBE_GERENCIA"] == ["boss", "quality"]  # its process has no chief: whoever signs
    assert [code for code, _day in escalations(seeded, done)] == ["EFECTO_SUBE_GERENCIA"]


def test_a_run_costs_the_same_however_many_actions_are_late(app, seeded, make, people, action):
    from app.extensions import db

    def cost(day: str) -> int:
        with statements_of(db.engines[None]) as statements:
            reminders.remind(seeded, instant(day))
        return sum("SELECT" in statement.upper() for statement in statements)

    first = cost(FIFTH)
    for n in range(6):
        improvement.ask_action(
            seeded, kind=ActionKind.CORRECTIVE, origin=ActionOrigin.OTHER, origin_key="", title=f"Otra {n}", description="",
            process_id=make.process("TECNICA").id, responsible_id=people["responsible"].id, due_on=DUE, at=instant(ASKED), user_id=None,
        )  # fmt: skip
    assert cost("2026-07-22") <= first
