"""When an answer opens to its citizen: the whole table, so that a new state has to say it."""

from __future__ import annotations

import pytest

from app.domain.notices import AnswerDoor, answer_door
from app.domain.states import Identity, PqrStatus

SERVED = {PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED}
BEFORE = set(PqrStatus) - SERVED - {PqrStatus.ANSWERED}


@pytest.mark.parametrize("status", sorted(SERVED, key=lambda status: status.name))
@pytest.mark.parametrize("identity", Identity)
@pytest.mark.parametrize("is_e_notice", [True, False])
def test_once_notified_it_is_open(status, identity, is_e_notice):
    assert answer_door(status, identity, is_e_notice) is AnswerDoor.OPEN


@pytest.mark.parametrize("status", sorted(BEFORE, key=lambda status: status.name))
@pytest.mark.parametrize("identity", Identity)
@pytest.mark.parametrize("is_e_notice", [True, False])
def test_before_it_is_signed_there_is_none(status, identity, is_e_notice):
    assert answer_door(status, identity, is_e_notice) is AnswerDoor.NONE


@pytest.mark.parametrize(
    ("identity", "is_e_notice", "door"),
    [
        (Identity.NAMED, True, AnswerDoor.BY_PRESSING),
        (Identity.RESERVED, True, AnswerDoor.BY_PRESSING),
        (Identity.NAMED, False, AnswerDoor.CLOSED),
        (Identity.RESERVED, False, AnswerDoor.CLOSED),
        (Identity.ANONYMOUS, False, AnswerDoor.OPEN),
    ],
)
def test_signed_and_not_notified_it_depends_on_who_asks(identity, is_e_notice, door):
    assert answer_door(PqrStatus.ANSWERED, identity, is_e_notice) is door
