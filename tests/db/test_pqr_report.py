"""The PQR report against the database: a table of cases by hand, and every figure of it written here."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask_babel import gettext as _
from sqlalchemy import Date, cast, literal, select
from werkzeug.datastructures import ImmutableMultiDict

from app import queries
from app.domain.states import Identity
from app.models import CalendarDay, Process
from app.operations import pqr as operations
from app.reports import pqr_report
from app.reports.base import Asked, Linked, Reader, unlinked
from app.reports.pqr_report import PqrForm, PqrReport, TooManyCases
from app.reports.pqr_sources import working_days
from tests.pqr_cases import Table, instant

AT = datetime(2026, 7, 10, 10)
SUMMER = {"period": "OTHER", "since": "2026-06-01", "until": "2026-07-31"}


@pytest.fixture
def table(seeded: Any, make: Any) -> dict[str, Any]:
    return Table(seeded, make).fill()


@pytest.fixture
def report(seeded: Any) -> Any:
    """report(**arguments of the address) → the report of 10 July for somebody who sees all."""

    def build(scope: Any = lambda statement: statement, reveals: bool = True, **args: str) -> PqrReport:
        reader = Reader(1, "Ana", lambda right, _view: reveals or right != "can_see_reserved", {"pqr": scope})
        form = PqrForm(ImmutableMultiDict(SUMMER | args))
        form.load(seeded, reader)
        assert form.validate(), form.errors
        return PqrReport(Asked(seeded, reader, form, queries.calendar_of(seeded, queries.organisation(seeded)), AT))

    return build


def part_of(report: PqrReport, key: str) -> Any:
    return next(part for part in report.parts() if part.key == key)


def rows_of(report: PqrReport, key: str) -> list[tuple[Any, ...]]:
    return [tuple(unlinked(value) for value in cells) for cells in part_of(report, key).rows()]


def figures_of(part: Any) -> list[Any]:
    return [figure.value for figure in part.figures]


def shown(report: PqrReport, key: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a part by the number of the case, each by heading."""
    part = part_of(report, key)
    titles = [column.title for column in part.header]
    return {cells[0]: dict(zip(titles, cells, strict=True)) for cells in part.rows()}


# ── The table by hand ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_headline_is_what_a_manager_asks_first(table, report):
    told = [figure.value for figure in report().headline()]

    assert told == [8, Decimal("40.0"), Decimal("11.5"), 3, 4, 3]


def test_three_sentences_say_the_three_parts(table, report):
    follow_up, proof, time = report().sentences()

    assert [int(n) for n in re.findall(r"\b\d+\b", follow_up.text)] == [8, 3, 1]
    assert [int(n) for n in re.findall(r"\b\d+\b", proof.text)] == [4, 7, 4]
    assert _("acknowledgement of receipt") in proof.text and "11" in time.text and "19" in time.text
    assert (follow_up.tone, proof.tone) == ("bad", "warn")
    assert report(since="2020-01-01", until="2020-01-31").sentences() == ()


def test_the_states_of_the_follow_up_add_up_to_all_cases(table, report):
    part = part_of(report(), "follow_up")

    assert figures_of(part) == [8, 2, 1, 3, 1, 1, 1]
    assert sum(figures_of(part)[1:6]) == 8 == part.n_rows() == len(list(part.rows()))


def test_each_row_of_the_follow_up_says_who_has_it_and_what_comes_next(table, report):
    rows = shown(report(), "follow_up")

    silent = rows[table["silent"].number]
    assert (silent["Business days left"], silent["Process"]) == (-11, "Atención al cliente (PQR)")
    assert silent["Next step"] == _("Route it to the process that answers")
    assert _("Past the legal term, in silence") in silent["Alerts"]
    foreign = rows[table["foreign"].number]
    assert (foreign["Legal due date"], foreign["Business days left"]) == (date(2026, 7, 24), 8)
    assert (foreign["Last move"], foreign["Day of the last move"]) == (_("Route to a process"), date(2026, 7, 2))
    assert foreign["Alerts"] is None
    stopped = rows[table["stopped"].number]
    assert (stopped["Legal due date"], stopped["Business days left"], stopped["State"]) == (None, None, _("Taking evidence"))
    assert rows[table["voided"].number]["Next step"] is None


def test_a_reserved_identity_and_an_anonymous_one_are_told_as_such(seeded, make, report):
    named = make.case("2026-07-01T10:00-05:00", party=make.party(name="Nombre Abierto"))
    hidden = make.case("2026-07-01T10:00-05:00", identity=Identity.RESERVED, party=make.party(name="Nombre Secreto"))
    nobody = make.case("2026-07-01T10:00-05:00", identity=Identity.ANONYMOUS, party=None)

    rows = shown(report(reveals=False), "follow_up")

    assert [rows[each.number]["Petitioner"] for each in (named, hidden, nobody)] == [
        "Nombre Abierto", _("Reserved identity"), _("Anonymous petitioner"),
    ]  # fmt: skip
    assert shown(report(), "follow_up")[hidden.number]["Petitioner"] == "Nombre Secreto"


def test_what_is_missing_is_counted_among_the_cases_that_should_have_it(table, report):
    """Of seven that count, one came from another register; the voided one is nobody's. Rated: the only closed one."""
    counted = [row[1:] for row in rows_of(report(), "missing")]

    assert counted == [
        (6, 4, Decimal("66.6")),  # acknowledgement of receipt: whole has paper, stopped was told by e-mail
        (4, 1, Decimal("25.0")),  # document: later has none; the act of recognition answers late
        (4, 2, Decimal("50.0")),  # notice: late and later
        (2, 1, Decimal("50.0")),  # proof: bare only has a note
        (4, 3, Decimal("75.0")),  # evidence: only whole has a file of the staff
        (1, 0, Decimal("0.0")),  # rating
    ]
    assert figures_of(part_of(report(), "missing")) == [7, 3, 4, 1]


def test_each_row_of_the_proof_says_what_it_has_and_what_it_lacks(table, report):
    part, rows = part_of(report(), "proof"), shown(report(), "proof")

    assert part.n_rows() == len(rows) == 7
    whole = rows[table["whole"].number]
    assert (whole["Acknowledgement of receipt"], whole["Document of the answer"]) == ("REC-1", "RES-2026-000001")
    assert len(whole["Fingerprint (SHA-256)"]) == 64
    assert (whole["Proof of the notice"], whole["Evidence files"], whole["Rating"], whole["What is missing"]) == (
        _("File attached"), 1, 4, None,
    )  # fmt: skip
    later = rows[table["later"].number]
    assert (later["Document of the answer"], later["Means of the notice"]) == (None, None)
    assert later["What is missing"].count(";") == 3
    assert rows[table["stopped"].number]["Acknowledgement of receipt"] == _("By e-mail")
    assert rows[table["foreign"].number]["What is missing"] is None


def test_the_times_of_each_stage_are_those_of_the_calendar(table, report):
    assert [row[1:] for row in rows_of(report(), "stages")] == [
        (6, Decimal("0.8"), Decimal("1.0"), 2, 2),  # desk: 1, 2, 1, 1, 0, 0
        (4, Decimal("8.8"), Decimal("9.0"), 16, 16),  # process: 5, 13, 16, 1
        (4, Decimal("1.3"), Decimal("1.0"), 2, 2),  # approval: 1, 1, 2, 1
        (4, Decimal("11.0"), Decimal("11.5"), 19, 19),  # filing to answer: 7, 16, 19, 2
        (2, Decimal("1.0"), Decimal("1.0"), 1, 1),  # notice
    ]


def test_in_time_late_running_and_not_counted_add_up_to_all(table, report):
    figures = figures_of(part_of(report(), "stages"))

    assert figures == [2, 3, 2, 1, Decimal("40.0"), Decimal("11.0"), Decimal("11.5"), 19]
    assert sum(figures[:4]) == 8


def test_the_groups_split_the_same_cases(table, report, seeded):
    names = dict(seeded.execute(select(Process.code, Process.name)).all())
    desk = seeded.scalars(select(Process.name).where(Process.is_front_desk)).one()

    by_process = {row[0]: row[1:] for row in rows_of(report(), "by_process")}

    assert by_process == {
        names["FACTURACION"]: (4, 2, 1, 1, 0, Decimal("66.6"), Decimal("9.3"), Decimal("7.0"), 19, 19),
        names["TECNICA"]: (2, 0, 1, 1, 0, Decimal("0.0"), Decimal("16.0"), Decimal("16.0"), 16, 16),
        desk: (2, 0, 1, 0, 1, Decimal("0.0"), None, None, None, None),
    }
    assert [row[1] for row in rows_of(report(), "by_type")] == [7, 1]
    assert [row[1] for row in rows_of(report(), "by_cause")] == [6, 2]
    assert [row[1:6] for row in rows_of(report(), "by_month")] == [(4, 1, 3, 0, 0), (4, 1, 0, 2, 1)]


def test_the_late_ones_lie_in_bands_of_business_days(table, report):
    part = part_of(report(), "late")

    assert [row[1:] for row in rows_of(report(), "late")] == [(1, 0, 1), (1, 0, 1), (0, 0, 0), (0, 1, 1)]
    assert figures_of(part) == [3]


def test_what_is_not_counted_is_listed_with_its_reason(table, report):
    (row,) = rows_of(report(), "excluded")

    assert (row[0], row[4]) == (table["voided"].number, date(2026, 7, 3))
    assert row[5:] == (_("Its number was voided"), "Repetida")


def test_what_was_written_of_a_reserved_case_is_for_whoever_may_know_it(seeded, make, report):
    pqr = make.case("2026-07-01T10:00-05:00", identity=Identity.RESERVED, party=make.party(name="Nombre Secreto"))
    operations.void(seeded, pqr, "La repitió Nombre Secreto", at=instant("07-02"), actor_id=None)

    assert rows_of(report(), "excluded")[0][6] == "La repitió Nombre Secreto"
    for part in report(reveals=False).parts():
        assert "Secreto" not in str(list(part.rows()))


def test_what_somebody_has_to_look_at_is_told_the_gravest_first(table, report, seeded):
    rows = shown(report(), "follow_up")

    assert rows[table["silent"].number]["Alerts"] == f"{_('Recognise the silence by %(day)s', day='27/06/2026')}; " + _(
        "Past the legal term, in silence"
    )
    assert rows[table["bare"].number]["Alerts"] == _("The term to appeal is over: it may be closed")
    table["foreign"].is_priority, table["foreign"].priority_reason = True, "Embarazada"
    table["foreign"].due_on, table["foreign"].safe_on = date(2026, 7, 14), date(2026, 7, 10)
    seeded.flush()
    assert shown(report(), "follow_up")[table["foreign"].number]["Alerts"] == f"{_('Its safe date is here')}; {_('Priority')}"


def test_the_silences_are_listed_with_the_act_that_recognised_them(table, report):
    rows, part = shown(report(), "silences"), part_of(report(), "silences")

    assert figures_of(part) == [3, 2, 1]
    assert set(rows) == {table[name].number for name in ("late", "later", "silent")}
    late = rows[table["late"].number]
    assert (late["Silence arose"], late["Recognised"], late["Act"]) == (date(2026, 6, 25), date(2026, 7, 10), "SIL-2026-0001")
    assert {number for number, row in rows.items() if row["To be recognised"]} == {table["later"].number, table["silent"].number}


# ── What narrows it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_period_may_be_that_of_the_answer_or_of_the_due_date(table, report):
    june = {"since": "2026-06-01", "until": "2026-06-30"}

    def found(**args: str) -> set[str]:
        numbers = {row[0] for row in rows_of(report(**args), "follow_up")}
        return {name for name, pqr in table.items() if pqr.number in numbers}

    assert found(**june) == {"bare", "late", "later", "silent"}
    assert found(by="answered", **june) == {"bare", "late"}
    assert found(by="due", **june) == {"bare", "late", "later", "silent"}
    assert found(by="due", since="2026-07-01", until="2026-07-31") == {"whole", "foreign", "voided"}


def test_every_filter_narrows_figures_and_rows_alike(table, report, seeded):
    billing = str(seeded.scalars(select(Process.id).where(Process.code == "FACTURACION")).one())
    kind = str(table["stopped"].request_type_id)
    channel = str(table["stopped"].channel_id)

    for args, n in (({"answers": billing}, 4), ({"request_type": kind}, 1), ({"channel": channel}, 8)):
        narrowed = report(**args)
        assert narrowed.headline()[0].value == n == len(rows_of(narrowed, "follow_up"))


def test_a_filter_that_does_not_exist_is_told_beside_its_field(seeded):
    form = PqrForm(ImmutableMultiDict({"answers": "nada", "by": "closed"}))
    form.load(seeded, Reader(1, "Ana", lambda *_right: True, {}))

    assert not form.validate()
    assert set(form.errors) == {"answers", "by"}


def test_the_scope_of_the_reader_narrows_every_part(table, report, seeded):
    technical = seeded.scalars(select(Process.id).where(Process.code == "TECNICA")).one()

    mine = report(scope=lambda statement: statement.where(queries.answering_process() == technical))

    numbers = {table[name].number for name in ("late", "foreign")}
    assert mine.headline()[0].value == 2
    for key in ("follow_up", "proof"):
        assert {row[0] for row in rows_of(mine, key)} == numbers
    assert [row[0] for row in rows_of(mine, "silences")] == [table["late"].number]
    assert rows_of(mine, "excluded") == []


def test_a_period_without_cases_has_neither_rows_nor_plots(table, report):
    empty = report(since="2020-01-01", until="2020-01-31")

    assert [figure.value for figure in empty.headline()] == [0, "—", "—", 0, 0, 0]
    for part in empty.parts():
        assert part.plots == ()
        assert part.n_rows is None or (part.n_rows() == 0 and part.first(25) == [])
        assert list(part.rows()) == []


def test_the_page_of_a_part_is_the_beginning_of_its_rows(table, report):
    for part in report().parts():
        if part.first is not None:
            assert part.first(3) == list(part.rows())[:3]


def test_a_row_whose_group_has_none_links_the_empty_value(table, report):
    (name, n, *_more), = [cells for cells in part_of(report(), "by_cause").rows() if cells[0] == _("Not stated")]  # fmt: skip

    assert isinstance(n, Linked) and n.value == 6
    assert "cause=empty" in n.path and name


def test_more_cases_than_can_be_added_up_are_refused_before_any_is_read(table, report, monkeypatch):
    monkeypatch.setattr(pqr_report, "MOST_READ", 7)

    with pytest.raises(TooManyCases):
        report().parts()
    assert report(answers=str(table["late"].process_id)).headline()[0].value < 8


# ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_whole_report_costs_six_statements_however_many_cases(table, report, count_statements, make, seeded):
    def read() -> int:
        one = report()
        with count_statements() as statements:
            one.headline()
            for part in one.parts():
                if part.first:
                    part.first(25)
                else:
                    list(part.rows())
        return len(statements)

    few = read()
    for _n in range(30):
        make.case("2026-07-03T10:00-05:00")
    seeded.flush()

    assert read() == few == 6


# ── The days of the database are those of the calendar ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("week", [range(5), range(6), (0, 2, 6)], ids=str)
def test_the_database_counts_the_same_working_days_as_the_calendar(seeded, week):
    off = seeded.scalars(select(CalendarDay.on)).all()
    dice = random.Random(9)
    years = {day.year for day in off}
    first = date(min(years), 1, 1)
    for _n in range(60):
        after = first + timedelta(dice.randrange(700))
        until = after + timedelta(dice.randrange(60))
        walked = (after + timedelta(n) for n in range(1, (until - after).days + 1))
        expected = sum(day.weekday() in week and day not in off for day in walked)
        ends = (literal(after, Date), literal(until, Date))
        after_, until_ = (cast(end, Date) if seeded.get_bind().dialect.name == "postgresql" else end for end in ends)

        assert seeded.scalar(select(working_days(seeded, after_, until_, set(week)))) == expected
