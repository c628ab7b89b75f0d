"""What was reported to the SUI stays as it was, whoever writes to the tables: the triggers of migration 0013, below the ORM."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.db import world


@pytest.fixture
def load(session):
    return world.build(session)["sui_load"][0]


def run(session, statement, **values):
    with session.begin_nested():
        session.connection().execute(text(statement), values)


def frozen(session, load):
    """Put *load* back to what it was when it was frozen, and nobody had reported it."""
    if session.get_bind().dialect.name == "postgresql":
        away, back = (f"ALTER TABLE sui_load {word} TRIGGER sui_load_keeps" for word in ("DISABLE", "ENABLE"))
    else:
        away = "DROP TRIGGER sui_load_keeps"
        back = session.execute(text("SELECT sql FROM sqlite_master WHERE name = 'sui_load_keeps'")).scalar_one()
    run(session, away)
    run(session, "UPDATE sui_load SET status = 'FROZEN', sent_on = NULL, receipt = '', receipt_file_id = NULL WHERE id = :id", id=load.id)
    run(session, back)


#: A world costs seconds, so each is broken in all the ways.
CHANGES = (
    "n_rows = n_rows + 1", "sha256 = 'f' || substr(sha256, 2)", "month = '2026-05-01'", "version = 2, reason = 'Otra'",
    "is_draft = NOT is_draft", "rules = '{\"a\": 1}'", "warnings = '[1]'", "frozen_by_id = (SELECT min(id) FROM ab_user)",
    "format = 'INTERRUPTIONS'", "file_id = receipt_file_id, receipt_file_id = NULL", "receipt = 'R-9'", "sent_on = '2026-07-11'",
    "receipt_file_id = NULL", "sent_on = NULL, receipt = '', status = 'FROZEN'",
)  # fmt: skip
STATEMENTS = (
    *(f"UPDATE sui_load SET {change} WHERE id = :id" for change in CHANGES),
    "DELETE FROM sui_load WHERE id = :id", "DELETE FROM sui_load_row WHERE load_id = :id",
    "UPDATE sui_load_row SET cells = '[\"2\"]' WHERE load_id = :id", "UPDATE sui_load_row SET position = 2 WHERE load_id = :id",
    "UPDATE sui_load_row SET pqr_id = NULL, interruption_id = (SELECT min(id) FROM interruption) WHERE load_id = :id",
)  # fmt: skip


def test_what_was_frozen_and_told_does_not_change_and_stays(session, load):
    for statement in STATEMENTS:
        with pytest.raises(IntegrityError, match="frozen: sui_load"):
            run(session, statement, id=load.id)


def test_a_load_goes_on_to_be_told_and_replaced_and_never_back(session, load):
    frozen(session, load)
    run(session, "UPDATE sui_load SET status = 'SENT', sent_on = '2026-07-10', receipt = 'R-1' WHERE id = :id", id=load.id)
    run(session, "UPDATE sui_load SET status = 'REPLACED' WHERE id = :id", id=load.id)
    for back in ("SENT", "FROZEN"):
        with pytest.raises(IntegrityError, match="frozen: sui_load"):
            run(session, f"UPDATE sui_load SET status = '{back}' WHERE id = :id", id=load.id)


def test_a_load_that_nobody_told_may_be_replaced(session, load):
    frozen(session, load)
    run(session, "UPDATE sui_load SET status = 'REPLACED' WHERE id = :id", id=load.id)

    assert session.execute(text("SELECT status FROM sui_load WHERE id = :id"), {"id": load.id}).scalar_one() == "REPLACED"
