"""The tables of docs/rules/reminders.md, and what holds for every term, calendar and row of missed nights."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.calendar import ONE_DAY, BusinessCalendar, NonWorkingDay
from app.domain.errors import CalendarGap, DomainError
from app.domain.reminders import VALUES, Rule, Telling, Term, may_tell, to_tell
from app.domain.states import ReminderTrigger
from tests.unit.test_calendar import COLOMBIA as CALENDAR

PAGE = (Path(__file__).parents[2] / "docs/rules/reminders.md").read_text(encoding="utf-8")
DAY = r"\d{4}-\d\d-\d\d"
MARCH = Term(date(2026, 3, 10), date(2026, 4, 1), date(2026, 3, 31))


def rows(header: str) -> list[list[str]]:
    """Return the cells of the table that begins with *header*."""
    table = PAGE[PAGE.index(f"| {header} |") :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def days_in(cell: str) -> list[date]:
    return [date.fromisoformat(day) for day in re.findall(DAY, cell)]


def told(rule: Rule, term: Term, until: date, calendar: BusinessCalendar = CALENDAR, missed: Collection[date] = ()) -> dict[date, Telling]:
    """Return by day what is told when the rule is asked on every working day but those *missed*."""
    found: dict[date, Telling] = {}
    last, day = None, term.started_on
    while day <= until:
        telling = to_tell(rule, term, last, calendar, day) if calendar.is_working_day(day) and day not in missed else None
        if telling:
            found[day], last = telling, telling.step
        day += ONE_DAY
    return found


@pytest.mark.parametrize(("starts", "safe", "due", "moment", "number", "expected", "_why"), rows("Starts"))
def test_the_dates_of_the_page_are_those_of_the_code(starts, safe, due, moment, number, expected, _why):
    term = Term(*(date.fromisoformat(day) for day in (starts, due, safe)))
    days = days_in(expected)
    until = max(days[-1], term.due_on)

    found = told(Rule(ReminderTrigger[moment], int(number)), term, until)

    assert list(found) == days
    assert [telling.step for telling in found.values()] == days


@pytest.mark.parametrize(("missed", "expected"), rows("No run on"))
def test_the_newest_step_stands_for_those_of_the_missed_nights(missed, expected):
    wanted = [(date.fromisoformat(day), int(n)) for day, n in re.findall(rf"({DAY}) \((\d+)\)", expected)]

    found = told(Rule(ReminderTrigger.EACH_DAY, 75), MARCH, date(2026, 4, 10), missed=days_in(missed))

    assert [(day, telling.n_covered) for day, telling in found.items()] == wanted


def test_the_page_has_its_tables():
    assert len(rows("Starts")) >= 10
    assert len(rows("No run on")) == 3
    assert {row[3] for row in rows("Starts")} == {trigger.name for trigger in ReminderTrigger}


def test_a_stopped_clock_tells_nothing_and_imported_rows_are_no_news():
    stopped = Term(date(2026, 3, 10), None)
    imported = Term(date(2026, 3, 10), date(2026, 4, 1), date(2026, 3, 31), is_news=False)

    assert all(to_tell(Rule(trigger, max(VALUES[trigger])), stopped, None, CALENDAR, date(2026, 6, 1)) is None for trigger in VALUES)
    assert to_tell(Rule(ReminderTrigger.AT_START), imported, None, CALENDAR, date(2026, 6, 1)) is None
    assert to_tell(Rule(ReminderTrigger.AT_PERCENT, 50), imported, None, CALENDAR, date(2026, 6, 1)) == Telling(date(2026, 3, 19))


def test_the_days_of_a_stop_are_no_part_of_the_percentage():
    """Two of fifteen days had passed when the clock stopped for two months: half of the term lies ahead, not behind."""
    started, resumed = date(2026, 3, 10), date(2026, 5, 14)
    due = CALENDAR.add(resumed, 13)
    safe = CALENDAR.previous_working_day(due)
    term = Term(started, due, safe, n_days=14)

    assert to_tell(Rule(ReminderTrigger.AT_PERCENT, 50), term, None, CALENDAR, resumed) is None
    assert list(told(Rule(ReminderTrigger.AT_PERCENT, 50), term, due)) == [CALENDAR.previous_working_day(safe, 7)]


def test_a_term_that_moved_later_is_told_again_and_one_that_moved_earlier_is_not():
    half = Rule(ReminderTrigger.AT_PERCENT, 50)
    later, earlier = (Term(MARCH.started_on, MARCH.due_on + timedelta(days), None) for days in (14, -7))
    last = to_tell(half, MARCH, None, CALENDAR, date(2026, 3, 20)).step

    assert to_tell(half, MARCH, last, CALENDAR, date(2026, 4, 1)) is None
    assert to_tell(half, later, last, CALENDAR, date(2026, 4, 1)).step > last
    assert to_tell(half, earlier, last, CALENDAR, date(2026, 4, 1)) is None


def test_what_has_no_safe_date_of_its_own_is_to_be_done_the_working_day_before():
    order = Term(date(2026, 7, 15), date(2026, 7, 20))  # a holiday

    assert to_tell(Rule(ReminderTrigger.DAYS_BEFORE, 0), order, None, CALENDAR, date(2026, 7, 17)) == Telling(date(2026, 7, 17))
    assert to_tell(Rule(ReminderTrigger.DAYS_BEFORE, 0), order, None, CALENDAR, date(2026, 7, 16)) is None
    assert to_tell(Rule(ReminderTrigger.OVERDUE), order, None, CALENDAR, date(2026, 7, 21)) == Telling(date(2026, 7, 21))


def test_what_starts_and_ends_on_one_day_is_told_that_day():
    urgent = Term(date(2026, 7, 15), date(2026, 7, 15))

    assert to_tell(Rule(ReminderTrigger.AT_PERCENT, 50), urgent, None, CALENDAR, date(2026, 7, 15)) == Telling(date(2026, 7, 15))
    assert to_tell(Rule(ReminderTrigger.EACH_DAY, 75), urgent, None, CALENDAR, date(2026, 7, 31)) is None


@pytest.mark.parametrize(
    ("trigger", "value"),
    [("AT_START", 1), ("AT_PERCENT", 0), ("AT_PERCENT", 101), ("DAYS_BEFORE", -1), ("EACH_DAY", 0), ("OVERDUE", 366)],
)
def test_a_number_that_the_moment_does_not_take_is_refused_beside_its_field(trigger, value):
    with pytest.raises(DomainError) as refusal:
        Rule(ReminderTrigger[trigger], value)

    assert refusal.value.field == "value"
    assert refusal.value.fields == {"least": min(VALUES[ReminderTrigger[trigger]]), "most": max(VALUES[ReminderTrigger[trigger]])}



def test_what_goes_up_after_many_days_late_asks_for_no_year_that_is_not_loaded() -> None:
    due = date(2026, 12, 10)
    rule = Rule(ReminderTrigger.DAYS_LATE, 30)
    until_new_year = BusinessCalendar((), {2026})

    assert to_tell(rule, Term(date(2026, 12, 1), due), None, until_new_year, date(2026, 12, 31)) is None
    assert until_new_year.add(due, 3) == date(2026, 12, 15)
    assert to_tell(Rule(ReminderTrigger.DAYS_LATE, 3), Term(date(2026, 12, 1), due), None, until_new_year, date(2026, 12, 15)) == Telling(
        date(2026, 12, 15)
    )


def test_a_year_that_nobody_loaded_is_not_guessed():
    with pytest.raises(CalendarGap):
        to_tell(Rule(ReminderTrigger.AT_START), Term(date(1999, 1, 4), date(1999, 1, 29)), None, CALENDAR, date(2026, 1, 5))


# ── At which hours ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("at", "may"),
    [
        ("2026-07-10T07:59", False), ("2026-07-10T08:00", True), ("2026-07-10T17:59", True), ("2026-07-10T18:00", False),
        ("2026-07-10T23:30", False), ("2026-07-11T10:00", False), ("2026-07-12T10:00", False), ("2026-07-13T10:00", False),
        ("2026-07-20T10:00", False), ("2026-07-21T10:00", True),
    ],
)  # fmt: skip
def test_nobody_is_told_at_night_at_weekends_or_on_holidays(at, may):
    assert may_tell(datetime.fromisoformat(at), CALENDAR) is may


def test_the_hours_of_the_house_count_when_it_told_them():
    seven, noon, evening = (datetime(2026, 7, 10, hour) for hour in (7, 12, 18))

    assert may_tell(seven, CALENDAR, time(7), time(16))
    assert not may_tell(evening, CALENDAR, time(7), time(16))
    assert not may_tell(seven, CALENDAR, None, time(16))
    assert may_tell(noon, CALENDAR, time(20), None)  # an hour that contradicts the other one counts as untold
    assert not may_tell(evening, CALENDAR, time(20), None)


# ── Whatever the nights ───────────────────────────────────────────────────────────────────────────────────────────────────

starts = st.dates(date(2024, 1, 1), date(2030, 6, 30))
rules = st.sampled_from(list(VALUES)).flatmap(lambda trigger: st.builds(Rule, st.just(trigger), st.sampled_from(VALUES[trigger])))
closures = st.lists(st.builds(NonWorkingDay, starts, st.just("Flood"), is_closure=st.just(True)), max_size=20)


@st.composite
def lives(draw):
    """A calendar, a term in it, a rule, and the days on which somebody ran the reminders."""
    calendar = CALENDAR.with_changes(add=draw(closures))
    started = draw(starts)
    due = calendar.add(calendar.next_working_day(started), draw(st.integers(1, 60)))
    safe = draw(st.sampled_from([None, max(calendar.previous_working_day(due), calendar.next_working_day(started))]))
    term = Term(started, due, safe, draw(st.sampled_from([None, 5, 14])))
    n_days = (due - started).days + 30
    nights = sorted(draw(st.sets(st.integers(-3, n_days), min_size=1)))
    return calendar, term, draw(rules), [started + timedelta(n) for n in nights]


@settings(max_examples=400, deadline=None)
@given(lives())
def test_over_any_nights_no_step_is_told_twice_none_is_lost_and_none_falls_on_a_day_off(life):
    calendar, term, rule, nights = life
    every_step = [telling.step for telling in told(rule, term, nights[-1], calendar).values()]
    last, n_covered, heard = None, 0, []
    for night in filter(calendar.is_working_day, nights):
        telling = to_tell(rule, term, last, calendar, night)
        due = [step for step in every_step if step <= night and (last is None or step > last)]
        assert (telling.step if telling else None) == (due[-1] if due else None)  # what is due is told, the newest of it
        if telling:
            assert telling.n_covered == len(due) - 1
            assert calendar.is_working_day(telling.step)
            assert term.started_on <= telling.step <= night
            n_covered += telling.n_covered
            last = telling.step
            heard.append(telling.step)
    assert len(heard) == len(set(heard))
    assert len(heard) + n_covered == len([step for step in every_step if last is not None and step <= last])
