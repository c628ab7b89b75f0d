"""What office and technician share: a visit as a form brings it, and what pages show of an order."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import abort
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from app.documents import document_bytes
from app.documents.orders import finish_order, shown_value
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.fieldwork import ASKED, NOT_DONE, RESULT, UNSIGNED, ResultField, SuspensionBlocked
from app.domain.states import Identity, OrderStatus
from app.downloads import send_stored
from app.extensions import db, now, today
from app.fieldwork.forms import blame_all
from app.models import FieldOrder, OrderFile
from app.operations import files, orders

TONES = {OrderStatus.ISSUED: "warn", OrderStatus.DONE: "ok", OrderStatus.NOT_DONE: "bad", OrderStatus.EXCUSED: "stop",
         OrderStatus.VOIDED: "stop"}  # fmt: skip

# ── A visit, as a form brings it ──────────────────────────────────────────────────────────────────────────────────────────


def visit_of(form: Any) -> orders.Visit:
    """Return what the form says. Raises DomainError: a picture or the signature did not arrive well."""
    latitude, longitude = _degrees(form.latitude.data, 90), _degrees(form.longitude.data, 180)
    is_placed = latitude is not None and longitude is not None
    return orders.Visit(
        done_on=form.done_on.data,
        raw={name: form[name].data for name in form.declared},
        photos=files.check_uploads(form.photos.data),
        latitude=latitude if is_placed else None,
        longitude=longitude if is_placed else None,
        n_accuracy_m=_metres(form.accuracy.data) if is_placed else None,
        signature=_png(form.signature.data) if "signature" in form else None,
        unsigned_reason=form.unsigned_reason.data or "" if "unsigned_reason" in form else "",
        submission=(form.submission.data or "")[:64] or None,
    )


def _degrees(text: str | None, most: int) -> Decimal | None:
    """Return what the phone says of its place, to the metre; what makes no sense is left out, as the place is never required."""
    try:
        value = Decimal(text or "").quantize(Decimal("0.000001"))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) <= most else None


def _metres(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 8 else None


def _png(text: str | None) -> bytes | None:
    """Return the picture that the screen drew, which it sends as a data address."""
    if not text:
        return None
    try:
        return base64.b64decode(text.removeprefix("data:image/png;base64,"), validate=True)
    except (binascii.Error, ValueError):
        raise DomainError(N_("The signature did not arrive well. Sign again."), field="signature") from None


def record(order: FieldOrder, form: Any, is_done: bool) -> bool:
    """Record the result that a form brings and commit; or say in the form why not, what was typed kept, and return False."""
    try:
        finish_order(db.session, order, visit_of(form), is_done=is_done, by=current_user._get_current_object(), at=now())
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        form.blocking = error.fields.get("number") if isinstance(error, SuspensionBlocked) else None
        blame_all(form, error)
        return False
    return True


def start(form: Any) -> Any:
    """Give an empty form its day and its token; return it."""
    if not form.is_submitted():
        form.done_on.data, form.submission.data = today(), secrets.token_urlsafe(24)
    return form


# ── What pages show of an order ───────────────────────────────────────────────────────────────────────────────────────────

LOADED = (
    joinedload(FieldOrder.account), joinedload(FieldOrder.pqr), joinedload(FieldOrder.assignee), joinedload(FieldOrder.done_by),
    selectinload(FieldOrder.photos).joinedload(OrderFile.file),
)  # fmt: skip


def rows_of(fields: Iterable[ResultField], known: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return (label, value) of what *known* says of *fields*, as people read it."""
    found = ((_(each.label), shown_value(each, (known or {}).get(each.name))) for each in fields)
    return [(label, value) for label, value in found if value is not None]


def facts_of(order: FieldOrder) -> dict[str, Any]:
    """Return what the page of an order reads."""
    is_undone = order.result is not None and "why" in order.result
    hours = (order.due_at - now()).total_seconds() / 3600 if order.due_at and order.status is OrderStatus.ISSUED else None
    return {
        "order": order,
        "asked": rows_of(ASKED[order.kind], order.asked),
        "found": rows_of(NOT_DONE if is_undone else RESULT[order.kind], order.result),
        "unsigned": UNSIGNED.get(order.unsigned_reason, ""),
        "tone": TONES[order.status],
        "hours_left": hours,
        "is_reserved": order.pqr is not None and order.pqr.identity is Identity.RESERVED,
    }


def paper(order: FieldOrder, which: str) -> Response:
    """Return the PDF of the order (`order`) or of what was done (`acta`), as it was issued; 404 when there is none."""
    document = {"order": order.document, "acta": order.acta}.get(which) or abort(404)
    document_bytes(document)  # refuses a copy that is not what was issued
    return send_stored(document.file, inline=True)


def picture(order: FieldOrder, file_id: int) -> Response:
    """Return a picture of the order as a download; 404 when it is not one of its own."""
    return send_stored(next((item.file for item in order.photos if item.file_id == file_id), None) or abort(404))
