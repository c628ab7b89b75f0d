"""A change of the calendar: what it shows before, what it moves, what it never moves, and who waits for whom meanwhile."""

from __future__ import annotations

import contextvars
import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app import queries
from app.domain.errors import CalendarGap
from app.domain.states import DayException, Outcome, PqrStatus
from app.models import CalendarChange, CalendarDay, CalendarYear, ChangeLog, Organisation, Pqr, Process
from app.operations import calendar, notices, requirements
from app.operations import pqr as operations
from app.operations.calendar import CalendarEdit, CalendarRefused, Lateness, OffDay, OfficeHours, StalePreview, TermsAnswered
from tests.factories import stop

CHIQUINQUIRA = date(2026, 7, 13)
TODAY = date(2026, 7, 10)
REASON = "Ley 2578 de 2026: lunes festivo"


def instant(day: str | date, hour: int = 10) -> datetime:
    """Return *hour* o'clock in Bogotá (UTC-5) on *day*."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def off(on: date, kind: DayException = DayException.HOLIDAY, name: str = "Virgen de Chiquinquirá") -> OffDay:
    return OffDay(on, kind, name, "Ley 2578 de 2026", "Diario Oficial")


ADDING = CalendarEdit(add=(off(CHIQUINQUIRA),))
REMOVING = CalendarEdit(remove=(CHIQUINQUIRA,))


def change(session, edit: CalendarEdit, on: date = TODAY, hour: int = 12, reason: str = REASON) -> CalendarChange:
    """Read the preview of *edit* and apply it, as an administrator does."""
    digest = calendar.preview(session, edit, on).digest
    made = calendar.apply_edit(session, edit, reason, digest=digest, at=instant(on, hour), actor_id=None)
    session.expire_all()
    return made


def dates(pqr: Pqr) -> tuple[date | None, date | None, date | None]:
    return pqr.effective_on, pqr.safe_on, pqr.due_on


def process(session) -> Process:
    return session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()


def routed(session, a_case, on: str = "2026-07-10", **fields) -> Pqr:
    pqr = a_case(at=instant(on, 8), **fields)
    operations.route(session, pqr, process(session), "Revisar el consumo", at=instant(on, 9), actor_id=None)
    return pqr


def answered(session, pqr: Pqr, on: str) -> Pqr:
    operations.solve(session, pqr, "Se revisó", Outcome.GRANTED, at=instant(on, 10), actor_id=None)
    operations.mark_answered(session, pqr, at=instant(on, 11), actor_id=None)
    return pqr


def notified(session, pqr: Pqr, on: str) -> Pqr:
    notices.record_notice(session, pqr, served_on=date.fromisoformat(on), proof="Recibió la titular", at=instant(on, 11), actor_id=None)
    return pqr


@pytest.fixture
def old_calendar(seeded):
    """The seeded database as it was before the law of June 2026: 13 July is a working day."""
    seeded.delete(seeded.scalars(select(CalendarDay).where(CalendarDay.on == CHIQUINQUIRA)).one())
    seeded.flush()
    queries.forget_calendar(seeded)
    return seeded


# ── What moves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_new_july_holiday_moves_a_case_of_the_tenth_from_the_third_to_the_fourth_of_august(old_calendar, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    assert dates(pqr) == (date(2026, 7, 10), date(2026, 7, 31), date(2026, 8, 3))

    shown = calendar.preview(old_calendar, ADDING, TODAY)
    assert [(case.number, case.before["due_on"], case.after["due_on"], case.lateness) for case in shown.moved] == [
        (pqr.number, date(2026, 8, 3), date(2026, 8, 4), Lateness.SAME)
    ]
    assert pqr.due_on == date(2026, 8, 3), "a preview changes nothing"

    change(old_calendar, ADDING)
    assert dates(pqr) == (date(2026, 7, 10), date(2026, 8, 3), date(2026, 8, 4))


def test_removing_the_holiday_moves_the_case_back(seeded, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    assert pqr.due_on == date(2026, 8, 4)

    change(seeded, REMOVING)

    assert dates(pqr) == (date(2026, 7, 10), date(2026, 7, 31), date(2026, 8, 3))


def test_a_case_filed_on_the_day_itself_counts_as_filed_on_the_next(old_calendar, a_case):
    pqr = a_case(at=instant("2026-07-13"))
    assert dates(pqr) == (CHIQUINQUIRA, date(2026, 8, 3), date(2026, 8, 4))

    change(old_calendar, CalendarEdit(add=(off(CHIQUINQUIRA),)), on=date(2026, 7, 13))

    assert dates(pqr) == (date(2026, 7, 14), date(2026, 8, 4), date(2026, 8, 5))


def test_a_stopped_case_gets_its_remaining_days_again(old_calendar, a_case):
    pqr = routed(old_calendar, a_case)
    at = instant("2026-07-14")
    stop(old_calendar, pqr, "Falta la prueba", "Auto 12", at=at, actor_id=None)
    assert (pqr.due_on, pqr.n_days_left_when_stopped) == (None, 13)

    made = change(old_calendar, ADDING, on=date(2026, 7, 14))

    assert (pqr.due_on, pqr.n_days_left_when_stopped) == (None, 14)
    assert (made.moved[0]["from"], made.moved[0]["to"]) == ({"n_days_left_when_stopped": 13}, {"n_days_left_when_stopped": 14})


def test_the_term_to_appeal_of_a_notified_case_moves_and_its_answered_term_does_not(old_calendar, a_case):
    pqr = notified(old_calendar, answered(old_calendar, routed(old_calendar, a_case), "2026-07-10"), "2026-07-10")
    assert pqr.appeal_until == date(2026, 7, 17)
    due_on = pqr.due_on

    change(old_calendar, ADDING)

    assert (pqr.appeal_until, pqr.due_on) == (date(2026, 7, 21), due_on)


def test_a_case_that_no_changed_day_touches_stays_out_of_the_preview(old_calendar, a_case):
    a_case(at=instant("2026-06-10"))
    a_case(at=instant("2026-07-14"))

    assert calendar.preview(old_calendar, ADDING, TODAY).moved == ()


def test_a_holiday_on_a_sunday_moves_nothing(seeded, a_case):
    a_case(at=instant("2026-07-10"))

    assert calendar.preview(seeded, CalendarEdit(add=(off(date(2026, 7, 12)),)), TODAY).moved == ()


def test_the_preview_tells_which_cases_become_late_and_which_cease_to_be(seeded, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    today = pqr.due_on

    removing = calendar.preview(seeded, REMOVING, today)
    adding = calendar.preview(seeded, CalendarEdit(add=(off(date(2026, 7, 21)),)), today + timedelta(1))

    assert [case.lateness for case in removing.moved] == [Lateness.BECOMES_LATE]
    assert [case.lateness for case in adding.moved] == [Lateness.LEAVES_LATENESS]


def test_correcting_the_norm_of_a_day_moves_nothing(seeded, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    edit = CalendarEdit(remove=(CHIQUINQUIRA,), add=(off(CHIQUINQUIRA, name="Chiquinquirá"),))

    made = change(seeded, edit)

    row = seeded.scalars(select(CalendarDay).where(CalendarDay.on == CHIQUINQUIRA)).one()
    assert (row.name, row.norm, made.moved, pqr.due_on) == ("Chiquinquirá", "Ley 2578 de 2026", [], date(2026, 8, 4))


def test_a_holiday_moved_to_another_day_is_one_change(seeded, a_case):
    pqr = a_case(at=instant("2026-07-20"))
    edit = CalendarEdit(remove=(CHIQUINQUIRA,), add=(off(date(2026, 7, 22)),))

    made = change(seeded, edit)

    assert [day["on"] for day in made.removed] == ["2026-07-13"]
    assert [day["on"] for day in made.added] == ["2026-07-22"]
    assert pqr.due_on == date(2026, 8, 13)


# ── What never moves ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answered_case_does_not_move(old_calendar, a_case):
    pqr = answered(old_calendar, routed(old_calendar, a_case), "2026-07-10")

    made = change(old_calendar, ADDING)

    assert (pqr.status, pqr.due_on, made.moved) == (PqrStatus.ANSWERED, date(2026, 8, 3), [])


def test_the_reason_of_the_date_of_an_answered_case_keeps_ending_on_its_date(old_calendar, a_case):
    pqr = answered(old_calendar, routed(old_calendar, a_case), "2026-07-10")

    change(old_calendar, ADDING)

    assert operations.deadline_for(old_calendar, pqr).due_on == pqr.due_on == date(2026, 8, 3)
    assert [step.on for step in operations.steps_for(old_calendar, pqr) if step.is_due] == [date(2026, 8, 3)]


def test_a_past_day_under_answered_cases_is_refused_until_somebody_confirms_that_they_stay(old_calendar, a_case):
    closed = answered(old_calendar, routed(old_calendar, a_case), "2026-07-15")
    pending = a_case(at=instant("2026-07-10"))
    today = date(2026, 7, 16)

    with pytest.raises(TermsAnswered) as refused:
        calendar.preview(old_calendar, ADDING, today)
    assert refused.value.fields == {"n": 1, "days": "13/07/2026"}

    confirmed = CalendarEdit(add=ADDING.add, keeps_answered=True)
    assert calendar.preview(old_calendar, confirmed, today).n_answered == 1
    change(old_calendar, confirmed, on=today)
    assert (closed.due_on, pending.due_on) == (date(2026, 8, 3), date(2026, 8, 4))


def test_a_past_day_that_no_answered_term_touches_needs_no_confirmation(old_calendar, a_case):
    answered(old_calendar, routed(old_calendar, a_case, on="2026-07-14"), "2026-07-15")
    pending = a_case(at=instant("2026-07-10"))

    change(old_calendar, ADDING, on=date(2026, 7, 16))

    assert pending.due_on == date(2026, 8, 4)


# ── Hours and years ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_working_saturday_brings_every_open_term_closer(seeded, a_case):
    pqr = a_case(at=instant("2026-07-10"))

    made = change(seeded, CalendarEdit(hours=OfficeHours("123456")))

    assert seeded.scalar(select(Organisation.working_week)) == "123456"
    assert pqr.due_on == date(2026, 7, 30)
    assert made.settings == {"working_week": ["12345", "123456"]}


def test_an_earlier_closing_time_makes_a_late_filing_count_as_of_the_next_day(seeded, a_case):
    pqr = a_case(at=instant("2026-07-09", 16))
    assert dates(pqr) == (date(2026, 7, 9), date(2026, 7, 31), date(2026, 8, 3))

    made = change(seeded, CalendarEdit(hours=OfficeHours("12345", time(8), time(15, 30))))

    assert dates(pqr) == (date(2026, 7, 10), date(2026, 8, 3), date(2026, 8, 4))
    assert made.settings == {"opens_at": [None, "08:00:00"], "closes_at": [None, "15:30:00"]}


def test_an_answered_case_keeps_its_reason_when_the_hours_change(seeded, a_case):
    pqr = answered(seeded, routed(seeded, a_case, on="2026-07-09"), "2026-07-10")
    due_on = pqr.due_on

    change(seeded, CalendarEdit(hours=OfficeHours("123456", None, time(7))))

    assert operations.deadline_for(seeded, pqr).due_on == pqr.due_on == due_on


def test_a_new_year_is_loaded_from_the_library_with_its_laws(seeded):
    made = calendar.load_year(seeded, 2036, "Se acerca el año 2036", at=instant(TODAY))

    days = seeded.scalars(select(CalendarDay).where(CalendarDay.year == 2036).order_by(CalendarDay.on)).all()
    assert seeded.get(CalendarYear, 2036).source.startswith("PyPI: holidays ")
    assert (days[0].on, days[0].name, days[0].norm) == (date(2036, 1, 1), "Año Nuevo", "Ley 51 de 1983, art. 1")
    assert any("Ley 2578 de 2026" in day.norm for day in days)
    assert (made.settings, made.moved, len(made.added)) == ({"years": [2036]}, [], len(days))
    assert queries.calendar_of(seeded, queries.organisation(seeded)).covers(date(2036, 5, 1))


@pytest.mark.parametrize("year", [2026, 1980, 2101])
def test_a_year_that_is_loaded_or_out_of_reach_is_refused(seeded, year):
    with pytest.raises(CalendarRefused):
        calendar.load_year(seeded, year, "Se acerca el año", at=instant(TODAY))


def test_a_change_that_pushes_a_term_into_a_year_that_nobody_loaded_is_refused(seeded, a_case):
    last = date(2035, 12, 31)
    pqr = a_case(at=instant("2035-12-07"))
    while pqr.due_on < date(2035, 12, 28):
        pqr = a_case(at=instant(pqr.filed_on + timedelta(1)))
    days = tuple(off(on) for on in (last - timedelta(n) for n in range(10)) if on.weekday() < 5 and on != date(2035, 12, 25))

    with pytest.raises(CalendarGap) as gap:
        calendar.preview(seeded, CalendarEdit(add=days), date(2035, 12, 1))

    assert gap.value.year == 2036


# ── What is refused ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (CalendarEdit(), "on"),
        (CalendarEdit(add=(off(CHIQUINQUIRA),)), "on"),
        (CalendarEdit(add=(off(date(2026, 7, 15)), off(date(2026, 7, 15)))), "on"),
        (CalendarEdit(add=(off(date(2041, 7, 15)),)), "on"),
        (CalendarEdit(remove=(date(2026, 7, 14),)), "on"),
        (CalendarEdit(add=(OffDay(date(2026, 7, 15), DayException.CLOSURE, " ", "Resolución 1"),)), "name"),
        (CalendarEdit(add=(OffDay(date(2026, 7, 15), DayException.CLOSURE, "Inventario", ""),)), "norm"),
        (CalendarEdit(add=(OffDay(date(2026, 7, 15), DayException.CLOSURE, "x" * 121, "Resolución 1"),)), "name"),
        (CalendarEdit(years=(2030,)), "load"),
        (CalendarEdit(hours=OfficeHours("12345")), "on"),
        (CalendarEdit(hours=OfficeHours("")), "working_week"),
        (CalendarEdit(hours=OfficeHours("1289")), "working_week"),
        (CalendarEdit(hours=OfficeHours("12345", time(18), time(8))), "closes_at"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_edit_that_does_not_fit_is_refused_and_names_the_field(seeded, edit, field):
    with pytest.raises(CalendarRefused) as refused:
        calendar.preview(seeded, edit, TODAY)

    assert refused.value.field == field


@pytest.mark.parametrize("reason", ["", "   ", "corto", "a       b  "])
def test_a_change_without_a_real_reason_is_refused(seeded, reason):
    digest = calendar.preview(seeded, REMOVING, TODAY).digest

    with pytest.raises(CalendarRefused) as refused:
        calendar.apply_edit(seeded, REMOVING, reason, digest=digest, at=instant(TODAY), actor_id=None)

    assert refused.value.field == "reason"
    assert seeded.scalar(select(func.count()).select_from(CalendarChange)) == 0


def test_a_preview_is_stale_once_another_case_that_moves_is_filed(seeded, a_case):
    digest = calendar.preview(seeded, REMOVING, TODAY).digest
    pqr = a_case(at=instant("2026-07-10"))

    with pytest.raises(StalePreview) as stale:
        calendar.apply_edit(seeded, REMOVING, REASON, digest=digest, at=instant(TODAY), actor_id=None)

    assert [case.number for case in stale.value.preview.moved] == [pqr.number]
    assert pqr.due_on == date(2026, 8, 4)


def test_a_preview_is_stale_once_the_calendar_changed(seeded, a_case):
    a_case(at=instant("2026-07-10"))
    digest = calendar.preview(seeded, REMOVING, TODAY).digest
    change(seeded, CalendarEdit(add=(off(date(2027, 3, 1)),)))

    with pytest.raises(StalePreview):
        calendar.apply_edit(seeded, REMOVING, REASON, digest=digest, at=instant(TODAY), actor_id=None)


def test_a_preview_holds_while_a_case_that_does_not_move_is_filed(seeded, a_case):
    digest = calendar.preview(seeded, REMOVING, TODAY).digest
    a_case(at=instant("2026-07-14"))

    assert calendar.apply_edit(seeded, REMOVING, REASON, digest=digest, at=instant(TODAY), actor_id=None).moved == []


@pytest.mark.parametrize("data", [None, {}, [], {"add": [{"on": "2026-02-30"}], "remove": [], "years": [], "hours": None}])
def test_an_edit_that_cannot_be_read_is_refused(data):
    with pytest.raises(CalendarRefused):
        CalendarEdit.from_data(data)


def test_an_edit_survives_the_way_through_a_form():
    edit = CalendarEdit((off(CHIQUINQUIRA),), (date(2026, 7, 20),), (2036,), OfficeHours("123", time(7, 30), None), True)

    assert CalendarEdit.from_data(edit.as_data()) == edit


# ── What is remembered ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_leaves_its_record_and_a_line_for_every_row_it_touched(seeded, a_case, a_user):
    admin = a_user("Admin")
    pqr = a_case(at=instant("2026-07-10"))
    digest = calendar.preview(seeded, REMOVING, TODAY).digest
    seeded.info["actor_id"] = admin.id

    made = calendar.apply_edit(seeded, REMOVING, REASON, digest=digest, at=instant(TODAY), actor_id=admin.id)

    assert (made.actor_id, made.reason) == (admin.id, REASON)
    assert [(day["on"], day["kind"]) for day in made.removed] == [("2026-07-13", "HOLIDAY")]
    assert [(case["number"], case["to"]["due_on"]) for case in made.moved] == [(pqr.number, "2026-08-03")]
    lines = seeded.scalars(select(ChangeLog).where(ChangeLog.reason == REASON).order_by(ChangeLog.id)).all()
    assert [(line.table_name, line.action, line.actor_id) for line in lines] == [
        ("calendar_day", "delete", admin.id),
        ("pqr", "update", admin.id),
    ]
    assert lines[1].row_id == str(pqr.id)
    assert lines[1].before == {"due_on": "2026-08-04", "safe_on": "2026-08-03"}
    assert lines[1].after == {"due_on": "2026-08-03", "safe_on": "2026-07-31"}
    seeded.expire_all()
    assert (pqr.changed_by_id, pqr.changed_at) == (admin.id, instant(TODAY))


def test_the_calendar_of_an_earlier_instant_is_rebuilt_from_the_changes(seeded):
    organisation = queries.organisation(seeded)
    versions = [queries.calendar_of(seeded, organisation).version]
    edits = [REMOVING, CalendarEdit(hours=OfficeHours("123456", None, time(16))), CalendarEdit(add=(off(date(2026, 7, 13)),))]
    for hour, edit in enumerate(edits, start=1):
        change(seeded, edit, hour=hour)
        versions.append(queries.calendar_of(seeded, organisation).version)

    assert [queries.calendar_at(seeded, organisation, instant(TODAY, hour)).version for hour in range(4)] == versions


def test_no_stored_date_differs_from_its_derivation_after_changes(old_calendar, a_case):
    routed(old_calendar, a_case)
    answered(old_calendar, routed(old_calendar, a_case), "2026-07-10")
    notified(old_calendar, answered(old_calendar, routed(old_calendar, a_case, on="2026-07-09"), "2026-07-10"), "2026-07-10")
    stopped = routed(old_calendar, a_case)
    stop(old_calendar, stopped, "Falta la prueba", "Auto 12", at=instant(TODAY, 11), actor_id=None)
    change(old_calendar, ADDING, hour=13)
    operations.void(old_calendar, a_case(at=instant(TODAY, 14)), "Radicada dos veces", at=instant(TODAY, 15), actor_id=None)
    change(old_calendar, CalendarEdit(remove=(date(2026, 7, 20),)), hour=16)

    assert calendar.differing(old_calendar, TODAY) == []


def test_a_date_written_by_hand_is_found_and_an_open_one_is_put_right(seeded, a_case):
    pending, done = a_case(at=instant("2026-07-10")), answered(seeded, routed(seeded, a_case), "2026-07-10")
    seeded.execute(update(Pqr).values(due_on=date(2026, 8, 14)))
    seeded.expire_all()

    assert [case.number for case in calendar.differing(seeded, TODAY)] == sorted([pending.number, done.number])

    moved = calendar.recompute(seeded, "Revisión del reloj", at=instant(TODAY))
    assert [(case.number, case.after) for case in moved] == [(pending.number, {"due_on": date(2026, 8, 4)})]
    assert [case.number for case in calendar.differing(seeded, TODAY)] == [done.number]
    line = seeded.scalars(select(ChangeLog).where(ChangeLog.reason == "Revisión del reloj")).one()
    assert (line.row_id, line.before, line.after) == (str(pending.id), {"due_on": "2026-08-14"}, {"due_on": "2026-08-04"})


def run(app, *args):
    """Run the command outside of the context of the test, as a shell does."""
    return contextvars.Context().run(app.test_cli_runner().invoke, args=["atiende", "recompute", *args])


def test_the_command_finds_nothing_in_a_sound_database(app, seeded, a_case):
    a_case(at=instant("2026-07-10"))
    seeded.commit()

    result = run(app, "--dry-run")

    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1), result.output


def test_the_command_lists_wrong_dates_without_touching_them_and_then_puts_them_right(app, seeded, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    seeded.execute(update(Pqr).values(due_on=date(2026, 8, 14)))
    seeded.commit()

    dry = run(app, "--dry-run")
    seeded.expire_all()
    assert dry.exit_code == 1
    assert pqr.number in dry.stdout and "14/08/2026" in dry.stdout and "04/08/2026" in dry.stdout
    assert pqr.due_on == date(2026, 8, 14)

    wet = run(app)
    seeded.expire_all()
    assert (wet.exit_code, pqr.due_on) == (0, date(2026, 8, 4)), wet.output
    assert pqr.number in wet.stdout


# ── Any sequence of changes ───────────────────────────────────────────────────────────────────────────────────────────────

days = st.dates(date(2026, 6, 25), date(2026, 8, 20))
weeks = st.sampled_from(["12345", "123456", "1234", "1234567", "25"])
closings = st.sampled_from([None, time(9), time(17)])
steps = st.one_of(
    st.tuples(st.just("turn"), st.sets(days, min_size=1, max_size=4)),
    st.tuples(st.just("hours"), st.tuples(weeks, closings)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(steps, min_size=1, max_size=4))
def test_after_any_sequence_of_changes_every_open_case_is_due_when_the_engine_says(seeded, make, edits):
    savepoint = seeded.begin_nested()
    pqrs = [make.case(at=instant(day, hour)) for day, hour in (("2026-07-01", 8), ("2026-07-10", 18), ("2026-07-12", 10))]
    stopped, resumed = pqrs[0], pqrs[1]
    for pqr in (stopped, resumed):
        operations.route(seeded, pqr, process(seeded), "Revisar", at=instant("2026-07-13"), actor_id=None)
        stop(seeded, pqr, "Prueba", "Auto 12", at=instant("2026-07-14"), actor_id=None)
    requirements.close_evidence(seeded, resumed, "Practicada", at=instant("2026-07-16"), actor_id=None)
    for n, (what, value) in enumerate(edits):
        if what == "turn":
            there = {day.on for day in queries.calendar_of(seeded, queries.organisation(seeded)).days}
            edit = CalendarEdit(tuple(off(on) for on in sorted(value - there)), tuple(sorted(value & there)))
        else:
            edit = CalendarEdit(hours=OfficeHours(value[0], None, value[1]))
        try:
            change(seeded, edit, on=date(2026, 7, 16), hour=17 + n)
        except CalendarRefused as refused:
            assert refused.msgid == "This changes nothing."

    assert calendar.differing(seeded, date(2026, 7, 16)) == []
    for pqr in pqrs:
        derived = operations.deadline_for(seeded, pqr)
        assert (pqr.effective_on, pqr.due_on, pqr.safe_on) == (derived.effective_on, derived.due_on, derived.safe_on)
        assert pqr.n_days_left_when_stopped == derived.remaining
    savepoint.rollback()
    seeded.expunge_all()  # SQLite gives the same ids out again
    queries.forget_calendar(seeded)


# ── Two at once ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Other(threading.Thread):
    """Somebody else: a thread with its own application context, session and connection."""

    def __init__(self, app, work):
        super().__init__(daemon=True)
        self.app, self.work, self.error = app, work, None

    def run(self):
        def inside():
            with self.app.app_context():
                self.work()

        try:
            contextvars.Context().run(inside)
        except BaseException as error:
            self.error = error

    def finish(self):
        self.join(30)
        assert not self.is_alive(), "they wait for each other"
        if self.error:
            raise self.error


def file_case(app, at, before_commit=lambda: None):
    from app.extensions import db
    from tests.factories import Factory

    def work():
        session = db.session()
        queries.calendar_of(session, queries.organisation(session))  # read before, as a page does
        pqr = Factory(session).case(at=at)
        before_commit()
        session.commit()
        work.number = pqr.number

    return work


def test_a_change_waits_for_a_filing_that_is_not_committed_and_moves_it_too(fresh_app):
    from app.extensions import db

    filed, may_commit = threading.Event(), threading.Event()

    def hold():
        filed.set()
        may_commit.wait(30)

    filing = Other(fresh_app, file_case(fresh_app, instant("2026-07-10"), hold))
    started = threading.Event()

    def apply():
        session = db.session()
        started.set()
        with session.no_autoflush:
            calendar._take_calendar(session)
        digest = calendar.preview(session, REMOVING, TODAY).digest
        apply.made = calendar.apply_edit(session, REMOVING, REASON, digest=digest, at=instant(TODAY), actor_id=None).moved
        session.commit()

    filing.start()
    assert filed.wait(30)
    changing = Other(fresh_app, apply)
    changing.start()
    assert started.wait(30)
    changing.join(0.3)
    assert changing.is_alive(), "it waits for the filing"
    may_commit.set()
    filing.finish()
    changing.finish()

    assert [case["number"] for case in apply.made] == [filing.work.number]
    with fresh_app.app_context():
        assert db.session.scalars(select(Pqr)).one().due_on == date(2026, 8, 3)


def test_a_filing_waits_for_a_change_that_is_not_committed_and_counts_with_the_new_calendar(fresh_app):
    from app.extensions import db

    filing = Other(fresh_app, file_case(fresh_app, instant("2026-07-10")))
    with fresh_app.app_context():
        session = db.session()
        change(session, REMOVING)
        filing.start()
        filing.join(0.3)
        assert filing.is_alive(), "it waits for the change"
        session.commit()
        filing.finish()

        assert session.scalars(select(Pqr)).one().due_on == date(2026, 8, 3)


def test_a_move_and_a_change_on_one_case_wait_and_do_not_block_each_other(fresh_app):
    """The move locks calendar, then row; so does the change. Neither order of arrival is a deadlock."""
    from app.extensions import db

    with fresh_app.app_context():
        session = db.session()
        from tests.factories import Factory

        pqr = Factory(session).case(at=instant("2026-07-10"))
        number = pqr.number
        session.commit()
        change(session, REMOVING)

        def move():
            other = db.session()
            case = queries.case_by_number(other, number)
            operations.route(other, case, process(other), "Revisar", at=instant(TODAY, 13), actor_id=None)
            stop(other, case, "Prueba", "Auto 12", at=instant("2026-07-14"), actor_id=None)
            other.commit()

        moving = Other(fresh_app, move)
        moving.start()
        moving.join(0.3)
        assert moving.is_alive()
        session.commit()
        moving.finish()
        session.expire_all()

        assert (pqr.status, pqr.n_days_left_when_stopped) == (PqrStatus.EVIDENCE, 13)
        assert calendar.differing(session, date(2026, 7, 14)) == []


def test_a_session_that_lives_long_files_with_the_calendar_of_its_own_transaction(fresh_app):
    """A worker that read the calendar an hour ago counts with the one of now."""
    from app.extensions import db
    from tests.factories import Factory

    with fresh_app.app_context():
        session = db.session()
        old = queries.calendar_of(session, queries.organisation(session))
        session.commit()

        def apply():
            change(db.session(), REMOVING)
            db.session.commit()

        changing = Other(fresh_app, apply)
        changing.start()
        changing.finish()
        pqr = Factory(session).case(at=instant("2026-07-10"))

        assert not old.is_working_day(CHIQUINQUIRA)
        assert pqr.due_on == date(2026, 8, 3)
