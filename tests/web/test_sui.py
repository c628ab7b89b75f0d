"""The desk of the claims file: what is wrong and where it is mended, freezing once, the receipt, differences, and back to the cases."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from sqlalchemy import func, select

from app.domain.sui import LoadStatus, SuiFormat, SuiMapKind, SuiRuleKey, SuiWeight
from app.models import ChangeLog, SuiColumn, SuiLoad, SuiMap, SuiRule
from app.operations import files
from app.security import ADMIN, AUXILIAR, CALIDAD, DUENO, SUBGERENTE
from tests.claims import Claims

JULY, PAGE = date(2026, 7, 1), "/sui/ACUEDUCTO/2026-07"


@pytest.fixture
def claims(seeded, make, at) -> Claims:
    at("2026-08-05T10:00-05:00")
    return Claims(seeded, make)


def loads(session) -> list[SuiLoad]:
    session.expire_all()
    return list(session.scalars(select(SuiLoad).order_by(SuiLoad.version)))


# ── The month ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_bad_row_says_what_is_wrong_and_where_it_is_mended(seeded, claims, sign_in):
    home = claims.account("77", "05001", settlement_code="1")
    bad = claims.case("2026-07-08", account=home, invoice="FE-9")
    claims.case("2026-07-09", invoice="5")
    seeded.commit()

    page = sign_in(AUXILIAR).get(PAGE).text

    assert f'href="/pqr/{bad.number}/edit"' in page
    assert f'href="/account/edit/{home.id}"' in page
    assert page.count('class="is-bad"') == 1
    assert f'action="{PAGE}/freeze"' not in page


def test_every_count_leads_to_as_many_rows(seeded, claims, sign_in):
    claims.case("2026-07-08", invoice="FE-9")
    claims.case("2026-07-09", "QUEJA", "315")
    claims.case("2026-07-10", "QUEJA", "315", answered="2026-07-15", number="R-1", served="2026-07-16")
    claims.case("2026-07-10", "SUGERENCIA", None)
    seeded.commit()
    client = sign_in(CALIDAD)
    page = client.get(PAGE).text
    counted = re.findall(rf'href="({re.escape(PAGE)}\?[^"]*)#rows">(?:<strong>)?(\d+)', page)

    assert len(counted) >= 9
    for url, n in counted:
        rows = client.get(url.replace("&amp;", "&")).text.partition('id="rows"')[2]
        assert rows.count('<th scope="row"><a class="num"') == int(n), url


def test_no_draft_leaves_while_a_row_is_bad_and_then_it_is_the_frozen_file(seeded, claims, sign_in):
    case = claims.case("2026-07-08", invoice="FE-9")
    seeded.commit()
    client = sign_in(SUBGERENTE)
    refused = client.get(f"{PAGE}/draft")
    case.invoice_number = "9"
    seeded.commit()
    draft = client.get(f"{PAGE}/draft")
    client.post(f"{PAGE}/freeze", data={})

    assert (refused.status_code, refused.location) == (302, PAGE)
    assert draft.mimetype == "text/csv"
    assert "BORRADOR" in draft.headers["Content-Disposition"]
    with files.open_file(loads(seeded)[0].file) as content:
        assert content.read() == draft.data
    assert client.get(f"/sui/load/{loads(seeded)[0].id}/file").data == draft.data


@pytest.mark.parametrize("path", ["ACUEDUCTO/2026-09", "ACUEDUCTO/2026-7", "NADA/2026-07", "GENERAL/2026-07", "load/9"])
def test_what_is_no_month_of_a_reported_service_is_not_found(claims, sign_in, path):
    assert sign_in(CALIDAD).get(f"/sui/{path}").status_code == 404


def test_who_has_no_business_with_the_regulator_finds_nothing(claims, sign_in):
    assert sign_in(DUENO).get("/sui/").status_code in (302, 403)


# ── Freezing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bad_row_refuses_the_freezing_and_nothing_is_kept(seeded, claims, sign_in):
    claims.case("2026-07-08", invoice="FE-9")
    seeded.commit()

    response = sign_in(SUBGERENTE).post(f"{PAGE}/freeze", data={})

    assert response.status_code == 422
    assert loads(seeded) == []


def test_a_month_is_frozen_once_and_the_refusal_says_by_whom_and_when(seeded, claims, sign_in):
    claims.case("2026-07-08", invoice="9")
    seeded.commit()
    client = sign_in(SUBGERENTE)
    first = client.post(f"{PAGE}/freeze", data={})
    again = client.post(f"{PAGE}/freeze", data={"reason": "  "})
    second = client.post(f"{PAGE}/freeze", data={"reason": "Permiso 2026-55 del SUI"})

    found = loads(seeded)
    assert first.location == f"/sui/load/{found[0].id}"
    assert again.status_code == 422
    assert "05/08/2026 10:00" in again.text
    assert found[0].frozen_by.get_full_name() in again.text
    assert second.location == f"/sui/load/{found[1].id}"
    assert [(load.version, load.status) for load in found] == [(1, LoadStatus.REPLACED), (2, LoadStatus.FROZEN)]
    assert seeded.scalar(select(func.count()).select_from(ChangeLog).where(ChangeLog.table_name == "sui_load")) == 3


def test_the_month_under_way_offers_no_freezing(seeded, claims, sign_in):
    page = sign_in(SUBGERENTE).get("/sui/ACUEDUCTO/2026-08").text

    assert "/freeze" not in page


def test_the_receipt_is_recorded_with_its_file(seeded, claims, make, sign_in):
    load = make.frozen_month("ACUEDUCTO", JULY, at=_at("2026-08-05T09:00-05:00"))
    seeded.commit()
    client, url = sign_in(SUBGERENTE), f"/sui/load/{load.id}"
    empty = client.post(f"{url}/receipt", data={"receipt": "", "on": "2026-08-05"})
    future = client.post(f"{url}/receipt", data={"receipt": "SUI-77", "on": "2026-08-09"})
    wrong = client.post(f"{url}/receipt", data={"receipt": "SUI-77", "on": "2026-08-05", "file": (io.BytesIO(b"MZ"), "a.exe")})
    done = client.post(f"{url}/receipt", data={"receipt": "SUI-77", "on": "2026-08-05", "file": (io.BytesIO(b"Cargado"), "a.txt")})

    assert [each.status_code for each in (empty, future, wrong, done)] == [422, 422, 422, 302]
    assert 'value="SUI-77"' in future.text  # what was typed stays
    kept = loads(seeded)[0]
    assert (kept.status, kept.receipt, kept.sent_on) == (LoadStatus.SENT, "SUI-77", date(2026, 8, 5))
    assert client.get(f"{url}/receipt-file").data == b"Cargado"
    assert client.post(f"{url}/receipt", data={"receipt": "SUI-78", "on": "2026-08-05"}).status_code == 422


def _at(text: str):
    from datetime import datetime

    return datetime.fromisoformat(text)


# ── Back and forth ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_leads_to_the_files_that_reported_it_and_back(seeded, claims, make, sign_in):
    case = claims.case("2026-07-08", invoice="9")
    claims.case("2026-08-02", invoice="9")
    load = make.frozen_month("ACUEDUCTO", JULY, at=_at("2026-08-05T09:00-05:00"))
    seeded.commit()
    client = sign_in(AUXILIAR)

    assert f'href="/sui/load/{load.id}"' in client.get(f"/pqr/{case.number}").text
    assert f'href="/sui/load/{load.id}"' in client.get("/sui/", query_string={"q": case.number.lower()}).text
    listed = client.get("/pqr/?sui=ACUEDUCTO-2026-07").text
    assert set(re.findall(r"/pqr/(PQR-\d+-\d+)", listed)) == {case.number}
    assert "/pqr/?sui=ACUEDUCTO-2026-07" in client.get(f"/sui/load/{load.id}").text


def test_differences_show_the_cell_as_it_was_and_as_it_would_be(seeded, claims, make, sign_in):
    case = claims.case("2026-07-08", invoice="9")
    load = make.frozen_month("ACUEDUCTO", JULY, at=_at("2026-08-05T09:00-05:00"))
    client, url = sign_in(CALIDAD), f"/sui/load/{load.id}/differences"
    seeded.commit()
    before = client.get(url).text
    case.invoice_number = "10"
    seeded.commit()
    after = client.get(url).text

    assert "<del>" not in before
    assert "<del>9</del>" in after
    assert "<ins>10</ins>" in after
    assert "Número o identificador de factura" in after


def test_the_board_tells_each_month(seeded, claims, make, sign_in):
    claims.case("2026-07-08", invoice="FE-9")
    make.frozen_month("ASEO", JULY, at=_at("2026-08-05T09:00-05:00"))
    seeded.commit()

    page = sign_in(CALIDAD).get("/sui/").text

    assert f'href="{PAGE}" aria-label="Acueducto, 2026-07' in page
    assert 'class="pill bad"' in page.partition('aria-label="Acueducto, 2026-07')[2][:200]
    assert 'class="pill warn"' in page.partition('aria-label="Aseo, 2026-07')[2][:200]


def test_cases_without_service_are_pointed_out_with_their_list(seeded, claims, sign_in):
    lost = claims.case("2026-07-08", service=None, cause=None)
    claims.case("2026-07-08", "SUGERENCIA", service=None, cause=None)
    seeded.commit()
    client = sign_in(CALIDAD)
    url = re.search(r'href="(/pqr/\?[^"]*service=empty[^"]*)"', client.get(PAGE).text)[1].replace("&amp;", "&")

    assert set(re.findall(r"/pqr/(PQR-\d+-\d+)", client.get(url).text)) == {lost.number}


# ── Rules, equivalences and columns ───────────────────────────────────────────────────────────────────────────────────────


def test_two_rules_for_the_same_day_are_refused(seeded, claims, sign_in):
    client = sign_in(ADMIN)
    said = {"key": "NO_ACCOUNT", "value": "0", "weight": "REFUSES", "is_active": "y", "valid_from": "2026-01-01"}
    overlap = client.post("/sui-rule/add", data=said)
    own = client.post("/sui-rule/add", data=said | {"service": f"{claims.service.id}"})

    assert overlap.status_code == 422
    assert own.status_code == 302
    rules = seeded.scalars(select(SuiRule).where(SuiRule.key == SuiRuleKey.NO_ACCOUNT).order_by(SuiRule.id)).all()
    assert [(rule.value, rule.service_id) for rule in rules] == [("0000", None), ("0", claims.service.id)]


@pytest.mark.parametrize("key, value", [("PENDING_ANSWERS", "9"), ("NO_NOTICE", "3,5"), ("ENCODING", "ebcdic"), ("SEAT_CODE", "0")])
def test_a_value_that_no_row_could_be_written_with_is_refused(seeded, claims, sign_in, key, value):
    said = {"key": key, "value": value, "weight": "REFUSES", "valid_from": "2026-01-01", "service": f"{claims.service.id}"}

    response = sign_in(ADMIN).post("/sui-rule/add", data=said)

    assert response.status_code == 422
    assert f'value="{value}"' in response.text


def test_an_equivalence_of_another_table_is_refused(seeded, claims, sign_in):
    said = {"kind": "PROCEDURE_OF_APPEAL", "member": "IN_PERSON", "code": "1", "valid_from": "2026-01-01"}

    assert sign_in(ADMIN).post("/sui-map/add", data=said).status_code == 422
    assert seeded.scalar(select(SuiMap.id).where(SuiMap.member == "IN_PERSON", SuiMap.kind == SuiMapKind.PROCEDURE_OF_APPEAL)) is None


def test_a_column_renamed_by_an_administrator_is_in_the_next_file(seeded, claims, make, sign_in):
    column = seeded.scalars(select(SuiColumn).where(SuiColumn.format == SuiFormat.CLAIMS, SuiColumn.position == 1)).one()
    seeded.commit()
    client = sign_in(ADMIN)
    form = client.get(f"/sui-column/edit/{column.id}").text
    seen = re.search(r'name="seen" value="([^"]*)"', form)[1]
    said = {"format": "CLAIMS", "position": "1", "field": "department", "is_active": "y", "seen": seen}
    none = client.post(f"/sui-column/edit/{column.id}", data=said | {"heading": " "})
    foreign = client.post(f"/sui-column/edit/{column.id}", data=said | {"heading": "X", "field": "subscribers"})
    done = client.post(f"/sui-column/edit/{column.id}", data=said | {"heading": "DANE, departamento"})

    assert [each.status_code for each in (none, foreign, done)] == [422, 422, 302]
    seeded.expire_all()
    load = make.frozen_month("ACUEDUCTO", JULY, at=_at("2026-08-05T09:00-05:00"))
    with files.open_file(load.file) as content:
        assert content.read().decode().startswith("DANE departamento,Código DANE municipio,")


def test_a_rule_may_be_weighed_down_to_a_warning(seeded, claims, sign_in):
    claims.case("2026-07-08", invoice="FE-9")
    rule = seeded.scalars(select(SuiRule).where(SuiRule.key == SuiRuleKey.INVOICE_OF_GROUP)).one()
    rule.weight = SuiWeight.WARNS
    seeded.commit()

    response = sign_in(SUBGERENTE).post(f"{PAGE}/freeze", data={})

    assert response.status_code == 302
    assert loads(seeded)[0].warnings[0]["rule"] == "INVOICE_OF_GROUP"
