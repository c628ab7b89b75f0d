"""What the first view of a page weighs over the wire: the page, its styles, scripts and pictures, for a browser that takes gzip."""

from __future__ import annotations

import gzip
import re
from html import unescape

import pytest

STAFF, CITIZEN = 150_000, 60_000
GZIP = {"Accept-Encoding": "gzip"}
#: Address, who reads, most bytes.
PAGES = [
    ("/", "X", STAFF),
    ("/pqr/", "X", STAFF),
    ("/pqr/{number}", "X", STAFF),
    ("/pqr/register", "X", STAFF),
    ("/pqr/nueva", "O", CITIZEN),
    ("/pqr/consulta", "O", CITIZEN),
    ("/calculadora", "O", CITIZEN),
    ("/verificar", "O", CITIZEN),
    ("/encuesta/codigo/{code}", "O", CITIZEN),
]
_LINKS = re.compile(r"""<(?:link[^>]*?\bhref|script[^>]*?\bsrc|img[^>]*?\bsrc)="(/[^"]*)\"""")


def first_view(stage, letter: str, url: str) -> dict[str, int]:
    """Return the bytes of the page and of each file that a browser fetches for it."""
    page = stage.request(letter, "GET", url, headers=GZIP)
    assert page.status_code == 200
    weights = {url: len(page.get_data())}
    html = gzip.decompress(page.get_data()).decode() if page.headers.get("Content-Encoding") == "gzip" else page.get_data(as_text=True)
    for address in map(unescape, _LINKS.findall(html)):
        weights[address] = len(stage.request(letter, "GET", address, headers=GZIP).get_data())
    return weights


@pytest.mark.one_engine
@pytest.mark.parametrize(("url", "letter", "most"), PAGES, ids=[url for url, _letter, _most in PAGES])
def test_the_first_view_is_light(stage, url, letter, most):
    weights = first_view(stage, letter, url.format(number=stage.cases["ROUTED"], code=stage.marks["@survey-code"]))

    assert len(weights) >= 3, "a page has styles and a script"
    assert sum(weights.values()) <= most, weights


@pytest.mark.one_engine
def test_pages_and_their_files_leave_compressed_and_say_so(stage):
    page = stage.request("X", "GET", "/pqr/", headers=GZIP)
    style = next(address for address in _LINKS.findall(gzip.decompress(page.get_data()).decode()) if ".css" in address)
    file = stage.request("O", "GET", unescape(style), headers=GZIP)

    for response in (page, file):
        assert response.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in response.headers["Vary"]
    assert gzip.decompress(file.get_data()).decode().count("{") > 100


@pytest.mark.one_engine
def test_who_does_not_ask_for_compression_gets_none(stage):
    page = stage.request("X", "GET", "/pqr/")

    assert "Content-Encoding" not in page.headers
    assert "</html>" in page.get_data(as_text=True)


@pytest.mark.one_engine
@pytest.mark.parametrize("extension", ["xlsx", "csv"])
def test_downloads_leave_as_they_are(stage, extension):
    file = stage.request("X", "GET", f"/pqr/export/{extension}", headers=GZIP)

    assert file.status_code == 200
    assert "Content-Encoding" not in file.headers
