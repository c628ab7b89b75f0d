"""What each measure counts and leaves out, and the life of a value: drafted, reported, reckoned again, noted upon, missed twice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from app.domain.checklists import ChecklistStatus
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionStatus, EffectMeasure, EffectVerdict
from app.domain.indicators import Direction, Scale, Standing
from app.domain.states import NoticeMeans, NoticeResult, Outcome, PqrStatus, SilenceGround
from app.jobs import timetable
from app.models import ActionReview, IndicatorValue, Notice, Silence, SuiCause
from app.operations import indicators as operations
from app.operations import pqr as cases
from app.operations import reminders
from app.operations.improvement import Asked
from app.operations.indicator_measures import MEASURES
from app.operations.indicators import measure
from tests.factories import stop

JUNE = date(2026, 6, 1), date(2026, 6, 30)
AT = datetime(2026, 7, 2, 15, tzinfo=UTC)


def instant(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T10:00:00-05:00").astimezone(UTC)


def answered(pqr, on: str, outcome: Outcome = Outcome.DENIED):
    day = date.fromisoformat(on)
    pqr.status, pqr.answered_on, pqr.solved_on, pqr.outcome = PqrStatus.ANSWERED, day, day, outcome
    return pqr


def ended(pqr, status: PqrStatus, on: str):
    pqr.status, pqr.closed_on = status, date.fromisoformat(on)
    return pqr


def figures(reading):
    return reading.numerator, reading.denominator, reading.value, reading.n_excluded


# ── What is counted ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", MEASURES)
def test_where_there_is_nothing_no_share_is_claimed_and_a_count_is_zero(seeded, make, key):
    for process_id in (None, make.process("CALIDAD").id):
        found = measure(seeded, key, *JUNE, process_id=process_id)

        assert found.n_excluded == 0
        if MEASURES[key].scale is Scale.COUNT:
            assert (found.value, found.denominator) == (0, None)
        else:
            assert (found.value, found.denominator) == (None, 0)


def test_an_unknown_measure_is_refused(seeded):
    with pytest.raises(DomainError, match="no measure"):
        measure(seeded, "magia", *JUNE)


def test_cases_in_time_are_out_of_those_answered_or_due_and_nobody_owes_the_ended_ones(seeded, a_case):
    for _n in range(4):
        answered(a_case(at=instant("2026-06-02")), "2026-06-12")
    answered(a_case(at=instant("2026-06-02")), "2026-06-30")  # due on 24 June
    a_case(at=instant("2026-06-02"))  # due, and open
    answered(a_case(at=instant("2026-06-20")), "2026-06-25")  # due in July
    a_case(at=instant("2026-06-25"))  # due in July, and open: neither yet
    ended(a_case(at=instant("2026-06-02")), PqrStatus.VOIDED, "2026-06-03")
    ended(a_case(at=instant("2026-06-02")), PqrStatus.TRANSFERRED, "2026-06-05")
    seeded.flush()

    assert figures(measure(seeded, "oportunidad", *JUNE)) == (5, 7, Decimal("71.4286"), 2)


def test_a_process_counts_what_it_answered_for(seeded, make, a_case):
    desk = answered(a_case(at=instant("2026-06-02")), "2026-06-12").process_id
    seeded.flush()

    assert measure(seeded, "oportunidad", *JUNE, process_id=desk).denominator == 1
    assert measure(seeded, "oportunidad", *JUNE, process_id=make.process("CALIDAD").id).value is None


def test_the_time_to_answer_leaves_out_lawful_stops_and_tells_the_median_and_the_ninetieth(seeded, a_case, make):
    for on in ("2026-06-03", "2026-06-04", "2026-06-05"):  # 1, 2 and 3 business days
        answered(a_case(at=instant("2026-06-02")), on)
    stopped = a_case(at=instant("2026-06-02"))
    cases.route(seeded, stopped, make.process("TECNICA"), "Probar", at=instant("2026-06-03"), actor_id=None)
    stop(seeded, stopped, "Prueba", "Auto 1", at=instant("2026-06-04"))
    stopped.status, stopped.answered_on, stopped.outcome = PqrStatus.ANSWERED, date(2026, 6, 19), Outcome.GRANTED
    stopped.due_on = stopped.safe_on = date(2026, 7, 1)
    seeded.flush()

    found = measure(seeded, "tiempo_promedio", *JUNE)

    # after the 4th the clock stood still: 2 days
    assert (found.numerator, found.denominator, found.value) == (8, 4, Decimal(2))
    assert (found.median, found.p90) == (2, 3)


def test_what_was_open_and_past_due_at_the_end_of_the_period_counts_whatever_came_later(seeded, a_case):
    a_case(at=instant("2026-06-02"))
    answered(a_case(at=instant("2026-06-02")), "2026-07-01")
    answered(a_case(at=instant("2026-06-02")), "2026-06-29")
    ended(a_case(at=instant("2026-06-02")), PqrStatus.TRANSFERRED, "2026-07-01")
    a_case(at=instant("2026-06-20"))
    seeded.flush()

    assert figures(measure(seeded, "pendientes_vencidas", *JUNE)) == (3, None, 3, 0)
    assert measure(seeded, "pendientes_vencidas", date(2026, 5, 1), date(2026, 5, 31)).value == 0


def test_claims_upheld_appeals_and_information_are_counted_by_their_type(seeded, a_case):
    for outcome in (Outcome.GRANTED, Outcome.PARTLY, Outcome.DENIED, Outcome.DENIED):
        answered(a_case(at=instant("2026-06-02")), "2026-06-12", outcome)
    asked = [a_case(at=instant("2026-06-02"), request_type="INFORMACION") for _n in range(4)]
    answered(asked[0], "2026-06-05", Outcome.DENIED)
    answered(asked[1], "2026-06-05", Outcome.GRANTED)
    ended(asked[2], PqrStatus.TRANSFERRED, "2026-06-04")
    ended(asked[3], PqrStatus.VOIDED, "2026-06-04")
    seeded.flush()

    assert figures(measure(seeded, "procedencia", *JUNE)) == (2, 4, 50, 0)
    assert figures(measure(seeded, "ley1712_recibidas", *JUNE)) == (3, None, 3, 1)
    assert measure(seeded, "ley1712_trasladadas", *JUNE).value == 1
    assert measure(seeded, "ley1712_negadas", *JUNE).value == 1
    assert figures(measure(seeded, "ley1712_tiempo", *JUNE)) == (6, 2, 3, 0)


def test_cases_for_each_thousand_count_active_accounts(seeded, a_case, an_account):
    for _n in range(4):
        an_account()
    an_account(is_active=False)
    a_case(at=instant("2026-06-02"))
    ended(a_case(at=instant("2026-06-02")), PqrStatus.VOIDED, "2026-06-03")
    seeded.flush()

    found = measure(seeded, "pqr_por_mil", *JUNE)

    assert (found.numerator, found.n_excluded) == (1, 1)
    assert found.value == (Decimal(1000) / found.denominator).quantize(Decimal("0.0001"))
    assert found.denominator >= 4


def test_a_case_is_recurrent_after_another_of_its_account_and_cause_within_a_year(seeded, a_case, an_account):
    account, other = an_account(), an_account()
    cause, another = seeded.scalars(select(SuiCause).order_by(SuiCause.id).limit(2)).all()

    def filed(on, of=account, by=cause):
        pqr = a_case(at=instant(on), account=of)
        pqr.cause = by
        return pqr

    filed("2025-06-04")
    filed("2026-06-03")  # 364 days later
    filed("2026-06-03", by=another)
    filed("2026-06-03", of=other)
    filed("2026-06-10", by=None)
    a_case(at=instant("2026-06-10"))
    seeded.flush()

    assert figures(measure(seeded, "recurrencia", *JUNE)) == (1, 3, Decimal("33.3333"), 2)


def test_silences_are_counted_by_the_day_they_arose_and_judged_by_their_seventy_two_hours(seeded, a_case):
    ground = next(iter(SilenceGround))
    for day in (10, 11):
        seeded.add(Silence(pqr=a_case(at=instant("2026-05-02")), ground=ground, arisen_on=date(2026, 6, day),
                           recognise_by=date(2026, 6, 15)))  # fmt: skip
    seeded.add(Silence(pqr=a_case(at=instant("2026-05-02")), ground=ground, arisen_on=date(2026, 6, 12),
                       recognise_by=date(2026, 6, 17), withdrawn_on=date(2026, 6, 13), withdrawn_reason="Calendario"))  # fmt: skip
    seeded.flush()

    assert figures(measure(seeded, "sap", *JUNE)) == (2, None, 2, 1)
    assert figures(measure(seeded, "sap_72h", *JUNE)) == (0, 2, 0, 1)


def test_surveys_count_answers_one_by_one_and_leave_out_what_does_not_apply(seeded, make):
    campaign = make.campaign(at=instant("2026-06-02"))
    make.response(campaign, at=instant("2026-06-05"))  # 4, matrix 4 and 5, NPS 9
    make.response(campaign, {"P1": "1", "P2.agua": "2", "P3": "3"}, at=instant("2026-06-06"))
    make.response(campaign, {"P1": "na", "P3": "8"}, at=instant("2026-06-07"))
    make.response(campaign, at=instant("2026-06-30")).answered_on = date(2026, 7, 1)
    seeded.flush()

    assert figures(measure(seeded, "csat", *JUNE)) == (6, 8, 75, 1)
    assert figures(measure(seeded, "nps", *JUNE)) == (0, 3, 0, 0)
    assert measure(seeded, "csat", *JUNE, process_id=make.process("TECNICA").id).value is None


def test_reviews_found_effective_are_out_of_all_reviews(seeded, make):
    for n, verdict in enumerate((EffectVerdict.EFFECTIVE, EffectVerdict.NOT_EFFECTIVE, EffectVerdict.EFFECTIVE)):
        action = make.planned_action()
        seeded.add(ActionReview(
            action=action, round=1, measure=EffectMeasure.JUDGED, before_from=date(2026, 1, 1), before_until=date(2026, 1, 31),
            after_from=date(2026, 3, 1), after_until=date(2026, 3, 31), verdict=verdict, reason="Se vio", reviewed_on=date(2026, 6, 5 + n),
        ))  # fmt: skip
    seeded.flush()

    assert figures(measure(seeded, "eficacia_acciones", *JUNE)) == (2, 3, Decimal("66.6667"), 0)
    assert measure(seeded, "eficacia_acciones", date(2026, 7, 1), date(2026, 7, 31)).value is None


def test_a_contract_of_the_year_owes_no_verification_yet_and_an_approved_one_counts(seeded, make, a_user):
    user, year = a_user("Calidad"), (date(2026, 1, 1), date(2026, 12, 31))
    make.contract()  # since February 2025, not verified
    verified = make.checklist(make.contract(), at=instant("2026-02-02"))
    make.contract(starts_on=date(2026, 3, 1))
    make.contract(starts_on=date(2025, 2, 1), ends_on=date(2025, 12, 31))
    assert figures(measure(seeded, "contratos", *year)) == (0, 2, 0, 1)

    verified.n_met, verified.signed_at, verified.signed_by_id = verified.n_items, AT, user.id
    verified.status, verified.approved_at, verified.approved_by_id = ChecklistStatus.CLOSED, AT, user.id
    seeded.flush()

    assert figures(measure(seeded, "contratos", *year)) == (1, 2, 50, 1)


def test_a_summons_is_in_time_within_its_days_and_what_needed_none_is_left_out(seeded, a_case):
    def notified(means, *, answered_on="2026-06-05", **columns):  # its five working days end on the 16th: the 8th and the 15th are holidays
        case = answered(a_case(at=instant("2026-05-22")), answered_on)
        sent = columns.pop("sent_on", None)
        seeded.add(Notice(pqr=case, means=means, sent_at=instant(f"{sent or date(2026, 6, 9)}"), sent_on=sent, **columns))

    by = {"appear_by": date(2026, 6, 25)}
    notified(NoticeMeans.SUMMONS, sent_on=date(2026, 6, 16), **by)
    notified(NoticeMeans.SUMMONS, **by)  # nobody told the day: that of its record
    notified(NoticeMeans.SUMMONS, sent_on=date(2026, 6, 17), **by)
    answered(a_case(at=instant("2026-05-22")), "2026-06-05")
    notified(NoticeMeans.IN_PERSON, served_on=date(2026, 6, 10), proof="Cédula", result=NoticeResult.APPEARED)
    notified(NoticeMeans.SUMMONS, answered_on="2026-06-26", **by)  # its days end in July
    seeded.flush()

    assert figures(measure(seeded, "notificacion_oportuna", *JUNE)) == (2, 4, 50, 1)


# ── The life of a value ───────────────────────────────────────────────────────────────────────────────────────────────────


def good_june(seeded, a_case):
    """Two cases of June, one in time: 50 %."""
    answered(a_case(at=instant("2026-06-02")), "2026-06-12")
    late = answered(a_case(at=instant("2026-06-02")), "2026-06-30")
    seeded.flush()
    return late


def test_the_night_drafts_each_period_that_ended_once(seeded, make, a_case):
    good_june(seeded, a_case)
    indicator = make.indicator()

    assert operations.reckon(seeded, indicator, at=AT) == (6, 0)
    assert operations.reckon(seeded, indicator, at=AT) == (0, 0)

    values = operations.values_of(seeded, indicator.id)
    assert [value.standing for value in values] == [Standing.BAD, *[Standing.EMPTY] * 5]
    assert (values[0].value, values[0].goal, values[0].reported_at) == (50, 95, None)
    assert operations.latest(seeded, indicator, until=date(2026, 5, 31)).value is None


def test_a_reported_value_stays_and_a_later_reckoning_stands_beside_it(seeded, make, a_case, a_user):
    late, indicator, user = good_june(seeded, a_case), make.indicator(), a_user("Calidad")
    value = operations.draft(seeded, indicator, *JUNE, at=AT)
    with pytest.raises(DomainError, match="analysis"):
        operations.report(seeded, value, " ", at=AT, user_id=user.id)
    operations.report(seeded, value, "Un caso salió tarde", at=AT, user_id=user.id)
    ended(late, PqrStatus.VOIDED, "2026-07-05")
    late.answered_on = late.outcome = None
    seeded.flush()

    assert operations.reckon(seeded, indicator, at=instant("2026-07-06"))[1] == 1
    assert operations.reckon(seeded, indicator, at=instant("2026-07-09"))[1] == 1

    assert (value.value, value.later_value, value.differs_since) == (50, 100, date(2026, 7, 6))
    with pytest.raises(MoveRefused):
        operations.draft(seeded, indicator, *JUNE, at=AT)
    with pytest.raises(MoveRefused):
        operations.report(seeded, value, "Otra vez", at=AT, user_id=user.id)
    with pytest.raises(MoveRefused):
        operations.analyse(seeded, value, "Otra cosa")


def test_a_correction_is_written_beside_a_report_and_never_changed(seeded, make, a_case, a_user):
    good_june(seeded, a_case)
    indicator, user = make.indicator(), a_user("Calidad")
    value = operations.draft(seeded, indicator, *JUNE, at=AT)
    with pytest.raises(MoveRefused, match="draft"):
        operations.note(seeded, value, "Error", Decimal(60), at=AT, user_id=user.id)
    operations.report(seeded, value, "Tarde", at=AT, user_id=user.id)
    for reason, right in (("  ", Decimal(60)), ("Igual", Decimal(50))):
        with pytest.raises(DomainError):
            operations.note(seeded, value, reason, right, at=AT, user_id=user.id)

    note = operations.note(seeded, value, "Faltaba un caso", Decimal(60), at=AT, user_id=user.id)

    assert operations.notes_of(seeded, [value.id]) == {value.id: [note]}
    assert value.value == 50
    note.reason = "Otra"
    with pytest.raises(RuntimeError, match="never changed"):
        seeded.flush()


REPORTED = "UPDATE indicator_value SET {} WHERE id = :id"


@pytest.mark.parametrize("change", ["value = 99", "numerator = 9", "denominator = 9", "goal = 1", "analysis = 'x'", "reported_at = NULL"])
def test_the_database_keeps_what_was_reported(seeded, make, a_case, a_user, change):
    good_june(seeded, a_case)
    value = operations.draft(seeded, make.indicator(), *JUNE, at=AT)
    operations.report(seeded, value, "Tarde", at=AT, user_id=a_user("Calidad").id)

    with pytest.raises(DatabaseError, match="frozen: indicator_value"), seeded.begin_nested():
        seeded.execute(text(REPORTED.format(change)), {"id": value.id})


def test_the_database_takes_no_value_over_a_zero_denominator(seeded, make):
    indicator = make.indicator("")

    with pytest.raises(DatabaseError, match="nothing_divided_by_zero"), seeded.begin_nested():
        seeded.add(IndicatorValue(indicator=indicator, period_from=JUNE[0], period_until=JUNE[1], numerator=Decimal(3),
                                  denominator=Decimal(0), value=Decimal(100), standing=Standing.GOOD))  # fmt: skip
        seeded.flush()


def test_what_is_typed_in_is_a_draft_until_it_is_reported(seeded, make):
    indicator = make.indicator("")
    assert operations.reckon(seeded, indicator, at=AT) == (6, 0)
    with pytest.raises(DomainError) as refusal:
        operations.type_in(seeded, indicator, *JUNE, Decimal(3), Decimal(0), at=AT)
    assert refusal.value.field == "denominator"

    value = operations.type_in(seeded, indicator, *JUNE, Decimal(19), Decimal(20), at=AT)
    assert operations.reckon(seeded, indicator, at=AT) == (0, 0)

    assert (value.value, value.standing) == (95, Standing.GOOD)
    assert operations.type_in(seeded, indicator, *JUNE, None, None, at=AT).standing is Standing.EMPTY
    with pytest.raises(DomainError, match="period ends on"):
        operations.type_in(seeded, indicator, date(2026, 7, 1), date(2026, 7, 31), Decimal(1), Decimal(2), at=AT)
    with pytest.raises(DomainError, match="Nobody types it in"):
        operations.type_in(seeded, make.indicator(), *JUNE, Decimal(1), Decimal(2), at=AT)


def test_a_sheet_keeps_its_periods_once_somebody_worked_on_a_value(seeded, make, a_case):
    indicator = make.indicator(goal=None, fair=None)
    operations.reckon(seeded, indicator, at=AT)
    indicator.months = 3
    with seeded.no_autoflush:
        operations.check_periods(seeded, indicator)
    seeded.flush()
    assert operations.values_of(seeded, indicator.id) == []

    operations.reckon(seeded, indicator, at=AT)
    operations.analyse(seeded, operations.latest(seeded, indicator), "Sin casos")
    indicator.months = 1
    with pytest.raises(DomainError) as refusal, seeded.no_autoflush:
        operations.check_periods(seeded, indicator)
    assert refusal.value.field == "months"


# ── Two misses ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def typed(seeded, indicator, *percents):
    """Type one value a month from January on; None says nothing was measured."""
    for month, percent in enumerate(percents, 1):
        first, last = operations.period_at(indicator.starts_on, 1, date(2026, month, 1))
        numbers = (None, None) if percent is None else (Decimal(percent), Decimal(100))
        operations.type_in(seeded, indicator, first, last, *numbers, at=AT)


def asking(seeded, indicator):
    """Return the months that ask for an action, as the page and as the reminders find them; they agree."""
    on_page = operations.ask_for(operations.values_of(seeded, indicator.id))
    statement = operations.asking().add_columns(IndicatorValue.id).where(IndicatorValue.indicator_id == indicator.id)
    assert seeded.scalars(statement).all() == ([on_page.id] if on_page else [])
    return on_page and on_page.period_from.month


@pytest.mark.parametrize(
    ("percents", "month"),
    [((50, 60), 2), ((50, None, 60), 3), ((50, 60, None), 2), ((50, 92, 60), None), ((50, 60, 96), None), ((50,), None), ((), None)],
)
def test_two_misses_in_a_row_ask_for_an_action(seeded, make, percents, month):
    indicator = make.indicator("")
    typed(seeded, indicator, *percents)

    assert asking(seeded, indicator) == month


def test_an_action_answers_for_the_misses_while_it_is_under_way(seeded, make, a_user):
    indicator, user = make.indicator(""), a_user("Calidad")
    typed(seeded, indicator, 50, 60)
    february = operations.ask_for(operations.values_of(seeded, indicator.id))
    asked = Asked("Responder antes", "", ActionKind.CORRECTIVE, indicator.process_id, date(2026, 9, 1))

    action = operations.ask_action(seeded, february, asked, at=AT, user_id=user.id)
    typed(seeded, indicator, 50, 60, 55)

    assert (action.origin_key, action.origin_path) == (indicator.code, f"/indicator/show/{indicator.id}")
    assert asking(seeded, indicator) is None
    with pytest.raises(MoveRefused):
        operations.decline_action(seeded, february, "Ya no")
    action.status, action.ended_on, action.result = ActionStatus.CANCELLED, date(2026, 7, 2), "Repetida"
    seeded.flush()
    assert asking(seeded, indicator) == 3


def test_a_reason_why_no_action_is_needed_holds_until_the_next_miss(seeded, make):
    indicator = make.indicator("")
    typed(seeded, indicator, 50, 60)
    february = operations.ask_for(operations.values_of(seeded, indicator.id))
    with pytest.raises(DomainError):
        operations.decline_action(seeded, february, " ")

    operations.decline_action(seeded, february, "La obra terminó en marzo")
    assert asking(seeded, indicator) is None

    typed(seeded, indicator, 50, 60, 55)
    assert asking(seeded, indicator) == 3


def test_people_are_told_of_two_misses_and_of_values_that_nobody_reported(seeded, make, a_user):
    indicator, house = make.indicator(""), reminders.House(date(2026, 7, 2), None, (), 5)
    typed(seeded, indicator, 50, 60)

    def told(name):
        source = reminders.SOURCES[name]
        rows = [row for row in seeded.execute(source.rows(house)) if row.key.startswith(f"{indicator.code} ")]
        return {row.key.split()[-1]: source.term(row, house).due_on for row in rows}

    assert told("INDICATOR") == {"2026-02-01": date(2026, 3, 15)}
    assert told("INDICATOR_REPORT") == {"2026-01-01": date(2026, 2, 15), "2026-02-01": date(2026, 3, 15)}
    operations.decline_action(seeded, operations.latest(seeded, indicator), "La obra terminó")
    operations.report(seeded, operations.latest(seeded, indicator), "Obra", at=AT, user_id=a_user("Calidad").id)
    assert told("INDICATOR") == {} and set(told("INDICATOR_REPORT")) == {"2026-01-01"}


def test_an_indicator_that_cannot_be_reckoned_holds_up_no_other(seeded, make):
    broken, sound = make.indicator(), make.indicator()
    broken.measure = "no-such"
    seeded.flush()

    timetable._reckon_indicators(seeded, AT)

    assert operations.values_of(seeded, broken.id) == []
    assert len(operations.values_of(seeded, sound.id)) == 6


def test_the_board_has_every_indicator_with_its_newest_values_in_two_statements(seeded, make, count_statements):
    for _n in range(3):
        typed(seeded, make.indicator("", direction=Direction.MORE), 50, 60, 70)
    seeded.expire_all()

    with count_statements() as statements:
        found = operations.board(seeded, 2)

    assert len(statements) == 2
    assert [[value.value for value in values] for indicator, values in found if indicator.code.startswith("PRUEBA")] == [[70, 60]] * 3
