"""The characterisation of a process on paper: one page, as the company has always printed it, with the head of its document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.controlled import shown_letters
from app.extensions import local
from app.models import DocumentEdition, ProcessSheet
from app.operations import process_sheets
from app.operations.controlled import edition_in_force
from app.operations.process_sheets import Line, lines_of

TEMPLATE = "process_sheet"
_LISTS = ("responsible", "resources", "interacts", "documents", "clauses", "requirements")
CHANGED = "Con cambios posteriores a esta versión, sin aprobar"


def sheet_pdf(session: Session, sheet: ProcessSheet, at: datetime, edition: DocumentEdition | None = None) -> bytes:
    """
    Return the PDF of *sheet* as it is now. Nothing is kept.

    Args:
        edition: Whose version and date its head bears; None means the one in force. A sheet that changed since is marked as a draft.
    """
    document, stands = sheet.document, edition or edition_in_force(session, sheet.document)
    is_changed = edition is None and process_sheets.has_changed(sheet, stands)
    on = local(at).date()
    data = {
        "organisation": base.head(queries.organisation(session)),
        "issued_on": on.isoformat(),
        "code": document.code,
        "title": document.name.upper(),
        "version": stands.version if stands else "",
        "issuer": document.issuer,
        "issued": base.short_day(document.issued_on) if document.issued_on else "—",
        "changed": base.short_day(stands.changed_on) if stands else "—",
        "place": document.place,
        "printed": base.short_day(on),
        "is_draft": is_changed or stands is None,
        "note": CHANGED if is_changed else "",
        **{name: " ".join(getattr(sheet, name).split()) for name in ("objective", "follow_up", "scope")},
        **{name: base.lines(getattr(sheet, name)) for name in _LISTS},
        "rows": _rows(lines_of(session, sheet)),
    }
    return base.rendered(TEMPLATE, data)


def _rows(lines: list[Line]) -> list[dict[str, Any]]:
    letters = shown_letters([(line.row.phase, line.only_goes_out) for line in lines])
    return [
        {"letter": letter, "activities": [done.text for done in line.activities]}
        | {name: getattr(line.row, name) for name in ("supplier", "input", "output", "client")}
        for line, letter in zip(lines, letters, strict=True)
    ]
