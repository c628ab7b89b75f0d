"""What holds for every report of the catalogue: page, workbook, CSV, PDF and API have the same rows, of the same reader, or none at all."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select, update

from app.domain.reports import ReportFormat, ReportOutcome
from app.domain.states import Outcome
from app.models import Parameter, ReportRun
from app.operations import pqr as operations
from app.reports.registry import CATALOGUE, OFFERS

SUBGERENTE, DUENO, TECNICO, ADMIN = "Subgerente administrativo y comercial", "Dueño de proceso", "Técnico", "Admin"
OURS = [offer.key for offer in OFFERS if offer.formats]
PAGES = [offer.key for offer in OFFERS if not offer.address]


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


@pytest.fixture
def house(seeded: Any, make: Any) -> dict[str, list[str]]:
    """Cases of two processes, answered and not, filed this month; their numbers by process."""
    numbers: dict[str, list[str]] = {"FACTURACION": [], "TECNICA": []}
    for process, filed, answered in (
        ("FACTURACION", "2026-07-01", "2026-07-08"), ("FACTURACION", "2026-07-02", None), ("TECNICA", "2026-07-03", "2026-07-09"),
        ("TECNICA", "2026-07-06", None), ("TECNICA", "2026-07-07", None),
    ):  # fmt: skip
        pqr = make.case(instant(filed), party=make.party(name="=HYPERLINK(1)"))
        operations.route(seeded, pqr, make.process(process), "Revisar", at=instant(filed, 11), actor_id=None)
        if answered:
            operations.solve(seeded, pqr, "Se revisó", Outcome.GRANTED, at=instant(answered), actor_id=None)
            operations.mark_answered(seeded, pqr, at=instant(answered, 11), actor_id=None)
        numbers[process].append(pqr.number)
    seeded.commit()
    return numbers


def set_limit(session: Any, key: str, value: int) -> None:
    """Set a parameter of the house, which ships with the product."""
    assert session.execute(update(Parameter).where(Parameter.key == key).values(value=str(value))).rowcount == 1
    session.commit()


def from_workbook(content: bytes) -> list[list[tuple[Any, ...]]]:
    """Return the rows of every table of a workbook: all its sheets but the cover and the charts."""
    book = load_workbook(io.BytesIO(content))
    tables = [sheet for sheet in book.worksheets[1:] if not sheet._charts]
    assert all(sheet.freeze_panes == "B2" and sheet.auto_filter.ref for sheet in tables)
    return [list(sheet.iter_rows(min_row=2, values_only=True)) for sheet in tables]


def from_csv(content: bytes) -> list[list[list[str]]]:
    if content.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        texts = [archive.read(name) for name in sorted(archive.namelist())]
    else:
        texts = [content]
    return [list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), delimiter=";"))[1:] for text in texts]


def from_api(browser: Any, key: str) -> list[tuple[list[str], list[list[Any]]]]:
    """Return the kinds of the columns and the rows of every table, page by page."""
    found = []
    for part in browser.get(f"/api/v1/report/{key}").json["parts"]:
        rows, offset = [], 0
        while offset is not None:
            page = browser.get(f"/api/v1/report/{key}?part={part['key']}&offset={offset}&limit=2").json
            rows += page["rows"]
            offset = page["next_offset"]
        found.append(([column["kind"] for column in part["columns"]], rows))
    return found


def same(kind: str, cell: Any, value: Any) -> bool:
    """Return whether a cell of a workbook says what the API says."""
    if value is None or value == "":
        return cell is None
    match kind:
        case "int" | "money" | "decimal":
            return abs(Decimal(str(cell)) - Decimal(str(value))) < Decimal("0.000001")
        case "date":
            return cell.date().isoformat() == value
        case "datetime":
            return abs((cell - datetime.fromisoformat(value).replace(tzinfo=None)).total_seconds()) < 61
        case "bool":
            return cell in ("Sí", "Yes") if value else cell == "No"
    return str(cell) == str(value)


# ── The same rows at every door ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", OURS)
def test_page_workbook_csv_and_api_have_the_same_rows(house, reader, key):
    browser = reader(SUBGERENTE)

    page = browser.get(f"/report/{key}/", follow_redirects=True)
    workbook = from_workbook(browser.get(f"/report/{key}/excel").data)
    lines = from_csv(browser.get(f"/report/{key}/csv").data)
    api = from_api(browser, key)

    assert page.status_code == 200
    assert [len(rows) for rows in workbook] == [len(rows) for rows in lines] == [len(rows) for _kinds, rows in api]
    for (kinds, rows), sheet in zip(api, workbook, strict=True):
        for row, cells in zip(rows, sheet, strict=True):
            assert all(same(kind, cell, value) for kind, cell, value in zip(kinds, cells, row, strict=True)), (row, cells)


@pytest.mark.parametrize("key", OURS)
def test_the_pdf_is_accessible_and_names_the_report_and_its_reader(house, reader, key):
    answer = reader(SUBGERENTE).get(f"/report/{key}/pdf")

    paper = PdfReader(io.BytesIO(answer.data))
    text = " ".join(page.extract_text() for page in paper.pages)
    assert answer.mimetype == "application/pdf"
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert f"de {len(paper.pages)}" in text
    assert "Error" not in text and "{{" not in text and "%(" not in text


@pytest.mark.parametrize("key", OURS)
def test_each_file_is_written_down_with_its_rows(house, reader, seeded, key):
    browser = reader(SUBGERENTE)

    for name in ("excel", "csv", "pdf"):
        assert browser.get(f"/report/{key}/{name}").status_code == 200
    seeded.expire_all()

    runs = seeded.scalars(select(ReportRun).order_by(ReportRun.id)).all()
    assert [run.format for run in runs] == [ReportFormat.XLSX, ReportFormat.CSV, ReportFormat.PDF]
    assert len({run.n_rows for run in runs}) == 1 and all(run.n_bytes > 0 and run.report == key for run in runs)
    assert all(run.outcome is (ReportOutcome.DONE if run.n_rows else ReportOutcome.EMPTY) for run in runs)


@pytest.mark.parametrize("key", OURS)
def test_without_data_the_page_and_the_files_say_so_and_are_whole(seeded, reader, key):
    browser = reader(SUBGERENTE)

    assert browser.get(f"/report/{key}/", follow_redirects=True).status_code == 200
    assert load_workbook(io.BytesIO(browser.get(f"/report/{key}/excel").data)).worksheets
    assert browser.get(f"/report/{key}/pdf").data.startswith(b"%PDF")
    assert browser.get(f"/report/{key}/csv").status_code == 200


@pytest.mark.parametrize("key", PAGES)
def test_a_page_costs_twelve_statements_however_many_rows(house, reader, count_statements, make, seeded, key):
    browser = reader(SUBGERENTE)
    browser.get(f"/report/{key}/")
    with count_statements() as few:
        browser.get(f"/report/{key}/")
    for _n in range(12):
        pqr = make.case(instant("2026-07-03"))
        operations.route(seeded, pqr, make.process("TECNICA"), "Revisar", at=instant("2026-07-03", 11), actor_id=None)
    seeded.commit()
    with count_statements() as many:
        browser.get(f"/report/{key}/")

    assert len(many) <= len(few) <= 12, "\n".join(many)


def test_text_of_citizens_is_no_formula_and_opens_no_link(house, reader):
    browser = reader(SUBGERENTE)
    book = load_workbook(io.BytesIO(browser.get("/report/response_times/excel").data))
    lines = from_csv(browser.get("/report/response_times/csv").data)[0]

    cell = next(cell for line in book.worksheets[1].iter_rows() for cell in line if cell.value == "=HYPERLINK(1)")
    assert cell.data_type == "s" and cell.hyperlink is None
    assert lines[0][3] == "'=HYPERLINK(1)"


# ── Whose rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

DOORS = ("/report/{}/", "/report/{}/part/rows", "/report/{}/excel", "/report/{}/csv", "/report/{}/pdf", "/api/v1/report/{}")


@pytest.mark.parametrize("key", list(CATALOGUE))
def test_without_the_right_no_door_opens_and_nothing_is_written_down(house, reader, seeded, key):
    browser = reader(TECNICO)

    assert {browser.get(door.format(key)).status_code for door in DOORS} == {403}
    assert browser.post(f"/report/{key}/make/excel").status_code == 403
    assert seeded.scalars(select(ReportRun)).all() == []


@pytest.mark.parametrize("key", OURS)
def test_an_owner_takes_away_only_what_his_processes_hold(house, reader, key):
    browser = reader(DUENO, "TECNICA")
    answer = browser.get(f"/report/{key}/excel")
    if answer.status_code == 403:
        return

    said = str(from_workbook(answer.data)) + str(from_api(browser, key)) + browser.get(f"/report/{key}/", follow_redirects=True).text
    assert not [number for number in house["FACTURACION"] if number in said]


def test_nobody_gets_a_report_without_signing_in(seeded, client):
    assert client.get("/report/response_times/excel").status_code == 302
    assert client.get("/api/v1/report/response_times").status_code == 401


def test_a_token_opens_the_rows_of_whom_it_names_and_no_more(house, app, client, make, seeded):
    from flask_jwt_extended import create_access_token

    owner, technician = make.user(DUENO, process="TECNICA"), make.user(TECNICO)
    seeded.commit()

    def ask(user: Any) -> Any:
        token = {"Authorization": f"Bearer {create_access_token(identity=str(user.id))}"}
        return client.get("/api/v1/report/response_times?period=filed&limit=2", headers=token)

    assert [row[0] for row in ask(owner).json["rows"]] == house["TECNICA"][:2]
    assert ask(technician).status_code == 403


def test_a_report_that_nobody_declared_is_not_found(reader):
    browser = reader(SUBGERENTE)

    assert {browser.get(door.format("nothing")).status_code for door in DOORS} == {404}


# ── What makes no sense, and what is too much ─────────────────────────────────────────────────────────────────────────────


def test_a_filter_that_makes_no_sense_keeps_what_was_typed_and_gives_no_file(house, reader):
    browser = reader(SUBGERENTE)
    query = "?period=OTHER&since=2026-07-31&until=2026-07-01"

    page = browser.get(f"/report/pqr_report/{query}")
    answer = browser.get(f"/api/v1/report/pqr_report{query}")

    assert page.status_code == 422 and 'aria-invalid="true"' in page.text and 'value="2026-07-31"' in page.text
    assert browser.get(f"/report/pqr_report/excel{query}").location == f"/report/pqr_report/{query}"
    assert answer.status_code == 400 and "until" in answer.json["message"]


@pytest.mark.parametrize(("parameter", "door"), [("reports.most_rows", "excel"), ("reports.most_rows", "csv"), ("reports.pdf_rows", "pdf")])
def test_too_many_rows_are_refused_with_how_many_and_what_to_do(house, reader, seeded, parameter, door):
    set_limit(seeded, parameter, 2)
    browser = reader(SUBGERENTE)

    answer = browser.get(f"/report/response_times/{door}", follow_redirects=True)

    seeded.expire_all()
    run = seeded.scalars(select(ReportRun)).one()
    assert run.outcome is ReportOutcome.REFUSED and run.file_id is None and re.search(r"\b5\b.*\b2\b", run.error)
    assert answer.mimetype == "text/html" and "flash" in answer.text


def test_a_long_one_asks_before_it_is_made_in_the_background(house, reader, seeded):
    set_limit(seeded, "reports.rows_now", 2)

    answer = reader(SUBGERENTE).get("/report/response_times/excel?period=filed&since=2026-07-01")

    assert answer.mimetype == "text/html"
    assert 'action="/report/response_times/make/excel?period=filed&amp;since=2026-07-01' in answer.text
    assert seeded.scalars(select(ReportRun)).all() == []


# ── LibreOffice ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.one_engine
@pytest.mark.parametrize("key", OURS)
def test_libreoffice_opens_the_workbook_and_adds_up_the_same(house, reader, tmp_path, key):
    """A workbook that needs repair makes LibreOffice leave rows out or fail."""
    office = shutil.which("soffice")
    if office is None:
        assert not os.environ.get("ATIENDE_REQUIRE_ALL"), "LibreOffice is missing: install libreoffice-calc"
        pytest.skip("LibreOffice is not installed")
    content = reader(SUBGERENTE).get(f"/report/{key}/excel").data
    (tmp_path / "theirs").mkdir()
    (tmp_path / "report.xlsx").write_bytes(content)

    asked = [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx", "--outdir",
             str(tmp_path / "theirs"), str(tmp_path / "report.xlsx")]  # fmt: skip
    done = subprocess.run(asked, capture_output=True, timeout=120, check=True)

    assert b"Error" not in done.stderr
    ours, theirs = from_workbook_loosely(content), from_workbook_loosely((tmp_path / "theirs" / "report.xlsx").read_bytes())
    assert ours == theirs


def from_workbook_loosely(content: bytes) -> list[tuple[str, int, Decimal, int]]:
    """Return of every sheet its name, how many cells say something, what its numbers add up to, and how many charts it has."""
    found = []
    for sheet in load_workbook(io.BytesIO(content)).worksheets:
        values = [value for row in sheet.iter_rows(values_only=True) for value in row if value is not None]
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        found.append((sheet.title, len(values), round(sum(map(Decimal, numbers), Decimal(0)), 4), len(sheet._charts)))
    return found
