"""
Management reviews (ISO 9001:2015, 9.3): prepared from the data of a period, written, decided, and signed once.

What was prepared is kept as it was on that day and can be prepared again while it is a draft. Decisions become actions in the transaction
that signs; after it nothing of the minutes changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.clauses import CLAUSES, Period
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionKind, ActionOrigin, ActionStatus
from app.domain.managementreview import (
    INPUTS,
    OWN_COLUMNS,
    Input,
    Ready,
    ReviewStatus,
    check_decision,
    check_draft,
    check_review,
    check_sign,
)
from app.domain.states import PqrStatus
from app.extensions import local
from app.models import (
    Action,
    Document,
    Indicator,
    IndicatorValue,
    ManagementReview,
    Pqr,
    Process,
    RequestType,
    ReviewDecision,
    Risk,
    RiskBand,
    SurveyCampaign,
    SurveyResponse,
)
from app.operations import auditpack, improvement
from app.operations.indicator_measures import MEASURES, Measure
from app.operations.indicators import measure
from app.operations.numbers import next_number
from app.operations.risks import residual_band

#: Rows of a table of the minutes at most.
MOST_ROWS = 40
#: The measure that looks like a percentage and counts points.
NPS = "nps"
_LABELS = {item.key: item.label for clause in CLAUSES for item in (*clause.counts, *clause.gaps)}


@dataclass(frozen=True, slots=True)
class Said:
    """What people write in a review: of each input by its key, who attended, and the conclusion."""

    remarks: Mapping[str, str]
    attendees: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it is written."""

    text: str
    topic: str
    process_id: int
    responsible_id: int | None
    due_on: date


# ── The review ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def enter_review(session: Session, review: ManagementReview, *, at: datetime) -> ManagementReview:
    """
    Store a new review with its number and what it looks at; return it, flushed.

    Raises:
        DomainError: As `check_review`.
    """
    review.organisation = queries.organisation(session)
    check_review(review.held_on, review.period_from, review.period_until, local(at).date())
    review.status, review.remarks = ReviewStatus.DRAFT, {}
    review.facts, review.prepared_at = facts_of(session, review, at), at
    review.number = next_number(session, review.organisation.id, "RD", review.held_on.year, width=4)
    session.add(review)
    session.flush()
    return review


def amend_review(session: Session, review: ManagementReview, *, at: datetime) -> ManagementReview:
    """Store other days of a draft, and prepare it again; return it, flushed. Raises MoveRefused: it is signed; DomainError, as above."""
    with session.no_autoflush:
        stored = session.scalar(select(ManagementReview.status).where(ManagementReview.id == review.id).with_for_update())
        check_draft(review.number, stored or review.status)
        check_review(review.held_on, review.period_from, review.period_until, local(at).date())
        review.facts, review.prepared_at = facts_of(session, review, at), at
    session.flush()
    return review


def prepare(session: Session, review: ManagementReview, *, at: datetime) -> ManagementReview:
    """Take from the data again what a draft looks at; return it, flushed. Raises MoveRefused: it is signed."""
    hold_draft(session, review)
    review.facts, review.prepared_at = facts_of(session, review, at), at
    session.flush()
    return review


def write(session: Session, review: ManagementReview, said: Said) -> ManagementReview:
    """Store what people wrote in a draft; return it, flushed. Raises MoveRefused: it is signed."""
    hold_draft(session, review)
    review.attendees, review.conclusion = said.attendees.strip(), said.conclusion.strip()
    review.changes, review.resources = (said.remarks.get(key, "").strip() for key in OWN_COLUMNS)
    known = {each.key for each in INPUTS} - set(OWN_COLUMNS)
    review.remarks = {key: text.strip() for key, text in said.remarks.items() if key in known and text.strip()}
    session.flush()
    return review


def hold_draft(session: Session, review: ManagementReview) -> None:
    """Lock *review*. Raises MoveRefused: it is signed."""
    queries.lock(session, review)
    check_draft(review.number, review.status)


def remark_of(review: ManagementReview, key: str) -> str:
    """Return what was said of an input."""
    return str(getattr(review, key) if key in OWN_COLUMNS else review.remarks.get(key, ""))


# ── Decisions ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def decisions_of(session: Session, review: ManagementReview) -> list[ReviewDecision]:
    """Return what was decided, in order, with process, responsible and action; one statement."""
    loaded = (joinedload(ReviewDecision.process), joinedload(ReviewDecision.responsible), joinedload(ReviewDecision.action))
    found = select(ReviewDecision).where(ReviewDecision.review_id == review.id).options(*loaded)
    return list(session.scalars(found.order_by(ReviewDecision.position)))


def decide(session: Session, review: ManagementReview, decided: Decided) -> ReviewDecision:
    """Add a decision to a draft; return it, flushed. Raises MoveRefused: it is signed; DomainError: as `check_decision`."""
    hold_draft(session, review)
    last = session.scalar(select(func.max(ReviewDecision.position)).where(ReviewDecision.review_id == review.id)) or 0
    decision = ReviewDecision(review=review, position=last + 1)
    _fill(session, decision, decided)
    session.add(decision)
    session.flush()
    return decision


def change_decision(session: Session, decision: ReviewDecision, decided: Decided) -> ReviewDecision:
    """Write a decision of a draft anew; return it, flushed. Raises MoveRefused, DomainError: as `decide`."""
    hold_draft(session, decision.review)
    _fill(session, decision, decided)
    session.flush()
    return decision


def drop_decision(session: Session, decision: ReviewDecision) -> None:
    """Take a decision out of a draft. Raises MoveRefused: it is signed."""
    hold_draft(session, decision.review)
    session.delete(decision)
    session.flush()


def _fill(session: Session, decision: ReviewDecision, decided: Decided) -> None:
    check_decision(decided.text, decided.topic, decided.due_on, decision.review.held_on)
    process = session.get(Process, decided.process_id)
    if process is None or not process.is_active:
        raise DomainError(N_("Choose a process that is active."), field="process_id")
    responsible = session.get(User, decided.responsible_id) if decided.responsible_id else None
    if responsible is not None and not responsible.is_active:
        raise DomainError(N_("%(name)s is not active and cannot sign in."), field="responsible", name=responsible.get_full_name())
    decision.text, decision.topic = decided.text.strip(), decided.topic
    decision.process, decision.responsible, decision.due_on = process, responsible, decided.due_on


# ── The signature ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_actions(session: Session, review: ManagementReview, *, at: datetime, user_id: int) -> list[ReviewDecision]:
    """
    Take a draft for its signature and ask for an action for each decision; return the decisions, flushed.

    Raises:
        MoveRefused: It is signed, or lacks something: `check_sign`.
        DomainError: A process or a person is no longer active.
    """
    hold_draft(session, review)
    decisions = decisions_of(session, review)
    unsaid = [each.title for each in INPUTS if each.is_typed and not remark_of(review, each.key).strip()]
    check_sign(
        Ready(review.number, review.held_on, review.prepared_at is not None, review.attendees, review.conclusion, unsaid,
              [decision.due_on for decision in decisions]),
        local(at).date(),
    )  # fmt: skip
    for decision in decisions:
        decision.action = improvement.ask_action(
            session, kind=ActionKind.IMPROVEMENT, origin=ActionOrigin.REVIEW, origin_key=review.number,
            origin_path=f"/management-review/show/{review.id}", title=_titled(decision.text), description=decision.text,
            process_id=decision.process_id, responsible_id=decision.responsible_id, due_on=decision.due_on, at=at, user_id=user_id,
        )  # fmt: skip
    session.flush()
    return decisions


def close(session: Session, review: ManagementReview, minutes: Document, *, at: datetime, user_id: int) -> ManagementReview:
    """Store who signed *review*, when, and its minutes; return it, flushed. From here on the database keeps it."""
    review.status, review.document = ReviewStatus.SIGNED, minutes
    review.signed_by_id, review.signed_at = user_id, at
    session.flush()
    return review


def _titled(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1].rstrip() + "…"


# ── What it looks at ──────────────────────────────────────────────────────────────────────────────────────────────────────

#: A cell of a table: words of somebody, or what says how it is read ({"word": msgid}, {"n": 3}, {"day": "2026-07-10"}, …).
Cell = str | dict[str, Any]


def facts_of(session: Session, review: ManagementReview, at: datetime) -> dict[str, Any]:
    """
    Return what the inputs of *review* say, as plain JSON: figures beside those of the period before, and tables.

    Labels are msgids, so that a page reads it in the language of its reader and the minutes in that of the acts.
    """
    period, on = Period(review.period_from, review.period_until), local(at).date()
    now, then = auditpack.numbers(session, period, on), auditpack.numbers(session, period.before, period.since)
    tables = {
        "decisions": _earlier(session, review), "satisfaction": _surveys(session, period), "cases": _cases(session, period),
        "indicators": _indicators(session, period), "risks": _bands(session),
    }  # fmt: skip
    inputs: dict[str, Any] = {}
    for each in INPUTS:
        figures = [*_counted(each, now, then), *_measured(session, each, period)]
        inputs[each.key] = {"figures": figures, "table": tables.get(each.key)}
    before = {"since": period.before.since.isoformat(), "until": period.before.until.isoformat()}
    return {"since": period.since.isoformat(), "until": period.until.isoformat(), "before": before, "inputs": inputs}


#: What is told as of a day and not of a period: what it was before is not known any more.
_OF_TODAY = {
    "decisions_late", "alarms_open", "cases_overdue", "contracts", "contracts_unverified", "findings_open", "actions_late", "reviews_late",
    "legal_never", "legal_failing", "legal_overdue", "risks", "risks_unattended", "risks_overdue",
}  # fmt: skip


def _counted(asked: Input, now: Mapping[str, int], then: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for key, is_good in asked.figures:
        before = None if key in _OF_TODAY else {"n": then[key]}
        tone = "bad" if is_good is False and now[key] else ""
        yield {"key": key, "label": _LABELS[key], "now": {"n": now[key]}, "before": before, "tone": tone}


def _measured(session: Session, asked: Input, period: Period) -> Iterator[dict[str, Any]]:
    for key in asked.measures:
        found = MEASURES[key]
        now, then = (_figure(found, measure(session, key, its.since, its.until).value) for its in (period, period.before))
        yield {"key": key, "label": found.name, "now": now, "before": then, "tone": ""}


def _figure(found: Measure, value: Decimal | None) -> dict[str, Any] | None:
    scale = "DAYS" if found.of_days else "POINTS" if found.key == NPS else found.scale.name
    return None if value is None else {"value": str(value), "scale": scale}


def _table(columns: tuple[str, ...], rows: list[list[Cell]], wide: int) -> dict[str, Any] | None:
    """Return a table whose column *wide* takes the room that the others leave; nothing for no rows."""
    shown = {"columns": list(columns), "rows": rows[:MOST_ROWS], "n_more": max(0, len(rows) - MOST_ROWS), "wide": wide}
    return shown if rows else None


def _earlier(session: Session, review: ManagementReview) -> dict[str, Any] | None:
    """Return what earlier reviews decided and is not over, or ended since the one before this."""
    found = (
        select(ManagementReview.number, ReviewDecision.text, Action.number, Action.status, Action.due_on)
        .join(ManagementReview, ManagementReview.id == ReviewDecision.review_id)
        .join(Action, Action.id == ReviewDecision.action_id)
        .where(ManagementReview.held_on <= review.held_on, ManagementReview.id != (review.id or 0))
        .where(Action.ended_on.is_(None) | (Action.ended_on >= review.period_from))
        .order_by(ReviewDecision.id)
    )
    rows: list[list[Cell]] = [
        [number, text, action, {"word": status.value, "tone": _TONES[status]}, {"day": due_on.isoformat()}]
        for number, text, action, status, due_on in session.execute(found)
    ]
    return _table((N_("Management review"), N_("What was decided"), N_("Action"), N_("State"), N_("Do it by")), rows, 1)


_TONES = {
    ActionStatus.OPEN: "warn", ActionStatus.PLANNED: "warn", ActionStatus.RUNNING: "info", ActionStatus.REVIEW: "info",
    ActionStatus.DONE: "ok", ActionStatus.CANCELLED: "stop",
}  # fmt: skip


def _surveys(session: Session, period: Period) -> dict[str, Any] | None:
    """Return the surveys that ended in the period, with how many answered, and what each concluded."""
    n = func.count(case((SurveyResponse.status == "COMPLETE", 1)))
    found = (
        select(SurveyCampaign.number, SurveyCampaign.name, n, SurveyCampaign.conclusion)
        .outerjoin(SurveyResponse, SurveyResponse.campaign_id == SurveyCampaign.id)
        .where(auditpack.ended_in(period))
        .group_by(SurveyCampaign.id, SurveyCampaign.number, SurveyCampaign.name, SurveyCampaign.conclusion)
        .order_by(SurveyCampaign.id)
    )
    rows: list[list[Cell]] = [[number, name, {"n": n_answers}, said or {"word": N_("Without a conclusion"), "tone": "warn"}]
                              for number, name, n_answers, said in session.execute(found)]  # fmt: skip
    return _table((N_("Survey"), N_("Name"), N_("Answers received"), N_("Conclusion")), rows, 3)


def _cases(session: Session, period: Period) -> dict[str, Any] | None:
    """Return the cases filed in the period by type: how many, answered, and of these late."""
    late = func.count(case((Pqr.answered_on > Pqr.due_on, 1)))
    found = (
        select(RequestType.name, func.count(), func.count(Pqr.answered_on), late)
        .join(Pqr, Pqr.request_type_id == RequestType.id)
        .where(auditpack.during(Pqr.filed_on, period), Pqr.status != PqrStatus.VOIDED)
        .group_by(RequestType.name)
        .order_by(func.count().desc(), RequestType.name)
    )
    rows: list[list[Cell]] = [[name, *({"n": n} for n in counts)] for name, *counts in session.execute(found)]
    return _table((N_("Type"), N_("Cases filed"), N_("Cases answered"), N_("Of these, late")), rows, 0)


def _indicators(session: Session, period: Period) -> dict[str, Any] | None:
    """Return each active indicator with its last value that ended in the period, its goal and where it lies."""
    newest = (
        select(IndicatorValue.indicator_id, func.max(IndicatorValue.period_until).label("last"))
        .where(auditpack.during(IndicatorValue.period_until, period))
        .group_by(IndicatorValue.indicator_id)
        .subquery()
    )
    found = (
        select(Indicator, IndicatorValue)
        .outerjoin(newest, newest.c.indicator_id == Indicator.id)
        .outerjoin(
            IndicatorValue, (IndicatorValue.indicator_id == Indicator.id) & (IndicatorValue.period_until == newest.c.last)
        )
        .where(Indicator.is_active)
        .order_by(Indicator.position, Indicator.code)
    )  # fmt: skip
    rows = [_indicator(sheet, value) for sheet, value in session.execute(found)]
    return _table((N_("Code"), N_("Indicator"), N_("Last value"), N_("Unit"), N_("Goal"), N_("Where it lies")), rows, 1)


def _indicator(sheet: Indicator, value: IndicatorValue | None) -> list[Cell]:
    tone = {"GOOD": "ok", "FAIR": "warn", "BAD": "bad"}
    if value is None:
        standing: Cell = {"word": N_("Without a value in the period"), "tone": "warn"}
    else:
        standing = {"word": value.standing.value, "tone": tone.get(value.standing.name, "stop")}
    goal = value.goal if value is not None else sheet.goal
    figures = [{"value": str(each), "decimals": sheet.decimals} if each is not None else "—" for each in (value and value.value, goal)]
    return [sheet.code, sheet.name, figures[0], sheet.unit, figures[1], standing]


def _bands(session: Session) -> dict[str, Any] | None:
    """Return how many open risks lie in each band after their controls."""
    placed = select(residual_band(RiskBand.id).label("band_id")).select_from(Risk).where(Risk.closed_on.is_(None)).subquery()
    found = (
        select(RiskBand.name, RiskBand.what_to_do, func.count(placed.c.band_id))
        .outerjoin(placed, placed.c.band_id == RiskBand.id)
        .group_by(RiskBand.id, RiskBand.name, RiskBand.what_to_do, RiskBand.least_score)
        .order_by(RiskBand.least_score.desc())
    )
    rows: list[list[Cell]] = [[name, {"n": n}, todo] for name, todo, n in session.execute(found)]
    return _table((N_("Band"), N_("Open risks"), N_("What it asks for")), rows, 2)
