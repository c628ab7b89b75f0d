"""
`render(template, data)`: a PDF set by Typst. Same data, same bytes; nothing is fetched, and no font of the machine is used.

What people wrote reaches Typst as JSON strings, never as source, so no text can be markup, import a file or run code.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import typst

TEMPLATES = Path(__file__).parent / "templates"
#: Versions of the templates: raise one when its words or layout change, so that a stored document says what set it.
VERSIONS = {
    "receipt": 1, "answer": 2, "specimen": 1, "act": 2, "fieldwork": 2,
    "sspd_front": 1, "sspd_sheet": 1, "checklist": 2, "quotation": 2, "interested": 2, "survey_report": 2, "survey_poster": 1,
    "questionnaire": 1, "process_sheet": 1, "master_list": 1, "risk_map": 1, "management_review": 1, "audit_pack": 1, "report": 1,
}  # fmt: skip
#: Every document is an archive file (PDF/A-2a) and accessible (PDF/UA-1): tagged, readable aloud, self-contained.
STANDARDS = ["a-2a", "ua-1"]
#: Stands for a character that no font has: a picture sign in a subject must not stop a receipt.
UNPRINTABLE = "▯"
LONGEST_WORD, _PIECE = 32, 12

#: What would turn the reading direction of a whole line, and so its meaning.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_NO_FONT_FOR = re.compile(r'the text `("(?:[^"\\]|\\.)*")` could not be displayed')


def picture(content: bytes) -> list[int]:
    """Return an image (SVG, PNG, JPEG) as templates take it: JSON knows no bytes."""
    return list(content)


def version_of(template: str) -> str:
    """Return the template with its version, as `Document.template` keeps it: `receipt@1`."""
    return f"{template}@{VERSIONS[template]}"


def render(template: str, data: dict[str, Any]) -> bytes:
    """
    Return the PDF of `templates/<template>.typ` filled with *data*: strings, `Picture`, None, lists and dicts of them.

    Args:
        data: `issued_on` (ISO) becomes the date of the file.

    Raises:
        typst.TypstError: The template and the data do not fit each other: a mistake of ours.
    """
    day = datetime.fromisoformat(data["issued_on"]).replace(tzinfo=UTC)
    text = json.dumps(_printable(data), ensure_ascii=False, sort_keys=True)
    for _attempt in range(3):
        try:
            return _COMPILER.compile(template, text, day)
        except typst.TypstError as error:
            missing = {char for found in _NO_FONT_FOR.findall(error.diagnostic) for char in _unescape(found)}
            if not missing:
                raise
            text = text.translate(dict.fromkeys(map(ord, missing), UNPRINTABLE))
    return _COMPILER.compile(template, text.encode("latin-1", "replace").decode("latin-1"), day)


def render_picture(content: IO[bytes], suffix: str, title: str, issued_on: date) -> bytes:
    """
    Return a PDF with the picture *content* (PNG, JPEG or WebP, by *suffix*) on a page of its own, under *title*.

    Raises:
        typst.TypstError: It is no such picture, or too broken to be drawn.
    """
    day = datetime(issued_on.year, issued_on.month, issued_on.day, tzinfo=UTC)
    with TemporaryDirectory() as name:
        folder, picture_name = Path(name), f"picture.{suffix}"
        shutil.copy(TEMPLATES / "sspd_picture.typ", folder)
        with (folder / picture_name).open("wb") as target:
            shutil.copyfileobj(content, target)
        data = json.dumps(_printable({"title": title, "picture": picture_name}), ensure_ascii=False)
        return _COMPILER.compile("sspd_picture", data, day, folder, [])


class _CompilerOfProcess:
    """
    The one compiler of this process, with its fonts read once (80 ms); used by one thread at a time, as it cannot be shared.

    Typst starts threads that a fork does not copy: a child of a process that rendered would wait for them for ever. So it says no.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiler: typst.Compiler | None = None
        self._process = 0

    def compile(self, template: str, data: str, day: datetime, folder: Path = TEMPLATES, standards: list[str] = STANDARDS) -> bytes:
        with self._lock:
            if self._compiler is None:
                self._compiler, self._process = typst.Compiler(root=TEMPLATES, ignore_system_fonts=True), os.getpid()
            elif self._process != os.getpid():
                raise RuntimeError("this process was forked after its parent had rendered a document; fork first, render later")
            return self._compiler.compile(
                input=folder / f"{template}.typ", root=folder, format="pdf", sys_inputs={"data": data}, pdf_standards=standards,
                timestamp=day,
            )  # fmt: skip


_COMPILER = _CompilerOfProcess()


def _printable(value: Any) -> Any:
    """Return *value* with every text fit for paper: no control characters, no turned lines, no word wider than the line."""
    match value:
        case str():
            clean = _TURNING.sub("", unicodedata.normalize("NFC", value))
            clean = "".join(char for char in clean if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn"))
            return _LONG_WORD.sub(lambda word: _broken(word[0]), clean)
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
    return value


def _broken(word: str) -> str:
    """Return *word* with invisible places where the line may end; never between a letter and its accent."""
    parts, start = [], 0
    for end in range(_PIECE, len(word), _PIECE):
        while end < len(word) and unicodedata.combining(word[end]):
            end += 1
        parts.append(word[start:end])
        start = end
    return "\u200b".join([*parts, word[start:]])


def _unescape(quoted: str) -> str:
    """Return the text that Typst quotes in a message, as Rust writes it."""
    return json.loads(re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: json.dumps(chr(int(found[1], 16)))[1:-1], quoted).replace("\\'", "'"))
