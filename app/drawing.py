"""
Charts drawn on the server with pygal, as SVG that our content policy accepts and everybody can read.

pygal computes the shapes; what leaves here is rebuilt from them by a list of what is allowed: no script, no style, no address but our
own. Colours come from the style sheet by class, every series has a weave or a dash of its own besides its colour, and every
shape says its number. A chart is drawn twice, for a page and for a telephone; the style sheet shows the one that fits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import pygal
from markupsafe import Markup
from pygal.style import Style

from app.words import say_number

#: Words of state of the style sheet that lend their colour to a series that has none of its own.
TONES = ("info", "soon", "stop", "warn", "ok", "bad")
N_WEAVES = 5

_HREF = "{http://www.w3.org/1999/xlink}href"
_KEPT = {
    "path": ("d",),
    "rect": ("x", "y", "width", "height", "rx", "ry"),
    "circle": ("cx", "cy", "r"),
    "text": ("x", "y", "transform", "text-anchor"),
    "g": ("transform",),
}
_DROPPED = frozenset({"background", "tooltip-overlay", "titles", "legends", "big_slice"})
_CLASSES = frozenset(
    ("plot", "overlay", "text-overlay", "axis", "x", "y", "guides", "guide", "line", "major", "bars", "bar", "rect", "dots", "dot",
     "slices", "slice", "value", "nofill")
)  # fmt: skip
_DECIMALS = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Point:
    """A value, as a number and as people read it, and the address of the rows behind it; None draws nothing."""

    value: float | int | Decimal | None
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Points in the order of the labels; `tone` is a word of state of the style sheet."""

    name: str
    points: tuple[Point, ...]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything that is drawn; equal plots are drawn once."""

    kind: str
    title: str
    about: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    is_stacked: bool = False
    is_time: bool = False  # neighbours say what a label that finds no room would
    from_zero: bool = True  # a line that compares values with a goal may begin where they do


@dataclass(frozen=True, slots=True)
class Drawing:
    """The chart, and its key: each name with a sample of its colour and weave. One series needs no key."""

    figure: Markup
    key: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True, slots=True)
class _Paper:
    """
    A size to draw for: width and size of letters in units of the picture, whether its shapes are links; letters of the label and room
    between the bars of a lying chart.
    """

    name: str
    width: int
    letters: int
    has_links: bool
    longest: int
    gap: int


_PAPERS = (_Paper("wide", 960, 15, True, 34, 12), _Paper("narrow", 360, 13, False, 15, 12))
#: One of many on a page.
SMALL = (_Paper("small", 480, 15, True, 22, 5),)


@lru_cache(maxsize=256)
def drawn(plot: Plot, papers: tuple[_Paper, ...] = _PAPERS) -> Drawing:
    """Return *plot* as markup, drawn for each of *papers*. Raises KeyError for a kind that does not exist."""
    name = "c" + sha256(repr(plot).encode("utf-8", "replace")).hexdigest()[:8]  # ids of several charts on a page differ
    parts = [_weaves(plot, name), *(_picture(plot, paper, name) for paper in papers)]
    return Drawing(markup(parts), tuple(_key(plot, name)))


def markup(parts: Iterable[Element]) -> Markup:
    """Return what was drawn with elements as a page takes it."""
    text = "".join(ElementTree.tostring(part, encoding="unicode") for part in parts)
    return Markup(text)  # ElementTree has escaped every text and attribute


# ── pygal ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _charted(plot: Plot, paper: _Paper) -> Element:
    """Return what pygal makes of *plot*; each shape is wrapped in a link that names its series and point."""
    is_lying = plot.kind == "BarChart"
    n, low, high = len(plot.labels), *_reach(plot)
    ticks = _ticks(low, high)
    has_values = plot.kind != "LineChart" and not plot.is_stacked and n * len(plot.series) <= (40 if is_lying else paper.width // 48)
    style = Style(
        font_family="sans-serif", label_font_size=paper.letters, major_label_font_size=paper.letters, value_font_size=paper.letters,
        no_data_font_size=paper.letters,
    )  # fmt: skip
    longest = paper.longest if is_lying else 14
    labels = [_cut(label, longest) for label in plot.labels]
    thickness = (1 if plot.is_stacked else len(plot.series)) * (paper.letters + 5) + paper.gap
    options: dict[str, Any] = {
        "no_prefix": True, "js": (), "css": (), "show_legend": False, "classes": (), "margin": 6, "spacing": 6, "style": style,
        "width": paper.width, "height": n * thickness + 3 * paper.letters if is_lying else paper.width * (2 if paper.has_links else 4) // 5,
        "print_values": has_values, "print_values_position": "top", "truncate_label": -1, "dots_size": 5, "value_formatter": say_number,
        "y_labels": ticks, "range": (min(low, ticks[0]), max(high * (1.12 if has_values else 1), ticks[-1])),
        "x_labels": labels[::-1] if is_lying else labels,
    }  # fmt: skip
    if not is_lying:
        options |= _spread(labels, paper, plot.is_time)
    if plot.kind == "PieChart":
        options |= {"inner_radius": 0.45, "print_values": False, "y_labels": None, "range": None, "height": min(paper.width, 420)}
    chart = _CLASSES_OF[plot.kind, plot.is_stacked](**options)
    for s, series in enumerate(plot.series):
        points = [_marked(point, f"{s}.{i}") for i, point in enumerate(series.points)]
        chart.add(f"{s}", points[::-1] if is_lying else points)
    return chart.render_tree()


class _Bare:
    """Without the texts that pygal's script would make tooltips of."""

    def _tooltip_data(self, *_: Any, **__: Any) -> None:
        """Write nothing."""


def _bare(chart: type) -> Any:
    return type(chart.__name__, (_Bare, chart), {})


_CLASSES_OF = {
    ("ColumnChart", False): _bare(pygal.Bar),
    ("ColumnChart", True): _bare(pygal.StackedBar),
    ("BarChart", False): _bare(pygal.HorizontalBar),
    ("BarChart", True): _bare(pygal.HorizontalStackedBar),
    ("LineChart", False): _bare(pygal.Line),
    ("LineChart", True): _bare(pygal.StackedLine),
    ("PieChart", False): _bare(pygal.Pie),
    ("PieChart", True): _bare(pygal.Pie),
}


def _marked(point: Point, mark: str) -> Any:
    if point.value is None:
        return None
    return {"value": float(point.value), "formatter": lambda _value: point.text, "xlink": {"href": mark}}


def _reach(plot: Plot) -> tuple[float, float]:
    """Return the lowest and highest number of the axis; it shows zero unless the plot begins elsewhere."""
    if not plot.from_zero:
        values = [float(point.value) for series in plot.series for point in series.points if point.value is not None] or [0.0]
        return min(values), max(values)
    columns = list(zip(*([float(point.value or 0) for point in series.points] for series in plot.series), strict=True))
    if plot.is_stacked:
        ends = [(sum(v for v in values if v < 0), sum(v for v in values if v > 0)) for values in columns]
    else:
        ends = [(min(values), max(values)) for values in columns]
    return min([0.0, *(low for low, _high in ends)]), max([0.0, *(high for _low, high in ends)])


def _ticks(low: float, high: float) -> list[float]:
    """Return some five round numbers from *low* to *high* or beyond; whole ones unless everything is small."""
    span = high - low or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 5)
    if span >= 1:
        step = max(step, 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{n * step:.12g}") for n in range(first, max(last, first + 1) + 1)]


def _spread(labels: list[str], paper: _Paper, is_time: bool) -> dict[str, Any]:
    """Return how the labels below the axis find room: as they are, slanting, or only every so many."""
    n, room = max(len(labels), 1), paper.width - 70
    widest = max(map(len, labels), default=1) * paper.letters * 0.55 + 8
    if n * widest <= room:
        return {}
    slanting = {} if is_time else {"x_label_rotation": 40}
    every = math.ceil(n * (widest if is_time else paper.letters + 8) / room)
    return slanting | ({"x_labels_major_every": every, "show_minor_x_labels": False} if every > 1 else {})


def _cut(text: str, longest: int) -> str:
    text = _NOT_XML.sub("\ufffd", text)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


# ── Paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What the style sheet says on a page: the colour and the wash of each word of state, and how shapes and letters look.
_INKS = {
    "info": ("#0b5f78", "#cfe6ec"), "soon": ("#9c3d08", "#fbd5bd"), "stop": ("#475467", "#dde2e8"), "warn": ("#7a5000", "#fae3ad"),
    "ok": ("#146c3e", "#c4ead3"), "bad": ("#a61b12", "#f9cbc6"),
}  # fmt: skip
_LOOK = """
text { fill: #47525f; font-family: "Libertinus Serif"; font-size: 17px }
.axis.x text { text-anchor: middle } .axis.y text { text-anchor: end }
text.value { fill: #16202a; font-weight: bold } .lying text.value { text-anchor: start }
.axis.x text[transform] { text-anchor: start }
path { fill: none } .axis.line, .axis .line { stroke: #98a2b3 } .axis .guide { stroke: #e3e8ee }
.lying .axis.y .line, .standing .axis.x .line { stroke: none }
.nofill { stroke-width: 3 } .dot { fill: #ffffff; stroke-width: 2.5 } .rect, .slice { stroke-width: 1.5 }
.dash-1 .line { stroke-dasharray: 9 5 } .dash-2 .line { stroke-dasharray: 2 5 } .dash-3 .line { stroke-dasharray: 12 4 2 4 }
"""
_INKED = (
    ".series.{tone} .rect, .series.{tone} .slice {{ stroke: {ink}; fill: {ink} }} .series.{tone} .nofill {{ stroke: {ink} }} "
    ".series.{tone} .dot {{ stroke: {ink} }} .weave.{tone} rect {{ fill: {wash} }} "
    ".weave.{tone} path {{ stroke: {ink}; stroke-width: 1.75 }}"
)


def on_paper(plot: Plot, *, is_half: bool = False) -> bytes:
    """Return *plot* as an SVG that needs no style sheet, in the colours of a light page, as wide as the page or half of it."""
    name = "p"
    svg = _picture(plot, SMALL[0] if is_half else _PAPERS[0], name)
    for child in reversed(_weaves(plot, name)):
        svg.insert(0, child)
    look = _LOOK + "\n".join(_INKED.format(tone=tone, ink=ink, wash=wash) for tone, (ink, wash) in _INKS.items())
    style = Element("style")
    style.text = look
    svg.insert(0, style)
    for shape in svg.iter():  # a rule would win over the weave that a shape names
        if "fill" in shape.attrib and shape.tag in ("rect", "path"):
            shape.set("style", f"fill: {shape.attrib['fill']}")
    svg.set("xmlns", "http://www.w3.org/2000/svg")
    return ElementTree.tostring(svg)


def key_on_paper(plot: Plot) -> list[tuple[str, str]]:
    """Return the name and the ink of each series of *plot*; one series needs no key."""
    named = [(series.name, _INKS[tone_of(plot, s)][0]) for s, series in enumerate(plot.series)]
    return named if len(named) > 1 else []


# ── What leaves ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _picture(plot: Plot, paper: _Paper, name: str) -> Element:
    """Return the drawing for one paper: named, described, and rebuilt from pygal's by what is allowed."""
    source = _charted(plot, paper)
    has_links = paper.has_links and any(point.url for series in plot.series for point in series.points)
    title_id, about_id = f"{name}-{paper.name}-title", f"{name}-{paper.name}-about"
    svg = Element(
        "svg",
        {
            "class": f"chart {paper.name} {'lying' if plot.kind == 'BarChart' else 'standing'}",
            "viewBox": f"0 0 {source.get('viewBox', '').split()[2]} {source.get('viewBox', '').split()[3]}",
            # The children of an image are hidden from readers of screens; links have to be found.
            "role": "group" if has_links else "img",
            "aria-labelledby": title_id,
            "aria-describedby": about_id,
        },
    )
    SubElement(svg, "title", {"id": title_id}).text = _NOT_XML.sub("\ufffd", plot.title)
    SubElement(svg, "desc", {"id": about_id}).text = _NOT_XML.sub("\ufffd", plot.about)
    copy = _Copy(plot, has_links, name)
    for child in source:
        copy.into(svg, child)
    return svg


class _Copy:
    """Copies what is allowed of pygal's tree."""

    def __init__(self, plot: Plot, has_links: bool, name: str) -> None:
        self._plot, self._has_links, self._name = plot, has_links, name
        self._s = 0  # the series being copied

    def into(self, parent: Element, node: Any) -> None:
        if not isinstance(node.tag, str):  # a comment
            return
        classes = (node.get("class") or "").split()
        if _DROPPED.intersection(classes):
            return
        if node.tag == "a":
            self._shape(parent, node)
        elif node.tag in _KEPT:
            copied = SubElement(parent, node.tag, dict(self._attributes(node)))
            if node.tag == "text":
                copied.text = node.text
            series = next((name for name in classes if name.startswith("serie-")), "")
            if series:
                self._s = int(series.removeprefix("serie-"))
                copied.set("class", f"series {tone_of(self._plot, self._s)} dash-{self._s % 4}")
            elif any(name in classes for name in ("axis", "text-overlay")) and node.tag == "g":
                copied.set("aria-hidden", "true")  # each shape says its label and number itself
            self._children(copied, node, classes)

    def _children(self, copied: Element, node: Any, classes: list[str]) -> None:
        is_lying = self._plot.kind == "BarChart"
        # A lying chart starts at the bottom for pygal; whoever walks with the keyboard starts at the top.
        for child in reversed(list(node)) if is_lying and "bars" in classes else node:
            self.into(copied, child)

    def _shape(self, parent: Element, node: Any) -> None:
        """Copy a bar, dot or slice: with its words, and as a link where it leads somewhere."""
        s, i = map(int, node.get(_HREF).split("."))
        point, label = self._plot.series[s].points[i], self._plot.labels[i]
        series = self._plot.series[s].name if len(self._plot.series) > 1 else ""
        says = _NOT_XML.sub("\ufffd", ": ".join(filter(None, (", ".join(filter(None, (label, series))), point.text))))
        if self._has_links and point.url.startswith("/") and not point.url.startswith("//"):
            parent = SubElement(parent, "a", {"href": point.url, "aria-label": says})
        for child in node:
            if isinstance(child.tag, str) and child.tag in _KEPT:
                copied = SubElement(parent, child.tag, dict(self._attributes(child)))
                SubElement(copied, "title").text = says
                if child.tag != "circle" and s % N_WEAVES:
                    copied.set("fill", f"url(#{self._name}-{s})")

    def _attributes(self, node: Any) -> Iterator[tuple[str, str]]:
        kept = [name for name in (node.get("class") or "").split() if name in _CLASSES]
        if kept:
            yield "class", " ".join(kept)
        for name in _KEPT[node.tag]:
            if node.get(name) is not None:
                yield name, _DECIMALS.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), node.get(name))


def tone_of(plot: Plot, s: int) -> str:
    """Return the word of state that colours series *s*."""
    return plot.series[s].tone or TONES[s % len(TONES)]


def _weaves(plot: Plot, name: str) -> Element:
    """Return the patterns of all series but the plain ones, for both drawings and the key."""
    svg = Element("svg", {"class": "weaves", "width": "0", "height": "0", "aria-hidden": "true", "focusable": "false"})
    defs = SubElement(svg, "defs")
    for s in range(len(plot.series)):
        if s % N_WEAVES:
            pattern = SubElement(defs, "pattern", {"id": f"{name}-{s}", "class": f"weave {tone_of(plot, s)}", **_TILE})
            SubElement(pattern, "rect", {"width": "8", "height": "8"})
            if path := _THREADS[s % N_WEAVES]:
                SubElement(pattern, "path", {"d": path})
    return svg


_TILE = {"width": "8", "height": "8", "patternUnits": "userSpaceOnUse"}
#: Slanting lines, dots, nothing, a net.
_THREADS = ("", "M-2 2l4-4M0 8l8-8M6 10l4-4", "M2 2h2v2h-2zM6 6h2v2h-2z", "", "M0 4h8M4 0v8")


def _key(plot: Plot, name: str) -> Iterator[tuple[str, Markup]]:
    if len(plot.series) < 2:
        return
    for s, series in enumerate(plot.series):
        sample = Element("svg", {"class": f"sample series {tone_of(plot, s)} dash-{s % 4}", "viewBox": "0 0 28 14", "aria-hidden": "true"})
        if plot.kind == "LineChart" and not plot.is_stacked:
            SubElement(sample, "path", {"class": "line nofill", "d": "M1 7h26"})
            SubElement(sample, "circle", {"class": "dot", "cx": "14", "cy": "7", "r": "4"})
        else:
            fill = {"fill": f"url(#{name}-{s})"} if s % N_WEAVES else {}
            SubElement(sample, "rect", {"class": "rect", "x": "1", "y": "1", "width": "26", "height": "12", **fill})
        yield series.name, markup([sample])
