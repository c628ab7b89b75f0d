"""
The search of the top bar: `/search?q=…`. What names one thing opens it; anything else is a page of what was found, by kind.

Nobody finds here what his lists do not show: cases in his scope, parties and accounts if he may list them, and nobody by a name that
a case keeps in reserve (`search.SEARCHED` holds no such words).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from sqlalchemy import Select, String, and_, cast, func, literal, or_, select, union_all
from werkzeug.wrappers import Response

from app import queries
from app.caselist import is_masked, light_shown, shown_name
from app.domain.states import DocumentType
from app.extensions import db, today
from app.listing import BOUND
from app.models import Account, Party, Pqr
from app.search import matching
from app.security import may, scope_cases
from app.words import tidy

N_SHOWN = 8
_NUMBER = re.compile(r"([A-Za-z]+)[\s-]*(\d{4})[\s-]*(\d+)")


@dataclass(frozen=True, slots=True)
class Group:
    """The first rows of one kind, how many there are (counted up to `BOUND` + 1) and where all of them are."""

    rows: list[Any]
    n: int
    url: str

    @property
    def is_bounded(self) -> bool:
        return self.n > BOUND


class FinderView(BaseView):
    """`/search`: one box for cases, parties and accounts."""

    route_base = ""
    default_view = "search"
    class_permission_name = "Search"

    @expose("/search")
    @has_access
    def search(self) -> str | Response:
        """Open what the text names, or show what it finds."""
        typed = tidy(request.args.get("q", ""))[:100]
        if url := named(typed):
            return redirect(url)
        cases, parties, accounts = found_cases(typed), found_parties(typed), found_accounts(typed)
        if url := only_case(cases, parties, accounts):
            return redirect(url)
        lines: list[Any] = []
        if cases and cases.rows:
            calendar, on = queries.calendar_of(db.session, queries.organisation(db.session)), today()
            lines = [(line, *light_shown(line, calendar, on), shown_name(line)) for line in cases.rows]
        groups = {"cases": cases, "parties": parties, "accounts": accounts}
        is_empty = not any(group and group.n for group in groups.values())
        return self.render_template(  # type: ignore[no-any-return]
            "finder/search.html", title=_("Search"), typed=typed, lines=lines, is_empty=is_empty, may=may, bound=BOUND, **groups
        )


# ── What names one thing ──────────────────────────────────────────────────────────────────────────────────────────────────


def case_numbers(typed: str) -> list[str]:
    """Return the numbers of cases that *typed* may mean: a whole one, or a bare one of this year or the last."""
    if whole := _NUMBER.fullmatch(typed):
        prefix, year, number = whole.groups()
        return [f"{prefix.upper()}-{year}-{number:0>6}"]
    if re.fullmatch("[0-9]{1,9}", typed) and int(typed):
        return [f"PQR-{year}-{int(typed):06}" for year in (today().year, today().year - 1)]
    return []


def named(typed: str) -> str | None:
    """Return the address of the one case, account or party whose number is *typed*; None when it is none's, or of several."""
    if not any(character.isdigit() for character in typed):
        return None
    parts = []
    if may("can_show"):
        numbers = scope_cases(select(Pqr.id).where(Pqr.number.in_(case_numbers(typed))), today())
        parts.append(select(literal("case").label("kind"), Pqr.number.label("key")).where(Pqr.id.in_(numbers)))
    if may("can_show", "Account"):
        parts.append(select(literal("account"), cast(Account.id, String)).where(Account.number.in_({typed, "".join(typed.split())})))
    if may("can_show", "Party"):
        parts.append(select(literal("party"), cast(Party.id, String)).where(_has_document(typed)))
    found = db.session.execute(union_all(*(part.limit(2).subquery().select() for part in parts))).all() if parts else []
    if len(found) != 1:
        return None
    [(kind, key)] = found
    return case_url(key) if kind == "case" else url_for("AccountView.show" if kind == "account" else "PartyView.show", pk=key)


def _has_document(typed: str) -> Any:
    """Return the condition "this is the document of the party", its type before it or not, a NIT with or without its check digit."""
    kind, _space, rest = typed.upper().partition(" ")
    is_kind = kind in DocumentType.__members__
    number = "".join(character for character in (rest if is_kind else typed.upper()) if character.isalnum())
    same = and_(Party.document_type.in_([DocumentType[kind]] if is_kind else list(DocumentType)), Party.document_number == number)
    if is_kind and kind != DocumentType.NIT.name:
        return same
    checked = [number + digit for digit in "0123456789"]
    return or_(same, and_(Party.document_type == DocumentType.NIT, Party.document_number.in_(checked)))


def case_url(number: str) -> str:
    return url_for("CaseView.show", number=number)


def only_case(cases: Group | None, parties: Group | None, accounts: Group | None) -> str | None:
    """Return the address of the case when one matches, and no party or account but those of that case."""
    if cases is None or cases.n != 1:
        return None
    line = cases.rows[0]
    own_party = None if is_masked(line) else line.party_id  # else opening the case, or not, would tell who filed it
    others = [(parties, own_party), (accounts, line.account_id)]
    is_alone = all(group is None or group.n == 0 or (group.n == 1 and group.rows[0].id == own) for group, own in others)
    return case_url(line.number) if is_alone else None


# ── What is found ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _group(rows: Any, keys: Select[Any], url: str) -> Group:
    """Return the group of *rows*, ordered, in one statement with the count of *keys*."""
    n = select(func.count()).select_from(keys.limit(BOUND + 1).subquery()).scalar_subquery()
    found = list(db.session.execute(rows.add_columns(n.label("n")).limit(N_SHOWN)))
    return Group(found, found[0].n if found else 0, url)


def found_cases(typed: str) -> Group | None:
    """Return the cases in the reader's scope that have every word, newest first; None when he reads none or typed no word."""
    condition = matching(Pqr, typed)
    if condition is None or not may("can_list"):
        return None
    keys = scope_cases(select(Pqr.id).where(condition), today())
    rows = queries.case_columns(scope_cases(select(Pqr).where(condition), today()), ("party_id", "account_id"))
    return _group(rows.order_by(Pqr.filed_on.desc(), Pqr.id.desc()), keys, url_for("CaseView.list", q=typed))


def found_parties(typed: str) -> Group | None:
    """Return the parties that have every word, by name."""
    condition = matching(Party, typed)
    if condition is None or not may("can_list", "Party"):
        return None
    columns = (Party.id, Party.name, Party.document_type, Party.document_number, Party.phone, Party.email)
    return _group(select(*columns).where(condition).order_by(Party.name, Party.id), select(Party.id).where(condition),
                  url_for("PartyView.list", q=typed))  # fmt: skip


def found_accounts(typed: str) -> Group | None:
    """Return the accounts that have every word, by number."""
    condition = matching(Account, typed)
    if condition is None or not may("can_list", "Account"):
        return None
    columns = (Account.id, Account.number, Account.address, Account.is_active, Party.name.label("party"))
    rows = select(*columns).outerjoin(Account.party).where(condition).order_by(Account.number, Account.id)
    return _group(rows, select(Account.id).where(condition), url_for("AccountView.list", q=typed))
