"""
The contract of a report: what it is called, which controlled format it fills, what may be filtered, its columns, its rows, its totals.

A report is made for one reader, one filter and one day, and knows nothing of screens or files: the screen, `xlsx.py` and
`delimited.py` read the same header and rows. It receives its reader's scope and rights; it asks nobody who the reader is.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict

from app.domain.calendar import BusinessCalendar
from app.domain.controlled import PRINTS, PrintHead
from app.domain.reports import ReportFormat, ReportGroup
from app.domain.text import plain
from app.drawing import Plot
from app.operations.controlled import print_head
from app.words import say_number

#: The values of one row, in the order of the header; None leaves a cell empty, and `Linked` says where the rows behind a value are.
Cells = tuple[Any, ...]
#: Limits a SELECT to the rows of a reader.
Scope = Callable[[Select[Any]], Select[Any]]


class Kind(Enum):
    """What the cells of a column hold. Every writer has its notation for each; none guesses from a value."""

    TEXT = "str"
    CASE = "str, the number of a case: the screen links it"
    DATE = "date"
    DATETIME = "naive datetime, on the wall clock of Colombia"
    INT = "int"
    MONEY = "Decimal, pesos"
    DECIMAL = "Decimal or float, two decimals"
    BOOL = "bool, shown as yes or no"
    WRITTEN = "str, a number or a date in the notation that another program wants"


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column: its heading (a msgid), what its cells hold, and how many characters wide it is.

    `is_said`: the heading was written by somebody and is no msgid. `wraps`: a long text goes on below, in a higher row.
    """

    title: str
    kind: Kind = Kind.TEXT
    width: int = 12
    is_said: bool = False
    wraps: bool = False

    @property
    def heading(self) -> str:
        """Return the heading as it is written, in the reader's language unless somebody chose the words."""
        return self.title if self.is_said else _(self.title)


@dataclass(frozen=True, slots=True)
class ControlledFormat:
    """A format of the quality system that a report fills, as the register of documents has it; without code, one that fills none."""

    code: str
    version: str
    name: str
    changed_on: date | None = None

    @classmethod
    def of(cls, head: PrintHead | None, name: str) -> ControlledFormat:
        """Return what the register says in *head*; only *name*, in the reader's language, where it has no edition in force."""
        return cls(head.code, head.version, head.name, head.changed_on) if head else cls("", "", name)


def format_of(session: Session, key: str, name: str) -> ControlledFormat:
    """Return the format that the print *key* of `domain.controlled.PRINTS` fills; only *name* where it fills none. One statement."""
    return ControlledFormat.of(print_head(session, key) if key in PRINTS else None, name)


@dataclass(frozen=True, slots=True)
class Linked:
    """A value and the address of the list that has exactly its rows. Files write the value, screens link it."""

    value: Any
    path: str


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One total: its label, in the reader's language, and its value.

    `path` leads to its rows, `before` is the value it is compared with, `tone` a word of state of the style sheet, `unit` what follows it.
    """

    label: str
    value: int | Decimal | str
    path: str = ""
    before: int | Decimal | None = None
    tone: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A fact in words, in the reader's language; `path` leads to its rows, `tone` is a word of state of the style sheet."""

    text: str
    path: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """
    One table of a report: a sheet of the workbook, a chapter of the PDF, a section of the page.

    `rows` streams every row; `first` gives up to so many for a page (None: the first ones of `rows`); `n_rows` has the database count
    them (None: they are few, groups and no records). `figures` and `plots` say what the table adds up to, without reading its rows.
    `about` says in words what is counted and what is left out.
    """

    key: str
    title: str
    header: tuple[Column, ...]
    rows: Callable[[], Iterator[Cells]]
    about: str = ""
    figures: tuple[Figure, ...] = ()
    plots: tuple[Plot, ...] = ()
    n_rows: Callable[[], int] | None = None
    first: Callable[[int], list[Cells]] | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a report is made for: what they may do, and which rows are theirs. Whoever makes a report brings one; it asks nobody else."""

    user_id: int
    name: str
    may: Callable[[str, str], bool]
    scopes: Mapping[str, Scope]

    def scope(self, table: str, statement: Select[Any]) -> Select[Any]:
        """Return *statement* limited to the reader's rows of *table*. Raises KeyError for one without scope: then all or nothing is his."""
        return self.scopes[table](statement)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one making of a report starts from. `form` is valid; `at` is Colombian wall clock, naive."""

    session: Session
    reader: Reader
    form: Any
    calendar: BusinessCalendar
    at: datetime

    @property
    def today(self) -> date:
        return self.at.date()


@dataclass(frozen=True, slots=True)
class Cover:
    """Who issues a report, in which format, for whom and when: the first sheet of the workbook. `at` is Colombian wall clock."""

    organisation: str
    format: ControlledFormat
    author: str
    at: datetime


class FilterForm(FlaskForm):
    """
    What narrows a report. It travels in the URL and changes nothing, so it carries no token.

    A subclass says in words what was asked for, and in arguments how to ask for it again; this one asks for everything.
    """

    class Meta:
        csrf = False

    def load(self, session: Session, reader: Reader) -> None:
        """Give the fields their choices, of what *reader* may ask for."""

    def in_words(self, today: date) -> list[str]:
        """Return what a valid form asks for, a sentence a part, in the reader's language."""
        return []

    def args(self) -> dict[str, str]:
        """Return the arguments of the address that asks for the same again."""
        return {}


class Report(ABC):
    """A report. `identifier` is also its key among `domain.controlled.PRINTS`, when it fills a controlled format."""

    identifier: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    header: ClassVar[tuple[Column, ...]]
    form: ClassVar[type[FilterForm]]

    @abstractmethod
    def rows(self) -> Iterator[Cells]:
        """Yield every row, streamed: memory does not grow with their number. Raises what the domain raises."""

    @abstractmethod
    def totals(self) -> list[Figure]:
        """Return the figures of the rows that `rows()` has yielded so far."""

    @abstractmethod
    def filters_in_words(self) -> list[str]:
        """Return what was asked for, and what the reader's rights leave out, in the reader's language."""

    def parts(self) -> Sequence[Part]:
        """Return its tables, in order; one of a single table is its own part."""
        return (Part("rows", _(self.name), self.header, self.rows),)

    @cached_property
    def tables(self) -> Sequence[Part]:
        """The same, made once: what writers and pages read."""
        return self.parts()

    def headline(self) -> list[Figure]:
        """Return the few figures that stand above everything, counted by the database."""
        return []

    def sentences(self) -> Sequence[Sentence]:
        """Return what a manager reads first, a fact a sentence; none for a report that only lists."""
        return ()

    def file_name(self, format: ControlledFormat, on: date, extension: str) -> str:
        """Return the name of the download: R10-01-01-2026-07-10.xlsx, by what readers call it where it fills no controlled format."""
        called = format.code or plain(_(self.name))
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in called)
        return f"{re.sub('-{2,}', '-', safe).strip('-')[:60]}-{on:%Y-%m-%d}.{extension}"


class PartedReport(Report):
    """A report of several tables: `parts` and `headline` say all of it, and there are no rows besides theirs."""

    header = ()

    def rows(self) -> Iterator[Cells]:
        yield from ()

    def totals(self) -> list[Figure]:
        return self.headline()


def _form(offer: Offer, args: Mapping[str, Any], session: Session, reader: Reader, today: date) -> FilterForm:
    form = offer.report.form(ImmutableMultiDict(args))
    form.load(session, reader)
    return form


@dataclass(frozen=True, slots=True)
class Offer:
    """
    A report in the catalogue: who may open it, how it is made, in which formats, for whom it is meant.

    `right` opens the page; its view with `can_export` lets the file leave. `address` is its own page, where it has one; else the page
    of all reports shows it. `serves` says in a sentence for whom and for what it is (a msgid), `norm` what asks for it. `read` makes
    the form of the arguments of an address, where `Report.form` is not one that takes just them. An offer without formats is a page
    that the catalogue names, and gives no file by itself.
    """

    report: type[Report]
    group: ReportGroup
    right: tuple[str, str]
    make: Callable[[Asked], Report]
    serves: str
    norm: str = ""
    formats: tuple[ReportFormat, ...] = tuple(ReportFormat)
    address: str = ""
    words: tuple[str, ...] = field(default=())
    read: Callable[[Offer, Mapping[str, Any], Session, Reader, date], Any] = _form

    @property
    def key(self) -> str:
        return self.report.identifier

    @property
    def export_right(self) -> tuple[str, str]:
        return "can_export", self.right[1]


def n_of(session: Session, statement: Select[Any]) -> int:
    """Return how many rows *statement* has, counted by the database: what `Part.n_rows` of a streamed part answers."""
    return session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0


def compared(figure: Figure) -> str:
    """Return in words how *figure* stands against what it is compared with; empty for one that is compared with nothing."""
    if figure.before is None or isinstance(figure.value, str):
        return ""
    before = say_number(figure.before)
    if figure.unit == "%":
        points = f"{Decimal(figure.value - figure.before):+f}".replace("-", "−")
        return _("%(points)s points against %(before)s %%", points=points.replace(".", ",") if is_spanish() else points, before=before)
    if not figure.before:
        return _("before: %(before)s", before=before)
    change = Decimal(figure.value - figure.before) * 100 / abs(Decimal(figure.before))
    return _("%(change)s %% against %(before)s", change=f"{change:+.0f}".replace("-", "−"), before=before)


#: Told how many rows have been written so far; raises what has to stop the writing.
Tell = Callable[[int], None]
_TOLD_EVERY = 1_000


def told(rows: Iterator[Cells], tell: Tell | None, before: int = 0) -> Iterator[Cells]:
    """Return *rows*, telling now and then how many there were, with *before* of other tables."""
    return rows if tell is None else _told(rows, tell, before)


def _told(rows: Iterator[Cells], tell: Tell, n: int) -> Iterator[Cells]:
    while block := list(islice(rows, _TOLD_EVERY)):
        yield from block
        n += len(block)
        tell(n)


def unlinked(value: Any) -> Any:
    """Return a value of a row as files write it: without its address."""
    return value.value if type(value) is Linked else value


def is_spanish() -> bool:
    """Return whether the reader expects Spanish notation: 24/07/2026, semicolons and decimal commas."""
    return str(get_locale() or "es").startswith("es")
