"""Reports under test: made for a reader of the test's choosing, and every address of theirs followed to its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app import queries
from app.reports.base import Asked, Linked, Offer, Part, Reader, Report, unlinked

AT = datetime(2026, 7, 10, 10)
TABLES = ("pqr", "field_order", "contract", "checklist", "action", "nonconformity", "risk", "survey_alarm")


def made(session: Any, offer: Offer, *, scope: Callable[[Any], Any] = lambda statement: statement, may: Any = lambda *_right: True,
         user_id: int = 1, at: datetime = AT, **args: str) -> Report:  # fmt: skip
    """Return the report of *offer* for a reader with that scope and those rights; *args* are of its address."""
    reader = Reader(user_id, "Ana", may, dict.fromkeys(TABLES, scope))
    form = offer.read(offer, args, session, reader, at.date())
    assert form.validate(), form.errors
    return offer.make(Asked(session, reader, form, queries.calendar_of(session, queries.organisation(session)), at))


def part_of(report: Report, key: str) -> Part:
    return next(part for part in report.tables if part.key == key)


def rows_of(report: Report, key: str) -> list[tuple[Any, ...]]:
    """Return the rows of a part as files have them."""
    return [tuple(unlinked(value) for value in cells) for cells in part_of(report, key).rows()]


def shown(report: Report, key: str) -> list[dict[str, Any]]:
    """Return the rows of a part by heading."""
    titles = [column.title for column in part_of(report, key).header]
    return [dict(zip(titles, cells, strict=True)) for cells in rows_of(report, key)]


def figures_of(report: Report) -> dict[str, Any]:
    return {figure.label: figure.value for figure in report.headline()}


def links_of(report: Report) -> Iterator[tuple[str, Any, str]]:
    """Yield what each count is of, the count and its address: of figures and of the cells of all tables of groups."""
    for figure in report.headline():
        if figure.path:
            yield figure.label, figure.value, figure.path
    for part in report.tables:
        if part.n_rows is None:
            for cells in part.rows():
                yield from ((f"{part.key} {cells[0]}", cell.value, cell.path) for cell in cells[1:] if isinstance(cell, Linked))


def n_behind(path: str, session: Any, offer: Offer, client: Any, **how: Any) -> int:
    """Return how many rows the address of a count leads to: of a list, or of a part of the report itself."""
    address = urlsplit(path)
    inside = re.fullmatch(rf"/report/{offer.key}/part/(\w+)", address.path)
    if inside:
        part = part_of(made(session, offer, **how, **dict(parse_qsl(address.query))), inside[1])
        n = len(list(part.rows()))
        assert part.n_rows is None or part.n_rows() == n
        return n
    page = client.get(path)
    assert page.status_code == 200, path
    return int(re.search(r'id="n-found">\s*([\d.,]+)', page.text)[1])
