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
from app.models import ControlledDocument, ProcessActivity, ProcessSheet
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
