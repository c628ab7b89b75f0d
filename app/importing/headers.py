"""Headers: which rows of a sheet name its columns, what each is called once its spelling is forgiven, and which field it fills."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from app.domain.text import plain

SEPARATOR = " / "
DEEPEST = 3  # rows of a merged header
HIGHEST = 25  # title rows above it
AMONG_WORDS = 1.9  # how well a field may match that is only named in a longer header
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_YEAR = re.compile(r"(?:19|20)\d{2}(?:\.0)?$")
_TOTAL = re.compile(r"(gran |sub ?)?total(es)?( general)?( |$)|suma$|grand total$")


@lru_cache(maxsize=8192)
def canon(text: str) -> str:
    """Return *text* as headers and values are compared: small letters, no accents, one space between words."""
    return _BETWEEN_WORDS.sub(" ", plain(text)).strip()


@dataclass(frozen=True, slots=True)
class Header:
    """The rows `first` to `first + depth - 1` (from 0) of a sheet, and the name of each column; "" for one without name."""

    first: int
    depth: int
    names: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Return what tells this header again: its names in their order, their spelling forgiven."""
        return sha256("\x1f".join(map(canon, self.names)).encode()).hexdigest()[:40]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).replace("\xa0", " ").split())


def name_columns(rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """
    Return one name a column from the rows of a header: "Fechas / Recibo".

    A cell over several columns, as merged cells and pivots leave it, is theirs as far as the next one, if it has a name below it.
    Names that repeat get a number.
    """
    width = max((len(row) for row in rows), default=0)
    levels = [[_text(cell) for cell in row] + [""] * (width - len(row)) for row in rows]
    for depth, level in enumerate(levels[:-1]):
        below = levels[depth + 1]
        for column in range(1, width):
            is_under_same = all(upper[column] == upper[column - 1] for upper in levels[:depth])
            has_child = bool(below[column]) and (bool(below[column - 1]) or level[column - 1] == "")
            spans_deeper = depth + 2 < len(levels) and not below[column] and bool(levels[-1][column])
            if not level[column] and level[column - 1] and is_under_same and (has_child or spans_deeper):
                level[column] = level[column - 1]
    names: list[str] = []
    for column in range(width):
        parts = list(dict.fromkeys(part for level in levels if (part := level[column])))
        names.append(SEPARATOR.join(parts))
    return _numbered(names)


def _numbered(names: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        n = seen[name] = seen.get(name, 0) + 1
        found.append(f"{name} ({n})" if name and n > 1 else name)
    return tuple(found)


def year_of(name: str) -> int | None:
    """Return the year that a column of a pivot stands for, or None."""
    last = name.rpartition(SEPARATOR)[2]
    return int(float(last)) if _YEAR.match(last) else None


def is_total(cells: Iterable[Any]) -> bool:
    """Say whether a row begins as the totals under a table do."""
    first = next((cell for cell in cells if cell not in ("", None)), "")
    return isinstance(first, str) and bool(_TOTAL.match(canon(first)))


# ── Which field a column fills ────────────────────────────────────────────────────────────────────────────────────────────


def _score(name: str, spellings: frozenset[str]) -> float:
    """Return how well a header is one of *spellings*: whole, in its last part, in any part, or among its words; 0 for not at all."""
    if (whole := canon(name)) in spellings:
        return 3
    parts = [canon(part) for part in name.split(SEPARATOR)]
    if parts[-1] in spellings:
        return 2.5
    if any(part in spellings for part in parts):
        return 2
    if (unnumbered := re.sub(r" \d$", "", whole)) != whole and unnumbered in spellings:
        return 0.5
    longest = max((len(each) for each in spellings if len(each) > 3 and f" {each} " in f" {whole} "), default=0)
    return 1 + longest / 100 if longest else 0


def suggest(names: Sequence[str], fields: Mapping[str, frozenset[str]], pivots: Mapping[str, str], least: float = 0) -> dict[int, str]:
    """
    Return which field each column seems to fill, by column; the best match first, each field and column once.

    Args:
        fields: Spellings of each field.
        least: What a match has to be better than; `AMONG_WORDS` leaves out those in the middle of a sentence.
        pivots: Fields that every column of years fills; such a column is written `field@2021`.
    """
    found: dict[int, str] = {}
    years = {column: year for column, name in enumerate(names) if (year := year_of(name)) is not None} if pivots else {}
    if len(years) > 1:
        name = next(iter(pivots))
        found = {column: f"{name}@{year}" for column, year in years.items()}
    scored = [
        (_score(header, spellings), -column, -order, name)
        for column, header in enumerate(names)
        if header and column not in found
        for order, (name, spellings) in enumerate(fields.items())
    ]
    taken = {name.partition("@")[0] for name in found.values()} | ({pivots[next(iter(pivots))]} if found else set())
    for score, minus_column, _order, name in sorted(scored, reverse=True):
        if score > least and -minus_column not in found and name not in taken:
            found[-minus_column] = name
            taken.add(name)
    return dict(sorted(found.items()))


def find_header(rows: Sequence[Sequence[Any]], fields: Mapping[str, frozenset[str]], pivots: Mapping[str, str]) -> Header:
    """
    Return the header among the first *rows* of a sheet: where the columns match the fields best; without any match, the first row
    that is as full as the rows under it and holds text.
    """
    best, most = None, 0.0
    for first in range(min(len(rows), HIGHEST)):
        if not any(cell not in ("", None) for cell in rows[first]):
            continue
        for depth in range(1, DEEPEST + 1):
            if first + depth > len(rows) or (depth > 1 and not any(cell not in ("", None) for cell in rows[first + depth - 1])):
                break
            names = name_columns(rows[first : first + depth])
            matched = suggest(names, fields, pivots)
            score = sum(_score(names[column], fields[name]) if "@" not in name else 1 for column, name in matched.items())
            score -= 0.4 * (depth - 1) + _waste(rows[first : first + depth], names, rows[first + depth : first + depth + 5])
            if score > most:
                best, most = Header(first, depth, names), score
    return _with_codes(best, rows) if best else _fullest(rows)


def _with_codes(header: Header, rows: Sequence[Sequence[Any]]) -> Header:
    """Return *header* with the row above it, where that names every column too: surveys have a code over each question."""
    above = rows[header.first - 1] if header.first else ()
    n_named = sum(map(bool, header.names))
    is_full = sum(isinstance(cell, str) and bool(cell.strip()) for cell in above) >= max(2, 0.9 * n_named)
    if not is_full or header.depth == DEEPEST:
        return header
    first, depth = header.first - 1, header.depth + 1
    return Header(first, depth, name_columns(rows[first : first + depth]))


def _waste(header: Sequence[Sequence[Any]], names: Sequence[str], below: Sequence[Sequence[Any]]) -> float:
    """Return what speaks against a header: cells that look like data, and columns with data but no name."""
    odd = sum(
        not isinstance(cell, str) or (bool(re.search(r"\d", cell)) and not re.search(r"[^\W\d_]", cell))
        for row in header
        for cell in row
        if cell not in ("", None) and not _YEAR.match(_text(cell))
    )
    nameless = sum(
        1 for column, name in enumerate(names) if not name and any(column < len(row) and row[column] not in ("", None) for row in below)
    )
    return odd * 0.5 + nameless * 0.3


def _fullest(rows: Sequence[Sequence[Any]]) -> Header:
    """Return the first row that has text in most of the columns that the sheet has."""
    widths = [sum(cell not in ("", None) for cell in row) for row in rows[:HIGHEST]]
    full = max(widths, default=0)
    for index, n in enumerate(widths):
        if n >= max(1, 0.6 * full) and all(isinstance(cell, str) for cell in rows[index]):
            return Header(index, 1, name_columns([rows[index]]))
    return Header(0, 1, name_columns(rows[:1]))
