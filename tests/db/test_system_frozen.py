"""What the database itself keeps of actions, indicators, documents and reviews, whoever writes and how: the triggers of migration 0012."""

from __future__ import annotations

import pytest

from tests.db import world
from tests.db.test_survey_frozen import STAMP, refusal_of, run

REVIEW = "UPDATE action SET kind = 'CORRECTION', status = 'REVIEW' WHERE id = :action"
DONE = "UPDATE action SET kind = 'CORRECTION', status = 'DONE', result = 'Hecho', ended_on = '2026-12-01' WHERE id = :action"
CANCELLED = "UPDATE action SET status = 'CANCELLED', result = 'Ya no', ended_on = '2026-12-01' WHERE id = :action"
OPEN_TASK = "UPDATE action_task SET status = 'OPEN', ended_on = NULL, said = '' WHERE id = :task"
NEW_TASK = (
    "INSERT INTO action_task (action_id, round, position, what, due_on, status, said, created_at, changed_at)"
    f" VALUES (:action, 1, 2, 'Otra', '2026-12-01', 'OPEN', '', {STAMP})"
)

TASKS = [
    "UPDATE action_task SET said = 'Otra cosa' WHERE id = :task",
    OPEN_TASK,
    "UPDATE action_task SET action_id = :other_action, position = 9 WHERE id = :task",
    "UPDATE action_task SET action_id = :action, position = 9 WHERE id = :other_task",
    NEW_TASK,
    "DELETE FROM action_task WHERE id = :task",
]  # fmt: skip

REPORT = "UPDATE indicator_value SET reported_at = '2026-07-10 15:00:00+00:00', reported_by_id = :user WHERE id = :value"
FIGURES = [
    "UPDATE indicator_value SET value = 91, numerator = 91 WHERE id = :value",
    "UPDATE indicator_value SET denominator = 11 WHERE id = :value",
    "UPDATE indicator_value SET goal = 80 WHERE id = :value",
    "UPDATE indicator_value SET standing = 'GOOD' WHERE id = :value",
    "UPDATE indicator_value SET n_excluded = 3 WHERE id = :value",
    "UPDATE indicator_value SET analysis = 'Por la lluvia' WHERE id = :value",
    "UPDATE indicator_value SET period_until = '2026-07-31' WHERE id = :value",
    "UPDATE indicator_value SET indicator_id = :other_indicator, period_from = '2026-05-01' WHERE id = :value",
    "DELETE FROM indicator_value WHERE id = :value",
]  # fmt: skip

PUT_IN_FORCE = "UPDATE document_edition SET status = 'IN_FORCE', in_force_on = '2026-07-10', is_of_before = (1 = 1) WHERE id = :edition"
RETIRE = "UPDATE document_edition SET status = 'RETIRED', retired_on = '2026-12-01' WHERE id = :edition"
EDITION = [
    "UPDATE document_edition SET version = '9' WHERE id = :edition",
    "UPDATE document_edition SET change = 'Otra cosa' WHERE id = :edition",
    "UPDATE document_edition SET changed_on = '2026-07-11' WHERE id = :edition",
    "UPDATE document_edition SET file_id = NULL WHERE id = :edition",
    "UPDATE document_edition SET document_id = :other_document, version = '8' WHERE id = :edition",
    "UPDATE document_edition SET approved_by_id = :user, approved_at = '2026-07-10 15:00:00+00:00' WHERE id = :edition",
    "DELETE FROM document_edition WHERE id = :edition",
]  # fmt: skip

SIGN = (
    "UPDATE management_review SET status = 'SIGNED', signed_at = '2026-07-10 15:00:00+00:00', signed_by_id = :user, attendees = 'Ana',"
    " conclusion = 'Conviene', document_id = :document WHERE id = :review"
)
MINUTES = [
    "UPDATE management_review SET conclusion = 'No conviene' WHERE id = :review",
    "UPDATE management_review SET attendees = 'Luz' WHERE id = :review",
    "UPDATE management_review SET held_on = '2026-07-11' WHERE id = :review",
    """UPDATE management_review SET remarks = '{"pqr": "Otra"}' WHERE id = :review""",
    """UPDATE management_review SET facts = '{"pqr": 3}' WHERE id = :review""",
    "UPDATE review_decision SET text = 'Otra' WHERE id = :decision",
    "UPDATE review_decision SET due_on = '2027-01-01' WHERE id = :decision",
    "UPDATE review_decision SET review_id = :other_review, position = 9 WHERE id = :decision",
    "INSERT INTO review_decision (review_id, position, topic, text, process_id, due_on, created_at, changed_at)"
    f" VALUES (:review, 2, '', 'Otra', :process, '2026-12-01', {STAMP})",
    "DELETE FROM review_decision WHERE id = :decision",
]  # fmt: skip


@pytest.fixture
def ids(session):
    """The world of the constraints, by the names that the statements use: nothing of it is frozen yet."""
    rows = world.build(session)
    names = {
        "action": "action", "task": "action_task", "user": "ab_user", "indicator": "indicator", "value": "indicator_value",
        "edition": "document_edition", "document": "document", "review": "management_review", "decision": "review_decision",
        "process": "process",
    }  # fmt: skip
    found = {f"{prefix}{name}": rows[table][n].id for name, table in names.items() for n, prefix in enumerate(("", "other_"))}
    found["other_document"] = rows["controlled_document"][1].id
    for statement in ("UPDATE action_file SET task_id = NULL", "DELETE FROM indicator_note"):
        run(session, statement, found)
    return found


def refusals(session, statements, ids) -> dict[str, str]:
    return {statement: refusal_of(session, statement, ids) for statement in statements}


def assert_freezes(session, ids, statements, freezing, said) -> None:
    """Assert that all *statements* pass now, and that none does after *freezing*."""
    assert refusals(session, statements, ids) == dict.fromkeys(statements, "")
    for statement in freezing:
        run(session, statement, ids)

    assert [statement for statement, why in refusals(session, statements, ids).items() if said not in why] == []


@pytest.mark.parametrize("ending", [REVIEW, DONE, CANCELLED], ids=["waits for its review", "done", "called off"])
def test_the_tasks_of_an_action_that_is_carried_out_or_over_stay(session, ids, ending):
    assert_freezes(session, ids, TASKS, [ending], "frozen: action_task")


def test_the_tasks_of_an_action_that_was_taken_up_again_move_again(session, ids):
    run(session, REVIEW, ids)
    run(session, "UPDATE action SET status = 'OPEN', round = 2 WHERE id = :action", ids)

    assert refusals(session, TASKS, ids) == dict.fromkeys(TASKS, "")


@pytest.mark.parametrize("move", [REVIEW, DONE], ids=["to its review", "to its end"])
def test_nothing_goes_to_its_review_or_ends_with_an_open_task(session, ids, move):
    assert refusal_of(session, move, ids) == ""
    run(session, OPEN_TASK, ids)

    assert "gate: open task" in refusal_of(session, move, ids)
    assert refusal_of(session, CANCELLED, ids) == ""


def test_a_new_open_task_closes_the_gate_too(session, ids):
    run(session, NEW_TASK, ids)

    assert "gate: open task" in refusal_of(session, DONE, ids)
    run(session, "UPDATE action_task SET status = 'DROPPED', ended_on = '2026-12-01', said = 'Sobra' WHERE position = 2", ids)
    assert refusal_of(session, DONE, ids) == ""


def test_the_figures_of_a_reported_value_stay(session, ids):
    assert_freezes(session, ids, FIGURES, [REPORT], "frozen: indicator_value")


def test_a_reported_value_gets_what_comes_after_it_and_is_not_taken_back(session, ids):
    run(session, REPORT, ids)

    later = "UPDATE indicator_value SET action_id = :action, later_value = 91, differs_since = '2026-12-01' WHERE id = :value"
    assert refusal_of(session, later, ids) == ""
    taken_back = "UPDATE indicator_value SET reported_at = NULL, reported_by_id = NULL WHERE id = :value"
    assert "frozen" in refusal_of(session, taken_back, ids)


@pytest.mark.parametrize("freezing", [[PUT_IN_FORCE], [PUT_IN_FORCE, RETIRE]], ids=["in force", "replaced"])
def test_an_approved_edition_keeps_every_word(session, ids, freezing):
    assert_freezes(session, ids, EDITION, freezing, "frozen: document_edition")


def test_an_edition_in_force_is_only_replaced(session, ids):
    run(session, PUT_IN_FORCE, ids)

    assert "frozen" in refusal_of(session, "UPDATE document_edition SET status = 'DRAFT', in_force_on = NULL WHERE id = :edition", ids)
    run(session, RETIRE, ids)
    assert "frozen" in refusal_of(session, "UPDATE document_edition SET status = 'IN_FORCE', retired_on = NULL WHERE id = :edition", ids)


def test_a_document_has_one_edition_in_force(session, ids):
    run(session, PUT_IN_FORCE, ids)
    second = (
        "UPDATE document_edition SET document_id = (SELECT document_id FROM document_edition WHERE id = :edition), version = '2',"
        " status = 'IN_FORCE', in_force_on = '2026-12-01', is_of_before = (1 = 1) WHERE id = :other_edition"
    )

    assert "unique" in refusal_of(session, second, ids).lower()
    run(session, RETIRE, ids)
    assert refusal_of(session, second, ids) == ""


def test_signed_minutes_and_their_decisions_stay(session, ids):
    assert_freezes(session, ids, MINUTES, [SIGN], "frozen: ")


def test_a_signed_review_is_not_deleted(session, ids):
    run(session, "DELETE FROM review_decision WHERE id = :decision", ids)
    run(session, SIGN, ids)

    assert "frozen: management_review" in refusal_of(session, "DELETE FROM management_review WHERE id = :review", ids)


def test_a_decision_gets_its_action_at_the_signature(session, ids):
    run(session, SIGN, ids)

    assert refusal_of(session, "UPDATE review_decision SET action_id = :action WHERE id = :decision", ids) == ""


def test_minutes_are_of_one_review(session, ids):
    run(session, SIGN, ids)

    assert "unique" in refusal_of(session, SIGN.replace("id = :review", "id = :other_review"), ids).lower()


@pytest.mark.parametrize("column", ["legal_term_id", "answer_template_id", "parameter_key"])
def test_a_thing_rests_on_an_obligation_once(session, ids, column):
    rows = {"legal_term_id": "legal_term", "answer_template_id": "answer_template", "parameter_key": "parameter"}
    some = f"(SELECT min({'key' if column == 'parameter_key' else 'id'}) FROM {rows[column]})"
    requirement = "(SELECT max(id) FROM legal_requirement)"
    written = f"INSERT INTO legal_rest (requirement_id, {column}, created_at, changed_at) VALUES ({requirement}, {some}, {STAMP})"
    run(session, "DELETE FROM legal_rest", ids)
    run(session, written, ids)

    assert "unique" in refusal_of(session, written, ids).lower()
