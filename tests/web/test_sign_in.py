"""The door of the staff: guesses are few, an account that was closed stays out, and a password that was changed is needed."""

from __future__ import annotations

import pytest

from app.extensions import db
from tests.factories import PASSWORD, Factory


@pytest.fixture
def door(limited_app):
    """send(password, address, …) → the answer of the sign-in page to a user called “puerta”, with the limits of production."""
    limited_app.config["WTF_CSRF_ENABLED"] = False
    with limited_app.app_context():
        Factory(db.session()).user("Auxiliar PQR", username="puerta")
        db.session.commit()

    def send(password: str, address: str = "203.0.113.7", **headers: str):
        client = limited_app.test_client()
        form = {"username": "puerta", "password": password}
        return client.post("/login/", data=form, headers=headers, environ_base={"REMOTE_ADDR": address})

    return send


def test_the_right_password_opens_and_a_wrong_one_does_not(door):
    assert door(PASSWORD).status_code == 302
    assert door("otra-Clave-2026").status_code == 422


def test_guesses_from_one_address_are_limited_and_no_one_else_is_shut_out(door):
    """Ten attempts in twenty seconds; a header that claims another address changes nothing, since no proxy is set up."""
    statuses = [door(f"adivino-{n}", **{"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(12)]

    assert statuses == [422] * 10 + [429] * 2
    assert door(PASSWORD).status_code == 429
    assert door(PASSWORD, address="203.0.113.8").status_code == 302


def test_an_account_that_was_closed_stays_out(limited_app, door):
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import update

    with limited_app.app_context():
        db.session.execute(update(User).where(User.username == "puerta").values(active=False))
        db.session.commit()

    assert door(PASSWORD).status_code == 422


def test_somebody_whose_account_is_closed_meanwhile_is_sent_to_the_door(client, make, login, session):
    user = make.user("Auxiliar PQR")
    login(client, user)
    before = client.get("/pqr/")
    user.active = False
    session.commit()
    after = client.get("/pqr/")

    assert before.status_code == 200
    assert after.status_code == 302
    assert "/login" in after.location
