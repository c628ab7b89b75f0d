"""How to name a row of a table in one line of text, and how to find it: what look-up fields, filters and search boxes share."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import abort, jsonify, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from app.domain.states import DocumentType
from app.extensions import db
from app.forms import tidy
from app.models import Account, Municipality, Party, Service
from app.security import may

BIGGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    How to name a row of a big table in one line of text, and how to find it again.

    `text(row)` is what a form shows and sends; `find(text)` understands it, and what people write by hand (a document, a number);
    `seek(session, text)` offers rows while somebody types. `add`: the screen that adds such a row from within another form, and the
    columns that take what was typed so far, a text or a number.
    """

    model: type
    right: tuple[str, str] | None
    text: Callable[[Any], str]
    find: Callable[[str], Select[Any]]
    seek: Callable[[Session, str], Iterable[Any]]
    add: tuple[str, str, str] | None = None


N_OFFERED = 12


def folded(text: str) -> str:
    """Return *text* in lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def _tail(text: str) -> str:
    return text.rpartition("·")[2].strip()


def _party_text(party: Party) -> str:
    key = f"{party.document_type.name} {party.document_number}" if party.document_type else f"#{party.id}"
    return f"{party.name} · {key}"


def _find_party(text: str) -> Select[Any]:
    tail = _tail(text)
    if tail.startswith("#") and tail[1:].isdigit():
        return select(Party).where(Party.id == min(int(tail[1:]), BIGGEST_ID))
    kind, _space, number = tail.partition(" ")
    if kind in DocumentType.__members__ and number:
        return select(Party).where(Party.document_type == DocumentType[kind], Party.document_number == number)
    digits = "".join(c for c in tail if c.isalnum())
    return select(Party).where(or_(Party.document_number == digits, Party.name == text.strip()))


def _seek_parties(session: Session, text: str) -> Iterable[Party]:
    digits = "".join(c for c in text if c.isalnum())
    words = or_(Party.name.istartswith(text, autoescape=True), Party.name.icontains(f" {text}", autoescape=True))
    matches = or_(words, Party.document_number.startswith(digits, autoescape=True)) if digits.isdigit() else words
    return session.scalars(select(Party).where(matches).order_by(Party.name).limit(N_OFFERED))


def _find_account(text: str) -> Select[Any]:
    number, *rest = (part.strip() for part in text.split("·"))
    statement = select(Account).join(Account.service).options(joinedload(Account.service)).where(Account.number == number)
    return statement.where(Service.code == rest[0]) if rest else statement


def _seek_accounts(session: Session, text: str) -> Iterable[Account]:
    matches = or_(Account.number.startswith(text, autoescape=True), Account.address.icontains(text, autoescape=True))
    return session.scalars(select(Account).options(joinedload(Account.service)).where(matches).order_by(Account.number).limit(N_OFFERED))


def _seek_users(session: Session, text: str) -> Iterable[User]:
    names = (User.first_name, User.last_name, User.username)
    matches = or_(*(name.istartswith(text, autoescape=True) for name in names))
    return session.scalars(select(User).where(User.active, matches).order_by(User.first_name, User.last_name).limit(N_OFFERED))


def _seek_municipalities(session: Session, text: str) -> Iterable[Municipality]:
    """Accents are forgiven here in Python: the table has 1,122 rows, and neither engine folds them without an extension."""
    wanted = folded(text)
    rows = session.scalars(select(Municipality).order_by(Municipality.name))
    found = [row for row in rows if row.code.startswith(wanted) or any(w.startswith(wanted) for w in _starts(folded(row.name)))]
    return sorted(found, key=lambda row: not folded(row.name).startswith(wanted))[:N_OFFERED]


def _starts(name: str) -> Iterable[str]:
    """Yield *name* from each of its words on."""
    yield name
    for i, letter in enumerate(name):
        if letter in " -":
            yield name[i + 1 :]


LOOKUPS: dict[str, Lookup] = {
    "party": Lookup(Party, ("can_list", "Party"), _party_text, _find_party, _seek_parties, ("PartyView", "name", "document_number")),
    "account": Lookup(
        Account, ("can_list", "Account"), lambda row: f"{row.number} · {row.service.code} · {row.address}", _find_account, _seek_accounts,
        ("AccountView", "address", "number"),
    ),
    "user": Lookup(
        User,
        ("can_list", "Pqr"),  # the history of every case names them
        lambda row: f"{row.first_name} {row.last_name} · {row.username}",
        lambda text: select(User).where(User.username == _tail(text)),
        _seek_users,
    ),
    "municipality": Lookup(
        Municipality,
        None,
        lambda row: f"{row.name} ({row.department}) · {row.code}",
        lambda text: select(Municipality).where(or_(Municipality.code == _tail(text), Municipality.name == text.strip())),
        _seek_municipalities,
    ),
}


def lookup_text(row: Any) -> str:
    """Return how forms name *row*."""
    return next((each.text(row) for each in LOOKUPS.values() if isinstance(row, each.model)), str(row))


class LookupView(BaseView):
    """GET /lookup/party?q=… offers up to twelve rows as JSON, to whoever may list them."""

    route_base = "/lookup"
    class_permission_name = "Lookup"

    @expose("/<kind>")
    def seek(self, kind: str) -> Response:
        lookup = LOOKUPS.get(kind) or abort(404)
        if not current_user.is_authenticated:
            abort(401)
        if lookup.right and not may(*lookup.right):
            abort(403)
        text = tidy(request.args.get("q", ""))[:80]
        rows = lookup.seek(db.session, text) if len(text) >= 2 else ()
        return jsonify([{"text": lookup.text(row)} for row in rows])
