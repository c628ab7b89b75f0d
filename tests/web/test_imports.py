"""The pages of a file that comes in: received, mapped, checked, brought in, run again; what is wrong, and who is told nothing."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app import jobs
from app.domain.states import ImportStatus, JobStatus
from app.models import ImportBatch, Job, MarketClaim, OutboxMessage, Party, StoredFile
from app.security import ADMIN, SUBGERENTE

ROWS = (
    "REPORTE DE CLIENTES;;;",
    "Cédula;Clase;Nombre;Teléfono",
    "52.345.678;Cedulita;Luz Marina Rojas;300 123 4567",
    "12;;Muy corta;",
    "1020304050;;=HYPERLINK(1);no es",
    "Total;;;3",
)


def file_of(*lines: str, encoding: str = "cp1252") -> BytesIO:
    return BytesIO("\r\n".join(lines).encode(encoding))


def upload(client: Any, *lines: str, kind: str = "parties", source: str = "HASSQL", name: str = "clientes.csv") -> Any:
    data = {"kind": kind, "source": source, "file": (file_of(*lines), name)}
    return client.post("/imports/add", data=data, content_type="multipart/form-data")


def last(session) -> ImportBatch:
    session.expire_all()
    return session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc())).first()


def work_off(session) -> Job:
    """Do the newest job, as a worker would."""
    session.expire_all()
    job = session.scalars(select(Job).order_by(Job.id.desc())).first()
    jobs.run_job(job.id)
    session.expire_all()
    return session.get(Job, job.id)


def mapping_of(batch: ImportBatch, **changes: str) -> dict[str, str]:
    said = {f"column-{column}": name.partition("@")[0] for column, name in batch.mapping.items()}
    return {"do": "save", **said, **changes}


def test_a_file_walks_from_the_upload_to_its_rows(seeded, sign_in):
    admin = sign_in(ADMIN)
    answer = upload(admin, *ROWS)
    batch = last(seeded)
    assert answer.status_code == 302
    assert answer.location.endswith(f"/imports/mapping/{batch.id}")

    page = admin.get(answer.location).text
    assert "Luz Marina Rojas" in page and "cp1252" in page
    assert re.search(r'<option value="document" selected', page)
    answer = admin.post(answer.location, data=mapping_of(batch, **{"column-1": "document_type"}))
    assert answer.location.endswith(f"/imports/show/{batch.id}")
    assert "data-jobs=\"live\"" in admin.get(answer.location).text
    assert work_off(seeded).status is JobStatus.DONE

    batch, page = last(seeded), admin.get(answer.location).text
    assert (batch.status, batch.n_rows, batch.n_new, batch.n_bad) == (ImportStatus.CHECKED, 3, 1, 2)
    assert "Cedulita" in page and "Nothing is written yet" in page
    assert seeded.scalar(select(func.count()).select_from(Party)) == 0

    field = {"text-document_type-1": "Cedulita", "value-document_type-1": "CC"}
    admin.post(f"/imports/meanings/{batch.id}", data=field)
    work_off(seeded)
    assert (last(seeded).n_new, last(seeded).n_bad) == (2, 1)
    admin.post(f"/imports/bring/{batch.id}")
    job = work_off(seeded)

    assert job.status is JobStatus.DONE
    assert last(seeded).status is ImportStatus.DONE
    assert {party.document_number for party in seeded.scalars(select(Party))} == {"52345678", "1020304050"}
    assert "2 new" in admin.get(f"/imports/show/{batch.id}").text
    told = seeded.scalars(select(OutboxMessage.event)).all()
    assert set(told) <= {"job_done"}, "only whoever asked hears that it ended"


def test_the_sheet_of_errors_has_each_row_as_it_came_with_what_is_wrong(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, *ROWS)
    batch = last(seeded)
    admin.post(f"/imports/mapping/{batch.id}", data=mapping_of(batch))
    work_off(seeded)
    answer = admin.get(f"/imports/errors/{batch.id}")
    book = CalamineWorkbook.from_filelike(BytesIO(answer.data))
    rows = book.get_sheet_by_index(1).to_python()

    assert rows[0][2:] == ["Cédula", "Clase", "Nombre", "Teléfono"]
    assert [row[0] for row in rows[1:]] == [4, 5]
    assert "3 to 10 digits" in rows[1][1] and rows[1][2:] == ["12", "", "Muy corta", ""]
    assert "telephone" in rows[2][1] and rows[2][4] == "=HYPERLINK(1)", "text, and no formula"
    again = admin.post(
        "/imports/add",
        data={"kind": "parties", "source": "HASSQL", "file": (BytesIO(answer.data), "corregido.xlsx")},
        content_type="multipart/form-data",
    )
    assert again.status_code == 302, "the corrected sheet comes in as it is"
    assert set(last(seeded).mapping.values()) >= {"document", "name", "phone"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": ""}, "Choose what the file holds."),
        ({"kind": "market_claims", "source": ""}, "Write where the file comes from"),
        ({"file": (b"", "")}, "Choose a file."),
        ({"file": (b"", "vacio.csv")}, "is empty"),
        ({"file": (b"%PDF-1.7 nada", "recibo.csv")}, "This is no table."),
        ({"file": (b"PK\x03\x04roto", "libro.xlsx")}, "cannot be read"),
        ({"source": "x" * 41}, "41 characters"),
    ],
)
def test_what_cannot_come_in_is_refused_beside_its_field_and_nothing_is_kept(seeded, sign_in, fields, words):
    data = {"kind": "parties", "source": "HASSQL", "file": (file_of(*ROWS), "a.csv"), **fields}
    if isinstance(data["file"][0], bytes):
        data["file"] = (BytesIO(data["file"][0]), data["file"][1])  # of this run alone: a stream is closed once it was sent
    answer = sign_in(ADMIN).post("/imports/add", data=data, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert words in answer.text
    assert seeded.scalar(select(func.count()).select_from(ImportBatch)) == 0
    assert seeded.scalar(select(func.count()).select_from(StoredFile)) == 0


def test_a_value_of_a_long_list_is_said_by_its_name(seeded, sign_in):
    """There are more than a thousand municipalities: whoever maps writes the name, and what is stored is the code."""
    admin = sign_in(ADMIN)
    upload(admin, "Cédula;Nombre;Ciudad", "52345678;Luz Rojas;B/quilla", "52345679;Ana Gil;Medellin")
    batch = last(seeded)
    admin.post(f"/imports/mapping/{batch.id}", data=mapping_of(batch))
    work_off(seeded)
    assert (last(seeded).n_new, last(seeded).n_bad) == (1, 1)
    wrong = {"text-municipality_code-1": "B/quilla", "value-municipality_code-1": "Macondo"}
    assert "is not in the list" in admin.post(f"/imports/meanings/{batch.id}", data=wrong, follow_redirects=True).text

    admin.post(f"/imports/meanings/{batch.id}", data=wrong | {"value-municipality_code-1": "barranquilla"})
    work_off(seeded)
    assert (last(seeded).n_new, last(seeded).n_bad) == (2, 0)
    assert last(seeded).value_map == {"municipality_code": {"b quilla": "08001"}}


def test_a_mapping_without_what_every_row_needs_is_refused_and_kept_on_the_page(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, *ROWS)
    batch = last(seeded)
    answer = admin.post(f"/imports/mapping/{batch.id}", data={"do": "save", "column-2": "name", "column-3": "name"})

    assert answer.status_code == 422
    assert "Two columns fill" in answer.text or "No column fills" in answer.text
    assert len(re.findall(r'<option value="name" selected', answer.text)) == 2


def test_somebody_may_say_where_the_header_is(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, "Cédula;Nombre", "12345;Ana", "Documento;Nombres y apellidos", "52345678;Luz")
    batch = last(seeded)
    assert batch.header_row == 0
    admin.post(f"/imports/mapping/{batch.id}", data={"do": "look", "sheet": "CSV", "first": "3", "depth": "1"})

    assert (last(seeded).header_row, last(seeded).reading["names"]) == (2, ["Documento", "Nombres y apellidos"])
    wrong = admin.post(f"/imports/mapping/{batch.id}", data={"do": "look", "sheet": "CSV", "first": "40", "depth": "1"})
    assert wrong.status_code == 422 and "no header" in wrong.text


def test_an_import_that_was_not_checked_does_not_begin(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, *ROWS)
    answer = admin.post(f"/imports/bring/{last(seeded).id}", follow_redirects=True)

    assert "Check the file first" in answer.text
    assert seeded.scalar(select(func.count()).select_from(Job)) == 0


def test_two_people_do_not_import_the_same_file_at_once(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, *ROWS)
    batch = last(seeded)
    admin.post(f"/imports/mapping/{batch.id}", data=mapping_of(batch))
    answer = admin.post(f"/imports/check/{batch.id}", follow_redirects=True)

    assert "being worked on" in answer.text
    assert seeded.scalar(select(func.count()).select_from(Job)) == 1


def test_an_import_that_was_stopped_before_it_began_says_so_and_may_begin_again(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, *ROWS)
    batch = last(seeded)
    admin.post(f"/imports/mapping/{batch.id}", data=mapping_of(batch))
    work_off(seeded)
    admin.post(f"/imports/bring/{batch.id}")
    job = seeded.scalars(select(Job).order_by(Job.id.desc())).first()
    admin.post(f"/work/{job.id}/stop")
    page = admin.get(f"/imports/show/{batch.id}").text
    assert "nothing was written" in page

    admin.post(f"/imports/bring/{batch.id}")
    work_off(seeded)
    assert (last(seeded).status, last(seeded).n_new) == (ImportStatus.DONE, 2)


def test_a_manager_reads_what_came_in_and_changes_nothing(seeded, sign_in):
    upload(sign_in(ADMIN), "Municipio;Trámite;Causal;2021;2022", "BARANOA;QUEJA;Promedio;1.436;7", kind="market_claims", source="SUI")
    batch = last(seeded)
    boss = sign_in(SUBGERENTE)

    assert boss.get(f"/imports/show/{batch.id}").status_code == 200
    assert f"/imports/mapping/{batch.id}" not in boss.get(f"/imports/show/{batch.id}").text
    assert boss.post(f"/imports/check/{batch.id}").status_code in {302, 403}
    assert seeded.scalar(select(func.count()).select_from(Job)) == 0


def test_the_control_sums_of_a_year_stand_on_the_page(seeded, sign_in):
    admin = sign_in(ADMIN)
    upload(admin, "Municipio;Trámite;Causal;2021;2022", "BARANOA;QUEJA;Promedio;1.436;7", "TUBARA;QUEJA;Promedio;2;0",
           kind="market_claims", source="SUI")  # fmt: skip
    batch = last(seeded)
    admin.post(f"/imports/mapping/{batch.id}", data=mapping_of(batch))
    work_off(seeded)
    admin.post(f"/imports/bring/{batch.id}")
    work_off(seeded)
    page = admin.get(f"/imports/show/{batch.id}").text

    assert re.search(r"<dt>2021</dt><dd[^>]*>1,438</dd>", page)
    assert seeded.scalar(select(func.sum(MarketClaim.n_claims)).where(MarketClaim.year == 2021)) == 1438
    assert "BARANOA" in admin.get("/market/list/?year=2021").text


def test_each_kind_has_a_template_that_comes_in_without_mapping(seeded, sign_in):
    from app.importing.registry import KINDS

    admin = sign_in(ADMIN)
    for kind in KINDS.values():
        answer = admin.get(f"/imports/template/{kind.name}")
        data = {"kind": kind.name, "source": "Plantilla", "file": (BytesIO(answer.data), "plantilla.xlsx")}
        assert admin.post("/imports/add", data=data, content_type="multipart/form-data").status_code == 302
        assert {name.partition("@")[0] for name in last(seeded).mapping.values()} == {each.name for each in kind.fields}, kind.name
