"""
How hard a letter is to read: long sentences, words that few know, and the INFLESZ scale. A hint for whoever writes, never a rule.

The figure is Szigriszt's perspicuity (206.835 - 62.3 x syllables per word - words per sentence), read on the INFLESZ scale of
Barrio-Cantalejo, which was made for Spanish texts that patients read: from 55 on, most people follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from app.domain import N_
from app.domain.text import plain

#: A figure about fewer words says nothing.
LEAST_WORDS = 30
LONGEST_SENTENCE = 30

_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = re.compile(r"[aeiouáéíóúü]+")
_STRONG = frozenset("aeoáéóíú")
#: A full stop after one of these, or after a single letter, ends no sentence.
_SHORT = frozenset((
    "art", "arts", "no", "nro", "núm", "num", "sr", "sra", "srta", "dr", "dra", "ing", "lic", "cra",
    "cl", "tel", "pág", "págs", "párr", "inc", "lit", "esp", "ltda", "cía", "etc", "ej", "av", "apto",
))  # fmt: skip
_END = re.compile(r"([.!?…:]+)[\"»”)]*(?=\s+[\"«“(¿¡]*[A-ZÁÉÍÓÚÑÜ0-9]|\s*$)")
_NEW_LINE = re.compile(r"\n\s*\n|\n(?=\s*(?:[-–•*]|\d{1,2}[.)]|[A-ZÁÉÍÓÚÑ¿¡]))")


class Ease(Enum):
    """The INFLESZ scale; the value is the msgid people read."""

    VERY_HARD = N_("Very hard to read")
    HARD = N_("Rather hard to read")
    NORMAL = N_("Normal")
    EASY = N_("Rather easy to read")
    VERY_EASY = N_("Very easy to read")

    @property
    def is_hard(self) -> bool:
        return self in (Ease.VERY_HARD, Ease.HARD)


_FROM = ((80, Ease.VERY_EASY), (65, Ease.EASY), (55, Ease.NORMAL), (40, Ease.HARD))


@dataclass(frozen=True, slots=True)
class HardWord:
    """A word or phrase of the list, how often the text has it, and what could stand in its place."""

    word: str
    instead: str
    n: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What may be hard in a text. `score` and `ease` are None when it is too short to tell."""

    n_words: int
    n_sentences: int
    score: int | None
    ease: Ease | None
    long_sentences: tuple[str, ...]
    hard_words: tuple[HardWord, ...]

    @property
    def is_clear(self) -> bool:
        return not (self.long_sentences or self.hard_words or (self.ease and self.ease.is_hard))


def read(text: str, hard_words: Mapping[str, str], longest: int = LONGEST_SENTENCE) -> Reading:
    """Return what may be hard in *text*; *hard_words* says what could stand in the place of each, a sentence is long from *longest* on."""
    sentences = [(sentence, _WORD.findall(sentence)) for sentence in sentences_of(text)]
    sentences = [(sentence, words) for sentence, words in sentences if words]
    words = [word for _sentence, found in sentences for word in found]
    score = None
    if len(words) >= LEAST_WORDS:
        n_syllables = sum(map(syllables_of, words))
        score = round(206.835 - 62.3 * n_syllables / len(words) - len(words) / len(sentences))
    return Reading(
        n_words=len(words),
        n_sentences=len(sentences),
        score=score,
        ease=None if score is None else next((ease for least, ease in _FROM if score >= least), Ease.VERY_HARD),
        long_sentences=tuple(sentence for sentence, found in sentences if len(found) > longest),
        hard_words=_hard_words(text, hard_words),
    )


def parse_hard_words(lines: str) -> dict[str, str]:
    """Return the list of hard words that an administrator keeps: one a line, `word = what to write instead`."""
    pairs = (line.partition("=") for line in lines.splitlines() if not line.lstrip().startswith("#"))
    return {word.strip(): instead.strip() for word, _equals, instead in pairs if word.strip()}


def sentences_of(text: str) -> list[str]:
    """Return the sentences of *text*. Abbreviations, initials and figures end none; a new paragraph or item always does."""
    found: list[str] = []
    for part in _NEW_LINE.split(text.replace("\r\n", "\n")):
        start = 0
        for end in _END.finditer(part):
            last = re.search(r"(\w+)$", part[start : end.start()])
            if end[1] == "." and last and (last[1].lower() in _SHORT or len(last[1]) == 1) and end.end() < len(part.rstrip()):
                continue
            found.append(part[start : end.end()])
            start = end.end()
        found.append(part[start:])
    return [" ".join(sentence.split()) for sentence in found if sentence.strip()]


def syllables_of(word: str) -> int:
    """Return how many syllables a Spanish word has, by its letters: 1 for what has no vowel."""
    letters = re.sub(r"q[uü]|gu(?=[eiéí])", "g", word.lower().replace("ch", "c").replace("h", ""))
    letters = re.sub(r"y$|^y$|y(?=[^aeiouáéíóúü])", "i", letters)
    groups = _VOWELS.findall(letters)
    return max(1, sum(max(1, sum(vowel in _STRONG for vowel in group)) for group in groups))


def _hard_words(text: str, hard_words: Mapping[str, str]) -> tuple[HardWord, ...]:
    folded = " ".join(plain(text).split())
    counted = (
        HardWord(word, instead, len(re.findall(rf"(?<!\w){re.escape(plain(word))}(?!\w)", folded))) for word, instead in hard_words.items()
    )
    return tuple(word for word in counted if word.n)
