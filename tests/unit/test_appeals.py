"""Recursos: the worked dates of docs/rules/pqr-appeals.md, every reason against one, and where a decision goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.appeals import (
    NORM_OF,
    AppealedAct,
    AppealFacts,
    admits_queja,
    answer_final_on,
    decision_final_on,
    decision_open_until,
    goes_to_sspd,
    reasons_against,
)
from app.domain.deadlines import TermAct, TermUnit, term_end
from app.domain.errors import CalendarGap
from app.domain.states import APPEAL_OUTCOMES, AppealKind, Inadmissibility, Outcome
from tests.unit.test_deadlines import COLOMBIA, d, term

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "pqr-appeals.md"
APPEAL, QUEJA = term(5, act=TermAct.APPEAL), term(5, act=TermAct.QUEJA_APPEAL)
SEND = term(3, act=TermAct.SEND_TO_SSPD)
INVOICE_CLAIM = term(5, TermUnit.CALENDAR_MONTHS, act=TermAct.INVOICE_CLAIM)
ONLY_REPOSICION, WITH_APELACION = AppealKind
IN_TIME = AppealFacts(
    filed_on=d("2026-04-07"),
    appeal_until=d("2026-04-07"),
    act=AppealedAct.INVOICING,
    claimed_on=d("2026-03-03"),
    invoice_on=d("2026-02-13"),
)


def rows_under(head: str) -> list[list[str]]:
    """Return the cells of the table of the page whose head starts with *head*."""
    lines = PAGE.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head}"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def day(cell: str) -> date | None:
    return None if cell == "–" else d(cell)


# ── Worked dates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("case", "served", "last", "final"), rows_under("Case | First answer"))
def test_the_first_answer_is_final_the_day_after_the_term_that_the_page_says(case, served, last, final):
    appeal_until = term_end(d(served), APPEAL, COLOMBIA)

    assert appeal_until == d(last), case
    assert answer_final_on(d(served), appeal_until) == d(final), case


@pytest.mark.parametrize(("kind", "decision", "served", "send", "queja", "result", "final"), rows_under("Kind | Decision"))
def test_a_decision_goes_where_the_page_says_and_is_final_when_it_says(kind, decision, served, send, queja, result, final):
    kind, decision, served_on = AppealKind[kind], Outcome[decision], d(served)
    open_until = decision_open_until(kind, decision, served_on, QUEJA, COLOMBIA)

    assert (term_end(served_on, SEND, COLOMBIA) if goes_to_sspd(kind, decision) else None) == day(send)
    assert open_until == day(queja)
    assert decision_final_on(kind, decision, served_on, open_until, day(result)) == day(final)


# ── Reasons against an appeal ─────────────────────────────────────────────────────────────────────────────────────────────

LATE, OLD_INVOICE, NOT_APPEALABLE, UNPAID, DUPLICATE = Inadmissibility


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"filed_on": d("2026-04-08")}, (LATE,)),
        ({"filed_on": d("2026-03-28")}, ()),  # a Saturday before the last day
        ({"act": AppealedAct.OTHER}, (NOT_APPEALABLE,)),
        ({"appeal_until": None}, (NOT_APPEALABLE,)),  # another regime: no term that it could miss
        ({"is_undisputed_paid": False}, (UNPAID,)),
        ({"is_undisputed_paid": False, "act": AppealedAct.CUT}, ()),  # only sums are paid in part
        ({"is_repeated": True}, (DUPLICATE,)),
        ({"invoice_on": None}, ()),
        (
            {"filed_on": d("2026-05-04"), "invoice_on": d("2025-09-01"), "is_undisputed_paid": False, "is_repeated": True},
            (LATE, OLD_INVOICE, UNPAID, DUPLICATE),
        ),
        ({"invoice_on": d("2025-09-01"), "act": AppealedAct.REFUSAL}, ()),
    ],
)
def test_every_reason_that_applies_is_told(changes, reasons):
    assert reasons_against(replace(IN_TIME, **changes), INVOICE_CLAIM, COLOMBIA) == reasons


@pytest.mark.parametrize(
    ("issued", "last"),
    [
        ("2025-08-31", "2026-02-02"),  # 31 January is a Saturday
        ("2025-09-30", "2026-03-02"),  # the last of February, a Saturday
        ("2025-11-02", "2026-04-06"),  # Holy Thursday
        ("2026-02-13", "2026-07-14"),  # 13 July, the holiday of 2026
        ("2026-08-31", "2027-02-01"),  # year end; 31 January is a Sunday
    ],
)
def test_an_invoice_may_be_claimed_up_to_five_calendar_months_and_not_a_day_more(issued, last):
    facts = replace(IN_TIME, invoice_on=d(issued), claimed_on=d(last))
    a_day_late = replace(facts, claimed_on=d(last) + timedelta(days=1))

    assert reasons_against(facts, INVOICE_CLAIM, COLOMBIA) == ()
    assert reasons_against(a_day_late, INVOICE_CLAIM, COLOMBIA) == (OLD_INVOICE,)


def test_a_year_without_calendar_is_an_error_and_no_guess():
    with pytest.raises(CalendarGap):
        reasons_against(replace(IN_TIME, invoice_on=d("2037-12-01")), INVOICE_CLAIM, COLOMBIA)


def test_every_reason_names_its_article():
    assert set(NORM_OF) == set(Inadmissibility)
    assert all("art" in norm for norm in NORM_OF.values())


# ── Where a decision goes ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", AppealKind)
@pytest.mark.parametrize("decision", APPEAL_OUTCOMES)
def test_a_decision_goes_to_superservicios_or_opens_the_queja_or_ends_it_here(kind, decision):
    ways = [goes_to_sspd(kind, decision), admits_queja(kind, decision)]

    assert not all(ways)
    assert any(ways) == (kind is WITH_APELACION and decision is not Outcome.REVOKED)


@given(
    kind=st.sampled_from(AppealKind),
    decision=st.sampled_from(APPEAL_OUTCOMES),
    served_on=st.dates(date(2020, 1, 1), date(2036, 6, 30)),
)
def test_no_decision_is_final_while_something_can_still_be_filed_or_awaited(kind, decision, served_on):
    open_until = decision_open_until(kind, decision, served_on, QUEJA, COLOMBIA)
    final_on = decision_final_on(kind, decision, served_on, open_until)

    if goes_to_sspd(kind, decision):
        assert final_on is None
        assert decision_final_on(kind, decision, served_on, open_until, served_on) == served_on + timedelta(days=1)
    else:
        assert final_on > (open_until or served_on)


@pytest.mark.parametrize(
    ("waived", "final"),
    [("2026-03-30", "2026-03-31"), ("2026-03-27", "2026-03-28"), ("2026-04-20", "2026-04-08"), ("2026-03-20", "2026-03-28")],
)
def test_a_waiver_makes_final_the_day_after_it_within_notice_and_term(waived, final):
    assert answer_final_on(d("2026-03-27"), d("2026-04-07"), d(waived)) == d(final)


def test_without_recurso_an_answer_is_final_the_day_after_its_notice():
    assert answer_final_on(d("2026-12-31"), None) == d("2027-01-01")
