"""The board of the management system: actions and their effect, risks, indicators, the legal matrix, outputs, management reviews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, String, and_, case, cast, func, literal, select, union_all

from app import queries
from app.dashboards.base import Bars, Board, Chart, Facts, Group, Moment, Part, Span, Table, Tile, by_month, told, within
from app.domain import N_
from app.domain.improvement import ActionOrigin, ActionStatus, EffectVerdict, NonconformityStatus
from app.domain.indicators import Standing
from app.domain.legalmatrix import COMPLIANCE_TONES, Compliance
from app.domain.managementreview import ReviewStatus
from app.domain.risks import TONES as BAND_TONES
from app.models import (
    Action,
    ActionReview,
    Indicator,
    IndicatorValue,
    LegalRequirement,
    ManagementReview,
    Nonconformity,
    Risk,
    RiskBand,
)
from app.operations.risks import lacks_action, overdue, residual_band

#: Lines of a table.
MOST = 5
_STATUS_TONES = {
    ActionStatus.OPEN: "stop", ActionStatus.PLANNED: "warn", ActionStatus.RUNNING: "info", ActionStatus.REVIEW: "soon",
    ActionStatus.DONE: "ok",
}  # fmt: skip
_STANDING_TONES = {Standing.GOOD: "ok", Standing.FAIR: "warn", Standing.BAD: "bad", Standing.WATCHED: "info", Standing.EMPTY: "stop"}
_ALIVE = tuple(status for status in ActionStatus if not status.is_over)


# ── The figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_span(m: Moment, span: Span) -> Iterator[Part]:
    effective = func.sum(case((ActionReview.verdict == EffectVerdict.EFFECTIVE, 1), else_=0))
    judged = select(func.count(), effective).select_from(ActionReview).join(Action, Action.id == ActionReview.action_id)
    yield ("asked",), m.count("action", Action, within(Action.asked_on, span))
    yield ("done",), m.count("action", Action, Action.status == ActionStatus.DONE, within(Action.ended_on, span))
    yield ("judged", "effective"), m.scope("action", judged.where(within(ActionReview.reviewed_on, span)))
    yield ("outputs",), m.count("nonconformity", Nonconformity, within(Nonconformity.found_on, span))
    yield ("reviews",), _signed(func.count()).where(within(ManagementReview.held_on, span))


def _signed(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(ManagementReview).where(ManagementReview.status == ReviewStatus.SIGNED)


def _of_today(m: Moment) -> Iterator[Part]:
    is_open, used = Risk.closed_on.is_(None), LegalRequirement.is_active
    failing = LegalRequirement.standing.in_((Compliance.PARTLY, Compliance.FAILS))
    decided = Action.origin == ActionOrigin.REVIEW
    yield ("alive",), m.count("action", Action, Action.status.in_(_ALIVE))
    yield ("late",), m.count("action", Action, queries.late_action(m.today))
    yield ("decisions_late",), m.count("action", Action, decided, queries.late_action(m.today))
    yield ("risks",), m.count("risk", Risk, is_open)
    yield ("gaps",), m.count("risk", Risk, lacks_action())
    yield ("risks_overdue",), m.count("risk", Risk, overdue(m.today))
    yield ("untreated",), m.count("nonconformity", Nonconformity, Nonconformity.status != NonconformityStatus.CLOSED)
    legal = (func.sum(case((how, 1), else_=0)) for how in (failing, LegalRequirement.next_on < m.today))
    yield ("legal", "legal_failing", "legal_overdue"), select(func.count(), *legal).select_from(LegalRequirement).where(used)


# ── Groups and lines ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _newest() -> Any:
    """Return the newest value with something measured of each indicator in use, as the board of indicators shows it."""
    place = func.row_number().over(partition_by=IndicatorValue.indicator_id, order_by=IndicatorValue.period_from.desc())
    measured = select(IndicatorValue.indicator_id, IndicatorValue.standing, IndicatorValue.value, place.label("place"))
    return measured.where(IndicatorValue.standing != Standing.EMPTY).subquery()


def _of_indicators(*columns: Any) -> tuple[Any, Select[Any]]:
    newest = _newest()
    rows = select(*(each(newest) for each in columns)).select_from(Indicator).where(Indicator.is_active)
    return newest, rows.outerjoin(newest, and_(newest.c.indicator_id == Indicator.id, newest.c.place == 1))


def _groups(m: Moment) -> dict[str, list[Group]]:
    """Return actions by state and month, outputs by month, risks by band, indicators and obligations by how they stand: one statement."""

    def counted(table: str, what: str, key: Any, statement: Select[Any]) -> Select[Any]:
        columns = (literal(what).label("what"), cast(key, String).label("key"), func.count().label("n"))
        rows = statement.with_only_columns(*columns, maintain_column_froms=True).group_by(key)
        return m.scope(table, rows) if table else rows

    newest, indicators = _of_indicators(lambda newest: newest.c.standing)
    actions, outputs, obligations = select(Action.id), select(Nonconformity.id), select(LegalRequirement.id)
    rows = m.session.execute(
        union_all(
            counted("action", "actions", Action.status, actions.where(Action.status != ActionStatus.CANCELLED)),
            counted("action", "asked", Action.asked_on, actions.where(within(Action.asked_on, m.year))),
            counted("action", "done", Action.ended_on, actions.where(Action.status == ActionStatus.DONE, within(Action.ended_on, m.year))),
            counted("nonconformity", "found", Nonconformity.found_on, outputs.where(within(Nonconformity.found_on, m.year))),
            counted("nonconformity", "closed", Nonconformity.verified_on, outputs.where(within(Nonconformity.verified_on, m.year))),
            counted("", "indicators", func.coalesce(cast(newest.c.standing, String), Standing.EMPTY.name), indicators),
            counted("", "legal", LegalRequirement.standing, obligations.where(LegalRequirement.is_active)),
        )
    ).all()  # fmt: skip
    found: dict[str, dict[str | None, int]] = {}
    for what, key, n in rows:
        found.setdefault(what, {})[key] = int(n)
    return {
        "actions": _members(found, "actions", ActionStatus, _STATUS_TONES),
        "action_months": _flow(m, found, "asked", "done"), "output_months": _flow(m, found, "found", "closed"),
        "indicators": _members(found, "indicators", Standing, _STANDING_TONES),
        "legal": [*_members(found, "legal", Compliance, COMPLIANCE_TONES),
                  *[Group("empty", _("Never evaluated"), (n,), "stop") for n in [found.get("legal", {}).get(None, 0)] if n]],
    }  # fmt: skip


def _members(found: Any, what: str, members: Any, tones: Any) -> list[Group]:
    counts = found.get(what, {})
    return [Group(each.name, _(each.value), (counts[each.name],), tones.get(each, "stop")) for each in members if each.name in counts]


def _flow(m: Moment, found: Any, *kinds: str) -> list[Group]:
    """Return by month what came and what went."""
    sums = [by_month(m.months, ((date.fromisoformat(day), (n,)) for day, n in found.get(kind, {}).items()), 1) for kind in kinds]
    return [Group(str(span), "", tuple(n for (n,) in values)) for span, *values in zip(m.months, *sums, strict=True)]


def _bands(m: Moment) -> list[Group]:
    """Return the open risks by the band in which they lie after their controls, the worst first."""
    band = residual_band(RiskBand.id).label("band")
    its = m.scope("risk", select(band, func.count().label("n")).select_from(Risk).where(Risk.closed_on.is_(None)))
    placed = its.group_by(band).subquery()
    rows = select(RiskBand.id, RiskBand.name, RiskBand.tone, placed.c.n).join(placed, placed.c.band == RiskBand.id)
    found = m.session.execute(rows.order_by(RiskBand.least_score.desc()))
    return [Group(str(key), name, (n,), BAND_TONES[tone]) for key, name, tone, n in found]


def _lines(m: Moment) -> dict[str, list[Group]]:
    """Return the actions that are late and the indicators that miss their goal."""
    last = case((Action.status == ActionStatus.REVIEW, Action.review_on), else_=Action.due_on)
    late = m.scope("action", select(Action.id, Action.number, Action.title, last).where(queries.late_action(m.today)))
    newest, missing = _of_indicators(
        lambda _newest: Indicator.id, lambda _newest: Indicator.code, lambda _newest: Indicator.name, lambda newest: newest.c.value,
        lambda _newest: Indicator.goal,
    )  # fmt: skip
    missed = missing.where(newest.c.standing == Standing.BAD).order_by(Indicator.position, Indicator.code).limit(MOST)
    return {
        "late": [Group(str(key), number, (title, day)) for key, number, title, day in
                 m.session.execute(late.order_by(last, Action.id).limit(MOST))],
        "missed": [Group(str(key), code, values) for key, code, *values in m.session.execute(missed)],
    }  # fmt: skip


def read(m: Moment) -> Facts:
    """Return the figures of the board in five statements."""
    numbers = told(m.session, (_of_span(m, span) for span in m.spans.all), _of_today(m))
    groups = {**_groups(m), "bands": _bands(m), **_lines(m)}
    for standing in (Standing.GOOD, Standing.BAD):
        numbers[f"indicators_{standing.name}"] = [sum(group.values[0] for group in groups["indicators"] if group.key == standing.name)]
    numbers["indicators"] = [sum(group.values[0] for group in groups["indicators"] if group.key in ("GOOD", "FAIR", "BAD"))]
    return Facts(numbers, groups)


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

BOARD = Board(
    "quality", N_("Dashboard: quality"),
    N_("What comes and goes is of the days that are asked for; what stands is of today."), "QualityDashboard", read,
    period=(
        Tile("asked", N_("Actions asked for"), N_("Nobody asked for an action in these days."), "/action/list/?asked_on={p}", tone="info"),
        Tile("done", N_("Actions finished"), N_("No action ended in these days."), "/action/list/?status=DONE&ended_on={p}", better=1,
             tone="ok"),
        Tile("effective", N_("Reviews that found the action effective"), N_("No effect was reviewed, or none was found effective."),
             of="judged", unit="%", better=1, tone="ok"),
        Tile("outputs", N_("Non-conforming outputs found"), N_("None was found in these days."), "/nonconformity/list/?found_on={p}",
             better=-1, tone="warn"),
        Tile("reviews", N_("Management reviews signed"), N_("No review was signed in these days."),
             "/management-review/list/?status=SIGNED&held_on={p}", better=1, tone="info"),
    ),
    today=(
        Tile("alive", N_("Actions that are not finished"), N_("No action is under way."),
             "/action/list/?status=OPEN,PLANNED,RUNNING,REVIEW", tone="info"),
        Tile("late", N_("Actions that are late"), N_("No action is late."), "/action/list/?late=1", tone="bad"),
        Tile("decisions_late", N_("Decisions of management that are late"), N_("No decision of management is late."),
             "/action/list/?origin=REVIEW&late=1", tone="bad"),
        Tile("untreated", N_("Non-conforming outputs not closed"), N_("Every output was treated and verified."),
             "/nonconformity/list/?status=OPEN,TREATED", tone="warn"),
        Tile("risks", N_("Risks on the map"), N_("No risk is on the map."), "/risk/list/?state=OPEN", tone="info"),
        Tile("gaps", N_("Risks without the action they ask for"), N_("Every risk has the action that it asks for."), "/risk/list/?gap=1",
             tone="bad"),
        Tile("risks_overdue", N_("Risks nobody looked at in time"), N_("Every risk was looked at in time."), "/risk/list/?late=1",
             tone="warn"),
        Tile("indicators_GOOD", N_("Indicators that reach their goal"), N_("No indicator reaches its goal, or none is measured."),
             "/indicators/?standing=GOOD", of="indicators", unit="%", tone="ok"),
        Tile("indicators_BAD", N_("Indicators that miss their goal"), N_("No indicator misses its goal."), "/indicators/?standing=BAD",
             tone="bad"),
        Tile("legal_failing", N_("Obligations not met, or in part"), N_("No obligation fails."),
             "/legalrequirement/list/?is_active=1&standing=PARTLY,FAILS", tone="bad"),
        Tile("legal_overdue", N_("Obligations to evaluate"), N_("No evaluation is overdue."),
             "/legalrequirement/list/?is_active=1&next_on=..{y}", tone="warn"),
    ),
    charts=(
        Chart("actions", N_("Actions by state"), N_("Nobody has asked for an action yet."),
              (Bars(N_("Actions"), "/action/list/?status={k}"),)),
        Chart("action_months", N_("Actions asked for and finished, by month"), N_("No action in twelve months."), (
            Bars(N_("Asked for"), "/action/list/?asked_on={k}", "info"),
            Bars(N_("Finished"), "/action/list/?ended_on={k}&status=DONE", "ok"),
        ), kind="LineChart", is_time=True),
        Chart("bands", N_("Risks by band, after their controls"), N_("No risk is on the map."),
              (Bars(N_("Risks"), "/risk/list/?state=OPEN&band={k}"),), top=9),
        Chart("indicators", N_("Indicators by their newest value"), N_("No indicator is in use."),
              (Bars(N_("Indicators"), "/indicators/?standing={k}"),)),
        Chart("legal", N_("Legal matrix, by what its evaluation found"), N_("The legal matrix has no obligation yet."),
              (Bars(N_("Obligations"), "/legalrequirement/list/?is_active=1&standing={k}"),)),
        Chart("output_months", N_("Non-conforming outputs by month"), N_("None in twelve months."), (
            Bars(N_("Found"), "/nonconformity/list/?found_on={k}", "warn"),
            Bars(N_("Verified and closed"), "/nonconformity/list/?verified_on={k}", "ok"),
        ), kind="LineChart", is_time=True),
    ),
    tables=(
        Table("late", N_("Actions that are late, the oldest first"), N_("No action is late."),
              (N_("Action"), N_("What has to be done"), N_("Do it by")), "/action/show/{k}"),
        Table("missed", N_("Indicators that miss their goal"), N_("No indicator misses its goal."),
              (N_("Indicator"), N_("Name"), N_("Last value"), N_("Goal")), "/indicator/show/{k}"),
    ),
)  # fmt: skip
