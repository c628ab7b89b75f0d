"""Behind every number of an indicator: its rows in the reader's scope, and those that the formula leaves out, each with why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, Row, Select, case, func
from sqlalchemy.orm import aliased

from app.domain import N_
from app.domain.calendar import ONE_DAY
from app.domain.indicators import period_at
from app.domain.surveys import LEAST_SHOWN
from app.extensions import db, today
from app.lookups import BIGGEST_ID
from app.models import (
    Action,
    ActionReview,
    Contract,
    Indicator,
    Party,
    Pqr,
    Process,
    RequestType,
    SurveyAnswer,
    SurveyCampaign,
    SurveyInvitee,
)
from app.operations import indicators as operations
from app.operations.indicator_measures import MEASURES, Facts
from app.qms.indicatorwords import say_period
from app.security import may, scope_actions, scope_cases, scope_contracts
from app.words import say_day

PER_PAGE = 50
#: What is listed: what adds to the numerator, what counts but does not, all that counts, what is left out.
PARTS = {"hit": N_("In the numerator"), "miss": N_("Not in the numerator"), "all": N_("All that count"), "excluded": N_("Left out")}


@dataclass(frozen=True, slots=True)
class Listed:
    """How the rows of a table are listed: its columns, the SELECT of a row, its cells, the reader's scope, and who may."""

    key: Any
    heads: tuple[Any, ...]
    select: Callable[[Select[Any]], Select[Any]]
    cells: Callable[[Row[Any]], tuple[Any, ...]]
    scope: Callable[[Select[Any], date], Select[Any]]
    right: tuple[str, str]


def _link(endpoint: str, text: str, **values: Any) -> Markup:
    return Markup('<a class="num" href="{}">{}</a>').format(url_for(endpoint, **values), text)


def _case_select(rows: Select[Any]) -> Select[Any]:
    kind, area = aliased(RequestType), aliased(Process)  # the measure may have joined its own
    days = (Pqr.filed_on, Pqr.due_on, Pqr.answered_on)
    columns = (Pqr.id, Pqr.number, kind.name.label("type"), area.name.label("process"), *days, Pqr.status)
    return rows.join(kind, kind.id == Pqr.request_type_id).join(area, area.id == Pqr.process_id).add_columns(*columns)


def _case_cells(row: Row[Any]) -> tuple[Any, ...]:
    days = (say_day(row.filed_on), say_day(row.due_on), say_day(row.answered_on))
    return (_link("CaseView.show", row.number, number=row.number), row.type, row.process, *days, _(row.status.value))


def _review_select(rows: Select[Any]) -> Select[Any]:
    columns = (ActionReview.id, Action.id.label("action_id"), Action.number, Action.title, ActionReview.round, ActionReview.verdict,
               ActionReview.reviewed_on)  # fmt: skip
    return rows.join(Action, Action.id == ActionReview.action_id).add_columns(*columns)


def _review_cells(row: Row[Any]) -> tuple[Any, ...]:
    link = _link("ActionView.show", row.number, pk=row.action_id)
    return link, row.title, str(row.round), _(row.verdict.value), say_day(row.reviewed_on)


def _contract_select(rows: Select[Any]) -> Select[Any]:
    columns = (Contract.id, Contract.number, Party.name.label("party"), Contract.starts_on, Contract.ends_on)
    return rows.join(Party, Party.id == Contract.party_id).add_columns(*columns)


def _contract_cells(row: Row[Any]) -> tuple[Any, ...]:
    return _link("ContractView.show", row.number, pk=row.id), row.party, say_day(row.starts_on), say_day(row.ends_on)


LISTED: dict[type[Any], Listed] = {
    Pqr: Listed(
        Pqr.id, (_l("Number"), _l("Type"), _l("Process"), _l("Filed"), _l("Due by law"), _l("Answered"), _l("State")), _case_select,
        _case_cells, scope_cases, ("can_list", "Pqr"),
    ),
    ActionReview: Listed(
        ActionReview.id, (_l("Action"), _l("What has to be done"), _l("Round of the action"), _l("Decided"), _l("Reviewed on")),
        _review_select, _review_cells, scope_actions, ("can_list", "Action"),
    ),
    Contract: Listed(
        Contract.id, (_l("Contract"), _l("Party"), _l("Begins"), _l("Ends")), _contract_select, _contract_cells, scope_contracts,
        ("can_list", "Contract"),
    ),
}  # fmt: skip
#: Answers are nobody's rows to list: they are summed by campaign, whose results say the rest.
BY_CAMPAIGN = (SurveyAnswer, SurveyInvitee)


def condition_of(facts: Facts, part: str) -> ColumnElement[bool]:
    counts = facts.left_out.is_(None)
    return {"hit": counts & (facts.hit > 0), "miss": counts & (facts.hit <= 0), "all": counts, "excluded": ~counts}[part]


class IndicatorRowsView(BaseView):
    """`/indicator-rows/7/2026-06-01/hit`: the rows behind a number. The reader's scope leaves out what he may not see, and says so."""

    route_base = "/indicator-rows"
    class_permission_name = "Indicator"
    method_permission_name = {"rows": "show"}

    @expose("/<pk>/<since>/<part>")
    @has_access
    @permission_name("show")
    def rows(self, pk: str, since: str, part: str) -> str:
        """The rows of one part of a period, the newest first."""
        indicator = db.session.get(Indicator, int(pk)) if pk.isdecimal() and int(pk) <= BIGGEST_ID else None
        if indicator is None or part not in PARTS or indicator.measure not in MEASURES:
            abort(404)
        first, until = self._window(indicator, since)
        measure = MEASURES[indicator.measure]
        facts = measure.facts(operations.span_of(db.session(), first, until))
        base = {
            "indicator": indicator, "measure": measure, "part": part, "parts": PARTS, "since": since, "period": say_period(first, until),
            "until": until, "of_days": measure.of_days,
        }  # fmt: skip
        if measure.model in BY_CAMPAIGN:
            return self.render_template("qms/indicator_rows.html", **base, **self._campaigns(facts))
        return self.render_template("qms/indicator_rows.html", **base, **self._listed(LISTED[measure.model], facts, part))

    @staticmethod
    def _window(indicator: Indicator, since: str) -> tuple[date, date]:
        """Return the period that begins on *since*, up to yesterday; 404 for what is no period, or has not begun."""
        try:
            first, until = period_at(indicator.starts_on, indicator.months, date.fromisoformat(since))
        except ValueError:
            abort(404)
        if first.isoformat() != since or first >= today():
            abort(404)
        return first, min(until, today() - ONE_DAY)

    def _listed(self, listed: Listed, facts: Facts, part: str) -> dict[str, Any]:
        """Return a page of rows, and whether the reader's scope leaves any out."""
        if not may(*listed.right):
            return {"heads": (), "lines": [], "after": None, "is_hidden": True, "n": 0, "n_seen": 0}
        wanted = facts.rows.where(condition_of(facts, part))
        seen = listed.scope(listed.select(wanted), today())
        why = facts.left_out.label("why")
        n = db.session.scalar(wanted.add_columns(func.count()))
        n_seen = db.session.scalar(seen.with_only_columns(func.count(), maintain_column_froms=True))
        after = request.args.get("after", "")
        if after.isdecimal() and int(after) <= BIGGEST_ID:
            seen = seen.where(listed.key < int(after))
        found = db.session.execute(seen.add_columns(why).order_by(listed.key.desc()).limit(PER_PAGE + 1)).all()
        shown = found[:PER_PAGE]
        heads = (*listed.heads, _("Why it is left out")) if part == "excluded" else listed.heads
        lines = [(*listed.cells(row), *([_(row.why)] if part == "excluded" else [])) for row in shown]
        return {
            "heads": heads, "lines": lines, "after": shown[-1].id if len(found) > PER_PAGE else None, "is_hidden": n_seen < n, "n": n,
            "n_seen": n_seen,
        }  # fmt: skip

    @staticmethod
    def _campaigns(facts: Facts) -> dict[str, Any]:
        """Return the sums of each campaign; of fewer answers than somebody could hide among, none."""
        counts = facts.left_out.is_(None)
        sums = (func.sum(case((counts, facts.hit), else_=0)).label("hits"), func.count(case((counts, 1))).label("n"),
                func.count(facts.left_out).label("excluded"))  # fmt: skip
        group = (SurveyCampaign.id, SurveyCampaign.number, SurveyCampaign.name)
        found = db.session.execute(facts.rows.add_columns(*group, *sums).group_by(*group).order_by(SurveyCampaign.id.desc())).all()
        least = 0 if may("can_see_small", "SurveyResult") else LEAST_SHOWN
        lines = [
            (_link("SurveyResultView.show", row.number, pk=row.id) if may("can_list", "SurveyResult") else row.number, row.name,
             *((str(row.hits), str(row.n), str(row.excluded)) if row.n >= least else ("—", _("few"), "—")))
            for row in found
        ]  # fmt: skip
        heads = (_("Campaign"), _("Name"), _("Adds to the numerator"), _("All that count"), _("Left out"))
        n = sum(row.n for row in found)
        return {"heads": heads, "lines": lines, "after": None, "is_hidden": False, "n": n, "n_seen": n, "by_campaign": True}
