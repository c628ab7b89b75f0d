"""The pages of interested parties: the matrix and its files, follow-ups and their evidence, what is refused beside its field."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.domain.interested import EvidenceSource, Relevance
from app.extensions import today
from app.models import ControlledDocument, Evidence, InterestGroup, Mechanism, Need
from app.operations import interested
from app.operations.files import open_file
from app.reports.interested import HEADER
from app.security import CALIDAD, COMERCIAL, CONTROL, DUENO


@pytest.fixture
def quality(seeded, sign_in):
    """The browser of who keeps the matrix."""
    return sign_in(CALIDAD)


def page_of(answer) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_shows_each_group_with_its_needs_and_what_is_overdue_in_red(seeded, make, quality):
    late = make.mechanism(months=1, starts_on=today() - timedelta(90))
    seeded.add(Need(group=late.group, text="Que nos avisen de los cortes", mechanism=late))
    seeded.add(Need(group=late.group, text="Que nadie sigue"))
    seeded.flush()
    page = page_of(quality.get("/interested/"))

    assert "Usuarios y suscriptores" in page and "Ley 142 de 1994, arts. 152 a 159" in page
    assert f'href="/mechanism/show/{late.id}"' in page
    assert '<span class="pill bad">Overdue</span>' in page
    assert '<span class="pill bad">Without a follow-up</span>' in page
    assert "MPI-01" in page

    only = page_of(quality.get("/interested/?standing=OVERDUE"))
    assert "Que nos avisen de los cortes" in only and "Agua apta para el consumo" not in only


@pytest.mark.parametrize("query", ["group=nobody", "group=99999", "quality=GOOD", "standing=IDLE"])
def test_a_filter_that_names_nothing_is_said_and_no_file_leaves(quality, query):
    answer = quality.get(f"/interested/?{query}")

    assert answer.status_code == 422
    assert "Nothing is shown" in page_of(answer)
    assert quality.get(f"/interested/excel?{query}").status_code == 302
    assert quality.get(f"/interested/pdf?{query}").status_code == 302


def test_the_workbook_has_the_lines_of_the_screen_under_the_code_of_the_house(seeded, quality):
    seeded.scalars(select(ControlledDocument).where(ControlledDocument.code == "MPI-01")).one().code = "R05-02-01"
    seeded.flush()
    book = CalamineWorkbook.from_filelike(io.BytesIO(quality.get("/interested/excel").get_data()))
    cover, rows = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)

    assert ["Format", "R05-02-01"] in [row[:2] for row in cover]
    assert rows[0] == [column.title for column in HEADER]
    needs = seeded.scalars(select(Need.text)).all()
    assert sorted(row[2] for row in rows[1:]) == sorted(needs)
    assert {row[9] for row in rows[1:]} >= {"Comercial", "Calidad"}


def test_the_paper_bears_code_version_and_date_on_top_and_every_group(seeded, make, quality):
    late = make.mechanism(months=1, starts_on=today() - timedelta(90), name="Reunión que nadie hizo")
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(quality.get("/interested/pdf").get_data())).pages)
    text = re.sub(r"\s+", " ", text)

    assert "Matriz de partes interesadas" in text and "MPI-01" in text and f"{today():%d/%m/%Y}" in text
    for group in seeded.scalars(select(InterestGroup)):
        assert group.name in text
    assert late.name in text
    assert "Elaboró" in text and "Aprobó" in text


# ── Follow-ups and needs ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_follow_up_is_counted_from_the_day_it_begins(seeded, make, quality):
    group = seeded.scalars(select(InterestGroup)).first()
    assert quality.get(f"/mechanism/add?group={group.id}").status_code == 200
    told = {"group": group.id, "name": "Mesa de trabajo", "evidence_source": "ATTACHED", "months": "6", "starts_on": "2026-01-31",
            "is_active": "y", "process_id": make.process("CALIDAD").id}  # fmt: skip
    answer = quality.post("/mechanism/add", data=told)

    assert answer.status_code == 302
    row = seeded.scalars(select(Mechanism).where(Mechanism.name == "Mesa de trabajo")).one()
    assert (row.last_on, row.next_on, row.process.code) == (None, date(2026, 7, 31), "CALIDAD")

    again = quality.post("/mechanism/add", data=told)
    assert again.status_code == 422 and "Mesa de trabajo" in page_of(again)


def test_another_frequency_moves_the_next_date(seeded, make, quality):
    row = make.mechanism(months=12)
    interested.attach_evidence(seeded, row, interested.Attached("Acta", date(2026, 3, 31), "Hecho"), at=row.created_at)
    page = page_of(quality.get(f"/mechanism/edit/{row.id}"))
    seen = re.search(r'name="seen" value="([^"]*)"', page)[1]
    told = {"group": row.group_id, "name": row.name, "evidence_source": "ATTACHED", "months": "3", "starts_on": "2026-01-01",
            "is_active": "y", "seen": seen}  # fmt: skip

    assert quality.post(f"/mechanism/edit/{row.id}", data=told).status_code == 302
    seeded.expire_all()
    assert (row.last_on, row.next_on) == (date(2026, 3, 31), date(2026, 6, 30))


def test_a_need_with_the_follow_up_of_another_group_is_refused_beside_the_field_and_kept(seeded, make, quality):
    other = make.mechanism()
    told = {"group": seeded.scalars(select(InterestGroup)).first().id, "kind": "NEED", "text": "Que nos avisen", "quality": "REQUIRED",
            "relevance": "HIGH", "mechanism": other.id, "position": "1", "is_active": "y"}  # fmt: skip
    answer = quality.post("/need/add", data=told)

    page = page_of(answer)
    assert answer.status_code == 422 and "Que nos avisen" in page
    assert f"This follow-up is of another group: {other.group.name}." in page
    assert seeded.scalar(select(Need).where(Need.text == "Que nos avisen")) is None


def test_a_need_keeps_its_relevance_quality_and_source(seeded, make, quality):
    row = make.mechanism()
    told = {"group": row.group_id, "kind": "EXPECTATION", "text": "Propuestas", "quality": "POTENTIAL", "relevance": "LOW",
            "source": "Acta 3", "mechanism": row.id, "position": "1", "is_active": "y"}  # fmt: skip

    assert quality.post("/need/add", data=told).status_code == 302
    need = seeded.scalars(select(Need).where(Need.text == "Propuestas")).one()
    assert (need.relevance, need.source, need.mechanism) == (Relevance.LOW, "Acta 3", row)


def test_the_list_finds_what_is_overdue_and_what_is_mine(seeded, make, sign_in):
    owner = sign_in(DUENO, "TECNICA")
    old = today() - timedelta(60)
    mine = make.mechanism(months=1, starts_on=old, process=make.process("TECNICA"))
    theirs = make.mechanism(months=1, starts_on=old, process=make.process("CARTERA"))
    fine = make.mechanism(process=make.process("TECNICA"), starts_on=today())

    def shown(query: str) -> set[str]:
        page = page_of(owner.get(f"/mechanism/list/?{query}"))
        return {row.name for row in (mine, theirs, fine) if f">{row.name}<" in page}

    assert shown("due=overdue") == {mine.name, theirs.name}
    assert shown("due=overdue&mine=1") == {mine.name}
    assert shown("due=later&mine=1") == {fine.name}


# ── Evidence ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_attached_is_downloaded_as_it_came_and_moves_the_date(seeded, make, quality):
    row = make.mechanism(months=12)
    told = {"title": "Acta 12", "on": "2026-06-30", "note": "", "file": (io.BytesIO(b"Acta"), "acta.txt")}
    answer = quality.post(f"/mechanism/attach/{row.id}", data=told)

    assert answer.status_code == 302
    seeded.expire_all()
    evidence = seeded.scalars(select(Evidence).where(Evidence.mechanism_id == row.id)).one()
    assert (evidence.title, row.next_on) == ("Acta 12", date(2027, 6, 30))
    assert quality.get(f"/evidence/file/{evidence.id}").get_data() == b"Acta"
    assert f'href="/evidence/file/{evidence.id}"' in page_of(quality.get(f"/mechanism/show/{row.id}"))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"on": "2999-01-01", "note": "Nota"}, "cannot be after today"),
        ({"on": "2026-06-30"}, "Attach the file, or write in the note"),
        ({"on": "2026-06-30", "file": b"MZ"}, "is of a kind that is not received"),
        ({"on": "", "note": "Nota"}, "Write the day on which it was done."),
    ],
)
def test_what_cannot_be_evidence_is_refused_with_what_was_typed_kept(seeded, make, quality, told, said):
    row = make.mechanism()
    if "file" in told:  # what is sent is read, so each sends its own
        told = {**told, "file": (io.BytesIO(told["file"]), "malo.exe")}
    answer = quality.post(f"/mechanism/attach/{row.id}", data={"title": "Acta sin par", "note": "", **told})

    page = page_of(answer)
    assert answer.status_code == 422 and said in page and "Acta sin par" in page
    assert seeded.scalar(select(Evidence).where(Evidence.mechanism_id == row.id)) is None


def test_an_owner_brings_evidence_of_what_his_process_follows_and_of_nothing_else(seeded, make, sign_in):
    owner = sign_in(DUENO, "TECNICA")
    mine, theirs = (make.mechanism(process=make.process(code)) for code in ("TECNICA", "CARTERA"))
    told = {"title": "Acta", "on": "2026-06-30", "note": "En la carpeta 4"}

    assert owner.post(f"/mechanism/attach/{mine.id}", data=told).status_code == 302
    assert owner.post(f"/mechanism/attach/{theirs.id}", data=told).status_code == 404
    assert "/mechanism/attach/" not in page_of(owner.get(f"/mechanism/show/{theirs.id}"))
    mine.is_active = False
    seeded.flush()
    assert owner.post(f"/mechanism/attach/{mine.id}", data=told).status_code == 404


def test_the_report_of_cases_is_issued_once_a_period_and_kept_from_who_does_not_read_all_cases(seeded, make, quality, sign_in):
    row = make.mechanism(evidence_source=EvidenceSource.PQR_REPORT, months=1)
    assert quality.post(f"/mechanism/report/{row.id}").status_code == 302
    evidence = seeded.scalars(select(Evidence).where(Evidence.mechanism_id == row.id)).one()
    seeded.expire_all()

    assert row.last_on == today() and evidence.source_key.startswith("R10-01-01 ")
    with open_file(evidence.file) as content:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content.read()))
    assert len(book.sheet_names) == 2
    page = page_of(quality.post(f"/mechanism/report/{row.id}", follow_redirects=True))
    assert "kept already" in page

    assert sign_in(CONTROL).get(f"/evidence/file/{evidence.id}").status_code == 200
    assert sign_in(COMERCIAL).get(f"/evidence/file/{evidence.id}").status_code == 404
    assert sign_in(COMERCIAL).post(f"/mechanism/report/{row.id}").status_code == 404


def test_looking_now_says_what_it_found(seeded, make, quality):
    row = make.mechanism(evidence_source=EvidenceSource.SURVEY)

    assert "Nothing new was found." in page_of(quality.post(f"/mechanism/look/{row.id}", follow_redirects=True))


def test_a_slip_in_attached_evidence_is_corrected_and_what_was_found_is_not(seeded, make, quality):
    row = make.mechanism(months=12)
    attached = interested.attach_evidence(seeded, row, interested.Attached("Acta", date(2026, 6, 30), "Hecho"), at=row.created_at)
    found = Evidence(mechanism=row, on=date(2026, 1, 5), source=EvidenceSource.VISIT, source_key="2026-01", title="Una orden")
    seeded.add(found)
    seeded.flush()
    seen = re.search(r'name="seen" value="([^"]*)"', page_of(quality.get(f"/evidence/edit/{attached.id}")))[1]
    told = {"on": "2026-05-31", "title": "Acta 12", "note": "Hecho", "seen": seen}

    assert quality.post(f"/evidence/edit/{attached.id}", data={**told, "on": "2999-01-01"}).status_code == 422
    assert quality.post(f"/evidence/edit/{attached.id}", data=told).status_code == 302
    seeded.expire_all()
    assert (attached.title, row.last_on, row.next_on) == ("Acta 12", date(2026, 5, 31), date(2027, 5, 31))
    assert quality.get(f"/evidence/edit/{found.id}").status_code == 404
