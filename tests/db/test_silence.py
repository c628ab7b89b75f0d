"""The positive silence (Ley 142 art. 158): when it arises, how it is recognised and withdrawn, and which answers run the risk of one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app import queries
from app.domain.deadlines import Regime
from app.domain.errors import DomainError, IllegalMove, MoveRefused
from app.domain.notices import terms_of
from app.domain.silence import arisen, risk_days
from app.domain.states import DayException, DocumentKind, Identity, Move, NoticeMeans, Outcome, PqrStatus, SilenceGround
from app.models import CaseEvent, Document, Notice, Pqr, Process, RequestType, Silence
from app.operations import calendar, notices, silence
from app.operations import pqr as operations
from app.operations.calendar import CalendarEdit, OffDay
from app.verbs import VERBS

DUE = date(2026, 8, 4)  # of what was filed on Friday 10 July 2026: 13 and 20 July are holidays


def instant(day: str, hour: int = 10) -> datetime:
    """Return *hour* o'clock in Bogotá (UTC-5) on *day*."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def process(session) -> Process:
    return session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()


def routed(session, a_case, on: str = "2026-07-10", **fields) -> Pqr:
    pqr = a_case(at=instant(on), **fields)
    operations.route(session, pqr, process(session), "Revisar el consumo", at=instant(on, 11), actor_id=None)
    return pqr


def answered(session, pqr: Pqr, on: str, outcome: Outcome = Outcome.DENIED) -> Pqr:
    operations.solve(session, pqr, "Se revisó", outcome, at=instant(on, 10), actor_id=None)
    operations.mark_answered(session, pqr, at=instant(on, 11), actor_id=None)
    return pqr


def night_of(session, day: str) -> int:
    """Do what the night before *day* does, ten past midnight."""
    return silence.keep_up(session, instant(day, 0))


def of(session, pqr: Pqr) -> list[Silence]:
    return session.scalars(select(Silence).where(Silence.pqr_id == pqr.id).order_by(Silence.id)).all()


def history(session, pqr: Pqr) -> list[Move]:
    return session.scalars(select(CaseEvent.move).where(CaseEvent.pqr_id == pqr.id).order_by(CaseEvent.id)).all()


def recognise(session, pqr: Pqr, day: str, user, grants: str = "Se reliquida la factura de junio.", **more):
    said = {"grants": grants, "order_id": None, "change_id": None, **more}
    VERBS[Move.RECOGNISE].run(session, pqr, said, {"at": instant(day), "actor_id": user.id})


# ── It arises ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("due", "on", "by"),
    [
        ("2026-08-04", "2026-08-05", "2026-08-07"),  # a holiday: 72 hours run on any day
        ("2026-04-01", "2026-04-02", "2026-04-04"),  # over Holy Thursday, Good Friday and Saturday
        ("2026-12-30", "2026-12-31", "2027-01-02"),  # over the end of the year
        ("2026-07-17", "2026-07-18", "2026-07-20"),  # from a Friday to a holiday Monday
    ],
)
def test_the_hours_to_recognise_run_from_the_end_of_the_term_on_any_day(seeded, due, on, by):
    found = arisen(date.fromisoformat(due), queries.term_rules(seeded), queries.calendar_of(seeded, queries.organisation(seeded)))

    assert (found.on, found.recognise_by) == (date.fromisoformat(on), date.fromisoformat(by))


def test_it_arises_by_itself_the_day_after_the_term_and_once(seeded, a_case):
    pqr = routed(seeded, a_case)

    assert night_of(seeded, "2026-08-04") == 0  # its last day
    assert night_of(seeded, "2026-08-05") == 1
    assert night_of(seeded, "2026-08-05") == night_of(seeded, "2026-08-09") == 0
    row = of(seeded, pqr)[0]
    assert (row.ground, row.arisen_on, row.recognise_by) == (SilenceGround.TERM, date(2026, 8, 5), date(2026, 8, 7))
    assert (pqr.status, history(seeded, pqr)) == (PqrStatus.ROUTED, [Move.FILE, Move.ROUTE, Move.SILENCE])
    assert pqr.silence is row


def test_nights_that_were_missed_change_no_date_of_it(seeded, a_case):
    pqr = routed(seeded, a_case)

    night_of(seeded, "2026-08-20")

    assert (of(seeded, pqr)[0].arisen_on, of(seeded, pqr)[0].recognise_by) == (date(2026, 8, 5), date(2026, 8, 7))
    event = seeded.scalars(select(CaseEvent).where(CaseEvent.pqr_id == pqr.id, CaseEvent.move == Move.SILENCE)).one()
    assert event.on == date(2026, 8, 5)


def test_a_backlog_is_written_over_some_nights_the_newest_first(seeded, a_case, monkeypatch):
    monkeypatch.setattr(silence, "MOST", 1)
    old, new = routed(seeded, a_case, "2026-07-08"), routed(seeded, a_case, "2026-07-10")

    assert night_of(seeded, "2026-08-05") == 1
    assert (of(seeded, old), len(of(seeded, new))) == ([], 1)
    assert night_of(seeded, "2026-08-06") == 1
    assert len(of(seeded, old)) == 1


def test_an_answer_after_the_term_does_not_undo_it(seeded, a_case):
    pqr = answered(seeded, routed(seeded, a_case), "2026-08-05")

    assert night_of(seeded, "2026-08-06") == 1
    event = seeded.scalars(select(CaseEvent).where(CaseEvent.pqr_id == pqr.id).order_by(CaseEvent.id.desc()).limit(1)).one()
    assert (event.move, event.on, pqr.status) == (Move.SILENCE, date(2026, 8, 5), PqrStatus.ANSWERED)


def test_an_answer_of_the_last_day_leaves_none(seeded, a_case):
    answered(seeded, routed(seeded, a_case), "2026-08-04")

    assert night_of(seeded, "2026-08-06") == 0


def test_a_case_whose_clock_is_stopped_has_none(seeded, a_case):
    asked = routed(seeded, a_case)
    operations.make_move(seeded, asked, Move.ORDER_EVIDENCE, at=instant("2026-07-20"), actor_id=None, reason="Laboratorio", act="Auto 3",
                         clock=operations.ClockEventKind.STOPPED)  # fmt: skip

    assert night_of(seeded, "2026-10-05") == 0


def test_a_case_of_another_regime_has_none(seeded, a_case):
    kind = seeded.scalars(select(RequestType).where(RequestType.code == "PETICION")).one()
    kind.regime = Regime.LEY1755
    seeded.flush()
    pqr = routed(seeded, a_case, request_type="PETICION")

    assert pqr.regime is Regime.LEY1755
    assert night_of(seeded, "2026-10-05") == 0


def test_a_case_that_was_transferred_in_time_has_none(seeded, a_case):
    pqr = routed(seeded, a_case)
    operations.make_move(seeded, pqr, Move.TRANSFER, at=instant("2026-07-14"), actor_id=None, reason="Es de otra entidad", act="Oficio 2")

    assert night_of(seeded, "2026-10-05") == 0


def test_closed_with_all_granted_there_is_nothing_to_recognise(seeded, a_case):
    cases = {outcome: answered(seeded, routed(seeded, a_case), "2026-08-10", outcome) for outcome in (Outcome.GRANTED, Outcome.DENIED)}
    for pqr in cases.values():
        later = {"at": instant("2026-08-10", 12), "actor_id": None}
        notices.record_notice(seeded, pqr, served_on=date(2026, 8, 10), proof="Recibió la titular", **later)
        operations.close(seeded, pqr, waiver="Renunció por escrito", **later)

    night_of(seeded, "2026-08-12")

    assert of(seeded, cases[Outcome.GRANTED]) == []
    assert len(of(seeded, cases[Outcome.DENIED])) == 1


def test_the_silence_of_a_term_stays_one(seeded, a_case):
    """A request to complete of before is told too late: the acts of a case go forward in time."""
    pqr = routed(seeded, a_case)
    night_of(seeded, "2026-08-05")

    with pytest.raises(MoveRefused, match="cannot be earlier"):
        operations.make_move(seeded, pqr, Move.ORDER_EVIDENCE, at=instant("2026-08-06"), actor_id=None, reason="Laboratorio", act="Auto 3",
                             on=date(2026, 7, 30), clock=operations.ClockEventKind.STOPPED)  # fmt: skip


def test_a_stop_after_the_term_revives_nothing(seeded, a_case):
    pqr = routed(seeded, a_case)
    night_of(seeded, "2026-08-05")
    operations.make_move(seeded, pqr, Move.ORDER_EVIDENCE, at=instant("2026-08-06"), actor_id=None, reason="Laboratorio", act="Auto 3",
                         clock=operations.ClockEventKind.STOPPED)  # fmt: skip

    assert night_of(seeded, "2026-08-07") == 0
    assert of(seeded, pqr)[0].withdrawn_on is None


# ── It was none ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_holiday(session, on: date, at: datetime) -> None:
    edit = CalendarEdit(add=(OffDay(on, DayException.CLOSURE, "Paro", "Decreto 1", "Diario Oficial"),))
    digest = calendar.preview(session, edit, operations.local(at).date()).digest
    calendar.apply_edit(session, edit, "El decreto cerró la oficina", digest=digest, at=at, actor_id=None)
    session.expire_all()


def test_a_calendar_that_moves_the_term_later_withdraws_it_and_says_so(seeded, a_case):
    pqr = routed(seeded, a_case)
    night_of(seeded, "2026-08-05")

    add_holiday(seeded, date(2026, 8, 3), instant("2026-08-05"))

    row = of(seeded, pqr)[0]
    assert pqr.due_on == date(2026, 8, 5)
    assert (row.withdrawn_on, row.withdrawn_reason) == (date(2026, 8, 5), "El decreto cerró la oficina")
    assert history(seeded, pqr)[-2:] == [Move.SILENCE, Move.LIFT_SILENCE]
    assert pqr.silence is None
    assert night_of(seeded, "2026-08-06") == 1  # the new term ended too
    assert [each.arisen_on for each in of(seeded, pqr)] == [date(2026, 8, 5), date(2026, 8, 6)]


def test_a_calendar_that_moves_the_term_and_leaves_it_in_the_past_withdraws_nothing(seeded, a_case):
    pqr = routed(seeded, a_case)
    night_of(seeded, "2026-08-05")

    add_holiday(seeded, date(2026, 8, 3), instant("2026-08-10"))

    assert of(seeded, pqr)[0].withdrawn_on is None


def test_what_was_recognised_stands(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    night_of(seeded, "2026-08-05")
    recognise(seeded, pqr, "2026-08-05", user)

    add_holiday(seeded, date(2026, 8, 3), instant("2026-08-05", 15))

    assert of(seeded, pqr)[0].withdrawn_on is None


# ── It is recognised ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_act_says_what_is_granted_and_the_case_goes_on(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    night_of(seeded, "2026-08-05")

    recognise(seeded, pqr, "2026-08-06", user)

    row = of(seeded, pqr)[0]
    assert (row.recognised_on, row.grants, pqr.status) == (date(2026, 8, 6), "Se reliquida la factura de junio.", PqrStatus.ROUTED)
    assert (row.document.kind, row.document.number) == (DocumentKind.RECOGNITION, "SAP-2026-000001")
    assert "Se reliquida la factura de junio." in str(row.document.data["body"])
    assert history(seeded, pqr)[-1] is Move.RECOGNISE
    answered(seeded, pqr, "2026-08-10", Outcome.GRANTED)
    assert pqr.answered_on > pqr.due_on
    assert night_of(seeded, "2026-08-11") == 0


def test_it_may_be_recognised_before_the_night_wrote_it(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")

    recognise(seeded, pqr, "2026-08-05", user)

    assert history(seeded, pqr)[-2:] == [Move.SILENCE, Move.RECOGNISE]
    assert night_of(seeded, "2026-08-06") == 0


@pytest.mark.parametrize(
    ("day", "grants", "said"),
    [("2026-08-04", "Todo", "nothing to recognise"), ("2026-08-05", "  ", "what is granted")],
)
def test_it_is_not_recognised_before_it_arose_nor_without_saying_what_is_granted(seeded, a_case, a_user, day, grants, said):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")

    with pytest.raises(MoveRefused, match=said):
        recognise(seeded, pqr, day, user, grants)
    assert seeded.scalars(select(Document)).all() == []


def test_it_is_recognised_once(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    recognise(seeded, pqr, "2026-08-05", user)

    with pytest.raises(MoveRefused, match="SAP-2026-000001"):
        recognise(seeded, pqr, "2026-08-06", user)
    assert len(seeded.scalars(select(Document)).all()) == 1


def test_a_case_that_waits_for_the_citizen_recognises_nothing(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    operations.make_move(seeded, pqr, Move.ORDER_EVIDENCE, at=instant("2026-07-20"), actor_id=None, reason="Laboratorio", act="Auto 3",
                         clock=operations.ClockEventKind.STOPPED)  # fmt: skip

    with pytest.raises(IllegalMove):
        recognise(seeded, pqr, "2026-10-05", user)


def test_the_act_without_its_text_is_not_issued(seeded, a_case, a_user):
    from app.models import Parameter

    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    seeded.delete(seeded.get(Parameter, "text.act.recognition"))
    seeded.flush()

    with pytest.raises(DomainError, match=r"text\.act\.recognition"):
        recognise(seeded, pqr, "2026-08-05", user)


# ── The risk of a notice that is not done ─────────────────────────────────────────────────────────────────────────────────


def at_risk(session, day: str) -> list[Pqr]:
    return session.scalars(select(Pqr).where(silence.risk_condition(session, date.fromisoformat(day)))).all()


def is_at_risk(session, pqr: Pqr, today: date) -> bool:
    """Return what the page of the case says."""
    session.expire_all()
    return silence.is_at_risk(pqr, notices.chain_of(session, pqr, today, queries.case_acts(session, pqr)))


@pytest.mark.parametrize(
    "today",
    ["2026-07-21", "2026-04-06", "2027-01-04"],  # after 13 and 20 July, after Holy Week, after the end of the year
)
def test_the_days_of_risk_are_counted_back_in_working_days(seeded, today):
    days_off = queries.calendar_of(seeded, queries.organisation(seeded))
    terms = terms_of(queries.term_rules(seeded), Regime.LEY142, date.fromisoformat(today))

    found = risk_days(terms, days_off, date.fromisoformat(today))

    assert days_off.add(found.untried, 5) < date.fromisoformat(today) <= days_off.add(days_off.add(found.untried, 1), 5)
    assert days_off.add(found.unserved, 11) < date.fromisoformat(today) <= days_off.add(days_off.add(found.unserved, 1), 11)


def test_an_answer_without_summons_is_at_risk_once_the_term_of_the_summons_ended(seeded, a_case):
    pqr = answered(seeded, routed(seeded, a_case), "2026-07-14")  # its summons is due on 22 July

    assert at_risk(seeded, "2026-07-22") == []
    assert at_risk(seeded, "2026-07-23") == [pqr]
    assert [is_at_risk(seeded, pqr, date(2026, 7, day)) for day in (22, 23)] == [False, True]
    assert night_of(seeded, "2026-07-23") == 0  # shown, not decided


def test_a_summons_that_led_nowhere_is_at_risk_once_the_aviso_is_late(seeded, a_case):
    pqr = answered(seeded, routed(seeded, a_case), "2026-07-14")
    seeded.add(Notice(pqr=pqr, means=NoticeMeans.SUMMONS, sent_at=instant("2026-07-22"), appear_by=date(2026, 7, 29), address="Calle 1"))
    seeded.flush()

    assert at_risk(seeded, "2026-07-30") == []  # the day of the aviso
    assert at_risk(seeded, "2026-07-31") == [pqr]
    assert [is_at_risk(seeded, pqr, date(2026, 7, day)) for day in (30, 31)] == [False, True]


def test_what_was_answered_late_is_no_risk_but_silence(seeded, a_case):
    pqr = answered(seeded, routed(seeded, a_case), "2026-08-05")

    assert at_risk(seeded, "2026-10-05") == []
    assert not is_at_risk(seeded, pqr, date(2026, 10, 5))


def test_whoever_decides_may_recognise_an_answer_that_was_not_duly_notified(seeded, a_case, a_user):
    pqr, user = answered(seeded, routed(seeded, a_case), "2026-07-14"), a_user("Subgerente administrativo y comercial")
    with pytest.raises(MoveRefused, match="nothing to recognise"):
        recognise(seeded, pqr, "2026-07-22", user)

    recognise(seeded, pqr, "2026-07-23", user)

    assert of(seeded, pqr)[0].ground is SilenceGround.NOT_NOTIFIED
    assert "notif" in str(of(seeded, pqr)[0].document.data["body"])


def test_an_anonymous_case_has_silence_too(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case, identity=Identity.ANONYMOUS, party=None), a_user("Subgerente administrativo y comercial")
    night_of(seeded, "2026-08-05")

    recognise(seeded, pqr, "2026-08-05", user)

    assert of(seeded, pqr)[0].recognised_on == date(2026, 8, 5)


def test_what_was_recognised_is_not_denied_afterwards(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    recognise(seeded, pqr, "2026-08-05", user)

    with pytest.raises(MoveRefused, match="CPACA") as refused:
        operations.solve(seeded, pqr, "No hay razón", Outcome.DENIED, at=instant("2026-08-06"), actor_id=None)
    operations.solve(seeded, pqr, "Se concede", Outcome.GRANTED, at=instant("2026-08-06"), actor_id=None)

    assert refused.value.field == "outcome"


def test_an_answer_that_denies_does_not_leave_once_the_silence_was_recognised(seeded, a_case, a_user):
    pqr, user = routed(seeded, a_case), a_user("Subgerente administrativo y comercial")
    operations.solve(seeded, pqr, "No hay razón", Outcome.DENIED, at=instant("2026-08-05"), actor_id=None)
    recognise(seeded, pqr, "2026-08-05", user)

    with pytest.raises(MoveRefused, match="CPACA"):
        operations.mark_answered(seeded, pqr, at=instant("2026-08-06"), actor_id=None)

    assert pqr.status is PqrStatus.SOLVED
