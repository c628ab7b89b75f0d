"""PostgreSQL keeps the plans of our statements from one page to the next, and still undoes what a transaction wrote."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app.extensions import KEEPS_PLAN, prepare_engine
from tests.databases import admin_url

ONE, MANY = text("SELECT 142 + :n"), 8
KEPT = ONE.execution_options(**KEEPS_PLAN)


pytestmark = pytest.mark.one_engine  # of its own: PostgreSQL


@pytest.fixture
def postgres():
    engine = create_engine(admin_url(), pool_size=1, max_overflow=0)
    prepare_engine(engine)
    yield engine
    engine.dispose()


def kept(postgres) -> int:
    with postgres.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%142%'"))


def read(postgres, statement) -> None:
    for n in range(MANY):
        with postgres.connect() as connection:  # closed without a commit, as the session of a page is
            assert connection.scalar(statement, {"n": n}) == 142 + n


def test_a_statement_that_says_so_keeps_its_plan(postgres):
    read(postgres, KEPT)

    assert kept(postgres) == 1


def test_any_other_is_planned_for_its_values(postgres):
    read(postgres, ONE)

    assert kept(postgres) == 0


def test_what_was_written_and_not_committed_is_undone(postgres):
    with postgres.begin() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE kept_plans (n integer)"))
    with postgres.connect() as connection:
        connection.scalar(ONE, {"n": 1})
        connection.execute(text("INSERT INTO kept_plans VALUES (1)"))
        connection.scalar(ONE, {"n": 2})
    with postgres.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept_plans")) == 0


def test_a_write_inside_a_common_table_expression_is_undone_too(postgres):
    with postgres.begin() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE kept_plans (n integer)"))
    with postgres.connect() as connection:
        connection.execute(text("WITH new AS (INSERT INTO kept_plans VALUES (1) RETURNING n) SELECT * FROM new"))
    with postgres.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept_plans")) == 0


def test_after_a_statement_that_failed_the_connection_serves_on(postgres):
    with pytest.raises(DBAPIError), postgres.connect() as connection:
        connection.scalar(text("SELECT 1 / :n"), {"n": 0})
    read(postgres, KEPT)

    assert kept(postgres) == 1
