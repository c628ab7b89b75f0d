"""
The grammar of a list: what may be asked of it, all of it in the address.

    q=torres            the search box          status=ROUTED,SOLVED   any of these          party=12     rows of another table
    filed_on=week       a preset                due_on=2026-01-01..    a range, ends free    is_active=1  yes or no
    order=-due_on       newest first            cols=number,subject    columns, in order     after=, before=, end=1   the page

A `Facet` is one thing to filter by; a view declares them once and they are never changed. A `Listing` is what one request asks of
one view: nothing of it lives longer than the request, so that two readers in two threads never share a filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.extensions import LOCAL_ZONE
from app.lookups import BIGGEST_ID, LOOKUPS
from app.queries import plan_of
from app.words import say_day, say_number

EMPTY = "empty"
#: Rows counted exactly; beyond it a list says "more than".
BOUND = 10_000
#: Rows that are sorted sooner than an index is walked for them.
FEW = 2_000
#: Names of the address that are no facet.
RESERVED = frozenset({"q", "order", "cols", "after", "before", "end", "from", "facet", "set", "v", "since", "until"})
MOST_VALUES = 50


@dataclass(frozen=True, slots=True)
class Moment:
    """What a filter needs to know of its reader and his day; the calendar is read only by whoever asks for it."""

    today: date
    user_id: int
    calendar: Callable[[], BusinessCalendar]


#: How the screen of a table limits its rows to its reader; written when the screens start. Elsewhere they are named within it too.
SCOPES: dict[type, Callable[[Select[Any]], Select[Any]]] = {}


# ── What a list may be filtered by ────────────────────────────────────────────────────────────────────────────────────────


class Bad(ValueError):
    """What somebody typed into a filter means nothing; the text says what to write."""


@dataclass(frozen=True)
class Facet:
    """
    One thing to filter by: its name in the address, its label, and how its values become a condition and words.

    `form` names the control that the panel of the filter shows: choices, seek, dates, numbers or text.
    """

    name: str
    label: Any
    form: ClassVar[str] = "text"

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        """Return the condition that *value* means, or None when it means nothing (an old or mangled address)."""
        raise NotImplementedError

    def words(self, session: Session, value: str) -> str:
        """Return *value* as the chip says it."""
        return value

    def options(self, session: Session) -> list[tuple[str, str]]:
        """Return (value, words) of what the panel offers to tick."""
        return []

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        """Return what the panel sent as a value of the address; empty takes the filter away. Raises Bad."""
        return ",".join(dict.fromkeys(value for value in given.get("v", ()) if value))


def _split(value: str) -> list[str]:
    return [part for part in value.split(",")[:MOST_VALUES] if part]


@dataclass(frozen=True)
class Choices(Facet):
    """A closed list: `choices()` gives (value, msgid); `clause(value, moment)` the condition of one."""

    choices: Callable[[], Iterable[tuple[str, str]]]
    clause: Callable[[str, Moment], ColumnElement[bool]]
    form: ClassVar[str] = "choices"

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        known = dict(self.choices())
        clauses = [self.clause(part, moment) for part in _split(value) if part in known]
        return or_(*clauses) if clauses else None

    def words(self, session: Session, value: str) -> str:
        known = dict(self.choices())
        return ", ".join(_(known[part]) for part in _split(value) if part in known)

    def options(self, session: Session) -> list[tuple[str, str]]:
        return [(value, _(text)) for value, text in self.choices()]


def enum_facet(name: str, label: Any, column: Any, enum: type[Enum]) -> Choices:
    """Return the facet of an enum column, by the names of its members; a column that may be empty offers that too."""
    is_nullable = bool(column.property.columns[0].nullable)

    def choices() -> list[tuple[str, str]]:
        return [(member.name, member.value) for member in enum] + ([(EMPTY, N_("(empty)"))] if is_nullable else [])

    return Choices(name, label, choices, lambda value, _moment: column.is_(None) if value == EMPTY else column == enum[value])


def flag_facet(name: str, label: Any, column: Any) -> Choices:
    """Return the facet of a yes/no column."""
    return Choices(name, label, lambda: (("1", N_("Yes")), ("0", N_("No"))), lambda value, _moment: column.is_(value == "1"))


@dataclass(frozen=True)
class Rows(Facet):
    """Rows of another table, by key: all of them to tick while it is small, else found with a look-up (`LOOKUPS[kind]`)."""

    column: Any
    model: type
    key: Any
    kind: str | None = None
    may_be_empty: bool = False
    own: Callable[[Moment], Any] | None = None  # what `me` means, where it means something
    SMALL: ClassVar[int] = 60

    @property
    def form(self) -> str:  # type: ignore[override]
        return "seek" if self.kind else "choices"

    def _keys(self, value: str) -> list[Any]:
        kind, keys = self.key.type.python_type, []
        for part in _split(value):
            try:
                key = kind(part)
            except ValueError:
                continue
            if not isinstance(key, int) or 0 <= key <= BIGGEST_ID:
                keys.append(key)
        return keys

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        clauses, parts = [], _split(value)
        keys = self._keys(value)
        if keys:
            clauses.append(self.column.in_(keys))
        if EMPTY in parts:
            clauses.append(self.column.is_(None))
        if "me" in parts and self.own is not None:
            clauses.append(self.own(moment))
        return or_(*clauses) if clauses else None

    def _seen(self) -> Select[Any]:
        """Return the SELECT of the rows that the reader may know of."""
        rows = select(self.model)
        return SCOPES[self.model](rows) if self.model in SCOPES else rows

    def _text(self, row: Any) -> str:
        return LOOKUPS[self.kind].text(row) if self.kind else str(row)

    def _special(self) -> list[tuple[str, str]]:
        mine = [("me", _("me"))] if self.own is not None else []
        return mine + ([(EMPTY, _("(empty)"))] if self.may_be_empty else [])

    def options(self, session: Session) -> list[tuple[str, str]]:
        if self.kind:
            return self._special()
        rows = session.scalars(self._seen().limit(self.SMALL)).all()
        return self._special() + sorted(((str(getattr(row, self.key.key)), str(row)) for row in rows), key=lambda pair: pair[1])

    def named(self, session: Session, value: str) -> list[tuple[str, str]]:
        """Return (value, words) of what *value* holds; a row that is gone, or that the reader does not see, keeps its key."""
        special = dict(self._special())
        keys = self._keys(value)
        statement = self._seen().where(self.key.in_(keys))
        rows = {str(getattr(row, self.key.key)): row for row in session.scalars(statement)} if keys else {}
        return [
            (part, special[part] if part in special else self._chip(rows[part]) if part in rows else part)
            for part in dict.fromkeys(_split(value))
        ]

    @staticmethod
    def _chip(row: Any) -> str:
        return str(getattr(row, "number", None) or row)

    def words(self, session: Session, value: str) -> str:
        return ", ".join(text for _key, text in self.named(session, value))

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        values = dict.fromkeys(value for value in given.get("v", ()) if value)
        typed = " ".join((given.get("text") or [""])[0].split())
        if typed and self.kind:
            found = session.scalars(LOOKUPS[self.kind].find(typed).limit(2)).all()
            if len(found) != 1:
                many = _("Several match. Choose one of the list, or write its whole number.")
                raise Bad(many if found else _("Nothing matches. Choose one of the list, or write its whole number."))
            values[str(getattr(found[0], self.key.key))] = None
        return ",".join(values)


class Preset(Enum):
    """Spans of days that follow the calendar, so that a saved filter is right tomorrow too."""

    OVERDUE = N_("before today")
    TODAY = N_("today")
    NEXT5 = N_("today and the next 5 working days")
    WEEK = N_("this week")
    MONTH = N_("this month")
    LAST30 = N_("the last 30 days")
    YEAR = N_("this year")


def span_of(preset: Preset, moment: Moment) -> tuple[date | None, date | None]:
    """Return first and last day of *preset*; None leaves an end open. Raises CalendarGap for NEXT5 beyond the calendar."""
    today = moment.today
    match preset:
        case Preset.OVERDUE:
            return None, today - timedelta(days=1)
        case Preset.TODAY:
            return today, today
        case Preset.NEXT5:
            return today, moment.calendar().add(today, 5)
        case Preset.WEEK:
            monday = today - timedelta(days=today.weekday())
            return monday, monday + timedelta(days=6)
        case Preset.MONTH:
            following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
            return today.replace(day=1), following - timedelta(days=1)
        case Preset.LAST30:
            return today - timedelta(days=30), today
        case Preset.YEAR:
            return today.replace(month=1, day=1), today.replace(month=12, day=31)


@dataclass(frozen=True)
class Dates(Facet):
    """Local days of a date column, or of an instant."""

    column: Any
    form: ClassVar[str] = "dates"

    @property
    def _is_instant(self) -> bool:
        return issubclass(self.column.type.python_type, datetime)

    @property
    def may_be_empty(self) -> bool:
        return bool(self.column.property.columns[0].nullable)

    @staticmethod
    def range_of(value: str) -> tuple[date | None, date | None]:
        """Return the two ends of `2026-01-01..2026-01-31`; one day is both ends. Raises ValueError."""
        since, dots, until = value.partition("..")
        first = date.fromisoformat(since) if since else None
        return first, (date.fromisoformat(until) if until else None) if dots else first

    def _ends(self, since: date | None, until: date | None) -> ColumnElement[bool] | None:
        def start(day: date) -> Any:
            return datetime.combine(day, time.min, LOCAL_ZONE).astimezone(UTC) if self._is_instant else day

        after_until = until + timedelta(days=1) if until and until < date.max else None
        clauses = [self.column >= start(since)] if since else []
        if after_until:
            clauses.append(self.column < start(after_until))
        return and_(*clauses) if clauses else None

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        if value == EMPTY and self.may_be_empty:
            return self.column.is_(None)
        try:
            ends = span_of(Preset[value.upper()], moment) if value.upper() in Preset.__members__ else self.range_of(value)
            return self._ends(*ends)
        except (ValueError, OverflowError):
            return None

    def words(self, session: Session, value: str) -> str:
        if value == EMPTY:
            return _("(empty)")
        if value.upper() in Preset.__members__:
            return _(Preset[value.upper()].value)
        try:
            since, until = self.range_of(value)
        except ValueError:
            return ""
        if since and until:
            return say_day(since) if since == until else _("%(since)s to %(until)s", since=say_day(since), until=say_day(until))
        return _("from %(day)s", day=say_day(since)) if since else _("until %(day)s", day=say_day(until))

    def options(self, session: Session) -> list[tuple[str, str]]:
        empty = [(EMPTY, _("(empty)"))] if self.may_be_empty else []
        return [(preset.name.lower(), _(preset.value)) for preset in Preset] + empty

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        since, until = ((given.get(name) or [""])[0].strip() for name in ("since", "until"))
        if not (since or until):
            return (given.get("v") or [""])[0]
        try:
            ends = [date.fromisoformat(text) if text else None for text in (since, until)]
        except ValueError:
            raise Bad(_("Write each day as year-month-day, for example 2026-07-24.")) from None
        if ends[0] and ends[1] and ends[0] > ends[1]:
            raise Bad(_("The first day comes after the last one."))
        return f"{since}..{until}"


@dataclass(frozen=True)
class Numbers(Facet):
    """A number, or a range of them."""

    column: Any
    form: ClassVar[str] = "numbers"

    @staticmethod
    def _number(text: str) -> Decimal | None:
        if not text:
            return None
        number = Decimal(text)
        if not number.is_finite() or abs(number) > BIGGEST_ID * 1000:
            raise InvalidOperation
        return number

    def _range(self, value: str) -> tuple[Decimal | None, Decimal | None]:
        low, dots, high = value.partition("..")
        return self._number(low), self._number(high) if dots else self._number(low)

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        try:
            low, high = self._range(value)
        except InvalidOperation:
            return None
        clauses = [self.column >= low] if low is not None else []
        if high is not None:
            clauses.append(self.column <= high)
        return and_(*clauses) if clauses else None

    def words(self, session: Session, value: str) -> str:
        try:
            low, high = self._range(value)
        except InvalidOperation:
            return ""
        if low is not None and high is not None:
            return say_number(low) if low == high else _("%(low)s to %(high)s", low=say_number(low), high=say_number(high))
        return _("from %(low)s", low=say_number(low)) if low is not None else _("up to %(high)s", high=say_number(high))

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        low, high = ((given.get(name) or [""])[0].strip().replace(",", ".") for name in ("since", "until"))
        try:
            ends = self._number(low), self._number(high)
        except InvalidOperation:
            raise Bad(_("Write numbers, without dots for thousands.")) from None
        if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
            raise Bad(_("The first number is larger than the last one."))
        return f"{low}..{high}" if low or high else ""


@dataclass(frozen=True)
class Text(Facet):
    """Exactly this text: codes and keys; words are for the search box."""

    column: Any
    form: ClassVar[str] = "text"

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        try:
            return self.column == self.column.type.python_type(value[:200])
        except ValueError:
            return None

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        return " ".join((given.get("text") or [""])[0].split())[:200]


# ── Order and pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Order:
    """By which column, which way. NULL counts as the largest value, on both engines."""

    name: str
    column: Any
    key: Any
    is_descending: bool
    is_nullable: bool

    def cursor(self, value: Any, key: Any) -> str:
        """Return the place of a row as the address carries it: its value, a dot, its key."""
        match value:
            case None:
                text = ""
            case Enum():
                text = value.name
            case datetime() | date():
                text = value.isoformat()
            case _:
                text = str(value)
        return f"{text}.{key}"

    def place(self, cursor: str) -> tuple[Any, Any] | None:
        """Return (value, key) of *cursor*, or None when it is no place of this order."""
        text, dot, key = cursor.rpartition(".")
        if not dot or len(cursor) > 400:
            return None
        try:
            place = _typed(self.column.type, text) if text or not self.is_nullable else None, _typed(self.key.type, key)
        except (ValueError, InvalidOperation, KeyError):
            return None
        return place if not isinstance(place[1], int) or 0 <= place[1] <= BIGGEST_ID else None


def _typed(kind: Any, text: str) -> Any:
    enum = getattr(kind, "enum_class", None)
    if enum is not None:
        return enum[text]
    python = kind.python_type
    if python is bool:
        return text == "True"
    if issubclass(python, datetime):
        return datetime.fromisoformat(text)
    if issubclass(python, date):
        return date.fromisoformat(text)
    value = python(text)
    if isinstance(value, int) and abs(value) > BIGGEST_ID * 1000:
        raise ValueError(text)
    return value


def page_of(
    session: Session,
    statement: Select[Any],
    order: Order,
    limit: int,
    *,
    after: tuple[Any, Any] | None = None,
    is_backward: bool = False,
    is_few: bool = False,
) -> list[Any]:
    """
    Return up to *limit* rows of *statement* beyond *after* in *order*: each the row's own columns and then its value and key.

    Args:
        is_backward: Walk against the order, from *after* or from the end; rows still come in order.
        is_few: What the filters leave is little: find it and sort it. By the index of the order, PostgreSQL may walk all the others.

    The cost does not depend on how deep the page lies: an index range starts at the key. A nullable column takes a second
    statement at the border between values and NULLs.
    """
    is_down = order.is_descending != is_backward
    value, key = order.column, order.key
    parts: list[list[ColumnElement[bool]]]
    beyond = (lambda left, right: left < right) if is_down else (lambda left, right: left > right)
    if not order.is_nullable:
        parts = [[beyond(tuple_(value, key), after)]] if after else [[]]
    else:
        values, nothing = [value.is_not(None)], [value.is_(None)]
        if after is None:
            parts = [nothing, values] if is_down else [values, nothing]
        elif after[0] is None:
            here = [*nothing, beyond(key, after[1])]
            parts = [here, values] if is_down else [here]
        else:
            here = [*values, beyond(tuple_(value, key), after)]
            parts = [here] if is_down else [here, nothing]
    sorted_by = func.coalesce(value, value) if is_few else value  # no index has that
    by = (sorted_by.desc(), key.desc()) if is_down else (sorted_by.asc(), key.asc())
    found: list[Any] = []
    options = plan_of(statement)
    for part in parts:
        if len(found) < limit:
            wanted = statement.add_columns(value, key).where(*part).order_by(*by).limit(limit - len(found))
            found += session.execute(wanted.execution_options(**options)).all()
    return found[::-1] if is_backward else found


@dataclass(frozen=True, slots=True)
class Page:
    """25 rows and where they lie: the addresses of the other pages are empty where there is none."""

    rows: list[Any]
    n: int
    first: int
    first_url: str
    previous_url: str
    next_url: str
    last_url: str

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def is_bounded(self) -> bool:
        return self.n > BOUND


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter: its words, and the addresses that change it and take it away."""

    name: str
    label: Any
    words: str
    change_url: str
    remove_url: str


class Listing:
    """
    What one request asks of a list.

    Args:
        url: The address of the list, without its query.
        given: The query, as werkzeug's MultiDict or any mapping of text to text.
        facets: What the view may be filtered by.
        hidden: Other names of the query that belong to the list (none of its facets) and stay in its addresses.
    """

    def __init__(self, url: str, given: Mapping[str, str], facets: Sequence[Facet], hidden: Iterable[str] = ()) -> None:
        self.url = url
        given = {name: value.replace("\0", "") for name, value in given.items()}  # PostgreSQL has no text with NUL
        self.facets = {facet.name: facet for facet in facets}
        self.q = " ".join(given.get("q", "")[:100].split())
        self.values = {name: given[name][:1000] for name in given if name in self.facets and given[name]}
        self.order_text = given.get("order", "")[:60]
        self.cols_text = given.get("cols", "")[:1000]
        self.after, self.before = given.get("after", ""), given.get("before", "")
        self.is_end = given.get("end") == "1"
        self.hidden = {name: given[name] for name in hidden if given.get(name)}
        try:
            self.start = min(max(int(given.get("from", "1")), 1), BIGGEST_ID)
        except ValueError:
            self.start = 1

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.values)

    def query(self, **changes: str) -> dict[str, str]:
        """Return the query of this list, without the place in it, with *changes*; an empty value takes a name out."""
        kept = {"q": self.q, **self.values, "order": self.order_text, "cols": self.cols_text, **self.hidden}
        return {name: value for name, value in (kept | changes).items() if value}

    def to(self, **changes: str) -> str:
        """Return the address of this list with *changes*."""
        query = urlencode(self.query(**changes), safe=",.:")
        return f"{self.url}?{query}" if query else self.url

    def state(self) -> str:
        """Return what a saved filter keeps: the query without search place."""
        return urlencode(self.query(), safe=",.:")

    def conditions(self, moment: Moment) -> Iterator[ColumnElement[bool]]:
        """Yield the condition of each active filter. Raises CalendarGap."""
        for name, value in self.values.items():
            condition = self.facets[name].condition(value, moment)
            if condition is not None:
                yield condition

    def chips(self, session: Session) -> list[Chip]:
        """Return the active filters in words."""
        return [
            Chip(name, facet.label, facet.words(session, value), self.to(facet=name), self.to(**{name: ""}))
            for name, value in self.values.items()
            for facet in (self.facets[name],)
        ]

    def page(self, session: Session, statement: Select[Any], order: Order, n: int, size: int) -> Page:
        """Return the page that the address names, out of *n* rows (counted up to `BOUND` + 1)."""
        place = order.place(self.after or self.before) if self.after or self.before else None
        is_backward = self.is_end or bool(self.before and place)
        is_known = n <= BOUND
        wanted = (n % size or size) if self.is_end and is_known else size
        is_few = statement.whereclause is not None and n <= FEW and not order.is_descending  # what is asked for is mostly new
        found = page_of(
            session, statement, order, wanted + 1, after=None if self.is_end else place, is_backward=is_backward, is_few=is_few
        )
        has_more = len(found) > wanted
        rows = (found[1:] if is_backward else found[:-1]) if has_more else found
        first = (max(n - len(rows) + 1, 1) if is_known else 0) if self.is_end else self.start if place else 1
        if is_backward and not self.is_end and not has_more:
            first = 1
        has_previous = has_more if is_backward else place is not None
        has_next = (place is not None and not self.is_end) if is_backward else has_more

        def beyond(way: str, row: Any, start: int) -> str:
            return self.to(**{way: order.cursor(row[-2], row[-1]), "from": str(start) if first else ""})

        return Page(
            rows=rows,
            n=n,
            first=first,
            first_url=self.to() if has_previous else "",
            previous_url=beyond("before", rows[0], max(first - size, 1)) if rows and has_previous else "",
            next_url=beyond("after", rows[-1], first + len(rows)) if rows and has_next else "",
            last_url=self.to(end="1") if has_next else "",
        )
