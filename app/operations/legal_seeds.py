"""What rests on each obligation of the legal matrix that ships with the product; a row that the house has is never touched."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import AnswerTemplate, LegalRequirement, LegalRest, Parameter
from app.operations.legalmatrix import RESTS, key_of, resting
from app.operations.questionnaire_seeds import Reader


def load_rests(session: Session, read: Reader, at: datetime) -> tuple[int, int]:
    """
    Link the rows of the matrix that were loaded at *at* with the terms, texts and parameters that cite their norm, and with those that
    the seed file names besides; return how many links are new, and how many rows of the matrix were there and stay as they are.
    """
    shipped = {(row["norm"], row["articles"]) for row in read("legal_requirement")}
    rows = [row for row in session.scalars(select(LegalRequirement)) if (row.norm, row.articles) in shipped]
    linked = set(session.scalars(select(LegalRest.requirement_id)))
    new = [row for row in rows if row.created_at == at and row.id not in linked]
    named = _named(session, read) if new else {}
    links = []
    for item in new:
        found = {(kind, key_of(kind, row)) for kind, row in resting(session, item.norm, item.articles)}
        for kind, key in sorted(found | named.get((item.norm, item.articles), set()), key=str):
            links.append(LegalRest(requirement_id=item.id, created_at=at, changed_at=at, **{RESTS[kind][0]: key}))
    session.add_all(links)
    session.flush()
    return len(links), len(rows) - len(new)


def _named(session: Session, read: Reader) -> dict[tuple[str, str], set[tuple[str, Any]]]:
    """Return what the seed file names, by norm and articles; what the house no longer has is left out."""
    templates = {row.name: row.id for row in session.execute(select(AnswerTemplate.name, AnswerTemplate.id))}
    keys = set(session.scalars(select(Parameter.key)))
    found: dict[tuple[str, str], set[tuple[str, Any]]] = {}
    for row in read("legal_rest"):
        link = ("template", templates.get(row["answer_template"])) if row["answer_template"] else ("parameter", row["parameter"])
        if link[1] is not None and (link[0] == "template" or link[1] in keys):
            found.setdefault((row["norm"], row["articles"]), set()).add(link)
    return found
