"""A report on paper: one template for all of them. Whatever is on the page of a report is in its PDF, all rows of its tables too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.controlled import PRINTS
from app.drawing import Plot, key_on_paper, on_paper
from app.reports.base import Column, Cover, Figure, Kind, Part, Report, Tell, compared, told, unlinked
from app.words import say_day, say_number, say_pesos

TEMPLATE = "report"
#: Papers by how many letters a row of the widest table has: name, whether it lies, and the size of letters.
_PAPERS = ((95, "us-letter", False, 8.5), (150, "us-letter", True, 7.8), (230, "us-legal", True, 7.2), (10_000, "us-tabloid", True, 6.2))
_AT_THE_RIGHT = (Kind.INT, Kind.MONEY, Kind.DECIMAL)


def write_pdf(session: Session, report: Report, cover: Cover, target: BinaryIO, tell: Tell | None = None) -> int:
    """Write the PDF of *report* to *target*; return how many rows it has. All rows are held at once: see `reports.pdf_rows`."""
    organisation, n_rows, parts = queries.organisation(session), 0, []
    for part in report.tables:
        streamed = told(part.rows(), tell, n_rows)
        rows = [[_say(column, value) for column, value in zip(part.header, cells, strict=True)] for cells in streamed]
        n_rows += len(rows)
        parts.append(_part(part, rows))
    format = cover.format
    data = {
        "organisation": base.head(organisation, report.identifier if report.identifier in PRINTS else ""),
        "issued_on": cover.at.date().isoformat(), "title": format.name if format.code else _(report.name), "name": _(report.name),
        "filters": report.filters_in_words(), "author": cover.author, "at": f"{say_day(cover.at.date())} {cover.at:%H:%M}",
        "figures": [_figure(figure) for figure in report.headline() or report.totals()],
        "sentences": [{"text": each.text, "tone": each.tone} for each in report.sentences()],
        "sections": _sections(parts),
        "words": {"author": _("Issued by"), "at": _("Issued on"), "empty": _("Nothing matches what was asked for.")},
    }  # fmt: skip
    target.write(base.rendered(TEMPLATE, data))
    return n_rows


def _figure(figure: Figure) -> dict[str, str]:
    value = figure.value if isinstance(figure.value, str) else say_number(figure.value)
    unit = f" {figure.unit}" if figure.unit else ""
    return {"label": figure.label, "value": f"{value}{unit}", "tone": figure.tone, "note": compared(figure)}


def _part(part: Part, rows: list[list[str]]) -> dict[str, Any]:
    widths = [min(column.width, 44) for column in part.header]
    return {
        "title": part.title, "about": part.about, "figures": [_figure(figure) for figure in part.figures],
        "plots": [_plot(plot, is_half=len(part.plots) > 1) for plot in part.plots if plot.labels], "widths": widths, "rows": rows,
        "heads": [column.heading for column in part.header],
        "right": [column.kind in _AT_THE_RIGHT for column in part.header], "width": sum(widths),
    }  # fmt: skip


def _plot(plot: Plot, *, is_half: bool) -> dict[str, Any]:
    key = [{"name": name, "ink": ink} for name, ink in key_on_paper(plot)]
    return {"title": plot.title, "about": plot.about, "svg": base.picture(on_paper(plot, is_half=is_half)), "key": key}


def _sections(parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tables in runs that share a paper, as wide as the widest of them needs it."""
    sections: list[dict[str, Any]] = []
    for part in parts:
        paper, lies, size = next((paper, lies, size) for most, paper, lies, size in _PAPERS if part["width"] <= most)
        if not sections or (sections[-1]["paper"], sections[-1]["lies"]) != (paper, lies):
            sections.append({"paper": paper, "lies": lies, "size": size, "parts": []})
        sections[-1]["parts"].append(part)
    return sections


def _say(column: Column, linked: Any) -> str:
    """Return a value of *column* as paper shows it."""
    value = unlinked(linked)
    if value is None or value == "":
        return "—"
    match column.kind:
        case Kind.DATE:
            return say_day(value)
        case Kind.DATETIME:
            return f"{say_day(value.date())} {value:%H:%M}"
        case Kind.INT | Kind.DECIMAL:
            return say_number(value)
        case Kind.MONEY:
            return say_pesos(value)
        case Kind.BOOL:
            return _("Yes") if value else _("No")
    return str(value)
