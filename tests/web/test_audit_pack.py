"""The page of the audit pack and what one press makes; a management review written by two people at once."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from app import jobs
from app.domain.states import JobStatus
from app.models import Action, ChangeLog, Job, ManagementReview, ReviewDecision
from app.operations import managementreview as operations
from app.qms.auditpack import LINKS
from app.security import CALIDAD, COMERCIAL, CONTROL, DUENO, SUBGERENTE

AT = datetime.fromisoformat("2026-07-10T10:00-05:00")
PERIOD = {"since": "2026-01-01", "until": "2026-07-10"}


@pytest.fixture
def review(seeded) -> ManagementReview:
    found = ManagementReview(held_on=date(2026, 7, 10), period_from=date(2026, 1, 1), period_until=date(2026, 6, 30))
    operations.enter_review(seeded, found, at=AT)
    seeded.commit()
    return found


def seen(page: str) -> str:
    return re.search(r'name="seen" value="([^"]*)"', page)[1]


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_tells_each_clause_and_links_what_the_reader_may_open(seeded, make, sign_in):
    make.case(at="2026-05-04T10:00-05:00")
    seeded.commit()
    page = sign_in(CALIDAD).get("/audit-pack/", query_string=PERIOD).text

    assert page.count('<section class="card stack tight" aria-labelledby="c') == 17
    assert 'href="/pqr/?light=late,silence">1</a>' in page
    assert "No management review was signed in the period" in page
    assert "/outbox/list" not in page  # quality does not read the outgoing mail


@pytest.mark.parametrize("role", [COMERCIAL, DUENO])
def test_whoever_has_no_business_with_audits_finds_nothing(seeded, sign_in, role):
    client = sign_in(role)

    assert client.get("/audit-pack/").status_code in (302, 403)
    assert client.post("/audit-pack/make", data=PERIOD | {"n": 5}).status_code in (302, 403)
    assert seeded.scalars(select(Job)).all() == []


def test_a_period_that_ends_before_it_begins_is_told_beside_the_field(sign_in):
    response = sign_in(CALIDAD).get("/audit-pack/?since=2026-07-01&until=2026-06-01")

    assert response.status_code == 422
    assert "The period ends before it begins." in response.text and "2026-07-01" in response.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [({"n": "0"}, "between 1 and 50"), ({"seed": "-4"}, "between 1 and"), ({"since": "2022-01-01"}, "three years at most"),
     ({"until": ""}, "last day of the period")],
)  # fmt: skip
def test_a_pack_that_cannot_be_drawn_is_refused_with_what_was_typed(seeded, sign_in, typed, words):
    response = sign_in(CALIDAD).post("/audit-pack/make", data=PERIOD | {"n": "5"} | typed)

    assert response.status_code == 422 and words in response.text
    assert seeded.scalars(select(Job)).all() == []


def test_every_link_leads_to_a_page(stage):
    on = {"p": "2026-01-01..2026-06-30", "y": "2026-07-09", "w": "2026-07-02", "m": "2026-06-09", "s": "CLOSED"}
    answers = {path: stage.request("X", "GET", path.format(**on)).status_code for path in set(LINKS.values())}

    assert {path: status for path, status in answers.items() if status != 200} == {}


# ── One press ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_press_puts_a_zip_in_the_tray_and_writes_down_who_took_it(fresh_app, login):
    from app.extensions import db
    from tests.factories import Factory

    with fresh_app.app_context():
        user_id = Factory(db.session()).user(CONTROL).id
        db.session.commit()
    client = login(fresh_app.test_client(), type("Somebody", (), {"id": user_id}))

    asked = client.post("/audit-pack/make", data=PERIOD | {"n": "2", "seed": "2026", "with_files": "y"})
    assert asked.status_code == 302
    with fresh_app.app_context():
        assert jobs.run_job()
        job = db.session.scalars(select(Job)).one()
        assert job.status is JobStatus.DONE and job.params["seed"] == 2026
        readings = db.session.scalars(select(ChangeLog).where(ChangeLog.action == "read")).all()
        assert [(line.table_name, line.row_id, line.actor_id) for line in readings] == [("job", str(job.id), user_id)]
        job_id = job.id
    response = client.get(f"/work/{job_id}/result")
    archive = zipfile.ZipFile(io.BytesIO(response.get_data()))
    assert json.loads(archive.read("manifest.json"))["seed"] == 2026
    assert {"indice.pdf", "LEAME.txt", "SHA256SUMS"} <= set(archive.namelist())


# ── The review ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_two_people_write_at_once_is_not_lost(seeded, sign_in, review, at):
    first, second = sign_in(CALIDAD), sign_in(SUBGERENTE)
    address = f"/management-review/show/{review.id}"
    stamp = seen(first.get(address).text)
    at("2026-07-10T10:05-05:00")
    assert first.post(f"/management-review/write/{review.id}", data={"seen": stamp, "conclusion": "Conviene"}).status_code == 302

    refused = second.post(f"/management-review/write/{review.id}", data={"seen": stamp, "conclusion": "Otra cosa"})

    assert refused.status_code == 422
    assert "Somebody else wrote" in refused.text and "Otra cosa</textarea>" in refused.text
    seeded.expire_all()
    assert seeded.scalars(select(ManagementReview.conclusion)).one() == "Conviene"


def test_a_decision_is_written_changed_and_taken_out(seeded, make, sign_in, review):
    client, process = sign_in(CALIDAD), make.process("TECNICA")
    seeded.commit()
    said = {"text": "Comprar un medidor", "topic": "resources", "process_id": process.id, "due_on": "2026-09-30"}
    assert client.post(f"/management-review/decide/{review.id}", data=said).status_code == 302
    key = seeded.scalars(select(ReviewDecision.id)).one()
    late = client.post(f"/management-review/change/{review.id}/{key}", data=said | {"due_on": "2026-07-09"})
    assert late.status_code == 422 and "comes before the review" in late.text
    assert client.post(f"/management-review/change/{review.id}/{key}", data=said | {"text": "Comprar dos"}).status_code == 302
    seeded.expire_all()
    assert seeded.scalars(select(ReviewDecision.text)).one() == "Comprar dos"

    assert client.post(f"/management-review/drop/{review.id}/{key}").status_code == 302
    assert seeded.scalars(select(ReviewDecision)).all() == []
    assert client.post(f"/management-review/drop/{review.id}/{key}").status_code == 404


def test_the_signature_is_refused_with_what_is_missing_and_then_made_once(seeded, make, sign_in, review):
    client, process = sign_in(SUBGERENTE), make.process("TECNICA")
    seeded.commit()
    said = {"text": "Comprar un medidor", "topic": "", "process_id": process.id, "due_on": "2026-09-30"}
    client.post(f"/management-review/decide/{review.id}", data=said)
    refused = client.post(f"/management-review/sign/{review.id}")
    assert refused.status_code == 422 and "Write who attended" in refused.text

    stamp = seen(client.get(f"/management-review/show/{review.id}").text)
    written: dict[str, Any] = {"seen": stamp, "attendees": "Ana", "conclusion": "Va"}
    written |= {f"remark-{key}": "Sin novedad" for key in ("changes", "audits", "suppliers", "resources")}
    client.post(f"/management-review/write/{review.id}", data=written)
    assert client.post(f"/management-review/sign/{review.id}").status_code == 302
    again = client.post(f"/management-review/sign/{review.id}")

    assert again.status_code == 422 and "is signed and no longer changes" in again.text
    number = seeded.scalars(select(Action.number)).one()
    page = client.get(f"/management-review/show/{review.id}").text
    assert number in page and "<textarea" not in page
    minutes = client.get(f"/management-review/minutes/{review.id}")
    assert minutes.data.startswith(b"%PDF") and "inline" in minutes.headers["Content-Disposition"]


def test_a_page_that_was_prepared_on_another_day_says_so(seeded, sign_in, review, at):
    client, address = sign_in(CALIDAD), f"/management-review/show/{review.id}"
    assert "The data was taken on" not in client.get(address).text

    at("2026-07-11T10:00-05:00")

    assert "The data was taken on" in client.get(address).text
