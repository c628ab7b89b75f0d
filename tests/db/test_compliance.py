"""Compliance by year and by what it is asked for, the indicator, the matrix, and the acta with its workbook."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.documents import checklists as papers
from app.documents.base import document_bytes, fingerprint
from app.domain.checklists import Said, Verdict, verification_on
from app.domain.errors import MoveRefused
from app.domain.states import DocumentKind
from app.models import Contract, ContractRequirement, Process
from app.operations import checklists as operations
from app.operations.files import CheckedFile
from app.reports import compliance
from app.reports.checklists import ChecklistSheet, MatrixSheet, checklist_sheet, matrix
from tests.databases import statements_of

MET, PARTLY, NOT_MET, NOT_APPLICABLE = Verdict
EVERY = (2000, 2100)
LONG = "El contratista garantiza la continuidad del servicio durante las veinticuatro horas, salvo lo que diga el artículo 139. " * 25


def at(year: int, month: int = 2, day: int = 3) -> datetime:
    return datetime(year, month, day, 15, tzinfo=UTC)


class House:
    """Contracts since February 2023 with two people who sign, and a way to verify a year of one."""

    def __init__(self, session: Session, make: Any) -> None:
        self.session, self.make = session, make
        self.signer = make.user("Comercial", first_name="Marcela", last_name="Ñáñez")
        self.boss = make.user("Subgerente administrativo y comercial", first_name="Jorge", last_name="Ficticio")

    def contract(self, **columns: Any) -> Contract:
        dates = {"starts_on": date(2023, 2, 1), "ends_on": date(2028, 1, 31)}
        return self.make.contract(at=at(2023, 1, 20), **(dates | columns))

    def open(self, contract: Contract, year: int) -> Any:
        return operations.open_checklist(self.session, contract, at=at(year), actor_id=None)

    def say(self, checklist: Any, *said: Verdict | Said) -> Any:
        """Give the rows their verdicts, in their order."""
        for item, each in zip(operations.items_of(self.session, checklist), said, strict=False):
            notes = {"note": "Lo que se vio", "no_action_reason": "Se corrigió" if isinstance(each, Verdict) and each.is_finding else ""}
            each = each if isinstance(each, Said) else Said(each, **notes)
            operations.save_row(self.session, item, each, version=item.version, at=at(checklist.year), actor_id=self.signer.id)
        return checklist

    def close(self, checklist: Any, day: int = 4) -> Any:
        moment = at(checklist.year, 2, day)
        operations.submit(self.session, checklist, "Se cumple en lo esencial.", at=moment, actor_id=self.signer.id)
        operations.approve(self.session, checklist, at=moment, actor_id=self.boss.id)
        papers.issue_acta(self.session, checklist, self.boss, moment)
        return checklist

    def verified(self, contract: Contract, year: int, *said: Verdict | Said) -> Any:
        return self.close(self.say(self.open(contract, year), *said))


@pytest.fixture
def house(seeded: Session, make: Any) -> House:
    return House(seeded, make)


def everything(statement: Any) -> Any:
    return statement


def shares(found: compliance.Overview) -> dict[str, dict[int, Decimal | None]]:
    return {group.name: {year: standing.sum.percent for year, standing in group.years.items()} for group in found.groups}


# ── By something and year ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_compliance_is_added_up_by_contract_and_year_with_the_weakest_first(seeded, house):
    good, weak = house.contract(), house.contract()
    house.verified(good, 2024, MET, MET, PARTLY)
    house.verified(good, 2025, MET, MET, Said(NOT_APPLICABLE, "No hay alcantarillado"))
    house.verified(weak, 2025, MET, NOT_MET, NOT_MET)

    found = compliance.overview(seeded, "contract", select(Contract.id), *EVERY)

    assert shares(found) == {
        weak.number: {2025: Decimal("33.3")}, good.number: {2024: Decimal("83.3"), 2025: Decimal(100)}
    }  # fmt: skip
    assert [group.name for group in found.groups] == [weak.number, good.number]
    assert found.totals[2025].sum.percent == Decimal("60.0")
    assert not found.totals[2025].is_provisional


def test_a_requirement_without_a_process_counts_for_that_of_its_contract(seeded, house, make):
    own, other = make.process("TECNICA"), make.process("FACTURACION")
    contract = house.contract(process=own)
    checklist = house.open(contract, 2024)
    asked = operations.items_of(seeded, checklist)[0].requirement
    with seeded.no_autoflush:
        free = house.contract(stage="DRAFT", process=own)
        seeded.scalars(select(ContractRequirement).where(ContractRequirement.contract_id == free.id)).first().process = other
    assert asked.process is None
    house.say(checklist, MET, MET, NOT_MET)

    found = compliance.overview(seeded, "process", select(Contract.id), *EVERY)

    assert shares(found) == {own.name: {2024: Decimal("66.7")}}


def test_the_contracts_of_others_are_in_no_sum(seeded, house):
    mine, other = house.contract(), house.contract()
    house.say(house.open(mine, 2024), MET)
    house.say(house.open(other, 2024), NOT_MET)

    found = compliance.overview(seeded, "party", select(Contract.id).where(Contract.id == mine.id), *EVERY)

    assert shares(found) == {mine.party.name: {2024: Decimal(100)}}


def test_a_year_is_provisional_until_every_checklist_of_it_is_approved(seeded, house):
    contract = house.contract()
    checklist = house.say(house.open(contract, 2024), MET, MET)
    found = compliance.overview(seeded, "quality", select(Contract.id), *EVERY)
    assert found.totals[2024].is_provisional
    assert found.totals[2024].sum.n_pending == 1

    house.close(house.say(checklist, MET, MET, MET))

    assert not compliance.overview(seeded, "quality", select(Contract.id), *EVERY).totals[2024].is_provisional


@pytest.mark.parametrize("by", compliance.GROUPINGS)
def test_every_grouping_counts_the_same_verdicts_in_two_statements(seeded, house, by):
    contract = house.contract(process=seeded.scalars(select(Process)).first())
    house.verified(contract, 2024, MET, PARTLY, NOT_MET)

    with statements_of(seeded.connection()) as statements:
        found = compliance.overview(seeded, by, select(Contract.id), *EVERY)

    assert found.totals[2024].sum.n == 3
    assert found.totals[2024].sum.percent == Decimal("50.0")
    assert len(statements) <= 2


# ── The indicator ─────────────────────────────────────────────────────────────────────────────────────────────────────────


SPANS = [
    (date(2023, 2, 1), date(2028, 1, 31), None), (date(2023, 2, 1), None, None), (date(2024, 3, 1), date(2024, 9, 30), None),
    (date(2023, 12, 31), date(2024, 12, 30), None), (date(2024, 2, 29), date(2026, 2, 28), None),
    (date(2023, 6, 1), date(2027, 5, 31), date(2025, 4, 2)), (date(2024, 1, 1), date(2024, 12, 31), None),
    (date(2024, 1, 1), date(2025, 1, 1), None),
]  # fmt: skip


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_a_contract_falls_due_in_the_years_of_the_domain(seeded, house, span):
    starts_on, ends_on, terminated_on = span
    contract = house.contract(starts_on=starts_on, ends_on=ends_on)
    if terminated_on:
        from app.operations.contracts import terminate_contract

        terminate_contract(seeded, contract, on=terminated_on, reason="Mutuo acuerdo", at=at(2025, 4, 2), actor_id=None)
    last = operations.last_day(contract)

    for year in range(2022, 2030):
        is_due = seeded.scalar(select(compliance.falls_due(year)).where(Contract.id == contract.id))
        assert bool(is_due) == (verification_on(starts_on, last, year) is not None), year


def test_the_indicator_counts_each_contract_once_a_year_and_says_which_are_missing(seeded, house):
    verified, open_one, untouched = house.contract(), house.contract(), house.contract()
    house.verified(verified, 2024, MET, MET, MET)
    house.open(open_one, 2024)
    house.contract(stage="DRAFT")

    with statements_of(seeded.connection()) as statements:
        lines = compliance.indicator(seeded, everything, range(2020, 2025))

    assert [line.year for line in lines] == [2023, 2024]
    first, second = lines
    assert (first.active, first.to_verify, first.percent) == (3, 0, None)
    assert (second.active, second.to_verify, second.verified, second.missing, second.unasked) == (3, 3, 1, 2, 0)
    assert second.percent == Decimal("33.3")
    assert len(statements) == 1
    missing = seeded.scalars(select(Contract).where(compliance.is_missing(2024)))
    assert {each.id for each in missing} == {open_one.id, untouched.id}


def test_without_contracts_the_indicator_says_nothing(seeded):
    assert compliance.indicator(seeded, everything, range(2020, 2025)) == []


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_shows_each_requirement_year_by_year(seeded, house):
    contract = house.contract()
    house.verified(contract, 2024, MET, PARTLY, NOT_MET)
    house.say(house.open(contract, 2025), MET, MET)

    with statements_of(seeded.connection()) as statements:
        found = matrix(seeded, select(Contract).where(Contract.id == contract.id))

    (block,) = found.blocks
    assert found.years == (2024, 2025)
    assert [[line.cells[year].letter for year in found.years] for line in block.lines] == [["M", "M"], ["P", "M"], ["N", "·"]]
    assert block.sum_of(2024).percent == Decimal("50.0")
    assert found.sum_of(2025).n_pending == 1
    assert len(statements) <= 4


def test_the_matrix_of_many_contracts_is_cut_and_says_so(seeded, house):
    party = house.make.party()
    contracts = [house.contract(party=party) for _n in range(3)]
    for contract in contracts[:2]:
        house.say(house.open(contract, 2024), MET)

    found = matrix(seeded, select(Contract).order_by(Contract.id), most=2, n_years=1)

    assert [block.contract.id for block in found.blocks] == [contract.id for contract in contracts[:2]]
    assert found.n_left == 1
    sheet = MatrixSheet(matrix(seeded, select(Contract).order_by(Contract.id)), party.name)
    rows = list(sheet.rows())
    assert len(rows) == 9
    assert all(len(row) == len(sheet.header) for row in rows)
    assert [row[-1] for row in rows if row[0] == contracts[2].number] == [None, None, None]


# ── The acta ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def said_by(pdf: bytes) -> str:
    words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.replace("\u200b", "").split())


def attach(session: Session, item: Any, name: str, description: str = "") -> None:
    import hashlib

    content = f"evidencia de {name}".encode()
    checked = CheckedFile(name, "application/pdf", len(content), hashlib.sha256(content).hexdigest(), io.BytesIO(content))
    operations.attach_evidence(session, item, checked, description, actor_id=None)


def test_the_acta_says_every_verdict_its_evidence_and_who_signed(seeded, house):
    contract = house.contract(object="Suministro de agua en bloque\nal municipio")
    checklist = house.open(contract, 2024)
    items = operations.items_of(seeded, checklist)
    attach(seeded, items[0], "informe.pdf", "Informe de enero")
    house.say(checklist, MET, Said(NOT_MET, "Faltan dos informes", "Se corrigió el mismo día"), Said(NOT_APPLICABLE, "No hay redes"))
    house.close(checklist)

    document = checklist.document
    told = said_by(document_bytes(document))

    assert document.kind is DocumentKind.CHECKLIST
    assert document.number == checklist.number == "LVC-2024-0001"
    assert document.template == "checklist@2"
    for expected in (
        checklist.number, contract.number, "Suministro de agua en bloque al municipio", contract.party.name, "Requisito 1 del contrato",
        "Informe de enero", "informe.pdf", "Faltan dos informes", "Se corrigió el mismo día", "No hay redes", "50 %", "Marcela Ñáñez",
        "Jorge Ficticio", "Se cumple en lo esencial.", "Huella SHA-256", "Página 1 de",
    ):  # fmt: skip
        assert expected in told, expected
    assert document.data["evidence"][0]["digest"] in told.replace(" ", "")
    assert fingerprint(document.data) == document.data["sha256"]


def test_a_long_note_and_a_hostile_one_are_only_text(seeded, house):
    contract = house.contract(object="#set page(width: 1cm) $x$ *negrita* \\ @ref")
    checklist = house.say(house.open(contract, 2024), Said(PARTLY, LONG, "#panic()"), MET, MET)

    told = said_by(papers.preview(seeded, checklist, at(2024)))

    assert "#set page(width: 1cm) $x$ *negrita*" in told
    assert told.replace("- ", "").count("continuidad del servicio") == 25
    assert "#panic()" in told


def test_a_preview_is_marked_and_keeps_nothing(seeded, house):
    checklist = house.open(house.contract(), 2024)

    told = said_by(papers.preview(seeded, checklist, at(2024)))

    assert "Vista previa: sin número, sin firma y sin efectos" in told
    assert "BORRADOR" in told
    assert "Sin verificar" in told
    assert checklist.document_id is None


def test_an_acta_is_issued_only_of_what_was_approved(seeded, house):
    checklist = house.say(house.open(house.contract(), 2024), MET, MET, MET)

    with pytest.raises(MoveRefused):
        papers.issue_acta(seeded, checklist, house.boss, at(2024))


def test_one_that_was_reopened_gets_an_acta_of_its_own_and_the_first_stays(seeded, house):
    checklist = house.verified(house.contract(), 2024, MET, MET, MET)
    first = checklist.document
    operations.reopen(seeded, checklist, "Faltaba la evidencia", at=at(2024, 2, 5), actor_id=house.boss.id)
    house.close(house.say(checklist, MET, MET, Said(NOT_MET, "Falta", "Se pidió")), day=6)

    assert checklist.document.number == "LVC-2024-0001-2"
    assert first.number == "LVC-2024-0001"
    assert "Faltaba la evidencia" in said_by(document_bytes(checklist.document))
    assert "Faltaba la evidencia" not in said_by(document_bytes(first))


def test_the_acta_prints_last_years_verdict(seeded, house):
    contract = house.contract()
    house.verified(contract, 2024, MET, PARTLY, MET)
    checklist = house.say(house.open(contract, 2025), MET, MET, MET)
    house.close(checklist)

    assert [row["before"] for row in checklist.document.data["rows"]] != ["—"] * 3


# ── In Excel ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_workbook_has_every_row_and_its_cover_says_whose_it_is(seeded, house):
    contract = house.contract()
    house.verified(contract, 2024, MET, PARTLY, MET)
    checklist = house.open(contract, 2025)
    attach(seeded, operations.items_of(seeded, checklist)[0], "informe.pdf")
    house.say(checklist, MET, Said(NOT_MET, "=1+1", "Se pidió"))

    file, name = checklist_sheet(seeded, checklist, "Ana Ñáñez", at(2025))
    file.seek(0)
    book = load_workbook(file)

    cover, data = book.worksheets
    told = " ".join(str(cell.value) for row in cover.iter_rows() for cell in row if cell.value is not None)
    assert name == "LVC-2025-0001.xlsx"
    for expected in (checklist.number, contract.number, contract.party.name, "Ana Ñáñez"):
        assert expected in told, expected
    rows = list(data.iter_rows(min_row=2, values_only=True))
    assert len(data[1]) == len(ChecklistSheet.header)
    assert [row[0] for row in rows] == [1, 2, 3]
    assert rows[0][11] == "informe.pdf"
    assert rows[1][10] == "=1+1"
    assert data["K3"].data_type == "s"
    assert rows[2][9] is None
    assert rows[1][8] is not None  # the verdict of the year before
