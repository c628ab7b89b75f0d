"""The text of a mail, filled, and the page drawn from it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.mailtext import Frame, as_html, as_text, fields_in, fill

FRAME = Frame("Aguas & Redes", ("Aguas & Redes", "Calle 10 # 5-51 · Medellín"), "es", "Abrir", "https://pqr.example.com")


def test_fields_are_filled_and_doubled_braces_are_braces() -> None:
    assert fill("Solicitud {number} de {name}: {{así}}", {"number": "PQR-1", "name": "Ana"}) == "Solicitud PQR-1 de Ana: {así}"


def test_a_line_whose_fields_are_all_empty_vanishes_and_leaves_no_hole() -> None:
    text = "Hola\n\nFecha segura: {safe}. Vence: {due}.\n\nAdiós"

    assert fill(text, {"safe": "", "due": " "}) == "Hola\n\nAdiós"
    assert fill(text, {"safe": "", "due": "lunes"}) == "Hola\n\nFecha segura: . Vence: lunes.\n\nAdiós"


def test_a_line_without_fields_stays() -> None:
    assert fill("Uno\n{x}\nDos", {"x": ""}) == "Uno\nDos"


def test_a_value_is_not_filled_again() -> None:
    assert fill("{name}", {"name": "{number}"}) == "{number}"


def test_an_unknown_field_is_never_sent_as_it_stands() -> None:
    with pytest.raises(KeyError):
        fill("{nobody}", {})
    with pytest.raises(ValueError, match="expected"):
        fields_in("{name")
    assert fields_in("{name} {{x}} {number}") == {"name", "number"}


def test_the_plain_text_ends_with_who_writes() -> None:
    assert as_text("Hola", FRAME) == "Hola\n\nAguas & Redes\nCalle 10 # 5-51 · Medellín\n"


def test_an_address_of_ours_that_ends_its_line_is_a_button_and_can_be_copied() -> None:
    page = as_html("Ábrala aquí: https://pqr.example.com/n/abc?x=1&y=2", "s", FRAME)

    assert page.count('href="https://pqr.example.com/n/abc?x=1&amp;y=2"') == 2
    assert ">Abrir</a>" in page
    assert ">Ábrala aquí:</p>" in page


def test_inside_a_sentence_an_address_of_ours_is_a_link_without_its_full_stop() -> None:
    page = as_html("Vea https://pqr.example.com/pqr, o llame.", "s", FRAME)

    assert '<a href="https://pqr.example.com/pqr"' in page
    assert "</a>, o llame." in page


@pytest.mark.parametrize("url", ["http://evil.example/x", "https://pqr.example.com.evil.example/", "javascript:alert(1)"])
def test_what_a_stranger_typed_is_never_a_link(url: str) -> None:
    assert "href" not in as_html(f"Buen día, {url}", "s", FRAME)
    assert "href" not in as_html(f"{url} https://otra.example", "s", FRAME)


def test_dashes_make_a_list_between_paragraphs() -> None:
    page = as_html("Esto:\n- uno\n- dos: https://pqr.example.com/a\nfin", "s", FRAME)

    assert "<li>uno</li><li>dos: <a" in page
    assert page.index("Esto:") < page.index("<ul") < page.index("fin")


def test_a_heading_stands_alone() -> None:
    page = as_html("▸ Uno & dos\ncuerpo", "s", FRAME)

    assert ">Uno &amp; dos</h2>" in page
    assert ">cuerpo</p>" in page


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        assert not {name for name, _value in attrs} & {"src", "background", "onclick"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=200))
def test_whatever_is_said_reaches_the_page_as_words_and_nothing_else(text: str) -> None:
    reader = Reader()

    reader.feed(as_html(text, text, FRAME))

    assert reader.open == []
    assert set(reader.tags) <= {"html", "head", "meta", "title", "body", "div", "p", "br", "h2", "ul", "li", "a"}


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(), min_size=2))
def test_filling_needs_no_luck(values: dict[str, str]) -> None:
    if set(values) == {"a", "b"}:
        assert fill("{a}{b}", values) == "" or any(value.strip() for value in values.values())
