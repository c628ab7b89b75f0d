"""Taking data away: the button of the case, what is held about a person, everything in the tray; each noted, none in the way of others."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from flask_appbuilder.security.sqla.models import PermissionView
from pypdf import PdfReader
from sqlalchemy import func, select

from app import jobs
from app.domain.states import JobStatus, Visibility
from app.extensions import db
from app.models import ChangeLog, Job, Pqr, StoredFile
from app.operations.files import open_file, store_file
from app.operations.openformat import SHEETS
from app.security import TAKE_AWAY
from tests.factories import Factory

MANAGER = "Subgerente administrativo y comercial"


def opened(response) -> zipfile.ZipFile:
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    return zipfile.ZipFile(io.BytesIO(response.get_data()))


def rows(archive: zipfile.ZipFile, name: str) -> list[dict]:
    return [json.loads(line) for line in archive.read(f"data/{name}.jsonl").decode().splitlines()]


def readings(session) -> list[tuple[str, str, int | None, str]]:
    session.expire_all()
    found = session.scalars(select(ChangeLog).where(ChangeLog.action == "read").order_by(ChangeLog.id))
    return [(line.table_name, line.row_id, line.actor_id, line.reason) for line in found]


def test_a_case_is_taken_away_and_that_is_noted(seeded, make, client, login):
    manager, case = make.user(MANAGER), make.case(subject="Fuga")
    store_file(seeded, b"foto", "foto.txt", "text/plain", case)
    seeded.commit()
    login(client, manager)
    page = client.get(f"/pqr/{case.number}").get_data(as_text=True)
    response = client.post(f"/pqr/{case.number}/archive")
    archive = opened(response)

    assert f'action="/pqr/{case.number}/archive"' in page
    assert f"{case.number}.zip" in response.headers["Content-Disposition"]
    assert [row["subject"] for row in rows(archive, "pqr")] == ["Fuga"]
    assert case.number in archive.read("LEAME.txt").decode()
    assert readings(seeded) == [("pqr", str(case.id), manager.id, "")]


def test_a_case_out_of_scope_is_not_there(seeded, make, client, login):
    case = make.case()
    seeded.commit()
    login(client, make.user("Dueño de proceso", process="TECNICA"))

    assert client.post(f"/pqr/{case.number}/archive").status_code in {403, 404}
    assert readings(seeded) == []


def test_the_data_of_a_person_need_a_reason_and_come_with_a_page(seeded, make, client, login):
    manager, party = make.user(MANAGER), make.party(name="Luz Marina Ñáñez", document_number="52111222", email="luz@example.com")
    case = make.case(party=party, account=make.account(party=party), subject="Cobro")
    store_file(seeded, b"foto", "foto.txt", "text/plain", case, Visibility.CITIZEN)
    seeded.commit()
    login(client, manager)
    chosen = f"/archive/person?party={party.id}"
    assert "Luz Marina" in client.get(chosen).get_data(as_text=True)
    refused = client.post("/archive/person", data={"party": f"#{party.id}", "reason": "  "})
    assert refused.status_code == 422
    assert readings(seeded) == []

    archive = opened(client.post("/archive/person", data={"party": f"#{party.id}", "reason": "Lo pidió por escrito el 3 de julio"}))

    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(archive.read("datos-personales.pdf"))).pages)
    for said in ("Luz Marina Ñáñez", "52111222", "luz@example.com", case.number, "Cobro", case.account.number):
        assert said in text
    assert [row["name"] for row in rows(archive, "party")] == ["Luz Marina Ñáñez"]
    assert readings(seeded) == [("party", str(party.id), manager.id, "Lo pidió por escrito el 3 de julio")]


def test_who_may_not_see_reserved_identities_takes_no_person_away(seeded, make, client, login):
    """A role of the house with the right to archives and without that one."""
    party, user = make.party(), make.user("Calidad")
    pairs = seeded.scalars(select(PermissionView))
    user.roles[0].permissions += [pair for pair in pairs if (pair.permission.name, pair.view_menu.name) in TAKE_AWAY]
    seeded.commit()
    login(client, user)

    assert client.get("/archive/").status_code == 200
    assert client.post("/archive/person", data={"party": f"#{party.id}", "reason": "Porque sí"}).status_code == 403
    assert readings(seeded) == []


# ── Everything ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(app, login) -> int:
    """Ask for everything as an administrator; return the job."""
    with app.app_context():
        make = Factory(db.session())
        admin, case = make.user("Admin"), make.case()
        store_file(db.session(), b"foto", "foto.txt", "text/plain", case)
        db.session.commit()
        client = login(app.test_client(), admin)
    assert client.post("/archive/everything").status_code == 302
    with app.app_context():
        return db.session.scalars(select(Job.id)).one()


def test_everything_is_made_in_the_background_and_waits_in_the_tray(fresh_app, login):
    job_id = ask(fresh_app, login)
    with fresh_app.app_context():
        jobs.run_job(job_id)
    with fresh_app.app_context():
        job = db.session.get_one(Job, job_id)
        assert (job.status, job.error) == (JobStatus.DONE, "")
        with open_file(job.result_file) as content, zipfile.ZipFile(io.BytesIO(content.read())) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        counts = {name: told["rows"] for name, told in manifest["tables"].items()}
        assert counts["pqr"] == db.session.scalar(select(func.count()).select_from(Pqr))
        assert set(counts) == set(SHEETS)
        assert manifest["missing"] == []
        assert "filas" in job.result or "rows" in job.result
        assert [line.table_name for line in db.session.scalars(select(ChangeLog).where(ChangeLog.action == "read"))] == ["job"]


def test_the_next_archive_does_not_hold_the_one_before(fresh_app, login):
    job_id = ask(fresh_app, login)
    with fresh_app.app_context():
        jobs.run_job(job_id)
        first = db.session.get_one(Job, job_id).result_file.sha256
        db.session.commit()
        second = Job(kind="archive", title="Otra vez", created_at=db.session.get_one(Job, job_id).created_at)
        db.session.add(second)
        db.session.commit()
        jobs.run_job(second.id)
        db.session.expire_all()
        with open_file(db.session.get_one(Job, second.id).result_file) as content:
            names = zipfile.ZipFile(io.BytesIO(content.read())).namelist()
        assert db.session.scalar(select(func.count()).select_from(StoredFile).where(StoredFile.sha256 == first)) == 1

    assert not [name for name in names if first in name]


# ── The command ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def run(fresh_app, tmp_path: Path):
    def command(*words: str):
        return fresh_app.test_cli_runner().invoke(args=["atiende", "archive", *words, "-o", str(tmp_path / "out.zip")])

    return command


def test_the_command_writes_each_kind_and_notes_it(fresh_app, run, tmp_path):
    with fresh_app.app_context():
        make = Factory(db.session())
        case = make.case(party=make.party(document_number="52111222"))
        number = case.number
        db.session.commit()
    for words in (["--case", number], ["--all"], ["--person", "CC 52111222", "--reason", "Lo pidió"]):
        result = run(*words)
        assert result.exit_code == 0, result.output
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            assert number in archive.read("data/pqr.jsonl").decode()
    with fresh_app.app_context():
        assert [line[0] for line in readings(db.session)] == ["pqr", "organisation", "party"]


@pytest.mark.parametrize("words", [[], ["--all", "--case", "PQR-2026-000001"], ["--person", "1"], ["--case", "PQR-1999-000001"],
                                   ["--person", "52999999", "--reason", "Lo pidió"]])  # fmt: skip
def test_the_command_says_what_is_missing(fresh_app, run, words):
    result = run(*words)

    assert result.exit_code == 2
    assert result.output.strip()
    with fresh_app.app_context():
        assert readings(db.session) == []
