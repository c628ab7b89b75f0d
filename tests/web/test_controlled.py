"""The pages of documented information and of the characterisations."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select

from app.demo.documents import keep_documents
from app.domain.controlled import EditionStatus
from app.extensions import now, today
from app.models import (
    ControlledDocument,
    ControlledPrint,
    DocumentEdition,
    ProcessActivity,
    ProcessSheet,
    ProcessSheetRow,
    Questionnaire,
    StoredFile,
)
from app.operations.controlled import print_head
from app.security import AUXILIAR, CALIDAD, CONTROL, SUBGERENTE, TECNICO

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def quality(seeded, sign_in):
    return sign_in(CALIDAD)


def document(session, code="R10-01-05"):
    return session.scalars(select(ControlledDocument).where(ControlledDocument.code == code)).one()


def drafted(browser, pk, **said):
    told = {"version": "2", "changed_on": "2026-07-09", "change": "Nueva tabla de pagos", **said}
    return browser.post(f"/controlled-document/draft/{pk}", data=told, content_type="multipart/form-data")


def words_of(answer):
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages))


# ── The register ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_register_shows_what_ships_with_its_version_in_force(seeded, quality):
    page = quality.get("/controlled-document/list/?all=1").text

    for code in ("P10-01", "C10-01", "R10-01-01", "R10-01-02", "R10-01-03", "R10-01-05", "R10-01-06", "R06-01-06"):
        assert code in page
    assert "28 Aug 2020" in page
    without = quality.get("/controlled-document/list/?is_active=1&in_force=0").text
    assert ">R06-01-06</a>" in without and ">R10-01-01</a>" not in without


def test_the_page_of_a_document_says_how_sure_it_is(seeded, quality):
    page = quality.get(f"/controlled-document/show/{document(seeded, 'R06-01-06').id}").text

    assert "R10-01-05" in page
    assert "none in force" in page


def test_a_version_is_drafted_and_approved_and_its_code_is_printed(seeded, quality):
    row = document(seeded)
    assert quality.get(f"/controlled-document/draft/{row.id}").status_code == 200
    assert drafted(quality, row.id, file=(io.BytesIO(PDF), "orden.pdf")).status_code == 302
    page = quality.get(f"/controlled-document/show/{row.id}").text
    assert "Approve version 2" in page and "orden.pdf" in page
    assert "Nueva tabla de pagos" in quality.get(f"/controlled-document/approve/{row.id}").text

    assert quality.post(f"/controlled-document/approve/{row.id}").status_code == 302

    states = {each.version: each.status for each in seeded.scalars(select(DocumentEdition).where(DocumentEdition.document_id == row.id))}
    assert states == {"1": EditionStatus.RETIRED, "2": EditionStatus.IN_FORCE}
    assert quality.post(f"/controlled-document/approve/{row.id}").status_code == 404


def test_a_draft_without_a_word_on_what_changes_is_not_approved(seeded, quality):
    row = document(seeded)
    drafted(quality, row.id, change="")

    answer = quality.post(f"/controlled-document/approve/{row.id}")

    assert answer.status_code == 422
    assert "Write what changes in version 2 before it is approved." in answer.text


@pytest.mark.parametrize(
    ("said", "words"),
    [({"version": "1"}, "There is a version 1 of this document already."), ({"version": " "}, "Write the version."),
     ({"changed_on": "ayer"}, "ayer")],
)  # fmt: skip
def test_what_is_wrong_with_a_draft_is_said_beside_it_and_kept(seeded, quality, said, words):
    row = document(seeded)

    answer = drafted(quality, row.id, **said)

    assert answer.status_code == 422
    assert words in answer.text and "Nueva tabla de pagos" in answer.text
    assert seeded.scalars(select(DocumentEdition).where(DocumentEdition.document_id == row.id)).one().version == "1"


def test_a_file_of_another_kind_is_refused(seeded, quality):
    answer = drafted(quality, document(seeded).id, file=(io.BytesIO(b"MZ..."), "orden.exe"))

    assert answer.status_code == 422 and "orden.exe" in answer.text
    assert seeded.scalar(select(DocumentEdition.id).where(DocumentEdition.version == "2")) is None


def test_the_file_of_a_draft_is_for_whoever_writes_or_approves_it(seeded, quality, sign_in):
    row = document(seeded)
    drafted(quality, row.id, file=(io.BytesIO(PDF), "orden.pdf"))
    key = seeded.scalar(select(DocumentEdition.id).where(DocumentEdition.version == "2"))

    assert quality.get(f"/controlled-document/file/{key}").data == PDF
    assert sign_in(SUBGERENTE).get(f"/controlled-document/file/{key}").status_code == 200
    assert sign_in(CONTROL).get(f"/controlled-document/file/{key}").status_code == 404
    quality.post(f"/controlled-document/approve/{row.id}")
    assert sign_in(CONTROL).get(f"/controlled-document/file/{key}").data == PDF
    assert sign_in(TECNICO).get(f"/controlled-document/file/{key}").status_code == 403


def test_a_print_carries_one_code_and_says_which_when_another_wants_it(seeded, quality):
    row, other = document(seeded, "P10-01"), document(seeded, "R10-01-05")

    assert quality.post(f"/controlled-document/prints/{row.id}", data={"keys": ["risk_map", "documents"]}).status_code == 302
    refused = quality.post(f"/controlled-document/prints/{row.id}", data={"keys": ["risk_map", "financing"]})

    assert refused.status_code == 422 and other.code in refused.text
    tied = seeded.scalars(select(ControlledPrint.key).where(ControlledPrint.document_id == row.id)).all()
    assert sorted(tied) == ["documents", "risk_map"]
    assert quality.post(f"/controlled-document/prints/{row.id}", data={}).status_code == 302
    assert seeded.scalars(select(ControlledPrint.key).where(ControlledPrint.document_id == row.id)).all() == []


def test_an_address_out_of_the_system_is_refused(seeded, quality):
    told = {"code": "R99-01", "name": "Formato", "kind": "FORMAT", "is_active": "y", "path": "https://example.com/"}

    refused = quality.post("/controlled-document/add", data=told)
    stored = quality.post("/controlled-document/add", data=told | {"path": "/pqr/"})

    assert refused.status_code == 422 and "Write the address of a page of this system" in refused.text
    assert stored.status_code == 302
    assert document(seeded, "R99-01").path == "/pqr/"


def test_the_master_list_comes_on_paper_and_as_a_workbook_with_the_code_of_the_house(seeded, quality):
    quality.post(f"/controlled-document/prints/{document(seeded, 'P10-01').id}", data={"keys": ["documents"]})

    paper = words_of(quality.get("/controlled-document/master?is_active=1"))
    book = load_workbook(io.BytesIO(quality.get("/controlled-document/export/xlsx").data))

    assert "Listado maestro de información documentada" in paper and "P10-01 Procedimiento Atención al Cliente Versión 1" in paper
    assert "R06-01-06" in paper and "Sin versión vigente" in paper
    cover = {line[0].value: line[1].value for line in book.worksheets[0].iter_rows(max_col=2)}
    assert (cover["Format"], cover["Version"]) == ("P10-01", "1")
    codes = [line[0].value for line in book.worksheets[1].iter_rows(min_row=2)]
    assert codes == sorted(codes) and "C10-01" in codes


def test_a_page_of_the_register_costs_the_same_however_many_documents(seeded, quality, count_statements):
    quality.get("/controlled-document/list/")
    with count_statements() as few:
        quality.get("/controlled-document/list/")
    seeded.add_all(ControlledDocument(code=f"R99-{n}", name="Formato", kind="FORMAT") for n in range(15))
    seeded.commit()
    with count_statements() as many:
        quality.get("/controlled-document/list/")

    assert len(many) == len(few) <= 8


# ── Characterisations ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sheet(seeded):
    return seeded.scalars(select(ProcessSheet)).one()


def rows_of(session, sheet):
    return session.scalars(select(ProcessSheetRow).where(ProcessSheetRow.sheet_id == sheet.id).order_by(ProcessSheetRow.position)).all()


def test_the_page_shows_the_cycle_and_links_what_the_reader_may_open(seeded, quality, sign_in, sheet):
    page = quality.get(f"/process-sheet/show/{sheet.id}").text

    assert re.findall(r"<abbr[^>]*>(\w)</abbr>", page) == ["P", "H", "H", "V", "V", "A"]
    assert '<a href="/reports/response-times/">Registro de la PQR en el sistema y en el formato R10-01-01.</a>' in page
    assert 'href="/counter/"' not in page  # quality does not register at the counter
    assert '<a href="/counter/">Recepción de las PQR' in sign_in(AUXILIAR).get(f"/process-sheet/show/{sheet.id}").text


def test_every_address_of_the_shipped_sheet_is_a_page(seeded, app, sheet):
    adapter = app.url_map.bind("")
    for path in seeded.scalars(select(ProcessActivity.path).where(ProcessActivity.path != "")):
        assert adapter.match(path.partition("?")[0], method="GET"), path


def test_a_row_is_rewritten_moved_and_taken_out(seeded, quality, sheet, at):
    first, second = rows_of(seeded, sheet)[:2]
    base = f"/process-sheet/row/{sheet.id}"
    seen = re.search(r'name="seen" value="([^"]+)"', quality.get(f"{base}/{first.id}").text)[1]
    told = {"seen": seen, "phase": "PLAN", "supplier": "Usuarios.", "input": "Solicitudes", "output": "Radicado", "client": "Usuarios",
            "activities-0-text": "Radicar", "activities-0-path": "/pqr/", "activities-1-text": "", "activities-1-path": ""}  # fmt: skip

    at("2026-07-10T11:00-05:00")
    assert quality.post(f"{base}/{first.id}", data=told).status_code == 302
    assert quality.post(f"{base}/{first.id}", data=told).status_code == 422  # somebody else changed it in between
    assert quality.post(f"/process-sheet/move/{sheet.id}/{first.id}/down").status_code == 302
    assert [row.id for row in rows_of(seeded, sheet)][:2] == [second.id, first.id]
    page = quality.get(f"/process-sheet/show/{sheet.id}").text
    assert "printed as a draft" in page and '<a href="/pqr/">Radicar</a>' in page
    assert quality.post(f"/process-sheet/drop/{sheet.id}/{first.id}").status_code == 302
    assert first.id not in [row.id for row in rows_of(seeded, sheet)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"activities-0-path": "//example.com"}, "Write the address of a page of this system"),
     ({"activities-0-text": ""}, "Write what is done on the page /pqr/"),
     ({"phase": "NEVER"}, "Choose one of the list.")],
)  # fmt: skip
def test_a_wrong_row_is_refused_and_what_was_typed_stays(seeded, quality, sheet, wrong, words):
    base = f"/process-sheet/row/{sheet.id}"
    seen = re.search(r'name="seen" value="([^"]+)"', quality.get(base).text)[1]
    told = {"seen": seen, "phase": "ACT", "client": "Partes nuevas", "activities-0-text": "Revisar", "activities-0-path": "/pqr/"}

    answer = quality.post(base, data=told | wrong)

    assert answer.status_code == 422 and words in answer.text and "Partes nuevas" in answer.text
    assert len(rows_of(seeded, sheet)) == 7


def test_an_approved_version_keeps_the_page_of_its_characterisation(seeded, quality, sheet):
    drafted(quality, sheet.document_id, change="Se revisó el ciclo")
    quality.post(f"/controlled-document/approve/{sheet.document_id}")

    edition = seeded.scalars(select(DocumentEdition).where(DocumentEdition.status == "IN_FORCE", DocumentEdition.version == "2")).one()
    assert seeded.get_one(StoredFile, edition.file_id).name == "C10-01-v2.pdf"
    kept = words_of(quality.get(f"/controlled-document/file/{edition.id}"))
    assert "Versión 2" in kept and "09-jul-2026" in kept and "Direccionar el trámite" in kept
    assert edition.in_force_on == today()


def test_the_sheet_is_a_page_for_whoever_may_read_it(seeded, sign_in, sheet):
    assert "C10-01" in words_of(sign_in(AUXILIAR).get(f"/process-sheet/pdf/{sheet.id}"))
    assert sign_in(TECNICO).get(f"/process-sheet/pdf/{sheet.id}").status_code == 403
    assert sign_in(AUXILIAR).get(f"/process-sheet/row/{sheet.id}").status_code == 403


def test_the_page_of_a_characterisation_costs_twelve_statements_at_most(seeded, quality, sheet, count_statements):
    quality.get(f"/process-sheet/show/{sheet.id}")
    with count_statements() as spent:
        quality.get(f"/process-sheet/show/{sheet.id}")
    with count_statements() as of_document:
        quality.get(f"/controlled-document/show/{sheet.document_id}")

    assert len(spent) <= 12 and len(of_document) <= 12


def test_a_process_gets_one_sheet_and_a_document_holds_one(seeded, quality, sheet, make):
    entry = {"code": "C06-01", "name": "Caracterización Facturación", "kind": "CHARACTERISATION", "is_active": "y"}
    quality.post("/controlled-document/add", data=entry)
    mine = document(seeded, "C06-01")
    told = {"process_id": make.process("FACTURACION").id, "document_id": mine.id, "objective": "Facturar bien"}

    assert quality.post("/process-sheet/add", data=told | {"document_id": sheet.document_id}).status_code == 422
    stored = quality.post("/process-sheet/add", data=told)
    again = quality.post("/process-sheet/add", data=told)

    assert stored.status_code == 302 and again.status_code == 422 and "Facturar bien" in again.text
    added = seeded.scalars(select(ProcessSheet).where(ProcessSheet.document_id == mine.id)).one()
    page = quality.get(f"/process-sheet/show/{added.id}").text
    assert "It has no rows yet." in page and "Draft its next version" in page
    paper = words_of(quality.get(f"/process-sheet/pdf/{added.id}"))
    assert "CARACTERIZACIÓN FACTURACIÓN" in paper and "Sin versión vigente" in paper and "BORRADOR" in paper


def test_a_survey_form_leads_to_its_entry_and_back(seeded, quality):
    form = seeded.scalars(select(Questionnaire).where(Questionnaire.code == "R10-01-02")).one()

    assert 'href="/controlled-document/list/?q=R10-01-02"' in quality.get(f"/questionnaire/show/{form.id}").text
    assert f'href="/questionnaire/show/{form.id}"' in quality.get(f"/controlled-document/show/{document(seeded, 'R10-01-02').id}").text


def test_the_demo_keeps_a_register_whose_prints_carry_its_codes(seeded, make):
    keep_documents(seeded, make.user(CALIDAD).id, now())

    assert {key: print_head(seeded, key).code for key in ("risk_map", "legal_matrix", "action")} == {
        "risk_map": "R05-01-01", "legal_matrix": "R05-01-02", "action": "R05-02-01",
    }  # fmt: skip
    assert print_head(seeded, "financing").version == "2"
