"""The minutes of a management review: what it looked at, what was said of it, and what was decided, each decision with its action."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.documents import base
from app.domain.managementreview import INPUTS, Input, input_of
from app.domain.states import DocumentKind, Visibility
from app.extensions import LANGUAGE, local
from app.models import Document, ManagementReview, ReviewDecision, Signature
from app.operations import managementreview as operations
from app.operations.managementreview import Cell
from app.words import say_day, say_instant, say_number, say_percent

TEMPLATE = KEY = "management_review"


def sign(session: Session, review: ManagementReview, signer: User, *, at: datetime) -> Document:
    """
    Sign *review*: each decision becomes an action, the minutes are set and kept, all or nothing; return them, flushed. The caller commits.

    Raises:
        MoveRefused, DomainError: As `operations.ask_actions`.
    """
    decisions = operations.ask_actions(session, review, at=at, user_id=signer.id)
    with force_locale(LANGUAGE):
        data = _data(session, review, decisions, signer, at, is_draft=False)
    what = base.Issue(DocumentKind.MANAGEMENT_REVIEW, TEMPLATE, at, signer.id, None, Visibility.STAFF)
    minutes = base.issue(session, what, review.number, base.seal(data))
    operations.close(session, review, minutes, at=at, user_id=signer.id)
    return minutes


def preview(session: Session, review: ManagementReview, reader: User, at: datetime) -> bytes:
    """Return the minutes as they would be on *at*, marked as a draft: without number, seal or effects. Nothing is kept."""
    with force_locale(LANGUAGE):
        data = _data(session, review, operations.decisions_of(session, review), reader, at, is_draft=True)
    return base.rendered(TEMPLATE, data | {"qr": None, "sha256": "", "verify_url": None})


def say_cell(cell: Cell | None) -> str:
    """Return a cell of what was prepared, in the language and the notation of the reader."""
    match cell:
        case None:
            return "—"
        case {"word": word}:
            return _(word)
        case {"n": n}:
            return say_number(n)
        case {"day": day}:
            return say_day(date.fromisoformat(day))
        case {"value": value, "decimals": decimals}:
            return say_number(Decimal(value).quantize(Decimal(1).scaleb(-decimals)))
        case {"value": value, "scale": scale}:
            return _scaled(Decimal(value), scale)
    return str(cell) or "—"


def _scaled(value: Decimal, scale: str) -> str:
    tenth = value.quantize(Decimal("0.1"))
    match scale:
        case "PERCENT":
            return say_percent(tenth)
        case "DAYS":
            return _("%(n)s working days", n=say_number(tenth))
        case "COUNT":
            return say_number(value.quantize(Decimal(1)))
    return say_number(tenth)


def tone_of(cell: Cell | None) -> str:
    """Return the word of the style sheet that repeats a cell as a colour; empty for none."""
    return str(cell.get("tone", "")) if isinstance(cell, dict) else ""


# ── What they say ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _data(
    session: Session, review: ManagementReview, decisions: list[ReviewDecision], signer: User, at: datetime, *, is_draft: bool
) -> dict[str, Any]:
    organisation, on = review.organisation, local(at).date()
    before = (review.facts or {}).get("before")
    return {
        "organisation": base.head(organisation, KEY),
        "document_number": review.number,
        "title": "Acta de revisión por la dirección",
        "issued_on": on.isoformat(),
        "place": organisation.municipality.name,
        "day": base.day(on),
        "is_draft": is_draft,
        "facts": [
            ["Celebrada el", base.day(review.held_on)],
            ["Período revisado", f"del {say_day(review.period_from)} al {say_day(review.period_until)}"],
            ["Se compara con", f"del {_said(before['since'])} al {_said(before['until'])}" if before else None],
            ["Datos tomados", f"{say_instant(review.prepared_at)}" if review.prepared_at else "Sin preparar"],
        ],
        "attendees": base.lines(review.attendees),
        "inputs": [_input(review, each, n) for n, each in enumerate(INPUTS, 1)],
        "decisions": [_decision(decision) for decision in decisions],
        "conclusion": base.paragraphs(review.conclusion),
        "signer": _signer(session, signer, "" if is_draft else say_instant(at)),
    }


def _signer(session: Session, signer: User, when: str) -> dict[str, Any]:
    signature = session.get(Signature, signer.id)
    title = signature.title if signature else ""
    return {"name": signer.get_full_name(), "title": title, "when": when} | base.picture_of(signature.image if signature else None)


def _said(day: str) -> str:
    return say_day(date.fromisoformat(day))


def _input(review: ManagementReview, asked: Input, n: int) -> dict[str, Any]:
    found = (review.facts or {}).get("inputs", {}).get(asked.key, {})
    figures = [
        {"label": _(label), "now": say_cell(each["now"]), "before": say_cell(each["before"]), "tone": each["tone"]}
        for each in found.get("figures", ())
        if (label := each["label"])
    ]
    return {
        "n": str(n),
        "title": _(asked.title),
        "figures": figures,
        "table": _table(found.get("table")),
        "remark": base.paragraphs(operations.remark_of(review, asked.key)),
    }


def _table(table: dict[str, Any] | None) -> dict[str, Any] | None:
    if table is None:
        return None
    more = f"Y {say_number(table['n_more'])} más, en el sistema." if table["n_more"] else None
    rows = [[{"text": say_cell(cell), "tone": tone_of(cell)} for cell in row] for row in table["rows"]]
    columns = [{"text": _(column), "is_wide": n == table["wide"]} for n, column in enumerate(table["columns"])]
    return {"columns": columns, "rows": rows, "more": more}


def _decision(decision: ReviewDecision) -> dict[str, Any]:
    about = input_of(decision.topic)
    return {
        "n": str(decision.position),
        "text": base.paragraphs(decision.text),
        "about": _(about.title) if about else "El sistema en conjunto",
        "process": decision.process.name,
        "responsible": decision.responsible.get_full_name() if decision.responsible else "Dueños del proceso",
        "due": say_day(decision.due_on),
        "action": decision.action.number if decision.action else "Al firmar",
    }
