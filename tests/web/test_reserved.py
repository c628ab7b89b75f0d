"""A reserved identity stays reserved at every door of the case: pages, files, documents, reports, look-ups (Ley 1755 art. 13)."""

from __future__ import annotations

import io
import re

import pytest

from tests.stage import HIDDEN
from tests.test_permissions import ROWS

SECRETS = [*HIDDEN.values(), "3009876543", "Carrera Oculta"]
#: The doors of a case and of what is made of cases, for the reserved case.
DOORS = sorted(
    {(row.endpoint, str(row.url)): row for row in ROWS if row.method == "GET" and row.endpoint.startswith(("Case", "Response"))}.items()
)
MAY_KNOW = "ASGX"


def words_of(response) -> str:
    """Return everything readable in the answer, whatever its kind."""
    body = response.get_data()
    if response.mimetype == "application/pdf":
        from pypdf import PdfReader

        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages) if body.startswith(b"%PDF-1.7") else ""
    if "spreadsheet" in response.mimetype:
        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(body))
        return "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
    return response.get_data(as_text=True)


def told(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.one_engine
@pytest.mark.parametrize("row", [row for _, row in DOORS], ids=str)
@pytest.mark.parametrize("letter", ["D", "C", "Q"])
def test_whoever_lacks_the_right_never_reads_who_filed(stage, row, letter):
    response = stage.request(letter, "GET", stage.address(row.endpoint, "RESERVED", **row.url))

    assert told(words_of(response)) == []


@pytest.mark.one_engine
@pytest.mark.parametrize("letter", MAY_KNOW)
def test_whoever_has_the_right_reads_it_on_the_case(stage, letter):
    """Else the test above would pass for a name that is written nowhere."""
    response = stage.request(letter, "GET", stage.address("CaseView.show", "RESERVED"))

    assert HIDDEN["name"] in words_of(response)


@pytest.mark.one_engine
@pytest.mark.parametrize("letter", ["D", "C", "Q"])
def test_the_page_of_the_person_does_not_betray_the_case(stage, letter):
    response = stage.request(letter, "GET", stage.address("PartyView.show", pk="@reserved"))

    assert response.status_code == 200
    assert stage.cases["RESERVED"] not in response.get_data(as_text=True)


@pytest.mark.one_engine
@pytest.mark.parametrize("term", ["Nombre Que Nadie", "98765432", "oculta@example.com"])
@pytest.mark.parametrize("letter", ["D", "C", "Q"])
def test_searching_by_the_name_does_not_find_the_case(stage, letter, term):
    """A search that finds the case by a hidden name tells the name."""
    assert not found_by(stage, letter, term)


@pytest.mark.one_engine
@pytest.mark.parametrize("letter", ["D", "C", "Q"])
def test_the_cases_of_a_person_do_not_include_the_reserved_one(stage, letter):
    assert not found_by(stage, letter, "", party="@reserved")


@pytest.mark.one_engine
def test_whoever_has_the_right_finds_the_cases_of_the_person(stage):
    assert found_by(stage, "A", "", party="@reserved")


@pytest.mark.one_engine
@pytest.mark.parametrize("letter", ["D", "C", "Q"])
def test_a_reserved_case_is_found_by_its_number(stage, letter):
    assert found_by(stage, letter, stage.cases["RESERVED"])


def found_by(stage, letter: str, term: str, **filters: str) -> bool:
    response = stage.request(letter, "GET", stage.address("CaseView.list", q=term, **filters))
    assert response.status_code == 200
    return stage.cases["RESERVED"] in re.sub(r"<input[^>]*>", "", response.get_data(as_text=True))  # what was typed is shown again
