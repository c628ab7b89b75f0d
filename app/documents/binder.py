"""
Joins PDF files into one foliated file: page n of it is folio n, stamped at the top right, whatever the size or turn of the page.

What was added waits on the disk, and one file at a time is in memory, so that a case of any size can be bound.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, NullObject, NumberObject, PdfObject, StreamObject

_FONT = "/AtiendeFolio"
_SIZE, _PAD, _EDGE = 9, 4, 14
#: Widths of Helvetica in thousandths, for the characters of a stamp that are not 556.
_WIDTHS = {" ": 278, "F": 611, "P": 667, "Q": 778, "R": 722, "-": 333, "l": 222, "i": 222, "·": 278}
#: Bytes of parts that were read after which what read them is collected.
_HEAVY = 64 * 2**20
#: Objects that the bound file has once: the tree of pages and the catalogue.
_TREE, _CATALOGUE = 1, 2


class Unreadable(Exception):
    """A PDF whose pages cannot be taken: protected with a password, or broken."""


class Binder:
    """A file under way: `add` in order, then `bind` once with what goes before it all. A context manager, as it keeps files."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="expediente")
        self._parts: list[Path] = []
        self._n_read = 0

    def __enter__(self) -> Binder:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._folder.cleanup()

    def add(self, content: IO[bytes]) -> int:
        """Take the pages of *content*; return how many. Raises Unreadable, and then nothing was taken."""
        part = Path(self._folder.name) / f"{len(self._parts)}.pdf"
        with part.open("wb") as clean:
            n = _rewrite(content, clean)
        self._parts.append(part)
        self._n_read += part.stat().st_size
        if self._n_read > _HEAVY:
            self._n_read = 0
            gc.collect()  # what read them are cycles, and the collector counts objects, not their bytes
        return n

    def bind(self, front: IO[bytes], out: IO[bytes], label: str, n_folios: int) -> None:
        """Write *front* and then all that was added to *out*; every page says its folio, of *n_folios*, and *label*."""
        bound = _Bound(out, f"Folio %d de {n_folios} · {label.replace('%', '%%')}")
        bound.append(front)
        for part in self._parts:
            with part.open("rb") as content:
                bound.append(content)
        bound.finish()


def _rewrite(content: IO[bytes], clean: IO[bytes]) -> int:
    """Write the pages of *content* to *clean* as a plain PDF; return how many. Raises Unreadable."""
    try:
        with PdfReader(content, strict=False) as reader, PdfWriter() as writer:
            if reader.is_encrypted and not reader.decrypt(""):
                raise Unreadable
            writer.append(reader, import_outline=False)
            n = len(writer.pages)
            writer.write(clean)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, NotImplementedError) as error:
        raise Unreadable from error  # whatever a broken file makes a reader stumble over
    if not n:
        raise Unreadable
    return n


# ── The bound file ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Bound:
    """Writes the objects of each part under numbers of their own, and their pages into one tree."""

    out: IO[bytes]
    stamp: str
    at: dict[int, int] = field(default_factory=dict)
    pages: list[int] = field(default_factory=list)
    last: int = _CATALOGUE

    def __post_init__(self) -> None:
        self.out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def append(self, content: IO[bytes]) -> None:
        with PdfReader(content) as reader:
            size = int(reader.trailer["/Size"])  # type: ignore[call-overload]
            base, self.last = self.last, self.last + size
            pages = {page.indirect_reference.idnum: page for page in reader.pages if page.indirect_reference}
            for number, page in pages.items():
                self.pages.append(base + number)
                self._stamp(page, base)
            for number in range(1, size):
                thing = pages.get(number) or reader.get_object(number)
                if thing is None or (isinstance(thing, DictionaryObject) and thing.get("/Type") in ("/Pages", "/Catalog")):
                    continue
                _move(thing, base)
                self._write(base + number, thing)

    def _stamp(self, page: PageObject, base: int) -> None:
        """Draw the folio over the page, whatever its own content leaves undone. Its references are moved by *base* later."""
        _inner(_inner(page, "/Resources"), "/Font")[NameObject(_FONT)] = _HELVETICA
        drawn = page.raw_get("/Contents") if "/Contents" in page else ArrayObject()
        known = drawn.get_object()
        parts = [] if known is None or isinstance(known, NullObject) else [*known] if isinstance(known, ArrayObject) else [drawn]
        before, after = self._draw(b"q\n"), self._draw(b"\nQ\n" + _drawing(page, self.stamp % len(self.pages)))
        page[NameObject("/Contents")] = ArrayObject([IndirectObject(before - base, 0, None), *parts, IndirectObject(after - base, 0, None)])
        page[NameObject("/Parent")] = IndirectObject(_TREE - base, 0, None)

    def _draw(self, drawing: bytes) -> int:
        """Write a content stream; return its number."""
        stream = StreamObject()
        stream.set_data(drawing)
        self.last += 1
        self._write(self.last, stream)
        return self.last

    def finish(self) -> None:
        """Write what holds the parts together. The file is whole only then."""
        kids = ArrayObject(IndirectObject(number, 0, None) for number in self.pages)
        self._write(_TREE, _dictionary(Type=NameObject("/Pages"), Kids=kids, Count=NumberObject(len(kids))))
        self._write(_CATALOGUE, _dictionary(Type=NameObject("/Catalog"), Pages=IndirectObject(_TREE, 0, None)))
        start = self.out.tell()
        self.out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (self.last + 1))
        for number in range(1, self.last + 1):
            self.out.write(b"%010d 00000 n \n" % self.at[number] if number in self.at else b"0000000000 65535 f \n")
        trailer = _dictionary(Size=NumberObject(self.last + 1), Root=IndirectObject(_CATALOGUE, 0, None))
        self.out.write(b"trailer\n")
        trailer.write_to_stream(self.out)
        self.out.write(b"\nstartxref\n%d\n%%%%EOF\n" % start)

    def _write(self, number: int, thing: PdfObject) -> None:
        self.at[number] = self.out.tell()
        self.out.write(b"%d 0 obj\n" % number)
        thing.write_to_stream(self.out)
        self.out.write(b"\nendobj\n")


def _move(thing: object, by: int) -> None:
    """Add *by* to every number of an object that *thing* refers to."""
    match thing:
        case IndirectObject():
            thing.idnum += by
        case DictionaryObject():
            for value in thing.values():
                _move(value, by)
        case ArrayObject():
            for value in thing:
                _move(value, by)


def _inner(outer: DictionaryObject, key: str) -> DictionaryObject:
    """Return the dictionary under *key*, made when missing. One that is an object of its own stays one: pages share them."""
    found = outer.get(key, NullObject()).get_object()
    if not isinstance(found, DictionaryObject):
        found = outer[NameObject(key)] = DictionaryObject()
    return found


def _dictionary(**entries: PdfObject) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): value for name, value in entries.items()})


# ── The stamp ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


_HELVETICA = _dictionary(
    Type=NameObject("/Font"), Subtype=NameObject("/Type1"), BaseFont=NameObject("/Helvetica"), Encoding=NameObject("/WinAnsiEncoding")
)


def _drawing(page: PageObject, text: str) -> bytes:
    """Return the content that draws *text* in a white box at the top right of *page*, as it is seen."""
    box, turn = page.cropbox, page.rotation % 360
    left, bottom, right, top = (float(side) for side in (box.left, box.bottom, box.right, box.top))
    width, height = (right - left, top - bottom) if turn in (0, 180) else (top - bottom, right - left)
    matrix = {
        0: (1, 0, 0, 1, left, bottom),
        90: (0, 1, -1, 0, right, bottom),
        180: (-1, 0, 0, -1, right, top),
        270: (0, -1, 1, 0, left, top),
    }[turn]
    wide = sum(_WIDTHS.get(char, 556) for char in text) * _SIZE / 1000 + 2 * _PAD
    x, y = max(width - wide - _EDGE, 0), height - _SIZE - 2 * _PAD - _EDGE
    shown = text.encode("cp1252", "replace").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"q %s cm 1 g 0.6 G 0.5 w %.2f %.2f %.2f %d re B BT 0 g %s %d Tf %.2f %.2f Td (%s) Tj ET Q\n" % (
        b" ".join(b"%.2f" % value for value in matrix), x, y, wide, _SIZE + 2 * _PAD,
        _FONT.encode(), _SIZE, x + _PAD, y + _PAD + 1.5, shown,
    )  # fmt: skip
