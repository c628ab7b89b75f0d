"""
A questionnaire from a file of answers: what each column seems to ask, by its header and its values, and the draft that asks it.

It is a guess for somebody to look through. Whether a question counts backwards no value tells: that is ticked by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.questionnaires import SCALES, QuestionKind
from app.extensions import LANGUAGE
from app.importing.cells import NO, YES, is_blank, text_of
from app.importing.headers import SEPARATOR, canon
from app.importing.reading import open_book
from app.importing.surveys import OF_ANSWER
from app.models import ImportBatch, Questionnaire, QuestionnaireVersion
from app.operations import files, questionnaires
from app.operations.questionnaires import CODE, Wanted, WantedOption

#: Rows that are looked at, and how many different answers still are a list.
MOST_ROWS, MOST_OPTIONS = 5_000, 12
_LONGEST_OPTION = 80
_WHOLE = re.compile(r"-?\d{1,9}(?:\.0)?$").match
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,6})?$").match
_CODED = re.compile(r"([A-Za-z]{0,4}\d{1,3}[a-z]?)\s*[.):\-–]\s*(\S.*)").match
_NO_CODE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Guess:
    """
    What a column seems to ask.

    Args:
        n: Rows that have an answer.
        values: Its answers: all of them in their order where `kind` is a list or a scale, else the most frequent.
        is_asked: It seems to be a question, and not a number, a day or what a program notes of its own.
    """

    column: int
    code: str
    text: str
    kind: QuestionKind
    n: int
    values: tuple[str, ...]
    is_asked: bool
    is_required: bool


def guesses(batch: ImportBatch) -> list[Guess]:
    """Return what each named column of the file seems to ask; the answers of some thousand rows are looked at."""
    with closing(files.open_file(batch.file)) as stream:
        start = batch.header_row + batch.n_header_rows
        rows = [*islice(open_book(stream).rows(batch.sheet), start, start + MOST_ROWS)]
    of_head = {int(column) for column, name in batch.mapping.items() if not name.startswith(OF_ANSWER)}
    found: list[Guess] = []
    for column, name in enumerate(batch.reading["names"]):
        if name:
            answers = Counter(text_of(row[column]) for row in rows if column < len(row) and not is_blank(row[column]))
            found.append(_guess(column, name, answers, len(rows), column in of_head, {each.code for each in found}))
    return found


def _guess(column: int, name: str, answers: Counter[str], n_rows: int, is_of_head: bool, taken: Collection[str]) -> Guess:
    kind, n = kind_of(answers), sum(answers.values())
    code, text = _named(name, column, taken)
    is_listed = kind in (QuestionKind.ONE, QuestionKind.MANY)
    values = _parts(answers) if kind is QuestionKind.MANY else answers
    told = sorted(values, key=_by_number) if is_listed or kind in SCALES else [text for text, _n in values.most_common(MOST_OPTIONS)]
    is_noted = kind is QuestionKind.TEXT and len(answers) == n > MOST_OPTIONS and not any(" " in text for text in answers)
    is_asked = len(answers) > 1 and not is_of_head and not is_noted
    is_open = kind in (QuestionKind.TEXT, QuestionKind.MANY, QuestionKind.NUMBER)
    return Guess(column, code, text, kind, n, tuple(told), is_asked, is_required=2 * n >= n_rows and not is_open)


def kind_of(answers: Mapping[str, int]) -> QuestionKind:
    """Return the kind of question that seems to be answered like that; open text where nothing else fits."""
    n_different, n = len(answers), sum(answers.values())
    if n_different and all(map(_WHOLE, answers)):
        return _scale({int(float(text)) for text in answers})
    if n_different and {canon(text) for text in answers} <= YES | NO:
        return QuestionKind.YES_NO
    if n_different and all(map(_NUMBER, answers)):
        return QuestionKind.NUMBER
    parts = _parts(answers)
    if len(parts) <= n_different and any(";" in text for text in answers) and _is_list(parts, n):
        return QuestionKind.MANY
    return QuestionKind.ONE if _is_list(answers, n) else QuestionKind.TEXT


def _scale(numbers: Collection[int]) -> QuestionKind:
    least, greatest, n = min(numbers), max(numbers), len(numbers)
    if numbers == {0, 1}:
        return QuestionKind.YES_NO
    if least >= 1 and greatest <= 7 and n >= 3:
        return QuestionKind.SCALE5 if greatest <= 5 else QuestionKind.SCALE7
    if least >= 0 and greatest <= 10 and n > 5:
        return QuestionKind.NPS
    return QuestionKind.ONE if n <= MOST_OPTIONS else QuestionKind.NUMBER


def _is_list(answers: Mapping[str, int], n: int) -> bool:
    """Say whether few answers come again and again."""
    return 1 <= len(answers) <= MOST_OPTIONS and n >= 2 * len(answers) and max(map(len, answers)) <= _LONGEST_OPTION


def _parts(answers: Mapping[str, int]) -> Counter[str]:
    """Return the answers of a column where several stand in one cell, with semicolons between."""
    parts: Counter[str] = Counter()
    for text, n in answers.items():
        for part in filter(None, map(str.strip, text.split(";"))):
            parts[part] += n
    return parts


def _by_number(text: str) -> tuple[float, str]:
    return (float(text) if _WHOLE(text) else float("inf"), canon(text))


def _named(name: str, column: int, taken: Collection[str]) -> tuple[str, str]:
    """Return code and words of a column: "p01 / How is it?" and "P1. How is it?" say both."""
    head, _separator, rest = name.partition(SEPARATOR)
    if not rest and (coded := _CODED(name)):
        head, rest = coded[1], coded[2]
    code = _NO_CODE.sub("-", head).strip("-")
    if not rest and (" " in head or len(code) > 20):
        code = f"P{column + 1}"
    code = code[:20] or f"P{column + 1}"
    return (f"{code[:16]}-{column + 1}" if code in taken else code), rest or name


# ── The draft ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


TAKEN = {"code": N_("Another form has this code."), "name": N_("Another form has this name.")}


def make(session: Session, questionnaire: Questionnaire, wanted: Sequence[Wanted]) -> QuestionnaireVersion:
    """
    Store *questionnaire*, which a form filled, with a draft that asks *wanted* on one page; return the draft, flushed.

    Its greeting, thanks and script are those of the house, to be read and put right before it is published.

    Raises:
        DomainError: Nothing is asked, another form has its code or name, a question is badly written, or the codes of two are alike.
    """
    if not wanted:
        raise DomainError(N_("Tick at least one column that is a question."))
    with session.no_autoflush:
        for name, msgid in TAKEN.items():
            if session.scalar(select(Questionnaire.id).where(getattr(Questionnaire, name) == getattr(questionnaire, name))):
                raise DomainError(msgid, field=name)
    session.add(questionnaire)
    session.flush()
    version = questionnaires.start_version(session, questionnaire)
    with force_locale(LANGUAGE):
        questionnaires.write_texts(
            session, version, intro_es=_("We want to know what you think of our service. Thank you for a few minutes of yours."),
            thanks_es=_("Thank you: what you answered helps us to serve you better."),
            script=_("Good day, {name}. I am calling from {organisation} to ask what you think of our service. Do you have a few minutes?"),
        )  # fmt: skip
        section = questionnaires.add_section(session, version, _("Questions"))
    for each in wanted:
        questionnaires.add_question(session, section, each)
    return version


def wanted_of(guess: Guess, *, code: str, kind: QuestionKind, is_reversed: bool, is_required: bool) -> Wanted:
    """Return the question of a column as somebody wants it; a list offers what was answered."""
    is_listed = kind in (QuestionKind.ONE, QuestionKind.MANY)
    options = [WantedOption(text[:200], code=text if CODE.fullmatch(text) else "") for text in guess.values if is_listed]
    return Wanted(kind, guess.text, code=code, is_reversed=is_reversed, is_required=is_required, options=options)
