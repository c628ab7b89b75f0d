"""R10-01-01 against the database: every cell, the figures, the filters, and rows worked by hand."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from flask_babel import gettext as _
from openpyxl import load_workbook
from sqlalchemy import select

from app import queries
from app.domain.states import Identity, Outcome, PqrStatus
from app.domain.times import Timeliness
from app.extensions import local
from app.models import Pqr, Process
from app.operations import notices, requirements
from app.operations import pqr as operations
from app.queries import TimesFilter
from app.reports.base import ControlledFormat, Cover
from app.reports.response_times import HEADER, ResponseTimes
from app.reports.xlsx import write_xlsx
from tests.factories import stop

TODAY = date(2026, 7, 10)
TITLES = [column.title for column in HEADER]


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00")


class Life:
    """Makes a case live: each date is the day of that step; None stops there."""

    def __init__(self, session, make) -> None:
        self.session, self.make = session, make

    def step(self, move, pqr, *args, day, **more):
        return move(self.session, pqr, *args, at=instant(day, 11), actor_id=None, **more)

    def case(self, filed, routed=None, solved=None, answered=None, notified=None, process="FACTURACION", **fields):
        pqr = self.make.case(instant(filed), **fields)
        if routed:
            self.step(operations.route, pqr, self.make.process(process), "Revisar", day=routed)
        if solved:
            self.step(operations.solve, pqr, "Se revisó", Outcome.GRANTED, day=solved)
        if answered:
            self.step(operations.mark_answered, pqr, day=answered)
        if notified:
            notices.record_notice(
                self.session, pqr, served_on=date.fromisoformat(notified), proof="La recibió", at=instant(notified, 12), actor_id=None
            )
        return pqr


@pytest.fixture
def life(seeded, make):
    return Life(seeded, make)


@pytest.fixture
def control(seeded):
    """control(**filter) → the report on TODAY, for somebody who sees all cases."""

    def build(today=TODAY, scope=lambda statement: statement, reveals_reserved=False, **wanted):
        calendar = queries.calendar_of(seeded, queries.organisation(seeded))
        return ResponseTimes(seeded, TimesFilter(**wanted), calendar, today, scope, reveals_reserved=reveals_reserved)

    return build


def shown(report):
    """Return the rows as one dictionary a case, by heading."""
    return [dict(zip(TITLES, cells, strict=True)) for cells in report.rows()]


def one(report):
    (row,) = shown(report)
    return row


def days(row):
    """Return the four stages, the total and what the clock stood still."""
    return [row[title] for title in TITLES[14:20]]


# ── Rows worked by hand ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_over_christmas_and_new_year(life, control):
    """19 December 2025 + 15: not 25 December, 1 January nor 12 January (Reyes)."""
    life.case("2025-12-19", "2025-12-22", "2026-01-09", "2026-01-14", "2026-01-16")

    row = one(control())

    assert days(row) == [1, 12, 2, 2, 15, None]
    assert (row["Legal due date"], row["In time"], row["Days late"]) == (date(2026, 1, 14), True, None)
    assert row["Hand-overs"] == "22/12 Facturación; 14/01/2026 Atención al cliente (PQR)"
    assert (row["First routed"], row["Process"]) == (date(2025, 12, 22), "Facturación")


def test_a_case_over_holy_week_that_is_one_day_late(life, control):
    """27 March 2026 + 15 without 2 and 3 April is 21 April; it was answered on the 22nd."""
    life.case("2026-03-27", "2026-03-30", "2026-04-20", "2026-04-22")

    row = one(control())

    assert days(row) == [1, 13, 2, None, 16, None]
    assert (row["Legal due date"], row["In time"], row["Days late"]) == (date(2026, 4, 21), False, 1)


def test_a_case_that_was_stopped_and_resumed(life, control):
    """Evidence from 5 to 17 June 2026 holds six business days; 20 in all less 6 are 14 of the 15."""
    pqr = life.case("2026-06-01", "2026-06-02")
    life.step(stop, pqr, "Visita", "Auto 12", day="2026-06-05")
    life.step(requirements.close_evidence, pqr, "Acta de visita", day="2026-06-17")
    life.step(operations.solve, pqr, "Se revisó", Outcome.GRANTED, day="2026-07-01")
    life.step(operations.mark_answered, pqr, day="2026-07-02")

    row = one(control())

    assert days(row) == [1, 18, 1, None, 20, 6]
    assert (row["Legal due date"], row["In time"], row["Days late"]) == (date(2026, 7, 3), True, None)


def test_while_the_clock_stands_still_there_is_no_due_date_and_no_verdict(life, control):
    pqr = life.case("2026-07-01", "2026-07-02")
    life.step(stop, pqr, "Visita", "Auto 12", day="2026-07-03")

    row = one(control())

    assert (row["Legal due date"], row["In time"], row["Days late"], row["Of these, clock stopped"]) == (None, None, None, 5)
    assert control().summary().of(Timeliness.RUNNING) == 1


def test_a_case_of_a_sunday_counts_from_the_working_day_on_which_it_counts_as_filed(life, control):
    """12 July 2026 is a Sunday before a holiday: it counts as filed on the 14th, and 15 days later is 5 August."""
    life.case("2026-07-12", "2026-07-14", "2026-08-04", "2026-08-05")

    row = one(control(date(2026, 8, 20)))

    assert row["Received"] == datetime(2026, 7, 12, 10)
    assert row["Counts as filed"] == date(2026, 7, 14)
    assert days(row) == [0, 14, 1, None, 15, None]
    assert row["In time"] is True


def test_an_open_case_in_term_has_no_verdict_and_past_it_is_late_so_far(life, control):
    life.case("2026-06-01")

    assert one(control(date(2026, 6, 24)))["In time"] is None
    row = one(control(TODAY))
    assert (row["In time"], row["Days late"], row["Answer"], row["Days in total"]) == (False, 11, None, None)
    assert (row["Process"], row["First routed"], row["Hand-overs"]) == ("Atención al cliente (PQR)", None, None)


def test_every_hand_over_is_there_and_the_last_process_answers(life, control, make):
    pqr = life.case("2026-07-01", "2026-07-02")
    life.step(operations.return_to_desk, pqr, "No es nuestro", day="2026-07-03")
    life.step(operations.route, pqr, make.process("TECNICA"), "Es suyo", day="2026-07-06")

    row = one(control())

    assert row["Hand-overs"] == "02/07 Facturación; 03/07 Atención al cliente (PQR); 06/07 Subgerencia técnica operativa"
    assert (row["First routed"], row["Process"]) == (date(2026, 7, 2), "Subgerencia técnica operativa")


def test_a_case_that_is_voided_is_shown_and_not_counted(life, control):
    life.step(operations.void, life.case("2026-06-01"), "Repetida", day="2026-06-02")
    life.case("2026-07-01", "2026-07-02", "2026-07-03", "2026-07-06")

    report = control()
    rows = shown(report)

    assert [row["In time"] for row in rows] == [None, True]
    assert {figure.label: figure.value for figure in report.totals()}[_("Not counted in the share")] == f"1 · {_(PqrStatus.VOIDED.value)}"
    assert (report.summary().n, report.summary().n_judged, report.summary().share_in_time) == (2, 1, Decimal(100))


# ── Who is shown ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_anonymous_case_says_so(life, control):
    life.case("2026-07-01", identity=Identity.ANONYMOUS, party=None)

    assert one(control(reveals_reserved=True))["Petitioner"] == _("Anonymous petitioner")


def test_a_reserved_identity_is_masked_unless_the_reader_may_know_it(life, control, a_party):
    life.case("2026-07-01", identity=Identity.RESERVED, party=a_party(name="Nombre Secreto"))

    assert "Secreto" not in str(one(control()))
    assert one(control(reveals_reserved=True))["Petitioner"] == "Nombre Secreto"


# ── One query ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def many(life):
    """Cases of every kind: answered in time and late, open in term and late, stopped, voided."""
    cases = [
        life.case("2025-12-19", "2025-12-22", "2026-01-09", "2026-01-14", "2026-01-16"),
        life.case("2026-03-27", "2026-03-30", "2026-04-20", "2026-04-22"),
        life.case("2026-06-01"),
        life.case("2026-07-01", "2026-07-02", process="TECNICA"),
        life.case("2026-07-02", "2026-07-02", "2026-07-03", "2026-07-06", request_type="QUEJA"),
        life.case("2026-07-03"),
        life.case("2026-07-06", "2026-07-07", identity=Identity.ANONYMOUS, party=None),
    ]
    life.step(stop, cases[3], "Visita", "Auto 12", day="2026-07-06")
    life.step(operations.void, cases[5], "Repetida", day="2026-07-03")
    return cases


WANTED = [
    {},
    {"since": date(2026, 1, 1)},
    {"since": date(2026, 7, 1), "until": date(2026, 7, 2)},
    {"period": "answered", "since": date(2026, 1, 14), "until": date(2026, 4, 22)},
    {"period": "due", "until": date(2026, 6, 30)},
    {"timeliness": Timeliness.IN_TIME},
    {"timeliness": Timeliness.LATE},
    {"timeliness": Timeliness.RUNNING},
    {"timeliness": Timeliness.NOT_COUNTED},
]


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_the_figures_of_the_database_are_those_of_the_rows(many, control, wanted):
    report = control(**wanted)
    n_rows = len(list(report.rows()))

    assert report.summary().n == n_rows
    assert report.summary() == report._written
    assert {cells[0] for cells in report.rows()} == {cells[0] for cells in report.page(None, 100)[0]}


def test_each_filter_finds_its_cases(many, control, seeded):
    def found(**wanted):
        return [row["Number"] for row in shown(control(**wanted))]

    def numbers(*indexes):
        return [many[index].number for index in indexes]

    billing = seeded.scalars(select(Process.id).where(Process.code == "FACTURACION")).one()
    desk = seeded.scalars(select(Process.id).where(Process.is_front_desk)).one()
    assert found(since=date(2026, 7, 1), until=date(2026, 7, 2)) == numbers(3, 4)
    assert found(period="answered", since=date(2026, 1, 14), until=date(2026, 4, 22)) == numbers(0, 1)
    assert found(period="due", until=date(2026, 6, 30)) == numbers(0, 1, 2)
    assert found(process_id=billing) == numbers(0, 1, 4, 6)
    assert found(process_id=desk) == numbers(2, 5)
    assert found(request_type_id=many[4].request_type_id) == numbers(4)
    assert found(timeliness=Timeliness.IN_TIME) == numbers(0, 4)
    assert found(timeliness=Timeliness.LATE) == numbers(1, 2)
    assert found(timeliness=Timeliness.RUNNING) == numbers(3, 6)
    assert found(timeliness=Timeliness.NOT_COUNTED) == numbers(5)


def test_pages_follow_one_another_without_gap_or_repetition(many, control):
    report, seen, key = control(), [], None
    while True:
        rows, key = report.page(key, 2)
        seen += [cells[0] for cells in rows]
        if key is None:
            break

    assert seen == [pqr.number for pqr in reversed(many)]


def test_rows_cost_two_statements_a_thousand_cases(many, control, count_statements):
    report = control()
    with count_statements() as statements:
        assert len(list(report.rows())) == len(many)

    assert len(statements) == 2


def test_rows_stream_in_batches(many, control, monkeypatch, count_statements):
    monkeypatch.setattr("app.reports.response_times.BATCH", 3)
    report = control()
    with count_statements() as statements:
        assert [cells[0] for cells in report.rows()] == [pqr.number for pqr in many]

    assert len(statements) == 1 + 3


def test_the_scope_limits_rows_and_figures_alike(many, control):
    report = control(scope=lambda statement: statement.where(Pqr.number == many[1].number))

    assert [row["Number"] for row in shown(report)] == [many[1].number]
    assert report.summary().n == 1
    assert len(report.page(None, 10)[0]) == 1


# ── Excel, cell by cell ───────────────────────────────────────────────────────────────────────────────────────────────────


def counted(calendar, start, end):
    """Return the business days after *start* up to *end*, by walking them."""
    if start is None or end is None:
        return None
    return sum(calendar.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def expected(pqr, calendar):
    """Return the row of *pqr* from its own facts, counted the slow way."""
    lines = pqr.assignments
    routed = next((line.in_on for line in lines if not line.process.is_front_desk), None)
    ends = [pqr.effective_on, routed, pqr.solved_on, pqr.answered_on, pqr.notified_on]
    stages = []
    for index, day in enumerate(ends[1:], 1):
        before = next((earlier for earlier in reversed(ends[:index]) if earlier), None)
        stages.append(counted(calendar, before, day))
    is_open = pqr.status in {PqrStatus.RECEIVED, PqrStatus.ROUTED, PqrStatus.SOLVED}
    late = counted(calendar, pqr.due_on, pqr.answered_on or TODAY) if pqr.due_on and pqr.status is not PqrStatus.VOIDED else 0
    verdict = _("Yes") if pqr.answered_on and not late else _("No") if late and (pqr.answered_on or is_open) else None
    held = [line.process for line in lines if not line.process.is_front_desk]
    stop = next((event.on for event in pqr.events if event.clock), None)
    days = [date_and_time(day) for day in (pqr.solved_on, pqr.answered_on, pqr.notified_on)]
    return [
        pqr.number, local(pqr.filed_at).replace(tzinfo=None), date_and_time(pqr.effective_on),
        pqr.party.name if pqr.party else _("Anonymous petitioner"),
        pqr.account.number if pqr.account else None, pqr.service.name if pqr.service else None, pqr.request_type.name,
        f"{pqr.cause.group_code} {pqr.cause.code} · {pqr.cause.name}" if pqr.cause else None, (held[-1] if held else pqr.process).name,
        date_and_time(routed), "; ".join(f"{day_month(line.in_on, pqr)} {line.process.name}" for line in lines[1:]) or None, *days,
        *stages, counted(calendar, pqr.effective_on, pqr.answered_on), counted(calendar, stop, TODAY) if stop else None,
        date_and_time(pqr.due_on), verdict, late or None, _(pqr.status.value),
    ]  # fmt: skip


def date_and_time(day):
    return datetime(day.year, day.month, day.day) if day else None


def day_month(day, pqr):
    return f"{day:%d/%m}" if day.year == pqr.filed_on.year else f"{day:%d/%m/%Y}"


def test_every_cell_of_the_workbook_is_what_the_database_says(many, control, seeded, a_party, an_account, life):
    account = an_account(number="-77", party=a_party(name="@SUM(A1)"))
    cause = seeded.scalars(select(queries.SuiCause).order_by(queries.SuiCause.id)).first()
    many.append(life.case("2026-07-07", party=a_party(name="=1+1"), account=account, cause=cause))
    many.append(life.case("2026-07-08", party=account.party, subject="=1+1"))
    report, target = control(), io.BytesIO()

    n = write_xlsx(report, Cover("E.S.P.", ControlledFormat("R10-01-01", "1", "Control"), "", datetime(2026, 7, 10)), target)

    sheet = load_workbook(target).worksheets[1]
    calendar = queries.calendar_of(seeded, queries.organisation(seeded))
    seeded.expire_all()
    assert n == len(many)
    assert [cell.value for cell in sheet[1]] == [_(title) for title in TITLES]
    for line, pqr in zip(sheet.iter_rows(min_row=2), many, strict=True):
        assert [cell.value for cell in line] == expected(pqr, calendar), pqr.number
        assert {cell.data_type for cell in line if cell.value is not None} <= {"s", "n", "d"}
        assert all(cell.is_date for cell in line if isinstance(cell.value, datetime))
