"""The tables of docs/rules/pqr-silence.md, recomputed with the terms that ship with the product."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from app.domain.calendar import ONE_DAY
from app.domain.deadlines import Regime, term_end
from app.domain.notices import terms_of
from app.domain.silence import arisen, risk_days
from tests.unit.test_chains import CALENDAR, RULES

PAGE = (Path(__file__).parents[2] / "docs/rules/pqr-silence.md").read_text(encoding="utf-8")


def rows(header: str) -> list[list[date]]:
    """Return the dates of the table that begins with *header*."""
    table = PAGE[PAGE.index(f"| {header} |") :].split("\n\n")[0]
    dates = ([date.fromisoformat(day) for day in re.findall(r"\d{4}-\d\d-\d\d", line)] for line in table.splitlines()[2:])
    return [found for found in dates if found]


@pytest.mark.parametrize(("due", "arises", "recognise_by"), rows("Due"), ids=str)
def test_a_silence_arises_the_day_after_and_is_recognised_within_72_hours(due, arises, recognise_by):
    found = arisen(due, RULES, CALENDAR)

    assert (found.on, found.recognise_by) == (arises, recognise_by)


@pytest.mark.parametrize(("answered", "summons_by", "untried", "unserved"), rows("Answered"), ids=str)
def test_an_answer_runs_the_risk_from_the_day_after_its_step_was_due(answered, summons_by, untried, unserved):
    terms = terms_of(RULES, Regime.LEY142, answered)
    days = {on: risk_days(terms, CALENDAR, on) for day in (untried, unserved) for on in (day - ONE_DAY, day)}

    assert term_end(answered, terms.summons, CALENDAR) == summons_by
    assert days[untried - ONE_DAY].untried < answered <= days[untried].untried
    assert days[unserved - ONE_DAY].unserved < answered <= days[unserved].unserved


def test_the_page_has_its_tables():
    assert len(rows("Due")) >= 5
    assert len(rows("Answered")) >= 5
