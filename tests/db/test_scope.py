"""Which cases a person sees: those that a process of theirs holds or held, those given to them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import g
from flask_login import login_user
from sqlalchemy import select

from app.domain.states import MemberRole
from app.extensions import now
from app.models import Pqr, ProcessMember
from app.operations.pqr import return_to_desk, route
from app.security import scope_cases

TODAY = date(2026, 7, 10)


@pytest.fixture
def seen_by(app, session) -> Callable[..., set[str]]:
    """seen_by(user, on) → the numbers of the cases in the scope of *user* (None: nobody signed in) on that date."""

    def numbers(user, on: date = TODAY) -> set[str]:
        with app.test_request_context():
            if user is not None:
                login_user(user)
                g.user = user
            found = set(session.scalars(scope_cases(select(Pqr.number), on)))
        for name in ("rights", "user", "_login_user"):
            g.pop(name, None)
        return found

    return numbers


@pytest.fixture
def routed(a_case, make, session) -> Callable[[str], Pqr]:
    """routed("TEC") → a case that was given to that process."""

    def build(process: str, user=None) -> Pqr:
        pqr = a_case()
        route(session, pqr, make.process(process), "Es de su área", at=now(), actor_id=None, user=user)
        return pqr

    return build


def test_nobody_sees_nothing(routed, seen_by):
    routed("TEC")

    assert seen_by(None) == set()


def test_an_owner_sees_the_cases_of_the_process_and_no_other(routed, a_user, seen_by):
    mine, other = routed("TEC"), routed("FAC")

    assert seen_by(a_user("Dueño de proceso", process="TEC")) == {mine.number}
    assert seen_by(a_user("Dueño de proceso", process="FAC")) == {other.number}


def test_an_owner_of_no_process_sees_nothing(routed, a_user, seen_by):
    routed("TEC")

    assert seen_by(a_user("Dueño de proceso")) == set()


def test_an_owner_does_not_see_what_waits_at_the_front_desk(a_case, a_user, seen_by):
    a_case()

    assert seen_by(a_user("Dueño de proceso", process="TEC")) == set()


@pytest.mark.parametrize(
    ("on", "sees"),
    [(date(2026, 7, 5), False), (date(2026, 7, 6), True), (date(2026, 7, 10), True), (date(2026, 7, 17), True), (date(2026, 7, 18), False)],
    ids=["the day before", "the first day", "inside", "the last day", "the day after"],
)
def test_a_substitute_sees_from_the_first_to_the_last_day(routed, a_user, session, make, seen_by, on, sees):
    pqr = routed("TEC")
    substitute = a_user("Dueño de proceso")
    session.add(
        ProcessMember(
            process_id=make.process("TEC").id, user_id=substitute.id, role=MemberRole.SUBSTITUTE,
            valid_from=date(2026, 7, 6), valid_until=date(2026, 7, 17),
        )
    )  # fmt: skip
    session.flush()

    assert seen_by(substitute, on) == ({pqr.number} if sees else set())


def test_a_process_goes_on_seeing_what_it_once_held(routed, a_user, session, seen_by):
    """Who answered for a part of the case can be asked about it later."""
    pqr = routed("TEC")
    return_to_desk(session, pqr, "No es de esta área", at=now(), actor_id=None)

    assert seen_by(a_user("Dueño de proceso", process="TEC")) == {pqr.number}
    assert seen_by(a_user("Dueño de proceso", process="FAC")) == set()


def test_a_case_given_to_a_person_is_seen_by_that_person(routed, a_user, seen_by):
    holder, colleague = a_user("Dueño de proceso"), a_user("Dueño de proceso")
    pqr = routed("FAC", user=holder)

    assert seen_by(holder) == {pqr.number}
    assert seen_by(colleague) == set()


@pytest.mark.parametrize(
    "role",
    ["Auxiliar PQR", "Subgerente administrativo y comercial", "Comercial", "Calidad", "Control interno / Gerencia", "Admin"],
)
def test_whoever_answers_for_the_whole_house_sees_every_case(routed, a_case, a_user, seen_by, role):
    numbers = {routed("TEC").number, routed("FAC").number, a_case().number}

    assert seen_by(a_user(role)) == numbers


def test_a_technician_sees_no_case(routed, a_user, seen_by):
    routed("TEC")

    assert seen_by(a_user("Técnico")) == set()
