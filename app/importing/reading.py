"""
Files of others as sheets of rows: CSV in any usual encoding and delimiter, XLSX and ODS through calamine.

Rows come as lists of cells, one after the other. A CSV is read as a stream; calamine holds one sheet, some 100 bytes a cell. What a
file claims is checked before anything is unpacked: one cell at the far corner of a sheet would take more memory than there is.
"""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO, Any

from charset_normalizer import from_bytes
from python_calamine import CalamineError, CalamineWorkbook

from app.domain import N_
from app.domain.errors import DomainError

Cells = list[Any]
DELIMITERS = ",;\t|"
SAMPLE_BYTES = 256 * 1024
SAMPLE_LINES = 200
MAX_UNPACKED = 1_500_000_000  # bytes of a workbook, unzipped
MAX_AREA = 30_000_000  # cells of the rectangle that a sheet spans, empty ones too
MAX_COLUMNS = 500
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


class FileRefused(DomainError):
    """The file cannot be read as a table; the text says why and what to do."""

    def __init__(self, msgid: str, **fields: Any) -> None:
        super().__init__(msgid, field="file", **fields)


class Book(ABC):
    """An open file: its sheets, and what had to be guessed about it (`notes`: name → value, as data)."""

    sheets: tuple[str, ...]
    notes: dict[str, str]

    @abstractmethod
    def rows(self, sheet: str) -> Iterator[Cells]:
        """Yield the rows of *sheet* from its first line on; empty ones too, so that the n-th is line n."""

    def n_rows(self, sheet: str) -> int | None:
        """Return how many lines *sheet* has, where that is known without reading it."""
        return None

    def merged(self, sheet: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Return the merged ranges of *sheet*: (row, column) of two corners, from 0."""
        return []


def open_book(stream: IO[bytes]) -> Book:
    """
    Return the table file that *stream*, which can seek, holds; its name counts for nothing.

    Raises:
        FileRefused: It is no such file, it is protected, or it claims a size beyond any use.
    """
    stream.seek(0)
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(b"PK"):
        return SheetBook(stream)
    if head.startswith(_OLD_EXCEL):
        raise FileRefused(N_("This is a workbook of an old Excel, or one with a password. Save it as XLSX without a password, or as CSV."))
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"Rar!", b"\x1f\x8b")):
        raise FileRefused(N_("This is no table. Choose a CSV, XLSX or ODS file."))
    return TextBook(stream)


# ── Workbooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class SheetBook(Book):
    """An XLSX or ODS workbook."""

    def __init__(self, stream: IO[bytes]) -> None:
        _check_claims(stream)
        stream.seek(0)
        try:
            self._book = CalamineWorkbook.from_filelike(stream)  # type: ignore[arg-type]
        except (CalamineError, OSError, ValueError) as error:
            raise FileRefused(N_("This workbook cannot be read: it is damaged or has a password. Save it again as XLSX.")) from error
        self.sheets = tuple(self._book.sheet_names)
        self.notes = {}
        self._open: tuple[str, Any] | None = None

    def _sheet(self, name: str) -> Any:
        if self._open is None or self._open[0] != name:
            self._open = None  # one sheet in memory at a time
            try:
                self._open = name, self._book.get_sheet_by_name(name)
            except (CalamineError, OSError, ValueError) as error:
                raise FileRefused(N_("The sheet “%(sheet)s” cannot be read."), sheet=name) from error
        return self._open[1]

    def rows(self, sheet: str) -> Iterator[Cells]:
        found = self._sheet(sheet)
        if found.start is None:
            return
        if n_left := found.start[1]:  # columns that are empty from top to bottom, which calamine leaves out
            yield from ([""] * n_left + row for row in found.iter_rows())
        else:
            yield from found.iter_rows()

    def n_rows(self, sheet: str) -> int | None:
        found = self._sheet(sheet)
        return found.total_height if found.start is not None else 0

    def merged(self, sheet: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        return list(self._sheet(sheet).merged_cell_ranges or ())


_ROW = re.compile(rb'<row r="(\d+)"')
_WIDE = re.compile(rb' r="([A-Z]{2,3})\d')


def _check_claims(stream: IO[bytes]) -> None:
    """Raise FileRefused for a workbook that would unpack to something enormous."""
    try:
        with zipfile.ZipFile(stream) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise FileRefused(N_("This workbook unpacks to more than can be read at once. Split it, or save it as CSV."))
            for part in archive.infolist():
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part.filename):
                    _check_area(archive, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise FileRefused(N_("This workbook cannot be read: it is damaged or has a password. Save it again as XLSX.")) from error


def _check_area(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Raise FileRefused when the rectangle from A1 to the furthest cell of a sheet is too big to be held."""
    last_row, last_column, tail = 0, 26, b""
    with archive.open(part) as xml:
        while block := xml.read(1 << 20):
            block = tail + block
            last_row = max(last_row, max(map(int, _ROW.findall(block)), default=0))
            wide = set(_WIDE.findall(block))
            last_column = max(last_column, max(map(_column_number, wide), default=0))
            tail = block[-256:]
    if last_row * last_column > MAX_AREA or last_column > MAX_COLUMNS * 4:
        raise FileRefused(
            N_("A sheet of this workbook has something at row %(row)s, column %(column)s, far from the rest. "
               "Copy the table to a new workbook, without the empty rows and columns, and choose that one."),
            row=last_row, column=last_column,
        )  # fmt: skip


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


# ── Text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class TextBook(Book):
    """A CSV, whatever its encoding and delimiter."""

    sheets = ("CSV",)

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.encoding = encoding_of(stream)
        self.delimiter = delimiter_of(self._sample())
        name = {",": N_("comma"), ";": N_("semicolon"), "\t": N_("tab"), "|": "|"}[self.delimiter]
        self.notes = {"encoding": self.encoding, "delimiter": name}

    def _sample(self) -> str:
        self._stream.seek(0)
        text = self._stream.read(SAMPLE_BYTES).decode(self.encoding, "ignore")
        if re.search(r"[\x00\x01-\x08\x0e-\x1a]", text):
            raise FileRefused(N_("This is no table. Choose a CSV, XLSX or ODS file."))
        return text

    def rows(self, sheet: str) -> Iterator[Cells]:
        self._stream.seek(0)
        text = TextIOWrapper(_Kept(self._stream), self.encoding, errors="replace", newline="")  # type: ignore[type-var]
        line = 0
        try:
            for line, row in enumerate(csv.reader(text, delimiter=self.delimiter), 1):
                if line == 1 and 0 < len(row) <= 2 and row[0].lower().startswith("sep=") and not any(row[1:]):
                    yield []  # a line for Excel, which is no row of the table
                    continue
                yield row
        except csv.Error as error:
            raise FileRefused(N_("Row %(row)s of the file cannot be read: a quotation mark may be missing there."), row=line + 1) from error
        finally:
            text.detach()


class _Kept:
    """A stream that stays open when its wrapper goes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.closed = False

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def read(self, n: int = -1) -> bytes:
        return self._stream.read(n)

    read1 = read


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_SPANISH = re.compile(r"[áéíóúñüÁÉÍÓÚÑÜ¿¡°ºª–—“”’€]")
#: The pages of old programs, the likeliest first; each decodes almost anything.
_PAGES = ("cp1252", "cp850", "mac_roman", "latin-1")


def encoding_of(stream: IO[bytes]) -> str:
    """Return the encoding of a text: its mark, UTF-8 if all of it is valid, else the page that makes it Spanish."""
    stream.seek(0)
    sample = stream.read(SAMPLE_BYTES)
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if sample.count(b"\0") > len(sample) // 4:
        return "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"
    stream.seek(0)
    decoder, odd = codecs.getincrementaldecoder("utf-8")(), b""
    try:
        while block := stream.read(1 << 20):
            odd = block
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _page_of(sample if not sample.isascii() else odd)
    return "utf-8"


def _page_of(sample: bytes) -> str:
    """Return the page of one byte a letter that reads *sample* best: as Spanish if that decides it, else as charset-normalizer says."""
    scores = {}
    for page in _PAGES[:3]:
        try:
            text = sample.decode(page)
        except UnicodeDecodeError:
            continue
        odd = re.sub(r"[\x00-\x7f]", "", text)
        scores[page] = len(_SPANISH.findall(odd)) / max(len(odd), 1)
    best = max(scores, key=lambda page: scores[page], default="latin-1")
    if scores.get(best, 0) > 0.5:
        return best
    guess = from_bytes(sample[:65536]).best()
    return guess.encoding if guess is not None and guess.encoding not in {"ascii", "utf_8"} else "latin-1"


def delimiter_of(sample: str) -> str:
    """Return the delimiter under which the lines of *sample* have the same number of columns most often, and more than one."""
    lines = sample.splitlines(keepends=True)[:SAMPLE_LINES]
    if lines and (found := re.match(r"(?i)sep=([,;\t|])\s*$", lines[0])):
        return found[1]
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        if not widths:
            continue
        width, n = Counter(widths).most_common(1)[0]
        score = n / len(widths) * (1 + min(width, 30) / 30) if width > 1 else 0
        if score > most:
            best, most = delimiter, score
    return best
