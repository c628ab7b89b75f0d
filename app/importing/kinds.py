"""
The contract of the engine: what a kind of import declares, and what passes between the engine and it.

A kind names its fields, and writes a batch of rows in the transaction of its caller. It never commits, sends nothing, and asks the
clock nothing: `run.at` is the instant of the import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from app.domain import N_
from app.importing.headers import canon


class Type(Enum):
    """What a field holds, and the Python value that a good cell becomes."""

    TEXT = "str, blanks tidied; numbers as they are written, without a decimal zero"
    CODE = "str of digits and letters; with `digits`, leading zeros that a sheet lost are restored"
    INTEGER = "int"
    DECIMAL = "Decimal"
    MONEY = "Decimal, pesos, two decimals"
    DATE = "date"
    MOMENT = "datetime, naive, on the wall clock of Colombia; a day without an hour is its midnight"
    YESNO = "bool"
    EMAIL = "str"
    PHONE = "str, E.164"
    CHOICE = "the key of an Option of the kind"


class Fate(Enum):
    """What the import does with a good row."""

    NEW = N_("New")
    CHANGED = N_("Changed")
    SAME = N_("Same")


@dataclass(frozen=True, slots=True)
class Field:
    """
    A field that a column of the file may fill.

    Args:
        label: What people call it; a msgid. It counts as a synonym, like `name`.
        synonyms: Headers by which it is known; accents, capitals and punctuation are forgiven.
        most: Characters that fit (TEXT).
        digits: How many digits a CODE has, with its zeros.
        least, highest: Bounds of a number.
        default: The value where the cell is empty, or no column fills the field.
        is_lenient: A cell that cannot be read is no error of the row: the value is None, and the row gets a doubt.
        is_open: A value of a CHOICE that is in no list is asked about all the same, but handed over as text: the kind judges it.
        pivot: The field that the header of the column fills: each column of years yields a row of its own.
        example: What the template shows.
    """

    name: str
    label: str
    type: Type = Type.TEXT
    is_required: bool = False
    synonyms: tuple[str, ...] = ()
    most: int | None = None
    digits: int | None = None
    least: int | None = None
    highest: int | None = None
    default: Any = None
    is_lenient: bool = False
    is_open: bool = False
    pivot: str | None = None
    help: str = ""
    example: Any = None


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a CHOICE field: its key, what people read (data or a msgid), and other spellings that mean it."""

    key: Any
    label: str
    names: tuple[str, ...] = ()

    def spellings(self) -> set[str]:
        return {canon(str(each)) for each in (self.key, self.label, *self.names)}


@dataclass(frozen=True, slots=True)
class Ask:
    """
    What whoever imports says of the whole file, beside its mapping: `run.options[name]` is the key of one of *answers*.

    Args:
        label, help, answers: Msgids; the first answer is the default. *answers* are (key, label).
    """

    name: str
    label: str
    answers: tuple[tuple[str, str], ...]
    help: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a row, or doubtful: a msgid with its fields, the field to blame, and a code for the tray of quality."""

    msgid: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    code: str = ""


NO_REST: Mapping[str, str] = {}


@dataclass(slots=True)
class Row:
    """
    A row of the file on its way in.

    Attributes:
        number: Its line in the sheet, the first is 1.
        cells: As the file has them.
        values: By name of the field, converted; every field of the kind is there.
        rest: The cells of columns that no field takes, as text by header; only for a kind that `keeps_rest`.
        problems: Why it is not written; none means good.
        doubts: What somebody should look at although it is written.
        fate: What becomes of it; `Kind.settle` says so.
        found: Whatever `settle` wants to hand to `write`.
    """

    number: int
    cells: Sequence[Any]
    values: dict[str, Any]
    # The three that most rows lack are shared and empty.
    rest: Mapping[str, str] = field(default_factory=lambda: NO_REST)
    problems: tuple[Problem, ...] = ()
    doubts: tuple[Problem, ...] = ()
    fate: Fate | None = None
    found: Any = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def refuse(self, msgid: str, name: str | None = None, code: str = "", **facts: Any) -> None:
        """Say why the row is not written; *name* is the field to blame."""
        self.problems += (Problem(msgid, facts, name, code),)

    def doubt(self, code: str, msgid: str, name: str | None = None, **facts: Any) -> None:
        """Say what somebody should look at; the row is written all the same."""
        self.doubts += (Problem(msgid, facts, name, code),)


@dataclass(slots=True)
class Run:
    """
    One passage of a file: a check (`is_dry`, which writes nothing) or an import.

    Attributes:
        source: The system that the file comes from, as its user named it: "HASSQL", "Libro PQR 2019".
        facts: The kind's own: catalogues and whatever it remembers from batch to batch.
        totals: Control sums that the kind keeps, shown on the page of the batch: name (a msgid or data) → number.
        columns: By name of the field, the index of its column; of a pivot the first.
    """

    session: Session
    source: str
    at: datetime
    user_id: int | None = None
    batch_id: int | None = None
    is_dry: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, Any] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)

    def raw(self, row: Row, name: str) -> Any:
        """Return the cell of a field as the file has it; None where no column fills it."""
        index = self.columns.get(name)
        return row.cells[index] if index is not None and index < len(row.cells) else None


class Kind:
    """
    What may be imported. A subclass declares `name`, `title`, `fields`, and overrides the verbs that it needs.

    Order of the verbs: `begin`, then for each block of rows `check` (good rows only, no database), `settle` (reads), and in an
    import `write` (rows with fate NEW or CHANGED), `finish` at the end. A dry run does the same without `write` and `finish`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    intro: ClassVar[str] = ""
    fields: tuple[Field, ...]
    #: The right to bring in such files.
    right: ClassVar[tuple[str, str]] = ("can_bring_registers", "Import")
    #: What a file is about, for a kind whose columns depend on it: what people call it, a msgid. Empty: they are always the same.
    subject: ClassVar[str] = ""
    #: The fields that together name a row in its source: repeated inside one file, the later row is refused. Empty: nothing is refused.
    key: ClassVar[tuple[str, ...]] = ()
    keeps_rest: ClassVar[bool] = False
    asks_source: ClassVar[bool] = False
    asks: ClassVar[tuple[Ask, ...]] = ()

    def subjects(self, session: Session) -> list[Option]:
        """Return what a file may be about now; the keys are texts."""
        return []

    def about(self, session: Session, subject: str) -> Kind:
        """Return the kind with the fields of a file about *subject*; itself where there is no such thing."""
        return self

    def path_of(self, session: Session, subject: str) -> str:
        """Return the address of the page of *subject*; empty where it has none."""
        return ""

    def options(self, session: Session) -> dict[str, list[Option]]:
        """Return the values of each CHOICE field."""
        return {}

    def begin(self, run: Run) -> None:
        """Load what the rows are compared with into `run.facts`; once a run. May raise DomainError: nothing can be brought in now."""

    def check(self, rows: Sequence[Row], run: Run) -> None:
        """Refuse or doubt rows by rules among their own values; no database."""

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        """Give each row its fate, by what the database has; may refuse. Writes nothing. Sums go to `run.totals`."""
        for row in rows:
            row.fate = Fate.NEW

    def write(self, rows: Sequence[Row], run: Run) -> None:
        """Write rows whose fate is NEW or CHANGED, in the caller's transaction. Raises nothing for a single row: it was settled."""
        raise NotImplementedError

    def doubted(self, rows: Sequence[Row], run: Run) -> None:
        """Keep the doubts of rows that were written or are the same; the engine calls it after `write`."""

    def refused(self, rows: Sequence[Row], run: Run) -> None:
        """Keep the rows that have problems, for a kind with a tray; in an import the engine calls it for each block."""

    def finish(self, run: Run) -> None:
        """End a whole import: statistics, indexes. In the last transaction."""


#: What may be imported, by name, in the order of the menu; the modules of the kinds fill it.
KINDS: dict[str, Kind] = {}


def register(kind: type[Kind]) -> type[Kind]:
    """Put *kind* among those that may be imported."""
    KINDS[kind.name] = kind()
    return kind
