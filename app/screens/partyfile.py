"""The page of a party: the figures at its head and the tables that join everything to it, each with the way to all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Row, Select, inspect, select
from sqlalchemy.orm import joinedload

from app import queries
from app.baseviews import Button, Related
from app.contracts.register import TONES as CONTRACT_TONES
from app.domain.actions import TONES
from app.domain.campaigns import InviteeStatus
from app.domain.checklists import ChecklistStatus
from app.domain.contracts import ContractFileKind, ContractStage, ContractState, Span, state_of
from app.domain.improvement import ActionStatus
from app.domain.quotations import QuotationStatus
from app.domain.states import DocumentKind, Identity, PastKind
from app.dossier import N_SHOWN, Dossier, Sight, dossier_of, verified
from app.extensions import db, local, today
from app.models import Account, Action, Checklist, Consent, Contract, Party, Pqr
from app.operations.contracts import in_force_clause
from app.quotations.pages import TONES as QUOTATION_TONES
from app.security import may, scope_actions, scope_cases, scope_checklists, scope_contracts
from app.words import say_number, say_percent, say_pesos, say_phone


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at the head of the page, and the rows behind it."""

    text: str
    shown: str
    url: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Section(Related):
    """A table of the page: how many rows there are, and the way to add one."""

    n: int = 0
    add: Button | None = None


def sight() -> Sight:
    """Return what the reader may see of a party; cases of reserved identity only for whoever may know them."""
    on = today()
    cases = scope_cases(select(Pqr.id), on)
    if not may("can_see_reserved"):
        cases = cases.where(Pqr.identity == Identity.NAMED)
    return Sight(
        cases=cases if may("can_list") else None,
        contracts=contracts_seen(on),
        in_force=scope_contracts(select(Contract.id), on).where(in_force_clause(on, on)) if may("can_list", "Contract") else None,
        checklists=scope_checklists(select(Checklist.id), on) if may("can_list", "Checklist") else None,
        actions=scope_actions(select(Action.id), on) if may("can_list", "Action") else None,
        contacts=may("can_list", "Contact"),
        groups=may("can_list", "PartyGroup"),
        quotations=may("can_list", "Quotation"),
        registers=may("can_list", "PastRecord"),
        surveys=may("can_list", "SurveyCampaign"),
        downloads=may("can_download"),
    )


def contracts_seen(on: date) -> Select[Any] | None:
    """Return the contracts of which the reader sees the head: those in his scope; at the desk all, which opens none of them."""
    if may("can_list", "Contract"):
        return scope_contracts(select(Contract.id), on)
    return select(Contract.id) if may("can_headline", "Contract") else None


def file_of(party: Party) -> Dossier:
    """Return all that joins to *party* and the reader may see, in one statement."""
    return dossier_of(db.session(), party.id, today(), sight())


def cases_related(condition: Any, url: str) -> Related:
    """Return the newest cases that *condition* picks, in the reader's scope; reserved identities only for whoever may see them."""
    ids = scope_cases(select(Pqr.id).where(condition), today())
    if not may("can_see_reserved"):
        ids = ids.where(Pqr.identity == Identity.NAMED)
    columns = (_("Number"), _("Subject"), _("State"), _("Filed"), _("Due"))
    rows = [
        (Markup('<a class="num" href="{}">{}</a>').format(f"/pqr/{line.number}", line.number), line.subject, line.status, line.filed_on,
         line.due_on)
        for line in queries.case_lines(db.session, ids, limit=10)
    ]  # fmt: skip
    return Related(_("Cases"), columns, rows, url)


def link_to(view: str, row: Any) -> Markup | None:
    """Return a link to the page of *row*, named as it names itself."""
    return row and Markup('<a href="{}">{}</a>').format(url_for(f"{view}.show", pk=inspect(row).identity[0]), row)


# ── The head ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def figures_of(party: Party, dossier: Dossier) -> list[Figure]:
    """Return the figures of what the reader may see; what is nothing is shown as zero, so that its place stays."""
    key, found = party.id, []
    if may("can_list"):
        found.append(Figure(_("Open cases"), _n(dossier, "cases"), url_for("CaseView.list", party=key, open="1"), "info"))
    if may("can_list", "Quotation"):
        value = dossier.figure("quotations").sum
        text = _("Quotations in play, %(value)s", value=say_pesos(value)) if value else _("Quotations in play")
        found.append(Figure(text, _n(dossier, "quotations"), url_for("QuotationView.list", party=key, status="SENT"), "info"))
    if may("can_list", "Contract"):
        url = url_for("ContractView.list", party=key, state="ACTIVE,ENDING")
        found.append(Figure(_("Contracts in force"), _n(dossier, "contracts"), url, "ok"))
    if (last := verified(dossier)) is not None and last.amount is not None:
        text = _("Met in the verification of %(year)s", year=last.other_key)
        found.append(Figure(text, say_percent(last.amount), url_for("ChecklistView.show", pk=last.key), "ok"))
    if may("can_list", "Action"):
        late = dossier.figure("late").n
        text = _("Actions to be done, %(n)s late", n=late) if late else _("Actions to be done")
        url = url_for("ActionView.list", party=key, status=",".join(status.name for status in ActionStatus if not status.is_over))
        found.append(Figure(text, _n(dossier, "actions"), url, "bad" if late else "info"))
    return found


def _n(dossier: Dossier, name: str) -> str:
    return say_number(dossier.figure(name).n)


# ── The tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sections_of(party: Party, dossier: Dossier) -> list[Section]:
    """Return the tables of what the reader may see; papers of all rooms and consents come last."""
    made = (_contacts, _quotations, _contracts, _checklists, _actions, _cases, _accounts, _surveys, _registers, _documents, _consents)
    return [section for make in made if (section := make(party, dossier)) is not None]


def _link(url: str, text: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, text)


def _number(url: str, text: Any) -> Markup:
    return Markup('<a class="num" href="{}">{}</a>').format(url, text)


def _pill(text: str, tone: str) -> Markup:
    return Markup('<span class="pill {}">{}</span>').format(tone, text)


def _adds(view: str, right: str, label: str, party: Party) -> Button | None:
    return Button(label, url_for(f"{view}.add", party=f"#{party.id}")) if may("can_add", right) else None


def _contacts(party: Party, dossier: Dossier) -> Section | None:
    if not may("can_list", "Contact"):
        return None
    first = Markup(" ") + _pill(_("First to call"), "info")
    rows = [
        (_link(url_for("ContactView.show", pk=row.key), row.number) + (first if row.state else ""), row.title,
         row.contact and say_phone(row.contact), row.note)
        for row in dossier.of("contact")
    ]  # fmt: skip
    columns = (_("Name"), _("Job title"), _("Phone"), _("E-mail"))
    url = url_for("ContactView.list", party=party.id)
    return Section(_("Contacts"), columns, rows, url, dossier.n_of("contact"), _adds("ContactView", "Contact", _("New contact"), party))


def _quotations(party: Party, dossier: Dossier) -> Section | None:
    if not may("can_list", "Quotation"):
        return None
    rows = [
        (_number(url_for("QuotationView.show", pk=row.key), row.number), row.title, _pill(_(state.value), QUOTATION_TONES[state]), row.on,
         row.until_on, say_pesos(row.amount))
        for row in dossier.of("quotation")
        for state in (QuotationStatus[row.state],)
    ]  # fmt: skip
    columns = (_("Number"), _("What is quoted"), _("State"), _("Sent on"), _("Valid until"), _("Total with IVA"))
    add = _adds("QuotationView", "Quotation", _("New quotation"), party)
    return Section(_("Quotations"), columns, rows, url_for("QuotationView.list", party=party.id), dossier.n_of("quotation"), add)


def _state_of(row: Row[Any]) -> ContractState:
    stage = ContractStage[row.state]
    signed_on = row.on if stage in (ContractStage.SIGNED, ContractStage.TERMINATED) else None
    return state_of(Span(stage, row.on, row.until_on, signed_on, row.done_on), today())


def _contracts(party: Party, dossier: Dossier) -> Section | None:
    if contracts_seen(today()) is None:
        return None
    opens = may("can_show", "Contract")
    rows = [
        (_number(url_for("ContractView.show", pk=row.key), row.number) if opens else row.number, row.title,
         _pill(_(state.value), CONTRACT_TONES[state]), row.on, row.until_on, say_pesos(row.amount) if opens and row.amount else None)
        for row in dossier.of("contract")
        for state in (_state_of(row),)
    ]  # fmt: skip
    columns = (_("Number"), _("Object"), _("State"), _("Starts on"), _("Ends on"), _("Value"))
    add = _adds("ContractView", "Contract", _("New contract"), party)
    url = url_for("ContractView.list", party=party.id) if may("can_list", "Contract") else ""
    return Section(_("Contracts"), columns, rows, url, dossier.n_of("contract"), add)


def _checklists(party: Party, dossier: Dossier) -> Section | None:
    if not may("can_list", "Checklist"):
        return None
    rows = [
        (_number(url_for("ChecklistView.show", pk=row.key), row.number), row.title, row.other_key, ChecklistStatus[row.state], row.until_on,
         say_percent(row.amount))
        for row in dossier.of("checklist")
    ]  # fmt: skip
    columns = (_("Number"), _("Contract"), _("Year"), _("State"), _("Verify by"), _("Met"))
    url = url_for("ComplianceView.party", pk=party.id) if may("can_list", "Compliance") else ""
    return Section(_("Verification of its contracts"), columns, rows, url, dossier.n_of("checklist"))


def _actions(party: Party, dossier: Dossier) -> Section | None:
    if not may("can_list", "Action"):
        return None
    rows = [
        (_number(url_for("ActionView.show", pk=row.key), row.number), row.title, _action_state(row), row.until_on, row.done_on)
        for row in dossier.of("action")
    ]
    columns = (_("Number"), _("What has to be done"), _("State"), _("Do it by"), _("Ended on"))
    add = _adds("ActionView", "Action", _("New action"), party)
    return Section(_("Actions"), columns, rows, url_for("ActionView.list", party=party.id), dossier.n_of("action"), add)


def _action_state(row: Row[Any]) -> Any:
    status = ActionStatus[row.state]
    state = _pill(_(status.value), TONES[status])
    return state + Markup(" ") + _pill(_("Its day is past"), "bad") if row.done_on is None and row.until_on < today() else state


def _cases(party: Party, _dossier: Dossier) -> Section | None:
    if not may("can_list"):
        return None
    cases = cases_related(Pqr.party_id == party.id, url_for("CaseView.list", party=party.id))
    return Section(cases.title, cases.columns, cases.rows, cases.url, len(cases.rows))


def _accounts(party: Party, _dossier: Dossier) -> Section | None:
    if not may("can_list", "Account"):
        return None
    statement = select(Account).options(joinedload(Account.service)).where(Account.party_id == party.id)
    accounts = db.session.scalars(statement.order_by(Account.number).limit(N_SHOWN))
    rows = [(link_to("AccountView", each), each.service.name, each.use, each.is_active) for each in accounts]
    columns = (_("Account"), _("Service"), _("Use"), _("Active"))
    add = _adds("AccountView", "Account", _("New account"), party)
    return Section(_("Accounts"), columns, rows, url_for("AccountView.list", party=party.id), len(rows), add)


def _consents(party: Party, _dossier: Dossier) -> Section:
    found = select(Consent).options(joinedload(Consent.text)).where(Consent.party_id == party.id).limit(20)
    rows = [(each.text.kind, each.text.version, each.granted_at, each.withdrawn_at) for each in db.session.scalars(found)]
    return Section(_("Consents"), (_("What for"), _("Version"), _("Granted on"), _("Withdrawn on")), rows, n=len(rows))


def _registers(party: Party, dossier: Dossier) -> Section | None:
    if not may("can_list", "PastRecord"):
        return None
    rows = [
        (_link(url_for("PastRecordView.show", pk=row.key), row.number), PastKind[row.state], row.on, row.title, row.note)
        for row in dossier.of("register")
    ]
    columns = (_("Number there"), _("Kind"), _("Date"), _("What it is"), _("Where it comes from"))
    url = url_for("PastRecordView.list", party=party.id)
    return Section(_("Surveys and registers of before"), columns, rows, url, dossier.n_of("register"))


def _surveys(party: Party, dossier: Dossier) -> Section | None:
    """Return the surveys that asked the party; the answers themselves only where they gave their name."""
    if not may("can_list", "SurveyCampaign"):
        return None
    reads = may("can_see_answers", "SurveyResult")
    rows = [
        (_number(url_for("SurveyCampaignView.show", pk=row.key), row.number), row.title, row.on, InviteeStatus[row.state],
         _link(url_for("SurveyResponseView.show", pk=row.other_key), _("What they answered")) if reads and row.other_key else None)
        for row in dossier.of("survey")
    ]  # fmt: skip
    columns = (_("Number"), _("Campaign"), _("First day for answers"), _("State"), _("Answers"))
    return Section(_("Surveys"), columns, rows, n=dossier.n_of("survey"))


def _documents(party: Party, dossier: Dossier) -> Section | None:
    """Return the newest papers of all rooms together."""
    known = dossier.of("document")
    opened = [row for row in known if row.note != "contract" or may("can_download", "Contract")]
    papers = sorted(opened, key=lambda row: row.at, reverse=True)
    rows = [(_link(_paper_url(row), row.title), _paper_kind(row), row.number, local(row.at).date()) for row in papers[:15]]
    return Section(_("Documents"), (_("Document"), _("Kind"), _("Of what"), _("Day")), rows, n=len(papers))


def _paper_kind(row: Row[Any]) -> ContractFileKind | DocumentKind:
    return ContractFileKind[row.state] if row.note == "contract" else DocumentKind[row.state]


def _paper_url(row: Row[Any]) -> str:
    match row.note:
        case "case":
            return url_for("CaseView.download", number=row.number, file_id=row.other_key)
        case "quotation":
            return url_for("QuotationView.pdf", pk=row.key, version=row.other_key)
        case "checklist":
            return url_for("ChecklistView.acta", pk=row.key)
    return url_for("ContractFileView.download", pk=row.key)
