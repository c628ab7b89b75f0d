"""When somebody is called again, and when the calls end."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.calendar import BusinessCalendar
from app.domain.campaigns import CallOutcome, InviteeStatus
from app.domain.interviews import ENDS, PAUSES, offered_hours, status_after

BOGOTA = ZoneInfo("America/Bogota")
CALENDAR = BusinessCalendar((), (2026,))
WAITING, STARTED, LOST = InviteeStatus.WAITING, InviteeStatus.STARTED, InviteeStatus.LOST


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        ("2026-07-09 09:12", ["2026-07-09 10:15", "2026-07-09 15:00", "2026-07-10 09:00"]),
        ("2026-07-09 12:59", ["2026-07-09 14:00", "2026-07-09 15:00", "2026-07-10 09:00"]),
        ("2026-07-09 14:00", ["2026-07-09 15:00", "2026-07-10 09:00"]),
        ("2026-07-09 17:30", ["2026-07-10 09:00"]),
        ("2026-07-10 23:50", ["2026-07-13 09:00"]),  # a Friday: nobody is called on Saturday morning
        ("2026-12-31 16:00", ["2026-12-31 17:00", "2027-01-01 09:00"]),  # nobody loaded 2027: the day after has to do
    ],
)
def test_the_hours_offered_lie_ahead_on_working_time(at, hours):
    moment = datetime.fromisoformat(at).replace(tzinfo=BOGOTA)

    found = [hour for _msgid, hour in offered_hours(moment, CALENDAR)]

    assert [f"{hour:%Y-%m-%d %H:%M}" for hour in found] == hours
    assert all(hour > moment for hour in found)


@pytest.mark.parametrize("outcome", list(CallOutcome))
def test_only_calls_that_reach_nobody_give_somebody_up(outcome):
    early, late = (status_after(outcome, STARTED, n, 5) for n in (4, 5))

    assert early is ENDS.get(outcome, STARTED)
    assert late is (LOST if outcome in (CallOutcome.NO_ANSWER, CallOutcome.BUSY) else early)


def test_every_outcome_ends_the_calls_or_leaves_a_pause_or_an_hour():
    assert set(CallOutcome) == {*ENDS, *PAUSES, CallOutcome.CALL_BACK}
    assert all(pause > timedelta() for pause in PAUSES.values())
