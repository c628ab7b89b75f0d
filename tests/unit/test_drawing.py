"""Charts as SVG: nothing but what is allowed leaves, and whatever is counted can be drawn."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask_babel import Babel

from app.drawing import Plot, Point, Series, drawn
from app.tally import KINDS

ALLOWED = {"svg", "title", "desc", "defs", "pattern", "g", "a", "path", "rect", "circle", "text"}
HOSTILE = "<script>alert(1)</script>\x00\" onload='x' &amp; ]]> \ud800"


@pytest.fixture(autouse=True)
def spanish():
    app = Flask("drawing")
    Babel(app, default_locale="es")
    with app.test_request_context():
        yield


def series(name, values, url="/pqr/?process={}&q=a", **more):
    points = (Point(value, "—" if value is None else str(value), url.format(n) if url else "") for n, value in enumerate(values))
    return Series(name, tuple(points), **more)


def plot(kind, labels, *all_series, **more):
    return Plot(kind, "Casos", "Por proceso", tuple(labels), all_series, **more)


def shape(kind, values, **more):
    """A plot of one series, as that kind wants it: a pie has a series for each slice."""
    if kind == "PieChart":
        return plot(kind, [""], *(series(f"n{n}", [value]) for n, value in enumerate(values)), **more)
    return plot(kind, [f"Grupo {n}" for n in range(len(values))], series("Casos", values), **more)


def roots(figure):
    """Return the pieces of a figure as trees; parsing proves that they are well-formed."""
    return list(ElementTree.fromstring(f"<figure>{figure}</figure>"))


def nodes(figure):
    return [node for root in roots(figure) for node in root.iter()]


@pytest.mark.parametrize("is_stacked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "values",
    [
        [],
        [5],
        [0],
        [0, 0, 0],
        [None, None],
        [-3, 4, -5],
        [1e15, 2, Decimal("3.5")],
        [Decimal("0.001"), Decimal("0.002")],
        [10**18],
        [*range(200)],
    ],
    ids=["none", "one", "zero", "zeros", "nothing", "negative", "huge", "tiny", "enormous", "many"],
)
def test_whatever_is_counted_can_be_drawn(kind, values, is_stacked):
    figure = drawn(shape(kind, values, is_stacked=is_stacked)).figure

    assert [root.get("class", "").split()[:2] for root in roots(figure)][1:] == [["chart", "wide"], ["chart", "narrow"]]
    assert "nan" not in figure
    assert "inf" not in re.sub(r'class="[^"]*"', "", figure)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_leaves_but_shapes_texts_and_our_own_addresses(kind):
    labels = [HOSTILE, "B"]
    some = [series(HOSTILE, [3, 4], url="javascript:alert({})"), series("otra", [1, 2], url="//evil.example/{}")]
    if kind == "PieChart":
        labels, some = [HOSTILE], [series(each.name, [n + 1], url="https://evil.example/{}") for n, each in enumerate(some)]
    found = drawn(Plot(kind, HOSTILE, HOSTILE, tuple(labels), tuple(some)))

    for node in nodes(found.figure + "".join(sample for _name, sample in found.key)):
        assert node.tag in ALLOWED | {"figure"}
        for name, value in node.attrib.items():
            assert name not in {"style", "href"} and not name.startswith(("on", "{")), (node.tag, name)
            assert name == "fill" or "url(" not in value
    assert "<script" not in found.figure
    assert "evil" not in found.figure


@pytest.mark.parametrize("kind", KINDS)
def test_every_shape_leads_to_its_rows_and_says_its_number(kind):
    figure = drawn(shape(kind, [7, 8, 9])).figure
    links = [node for node in nodes(figure) if node.tag == "a"]

    assert {node.get("href") for node in links} == (
        {"/pqr/?process=0&q=a"} if kind == "PieChart" else {f"/pqr/?process={n}&q=a" for n in range(3)}
    )
    assert sorted(node.get("aria-label").rpartition(": ")[2] for node in links) == ["7", "8", "9"]
    wide, narrow = roots(figure)[1:]
    assert wide.get("role") == "group", "the children of an image are hidden from readers of screens"
    assert narrow.get("role") == "img"
    assert not [node for node in narrow.iter() if node.tag == "a"]
    assert wide.find("title").text == "Casos"


def test_a_shape_whose_rows_cannot_be_named_is_no_link():
    wide = roots(drawn(plot("BarChart", ["A", "B"], series("Casos", [3, 2], url=""))).figure)[1]

    assert wide.get("role") == "img"
    assert [node.find("title").text for node in wide.iter("rect")] == ["A: 3", "B: 2"]


def test_a_lying_chart_is_read_from_the_top():
    links = [node.get("aria-label") for node in nodes(drawn(plot("BarChart", ["A", "B", "C"], series("Casos", [3, 2, 1]))).figure)
             if node.tag == "a"]  # fmt: skip

    assert links == ["A: 3", "B: 2", "C: 1"]


def test_several_series_differ_by_more_than_colour_and_have_a_key():
    some = [series(name, [1, 2]) for name in ("uno", "dos", "tres", "cuatro")]
    bars = drawn(plot("ColumnChart", ["A", "B"], *some, is_stacked=True))
    lines = drawn(plot("LineChart", ["A", "B"], *some, is_time=True))
    fills = [node.get("fill") for node in roots(bars.figure)[1].iter("rect")]
    dashes = [re.search(r"dash-\d", node.get("class"))[0] for node in roots(lines.figure)[1].iter("g") if "dash" in node.get("class", "")]

    assert len(set(fills)) == 4
    assert {f"url(#{node.get('id')})" for node in nodes(bars.figure) if node.tag == "pattern"} == set(fills) - {None}
    assert set(dashes) == {f"dash-{n}" for n in range(4)}
    assert [name for name, _sample in bars.key] == ["uno", "dos", "tres", "cuatro"]
    assert drawn(plot("BarChart", ["A"], series("uno", [1]))).key == ()


def test_labels_of_a_long_time_stay_apart():
    months = [f"ene {year}" for year in range(2000, 2060)]
    wide, narrow = roots(drawn(plot("LineChart", months, series("Casos", range(60)), is_time=True)).figure)[1:]

    def shown(svg):
        axis = next(node for node in svg.iter("g") if node.get("class") == "axis x")
        return [float(text.get("x")) for text in axis.iter("text")]

    for svg, letters in ((wide, 15), (narrow, 13)):
        places = shown(svg)
        assert len(places) > 1
        assert min(b - a for a, b in pairwise(places)) > 8 * letters * 0.5
