"""Orders and actas of field work on paper: as they were ordered, with lines to fill, and as they were done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import structlog
import typst
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.documents import base
from app.documents.acts import ACTS, Photo, Signer, filled_text, picture_of, print_key_of
from app.domain.fieldwork import ASKED, RESULT, UNSIGNED, FieldType, ResultField
from app.domain.states import DocumentKind, Identity, OrderStatus, Visibility
from app.extensions import LANGUAGE, local
from app.models import Document, FieldOrder
from app.operations import orders
from app.operations.files import open_file
from app.words import say_instant, say_pesos

log = structlog.get_logger("atiende")

TEMPLATE = "fieldwork"
#: What the paper can carry; other pictures stay beside the order.
PRINTABLE = ("image/jpeg", "image/png")


def issue_order(session: Session, new: orders.NewOrder, issuer: User, at: datetime) -> FieldOrder:
    """
    Order field work: numbered, and set with lines to fill by hand; return the order. The caller commits.

    Raises:
        DomainError: As `operations.orders.open_order`; or the text of that kind is not loaded.
    """
    order = orders.open_order(session, new, ACTS[DocumentKind[new.kind.name]].prefix, at=at)
    order.document = _set(session, order, order.number, issuer, at)
    session.flush()
    return order


def finish_order(session: Session, order: FieldOrder, visit: orders.Visit, *, is_done: bool, by: User, at: datetime) -> FieldOrder:
    """
    Record what came back from the field and set the acta of what was done; the same act sent again changes nothing. The caller commits.

    Raises:
        DomainError: As `operations.orders.record_done` and `record_not_done`.
    """
    if orders.is_same_act(session, order, visit.submission):
        return order
    record = orders.record_done if is_done else orders.record_not_done
    record(session, order, visit, at=at, actor_id=by.id)
    if is_done:
        order.acta = _set(session, order, f"{order.number}-R", by, at)
        session.flush()
    return order


def _set(session: Session, order: FieldOrder, number: str, issuer: User, at: datetime) -> Document:
    """Issue the paper of the order; a picture that cannot be drawn is left out, as it must not stop an act."""
    kind = DocumentKind[order.kind.name]
    what = base.Issue(kind, TEMPLATE, at, issuer.id, order.pqr, Visibility.STAFF)
    with force_locale(LANGUAGE):
        data = _data(session, order, number, issuer)
    photos = _photos(order)
    try:
        return base.issue(session, what, number, base.seal(data | {"photos": photos}))
    except typst.TypstError as error:
        if not photos:
            raise
        log.warning("photo", error=error.message)
        return base.issue(session, what, number, base.seal(data | {"photos": []}))


def _data(session: Session, order: FieldOrder, number: str, issuer: User) -> dict[str, Any]:
    kind, is_done = DocumentKind[order.kind.name], order.status is OrderStatus.DONE
    body, closing = filled_text(session, kind, order.organisation, order.pqr, order.number, order.issued_on, _fields(order))
    return {
        "organisation": base.head(order.organisation, print_key_of(kind)),
        "document_number": number,
        "title": ACTS[kind].title,
        "issued_on": (order.done_on if is_done else order.issued_on).isoformat(),
        "place": order.organisation.municipality.name,
        "day": base.day(order.issued_on),
        "is_done": is_done,
        "facts": [list(pair) for pair in _facts(order)],
        "body": body,
        "closing": closing,
        "rows": [_row(each, order.result) for each in RESULT[order.kind]],
        "when": _when(order) if is_done else None,
        "position": _position(order) if is_done else None,
        "unsigned": _(UNSIGNED[order.unsigned_reason]) if is_done and order.unsigned_reason else None,
        "signers": _signers(order, is_done),
        "issued_by": issuer.get_full_name(),
    }


def _fields(order: FieldOrder) -> dict[str, str | None]:
    """Return what the {fields} of the text become: what has to be done, or the reason in words."""
    asked = order.asked
    chosen = next((each for each in ASKED[order.kind] if each.choices), None)
    cause = _(chosen.choices[asked[chosen.name]]) if chosen else ""
    return {"instructions": order.instructions or None, "cause": ". ".join(part for part in (cause, order.instructions) if part) or None}


def _facts(order: FieldOrder) -> list[tuple[str, str | None]]:
    """Return the rows above the text. The case of a reserved identity is not named beside an address that would tell it."""
    pqr, account = order.pqr, order.account
    is_reserved = pqr is not None and pqr.identity is Identity.RESERVED
    return [
        ("Solicitud", pqr.number if pqr and not is_reserved else None),
        ("Asunto", pqr.subject if pqr and not is_reserved else None),
        ("Cuenta", account.number if account else None),
        ("Dirección", f"{account.address}, {account.municipality.name}" if account else None),
        ("Servicio", account.service.name if account else None),
        ("Medidor registrado", account.meter if account else None),
        ("Factura", order.invoice_number),
        ("Deuda", say_pesos(order.debt_cop) if order.debt_cop is not None else None),
        ("Encargado a", order.assignee.get_full_name() if order.assignee else None),
        ("Hacer antes del", base.day(order.due_on) if order.due_on else None),
        ("Restablecer antes de", say_instant(order.due_at) if order.due_at else None),
    ]


def _row(each: ResultField, result: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a field as the paper shows it: its value, or what to tick or write by hand."""
    value = result.get(each.name) if result is not None else None
    choices = [_("Yes"), _("No")] if each.type is FieldType.YES_NO else [_(label) for label in each.choices.values()]
    return {"label": _(each.label), "value": shown_value(each, value), "choices": choices, "is_long": each.type is FieldType.LONG_TEXT,
            "unit": each.unit, "is_filled": result is not None}  # fmt: skip


def shown_value(each: ResultField, value: Any) -> str | None:
    """Return the value of a field as people read it, in the language in force; None when it was left empty."""
    if value is None:
        return None
    match each.type:
        case FieldType.YES_NO:
            return _("Yes") if value else _("No")
        case FieldType.CHOICE:
            return _(each.choices[value])
        case FieldType.DATE:
            return f"{date.fromisoformat(value):%d/%m/%Y}"
        case FieldType.NUMBER:
            return " ".join(part for part in (str(value).replace(".", ","), each.unit) if part)
    return str(value)


def _when(order: FieldOrder) -> str:
    return f"{base.day(order.done_on)}; registrado el {say_instant(order.done_at)}"


def _position(order: FieldOrder) -> str | None:
    if order.latitude is None or order.longitude is None:
        return None
    place = f"{order.latitude:.6f}; {order.longitude:.6f}".replace(".", ",")
    return f"{place} (± {order.n_accuracy_m} m)" if order.n_accuracy_m is not None else place


def _signers(order: FieldOrder, is_done: bool) -> list[dict[str, Any]]:
    result = order.result if is_done and order.result else {}
    document = result.get("attended_document")
    label = f"Quien atendió, documento {document}" if document else "Quien atendió"
    attended = Signer(label, order.signed_by, order.signature if is_done else None)
    worker = Signer("Quien hizo la visita", order.done_by.get_full_name() if is_done and order.done_by else "")
    return [{"label": signer.label, "name": signer.name} | picture_of(signer.picture) for signer in (worker, attended)]


def _photos(order: FieldOrder) -> list[dict[str, Any]]:
    photos = []
    for n, item in enumerate(order.photos, start=1):
        if item.file.media_type in PRINTABLE:
            with open_file(item.file) as content:
                photos.append(Photo(f"Foto {n}. {local(item.file.created_at):%d/%m/%Y %H:%M}", content.read()))
    return [{"caption": photo.caption} | picture_of(photo.content) for photo in photos]
