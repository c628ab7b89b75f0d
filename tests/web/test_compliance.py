"""The pages of compliance: what they say, for whom, and that every number leads to exactly its rows."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from openpyxl import load_workbook

from app.domain.checklists import Said, Verdict
from app.models import Contract
from app.operations import checklists as operations
from tests.databases import statements_of

MET, PARTLY, NOT_MET, NOT_APPLICABLE = Verdict
CONTROL, DUENO, AUXILIAR = "Control interno / Gerencia", "Dueño de proceso", "Auxiliar PQR"
AT = datetime(2025, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
def verified(seeded, make):
    """verified(process code, year, *verdicts) → a contract of that process since 2023, its checklist of that year filled."""

    def build(process: str, *years: tuple[int, tuple[Verdict, ...]], **columns: Any) -> Contract:
        dates = {"starts_on": date(2023, 2, 1), "ends_on": date(2028, 1, 31), "at": datetime(2023, 1, 20, 15, tzinfo=UTC)}
        contract = make.contract(process=make.process(process), **(dates | columns))
        for year, verdicts in years:
            at = AT.replace(year=year)
            checklist = operations.open_checklist(seeded, contract, at=at, actor_id=None)
            for item, verdict in zip(operations.items_of(seeded, checklist), verdicts, strict=False):
                said = Said(verdict, "Se revisó", "Se corrigió" if verdict.is_finding else "")
                operations.save_row(seeded, item, said, version=0, at=at, actor_id=None)
        return contract

    return build


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows_of(page: Any) -> list[str]:
    """Return the words of each row of the list on *page*."""
    body = re.search(r'<tbody role="rowgroup">(.*?)</tbody>', page.text, re.S)
    return [words(row) for row in re.findall(r'<tr role="row">(.*?)</tr>', body[1], re.S)] if body else []


def links_in(html: str) -> dict[str, str]:
    """Return the addresses of the links by their words."""
    return {words(text): unescape(url) for url, text in re.findall(r'<a[^>]*href="([^"]+)"[^>]*>(.*?)</a>', html, re.S)}


# ── The overview ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_share_leads_to_exactly_its_verdicts(reader, verified):
    contract = verified("TECNICA", (2024, (MET, MET, PARTLY)), (2025, (MET, NOT_MET, NOT_APPLICABLE)))
    verified("FACTURACION", (2025, (MET, MET, MET)))
    control = reader(CONTROL)

    page = control.get("/compliance/").text
    row = re.search(rf"<tr><th scope=\"row\"><a[^>]*>{contract.number}</a>.*?</tr>", page, re.S)[0]

    assert "83,3 %" in words(row)
    assert "50 %" in words(row)
    found = rows_of(control.get(links_in(row)["50\u00a0%".replace("\u00a0", " ")]))
    assert len(found) == 3
    assert all(contract.number in line and "2025" in line for line in found)


@pytest.mark.parametrize("by", ["contract", "process", "party", "kind", "quality"])
def test_the_rows_behind_each_grouping_are_as_many_as_it_counts(reader, verified, by):
    verified("TECNICA", (2025, (MET, NOT_MET, NOT_APPLICABLE)))
    verified("FACTURACION", (2025, (MET, MET, PARTLY)))
    control = reader(CONTROL)

    page = control.get(f"/compliance/?by={by}").text
    table = re.findall(r'<table class="numbers">.*?</table>', page, re.S)[-1]
    urls = [unescape(url) for url in re.findall(r'<td class="right"><a href="([^"]+)"', table)]
    *groups, all_of_the_year = [len(rows_of(control.get(url))) for url in urls]

    assert sum(groups) == all_of_the_year == 6


def test_the_indicator_leads_to_its_contracts(reader, verified, app):
    done = verified("TECNICA", (2025, (MET, MET, MET)))
    missing = verified("FACTURACION")
    control = reader(CONTROL)

    table = re.search(r'<table class="numbers indicator">.*?</table>', control.get("/compliance/").text, re.S)[0]
    row = re.search(r'<tr><th scope="row">2025</th>.*?</tr>', table, re.S)[0]
    urls = re.findall(r'href="([^"]+)"', row)

    assert words(row).split() == ["2025", "0", "%", "0", "2", "2", "2", "0"]  # open is not yet verified
    assert len(urls) == 3
    numbers = {line.split()[0] for line in rows_of(control.get("/verifications/list/?missing=2025"))}
    assert numbers == {done.number, missing.number}


def test_an_owner_sees_the_compliance_of_the_contracts_of_his_process(reader, verified):
    mine = verified("TECNICA", (2025, (MET, MET, MET)))
    other = verified("FACTURACION", (2025, (NOT_MET, MET, MET)))
    owner = reader(DUENO, "TECNICA")

    for address in ("/compliance/", "/verified/list/", "/verifications/list/?active=2025", "/charts/compliance/?chart=by-contract"):
        page = owner.get(address).text
        assert mine.number in page, address
        assert other.number not in page, address
    assert owner.get(f"/compliance/contract/{other.id}").status_code == 404
    assert owner.get(f"/compliance/contract/{other.id}/excel").status_code == 404
    assert other.number not in owner.get(f"/compliance/party/{other.party_id}").text


def test_what_nobody_adds_up_by_does_not_exist(reader):
    control = reader(CONTROL)

    assert control.get("/compliance/?by=colour").status_code == 404
    assert control.get("/compliance/contract/999999").status_code == 404
    assert control.get("/compliance/contract/99999999999999999999").status_code == 404
    assert control.get("/compliance/party/x").status_code == 404


def test_without_contracts_the_pages_say_what_to_do(reader, make):
    party = make.party()
    control = reader(CONTROL)

    for address in ("/compliance/", f"/compliance/party/{party.id}", "/verified/list/", "/verifications/list/", "/charts/compliance/"):
        page = control.get(address)
        assert page.status_code == 200
        assert 'class="card empty"' in page.text or "empty" in page.text, address


def test_the_overview_costs_the_same_however_many_contracts_there_are(reader, verified, seeded):
    control = reader(CONTROL)
    counts = []
    for _round in range(2):
        for _n in range(3):
            verified("TECNICA", (2024, (MET, MET, PARTLY)), (2025, (MET, NOT_MET, MET)))
        seeded.commit()
        with statements_of(seeded.connection()) as statements:
            assert control.get("/compliance/").status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 8


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_says_each_verdict_in_letter_word_and_colour_and_leads_to_its_row(reader, verified):
    contract = verified("TECNICA", (2024, (MET, PARTLY, NOT_MET)), (2025, (NOT_APPLICABLE, MET)))
    control = reader(CONTROL)

    page = control.get(f"/compliance/contract/{contract.id}").text
    table = re.search(r'<table class="matrix">.*?</table>', page, re.S)[0]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.S)

    tones = [re.findall(r'class="grade ?(\w*)"', row) for row in rows]
    assert tones == [["ok", "stop"], ["warn", "ok"], ["bad", ""], []]
    assert "50 %" in words(rows[-1])
    links = re.findall(r'href="(/checklist/show/\d+#row-\d+)"', table)
    assert len(links) == 5
    assert control.get(links[0].partition("#")[0]).status_code == 200


def test_the_matrix_of_a_party_joins_its_contracts_and_goes_to_excel(reader, verified, make):
    party = make.party(name="Alcaldía Ficticia")
    contracts = [verified("TECNICA", (2025, (MET, MET, PARTLY)), party=party) for _n in range(2)]
    control = reader(CONTROL)

    page = control.get(f"/compliance/party/{party.id}").text
    answer = control.get(f"/compliance/party/{party.id}/excel")
    data = load_workbook(io.BytesIO(answer.data)).worksheets[1]

    assert page.count('<table class="matrix">') == 2
    assert [cell.value for cell in data[1]][-1] == "2025"
    assert {row[0] for row in data.iter_rows(min_row=2, values_only=True)} == {contract.number for contract in contracts}
    assert data.max_row == 7


def test_nobody_else_opens_compliance(reader, verified):
    contract = verified("TECNICA", (2025, (MET, MET, MET)))
    clerk = reader(AUXILIAR)

    for address in ("/compliance/", f"/compliance/contract/{contract.id}", "/verified/list/", "/verifications/list/"):
        assert contract.number not in clerk.get(address, follow_redirects=False).text


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_files_have_words_and_numbers(reader, verified):
    verified("TECNICA", (2024, (MET, PARTLY, NOT_MET)), (2025, (MET, MET, MET)))
    control = reader(CONTROL)

    overview = load_workbook(io.BytesIO(control.get("/compliance/excel?by=process").data)).worksheets[1]
    verdicts = load_workbook(io.BytesIO(control.get("/verified/list/").data and control.get("/verified/export/xlsx").data)).worksheets[1]

    assert [row[2:9] for row in overview.iter_rows(min_row=2, values_only=True)] == [
        (2024, 1, 1, 1, 0, 0, 50), (2025, 3, 0, 0, 0, 0, 100)
    ]  # fmt: skip
    assert verdicts.max_row == 7
    assert all("<" not in str(cell.value) for row in verdicts.iter_rows(min_row=2) for cell in row)


def test_a_chart_of_verdicts_leads_to_its_rows(reader, verified):
    verified("TECNICA", (2024, (MET, PARTLY, NOT_MET)), (2025, (MET, MET)))
    control = reader(CONTROL)

    for name in ("by-year", "by-process", "by-contract", "by-kind", "by-quality"):
        page = control.get(f"/charts/compliance/?chart={name}").text
        table = re.search(r'<table class="numbers">.*?</table>', page, re.S)[0]
        cells = re.findall(r'<td class="right"><a href="([^"]+)">(\d+)</a>', table)
        assert cells, name
        for url, n in cells:
            assert len(rows_of(control.get(unescape(url)))) == int(n), (name, url)
