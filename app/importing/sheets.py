"""Sheets that the import gives: the rows that were refused, each with what is wrong beside it, and the template of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.extensions import local
from app.importing.kinds import Field, Kind, Type
from app.importing.runs import Tally
from app.models import ImportBatch, StoredFile
from app.operations.files import store_file
from app.reports.base import Cells, Column, ControlledFormat, Cover, Figure, FilterForm, Report, is_spanish
from app.reports.base import Kind as CellKind
from app.reports.xlsx import MEDIA_TYPE, write_xlsx

Told = tuple[int, list[str], str]


@dataclass
class Sheet(Report):
    """Rows under a header that is known only now."""

    columns: tuple[Column, ...]
    lines: list[Cells]
    words: list[str]

    identifier = "import"
    name = N_("Import")
    description = ""
    form = FilterForm

    @property
    def header(self) -> tuple[Column, ...]:  # type: ignore[override]
        return self.columns

    def rows(self) -> Iterator[Cells]:
        return iter(self.lines)

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return self.words


def error_sheet(session: Session, batch: ImportBatch, tally: Tally, at: datetime, author: str) -> StoredFile | None:
    """
    Store and return the sheet of the rows that were refused, first, and of those to look at; None when there are none.

    The columns are those of the file, so the corrected sheet can be imported as it is.
    """
    if not tally.bad and not tally.doubtful:
        return None
    titles = [name or "—" for name in batch.reading["names"]]
    columns = (Column(N_("Row"), CellKind.INT, 8), Column(N_("What is wrong"), width=60), *(Column(name, width=18) for name in titles))
    lines = [(number, words, *_fitted(cells, len(titles))) for number, cells, words in (*tally.bad, *tally.doubtful)]
    words = [batch.file_name, _("%(n)s rows refused", n=tally.n_bad), _("%(n)s rows to look at", n=tally.n_doubtful)]
    stem = batch.file_name.rpartition(".")[0] or batch.file_name
    content = _book(session, Sheet(columns, lines, words), _("Rows of an import with errors"), at, author)
    return store_file(session, content, f"{stem}-errores.xlsx", MEDIA_TYPE)


def _fitted(cells: list[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def template(session: Session, kind: Kind, at: datetime, author: str) -> bytes:
    """Return the workbook with the headers that *kind* understands, and a row that shows them."""
    columns = tuple(Column(title_of(each), _CELLS.get(each.type, CellKind.TEXT), max(14, len(title_of(each)) + 2)) for each in kind.fields)
    example = tuple(_example(each) for each in kind.fields)
    words = [f"{title_of(each)}: {_(each.help)}" if each.help else title_of(each) for each in kind.fields if each.help or each.is_required]
    return _book(session, Sheet(columns, [example], words), _(kind.title), at, author)


_CELLS = {Type.INTEGER: CellKind.INT, Type.DECIMAL: CellKind.DECIMAL, Type.MONEY: CellKind.MONEY, Type.DATE: CellKind.DATE}


def _example(each: Field) -> Any:
    if each.example is None or each.type not in _CELLS:
        return None if each.example is None else str(each.example)
    return each.example if each.type is not Type.DATE or isinstance(each.example, date) else None


def title_of(each: Field) -> str:
    """Return the header of a field as its files call it."""
    title = each.synonyms[0] if is_spanish() and each.synonyms else str(_(each.label))
    return title[:1].upper() + title[1:]


def _book(session: Session, sheet: Sheet, name: str, at: datetime, author: str) -> bytes:
    house = queries.organisation(session)
    cover = Cover(house.name, ControlledFormat("", "", name), author, local(at).replace(tzinfo=None))
    with TemporaryFile() as out:
        write_xlsx(sheet, cover, out)
        out.seek(0)
        return out.read()
