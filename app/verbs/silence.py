"""The positive silence is recognised (Ley 142 art. 158; see docs/rules/pqr-silence.md)."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import String, cast, literal, select, union_all
from sqlalchemy.orm import Session

from app import documents
from app.documents.base import day
from app.domain import N_
from app.domain.states import ChangeStatus, DocumentKind, Move, OrderKind, OrderStatus, SilenceGround
from app.extensions import LANGUAGE
from app.models import FieldOrder, InvoiceChange, Pqr, Silence
from app.operations import messages, silence
from app.verbs.base import Said, Who, verb


def _is_awaited(pqr: Pqr) -> bool:
    return pqr.silence is not None and pqr.silence.recognised_on is None


def _name_what_carries_it_out(session: Session, pqr: Pqr, form: Any) -> None:
    """Offer the orders and the changes of invoices of the case, without those that came to nothing."""
    dead = (OrderStatus.VOIDED, OrderStatus.EXCUSED)
    orders = select(literal("order").label("of"), FieldOrder.id, FieldOrder.number, cast(FieldOrder.kind, String).label("what"))
    changes = select(literal("change"), InvoiceChange.id, InvoiceChange.number, InvoiceChange.period)
    alive = union_all(
        orders.where(FieldOrder.pqr_id == pqr.id, FieldOrder.status.not_in(dead)),
        changes.where(InvoiceChange.pqr_id == pqr.id, InvoiceChange.status != ChangeStatus.VOIDED),
    )
    rows = session.execute(alive.order_by("of", "id")).all()
    form.order_id.choices = [("", "—"), *((row.id, f"{row.number} · {_(OrderKind[row.what].value)}") for row in rows if row.of == "order")]
    form.grants.flags.required = True
    form.change_id.choices = [("", "—"), *((row.id, f"{row.number} · {row.what}") for row in rows if row.of == "change")]


@verb(
    Move.RECOGNISE, "grants", "order_id", "change_id",
    help=N_(
        "The law took the request as granted when its term ended. This act says so to the citizen and orders what was asked. "
        "It is issued once; the case is still answered and notified afterwards."
    ),
    arrange=_name_what_carries_it_out,
    fits=_is_awaited,
)  # fmt: skip
def recognise(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    row = silence.to_recognise(session, pqr, who["at"])
    grants = silence.check_grants(said["grants"])
    order = session.get_one(FieldOrder, said["order_id"]) if said["order_id"] else None
    change = session.get_one(InvoiceChange, said["change_id"]) if said["change_id"] else None
    with force_locale(LANGUAGE):
        fields = {"due": day(pqr.due_on) if pqr.due_on else None, "ground": _ground(pqr, row), "grants": grants}
        items = [_("Order %(number)s: %(what)s", number=order.number, what=_(order.kind.value))] if order else []
        items += [_("Change %(number)s of the invoice of %(period)s", number=change.number, period=change.period)] if change else []
    issuer = session.get(User, who["actor_id"])
    document = documents.issue_act(
        session, pqr, DocumentKind.RECOGNITION, issuer=issuer, at=who["at"], fields=fields, items=[f"{item}." for item in items]
    )
    silence.mark_recognised(session, row, grants, document, order=order, change=change, **who)
    messages.tell_act(session, pqr, document, who["at"])


def _ground(pqr: Pqr, row: Silence) -> str:
    """Return the sentence of the act that says why the silence arose."""
    if row.ground is SilenceGround.NOT_NOTIFIED:
        return _("It was answered in that term, but the answer was not duly notified.")
    if pqr.answered_on:
        return _("It was answered on %(day)s, after that term.", day=day(pqr.answered_on))
    return _("No answer was issued in that term.")
