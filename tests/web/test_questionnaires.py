"""The pages of survey forms: a whole form written, looked at and published without script; a published one only read."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.questionnaires import Condition, ConditionOp, Form, QuestionKind, VersionStatus
from app.extensions import db
from app.models import Question, Questionnaire, QuestionnaireSection, QuestionnaireVersion
from app.operations import questionnaires as operations

TEXTS = {"intro_es": "Queremos oírle.", "thanks_es": "Gracias.", "script": "Buenos días, {name}."}


@pytest.fixture
def quality(sign_in):
    return sign_in("Calidad")


@pytest.fixture
def draft(seeded, make) -> QuestionnaireVersion:
    version = make.questionnaire(publish=False)
    seeded.commit()
    return version


def page(response: Any) -> str:
    return unescape(response.get_data(as_text=True))


def form_of(version_id: int) -> Form:
    db.session.expire_all()
    return operations.form_of(db.session, version_id)


def stored(key: int) -> QuestionnaireVersion | None:
    db.session.expire_all()
    return db.session.get(QuestionnaireVersion, key)


def codes(version_id: int) -> list[list[str]]:
    return [[asked.code for asked in section.questions] for section in form_of(version_id).sections]


def question(version: QuestionnaireVersion, code: str) -> Question:
    return db.session.scalars(select(Question).where(Question.version_id == version.id, Question.code == code)).one()


def sent(html: str) -> dict[str, str]:
    """Return what a browser would send of the fields of a page that are filled by themselves."""
    found = dict(re.findall(r'<input[^>]*name="(seen|row-\d+-\w+)"[^>]*value="([^"]*)"', html))
    for box in re.findall(r"<input[^>]*checked[^>]*>", html):
        found[re.search(r'name="([^"]+)"', box)[1]] = "y"
    return found


# ── The whole way ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_is_written_looked_at_and_published_without_script(seeded, quality):
    said = {"code": "R10-01-09", "name": "Encuesta de prueba", "audience": "USERS", "days_open": "20", "position": "9", "is_active": "y"}
    added = quality.post("/questionnaire/add", data=said)
    assert added.status_code == 302
    version = db.session.scalars(select(QuestionnaireVersion).join(Questionnaire).where(Questionnaire.code == "R10-01-09")).one()
    key = version.id
    assert version.status is VersionStatus.DRAFT

    assert quality.post(f"/survey-form/texts/{key}", data=TEXTS).status_code == 303
    assert quality.post(f"/survey-form/section-add/{key}", data={"title_es": "El servicio"}).status_code == 303
    section = db.session.scalars(select(QuestionnaireSection).where(QuestionnaireSection.version_id == key)).one().id
    new = f"/survey-form/question-add/{section}"
    scale = {"kind": "SCALE5", "text_es": "¿Qué tan satisfecho está?", "low_es": "Nada", "high_es": "Mucho", "is_required": "y",
             "section_id": str(section), "do": "next"}  # fmt: skip
    assert "question-add" in quality.post(new, data=scale).headers["Location"]
    listed = {"kind": "ONE", "text_es": "¿Qué mejorar?", "section_id": str(section), "paste": "El agua | Water\n- La factura\n\nOtro"}
    assert quality.post(new, data=listed | {"do": "save"}).status_code == 303
    why = {"kind": "TEXT", "text_es": "¿Por qué?", "section_id": str(section), "condition": "P1 AT_MOST 2", "do": "save"}
    assert quality.post(new, data=why).status_code == 303

    form = form_of(key)
    assert [asked.kind for asked in form.questions] == [QuestionKind.SCALE5, QuestionKind.ONE, QuestionKind.TEXT]
    assert [option.text.es for option in form.questions[1].options] == ["El agua", "La factura", "Otro"]
    assert form.questions[1].options[0].text.en == "Water"
    assert form.questions[2].condition == Condition("P1", ConditionOp.AT_MOST, "2")

    looked = page(quality.get(f"/survey-form/preview/{key}"))
    assert "¿Qué tan satisfecho está?" in looked and 'name="P2"' in looked
    assert quality.get(f"/survey-form/paper/{key}").data.startswith(b"%PDF")
    assert quality.post(f"/survey-form/publish/{key}").status_code == 303
    assert stored(key).status is VersionStatus.PUBLISHED
    assert "arrange" not in page(quality.get(f"/survey-form/version/{key}"))


def test_a_form_that_is_asked_every_so_often_says_from_when(seeded, quality):
    said = {"code": "R10-01-09", "name": "Semestral", "audience": "USERS", "days_open": "20", "frequency_months": "6", "position": "1"}
    refused = quality.post("/questionnaire/add", data=said)
    assert refused.status_code == 422 and 'id="starts_on-error"' in page(refused)
    assert db.session.scalar(select(Questionnaire.id).where(Questionnaire.code == "R10-01-09")) is None
    assert quality.post("/questionnaire/add", data=said | {"starts_on": "2026-01-01"}).status_code == 302


def test_a_new_form_may_start_with_the_questions_of_another(seeded, quality):
    shipped = db.session.scalars(select(Questionnaire).where(Questionnaire.code == "R10-01-03")).one()
    said = {"code": "COPIA", "name": "Copia", "audience": "CONTRACTS", "days_open": "20", "position": "1", "copy_of": str(shipped.id)}
    assert quality.post("/questionnaire/add", data=said).status_code == 302
    copy = db.session.scalars(select(QuestionnaireVersion).join(Questionnaire).where(Questionnaire.code == "COPIA")).one()
    assert len(form_of(copy.id).questions) == 14
    assert "1 AT_LEAST" not in page(quality.get(f"/survey-form/version/{copy.id}"))


# ── Writing a question ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_kind_shows_its_fields_and_keeps_what_was_typed(draft, quality):
    section = question(draft, "P1").section_id
    typed = {"kind": "MATRIX", "text_es": "Califique los servicios", "do": "kind", "section_id": str(section), "is_required": "y"}
    shown = page(quality.post(f"/survey-form/question-add/{section}", data=typed))
    assert "Califique los servicios" in shown and 'value="services"' in shown and "Nada satisfecho" in shown

    shown = page(quality.post(f"/survey-form/question-add/{section}", data=typed | {"do": "services"}))
    assert re.findall(r'name="row-\d+-text_es"[^>]*value="([^"]+)"', shown) == ["Acueducto", "Alcantarillado", "Aseo"]
    stored = sent(shown) | {f"row-{n}-service_id": value for n, value in enumerate(re.findall(r'<option selected value="(\d+)">A', shown))}
    assert quality.post(f"/survey-form/question-add/{section}", data=stored | typed | {"do": "save"}).status_code == 303
    rows = form_of(draft.id).question("P10").options
    assert [row.text.es for row in rows] == ["Acueducto", "Alcantarillado", "Aseo"] and all(row.service_id for row in rows)


def test_a_question_without_words_or_with_a_bad_code_is_refused_beside_its_field(draft, quality):
    section = question(draft, "P1").section_id
    typed = {"kind": "TEXT", "text_es": " ", "help_es": "Lo que escribí", "code": "a.b", "do": "save", "section_id": str(section)}
    refused = quality.post(f"/survey-form/question-add/{section}", data=typed)
    assert refused.status_code == 422
    assert 'id="text_es-error"' in page(refused) and 'id="code-error"' in page(refused) and "Lo que escribí" in page(refused)
    assert len(form_of(draft.id).questions) == 9


def test_an_option_only_in_english_is_refused_and_nothing_is_half_saved(draft, quality):
    key = question(draft, "P5").id
    html = page(quality.get(f"/survey-form/question/{key}"))
    typed = sent(html) | {"kind": "ONE", "text_es": "¿Por dónde?", "do": "save", "section_id": str(question(draft, "P5").section_id)}
    refused = quality.post(f"/survey-form/question/{key}", data=typed | {"row-0-text_es": ""})
    assert refused.status_code == 422 and "row-0-text_es-error" in page(refused)
    assert [option.text.es for option in form_of(draft.id).question("P5").options] == ["Oficina", "Otro"]


def test_the_page_of_a_question_offers_only_conditions_that_make_sense(draft, quality):
    html = page(quality.get(f"/survey-form/question/{question(draft, 'P8').id}"))
    offered = re.findall(r'<option[^>]*value="(P\d+ \w+ [^"]+)"', html)
    assert 'selected value="P4 IS 0"' in html
    assert {"P1 AT_MOST 2", "P3 AT_LEAST 9", "P5 IS_NOT otro", "P7 AT_LEAST ?"} <= set(offered)
    assert not any(value.startswith(("P8", "P9")) for value in offered), "what comes later decides nothing"
    assert "P1 IS 9" not in offered


def test_a_condition_by_a_number_asks_for_the_number(draft, quality):
    key, section = question(draft, "P8").id, question(draft, "P8").section_id
    typed = {"kind": "TEXT", "text_es": "¿Por qué no?", "condition": "P7 AT_LEAST ?", "section_id": str(section), "do": "save"}
    typed |= sent(page(quality.get(f"/survey-form/question/{key}")))
    refused = quality.post(f"/survey-form/question/{key}", data=typed)
    assert refused.status_code == 422 and 'id="condition_number-error"' in page(refused)
    assert quality.post(f"/survey-form/question/{key}", data=typed | {"condition_number": "6"}).status_code == 303
    assert form_of(draft.id).question("P8").condition == Condition("P7", ConditionOp.AT_LEAST, "6")
    assert 'value="P7 AT_LEAST 6"' in page(quality.get(f"/survey-form/question/{key}"))


def test_a_forged_condition_is_refused(draft, quality):
    key, section = question(draft, "P2").id, question(draft, "P2").section_id
    typed = {"kind": "TEXT", "text_es": "¿Por qué no?", "condition": "P4 IS 0", "section_id": str(section), "do": "save"}
    refused = quality.post(f"/survey-form/question/{key}", data=sent(page(quality.get(f"/survey-form/question/{key}"))) | typed)
    assert refused.status_code == 422 and 'id="condition-error"' in page(refused)


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(draft, quality):
    key, section = question(draft, "P1").id, question(draft, "P1").section_id
    typed = sent(page(quality.get(f"/survey-form/question/{key}"))) | {"kind": "SCALE5", "section_id": str(section), "do": "save"}
    assert quality.post(f"/survey-form/question/{key}", data=typed | {"text_es": "La primera"}).status_code == 303
    refused = quality.post(f"/survey-form/question/{key}", data=typed | {"text_es": "La segunda"})
    assert refused.status_code == 422 and "La segunda" in page(refused)
    assert form_of(draft.id).question("P1").text.es == "La primera"


def test_several_questions_come_from_as_many_lines(draft, quality):
    section = question(draft, "P1").section_id
    lines = "El agua tiene buen sabor | The water tastes good\n\n La presión alcanza "
    assert quality.post(f"/survey-form/several/{section}", data={"kind": "SCALE5", "lines": lines}).status_code == 303
    added = form_of(draft.id).sections[0].questions[-2:]
    assert [asked.text.es for asked in added] == ["El agua tiene buen sabor", "La presión alcanza"]
    assert added[0].text.en == "The water tastes good" and added[0].low.es == "Nada satisfecho"
    assert quality.post(f"/survey-form/several/{section}", data={"kind": "ONE", "lines": "¿Cuál?"}).status_code == 422


# ── Order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_presses_move_copy_and_take_out_and_lead_back_to_the_place(draft, quality):
    keys = {code: question(draft, code).id for code in ("P1", "P2", "P4")}
    moved = quality.post(f"/survey-form/arrange/{draft.id}", data={"do": f"down-q-{keys['P1']}"})
    assert moved.status_code == 303 and moved.headers["Location"].endswith(f"#q-{keys['P1']}")
    quality.post(f"/survey-form/arrange/{draft.id}", data={"do": f"copy-q-{keys['P2']}"})
    assert codes(draft.id)[0] == ["P2", "P10", "P1", "P3"]
    quality.post(f"/survey-form/arrange/{draft.id}", data={"do": f"drop-q-{keys['P1']}"})
    assert codes(draft.id)[0] == ["P2", "P10", "P3"]
    quality.post(f"/survey-form/arrange/{draft.id}", data={"do": f"drop-q-{keys['P4']}"})
    assert "P4" in codes(draft.id)[1], "P8 shows by it"
    sections = [section.id for section in form_of(draft.id).sections]
    quality.post(f"/survey-form/arrange/{draft.id}", data={"do": f"up-s-{sections[1]}"})
    assert codes(draft.id)[1] == ["P2", "P10", "P3"]


@pytest.mark.parametrize("do", ["", "up", "up-q-", "up-q-999999", "fly-q-1", "up-x-1", "up-q-99999999999999999999999"])
def test_a_forged_press_moves_nothing(draft, quality, do):
    assert quality.post(f"/survey-form/arrange/{draft.id}", data={"do": do}).status_code == 404


def test_a_question_of_another_form_is_out_of_reach(draft, make, seeded, quality):
    other = make.questionnaire("R10-OTRA", publish=False)
    seeded.commit()
    press = {"do": f"drop-q-{question(other, 'P9').id}"}
    assert quality.post(f"/survey-form/arrange/{draft.id}", data=press).status_code == 404


# ── Publishing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_a_draft_says_what_it_lacks_and_publishing_says_it_too(draft, quality):
    key = question(draft, "P8").id
    for _ in range(4):
        quality.post(f"/survey-form/arrange/{draft.id}", data={"do": f"up-q-{key}"})
    assert f'href="#q-{key}"' in page(quality.get(f"/survey-form/version/{draft.id}"))
    refused = quality.post(f"/survey-form/publish/{draft.id}")
    assert refused.status_code == 422 and "P4" in page(refused)
    assert stored(draft.id).status is VersionStatus.DRAFT


def test_the_next_version_says_what_changes_and_shows_it(draft, quality):
    assert quality.post(f"/survey-form/publish/{draft.id}").status_code == 303
    started = quality.post(f"/survey-form/start/{draft.questionnaire_id}")
    second = int(started.headers["Location"].rpartition("/")[2])
    row = db.session.scalars(select(Question).where(Question.version_id == second, Question.code == "P1")).one()
    operations.drop_question(db.session, row)
    db.session.commit()
    assert quality.post(f"/survey-form/publish/{second}").status_code == 422
    shown = page(quality.get(f"/survey-form/publish/{second}"))
    assert 'id="reason"' in shown and "¿Qué tan satisfecho está?" in shown
    assert quality.post(f"/survey-form/publish/{second}", data={"reason": "Sobraba"}).status_code == 303
    assert "¿Qué tan satisfecho está?" in page(quality.get(f"/survey-form/compare/{second}?with=1"))
    assert "Sobraba" in page(quality.get(f"/questionnaire/show/{draft.questionnaire_id}"))


def test_a_published_version_leads_back_from_every_page_that_writes(seeded, make, quality):
    version = make.questionnaire()
    seeded.commit()
    row = question(version, "P1")
    doors = [f"texts/{version.id}", f"section-add/{version.id}", f"section/{row.section_id}", f"several/{row.section_id}",
             f"question-add/{row.section_id}", f"question/{row.id}", f"publish/{version.id}"]  # fmt: skip
    for door in doors:
        for answer in (quality.get(f"/survey-form/{door}"), quality.post(f"/survey-form/{door}", data={"do": "save", "text_es": "Otra"})):
            assert answer.status_code == 303 and answer.headers["Location"].endswith(f"/version/{version.id}"), door
    quality.post(f"/survey-form/discard/{version.id}")
    quality.post(f"/survey-form/arrange/{version.id}", data={"do": f"drop-q-{row.id}"})
    assert codes(version.id)[0] == ["P1", "P2", "P3"]


def test_a_draft_is_given_up(draft, quality):
    key, questionnaire_id = draft.id, draft.questionnaire_id
    assert quality.post(f"/survey-form/discard/{key}").headers["Location"].endswith(f"/show/{questionnaire_id}")
    assert stored(key) is None


@pytest.mark.parametrize("pk", ["0", "x", "-1", "99999999999", "9" * 40])
def test_a_version_that_is_not_there_is_not_found(seeded, quality, pk):
    assert quality.get(f"/survey-form/version/{pk}").status_code == 404
    assert quality.get(f"/survey-form/question/{pk}").status_code == 404


def test_whoever_only_reads_sees_no_button_that_writes(draft, sign_in):
    html = page(sign_in("Subgerente administrativo y comercial").get(f"/survey-form/version/{draft.id}"))
    assert "question-add" not in html and "/publish/" not in html and "/preview/" in html
