"""
Risks of the processes: put on the map, controlled, looked at, closed and taken up again; and the scale they are measured by.

What is left of a risk after its controls is derived and stored in the same transaction as whatever changes it, with a line of history
that is never changed. A level in use is not deleted; when another comes or goes, what is left of the risks is derived again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Select, String, cast, false, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionOrigin, ActionStatus
from app.domain.risks import (
    Band,
    BandTone,
    ControlKind,
    Effect,
    Level,
    RiskVerb,
    Scale,
    Spot,
    check_bands,
    check_closing,
    check_control,
    check_level,
    check_open,
    check_reason,
    check_review_day,
    check_risk,
    check_spot,
    next_review,
)
from app.extensions import LANGUAGE, local
from app.models import Action, Process, Risk, RiskBand, RiskControl, RiskImpact, RiskMove, RiskProbability
from app.operations import improvement
from app.operations.improvement import Asked
from app.operations.numbers import next_number

#: What an action is no longer under way in.
OVER = tuple(status for status in ActionStatus if status.is_over)
LevelRow = RiskProbability | RiskImpact


# ── The scale ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def scale_of(session: Session) -> Scale:
    """Return the scale of the house, in one statement."""
    parts = [
        select(literal(kind).label("kind"), model.id, model.level, model.name, model.meaning.label("text"),
               cast(null(), String).label("tone"), literal(0).label("months"), false().label("needs"))
        for kind, model in (("probability", RiskProbability), ("impact", RiskImpact))
    ]  # fmt: skip
    band = select(
        literal("band"), RiskBand.id, RiskBand.least_score, RiskBand.name, RiskBand.what_to_do, cast(RiskBand.tone, String),
        RiskBand.review_months, RiskBand.needs_action,
    )  # fmt: skip
    levels: dict[str, list[Level]] = {"probability": [], "impact": []}
    bands: list[Band] = []
    for row in session.execute(union_all(*parts, band).order_by("level")):
        if row.kind == "band":
            bands.append(Band(row.id, row.level, row.name, BandTone[row.tone], row.text, row.months, bool(row.needs)))
        else:
            levels[row.kind].append(Level(row.level, row.name, row.text))
    return Scale(tuple(levels["probability"]), tuple(levels["impact"]), tuple(bands))


def uses_level(row: type[LevelRow], level: Any) -> Any:
    """Return the condition of the risks that use *level* of the scale *row*, before or after their controls."""
    if row is RiskProbability:
        return or_(Risk.probability == level, Risk.residual_probability == level)
    return or_(Risk.impact == level, Risk.residual_impact == level)


def n_uses(session: Session, row: LevelRow) -> int:
    """Return how many risks, closed ones too, use the level."""
    return session.scalar(select(func.count(Risk.id)).where(uses_level(type(row), row.level))) or 0


def in_band(band_id: Any) -> Any:
    """Return the condition of the risks that lie in a band after their controls."""
    return residual_band(RiskBand.id) == band_id


def residual_band(column: Any) -> Any:
    """Return the scalar subquery of *column* of the band in which a risk lies after its controls."""
    return band_at(Risk.residual_probability * Risk.residual_impact, column)


def band_at(score: Any, column: Any) -> Any:
    """Return the scalar subquery of *column* of the band in which *score* lies."""
    begins = select(column).where(RiskBand.least_score <= score).order_by(RiskBand.least_score.desc()).limit(1)
    return begins.correlate(Risk).scalar_subquery()


def enter_level(session: Session, row: LevelRow, *, at: datetime, user_id: int | None) -> LevelRow:
    """Add a level to the scale and derive again what is left of the risks; return it, flushed. Raises DomainError, as `check_level`."""
    row.name = (row.name or "").strip()
    check_level(row.level, row.name)
    session.add(row)
    session.flush()
    derive_again(session, at=at, user_id=user_id)
    return row


def remove_level(session: Session, row: LevelRow, *, at: datetime, user_id: int | None) -> None:
    """
    Delete a level that no risk uses, and derive again what is left of the risks.

    Raises:
        MoveRefused: Risks use it; the database refuses it as well.
    """
    n = n_uses(session, row)
    if n:
        raise MoveRefused(N_("Risks use the level “%(name)s” (%(n)s), so it stays. Move them to another level first."), n=n, name=row.name)
    session.delete(row)
    session.flush()
    derive_again(session, at=at, user_id=user_id)


def check_band(session: Session, row: RiskBand, *, is_gone: bool = False) -> None:
    """
    Raise DomainError when the bands would leave scores without one, or take away a band in which risks lie.

    Args:
        is_gone: The band is being deleted; otherwise it is being added or changed.
    """
    others = [band for band in scale_of(session).bands if band.id != row.id]
    if is_gone:
        n = session.scalar(select(func.count(Risk.id)).where(in_band(row.id), Risk.closed_on.is_(None))) or 0
        if n:
            raise MoveRefused(N_("Open risks lie in the band “%(name)s” (%(n)s), so it stays."), n=n, name=row.name)
    else:
        others.append(Band(row.id or 0, row.least_score, row.name, row.tone))
    check_bands(others)


def remove_band(session: Session, row: RiskBand) -> None:
    """Delete a band in which no open risk lies. Raises DomainError, as `check_band`."""
    check_band(session, row, is_gone=True)
    session.delete(row)
    session.flush()


def derive_again(session: Session, *, at: datetime, user_id: int | None) -> int:
    """Derive what is left of every open risk by the scale as it is now; return how many moved, each with a line of history."""
    scale, n = scale_of(session), 0
    held = select(Risk).where(Risk.closed_on.is_(None)).order_by(Risk.id).with_for_update()
    for risk in session.scalars(held.execution_options(populate_existing=True)).all():
        before = residual_of(risk)
        if scale.residual(inherent_of(risk), effects_of(session, risk)) == before:
            continue
        with force_locale(LANGUAGE):
            reason = _("The levels of the scale changed.")
        _settle(session, risk, RiskVerb.SCALE, reason, scale=scale, at=at, user_id=user_id)
        n += 1
    session.flush()
    return n


# ── Risks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Controlled:
    """A control as somebody tells it, for a risk that is being entered."""

    text: str
    kind: ControlKind = ControlKind.PREVENTIVE
    lowers_probability: int = 0
    lowers_impact: int = 0
    is_working: bool = True
    evidence: str = ""
    responsible_id: int | None = None


def inherent_of(risk: Risk) -> Spot:
    """Return where a risk stands without controls."""
    return Spot(risk.probability, risk.impact)


def residual_of(risk: Risk) -> Spot:
    """Return where a risk stands with the controls that work."""
    return Spot(risk.residual_probability, risk.residual_impact)


def effects_of(session: Session, risk: Risk) -> list[Effect]:
    """Return what the controls of a risk lower, as they are stored."""
    columns = (RiskControl.lowers_probability, RiskControl.lowers_impact, RiskControl.is_working)
    return [Effect(*row) for row in session.execute(select(*columns).where(RiskControl.risk_id == risk.id))]


def enter_risk(
    session: Session, risk: Risk, controls: Iterable[Controlled] = (), *, at: datetime, user_id: int | None, reason: str = ""
) -> Risk:
    """
    Store a risk that says process, cause, event, consequence, probability and impact; return it, flushed, with its number and residual.

    Args:
        risk: Without `identified_on`: today. Without `review_on`: as its band says; a later day is brought forward to that.
        controls: What the house does already.
        reason: Why it stands where it stands, for its history.

    Raises:
        DomainError: As `check_risk`, `check_spot` and `check_control`; or the process or the person is no longer active.
    """
    today = local(at).date()
    risk.identified_on = risk.identified_on or today
    _check(session, risk, today)
    scale = scale_of(session)
    check_spot(scale, inherent_of(risk))
    rows = [_control(told) for told in controls]
    effects = [Effect(row.lowers_probability, row.lowers_impact, row.is_working) for row in rows]
    spot = scale.residual(inherent_of(risk), effects)
    risk.residual_probability, risk.residual_impact = spot.probability, spot.impact
    latest = next_review(scale.band_of(spot), today)
    risk.review_on = min(risk.review_on or latest, latest)
    risk.organisation = queries.organisation(session)
    risk.number = next_number(session, risk.organisation.id, "RG", today.year, width=4)
    session.add(risk)
    session.flush()
    for row in rows:
        row.risk_id = risk.id
    session.add_all(rows)
    _log(session, risk, RiskVerb.IDENTIFY, reason or risk.cause, at=at, user_id=user_id)
    session.flush()
    return risk


def amend_risk(session: Session, risk: Risk, *, at: datetime) -> Risk:
    """
    Store what was changed in the texts of *risk*; return it, flushed. Where it stands is moved by `review_risk`.

    Raises:
        MoveRefused: It was closed meanwhile.
        DomainError: As `enter_risk`.
    """
    with session.no_autoflush:
        closed_on = session.scalar(select(Risk.closed_on).where(Risk.id == risk.id).with_for_update())
        check_open(risk.number, closed_on)
        _check(session, risk, local(at).date())
    session.flush()
    return risk


def _check(session: Session, risk: Risk, today: date) -> None:
    for name in ("cause", "event", "consequence", "treatment_note"):
        setattr(risk, name, (getattr(risk, name) or "").strip())
    check_risk(risk.cause, risk.event, risk.consequence, risk.identified_on, today)
    process = session.get(Process, risk.process_id) if risk.process_id else risk.process
    if process is None or not process.is_active:
        raise DomainError(N_("Choose a process that is active."), field="process_id")
    responsible = risk.responsible or (session.get(User, risk.responsible_id) if risk.responsible_id else None)
    if responsible is not None and not responsible.is_active:
        raise DomainError(N_("%(name)s is not active and cannot sign in."), field="responsible", name=responsible.get_full_name())


def review_risk(
    session: Session, risk: Risk, spot: Spot, reason: str, *, review_on: date | None = None, at: datetime, user_id: int | None
) -> Risk:
    """
    Record that somebody looked at a risk: it stays, or moves to *spot* before its controls; return it, flushed.

    Args:
        review_on: Of the next look; left out, as its band says.

    Raises:
        MoveRefused: It was closed.
        DomainError: As `check_reason`, `check_spot` and `check_review_day`.
    """
    scale, today = _held(session, risk), local(at).date()
    check_reason(reason)
    check_spot(scale, spot)
    band = scale.band_of(scale.residual(spot, effects_of(session, risk)))
    if review_on is not None:
        check_review_day(review_on, today, band)
    risk.probability, risk.impact = spot.probability, spot.impact
    risk.reviewed_on, risk.review_on = today, review_on or next_review(band, today)
    return _settle(session, risk, RiskVerb.REVIEW, reason, scale=scale, at=at, user_id=user_id)


def add_control(session: Session, risk: Risk, told: Controlled, *, at: datetime, user_id: int | None) -> RiskControl:
    """Add a control to a risk, which moves it; return the control, flushed. Raises MoveRefused: closed; DomainError, as `check_control`."""
    scale, row = _held(session, risk), _control(told)
    row.risk_id = risk.id
    session.add(row)
    session.flush()
    with force_locale(LANGUAGE):
        reason = _("New control: %(text)s", text=row.text)
    _settle(session, risk, RiskVerb.CONTROL, reason, scale=scale, at=at, user_id=user_id)
    return row


def change_control(session: Session, row: RiskControl, told: Controlled, reason: str, *, at: datetime, user_id: int | None) -> RiskControl:
    """
    Store a control as it is told now, which moves its risk; return it, flushed. What is no longer done is told as not working.

    Raises:
        MoveRefused: The risk was closed.
        DomainError: As `check_reason` and `check_control`.
    """
    risk = session.get_one(Risk, row.risk_id)
    scale = _held(session, risk)
    check_reason(reason)
    fresh = _control(told)
    for name in ("text", "kind", "lowers_probability", "lowers_impact", "is_working", "evidence", "responsible_id"):
        setattr(row, name, getattr(fresh, name))
    session.flush()
    _settle(session, risk, RiskVerb.CONTROL, f"{row.text}: {reason.strip()}", scale=scale, at=at, user_id=user_id)
    return row


def _control(told: Controlled) -> RiskControl:
    """Return the row of a control, not yet of any risk. Raises DomainError, as `check_control`."""
    check_control(told.text, Effect(told.lowers_probability, told.lowers_impact))
    return RiskControl(
        text=told.text.strip(), kind=told.kind, lowers_probability=told.lowers_probability, lowers_impact=told.lowers_impact,
        is_working=told.is_working, evidence=told.evidence.strip(), responsible_id=told.responsible_id,
    )  # fmt: skip


def close_risk(session: Session, risk: Risk, reason: str, *, at: datetime, user_id: int | None) -> Risk:
    """
    Close a risk that no longer exists; return it, flushed. It leaves the map and keeps its history.

    Raises:
        MoveRefused: It was closed, or actions that it asked for are under way.
        DomainError: As `check_reason`.
    """
    _held(session, risk)
    check_reason(reason)
    check_closing(risk.number, session.scalars(_under_way(risk.number).order_by(Action.number)).all())
    risk.closed_on, risk.close_reason = local(at).date(), reason.strip()
    _log(session, risk, RiskVerb.CLOSE, reason, at=at, user_id=user_id)
    session.flush()
    return risk


def reopen_risk(session: Session, risk: Risk, reason: str, *, at: datetime, user_id: int | None) -> Risk:
    """Take up a closed risk again, by the scale of today; return it, flushed. Raises MoveRefused: it is open; DomainError: no reason."""
    queries.lock(session, risk)
    if risk.closed_on is None:
        raise MoveRefused(N_("%(number)s is open already."), number=risk.number)
    check_reason(reason)
    risk.closed_on, risk.close_reason = None, ""
    scale = scale_of(session)
    band = scale.band_of(scale.residual(inherent_of(risk), effects_of(session, risk)))
    risk.review_on = next_review(band, local(at).date())
    return _settle(session, risk, RiskVerb.REOPEN, reason, scale=scale, at=at, user_id=user_id)


def ask_for_action(session: Session, risk: Risk, asked: Asked, *, at: datetime, user_id: int | None) -> Action:
    """Ask for an action that treats the risk; return it, flushed. Raises MoveRefused: the risk was closed; DomainError, as `ask_action`."""
    _held(session, risk)
    return improvement.ask_action(
        session, kind=asked.kind, origin=ActionOrigin.RISK, origin_key=risk.number, title=asked.title, description=asked.description,
        process_id=asked.process_id, responsible_id=asked.responsible_id, due_on=asked.due_on, at=at, user_id=user_id,
        origin_path=f"/risk/show/{risk.id}",
    )  # fmt: skip


def _held(session: Session, risk: Risk) -> Scale:
    """Keep other writers off an open risk and return the scale. Raises MoveRefused: it was closed."""
    queries.lock(session, risk)
    check_open(risk.number, risk.closed_on)
    return scale_of(session)


def _settle(session: Session, risk: Risk, verb: RiskVerb, reason: str, *, scale: Scale, at: datetime, user_id: int | None) -> Risk:
    """Derive what is left of *risk*, bring its next look forward where its band asks for it, and write the line of history."""
    with session.no_autoflush:  # the database refuses a risk that moved without what is left of it
        spot = scale.residual(inherent_of(risk), effects_of(session, risk))
    risk.residual_probability, risk.residual_impact = spot.probability, spot.impact
    risk.review_on = min(risk.review_on, next_review(scale.band_of(spot), local(at).date()))
    _log(session, risk, verb, reason, at=at, user_id=user_id)
    session.flush()
    return risk


def _log(session: Session, risk: Risk, verb: RiskVerb, reason: str, *, at: datetime, user_id: int | None) -> None:
    session.add(
        RiskMove(
            risk_id=risk.id, at=at, actor_id=user_id, move=verb.name, reason=reason.strip(), probability=risk.probability,
            impact=risk.impact, residual_probability=risk.residual_probability, residual_impact=risk.residual_impact,
        )
    )  # fmt: skip


# ── What is asked of the map ──────────────────────────────────────────────────────────────────────────────────────────────


def _under_way(number: Any) -> Select[Any]:
    """Return the SELECT of the numbers of the actions under way that the risk *number* asked for."""
    asked = select(Action.number).where(Action.origin == ActionOrigin.RISK, Action.origin_key == number)
    return asked.where(Action.status.not_in(OVER))


def lacks_action() -> Any:
    """Return the condition of the gaps: open risks in a band that asks for an action, with none under way."""
    is_open = Risk.closed_on.is_(None)
    return is_open & residual_band(RiskBand.needs_action).is_(True) & ~_under_way(Risk.number).correlate(Risk).exists()


def gaps() -> Select[Any]:
    """Return the SELECT of the risks that `lacks_action` tells."""
    return select(Risk).where(lacks_action()).order_by(Risk.number)


def overdue(on: date) -> Any:
    """Return the condition of the open risks that nobody looked at in time."""
    return Risk.closed_on.is_(None) & (Risk.review_on < on)


@dataclass(frozen=True, slots=True)
class Placed:
    """How many risks of a process stand at a place of the map."""

    process_id: int
    process: str
    spot: Spot
    n: int


def placed(session: Session, risks: Select[Any], *, is_residual: bool) -> list[Placed]:
    """Return where *risks* (a SELECT over Risk, in its reader's scope) stand, by process, before or after their controls: one statement."""
    columns = (Risk.residual_probability, Risk.residual_impact) if is_residual else (Risk.probability, Risk.impact)
    named = risks.join(Process, Process.id == Risk.process_id).with_only_columns(Process.id, Process.name, *columns, func.count())
    counted = named.group_by(Process.id, Process.name, *columns).order_by(None).order_by(Process.name)
    return [Placed(key, name, Spot(probability, impact), n) for key, name, probability, impact, n in session.execute(counted)]


def controls_of(session: Session, risk_ids: Sequence[int]) -> dict[int, list[RiskControl]]:
    """Return the controls of several risks, by risk, in the order in which they were written."""
    found: dict[int, list[RiskControl]] = {}
    for row in session.scalars(select(RiskControl).where(RiskControl.risk_id.in_(risk_ids)).order_by(RiskControl.id)):
        found.setdefault(row.risk_id, []).append(row)
    return found
