"""Questionnaires of surveys: what may be asked, when a question shows, which values it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.text import plain


class QuestionKind(Enum):
    """
    What a question takes. A matrix asks each of its rows (services, as a rule) on the scale of 1 to 5.

    `NPS` is the 0 to 10 of "would you recommend us" (Net Promoter Score).
    """

    SCALE5 = N_("Scale of 1 to 5")
    SCALE7 = N_("Scale of 1 to 7")
    NPS = N_("Recommendation, 0 to 10 (NPS)")
    YES_NO = N_("Yes or no")
    ONE = N_("One of a list")
    MANY = N_("Several of a list")
    NUMBER = N_("Number")
    TEXT = N_("Open text")
    MATRIX = N_("Each row of 1 to 5")


#: Least and greatest score of the kinds that are scored; yes is 1.
SCALES: dict[QuestionKind, tuple[int, int]] = {
    QuestionKind.SCALE5: (1, 5), QuestionKind.SCALE7: (1, 7), QuestionKind.NPS: (0, 10), QuestionKind.YES_NO: (0, 1),
    QuestionKind.MATRIX: (1, 5),
}  # fmt: skip
#: Kinds whose answers are options of the question.
LISTED = (QuestionKind.ONE, QuestionKind.MANY, QuestionKind.MATRIX)


class ConditionOp(Enum):
    """How the answer to an earlier question is compared, for a question to show."""

    IS = N_("is")
    IS_NOT = N_("is not")
    AT_LEAST = N_("is at least")
    AT_MOST = N_("is at most")


class VersionStatus(Enum):
    """A version of a questionnaire is written, then published and frozen, then followed by another."""

    DRAFT = N_("Being written")
    PUBLISHED = N_("Published")
    RETIRED = N_("Replaced by another version")


class Audience(Enum):
    """Whom a questionnaire is for."""

    CONTRACTS = N_("Customers with a contract in force")
    USERS = N_("Users of the services")
    ANYBODY = N_("Whoever comes by")


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────

#: How long an open text may be.
MOST_LETTERS = 4000
#: What an answer says instead of a value, where the question takes it.
NA = "NA"
_GREATEST_NUMBER = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Words:
    """A text in Spanish and, where it was written, in English."""

    es: str
    en: str = ""

    def to(self, language: str) -> str:
        """Return it in *language*; in Spanish where that one lacks."""
        return self.en if self.en and language.startswith("en") else self.es

    @property
    def lacks_english(self) -> bool:
        return bool(self.es.strip()) and not self.en.strip()


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a list, or a row of a matrix. `takes_words`: whoever chooses it is asked which."""

    id: int
    code: str
    text: Words
    takes_words: bool = False
    service_id: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """What the answer to the question `code` has to be, for another to show: `value` is a score, a number or the code of an option."""

    code: str
    op: ConditionOp
    value: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is asked. `number` counts from one through the whole form."""

    id: int
    number: int
    code: str
    kind: QuestionKind
    text: Words
    help: Words = Words("")
    low: Words = Words("")
    high: Words = Words("")
    is_required: bool = True
    is_reversed: bool = False
    has_na: bool = False
    least: Decimal | None = None
    greatest: Decimal | None = None
    condition: Condition | None = None
    options: tuple[Choice, ...] = ()
    process_id: int | None = None

    @property
    def scores(self) -> range:
        """The scores that it takes, the least first; empty for kinds that are not scored."""
        if self.kind not in SCALES:
            return range(0)
        least, greatest = SCALES[self.kind]
        return range(least, greatest + 1)

    def option(self, code: str) -> Choice | None:
        """Return its option or row *code*."""
        return next((option for option in self.options if option.code == code), None)


@dataclass(frozen=True, slots=True)
class Section:
    """A page of a form."""

    id: int
    title: Words
    help: Words
    questions: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A version of a questionnaire, whole: what whoever answers is asked, page by page."""

    version_id: int
    questionnaire_id: int
    code: str
    name: str
    number: int
    status: VersionStatus
    intro: Words
    thanks: Words
    script: str
    sections: tuple[Section, ...]

    @property
    def questions(self) -> tuple[Asked, ...]:
        """Every question, in the order in which it is asked."""
        return tuple(asked for section in self.sections for asked in section.questions)

    def question(self, code: str) -> Asked | None:
        """Return the question *code*."""
        return next((asked for asked in self.questions if asked.code == code), None)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which it is asked whole."""
        return ("es",) if not self.questions or any(True for _ in without_english(self)) else ("es", "en")

    def shown(self, values: Mapping[str, Value]) -> tuple[Asked, ...]:
        """Return the questions that show to whoever answered *values*; what a hidden question was answered before counts for nothing."""
        found: list[Asked] = []
        counted: dict[str, Value] = {}
        for asked in self.questions:
            if is_shown(asked, counted):
                found.append(asked)
                if asked.code in values:
                    counted[asked.code] = values[asked.code]
        return tuple(found)


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Value:
    """
    The answer to a question; only what its kind takes is filled.

    Args:
        score: As it was given (`oriented` turns it round); yes is 1.
        chosen: Codes of the options, in the order of the form.
        other: Which other, where an option asks for it.
        rows: Code of each answered row of a matrix → its score; None where it does not apply.
    """

    score: int | None = None
    number: Decimal | None = None
    words: str = ""
    chosen: tuple[str, ...] = ()
    other: str = ""
    rows: Mapping[str, int | None] = field(default_factory=dict)
    is_na: bool = False


def names(asked: Asked) -> tuple[str, ...]:
    """Return the names under which its answer is sent: its code; "code.row" for each row of a matrix; "code.words" for which other."""
    if asked.kind is QuestionKind.MATRIX:
        return tuple(f"{asked.code}.{option.code}" for option in asked.options)
    return (asked.code, f"{asked.code}.words") if any(option.takes_words for option in asked.options) else (asked.code,)


def is_mentioned(asked: Asked, raw: Mapping[str, Any]) -> bool:
    """Return whether *raw* says anything of it, an empty answer included."""
    return any(name in raw for name in names(asked))


def read(asked: Asked, raw: Mapping[str, Any], before: Value | None = None) -> Value | None:
    """
    Return the answer that *raw* gives to it, or None when it takes it away.

    Args:
        raw: Name (see `names`) → text, or texts for several of a list; "" for none, "NA" for does not apply.
        before: What stands: rows of a matrix, and which other, that *raw* does not mention stay as they are.

    Raises:
        DomainError: It is no answer to this question; `field` is the name that is to blame.
    """
    value, refused = read_rows(asked, raw, before)
    for error in refused.values():
        raise error
    return value


def read_rows(asked: Asked, raw: Mapping[str, Any], before: Value | None = None) -> tuple[Value | None, dict[str, DomainError]]:
    """Return what `read` returns, and the refusals by name: a matrix takes its right rows though others are refused."""
    if asked.kind is not QuestionKind.MATRIX:
        try:
            return _read_one(asked, raw, before), {}
        except DomainError as error:
            return before, {error.field or asked.code: error}
    rows, refused = dict(before.rows) if before else {}, {}
    for option in asked.options:
        name = f"{asked.code}.{option.code}"
        if name not in raw:
            continue
        try:
            given = _text(raw[name])
            rows.pop(option.code, None)
            if given:
                rows[option.code] = None if _is_na(asked, given, name) else _score(asked, given, name)
        except DomainError as error:
            refused[name] = error
            if before and option.code in before.rows:
                rows[option.code] = before.rows[option.code]
    return Value(rows={option.code: rows[option.code] for option in asked.options if option.code in rows}) if rows else None, refused


def read_all(
    form: Form, raw: Mapping[str, Any], before: Mapping[str, Value] | None = None
) -> tuple[dict[str, Value], dict[str, DomainError]]:
    """
    Return every answer as it stands after *raw*, by code of question, and the refusals by name.

    What is refused stays as it was *before*; what *raw* does not mention too. Answers to questions that no longer show are gone.
    """
    values, refused = dict(before or {}), {}
    for asked in form.questions:
        if not is_mentioned(asked, raw):
            continue
        value, errors = read_rows(asked, raw, values.get(asked.code))
        refused.update(errors)
        if value is None:
            values.pop(asked.code, None)
        else:
            values[asked.code] = value
    shown = [asked.code for asked in form.shown(values)]
    return {code: values[code] for code in shown if code in values}, refused


def is_shown(asked: Asked, values: Mapping[str, Value]) -> bool:
    """Return whether it shows to whoever answered *values*: its condition holds, or it has none. What is not answered meets none."""
    return asked.condition is None or _holds(asked.condition, values.get(asked.condition.code))


def missing(form: Form, values: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the names (see `names`) of what has to be answered, shows, and is not answered yet, in the order of the form."""
    found: list[str] = []
    for asked in form.shown(values):
        if not asked.is_required:
            continue
        value = values.get(asked.code)
        if asked.kind is QuestionKind.MATRIX:
            found += [f"{asked.code}.{option.code}" for option in asked.options if value is None or option.code not in value.rows]
        elif value is None:
            found.append(asked.code)
    return tuple(found)


def oriented(asked: Asked, score: int) -> int:
    """Return *score* so that more is better: turned round on its scale where the question is reversed."""
    if not asked.is_reversed:
        return score
    least, greatest = SCALES[asked.kind]
    return least + greatest - score


# ── Reading one answer ────────────────────────────────────────────────────────────────────────────────────────────────────

_YES, _NO = ("1", "si", "yes", "s", "y", "true", "verdadero"), ("0", "no", "n", "false", "falso")


def _read_one(asked: Asked, raw: Mapping[str, Any], before: Value | None) -> Value | None:
    if asked.kind in LISTED:
        return _read_chosen(asked, raw, before)
    given = _text(raw.get(asked.code))
    if not given:
        return None
    if asked.kind is QuestionKind.TEXT:
        if len(given) > MOST_LETTERS:
            msgid = N_("The text has %(n)s letters and up to %(most)s fit.")
            raise DomainError(msgid, field=asked.code, n=len(given), most=MOST_LETTERS)
        return Value(words=given)
    if _is_na(asked, given, asked.code):
        return Value(is_na=True)
    if asked.kind is QuestionKind.NUMBER:
        return Value(number=_number(asked, given))
    return Value(score=_score(asked, given, asked.code))


def _read_chosen(asked: Asked, raw: Mapping[str, Any], before: Value | None) -> Value | None:
    if asked.code in raw:
        given = [text for text in map(_text, _texts(asked, raw[asked.code])) if text]
        if len(given) == 1 and _is_na(asked, given[0], asked.code):
            return Value(is_na=True)
        chosen = {_chosen(asked, text) for text in given}
    else:
        chosen = set(before.chosen) if before else set()
    if not chosen:
        return None
    if asked.kind is QuestionKind.ONE and len(chosen) > 1:
        raise DomainError(N_("Choose only one of the list."), field=asked.code)
    named = any(option.takes_words for option in asked.options if option.code in chosen)
    other = _text(raw.get(f"{asked.code}.words", before.other if before else "")) if named else ""
    if len(other) > MOST_LETTERS:
        msgid = N_("The text has %(n)s letters and up to %(most)s fit.")
        raise DomainError(msgid, field=f"{asked.code}.words", n=len(other), most=MOST_LETTERS)
    return Value(chosen=tuple(option.code for option in asked.options if option.code in chosen), other=other)


def _texts(asked: Asked, given: Any) -> list[Any]:
    """Return the several texts of *given*: a file brings them in one, with semicolons between."""
    if isinstance(given, list | tuple | set):
        return list(given)
    return _text(given).split(";") if asked.kind is QuestionKind.MANY else [given]


def _chosen(asked: Asked, text: str) -> str:
    """Return the code of the option that *text* names, by its code or by its words."""
    wanted = plain(text)
    for option in asked.options:
        if option.code == text:
            return option.code
    for option in asked.options:
        if wanted in (plain(option.code), plain(option.text.es), plain(option.text.en)):
            return option.code
    raise DomainError(N_("“%(text)s” is not in the list of this question."), field=asked.code, text=text[:60])


def _text(given: Any) -> str:
    """Return *given* as text without blank edges or control characters, which PostgreSQL refuses."""
    text = "" if given is None else str(given).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable() or letter.isspace()).strip()


def _is_na(asked: Asked, given: str, name: str) -> bool:
    if given.upper() != NA:
        return False
    if not asked.has_na:
        raise DomainError(N_("This question does not take “does not apply”."), field=name)
    return True


def _score(asked: Asked, given: str, name: str) -> int:
    least, greatest = SCALES[asked.kind]
    if asked.kind is QuestionKind.YES_NO:
        if plain(given) in _YES or plain(given) in _NO:
            return int(plain(given) in _YES)
        raise DomainError(N_("“%(text)s” is neither yes nor no: 1 is yes and 0 is no."), field=name, text=given[:60])
    try:
        score = Decimal(given)
    except InvalidOperation:
        raise DomainError(N_("“%(text)s” is not a score."), field=name, text=given[:60]) from None
    if not score.is_finite() or score != score.to_integral_value() or not least <= score <= greatest:
        msgid = N_("%(score)s is not on the scale of this question, which goes from %(least)s to %(greatest)s.")
        raise DomainError(msgid, field=name, score=given[:20], least=least, greatest=greatest)
    return int(score)


def _number(asked: Asked, given: str) -> Decimal:
    try:
        number = Decimal(given.replace(",", "."))
    except InvalidOperation:
        raise DomainError(N_("“%(text)s” is not a number."), field=asked.code, text=given[:60]) from None
    if not number.is_finite() or abs(number) >= _GREATEST_NUMBER or number != round(number, 2):
        raise DomainError(N_("Write a number of up to twelve figures and two decimals."), field=asked.code)
    if asked.least is not None and number < asked.least:
        raise DomainError(N_("It has to be %(least)s at least."), field=asked.code, least=asked.least)
    if asked.greatest is not None and number > asked.greatest:
        raise DomainError(N_("It has to be %(greatest)s at most."), field=asked.code, greatest=asked.greatest)
    return round(number, 2)


def _holds(condition: Condition, value: Value | None) -> bool:
    """Return whether *value* meets *condition*: any row of a matrix, any of several options; and none of them for "is not"."""
    if value is None or value.is_na:
        return False
    if value.chosen:
        return (condition.value in value.chosen) == (condition.op is not ConditionOp.IS_NOT)
    figures = [Decimal(score) for score in (value.score, *value.rows.values()) if score is not None]
    if value.number is not None:
        figures.append(value.number)
    wanted = Decimal(condition.value)
    match condition.op:
        case ConditionOp.IS:
            return wanted in figures
        case ConditionOp.IS_NOT:
            return bool(figures) and wanted not in figures
        case ConditionOp.AT_LEAST:
            return any(figure >= wanted for figure in figures)
    return any(figure <= wanted for figure in figures)


# ── English ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def without_english(form: Form) -> Iterator[str]:
    """Yield the code of each question, "section-1" for a page and "" for the texts around them, where a text lacks its English."""
    if form.intro.lacks_english or form.thanks.lacks_english:
        yield ""
    for at, section in enumerate(form.sections, 1):
        if section.title.lacks_english or section.help.lacks_english:
            yield f"section-{at}"
        for asked in section.questions:
            texts = (asked.text, asked.help, asked.low, asked.high, *(option.text for option in asked.options))
            if any(text.lacks_english for text in texts):
                yield asked.code
