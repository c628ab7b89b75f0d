"""Alarms of surveys: when a threshold goes off, which words it hears in an open text, and how an alarm ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from app.domain import N_
from app.domain.campaigns import AlarmEffect, AlarmMeasure, AlarmStatus
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaires import SCALES, QuestionKind
from app.domain.text import plain

#: What is measured of a campaign at closing; the others of each response as it comes.
FIGURES = (AlarmMeasure.MEAN, AlarmMeasure.CSAT, AlarmMeasure.NPS)
#: Answers older than this many days, as a file may bring them, are no news: nobody is asked to call about them.
NEWS_DAYS = 31
_KINDS: dict[AlarmMeasure, tuple[QuestionKind, ...]] = {
    AlarmMeasure.MEAN: (QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.MATRIX, QuestionKind.NPS),
    AlarmMeasure.CSAT: (QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.YES_NO, QuestionKind.MATRIX),
    AlarmMeasure.NPS: (QuestionKind.NPS,),
    AlarmMeasure.ANSWER: tuple(SCALES),
    AlarmMeasure.WORDS: (QuestionKind.TEXT,),
}
_BETWEEN = re.compile(r"[\W_]+")


def is_reached(figure: Decimal | float | int, at_most: Decimal | float | int) -> bool:
    """Return whether a threshold goes off at *figure*: at its own and under it. More is better in all figures of a survey."""
    return figure <= at_most


def words_of(list_: str) -> tuple[str, ...]:
    """Return the words of a threshold, each once, as they were written."""
    return tuple(dict.fromkeys(word for each in re.split(r"[,;\n]", list_) if (word := " ".join(each.split()))))


def heard(words: Iterable[str], text: str) -> tuple[str, ...]:
    """Return those of *words* that *text* says; accents and capitals are forgiven, and a word may go on: «fuga» hears «fugas»."""
    said = f" {_BETWEEN.sub(' ', plain(text)).strip()}"
    return tuple(word for word in words if (key := _BETWEEN.sub(" ", plain(word)).strip()) and f" {key}" in said)


def check_threshold(
    measure: AlarmMeasure, effect: AlarmEffect, *, at_most: Decimal | None, words: str, has_process: bool, kind: QuestionKind | None
) -> None:
    """
    Raise DomainError when a threshold makes no sense.

    Args:
        kind: Of the question that it watches; None: every open text, which only words may watch.
    """
    if kind is None and measure is not AlarmMeasure.WORDS:
        raise DomainError(N_("Say which question it watches. Only words are looked for in every open text."), field="question_code")
    if kind is not None and kind not in _KINDS[measure]:
        raise DomainError(N_("“%(measure)s” cannot be taken of a question of the kind “%(kind)s”."), field="measure", measure=measure.value,
                          kind=kind.value)  # fmt: skip
    if measure is AlarmMeasure.WORDS:
        if not words_of(words):
            raise DomainError(N_("Write the words to look for, with commas between them."), field="words")
    else:
        _check_figure(measure, at_most, kind)
    if measure in FIGURES and effect is not AlarmEffect.ACTION:
        raise DomainError(N_("A figure of all answers asks for an action: there is nobody in particular to contact."), field="effect")
    if effect is AlarmEffect.ACTION and not has_process:
        raise DomainError(N_("Say which process the action is for."), field="process_id")


def _check_figure(measure: AlarmMeasure, at_most: Decimal | None, kind: QuestionKind | None) -> None:
    if at_most is None:
        raise DomainError(N_("Write the figure at which it goes off."), field="at_most")
    least, most = {AlarmMeasure.CSAT: (0, 100), AlarmMeasure.NPS: (-100, 100)}.get(measure) or SCALES[kind or QuestionKind.SCALE5]
    if not least <= at_most <= most:
        raise DomainError(N_("The figure goes from %(least)s to %(most)s."), field="at_most", least=least, most=most)


def check_waits(status: AlarmStatus) -> None:
    """Raise MoveRefused when an alarm was attended or set aside already: what was said stays as it was written."""
    if status is not AlarmStatus.OPEN:
        raise MoveRefused(N_("Somebody ended this already. What was said stays as it was written."))


def check_ending(said: str, raised_on: date, ended_on: date, today: date) -> None:
    """Raise DomainError when an ending says nothing, or lies before the alarm or in the future."""
    if not said.strip():
        raise DomainError(N_("Write what was said and agreed, or why it is set aside."), field="result")
    if ended_on < raised_on:
        raise DomainError(N_("It went off on %(day)s and cannot have ended before."), field="ended_on", day=raised_on)
    if ended_on > today:
        raise DomainError(N_("That day has not come yet."), field="ended_on")
