"""Rows of the claims file, whatever the case: what is answered is whole, what is pending is empty, and a past month does not change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import DomainError
from app.domain.states import AppealKind, NoticeMeans, Outcome, PqrStatus
from app.domain.sui import (
    CLAIM_FIELDS,
    ClaimFacts,
    MapRow,
    RuleRow,
    Standing,
    SuiMapKind,
    SuiRuleKey,
    SuiWeight,
    check_member,
    check_value,
    claim_of,
    clean,
    first_of,
    is_reported,
    last_of,
    rules_in_force,
    standing_of,
)
from app.operations.seeds import read_seed

JULY, UNTIL = date(2026, 7, 1), date(2026, 7, 31)


def day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def validity(row: dict[str, str]) -> tuple[date, date | None]:
    return date.fromisoformat(row["valid_from"]), day(row["valid_until"])


#: What ships with the product.
RULES = [
    RuleRow(SuiRuleKey[row["key"]], row["value"], SuiWeight[row["weight"]], None, *validity(row)) for row in read_seed("sui_rule")
]
MAPS = [MapRow(SuiMapKind[row["kind"]], row["member"], row["code"], None, *validity(row)) for row in read_seed("sui_map")]
AAA = rules_in_force(RULES, MAPS, 1, UNTIL)
FACTS = ClaimFacts(
    7, "PQR-2026-000007", date(2026, 7, 2), PqrStatus.ROUTED, 1, due_on=date(2026, 8, 20), procedure="1", group="F", detail="102",
    cause_service_id=1, cause_from=date(2016, 7, 1), account="77", account_id=3, place="08001", invoice="123",
)  # fmt: skip
ANSWERED = replace(
    FACTS, status=PqrStatus.NOTIFIED, answered_on=date(2026, 7, 10), notified_on=date(2026, 7, 14), outcome=Outcome.DENIED,
    answer_number="RES-1", notice=NoticeMeans.IN_PERSON,
)  # fmt: skip

dates = st.dates(date(2026, 5, 1), date(2026, 9, 30))


@st.composite
def facts(draw) -> ClaimFacts:
    """Any case that the database could hold: filed, perhaps ended, answered and notified, in that order."""
    filed_on = draw(dates)
    due_on = filed_on + timedelta(draw(st.integers(5, 40)))
    answered_on = draw(st.none() | st.integers(0, 60).map(lambda n: filed_on + timedelta(n)))
    told = {"answered_on": answered_on, "outcome": draw(st.sampled_from(Outcome)), "answer_number": "RES-9"} if answered_on else {}
    status = PqrStatus.ANSWERED if answered_on else PqrStatus.ROUTED
    if answered_on and draw(st.booleans()):
        told |= {"notified_on": answered_on + timedelta(draw(st.integers(0, 20))), "notice": draw(st.sampled_from(NoticeMeans))}
        status = PqrStatus.NOTIFIED
    if not answered_on and draw(st.booleans()):
        status = draw(st.sampled_from([PqrStatus.TRANSFERRED, PqrStatus.WITHDRAWN, PqrStatus.ARCHIVED]))
        told |= {"closed_on": filed_on + timedelta(draw(st.integers(0, 60))), "closing_number": "ACT-1"}
    appeal = draw(st.none() | st.sampled_from(AppealKind))
    group, detail = draw(st.sampled_from([("F", "102"), ("P", "303"), (None, None)]))
    return replace(FACTS, filed_on=filed_on, due_on=due_on, status=status, appeal=appeal, group=group, detail=detail, **told)


@settings(max_examples=300)
@given(facts())
def test_a_row_has_its_answer_whole_or_none_of_it(case):
    claim = claim_of(case, AAA, UNTIL)
    told = [claim.values[name] for name in ("answered_on", "answer_number", "notified_on")]

    assert set(claim.values) == set(CLAIM_FIELDS)
    if claim.values["answer"] in ("9", "10"):
        assert told == ["", "", ""]
        assert claim.values["notice"] == "3"
    elif not claim.is_bad:
        assert all(told)
    assert claim.values["transferred_on"] == "" or claim.values["procedure"] == "5"


@settings(max_examples=300)
@given(facts(), st.integers(1, 400))
def test_what_happens_after_the_month_does_not_change_its_row(case, n_days):
    """Whatever came later, the row of July is that of a case to which it has not happened."""
    later = replace(
        case, answered_on=case.answered_on if case.answered_on and case.answered_on <= UNTIL else None,
        notified_on=case.notified_on if case.notified_on and case.notified_on <= UNTIL else None,
        closed_on=case.closed_on if case.closed_on and case.closed_on <= UNTIL else None,
        transferred_on=UNTIL + timedelta(n_days),
    )  # fmt: skip
    if later.answered_on is None and standing_of(case, UNTIL) is not Standing.ENDED:
        later = replace(later, outcome=None, answer_number=None, notice=None, status=PqrStatus.ROUTED)

    assert claim_of(later, AAA, UNTIL).values == claim_of(case, AAA, UNTIL).values


@given(facts())
def test_no_cell_breaks_the_file(case):
    claim = claim_of(replace(case, number='RAD,"1";\n2', account="A,B", answer_number=case.answer_number and "R,1"), AAA, UNTIL)

    assert not any(letter in cell for cell in claim.values.values() for letter in ',;"\n')


@pytest.mark.parametrize("due_on, standing", [(UNTIL, Standing.EXPIRED), (date(2026, 8, 1), Standing.PENDING), (None, Standing.PENDING)])
def test_a_term_is_over_at_the_end_of_its_last_day(due_on, standing):
    assert standing_of(replace(FACTS, due_on=due_on), UNTIL) is standing


def test_a_whole_row_has_no_fault():
    assert claim_of(ANSWERED, AAA, UNTIL).faults == ()
    assert claim_of(FACTS, AAA, UNTIL).faults == ()


BROKEN = {
    "PLACE_OF_ACCOUNT": ({"place": "00001"}, {"place": "08000"}, {"place": ""}, {"settlement": "1"}),
    "RADICADO": ({"number": "SIN"},),
    "PROCEDURES": ({"procedure": "7"},),
    "CAUSE_OF_SERVICE": ({"group": None}, {"detail": None}, {"cause_service_id": 2}, {"cause_from": date(2026, 7, 3)},
                         {"cause_until": date(2026, 7, 1)}),
    "GROUPS": ({"group": "I"},),
    "INVOICE_OF_GROUP": ({"invoice": None}, {"invoice": "N"}, {"invoice": "F-1"}, {"invoice": "12 3"}),
    "ANSWER_WHOLE": ({"answer_number": None}, {"notice": None}, {"outcome": None}),
    "DATES_IN_ORDER": ({"answered_on": date(2026, 7, 1)}, {"notified_on": date(2026, 7, 9)}),
    "TRANSFER_OF_APPEAL": ({"transferred_on": date(2026, 7, 20)},),
}  # fmt: skip


@pytest.mark.parametrize("rule, change", [(rule, change) for rule, changes in BROKEN.items() for change in changes], ids=str)
def test_each_rule_refuses_what_breaks_it(rule, change):
    claim = claim_of(replace(ANSWERED, **change), AAA, UNTIL)

    assert claim.is_bad
    assert rule in {fault.rule.name for fault in claim.faults if fault.refuses}
    for fault in claim.faults:
        assert fault.msgid % fault.fields if fault.fields else fault.msgid


def test_a_rule_that_is_not_there_checks_nothing():
    none = rules_in_force([], MAPS, 1, UNTIL)

    assert claim_of(replace(ANSWERED, place="", invoice=None, group=None), none, UNTIL).faults == ()


def test_an_apelacion_whose_file_did_not_leave_is_pointed_out_unless_all_was_granted():
    case = replace(ANSWERED, appeal=AppealKind.REPOSICION_APELACION, outcome=Outcome.CONFIRMED)

    assert [fault.rule.name for fault in claim_of(case, AAA, UNTIL).faults] == ["TRANSFERRED"]
    assert claim_of(replace(case, transferred_on=UNTIL), AAA, UNTIL).values["transferred_on"] == "31-07-2026"
    assert claim_of(replace(case, outcome=Outcome.REVOKED), AAA, UNTIL).faults == ()
    assert not claim_of(case, AAA, UNTIL).is_bad


def test_a_type_without_procedure_is_not_reported_and_a_recurso_always_is():
    assert not is_reported(replace(FACTS, procedure=None), AAA)
    assert is_reported(replace(FACTS, procedure=None, appeal=AppealKind.REPOSICION), AAA)


def test_the_rule_of_a_service_beats_that_of_all_and_the_newer_the_older():
    key = SuiRuleKey.NO_NOTICE
    rows = [
        RuleRow(key, "5", SuiWeight.REFUSES, 1, date(2020, 1, 1)), RuleRow(key, "3", SuiWeight.REFUSES, None, date(2021, 1, 1)),
        RuleRow(key, "4", SuiWeight.REFUSES, None, date(2016, 1, 1), date(2020, 12, 31)),
    ]  # fmt: skip

    assert rules_in_force(rows, [], 1, UNTIL).one(key) == "5"
    assert rules_in_force(rows, [], 2, UNTIL).one(key) == "3"
    assert rules_in_force(rows, [], 2, date(2020, 12, 31)).one(key) == "4"
    assert rules_in_force(rows, [], 2, date(2015, 1, 1)).one(key) == ""


def test_group_i_was_accepted_until_2018():
    assert rules_in_force(RULES, MAPS, 1, date(2018, 12, 31)).many(SuiRuleKey.GROUPS) == ("F", "P", "I")
    assert AAA.many(SuiRuleKey.GROUPS) == ("F", "P")


@pytest.mark.parametrize("row", read_seed("sui_rule"), ids=lambda row: row["key"])
def test_the_rules_that_ship_are_possible(row):
    check_value(SuiRuleKey[row["key"]], row["value"])


@pytest.mark.parametrize("row", read_seed("sui_map"), ids=lambda row: row["member"])
def test_the_equivalences_that_ship_are_possible(row):
    check_member(SuiMapKind[row["kind"]], row["member"])


def test_a_foreign_member_is_refused():
    with pytest.raises(DomainError):
        check_member(SuiMapKind.ANSWER_OF_STATE, "NOTIFIED")


def test_months_begin_and_end_where_they_do():
    assert (first_of(date(2024, 2, 17)), last_of(date(2024, 2, 17))) == (date(2024, 2, 1), date(2024, 2, 29))
    assert clean(' a,\n b;"c" ') == "a b c"
