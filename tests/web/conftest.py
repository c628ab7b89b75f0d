"""What tests of pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session


@pytest.fixture
def sign_in(app: Flask, a_user: Callable[..., Any], login: Callable[..., Any]) -> Callable[..., Any]:
    """sign_in(role, process=None) → a client of a new user of that role, who reads English: messages are asserted as the code says them."""

    def build(role: str, process: str | None = None) -> Any:
        user = a_user(role, process)
        client = login(app.test_client(), user)
        client.get("/lang/en")
        client.user, client.user_id = user, user.id
        return client

    return build


@pytest.fixture
def reader(seeded: Session, client: FlaskClient, login: Callable[..., Any], a_user: Callable[..., Any]) -> Callable[..., FlaskClient]:
    """reader(role, process=None) → a client of a new user of that role, in Spanish; what the test made is committed."""

    def build(role: str, process: str | None = None) -> FlaskClient:
        user = a_user(role, process)
        seeded.commit()
        return login(client, user)

    return build
