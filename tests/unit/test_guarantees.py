"""Where a guarantee stands, and which approvals make no sense."""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.errors import DomainError, MoveRefused
from app.domain.guarantees import Cover, GuaranteeState, check_approval, check_cover, state_of

TODAY = date(2026, 7, 10)
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
APPROVED = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("cover", "state"),
    [
        (Cover(FIRST, LAST), GuaranteeState.TO_APPROVE),
        (Cover(FIRST, LAST, APPROVED), GuaranteeState.IN_FORCE),
        (Cover(FIRST, date(2026, 8, 9), APPROVED), GuaranteeState.ENDING),
        (Cover(FIRST, date(2026, 8, 10), APPROVED), GuaranteeState.IN_FORCE),
        (Cover(FIRST, TODAY, APPROVED), GuaranteeState.ENDING),
        (Cover(FIRST, date(2026, 7, 9), APPROVED), GuaranteeState.ENDED),
        (Cover(FIRST, date(2026, 7, 9)), GuaranteeState.ENDED),
        (Cover(FIRST, date(2026, 7, 9), APPROVED, is_replaced=True), GuaranteeState.REPLACED),
    ],
)
def test_the_state_follows_from_the_days(cover, state):
    assert state_of(cover, TODAY) is state


@pytest.mark.parametrize(("starts_on", "ends_on", "field"), [(None, LAST, "starts_on"), (FIRST, None, "ends_on"), (LAST, FIRST, "ends_on")])
def test_a_policy_says_which_days_it_covers(starts_on, ends_on, field):
    with pytest.raises(DomainError) as refused:
        check_cover(starts_on, ends_on)

    assert refused.value.field == field


def test_what_was_approved_or_replaced_is_not_approved_again():
    for cover in (Cover(FIRST, LAST, APPROVED), Cover(FIRST, LAST, is_replaced=True)):
        with pytest.raises(MoveRefused):
            check_approval(cover, TODAY, TODAY)


@pytest.mark.parametrize("on", [date(2026, 7, 11), date(2026, 7, 9)])
def test_an_approval_lies_neither_ahead_nor_after_the_end(on):
    cover = Cover(FIRST, date(2026, 7, 8))

    with pytest.raises(DomainError) as refused:
        check_approval(cover, on, TODAY)

    assert refused.value.field == "approved_on"
    check_approval(cover, date(2026, 7, 8), TODAY)
