"""Answers of a survey that come from a file: what comes in, what is kept apart, what is refused and why, and that it may be repeated."""

from __future__ import annotations

import csv
import os
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.campaigns import InviteeStatus, ResponseStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import Audience, QuestionKind
from app.domain.states import ImportStatus
from app.importing import engine, runs
from app.importing.kinds import KINDS
from app.models import ImportBatch, Question, SurveyAnswer, SurveyAnswerTag, SurveyCampaign, SurveyResponse, SurveyTag
from app.operations import campaigns, files, survey_answers
from app.operations.questionnaires import form_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
REAL = os.environ.get("ATIENDE_REAL_DATA")
FROM_FILE = {"by_link": False, "by_phone": False, "by_qr": False, "by_kiosk": False, "by_file": True}

#: The quirks of such files: a code over each question, NA, an end that came early, scores as numbers and in words.
HEAD = (
    ("V1", "V8", "V9", "term", "P1", "P2.agua", "P2.aseo", "P3", "P4", "P5", "P5.words", "P6", "P7", "P8", "P9"),
    ("ResponseID", "StartDate", "EndDate", "term", "¿Qué tan satisfecho está?", "Califique cada servicio [Agua]", "", "¿Nos recomendaría?",
     "¿Presentó una PQR?", "¿Por dónde?", "¿Cuál?", "¿Por qué medios se informa?", "¿Cuántas personas viven ahí?", "¿Por qué no?",
     "El trámite es complicado"),
)  # fmt: skip
WHOLE = ("R1", "2026-07-01 09:52:14", "2026-07-01 10:01:00", "NA", "4", "5", "3", "9", "1", "Oficina", "", "oficina;otro", "4", "", "2")
ROWS = (
    WHOLE,
    ("R2", "2026-07-02 09:00:00", "2026-07-02 09:03:00", "otherCity", "NA", "NA", "NA", "NA", "0", "NA", "", "", "NA", "", "NA"),
    ("R3", "2026-07-02 09:00:00", "", "NA", "3", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA"),
    ("R4", "2026-07-03 09:00:00", "", "NA", "6", "5", "5", "9", "1", "", "", "", "4", "", "2"),
    ("R5", "2026-07-03 09:00:00", "", "NA", "5", "5", "5", "11", "1", "Por radio", "", "oficina;fax", "99", "", "8"),
    ("R6", "2026-07-03 09:00:00", "", "", "No aplica", "5", "no aplica", "0", "no", "Otro", "Un vecino", "", "3,0", "Nadie responde", "7"),
)  # fmt: skip


def table(*rows: tuple[Any, ...]) -> bytes:
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def receive(session, campaign: SurveyCampaign | None, content: bytes, source: str = "Firma encuestadora") -> ImportBatch:
    checked = files.hold_upload("respuestas.csv", BytesIO(content), "text/csv", most=60_000_000)
    batch = runs.receive(session, KINDS["survey_answers"], source, checked, AT, campaign.number if campaign else "")
    session.flush()
    return batch


def confirm(session, batch: ImportBatch, values: Any = None) -> ImportBatch:
    runs.save_mapping(session, batch, {int(column): name for column, name in batch.mapping.items()}, values or batch.value_map, {}, AT)
    return batch


def check(session, batch: ImportBatch) -> ImportBatch:
    runs.keep_check(session, batch, runs.look_through(session, batch, AT, None))
    return batch


def bring(session, batch: ImportBatch) -> ImportBatch:
    check(session, confirm(session, batch))
    runs.begin_import(session, batch, job_id=None)
    session.commit()
    runs.bring_in(session, batch, AT, None)
    session.expire_all()
    return batch


def counts(batch: ImportBatch) -> tuple[int, int, int, int, int]:
    return batch.n_rows, batch.n_new, batch.n_changed, batch.n_same, batch.n_bad


def response(session, number: str) -> SurveyResponse:
    return session.scalars(select(SurveyResponse).where(SurveyResponse.source_number == number)).one()


def said(session, number: str) -> dict[str, Any]:
    """Return what the response *number* answered, as a page would show it."""
    row = response(session, number)
    form = form_of(session, row.campaign.version_id)
    return survey_answers.raw_of(survey_answers.answers_of(session, row, form))


@pytest.fixture
def campaign(seeded, make) -> SurveyCampaign:
    return make.campaign(make.questionnaire(at=AT), at=AT, **FROM_FILE)


def test_answers_come_in_whole_half_and_kept_apart_and_bad_rows_say_why(seeded, campaign):
    batch = receive(seeded, campaign, table(*HEAD, *ROWS))
    assert (batch.header_row, batch.n_header_rows) == (0, 2)
    assert set(batch.mapping.values()) == {"number", "started", "ended", "reason", *(f"answer.{name}" for name in HEAD[0][4:])}
    check(seeded, confirm(seeded, batch))

    assert counts(batch) == (6, 4, 0, 0, 2)
    assert batch.totals == {"Answers": "4", "Filled in": "2", "Left out of the count": "1", "Half-filled": "1"}
    assert seeded.scalar(select(func.count(SurveyResponse.id))) == 0, "a check writes nothing"
    bad = dict(batch.reading["bad"])
    assert set(bad) == {6, 7}
    assert "P1" in bad[6] and "6" in bad[6]
    assert all(part in bad[7] for part in ("P3", "11", "P5", "Por radio", "P6", "fax", "P7", "30", "P9", "8"))

    bring(seeded, batch)
    assert (batch.status, counts(batch)) == (ImportStatus.DONE, (6, 4, 0, 0, 2))
    assert said(seeded, "R1") == {"P1": "4", "P2.agua": "5", "P2.aseo": "3", "P3": "9", "P4": "1", "P5": ["oficina"], "P5.words": "",
                                  "P6": ["oficina", "otro"], "P6.words": "", "P7": "4", "P9": "2"}  # fmt: skip
    assert said(seeded, "R6") == {"P1": "NA", "P2.agua": "5", "P2.aseo": "NA", "P3": "0", "P4": "0", "P5": ["otro"],
                                  "P5.words": "Un vecino", "P7": "3", "P8": "Nadie responde", "P9": "7"}  # fmt: skip
    states = dict(seeded.execute(select(SurveyResponse.source_number, SurveyResponse.status)).tuples())
    assert states == {"R1": ResponseStatus.COMPLETE, "R2": ResponseStatus.SCREENED, "R3": ResponseStatus.PARTIAL,
                      "R6": ResponseStatus.COMPLETE}  # fmt: skip
    assert response(seeded, "R2").screened_reason == "otherCity"
    assert said(seeded, "R2") == {"P4": "0"}, "what was answered before the end is kept"
