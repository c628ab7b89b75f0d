"""What a citizen asks, point by point: a proposal that a person corrects (an answer is on the merits of each, Ley 1755 art. 13)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_POINTS = 20
MAX_LENGTH = 300

#: A line that opens an item: 1. 2) 3.- (4) a) b. - • * Primero: SEGUNDA.
_ITEM = re.compile(
    r"^\s*(?:\(?\d{1,2}(?:\s*[.)°º]\s*-?|\s*-)(?!\d)|\(?[a-zñ]\)|[a-zñ]\.(?=\s)|[-–—•·*▪]|"
    r"(?:primer[oa]|segund[oa]|tercer[oa]|cuart[oa]|quint[oa]|sext[oa]|séptim[oa]|octav[oa]|noven[oa]|décim[oa])\s*[.:)-])\s*(?=\S)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"¿[^¿?]+\?|(?<=[.!?\n])[^.!?\n¿]+\?|^[^.!?\n¿]+\?")
_SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\d)[^.!?\n]+)*[.!?]*")
#: Words with which people ask for something.
_ASKS = re.compile(
    r"\b(?:solicit(?:o|amos)|pid[oe]|pedimos|exij(?:o|imos)|requier(?:o|e)|requerimos|reclam(?:o|amos)|ruego|"
    r"(?:quiero|necesito|espero|deseo|agradezco) que|(?:quiero|necesito) (?:saber|un|una|el|la|los|las|mi)|por favor|favor)\b",
    re.IGNORECASE,
)


def propose_points(text: str) -> list[str]:
    """
    Return what *text* seems to ask, in its order, at most MAX_POINTS of MAX_LENGTH characters; empty when it says nothing.

    The items of a list; without a list, the questions and sentences that ask; without any of them, the paragraphs.
    """
    text = text.replace("\r\n", "\n").strip()
    items = _tidy(_items(text))
    if len(items) > 1:
        return items[:MAX_POINTS]
    return (_tidy(_asking(text)) or _tidy(re.split(r"\n\s*\n", text)))[:MAX_POINTS]


def _tidy(found: Iterable[str]) -> list[str]:
    return [point for point in dict.fromkeys(map(_short, found)) if any(map(str.isalnum, point))]


def _items(text: str) -> Iterator[str]:
    """Yield the items of the lists in *text*, each with the lines that go on with it."""
    item: list[str] = []
    for line in [*text.split("\n"), ""]:
        opens = _ITEM.match(line)
        if item and (opens or not line.strip()):
            yield " ".join(item)
            item = []
        if opens:
            item = [line[opens.end() :]]
        elif item:
            item.append(line)


def _asking(text: str) -> Iterator[str]:
    """Yield the questions, and the other sentences with a word that asks, in their order."""
    questions = [(match.start(), match[0]) for match in _QUESTION.finditer(text)]
    rest = _QUESTION.sub(lambda match: "\n" * len(match[0]), text)
    asked = [(match.start(), match[0]) for match in _SENTENCE.finditer(rest) if _ASKS.search(match[0])]
    yield from (sentence for _start, sentence in sorted(questions + asked))


def _short(point: str) -> str:
    point = " ".join(point.split())
    return point if len(point) <= MAX_LENGTH else f"{point[: MAX_LENGTH - 1].rsplit(' ', 1)[0]}…"
