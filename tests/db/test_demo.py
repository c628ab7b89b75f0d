"""The demonstration company: fictional, whole, and true to the rules, because the operations made it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from stdnum.co import nit
from werkzeug.security import check_password_hash

from app import documents, queries
from app.demo import DEMO_PASSWORD, PEOPLE, bring_past, seed_demo
from app.domain.deadlines import silence_on
from app.domain.errors import DomainError
from app.domain.states import Category, Identity, InboundStatus, MessageStatus, Move, NoticeMeans, PqrStatus, ToldAs
from app.extensions import db, local
from app.models import (
    Account,
    Answer,
    BillingBatch,
    CaseEvent,
    FieldOrder,
    Financing,
    InboundMessage,
    InvoiceChange,
    MassEvent,
    Municipality,
    Notice,
    OutboxMessage,
    Party,
    Pqr,
    ProcessMember,
    Rating,
    Reminder,
    Requirement,
    Silence,
)
from app.operations.pqr import deadline_for
from app.security import PROCESS_ROLES
from tests.conftest import make_app

AT = datetime.fromisoformat("2026-07-10T10:00-05:00")
TODAY = AT.date()
N_CASES = 60
DESK_MOVES = {Move.ROUTE, Move.SOLVE, Move.ISSUE_ANSWER, Move.RETURN_SOLUTION, Move.RETURN_TO_DESK, Move.ORDER_EVIDENCE, Move.CLOSE}


@pytest.fixture(scope="module")
def demo(own_databases, seeded_template, tmp_path_factory):
    """A session on a database of its own that holds the company."""
    url = own_databases.copy(seeded_template)
    app = make_app(url, tmp_path_factory.mktemp("demo"))
    with app.app_context():
        seed_demo(db.session(), AT, N_CASES)
        db.session.commit()
        yield db.session()
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
    own_databases.drop(url)


@pytest.fixture(scope="module")
def cases(demo):
    return demo.scalars(select(Pqr).order_by(Pqr.id)).all()


def unanswered(cases):
    return [case for case in cases if case.status.category in (Category.OPEN, Category.STOPPED)]


# ── What a visitor must find ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_state_is_there(cases):
    assert {case.status for case in cases} == set(PqrStatus)


def test_there_are_as_many_cases_as_asked_and_the_appeals(cases):
    appeals = [case for case in cases if case.previous_id]

    assert len(cases) == N_CASES + len(appeals) + 1, "and one that came by mail"
    assert appeals


def test_some_fall_due_today_and_tomorrow(cases):
    due = Counter(case.due_on for case in unanswered(cases))

    assert due[TODAY] >= 2
    assert due[TODAY + timedelta(days=4)] >= 2  # Tuesday: Monday 13 July is a holiday


def test_some_are_late_some_in_silence_and_one_late_without_silence(cases):
    late = [case for case in unanswered(cases) if case.due_on and case.due_on < TODAY]
    silent = [case for case in late if silence_on(case.due_on, TODAY, case.answered_on, case.regime)]

    assert len(late) > len(silent) >= 1


def test_identities_channels_and_turns_are_varied(cases):
    assert {case.identity for case in cases} == set(Identity)
    assert len({case.channel.code for case in cases}) >= 4
    moves = {event.move for case in cases for event in case.events}
    assert set(Move) - moves == {Move.LIFT_SILENCE}, "the calendar of the company never changed"


def test_every_way_of_notice_is_there(demo):
    seldom = {NoticeMeans.CONDUCT, NoticeMeans.DELIVERY}

    assert {notice.means for notice in demo.scalars(select(Notice))} >= set(NoticeMeans) - seldom


@pytest.mark.parametrize("table", [FieldOrder, Financing, InvoiceChange, MassEvent, Rating, Requirement, Silence])
def test_each_room_has_something_to_show(demo, table):
    assert demo.scalars(select(table)).all()


def test_texts_vary_and_leave_no_field_open(cases):
    assert len({case.body for case in cases}) > N_CASES * 0.9
    assert not [case.number for case in cases if {"{", "}"} & set(case.subject + case.body + (case.solution or ""))]


# ── What must be true ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_numbers_follow_the_order_of_filing_without_gaps(cases):
    assert [case.filed_at for case in cases] == sorted(case.filed_at for case in cases)
    for year in {case.filed_on.year for case in cases}:
        numbers = [int(case.number[-6:]) for case in cases if case.filed_on.year == year]
        assert numbers == list(range(1, len(numbers) + 1))


def test_answer_numbers_follow_the_order_of_issue(demo):
    issued = demo.scalars(select(Answer).where(Answer.number.is_not(None)).order_by(Answer.number)).all()

    assert issued
    assert [answer.issued_on for answer in issued] == sorted(answer.issued_on for answer in issued)


def test_every_date_is_what_the_engine_derives(demo, cases):
    for case in cases:
        deadline = deadline_for(demo, case)
        is_stopped = case.status.category is Category.STOPPED or case.status is PqrStatus.WITHDRAWN
        assert case.due_on == (None if is_stopped else deadline.due_on), case.number
        assert case.effective_on == deadline.effective_on


def test_the_ledger_covers_every_case_from_filing_to_its_end(cases):
    for case in cases:
        lines = case.assignments
        assert lines[0].in_at == case.filed_at
        assert all(before.out_at == after.in_at for before, after in pairwise(lines))
        assert (lines[-1].out_at is None) == (not case.status.is_final)
        assert lines[-1].process_id == case.process_id


def test_the_days_of_the_holders_add_up_to_the_days_of_the_case(demo, cases):
    calendar = queries.calendar_of(demo, queries.organisation(demo))
    for case in cases:
        end = case.closed_on or TODAY
        held = sum(calendar.between(line.in_on, line.out_on or TODAY) for line in case.assignments)
        assert held == calendar.between(case.filed_on, end), case.number


def test_history_runs_forward_and_never_into_the_future(demo, cases):
    for case in cases:
        instants = [event.at for event in case.events]
        assert instants == sorted(instants)
    assert max(demo.scalars(select(CaseEvent.at))) <= AT


def test_staff_works_in_office_hours_on_working_days(demo, cases):
    calendar = queries.calendar_of(demo, queries.organisation(demo))
    wrong = [
        (case.number, event.move.name, local(event.at))
        for case in cases
        for event in case.events
        if event.move in DESK_MOVES and event.actor_id  # the nights close what is final
        and not (calendar.is_working_day(local(event.at).date()) and 7 <= local(event.at).hour < 17)
    ]

    assert not wrong


def test_whoever_acts_may_act(demo, cases):
    """Each move was made by somebody whose role has the right to it."""
    from app.domain.states import ARROWS

    role_of = {person[0]: person[3] for person in PEOPLE}
    for case in cases:
        for event in case.events:
            if event.actor is not None and event.move in ARROWS:
                granted = PROCESS_ROLES[role_of[event.actor.username]]
                assert (ARROWS[event.move].right, "Pqr") in granted, (event.actor.username, event.move)


def test_every_answer_has_its_letter(demo, cases):
    answered = [case for case in cases if case.answered_on]

    assert answered
    for case in answered[:5]:
        assert documents.document_bytes(case.answer.document).startswith(b"%PDF")
    assert all(case.answer.document is not None for case in answered)


def test_nothing_waits_in_the_outbox(demo):
    """Nobody gets mail about people who do not exist."""
    assert set(demo.scalars(select(OutboxMessage.status))) == {MessageStatus.SENT, MessageStatus.FAILED}


def test_letters_reminders_and_batches_are_there(demo):
    assert {letter.status for letter in demo.scalars(select(InboundMessage))} == {
        InboundStatus.FILED, InboundStatus.NOTED, InboundStatus.QUARANTINED, InboundStatus.IGNORED,
    }  # fmt: skip
    assert {row.told_as for row in demo.scalars(select(Reminder))} == {ToldAs.OWNER, ToldAs.SUBSTITUTE, ToldAs.CHIEF}
    first, *_rest = demo.scalars(select(BillingBatch).order_by(BillingBatch.id)).all()
    assert first.n_billed > first.n_rejected == 1


# ── That it is fiction ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_says_that_it_is_fictional(demo):
    organisation = queries.organisation(demo)

    assert "ficticia" in organisation.name
    assert nit.is_valid(organisation.nit)
    assert demo.get(Municipality, organisation.municipality_code) is not None
    assert all("(ficticia)" in name or "(demo)" in name for name in demo.scalars(select(Party.name)))
    assert all(email.endswith("@ejemplo.invalid") for email in demo.scalars(select(Party.email).where(Party.email.is_not(None))))
    assert len(demo.scalars(select(Account.id)).all()) == 1500


def test_there_is_a_user_for_each_role_with_the_demo_password(demo):
    users = {user.username: user for user in demo.scalars(select(User)) if "(demo)" in user.last_name}

    assert set(users) == {person[0] for person in PEOPLE}
    assert {role.name for user in users.values() for role in user.roles} == {*PROCESS_ROLES, "Admin"} - {"Public"}
    assert all(user.email.endswith("@ejemplo.invalid") for user in users.values())
    assert check_password_hash(users["auxiliar"].password, DEMO_PASSWORD)


def test_the_demo_password_is_one_that_the_product_accepts():
    from flask_appbuilder.validators import default_password_complexity

    default_password_complexity(DEMO_PASSWORD)


def test_owners_have_their_processes_and_one_has_a_substitute(demo):
    seats = {(seat.user.username, seat.process.code, seat.role.name) for seat in demo.scalars(select(ProcessMember))}

    assert ("dueno.facturacion", "FACTURACION", "OWNER") in seats
    assert ("dueno.comercial", "FACTURACION", "SUBSTITUTE") in seats


# ── When it may be made ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_time_changes_nothing(demo, cases):
    again = seed_demo(demo, AT, N_CASES)

    assert not again.is_new
    assert again.n_cases == len(cases)
    assert not demo.new
    assert not demo.dirty


def test_a_database_with_real_cases_is_refused(seeded, a_case):
    a_case()

    with pytest.raises(DomainError, match="--force"):
        seed_demo(seeded, AT, 0)

    assert "ficticia" not in queries.organisation(seeded).name


def test_force_adds_to_real_cases_and_leaves_the_organisation_alone(seeded, a_case):
    name, real = queries.organisation(seeded).name, a_case(at="2026-07-09T10:00-05:00")

    made = seed_demo(seeded, AT, 0, force=True)

    assert made.n_cases > 30
    assert queries.organisation(seeded).name == name
    assert real.number == "PQR-2026-000001"


def test_the_same_instant_gives_the_same_company(demo, cases, seeded):
    seed_demo(seeded, AT, N_CASES)
    again = seeded.scalars(select(Pqr).order_by(Pqr.id)).all()

    def facts(case):
        return case.number, case.filed_at, case.subject, case.body, case.status, case.due_on, case.outcome

    assert list(map(facts, again)) == list(map(facts, cases))


# ── Last, because it adds cases ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_of_before_becomes_cases_and_leaves_what_cannot_be_true_in_the_tray(demo):
    batch = bring_past(demo, AT)

    assert (batch.n_rows, batch.n_new, batch.n_bad) == (10, 6, 4)
    assert bring_past(demo, AT) is None
