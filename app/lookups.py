"""How to name a row of a table in one line of text, and how to find it: what look-up fields, filters and search boxes share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import abort, jsonify, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, exists, false, or_, select, true
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired
from wtforms.validators import Optional as Empty
from wtforms.widgets import TextInput

from app import search
from app.domain.states import DocumentType
from app.domain.text import plain
from app.extensions import appbuilder, db
from app.models import Account, Contract, MassEvent, Municipality, Party, PartyContact, ProcessMember, Service, SuiCause
from app.security import may
from app.words import tidy

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
    matches = search.matching(Party, text)
    return () if matches is None else session.scalars(select(Party).where(matches).order_by(Party.name).limit(N_OFFERED))


def _find_account(text: str) -> Select[Any]:
    number, *rest = (part.strip() for part in text.split("·"))
    statement = select(Account).join(Account.service).options(joinedload(Account.service)).where(Account.number == number)
    return statement.where(Service.code == rest[0]) if rest else statement


def _seek_accounts(session: Session, text: str) -> Iterable[Account]:
    matches = search.matching(Account, text)
    if matches is None:
        return ()
    return session.scalars(select(Account).options(joinedload(Account.service)).where(matches).order_by(Account.number).limit(N_OFFERED))


def _find_contact(text: str) -> Select[Any]:
    tail = _tail(text)
    statement = select(PartyContact).options(joinedload(PartyContact.party))
    if tail.startswith("#") and tail[1:].isdigit():
        return statement.where(PartyContact.id == min(int(tail[1:]), BIGGEST_ID))
    return statement.where(or_(PartyContact.name == text.strip(), PartyContact.email == text.strip().lower()))


def _seek_contacts(session: Session, text: str) -> Iterable[PartyContact]:
    matches = search.matching(PartyContact, text)
    if matches is None:
        return ()
    still_there = select(PartyContact).options(joinedload(PartyContact.party)).where(matches, PartyContact.is_active)
    return session.scalars(still_there.order_by(PartyContact.name).limit(N_OFFERED))


_MEMBERS = select(ProcessMember.user_id)


def _seek_users(session: Session, text: str) -> Iterable[User]:
    return session.scalars(_users_called(text))


def _seek_members(session: Session, text: str) -> Iterable[User]:
    return session.scalars(_users_called(text).where(User.id.in_(_MEMBERS)))


def _users_called(text: str) -> Select[Any]:
    called = search.folded_contains((User.first_name, User.last_name, User.username), text)
    return select(User).where(User.active, false() if called is None else called).order_by(User.first_name, User.last_name).limit(N_OFFERED)


def _seek_municipalities(session: Session, text: str) -> Iterable[Municipality]:
    """Accents are forgiven here in Python: the table has 1,122 rows, and neither engine folds them without an extension."""
    wanted = plain(text)
    rows = session.scalars(select(Municipality).order_by(Municipality.name))
    found = [row for row in rows if row.code.startswith(wanted) or any(w.startswith(wanted) for w in _starts(plain(row.name)))]
    return sorted(found, key=lambda row: not plain(row.name).startswith(wanted))[:N_OFFERED]


def _find_cause(text: str) -> Select[Any]:
    """By code and service, or by name; of a cause that was issued anew, the newest."""
    head, *rest = (part.strip() for part in text.split("·"))
    later = aliased(SuiCause)
    is_old = exists().where(later.service_id == SuiCause.service_id, later.code == SuiCause.code, later.valid_from > SuiCause.valid_from)
    newest = select(SuiCause).join(SuiCause.service).options(contains_eager(SuiCause.service)).where(~is_old)
    if rest:
        return newest.where(SuiCause.code == head, Service.code == rest[-1])
    return newest.where(or_(SuiCause.code == head, SuiCause.name == head))


def _seek_causes(session: Session, text: str) -> Iterable[SuiCause]:
    """Accents are forgiven in Python, as for municipalities: a table of some hundred rows."""
    wanted = plain(text)
    rows = session.scalars(select(SuiCause).options(joinedload(SuiCause.service)).order_by(SuiCause.code, SuiCause.valid_from.desc()))
    found = {(row.code, row.service_id): row for row in rows if row.code.startswith(text) or wanted in plain(row.name)}
    return list(found.values())[:N_OFFERED]


def _seek_events(session: Session, text: str) -> Iterable[MassEvent]:
    called = search.folded_contains((MassEvent.name, MassEvent.sector), text)
    newest = select(MassEvent).order_by(MassEvent.since_on.desc(), MassEvent.id.desc())
    return session.scalars(newest.where(false() if called is None else called).limit(N_OFFERED))


def _contracts() -> Select[Any]:
    """Return the SELECT of the contracts that a reader of all may choose; whoever reads only some is offered none by its number."""
    return select(Contract).options(joinedload(Contract.party)).where(true() if may("can_see_all", "Contract") else false())


def _find_contract(text: str) -> Select[Any]:
    return _contracts().where(Contract.number == text.partition("·")[0].strip())


def _seek_contracts(session: Session, text: str) -> Iterable[Contract]:
    matches = search.matching(Contract, text)
    return () if matches is None else session.scalars(_contracts().where(matches).order_by(Contract.number).limit(N_OFFERED))


def _starts(name: str) -> Iterable[str]:
    """Yield *name* from each of its words on."""
    yield name
    for i, letter in enumerate(name):
        if letter in " -":
            yield name[i + 1 :]


LOOKUPS: dict[str, Lookup] = {
    "party": Lookup(Party, ("can_list", "Party"), _party_text, _find_party, _seek_parties, ("PartyView", "name", "document_number")),
    "account": Lookup(
        Account,
        ("can_list", "Account"),
        lambda row: f"{row.number} · {row.service.code} · {row.address}",
        _find_account,
        _seek_accounts,
        ("AccountView", "address", "number"),
    ),
    "contact": Lookup(
        PartyContact,
        ("can_list", "Contact"),
        lambda row: f"{row.name} · {row.party.name} · #{row.id}",
        _find_contact,
        _seek_contacts,
        ("ContactView", "name", "phone"),
    ),
    "user": Lookup(
        User,
        ("can_list", "Pqr"),  # the history of every case names them
        lambda row: f"{row.first_name} {row.last_name} · {row.username}",
        lambda text: select(User).where(User.username == _tail(text)),
        _seek_users,
    ),
    "member": Lookup(
        User,
        ("can_list", "Pqr"),
        lambda row: f"{row.first_name} {row.last_name} · {row.username}",
        lambda text: select(User).where(User.username == _tail(text), User.active, User.id.in_(_MEMBERS)),
        _seek_members,
    ),
    "contract": Lookup(Contract, ("can_list", "Contract"), lambda row: f"{row.number} · {row.party.name}", _find_contract, _seek_contracts),
    "cause": Lookup(SuiCause, ("can_list", "Pqr"), lambda row: f"{row.code} · {row.name} · {row.service.code}", _find_cause, _seek_causes),
    "event": Lookup(
        MassEvent,
        ("can_list", "MassEvent"),
        str,
        lambda text: select(MassEvent).where(MassEvent.name == tidy(text)),
        _seek_events,
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


# ── The field of a form ───────────────────────────────────────────────────────────────────────────────────────────────────


def is_fragment() -> bool:
    """Whether a dialog of another form asks (`forms.js`): it wants the form without its page."""
    return request.headers.get("X-Fragment") == "1"


def lookup_attributes(kind: str) -> dict[str, str]:
    """Return what makes a text box offer rows of `LOOKUPS[kind]` while somebody types; without script it is a text box."""
    return {"data-lookup": url_for("LookupView.seek", kind=kind), "data-nothing": _("Nothing found"), "autocomplete": "off"}


def create_link(kind: str, field_id: str) -> Markup:
    """
    Return the link beside the look-up field *field_id* that adds a missing row without leaving the page; empty without the right.

    Without script it opens the screen in another tab. So it does within a dialog: one at a time is enough.
    """
    add = LOOKUPS[kind].add
    view = next((each for each in appbuilder.baseviews if add and type(each).__name__ == add[0]), None)
    if add is None or view is None or not view.may_do("add"):
        return Markup()
    create = Markup(' data-create="{} {}" data-for="{}"').format(*add[1:], field_id) if not is_fragment() else ""
    url = url_for(f"{add[0]}.add")
    link = Markup('<a class="create" href="{}" target="_blank" rel="noopener"{}>{}</a>').format(url, create, view.add_title)
    return link + Markup('<span class="help" role="status" data-text="{}"></span>').format(_("It is saved and chosen."))


class LookupInput(TextInput):
    """The text box of a relation, and the way to add the row that is missing."""

    def __call__(self, field: LookupField, **attributes: Any) -> Markup:
        box = super().__call__(field, **(lookup_attributes(field.kind) | attributes))
        return box + create_link(field.kind, attributes.get("id", field.id))


class LookupField(StringField):
    """A relation to a row of a big table, written as text (`LOOKUPS[kind]`); its data is the row."""

    widget = LookupInput()

    def __init__(self, label: Any, kind: str, **options: Any) -> None:
        self.kind = kind
        self.typed: str | None = None
        super().__init__(label, **options)

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return LOOKUPS[self.kind].text(self.data) if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed, self.data = tidy(valuelist[0]), None
        if self.typed:
            found = db.session.scalars(LOOKUPS[self.kind].find(self.typed).limit(2)).all()
            if len(found) > 1:
                raise ValueError(_("Several match. Choose one of the list, or write its whole number."))
            if not found:
                raise ValueError(_("Nothing matches. Choose one of the list, or write its whole number."))
            self.data = found[0]


def lookup(label: Any, kind: str, *, optional: bool = False, **options: Any) -> LookupField:
    """Return a field for a relation to a party, account, user or municipality."""
    options.setdefault("validators", [Empty()] if optional else [InputRequired()])
    return LookupField(label, kind, **options)


class NumberField(StringField):
    """A number that a page looks up by itself, with the offers of a look-up; its data is the text."""

    widget = LookupInput()

    def __init__(self, label: Any, kind: str, **options: Any) -> None:
        self.kind = kind
        super().__init__(label, **options)


# ── Offering ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
