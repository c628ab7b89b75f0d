"""Risks as the database keeps them: what controls leave is derived and stored with its history, and the scale keeps what is in use."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, text, update
from sqlalchemy.exc import IntegrityError

from app import queries
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.domain.risks import BandTone, RiskVerb, Spot
from app.models import Action, NumberSeries, Risk, RiskBand, RiskControl, RiskImpact, RiskMove, RiskProbability
from app.operations import improvement, reminders, risks
from app.operations.improvement import Asked
from app.operations.risks import Controlled
from app.operations.seeds import load_seeds

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
LATER = datetime(2026, 7, 20, 15, tzinfo=UTC)
SCALES = ("risk_probability", "risk_impact", "risk_band")


@pytest.fixture
def risk(make) -> Risk:
    """4 × 5 without controls: extreme by the scale that ships, where a risk is looked at every three months."""
    return make.risk(4, 5, at=AT)


def spot(risk: Risk) -> tuple[int, int]:
    return risk.residual_probability, risk.residual_impact


def moves(session: Any, risk: Risk) -> list[tuple[str, int, int]]:
    rows = session.scalars(select(RiskMove).where(RiskMove.risk_id == risk.id).order_by(RiskMove.id))
    return [(move.move, move.residual_probability, move.residual_impact) for move in rows]


# ── The scale ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_scale_that_ships_is_five_by_five_and_has_nothing_amiss(seeded):
    from app.domain.risks import warnings_of

    scale = risks.scale_of(seeded)

    assert [level.level for level in scale.probabilities] == [level.level for level in scale.impacts] == [1, 2, 3, 4, 5]
    assert [(band.least_score, band.tone) for band in scale.bands] == [
        (1, BandTone.LOW), (5, BandTone.MODERATE), (10, BandTone.HIGH), (15, BandTone.EXTREME)
    ]  # fmt: skip
    assert list(warnings_of(scale)) == []


def test_the_scale_is_read_in_one_statement(seeded):
    statements: list[str] = []
    listen = (seeded.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    event.listen(*listen)
    try:
        risks.scale_of(seeded)
    finally:
        event.remove(*listen)

    assert len([each for each in statements if each.startswith("SELECT")]) == 1


@pytest.mark.parametrize("model", [RiskProbability, RiskImpact])
def test_a_level_in_use_is_not_deleted_and_says_how_many_use_it(seeded, make, model):
    make.risk(5, 5, at=AT)
    make.risk(5, 5, at=AT, controls=[(1, 1)])  # what is left of it lies at 4
    for level, n in ((5, 2), (4, 1)):
        row = seeded.scalars(select(model).filter_by(level=level)).one()
        with pytest.raises(MoveRefused, match=rf"\({n}\)"):
            risks.remove_level(seeded, row, at=LATER, user_id=None)


@pytest.mark.parametrize("model", [RiskProbability, RiskImpact])
def test_the_database_refuses_to_delete_or_renumber_a_level_in_use(seeded, risk, model):
    level = risk.probability if model is RiskProbability else risk.impact
    for statement in (delete(model).where(model.level == level), update(model).where(model.level == level).values(level=9)):
        with pytest.raises(IntegrityError), seeded.begin_nested():
            seeded.execute(statement)


def test_a_level_that_nobody_uses_goes_and_what_is_left_is_derived_again(seeded, make):
    risk = make.risk(5, 4, at=AT, controls=[(2, 0)])
    assert spot(risk) == (3, 4)
    row = seeded.scalars(select(RiskProbability).filter_by(level=4)).one()

    risks.remove_level(seeded, row, at=LATER, user_id=None)

    assert spot(risk) == (2, 4)  # two levels down are now 3 and 2
    assert moves(seeded, risk)[-1] == ("SCALE", 2, 4)


def test_a_level_that_comes_moves_what_is_left_and_a_twin_is_refused(seeded, make):
    risk = make.risk(5, 4, at=AT, controls=[(0, 1)])
    row = seeded.scalars(select(RiskImpact).filter_by(level=2)).one()
    risks.remove_level(seeded, row, at=LATER, user_id=None)
    assert spot(risk) == (5, 3)
    risks.enter_level(seeded, RiskImpact(level=2, name="Menor"), at=LATER, user_id=None)

    assert spot(risk) == (5, 3)
    assert [move for move, _p, _i in moves(seeded, risk)] == ["IDENTIFY"]  # neither moved it
    with pytest.raises(IntegrityError), seeded.begin_nested():
        risks.enter_level(seeded, RiskImpact(level=2, name="Otro"), at=LATER, user_id=None)


def test_the_first_band_stays_at_one_and_a_band_with_risks_stays(seeded, risk):
    bands = {band.least_score: band for band in seeded.scalars(select(RiskBand))}
    with pytest.raises(DomainError) as refusal:
        risks.remove_band(seeded, bands[1])
    assert refusal.value.field == "least_score"
    with pytest.raises(MoveRefused, match=r"\(1\)"):
        risks.remove_band(seeded, bands[15])
    bands[1].least_score = 2
    with pytest.raises(DomainError), seeded.no_autoflush:
        risks.check_band(seeded, bands[1])
    seeded.expire(bands[1])

    risks.remove_band(seeded, bands[10])
    assert [band.least_score for band in risks.scale_of(seeded).bands] == [1, 5, 15]


def test_a_scale_that_the_house_made_its_own_is_not_filled_up_again(seeded):
    row = seeded.scalars(select(RiskImpact).filter_by(level=5)).one()
    risks.remove_level(seeded, row, at=AT, user_id=None)

    loaded = load_seeds(seeded, LATER)

    assert [loaded[table].n_new for table in SCALES] == [0, 0, 0]
    assert seeded.scalar(select(func.max(RiskImpact.level))) == 4


# ── Controls and what they leave ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_risk_gets_its_number_its_residual_its_next_look_and_its_first_line(seeded, make):
    first, second = make.risk(4, 5, at=AT), make.risk(4, 5, at=AT, controls=[(2, 1), (1, 0)])

    assert (first.number, second.number) == ("RG-2026-0001", "RG-2026-0002")
    assert spot(first) == (4, 5)
    assert spot(second) == (1, 4)
    assert first.review_on == date(2026, 10, 10)  # extreme: every three months
    assert second.review_on == date(2027, 7, 10)  # low: every year
    assert moves(seeded, second) == [("IDENTIFY", 1, 4)]


def test_a_control_lowers_what_is_left_at_once_and_the_history_tells_how(seeded, risk):
    control = risks.add_control(seeded, risk, Controlled(" Aviso diario ", lowers_probability=2), at=LATER, user_id=None)
    assert spot(risk) == (2, 5)
    told = Controlled("Aviso diario", lowers_probability=2, is_working=False)
    risks.change_control(seeded, control, told, "Nadie lo lee", at=LATER, user_id=None)
    assert spot(risk) == (4, 5)
    assert moves(seeded, risk) == [("IDENTIFY", 4, 5), ("CONTROL", 2, 5), ("CONTROL", 4, 5)]
    reasons = seeded.scalars(select(RiskMove.reason).where(RiskMove.risk_id == risk.id).order_by(RiskMove.id)).all()
    assert "Aviso diario" in reasons[1]
    assert reasons[2] == "Aviso diario: Nadie lo lee"


def test_what_is_refused_of_a_control_leaves_the_risk_as_it_was(seeded, risk):
    for told in (Controlled(" "), Controlled("Aviso", lowers_impact=12)):
        with pytest.raises(DomainError):
            risks.add_control(seeded, risk, told, at=LATER, user_id=None)
    control = risks.add_control(seeded, risk, Controlled("Aviso", lowers_impact=1), at=LATER, user_id=None)
    with pytest.raises(DomainError) as refusal:
        risks.change_control(seeded, control, Controlled("Aviso"), "  ", at=LATER, user_id=None)

    assert refusal.value.field == "reason"
    assert spot(risk) == (4, 4)
    assert seeded.scalar(select(func.count(RiskControl.id))) == 1


def test_a_risk_that_gets_worse_is_looked_at_sooner(seeded, make):
    risk = make.risk(4, 5, at=AT, controls=[(3, 3)])
    assert (spot(risk), risk.review_on) == ((1, 2), date(2027, 7, 10))
    control = seeded.scalars(select(RiskControl).where(RiskControl.risk_id == risk.id)).one()

    risks.change_control(seeded, control, Controlled("Lista", is_working=False), "Ya no se hace", at=LATER, user_id=None)

    assert (spot(risk), risk.review_on) == ((4, 5), date(2026, 10, 20))


def test_the_database_refuses_a_residual_above_the_risk_and_a_level_off_the_scale(seeded, risk):
    for values in ({"residual_probability": 5}, {"impact": 8}, {"closed_on": date(2026, 7, 20)}):
        with pytest.raises(IntegrityError), seeded.begin_nested():
            seeded.execute(update(Risk).where(Risk.id == risk.id).values(**values))


@pytest.mark.parametrize(
    ("said", "field"),
    [({"event": " "}, "event"), ({"probability": 9}, "probability"), ({"process_id": 999_999}, "process_id"),
     ({"identified_on": date(2026, 7, 11)}, "identified_on")],
)  # fmt: skip
def test_what_cannot_be_put_on_the_map_takes_no_number(seeded, make, said, field):
    values = {"process_id": make.process("CARTERA").id, "cause": "a", "event": "b", "consequence": "c", "probability": 1, "impact": 1}
    with pytest.raises(DomainError) as refusal, seeded.no_autoflush:
        risks.enter_risk(seeded, Risk(**(values | said)), at=AT, user_id=None)

    assert refusal.value.field == field
    assert seeded.scalar(select(NumberSeries.last).where(NumberSeries.prefix == "RG")) is None


# ── Looked at, closed, taken up again ─────────────────────────────────────────────────────────────────────────────────────


def test_a_look_moves_a_risk_or_leaves_it_and_says_when_the_next_one_is(seeded, risk):
    risks.review_risk(seeded, risk, Spot(4, 5), "Sigue igual", at=LATER, user_id=None)
    assert (risk.reviewed_on, risk.review_on) == (date(2026, 7, 20), date(2026, 10, 20))
    risks.review_risk(seeded, risk, Spot(2, 2), "Se cambió el programa", review_on=date(2026, 12, 1), at=LATER, user_id=None)

    assert (spot(risk), risk.review_on) == ((2, 2), date(2026, 12, 1))
    assert moves(seeded, risk) == [("IDENTIFY", 4, 5), ("REVIEW", 4, 5), ("REVIEW", 2, 2)]


@pytest.mark.parametrize(
    ("said", "field"),
    [({"reason": " "}, "reason"), ({"spot": Spot(9, 1)}, "probability"), ({"review_on": date(2026, 10, 21)}, "review_on"),
     ({"review_on": date(2026, 7, 20)}, "review_on")],
)  # fmt: skip
def test_a_look_without_reason_off_the_map_or_too_late_is_refused(seeded, risk, said, field):
    values = {"spot": Spot(4, 5), "reason": "Sigue igual", "review_on": None} | said
    with pytest.raises(DomainError) as refusal:
        risks.review_risk(seeded, risk, values["spot"], values["reason"], review_on=values["review_on"], at=LATER, user_id=None)

    assert refusal.value.field == field
    assert moves(seeded, risk) == [("IDENTIFY", 4, 5)]


def test_a_risk_is_closed_when_its_actions_are_over_and_taken_up_again_with_reasons(seeded, make, risk):
    asked = Asked("Contratar a otra persona", "", ActionKind.PREVENTIVE, risk.process_id, date(2026, 9, 1))
    action = risks.ask_for_action(seeded, risk, asked, at=AT, user_id=None)
    assert (action.origin, action.origin_key, action.origin_path) == (ActionOrigin.RISK, risk.number, f"/risk/show/{risk.id}")
    with pytest.raises(MoveRefused, match=action.number):
        risks.close_risk(seeded, risk, "Ya no existe", at=LATER, user_id=None)
    ended = {"status": ActionStatus.CANCELLED, "result": "No hizo falta", "ended_on": date(2026, 7, 20)}
    seeded.execute(update(Action).where(Action.id == action.id).values(**ended))
    risks.close_risk(seeded, risk, " Se vendió el servicio ", at=LATER, user_id=None)

    assert (risk.closed_on, risk.close_reason) == (date(2026, 7, 20), "Se vendió el servicio")
    for refused in (
        lambda: risks.review_risk(seeded, risk, Spot(1, 1), "x", at=LATER, user_id=None),
        lambda: risks.add_control(seeded, risk, Controlled("x"), at=LATER, user_id=None),
        lambda: risks.amend_risk(seeded, risk, at=LATER),
        lambda: risks.ask_for_action(seeded, risk, asked, at=LATER, user_id=None),
        lambda: risks.close_risk(seeded, risk, "x", at=LATER, user_id=None),
    ):
        with pytest.raises(MoveRefused, match=risk.number):
            refused()
    risks.reopen_risk(seeded, risk, "Volvió", at=LATER, user_id=None)
    assert (risk.closed_on, risk.close_reason, risk.review_on) == (None, "", date(2026, 10, 20))
    assert [RiskVerb[move].name for move, _p, _i in moves(seeded, risk)] == ["IDENTIFY", "CLOSE", "REOPEN"]
    with pytest.raises(MoveRefused):
        risks.reopen_risk(seeded, risk, "Otra vez", at=LATER, user_id=None)


def test_the_history_of_a_risk_is_never_rewritten(seeded, risk):
    move = seeded.scalars(select(RiskMove).where(RiskMove.risk_id == risk.id)).one()
    move.reason = "Otra cosa"
    with pytest.raises(RuntimeError, match="never changed"):
        seeded.flush()


# ── Gaps, counts, reminders ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_band_that_asks_for_an_action_shows_a_gap_until_one_is_under_way(seeded, make, risk):
    calm, closed = make.risk(1, 1, at=AT), make.risk(5, 5, at=AT)
    risks.close_risk(seeded, closed, "Ya no existe", at=LATER, user_id=None)
    assert seeded.scalars(risks.gaps()).all() == [risk]

    asked = Asked("Contratar", "", ActionKind.PREVENTIVE, risk.process_id, date(2026, 9, 1))
    action = risks.ask_for_action(seeded, risk, asked, at=AT, user_id=None)
    assert seeded.scalars(risks.gaps()).all() == []
    ended = {"status": ActionStatus.CANCELLED, "result": "No hizo falta", "ended_on": date(2026, 7, 20)}
    seeded.execute(update(Action).where(Action.id == action.id).values(**ended))
    assert seeded.scalars(risks.gaps()).all() == [risk]
    assert calm.number not in {each.number for each in seeded.scalars(risks.gaps())}


def test_the_map_counts_by_process_before_and_after_controls(seeded, make):
    billing, portfolio = make.process("FACTURACION"), make.process("CARTERA")
    make.risk(4, 4, at=AT, process=billing, controls=[(2, 0)])
    make.risk(4, 4, at=AT, process=billing)
    make.risk(4, 4, at=AT, process=portfolio)

    def counted(*, is_residual: bool) -> dict[tuple[int, Spot], int]:
        return {(each.process_id, each.spot): each.n for each in risks.placed(seeded, select(Risk), is_residual=is_residual)}

    assert counted(is_residual=False) == {(billing.id, Spot(4, 4)): 2, (portfolio.id, Spot(4, 4)): 1}
    assert counted(is_residual=True) == {(billing.id, Spot(2, 4)): 1, (billing.id, Spot(4, 4)): 1, (portfolio.id, Spot(4, 4)): 1}


def test_who_answers_for_a_risk_is_told_before_its_look_is_due(seeded, make):
    user = make.user("Calidad")
    risk = make.risk(4, 5, at=AT, responsible_id=user.id)  # due on 10 October 2026, a Saturday
    make.risk(1, 1, at=AT, responsible_id=user.id)

    def due(at: datetime) -> set[tuple[str, str]]:
        return {(each.row.key, each.rule.code) for each in reminders.due(seeded, at) if each.source is reminders.SOURCES["RISK_REVIEW"]}

    assert due(datetime(2026, 9, 25, 15, tzinfo=UTC)) == set()
    assert due(datetime(2026, 10, 6, 15, tzinfo=UTC)) == {(risk.number, "RIESGO_PROXIMO")}
    assert (risk.number, "RIESGO_VENCIDO") in due(datetime(2026, 10, 14, 15, tzinfo=UTC))


def test_an_action_of_another_origin_with_the_same_key_treats_no_risk(seeded, make, risk):
    improvement.ask_action(
        seeded, kind=ActionKind.PREVENTIVE, origin=ActionOrigin.OTHER, origin_key=risk.number, title="Otra", description="",
        process_id=risk.process_id, responsible_id=None, due_on=date(2026, 9, 1), at=AT, user_id=None,
    )  # fmt: skip

    assert seeded.scalars(risks.gaps()).all() == [risk]


def test_raw_sql_does_not_delete_a_risk_with_history(seeded, risk):
    with pytest.raises(IntegrityError), seeded.begin_nested():
        seeded.execute(text("DELETE FROM risk WHERE id = :id"), {"id": risk.id})


def test_two_people_at_one_risk_write_one_after_the_other(seeded, risk, monkeypatch):
    """Whoever comes second works on what the first left, not on what his page showed."""
    locked: list[Any] = []
    lock = queries.lock
    monkeypatch.setattr(queries, "lock", lambda session, row: (locked.append(row), lock(session, row))[1])
    theirs = update(Risk).where(Risk.id == risk.id).values(probability=3, residual_probability=3)
    seeded.execute(theirs.execution_options(synchronize_session=False))

    risks.add_control(seeded, risk, Controlled("Aviso", lowers_probability=1), at=LATER, user_id=None)

    assert locked == [risk]
    assert spot(risk) == (2, 5)
