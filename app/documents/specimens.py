"""How a signature looks in a letter, before anything is signed with it."""

from __future__ import annotations

from datetime import date

import typst

from app.documents import base
from app.documents.typesetting import render
from app.domain import N_
from app.domain.errors import DomainError
from app.models import Organisation


def specimen(organisation: Organisation, name: str, title: str, image: bytes, on: date) -> bytes:
    """
    Return a page with the signature as letters print it.

    Raises:
        DomainError: The picture cannot be drawn: a letter signed with it could not be issued.
    """
    signatory = {"name": name, "title": title} | base.picture_of(image)
    head = base.head(organisation) | {"logo": None}
    try:
        return render("specimen", {"organisation": head, "issued_on": on.isoformat(), "signatory": signatory})
    except typst.TypstError:
        raise DomainError(N_("This picture is damaged and cannot be printed. Save it again and choose it again."), field="image") from None
