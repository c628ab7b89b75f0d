"""
What every test may ask for.

`session` is one transaction, rolled back; `client` sends requests whose commits land in that same transaction. `seeded` fills it
with the catalogues. `fresh_app` has a database of its own where commits are real: for threads, the rate limiter and jobs.
The clock stands still at Friday 2026-07-10, 10:00 in Bogotá, until `at(…)` moves it.
"""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests import databases
from tests.databases import Databases
from tests.factories import Factory, build_bare, build_seeded
from tests.imap import dovecot, imap  # noqa: F401  fixtures: a real mail server
from tests.stage import Stage

FROZEN = "2026-07-10T10:00-05:00"


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("ATIENDE_")]:
        if not name.startswith("ATIENDE_TEST_") and name not in {"ATIENDE_REQUIRE_ALL", "ATIENDE_REAL_DATA"}:
            del os.environ[name]  # settings of whoever runs the tests are not settings of the tests
    if not hasattr(config, "workerinput"):
        databases.reserve_cluster()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        databases.stop_cluster()


class OutsideClient(FlaskClient):
    """A client that is outside, as browsers are: requests share no application context (`g`, session) with the test."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **kwargs)


def settings(url: str, folder: Path, **more: Any) -> dict[str, Any]:
    """Return the settings of an application under test; CSRF and rate limits are off until a fixture turns them on."""
    return {
        "TESTING": True,
        "PROPAGATE_EXCEPTIONS": False,  # the error pages are part of what is tested
        "SECRET_KEY": "only for tests, only for tests, only for tests",
        "SQLALCHEMY_DATABASE_URI": url,
        "INSTANCE": str(folder),
        "STORAGE_URL": f"file://{folder / 'files'}",
        "SERVER_NAME": None,
        "PUBLIC_URL": "http://localhost",
        "MAIL_FROM": "atiende@example.com",
        "ATIENDE_NOW": FROZEN,
        "WTF_CSRF_ENABLED": False,
        "RATELIMIT_ENABLED": False,
        "AUTH_RATE_LIMITED": False,
        **more,
    }


def make_app(url: str, folder: Path, **more: Any) -> Flask:
    """Return a new application on the database at *url*."""
    from app import create_app
    from app.extensions import db

    os.environ["ATIENDE_INSTANCE"] = str(folder)
    app = create_app(settings(url, folder, **more))
    app.test_client_class = OutsideClient
    db.session.session_factory.configure(join_transaction_mode="create_savepoint")  # see SharedConnection
    return app


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever reaches a database runs on both engines; a browser cannot tell them apart, so its tests run on SQLite."""
    if "engine" in metafunc.fixturenames:
        is_e2e = metafunc.definition.path.is_relative_to(Path(__file__).parent / "e2e")
        is_blind = is_e2e or metafunc.definition.get_closest_marker("one_engine")
        metafunc.parametrize("engine", ["sqlite"] if is_blind else ["sqlite", "postgresql"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine; tests that reach it run once on each."""
    return request.param


@pytest.fixture(scope="session")
def own_databases(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Where databases of this worker and engine are created, copied and dropped."""
    made = Databases(engine, tmp_path_factory.mktemp(engine))
    yield made
    made.drop_all()


@pytest.fixture(scope="session")
def bare_template(own_databases: Databases) -> str:
    """The name of a template that was migrated from nothing and knows the roles, as after an installation."""
    return own_databases.template("bare", lambda url: build_bare(make_app(url, own_databases.folder)))


@pytest.fixture(scope="session")
def seeded_template(own_databases: Databases, bare_template: str) -> str:
    """The same with the catalogues."""
    return own_databases.template("seeded", lambda url: build_seeded(make_app(url, own_databases.folder)), based_on=bare_template)


@pytest.fixture(scope="session")
def engine_url(own_databases: Databases, bare_template: str) -> str:
    """The URL of the migrated database that the transactions of tests run in."""
    return own_databases.copy(bare_template, "bare_tests")


@pytest.fixture(scope="session")
def shared_app(engine_url: str, own_databases: Databases) -> Flask:
    return make_app(engine_url, own_databases.folder)


@pytest.fixture(scope="session")
def bare_engine(shared_app: Flask) -> Iterator[Any]:
    from app.extensions import db

    with shared_app.app_context():
        engine = db.engines[None]
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def seeded_engine(own_databases: Databases, seeded_template: str) -> Iterator[Any]:
    from sqlalchemy import create_engine

    from app.extensions import prepare_engine

    engine = create_engine(own_databases.copy(seeded_template, "seeded_tests"))
    prepare_engine(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def app(shared_app: Flask, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application on one engine. Its database is the test's transaction: nothing a test does is seen by another."""
    from app.extensions import db

    own = request.getfixturevalue("bare_engine")
    engine = request.getfixturevalue("seeded_engine") if "seeded" in request.fixturenames else own
    before = dict(shared_app.config)
    connection = databases.share(engine)
    with shared_app.app_context():
        engines = db.engines
    engines[None] = connection
    yield shared_app
    connection.finish()
    engines[None] = own
    shared_app.config.clear()
    shared_app.config.update(before)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of the test, inside an application context. Requests use others, in the same transaction: `expire_all()` after one."""
    from app.extensions import db

    with app.app_context():
        yield db.session()


@pytest.fixture
def seeded(session: Session) -> Session:
    """The session, on a database that holds the catalogues, one organisation and its processes."""
    return session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser nobody signed in with."""
    return app.test_client()


@pytest.fixture
def csrf(app: Flask) -> None:
    """Forms need their token, as in production."""
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.fixture
def make(seeded: Session, app: Flask) -> Factory:
    """Everything the factories below can make, in one object."""
    return Factory(seeded)


@pytest.fixture
def a_user(make: Factory) -> Callable[..., Any]:
    """a_user(role, process=None, **columns) → User, owner of *process* (a Process or its code) when given."""
    return make.user


@pytest.fixture
def a_party(make: Factory) -> Callable[..., Any]:
    """a_party(**columns) → Party."""
    return make.party


@pytest.fixture
def an_account(make: Factory) -> Callable[..., Any]:
    """an_account(**columns) → Account."""
    return make.account


@pytest.fixture
def a_case(make: Factory) -> Callable[..., Any]:
    """a_case(at=None, **fields of Filing) → Pqr; `request_type`, `channel` and `service` may be codes."""
    return make.case


@pytest.fixture
def login() -> Callable[[FlaskClient, Any], FlaskClient]:
    """login(client, user) → the client, signed in as *user* without walking through the form."""

    def sign_in(client: FlaskClient, user: Any) -> FlaskClient:
        user_id = str(user.id)

        def write() -> None:
            with client.session_transaction() as cookie:
                cookie.clear()
                cookie["_user_id"], cookie["_fresh"] = user_id, True

        contextvars.Context().run(write)
        return client

    return sign_in


@pytest.fixture
def at(app: Flask) -> Callable[[str], None]:
    """at("2026-07-10T10:00-05:00") moves the clock of the application; it stands still there."""

    def move(instant: str) -> None:
        app.config["ATIENDE_NOW"] = instant

    return move


@pytest.fixture
def count_statements(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """with count_statements() as statements: … → the SQL that ran inside the block."""
    from app.extensions import db

    def counting() -> AbstractContextManager[list[str]]:
        with app.app_context():
            return databases.statements_of(db.engines[None])

    return counting


@pytest.fixture
def make_fresh_app(own_databases: Databases, seeded_template: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """make_fresh_app(**settings) → an application on its own seeded copy, where commits are real."""
    from app.extensions import db

    made: list[tuple[Flask, str]] = []

    def build(**more: Any) -> Flask:
        url = own_databases.copy(seeded_template)
        app = make_app(url, tmp_path, **more)
        made.append((app, url))
        return app

    yield build
    for app, url in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()
        own_databases.drop(url)


@pytest.fixture
def fresh_app(make_fresh_app: Callable[..., Flask]) -> Flask:
    """An application on its own seeded database; what a test commits there stays until the test ends."""
    return make_fresh_app()


@pytest.fixture(scope="session")
def stage(own_databases: Databases, seeded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Somebody in every role and a case in every state, with CSRF on; each request is undone."""
    from app.extensions import db

    app = make_app(own_databases.copy(seeded_template), tmp_path_factory.mktemp("stage"), WTF_CSRF_ENABLED=True)
    with app.app_context():
        engine = db.engines[None]
        db.engines[None] = connection = databases.share(engine)
        stage = Stage(app, connection, db.session())
    yield stage
    connection.finish()
    engine.dispose()


@pytest.fixture
def limited_app(make_fresh_app: Callable[..., Flask]) -> Flask:
    """The same with CSRF and the rate limits of production on."""
    return make_fresh_app(WTF_CSRF_ENABLED=True, RATELIMIT_ENABLED=True, AUTH_RATE_LIMITED=True)
