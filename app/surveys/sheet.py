"""The questions of a form as the staff fills them, by telephone or from paper: what each takes, by which key, and what a page sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.domain.questionnaires import NA, Asked, Form, QuestionKind, names

#: Before the names of answers, so that no question meets a field of the page.
PREFIX = "q-"
#: Keys of the options of a list; x says that there is no answer.
LETTERS = "abcdefghijklmnopqrstuvwyz"
TEN, NO_ANSWER = "d", "x"


@dataclass(frozen=True, slots=True)
class Tick:
    """Something to choose: what it sends, what it says, its key."""

    value: str
    label: str
    key: str
    takes_words: bool = False


def ticks(asked: Asked, language: str) -> list[Tick]:
    """Return what may be chosen for *asked* or for each row of it, "does not apply" last."""
    match asked.kind:
        case QuestionKind.YES_NO:
            found = [Tick("1", yes := _("Yes"), yes[0].lower()), Tick("0", no := _("No"), no[0].lower())]
        case QuestionKind.ONE | QuestionKind.MANY:
            keys = LETTERS.ljust(len(asked.options))
            found = [
                Tick(option.code, option.text.to(language), key.strip(), option.takes_words)
                for option, key in zip(asked.options, keys, strict=False)
            ]
        case _:
            found = [Tick(str(score), str(score), str(score) if score < 10 else TEN) for score in asked.scores]
    if asked.has_na and asked.kind is not QuestionKind.TEXT:
        found.append(Tick(NA, _("Does not know, or does not apply"), NO_ANSWER))
    return found


def sent(form: Form, typed: MultiDict[str, str], *, is_whole: bool) -> dict[str, Any]:
    """Return what a page sends: name → text, or texts for several of a list. A *is_whole* page takes away what it does not tick."""
    raw: dict[str, Any] = {}
    for asked in form.questions:
        for name in names(asked):
            field = f"{PREFIX}{name}"
            if field not in typed and not is_whole:
                continue
            texts = [text for text in typed.getlist(field) if text.strip()]
            is_list = asked.kind is QuestionKind.MANY and name == asked.code
            raw[name] = texts if is_list else texts[-1] if texts else ""
    return raw


def shown(raw: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return answers (name → text or texts) as the fields of a page show them: name → texts."""
    return {name: list(given) if isinstance(given, list) else [given] for name, given in raw.items() if given}
