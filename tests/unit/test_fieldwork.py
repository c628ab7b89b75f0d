"""What orders and actas say, what they hold up, and what holds a suspension up."""

from datetime import date, datetime
from types import SimpleNamespace

import pytest

from app.domain.errors import DomainError
from app.domain.fieldwork import (
    ASKED,
    NOT_DONE,
    RESULT,
    Dispute,
    FieldType,
    Ground,
    blocks_answer,
    check_done_on,
    check_signature,
    clean_result,
    cleaned,
    restore_by,
    summary,
    suspension_blocked_by,
)
from app.domain.states import OrderKind, OrderStatus, PqrStatus

MONDAY = date(2026, 7, 6)
REVIEW = {
    "meter_number": "A-1203", "is_meter_of_account": "YES", "reading": "1250,5", "seals": "INTACT", "meter_condition": "GOOD",
    "leak_inside": "YES", "leak_outside": "NO", "leaks": "El sanitario pasa agua.", "n_people": "4", "use": "RESIDENTIAL",
    "is_tested": "NO", "conclusion": "LEAK_INSIDE", "explanation": "La fuga explica el consumo.", "attended": "NOBODY",
}  # fmt: skip
CUT = {"paid": "NO", "reading": "88", "place": "LINE", "seal": "S-77", "notice_left": "YES", "attended": "NOBODY"}
BACK = {"done_at": "16:00", "reading": "88", "seal_removed": "S-77", "works": "YES", "attended": "NOBODY"}
PAID = {"cause": "PAID", "cause_on": "2026-07-06", "cause_at": "09:30"}
WORK = {"cause_found": "Tubo roto", "work_done": "Se cambió", "is_solved": "YES", "attended": "NOBODY"}


def check(kind, raw, **known):
    defaults = {"asked": {}, "done_on": MONDAY, "n_photos": 0, "hours": 24}
    return clean_result(kind, raw, **(defaults | known))


def test_every_kind_declares_what_it_asks_and_what_it_says():
    assert set(ASKED) == set(RESULT) == set(OrderKind)
    for fields in (*ASKED.values(), *RESULT.values(), NOT_DONE):
        names = [each.name for each in fields]
        assert len(names) == len(set(names))
        for each in fields:
            assert bool(each.choices) == (each.type is FieldType.CHOICE)
            assert {name for name, _value in each.needed_when} <= set(names[: names.index(each.name)]), "it is asked before"


def test_a_review_keeps_what_it_found_in_one_form():
    result = check(OrderKind.PRIOR_REVIEW, {**REVIEW, "unknown": "x", "remarks": "  dos\r\nlíneas "})

    assert (result["reading"], result["n_people"], result["leak_inside"], result["no_reading"]) == ("1250.5", "4", True, None)
    assert result["remarks"] == "dos\nlíneas"
    assert "unknown" not in result
    assert list(result) == [each.name for each in RESULT[OrderKind.PRIOR_REVIEW]]


@pytest.mark.parametrize(
    ("kind", "good", "change", "field"),
    [
        (OrderKind.PRIOR_REVIEW, REVIEW, {"meter_number": " "}, "meter_number"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"reading": ""}, "no_reading"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"reading": "1.250"}, "reading"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"reading": "-3"}, "reading"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"reading": "mil"}, "reading"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"n_people": "2,5"}, "n_people"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"leaks": ""}, "leaks"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"is_tested": "YES"}, "test_result"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"seals": "LOST"}, "seals"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"is_tested": "maybe"}, "is_tested"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"attended": "OCCUPANT"}, "attended_by"),
        (OrderKind.PRIOR_REVIEW, REVIEW, {"explanation": "a" * 2001}, "explanation"),
        (OrderKind.CUT, CUT, {"paid": "YES"}, "paid"),
        (OrderKind.SUSPENSION, CUT | {"place": "METER"}, {"place": "LINE"}, "place"),
        (OrderKind.RECONNECTION, BACK, {"done_at": "25:00"}, "done_at"),
        (OrderKind.RECONNECTION, BACK, {"done_at": "09:00"}, "done_at"),
        (OrderKind.WORK_ORDER, WORK, {"is_solved": "NO"}, "left_to_do"),
    ],
)
def test_what_an_acta_may_not_leave_out_or_say_is_refused_beside_its_field(kind, good, change, field):
    check(kind, good, asked=PAID)
    with pytest.raises(DomainError) as refused:
        check(kind, good | change, asked=PAID)
    assert refused.value.field == field


@pytest.mark.parametrize(("typed", "kept"), [("1 250", "1250"), ("0.354", "0.354"), ("12,50", "12.50"), ("0", "0"), ("1250.5", "1250.5")])
def test_a_number_is_read_as_it_was_meant(typed, kept):
    assert check(OrderKind.PRIOR_REVIEW, REVIEW | {"reading": typed})["reading"] == kept


def test_an_order_that_needs_a_photo_has_one_or_says_why_not():
    asked = {"needs_photo": True}
    with pytest.raises(DomainError) as refused:
        check(OrderKind.WORK_ORDER, WORK, asked=asked)

    assert refused.value.field == "no_photo"
    assert check(OrderKind.WORK_ORDER, WORK, asked=asked, n_photos=1)
    assert check(OrderKind.WORK_ORDER, WORK | {"no_photo": "Se dañó la cámara"}, asked=asked)


def test_the_service_is_back_within_the_hours_of_the_clock_or_somebody_says_why():
    """Saturday and Sunday count: they are hours, not working days."""
    friday = PAID | {"cause_on": "2026-07-10", "cause_at": "17:00"}

    assert restore_by(friday, 24) == datetime(2026, 7, 11, 17)
    assert check(OrderKind.REINSTALLATION, BACK | {"done_at": "17:00"}, asked=friday, done_on=date(2026, 7, 11))
    with pytest.raises(DomainError) as refused:
        check(OrderKind.REINSTALLATION, BACK | {"done_at": "17:01"}, asked=friday, done_on=date(2026, 7, 11))
    assert refused.value.field == "late_reason"
    assert check(OrderKind.REINSTALLATION, BACK | {"late_reason": "Vía cerrada"}, asked=friday, done_on=date(2026, 7, 13))


def test_work_is_done_between_its_order_and_today():
    check_done_on(MONDAY, MONDAY, MONDAY)
    for done_on in (date(2026, 7, 5), date(2026, 7, 7)):
        with pytest.raises(DomainError) as refused:
            check_done_on(MONDAY, done_on, MONDAY)
        assert refused.value.field == "done_on"


def test_the_summary_says_what_was_found_and_keeps_names_out():
    result = check(OrderKind.PRIOR_REVIEW, REVIEW | {"attended": "OCCUPANT", "attended_by": "Rosa Díaz"})

    said = [each.msgid % {"value": each.value} for each in summary(OrderKind.PRIOR_REVIEW, OrderStatus.DONE, result, {})]

    assert "The meter reads 1250,5 m³." in said
    assert "Leaks were found inside the premises." in said
    assert "No leaks were found before the meter." in said
    assert "La fuga explica el consumo." in said
    assert not any("Rosa" in sentence for sentence in said)


def test_the_summary_of_an_order_not_done_says_why():
    result = cleaned(NOT_DONE, {"why": "NOBODY", "details": "Dos visitas."})

    first, second = summary(OrderKind.CUT, OrderStatus.NOT_DONE, result, {})
    assert (first.is_msgid, second.value) == (True, "Dos visitas.")
    assert summary(OrderKind.CUT, OrderStatus.ISSUED, {}, {}) == ()


def test_an_answer_waits_for_orders_that_are_open_or_not_done():
    orders = [SimpleNamespace(status=status) for status in OrderStatus]

    assert [order.status for order in blocks_answer(orders)] == [OrderStatus.ISSUED, OrderStatus.NOT_DONE]


def dispute(status, **more):
    return Dispute(**({"number": "PQR-2026-000001", "status": status, "is_on_debt": True} | more))


UNTIL = {"appeal_until": date(2026, 7, 6)}
APPEAL = {"is_on_debt": False, "is_appeal": True}


@pytest.mark.parametrize(
    ("case", "is_blocked"),
    [
        (dispute(PqrStatus.RECEIVED), True),
        (dispute(PqrStatus.AWAITING_USER), True),
        (dispute(PqrStatus.SOLVED), True),
        (dispute(PqrStatus.ANSWERED), True),
        (dispute(PqrStatus.NOTIFIED, **UNTIL), True),
        (dispute(PqrStatus.NOTIFIED, appeal_until=date(2026, 7, 3)), False),
        (dispute(PqrStatus.NOTIFIED), False),
        (dispute(PqrStatus.APPEALED), True),
        (dispute(PqrStatus.CLOSED), False),
        (dispute(PqrStatus.WITHDRAWN), False),
        (dispute(PqrStatus.ROUTED, is_on_debt=False), False),
        (dispute(PqrStatus.RECEIVED, **APPEAL), True),
        (dispute(PqrStatus.ANSWERED, **APPEAL, is_timely=True), True),
        (dispute(PqrStatus.ROUTED, **APPEAL, is_timely=False), False),
        (dispute(PqrStatus.NOTIFIED, **APPEAL, is_timely=True), False),
        (dispute(PqrStatus.NOTIFIED, **APPEAL, is_timely=True, goes_to_sspd=True), True),
        (dispute(PqrStatus.CLOSED, **APPEAL, is_timely=True, goes_to_sspd=True), False),
    ],
)
def test_a_claim_on_the_debt_or_a_timely_appeal_holds_up_the_suspension(case, is_blocked):
    refused = suspension_blocked_by([dispute(PqrStatus.CLOSED), case], MONDAY)

    assert (refused is not None) == is_blocked
    assert refused is None or refused.fields["number"] in str(refused)


def test_every_ground_is_a_choice_of_suspension_and_cut():
    for kind in (OrderKind.SUSPENSION, OrderKind.CUT):
        (ground,) = ASKED[kind]
        assert set(ground.choices) == set(Ground.__members__)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(DomainError) as refused:
        check(OrderKind.PRIOR_REVIEW, REVIEW | {"meter_number": "", "reading": "mil", "use": ""})

    assert [error.field for error in refused.value.errors] == ["meter_number", "reading", "use"]
    assert refused.value.field == "meter_number"


def test_an_acta_that_somebody_attended_is_signed_or_says_why_not():
    check_signature("NOBODY", False, "")
    check_signature("SUBSCRIBER", True, "")
    check_signature("SUBSCRIBER", False, "CANNOT")
    for reason in ("", "because"):
        with pytest.raises(DomainError) as refused:
            check_signature("OCCUPANT", False, reason)
        assert refused.value.field == "unsigned_reason"
