"""The diagram of Ishikawa, drawn on the server; the page says the same in words beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from markupsafe import Markup

from app.domain.improvement import CauseCategory
from app.drawing import markup
from app.words import translated

WIDTH, SPINE, HEAD = 1120, 232, 190
#: Where the bones leave the spine, from the left; each goes up or down to its name.
BONE, LEAN, FAR = (WIDTH - HEAD - 20) // 3, 66, 178
#: How far apart the causes of a bone stand, how many find room, and how many letters of each.
GAP, MOST, LETTERS = 27, 5, 27


def fishbone(problem: str, bones: Mapping[CauseCategory, Sequence[str]]) -> Markup:
    """Return the diagram as SVG: the problem at the head, a bone for each category, its causes along it."""
    picture = Element("svg", {"class": "fishbone", "viewBox": f"0 0 {WIDTH} {2 * SPINE}", "aria-hidden": "true", "focusable": "false"})
    _line(picture, 8, SPINE, WIDTH - HEAD, SPINE, "spine")
    _head(picture, problem)
    for n, category in enumerate(CauseCategory):
        _bone(picture, n, translated(category.value), bones.get(category, ()))
    return markup([picture])


def _line(picture: Element, x1: int, y1: int, x2: int, y2: int, name: str) -> None:
    SubElement(picture, "line", {"x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2), "class": name})


def _text(picture: Element, x: int, y: int, text: str, name: str, anchor: str = "start") -> None:
    SubElement(picture, "text", {"x": str(x), "y": str(y), "class": name, "text-anchor": anchor}).text = text


def _head(picture: Element, problem: str) -> None:
    left, lines = WIDTH - HEAD, _lines(problem, 18, 7)
    top = SPINE - 14 * len(lines) - 6
    size = {"x": str(left), "y": str(top), "width": str(HEAD - 4), "height": str(2 * (SPINE - top)), "rx": "6", "class": "head"}
    SubElement(picture, "rect", size)
    for n, line in enumerate(lines):
        _text(picture, left + (HEAD - 4) // 2, SPINE + 5 - 10 * (len(lines) - 1) + 20 * n, line, "problem", "middle")


def _bone(picture: Element, n: int, name: str, causes: Sequence[str]) -> None:
    """Draw bone *n*: the first three above the spine, the others below."""
    up = -1 if n < 3 else 1
    foot = BONE * (n % 3 + 1)
    _line(picture, foot - LEAN, SPINE + up * FAR, foot, SPINE, "bone")
    _text(picture, foot - LEAN, SPINE + up * FAR + (-10 if up < 0 else 24), name, "category", "middle")
    shown = [_cut(cause) for cause in causes[:MOST]]
    if len(causes) > MOST:
        shown[-1] = f"+ {len(causes) - MOST + 1} …"
    for place, cause in enumerate(shown):
        far = FAR - 24 - GAP * place
        at = foot - LEAN * far // FAR
        _line(picture, at - 22, SPINE + up * far, at, SPINE + up * far, "rib")
        _text(picture, at - 26, SPINE + up * far + 5, cause, "cause", "end")


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1].rstrip()}…"


def _lines(text: str, width: int, most: int) -> list[str]:
    lines = textwrap.wrap(text, width) or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][: width - 1]}…"]
