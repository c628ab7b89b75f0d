"""The boards as pages: every number leads to its rows, whose rows they are, on the desk and on the wall."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from app.security import AUXILIAR, CALIDAD, COMERCIAL, DUENO, TECNICO

BOARDS = ("cases", "commercial", "satisfaction", "quality")
_MAIN = re.compile(r"<main.*</main>", re.S)
_LINK = re.compile(r'<a href="(/[^"]+)"[^>]*>(\d+)</a>')
#: What leads to the rows of a mean, which may be a whole number, or to figures of a survey: they count no rows.
_MEAN = re.compile(r"/rating/list/\?rated_on=[^&]+(&channel=\d+)?$|/survey-results/")


def links(page: str) -> Iterator[tuple[str, int]]:
    """Yield the address and the number of every whole number that is a link on the board."""
    for href, number in _LINK.findall(_MAIN.search(page)[0]):
        yield unescape(href), int(number)


def n_rows(stage, letter: str, href: str) -> int:
    """Return how many rows the list at *href* has for that reader."""
    path, query = urlsplit(href).path, urlsplit(href).query
    if path == "/indicators/":
        return stage.request(letter, "GET", href).text.count('<td role="cell"><span class="num quiet">')
    base = path.removesuffix("list/")
    answer = stage.request(letter, "GET", f"{base}export/csv?{query}")
    assert answer.status_code == 200, f"{href}: {answer.status_code}"
    return len(list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), delimiter=";"))) - 1


# ── Every number has its rows ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("letter", "XD")
@pytest.mark.parametrize("board", BOARDS)
def test_every_number_leads_to_exactly_its_rows(stage, board, letter):
    page = stage.request(letter, "GET", f"/dashboard/{board}/?period=THIS_YEAR")
    if letter == "D" and board in ("commercial", "satisfaction"):
        assert page.status_code in (302, 403)
        return
    found = dict(links(page.text))
    wrong = {href: (n, rows) for href, n in found.items() if not _MEAN.match(href) and (rows := n_rows(stage, letter, href)) != n}

    assert len(found) >= {"cases": 8, "commercial": 8, "satisfaction": 4, "quality": 5}[board]
    assert wrong == {}


def test_shapes_lead_where_their_numbers_lead(stage):
    page = _MAIN.search(stage.request("X", "GET", "/dashboard/cases/?period=THIS_YEAR").text)[0]
    shapes = set(re.findall(r'<a href="([^"]+)" aria-label=', page))
    numbers = {href for href, _n in _LINK.findall(page)}

    assert shapes and shapes <= numbers


def test_a_reader_is_linked_only_to_what_he_may_open(stage):
    page = stage.request("A", "GET", "/dashboard/cases/?period=THIS_YEAR").text
    addresses = {urlsplit(href).path for href, _n in links(page)}

    assert addresses and all(stage.request("A", "GET", address).status_code == 200 for address in addresses)


# ── Whose ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_is_told_that_he_sees_his_processes(stage):
    own, all_of_it = (stage.request(letter, "GET", "/dashboard/cases/?period=THIS_YEAR") for letter in "DX")

    def filed(page: str) -> int:
        return next(n for href, n in links(page) if "filed_on=" in href)

    assert "Only what is of your processes" in own.text or "de sus procesos" in own.text
    assert filed(own.text) < filed(all_of_it.text)


@pytest.mark.parametrize(
    ("role", "boards"),
    [(AUXILIAR, ("cases",)), (DUENO, ("cases", "quality")), (COMERCIAL, ("cases", "commercial", "satisfaction")), (CALIDAD, BOARDS)],
)
def test_the_tabs_offer_the_boards_of_the_reader(sign_in, seeded, role, boards):
    page = sign_in(role).get("/dashboard/cases/").text
    tabs = re.search(r'<nav class="chart-tabs".*?</nav>', page, re.S)
    offered = re.findall(r"/dashboard/(\w+)/", tabs[0]) if tabs else ["cases"]

    assert tuple(offered) == boards


def test_whoever_has_no_board_finds_none(sign_in, seeded):
    client = sign_in(TECNICO)

    assert {client.get(f"/dashboard/{board}/").status_code for board in BOARDS} <= {302, 403}


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("board", BOARDS)
def test_an_empty_house_is_told_what_is_missing(sign_in, seeded, board):
    page = sign_in(CALIDAD).get(f"/dashboard/{board}/")
    tiles = re.findall(r'<div class="tile([^"]*)">(.*?)</div>', page.text, re.S)

    assert page.status_code == 200 and len(tiles) >= 10
    assert all("<small>" in tile for classes, tile in tiles if "none" in classes.split())
    assert sum("none" in classes.split() for classes, _tile in tiles) >= len(tiles) - 3
    assert "<svg" not in _MAIN.search(page.text)[0] or board in ("quality",)  # the seeds bring indicators and obligations


def test_a_period_under_way_says_with_what_it_is_compared(sign_in, seeded):
    page = sign_in(CALIDAD).get("/dashboard/cases/?period=THIS_MONTH").text

    assert "The period is under way: it is compared with as many days, 1 Jun 2026 to 10 Jun 2026, and of a year ago." in page


@pytest.mark.parametrize(
    ("query", "words"),
    [("period=OTHER&since=2026-06-10&until=2026-06-01", "The period ends before it begins."),
     ("period=OTHER&since=2026-06-10", "Write the first and the last day"),
     ("period=OTHER&since=2027-01-01&until=2027-01-31", "The period has not begun yet."), ("period=NEVER", "Not a valid choice")],
)  # fmt: skip
def test_a_period_that_is_none_is_told_beside_its_field(sign_in, seeded, query, words):
    page = sign_in(CALIDAD).get(f"/dashboard/cases/?{query}")

    assert page.status_code == 422
    assert words in page.text and 'class="tiles' not in page.text


def test_a_year_that_the_calendar_lacks_is_said_and_nothing_breaks(sign_in, seeded, at):
    client = sign_in(CALIDAD)
    at("2061-07-10T10:00-05:00")
    page = client.get("/dashboard/cases/")

    assert page.status_code == 200 and 'role="alert"' in page.text


# ── On the wall ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_television_has_no_menu_and_asks_again_by_itself(sign_in, seeded):
    answer = sign_in(CALIDAD).get("/dashboard/quality/?tv=1&period=LAST_MONTH")

    assert answer.headers["Refresh"] == "300; url=/dashboard/quality/?tv=1&period=LAST_MONTH"
    assert 'class="on-wall"' in answer.text and "<nav" not in answer.text and "<form" not in answer.text
    assert "10 Jul 2026 10:00" in answer.text


def test_boards_take_turns_among_those_of_the_reader(sign_in, seeded):
    client, url, seen = sign_in(COMERCIAL), "/dashboard/cases/?tv=1&rotate=1", []
    for _n in range(4):
        answer = client.get(url)
        seconds, url = re.fullmatch(r"(\d+); url=(.+)", answer.headers["Refresh"]).groups()
        seen.append(re.search(r"/dashboard/(\w+)/", url)[1])

        assert answer.status_code == 200 and seconds == "60"
        assert parse_qs(urlsplit(url).query)["rotate"] == ["1"]
    assert seen == ["commercial", "satisfaction", "cases", "commercial"]


def test_a_television_whose_session_is_over_says_so_and_shows_no_form(client, seeded):
    answer = client.get("/dashboard/cases/?tv=1")

    assert answer.status_code == 401 and answer.headers["Refresh"] == "300"
    assert "<form" not in answer.text and "password" not in answer.text and "/login" in answer.text
    assert client.get("/dashboard/cases/").status_code == 302  # at the desk, the form to sign in
