"""A case from filing to its end: number, clock, ledger, history, and what each move refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app.domain import states
from app.domain.deadlines import ClockEventKind
from app.domain.errors import CalendarGap, IllegalMove, MoveRefused, TermMissing
from app.domain.states import Move, NoticeMeans, Outcome, PqrStatus
from app.models import Assignment, CalendarDay, CalendarYear, CaseEvent, LegalTerm, Pqr, Process
from app.operations import notices
from app.operations import pqr as operations


def instant(day: str, hour: int = 10) -> datetime:
    """Return *hour* o'clock in Bogotá (UTC-5) on *day*."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def process(session, *, desk=False):
    return session.scalars(select(Process).where(Process.is_front_desk.is_(desk)).order_by(Process.id)).first()


def routed(session, a_case, on="2026-07-10", **fields):
    pqr = a_case(at=instant(on), **fields)
    operations.route(session, pqr, process(session), "Revisar el consumo", at=instant(on, 11), actor_id=None)
    return pqr


# ── Filing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_filed_before_the_new_july_holiday_is_due_on_the_fourth_of_august(seeded, a_case):
    pqr = a_case(at=instant("2026-07-10"))

    assert (pqr.filed_on, pqr.effective_on, pqr.due_on, pqr.safe_on) == (
        date(2026, 7, 10),
        date(2026, 7, 10),
        date(2026, 8, 4),
        date(2026, 8, 3),
    )


def test_what_arrives_at_eleven_at_night_utc_is_filed_on_the_colombian_day(seeded, a_case):
    pqr = a_case(at=datetime(2026, 7, 11, 3, 0, tzinfo=UTC))

    assert pqr.filed_on == date(2026, 7, 10)


def test_a_filing_starts_at_the_front_desk_with_its_history(seeded, a_case):
    pqr = a_case()

    assert [event.move for event in pqr.events] == [Move.FILE]
    assert [(line.process.is_front_desk, line.out_on) for line in pqr.assignments] == [(True, None)]


def test_the_same_form_sent_twice_is_the_same_case(seeded, a_case):
    first = a_case(submission="form-1")
    second = a_case(submission="form-1")

    assert first.id == second.id
    assert seeded.scalars(select(Pqr.number)).all() == [first.number]


def test_a_term_that_nobody_loaded_is_an_error_that_names_it(seeded, a_case):
    for term in seeded.scalars(select(LegalTerm).where(LegalTerm.request_type == "RECLAMO")):
        seeded.delete(term)
    seeded.flush()
    seeded.info.clear()

    with pytest.raises(TermMissing, match="RECLAMO"):
        a_case()
    assert seeded.scalars(select(Pqr)).all() == []


def test_a_year_without_holidays_refuses_the_filing(seeded, a_case):
    seeded.query(CalendarDay).filter(CalendarDay.year == 2027).delete()
    seeded.query(CalendarYear).filter(CalendarYear.year == 2027).delete()
    seeded.info.clear()

    with pytest.raises(CalendarGap, match="2027"):
        a_case(at=instant("2026-12-29"))


# ── The clock stops only lawfully ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_stop_names_its_act(seeded, a_case):
    pqr = routed(seeded, a_case)
    stop = {"clock": ClockEventKind.STOPPED, "reason": "Falta la factura", "at": instant("2026-07-16"), "actor_id": None}

    with pytest.raises(MoveRefused, match="Only an act stops the legal clock"):
        operations.make_move(seeded, pqr, Move.ORDER_EVIDENCE, **stop)
    assert (pqr.status, pqr.due_on) == (PqrStatus.ROUTED, date(2026, 8, 4))


def test_a_return_to_the_desk_never_moves_the_date(seeded, a_case):
    pqr = routed(seeded, a_case)
    before = pqr.due_on
    operations.return_to_desk(seeded, pqr, "No es de este proceso", at=instant("2026-07-15"), actor_id=None)

    assert pqr.due_on == before
    assert [line.process.is_front_desk for line in pqr.assignments] == [True, False, True]


# ── Moves, ledger and history ─────────────────────────────────────────────────────────────────────────────────────────────


def test_exactly_one_line_of_the_ledger_is_open_until_the_end(seeded, a_case):
    pqr = routed(seeded, a_case)
    operations.make_move(seeded, pqr, Move.TRANSFER, reason="No es competencia", at=instant("2026-07-14"), actor_id=None)

    assert seeded.scalars(select(Assignment).where(Assignment.pqr_id == pqr.id, Assignment.out_at.is_(None))).all() == []
    assert pqr.closed_on == date(2026, 7, 14)


def test_an_act_cannot_be_dated_before_the_last_one_nor_in_the_future(seeded, a_case):
    pqr = routed(seeded, a_case, on="2026-07-14")
    back = {"reason": "No es de este proceso", "actor_id": None}

    with pytest.raises(MoveRefused, match="earlier"):
        operations.make_move(seeded, pqr, Move.RETURN_TO_DESK, at=instant("2026-07-16"), on=date(2026, 7, 13), **back)
    with pytest.raises(MoveRefused, match="future"):
        operations.make_move(seeded, pqr, Move.RETURN_TO_DESK, at=instant("2026-07-16"), on=date(2026, 7, 17), **back)


def test_an_impossible_move_changes_nothing_and_names_the_possible_ones(seeded, a_case):
    pqr = a_case()

    with pytest.raises(IllegalMove) as refused:
        operations.close(seeded, pqr, at=instant("2026-07-14"), actor_id=None)

    assert states.Move.ROUTE.value in refused.value.fields["possible"]
    assert pqr.status is PqrStatus.RECEIVED
    assert len(seeded.scalars(select(CaseEvent).where(CaseEvent.pqr_id == pqr.id)).all()) == 1


def test_routing_to_where_it_already_is_is_refused(seeded, a_case):
    pqr = routed(seeded, a_case)

    with pytest.raises(MoveRefused, match="already"):
        operations.route(seeded, pqr, process(seeded), "Otra vez", at=instant("2026-07-13"), actor_id=None)


# ── Answer, notice, end ───────────────────────────────────────────────────────────────────────────────────────────────────


def answered(session, a_case, a_user, on="2026-07-22", **fields):
    from app import documents
    from app.operations import answers

    pqr = routed(session, a_case, **fields)
    operations.solve(session, pqr, "Se revisó el medidor: fuga interna.", Outcome.DENIED, at=instant(on), actor_id=None)
    answers.save_draft(session, pqr, "Señora usuaria: revisamos el medidor.", None)
    documents.issue_answer(session, pqr, a_user("Subgerente administrativo y comercial"), instant(on, 15))
    return pqr


def test_an_issued_answer_returns_the_case_to_the_desk_to_be_notified(seeded, a_case, a_user):
    pqr = answered(seeded, a_case, a_user)

    assert (pqr.status, pqr.answered_on, pqr.notified_on) == (PqrStatus.ANSWERED, date(2026, 7, 22), None)
    assert pqr.process.is_front_desk
    assert pqr.answer.number == "RES-2026-000001"


def test_a_notice_in_person_needs_proof_and_starts_the_days_to_appeal(seeded, a_case, a_user):
    pqr = answered(seeded, a_case, a_user)
    how = {"at": instant("2026-07-24"), "actor_id": None, "served_on": date(2026, 7, 24)}

    with pytest.raises(MoveRefused, match="proof"):
        notices.record_notice(seeded, pqr, proof=" ", **how)
    notices.record_notice(seeded, pqr, proof="Recibió Ana Torres, CC 123", **how)

    assert (pqr.status, pqr.notified_on, pqr.appeal_until) == (PqrStatus.NOTIFIED, date(2026, 7, 24), date(2026, 7, 31))


def test_a_case_closes_after_the_days_to_appeal_or_with_the_waiver(seeded, a_case, a_user):
    pqr = answered(seeded, a_case, a_user)
    notices.record_notice(seeded, pqr, proof="Recibió", at=instant("2026-07-24"), actor_id=None, served_on=date(2026, 7, 24))

    with pytest.raises(MoveRefused, match="waived"):
        operations.close(seeded, pqr, at=instant("2026-07-31"), actor_id=None)
    operations.close(seeded, pqr, at=instant("2026-08-03"), actor_id=None)
    assert (pqr.status, pqr.closed_on) == (PqrStatus.CLOSED, date(2026, 8, 3))


def test_an_e_notice_is_served_when_it_is_opened_and_only_once(seeded, a_case, a_user):
    pqr = answered(seeded, a_case, a_user, is_e_notice=True, notice_email="ana@example.com")
    notice = notices.start_e_notice(seeded, pqr, at=instant("2026-07-22", 16))
    assert (pqr.status, notice.means, notice.served_on) == (PqrStatus.ANSWERED, NoticeMeans.E_LINK, None)

    notices.serve_e_notice(seeded, notice, at=instant("2026-07-25", 20), address="203.0.113.9")
    notices.serve_e_notice(seeded, notice, at=instant("2026-07-28"), address="203.0.113.7")

    assert (pqr.status, pqr.notified_on, notice.opened_from) == (PqrStatus.NOTIFIED, date(2026, 7, 25), "203.0.113.9")
    assert pqr.appeal_until == date(2026, 7, 31)  # the 25th is a Saturday: five working days after it


def test_without_consent_there_is_no_e_notice(seeded, a_case, a_user):
    pqr = answered(seeded, a_case, a_user)

    with pytest.raises(MoveRefused, match="did not accept"):
        notices.start_e_notice(seeded, pqr, at=instant("2026-07-22", 16))


def test_a_new_type_looks_its_term_up_again_for_the_filing_date(seeded, a_case):
    from app.models import RequestType

    pqr = routed(seeded, a_case)
    habeas = seeded.scalars(select(RequestType).where(RequestType.code == "HABEAS_DATA_CONSULTA")).one()
    operations.reclassify(seeded, pqr, habeas, pqr.service)

    assert (pqr.term_value, pqr.due_on) == (10, date(2026, 7, 28))
