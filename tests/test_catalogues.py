"""Both languages are whole: every text has its translation, with the same fields, and no page says a word of English in Spanish."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import flask_appbuilder
import pytest
import wtforms
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tests.web.test_every_page import GETS, reader_of

ROOT = Path(__file__).parents[1]
OURS = ROOT / "app" / "translations"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None, "lazy_ngettext": (1, 2), "N_": None}
LANGUAGES = ("es", "en")
FIELD = re.compile(r"%\(\w+\)[a-z]|(?<!%)%[sd]|\{\w*\}")


@cache
def used() -> dict[str | tuple[str, str], str]:
    """Return every msgid of code, templates and N_(), with a place that uses it; plurals as pairs."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)

    def is_ours(folder: str) -> bool:
        return not Path(folder).name.startswith(".") and Path(folder).name not in {"tests", "docs", "migrations", "bench", "instance"}

    found: dict[str | tuple[str, str], str] = {}
    for file, line, message, _comments, _context in extract_from_dir(str(ROOT), methods, options, KEYWORDS, directory_filter=is_ours):
        found.setdefault(message, f"{file}:{line}")
    return found


@cache
def catalogue(path: Path) -> Catalog:
    """Return the catalogue at *path*, an empty one when there is none yet."""
    if not path.exists():
        return Catalog()
    with path.open("rb") as file:
        return read_po(file) if path.suffix == ".po" else read_mo(file)


def ours(language: str, suffix: str = ".po") -> Catalog:
    return catalogue(OURS / language / "LC_MESSAGES" / f"messages{suffix}")


def texts(message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string]


def test_the_extraction_reaches_code_templates_and_marks():
    """An extractor that looks at nothing finds nothing missing."""
    places = set(used().values())

    assert any(place.startswith("app/domain/") for place in places)
    assert any(place.startswith("app/templates/") for place in places)
    assert any(place.startswith("app/screens/") for place in places)
    assert len(used()) > 300


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_lacks_its_translation(language):
    found = ours(language)
    missing = {
        message: place
        for message, place in used().items()
        if (entry := found.get(message if isinstance(message, str) else message[0])) is None or not all(texts(entry))
    }

    assert missing == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_empty_or_fuzzy(language):
    unfinished = [message.id for message in ours(language) if message.id and (message.fuzzy or not all(texts(message)))]

    assert len(ours(language)) > 0
    assert unfinished == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_fields(language):
    """A field that is lost hides a fact; one that is invented breaks the page."""
    wrong = {}
    for message in ours(language):
        singular = message.id[0] if isinstance(message.id, tuple | list) else message.id
        plural = message.id[-1] if isinstance(message.id, tuple | list) else message.id
        for text in texts(message) if message.id else ():
            if sorted(FIELD.findall(text)) not in (sorted(FIELD.findall(singular)), sorted(FIELD.findall(plural))):
                wrong[singular] = text

    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_served_is_what_was_translated(language):
    """Pages read the compiled catalogue, which `make i18n` writes."""
    compiled = ours(language, ".mo")
    stale = [
        message.id
        for message in ours(language)
        if message.id and all(texts(message)) and ((served := compiled.get(_key(message))) is None or texts(served) != texts(message))
    ]

    assert stale == []


def _key(message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def test_spanish_does_not_repeat_the_english():
    """A msgstr equal to its msgid is a translation nobody made, unless the word is the same or a name."""
    same = [
        message.id
        for message in ours("es")
        if isinstance(message.id, str) and message.string == message.id and len(re.findall(r"[a-z]{4,}", re.sub(FIELD, "", message.id))) > 2
    ]

    assert same == []


# ── Pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def english() -> dict[str, str]:
    """Return {English text: its Spanish, "" when there is none} for all texts, ours and those of FAB and WTForms, that differ."""
    known: dict[str, str] = {}
    for folder, domain in ((Path(flask_appbuilder.__file__).parent / "translations", "messages"),):
        for message in catalogue(folder / "es" / "LC_MESSAGES" / f"{domain}.po"):
            if isinstance(message.id, str) and message.id:
                known[plain(message.id)] = plain(str(message.string))
    for message in used():
        if isinstance(message, str):
            known.setdefault(plain(message), "")
    for message in ours("es"):
        if isinstance(message.id, str) and message.id:
            known[plain(message.id)] = plain(str(message.string))
    return {text: spanish for text, spanish in known.items() if spanish != text and re.search(r"[A-Za-z]{4,}", text)}


def plain(text: str) -> str:
    return " ".join(text.split())


class Visible(HTMLParser):
    """Collects what people read: text, and the attributes that are shown or spoken."""

    SPOKEN = {"title", "placeholder", "aria-label", "alt", "data-confirm", "data-nothing", "content"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._hidden = 0
        self._english = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"script", "style"}
        values = dict(attrs)
        for name, value in values.items():
            if value and (name in self.SPOKEN or (name == "value" and values.get("type") in {"submit", "button"})):
                self.texts.add(plain(value))

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.add(plain(data))


@pytest.mark.one_engine
@pytest.mark.parametrize("row", GETS, ids=str)
def test_a_page_in_spanish_says_nothing_in_english(stage, row):
    response = stage.request(reader_of(row), "GET", stage.address(row.endpoint, row.case, **row.url))
    if response.mimetype != "text/html":
        return
    left = {text for text in Visible(response.get_data(as_text=True)).texts if text.rstrip(" :*") in english() or text in english()}

    assert left == set()


def test_wtforms_speaks_spanish():
    """Messages of fields that we did not write come from the library's own catalogue."""
    assert (Path(wtforms.__file__).parent / "locale" / "es" / "LC_MESSAGES" / "wtforms.mo").exists()


def test_no_text_hides_inside_an_f_string():
    """The extractor does not look inside f-strings, so a text there would never be translated."""
    import ast

    hidden = [
        f"{path}:{call.lineno}"
        for path in sorted((ROOT / "app").rglob("*.py"))
        for string in ast.walk(ast.parse(path.read_text()))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"_", "_l", "N_", "gettext", "ngettext"}
        and call.args and isinstance(call.args[0], ast.Constant)
    ]

    assert hidden == []
