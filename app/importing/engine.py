"""
From the rows of a file to the rows of a kind: header, mapping, notation of each column, values, problems.

Columns are converted whole, a block at a time, by readers made once a run; that is what makes 100,000 rows a matter of seconds.
Nothing here touches the database but through the verbs of the kind.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import IO, Any

from app.domain import N_
from app.domain.errors import DomainError
from app.forms import check_email, check_phone
from app.importing import cells as reads
from app.importing.cells import BadCell, Column, Evidence, Notation, Reader, text_of
from app.importing.headers import AMONG_WORDS, Header, canon, find_header, is_total, name_columns, suggest, year_of
from app.importing.kinds import Field, Kind, Option, Problem, Row, Run, Type
from app.importing.reading import Book, Cells, open_book

BLOCK = 1000
N_LOOKED_AT = 60  # rows of a sheet in which its header is sought
CENT = Decimal("0.01")
NUMBERS = (Type.INTEGER, Type.DECIMAL, Type.MONEY)
DAYS = (Type.DATE, Type.MOMENT)
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,50}[A-Za-z0-9]@(?:[A-Za-z0-9-]{1,40}\.){1,3}[A-Za-z]{2,8}").fullmatch
_PHONES = re.compile(r"\s*(?:[/;,]|\s[-yo]\s|(?i:ext).*)\s*").split
_NO_DIGITS = re.compile(r"\D").sub
_COLOMBIAN = re.compile(r"(?:57)?(?:3(?:0[0-5]|1\d|2[0-4]|33|5[01])\d{7}|60[1-8][2-9]\d{6})").fullmatch


class MappingRefused(DomainError):
    """The columns cannot be read like that."""


# ── What a sheet is ───────────────────────────────────────────────────────────────────────────────────────────────────────


def spellings_of(kind: Kind) -> dict[str, frozenset[str]]:
    """Return by which headers each field is known."""
    return {each.name: frozenset(canon(text) for text in (each.name, each.label, *each.synonyms)) for each in kind.fields}


def pivots_of(kind: Kind) -> dict[str, str]:
    """Return the fields that columns of years may fill, each with the field that the year goes to."""
    return {each.name: each.pivot for each in kind.fields if each.pivot}


def head_of(book: Book, sheet: str) -> list[Cells]:
    """Return the first rows of *sheet*."""
    return list(islice(book.rows(sheet), N_LOOKED_AT))


def header_of(rows: Sequence[Cells], kind: Kind) -> Header:
    """Return the header that *rows* seem to have, for *kind*."""
    return find_header(rows, spellings_of(kind), pivots_of(kind))


def header_at(rows: Sequence[Cells], first: int, depth: int) -> Header:
    """Return the header that somebody chose: *depth* rows from *first* (0-based) on. Raises MappingRefused."""
    if not 0 <= first < len(rows) or not 1 <= depth <= 5 or not any(map(text_of, rows[first])):
        raise MappingRefused(N_("There is no header in those rows."), field="first")
    return Header(first, depth, name_columns(rows[first : first + depth]))


def suggested(header: Header, kind: Kind) -> dict[int, str]:
    """Return the mapping that the names of the columns suggest."""
    return suggest(header.names, spellings_of(kind), pivots_of(kind), AMONG_WORDS if kind.subject else 0)


def check_mapping(kind: Kind, mapping: Mapping[int, str]) -> None:
    """Raise MappingRefused when a field is filled twice, or one that every row needs by no column."""
    plain_names = [name for name in mapping.values() if "@" not in name]
    given = {name.partition("@")[0] for name in mapping.values()}
    if any("@" in name for name in mapping.values()):
        given |= {pivot for name, pivot in pivots_of(kind).items() if name in given}
    for each in kind.fields:
        if plain_names.count(each.name) > 1:
            raise MappingRefused(N_("Two columns fill “%(name)s”. Choose one."), field="mapping", name=each.label)
        if each.is_required and each.name not in given and each.default is None:
            raise MappingRefused(N_("No column fills “%(name)s”, and every row needs it."), field="mapping", name=each.label)


# ── The plan of a run ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Plan:
    """
    How the rows of one sheet become rows of a kind.

    Attributes:
        mapping: Column → field, or `field@2021` for a column of a pivot.
        values: What people said that unknown values of a CHOICE field mean: field → canonical spelling → key.
        notation: How each column of numbers or days is written; `survey` fills it.
        n_lines: Lines under the header; `survey` counts them.
        n_skipped: Rows that are none of the table: empty, totals, the header repeated.
    """

    kind: Kind
    sheet: str
    header: Header
    mapping: Mapping[int, str]
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notation: dict[int, Notation] = field(default_factory=dict)
    n_lines: int = 0
    n_skipped: int = 0
    first_of: dict[Any, int] = field(default_factory=dict)

    def field_of(self, column: int) -> Field:
        name = self.mapping[column].partition("@")[0]
        return next(each for each in self.kind.fields if each.name == name)

    def columns_by_field(self) -> dict[str, int]:
        return {name.partition("@")[0]: column for column, name in sorted(self.mapping.items(), reverse=True)}


def _lines(book: Book, plan: Plan) -> Iterator[tuple[int, Cells]]:
    """Yield the lines under the header, each with its number (the first of the sheet is 1)."""
    start = plan.header.first + plan.header.depth
    return enumerate(islice(book.rows(plan.sheet), start, None), start + 1)


def survey(book: Book, plan: Plan, values: bool = False) -> dict[str, dict[str, int]]:
    """
    Read all rows once to see how the columns write numbers and days; return the values of CHOICE columns that nobody knows.

    Args:
        values: Look for unknown values too: field → value as written → how many rows.
    """
    columns = {column: plan.field_of(column) for column in plan.mapping}
    evidence = {column: Evidence() for column, each in columns.items() if each.type in NUMBERS + DAYS}
    seen: dict[int, dict[str, int]] = {c: {} for c, each in columns.items() if each.type is Type.CHOICE} if values else {}
    lines = (cells for _number, cells in _lines(book, plan))
    plan.n_lines = 0
    while block := list(islice(lines, 5000)):
        plan.n_lines += len(block)
        for column, found in evidence.items():
            cells = [row[column] for row in block if column < len(row)]
            if columns[column].type in NUMBERS:
                found.of_numbers(cells)
            else:
                found.of_days(cells)
        for column, counts in seen.items():
            for row in block:
                if column < len(row) and not is_total(row):
                    text = text_of(row[column])
                    counts[text] = counts.get(text, 0) + 1
    plan.notation = {column: found.notation() for column, found in evidence.items()}
    return {columns[column].name: counts for column, counts in seen.items()}


def known_values(kind: Kind, options: Mapping[str, Sequence[Option]], said: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what each spelling of a CHOICE field means: the options of the house, then what people said."""
    known: dict[str, dict[str, Any]] = {}
    for each in kind.fields:
        if each.type is Type.CHOICE:
            table = known[each.name] = {}
            for option in options.get(each.name, ()):
                for spelling in option.spellings():
                    table.setdefault(spelling, option.key)
            keys = {str(option.key): option.key for option in options.get(each.name, ())}
            table |= {spelling: keys[str(key)] for spelling, key in said.get(each.name, {}).items() if str(key) in keys}
    return known


# ── Readers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def reader_of(each: Field, notation: Notation, known: Mapping[str, Any]) -> Reader:
    """Return what turns a cell into the value of a field; it raises BadCell."""
    match each.type:
        case Type.TEXT:
            read: Reader = lambda cell: reads.read_text(cell, each.most)  # noqa: E731
        case Type.CODE:
            read = lambda cell: reads.read_code(cell, each.digits, each.most)  # noqa: E731
        case Type.INTEGER:
            read = lambda cell: reads.bounded(reads.integer_of(cell, notation), each.least, each.highest)  # noqa: E731
        case Type.DECIMAL:
            read = lambda cell: reads.bounded(reads.decimal_of(cell, notation), each.least, each.highest)  # noqa: E731
        case Type.MONEY:
            read = lambda cell: reads.bounded(_cents(reads.decimal_of(cell, notation)), each.least, each.highest)  # noqa: E731
        case Type.DATE:
            read = lambda cell: reads.day_of(cell, notation)  # noqa: E731
        case Type.MOMENT:
            read = lambda cell: reads.moment_of(cell, notation)  # noqa: E731
        case Type.YESNO:
            read = reads.yesno_of
        case Type.EMAIL:
            read = _email
        case Type.PHONE:
            read = _phone
        case Type.CHOICE:
            read = lambda cell: reads.choice_of(cell, known, is_open=each.is_open)  # noqa: E731
    return _defaulted(read, each.default) if each.default is not None else read


def _defaulted(read: Reader, default: Any) -> Reader:
    def reading(cell: Any) -> Any:
        value = read(cell)
        return default if value is None else value

    return reading


def _cents(number: Decimal | None) -> Decimal | None:
    return None if number is None else number.quantize(CENT, ROUND_HALF_UP)


def _email(cell: Any) -> str | None:
    """Return an e-mail address; of several, the first."""
    text = reads.read_text(cell)
    if text is None or reads.is_blank(text):
        return None
    first = text.replace(",", ";").partition(";")[0].strip()
    if _PLAIN_EMAIL(first):
        local, _at, domain = first.partition("@")
        return f"{local}@{domain.lower()}"
    try:
        return check_email(first)
    except DomainError:
        raise BadCell(N_("“%(text)s” is no e-mail address."), text=text[:60]) from None


def _phone(cell: Any) -> str | None:
    """Return a telephone as E.164; of several, the first that is one. Colombian numbers of ten digits need no library."""
    text = reads.read_text(cell)
    if text is None or reads.is_blank(text):
        return None
    for part in _PHONES(text):
        digits = _NO_DIGITS("", part)
        if _COLOMBIAN(digits):
            return f"+57{digits[-10:]}"
        try:
            return check_phone(part)
        except DomainError:
            continue
    raise BadCell(N_("“%(text)s” is no telephone number."), text=text[:60])


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_rows(book: Book, plan: Plan, run: Run, known: Mapping[str, Mapping[str, Any]], skip: int = 0) -> Iterator[list[Row]]:
    """
    Yield the rows of the table in blocks, converted and checked; the bad ones among them with their problems.

    A block holds the rows of `BLOCK` lines: a pivot yields several rows a line.

    Args:
        skip: Lines of the sheet, from its top, that an earlier run has done: they are read for repeated keys and not yielded.
    """
    run.columns = plan.columns_by_field()
    readers = {
        column: Column(reader_of(plan.field_of(column), plan.notation.get(column, Notation()), known.get(plan.field_of(column).name, {})))
        for column in plan.mapping
    }
    width, lines = len(plan.header.names), _lines(book, plan)
    with _seldom_collecting():
        while block := list(islice(lines, BLOCK)):
            kept = [line for line in block if not _is_blank(line[1])]
            rows = _rows_of(kept, plan, readers, width) if kept else []
            plan.n_skipped += len(block) - len(kept)
            rows = _without_totals(rows, plan)
            _refuse_repeated(rows, plan)
            good = [row for row in rows if not row.problems]
            if good:
                plan.kind.check(good, run)
            if not skip or block[-1][0] > skip:
                yield [row for row in rows if row.number > skip] if skip else rows


_USUAL = gc.get_threshold()


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Let the collector of cycles look seldom: rows come and go in blocks and hold none, and to look for them took half of the time."""
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)


def _is_blank(cells: Cells) -> bool:
    return not any(cells) or not any(map(text_of, cells))


def _rows_of(lines: Sequence[tuple[int, Cells]], plan: Plan, readers: Mapping[int, Column], width: int) -> list[Row]:
    """Return the rows of *lines*, column by column."""
    numbers = [number for number, _cells in lines]
    table = [cells if len(cells) == width else [*cells[:width], *[""] * (width - len(cells))] for _number, cells in lines]
    columns = list(zip(*table, strict=True))
    problems: dict[int, list[Problem]] = {}
    doubts: dict[int, list[Problem]] = {}
    for index, (_number, cells) in enumerate(lines):
        if len(cells) > width and any(map(text_of, cells[width:])):
            facts = {"n": len(cells), "most": width}
            text = N_("This row has %(n)s cells and the header %(most)s: a delimiter may stand inside a text without quotation marks.")
            problems[index] = [Problem(text, facts)]
    values: dict[str, list[Any]] = {}
    pivoted: list[tuple[str, int, list[Any], dict[int, list[Problem]]]] = []
    for column, name in plan.mapping.items():
        each = plan.field_of(column)
        if "@" in name:
            bad: dict[int, list[Problem]] = {}
            cells = _converted(columns[column], readers[column], each, bad, bad)
            pivoted.append((each.name, year_of(name.partition("@")[2]) or 0, cells, bad))
        else:
            values[each.name] = _converted(columns[column], readers[column], each, problems, doubts)
    n = len(lines)
    for each in plan.kind.fields:
        if each.name not in values:
            values[each.name] = [each.default] * n
    if pivoted:
        return _unpivoted(plan, numbers, table, values, pivoted, problems)
    _require(plan.kind.fields, values, problems)
    names = tuple(values)
    rows = [Row(number, cells, dict(zip(names, each, strict=True)))
            for number, cells, each in zip(numbers, table, zip(*values.values(), strict=True), strict=True)]  # fmt: skip
    for index, found in problems.items():
        rows[index].problems = tuple(found)
    for index, found in doubts.items():
        rows[index].doubts = tuple(found)
    if plan.kind.keeps_rest:
        free = [(column, name) for column, name in enumerate(plan.header.names) if name and column not in plan.mapping]
        for row in rows:
            row.rest = {name: text for column, name in free if (text := text_of(row.cells[column]))}
    return rows


def _converted(
    cells: Sequence[Any], column: Column, each: Field, problems: dict[int, list[Problem]], doubts: dict[int, list[Problem]]
) -> list[Any]:
    """Return the values of a column; the whole of it at once, and cell by cell only when one is bad."""
    try:
        return column.convert(cells)
    except BadCell:
        pass
    values: list[Any] = []
    for index, cell in enumerate(cells):
        try:
            values.append(column.read(cell))
        except BadCell as error:
            values.append(None)
            if each.is_lenient:
                doubts.setdefault(index, []).append(Problem(error.msgid, error.facts, each.name, "UNREADABLE"))
            else:
                problems.setdefault(index, []).append(Problem(error.msgid, error.facts, each.name))
    return values


def _require(fields: Sequence[Field], values: Mapping[str, list[Any]], problems: dict[int, list[Problem]]) -> None:
    for each in fields:
        if each.is_required and None in values[each.name]:
            for index, value in enumerate(values[each.name]):
                if value is None and not any(problem.name == each.name for problem in problems.get(index, ())):
                    problems.setdefault(index, []).append(Problem(N_("“%(name)s” is empty."), {"name": each.label}, each.name, "EMPTY"))


def _unpivoted(
    plan: Plan,
    numbers: Sequence[int],
    table: Sequence[Cells],
    values: Mapping[str, list[Any]],
    pivoted: Sequence[tuple[str, int, list[Any], dict[int, list[Problem]]]],
    problems: Mapping[int, list[Problem]],
) -> list[Row]:
    """Return a row for each line and column of years that has a value."""
    pivot, required = pivots_of(plan.kind)[pivoted[0][0]], [each for each in plan.kind.fields if each.is_required]
    rows = []
    for index, (number, cells) in enumerate(zip(numbers, table, strict=True)):
        base = {name: column[index] for name, column in values.items()}
        for name, year, column, bad in pivoted:
            if column[index] is None and index not in bad:
                continue
            row = Row(number, cells, base | {name: column[index], pivot: year})
            row.problems = (*problems.get(index, ()), *bad.get(index, ()))
            row.problems += tuple(
                Problem(N_("“%(name)s” is empty."), {"name": each.label}, each.name, "EMPTY")
                for each in required
                if row.values[each.name] is None and not any(problem.name == each.name for problem in row.problems)
            )
            rows.append(row)
    return rows


def _without_totals(rows: list[Row], plan: Plan) -> list[Row]:
    """Leave out what is no row of the table: totals under it, and the header where a print repeated it."""
    header, n_filled = plan.header.names, len(plan.mapping) / 2
    left = {row.number for row in rows if _is_sum(row, n_filled) or (row.problems and _repeats(row.cells, header))}
    plan.n_skipped += len(left)
    return [row for row in rows if row.number not in left] if left else rows


def _is_sum(row: Row, n_filled: float) -> bool:
    """Say whether *row* is a sum under the table: it begins as one, and lacks what rows have."""
    first = row.cells[0] or next((cell for cell in row.cells if cell), "")
    if first.__class__ is not str or first[:1] not in "TtGgSs" or not is_total(row.cells):
        return False
    return any(problem.code == "EMPTY" for problem in row.problems) or sum(map(bool, row.cells)) <= n_filled


def _repeats(cells: Cells, header: Sequence[str]) -> bool:
    named = [(canon(text_of(cell)), canon(name)) for cell, name in zip(cells, header, strict=False) if name]
    return bool(named) and all(text and name.endswith(text) for text, name in named)


def _refuse_repeated(rows: Sequence[Row], plan: Plan) -> None:
    """Refuse the rows whose key an earlier row of the file has."""
    key, first_of = plan.kind.key, plan.first_of
    if not key:
        return
    for row in rows:
        if row.problems:
            continue
        values = row.values
        mark = values[key[0]] if len(key) == 1 else tuple(values[name] for name in key)
        first = first_of.setdefault(mark, row.number)
        if first != row.number:
            row.refuse(N_("The same as row %(row)s, which has this key too."), key[0], row=first)


# ── All at once ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_of(book: Book, kind: Kind, sheet: str | None = None) -> Plan:
    """Return the plan that needs nobody: the first sheet, the header that was found, the columns by their names."""
    sheet = sheet or book.sheets[0]
    header = header_of(head_of(book, sheet), kind)
    return Plan(kind, sheet, header, suggested(header, kind))


def parse_all(
    stream: IO[bytes], kind: Kind, run: Run | None = None, options: Mapping[str, Sequence[Option]] | None = None
) -> Iterator[list[Row]]:
    """
    Yield all rows of a file, converted and checked, with a mapping by itself; for benches and commands. Touches no database.

    Raises:
        FileRefused, MappingRefused: It cannot be read, or has no column for a field that every row needs.
    """
    book = open_book(stream)
    plan = plan_of(book, kind)
    check_mapping(kind, plan.mapping)
    survey(book, plan)
    run = run or Run(session=None, source="", at=None)  # type: ignore[arg-type]
    yield from read_rows(book, plan, run, known_values(kind, options or {}, plan.values))
