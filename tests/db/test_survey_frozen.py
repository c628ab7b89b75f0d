"""What the database itself keeps of surveys: published forms, and answers of campaigns that take none; whoever writes, and how."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.db import world

STAMP = "'2026-07-10 15:00:00+00:00', '2026-07-10 15:00:00+00:00'"

TEXTS = [
    "UPDATE questionnaire_version SET intro_es = 'Otra' WHERE id = :version",
    "UPDATE questionnaire_version SET thanks_en = 'Bye' WHERE id = :version",
    "UPDATE questionnaire_version SET script = 'Hola' WHERE id = :version",
    "UPDATE questionnaire_version SET number = 9 WHERE id = :version",
    "UPDATE questionnaire_version SET published_at = '2026-01-01 00:00:00+00:00' WHERE id = :version",
    "UPDATE questionnaire_section SET title_es = 'Otro' WHERE id = :section",
    "UPDATE question SET text_es = '¿Y la calidad?' WHERE id = :question",
    "UPDATE question SET is_reversed = (1 = 1) WHERE id = :question",
    "UPDATE question SET position = 7 WHERE id = :question",
    "UPDATE question_option SET text_es = 'Por el color' WHERE id = :option",
    "INSERT INTO questionnaire_section (version_id, position, title_es, title_en, help_es, help_en, created_at, changed_at)"
    f" VALUES (:version, 2, 'Más', '', '', '', {STAMP})",
    "INSERT INTO question_option (question_id, version_id, position, code, text_es, text_en, takes_words, created_at, changed_at)"
    f" VALUES (:listed, :version, 2, 'b', 'Por el olor', '', (1 = 0), {STAMP})",
    "DELETE FROM question_option WHERE id = :option",
    "DELETE FROM question WHERE id = :question",
    "DELETE FROM questionnaire_section WHERE id = :section",
    "DELETE FROM questionnaire_version WHERE id = :version",
]  # fmt: skip

ANSWERS = [
    "UPDATE survey_response SET status = 'SCREENED', screened_reason = 'x' WHERE id = :response",
    "UPDATE survey_response SET answered_on = '2026-07-11' WHERE id = :response",
    "UPDATE survey_response SET campaign_id = :other WHERE id = :response",
    "UPDATE survey_answer SET score = 5, value = 5 WHERE id = :answer",
    "INSERT INTO survey_answer (response_id, question_id, kind, option_id, is_na) VALUES (:response, :listed, 'ONE', :option, (1 = 0))",
    "DELETE FROM survey_answer WHERE id = :answer",
    "DELETE FROM survey_response WHERE id = :response",
    "INSERT INTO survey_response (campaign_id, via, status, screened_reason, language, started_at, answered_on, zone, is_named,"
    " wants_contact, wants_case, version) VALUES (:campaign, 'KIOSK', 'PARTIAL', '', 'es', '2026-07-10 15:00:00+00:00', '2026-07-10', '',"
    " (1 = 0), (1 = 0), (1 = 0), 0)",
]  # fmt: skip

#: What goes on after a campaign is over.
AFTERWARDS = [
    "UPDATE survey_response SET is_named = (1 = 0) WHERE id = :response",
    "UPDATE survey_alarm SET status = 'SETTLED', result = 'Se llamó', ended_on = '2026-07-12' WHERE response_id = :response",
    "DELETE FROM survey_answer_tag WHERE answer_id = :answer",
    "UPDATE survey_campaign SET conclusion = 'Mejoró la presión' WHERE id = :campaign",
]


@pytest.fixture
def ids(session):
    """The world of the constraints, by the names that the statements use; the form is a draft and its campaign takes answers."""
    rows = world.build(session)
    first = {
        "version": "questionnaire_version", "section": "questionnaire_section", "question": "question", "option": "question_option",
        "campaign": "survey_campaign", "response": "survey_response", "answer": "survey_answer",
    }  # fmt: skip
    known = {name: rows[table][0].id for name, table in first.items()}
    return known | {"listed": rows["question_option"][0].question_id, "other": rows["survey_campaign"][1].id}


def run(session, statement: str, ids: dict[str, int]) -> None:
    bound = text(statement)
    with session.begin_nested():
        session.connection().execute(bound, {name: ids[name] for name in bound._bindparams})


def refusal_of(session, statement: str, ids: dict[str, int]) -> str:
    """Return why the statement is refused, or "" when it is not; either way nothing of it stays."""
    outer = session.begin_nested()
    try:
        run(session, statement, ids)
    except DBAPIError as error:
        return str(error.orig)
    finally:
        outer.rollback()
    return ""


@pytest.mark.parametrize("status", ["PUBLISHED", "RETIRED"])
def test_a_published_form_keeps_every_word(session, ids, status):
    publish = f"UPDATE questionnaire_version SET status = '{status}', published_at = '2026-07-10 15:00:00+00:00' WHERE id = :version"
    assert "frozen" not in "".join(refusal_of(session, statement, ids) for statement in TEXTS), "a draft is free"
    run(session, publish, ids)

    assert [statement for statement in TEXTS if "frozen:" not in refusal_of(session, statement, ids)] == []
    assert refusal_of(session, "UPDATE questionnaire_version SET status = 'RETIRED' WHERE id = :version", ids) == ""


CLOSE = "UPDATE survey_campaign SET status = 'CLOSED', closed_at = '2026-08-10 15:00:00+00:00' WHERE id = :campaign"
DROP = (
    "UPDATE survey_campaign SET status = 'DROPPED', drop_reason = 'Se repite', confirmed_at = NULL, confirmed_by_id = NULL"
    " WHERE id = :campaign"
)
PROPOSE = "UPDATE survey_campaign SET status = 'PROPOSED', confirmed_at = NULL, confirmed_by_id = NULL WHERE id = :campaign"


@pytest.mark.parametrize("ending", [CLOSE, DROP, PROPOSE], ids=["closed", "dropped", "proposed"])
def test_a_campaign_that_takes_no_answers_keeps_those_it_has(session, ids, ending):
    assert "frozen" not in "".join(refusal_of(session, statement, ids) for statement in ANSWERS), "an open one takes them"
    run(session, ending, ids)

    assert [statement for statement in ANSWERS if "frozen:" not in refusal_of(session, statement, ids)] == []


def test_names_tags_and_alarms_go_on_after_closing(session, ids):
    run(session, CLOSE, ids)

    assert {statement: refusal_of(session, statement, ids) for statement in AFTERWARDS} == dict.fromkeys(AFTERWARDS, "")


def test_a_reopened_campaign_takes_answers_again(session, ids):
    run(session, CLOSE, ids)
    run(session, "UPDATE survey_campaign SET status = 'OPEN', closed_at = NULL WHERE id = :campaign", ids)

    assert refusal_of(session, ANSWERS[3], ids) == ""
