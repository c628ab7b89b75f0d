"""A report is sent by mail from its page; its sending is changed, paused and stopped; what was made is listed and taken by its reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.reports import Every, ReportFormat, ReportOutcome
from app.models import ReportRun, ReportSchedule
from app.operations import files, reporting
from app.security import ADMIN, AUXILIAR, CONTROL, SUBGERENTE, TECNICO

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
ADD = "/report-schedule/add?report=response_times"


@pytest.fixture
def boss(make: Any, client: Any, login: Callable[..., Any]) -> Any:
    """The client, signed in as the Subgerente; `client.user` is they."""
    user = make.user(SUBGERENTE)
    client.user = user
    return login(client, user)


def typed(user: Any, **more: Any) -> dict[str, Any]:
    """Return what a filled form sends."""
    told = {
        "name": "Tiempos del mes", "format": "XLSX", "every": "MONTH", "weekday": "", "month_day": "31", "hour": "7", "sends_empty": "y",
        "recipients-0": box(user), "recipients-1": "",
    }  # fmt: skip
    return {**told, **more}


def box(user: Any) -> str:
    return f"{user.first_name} {user.last_name} · {user.username}"


def one(session: Any) -> ReportSchedule:
    session.expire_all()
    return session.scalars(select(ReportSchedule)).one()


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return unescape(response.get_data(as_text=True))


# ── Making one ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_form_of_a_report_knows_its_filter_and_offers_the_reader_as_recipient(boss: Any) -> None:
    page = text_of(boss.get(f"{ADD}&since=2026-06-01&until=2026-06-30"))

    assert box(boss.user) in page
    assert "01/06/2026" in page and "30/06/2026" in page
    assert page.count("recipients-") >= 3


def test_a_sending_is_kept_with_the_filter_of_the_page(boss: Any, make: Any, session: Any) -> None:
    reader = make.user(AUXILIAR)

    answer = boss.post(f"{ADD}&since=2026-06-01&until=2026-06-30", data=typed(boss.user, **{"recipients-1": box(reader)}))

    kept = one(session)
    assert answer.headers["Location"].endswith(f"/report-schedule/show/{kept.id}")
    assert (kept.report, kept.format, kept.every, kept.month_day, kept.hour) == ("response_times", ReportFormat.XLSX, Every.MONTH, 31, 7)
    assert (kept.filters["since"], kept.filters["until"]) == ("2026-06-01", "2026-06-30")
    assert {each.user_id for each in kept.recipients} == {boss.user.id, reader.id}
    assert kept.next_at == datetime(2026, 7, 31, 12, 0, tzinfo=UTC)
    assert kept.owner_id == boss.user.id


def test_looking_shows_the_next_three_days_and_keeps_nothing(boss: Any, session: Any) -> None:
    page = text_of(boss.post(ADD, data=typed(boss.user, look="1")))

    for day in ("31/07/2026", "31/08/2026", "30/09/2026"):
        assert day in page
    assert session.scalars(select(ReportSchedule)).all() == []
    assert "Tiempos del mes" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"hour": "24"}, {"hour": "seis"}, {"every": "WEEK"}, {"month_day": "32"}, {"month_day": ""}, {"recipients-0": ""},
        {"recipients-0": "Nadie · nadie"}, {"format": "DOCX"},
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_told_and_what_was_typed_is_kept(boss: Any, session: Any, wrong: dict[str, str]) -> None:
    page = text_of(boss.post(ADD, data=typed(boss.user, **wrong)), 422)

    assert "data-errors" in page
    assert ("Tiempos del mes" in page) is ("name" not in wrong)
    assert session.scalars(select(ReportSchedule)).all() == []


def test_who_may_not_open_the_report_cannot_be_sent_it(boss: Any, make: Any, session: Any) -> None:
    stranger = make.user(TECNICO)

    page = text_of(boss.post(ADD, data=typed(boss.user, **{"recipients-1": box(stranger)})), 422)

    assert stranger.get_full_name() in page
    assert session.scalars(select(ReportSchedule)).all() == []


def test_without_a_report_or_with_a_wrong_filter_one_is_led_to_correct_it(boss: Any) -> None:
    assert boss.get("/report-schedule/add").headers["Location"].endswith("/reports/")
    assert boss.get("/report-schedule/add?report=nothing").headers["Location"].endswith("/reports/")
    wrong = boss.get(f"{ADD}&since=2026-06-30&until=2026-06-01").headers["Location"]
    assert "/reports/response-times/?" in wrong and "since=2026-06-30" in wrong


# ── Afterwards ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sending(boss: Any, make: Any) -> ReportSchedule:
    """A sending of the Subgerente, with the auxiliar `sending.reader` among those who get it."""
    reader = make.user(AUXILIAR)
    schedule = make.report_schedule(boss.user.id, [boss.user.id, reader.id], AT, name="Diario")
    make.session.commit()
    schedule.reader = reader  # type: ignore[attr-defined]
    return schedule


def test_a_sending_is_changed_and_keeps_its_filter(boss: Any, sending: ReportSchedule, session: Any) -> None:
    page = text_of(boss.get(f"/report-schedule/edit/{sending.id}"))
    assert box(sending.reader) in page  # type: ignore[attr-defined]

    boss.post(f"/report-schedule/edit/{sending.id}", data=typed(boss.user, every="WEEK", weekday="2"))

    kept = one(session)
    assert (kept.name, kept.every, kept.weekday, kept.month_day) == ("Tiempos del mes", Every.WEEK, 2, None)
    assert [each.user_id for each in kept.recipients] == [boss.user.id]
    assert kept.next_at == datetime(2026, 7, 15, 12, 0, tzinfo=UTC)


def test_it_is_paused_resumed_and_stopped_by_its_owner(boss: Any, sending: ReportSchedule, session: Any) -> None:
    boss.post(f"/report-schedule/pause/{sending.id}")
    assert one(session).next_at is None
    boss.post(f"/report-schedule/resume/{sending.id}")
    assert one(session).next_at is not None
    text_of(boss.post(f"/report-schedule/stop/{sending.id}", data={"reason": ""}), 422)

    boss.post(f"/report-schedule/stop/{sending.id}", data={"reason": "Ya no hace falta"})

    assert (one(session).is_active, one(session).stopped_reason) == (False, "Ya no hace falta")
    assert boss.get(f"/report-schedule/edit/{sending.id}").status_code == 404


def test_who_receives_it_sees_it_and_moves_nothing(client: Any, login: Callable[..., Any], sending: ReportSchedule) -> None:
    login(client, sending.reader)  # type: ignore[attr-defined]

    assert "Diario" in text_of(client.get(f"/report-schedule/show/{sending.id}"))
    assert client.get(f"/report-schedule/edit/{sending.id}").status_code == 404
    assert client.post(f"/report-schedule/pause/{sending.id}").status_code == 404


def test_who_receives_it_may_leave_and_the_last_one_pauses_it(
    client: Any, boss: Any, login: Callable[..., Any], sending: ReportSchedule, session: Any
) -> None:
    key, owner_id, reader_id = sending.id, boss.user.id, sending.reader.id  # type: ignore[attr-defined]
    login(client, sending.reader)  # type: ignore[attr-defined]
    client.post(f"/report-schedule/leave/{key}")
    assert [each.user_id for each in one(session).recipients] == [owner_id] != [reader_id]
    assert one(session).is_active
    assert client.get(f"/report-schedule/show/{key}").status_code == 404

    login(client, one(session).owner)
    client.post(f"/report-schedule/leave/{key}")
    client.post(f"/report-schedule/leave/{key}")

    client.post(f"/report-schedule/resume/{key}")

    assert (one(session).recipients, one(session).is_active) == ([], False)


def test_others_do_not_find_it_unless_they_see_all(make: Any, client: Any, login: Callable[..., Any], sending: ReportSchedule) -> None:
    login(client, make.user(AUXILIAR))
    assert client.get(f"/report-schedule/show/{sending.id}").status_code == 404
    login(client, make.user(CONTROL))
    assert client.get(f"/report-schedule/show/{sending.id}").status_code == 200
    assert client.post(f"/report-schedule/pause/{sending.id}").status_code == 404
    login(client, make.user(ADMIN))
    assert client.post(f"/report-schedule/pause/{sending.id}").status_code == 302


def test_pages_of_sendings_cost_the_same_however_many_people(
    boss: Any, make: Any, sending: ReportSchedule, count_statements: Callable[..., Any]
) -> None:
    def costs() -> list[int]:
        found = []
        for url in ("/report-schedule/list/", f"/report-schedule/show/{sending.id}", f"/report-schedule/edit/{sending.id}"):
            with count_statements() as statements:
                text_of(boss.get(url))
            found.append(len(statements))
        return found

    costs()
    before = costs()
    people = [boss.user.id, *(make.user(AUXILIAR).id for _n in range(20))]
    for n in range(10):
        make.report_schedule(boss.user.id, people, AT, name=f"Otro {n}")
    wanted = reporting.Wanted(
        "Diario", "response_times", ReportFormat.XLSX, {}, "", reporting.rhythm_of(sending), people,
    )  # fmt: skip
    reporting.change_schedule(make.session, sending, wanted, at=AT)
    make.session.commit()

    assert costs() == before
    assert before[0] <= 8 and before[1] <= 12 and before[2] <= 14


# ── What was made ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def made(session: Any, user_id: int, expires_on: date = date(2026, 8, 9), **more: Any) -> ReportRun:
    run = reporting.begin_run(session, "response_times", ReportFormat.XLSX, {}, "Todo", user_id, at=AT)
    stored = files.store_file(session, b"contenido", "tiempos.xlsx", "application/vnd.ms-excel")
    reporting.end_run(session, run, ReportOutcome.DONE, at=AT, n_rows=5, n_bytes=9, file=stored, expires_on=expires_on, **more)
    session.commit()
    return run


def test_a_file_is_taken_by_whom_it_was_made_for_and_by_nobody_else(
    boss: Any, make: Any, client: Any, login: Callable[..., Any], session: Any
) -> None:
    reader = make.user(AUXILIAR)
    mine, other = made(session, boss.user.id), made(session, reader.id)

    assert boss.get(f"/report-run/download/{mine.id}").data == b"contenido"
    assert "Todo" in text_of(boss.get(f"/report-run/show/{other.id}"))
    assert boss.get(f"/report-run/download/{other.id}").status_code == 403
    login(client, reader)
    assert client.get(f"/report-run/show/{mine.id}").status_code == 404
    assert client.get(f"/report-run/download/{mine.id}").status_code == 404


def test_a_file_is_refused_once_the_right_is_gone(make: Any, client: Any, login: Callable[..., Any], session: Any) -> None:
    reader = make.user(AUXILIAR)
    run = made(session, reader.id)
    reader.roles = list(make.user("Comercial").roles)
    session.commit()
    login(client, reader)

    assert client.get(f"/report-run/show/{run.id}").status_code == 200
    assert client.get(f"/report-run/download/{run.id}").status_code == 403


def test_a_file_whose_time_is_over_is_not_offered_and_says_so(boss: Any, session: Any) -> None:
    run = made(session, boss.user.id, date(2026, 7, 9))

    assert "/download/" not in text_of(boss.get(f"/report-run/show/{run.id}"))
    answer = boss.get(f"/report-run/download/{run.id}")
    assert answer.headers["Location"].endswith(f"/report-run/show/{run.id}")


def test_each_sees_their_own_runs_and_who_sees_all_sees_all(
    boss: Any, make: Any, client: Any, login: Callable[..., Any], session: Any
) -> None:
    reader = make.user(AUXILIAR)
    made(session, boss.user.id), made(session, reader.id)

    assert text_of(boss.get("/report-run/list/")).count("/report-run/show/") == 2
    assert text_of(boss.get("/report-run/list/?mine=1")).count("/report-run/show/") == 1
    assert text_of(boss.get("/report-run/list/?kept=0")).count("/report-run/show/") == 0
    login(client, reader)
    assert text_of(client.get("/report-run/list/")).count("/report-run/show/") == 1
