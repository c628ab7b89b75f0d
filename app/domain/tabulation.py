"""
What the counted answers of a campaign look like in figures: each question, against earlier rounds, across groups.

`operations/tabulation.py` counts, `domain/surveys.py` has the formulas. What each figure means: docs/rules/surveys.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from app.domain import N_, surveys
from app.domain.campaigns import AnswerVia, InviteeStatus
from app.domain.questionnaires import SCALES, QuestionKind
from app.domain.surveys import Estimate, Measure, Nps, Scored, Sums, Verdict

MOST_VALUES = 12  # different numbers that are counted one by one; of more, ranges
_NOTHING = (0, 0.0)

# ── What comes back ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Dimension(Enum):
    """What answers may be set apart by."""

    SERVICE = N_("Service")
    ZONE = N_("Zone")
    STRATUM = N_("Stratum")
    PROCESS = N_("Process")
    VIA = N_("Way of answering")


@dataclass(frozen=True, slots=True)
class ViaCount:
    """A way of answering: how many were asked by it (None: nobody in particular), and how many answered by it."""

    via: AnswerVia
    n_asked: int | None
    n_complete: int

    @property
    def rate(self) -> float | None:
        return 100 * self.n_complete / self.n_asked if self.n_asked else None


@dataclass(frozen=True, slots=True)
class People:
    """Whom a campaign asked and who answered, whatever the tabulation is narrowed to. Reserves count once they are asked."""

    n_asked: int
    n_answered: int
    n_complete: int
    n_partial: int
    n_screened: int
    screened: tuple[tuple[str, int], ...]
    by_status: Mapping[InviteeStatus, int]
    channels: tuple[ViaCount, ...]

    @property
    def rate(self) -> float | None:
        """Return the response rate: complete answers of those asked, in percent."""
        return 100 * self.n_answered / self.n_asked if self.n_asked else None


NOBODY = People(0, 0, 0, 0, 0, (), {}, ())


@dataclass(frozen=True, slots=True)
class Round:
    """An earlier campaign of the same questionnaire, with its figures for a line over time."""

    id: int
    number: str
    name: str
    period_from: date
    period_until: date
    n: int = 0
    csat: Estimate | None = None
    nps: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A figure against an earlier round: the difference, how likely it is by chance alone, and how that is called."""

    round: Round
    measure: Measure
    before: Estimate | None
    difference: float | None
    p_value: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a distribution: a value (or the numbers from it until another), or an option; percent of who answered, weighted."""

    n: int
    percent: float
    value: int | Decimal | None = None
    until: Decimal | None = None
    option_id: int | None = None
    text_es: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    least: Decimal
    median: Decimal
    greatest: Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """
    What a question, or a row of a matrix, adds up to; `n_effective`: how many equal answers those of unequal weight are worth.

    Hidden: fewer than five answered, and whoever looks may not see so few.
    """

    question_id: int
    option_id: int | None = None
    text_es: str = ""
    text_en: str = ""
    n: int = 0
    n_na: int = 0
    n_blank: int = 0
    n_effective: float = 0.0
    is_hidden: bool = False
    bars: tuple[Bar, ...] = ()
    mean: Estimate | None = None
    deviation: float | None = None
    csat: Estimate | None = None
    nps: Nps | None = None
    numbers: Numbers | None = None
    changes: tuple[Change, ...] = ()

    def hidden(self) -> Figure:
        return Figure(self.question_id, self.option_id, self.text_es, self.text_en, is_hidden=True)


class Option(NamedTuple):
    """An option of a list, or a row of a matrix."""

    id: int
    code: str
    text_es: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A question with its figure; that of a matrix is of all its rows together, and its rows have theirs."""

    id: int
    code: str
    kind: QuestionKind
    text_es: str
    text_en: str
    low_es: str
    low_en: str
    high_es: str
    high_en: str
    is_reversed: bool
    process_id: int | None
    fingerprint: str
    options: tuple[Option, ...] = ()
    figure: Figure = Figure(0)
    rows: tuple[Figure, ...] = ()

    @property
    def sameness(self) -> tuple[str, str]:
        """Return what tells that an earlier question is this one."""
        return self.code, self.fingerprint


@dataclass(frozen=True, slots=True)
class Section:
    id: int
    title_es: str
    title_en: str
    questions: tuple[Tabulated, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A question, or a row of a matrix, in one group."""

    n: int = 0
    mean: Estimate | None = None
    csat: Estimate | None = None
    nps: Estimate | None = None
    is_hidden: bool = False


#: A question, and the row of it where it is a matrix.
Key = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Group:
    """Those of a service, a zone…: how many responses, and what each scored question adds up to."""

    key: Any
    label: str
    n: int
    is_hidden: bool
    cells: Mapping[Key, Cell]


@dataclass(frozen=True, slots=True)
class Cross:
    """Groups, the largest first; and for each question how likely such differences between those shown are by chance alone."""

    dimension: Dimension
    groups: tuple[Group, ...]
    p_values: Mapping[Key, float | None]


@dataclass(frozen=True, slots=True)
class Tabulation:
    """A campaign in figures. `n` responses are behind them, after narrowing."""

    sections: tuple[Section, ...]
    people: People = NOBODY
    n: int = 0
    is_hidden: bool = False
    csat: Estimate | None = None
    csat_changes: tuple[Change, ...] = ()
    margin: float | None = None
    is_weighted: bool = False
    design_effect: float = 1.0
    empty_strata: int = 0
    n_outside: int = 0
    rounds: tuple[Round, ...] = ()
    cross: Cross | None = None

    @property
    def questions(self) -> tuple[Tabulated, ...]:
        return tuple(asked for section in self.sections for asked in section.questions)

    @property
    def nps(self) -> Figure | None:
        """Return the figure of the first question of recommendation."""
        return next((asked.figure for asked in self.questions if asked.kind is QuestionKind.NPS), None)

    def question(self, code: str) -> Tabulated | None:
        return next((asked for asked in self.questions if asked.code == code), None)


# ── The counts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Piece(NamedTuple):
    """That `n` answers are this option, or this value, and what each weighs."""

    option_id: int | None
    value: int | Decimal | None
    is_na: bool
    n: int
    weight: float


@dataclass(slots=True)
class Counts:
    """All that is counted of one campaign: responses (`n` after narrowing, of `n_all`), answers by question, people's sums of scores."""

    n: int = 0
    n_all: int = 0
    strata: dict[int, int] = field(default_factory=dict)
    answered: dict[int | None, int] = field(default_factory=lambda: defaultdict(int))
    narrowed: dict[int | None, int] = field(default_factory=lambda: defaultdict(int))
    weights: dict[int, float] = field(default_factory=dict)
    answers: dict[int, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    sums: list[Sums] = field(default_factory=list)

    def weigh(self) -> None:
        """Give each stratum its weight. What is of no stratum weighs 1."""
        self.weights = surveys.weights_of({key: (people, self.answered[key]) for key, people in self.strata.items()})

    def weight(self, quota_id: int | None) -> float:
        return self.weights.get(quota_id, 1.0) if quota_id is not None else 1.0

    @property
    def responses(self) -> list[Scored]:
        return [Scored(0, n, self.weight(quota_id)) for quota_id, n in self.narrowed.items()]


# ── What the counts add up to ─────────────────────────────────────────────────────────────────────────────────────────────


def _figure(asked: Tabulated, pieces: Sequence[Piece], n_base: int, row: Option | None = None) -> Figure:
    """Return what *pieces* add up to, of *n_base* responses."""
    given = [piece for piece in pieces if not piece.is_na]
    who = [piece for piece in given if piece.option_id is None] if asked.kind is QuestionKind.MANY else given
    n, n_na = sum(piece.n for piece in who), sum(piece.n for piece in pieces if piece.is_na)
    text = row or asked
    worth = n / surveys.design_effect([Scored(0, piece.n, piece.weight) for piece in who])
    start = Figure(asked.id, row.id if row else None, text.text_es, text.text_en, n, n_na, max(0, n_base - n - n_na), worth)
    if not n or asked.kind is QuestionKind.TEXT:
        return start
    weighed = sum(piece.n * piece.weight for piece in who)
    if asked.kind in (QuestionKind.ONE, QuestionKind.MANY):
        return replace(start, bars=tuple(_option_bars(asked, given, weighed)))
    cells = [Scored(float(piece.value or 0), piece.n, piece.weight) for piece in given]
    scored = replace(start, mean=surveys.mean_of(cells), deviation=surveys.deviation_of(cells), csat=surveys.satisfied(asked.kind, cells))
    if asked.kind is QuestionKind.NUMBER:
        values = sorted({Decimal(piece.value) for piece in given if piece.value is not None})
        numbers = Numbers(values[0], Decimal(str(surveys.median_of(cells))), values[-1])
        return replace(scored, bars=tuple(_number_bars(values, given, weighed)), numbers=numbers)
    bars = tuple(_scale_bars(asked.kind, given, weighed))
    return replace(scored, bars=bars, nps=surveys.nps_of(cells) if asked.kind is QuestionKind.NPS else None)


def _totals(pairs: Iterable[tuple[Any, Piece]]) -> dict[Any, tuple[int, float]]:
    """Return for each key how many answers there are, and what they weigh."""
    found: dict[Any, tuple[int, float]] = {}
    for key, piece in pairs:
        n, weighed = found.get(key, (0, 0.0))
        found[key] = n + piece.n, weighed + piece.n * piece.weight
    return found


def _bar(total: tuple[int, float], whole: float, **what: Any) -> Bar:
    return Bar(total[0], 100 * total[1] / whole, **what)


def _option_bars(asked: Tabulated, pieces: Iterable[Piece], whole: float) -> Iterator[Bar]:
    totals = _totals((piece.option_id, piece) for piece in pieces)
    for option in asked.options:
        yield _bar(totals.get(option.id, _NOTHING), whole, option_id=option.id, text_es=option.text_es, text_en=option.text_en)


def _scale_bars(kind: QuestionKind, pieces: Iterable[Piece], whole: float) -> Iterator[Bar]:
    totals = _totals((piece.value, piece) for piece in pieces)
    least, greatest = SCALES[kind]
    for value in range(least, greatest + 1):
        yield _bar(totals.get(value, _NOTHING), whole, value=value)


def _number_bars(values: Sequence[Decimal], pieces: Iterable[Piece], whole: float) -> Iterator[Bar]:
    totals = _totals((piece.value, piece) for piece in pieces)
    if len(values) <= MOST_VALUES:
        for value in values:
            yield _bar(totals[value], whole, value=value)
        return
    for start, end in surveys.ranges_of(float(values[0]), float(values[-1])):
        low, high = Decimal(str(start)), Decimal(str(end))
        inside = [total for value, total in totals.items() if low <= value < high]
        yield _bar((sum(n for n, _w in inside), sum(weighed for _n, weighed in inside)), whole, value=low, until=high)


def _without_interval(estimate: Estimate | None) -> Estimate | None:
    return replace(estimate, low=None, high=None) if estimate else None


def _with_figures(asked: Tabulated, counts: Counts, sees_small: bool) -> Tabulated:
    """
    Return *asked* with its figures. That of a whole matrix has no interval, since the answers of one person go together; nor is it shown
    where a row is not, which would follow from it.
    """
    pieces = counts.answers.get(asked.id, [])
    if asked.kind is not QuestionKind.MATRIX:
        figure = _figure(asked, pieces, counts.n)
        return replace(asked, figure=figure.hidden() if surveys.is_small(figure.n) and not sees_small else figure)
    rows = [_figure(asked, [piece for piece in pieces if piece.option_id == row.id], counts.n, row) for row in asked.options]
    whole = _figure(asked, pieces, counts.n * len(rows))
    whole = replace(whole, mean=_without_interval(whole.mean), csat=_without_interval(whole.csat))
    if not sees_small and any(surveys.is_small(row.n) for row in rows):
        return replace(asked, figure=whole.hidden(), rows=tuple(row.hidden() if surveys.is_small(row.n) else row for row in rows))
    return replace(asked, figure=whole, rows=tuple(rows))


def all_hidden(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return *sections* with every figure hidden."""
    return tuple(
        replace(section, questions=tuple(
            replace(asked, figure=_figure(asked, [], 0).hidden(), rows=tuple(_figure(asked, [], 0, row).hidden() for row in asked.options)
                    if asked.kind is QuestionKind.MATRIX else ())
            for asked in section.questions
        ))
        for section in sections
    )  # fmt: skip


# ── Against earlier rounds ────────────────────────────────────────────────────────────────────────────────────────────────


def _compared(round_: Round, measure: Measure, now: Estimate | None, before: Estimate | None, *, is_number: bool = False) -> Change:
    """Return how *now* stands against *before*; CSAT as shares, the others as means."""
    if now is None or before is None:
        return Change(round_, measure, before, None, None, Verdict.TOO_FEW)
    p_value = surveys.two_shares(now, before) if measure is Measure.CSAT else surveys.welch(now, before)
    difference = now.value - before.value
    return Change(round_, measure, before, difference, p_value, surveys.verdict_of(difference, p_value, is_better_up=not is_number))


def _changes(kind: QuestionKind, now: Figure, before: Figure, round_: Round) -> Iterator[Change]:
    """Yield how each measure of a question changed."""
    if now.is_hidden or before.is_hidden or not now.n or not before.n or kind is QuestionKind.TEXT:
        return
    if kind in (QuestionKind.ONE, QuestionKind.MANY):
        if kind is QuestionKind.ONE and len(now.bars) == len(before.bars):
            p_value = surveys.chi_square([[bar.percent / 100 * figure.n_effective for bar in figure.bars] for figure in (now, before)])
            yield Change(round_, Measure.SHARES, None, None, p_value, surveys.verdict_of(None, p_value))
        return
    if kind is QuestionKind.NPS:
        yield _compared(round_, Measure.NPS, now.nps.score if now.nps else None, before.nps.score if before.nps else None)
        return
    if kind is not QuestionKind.YES_NO:
        yield _compared(round_, Measure.MEAN, now.mean, before.mean, is_number=kind is QuestionKind.NUMBER)
    if now.csat:
        yield _compared(round_, Measure.CSAT, now.csat, before.csat)


def _with_changes(asked: Tabulated, earlier: Iterable[Before]) -> Tabulated:
    """Return *asked* with its changes since each earlier round in which it was the same question."""
    changes: list[Change] = []
    by_row: dict[int | None, list[Change]] = defaultdict(list)
    for round_, _sections, questions in earlier:
        before = questions.get(asked.sameness) if asked.fingerprint else None
        if before is None:
            continue
        if asked.kind is not QuestionKind.MATRIX:
            changes += _changes(asked.kind, asked.figure, before.figure, round_)
        rows = {option.code: row for option, row in zip(before.options, before.rows, strict=False)}
        for option, row in zip(asked.options, asked.rows, strict=False):
            if option.code in rows:
                by_row[option.id] += _changes(asked.kind, row, rows[option.code], round_)
    rows_now = tuple(replace(row, changes=tuple(by_row[row.option_id])) for row in asked.rows)
    return replace(asked, figure=replace(asked.figure, changes=tuple(changes)), rows=rows_now)


def _scales(sections: Iterable[Section]) -> set[tuple[str, str]]:
    """Return what the satisfaction of a whole survey is made of."""
    return {asked.sameness for section in sections for asked in section.questions if asked.kind in surveys.SATISFACTION}


# ── Across groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def cross_of(
    dimension: Dimension, sizes: Mapping[Any, tuple[str, int]], heaps: Mapping[Any, Mapping[Key, Sequence[Scored]]],
    kinds: Mapping[int, QuestionKind], sees_small: bool,
) -> Cross:  # fmt: skip
    """Return the groups of *sizes* (their label, how many responses) with the scored answers of *heaps* in figures."""
    cells = {key: {at: _cell(kinds[at[0]], at, scored) for at, scored in heap.items()} for key, heap in heaps.items()}
    asked = {at for its in cells.values() for at in its}
    hidden: set[Any] = set()
    if not sees_small:
        hidden = surveys.too_small({key: n for key, (_label, n) in sizes.items()})
        _hide(cells, hidden, asked)
    groups = tuple(
        Group(key, label, 0 if key in hidden else n, key in hidden, cells.get(key, {}))
        for key, (label, n) in sorted(sizes.items(), key=lambda pair: (-pair[1][1], pair[1][0], str(pair[0])))
    )
    return Cross(dimension, groups, {at: _differ([its[at] for its in cells.values() if at in its]) for at in asked})


def _cell(kind: QuestionKind, at: Key, cells: Sequence[Scored]) -> Cell:
    mean, csat = surveys.mean_of(cells), surveys.satisfied(kind, cells)
    if kind is QuestionKind.MATRIX and at[1] is None:
        mean, csat = _without_interval(mean), _without_interval(csat)
    nps = surveys.nps_of(cells) if kind is QuestionKind.NPS else None
    return Cell(sum(cell.n for cell in cells), mean, csat, nps.score if nps else None)


def _hide(groups: dict[Any, dict[Key, Cell]], hidden: set[Any], keys: Iterable[Key]) -> None:
    """Hide, question by question, the cells of small groups, those few answered, and those that the others would give away."""
    for at in keys:
        sizes = {key: cells[at].n for key, cells in groups.items() if at in cells}
        for key in surveys.too_small(sizes, hidden & sizes.keys()):
            groups[key][at] = Cell(is_hidden=True)
    for cells in groups.values():
        for question_id in {at[0] for at, cell in cells.items() if cell.is_hidden and at[1] is not None}:
            cells[question_id, None] = Cell(is_hidden=True)


def _differ(cells: Sequence[Cell]) -> float | None:
    """Return the p value of the groups that are shown being alike, satisfied or not; None of too few answers, and of a whole matrix."""
    shares = [cell.csat for cell in cells if cell.csat and cell.csat.low is not None]
    return surveys.chi_square([[s.value * s.n_effective / 100, (100 - s.value) * s.n_effective / 100] for s in shares])


# ── The whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Before(NamedTuple):
    """An earlier round, its sections, and its questions by what tells that they are the same."""

    round: Round
    sections: tuple[Section, ...]
    questions: Mapping[tuple[str, str], Tabulated]


def _figures(sections: Iterable[Section], counts: Counts, sees_small: bool) -> tuple[Section, ...]:
    return tuple(
        replace(section, questions=tuple(_with_figures(asked, counts, sees_small) for asked in section.questions)) for section in sections
    )


def before_of(round_: Round, counts: Counts, sections: Iterable[Section], sees_small: bool) -> Before:
    """Return an earlier round in figures."""
    is_hidden = surveys.is_small(counts.n) and not sees_small
    figured = _figures(sections, counts, sees_small)
    questions = {asked.sameness: asked for section in figured for asked in section.questions}
    nps = next((asked.figure.nps for asked in questions.values() if asked.figure.nps), None)
    csat = None if is_hidden else surveys.overall(counts.sums)
    whole = replace(round_, n=0 if is_hidden else counts.n, csat=csat, nps=nps.score if nps else None)
    return Before(whole, figured, questions)


def in_figures(counts: Counts, sections: Iterable[Section], rounds: Sequence[Before], sees_small: bool) -> Tabulation:
    """Return what *counts* add up to, against *rounds*."""
    figured = tuple(
        replace(section, questions=tuple(_with_changes(asked, rounds) for asked in section.questions))
        for section in _figures(sections, counts, sees_small)
    )
    csat = surveys.overall(counts.sums)
    scales = _scales(figured)
    is_told = bool(scales) and all(fingerprint for _code, fingerprint in scales)
    same = [before.round for before in rounds if is_told and _scales(before.sections) == scales]
    return Tabulation(
        n=counts.n, sections=figured, csat=csat,
        csat_changes=tuple(_compared(round_, Measure.CSAT, csat, round_.csat) for round_ in same),
        is_weighted=any(abs(weight - 1) > 1e-9 for weight in counts.weights.values()),
        design_effect=surveys.design_effect(counts.responses),
        empty_strata=sum(1 for key, n in counts.strata.items() if n and not counts.answered[key]),
        n_outside=sum(n for key, n in counts.narrowed.items() if key not in counts.weights) if counts.weights else 0,
        rounds=tuple(before.round for before in rounds),
    )  # fmt: skip


def margin_of(counts: Counts, effect: float, population: int | None, confidence: int) -> float | None:
    """Return the margin of error reached, on as many answers as weights leave of them; of a part of the people, how many is not known."""
    return surveys.margin_of_error(counts.n / effect, population, confidence=confidence) if counts.n else None
