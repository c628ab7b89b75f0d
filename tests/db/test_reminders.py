"""Who is told what falls due: on which day, once, in working hours, and who hears it for whoever is away."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import insert, literal, select, update

from app import queries
from app.domain import N_
from app.domain.deadlines import ClockEventKind
from app.domain.reminders import Rule
from app.domain.states import (
    AppealKind,
    Delivery,
    DocumentKind,
    MemberRole,
    MessageStatus,
    Move,
    NoticeMeans,
    OrderKind,
    OrderStatus,
    Outcome,
    PqrStatus,
    ReminderTrigger,
    RequirementEnd,
    RequirementKind,
    ToldAs,
)
from app.extensions import db
from app.jobs.telling import remind as run
from app.models import (
    Appeal,
    CalendarDay,
    Document,
    FieldOrder,
    Financing,
    Leave,
    Mechanism,
    Notice,
    NoticePreference,
    OutboxMessage,
    Pqr,
    ProcessMember,
    Reminder,
    ReminderRule,
    Requirement,
    StoredFile,
)
from app.operations import messages, reminders, silence
from app.operations import pqr as operations
from app.operations.reminders import SOURCES, Source, watched
from tests.databases import statements_of
from tests.factories import Factory, stop

OWNER, CHIEF = "Dueño de proceso", "Subgerente administrativo y comercial"
#: Of what is filed on Friday 10 July 2026: 13 and 20 July are holidays.
HALF, THREE_QUARTERS, SAFE, DUE = "2026-07-23", "2026-07-29", "2026-08-03", "2026-08-04"


def instant(day: str, hour: int = 10, minute: int = 0) -> datetime:
    """Return that time of Bogotá (UTC-5)."""
    return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}:00-05:00").astimezone(UTC)


def routed(session, make, a_case, on: str = "2026-07-10", **fields) -> Pqr:
    pqr = a_case(at=instant(on), **fields)
    operations.route(session, pqr, make.process("TECNICA"), "Revisar el consumo", at=instant(on, 11), actor_id=None)
    return pqr


@pytest.fixture
def owner(make, seeded):
    seeded.execute(update(Mechanism).values(is_active=False))  # the follow-ups that ship have tests of their own
    return make.user(OWNER, "TECNICA")


@pytest.fixture
def chief(make):
    return make.user(CHIEF)


@pytest.fixture
def pqr(seeded, make, a_case, owner, chief):
    return routed(seeded, make, a_case)


def rules(session, *codes: str) -> None:
    """Leave only these of the shipped rules active."""
    session.execute(update(ReminderRule).where(ReminderRule.code.not_in(codes)).values(is_active=False))


def told(session, user=None) -> list[tuple[str, str, str]]:
    """Return (rule, key, step) of what was told, to one person or all, in order."""
    rows = session.scalars(select(Reminder).order_by(Reminder.id)).all()
    return [(row.rule.code, row.row_key, row.step) for row in rows if user in (None, row.user)]


def mails(session, user) -> list[OutboxMessage]:
    """Return the reminders by mail to a person."""
    found = select(OutboxMessage).where(OutboxMessage.user_id == user.id, OutboxMessage.event.startswith("reminder"))
    return list(session.scalars(found.order_by(OutboxMessage.id)))


def every_working_hour(session, since: str, until: str) -> None:
    """Run the reminders three times each day, working or not, by day and by night."""
    day, last = date.fromisoformat(since).toordinal(), date.fromisoformat(until).toordinal()
    for ordinal in range(day, last + 1):
        for hour in (3, 9, 15):
            reminders.remind(session, instant(date.fromordinal(ordinal).isoformat(), hour))


# ── Once, and on its day ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_is_told_at_registration_at_half_at_three_quarters_each_day_after_and_on_silence(seeded, pqr, owner, chief):
    every_working_hour(seeded, "2026-07-10", "2026-08-06")

    n = pqr.number
    daily = [("CASO_CADA_DIA", n, day) for day in ("2026-07-30", "2026-07-31", SAFE, DUE)]
    overdue = [("CASO_VENCIDO", n, day) for day in ("2026-08-05", "2026-08-06")]
    start, half, most = (("CASO_NUEVO", n, "2026-07-10"), ("CASO_MITAD", n, HALF), ("CASO_TRES_CUARTOS", n, THREE_QUARTERS))
    assert told(seeded, owner) == [start, half, most, *daily, *overdue]
    assert told(seeded, chief) == [most, ("CASO_VISPERA", n, "2026-07-31"), *overdue]


def test_the_silence_that_a_night_writes_is_told_at_the_next_opening(seeded, pqr, owner, chief):
    rules(seeded, "SILENCIO", "SILENCIO_VENCIDO")
    silence.keep_up(seeded, instant("2026-08-05", 0, 10))

    assert reminders.remind(seeded, instant("2026-08-05", 7, 45)) == 0
    assert reminders.remind(seeded, instant("2026-08-05", 8)) == 2
    assert reminders.remind(seeded, instant("2026-08-06", 8)) == 0
    assert reminders.remind(seeded, instant("2026-08-10", 8)) == 2  # 7 August, a holiday, was the last of its 72 hours
    assert {(row.user, row.told_as) for row in seeded.scalars(select(Reminder))} == {(owner, ToldAs.OWNER), (chief, ToldAs.CHIEF)}
    assert [(row.event, row.status) for row in mails(seeded, owner)] == [("reminder_silence", MessageStatus.QUEUED)] * 2


def test_missed_nights_lose_nothing_and_are_told_in_one_line(seeded, pqr, owner):
    rules(seeded, "CASO_NUEVO", "CASO_MITAD", "CASO_TRES_CUARTOS", "CASO_CADA_DIA")
    seeded.execute(update(ReminderRule).where(ReminderRule.to_owner).values(to_chief=False))

    assert reminders.remind(seeded, instant("2026-08-03")) == 4  # nobody ran them for three weeks

    rows = seeded.scalars(select(Reminder).order_by(Reminder.id)).all()
    assert [(row.rule.code, row.step, row.n_covered) for row in rows] == [
        ("CASO_NUEVO", "2026-07-10", 0), ("CASO_MITAD", HALF, 0), ("CASO_TRES_CUARTOS", THREE_QUARTERS, 0), ("CASO_CADA_DIA", SAFE, 2),
    ]  # fmt: skip
    assert len(mails(seeded, owner)) == 1
    assert mails(seeded, owner)[0].body.count("\n- ") == 1


@pytest.mark.parametrize("day", ["2026-07-11", "2026-07-12", "2026-07-13", "2026-07-20"])
def test_nobody_is_told_on_days_off(seeded, pqr, day):
    assert reminders.due(seeded, instant(day))
    assert reminders.remind(seeded, instant(day, 11)) == 0
    assert told(seeded) == []


def test_a_closure_and_the_hours_of_the_house_hold(seeded, pqr):
    seeded.add(CalendarDay(on=date(2026, 7, 14), year=2026, name="Cierre", kind="CLOSURE"))
    pqr.organisation.opens_at, pqr.organisation.closes_at = time(7), time(16)
    seeded.flush()
    queries.forget_calendar(seeded)

    assert reminders.remind(seeded, instant("2026-07-14", 10)) == 0
    assert reminders.remind(seeded, instant("2026-07-15", 16)) == 0
    assert reminders.remind(seeded, instant("2026-07-15", 7)) == 1


def test_a_stopped_clock_tells_nothing_and_its_days_are_no_part_of_the_half(seeded, pqr, owner):
    rules(seeded, "CASO_MITAD")
    stop(seeded, pqr, "Pruebas", "Auto 1", at=instant("2026-07-14"))

    assert reminders.remind(seeded, instant("2026-09-01")) == 0
    resumed = {"reason": "Fin", "act": "Auto 2", "clock": ClockEventKind.RESUMED}
    operations.make_move(seeded, pqr, Move.CLOSE_EVIDENCE, at=instant("2026-09-01"), actor_id=None, **resumed)
    assert reminders.remind(seeded, instant("2026-09-02")) == 0
    assert reminders.remind(seeded, instant("2026-09-10")) == 1


def test_what_was_imported_is_no_news_and_its_term_is_watched(seeded, pqr, owner):
    pqr.source, pqr.source_number = "PQR 2025", "881"
    rules(seeded, "CASO_NUEVO", "CASO_MITAD")

    assert reminders.remind(seeded, instant("2026-07-21")) == 0
    assert reminders.remind(seeded, instant(HALF)) == 1


def test_an_answered_case_is_told_no_more_and_its_notice_is_told_to_the_front_desk(seeded, make, pqr, owner, chief):
    clerk = make.user("Auxiliar PQR", queries.front_desk(seeded))
    operations.solve(seeded, pqr, "Se revisó", Outcome.DENIED, at=instant("2026-07-14"), actor_id=None)
    operations.mark_answered(seeded, pqr, at=instant("2026-07-14", 11), actor_id=None)

    assert reminders.remind(seeded, instant("2026-07-16")) == 0
    assert reminders.remind(seeded, instant("2026-07-21")) == 1  # the summons is due on 22 July: two working days after Friday 17
    assert told(seeded, clerk) == [("NOTIFICACION_VISPERA", pqr.number, "2026-07-17")]
    assert reminders.remind(seeded, instant("2026-07-23")) == 2
    assert told(seeded, chief) == [("NOTIFICACION_VENCIDA", pqr.number, "2026-07-23")]
    seeded.add(Notice(pqr_id=pqr.id, means=NoticeMeans.SUMMONS, sent_at=instant("2026-07-23"), appear_by=date(2026, 7, 31)))
    seeded.flush()
    assert reminders.remind(seeded, instant("2026-07-24")) == 0  # the citizen has five days to come


def test_a_solution_waits_for_whoever_signs(seeded, pqr, owner, chief):
    rules(seeded, "FIRMA_NUEVA")
    operations.solve(seeded, pqr, "Se revisó", Outcome.DENIED, at=instant("2026-07-14"), actor_id=None)

    assert reminders.remind(seeded, instant("2026-07-14", 11)) == 1
    assert told(seeded, chief) == [("FIRMA_NUEVA", pqr.number, "2026-07-14")]


def test_an_order_that_is_late_is_told_to_whoever_has_its_case(seeded, pqr, owner, make):
    rules(seeded, "ORDEN_VENCIDA")
    order = FieldOrder(
        organisation_id=pqr.organisation_id, kind=OrderKind.WORK_ORDER, number="OT-1", pqr_id=pqr.id, process_id=pqr.process_id,
        issued_on=date(2026, 7, 10), due_on=date(2026, 7, 15), instructions="Revisar",
    )  # fmt: skip
    seeded.add(order)
    seeded.flush()

    assert reminders.remind(seeded, instant("2026-07-15")) == 0
    assert reminders.remind(seeded, instant("2026-07-16")) == 1
    assert told(seeded, owner) == [("ORDEN_VENCIDA", "OT-1", "2026-07-16")]
    order.status, order.reason = OrderStatus.EXCUSED, "Ya no hace falta"
    assert reminders.remind(seeded, instant("2026-07-17")) == 0


def test_what_was_asked_of_the_citizen_is_told_when_its_time_is_over(seeded, pqr, owner):
    rules(seeded, "REQUERIMIENTO_VISPERA", "REQUERIMIENTO_VENCIDO")
    stop(seeded, pqr, "Pruebas", "Auto 1", at=instant("2026-07-14"))  # its own clock stands still
    of = {"media_type": "application/pdf", "n_bytes": 10, "sha256": "0" * 64}
    paper = StoredFile(storage_key="auto", name="auto.pdf", pqr_id=pqr.id, **of)
    act = Document(kind=DocumentKind.EVIDENCE_ORDER, number="PRU-1", file=paper, template="x@1", data={}, issued_at=instant("2026-07-14"))
    asked = {"kind": RequirementKind.EVIDENCE, "what": "Visita", "issued_on": date(2026, 7, 14), "told_how": "Correo"}
    row = Requirement(pqr_id=pqr.id, document=act, told_on=date(2026, 7, 14), until_on=date(2026, 7, 30), **asked)
    seeded.add(row)
    seeded.flush()

    every_working_hour(seeded, "2026-07-14", "2026-08-10")
    assert told(seeded, owner) == [  # its safe date is the 29th; it is said again after five working days: 7 August is a holiday
        ("REQUERIMIENTO_VISPERA", "PRU-1", "2026-07-28"), ("REQUERIMIENTO_VENCIDO", "PRU-1", "2026-07-31"),
        ("REQUERIMIENTO_VENCIDO", "PRU-1", "2026-08-10"),
    ]  # fmt: skip
    assert f"/pqr/{pqr.number}" in mails(seeded, owner)[-1].body

    row.ended_on, row.ending = date(2026, 8, 10), RequirementEnd.CLOSED
    assert reminders.remind(seeded, instant("2026-08-24")) == 0


def test_an_agreement_that_nobody_signed_is_told_to_whoever_wrote_it(seeded, make, owner):
    rules(seeded, "FINANCIACION_VISPERA")
    clerk, account = make.user("Auxiliar PQR"), make.account()
    agreed = {"debt_cop": 90_000, "n_instalments": 3, "agreed_on": date(2026, 7, 10), "first_due_on": date(2026, 7, 31)}
    agreement = Financing(
        organisation_id=queries.organisation(seeded).id, number="OF-1", account_id=account.id, party=make.party(), **agreed
    )
    seeded.add(agreement)
    seeded.flush()
    agreement.created_by_id = clerk.id
    seeded.flush()

    assert reminders.remind(seeded, instant("2026-07-27")) == 0
    assert reminders.remind(seeded, instant("2026-07-28")) == 1  # two working days before Thursday 30
    assert told(seeded, clerk) == [("FINANCIACION_VISPERA", "OF-1", "2026-07-28")]


def test_the_file_for_superservicios_is_told_to_the_front_desk_and_late_to_the_chief_too(seeded, make, pqr, owner, chief):
    rules(seeded, "SSPD_NUEVO", "SSPD_VENCIDO")
    clerk, child = make.user("Auxiliar PQR", queries.front_desk(seeded)), make.case(at=instant("2026-07-10"))
    days = {"answered_on": date(2026, 7, 14), "notified_on": date(2026, 7, 15)}
    seeded.execute(update(Pqr).where(Pqr.id == child.id).values(status=PqrStatus.NOTIFIED, outcome=Outcome.CONFIRMED, **days))
    sent = {"is_timely": True, "is_admitted": True, "sspd_due_on": date(2026, 7, 21)}
    seeded.add(Appeal(pqr_id=child.id, against_id=pqr.id, kind=AppealKind.REPOSICION_APELACION, **sent))
    seeded.flush()

    assert reminders.remind(seeded, instant("2026-07-15", 12)) == 1
    assert reminders.remind(seeded, instant("2026-07-22")) == 2
    assert told(seeded, clerk) == [("SSPD_NUEVO", child.number, "2026-07-15"), ("SSPD_VENCIDO", child.number, "2026-07-22")]
    assert told(seeded, chief) == [("SSPD_VENCIDO", child.number, "2026-07-22")]


# ── Whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_on_leave_is_not_told_and_whoever_stands_in_is(seeded, make, pqr, owner):
    deputy = make.user(OWNER)
    seeded.add(Leave(user_id=owner.id, substitute_id=deputy.id, starts_on=date(2026, 7, 9), ends_on=date(2026, 7, 10)))
    seeded.flush()
    rules(seeded, "CASO_NUEVO", "CASO_MITAD")

    reminders.remind(seeded, instant("2026-07-10"))
    reminders.remind(seeded, instant(HALF))

    people = [(row.user, row.told_as) for row in seeded.scalars(select(Reminder).order_by(Reminder.id))]
    assert people == [(deputy, ToldAs.SUBSTITUTE), (owner, ToldAs.OWNER)]


def test_the_substitutes_and_the_chief_of_the_process_are_told_where_the_rule_says_so(seeded, make, pqr, owner, chief):
    process = make.process("TECNICA")
    deputy, boss = make.user(OWNER), make.user(OWNER)
    seeded.add(ProcessMember(process_id=process.id, user_id=deputy.id, role=MemberRole.SUBSTITUTE))
    seeded.add(ProcessMember(process_id=process.id, user_id=boss.id, role=MemberRole.CHIEF))
    seeded.flush()
    rules(seeded, "CASO_TRES_CUARTOS")

    reminders.remind(seeded, instant(THREE_QUARTERS))

    people = {row.user: row.told_as for row in seeded.scalars(select(Reminder))}
    assert people == {owner: ToldAs.OWNER, deputy: ToldAs.SUBSTITUTE, boss: ToldAs.CHIEF}  # and not the manager: the process has a chief


def test_who_has_the_case_in_person_is_told_and_not_the_others_of_the_process(seeded, make, pqr, owner):
    holder = make.user(OWNER, "TECNICA")
    pqr.holder_id = holder.id
    rules(seeded, "CASO_NUEVO")

    reminders.remind(seeded, instant("2026-07-14"))

    assert told(seeded, holder) and not told(seeded, owner)


def test_a_case_that_nobody_has_is_told_to_the_chief_and_one_without_anybody_waits(seeded, pqr, owner, chief):
    rules(seeded, "CASO_NUEVO")
    owner.active = False
    chief.active = False
    seeded.flush()
    assert reminders.remind(seeded, instant("2026-07-14")) == 0

    chief.active = True
    seeded.flush()
    assert reminders.remind(seeded, instant("2026-07-15")) == 1
    assert told(seeded, chief) == [("CASO_NUEVO", pqr.number, "2026-07-10")]


# ── How ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_things_make_one_message_the_most_urgent_first(seeded, make, a_case, owner):
    rules(seeded, "CASO_NUEVO")
    later = [routed(seeded, make, a_case, "2026-07-10") for _n in range(3)]
    sooner = routed(seeded, make, a_case, "2026-07-08")

    assert reminders.remind(seeded, instant("2026-07-14")) == 4

    mail = mails(seeded, owner)
    assert len(mail) == 1
    lines = [line for line in mail[0].body.splitlines() if line.startswith("- ")]
    assert [number in line for number, line in zip([sooner.number, *(pqr.number for pqr in later)], lines, strict=True)] == [True] * 4
    assert f"http://localhost/pqr/{sooner.number}" in lines[0]


def test_a_long_list_is_cut_and_says_how_many_more(seeded, make, a_case, owner, monkeypatch):
    monkeypatch.setattr(reminders, "MOST", 2)
    rules(seeded, "CASO_NUEVO")
    for _n in range(5):
        routed(seeded, make, a_case)

    assert reminders.remind(seeded, instant("2026-07-14")) == 5

    body = mails(seeded, owner)[0].body
    assert body.count("\n- ") == 2
    assert "3" in body.split("\n- ")[-1]


def test_who_has_no_address_or_wants_no_mail_is_told_on_the_screen_alone(seeded, make, pqr, owner):
    silent = make.user(OWNER, "TECNICA", email="")
    seeded.add(NoticePreference(user_id=owner.id, event="reminder", delivery=Delivery.NEVER))
    seeded.flush()
    rules(seeded, "CASO_NUEVO")

    assert reminders.remind(seeded, instant("2026-07-14")) == 2

    rows = seeded.scalars(select(Reminder).order_by(Reminder.user_id)).all()
    assert [(row.user, row.message) for row in rows] == [(owner, None), (silent, None)]


def test_a_digest_holds_the_list_and_never_a_silence(seeded, pqr, owner):
    seeded.add_all(NoticePreference(user_id=owner.id, event=event, delivery=how) for event, how in (
        ("reminder", Delivery.DIGEST), ("reminder_silence", Delivery.NEVER)))  # fmt: skip
    silence.keep_up(seeded, instant("2026-08-05", 0, 10))

    reminders.remind(seeded, instant("2026-08-05"))

    assert {(mail.event, mail.status) for mail in mails(seeded, owner)} == {
        ("reminder", MessageStatus.HELD), ("reminder_silence", MessageStatus.QUEUED),
    }  # fmt: skip
    assert messages.EVENTS["reminder_silence"].deliveries == (Delivery.AT_ONCE,)


# ── Cheap, and at the same time ───────────────────────────────────────────────────────────────────────────────────────────


def copies(session, pqr: Pqr, n: int) -> None:
    """Store *n* more cases like *pqr*, bare."""
    row = dict(session.execute(select(Pqr.__table__).where(Pqr.id == pqr.id)).mappings().one())
    del row["id"]
    session.execute(insert(Pqr.__table__), [{**row, "number": f"PQR-2026-9{i:05}", "submission": None} for i in range(n)])


def test_a_run_costs_the_same_statements_however_many_cases_there_are(app, seeded, pqr, owner):
    connection = seeded.connection()
    reminders.remind(seeded, instant("2026-07-14"))
    with statements_of(connection.engine) as few:
        assert reminders.remind(seeded, instant(HALF)) == 1
    copies(seeded, pqr, 300)
    with statements_of(connection.engine) as many:
        assert reminders.remind(seeded, instant("2026-07-24")) == 600  # their start, and their half
    with statements_of(connection.engine) as none:
        assert reminders.remind(seeded, instant("2026-07-24", 11)) == 0

    assert len(many) <= len(few) + 2, "\n".join(many)
    assert len(none) <= len(SOURCES) + 8, "\n".join(none)
    assert all(statement.lstrip().upper().startswith("SELECT") for statement in none)


def test_two_workers_at_once_tell_everybody_once(fresh_app):
    with fresh_app.app_context():
        make = Factory(db.session())
        owner = make.user(OWNER, "TECNICA")
        pqr = make.case(at=instant("2026-07-10"))
        operations.route(db.session(), pqr, make.process("TECNICA"), "Revisar", at=instant("2026-07-10", 11), actor_id=None)
        copies(db.session(), pqr, 40)
        db.session.commit()
        owner_id = owner.id
    start, counts, failures = threading.Barrier(4), [], []

    def work() -> None:
        try:
            with fresh_app.app_context():
                start.wait()
                counts.append(run(db.session(), instant("2026-07-14")))
                db.session.commit()
                db.session.remove()
        except Exception as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failures == []
    assert sorted(counts) == [0, 0, 0, 41]
    with fresh_app.app_context():
        rows = db.session.execute(select(Reminder.row_key).where(Reminder.user_id == owner_id)).all()
        n_mails = len(db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.event == "reminder")).all())
        db.session.remove()
    assert (len(rows), len(set(rows)), n_mails) == (41, 41, 1)


def test_a_worker_that_dies_in_the_middle_has_told_nobody_and_the_next_one_tells_all(fresh_app, monkeypatch):
    with fresh_app.app_context():
        make = Factory(db.session())
        make.user(OWNER, "TECNICA")
        make.user(OWNER, "TECNICA")
        pqr = make.case(at=instant("2026-07-10"))
        operations.route(db.session(), pqr, make.process("TECNICA"), "Revisar", at=instant("2026-07-10", 11), actor_id=None)
        db.session.commit()
        tell = messages.tell_user
        monkeypatch.setattr(messages, "tell_user", lambda *args, **more: tell(*args, **more) and 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(db.session(), instant("2026-07-14"))
        db.session.rollback()
        monkeypatch.setattr(messages, "tell_user", tell)
        left = select(OutboxMessage.id).where(OutboxMessage.event == "reminder")
        assert (db.session.scalars(select(Reminder.id)).all(), db.session.scalars(left).all()) == ([], [])
        db.session.rollback()

        assert run(db.session(), instant("2026-07-14", 10, 15)) == 2
        db.session.commit()
        assert run(db.session(), instant("2026-07-14", 10, 30)) == 0
        assert len(db.session.scalars(left).all()) == 2
        db.session.remove()


# ── Another room ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_room_is_watched_by_declaring_it(seeded, owner, make, monkeypatch):
    """The toy of docs/new-reminder.md: what it declares is told as everything else, and shown under its own name."""
    process = make.process("TECNICA")

    def guarantees(_house):
        return watched(
            literal("POL-7"), started_on=literal(date(2026, 7, 1)), due_on=literal(date(2026, 7, 31)), process_id=literal(process.id)
        )

    monkeypatch.setitem(SOURCES, "GUARANTEE", Source(N_("Guarantee"), guarantees))
    rules(seeded)
    rule = ReminderRule(code="POLIZA", name="Póliza por vencer", source="GUARANTEE", trigger=ReminderTrigger.DAYS_BEFORE, value=3)
    seeded.add(rule)
    seeded.flush()

    assert reminders.remind(seeded, instant("2026-07-24")) == 0
    assert reminders.remind(seeded, instant("2026-07-27")) == 1  # the safe date is Thursday 30 July
    assert told(seeded, owner) == [("POLIZA", "POL-7", "2026-07-27")]
    assert "POL-7" in mails(seeded, owner)[0].body


def test_every_shipped_rule_watches_something_and_is_lawful(seeded):
    shipped = seeded.scalars(select(ReminderRule)).all()

    assert {rule.source for rule in shipped} == set(SOURCES)
    assert [Rule(rule.trigger, rule.value) for rule in shipped]
