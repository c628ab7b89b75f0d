"""
The search of the top bar: `/search?q=…`. What names one thing opens it; anything else is a page of what was found, by kind.

Nobody finds here what his lists do not show: cases, contracts, actions and risks in his scope, parties, accounts, contacts and quotations
if he may list them, and nobody by a name that a case keeps in reserve (`search.SEARCHED` holds no such words).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, String, Text, and_, case, cast, func, literal, or_, select, type_coerce, union_all
from werkzeug.wrappers import Response

from app import queries
from app.caselist import is_masked, light_shown, shown_name
from app.domain.campaigns import CampaignStatus
from app.domain.contracts import ContractStage
from app.domain.controlled import ControlledKind
from app.domain.improvement import ActionStatus, NonconformityStatus
from app.domain.legalmatrix import Compliance
from app.domain.quotations import QuotationStatus
from app.domain.states import DocumentType
from app.extensions import db, today
from app.listing import BOUND
from app.models import (
    Account,
    Action,
    Checklist,
    Contract,
    ControlledDocument,
    LegalRequirement,
    Nonconformity,
    Party,
    PartyContact,
    Pqr,
    Process,
    Questionnaire,
    Quotation,
    Risk,
    SurveyCampaign,
)
from app.search import matching
from app.security import may, scope_actions, scope_cases, scope_checklists, scope_contracts, scope_nonconformities, scope_risks
from app.words import say_day, say_phone, tidy

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
    """`/search`: one box for cases, parties, accounts, and the commercial side."""

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
        commercial = found_commercial(typed)
        if not commercial and (url := only_case(cases, parties, accounts)):
            return redirect(url)
        lines: list[Any] = []
        if cases and cases.rows:
            calendar, on = queries.calendar_of(db.session, queries.organisation(db.session)), today()
            lines = [(line, *light_shown(line, calendar, on), shown_name(line)) for line in cases.rows]
        groups = {"cases": cases, "parties": parties, "accounts": accounts}
        is_empty = not any(group and group.n for group in groups.values()) and not commercial
        return self.render_template(  # type: ignore[no-any-return]
            "finder/search.html", title=_("Search"), typed=typed, lines=lines, is_empty=is_empty, may=may, bound=BOUND,
            commercial=commercial, **groups,
        )  # fmt: skip


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
    """Return the address of the one row whose number is *typed*; None when it is none's, or of several."""
    if not any(character.isdigit() for character in typed):
        return None
    parts = []
    if may("can_show"):
        numbers = scope_cases(select(Pqr.id).where(Pqr.number.in_(case_numbers(typed))), today())
        parts.append(select(literal("CaseView").label("view"), Pqr.number.label("key")).where(Pqr.id.in_(numbers)))
    if may("can_show", "Account"):
        parts.append(_keys("AccountView", Account, Account.number.in_({typed, "".join(typed.split())})))
    if may("can_show", "Party"):
        parts.append(_keys("PartyView", Party, _has_document(typed)))
    numbers = commercial_numbers(typed)
    for view, right, model, scope in NUMBERED:
        if may("can_show", right):
            parts.append(_keys(view, model, model.id.in_(scope(select(model.id).where(model.number.in_(numbers))))))
    found = db.session.execute(union_all(*(part.limit(2).subquery().select() for part in parts))).all() if parts else []
    if len(found) != 1:
        return None
    [(view, key)] = found
    return case_url(key) if view == "CaseView" else url_for(f"{view}.show", pk=key)


def _keys(view: str, model: Any, condition: Any) -> Select[Any]:
    return select(literal(view).label("view"), cast(model.id, String).label("key")).where(condition)


def commercial_numbers(typed: str) -> set[str]:
    """Return the numbers of the commercial side that *typed* may mean: as it stands, and as a series writes it."""
    numbers = {typed, typed.upper()}
    if whole := _NUMBER.fullmatch(typed):
        prefix, year, number = whole.groups()
        numbers.add(f"{prefix.upper()}-{year}-{number:0>4}")
    return numbers


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


# ── The commercial side ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of rows of the commercial side.

    Args:
        view: Its screen; who may open it finds its rows.
        scope: Limits a SELECT over the model to what the reader may see.
        says: What a line says: how the row is called, what it is, whose it is, and how it stands.
        say: Makes words of the last.
        newest: What orders the lines, descending.
    """

    name: str
    view: str
    right: str
    model: Any
    label: Any
    heads: tuple[Any, ...]
    scope: Callable[[Select[Any]], Select[Any]]
    says: tuple[Any, Any, Any, Any]
    newest: Any
    say: Callable[[str], str]

    @property
    def has_numbers(self) -> bool:
        return hasattr(self.model, "number")


def _state(states: type[Enum]) -> Callable[[str], str]:
    return lambda name: _(states[name].value) if name else "—"


def _as_it_is(statement: Select[Any]) -> Select[Any]:
    return statement


def _process_of(model: Any) -> Any:
    return select(Process.name).where(Process.id == model.process_id).correlate(model).scalar_subquery()


FORM_OF = select(Questionnaire.name).where(Questionnaire.id == SurveyCampaign.questionnaire_id).correlate(SurveyCampaign).scalar_subquery()
KINDS = (
    Kind(
        "quotations", "QuotationView", "Quotation", Quotation, _l("Quotations"),
        (_l("Number"), _l("What is quoted"), _l("Party"), _l("State")), _as_it_is,
        (Quotation.number, Quotation.subject, Party.name, Quotation.status), Quotation.id,
        _state(QuotationStatus),
    ),
    Kind(
        "contracts", "ContractView", "Contract", Contract, _l("Contracts"), (_l("Number"), _l("Object"), _l("Party"), _l("State")),
        lambda statement: scope_contracts(statement, today()), (Contract.number, Contract.object, Party.name, Contract.stage), Contract.id,
        _state(ContractStage),
    ),
    Kind(
        "contacts", "ContactView", "Contact", PartyContact, _l("Contacts"),
        (_l("Name"), _l("Job title"), _l("Party"), _l("Phone or e-mail")), _as_it_is,
        (PartyContact.name, PartyContact.position, Party.name, func.coalesce(PartyContact.phone, PartyContact.email)), PartyContact.id,
        lambda text: say_phone(text) if text.startswith("+") else text,
    ),
    Kind(
        "actions", "ActionView", "Action", Action, _l("Actions"), (_l("Number"), _l("What has to be done"), _l("About whom"), _l("State")),
        lambda statement: scope_actions(statement, today()), (Action.number, Action.title, Party.name, Action.status), Action.id,
        _state(ActionStatus),
    ),
    Kind(
        "surveys", "SurveyCampaignView", "SurveyCampaign", SurveyCampaign, _l("Campaigns of surveys"),
        (_l("Number"), _l("Name"), _l("Form"), _l("State")), _as_it_is,
        (SurveyCampaign.number, SurveyCampaign.name, FORM_OF, SurveyCampaign.status), SurveyCampaign.id, _state(CampaignStatus),
    ),
    Kind(
        "nonconformities", "NonconformityView", "Nonconformity", Nonconformity, _l("Non-conforming outputs"),
        (_l("Number"), _l("What does not conform"), _l("Process"), _l("State")),
        lambda statement: scope_nonconformities(statement, today()),
        (Nonconformity.number, Nonconformity.what, _process_of(Nonconformity), Nonconformity.status), Nonconformity.id,
        _state(NonconformityStatus),
    ),
    Kind(
        "risks", "RiskView", "Risk", Risk, _l("Risks"), (_l("Number"), _l("Event"), _l("Process"), _l("Next look at it")),
        lambda statement: scope_risks(statement, today()),
        (Risk.number, Risk.event, _process_of(Risk), case((Risk.closed_on.is_(None), cast(Risk.review_on, String)), else_="")), Risk.id,
        lambda day: say_day(date.fromisoformat(day)) if day else _("Closed"),
    ),
    Kind(
        "legal", "LegalRequirementView", "LegalRequirement", LegalRequirement, _l("Legal matrix"),
        (_l("Norm"), _l("Obligation"), _l("Articles"), _l("Compliance")), _as_it_is,
        (LegalRequirement.norm, LegalRequirement.obligation, LegalRequirement.articles, LegalRequirement.standing), LegalRequirement.id,
        _state(Compliance),
    ),
    Kind(
        "documents", "ControlledDocumentView", "ControlledDocument", ControlledDocument, _l("Documented information"),
        (_l("Code"), _l("Name"), _l("Issuer"), _l("Kind")), _as_it_is,
        (ControlledDocument.code, ControlledDocument.name, ControlledDocument.issuer, ControlledDocument.kind), ControlledDocument.id,
        _state(ControlledKind),
    ),
)  # fmt: skip
#: Numbers that open a page, and which words do not find.
NUMBERED = (
    *((kind.view, kind.right, kind.model, kind.scope) for kind in KINDS if kind.has_numbers),
    ("ChecklistView", "Checklist", Checklist, lambda statement: scope_checklists(statement, today())),
)


def found_commercial(typed: str) -> list[tuple[Kind, Group]]:
    """Return the kinds of which some row has every word, each with its newest rows; one statement."""
    parts = [part for kind in KINDS if may("can_list", kind.right) and (part := _lines(kind, typed)) is not None]
    rows: dict[str, list[Any]] = {}
    for row in db.session.execute(union_all(*parts)) if parts else ():
        rows.setdefault(row.kind, []).append(row)
    return [
        (kind, Group(rows[kind.name], rows[kind.name][0].n, url_for(f"{kind.view}.list", q=typed))) for kind in KINDS if kind.name in rows
    ]


def _lines(kind: Kind, typed: str) -> Select[Any] | None:
    condition = matching(kind.model, typed)
    if condition is None:
        return None
    keys = kind.scope(select(kind.model.id).where(condition))
    n = select(func.count()).select_from(keys.limit(BOUND + 1).subquery()).scalar_subquery()
    said = [type_coerce(column, Text).label(f"say_{i}") for i, column in enumerate(kind.says)]
    lines = kind.scope(select(literal(kind.name).label("kind"), kind.model.id.label("key"), *said, n.label("n")).where(condition))
    if hasattr(kind.model, "party_id"):
        lines = lines.outerjoin(Party, Party.id == kind.model.party_id)
    return lines.order_by(kind.newest.desc()).limit(N_SHOWN).subquery().select()
