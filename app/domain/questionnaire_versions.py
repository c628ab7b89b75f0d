"""Versions of a questionnaire: what stops the publication of one, and how it differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from hashlib import sha256
from typing import Any

from app.domain import N_
from app.domain.questionnaires import LISTED, Asked, Condition, ConditionOp, Form, QuestionKind, Words, without_english
from app.domain.text import plain

# ── What stops its publication ────────────────────────────────────────────────────────────────────────────────────────────

#: Which comparisons make sense with the answer to a question of a kind; a condition on another kind is refused.
OPS: dict[QuestionKind, tuple[ConditionOp, ...]] = {
    QuestionKind.SCALE5: tuple(ConditionOp), QuestionKind.SCALE7: tuple(ConditionOp), QuestionKind.NPS: tuple(ConditionOp),
    QuestionKind.MATRIX: tuple(ConditionOp), QuestionKind.NUMBER: tuple(ConditionOp),
    QuestionKind.YES_NO: (ConditionOp.IS, ConditionOp.IS_NOT), QuestionKind.ONE: (ConditionOp.IS, ConditionOp.IS_NOT),
    QuestionKind.MANY: (ConditionOp.IS, ConditionOp.IS_NOT),
}  # fmt: skip
#: Kinds that may be turned round, so that less is better.
REVERSIBLE = (QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.YES_NO, QuestionKind.MATRIX)
#: Kinds whose ends are named: 1, nothing satisfied; 5, very satisfied.
ENDED = (QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.NPS, QuestionKind.MATRIX)
#: From how many minutes on people leave a survey half-way; a hint, no rule.
LONG_MINUTES = 8
_SECONDS = {QuestionKind.TEXT: 30, QuestionKind.MANY: 15, QuestionKind.NUMBER: 12}


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Something about a form: what stops its publication, or with `is_hint` what would make it better. `msgid % facts` is its English text.

    Args:
        at: Code of the question, "section-1", "texts" for those around the questions, or "" for the form.
    """

    msgid: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    is_hint: bool = False


def minutes(form: Form) -> int:
    """Return about how long it takes to answer everything, in minutes, one at least: 8 seconds a tick, 30 an open text."""
    n_asked = [(asked.kind, len(asked.options) if asked.kind is QuestionKind.MATRIX else 1) for asked in form.questions]
    return max(1, round(sum(_SECONDS.get(kind, 8) * n for kind, n in n_asked) / 60))


def faults(form: Form) -> list[Fault]:
    """Return what stops the publication of *form*, in its order; then the hints."""
    found: list[Fault] = []
    if not form.questions:
        found.append(Fault(N_("It asks nothing yet: write a question.")))
    if not form.intro.es.strip():
        found.append(Fault(N_("Write the greeting: who asks, what for, and how long it takes."), at="texts"))
    if not form.thanks.es.strip():
        found.append(Fault(N_("Write the thanks that close it."), at="texts"))
    if not form.script.strip():
        found.append(Fault(N_("Write the telephone script: what the interviewer says when somebody picks up."), at="texts"))
    for at, section in enumerate(form.sections, 1):
        if not section.questions:
            found.append(Fault(N_("Section %(n)s has no questions: write one, or take the section out."), {"n": at}, f"section-{at}"))
    for asked in form.questions:
        found += _faults_of(asked, form)
    return [*found, *_hints(form)]


def _faults_of(asked: Asked, form: Form) -> Iterator[Fault]:
    if asked.kind in LISTED:
        texts = [plain(" ".join(option.text.es.split())) for option in asked.options]
        least = 1 if asked.kind is QuestionKind.MATRIX else 2
        if len(texts) < least:
            msgid = N_("It needs a row at least.") if least == 1 else N_("A list needs two options at least.")
            yield Fault(msgid, at=asked.code)
        if len(set(texts)) < len(texts):
            yield Fault(N_("Two of its options say the same."), at=asked.code)
        if sum(option.takes_words for option in asked.options) > 1:
            yield Fault(N_("Only one option may ask which: leave it on one of them."), at=asked.code)
    if asked.condition is not None and (msgid := wrong_condition(asked.condition, earlier(form, asked.code))):
        yield Fault(msgid, {"code": asked.condition.code}, asked.code)


def earlier(form: Form, code: str) -> tuple[Asked, ...]:
    """Return the questions that are asked before *code*; all of them when it is not in the form."""
    found = []
    for asked in form.questions:
        if asked.code == code:
            break
        found.append(asked)
    return tuple(found)


def wrong_condition(condition: Condition, before: Iterable[Asked]) -> str:
    """Return the msgid of what is wrong with *condition* of a question that comes after *before*, or nothing."""
    asked = next((each for each in before if each.code == condition.code), None)
    if asked is None:
        return N_("It shows by the answer to %(code)s, which has to come before it.")
    if condition.op not in OPS.get(asked.kind, ()):
        return N_("It shows by the answer to %(code)s, which cannot be compared like that.")
    return "" if _exists(condition, asked) else N_("It shows by an answer to %(code)s that does not exist.")


def _exists(condition: Condition, asked: Asked) -> bool:
    """Return whether *asked* can be answered with the value of *condition*."""
    if asked.kind in (QuestionKind.ONE, QuestionKind.MANY):
        return asked.option(condition.value) is not None
    try:
        value = Decimal(condition.value)
    except InvalidOperation:
        return False
    if asked.kind is not QuestionKind.NUMBER:
        return value in asked.scores
    return not (asked.least is not None and value < asked.least) and not (asked.greatest is not None and value > asked.greatest)


def _hints(form: Form) -> Iterator[Fault]:
    n = sum(1 for _ in without_english(form))
    if n:
        yield Fault(N_("Without English in %(n)s places: whoever chooses English is not offered it."), {"n": n}, is_hint=True)
    if minutes(form) > LONG_MINUTES:
        msgid = N_("It takes about %(n)s minutes. From %(most)s on, many people leave it half-way.")
        yield Fault(msgid, {"n": minutes(form), "most": LONG_MINUTES}, is_hint=True)
    if form.questions and not any(asked.kind is QuestionKind.TEXT for asked in form.questions):
        yield Fault(N_("No question lets people write in their own words."), is_hint=True)
    for asked in form.questions:
        if asked.kind in ENDED and not (asked.low.es and asked.high.es):
            yield Fault(N_("Say what the least and the greatest score mean."), at=asked.code, is_hint=True)


# ── The same question, from version to version ────────────────────────────────────────────────────────────────────────────


def fingerprint(asked: Asked) -> str:
    """
    Return a text that is equal while the question asks the same: its Spanish words, scale, options and who is asked.

    Blanks, capitals, order, help and English do not count; whoever mends those keeps the comparison with earlier campaigns.
    """
    parts = [asked.kind.name, _folded(asked.text), _folded(asked.low), _folded(asked.high), str(asked.is_reversed), str(asked.has_na)]
    parts += [str(asked.least), str(asked.greatest)]
    if asked.condition is not None:
        parts += [asked.condition.code, asked.condition.op.name, asked.condition.value]
    for option in asked.options:
        parts += [option.code, _folded(option.text)]
    return sha256("\x1f".join(parts).encode()).hexdigest()


def _folded(words: Words) -> str:
    return " ".join(words.es.split()).casefold()


class ChangeKind(Enum):
    """What became of a question in the next version."""

    ADDED = N_("New question")
    REMOVED = N_("Question taken out")
    CHANGED = N_("Question changed")
    MOVED = N_("Question moved")


@dataclass(frozen=True, slots=True)
class Change:
    """A question that differs between two versions. `details`: msgids of what differs; `is_comparable`: its answers still compare."""

    kind: ChangeKind
    old: Asked | None
    new: Asked | None
    details: tuple[str, ...] = ()
    is_comparable: bool = False


def changes(old: Form, new: Form) -> list[Change]:
    """Return what differs in the questions of *new* from those of *old*, in the order of *new*; what was taken out comes last."""
    found = []
    kept = [asked.code for asked in old.questions if new.question(asked.code)]
    moved = _out_of_order(kept, [asked.code for asked in new.questions if asked.code in kept])
    for asked in new.questions:
        before = old.question(asked.code)
        if before is None:
            found.append(Change(ChangeKind.ADDED, None, asked))
            continue
        is_same = fingerprint(before) == fingerprint(asked)
        details = tuple(_details(before, asked))
        if details:
            found.append(Change(ChangeKind.CHANGED, before, asked, details, is_same))
        elif asked.code in moved:
            found.append(Change(ChangeKind.MOVED, before, asked, (), is_same))
    found += [Change(ChangeKind.REMOVED, asked, None) for asked in old.questions if asked.code not in kept]
    return found


def _out_of_order(before: list[str], after: list[str]) -> set[str]:
    """Return the fewest of *after* that had to move for *before* to become it: those out of a longest run that kept its order."""
    place = {code: at for at, code in enumerate(before)}
    runs: list[list[str]] = []
    for code in after:
        runs.append([*_longest(run for run in runs if place[run[-1]] < place[code]), code])
    return set(after) - set(_longest(runs))


def _longest(runs: Iterable[list[str]]) -> list[str]:
    found: list[str] = []
    for run in runs:
        found = run if len(run) > len(found) else found
    return found


def _details(old: Asked, new: Asked) -> Iterator[str]:
    """Yield the msgids of what differs between two versions of a question."""
    if _folded(old.text) != _folded(new.text):
        yield N_("its words")
    if old.kind is not new.kind:
        yield N_("its kind")
    if [(each.code, each.text.es) for each in old.options] != [(each.code, each.text.es) for each in new.options]:
        yield N_("its options")
    scales = [(each.low.es, each.high.es, each.is_reversed, each.least, each.greatest) for each in (old, new)]
    if scales[0] != scales[1]:
        yield N_("its scale")
    if old.has_na != new.has_na:
        yield N_("whether it takes “does not apply”")
    if old.condition != new.condition:
        yield N_("when it shows")
    if old.is_required != new.is_required:
        yield N_("whether it has to be answered")
    if old.help.es != new.help.es:
        yield N_("its help")
    if old.process_id != new.process_id:
        yield N_("its process")
    if [each.service_id for each in old.options] != [each.service_id for each in new.options]:
        yield N_("the services of its rows")
    english = [(each.text.en, each.help.en, each.low.en, each.high.en, *(option.text.en for option in each.options)) for each in (old, new)]
    if english[0] != english[1]:
        yield N_("its English")
