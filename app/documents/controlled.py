"""The master list of documented information on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.extensions import LANGUAGE, local
from app.models import ControlledDocument
from app.words import say_day

TEMPLATE = "master_list"
TITLE = "Listado maestro de información documentada"


def master_list_pdf(session: Session, documents: Iterable[ControlledDocument], words: Sequence[str], at: datetime) -> bytes:
    """Return the PDF of *documents*, their edition in force loaded; *words* say what was asked for. Nothing is kept."""
    on = local(at).date()
    with force_locale(LANGUAGE):
        data = {
            "organisation": base.head(queries.organisation(session), "documents"),
            "issued_on": on.isoformat(),
            "title": TITLE,
            "on": say_day(on),
            "words": list(words),
            "rows": [_row(document) for document in documents],
        }
    return base.rendered(TEMPLATE, data)


def _row(document: ControlledDocument) -> dict[str, Any]:
    edition, years = document.in_force, document.retention_years
    kept = "" if years is None else "1 año" if years == 1 else f"{years} años"
    return {
        "code": document.code,
        "name": document.name if document.is_active else f"{document.name} (fuera de uso)",
        "kind": _(document.kind.value),
        "issuer": document.issuer or (document.process.name if document.process else "—"),
        "version": edition.version if edition else "—",
        "issued": base.short_day(document.issued_on) if document.issued_on else "—",
        "changed": base.short_day(edition.changed_on) if edition else "Sin versión vigente",
        "place": document.place or "—",
        "kept": "; ".join(part for part in (kept, document.disposal) if part) or "—",
    }
