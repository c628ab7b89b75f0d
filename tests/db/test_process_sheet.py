"""The characterisation C10-01: every word of the original on one page, and its rows."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app.documents.processsheet import CHANGED, sheet_pdf
from app.domain.controlled import Phase, RowTexts
from app.domain.errors import DomainError, MoveRefused
from app.extensions import now
from app.models import ChangeLog, ControlledDocument, ProcessActivity, ProcessSheet
from app.operations import process_sheets
from app.operations.process_sheets import lines_of

ORIGINAL = Path(__file__).parents[1] / "data" / "c10-01.txt"


@pytest.fixture
def sheet(seeded):
    return seeded.scalars(select(ProcessSheet).join(ControlledDocument).where(ControlledDocument.code == "C10-01")).one()


def pages_of(pdf: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text().replace("\u200b", "")) for page in PdfReader(io.BytesIO(pdf)).pages]


def original_phrases() -> list[str]:
    """Return the text of every cell and line of the original, spaces told once."""
    cells = re.split(r"[\t\n]", ORIGINAL.read_text(encoding="utf-8"))
    return [" ".join(cell.split()) for cell in cells if cell.strip(" -")]


def folded(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def test_every_phrase_of_the_original_is_on_the_one_page(seeded, sheet):
    (page,) = pages_of(sheet_pdf(seeded, sheet, now()))

    phrases = original_phrases()
    assert len(phrases) > 60
    title = "CARACTERIZACIÓN ATENCION AL CLIENTE PQR"  # the register writes its accent
    assert folded(title) in folded(page)
    assert [phrase for phrase in phrases if phrase not in page and phrase != title] == []
    assert "Versión 1" in page


def test_a_sheet_that_says_much_more_still_fits_one_page(seeded, sheet):
    for line in lines_of(seeded, sheet):
        texts = RowTexts(line.row.phase, line.row.supplier * 3, line.row.input * 3, line.row.output * 2, line.row.client * 2,
                         tuple((activity.text * 2, activity.path) for activity in line.activities))  # fmt: skip
        if line.activities:
            process_sheets.store_row(seeded, sheet, line.row, texts, at=now())

    assert len(pages_of(sheet_pdf(seeded, sheet, now()))) == 1


def test_a_sheet_that_changed_after_its_version_is_printed_as_a_draft(seeded, sheet, at):
    line = lines_of(seeded, sheet)[0]
    assert CHANGED not in pages_of(sheet_pdf(seeded, sheet, now()))[0]
    said = RowTexts(Phase.PLAN, "Usuarios.", "", "", "", ((line.activities[0].text, "/pqr/"),))

    at("2026-07-10T11:00-05:00")
    process_sheets.store_row(seeded, sheet, line.row, said, at=now())

    (page,) = pages_of(sheet_pdf(seeded, sheet, now()))
    assert CHANGED in page and "BORRADOR" in page
    assert [(done.text, done.path) for done in lines_of(seeded, sheet)[0].activities] == list(said.activities)


def test_rows_change_places_and_leave(seeded, sheet):
    first, second, *_others, last = (line.row for line in lines_of(seeded, sheet))

    process_sheets.move_row(seeded, first, up=False, at=now())
    process_sheets.drop_row(seeded, last, at=now())

    kept = [line.row for line in lines_of(seeded, sheet)]
    assert kept[:2] == [second, first] and last not in kept
    with pytest.raises(MoveRefused, match="This row is the first already"):
        process_sheets.move_row(seeded, second, up=True, at=now())
    with pytest.raises(MoveRefused, match="This row is the last already"):
        process_sheets.move_row(seeded, kept[-1], up=False, at=now())


def test_a_new_row_goes_to_the_end_and_there_is_an_end_to_rows(seeded, sheet):
    said = RowTexts(Phase.ACT, "", "", "Mejoras", "Todos", ())
    assert process_sheets.store_row(seeded, sheet, None, said, at=now()).position == 8
    for _n in range(32):
        process_sheets.store_row(seeded, sheet, None, said, at=now())

    with pytest.raises(DomainError, match="at most 40 rows"):
        process_sheets.store_row(seeded, sheet, None, said, at=now())


def test_what_a_row_said_stays_in_the_change_log(seeded, sheet):
    line = lines_of(seeded, sheet)[0]
    text = line.activities[0].text

    process_sheets.store_row(seeded, sheet, line.row, RowTexts(Phase.PLAN, "Otros", "", "", "", (("Otra", ""),)), at=now())

    gone = seeded.scalars(select(ChangeLog).where(ChangeLog.table_name == "process_activity", ChangeLog.action == "delete")).all()
    assert text in [each.before["text"] for each in gone]
    assert len(seeded.scalars(select(ProcessActivity).where(ProcessActivity.row_id == line.row.id)).all()) == 1
