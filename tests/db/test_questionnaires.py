"""Forms of surveys: written as a draft, ordered, published once and frozen, replaced by the next version; on both engines."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaire_versions import changes, faults
from app.domain.questionnaires import Condition, ConditionOp, QuestionKind, VersionStatus
from app.models import Question, Questionnaire, QuestionnaireSection, QuestionnaireVersion, QuestionOption
from app.operations import questionnaires as operations
from app.operations.questionnaires import Wanted, WantedOption

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
K = QuestionKind


@pytest.fixture
def draft(seeded, make) -> QuestionnaireVersion:
    """Two sections with nine questions, P1 to P9."""
    return make.questionnaire(publish=False)


def codes(session, version) -> list[list[str]]:
    form = operations.form_of(session, version.id)
    return [[asked.code for asked in section.questions] for section in form.sections]


def question(session, version, code) -> Question:
    return session.scalars(select(Question).where(Question.version_id == version.id, Question.code == code)).one()


def publish(session, version, reason="Cambia la redacción"):
    return operations.publish(session, version, reason, at=AT, actor_id=None)


# ── Loading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_is_loaded_whole_in_three_statements(draft, session, count_statements):
    key = draft.id
    session.expire_all()
    with count_statements() as statements:
        form = operations.form_of(session, key)
    assert len(statements) <= 3
    assert [asked.number for asked in form.questions] == list(range(1, 10))
    assert form.question("P8").condition == Condition("P4", ConditionOp.IS, "0")
    assert [option.code for option in form.question("P2").options] == ["agua", "aseo"]
    assert form.question("P5").options[1].takes_words and form.question("P7").greatest == Decimal(30)
    assert form.languages == ("es",), "the titles of its sections have no English"


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_questions_move_within_their_section_and_over_its_edge(draft, session):
    operations.move_question(session, question(session, draft, "P2"), -1)
    operations.move_question(session, question(session, draft, "P3"), 1)
    assert codes(session, draft) == [["P2", "P1"], ["P3", "P4", "P5", "P6", "P7", "P8", "P9"]]
    operations.move_question(session, question(session, draft, "P3"), -1)
    operations.move_question(session, question(session, draft, "P2"), -1)
    operations.move_question(session, question(session, draft, "P9"), 1)
    assert codes(session, draft) == [["P2", "P1", "P3"], ["P4", "P5", "P6", "P7", "P8", "P9"]]


def test_sections_move_with_their_questions(draft, session):
    second = session.scalars(select(QuestionnaireSection).where(QuestionnaireSection.title_es == "Cierre")).one()
    operations.move_section(session, second, -1)
    assert codes(session, draft)[0][0] == "P4"
    operations.move_section(session, second, -1)
    assert [section.position for section in operations._sections_of(session, draft.id)] == [1, 2]


def test_a_condition_left_behind_by_a_move_stops_the_publication(draft, session):
    for _ in range(4):
        operations.move_question(session, question(session, draft, "P8"), -1)
    assert [fault.at for fault in faults(operations.form_of(session, draft.id)) if not fault.is_hint] == ["P8"]
    with pytest.raises(MoveRefused, match="P4"):
        publish(session, draft)


def test_a_question_gets_the_next_code_that_no_version_ever_used(draft, session):
    first = session.get_one(QuestionnaireSection, question(session, draft, "P1").section_id)
    operations.drop_question(session, question(session, draft, "P9"))
    added = operations.add_question(session, first, Wanted(K.TEXT, "¿Algo más?"))
    assert added.code == "P9", "it was never asked"
    publish(session, draft)
    second = operations.start_version(session, draft.questionnaire)
    operations.drop_question(session, question(session, second, "P9"))
    section = session.get_one(QuestionnaireSection, question(session, second, "P1").section_id)
    assert operations.add_question(session, section, Wanted(K.TEXT, "Otra cosa")).code == "P10"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(K.TEXT, "  "), "text_es"),
        (Wanted(K.TEXT, "Repetida", code="P1"), "code"),
        (Wanted(K.TEXT, "Con punto", code="a.b"), "code"),
        (Wanted(K.NUMBER, "Al revés", least=Decimal(5), greatest=Decimal(1)), "least"),
        (Wanted(K.TEXT, "De nadie", condition=Condition("P99", ConditionOp.IS, "1")), "condition"),
        (Wanted(K.TEXT, "De después", condition=Condition("P4", ConditionOp.IS, "1")), "condition"),
        (Wanted(K.TEXT, "De nada", condition=Condition("P1", ConditionOp.IS, "8")), "condition"),
        (Wanted(K.ONE, "Sin letras", options=[WantedOption("", "Only English")]), "options"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(draft, session, wanted, field):
    first = session.get_one(QuestionnaireSection, question(session, draft, "P1").section_id)
    with pytest.raises(DomainError) as refused:
        operations.add_question(session, first, wanted)
    assert refused.value.field == field


def test_what_a_kind_does_not_take_is_left_out(draft, session):
    row = question(session, draft, "P5")
    operations.write_question(session, row, Wanted(K.TEXT, "¿Por dónde?", has_na=True, is_reversed=True, least=Decimal(1), low_es="Nada",
                                                   options=[WantedOption("Uno")], code="P5"))  # fmt: skip
    asked = operations.form_of(session, draft.id).question("P5")
    assert (asked.has_na, asked.is_reversed, asked.least, asked.low.es, asked.options) == (False, False, None, "", ())


def test_options_keep_their_codes_when_their_words_and_order_change(draft, session):
    row = question(session, draft, "P5")
    office, other = operations.form_of(session, draft.id).question("P5").options
    wanted = operations.wanted_of(operations.form_of(session, draft.id).question("P5"))
    wanted.options = [WantedOption("Otro medio", id=other.id, takes_words=True), WantedOption("La oficina", id=office.id),
                      WantedOption("Página web"), WantedOption("Página web!")]  # fmt: skip
    operations.write_question(session, row, wanted)
    found = operations.form_of(session, draft.id).question("P5").options
    assert [option.code for option in found] == ["otro", "oficina", "pagina-web", "pagina-web-2"]
    wanted.options = [WantedOption("Teléfono", code="oficina")]
    operations.write_question(session, row, wanted)
    assert [option.code for option in operations.form_of(session, draft.id).question("P5").options] == ["oficina"]


def test_a_question_that_others_show_by_stays_until_they_do_not(draft, session):
    with pytest.raises(MoveRefused, match="P8"):
        operations.drop_question(session, question(session, draft, "P4"))
    operations.drop_question(session, question(session, draft, "P8"))
    operations.drop_question(session, question(session, draft, "P4"))
    assert codes(session, draft)[1] == ["P5", "P6", "P7", "P9"]


def test_a_section_goes_with_its_questions_and_their_conditions(draft, session):
    section = session.get_one(QuestionnaireSection, question(session, draft, "P8").section_id)
    operations.drop_section(session, section)
    assert codes(session, draft) == [["P1", "P2", "P3"]]
    assert session.scalar(select(func.count()).select_from(QuestionOption).where(QuestionOption.version_id == draft.id)) == 2


def test_a_copy_comes_right_after_and_has_a_code_of_its_own(draft, session):
    operations.copy_question(session, question(session, draft, "P2"))
    assert codes(session, draft)[0] == ["P1", "P2", "P10", "P3"]
    assert [option.code for option in operations.form_of(session, draft.id).question("P10").options] == ["agua", "aseo"]


def test_a_question_moves_to_the_section_that_somebody_chooses(draft, session):
    last = session.get_one(QuestionnaireSection, question(session, draft, "P9").section_id)
    row = question(session, draft, "P1")
    operations.write_question(session, row, operations.wanted_of(operations.form_of(session, draft.id).question("P1")), last)
    assert codes(session, draft) == [["P2", "P3"], ["P4", "P5", "P6", "P7", "P8", "P9", "P1"]]


# ── Publishing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_version_copies_the_published_one_and_retires_it(draft, session):
    first = publish(session, draft, "")
    second = operations.start_version(session, draft.questionnaire)
    one, two = (operations.form_of(session, version.id) for version in (first, second))
    assert changes(one, two) == [] and two.script == one.script and two.status is VersionStatus.DRAFT
    with pytest.raises(MoveRefused):
        operations.start_version(session, draft.questionnaire)
    with pytest.raises(MoveRefused) as refused:
        publish(session, second, " ")
    assert refused.value.field == "reason"
    publish(session, second)
    session.expire_all()
    assert (first.status, second.status) == (VersionStatus.RETIRED, VersionStatus.PUBLISHED)
    assert operations.published_of(session, draft.questionnaire_id).id == second.id
    prints = [{row.code: row.fingerprint for row in session.scalars(select(Question).where(Question.version_id == version.id))}
              for version in (first, second)]  # fmt: skip
    assert prints[0] == prints[1] and all(prints[0].values())


def test_an_empty_version_is_not_published(seeded, session):
    empty = Questionnaire(code="R10-VACIA", name="Vacía", audience="ANYBODY")
    session.add(empty)
    session.flush()
    with pytest.raises(MoveRefused):
        publish(session, operations.start_version(session, empty))


def test_a_published_version_refuses_every_change_by_its_operations(draft, session):
    version = publish(session, draft)
    row = question(session, version, "P1")
    section = session.get_one(QuestionnaireSection, row.section_id)
    tries = [
        lambda: operations.write_question(session, row, Wanted(K.TEXT, "Otra")),
        lambda: operations.add_question(session, section, Wanted(K.TEXT, "Otra")),
        lambda: operations.drop_question(session, row),
        lambda: operations.move_question(session, row, 1),
        lambda: operations.copy_question(session, row),
        lambda: operations.write_section(session, section, "Otro"),
        lambda: operations.add_section(session, version, "Otra"),
        lambda: operations.drop_section(session, section),
        lambda: operations.move_section(session, section, 1),
        lambda: operations.write_texts(session, version, intro_es="Otra"),
        lambda: operations.drop_draft(session, version),
        lambda: publish(session, version),
    ]
    for change in tries:
        with pytest.raises(MoveRefused, match="published"):
            change()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE question SET text_es = 'Otra' WHERE version_id = :v",
        "DELETE FROM question_option WHERE version_id = :v",
        "UPDATE questionnaire_section SET title_es = 'Otra' WHERE version_id = :v",
        "UPDATE questionnaire_version SET intro_es = 'Otra' WHERE id = :v",
    ],
)
def test_the_database_refuses_what_goes_round_the_operations(draft, session, statement):
    publish(session, draft)
    with pytest.raises(DBAPIError, match="frozen"), session.begin_nested():
        session.execute(text(statement), {"v": draft.id})


def test_a_draft_is_given_up_with_all_that_it_asks(draft, session):
    publish(session, draft)
    second = operations.start_version(session, draft.questionnaire)
    key = second.id
    operations.drop_draft(session, second)
    session.expire_all()
    assert session.get(QuestionnaireVersion, key) is None
    assert session.scalar(select(func.count()).select_from(Question).where(Question.version_id == key)) == 0
    assert operations.start_version(session, draft.questionnaire).number == 2


def test_a_new_form_may_start_as_a_copy_of_another(draft, session):
    version = publish(session, draft)
    other = Questionnaire(code="R10-OTRA", name="Otra", audience="USERS")
    session.add(other)
    session.flush()
    copy = operations.start_version(session, other, copy_of=version)
    assert codes(session, copy) == codes(session, version) and copy.number == 1


def test_the_demo_leaves_the_next_version_half_written(seeded, session):
    from app.demo.questionnaires import draft_next_version

    version = draft_next_version(session)
    form = operations.form_of(session, version.id)
    assert (version.number, version.status, len(form.questions)) == (2, VersionStatus.DRAFT, 19)
    assert [fault.msgid.split()[0] for fault in faults(form) if not fault.is_hint] == []
    published = operations.published_of(session, version.questionnaire_id)
    assert [change.new.code for change in changes(operations.form_of(session, published.id), form)] == ["P4", "P11", "P19"]
