"""The page of an action: its path and what it lacks, analysis, plan, files, paper; every door refuses to close it with an open task."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.actions import Gate
from app.domain.improvement import ActionKind, ActionStatus, CauseCategory, TaskStatus
from app.extensions import now, today
from app.models import Action, ActionCause, ActionFile, ActionTask
from app.operations import action_plans, actions
from app.security import AUXILIAR, CALIDAD, CONTROL, DUENO, SUBGERENTE

MINE, OTHER = "TECNICA", "FACTURACION"
TEXT = b"se midio con patron"


@pytest.fixture
def action(make):
    """action(status, **columns) → an action of MINE that came to *status*."""

    def build(status: str = "OPEN", process: str = MINE, **columns: Any) -> Action:
        return make.planned_action(status, process_id=make.process(process).id, **columns)

    return build


def page(client: Any, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text[:2000]
    return unescape(answer.text)


def send(client: Any, url: str, status: int = 302, **data: Any) -> str:
    answer = client.post(url, data=data, content_type="multipart/form-data")
    assert answer.status_code == status, answer.text[:2000]
    return unescape(answer.text)


def again(session: Any, row: Any) -> Any:
    session.expire_all()
    return row


# ── What it lacks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_what_the_next_step_lacks_and_leads_to_where_it_is_mended(seeded, action, sign_in):
    one = action()
    html = page(sign_in(CALIDAD), f"/action/show/{one.id}")

    lacking = (Gate.HAS_CAUSE, Gate.HAS_TASKS, Gate.HAS_MEASURE)
    assert [gate.value in html for gate in lacking] == [True, True, True]
    assert Gate.TASKS_HAVE_OWNER.value not in html  # nothing to say of tasks that are not there
    for door in ("analysis", "task/add", "measure"):
        assert f'<a href="/action/{door}/{one.id}">' in html
    assert html.count('aria-current="step"') == 1


def test_who_may_only_read_is_told_the_same_without_doors(seeded, action, sign_in):
    one = action("RUNNING")
    html = page(sign_in(CONTROL), f"/action/show/{one.id}")

    assert Gate.NO_OPEN_TASK.value in html
    assert f"/action/carry-out/{one.id}" not in html and "/action/task/" not in html and "/action/edit/" not in html


def test_sending_a_plan_with_nothing_in_it_is_refused_with_the_first_gate(seeded, action, sign_in):
    one, client = action(), sign_in(CALIDAD)
    send(client, f"/action/plan/{one.id}")

    assert Gate.HAS_CAUSE.value in page(client, f"/action/show/{one.id}")
    assert again(seeded, one).status is ActionStatus.OPEN


# ── The whole path, by its doors ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_action_walks_its_path_by_its_pages(seeded, action, sign_in):
    owner, boss = sign_in(DUENO, MINE), sign_in(SUBGERENTE)
    one, due = action(responsible_id=owner.user_id), (today() + timedelta(days=3)).isoformat()
    send(owner, f"/action/root/{one.id}", cause="Nadie calibra")
    send(owner, f"/action/task/add/{one.id}", what="Calibrar", due_on=due, responsible=owner.user.username)
    send(owner, f"/action/measure/{one.id}?measure=JUDGED", window_days="7", baseline_on=one.asked_on.isoformat())
    send(owner, f"/action/plan/{one.id}")
    send(boss, f"/action/approve/{one.id}")
    task = seeded.scalars(select(ActionTask).where(ActionTask.action_id == one.id)).one()
    evidence = (BytesIO(TEXT), "soporte.txt")
    send(owner, f"/action/task/end/{one.id}/{task.id}", said="Acta firmada", ended_on=today().isoformat(), files=evidence)
    send(owner, f"/action/carry-out/{one.id}")

    assert again(seeded, one).status is ActionStatus.REVIEW
    assert one.review_on == today() + timedelta(days=8)
    html = page(owner, f"/action/show/{one.id}")
    assert "Nadie calibra" in html and "Acta firmada" in html and "soporte.txt" in html
    kept = seeded.scalars(select(ActionFile).where(ActionFile.action_id == one.id)).one()
    assert kept.task_id == task.id
    assert owner.get(f"/action/file/{one.id}/{kept.id}").data == TEXT


@pytest.mark.parametrize("door", ["plan", "approve", "carry-out"])
def test_a_press_from_a_state_that_does_not_lead_there_says_what_is_possible(seeded, action, sign_in, door):
    one, client = action("REVIEW"), sign_in(CALIDAD)
    send(client, f"/action/{door}/{one.id}")

    assert f"{one.number} is “Waits for its review” and cannot do" in page(client, f"/action/show/{one.id}")
    assert again(seeded, one).status is ActionStatus.REVIEW


def test_no_door_ends_an_action_that_has_an_open_task(seeded, action, sign_in):
    """Whatever is sent, and wherever: it stays under way, and each door says why."""
    one, client = action("RUNNING"), sign_in(CALIDAD)
    said = {"result": "Hecho", "ended_on": today().isoformat(), "verdict": "EFFECTIVE", "reason": "Hecho"}

    send(client, f"/action/carry-out/{one.id}", **said)
    assert Gate.NO_OPEN_TASK.value in page(client, f"/action/show/{one.id}")
    assert "cannot do “Finish the correction”" in send(client, f"/action/finish/{one.id}", 422, **said)
    assert client.post(f"/action/judge/{one.id}", data=said).status_code == 404
    edited = {"title": "Otro", "kind": one.kind.name, "process_id": one.process_id, "due_on": one.due_on.isoformat(), **said}
    client.post(f"/action/edit/{one.id}", data=edited | {"status": "DONE"})
    assert again(seeded, one).status is ActionStatus.RUNNING
    assert (one.ended_on, one.verdict, one.result) == (None, None, "")


def test_a_correction_with_an_open_task_is_not_finished(seeded, action, sign_in):
    one, client = action(kind=ActionKind.CORRECTION), sign_in(DUENO, MINE)
    task = action_plans.add_task(seeded, one, "Cambiar la tapa", today(), client.user_id, at=now(), user_id=None)
    seeded.commit()
    said = {"result": "Se cambió", "ended_on": today().isoformat()}

    assert Gate.NO_OPEN_TASK.value in send(client, f"/action/finish/{one.id}", 422, **said)
    send(client, f"/action/task/end/{one.id}/{task.id}", said="Foto", ended_on=today().isoformat())
    send(client, f"/action/finish/{one.id}", **said)
    assert again(seeded, one).status is ActionStatus.DONE


def test_the_responsible_does_not_approve_his_own_plan(seeded, action, sign_in):
    client = sign_in(SUBGERENTE)
    one = action("PLANNED", responsible_id=client.user_id)
    send(client, f"/action/approve/{one.id}")

    assert Gate.IS_ANOTHER.value in page(client, f"/action/show/{one.id}")
    assert again(seeded, one).status is ActionStatus.PLANNED


def test_returning_a_plan_asks_why_and_keeps_what_was_typed(seeded, action, sign_in):
    one, client = action("PLANNED"), sign_in(CALIDAD)

    assert "Write why." in send(client, f"/action/return/{one.id}", 422, reason="")
    send(client, f"/action/return/{one.id}", reason="Falta quién mide")
    assert "Falta quién mide" in page(client, f"/action/show/{one.id}")
    assert again(seeded, one).status is ActionStatus.OPEN


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_day_of_a_sent_plan_is_not_corrected_by_its_form(seeded, action, sign_in):
    one, client = action("RUNNING"), sign_in(CALIDAD)
    day = one.due_on + timedelta(days=9)
    fields = {"title": one.title, "kind": one.kind.name, "process_id": one.process_id, "seen": one.changed_at.isoformat()}

    assert "Use “Give it another day”" in send(client, f"/action/edit/{one.id}", 422, due_on=day.isoformat(), **fields)
    send(client, f"/action/postpone/{one.id}", due_on=day.isoformat(), reason="Llegan tarde los repuestos")
    assert again(seeded, one).due_on == day
    assert "Llegan tarde los repuestos" in page(client, f"/action/show/{one.id}")


# ── Whose it is ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", [AUXILIAR, DUENO])
def test_whoever_has_a_task_sees_its_action_ends_the_task_and_writes_nothing_else(seeded, action, sign_in, role):
    one = action("RUNNING", process=OTHER)
    client = sign_in(role, None if role == AUXILIAR else MINE)
    assert client.get(f"/action/show/{one.id}").status_code == 404
    task = action_plans.add_task(seeded, one, "Llamar a los usuarios", today(), client.user_id, at=now(), user_id=None)
    other = action_plans.tasks_of(seeded, one)[0]
    seeded.commit()

    html = page(client, f"/action/show/{one.id}")
    assert f"/action/task/end/{one.id}/{task.id}" in html and f"/action/task/end/{one.id}/{other.id}" not in html
    assert f"/action/edit/{one.id}" not in html and "/action/carry-out/" not in html
    refused = {client.get(f"/action/{door}").status_code for door in (f"edit/{one.id}", f"task/add/{one.id}", f"analysis/{one.id}",
                                                                      f"task/end/{one.id}/{other.id}", f"measure/{one.id}")}  # fmt: skip
    assert refused == ({404} if role == DUENO else {403, 404})
    send(client, f"/action/task/end/{one.id}/{task.id}", said="Se llamó a los 12", ended_on=today().isoformat())
    assert again(seeded, task).status is TaskStatus.DONE


def test_a_file_of_an_action_out_of_scope_is_not_there(seeded, action, sign_in):
    from app.operations.files import check_upload

    one, mine = action(process=OTHER), action()
    kept = action_plans.attach(seeded, one, check_upload("soporte.txt", BytesIO(TEXT)), user_id=None)
    seeded.commit()
    client = sign_in(DUENO, MINE)

    assert client.get(f"/action/file/{one.id}/{kept.id}").status_code == 404
    assert client.get(f"/action/file/{mine.id}/{kept.id}").status_code == 404


def test_a_withdrawn_file_is_offered_no_more(seeded, action, sign_in):
    one, client = action(), sign_in(CALIDAD)
    send(client, f"/action/attach/{one.id}", files=(BytesIO(TEXT), "soporte.txt"), description="Lo que midió el patrón")
    kept = seeded.scalars(select(ActionFile).where(ActionFile.action_id == one.id)).one()
    assert "soporte.txt" in page(client, f"/action/show/{one.id}")
    send(client, f"/action/withdraw/{one.id}/{kept.id}")

    assert "/action/file/" not in page(client, f"/action/show/{one.id}")
    assert client.get(f"/action/file/{one.id}/{kept.id}").status_code == 404
    assert again(seeded, kept).withdrawn_by_id == client.user_id


def test_a_refused_file_leaves_the_task_open_and_keeps_the_words(seeded, action, sign_in):
    one, client = action("RUNNING"), sign_in(CALIDAD)
    task = action_plans.tasks_of(seeded, one)[0]
    wrong = (BytesIO(b"MZ\x90\x00"), "virus.exe")
    html = send(client, f"/action/task/end/{one.id}/{task.id}", 422, said="Acta firmada", ended_on=today().isoformat(), files=wrong)

    assert "virus.exe" in html and "Acta firmada" in html
    assert again(seeded, task).status is TaskStatus.OPEN
    assert seeded.scalars(select(ActionFile)).all() == []


# ── The analysis ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_analysis_is_drawn_and_said_in_words_and_gives_the_root_cause(seeded, action, sign_in):
    one, client = action(), sign_in(CALIDAD)
    html = page(client, f"/action/analysis/{one.id}")
    seen = html.partition('name="seen" value="')[2].partition('"')[0]
    said = {"seen": seen, "why": ["Se lee mal", "No se ve el medidor", ""], "METHOD": "Sin ruta\nSin aviso <b>", "PEOPLE": ""}
    assert client.post(f"/action/analysis/{one.id}", data=said).status_code == 302
    lines = seeded.scalars(select(ActionCause).where(ActionCause.action_id == one.id).order_by(ActionCause.id)).all()

    html = client.get(f"/action/analysis/{one.id}").text
    assert '<svg class="fishbone"' in html and "Sin aviso &lt;b&gt;" in html
    assert client.post(f"/action/root/{one.id}", data={"line": lines[1].id, "cause": ""}).status_code == 302
    assert again(seeded, one).cause == "No se ve el medidor"
    assert [line.category for line in lines] == [None, None, CauseCategory.METHOD, CauseCategory.METHOD]


def test_what_somebody_else_analysed_meanwhile_is_not_written_over_and_nothing_typed_is_lost(seeded, action, sign_in):
    one, client = action(), sign_in(CALIDAD)
    seen = page(client, f"/action/analysis/{one.id}").partition('name="seen" value="')[2].partition('"')[0]
    action_plans.save_analysis(seeded, one, ["Lo de la otra persona"], {})
    seeded.commit()
    html = send(client, f"/action/analysis/{one.id}", 422, seen=seen, why="Lo que yo escribí", METHOD="Mi causa")

    assert "Somebody else changed this analysis" in html and "Lo que yo escribí" in html and "Mi causa" in html
    assert [line.text for line in action_plans.causes_of(seeded, again(seeded, one))] == ["Lo de la otra persona"]


def test_too_many_causes_on_a_bone_are_refused_and_kept_as_typed(seeded, action, sign_in):
    one, client = action(), sign_in(CALIDAD)
    seen = page(client, f"/action/analysis/{one.id}").partition('name="seen" value="')[2].partition('"')[0]
    html = send(client, f"/action/analysis/{one.id}", 422, seen=seen, METHOD="\n".join(f"causa {n}" for n in range(9)))

    assert "At most 8 fit." in html and "causa 8" in html
    assert action_plans.causes_of(seeded, one) == []


def test_a_root_cause_without_words_is_refused(seeded, action, sign_in):
    one = action()

    assert "write the root cause in a sentence" in send(sign_in(CALIDAD), f"/action/root/{one.id}", 422, cause=" ")


# ── Rounds and paper ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_done_in_an_earlier_round_stays_readable(seeded, action, sign_in, make):
    one = action("REVIEW", carried_out_at=now() - timedelta(days=20))
    make.judge(one, "NOT_EFFECTIVE", boss_id=make.user(CALIDAD).id)
    html = page(sign_in(DUENO, MINE), f"/action/show/{one.id}")

    earlier = html.partition('<details class="card earlier">')[2].partition("</details>")[0]
    assert "No hay rutina de calibración" in earlier and "Acta firmada" in earlier and "Not effective" in earlier
    assert Gate.HAS_CAUSE.value in html


def test_an_action_is_printed_with_every_round(seeded, action, sign_in, make):
    from pypdf import PdfReader

    one = action("REVIEW", carried_out_at=now() - timedelta(days=20))
    make.judge(one, "NOT_EFFECTIVE", boss_id=make.user(CALIDAD).id)
    answer = sign_in(DUENO, MINE).get(f"/action/paper/{one.id}")
    text = " ".join(" ".join(sheet.extract_text() for sheet in PdfReader(BytesIO(answer.data)).pages).split())

    assert answer.mimetype == "application/pdf"
    for said in (one.number, one.title, "No hay rutina de calibración", "Tarea 1", "Acta firmada", "Ronda 2"):
        assert said in text


def test_the_page_costs_the_same_however_much_happened(seeded, action, sign_in, count_statements):
    few, many = action("RUNNING"), action("RUNNING", n_tasks=12)
    action_plans.end_task(seeded, action_plans.tasks_of(seeded, many)[0], "Acta", ended_on=today(), at=now(), user_id=None)
    for n in range(4):
        actions.postpone(seeded, many, many.due_on + timedelta(days=1 + n), "Llueve", at=now(), user_id=None)
    seeded.commit()
    client, counts = sign_in(DUENO, MINE), []
    for one in (few, many):
        with count_statements() as statements:
            page(client, f"/action/show/{one.id}")
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 12
