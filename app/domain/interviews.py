"""Interviews by telephone: what a call leaves behind, and when somebody is called again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.campaigns import CallOutcome, InviteeStatus
from app.domain.errors import CalendarGap

#: After how many calls that reach nobody somebody is given up, unless a parameter says otherwise.
MOST_ATTEMPTS = 5
#: How long somebody who was not reached is left in peace.
PAUSES: dict[CallOutcome, timedelta] = {
    CallOutcome.NO_ANSWER: timedelta(hours=3), CallOutcome.BUSY: timedelta(minutes=20), CallOutcome.PARTIAL: timedelta(minutes=20),
}  # fmt: skip
#: What ends the calls to somebody, whatever came before.
ENDS: dict[CallOutcome, InviteeStatus] = {
    CallOutcome.ANSWERED: InviteeStatus.ANSWERED, CallOutcome.WRONG_NUMBER: InviteeStatus.LOST, CallOutcome.REFUSED: InviteeStatus.REFUSED,
    CallOutcome.OPTED_OUT: InviteeStatus.OPTED_OUT,
}  # fmt: skip
#: Whom there is still something to ask.
CALLABLE = (InviteeStatus.WAITING, InviteeStatus.STARTED)
#: Whom nobody calls by himself any more, but who may call back and answer after all.
GIVEN_UP = (InviteeStatus.LOST, InviteeStatus.REFUSED)
MORNING, AFTERNOON, LUNCH, EVENING = time(9), time(15), time(13), time(18)


def status_after(outcome: CallOutcome, status: InviteeStatus, n_attempts: int, most: int) -> InviteeStatus:
    """
    Return how far somebody has come after a call that ended in *outcome*, the *n_attempts*-th.

    Who cannot be reached *most* times is lost; who asked to be called at another time, or answered a part, is not.
    """
    if outcome in ENDS:
        return ENDS[outcome]
    is_unreached = outcome in (CallOutcome.NO_ANSWER, CallOutcome.BUSY)
    return InviteeStatus.LOST if is_unreached and n_attempts >= most else status


def offered_hours(at: datetime, calendar: BusinessCalendar) -> Iterator[tuple[str, datetime]]:
    """Yield the hours at which a call-back is usually agreed, each with its msgid; *at* and they are on the wall clock of the house."""
    soon = at.replace(second=0, microsecond=0) + timedelta(hours=1)
    soon += timedelta(minutes=-soon.minute % 5)
    if soon.date() == at.date() and soon.time() <= EVENING:
        yield N_("In an hour"), soon
    if at.time() < LUNCH:
        yield N_("This afternoon"), at.replace(hour=AFTERNOON.hour, minute=0, second=0, microsecond=0)
    tomorrow = at.date() + timedelta(days=1)
    try:
        day = calendar.next_working_day(tomorrow)
    except CalendarGap:
        day = tomorrow
    morning = datetime.combine(day, MORNING, at.tzinfo)
    yield (N_("Tomorrow morning") if day == tomorrow else N_("The next working day, in the morning")), morning
