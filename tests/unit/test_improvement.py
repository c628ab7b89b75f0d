"""What an action has to say when it is asked and when it ends."""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import MAX_TITLE, ActionStatus, check_asked, check_ending, check_open

ASKED, DUE, TODAY = date(2026, 7, 10), date(2026, 8, 10), date(2026, 7, 20)


def test_an_action_may_be_due_the_day_it_is_asked():
    check_asked("Calibrar el medidor", ASKED, ASKED)


@pytest.mark.parametrize(
    ("title", "due_on", "field"),
    [("  ", DUE, "title"), ("x" * (MAX_TITLE + 1), DUE, "title"), ("Calibrar", date(2026, 7, 9), "due_on")],
)
def test_what_is_asked_says_something_and_is_due_later(title, due_on, field):
    with pytest.raises(DomainError) as refusal:
        check_asked(title, ASKED, due_on)

    assert refusal.value.field == field


@pytest.mark.parametrize("status", [ActionStatus.DONE, ActionStatus.CANCELLED])
def test_what_ended_no_longer_changes(status):
    check_open("AC-2026-0001", ActionStatus.OPEN)
    with pytest.raises(MoveRefused, match="AC-2026-0001"):
        check_open("AC-2026-0001", status)


@pytest.mark.parametrize(
    ("said", "ended_on", "field"),
    [("\n", TODAY, "result"), ("Hecho", date(2026, 7, 9), "ended_on"), ("Hecho", date(2026, 7, 21), "ended_on")],
)
def test_an_ending_says_how_between_the_asking_and_today(said, ended_on, field):
    check_ending("Se calibró", ASKED, TODAY, TODAY)
    with pytest.raises(DomainError) as refusal:
        check_ending(said, ASKED, ended_on, TODAY)

    assert refusal.value.field == field
