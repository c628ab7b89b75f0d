"""The next version of a survey form, half written: what the company would ask next year."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.questionnaires import QuestionKind
from app.models import Question, Questionnaire, QuestionnaireSection, QuestionnaireVersion
from app.operations.questionnaires import (
    Wanted,
    WantedOption,
    add_question,
    form_of,
    move_question,
    start_version,
    wanted_of,
    write_question,
)


def draft_next_version(session: Session) -> QuestionnaireVersion:
    """Start version 2 of R10-01-02, with a question that reads otherwise, one that moved and a new one; return it, flushed."""
    questionnaire = session.scalars(select(Questionnaire).where(Questionnaire.code == "R10-01-02")).one()
    version = start_version(session, questionnaire)
    form = form_of(session, version.id)
    rows = {row.code: row for row in session.scalars(select(Question).where(Question.version_id == version.id))}
    wanted = wanted_of(form.question("P11"))  # type: ignore[arg-type]
    wanted.text_es = "El consumo que me cobran es el que marca mi medidor."
    wanted.text_en = "The consumption that I am charged is the one that my meter shows."
    write_question(session, rows["P11"], wanted)
    move_question(session, rows["P5"], -1)
    section = session.get_one(QuestionnaireSection, rows["P12"].section_id)
    options = [
        WantedOption("La oficina", "The office"), WantedOption("El teléfono", "The telephone"),
        WantedOption("La página web o el correo", "The web page or e-mail"), WantedOption("Otro", "Another", takes_words=True),
    ]  # fmt: skip
    add_question(session, section, Wanted(QuestionKind.ONE, "¿Por dónde prefiere que lo atendamos?", options=options))
    return version
