"""What the billing system is told and answers: notations, maps that are refused, lines that are read."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.billing import (
    FIELD,
    FIELDS,
    FILE_NAMES,
    HEADINGS,
    MOST_COLUMNS,
    NOTATIONS,
    BillingField,
    FieldType,
    LineRefused,
    MapColumn,
    check_map,
    columns_of_answer,
    folded,
    read_date,
    read_line,
    read_time,
    written,
)
from app.domain.errors import DomainError
from app.domain.states import BillingKind, BillingStatus

TODAY = date(2026, 8, 20)
HEADER = ["Lote", "Clave", "Estado", "Fecha", "Motivo", "Referencia"]
COLUMNS = columns_of_answer(HEADER)
DAY, PESOS, RATE = (BillingField("x", "x", kind, 4) for kind in (FieldType.DATE, FieldType.PESOS, FieldType.DECIMAL))


@pytest.mark.parametrize(
    ("value", "field", "notation", "text"),
    [
        (date(2026, 7, 31), DAY, "", "2026-07-31"),
        (date(2026, 7, 31), DAY, "DMY", "31/07/2026"),
        (date(2026, 7, 31), DAY, "COMPACT", "20260731"),
        (80000, PESOS, "", "80000"),
        (Decimal("80000.50"), PESOS, "WHOLE", "80001"),
        (-40000, PESOS, "COMMA", "-40000,00"),
        (Decimal("80000.5"), PESOS, "POINT", "80000.50"),
        (Decimal("1.5"), RATE, "", "1,5000"),
        (Decimal("1.5"), RATE, "POINT", "1.5000"),
        (3, BillingField("x", "x", FieldType.WHOLE), "", "3"),
        (time(14, 5), BillingField("x", "x", FieldType.TIME), "", "14:05"),
        ("Una razón\n en dos  renglones", BillingField("x", "x"), "", "Una razón en dos renglones"),
        (None, PESOS, "COMMA", ""),
    ],
)
def test_a_value_is_written_in_its_notation(value, field, notation, text):
    assert written(value, field, notation) == text


@given(pesos=st.decimals(-(10**12), 10**12, places=2), notation=st.sampled_from(["COMMA", "POINT"]))
def test_pesos_with_cents_come_back_as_they_went(pesos, notation):
    assert Decimal(written(pesos, PESOS, notation).replace(",", ".")) == pesos


def test_every_kind_has_its_fields_its_file_and_its_key():
    assert set(FIELDS) == set(FILE_NAMES) == set(BillingKind)
    for kind, fields in FIELDS.items():
        assert len(FIELD[kind]) == len(fields), kind
        assert {"batch", "key", "account"} <= set(FIELD[kind])
        assert all(set(each.notations) == {name for name, _example in NOTATIONS.get(each.type, ())} for each in fields)


# ── A map of columns ──────────────────────────────────────────────────────────────────────────────────────────────────────

KEY = MapColumn("clave", "key")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([], "at least one column"),
        ([MapColumn("cuenta", "account")], "the number of what is told"),
        ([KEY, MapColumn("Clave", "account")], "Two columns are called"),
        ([KEY, MapColumn("  ", "account")], "Column 2 has no heading"),
        ([KEY, MapColumn("x", "instalment")], "says nothing"),
        ([KEY, MapColumn("x")], "says nothing"),
        ([KEY, MapColumn("x", "account", "01")], "not both"),
        ([KEY, MapColumn("x", "account", notation="DMY")], "that notation"),
        ([KEY, *(MapColumn(f"c{n}", "account") for n in range(MOST_COLUMNS))], "up to 60 columns"),
    ],
)
def test_a_map_that_makes_no_file_is_refused(columns, words):
    with pytest.raises(DomainError, match=words):
        check_map(BillingKind.INVOICE_CHANGE, columns)


def test_a_map_may_hold_fixed_texts_also_empty_ones():
    columns = [KEY, MapColumn("empresa", constant="01"), MapColumn("libre", constant=""), MapColumn("dia", "authorised_on", None, "DMY")]

    check_map(BillingKind.INVOICE_CHANGE, columns)


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def line(batch="FAC-2026-000001", key="CF-2026-000007", state="Facturado", on="31/07/2026", text="", reference="NC-9"):
    return read_line([batch, key, state, on, text, reference], COLUMNS, TODAY)


def test_a_line_says_what_became_of_a_thing():
    verdict = line(batch=" fac-2026-000001 ", state="FACTURADA")

    assert (verdict.batch, verdict.key, verdict.status) == ("FAC-2026-000001", "CF-2026-000007", BillingStatus.BILLED)
    assert (verdict.on, verdict.reference) == (date(2026, 7, 31), "NC-9")
    assert line(state="Rechazado", text="Período cerrado").status is BillingStatus.REJECTED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"key": ""}, "does not say which batch"),
        ({"batch": None}, "does not say which batch"),
        ({"state": "pendiente"}, "no known state"),
        ({"state": ""}, "no known state"),
        ({"on": "31/02/2026"}, "is no date"),
        ({"on": None}, "is no date"),
        ({"on": "2026-08-21"}, "still to come"),
        ({"state": "rechazado"}, "says why"),
    ],
)
def test_a_line_that_says_too_little_is_refused(wrong, words):
    with pytest.raises(LineRefused, match=words):
        line(**wrong)


def test_a_short_line_is_read_as_far_as_it_goes():
    assert read_line(["FAC-1", "CF-1", "ok", "2026-07-31"], COLUMNS, TODAY).reference == ""
    with pytest.raises(LineRefused):
        read_line(["FAC-1", "CF-1"], COLUMNS, TODAY)


@pytest.mark.parametrize(
    ("cell", "on"),
    [
        ("2026-07-31", date(2026, 7, 31)),
        ("2026-07-31 10:00:00", date(2026, 7, 31)),
        ("31-7-2026", date(2026, 7, 31)),
        ("31.07.2026 00:00", date(2026, 7, 31)),
        (20260731.0, date(2026, 7, 31)),
        (datetime(2026, 7, 31, 10), date(2026, 7, 31)),
        (date(2026, 7, 31), date(2026, 7, 31)),
        ("07/31/2026", None),
        ("ayer", None),
    ],
)
def test_a_day_is_read_as_people_and_sheets_write_it(cell, on):
    assert read_date(cell) == on


def test_columns_are_found_by_their_headings():
    assert columns_of_answer(["Observación", "N.º", "NÚMERO DE LOTE", "Número", "ESTADO", "Fecha de facturación"]) == {
        "batch": 2, "key": 3, "status": 4, "on": 5, "text": 0}  # fmt: skip
    with pytest.raises(DomainError) as refusal:
        columns_of_answer(["clave", "motivo"])
    assert refusal.value.fields["missing"] == ("Batch", "State", "Date")


def test_headings_are_kept_as_they_are_compared():
    assert all(folded(each) == each for known in HEADINGS.values() for each in known)


def test_an_hour_that_is_none_is_none():
    assert (read_time("14:05"), read_time("tarde"), read_time(None)) == (time(14, 5), None, None)
