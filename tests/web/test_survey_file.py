"""Answers from a file, as whoever carries out surveys brings them in: no other file; a form made of its columns; an old register."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app import jobs
from app.domain.questionnaires import QuestionKind
from app.domain.states import ImportStatus, PastKind
from app.models import Account, ImportBatch, Job, PastRecord, Question, Questionnaire, QuestionnaireVersion, Service, SurveyResponse
from app.security import ADMIN, AUXILIAR, COMERCIAL, CONTROL, SUBGERENTE

FROM_FILE = {"by_link": False, "by_phone": False, "by_qr": False, "by_kiosk": False, "by_file": True}
ANSWERS = "id,P1,P2.agua,P2.aseo,P3,P4\nR1,5,4,4,9,1\nR2,6,4,4,9,1\nR3,NA,,,,\n"
OLD = "V1,term,p01,zona_rio\nResponseID,term,How is it?,Near the river?\n" + "".join(f"R{n},NA,{1 + n % 7},{n % 2}\n" for n in range(9))


def upload(client: Any, text: str = ANSWERS, kind: str = "survey_answers", source: str = "Firma", **more: Any) -> Any:
    data = {"kind": kind, "source": source, "file": (BytesIO(text.encode()), "respuestas.csv"), **more}
    return client.post("/imports/add", data=data, content_type="multipart/form-data")


def last(session) -> ImportBatch:
    session.expire_all()
    return session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc())).first()


def work_off(session) -> ImportBatch:
    session.expire_all()
    jobs.run_job(session.scalars(select(Job.id).order_by(Job.id.desc())).first())
    return last(session)


def mapping_of(batch: ImportBatch) -> dict[str, str]:
    return {"do": "save", **{f"column-{column}": name for column, name in batch.mapping.items()}}


def rows_of(content: bytes) -> list[list[Any]]:
    """Return the rows of all sheets of a workbook."""
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    return [row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()]


@pytest.fixture
def campaign(seeded, make):
    return make.campaign(make.questionnaire(), **FROM_FILE)


def test_answers_walk_from_the_campaign_to_its_responses(seeded, sign_in, campaign):
    clerk = sign_in(COMERCIAL)
    page = clerk.get(f"/surveycampaign/show/{campaign.id}").text
    assert f"/imports/add?campaign={campaign.id}" in page
    page = clerk.get(f"/imports/add?campaign={campaign.id}").text
    assert re.search(rf'<option selected value="{campaign.number}"', page)

    answer = upload(clerk, subject=campaign.number)
    assert set(last(seeded).mapping.values()) == {"number", *(f"answer.{code}" for code in ("P1", "P2.agua", "P2.aseo", "P3", "P4"))}
    clerk.post(answer.location, data=mapping_of(last(seeded)))
    batch = work_off(seeded)
    assert (batch.status, batch.n_new, batch.n_bad) == (ImportStatus.CHECKED, 2, 1)
    page = clerk.get(f"/imports/show/{batch.id}").text
    assert "/surveycampaign/show/" in page
    clerk.post(f"/imports/bring/{batch.id}")
    assert work_off(seeded).status is ImportStatus.DONE
    assert seeded.scalar(select(func.count(SurveyResponse.id))) == 2
    assert any("R2" in row for row in rows_of(clerk.get(f"/imports/errors/{batch.id}").data))


def test_the_survey_may_be_chosen_after_the_file(seeded, sign_in, campaign):
    clerk = sign_in(COMERCIAL)
    url = upload(clerk).location
    refused = clerk.post(url, data=mapping_of(last(seeded)))
    assert refused.status_code == 422

    clerk.post(url, data={"do": "look", "sheet": last(seeded).sheet, "subject": campaign.number})
    assert (last(seeded).subject, "answer.P3" in last(seeded).mapping.values()) == (campaign.number, True)
    clerk.post(url, data={"do": "look", "sheet": last(seeded).sheet, "subject": "ENC-1999-0001"})
    assert last(seeded).subject == campaign.number, "there is no such survey"


def test_the_template_of_a_survey_has_a_column_for_each_question(sign_in, campaign):
    rows = rows_of(sign_in(COMERCIAL).get(f"/imports/template/survey_answers?subject={campaign.number}").data)
    heads = {str(cell) for row in rows for cell in row}

    assert {"P1", "P2.agua", "P3", "P9"} <= {head.split(" ")[0] for head in heads}


def test_whoever_holds_the_surveys_brings_in_nothing_else(seeded, sign_in, campaign):
    admin, clerk = sign_in(ADMIN), sign_in(COMERCIAL)
    upload(admin, "Cédula;Nombre\n52345678;Luz Rojas\n", "parties", "HASSQL")
    other = last(seeded).id
    upload(clerk)
    mine = last(seeded).id

    assert upload(clerk, "Cédula;Nombre\n1;X\n", "parties", "HASSQL").status_code == 422
    assert {clerk.get(f"/imports/{verb}/{other}").status_code for verb in ("show", "mapping", "errors")} == {404}
    assert {clerk.post(f"/imports/{verb}/{other}").status_code for verb in ("check", "meanings", "bring")} == {404}
    assert clerk.get("/imports/template/accounts").status_code == 404
    page = clerk.get("/imports/list/").text
    assert f"/imports/show/{mine}" in page and f"/imports/show/{other}" not in page
    assert f"/imports/show/{other}" in sign_in(CONTROL).get("/imports/list/").text
    assert sign_in(AUXILIAR).get("/imports/add").status_code == 403


def test_a_file_becomes_a_draft_as_somebody_wants_it(seeded, sign_in):
    clerk = sign_in(COMERCIAL)
    upload(clerk, OLD)
    url = f"/survey-file/questions/{last(seeded).id}"
    page = clerk.get(url).text
    assert re.search(r'name="asked-2" value="1" checked', page) and not re.search(r'name="asked-0" value="1" checked', page)
    said = {"asked-2": "1", "code-2": "p01", "kind-2": "SCALE7", "reversed-2": "1", "required-2": "1", "code-3": "rio", "kind-3": "YES_NO"}
    nameless = clerk.post(url, data=said | {"code": "AGUA", "name": "", "audience": "ANYBODY"})
    assert nameless.status_code == 422
    assert re.search(r'name="reversed-2" value="1"[^>]*checked', nameless.text), "what was typed stays"

    answer = clerk.post(url, data=said | {"code": "AGUA", "name": "Agua", "audience": "ANYBODY"})
    version = seeded.scalars(select(QuestionnaireVersion).join(Questionnaire).where(Questionnaire.code == "AGUA")).one()
    assert answer.location.endswith(f"/survey-form/version/{version.id}")
    asked = seeded.scalars(select(Question).where(Question.version_id == version.id)).one()
    assert (asked.code, asked.text_es, asked.kind, asked.is_reversed) == ("p01", "How is it?", QuestionKind.SCALE7, True)
    again = clerk.post(url, data=said | {"code": "AGUA", "name": "Otra", "audience": "ANYBODY"})
    assert again.status_code == 422
    assert 'id="code-error"' in again.text


def test_an_old_register_is_read_as_a_file_that_comes_in(seeded, sign_in):
    for n in range(3):
        facts = {"p01 / How is it?": str(n), "term": "NA"}
        seeded.add(PastRecord(kind=PastKind.SURVEY, source="Encuesta 2015", source_number=f"R{n}", facts=facts))
    seeded.flush()
    record = seeded.scalars(select(PastRecord)).first()
    clerk = sign_in(COMERCIAL)
    assert f"/pastrecord/answers/{record.id}" in clerk.get(f"/pastrecord/show/{record.id}").text
    answer = clerk.post(f"/pastrecord/answers/{record.id}")
    batch = last(seeded)

    assert answer.location.endswith(f"/imports/mapping/{batch.id}")
    assert (batch.kind, batch.source, batch.reading["names"][2:]) == ("survey_answers", "Encuesta 2015", ["p01 / How is it?", "term"])
    assert batch.mapping == {"0": "number", "1": "started", "3": "reason"}
    boss = sign_in(SUBGERENTE)
    assert f"/pastrecord/answers/{record.id}" not in boss.get(f"/pastrecord/show/{record.id}").text


def test_an_account_has_a_zone_that_is_looked_for(seeded, sign_in):
    service = seeded.scalars(select(Service)).first()
    clerk = sign_in(AUXILIAR)
    form = {"service": service.id, "address": "Calle 1", "municipality": "11001", "use": "RESIDENTIAL"}
    assert clerk.post("/account/add", data=form | {"number": "104-9", "zone": "Sector norte"}).status_code == 302
    assert clerk.post("/account/add", data=form | {"number": "104-8", "zone": ""}).status_code == 302
    zones = {row.number: row.zone for row in seeded.scalars(select(Account))}

    assert zones == {"104-9": "Sector norte", "104-8": ""}
    assert "104-9" in clerk.get("/account/list/?zone=Sector+norte").text
    assert "104-9" not in clerk.get("/account/list/?zone=Sector+sur").text
