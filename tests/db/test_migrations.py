"""What the migrations build is what the models say, forwards, backwards and forwards again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_appbuilder import Model
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import CheckConstraint, MetaData, Table, create_engine, insert, inspect, select

from tests.conftest import make_app


@pytest.fixture
def empty_app(own_databases, tmp_path) -> Iterator:
    """An application on a database without a single table."""
    from app.extensions import db

    url = own_databases.create(f"empty{tmp_path.name[-6:]}".replace("-", "_"))
    app = make_app(url, tmp_path)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    own_databases.drop(url)


#: How the tables that SQLite's full-text index keeps for itself begin.
FULL_TEXT = "search_words"


def tables(app) -> set[str]:
    """Return the tables that exist, asked on a connection of its own."""
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    names = {name for name in inspect(engine).get_table_names() if not name.startswith(FULL_TEXT)}
    engine.dispose()
    return names


def test_every_revision_goes_forth_and_back(empty_app):
    upgrade()
    built = tables(empty_app)
    downgrade(revision="base")
    left = tables(empty_app)
    upgrade()

    assert {table.name for table in Model.metadata.sorted_tables} | {"alembic_version"} == built
    assert left == {"alembic_version"}
    assert tables(empty_app) == built


AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
STAMP = {"created_at": AT, "changed_at": AT}


class Rows:
    """Rows of a database at some revision, written and read by the columns that it has there."""

    def __init__(self, app) -> None:
        self._url = app.config["SQLALCHEMY_DATABASE_URI"]

    def _do(self, name, act):
        engine = create_engine(self._url)
        try:
            with engine.begin() as connection:
                return act(connection, Table(name, MetaData(), autoload_with=connection))
        finally:
            engine.dispose()

    def add(self, table_name: str, **values) -> None:
        def act(connection, table):
            known = {column.name for column in table.columns}
            stamp = {key: value for key, value in STAMP.items() if key in known}
            connection.execute(insert(table).values(**stamp | values))

        self._do(table_name, act)

    def of(self, name: str) -> list[dict]:
        return self._do(name, lambda connection, table: [dict(row) for row in connection.execute(select(table).order_by("id")).mappings()])


def old_actions(rows: Rows) -> None:
    """Write a house with an action in each state that there was, and from each origin."""
    rows.add("municipality", code="11001", name="Prueba", department="Prueba")
    rows.add("organisation", id=1, name="E", nit="890903938", regime="LEY142", municipality_code="11001", address="Calle 1", phone="",
             email="a@example.com", website="", sui_company_id="", signatory_name="Ana", signatory_title="Gerente",
             working_week="12345", opens_at=time(8), closes_at=time(17))  # fmt: skip
    rows.add("process", id=1, code="P1", name="Proceso", is_front_desk=True, is_active=True)
    of = {"organisation_id": 1, "kind": "CORRECTIVE", "origin_path": "", "title": "Calibrar", "description": "", "process_id": 1,
          "asked_on": date(2026, 1, 1), "due_on": date(2026, 2, 1)}  # fmt: skip
    ended = {"ended_on": date(2026, 1, 20), "result": "Se calibró"}
    open_ = {"result": ""}
    states = (("OPEN", "CHECKLIST", open_), ("DONE", "PQR", ended), ("CANCELLED", "SURVEY", ended), ("OPEN", "OTHER", open_))
    for n, (status, origin, ending) in enumerate(states, 1):
        rows.add("action", id=n, number=f"AC-2026-000{n}", status=status, origin=origin, origin_key="", **of, **ending)


def test_old_actions_keep_what_they_say_and_pass_the_new_gates(empty_app):
    rows = Rows(empty_app)
    upgrade(revision="0011")
    old_actions(rows)
    before = rows.of("action")
    upgrade()
    after = rows.of("action")

    assert [{name: row[name] for name in before[0]} for row in after] == before
    assert [row["is_of_before"] for row in after] == [False, True, False, False]
    assert {(row["round"], row["cause"], row["measure"], row["verdict"]) for row in after} == {(1, "", None, None)}
    downgrade(revision="0011")
    assert rows.of("action") == before


def test_what_came_after_the_gates_goes_back_as_something_open(empty_app):
    rows = Rows(empty_app)
    upgrade(revision="0011")
    old_actions(rows)
    upgrade()
    of = rows.of("action")[0] | {"origin": "RISK", "cause": "Nadie lo revisa", "measure": "JUDGED", "window_days": 30,
                                 "review_on": date(2026, 6, 1)}  # fmt: skip
    for n, status in enumerate(("PLANNED", "RUNNING", "REVIEW"), 5):
        rows.add("action", **of | {"id": n, "number": f"AC-2026-000{n}", "status": status})
    rows.add("action_task", id=1, action_id=5, round=1, position=1, what="Revisar", due_on=date(2026, 5, 1), status="OPEN", said="")
    rows.add("action_event", action_id=5, at=AT, move="PLAN", from_status="", to_status="", reason="", facts={})
    downgrade(revision="0011")
    kept = rows.of("action")

    assert [(row["status"], row["origin"]) for row in kept[4:]] == [("OPEN", "OTHER")] * 3
    assert len(kept) == 7
    assert not {"action_task", "action_event", "risk", "legal_requirement"} & tables(empty_app)
    upgrade()
    assert [row["number"] for row in rows.of("action")] == [f"AC-2026-000{n}" for n in range(1, 8)]


def test_the_revisions_are_one_line_without_forks(empty_app):
    migrate: Migrate = empty_app.extensions["migrate"].migrate
    scripts = ScriptDirectory.from_config(migrate.get_config())

    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


@pytest.fixture(scope="module")
def migrated(engine_url):
    """A connection to the migrated database of this worker."""
    engine = create_engine(engine_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_models_and_the_migrated_database_agree(migrated, engine):
    def is_ours(_item, name, kind, is_reflected, _counterpart):
        if kind == "index":
            return engine != "sqlite" or not name.startswith("ix_search_doc_")  # PostgreSQL's
        return not (kind == "table" and is_reflected and name.startswith(FULL_TEXT))

    context = MigrationContext.configure(migrated, opts={"compare_type": True, "include_object": is_ours})

    assert compare_metadata(context, Model.metadata) == []


def checks_of_models() -> dict[tuple[str, str], str]:
    """Return {(table, CHECK): its text}; Alembic compares no CHECKs, so we do."""
    return {
        (table.name, str(check.name)): check.sqltext.compile(compile_kwargs={"literal_binds": True}).string
        for table in Model.metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }


def checks_of_database(connection) -> dict[tuple[str, str], str]:
    inspector = inspect(connection)
    return {
        (table, check["name"]): check["sqltext"]
        for table in inspector.get_table_names()
        for check in inspector.get_check_constraints(table)
    }


def test_the_checks_of_the_models_are_those_of_the_database(migrated):
    assert set(checks_of_database(migrated)) == set(checks_of_models())


def plain(sql: str) -> str:
    """Return *sql* without blanks, table names and quotes of identifiers, which differ without meaning anything."""
    return re.sub(r'\s|"|\b\w+\.(?=\w)', "", sql).lower()


def test_the_checks_say_the_same_words(migrated, engine):
    """SQLite keeps the text of a CHECK as it was written; PostgreSQL rewrites it, and is built by the same revisions."""
    if engine != "sqlite":
        return
    written = {name: plain(text) for name, text in checks_of_database(migrated).items()}

    assert written == {name: plain(text) for name, text in checks_of_models().items()}
