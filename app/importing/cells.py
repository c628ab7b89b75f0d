"""
A cell as what its field asks: text, number, day, yes or no. Pure; the notation of a column (decimal comma, months first) is decided
by what the whole column shows, for "4,112" alone may be four thousand or four and a bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from app.domain import N_
from app.domain.text import plain
from app.importing.headers import canon

#: What people and programs write where there is nothing. In a text field only the first ones, for NA may be a name.
NOTHING = frozenset({"", "-", "--", "—", "–", ".", "#n/a", "#n/d", "null", "none", "(en blanco)"})
_LONGEST_NOTHING = max(map(len, NOTHING))
NO_VALUE = NOTHING | {"na", "n/a", "n.a.", "s/d", "sin dato", "sin datos", "sin fecha", "0000-00-00", "00/00/0000", "#¡valor!", "#value!"}
YES = frozenset({"si", "s", "yes", "y", "1", "true", "verdadero", "x", "activo", "activa", "vigente"})
NO = frozenset({"no", "n", "0", "false", "falso", "inactivo", "inactiva", "retirado", "retirada"})
_SERIAL_ZERO = datetime(1899, 12, 30)
_SERIALS = range(18_000, 73_051)  # 1949 to 2099
_YEARS = range(1900, 2101)


class BadCell(Exception):
    """A cell is not what its field asks; `msgid % facts` says why."""

    def __init__(self, msgid: str, **facts: Any) -> None:
        self.msgid, self.facts = msgid, facts
        super().__init__(msgid)


@dataclass(frozen=True, slots=True)
class Notation:
    """How a column writes numbers and days: `decimal` is "," or ".", `is_certain` whether some cell proves it."""

    decimal: str = ","
    day_first: bool = True
    is_certain: bool = False


# ── Text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u200b-\u200f\ufeff]")


def text_of(cell: Any) -> str:
    """Return *cell* as text: blanks tidied (NBSP too), whole numbers without a decimal zero, days as 2023-03-15."""
    if cell.__class__ is str:
        if cell.isprintable() and "  " not in cell:  # a NBSP is not printable
            return cell.strip()
        text = cell.replace("\xa0", " ")
        if not text.isprintable():
            text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
        text = text.strip()
        return re.sub(r" {2,}", " ", text) if "  " in text else text
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat(" ", "minutes")
    return str(cell)


def is_blank(cell: Any) -> bool:
    """Say whether *cell* holds nothing, in whatever way nothing is written."""
    return cell is None or (cell.__class__ is str and len(cell) < 40 and cell.replace("\xa0", " ").strip().lower() in NO_VALUE)


def read_text(cell: Any, most: int | None = None) -> str | None:
    """Return the text, or None. Raises BadCell: it does not fit."""
    text = text_of(cell)
    if len(text) <= _LONGEST_NOTHING and text.lower() in NOTHING:
        return None
    if most is not None and len(text) > most:
        raise BadCell(N_("The text has %(n)s characters and %(most)s fit."), n=len(text), most=most)
    return text


def read_code(cell: Any, digits: int | None = None, most: int | None = None) -> str | None:
    """Return digits and letters; zeros in front that a sheet lost are restored up to *digits*. Raises BadCell."""
    text = read_text(cell, most)
    if text is None or digits is None:
        return text
    text = text.replace(".", "").replace(",", "") if not text.isdigit() else text
    if not text.isdigit() or len(text) > digits:
        raise BadCell(N_("“%(text)s” is no code of %(digits)s digits."), text=text, digits=digits)
    return text.zfill(digits)


# ── Numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

_MONEY_SIGNS = re.compile(r"(?i)^(?:cop|usd)?\s*\$?\s*|\s*(?:cop|pesos|m3|m³|kwh|%)?$")
_COMMA_PROOF = re.compile(r"^[+-]?(?:\d{1,3}(?:\.\d{3})+,\d+|0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{1,3}(?:\.\d{3}){2,}|\d{4,},\d+)$")
_POINT_PROOF = re.compile(r"^[+-]?(?:\d{1,3}(?:,\d{3})+\.\d+|0\.\d+|\d+\.(?:\d{1,2}|\d{4,})|\d{1,3}(?:,\d{3}){2,}|\d{4,}\.\d+)$")
#: What is read at once in a column whose notation is known.
_COMMA = re.compile(r"-?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,\d{1,2})?", re.ASCII).fullmatch
_POINT = re.compile(r"-?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d{1,2})?", re.ASCII).fullmatch
_EITHER = re.compile(r"^[+-]?[1-9]\d{0,2}([.,])\d{3}$")


def _bare(text: str) -> str:
    """Return the digits and marks of a number as it was typed."""
    if text[:1].isdigit() and text[-1:].isdigit() and " " not in text and "'" not in text:
        return text
    text = _MONEY_SIGNS.sub("", text.replace("\xa0", " ").strip()).replace(" ", "").replace("'", "").replace("’", "").replace("−", "-")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    return text.removesuffix("-") if not text.endswith("-") or text == "-" else "-" + text[:-1]


def decimal_of(cell: Any, notation: Notation) -> Decimal | None:
    """Return the number, or None. What proves itself (1.234,50) is read so whatever the column says. Raises BadCell."""
    if cell.__class__ is str:
        if cell.isdigit() and cell.isascii():
            return Decimal(cell)
        if (_COMMA if notation.decimal == "," else _POINT)(cell):
            return Decimal(cell.replace(".", "").replace(",", ".") if notation.decimal == "," else cell.replace(",", ""))
        if is_blank(cell):
            return None
        text = _bare(cell)
        mark = "," if _COMMA_PROOF.match(text) else "." if _POINT_PROOF.match(text) else notation.decimal
        text = text.replace("." if mark == "," else ",", "").replace(mark, ".")
        if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", text, re.ASCII):
            raise BadCell(N_("“%(text)s” is no number."), text=text_of(cell)[:60])
        return Decimal(text)
    if cell is None:
        return None
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise BadCell(N_("“%(text)s” is no number."), text=text_of(cell)[:60])
    if cell != cell or abs(cell) > 1e30:  # not a number, or beyond any meaning
        raise BadCell(N_("“%(text)s” is no number."), text=text_of(cell)[:60])
    return Decimal(int(cell)) if cell == int(cell) else Decimal(repr(cell))


def integer_of(cell: Any, notation: Notation) -> int | None:
    """Return the whole number, or None; in a column of whole numbers a mark before three digits groups. Raises BadCell."""
    if cell.__class__ is str:
        if cell.isdigit() and cell.isascii():
            return int(cell)
        text = _bare(cell)
        if _EITHER.match(text):
            return int(text.replace(",", "").replace(".", ""))
    number = decimal_of(cell, notation)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise BadCell(N_("“%(text)s” is no whole number."), text=text_of(cell)[:60])
    return int(number)


def bounded(value: Any, least: int | None, highest: int | None) -> Any:
    """Return *value* if it lies between both. Raises BadCell."""
    if value is not None and ((least is not None and value < least) or (highest is not None and value > highest)):
        if highest is None:
            raise BadCell(N_("%(value)s is less than %(least)s."), value=str(value), least=least)
        if least is None:
            raise BadCell(N_("%(value)s is more than %(highest)s."), value=str(value), highest=highest)
        raise BadCell(N_("%(value)s is not between %(least)s and %(highest)s."), value=str(value), least=least, highest=highest)
    return value


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_MONTHS = (
    ("ene", "jan", "enero", "january"), ("feb", "febrero", "february"), ("mar", "marzo", "march"), ("abr", "apr", "abril", "april"),
    ("may", "mayo"), ("jun", "junio", "june"), ("jul", "julio", "july"), ("ago", "aug", "agosto", "august"),
    ("sep", "sept", "set", "septiembre", "setiembre", "september"), ("oct", "octubre", "october"), ("nov", "noviembre", "november"),
    ("dic", "dec", "diciembre", "december"),
)  # fmt: skip
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_HOUR = re.compile(r"[T,\s]\s*(?:a las )?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(?:([ap])\.?\s*m\.?)?(?:z|[+-]00:?00)?$", re.I)
_YMD = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$")
_DMY = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})$")
_COMPACT = re.compile(r"((?:19|20)\d{2})(0[1-9]|1[0-2])([0-3]\d)$")
_WORDS = re.compile(
    r"(?:[a-z]+,?\s+)??(\d{1,2})(?:\s*de\s+|\s*[-/. ]\s*)([a-z]{3,10})\.?(?:\s*(?:de|del|,)?\s+|\s*[-/. ]\s*)(\d{4}|\d{2})$"
)
_MONTH_FIRST = re.compile(r"(?:[a-z]+,?\s+)??([a-z]{3,10})\.?\s+(\d{1,2})\s*(?:de|del|,)?\s+(\d{4})$")


def _year(text: str) -> int:
    """Return the year; of two digits, 70 to 99 are of the last century."""
    return int(text) if len(text) == 4 else int(text) + (1900 if int(text) >= 70 else 2000)


def _no_day(cell: Any) -> BadCell:
    return BadCell(N_("“%(text)s” is no date."), text=text_of(cell)[:60])


def _parts_of(text: str, day_first: bool) -> tuple[int, int, int] | None:
    """Return year, month and day of what was typed, in whatever way; None when it is no date."""
    if found := _YMD.match(text) or _COMPACT.match(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _DMY.match(text):
        first, second, year = int(found[1]), int(found[2]), _year(found[3])
        if second > 12 >= first or (not day_first and first <= 12):
            return year, first, second
        return year, second, first
    if found := _WORDS.match(text):
        return (_year(found[3]), _MONTH_OF[found[2]], int(found[1])) if found[2] in _MONTH_OF else None
    if found := _MONTH_FIRST.match(text):
        return (int(found[3]), _MONTH_OF[found[1]], int(found[2])) if found[1] in _MONTH_OF else None
    return None


def moment_of(cell: Any, notation: Notation) -> datetime | None:
    """Return the day and hour, naive, or None; midnight where there is no hour. Raises BadCell."""
    if cell.__class__ is not str:
        return _moment_of_value(cell)
    if is_blank(cell):
        return None
    text = plain(text_of(cell))
    hour = time.min
    if found := _HOUR.search(text):
        hour = _hour(found, cell)
        text = text[: found.start()].rstrip(" ,")
    parts = _parts_of(text, notation.day_first)
    if parts is None:
        if re.fullmatch(r"\d{5}(?:[.,]\d+)?", text) and int(text[:5]) in _SERIALS:
            return _moment_of_value(float(text.replace(",", ".")))
        raise _no_day(cell)
    try:
        day = date(*parts)
    except ValueError:
        raise BadCell(N_("There is no day “%(text)s” in the calendar."), text=text_of(cell)[:60]) from None
    if day.year not in _YEARS:
        raise BadCell(N_("“%(text)s” is no date of these times."), text=text_of(cell)[:60])
    return datetime.combine(day, hour)


def _hour(found: re.Match[str], cell: Any) -> time:
    hour, half = int(found[1]), (found[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(found[2]), int(found[3] or 0))
    except ValueError:
        raise _no_day(cell) from None


def _moment_of_value(cell: Any) -> datetime | None:
    """Return the moment of a cell that the sheet already takes for a day or a serial number."""
    if cell is None:
        return None
    if isinstance(cell, datetime):
        found = cell.replace(tzinfo=None)
    elif isinstance(cell, date):
        found = datetime(cell.year, cell.month, cell.day)
    elif isinstance(cell, bool) or not isinstance(cell, int | float) or not 0 < cell < 1e8:
        raise _no_day(cell)
    elif int(cell) in _SERIALS:
        found = _SERIAL_ZERO + timedelta(days=int(cell), seconds=round((cell - int(cell)) * 86_400))
    elif parts := _COMPACT.match(str(int(cell))):
        return moment_of("".join(parts.groups()), Notation())
    else:
        raise _no_day(cell)
    if found.year not in _YEARS:
        raise BadCell(N_("“%(text)s” is no date of these times."), text=text_of(cell)[:60])
    return found


def day_of(cell: Any, notation: Notation) -> date | None:
    """Return the day, or None. Raises BadCell."""
    found = moment_of(cell, notation)
    return found and found.date()


# ── Yes and no, and values of a list ──────────────────────────────────────────────────────────────────────────────────────


def yesno_of(cell: Any) -> bool | None:
    """Return yes or no, or None. Raises BadCell."""
    if isinstance(cell, bool):
        return cell
    if is_blank(cell):
        return None
    word = canon(text_of(cell))
    if word in YES or word in NO:
        return word in YES
    raise BadCell(N_("“%(text)s” is neither yes nor no."), text=text_of(cell)[:60])


def choice_of(cell: Any, known: Mapping[str, Any], *, is_open: bool = False) -> Any:
    """
    Return the key that *known* has for the spelling of *cell*, or None; with *is_open*, the text itself where it has none.

    Raises:
        BadCell: Nobody said what it means.
    """
    text = text_of(cell)
    if text.lower() in NOTHING:
        return None
    word = canon(text)
    if word in known:
        return known[word]
    if word.lstrip("0") in known and word.isdigit():
        return known[word.lstrip("0")]
    if is_open:
        return text
    raise BadCell(N_("“%(text)s” is not in the list of this field."), text=text[:60])


# ── What a column shows ───────────────────────────────────────────────────────────────────────────────────────────────────


ENOUGH = 200


class Evidence:
    """Collects what the cells of a column prove about its notation."""

    __slots__ = ("n_comma", "n_day_first", "n_either", "n_month_first", "n_point", "seen")

    def __init__(self) -> None:
        self.n_comma = self.n_point = self.n_either = self.n_day_first = self.n_month_first = 0
        self.seen: set[str] = set()

    def of_numbers(self, cells: Iterable[Any]) -> None:
        """Count the texts that prove a decimal comma or point; what is proven often enough is not looked at again."""
        if abs(self.n_comma - self.n_point) >= ENOUGH:
            return
        for cell in cells:
            if cell.__class__ is str and ("," in cell or "." in cell):
                text = _bare(cell)
                if _COMMA_PROOF.match(text):
                    self.n_comma += 1
                elif _POINT_PROOF.match(text):
                    self.n_point += 1
                elif found := _EITHER.match(text):
                    self.n_either += 1
                    self.seen.add(found[1])

    def of_days(self, cells: Iterable[Any]) -> None:
        """Count the texts that prove which of two numbers is the month."""
        if abs(self.n_day_first - self.n_month_first) >= ENOUGH:
            return
        for cell in cells:
            if cell.__class__ is str and cell and (found := _DMY.match(cell.strip().split(" ")[0] if "/" in cell else cell.strip()[:10])):
                first, second = int(found[1]), int(found[2])
                self.n_day_first += first > 12 >= second
                self.n_month_first += second > 12 >= first

    def notation(self) -> Notation:
        """
        Return what the column writes. Where nothing proves it: a mark before three digits groups thousands, and days come first,
        as Colombia writes.
        """
        decimal, is_certain = ",", self.n_comma != self.n_point
        if self.n_comma != self.n_point:
            decimal = "," if self.n_comma > self.n_point else "."
        elif "," in self.seen and "." not in self.seen:
            decimal = "."  # "4,112" alone: the comma groups
        day_first = self.n_day_first >= self.n_month_first
        return Notation(decimal, day_first, is_certain or self.n_day_first != self.n_month_first)


Reader = Callable[[Any], Any]


class Column:
    """Converts the cells of a column. What repeats (names, dates, amounts) is remembered; a column where nothing does is not."""

    MOST, TRIAL = 20_000, 2_000

    def __init__(self, read: Reader) -> None:
        self.read = read
        self._known: _Memo | None = _Memo(read, self.MOST)
        self._n = 0

    def convert(self, cells: Sequence[Any]) -> list[Any]:
        """Return their values. Raises BadCell for the first bad one."""
        if self._known is None:
            return list(map(self.read, cells))
        values = list(map(self._known.__getitem__, cells))
        self._n += len(cells)
        if self._n >= self.TRIAL and len(self._known) > self._n // 2:
            self._known = None
        return values


class _Memo(dict[Any, Any]):
    def __init__(self, read: Reader, most: int) -> None:
        super().__init__()
        self._read, self._most = read, most

    def __missing__(self, cell: Any) -> Any:
        value = self._read(cell)
        if len(self) < self._most:
            self[cell] = value
        return value
