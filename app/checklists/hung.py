"""What the page of a contract shows of its verifications, with the way to open the next, and the actions that it asked for."""

from __future__ import annotations

from flask import g, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import and_, or_, select

from app import asking
from app.baseviews import Button, Related
from app.checklists.view import said_percent
from app.contracts import hanging
from app.domain.checklists import openable
from app.domain.improvement import ActionOrigin
from app.extensions import db, today
from app.models import Action, Checklist, Contract
from app.operations.checklists import VERIFIED, last_day
from app.security import may


def _checklists_of(contract: Contract) -> list[Checklist]:
    """Return the verifications of *contract*, the last first; asked once a page."""
    if "checklists" not in g:
        g.checklists = list(
            db.session.scalars(select(Checklist).where(Checklist.contract_id == contract.id).order_by(Checklist.year.desc()))
        )
    return g.checklists


@hanging.related
def verifications(contract: Contract) -> Related | None:
    """The table of its verifications."""
    if not may("can_show", "Checklist"):
        return None
    link = Markup('<a class="num" href="{}">{}</a>')
    rows = [
        (link.format(url_for("ChecklistView.show", pk=each.id), each.number), str(each.year), each.status, said_percent(each.compliance),
         each.n_partly + each.n_not_met, each.due_on)
        for each in _checklists_of(contract)
    ]  # fmt: skip
    columns = (_("Verification"), _("Year"), _("State"), _("Compliance"), _("Findings"), _("To be verified by"))
    return Related(_("Annual verification"), columns, rows)


@hanging.buttons
def open_now(contract: Contract) -> list[Button]:
    """The button that opens the verification which is due or near, where it is not open yet."""
    if not may("can_open", "Checklist") or contract.stage not in VERIFIED or contract.starts_on is None:
        return []
    found = openable(contract.starts_on, last_day(contract), today())
    if found is None or found[0] in {each.year for each in _checklists_of(contract)}:
        return []
    return [Button(_("Open the verification of %(year)s", year=found[0]), url_for("ChecklistView.open_now", contract_id=contract.id), True)]


@hanging.related
def actions(contract: Contract) -> Related | None:
    """The table of the actions that its verifications, or the contract itself, asked for."""
    numbers = select(Checklist.number).where(Checklist.contract_id == contract.id)
    found = or_(
        and_(Action.origin == ActionOrigin.CHECKLIST, Action.origin_key.in_(numbers)),
        and_(Action.origin == ActionOrigin.OTHER, Action.origin_key == contract.number),
    )
    tables = asking.actions_table(select(Action).where(found).order_by(Action.id.desc()), _("Actions it asked for"), "")
    return tables[0] if tables else None


@hanging.buttons
def ask(contract: Contract) -> list[Button]:
    """The button that asks for an action about the contract and its party."""
    facts = {"origin": ActionOrigin.OTHER.name, "origin_key": contract.number, "party": f"#{contract.party_id}"}
    return asking.ask_button(**facts, process_id=contract.process_id or 0)
