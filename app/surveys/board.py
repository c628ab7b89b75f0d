"""How the figures of a survey are shown: strips of shares, gauges with their interval, words for a change, and what to look into first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_decimal
from flask_babel import gettext as _
from markupsafe import Markup

from app.domain.questionnaires import QuestionKind
from app.domain.surveys import DETRACTOR, PROMOTER, SATISFIED, Estimate, Measure, Verdict
from app.domain.tabulation import Bar, Change, Figure, Tabulated, Tabulation
from app.surveys.segments import text_of
from app.words import page_lang, say_number, say_percent

VERDICT_TONES = {
    Verdict.BETTER: "ok", Verdict.WORSE: "bad", Verdict.NO_CHANGE: "stop", Verdict.DIFFERS: "info", Verdict.TOO_FEW: "stop",
}  # fmt: skip
VERDICT_MARKS = {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.NO_CHANGE: "=", Verdict.DIFFERS: "≠", Verdict.TOO_FEW: "·"}
#: Tabulateds named at the head of the page, on each side.
MOST_NAMED = 4
SCALED = (QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.MATRIX)


# ── Numbers as people read them ───────────────────────────────────────────────────────────────────────────────────────────


def rounded(value: float, places: int = 1) -> Decimal:
    """Return *value* with *places* decimals; a zero has no sign."""
    return Decimal(f"{value:.{places}f}") + 0


def percent(value: float | None, places: int = 0) -> str:
    return "—" if value is None else say_percent(rounded(value, places))


def number(value: float | Decimal | None, places: int = 2) -> str:
    """Return *value* with exactly *places* decimals, so that columns of it line up."""
    pattern = "#,##0" + ("." + "0" * places if places else "")
    locale = "en" if page_lang().startswith("en") else "es_CO"
    return "—" if value is None else format_decimal(rounded(float(value), places), pattern, locale=locale)


def span(estimate: Estimate) -> str:
    """Return the interval of a share, briefly: 59–65 %."""
    return "" if estimate.low is None or estimate.high is None else f"{number(estimate.low, 0)}–{percent(estimate.high)}"


def signed(value: float | None, places: int = 0) -> str:
    """Return +34 or −12: NPS and differences."""
    if value is None:
        return "—"
    shown = rounded(value, places)
    return ("+" if shown > 0 else "−" if shown < 0 else "") + say_number(abs(shown))


def interval(estimate: Estimate | None, say: Callable[[float], str]) -> str:
    """Return the interval of *estimate* in words; empty when it has none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return _("between %(low)s and %(high)s", low=say(estimate.low), high=say(estimate.high))


def difference(change: Change) -> str:
    """Return how much a figure moved: points of a share or of NPS, steps of a scale."""
    if change.difference is None:
        return ""
    if change.measure in (Measure.CSAT, Measure.NPS):
        return _("%(n)s points", n=signed(change.difference, 1))
    return _("%(n)s in the mean", n=signed(change.difference, 2)) if change.measure is Measure.MEAN else ""


def telling(changes: Iterable[Change], of: Iterable[Measure] = (Measure.CSAT, Measure.NPS, Measure.MEAN, Measure.SHARES)) -> Change | None:
    """Return the change that says most of a figure: one that is no chance, else the first in the order *of*."""
    order = list(of)
    found = sorted((change for change in changes if change.measure in order), key=lambda change: order.index(change.measure))
    sure = (change for change in found if change.verdict in (Verdict.BETTER, Verdict.WORSE, Verdict.DIFFERS))
    return next(sure, found[0] if found else None)


def against(changes: Sequence[Change]) -> Change | None:
    """Return what is told of the newest round that a figure may be compared with."""
    newest = changes[0].round.id if changes else None
    return telling(change for change in changes if change.round.id == newest)


def beside(estimate: Estimate, whole: float | None) -> str:
    """Return the tone of a group's figure: surely above or below *whole*; empty within chance."""
    if whole is None or estimate.low is None or estimate.high is None:
        return ""
    return "ok" if estimate.low > whole else "bad" if estimate.high < whole else ""


def mark(tone: str) -> Markup:
    """Return the mark that says a tone without its colour."""
    if not tone:
        return Markup()
    sign, words = ("▲", _("above all together")) if tone == "ok" else ("▼", _("below all together"))
    return Markup(' <span aria-hidden="true">{}</span><span class="visually-hidden"> {}</span>').format(sign, words)


# ── Strips and bars ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a strip: where it begins and how wide it is in percent, its words, how many answers, its look, what was given."""

    x: float
    width: float
    label: str
    n: int
    percent: str
    look: str
    given: str


@dataclass(frozen=True, slots=True)
class Line:
    """An option of a list, or a span of numbers: its words, how many, its share, what was given; `width` is of the longest bar."""

    label: str
    n: int
    percent: str
    width: float
    given: str
    option_id: int | None = None


def strip(question: Tabulated, figure: Figure) -> list[Part]:
    """Return the distribution of a scored figure, the least first; the recommendation in its three groups."""
    if question.kind is QuestionKind.NPS:
        return _groups(figure)
    return _laid(
        (bar.percent, _step_words(question, bar), bar.n, _look(question.kind, int(bar.value or 0), figure.bars), f":{bar.value}")
        for bar in figure.bars
    )


def _groups(figure: Figure) -> list[Part]:
    groups = (
        (_("Would not recommend (0 to %(n)s)", n=DETRACTOR), 0, DETRACTOR, "bad on"),
        (_("Indifferent"), DETRACTOR + 1, PROMOTER - 1, "stop"), (_("Would recommend (9 and 10)"), PROMOTER, 10, "ok on"),
    )  # fmt: skip
    found = []
    for words, least, most, look in groups:
        bars = [bar for bar in figure.bars if least <= int(bar.value or 0) <= most]
        found.append((sum(bar.percent for bar in bars), words, sum(bar.n for bar in bars), look, f":{least}..{most}"))
    return _laid(found)


def _laid(shares: Iterable[tuple[float, str, int, str, str]]) -> list[Part]:
    shares = list(shares)
    total, x, parts = sum(share[0] for share in shares) or 1.0, 0.0, []
    for value, words, n, look, given in shares:
        width = 100 * value / total
        parts.append(Part(round(x, 2), round(width, 2), words, n, percent(value), look, given))
        x += width
    return parts


def _step_words(question: Tabulated, bar: Bar) -> str:
    """Return what a step is called: its number, with what the ends mean."""
    value = int(bar.value or 0)
    if question.kind is QuestionKind.YES_NO:
        return _("Yes") if (value == 1) != question.is_reversed else _("No")
    return str(value)


def ends(question: Tabulated) -> str:
    """Return what the least and the greatest step mean, where the form says so."""
    low, high = (of_en if of_en and page_lang().startswith("en") else of_es for of_es, of_en in (
        (question.low_es, question.low_en), (question.high_es, question.high_en)))  # fmt: skip
    if not low or not high or question.kind not in SCALED:
        return ""
    least, most = (high, low) if question.is_reversed else (low, high)
    return _("%(least)s … %(most)s", least=least, most=most)


def _look(kind: QuestionKind, value: int, bars: Sequence[Bar]) -> str:
    """Return the look of a step: satisfied, so so or not; the ends are full, the others washed."""
    values = [int(bar.value or 0) for bar in bars]
    if value >= SATISFIED[kind]:
        return "ok on" if value == max(values) else "ok"
    if kind is not QuestionKind.YES_NO and value >= (max(values) + 1) / 2:
        return "stop"
    return "bad on" if value == min(values) else "bad"


def lines(question: Tabulated, figure: Figure) -> list[Line]:
    """Return the bars of a list or of numbers, in the order of the form."""
    most = max((bar.percent for bar in figure.bars), default=0) or 1
    found = []
    for bar in figure.bars:
        if bar.option_id is not None:
            words, given = text_of(bar), f"/{bar.option_id}"
        else:
            words, given = _span(bar), ""
        found.append(Line(words, bar.n, percent(bar.percent), round(100 * bar.percent / most, 2), given, bar.option_id))
    return found


def _span(bar: Bar) -> str:
    if bar.until is None or bar.until == bar.value:
        return say_number(bar.value) if isinstance(bar.value, int | Decimal) else str(bar.value)
    return _("%(low)s to %(high)s", low=number(bar.value, 0), high=number(bar.until, 0))


# ── What to look into ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Point:
    """A question worth a look: where it stands on the page, its words, its figure and why it is named."""

    anchor: str
    text: str
    figure: str
    why: str
    tone: str


def figures_of(question: Tabulated) -> Iterator[Figure]:
    """Yield the figures that *question* is judged by: its own, or those of the rows of a matrix."""
    yield from question.rows or (question.figure,)


def anchor(figure: Figure) -> str:
    return f"q-{figure.question_id}" + (f"-{figure.option_id}" if figure.option_id else "")


def _words(question: Tabulated, figure: Figure) -> str:
    """Return how a figure is named: question and, of a matrix, its row."""
    return f"{text_of(question)} · {text_of(figure)}" if figure.option_id else text_of(question)


def points(found: Tabulation) -> tuple[list[Point], list[Point]]:
    """Return what to look into (what got worse, then what is surely below the whole), and what got better or goes well."""
    judged = [
        (question, figure, figure.csat) for question in found.questions for figure in figures_of(question)
        if figure.csat is not None and not figure.is_hidden and question.kind in SCALED
    ]  # fmt: skip
    whole = found.csat.value if found.csat else 0.0
    bad: dict[str, Point] = {}
    good: dict[str, Point] = {}
    for verdict, heap in ((Verdict.WORSE, bad), (Verdict.BETTER, good)):
        for question, figure, _csat in judged:
            change = against(figure.changes)
            if change is not None and change.verdict is verdict:
                heap[anchor(figure)] = _point(question, figure, moved(change), VERDICT_TONES[verdict])
    for question, figure, csat in sorted(judged, key=lambda each: each[2].value):
        if csat.high is not None and csat.high < whole and anchor(figure) not in bad:
            before = good.pop(anchor(figure), None)
            why = _("below the whole survey, though %(change)s", change=before.why) if before else _("below the whole survey")
            bad[anchor(figure)] = _point(question, figure, why, "bad")
    for question, figure, csat in sorted(judged, key=lambda each: -each[2].value):
        if csat.low is not None and csat.low > whole and anchor(figure) not in bad:
            good.setdefault(anchor(figure), _point(question, figure, _("above the whole survey"), "ok"))
    return list(bad.values())[:MOST_NAMED], list(good.values())[:MOST_NAMED]


def moved(change: Change) -> str:
    """Return how a figure moved against a round, in words."""
    told = {"round": change.round.number, "difference": difference(change)}
    if change.verdict is Verdict.WORSE:
        return _("worse than in %(round)s: %(difference)s", **told)
    return _("better than in %(round)s: %(difference)s", **told)


def _point(question: Tabulated, figure: Figure, why: str, tone: str) -> Point:
    return Point(anchor(figure), _words(question, figure), percent(figure.csat.value if figure.csat else None), why, tone)
