"""
What a mail says: a text with {fields}, filled; and the page that a mail program draws from it.

The plain text is the source. A line whose fields are all empty vanishes; an address of ours that ends its line becomes a button,
elsewhere a link; lines that begin with a dash are a list, and one that begins with ▸ is a heading. What a citizen typed is never a
link: mail that carries the name of the company may not lead where a stranger chose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from string import Formatter

_HOLE = re.compile(r"\n{3,}")
_ITEM = re.compile(r"[-•] +")
HEADING = "▸ "
#: Mail programs drop style sheets, so each element carries its own. Readable on a phone without zooming; 44 px to press.
_BODY = "margin:0;padding:0;background:#eef1f4;color:#17212b;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif"
_SHEET = "max-width:600px;margin:0 auto;padding:24px 20px;background:#ffffff"
_HEAD = "margin:0 0 20px;padding:0 0 12px;border-bottom:3px solid #0b5d66;font-size:18px;font-weight:bold;color:#0b5d66"
_PARAGRAPH = "margin:0 0 16px"
_TITLE = "margin:24px 0 8px;font-size:17px;font-weight:bold"
_LIST = "margin:0 0 16px;padding:0 0 0 20px"
_LINK = "color:#0b5d66"
_BUTTON = (
    "display:inline-block;padding:11px 22px;border-radius:6px;background:#0b5d66;color:#ffffff;text-decoration:none;font-weight:bold"
)
_ADDRESS = "display:block;margin:8px 0 0;font-size:13px;color:#4a5763;word-break:break-all"
_FOOT = "margin:24px 0 0;padding:12px 0 0;border-top:1px solid #cfd6dc;font-size:14px;color:#4a5763"


def fill(template: str, values: Mapping[str, str]) -> str:
    """
    Return *template* with its {fields} filled, `{{` and `}}` as braces, without the lines that had nothing to say.

    A line vanishes when it names fields and all of them are empty; the hole that it leaves closes. Raises KeyError for a field that
    *values* lacks, and ValueError for a brace without its pair: a template is checked when it is written.
    """
    lines = []
    for line in template.replace("\r\n", "\n").split("\n"):
        pieces = [(text, None if name is None else values[name].strip()) for text, name, _form, _way in Formatter().parse(line)]
        named = [value for _text, value in pieces if value is not None]
        if any(named) or not named:
            lines.append("".join(text + (value or "") for text, value in pieces).rstrip())
    return _HOLE.sub("\n\n", "\n".join(lines)).strip()


def fields_in(template: str) -> set[str]:
    """Return the names of the {fields} of *template*. Raises ValueError for a brace without its pair."""
    return {name for _text, name, _form, _way in Formatter().parse(template) if name is not None}


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What stands around every text: who writes, how to reach them, and in which language.

    Args:
        home: The address under which our own pages live; only what begins with it is a link. Empty: nothing is.
        opens: What a button says.
    """

    name: str
    foot: Sequence[str]
    language: str
    opens: str
    home: str = ""


def as_text(text: str, frame: Frame) -> str:
    """Return the whole plain text: what is said, and who says it."""
    return "\n".join([text, "", *frame.foot, ""])


def as_html(text: str, subject: str, frame: Frame) -> str:
    """Return *text* as the page that a mail program draws. It asks for nothing from anywhere: no image, no font, no script."""
    said = "\n".join(_paragraph(paragraph, frame) for paragraph in text.split("\n\n") if paragraph.strip())
    foot = "<br>\n".join(_linked(line, frame) for line in frame.foot)
    return (
        f'<!doctype html>\n<html lang="{escape(frame.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(subject)}</title>\n</head>\n"
        f'<body style="{_BODY}">\n<div style="{_SHEET}">\n<p style="{_HEAD}">{escape(frame.name)}</p>\n'
        f'{said}\n<p style="{_FOOT}">{foot}</p>\n</div>\n</body>\n</html>\n'
    )


def _paragraph(paragraph: str, frame: Frame) -> str:
    """Return the elements of one paragraph: runs of lines, of items, and the buttons between them."""
    made: list[str] = []
    lines: list[str] = []
    items: list[str] = []

    def close() -> None:
        if lines:
            made.append(f'<p style="{_PARAGRAPH}">{"<br>".join(lines)}</p>')
        if items:
            made.append(f'<ul style="{_LIST}">{"".join(f"<li>{item}</li>" for item in items)}</ul>')
        lines.clear()
        items.clear()

    for line in paragraph.split("\n"):
        said, url = _ending(line, frame.home)
        if line.startswith(HEADING):
            close()
            made.append(f'<h2 style="{_TITLE}">{escape(line.removeprefix(HEADING))}</h2>')
            continue
        if mark := _ITEM.match(line):
            if lines:
                close()
            items.append(_linked(line[mark.end() :], frame))
            continue
        if items:
            close()
        if said:
            lines.append(_linked(said, frame))
        if url:
            close()
            made.append(_button(url, frame))
    close()
    return "\n".join(made)


def _ending(line: str, home: str) -> tuple[str, str]:
    """Return *line* without the address of ours that ends it, and that address."""
    said, _space, last = line.rstrip().rpartition(" ")
    return (said, last) if _is_ours(last, home) else (line, "")


def _is_ours(word: str, home: str) -> bool:
    return bool(home) and (word == home or word.startswith(home + "/"))


def _button(url: str, frame: Frame) -> str:
    link = escape(url)
    return (
        f'<p style="{_PARAGRAPH}"><a href="{link}" style="{_BUTTON}">{escape(frame.opens)}</a>'
        f'<a href="{link}" style="{_ADDRESS}">{link}</a></p>'
    )


def _linked(line: str, frame: Frame) -> str:
    return "".join(_words(line, frame))


def _words(line: str, frame: Frame) -> Iterator[str]:
    """Yield *line* escaped, with the addresses of ours as links; a full stop after one belongs to the sentence."""
    for word in re.split(r"(\s+)", line):
        address = word.rstrip(".,;:)»”")
        if _is_ours(address, frame.home):
            yield f'<a href="{escape(address)}" style="{_LINK}">{escape(address)}</a>{escape(word[len(address) :])}'
        else:
            yield escape(word)
