"""`flask atiende deadline`: the legal calendar on the command line, with the data of the installation or with what ships."""

from __future__ import annotations

import contextvars
import csv
import json
from datetime import date, time
from pathlib import Path

import pytest
from sqlalchemy import select

from app import queries
from app.models import CalendarDay, CalendarYear, LegalTerm
from tests.conftest import make_app

with (Path(__file__).parents[1] / "data" / "test_vectors_terms.csv").open(encoding="utf-8") as file:
    VECTORS = list(csv.DictReader(file))


def invoke(app, *args):
    """Run the command outside of the context of the test, as a shell does."""
    return contextvars.Context().run(app.test_cli_runner().invoke, args=["atiende", "deadline", *args])


def answer(app, *args):
    result = invoke(app, *args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def empty_app(tmp_path_factory):
    """An application before `flask db upgrade`: its database has no tables."""
    folder = tmp_path_factory.mktemp("empty")
    return make_app(f"sqlite:///{folder / 'none.db'}", folder)


@pytest.fixture
def installed(app, seeded):
    """The application on the catalogues, and the session to change them."""
    seeded.commit()
    return app


# ── The twelve worked dates ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["filed"])
def test_the_worked_dates_hold_on_the_loaded_catalogues(installed, vector):
    facts = answer(installed, "--regime", "ley142", "--type", "RECLAMO", "--filed", vector["filed"])

    assert facts["filed"] == vector["filed"]
    assert facts["effective"] == vector["treated_as_filed_on"]
    assert facts["due"] == vector["due_15bd_next_day_rule"]
    assert facts["safe"] < facts["due"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["filed"])
@pytest.mark.parametrize(
    ("request_type", "column"),
    [("PETICION", "due_15bd_next_day_rule"), ("INFORMACION", "due_10bd"), ("CONSULTA", "due_30bd")],
)
def test_the_worked_dates_hold_without_a_database(empty_app, vector, request_type, column):
    facts = answer(empty_app, "--regime", "ley1755", "--type", request_type, "--filed", vector["filed"])

    assert facts["effective"] == vector["treated_as_filed_on"]
    assert facts["due"] == vector[column]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["filed"])
def test_the_other_reading_of_day_one_gives_the_other_date(installed, seeded, vector):
    statement = select(LegalTerm).filter_by(regime="LEY142", act="ANSWER", request_type="RECLAMO")
    seeded.scalars(statement).one().count_from = "SAME_DAY"
    seeded.commit()

    assert answer(installed, "--filed", vector["filed"])["due"] == vector["due_15bd_same_day_rule"]


# ── What it prints ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_steps_tell_the_count(installed):
    facts = answer(installed, "--regime", "ley142", "--type", "RECLAMO", "--filed", "2026-07-10")

    assert "158" in facts["norm"]
    counted = [step["n"] for step in facts["steps"] if step["n"]]
    assert counted == list(range(1, 16))
    chiquinquira = next(step for step in facts["steps"] if step["on"] == "2026-07-13")
    assert chiquinquira["kind"] == "HOLIDAY"
    assert "Ley 2578" in chiquinquira["norm"]
    assert [step["on"] for step in facts["steps"] if step["is_due"]] == [facts["due"]]
    assert [step["on"] for step in facts["steps"] if step["is_safe"]] == [facts["safe"]]


def test_people_get_a_table_with_the_same_dates(installed):
    result = invoke(installed, "--filed", "2026-07-10")

    assert result.exit_code == 0
    assert "10/07/2026" in result.stdout
    assert "04/08/2026" in result.stdout
    assert "Chiquinquirá" in result.stdout


def test_the_hour_counts_where_the_office_closes(installed, seeded):
    assert answer(installed, "--filed", "2026-07-10", "--time", "17:30")["effective"] == "2026-07-10"

    queries.organisation(seeded).closes_at = time(17, 0)
    seeded.commit()

    facts = answer(installed, "--filed", "2026-07-10", "--time", "17:30")
    assert (facts["effective"], facts["time"]) == ("2026-07-14", "17:30")


def test_a_type_brings_its_own_regime(installed):
    facts = answer(installed, "--type", "habeas_data_consulta", "--filed", "2026-07-10")

    assert facts["regime"] == "ley1581"
    assert facts["term"]["value"] == 10


def test_without_a_date_it_is_filed_today(installed):
    assert answer(installed)["filed"] == "2026-07-10"


def test_an_edit_of_the_calendar_shows(installed, seeded):
    seeded.delete(seeded.scalars(select(CalendarDay).where(CalendarDay.on == date(2026, 7, 13))).one())
    seeded.commit()

    assert answer(installed, "--filed", "2026-07-10")["due"] == "2026-08-03"


def test_before_there_are_tables_it_says_what_it_used(empty_app):
    result = invoke(empty_app, "--filed", "2026-07-10", "--json")

    assert json.loads(result.stdout)["due"] == "2026-08-04"
    assert "Atiende" in result.stderr


def test_empty_tables_count_as_none(app):
    result = invoke(app, "--filed", "2026-07-10", "--json")

    assert json.loads(result.stdout)["due"] == "2026-08-04"
    assert result.stderr


def test_on_loaded_catalogues_standard_error_stays_silent(installed):
    assert invoke(installed, "--filed", "2026-07-10", "--json").stderr == ""


# ── What it refuses ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--type", "FOO", "--filed", "2026-07-10"], "RECLAMO"),
        (["--regime", "ley1", "--filed", "2026-07-10"], "ley142"),
        (["--filed", "2026-02-31"], "2026-02-31"),
        (["--filed", "10/07/2026"], "10/07/2026"),
        (["--filed", "2026-07-10", "--time", "25:00"], "25:00"),
        (["--filed", "2036-07-10"], "2036"),
        (["--filed", "2035-12-28"], "2036"),
        (["--filed", "1990-01-02"], "1990"),
        (["--regime", "ley1480", "--type", "RECURSO", "--filed", "2026-07-10"], "RECURSO"),
    ],
)
def test_what_cannot_be_computed_ends_with_code_2_and_says_why(installed, args, told):
    result = invoke(installed, *args, "--json")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_year_that_nobody_loaded_is_named(installed, seeded):
    for row in seeded.scalars(select(CalendarDay).where(CalendarDay.year == 2027)):
        seeded.delete(row)
    seeded.flush()
    seeded.delete(seeded.get(CalendarYear, 2027))
    seeded.commit()

    result = invoke(installed, "--filed", "2026-12-24")

    assert result.exit_code == 2
    assert "2027" in result.stderr
