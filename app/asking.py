"""Asking for an action from the page of what asks for it, and showing there what it asked for: for the pages of every room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, func, select

from app.baseviews import Button, Related
from app.domain.actions import TONES, state_name
from app.domain.errors import DomainError
from app.domain.improvement import ActionOrigin, ActionStatus
from app.extensions import db, today
from app.models import Action, Party
from app.operations import action_origins, actions
from app.operations.action_origins import Origin, key_of
from app.queries import TO_BE_DONE
from app.security import may, scope_actions, scope_cases, scope_checklists, scope_nonconformities, scope_risks
from app.words import say

N_SHOWN = 8
Limit = Callable[[Select[Any], date], Select[Any]]
#: By which right somebody opens the records of an origin, and which of them.
SEEN: dict[ActionOrigin, tuple[str, Limit]] = {
    ActionOrigin.PQR: ("Pqr", scope_cases),
    ActionOrigin.MASS_EVENT: ("MassEvent", lambda statement, _on: statement),
    ActionOrigin.SURVEY: ("SurveyCampaign", lambda statement, _on: statement),
    ActionOrigin.CHECKLIST: ("Checklist", scope_checklists),
    ActionOrigin.RISK: ("Risk", scope_risks),
    ActionOrigin.INDICATOR: ("Indicator", lambda statement, _on: statement),
    ActionOrigin.NONCONFORMITY: ("Nonconformity", scope_nonconformities),
    ActionOrigin.LEGAL: ("LegalRequirement", lambda statement, _on: statement),
    ActionOrigin.REVIEW: ("ManagementReview", lambda statement, _on: statement),
}


# ── What asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def named(origin: ActionOrigin, key: str) -> Origin:
    """Return the record of *origin* called *key* that the reader may open. Raises DomainError, as `action_origins.resolve`."""
    on = today()
    within = {each: _limited(limit, on) for each, (view, limit) in SEEN.items() if may("can_show", view)}
    return action_origins.resolve(db.session(), origin, key, within=within)


def _limited(limit: Limit, on: date) -> action_origins.Scope:
    return lambda statement: limit(statement, on)


def fill(form: Any) -> None:
    """
    Fill the form of a new action from the record that the address names (`?origin=PQR&origin_key=PQR-2026-000123`).

    One that is unknown, or that the reader may not open, is refused beside its field, as it is when the form is sent.
    """
    name, key = request.args.get("origin", ""), request.args.get("origin_key", "")[:60]
    form.origin.data = ActionOrigin[name] if name in ActionOrigin.__members__ else ActionOrigin.OTHER
    form.origin_key.data = key
    if not key:
        return
    try:
        found = named(form.origin.data, key)
    except DomainError as error:
        form.origin_key.errors = [say(error)]
        return
    form.origin_key.data, form.title.data, form.description.data = found.key, found.title, found.description
    form.process_id.data = found.process_id or form.process_id.data
    if found.party_id and may("can_show", "Party"):
        form.party.data = db.session.get(Party, found.party_id)


def name_origin(action: Action) -> None:
    """Write in *action* the number and the page of what asks for it. Raises DomainError: the reader knows no such record."""
    found = named(action.origin, action.origin_key or "")
    action.origin_key, action.origin_path = found.key, found.path


# ── On the page of what asks ──────────────────────────────────────────────────────────────────────────────────────────────


def ask_button(**given: Any) -> list[Button]:
    """Return the button that asks for an action with what is *given* filled in; nothing for whoever may not ask."""
    return [Button(_("Ask for an action"), url_for("ActionView.add", **given))] if may("can_add", "Action") else []


def ask_about(origin: ActionOrigin, row: Any) -> list[Button]:
    """Return the button of the page of *row*, which asks for an action of *origin*."""
    return ask_button(origin=origin.name, origin_key=key_of(origin, row))


def asked_by(origin: ActionOrigin, row: Any) -> list[Related]:
    """Return the actions in the reader's scope that *row* asked for; no table when there are none. One statement."""
    key = key_of(origin, row)
    url = url_for("ActionView.list", origin=origin.name, origin_key=key)
    return actions_table(action_origins.asked_by(origin, key), _("Actions it asked for"), url)


def actions_table(statement: Select[tuple[Action]], title: str, url: str) -> list[Related]:
    """Return the table of the first actions of *statement* that the reader may see, with how many there are; none when there are none."""
    if not may("can_list", "Action"):
        return []
    found = scope_actions(statement, today()).with_only_columns(
        Action.id, Action.number, Action.title, Action.kind, Action.status, Action.due_on, Action.review_on, Action.ended_on,
        func.count().over(),
    )
    rows = db.session.execute(found.limit(N_SHOWN)).all()
    if not rows:
        return []
    lines = [
        (Markup('<a class="num" href="{}">{}</a>').format(url_for("ActionView.show", pk=row.id), row.number), row.title,
         state_shown(row), row.due_on, row.ended_on)
        for row in rows
    ]  # fmt: skip
    columns = (_("Number"), _("What has to be done"), _("State"), _("Do it by"), _("Ended on"))
    return [Related(title if rows[0][-1] <= N_SHOWN else f"{title} ({rows[0][-1]})", columns, lines, url)]


def state_shown(action: Any) -> Markup:
    """Return the state of an action, a row or a line of it, as a pill, with a word more when it is late."""
    state = Markup('<span class="pill {}">{}</span>').format(TONES[action.status], _(state_name(action.status, action.kind)))
    return state + Markup(' <span class="pill bad">{}</span>').format(_("Its day is past")) if actions.is_late(action, today()) else state


def open_actions_of_process(process_id: int) -> list[Related]:
    """Return the actions of a process that are not over, the soonest first."""
    states = (*TO_BE_DONE, ActionStatus.REVIEW)
    statement = select(Action).where(Action.process_id == process_id, Action.status.in_(states)).order_by(Action.due_on, Action.id)
    url = url_for("ActionView.list", process=process_id, status=",".join(status.name for status in states))
    return actions_table(statement, _("Actions to be done"), url)
