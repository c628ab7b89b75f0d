"""The only CSV writer: what Excel in the reader's language opens with a double click. Formulas are defused."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from io import TextIOWrapper
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from flask_babel import gettext as _

from app.domain.text import plain
from app.reports.base import Kind, Part, Report, Tell, is_spanish, told, unlinked

MEDIA_TYPE, ZIP_TYPE = "text/csv", "application/zip"
#: A cell that starts like this may run as a formula where it is opened, also in its full width forms.
RISKY = tuple("=+-@\t\r\n＝＋－＠")


def write_csv(report: Report, target: BinaryIO, tell: Tell | None = None) -> int:
    """
    Write the rows of *report* to *target*; return how many. Several tables make a ZIP with a file each.

    UTF-8 with BOM; in Spanish, semicolons and decimal commas. Dates are ISO, which Excel reads in every language. Text that
    would run as a formula gets an apostrophe in front.
    """
    parts = report.tables
    if not is_zipped(report):
        return _write_part(parts[0], target, tell, 0)
    n_rows = 0
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=6) as zipped:
        for number, part in enumerate(parts, 1):
            with zipped.open(f"{number:02}-{name_of(part.title)}.csv", "w", force_zip64=True) as entry:
                n_rows += _write_part(part, entry, tell, n_rows)
    return n_rows


def is_zipped(report: Report) -> bool:
    """Return whether the file of *report* is a ZIP: it has several tables."""
    return len(report.tables) > 1


def name_of(title: str) -> str:
    """Return *title* as a file is called everywhere: letters without accents, digits and hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", plain(title)))[:60] or "tabla"


def _write_part(part: Part, target: IO[bytes], tell: Tell | None, before: int) -> int:
    text = TextIOWrapper(target, "utf-8-sig", errors="replace", newline="", write_through=False)  # type: ignore[arg-type]
    writer = csv.writer(text, delimiter=";" if is_spanish() else ",", lineterminator="\r\n")
    writer.writerow([defused(column.heading) for column in part.header])
    say = [_say(column.kind) for column in part.header]
    n = 0
    for n, cells in enumerate(told(part.rows(), tell, before), 1):  # noqa: B007  the last number is how many
        writer.writerow(["" if (bare := unlinked(value)) is None else say_it(bare) for say_it, value in zip(say, cells, strict=True)])
    text.flush()
    text.detach()
    return n


def defused(text: str) -> str:
    """Return *text* as nobody's formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def _say(kind: Kind) -> Callable[[Any], Any]:
    match kind:
        case Kind.TEXT | Kind.CASE:
            return defused
        case Kind.WRITTEN:
            return str
        case Kind.BOOL:
            yes, no = _("Yes"), _("No")
            return lambda value: yes if value else no
        case Kind.MONEY | Kind.DECIMAL:
            return (lambda value: f"{value:.2f}".replace(".", ",")) if is_spanish() else (lambda value: f"{value:.2f}")
        case Kind.DATETIME:
            return lambda value: value.strftime("%Y-%m-%d %H:%M")
        case Kind.DATE:
            return lambda value: value.isoformat()
    return int
