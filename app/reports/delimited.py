"""The only CSV writer: what Excel in the reader's language opens with a double click. Formulas are defused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any, BinaryIO

from flask_babel import gettext as _

from app.reports.base import Kind, Report, is_spanish

MEDIA_TYPE = "text/csv"
#: A cell that starts like this may run as a formula where it is opened, also in its full width forms.
RISKY = tuple("=+-@\t\r\n＝＋－＠")


def write_csv(report: Report, target: BinaryIO) -> int:
    """
    Write header and rows of *report* to *target*; return how many rows.

    UTF-8 with BOM; in Spanish, semicolons and decimal commas. Dates are ISO, which Excel reads in every language. Text that
    would run as a formula gets an apostrophe in front.
    """
    text = TextIOWrapper(target, "utf-8-sig", errors="replace", newline="", write_through=False)
    writer = csv.writer(text, delimiter=";" if is_spanish() else ",", lineterminator="\r\n")
    writer.writerow([defused(column.heading) for column in report.header])
    say = [_say(column.kind) for column in report.header]
    n = 0
    for n, cells in enumerate(report.rows(), 1):  # noqa: B007  the last number is how many
        writer.writerow(["" if value is None else say_it(value) for say_it, value in zip(say, cells, strict=True)])
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
