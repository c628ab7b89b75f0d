"""The fixtures keep their promises; every other test leans on them."""

from __future__ import annotations

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.extensions import db, now
from app.models import Municipality, Parameter


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_commits_is_gone_in_the_next(session, turn):
    assert session.get(Parameter, "left-behind") is None

    session.add(Parameter(key="left-behind", value=str(turn)))
    session.commit()
    session.rollback()

    assert session.get(Parameter, "left-behind").value == str(turn)


def test_a_rollback_undoes_what_was_not_committed_and_only_that(session):
    session.add(Parameter(key="kept", value="1"))
    session.commit()
    session.add(Parameter(key="dropped", value="1"))
    session.flush()
    session.rollback()

    assert session.get(Parameter, "kept") is not None
    assert session.get(Parameter, "dropped") is None


def test_code_that_opens_its_own_connection_lands_in_the_same_transaction(app, session):
    with db.engine.begin() as connection:
        connection.execute(Municipality.__table__.insert().values(code="99001", name="Prueba", department="Prueba"))
    with db.engine.connect() as connection:
        assert connection.execute(select(Municipality.name).where(Municipality.code == "99001")).scalar() == "Prueba"

    assert session.get(Municipality, "99001").name == "Prueba"


def test_a_request_sees_the_rows_of_the_test_and_shares_nothing_else(client, a_user, login):
    user = a_user("Auxiliar PQR")
    login(client, user)

    assert client.get("/users/userinfo/").status_code == 200
    assert app_context_is_clean()


def app_context_is_clean() -> bool:
    from flask import g

    return "user" not in g and "rights" not in g


def test_bare_databases_are_empty_and_seeded_ones_are_not(session):
    assert session.scalar(select(func.count()).select_from(Municipality)) == 0


def test_seeded_databases_hold_the_catalogues(seeded, a_user):
    assert seeded.scalar(select(func.count()).select_from(Municipality)) > 0
    assert a_user("Dueño de proceso", process="TEC").id in seeded.scalars(select(User.id)).all()


def test_the_clock_stands_still_until_it_is_moved(session, at):
    assert now().isoformat() == "2026-07-10T15:00:00+00:00"

    at("2026-12-31T23:00-05:00")

    assert now().isoformat() == "2027-01-01T04:00:00+00:00"


def test_commits_in_an_own_database_are_real(fresh_app):
    with fresh_app.app_context():
        db.session.add(Parameter(key="real", value="1"))
        db.session.commit()
        db.session.remove()
        with db.engine.connect() as connection:
            assert connection.execute(select(Parameter.value).where(Parameter.key == "real")).scalar() == "1"


def test_statements_are_counted_without_the_framing(session, count_statements):
    with count_statements() as statements:
        session.scalars(select(Parameter)).all()
        session.commit()
        session.scalars(select(Parameter)).all()

    assert len(statements) == 2
