"""What the migrations build is what the models say, forwards, backwards and forwards again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_appbuilder import Model
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import CheckConstraint, create_engine, inspect

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
