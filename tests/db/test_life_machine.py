"""
Random lives: several cases at once, lawful and unlawful acts in any order, days that pass over Holy Week, July and the year end.

After every step the history explains the state, the dates are those that follow from it, the ledger has no holes, numbers no gaps,
what was issued is as it was, and what was refused has changed nothing. At the end every case still reaches an end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask_appbuilder import Model
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from app import queries
from app.domain.deadlines import ClockEvent, ClockEventKind, deadline_of
from app.domain.errors import DomainError
from app.domain.ledger import spans
from app.domain.states import ARROWS, Identity, Move, PqrStatus
from app.domain.times import stages_of
from app.extensions import local
from app.jobs import NIGHTLY
from app.models import NumberSeries, Pqr, Process, RequestType, Service
from app.operations.pqr import stored_dates
from tests.db.tries import TRIES, House, Pick, Try, finish, instant, possible

STARTS = ("2026-03-13", "2026-03-27", "2026-06-19", "2026-07-09", "2026-11-27", "2026-12-18")
KINDS = ("RECLAMO", "INFORMACION", "HABEAS_DATA_CONSULTA", "HABEAS_DATA_RECLAMO", "AUTORIDAD")
MOST_CASES = 3
#: What belongs to cases, and what may never change once it is there.
TABLES = [
    table
    for table in Model.metadata.sorted_tables
    if table.name in {"pqr", "number_series"} or any(key.references(Model.metadata.tables["pqr"]) for key in table.foreign_keys)
]
DAYS = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 8, 13, 35])
FROZEN = ("document", "case_event", "stored_file")

Rows = dict[str, dict[Any, tuple[Any, ...]]]


class Lives(RuleBasedStateMachine):
    """The house and its cases; `session` and `make` come with the subclass of each test."""

    session: Any
    make: Any

    @initialize(start=st.sampled_from(STARTS))
    def open_the_house(self, start: str) -> None:
        self.savepoint = self.session.begin_nested()
        self.house = House(
            self.session,
            self.make.user("Subgerente administrativo y comercial"),
            self.session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id).limit(2)).all(),
            self.session.scalars(select(RequestType).where(RequestType.code.in_(KINDS)).order_by(RequestType.id)).all(),
            self.session.scalars(select(Service).where(Service.code.in_(("ACUEDUCTO", "ESPECIAL")))).all(),
            instant(start),
        )
        self.rows: Rows = self.read()
        self.file_one("RECLAMO", Identity.NAMED, True)

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            try:
                self.bring_every_case_to_an_end()
            finally:
                self.savepoint.rollback()
                self.session.expire_all()

    @property
    def cases(self) -> list[Pqr]:
        """Every case of the house, with those that appeals made."""
        return list(self.session.scalars(select(Pqr).order_by(Pqr.id)))

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def file_one(self, kind: str, identity: Identity, is_e_notice: bool) -> None:
        fields: dict[str, Any] = {"request_type": kind, "identity": identity}
        if identity is Identity.ANONYMOUS:
            fields["party"] = None
        elif is_e_notice:
            fields |= {"is_e_notice": True, "notice_email": "luz@example.com"}
        self.make.case(at=self.house.now, **fields)
        self.house.now += timedelta(minutes=1)
        self.everything_is_in_order()

    @precondition(lambda self: len(self.cases) < MOST_CASES)
    @rule(kind=st.sampled_from(KINDS), identity=st.sampled_from(Identity), is_e_notice=st.booleans())
    def file(self, kind: str, identity: Identity, is_e_notice: bool) -> None:
        self.file_one(kind, identity, is_e_notice)

    def pass_days(self, days: int) -> None:
        """Days pass; the nights in between make happen by themselves what the law says, all of it in the last one."""
        if days:
            self.house.now += timedelta(days=days)
            for duty in NIGHTLY:
                duty(self.session, self.house.now)
            self.everything_is_in_order()

    @rule(data=st.data(), days=DAYS, times=st.integers(1, 3))
    def go_on(self, data: st.DataObject, days: int, times: int) -> None:
        """Do what a case allows that day and does not end it early."""
        self.pass_days(days)
        pqr = data.draw(st.sampled_from(self.cases))
        for _time in range(times):
            if makers := possible(self.house, pqr):
                self.attempt(pqr, data.draw(st.sampled_from(makers))(self.house, pqr, Pick(data.draw)))

    @rule(data=st.data(), days=DAYS, names=st.lists(st.sampled_from(sorted(TRIES)), min_size=1, max_size=4))
    def try_anything(self, data: st.DataObject, days: int, names: list[str]) -> None:
        """Try what comes to mind, with whatever arguments."""
        self.pass_days(days)
        pqr = data.draw(st.sampled_from(self.cases))
        for name in names:
            self.attempt(pqr, TRIES[name](self.house, pqr, Pick(data.draw, careful=False)))

    def attempt(self, pqr: Pqr, made: Try) -> None:
        """Run a try: the law and the operation are of one mind, and a refusal leaves everything as it was."""
        try:
            with self.session.begin_nested():  # as a request does
                made.run()
        except DomainError as refused:
            assert not made.is_lawful, f"refused: {refused}"
            assert self.read() == self.rows, "what was refused left a trace"
        else:
            assert made.is_lawful, f"{pqr.status}: the law does not allow it"
            self.everything_is_in_order()
        self.house.now += timedelta(minutes=1)

    # ── what always holds ─────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self) -> Rows:
        """Return every row that belongs to cases, by table and key."""
        self.session.flush()
        rows: Rows = {}
        for table in TABLES:
            key = next(iter(table.primary_key.columns)).key
            rows[table.name] = {row._mapping[key]: tuple(row) for row in self.session.execute(select(table).order_by(*table.primary_key))}
        return rows

    def everything_is_in_order(self) -> None:
        rows = self.read()
        for name in FROZEN:
            assert all(rows[name].get(key) == row for key, row in self.rows[name].items()), f"{name}: the past was rewritten"
        self.rows = rows
        self.numbers_have_no_gaps()
        for pqr in self.cases:
            self.the_history_explains_the_state(pqr)
            self.the_dates_follow_from_the_history(pqr)
            self.the_ledger_has_no_holes(pqr)

    def the_history_explains_the_state(self, pqr: Pqr) -> None:
        filing, *moves = pqr.events
        assert (filing.move, filing.from_status, filing.to_status) == (Move.FILE, None, PqrStatus.RECEIVED)
        status, at = PqrStatus.RECEIVED, filing.at
        for event in moves:
            arrow = ARROWS[event.move]
            assert event.from_status is status and status in arrow.sources
            status = arrow.target_from(status)
            assert event.to_status is status
            assert at <= event.at and pqr.filed_on <= event.on <= local(event.at).date()
            at = event.at
        assert pqr.status is status

    def the_dates_follow_from_the_history(self, pqr: Pqr) -> None:
        stops = [ClockEvent(event.on, ClockEventKind[event.clock], event.reason, event.act) for event in pqr.events if event.clock]
        deadline = deadline_of(local(pqr.filed_at), queries.rule_of_case(pqr), self.house.calendar(pqr), stops)
        for column, value in stored_dates(pqr.status, deadline).items():
            assert getattr(pqr, column) == value, column

    def the_ledger_has_no_holes(self, pqr: Pqr) -> None:
        lines = pqr.assignments
        assert lines[0].in_at == pqr.filed_at
        reopened = [event for event in pqr.events if event.move is Move.APPEAL and event.from_status is PqrStatus.CLOSED]
        gaps = [following for line, following in pairwise(lines) if (line.out_at, line.out_on) != (following.in_at, following.in_on)]
        assert len(gaps) <= len(reopened)  # only what was final, and then appealed, lay with nobody
        assert [line.out_at is None for line in lines] == [False] * (len(lines) - 1) + [not pqr.status.is_final]
        calendar, until = self.house.calendar(pqr), lines[-1].out_on or self.house.today
        held = spans([(line.process.name, "", line.in_on, line.out_on) for line in lines], calendar, until)
        assert gaps or sum(span.n_days for span in held) == calendar.between(pqr.filed_on, until)
        if pqr.answered_on:
            routed_on = next(event.on for event in pqr.events if event.to_status is PqrStatus.ROUTED)
            stages = stages_of(pqr.effective_on, routed_on, pqr.solved_on, pqr.answered_on, pqr.notified_on, calendar)
            before = [span.n_days for span in held if span.out_on and span.out_on <= pqr.answered_on]
            assert stages.total == calendar.between(pqr.effective_on, pqr.answered_on)
            assert sum(filter(None, (stages.desk, stages.process, stages.approval))) == stages.total <= sum(before)

    def numbers_have_no_gaps(self) -> None:
        issued = defaultdict(list)
        for row in [*self.rows["pqr"].values(), *self.rows["document"].values()]:
            if number := next((cell for cell in row if isinstance(cell, str) and re.fullmatch(r"[A-Z]+-\d{4}-\d{6}", cell)), None):
                prefix, year, n = number.rsplit("-", 2)
                issued[prefix, int(year)].append(int(n))
        for series in self.session.scalars(select(NumberSeries)):
            assert sorted(issued[series.prefix, series.year]) == list(range(1, series.last + 1))

    def bring_every_case_to_an_end(self) -> None:
        """Let a diligent house finish what is open: no case is stuck, however it got where it is."""
        for _round in range(16):
            if not (open_cases := [pqr for pqr in self.cases if not pqr.status.is_final]):
                break
            self.pass_days(20)
            for pqr in open_cases:
                if not pqr.status.is_final and (step := finish(self.house, pqr, Pick())):
                    step.run()
            self.everything_is_in_order()
        assert [pqr.number for pqr in self.cases if not pqr.status.is_final] == []


@pytest.fixture
def unprinted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are stored without being set: what they look like is tested elsewhere."""
    monkeypatch.setattr("app.documents.base.render", lambda template, data: b"%PDF-1.7 " + data["document_number"].encode())
    monkeypatch.setattr("app.documents.base.with_pages_of", lambda content, annexes: content)
    monkeypatch.setattr("app.documents.base.qr", lambda text: [])


def test_random_lives_stay_lawful(seeded, make, engine, unprinted):
    Here = type("Here", (Lives,), {"session": seeded, "make": make})

    n_examples, n_steps = (46, 40) if engine == "sqlite" else (8, 40)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=n_examples, stateful_step_count=n_steps, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
