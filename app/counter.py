"""
Mostrador: the page of a clerk with a queue, for the keyboard alone.

One box finds the person or the account; the page shows what they already have with the company and asks the least; then it says the
number. The address holds who is attended, so every step is a page without script, and counter.js fetches the same pages in place.
Nothing here decides: `intake` registers.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import abort, jsonify, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_login import current_user
from sqlalchemy import Row, Select, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app import intake, queries
from app.caselist import light_shown, shown_name
from app.domain.errors import DomainError
from app.domain.states import Category, DocumentType, Identity, Move, states_in
from app.extensions import db, now, today
from app.forms import CounterForm
from app.lookups import BIGGEST_ID
from app.models import Account, CaseEvent, FieldOrder, Party, Pqr, RequestType
from app.operations import files, interruptions
from app.search import matching
from app.security import may, scope_cases, scope_orders
from app.words import tidy

N_OFFERED = 10
N_ACCOUNTS = 30  # of one party; more are found by their number
N_CASES = 12
N_ORDERS = 5
#: How long the page of the result shows the citizen's key to the clerk who filed: while the citizen is there.
AT_THE_COUNTER = timedelta(hours=2)
#: Keys that choose in a group of boxes, in order; a plain key, because focus is in the group and nobody types there.
KEYS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STEPS = {"party", "account", "new", "anonymous"}
_CHANNEL = "counter_channel"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is attended, as the address says it; without party and not anonymous it is somebody to be written down."""

    party: Party | None
    account: Account | None
    accounts: tuple[Account, ...]
    is_anonymous: bool
    typed: str

    @property
    def is_new(self) -> bool:
        return self.party is None and not self.is_anonymous


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line under the box: somebody known, or an account, and the address that attends them."""

    url: str
    name: str
    document: str
    account: str


class CounterView(BaseView):
    """The counter: `/counter/`. Whoever attends there registers; what the page shows besides is asked of each right."""

    route_base = "/counter"
    default_view = "attend"
    class_permission_name = "Counter"
    method_permission_name = {"attend": "attend", "seek": "attend", "done": "attend"}

    @expose("/", methods=["GET", "POST"])
    @has_access
    def attend(self) -> str | Response | tuple[str, int]:
        """The box; once it found somebody, what they have and the form that registers."""
        if request.method == "GET" and not _STEPS & request.args.keys():
            typed = tidy(request.args.get("q", ""))[:80]
            return self.render_template("counter/start.html", typed=typed, found=_candidates(typed))
        visit = _visit()
        form = CounterForm()
        self._prepare(form, visit)
        if form.validate_on_submit():
            try:
                number = self._register(form, visit)
            except DomainError as error:
                db.session.rollback()
                intake.blame(form, error)
                visit = _visit()
            else:
                session[_CHANNEL] = form.channel.data
                return redirect(url_for("CounterView.done", number=number), 303)
        calendar = queries.calendar_of(db.session, queries.organisation(db.session))
        lines = [(line, *light_shown(line, calendar, today()), shown_name(line)) for line in _cases(visit)]
        page = self.render_template(
            "counter/attend.html",
            visit=visit,
            form=form,
            keys=KEYS,
            open_cases=sorted((each for each in lines if _is_alive(each[0])), key=lambda each: (each[0].due_on is None, each[0].due_on)),
            past_cases=[each for each in lines if not _is_alive(each[0])],
            orders=_orders(visit),
            outages=interruptions.reaching(db.session(), visit.accounts, at=now()) if may("can_list", "Interruption") else [],
            at=now(),
            limits=files,
        )
        return (page, 422) if form.is_submitted() else page

    def _prepare(self, form: CounterForm, visit: Visit) -> None:
        """Give the form its choices, and on a first visit what is known already."""
        intake.fill_choices(db.session, form, {account.service_id for account in visit.accounts})
        if not visit.accounts:
            form.account_number.label.text = form.account.label.text
        form.account.choices = [*((account.id, account.number) for account in visit.accounts), ("", "—")]
        if form.is_submitted():
            return
        channels = [value for value, _label in form.channel.choices]
        form.submission.data = secrets.token_urlsafe(24)
        form.channel.data = session.get(_CHANNEL) if session.get(_CHANNEL) in channels else next(iter(channels), None)
        chosen = visit.account or (visit.accounts[0] if len(visit.accounts) == 1 else None)
        form.account.data = chosen.id if chosen else None
        if visit.is_anonymous:
            form.identity.data = Identity.ANONYMOUS.name
        elif any(char.isdigit() for char in visit.typed):
            form.document_type.data, form.document_number.data = DocumentType.CC.name, visit.typed[:20]
        else:
            form.name.data = visit.typed

    def _register(self, form: CounterForm, visit: Visit) -> str:
        """Register and commit; return the number."""
        try:
            number = intake.register(db.session, form, at=now(), actor_id=current_user.id, party=visit.party).number
            db.session.commit()
        except IntegrityError:  # two presses wrote down the same new person: the one that came first has the case
            db.session.rollback()
            first = select(Pqr.number).where(Pqr.submission == form.submission.data)
            number = db.session.scalar(first) if form.submission.data else None
            if number is None:
                raise
        return number

    @expose("/seek")
    @has_access
    def seek(self) -> Response:
        """Who may be meant, as JSON, while somebody types."""
        found = _candidates(tidy(request.args.get("q", ""))[:80])
        return jsonify([{"url": each.url, "name": each.name, "document": each.document, "account": each.account} for each in found])

    @expose("/done/<number>")
    @has_access
    def done(self, number: str) -> str | Response:
        """Number, legal date and key, for the clerk who registered it and while the citizen is there; later, the case itself."""
        mine = exists().where(CaseEvent.pqr_id == Pqr.id, CaseEvent.move == Move.FILE, CaseEvent.actor_id == current_user.id)
        filed = select(Pqr).where(Pqr.number == number.upper(), Pqr.filed_at > now() - AT_THE_COUNTER, mine)
        shown = (Pqr.party, Pqr.account, Pqr.request_type, Pqr.channel)
        pqr = db.session.scalar(filed.options(*map(joinedload, shown)))
        if pqr is None:
            return redirect(url_for("CaseView.show", number=number))
        return self.render_template("counter/done.html", pqr=pqr)


# ── Who ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _candidates(typed: str) -> list[Candidate]:
    """Return up to ten people and accounts that *typed* may mean, those named exactly first; only what the reader may list."""
    if len(typed) < 2:
        return []
    bare = "".join(char for char in typed if char.isalnum()).upper()
    people = _sought(select(Party).order_by((Party.document_number == bare).desc(), Party.name, Party.id), Party, typed)
    nearest = (Account.number.in_((typed, bare)).desc(), Account.number.startswith(typed, autoescape=True).desc(), Account.number)
    accounts = _sought(select(Account).options(joinedload(Account.service)).order_by(*nearest), Account, typed)
    known = {party.id for party in people}
    accounts = [account for account in accounts if account.party_id not in known]  # found by the name of its holder, who is there
    owners = _by_id(Party, Party.id, {account.party_id for account in accounts if account.party_id and may("can_list", "Party")})
    theirs = _by_id(Account, Account.party_id, known if may("can_list", "Account") else set())
    lines = [(party.document_number == bare, _of_party(party, theirs.get(party.id, []))) for party in people]
    lines += [(account.number in (typed, bare), _of_account(account, owners.get(account.party_id, []))) for account in accounts]
    lines.sort(key=lambda line: not line[0])
    return [candidate for _is_exact, candidate in lines[:N_OFFERED]]


def _sought(statement: Select[Any], model: Any, typed: str) -> list[Any]:
    condition = matching(model, typed) if may("can_list", model.__name__) else None
    return list(db.session.scalars(statement.where(condition).limit(N_OFFERED))) if condition is not None else []


def _by_id(model: Any, key: Any, ids: set[Any]) -> dict[int, list[Any]]:
    """Return the rows of *model* whose *key* is one of *ids*, by it, in one statement."""
    found: dict[int, list[Any]] = {}
    for row in db.session.scalars(select(model).where(key.in_(ids)).order_by(model.id)) if ids else ():
        found.setdefault(getattr(row, key.key), []).append(row)
    return found


def _of_account(account: Account, owners: list[Party]) -> Candidate:
    owner = owners[0] if owners else None
    url = url_for("CounterView.attend", account=account.id)
    where = f"{account.number} · {account.service.name} · {account.address}"
    return Candidate(url, owner.name if owner else "", _document(owner), where)


def _of_party(party: Party, accounts: list[Account]) -> Candidate:
    where = f"{accounts[0].number} · {accounts[0].address}" if accounts else ""
    more = f" · +{len(accounts) - 1}" if len(accounts) > 1 else ""
    return Candidate(url_for("CounterView.attend", party=party.id), party.name, _document(party), where + more)


def _document(party: Party | None) -> str:
    return f"{party.document_type.name} {party.document_number}" if party and party.document_type else ""


def _visit() -> Visit:
    """Return who the address names. Ends the request with 404 when there is no such row, with 403 without the right to see it."""
    session = db.session
    party_id, account_id = _id("party", "Party"), _id("account", "Account")
    is_anonymous, is_new = "anonymous" in request.args, "new" in request.args
    party = session.get(Party, party_id) or abort(404) if party_id and not is_anonymous else None
    with_service = select(Account).options(joinedload(Account.service), joinedload(Account.party))
    account = session.scalar(with_service.where(Account.id == account_id)) or abort(404) if account_id else None
    if party is None and account is not None and not is_new and not is_anonymous and may("can_list", "Party"):
        party = account.party
    accounts = [account] if account else []
    if party is not None and may("can_list", "Account"):
        theirs = with_service.where(Account.party_id == party.id, Account.id != (account_id or 0))
        accounts += session.scalars(theirs.order_by(Account.is_active.desc(), Account.number).limit(N_ACCOUNTS))
    return Visit(party, account, tuple(accounts), is_anonymous, tidy(request.args.get("new", ""))[:160])


def _id(name: str, view: str) -> int | None:
    """Return the key that the address gives under *name*, if it does and the reader may list such rows."""
    text = request.args.get(name)
    if text is None:
        return None
    if not may("can_list", view):
        abort(403)
    return int(text) if text.isdecimal() and 0 < int(text) <= BIGGEST_ID else abort(404)


# ── What they have ────────────────────────────────────────────────────────────────────────────────────────────────────────

_ALIVE = states_in(Category.OPEN, Category.STOPPED)


def _is_alive(line: Any) -> bool:
    return line.status.category in (Category.OPEN, Category.STOPPED)


def _cases(visit: Visit) -> list[Row[Any]]:
    """
    Return lines of the cases of the party and of its accounts that the reader may see, open ones first, then the last.

    Reserved ones only for whoever may know: beside a name or its account they would say who filed.
    """
    conditions = [Pqr.account_id.in_([account.id for account in visit.accounts])] if visit.accounts else []
    if visit.party is not None:
        conditions.append(Pqr.party_id == visit.party.id)
    if not conditions:
        return []
    ids = select(Pqr.id).where(or_(*conditions))
    if not may("can_see_reserved"):
        ids = ids.where(Pqr.identity != Identity.RESERVED)
    columns = (
        Pqr.number, Pqr.subject, Pqr.status, Pqr.identity, Pqr.regime, Pqr.filed_on, Pqr.due_on, Pqr.safe_on, Pqr.party_id,
        Party.name.label("party"), Account.number.label("account"), RequestType.name.label("request_type"),
    )  # fmt: skip
    statement = (
        select(*columns)
        .join(RequestType, RequestType.id == Pqr.request_type_id)
        .outerjoin(Party, Party.id == Pqr.party_id)
        .outerjoin(Account, Account.id == Pqr.account_id)
        .where(Pqr.id.in_(scope_cases(ids, today())))
        .order_by(Pqr.status.in_(_ALIVE).desc(), Pqr.filed_on.desc(), Pqr.id.desc())
        .limit(N_CASES)
    )
    return list(db.session.execute(statement))


def _orders(visit: Visit) -> list[Row[Any]]:
    """Return lines of the last orders and actas of the accounts that the reader may see, newest first; none of a reserved case."""
    if not visit.accounts:
        return []
    columns = (FieldOrder.id, FieldOrder.number, FieldOrder.kind, FieldOrder.status, FieldOrder.issued_on, FieldOrder.done_on)
    statement = (
        scope_orders(select(*columns), today())
        .outerjoin(Pqr, Pqr.id == FieldOrder.pqr_id)
        .where(FieldOrder.account_id.in_([account.id for account in visit.accounts]))
        .where(or_(FieldOrder.pqr_id.is_(None), Pqr.identity != Identity.RESERVED))
        .order_by(FieldOrder.id.desc())
        .limit(N_ORDERS)
    )
    return list(db.session.execute(statement))
