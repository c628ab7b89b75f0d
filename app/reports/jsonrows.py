"""Rows as JSON: dates and instants as ISO 8601, amounts as text with a dot, so that no program rounds them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.reports.base import Cells, Column, Figure, Part, unlinked


def json_part(part: Part) -> dict[str, Any]:
    """Return what *part* is: its columns, what it counts, its figures."""
    return {
        "key": part.key, "title": part.title, "about": part.about, "columns": [json_column(column) for column in part.header],
        "figures": [json_figure(figure) for figure in part.figures],
    }  # fmt: skip


def json_column(column: Column) -> dict[str, str]:
    return {"title": column.heading, "kind": column.kind.name.lower()}


def json_figure(figure: Figure) -> dict[str, Any]:
    said = {"label": figure.label, "value": json_value(figure.value), "unit": figure.unit}
    return said | ({} if figure.before is None else {"before": json_value(figure.before)})


def json_row(cells: Cells) -> list[Any]:
    """Return one row, in the order of the columns."""
    return [json_value(unlinked(value)) for value in cells]


def json_value(value: Any) -> Any:
    """Return *value* as JSON has it; an instant is on the wall clock of Colombia, and says so."""
    match value:
        case datetime():
            return f"{value.isoformat(timespec='minutes')}-05:00"
        case date():
            return value.isoformat()
        case Decimal() | float():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return value
