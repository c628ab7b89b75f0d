"""The pages of indicators: the board, the sheet with its values, the rows behind each number, the steps, and what each reader sees."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.domain.indicators import Standing
from app.domain.states import Outcome, PqrStatus
from app.models import Action, Indicator, IndicatorNote, IndicatorValue
from app.operations import indicators as operations
from app.security import AUXILIAR, CALIDAD, CONTROL, DUENO, SUBGERENTE

AT = datetime(2026, 7, 2, 15, tzinfo=UTC)
JUNE = date(2026, 6, 1), date(2026, 6, 30)


def answered(pqr, on):
    pqr.status, pqr.answered_on, pqr.outcome = PqrStatus.ANSWERED, date.fromisoformat(on), Outcome.DENIED
    return pqr


@pytest.fixture
def june(seeded, make, a_case):
    """An indicator whose June says 1 of 2 in time, and one voided case left out; every month before had nothing to measure."""
    in_time, late, voided = (a_case(at=datetime(2026, 6, 2, 15, tzinfo=UTC)) for _n in range(3))
    answered(in_time, "2026-06-12")
    answered(late, "2026-06-30")
    voided.status, voided.closed_on = PqrStatus.VOIDED, date(2026, 6, 3)
    indicator = make.indicator(name="PQR a tiempo de prueba")
    operations.reckon(seeded, indicator, at=AT)
    seeded.commit()
    return indicator


@pytest.fixture
def missed(seeded, make):
    """An indicator that is typed in and misses its goal in May and June."""
    indicator = make.indicator("", name="Digitado de prueba")
    for month, last in ((5, 31), (6, 30)):
        operations.type_in(seeded, indicator, date(2026, month, 1), date(2026, month, last), Decimal(70 + month), Decimal(100), at=AT)
    seeded.commit()
    return indicator


def value_of(session, indicator, month=6) -> IndicatorValue:
    session.expire_all()
    return session.scalars(select(IndicatorValue).filter_by(indicator_id=indicator.id, period_from=date(2026, month, 1))).one()


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_board_shows_the_light_of_the_newest_value_and_narrows_to_a_light(seeded, sign_in, june, missed, make):
    make.indicator(name="Sin datos de prueba", is_active=False)
    seeded.commit()
    reader = sign_in(AUXILIAR)
    board, bad, good = (reader.get(f"/indicators/{query}").text for query in ("", "?standing=BAD", "?standing=GOOD"))

    assert f'href="/indicator/show/{june.id}"' in board and "50.0" in board and "76.0" in board
    assert "Sin datos de prueba" not in board
    assert june.name in bad and missed.name in bad and june.name not in good
    assert reader.get("/indicators/?standing=NONSENSE").status_code == 200


def test_the_board_costs_the_same_whatever_the_number_of_indicators(seeded, sign_in, make, june, count_statements):
    reader = sign_in(CALIDAD)
    reader.get("/indicators/")
    with count_statements() as few:
        reader.get("/indicators/")
    for _n in range(12):
        operations.reckon(seeded, make.indicator(), at=AT)
    seeded.commit()
    with count_statements() as many:
        reader.get("/indicators/")

    assert len(many) == len(few) <= 12


# ── The sheet ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_number_of_a_value_leads_to_its_rows_and_the_left_out_say_why(seeded, sign_in, june, a_user):
    reader = sign_in(CALIDAD)
    page = reader.get(f"/indicator/show/{june.id}").text
    rows = {part: reader.get(f"/indicator-rows/{june.id}/2026-06-01/{part}").text for part in ("hit", "miss", "all", "excluded")}

    assert all(f"/indicator-rows/{june.id}/2026-06-01/{part}" in page for part in ("hit", "all", "excluded"))
    counts = {part: len(set(re.findall(r"PQR-2026-\d{6}", text))) for part, text in rows.items()}
    assert counts == {"hit": 1, "miss": 1, "all": 2, "excluded": 1}
    assert "<svg" in page and "chart wide" in page


def test_the_rows_keep_to_the_scope_of_their_reader_and_say_that_some_are_hidden(seeded, sign_in, june):
    page = sign_in(DUENO, "TECNICA").get(f"/indicator-rows/{june.id}/2026-06-01/all")

    assert page.status_code == 200
    assert "PQR-2026-" not in page.text
    assert 'class="flash info"' in page.text


@pytest.mark.parametrize("path", ["2026-06-02/all", "2026-13-01/all", "2026-08-01/all", "2026-06-01/everything", "x/all"])
def test_what_is_no_period_or_part_is_not_found(seeded, sign_in, june, path):
    assert sign_in(CALIDAD).get(f"/indicator-rows/{june.id}/{path}").status_code == 404


def test_a_sheet_is_added_from_the_catalogue_and_refused_beside_the_field_that_is_wrong(seeded, sign_in):
    said = {
        "code": "IND-90", "name": "Silencios de prueba", "definition": "", "measure": "sap", "scale": "PERCENT", "formula": "Se cuentan",
        "source": "", "direction": "LESS", "goal": "0", "fair": "", "unit": "silencios", "decimals": "0", "months": "3", "process_id": "",
        "responsible": "", "starts_on": "2026-01-01", "norm": "", "confidence": "", "position": "1", "is_active": "y",
    }  # fmt: skip
    clerk = sign_in(CALIDAD)
    refused = clerk.post("/indicator/add", data=said | {"starts_on": "2026-01-15"})
    wrong_side = clerk.post("/indicator/add", data=said | {"goal": "5", "fair": "2"})
    added = clerk.post("/indicator/add", data=said)

    assert (refused.status_code, wrong_side.status_code, added.status_code) == (422, 422, 302)
    assert 'id="starts_on-error"' in refused.text and 'id="fair-error"' in wrong_side.text
    stored = seeded.scalars(select(Indicator).filter_by(code="IND-90")).one()
    assert (stored.scale.name, stored.months, stored.goal) == ("COUNT", 3, 0)


# ── The steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_miss_is_reported_only_with_its_analysis_and_then_stays(seeded, sign_in, june):
    boss, value = sign_in(SUBGERENTE), value_of(seeded, june)
    seen = {"seen": value.changed_at.isoformat()}
    silent = boss.post(f"/indicator/report/{value.id}", data=seen | {"analysis": ""})
    stale = boss.post(f"/indicator/report/{value.id}", data={"seen": "2026-01-01", "analysis": "Faltó personal"})
    done = boss.post(f"/indicator/report/{value.id}", data=seen | {"analysis": "Faltó personal"})
    again = boss.post(f"/indicator/report/{value.id}", data={"seen": value_of(seeded, june).changed_at.isoformat(), "analysis": "Otra"})

    assert (silent.status_code, stale.status_code, done.status_code, again.status_code) == (422, 422, 302, 422)
    assert 'id="analysis-error"' in silent.text
    value = value_of(seeded, june)
    assert (value.analysis, value.reported_at is not None, value.value) == ("Faltó personal", True, 50)
    page = boss.get(f"/indicator/show/{june.id}").text
    assert "Faltó personal" in page and f"/indicator/note/{value.id}" in page and f"/indicator/report/{value.id}" not in page


def test_a_correction_stands_beside_what_was_reported(seeded, sign_in, june, a_user):
    value = value_of(seeded, june)
    operations.report(seeded, value, "Tarde", at=AT, user_id=a_user("Calidad").id)
    seeded.commit()
    owner = sign_in(DUENO, "TECNICA")
    empty = owner.post(f"/indicator/note/{value.id}", data={"right_value": "60,5", "reason": ""})
    done = owner.post(f"/indicator/note/{value.id}", data={"right_value": "60,5", "reason": "Se contó dos veces"})

    assert (empty.status_code, done.status_code) == (422, 302)
    note = seeded.scalars(select(IndicatorNote)).one()
    assert (note.right_value, value_of(seeded, june).value) == (Decimal("60.5"), 50)
    assert "Se contó dos veces" in owner.get(f"/indicator/show/{june.id}").text


def test_what_is_typed_in_takes_a_comma_and_refuses_a_zero_to_divide_by(seeded, reader, missed):
    clerk, url = reader(CALIDAD), f"/indicator/type/{missed.id}"
    zero = clerk.post(url, data={"period": "2026-06-01", "numerator": "5", "denominator": "0"})
    words = clerk.post(url, data={"period": "2026-06-01", "numerator": "cinco", "denominator": "2"})
    done = clerk.post(url, data={"period": "2026-06-01", "numerator": "1.234,5", "denominator": "1.300"})
    running = clerk.post(url, data={"period": "2026-07-01", "numerator": "5", "denominator": "9"})

    assert (zero.status_code, words.status_code, running.status_code, done.status_code) == (422, 422, 422, 302)
    assert 'id="denominator-error"' in zero.text and 'value="5"' in zero.text and 'value="cinco"' in words.text
    value = value_of(seeded, missed)
    assert (value.numerator, value.denominator, value.standing) == (Decimal("1234.5"), 1300, Standing.FAIR)


def test_two_misses_ask_on_the_page_and_the_action_leads_back(seeded, sign_in, missed):
    boss, value = sign_in(SUBGERENTE), value_of(seeded, missed)
    page = boss.get(f"/indicator/show/{missed.id}").text
    form = boss.get(f"/indicator/ask/{value.id}").text
    said = {"kind": "CORRECTIVE", "title": "Volver a la meta", "description": "", "process_id": str(missed.process_id), "responsible": "",
            "due_on": "2026-09-01"}  # fmt: skip
    done = boss.post(f"/indicator/ask/{value.id}", data=said)

    assert f"/indicator/ask/{value.id}" in page and f"/indicator/decline/{value.id}" in page and "76.0" in form
    assert done.status_code == 302
    action = seeded.scalars(select(Action)).one()
    assert (action.origin.name, action.origin_key, value_of(seeded, missed).action_id) == ("INDICATOR", missed.code, action.id)
    after = boss.get(f"/indicator/show/{missed.id}").text
    assert action.number in after and f"/indicator/ask/{value.id}" not in after


def test_a_reason_answers_for_the_misses_as_well_and_only_once(seeded, sign_in, missed):
    boss, value = sign_in(SUBGERENTE), value_of(seeded, missed)
    refused = boss.post(f"/indicator/decline/{value.id}", data={"reason": " "})
    done = boss.post(f"/indicator/decline/{value.id}", data={"reason": "La obra terminó"})
    again = boss.post(f"/indicator/decline/{value.id}", data={"reason": "Otra"})

    assert (refused.status_code, done.status_code, again.status_code) == (422, 302, 422)
    assert value_of(seeded, missed).no_action_reason == "La obra terminó"


def test_the_workbook_has_sheets_values_and_corrections(seeded, sign_in, june, missed, a_user):
    value = value_of(seeded, missed)
    operations.report(seeded, value, "Tarde", at=AT, user_id=a_user("Calidad").id)
    operations.note(seeded, value, "Eran más", Decimal(80), at=AT, user_id=None)
    seeded.commit()
    answer = sign_in(CONTROL).get("/indicators/excel")

    book = CalamineWorkbook.from_filelike(BytesIO(answer.data))
    sheets = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    assert len(sheets) == 4
    reported = [row for row in sheets[2] if row[0] == missed.code and row[11] == "Tarde"]
    assert [row[4:7] for row in reported] == [[76.0, 100.0, 76.0]]
    assert [row[4:7] for row in sheets[3][1:]] == [[76.0, 80.0, "Eran más"]]
