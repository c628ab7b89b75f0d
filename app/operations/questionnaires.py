"""Questionnaires of surveys: loading a version whole, and writing, publishing and replacing it."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.domain.questionnaires import Asked, Choice, Condition, Form, Words
from app.domain.questionnaires import Section as Page
from app.models import Question, QuestionnaireSection, QuestionnaireVersion, QuestionOption

# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def form_of(session: Session, version_id: int) -> Form:
    """Return the version *version_id* whole, in three statements. Raises NoResultFound: there is none."""
    version = session.scalars(
        select(QuestionnaireVersion).where(QuestionnaireVersion.id == version_id).options(joinedload(QuestionnaireVersion.questionnaire))
    ).one()
    rows = session.execute(
        select(QuestionnaireSection, Question)
        .outerjoin(Question, Question.section_id == QuestionnaireSection.id)
        .where(QuestionnaireSection.version_id == version_id)
        .order_by(QuestionnaireSection.position, Question.position)
    ).all()
    options: dict[int, list[Choice]] = defaultdict(list)
    for option in session.scalars(
        select(QuestionOption).where(QuestionOption.version_id == version_id).order_by(QuestionOption.question_id, QuestionOption.position)
    ):
        text = Words(option.text_es, option.text_en)
        options[option.question_id].append(Choice(option.id, option.code, text, option.takes_words, option.service_id))
    codes = {question.id: question.code for _section, question in rows if question is not None}
    pages: dict[int, tuple[QuestionnaireSection, list[Asked]]] = {}
    n = 0
    for section, question in rows:
        _, asked = pages.setdefault(section.id, (section, []))
        if question is not None:
            n += 1
            asked.append(_asked(question, n, codes, tuple(options[question.id])))
    questionnaire = version.questionnaire
    return Form(
        version.id, questionnaire.id, questionnaire.code, questionnaire.name, version.number, version.status,
        Words(version.intro_es, version.intro_en), Words(version.thanks_es, version.thanks_en), version.script,
        tuple(
            Page(section.id, Words(section.title_es, section.title_en), Words(section.help_es, section.help_en), tuple(asked))
            for section, asked in pages.values()
        ),
    )  # fmt: skip


def _asked(question: Question, number: int, codes: dict[int, str], options: tuple[Choice, ...]) -> Asked:
    condition = None
    if question.condition_id is not None and question.condition_op is not None:
        condition = Condition(codes[question.condition_id], question.condition_op, question.condition_value or "")
    return Asked(
        question.id, number, question.code, question.kind, Words(question.text_es, question.text_en),
        Words(question.help_es, question.help_en), Words(question.low_es, question.low_en), Words(question.high_es, question.high_en),
        question.is_required, question.is_reversed, question.has_na, question.least, question.greatest, condition, options,
        question.process_id,
    )  # fmt: skip
