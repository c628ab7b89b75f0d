"""What an interruption is, whether it was announced, and how the file says it: without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.errors import DomainError
from app.domain.interruptions import (
    FIELDS,
    MAY_BE_EMPTY,
    Facts,
    Head,
    InterruptionKind,
    InterruptionState,
    NoticeStanding,
    check_column,
    check_notice,
    check_restored,
    check_told,
    minutes_of,
    notice_standing,
    state_of,
    warnings_of,
    write_cell,
)

NOW = datetime(2026, 7, 10, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLANNED, UNPLANNED = InterruptionKind.PLANNED, InterruptionKind.UNPLANNED


def facts(**columns):
    told = {
        "id": 1, "number": "INT-2026-0001", "service": "Acueducto", "kind": PLANNED, "cause": "Lavado", "cause_code": "3",
        "municipality_code": "05001", "settlement_code": "", "sector": "La Floresta, parte alta", "what": "Lavado de tanques",
        "starts_at": datetime(2026, 7, 10, 8), "ends_at": datetime(2026, 7, 10, 12, 30), "n_subscribers": 310, "is_estimated": False,
        "notice_on": date(2026, 7, 8), "notice_means": "Radio y perifoneo", "alternative": "",
    }  # fmt: skip
    return Facts(**(told | columns))


@pytest.mark.parametrize(
    ("starts", "ends", "voided", "expected"),
    [
        (HOUR, None, None, InterruptionState.ANNOUNCED), (-HOUR, None, None, InterruptionState.RUNNING),
        (-2 * HOUR, -HOUR, None, InterruptionState.RESTORED), (-2 * HOUR, HOUR, None, InterruptionState.RUNNING),
        (-2 * HOUR, -HOUR, NOW, InterruptionState.VOIDED),
    ],
)  # fmt: skip
def test_its_state_follows_from_its_instants(starts, ends, voided, expected):
    assert state_of(NOW + starts, NOW + ends if ends else None, voided, NOW) is expected


def test_its_minutes_go_on_while_it_lasts_and_are_none_before_it_begins():
    assert minutes_of(NOW - timedelta(minutes=90, seconds=30), None, NOW) == 90
    assert minutes_of(NOW - 3 * HOUR, NOW - HOUR, NOW) == 120
    assert minutes_of(NOW + HOUR, None, NOW) == 0


@pytest.mark.parametrize(
    ("kind", "told", "expected"),
    [
        (PLANNED, date(2026, 7, 9), NoticeStanding.IN_TIME), (PLANNED, date(2026, 7, 10), NoticeStanding.SAME_DAY),
        (PLANNED, date(2026, 7, 11), NoticeStanding.LATE), (PLANNED, None, NoticeStanding.NONE),
        (UNPLANNED, None, NoticeStanding.NOT_ASKED), (UNPLANNED, date(2026, 7, 10), NoticeStanding.NOT_ASKED),
    ],
)  # fmt: skip
def test_planned_works_are_announced_on_a_day_before(kind, told, expected):
    assert notice_standing(kind, told, date(2026, 7, 10)) is expected


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: check_told(UNPLANNED, NOW + HOUR, None, None, at=NOW), "starts_at"),
        (lambda: check_told(PLANNED, NOW + HOUR, None, NOW, at=NOW), "expected_end_at"),
        (lambda: check_told(PLANNED, NOW - HOUR, NOW - 2 * HOUR, None, at=NOW), "ends_at"),
        (lambda: check_restored(NOW - HOUR, NOW + HOUR, at=NOW), "ends_at"),
        (lambda: check_notice(None, "Radio", date(2026, 7, 10)), "notice_on"),
        (lambda: check_notice(date(2026, 7, 10), " ", date(2026, 7, 10)), "notice_means"),
        (lambda: check_notice(date(2026, 7, 11), "Radio", date(2026, 7, 10)), "notice_on"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_beside_its_field(call, field):
    with pytest.raises(DomainError) as refused:
        call()
    assert refused.value.field == field


def test_what_agrees_is_let_in():
    check_told(UNPLANNED, NOW, None, NOW + HOUR, at=NOW)
    check_told(PLANNED, NOW - 2 * HOUR, NOW - HOUR, None, at=NOW)
    check_notice(None, "", date(2026, 7, 10))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (Head("d", "department", kind="int"), "05"), (Head("m", "municipality", kind="int"), "001"),
        (Head("c", "settlement", fixed="000", kind="int"), "000"), (Head("n", "number"), "INT-2026-0001"),
        (Head("k", "kind", kind="code", rule="PLANNED=1; UNPLANNED=2"), "1"), (Head("c", "cause", kind="code"), "3"),
        (Head("s", "sector"), "La Floresta parte alta"), (Head("i", "starts", kind="datetime"), "10-07-2026 08:00"),
        (Head("i", "starts", kind="datetime", rule="AAAA/MM/DD HH:MI:SS"), "2026/07/10 08:00:00"),
        (Head("f", "ends", kind="date"), "10-07-2026"), (Head("t", "minutes", kind="int"), "270"),
        (Head("n", "subscribers", kind="int"), "310"), (Head("a", "notice"), "Radio y perifoneo 08-07-2026"),
        (Head("b", "has_alternative", kind="bool", rule="YES=1; NO=2"), "2"), (Head("b", "has_alternative", kind="bool"), "N"),
        (Head("x", "fixed", fixed="NA"), "NA"), (Head("w", "alternative"), ""),
    ],
)  # fmt: skip
def test_each_cell_is_written_as_its_column_says(head, expected):
    assert write_cell(head, facts()) == (expected, None)


@pytest.mark.parametrize(
    ("field", "changed", "mends"),
    [
        ("cause", {"cause_code": ""}, "cause"), ("ends", {"ends_at": None}, "interruption"), ("minutes", {"ends_at": None}, "interruption"),
        ("subscribers", {"n_subscribers": None}, "interruption"), ("kind", {}, "columns"), ("settlement", {}, "columns"),
    ],
)  # fmt: skip
def test_a_cell_that_lacks_its_value_says_who_mends_it(field, changed, mends):
    cell, fault = write_cell(Head("Columna", field), facts(**changed))

    assert cell == ""
    assert fault is not None
    assert (fault.column, fault.mends) == ("Columna", mends)


def test_every_value_of_the_catalogue_can_be_written():
    for field in FIELDS:
        head = Head(field, field, rule="PLANNED=1; UNPLANNED=2" if field == "kind" else "", fixed="000" if field == "settlement" else "")
        cell, fault = write_cell(head, facts())
        assert fault is None
        assert cell or field in MAY_BE_EMPTY


@pytest.mark.parametrize(("field", "kind", "rule"), [("weather", "text", ""), ("sector", "colour", ""), ("kind", "code", "PLANNED=1")])
def test_a_column_that_cannot_be_written_is_refused(field, kind, rule):
    with pytest.raises(DomainError):
        check_column(field, kind, rule)


def test_what_is_pointed_out_lets_the_row_leave():
    assert warnings_of(facts()) == []
    assert len(warnings_of(facts(notice_on=None, notice_means="", is_estimated=True))) == 2
    assert warnings_of(facts(kind=UNPLANNED, notice_on=None, notice_means="")) == []
