"""The effect of actions: what each measure counts, the review with its figures kept, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.domain.effectiveness import Chance, Window
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, EffectMeasure, EffectVerdict
from app.domain.indicators import Direction, Standing
from app.models import Action, ActionEvent, ActionReview, Indicator, IndicatorValue, Process, RequestType, Service, SuiCause
from app.operations import action_plans, actions, effect_keys, effectiveness, improvement, indicators
from app.operations import pqr as cases
from app.operations.effectiveness import EffectPlan
from app.operations.indicator_measures import MEASURES

ASKED = date(2026, 5, 4)
DONE = date(2026, 5, 29)
#: 90 days each, and the first day on which both are over.
BEFORE, AFTER = Window(date(2026, 2, 3), date(2026, 5, 3)), Window(date(2026, 5, 30), date(2026, 8, 27))
REVIEW = date(2026, 8, 28)
KEY = "ACUEDUCTO:102"


def instant(day: date, hour: int = 10) -> datetime:
    """Return *hour* o'clock in Bogotá (UTC-5) on *day*."""
    return datetime(day.year, day.month, day.day, hour + 5, tzinfo=UTC)


def cause(session, code="102"):
    return session.scalars(select(SuiCause).join(SuiCause.service).where(Service.code == "ACUEDUCTO", SuiCause.code == code)).one()


def file(make, n, window, **fields):
    """File *n* cases spread over *window*, its first and last day among them."""
    found, last = [], window.n_days - 1
    for i in range(n):
        day = window.first + timedelta(days=round(i * last / max(n - 1, 1)))
        found.append(make.case(at=instant(day), **fields))
    return found


def asked(make, *, origin=ActionOrigin.OTHER, key="", kind=ActionKind.CORRECTIVE, responsible=None, **fields):
    return improvement.ask_action(
        make.session, kind=kind, origin=origin, origin_key=key, title="Revisar la lectura de los medidores", description="",
        process_id=make.process("TECNICA").id, responsible_id=responsible and responsible.id, due_on=DONE, at=instant(ASKED),
        user_id=None, **fields,
    )  # fmt: skip


def plan_of(measure=EffectMeasure.CAUSE, key=KEY, days=90, goal=30, **more):
    return EffectPlan(measure, key, days, None if goal is None else Decimal(goal), **more)


def carried_out(make, plan=None, *, responsible=None, worker=None):
    """Return an action that was analysed, planned, approved and carried out, and waits for its review."""
    session, action = make.session, asked(make, responsible=responsible)
    action_plans.choose_cause(session, action, "La ruta se lee sin comprobar la lectura anterior", None, at=instant(ASKED), user_id=None)
    effectiveness.plan_effect(session, action, plan or plan_of(), at=instant(ASKED), user_id=None)
    worker = worker or make.user("Dueño de proceso", process="TECNICA")
    task = action_plans.add_task(session, action, "Comprobar cada lectura", DONE, worker.id, at=instant(ASKED), user_id=None)
    actions.plan(session, action, at=instant(ASKED, 11), user_id=worker.id)
    actions.approve(session, action, at=instant(ASKED, 12), user_id=make.user("Calidad").id)
    action_plans.end_task(session, task, "Acta de la ruta 3", ended_on=DONE, at=instant(DONE), user_id=worker.id)
    return actions.carry_out(session, action, at=instant(DONE), user_id=worker.id)


# ── From end to end ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_twenty_four_cases_before_and_six_after_is_effective_and_ends_the_action(make):
    session = make.session
    file(make, 24, BEFORE, cause=cause(session))
    action = carried_out(make)
    file(make, 6, AFTER, cause=cause(session))
    file(make, 5, AFTER, cause=cause(session, "101"))
    file(make, 1, Window(ASKED, ASKED), cause=cause(session))
    voided = file(make, 1, AFTER, cause=cause(session))[0]
    cases.void(session, voided, "Número dado por error", at=instant(AFTER.first, 15), actor_id=None)
    judge = make.user("Calidad")

    review = effectiveness.judge_effect(
        session, action, EffectVerdict.EFFECTIVE, "Bajaron de 24 a 6 y las actas lo muestran.", at=instant(REVIEW), user_id=judge.id
    )

    session.refresh(review)
    assert effectiveness.windows_of(action) == (BEFORE, AFTER)
    assert (review.before_from, review.before_until, review.before_n) == (BEFORE.first, BEFORE.last, 24)
    assert (review.after_from, review.after_until, review.after_n) == (AFTER.first, AFTER.last, 6)
    assert (review.proposed, review.verdict, review.reviewed_on) == (EffectVerdict.EFFECTIVE, EffectVerdict.EFFECTIVE, REVIEW)
    assert (review.facts["change"], review.facts["chance"]) == ("75.0", Chance.REAL.name)
    assert (action.status, action.verdict, action.ended_on) == (ActionStatus.DONE, EffectVerdict.EFFECTIVE, REVIEW)
    moves = session.scalars(select(ActionEvent.move).where(ActionEvent.action_id == action.id).order_by(ActionEvent.id)).all()
    wanted = ["MEASURE", "PLAN", "APPROVE", "CARRY_OUT", "JUDGE"]
    assert [move for move in moves if move in wanted] == wanted


def test_what_did_not_fall_is_not_effective_and_is_taken_up_again_with_its_history(make):
    session = make.session
    file(make, 10, BEFORE, cause=cause(session))
    action = carried_out(make)
    file(make, 12, AFTER, cause=cause(session))
    judge = make.user("Calidad")

    seen = effectiveness.compare(session, action, today=REVIEW)
    review = effectiveness.judge_effect(session, action, EffectVerdict.NOT_EFFECTIVE, "Subieron.", at=instant(REVIEW), user_id=judge.id)

    assert (seen.proposal.verdict, seen.proposal.change, seen.proposal.chance) == (
        EffectVerdict.NOT_EFFECTIVE, Decimal("-20.0"), Chance.CHANCE,
    )  # fmt: skip
    assert (review.round, review.before_n, review.after_n) == (1, 10, 12)
    assert (action.status, action.round, action.review_on, action.carried_out_on) == (ActionStatus.OPEN, 2, None, None)
    assert (action.measure, action.measure_key, action.window_days) == (EffectMeasure.CAUSE, KEY, 90)
    with pytest.raises(MoveRefused, match="root cause"):
        actions.plan(session, action, at=instant(REVIEW), user_id=judge.id)


def test_a_review_keeps_its_figures_whatever_is_filed_later(make):
    session = make.session
    file(make, 24, BEFORE, cause=cause(session))
    action = carried_out(make)
    review = effectiveness.judge_effect(
        session, action, EffectVerdict.NOT_EFFECTIVE, "La ruta 4 sigue igual.", at=instant(REVIEW), user_id=make.user("Calidad").id
    )
    file(make, 9, AFTER, cause=cause(session))

    session.refresh(review)
    assert (review.after_n, review.proposed, review.verdict) == (0, EffectVerdict.EFFECTIVE, EffectVerdict.NOT_EFFECTIVE)


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_judges_before_the_window_after_is_over(make):
    action = carried_out(make)

    assert action.review_on == REVIEW
    assert effectiveness.compare(make.session, action, today=AFTER.last).proposal.verdict is None
    with pytest.raises(MoveRefused, match="2026-08-27"):
        effectiveness.judge_effect(
            make.session, action, EffectVerdict.EFFECTIVE, "Ya se ve.", at=instant(AFTER.last), user_id=make.user("Calidad").id
        )
    assert make.session.scalars(select(ActionReview)).all() == []


@pytest.mark.parametrize("who", ["responsible", "worker"])
def test_nobody_judges_their_own_work(make, who):
    person = make.user("Calidad", process="TECNICA")
    action = carried_out(make, **{who: person})

    with pytest.raises(MoveRefused, match="somebody else"):
        effectiveness.judge_effect(make.session, action, EffectVerdict.EFFECTIVE, "Sirvió.", at=instant(REVIEW), user_id=person.id)
    assert action.status is ActionStatus.REVIEW


@pytest.mark.parametrize("verdict", list(EffectVerdict), ids=lambda verdict: verdict.name)
def test_whoever_judges_second_finds_it_judged(make, verdict):
    action = carried_out(make)
    when = {"at": instant(REVIEW), "user_id": make.user("Calidad").id}
    effectiveness.judge_effect(make.session, action, verdict, "Así se vio.", **when)

    with pytest.raises(MoveRefused, match="not judged now"):
        effectiveness.judge_effect(make.session, action, EffectVerdict.EFFECTIVE, "Sirvió.", **when)
    assert len(make.session.scalars(select(ActionReview)).all()) == 1


def test_a_review_says_why(make):
    action = carried_out(make)

    with pytest.raises(DomainError, match="Write why"):
        effectiveness.judge_effect(make.session, action, EffectVerdict.EFFECTIVE, "  ", at=instant(REVIEW), user_id=None)


def test_a_measure_is_not_changed_once_its_plan_was_approved(make):
    action = carried_out(make)

    with pytest.raises(MoveRefused, match="no longer changes"):
        effectiveness.plan_effect(make.session, action, plan_of(goal=1), at=instant(REVIEW), user_id=None)
    assert action.goal == 30


def test_a_correction_has_no_effect_to_measure(make):
    action = asked(make, kind=ActionKind.CORRECTION)

    with pytest.raises(MoveRefused, match="correction"):
        effectiveness.plan_effect(make.session, action, plan_of(), at=instant(ASKED), user_id=None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"key": ""}, "measure_key"),
        ({"key": "ACUEDUCTO:9999"}, "measure_key"),
        ({"goal": None}, "goal"),
        ({"goal": 0}, "goal"),
        ({"goal": 101}, "goal"),
        ({"days": 6}, "window_days"),
        ({"days": 732}, "window_days"),
        ({"baseline_on": ASKED + timedelta(days=1)}, "baseline_on"),
    ],
)
def test_a_plan_that_could_not_be_measured_is_refused_beside_its_field(make, changed, field):
    action = asked(make)

    with pytest.raises(DomainError) as refused:
        effectiveness.plan_effect(make.session, action, plan_of(**changed), at=instant(ASKED), user_id=None)
    assert refused.value.field == field
    assert action.measure is None


# ── What each measure counts ──────────────────────────────────────────────────────────────────────────────────────────────


def test_cases_are_counted_with_the_rate_of_the_active_accounts(make):
    session = make.session
    service = session.scalars(select(Service).where(Service.code == "ACUEDUCTO")).one()
    other = session.scalars(select(Service).where(Service.code != "ACUEDUCTO")).first()
    for is_active in (True, True, True, True, False):
        make.account(service=service, is_active=is_active)
    make.account(service=other)
    file(make, 3, BEFORE, cause=cause(session))

    figure = effectiveness.measure(session, EffectMeasure.CAUSE, KEY, BEFORE, today=REVIEW)

    assert (figure.n, figure.of, figure.value, figure.per_thousand) == (3, 4, 3, 750)


def test_types_areas_and_processes_count_their_own_cases(make):
    session = make.session
    north, south = (make.account(municipality_code="08001", zone=zone) for zone in ("Norte", "Sur"))
    far = make.account(municipality_code="05001", zone="Norte")
    for account in (north, north, south, far):
        make.case(at=instant(BEFORE.first), account=account, request_type="QUEJA")
    moved = make.case(at=instant(BEFORE.last), account=north)
    cases.route(session, moved, make.process("TECNICA"), "Revisar", at=instant(BEFORE.last, 11), actor_id=None)
    cases.route(session, moved, make.process("FACTURACION"), "Es de ellos", at=instant(BEFORE.last, 12), actor_id=None)

    def n(by, key):
        return effectiveness.measure(session, by, key, BEFORE, today=REVIEW).n

    assert n(EffectMeasure.REQUEST_TYPE, "QUEJA") == 4
    assert [n(EffectMeasure.AREA, key) for key in ("08001", "08001:Norte", "08001:Sur", "05001")] == [4, 3, 1, 1]
    assert [n(EffectMeasure.PROCESS, code) for code in ("FACTURACION", "TECNICA")] == [1, 0]


def test_late_cases_are_a_share_of_those_due_in_the_window(make):
    session, desk = make.session, make.session.scalars(select(Process).where(Process.is_front_desk)).one()
    file(make, 4, Window(date(2026, 3, 2), date(2026, 3, 5)))
    window = Window(date(2026, 3, 1), date(2026, 3, 31))

    running = effectiveness.measure(session, EffectMeasure.LATE, desk.code, window, today=date(2026, 3, 6))
    late = effectiveness.measure(session, EffectMeasure.LATE, desk.code, window, today=date(2026, 4, 30))

    assert (running.n, running.of, running.value) == (0, 0, None)
    assert (late.n, late.of, late.value) == (4, 4, 100)


def test_a_question_is_the_mean_of_complete_answers_and_of_few_it_says_nothing(make):
    campaign = make.campaign(make.questionnaire("R10-EF"), at=instant(date(2026, 7, 1)))
    window = Window(date(2026, 7, 1), date(2026, 7, 31))
    for score in (5, 5, 4, 2):
        make.response(campaign, {"P1": str(score)}, at=instant(date(2026, 7, 9)))

    few = effectiveness.measure(make.session, EffectMeasure.SURVEY, "R10-EF:P1", window, today=REVIEW)
    make.response(campaign, {"P1": "4"}, at=instant(date(2026, 7, 10)))
    mean = effectiveness.measure(make.session, EffectMeasure.SURVEY, "R10-EF:P1", window, today=REVIEW)

    assert (few.of, few.value) == (4, None)
    assert (mean.n, mean.of, mean.value) == (20, 5, 4)


def test_an_indicator_that_is_typed_in_is_the_mean_of_its_periods_inside_the_window(make):
    session = make.session
    said = {"code": "IND-EF", "name": "Medida a mano", "formula": "A mano", "unit": "%", "direction": Direction.LESS}
    indicator = Indicator(**said, starts_on=date(2026, 1, 1))
    session.add(indicator)
    for month, value in ((3, 10), (4, 20), (5, 90)):
        last = date(2026, month + 1, 1) - timedelta(days=1)
        session.add(IndicatorValue(indicator=indicator, period_from=date(2026, month, 1), period_until=last, value=Decimal(value),
                                   standing=Standing.BAD))  # fmt: skip
    session.flush()

    figure = effectiveness.measure(session, EffectMeasure.INDICATOR, "IND-EF", Window(date(2026, 3, 1), date(2026, 5, 15)), today=REVIEW)

    assert (figure.value, figure.of) == (15, 2)


def test_an_indicator_that_the_system_reckons_is_reckoned_for_the_window(make):
    session, window = make.session, Window(date(2026, 3, 1), date(2026, 3, 31))
    file(make, 4, Window(date(2026, 3, 2), date(2026, 3, 5)))
    key = next(key for key in sorted(MEASURES) if indicators.measure(session, key, window.first, window.last).value is not None)
    said = {"code": "IND-EF", "name": "Lo que el sistema cuenta", "formula": "Casos", "unit": "casos", "measure": key}
    session.add(Indicator(**said, starts_on=date(2026, 1, 1)))
    session.flush()

    figure = effectiveness.measure(session, EffectMeasure.INDICATOR, "IND-EF", window, today=REVIEW)

    reading = indicators.measure(session, key, window.first, window.last)
    assert (figure.n, figure.of, figure.value) == (reading.numerator, reading.denominator, reading.value)


# ── What an origin suggests ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_action_of_a_case_is_measured_by_the_cause_of_the_case(make):
    with_cause, without = make.case(cause=cause(make.session)), make.case(request_type="QUEJA")

    def suggested(pqr):
        return effect_keys.suggested(make.session, asked(make, origin=ActionOrigin.PQR, key=pqr.number))

    assert suggested(with_cause) == (EffectMeasure.CAUSE, KEY)
    assert suggested(without) == (EffectMeasure.REQUEST_TYPE, "QUEJA")
    assert effect_keys.suggested(make.session, asked(make)) is None


def test_everything_offered_is_known_by_its_key(make):
    make.account(zone="Norte")
    make.questionnaire("R10-EF")

    for by in effect_keys.OFFERED:
        for key, text in effect_keys.offered(make.session, by):
            effect_keys.check_key(make.session, by, key)
            assert effect_keys.key_text(make.session, by, key) == text
    assert ("QUEJA", make.session.scalars(select(RequestType.name).where(RequestType.code == "QUEJA")).one()) in effect_keys.offered(
        make.session, EffectMeasure.REQUEST_TYPE
    )
    assert make.session.scalars(select(Action)).all() == []
