"""The figures of the boards, on houses small enough that each is written here by hand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.dashboards import cases, commercial, quality, satisfaction
from app.dashboards.base import LIVING, Moment, Spans
from app.domain.improvement import ActionStatus
from app.domain.states import Outcome, RatingVia, SilenceGround
from app.models import Rating, Silence
from app.operations import pqr as operations
from app.operations.tabulation import tabulate
from app.reports import behaviour_sources
from app.reports.base import Reader
from app.reports.behaviour_sources import Dimension
from app.reports.forms import Span
from tests.databases import statements_of

TODAY = date(2026, 7, 10)
JUNE, MAY = Span(date(2026, 6, 1), date(2026, 6, 30)), Span(date(2026, 5, 1), date(2026, 5, 31))


def everything(statement: Any) -> Any:
    return statement


def moment(session: Any, asked: Span = JUNE, **scopes: Any) -> Moment:
    """Return the reading of somebody who sees all, but for what *scopes* narrow."""
    tables = ("pqr", "field_order", "contract", "checklist", "action", "nonconformity", "risk", "survey_alarm")
    reader = Reader(1, "Gerencia", lambda _right, _view: not scopes, {name: scopes.get(name, everything) for name in tables})
    return Moment(session, reader, Spans.of(asked, TODAY), TODAY)


def groups(facts: Any, name: str) -> dict[str, Any]:
    """Return the values of the groups that have some, by label, or by the first day of a month."""
    found = {group.label or group.key[:10]: group.values if len(group.values) > 1 else group.values[0] for group in facts.groups[name]}
    return {label: value for label, value in found.items() if (any(value) if isinstance(value, tuple) else value)}


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_that_is_over_is_compared_with_the_month_before_and_with_that_of_a_year_ago():
    spans = Spans.of(Span(date(2026, 3, 1), date(2026, 3, 31)), TODAY)

    assert spans.before == Span(date(2026, 2, 1), date(2026, 2, 28))
    assert spans.year_ago == Span(date(2025, 3, 1), date(2025, 3, 31))
    assert not spans.is_running


def test_a_month_under_way_is_compared_with_as_many_days():
    spans = Spans.of(Span(date(2026, 7, 1), date(2026, 7, 31)), TODAY)

    assert spans.is_running
    assert spans.now == Span(date(2026, 7, 1), TODAY)
    assert spans.before == Span(date(2026, 6, 1), date(2026, 6, 10))
    assert spans.year_ago == Span(date(2025, 7, 1), date(2025, 7, 10))


def test_as_many_days_never_leave_the_month_before():
    spans = Spans.of(Span(date(2026, 3, 1), date(2026, 3, 31)), date(2026, 3, 30))

    assert spans.before == Span(date(2026, 2, 1), date(2026, 2, 28))


# ── Cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def filed(seeded, make):
    """
    June: three filed, one of them voided; two answered, one late. May: one filed and answered in time. July: one filed, due on the 24th.

    One of May is open and late; a silence arose in June, and another was none. Two ratings in June, of 5 and 2.
    """

    def case(on: str, process: str = "FACTURACION", answered: str = "") -> Any:
        pqr = make.case(f"{on}T10:00-05:00")
        if process:
            operations.route(seeded, pqr, make.process(process), "Es de su área", at=instant(on, 11), actor_id=None)
        if answered:
            operations.solve(seeded, pqr, "Se revisó", Outcome.GRANTED, at=instant(answered), actor_id=None)
            operations.mark_answered(seeded, pqr, at=instant(answered, 11), actor_id=None)
        return pqr

    made = {
        "late": case("2026-05-04"), "may": case("2026-05-05", answered="2026-05-12"), "june": case("2026-06-02", answered="2026-06-10"),
        "late_answer": case("2026-05-11", "TECNICA", answered="2026-06-30"), "july": case("2026-07-02", "TECNICA"),
        "voided": case("2026-06-03", ""), "open": case("2026-06-30"),
    }  # fmt: skip
    operations.void(seeded, made["voided"], "Repetida", at=instant("2026-06-04"), actor_id=None)
    told = {"ground": SilenceGround.TERM, "recognise_by": date(2026, 6, 12)}
    seeded.add_all([
        Silence(pqr_id=made["late"].id, arisen_on=date(2026, 6, 9), **told),
        Silence(pqr_id=made["open"].id, arisen_on=date(2026, 6, 9), withdrawn_on=date(2026, 6, 10), withdrawn_reason="Día cívico", **told),
        *(Rating(pqr=made[name], rated_at=instant("2026-06-12"), rated_on=date(2026, 6, 12), score=score, via=RatingVia.LINK,
                 channel=made[name].channel) for name, score in (("june", 5), ("may", 2))),
    ])  # fmt: skip
    seeded.flush()
    return made


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


def test_the_board_of_cases_counts_what_a_hand_counts(seeded, filed):
    facts = cases.read(moment(seeded))

    assert {name: facts.numbers[name] for name in ("filed", "answered", "in_time", "late_answers", "silences", "scores", "ratings")} == {
        "filed": [2, 3, 0], "answered": [2, 1, 0], "in_time": [1, 1, None], "late_answers": [1, 0, 0], "silences": [1, 0, 0],
        "scores": [7, None, None], "ratings": [2, 0, 0],
    }  # fmt: skip
    today = ("open", "late", "silence", "now", "soon", "ok", "stopped", "to_recognise")
    assert {name: facts.numbers[name] for name in today} == {
        "open": [3], "late": [1], "silence": [1], "now": [0], "soon": [0], "ok": [2], "stopped": [0], "to_recognise": [1],
    }  # fmt: skip
    assert groups(facts, "months") == {"2026-05-01": (3, 1, 0), "2026-06-01": (2, 1, 1)}
    assert sorted(sum(values) for values in groups(facts, "workload").values()) == [1, 2]
    assert [sum(group.values[0] for group in facts.groups[name]) for name in ("request_type", "channel", "cause", "process")] == [2] * 4
    assert groups(facts, "scores") == {"5": 1, "2": 1}


def test_the_year_ends_with_the_month_that_is_looked_at(seeded, filed):
    facts = cases.read(moment(seeded, Span(date(2026, 7, 1), date(2026, 7, 31))))

    assert [group.key for group in facts.groups["months"]][-1] == "2026-07-01..2026-07-31"
    assert len(facts.groups["months"]) == 12
    assert groups(facts, "months")["2026-07-01"] == (1, 0, 0)


def test_the_board_and_the_behaviour_report_say_the_same(seeded, filed):
    facts = cases.read(moment(seeded))
    counts = behaviour_sources.headlines(seeded, everything, Spans.of(JUNE, TODAY).all, today=TODAY)

    assert [each.filed for each in counts] == facts.numbers["filed"]
    assert [each.answered for each in counts] == facts.numbers["answered"]
    assert [each.late for each in counts] == facts.numbers["late_answers"]
    assert [each.silences for each in counts] == facts.numbers["silences"]
    by_channel = behaviour_sources.counts_by(seeded, everything, JUNE, Dimension.CHANNEL)
    assert {label: n for _key, label, n, _answered, _late in by_channel if n} == groups(facts, "channel")


def test_a_reader_of_some_cases_counts_those_alone(seeded, filed):
    from app.models import Pqr

    mine = filed["late_answer"].id
    facts = cases.read(moment(seeded, pqr=lambda statement: statement.where(Pqr.id == mine)))

    assert facts.numbers["filed"] == [0, 1, 0]
    assert facts.numbers["answered"] == [1, 0, 0] and facts.numbers["late_answers"] == [1, 0, 0]
    assert facts.numbers["open"] == [0] and facts.numbers["silences"] == [0, 0, 0] and facts.numbers["ratings"] == [0, 0, 0]
    assert groups(facts, "months") == {"2026-05-01": (1, 0, 0), "2026-06-01": (0, 0, 1)}


@pytest.mark.parametrize("board", [cases, commercial, satisfaction, quality], ids=lambda board: board.BOARD.key)
def test_a_board_costs_as_many_statements_whatever_there_is(seeded, make, board):
    def cost() -> int:
        seeded.expire_all()
        with statements_of(seeded.connection()) as statements:
            board.read(moment(seeded))
        return len(statements)

    cost()
    empty = cost()
    for n in range(4):
        make.case(f"2026-06-0{n + 1}T10:00-05:00")
        make.quotation("ACCEPTED")
        make.contract()
        make.planned_action("RUNNING")
        make.risk()
    seeded.flush()

    assert cost() <= empty
    assert empty <= 8


# ── The commercial side ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_commercial_board_counts_what_a_hand_counts(seeded, make):
    accepted, waits, old = make.quotation("ACCEPTED"), make.quotation("SENT"), make.quotation("SENT", sent_on=date(2026, 6, 8),
                                                                                               requested_on=date(2026, 6, 1))  # fmt: skip
    make.quotation("REJECTED")
    make.quotation("DRAFT")
    make.contract()
    make.contract(ends_on=date(2026, 7, 31))
    make.contract(stage="DRAFT")
    seeded.flush()
    facts = commercial.read(moment(seeded, Span(date(2026, 7, 1), date(2026, 7, 31))))

    total = accepted.total_cop
    assert facts.numbers["sent"] == [3, 1, 0]
    assert facts.numbers["sent_cop"] == [total + waits.total_cop * 2, old.total_cop, 0]
    assert facts.numbers["ended"][0] == 2 and facts.numbers["won"][0] == 1 and facts.numbers["won_cop"][0] == total
    assert facts.numbers["waiting"] == [2] and facts.numbers["waiting_cop"] == [waits.total_cop + old.total_cop]
    assert facts.numbers["old"] == [1]
    assert facts.numbers["unmade"] == [1]
    assert (facts.numbers["active"], facts.numbers["ending"], facts.numbers["running"]) == ([1], [1], [2])
    assert [(group.key, group.values) for group in facts.groups["ages"]] == [("0", (1,)), ("3", (1,))]
    assert {group.key: group.values[0] for group in facts.groups["states"]} == {"DRAFT": 1, "ACTIVE": 1, "ENDING": 1}
    assert groups(facts, "months") == {"2026-06-01": (1, 0, 0), "2026-07-01": (3, 1, 1)}
    assert groups(facts, "ends") == {"2026-07-01": 1, "2027-01-01": 1}
    assert [group.label for group in facts.groups["waiting"]] == [old.number, waits.number]
    assert facts.groups["contracts"][0].values[1] == date(2026, 7, 31)


# ── The management system ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_board_of_quality_counts_what_a_hand_counts(seeded, make):
    asked = datetime.fromisoformat("2026-06-15T10:00-05:00")
    make.planned_action("DONE", at=instant("2026-06-01"))
    make.planned_action("OPEN", asked_at=asked, due_on=date(2026, 7, 1))
    make.planned_action("RUNNING", asked_at=asked)
    make.risk(5, 5)
    make.risk(1, 1)
    make.legal_requirement()
    seeded.flush()
    facts = quality.read(moment(seeded))

    assert facts.numbers["asked"] == [2, 0, 0]
    assert facts.numbers["done"] == [1, 0, 0] and facts.numbers["judged"] == [1, 0, 0] and facts.numbers["effective"] == [1, None, None]
    assert facts.numbers["alive"] == [2] and facts.numbers["late"] == [1]
    assert facts.numbers["risks"] == [2] and facts.numbers["gaps"] == [1]
    assert {group.key: group.values[0] for group in facts.groups["actions"]} == {
        ActionStatus.DONE.name: 1, ActionStatus.OPEN.name: 1, ActionStatus.RUNNING.name: 1,
    }  # fmt: skip
    assert sum(group.values[0] for group in facts.groups["bands"]) == 2
    assert [group.values[1] for group in facts.groups["late"]] == [date(2026, 7, 1)]


def test_an_owner_reads_the_quality_of_his_processes_alone(seeded, make):
    from app.models import Action, Risk

    make.planned_action("OPEN")
    make.risk()
    seeded.flush()
    nothing = {"action": lambda rows: rows.where(Action.id < 0), "risk": lambda rows: rows.where(Risk.id < 0)}
    facts = quality.read(moment(seeded, **nothing))

    assert facts.numbers["alive"] == [0] and facts.numbers["risks"] == [0]
    assert facts.groups["actions"] == [] and facts.groups["bands"] == [] and facts.groups["late"] == []


# ── Satisfaction ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_board_of_satisfaction_has_the_figures_of_the_results_page(seeded, make):
    campaign = make.campaign()
    for score in ("5", "4", "4", "2", "1", "5"):
        make.response(campaign, {"P1": score})
    seeded.flush()
    facts = satisfaction.read(moment(seeded))
    found = tabulate(seeded, campaign)

    assert facts.numbers["csat"][0] == Decimal(f"{found.csat.value:.1f}")
    assert facts.numbers["nps"][0] == Decimal(f"{found.nps.nps.score.value:.1f}")
    assert facts.numbers["complete"] == [6]
    assert facts.said["campaign"] == str(campaign.id)
    assert facts.groups["campaigns"][0].values[2] == 6


def test_fewer_answers_than_may_be_shown_give_no_figure(seeded, make):
    campaign = make.campaign()
    for _n in range(4):
        make.response(campaign)
    seeded.flush()
    facts = satisfaction.read(moment(seeded, survey_alarm=everything))

    assert facts.of("csat") is None and "rounds" not in facts.groups
    assert facts.groups["campaigns"][0].values[2] == 4


def test_ratings_are_averaged_by_month_and_channel(seeded, filed):
    facts = satisfaction.read(moment(seeded))

    assert facts.numbers["scores"] == [7, None, None] and facts.numbers["satisfied"] == [1, None, None]
    assert groups(facts, "months") == {"2026-06-01": Decimal("3.5")}
    assert list(groups(facts, "channels").values()) == [Decimal("3.5")]


def test_every_state_but_voided_counts():
    assert "VOIDED" not in LIVING.split(",") and "CLOSED" in LIVING.split(",")
